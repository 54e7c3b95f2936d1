"""How the bytes of a line are cut into messages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

MOST_UNCUT = 1 << 20  # bytes: what is longer and not cut into messages yet never will be


class Framing(Protocol):
    """How a device marks where a message ends."""

    def outgoing(self, command: bytes) -> bytes:
        """The command as it is sent."""

    def next_frame(self, received: bytearray) -> bytes | None:
        """Take one whole message from the front of what was received; None if there is none yet."""


@dataclass(frozen=True)
class LineFraming:
    """
    Messages that end in a terminator, as b"\\r\\n"; it is added when sending and taken off when receiving.

    :param longest: bytes without a terminator that are no message any more.
    """

    terminator: bytes = b"\n"
    longest: int = 4096

    def __post_init__(self) -> None:
        _check_terminator(self.terminator)

    def outgoing(self, command: bytes) -> bytes:
        return command + self.terminator

    def next_frame(self, received: bytearray) -> bytes | None:
        return _up_to(self.terminator, received, self.longest)


@dataclass(frozen=True)
class TerminatedFraming:
    """
    Commands that are sent as they are written, as b":GR#"; a terminator ends a reply, and is taken off.

    :param longest: bytes without a terminator that are no message any more.
    """

    terminator: bytes = b"#"
    longest: int = 4096

    def __post_init__(self) -> None:
        _check_terminator(self.terminator)

    def outgoing(self, command: bytes) -> bytes:
        return command

    def next_frame(self, received: bytearray) -> bytes | None:
        return _up_to(self.terminator, received, self.longest)


@dataclass(frozen=True)
class FixedFraming:
    """Messages of so many bytes, without a mark of their end; commands are sent as they are."""

    length: int

    def __post_init__(self) -> None:
        if self.length < 1:
            raise ValueError("a message has at least one byte")

    def outgoing(self, command: bytes) -> bytes:
        return command

    def next_frame(self, received: bytearray) -> bytes | None:
        return _first(self.length, received) if len(received) >= self.length else None


@dataclass(frozen=True)
class LengthPrefixedFraming:
    """
    Messages that begin with how many bytes follow; it is added when sending and taken off when receiving.

    :param size: bytes of the number.
    :param includes_prefix: whether the number counts its own bytes, too.
    :param longest: a message that would have more bytes is noise.
    """

    size: Literal[1, 2, 4] = 1
    byteorder: Literal["big", "little"] = "big"
    includes_prefix: bool = False
    longest: int = 4096

    def outgoing(self, command: bytes) -> bytes:
        return (len(command) + self._own).to_bytes(self.size, self.byteorder) + command

    def next_frame(self, received: bytearray) -> bytes | None:
        if len(received) < self.size:
            return None
        length = int.from_bytes(received[: self.size], self.byteorder) - self._own
        if not 0 <= length <= self.longest:  # where the next message begins cannot be known
            received.clear()
            return None
        if len(received) < self.size + length:
            return None
        return _first(self.size + length, received)[self.size :]

    @property
    def _own(self) -> int:
        return self.size if self.includes_prefix else 0


def take(framing: Framing, received: bytearray) -> tuple[bytes, bytes] | None:
    """
    Take one message from the front of what was received: it, and the bytes that it was on the line; None if there is none yet.

    :raises RuntimeError: a framing of a driver's own gives a message that it does not take, and would for ever.
    """
    before = bytes(received)
    frame = framing.next_frame(received)
    if frame is None:
        return None
    if len(received) >= len(before):
        raise RuntimeError(f"{framing!r} gave a message without taking it from what was received")
    return frame, before[: len(before) - len(received)]


def _up_to(terminator: bytes, received: bytearray, longest: int) -> bytes | None:
    frame, found, rest = received.partition(terminator)
    if found:
        received[:] = rest
        return bytes(frame)
    if len(received) > longest:  # garbage, or the wrong speed: it is no message and must not fill the memory
        received.clear()
    return None


def _check_terminator(terminator: bytes) -> None:
    if not terminator:
        raise ValueError("a terminator has at least one byte")


def _first(length: int, received: bytearray) -> bytes:
    frame = bytes(received[:length])
    del received[:length]
    return frame
