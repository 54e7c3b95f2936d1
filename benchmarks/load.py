"""
Makes load, in a process of its own: `python -m benchmarks.load` reads a Job as JSON and prints a Measured as JSON.

Requests are built before; every answer is checked, for one that is wrong makes a figure worthless. It needs nothing but the
standard library, so that it can run beside any server without disturbing it.
"""

from __future__ import annotations

import gc
import json
import os
import re
import select
import socket
import sys
import time
from array import array
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks.accounting import cpu_seconds, waited_seconds

FIRST_ID = 10_000  # of ClientTransactionID; all have five digits
TURNS = 500  # different requests of a client, at least, before it begins again
READ_ALL_OF = 97  # of so many answers one is read as JSON, all others are searched for what must be there
ENVELOPE = ("ClientTransactionID", "ServerTransactionID", "ErrorNumber", "ErrorMessage")
PATIENCE = 20.0  # seconds for one answer
HEADERS = "User-Agent: python-requests/2.32.5\r\nAccept-Encoding: gzip, deflate\r\nAccept: */*\r\n"  # as ASCOM's Python client
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@dataclass(frozen=True)
class Ask:
    """One thing to ask; with a form it is a PUT."""

    path: str  # below /api/v1/
    form: str = ""


@dataclass(frozen=True)
class Job:
    """
    A load.

    :param asks: what each client asks, one after another, again and again.
    :param pids: the server's processes.
    :param connected: requests on one connection; False: each on one of its own.
    :param interval: seconds between two requests of a client; 0: the next one is sent when the last one is answered.
    :param keys: what every answer holds.
    """

    port: int
    asks: Sequence[Ask]
    pids: Sequence[int]
    clients: int = 16
    connected: bool = True
    interval: float = 0.0
    seconds: float = 1.0
    warm_up: float = 0.3
    keys: Sequence[str] = ENVELOPE


@dataclass(frozen=True)
class Measured:
    """What it cost."""

    answers: int = 0
    seconds: float = 0.0
    server_cpu: float = 0.0
    own_work: float = 0.0  # seconds for which this generator had something to do
    p50: float = 0.0  # seconds
    p99: float = 0.0
    waited: float = 0.0  # seconds for which the server could not have its core
    skipped: int = 0  # requests that were due while the client still waited
    wrong: str = ""  # why the figures are worthless

    @property
    def cpu_per_request(self) -> float:
        return self.server_cpu / self.answers

    @property
    def per_second(self) -> float:
        return self.answers / self.seconds

    @property
    def is_held_back(self) -> bool:
        """Whether the load was all that this generator can make, so that the server could do more."""
        return self.own_work > 0.97 * self.seconds


class WrongAnswerError(Exception):
    """An answer that is not what was asked for."""


def request(ask: Ask, client: int, transaction: int, connected: bool) -> bytes:
    """What is sent; its headers are those of a real client."""
    ids = f"ClientID={client}&ClientTransactionID={transaction}"
    connection = "keep-alive" if connected else "close"
    if ask.form:
        body = f"{ask.form}&{ids}"
        kind = f"Content-Length: {len(body)}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        start = f"PUT /api/v1/{ask.path}"
    else:
        body, kind = "", ""
        start = f"GET /api/v1/{ask.path}?{ids}"
    return f"{start} HTTP/1.1\r\nHost: 127.0.0.1:11111\r\n{HEADERS}Connection: {connection}\r\n{kind}\r\n{body}".encode()


class Checker:
    """Knows what a right answer looks like: quickly for each, thoroughly for some."""

    def __init__(self, asks: Sequence[Ask], keys: Sequence[str]) -> None:
        self._asks, self._keys = asks, keys
        self._count = 0
        self._error = self._transaction = b""

    def whole(self, data: bytes) -> bool:
        """Whether an answer is complete."""
        end = data.find(b"\r\n\r\n")
        if end < 0:
            return False
        found = LENGTH.search(data, 0, end)
        if found is None:
            raise WrongAnswerError(f"an answer does not say its length: {data[:end]!r}")
        missing = end + 4 + int(found[1]) - len(data)
        if missing < 0:
            raise WrongAnswerError(f"an answer is longer than it says: {data!r}")
        return not missing

    def check(self, data: bytes, turn: int) -> None:
        """Raise WrongAnswerError unless this answers the request of that turn."""
        if not self._count % READ_ALL_OF:
            self._read(data, turn)
        self._count += 1
        if not (data.startswith(b"HTTP/1.1 200 ") and self._error in data and self._transaction % (FIRST_ID + turn) in data):
            raise WrongAnswerError(f"to turn {turn}: {data!r}")

    def _read(self, data: bytes, turn: int) -> None:
        body = data.partition(b"\r\n\r\n")[2]
        try:
            answer = json.loads(body)
        except ValueError:
            raise WrongAnswerError(f"this is no JSON: {data!r}") from None
        ask = self._asks[turn % len(self._asks)]
        keys = {*self._keys, *([] if ask.form else ["Value"])}
        if not keys <= answer.keys() or answer.get("ErrorNumber") or answer["ClientTransactionID"] != FIRST_ID + turn:
            raise WrongAnswerError(f"to {ask}: {data!r}")
        space = b" " if b'"ClientTransactionID": ' in body else b""
        self._error = b'"ErrorNumber":%b0' % space if "ErrorNumber" in keys else b""
        self._transaction = b'"ClientTransactionID":%b%%d' % space


