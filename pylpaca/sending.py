"""Sending a large answer in pieces, as fast as the client takes them and no faster."""

# Facts (measured; Twisted 26.10)
#   A transport joins what is written to it before the system takes it: an image written at once is copied once more, which stops
#   everything else for the time of the copy. Pieces, each made when the last one is gone, stay in the processor's cache.
#   A transport hands the system at most SEND_LIMIT bytes (128 KiB) in a turn of the reactor. 61 megapixels over loopback, against
#   a bare blocking socket: 0.6 with that limit, 1.2 with a piece of 1 MiB in a turn, 1.4 with 4 MiB, which others would feel.
#   A consumer asks a streaming producer to pause as soon as it holds more than 64 KiB, and to resume when all is gone.

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer, IReactorTime
from zope.interface import implementer

from pylpaca.imagebytes import PIECE


@implementer(IPushProducer)
class Sending:
    """
    One body under way to one client; nothing of it is held once it is sent or the client is gone.

    :ivar done: fires when the last piece was handed over; who cancels it ends the sending.
    """

    PATIENCE = 60.0  # seconds without the client taking anything, before its connection is closed

    def __init__(self, request: Any, pieces: Iterator[bytes], clock: IReactorTime) -> None:
        self._request, self._pieces = request, pieces
        self._paused = False
        self._expiry = clock.callLater(self.PATIENCE, request.channel.forceAbortClient)
        self.done: Deferred[None] = Deferred(lambda _: self.stopProducing())
        request.channel.transport.SEND_LIMIT = PIECE
        request.registerProducer(self, True)
        self.resumeProducing()

    def resumeProducing(self) -> None:
        """The client took everything so far."""
        self._paused = False
        if self._expiry.active():
            self._expiry.reset(self.PATIENCE)
        while not self._paused:
            piece = next(self._pieces, None)
            if piece is None:
                self._end()
                return
            self._request.write(piece)

    def pauseProducing(self) -> None:
        """There is enough on its way."""
        self._paused = True

    def stopProducing(self) -> None:
        """The client is gone."""
        self._paused = True
        self._pieces = iter(())
        if self._expiry.active():
            self._expiry.cancel()

    def _end(self) -> None:
        self.stopProducing()
        if not self.done.called:
            self._request.unregisterProducer()
            self.done.callback(None)
