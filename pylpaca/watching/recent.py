"""What the server has just logged, and whom it has refused something, for people who look with a browser."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from threading import get_ident
from typing import Any

from twisted.internet.interfaces import IReactorTime
from twisted.logger import ILogObserver, LogLevel, formatEvent
from twisted.python.failure import Failure
from zope.interface import implementer

from pylpaca.discreet import Discretion
from pylpaca.dispatch import Answered
from pylpaca.errors import BadRequest
from pylpaca.roster import Roster
from pylpaca.watching.counts import error_name, operation_of

LEVELS = ("debug", "info", "warn", "error", "critical")
LONGEST = 1000  # characters of a line
LONGEST_DETAIL = 8000  # of a traceback, of which the end is what matters


@dataclass(frozen=True)
class Line:
    """
    One line of the log.

    :ivar device: which device it is about, as "dome/0"; "" if none, or if that cannot be told.
    :ivar client: whose request it is about, as "192.0.2.7 5", which is the address and the ClientID; "" if nobody's.
    :ivar detail: a traceback, for who wants it.
    :ivar number: grows from line to line, also over a restart of the server, so that who has seen one knows which are new.
    """

    time: datetime
    level: str
    device: str
    client: str
    text: str
    detail: str = ""
    number: int = 0


@dataclass(frozen=True)
class Filter:
    """
    Which lines somebody wants to see.

    :ivar level: this, or a graver one.
    :ivar device: "" is all of them, and the server.
    :ivar client: an address, a ClientID, or both.
    """

    level: str = "debug"
    device: str = ""
    client: str = ""

    def has(self, line: Line) -> bool:
        """Whether it is one of them."""
        return LEVELS.index(line.level) >= LEVELS.index(self.level) and self.is_about(line.device, line.client)

    def is_about(self, device: str, client: str) -> bool:
        """Whether what is about these is wanted, if it is grave enough."""
        return (not self.device or device == self.device) and set(self.client.split()) <= set(client.split())


def read_filter(level: str, device: str, client: str) -> Filter:
    """
    Which lines are wanted, as somebody wrote it.

    :raises BadRequest: there is no such level.
    """
    if level not in LEVELS:
        raise BadRequest(f"there is no level {level[:20]!r}; known: {', '.join(LEVELS)}")
    return Filter(level, device.strip()[:80], client.strip()[:80])


Watcher = Callable[[Line], object]


@implementer(ILogObserver)
class Recent:
    """
    Keeps the last lines: an observer of Twisted's log, and a listener to calls, which keeps those that were refused.

    It is made in the thread that the reactor runs in.

    :param utc: the time of day.
    """

    MOST = 1000  # lines
    REFUSALS_FOR = 60.0  # seconds; in that time one that is like another is not told,
    MOST_REFUSALS = 100  # nor more than so many: clients make up ids

    def __init__(self, clock: IReactorTime, utc: Callable[[], datetime]) -> None:
        self._clock = clock
        self._thread = get_ident()
        self._lines: deque[Line] = deque(maxlen=self.MOST)
        self._utc = utc
        self._devices: Mapping[int, str] = {}  # by the identity of what logs
        self._names: Mapping[str, str] = {}
        self._discreet = Discretion()
        self._watchers: tuple[Watcher, ...] = ()
        self._refusals: set[tuple[str, ...]] = set()  # of the last minute
        self._refusals_since = clock.seconds()
        self._kinds: set[str] = set()
        self.last = int(1000 * utc().timestamp())  # the number of the last line; a thousand lines a second would not catch up

    def know(self, roster: Roster, discreet: Discretion) -> None:
        """
        Which devices there are, so that lines are theirs.

        :param discreet: takes out what must not stand in a line; also of those that are kept already.
        """
        self._discreet = discreet
        sources: dict[int, str] = {}
        names: dict[str, str] = {}
        for entry in roster:
            device = f"{entry.kind}/{entry.number}"
            sources[id(entry.driver)] = sources[id(entry.driver.link)] = device
            names[entry.driver.name] = "" if entry.driver.name in names else device  # two of one name are not told apart
        self._devices, self._names, self._kinds = sources, names, set(sources.values())
        kept = [replace(each, text=discreet(each.text), detail=discreet(each.detail)) for each in self._lines]
        self._lines = deque(kept, maxlen=self.MOST)

    def __call__(self, event: Mapping[str, Any]) -> None:
        """Something is logged."""
        level = event.get("log_level")
        failure = event.get("log_failure")
        text = self._said(dict(event))
        detail = ""
        if isinstance(failure, Failure):
            detail = failure.getTraceback()
            text = f"{text}: {failure.type.__name__ if failure.type else ''}: {_text(failure.value)}".lstrip(": ")
        self._take(
            Line(
                self._utc(),
                level.name if isinstance(level, type(LogLevel.info)) else "info",
                self._device_of(event),
                self._client_of(event),
                " ".join(self._discreet(text).split())[:LONGEST],  # a secret is whole until it is taken out
                self._discreet(detail)[-LONGEST_DETAIL:],
            )
        )

    def refused(self, answered: Answered) -> None:
        """A call was answered: one that was refused is worth a line, though not each time it is made again."""
        if not answered.error:
            return
        request, ids = answered.request, answered.ids
        device, client = f"{request.kind}/{request.number}", f"{request.peer} {ids.client}"
        if self._is_worth_a_line((request.verb, device, request.member, client, str(answered.error))):
            why = f"{' '.join(self._discreet(answered.sentence).split())} ({error_name(answered.error)}, 0x{answered.error:X})"
            text = f"{request.verb} {operation_of(request).member} was refused to {request.peer} (ClientID {ids.client}): "
            self._add(Line(self._utc(), "info", device, client, f"{text}{why}"[:LONGEST]))

    def _is_worth_a_line(self, refusal: tuple[str, ...]) -> bool:
        now = self._clock.seconds()
        if now - self._refusals_since >= self.REFUSALS_FOR:
            self._refusals_since = now
            self._refusals.clear()
        if refusal in self._refusals or len(self._refusals) >= self.MOST_REFUSALS:
            return False
        self._refusals.add(refusal)
        return True

    def lines(self, wanted: Filter | None = None, most: int = MOST) -> list[Line]:
        """The last lines that pass a filter, the newest one last."""
        found = [each for each in self._lines if wanted is None or wanted.has(each)]
        return found[-most:]

    def watch(self, watcher: Watcher) -> Callable[[], None]:
        """
        Have each new line told as it comes.

        :returns: what ends that.
        """
        self._watchers = (*self._watchers, watcher)

        def end() -> None:
            self._watchers = tuple(each for each in self._watchers if each is not watcher)

        return end

    def _take(self, line: Line) -> None:
        """Those who watch are told in the reactor's thread, whichever thread it was logged in."""
        hand_over = getattr(self._clock, "callFromThread", None)
        if hand_over is None or get_ident() == self._thread:
            self._add(line)
        else:
            hand_over(self._add, line)

    def _add(self, line: Line) -> None:
        self.last += 1
        line = replace(line, number=self.last)
        self._lines.append(line)
        for tell in self._watchers:
            tell(line)

    @staticmethod
    def _said(event: dict[str, Any]) -> str:
        try:
            return formatEvent(event)
        except Exception:
            return "a line that cannot be read"

    def _device_of(self, event: Mapping[str, Any]) -> str:
        if "kind" in event and "number" in event:
            return f"{event['kind']}/{event['number']}"
        if source := self._devices.get(id(event.get("log_source"))):
            return source
        said = [str(event[key]) for key in ("device", "name") if key in event]
        return next((each if each in self._kinds else self._names.get(each, "") for each in said), "")

    @staticmethod
    def _client_of(event: Mapping[str, Any]) -> str:
        return " ".join(str(event[each]) for each in ("peer", "client") if event.get(each) not in (None, ""))


def _text(error: object) -> str:
    try:
        return str(error)
    except Exception:
        return "its text cannot be read"
