"""FITS files: every type of pixel and every shape, read by astropy; orientation against a star of the simulated sky."""

from __future__ import annotations

import tracemalloc
import warnings
from io import BytesIO
from typing import Any

import numpy as np
from astropy.io import fits as astropy_fits
from numpy.typing import NDArray
from twisted.trial.unittest import SynchronousTestCase

from drivers.simulators.exposure import Exposure, Pointing, Sensor, Window
from drivers.simulators.picture import picture
from drivers.simulators.starfield import stars_on
from pylpaca import fits
from pylpaca.fits import BLOCK, PIECE, Card, Value
from pylpaca.frames import prepared
from pylpaca.imagebytes import DTYPES
from pylpaca.values import ElementType, SensorType


def unique(shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
    """A picture with another value in every pixel, and the ends of the type's range among them."""
    if dtype[1] == "f":
        return (np.arange(np.prod(shape)) / 7 - 3.5).reshape(shape).astype(dtype)
    limits = np.iinfo(dtype)
    pixels = (np.arange(np.prod(shape)) % 251).reshape(shape).astype(dtype)
    pixels.flat[0], pixels.flat[1] = limits.min, limits.max
    return pixels


def file_of(pixels: NDArray[Any], *cards: Card, sent_as: ElementType | None = None, highest: int | None = None) -> bytes:
    frame = prepared(pixels, sent_as)
    head = fits.header(frame, cards, highest)
    return b"".join(bytes(each) for each in fits.pieces(head, frame, highest))


def opened(data: bytes) -> Any:
    """The first unit of a file, which astropy finds nothing wrong with."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = astropy_fits.open(BytesIO(data))[0]
        found.verify("exception")
        found.data  # noqa: B018  # it is read when it is first looked at
    return found


class PixelTests(SynchronousTestCase):
    """Pixel for pixel."""

    def same(self, pixels: NDArray[Any], sent_as: ElementType | None = None, highest: int | None = None) -> Any:
        unit = opened(file_of(pixels, sent_as=sent_as, highest=highest))
        wanted = np.moveaxis(pixels, 2, 0) if pixels.ndim == 3 else pixels
        self.assertTrue(np.array_equal(unit.data, wanted))
        return unit

    def test_every_type_is_read_back(self) -> None:
        """Each type of pixel comes out of the file as it went in."""
        for element, dtype in DTYPES.items():
            self.same(unique((5, 7), dtype), element)

    def test_every_type_is_read_back_in_colour(self) -> None:
        """The same with three planes, which become the third axis."""
        for element, dtype in DTYPES.items():
            self.same(unique((5, 7, 3), dtype), element)

    def test_large(self) -> None:
        """An image of many pieces, whose rows do not go into them evenly, is whole."""
        self.assertEqual(self.same(unique((1013, 1501), "<u2")).data.shape, (1013, 1501))

    def test_words_have_sixteen_bits(self) -> None:
        """Words without a sign are stored in 16 bits, from 32768."""
        unit = astropy_fits.open(BytesIO(file_of(unique((5, 7), "<u2"))), do_not_scale_image_data=True)[0]
        self.assertEqual((unit.header["BITPIX"], unit.header["BZERO"], unit.header["BSCALE"]), (16, 32768, 1))

    def test_dark_image_has_words(self) -> None:
        """An image that is dark enough for bytes is stored as all others of its camera."""
        dark = np.full((5, 7), 100, np.uint16)
        self.assertEqual(opened(file_of(dark, highest=65535)).data.dtype, np.uint16)

    def test_camera_of_eight_bits_has_bytes(self) -> None:
        """A camera whose pixels are bytes gives files of bytes."""
        self.assertEqual(self.same(unique((5, 7), "|u1"), highest=255).header["BITPIX"], 8)

    def test_shape(self) -> None:
        """NAXIS1 is the width."""
        unit = opened(file_of(unique((5, 7), "<u2")))
        self.assertEqual((unit.header["NAXIS1"], unit.header["NAXIS2"]), (7, 5))

    def test_first_pixel(self) -> None:
        """The first pixel of the first row is (1, 1) of FITS; the file says that its row is the top one."""
        unit = opened(file_of(unique((5, 7), "<i2")))
        self.assertEqual((unit.section[0:1, 0:1].item(), unit.header["ROWORDER"]), (-32768, "TOP-DOWN"))

    def test_whole_blocks(self) -> None:
        """The length of a file is a whole number of blocks, as was said before it was made."""
        frame = prepared(unique((31, 17), "<u2"))
        head = fits.header(frame, [])
        made = sum(memoryview(each).nbytes for each in fits.pieces(head, frame))
        self.assertEqual((made, made % BLOCK), (fits.length(head, frame), 0))

    def test_pieces_are_small(self) -> None:
        """No more than a piece of the image is turned at once."""
        frame = prepared(unique((1013, 1501), "<u2"))
        self.assertLessEqual(max(memoryview(each).nbytes for each in fits.pieces(b"", frame)), PIECE)


class CostTests(SynchronousTestCase):
    """What it needs."""

    def test_memory(self) -> None:
        """Nothing of the pixels is held a second time while a file is made."""
        frame = prepared(np.zeros((4000, 6000), np.uint16))
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        for _ in fits.pieces(fits.header(frame, []), frame):
            pass
        self.assertLess(tracemalloc.get_traced_memory()[1], 4 * PIECE)


class StarTests(SynchronousTestCase):
    """Against a star whose place is known."""

    def test_star_is_where_it_is(self) -> None:
        """The brightest star of a simulated picture stands in the file at its column and row, counted from 1."""
        sensor = Sensor(300, 200, SensorType.Monochrome, 1e9, 2**23, 1260 / 3.8e-3, 200, 1)
        pointing = Pointing(5.6, -5.4)
        stars = stars_on(sensor, pointing)
        brightest = int(np.argmax(np.where((stars.x > 9) & (stars.x < 290) & (stars.y > 9) & (stars.y < 190), stars.light, 0)))
        image = picture(Exposure(sensor, Window(1, 1, 0, 0, 300, 200), 60, True, -100, 1, 1, 100, 1), pointing)
        data = opened(file_of(image)).data
        x, y = round(stars.x[brightest]), round(stars.y[brightest])
        around = data[y - 2 : y + 3, x - 2 : x + 3]
        self.assertEqual(np.unravel_index(np.argmax(around), around.shape), (2, 2))


class HeaderTests(SynchronousTestCase):
    """Cards."""

    def read(self, *cards: Card) -> Any:
        return opened(file_of(unique((5, 7), "<u2"), *cards)).header

    def test_values(self) -> None:
        """Numbers, texts and logicals are read back as what they were."""
        values: dict[str, Value] = {
            "ONE": 1,
            "HALF": -0.5,
            "SMALL": 1e-300,
            "LARGE": 1e30,
            "TEXT": "M 31's core",
            "YES": True,
            "NO": False,
            "NONE": "",
        }
        header = self.read(*(Card(name, value) for name, value in values.items()))
        self.assertEqual({name: header[name] for name in values}, values)

    def test_comment(self) -> None:
        """A comment stands behind a value."""
        self.assertEqual(self.read(Card("EXPTIME", 2.5, "seconds")).comments["EXPTIME"], "seconds")

    def test_long_text(self) -> None:
        """A text that is too long for a card is cut, quotes and all."""
        self.assertEqual(self.read(Card("TEXT", "a'" * 60))["TEXT"], "a'" * 22 + "a")

    def test_foreign_letters(self) -> None:
        """What is not ASCII becomes a question mark: FITS has nothing else."""
        self.assertEqual(self.read(Card("TEXT", "Hα\n3 nm"))["TEXT"], "H??3 nm")

    def test_first_counts(self) -> None:
        """Of two cards of the same name the first counts, and what describes the pixels is not to be changed."""
        header = self.read(Card("GAIN", 1), Card("GAIN", 2), Card("NAXIS", 5))
        self.assertEqual((header["GAIN"], header["NAXIS"], header.count("GAIN")), (1, 2, 1))

    def test_no_number(self) -> None:
        """What is not a number cannot be written."""
        self.assertRaises(ValueError, lambda: Card("X", float("nan")).text)
