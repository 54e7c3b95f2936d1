"""What drivers of a camera are made of."""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime
from importlib.util import find_spec
from inspect import cleandoc
from textwrap import shorten
from typing import Any, ClassVar

from pydantic import BaseModel
from twisted.internet.defer import Deferred
from zope.interface import implementer

from pylpaca.calls import settle, settled
from pylpaca.device.base import Device, Surroundings, left_out
from pylpaca.errors import InvalidOperation, MemberNotImplemented
from pylpaca.interfaces import ICamera, Result
from pylpaca.values import (
    BinnedPixels,
    CameraState,
    Celsius,
    Counts,
    Electrons,
    ElectronsPerCount,
    ElementType,
    Frame,
    GuideDirection,
    Micrometres,
    Milliseconds,
    Percent,
    Pixels,
    Seconds,
    SensorType,
    StartTime,
)

PACKAGES = ("numpy", "orjson")  # what sending an image needs, and nothing else of the server


def _prepared(handed: Any, sent_as: ElementType | None) -> Frame:
    from pylpaca.frames import prepared  # numpy takes a tenth of a second to load: not before there is an image

    return prepared(handed, sent_as)


@dataclass(frozen=True)
class Taken:
    """
    How the last exposure was begun: what may be set otherwise by now.

    :ivar binning: columns and rows, as clients have set it.
    :ivar start: the first column and row of the subframe.
    :ivar motions: what the devices of this server had been asked for by then.
    """

    binning: tuple[int, int]
    start: tuple[int, int]
    motions: dict[Device, Counter[str]]
    light: bool = True


