"""What people see of an image: a small picture of it, stretched as eyes need it, and its histogram."""

# Facts
#   Of a raw image of the sky nearly all pixels are within a hundredth of the range: the background and its noise. So the midtones
#   are bent up until the background is dark grey, and what is more than a few deviations below it is black. The deviation is
#   taken from the median of the distances to the median, which stars hardly change.
#   Each colour is stretched by itself: the background becomes grey, whatever the filters of a mosaic let through.
#   The pixels of an image are [x, y]: sums over whole columns run through memory in its order, and other threads run meanwhile.
#   PNG: eight fixed bytes, then chunks of length, name, data and CRC-32; each row begins with its filter, 0 for none.

from __future__ import annotations

import math
import struct
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pylpaca.values import Frame, SensorType

WIDEST = 1000  # pixels of the picture
SAMPLES = 1 << 20  # pixels that the histogram counts, about
BINS = 256
WIDE = 2  # of a bin, where the highest is a hundred
BACKGROUND = 0.2  # how bright the median of the picture is to be
BLACK = 2.8  # deviations below the median

_CELLS = {SensorType.RGGB: (2, 2), SensorType.CMYG: (2, 2), SensorType.CMYG2: (2, 4), SensorType.LRGB: (4, 4)}  # columns, rows

Plane = NDArray[np.float32]


@dataclass(frozen=True)
class Preview:
    """A picture, and its histogram."""

    png: bytes
    svg: bytes


def preview(frame: Frame, mosaic: SensorType = SensorType.Monochrome, offset: tuple[int, int] = (0, 0)) -> Preview:
    """
    Both of a frame. That takes a while for a large one, so it belongs in a thread.

    :param mosaic: the colours of its pixels, where each has one of its own.
    :param offset: at which column and row of the image the mosaic begins.
    """
    return Preview(png(picture(frame, mosaic, offset)), histogram(frame))


# ---- the picture --------------------------------------------------------------------------------------------------


def picture(
    frame: Frame, mosaic: SensorType = SensorType.Monochrome, offset: tuple[int, int] = (0, 0), widest: int = WIDEST
) -> NDArray[np.uint8]:
    """`[y, x]`, or `[y, x, colour]`: the image at most `widest` pixels wide and high, stretched; the first row is the top one."""
    planes: list[NDArray[np.uint8]] = [stretched(each).T for each in _planes(frame.pixels, mosaic, offset, widest)]
    return planes[0] if len(planes) == 1 else np.stack(planes, axis=2)


