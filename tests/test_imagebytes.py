"""Images on the wire: ImageBytes to the byte, JSON to the character, and both read back."""

from __future__ import annotations

import json
import struct

import numpy as np
from twisted.trial.unittest import SynchronousTestCase

from pylpaca import imagebytes
from pylpaca.frames import prepared
from pylpaca.imagebytes import DTYPES
from pylpaca.values import ElementType, Frame
from tests.imagedecoder import decoded


def written(frame: Frame, client: int = 7, server: int = 9) -> bytes:
    return b"".join(imagebytes.pieces(frame, client, server))


class WritingTests(SynchronousTestCase):
    def test_to_the_byte(self) -> None:
        """A small image, byte for byte."""
        head = struct.pack("<iiIIiiiiiii", 1, 0, 7, 9, 44, 2, 8, 2, 3, 2, 0)
        pixels = struct.pack("<6H", 1, 4, 2, 5, 300, 6)
        self.assertEqual(written(prepared([[1, 2, 300], [4, 5, 6]])), head + pixels)

    def test_to_the_byte_in_colour(self) -> None:
        """So in colour: planes are side by side, and the third dimension counts them."""
        head = struct.pack("<iiIIiiiiiii", 1, 0, 7, 9, 44, 2, 6, 3, 2, 1, 3)
        self.assertEqual(written(prepared([[[1, 2, 3], [4, 5, 6]]])), head + bytes([1, 2, 3, 4, 5, 6]))

    def test_transaction_ids(self) -> None:
        """Transaction ids are unsigned: the highest one is echoed as it is."""
        body = written(prepared([[1]]), client=2**32 - 1, server=2**32 - 1)
        self.assertEqual(imagebytes.head(body).client_transaction, 2**32 - 1)
        self.assertEqual(imagebytes.head(body).server_transaction, 2**32 - 1)

    def test_shared(self) -> None:
        """The pixels are no copy: who sends an image to many holds it once."""
        frame = prepared([[1, 2, 300], [4, 5, 6]])
        head, pixels = imagebytes.pieces(frame, 1, 2)
        self.assertEqual(len(head) + len(pixels), imagebytes.length(frame))
        self.assertTrue(np.shares_memory(np.frombuffer(pixels, np.uint8), frame.pixels))


class ReadingTests(SynchronousTestCase):
    def test_every_type(self) -> None:
        """Every type of pixel, in two dimensions and in three, is read as it was written, by us and by another decoder."""
        for element, dtype in DTYPES.items():
            limits = np.iinfo(dtype) if dtype[1] != "f" else np.finfo(dtype)
            for shape in ((5, 3), (5, 3, 4)):
                pixels = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
                pixels[0, 0], pixels[-1, -1] = limits.min, limits.max
                frame = Frame(pixels, element)
                body = written(frame)
                found, other = imagebytes.read(body), decoded(body, imagebytes.TYPE)
                self.assertEqual((found.kind, found.pixels.dtype.str), (element, dtype))
                self.assertEqual(found.pixels.tolist(), pixels.tolist())
                self.assertEqual((other.kind, other.sent_as, other.pixels), (element, element, pixels.tolist()))

    def test_broken(self) -> None:
        """What is cut off, of another version or of no sense is no image, and a sentence says why."""
        good = written(prepared([[1, 2], [3, 4]]))
        broken = [
            b"",
            good[:43],
            good[:-1],
            good + b"x",
            b"\2" + good[1:],
            good[:24] + struct.pack("<i", 0) + good[28:],
            good[:28] + struct.pack("<i", 4) + good[32:],
            good[:32] + struct.pack("<i", -2) + good[36:],
            good[:16] + struct.pack("<i", 10) + good[20:],
        ]
        for body in broken:
            self.assertRaises(ValueError, imagebytes.read, body)


