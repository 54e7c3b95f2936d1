"""The kinds of rule a member can have; each knows the refusal it leads to."""

# Facts
#   Precedence (both fact sheets of the official checker): capability 0x400, then value 0x401, then state (0x408, 0x409, 0x40B).
#   A number that can be read but is out of range is a refusal with HTTP 200, never a 400.

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, ClassVar, Protocol

from pylpaca.errors import AlpacaError, InvalidValue, MemberNotImplemented

Ask = Callable[[str], Awaitable[Any]]  # the name of a readable member -> its value now


class Stage(IntEnum):
    """When a rule is looked at: the first stage that refuses is the answer."""

    CAPABILITY = 0
    VALUE = 1
    STATE = 2


class Rule(Protocol):
    """Looks at the arguments and at other members of the device, and refuses or lets pass."""

    @property
    def stage(self) -> Stage:
        """When this rule is looked at."""

    async def enforce(self, ask: Ask, arguments: dict[str, Any]) -> None:
        """Raise the refusal, or put an argument into its final form, or do nothing."""


@dataclass(frozen=True)
class Needs:
    """Exists only if the capability `member` answers True; with `only_if`, only asked when that parameter is true."""

    stage: ClassVar[Stage] = Stage.CAPABILITY
    member: str
    only_if: str = ""

    async def enforce(self, ask: Ask, arguments: dict[str, Any]) -> None:
        if self.only_if and not arguments[self.only_if]:
            return
        if not await ask(self.member):
            raise MemberNotImplemented(f"not available on this device: {self.member} is False")


@dataclass(frozen=True)
class Within:
    """
    A number between two bounds, each a number or the name of a member that gives it.

    In a signature it needs no `parameter`: it stands on the parameter it is about.
    """

    stage: ClassVar[Stage] = Stage.VALUE
    low: float | str
    high: float | str
    open_end: bool = False
    parameter: str = ""

    async def enforce(self, ask: Ask, arguments: dict[str, Any]) -> None:
        low, high = [await ask(bound) if isinstance(bound, str) else bound for bound in (self.low, self.high)]
        value = arguments[self.parameter]
        if not (low <= value < high if self.open_end else low <= value <= high):
            end = f"below {high}" if self.open_end else f"{high}"
            raise InvalidValue(f"{self.parameter} {value} is out of range: it goes from {low} to {end}")


@dataclass(frozen=True)
class Clamped:
    """A number that is brought to the nearer bound instead of being refused, if the member `only_if` answers True."""

    stage: ClassVar[Stage] = Stage.VALUE
    parameter: str
    low: float | str
    high: float | str
    only_if: str = ""

    async def enforce(self, ask: Ask, arguments: dict[str, Any]) -> None:
        if self.only_if and not await ask(self.only_if):
            return
        low, high = [await ask(bound) if isinstance(bound, str) else bound for bound in (self.low, self.high)]
        arguments[self.parameter] = min(max(arguments[self.parameter], low), high)


@dataclass(frozen=True)
class MemberOf:
    """An integer that is turned into an enumeration, or refused if it is none of its values."""

    stage: ClassVar[Stage] = Stage.VALUE
    parameter: str
    enumeration: type[IntEnum]

    async def enforce(self, ask: Ask, arguments: dict[str, Any]) -> None:
        try:
            arguments[self.parameter] = self.enumeration(arguments[self.parameter])
        except ValueError:
            known = ", ".join(f"{member.value} {member.name}" for member in self.enumeration)
            raise InvalidValue(f"{self.parameter} {arguments[self.parameter]} is none of {known}") from None


@dataclass(frozen=True)
class Listed:
    """A text that must be one of those that `member` lists, in any case; otherwise `refusal`."""

    stage: ClassVar[Stage] = Stage.VALUE
    parameter: str
    member: str
    refusal: type[AlpacaError]

    async def enforce(self, ask: Ask, arguments: dict[str, Any]) -> None:
        known = await ask(self.member)
        for name in known:
            if name.lower() == arguments[self.parameter].lower():
                arguments[self.parameter] = name
                return
        have = ", ".join(known) or "none"
        raise self.refusal(f"{self.parameter} {arguments[self.parameter]!r} is not one this device has: {have}")


@dataclass(frozen=True)
class RefusedWhile:
    """Refused while `member` answers True."""

    stage: ClassVar[Stage] = Stage.STATE
    member: str
    refusal: type[AlpacaError]

    async def enforce(self, ask: Ask, arguments: dict[str, Any]) -> None:
        if await ask(self.member):
            raise self.refusal(f"not while {self.member} is True")
