"""
A focuser on a serial line whose controller speaks the Moonlite protocol: Moonlite's own, and those that people build after it.

    "driver_config": {"port": "/dev/ttyUSB0", "max_step": 20000}

What the other settings are for, and what to do if it does not answer: docs/moonlite-focuser.md.
"""

# Facts (the maker's manual of the high resolution stepper motor, and what controllers built after it do)
#   A command is ":", letters, hexadecimal digits, "#"; a reply is digits and "#". What sets something is not answered, what is
#   not understood is ignored. Positions have four digits, unsigned; settings two.
#   :SN says where to go, :FG goes there. One common firmware takes itself for moving until the position that it told last is the
#   new one: so the position is asked before the motion is, and what stands still does not move, whatever it says after a halt.
#   A temperature is in half degrees. Many controllers leave out leading zeros, some write a negative one with eight digits: it is
#   signed in as many bytes as it takes. A conversion (:C) takes up to 0.75 s; before its end what :GT says means nothing.
#   Some controllers end their reply to :GV without "#"; it is not used.

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, Literal

from pydantic import Field
from twisted.internet.task import deferLater

from pylpaca.device import Focuser
from pylpaca.errors import DriverError, InvalidOperation, InvalidValue, MemberNotImplemented
from pylpaca.serial import SerialLine, SerialSettings, TerminatedFraming

STEPPING_DELAYS = {250: 0x02, 125: 0x04, 63: 0x08, 32: 0x10, 16: 0x20}  # by the steps per second that they mean

STARTS_WITHIN = 1.0  # seconds from the order to move until the controller says that it does
CONFIRMED_WITHIN = 0.2  # seconds to read the new position back: Move is quick although it may have to be asked again
CONVERSION = 0.85  # seconds, of which 0.1 are for the way there
STANDS_STILL_AFTER = 2.0  # seconds at one position; the slowest speed there is takes 63 ms for a step
STALE_AFTER = 60.0  # seconds for which the last temperature is good enough while the next one is measured


@dataclass(eq=False)
class _Order:
    target: int
    begun: float = float("inf")  # when the controller was told to begin
    is_halted: bool = False


