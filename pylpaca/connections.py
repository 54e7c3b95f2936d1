"""Connections: how many there may be, how long a request may take to arrive, and what is said to one that is refused."""

# Facts (Twisted 26.10, seen with raw sockets)
#   Each byte that arrives restarts the idle time-out, so a head that trickles in lives for ever; a line that is too long closes
#   the connection without a word; connections are not counted, and the one that finds no file descriptor left is reset.
#   A request is answered even if its client takes none of the answers before it, which then pile up.
#   A socket that is closed while something unread waits in it is reset, and the client may not see what was said last. After its
#   half was closed it still reads: whoever refuses has to see to it that what follows is not taken for a request.
#   A TLS connection whose handshake does not end cannot be closed, only aborted.

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Protocol

from twisted.internet.interfaces import IDelayedCall, IHalfCloseableDescriptor, ISSLTransport
from twisted.internet.protocol import Protocol as TwistedProtocol
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel

from pylpaca.network import PEERS, address_of, client_of

log = Logger()

SPARE_FILES = 128  # of the file descriptors of the program: serial ports, discovery, the log, state, connections that are refused


def farewell(status: int, sentence: str) -> bytes:
    """An answer that ends a connection on which no request came together."""
    body = sentence.encode() + b"\n"
    head = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nContent-Type: text/plain; charset=utf-8\r\n"
    return head.encode() + b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body


class PatientChannel(HTTPChannel):
    """
    One connection: patient between requests, not while one arrives.

    :ivar peer: the client's address.
    :ivar client: the same; an IPv4 client has one address whichever family the server listens on.
    """

    HEAD_WITHIN = 10.0  # seconds, from the first byte of a request to the end of its head; of the first one, from the connection
    BODY_WITHIN = 30.0
    LINGER = 2.0  # seconds for a client to read what was said last

    site: Any  # set by the site, as callLater is
    callLater: Callable[..., IDelayedCall]

    _expiry: IDelayedCall | None = None
    _turn: IDelayedCall | None = None
    _refused = False

    def connectionMade(self) -> None:
        transport: Any = self.transport
        self.peer = str(getattr(transport.getPeer(), "host", ""))
        self.client = client_of(self.peer)
        super().connectionMade()
        self.site.open_connections.add(self)
        self.site.census.add(self)
        self._expect_head()

    def dataReceived(self, data: bytes) -> None:
        if self._refused:
            return
        super().dataReceived(data)
        if self._expiry is None and self._is_in_midst():
            if self.line_mode:
                self._expect_head()
            else:
                self._expect(self.BODY_WITHIN, "the body of a request was not complete after {:g} s")

    def _is_in_midst(self) -> bool:
        """Whether a request has begun to arrive, and its client is who has to go on."""
        has_begun = bool(self._buffer or self.requests)
        return has_begun and not (self._busyReceiving or self._handlingRequest or self.paused or self._refused)

    def headerReceived(self, line: bytes) -> bool:
        try:
            return bool(super().headerReceived(line))
        except ValueError:  # a length with thousands of digits
            self._respondToBadRequestAndDisconnect()
            return False

    def allHeadersReceived(self) -> None:
        self._expected()
        super().allHeadersReceived()

    def allContentReceived(self) -> None:
        if self._refused:  # in the midst of this body
            return
        self._expected()
        self.site.census.asks(self)
        super().allContentReceived()

    def requestDone(self, request: Any) -> None:
        self.site.census.waits(self)
        goes_on = bool(self.persistent)
        has_more = goes_on and (bool(self._buffer) or any(self._dataBuffer))
        self.paused = has_more or (goes_on and self._waitingForTransport)
        super().requestDone(request)
        if self.paused:
            self._networkProducer.pauseProducing()
        if has_more and not self._waitingForTransport:
            self._turn = self.callLater(0, self._go_on)  # after all others, who may have asked for one thing only

    def resumeProducing(self) -> None:
        super().resumeProducing()
        if self.paused:  # until the client took what it had asked for
            self._go_on()

    def _go_on(self) -> None:
        self._turn = None
        self.paused = False
        self.dataReceived(b"")
        if not (self.paused or self._is_ending()):
            self._networkProducer.resumeProducing()

    def _is_ending(self) -> bool:
        transport: Any = self.transport
        return bool(transport.disconnecting)

    def lineLengthExceeded(self, line: bytes) -> None:
        if self.requests:
            self.refuse(431, f"a header is longer than {self.MAX_LENGTH} bytes")
        else:
            self.refuse(414, f"the first line of a request is longer than {self.MAX_LENGTH} bytes")

    def end_soon(self) -> None:
        """Take no other request; end when what was asked is answered, at once if nothing was."""
        if self._is_ending():  # its last answer is said, and not yet taken
            return
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
        if self._turn is not None:
            self._turn.cancel()
        self.site.census.remove(self)
        super().connectionLost(reason)

    def refuse(self, status: int, sentence: str) -> None:
        """Say why, and take nothing more from this client."""
        if self._refused:
            return
        self._refused = True
        self.clearLineBuffer()
        self._expected()
        self.setTimeout(None)
        self.site.refused(self.peer, status, sentence)
        say_farewell(self.transport, farewell(status, sentence), self.callLater, self.LINGER)

    def give_way(self) -> None:
        """End a connection whose place is needed."""
        self._refused = True
        transport: Any = self.transport
        transport.abortConnection()

    def _respondToBadRequestAndDisconnect(self) -> None:
        if self._receivedHeaderSize > self.totalHeadersSize:
            self.refuse(431, f"the head of a request is longer than {self.totalHeadersSize} bytes")
        else:
            self.refuse(400, "this is no HTTP request that can be read; a path of this server starts with http://")

    def _expect_head(self) -> None:
        self._expect(self.HEAD_WITHIN, "the head of a request was not complete after {:g} s")

    def _expect(self, seconds: float, sentence: str) -> None:
        self._expiry = self.callLater(seconds, self._expired, sentence.format(seconds))

    def _expected(self) -> None:
        if self._expiry is not None:
            self._expiry.cancel()
        self._expiry = None

    def _expired(self, sentence: str) -> None:
        self._expiry = None
        self.refuse(408, sentence)


