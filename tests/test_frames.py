"""What a driver hands over, and what becomes of it: no pixel lost, none in the wrong place, in the fewest bytes."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from twisted.trial.unittest import SynchronousTestCase

from pylpaca.errors import DriverError
from pylpaca.frames import BLOCK, TILE, prepared, turn
from pylpaca.imagebytes import can_be_sent
from pylpaca.values import ElementType, Frame

WHOLE = ("u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8")


def on_wire(frame: Frame) -> str:
    """What numpy calls the pixels on the wire."""
    return frame.pixels.dtype.str.lstrip("<|")


class TurningTests(SynchronousTestCase):
    def test_every_pixel(self) -> None:
        """A frame that is a multiple of no tile, every pixel different: each is where it belongs, and the bytes are in order."""
        raster = np.arange((2 * TILE + 3) * (TILE + 5), dtype=np.int32).reshape(2 * TILE + 3, TILE + 5)
        frame = prepared(raster)
        self.assertEqual(frame.pixels.shape, (TILE + 5, 2 * TILE + 3))
        self.assertTrue(np.array_equal(frame.pixels, raster.T))
        self.assertTrue(frame.pixels.flags.c_contiguous)
        self.assertTrue(np.array_equal(frame.array, raster))

    def test_every_pixel_in_colour(self) -> None:
        """So it is with three planes; the plane is the fastest."""
        raster = np.arange((TILE + 2) * (TILE + 7) * 3, dtype=np.int32).reshape(TILE + 2, TILE + 7, 3)
        frame = prepared(raster)
        self.assertTrue(np.array_equal(frame.pixels, raster.swapaxes(0, 1)))
        self.assertTrue(frame.pixels.flags.c_contiguous)
        self.assertTrue(np.array_equal(frame.array, raster))

    @given(arrays.arrays(st.sampled_from(WHOLE), arrays.array_shapes(min_dims=2, max_dims=3, min_side=2, max_side=9)))
    def test_lossless(self, raster: Any) -> None:
        """Whatever whole numbers a camera has, every one of them arrives."""
        frame = prepared(raster)
        self.assertTrue(np.array_equal(frame.array, raster))

    @given(arrays.arrays(st.sampled_from(("f2", "f4", "f8")), arrays.array_shapes(min_dims=2, max_dims=3, min_side=2)))
    def test_lossless_floats(self, raster: Any) -> None:
        """So do floats, those that are no numbers included."""
        frame = prepared(raster)
        self.assertTrue(np.array_equal(frame.array, raster, equal_nan=True))
        self.assertEqual(frame.finite, bool(np.isfinite(raster).all()))

    def test_views(self) -> None:
        """A part of a larger array, upside down, in columns or in the other byte order: its pixels are what counts."""
        whole = np.arange(60 * 40, dtype=np.uint16).reshape(60, 40)
        for view in (whole[3:20, 5:9], whole[::-1], whole[::2, ::3], np.asfortranarray(whole), whole.astype(">u2")):
            self.assertTrue(np.array_equal(prepared(view).array, view))

    def test_not_a_copy_of_the_drivers(self) -> None:
        """What the driver does with its array afterwards does not change the image, and nobody can write to that."""
        raster = np.ones((4, 4), np.uint16)
        frame = prepared(raster)
        raster[:] = 7
        self.assertEqual(frame.array.max(), 1)
        self.assertRaises(ValueError, frame.pixels.fill, 3)

    def test_converting(self) -> None:
        """Turning converts on the way."""
        pixels = np.empty((3, 2), np.uint8)
        turn(np.array([[1, 2, 3], [4, 5, 6]], np.int64), pixels)
        self.assertEqual(pixels.tolist(), [[1, 4], [2, 5], [3, 6]])


class NarrowingTests(SynchronousTestCase):
    def test_by_the_data(self) -> None:
        """The first of Byte, UInt16, Int16 and Int32 that holds every pixel; to clients all of them are Int32."""
        for low, high, wanted in (
            (0, 255, "u1"),
            (0, 256, "u2"),
            (0, 65_535, "u2"),
            (-1, 0, "i2"),
            (-32_768, 32_767, "i2"),
            (-1, 32_768, "i4"),
            (0, 65_536, "i4"),
            (-32_769, 0, "i4"),
            (-(2**31), 2**31 - 1, "i4"),
        ):
            for dtype in ("i4", "i8", "f8"):
                frame = prepared(np.array([[low, high], [0, 0]], dtype))
                kinds = on_wire(frame), frame.kind
                whole = dtype != "f8" or low > -(2**31)
                self.assertEqual(kinds, (wanted, ElementType.Int32) if whole else ("f8", ElementType.Double), (low, high, dtype))

    def test_by_type(self) -> None:
        """A type that always fits is found whatever the pixels, and a narrower one where they allow it."""
        for dtype, high, wanted in (("u2", 65_535, "u2"), ("u2", 9, "u1"), ("i2", 9, "u1"), ("u1", 255, "u1"), ("i1", 9, "u1")):
            self.assertEqual(on_wire(prepared(np.full((2, 2), high, dtype))), wanted, dtype)
        self.assertEqual(on_wire(prepared(np.ones((2, 2), bool))), "u1")

    def test_last_pixel(self) -> None:
        """One pixel at the very end decides, too."""
        raster = np.zeros((2, BLOCK), np.int32)
        raster[-1, -1] = 70_000
        self.assertEqual(on_wire(prepared(raster)), "i4")
        self.assertEqual(prepared(raster).array[-1, -1], 70_000)

    def test_far_apart(self) -> None:
        """What one part of the image needs is not forgotten over what another one needs."""
        for dtype in ("i4", "i8", "f4"):
            raster = np.zeros((2, BLOCK), dtype)
            raster[0, 0], raster[1, 0] = 60_000, -5
            frame = prepared(raster)
            self.assertEqual((on_wire(frame), int(frame.array[0, 0]), int(frame.array[1, 0])), ("i4", 60_000, -5))

    def test_beyond_32_bits(self) -> None:
        """Larger whole numbers go as what they are, for clients and on the wire."""
        for high, dtype, element in (
            (2**31, "u4", ElementType.UInt32),
            (2**40, "i8", ElementType.Int64),
            (2**63, "u8", ElementType.UInt64),
        ):
            frame = prepared(np.array([[0, high]], dtype))
            self.assertEqual((on_wire(frame), frame.kind), (dtype, element))
            self.assertEqual(int(frame.array[0, 1]), high)

    def test_floats(self) -> None:
        """Floats that are whole numbers go as those; others as Single or Double, as exact as they were."""
        self.assertEqual(on_wire(prepared(np.array([[1.0, 300.0]]))), "u2")
        for dtype, wanted, element in (
            ("f2", "f4", ElementType.Single),
            ("f4", "f4", ElementType.Single),
            ("f8", "f8", ElementType.Double),
        ):
            for pixel in (0.5, float("nan"), float("inf")):
                frame = prepared(np.array([[1, pixel]], dtype))
                self.assertEqual((on_wire(frame), frame.kind), (wanted, element), (dtype, pixel))
        self.assertEqual(on_wire(prepared(np.array([[1.0, 3e9]]))), "f8")

    def test_declared(self) -> None:
        """A driver that names the type gets it, even where a narrower one would do."""
        dim = np.ones((2, 2), np.uint16)
        for element, wanted in ((ElementType.UInt16, "u2"), (ElementType.Int32, "i4"), (ElementType.Byte, "u1")):
            frame = prepared(dim, element)
            self.assertEqual((on_wire(frame), frame.kind, frame.array.tolist()), (wanted, ElementType.Int32, [[1, 1], [1, 1]]))
        frame = prepared(np.array([[0.25, 1.0]]), ElementType.Single)
        self.assertEqual((on_wire(frame), frame.kind, frame.array.tolist()), ("f4", ElementType.Single, [[0.25, 1.0]]))

    def test_declared_too_narrow(self) -> None:
        """Pixels that do not fit what the driver named are never cut off: it is told."""
        for pixel, dtype, element in (
            (256, "u2", ElementType.Byte),
            (-1, "i2", ElementType.UInt16),
            (70_000, "i4", ElementType.UInt16),
            (0.5, "f4", ElementType.UInt16),
            (float("nan"), "f4", ElementType.Int32),
            (2**24 + 1, "i4", ElementType.Single),
            (2**53 + 1, "i8", ElementType.Double),
            (1e300, "f8", ElementType.Single),
        ):
            with self.assertRaises(DriverError) as caught:
                prepared(np.array([[0, pixel]], dtype), element)
            self.assertIn(element.name, str(caught.exception))


class HandedOverTests(SynchronousTestCase):
    def test_buffers(self) -> None:
        """What has the buffer protocol is an image without numpy: a shaped memory view, an array of C."""
        numbers = np.arange(6, dtype=np.uint16).tobytes()
        for handed in (
            memoryview(numbers).cast("H", (2, 3)),
            ((ctypes.c_uint16 * 3) * 2).from_buffer_copy(numbers),
            np.arange(6, dtype=np.uint16).reshape(2, 3),
            [[0, 1, 2], [3, 4, 5]],
            ((0, 1, 2), (3, 4, 5)),
        ):
            self.assertEqual(prepared(handed).array.tolist(), [[0, 1, 2], [3, 4, 5]], type(handed))

    def test_shape_beside(self) -> None:
        """A plain buffer that says its shape beside it, as SDKs give it."""

        class Buffer(ctypes.Array[Any]):
            _type_, _length_, shape = ctypes.c_uint16, 6, (2, 3)

        self.assertEqual(prepared(Buffer(0, 1, 2, 3, 4, 5)).array.tolist(), [[0, 1, 2], [3, 4, 5]])

    def test_one_plane(self) -> None:
        """One plane is no colour: it is an image in two dimensions."""
        self.assertEqual(prepared(np.ones((2, 3, 1), np.uint8)).pixels.shape, (3, 2))

    def test_frame(self) -> None:
        """What is ready stays what it is."""
        frame = prepared([[1]])
        self.assertIs(prepared(frame), frame)

    def test_odd_frame(self) -> None:
        """A frame of somebody's own making that the wire has no type for, or in another order, is made ready."""
        for pixels in (np.ones((2, 3), np.int8), np.ones((2, 3), np.int64), np.ones((3, 2), np.uint8).T):
            frame = prepared(Frame(pixels))
            self.assertTrue(can_be_sent(frame))
            self.assertEqual(frame.pixels.tolist(), pixels.tolist())

    def test_no_image(self) -> None:
        """What is no image is told to the driver's author, in a sentence that says what was handed over."""
        for handed, words in (
            (None, "NoneType"),
            (7, "int"),
            (np.zeros(5), "(5,)"),
            (np.zeros((2, 2, 2, 2)), "(2, 2, 2, 2)"),
            (np.zeros((0, 5)), "(0, 5)"),
            (np.zeros((2, 2), complex), "complex128"),
            (np.array([["a", "b"]]), "<U1"),
            ([[1, 2], [3]], "list"),
            (b"abc", "(3,)"),
        ):
            with self.assertRaises(DriverError) as caught:
                prepared(handed)
            self.assertIn(words, str(caught.exception))
