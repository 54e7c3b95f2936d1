"""The kinds of rule a member can have; each knows the refusal it leads to."""

# Facts
#   Precedence (what the official checker accepts): which of several things is meant 0x401, then capability 0x400, then value
#   0x401, then state (parked 0x408 before targets 0x402; slaved 0x409; 0x40B).
#   A number that can be read but is out of range is a refusal with HTTP 200, never a 400.

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any, ClassVar, Protocol

from pylpaca.errors import AlpacaError, InvalidOperation, InvalidValue, MemberNotImplemented
from pylpaca.values import AxisRate


class Asked(Protocol):
    """The device, as rules see it."""

    async def ask(self, method: str) -> Any:
        """
        Call a member; the parameters it has are those of the same name in the call that the rule is about.

        A method of the framework's own part of the device, which has none, can be asked, too.
        """

    async def tell(self, method: str, *values: Any) -> None:
        """Hand values to a method of the framework's own part of the device."""

    def lacks(self, method: str) -> bool:
        """Whether the driver's author left this member out."""


class Stage(IntEnum):
    """When a rule is looked at: the first stage that refuses is the answer."""

    IDENTITY = 0  # which of several switches or axes
    CAPABILITY = 1
    VALUE = 2
    STATE = 3
    BEGIN = 4  # the driver is asked next: what the framework does, or refuses, before that
    EFFECT = 5  # the driver did it: what the framework remembers of the call
    FAILED = 6  # the driver did not do it, after all that


class Rule(Protocol):
    """Looks at the arguments and at other members of the device, and refuses or lets pass."""

    @property
    def stage(self) -> Stage:
        """When this rule is looked at."""

    async def enforce(self, device: Asked, arguments: dict[str, Any]) -> None:
        """Raise the refusal, or `Done`, or put an argument into its final form, or do nothing."""


class Done(Exception):  # no error: it ends the call
    """The answer is known without asking the driver."""

    def __init__(self, value: Any = None) -> None:
        super().__init__()
        self.value = value


async def _bound(device: Asked, bound: float | str) -> Any:
    return await device.ask(bound) if isinstance(bound, str) else bound


# ---- capability ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Needs:
    """Exists only if the capability `member` answers True; with `only_if`, only asked when that parameter is true."""

    stage: ClassVar[Stage] = Stage.CAPABILITY
    member: str
    only_if: str = ""

    async def enforce(self, device: Asked, arguments: dict[str, Any]) -> None:
        if self.only_if and not arguments[self.only_if]:
            return
        if not await device.ask(self.member):
            raise MemberNotImplemented(f"not available on this device: {self.member} is False")


@dataclass(frozen=True)
class AbsentWhile:
    """Does not exist while `member` has this value."""

    stage: ClassVar[Stage] = Stage.CAPABILITY
    member: str
    value: IntEnum

    async def enforce(self, device: Asked, arguments: dict[str, Any]) -> None:
        if await device.ask(self.member) == self.value:
            raise MemberNotImplemented(f"not available on this device: {self.member} is {self.value.name}")


@dataclass(frozen=True)
class NamesSensor:
    """A text that names one of `sensors`, in any case, that the device has; "" means all of them where `all_of_them`."""

    stage: ClassVar[Stage] = Stage.IDENTITY
    parameter: str
    sensors: Sequence[str]
    all_of_them: bool = False

    async def enforce(self, device: Asked, arguments: dict[str, Any]) -> None:
        text = arguments[self.parameter]
        if not text and self.all_of_them:
            return
        name = next((each for each in self.sensors if each.lower() == text.lower()), None)
        if name is None:
            raise InvalidValue(f"{self.parameter} {text!r} is none of {', '.join(self.sensors)}")
        if device.lacks(name):
            raise MemberNotImplemented(f"this device does not measure {name}")
        arguments[self.parameter] = name


# ---- value --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Within:
    """
    A number between two bounds, each a number, the name of a member that gives it, or None for no bound.

    In a signature it needs no `parameter`: it stands on the parameter it is about.
    """

    low: float | str
    high: float | str | None
    open_end: bool = False
    open_start: bool = False
    parameter: str = ""
    stage: Stage = Stage.VALUE

    async def enforce(self, device: Asked, arguments: dict[str, Any]) -> None:
        value = arguments[self.parameter]
        low = await _bound(device, self.low)
        high = None if self.high is None else await _bound(device, self.high)
        too_low = value < low or (self.open_start and value == low)
        too_high = high is not None and (value > high or (self.open_end and value == high))
        if too_low or too_high:
            start = f"above {low}" if self.open_start else f"from {low}"
            end = "" if high is None else f" to below {high}" if self.open_end else f" to {high}"
            raise InvalidValue(f"{self.parameter} {value} is out of range: it goes {start}{end}")


