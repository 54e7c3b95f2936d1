"""Serial lines, as the authors of drivers use them."""

from pylpaca.serial.framing import FixedFraming, Framing, LengthPrefixedFraming, LineFraming, TerminatedFraming
from pylpaca.serial.line import Accept, Prepare, SerialLine
from pylpaca.serial.opening import OpenPort, open_port
from pylpaca.serial.settings import SerialSettings

__all__ = [
    "Accept",
    "FixedFraming",
    "Framing",
    "LengthPrefixedFraming",
    "LineFraming",
    "OpenPort",
    "Prepare",
    "SerialLine",
    "SerialSettings",
    "TerminatedFraming",
    "open_port",
]
