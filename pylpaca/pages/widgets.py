"""How the operations of a device look as values, buttons and fields, by their declarations and by what the device answers."""

# Facts
#   What moves something is a button with the words of the module that makes pages live: data-put, data-send, data-confirm. In
#   data-send, {Name} stands for what the field of that name has, and {dome/0/Azimuth} for what the device showed last.
#   Fields take numbers as the API does; those that people have as 12 34 56 are turned into decimals by the browser.

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Any

from twisted.web.template import Tag, tags

from pylpaca.errors import AlpacaError, MemberNotImplemented
from pylpaca.interfaces import Operation, Parameter, operations
from pylpaca.interfaces.rules import (
    AbsentWhile,
    Chosen,
    Clamped,
    ExposureTime,
    IndexOf,
    MemberOf,
    NamesSensor,
    Needs,
    OneOf,
    Rule,
    Stage,
    Within,
)
from pylpaca.pages.hand_boxes import CHOICES, DEFAULTS, LABELS, QUESTIONS
from pylpaca.protocol import written
from pylpaca.questions import Question
from pylpaca.roster import Entry
from pylpaca.showing import UNITS, UNKNOWN, in_words, shown
from pylpaca.values import Frame

MOST_BUTTONS = 12  # of one choice; more are a list


@dataclass
class Box:
    """
    One device with what it answered, and what of it a page has shown so far.

    :ivar answers: values and refusals; nothing while the device is not connected, but for what it is then asked, too.
    """

    entry: Entry
    answers: Mapping[Question, Any]
    is_connected: bool
    shown: set[str] = field(default_factory=set)
    _fields: int = 0

    @property
    def device(self) -> str:
        """Its path, as in dome/0."""
        return f"{self.entry.kind}/{self.entry.number}"

    @property
    def operations(self) -> Mapping[str, Operation]:
        """All that can be asked of it."""
        return operations(self.entry.driver.interface)

    def value(self, method: str, *arguments: Any) -> Any:
        """What it answered, or None."""
        found = self.answers.get((method, arguments))
        return None if isinstance(found, AlpacaError) else found

    def text(self, operation: Operation, *arguments: Any) -> str:
        """The same, as people read it."""
        found = self.value(operation.method, *arguments)
        if found is None:
            return UNKNOWN
        if isinstance(found, datetime):
            return found.strftime("%Y-%m-%d %H:%M:%S UTC")
        if isinstance(found, list) and found and isinstance(found[0], IntEnum):
            return ", ".join(in_words(each.name) for each in found)
        names = self._names_of(operation)
        if names and isinstance(found, int) and 0 <= found < len(names):
            return f"{found} {names[found]}"
        return shown(operation, written(operation, found))

    def _names_of(self, operation: Operation) -> Sequence[str]:
        """What the numbers of a value are called, where they are indices of names."""
        setter = self.operations.get(f"Set{operation.member}")
        rules = setter.rules if setter is not None and setter.member == operation.member else ()
        lists = [
            each.member if isinstance(each, IndexOf) else each.names for each in rules if isinstance(each, (IndexOf, Chosen))
        ]
        return self.value(lists[0]) or [] if lists else []

    def lack(self, operation: Operation, *identity: Any) -> str:
        """
        Why it does not have an operation, or nothing.

        :param identity: which of several things is meant.
        """
        if self.entry.driver.lacks(operation.method):
            return "not implemented by this device"
        for rule in operation.rules:
            if isinstance(rule, Needs) and not rule.only_if and self._denies(rule.member, identity):
                return f"{rule.member} is False"
            if isinstance(rule, AbsentWhile) and self.value(rule.member) == rule.value:
                return f"{rule.member} is {rule.value.name}"
        for method in dict.fromkeys((operation.method, operation.member)):
            answer = self.answers.get((method, identity))
            if isinstance(answer, MemberNotImplemented) and self.operations[method].verb == "GET":
                return answer.sentence
        if operation.method == "Action" and self.value("SupportedActions") == []:
            return "this device has no actions of its own"
        return ""

    def _denies(self, capability: str, identity: tuple[Any, ...]) -> bool:
        """Whether the capability is False; of several things that each have their own, that of one, or of all of them."""
        if not self.operations[capability].parameters or identity:
            arguments = identity if self.operations[capability].parameters else ()
            return self.value(capability, *arguments) is False
        each = [answer for (method, _), answer in self.answers.items() if method == capability]
        return bool(each) and not any(answer is True or isinstance(answer, AlpacaError) for answer in each)

    def has(self, method: str) -> bool:
        """Whether it has an operation, as far as is known."""
        return not self.lack(self.operations[method])

    def label(self, name: str) -> str:
        """What people call a member, a method or a parameter."""
        words = LABELS.get(f"{self.entry.kind}/{name}") or LABELS.get(name) or in_words(name)
        return words[:1].upper() + words[1:]

    # values

    def shows(self, operation: Operation, *identity: Any) -> dict[str, str]:
        """The attributes of an element that shows a value: it is live, or is fetched anew after each success."""
        self.shown.add(operation.method)
        which = "".join(map(str, identity))
        if operation.in_state:
            return {"data-value": f"{self.device}/{operation.member}{which}"}
        return {"data-fresh": f"{operation.member}{which}"}

    def values(self, members: Iterable[Operation]) -> list[Tag]:
        """A table of values."""
        rows = []
        for each in members:
            hint = {} if each.member.startswith("Can") else {"title": _hint(each)}  # of those the name says it
            value = tags.td(self.text(each), **self.shows(each))
            rows.append(tags.tr(tags.th(self.label(each.member), scope="row"), value, **hint))
        return [tags.table(*rows, class_="list")] if rows else []

    # controls

    def controls(self, members: Sequence[Operation]) -> list[Tag]:
        """Buttons and forms, those that take the same parameters together."""
        found: list[Tag] = []
        alike: list[Operation] = []
        buttons: list[Tag] = []
        for each in [*members, None]:
            if buttons and (each is None or each.parameters):
                found.append(tags.div(*buttons, class_="row"))
                buttons = []
            if alike and (each is None or not _alike(alike[0], each)):
                found.append(self.form(alike))
                alike = []
            if each is None:
                break
            self.shown.add(each.method)
            if not each.parameters:
                buttons.append(self.button(each))
            elif (choice := self._choice(each)) is not None:
                found.append(choice)
            else:
                alike.append(each)
        return found

    def button(
        self,
        operation: Operation,
        text: str = "",
        send: Mapping[str, Any] | None = None,
        more: Mapping[str, str] | None = None,
    ) -> Tag:
        """A button that sends an operation, with parameters that are known; `more` of its attributes."""
        self.shown.add(operation.method)
        said = {"data-put": f"{self.device}/{operation.path}", **(more or {})}
        if send:
            said["data-send"] = "&".join(f"{name}={value}" for name, value in send.items())
        if question := QUESTIONS.get(operation.method):
            said["data-confirm"] = question
        if not text:
            said["title"] = _hint(operation)
        return tags.button(text or self.label(operation.method), type="button", **said)

    def _choice(self, operation: Operation) -> Tag | None:
        """Buttons for each value of a property that has few, beside what it is now; None if it has many."""
        getter = self.operations.get(operation.member)
        if operation.method == operation.member or len(operation.parameters) != 1:
            return None
        (parameter,) = operation.parameters
        options = self.options(operation, parameter)
        if not options or len(options) > MOST_BUTTONS:
            return None
        lacking = {
            str(True): f"{each.member} is False"
            for each in operation.rules
            if isinstance(each, Needs) and each.only_if and self.value(each.member) is False
        }
        now: tuple[Any, ...] = ()
        if getter is not None:
            now = (": ", tags.strong(self.text(getter), **self.shows(getter))) if not self.lack(getter) else ()
        buttons = []
        for value, name in options:
            button = self.button(operation, name[:1].upper() + name[1:], {parameter.name: value})
            if reason := lacking.get(value):
                button(disabled="disabled", title=reason)
            buttons.append(button)
        heading = tags.span(self.label(operation.member), *now, class_="name", id=f"of-{operation.method}")
        kind = "row" if len(buttons) < 3 else "row many"
        said = {"aria-labelledby": f"of-{operation.method}", "title": _hint(operation)}
        return tags.div(heading, *buttons, class_=kind, role="group", **said)

    def form(self, alike: Sequence[Operation]) -> Tag:
        """Fields for the parameters that some operations share, and a button for each of these."""
        first = alike[0]
        fields = [self.field(first, each, alike) for each in first.parameters]
        buttons = [self._sender(each) for each in alike]
        kind = "row one" if len(fields) == len(buttons) == 1 else "row"
        return tags.form(*fields, *buttons, class_=kind, **{"data-put": f"{self.device}/{first.path}"})

    def _sender(self, operation: Operation) -> Tag:
        """A button of a form; each says what the fields are sent to."""
        self.shown.add(operation.method)
        said = {"data-form-put": f"{self.device}/{operation.path}"}
        if question := QUESTIONS.get(operation.method):
            said["data-confirm"] = question
        text = "Set" if operation.method != operation.member else self.label(operation.method)
        return tags.button(text, type="submit", title=_hint(operation), **said)

    def asker(self, operation: Operation) -> Tag:
        """A form that asks for a value; it is shown as the server answers it."""
        self.shown.add(operation.method)
        fields = [self.field(operation, each) for each in operation.parameters]
        heading = tags.span(self.label(operation.member), class_="name", title=_hint(operation))
        said = {"data-get": f"{self.device}/{operation.path}"}
        return tags.form(heading, *fields, tags.button("Ask", type="submit"), class_="row", **said)

    def field(self, operation: Operation, parameter: Parameter, together: Sequence[Operation] = ()) -> Tag:
        """A label, a field, and what goes into it, for an operation and for those that share it."""
        options = self.options(operation, parameter)
        now = self.value(operation.member) if operation.method != operation.member else None
        default = DEFAULTS.get(f"{operation.method} {parameter.name}", "") if now is None else now
        label = self.label(parameter.name)
        ranges = {self.range_text(each, parameter) for each in together or [operation]}
        help_ = ranges.pop() if len(ranges) == 1 else parameter.unit
        self._fields += 1
        id_ = f"f{self._fields}"  # short: a page has dozens of them
        said = {"id": id_, "name": parameter.name, **({"aria-describedby": f"{id_}h"} if help_ else {})}
        if options:
            control = tags.select(
                *(
                    tags.option(name, value=value, **({"selected": "selected"} if value == str(_plain(default)) else {}))
                    for value, name in options
                ),
                **said,
            )
        elif is_sexagesimal(operation, parameter):
            control = tags.input(
                type="text",
                required="",
                placeholder="12 34 56" if parameter.unit == "hours" else "+12 34 56",
                autocomplete="off",
                value=_number(default),
                **said,
                **{"data-sexagesimal": ""},
            )
        elif parameter.kind in (int, float):
            low, high = self.bounds(operation, parameter) if not ranges else (None, None)
            limits = {name: _number(each) for name, each in (("min", low), ("max", high)) if each is not None}
            step = "1" if parameter.kind is int else "any"
            control = tags.input(type="number", required="", step=step, value=_number(default), **limits, **said)
        else:
            control = tags.input(type="text", value=_text(default), autocomplete="off", **said)
        explained = [tags.small(help_, id=f"{id_}h", class_="muted")] if help_ else []
        return tags.div(tags.label(label, **{"for": id_}), control, *explained, class_="field")

    def options(self, operation: Operation, parameter: Parameter) -> list[tuple[str, str]]:
        """What a parameter can be, each as it is sent and as people read it; none if it is a number or a text."""
        if parameter.kind is bool:
            yes, no = CHOICES.get(parameter.name, ("On", "Off"))
            return [("True", yes), ("False", no)]
        for rule in operation.rules:
            if getattr(rule, "parameter", "") != parameter.name:
                continue
            if isinstance(rule, Within) and rule.stage is Stage.IDENTITY and isinstance(rule.high, str):
                numbers = range(self.value(rule.high) or 0)
                return [(str(each), f"{each} {self.value('GetSwitchName', each) or ''}") for each in numbers]
            if isinstance(rule, MemberOf) or (isinstance(rule, Within) and _is_enumeration(parameter.kind)):
                return self._members(operation, parameter)
            if isinstance(rule, OneOf):
                return [(str(int(each)), in_words(each.name)) for each in self.value(rule.member) or list(parameter.kind)]
            if isinstance(rule, NamesSensor):
                return [(each, self.label(each)) for each in rule.sensors if self.has(each)]
            if isinstance(rule, (IndexOf, Chosen)):
                names = self.value(rule.member if isinstance(rule, IndexOf) else rule.names) or []
                return [(str(number), name) for number, name in enumerate(names)]
        return []

    def _members(self, operation: Operation, parameter: Parameter) -> list[tuple[str, str]]:
        """The values of an enumeration that the rules allow."""
        allowed = list(parameter.kind)
        for rule in operation.rules:
            if isinstance(rule, OneOf) and rule.parameter == parameter.name:
                allowed = self.value(rule.member) or allowed
            if isinstance(rule, Within) and rule.parameter == parameter.name:
                low, high = self.bounds(operation, parameter)
                allowed = [each for each in allowed if (low is None or each >= low) and (high is None or each <= high)]
        return [(str(int(each)), in_words(each.name)) for each in allowed]

    def bounds(self, operation: Operation, parameter: Parameter) -> tuple[Any, Any]:
        """From where to where a number may go; None where that is open, or not known."""
        rule = _bounding(operation, parameter)
        if isinstance(rule, ExposureTime):
            return 0, self.value("ExposureMax")
        if isinstance(rule, Clamped) and rule.only_if and self.value(rule.only_if) is False:
            return None, None
        if isinstance(rule, (Within, Clamped, Chosen)):
            return self._bound(rule.low), self._bound(rule.high)
        return None, None

    def _bound(self, bound: Any) -> Any:
        return self.value(bound) if isinstance(bound, str) else bound

    def range_text(self, operation: Operation, parameter: Parameter) -> str:
        """The same in words, with the unit."""
        low, high = self.bounds(operation, parameter)
        if self.options(operation, parameter):
            return ""
        unit, _ = UNITS.get(parameter.unit, (f" {parameter.unit}", 0))
        if low is not None and high is not None:
            return f"{_number(low)} to {_number(high)}{unit}".strip()
        return f"at least {_number(low)}{unit}".strip() if low is not None else unit.strip()


