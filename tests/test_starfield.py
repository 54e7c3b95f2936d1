"""The sky of the camera simulator: the same stars at the same places, however it is looked at."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from twisted.trial.unittest import SynchronousTestCase

from drivers.simulators.chance import chance
from drivers.simulators.exposure import Pointing, Sensor
from drivers.simulators.starfield import LIGHT, REACH, Stars, stars_on
from pylpaca.values import SensorType
from tests.test_sky import erfa

PIXEL = 206264.806  # the focal length, in pixels, at which a pixel covers one arcsecond
SENSOR = Sensor(1000, 800, SensorType.Monochrome, 50_000, 65_535, PIXEL, 200, 1)

# The middle of the sky, both ends of right ascension, and the poles: on them, beside them, and with them just in view.
PLACES = ((5.6, -5.4), (0.0, 0.0), (23.9999, 40.0), (0.0001, -89.95), (3.0, 89.9), (12.0, 90.0), (7.0, -90.0), (18.0, 89.8))
POINTINGS = [Pointing(*each) for each in PLACES]


class ChanceTests(SynchronousTestCase):
    def test_for_ever(self) -> None:
        """The numbers are the same on every computer and in every version: the sky does not change."""
        self.assertEqual(chance(0).tolist(), [0xE220A8397B1DC / 2**52 + 2**-53])  # splitmix64's first number, as published
        self.assertEqual(chance(1, 2, [3, 4]).tolist(), [0.4175580595044027, 0.7620173286502624])

    def test_key(self) -> None:
        """Another number anywhere in the key, or another order, is another number."""
        keys = [(1,), (2,), (0, 1), (1, 0), (1, 1), (0, 0, 1), (2**62, 1), (1, 2**62)]
        self.assertEqual(len({float(chance(*key)[0]) for key in keys}), len(keys))

    def test_broadcast(self) -> None:
        """Arrays in the key give what their numbers give."""
        found = chance(7, np.arange(3)[:, None], np.arange(4))
        self.assertEqual(found.tolist(), [[float(chance(7, one, other)[0]) for other in range(4)] for one in range(3)])

    def test_even(self) -> None:
        """They spread evenly from 0 to 1, and neighbours have nothing to do with each other."""
        found = chance(3, np.arange(100_000))
        self.assertTrue(((found > 0) & (found < 1)).all())
        counts = np.histogram(found, 10, (0, 1))[0]
        self.assertLess(float(np.abs(counts - 10_000).max()), 400)
        self.assertLess(abs(float(np.corrcoef(found[1:], found[:-1])[0, 1])), 0.01)


def places(stars: Stars) -> NDArray[np.float64]:
    return np.array([stars.x, stars.y]).T


def seen_from(stars: Stars, sensor: Sensor, here: Pointing, there: Pointing) -> NDArray[np.float64]:
    """Where the stars of one picture are in another, by the arithmetic of the IAU's own library."""
    east = ((sensor.width - 1) / 2 - stars.x) / sensor.focal_length
    north = ((sensor.height - 1) / 2 - stars.y) / sensor.focal_length
    around, above = erfa().tpsts(east, north, math.radians(15 * here.right_ascension), math.radians(here.declination))
    east, north = erfa().tpxes(around, above, math.radians(15 * there.right_ascension), math.radians(there.declination))
    return np.array(
        [(sensor.width - 1) / 2 - sensor.focal_length * east, (sensor.height - 1) / 2 - sensor.focal_length * north]
    ).T


def inside(where: NDArray[np.float64], sensor: Sensor) -> Any:
    return ((where > 0) & (where < (sensor.width, sensor.height))).all(axis=1)