def _planes(pixels: NDArray[Any], mosaic: SensorType, offset: tuple[int, int], widest: int) -> list[Plane]:
    """`[x, y]`, small."""
    if pixels.ndim == 3:
        return [shrunk(pixels[:, :, each], widest) for each in range(min(pixels.shape[2], 3))]
    columns, rows = _CELLS.get(mosaic, (1, 1))
    if mosaic is not SensorType.RGGB or min(pixels.shape) < 4:
        return [shrunk(pixels, widest, columns, rows)]  # of other mosaics the light without its colour
    x, y = (each % 2 for each in offset)
    width, height = (size // 2 - 1 for size in pixels.shape)  # whole cells, wherever the mosaic begins

    def colour(column: int, row: int) -> Plane:
        """One pixel of each cell."""
        return shrunk(pixels[x + column :: 2, y + row :: 2][:width, :height], widest)

    return [colour(0, 0), (colour(1, 0) + colour(0, 1)) * np.float32(0.5), colour(1, 1)]


def shrunk(pixels: NDArray[Any], widest: int, columns: int = 1, rows: int = 1) -> Plane:
    """Means of blocks of pixels, as small as they may be; a block has whole cells of `columns` and `rows`."""
    times = max(math.ceil(max(pixels.shape[0] / columns, pixels.shape[1] / rows) / widest), 1)
    columns, rows = (min(times * each, size) for each, size in zip((columns, rows), pixels.shape, strict=True))
    if columns == rows == 1:
        return _finite(pixels.astype(np.float32))
    width, height = pixels.shape[0] // columns, pixels.shape[1] // rows
    small = np.empty((width, height), np.float32)
    for x in range(width):
        strip = pixels[x * columns : (x + 1) * columns, : height * rows].sum(axis=0, dtype=np.float32)
        small[x] = strip.reshape(height, rows).sum(axis=1)
    small /= columns * rows
    return _finite(small)


def _finite(plane: Plane) -> Plane:
    return np.nan_to_num(plane, copy=False, nan=0.0, posinf=0.0, neginf=0.0)


def stretched(plane: Plane) -> NDArray[np.uint8]:
    """Eight bits for eyes: the background dark grey, the brightest white."""
    median = float(np.median(plane))
    low, high = float(plane.min()), float(plane.max())
    if high <= low:
        return np.full(plane.shape, round(255 * BACKGROUND), np.uint8)
    deviation = 1.4826 * float(np.median(np.abs(plane - median)))
    black = max(low, median - BLACK * max(deviation, (high - low) / 1e4))
    light = np.clip((plane - black) / (high - black), 0, 1)
    middle = (median - black) / (high - black)
    if 0 < middle < BACKGROUND:  # otherwise it is bright enough as it is
        balance = middle * (BACKGROUND - 1) / (2 * BACKGROUND * middle - BACKGROUND - middle)
        light = (balance - 1) * light / ((2 * balance - 1) * light - balance)
    bytes_: NDArray[np.uint8] = np.rint(255 * light).astype(np.uint8)
    return bytes_


def png(raster: NDArray[np.uint8]) -> bytes:
    """A PNG file of `[y, x]` grey or `[y, x, 3]` red, green, blue."""
    height, width = raster.shape[:2]
    rows = np.zeros((height, 1 + raster[0].size), np.uint8)
    rows[:, 1:] = raster.reshape(height, -1)
    head = struct.pack(">IIBBBBB", width, height, 8, 0 if raster.ndim == 2 else 2, 0, 0, 0)
    data = zlib.compress(rows.tobytes(), 1)  # noise does not get smaller by more work
    return b"\x89PNG\r\n\x1a\n" + b"".join([_chunk(b"IHDR", head), _chunk(b"IDAT", data), _chunk(b"IEND", b"")])


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


# ---- the histogram ------------------------------------------------------------------------------------------------


def histogram(frame: Frame) -> bytes:
    """An SVG file: how many pixels have which count, from the lowest to the highest, higher by a third for ten times as many."""
    sample = _sample(frame.pixels)
    low, high = float(sample.min()), float(sample.max())
    counts, _ = np.histogram(sample, BINS, (low, high if high > low else low + 1))
    heights = np.log1p(counts) / max(math.log1p(int(counts.max())), 1)
    points = " ".join(f"{WIDE * x},{100 - 98 * height:.1f}" for x, height in enumerate(heights))
    width = WIDE * BINS
    ends = f'<text x="0" y="117">{low:.6g}</text><text x="{width}" y="117" text-anchor="end">{high:.6g} ADU</text>'
    middle = f'<text x="{width // 2}" y="117" text-anchor="middle">median {float(np.median(sample)):.6g}</text>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} 122" role="img" aria-label="Histogram">'
        f'<rect width="{width}" height="100" fill="#808080" fill-opacity="0.15"/>'
        f'<polygon points="0,100 {points} {width - WIDE},100" fill="#909090"/>'
        f'<g font-family="system-ui, sans-serif" font-size="15" fill="#909090">{ends}{middle}</g></svg>\n'
    ).encode()


def _sample(pixels: NDArray[Any]) -> NDArray[Any]:
    """About as many pixels as are to be counted, from everywhere in the image; every one of a small one."""
    step = max(math.isqrt(pixels.size // SAMPLES), 1)
    step += step % 2 == 0  # odd: all colours of a mosaic come in
    sample = pixels[::step, ::step].ravel()
    finite: NDArray[Any] = sample[np.isfinite(sample)]
    return finite if finite.size else np.zeros(1)
