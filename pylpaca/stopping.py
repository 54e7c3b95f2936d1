"""How a server ends: in which order, and how long each step may take."""

# Facts
#   Whoever stops a program waits for it: systemd 15 s (our unit), Docker 10 s, a person less. 5 s are promised for a plain stop.
#   A serial line needs up to a second to close: what was written to it is let out first.

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from twisted.internet import defer
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from pylpaca.calls import no_exit, settled, within
from pylpaca.device import Device
from pylpaca.errors import AlpacaError
from pylpaca.leaving import OpenConnections
from pylpaca.pending import Pending

log = Logger()

CALLS_WITHIN = 2.5  # seconds
ANSWERS_WITHIN = 0.4
SHUTDOWN_WITHIN = 0.5
LINKS_WITHIN = 1.1


class Allowance:
    """Seconds, step by step; what one step leaves the next one has, too."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock, self._ends = clock, clock.seconds()

    def plus(self, seconds: float) -> float:
        """How long a step may take that is given so many."""
        self._ends += seconds
        return max(0.0, self._ends - self._clock.seconds())

    def without(self, seconds: float) -> None:
        """So many have passed that no step is charged for."""
        self._ends += seconds


async def end(
    clock: IReactorTime,
    pending: Pending,
    connections: OpenConnections,
    devices: Sequence[Device],
    leave: Callable[[], Awaitable[None]] | None = None,
) -> None:
    """
    The end of a server that does not listen any more: calls are finished, hooks called, links closed.

    :param leave: what the configuration wants done before the hooks, the only thing that moves anything; it has its own time.
    """
    allowance = Allowance(clock)
    await finish_calls(clock, allowance, pending, connections)
    if leave is not None:
        began = clock.seconds()
        await quiet(leave())
        allowance.without(clock.seconds() - began)
    await shut_down(clock, allowance, devices)
    await close_links(clock, allowance, devices)


async def finish_calls(clock: IReactorTime, allowance: Allowance, pending: Pending, connections: OpenConnections) -> None:
    """Let what was asked be answered: by the driver if that is in time, else by a sentence; then every connection is closed."""
    connections.end_soon()
    if pending:
        log.info("stopping: {count} calls are not finished; they have {seconds} s", count=len(pending), seconds=CALLS_WITHIN)
    await _at_most(clock, allowance.plus(CALLS_WITHIN), Deferred.fromCoroutine(_answered(pending, connections)))
    pending.end()
    if not await _at_most(clock, allowance.plus(ANSWERS_WITHIN), connections.gone()):
        log.info("{count} connections are cut off, their clients did not take what was sent", count=len(connections))
        connections.end_now()


async def _answered(pending: Pending, connections: OpenConnections) -> None:
    await pending.finished()
    await connections.gone()


async def shut_down(clock: IReactorTime, allowance: Allowance, devices: Iterable[Device]) -> None:
    """Call the `shutdown` hook of each device that is connected."""
    seconds = allowance.plus(SHUTDOWN_WITHIN)
    await _each(clock, seconds, [(_hook(each), f"shutdown() of {each.name}") for each in devices if each.link.is_open])


async def close_links(clock: IReactorTime, allowance: Allowance, devices: Iterable[Device]) -> None:
    """Disconnect every device."""
    seconds = allowance.plus(LINKS_WITHIN)
    await _each(clock, seconds, [(each.link.shut(), f"disconnecting {each.name}") for each in devices])


def _hook(device: Device) -> Deferred[None]:
    async def run() -> None:
        with no_exit():
            await settled(device.shutdown())

    return Deferred.fromCoroutine(run())


async def _each(clock: IReactorTime, seconds: float, steps: Iterable[tuple[Deferred[None], str]]) -> None:
    """All at once; one that fails or takes too long does not keep the others from their end."""
    await gatherResults([quiet(within(clock, seconds, step, what)) for step, what in steps])


async def _at_most(clock: IReactorTime, seconds: float, waiting: Deferred[Any]) -> bool:
    """Wait, but not longer; whether it came to its end."""
    try:
        await waiting.addTimeout(seconds, clock)
    except defer.TimeoutError:
        return False
    return True


def quiet(result: Any) -> Deferred[None]:
    """Fires when this has come to its end, good or bad; a bad one is logged."""
    return Deferred.fromCoroutine(_quiet(result))


async def _quiet(result: Any) -> None:
    try:
        await settled(result)
    except AlpacaError as error:
        log.error("while stopping: {reason}", reason=str(error))
    except Exception:
        log.failure("while stopping")
