"""Asking a driver: the rules first, then the call; its answer at once, or a Deferred of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from inspect import isawaitable
from typing import Any, ClassVar, Protocol, TypeVar, cast

from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from pylpaca.errors import AlpacaError, DriverError, MemberNotImplemented
from pylpaca.interfaces import Operation, operations
from pylpaca.protocol import written
from pylpaca.values import StateItem

T = TypeVar("T")

log = Logger()


class Callee(Protocol):
    """What is asked: an object with the methods of `interface`."""

    interface: ClassVar[Any]

    def lacks(self, method: str) -> bool:
        """Whether nobody wrote this method for this device."""


def settle(coroutine: Coroutine[Any, Any, T]) -> T | Deferred[T]:
    """Run a coroutine: its result if it never had to wait, else a Deferred of it. What it raises at once is raised."""
    running = Deferred.fromCoroutine(coroutine)
    if not running.called or running.paused:
        return running
    results: list[T | Failure] = []
    running.addBoth(results.append)
    if isinstance(results[0], Failure):
        results[0].raiseException()
    return results[0]


async def settled(result: T | Awaitable[T]) -> T:
    """The value of a driver's answer, however it was given."""
    return await result if isawaitable(result) else result


def perform(device: Callee, operation: Operation, arguments: dict[str, Any]) -> Any:
    """
    Look at the rules of an operation, then ask the driver.

    :returns: what the driver gave, or a Deferred of it.
    :raises AlpacaError: a refusal, unless it took waiting to find out: then the Deferred fails with it.
    """
    if operation.optional and device.lacks(operation.method):
        raise MemberNotImplemented(f"{operation.member} is not implemented by this device")
    if operation.rules:
        return settle(_by_the_rules(device, operation, arguments))
    answer = getattr(device, operation.method)(**arguments)
    return as_deferred(answer) if isawaitable(answer) else answer


async def _by_the_rules(device: Callee, operation: Operation, arguments: dict[str, Any]) -> Any:
    async def ask(method: str) -> Any:
        return await settled(getattr(device, method)())

    for rule in operation.rules:
        await rule.enforce(ask, arguments)
    return await settled(getattr(device, operation.method)(**arguments))


def as_deferred(answer: Awaitable[T]) -> Deferred[T]:
    """A Deferred of what a driver promised; a driver's own Deferred is left to the driver."""
    return Deferred.fromCoroutine(settled(answer))


def within(clock: IReactorTime, seconds: float, waiting: Deferred[T], what: str) -> Deferred[T]:
    """
    The same answer, or DriverError when it is not there in time.

    The deadline does not reach `waiting`: what a driver has begun runs on. What it fails with afterwards is logged.
    """
    answer: Deferred[T] = Deferred()

    def expire() -> None:
        answer.errback(DriverError(f"no answer from {what} in {seconds:g} s"))

    def deliver(result: T | Failure) -> None:
        if not answer.called:
            expiry.cancel()
            answer.callback(cast(T, result))
        elif isinstance(result, Failure) and not result.check(AlpacaError, CancelledError):
            log.failure("{what} failed after nobody waited", result, what=what)

    expiry = clock.callLater(seconds, expire)
    waiting.addBoth(deliver)
    return answer


def shielded(waiting: Deferred[T]) -> Deferred[T]:
    """The same answer; who cancels it stops waiting, and nothing else."""
    answer: Deferred[T] = Deferred(lambda _: None)
    waiting.addBoth(lambda result: None if answer.called else answer.callback(result))
    return answer


def snapshot(device: Callee, time_stamp: Callable[[], str]) -> list[StateItem] | Deferred[list[StateItem]]:
    """DeviceState: each of its members that has a value now, and when that was."""
    return settle(_snapshot(device, time_stamp))


async def _snapshot(device: Callee, time_stamp: Callable[[], str]) -> list[StateItem]:
    members = [operation for operation in operations(device.interface).values() if operation.in_state]
    found = await gatherResults([Deferred.fromCoroutine(_value_now(device, each)) for each in members])
    items = [item for item in found if item is not None]
    return [*items, StateItem("TimeStamp", time_stamp())]


async def _value_now(device: Callee, operation: Operation) -> StateItem | None:
    try:
        value = written(operation, await settled(perform(device, operation, {})))
    except AlpacaError:
        return None  # a member without a value now is left out
    except Exception:
        log.failure("{member} left out of DeviceState", member=operation.member)
        return None
    return StateItem(operation.member, value)
