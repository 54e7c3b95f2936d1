"""
A night in ten minutes: many clients, many connections, images, and clients that misbehave; then what was lost and what has grown.

    python -m tests.soak                 # ten minutes; exit status 1 if anything is not as it should be
    python -m tests.soak --seconds 60
"""

from __future__ import annotations

import json
import random
import socket
import struct
import sys
import tempfile
import threading
import time
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pylpaca.roster import simulators
from tests.server_process import ServerProcess

CALLS, CONNECTIONS, IMAGES = 1_000_000, 10_000, 500  # in ten minutes
GROWTH = 5e6  # bytes of memory after the first tenth of the time
POLLERS, TOGETHER = 4, 10  # connections that are kept, and requests that are sent at once on each
WIDTH, HEIGHT = 1000, 1000
SETTINGS = {"camera": {"CameraXSize": WIDTH, "CameraYSize": HEIGHT, "readout_seconds": 0}}
READ = (  # what is polled, and what its value is
    ("telescope/0/rightascension", (int, float)),
    ("telescope/0/declination", (int, float)),
    ("telescope/0/tracking", bool),
    ("dome/0/azimuth", (int, float)),
    ("dome/0/shutterstatus", int),
    ("focuser/0/position", int),
    ("filterwheel/0/position", int),
    ("rotator/0/position", (int, float)),
    ("safetymonitor/0/issafe", bool),
    ("switch/0/maxswitch", int),
    ("observingconditions/0/temperature", (int, float)),
    ("covercalibrator/0/coverstate", int),
    ("camera/0/camerastate", int),
    ("telescope/0/devicestate", list),
)
FAULTS = (  # what clients send that then go away, or are refused
    b"GET /api/v1/telescope/0/rightascension HTTP/1.1\r\nHost: x\r\n",
    b"GET /api/v1/camera/0/imagearray HTTP/1.1\r\nHost: x\r\nAccept: application/imagebytes\r\n\r\n",
    b"PUT /api/v1/focuser/0/move HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\nPosition=",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"GET /" + b"a" * 20_000,
    b"PUT /api/v1/dome/0/slewtoazimuth HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nAzimuth=x",
)


PAUSE = threading.Event()  # never set: for waiting


@dataclass
class Tally:
    """What was done and what was found, by all threads."""

    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, what: str, count: int = 1) -> None:
        with self._lock:
            self.counts[what] += count

    def found(self, sentence: str) -> None:
        """Something that should not be."""
        with self._lock:
            self.wrong.append(sentence)


class Connection:
    """One connection, which reads answers that say their length."""

    def __init__(self, address: str) -> None:
        host, _, port = address.partition(":")
        self._socket = socket.create_connection((host, int(port)), timeout=20)
        self._file = self._socket.makefile("rb")

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def answer(self) -> tuple[int, bytes]:
        status = int(self._file.readline().split()[1])
        length = 0
        while (line := self._file.readline()) not in (b"\r\n", b""):
            name, _, text = line.partition(b":")
            length = int(text) if name.lower() == b"content-length" else length
        return status, self._file.read(length)

    def json(self, verb: str, path: str, **form: Any) -> Any:
        body = "&".join(f"{name}={value}" for name, value in form.items())
        query = f"?{body}" if verb == "GET" and body else ""
        self.send(request(verb, path + query, "" if verb == "GET" else body))
        status, answer = self.answer()
        if status != 200:
            raise AssertionError(f"{verb} {path}: {status} {answer!r}")
        return json.loads(answer)

    def close(self) -> None:
        self._file.close()
        self._socket.close()


def request(verb: str, path: str, body: str = "", accept: str = "application/json") -> bytes:
    head = f"{verb} /api/v1/{path} HTTP/1.1\r\nHost: soak\r\nAccept: {accept}\r\nContent-Length: {len(body)}\r\n\r\n"
    return (head + body).encode()


def checked(tally: Tally, path: str, kind: Any, transaction: int, status: int, body: bytes) -> None:
    """One answer to a GET."""
    tally.add("calls")
    answer = json.loads(body) if status == 200 else {}
    value = answer.get("Value")
    right = answer.get("ClientTransactionID") == transaction and answer.get("ErrorNumber") == 0 and isinstance(value, kind)
    if not right:
        tally.found(f"GET {path} as transaction {transaction}: {status} {body[:200]!r}")


def poll(address: str, tally: Tally, until: float, seed: int) -> None:
    """A program that polls, some requests at once on a connection that it keeps."""
    chance, transaction, connection = random.Random(seed), 0, Connection(address)
    while time.monotonic() < until:
        asked = []
        for path, kind in chance.choices(READ, k=TOGETHER):
            transaction += 1
            asked.append((path, kind, transaction))
        connection.send(
            b"".join(request("GET", f"{path}?ClientID={seed}&ClientTransactionID={number}") for path, _, number in asked)
        )
        for path, kind, number in asked:
            checked(tally, path, kind, number, *connection.answer())
    connection.close()


def come_and_go(address: str, tally: Tally, until: float) -> None:
    """Scripts that open a connection for each call."""
    chance, transaction = random.Random(1), 0
    while time.monotonic() < until:
        path, kind = chance.choice(READ)
        transaction += 1
        connection = Connection(address)
        connection.send(request("GET", f"{path}?ClientTransactionID={transaction}"))
        checked(tally, path, kind, transaction, *connection.answer())
        connection.close()
        tally.add("connections")
        PAUSE.wait(0.02)


