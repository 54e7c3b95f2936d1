"""
The hand controllers of telescope mounts that speak LX200: OnStepX, Autostar, a classic LX200; each with a mount that moves.

`python -m tests.lx200_firmware` runs OnStepX on a pseudo-terminal and prints its name; `--tcp 9999` serves it on that port of
localhost, `--tcp 0` on one that is free; `--mount autostar` and `--mount classic` are the others.
"""

# Facts: those at the head of drivers/lx200_telescope.py. Nothing of the driver is used here, so that neither hides the other's
# mistakes.

from __future__ import annotations

import re
from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, cast

from twisted.internet.interfaces import IReactorTime
from twisted.internet.protocol import Protocol, ServerFactory

from drivers.simulators import sky
from pylpaca.device.base import utc_now
from pylpaca.testing import MIDNIGHT
from tests.firmware import Firmware, FirmwareDouble, LosesReplies, RealTime, serve

SIDEREAL = 15.041067178669 / 3600  # degrees per second
SIDEREAL_HERTZ = 60.164
HOME = (90.0, 90.0)  # hour angle and declination, in degrees: at the pole, the weight down
GUIDE_TIME_LIMIT = 10.0
BRAKES_FOR = 0.3  # seconds


@dataclass
class Motion:
    """What turns an axis until then, in degrees per second."""

    rate: float = 0.0
    until: float = 0.0


@dataclass
class Slew:
    """A slew under way; the ends are hour angles and declinations, in degrees."""

    began: float
    arrives: float
    start: tuple[float, float]
    end: tuple[float, float]
    goal: str  # "park", "home", "flip" or nothing
    right_ascension: float | None  # of the star to follow


