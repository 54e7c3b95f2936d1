"""
A telescope mount that speaks the LX200 protocol: OnStep, Meade's Autostar, the classic LX200, and those built after them.

    "driver_config": {"port": "/dev/ttyUSB0"}
    "driver_config": {"port": "tcp://192.168.0.1:9998"}

What each can do, what the other settings are for, and what to do if it does not answer: docs/lx200-telescope.md.
"""

# Facts (Meade's "Telescope Serial Command Protocol" of 2010, the manual of the LX200, OnStep's command reference and firmware)
#   A command is written :XX…#. A question is answered up to a #, an order with 1 (taken) or 0 (refused) and nothing behind it, or
#   not at all. What OnStep does not know it answers with 0, a Meade is silent; and so a classic LX200 is when it is asked for the
#   name of the product (:GVP#). Several commands may be sent at once, as SkySafari does.
#   :Sr and :Sd set a target, :MS# slews there: OnStep answers a digit, 0 if it goes; Meade answers 0, or a digit and a message
#   up to a #. A second :MS# during a slew stops OnStep and sends a Meade to the new target.
#   OnStep: :GU# answers letters: n not tracking, N no goto, p unparked, I parking, P parked, H at home, h going home, G a pulse,
#   g a pulse or a move, ( O k the rate of the Moon, the Sun and King, A E K L how it stands, o T W the side of the pier; then the
#   numbers of the pulse rate and the move rate (0 0.25, 1 0.5, 2 1 times the sidereal one) and of the last error. :R0# to :R2#
#   set both rates, :RA and :RE the move rate alone, which later pulses have, too, unless OnStep was built to keep them apart.
#   :Qe# may stop a move to the east only. A move ends by itself after OnStep's GUIDE_TIME_LIMIT, 10 s; a pulse of 0 ms never.
#   OnStepX is OnStep from 10.0 on. It has an elevation, the side of the pier of a target (:MD#) and the other side (:MN#), and in
#   its newer versions rate offsets in arcseconds per sidereal second, which count right ascension's to the east.
#   Meade: :GR# is in the short or the long format, :U# changes it. :D# answers bars while it slews. :GW# (Autostar) says how it
#   stands and whether it tracks; ACK, without : and #, answers A, P or L (land: not tracking), and :AA#, :AP#, :AL# set that.
#   It parks with :hP#, and then must be switched off and on. A longitude counts to the west.
#   :Mgn0500# is a pulse to the north of 500 ms; a classic LX200 has none. North is to more declination, east to more right
#   ascension, for pulses and moves. :RG# :RC# :RM# :RS# choose how fast a Meade moves; nothing says how fast that is.

from __future__ import annotations

import re
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import ClassVar, Literal, TypeVar

from pydantic import Field
from twisted.internet.defer import CancelledError, Deferred, DeferredLock
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.task import deferLater
from twisted.python.failure import Failure

from drivers import lx200_formats as formats
from drivers.simulators.sky import SIDEREAL_SECOND, hour_angle
from pylpaca import values
from pylpaca.device import Telescope
from pylpaca.errors import DriverError, InvalidOperation, InvalidValue, MemberNotImplemented, OperationCancelled
from pylpaca.serial import FixedFraming, Framing, SerialLine, SerialSettings, TerminatedFraming
from pylpaca.values import AxisRate, DriveRate, EquatorialCoordinateType, GuideDirection, PierSide, TelescopeAxis

T = TypeVar("T")

