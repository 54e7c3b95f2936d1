"""The picture that a simulated sensor gives of what it is exposed to."""

# Facts
#   A pixel collects light, through its filter, and dark current; one that is full flows over into its neighbours, so that binned
#   pixels are full together. What was collected varies by its square root, and reading out adds noise once for each pixel of the
#   image. Both are normal here: for a few electrons that is not quite what counting gives, but it takes a tenth of the time.
#   All is done in bands of rows that stay in the processor's cache, so that only the frame itself is ever there as a whole.
#   A mosaic is given from the first pixel of the sensor; the letters are the colours of its rows.

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivers.simulators.chance import chance
from drivers.simulators.exposure import Exposure, GivenUp, Pointing, Sensor, Window
from drivers.simulators.starfield import REACH, Stars, stars_on
from pylpaca.values import SensorType

Electrons = NDArray[np.float32]

BAND = 1 << 17  # pixels of the sensor that are worked on together

# How much of the light each colour lets through.
COLOURS = {"L": 1.0, "R": 0.5, "G": 0.4, "B": 0.3, "C": 0.7, "M": 0.8, "Y": 0.9}

MOSAICS = {  # one for each plane of the image
    SensorType.Monochrome: [["L"]],
    SensorType.Color: [["R"], ["G"], ["B"]],
    SensorType.RGGB: [["RG", "GB"]],
    SensorType.CMYG: [["YC", "GM"]],
    SensorType.CMYG2: [["CY", "MG", "CY", "GM"]],
    SensorType.LRGB: [["LRLG", "RLGL", "LGLB", "GLBL"]],
}

SKY = (10.0, 20.0, 10.0)  # electrons per second: everywhere, added towards the last column, added towards the last row
STAR_SIZE = 1.5  # pixels, the sigma of a star's image

DARK_CURRENT = 0.1  # electrons per second at 0 degrees
DOUBLES = 6.0  # degrees that double it
HOT_SHARE = 1 / 5000  # of all pixels
HOT = (1.0, 3.0)  # how many times the dark current they have: 10 to this power
HOT_PIXELS = 1 << 32  # their key: no level of stars


@dataclass(frozen=True)
class Band:
    """Rows of the part of a sensor that is read out."""

    left: int
    right: int  # the first column that is not in it
    top: int
    bottom: int


