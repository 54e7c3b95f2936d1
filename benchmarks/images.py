"""
What an image costs: its conversion, its way to a client, the memory for that, and what other devices feel of it.

Everything is compared with something plain in the same run, turn by turn: a blocking socket that sends the same bytes, numpy's
own transposed copy, json.dumps, another device's answers when nothing else happens. The server is a child process, as users
start it.
"""

from __future__ import annotations

import json
import multiprocessing
import socket
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from benchmarks.accounting import resident
from benchmarks.camera import picture
from benchmarks.servers import Running, configured, running
from pylpaca import imagebytes
from pylpaca.frames import prepared

WIDTH, HEIGHT = 9576, 6388  # 61 megapixels
ROUNDS = 5
PROBES = 1500  # GETs of the other device for one p99
BUFFER = 1 << 20


class Client:
    """One keep-alive connection that throws away what it reads, as fast as it can."""

    def __init__(self, address: str) -> None:
        host, _, port = address.partition(":")
        self._socket = socket.create_connection((host, int(port)))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = bytearray(BUFFER)

    def send(self, verb: str, path: str, accept: str = "", body: str = "") -> None:
        lines = [f"{verb} /api/v1/{path} HTTP/1.1", "Host: bench", f"Content-Length: {len(body)}"]
        lines += [f"Accept: {accept}"] if accept else []
        self._socket.sendall(("\r\n".join([*lines, "", ""]) + body).encode())

    def length(self) -> int:
        """Read an answer to its end; how many bytes it had."""
        read = self._into(self._buffer)
        while b"\r\n\r\n" not in self._buffer[:2000]:
            read += self._into(memoryview(self._buffer)[read:])
        head, _, _ = bytes(self._buffer[:2000]).partition(b"\r\n\r\n")
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        if b"content-length" in fields:
            wanted = len(head) + 4 + int(fields[b"content-length"])
            while read < wanted:
                read += self._into(self._buffer)
            return wanted
        last = bytes(self._buffer[max(0, read - 7) : read])  # chunked: it ends in an empty chunk
        while not last.endswith(b"\r\n0\r\n\r\n"):
            count = self._into(self._buffer)
            read += count
            last = (last + bytes(self._buffer[max(0, count - 7) : count]))[-7:]
        return read

    def _into(self, buffer: Any) -> int:
        count = self._socket.recv_into(buffer)
        if not count:
            raise ConnectionError("the server closed the connection")
        return count

    def get(self, path: str, accept: str = "") -> int:
        self.send("GET", path, accept)
        return self.length()

    def says(self, path: str) -> bool:
        """Whether a member is true."""
        return b'"Value":true' in self._buffer[: self.get(path)]

    def put(self, path: str, body: str) -> int:
        self.send("PUT", path, body=body)
        return self.length()


