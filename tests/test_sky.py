"""The arithmetic of the sky, against the routines of the International Astronomical Union."""

# Facts
#   pyerfa is the oracle: gst06a is apparent sidereal time at Greenwich (IAU 2006/2000A), hd2ae and ae2hd turn between the frames.
#   Terrestrial time is taken as UTC + 69.184 s, which is right since 2017 and harmless before.

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from drivers.simulators import sky

ARCSECOND = 1 / 3600  # degrees
SAMPLES = 300


def erfa() -> Any:
    try:
        import erfa as found  # type: ignore[import-untyped]
    except ImportError:
        raise SkipTest("install pyerfa to compare the sky with its routines") from None
    return found


def some_day(random: Random) -> datetime:
    """A moment from 1990 to 2050."""
    return datetime(1990, 1, 1, tzinfo=UTC) + timedelta(seconds=random.uniform(0, 60 * 365.25 * 86400))


def true_sidereal_time(utc: datetime, longitude: float) -> float:
    """Hours, by pyerfa."""
    days = (utc - sky.J2000) / timedelta(days=1)
    greenwich = erfa().gst06a(2451545.0, days, 2451545.0, days + 69.184 / 86400)
    return (math.degrees(greenwich) + longitude) / 15 % 24


def apart(one: float, other: float, full: float = 360.0) -> float:
    """How far two angles are from each other on the circle."""
    return abs((one - other + full / 2) % full - full / 2)


class AgainstErfaTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.erfa = erfa()
        self.random = Random(20260101)

    def test_sidereal_time(self) -> None:
        """Sidereal time is the apparent one, to an arcsecond, at any place and date from 1990 to 2050."""
        worst = 0.0
        for _ in range(SAMPLES):
            utc, longitude = some_day(self.random), self.random.uniform(-180, 180)
            ours = sky.sidereal_time(utc, longitude)
            worst = max(worst, apart(ours * 15, true_sidereal_time(utc, longitude) * 15))
        self.assertLess(worst, ARCSECOND)

    def test_horizontal(self) -> None:
        """Hour angle and declination become the azimuth and altitude of pyerfa, to a milliarcsecond, in both hemispheres."""
        worst = 0.0
        for _ in range(SAMPLES):
            hours, declination, latitude = (
                self.random.uniform(-12, 12),
                self.random.uniform(-90, 90),
                self.random.uniform(-90, 90),
            )
            ours = sky.horizontal(hours, declination, latitude)
            theirs = self.erfa.hd2ae(*map(math.radians, (hours * 15, declination, latitude)))
            worst = max(worst, sky.distance(*ours, *map(math.degrees, theirs)))
        self.assertLess(worst, ARCSECOND / 1000)

    def test_equatorial(self) -> None:
        """Azimuth and altitude become the hour angle and declination of pyerfa, to a milliarcsecond, in both hemispheres."""
        worst = 0.0
        for _ in range(SAMPLES):
            azimuth, altitude, latitude = self.random.uniform(0, 360), self.random.uniform(-90, 90), self.random.uniform(-90, 90)
            hours, declination = sky.equatorial(azimuth, altitude, latitude)
            theirs = self.erfa.ae2hd(*map(math.radians, (azimuth, altitude, latitude)))
            worst = max(worst, sky.distance(hours * 15, declination, *map(math.degrees, theirs)))
        self.assertLess(worst, ARCSECOND / 1000)

    def test_star_on_a_date(self) -> None:
        """From a right ascension and a point in time to azimuth and altitude, to an arcsecond all in all."""
        worst = 0.0
        for _ in range(SAMPLES):
            utc, longitude, latitude = some_day(self.random), self.random.uniform(-180, 180), self.random.uniform(-90, 90)
            right_ascension, declination = self.random.uniform(0, 24), self.random.uniform(-90, 90)
            hours = sky.hour_angle(sky.sidereal_time(utc, longitude), right_ascension)
            ours = sky.horizontal(hours, declination, latitude)
            true_hours = true_sidereal_time(utc, longitude) - right_ascension
            theirs = self.erfa.hd2ae(*map(math.radians, (true_hours * 15, declination, latitude)))
            worst = max(worst, sky.distance(*ours, *map(math.degrees, theirs)))
        self.assertLess(worst, ARCSECOND)

    def test_distance(self) -> None:
        """The great circle is pyerfa's, to a microarcsecond, from next to nothing to half way round."""
        worst = 0.0
        for number in range(SAMPLES):
            around, above = self.random.uniform(-360, 360), self.random.uniform(-90, 90)
            near = 10.0 ** -(number % 10)
            to_around, to_above = around + 180 * near, above + near * (self.random.uniform(-90, 90) - above)
            theirs = self.erfa.seps(*map(math.radians, (around, above, to_around, to_above)))
            worst = max(worst, abs(sky.distance(around, above, to_around, to_above) - math.degrees(theirs)))
        self.assertLess(worst, ARCSECOND / 1e6)


