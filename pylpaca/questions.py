"""What a device answers when people look at it: many questions, each with its answer or its refusal."""

# Facts
#   Many questions at once would stand in the queue of a slow cable before what others ask meanwhile, as a guider its pulses: they
#   are asked one after another.

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import Any, get_args, get_origin
from weakref import WeakKeyDictionary

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from pylpaca.calls import within
from pylpaca.device import Device
from pylpaca.dispatch import Dispatcher, call
from pylpaca.errors import AlpacaError, DriverError, Unavailable, spent
from pylpaca.interfaces import Operation, operations
from pylpaca.protocol import written
from pylpaca.roster import Entry

log = Logger()

PATIENCE = 2.0  # seconds for an answer
ENOUGH = 10.0  # seconds for all of them together: a slow cable takes its time
LEFT_ALONE = 10.0  # seconds: a driver that hangs keeps all that it was asked

Question = tuple[str, tuple[Any, ...]]  # a method that answers, and its arguments


class Questions:
    """Asks devices; one that does not answer in time is left alone for a while."""

    def __init__(self, dispatcher: Dispatcher, clock: IReactorTime) -> None:
        self._dispatcher, self._clock = dispatcher, clock
        self._silent: WeakKeyDictionary[Device, tuple[float, int]] = WeakKeyDictionary()  # since when, and on which link

    async def ask(self, entry: Entry, questions: Iterable[Question]) -> Mapping[Question, Any]:
        """The answer to each, of its declared type, or the AlpacaError with which it is refused."""
        until = self._clock.seconds() + ENOUGH
        answers: dict[Question, Any] = {}
        for each in questions:
            if each not in answers:
                answers[each] = self._refusal(entry, until) or await self._answer(entry.driver, *each)
        return answers

    def _refusal(self, entry: Entry, until: float) -> AlpacaError | None:
        """Why the device is not asked now, or not any more."""
        driver = entry.driver
        if complaint := self._dispatcher.health_of(entry).complaint(driver.link.openings):
            return Unavailable(complaint)
        since, link = self._silent.get(driver, (0.0, -1))
        if link == driver.link.openings and self._clock.seconds() - since < LEFT_ALONE:
            return Unavailable(f"{driver.name} does not answer; it is asked again {LEFT_ALONE:g} s after it was asked last")
        late = self._clock.seconds() >= until
        return Unavailable(f"{driver.name} is slow: it has been asked for {ENOUGH:g} s") if late else None

    async def _answer(self, device: Device, method: str, arguments: tuple[Any, ...]) -> Any:
        operation = operations(device.interface)[method]
        named = {each.name: value for each, value in zip(operation.parameters, arguments, strict=True)}
        link = device.link.openings

        def silent() -> None:
            self._silent[device] = (self._clock.seconds(), link)

        self._dispatcher.latest.device, self._dispatcher.latest.method = device, method
        try:
            answer = call(device, operation, named, until=device.clock.seconds() + PATIENCE)
            if isinstance(answer, Deferred):
                answer = await within(self._clock, PATIENCE, answer, f"{operation.member} of {device.name}", silent)
            return _of_its_type(operation, answer)
        except AlpacaError as error:
            spent(error)
            return error
        except Exception as error:
            log.failure("{member} of {device} failed", member=method, device=device.name)
            return DriverError(f"{method} failed: {type(error).__name__}: {error}")


def _of_its_type(operation: Operation, value: Any) -> Any:
    """An enumeration's value as one of it, which JSON does not know."""
    shown, kind = written(operation, value), operation.returns
    if get_origin(kind) is list:
        (inner,) = get_args(kind)
        return [inner(each) for each in shown] if _is_enumeration(inner) else list(value)
    if _is_enumeration(kind):
        return kind(shown)
    return shown if kind in (bool, int, float, str) else value


def _is_enumeration(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, IntEnum)
