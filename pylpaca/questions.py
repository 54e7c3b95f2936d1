"""What a device answers when people look at it: many questions at once, each with its answer or its refusal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import Any, get_args, get_origin
from weakref import WeakKeyDictionary

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from pylpaca.calls import within
from pylpaca.device import Device
from pylpaca.dispatch import call
from pylpaca.errors import AlpacaError, DriverError, spent
from pylpaca.interfaces import Operation, operations
from pylpaca.protocol import written

log = Logger()

PATIENCE = 2.0  # seconds for all answers together
LEFT_ALONE = 10.0  # seconds: a driver that hangs keeps all that it was asked

Question = tuple[str, tuple[Any, ...]]  # a method that answers, and its arguments


class Questions:
    """Asks devices; one that does not answer in time is left alone for a while."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._silent: WeakKeyDictionary[Device, tuple[float, int]] = WeakKeyDictionary()  # since when, and on which link

    async def ask(self, device: Device, questions: Iterable[Question]) -> Mapping[Question, Any]:
        """The answer to each, of its declared type, or the AlpacaError with which it is refused."""
        asked = list(dict.fromkeys(questions))
        since, link = self._silent.get(device, (-LEFT_ALONE, -1))
        for_seconds = self._clock.seconds() - since
        if link == device.link.openings and for_seconds < LEFT_ALONE:
            silent = DriverError(f"{device.name} does not answer; it is asked again in {LEFT_ALONE - for_seconds:.0f} s")
            return dict.fromkeys(asked, silent)
        answers = await gatherResults([Deferred.fromCoroutine(self._one(device, *each)) for each in asked])
        return dict(zip(asked, answers, strict=True))

    async def _one(self, device: Device, method: str, arguments: tuple[Any, ...]) -> Any:
        operation = operations(device.interface)[method]
        named = {each.name: value for each, value in zip(operation.parameters, arguments, strict=True)}
        link = device.link.openings

        def silent() -> None:
            self._silent[device] = (self._clock.seconds(), link)

        try:
            answer = call(device, operation, named)
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
