"""The owner of an open port: one exchange at a time, each reply to the command that asked for it."""

# Facts
#   A serial line has no messages, only bytes, and most devices do not say what a reply answers. So who answered what can only be
#   told from the order and the time: docs/decisions/late-replies.md says what is assumed, and what follows.
#   Twisted's SerialPort reports an unplugged device as a connection closed cleanly, and drops later writes without a word; so
#   every loss that was not asked for means that the port vanished.

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection
from typing import Any

from twisted.internet import protocol
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from pylpaca.calls import no_exit
from pylpaca.errors import DriverError, Unavailable
from pylpaca.serial.debt import Debt
from pylpaca.serial.exchange import Exchange
from pylpaca.serial.framing import MOST_UNCUT, take
from pylpaca.serial.listener import Listener
from pylpaca.serial.recording import Hearer
from pylpaca.serial.settings import serial_server
from pylpaca.serial.silence import INSTANT, Silence

log = Logger()


class Owner(protocol.Protocol):
    """
    Commands wait their turn; a reply goes to the command that asked for it, everything else to who listens.

    After anything odd (a command without a reply, bytes that belong to nothing) the line must be silent for a moment before the
    next command is sent; and a reply that did not come in time is waited for once more as long, to be dropped.

    :param listeners: who hears what answers nothing; without any, that is dropped.
    :param lost: is told when the port is gone and nobody had asked for that.
    :param silence: seconds without a byte after which a device is taken to have said all it had to say.
    :param debt: where it is written down until when what the device says may be a reply, for the next owner.
    """

    MOST_WAITING = 32
    MOST_URGENT = 8  # besides; a stop finds a place when all others are taken
    WAIT_AT_MOST = 3.0  # seconds in the queue; its client gives up soon after, and must not be surprised later
    CLOSE_WITHIN = 1.0  # seconds for what was written to leave

    def __init__(
        self,
        clock: IReactorTime,
        name: str,
        listeners: Collection[Listener] = (),
        lost: Callable[[Owner], object] = lambda _: None,
        silence: float = 0.05,
        recorder: Hearer | None = None,
        debt: Debt | None = None,
    ) -> None:
        self.why_gone = f"port {name} is not open"  # empty while it is open
        self.has_answered = False  # whether the device gave any reply
        self._clock, self._name, self._listeners, self._lost = clock, name, listeners, lost
        self._silence, self._recorder, self._debt = Silence(clock, silence), recorder, debt or Debt()
        self._queue: deque[Exchange] = deque()
        self._received = bytearray()  # since the current command was sent, and not cut yet
        self._current: Exchange | None = None
        self._owed: Exchange | None = None  # was given up, or asked again: replies to it may still come
        self._copies = 0  # how many of them
        self._owed_until: IDelayedCall | None = None
        self._fresh = True  # no reply has come since the line was silent
        self._wake: IDelayedCall | None = None
        self._alone: Deferred[None] | None = None
        self._judging = False  # what was received is being looked at: nothing is sent until that is done
        self._closing = False
        self._closers: list[Deferred[None]] = []
        self._cut: IDelayedCall | None = None

    def submit(self, exchange: Exchange) -> None:
        """Send a command when it is its turn, an urgent one before those that wait."""
        if self.why_gone:
            exchange.end(Unavailable(self.why_gone))
        elif sum(each.urgent is exchange.urgent for each in self._queue) >= (most := self._most(exchange)):
            what = "urgent commands" if exchange.urgent else "commands"
            exchange.end(DriverError(f"port {self._name} is busy: {most} {what} are waiting"))
        else:
            exchange.timer = self._clock.callLater(self.WAIT_AT_MOST, self._waited_too_long, exchange)
            self._queue.insert(self._place(exchange), exchange)
            self._next()

    def forget(self, exchange: Exchange) -> None:
        """Nobody waits for it any more: not sent if that can be helped; a reply already asked for is awaited and dropped."""
        if exchange in self._queue:
            self._queue.remove(exchange)
            exchange.stop_timer()

    def dismiss(self, asker: object, why: str) -> None:
        """A device leaves: its commands fail."""
        for exchange in [each for each in self._queue if each.asker is asker]:
            self._queue.remove(exchange)
            exchange.end(Unavailable(why))
        current = self._current
        if current is not None and current.asker is asker and current.is_wanted:
            current.done.errback(Unavailable(why))

    def left_alone(self, seconds: float) -> Deferred[None]:
        """Fires when so much time has passed; what is received meanwhile answers nothing. Fails if the port is lost."""
        if self.why_gone:
            return fail(Unavailable(self.why_gone))
        if not seconds:
            return succeed(None)

        alone: Deferred[None] = Deferred()
        timer = self._clock.callLater(seconds, alone.callback, None)
        self._alone = alone
        return alone.addBoth(self._left_alone, timer)

    def close(self) -> Deferred[None]:
        """Close the port; fires when it is closed. Commands that wait fail."""
        if self.why_gone and not self._closing:
            return succeed(None)
        closed: Deferred[None] = Deferred()
        self._closers.append(closed)
        if not self._closing:
            self._closing = True
            self._end(f"port {self._name} was closed")
            assert self.transport is not None
            self.transport.loseConnection()
            if self._closing:
                self._cut = self._clock.callLater(self.CLOSE_WITHIN, self._abort)
        return closed

    def abort(self) -> None:
        """Close the port at once; what was written and has not left never will."""
        if not self.why_gone:
            self._closing = True
            self._end(f"port {self._name} was closed")
            self._abort()

    # what Twisted calls

    def connectionMade(self) -> None:
        self.why_gone = ""
        if self._recorder is not None:
            self._recorder.opened(self._name)

    def dataReceived(self, data: bytes) -> None:
        if self._recorder is not None:
            self._recorder.received(data)
        if self.why_gone:
            return
        self._fresh = self._fresh or self._silence.is_there
        self._silence.heard()
        self._judging = True
        try:
            self._judge(data)
        finally:
            self._judging = False
        self._next()

    def connectionLost(self, reason: Failure = protocol.connectionDone) -> None:
        if self._closing:
            self._closing = False
            if self._recorder is not None:
                self._recorder.closed()
            if self._cut is not None and self._cut.active():
                self._cut.cancel()
            closers, self._closers = self._closers, []
            for closed in closers:
                closed.callback(None)
        elif not self.why_gone:
            why = f"port {self._name} vanished: {what_to_check(self._name)}"
            if self._recorder is not None:
                self._recorder.lost(reason.getErrorMessage())
            self.why_gone = why  # before anybody is told: who hears of it may ask at once
            self._lost(self)
            self._end(why)

    # one exchange after another

    def _most(self, exchange: Exchange) -> int:
        """How many of its kind may wait."""
        return self.MOST_URGENT if exchange.urgent else self.MOST_WAITING

    def _place(self, exchange: Exchange) -> int:
        """Where it stands in the queue: an urgent one behind those that are urgent, too."""
        if not exchange.urgent:
            return len(self._queue)
        return sum(each.urgent for each in self._queue)

    def _next(self) -> None:
        while self._queue and self._current is None and not self._judging and not self.why_gone:
            exchange = self._queue[0]
            if exchange.framing is not None or not exchange.urgent:  # an urgent one without a reply can be mixed up with nothing
                if self._owed is not None:
                    return
                if wait := self._silence.wait:
                    self._wake_in(wait)
                    return
            self._queue.popleft()
            exchange.stop_timer()
            if exchange.framing is None:
                self._write(exchange)
                exchange.end(b"")
            else:
                self._begin(exchange)

    def _begin(self, exchange: Exchange) -> None:
        """Send a command and expect its reply."""
        self._received.clear()
        for listener in self._listeners:
            if listener.framing == exchange.framing and not self._silence.is_there:
                self._received[:] = listener.partial  # a device that never stops talking is in the middle of a message
            listener.partial.clear()
        self._silence.used()
        self._current = exchange
        self._send(exchange)

    def _send(self, exchange: Exchange) -> None:
        exchange.timer = self._clock.callLater(exchange.within, self._deadline, exchange)
        self._write(exchange)

    def _write(self, exchange: Exchange) -> None:
        exchange.sent += 1
        exchange.sent_at = self._clock.seconds()
        if self._recorder is not None:
            self._recorder.sent(exchange.data)
        assert self.transport is not None
        self.transport.write(exchange.data)

    def _judge(self, data: bytes) -> None:
        """Find out what these bytes are: of a reply, of a copy of one, or of nothing."""
        self._received += data
        while not self.why_gone and (expected := self._current or self._owed) is not None:
            assert expected.framing is not None
            try:
                with no_exit():
                    taken = take(expected.framing, self._received)
                    accepted = taken is not None and (expected.accept is None or expected.accept(taken[0]))
            except Exception:  # of the driver's own code
                self._cannot_judge(expected)
                return
            if taken is None:
                if len(self._received) > MOST_UNCUT:
                    self._received.clear()
                return
            if not accepted:
                expected.refused = taken[0]
                self._belongs_to_nothing(taken[1])
            elif expected is self._current:
                self._answered(expected, taken[0])
            else:
                self._copy_came()
        self._drop_the_rest()

    def _drop_the_rest(self) -> None:
        """What was received belongs to no exchange."""
        rest = bytes(self._received)
        self._received.clear()
        if rest and not self.why_gone:
            self._belongs_to_nothing(rest)

    def _answered(self, exchange: Exchange, reply: bytes) -> None:
        self._current = None
        self.has_answered = True
        self._fresh = False
        self._owe(exchange, exchange.sent - 1)
        exchange.end(reply)

    def _cannot_judge(self, exchange: Exchange) -> None:
        """A driver's own framing or `accept` raised: who asked is told, and what is on the line is not looked at any more."""
        failure = Failure()
        self._received.clear()
        self._silence.odd()
        if exchange is self._current:
            self._current = None
            self._owe(exchange, exchange.sent)
            exchange.end(failure)
        else:
            log.failure("what came late on port {name} could not be read", failure, name=self._name)

    def _deadline(self, exchange: Exchange) -> None:
        """No reply in time: asked again, or given up."""
        exchange.timer = None
        if exchange.sent > exchange.retries or not exchange.is_wanted or self._must_make_way(exchange):
            self._current = None
            self._owe(exchange, exchange.sent)
            self._silence.odd()
            exchange.end(exchange.unanswered(self._name, bytes(self._received)))
            self._next()
        elif self._received and (wait := self._hold_back(exchange)):
            exchange.timer = self._clock.callLater(wait, self._deadline, exchange)
        else:
            exchange.held_since = None
            self._drop_the_rest()
            self._send(exchange)

    def _must_make_way(self, exchange: Exchange) -> bool:
        """A stop does not wait until something has been asked again and again."""
        return not exchange.urgent and any(each.urgent for each in self._queue)

    def _hold_back(self, exchange: Exchange) -> float:
        """Seconds until it may be sent again after a reply has begun, whose rest could be taken for the next one."""
        now = self._clock.seconds()
        if exchange.held_since is None:
            exchange.held_since = now
        held = now - exchange.held_since
        if held < exchange.within - INSTANT:
            return exchange.within - held
        if self._silence.is_there or held > exchange.within + Silence.WAIT_AT_MOST:
            return 0.0
        return self._silence.lasts

    def _left_alone(self, result: Failure | None, timer: IDelayedCall) -> Failure | None:
        self._alone = None
        if timer.active():
            timer.cancel()
        self._silence.begin_anew()
        return result

    # replies to what was given up

    def _owe(self, exchange: Exchange, copies: int) -> None:
        """So many replies to it may still come: the next command is not sent before they have, or it has been quiet for long."""
        if copies and not self.why_gone:
            self._owed, self._copies = exchange, copies
            self._owed_until = self._clock.callLater(exchange.within, self._no_more_copies)

    def _copy_came(self) -> None:
        if self._fresh:  # what comes in one burst with another may be that one, doubled
            self._copies -= 1
        self._fresh = False
        self._silence.odd(anew=True)
        assert self._owed_until is not None and self._owed is not None
        if self._copies:
            self._owed_until.reset(self._owed.within)
        else:
            self._owed_until.cancel()
            self._owed = None

    def _no_more_copies(self) -> None:
        self._owed = None
        self._silence.odd(anew=True)
        self._drop_the_rest()
        self._next()

    def _write_down(self) -> None:
        """For the next owner of the port: what may still come of the last reply, and of those that were not given."""
        now = self._clock.seconds()
        if self._received:
            self._silence.odd()  # who was told of a reply closes the port, and something stands behind it
        until = [self._debt.until, now + self._silence.wait]
        if (asked := self._current or self._owed) is not None:
            until.append(asked.sent_at + 2 * asked.within)
        if self._owed is not None and self._owed_until is not None:
            until.append(self._owed_until.getTime())
        self._debt.until = max(until)

    # what answers nothing

    def _belongs_to_nothing(self, data: bytes) -> None:
        if self._alone is not None or not self._listeners:
            self._silence.odd()
            return
        for listener in list(self._listeners):
            listener.hear(data)
        self._silence.unfinished(any(listener.partial for listener in self._listeners))

    def _wake_in(self, seconds: float) -> None:
        if self._wake is not None and self._wake.active():
            self._wake.cancel()
        self._wake = self._clock.callLater(seconds, self._next)

    # ends

    def _waited_too_long(self, exchange: Exchange) -> None:
        self._queue.remove(exchange)
        exchange.timer = None
        exchange.end(DriverError(f"port {self._name} is busy: {exchange.command!r} was not sent in {self.WAIT_AT_MOST:g} s"))

    def _end(self, why: str) -> None:
        """Nothing can be sent any more: all that waits fails."""
        self.why_gone = why
        self._write_down()
        for timer in (self._owed_until, self._wake):
            if timer is not None and timer.active():
                timer.cancel()
        waiting = [self._current] if self._current is not None else []
        waiting += self._queue
        self._current = self._owed = None
        self._queue.clear()
        if self._alone is not None:
            self._alone.errback(Unavailable(why))
        for exchange in waiting:
            exchange.end(Unavailable(why))

    def _abort(self) -> None:
        transport: Any = self.transport
        transport.abortConnection()


def what_to_check(port: str) -> str:
    """What a person can do about a port that vanished."""
    return "is the cable plugged in?" if serial_server(port) is None else "does the serial server run?"
