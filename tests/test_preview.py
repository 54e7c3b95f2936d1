"""The small picture of an image, and its histogram."""

from __future__ import annotations

import struct
import tracemalloc
import zlib
from typing import Any
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray
from twisted.trial.unittest import SynchronousTestCase

from pylpaca.frames import prepared
from pylpaca.preview import BACKGROUND, WIDEST, histogram, picture, png, preview
from pylpaca.values import SensorType

GREY = round(255 * BACKGROUND)


def sky(shape: tuple[int, ...] = (400, 600), level: float = 1000.0) -> NDArray[np.uint16]:
    """A background with noise, always the same."""
    noise = np.random.default_rng(7).normal(level, 10, shape)
    return np.rint(noise).astype(np.uint16)


def decoded(data: bytes) -> NDArray[np.uint8]:
    """The pixels of a PNG file as this server writes them, with the sums of its chunks looked at."""
    at, chunks = 8, {}
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        name, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        assert struct.unpack_from(">I", data, at + 8 + length)[0] == zlib.crc32(name + body)
        chunks[name] = body
        at += 12 + length
    width, height, depth, kind, *rest = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    assert (data[:8], depth, rest, list(chunks)) == (b"\x89PNG\r\n\x1a\n", 8, [0, 0, 0], [b"IHDR", b"IDAT", b"IEND"])
    rows = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, -1)
    assert not rows[:, 0].any()
    return rows[:, 1:] if kind == 0 else rows[:, 1:].reshape(height, width, 3)


class PictureTests(SynchronousTestCase):
    """What is seen."""

    def seen(self, image: Any, **said: Any) -> NDArray[np.uint8]:
        return picture(prepared(image), **said)

    def test_background_is_dark_grey(self) -> None:
        """The background of a night sky is dark grey, however many counts it has."""
        for level in (100, 1000, 50_000):
            image = sky(level=level)
            image[200, 300] = 60_000
            self.assertAlmostEqual(float(np.median(self.seen(image))), GREY, delta=8)

    def test_star_is_bright(self) -> None:
        """A star ten deviations above the background is much brighter than it."""
        image = sky()
        image[10:13, 20:23] = 1500
        self.assertGreater(int(self.seen(image)[11, 21]), 200)

    def test_orientation(self) -> None:
        """The first row is on top, the first column left: the picture has the shape of the image."""
        image = sky()
        image[3, 500] = 60_000
        seen = self.seen(image)
        self.assertEqual((seen.shape, np.unravel_index(np.argmax(seen), seen.shape)), ((400, 600), (3, 500)))

    def test_large_image_is_small(self) -> None:
        """No side of the picture is longer than a thousand pixels; a star of one pixel is not lost."""
        image = sky((1700, 2600))
        image[900, 1501] = 60_000
        seen = self.seen(image)
        self.assertEqual((seen.shape, np.unravel_index(np.argmax(seen), seen.shape)), ((566, 866), (300, 500)))

    def test_all_alike(self) -> None:
        """An image whose pixels are all alike is grey."""
        self.assertEqual(np.unique(self.seen(np.full((5, 7), 300))).tolist(), [GREY])

    def test_two_values(self) -> None:
        """An image with hardly any noise, as a bias of a simulator, is a picture."""
        image = np.full((50, 70), 300)
        image[20, 30] = 301
        self.assertEqual(int(self.seen(image)[20, 30]), 255)

    def test_one_pixel(self) -> None:
        """The smallest image there is is a picture."""
        self.assertEqual(self.seen(np.array([[5]])).shape, (1, 1))

    def test_long_strip(self) -> None:
        """A strip of a few rows keeps them."""
        self.assertEqual(self.seen(sky((2, 5000))).shape, (1, 1000))

    def test_no_numbers(self) -> None:
        """Pixels that are no numbers are black."""
        image = sky().astype(np.float32) / 3
        image[5, 6] = np.nan
        self.assertEqual(int(self.seen(image)[5, 6]), 0)

    def test_planes(self) -> None:
        """An image in colours is a picture in colours, each with a grey background."""
        image = np.stack([sky(level=level) for level in (500, 1000, 2000)], axis=2)
        seen = self.seen(image)
        self.assertEqual((seen.shape, np.ptp(np.median(seen, axis=(0, 1))) < 40), ((400, 600, 3), True))


