"""Asking a driver: the rules first, then the call; its answer at once, or a Deferred of it."""

# Facts (measured)
#   A Deferred of a coroutine costs more than most drivers take to answer; nearly every driver answers most members at once. What
#   inspect.isawaitable does to find out that a number is none takes as long as answering it.

from __future__ import annotations

import operator
from collections.abc import Awaitable, Callable, Coroutine, Generator, Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass
from functools import cache
from inspect import isawaitable
from types import NoneType
from typing import Any, ClassVar, Protocol, TypeGuard, TypeVar, cast

from twisted.internet.defer import CancelledError, Deferred, gatherResults, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from pylpaca.errors import AlpacaError, DriverError, MemberNotImplemented, OperationCancelled, spent
from pylpaca.interfaces import Operation, operations
from pylpaca.interfaces.rules import Done, Rule, Stage, Within
from pylpaca.protocol import written
from pylpaca.values import StateItem

T = TypeVar("T")

log = Logger()

Soon = Callable[[Deferred[None]], Deferred[None]]  # the same, or a DriverError if it does not come soon


class Callee(Protocol):
    """What is asked: an object with the methods of `interface`."""

    interface: ClassVar[Any]

    def lacks(self, method: str) -> bool:
        """Whether nobody wrote this method for this device."""


class _NoExit:
    def __enter__(self) -> None:
        """Nothing is needed."""

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        if isinstance(error, SystemExit):
            raise RuntimeError(f"the driver called sys.exit({error.code!r})") from None


_NO_EXIT = _NoExit()


def no_exit() -> _NoExit:
    """Code of a driver runs: that it calls sys.exit, as wrappers of SDKs do, is its failure, not the end of the server."""
    return _NO_EXIT


def settle(coroutine: Coroutine[Any, Any, T]) -> T | Deferred[T]:
    """Run a coroutine: its result if it never had to wait, else a Deferred of it. What it raises at once is raised."""
    context = copy_context()  # as Twisted has it: what the coroutine sets there is its own
    try:
        awaited = context.run(coroutine.send, None)
    except StopIteration as done:
        return cast(T, done.value)
    return Deferred.fromCoroutine(_going_on(context, coroutine, awaited))


def _going_on(context: Context, coroutine: Coroutine[Any, Any, T], awaited: Any) -> Generator[Deferred[Any], object, T]:
    """The rest of a coroutine that waits for something already, in the context in which it began."""
    try:
        while True:
            try:
                result = yield awaited
            except GeneratorExit:  # nobody is left who could go on with it
                context.run(coroutine.close)
                raise
            except BaseException as error:
                awaited = context.run(coroutine.throw, error)
            else:
                awaited = context.run(coroutine.send, result)
    except StopIteration as done:
        return cast(T, done.value)


_AT_ONCE = frozenset((bool, int, float, str, list, tuple, NoneType))


def has_to_wait(answer: T | Awaitable[T]) -> TypeGuard[Awaitable[T]]:
    """Whether a driver's answer is yet to come."""
    return type(answer) not in _AT_ONCE and isawaitable(answer)


async def settled(result: T | Awaitable[T]) -> T:
    """The value of a driver's answer, however it was given."""
    return await result if has_to_wait(result) else cast(T, result)


def perform(
    device: Callee,
    operation: Operation,
    arguments: dict[str, Any],
    wanted: Callable[[], bool] = lambda: True,
    linked: Callable[[], bool] = lambda: True,
    check: Callable[[], Awaitable[None]] | None = None,
    soon: Soon | None = None,
) -> Any:
    """
    Look at the rules of an operation, then ask the driver.

    :param wanted: whether the call may still begin after the rules have been waited for.
    :param linked: whether it is still the same link when the driver has done it; otherwise nothing is remembered of it.
    :param check: is looked at after the rules, and raises a refusal of its own.
    :param soon: of a stop: what gives up waiting for what its rules ask of the device; it goes ahead then, and if that fails.
    :returns: what the driver gave, or a Deferred of it.
    :raises AlpacaError: a refusal, unless it took waiting to find out: then the Deferred fails with it.
    """
    if operation.rules or check is not None:
        return settle(_by_the_rules(device, operation, arguments, wanted, linked, check, soon))
    return perform_plain(device, operation, arguments)


def perform_plain(device: Callee, operation: Operation, arguments: dict[str, Any]) -> Any:
    """The same of an operation without rules."""
    _check_present(device, operation)
    with no_exit():
        answer = getattr(device, operation.method)(**arguments)
    return as_deferred(answer) if has_to_wait(answer) else answer


def _check_present(device: Callee, operation: Operation) -> None:
    if operation.optional and device.lacks(operation.method):
        raise MemberNotImplemented(f"{operation.member} is not implemented by this device")


async def _by_the_rules(
    device: Callee,
    operation: Operation,
    arguments: dict[str, Any],
    wanted: Callable[[], bool],
    linked: Callable[[], bool],
    check: Callable[[], Awaitable[None]] | None,
    soon: Soon | None,
) -> Any:
    asked = _Asked(device, arguments)
    rules = operation.staged
    try:
        for rule in rules.identity:
            await rule.enforce(asked, arguments)
        _check_present(device, operation)
        if soon is None:
            for rule in rules.before:
                await rule.enforce(asked, arguments)
        else:
            await _in_a_hurry(soon, rules.before, asked, arguments, operation)
    except Done as done:
        return done.value
    if check is not None:
        await check()
    if not wanted():
        raise OperationCancelled(f"{operation.member} was given up before it began")

    async def enforce(those: Sequence[Rule]) -> None:
        for rule in those:
            if linked():
                await rule.enforce(asked, arguments)

    await enforce(rules.begin)
    try:
        with no_exit():
            answer = getattr(device, operation.method)(**arguments)
            if has_to_wait(answer):
                answer = await answer
    except BaseException:
        await enforce(rules.failed)
        raise
    await enforce(rules.effect)
    return answer


