"""Bringing a device into a safe state: told once, then watched until it says that it is there."""

# Facts
#   An order is given once. A second one to a motor that stalled, or to a roof that met an obstacle, could do harm; and a device
#   that is there, or on its way, gets none: some roofs stop, or open, when they are told to close twice.
#   It is an ordinary call of the device: link, rules and interlocks are looked at as for a client's.

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from pylpaca.calls import settled, within
from pylpaca.config import nearest
from pylpaca.device.neighbours import ANSWER_WITHIN
from pylpaca.dispatch import call
from pylpaca.errors import AlpacaError, DriverError, OperationCancelled
from pylpaca.interfaces import DEVICE_TYPES, Operation, SafeState, operations
from pylpaca.interfaces.rules import Needs
from pylpaca.roster import Entry, answers_true
from pylpaca.safety.interlocks import Wrong, shown

log = Logger()

LOOK_EVERY = 1.0  # seconds


class Missed(Exception):
    """A device was not brought into a safe state; the sentence says why."""


class Run:
    """
    Steps that are being carried out, on whose behalf, and what ended them.

    :ivar ended_by: why no further step begins.
    :ivar left: whether what has begun is not watched any more.
    """

    def __init__(self, why: str, clock: IReactorTime) -> None:
        self.why, self.clock = why, clock
        self.ended_by = ""
        self.left = False

    def end(self, reason: str) -> None:
        """No further step begins; what has begun goes on to its end."""
        self.ended_by = self.ended_by or reason

    def leave(self, reason: str) -> None:
        """No further step begins, and nothing is watched: what has begun is left to the device."""
        self.end(reason)
        self.left = True

    def may_begin(self) -> bool:
        """Whether a step may."""
        return not self.ended_by

    async def tried(self, step: Step) -> bool:
        """Whether a step brought its device there; the log says that it begins, and how it ends."""
        log.warn("{why}: {step}", why=self.why, step=str(step))
        try:
            await step.carry_out(self)
        except Missed as missed:
            log.error("{why}: {step} failed: {reason}", why=self.why, step=str(step), reason=str(missed))
            return False
        log.warn("{why}: {step} is done", why=self.why, step=str(step))
        return True

    def not_begun(self, steps: Sequence[Step], reason: str) -> None:
        """The log says which steps were not begun, and why."""
        if steps:
            names = ", ".join(map(str, steps))
            log.error("{why}: {reason}; not begun: {steps}", why=self.why, reason=reason, steps=names)


@dataclass(frozen=True)
class Step:
    """A device, and the safe state that it is to be brought into."""

    entry: Entry
    operation: Operation
    within: float  # seconds
    go_on: bool = False  # what comes after it does not need it
    needs: tuple[Step, ...] = ()  # their devices have to be there when this begins

    @property
    def state(self) -> SafeState:
        """The state that it is about."""
        assert self.operation.reaches is not None
        return self.operation.reaches

    @property
    def device(self) -> str:
        """As a configuration names it."""
        return f"{self.entry.kind}/{self.entry.number}"

    def __str__(self) -> str:
        return f"{self.state.word} {self.device}"

    async def missing(self) -> str:
        """What shows that the device is not there now, or nothing."""
        for member, wanted in self.state.shows:
            try:
                found = await self._ask(member)
            except DriverError as error:
                return error.sentence
            if found != wanted:
                return f"{self.device} {member} is {shown(found)}"
        return ""

    async def carry_out(self, run: Run) -> None:
        """
        Bring the device there.

        :raises Missed: it does not get there.
        """
        for need in self.needs:
            if missing := await need.missing():
                raise Missed(f"it must not begin: {missing}")
        if not self.entry.driver.link.is_open:
            raise Missed(f"{self.device} is not connected, so it is left as it is")
        if not await self.missing():
            return
        until = run.clock.seconds() + self.within
        try:
            if not await self._is_coming():
                await self._prepare(until, run)
                await self._tell(self.operation, {}, until, run)
        except AlpacaError as error:
            raise Missed(error.sentence) from None
        except Exception as error:
            log.failure("{step} failed", step=str(self))
            raise Missed(f"{type(error).__name__}: {error}") from None
        while missing := await self.missing():
            if run.left:
                raise Missed(f"{self.operation.method} was begun and is not watched any more: {run.ended_by}")
            if run.clock.seconds() + LOOK_EVERY > until:
                raise Missed(f"{self.operation.method} was begun, but after {self.within:g} s {missing}")
            await deferLater(run.clock, LOOK_EVERY)

    async def _is_coming(self) -> bool:
        return self.state.coming is not None and await self._ask(self.state.coming[0]) == self.state.coming[1]

    async def _prepare(self, until: float, run: Run) -> None:
        if self.state.before is not None and await self._ask(self.state.before[0]):
            setter = operations(self.entry.driver.interface)[self.state.before[1]]
            await self._tell(setter, {setter.parameters[0].name: False}, until, run)

    async def _ask(self, member: str) -> Any:
        driver = self.entry.driver
        return await driver.neighbours.answer(driver, self.device, operations(driver.interface)[member], {}, ANSWER_WITHIN)

    async def _tell(self, operation: Operation, arguments: dict[str, Any], until: float, run: Run) -> None:
        """One call; a driver that answers only when the device is there may take the whole time of the step."""
        if not run.may_begin():
            raise OperationCancelled(f"it was given up before it began: {run.ended_by}")
        answer = settled(call(self.entry.driver, operation, arguments, until=until, wanted=run.may_begin))
        left = until - run.clock.seconds()
        await within(run.clock, left, Deferred.fromCoroutine(answer), f"{operation.method} of {self.device}")


# ---- the configuration --------------------------------------------------------------------------------------------


def words(kind: str) -> dict[str, Operation]:
    """What a device type can be brought into, by the word that a configuration uses."""
    known = operations(DEVICE_TYPES[kind]).values()
    return {each.reaches.word: each for each in known if each.reaches is not None}


def read_word(kind: str, word: str, entry: Entry | None) -> Operation:
    """
    What a device is asked for, to be brought into the state that a word names.

    :param entry: the device, if it could be built.
    :raises Wrong: the device type has no such state, this device cannot be brought into it, or nobody could see that it is there.
    """
    known = words(kind)
    if word not in known:
        hint = nearest(word, known) if known else "there is no safe state of it to go to"
        raise Wrong(f"a {kind} cannot be told to {word!r}; {hint}")
    operation = known[word]
    if entry is None:
        return operation
    driver, who = entry.driver, f"{type(entry.driver).__name__}, the driver of {kind}/{entry.number}"
    assert operation.reaches is not None
    for method in (operation.method, *(member for member, _ in operation.reaches.shows)):
        if driver.lacks(method):
            raise Wrong(f"{who}, cannot do this: it leaves {method} out")
    for rule in operation.rules:
        if isinstance(rule, Needs) and answers_true(driver, rule.member) is False:
            raise Wrong(f"{who}, cannot do this: {rule.member} is False")
    return operation
