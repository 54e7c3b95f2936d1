"""What benchmarks that stand alone print, as parts of the report."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import redirect_stdout
from io import StringIO

from benchmarks import images, serial_neighbour, viewers
from benchmarks.bench import Bench
from benchmarks.report import Section


def measure(bench: Bench) -> list[Section]:
    """Each runs where the system puts them, with a server of their own."""
    return [
        Section("Images in detail", _printed(bench, images.main)),
        Section("A serial device that does not answer, and its neighbours", _printed(bench, serial_neighbour.main)),
        Section("Twenty open pages", _printed(bench, viewers.main)),
    ]


def _printed(bench: Bench, main: Callable[[], None]) -> list[str]:
    with redirect_stdout(StringIO()) as output, bench.cores.of_everybody():
        main()
    return [f"- {line}" for line in output.getvalue().splitlines()]