async def _in_a_hurry(soon: Soon, rules: Sequence[Rule], asked: _Asked, arguments: dict[str, Any], operation: Operation) -> None:
    """Whether a stop is refused, if that can be found out soon; a device that cannot say whether it is parked is stopped."""
    for rule in rules:
        looking = Deferred.fromCoroutine(rule.enforce(asked, arguments))
        try:
            await soon(looking)
        except DriverError as error:
            log.warn("{member} goes ahead: {reason}", member=operation.member, reason=error.sentence)
        except (AlpacaError, Done):
            raise
        except Exception:
            log.failure("{member} goes ahead, although what it asks first failed", member=operation.member)


@dataclass(frozen=True)
class _Asked:
    """A device, as the rules of one call see it."""

    _device: Callee
    _arguments: dict[str, Any]

    async def ask(self, method: str) -> Any:
        member = operations(self._device.interface).get(method)
        same = {}
        if member is not None and member.parameters:
            same = {each.name: self._arguments[each.name] for each in member.parameters}
        with no_exit():
            answer = getattr(self._device, method)(**same)
            return await answer if has_to_wait(answer) else answer

    async def tell(self, method: str, *values: Any) -> None:
        await settled(getattr(self._device, method)(*values))

    def lacks(self, method: str) -> bool:
        return self._device.lacks(method)


def as_deferred(answer: Awaitable[T]) -> Deferred[T]:
    """A Deferred of what a driver promised; a driver's own Deferred is left to the driver."""
    return Deferred.fromCoroutine(_settled_without_exit(answer))


async def _settled_without_exit(answer: Awaitable[T]) -> T:
    with no_exit():
        return await answer


def within(
    clock: IReactorTime, seconds: float, waiting: Deferred[T], what: str, expired: Callable[[], None] | None = None
) -> Deferred[T]:
    """
    The same answer, or DriverError when it is not there in time.

    The deadline does not reach `waiting`: what a driver has begun runs on. What it fails with afterwards is logged.

    :param expired: is told when it is not there in time.
    """
    answer: Deferred[T] = Deferred()

    def expire() -> None:
        if expired is not None:
            expired()
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


Ask = Callable[[Operation, dict[str, Any]], Any]  # as `perform` of one device


def passed_on(result: T, tell: Callable[..., object], *arguments: Any) -> T:
    """For a Deferred's `addBoth`: tell somebody that it has its result, whatever that is."""
    tell(*arguments)
    return result


def snapshot(device: Callee, time_stamp: Callable[[], str], ask: Ask) -> list[StateItem] | Deferred[list[StateItem]]:
    """DeviceState: each of its members that has a value now, and when that was."""
    return settle(_snapshot(device, time_stamp, ask))


async def _snapshot(device: Callee, time_stamp: Callable[[], str], ask: Ask) -> list[StateItem]:
    members: list[tuple[Operation, int | None]] = []
    for operation in _in_state(device.interface):
        if operation.parameters:
            members += [(operation, number) for number in range(await _count_now(device, operation))]
        else:
            members.append((operation, None))
    found: list[Any] = [settle(_value_now(ask, *each)) for each in members]
    if any(isinstance(each, Deferred) for each in found):
        found = await gatherResults([each if isinstance(each, Deferred) else succeed(each) for each in found])
    items = [item for item in found if isinstance(item, StateItem)]
    return [*items, StateItem("TimeStamp", time_stamp())]


@cache
def _in_state(interface: Any) -> Sequence[Operation]:
    return [each for each in operations(interface).values() if each.in_state]


async def _count(device: Callee, operation: Operation) -> int:
    """How many things an operation with an Id can be asked about."""
    (identity,) = (rule for rule in operation.rules if isinstance(rule, Within) and rule.stage is Stage.IDENTITY)
    return cast(int, await settled(getattr(device, str(identity.high))()))


async def _count_now(device: Callee, operation: Operation) -> int:
    """The same; none if that cannot be found out now."""
    try:
        with no_exit():
            return operator.index(await _count(device, operation))
    except AlpacaError:
        return 0
    except Exception:
        log.failure("{member} left out of DeviceState", member=operation.member)
        return 0


async def _value_now(ask: Ask, operation: Operation, number: int | None) -> StateItem | None:
    """A member of DeviceState; of one with an Id, that of this number, which then stands behind its name."""
    arguments = {} if number is None else {operation.parameters[0].name: number}
    try:
        answer = ask(operation, arguments)
        value = written(operation, await answer if isinstance(answer, Deferred) else answer)
    except AlpacaError as error:
        spent(error)
        return None  # a member without a value now is left out
    except Exception as error:
        log.failure("{member} left out of DeviceState", member=operation.member)
        spent(error)
        return None
    return StateItem(f"{operation.member}{'' if number is None else number}", value)
