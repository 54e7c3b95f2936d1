"""The values ASCOM members take and give: units, enumerations and the entries of DeviceState."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Protocol

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Unit:
    """What a number counts, in words a refusal and a form can use."""

    name: str


Degrees = Annotated[float, Unit("degrees")]
Celsius = Annotated[float, Unit("degrees Celsius")]
Micrometres = Annotated[float, Unit("micrometres")]
Steps = Annotated[int, Unit("steps")]
Hours = Annotated[float, Unit("hours")]
Seconds = Annotated[float, Unit("seconds")]
Milliseconds = Annotated[int, Unit("milliseconds")]
Percent = Annotated[float, Unit("percent")]
Metres = Annotated[float, Unit("metres")]
SquareMetres = Annotated[float, Unit("square metres")]
Arcseconds = Annotated[float, Unit("arcseconds")]
ArcsecondsPerSecond = Annotated[float, Unit("arcseconds per second")]
SecondsPerSiderealSecond = Annotated[float, Unit("seconds of right ascension per sidereal second")]
DegreesPerSecond = Annotated[float, Unit("degrees per second")]
Pixels = Annotated[int, Unit("pixels")]
BinnedPixels = Annotated[int, Unit("binned pixels")]
Electrons = Annotated[float, Unit("electrons")]
ElectronsPerCount = Annotated[float, Unit("electrons per ADU")]
Counts = Annotated[int, Unit("ADU")]
Hectopascals = Annotated[float, Unit("hectopascals")]
MillimetresPerHour = Annotated[float, Unit("millimetres per hour")]
MetresPerSecond = Annotated[float, Unit("metres per second")]
Lux = Annotated[float, Unit("lux")]
MagnitudesPerSquareArcsecond = Annotated[float, Unit("magnitudes per square arcsecond")]


class Form(Protocol):
    """How a value is brought into the form that clients expect, beyond its type."""

    @property
    def neutral(self) -> Any:
        """What stands for the value on an error; None: what its type says."""

    def shown(self, value: Any) -> Any:
        """The value in this form; ValueError if it cannot be."""


@dataclass(frozen=True)
class Circle:
    """An angle that goes round: 0 to below a full turn, for clients with 32-bit floats, too."""

    full: float = 360.0
    neutral: ClassVar[Any] = None

    def shown(self, value: float) -> float:
        angle = value % self.full
        (narrow,) = struct.unpack("f", struct.pack("f", angle))
        return 0.0 if narrow >= self.full else angle


@dataclass(frozen=True)
class FitsTime:
    """A time in UTC as FITS writes it, without a Z; clients would take one with a Z for their own zone's."""

    neutral: ClassVar[Any] = "0001-01-01T00:00:00.000"

    def shown(self, value: str) -> str:
        if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?", value, re.ASCII):
            raise ValueError(value)
        return value


Direction = Annotated[float, Unit("degrees"), Circle()]
StartTime = Annotated[str, FitsTime()]


class ShutterState(IntEnum):
    """What the shutter or the roof is doing."""

    Open = 0
    Closed = 1
    Opening = 2
    Closing = 3
    Error = 4


class CameraState(IntEnum):
    """What the camera is doing."""

    Idle = 0
    Waiting = 1
    Exposing = 2
    Reading = 3
    Download = 4
    Error = 5


class SensorType(IntEnum):
    """What the sensor sees: grey, colour in planes, or one of the filter mosaics."""

    Monochrome = 0
    Color = 1
    RGGB = 2
    CMYG = 3
    CMYG2 = 4
    LRGB = 5


class GuideDirection(IntEnum):
    """Where a guide pulse moves the pointing: north is +declination, east is +right ascension."""

    North = 0
    South = 1
    East = 2
    West = 3


class CoverStatus(IntEnum):
    """What the cover is doing."""

    NotPresent = 0
    Closed = 1
    Moving = 2
    Open = 3
    Unknown = 4
    Error = 5


class CalibratorStatus(IntEnum):
    """What the calibration light is doing."""

    NotPresent = 0
    Off = 1
    NotReady = 2
    Ready = 3
    Unknown = 4
    Error = 5


class AlignmentMode(IntEnum):
    """How the mount stands."""

    AltAz = 0
    Polar = 1
    GermanPolar = 2


class EquatorialCoordinateType(IntEnum):
    """The frame of right ascension and declination."""

    Other = 0
    Topocentric = 1
    J2000 = 2
    J2050 = 3
    B1950 = 4


class PierSide(IntEnum):
    """The pointing state of a mount: East is normal, West is through the pole."""

    Unknown = -1
    East = 0
    West = 1


class DriveRate(IntEnum):
    """What the mount follows."""

    Sidereal = 0
    Lunar = 1
    Solar = 2
    King = 3


class TelescopeAxis(IntEnum):
    """An axis of a mount: right ascension or azimuth, declination or altitude, a third one."""

    Primary = 0
    Secondary = 1
    Tertiary = 2


@dataclass(frozen=True)
class AxisRate:
    """A range of speeds, in degrees per second, both ends included and positive."""

    Maximum: float
    Minimum: float


class ElementType(IntEnum):
    """What the pixels of an image are; the numbers are those of ImageBytes."""

    Int16 = 1
    Int32 = 2
    Double = 3
    Single = 4
    UInt64 = 5
    Byte = 6
    Int64 = 7
    UInt16 = 8
    UInt32 = 9


@dataclass(frozen=True, eq=False)
class Frame:
    """
    An image, ready to be sent or as it was received.

    :ivar pixels: `[x, y]` or `[x, y, plane]`, the plane fastest: the order and the bytes of the wire, not to be written to.
    :ivar kind: what a pixel is for clients; a whole number is sent in fewer bytes than that where it fits.
    :ivar finite: whether every pixel is a number, as JSON needs it.
    """

    pixels: NDArray[Any]
    kind: ElementType = ElementType.Int32
    finite: bool = True

    @property
    def array(self) -> NDArray[Any]:
        """`[y, x]` or `[y, x, plane]`, first row first, as cameras and image files have it; a view, nothing is copied."""
        return self.pixels.swapaxes(0, 1)


@dataclass(frozen=True)
class StateItem:
    """One entry of DeviceState: the name of a member, in ASCOM's spelling, and its value."""

    Name: str
    Value: bool | int | float | str