def say_farewell(transport: Any, text: bytes, call_later: Any, linger: float) -> None:
    """Say something, say no more, and leave the client a moment to read it."""
    transport.write(text)
    if _can_close_half(transport):
        transport.loseWriteConnection()
    else:
        transport.loseConnection()
    call_later(linger, transport.abortConnection)


def _can_close_half(transport: Any) -> bool:
    return bool(IHalfCloseableDescriptor.providedBy(transport)) and not ISSLTransport.providedBy(transport)


class Connected(Protocol):
    """A connection, as it is counted."""

    @property
    def peer(self) -> str:
        """The client's address."""

    def give_way(self) -> None:
        """End it."""


@dataclass
class Census:
    """
    Counts the connections there are, and knows which of them wait for their clients to ask something.

    When there are as many as there may be, a newcomer takes the place of one that waits: of the oldest that has never asked
    anything, or of the one that has asked nothing more for longest, whichever are more. So nobody keeps others out by holding
    connections open, and who does that without asking takes nothing from those who ask now and then.
    """

    most: int
    most_of_one: int  # of one client
    seconds: Callable[[], float]

    TELL_EVERY = 60.0  # seconds, however much there is to tell

    def __post_init__(self) -> None:
        self.count = 0
        self._of: Counter[str] = Counter()
        self._strangers: dict[Connected, None] = {}  # the oldest first
        self._idle: dict[Connected, None] = {}  # the one that has waited for longest first
        self._told: float | None = None

    def add(self, connection: Connected) -> None:
        """One more."""
        self.count += 1
        self._of[_client(connection.peer)] += 1
        self._strangers[connection] = None

    def asks(self, connection: Connected) -> None:
        """A request is whole, and will be answered."""
        self._strangers.pop(connection, None)
        self._idle.pop(connection, None)

    def waits(self, connection: Connected) -> None:
        """Everything is answered that this one has asked."""
        self._idle[connection] = None

    def asked(self, connection: Connected) -> None:
        """A request that was whole is answered."""
        self.asks(connection)
        self.waits(connection)

    def remove(self, connection: Connected) -> None:
        """One less."""
        self.asks(connection)
        self.count -= 1
        client = _client(connection.peer)
        self._of[client] -= 1
        if not self._of[client]:
            del self._of[client]

    def too_much(self, peer: str) -> str:
        """Why this client can have no other connection, or "" if it can."""
        if self._of[_client(peer)] >= self.most_of_one:
            sentence = f"you have {self.most_of_one} connections, and one client may have no more (max_connections_per_peer)"
        elif self.count >= self.most and not self._makes_room():
            sentence = f"this server has {self.most} connections, and takes no more (max_connections)"
        else:
            return ""
        self._tell("a connection of {peer} is refused: {sentence}", peer=peer, sentence=sentence)
        return sentence + "; close some, or use one for many requests"

    def _makes_room(self) -> bool:
        many = self._strangers if len(self._strangers) >= len(self._idle) else self._idle
        waiting = next(iter(many), None)
        if waiting is None:
            return False
        self._tell("there are {most} connections: new ones take the place of those that wait (max_connections)", most=self.most)
        self.asks(waiting)
        waiting.give_way()
        return True

    def _tell(self, words: str, **named: Any) -> None:
        now = self.seconds()
        if self._told is None or now - self._told >= self.TELL_EVERY:
            self._told = now
            log.warn(words, **named)


@lru_cache(PEERS)
def _client(peer: str) -> str:
    return str(address_of(peer) or peer)


class TooMany(TwistedProtocol):
    """A connection that there is no room for, not even for a moment."""

    def __init__(self, sentence: str) -> None:
        self._sentence = sentence

    def connectionMade(self) -> None:
        transport: Any = self.transport
        if ISSLTransport.providedBy(transport):  # a word would have to wait for the handshake
            transport.abortConnection()
        else:
            transport.write(farewell(503, self._sentence))
            transport.loseConnection()


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
