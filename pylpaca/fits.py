"""A frame as a FITS file: the cards of its header, and its pixels in the order and with the bytes that FITS has."""

# Facts (FITS Standard 4.0)
#   A file consists of blocks of 2880 bytes. First the header, cards of 80 ASCII characters that end with END, filled with blanks;
#   then the pixels, big-endian, filled with zeros. NAXIS1 varies fastest, and the first pixel is (1, 1).
#   There are no unsigned integers of 16 bits and more: they are stored as signed ones, and BZERO says what to add. Bytes are
#   unsigned.
#   Viewers that follow the standard draw the first row at the bottom; ROWORDER, which image tools agree on, says that it is the
#   top one, as cameras have it.
#   Numbers and logicals end in column 30. A quote in a text is doubled, and a text has at least eight characters.

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from pylpaca.values import ElementType, Frame

if TYPE_CHECKING:
    from numpy.typing import NDArray

TYPE = "image/fits"
BLOCK = 2880  # bytes
CARD = 80  # characters
PIECE = 1 << 19  # bytes of pixels that are turned at once: a millisecond's work, in a cache

Value = bool | int | float | str


@dataclass(frozen=True)
class Card:
    """One line of a header."""

    keyword: str  # eight capitals, digits, hyphens and underscores at most
    value: Value
    comment: str = ""

    @property
    def text(self) -> str:
        """As it stands in a file; a text that is too long is cut, and so is a comment."""
        start = f"{self.keyword:<8}= {_written(self.value)}"
        return f"{start} / {_ascii(self.comment)}"[:CARD].ljust(CARD) if self.comment else start.ljust(CARD)


def _written(value: Value) -> str:
    if isinstance(value, bool):
        return f"{'T' if value else 'F':>20}"
    if isinstance(value, str):
        text = _ascii(value)
        while len(quoted := text.replace("'", "''")) > CARD - 12:
            text = text[:-1]
        return f"'{quoted:<8}'".ljust(20)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"FITS has no {value}")
        text = repr(value).upper()
        return f"{text if '.' in text else text.replace('E', '.0E'):>20}"
    return f"{value:>20}"


def _ascii(text: str) -> str:
    return "".join(each if " " <= each <= "~" else "?" for each in text)


@dataclass(frozen=True)
class Stored:
    """How pixels stand in a file: as which type, in numpy's words, which of its bits is turned over, and what is to be added."""

    bitpix: int
    dtype: str
    zero: int = 0


_STORED = {
    ElementType.Byte: Stored(8, "|u1"),
    ElementType.Int16: Stored(16, ">i2"),
    ElementType.UInt16: Stored(16, ">u2", 1 << 15),
    ElementType.Int32: Stored(32, ">i4"),
    ElementType.UInt32: Stored(32, ">u4", 1 << 31),
    ElementType.Int64: Stored(64, ">i8"),
    ElementType.UInt64: Stored(64, ">u8", 1 << 63),
    ElementType.Single: Stored(-32, ">f4"),
    ElementType.Double: Stored(-64, ">f8"),
}
_BY_DTYPE = {each.dtype[1:]: each for each in _STORED.values()}


def stored(frame: Frame, highest: int | None = None) -> Stored:
    """
    How the pixels of a frame are stored.

    :param highest: what a pixel of this camera can be at most. One that goes beyond a byte gets words for its darkest image, too:
        all images of a night have the same type.
    """
    found = _BY_DTYPE[frame.pixels.dtype.str[1:]]
    if found.bitpix == 8 and (highest is None or highest > 255):
        return _STORED[ElementType.UInt16]
    return found


def header(frame: Frame, cards: Sequence[Card], highest: int | None = None) -> bytes:
    """What stands before the pixels: what they are, and then other cards, of which the first of a name counts."""
    as_ = stored(frame, highest)
    width, height, *planes = frame.pixels.shape
    axes = [width, height, *planes]
    said = [
        Card("SIMPLE", True, "FITS Standard 4.0"),
        Card("BITPIX", as_.bitpix, "bits of a pixel; negative: floating point"),
        Card("NAXIS", len(axes)),
        *(Card(f"NAXIS{number}", size) for number, size in enumerate(axes, 1)),
    ]
    if as_.zero:
        said += [Card("BZERO", as_.zero, "is to be added to each pixel"), Card("BSCALE", 1)]
    said.append(Card("ROWORDER", "TOP-DOWN", "the first row is the top one"))
    named: dict[str, Card] = {}
    for each in [*said, *cards]:
        named.setdefault(each.keyword, each)
    texts = [each.text for each in named.values()]
    return _filled("".join([*texts, "END".ljust(CARD)]).encode("ascii"), b" ")


def _filled(data: bytes, filler: bytes) -> bytes:
    return data + filler * (-len(data) % BLOCK)


def length(head: bytes, frame: Frame, highest: int | None = None) -> int:
    """How many bytes the whole file has."""
    pixels = frame.pixels.size * abs(stored(frame, highest).bitpix) // 8
    return len(head) + pixels + -pixels % BLOCK


def pieces(head: bytes, frame: Frame, highest: int | None = None) -> Iterator[bytes | memoryview]:
    """The whole file, some rows at a time, each made when it is asked for: nothing holds the pixels a second time."""
    yield head
    as_ = stored(frame, highest)
    size = 0
    for plane in (
        [frame.pixels] if frame.pixels.ndim == 2 else (frame.pixels[:, :, each] for each in range(frame.pixels.shape[2]))
    ):
        for rows in _bands(plane, as_):
            size += rows.nbytes
            yield memoryview(cast(Any, rows)).cast("B")
    yield bytes(-size % BLOCK)


def _bands(plane: NDArray[Any], as_: Stored) -> Iterator[NDArray[Any]]:
    import numpy as np  # it is there if there are pixels

    from pylpaca.frames import turn

    width, height = plane.shape
    count = max(1, PIECE // (width * abs(as_.bitpix) // 8))
    for top in range(0, height, count):
        columns = plane[:, top : top + count]
        rows = np.empty((columns.shape[1], width), as_.dtype)
        turn(columns, rows)
        if as_.zero:  # less by half the range: the highest bit of the first byte is the other one
            rows.view(np.uint8).reshape(-1, rows.itemsize)[:, 0] ^= 0x80
        yield rows
