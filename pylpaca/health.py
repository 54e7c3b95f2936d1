"""How a device answers: how many of its calls are under way, and whether it has stopped answering."""

# Facts
#   A deadline ends the wait of a client, not the call: what a driver has begun runs on. A device that hangs would be asked again
#   by every client every second, and each of them would wait for the whole deadline.

from __future__ import annotations

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from pylpaca.errors import DriverError
from pylpaca.interfaces import Operation

log = Logger()


class Health:
    """One device's. While it does not answer, one call at a time finds out whether it does again; others are refused at once."""

    MOST_UNDER_WAY = 32

    def __init__(self, name: str, clock: IReactorTime) -> None:
        self._name, self._clock = name, clock
        self._under_way = 0
        self._probing = False
        self._silent_since: float | None = None

    @property
    def is_answering(self) -> bool:
        """Whether its last call was answered in time."""
        return self._silent_since is None

    def begin(self, operation: Operation) -> bool:
        """
        A call is to begin; whether it is the one that finds out whether the device answers again.

        :raises DriverError: it would only wait.
        """
        if operation.while_disconnected or operation.stops:
            self._under_way += 1
            return False
        if self._under_way >= self.MOST_UNDER_WAY:
            raise DriverError(f"{self._name} is busy: {self._under_way} calls are under way; ask again when they are answered")
        if self._silent_since is not None and operation.verb == "GET":
            if self._probing:
                seconds = self._clock.seconds() - self._silent_since
                raise DriverError(f"{self._name} has not been answering for {seconds:.0f} s; it is being asked again")
            self._probing = True
            self._under_way += 1
            return True
        self._under_way += 1
        return False

    def expired(self, since: float) -> None:
        """A call that began then was not answered in time."""
        if self._silent_since is None:
            self._silent_since = since
            log.error("{name} is not answering", name=self._name)

    def ended(self, is_probe: bool) -> None:
        """A call was answered, in time or not."""
        self._under_way -= 1
        self._probing = self._probing and not is_probe
        if self._silent_since is not None:
            seconds = self._clock.seconds() - self._silent_since
            self._silent_since = None
            self._probing = False
            log.info("{name} answers again, after {seconds:.0f} s", name=self._name, seconds=seconds)
