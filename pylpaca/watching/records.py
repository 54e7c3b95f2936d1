"""What the server keeps of its own doings, for those who look after it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from twisted.internet.interfaces import IReactorTime

from pylpaca.watching.counts import Counts
from pylpaca.watching.lateness import Lateness
from pylpaca.watching.recent import Recent
from pylpaca.watching.telling import Telling


@dataclass
class Records:
    """
    All of it.

    :ivar telling: tells the others of each call.
    :ivar refused: how many requests were refused, by HTTP status.
    :ivar began: when the server was started.
    """

    clock: IReactorTime
    recent: Recent
    began: datetime
    counts: Counts = field(default_factory=Counts)
    refused: Counter[int] = field(default_factory=Counter)
    connections: Callable[[], int] = lambda: 0

    def __post_init__(self) -> None:
        self.telling = Telling(self.counts, self.recent.refused)
        self.lateness = Lateness(self.clock)
        self._since = self.clock.seconds()

    @property
    def uptime(self) -> float:
        """For how many seconds the server has been there."""
        return self.clock.seconds() - self._since