def _bounding(operation: Operation, parameter: Parameter) -> Rule | None:
    kinds = (Within, Clamped, Chosen, ExposureTime)
    return next((each for each in operation.rules if isinstance(each, kinds) and each.parameter == parameter.name), None)


def is_sexagesimal(operation: Operation, parameter: Parameter) -> bool:
    """Whether people have such a number as 12 34 56: hours, and degrees to either side of 0, no more than half round."""
    if parameter.unit == "hours":
        return True
    rule = _bounding(operation, parameter)
    return parameter.unit == "degrees" and isinstance(rule, Within) and isinstance(rule.low, int) and -180 <= rule.low < 0


def is_plain_value(operation: Operation) -> bool:
    """Whether it answers without being told more, and what it answers can be read."""
    is_plain = operation.verb == "GET" and not operation.parameters
    return is_plain and operation.returns is not Frame and operation.method != "DeviceState"


def is_identified(operation: Operation) -> bool:
    """Whether its first parameter says which of several things is meant."""
    return any(isinstance(each, (Within, MemberOf)) and each.stage is Stage.IDENTITY for each in operation.rules)


def _is_enumeration(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, IntEnum)


def _alike(one: Operation, other: Operation) -> bool:
    """Whether the fields of one do for the other."""
    return one.parameters == other.parameters and one.method == one.member and other.method == other.member


def _hint(operation: Operation) -> str:
    return " ".join(operation.doc.partition("\n\n")[0].split())


def _plain(value: Any) -> Any:
    return int(value) if isinstance(value, IntEnum) else value


def _number(value: Any) -> str:
    """A number as a field takes it."""
    if isinstance(value, float) and math.isfinite(value):
        return f"{value:.10g}"
    return str(_plain(value))


def _text(value: Any) -> str:
    return value.strftime("%Y-%m-%dT%H:%M:%SZ") if isinstance(value, datetime) else str(value)
