"""How a device answers: how many of its calls clients wait for, and which members have stopped answering."""

# Facts
#   A deadline ends the wait of a client, not the call: what a driver has begun runs on. A device that hangs would be asked again
#   by every client every second, and each of them would wait for the whole deadline.
#   Members that need no hardware answer at once even if the device hangs: so what does not answer is told by member.

from __future__ import annotations

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from pylpaca.errors import DriverError, Unavailable
from pylpaca.interfaces import Operation

log = Logger()


class Health:
    """One device's. A member that does not answer is asked again from time to time; whoever asks meanwhile is told so at once."""

    MOST_WAITING = 32
    ASK_AGAIN_AFTER = 10.0  # seconds

    def __init__(self, name: str, clock: IReactorTime) -> None:
        self._name, self._clock = name, clock
        self._waiting = 0
        self._link = 0
        self._silent: dict[str, float] = {}  # members that did not answer in time, and since when
        self._asked: dict[str, float] = {}  # when each of them was asked last

    @property
    def is_answering(self) -> bool:
        """Whether every member that was asked has answered."""
        return not self._silent

    def begin(self, operation: Operation, link: int) -> None:
        """
        A call is to begin.

        :param link: which link it is; what the last one did not answer says nothing about another.
        :raises DriverError: it would only wait; `Unavailable` where the log has it already.
        """
        if link != self._link:
            self._link = link
            self._silent.clear()
            self._asked.clear()
        now, since = self._clock.seconds(), self._silent.get(operation.method)
        if since is not None and operation.verb == "GET":
            if now - self._asked[operation.method] < self.ASK_AGAIN_AFTER:
                raise Unavailable(
                    f"{self._name} is not answering: {operation.member} was asked {now - since:.0f} s ago; "
                    f"it is asked again every {self.ASK_AGAIN_AFTER:g} s"
                )
            self._asked[operation.method] = now
        if self._waiting >= self.MOST_WAITING and not (operation.stops or operation.while_disconnected):
            raise DriverError(f"{self._name} is busy: {self._waiting} calls wait for it; ask again when they are answered")
        self._waiting += 1

    def ended(self, operation: Operation) -> None:
        """A client waits no longer: it was answered, or told that there is no answer."""
        self._waiting -= 1

    def expired(self, operation: Operation, seconds: float) -> None:
        """A call was not answered in so many seconds."""
        if not self._silent:
            log.error("{name} is not answering: {member}", name=self._name, member=operation.member)
        now = self._clock.seconds()
        self._silent.setdefault(operation.method, now - seconds)
        self._asked.setdefault(operation.method, now - seconds)

    def answered(self, operation: Operation) -> None:
        """The driver answered, in time or not."""
        since = self._silent.pop(operation.method, None)
        self._asked.pop(operation.method, None)
        if since is not None and not self._silent:
            log.info("{name} answers again, after {seconds:.0f} s", name=self._name, seconds=self._clock.seconds() - since)