class MoonliteFocuser(Focuser):
    """A focuser that speaks the Moonlite protocol."""

    class Settings(SerialSettings):
        max_step: int = Field(ge=1, le=0xFFFF, description="the highest position, in steps: as far as the drawtube may go")
        step_size: float | None = Field(default=None, gt=0, description="micrometres per step; not set: not known")
        speed: Literal[250, 125, 63, 32, 16] | None = Field(
            default=None,
            description="steps per second on Moonlite's own controller, on others faster to slower; not set: as it is",
        )
        half_step: bool | None = Field(default=None, description="whether the motor takes half steps; not set: as it is")
        temperature_sensor: bool = Field(default=True, description="whether the controller has a thermometer")
        temperature_offset: float | None = Field(
            default=None, ge=-64, le=63.5, multiple_of=0.5, description="degrees that the controller adds; not set: as it is"
        )
        temperature_coefficient: int | None = Field(
            default=None,
            ge=-128,
            le=127,
            description="steps per degree that temperature compensation moves, as the controller counts it; not set: it has none",
        )
        reply_within: float = Field(default=0.3, gt=0, le=60, description="seconds to wait for a reply")
        retries: int = Field(default=3, ge=0, le=10, description="how often a question without an answer is asked again")

    max_age: ClassVar[float] = 0.095  # one that asks ten times a second is answered anew each time, and others with it

    settings: Settings
    line: SerialLine
    _order: _Order | None  # until the drawtube has come to rest
    _seen_at: tuple[int, float]  # the position that IsMoving found last, and since when it has found that
    _compensates: bool
    _converts_since: float
    _celsius: float | None  # of the conversion before

    async def connect(self) -> None:
        self._compensates = False
        await self.open_serial(self.settings, TerminatedFraming(b"#"), prepare=self._set_up)

    async def _set_up(self, line: SerialLine) -> None:
        self.line, self._order = line, None
        position = await self.Position()  # whoever does not answer this is no such controller
        self._seen_at = position, self.clock.seconds()
        if position > self.settings.max_step:
            self.log.warn("{position} is beyond max_step {last}", position=position, last=self.settings.max_step)
        if self.settings.half_step is not None:
            await self._set(b":SH#" if self.settings.half_step else b":SF#", b":GH#", 0xFF if self.settings.half_step else 0)
        if self.settings.speed is not None:
            delay = STEPPING_DELAYS[self.settings.speed]
            await self._set(b":SD%02X#" % delay, b":GD#", delay)
        if self.settings.temperature_coefficient is not None:
            coefficient = self.settings.temperature_coefficient & 0xFF
            await self._set(b":SC%02X#" % coefficient, b":GC#", coefficient)
        if self.settings.temperature_offset is not None:
            await line.tell(b":PO%02X#" % (round(2 * self.settings.temperature_offset) & 0xFF))
        await self.SetTempComp(self._compensates)
        if self.settings.temperature_sensor:
            await self._convert()

    async def IsMoving(self) -> bool:
        order, position = self._order, await self.Position()
        answer = await self.line.ask(b":GI#")
        moving = {b"00": False, b"0": False, b"01": True, b"1": True}.get(answer)
        if moving is None:
            raise DriverError(f"the controller answered {answer!r} to :GI#, neither 00 nor 01")
        if position != self._seen_at[0]:
            self._seen_at = position, self.clock.seconds()
        moving = moving and self.clock.seconds() - self._seen_at[1] < STANDS_STILL_AFTER
        if order is None:
            return moving and not self._compensates  # the small moves of temperature compensation do not count
        if moving or (position != order.target and self.clock.seconds() - order.begun < STARTS_WITHIN):
            return True
        if self._order is order:
            self._order = None
            if position != order.target:
                self.log.warn("{position} is where it stopped, not {target}", position=position, target=order.target)
        return self._order is not None

    def MaxStep(self) -> int:
        return self.settings.max_step

    async def Position(self) -> int:
        return await self._asked_position(b":GP#")

    def StepSize(self) -> float:
        if self.settings.step_size is None:
            raise MemberNotImplemented("the size of a step is not known: say step_size in its settings")
        return self.settings.step_size

    def TempComp(self) -> bool:
        return self._compensates

    async def SetTempComp(self, TempComp: bool) -> None:
        await self.line.tell(b":+#" if TempComp else b":-#")
        self._compensates = TempComp

    def TempCompAvailable(self) -> bool:
        return self.settings.temperature_coefficient is not None

    async def Temperature(self) -> float:
        """What was measured last; each reading starts the next measurement, which nobody then has to wait for."""
        if not self.settings.temperature_sensor:
            raise MemberNotImplemented("the controller has no thermometer, its settings say")
        if self.clock.seconds() - self._converts_since > STALE_AFTER:
            await self._convert()
        while (left := self._converts_since + CONVERSION - self.clock.seconds()) > 0:
            if self._celsius is not None:
                return self._celsius
            await deferLater(self.clock, left)
        celsius = half_degrees(await self.line.ask(b":GT#")) / 2
        await self._convert()
        self._celsius = celsius
        return celsius

    async def Halt(self) -> None:
        if self._order is not None:
            self._order.is_halted = True
            self._order = None
        await self._stop()

    async def Move(self, Position: int) -> None:
        order = self._order = _Order(Position)
        try:
            await self.line.tell(b":SN%04X#" % Position)
            new = await self._asked_position(b":GN#", CONFIRMED_WITHIN)
            if self._order is not order:
                return  # it was halted, or sent elsewhere, meanwhile
            if new != Position:
                raise DriverError(f"the controller was told to go to {Position} and makes it {new}: is max_step too high?")
            self._seen_at = -1, 0.0  # it may have stood there for long
            await self.line.tell(b":FG#")
        except DriverError:
            if self._order is order:
                self._order = None
            raise
        order.begun = self.clock.seconds()
        if order.is_halted:
            await self._stop()  # the other one went out before the line was free for this order

    # what the device type has no member for

    def SupportedActions(self) -> list[str]:
        return ["SetPosition"]

    async def Action(self, Action: str, Parameters: str) -> str:
        """SetPosition: tell a controller that has forgotten it where the drawtube is, in steps."""
        if not re.fullmatch(r"[0-9]{1,5}", Parameters) or int(Parameters) > self.settings.max_step:
            raise InvalidValue(f"SetPosition takes a position, 0 to {self.settings.max_step}, not {Parameters!r}")
        if await self.IsMoving():
            raise InvalidOperation("the position cannot be set while it moves")
        await self.line.tell(b":SP%04X#" % int(Parameters))
        return str(await self.Position())

    # the protocol

    async def _stop(self) -> None:
        await self.line.tell(b":FQ#", urgent=True)

    async def _asked_position(self, command: bytes, within: float | None = None) -> int:
        answer = await self.line.ask(command, within=within)
        if not re.fullmatch(rb"[0-9A-Fa-f]{4}", answer):
            raise DriverError(f"the controller answered {answer!r} to {command.decode()}, not four hexadecimal digits")
        return int(answer, 16)

    async def _set(self, order: bytes, question: bytes, wanted: int) -> None:
        await self.line.tell(order)
        answer = await self.line.ask(question)
        if not re.fullmatch(rb"[0-9A-Fa-f]{1,2}", answer) or int(answer, 16) != wanted:
            raise DriverError(
                f"the controller was told {order.decode()} and answered {answer!r} to {question.decode()}: it does not take "
                "what its settings say"
            )

    async def _convert(self) -> None:
        self._celsius = None
        self._converts_since = self.clock.seconds()
        await self.line.tell(b":C#")
        self._converts_since = self.clock.seconds()  # not when it was asked for: it may have had to wait for the line


def half_degrees(answer: bytes) -> int:
    """What :GT# was answered, in half degrees."""
    if not re.fullmatch(rb"[0-9A-Fa-f]{1,8}", answer):
        raise DriverError(f"the controller answered {answer!r} to :GT#, not a temperature in hexadecimal digits")
    value, bits = int(answer, 16), 8 if len(answer) <= 2 else 16 if len(answer) <= 4 else 32
    return value - (1 << bits) if value >> (bits - 1) else value