@implementer(ICamera)
class Camera(Device):
    """
    A camera: an author writes the sensor, StartExposure and CameraState, and what the camera can do.

    When an exposure is done the driver calls `hand_over` with what it has; ImageReady and ImageArray follow from that.
    Binning and subframe are kept here; a driver reads `BinX()`, `StartX()`, `NumX()` and so on when an exposure starts.
    """

    interface: ClassVar[Any] = ICamera

    _fetchable: Frame | None
    _expected: bool  # whether an exposure is under way whose image is wanted
    _starting: bool  # the driver was asked to begin it, and has not answered yet
    _before: tuple[Frame | None, tuple[float, datetime] | None, Taken | None]  # what there was before that
    _arriving: object | None  # what is being made ready; another, or None, when it is not wanted any more
    _arrival_failed: bool

    def __init__(self, settings: BaseModel, surroundings: Surroundings) -> None:
        for package in PACKAGES:
            if find_spec(package) is None:
                raise ModuleNotFoundError(f"No module named {package!r}", name=package)
        super().__init__(settings, surroundings)

    def forget(self) -> None:
        """A link begins or ends: the whole sensor, unbinned, and no exposure yet."""
        self._binx = self._biny = 1
        self._startx = self._starty = 0
        self._numx: int | None = None  # the whole width
        self._numy: int | None = None
        self._exposure: tuple[float, datetime] | None = None
        self.taken: Taken | None = None
        self._forget_image()

    # what an author calls

    def hand_over(self, frame: Any, sent_as: ElementType | None = None) -> Deferred[None]:
        """
        The exposure is done, and this is its image. Fires when clients can fetch it; until then `frame` must not be changed.

        Until then CameraState is Download for clients, whatever the driver's own says. An image that nobody waits for, since its
        exposure was aborted or the link closed, is dropped.

        :param frame: `[y, x]` or `[y, x, plane]` (red, green, blue), first row first, in ADU: a numpy array of any integer or
            float type, an object with the buffer protocol and a shape, or rows in lists. Whole floats go as whole numbers.
        :param sent_as: the type on the wire, where the camera's pixels always fit one; otherwise each image is sent in the
            narrowest that holds it.
        :raises DriverError: that is no image; CameraState is Error until the next exposure.
        """
        return Deferred.fromCoroutine(self._arrive(frame, sent_as))

    def exposure_failed(self) -> None:
        """The exposure is over, and there is no image of it: CameraState is Error until the next one begins."""
        self._expected, self._arriving, self._arrival_failed = False, None, True

    async def _arrive(self, frame: Any, sent_as: ElementType | None) -> None:
        if not self._expected:
            return
        this = object()
        self._arriving = this
        try:
            image = await self.in_thread(_prepared, frame, sent_as)
        except BaseException:
            if self._arriving is this:
                self.exposure_failed()
            raise
        if self._arriving is this:  # neither given up nor followed by another
            self._expected, self._arriving, self._fetchable = False, None, image

    # the framework's

    def frame_of(self, given: Any) -> Deferred[Frame]:
        """What a driver that has an ImageArray of its own gave, ready to be sent."""
        return self.in_thread(_prepared, given, None)

    def arrival(self) -> CameraState | None:
        """What the camera is doing where the framework knows better; None: what the driver says."""
        if self._starting:
            return CameraState.Waiting
        if self._arriving is not None:
            return CameraState.Download
        return CameraState.Error if self._arrival_failed else None

    def begin_exposure(self, duration: float) -> None:
        """The driver is asked to begin an exposure: the last image is gone, and no other can begin meanwhile."""
        if self._starting or self._arriving is not None:
            raise InvalidOperation("the last exposure is not over yet: only while CameraState is Idle")
        self._before = self._fetchable, self._exposure, self.taken
        self._fetchable, self._exposure = None, (duration, self.utc())
        self.taken = Taken((self._binx, self._biny), (self._startx, self._starty), self.neighbours.motions())
        self._expected, self._starting, self._arrival_failed = True, True, False

    def exposed_to_light(self, light: bool) -> None:
        """What begins is an exposure of light, or a dark one."""
        assert self.taken is not None
        self.taken = replace(self.taken, light=light)

    def exposure_began(self) -> None:
        """The driver has begun it: just now, or so long ago that it is over already."""
        if self._starting and self._expected and self._arriving is None and self._exposure is not None:
            self._exposure = self._exposure[0], self.utc()
        self._starting, self._before = False, (None, None, None)

    def exposure_refused(self) -> None:
        """The driver could not begin it: all is as it was."""
        if self._starting:
            self._fetchable, self._exposure, self.taken = self._before
            self.give_up_image()

    def drop_arriving(self) -> None:
        """An abort: what is being made ready is not wanted, even if it should be ready first."""
        self._arriving = None

    def give_up_image(self) -> None:
        """The exposure was aborted: no image is expected; one that is there stays."""
        self._expected = self._starting = self._arrival_failed = False
        self._arriving, self._before = None, (None, None, None)

    def _forget_image(self) -> None:
        self._fetchable = None
        self.give_up_image()

    def Description(self) -> Result[str]:
        return shorten(cleandoc(type(self).__doc__ or type(self).__name__).partition("\n")[0], 64)  # more is refused by clients

    def _exposed(self) -> tuple[float, datetime]:
        if self._exposure is None:
            raise InvalidOperation("there was no exposure yet")
        return self._exposure

    def _bin(self, factor: int, in_x: bool = False, in_y: bool = False) -> Result[None]:
        async def both() -> None:
            apart = await settled(self.CanAsymmetricBin())
            if in_x or not apart:
                self._binx = factor
            if in_y or not apart:
                self._biny = factor

        return settle(both())

    def BayerOffsetX(self) -> Result[int]:
        return 0

    def BayerOffsetY(self) -> Result[int]:
        return 0

    def BinX(self) -> Result[int]:
        return self._binx

    def SetBinX(self, BinX: int) -> Result[None]:
        return self._bin(BinX, in_x=True)

    def BinY(self) -> Result[int]:
        return self._biny

    def SetBinY(self, BinY: int) -> Result[None]:
        return self._bin(BinY, in_y=True)

    @abstractmethod
    def CameraState(self) -> Result[CameraState]: ...

    @abstractmethod
    def CameraXSize(self) -> Result[Pixels]: ...

    @abstractmethod
    def CameraYSize(self) -> Result[Pixels]: ...

    def CanAbortExposure(self) -> Result[bool]:
        return False

    def CanAsymmetricBin(self) -> Result[bool]:
        return False

    def CanFastReadout(self) -> Result[bool]:
        return False

    def CanGetCoolerPower(self) -> Result[bool]:
        return False

    def CanPulseGuide(self) -> Result[bool]:
        return False

    def CanSetCCDTemperature(self) -> Result[bool]:
        return False

    def CanStopExposure(self) -> Result[bool]:
        return False

    @left_out
    def CCDTemperature(self) -> Result[Celsius]:
        raise MemberNotImplemented

    @left_out
    def CoolerOn(self) -> Result[bool]:
        raise MemberNotImplemented

    @left_out
    def SetCoolerOn(self, CoolerOn: bool) -> Result[None]:
        raise MemberNotImplemented

    @left_out
    def CoolerPower(self) -> Result[Percent]:
        raise MemberNotImplemented

    @left_out
    def ElectronsPerADU(self) -> Result[ElectronsPerCount]:
        raise MemberNotImplemented

    @abstractmethod
    def ExposureMax(self) -> Result[Seconds]: ...

    @abstractmethod
    def ExposureMin(self) -> Result[Seconds]: ...

    def ExposureResolution(self) -> Result[Seconds]:
        return 0.0

    @left_out
    def FastReadout(self) -> Result[bool]:
        raise MemberNotImplemented

    @left_out
    def SetFastReadout(self, FastReadout: bool) -> Result[None]:
        raise MemberNotImplemented

    @left_out
    def FullWellCapacity(self) -> Result[Electrons]:
        raise MemberNotImplemented

    @left_out
    def Gain(self) -> Result[int]:
        raise MemberNotImplemented

    @left_out
    def SetGain(self, Gain: int) -> Result[None]:
        raise MemberNotImplemented

    @left_out
    def GainMax(self) -> Result[int]:
        raise MemberNotImplemented

    @left_out
    def GainMin(self) -> Result[int]:
        raise MemberNotImplemented

    @left_out
    def Gains(self) -> Result[list[str]]:
        raise MemberNotImplemented

    @left_out
    def HasShutter(self) -> Result[bool]:
        raise MemberNotImplemented

    @left_out
    def HeatSinkTemperature(self) -> Result[Celsius]:
        raise MemberNotImplemented

    def ImageArray(self) -> Result[Frame]:
        if self._fetchable is None:
            raise InvalidOperation("there is no image yet")
        return self._fetchable

    def ImageArrayVariant(self) -> Result[Frame]:
        return self.ImageArray()

    def ImageReady(self) -> Result[bool]:
        return self._fetchable is not None

    @left_out
    def IsPulseGuiding(self) -> Result[bool]:
        raise MemberNotImplemented

    def LastExposureDuration(self) -> Result[Seconds]:
        return self._exposed()[0]

    def LastExposureStartTime(self) -> Result[StartTime]:
        return self._exposed()[1].strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]  # FITS, without a Z

    @abstractmethod
    def MaxADU(self) -> Result[Counts]: ...

    def MaxBinX(self) -> Result[int]:
        return 1

    def MaxBinY(self) -> Result[int]:
        return 1

    def NumX(self) -> Result[BinnedPixels]:
        return self._numx if self._numx is not None else self.CameraXSize()

    def SetNumX(self, NumX: BinnedPixels) -> Result[None]:
        self._numx = NumX
        return None

    def NumY(self) -> Result[BinnedPixels]:
        return self._numy if self._numy is not None else self.CameraYSize()

    def SetNumY(self, NumY: BinnedPixels) -> Result[None]:
        self._numy = NumY
        return None

    @left_out
    def Offset(self) -> Result[int]:
        raise MemberNotImplemented

    @left_out
    def SetOffset(self, Offset: int) -> Result[None]:
        raise MemberNotImplemented

    @left_out
    def OffsetMax(self) -> Result[int]:
        raise MemberNotImplemented

    @left_out
    def OffsetMin(self) -> Result[int]:
        raise MemberNotImplemented

    @left_out
    def Offsets(self) -> Result[list[str]]:
        raise MemberNotImplemented

    @left_out
    def PercentCompleted(self) -> Result[int]:
        raise MemberNotImplemented

    @abstractmethod
    def PixelSizeX(self) -> Result[Micrometres]: ...

    def PixelSizeY(self) -> Result[Micrometres]:
        return self.PixelSizeX()

    def ReadoutMode(self) -> Result[int]:
        return 0

    def SetReadoutMode(self, ReadoutMode: int) -> Result[None]:
        return None  # without modes of its own, only 0 comes here

    def ReadoutModes(self) -> Result[list[str]]:
        return ["Normal"]

    def SensorName(self) -> Result[str]:
        return ""

    def SensorType(self) -> Result[SensorType]:
        return SensorType.Monochrome

    @left_out
    def SetCCDTemperature(self) -> Result[Celsius]:
        raise MemberNotImplemented

    @left_out
    def SetSetCCDTemperature(self, SetCCDTemperature: Celsius) -> Result[None]:
        raise MemberNotImplemented

    def StartX(self) -> Result[BinnedPixels]:
        return self._startx

    def SetStartX(self, StartX: BinnedPixels) -> Result[None]:
        self._startx = StartX
        return None

    def StartY(self) -> Result[BinnedPixels]:
        return self._starty

    def SetStartY(self, StartY: BinnedPixels) -> Result[None]:
        self._starty = StartY
        return None

    @left_out
    def SubExposureDuration(self) -> Result[Seconds]:
        raise MemberNotImplemented

    @left_out
    def SetSubExposureDuration(self, SubExposureDuration: Seconds) -> Result[None]:
        raise MemberNotImplemented

    @left_out
    def AbortExposure(self) -> Result[None]:
        raise MemberNotImplemented

    @left_out
    def PulseGuide(self, Direction: GuideDirection, Duration: Milliseconds) -> Result[None]:
        raise MemberNotImplemented

    @abstractmethod
    def StartExposure(self, Duration: Seconds, Light: bool) -> Result[None]: ...

    @left_out
    def StopExposure(self) -> Result[None]:
        raise MemberNotImplemented
