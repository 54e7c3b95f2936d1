"""A device on a pseudo-terminal whose cable is pulled and put back, again and again, while it is asked."""

from __future__ import annotations

import os
import pty
import tty
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from twisted.internet.abstract import FileDescriptor
from twisted.internet.defer import Deferred
from twisted.internet.fdesc import readFromFD, setNonBlocking
from twisted.internet.task import deferLater
from twisted.logger import globalLogPublisher
from twisted.python.failure import Failure

from pylpaca.errors import DriverError
from pylpaca.serial import Cables, LineFraming, RealPorts, SerialLine, SerialSettings
from tests.lines import EVENING, Logged


class Firmware(FileDescriptor):
    """The device at the other end of a terminal: it echoes a line after a while, and says who it is when asked."""

    def __init__(self, reactor: Any, random: Random) -> None:
        super().__init__(reactor)
        self._clock = reactor
        self._ours, theirs = pty.openpty()
        tty.setraw(theirs)
        setNonBlocking(self._ours)
        self.port = os.ttyname(theirs)
        os.close(theirs)
        self._random, self._received = random, b""
        self._look()

    def _look(self) -> None:
        """While nobody has the terminal open, the kernel would tell so all the time."""
        if self._ours < 0:
            return
        try:
            self._hear(os.read(self._ours, 1024))
        except BlockingIOError:
            self.startReading()
        except OSError:
            self._clock.callLater(0.002, self._look)
        else:
            self.startReading()

    def fileno(self) -> int:
        return self._ours

    def doRead(self) -> Exception | None:
        ended: Exception | None = readFromFD(self._ours, self._hear)
        return ended

    def connectionLost(self, reason: Failure) -> None:
        """Nobody has it open any more; somebody will again."""
        if self._ours >= 0:
            self.stopReading()
            self._clock.callLater(0.002, self._look)

    def _hear(self, data: bytes) -> None:
        *commands, self._received = (self._received + data).split(b"\n")
        for command in commands:
            self._clock.callLater(self._random.uniform(0, 0.02), self._say, b"echo" if command == b"WHO" else command)

    def _say(self, reply: bytes) -> None:
        if self._ours >= 0:
            try:
                os.write(self._ours, reply + b"\n")
            except OSError:
                return  # nobody has it open

    def pull(self) -> None:
        """The cable is out; the terminal is gone."""
        self.stopReading()
        ours, self._ours = self._ours, -1
        os.close(ours)


@dataclass(frozen=True)
class Cycle:
    """What one loss was like, in seconds."""

    error_after: float  # until who was asking was told
    back_after: float  # from its return until it answered again


class Rig:
    """
    A device at the end of a link in a folder, as /dev/serial/by-id has them; another terminal each time it is put back.

    :param seed: of the moments.
    """

    def __init__(self, reactor: Any, folder: Path, seed: int) -> None:
        self.reactor, self.random = reactor, Random(seed)
        self.link = folder / "usb-Echo"
        self.logged = Logged()
        self.prepared = 0
        self.line: SerialLine
        self._firmware: Firmware | None = None

    def plug_in(self) -> None:
        self._firmware = Firmware(self.reactor, self.random)
        self.link.symlink_to(self._firmware.port)

    def pull(self) -> None:
        assert self._firmware is not None
        self.link.unlink()
        self._firmware.pull()
        self._firmware = None

    async def open(self) -> None:
        globalLogPublisher.addObserver(self.logged)
        self.plug_in()
        cables = Cables(self.reactor, RealPorts(self.reactor), lambda: EVENING)
        settings = SerialSettings(port=str(self.link), reply_within=0.5)
        self.line = await cables.join("echo", settings, LineFraming(b"\n"), prepare=self.prepare)
        await self.line.ask(b"hello")

    async def close(self) -> None:
        await self.line.close()
        if self._firmware is not None:
            self.pull()
        globalLogPublisher.removeObserver(self.logged)

    async def prepare(self, line: SerialLine) -> None:
        self.prepared += 1
        if (name := await line.ask(b"WHO")) != b"echo":
            raise DriverError(f"this is {name!r}")

    @property
    def levels(self) -> list[str]:
        """warn where a loss was logged, info where its end was."""
        return [level for level, _ in self.logged.lines]

    def pause(self, longest: float) -> Deferred[None]:
        return deferLater(self.reactor, self.random.uniform(0, longest))

    async def cycle(self) -> Cycle:
        """The cable is pulled at some moment while the device is asked, and put back a while later."""
        gone_at: list[float] = []

        def go() -> None:
            gone_at.append(self.reactor.seconds())
            self.pull()

        self.reactor.callLater(self.random.uniform(0.01, 0.3), go)
        told_at = await self.asked_until(DriverError)
        await self.pause(1.0)
        back_at = self.reactor.seconds()
        self.plug_in()
        answered_at = await self.asked_until(None)
        return Cycle(told_at - gone_at[0], answered_at - back_at)

    async def asked_until(self, error: type[Exception] | None) -> float:
        """Ask one thing after another until that fails, or until it does not; when that was."""
        number = 0
        while True:
            number += 1
            question = b"%d" % number
            try:
                reply = await self.line.ask(question)
            except DriverError:
                if error is not None:
                    return float(self.reactor.seconds())
                await deferLater(self.reactor, 0.002)
            else:
                assert reply == question, (question, reply)
                if error is None:
                    return float(self.reactor.seconds())

    async def cycles(self, count: int) -> Sequence[Cycle]:
        return [await self.cycle() for _ in range(count)]


def descriptors() -> int:
    """How many files this process has open."""
    return len(os.listdir("/proc/self/fd")) if os.path.exists("/proc/self/fd") else 0