class SkyTests(SynchronousTestCase):
    def test_pole_and_compass(self) -> None:
        """The pole is as high as the latitude; what culminates stands south in the north and north in the south."""
        for latitude, pole, culminating in ((51.5, 0.0, 180.0), (-33.0, 180.0, 0.0)):
            azimuth, altitude = sky.horizontal(5.0, math.copysign(90.0, latitude), latitude)
            self.assertLess(apart(azimuth, pole), 1e-9)
            self.assertAlmostEqual(altitude, abs(latitude), 10)
            azimuth, altitude = sky.horizontal(0.0, 0.0, latitude)
            self.assertEqual(azimuth, culminating)
            self.assertAlmostEqual(altitude, 90 - abs(latitude), 10)

    def test_east_is_east(self) -> None:
        """A star with a negative hour angle is in the east, in both hemispheres."""
        for latitude in (51.5, -33.0):
            self.assertAlmostEqual(sky.horizontal(-6.0, 0.0, latitude)[0], 90.0)
            self.assertAlmostEqual(sky.horizontal(6.0, 0.0, latitude)[0], 270.0)

    def test_there_and_back(self) -> None:
        """To the horizon's frame and back is where it began, also within an arcsecond of a pole."""
        random = Random(7)
        for number in range(SAMPLES):
            hours, latitude = random.uniform(-12, 12), random.uniform(-89, 89)
            declination = random.uniform(-90, 90) if number % 2 else math.copysign(90 - random.random() * ARCSECOND, latitude)
            again = sky.equatorial(*sky.horizontal(hours, declination, latitude), latitude)
            self.assertLess(sky.distance(again[0] * 15, again[1], hours * 15, declination), 1e-11)

    def test_a_day(self) -> None:
        """A day is 3 minutes 56.555 seconds of sidereal time longer than a turn, and 1 s west is 1 s less."""
        utc = datetime(2026, 3, 1, tzinfo=UTC)
        gained = sky.sidereal_time(utc + timedelta(days=1), 0.0) - sky.sidereal_time(utc, 0.0)
        self.assertAlmostEqual(gained * 3600, 236.555, 1)
        self.assertAlmostEqual((sky.sidereal_time(utc, 0.0) - sky.sidereal_time(utc, -15 / 3600)) * 3600, 1.0, 9)

    def test_wrapped(self) -> None:
        """What is on the circle stays exactly as it is; the end of the circle is its start, also for what rounds to it."""
        self.assertEqual([sky.wrapped(value, 24.0) for value in (0.1, 24.0, -1.0, 49.0, -1e-300)], [0.1, 0.0, 23.0, 1.0, 0.0])
        self.assertEqual([sky.wrapped(value, 24.0, -12.0) for value in (12.0, -12.0, 13.0, -13.0)], [-12.0, -12.0, -11.0, 11.0])

    def test_hour_angle(self) -> None:
        """Negative before the meridian, also when right ascension and sidereal time are on two sides of 24 hours."""
        self.assertEqual([sky.hour_angle(*each) for each in ((1.0, 23.0), (23.0, 1.0), (6.0, 18.0))], [2.0, -2.0, -12.0])

    def test_folded(self) -> None:
        """An axis that turns on past the pole comes down on the other side, and is back after a full turn."""
        angles = (0.0, 90.0, 100.0, 180.0, 260.0, 270.0, 350.0, -100.0, 721.0)
        folded = [(0.0, False), (90.0, False), (80.0, True), (0.0, True), (-80.0, True), (-90.0, False), (-10.0, False)]
        self.assertEqual([sky.folded(angle) for angle in angles], [*folded, (-80.0, True), (1.0, False)])
