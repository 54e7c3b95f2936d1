"""A serial line: bytes cut into replies, and one command at a time, each with its reply or a reason why there is none."""

# Facts
#   Twisted's SerialPort reports an unplugged device as a connection closed cleanly, and drops later writes without a word; so
#   every loss that was not asked for means that the port vanished. It lets two programs open one port unless told otherwise.

from __future__ import annotations

import errno
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import BaseModel, ConfigDict, Field
from twisted.internet import protocol
from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from pylpaca.errors import DriverError

if TYPE_CHECKING:
    from serial import Serial


log = Logger()


class SerialSettings(BaseModel):
    """The settings of a device on a serial port."""

    model_config = ConfigDict(extra="forbid")

    port: str = Field(description="the serial port, as /dev/ttyUSB0 or COM3", min_length=1)
    baudrate: int = Field(default=9600, gt=0, le=4_000_000, description="bits per second")
    reply_within: float = Field(default=1.0, gt=0, le=60, description="seconds to wait for a reply")
    wait_after_open: float = Field(
        default=0.0, ge=0, le=20, description="seconds to leave the device alone after opening; an Arduino that restarts needs 2"
    )


class Framing(Protocol):
    """How a device marks where a message ends."""

    def outgoing(self, command: bytes) -> bytes:
        """The command as it is sent."""

    def next_frame(self, received: bytearray) -> bytes | None:
        """Take one whole message from the front of what was received; None if there is none yet."""


@dataclass(frozen=True)
class LineFraming:
    """Messages that end in a terminator, as b"\\r\\n" or b"#"; it is added when sending and taken off when receiving."""

    terminator: bytes = b"\n"
    longest: int = 4096

    def outgoing(self, command: bytes) -> bytes:
        return command + self.terminator

    def next_frame(self, received: bytearray) -> bytes | None:
        frame, found, rest = received.partition(self.terminator)
        if found:
            received[:] = rest
            return bytes(frame)
        if len(received) > self.longest:  # garbage, or the wrong speed: it is no message and must not fill the memory
            received.clear()
        return None


@dataclass(eq=False)
class _Exchange:
    command: bytes
    wants_reply: bool
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
    ) -> None:
        self._framing, self._clock, self._name = framing, clock, name
        self._reply_within, self._unsolicited = reply_within, unsolicited
        self._received = bytearray()
        self._current: _Exchange | None = None
        self._late: IDelayedCall | None = None  # a reply that was given up may still come
        self._queue: deque[_Exchange] = deque()
        self._gone = f"port {name} is not open"
        self._closers: list[Deferred[None]] = []
        self._closing = False

    def ask(self, command: bytes, urgent: bool = False) -> Deferred[bytes]:
        """Send a command, an urgent one before those that wait; fires with its reply, or fails with DriverError."""
        return self._enqueue(command, wants_reply=True, urgent=urgent)

    def tell(self, command: bytes, urgent: bool = False) -> Deferred[bytes]:
        """Send a command that has no reply; fires with b"" when it is on its way."""
        return self._enqueue(command, wants_reply=False, urgent=urgent)

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
            while (frame := self._framing.next_frame(self._received)) is not None:
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

    def _enqueue(self, command: bytes, wants_reply: bool, urgent: bool) -> Deferred[bytes]:
        exchange = _Exchange(command, wants_reply, Deferred(lambda _: self._forget(exchange)))
        if self._gone or self._closing:
            exchange.end(DriverError(self._gone or f"port {self._name} was closed"))
        elif len(self._queue) >= self.MOST_WAITING and not urgent:
            exchange.end(DriverError(f"port {self._name} is busy: {self.MOST_WAITING} commands are waiting"))
        else:
            exchange.expiry = self._clock.callLater(self.WAIT_AT_MOST, self._waited_too_long, exchange)
            (self._queue.appendleft if urgent else self._queue.append)(exchange)
            self._next()
        return exchange.done

    def _next(self) -> None:
        while self._current is None and self._late is None and self._queue and not self._gone:
            exchange = self._queue.popleft()
            if exchange.expiry is not None:
                exchange.expiry.cancel()
            self._received.clear()  # what arrived before a command was sent is no reply to it
            if exchange.wants_reply:
                self._current = exchange
                exchange.expiry = self._clock.callLater(self._reply_within, self._expire)
            assert self.transport is not None
            self.transport.write(self._framing.outgoing(exchange.command))
            if not exchange.wants_reply:
                exchange.end(b"")

    def _take(self, frame: bytes) -> None:
        if self._current is not None:
            exchange, self._current = self._current, None
            exchange.end(frame)
            self._next()
        elif self._late is not None:
            self._late.cancel()
            self._quiet()
        elif self._unsolicited is not None:
            self._unsolicited(frame)

    def _expire(self) -> None:
        exchange, self._current = self._current, None
        assert exchange is not None
        self._late = self._clock.callLater(self._reply_within, self._quiet)
        exchange.end(DriverError(f"no reply on {self._name} to {exchange.command!r} in {self._reply_within:g} s"))

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


OpenPort = Callable[[SerialSettings, protocol.Protocol], None]


def open_port(reactor: Any) -> OpenPort:
    """What opens a real port on this reactor, for this program alone, and connects a protocol to it."""

    def opener(settings: SerialSettings, line: protocol.Protocol) -> None:
        from serial import Serial, SerialException
        from twisted.internet.serialport import SerialPort  # imports the platform's own serial support

        class ExclusivePort(SerialPort):
            @staticmethod
            def _serialFactory(*args: Any, **named: Any) -> Serial:  # type: ignore[override]  # it is a class there
                return Serial(*args, **{**named, "exclusive": True})

        try:
            ExclusivePort(line, settings.port, reactor, baudrate=settings.baudrate)
        except SerialException as error:
            raise DriverError(_why_not(settings.port, error)) from None
        except (ValueError, OverflowError, OSError) as error:
            raise DriverError(f"{settings.port} cannot be opened: {error}") from None

    return opener


def _why_not(port: str, error: Any) -> str:
    if error.errno == errno.ENOENT:
        return f'there is no port {port}: plug the device in, or correct "port" ({_ports_here()})'
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"no permission to open {port}: add this user to the group that owns it (often dialout), and log in again"
    if error.errno in (errno.EBUSY, errno.EAGAIN) or "lock" in str(error):
        return f"{port} is in use by another program: stop that one first"
    return f"{port} cannot be opened: {error}"


def _ports_here() -> str:
    from serial.tools.list_ports import comports

    found = ", ".join(sorted(each.device for each in comports()))
    return f"here: {found}" if found else "no serial port is here"
