"""A mechanism that moves to a target at a constant rate."""

from __future__ import annotations

from twisted.internet.interfaces import IReactorTime


class Motion:
    """
    One moving part; where it is follows from the clock, so nothing has to tick.

    :param rate: units per second.
    :param circle: the length of a full turn, for a part that takes the shorter way round.
    """

    def __init__(self, clock: IReactorTime, rate: float, position: float = 0.0, circle: float | None = None) -> None:
        self._clock, self._rate, self._circle = clock, rate, circle
        self.put(position)

    def put(self, position: float) -> None:
        """Be there at once, at rest."""
        self._from = self._to = position
        self._began = self._clock.seconds()

    def go(self, target: float) -> None:
        """Start moving to a target, from wherever it is now."""
        here = self.position
        way = target - here
        if self._circle is not None:
            way = (way + self._circle / 2) % self._circle - self._circle / 2
        self._from, self._to = here, here + way
        self._began = self._clock.seconds()

    def stop(self) -> None:
        """Stay where it is now."""
        self.put(self.position)

    @property
    def _left(self) -> float:
        """The way that is left, signed."""
        way = self._to - self._from
        done = self._rate * (self._clock.seconds() - self._began)
        return 0.0 if done >= abs(way) else way - done if way > 0 else way + done

    @property
    def direction(self) -> int:
        """1 up, -1 down, 0 at rest."""
        return (self._left > 0) - (self._left < 0)

    @property
    def moving(self) -> bool:
        """Whether it is on its way."""
        return self._left != 0.0

    @property
    def position(self) -> float:
        """Where it is now."""
        here = self._to - self._left
        if self._circle is None:
            return here
        here %= self._circle
        return 0.0 if here == self._circle else here  # the remainder of a tiny negative number is rounded to a full turn
