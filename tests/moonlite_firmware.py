"""A focuser controller that speaks the Moonlite protocol; `python -m tests.moonlite_firmware` runs one on a pseudo-terminal."""

# Facts (the maker's manual of the high resolution stepper motor, and what controllers built after it do)
#   A command is ":", letters, hexadecimal digits, "#"; a reply is digits and "#"; what sets something is not answered, and what
#   is not understood is ignored. Positions have four digits, unsigned; temperatures four, signed, in half degrees; the rest two.
#   :SD takes 02, 04, 08, 10 and 20, which are 250, 125, 63, 32 and 16 steps per second.
#   A temperature conversion takes up to 0.75 s. The usual sensor reads 85 degrees until its first one is done.

from __future__ import annotations

import re
from argparse import ArgumentParser

from twisted.internet.interfaces import IReactorTime

from drivers.simulators.motion import Motion
from tests.firmware import CommandFirmware, LosesReplies, RealTime, serve

DELAYS = (0x02, 0x04, 0x08, 0x10, 0x20)
LAST = 0xFFFF


class MoonliteFirmware(CommandFirmware):
    """
    A motor, a thermometer and temperature compensation.

    :param position: where the drawtube is when it is switched on, in steps.
    :param fastest: steps per second with :SD02#.
    :param notices_after: seconds after the start of a motion in which :GI# still says that there is none.
    :param last: it moves no further than this, whatever it is told.
    :param forgets_halts: it takes itself for moving until the position that it told last is the one it was sent to.
    """

    terminator = b"#"
    CONVERSION = 0.75

    def __init__(
        self,
        clock: IReactorTime,
        position: int = 1000,
        fastest: float = 250.0,
        notices_after: float = 0.0,
        last: int = LAST,
        forgets_halts: bool = False,
    ) -> None:
        super().__init__()
        self._clock, self._fastest, self._notices_after, self._last = clock, fastest, notices_after, last
        self._forgets_halts, self._told = forgets_halts, position
        self.celsius = 12.5  # at the drawtube
        self.ignored: list[bytes] = []  # what was no command
        self.half_step = False
        self.coefficient = 0  # steps per degree
        self.offset = 0  # of the thermometer, in half degrees
        self.delay = DELAYS[0]
        self._new = self._wanted = position
        self._motor = Motion(clock, fastest, position)
        self._began = clock.seconds()
        self._reading = 85.0
        self._converted_at: float | None = None
        self._compensated_from: float | None = None

    @property
    def position(self) -> int:
        """Where the drawtube is."""
        self._run()
        return round(self._motor.position)

    @property
    def compensates(self) -> bool:
        """Whether temperature compensation is on."""
        return self._compensated_from is not None

    def answer(self, command: bytes) -> bytes:
        self._run()
        reply = self._reply(command)
        return reply.encode() + b"#" if reply else b""

    def _reply(self, command: bytes) -> str:
        found = re.fullmatch(rb".*:([CGFSP+-][A-Z]?)([0-9A-F]*)", command, re.DOTALL)  # before the colon is noise
        name, digits = (found[1].decode(), found[2].decode()) if found is not None else ("", "")
        value = int(digits or "0", 16)
        match name, len(digits):
            case "GP", 0:
                self._told = self.position
                return f"{self._told:04X}"
            case "GN", 0:
                return f"{self._new:04X}"
            case "GI", 0:
                return "01" if self._takes_itself_for_moving() else "00"
            case "GT", 0:
                return f"{round(2 * self._reading) + self.offset & 0xFFFF:04X}"
            case "GC", 0:
                return f"{self.coefficient & 0xFF:02X}"
            case "GD", 0:
                return f"{self.delay:02X}"
            case "GH", 0:
                return "FF" if self.half_step else "00"
            case "GV", 0:
                return "10"
            case "SN", 4:
                self._new = min(value, self._last)
            case "SP", 4:
                self._motor.put(value)
                self._new = self._wanted = value
            case "FG", 0:
                if self.compensates:  # the new position is meant at today's temperature
                    self._compensated_from = self.celsius
                self._start(self._new)
            case "FQ", 0:
                self._wanted = self.position
                self._motor.put(self._wanted)
            case "SD", 2:
                self._set_delay(value)
            case "SH" | "SF", 0:
                self.half_step = name == "SH"
            case "SC", 2:
                self.coefficient = signed(value)
            case "PO", 2:
                self.offset = signed(value)
            case "C", 0:
                self._converted_at = self._clock.seconds() + self.CONVERSION
            case "+", 0:
                self._compensated_from = self.celsius
            case "-", 0:
                self._compensated_from = None
            case _:
                self.ignored.append(command)
        return ""

    def _takes_itself_for_moving(self) -> bool:
        if self._forgets_halts:
            return self._told != self._new
        return self._motor.moving and self._clock.seconds() - self._began >= self._notices_after

    def _set_delay(self, delay: int) -> None:
        if delay not in DELAYS:
            return
        moving, self.delay = self._motor.moving, delay
        self._motor = Motion(self._clock, self._fastest * DELAYS[0] / delay, self._motor.position)
        if moving:
            self._motor.go(self._wanted)

    def _start(self, target: int) -> None:
        self._wanted = min(max(target, 0), self._last)
        self._motor.go(self._wanted)
        self._began = self._clock.seconds()

    def _run(self) -> None:
        """What has gone on meanwhile."""
        if self._converted_at is not None and self._clock.seconds() >= self._converted_at:
            self._reading, self._converted_at = self.celsius, None
        if self._compensated_from is not None and not self._motor.moving:
            drift = round(self.coefficient * (self.celsius - self._compensated_from))
            if drift:
                self._compensated_from = self.celsius
                self._start(self._wanted + drift)


def signed(value: int) -> int:
    """What two digits mean."""
    return value - 0x100 if value & 0x80 else value


def main() -> None:
    parser = ArgumentParser("python -m tests.moonlite_firmware")
    parser.add_argument("--fastest", type=float, default=250.0, help="steps per second [default: 250]")
    parser.add_argument("--lose", type=int, metavar="SEED", help="lose one reply in twenty")
    options = parser.parse_args()
    firmware = MoonliteFirmware(RealTime(), fastest=options.fastest)
    serve(firmware if options.lose is None else LosesReplies(firmware, options.lose))


if __name__ == "__main__":
    main()
