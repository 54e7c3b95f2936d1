"""Who listens to the messages of a device that answer nothing."""

from __future__ import annotations

from collections.abc import Callable
from inspect import isawaitable

from twisted.logger import Logger
from twisted.python.failure import Failure

from pylpaca.calls import as_deferred, no_exit
from pylpaca.serial.framing import MOST_UNCUT, Framing, take

log = Logger()


class Listener:
    """
    Cuts what nobody asked for into messages, its own way.

    :param heard: gets each message, and may be `async def`; what it raises is logged, and harms nobody else.
    """

    def __init__(self, framing: Framing, heard: Callable[[bytes], object], device: str) -> None:
        self.framing = framing
        self.partial = bytearray()  # of a message that is not whole yet
        self._heard, self._device = heard, device

    def hear(self, data: bytes) -> None:
        """Bytes that nobody asked for."""
        self.partial += data
        for message in self._messages():
            try:
                with no_exit():
                    result = self._heard(message)
            except Exception:  # of the driver's own code: the port is not to blame
                self._failed(Failure(), message)
            else:
                if isawaitable(result):
                    as_deferred(result).addErrback(self._failed, message)

    def _failed(self, failure: Failure, message: bytes) -> None:
        log.failure("{device} could not handle {message!r}", failure, device=self._device, message=message)

    def _messages(self) -> list[bytes]:
        found = []
        try:
            with no_exit():
                while (taken := take(self.framing, self.partial)) is not None:
                    found.append(taken[0])
        except Exception:
            self.partial.clear()
            log.failure("what {device} received could not be cut into messages", device=self._device)
        if len(self.partial) > MOST_UNCUT:
            self.partial.clear()
        return found
