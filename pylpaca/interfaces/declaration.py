"""How an ASCOM member is declared, and how its declaration is read."""

# Facts
#   Which verb a member has follows from its signature, for the whole published device API: what returns nothing is a PUT; what
#   returns a value is a GET, but for Action, CommandBool and CommandString, which are marked; `SetX(X)` is the PUT on x.
#   zope.interface keeps neither a method's function nor its annotations; mypy-zope cannot read decorated interface methods.

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum, IntEnum
from functools import cache, cached_property
from typing import Annotated, Any, NamedTuple, TypeVar, Union, get_args, get_origin, get_type_hints

from zope.interface import Interface
from zope.interface.interface import InterfaceClass, Method

from pylpaca.interfaces.rules import MemberOf, Rule, Stage, Within
from pylpaca.values import Circle, FitsTime, Form, Unit

T = TypeVar("T")


class Mark(Enum):
    """What a return annotation can say besides its type."""

    PUT = "a PUT although it returns a value"
    IN_STATE = "part of DeviceState"
    IDENTIFIES = "says which of several things is meant: looked at before anything else"


Result = Union[T, Awaitable[T]]  # what a driver may give: a value, a Deferred, a coroutine
State = Annotated[Result[T], Mark.IN_STATE]
Put = Annotated[Result[T], Mark.PUT]

ORDINARY_DEADLINE = 4.0  # seconds; ASCOM's own Python client gives up at 5


@dataclass(frozen=True)
class SafeState:
    """
    What an operation without parameters brings a device into, for a server that is left alone.

    :ivar word: what a configuration calls it: "park".
    :ivar shows: what the device answers when it is there, each a member and its value.
    :ivar before: a switch that is turned off before, if it is on: the member and the operation that sets it.
    :ivar after: a device type that has to be in its own safe state before this may begin.
    :ivar coming: what the device answers when it is on its way there, a member and its value, if that tells it from other ways.
    """

    word: str
    shows: tuple[tuple[str, Any], ...]
    before: tuple[str, str] | None = None
    after: str = ""
    coming: tuple[str, Any] | None = None


@dataclass(frozen=True)
class Parameter:
    """One parameter of an operation: its exact ASCOM name, its Python type and its unit in words."""

    name: str
    kind: Any
    unit: str


class Staged(NamedTuple):
    """The rules of an operation, by when they are looked at."""

    identity: tuple[Rule, ...]
    before: tuple[Rule, ...]  # capability, value and state
    begin: tuple[Rule, ...]
    effect: tuple[Rule, ...]
    failed: tuple[Rule, ...]


@dataclass(frozen=True)
class Operation:
    """One thing a client can ask for: a verb on a member, and the interface method behind it."""

    verb: str
    member: str  # ASCOM's spelling: Slaved
    method: str  # the interface's method: SetSlaved
    doc: str
    parameters: tuple[Parameter, ...]
    returns: Any  # the Python type, or None
    unit: str
    form: Form | None  # what is done to its value before it is answered
    in_state: bool
    rules: tuple[Rule, ...]  # in the order in which they are looked at
    optional: bool  # a driver may leave it out, whatever its capabilities
    while_disconnected: bool
    deadline: float
    stops: bool = False  # it only ends what moves or works
    moves: bool | str = False  # it sets something in motion; a name: unless that parameter is false or 0
    reaches: SafeState | None = None
    busy: tuple[Any, ...] = ()  # the values by which it tells that the device moves or works

    @cached_property
    def path(self) -> str:
        """The last part of its URL."""
        return self.member.lower()

    @cached_property
    def is_plain(self) -> bool:
        """Whether nothing has to be looked at before the driver is asked, nor done afterwards."""
        return not (self.rules or self.moves or self.stops)

    @cached_property
    def staged(self) -> Staged:
        """Its rules by when they are looked at."""
        by_stage = {stage: tuple(each for each in self.rules if each.stage is stage) for stage in Stage}
        before = tuple(each for each in self.rules if Stage.IDENTITY < each.stage < Stage.BEGIN)
        return Staged(by_stage[Stage.IDENTITY], before, by_stage[Stage.BEGIN], by_stage[Stage.EFFECT], by_stage[Stage.FAILED])

    @property
    def returns_value(self) -> bool:
        """Whether its answer carries `Value`."""
        return self.returns is not None

    def sets_in_motion(self, arguments: Mapping[str, Any]) -> bool:
        """Whether this call of it does."""
        return bool(arguments[self.moves]) if isinstance(self.moves, str) else self.moves

    def only_stops(self, arguments: Mapping[str, Any]) -> bool:
        """Whether this call of it does nothing but to end a motion, as MoveAxis does at rate 0."""
        return self.stops or (isinstance(self.moves, str) and not arguments[self.moves])


