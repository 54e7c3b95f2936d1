"""Interlocks: what a device may not do unless others say so, as the configuration has it."""

# Facts
#   Others are asked anew for each call; nothing that was answered before is believed. An answer that does not come, comes late or
#   is an error is no: the call is refused.
#   Two calls that exclude each other may arrive at once: close the roof if the mount is parked, unpark it if the roof is open. So
#   a call waits, before it asks a device, until that has answered what was to set it in motion and arrived earlier. Each waits
#   for earlier ones only, so none waits for itself.

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.logger import Logger

from pylpaca.calls import within
from pylpaca.config import Configuration, InterlockSection, Mistake, Place, nearest
from pylpaca.device import Device
from pylpaca.device.neighbours import ANSWER_WITHIN
from pylpaca.errors import DriverError, InvalidOperation
from pylpaca.interfaces import DEVICE_TYPES, Operation, operations
from pylpaca.motions import Motion
from pylpaca.roster import Key, Roster

log = Logger()

MOTION = "motion"
EXCEPT_TO_SAFETY = "motion except to safety"

_DEVICE = re.compile(r"([A-Za-z]+)/([0-9]{1,10})")
_MEMBER = re.compile(r"(\w+)(?:\(([0-9]{1,10})\))?")


class Wrong(Exception):
    """Something in a configuration that cannot be; the sentence says what was expected."""


@dataclass(frozen=True)
class Condition:
    """What a device has to answer."""

    key: Key
    device: Device
    operation: Operation
    parameters: tuple[tuple[str, int], ...]
    wanted: Any

    async def objection(self, earlier: Sequence[Motion]) -> str:
        """Why it does not hold now, or nothing; in two seconds, whatever the device does."""
        name, clock = f"{self.key[0]}/{self.key[1]}", self.device.clock
        until = clock.seconds() + ANSWER_WITHIN
        try:
            for motion in earlier:
                what = f"{motion.operation.method} of {name}, which was asked for before"
                await within(clock, max(until - clock.seconds(), 0.0), motion.answered(), what)
            left = max(until - clock.seconds(), 0.0)
            found = await self.device.neighbours.answer(self.device, name, self.operation, dict(self.parameters), left)
        except DriverError as error:
            return error.sentence
        return "" if found == self.wanted else f"{name} {self.member} is {shown(found)}"

    @property
    def member(self) -> str:
        """How the configuration names it."""
        return self.operation.member + "".join(f"({number})" for _, number in self.parameters)


@dataclass(frozen=True)
class Interlock:
    """What is refused unless all conditions hold."""

    methods: frozenset[str]
    conditions: tuple[Condition, ...]


@dataclass(frozen=True)
class Guard:
    """The interlocks of one device."""

    name: str
    interlocks: tuple[Interlock, ...]

    def __call__(self, operation: Operation, arguments: Mapping[str, Any]) -> Callable[[], Awaitable[None]] | None:
        """What is to be looked at before a call that is asked for now; None if nothing is, as for everything that stops."""
        if operation.only_stops(arguments):
            return None
        conditions = [c for each in self.interlocks if operation.method in each.methods for c in each.conditions]
        if not conditions:
            return None
        return partial(self._check, operation.method, [(each, list(each.device.link.motions)) for each in conditions])

    async def _check(self, method: str, conditions: Sequence[tuple[Condition, Sequence[Motion]]]) -> None:
        asked = [Deferred.fromCoroutine(condition.objection(earlier)) for condition, earlier in conditions]
        objections = [each for each in await gatherResults(asked) if each]
        if objections:
            sentence = f"{self.name} may not {method}: {'; '.join(dict.fromkeys(objections))}"
            log.info("refused: {sentence}", sentence=sentence)
            raise InvalidOperation(sentence)


def shown(value: Any) -> str:
    """A value as a configuration has it."""
    return value.name if isinstance(value, IntEnum) else json.dumps(value, default=str)


# ---- the configuration --------------------------------------------------------------------------------------------


def read(configuration: Configuration, roster: Roster) -> tuple[dict[Key, Guard], list[Mistake]]:
    """The interlocks of each device that has some, as a configuration has them, and what is wrong with them."""
    mistakes: list[Mistake] = []
    guards: dict[Key, Guard] = {}
    for each in configuration.devices:
        key, guarding = (each.entry.device_type, each.entry.device_number), []
        for index, section in enumerate(each.entry.interlocks):
            place = (*each.place, "interlocks", index)
            guarding.append(_read(section, key, place, configuration, roster, mistakes))
        if guarding and key in roster.entries:
            guards[key] = Guard(roster.entries[key].driver.name, tuple(guarding))
    return guards, mistakes


def install(guards: Mapping[Key, Guard], roster: Roster) -> None:
    """Put interlocks in front of the drivers."""
    for key, guard in guards.items():
        roster.entries[key].driver.link.motions.guard = guard


