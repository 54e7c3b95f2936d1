"""What every telescope passes."""

# Facts
#   Hour angles are sidereal time minus right ascension, negative in the east. The official checker slews to -9, -3, 3 and 9
#   hours, to that declination of -85, -75 … 85 that is highest there below an altitude of 65 degrees; for rate offsets, to the
#   middle between the pole and the one of these that is nearest to the horizon.
#   It allows 300 s a slew and 30 s a stop. A slew ends within 10" of its target, right ascension not made shorter by declination,
#   and is still under way after 1.5 s. Azimuth and altitude are judged loosely.
#   A rate offset is right within 5 % over 10 s, a pulse within 1". RightAscensionRate is per sidereal second. North is more
#   declination and east more right ascension in both pointing states and hemispheres, and beyond the pole.
#   Before HA 0 a slew of a German mount ends in the pointing state West, from there on in East.

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import Any, ClassVar

from pylpaca.errors import AlpacaError, InvalidOperation, MemberNotImplemented
from pylpaca.interfaces import ITelescope, operations
from pylpaca.testing.conformance.program import POLL, Conformance, Direct, apart, part
from pylpaca.values import AlignmentMode, AxisRate, DriveRate, GuideDirection, PierSide, TelescopeAxis

SLEW_WITHIN = 300.0
STOPS_WITHIN = 30.0
STILL_SLEWING = 1.5  # seconds after its begin
NEAR = 10.0  # arcseconds
ROUGHLY = 1.0  # degrees, of azimuth and altitude
SIDEREAL_SECOND = 0.99726956631945  # seconds
DAY = 24.0  # hours
ARCSECONDS_PER_HOUR = 15 * 3600
DECLINATIONS = range(-85, 86, 10)
HOUR_ANGLES = (-9.0, 9.0, -3.0, 3.0)
CAPABILITIES = [name for name, each in operations(ITelescope).items() if name.startswith("Can") and not each.parameters]
EQUATORIAL = ("CanSlew", "CanSlewAsync", "CanSync")
SLEWS = ("CanSlew", "CanSlewAsync", "CanSlewAltAz", "CanSlewAltAzAsync")


@dataclass(frozen=True)
class Star:
    """A place in the sky, in hours and degrees."""

    right_ascension: float
    declination: float

    def moved(self, hours: float, degrees: float) -> Star:
        """The place so far from here; never over a pole."""
        return Star(wrapped(self.right_ascension + hours), min(max(self.declination + degrees, -90.0), 90.0))

    def way_to(self, other: Star) -> tuple[float, float]:
        """Arcseconds in right ascension, the shorter way round, and in declination."""
        hours = (other.right_ascension - self.right_ascension + DAY / 2) % DAY - DAY / 2
        return hours * ARCSECONDS_PER_HOUR, (other.declination - self.declination) * 3600


def wrapped(hours: float) -> float:
    """Hours in 0 to below 24."""
    return 0.0 if hours % DAY == DAY else hours % DAY  # the remainder of a tiny negative number is rounded to the whole


def horizontal(hour_angle: float, declination: float, latitude: float) -> tuple[float, float]:
    """Azimuth and altitude in degrees."""
    angle, above, pole = math.radians(hour_angle * 15), math.radians(declination), math.radians(latitude)
    north = math.sin(above) * math.cos(pole) - math.cos(above) * math.sin(pole) * math.cos(angle)
    east = -math.cos(above) * math.sin(angle)
    up = math.sin(above) * math.sin(pole) + math.cos(above) * math.cos(pole) * math.cos(angle)
    return math.degrees(math.atan2(east, north)) % 360, math.degrees(math.atan2(up, math.hypot(north, east)))


def high(hour_angle: float, latitude: float) -> float | None:
    """The declination of the checker's that is highest at an hour angle, below 65 degrees; None if all are below the horizon."""
    altitudes = {each: horizontal(hour_angle, each, latitude)[1] for each in DECLINATIONS}
    above = [each for each in DECLINATIONS if 0 < altitudes[each] < 65]
    return float(max(above, key=lambda each: altitudes[each])) if above else None


def half_way(hour_angle: float, latitude: float) -> float | None:
    """The declination half way from the horizon to the pole; None if nothing is above the horizon."""
    above = [each for each in DECLINATIONS if horizontal(hour_angle, each, latitude)[1] > 0]
    if not above:
        return None
    return (min(above) + 90) / 2 if latitude >= 0 else (max(above) - 90) / 2


def sidereal_time(utc: datetime, longitude: float) -> float:
    """The mean sidereal time in hours."""
    days = (utc - datetime(2000, 1, 1, 12, tzinfo=UTC)).total_seconds() / 86400
    return wrapped(18.697374558 + 24.065709824419081 * days + longitude / 15)