def take_images(address: str, tally: Tally, until: float) -> None:
    """A program that exposes and fetches, again and again."""
    connection = Connection(address)
    while time.monotonic() < until:
        connection.json("PUT", "camera/0/startexposure", Duration=0.05, Light=True)
        while not connection.json("GET", "camera/0/imageready")["Value"]:
            tally.add("calls")
            PAUSE.wait(0.02)
        connection.send(request("GET", "camera/0/imagearray?ClientTransactionID=77", accept="application/imagebytes"))
        status, body = connection.answer()
        head = struct.unpack_from("<11i", body)
        if (status, len(body), head[:3], head[8:10]) != (200, 44 + 2 * WIDTH * HEIGHT, (1, 0, 77), (WIDTH, HEIGHT)):
            tally.found(f"an image: {status}, {len(body)} bytes, {head}")
        tally.add("images")
        tally.add("calls", 2)
        PAUSE.wait(0.6)
    connection.close()


def misbehave(address: str, tally: Tally, until: float) -> None:
    """Clients that go away in the middle, and what is no request."""
    host, _, port = address.partition(":")
    chance, kept = random.Random(2), []
    while time.monotonic() < until:
        with suppress(OSError):
            client = socket.create_connection((host, int(port)), timeout=5)
            client.sendall(chance.choice(FAULTS))
            kept.append(client)
            tally.add("faults")
        if len(kept) >= 20:
            for each in kept:
                each.close()
            kept = []
        PAUSE.wait(0.1)


def watched(process: ServerProcess, seconds: float) -> Iterator[tuple[int, int]]:
    """Memory and file descriptors of the server, in bytes and number, twenty times."""
    for _ in range(20):
        PAUSE.wait(seconds / 20)
        status = Path(f"/proc/{process.pid}/status").read_text()
        resident = int(next(line for line in status.splitlines() if line.startswith("VmRSS:")).split()[1]) * 1024
        yield resident, len(list(Path(f"/proc/{process.pid}/fd").iterdir()))


def soak(folder: Path, seconds: float) -> tuple[Tally, float, int]:
    """What was done and found, how much memory has grown after the first tenth of the time, and how many descriptors are left."""
    entries = [each.entry.model_dump(exclude_none=True) for each in simulators().devices]
    for entry in entries:
        entry["driver_config"] = SETTINGS.get(entry["device_type"], {})
    (folder / "config.json").write_text(json.dumps({"drivers": entries}))
    options = ["--config", "config.json", "--listen", "tcp:0:interface=127.0.0.1", "--discovery-port", "off"]
    process = ServerProcess(options, folder)
    try:
        tally, address = Tally(), process.address
        first = Connection(address)
        for entry in entries:
            first.json("PUT", f"{entry['device_type']}/0/connected", Connected=True)
        idle = len(list(Path(f"/proc/{process.pid}/fd").iterdir()))
        until = time.monotonic() + seconds
        works: list[tuple[Callable[..., None], tuple[Any, ...]]] = [(poll, (seed,)) for seed in range(1, POLLERS + 1)]
        works += [(come_and_go, ()), (take_images, ()), (misbehave, ())]
        threads = [threading.Thread(target=_told, args=(tally, work, address, tally, until, *more)) for work, more in works]
        for each in threads:
            each.start()
        seen = list(watched(process, seconds))
        for each in threads:
            each.join()
        grown = seen[-1][0] - max(resident for resident, _ in seen[:2])
        PAUSE.wait(min(12.0, seconds))  # half requests are given up
        left = len(list(Path(f"/proc/{process.pid}/fd").iterdir())) - idle
        first.close()
        unhandled = [line for line in process.lines if "Traceback" in line or "Unhandled" in line]
        for line in unhandled:
            tally.found(f"in the log: {line}")
        return tally, grown, left
    finally:
        if process.terminate() != 0:
            tally.found("the server did not end with 0")


def _told(tally: Tally, work: Callable[..., None], *arguments: Any) -> None:
    try:
        work(*arguments)
    except Exception as error:
        tally.found(f"{work.__name__} ended: {type(error).__name__}: {error}")


def main() -> int:
    """Print what was done and found."""
    parser = ArgumentParser("python -m tests.soak")
    parser.add_argument("--seconds", type=float, default=600)
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory() as name:
        tally, grown, left = soak(Path(name), seconds)
    share = seconds / 600
    missed = list(tally.wrong[:20])
    for what, wanted in (("calls", CALLS), ("connections", CONNECTIONS), ("images", IMAGES)):
        print(f"{what}: {tally.counts[what]:,} (of {round(share * wanted):,})")
        if tally.counts[what] < share * wanted:
            missed.append(f"too few {what}")
    print(f"faults: {tally.counts['faults']:,}")
    print(f"wrong answers: {len(tally.wrong)}")
    print(f"memory grown by {grown / 1e6:.1f} MB after the first tenth, {left} descriptors more than before")
    if grown > GROWTH:
        missed.append("memory grows")
    if left > 0:
        missed.append("descriptors are left open")
    for sentence in missed:
        print(f"NOT RIGHT: {sentence}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
