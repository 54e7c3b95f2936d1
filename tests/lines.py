"""Serial lines on a simulated clock, whose other end is the test itself."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import UTC, datetime
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.logger import ILogObserver, LogEvent, LogLevel, formatEvent, globalLogPublisher
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from pylpaca.errors import DriverError
from pylpaca.serial import Cables, Framing, LineFraming, SerialLine, SerialSettings
from pylpaca.serial.inventory import Port

EVENING = datetime(2026, 1, 17, 21, 3, 11, tzinfo=UTC)


class Wire(StringTransport):
    """An open port: what was written stays until it is looked at; nothing comes unless the test says it."""

    def __init__(self, line: Protocol) -> None:
        super().__init__()
        self.line = line
        self.is_open = True
        self.stuck = False  # what is written does not leave, so that closing takes its time

    def sent(self) -> bytes:
        """What was written since this was asked last."""
        sent = bytes(self.value())
        self.clear()
        return sent

    def say(self, data: bytes) -> None:
        """The device says this."""
        self.line.dataReceived(data)

    def break_off(self, reason: Exception | None = None) -> None:
        """The port vanishes."""
        if self.is_open:
            self.is_open = False
            self.line.connectionLost(Failure(reason) if reason else connectionDone)

    def loseConnection(self) -> None:
        if not self.stuck:
            self.break_off(ConnectionDone())

    def abortConnection(self) -> None:
        self.break_off(ConnectionDone())


class MemoryPorts:
    """The serial ports of a computer whose owner is the test."""

    def __init__(self) -> None:
        self.wires: list[Wire] = []  # one for each opening
        self.there = True
        self.refusal: Exception | None = None  # why one cannot be opened
        self.nodes: dict[str, str] = {}  # what names mean, if not themselves
        self.delayed: Deferred[None] | None = None  # opening waits for it
        self.looks = 0

    @property
    def wire(self) -> Wire:
        """The last port that was opened."""
        return self.wires[-1]

    def which(self, port: str) -> str:
        if not self.there:
            raise DriverError(f"there is no port {port}")
        return self.nodes.get(port, port)

    def is_there(self, port: str) -> bool:
        self.looks += 1
        return self.there

    def here(self) -> list[Port]:
        return []

    def open(self, settings: SerialSettings, line: Protocol) -> Awaitable[None] | None:
        if self.refusal is not None:
            raise self.refusal
        if self.delayed is not None:
            return Deferred.fromCoroutine(self._open_later(line, self.delayed))
        self._connect(line)
        return None

    async def _open_later(self, line: Protocol, delayed: Deferred[None]) -> None:
        await delayed
        self._connect(line)

    def _connect(self, line: Protocol) -> None:
        self.wires.append(Wire(line))
        line.makeConnection(self.wire)


@implementer(ILogObserver)
class Logged:
    """The lines of the log, of serial lines and links, or of another part of the server."""

    def __init__(self, namespace: str = "pylpaca.") -> None:
        self._namespace = namespace
        self.lines: list[tuple[str, str]] = []  # level and text

    def __call__(self, event: LogEvent) -> None:
        if event["log_level"] >= LogLevel.info and event["log_namespace"].startswith(self._namespace):
            self.lines.append((event["log_level"].name, formatEvent(event)))


class LineTestCase(SynchronousTestCase):
    """One cable, a device named roof at it, and COM9 as its port."""

    framing: Framing = LineFraming(b"\r\n")

    def setUp(self) -> None:
        self.clock = Clock()
        self.ports = MemoryPorts()
        self.cables = Cables(self.clock, self.ports, lambda: EVENING)
        self.unsolicited: list[bytes] = []
        self.given_up: list[str] = []
        logged = Logged()
        globalLogPublisher.addObserver(logged)
        self.addCleanup(globalLogPublisher.removeObserver, logged)
        self.logged = logged.lines

    def joining(self, device: str = "roof", framing: Framing | None = None, **named: Any) -> Deferred[SerialLine]:
        """A device opens its port; what is no setting is for `Cables.join`."""
        own = {name: named.pop(name) for name in ("unsolicited", "prepare", "given_up") if name in named}
        own.setdefault("given_up", lambda reason: self.given_up.append(f"{device}: {reason}"))
        settings = SerialSettings(**{"port": "COM9", **named})
        return Deferred.fromCoroutine(self.cables.join(device, settings, framing or self.framing, **own))

    def joined(self, device: str = "roof", framing: Framing | None = None, **named: Any) -> SerialLine:
        """The same, when it takes no time."""
        return self.successResultOf(self.joining(device, framing, **named))

    def sent(self) -> bytes:
        """What was sent since this was asked last."""
        return self.ports.wire.sent()

    def say(self, data: bytes) -> None:
        """The device says this."""
        self.ports.wire.say(data)

    def unplug(self) -> None:
        """The cable is pulled."""
        self.ports.there = False
        self.ports.wire.break_off()

    def pass_time(self, seconds: float) -> None:
        """Time passes in steps, as it does for a reactor: in eighths of a second, whose sums are exact."""
        steps = seconds / 0.125
        assert steps == int(steps), "in eighths of a second"
        self.clock.pump([0.125] * int(steps))

    def why(self, asked: Deferred[Any]) -> str:
        """The sentence of what failed."""
        return str(self.failureResultOf(asked, DriverError).value)
