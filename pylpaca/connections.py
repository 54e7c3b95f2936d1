"""Connections: how many there may be, how long a request may take to arrive, and what is said to one that is refused."""

# Facts (Twisted 26.10, seen with raw sockets)
#   Each byte that arrives restarts the idle time-out, so a head that trickles in lives for ever; a line that is too long closes
#   the connection without a word; connections are not counted, and the one that finds no file descriptor left is reset.
#   A socket that is closed while something unread waits in it is reset, and the client may not see what was said last.

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from twisted.internet.interfaces import IDelayedCall, IHalfCloseableDescriptor, ISSLTransport
from twisted.internet.protocol import Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel

from pylpaca.network import address_of

log = Logger()

SPARE_FILES = 64  # of the file descriptors of the program: serial ports, discovery, the log, state


def farewell(status: int, sentence: str) -> bytes:
    """An answer that ends a connection on which no request came together."""
    body = sentence.encode() + b"\n"
    head = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nContent-Type: text/plain; charset=utf-8\r\n"
    return head.encode() + b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body


class PatientChannel(HTTPChannel):
    """One connection: patient between requests, not while one arrives."""

    HEAD_WITHIN = 10.0  # seconds, from the first byte of a request to the end of its head; of the first one, from the connection
    BODY_WITHIN = 30.0
    LINGER = 2.0  # seconds for a client to read what was said last

    site: Any  # set by the site, as callLater is
    callLater: Callable[..., IDelayedCall]

    _expiry: IDelayedCall | None = None
    _refused = False

    def connectionMade(self) -> None:
        super().connectionMade()
        self.site.open_connections.add(self)
        self.site.census.add(self.peer)
        self._expect(self.HEAD_WITHIN, "the head of a request was not complete after {:g} s")

    @property
    def peer(self) -> str:
        """The client's address."""
        transport: Any = self.transport
        return str(getattr(transport.getPeer(), "host", ""))

    def dataReceived(self, data: bytes) -> None:
        if self._refused:
            return
        if self._expiry is None and not self._handlingRequest:
            self._expect(self.HEAD_WITHIN, "the head of a request was not complete after {:g} s")
        super().dataReceived(data)

    def allHeadersReceived(self) -> None:
        self._expect(self.BODY_WITHIN, "the body of a request was not complete after {:g} s")
        super().allHeadersReceived()

    def allContentReceived(self) -> None:
        self._expected()
        super().allContentReceived()

    def requestDone(self, request: Any) -> None:
        more = bool(self._dataBuffer)  # of the next request, which came before this one was answered
        super().requestDone(request)
        if more and self.persistent and not self._handlingRequest and self._expiry is None:
            self._expect(self.HEAD_WITHIN, "the head of a request was not complete after {:g} s")

    def lineLengthExceeded(self, line: bytes) -> None:
        if self.requests:
            self._refuse(431, f"a header is longer than {self.MAX_LENGTH} bytes")
        else:
            self._refuse(414, f"the first line of a request is longer than {self.MAX_LENGTH} bytes")

    def end_soon(self) -> None:
        """Take no other request; end when what was asked is answered, at once if nothing was."""
        if not self._handlingRequest:
            self.loseConnection()
        else:
            self.persistent = False
            self.requests[0].responseHeaders.setRawHeaders(b"connection", [b"close"])

    def end_now(self) -> None:
        """End, whatever is still to be said."""
        transport: Any = self.transport
        transport.abortConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.site.open_connections.remove(self)
        self._expected()
        self.site.census.remove(self.peer)
        super().connectionLost(reason)

    def _respondToBadRequestAndDisconnect(self) -> None:
        self._refuse(400, "this is no HTTP request that can be read; a path of this server starts with http://")

    def _refuse(self, status: int, sentence: str) -> None:
        if self._refused:
            return
        self._refused = True
        self._expected()
        self.setTimeout(None)
        say_farewell(self.transport, farewell(status, sentence), self.callLater, self.LINGER)

    def _expect(self, seconds: float, sentence: str) -> None:
        self._expected()
        self._expiry = self.callLater(seconds, self._expired, sentence.format(seconds))

    def _expected(self) -> None:
        if self._expiry is not None and self._expiry.active():
            self._expiry.cancel()
        self._expiry = None

    def _expired(self, sentence: str) -> None:
        self._expiry = None
        self._refuse(408, sentence)


def say_farewell(transport: Any, text: bytes, call_later: Any, linger: float) -> None:
    """Say something, say no more, and leave the client a moment to read it."""
    transport.write(text)
    if _can_close_half(transport):
        transport.loseWriteConnection()
        call_later(linger, transport.abortConnection)
    else:
        transport.loseConnection()


def _can_close_half(transport: Any) -> bool:
    return bool(IHalfCloseableDescriptor.providedBy(transport)) and not ISSLTransport.providedBy(transport)


@dataclass
class Census:
    """Counts the connections there are."""

    most: int
    most_of_one: int  # of one client

    def __post_init__(self) -> None:
        self._of: Counter[str] = Counter()
        self.count = 0
        self._told = False

    def add(self, peer: str) -> None:
        """One more."""
        self.count += 1
        self._of[_client(peer)] += 1

    def remove(self, peer: str) -> None:
        """One less."""
        self.count -= 1
        client = _client(peer)
        self._of[client] -= 1
        if not self._of[client]:
            del self._of[client]
        if self.count < self.most // 2:
            self._told = False

    def too_much(self, peer: str) -> str:
        """Why this client can have no other connection, or "" if it can."""
        if self._of[_client(peer)] >= self.most_of_one:
            sentence = f"you have {self.most_of_one} connections, and one client may have no more (max_connections_per_peer)"
        elif self.count >= self.most:
            sentence = f"this server has {self.most} connections, and takes no more (max_connections)"
        else:
            return ""
        if not self._told:  # once for each time that there are too many
            self._told = True
            log.warn("a connection of {peer} is refused: {sentence}", peer=peer, sentence=sentence)
        return sentence + "; close some, or use one for many requests"


def _client(peer: str) -> str:
    return str(address_of(peer) or peer)


class TooMany(Protocol):
    """A connection that there is no room for, not even for a moment."""

    def __init__(self, sentence: str) -> None:
        self._sentence = sentence

    def connectionMade(self) -> None:
        assert self.transport is not None
        self.transport.write(farewell(503, self._sentence))
        self.transport.loseConnection()


def room_for(most: int) -> int:
    """How many connections this program can have: as many as are wanted, if the system gives it so many file descriptors."""
    if sys.platform == "win32":
        return most
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = most + SPARE_FILES
    if soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return min(most, soft - SPARE_FILES)
