"""Keeps the port of a cable open for the devices that share it: lost, looked for, opened again, prepared again, given up."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol

from twisted.internet import protocol
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from pylpaca.calls import no_exit, settled
from pylpaca.errors import AlpacaError, DriverError, Unavailable
from pylpaca.serial.debt import Debt
from pylpaca.serial.framing import Framing
from pylpaca.serial.inventory import Port
from pylpaca.serial.listener import Listener
from pylpaca.serial.owner import Owner, what_to_check
from pylpaca.serial.recording import Everybody, Hearer
from pylpaca.serial.search import Search
from pylpaca.serial.settings import SerialSettings

log = Logger()

# Set in the coroutine that prepares a device, and in what it awaits: so these can use the line, which nobody else can yet, by
# whatever name their driver has for it.
_BEING_PREPARED: ContextVar[Owner | None] = ContextVar("_BEING_PREPARED", default=None)


class Ports(Protocol):
    """The serial ports of a computer."""

    def which(self, port: str) -> str:
        """
        The same for two settings that mean the same port now.

        :raises DriverError: it is not here; the sentence says what to do.
        """

    def is_there(self, port: str) -> bool:
        """Whether it could be opened, as far as that is seen without trying; asked twice a second."""

    def here(self) -> Sequence[Port]:
        """Those that can be seen, without any of them being opened; may take a while."""

    def open(self, settings: SerialSettings, line: protocol.Protocol) -> Awaitable[None] | None:
        """
        Open it and connect a protocol to it, on a transport that has `abortConnection`.

        :raises DriverError: it cannot be opened; the sentence says why.
        """


@dataclass(eq=False)
class Party:
    """
    A device at a cable.

    :param prepare: sets the device up, on a port that was opened.
    :param given_up: is told that the port was lost, and is not looked for any more.
    """

    device: str
    settings: SerialSettings
    framing: Framing
    listener: Listener | None
    prepare: Callable[[], Awaitable[None] | None]
    given_up: Callable[[DriverError], object]
    has_joined: bool = False  # it was prepared once
    is_ready: bool = False  # it is prepared, on the port that is open
    trouble: str = ""  # why it could not be prepared again
    preparing: Deferred[None] | None = None
    catching_up: Deferred[None] | None = None  # being prepared while others use the port already
    patience: IDelayedCall | None = None  # until it is given up
    patient_since: float = 0.0


class Cable:
    """
    One port, and the devices that use it; it is opened for the first and closed with the last.

    :param unused: is told when the port is closed for good.
    :param debt_of: what the device at a port owes since it was open last.
    """

    PREPARED_WITHIN = 30.0  # seconds, as long as a driver's `connect` may take
    STEADY_AFTER = 1.0  # seconds: what is lost again sooner, and has not answered anything, was never really back

    def __init__(
        self,
        settings: SerialSettings,
        clock: IReactorTime,
        ports: Ports,
        hearers: Sequence[Hearer],
        unused: Callable[[Cable], object],
        debt_of: Callable[[str], Debt],
    ) -> None:
        self.settings = settings
        self.name = settings.port
        self.node = ""  # which port it is, while it is open
        self.parties: list[Party] = []
        self.is_closing = False
        self.changes = 0  # how often something happened after which its devices may answer differently than before
        self.hearers = list(hearers)  # of what is said on it
        self._clock, self._ports, self._unused = clock, ports, unused
        self._debt_of, self._debt = debt_of, debt_of(settings.port)
        self._listeners: list[Listener] = []
        self._owner: Owner | None = None  # of the port, when it may be used
        self._tried: Owner | None = None  # of a port that is opened, and may not be used yet
        self._is_over = False
        self._work: Deferred[None] | None = None  # opening it, or looking for it
        self._waiting: list[Deferred[None]] = []  # for the first opening
        self._closed: list[Deferred[None]] = []
        self._lost_at: float | None = None
        self._back_at = float("-inf")
        self._search = Search(clock, lambda: ports.is_there(self.name))
        self._trouble = ""  # what came of the last try to open it again

    async def join(self, party: Party) -> None:
        """
        Use the port as well: it is opened if it is not, and the device prepared.

        :raises DriverError: it cannot be opened, or was lost. What preparing the device raises.
        """
        if self._lost_at is not None:
            raise Unavailable(self._vanished(party))
        self.parties.append(party)
        self.changes += 1
        try:
            await self._opened()
            owner = self._owner
            if party.listener is not None:
                self._listeners.append(party.listener)
            if owner is not None:
                await self._preparing(party, owner)
            if owner is None or owner is not self._owner:
                raise Unavailable(self.why_not(party))
        except Exception:
            self.leave(party)
            raise
        self.changes += 1
        party.has_joined = party.is_ready = True

    def leave(self, party: Party) -> Deferred[None]:
        """Use it no longer; its commands fail. Fires at once while others use the port, else when it is closed."""
        if party in self.parties:
            self.parties.remove(party)
            party.is_ready = False
            _stop(party)
            if party.preparing is not None or party.catching_up is not None:
                self._clock.callLater(0, self._end_preparing, party)  # not now: it may be the one who leaves
            if party.listener in self._listeners:
                self._listeners.remove(party.listener)
            for owner in (self._owner, self._tried):
                if owner is not None:
                    owner.dismiss(party, f"port {self.name} was closed")
            if not self.parties:
                self._close()
        return self.closed() if self.is_closing else succeed(None)

    def _end_preparing(self, party: Party) -> None:
        if party.preparing is not None:
            party.preparing.errback(Unavailable(f"port {self.name} was closed"))
        if party.catching_up is not None:
            party.catching_up.cancel()

    def closed(self) -> Deferred[None]:
        """Fires when a port that is being closed is closed."""
        closed: Deferred[None] = Deferred(self._closed.remove)
        self._closed.append(closed)
        return closed

    def owner_for(self, party: Party) -> Owner | None:
        """Who takes commands of a device now, on a port that is being set up only those of who sets it up; None if nobody can."""
        if party not in self.parties:
            return None
        owner = self._owner or self._tried
        if party.is_ready and self._owner is not None:
            return owner
        if not party.has_joined and self._owner is not None:
            return owner
        return owner if owner is _BEING_PREPARED.get() else None

    def why_not(self, party: Party) -> str:
        """Why a device cannot use the port now, and what is done about it."""
        if party not in self.parties:
            return f"port {self.name} was closed"
        if self._owner is not None and party.trouble:
            patience = f"it is tried again, for {self._patience_of(party):.0f} s more"
            return f"{party.device} on port {self.name} cannot be set up again: {party.trouble}; {patience}"
        return self._vanished(party)

    # opening

    def _opened(self) -> Deferred[None]:
        """Fires when the port may be used; fails if it cannot be opened."""
        if self._owner is not None:
            return succeed(None)
        waiting: Deferred[None] = Deferred(self._waiting.remove)
        self._waiting.append(waiting)
        if self._work is None:
            self._begin(self._open_first())
        return waiting

    async def _open_first(self) -> None:
        failure = None
        try:
            self._owner = await self._open()
        except Exception:  # told to all who wait for it
            failure = Failure()
        waiting, self._waiting = self._waiting, []
        self._tried = self._work = None
        for each in waiting:
            if failure is None:
                each.callback(None)
            else:
                each.errback(failure)

    async def _open(self) -> Owner:
        """Open the port and leave the device alone for as long as it needs, and may still say what answers something else."""
        node = self._ports.which(self.name)
        for listener in self._listeners:
            listener.partial.clear()
        debt = self._debt_of(node)
        debt.until = max(debt.until, self._debt.until)
        self._debt = debt
        owner = Owner(self._clock, self.name, self._listeners, self._lose, self._silence, Everybody(self.hearers), debt)
        self._tried = owner
        self.node = node
        try:
            await settled(self._ports.open(self.settings, owner))
            if self._is_over:
                raise DriverError(f"port {self.name} was closed")
            await owner.left_alone(max(self.settings.wait_after_open, debt.until - self._clock.seconds()))
        except Exception:
            self.node = ""
            owner.abort()
            raise
        return owner

    @property
    def _silence(self) -> float:
        """Seconds after which a device has said all it had to say: a USB adapter hands bytes on every 16 ms."""
        return 0.05 + 3 * 12 / self.settings.baudrate

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        working = Deferred.fromCoroutine(work)
        if not working.called:
            self._work = working
        working.addBoth(self._worked, working)

    def _worked(self, result: Failure | None, work: Deferred[None]) -> None:
        if self._work is work:
            self._work = None
        if isinstance(result, Failure) and not self._is_over:
            log.failure("port {name} is not looked after any more", result, name=self.name)

    # healing

    def _lose(self, owner: Owner) -> None:
        """The port is gone, and nobody had asked for that."""
        if owner is not self._owner:
            return  # it was not used yet: who opens it finds out
        self._owner = None
        self.node = ""
        self.changes += 1
        for party in [each for each in self.parties if not each.has_joined]:
            if party.preparing is not None:
                party.preparing.errback(Unavailable(f"port {self.name} vanished: {what_to_check(self.name)}"))
        joined = [party for party in self.parties if party.has_joined]
        if not joined:
            return
        now = self._lost_at = self._clock.seconds()
        was_back = owner.has_answered or now - self._back_at > self.STEADY_AFTER
        if was_back:
            self._search.anew()
        self._trouble = ""
        log.warn(
            "port {name} of {devices} vanished: {check}",
            name=self.name,
            devices=" and ".join(party.device for party in joined),
            check=what_to_check(self.name),
        )
        for party in joined:
            if was_back and party.is_ready:
                party.patient_since = now
            party.is_ready = False
            party.trouble = ""
            if party.catching_up is not None:
                self._clock.callLater(0, party.catching_up.cancel)
            if party.patience is None:
                party.patience = self._clock.callLater(self._patience_of(party), self._give_up, party)
        self._begin(self._heal())

    async def _heal(self) -> None:
        owner = None
        while owner is None:
            await self._search.next_chance()
            owner = await self._try()
        assert self._lost_at is not None
        log.info("port {name} is back after {seconds:.1f} s", name=self.name, seconds=self._clock.seconds() - self._lost_at)
        self._owner, self._tried, self._lost_at = owner, None, None
        self._back_at = self._clock.seconds()
        for party in [each for each in self.parties if each.has_joined]:
            if party.is_ready:
                _stop(party)
            else:
                party.catching_up = Deferred.fromCoroutine(self._catch_up(party, owner))
                party.catching_up.addErrback(self._not_caught_up, party)

    async def _try(self) -> Owner | None:
        """Open the port again and prepare the devices until one can use it; None if none can."""
        owner = None
        try:
            owner = await self._open()
            self._trouble = ""
            for party in sorted((each for each in self.parties if each.has_joined), key=lambda each: bool(each.trouble)):
                if await self._set_up(party, owner):
                    return owner
            if owner.why_gone:
                raise Unavailable(owner.why_gone)
        except Exception as error:
            if self._is_over:
                raise
            if owner is None:
                self._trouble = self._told(error, self._trouble)
        self._tried = None
        self.node = ""
        if owner is not None:
            if owner.why_gone:
                self._lost_again(owner)
            owner.abort()
        return None

    async def _catch_up(self, party: Party, owner: Owner) -> None:
        """Prepare a device at a port that others use already, until that can be done."""
        search = Search(self._clock, lambda: True)
        logged = ""
        has_failed = bool(party.trouble)
        while has_failed or not await self._set_up(party, owner):
            has_failed = False
            if owner is not self._owner or party not in self.parties:
                return
            if party.trouble != logged:
                log.warn("{why}", why=self.why_not(party).rpartition("; ")[0])
                logged = party.trouble
            await search.next_chance()
        _stop(party)
        party.catching_up = None
        if logged:
            log.info("{device} on port {name} is set up again", device=party.device, name=self.name)

    def _not_caught_up(self, failure: Failure, party: Party) -> None:
        if party in self.parties and not failure.check(CancelledError):
            log.failure("{device} on port {name} is not looked after any more", failure, device=party.device, name=self.name)

    async def _set_up(self, party: Party, owner: Owner) -> bool:
        """Prepare a device on a port that was opened again; whether it can use it."""
        if party not in self.parties or owner.why_gone:
            return False
        try:
            await self._preparing(party, owner)
        except Exception as error:
            if party in self.parties and not owner.why_gone:
                party.trouble = self._told(error, party.trouble)
            return False
        self.changes += 1
        party.is_ready = party in self.parties and not owner.why_gone
        if party.is_ready:
            party.trouble = ""
        return party.is_ready

    def _preparing(self, party: Party, owner: Owner) -> Deferred[None]:
        """Prepare a device; fails if it takes too long, and when it leaves or the port is lost."""
        outcome: Deferred[None] = Deferred(lambda _: None)
        party.preparing = outcome
        too_long = DriverError(f"it was not prepared in {self.PREPARED_WITHIN:g} s")
        timer = self._clock.callLater(self.PREPARED_WITHIN, outcome.errback, too_long)
        work = Deferred.fromCoroutine(_prepared(party, owner))

        def ended(result: Failure | None) -> Failure | None:
            party.preparing = None
            if timer.active():
                timer.cancel()
            if not work.called:
                self._clock.callLater(0, work.cancel)  # not now: it may be at work
            return result

        def worked(result: Failure | None) -> None:
            if not outcome.called:
                outcome.callback(result)
            elif isinstance(result, Failure) and not result.check(AlpacaError, CancelledError):
                log.failure("{device} failed after nobody waited for it to be prepared", result, device=party.device)

        outcome.addBoth(ended)
        work.addBoth(worked)
        return outcome

    def _lost_again(self, owner: Owner) -> None:
        for party in self.parties:
            party.trouble = ""
        if owner.has_answered:
            self._search.anew()  # it was really back

    def _told(self, error: Exception, before: str) -> str:
        """What to say of a failure; a mistake in a driver, which its author has to see, is logged, once."""
        if isinstance(error, AlpacaError):
            return error.sentence
        sentence = f"{type(error).__name__}: {error}"
        if sentence != before:
            log.failure("port {name} could not be prepared", name=self.name)
        return sentence

    def _give_up(self, party: Party) -> None:
        party.patience = None
        trouble = self._trouble or party.trouble
        if self._owner is not None and trouble:
            why = f"{party.device} on port {self.name} could not be set up again in {party.settings.keep_trying:g} s: {trouble}"
        else:
            why = f"port {self.name} vanished: {what_to_check(self.name)} It was looked for for {party.settings.keep_trying:g} s"
            if trouble and not self._search.is_absent:
                why += f", last: {trouble}"
        self.leave(party)
        party.given_up(DriverError(why))

    def _patience_of(self, party: Party) -> float:
        """Seconds until it is given up."""
        return max(0.0, party.patient_since + party.settings.keep_trying - self._clock.seconds())

    def _vanished(self, party: Party) -> str:
        vanished = f"port {self.name} vanished: {what_to_check(self.name)}"
        trouble = self._trouble or party.trouble
        if self._owner is not None or (self._tried is not None and not self._tried.why_gone):
            return f"{vanished} It is back, and being set up"
        if self._lost_at is None:
            return vanished
        if trouble and not self._search.is_absent:
            return f"{vanished} It is tried again, because: {trouble}"
        if not party.has_joined:
            return f"{vanished} It is looked for"
        return f"{vanished} It is looked for, for {self._patience_of(party):.0f} s more"

    # closing

    def _close(self) -> None:
        self.is_closing = self._is_over = True
        work, self._work = self._work, None
        if work is not None:
            self._clock.callLater(0, work.cancel)  # not now: it may be the one who closes
        owner, self._owner = self._owner, None
        if self._tried is not None:
            self._tried.abort()
        (owner.close() if owner is not None else succeed(None)).addBoth(self._ended)

    def _ended(self, result: object) -> None:
        self._unused(self)
        self.is_closing = False
        closed, self._closed = self._closed, []
        for each in closed:
            each.callback(None)


async def _prepared(party: Party, owner: Owner) -> None:
    before = _BEING_PREPARED.get()
    _BEING_PREPARED.set(owner)
    try:
        with no_exit():
            await settled(party.prepare())
    finally:
        _BEING_PREPARED.set(before)


def _stop(party: Party) -> None:
    """It is not about to be given up any more."""
    if party.patience is not None and party.patience.active():
        party.patience.cancel()
    party.patience = None