@dataclass(frozen=True)
class Clamped:
    """A number that is brought to the nearer bound instead of being refused, if the member `only_if` answers True."""

    stage: ClassVar[Stage] = Stage.VALUE
    parameter: str
    low: float | str
    high: float | str
    only_if: str = ""

    async def enforce(self, device: Asked, arguments: dict[str, Any]) -> None:
        if self.only_if and not await device.ask(self.only_if):
            return
        low, high = await _bound(device, self.low), await _bound(device, self.high)
        arguments[self.parameter] = min(max(arguments[self.parameter], low), high)


@dataclass(frozen=True)
class MemberOf:
    """An integer that is turned into an enumeration, or refused if it is none of its values."""

    parameter: str
    enumeration: type[IntEnum]
    stage: Stage = Stage.VALUE

    async def enforce(self, device: Asked, arguments: dict[str, Any]) -> None:
        try:
            arguments[self.parameter] = self.enumeration(arguments[self.parameter])
        except ValueError:
            known = ", ".join(f"{member.value} {member.name}" for member in self.enumeration)
            raise InvalidValue(f"{self.parameter} {arguments[self.parameter]} is none of {known}") from None


@dataclass(frozen=True)
class Moment:
    """A text that is turned into a point in time, ISO 8601; without a zone it is UTC."""

    stage: ClassVar[Stage] = Stage.VALUE
    parameter: str

    async def enforce(self, device: Asked, arguments: dict[str, Any]) -> None:
        text = arguments[self.parameter]
        if isinstance(text, datetime):  # from a caller in this process
            return
        try:
            moment = datetime.fromisoformat(text)
            moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        except (ValueError, OverflowError):
            raise InvalidValue(f"{self.parameter} {text[:40]!r} is no time such as 2026-01-31T22:15:00.000Z") from None
        arguments[self.parameter] = moment


@dataclass(frozen=True)
class Listed:
    """A text that must be one of those that `member` lists, in any case; otherwise `refusal`."""

    stage: ClassVar[Stage] = Stage.VALUE
    parameter: str
    member: str
    refusal: type[AlpacaError]

    async def enforce(self, device: Asked, arguments: dict[str, Any]) -> None:
        known = await device.ask(self.member)
        for name in known:
            if name.lower() == arguments[self.parameter].lower():
                arguments[self.parameter] = name
                return
        have = ", ".join(known) or "none"
        raise self.refusal(f"{self.parameter} {arguments[self.parameter]!r} is not one this device has: {have}")


@dataclass(frozen=True)
class OneOf:
    """A value that must be one of those that `member` lists."""

    stage: ClassVar[Stage] = Stage.VALUE
    parameter: str
    member: str

    async def enforce(self, device: Asked, arguments: dict[str, Any]) -> None:
        known = await device.ask(self.member)
        if arguments[self.parameter] not in known:
            have = ", ".join(getattr(each, "name", str(each)) for each in known)
            raise InvalidValue(f"{self.parameter} {arguments[self.parameter]} is not one this device has: {have}")


@dataclass(frozen=True)
class IndexOf:
    """A number that must be an index into what `member` lists, from 0."""

    stage: ClassVar[Stage] = Stage.VALUE
    parameter: str
    member: str

    async def enforce(self, device: Asked, arguments: dict[str, Any]) -> None:
        last = len(await device.ask(self.member)) - 1
        if not 0 <= arguments[self.parameter] <= last:
            raise InvalidValue(f"{self.parameter} {arguments[self.parameter]} is out of range: {self.member} has 0 to {last}")


@dataclass(frozen=True)
class Chosen:
    """An index into what `names` lists on a device that has names, else a number from what `low` to what `high` answers."""

    stage: ClassVar[Stage] = Stage.VALUE
    parameter: str
    names: str
    low: str
    high: str

    async def enforce(self, device: Asked, arguments: dict[str, Any]) -> None:
        try:
            await IndexOf(self.parameter, self.names).enforce(device, arguments)
        except MemberNotImplemented:
            await Within(self.low, self.high, parameter=self.parameter).enforce(device, arguments)


@dataclass(frozen=True)
class AxisSpeed:
    """A signed speed that must be 0 or in one of the ranges that `member` lists for the axis."""

    stage: ClassVar[Stage] = Stage.VALUE
    parameter: str
    member: str

    async def enforce(self, device: Asked, arguments: dict[str, Any]) -> None:
        speed = abs(arguments[self.parameter])
        ranges: Sequence[AxisRate] = await device.ask(self.member)
        if speed and not any(each.Minimum <= speed <= each.Maximum for each in ranges):
            have = ", ".join(f"{each.Minimum} to {each.Maximum}" for each in ranges) or "none"
            raise InvalidValue(f"{self.parameter} {arguments[self.parameter]} is no speed of this axis: {have}")


