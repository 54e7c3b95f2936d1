"""Whether a line is silent, and how long to wait until it is, after something odd."""

from __future__ import annotations

from twisted.internet.interfaces import IReactorTime

INSTANT = 1e-6  # seconds: sums of times are not exact


class Silence:
    """
    Keeps in mind when the last byte came, and since when there is a reason to wait for the end of what is being said.

    :param lasts: seconds without a byte after which a device is taken to have said all it had to say.
    """

    WAIT_AT_MOST = 1.0  # seconds: a device that never stops talking is asked all the same

    def __init__(self, clock: IReactorTime, lasts: float) -> None:
        self.lasts = lasts
        self._clock = clock
        self._heard_at = clock.seconds()
        self._odd_since: float | None = None
        self._unfinished_since: float | None = None

    @property
    def is_there(self) -> bool:
        """Whether nothing has been heard for so long."""
        return self._clock.seconds() - self._heard_at >= self.lasts - INSTANT

    @property
    def wait(self) -> float:
        """Seconds until the line may be used, if nothing comes meanwhile."""
        since = [each for each in (self._odd_since, self._unfinished_since) if each is not None]
        if not since or self.is_there:
            return 0.0
        now = self._clock.seconds()
        wait = min(self._heard_at + self.lasts - now, min(since) + self.WAIT_AT_MOST - now)
        return wait if wait > INSTANT else 0.0

    def heard(self) -> None:
        """Bytes came."""
        self._heard_at = self._clock.seconds()

    def odd(self, anew: bool = False) -> None:
        """
        Something odd happened: the line is not used before it is silent.

        :param anew: it is waited for as long as if nothing odd had happened before.
        """
        if anew or self._odd_since is None:
            self._odd_since = self._clock.seconds()

    def begin_anew(self) -> None:
        """If something odd has happened, it has happened only now."""
        if self._odd_since is not None:
            self._odd_since = self._clock.seconds()

    def unfinished(self, message: bool) -> None:
        """Whether somebody listens to a message that is not whole: the line is not used before it is, or is silent."""
        if not message:
            self._unfinished_since = None
        elif self._unfinished_since is None:
            self._unfinished_since = self._clock.seconds()

    def used(self) -> None:
        """A command is sent: what was odd is over."""
        self._odd_since = self._unfinished_since = None