class Mount:
    """
    Two axes, and the sky above them.

    :param slew_rate: of slews, in degrees per second.
    :param move_rate: the highest of moves.
    :param least: what the shortest slew takes, in seconds.
    :param most: what the longest slew takes, in seconds.
    """

    def __init__(
        self,
        clock: IReactorTime,
        utc: Callable[[], datetime],
        slew_rate: float = 4.0,
        move_rate: float = 4.0,
        least: float = 2.6,
        most: float = 20.0,
    ) -> None:
        self._clock, self._utc = clock, utc
        self._slew_rate, self.move_rate, self._least, self._most = slew_rate, move_rate, least, most
        self.latitude, self.longitude, self.elevation = 51.5, 0.125, 35.0  # east positive
        self.calendar = timedelta()  # how far the mount's clock is ahead
        self.hour_angle, self.declination = HOME
        self.is_west = False  # of the pier
        self.tracks, self.at_home, self.is_parked = False, True, False
        self.hertz = SIDEREAL_HERTZ
        self.offsets = [0.0, 0.0]  # arcseconds per sidereal second, in right ascension and declination
        self.pulses = [Motion(), Motion()]  # to the west and to the north
        self.moves = [Motion(), Motion()]
        self.park_position = (0.0, -8.5)  # 30 degrees above the horizon in the south
        self.slew: Slew | None = None
        self._brakes_until = 0.0
        self._tracked = False  # before a slew to park
        self.at = clock.seconds()

    # the sky

    @property
    def utc(self) -> datetime:
        """What the mount takes for the time of day."""
        return self._utc() + self.calendar

    def sidereal(self, later: float = 0.0) -> float:
        """In hours, in so many seconds."""
        return sky.sidereal_time(self.utc + timedelta(seconds=later), self.longitude)

    @property
    def right_ascension(self) -> float:
        return sky.wrapped(self.sidereal() - self.hour_angle / 15, 24.0)

    @property
    def horizontal(self) -> tuple[float, float]:
        return sky.horizontal(self.hour_angle / 15, self.declination, self.latitude)

    @property
    def is_slewing(self) -> bool:
        return self.slew is not None or self.at < self._brakes_until

    # time passes

    def look(self) -> None:
        """Bring everything to where it is now."""
        now = self._clock.seconds()
        while self.at < now:
            ends = [motion.until for motion in (*self.pulses, *self.moves)] + [self.slew.arrives if self.slew else now]
            self._pass(min([each for each in ends if each > self.at] + [now]))

    def _pass(self, until: float) -> None:
        seconds, start = until - self.at, self.at
        self.at = until
        if self.slew is not None:
            self._slewn(self.slew)
            return
        west, north = (
            sum(motion.rate for motion in (self.pulses[axis], self.moves[axis]) if start < motion.until) for axis in range(2)
        )
        if self.tracks:
            west += SIDEREAL * self.hertz / SIDEREAL_HERTZ - self.offsets[0] / sky.SIDEREAL_SECOND / 3600
            north += self.offsets[1] / sky.SIDEREAL_SECOND / 3600
        self.hour_angle = sky.wrapped(self.hour_angle + west * seconds, 360.0, -180.0)
        self.declination = min(max(self.declination + north * seconds, -90.0), 90.0)

    def _slewn(self, slew: Slew) -> None:
        part = (self.at - slew.began) / (slew.arrives - slew.began)
        around = sky.wrapped(slew.end[0] - slew.start[0], 360.0, -180.0)
        self.hour_angle = sky.wrapped(slew.start[0] + part * around, 360.0, -180.0)
        self.declination = slew.start[1] + part * (slew.end[1] - slew.start[1])
        if self.at < slew.arrives:
            return
        self.slew = None
        self.declination = slew.end[1]
        if slew.goal == "flip":
            self.is_west = not self.is_west
        elif slew.goal != "home":
            self.is_west = self.hour_angle < 0
        if slew.goal in ("home", "park"):
            self.tracks = False
            self.at_home, self.is_parked = slew.goal == "home", slew.goal == "park"

    # what is asked of it

    def track(self, wanted: bool) -> None:
        self.tracks = wanted
        self.at_home = self.at_home and not wanted

    def move(self, axis: int, rate: float, seconds: float) -> None:
        self.moves[axis] = Motion(rate, self.at + seconds)
        self.at_home = False

    def pulse(self, axis: int, rate: float, seconds: float) -> None:
        self.pulses[axis] = Motion(rate, self.at + seconds)

    def is_moving(self, motions: list[Motion]) -> bool:
        return any(self.at < motion.until for motion in motions)

    def go(self, hour_angle: float, declination: float, goal: str = "", right_ascension: float | None = None) -> None:
        """Begin a slew; one to a star arrives at where that will be."""
        start = (self.hour_angle, self.declination)
        seconds = sky.distance(*start, hour_angle, declination) / self._slew_rate
        seconds = max(min(seconds, self._most), self._least)
        if right_ascension is not None:
            hour_angle = (self.sidereal(seconds) - right_ascension) * 15
        self._tracked, self.at_home = self.tracks, False
        if goal in ("home", "park"):
            self.tracks = False
        end = (sky.wrapped(hour_angle, 360.0, -180.0), declination)
        self.slew = Slew(self.at, self.at + seconds, start, end, goal, right_ascension)

    def go_to_star(self, right_ascension: float, declination: float, goal: str = "") -> None:
        self.go((self.sidereal() - right_ascension) * 15, declination, goal, right_ascension)

    def altitude_of(self, right_ascension: float, declination: float) -> float:
        return sky.horizontal(self.sidereal() - right_ascension, declination, self.latitude)[1]

    def sync(self, right_ascension: float, declination: float) -> None:
        self.hour_angle = sky.wrapped((self.sidereal() - right_ascension) * 15, 360.0, -180.0)
        self.declination = declination
        self.at_home = False

    def stop(self) -> None:
        if self.slew is not None:
            self.slew = None
            self.tracks = self._tracked
            self._brakes_until = self.at + BRAKES_FOR
        self.pulses, self.moves = [Motion(), Motion()], [Motion(), Motion()]


WRITTEN = re.compile(r"([+-]?)(\d+)[*:\xdf](\d+(?:\.\d)?)(?:[:'](\d+(?:\.\d+)?))?")


def angle(text: str) -> float:
    """What a client wrote, in hours or degrees."""
    found = WRITTEN.fullmatch(text)
    if found is None:
        raise ValueError(text)
    sign, whole, minutes, seconds = found.groups(default="0")
    value = float(whole) + float(minutes) / 60 + float(seconds) / 3600
    return -value if sign == "-" else value


