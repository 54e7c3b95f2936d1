"""What a device is being asked, and what it answered a moment ago: clients that ask the same share one call of the driver."""

# Facts
#   A line of 9600 baud takes some thirty questions a second, and a handful of programs ask more than that. Most ask the same.
#   An answer says how things were at some time after its call began: who asks after an order must not be given what was asked
#   before it; not by its device, nor by another on the same cable, which may be the same box.

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from pylpaca.calls import passed_on
from pylpaca.config import nearest
from pylpaca.interfaces import Operation, operations
from pylpaca.interfaces.declaration import ORDINARY_DEADLINE
from pylpaca.protocol import LONGEST_LIST
from pylpaca.values import Frame

MaxAge = float | Mapping[str, float]  # seconds: of all that can be asked, or of some members


def max_ages(interface: Any, declared: MaxAge) -> dict[str, float]:
    """
    For how long the value of each member may be reused, in seconds, as a driver declares it; those not named: not at all.

    :raises ValueError: it names what is no member, or none that is asked and may be kept, or is no such time.
    """
    known = operations(interface)
    can_be = {name for name, each in known.items() if each.verb == "GET" and each.returns is not Frame and name != "DeviceState"}
    if not isinstance(declared, Mapping):
        return dict.fromkeys(can_be, _seconds("", declared))
    for name in declared:
        if name == "DeviceState":
            raise ValueError("DeviceState is put together from other members: say how old these may be")
        if name in known and known[name].verb != "GET":
            raise ValueError(f"{name} is an order, which is never shared")
        if name in known and name not in can_be:
            raise ValueError(f"{name} is an image, which is not kept")
        if name not in known:
            raise ValueError(f"there is no member {name!r}; {nearest(str(name), sorted(can_be))}")
    return {name: _seconds(f"of {name} ", seconds) for name, seconds in declared.items()}


def _seconds(what: str, declared: Any) -> float:
    is_number = isinstance(declared, (int, float)) and not isinstance(declared, bool)
    if not is_number or not (math.isfinite(declared) and declared >= 0):
        raise ValueError(f"the age {what}is in seconds, 0 or more, not {declared!r}")
    return float(declared)


class OnCable(Protocol):
    """A device's end of a cable that it may share with others."""

    @property
    def changes(self) -> int:
        """How often something happened after which devices there may answer differently than before."""

    def changed(self) -> None:
        """Such a thing happened, to whichever of them."""


@dataclass(eq=False)
class Shared:
    """One call of the driver, while it is not answered and as long as its value may be reused."""

    began: float
    changes: Hashable  # of the device, when it began
    until: float  # others may share it
    waiting: list[Deferred[Any]] = field(default_factory=list)
    is_answered: bool = False
    value: Any = None

    def answer(self) -> Any:
        """Its value, or a Deferred of it for one more who waits."""
        if self.is_answered:
            return self.value
        answer: Deferred[Any] = Deferred()
        self.waiting.append(answer)
        return answer


class SharedAnswers:
    """
    Those of one device.

    What a driver answers at once costs nothing and is not shared; what fails is told to all who wait for it, and not kept.

    :param link: what differs when the device was connected or disconnected.
    :param lines: its ends of cables.
    :param max_age: seconds for which a value may be reused, from when its call began, by the name of the method; 0 if not said.
    :ivar calls: by question; empty as long as the driver answers at once.
    """

    MOST = 256  # questions that are remembered

    def __init__(
        self, clock: IReactorTime, link: Callable[[], Hashable], lines: Sequence[OnCable], max_age: Mapping[str, float]
    ) -> None:
        self._clock, self._link, self._lines, self._max_age = clock, link, lines, max_age
        self._changed = 0
        self.calls: dict[Hashable, Shared] = {}

    def changed(self) -> None:
        """An order to the device begins or ends, or the like: it and others on its cables may answer differently than before."""
        self._changed += 1
        for line in self._lines:
            line.changed()

    def changes(self) -> Hashable:
        """Differs once such a thing happened, to it or to others on its cables: what was asked before it does not count after."""
        return (self._link(), self._changed, *[line.changes for line in self._lines])

    def find(self, operation: Operation, arguments: Mapping[str, Any]) -> Shared | None:
        """What answers a question without asking the driver once more, if anything does."""
        return self._found(_question(operation, arguments))

    def share(
        self, operation: Operation, arguments: Mapping[str, Any], answer: Deferred[Any], until: float | None = None
    ) -> Deferred[Any]:
        """
        The answer of a call that has just begun, which others may wait for as well.

        :param until: when whoever asks gives up; nobody joins a call that was not answered by then, and may never be.
        """
        if answer.called and not answer.paused:
            return answer
        now, question = self._clock.seconds(), _question(operation, arguments)
        shared = Shared(now, self.changes(), now + ORDINARY_DEADLINE if until is None else until)
        self._make_room()
        self.calls[question] = shared
        mine: Deferred[Any] = shared.answer()
        answer.addBoth(self._answered, operation, question, shared)
        return mine

    def _found(self, question: Hashable) -> Shared | None:
        found = self.calls.get(question)
        if found is None or self._clock.seconds() >= found.until or found.changes != self.changes():
            return None
        return found

    def _answered(self, result: Any, operation: Operation, question: Hashable, shared: Shared) -> None:
        if isinstance(result, Iterator):
            result = _all_of(result)
        shared.is_answered = True
        shared.until = shared.began + self._max_age.get(operation.method, 0.0)
        is_last = self.calls.get(question) is shared
        if is_last and not isinstance(result, Failure) and self._found(question) is shared:
            shared.value = result
        elif is_last:
            del self.calls[question]
        waiting, shared.waiting = shared.waiting, []
        for each in waiting:
            each.callback(result)

    def _make_room(self) -> None:
        if len(self.calls) < self.MOST:
            return
        self.calls = {question: each for question, each in self.calls.items() if self._found(question) is each}
        if len(self.calls) >= self.MOST:
            self.calls.clear()  # they are answered all the same, each to those who wait for it now


def _question(operation: Operation, arguments: Mapping[str, Any]) -> Hashable:
    return (operation.method, *arguments.values())


def _all_of(values: Iterator[Any]) -> Any:
    """What can be gone through once only, for several; or what it failed with. One without an end is too long for all of them."""
    try:
        return list(islice(values, LONGEST_LIST + 1))
    except (Exception, SystemExit):
        return Failure()


def as_order(changed: Callable[[], None], give: Callable[[], Any]) -> Any:
    """
    Give an order to a device: what it was asked before it began is not the answer to what is asked afterwards, nor is what it was
    asked before it ended.

    :returns: what `give` gives, or a Deferred of it.
    """
    changed()
    try:
        answer = give()
    except BaseException:
        changed()
        raise
    if isinstance(answer, Deferred):
        return answer.addBoth(passed_on, changed)
    changed()
    return answer