ASK_ALIGNMENT = b"\x06"
RATE_WORDS = {DriveRate.Sidereal: b":TQ#", DriveRate.Lunar: b":TL#", DriveRate.Solar: b":TS#", DriveRate.King: b":TK#"}
RATE_LETTERS = {"(": DriveRate.Lunar, "O": DriveRate.Solar, "k": DriveRate.King}
RATE_HERTZ = {DriveRate.Sidereal: 60.164, DriveRate.Lunar: 57.9, DriveRate.Solar: 60.0, DriveRate.King: 60.136}
GUIDE_RATES = {0: 0.25, 1: 0.5, 2: 1.0}  # of OnStep, by the number in :R0#, times the sidereal rate
SIDEREAL = 15.041067 / 3600  # degrees per second
DIRECTIONS = {GuideDirection.North: "n", GuideDirection.South: "s", GuideDirection.East: "e", GuideDirection.West: "w"}
MOVES = {TelescopeAxis.Primary: ("w", "e"), TelescopeAxis.Secondary: ("n", "s")}  # at a positive rate, at a negative one
MODES = values.AlignmentMode
ALIGNMENTS = {"altaz": MODES.AltAz, "polar": MODES.Polar, "german": MODES.GermanPolar}
ONSTEP_ALIGNMENTS = {"A": MODES.AltAz, "L": MODES.AltAz, "K": MODES.Polar, "E": MODES.GermanPolar}
MEADE_ALIGNMENTS = {b"A": MODES.AltAz, b"P": MODES.Polar, b"G": MODES.GermanPolar}
SYSTEMS = {"topocentric": EquatorialCoordinateType.Topocentric, "j2000": EquatorialCoordinateType.J2000}
PIER_SIDES = {"T": PierSide.East, "W": PierSide.West}
SLEW_REFUSALS = {
    b"1": "it is below the horizon limit",
    b"2": "it is above the overhead limit",
    b"3": "the motors are in standby",
    b"4": "the mount is parked",
    b"5": "a slew is under way",
    b"6": "it is outside the limits of the axes or the meridian",
    b"7": "a motor driver has a fault",
    b"8": "the mount is in motion",
}
ONSTEP_ERRORS = {
    "02": "it does not know this command",
    "04": "the value is out of range",
    "05": "the value is not in a form that it knows",
    "08": "it is neither parked nor at home",
    "09": "it is parked, or its date and time have not been set",
    "10": "parking has failed, or is under way",
    "11": "it is not parked",
    "12": "no park position has been set",
    "17": "the motors are in standby",
    "18": "it is parked",
    "19": "a slew is under way",
    "20": "this is outside the limits",
    "21": "a motor driver has a fault",
    "22": "it is in motion",
}
SEEN_AFTER = 0.5  # seconds that a mount may need to say that it slews
BRAKES_FOR = 1.0  # seconds that an axis is given to come to rest, where the mount does not say
STILL_SLEWING = 1.0  # seconds after a mount was seen slewing, in which it cannot have been parked
LOOK_EVERY = 1.0
ORDER_WITHIN = 0.5  # seconds for the answer to an order that is not given twice: the status is asked soon
BEGIN_WITHIN = 3.0  # seconds: the client gives up soon after, and must not be surprised later
NEW_DATE_WITHIN = 3.0  # seconds that a Meade needs to think about its planets


@dataclass(frozen=True)
class SlewFraming:
    """A Meade's answer to :MS#: 0 alone, or another digit with a message that ends in #."""

    def outgoing(self, command: bytes) -> bytes:
        return command

    def next_frame(self, received: bytearray) -> bytes | None:
        if received[:1] != b"0":
            return TerminatedFraming(b"#").next_frame(received)
        del received[:1]
        return b"0"


@dataclass(frozen=True)
class BeforePosition:
    """The answer, if there is one, to a question that is followed by :GR#, which all mounts know."""

    def outgoing(self, command: bytes) -> bytes:
        return command

    def next_frame(self, received: bytearray) -> bytes | None:
        found = re.fullmatch(rb"(.*?)#?\d\d:\d\d[.:]\d+(\.\d+)?#", bytes(received), re.DOTALL)
        if found is None:
            return None
        received.clear()
        return found[1]


@dataclass(frozen=True)
class Mount:
    """What was found at the other end of the line."""

    kind: str  # "onstep", "meade" or "classic"
    product: str  # as it calls itself
    alignment: values.AlignmentMode
    system: EquatorialCoordinateType
    decimals: tuple[int, int] | tuple[None, None]  # of seconds in right ascension and declination; None: it has no seconds
    rates: tuple[DriveRate, ...]
    speeds: tuple[float, ...]  # that it can move at, in degrees per second; of OnStep the highest
    longest_pulse: int  # milliseconds
    is_x: bool = False  # OnStepX
    does_refraction: bool = False
    has_offsets: bool = False  # RightAscensionRate and DeclinationRate
    ask_tracking: bytes = b""  # the question of a Meade that tells whether it tracks; none if it has none

    @property
    def is_onstep(self) -> bool:
        return self.kind == "onstep"

    @property
    def is_german(self) -> bool:
        return self.alignment is MODES.GermanPolar