def _read(
    section: InterlockSection,
    key: Key,
    place: Place,
    configuration: Configuration,
    roster: Roster,
    mistakes: list[Mistake],
) -> Interlock:
    methods: set[str] = set()
    conditions: list[Condition] = []
    for index, word in enumerate(section.refuse):
        try:
            methods |= refused(key[0], word)
        except Wrong as wrong:
            mistakes.append(configuration.source.mistake(str(wrong), (*place, "refuse", index)))
    known = [(each.entry.device_type, each.entry.device_number) for each in configuration.devices]
    for device, members in section.unless.items():
        where: Place = (*place, "unless", device)
        try:
            other = find(device, known)
        except Wrong as wrong:
            mistakes.append(configuration.source.mistake(str(wrong), where))
            continue
        if not members:
            mistakes.append(configuration.source.mistake('says nothing: write {"AtPark": true}, or what it has to answer', where))
        for member, wanted in members.items():
            try:
                conditions += _condition(other, member, wanted, roster)
            except Wrong as wrong:
                mistakes.append(configuration.source.mistake(str(wrong), (*where, member)))
    return Interlock(frozenset(methods), tuple(conditions))


def find(text: str, known: Sequence[Key]) -> Key:
    """
    The device that a configuration names, as telescope/0.

    :raises Wrong: it is not there.
    """
    match = _DEVICE.fullmatch(text)
    key = (match[1].lower(), int(match[2])) if match is not None else None
    if key is None or key not in known:
        names = [f"{kind}/{number}" for kind, number in known]
        raise Wrong(f"there is no device {text!r} in this configuration; {nearest(text, names)}")
    return key


def refused(kind: str, word: str) -> set[str]:
    """
    The operations of a device type that a word of `refuse` names.

    :raises Wrong: none, or one that cannot be refused.
    """
    known = operations(DEVICE_TYPES[kind])
    moving = {each.method for each in known.values() if each.moves}
    if word in (MOTION, EXCEPT_TO_SAFETY):
        if not moving:
            raise Wrong(f"nothing of a {kind} is known to move: name its operations")
        return moving if word == MOTION else {each for each in moving if known[each].reaches is None}
    operation = known.get(word)
    can_be = sorted(each.method for each in known.values() if each.verb == "PUT" and not (each.stops or each.while_disconnected))
    if operation is not None and operation.stops:
        raise Wrong(f"{word} is a stop: nothing stands in the way of a stop")
    if operation is not None and operation.while_disconnected:
        raise Wrong(f"{word} is about the connection, which is never refused")
    if word not in can_be:
        what = f"{word} is read, and never refused" if operation is not None else f"a {kind} has no operation {word!r}"
        writes = [f"Set{word}"] if f"Set{word}" in can_be else [MOTION, EXCEPT_TO_SAFETY, *can_be]
        raise Wrong(f"{what}; {nearest(word, writes)}")
    return {word}


def _condition(key: Key, member: str, wanted: Any, roster: Roster) -> Iterable[Condition]:
    operation, parameters = _member(key, member)
    wanted = _value(operation, wanted)
    entry = roster.entries.get(key)
    if entry is None:
        return  # it could not be built, which is told already
    if entry.driver.lacks(operation.method):
        name = type(entry.driver).__name__
        raise Wrong(f"{name}, the driver of {key[0]}/{key[1]}, leaves {operation.method} out: it would refuse always")
    yield Condition(key, entry.driver, operation, parameters, wanted)


def _member(key: Key, text: str) -> tuple[Operation, tuple[tuple[str, int], ...]]:
    known = {each.method: each for each in operations(DEVICE_TYPES[key[0]]).values() if _can_be_asked(each)}
    match = _MEMBER.fullmatch(text)
    operation = known.get(match[1]) if match is not None else None
    if match is None or operation is None:
        if _is_measured(operations(DEVICE_TYPES[key[0]]).get(text)):
            raise Wrong(f"{text} is measured, and never exactly one value: let a safetymonitor decide what is enough")
        names = sorted(name + ("(0)" if each.parameters else "") for name, each in known.items())
        raise Wrong(f"a {key[0]} answers no {text!r} that could be compared; {nearest(text, names)}")
    if len(operation.parameters) != (match[2] is not None):
        does = f"needs its {operation.parameters[0].name}: write {match[1]}(0)" if operation.parameters else "takes no number"
        raise Wrong(f"{match[1]} {does}")
    return operation, tuple((each.name, int(match[2])) for each in operation.parameters)


def _can_be_asked(operation: Operation) -> bool:
    is_enumeration = isinstance(operation.returns, type) and issubclass(operation.returns, IntEnum)
    return (
        operation.verb == "GET"
        and (is_enumeration or operation.returns in (bool, int, str))
        and (not operation.parameters or [each.kind for each in operation.parameters] == [int])
    )


def _is_measured(operation: Operation | None) -> bool:
    return operation is not None and operation.verb == "GET" and operation.returns is float


def _value(operation: Operation, wanted: Any) -> Any:
    kind = operation.returns
    if kind is bool and not isinstance(wanted, bool):
        raise Wrong(f"{operation.member} is true or false, not {json.dumps(wanted)}")
    if kind is str and not isinstance(wanted, str):
        raise Wrong(f"{operation.member} is a text, not {json.dumps(wanted)}")
    if kind is int and (isinstance(wanted, bool) or not isinstance(wanted, int)):
        raise Wrong(f"{operation.member} is a whole number, not {json.dumps(wanted)}")
    if isinstance(kind, type) and issubclass(kind, IntEnum):
        names = [each.name for each in kind]
        if isinstance(wanted, str) and wanted in names:
            return kind[wanted]
        if isinstance(wanted, int) and not isinstance(wanted, bool) and wanted in list(kind):
            return kind(wanted)
        raise Wrong(f"{operation.member} is never {json.dumps(wanted)}; {nearest(str(wanted), names)}")
    return wanted