@dataclass(frozen=True)
class ExposureTime:
    """An exposure time that the camera can do; one without light may be shorter than the shortest exposure."""

    stage: ClassVar[Stage] = Stage.VALUE
    parameter: str = "Duration"
    light: str = "Light"

    async def enforce(self, device: Asked, arguments: dict[str, Any]) -> None:
        low = "ExposureMin" if arguments[self.light] else 0.0
        await Within(low, "ExposureMax", parameter=self.parameter).enforce(device, arguments)


@dataclass(frozen=True)
class FrameOnSensor:
    """The subframe that is set must lie on the sensor at the binning that is set; it is checked here, not when it is set."""

    stage: ClassVar[Stage] = Stage.VALUE

    async def enforce(self, device: Asked, arguments: dict[str, Any]) -> None:
        for axis in ("X", "Y"):
            start, number = await device.ask(f"Start{axis}"), await device.ask(f"Num{axis}")
            size = await device.ask(f"Camera{axis}Size") // await device.ask(f"Bin{axis}")
            if number < 1 or start < 0 or start + number > size:
                raise InvalidValue(
                    f"Start{axis} {start} and Num{axis} {number} do not lie on the sensor, which has {size} binned pixels there"
                )


# ---- state --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RefusedWhile:
    """Refused while `member` answers `value`; with `only_if`, only when that parameter is true."""

    stage: ClassVar[Stage] = Stage.STATE
    member: str
    refusal: type[AlpacaError]
    value: Any = True
    only_if: str = ""

    async def enforce(self, device: Asked, arguments: dict[str, Any]) -> None:
        if self.only_if and not arguments[self.only_if]:
            return
        if await device.ask(self.member) == self.value:
            raise self.refusal(f"not while {self.member} is {getattr(self.value, 'name', self.value)}")


@dataclass(frozen=True)
class RefusedUnless:
    """Refused unless `member` answers `value`."""

    stage: ClassVar[Stage] = Stage.STATE
    member: str
    refusal: type[AlpacaError]
    value: Any = True

    async def enforce(self, device: Asked, arguments: dict[str, Any]) -> None:
        found = await device.ask(self.member)
        if found != self.value:
            is_now = getattr(found, "name", found)
            raise self.refusal(f"only while {self.member} is {getattr(self.value, 'name', self.value)}; it is {is_now}")


@dataclass(frozen=True)
class SameBinning:
    """Refused while the two binnings differ on a camera that cannot do that."""

    stage: ClassVar[Stage] = Stage.STATE

    async def enforce(self, device: Asked, arguments: dict[str, Any]) -> None:
        if await device.ask("BinX") != await device.ask("BinY") and not await device.ask("CanAsymmetricBin"):
            raise InvalidOperation("BinX and BinY differ, and CanAsymmetricBin is False")


@dataclass(frozen=True)
class Available:
    """Refused as `member` is refused: it must have a value now."""

    stage: ClassVar[Stage] = Stage.STATE
    member: str

    async def enforce(self, device: Asked, arguments: dict[str, Any]) -> None:
        await device.ask(self.member)


@dataclass(frozen=True)
class DoneWhile:
    """Nothing is left to do while `member` answers `value`: it succeeds without asking the driver."""

    stage: ClassVar[Stage] = Stage.STATE
    member: str
    value: Any = True

    async def enforce(self, device: Asked, arguments: dict[str, Any]) -> None:
        if await device.ask(self.member) == self.value:
            raise Done


@dataclass(frozen=True)
class ReadsAs:
    """Answers `answer` without asking the driver unless `member` answers `value`."""

    stage: ClassVar[Stage] = Stage.STATE
    answer: Any
    member: str
    value: Any

    async def enforce(self, device: Asked, arguments: dict[str, Any]) -> None:
        if await device.ask(self.member) != self.value:
            raise Done(self.answer)


@dataclass(frozen=True)
class Overlaid:
    """Answers what the framework's own `method` says, unless that is None: then the driver is asked."""

    stage: ClassVar[Stage] = Stage.STATE
    method: str

    async def enforce(self, device: Asked, arguments: dict[str, Any]) -> None:
        answer = await device.ask(self.method)
        if answer is not None:
            raise Done(answer)


# ---- effect -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Told:
    """A method of the framework's own part of the device is called: before the driver, or after it did or refused."""

    method: str
    stage: Stage = Stage.EFFECT
    parameter: str = ""  # its value is handed to the method

    async def enforce(self, device: Asked, arguments: dict[str, Any]) -> None:
        await device.tell(self.method, *([arguments[self.parameter]] if self.parameter else []))


@dataclass(frozen=True)
class Remembered:
    """After the driver did what was asked, the parameter is told to another method of the device."""

    stage: ClassVar[Stage] = Stage.EFFECT
    parameter: str
    method: str

    async def enforce(self, device: Asked, arguments: dict[str, Any]) -> None:
        await device.tell(self.method, arguments[self.parameter])