@dataclass(frozen=True)
class _Beside:
    """What was said beside a method."""

    rules: tuple[Rule, ...] = ()
    optional: bool = False
    while_disconnected: bool = False
    deadline: float = ORDINARY_DEADLINE
    stops: bool = False
    moves: bool | str = False
    reaches: SafeState | None = None
    busy: tuple[Any, ...] = ()


def rule(
    method: Callable[..., Any],
    *rules: Rule,
    optional: bool = False,
    while_disconnected: bool = False,
    deadline: float = ORDINARY_DEADLINE,
    stops: bool = False,
    moves: bool | str = False,
    reaches: SafeState | None = None,
    busy: tuple[Any, ...] = (),
) -> None:
    """
    Say, beside a method of an interface, what its signature cannot.

    :param rules: what must hold before a driver is asked.
    :param optional: a driver may leave the member out, which is then answered with 0x400.
    :param while_disconnected: answered although the link is closed.
    :param deadline: seconds after which a client is told that the driver did not answer.
    :param stops: it only ends what moves or works, and is never kept waiting.
    :param moves: it sets something in motion; the name of a parameter: it does so unless that is false or 0, when it stops.
    :param reaches: what it brings the device into.
    :param busy: the values by which it tells that the device moves or works.
    """
    method.__dict__["beside"] = _Beside(rules, optional, while_disconnected, deadline, stops, moves, reaches, busy)


class Contract(InterfaceClass):
    """An interface class whose methods remember the function that declared them."""

    def __init__(
        self,
        name: str,
        bases: Any = (),
        attrs: Any = None,
        __doc__: Any = None,  # noqa: A002  # zope's name
        __module__: Any = None,
    ) -> None:
        for member in (attrs or {}).values():
            if inspect.isfunction(member):
                member.__dict__["function"] = member  # zope makes tagged values of a function's __dict__
        super().__init__(name, bases, attrs, __doc__, __module__)


class IAscom(Interface, metaclass=Contract):
    """What every declaration of an ASCOM device stands on."""


def device_type(interface: Any) -> str:
    """The ASCOM name of a device type, as in "FilterWheel"."""
    return str(interface.getTaggedValue("device_type"))


def interface_version(interface: Any) -> int:
    """The version of the ASCOM interface that is declared."""
    return int(interface.getTaggedValue("interface_version"))


@cache
def operations(interface: Any) -> Mapping[str, Operation]:
    """Everything an interface declares, by the name of the interface's method."""
    return {
        name: _read(name, member.getTaggedValue("function"))
        for name, member in sorted(interface.namesAndDescriptions(all=True))
        if isinstance(member, Method)
    }


def _read(name: str, function: Callable[..., Any]) -> Operation:
    hints = get_type_hints(function, include_extras=True)
    returned = hints.pop("return")
    kind, marks = _bare(returned)
    beside = getattr(function, "beside", _Beside())
    parameters, rules = [], list(beside.rules)
    for parameter, hint in hints.items():
        bare, notes = _bare(hint)
        parameters.append(Parameter(parameter, bare, _unit(notes)))
        stage = Stage.IDENTITY if Mark.IDENTIFIES in notes else Stage.VALUE
        if isinstance(bare, type) and issubclass(bare, IntEnum):
            rules.append(MemberOf(parameter, bare, stage))
        rules += [replace(note, parameter=parameter, stage=stage) for note in notes if isinstance(note, Within)]
    sets = name.startswith("Set") and list(hints) == [name[3:]]
    nothing = kind is type(None)
    return Operation(
        verb="PUT" if nothing or Mark.PUT in marks else "GET",
        member=name[3:] if sets else name,
        method=name,
        doc=inspect.cleandoc(function.__doc__ or ""),
        parameters=tuple(parameters),
        returns=None if nothing else kind,
        unit=_unit(marks),
        form=next((mark for mark in marks if isinstance(mark, (Circle, FitsTime))), None),
        in_state=Mark.IN_STATE in marks,
        rules=tuple(sorted(rules, key=lambda each: each.stage)),
        optional=beside.optional,
        while_disconnected=beside.while_disconnected,
        deadline=beside.deadline,
        stops=beside.stops,
        moves=beside.moves,
        reaches=beside.reaches,
        busy=beside.busy,
    )


def _bare(hint: Any) -> tuple[Any, list[Any]]:
    """Result[Annotated[T, ...]] -> T, and every annotation met on the way."""
    notes: list[Any] = []
    while True:
        origin = get_origin(hint)
        if origin is Annotated:
            hint, *more = get_args(hint)
            notes += more
        elif origin is Union:
            hint = get_args(hint)[0]
        else:
            return hint, notes


def _unit(notes: list[Any]) -> str:
    return next((note.name for note in notes if isinstance(note, Unit)), "")