class LX200Telescope(Telescope):
    """A mount that speaks the LX200 protocol: OnStep, Meade Autostar or LX200."""

    class Settings(SerialSettings):
        reply_within: float = Field(default=0.5, gt=0, le=60, description="seconds to wait for a reply")
        retries: int = Field(default=3, ge=0, le=10, description="how often a question without a reply is asked again")
        mount: Literal["auto", "onstep", "meade", "classic"] = Field(
            default="auto", description="what it is: onstep, meade (Autostar), classic (LX200); auto: as it calls itself"
        )
        alignment: Literal["auto", "altaz", "polar", "german"] = Field(
            default="auto", description="how it stands: altaz, polar (a fork on a wedge), german; auto: as it says"
        )
        equatorial_system: Literal["auto", "topocentric", "j2000"] = Field(
            default="auto", description="the frame of its coordinates; auto: as it says, topocentric if it does not"
        )
        elevation: float = Field(
            default=0.0, ge=-300, le=10_000, description="of the site, in metres above the sea, for a mount that does not keep it"
        )
        aperture_diameter: float | None = Field(default=None, ge=0, description="of the telescope, in metres")
        aperture_area: float | None = Field(default=None, ge=0, description="what collects light, in square metres")
        focal_length: float | None = Field(default=None, ge=0, description="of the telescope, in metres")
        guide_rate: float = Field(
            default=0.5, gt=0, le=2, description="how fast the pulses of an Autostar move it, times the sidereal rate"
        )
        guide_speed: float = Field(default=0.0042, gt=0, le=20, description="of a Meade at :RG#, in degrees per second")
        centre_speed: float = Field(default=0.067, gt=0, le=20, description="of a Meade at :RC#, in degrees per second")
        find_speed: float = Field(default=1.5, gt=0, le=20, description="of a Meade at :RM#, in degrees per second")
        slew_speed: float = Field(default=4.0, gt=0, le=20, description="of a Meade at :RS#, in degrees per second")
        park: bool = Field(
            default=False, description="let a Meade be parked; to unpark it, it must be switched off and on, and connected anew"
        )

    max_age: ClassVar[float] = 0.095  # one that asks ten times a second is answered anew each time, and others with it

    settings: Settings
    _line: SerialLine
    _mount: Mount

    async def connect(self) -> None:
        self._product: str | None = None  # of the mount that this link began with
        self._site: dict[str, float] = {}  # as clients set it, more exactly than the mount keeps it
        self._elevation = self.settings.elevation
        self._rate, self._tracks = DriveRate.Sidereal, True  # as a mount begins that does not say
        self._targeting = DeferredLock()  # the mount has one target
        self._asked: dict[Hashable, list[Deferred[bytes]]] = {}  # who waits for the answer to a question that was asked
        self._aborts = 0
        self._order: Deferred[bytes] | None = None  # to slew or to park, until it is answered
        self._busy_until = 0.0  # it slews until then, whatever the mount says
        self._slewing_at = float("-inf")  # when OnStep was last seen on its way, not to park
        self._moving = [0.0, 0.0]  # the rates of MoveAxis
        self._guiding_until = [0.0, 0.0]
        self._endings: list[IDelayedCall | None] = [None, None]  # of pulses on a mount that has none of its own
        self._arrival: Deferred[None] | None = None  # of a slew after which it must not track
        self._is_parked = False  # of a Meade
        self._line = await self.open_serial(self.settings, TerminatedFraming(b"#"), prepare=self._prepare)

    async def disconnect(self) -> None:
        self._end_pulses()
        if self._arrival is not None:
            self._arrival.cancel()
        if any(self._moving):  # nobody is left to stop it
            try:
                await self._line.tell(b":Q#", urgent=True)
            except DriverError:
                self.log.warn("{name} could not be stopped", name=self.name)

    async def _prepare(self, line: SerialLine) -> None:
        """See what is at the other end, each time the port was opened."""
        self._line = line
        has_seconds = await self._in_long_format()  # whoever does not answer this is no such mount
        product = "" if self.settings.mount == "classic" else _text(await self._answer(b":GVP#"))
        if self._product not in (None, product):
            raise DriverError(f"the mount on {self.settings.port} is {product!r} now, and was {self._product!r}")
        if any(self._moving):  # nobody could stop it while the line was lost
            self._moving = [0.0, 0.0]
            await line.tell(b":Q#")
        kind = self.settings.mount
        if kind == "auto":
            is_onstep = product.lower().replace("-", "").startswith("onstep")
            kind = "onstep" if is_onstep else "meade" if product else "classic"
        self._mount = await (self._onstep(product) if kind == "onstep" else self._meade(kind, product, has_seconds))
        self._product = product

    async def _in_long_format(self) -> bool:
        if await self._read(b":GR#", formats.is_long):
            return True
        await self._line.tell(b":U#")
        return await self._read(b":GR#", formats.is_long)

    async def _onstep(self, product: str) -> Mount:
        version = await self._read(b":GVN#", _major)
        status = await self._status()
        alignment = next((mode for letter, mode in ONSTEP_ALIGNMENTS.items() if letter in status), MODES.Polar)
        coordinates = await self._line.ask(b":GXEE#", reply=FixedFraming(1), accept=bytes.isdigit)
        is_x = version >= 10
        return Mount(
            kind="onstep",
            product=product,
            alignment=ALIGNMENTS.get(self.settings.alignment, alignment),
            system=SYSTEMS.get(self.settings.equatorial_system, SYSTEMS["j2000" if coordinates == b"2" else "topocentric"]),
            decimals=(4, 3),
            rates=tuple(RATE_WORDS),
            speeds=(await self._read(b":GX97#", float),),
            longest_pulse=32_767 if is_x else 16_399,
            is_x=is_x,
            does_refraction=coordinates == b"1",
            has_offsets=is_x and b"." in await self._answer(b":GXTR#"),
        )

    async def _meade(self, kind: str, product: str, has_seconds: bool) -> Mount:
        """Clones of the LX200 may know little more than where they point: what is not answered is not there."""
        given = self.settings
        how = await self._answer(b":GW#") if kind == "meade" else b""
        ask_tracking = b":GW#" if how else b""
        if not how and (how := await self._answer(ASK_ALIGNMENT)):
            ask_tracking = ASK_ALIGNMENT
        if (await self._answer(b":GT#")).startswith((b"57", b"58")):
            self._rate = DriveRate.Lunar
        return Mount(
            kind=kind,
            product=product,
            alignment=ALIGNMENTS.get(given.alignment, MEADE_ALIGNMENTS.get(how[:1], MODES.AltAz)),
            system=SYSTEMS.get(given.equatorial_system, EquatorialCoordinateType.Topocentric),
            decimals=(0, 0) if has_seconds else (None, None),
            rates=(DriveRate.Sidereal, DriveRate.Lunar) + ((DriveRate.Solar,) if product.startswith(("LX2", "RCX")) else ()),
            speeds=(given.guide_speed, given.centre_speed, given.find_speed, given.slew_speed),
            longest_pulse=9_999 if kind == "meade" else 60_000,
            ask_tracking=ask_tracking,
        )

    def AlignmentMode(self) -> values.AlignmentMode:
        return self._mount.alignment

    async def Altitude(self) -> float:
        return await self._read(b":GA#", formats.latitude)

    def ApertureArea(self) -> float:
        return _known(self.settings.aperture_area, "aperture_area")

    def ApertureDiameter(self) -> float:
        return _known(self.settings.aperture_diameter, "aperture_diameter")

    async def AtHome(self) -> bool:
        return self._mount.is_onstep and "H" in await self._status()

    async def AtPark(self) -> bool:
        """A mount that was on its way a moment ago, not to park, is not asked: AbortSlew must not wait for the answer."""
        if any(self._moving) or self.clock.seconds() < self._slewing_at + STILL_SLEWING:
            return False
        if self._mount.is_onstep:
            return "P" in await self._status()
        return self._is_parked and not await self.Slewing()

    async def Azimuth(self) -> float:
        return await self._read(b":GZ#", formats.azimuth)

    def CanFindHome(self) -> bool:
        return self._mount.is_onstep

    def CanPark(self) -> bool:
        return self._mount.is_onstep or (self.settings.park and self._mount.kind == "meade")

    def CanPulseGuide(self) -> bool:
        return True

    def CanSetDeclinationRate(self) -> bool:
        return self._mount.has_offsets

    def CanSetGuideRates(self) -> bool:
        return self._mount.is_onstep

    def CanSetPark(self) -> bool:
        return self._mount.is_onstep

    def CanSetPierSide(self) -> bool:
        return self._mount.is_x and self._mount.is_german

    def CanSetRightAscensionRate(self) -> bool:
        return self._mount.has_offsets

    def CanSetTracking(self) -> bool:
        return True

    def CanSlew(self) -> bool:
        return True

    def CanSlewAltAz(self) -> bool:
        return self._mount.is_onstep

    def CanSlewAltAzAsync(self) -> bool:
        return self._mount.is_onstep

    def CanSlewAsync(self) -> bool:
        return True

    def CanSync(self) -> bool:
        return True

    def CanUnpark(self) -> bool:
        return self._mount.is_onstep

    async def Declination(self) -> float:
        return await self._read(b":GDH#" if self._mount.is_onstep else b":GD#", formats.latitude)

    async def DeclinationRate(self) -> float:
        return await self._read(b":GXTD#", float) / SIDEREAL_SECOND

    async def SetDeclinationRate(self, DeclinationRate: float) -> None:
        await self._agreed(f":SXTD,{DeclinationRate * SIDEREAL_SECOND:.8f}#")

    def DoesRefraction(self) -> bool:
        self._onstep_only("says whether it corrects for refraction")
        return self._mount.does_refraction

    def EquatorialSystem(self) -> EquatorialCoordinateType:
        return self._mount.system

    def FocalLength(self) -> float:
        return _known(self.settings.focal_length, "focal_length")

    async def GuideRateDeclination(self) -> float:
        return await self._guide_rate()

    async def SetGuideRateDeclination(self, GuideRateDeclination: float) -> None:
        await self._set_guide_rate(GuideRateDeclination)

    async def GuideRateRightAscension(self) -> float:
        return await self._guide_rate()

    async def SetGuideRateRightAscension(self, GuideRateRightAscension: float) -> None:
        await self._set_guide_rate(GuideRateRightAscension)

    async def IsPulseGuiding(self) -> bool:
        if self.clock.seconds() < max(self._guiding_until):
            return True
        return self._mount.is_onstep and not any(self._moving) and "G" in await self._status()

    async def RightAscension(self) -> float:
        return await self._read(b":GRH#" if self._mount.is_onstep else b":GR#", formats.hours)

    async def RightAscensionRate(self) -> float:
        return await self._read(b":GXTR#", float) / 15

    async def SetRightAscensionRate(self, RightAscensionRate: float) -> None:
        await self._agreed(f":SXTR,{RightAscensionRate * 15:.8f}#")

    async def SideOfPier(self) -> PierSide:
        self._onstep_only("says on which side of the pier it is")
        self._german_only()
        status = await self._status()
        return next((side for letter, side in PIER_SIDES.items() if letter in status), PierSide.Unknown)

    async def SetSideOfPier(self, SideOfPier: PierSide) -> None:
        if await self.SideOfPier() is not SideOfPier:
            await self._go(":MNe#" if SideOfPier is PierSide.East else ":MNw#")

    async def SiderealTime(self) -> float:
        return await self._read(b":GS#", formats.hours)

    async def SiteElevation(self) -> float:
        return self._as_set("elevation", await self._read(b":Gv#", float), 0.06) if self._mount.is_x else self._elevation

    async def SetSiteElevation(self, SiteElevation: float) -> None:
        if self._mount.is_x:
            await self._agreed(f":Sv{SiteElevation:+.1f}#")
        self._site["elevation"] = self._elevation = SiteElevation

    async def SiteLatitude(self) -> float:
        found = await self._read(b":GtH#" if self._mount.is_onstep else b":Gt#", formats.latitude)
        return self._as_set("latitude", found, self._step_of_site)

    async def SetSiteLatitude(self, SiteLatitude: float) -> None:
        await self._agreed(f":St{formats.in_degrees(SiteLatitude, self._decimals_of_site)}#")
        self._site["latitude"] = SiteLatitude

    async def SiteLongitude(self) -> float:
        found = await self._read(b":GgH#" if self._mount.is_onstep else b":Gg#", formats.longitude)
        return self._as_set("longitude", found, self._step_of_site)

    async def SetSiteLongitude(self, SiteLongitude: float) -> None:
        sign = "+" if self._mount.is_onstep else ""  # a Meade knows no sign there
        await self._agreed(f":Sg{formats.in_degrees(-SiteLongitude, self._decimals_of_site, 3, sign)}#")
        self._site["longitude"] = SiteLongitude

    async def Slewing(self) -> bool:
        if any(self._moving) or self._arrival is not None or self.clock.seconds() < self._busy_until:
            return True
        return await self._slews()

    async def Tracking(self) -> bool:
        if self._mount.is_onstep:
            return "n" not in await self._status()
        if self._mount.ask_tracking == ASK_ALIGNMENT:
            return await self._line.ask(ASK_ALIGNMENT, reply=FixedFraming(1), accept=bytes.isalpha) != b"L"
        if self._mount.ask_tracking:
            return (await self._ask(self._mount.ask_tracking))[1:2] == b"T"
        return self._tracks

    async def SetTracking(self, Tracking: bool) -> None:
        if self._mount.is_onstep:
            await self._agreed(":Te#" if Tracking else ":Td#")
        elif not Tracking:
            await self._line.tell(b":AL#")
        else:
            await self._line.tell(b":AA#" if self._mount.alignment is MODES.AltAz else b":AP#")
        self._tracks = Tracking

    async def TrackingRate(self) -> DriveRate:
        if self._mount.is_x:
            status = await self._status()
            return next((rate for letter, rate in RATE_LETTERS.items() if letter in status), DriveRate.Sidereal)
        if self._mount.is_onstep and (hertz := await self._read(b":GT#", float)):  # 0 while it does not track
            self._rate = min(RATE_HERTZ, key=lambda rate: abs(RATE_HERTZ[rate] - hertz))
        return self._rate

    async def SetTrackingRate(self, TrackingRate: DriveRate) -> None:
        await self._line.tell(RATE_WORDS[TrackingRate])
        self._rate = TrackingRate

    def TrackingRates(self) -> list[DriveRate]:
        return list(self._mount.rates)

    async def UTCDate(self) -> datetime:
        day, hours = await self._read(b":GC#", formats.day), await self._read(b":GL#", formats.hours)
        if hours < 1 / 60:  # midnight may have come between the two
            day = await self._read(b":GC#", formats.day)
        ahead = await self._read(b":GG#", formats.offset)
        return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(seconds=round(hours * 3600, 3)) + ahead

    async def SetUTCDate(self, UTCDate: datetime) -> None:
        local = UTCDate - await self._read(b":GG#", formats.offset) + timedelta(milliseconds=500)  # to the nearest second
        if not 2000 <= local.year <= 2091:
            raise InvalidValue(f"the calendar of this mount goes from 2000 to 2091, not to {local.year}")
        await self._agreed(f":SL{local:%H:%M:%S}#")
        await self._agreed(f":SC{local:%m/%d/%y}#", None if self._mount.is_onstep else NEW_DATE_WITHIN)

    async def AbortSlew(self) -> None:
        was_moving, self._moving = any(self._moving), [0.0, 0.0]
        self._aborts += 1
        if self._order is not None:
            self._order.cancel()
        self._busy_until = 0.0
        self._end_pulses()
        await self._line.tell(b":Q#", urgent=True)
        if was_moving:
            await self._stopped_moving()

    def AxisRates(self, Axis: TelescopeAxis) -> list[AxisRate]:
        if self._mount.is_onstep:
            return [AxisRate(Maximum=speed, Minimum=0.0) for speed in self._mount.speeds]
        return [AxisRate(Maximum=speed, Minimum=speed) for speed in sorted(set(self._mount.speeds))]

    def CanMoveAxis(self, Axis: TelescopeAxis) -> bool:
        return Axis in MOVES

    async def DestinationSideOfPier(self, RightAscension: float, Declination: float) -> PierSide:
        self._german_only()
        if not self._mount.is_x:
            hours = hour_angle(await self.SiderealTime(), RightAscension)
            return PierSide.West if hours < 0 else PierSide.East
        await self._targeting.acquire()
        try:
            for word in self._target_words(RightAscension, Declination):
                await self._agreed(word)
            answer = await self._line.ask(b":MD#", reply=FixedFraming(1), accept=b"012".__contains__)
        finally:
            self._targeting.release()
        return {b"0": PierSide.East, b"1": PierSide.West}.get(answer, PierSide.Unknown)

    async def FindHome(self) -> None:
        await self._line.tell(b":hC#")
        status = await self._status()
        if not _is_slewing(status) and "H" not in status:
            raise await self._refusal(":hC#")

    async def MoveAxis(self, Axis: TelescopeAxis, Rate: float) -> None:
        """The first axis turns west when the rate is positive, the second one north."""
        if self._moving[Axis] or not Rate:
            for direction in MOVES[Axis]:
                await self._line.tell(f":Q{direction}#".encode(), urgent=True)
        was_moving, self._moving[Axis] = self._moving[Axis], Rate
        if Rate:
            await self._line.tell(self._speed_word(Axis, abs(Rate)))
            await self._line.tell(f":M{MOVES[Axis][Rate < 0]}#".encode())
        elif was_moving and not any(self._moving):
            await self._stopped_moving()

    async def Park(self) -> None:
        self._slewing_at = float("-inf")
        if self._mount.is_onstep:
            await self._once(":hP#", lambda status: "P" in status or "I" in status)
        else:
            await self._line.tell(b":hP#")
            self._busy_until, self._is_parked = self.clock.seconds() + SEEN_AFTER, True

    async def PulseGuide(self, Direction: GuideDirection, Duration: int) -> None:
        """A pulse on the axis of one that has not ended takes its place."""
        if Duration > self._mount.longest_pulse:
            raise InvalidValue(f"the longest pulse of this mount has {self._mount.longest_pulse} ms, not {Duration}")
        if Duration == 0:
            return
        axis = 1 if Direction in (GuideDirection.North, GuideDirection.South) else 0
        letter = DIRECTIONS[Direction]
        if self._mount.kind == "classic":
            await self._line.tell(b":RG#")
            await self._line.tell(f":M{letter}#".encode())
            self._end_pulse_later(axis, Duration / 1000, f":Q{letter}#".encode())
        else:
            await self._line.tell(f":Mg{letter}{Duration:04d}#".encode())
        self._guiding_until[axis] = self.clock.seconds() + Duration / 1000

    async def SetPark(self) -> None:
        await self._agreed(":hQ#")

    async def SlewToAltAzAsync(self, Azimuth: float, Altitude: float) -> None:
        await self._go(":MA#", f":Sa{formats.in_degrees(Altitude, 0)}#", f":Sz{formats.in_degrees(Azimuth, 0, 3, '')}#")
        self._arrival = Deferred.fromCoroutine(self._stand_still())
        self._arrival.addErrback(self._not_stood_still).addBoth(lambda _: self._arrived())

    async def SlewToCoordinatesAsync(self, RightAscension: float, Declination: float) -> None:
        await self._go(":MS#", *self._target_words(RightAscension, Declination))

    async def SyncToCoordinates(self, RightAscension: float, Declination: float) -> None:
        await self._targeting.acquire()
        try:
            for word in self._target_words(RightAscension, Declination):
                await self._agreed(word)
            answer = await self._line.ask(b":CM#")
        finally:
            self._targeting.release()
        if self._mount.is_onstep and answer[:1] == b"E":
            raise InvalidOperation(f"the mount refused the sync: {SLEW_REFUSALS.get(answer[1:2], 'it does not say why')}")

    async def Unpark(self) -> None:
        await self._once(":hR#", lambda status: "p" in status)

    # what this mount has

    def _onstep_only(self, what: str) -> None:
        if not self._mount.is_onstep:
            raise MemberNotImplemented(f"only OnStep {what}")

    def _german_only(self) -> None:
        if not self._mount.is_german:
            raise MemberNotImplemented("only a German mount has a side of pier")

    @property
    def _decimals_of_site(self) -> int | None:
        return 3 if self._mount.is_onstep else None

    @property
    def _step_of_site(self) -> float:
        """How far what the mount keeps can be from what it was told, in degrees."""
        return 0.001 / 3600 if self._mount.is_onstep else 1 / 60

    def _as_set(self, name: str, found: float, step: float) -> float:
        """What a client set, as long as the mount keeps that; it keeps fewer digits."""
        set_to = self._site.get(name, found)
        return set_to if abs((set_to - found + 180) % 360 - 180) <= step else found

    async def _guide_rate(self) -> float:
        if self._mount.kind == "classic":
            return self.settings.guide_speed
        return SIDEREAL * (await self._read(b":GX90#", float) if self._mount.is_onstep else self.settings.guide_rate)

    async def _set_guide_rate(self, rate: float) -> None:
        number, times = min(GUIDE_RATES.items(), key=lambda each: abs(each[1] * SIDEREAL - rate))
        if abs(times * SIDEREAL - rate) > 0.05 * rate:
            have = ", ".join(f"{each * SIDEREAL:.6f}" for each in GUIDE_RATES.values())
            raise InvalidValue(f"the guide rates of this mount are {have} degrees per second on both axes, not {rate}")
        await self._line.tell(b":R%d#" % number)

    async def _stopped_moving(self) -> None:
        """OnStep may pulse at the rate that it moved with last: that is set back."""
        if not self._mount.is_x:
            self._busy_until = self.clock.seconds() + BRAKES_FOR
        if self._mount.is_onstep and (number := (await self._status())[-3:-2]).isdigit():
            await self._line.tell(f":R{number}#".encode())

    def _speed_word(self, axis: TelescopeAxis, speed: float) -> bytes:
        if self._mount.is_onstep:
            return f":R{'A' if axis is TelescopeAxis.Primary else 'E'}{speed:.6f}#".encode()
        speeds = self._mount.speeds
        return (b":RG#", b":RC#", b":RM#", b":RS#")[min(range(4), key=lambda number: abs(speeds[number] - speed))]

    def _target_words(self, right_ascension: float, declination: float) -> tuple[str, str]:
        in_hours, in_degrees = self._mount.decimals
        return f":Sr{formats.in_hours(right_ascension, in_hours)}#", f":Sd{formats.in_degrees(declination, in_degrees)}#"

    # slews and pulses

    async def _slews(self) -> bool:
        """Whether the mount says that it slews, parks or goes home."""
        if self._mount.is_onstep:
            return _is_slewing(await self._status())
        return bool((await self._ask(b":D#")).strip())

    async def _go(self, word: str, *targets: str) -> None:
        """Begin a slew; two at a time would mix up their targets."""
        aborts, called = self._aborts, self.clock.seconds()
        await self._targeting.acquire()
        try:
            if self._mount.is_onstep and await self._slews():
                raise InvalidOperation("a slew is under way: abort it before the next one")
            for target in targets:
                await self._agreed(target)
            if self._aborts != aborts:
                raise OperationCancelled("the slew was aborted before it began")
            if self.clock.seconds() - called > BEGIN_WITHIN:
                raise DriverError(f"the mount took more than {BEGIN_WITHIN:g} s to take the target: it was not sent there")
            if self._mount.is_onstep:
                answer = await self._once(word, _is_slewing)
            else:
                answer = await self._answered(word, SlewFraming())
        finally:
            self._targeting.release()
        if answer != b"0":
            why = SLEW_REFUSALS.get(answer, "it does not say why") if self._mount.is_onstep else _text(answer[1:])
            raise InvalidOperation(f"the mount refused the slew: {why}")
        self._busy_until = self.clock.seconds() + SEEN_AFTER

    async def _stand_still(self) -> None:
        """A slew above the ground ends without tracking; OnStep turns it on if it was at home."""
        while await self._slews():
            await deferLater(self.clock, LOOK_EVERY)
        if await self.Tracking():
            await self._agreed(":Td#")

    def _arrived(self) -> None:
        self._arrival = None

    def _not_stood_still(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            self.log.warn("{name} may track after a slew above the ground: {why}", name=self.name, why=failure.getErrorMessage())

    def _end_pulse_later(self, axis: int, seconds: float, word: bytes) -> None:
        def end() -> None:
            self._endings[axis] = None
            self._line.tell(word, urgent=True).addErrback(self._pulse_not_ended)

        self._forget_ending(axis)
        self._endings[axis] = self.clock.callLater(seconds, end)

    def _pulse_not_ended(self, failure: Failure) -> None:
        self.log.error("{name} may not have ended a pulse: {why}", name=self.name, why=failure.getErrorMessage())

    def _forget_ending(self, axis: int) -> None:
        ending, self._endings[axis] = self._endings[axis], None
        if ending is not None:
            ending.cancel()

    def _end_pulses(self) -> None:
        for axis in range(2):
            self._forget_ending(axis)
        self._guiding_until = [0.0, 0.0]

    # questions and orders

    async def _status(self) -> str:
        """The letters of OnStep's :GU#."""
        status = await self._read(b":GU#", _text, _as_status)
        if "N" not in status and "p" in status:
            self._slewing_at = self.clock.seconds()
        return status

    async def _answer(self, question: bytes) -> bytes:
        """The answer to a question that not all mounts know; b"" if there is none, and a digit if OnStep does not know it."""
        return await self._line.ask(question + b":GR#", reply=BeforePosition())

    async def _read(self, question: bytes, read: Callable[[bytes], T], check: Callable[[bytes], object] | None = None) -> T:
        """
        Ask, and read the answer; what cannot be read is noise.

        :param check: raises ValueError if it is no answer, when `read` would not.
        """
        return read(await self._ask(question, partial(_is_readable, check or read)))

    async def _ask(self, question: bytes, accept: Callable[[bytes], bool] | None = None) -> bytes:
        """
        Ask once for all who want to know the same now: a state is asked for by several members at a time.

        What was asked before an order is not the answer to what is asked after it.
        """
        same = question, self.shared_answers.changes()
        if same in self._asked:
            mine: Deferred[bytes] = Deferred()
            self._asked[same].append(mine)
            return await mine
        self._asked[same] = []
        try:
            answer = await self._line.ask(question, accept=accept)
        except BaseException as failure:
            for waiting in self._asked.pop(same):
                waiting.errback(failure)
            raise
        for waiting in self._asked.pop(same):
            waiting.callback(answer)
        return answer

    async def _agreed(self, order: str, within: float | None = None) -> None:
        """Give an order that is answered 1, or 0 if it is refused; it may be given twice."""
        if await self._line.ask(order.encode(), reply=FixedFraming(1), within=within, accept=b"01".__contains__) != b"1":
            raise await self._refusal(order)

    async def _once(self, order: str, took: Callable[[str], bool]) -> bytes:
        """
        Give OnStep an order that must not be given twice; when its answer is lost, the status tells whether it was heard.

        :param took: whether a status is that of a mount that follows the order.
        """
        slews = order.startswith(":M")
        until = self.clock.seconds() + BEGIN_WITHIN - ORDER_WITHIN
        while True:
            try:
                answer = await self._answered(order, FixedFraming(1), min(ORDER_WITHIN, self.settings.reply_within), retries=0)
            except DriverError:
                if took(await self._status()):
                    return b"0" if slews else b"1"
                if self.clock.seconds() >= until:
                    raise
            else:
                if not slews and answer != b"1":
                    raise await self._refusal(order)
                return answer

    async def _answered(self, order: str, reply: Framing, within: float | None = None, retries: int | None = None) -> bytes:
        """Give an order whose answer begins with a digit; until it is taken, it can be aborted."""
        self._order = self._line.ask(order.encode(), reply=reply, within=within, retries=retries, accept=_begins_with_digit)
        try:
            return await self._order
        except CancelledError:
            raise OperationCancelled(f"{order} was aborted before it was taken") from None
        finally:
            self._order = None

    async def _refusal(self, order: str) -> DriverError:
        """What to raise for an order that was refused, with the reason if it is OnStep, which says so."""
        why = "it does not say why"
        if self._mount.is_onstep:
            number = await self._read(b":GE#", _text)
            why = ONSTEP_ERRORS.get(number, f"its error {number}")
        return DriverError(f"the mount refused {order}: {why}")


def _text(reply: bytes) -> str:
    return reply.decode("latin-1").strip()


def _major(reply: bytes) -> int:
    """The first number of a version, as 10.24c."""
    return int(_text(reply).partition(".")[0])


def _as_status(reply: bytes) -> None:
    if re.fullmatch(rb"n?N?[pIPF].*", reply) is None:
        raise ValueError(f"{reply!r} is no status")


def _begins_with_digit(reply: bytes) -> bool:
    return reply[:1].isdigit()


def _is_slewing(status: str) -> bool:
    """A goto, on the way home or to park, or a move that is not over yet; no pulse."""
    return "N" not in status or "h" in status or "I" in status or ("g" in status and "G" not in status)


def _is_readable(read: Callable[[bytes], object], reply: bytes) -> bool:
    try:
        read(reply)
    except ValueError:
        return False
    return True


def _known(value: float | None, setting: str) -> float:
    if value is None:
        raise MemberNotImplemented(f"no mount knows this: say it in the setting {setting}")
    return value
