"""The deadman: what is done when no client has asked a device for anything for a long time."""

# Facts
#   It is armed by a client, and again only by a client; with `at_start` by the start of the server, too.
#   A client that comes back ends it: what has begun goes on to its end, for it cannot be taken back, and no other step begins.
#   A request is noted by its time alone; nothing is scheduled anew for it.

from __future__ import annotations

from collections.abc import Sequence

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from pylpaca.safety.safe_states import Run, Step

log = Logger()


class Deadman:
    """
    Watches for clients, and carries out its steps when there is none.

    :param silence: seconds without a request of a device.
    :param at_start: whether it is armed before the first client.
    """

    def __init__(self, steps: Sequence[Step], silence: float, at_start: bool, clock: IReactorTime) -> None:
        self.steps, self.silence, self.at_start = steps, silence, at_start
        self._clock = clock
        self._heard = 0.0
        self._due: IDelayedCall | None = None
        self._run: Run | None = None
        self._came_back = self._stopped = False

    def start(self) -> None:
        """The server runs."""
        log.info(
            "deadman: {minutes:g} minutes after the last request of a device{or_start}: {steps}",
            minutes=self.silence / 60,
            or_start=", or after this start" if self.at_start else "",
            steps=", ".join(map(str, self.steps)),
        )
        if self.at_start:
            self.heard()

    @property
    def is_at_work(self) -> bool:
        """Whether it carries its steps out just now."""
        return self._run is not None

    def heard(self) -> None:
        """A client asked a device for anything."""
        self._heard = self._clock.seconds()
        if self._run is not None:
            if not self._came_back:
                log.warn("deadman: a client is there again: what has begun goes on to its end, nothing else begins")
            self._came_back = True
            self._run.end("a client is there again")
        elif self._due is None and not self._stopped:
            self._due = self._clock.callLater(self.silence, self._look)

    def stop(self) -> None:
        """The server stops: no step begins any more, and what has begun is left to the device."""
        self._stopped = True
        if self._due is not None:
            self._due.cancel()
            self._due = None
        if self._run is not None:
            self._run.leave("the server stops")

    def _look(self) -> None:
        left = self._heard + self.silence - self._clock.seconds()
        if left > 0:
            self._due = self._clock.callLater(left, self._look)
            return
        self._due, self._came_back = None, False
        self._run = Run("deadman", self._clock)
        carried_out = Deferred.fromCoroutine(self._carry_out(self._run))
        carried_out.addErrback(lambda failure: log.failure("the deadman failed", failure)).addCallback(self._armed_again)

    async def _carry_out(self, run: Run) -> None:
        rest = list(self.steps)
        log.warn("deadman: no client for {minutes:g} minutes", minutes=self.silence / 60)
        while rest and run.may_begin():
            step = rest.pop(0)
            if not await run.tried(step) and not step.go_on:
                run.end(f"{step} failed")
        run.not_begun(rest, run.ended_by)

    def _armed_again(self, _: object) -> None:
        """If a client came back; otherwise it was done once, and that is all."""
        self._run = None
        if self._came_back and not self._stopped:
            left = self._heard + self.silence - self._clock.seconds()
            self._due = self._clock.callLater(max(left, 0.0), self._look)
