"""A serial line: bytes cut into replies, and one command at a time, each with its reply or a reason why there is none."""

# Facts
#   Twisted's SerialPort reports an unplugged device as a connection closed cleanly, and drops later writes without a word; so
#   every loss that was not asked for means that the port vanished. It lets two programs open one port unless told otherwise.

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from twisted.internet import protocol
from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from pylpaca.errors import DriverError
from pylpaca.serial.framing import Framing

log = Logger()


Accept = Callable[[bytes], bool]
Prepare = Callable[["SerialLine"], Awaitable[None]]


@dataclass(eq=False)
class _Exchange:
    command: bytes
    framing: Framing
    wants_reply: bool
    within: float
    retries: int
    accept: Accept | None
    done: Deferred[bytes]
    expiry: IDelayedCall | None = None  # of its wait in the queue, then of its reply

    def end(self, outcome: bytes | DriverError) -> None:
        if self.expiry is not None and self.expiry.active():
            self.expiry.cancel()
        if self.done.called:
            return  # nobody waits for it any more
        if isinstance(outcome, bytes):
            self.done.callback(outcome)
        else:
            self.done.errback(outcome)


class SerialLine(protocol.Protocol):
    """
    The owner of one open port: commands wait their turn, a reply goes to the command that asked for it.

    A reply that does not come in time is waited for once more as long, to be dropped: it must not be taken for the next one's.

    :param reply_within: seconds for a reply, from the moment its command is sent.
    :param unsolicited: gets what arrives while no reply is waited for; without it, that is dropped.
    """

    MOST_WAITING = 32
    WAIT_AT_MOST = 3.0  # seconds in the queue; its client gives up soon after, and must not be surprised later
    CLOSE_WITHIN = 1.0  # seconds for what was written to leave

    def __init__(
        self,
        framing: Framing,
        clock: IReactorTime,
        name: str = "the serial port",
        reply_within: float = 1.0,
        unsolicited: Callable[[bytes], object] | None = None,
        retries: int = 0,
    ) -> None:
        self._framing, self._clock, self._name = framing, clock, name
        self._reply_within, self._unsolicited, self._retries = reply_within, unsolicited, retries
        self._received = bytearray()
        self._current: _Exchange | None = None
        self._late: IDelayedCall | None = None  # a reply that was given up may still come
        self._queue: deque[_Exchange] = deque()
        self._gone = f"port {name} is not open"
        self._closers: list[Deferred[None]] = []
        self._closing = False

    def ask(
        self,
        command: bytes,
        urgent: bool = False,
        *,
        reply: Framing | None = None,
        within: float | None = None,
        retries: int | None = None,
        accept: Accept | None = None,
    ) -> Deferred[bytes]:
        """
        Send a command; fires with its reply, or fails with DriverError.

        :param urgent: before those that wait.
        :param reply: how the reply is cut, if not as all others.
        :param within: seconds to wait for it, each time it is asked for.
        :param retries: how often it is asked for again; only for what may be asked twice.
        :param accept: whether this is a reply to it; what is none is dropped.
        """
        exchange = _Exchange(
            command,
            reply or self._framing,
            True,
            self._reply_within if within is None else within,
            self._retries if retries is None else retries,
            accept,
            Deferred(lambda _: self._forget(exchange)),
        )
        return self._enqueue(exchange, urgent)

    def tell(self, command: bytes, urgent: bool = False) -> Deferred[bytes]:
        """Send a command that has no reply; fires with b"" when it is on its way."""
        exchange = _Exchange(command, self._framing, False, 0.0, 0, None, Deferred(lambda _: self._forget(exchange)))
        return self._enqueue(exchange, urgent)

    def close(self) -> Deferred[None]:
        """Close the port; fires when it is closed. Commands that wait fail."""
        if self._gone:
            return succeed(None)
        closed: Deferred[None] = Deferred()
        self._closers.append(closed)
        if not self._closing:
            self._closing = True
            self._fail_waiting(f"port {self._name} was closed")
            assert self.transport is not None
            self.transport.loseConnection()
            if not self._gone:
                cut = self._clock.callLater(self.CLOSE_WITHIN, self._cut)
                closed.addBoth(lambda _: cut.cancel() if cut.active() else None)
        return closed

    # what Twisted calls

    def connectionMade(self) -> None:
        self._gone = ""

    def dataReceived(self, data: bytes) -> None:
        self._received += data
        try:
            while (frame := self._cut_by().next_frame(self._received)) is not None:
                self._take(frame)
        except Exception:  # of the driver's own framing or listener: the port is not to blame
            self._received.clear()
            log.failure("what port {name} received could not be handled", name=self._name)

    def connectionLost(self, reason: Failure = protocol.connectionDone) -> None:
        self._gone = f"port {self._name} " + ("was closed" if self._closing else "vanished: is the cable plugged in?")
        self._fail_waiting(self._gone)
        closers, self._closers = self._closers, []
        for closed in closers:
            closed.callback(None)

    # one exchange after another

    def _enqueue(self, exchange: _Exchange, urgent: bool) -> Deferred[bytes]:
        if self._gone or self._closing:
            exchange.end(DriverError(self._gone or f"port {self._name} was closed"))
        elif len(self._queue) >= self.MOST_WAITING and not urgent:
            exchange.end(DriverError(f"port {self._name} is busy: {self.MOST_WAITING} commands are waiting"))
        else:
            exchange.expiry = self._clock.callLater(self.WAIT_AT_MOST, self._waited_too_long, exchange)
            (self._queue.appendleft if urgent else self._queue.append)(exchange)
            self._next()
        return exchange.done

    def _cut_by(self) -> Framing:
        return self._framing if self._current is None else self._current.framing

    def _next(self) -> None:
        while self._current is None and self._late is None and self._queue and not self._gone:
            exchange = self._queue.popleft()
            if exchange.expiry is not None:
                exchange.expiry.cancel()
            self._received.clear()  # what arrived before a command was sent is no reply to it
            if exchange.wants_reply:
                self._current = exchange
                exchange.expiry = self._clock.callLater(exchange.within, self._expire)
            assert self.transport is not None
            self.transport.write(self._framing.outgoing(exchange.command))
            if not exchange.wants_reply:
                exchange.end(b"")

    def _take(self, frame: bytes) -> None:
        if self._current is not None:
            if self._current.accept is not None and not self._current.accept(frame):
                return
            exchange, self._current = self._current, None
            exchange.end(frame)
            self._next()
        elif self._late is not None:
            self._late.cancel()
            self._quiet()
        elif self._unsolicited is not None:
            self._unsolicited(frame)

    def _expire(self) -> None:
        exchange = self._current
        assert exchange is not None
        if exchange.retries and not exchange.done.called:
            exchange.retries -= 1
            exchange.expiry = self._clock.callLater(exchange.within, self._expire)
            assert self.transport is not None
            self.transport.write(self._framing.outgoing(exchange.command))
            return
        self._current = None
        self._late = self._clock.callLater(exchange.within, self._quiet)
        exchange.end(DriverError(f"no reply on {self._name} to {exchange.command!r} in {exchange.within:g} s"))

    def _quiet(self) -> None:
        self._late = None
        self._next()

    def _waited_too_long(self, exchange: _Exchange) -> None:
        self._forget(exchange)
        exchange.end(DriverError(f"port {self._name} is busy: {exchange.command!r} was not sent in {self.WAIT_AT_MOST:g} s"))

    def _forget(self, exchange: _Exchange) -> None:
        """Nobody waits for it any more: not sent if it still can be helped; a reply already asked for is awaited and dropped."""
        if exchange in self._queue:
            self._queue.remove(exchange)
            if exchange.expiry is not None and exchange.expiry.active():
                exchange.expiry.cancel()

    def _fail_waiting(self, why: str) -> None:
        waiting = [self._current] if self._current is not None else []
        waiting += self._queue
        self._current = None
        self._queue.clear()
        if self._late is not None:
            self._late.cancel()
            self._late = None
        for exchange in waiting:
            exchange.end(DriverError(why))

    def _cut(self) -> None:
        """What was written does not leave: closed all the same."""
        transport: Any = self.transport
        transport.connectionLost(Failure(ConnectionDone()))
