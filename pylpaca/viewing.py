"""What viewers see of each device: its link and its state, asked once a second for all of them, and not when nobody looks."""

# Facts
#   A poll is one DeviceState. It is no client's request: it neither holds the link nor keeps the deadman from its work.
#   The names of switches and filters change as rarely as hardware does: they are asked once a link.

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import ceil
from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from pylpaca.calls import passed_on, within
from pylpaca.dispatch import Dispatcher, call
from pylpaca.errors import AlpacaError, Unavailable, spent
from pylpaca.interfaces import Operation, operations
from pylpaca.interfaces.declaration import ORDINARY_DEADLINE
from pylpaca.roster import Entry, Roster
from pylpaca.showing import UNKNOWN, in_words, shown
from pylpaca.values import StateItem

log = Logger()

EVERY = 1.0  # seconds
AT_ONCE = 10  # devices that are asked in one turn of the reactor
PAGE_WAITS = 0.5  # seconds, for what a page shows before it is live
MATTERS: Mapping[str, Sequence[str]] = {  # of each device type, what is seen first: the first three of these that it has
    "camera": ("CameraState", "CCDTemperature", "CoolerPower", "PercentCompleted"),
    "covercalibrator": ("CoverState", "CalibratorState", "Brightness"),
    "dome": ("ShutterStatus", "Azimuth", "Slewing"),
    "filterwheel": ("Position",),
    "focuser": ("Position", "Temperature", "IsMoving"),
    "observingconditions": (
        "Temperature",
        "Humidity",
        "WindSpeed",
        "CloudCover",
        "RainRate",
        "SkyQuality",
        "SkyTemperature",
        "Pressure",
        "DewPoint",
    ),
    "rotator": ("Position", "MechanicalPosition", "IsMoving"),
    "safetymonitor": ("IsSafe",),
    "switch": ("GetSwitchValue0", "GetSwitchValue1", "GetSwitchValue2"),
    "telescope": ("RightAscension", "Declination", "Tracking"),
}
CONNECTED = "Connected"  # stands among the values of every device
_NUMBERED = re.compile(r"(\D+)(\d+)")


@dataclass(frozen=True)
class Shown:
    """One value, and how people read it."""

    value: Any
    text: str


@dataclass(frozen=True)
class View:
    """
    A device, as viewers see it.

    :ivar lamp: connected, connecting, retrying, failed, disconnected or not-answering.
    :ivar holders: who keeps it connected.
    :ivar error: what went wrong last, and what to do; "" if nothing is wrong.
    :ivar values: by the name that DeviceState has for each.
    """

    device: str  # dome/0
    lamp: str = "disconnected"
    lamp_text: str = "disconnected"
    holders: tuple[str, ...] = ()
    error: str = ""
    values: Mapping[str, Shown] = field(default_factory=dict)

    @cached_property
    def event(self) -> bytes:
        """It whole, as a server-sent event."""
        values = {name: {"value": each.value, "text": each.text} for name, each in self.values.items()}
        return event(
            "state",
            {
                "device": self.device,
                "lamp": self.lamp,
                "lamp_text": self.lamp_text,
                "holders": self.holders,
                "error": self.error,
                "values": values,
            },
        )

    def since(self, before: View) -> View:
        """The same, with those values only that look otherwise than before; one that is not known any more is None."""
        changed = {name: each for name, each in self.values.items() if before.values.get(name) != each}
        gone = {name: Shown(None, UNKNOWN) for name in before.values if name not in self.values}
        return replace(self, values={**changed, **gone})