def seconds(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def in_turn(**works: Callable[[], Any]) -> dict[str, float]:
    """The median seconds of each, all of them in turn in each round, after one round that does not count."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(ROUNDS + 1):
        for name, work in works.items():
            took = seconds(work)
            if turn:
                times[name].append(took)
    return {name: statistics.median(each) for name, each in times.items()}


@contextmanager
def server() -> Iterator[Running]:
    """pylpaca with the two cameras and a neighbour."""
    camera = "benchmarks.camera:PictureCamera"
    sizes = [{}, {"width": 1000, "height": 1000}]
    drivers: list[dict[str, Any]] = [
        {"device_type": "camera", "device_number": number, "device_driver": camera, "driver_config": size, "deadline": 60.0}
        for number, size in enumerate(sizes)
    ]
    drivers.append({"device_type": "focuser", "device_number": 0, "device_driver": "FocuserSimulator"})
    with running(configured({"drivers": drivers}), Path(sys.executable)) as found:
        client = Client(found.address)
        expose(client, 0)
        expose(client, 1)
        yield found


def expose(client: Client, number: int, during: float = 0.0) -> None:
    """Make the picture ready, again and again for so many seconds; return when it can be fetched."""
    client.put(f"camera/{number}/startexposure", f"Duration={during}&Light=True")
    while not client.says(f"camera/{number}/imageready"):
        time.sleep(0.05)


def bare_server(port: Any, count: int) -> None:
    """A blocking socket that sends so many bytes for each line it is sent."""
    body = memoryview(cast(Any, prepared(picture(WIDTH, HEIGHT)).pixels)).cast("B")[: count - 44]
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port.send(listening.getsockname()[1])
        connection, _ = listening.accept()
        with connection:
            while connection.recv(1):
                connection.sendall(bytes(44))
                connection.sendall(body)


def conversion() -> None:
    raster = picture(WIDTH, HEIGHT)
    took = in_turn(ours=lambda: prepared(raster), numpys=lambda: raster.T.tobytes())
    tell("conversion of 61 Mpix uint16", took["ours"], "numpy's .T.tobytes()", took["numpys"])


def transfer(address: str) -> None:
    count = 44 + 2 * WIDTH * HEIGHT
    here, there = multiprocessing.Pipe()
    process = multiprocessing.Process(target=bare_server, args=(there, count), daemon=True)
    process.start()
    bare = socket.create_connection(("127.0.0.1", here.recv()))
    buffer = bytearray(BUFFER)
    client = Client(address)

    def from_bare() -> None:
        bare.sendall(b"\n")
        left = count
        while left:
            left -= bare.recv_into(buffer)

    took = in_turn(ours=lambda: client.get("camera/0/imagearray", imagebytes.TYPE), bare=from_bare)
    bare.close()
    process.join()
    ours_rate, bare_rate = count / took["ours"] / 1e6, count / took["bare"] / 1e6
    ratio = ours_rate / bare_rate
    print(f"transfer of 61 Mpix uint16: {ours_rate:,.0f} MB/s, a bare blocking socket {bare_rate:,.0f} MB/s: {ratio:.2f}")


def as_json(address: str) -> None:
    raster, client = picture(1000, 1000), Client(address)
    took = in_turn(ours=lambda: client.get("camera/1/imagearray"), plain=lambda: json.dumps(raster.T.tolist()))
    tell("JSON of 1 Mpix, with its way to the client", took["ours"], "json.dumps(array.T.tolist())", took["plain"])
    frame = prepared(picture(WIDTH, HEIGHT))
    pieces = imagebytes.json_pieces(frame, b'{"Value":[]}')
    longest = max(seconds(lambda: next(pieces)) for _ in range(WIDTH * HEIGHT // imagebytes.PIXELS))
    print(f"the longest piece of JSON of 61 Mpix keeps the reactor for {1000 * longest:.2f} ms")


def memory(process: Running, clients: int) -> None:
    """Of a server that has sent no image yet."""
    frame = 2 * WIDTH * HEIGHT
    connections = [Client(process.address) for _ in range(clients)]
    before = resident(process.pid, "VmRSS")
    Path(f"/proc/{process.pid}/clear_refs").write_text("5")  # the peak is counted anew
    threads = [threading.Thread(target=each.get, args=("camera/0/imagearray", imagebytes.TYPE)) for each in connections]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    extra = resident(process.pid, "VmHWM") - before
    print(f"extra peak memory while sending to {clients}: {extra / 1e6:.1f} MB, {extra / frame:.3f} of the frame")


def keep(address: str, path: str, accept: str, stop: Any) -> None:
    """In a process of its own: fetch the same thing again and again."""
    client = Client(address)
    while not stop.is_set():
        client.get(path, accept)


def latencies(address: str) -> list[float]:
    """Of another device's GETs, one every millisecond or so, in milliseconds."""
    client, found = Client(address), []
    for _ in range(PROBES):
        found.append(1000 * seconds(lambda: client.get("focuser/0/position")))
        time.sleep(0.001)
    return sorted(found)


def neighbour(address: str) -> None:
    def idle() -> list[float]:
        return latencies(address)

    def while_fetching(path: str, accept: str) -> list[float]:
        stop = multiprocessing.Event()
        process = multiprocessing.Process(target=keep, args=(address, path, accept, stop), daemon=True)
        process.start()
        try:
            return latencies(address)
        finally:
            stop.set()
            process.join()

    def while_converting() -> list[float]:
        client = Client(address)
        client.put("camera/0/startexposure", "Duration=3&Light=True")
        found = latencies(address)
        while not client.says("camera/0/imageready"):
            time.sleep(0.05)
        return found

    states: dict[str, Callable[[], list[float]]] = {
        "idle": idle,
        "sending 61 Mpix": lambda: while_fetching("camera/0/imagearray", imagebytes.TYPE),
        "sending 61 Mpix as JSON": lambda: while_fetching("camera/0/imagearray", ""),
        "converting 61 Mpix": while_converting,
    }
    p99: dict[str, list[float]] = {name: [] for name in states}
    longest: dict[str, list[float]] = {name: [] for name in states}
    for _ in range(ROUNDS):
        for name, state in states.items():
            found = state()
            p99[name].append(found[int(0.99 * len(found))])
            longest[name].append(found[-1])
    idle_p99 = statistics.median(p99["idle"])
    for name in states:
        middle = statistics.median(p99[name])
        print(
            f"another device's GET while {name}: p99 {middle:.2f} ms, {middle / idle_p99:.1f} of idle; "
            f"longest {statistics.median(longest[name]):.1f} ms"
        )


def tell(what: str, ours: float, than: str, plain: float) -> None:
    print(f"{what}: {1000 * ours:.0f} ms, {than} {1000 * plain:.0f} ms: {ours / plain:.2f}")


def main() -> None:
    """Print every figure."""
    conversion()
    for clients in (1, 4):
        with server() as process:
            memory(process, clients)
    with server() as process:
        transfer(process.address)
        as_json(process.address)
        neighbour(process.address)


if __name__ == "__main__":
    main()
