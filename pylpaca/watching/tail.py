"""What is told of the log and of calls while they happen: a few times a second, and not more than somebody can read."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from pylpaca.dispatch import Answered
from pylpaca.viewing import event
from pylpaca.watching.counts import error_name, operation_of
from pylpaca.watching.recent import Filter, Line
from pylpaca.watching.records import Records

Send = Callable[[Sequence[bytes]], object]


@dataclass(frozen=True)
class Wanted:
    """
    What somebody wants to be told.

    :ivar lines: whether lines of the log are.
    :ivar calls: whether calls are.
    :ivar which: only these, of both.
    :ivar since: the number of the last line that is known already; None: lines that are over are of no interest.
    """

    lines: bool = False
    calls: bool = False
    which: Filter = field(default_factory=Filter)
    since: int | None = None


class Tail:
    """Tells it, until it is ended."""

    EVERY = 0.25  # seconds
    MOST = 50  # calls in that time, and as many lines: of more, the last ones
    MOST_MISSED = 200  # lines, at the beginning

    def __init__(self, clock: IReactorTime, utc: Callable[[], datetime], records: Records, wanted: Wanted, send: Send) -> None:
        self._clock, self._utc, self._records, self._wanted, self._send = clock, utc, records, wanted, send
        self._lines: deque[Line] = deque(maxlen=self.MOST)
        self._calls: deque[tuple[datetime, Answered]] = deque(maxlen=self.MOST)
        self._next: IDelayedCall | None = None
        self._end_watching: Callable[[], None] | None = None

    def begin(self) -> list[bytes]:
        """
        From now on.

        :returns: the lines that were missed.
        """
        if self._wanted.calls:
            self._records.telling.add(self._called)
        if not self._wanted.lines:
            return []
        self._end_watching = self._records.recent.watch(self._logged)
        since = self._wanted.since
        if since is None:
            return []
        known = [each for each in self._records.recent.lines(self._wanted.which) if each.number > since]
        return [event("log", line_told(each)) for each in known[-self.MOST_MISSED :]]

    def end(self) -> None:
        """No more."""
        self._records.telling.remove(self._called)
        if self._end_watching is not None:
            self._end_watching()
        if self._next is not None:
            self._next.cancel()
            self._next = None

    def _logged(self, line: Line) -> None:
        if self._wanted.which.has(line):
            self._lines.append(line)
            self._soon()

    def _called(self, answered: Answered) -> None:
        request = answered.request
        if self._wanted.which.is_about(f"{request.kind}/{request.number}", f"{request.peer} {answered.ids.client}"):
            self._calls.append((self._utc(), answered))
            self._soon()

    def _soon(self) -> None:
        if self._next is None:
            self._next = self._clock.callLater(self.EVERY, self._tell)

    def _tell(self) -> None:
        self._next = None
        told = [event("log", line_told(each)) for each in self._lines] + [event("call", call_told(*each)) for each in self._calls]
        self._lines.clear()
        self._calls.clear()
        self._send(told)


def line_told(line: Line) -> dict[str, Any]:
    """A line of the log, as an event."""
    return {
        "number": line.number,
        "time": line.time.isoformat(timespec="milliseconds"),
        "level": line.level,
        "device": line.device,
        "text": line.text,
        "detail": line.detail,
    }


def call_told(time: datetime, answered: Answered) -> dict[str, Any]:
    """A call, as an event."""
    request = answered.request
    member = operation_of(request).member
    client = f"{request.peer} (ClientID {answered.ids.client})"
    how = f"{error_name(answered.error)}, 0x{answered.error:X}, " if answered.error else ""
    return {
        "time": time.isoformat(timespec="milliseconds"),
        "device": f"{request.kind}/{request.number}",
        "verb": request.verb,
        "member": member,
        "error": answered.error,
        "seconds": round(answered.seconds, 6),
        "client": client,
        "text": f"{request.verb} {member}: {how}{1000 * answered.seconds:.1f} ms, {client}",
    }