def event(name: str, data: Any) -> bytes:
    """One server-sent event."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return f"event: {name}\ndata: {text}\n\n".encode("utf-8", "backslashreplace")  # which JSON has, too


Listener = Callable[[Sequence[bytes]], None]


class Viewing:
    """
    Polls the devices that somebody looks at, and tells what changed.

    :param dispatcher: knows how each device answers.
    """

    def __init__(self, roster: Roster, dispatcher: Dispatcher, clock: IReactorTime) -> None:
        self._dispatcher, self._clock = dispatcher, clock
        self._seen = {f"{each.kind}/{each.number}": _Seen(each, dispatcher, clock) for each in roster}
        self._listeners: dict[str, dict[Listener, None]] = {name: {} for name in self._seen}
        self._next: IDelayedCall | None = None

    @property
    def devices(self) -> Sequence[str]:
        """Every device that can be looked at."""
        return list(self._seen)

    def replaced(self, entry: Entry) -> None:
        """Another driver drives a device from now on."""
        name = f"{entry.kind}/{entry.number}"
        seen = _Seen(entry, self._dispatcher, self._clock)
        seen.told, self._seen[name] = self._seen[name].told, seen  # who looks at it is told what is other than it was

    def now(self, devices: Iterable[str] | None = None) -> Deferred[Sequence[View]]:
        """What these look like, as far as they say it soon; for a page."""
        seen = [self._seen[each] for each in (self.devices if devices is None else devices)]
        looked = [within(self._clock, PAGE_WAITS, each.look(), each.name).addErrback(lambda _: None) for each in seen]
        return gatherResults(looked).addCallback(lambda _: [each.latest() for each in seen])

    def facts(self, view: View) -> Sequence[tuple[str, str]]:
        """What is seen of a device first: names of values, each with what people call it; at most three."""
        seen = self._seen[view.device]
        order = MATTERS[view.device.partition("/")[0]]
        known = [each for each in order if each in view.values] or [each for each in order if not _NUMBERED.fullmatch(each)]
        return [(each, seen.label(each)) for each in known[:3]]

    def latest(self) -> Sequence[View]:
        """What all devices look like, by what is known of them already."""
        return [each.latest() for each in self._seen.values()]

    def answering(self, seconds: float, devices: Iterable[str] | None = None) -> Deferred[Sequence[View]]:
        """What those look like that are connected and say it within so many seconds."""
        return Deferred.fromCoroutine(self._answering(seconds, self.devices if devices is None else devices))

    async def _answering(self, seconds: float, devices: Iterable[str]) -> Sequence[View]:
        seen = [self._seen[each] for each in devices]
        looked = []
        for count, each in enumerate(seen, 1):
            looked.append(within(self._clock, seconds, each.look(), each.name).addErrback(lambda _: None))
            if count % AT_ONCE == 0:  # others have their turn
                await deferLater(self._clock, 0)
        await gatherResults(looked)
        return [each.latest() for each in seen if each.has_answered]

    def watch(self, devices: Iterable[str], listener: Listener) -> Sequence[bytes]:
        """
        Tell this listener what changes, until `leave`.

        :returns: what there is to see now.
        """
        watched = list(devices)
        fresh = [each for each in watched if not self._listeners[each]]
        for each in fresh:  # what was told last may be of yesterday
            self._seen[each].told = self._seen[each].latest()
        for each in watched:
            self._listeners[each][listener] = None
        if self._next is None:
            self._next = self._clock.callLater(EVERY, self._poll)
        if fresh:
            self._clock.callLater(0, self._look_at, fresh)
        return self.full(watched)

    def full(self, devices: Iterable[str]) -> Sequence[bytes]:
        """What there is to see of these, whole."""
        return [self._seen[each].told.event for each in devices]

    def leave(self, listener: Listener) -> None:
        """Tell it nothing any more."""
        for each in self._listeners.values():
            each.pop(listener, None)
        if self._next is not None and not any(self._listeners.values()):
            self._next.cancel()
            self._next = None

    def _poll(self) -> None:
        self._next = self._clock.callLater(EVERY, self._poll)
        self._look_at(name for name, listeners in self._listeners.items() if listeners)

    def _look_at(self, names: Iterable[str]) -> None:
        at_once = []
        for name in names:
            if self._seen[name].is_looking:
                continue
            looking = self._seen[name].look()
            if looking.called:
                at_once.append(name)
            else:
                looking.addCallback(self._looked_at, name)
        self._tell(at_once)

    def _looked_at(self, _: None, name: str) -> None:
        self._tell([name])

    def _changes(self, name: str) -> Sequence[bytes]:
        seen = self._seen[name]
        before, seen.told = seen.told, seen.latest()
        image, seen.image = seen.image, seen.latest_image()
        changes = [seen.told.since(before).event] if seen.told != before else []
        if seen.image is not None and seen.image is not image:
            changes.append(event("image", {"device": name}))
        return changes

    def _tell(self, names: Iterable[str]) -> None:
        """What changed, to each listener at once: that costs as much as one thing."""
        telling: dict[Listener, list[bytes]] = {}
        for name in names:
            changes = self._changes(name)
            for listener in self._listeners[name] if changes else ():
                telling.setdefault(listener, []).extend(changes)
        for listener, changes in telling.items():
            listener(changes)


class _Seen:
    """One device: how it looked last."""

    def __init__(self, entry: Entry, dispatcher: Dispatcher, clock: IReactorTime) -> None:
        self._entry, self._clock = entry, clock
        self._dispatcher = dispatcher
        self._operations = operations(entry.driver.interface)
        self._values: Mapping[str, Shown] = {}
        self._names: Sequence[str] = ()
        self._on_off: Sequence[bool] = ()  # which switches know nothing in between
        self._named = 0  # the link whose names are known
        self._trouble = ""
        self._has_answered = False
        self._looking: Deferred[None] | None = None
        self._waiting: list[Deferred[None]] = []
        self.name = f"{entry.kind}/{entry.number}"
        self.told = self.latest()
        self.image = self.latest_image()

    @property
    def is_looking(self) -> bool:
        """Whether it has been asked and has not answered."""
        return self._looking is not None

    @property
    def has_answered(self) -> bool:
        """Whether it answered when it was asked last."""
        return self._has_answered and not self.is_looking and self._entry.driver.link.is_open

    def look(self) -> Deferred[None]:
        """Ask it how it is, unless that is under way; fires when it is known, or that it cannot be."""
        if self._looking is None:
            looking = self._looking = Deferred.fromCoroutine(self._look())
            looking.addErrback(lambda failure: log.failure("looking at {name}", failure, name=self.name))
            looking.addCallback(self._looked)
            if looking.called:
                self._looking = None
                return looking
        waiting: Deferred[None] = Deferred(self._waiting.remove)
        self._waiting.append(waiting)
        return waiting

    def _looked(self, _: object) -> None:
        self._looking = None
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each.callback(None)

    async def _look(self) -> None:
        driver = self._entry.driver
        if not driver.link.is_open:
            self._values, self._trouble = {}, ""
            return
        self._has_answered = False
        try:
            openings = driver.link.openings
            if self._named != openings:
                self._named = openings
                await self._ask_names()
            items: list[StateItem] = await self._ask("DeviceState")
            self._values, self._trouble, self._has_answered = self._read(items), "", True
        except Unavailable:
            pass  # its health says so
        except AlpacaError as error:
            self._trouble = error.sentence
            spent(error)
        except Exception as error:
            self._trouble = f"DeviceState failed: {type(error).__name__}: {error}"
            spent(error)

    async def _ask(self, method: str, **arguments: Any) -> Any:
        """Through the rules that clients are under, except that nobody has asked."""
        entry, operation = self._entry, self._operations[method]
        driver = entry.driver
        health = self._dispatcher.health_of(entry)
        asked = health.begin(operation, arguments, driver.link.openings)
        self._dispatcher.latest.device, self._dispatcher.latest.method = driver, method
        seconds = entry.deadline or ORDINARY_DEADLINE
        try:
            answer = call(driver, operation, arguments, until=driver.clock.seconds() + seconds)
        except BaseException:
            health.answered(asked)
            raise
        if not isinstance(answer, Deferred):
            health.answered(asked)
            return answer
        answer.addBoth(passed_on, health.answered, asked)
        return await within(self._clock, seconds, answer, f"{method} of {driver.name}", lambda: health.expired(asked))

    async def _ask_names(self) -> None:
        self._names, self._on_off = (), ()
        try:
            if self._entry.kind == "filterwheel":
                self._names = [str(each) for each in await self._ask("Names")]
            elif self._entry.kind == "switch":
                numbers = range(await self._ask("MaxSwitch"))
                self._names = [str(await self._ask("GetSwitchName", Id=each)) for each in numbers]
                self._on_off = [await self._ask("MaxSwitchValue", Id=each) == 1 for each in numbers]
        except (AlpacaError, TypeError) as error:
            spent(error)  # numbers will do

    def _read(self, items: Iterable[StateItem]) -> Mapping[str, Shown]:
        found = {}
        for item in items:
            operation, number = self.operation(item.Name)
            if operation is not None:  # TimeStamp is none
                found[item.Name] = Shown(item.Value, self._text(operation, number, item.Value))
        return found

    def _text(self, operation: Operation, number: int | None, value: Any) -> str:
        if self._entry.kind == "filterwheel" and operation.member == "Position":
            if value == -1:
                return "moving"
            return f"{value} {self._names[value]}" if 0 <= value < len(self._names) else str(value)
        if number is not None and operation.member != "StateChangeComplete" and self._is_on_off(number) and value in (0, 1):
            return "on" if value else "off"
        return shown(operation, value)

    def _is_on_off(self, number: int) -> bool:
        return number < len(self._on_off) and self._on_off[number]

    def operation(self, name: str) -> tuple[Operation | None, int | None]:
        """What an entry of DeviceState is the value of; of what is numbered, the number, too."""
        if name in self._operations:
            return self._operations[name], None
        numbered = _NUMBERED.fullmatch(name)
        return (self._operations.get(numbered[1]), int(numbered[2])) if numbered else (None, None)

    def label(self, name: str) -> str:
        """What people call an entry of DeviceState."""
        operation, number = self.operation(name)
        if number is not None:
            return self._names[number] if number < len(self._names) else f"{self._entry.type_name} {number}"
        return in_words(operation.member if operation is not None else name)

    def latest_image(self) -> object | None:
        """What tells the image that can be fetched now from others, as the last may be of an exposure that no poll has seen."""
        ready = self._values.get("ImageReady")
        if ready is None or ready.value is not True:
            return None
        return getattr(self._entry.driver, "taken", None) or True

    def latest(self) -> View:
        """How it looks now, by what is known of it."""
        lamp, text = self._lamp()
        link = self._entry.driver.link
        values = {CONNECTED: Shown(link.is_open, "yes" if link.is_open else "no"), **(self._values if link.is_open else {})}
        holders = tuple(f"{address} (client {number})" for address, number in link.holders) if link.is_open else ()
        return View(self.name, lamp, text, holders, self._error(lamp), values)

    def _lamp(self) -> tuple[str, str]:
        link = self._entry.driver.link
        if link.is_busy:
            return "connecting", "connecting" if link.is_opening else "disconnecting"
        if link.is_open:
            silent = self._dispatcher.health_of(self._entry).complaint(link.openings)
            return ("not-answering", "not answering") if silent else ("connected", "connected")
        if link.retries_in is not None:
            return "retrying", f"retrying in {ceil(link.retries_in)} s"
        return ("failed", "failed") if link.failure is not None else ("disconnected", "disconnected")

    def _error(self, lamp: str) -> str:
        link = self._entry.driver.link
        if lamp == "failed" and link.failure is not None:
            return f"{_sentence(link.failure.sentence)} Put that right, then press Connect."
        if link.failure is not None:
            return f"{_sentence(link.failure.sentence)} The server goes on trying."
        if lamp == "not-answering":
            return (
                _sentence(self._dispatcher.health_of(self._entry).complaint(link.openings)) + " Look at its power and its cable."
            )
        return _sentence(self._trouble) if link.is_open else ""


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".") if text else ""
