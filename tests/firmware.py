"""Firmware for tests: small programs that are the device at the other end of a serial line, in memory or on a pseudo-terminal."""

from __future__ import annotations

import os
import pty
import random
import select
import signal
import threading
import time
import tty
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from twisted.internet.interfaces import IReactorTime
from twisted.internet.protocol import Protocol as Wire
from twisted.internet.task import Clock

from drivers.simulators.motion import Motion
from pylpaca.testing import SerialDouble


class Firmware(Protocol):
    """What a device runs. If it moves, it is built with a clock and looks at it when it is asked."""

    def receive(self, data: bytes) -> bytes:
        """Bytes arrive, in whatever pieces; gives what is answered to them, b"" for silence."""


F = TypeVar("F", bound=Firmware)


class RealTime(Clock):
    """The clock of firmware that runs in real time; it tells the time and calls nothing."""

    def seconds(self) -> float:
        return time.monotonic()


class CommandFirmware:
    """Firmware whose commands end in a terminator; `answer` gives the whole reply to one, `commands` is what came."""

    terminator = b"\n"

    def __init__(self) -> None:
        self.commands: list[bytes] = []
        self._received = b""

    def receive(self, data: bytes) -> bytes:
        *commands, self._received = (self._received + data).split(self.terminator)
        self.commands += commands
        return b"".join([self.answer(command) for command in commands])

    def answer(self, command: bytes) -> bytes:
        raise NotImplementedError


class LosesReplies:
    """Firmware on a bad cable: of every twenty replies one is lost, at a place drawn from the seed."""

    OF = 20

    def __init__(self, firmware: Firmware, seed: int) -> None:
        self._firmware = firmware
        self._random = random.Random(seed)
        self._ahead: list[bool] = []  # whether each of the next replies arrives
        self.lost = 0

    def receive(self, data: bytes) -> bytes:
        reply = self._firmware.receive(data)
        if not reply:
            return b""
        if not self._ahead:
            self._ahead = [True] * self.OF
            self._ahead[self._random.randrange(self.OF)] = False
        if self._ahead.pop():
            return reply
        self.lost += 1
        return b""


class FirmwareDouble(SerialDouble, Generic[F]):
    """
    Firmware at the other end of a port of `MemoryServer`.

    :param build: switches it on, with the server's clock, when the port is opened for the first time.
    """

    firmware: F

    def __init__(self, build: Callable[[IReactorTime], F]) -> None:
        super().__init__(lambda command: None)
        self._build = build

    def plug(self, line: Wire, clock: Clock) -> None:
        if not hasattr(self, "firmware"):
            self.firmware = self._build(clock)
        super().plug(line, clock)

    def receive(self, data: bytes) -> None:
        if reply := self.firmware.receive(data):
            self.say(reply)


class FirmwareOnTerminal(Generic[F]):
    """Firmware in a thread of its own, at the other end of the pseudo-terminal `port`; `stop` switches it off."""

    def __init__(self, firmware: F) -> None:
        self.firmware = firmware
        self._ours, self._theirs = pty.openpty()  # theirs is kept open: the line stays up while nobody has the port open
        tty.setraw(self._theirs)
        self.port = os.ttyname(self._theirs)
        self._wake_read, self._wake_write = os.pipe()
        self._thread = threading.Thread(target=self._run, name=f"firmware on {self.port}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Switch it off; the port is gone."""
        os.write(self._wake_write, b"x")
        self._thread.join()
        for each in (self._ours, self._theirs, self._wake_read, self._wake_write):
            os.close(each)

    def _run(self) -> None:
        while True:
            ready, _, _ = select.select([self._ours, self._wake_read], [], [])
            if self._wake_read in ready:
                return
            if reply := self.firmware.receive(os.read(self._ours, 1024)):
                os.write(self._ours, reply)


def serve(firmware: Firmware) -> None:
    """Run firmware on a pseudo-terminal, whose name is printed, until Ctrl-C or SIGTERM."""
    terminal = FirmwareOnTerminal(firmware)
    print(terminal.port, flush=True)
    try:
        signal.pause()
    except KeyboardInterrupt:
        terminal.stop()


class RoofFirmware(CommandFirmware):
    """A roof with a motor: it takes `seconds` to open or close, and says what it is doing."""

    def __init__(self, clock: IReactorTime, seconds: float = 5.0) -> None:
        super().__init__()
        self._motor = Motion(clock, 1.0 / seconds)  # 0 closed, 1 open

    def answer(self, command: bytes) -> bytes:
        if command == b"STATUS":
            at_rest = b"CLOSED" if self._motor.position == 0.0 else b"OPEN"
            return {1: b"OPENING", -1: b"CLOSING"}.get(self._motor.direction, at_rest) + b"\n"
        if command not in (b"OPEN", b"CLOSE", b"STOP"):
            return b"ERROR\n"
        if command == b"STOP":
            self._motor.stop()
        else:
            self._motor.go(1.0 if command == b"OPEN" else 0.0)
        return b"OK\n"
