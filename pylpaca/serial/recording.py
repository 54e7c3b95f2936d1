"""What was said on a line, as a readable file: written while it is said, and read again."""

# The format is described in docs/serial-recordings.md.

from __future__ import annotations

import ast
import os
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from io import FileIO
from pathlib import Path
from typing import Protocol

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

log = Logger()

TITLE = "# pylpaca recording 1"  # the number is the format's
LEGEND = "# seconds since then; -> to the device, <- from it"


class Kind(Enum):
    """What happened, as it is written."""

    OPENED = "opened"
    SENT = "->"
    RECEIVED = "<-"
    LOST = "lost"
    CLOSED = "closed"


@dataclass(frozen=True)
class Event:
    """One line of a recording."""

    seconds: float  # since the recording was begun
    kind: Kind
    data: bytes = b""
    line: int = 0  # in its file


class Hearer(Protocol):
    """Hears what is said on a line."""

    def opened(self, name: str) -> None:
        """The port of this name is open."""

    def sent(self, data: bytes) -> None:
        """This was written to the device."""

    def received(self, data: bytes) -> None:
        """This came from the device."""

    def lost(self, why: str) -> None:
        """The port vanished."""

    def closed(self) -> None:
        """The port was closed."""


class Everybody:
    """All who hear a line; who comes later hears what is said from then on."""

    def __init__(self, hearers: Sequence[Hearer]) -> None:
        self._hearers = hearers

    def opened(self, name: str) -> None:
        """The port of this name is open."""
        for each in self._hearers:
            each.opened(name)

    def sent(self, data: bytes) -> None:
        """This was written to the device."""
        for each in self._hearers:
            each.sent(data)

    def received(self, data: bytes) -> None:
        """This came from the device."""
        for each in self._hearers:
            each.received(data)

    def lost(self, why: str) -> None:
        """The port vanished."""
        for each in self._hearers:
            each.lost(why)

    def closed(self) -> None:
        """The port was closed."""
        for each in self._hearers:
            each.closed()


class BrokenRecording(ValueError):
    """A file cannot be read; the sentence names it and the line."""


class Recorder:
    """
    Writes a recording, one event a line and each at once, behind what is in the file already.

    Whatever happens to the file, the line it records is not harmed: the first failure is logged, and nothing more is recorded.

    :param clock: of the time between events.
    :param utc: the time of day, for the first line.
    :param settings: of the line, for the first line; no secrets.
    """

    LARGEST = 50_000_000  # bytes of a file, so that a recording that somebody forgot fills no disk

    def __init__(
        self,
        file: str | Path,
        clock: IReactorTime,
        utc: Callable[[], datetime],
        settings: Mapping[str, object] | None = None,
    ) -> None:
        self._file, self._clock, self._utc, self._settings = Path(file), clock, utc, settings or {}
        self._out: FileIO | None = None
        self._given_up = False
        self._began = 0.0
        self._size = 0

    def opened(self, name: str) -> None:
        """The port of this name is open."""
        if self._out is None and not self._given_up:
            self._begin(name)
        self._note(Kind.OPENED, _one_line(name))

    def sent(self, data: bytes) -> None:
        """This was written to the device."""
        self._note(Kind.SENT, repr(bytes(data)))

    def received(self, data: bytes) -> None:
        """This came from the device."""
        self._note(Kind.RECEIVED, repr(bytes(data)))

    def lost(self, why: str) -> None:
        """The port vanished."""
        self._note(Kind.LOST, _one_line(why))

    def closed(self) -> None:
        """The port was closed, and so is the file until it is opened again."""
        self._note(Kind.CLOSED, "")
        self._close()

    def _begin(self, name: str) -> None:
        settings = ", ".join(f"{key}={value!r}" for key, value in self._settings.items())
        when = self._utc().strftime("%Y-%m-%dT%H:%M:%SZ")
        try:
            self._out = open(self._file, "ab", buffering=0)  # noqa: SIM115  # as long as the port
            self._size = self._out.tell()
            cut = self._size > 0 and _last_byte(self._file) != b"\n"  # by a crash
        except OSError as error:
            self._give_up(error.strerror or str(error))
            return
        self._began = self._clock.seconds()
        self._write(("\n" if cut else "") + _one_line(f"{TITLE} of {name} at {when} ({settings})") + f"\n{LEGEND}\n")

    def _note(self, kind: Kind, rest: str) -> None:
        if self._out is not None:
            seconds = self._clock.seconds() - self._began
            self._write(f"{seconds:.3f} {kind.value} {rest}".rstrip() + "\n")

    def _write(self, text: str) -> None:
        assert self._out is not None
        data = text.encode("utf-8", "backslashreplace")
        if self._size + len(data) > self.LARGEST:
            self._give_up(f"it has {self._size} bytes, and that is enough")
            return
        try:
            written = self._out.write(data)
        except OSError as error:
            self._give_up(error.strerror or str(error))
            return
        if written != len(data):
            self._give_up("the disk is full")
        self._size += len(data)

    def _give_up(self, reason: str) -> None:
        self._given_up = True
        self._close()
        log.warn("nothing is recorded in {file} any more: {reason}", file=str(self._file), reason=reason)

    def _close(self) -> None:
        out, self._out = self._out, None
        if out is not None:
            with suppress(OSError):
                out.close()


def read(file: str | Path) -> tuple[Event, ...]:
    """
    Read a recording; what is cut off at its end, or before it was begun anew, was lost in a crash and is passed over.

    :raises BrokenRecording: it is none, or somebody has changed it.
    """
    try:
        lines = Path(file).read_bytes().removeprefix(b"\xef\xbb\xbf").split(b"\n")
    except OSError as error:
        raise BrokenRecording(f"{file} cannot be read: {error.strerror}") from None
    if not lines[0].startswith(TITLE.rpartition(" ")[0].encode()):
        raise BrokenRecording(f'{file}, line 1: this is no recording, which begins with "{TITLE}"')
    events = []
    for number, line in enumerate(lines, 1):
        try:
            event = _event(line, number)
        except ValueError as error:
            if number == len(lines) or lines[number].startswith(TITLE.encode()):
                continue
            raise BrokenRecording(f"{file}, line {number}: {error}") from None
        if event is not None:
            events.append(event)
    return tuple(events)


def _event(line: bytes, number: int) -> Event | None:
    """What a line says; None for an empty one and for a remark, ValueError for one that says nothing."""
    try:
        text = line.decode().strip()
    except UnicodeDecodeError:
        raise ValueError("this is no text in UTF-8") from None
    if text.startswith("# pylpaca recording") and not f"{text} ".startswith(f"{TITLE} "):
        raise ValueError(f'a newer pylpaca wrote this: "{TITLE}" is what this one reads')
    if not text or text.startswith("#"):
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s+(\S+)(?:\s+(.*))?", text, re.ASCII)
    kinds = {kind.value: kind for kind in Kind}
    if found is None or found[2] not in kinds:
        raise ValueError(f"an event is written as 0.125 -> b'STATUS\\n', this is {text!r}")
    kind = kinds[found[2]]
    data = _bytes(found[3] or "") if kind in (Kind.SENT, Kind.RECEIVED) else b""
    return Event(float(found[1]), kind, data, number)


def _bytes(text: str) -> bytes:
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        value = None
    if not isinstance(value, bytes):
        raise ValueError(f"bytes are written as b'STATUS\\n', this is {text!r}")
    return value


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _last_byte(file: Path) -> bytes:
    with open(file, "rb") as existing:
        existing.seek(-1, os.SEEK_END)
        return existing.read(1)
