"""Which sentences have just been said, so that a log is not flooded with one."""

from __future__ import annotations

from collections.abc import Hashable

from twisted.internet.interfaces import IReactorTime


class Repeats:
    """Keeps in mind what was said during the last minute."""

    FOR = 60.0  # seconds
    MOST = 1000  # beyond that, what was said first is forgotten

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._said: dict[Hashable, float] = {}  # and when, the first one first

    def is_new(self, what: Hashable) -> bool:
        """Whether this is worth saying: not if it was during the last minute."""
        now = self._clock.seconds()
        for each in [each for each, said in self._said.items() if now - said >= self.FOR]:
            del self._said[each]
        if what in self._said:
            return False
        if len(self._said) >= self.MOST:
            del self._said[next(iter(self._said))]
        self._said[what] = now
        return True
