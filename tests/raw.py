"""HTTP as bytes: what a client that nobody wrote with care may send, and the answers in what comes back."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass

from pylpaca.testing import Answer

PATIENCE = 20.0  # seconds for a server to say something that it is bound to say


def request(start: str, *headers: str, body: bytes = b"") -> bytes:
    """A request; its length is not counted for it."""
    return "\r\n".join([start, *headers, "", ""]).encode("latin-1") + body


def get(path: str, *headers: str) -> bytes:
    """A GET that is right in all else."""
    return request(f"GET {path} HTTP/1.1", "Host: x", *headers)


def put(path: str, body: bytes, *headers: str) -> bytes:
    """A PUT that is right in all else."""
    return request(f"PUT {path} HTTP/1.1", "Host: x", f"Content-Length: {len(body)}", *headers, body=body)


def answers_in(said: bytes) -> list[Answer]:
    """Every answer in what a server said; AssertionError if there is anything else in it."""
    found = []
    while said:
        head, end, rest = said.partition(b"\r\n\r\n")
        if not end or not head.startswith(b"HTTP/1."):
            raise AssertionError(said)
        first, *lines = head.decode().split("\r\n")
        headers = {name.lower(): text.strip() for name, _, text in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", 0))
        if len(rest) < length:
            raise AssertionError(said)
        found.append(Answer(int(first.split(" ")[1]), headers, rest[:length]))
        said = rest[length:]
    return found


@dataclass(frozen=True)
class Tcp:
    """A client's end of a connection over a real socket."""

    socket: socket.socket

    @classmethod
    def to(cls, address: str, source: str = "127.0.0.1") -> Tcp:
        """A new connection, from any address of loopback."""
        host, _, port = address.rpartition(":")
        made = socket.create_connection((host, int(port)), PATIENCE, (source, 0))
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return cls(made)

    def send(self, pieces: Iterable[bytes]) -> None:
        """Send pieces, each in a packet of its own unless the system joins them; what the server does not take is not sent."""
        try:
            for piece in pieces:
                self.socket.sendall(piece)
        except ConnectionError:
            pass

    def rest(self) -> bytes:
        """All that the server says until it closes."""
        said = b""
        try:
            while data := self.socket.recv(1 << 16):
                said += data
        except ConnectionError:
            said += b"(reset)"
        finally:
            self.socket.close()
        return said

    def rest_while_sending(self, again: bytes) -> bytes:
        """All that the server says until it closes, while something is sent again and again."""
        self.socket.settimeout(0.1)
        said = b""
        for _ in range(round(PATIENCE / 0.1)):
            try:
                data = self.socket.recv(1 << 16)
                if not data:
                    break
                said += data
            except TimeoutError:
                self.send([again])
            except ConnectionError:
                said += b"(reset)"
                break
        self.socket.close()
        return said


def until_open(host: str, port: int) -> None:
    """Wait until somebody listens there; AssertionError if nobody does."""
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        with socket.socket() as probe:
            probe.settimeout(0.2)
            if probe.connect_ex((host, port)) == 0:
                return
            select.select([], [], [], 0.05)
    raise AssertionError(f"nobody listens on {host}:{port}")
