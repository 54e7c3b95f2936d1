"""What the configuration file says of one part of it, and how that is changed there although others may write it, too."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pylpaca import config, replacing
from pylpaca.config import Configuration, Place
from pylpaca.roster import Key
from pylpaca.settings import editing
from pylpaca.settings.editing import CannotEdit, differences

MARK = b"\xef\xbb\xbf"  # what Windows' Notepad writes in front

Find = Callable[[Any], Place]  # where in a configuration a part of it stands; CannotKeep: nowhere


class CannotKeep(Exception):
    """It cannot be read, or written; the sentence says why. The file is as it was."""


@dataclass(frozen=True)
class Part:
    """
    A part of a configuration file, as it is now.

    :ivar raw: the settings in it, {} where there are none.
    :ivar others: what is wrong elsewhere in the file, which will keep the server from starting.
    """

    file: Path
    place: Place
    raw: dict[str, Any]
    content: bytes
    configuration: Configuration

    @property
    def others(self) -> Sequence[str]:
        """What is wrong in the file, not here."""
        return [str(each) for each in self.configuration.mistakes if each.place[: len(self.place)] != self.place]


def device(key: Key) -> Find:
    """Where a device stands."""

    def find(content: Any) -> Place:
        entries = content.get("drivers") if isinstance(content, dict) else None
        for index, entry in enumerate(entries if isinstance(entries, list) else ()):
            if isinstance(entry, dict) and (str(entry.get("device_type")).lower(), entry.get("device_number")) == key:
                return ("drivers", index)
        raise CannotKeep(f"there is no {key[0]} {key[1]} in it any more")

    return find


def server(content: Any) -> Place:
    """Where the settings of the server stand, or will."""
    if not isinstance(content, dict):
        raise CannotKeep("it is no object in braces any more")
    return ("server",)


def look(file: Path, find: Find) -> Part:
    """
    What a part of the file says now.

    :raises CannotKeep: it cannot be read.
    """
    try:
        content = file.read_bytes()
        text = content.removeprefix(MARK).decode()
        parsed = json.loads(text)
    except OSError as error:
        raise CannotKeep(f"it cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise CannotKeep(f"it cannot be understood any more: {error}") from None
    place = find(parsed)
    raw: Any = parsed
    for step in place:
        raw = raw.get(step, {}) if isinstance(raw, Mapping) else raw[step]
    if not isinstance(raw, dict):
        raise CannotKeep(f"{config.dotted(place)} in it is no object in braces any more")
    return Part(file, place, raw, content, config.read(parsed, text, file))


def keep(part: Part, raw: Mapping[str, Any]) -> Configuration:
    """
    Write other settings into this part of the file, and leave all the rest as it is.

    :returns: what the file says then.
    :raises CannotKeep: it cannot be written, or is not what it was.
    """
    changes = differences(part.raw, dict(raw), part.place)
    if not changes:
        return part.configuration
    text = part.content.removeprefix(MARK).decode()
    try:
        text = editing.edited(text, changes)
    except CannotEdit as error:
        raise CannotKeep(str(error)) from None
    read = config.read(json.loads(text), text, part.file)
    wrong = [each for each in read.mistakes if each.place[: len(part.place)] == part.place]
    if wrong:
        raise CannotKeep("; ".join(f"{config.dotted(each.place)} {each.sentence}" for each in wrong))
    try:
        if part.file.read_bytes() != part.content:
            raise CannotKeep("it was changed by somebody else in this moment; save again")
        replacing.replace(part.file, part.content[: len(MARK)] * part.content.startswith(MARK) + text.encode())
    except OSError as error:
        raise CannotKeep(replacing.obstacle(part.file) or f"it cannot be written: {error.strerror}") from None
    return read
