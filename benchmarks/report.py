"""Markdown of what was found, between two marks in a page whose other words stay."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

BEGIN = "<!-- what follows is written by `python -m benchmarks` -->"
END = "<!-- what was written by `python -m benchmarks` ends here -->"


@dataclass(frozen=True)
class Section:
    """A part of the report."""

    title: str
    lines: Sequence[str]

    def __str__(self) -> str:
        return "\n".join([f"## {self.title}", "", *self.lines])


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The first column is words, the others figures."""
    ruler = ["---", *["---:"] * (len(header) - 1)]
    return ["| " + " | ".join(row) + " |" for row in (header, ruler, *rows)]


def put_into(page: Path, text: str) -> None:
    """Replace what is between the marks; ValueError if the page has none."""
    before, begin, rest = page.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{page} has no lines {BEGIN} and {END}")
    page.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}")
