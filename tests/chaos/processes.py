"""The processes of an experiment: the server as a user starts it, those who attack it, and one client who means well."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, Queue
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from tests.chaos.crowd import PATH
from tests.raw import PATIENCE, get
from tests.server_process import ServerProcess

DOME = {"device_type": "dome", "device_number": 0, "device_driver": "DomeSimulator"}
LOOPBACK = ("--listen", "tcp:0:interface=127.0.0.1", "--discovery-port", "off")


@contextmanager
def server(
    drivers: Sequence[Mapping[str, Any]] = (DOME,), options: Sequence[str] = LOOPBACK, **settings: Any
) -> Iterator[ServerProcess]:
    """A server in a child process, for as long as it is needed."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "config.json").write_text(json.dumps({"drivers": list(drivers), "server": settings}))
        made = ServerProcess(["--config", "config.json", *options], folder)
        try:
            assert made.ready
            yield made
        finally:
            made.terminate()


def put(address: str, path: str, **form: Any) -> Any:
    """PUT a form; the envelope of the answer."""
    with urlopen(Request(f"http://{address}/api/v1/{path}", urlencode(form).encode(), method="PUT"), timeout=PATIENCE) as answer:
        return json.load(answer)


def descriptors(process: ServerProcess) -> int:
    """How many files and sockets it has open."""
    return len(os.listdir(f"/proc/{process.pid}/fd"))


def memory(process: ServerProcess) -> float:
    """How much memory it has, in MB."""
    for line in Path(f"/proc/{process.pid}/status").read_text().split("\n"):
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("no VmRSS")


class Good:
    """A client that asks one thing after another, on one connection."""

    ASKED = get(PATH)

    def __init__(self, address: str, source: str = "127.0.0.1") -> None:
        self._address, self._source = address, source
        self._socket = self._connected()

    def _connected(self) -> socket.socket:
        host, _, port = self._address.rpartition(":")
        made = socket.create_connection((host, int(port)), PATIENCE, (self._source, 0))
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made

    def ask(self) -> float:
        """Seconds until the answer was there; AssertionError if it is not what it should be."""
        return self._timed(self._socket)

    def ask_anew(self) -> float:
        """The same with a connection of its own, made and closed."""
        began = time.perf_counter()
        with self._connected() as fresh:
            self._timed(fresh)
            return time.perf_counter() - began

    def _timed(self, connection: socket.socket) -> float:
        began = time.perf_counter()
        connection.sendall(self.ASKED)
        answer = connection.recv(4096)
        took = time.perf_counter() - began
        if not answer.startswith(b"HTTP/1.1 200 ") or not answer.endswith(b'"ErrorMessage":""}'):
            raise AssertionError(answer)
        return took

    def for_a_while(self, seconds: float) -> list[float]:
        """How long each answer took."""
        ends = time.perf_counter() + seconds
        took = []
        while time.perf_counter() < ends:
            took.append(self.ask())
        return took

    def meanwhile(self, crowd: Crowd) -> list[float]:
        """How long each answer took until the crowd says something."""
        took = []
        while not crowd.has_said():
            took.append(self.ask())
        return took


class Crowd:
    """Clients who mean no good, in a process of their own; what they say are JSON objects, one a line."""

    def __init__(self, kind: str, address: str, *more: object, within: Sequence[str] = ()) -> None:
        self._kind = kind
        command = [*within, sys.executable, "-m", "tests.chaos.crowd", kind, address, *map(str, more)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        self._lines: Queue[str] = Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)

    def has_said(self) -> bool:
        """Whether there is something it said."""
        return not self._lines.empty()

    def said(self, seconds: float = 120.0) -> Any:
        """What it says next; AssertionError if it does not."""
        try:
            return json.loads(self._lines.get(timeout=seconds))
        except Empty:
            raise AssertionError(f"the crowd is silent: {self._kind}") from None

    def stop(self) -> Any:
        """Have it stop; what it says then."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        said = self.said()
        self._process.wait(PATIENCE)
        return said
