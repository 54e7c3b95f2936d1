"""How an image is written for clients and read from a server: as ImageBytes, or as the JSON of an answer."""

# Facts (Alpaca ImageBytes, and what clients do with it)
#   ImageBytes: eleven little-endian numbers of 32 bits (version, error number, the two transaction ids, where the pixels start,
#   what a pixel is, what it is on the wire, rank, three dimensions), then the pixels, x slowest, then y, then plane. The third
#   dimension of a rank of 2 is 0.
#   An error is answered as JSON whatever was asked for: ASCOM's own client does not read the error number of ImageBytes.
#   In JSON, Type and Rank stand first and side by side; Type is 2 for 32-bit integers, 3 for anything a double holds.

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, cast

from pylpaca.values import ElementType, Frame

TYPE = "application/imagebytes"
PIXELS = 1 << 15  # of a piece of JSON: well under a millisecond

DTYPES = {  # in numpy's words
    ElementType.Int16: "<i2",
    ElementType.Int32: "<i4",
    ElementType.Double: "<f8",
    ElementType.Single: "<f4",
    ElementType.UInt64: "<u8",
    ElementType.Byte: "|u1",
    ElementType.Int64: "<i8",
    ElementType.UInt16: "<u2",
    ElementType.UInt32: "<u4",
}
NARROW = (ElementType.Byte, ElementType.UInt16, ElementType.Int16, ElementType.Int32)  # what Int32 may be on the wire
_ELEMENT_TYPES = {text: element for element, text in DTYPES.items()}
_HEAD = struct.Struct("<iiIIiiiiiii")
_VERSION = 1


def is_wanted(accept: str) -> bool:
    """Whether a client that accepts this wants ImageBytes."""
    return TYPE in accept.lower()


def length(frame: Frame) -> int:
    """How many bytes the ImageBytes of an image have."""
    return _HEAD.size + int(frame.pixels.nbytes)


def pieces(frame: Frame, client_transaction: int, server_transaction: int) -> Iterator[bytes | memoryview]:
    """An image as ImageBytes: its head, and its pixels, which all who read them share."""
    width, height, *planes = frame.pixels.shape
    yield _HEAD.pack(
        _VERSION,
        0,
        client_transaction,
        server_transaction,
        _HEAD.size,
        frame.kind,
        _ELEMENT_TYPES[frame.pixels.dtype.str],
        frame.pixels.ndim,
        width,
        height,
        *(planes or [0]),
    )
    yield memoryview(cast(Any, frame.pixels)).cast("B")


def can_be_sent(frame: Frame) -> bool:
    """Whether the pixels are in the order of the wire, and of a type that may stand for their kind there."""
    element = _ELEMENT_TYPES.get(frame.pixels.dtype.str)
    allowed = NARROW if frame.kind is ElementType.Int32 else (frame.kind,)
    return element in allowed and frame.pixels.flags.c_contiguous


class Head(NamedTuple):
    """What stands before the pixels."""

    version: int
    error: int
    client_transaction: int
    server_transaction: int
    start: int  # of the pixels, or of the sentence of an error, in bytes
    kind: int
    sent_as: int
    rank: int
    dimensions: tuple[int, int, int]


def head(body: bytes) -> Head:
    """
    What stands before the pixels in ImageBytes.

    :raises ValueError: it is none.
    """
    if len(body) < _HEAD.size:
        raise ValueError(f"ImageBytes of {len(body)} bytes: the head alone has {_HEAD.size}")
    numbers = _HEAD.unpack_from(body)
    found = Head._make([*numbers[:8], numbers[8:]])
    if found.version != _VERSION or found.start < _HEAD.size:
        raise ValueError(f"ImageBytes of the unknown version {found.version}, with pixels from byte {found.start}")
    return found


def read(body: bytes) -> Frame:
    """
    The image in ImageBytes; its pixels are not copied.

    :raises ValueError: there is none in it.
    """
    import numpy as np

    said = head(body)
    shape = said.dimensions[: said.rank]
    if said.rank not in (2, 3) or min(shape) < 1:
        raise ValueError(f"ImageBytes of rank {said.rank} and dimensions {said.dimensions}")
    dtype = np.dtype(DTYPES[ElementType(said.sent_as)])
    if len(body) - said.start != dtype.itemsize * math.prod(shape):
        raise ValueError(f"ImageBytes with {len(body) - said.start} bytes of pixels, not those of {shape} {dtype}")
    return Frame(np.frombuffer(body, dtype, offset=said.start).reshape(shape), ElementType(said.kind))


def from_lists(columns: list[Any]) -> Frame:
    """
    The image in the lists of JSON, `[x][y]` or `[x][y][plane]`.

    :raises ValueError: they are no image.
    """
    import numpy as np

    pixels = np.array(columns)  # ValueError: lists of different lengths
    if pixels.ndim not in (2, 3) or not pixels.size or pixels.dtype.kind not in "iuf":
        raise ValueError(f"{pixels.dtype} of the shape {pixels.shape} where an image belongs")
    if pixels.dtype.kind == "f":
        return Frame(pixels, ElementType.Double)
    if pixels.min() >= -(2**31) and pixels.max() < 2**31:
        return Frame(pixels.astype(DTYPES[ElementType.Int32]))
    return Frame(pixels, ElementType.UInt64 if pixels.dtype.kind == "u" else ElementType.Int64)


def shape(frame: Frame) -> Mapping[str, int]:
    """What stands before the pixels in JSON."""
    return {"Type": ElementType.Int32 if frame.kind is ElementType.Int32 else ElementType.Double, "Rank": frame.pixels.ndim}


def json_pieces(frame: Frame, answer: bytes) -> Iterator[bytes]:
    """
    An image as JSON, `[x][y]` or `[x][y][plane]`, in pieces.

    :param answer: the whole answer, with an empty list where the image belongs.
    """
    before, value, after = answer.partition(b'"Value":[')
    separator = before + value
    pixels = frame.pixels
    group = PIXELS * len(pixels) // pixels.size  # columns
    for x in range(0, len(pixels), max(1, group)):
        if group:
            yield separator + _json(pixels[x : x + group])
        else:
            yield from _json_column(pixels[x], separator)
        separator = b","
    yield after


def _json_column(column: Any, before: bytes) -> Iterator[bytes]:
    """A column that is too long for one piece."""
    group = max(1, PIXELS * len(column) // column.size)
    separator = before + b"["
    for y in range(0, len(column), group):
        yield separator + _json(column[y : y + group])
        separator = b","
    yield b"]"


def _json(pixels: Any) -> bytes:
    """Pixels as JSON, without the outer brackets."""
    import orjson

    native = pixels.astype(pixels.dtype.newbyteorder("="), copy=False)  # as orjson wants it
    return orjson.dumps(native, option=orjson.OPT_SERIALIZE_NUMPY)[1:-1]
