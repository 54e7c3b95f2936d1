"""How late a timer fires, which is how long others may have to wait for their turn."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque

from twisted.internet.interfaces import IDelayedCall, IReactorTime

BOUNDS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0)  # seconds


class Lateness:
    """Sets a timer, again and again."""

    EVERY = 1.0  # seconds
    KEPT = 60  # how many it knows one by one

    def __init__(self, clock: IReactorTime) -> None:
        self.within = [0] * (len(BOUNDS) + 1)  # how many were late by at most that; then all others
        self.seconds = 0.0
        self._clock = clock
        self._last: deque[float] = deque(maxlen=self.KEPT)
        self._timer: IDelayedCall | None = None
        self._due = 0.0

    def start(self) -> None:
        """Begin."""
        self._set()

    def stop(self) -> None:
        """End."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def longest(self) -> float:
        """How late the latest of the last ones was."""
        return max(self._last, default=0.0)

    def _set(self) -> None:
        self._due = self._clock.seconds() + self.EVERY
        self._timer = self._clock.callLater(self.EVERY, self._fires)

    def _fires(self) -> None:
        late = max(self._clock.seconds() - self._due, 0.0)
        self.within[bisect_left(BOUNDS, late)] += 1
        self.seconds += late
        self._last.append(late)
        self._set()