class PlaceTests(SynchronousTestCase):
    def assert_same(self, found: Any, expected: Any, within: float = 0.01) -> None:
        """Both are the same places, in whatever order, to a fraction of a pixel."""
        self.assertEqual(len(found), len(expected))
        apart = np.hypot(*(found[:, None, :] - expected[None, :, :]).transpose(2, 0, 1))
        self.assertLess(float(apart.min(axis=0).max()), within)

    def test_same_pointing(self) -> None:
        """The same pointing shows the same stars, another seed others."""
        for pointing in POINTINGS:
            first, second = stars_on(SENSOR, pointing), stars_on(SENSOR, pointing)
            self.assertEqual(places(first).tolist(), places(second).tolist())
            self.assertEqual(first.light.tolist(), second.light.tolist())
            other = stars_on(replace(SENSOR, seed=2), pointing)
            self.assertNotEqual(places(first).tolist(), places(other).tolist())

    def test_moved(self) -> None:
        """From a pointing a little off, the same stars are where they must be then: anywhere on the sky."""
        for here in POINTINGS:
            for north, east in ((0.03, 0.0), (0.0, 0.05), (-0.02, -0.04)):
                above = max(min(here.declination + north, 90), -90)
                across = max(math.cos(math.radians(here.declination)), 1e-3)  # at a pole it turns the picture
                there = Pointing((here.right_ascension + east / across / 15) % 24, above)
                before, after = stars_on(SENSOR, here), stars_on(SENSOR, there)
                expected = seen_from(before, SENSOR, here, there)
                shared = inside(expected, SENSOR)
                self.assertGreater(shared.sum(), 60, here)
                origin = seen_from(after, SENSOR, there, here)
                seen_before = (np.abs(origin - (500, 400)) < (500 + REACH, 400 + REACH)).all(axis=1)
                self.assert_same(places(after)[seen_before & inside(places(after), SENSOR)], expected[shared])

    def test_directions(self) -> None:
        """North is up and east is left: who looks further north sees the stars move down, further east, to the right."""
        here = Pointing(5.6, 60.0)
        star = stars_on(SENSOR, here)
        brightest = int(np.argmax(np.where(inside(places(star), replace(SENSOR, width=900, height=700)), star.light, 0)))
        for there, x, y in (
            (Pointing(5.6, 60.0 + 10 / 3600), 0, 10),
            (Pointing(5.6, 60.0 - 10 / 3600), 0, -10),
            (Pointing(5.6 + 20 / 3600 / 15, 60.0), 10, 0),  # at 60 degrees a degree of right ascension is half a degree
            (Pointing(5.6 - 20 / 3600 / 15, 60.0), -10, 0),
        ):
            moved = stars_on(SENSOR, there)
            (same,) = np.flatnonzero(np.isclose(moved.light, star.light[brightest], rtol=1e-12))
            self.assertApproximates(moved.x[same] - star.x[brightest], x, 0.05)
            self.assertApproximates(moved.y[same] - star.y[brightest], y, 0.05)

    def test_scale(self) -> None:
        """With twice the focal length everything is twice as far from the middle."""
        here = POINTINGS[2]
        near, far = replace(SENSOR, stars=800), replace(SENSOR, focal_length=2 * PIXEL)  # as deep as each other
        wide, narrow = places(stars_on(near, here)), places(stars_on(far, here))
        middle = np.array([499.5, 399.5])
        magnified = middle + 2 * (wide - middle)
        self.assert_same(narrow[inside(narrow, SENSOR)], magnified[inside(magnified, SENSOR)])

    def test_smaller_sensor(self) -> None:
        """A smaller sensor sees the middle of what a larger one sees."""
        for here in POINTINGS:
            large, small = stars_on(SENSOR, here), stars_on(replace(SENSOR, width=400, height=200), here)
            where = places(large) - (300, 300)
            shown = (np.abs(where - (200, 100)) < (200 + REACH, 100 + REACH)).all(axis=1)
            self.assert_same(places(small), where[shown])

    def test_sorted(self) -> None:
        """They come by row, from the first one on, a little outside of the sensor too."""
        for here in POINTINGS:
            stars = stars_on(SENSOR, here)
            self.assertTrue((np.diff(stars.y) >= 0).all())
            self.assertTrue((np.abs(places(stars) - (500, 400)) < (500 + REACH, 400 + REACH)).all())


class NumberTests(SynchronousTestCase):
    def test_all_focal_lengths(self) -> None:
        """From a fisheye to the largest telescopes there are as many stars as the settings say."""
        for millimetres in (24, 135, 500, 1260, 4000, 50_000):
            for micrometres in (1.0, 3.8, 15.0):
                sensor = replace(SENSOR, focal_length=1000 * millimetres / micrometres)
                found = [int(inside(places(stars_on(sensor, each)), sensor).sum()) for each in POINTINGS]
                self.assertApproximates(sum(found) / len(found), 160, 16, (millimetres, micrometres, found))
                self.assertGreater(min(found), 100)

    def test_widest(self) -> None:
        """Where a sensor sees nearly half of the sky at once there are some, and not too many."""
        sensor = Sensor(9576, 9576, SensorType.Monochrome, 50_000, 65_535, 100.0, 100_000, 1)
        for pointing in POINTINGS:
            self.assertApproximates(len(stars_on(sensor, pointing)), 28, 8)

    def test_never_too_many(self) -> None:
        """However many are asked for, 50,000 are enough."""
        found = len(stars_on(replace(SENSOR, width=9576, height=6388, stars=100_000), POINTINGS[0]))
        self.assertApproximates(found, 50_000, 1_500)

    def test_none(self) -> None:
        """None are none."""
        self.assertEqual(len(stars_on(replace(SENSOR, stars=0), POINTINGS[0])), 0)

    def test_even(self) -> None:
        """The poles are neither fuller nor emptier than the rest of the sky."""
        sensor = replace(SENSOR, width=4000, height=4000, stars=2_000)
        for pointing in POINTINGS:
            self.assertApproximates(int(inside(places(stars_on(sensor, pointing)), sensor).sum()), 32_000, 800)

    def test_faint_ones_are_more(self) -> None:
        """Half the light, twice the stars, down to a faintest light that is the same for all."""
        sensor = replace(SENSOR, width=6000, height=6000)
        for focal_length in (PIXEL, PIXEL / 30):
            light = stars_on(replace(sensor, focal_length=focal_length), POINTINGS[0]).light
            self.assertApproximates(light.min(), LIGHT / 200e-6, 0.2)
            for times in (2, 4, 8, 32):
                expected = len(light) / times
                found = int((light > times * LIGHT / 200e-6).sum())
                self.assertApproximates(found, expected, 4 * math.sqrt(expected), times)

    def test_more_are_fainter(self) -> None:
        """With more stars in the settings the bright ones stay as they are."""
        some, more = stars_on(SENSOR, POINTINGS[1]), stars_on(replace(SENSOR, stars=1_000), POINTINGS[1])
        bright = more.chosen(more.light > LIGHT / 200e-6)
        self.assertEqual((places(bright).tolist(), bright.light.tolist()), (places(some).tolist(), some.light.tolist()))
