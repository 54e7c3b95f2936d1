"""The figures pylpaca is to reach, and whether it did."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks import growth, per_request, shared_line, starting
from benchmarks.bench import Bench
from benchmarks.figures import Figures
from benchmarks.report import Section, table
from benchmarks.servers import ALPACA_SERVER, BJOERN, FALCON, FASTAPI, PYLPACA, TWISTED


@dataclass(frozen=True)
class Bound:
    """
    One figure.

    :param reached: gives it and its spread; LookupError if it was not measured.
    :param most: what it may be at most; or, with `is_least`, at least.
    """

    what: str
    reached: Callable[[Figures], tuple[float, str]]
    most: float
    goal: float | None = None
    is_least: bool = False

    def row(self, figures: Figures) -> Sequence[str]:
        """Of the table."""
        sign = "≥" if self.is_least else "≤"
        promised = f"{sign} {self.most:g}" + (f", goal {self.goal:g}" if self.goal is not None else "")
        try:
            reached, spread = self.reached(figures)
        except LookupError:
            return self.what, promised, "", "not measured"
        return self.what, promised, spread, self._verdict(reached)

    def _verdict(self, reached: float) -> str:
        if not self._holds(reached, self.most):
            return "**missed**"
        return "holds" if self.goal is None else "goal reached" if self._holds(reached, self.goal) else "holds, goal missed"

    def _holds(self, reached: float, bound: float) -> bool:
        return reached >= bound if self.is_least else reached <= bound


def _ratio(what: str, server: str, to: str) -> Callable[[Figures], tuple[float, str]]:
    def reached(figures: Figures) -> tuple[float, str]:
        ratio = figures.ratio(what, server, to)
        return ratio.median, str(ratio)

    return reached


def _memory(figures: Figures) -> tuple[float, str]:
    megabytes = figures.median(starting.MEMORY_IDLE, PYLPACA.name) / 1e6
    return megabytes, f"{megabytes:.0f}"


def _of_fastapi(row: per_request.Row) -> Callable[[Figures], tuple[float, str]]:
    return _ratio(row.costs.cpu, PYLPACA.name, FASTAPI.name)


BOUNDS = (
    Bound(f"{per_request.GET_16.name}: CPU of {FASTAPI.name}'s", _of_fastapi(per_request.GET_16), 0.35, 0.20),
    Bound(
        f"{per_request.GET_16.name}: requests/s of {ALPACA_SERVER.name}'s",
        _ratio(per_request.GET_16.costs.rate, PYLPACA.name, ALPACA_SERVER.name),
        15,
        is_least=True,
    ),
    Bound(
        f"{per_request.GET_64.name}: p99 of {TWISTED.name}'s",
        _ratio(per_request.GET_64.costs.p99, PYLPACA.name, TWISTED.name),
        1.5,
    ),
    Bound(f"{per_request.PUT_16.name}: CPU of {FASTAPI.name}'s", _of_fastapi(per_request.PUT_16), 0.50, 0.35),
    Bound(f"{per_request.GET_UNCONNECTED.name}: CPU of {FASTAPI.name}'s", _of_fastapi(per_request.GET_UNCONNECTED), 0.7),
    Bound("1,000 devices: CPU per request of that with ten", _ratio(growth.BY_DEVICES.cpu, *growth.MANY_DEVICES), 1.10),
    Bound("100 pollers: CPU per request of that with ten", _ratio(growth.BY_POLLERS.cpu, *growth.MANY_POLLERS), 1.15),
    Bound("memory with ten simulators, before the first exposure, in MB", _memory, 90),
    Bound(
        f"start to the first answer, of {ALPACA_SERVER.name}'s with one device",
        _ratio(starting.FIRST_ANSWER, PYLPACA.name, ALPACA_SERVER.name),
        1.25,
    ),
    *(
        Bound(
            f"ten clients of a {device.driver}: what they ask of its line, of what one does",
            _ratio(shared_line.commands(device), shared_line.TEN, shared_line.ONE),
            1.1,
        )
        for device in shared_line.DEVICES
    ),
)


def section(bench: Bench) -> Section:
    """What was to be reached."""
    figures = bench.figures
    lines = table(["", "bound", "reached", ""], [bound.row(figures) for bound in BOUNDS])
    cpu = per_request.GET_16.costs.cpu
    if figures.has(cpu, PYLPACA.name, FALCON.name, BJOERN.name):
        falcon, bjoern = (figures.ratio(cpu, PYLPACA.name, each.name) for each in (FALCON, BJOERN))
        lines += ["", f"{per_request.GET_16.name}: CPU is {falcon} of {FALCON.name}'s, {bjoern} of {BJOERN.name}'s."]
    return Section("What was to be reached", lines)
