"""Whether a device's link is open, and which clients hold it open."""

# Facts (the holder table)
#   A holder is a client's address and its ClientID; ClientID 0 never holds. Connecting opens a closed link; a client that
#   disconnects gives up its vote, and the link closes when no live vote is left. A vote lapses after ten silent minutes and
#   comes back with the client's next request, but silence alone never closes a link.

from __future__ import annotations

from collections.abc import Awaitable, Callable

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from pylpaca.calls import no_exit, settled, within
from pylpaca.errors import AlpacaError, DriverError, OperationCancelled
from pylpaca.motions import Motions

Holder = tuple[str, int]
Hook = Callable[[], Awaitable[None] | None]

FIRST_RETRY = 1.0  # seconds after the first try that failed; twice as long after each other one


class Link:
    """
    Opens and closes one device as its clients vote, one hook at a time.

    :param connect: makes the device usable; what it raises is why it is not.
    :param disconnect: leaves the device alone; called after a failed `connect` too.
    :param permanent: opened by the server, not closed by clients, tried again when it cannot be opened.
    """

    VOTE_LAPSES = 600.0  # seconds of silence
    HOOK_DEADLINE = 30.0
    MOST_HOLDERS = 256
    MOST_OF_ONE = 32  # of one address; scripts make up another id each time they start
    LONGEST_RETRY = 30.0

    def __init__(
        self, connect: Hook, disconnect: Hook, clock: IReactorTime, name: str = "device", permanent: bool = False
    ) -> None:
        self.is_open = False
        self.motions = Motions()
        self.openings = 0  # how often it was opened
        self.failure: AlpacaError | None = None  # why it could not be opened or did not stay open, until the next vote
        self.permanent = permanent
        self._connect, self._disconnect, self._clock, self._name = connect, disconnect, clock, name
        self._wanted = False
        self._at_work = False
        self._lost: AlpacaError | None = None  # while it is being opened
        self._opening: Deferred[None] | None = None
        self._holders: dict[Holder, float] = {}  # when each was last heard, the longest silent first
        self._waiting: list[Deferred[None]] = []
        self._retry: IDelayedCall | None = None
        self._retry_after = FIRST_RETRY
        self._logged = ""  # why it could not be opened last, since somebody voted: the server's own tries do not repeat it
        self._shut = ""  # why it is closed for good
        self._before: Deferred[None] | None = None  # fires when the link is closed in whose place this one stands
        self._log = Logger(source=self)

    @property
    def is_busy(self) -> bool:
        """Whether the link is being opened or closed."""
        return self._at_work

    def is_still(self, openings: int) -> bool:
        """Whether it is open, and was all the time since it had been opened so often."""
        return self.is_open and self.openings == openings

    @property
    def is_opening(self) -> bool:
        """Whether it is being opened, or about to be."""
        return self._at_work and self._wanted

    @property
    def retries_in(self) -> float | None:
        """Seconds until the server tries again by itself, if it is going to."""
        if self._retry is None or not self._retry.active():
            return None
        return max(self._retry.getTime() - self._clock.seconds(), 0.0)

    @property
    def is_missing(self) -> bool:
        """Whether it is to be open at all times and could not be opened, or was lost; until it is open again."""
        return self.permanent and not self.is_open and (self.failure is not None or self._retry_after > FIRST_RETRY)

    @property
    def holders(self) -> list[Holder]:
        """The clients whose vote counts now."""
        since = self._clock.seconds() - self.VOTE_LAPSES
        return [holder for holder, heard in self._holders.items() if heard >= since]

    def vote(self, wanted: bool, holder: Holder | None = None) -> None:
        """Ask for the link to be open or closed; `reached` says when it is."""
        if self._shut:
            return
        self._logged = ""
        if wanted:
            if holder is not None:
                self._add(holder)
            self._pursue(True)
            return
        if holder is not None:
            self._holders.pop(holder, None)
        if not self.permanent and not self.holders:
            self._pursue(False)

    async def bring(self, wanted: bool, holder: Holder | None = None) -> None:
        """Vote, and wait until the link is where the votes bring it; a vote against it does not fail because it cannot open."""
        self.vote(wanted, holder)
        try:
            await self.reached()
        except AlpacaError:
            if wanted:
                raise
        if wanted and not self.is_open:
            raise OperationCancelled(f"{self._name} was disconnected by another client before it was connected")

    def heard(self, holder: Holder) -> None:
        """A client asked for anything: if it holds the link, its vote is alive."""
        if self._holders.pop(holder, None) is not None:
            self._holders[holder] = self._clock.seconds()

    def reached(self) -> Deferred[None]:
        """Fires when nothing is being opened or closed; fails if opening failed."""
        if not self._at_work:
            return fail(self.failure) if self.failure is not None else succeed(None)
        waiting: Deferred[None] = Deferred(self._waiting.remove)
        self._waiting.append(waiting)
        return waiting

    def lost(self, reason: AlpacaError) -> None:
        """The device is gone: the link closes, and clients read why until somebody votes; a permanent one is tried again."""
        if self._at_work:
            self._lost = reason  # it is just being opened, in vain; or closed anyway
        elif self.is_open:
            self._give_up(reason)
            self._log.error("{name} is lost: {reason}", name=self._name, reason=reason.sentence)
            self._begin()

    def take_over(self, old: Link) -> None:
        """
        Stand in the place of another link of the same device: that one is closed, for good; then this one is opened, if that one
        was to be open, or if it is permanent. Those who held that one hold this one.
        """
        was_wanted = old._wanted and (not old.permanent or bool(old.holders))  # by clients
        self._holders = dict(old._holders)
        self._before = old.shut("it is opened anew with other settings")
        if was_wanted or self.permanent:
            self._pursue(True)

    def shut(self, because: str = "the server stops") -> Deferred[None]:
        """Close it for good, whoever holds it, and give up opening it. Fires when closed."""
        self._shut = because
        self._stop_retrying()
        self._holders.clear()
        self._pursue(False)
        if self._opening is not None:
            self._opening.cancel()
        closed: Deferred[None] = Deferred(lambda _: None)
        waiting = self.reached() if self._before is None else self._before  # the device is not closed before that one is
        waiting.addBoth(lambda _: closed.callback(None))  # one that could not be opened is closed, too
        return closed

    def _add(self, holder: Holder) -> None:
        """Count its vote, if there is room: among those of its own address, or in the place of one that has lapsed."""
        self._holders.pop(holder, None)
        own = [each for each in self._holders if each[0] == holder[0]]
        if len(own) >= self.MOST_OF_ONE:
            del self._holders[own[0]]
        elif len(self._holders) >= self.MOST_HOLDERS:
            if len(self.holders) >= self.MOST_HOLDERS:
                return
            del self._holders[next(iter(self._holders))]
        self._holders[holder] = self._clock.seconds()

    def _pursue(self, wanted: bool) -> None:
        self._wanted = wanted
        self.failure = None
        self._stop_retrying()
        if self._at_work or wanted is self.is_open:
            return
        self._begin()

    def _begin(self) -> None:
        self._at_work = True
        Deferred.fromCoroutine(self._work()).addErrback(
            lambda failure: self._log.failure("the link of {name}", failure, name=self._name)
        )

    async def _work(self) -> None:
        if self._before is not None:
            before, self._before = self._before, None
            await before
        while self._wanted is not self.is_open:
            if self._wanted:
                await self._open()
            else:
                await self._close()
        self._at_work = False
        waiting, self._waiting = self._waiting, []
        failure = self.failure  # who is told may vote at once, which begins anew
        if failure is not None:
            self._try_again()
        for each in waiting:
            if failure is None:
                each.callback(None)
            else:
                each.errback(failure)

    async def _open(self) -> None:
        self._lost = None
        self.motions.forget()
        try:
            self._opening = Deferred.fromCoroutine(_run_hook(self._connect))
            await self._run(self._opening, "connect")
            if self._lost is not None:
                raise self._lost
        except Exception as reason:
            self._opening = None
            self._give_up(self._explained(reason))
            await self._leave()
        else:
            self._opening = None
            self.is_open = True
            self.openings += 1
            self._retry_after = FIRST_RETRY
            self._logged = ""
            self._log.info("{name} is connected", name=self._name)

    def _give_up(self, reason: AlpacaError) -> None:
        self.failure = reason
        self._wanted = False
        self._holders.clear()

    async def _close(self) -> None:
        self.is_open = False
        self._holders.clear()
        await self._leave()
        self._log.info("{name} is disconnected", name=self._name)

    async def _leave(self) -> None:
        try:
            await self._run(Deferred.fromCoroutine(_run_hook(self._disconnect)), "disconnect")
        except Exception:
            self._log.failure("{name} could not be disconnected cleanly", name=self._name)

    async def _run(self, hooked: Deferred[None], verb: str) -> None:
        try:
            await within(self._clock, self.HOOK_DEADLINE, hooked, f"{verb}() of {self._name}")
        except Exception:
            hooked.cancel()  # this call is the link's own: one that is given up is ended
            raise

    def _explained(self, reason: Exception) -> AlpacaError:
        if self._shut:
            self._log.info("{name} is not connected any more: {because}", name=self._name, because=self._shut)
            return OperationCancelled(f"{self._name} was not connected yet: {self._shut}")
        before, self._logged = self._logged, repr(reason)
        if isinstance(reason, AlpacaError):
            if self._logged != before:
                self._log.error("{name} could not be connected: {reason}", name=self._name, reason=reason.sentence)
            return reason
        if self._logged != before:
            self._log.failure("{name} could not be connected", name=self._name)
        return DriverError(f"{self._name} could not be connected: {type(reason).__name__}: {reason}")

    def _try_again(self) -> None:
        if self.permanent and not self._shut:
            self._retry = self._clock.callLater(self._retry_after, self._pursue, True)
            self._retry_after = min(2 * self._retry_after, self.LONGEST_RETRY)

    def _stop_retrying(self) -> None:
        if self._retry is not None and self._retry.active():
            self._retry.cancel()
        self._retry = None


async def _run_hook(hook: Hook) -> None:
    """The hook as a coroutine, so that what it raises at once fails a Deferred, too."""
    with no_exit():
        await settled(hook())
