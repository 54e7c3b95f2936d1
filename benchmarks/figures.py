"""Figures of many rounds, and what is to be said of them: medians, and ratios of what was measured in the same round."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Costs:
    """The names of the figures of one kind of load."""

    load: str

    @property
    def cpu(self) -> str:
        """Seconds per request."""
        return f"cpu: {self.load}"

    @property
    def rate(self) -> str:
        """Requests per second."""
        return f"rate: {self.load}"

    @property
    def p50(self) -> str:
        return f"p50: {self.load}"

    @property
    def p99(self) -> str:
        return f"p99: {self.load}"

    @property
    def every(self) -> Sequence[str]:
        return self.cpu, self.rate, self.p50, self.p99


class Figures:
    """What was measured, by name and server, one figure a round."""

    def __init__(self) -> None:
        self._rounds: defaultdict[tuple[str, str], list[float]] = defaultdict(list)

    def add(self, what: str, server: str, figure: float) -> None:
        self._rounds[what, server].append(figure)

    def forget(self, server: str, *what: str) -> None:
        """Something was wrong with them."""
        for each in what:
            self._rounds.pop((each, server), None)

    def rounds(self, what: str, server: str) -> Sequence[float]:
        """In the order they were measured; empty if it was not."""
        return self._rounds.get((what, server), [])

    def median(self, what: str, server: str) -> float:
        """LookupError if it was not measured."""
        if not self.has(what, server):
            raise LookupError(what)
        return statistics.median(self.rounds(what, server))

    def has(self, what: str, *servers: str) -> bool:
        return all(self.rounds(what, server) for server in servers)

    def ratio(self, what: str, server: str, to: str) -> Ratio:
        """Of two servers, round by round; LookupError if one was not measured."""
        if not self.has(what, server, to):
            raise LookupError(what)
        pairs = zip(self.rounds(what, server), self.rounds(what, to), strict=True)
        return Ratio([ours / theirs for ours, theirs in pairs])


class Ratio:
    """Ratios of several rounds."""

    def __init__(self, rounds: Sequence[float]) -> None:
        self.median = statistics.median(rounds)
        self.least, self.most = min(rounds), max(rounds)

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.least:.2f} to {self.most:.2f})"
