"""What may be asked of a member and when it is refused, read from its rules: in words, in bounds, and as error numbers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pylpaca.errors import (
    AlpacaError,
    DriverError,
    InvalidOperation,
    InvalidValue,
    MemberNotImplemented,
    NotConnected,
)
from pylpaca.interfaces import Operation, Parameter
from pylpaca.interfaces.rules import (
    AbsentWhile,
    Available,
    AxisSpeed,
    Chosen,
    Clamped,
    ExposureTime,
    FrameOnSensor,
    IndexOf,
    Listed,
    MemberOf,
    Moment,
    NamesSensor,
    Needs,
    OneOf,
    RefusedUnless,
    RefusedWhile,
    Rule,
    SameBinning,
    Within,
)


@dataclass(frozen=True)
class Bounds:
    """The numbers that a parameter may have, as far as that is the same for every device."""

    low: float | None = None
    high: float | None = None
    open_low: bool = False
    open_high: bool = False


def bounds(operation: Operation, parameter: Parameter) -> Bounds:
    """Those of a parameter; one that is brought within its bounds, not refused, has none."""
    for rule in operation.rules:
        if isinstance(rule, Within) and rule.parameter == parameter.name:
            low = rule.low if not isinstance(rule.low, str) else None
            high = rule.high if not isinstance(rule.high, str) else None
            return Bounds(low, high, rule.open_start and low is not None, rule.open_end and high is not None)
    return Bounds()


def allowed(operation: Operation, parameter: Parameter) -> str:
    """Which values a parameter may have, in words; "" if any of its type."""
    if parameter.kind is bool:
        return "true or false"
    said = [_allowed(rule) for rule in operation.rules if getattr(rule, "parameter", None) == parameter.name]
    return "; ".join(filter(None, said))


def _allowed(rule: Rule) -> str:
    match rule:
        case Within():
            start = f"above {rule.low}" if rule.open_start else f"from {rule.low}"
            return start if rule.high is None else f"{start} to {'below ' if rule.open_end else ''}{rule.high}"
        case Clamped():
            where = f" where {rule.only_if} is true" if rule.only_if else ""
            return f"brought to {rule.low} to {rule.high}{where}"
        case MemberOf():
            return ", ".join(f"{each.value} {each.name}" for each in rule.enumeration)
        case NamesSensor():
            return f"one of {', '.join(rule.sensors)}" + (", or empty for all" if rule.all_of_them else "")
        case Listed() | OneOf():
            return f"one of {rule.member}"
        case IndexOf():
            return f"an index into {rule.member}, from 0"
        case Chosen():
            return f"an index into {rule.names}, or else from {rule.low} to {rule.high}"
        case AxisSpeed():
            return f"0, or one of {rule.member} in either direction"
        case ExposureTime():
            return f"from ExposureMin to ExposureMax; from 0 if {rule.light} is false"
        case Moment():
            return "a time such as 2026-01-31T22:15:00.000Z"
    return ""


def conditions(operation: Operation) -> list[str]:
    """When it can be asked, each in words."""
    said = [] if operation.while_disconnected else ["connected"]
    if operation.optional:
        said.append("if this device has it")
    return said + [words for rule in operation.rules if (words := _condition(rule))]


def _condition(rule: Rule) -> str:
    match rule:
        case Needs():
            return f"{rule.member} is true" + (f", unless {rule.only_if} is false" if rule.only_if else "")
        case AbsentWhile():
            return f"{rule.member} is not {_named(rule.value)}"
        case RefusedWhile():
            is_so = f"{rule.member} is false" if rule.value is True else f"{rule.member} is not {_named(rule.value)}"
            return is_so + (f", unless {rule.only_if} is false" if rule.only_if else "")
        case RefusedUnless():
            return f"{rule.member} is {_named(rule.value)}"
        case Available():
            return f"{rule.member} has a value"
        case SameBinning():
            return "BinX and BinY are the same, or CanAsymmetricBin is true"
        case FrameOnSensor():
            return "the subframe lies on the sensor at its binning"
    return ""


def _named(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(getattr(value, "name", value))


def refusals(operation: Operation) -> list[type[AlpacaError]]:
    """What it may be refused with, in the order of the numbers; a driver may have numbers of its own."""
    found: set[type[AlpacaError]] = {DriverError}
    if not operation.while_disconnected:
        found.add(NotConnected)
    if operation.optional:
        found.add(MemberNotImplemented)
    for rule in operation.rules:
        found |= _refusals(rule)
    return sorted(found, key=lambda each: each.number)


def _refusals(rule: Rule) -> set[type[AlpacaError]]:
    match rule:
        case Needs() | AbsentWhile():
            return {MemberNotImplemented}
        case NamesSensor():
            return {MemberNotImplemented, InvalidValue}
        case Listed() | RefusedWhile() | RefusedUnless():
            return {rule.refusal}
        case SameBinning():
            return {InvalidOperation}
        case Within() | MemberOf() | OneOf() | IndexOf() | Chosen() | AxisSpeed() | ExposureTime() | Moment() | FrameOnSensor():
            return {InvalidValue}
    return set()


EXAMPLES: dict[Any, str] = {bool: "true", int: "1", float: "12.5", str: "text", datetime: "2026-01-31T22:15:00.000Z"}


def example(operation: Operation, parameter: Parameter) -> str:
    """A value that is likely to be taken."""
    limits = bounds(operation, parameter)
    for rule in operation.rules:
        if getattr(rule, "parameter", None) != parameter.name:
            continue
        if isinstance(rule, MemberOf):
            return str(next(each.value for each in rule.enumeration if limits.low is None or each.value >= limits.low))
        if isinstance(rule, NamesSensor):
            return rule.sensors[0]
        if isinstance(rule, Moment):
            return EXAMPLES[datetime]
        if isinstance(rule, IndexOf | Chosen):
            return "0"
        if isinstance(rule, AxisSpeed):
            return "0.5"
    if parameter.name == "Id":
        return "0"
    value = EXAMPLES.get(parameter.kind, "1")
    if limits.high is not None and float(value) > limits.high:
        return str(limits.high)
    return value
