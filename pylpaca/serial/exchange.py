"""One command on a line: how its reply is known, and how it ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.python.failure import Failure

from pylpaca.errors import DriverError
from pylpaca.serial.framing import Framing

Accept = Callable[[bytes], bool]

SHOWN = 40  # bytes of a reply that a sentence quotes


@dataclass(eq=False)
class Exchange:
    """A command, on its way from the queue to its end."""

    command: bytes
    data: bytes  # the command as it is sent
    done: Deferred[bytes]
    asker: object  # the device that asks
    framing: Framing | None = None  # cuts the reply; None: there will be none
    within: float = 0.0  # seconds to wait for the reply, each time it is sent
    retries: int = 0
    accept: Accept | None = None
    urgent: bool = False
    sent: int = 0  # how often it was
    sent_at: float = 0.0  # when it was last
    held_since: float | None = None  # since when the rest of a reply that has begun is waited for, before it is sent again
    refused: bytes = b""  # the last message that was no reply to it
    timer: IDelayedCall | None = field(default=None, repr=False)  # of its wait in the queue, then of its reply

    @property
    def is_wanted(self) -> bool:
        """Whether anybody still waits for it."""
        return not self.done.called

    def end(self, outcome: bytes | DriverError | Failure) -> None:
        """Tell who waits."""
        self.stop_timer()
        if not self.is_wanted:
            return
        if isinstance(outcome, bytes):
            self.done.callback(outcome)
        else:
            self.done.errback(outcome)

    def stop_timer(self) -> None:
        """Neither its wait nor its reply has a deadline any more."""
        if self.timer is not None and self.timer.active():
            self.timer.cancel()
        self.timer = None

    def unanswered(self, port: str, received: bytes) -> DriverError:
        """Why it fails, when its time is over and this was received."""
        what = f"no reply on {port} to {self.command!r} in {self.within:g} s"
        if self.sent > 1:
            what += f", asked {self.sent} times"
        if only := received or self.refused:
            what += f", only {only[:SHOWN]!r}" + ("…" if len(only) > SHOWN else "")
        return DriverError(what)
