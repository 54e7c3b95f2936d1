"""
A template for a dome, a clamshell or a roll-off roof of your own: copy it, rename the class, change what differs.

As it is, it simulates a roof that takes five seconds. Give it a port in config.json and it drives a real one:

    "driver_config": {"port": "/dev/ttyUSB0", "baudrate": 9600, "wait_after_open": 2}

The controller at the other end answers every line with a line. These two lines are the whole protocol:

    OPEN, CLOSE or STOP   ->  OK
    STATUS                ->  OPEN, CLOSED, OPENING, CLOSING or ERROR

What the line does for you, as when its cable is pulled, is in docs/serial.md.
"""

from __future__ import annotations

from pydantic import Field
from twisted.internet.interfaces import IReactorTime

from pylpaca.device import Dome
from pylpaca.errors import DriverError
from pylpaca.serial import LineFraming, SerialLine, SerialSettings
from pylpaca.values import ShutterState


class MyDomeDriver(Dome):
    """A roof on a serial line."""

    class Settings(SerialSettings):
        port: str = Field(default="", description="the serial port, as /dev/ttyUSB0 or COM3; empty: simulate")

    settings: Settings

    async def connect(self) -> None:
        self.line: SerialLine | SimulatedRoof = SimulatedRoof(self.clock)
        if self.settings.port:
            await self.open_serial(self.settings, LineFraming(b"\n"), prepare=self.prepare)

    async def prepare(self, line: SerialLine) -> None:
        """Whenever the port was opened, for the first time or again: is this our roof?"""
        self.line = line
        await self.ShutterStatus()  # whoever does not answer this is not

    def CanSetShutter(self) -> bool:
        return True

    async def ShutterStatus(self) -> ShutterState:
        answer = await self.line.ask(b"STATUS")
        try:
            return ShutterState[answer.decode("ascii", "replace").strip().capitalize()]
        except KeyError:
            raise DriverError(f"the roof answered {answer!r} to STATUS") from None

    async def Slewing(self) -> bool:
        return await self.ShutterStatus() in (ShutterState.Opening, ShutterState.Closing)

    async def OpenShutter(self) -> None:
        await self._order(b"OPEN")

    async def CloseShutter(self) -> None:
        await self._order(b"CLOSE")

    async def AbortSlew(self) -> None:
        await self._order(b"STOP", urgent=True)

    async def _order(self, command: bytes, urgent: bool = False) -> None:
        answer = await self.line.ask(command, urgent)
        if answer.strip() != b"OK":
            raise DriverError(f"the roof answered {answer!r} to {command.decode()}")


class SimulatedRoof:
    """Answers as the controller would; delete it when you have one."""

    SECONDS = 5.0

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._open, self._target, self._since = 0.0, 0.0, clock.seconds()  # 0 closed, 1 open

    async def ask(self, command: bytes, urgent: bool = False) -> bytes:
        now = self._clock.seconds()
        step = (now - self._since) / self.SECONDS
        self._since = now
        way = self._target - self._open
        self._open += max(-step, min(step, way))
        if command != b"STATUS":
            self._target = {b"OPEN": 1.0, b"CLOSE": 0.0, b"STOP": self._open}[command]
            return b"OK"
        if self._open == self._target:
            return b"CLOSED" if self._open == 0.0 else b"OPEN"
        return b"OPENING" if self._open < self._target else b"CLOSING"


MyASCOMDomeDriver = MyDomeDriver  # the name it had in the first configurations
