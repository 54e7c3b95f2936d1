"""From what a driver has of an image to what goes over the wire: turned to columns, in the narrowest type that holds it."""

# Facts
#   Cameras and numpy have rows first, `[y, x]`; Alpaca has x slowest, then y, then plane.
#   Whole numbers that fit 32 bits are Int32 for clients, and go over the wire as the first of Byte, UInt16, Int16 and Int32 that
#   holds every pixel; any other type goes only as itself.
#   Turning in tiles that stay in the processor's cache takes a fifth of the time of numpy's own transposed copy; between tiles,
#   and while one is copied, other threads run.

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pylpaca.errors import DriverError
from pylpaca.imagebytes import DTYPES, NARROW, can_be_sent
from pylpaca.values import ElementType, Frame

TILE = 128  # pixels
BLOCK = 1 << 19  # pixels that are looked at together
FLOATS = (ElementType.Single, ElementType.Double)
WIDE = (ElementType.UInt32, ElementType.Int64, ElementType.UInt64)


def prepared(handed: Any, sent_as: ElementType | None = None) -> Frame:
    """
    An image as it goes over the wire. That takes a while for a large one, so it belongs in a thread.

    :param handed: `[y, x]` or `[y, x, plane]`: a numpy array of any integer or float type, an object with the buffer protocol and
        a shape, or rows in lists.
    :param sent_as: the type on the wire, where the driver knows it; otherwise the pixels say it.
    :raises DriverError: it is no image, or has pixels that do not fit `sent_as`.
    """
    if isinstance(handed, Frame):
        if can_be_sent(handed):
            return handed
        handed = handed.array
    raster = _raster(handed)
    if sent_as is None:
        sent_as = _narrowest(raster)
    elif not _fits(raster, sent_as):
        raise DriverError(f"the image has pixels that do not fit {sent_as.name}, the type that its driver named")
    height, width, *planes = raster.shape
    pixels = np.empty((width, height, *planes), DTYPES[sent_as])
    turn(raster, pixels)
    pixels.flags.writeable = False
    if sent_as in NARROW:
        return Frame(pixels)
    if sent_as in FLOATS:
        return Frame(pixels, sent_as, finite=_is_finite(pixels))
    return Frame(pixels, sent_as)


def turn(raster: NDArray[Any], pixels: NDArray[Any]) -> None:
    """Write the rows of an image into the columns of another, converting as needed."""
    height, width, *planes = raster.shape
    pairs = [(raster[:, :, plane], pixels[:, :, plane]) for plane in range(planes[0])] if planes else [(raster, pixels)]
    for x in range(0, width, TILE):
        for y in range(0, height, TILE):
            for rows, columns in pairs:  # plane by plane, since three pixels in a row are too few to copy fast
                columns[x : x + TILE, y : y + TILE] = rows[y : y + TILE, x : x + TILE].T


def _raster(handed: Any) -> NDArray[Any]:
    """What was handed over as an array of rows, without copying it if it is one."""
    try:
        raster = np.asarray(handed if hasattr(handed, "__array__") or isinstance(handed, (list, tuple)) else memoryview(handed))
        if raster.ndim == 1 and len(getattr(handed, "shape", ())) > 1:  # a plain buffer that says its shape beside it
            raster = raster.reshape(handed.shape)
    except (TypeError, ValueError) as error:
        raise DriverError(f"the driver handed over {type(handed).__name__}, which is no image: {error}") from None
    if raster.dtype == np.float16:
        raster = raster.astype(np.float32)  # there is no half of a Single on the wire
    if raster.ndim == 3 and raster.shape[2] == 1:
        raster = raster[:, :, 0]  # clients take an image with one plane for a broken one
    if raster.ndim not in (2, 3) or not raster.size or raster.dtype.kind not in "biuf":
        raise DriverError(
            f"the driver handed over {raster.dtype} of the shape {raster.shape}, which is no image: it must be numbers, "
            "[y, x] or [y, x, plane]"
        )
    return raster


def _blocks(raster: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """The image in groups of rows that stay in the processor's cache."""
    rows = max(1, BLOCK // (raster.size // raster.shape[0]))
    for y in range(0, raster.shape[0], rows):
        yield raster[y : y + rows]


def _narrowest(raster: NDArray[Any]) -> ElementType:
    """The first type that holds every pixel without loss."""
    if raster.dtype.kind == "b":
        return ElementType.Byte
    if raster.dtype.kind == "f" and not all(_is_whole(block) for block in _blocks(raster)):
        return ElementType.Single if raster.dtype.itemsize <= 4 else ElementType.Double
    candidates = [*NARROW, *WIDE]
    low, high = 0, 0
    for block in _blocks(raster):
        low, high = min(low, int(block.min())), max(high, int(block.max()))
        while not _holds(candidates[0], low, high):
            del candidates[0]
        if np.can_cast(raster.dtype, DTYPES[candidates[0]]):
            break  # it holds whatever may still come
    return candidates[0]


def _is_whole(block: NDArray[Any]) -> bool:
    """Whether every pixel is a whole number of 32 bits; a float beyond them stays one."""
    return bool((np.abs(block) < 2**31).all() and (np.rint(block) == block).all())  # neither holds for nan


def _is_finite(raster: NDArray[Any]) -> bool:
    return all(np.isfinite(block).all() for block in _blocks(raster))


def _holds(element: ElementType, low: int, high: int) -> bool:
    limits = np.iinfo(DTYPES[element])
    return int(limits.min) <= low and high <= int(limits.max)


def _fits(raster: NDArray[Any], element: ElementType) -> bool:
    """Whether a type holds every pixel without loss."""
    if element in FLOATS and raster.dtype.kind == "f":  # fewer digits, as the driver asked for, but none that is too large
        with np.errstate(over="ignore"):
            return all((np.isfinite(block.astype(DTYPES[element])) == np.isfinite(block)).all() for block in _blocks(raster))
    if element in FLOATS:
        most = 2 ** (24 if element is ElementType.Single else 53)
        return all(-most <= int(block.min()) and int(block.max()) <= most for block in _blocks(raster))
    if np.can_cast(raster.dtype, DTYPES[element]):
        return True
    if raster.dtype.kind == "f" and not all(_is_whole(block) for block in _blocks(raster)):
        return False
    return all(_holds(element, int(block.min()), int(block.max())) for block in _blocks(raster))
