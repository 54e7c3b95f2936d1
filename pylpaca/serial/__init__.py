"""Serial lines, as the authors of drivers use them."""

from pylpaca.serial.exchange import Accept
from pylpaca.serial.framing import FixedFraming, Framing, LengthPrefixedFraming, LineFraming, TerminatedFraming
from pylpaca.serial.line import SerialLine
from pylpaca.serial.opening import RealPorts
from pylpaca.serial.settings import SerialSettings
from pylpaca.serial.sharing import Cables, Prepare

__all__ = [
    "Accept",
    "Cables",
    "FixedFraming",
    "Framing",
    "LengthPrefixedFraming",
    "LineFraming",
    "Prepare",
    "RealPorts",
    "SerialLine",
    "SerialSettings",
    "TerminatedFraming",
]
