"""What devices do when the server stops, if their entries in the configuration say so."""

# Facts
#   Devices do it at the same time, but those that have to come after a device type, as a dome after mounts, wait for the others,
#   and do not begin unless each of that type is there.

from __future__ import annotations

from collections.abc import Callable, Sequence

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from pylpaca.safety.safe_states import Run, Step

log = Logger()

GRACE = 5.0  # seconds by which a step may exceed its time, until what is asked last was answered


class OnExit:
    """
    Carries out what the entries say.

    :param chains: the steps of each device, in its own order.
    """

    def __init__(self, chains: Sequence[Sequence[Step]], clock: IReactorTime) -> None:
        self.chains = chains
        self._parts = [[each for each in chains if bool(each[0].state.after) is last] for last in (False, True)]
        self._clock = clock
        self._run: Run | None = None

    def __bool__(self) -> bool:
        return bool(self.chains)

    def __str__(self) -> str:
        return ", ".join(str(step) for part in self._parts for chain in part for step in chain)

    @property
    def is_at_work(self) -> bool:
        """Whether it has begun."""
        return self._run is not None

    @property
    def longest(self) -> float:
        """Seconds that all of it takes at most."""
        return sum(max((sum(step.within + GRACE for step in chain) for chain in part), default=0.0) for part in self._parts)

    def start(self) -> None:
        """The server runs."""
        if self:
            log.info("on_exit: when the server stops, in at most {longest:g} s: {steps}", longest=self.longest, steps=str(self))

    def end(self, reason: str) -> None:
        """No step begins any more, and what has begun is left to the device."""
        if self._run is not None:
            log.warn("on_exit: {reason}: nothing else begins", reason=reason)
            self._run.leave(reason)

    async def carry_out(self, needs: Callable[[str, float], object]) -> None:
        """
        Do all of it; never fails.

        :param needs: is told what is done and how many seconds it may take.
        """
        if not self:
            return
        log.warn(
            "on_exit: the server stops, after this, in at most {longest:g} s: {steps}; a second signal ends that",
            longest=self.longest,
            steps=str(self),
        )
        needs(f"on_exit: {self}", self.longest)
        self._run = Run("on_exit", self._clock)
        for part in self._parts:
            await gatherResults([Deferred.fromCoroutine(self._chain(self._run, chain)) for chain in part])

    async def _chain(self, run: Run, steps: Sequence[Step]) -> None:
        for at, step in enumerate(steps):
            if not run.may_begin():
                run.not_begun(steps[at:], run.ended_by)
                return
            if not await run.tried(step):
                run.not_begun(steps[at + 1 :], f"{step} failed")
                return