def written(value: float, parts: str, digits: int = 2, signed: bool = False) -> str:
    """
    Hours or degrees as a controller shows them.

    :param parts: "m", "m.m", "s", "s.sss" or "s.ssss": how far down it goes.
    """
    decimals = len(parts) - 2 if "." in parts else 0
    unit = (3600 if parts[0] == "s" else 60) * 10**decimals
    count = int(abs(value) * unit + 0.5)
    whole, rest = count // unit, count % unit
    separator = "*" if signed or digits == 3 else ":"
    sign = "" if not signed else "-" if value < 0 else "+"
    width = 3 + decimals if decimals else 2
    if parts[0] == "m":
        return f"{sign}{whole:0{digits}d}{separator}{rest / 10**decimals:0{width}.{decimals}f}"
    minutes, seconds = rest // (60 * 10**decimals), rest % (60 * 10**decimals) / 10**decimals
    return f"{sign}{whole:0{digits}d}{separator}{minutes:02d}:{seconds:0{width}.{decimals}f}"


def shown_hours(value: float, parts: str) -> str:
    text = written(value, parts)
    return text.replace("24", "00", 1) if text.startswith("24") else text


class Controller:
    """
    What all of them know: where it points, the site, the time, the target.

    :ivar commands: what came, each without the # at its end.
    """

    MODE_QUESTION = "\x06"

    def __init__(self, mount: Mount) -> None:
        self.mount = mount
        self.commands: list[str] = []
        self.is_long = False
        self.behind_utc = timedelta(hours=5)  # what is added to local time
        self.target_right_ascension, self.target_declination = 0.0, 0.0
        self._received = ""
        self.questions: dict[str, Callable[[], str]] = {
            ":GR": lambda: shown_hours(mount.right_ascension, "s" if self.is_long else "m.m"),
            ":GD": lambda: written(mount.declination, "s" if self.is_long else "m", signed=True),
            ":GA": lambda: written(mount.horizontal[1], "s" if self.is_long else "m", signed=True),
            ":GZ": lambda: written(mount.horizontal[0], "s" if self.is_long else "m", 3),
            ":GS": lambda: shown_hours(mount.sidereal(), "s"),
            ":GC": lambda: f"{self.local:%m/%d/%y}",
            ":GL": lambda: f"{self.local:%H:%M:%S}",
            ":Gt": lambda: written(mount.latitude, "m", signed=True),
        }
        self.orders: dict[str, Callable[[str], None]] = {  # refused with ValueError
            ":Sr": self.set_right_ascension,
            ":Sd": self.set_declination,
            ":SL": self.set_time,
            ":SC": self.set_date,
            ":St": self.set_latitude,
            ":Sg": self.set_longitude,
        }
        self.silent: dict[str, Callable[[str], None]] = {":U": self.change_format, ":Q": lambda _: mount.stop()}
        for number, letter in enumerate("wens"):  # each axis the positive direction first
            self.silent[f":M{letter}"] = partial(self.move, number // 2, 1 - 2 * (letter in "es"))
            self.silent[f":Q{letter}"] = partial(self.halt, number // 2)

    def receive(self, data: bytes) -> bytes:
        self._received += data.decode("latin-1")
        reply = ""
        while self._received:
            if self._received[0] == self.MODE_QUESTION:
                command, self._received = self.MODE_QUESTION, self._received[1:]
            else:
                command, end, rest = self._received.partition("#")
                if not end:
                    break
                self._received = rest
            if command:
                self.commands.append(command)
                self.mount.look()
                reply += self.answer(command)
        return reply.encode("latin-1")

    def answer(self, command: str) -> str:
        if command in self.questions:
            return self.questions[command]() + "#"
        if command in self.silent:
            self.silent[command]("")
            return ""
        for length in (6, 3):
            word, argument = command[:length], command[length:]
            if word in self.orders:
                return self.obey(word, argument)
            if word in self.silent:
                self.silent[word](argument)
                return ""
        return self.unknown(command)

    def obey(self, word: str, argument: str) -> str:
        try:
            self.orders[word](argument)
        except ValueError:
            return "0"
        return "1"

    def unknown(self, command: str) -> str:
        return ""

    @property
    def local(self) -> datetime:
        return self.mount.utc - self.behind_utc

    def change_format(self, _: str) -> None:
        self.is_long = not self.is_long

    def set_right_ascension(self, text: str) -> None:
        self.target_right_ascension = angle(text)

    def set_declination(self, text: str) -> None:
        self.target_declination = angle(text)

    def set_time(self, text: str) -> None:
        hours, minutes, seconds = map(int, text.split(":"))
        local = self.local
        self.mount.calendar += local.replace(hour=hours, minute=minutes, second=seconds, microsecond=0) - local

    def set_date(self, text: str) -> None:
        month, day, year = map(int, text.split("/"))
        self.mount.calendar += self.local.replace(month=month, day=day, year=2000 + year) - self.local

    def set_latitude(self, text: str) -> None:
        self.mount.latitude = angle(text)

    def set_longitude(self, text: str) -> None:
        self.mount.longitude = sky.wrapped(-angle(text), 360.0, -180.0)

    def move(self, axis: int, sign: int, _: str) -> None:
        raise NotImplementedError

    def halt(self, axis: int, _: str) -> None:
        self.mount.moves[axis] = Motion()


class OnStep(Controller):
    """OnStepX, or OnStep of before with `version` 4; one that does not keep the rate of pulses apart from that of moves."""

    TIMES = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 20.0, 48.0)

    def __init__(self, mount: Mount, version: str = "10.25a", stands: str = "E") -> None:
        super().__init__(mount)
        self.is_x, self.stands = version.startswith("1"), stands
        self.is_long = True
        self.error = 0
        self.pulse_number, self.move_number = 1, 1
        self._brakes = Motion()
        self.rates = [0.5 * SIDEREAL, 0.5 * SIDEREAL]  # degrees per second
        self.target_altitude, self.target_azimuth = 0.0, 0.0
        self.questions |= {
            ":GVP": lambda: "On-Step",
            ":GVN": lambda: version,
            ":GE": lambda: f"{self.error:02d}",
            ":GU": self.status,
            ":GRH": lambda: shown_hours(mount.right_ascension, "s.ssss"),
            ":GDH": lambda: written(mount.declination, "s.sss", signed=True),
            ":GG": lambda: "+05:00",
            ":GtH": lambda: written(mount.latitude, "s.sss", signed=True),
            ":Gg": lambda: written(-mount.longitude, "m", 3, signed=True),
            ":GgH": lambda: written(-mount.longitude, "s.sss", 3, signed=True),
            ":GT": lambda: f"{mount.hertz if mount.tracks else 0.0:.5f}",
            ":GX90": lambda: f"{self.TIMES[self.pulse_number]:.2f}",
            ":GX97": lambda: f"{mount.move_rate:.1f}",
            ":D": lambda: "\x7f" if mount.is_slewing else "",
            ":CM": self.sync,
        }
        self.orders |= {
            ":Sa": self.set_altitude,
            ":Sz": self.set_azimuth,
            ":Te": lambda _: self.track(True),
            ":Td": lambda _: self.track(False),
            ":hP": lambda _: self.park(),
            ":hQ": lambda _: self.set_park(),
            ":hR": lambda _: self.unpark(),
        }
        self.silent |= {
            ":TQ": lambda _: self.set_hertz(SIDEREAL_HERTZ),
            ":TL": lambda _: self.set_hertz(57.9),
            ":TS": lambda _: self.set_hertz(60.0),
            ":TK": lambda _: self.set_hertz(60.136),
            ":hC": lambda _: self.go_home(),
            ":RA": lambda text: self.set_rate(0, float(text)),
            ":RE": lambda text: self.set_rate(1, float(text)),
        }
        for number, times in enumerate(self.TIMES):
            self.silent[f":R{number}"] = partial(self.set_rates, number, times)
        if self.is_x:
            self.questions |= {
                ":Gv": lambda: f"{mount.elevation:.1f}",
                ":GXTR": lambda: f"{mount.offsets[0]:.8f}",
                ":GXTD": lambda: f"{mount.offsets[1]:.8f}",
            }
            self.orders |= {
                ":Sv": self.set_elevation,
                ":SXTR,": partial(self.set_offset, 0),
                ":SXTD,": partial(self.set_offset, 1),
            }

    def answer(self, command: str) -> str:
        if command == ":GXEE":
            return "1"  # topocentric
        slews = {":MS": self.go_to_star, ":MA": self.go_above_ground}
        if self.is_x:
            slews |= {":MNe": partial(self.go_to_side, False), ":MNw": partial(self.go_to_side, True), ":MD": self.destination}
        if command in slews:
            return str(slews[command]())
        if command[:3] == ":Mg":
            self.pulse(command[3], command[4:])
            return ""
        return super().answer(command)

    def unknown(self, command: str) -> str:
        self.error = 2
        return "0"

    def obey(self, word: str, argument: str) -> str:
        self.error = 0
        try:
            self.orders[word](argument)
        except ValueError:
            self.error = self.error or 5
            return "0"
        return "1"

    def refuse(self, error: int) -> None:
        self.error = error
        raise ValueError(error)

    def status(self) -> str:
        mount, slew = self.mount, self.mount.slew
        goal = slew.goal if slew is not None else ""
        letters = "" if mount.tracks else "n"
        letters += "" if mount.is_slewing else "N"
        letters += "I" if goal == "park" else "P" if mount.is_parked else "p"
        letters += "H" if mount.at_home else ""
        letters += "h" if goal == "home" and self.is_x else ""
        letters += "G" if mount.is_moving(mount.pulses) else ""
        letters += "g" if self.is_x and self.is_guiding else ""
        letters += {57.9: "(", 60.0: "O", 60.136: "k"}.get(mount.hertz, "") if self.is_x else ""
        letters += "z/" + self.stands
        letters += "o" if mount.at_home else "W" if mount.is_west and self.stands == "E" else "T"
        return f"{letters}{self.pulse_number}{self.move_number}0"

    @property
    def is_guiding(self) -> bool:
        mount = self.mount
        return mount.is_moving(mount.pulses) or mount.is_moving(mount.moves) or self._brakes.until > mount.at

    def set_altitude(self, text: str) -> None:
        self.target_altitude = angle(text)

    def set_azimuth(self, text: str) -> None:
        self.target_azimuth = angle(text)

    def set_elevation(self, text: str) -> None:
        self.mount.elevation = round(float(text), 1)

    def set_offset(self, axis: int, text: str) -> None:
        self.mount.offsets[axis] = float(text)

    def set_hertz(self, hertz: float) -> None:
        self.mount.hertz = hertz

    def set_rate(self, axis: int, rate: float) -> None:
        self.rates[axis], self.move_number = min(rate, self.mount.move_rate), 9

    def set_rates(self, number: int, times: float, _: str) -> None:
        self.rates, self.move_number = [times * SIDEREAL, times * SIDEREAL], number
        if number <= 2:
            self.pulse_number = number

    def move(self, axis: int, sign: int, _: str) -> None:
        if self.mount.is_parked:
            self.error = 18
        elif self.mount.slew is not None:
            self.mount.stop()
        else:
            self.mount.move(axis, sign * self.rates[axis], GUIDE_TIME_LIMIT)

    def halt(self, axis: int, _: str) -> None:
        if self.mount.is_moving(self.mount.moves):
            self._brakes = Motion(0.0, self.mount.at + BRAKES_FOR)
        super().halt(axis, _)

    def pulse(self, letter: str, text: str) -> None:
        if self.mount.is_parked or self.mount.slew is not None:
            self.error = 22
            return
        axis, sign = {"w": (0, 1), "e": (0, -1), "n": (1, 1), "s": (1, -1)}[letter]
        seconds = int(text) / 1000 or 4_000_000.0  # none at all is no limit
        self.mount.pulse(axis, sign * self.rates[axis], seconds)

    def go_to_star(self) -> int:
        if (refusal := self.refusal_of_slew()) == 0:
            if self.mount.altitude_of(self.target_right_ascension, self.target_declination) < -10:
                refusal = 1
            else:
                self.mount.tracks = self.mount.tracks or self.mount.at_home
                self.mount.go_to_star(self.target_right_ascension, self.target_declination)
        return refusal

    def go_above_ground(self) -> int:
        if (refusal := self.refusal_of_slew()) == 0:
            hours, declination = sky.equatorial(self.target_azimuth, self.target_altitude, self.mount.latitude)
            self.mount.tracks = self.mount.tracks or self.mount.at_home
            self.mount.go(hours * 15, declination)
        return refusal

    def go_to_side(self, west: bool) -> int:
        if (refusal := self.refusal_of_slew()) == 0:
            goal = "flip" if self.mount.is_west is not west else ""
            self.mount.go_to_star(self.mount.right_ascension, self.mount.declination, goal)
        return refusal

    def destination(self) -> int:
        if self.mount.altitude_of(self.target_right_ascension, self.target_declination) < -10:
            return 2
        return int(sky.hour_angle(self.mount.sidereal(), self.target_right_ascension) < 0)

    def refusal_of_slew(self) -> int:
        if self.mount.is_parked:
            return 4
        if self.mount.is_slewing:
            self.mount.stop()  # so it does
            return 5
        return 8 if self.is_guiding else 0

    def sync(self) -> str:
        if refusal := self.refusal_of_slew():
            return f"E{refusal}"
        self.mount.sync(self.target_right_ascension, self.target_declination)
        return "N/A"

    def track(self, wanted: bool) -> None:
        if wanted and self.mount.is_parked:
            self.refuse(9)
        if self.mount.is_slewing or (self.is_x and not wanted and self.is_guiding):
            self.refuse(22)
        self.mount.track(wanted)

    def park(self) -> None:
        if self.mount.is_parked:
            return
        if self.mount.is_slewing or self.is_guiding:
            self.refuse(10 if self.mount.slew is not None and self.mount.slew.goal == "park" else 22)
        self.mount.go(*self.mount.park_position, "park")

    def set_park(self) -> None:
        if self.mount.is_parked or self.mount.is_slewing:
            self.refuse(9)
        self.mount.park_position = self.mount.hour_angle, self.mount.declination

    def unpark(self) -> None:
        if not self.mount.is_parked:
            self.refuse(11)
        self.mount.is_parked = False
        self.mount.track(True)

    def go_home(self) -> None:
        if self.mount.is_parked or self.mount.is_slewing:
            self.error = 18 if self.mount.is_parked else 22
            return
        self.mount.hertz, self.mount.offsets = SIDEREAL_HERTZ, [0.0, 0.0]
        self.mount.go(*HOME, "home")


class Classic(Controller):
    """A classic LX200: no name, no pulses, minutes for the site, messages after digits."""

    SPEEDS = {"G": 0.0042, "C": 0.067, "M": 1.5, "S": 4.0}  # noqa: RUF012

    def __init__(self, mount: Mount, mode: str = "P") -> None:
        super().__init__(mount)
        self.mode = mode
        self.speed = self.SPEEDS["C"]
        mount.tracks, mount.at_home = True, False
        mount.hour_angle, mount.declination = 15.0, 20.0
        self.questions |= {
            ":GG": lambda: "+05",
            ":Gg": lambda: written(-mount.longitude % 360, "m", 3),
            ":GT": lambda: f"{mount.hertz:.1f}",
            ":D": lambda: "\xff\xff" if mount.is_slewing else "",
            ":CM": self.sync,
        }
        self.silent |= {
            ":AP": lambda _: self.set_mode("P"),
            ":AA": lambda _: self.set_mode("A"),
            ":AL": lambda _: self.set_mode("L"),
            ":TQ": lambda _: self.set_hertz(60.1),
            ":TL": lambda _: self.set_hertz(57.9),
        }
        for letter, speed in self.SPEEDS.items():
            self.silent[f":R{letter}"] = partial(self.set_speed, speed)

    def answer(self, command: str) -> str:
        if command == self.MODE_QUESTION:
            return self.mode
        if command == ":MS":
            if self.mount.altitude_of(self.target_right_ascension, self.target_declination) < 0:
                return "1Object Below Horizon            #"
            self.mount.go_to_star(self.target_right_ascension, self.target_declination)
            return "0"
        reply = super().answer(command)
        if command[:3] == ":SC" and reply == "1":
            reply += "Updating        planetary data. #" + " " * 32 + "#"
        return reply

    def set_mode(self, mode: str) -> None:
        self.mode = mode
        self.mount.track(mode != "L")

    def set_hertz(self, hertz: float) -> None:
        self.mount.hertz = SIDEREAL_HERTZ if hertz > 60 else hertz

    def set_speed(self, speed: float, _: str) -> None:
        self.speed = speed

    def move(self, axis: int, sign: int, _: str) -> None:
        self.mount.move(axis, sign * self.speed, 4_000_000.0)

    def sync(self) -> str:
        self.mount.sync(self.target_right_ascension, self.target_declination)
        return "Coordinates     matched.        "


class Autostar(Classic):
    """Meade's Autostar: an LX200 with a name, pulses, and more to tell; parked, it moves no more."""

    SPEEDS = {"G": 0.0042, "C": 0.067, "M": 1.5, "S": 4.0}  # noqa: RUF012

    def __init__(self, mount: Mount, mode: str = "P", product: str = "Autostar") -> None:
        super().__init__(mount, mode)
        self.is_alive = True
        self.stands = mode
        self.questions |= {
            ":GVP": lambda: product,
            ":GW": lambda: f"{self.stands}{'T' if mount.tracks else 'N'}1",
        }
        self.silent |= {":hP": lambda _: self.park()}

    def answer(self, command: str) -> str:
        if command[:3] == ":Mg":
            axis, sign = {"w": (0, 1), "e": (0, -1), "n": (1, 1), "s": (1, -1)}[command[3]]
            self.mount.pulse(axis, sign * SIDEREAL / 2, int(command[4:]) / 1000)
            return ""
        if not self.is_alive and command[1:2] == "M":
            return ""
        return super().answer(command)

    def park(self) -> None:
        self.is_alive = False
        self.mount.go(*self.mount.park_position, "park")


class LX200Double(FirmwareDouble[Firmware]):
    """
    A controller at the other end of a port of `MemoryServer`; under the sky of its simulated time.

    :param build: switches the controller on.
    :param seed: if given, one reply in twenty is lost, at places drawn from it.
    """

    controller: Controller

    def __init__(self, build: Callable[[Mount], Controller] = OnStep, seed: int | None = None) -> None:
        def switched_on(clock: IReactorTime) -> Firmware:
            self.controller = build(Mount(clock, lambda: MIDNIGHT + timedelta(seconds=clock.seconds())))
            return self.controller if seed is None else LosesReplies(self.controller, seed)

        super().__init__(switched_on)


class OnNetwork(Protocol):
    """Firmware at the other end of a TCP connection, as a WiFi module hands it on."""

    def __init__(self, firmware: Firmware) -> None:
        self._firmware = firmware

    def dataReceived(self, data: bytes) -> None:
        assert self.transport is not None
        self.transport.write(self._firmware.receive(data))


def network(firmware: Firmware) -> ServerFactory:
    """What serves firmware to whoever connects."""
    factory: Any = ServerFactory.forProtocol(partial(OnNetwork, firmware))
    return cast(ServerFactory, factory)


def in_real_time(build: Callable[[Mount], Controller] = OnStep) -> Controller:
    """A controller under the sky of now, with slews that end soon."""
    return build(Mount(RealTime(), utc_now, slew_rate=60.0, least=2.2, most=3.2))


def main() -> None:
    """Run one until Ctrl-C."""
    parser = ArgumentParser("python -m tests.lx200_firmware")
    parser.add_argument("--mount", choices=("onstep", "autostar", "classic"), default="onstep")
    parser.add_argument("--lose", type=int, metavar="SEED", help="lose one reply in twenty")
    parser.add_argument("--tcp", type=int, metavar="PORT", help="serve it on localhost, not on a pseudo-terminal")
    options = parser.parse_args()
    firmware: Firmware = in_real_time({"onstep": OnStep, "autostar": Autostar, "classic": Classic}[options.mount])
    if options.lose is not None:
        firmware = LosesReplies(firmware, options.lose)
    if options.tcp is None:
        serve(firmware)
        return
    from twisted.internet import reactor

    port = reactor.listenTCP(options.tcp, network(firmware), interface="127.0.0.1")
    address: Any = port.getHost()
    print(f"tcp://127.0.0.1:{address.port}", flush=True)
    reactor.run()


if __name__ == "__main__":
    main()