def picture(exposure: Exposure, pointing: Pointing, given_up: Callable[[], bool] = lambda: False) -> NDArray[Any]:
    """
    `[y, x]`, or `[y, x, plane]` of a colour sensor, in ADU. The same exposure of the same place gives the same pixels.

    :param given_up: whether nobody waits for it any more; asked from time to time.
    :raises GivenUp: nobody did.
    """
    sensor, window = exposure.sensor, exposure.window
    mosaics = [_filters(mosaic, window) for mosaic in MOSAICS[sensor.kind]]
    frame = np.empty((window.num_y, window.num_x, len(mosaics)), np.uint16 if sensor.max_adu < 2**16 else np.uint32)
    stars = stars_on(sensor, pointing) if exposure.light else None
    hot = HotPixels.of(sensor)
    left, right = window.start_x * window.bin_x, (window.start_x + window.num_x) * window.bin_x
    rows = max(1, BAND // ((right - left) * window.bin_y))
    for number, first in enumerate(range(0, window.num_y, rows)):
        if given_up():
            raise GivenUp
        last = min(first + rows, window.num_y)
        band = Band(left, right, (window.start_y + first) * window.bin_y, (window.start_y + last) * window.bin_y)
        light = _light(sensor, band, stars)
        noise = np.random.Generator(np.random.SFC64((sensor.seed, exposure.number, number)))
        for plane, filters in enumerate(mosaics):
            collected = _collected(exposure, band, light, filters, hot)
            frame[first:last, :, plane] = _counts(exposure, _binned(collected, window), noise)
    return frame if len(mosaics) > 1 else frame[:, :, 0]


def _filters(mosaic: list[str], window: Window) -> Electrons:
    """What the filters of each row let through, from the window's first column on; the rows repeat."""
    columns = np.arange(window.start_x * window.bin_x, (window.start_x + window.num_x) * window.bin_x)
    factors = np.array([[COLOURS[colour] for colour in row] for row in mosaic], np.float32)
    return factors[:, columns % factors.shape[1]]


def _light(sensor: Sensor, band: Band, stars: Stars | None) -> Electrons:
    """The electrons per second that light would free without a filter."""
    light = np.zeros((band.bottom - band.top, band.right - band.left), np.float32)
    if stars is not None:
        everywhere, to_the_right, downwards = SKY
        x = np.arange(band.left, band.right, dtype=np.float32)
        y = np.arange(band.top, band.bottom, dtype=np.float32)
        np.add(everywhere + to_the_right / sensor.width * x, (downwards / sensor.height * y)[:, None], out=light)
        _add_stars(light, band, stars)
    return light


def _add_stars(light: Electrons, band: Band, stars: Stars) -> None:
    """Stars as round spots, brightest in the middle."""
    first, last = np.searchsorted(stars.y, (band.top - REACH, band.bottom + REACH))
    stars = stars.chosen(slice(first, last))
    stars = stars.chosen((stars.x > band.left - REACH) & (stars.x < band.right + REACH))
    columns, across = _profile(stars.x, band.left, band.right)
    rows, down = _profile(stars.y, band.top, band.bottom)
    down *= (stars.light / (2 * math.pi * STAR_SIZE**2)).astype(np.float32)[:, None]
    places = rows[:, :, None] * light.shape[1] + columns[:, None, :]
    np.add.at(light.reshape(-1), places.reshape(-1), (down[:, :, None] * across[:, None, :]).reshape(-1))


def _profile(at: NDArray[np.float64], begin: int, end: int) -> tuple[NDArray[np.int64], Electrons]:
    """Along one axis, the pixels around each star, counted from `begin`, and how bright they are; none outside."""
    pixels = np.rint(at).astype(np.int64)[:, None] + np.arange(-REACH, REACH + 1)
    bright = np.exp(-0.5 * ((pixels - at[:, None]) / STAR_SIZE) ** 2)
    bright[(pixels < begin) | (pixels >= end)] = 0
    return np.clip(pixels, begin, end - 1) - begin, bright.astype(np.float32)


@dataclass(frozen=True)
class HotPixels:
    """The pixels with a dark current far above that of the others, by row."""

    x: NDArray[np.int64]
    y: NDArray[np.int64]
    times: Electrons  # the dark current of others

    @classmethod
    def of(cls, sensor: Sensor) -> HotPixels:
        """Those of a sensor; each has its own, for ever."""
        area = sensor.width * sensor.height
        which = np.arange(round(area * HOT_SHARE))
        places = np.unique((chance(sensor.seed, HOT_PIXELS, which, 0) * area).astype(np.int64))
        low, high = HOT
        times = 10 ** (low + (high - low) * chance(sensor.seed, HOT_PIXELS, places, 1))
        return cls(places % sensor.width, places // sensor.width, times.astype(np.float32))

    def add(self, current: Electrons, band: Band, dark: float) -> None:
        """Add what they have more than the others in a band."""
        rows = slice(*np.searchsorted(self.y, (band.top, band.bottom)))
        x, y, times = self.x[rows] - band.left, self.y[rows] - band.top, self.times[rows]
        inside = (x >= 0) & (x < current.shape[1])
        current[y[inside], x[inside]] += dark * (times[inside] - 1)


def _collected(exposure: Exposure, band: Band, light: Electrons, filters: Electrons, hot: HotPixels) -> Electrons:
    """The electrons that each pixel of a band of the sensor has gathered at the end of the exposure."""
    current = np.empty_like(light)
    for each in range(len(filters)):
        row = (band.top + each) % len(filters)
        np.multiply(light[each :: len(filters)], filters[row], out=current[each :: len(filters)])
    dark = DARK_CURRENT * 2 ** (exposure.temperature / DOUBLES)
    current += dark
    hot.add(current, band, dark)
    current *= exposure.seconds
    return current


def _binned(pixels: Electrons, window: Window) -> Electrons:
    """The sums of the pixels that are read out as one."""
    if window.bin_x == window.bin_y == 1:
        return pixels
    rows: Electrons = pixels.reshape(-1, window.bin_y, pixels.shape[1]).sum(axis=1)
    sums = rows[:, :: window.bin_x].copy()
    for column in range(1, window.bin_x):
        sums += rows[:, column :: window.bin_x]
    return sums


def _counts(exposure: Exposure, collected: Electrons, noise: np.random.Generator) -> Electrons:
    """What becomes of the electrons of each pixel: whole numbers."""
    counts = noise.standard_normal(collected.shape, np.float32)
    counts *= np.sqrt(collected + exposure.read_noise**2)
    counts += collected
    np.minimum(counts, exposure.sensor.full_well * exposure.window.bin_x * exposure.window.bin_y, out=counts)
    counts *= 1 / exposure.electrons_per_adu
    counts += exposure.bias
    np.rint(counts, out=counts)
    return np.clip(counts, 0, exposure.sensor.max_adu, out=counts)
