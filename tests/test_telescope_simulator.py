"""The telescope simulator: what a mount does under the sky, as a client sees it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from http.client import OK
from typing import Any
from urllib.parse import urlencode

from twisted.trial.unittest import SynchronousTestCase

from drivers.simulators import sky
from drivers.simulators.telescope import TelescopeSimulator
from pylpaca.protocol import FORM
from pylpaca.testing import MIDNIGHT, MemoryServer
from pylpaca.values import DriveRate, GuideDirection, PierSide

ARCSECOND = 1 / 3600  # degrees
EAST, WEST = PierSide.East, PierSide.West
NOT_IMPLEMENTED, INVALID_VALUE, NOT_SET, PARKED, INVALID_OPERATION = 0x400, 0x401, 0x402, 0x408, 0x40B


def apart(one: float, other: float, full: float) -> float:
    """The signed way from `other` to `one` on a circle."""
    return (one - other + full / 2) % full - full / 2


class TelescopeTestCase(SynchronousTestCase):
    settings: dict[str, Any] = {}  # noqa: RUF012

    def setUp(self) -> None:
        driver = "simulators.telescope.TelescopeSimulator"
        entry = {"device_type": "telescope", "device_number": 0, "device_driver": driver, "driver_config": self.settings}
        self.server = MemoryServer({"drivers": [entry]})
        self.clock = self.server.clock
        self.put("connected", Connected=True)

    def get(self, member: str, **parameters: Any) -> Any:
        return self.server.get(f"telescope/0/{member}", **parameters).value

    def put(self, member: str, **form: Any) -> Any:
        return self.server.put(f"telescope/0/{member}", **form).value

    def refused(self, member: str, **form: Any) -> int:
        return self.server.put(f"telescope/0/{member}", **form).error

    def reconnect(self) -> None:
        self.put("connected", Connected=False)
        self.put("connected", Connected=True)

    def wait(self) -> float:
        """Until nothing moves any more; how long that took."""
        for eighths in range(8 * 300):
            if not self.get("slewing"):
                return eighths / 8
            self.clock.advance(0.125)
        raise AssertionError("it never stopped")

    def wait_for(self, member: str, **form: Any) -> int:
        """Ask for something that takes a while; the ErrorNumber at the end."""
        body = urlencode(form).encode()
        waiting = self.server.begin("PUT", f"telescope/0/{member}", body, {"Content-Type": FORM})
        for _ in range(300):
            if (answer := waiting.answer("PUT")) is not None:
                self.assertEqual(answer.status, OK)
                return answer.error
            self.clock.advance(0.125)
        raise AssertionError("no answer")

    def star(self) -> tuple[float, float]:
        return self.get("rightascension"), self.get("declination")

    def above_ground(self) -> tuple[float, float]:
        return self.get("azimuth"), self.get("altitude")

    def at_hour_angle(self, hours: float) -> float:
        """The right ascension that is there now."""
        return float((self.get("siderealtime") - hours) % 24)

    def slew_to(self, hours: float, declination: float) -> float:
        """Track a star that is there now; its right ascension."""
        right_ascension = self.at_hour_angle(hours)
        self.put("tracking", Tracking=True)
        self.put("slewtocoordinatesasync", RightAscension=right_ascension, Declination=declination)
        self.wait()
        return right_ascension

    def assertStar(self, right_ascension: float, declination: float, tolerance: float = 1e-9) -> None:
        """It points there; the tolerance is in degrees."""
        has = self.star()
        self.assertLess(abs(apart(has[0], right_ascension, 24.0)) * 15, tolerance)
        self.assertLess(abs(has[1] - declination), tolerance)

    def assertAboveGround(self, azimuth: float, altitude: float) -> None:
        has = self.above_ground()
        self.assertLess(sky.distance(*has, azimuth, altitude), 1e-9)


class StartTests(TelescopeTestCase):
    def test_known_state(self) -> None:
        """However it was left, a new link finds it at rest at home, not tracking, at the sidereal rate, without targets."""
        self.slew_to(-3.0, 10.0)
        self.put("rightascensionrate", RightAscensionRate=1.0)
        self.put("trackingrate", TrackingRate=1)
        self.put("sitelatitude", SiteLatitude=-20.0)
        self.put("utcdate", UTCDate="2030-01-01T00:00:00Z")
        self.put("moveaxis", Axis=0, Rate=1.0)
        self.reconnect()
        members = ("tracking", "atpark", "athome", "slewing", "ispulseguiding", "trackingrate", "rightascensionrate")
        self.assertEqual([self.get(member) for member in members], [False, False, False, False, False, 0, 0.0])
        self.assertEqual((self.get("sitelatitude"), self.get("utcdate")[:4]), (51.5, "2026"))
        self.assertAboveGround(0.0, 51.5)
        targets = [self.server.get(f"telescope/0/target{each}").error for each in ("rightascension", "declination")]
        self.assertEqual(targets, [NOT_SET, NOT_SET])

    def test_everything(self) -> None:
        """The German mount can do all there is; two of the three axes can be moved."""
        names = [name for name in dir(TelescopeSimulator) if name.startswith("Can") and name != "CanMoveAxis"]
        self.assertEqual((len(names), [name for name in names if not self.get(name.lower())]), (16, []))
        self.assertEqual([self.get("canmoveaxis", Axis=axis) for axis in range(3)], [True, True, False])
        self.assertEqual(self.get("axisrates", Axis=1), [{"Maximum": 5.0, "Minimum": 0.0}])
        self.assertEqual(self.get("axisrates", Axis=2), [])
        self.assertEqual((self.get("alignmentmode"), self.get("equatorialsystem")), (2, 1))

    def test_device_state(self) -> None:
        """DeviceState has every name there is for a telescope."""
        names = (
            "Altitude AtHome AtPark Azimuth Declination IsPulseGuiding RightAscension SideOfPier SiderealTime Slewing Tracking"
        )
        state = {item["Name"]: item["Value"] for item in self.get("devicestate")}
        self.assertEqual(set(state), {*names.split(), "UTCDate", "TimeStamp"})
        self.assertTrue(state["UTCDate"].endswith("Z"))

    def test_optics(self) -> None:
        """What the telescope is comes from the settings, in metres and square metres."""
        optics = [self.get(member) for member in ("aperturediameter", "aperturearea", "focallength")]
        self.assertEqual(optics, [0.2, 0.0269, 1.26])

    def test_refraction(self) -> None:
        """DoesRefraction is remembered and changes nothing."""
        star = self.slew_to(-5.0, 10.0)
        self.put("doesrefraction", DoesRefraction=True)
        self.assertEqual((self.get("doesrefraction"), self.star()), (True, (star, 10.0)))


class TrackingTests(TelescopeTestCase):
    def test_tracking(self) -> None:
        """A mount that tracks keeps its star, exactly, and turns west with the sky."""
        star = self.slew_to(-1.0, 20.0)
        azimuth = self.get("azimuth")
        self.clock.advance(3600)
        self.assertEqual(self.star(), (star, 20.0))
        self.assertGreater(self.get("azimuth"), azimuth)

    def test_not_tracking(self) -> None:
        """A mount that stands still keeps its place above the ground while the stars go by."""
        star = self.slew_to(-1.0, 20.0)
        self.put("tracking", Tracking=False)
        place = self.above_ground()
        self.clock.advance(600)
        self.assertAboveGround(*place)
        self.assertStar(star + 600 / 3600 * 1.00273790935, 20.0, 0.001 * ARCSECOND)

    def test_no_jump(self) -> None:
        """To turn tracking on or off moves nothing."""
        self.slew_to(-1.0, 20.0)
        for tracking in (False, True, False, True):
            self.clock.advance(60)
            star, place = self.star(), self.above_ground()
            self.put("tracking", Tracking=tracking)
            self.assertStar(*star)
            self.assertAboveGround(*place)

    def test_drive_rates(self) -> None:
        """At another rate than that of the stars it drifts by the difference, to the east for the Moon and the Sun."""
        for rate, arcseconds in ((DriveRate.Lunar, 14.685), (DriveRate.Solar, 15.0), (DriveRate.King, 15.0369)):
            star = self.slew_to(-1.0, 20.0)
            self.put("trackingrate", TrackingRate=int(rate))
            self.clock.advance(100)
            self.assertStar(star + 100 * (15.041067 - arcseconds) / 15 / 3600, 20.0)
            self.put("trackingrate", TrackingRate=0)

    def test_rates_there_are(self) -> None:
        """All four rates, each as it was set."""
        self.assertEqual(self.get("trackingrates"), [0, 1, 2, 3])
        for rate in (1, 2, 3, 0):
            self.put("trackingrate", TrackingRate=rate)
            self.assertEqual(self.get("trackingrate"), rate)

    def test_no_offsets_off_sidereal(self) -> None:
        """Another drive rate ends the offsets for good and refuses new ones."""
        star = self.slew_to(-1.0, 20.0)
        self.put("rightascensionrate", RightAscensionRate=1.0)
        self.put("declinationrate", DeclinationRate=1.0)
        self.put("trackingrate", TrackingRate=2)
        self.assertEqual((self.get("rightascensionrate"), self.get("declinationrate")), (0.0, 0.0))
        self.assertEqual(self.refused("declinationrate", DeclinationRate=1.0), INVALID_OPERATION)
        self.put("trackingrate", TrackingRate=0)
        self.assertEqual((self.get("rightascensionrate"), self.get("declinationrate")), (0.0, 0.0))
        self.clock.advance(100)
        self.assertEqual(self.star(), (star, 20.0))

    def test_offsets_only_while_tracking(self) -> None:
        """Offsets are kept but move nothing while it does not track."""
        self.slew_to(-1.0, 20.0)
        self.put("tracking", Tracking=False)
        self.put("declinationrate", DeclinationRate=40.0)
        self.clock.advance(100)
        self.assertEqual((self.get("declination"), self.get("declinationrate")), (20.0, 40.0))
        self.put("tracking", Tracking=True)
        self.clock.advance(9)
        self.assertAlmostEqual(self.get("declination"), 20.1)

    def test_offset_ends_at_the_pole(self) -> None:
        """An offset that goes on for hours leaves declination within what there is."""
        self.slew_to(-1.0, 89.0)
        self.put("declinationrate", DeclinationRate=40.0)
        self.clock.advance(600)
        self.assertEqual(self.get("declination"), 90.0)


class SouthernTests(TelescopeTestCase):
    """A site in the south, with the same rules."""

    settings = {"latitude": -33.0, "longitude": 151.0, "home_azimuth": 180.0, "home_altitude": 33.0}  # noqa: RUF012

    def test_start(self) -> None:
        """Home is the pole in the south."""
        self.assertAboveGround(180.0, 33.0)
        self.assertAlmostEqual(self.get("declination"), -90.0)

    def test_sidereal_time(self) -> None:
        """Sidereal time is that of the longitude."""
        self.assertAlmostEqual(self.get("siderealtime"), sky.sidereal_time(self.server.utc(), 151.0), 12)

    def test_north_is_where_stars_culminate(self) -> None:
        """A star on the meridian north of the zenith stands in the north."""
        self.slew_to(0.0, 10.0)
        self.put("tracking", Tracking=False)
        azimuth, altitude = self.above_ground()
        self.assertLess(abs(apart(azimuth, 0.0, 360.0)), 0.2)
        self.assertAlmostEqual(altitude, 47.0, 3)

    def test_pointing_state(self) -> None:
        """The pointing state follows from the hour angle as in the north."""
        states = []
        for hours in (-9.0, -3.0, 3.0, 9.0):
            self.slew_to(hours, -45.0)
            states.append(self.get("sideofpier"))
        self.assertEqual(states, [WEST, WEST, EAST, EAST])


class OffsetTests(TelescopeTestCase):
    """What the official checker asks of rate offsets and guide pulses, in the north; below in the south."""

    beyond = 62.5  # a declination that is up nine hours from the meridian
    half_way = 32.5  # one that is up three hours from it

    def each_offset(self, rates: tuple[float, ...]) -> list[tuple[float, float, float]]:
        """For every hour angle and rate in arcseconds per second: by what part each axis is wrong, and how far the other went."""
        found = []
        for hours in (-9.0, 3.0, 9.0, -3.0):
            for rate in rates:
                for in_ra in (True, False):
                    self.slew_to(hours, self.beyond if abs(hours) > 6 else self.half_way)
                    before = self.star()
                    self.put("rightascensionrate", RightAscensionRate=in_ra * rate / 15 * 0.99726956631945)
                    self.put("declinationrate", DeclinationRate=(not in_ra) * rate)
                    self.clock.advance(10.0)
                    after = self.star()
                    self.put("rightascensionrate", RightAscensionRate=0.0)
                    self.put("declinationrate", DeclinationRate=0.0)
                    moved = (apart(after[0], before[0], 24.0) * 15 * 3600 / 10, (after[1] - before[1]) * 3600 / 10)
                    tested, other = moved if in_ra else moved[::-1]
                    found.append((rate, abs(tested / rate - 1), abs(other)))
        return found

    def test_slow_offsets(self) -> None:
        """0.05 arcseconds per second for 10 seconds is right to a tenth of a percent, on either side and beyond the pole."""
        found = self.each_offset((0.05, -0.05))
        self.assertEqual([each for each in found if each[1] > 1e-3 or each[2] > 1e-6], [])
        self.assertEqual(len(found), 16)

    def test_fast_offsets(self) -> None:
        """So is 40 arcseconds per second."""
        found = self.each_offset((40.0, -40.0))
        self.assertEqual([each for each in found if each[1] > 1e-6 or each[2] > 1e-6], [])
        self.assertEqual(len(found), 16)

    def test_guide_pulses(self) -> None:
        """A pulse of 5 seconds has moved it by the guide rate when IsPulseGuiding first says so; north is always north."""
        rates = self.get("guideraterightascension"), self.get("guideratedeclination")
        expected = {
            GuideDirection.North: (0.0, 5 * rates[1]),
            GuideDirection.South: (0.0, -5 * rates[1]),
            GuideDirection.East: (5 * rates[0], 0.0),
            GuideDirection.West: (-5 * rates[0], 0.0),
        }
        for hours in (-9.0, 9.0, -3.0, 3.0):
            self.slew_to(hours, self.beyond)
            for direction, wanted in expected.items():
                before = self.star()
                self.put("pulseguide", Direction=int(direction), Duration=5000)
                seen = 0
                while self.get("ispulseguiding"):
                    self.clock.advance(0.125)
                    seen += 1
                after = self.star()
                moved = apart(after[0], before[0], 24.0) * 15, after[1] - before[1]
                self.assertEqual(seen, 40)
                self.assertLess(max(abs(has - want) for has, want in zip(moved, wanted, strict=True)), 0.001 * ARCSECOND)


class SouthernOffsetTests(OffsetTests):
    settings = {"latitude": -33.0, "longitude": 151.0}  # noqa: RUF012
    beyond, half_way = -72.5, -22.5


class GuidingTests(TelescopeTestCase):
    settings = {"guide_rate": 0.003}  # noqa: RUF012

    def test_half_way(self) -> None:
        """Half a pulse has moved it half as far; once over, it stays."""
        star = self.slew_to(-1.0, 20.0)
        self.put("pulseguide", Direction=0, Duration=2000)
        self.assertTrue(self.get("ispulseguiding"))
        self.clock.advance(1)
        self.assertAlmostEqual(self.get("declination"), 20.003)
        self.clock.advance(100)
        self.assertStar(star, 20.006)

    def test_two_at_once(self) -> None:
        """One pulse on each axis, at the same time, each with its own end."""
        star = self.slew_to(-1.0, 20.0)
        self.put("pulseguide", Direction=2, Duration=2000)
        self.clock.advance(1)
        self.put("pulseguide", Direction=0, Duration=2000)
        self.clock.advance(1.5)
        self.assertTrue(self.get("ispulseguiding"))
        self.assertStar(star + 0.006 / 15, 20.0045)
        self.clock.advance(0.5)
        self.assertFalse(self.get("ispulseguiding"))
        self.assertStar(star + 0.006 / 15, 20.006)

    def test_second_on_an_axis(self) -> None:
        """A second pulse on the same axis takes the place of the first."""
        self.slew_to(-1.0, 20.0)
        self.put("pulseguide", Direction=0, Duration=2000)
        self.clock.advance(1)
        self.put("pulseguide", Direction=1, Duration=1000)
        self.clock.advance(1)
        self.assertEqual((self.get("ispulseguiding"), round(self.get("declination"), 9)), (False, 20.0))

    def test_rates(self) -> None:
        """Each guide rate can be set, and the next pulse has it."""
        self.slew_to(-1.0, 20.0)
        self.put("guideratedeclination", GuideRateDeclination=0.01)
        self.put("guideraterightascension", GuideRateRightAscension=0.02)
        self.assertEqual((self.get("guideratedeclination"), self.get("guideraterightascension")), (0.01, 0.02))
        self.put("pulseguide", Direction=1, Duration=1000)
        self.clock.advance(1)
        self.assertAlmostEqual(self.get("declination"), 19.99)

    def test_ended_by_standing_still(self) -> None:
        """To stop tracking ends a pulse where it is; without tracking there is none."""
        self.slew_to(-1.0, 20.0)
        self.put("pulseguide", Direction=0, Duration=2000)
        self.clock.advance(1)
        self.put("tracking", Tracking=False)
        self.clock.advance(1)
        self.assertEqual((self.get("ispulseguiding"), round(self.get("declination"), 9)), (False, 20.003))
        self.assertEqual(self.refused("pulseguide", Direction=0, Duration=2000), INVALID_OPERATION)

    def test_not_while_slewing(self) -> None:
        """A pulse is refused while the mount slews."""
        self.put("tracking", Tracking=True)
        self.put("slewtocoordinatesasync", RightAscension=1.0, Declination=10.0)
        self.assertEqual(self.refused("pulseguide", Direction=0, Duration=2000), INVALID_OPERATION)


class SlewTests(TelescopeTestCase):
    settings = {"slew_rate": 10.0, "min_slew_time": 3.0, "max_slew_time": 8.0}  # noqa: RUF012

    def slew_time(self, hours: float, declination: float) -> float:
        self.put("slewtocoordinatesasync", RightAscension=self.at_hour_angle(hours), Declination=declination)
        self.assertTrue(self.get("slewing"))
        return self.wait()

    def test_times(self) -> None:
        """A slew takes as long as the way at the slew rate, but neither less nor more than the settings say."""
        self.slew_to(0.0, 0.0)
        self.assertEqual(self.slew_time(0.01, 0.0), 3.0)
        self.assertEqual(self.slew_time(0.0, 45.0), 4.625)  # 4.5 and a little, looked at every eighth of a second
        self.assertEqual(self.slew_time(0.0, -60.0), 8.0)

    def test_exactly_there(self) -> None:
        """It ends exactly on the coordinates, tracking, and the target is what was asked for."""
        self.put("tracking", Tracking=True)
        self.put("slewtocoordinatesasync", RightAscension=7.123456789, Declination=-12.3456789)
        self.clock.advance(20)
        self.assertEqual((self.star(), self.get("tracking")), ((7.123456789, -12.3456789), True))
        self.assertEqual((self.get("targetrightascension"), self.get("targetdeclination")), (7.123456789, -12.3456789))

    def test_late_look(self) -> None:
        """An offset counts from the moment the slew has ended, whenever somebody looks."""
        self.put("tracking", Tracking=True)
        self.put("declinationrate", DeclinationRate=36.0)
        self.put("slewtocoordinatesasync", RightAscension=self.get("rightascension"), Declination=80.0)
        self.clock.advance(13)
        self.assertAlmostEqual(self.get("declination"), 80.1, 9)

    def test_on_the_way(self) -> None:
        """On the way it moves evenly, by the shorter way round, and all it says stays in range."""
        self.slew_to(-0.5, 0.0)
        here, there = self.star(), ((self.star()[0] - 4.0) % 24, 50.0)
        self.put("slewtocoordinatesasync", RightAscension=there[0], Declination=there[1])
        whole = sky.distance(here[0] * 15, here[1], there[0] * 15, there[1]) / 10
        self.clock.advance(whole / 4)
        self.assertStar(here[0] - 1.0, 12.5)
        self.clock.advance(whole / 4)
        self.assertStar(here[0] - 2.0, 25.0)
        self.assertEqual(len([item for item in self.get("devicestate") if item["Name"] in ("Altitude", "SideOfPier")]), 2)

    def test_new_target(self) -> None:
        """A new slew while one is under way begins where that has come to."""
        self.slew_to(-1.0, 0.0)
        self.put("slewtocoordinatesasync", RightAscension=self.star()[0], Declination=60.0)
        self.clock.advance(3)
        star = self.star()
        self.put("slewtocoordinatesasync", RightAscension=star[0], Declination=0.0)
        self.assertStar(*star)
        self.wait()
        self.assertStar(star[0], 0.0)

    def test_synchronous(self) -> None:
        """A synchronous slew is answered when the mount is there."""
        self.put("tracking", Tracking=True)
        began = self.clock.seconds()
        self.assertEqual(self.wait_for("slewtocoordinates", RightAscension=5.0, Declination=2.0), 0)
        self.assertEqual((self.get("slewing"), self.star()), (False, (5.0, 2.0)))
        self.assertGreaterEqual(self.clock.seconds() - began, 3.0)

    def test_targets(self) -> None:
        """To slew to the target, with or without waiting, is to slew to its coordinates."""
        self.put("tracking", Tracking=True)
        self.assertEqual(self.refused("slewtotargetasync"), NOT_SET)
        self.put("targetrightascension", TargetRightAscension=5.0)
        self.put("targetdeclination", TargetDeclination=2.0)
        self.put("slewtotargetasync")
        self.assertTrue(self.get("slewing"))
        self.wait()
        self.assertEqual(self.star(), (5.0, 2.0))
        self.put("targetdeclination", TargetDeclination=3.0)
        self.assertEqual((self.wait_for("slewtotarget"), self.star()), (0, (5.0, 3.0)))

    def test_only_while_tracking(self) -> None:
        """To a star only while it tracks, to a place above the ground only while it does not."""
        self.assertEqual(self.refused("slewtocoordinatesasync", RightAscension=1.0, Declination=2.0), INVALID_OPERATION)
        self.put("tracking", Tracking=True)
        self.assertEqual(self.refused("slewtoaltazasync", Azimuth=150.0, Altitude=50.0), INVALID_OPERATION)

    def test_above_ground(self) -> None:
        """A slew to azimuth and altitude ends there, not tracking, and stays there; the target is untouched."""
        self.put("slewtoaltazasync", Azimuth=155.0, Altitude=55.0)
        self.assertTrue(self.get("slewing"))
        self.clock.advance(100)
        self.assertEqual((self.get("slewing"), self.get("tracking")), (False, False))
        self.assertAboveGround(155.0, 55.0)
        self.clock.advance(3600)
        self.assertAboveGround(155.0, 55.0)
        self.assertEqual(self.server.get("telescope/0/targetdeclination").error, NOT_SET)
        self.assertEqual(self.wait_for("slewtoaltaz", Azimuth=150.0, Altitude=50.0), 0)
        self.assertAboveGround(150.0, 50.0)

    def test_above_ground_on_the_way(self) -> None:
        """On the way to a place above the ground it goes straight through north if that is shorter."""
        self.put("slewtoaltazasync", Azimuth=20.0, Altitude=30.0)
        self.wait()
        self.put("slewtoaltazasync", Azimuth=340.0, Altitude=50.0)
        self.clock.advance(sky.distance(20.0, 30.0, 340.0, 50.0) / 10 / 2)
        self.assertAboveGround(0.0, 40.0)

    def test_settling(self) -> None:
        """It still says slewing while it settles, but is there and tracks."""
        self.put("slewsettletime", SlewSettleTime=4)
        self.assertEqual(self.get("slewsettletime"), 4)
        self.put("tracking", Tracking=True)
        self.put("slewtocoordinatesasync", RightAscension=5.0, Declination=80.0)
        self.put("slewsettletime", SlewSettleTime=0)
        self.clock.advance(4.0)  # it took 3
        self.assertEqual((self.get("slewing"), self.star()), (True, (5.0, 80.0)))
        self.assertEqual(self.wait(), 3.0)
        self.assertEqual(self.star(), (5.0, 80.0))


class AbortTests(TelescopeTestCase):
    def test_slew(self) -> None:
        """An aborted slew stops at once where it is, and tracks there."""
        self.slew_to(-3.0, 0.0)
        self.put("slewtocoordinatesasync", RightAscension=self.star()[0], Declination=60.0)
        self.clock.advance(3)
        self.put("abortslew")
        self.assertEqual((self.get("slewing"), self.get("tracking"), self.get("declination")), (False, True, 30.0))
        self.clock.advance(100)
        self.assertEqual(self.get("declination"), 30.0)

    def test_tracking_is_restored(self) -> None:
        """An aborted way home or to the park position tracks again if it did before, and arrives at neither."""
        for tracking in (True, False):
            for member in ("findhome", "park"):
                self.slew_to(-3.0, 0.0)
                self.put("tracking", Tracking=tracking)
                self.put(member)
                self.assertFalse(self.get("tracking"))
                self.clock.advance(2)
                self.put("abortslew")
                self.clock.advance(60)
                found = [self.get(each) for each in ("tracking", "slewing", "athome", "atpark")]
                self.assertEqual(found, [tracking, False, False, False])

    def test_axes(self) -> None:
        """It stops what MoveAxis moves."""
        self.put("moveaxis", Axis=0, Rate=1.0)
        self.put("moveaxis", Axis=1, Rate=-1.0)
        self.put("abortslew")
        place = self.above_ground()
        self.clock.advance(10)
        self.assertFalse(self.get("slewing"))
        self.assertAboveGround(*place)

    def test_idle(self) -> None:
        """With nothing to abort it changes nothing, not even that it is at home."""
        self.put("findhome")
        self.wait()
        self.put("abortslew")
        self.assertEqual((self.get("athome"), self.get("tracking")), (True, False))


class SyncTests(TelescopeTestCase):
    def test_star(self) -> None:
        """A sync changes at once where it says it points, not the pointing state, and later slews are right."""
        star = self.slew_to(3.0, 25.0)
        self.put("synctocoordinates", RightAscension=star - 4 / 60, Declination=24.0)
        self.assertEqual((self.star(), self.get("slewing"), self.get("sideofpier")), ((star - 4 / 60, 24.0), False, EAST))
        self.assertEqual(self.get("targetdeclination"), 24.0)
        self.put("slewtocoordinatesasync", RightAscension=star, Declination=25.0)
        self.wait()
        self.assertEqual(self.star(), (star, 25.0))

    def test_keeps_the_pointing_state(self) -> None:
        """A sync over the meridian does not flip the mount."""
        star = self.slew_to(-0.02, 25.0)
        self.put("synctocoordinates", RightAscension=star - 0.2, Declination=25.0)
        self.assertEqual(self.get("sideofpier"), WEST)

    def test_target(self) -> None:
        """A sync to the target is one to its coordinates."""
        self.slew_to(3.0, 25.0)
        self.put("targetrightascension", TargetRightAscension=5.0)
        self.put("targetdeclination", TargetDeclination=2.0)
        self.put("synctotarget")
        self.assertEqual(self.star(), (5.0, 2.0))

    def test_above_ground(self) -> None:
        """So it is with azimuth and altitude, while it does not track."""
        self.put("slewtoaltazasync", Azimuth=155.0, Altitude=55.0)
        self.wait()
        self.put("synctoaltaz", Azimuth=156.0, Altitude=54.0)
        self.assertAboveGround(156.0, 54.0)
        self.clock.advance(60)
        self.assertAboveGround(156.0, 54.0)


class PierTests(TelescopeTestCase):
    def test_model(self) -> None:
        """The pointing state is West before the meridian and East after it, as was foretold, and is none at six hours."""
        seen = []
        for hours in (-3.0, -9.0, 3.0, 9.0):
            self.slew_to(-3.0, 65.0)
            star = self.at_hour_angle(hours)
            foretold = self.get("destinationsideofpier", RightAscension=star, Declination=60.0)
            self.put("slewtocoordinatesasync", RightAscension=star, Declination=60.0)
            self.wait()
            seen.append((foretold, self.get("sideofpier")))
        self.assertEqual(seen, [(WEST, WEST), (WEST, WEST), (EAST, EAST), (EAST, EAST)])

    def test_over_the_meridian(self) -> None:
        """Tracking over the meridian keeps the state; then it can be flipped, to the same star and back."""
        star = self.slew_to(-0.03, 0.0)
        self.clock.advance(420)
        for before, after in ((WEST, EAST), (EAST, WEST)):
            self.assertEqual(self.get("sideofpier"), before)
            self.put("sideofpier", SideOfPier=int(after))
            self.assertEqual((self.get("slewing"), self.get("sideofpier")), (True, before))
            self.assertEqual(self.wait(), 5.0)
            self.assertEqual((self.get("sideofpier"), self.star(), self.get("tracking")), (after, (star, 0.0), True))

    def test_the_side_it_is_on(self) -> None:
        """To ask for the side it is on moves nothing."""
        self.slew_to(3.0, 0.0)
        self.put("sideofpier", SideOfPier=0)
        self.assertFalse(self.get("slewing"))

    def test_flip_without_tracking(self) -> None:
        """A mount that stands still flips to the same place above the ground and goes on standing still."""
        self.slew_to(3.0, 10.0)
        self.put("tracking", Tracking=False)
        place = self.above_ground()
        self.put("sideofpier", SideOfPier=1)
        self.wait()
        self.assertEqual((self.get("sideofpier"), self.get("tracking")), (WEST, False))
        self.assertAboveGround(*place)

    def test_above_ground(self) -> None:
        """A slew to azimuth and altitude sets the state by the hour angle, too."""
        states = []
        for azimuth in (120.0, 240.0):
            self.put("slewtoaltazasync", Azimuth=azimuth, Altitude=40.0)
            self.wait()
            states.append(self.get("sideofpier"))
        self.assertEqual(states, [WEST, EAST])


class ParkTests(TelescopeTestCase):
    def test_park(self) -> None:
        """Parking stops tracking and offsets; it is parked in the very moment it stops slewing, and stays where it is."""
        self.slew_to(-3.0, 65.0)
        self.put("declinationrate", DeclinationRate=1.0)
        self.put("slewsettletime", SlewSettleTime=2)
        self.put("park")
        self.assertEqual([self.get(each) for each in ("slewing", "tracking", "atpark")], [True, False, False])
        while self.get("slewing"):
            self.assertFalse(self.get("atpark"))
            self.clock.advance(0.125)
        self.assertTrue(self.get("atpark"))
        self.clock.advance(3600)
        self.assertAboveGround(180.0, 30.0)
        self.assertEqual(self.get("declinationrate"), 0.0)
        self.put("park")
        self.assertEqual((self.get("atpark"), self.get("slewing")), (True, False))

    def test_parked(self) -> None:
        """Parked, it refuses to move or to track, but targets can be set and tracking turned off."""
        self.put("park")
        self.wait()
        self.put("targetrightascension", TargetRightAscension=1.0)
        self.put("targetdeclination", TargetDeclination=1.0)
        self.put("tracking", Tracking=False)
        star = {"RightAscension": 1.0, "Declination": 1.0}
        asked: dict[str, dict[str, Any]] = {
            "abortslew": {},
            "findhome": {},
            "moveaxis": {"Axis": 0, "Rate": 0.0},
            "pulseguide": {"Direction": 2, "Duration": 0},
            "slewtocoordinates": star,
            "slewtocoordinatesasync": star,
            "slewtotarget": {},
            "slewtotargetasync": {},
            "synctocoordinates": star,
            "synctotarget": {},
            "tracking": {"Tracking": True},
            "sideofpier": {"SideOfPier": 0},
        }
        self.assertEqual({member: self.refused(member, **form) for member, form in asked.items()}, dict.fromkeys(asked, PARKED))
        self.assertTrue(self.get("atpark"))

    def test_unpark(self) -> None:
        """Unparked at once, where it was, not tracking; once more is harmless; then all works as before."""
        self.put("park")
        self.wait()
        self.put("unpark")
        self.put("unpark")
        self.assertEqual([self.get(each) for each in ("atpark", "slewing", "tracking")], [False, False, False])
        self.assertAboveGround(180.0, 30.0)
        star = self.slew_to(-3.0, 65.0)
        self.assertEqual(self.star(), (star, 65.0))

    def test_tracking_on_the_way(self) -> None:
        """To turn tracking on while it parks does not keep it from being parked, not tracking."""
        self.put("park")
        self.put("tracking", Tracking=True)
        self.wait()
        self.assertEqual((self.get("atpark"), self.get("tracking")), (True, False))

    def test_set_park(self) -> None:
        """Where it points now is where it parks from now on, until a new link."""
        self.put("slewtoaltazasync", Azimuth=100.0, Altitude=20.0)
        self.wait()
        self.put("setpark")
        self.assertFalse(self.get("atpark"))
        self.slew_to(2.0, 0.0)
        self.put("park")
        self.wait()
        self.assertAboveGround(100.0, 20.0)

    def test_home(self) -> None:
        """Home is found without tracking and is not parked; it survives to turn tracking off, and the next motion leaves it."""
        self.slew_to(2.0, 0.0)
        self.put("tracking", Tracking=False)
        self.put("findhome")
        self.assertEqual((self.get("slewing"), self.get("athome")), (True, False))
        self.wait()
        self.put("tracking", Tracking=False)
        self.assertEqual([self.get(each) for each in ("athome", "atpark", "tracking")], [True, False, False])
        self.assertAboveGround(0.0, 51.5)
        self.put("tracking", Tracking=True)
        self.assertFalse(self.get("athome"))

    def test_moved_from_home(self) -> None:
        """MoveAxis leaves home, for good; to stop what does not move does not."""
        self.put("findhome")
        self.wait()
        self.put("moveaxis", Axis=0, Rate=0.0)
        self.assertTrue(self.get("athome"))
        self.put("moveaxis", Axis=0, Rate=1.0)
        self.put("moveaxis", Axis=0, Rate=0.0)
        self.assertFalse(self.get("athome"))


class MoveAxisTests(TelescopeTestCase):
    def test_as_the_checker_does(self) -> None:
        """Slewing while a rate is set, on both axes, at the slowest and the fastest; the Tracking flag stays as it is."""
        for axis in (0, 1):
            for tracking in (True, False):
                self.put("tracking", Tracking=tracking)
                for rate in (5.0, -5.0, 0.25):
                    self.put("moveaxis", Axis=axis, Rate=rate)
                    self.assertTrue(self.get("slewing"))
                    self.clock.advance(2)
                    self.put("moveaxis", Axis=axis, Rate=0.0)
                    self.assertEqual((self.get("slewing"), self.get("tracking")), (False, tracking))
                self.put("moveaxis", Axis=axis, Rate=0.0)
            self.assertEqual([self.refused("moveaxis", Axis=axis, Rate=rate) for rate in (6.0, -6.0)], [INVALID_VALUE] * 2)
        self.assertEqual(self.refused("moveaxis", Axis=2, Rate=0.0), NOT_IMPLEMENTED)

    def test_primary(self) -> None:
        """The first axis turns west instead of tracking; afterwards it tracks where it is."""
        star = self.slew_to(1.0, 20.0)
        self.put("moveaxis", Axis=0, Rate=3.0)
        self.clock.advance(5)
        turned = star - 1.0 + 5 / 3600 * 1.00273790935  # an hour west, and the sky went on
        self.assertStar(turned, 20.0, 0.001 * ARCSECOND)
        self.put("moveaxis", Axis=0, Rate=0.0)
        self.clock.advance(100)
        self.assertStar(turned, 20.0, 0.001 * ARCSECOND)

    def test_primary_without_tracking(self) -> None:
        """Without tracking it turns by the same angle above the ground."""
        self.slew_to(1.0, 0.0)
        self.put("tracking", Tracking=False)
        hours = sky.hour_angle(self.get("siderealtime"), self.star()[0])
        self.put("moveaxis", Axis=0, Rate=-3.0)
        self.clock.advance(5)
        self.assertAlmostEqual(sky.hour_angle(self.get("siderealtime"), self.star()[0]), hours - 1.0)

    def test_secondary(self) -> None:
        """The second axis turns north, and south in the state through the pole; the first one tracks on."""
        for hours, sign in ((3.0, 1), (-3.0, -1)):
            star = self.slew_to(hours, 20.0)
            self.put("moveaxis", Axis=1, Rate=2.0)
            self.clock.advance(5)
            self.assertStar(star, 20.0 + sign * 10.0)
            self.put("moveaxis", Axis=1, Rate=0.0)
            self.clock.advance(60)
            self.assertStar(star, 20.0 + sign * 10.0)

    def test_over_the_pole(self) -> None:
        """Past the pole declination falls again, right ascension is that of the other side, and the state has changed."""
        star = self.slew_to(3.0, 85.0)
        self.put("moveaxis", Axis=1, Rate=5.0)
        for declination, right_ascension, side in ((90.0, None, EAST), (85.0, star + 12, WEST), (80.0, star + 12, WEST)):
            self.clock.advance(1)
            self.assertAlmostEqual(self.get("declination"), declination)
            if right_ascension is not None:
                self.assertStar(right_ascension, declination)
                self.assertEqual(self.get("sideofpier"), side)
        self.put("moveaxis", Axis=1, Rate=-5.0)
        self.clock.advance(3)
        self.put("moveaxis", Axis=1, Rate=0.0)
        self.assertStar(star, 85.0)
        self.assertEqual(self.get("sideofpier"), EAST)

    def test_long(self) -> None:
        """However long it turns, all it says stays in range."""
        self.put("moveaxis", Axis=0, Rate=4.0)
        self.put("moveaxis", Axis=1, Rate=5.0)
        for _ in range(100):
            self.clock.advance(7.77)
            star, place = self.star(), self.above_ground()
            self.assertTrue(0 <= star[0] < 24 and -90 <= star[1] <= 90, star)
            self.assertTrue(0 <= place[0] < 360 and -90 <= place[1] <= 90, place)

    def test_both_axes(self) -> None:
        """Each axis has its own rate; it slews until both have stopped."""
        self.put("moveaxis", Axis=0, Rate=1.0)
        self.put("moveaxis", Axis=1, Rate=1.0)
        self.put("moveaxis", Axis=0, Rate=0.0)
        self.assertTrue(self.get("slewing"))
        self.put("moveaxis", Axis=1, Rate=0.0)
        self.assertFalse(self.get("slewing"))

    def test_slew_takes_over(self) -> None:
        """A slew ends what MoveAxis began."""
        self.put("tracking", Tracking=True)
        self.put("moveaxis", Axis=0, Rate=1.0)
        star = self.slew_to(-3.0, 20.0)
        self.assertEqual((self.get("slewing"), self.star()), (False, (star, 20.0)))

    def test_takes_over_from_a_slew(self) -> None:
        """MoveAxis ends a slew where that has come to."""
        self.slew_to(3.0, 0.0)
        self.put("slewtocoordinatesasync", RightAscension=self.star()[0], Declination=60.0)
        self.clock.advance(3)
        self.put("moveaxis", Axis=1, Rate=1.0)
        self.clock.advance(1)
        self.assertAlmostEqual(self.get("declination"), 31.0)
        self.put("moveaxis", Axis=1, Rate=0.0)
        self.clock.advance(60)
        self.assertEqual((self.get("slewing"), round(self.get("declination"), 9)), (False, 31.0))


class SiteTests(TelescopeTestCase):
    def test_exact(self) -> None:
        """What is set is read back to the last bit."""
        for member, value in (
            ("SiteElevation", 2385.0),
            ("SiteLatitude", 41.123456789012345),
            ("SiteLongitude", -9.87654321098765),
        ):
            self.put(member.lower(), **{member: value})
            self.assertEqual(self.get(member.lower()), value)

    def test_longitude(self) -> None:
        """Another longitude is another sidereal time; a mount that tracks keeps its star, one that does not its place."""
        star = self.slew_to(-1.0, 20.0)
        sidereal = self.get("siderealtime")
        self.put("sitelongitude", SiteLongitude=10.0)
        self.assertAlmostEqual(apart(self.get("siderealtime"), sidereal, 24.0), 10 / 15)
        self.assertEqual(self.star(), (star, 20.0))
        self.put("tracking", Tracking=False)
        place = self.above_ground()
        self.put("sitelongitude", SiteLongitude=0.0)
        self.assertAboveGround(*place)

    def test_latitude(self) -> None:
        """Another latitude is another height of the pole."""
        star = self.slew_to(-1.0, 90.0)
        self.put("sitelatitude", SiteLatitude=41.5)
        self.assertEqual((self.star(), round(self.get("altitude"), 9)), ((star, 90.0), 41.5))

    def test_date(self) -> None:
        """The date can be set and then goes on; sidereal time and the stars take no notice."""
        star = self.slew_to(-1.0, 20.0)
        sidereal = self.get("siderealtime")
        self.put("utcdate", UTCDate="2026-06-01T12:00:00.000Z")
        self.assertEqual((self.get("siderealtime"), self.star()), (sidereal, (star, 20.0)))
        self.clock.advance(60)
        self.assertEqual(self.get("utcdate").rstrip("Z")[:19], "2026-06-01T12:01:00")

    def test_true_date(self) -> None:
        """Unless it is set, the date is the time of day."""
        seconds = timedelta(seconds=self.clock.seconds())
        self.assertEqual(datetime.fromisoformat(self.get("utcdate")).astimezone(UTC), MIDNIGHT + seconds)

    def test_absurd_date(self) -> None:
        """A date that the calendar does not have is refused and changes nothing."""
        self.assertEqual(self.refused("utcdate", UTCDate="9999-12-31T23:59:59Z"), INVALID_VALUE)
        self.assertEqual(self.get("utcdate")[:4], "2026")

    def test_one_look_at_the_clock(self) -> None:
        """No answer is put together from two moments: each looks at the time of day once."""
        driver = self.server.driver("telescope")
        looks: list[None] = []

        def counted() -> datetime:
            looks.append(None)
            return self.server.utc()

        driver.utc = counted
        for tracking in (True, False):
            self.put("tracking", Tracking=tracking)
            for member in ("rightascension", "declination", "altitude", "azimuth", "siderealtime"):
                looks.clear()
                self.get(member)
                self.assertEqual(len(looks), 1, member)

    def test_one_instant(self) -> None:
        """What a mount that stands still says of the stars and of the sidereal time belongs together."""
        self.put("slewtoaltazasync", Azimuth=120.0, Altitude=40.0)
        self.wait()
        for _ in range(20):
            self.clock.advance(123.456)
            hours, declination = sky.equatorial(120.0, 40.0, 51.5)
            self.assertStar(self.at_hour_angle(hours), declination)


class ForkTests(TelescopeTestCase):
    settings = {"alignment": "fork"}  # noqa: RUF012
    mode = 1

    def test_no_pier(self) -> None:
        """Without a pier there are no sides of it; all else is there."""
        self.assertEqual((self.get("alignmentmode"), self.get("cansetpierside")), (self.mode, False))
        found = [
            self.server.get("telescope/0/sideofpier").error,
            self.server.get("telescope/0/destinationsideofpier", RightAscension=1.0, Declination=1.0).error,
            self.refused("sideofpier", SideOfPier=0),
        ]
        self.assertEqual(found, [NOT_IMPLEMENTED] * 3)
        self.assertNotIn("SideOfPier", [item["Name"] for item in self.get("devicestate")])

    def test_tracks(self) -> None:
        """It slews to a star on either side and tracks it."""
        for hours in (-3.0, 3.0):
            star = self.slew_to(hours, 20.0)
            self.clock.advance(100)
            self.assertEqual(self.star(), (star, 20.0))

    def test_parks(self) -> None:
        """It parks where the settings say."""
        self.put("park")
        self.wait()
        self.assertTrue(self.get("atpark"))
        self.assertAboveGround(180.0, 30.0)

    def test_axes(self) -> None:
        """The second axis turns north on either side of the meridian."""
        for hours in (-3.0, 3.0):
            star = self.slew_to(hours, 20.0)
            self.put("moveaxis", Axis=1, Rate=2.0)
            self.clock.advance(5)
            self.put("moveaxis", Axis=1, Rate=0.0)
            self.assertStar(star, 30.0)


class AltAzTests(ForkTests):
    settings = {"alignment": "altaz"}  # noqa: RUF012
    mode = 0

    def test_axes(self) -> None:
        """Its axes are azimuth and altitude; while one is turned neither tracks, and afterwards it tracks where it is."""
        self.slew_to(-3.0, 20.0)
        azimuth, altitude = self.above_ground()
        self.put("moveaxis", Axis=0, Rate=2.0)
        self.clock.advance(5)
        self.assertAboveGround(azimuth + 10.0, altitude)
        self.put("moveaxis", Axis=0, Rate=0.0)
        self.put("moveaxis", Axis=1, Rate=-1.0)
        self.clock.advance(5)
        self.assertAboveGround(azimuth + 10.0, altitude - 5.0)
        self.put("moveaxis", Axis=1, Rate=0.0)
        star = self.star()
        self.clock.advance(60)
        self.assertEqual((self.get("tracking"), self.star()), (True, star))

    def test_over_the_zenith(self) -> None:
        """Past the zenith altitude falls again on the other side."""
        self.put("slewtoaltazasync", Azimuth=100.0, Altitude=85.0)
        self.wait()
        self.put("moveaxis", Axis=1, Rate=5.0)
        self.clock.advance(3)
        self.put("moveaxis", Axis=1, Rate=0.0)
        self.assertAboveGround(280.0, 80.0)
