"""How bytes are cut into messages."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from pylpaca.serial import FixedFraming, Framing, LengthPrefixedFraming, LineFraming, TerminatedFraming

FRAMINGS: list[Framing] = [
    LineFraming(b"\r\n"),
    TerminatedFraming(b"#"),
    FixedFraming(3),
    LengthPrefixedFraming(),
    LengthPrefixedFraming(2, "little", includes_prefix=True),
    LengthPrefixedFraming(4),
]


def cut(framing: Framing, data: bytes) -> tuple[list[bytes], bytes]:
    """The messages in it, and what is left."""
    received = bytearray(data)
    found = []
    while (frame := framing.next_frame(received)) is not None:
        found.append(frame)
    return found, bytes(received)


class FramingTests(SynchronousTestCase):
    def test_lines(self) -> None:
        """A terminator is added, and taken off."""
        framing = LineFraming(b"\r\n")
        self.assertEqual(framing.outgoing(b"R?"), b"R?\r\n")
        self.assertEqual(cut(framing, b"1\r2\r\n\r\n3\r"), ([b"1\r2", b""], b"3\r"))

    def test_terminated(self) -> None:
        """Commands are sent as they are written; what ends a reply is taken off."""
        framing = TerminatedFraming(b"#")
        self.assertEqual(framing.outgoing(b":GR#"), b":GR#")
        self.assertEqual(cut(framing, b"12:00:00#1"), ([b"12:00:00"], b"1"))

    def test_fixed(self) -> None:
        """Every message has so many bytes, whatever they are."""
        framing = FixedFraming(2)
        self.assertEqual(framing.outgoing(b"\x01"), b"\x01")
        self.assertEqual(cut(framing, b"\x00\nab#"), ([b"\x00\n", b"ab"], b"#"))

    def test_length_prefixed(self) -> None:
        """A number of bytes comes first, that counts itself or does not."""
        framing = LengthPrefixedFraming()
        self.assertEqual(framing.outgoing(b"abc"), b"\x03abc")
        self.assertEqual(cut(framing, b"\x01a\x00\x03bc"), ([b"a", b""], b"\x03bc"))
        framing = LengthPrefixedFraming(2, "little", includes_prefix=True)
        self.assertEqual(framing.outgoing(b"abc"), b"\x05\x00abc")
        self.assertEqual(cut(framing, b"\x03\x00a\x02\x00\x05"), ([b"a", b""], b"\x05"))

    def test_command_too_long(self) -> None:
        """A command that is longer than its number can say cannot be sent."""
        self.assertRaises(OverflowError, LengthPrefixedFraming().outgoing, bytes(256))

    def test_noise(self) -> None:
        """What cannot be a message any more is dropped, so that it fills no memory."""
        for framing in (LineFraming(b"\n", 10), TerminatedFraming(b"#", 10)):
            self.assertEqual(cut(framing, b"x" * 10), ([], b"x" * 10))
            self.assertEqual(cut(framing, b"x" * 11), ([], b""))
        self.assertEqual(cut(LengthPrefixedFraming(2, longest=10), b"\x00\x0bx"), ([], b""))
        self.assertEqual(cut(LengthPrefixedFraming(includes_prefix=True), b"\x00x"), ([], b""))

    def test_what_is_no_framing(self) -> None:
        """A terminator without a byte and messages without one are refused at once."""
        self.assertRaises(ValueError, LineFraming, b"")
        self.assertRaises(ValueError, TerminatedFraming, b"")
        self.assertRaises(ValueError, FixedFraming, 0)

    @given(st.sampled_from(FRAMINGS[:4]), st.binary(max_size=40))
    def test_whatever_comes(self, framing: Framing, data: bytes) -> None:
        """Whatever comes is cut, in one piece or byte by byte, into the same messages; all but noise, which these do not know."""
        found, rest = cut(framing, data)
        received = bytearray()
        pieces = []
        for byte in data:
            received.append(byte)
            while (frame := framing.next_frame(received)) is not None:
                pieces.append(frame)
        self.assertEqual((pieces, bytes(received)), (found, rest))

    @given(st.sampled_from(FRAMINGS[:1] + FRAMINGS[3:]), st.lists(st.binary(max_size=20)))
    def test_round_trip(self, framing: Framing, messages: list[bytes]) -> None:
        """What one end sends, the other cuts into the same messages."""
        clean = [each.replace(b"\r", b"").replace(b"\n", b"") for each in messages]
        self.assertEqual(cut(framing, b"".join(map(framing.outgoing, clean))), (clean, b""))
