"""How many calls each device was asked, how they ended and how long they took."""

# Facts
#   This is done for each call of a server that answers one in 15 microseconds: so a call finds what counts it by one look into a
#   dictionary, and adds to plain numbers; what they mean is worked out when somebody wants to know.

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cache

from pylpaca.dispatch import Answered, Request
from pylpaca.errors import DRIVER_NUMBERS, AlpacaError
from pylpaca.interfaces import DEVICE_TYPES, Operation, operations

BOUNDS = (0.0001, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 100.0)  # seconds


class CallClass(Enum):
    """What kind of call it is, as far as patience goes."""

    READ = "read"
    WRITE = "write"
    STOP = "stop"  # by its declaration; MoveAxis at rate 0 counts as a write

    @classmethod
    def of(cls, operation: Operation) -> CallClass:
        """That of an operation."""
        if operation.verb == "GET":
            return cls.READ
        return cls.STOP if operation.stops else cls.WRITE


@dataclass(eq=False, slots=True)
class Tally:
    """The calls of one class to one device."""

    device: str
    call: CallClass
    within: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))  # how many took at most that; then all longer ones
    seconds: float = 0.0
    errors: Counter[int] = field(default_factory=Counter)

    @property
    def count(self) -> int:
        """How many there were."""
        return sum(self.within)


@dataclass(eq=False, slots=True)
class Member:
    """The calls of one operation of one device."""

    device: str
    operation: Operation
    tally: Tally
    count: int = 0
    errors: int = 0
    seconds: float = 0.0
    longest: float = 0.0


class Counts:
    """Counts."""

    def __init__(self) -> None:
        self._members: dict[tuple[str, ...], Member] = {}
        self._tallies: dict[tuple[str, CallClass], Tally] = {}

    def __call__(self, answered: Answered) -> None:
        """One more call was answered."""
        request, seconds, error = answered.request, answered.seconds, answered.error
        member = self._members.get(request[:4]) or self._found(request)
        member.count += 1
        member.seconds += seconds
        if seconds > member.longest:
            member.longest = seconds
        tally = member.tally
        tally.within[bisect_left(BOUNDS, seconds)] += 1
        tally.seconds += seconds
        if error:
            member.errors += 1
            tally.errors[error] += 1

    def _found(self, request: Request) -> Member:
        number = str(int(request.number))  # other ways to write it are many, and mean the same
        place = (request.verb, request.kind, number, request.member)
        if place not in self._members:
            operation = operation_of(request)
            device, call = f"{request.kind}/{number}", CallClass.of(operation)
            tally = self._tallies.setdefault((device, call), Tally(device, call))
            self._members[place] = Member(device, operation, tally)
        return self._members[place]

    def tallies(self) -> Iterable[Tally]:
        """What was counted, by device and class of call."""
        return self._tallies.values()

    def slowest(self, most: int) -> list[Member]:
        """The operations of which one call took longest."""
        return sorted(self._members.values(), key=lambda each: each.longest, reverse=True)[:most]


def operation_of(request: Request) -> Operation:
    """What was asked, of a request that was answered."""
    return _by_path(request.kind)[request.verb, request.member]


@cache
def _by_path(kind: str) -> Mapping[tuple[str, str], Operation]:
    return {(each.verb, each.path): each for each in operations(DEVICE_TYPES[kind]).values()}


def error_name(number: int) -> str:
    """What an ErrorNumber is called; all numbers of drivers are one."""
    return "DriverError" if number in DRIVER_NUMBERS else _names().get(number, AlpacaError.__name__)


@cache
def _names() -> Mapping[int, str]:
    return {each.number: each.__name__ for each in AlpacaError.__subclasses__()}
