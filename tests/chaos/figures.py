"""What is measured, against what is promised."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass


class Missing(Exception):
    """This machine lacks something; the sentence names the package that has it."""


@dataclass(frozen=True)
class Figure:
    """Something that was measured."""

    what: str
    found: float
    most: float = math.inf
    least: float = -math.inf
    unit: str = ""

    @property
    def kept(self) -> bool:
        """Whether it is what is promised."""
        return self.least <= self.found <= self.most

    def __str__(self) -> str:
        if self.most == self.least:
            promised = f"{self.most:g}"
        elif self.most < math.inf:
            promised = f"at most {self.most:g}"
        elif self.least > -math.inf:
            promised = f"at least {self.least:g}"
        else:
            promised = "no promise"
        return f"{self.what}: {self.found:.4g}{self.unit and ' ' + self.unit} ({promised}){'' if self.kept else '  MISSED'}"


def exactly(what: str, found: float, promised: float) -> Figure:
    """Something that is counted."""
    return Figure(what, found, promised, promised)


WINDOW = 100  # answers


def usual(times: Sequence[float], share: float) -> float:
    """
    The time that this share of a hundred answers in a row usually does not exceed, in milliseconds.

    Usually: the median over all such windows, so that what else this machine does now and then is no figure of the server.
    """
    windows = [sorted(times[start : start + WINDOW]) for start in range(0, max(1, len(times) - WINDOW + 1), WINDOW)]
    return 1000 * statistics.median(each[min(len(each) - 1, int(len(each) * share))] for each in windows)


def compared(
    what: str, alone: Sequence[float], now: Sequence[float], most: float = math.inf, most_slowest: float = math.inf
) -> list[Figure]:
    """How much longer answers take than they did when nothing else happened: the median, and the slowest of a hundred."""
    found = []
    for name, share, promised in (("median", 0.5, most), ("99th percentile", 0.99, most_slowest)):
        before, after = usual(alone, share), usual(now, share)
        text = f"{what}, {name} {after:.3g} ms, {before:.3g} ms without"
        found.append(Figure(text, after / before, promised, unit="times"))
    found.append(Figure(f"{what}, the slowest of all {len(now)}", 1000 * max(now), unit="ms"))
    return found
