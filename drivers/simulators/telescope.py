"""A simulated telescope mount: German, fork or alt-azimuth."""

# Facts
#   Every answer is worked out for one instant, from where the mount pointed when what moves it last changed. A mount that tracks
#   keeps its right ascension, one that does not keeps its hour angle.
#   The pointing state is West, through the pole, after a slew to a negative hour angle, and East after any other; tracking
#   across the meridian and a sync leave it as it is. It does not change six hours from the meridian: it is no side of a pier.
#   MoveAxis turns an axis of the mount. The first one turns west when the rate is positive; the second one north, but south in
#   the pointing state through the pole, and over the pole it goes from one state into the other. Of an alt-azimuth mount these
#   are azimuth and altitude, and neither axis tracks while one of them is turned so.
#   Guide pulses and rate offsets are in right ascension and declination whatever the pointing state, and end at the poles.

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from pydantic import Field

from drivers.simulators import sky
from pylpaca import values
from pylpaca.device import NoSettings, Telescope
from pylpaca.errors import InvalidValue, MemberNotImplemented
from pylpaca.values import AxisRate, DriveRate, GuideDirection, PierSide, TelescopeAxis

SIDEREAL = 15.041067  # arcseconds per second, as the three that follow
RATES = {DriveRate.Sidereal: SIDEREAL, DriveRate.Lunar: 14.685, DriveRate.Solar: 15.0, DriveRate.King: 15.0369}
HALF_SIDEREAL = SIDEREAL / 2 / 3600  # degrees per second


class Instant(NamedTuple):
    """One moment on both clocks."""

    seconds: float  # of the clock that durations come from
    utc: datetime

    def at(self, seconds: float) -> Instant:
        """The moment when the clock showed this."""
        return Instant(seconds, self.utc + timedelta(seconds=seconds - self.seconds))


class Pointing(NamedTuple):
    """Where the mount pointed at one moment, in hours and degrees."""

    seconds: float
    right_ascension: float
    hour_angle: float
    declination: float
    through_pole: bool  # the second axis is on the far side of the pole


@dataclass(frozen=True)
class Slew:
    """A slew under way; its places are right ascension in degrees and declination, or azimuth and altitude."""

    began: float
    arrives: float
    above_ground: bool  # its end is an azimuth and an altitude, and it does not track there
    start: tuple[float, float]
    end: tuple[float, float]
    star: float  # the right ascension in hours, as the client said it
    through_pole: bool | None  # the state it ends in, if that does not follow from the hour angle


@dataclass(frozen=True)
class Pulse:
    """A guide pulse: it moves at this rate until then."""

    rate: float  # degrees per second
    until: float