class MosaicTests(SynchronousTestCase):
    """Colours under a mosaic."""

    def colour(self, row: int, column: int, offset: tuple[int, int] = (0, 0)) -> list[int]:
        """What is made of light on all pixels at these places of the cells, where there is a gradient, too."""
        image = sky()
        image[100 + row : 140 : 2, 100 + column : 140 : 2] += 5000
        seen = picture(prepared(image), SensorType.RGGB, offset)
        middle: list[int] = seen[60, 60].tolist()
        return [int(each > 200) for each in middle]

    def test_red(self) -> None:
        """The first pixel of the first row is red."""
        self.assertEqual(self.colour(0, 0), [1, 0, 0])

    def test_green(self) -> None:
        """The second of the first row is green."""
        self.assertEqual(self.colour(0, 1), [0, 1, 0])

    def test_blue(self) -> None:
        """The second of the second row is blue."""
        self.assertEqual(self.colour(1, 1), [0, 0, 1])

    def test_begins_elsewhere(self) -> None:
        """Where the mosaic begins at the second column and row, blue is where red would be."""
        self.assertEqual(self.colour(0, 0, (1, 1)), [0, 0, 1])

    def test_half_as_wide(self) -> None:
        """A cell of the mosaic becomes a pixel."""
        self.assertEqual(picture(prepared(sky()), SensorType.RGGB).shape, (199, 299, 3))

    def test_other_mosaics_are_grey(self) -> None:
        """Of other mosaics whole cells are shown, without their pattern."""
        image = np.tile(np.array([[1000, 3000], [5000, 7000]]), (100, 100))
        self.assertEqual(len(np.unique(picture(prepared(image), SensorType.CMYG))), 1)

    def test_tiny(self) -> None:
        """A subframe of a few pixels is shown grey."""
        self.assertEqual(picture(prepared(sky((3, 3))), SensorType.RGGB).shape, (1, 1))


class FileTests(SynchronousTestCase):
    """PNG and SVG."""

    def test_grey(self) -> None:
        """A grey picture is read back."""
        raster = np.arange(35, dtype=np.uint8).reshape(5, 7)
        self.assertTrue(np.array_equal(decoded(png(raster)), raster))

    def test_colour(self) -> None:
        """One in colour, too."""
        raster = np.arange(105, dtype=np.uint8).reshape(5, 7, 3)
        self.assertTrue(np.array_equal(decoded(png(raster)), raster))

    def test_preview(self) -> None:
        """A preview is the picture of a frame."""
        frame = prepared(sky())
        self.assertTrue(np.array_equal(decoded(preview(frame).png), picture(frame)))

    def test_histogram(self) -> None:
        """The histogram says the lowest, the median and the highest count."""
        image = np.full((50, 70), 300)
        image[0, 0], image[0, 1] = 100, 65_535
        texts = [each.text for each in ElementTree.fromstring(histogram(prepared(image))).iter() if each.tag.endswith("text")]
        self.assertEqual(sorted(filter(None, texts)), ["100", "65535 ADU", "median 300"])

    def test_histogram_of_nothing_else(self) -> None:
        """One value everywhere has a histogram; so has an image without numbers."""
        for image in (np.full((5, 7), 3), np.full((5, 7), np.nan)):
            self.assertIn(b"<polygon", histogram(prepared(image)))


class CostTests(SynchronousTestCase):
    """What it needs."""

    def test_memory(self) -> None:
        """The preview of a large image needs a small part of its memory."""
        frame = prepared(np.zeros((5000, 6000), np.uint16))
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        preview(frame)
        self.assertLess(tracemalloc.get_traced_memory()[1], 0.5 * frame.pixels.nbytes)

    def test_widest(self) -> None:
        """The widest camera that is simulated is shown as wide as a screen."""
        self.assertLessEqual(max(picture(prepared(np.zeros((6388, 9576), np.uint8))).shape), WIDEST)
