"""Which stars a simulated camera sees, and where they fall on its sensor."""

# Facts
#   The picture is that of a lens without distortion (gnomonic projection). In it north is up, towards the first row, and east is
#   left, towards the first column, as on charts. The pointing is in the middle of the sensor.
#   The sky has levels of ever fainter stars. Each level is cut into bands of declination, and these into cells that are nearly
#   square; from one level to the next their sides are halved. Which stars a cell has follows from the seed and the cell.
#   There are as many stars brighter than this one as it is faint: half the light, twice the stars. So a level has three times
#   the stars of all brighter ones, and, since longer telescopes are wider, too, the light of the faintest star that is drawn, and
#   the number of stars in a picture, are the same at all focal lengths.

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drivers.simulators.chance import chance
from drivers.simulators.exposure import Pointing, Sensor

Numbers = NDArray[np.float64]

LIGHT = 0.05  # electrons per second of a star, times how many brighter ones there are in a pixel
MOST = 50_000  # stars on a sensor, on average: drawing them takes no longer than the noise
REACH = 12  # pixels from the middle of a star: there even the brightest is dark

BRIGHTEST = 0.02  # stars of the first level in a square degree
BANDS = 12  # of the first level, 15 degrees each
SLOTS = 8  # for the stars of a cell, of which there are less than five on average


@dataclass(frozen=True)
class Stars:
    """Stars on a sensor, by row; the middle of the first pixel is at 0, 0."""

    x: Numbers  # pixels
    y: Numbers
    light: Numbers  # electrons per second

    def __len__(self) -> int:
        return len(self.x)

    def chosen(self, which: Any) -> Stars:
        """Some of them: a slice, a mask, or an order."""
        return Stars(self.x[which], self.y[which], self.light[which])


def stars_on(sensor: Sensor, pointing: Pointing) -> Stars:
    """The stars whose light falls on a sensor."""
    pixel = math.degrees(1 / sensor.focal_length) ** 2  # square degrees
    faintest = min(sensor.stars / 1e6, MOST / (sensor.width * sensor.height)) / pixel
    radius = math.atan((math.hypot(sensor.width, sensor.height) / 2 + 2 * REACH) / sensor.focal_length)
    levels = list(_levels(faintest, sensor.seed, pointing, math.degrees(radius)))
    around, sine, brighter = np.concatenate([*levels, np.empty((3, 0))], axis=1)
    east, north, ahead = _towards(pointing, around, sine)
    seen = (ahead > 0) & (brighter < faintest)
    east, north, ahead, brighter = (each[seen] for each in (east, north, ahead, brighter))
    x = (sensor.width - 1) / 2 - sensor.focal_length * east / ahead
    y = (sensor.height - 1) / 2 - sensor.focal_length * north / ahead
    inside = (np.abs(x - sensor.width / 2) < sensor.width / 2 + REACH) & (
        np.abs(y - sensor.height / 2) < sensor.height / 2 + REACH
    )
    stars = Stars(x, y, LIGHT / (brighter * pixel)).chosen(inside)
    return stars.chosen(np.argsort(stars.y, kind="stable"))


def _towards(pointing: Pointing, around: Numbers, sine: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """Where stars are for somebody who looks at the pointing, as parts of their direction: to the east, to the north, ahead."""
    turn = around - math.radians(15 * pointing.right_ascension)
    above = math.radians(pointing.declination)
    cosine = np.sqrt(1 - sine**2)
    across = cosine * np.cos(turn)
    north = math.cos(above) * sine - math.sin(above) * across
    return cosine * np.sin(turn), north, math.sin(above) * sine + math.cos(above) * across


def _levels(faintest: float, seed: int, pointing: Pointing, radius: float) -> Iterator[Numbers]:
    """
    The stars within a radius and some more, from the brightest level to the one that has the faintest.

    :param faintest: how many stars there may be in a square degree.
    :returns: for each star its right ascension in radians, the sine of its declination, how many in a square degree are brighter.
    """
    level, brighter = 0, 0.0
    while brighter < faintest:
        fainter = BRIGHTEST * 4**level
        cells = _cells(BANDS * 2**level, pointing, radius)
        key = (seed, level, cells.band[:, None], cells.column[:, None], np.arange(SLOTS))
        there = chance(*key, 0) < ((fainter - brighter) * cells.area / SLOTS)[:, None]
        cell, _ = np.nonzero(there)
        right, up, faint = (chance(*key, number)[there] for number in (1, 2, 3))
        around = (cells.column[cell] + right) * (2 * math.pi / cells.columns[cell])
        sine = cells.bottom[cell] + up * (cells.top - cells.bottom)[cell]
        yield np.array([around, np.clip(sine, -1, 1), brighter + faint * (fainter - brighter)])
        level, brighter = level + 1, fainter


@dataclass(frozen=True)
class Cells:
    """Cells of one level."""

    band: NDArray[np.int64]  # from the south
    column: NDArray[np.int64]  # from right ascension 0 to the east
    columns: NDArray[np.int64]  # how many the band has
    bottom: Numbers  # the sine of the declination
    top: Numbers
    area: Numbers  # square degrees


def _cells(bands: int, pointing: Pointing, radius: float) -> Cells:
    """The cells within a radius, in degrees; more of them near a pole."""
    height = 180 / bands
    lowest, highest = ((pointing.declination + each + 90) / height for each in (-radius, radius))
    band = np.arange(max(math.floor(lowest), 0), min(math.floor(highest), bands - 1) + 1)
    columns = np.rint(2 * bands * np.cos(np.radians((band + 0.5) * height - 90))).astype(np.int64)  # 3 at the poles
    if abs(pointing.declination) + radius < 90:
        width = math.degrees(math.asin(math.sin(math.radians(radius)) / math.cos(math.radians(pointing.declination))))
        middle = 15 * pointing.right_ascension
        first = np.floor((middle - width) / 360 * columns).astype(np.int64)
        last = np.floor((middle + width) / 360 * columns).astype(np.int64)
        count = np.minimum(last - first + 1, columns)
    else:  # a pole is in view
        first, count = np.zeros_like(columns), columns
    before = np.repeat(np.cumsum(count) - count, count)
    band, columns, first = (np.repeat(each, count) for each in (band, columns, first))
    column = (np.arange(len(band)) - before + first) % columns
    bottom, top = (np.sin(np.radians((band + edge) * height - 90)) for edge in (0, 1))
    return Cells(band, column, columns, bottom, top, np.degrees(360 * (top - bottom)) / columns)
