"""The picture of the camera simulator, number by number, as a sensor would give it."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from twisted.trial.unittest import SynchronousTestCase

from drivers.simulators import picture as module
from drivers.simulators.exposure import Exposure, GivenUp, Pointing, Sensor, Window
from drivers.simulators.picture import picture
from drivers.simulators.starfield import Stars, stars_on
from pylpaca.values import SensorType

HERE = Pointing(5.6, -5.4)
SENSOR = Sensor(300, 200, SensorType.Monochrome, 50_000, 65_535, 206264.806, 0, 1)
WHOLE = Window(1, 1, 0, 0, 300, 200)
DARK = Exposure(SENSOR, WHOLE, 0.0, False, 0.0, 0.0, 1.0, 100.0, 1)  # nothing comes in, nothing is added
LIGHT = replace(DARK, light=True, seconds=10.0)


def taken(exposure: Exposure = LIGHT, pointing: Pointing = HERE, **changes: Any) -> NDArray[Any]:
    """The picture, of an exposure that differs in some of its values."""
    own = {name: changes.pop(name) for name in list(changes) if name in Exposure.__dataclass_fields__}
    return picture(replace(exposure, sensor=replace(exposure.sensor, **changes), **own), pointing)


class PictureTestCase(SynchronousTestCase):
    def without_noise(self) -> None:
        """From here on pictures are the electrons that each pixel gathered."""
        self.patch(module, "_counts", lambda exposure, collected, noise: np.rint(collected))

    def assert_mean(self, found: NDArray[Any], expected: float, deviation: float) -> None:
        """The mean is what it must be, within what chance does to it, and so is how much the pixels vary."""
        self.assertApproximates(float(found.mean()), expected, 5 * deviation / np.sqrt(found.size) + 1e-9)
        self.assertApproximates(float(found.std()), np.sqrt(deviation**2 + 1 / 12), 5 * deviation / np.sqrt(2 * found.size))


class NoiseTests(PictureTestCase):
    def test_bias(self) -> None:
        """Without time and light there are the bias and the noise of reading out."""
        for noise, gain, bias in ((3.0, 1.0, 100.0), (12.0, 1.0, 500.0), (12.0, 0.5, 1000.0), (24.0, 4.0, 100.0)):
            found = taken(DARK, read_noise=noise, electrons_per_adu=gain, bias=bias)
            self.assert_mean(found, bias, noise / gain)

    def test_no_noise(self) -> None:
        """A perfect amplifier reads nothing where nothing is."""
        self.assertEqual(np.unique(taken(DARK)).tolist(), [100])

    def test_photon_transfer(self) -> None:
        """What was collected varies by its square root: the gain can be measured from mean and variance, as astronomers do."""
        for gain in (0.5, 1.0, 2.0):
            points = []
            for seconds in (10.0, 100.0, 400.0):
                pair = [taken(seconds=seconds, number=each, electrons_per_adu=gain).astype(float) - 100 for each in (1, 2)]
                points.append((float(np.mean(pair)), float((pair[0] - pair[1]).var()) / 2))
            slope = float(np.polyfit([mean for mean, _ in points], [variance for _, variance in points], 1)[0])
            self.assertApproximates(1 / slope, gain, 0.02 * gain)

    def test_binned_once(self) -> None:
        """Four pixels that are read out as one are read with the noise of one."""
        self.assert_mean(taken(DARK, read_noise=10.0, window=Window(2, 2, 0, 0, 150, 100)), 100, 10)

    def test_reproducible(self) -> None:
        """The same exposure of the same place has the same pixels, binned and in part, too; whatever differs, they do."""
        for window in (WHOLE, Window(2, 3, 0, 0, 150, 66), Window(1, 1, 17, 31, 100, 50)):
            exposure = replace(LIGHT, sensor=replace(SENSOR, stars=1000), window=window, read_noise=3.0)
            first = taken(exposure)
            self.assertEqual((taken(exposure) == first).mean(), 1)
            for change in ({"number": 2}, {"seed": 2}, {"seconds": 10.1}, {"temperature": 1.0}, {"electrons_per_adu": 1.1}):
                self.assertLess((taken(exposure, **change) == first).mean(), 1, change)
            self.assertLess((taken(exposure, Pointing(5.6, -5.39)) == first).mean(), 1)

    def test_bands_differ(self) -> None:
        """No rows have the noise of others."""
        self.patch(module, "BAND", 300)
        found = taken(DARK, read_noise=30.0)
        self.assertEqual(len(np.unique(found, axis=0)), 200)


class DarkTests(PictureTestCase):
    def test_dark_current(self) -> None:
        """It doubles every six degrees."""
        for degrees, current in ((-18, 0.0125), (0, 0.1), (6, 0.2), (12, 0.4), (15, 0.4 * 2**0.5)):
            found = taken(DARK, seconds=1000.0, temperature=degrees)
            self.assertApproximates(float(np.median(found)) - 100, 1000 * current, 1)

    def test_hot_pixels(self) -> None:
        """One in five thousand has ten to a thousand times as much, twice as much six degrees warmer, and always the same."""
        self.without_noise()
        cold, warm = (taken(DARK, seconds=10_000.0, temperature=each, max_adu=2**24 - 1) for each in (-6, 0))
        hot = warm > 1000
        self.assertEqual(hot.sum(), 300 * 200 / 5000)
        self.assertEqual(np.unique(warm[~hot]).tolist(), [1000])
        self.assertTrue(((warm[hot] >= 10_000) & (warm[hot] <= 1_000_000)).all())
        self.assertLess(float(np.abs(warm[hot] / 2 - cold[hot]).max()), 1.01)
        self.assertEqual(np.unique(cold[~hot]).tolist(), [500])

    def test_seed(self) -> None:
        """Another camera has other hot pixels, and as many."""
        self.without_noise()
        places = [np.argwhere(taken(DARK, seconds=1000.0, seed=each) > 100).tolist() for each in (1, 2)]
        self.assertNotEqual(*places)
        self.assertEqual([len(each) for each in places], [12, 12])

    def test_no_light(self) -> None:
        """With the shutter closed there are neither stars nor sky."""
        self.without_noise()
        found = taken(DARK, stars=50_000, seconds=100.0)
        self.assertEqual(np.median(found), 10)
        self.assertEqual((found != 10).sum(), 12)
        self.assertGreater(int(np.median(taken(LIGHT, seconds=100.0))), 1000)


class LightTests(PictureTestCase):
    def setUp(self) -> None:
        self.without_noise()

    def test_sky(self) -> None:
        """The sky is brighter towards the last column and, less so, towards the last row."""
        found = taken(seconds=100.0, temperature=-273.15)
        x, y = np.meshgrid(np.arange(300), np.arange(200))
        self.assertLess(float(np.abs(found - 100 * (10 + 20 * x / 300 + 10 * y / 200)).max()), 1.01)

    def test_stars(self) -> None:
        """Each star is where the sky has it, round, with all of its light."""
        stars, seen = stars_on(replace(SENSOR, stars=300), HERE), 0
        found, sky = (taken(stars=each, seconds=1000.0, max_adu=2**24 - 1).astype(float) for each in (300, 0))
        found -= sky
        for x, y, light in zip(stars.x, stars.y, stars.light, strict=True):
            near = np.hypot(stars.x - x, stars.y - y) < 24
            if near.sum() == 1 and 12 < x < 288 and 12 < y < 188:
                seen += 1
                left, top = round(x) - 12, round(y) - 12
                spot = found[top : top + 25, left : left + 25]
                columns, rows = np.meshgrid(np.arange(left, left + 25), np.arange(top, top + 25))
                all_of_it = float(spot.sum())
                self.assertApproximates(all_of_it / (1000 * light), 1, 0.001)
                self.assertApproximates(float((spot * columns).sum()) / all_of_it, x, 0.005)
                self.assertApproximates(float((spot * rows).sum()) / all_of_it, y, 0.005)
                self.assertApproximates(float((spot * (columns - x) ** 2).sum()) / all_of_it, 1.5**2, 0.05)
                self.assertApproximates(float((spot * (rows - y) ** 2).sum()) / all_of_it, 1.5**2, 0.05)
        self.assertGreater(seen, 5)

    def test_bands(self) -> None:
        """However the work is cut into bands, the picture is the same: stars on the cuts, too."""
        for window in (WHOLE, Window(3, 2, 1, 2, 90, 90)):
            whole = taken(stars=2000, window=window, kind=SensorType.CMYG2)
            self.patch(module, "BAND", 1)
            self.assertEqual(taken(stars=2000, window=window, kind=SensorType.CMYG2).tolist(), whole.tolist())
            self.patch(module, "BAND", 1 << 20)

    def test_part(self) -> None:
        """A part of the sensor is that part of the whole: stars, hot pixels and mosaic."""
        for kind in SensorType:
            whole = taken(kind=kind, stars=2000, seconds=100.0)
            part = taken(kind=kind, stars=2000, seconds=100.0, window=Window(1, 1, 37, 51, 100, 73))
            self.assertEqual(part.tolist(), whole[51:124, 37:137].tolist())

    def test_binned(self) -> None:
        """A binned pixel is the sum of its pixels; what is left at the edges is not read out."""
        for kind in SensorType:
            whole = taken(kind=kind, stars=2000, seconds=100.0)
            for x, y in ((2, 2), (3, 3), (4, 1), (1, 5), (16, 7)):
                window = Window(x, y, 1, 2, 300 // x - 1, 200 // y - 2)
                found = taken(kind=kind, stars=2000, seconds=100.0, window=window, max_adu=2**24 - 1).astype(float)
                pixels = whole[2 * y : y * (200 // y), x : x * (300 // x)].astype(float)
                sums = pixels.reshape(window.num_y, y, window.num_x, x, *pixels.shape[2:]).sum(axis=(1, 3))
                self.assertLess(float(np.abs(found - sums).max()), 0.51 * x * y + 1)

    def test_types(self) -> None:
        """Two bytes for a pixel, where counts fit them, and four otherwise; a plane only for a sensor with colours."""
        for kind in SensorType:
            planes = (3,) if kind is SensorType.Color else ()
            for most, dtype in ((4095, np.uint16), (65_535, np.uint16), (65_536, np.uint32)):
                found = taken(kind=kind, max_adu=most)
                self.assertEqual((found.shape, found.dtype), ((200, 300, *planes), dtype))


class SaturationTests(PictureTestCase):
    def test_full_well(self) -> None:
        """A full pixel is full, without noise; a binned one holds as much as its pixels together."""
        found = taken(seconds=100_000.0, read_noise=10.0, electrons_per_adu=2.0)
        self.assertEqual(np.unique(found).tolist(), [25_100])
        binned = taken(seconds=100_000.0, window=Window(2, 3, 0, 0, 150, 66), electrons_per_adu=8.0)
        self.assertEqual(np.unique(binned).tolist(), [37_600])

    def test_most_counts(self) -> None:
        """No count is above the highest, however much there is, and none below zero."""
        self.assertEqual(np.unique(taken(seconds=100_000.0, max_adu=4095)).tolist(), [4095])
        self.assertEqual(int(taken(DARK, read_noise=50.0, bias=10.0).min()), 0)

    def test_brightest(self) -> None:
        """The brightest star there is, for an hour, is a spot of full pixels, and a round one."""
        star = Stars(np.array([100.0]), np.array([50.0]), np.array([1e11]))
        self.patch(module, "stars_on", lambda sensor, pointing: star)
        full = taken(seconds=3600.0, full_well=1e6, max_adu=2**24 - 1) == 1_000_100
        spot = full[38:63, 88:113]
        self.assertEqual(full.sum(), spot.sum())
        self.assertEqual((full[50].sum(), full[:, 100].sum()), (17, 17))
        self.assertEqual(spot.tolist(), spot[::-1].tolist())
        self.assertEqual(spot.tolist(), spot.T.tolist())


class WorkTests(PictureTestCase):
    def test_given_up(self) -> None:
        """It ends with the band at which nobody waits any more."""
        asked: list[int] = []

        def given_up() -> bool:
            asked.append(len(asked))
            return len(asked) == 3

        self.patch(module, "BAND", 300)
        self.assertRaises(GivenUp, picture, LIGHT, HERE, given_up)
        self.assertEqual(len(asked), 3)

    def test_memory(self) -> None:
        """Beside the frame itself it takes a few megabytes, however large that is."""
        self.addCleanup(tracemalloc.stop)
        sensor = replace(SENSOR, width=4000, height=3000, stars=1000)
        for window in (Window(1, 1, 0, 0, 4000, 3000), Window(2, 2, 0, 0, 2000, 1500)):
            tracemalloc.start()
            frame = picture(replace(LIGHT, sensor=sensor, window=window), HERE)
            most = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            self.assertLess(most - frame.nbytes, 24_000_000)
