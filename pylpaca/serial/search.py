"""When a port that vanished is worth a try: at once when it has come back, else after longer and longer."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from pylpaca.serial.silence import INSTANT

log = Logger()


class Search:
    """
    Looks for a port, and counts the tries to open it.

    :param is_there: whether it can be seen; where nothing can be seen without trying, always true.
    """

    LOOK_EVERY = 0.5  # seconds
    BACK_OFF = (0.5, 1.0, 2.0, 4.0, 8.0, 10.0)  # seconds until what is there, and could not be used, is tried again

    def __init__(self, clock: IReactorTime, is_there: Callable[[], bool]) -> None:
        self.is_absent = False  # whether it was not to be seen when it was looked for last
        self._clock, self._is_there = clock, is_there
        self._tries = 0
        self._failed = ""  # what looking for it raised last

    def anew(self) -> None:
        """It is not kept waiting for what was before."""
        self._tries = 0

    async def next_chance(self) -> None:
        """Wait until it is worth a try."""
        until = self._clock.seconds() + self.BACK_OFF[min(self._tries, len(self.BACK_OFF) - 1)]
        while True:
            await deferLater(self._clock, self.LOOK_EVERY)
            was_absent, self.is_absent = self.is_absent, not self._look()
            if was_absent and not self.is_absent:
                self._tries = 1
                return
            if not self.is_absent and self._clock.seconds() >= until - INSTANT:
                self._tries += 1
                return

    def _look(self) -> bool:
        """Whether it is there; what cannot be seen is not."""
        try:
            return self._is_there()
        except Exception as error:
            if (failed := repr(error)) != self._failed:
                log.failure("a port that vanished could not be looked for just now")
            self._failed = failed
            return False