class JsonTests(SynchronousTestCase):
    def text(self, frame: Frame) -> bytes:
        answer = json.dumps({**imagebytes.shape(frame), "Value": [], "X": 1}, separators=(",", ":")).encode()
        return b"".join(imagebytes.json_pieces(frame, answer))

    def test_to_the_character(self) -> None:
        """Type and Rank first and side by side, columns outside, no blanks."""
        self.assertEqual(self.text(prepared([[1, 2, 3], [4, 5, 6]])), b'{"Type":2,"Rank":2,"Value":[[1,4],[2,5],[3,6]],"X":1}')
        colour = prepared([[[1, 2, 3], [4, 5, 6]]])
        self.assertEqual(self.text(colour), b'{"Type":2,"Rank":3,"Value":[[[1,2,3]],[[4,5,6]]],"X":1}')
        self.assertEqual(self.text(prepared([[0.5, 1.0]])), b'{"Type":3,"Rank":2,"Value":[[0.5],[1.0]],"X":1}')

    def test_every_type(self) -> None:
        """Every type of pixel, in as many pieces as it takes."""
        for element, dtype in DTYPES.items():
            for shape in ((300, 200), (150, 130, 3)):
                pixels = (np.arange(np.prod(shape)) % 251).reshape(shape).astype(dtype)
                frame = Frame(pixels, element)
                found = json.loads(self.text(frame))
                self.assertEqual(found["Value"], pixels.tolist(), element)
                self.assertEqual(found["Type"], 2 if element is ElementType.Int32 else 3)

    def test_small_pieces(self) -> None:
        """No piece is more than a few ten thousand pixels, however the image lies."""
        for shape in ((1000, 1000), (1_000_000, 1), (1, 1_000_000), (3, 200_000), (2, 40_000, 3), (250, 400, 10)):
            frame = Frame(np.ones(shape, np.uint8))
            longest = max(map(len, imagebytes.json_pieces(frame, b'{"Value":[]}')))
            self.assertLess(longest, 5 * imagebytes.PIXELS, shape)

    def test_long_columns(self) -> None:
        """A column that is longer than a piece is cut, and put together again."""
        for shape in ((2, 70_000), (2, 40_000, 3)):
            pixels = np.arange(np.prod(shape), dtype=np.int32).reshape(shape)
            self.assertEqual(json.loads(self.text(Frame(pixels)))["Value"], pixels.tolist())

    def test_read_back(self) -> None:
        """A client makes the same image of it."""
        for rows in ([[1, 2, 3], [4, 5, 6]], [[[1, 2, 3], [4, 5, 6]]], [[0.5, 1.5]]):
            frame = prepared(rows)
            back = imagebytes.from_lists(json.loads(self.text(frame))["Value"])
            self.assertEqual(back.array.tolist(), rows)
            self.assertEqual(back.kind is ElementType.Int32, frame.kind is ElementType.Int32)

    def test_types_read_back(self) -> None:
        """Whole numbers are Int32 where they fit, and of 64 bits where they do not; so they can be sent on."""
        for value, kind, dtype in (
            (1, ElementType.Int32, "<i4"),
            (2**40, ElementType.Int64, "<i8"),
            (2**63, ElementType.UInt64, "<u8"),
        ):
            frame = imagebytes.from_lists([[value]])
            self.assertEqual((frame.kind, frame.pixels.dtype.str, frame.pixels.tolist()), (kind, dtype, [[value]]))
            self.assertTrue(imagebytes.can_be_sent(frame))


class NegotiatingTests(SynchronousTestCase):
    def test_accept(self) -> None:
        """ImageBytes for who mentions it, in any order and any letters; JSON for all others."""
        for accept in (
            "application/imagebytes",
            "application/json, application/imagebytes",
            "application/imagebytes;q=0.1, */*",
            "APPLICATION/ImageBytes",
        ):
            self.assertTrue(imagebytes.is_wanted(accept), accept)
        for accept in ("", "*/*", "application/json", "application/*", "image/bytes"):
            self.assertFalse(imagebytes.is_wanted(accept), accept)
