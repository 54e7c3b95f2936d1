"""Sending a large answer in pieces, as fast as the client takes them and no faster."""

# Facts (measured; Twisted 26.10)
#   A transport joins what is written to it before the system takes it, and hands over 128 KiB in a turn of the reactor: an image
#   written at once is copied twice, which stops everything else meanwhile; written in pieces it goes at 0.6 times the speed of a
#   bare blocking socket. What the system takes of the pixels directly is copied nowhere: that goes at 1.4 times its speed.
#   A consumer asks a streaming producer to pause as soon as it holds more than 64 KiB, and to resume when all of it is gone.

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer, IReactorTime
from twisted.internet.tcp import Connection
from zope.interface import implementer

PIECE = 1 << 17  # bytes that are written to the transport in a turn
DIRECTLY = 1 << 22  # bytes that the system is offered before that: what it has room for, which others wait a millisecond for


@implementer(IPushProducer)
class Sending:
    """
    One body under way to one client; nothing of it is held once it is sent or the client is gone.

    :param pieces: of a body whose length was said, buffers of any size; else bytes, each sent in one.
    :param directly: bytes that the system is offered in a turn; fewer where a piece is work.
    :ivar done: fires when the last piece was handed over; who cancels it ends the sending.
    """

    PATIENCE = 300.0  # seconds in which a client has to take what it was sent last, before its connection is closed

    def __init__(
        self,
        request: Any,
        pieces: Iterator[bytes | memoryview],
        clock: IReactorTime,
        has_length: bool,
        directly: int = DIRECTLY,
    ) -> None:
        self._request, self._pieces, self._has_length = request, pieces, has_length
        self._rest: bytes | memoryview = b""  # of the piece that is being sent
        self._paused, self._directly = False, directly
        self.done: Deferred[None] = Deferred(lambda _: self.stopProducing())
        if isinstance(request.channel.transport, Connection):
            request.channel.transport.SEND_LIMIT = DIRECTLY
        request.registerProducer(self, True)
        self._expiry = clock.callLater(self.PATIENCE, request.channel.forceAbortClient)
        self._send()

    def resumeProducing(self) -> None:
        """The client took everything so far."""
        self._paused = False
        if self._expiry.active():
            self._expiry.reset(self.PATIENCE)
            self._send_directly()
        self._send()

    def pauseProducing(self) -> None:
        """There is enough on its way."""
        self._paused = True

    def stopProducing(self) -> None:
        """The client is gone, or has it all."""
        self._paused = True
        self._pieces, self._rest = iter(()), b""
        if self._expiry.active():
            self._expiry.cancel()

    def _send(self) -> None:
        """Write until that is enough."""
        while not self._paused:
            piece = self._next()
            if not piece:
                self._end()
                return
            size = PIECE if self._has_length else len(piece)
            self._request.write(bytes(piece[:size]))
            self._rest = piece[size:]

    def _send_directly(self) -> None:
        """Offer the system what is next; the order is kept, since the transport has nothing left to send."""
        transport = self._request.channel.transport
        if not self._has_length or not isinstance(transport, Connection):
            return  # TLS, for one, has to see what is sent
        left = self._directly
        while left > 0 and not transport.dataBuffer and not transport._tempDataBuffer and (piece := self._next()):
            sent = transport.writeSomeData(cast(bytes, piece[:left]))  # it takes any buffer
            if not isinstance(sent, int) or not sent:
                return  # it is full, or lost: the transport finds out with the next bytes
            left -= sent
            self._rest = piece[sent:]

    def _next(self) -> bytes | memoryview:
        """What is to be sent next; empty at the end."""
        try:
            while not self._rest and (piece := next(self._pieces, None)) is not None:
                self._rest = piece
        except BaseException:  # a piece cannot be made: nothing is left behind
            self.stopProducing()
            self._request.unregisterProducer()
            raise
        return self._rest

    def _end(self) -> None:
        self.stopProducing()
        if not self.done.called:
            self._request.unregisterProducer()
            self.done.callback(None)
