"""Where each value of a JSON text stands."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

Place = tuple[str | int, ...]  # ("drivers", 0, "device_type")

_TOKEN = re.compile(r'[ \t\n\r]*("(?:[^"\\]|\\.)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+)')


@dataclass(frozen=True)
class Span:
    """Where a value stands, as offsets: its key, or in a list itself; its own first character, and what follows its last."""

    key: int
    value: int
    end: int


def spans(text: str) -> tuple[Mapping[Place, Span], list[Place]]:
    """Where every value of valid JSON stands, by its place; of one given twice the last. And the places given twice."""
    tokens = [(match.group(1), match.start(1)) for match in _TOKEN.finditer(text)]
    found: dict[Place, Span] = {}
    repeated: list[Place] = []
    index = 0

    def value(place: Place, key: int | None = None) -> None:
        nonlocal index
        word, offset = tokens[index]
        if place in found and not any(place[: len(each)] == each for each in repeated):
            repeated.append(place)
        start = offset if key is None else key
        found[place] = Span(start, offset, offset + len(word))  # before those within it
        index += 1
        if word == "{":
            while tokens[index][0] != "}":
                name, at = json.loads(tokens[index][0]), tokens[index][1]
                index += 2  # the key and its colon
                value((*place, name), at)
                index += tokens[index][0] == ","
        elif word == "[":
            count = 0
            while tokens[index][0] != "]":
                value((*place, count))
                count += 1
                index += tokens[index][0] == ","
        if word in ("{", "["):
            found[place] = Span(start, offset, tokens[index][1] + 1)
            index += 1

    value(())
    return found, repeated