class TelescopeConformance(Conformance):
    """
    A mount of any kind, whatever it can do.

    :cvar extended: also what takes long: rate offsets and guide pulses at four hour angles, seven minutes across the meridian,
        all slews; half an hour in all where time is real.
    """

    interface: ClassVar[Any] = ITelescope
    extended: ClassVar[bool] = True

    def utc(self) -> datetime:
        """The true time of day; simulated where the clock is."""
        server = getattr(self, "server", None)
        return datetime.now(UTC) if server is None else server.utc()

    # what it is

    @part
    async def test_capabilities(self) -> None:
        """What a mount says it can do fits together, and it has what that needs."""
        device = self.device
        can = {name: await getattr(device, name)() for name in CAPABILITIES}
        for capability, needed in (
            ("CanUnpark", "CanPark"),
            ("CanPark", "CanUnpark"),
            ("CanSetDeclinationRate", "CanSetRightAscensionRate"),
            ("CanSetRightAscensionRate", "CanSetDeclinationRate"),
            ("CanPulseGuide", "CanSlewAsync"),
        ):
            self.holds(can[needed] or not can[capability], f"{capability} is True, but {needed} is False")
        for capability, members in (
            ("CanPulseGuide", ("SiteLatitude", "SiteLongitude", "GuideRateRightAscension", "GuideRateDeclination")),
            ("CanSetGuideRates", ("GuideRateRightAscension", "GuideRateDeclination")),
            ("CanSetDeclinationRate", ("SiteLatitude", "SiteLongitude", "SiteElevation")),
            ("CanSetPierSide", ("SideOfPier",)),
        ):
            for member in members if can[capability] else ():
                value = await self.optional(getattr(device, member)())
                self.holds(value is not None, f"{capability} is True, but there is no {member}")
        if can["CanSetDeclinationRate"]:
            self.holds(can["CanSetTracking"] or await device.Tracking(), "the rates can be set, but Tracking cannot be turned on")
        if await self.optional(device.AlignmentMode()) == AlignmentMode.GermanPolar:
            destination = await self.optional(device.DestinationSideOfPier(await device.RightAscension(), 0.0))
            self.holds(destination is not None, "a German mount needs DestinationSideOfPier")
            side = await self.optional(device.SideOfPier())
            self.holds(side is None or can["CanSetTracking"], "a German mount with SideOfPier needs CanSetTracking")

    @part
    async def test_properties(self) -> None:
        """What a mount says of itself when it has just been connected: values in range, at rest, no target."""
        device = self.device
        slews = any([await getattr(device, capability)() for capability in EQUATORIAL])
        for target in ("TargetDeclination", "TargetRightAscension"):
            await self.not_set(target, optional=not slews)
        self.same("Slewing at the start", await device.Slewing(), False)
        await self.in_range("at the start")
        altitude, azimuth = await self.optional(device.Altitude()), await self.optional(device.Azimuth())
        self.holds(altitude is None or 0 <= altitude <= 90, f"Altitude is {altitude}")
        self.holds(azimuth is None or 0 <= azimuth <= 360, f"Azimuth is {azimuth}")
        for member in ("ApertureArea", "ApertureDiameter", "FocalLength", "SlewSettleTime"):
            value = await self.optional(getattr(device, member)())
            self.holds(value is None or value >= 0, f"{member} is {value}")
        for member in ("GuideRateRightAscension", "GuideRateDeclination"):
            value, guides = await self.optional(getattr(device, member)()), await device.CanPulseGuide()
            self.holds(value is None or value > 0 or (value == 0 and not guides), f"{member} is {value}")
        for member in ("AlignmentMode", "SideOfPier", "DoesRefraction"):
            await self.optional(getattr(device, member)())
        await device.EquatorialSystem()
        await device.UTCDate()
        self.holds(not (await device.AtPark() and await device.Tracking()), "Tracking is True while AtPark is")
        if await device.CanPulseGuide():
            self.same("IsPulseGuiding at the start", await device.IsPulseGuiding(), False)
        for offset in ("DeclinationRate", "RightAscensionRate"):
            value, can_set = await getattr(device, offset)(), await getattr(device, f"CanSet{offset}")()
            self.holds(value == 0 or (value > 0 and can_set), f"{offset} at the start is {value}")

    async def not_set(self, target: str, optional: bool) -> None:
        try:
            value = await getattr(self.device, target)()
        except AlpacaError as error:
            allowed = (0x402, 0x40B, 0x400) if optional else (0x402, 0x40B)
            self.holds(error.number in allowed, f"{target} before it is set is refused with 0x{error.number:X}, not with 0x402")
            return
        raise AssertionError(f"{target} is {value} although none has been set since the mount was connected")

    @part
    async def test_incapable(self) -> None:
        """What a mount cannot do is refused with exactly 0x400."""
        device = self.device
        for capability, asked in (
            ("CanFindHome", lambda: device.FindHome()),
            ("CanPark", lambda: device.Park()),
            ("CanUnpark", lambda: device.Unpark()),
            ("CanSetPark", lambda: device.SetPark()),
            ("CanPulseGuide", lambda: device.PulseGuide(GuideDirection.East, 0)),
            ("CanPulseGuide", lambda: device.IsPulseGuiding()),
            ("CanSetDeclinationRate", lambda: device.SetDeclinationRate(0.0)),
            ("CanSetRightAscensionRate", lambda: device.SetRightAscensionRate(0.0)),
            ("CanSetGuideRates", lambda: device.SetGuideRateDeclination(0.002)),
            ("CanSetGuideRates", lambda: device.SetGuideRateRightAscension(0.002)),
            ("CanSetPierSide", lambda: device.SetSideOfPier(PierSide.East)),
            ("CanSetTracking", lambda: device.SetTracking(True)),
            ("CanSetTracking", lambda: device.SetTracking(False)),
            ("CanSlew", lambda: device.SlewToCoordinates(1.0, 1.0)),
            ("CanSlew", lambda: device.SlewToTarget()),
            ("CanSlewAsync", lambda: device.SlewToCoordinatesAsync(1.0, 1.0)),
            ("CanSlewAsync", lambda: device.SlewToTargetAsync()),
            ("CanSlewAltAz", lambda: device.SlewToAltAz(150.0, 50.0)),
            ("CanSlewAltAzAsync", lambda: device.SlewToAltAzAsync(150.0, 50.0)),
            ("CanSync", lambda: device.SyncToCoordinates(1.0, 1.0)),
            ("CanSync", lambda: device.SyncToTarget()),
            ("CanSyncAltAz", lambda: device.SyncToAltAz(150.0, 50.0)),
        ):
            if not await getattr(device, capability)():
                await self.refused(0x400, asked(), f"what needs {capability}")
        for axis in TelescopeAxis:
            if not await device.CanMoveAxis(axis):
                await self.refused(0x400, device.MoveAxis(axis, 0.0), f"MoveAxis of axis {axis.value}, which cannot be moved")

    # where the sky is

    @part
    async def test_sidereal_time(self) -> None:
        """SiderealTime is that of the place, and runs."""
        device = self.device
        longitude = await self.optional(device.SiteLongitude())
        before = await device.SiderealTime()
        if longitude is not None:
            true = sidereal_time(self.utc(), longitude)
            wrong = Star(true, 0.0).way_to(Star(before, 0.0))[0] / ARCSECONDS_PER_HOUR * 60
            self.holds(abs(wrong) <= 5, f"SiderealTime is {before:.4f} h, not {true:.4f} h as at longitude {longitude}")
        began = self.clock.seconds()
        await self.pause(10.0 if self.extended else 3.0)
        ran = Star(before, 0.0).way_to(Star(await device.SiderealTime(), 0.0))[0] / 15
        passed = (self.clock.seconds() - began) / SIDEREAL_SECOND
        self.holds(abs(ran - passed) <= 2, f"SiderealTime ran by {ran:.2f} s in {passed:.2f} sidereal seconds")

    @part
    async def test_altitude_and_azimuth(self) -> None:
        """Altitude and Azimuth are those of RightAscension and Declination at this place and time."""
        device = self.device
        latitude = await self.optional(device.SiteLatitude())
        if latitude is None or await self.optional(device.Altitude()) is None or await self.optional(device.Azimuth()) is None:
            return
        for hours in HOUR_ANGLES if self.extended else (-3.0,):
            declination = high(hours, latitude)
            if declination is None or await self.aimed(hours, declination) is None:
                continue
            star = await self.where()
            azimuth, altitude = horizontal(await device.SiderealTime() - star.right_ascension, star.declination, latitude)
            found = await device.Altitude()
            self.holds(abs(found - altitude) <= ROUGHLY, f"Altitude is {found} where it must be {altitude:.3f}")
            found = await device.Azimuth()
            off = apart(found, azimuth) * math.cos(math.radians(altitude))
            self.holds(off <= ROUGHLY, f"Azimuth is {found} where it must be {azimuth:.3f}")

    # what it keeps

    @part
    async def test_site(self) -> None:
        """The place can be set to any on Earth, is read back exactly as it was set, and no other place is taken."""
        for member, outside, other in (
            ("SiteElevation", (-301.0, 10001.0), lambda _: 2385.0),
            ("SiteLatitude", (-91.0, 91.0), lambda value: value - 10 if value > 0 else value + 10),
            ("SiteLongitude", (-181.0, 181.0), lambda value: value - 10 if value > 0 else value + 10),
        ):
            value = await self.optional(getattr(self.device, member)())
            if value is not None:
                await self.kept(member, value, other(value), outside)

    @part
    async def test_kept_values(self) -> None:
        """Refraction, guide rates and settle time are read back as they were set; what is impossible is refused."""
        changes: list[tuple[str, tuple[Any, ...], Callable[[Any], Any]]] = [
            ("DoesRefraction", (), lambda value: not value),
            ("GuideRateDeclination", (-0.001,), lambda value: value / 2),
            ("GuideRateRightAscension", (-0.001,), lambda value: value / 2),
            ("SlewSettleTime", (-1,), lambda value: value + 1),
        ]
        for member, outside, other in changes:
            value = await self.optional(getattr(self.device, member)())
            if value is not None:
                await self.kept(member, value, other(value), outside)

    async def kept(self, member: str, value: Any, other: Any, outside: tuple[Any, ...]) -> None:
        """A value, if it can be set at all, is read back as it was set; put back at the end."""
        read, write = getattr(self.device, member), getattr(self.device, f"Set{member}")
        if not await self.works(write(value)):
            settable = member.startswith("GuideRate") and await self.device.CanSetGuideRates()
            self.holds(not settable, f"CanSetGuideRates is True, but {member} cannot be set")
            return
        for wrong in outside:
            await self.refused(0x401, write(wrong), f"{member} {wrong}")
        try:
            await write(other)
            self.same(f"{member} after it was set", await read(), other)
        finally:
            await write(value)
        self.same(f"{member} after it was set back", await read(), value)

    @part
    async def test_utc_date(self) -> None:
        """The mount's own date and time, if it can be set, runs from where it was set."""
        device = self.device
        before, began = await device.UTCDate(), self.clock.seconds()
        if not await self.works(self.dated(before + timedelta(hours=1))):
            return
        try:
            await self.pause(2.0)
            ahead = await device.UTCDate() - before - timedelta(seconds=self.clock.seconds() - began)
            self.holds(abs(ahead.total_seconds() - 3600) <= 5, f"UTCDate is {ahead} ahead after it was set 1:00:00 ahead")
        finally:
            await self.dated(before + timedelta(seconds=self.clock.seconds() - began))

    async def dated(self, moment: datetime) -> None:
        """Set UTCDate."""
        await self.device.SetUTCDate(moment.isoformat() if isinstance(self.device, Direct) else moment)

    @part
    async def test_targets(self) -> None:
        """A target is read back as it was set, can only be in the sky, and is forgotten with the connection."""
        device = self.device
        right_ascension = wrapped(await device.SiderealTime() - 4)
        if not await self.works(device.SetTargetRightAscension(right_ascension)):
            capable = [name for name in EQUATORIAL if await getattr(device, name)()]
            self.holds(not capable, f"TargetRightAscension cannot be set, although there is {capable}")
            return
        for member, value, outside in (
            ("TargetRightAscension", right_ascension, (-1.0, 25.0)),
            ("TargetDeclination", 1.0, (-91.0, 91.0)),
        ):
            write, read = getattr(device, f"Set{member}"), getattr(device, member)
            await write(value)
            for wrong in outside:
                await self.refused(0x401, write(wrong), f"{member} {wrong}")
            found = await read()
            self.holds(abs(found - value) <= 1e-4, f"{member} is {found}, not {value}")
        await device.SetConnected(False)
        await device.SetConnected(True)
        for member in ("TargetRightAscension", "TargetDeclination"):
            await self.not_set(member, optional=False)

    # tracking

    @part
    async def test_tracking(self) -> None:
        """Tracking turns on and off within a second; on, it keeps the star, off, it keeps the hour angle."""
        device = self.device
        await self.ready()
        if await device.CanSetTracking():
            before = await device.Tracking()
            for wanted in (not before, before, True):
                await device.SetTracking(wanted)
                await self.pause(1.0)
                self.same("Tracking 1 s after it was set", await device.Tracking(), wanted)
        if await self.aimed(3.0, high(3.0, await self.latitude()) or 0.0):
            seconds = 10.0 if self.extended else 4.0
            moved = await self.drift(seconds)
            near = max(map(abs, moved)) <= NEAR
            self.holds(near, f"RightAscension and Declination moved by {told(moved)} in {seconds:g} s of Tracking")
            if await device.CanSetTracking():
                await device.SetTracking(False)
                ran = (await self.drift(seconds))[0] / 15
                right = abs(ran - seconds) <= 0.2 * seconds
                self.holds(right, f"RightAscension ran by {ran:.2f} s in {seconds:g} s with Tracking off")
        if await device.CanSetTracking():
            await device.SetTracking(False)
            self.same("Tracking after it was turned off", await device.Tracking(), False)

    @part
    async def test_tracking_rates(self) -> None:
        """Every listed rate can be chosen, no other; at any but the sidereal one there are no rate offsets."""
        device = self.device
        listed = await device.TrackingRates()
        self.holds(bool(listed), "TrackingRates is empty")
        self.holds(len(set(listed)) == len(listed), f"TrackingRates has a rate twice: {listed}")
        for _ in range(3):
            self.same("TrackingRates when it is read again", await device.TrackingRates(), listed)
        before = await device.TrackingRate()
        self.holds(before in listed, f"TrackingRate is {before!r}, which TrackingRates does not have")
        if not await self.works(device.SetTrackingRate(before)):
            return
        for rate in listed:
            await device.SetTrackingRate(rate)
            self.same("TrackingRate after it was set", await device.TrackingRate(), rate)
            if rate != DriveRate.Sidereal:
                for offset in ("DeclinationRate", "RightAscensionRate"):
                    self.same(f"{offset} at the rate {rate!r}", await getattr(device, offset)(), 0.0)
                    if await getattr(device, f"CanSet{offset}")():
                        await self.refused(0x40B, getattr(device, f"Set{offset}")(0.05), f"{offset} at the rate {rate!r}")
        await device.SetTrackingRate(before)
        for rate in [*(set(DriveRate) - set(listed)), 5, -1]:
            await self.outside(partial(device.SetTrackingRate, rate), f"TrackingRate {int(rate)}")
        self.same("TrackingRate after refusals", await device.TrackingRate(), before)

    @part
    async def test_tracking_state(self) -> None:
        """Stars are slewn to and guided on only while tracking, places above the ground slewn to only while not."""
        device = self.device
        await self.ready()
        settable = await device.CanSetTracking()
        for tracking in (True, False) if settable else (await device.Tracking(),):
            if settable:
                await device.SetTracking(tracking)
            star = Star(wrapped(await device.SiderealTime() - 1), 1.0)
            wrong: list[tuple[str, str, tuple[Any, ...]]] = [
                ("CanSlewAltAz", "SlewToAltAz", (150.0, 50.0)),
                ("CanSlewAltAzAsync", "SlewToAltAzAsync", (150.0, 50.0)),
                ("CanSyncAltAz", "SyncToAltAz", (150.0, 50.0)),
            ]
            if not tracking:
                coordinates = (star.right_ascension, star.declination)
                wrong = [
                    ("CanSlew", "SlewToCoordinates", coordinates),
                    ("CanSlewAsync", "SlewToCoordinatesAsync", coordinates),
                    ("CanSync", "SyncToCoordinates", coordinates),
                    ("CanPulseGuide", "PulseGuide", (GuideDirection.East, 1000)),
                ]
            for capability, member, arguments in wrong:
                if await getattr(device, capability)():
                    asked = getattr(device, member)(*arguments)
                    await self.refused(0x40B, asked, f"{member} while Tracking is {tracking}")

    # rate offsets

    @part
    async def test_rates(self) -> None:
        """Rate offsets are read back as they were set, move nothing but the aim, and hinder no slew."""
        device = self.device
        if not await device.CanSetDeclinationRate():
            for member in ("DeclinationRate", "RightAscensionRate"):
                self.same(member, await getattr(device, member)(), 0.0)
            return
        await self.ready()
        await self.works(device.SetTrackingRate(DriveRate.Sidereal))
        for member, unit in (("DeclinationRate", 1.0), ("RightAscensionRate", 15.0)):
            for rate in (0.0, 0.05 / unit, -0.05 / unit, 40 / unit, -40 / unit, 0.0):
                self.same(f"Slewing before {member} was set", await device.Slewing(), False)
                await getattr(device, f"Set{member}")(rate)
                await self.pause(1.0 if self.extended else 0.1)
                found = await getattr(device, member)()
                self.holds(abs(found - rate) <= abs(rate) * 1e-5, f"{member} is {found} after it was set to {rate}")
                self.same(f"Slewing after {member} was set", await device.Slewing(), False)
        await device.SetDeclinationRate(0.05)
        star = await self.aimed(3.0, await self.latitude() / 2)
        if star is not None:
            await self.found("a slew with a DeclinationRate", star)
        await device.SetDeclinationRate(0.0)

    @part
    async def test_rate_offsets(self) -> None:
        """Rate offsets move the aim as fast as they say, in the sky's own directions, wherever the mount points."""
        device = self.device
        if not await device.CanSetDeclinationRate():
            return
        await self.works(device.SetTrackingRate(DriveRate.Sidereal))
        if await self.ready() and not (await device.CanSlew() or await device.CanSlewAsync()):
            await self.offsets("where it stands")
            return
        for hours in HOUR_ANGLES if self.extended else (-3.0,):
            declination = half_way(hours, await self.latitude())
            if declination is not None and await self.aimed(hours, declination):
                await self.offsets(f"at HA {hours:g}")

    async def offsets(self, where: str) -> None:
        """Slow and fast rate offsets on each axis."""
        for rate in (0.05, -0.05, 40.0, -40.0) if self.extended else (0.05,):
            await self.offset("DeclinationRate", where, 0.0, rate)
            await self.offset("RightAscensionRate", where, rate, 0.0)

    async def offset(self, member: str, where: str, in_right_ascension: float, in_declination: float) -> None:
        """One pair of rate offsets, in arcseconds per second, for 10 s."""
        device = self.device
        await device.SetRightAscensionRate(in_right_ascension / 15 * SIDEREAL_SECOND)
        await device.SetDeclinationRate(in_declination)
        found = await self.drift(10.0, per_second=True)
        await device.SetRightAscensionRate(0.0)
        await device.SetDeclinationRate(0.0)
        wanted = (in_right_ascension, in_declination)
        for rate, commanded, at_rest in zip(found, wanted, (0.75, 0.05), strict=True):
            allowed = abs(commanded) * 0.05 if commanded else at_rest
            told_of = f"{member} for {told(wanted)} a second {where}"
            self.holds(abs(rate - commanded) <= allowed, f"{told_of} moved RightAscension and Declination by {told(found)}")

    # slews

    @part
    async def test_slews(self) -> None:
        """Every way to slew to a star ends there; one that returns at once is under way when it returns."""
        device = self.device
        for number, (capability, member) in enumerate(
            (
                ("CanSlew", "SlewToCoordinates"),
                ("CanSlewAsync", "SlewToCoordinatesAsync"),
                ("CanSlew", "SlewToTarget"),
                ("CanSlewAsync", "SlewToTargetAsync"),
            ),
            start=1,
        ):
            if not await getattr(device, capability)() or not await self.ready():
                continue
            star = Star(wrapped(await device.SiderealTime() - number), float(number))
            if "Target" in member:
                await device.SetTargetRightAscension(star.right_ascension)
                await device.SetTargetDeclination(star.declination)
                await self.slewn(member)
            else:
                await self.slewn(member, star.right_ascension, star.declination)
                for wrong in ((-1.0, 0.0), (25.0, 0.0), (star.right_ascension, -100.0), (star.right_ascension, 100.0)):
                    await self.refused(0x401, getattr(device, member)(*wrong), f"{member} {wrong}")
            await self.found(member, star)
            await self.targeted(member, star)
            self.same(f"Tracking after {member}", await device.Tracking(), True)

    @part
    async def test_short_slew(self) -> None:
        """A slew to where the mount points already is under way for a moment, too."""
        device = self.device
        if not self.extended:
            return
        star = await self.aimed(2.0, 2.0)
        if star is not None and await device.CanSlewAsync():
            await self.slewn("SlewToCoordinatesAsync", star.right_ascension, star.declination)
            await self.found("a slew to where it was", star)

    @part
    async def test_slew_settle_time(self) -> None:
        """Slewing stays true for the settle time after a slew."""
        device = self.device
        before = await self.optional(device.SlewSettleTime())
        if before is None or not self.extended or await self.aimed(2.0, 2.0) is None or not await device.CanSlewAsync():
            return
        if not await self.works(device.SetSlewSettleTime(10)):
            return
        star = await self.where()
        await device.SlewToCoordinatesAsync(star.right_ascension, star.declination)
        await self.pause(9.0)
        slewing = await device.Slewing()
        await self.arrived("a slew with a SlewSettleTime")
        await device.SetSlewSettleTime(before)
        self.holds(slewing, "Slewing is False 9 s after a slew began, with a SlewSettleTime of 10 s")

    @part
    async def test_abort(self) -> None:
        """AbortSlew is harmless at rest, and ends a slew that is under way for long enough to be stopped where it is."""
        device = self.device
        await self.ready()
        if not await self.works(device.AbortSlew()):
            slews = [name for name in SLEWS if await getattr(device, name)()]
            self.holds(not slews, f"there is no AbortSlew, although there is {slews}")
            return
        await device.AbortSlew()
        self.same("Slewing after AbortSlew at rest", await device.Slewing(), False)
        latitude = await self.latitude()
        if await device.CanSlewAsync() and await self.aimed(3.0, high(3.0, latitude) or 0.0):
            star = Star(wrapped(await device.SiderealTime() + 3), high(-3.0, latitude) or 0.0)
            await self.stopped("SlewToCoordinatesAsync", star.right_ascension, star.declination)
            self.same("Tracking after a slew was stopped", await device.Tracking(), True)
            moved = await self.drift(3.0)
            self.holds(max(map(abs, moved)) <= NEAR, f"it moved by {told(moved)} in the 3 s after AbortSlew")
        if await device.CanSlewAltAzAsync() and await self.standing():
            await self.stopped("SlewToAltAzAsync", 150.0, 50.0)
            self.same("Tracking after a slew above the ground was stopped", await device.Tracking(), False)

    async def stopped(self, member: str, *target: float) -> None:
        """A slew that is stopped on its way."""
        device = self.device
        await self.quickly(member, getattr(device, member)(*target))
        await self.pause(STILL_SLEWING)
        self.same(f"Slewing {STILL_SLEWING:g} s after {member}", await device.Slewing(), True)
        await device.AbortSlew()
        await self.until("Slewing after AbortSlew", device.Slewing, False, STOPS_WITHIN)

    @part
    async def test_slew_above_ground(self) -> None:
        """Slews to an azimuth and an altitude end there, without tracking."""
        device = self.device
        for capability, member, azimuth, altitude in (
            ("CanSlewAltAz", "SlewToAltAz", 150.0, 50.0),
            ("CanSlewAltAzAsync", "SlewToAltAzAsync", 155.0, 55.0),
        ):
            if not await getattr(device, capability)() or not await self.standing():
                continue
            await self.slewn(member, azimuth, altitude)
            await self.above_ground(member, azimuth, altitude)
            self.same(f"Tracking after {member}", await device.Tracking(), False)
            for wrong in ((azimuth, -100.0), (azimuth, 100.0), (-10.0, altitude), (370.0, altitude)):
                await self.refused(0x401, getattr(device, member)(*wrong), f"{member} {wrong}")

    # syncs

    @part
    async def test_sync(self) -> None:
        """A sync is read back at once, moves nothing, and later slews end in its frame; both ways to sync."""
        device = self.device
        if not await device.CanSync() or not await self.ready():
            return
        for member in ("SyncToCoordinates", "SyncToTarget"):
            slewn = await self.aimed(3.0, await self.latitude() / 2)
            start = slewn or await self.where()
            for hours, degrees in ((-1 / 15, -1.0), (1 / 15, 1.0)) if self.extended else ((-1 / 15, -1.0),):
                side = await self.optional(device.SideOfPier())
                await self.synced(member, start.moved(hours, degrees))
                self.same(f"SideOfPier after {member}", await self.optional(device.SideOfPier()), side)
                if slewn:
                    await self.slewn_to(start)
                    await self.found(f"a slew after {member}", start)
            if not slewn:
                await self.synced(member, start)
        for wrong in ((-1.0, 0.0), (25.0, 0.0), (1.0, -100.0), (1.0, 100.0)):
            await self.refused(0x401, device.SyncToCoordinates(*wrong), f"SyncToCoordinates {wrong}")

    async def synced(self, member: str, star: Star) -> None:
        """One sync, and what must be true just after it."""
        device = self.device
        if member == "SyncToTarget":
            await device.SetTargetRightAscension(star.right_ascension)
            await device.SetTargetDeclination(star.declination)
            await device.SyncToTarget()
        else:
            await device.SyncToCoordinates(star.right_ascension, star.declination)
        self.same(f"Slewing after {member}", await device.Slewing(), False)
        await self.found(member, star)
        await self.targeted(member, star)

    @part
    async def test_sync_above_ground(self) -> None:
        """A sync to an azimuth and an altitude is read back, moves nothing, and can be taken back."""
        device = self.device
        if not await device.CanSyncAltAz():
            return
        await self.aimed(-3.0, high(-3.0, await self.latitude()) or 0.0)
        azimuth, altitude = await self.optional(device.Azimuth()), await self.optional(device.Altitude())
        if azimuth is None or altitude is None or not await self.standing():
            return
        azimuth, altitude = await device.Azimuth(), await device.Altitude()
        shifted = (min(azimuth + 1, 358.0), max(altitude - 1, 1.0))
        for place in (shifted, (azimuth, altitude)):
            await device.SyncToAltAz(*place)
            self.same("Slewing after SyncToAltAz", await device.Slewing(), False)
            await self.above_ground("SyncToAltAz", *place, within=0.1)
        for wrong in ((azimuth, -100.0), (azimuth, 100.0), (-10.0, altitude), (370.0, altitude)):
            await self.refused(0x401, device.SyncToAltAz(*wrong), f"SyncToAltAz {wrong}")

    # park and home

    @part
    async def test_park(self) -> None:
        """Park ends parked and not tracking, at the moment when Slewing ends; what moves is refused until Unpark."""
        device = self.device
        if not await device.CanPark():
            return
        await self.aimed(-3.0, high(-3.0, await self.latitude()) or 0.0)
        await self.parked()
        await device.Park()
        self.same("AtPark after a second Park", await device.AtPark(), True)
        await self.probed_while_parked()
        self.same("AtPark after refusals", await device.AtPark(), True)
        if await device.CanSetTracking():
            await device.SetTracking(False)
        await self.unparked()
        await device.Unpark()
        self.same("AtPark after a second Unpark", await device.AtPark(), False)
        self.same("Slewing after a second Unpark", await device.Slewing(), False)

    @part
    async def test_park_position(self) -> None:
        """Park ends at the same place every time, also after SetPark said that it is there."""
        device = self.device
        if not self.extended:
            return
        if not await device.CanPark() or await self.optional(device.Azimuth()) is None:
            return
        await self.ready()
        await self.parked()
        azimuth, altitude = await device.Azimuth(), await self.optional(device.Altitude()) or 0.0
        await self.unparked()
        if await device.CanSetTracking():
            await device.SetTracking(False)
        if await device.CanSetPark():
            await device.SetPark()
        await self.aimed(-3.0, high(-3.0, await self.latitude()) or 0.0)
        await self.parked()
        await self.above_ground("Park", azimuth, altitude)
        await self.unparked()

    async def parked(self) -> None:
        """Park, to its end; Slewing and AtPark are never both true."""
        device = self.device
        await self.quickly("Park", device.Park())
        waited = 0.0
        while True:
            at_park, slewing = await device.AtPark(), await device.Slewing()
            self.holds(not (at_park and slewing), "AtPark is True while Slewing still is")
            if not slewing:
                break
            self.holds(waited < SLEW_WITHIN, f"Slewing is still True {SLEW_WITHIN:g} s after Park")
            await self.pause(POLL)
            waited += POLL
        self.same("AtPark when Slewing has ended after Park", await device.AtPark(), True)
        self.same("Tracking after Park", await device.Tracking(), False)

    async def unparked(self) -> None:
        """Unpark, to its end."""
        device = self.device
        await self.quickly("Unpark", device.Unpark())
        await self.arrived("Unpark")
        self.same("AtPark after Unpark", await device.AtPark(), False)

    async def probed_while_parked(self) -> None:
        """Everything that could move a parked mount."""
        device = self.device
        star = Star(wrapped(await device.SiderealTime() - 1), 1.0)
        if any([await getattr(device, capability)() for capability in EQUATORIAL]):
            await device.SetTargetRightAscension(star.right_ascension)
            await device.SetTargetDeclination(star.declination)
        for capability, member, arguments in (
            ("CanFindHome", "FindHome", ()),
            ("CanPulseGuide", "PulseGuide", (GuideDirection.East, 0)),
            ("CanSlew", "SlewToCoordinates", (star.right_ascension, star.declination)),
            ("CanSlewAsync", "SlewToCoordinatesAsync", (star.right_ascension, star.declination)),
            ("CanSlew", "SlewToTarget", ()),
            ("CanSlewAsync", "SlewToTargetAsync", ()),
            ("CanSlewAltAz", "SlewToAltAz", (150.0, 50.0)),
            ("CanSlewAltAzAsync", "SlewToAltAzAsync", (150.0, 50.0)),
            ("CanSync", "SyncToCoordinates", (star.right_ascension, star.declination)),
            ("CanSync", "SyncToTarget", ()),
            ("CanSyncAltAz", "SyncToAltAz", (150.0, 50.0)),
            ("CanSetPierSide", "SetSideOfPier", (PierSide.East,)),
            ("CanSetTracking", "SetTracking", (True,)),
        ):
            if await getattr(device, capability)():
                await self.refused(0x408, getattr(device, member)(*arguments), f"{member} while parked")
        for axis in await self.movable():
            await self.refused(0x408, device.MoveAxis(axis, 0.0), f"MoveAxis of axis {axis.value} while parked")
        if any([await getattr(device, capability)() for capability in SLEWS]):
            await self.refused(0x408, device.AbortSlew(), "AbortSlew while parked")

    @part
    async def test_find_home(self) -> None:
        """FindHome ends at home and not parked, where the mount stays until it is moved."""
        device = self.device
        if not await device.CanFindHome():
            return
        for _ in range(2):
            away = await self.aimed(-3.0, high(-3.0, await self.latitude()) or 0.0)
            if away:
                self.same("AtHome after a slew", await device.AtHome(), False)
            if await device.CanSetTracking():
                await device.SetTracking(False)
            await self.quickly("FindHome", device.FindHome())
            at_home, slewing = await device.AtHome(), await device.Slewing()
            self.holds(slewing or at_home, "just after FindHome both Slewing and AtHome are False")
            self.holds(not (slewing and at_home and away), "AtHome is True while FindHome is still on its way")
            await self.arrived("FindHome")
            if await device.CanSetTracking():
                await device.SetTracking(False)
            self.same("AtHome after FindHome", await device.AtHome(), True)
            self.same("AtPark after FindHome", await device.AtPark(), False)

    # the axes

    @part
    async def test_axis_rates(self) -> None:
        """The speeds of an axis are positive ranges apart from each other; there are some exactly if it can be moved."""
        device = self.device
        for axis in TelescopeAxis:
            ranges: list[AxisRate] = sorted(await device.AxisRates(axis), key=lambda each: each.Minimum)
            can = await device.CanMoveAxis(axis)
            self.same(f"whether AxisRates of axis {axis.value} has any, as CanMoveAxis says,", bool(ranges), can)
            for each in ranges:
                fits = 0 <= each.Minimum <= each.Maximum and each.Maximum > 0
                self.holds(fits, f"AxisRates of axis {axis.value} has a range from {each.Minimum} to {each.Maximum}")
            for lower, upper in pairwise(ranges):
                self.holds(lower.Maximum < upper.Minimum, f"AxisRates of axis {axis.value} has ranges that meet: {ranges}")
        await self.outside(partial(device.AxisRates, 3), "AxisRates of axis 3")
        await self.outside(partial(device.CanMoveAxis, 3), "CanMoveAxis of axis 3")

    @part
    async def test_move_axis(self) -> None:
        """An axis moves while it has a speed, forth and back, and Slewing says so; Tracking stays as it is."""
        device = self.device
        for axis in await self.movable():
            await self.aimed(-3.0, high(-3.0, await self.latitude()) or 0.0)
            ranges = await device.AxisRates(axis)
            lowest, highest = min(each.Minimum for each in ranges), max(each.Maximum for each in ranges)
            await self.halted(axis)
            for wrong in (lowest / 2 if lowest else -highest - 1, highest + 1):
                await self.refused(0x401, device.MoveAxis(axis, wrong), f"MoveAxis of axis {axis.value} at {wrong}")
            for speed in (lowest, highest) if self.extended else (highest,):
                await self.moved_forth_and_back(axis, speed)
            tracking = await device.Tracking()
            for speed in (highest, -highest) if self.extended else (-highest,):
                await self.moved(axis, speed)
                self.same("Tracking after MoveAxis", await device.Tracking(), tracking)
                if await device.CanSetTracking():
                    tracking = not tracking
                    await device.SetTracking(tracking)

    async def moved_forth_and_back(self, axis: TelescopeAxis, speed: float) -> None:
        start = await self.hour_angle_and_declination()
        away = await self.moved(axis, speed)
        back = await self.moved(axis, -speed)
        told_of = f"MoveAxis of axis {axis.value} at {speed:g} degrees a second for 2 s"
        self.holds(way(start, away) >= 0.2 * speed, f"{told_of} moved it by {way(start, away):.4f} degrees")
        self.holds(
            way(start, back) <= way(start, away) / 2 + 0.1, f"{told_of} is not taken back by as much at the opposite speed"
        )

    async def moved(self, axis: TelescopeAxis, speed: float) -> Star:
        """An axis moves for 2 s; where that brings the mount, as an hour angle and a declination."""
        device, what = self.device, f"MoveAxis of axis {axis.value} at {speed:g}"
        await self.quickly(what, device.MoveAxis(axis, speed))
        self.same(f"Slewing just after {what}", await device.Slewing(), speed != 0)
        await self.pause(2.0)
        self.same(f"Slewing 2 s after {what}", await device.Slewing(), speed != 0)
        await self.in_range(f"during {what}")
        await self.halted(axis)
        return await self.hour_angle_and_declination()

    async def halted(self, axis: TelescopeAxis) -> None:
        await self.quickly("MoveAxis", self.device.MoveAxis(axis, 0.0))
        await self.until("Slewing after MoveAxis at 0", self.device.Slewing, False, STOPS_WITHIN)

    @part
    async def test_abort_move_axis(self) -> None:
        """AbortSlew stops an axis, too."""
        device = self.device
        await self.ready()
        for axis in await self.movable():
            fastest = max(each.Maximum for each in await device.AxisRates(axis))
            await self.quickly("MoveAxis", device.MoveAxis(axis, -fastest))
            await self.pause(1.0)
            await device.AbortSlew()
            await self.until("Slewing after AbortSlew of a MoveAxis", device.Slewing, False, STOPS_WITHIN)

    # guide pulses

    @part
    async def test_pulse_guide(self) -> None:
        """A pulse returns at once, IsPulseGuiding says when it ends; one on the other axis is taken meanwhile or refused."""
        device = self.device
        if not await device.CanPulseGuide():
            return
        await self.aimed(-3.0, high(-3.0, await self.latitude()) or 0.0)
        self.same("IsPulseGuiding before a pulse", await device.IsPulseGuiding(), False)
        for direction in (GuideDirection.East, GuideDirection.North):
            await self.quickly("PulseGuide", device.PulseGuide(direction, 2000))
            self.same("IsPulseGuiding just after PulseGuide", await device.IsPulseGuiding(), True)
            self.same("Slewing just after PulseGuide", await device.Slewing(), False)
            await self.until("IsPulseGuiding after 2 s of PulseGuide", device.IsPulseGuiding, False, 6.0)
        await self.quickly("PulseGuide", device.PulseGuide(GuideDirection.East, 2000))
        with suppress(InvalidOperation):  # one at a time
            await self.quickly("PulseGuide", device.PulseGuide(GuideDirection.North, 2000))
        self.same("IsPulseGuiding after pulses on both axes", await device.IsPulseGuiding(), True)
        await self.until("IsPulseGuiding after pulses on both axes", device.IsPulseGuiding, False, 8.0)
        await self.refused(0x401, device.PulseGuide(GuideDirection.East, -1), "PulseGuide for -1 ms")
        await self.outside(partial(device.PulseGuide, 4, 1000), "PulseGuide in direction 4")
        star = Star(wrapped(await device.SiderealTime() - 3), high(3.0, await self.latitude()) or 0.0)
        await device.SlewToCoordinatesAsync(star.right_ascension, star.declination)
        await self.refused(0x40B, device.PulseGuide(GuideDirection.East, 1000), "PulseGuide during a slew")
        await self.arrived("SlewToCoordinatesAsync")

    @part
    async def test_pulse_motion(self) -> None:
        """A pulse has moved the aim as far as its length and the guide rate say when IsPulseGuiding ends."""
        device = self.device
        if not await device.CanPulseGuide():
            return
        in_right_ascension = await device.GuideRateRightAscension() * 5 * 3600
        in_declination = await device.GuideRateDeclination() * 5 * 3600
        for hours in HOUR_ANGLES if self.extended else (-3.0,):
            declination = high(hours, await self.latitude())
            if declination is None or await self.aimed(hours, declination) is None:
                continue
            pulses = (
                (GuideDirection.North, (0.0, in_declination)),
                (GuideDirection.South, (0.0, -in_declination)),
                (GuideDirection.East, (in_right_ascension, 0.0)),
                (GuideDirection.West, (-in_right_ascension, 0.0)),
            )
            for direction, wanted in pulses if self.extended else (pulses[0], pulses[3]):
                start = await self.where()
                await self.quickly("PulseGuide", device.PulseGuide(direction, 5000))
                await self.until("IsPulseGuiding after 5 s of PulseGuide", device.IsPulseGuiding, False, 10.0)
                found = start.way_to(await self.where())
                for moved, expected in zip(found, wanted, strict=True):
                    near = abs(moved - expected) <= 1 + abs(expected) * 0.003  # the guide rate may be per sidereal second
                    told_of = f"PulseGuide {direction.name} for 5 s at HA {hours:g}"
                    self.holds(near, f"{told_of} moved RightAscension and Declination by {told(found)}, not {told(wanted)}")

    # the pointing state

    @part
    async def test_destination_side_of_pier(self) -> None:
        """A German mount says in which pointing state a slew would end, a different one on each side of the meridian."""
        device = self.device
        if await self.optional(device.AlignmentMode()) != AlignmentMode.GermanPolar:
            return
        latitude = await self.latitude()
        await self.aimed(3.0, high(3.0, latitude) or 0.0)
        sidereal, declination = await device.SiderealTime(), 45.0 if latitude >= 0 else -45.0
        sides = [await device.DestinationSideOfPier(wrapped(sidereal - hours), declination) for hours in (2.0, -2.0)]
        self.holds(PierSide.Unknown not in sides, "DestinationSideOfPier is not known")
        self.holds(sides[0] != sides[1], "DestinationSideOfPier is the same at HA 2 and HA -2")
        for wrong in ((-1.0, 0.0), (25.0, 0.0), (1.0, -100.0), (1.0, 100.0)):
            await self.refused(0x401, device.DestinationSideOfPier(*wrong), f"DestinationSideOfPier {wrong}")

    @part
    async def test_side_of_pier(self) -> None:
        """Slews of a German mount end in the state that DestinationSideOfPier says: West before the meridian, East after it."""
        device = self.device
        latitude = await self.latitude()
        if not await self.tells_its_side() or abs(latitude) <= 10:
            return
        for hours in (-3.0, -9.0, 3.0, 9.0) if self.extended else (-3.0, 3.0):
            declination = half_way(-abs(hours), latitude) or 0.0
            await self.aimed(-3.0, high(-3.0, latitude) or 0.0)
            self.same("SideOfPier after a slew to HA -3", await device.SideOfPier(), PierSide.West)
            star = Star(wrapped(await device.SiderealTime() - hours), declination)
            side = PierSide.West if hours < 0 else PierSide.East
            destination = await device.DestinationSideOfPier(star.right_ascension, star.declination)
            self.same(f"DestinationSideOfPier for HA {hours:g}", destination, side)
            await self.slewn_to(star)
            self.same(f"SideOfPier after a slew to HA {hours:g}", await device.SideOfPier(), side)

    @part
    async def test_flip(self) -> None:
        """A German mount tracks across the meridian and can be flipped behind it, to the star that it had."""
        device = self.device
        if not self.extended or not await self.tells_its_side() or not await device.CanSetPierSide():
            return
        await self.aimed(-3.0, 0.0)
        star = await self.aimed(-0.03, 0.0)
        assert star is not None
        await self.pause(420.0)
        await self.found("seven minutes of tracking", star)
        side = await device.SideOfPier()
        self.holds(side in (PierSide.East, PierSide.West), "SideOfPier is not known behind the meridian")
        other = PierSide.East if side == PierSide.West else PierSide.West
        await self.slewn("SetSideOfPier", other)
        self.same("SideOfPier after it was set", await device.SideOfPier(), other)
        await self.found("a flip", star)
        self.same("Tracking after a flip", await device.Tracking(), True)
        await device.SetSideOfPier(other)
        await self.arrived("SideOfPier as it was")
        self.same("SideOfPier after it was set as it was", await device.SideOfPier(), other)
        await self.refused(0x401, device.SetSideOfPier(PierSide.Unknown), "SideOfPier -1")

    async def tells_its_side(self) -> bool:
        """Whether it is a German mount that slews and has a SideOfPier."""
        device = self.device
        german = await self.optional(device.AlignmentMode()) == AlignmentMode.GermanPolar
        slews = await device.CanSlew() or await device.CanSlewAsync()
        return german and slews and await self.optional(device.SideOfPier()) is not None

    # words

    async def latitude(self) -> float:
        """That of the site, or that of the equator, from where everything rises, if it is not known."""
        return await self.optional(self.device.SiteLatitude()) or 0.0

    async def movable(self) -> list[TelescopeAxis]:
        """The axes that MoveAxis takes."""
        return [axis for axis in TelescopeAxis if await self.device.CanMoveAxis(axis)]

    async def works(self, asked: Awaitable[Any]) -> bool:
        """Whether a member that may be missing is there; it is asked."""
        try:
            await asked
        except MemberNotImplemented:
            return False
        return True

    async def outside(self, ask: Callable[[], Awaitable[Any]], what: str) -> None:
        """A number that stands for nothing is refused."""
        try:
            asked = ask()
        except ValueError:
            return  # a typed client does not send it
        await self.refused(0x401, asked, what)

    async def ready(self) -> bool:
        """Not parked, tracking if that can be turned on; whether it tracks."""
        device = self.device
        if await device.AtPark() and await device.CanUnpark():
            await self.unparked()
        if await device.CanSetTracking():
            await device.SetTracking(True)
        return bool(await device.Tracking())

    async def standing(self) -> bool:
        """Not parked, not tracking if that can be turned off; whether it does not track."""
        device = self.device
        await self.ready()
        if await device.CanSetTracking():
            await device.SetTracking(False)
        return not await device.Tracking()

    async def aimed(self, hour_angle: float, declination: float) -> Star | None:
        """Track a star; None if the mount cannot be slewn to one."""
        device = self.device
        if not await self.ready() or not (await device.CanSlew() or await device.CanSlewAsync()):
            return None
        star = Star(wrapped(await device.SiderealTime() - hour_angle), declination)
        await self.slewn_to(star)
        return star

    async def slewn_to(self, star: Star) -> None:
        """A slew to a star, in whichever way the mount can."""
        member = "SlewToCoordinatesAsync" if await self.device.CanSlewAsync() else "SlewToCoordinates"
        await getattr(self.device, member)(star.right_ascension, star.declination)
        await self.arrived(member)

    async def slewn(self, member: str, *arguments: float) -> None:
        """A slew, to its end: one that returns at once is under way then, another one is done."""
        device, asked = self.device, getattr(self.device, member)(*arguments)
        if member.endswith("Async") or member.startswith("Set"):
            await self.quickly(member, asked)
            self.same(f"Slewing just after {member}", await device.Slewing(), True)
            await self.arrived(member)
        else:
            await asked
            self.same(f"Slewing after {member}", await device.Slewing(), False)

    async def arrived(self, what: str) -> None:
        """Wait until a slew is done; the mount points somewhere on its way, too."""
        waited = 0.0
        while await self.device.Slewing():
            await self.in_range(f"during {what}")
            self.holds(waited < SLEW_WITHIN, f"Slewing is still True {SLEW_WITHIN:g} s after {what}")
            await self.pause(POLL)
            waited += POLL

    async def in_range(self, when: str) -> None:
        """Where the mount points is in the sky."""
        star, sidereal = await self.where(), await self.device.SiderealTime()
        self.holds(0 <= star.right_ascension < DAY, f"RightAscension {when} is {star.right_ascension}")
        self.holds(-90 <= star.declination <= 90, f"Declination {when} is {star.declination}")
        self.holds(0 <= sidereal < DAY, f"SiderealTime {when} is {sidereal}")

    async def where(self) -> Star:
        """Where the mount points."""
        return Star(await self.device.RightAscension(), await self.device.Declination())

    async def hour_angle_and_declination(self) -> Star:
        """Where the mount points, seen from the ground."""
        return Star(
            wrapped(await self.device.SiderealTime() - await self.device.RightAscension()), await self.device.Declination()
        )

    async def drift(self, seconds: float, per_second: bool = False) -> tuple[float, float]:
        """How far, in arcseconds, the aim moves in right ascension and declination."""
        start, began = await self.where(), self.clock.seconds()
        await self.pause(seconds)
        passed = self.clock.seconds() - began if per_second else 1.0
        in_right_ascension, in_declination = start.way_to(await self.where())
        return in_right_ascension / passed, in_declination / passed

    async def found(self, what: str, star: Star) -> None:
        """The mount points where it should."""
        off = star.way_to(await self.where())
        self.holds(max(map(abs, off)) <= NEAR, f"RightAscension and Declination are {told(off)} off after {what}")

    async def targeted(self, what: str, star: Star) -> None:
        """The target is what was slewn or synced to."""
        off = star.way_to(Star(await self.device.TargetRightAscension(), await self.device.TargetDeclination()))
        self.holds(max(map(abs, off)) <= NEAR, f"TargetRightAscension and TargetDeclination are {told(off)} off after {what}")

    async def above_ground(self, what: str, azimuth: float, altitude: float, within: float = ROUGHLY) -> None:
        """The mount points where it should, as far as it says."""
        found = await self.optional(self.device.Altitude())
        self.holds(found is None or abs(found - altitude) <= within, f"Altitude is {found} after {what}, not {altitude}")
        found = await self.optional(self.device.Azimuth())
        off = 0.0 if found is None else apart(found, azimuth) * math.cos(math.radians(altitude))
        self.holds(off <= within, f"Azimuth is {found} after {what}, not {azimuth}")


def told(arcseconds: tuple[float, float]) -> str:
    """A way in right ascension and declination, for a sentence."""
    return '{:.3f}" and {:.3f}"'.format(*arcseconds)


def way(start: Star, end: Star) -> float:
    """The degrees that the two axes turned by together."""
    hours, degrees = start.way_to(end)
    return (abs(hours) + abs(degrees)) / 3600