@dataclass
class Client:
    """One client and the request it waits for."""

    requests: list[bytes]
    turn: int
    began: float = 0.0
    data: bytes = b""
    waiting: bool = False
    sock: socket.socket = field(default_factory=socket.socket)


class Generator:
    """All clients of a job."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._checker = Checker(job.asks, job.keys)
        self._turns = len(job.asks) * -(-TURNS // len(job.asks))
        self._poll = select.epoll()
        self._by_fd: dict[int, Client] = {}
        self._latencies = array("d")
        self._skipped = 0
        self._clients = []
        for number in range(job.clients):
            client_id = 1000 + number
            requests = [
                request(job.asks[turn % len(job.asks)], client_id, FIRST_ID + turn, job.connected) for turn in range(self._turns)
            ]
            self._clients.append(Client(requests, turn=number * 37 % self._turns))

    def measured(self) -> Measured:
        """Run the job; what is wrong ends it."""
        run = self._run if self._job.connected else self._run_unconnected
        if self._job.connected:
            for client in self._clients:
                self._connect(client)
        pids = list(self._job.pids)
        try:
            run(self._job.warm_up)
            del self._latencies[:]
            self._skipped = 0
            gc.collect()
            gc.disable()
            waited, own = waited_seconds(pids), self._own_work()
            began, cpu = time.perf_counter(), cpu_seconds(pids)
            run(self._job.seconds)
            seconds, cpu = time.perf_counter() - began, cpu_seconds(pids) - cpu
            waited, own = waited_seconds(pids) - waited, self._own_work() - own
        except (WrongAnswerError, OSError) as error:
            return Measured(wrong=f"{type(error).__name__}: {error}")
        found = sorted(self._latencies)
        p50, p99 = (found[int(share * len(found))] for share in (0.5, 0.99))
        return Measured(len(found), seconds, cpu, own, p50, p99, waited, self._skipped)

    def _own_work(self) -> float:
        return cpu_seconds([os.getpid()]) + waited_seconds([os.getpid()])

    def _connect(self, client: Client) -> None:
        client.sock = socket.create_connection(("127.0.0.1", self._job.port), PATIENCE)
        client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._by_fd[client.sock.fileno()] = client
        self._poll.register(client.sock, select.EPOLLIN)

    def _send(self, client: Client) -> None:
        client.turn = (client.turn + 1) % self._turns
        client.data = b""
        client.waiting = True
        client.began = time.perf_counter()
        client.sock.send(client.requests[client.turn])

    def _answered(self, client: Client, data: bytes) -> bool:
        """Whether an answer has come, of which this is the next piece."""
        now = time.perf_counter()
        if client.data:
            data = client.data + data
        if not self._checker.whole(data):
            client.data = data
            return False
        self._latencies.append(now - client.began)
        self._checker.check(data, client.turn)
        client.waiting = False
        return True

    def _ready(self, within: float | None = None) -> list[Client]:
        """Those that something has come for; an answer must come if no time is given."""
        found = [self._by_fd[fd] for fd, _ in self._poll.poll(PATIENCE if within is None else within)]
        if not found and within is None:
            raise WrongAnswerError(f"no answer for {PATIENCE:.0f} s")
        return found

    def _receive(self, client: Client) -> bytes:
        data = client.sock.recv(65536)
        if not data and self._job.connected:
            raise WrongAnswerError("the server closed the connection")
        return data

    def _run(self, seconds: float) -> None:
        """Load on connections that are kept, for so long."""
        if self._job.interval:
            self._run_paced(seconds)
            return
        until = time.perf_counter() + seconds
        waiting = len(self._clients)
        for client in self._clients:
            self._send(client)
        while waiting:
            for client in self._ready():
                if self._answered(client, self._receive(client)):
                    if client.began < until:
                        self._send(client)
                    else:
                        waiting -= 1

    def _run_paced(self, seconds: float) -> None:
        """The clients take turns, evenly; who still waits for an answer when it is its turn again leaves that out."""
        step = self._job.interval / len(self._clients)
        due = time.perf_counter()
        until = due + seconds
        order = deque(self._clients)
        while due < until or any(client.waiting for client in self._clients):
            now = time.perf_counter()
            while due <= now and due < until:
                if order[0].waiting:
                    self._skipped += 1
                else:
                    self._send(order[0])
                order.rotate(-1)
                due += step
            for client in self._ready(max(0.0, min(due, until) - now) if due < until else None):
                self._answered(client, self._receive(client))

    def _run_unconnected(self, seconds: float) -> None:
        """Each request on a connection of its own, which the server closes when it has answered."""
        until = time.perf_counter() + seconds
        for client in self._clients:
            self._send_on_new(client)
        while self._by_fd:
            for client in self._ready():
                data = self._receive(client)
                if data:
                    self._answered(client, data)
                    continue
                if client.waiting:
                    raise WrongAnswerError("the server closed the connection")
                del self._by_fd[client.sock.fileno()]
                client.sock.close()
                if client.began < until:
                    self._send_on_new(client)

    def _send_on_new(self, client: Client) -> None:
        began = time.perf_counter()
        self._connect(client)
        self._send(client)
        client.began = began


def main() -> None:
    """Do one job."""
    said: dict[str, Any] = json.load(sys.stdin)
    asks = [Ask(**each) for each in said.pop("asks")]
    print(json.dumps(asdict(Generator(Job(asks=asks, **said)).measured())))


if __name__ == "__main__":
    main()
