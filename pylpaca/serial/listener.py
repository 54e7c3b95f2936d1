"""Who listens to the messages of a device that answer nothing."""

from __future__ import annotations

from collections.abc import Callable

from twisted.logger import Logger

from pylpaca.calls import no_exit
from pylpaca.serial.framing import Framing, take

log = Logger()


class Listener:
    """
    Cuts what nobody asked for into messages, its own way.

    :param heard: gets each message; what it raises is logged, and harms nobody else.
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
                    self._heard(message)
            except Exception:  # of the driver's own code: the port is not to blame
                log.failure("{device} could not handle {message!r}", device=self._device, message=message)

    def _messages(self) -> list[bytes]:
        found = []
        try:
            with no_exit():
                while (taken := take(self.framing, self.partial)) is not None:
                    found.append(taken[0])
        except Exception:
            self.partial.clear()
            log.failure("what {device} received could not be cut into messages", device=self._device)
        return found
