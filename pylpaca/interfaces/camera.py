"""The declaration of a camera."""

# Facts
#   The subframe is checked when an exposure starts, not when it is set: clients set binning and subframe in any order.
#   A set point of 100 degrees and above must be refused, one of 0 accepted.
#   Until an image can be fetched the camera is not idle: a client that finds it idle without one takes the exposure for failed.
#   A gain (and an offset) is chosen in one of two ways: by an index into Gains, or as a number from GainMin to GainMax.

from __future__ import annotations

from typing import Annotated

from zope.interface import taggedValue

from pylpaca import values
from pylpaca.errors import InvalidOperation
from pylpaca.interfaces.common import IDevice
from pylpaca.interfaces.declaration import Result, SafeState, State, rule
from pylpaca.interfaces.rules import (
    AbsentWhile,
    Chosen,
    ExposureTime,
    FrameOnSensor,
    IndexOf,
    Needs,
    Overlaid,
    RefusedUnless,
    SameBinning,
    Stage,
    Told,
    Within,
)
from pylpaca.values import (
    BinnedPixels,
    CameraState,
    Celsius,
    Counts,
    Electrons,
    ElectronsPerCount,
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

HAS_MOSAIC = AbsentWhile("SensorType", SensorType.Monochrome)
IDLE = RefusedUnless("CameraState", InvalidOperation, CameraState.Idle)
AT_REST = SafeState("abort", (("CameraState", CameraState.Idle),))
HAS_IMAGE = RefusedUnless("ImageReady", InvalidOperation)


WORKING = (CameraState.Waiting, CameraState.Exposing, CameraState.Reading, CameraState.Download)


class ICamera(IDevice):
    """A camera (ASCOM ICameraV4)."""

    taggedValue("device_type", "Camera")
    taggedValue("interface_version", 4)

    def BayerOffsetX() -> Result[int]:
        """The column at which the colour mosaic begins."""

    rule(BayerOffsetX, HAS_MOSAIC)

    def BayerOffsetY() -> Result[int]:
        """The row at which the colour mosaic begins."""

    rule(BayerOffsetY, HAS_MOSAIC)

    def BinX() -> Result[int]:
        """How many columns make one pixel of the image."""

    def SetBinX(BinX: Annotated[int, Within(1, "MaxBinX")]) -> Result[None]:
        """Bin columns; without CanAsymmetricBin rows follow."""

    def BinY() -> Result[int]:
        """How many rows make one pixel of the image."""

    def SetBinY(BinY: Annotated[int, Within(1, "MaxBinY")]) -> Result[None]:
        """Bin rows; without CanAsymmetricBin columns follow."""

    def CameraState() -> State[values.CameraState]:
        """What the camera is doing."""

    rule(CameraState, Overlaid("arrival"), busy=WORKING)

    def CameraXSize() -> Result[Pixels]:
        """The width of the sensor, unbinned."""

    def CameraYSize() -> Result[Pixels]:
        """The height of the sensor, unbinned."""

    def CanAbortExposure() -> Result[bool]:
        """Whether AbortExposure works."""

    def CanAsymmetricBin() -> Result[bool]:
        """Whether BinX and BinY may differ."""

    def CanFastReadout() -> Result[bool]:
        """Whether FastReadout works."""

    def CanGetCoolerPower() -> Result[bool]:
        """Whether CoolerPower can be read."""

    def CanPulseGuide() -> Result[bool]:
        """Whether PulseGuide works."""

    def CanSetCCDTemperature() -> Result[bool]:
        """Whether the sensor's temperature can be set."""

    def CanStopExposure() -> Result[bool]:
        """Whether StopExposure works."""

    def CCDTemperature() -> State[Celsius]:
        """The temperature of the sensor."""

    rule(CCDTemperature, optional=True)

    def CoolerOn() -> Result[bool]:
        """Whether the cooler is on."""

    rule(CoolerOn, optional=True)

    def SetCoolerOn(CoolerOn: bool) -> Result[None]:
        """Turn the cooler on or off."""

    rule(SetCoolerOn, optional=True)

    def CoolerPower() -> State[Percent]:
        """How hard the cooler works."""

    rule(CoolerPower, Needs("CanGetCoolerPower"))

    def ElectronsPerADU() -> Result[ElectronsPerCount]:
        """How many electrons make one count."""

    rule(ElectronsPerADU, optional=True)

    def ExposureMax() -> Result[Seconds]:
        """The longest exposure."""

    def ExposureMin() -> Result[Seconds]:
        """The shortest exposure of light."""

    def ExposureResolution() -> Result[Seconds]:
        """The smallest step of exposure times; 0 if there is none."""

    def FastReadout() -> Result[bool]:
        """Whether readout is fast, and less exact."""

    rule(FastReadout, Needs("CanFastReadout"))

    def SetFastReadout(FastReadout: bool) -> Result[None]:
        """Read out fast, or exactly."""

    rule(SetFastReadout, Needs("CanFastReadout"))

    def FullWellCapacity() -> Result[Electrons]:
        """How many electrons a pixel holds."""

    rule(FullWellCapacity, optional=True)

    def Gain() -> Result[int]:
        """The gain: an index into Gains, or a number from GainMin to GainMax."""

    rule(Gain, optional=True)

    def SetGain(Gain: int) -> Result[None]:
        """Choose a gain."""

    rule(SetGain, Chosen("Gain", "Gains", "GainMin", "GainMax"), optional=True)

    def GainMax() -> Result[int]:
        """The highest gain, where a gain is a number."""

    rule(GainMax, optional=True)

    def GainMin() -> Result[int]:
        """The lowest gain, where a gain is a number."""

    rule(GainMin, optional=True)

    def Gains() -> Result[list[str]]:
        """The names of the gains, where a gain is an index."""

    rule(Gains, optional=True)

    def HasShutter() -> Result[bool]:
        """Whether there is a mechanical shutter."""

    rule(HasShutter, optional=True)

    def HeatSinkTemperature() -> State[Celsius]:
        """The temperature of the cooler's warm side."""

    rule(HeatSinkTemperature, optional=True)

    def ImageArray() -> Result[Frame]:
        """The last exposure, its `array` `[y, x]` or `[y, x, plane]`, in ADU; InvalidOperation before there is one."""

    rule(ImageArray, HAS_IMAGE)

    def ImageArrayVariant() -> Result[Frame]:
        """The same; older clients ask for it by this name."""

    rule(ImageArrayVariant, HAS_IMAGE)

    def ImageReady() -> State[bool]:
        """Whether the last exposure can be fetched."""

    def IsPulseGuiding() -> State[bool]:
        """Whether a guide pulse is under way."""

    rule(IsPulseGuiding, Needs("CanPulseGuide"), busy=(True,))

    def LastExposureDuration() -> Result[Seconds]:
        """How long the last exposure was asked to be; InvalidOperation before the first one."""

    def LastExposureStartTime() -> Result[StartTime]:
        """When the last exposure began: UTC as FITS writes it, without a Z; InvalidOperation before the first one."""

    def MaxADU() -> Result[Counts]:
        """The highest count of a pixel."""

    def MaxBinX() -> Result[int]:
        """The highest BinX."""

    def MaxBinY() -> Result[int]:
        """The highest BinY."""

    def NumX() -> Result[BinnedPixels]:
        """The width of the subframe."""

    def SetNumX(NumX: BinnedPixels) -> Result[None]:
        """Set the width of the subframe; checked when an exposure starts."""

    def NumY() -> Result[BinnedPixels]:
        """The height of the subframe."""

    def SetNumY(NumY: BinnedPixels) -> Result[None]:
        """Set the height of the subframe; checked when an exposure starts."""

    def Offset() -> Result[int]:
        """The offset: an index into Offsets, or a number from OffsetMin to OffsetMax."""

    rule(Offset, optional=True)

    def SetOffset(Offset: int) -> Result[None]:
        """Choose an offset."""

    rule(SetOffset, Chosen("Offset", "Offsets", "OffsetMin", "OffsetMax"), optional=True)

    def OffsetMax() -> Result[int]:
        """The highest offset, where an offset is a number."""

    rule(OffsetMax, optional=True)

    def OffsetMin() -> Result[int]:
        """The lowest offset, where an offset is a number."""

    rule(OffsetMin, optional=True)

    def Offsets() -> Result[list[str]]:
        """The names of the offsets, where an offset is an index."""

    rule(Offsets, optional=True)

    def PercentCompleted() -> State[int]:
        """How much of the exposure is done, 0 to 100."""

    rule(PercentCompleted, optional=True)

    def PixelSizeX() -> Result[Micrometres]:
        """The width of a pixel, unbinned."""

    def PixelSizeY() -> Result[Micrometres]:
        """The height of a pixel, unbinned."""

    def ReadoutMode() -> Result[int]:
        """The way of reading out: an index into ReadoutModes."""

    def SetReadoutMode(ReadoutMode: int) -> Result[None]:
        """Choose a way of reading out."""

    rule(SetReadoutMode, IndexOf("ReadoutMode", "ReadoutModes"))

    def ReadoutModes() -> Result[list[str]]:
        """The names of the ways of reading out, at least one."""

    def SensorName() -> Result[str]:
        """The name of the sensor, as its maker has it."""

    def SensorType() -> Result[values.SensorType]:
        """What the sensor sees."""

    def SetCCDTemperature() -> Result[Celsius]:
        """The temperature that the cooler is to hold."""

    rule(SetCCDTemperature, Needs("CanSetCCDTemperature"))

    def SetSetCCDTemperature(SetCCDTemperature: Annotated[Celsius, Within(-273.15, 100, open_end=True)]) -> Result[None]:
        """Say which temperature the cooler is to hold, whether it is on or not."""

    rule(SetSetCCDTemperature, Needs("CanSetCCDTemperature"))

    def StartX() -> Result[BinnedPixels]:
        """The first column of the subframe, from 0."""

    def SetStartX(StartX: BinnedPixels) -> Result[None]:
        """Set the first column of the subframe; checked when an exposure starts."""

    def StartY() -> Result[BinnedPixels]:
        """The first row of the subframe, from 0."""

    def SetStartY(StartY: BinnedPixels) -> Result[None]:
        """Set the first row of the subframe; checked when an exposure starts."""

    def SubExposureDuration() -> Result[Seconds]:
        """How long each of the exposures is that the camera adds up."""

    rule(SubExposureDuration, optional=True)

    def SetSubExposureDuration(SubExposureDuration: Annotated[Seconds, Within(0, None, open_start=True)]) -> Result[None]:
        """Say how long each of the exposures is that the camera adds up."""

    rule(SetSubExposureDuration, optional=True)

    def AbortExposure() -> Result[None]:
        """End an exposure without an image; harmless when there is none."""

    rule(
        AbortExposure,
        Needs("CanAbortExposure"),
        Told("drop_arriving", Stage.BEGIN),
        Told("give_up_image"),
        stops=True,
        reaches=AT_REST,
    )

    def PulseGuide(Direction: GuideDirection, Duration: Annotated[Milliseconds, Within(0, None)]) -> Result[None]:
        """Start a guide pulse; done when IsPulseGuiding is false."""

    rule(PulseGuide, Needs("CanPulseGuide"), moves=True)

    def StartExposure(Duration: Seconds, Light: bool) -> Result[None]:
        """Start an exposure; done when ImageReady is true. Without light it may be as short as 0: a bias."""

    rule(
        StartExposure,
        ExposureTime(),
        FrameOnSensor(),
        SameBinning(),
        IDLE,
        Told("begin_exposure", Stage.BEGIN, "Duration"),
        Told("exposed_to_light", Stage.BEGIN, "Light"),
        Told("exposure_began"),
        Told("exposure_refused", Stage.FAILED),
    )

    def StopExposure() -> Result[None]:
        """End an exposure early, with what was collected as its image; harmless when there is none."""

    rule(StopExposure, Needs("CanStopExposure"), stops=True)
