"""The two ways to say no: a device refuses (with ASCOM's number), or a request is malformed (with an HTTP status)."""

# Facts
#   A refusal of the device is answered with HTTP 200 and an ErrorNumber (Alpaca API Reference, 2.7).
#   Numbers 0x500 to 0xFFF belong to the driver; below, each number has one meaning (ASCOM error codes).

from __future__ import annotations

from collections.abc import Sequence

DRIVER_NUMBERS = range(0x500, 0x1000)


class AlpacaError(Exception):
    """A device says no; the client gets this number and this sentence."""

    number = 0x4FF

    @property
    def sentence(self) -> str:
        """What the client reads: never empty, since clients take an empty message for success."""
        return str(self) or f"{type(self).__name__} (0x{self.number:X})"


class MemberNotImplemented(AlpacaError):
    """The device does not have this member, or not with its present capabilities."""

    number = 0x400


class InvalidValue(AlpacaError):
    """A parameter is readable but out of range."""

    number = 0x401


class ValueNotSet(AlpacaError):
    """The value has not been set yet."""

    number = 0x402


class NotConnected(AlpacaError):
    """The link to the device is closed."""

    number = 0x407


class InvalidWhileParked(AlpacaError):
    """Not while the device is parked."""

    number = 0x408


class InvalidWhileSlaved(AlpacaError):
    """Not while the device follows another."""

    number = 0x409


class InvalidOperation(AlpacaError):
    """Not in the present state of the device."""

    number = 0x40B


class ActionNotImplemented(AlpacaError):
    """The device has no action of this name."""

    number = 0x40C


class OperationCancelled(AlpacaError):
    """The operation was cancelled before it was done."""

    number = 0x40E


class DriverError(AlpacaError):
    """The hardware or its driver failed; `number` is the driver's own, 0x500 to 0xFFF."""

    number = 0x500

    def __init__(self, sentence: str, number: int = 0x500) -> None:
        if number not in DRIVER_NUMBERS:
            raise ValueError(f"a driver's error number is 0x500 to 0xFFF, not 0x{number:X}")
        super().__init__(sentence)
        self.number = number


class Unavailable(DriverError):
    """What is needed for the call is gone; that was logged where it was found out, and is not logged for every call."""


def spent(error: BaseException) -> None:
    """It was told. Who keeps it to raise it again does not keep all that it went through, which would be more each time."""
    error.__traceback__ = None


class BadRequest(Exception):
    """A request that cannot be read; answered as text, before any device is asked."""

    def __init__(self, sentence: str, status: int = 400, allow: Sequence[str] = ()) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.status = status
        self.allow = tuple(allow)