class TelescopeSimulator(Telescope):
    """A mount that slews, tracks, guides, parks and goes home, under a true sky."""

    class Settings(NoSettings):
        alignment: Literal["german", "fork", "altaz"] = Field(
            default="german", description="how the mount stands: german, fork or altaz; only german has a side of pier"
        )
        latitude: float = Field(default=51.5, ge=-90, le=90, description="of the site, in degrees, north positive")
        longitude: float = Field(default=0.0, ge=-180, le=180, description="of the site, in degrees, east positive")
        elevation: float = Field(default=50.0, ge=-300, le=10_000, description="of the site, in metres above the sea")
        aperture_diameter: float = Field(default=0.2, ge=0, description="of the telescope, in metres")
        aperture_area: float = Field(default=0.0269, ge=0, description="what collects light, in square metres")
        focal_length: float = Field(default=1.26, ge=0, description="of the telescope, in metres")
        slew_rate: float = Field(default=10.0, gt=0, description="degrees per second")
        min_slew_time: float = Field(default=3.0, ge=0.1, le=60, description="what the shortest slew takes, in seconds")
        max_slew_time: float = Field(default=20.0, ge=0.1, le=60, description="what the longest slew takes, in seconds")
        flip_time: float = Field(default=5.0, ge=0.1, le=60, description="what a change of the side of pier takes, in seconds")
        settle_time: int = Field(default=0, ge=0, le=25, description="how long Slewing stays true after a slew, in seconds")
        home_azimuth: float = Field(default=0.0, ge=0, lt=360, description="of the home position, in degrees")
        home_altitude: float = Field(default=51.5, ge=0, le=90, description="of the home position, in degrees")
        park_azimuth: float = Field(default=180.0, ge=0, lt=360, description="of the park position, in degrees")
        park_altitude: float = Field(default=30.0, ge=0, le=90, description="of the park position, in degrees")
        guide_rate: float = Field(default=HALF_SIDEREAL, gt=0, le=1, description="of both guide rates, in degrees per second")
        max_axis_rate: float = Field(default=5.0, gt=0, le=20, description="how fast MoveAxis goes, in degrees per second")

    settings: Settings

    def connect(self) -> None:
        given = self.settings
        self._latitude, self._longitude, self._elevation = given.latitude, given.longitude, given.elevation
        self._settle_time, self._park = given.settle_time, (given.park_azimuth, given.park_altitude)
        self._guide_rates = [given.guide_rate, given.guide_rate]
        self._drive_rate, self._refraction, self._calendar = DriveRate.Sidereal, False, timedelta()
        self._offsets = [0.0, 0.0]  # RightAscensionRate and DeclinationRate; all such pairs: first axis, second axis
        self._axis_rates = [0.0, 0.0]
        self._pulses = [Pulse(0.0, 0.0), Pulse(0.0, 0.0)]
        self._tracking = self._tracked_before = False  # before the slew that is under way
        self._slew: Slew | None = None
        self._settled = 0.0  # when Slewing ends
        self._goal = ""  # what the last slew was for: "home", "park" or nothing
        now = self._now()
        self._anchor = self._above_ground(now, (given.home_azimuth, given.home_altitude), through_pole=None)

    def AlignmentMode(self) -> values.AlignmentMode:
        modes = values.AlignmentMode
        return {"german": modes.GermanPolar, "fork": modes.Polar, "altaz": modes.AltAz}[self.settings.alignment]

    def Altitude(self) -> float:
        return self._horizontal(self._look(self._now()))[1]

    def ApertureArea(self) -> float:
        return self.settings.aperture_area

    def ApertureDiameter(self) -> float:
        return self.settings.aperture_diameter

    def AtHome(self) -> bool:
        return self._goal == "home" and not self.Slewing()

    def AtPark(self) -> bool:
        return self._goal == "park" and not self.Slewing()

    def Azimuth(self) -> float:
        return self._horizontal(self._look(self._now()))[0]

    def CanFindHome(self) -> bool:
        return True

    def CanPark(self) -> bool:
        return True

    def CanPulseGuide(self) -> bool:
        return True

    def CanSetDeclinationRate(self) -> bool:
        return True

    def CanSetGuideRates(self) -> bool:
        return True

    def CanSetPark(self) -> bool:
        return True

    def CanSetPierSide(self) -> bool:
        return self.settings.alignment == "german"

    def CanSetRightAscensionRate(self) -> bool:
        return True

    def CanSetTracking(self) -> bool:
        return True

    def CanSlew(self) -> bool:
        return True

    def CanSlewAltAz(self) -> bool:
        return True

    def CanSlewAltAzAsync(self) -> bool:
        return True

    def CanSlewAsync(self) -> bool:
        return True

    def CanSync(self) -> bool:
        return True

    def CanSyncAltAz(self) -> bool:
        return True

    def CanUnpark(self) -> bool:
        return True

    def Declination(self) -> float:
        return self._look(self._now()).declination

    def DeclinationRate(self) -> float:
        return self._offsets[1]

    def SetDeclinationRate(self, DeclinationRate: float) -> None:
        self._hold()
        self._offsets[1] = DeclinationRate

    def DoesRefraction(self) -> bool:
        return self._refraction

    def SetDoesRefraction(self, DoesRefraction: bool) -> None:
        self._refraction = DoesRefraction  # it is only remembered

    def FocalLength(self) -> float:
        return self.settings.focal_length

    def GuideRateDeclination(self) -> float:
        return self._guide_rates[1]

    def SetGuideRateDeclination(self, GuideRateDeclination: float) -> None:
        self._guide_rates[1] = GuideRateDeclination

    def GuideRateRightAscension(self) -> float:
        return self._guide_rates[0]

    def SetGuideRateRightAscension(self, GuideRateRightAscension: float) -> None:
        self._guide_rates[0] = GuideRateRightAscension

    def IsPulseGuiding(self) -> bool:
        now = self._now()
        return any(now.seconds < pulse.until for pulse in self._pulses)

    def RightAscension(self) -> float:
        return self._look(self._now()).right_ascension

    def RightAscensionRate(self) -> float:
        return self._offsets[0]

    def SetRightAscensionRate(self, RightAscensionRate: float) -> None:
        self._hold()
        self._offsets[0] = RightAscensionRate

    def SideOfPier(self) -> PierSide:
        self._german_only()
        return PierSide.West if self._look(self._now()).through_pole else PierSide.East

    def SetSideOfPier(self, SideOfPier: PierSide) -> None:
        now = self._now()
        here, through_pole = self._look(now), SideOfPier is PierSide.West
        if here.through_pole is through_pole:
            return
        if self._tracking:
            self._slew_to_star(now, here.right_ascension, here.declination, through_pole)
        else:
            self._slew_above_ground(now, self._horizontal(here), through_pole=through_pole)

    def SiderealTime(self) -> float:
        return self._sidereal(self._now())

    def SiteElevation(self) -> float:
        return self._elevation

    def SetSiteElevation(self, SiteElevation: float) -> None:
        self._elevation = SiteElevation

    def SiteLatitude(self) -> float:
        return self._latitude

    def SetSiteLatitude(self, SiteLatitude: float) -> None:
        self._hold()
        self._latitude = SiteLatitude

    def SiteLongitude(self) -> float:
        return self._longitude

    def SetSiteLongitude(self, SiteLongitude: float) -> None:
        self._hold()
        self._longitude = SiteLongitude

    def Slewing(self) -> bool:
        return self._on_the_way(self._now()) or any(self._axis_rates)

    def SlewSettleTime(self) -> int:
        return self._settle_time

    def SetSlewSettleTime(self, SlewSettleTime: int) -> None:
        self._settle_time = SlewSettleTime

    def Tracking(self) -> bool:
        self._look(self._now())  # a slew that has ended may have ended it
        return self._tracking

    def SetTracking(self, Tracking: bool) -> None:
        now = self._hold()
        if not Tracking:
            self._end_pulses()
        elif not self._on_the_way(now):
            self._goal = ""
        self._tracking = Tracking

    def TrackingRate(self) -> DriveRate:
        return self._drive_rate

    def SetTrackingRate(self, TrackingRate: DriveRate) -> None:
        self._hold()
        self._drive_rate = TrackingRate
        if TrackingRate is not DriveRate.Sidereal:
            self._offsets = [0.0, 0.0]

    def TrackingRates(self) -> list[DriveRate]:
        return list(RATES)

    def UTCDate(self) -> datetime:
        return self.utc() + self._calendar

    def SetUTCDate(self, UTCDate: datetime) -> None:
        """Only what UTCDate reads: sidereal time stays true."""
        if not 1900 <= UTCDate.year <= 2100:
            raise InvalidValue(f"the calendar of this mount goes from 1900 to 2100, not to {UTCDate.year}")
        self._calendar = UTCDate - self.utc()

    def AbortSlew(self) -> None:
        now = self._hold()
        if self._on_the_way(now):
            self._tracking, self._goal = self._tracked_before, ""
        self._stop(now)

    def AxisRates(self, Axis: TelescopeAxis) -> list[AxisRate]:
        return [AxisRate(Maximum=self.settings.max_axis_rate, Minimum=0.0)] if self.CanMoveAxis(Axis) else []

    def CanMoveAxis(self, Axis: TelescopeAxis) -> bool:
        return Axis is not TelescopeAxis.Tertiary

    def DestinationSideOfPier(self, RightAscension: float, Declination: float) -> PierSide:
        self._german_only()
        hours = sky.hour_angle(self._sidereal(self._now()), RightAscension)
        return PierSide.West if self._state_at(hours) else PierSide.East

    def FindHome(self) -> None:
        self._slew_above_ground(self._now(), (self.settings.home_azimuth, self.settings.home_altitude), "home")

    def MoveAxis(self, Axis: TelescopeAxis, Rate: float) -> None:
        """It ends a slew where that has come to, and what was parked or at home is so no more."""
        now = self._hold()
        if self._on_the_way(now):
            self.AbortSlew()
        if Rate:
            self._goal = ""
            self._end_pulses()
        self._axis_rates[Axis] = Rate

    def Park(self) -> None:
        self._slew_above_ground(self._now(), self._park, "park")
        self._offsets = [0.0, 0.0]

    def PulseGuide(self, Direction: GuideDirection, Duration: int) -> None:
        """A pulse on the axis of one that has not ended takes its place."""
        now = self._hold()
        axis = 1 if Direction in (GuideDirection.North, GuideDirection.South) else 0
        sign = 1 if Direction in (GuideDirection.North, GuideDirection.East) else -1
        self._pulses[axis] = Pulse(sign * self._guide_rates[axis], now.seconds + Duration / 1000)

    def SetPark(self) -> None:
        self._park = self._horizontal(self._look(self._now()))

    def SlewToAltAzAsync(self, Azimuth: float, Altitude: float) -> None:
        self._slew_above_ground(self._now(), (Azimuth, Altitude))

    def SlewToCoordinatesAsync(self, RightAscension: float, Declination: float) -> None:
        self._slew_to_star(self._now(), RightAscension, Declination)

    def SyncToAltAz(self, Azimuth: float, Altitude: float) -> None:
        now = self._hold()
        self._stop(now)
        self._goal = ""
        self._anchor = self._above_ground(now, (Azimuth, Altitude), self._anchor.through_pole)

    def SyncToCoordinates(self, RightAscension: float, Declination: float) -> None:
        now = self._hold()
        self._stop(now)
        self._goal = ""
        self._anchor = self._at_star(now, RightAscension, Declination, self._anchor.through_pole)

    def Unpark(self) -> None:
        self._goal = ""

    def _german_only(self) -> None:
        if self.settings.alignment != "german":
            raise MemberNotImplemented("only a German mount has a side of pier")

    # time and places

    def _now(self) -> Instant:
        return Instant(self.clock.seconds(), self.utc())

    def _sidereal(self, when: Instant) -> float:
        return sky.sidereal_time(when.utc, self._longitude)

    def _horizontal(self, there: Pointing) -> tuple[float, float]:
        return sky.horizontal(there.hour_angle, there.declination, self._latitude)

    def _state_at(self, hours: float) -> bool:
        """Whether a slew to this hour angle ends through the pole."""
        return self.settings.alignment == "german" and hours < 0

    def _at_star(self, when: Instant, right_ascension: float, declination: float, through_pole: bool | None) -> Pointing:
        hours = sky.hour_angle(self._sidereal(when), right_ascension)
        through_pole = self._state_at(hours) if through_pole is None else through_pole
        return Pointing(when.seconds, sky.wrapped(right_ascension, 24.0), hours, declination, through_pole)

    def _at_angle(self, when: Instant, hours: float, declination: float, through_pole: bool | None) -> Pointing:
        right_ascension = sky.wrapped(self._sidereal(when) - hours, 24.0)
        hours = sky.wrapped(hours, 24.0, -12.0)
        through_pole = self._state_at(hours) if through_pole is None else through_pole
        return Pointing(when.seconds, right_ascension, hours, declination, through_pole)

    def _above_ground(self, when: Instant, place: tuple[float, float], through_pole: bool | None) -> Pointing:
        return self._at_angle(when, *sky.equatorial(*place, self._latitude), through_pole)

    # where it points

    def _look(self, now: Instant) -> Pointing:
        """Where it points now; a slew that has ended by now is brought to its end."""
        slew = self._slew
        if slew is None:
            return self._followed(now)
        if now.seconds < slew.arrives:
            return self._slewn_so_far(slew, now)
        arrival = now.at(slew.arrives)
        if slew.above_ground:
            self._anchor = self._above_ground(arrival, slew.end, slew.through_pole)
            self._tracking = False
        else:
            self._anchor = self._at_star(arrival, slew.star, slew.end[1], slew.through_pole)
        self._slew = None
        return self._followed(now)

    def _slewn_so_far(self, slew: Slew, now: Instant) -> Pointing:
        part = (now.seconds - slew.began) / (slew.arrives - slew.began)
        way = sky.wrapped(slew.end[0] - slew.start[0], 360.0, -180.0)
        around, above = slew.start[0] + part * way, slew.start[1] + part * (slew.end[1] - slew.start[1])
        if slew.above_ground:
            return self._above_ground(now, (around, above), self._anchor.through_pole)
        return self._at_star(now, around / sky.DEGREES_PER_HOUR, above, self._anchor.through_pole)

    def _followed(self, now: Instant) -> Pointing:
        """Where tracking, offsets, guide pulses and MoveAxis have brought it since the anchor."""
        if self.settings.alignment == "altaz" and any(self._axis_rates):
            return self._turned_above_ground(now)
        anchor, passed = self._anchor, now.seconds - self._anchor.seconds
        declination, through_pole = anchor.declination, anchor.through_pole
        if self._axis_rates[1]:
            declination, through_pole = _turned_over(declination, through_pole, self._axis_rates[1] * passed)
        elif self._tracking:
            declination += self._offsets[1] * passed / 3600 + self._pulsed(1, now)
            declination = min(max(declination, -90.0), 90.0)
        over = 12.0 if through_pole is not anchor.through_pole else 0.0  # the other side of the pole
        if self._axis_rates[0] or not self._tracking:
            hours = anchor.hour_angle + self._axis_rates[0] * passed / sky.DEGREES_PER_HOUR + over
            return self._at_angle(now, hours, declination, through_pole)
        rate = self._offsets[0] / sky.SIDEREAL_SECOND + (SIDEREAL - RATES[self._drive_rate]) / sky.DEGREES_PER_HOUR
        moved = rate * passed / 3600 + self._pulsed(0, now) / sky.DEGREES_PER_HOUR + over
        return self._at_star(now, anchor.right_ascension + moved, declination, through_pole)

    def _turned_above_ground(self, now: Instant) -> Pointing:
        anchor, passed = self._anchor, now.seconds - self._anchor.seconds
        azimuth, altitude = self._horizontal(anchor)
        azimuth += self._axis_rates[0] * passed
        altitude, through_pole = _turned_over(altitude, anchor.through_pole, self._axis_rates[1] * passed)
        azimuth += 180.0 if through_pole is not anchor.through_pole else 0.0
        return self._above_ground(now, (azimuth, altitude), through_pole)

    def _pulsed(self, axis: int, now: Instant) -> float:
        """How far the pulse on an axis has brought it since the anchor, in degrees."""
        pulse = self._pulses[axis]
        return pulse.rate * max(min(now.seconds, pulse.until) - self._anchor.seconds, 0.0)

    # what moves it

    def _hold(self) -> Instant:
        """Now, from where it points at this moment, something changes that moves it."""
        now = self._now()
        self._anchor = self._look(now)
        return now

    def _on_the_way(self, now: Instant) -> bool:
        """Whether a slew has not ended or not settled."""
        self._look(now)
        return self._slew is not None or now.seconds < self._settled

    def _end_pulses(self) -> None:
        self._pulses = [Pulse(0.0, 0.0), Pulse(0.0, 0.0)]

    def _stop(self, now: Instant) -> None:
        """Neither a slew nor MoveAxis moves it any more; the anchor must have been set."""
        self._slew, self._settled = None, now.seconds
        self._axis_rates = [0.0, 0.0]

    def _slew_to_star(self, now: Instant, right_ascension: float, declination: float, through_pole: bool | None = None) -> None:
        here = self._look(now)
        start = (here.right_ascension * sky.DEGREES_PER_HOUR, here.declination)
        end = (right_ascension * sky.DEGREES_PER_HOUR, declination)
        self._begin(now, Slew(now.seconds, 0.0, False, start, end, right_ascension, through_pole))

    def _slew_above_ground(
        self, now: Instant, end: tuple[float, float], goal: str = "", through_pole: bool | None = None
    ) -> None:
        start = self._horizontal(self._look(now))
        self._begin(now, Slew(now.seconds, 0.0, True, start, end, 0.0, through_pole), goal)
        self._tracking = False

    def _begin(self, now: Instant, slew: Slew, goal: str = "") -> None:
        if not self._on_the_way(now):
            self._tracked_before = self._tracking
        self._anchor = self._look(now)
        self._end_pulses()
        self._axis_rates = [0.0, 0.0]
        given = self.settings
        seconds = sky.distance(*slew.start, *slew.end) / given.slew_rate
        seconds = max(min(seconds, given.max_slew_time), given.min_slew_time)
        if slew.through_pole is not None:
            seconds = given.flip_time
        self._slew = replace(slew, arrives=now.seconds + seconds)
        self._settled = self._slew.arrives + self._settle_time
        self._goal = goal


def _turned_over(angle: float, far_side: bool, way: float) -> tuple[float, bool]:
    """Where an axis comes to that turns over the poles: -90 to 90 degrees, and whether on the far side of a pole."""
    return sky.folded((180.0 - angle if far_side else angle) + way)
