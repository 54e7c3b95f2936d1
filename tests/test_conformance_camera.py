"""The simulated camera passes the conformance kit, and cameras with a planted fault do not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.trial.unittest import SynchronousTestCase

from drivers.simulators.camera import CameraSimulator
from pylpaca.errors import InvalidOperation, InvalidValue, MemberNotImplemented
from pylpaca.testing.conformance.camera import CameraConformance
from pylpaca.values import CameraState, ElementType, Frame, GuideDirection, SensorType, StateItem
from tests.faults import found_by

SMALL = {"CameraXSize": 60, "CameraYSize": 41, "max_bin": 2}
COLOUR = {**SMALL, "sensor_type": "Color"}


class CameraTests(CameraConformance, SynchronousTestCase):
    driver = CameraSimulator


class OblongCameraTests(CameraConformance, SynchronousTestCase):
    driver = CameraSimulator
    settings = {**SMALL, "max_bin": 3, "asymmetric_bin": True, "gain_mode": "index", "offset_mode": "none"}  # noqa: RUF012


class ColourCameraTests(CameraConformance, SynchronousTestCase):
    driver = CameraSimulator
    settings = {**COLOUR, "gain_mode": "none", "offset_mode": "index", "readout_seconds": 0}  # noqa: RUF012


class MosaicCameraTests(CameraConformance, SynchronousTestCase):
    driver = CameraSimulator
    settings = {**SMALL, "sensor_type": "RGGB", "sub_exposures": True, "exposure_max": 1}  # noqa: RUF012


class ComplementaryCameraTests(CameraConformance, SynchronousTestCase):
    driver = CameraSimulator
    settings = {**SMALL, "sensor_type": "CMYG"}  # noqa: RUF012


class InterlacedCameraTests(CameraConformance, SynchronousTestCase):
    driver = CameraSimulator
    settings = {**SMALL, "sensor_type": "CMYG2"}  # noqa: RUF012


class LuminanceCameraTests(CameraConformance, SynchronousTestCase):
    driver = CameraSimulator
    settings = {**SMALL, "sensor_type": "LRGB"}  # noqa: RUF012


class PlainCamera(CameraSimulator):
    """A camera that can only take pictures."""

    def CanAbortExposure(self) -> bool:
        return False

    def CanFastReadout(self) -> bool:
        return False

    def CanGetCoolerPower(self) -> bool:
        return False

    def CanPulseGuide(self) -> bool:
        return False

    def CanSetCCDTemperature(self) -> bool:
        return False

    def CanStopExposure(self) -> bool:
        return False

    def CoolerOn(self) -> bool:
        raise MemberNotImplemented

    def SetCoolerOn(self, CoolerOn: bool) -> None:
        raise MemberNotImplemented

    def PercentCompleted(self) -> int:
        raise MemberNotImplemented


class PlainCameraTests(CameraConformance, SynchronousTestCase):
    driver = PlainCamera
    settings = SMALL


def shown(camera: CameraSimulator) -> NDArray[Any]:
    """The rows of the simulator's image."""
    return cast(Frame, CameraSimulator.ImageArray(camera)).array


class IdleTooSoon(CameraSimulator):
    """It is idle a moment before its image is there."""

    def CameraState(self) -> CameraState:
        state = super().CameraState()
        return CameraState.Idle if state is CameraState.Reading else state


class ImageTooSoon(CameraSimulator):
    """It shows an image that it is still reading out."""

    def ImageReady(self) -> bool:
        return cast(bool, super().ImageReady()) or self.CameraState() is CameraState.Reading


class ImageKept(CameraSimulator):
    """The image of the last exposure stays there during the next one."""

    def ImageReady(self) -> bool:
        return self._state is CameraState.Exposing or cast(bool, super().ImageReady())


class NeverExposing(CameraSimulator):
    """It says that it is reading from the start."""

    def CameraState(self) -> CameraState:
        state = super().CameraState()
        return CameraState.Reading if state is CameraState.Exposing else state


class SlowToStart(CameraSimulator):
    """It is idle for half a second after StartExposure has returned."""

    async def StartExposure(self, Duration: float, Light: bool) -> None:
        self.clock.callLater(0.5, lambda: Deferred.fromCoroutine(self._late(Duration, Light)))

    async def _late(self, duration: float, light: bool) -> None:
        await super().StartExposure(duration, light)


class Waits(CameraSimulator):
    """StartExposure returns when the exposure is over."""

    async def StartExposure(self, Duration: float, Light: bool) -> None:
        await super().StartExposure(Duration, Light)
        await deferLater(self.clock, Duration)


class TooShort(CameraSimulator):
    """It exposes for less than it was asked to."""

    async def StartExposure(self, Duration: float, Light: bool) -> None:
        await super().StartExposure(0.8 * Duration, Light)


class NeverDone(CameraSimulator):
    """It reads out for ever."""

    def _finish(self, image: NDArray[Any]) -> None:
        """It forgets to."""


class Failing(CameraSimulator):
    """It ends in an error."""

    def CameraState(self) -> CameraState:
        state = super().CameraState()
        return CameraState.Error if state is CameraState.Reading else state


class ExposesAgain(CameraSimulator):
    """When it has read half of the image it says that it is exposing."""

    def CameraState(self) -> CameraState:
        late = self.clock.seconds() > self._began + self._asked + 0.2
        return CameraState.Exposing if super().CameraState() is CameraState.Reading and late else super().CameraState()


class AxesSwapped(CameraSimulator):
    """It gives columns where rows belong."""

    def ImageArray(self) -> Frame:
        return cast(Frame, np.swapaxes(shown(self), 0, 1))


class WholeSensor(CameraSimulator):
    """It gives the whole sensor, unbinned, whatever the subframe."""

    def ImageArray(self) -> Frame:
        return cast(Frame, np.zeros((self.settings.CameraYSize, self.settings.CameraXSize), np.uint16))


class BinsOneWay(CameraSimulator):
    """It bins columns, and forgets the rows."""

    def ImageArray(self) -> Frame:
        return cast(Frame, np.repeat(shown(self), cast(int, self.BinY()), axis=0))


class Fractions(CameraSimulator):
    """Its pixels are not whole numbers."""

    def ImageArray(self) -> Frame:
        return cast(Frame, shown(self) / 2)


class TooBright(CameraSimulator):
    """Its pixels are brighter than it says they can be."""

    def MaxADU(self) -> int:
        return 10


class OnePlane(CameraSimulator):
    """A colour camera with a single plane."""

    def ImageArray(self) -> Frame:
        return cast(Frame, shown(self)[:, :, :1])


class GreyColour(CameraSimulator):
    """A camera with planes that says it is monochrome."""

    def SensorType(self) -> SensorType:
        return SensorType.Monochrome

    def ImageArray(self) -> Frame:
        return cast(Frame, np.zeros((cast(int, self.NumY()), cast(int, self.NumX()), 3), np.uint16))


class NoVariant(CameraSimulator):
    """It has its image under one name only."""

    def ImageArrayVariant(self) -> Frame:
        raise InvalidOperation("ImageArrayVariant is deprecated")


class OtherVariant(CameraSimulator):
    """It has another image under the other name."""

    def ImageArrayVariant(self) -> Frame:
        return cast(Frame, np.zeros_like(shown(self)))


class MeasuredDuration(CameraSimulator):
    """It counts the time of reading out as exposure."""

    def LastExposureDuration(self) -> float:
        return cast(float, super().LastExposureDuration()) + self.settings.readout_seconds


class ZoneInStartTime(CameraSimulator):
    """It writes a Z behind the start of the exposure."""

    def LastExposureStartTime(self) -> str:
        return f"{super().LastExposureStartTime()}Z"


class EndAsStartTime(CameraSimulator):
    """It gives the end of an exposure for its start."""

    def _finish(self, image: NDArray[Any]) -> None:
        super()._finish(image)
        self._exposure = self._asked, self.utc()


class NoStartTime(CameraSimulator):
    """It always began at midnight."""

    def LastExposureStartTime(self) -> str:
        return "2000-01-01T00:00:00"


class NoBias(CameraSimulator):
    """It refuses to expose for no time at all."""

    async def StartExposure(self, Duration: float, Light: bool) -> None:
        if Duration < self.settings.exposure_min:
            raise InvalidValue(f"StartExposure of {Duration} s is too short")
        await super().StartExposure(Duration, Light)


class Unguarded(CameraSimulator):
    """Takes any image for one that is expected, as the framework does not."""

    def hand_over(self, frame: Any, sent_as: ElementType | None = None) -> Deferred[None]:
        self._expected = True
        return super().hand_over(frame, sent_as)


class RunsOnAfterAbort(Unguarded):
    """It is idle after AbortExposure, but its image comes all the same."""

    def AbortExposure(self) -> None:
        self._state = CameraState.Idle


class NoAbort(Unguarded):
    """AbortExposure does nothing."""

    def AbortExposure(self) -> None:
        """It does nothing."""


class AbortWithImage(Unguarded):
    """AbortExposure reads the image out."""

    def AbortExposure(self) -> None:
        self.StopExposure()


class AbortRefusedAtRest(CameraSimulator):
    """AbortExposure is refused when there is nothing to abort."""

    def AbortExposure(self) -> None:
        if self.CameraState() is CameraState.Idle:
            raise InvalidOperation("AbortExposure: there is no exposure")
        super().AbortExposure()


class StopAlwaysReads(Unguarded):
    """StopExposure reads out an image that was never exposed."""

    async def StopExposure(self) -> None:  # type: ignore[override]  # the base class need not wait
        if self.CameraState() is CameraState.Idle:
            await self.StartExposure(0.0, False)
        super().StopExposure()


class StopIsAbort(CameraSimulator):
    """StopExposure throws the image away."""

    def StopExposure(self) -> None:
        self.AbortExposure()


class StopTooLate(CameraSimulator):
    """StopExposure lets the exposure run to its end."""

    def StopExposure(self) -> None:
        """It does nothing."""


class ImageOfLastLink(CameraSimulator):
    """It keeps the last image when it is connected again."""

    kept: Frame | None = None

    def connect(self) -> None:
        super().connect()
        self._fetchable = self.kept

    def disconnect(self) -> None:
        self.kept = self._fetchable
        super().disconnect()


class BinningOfLastLink(CameraSimulator):
    """It keeps binning and subframe when it is connected again."""

    def forget(self) -> None:
        if hasattr(self, "_binx"):
            self._forget_image()
        else:
            super().forget()


class TimerOfLastLink(Unguarded):
    """An exposure goes on when the link is closed, and its image turns up on the next one."""

    def connect(self) -> None:
        before = getattr(self, "_window", None)
        super().connect()
        self._window = before

    def disconnect(self) -> None:
        """The timer is left alone."""


class BusyAfterLink(CameraSimulator):
    """It is connected in the state in which it was left, and nothing ends that."""

    was = CameraState.Idle

    def connect(self) -> None:
        super().connect()
        self._state = self.was

    def disconnect(self) -> None:
        self.was = self.CameraState()
        super().disconnect()


class ColumnsOnly(CameraSimulator):
    """It bins columns without rows, and says that it cannot."""

    def SetBinX(self, BinX: int) -> None:
        self._binx = BinX


class NarrowSubframe(CameraSimulator):
    """It refuses a subframe when it is set."""

    def SetNumX(self, NumX: int) -> None:
        if NumX > self.settings.CameraXSize // cast(int, self.BinX()):
            raise InvalidValue(f"NumX {NumX} is too wide")
        super().SetNumX(NumX)


class StuckSubframe(CameraSimulator):
    """StartY is accepted and forgotten."""

    def SetStartY(self, StartY: int) -> None:
        """It is forgotten."""


class SetPointIsReading(CameraSimulator):
    """The set point reads as the temperature that the sensor has."""

    def SetCCDTemperature(self) -> float:
        return self.CCDTemperature()


class SetPointWithCoolerOnly(CameraSimulator):
    """A set point is refused while the cooler is off."""

    def SetSetCCDTemperature(self, SetCCDTemperature: float) -> None:
        if not self.CoolerOn():
            raise InvalidOperation("SetCCDTemperature: turn the cooler on first")
        super().SetSetCCDTemperature(SetCCDTemperature)


class NeverOn(CameraSimulator):
    """Its cooler cannot be turned on."""

    def SetCoolerOn(self, CoolerOn: bool) -> None:
        """It stays off."""


class TooMuchPower(CameraSimulator):
    """Its cooler works harder than it can."""

    def CoolerPower(self) -> float:
        return 120.0


class PulseTooShort(CameraSimulator):
    """Its pulses end too soon."""

    def PulseGuide(self, Direction: GuideDirection, Duration: int) -> None:
        super().PulseGuide(Direction, Duration // 4)


class PulseForEver(CameraSimulator):
    """Its pulses to the west do not end."""

    def PulseGuide(self, Direction: GuideDirection, Duration: int) -> None:
        super().PulseGuide(Direction, Duration * (1000 if Direction is GuideDirection.West else 1))


class PulseWaits(CameraSimulator):
    """PulseGuide returns when the pulse is over."""

    async def PulseGuide(self, Direction: GuideDirection, Duration: int) -> None:  # type: ignore[override]
        super().PulseGuide(Direction, Duration)
        await deferLater(self.clock, 1.5 * Duration / 1000)


class TwoKindsOfGain(CameraSimulator):
    """Its gain is a number and an index at once."""

    def Gains(self) -> list[str]:
        return ["Low", "High"]


class GainForgotten(CameraSimulator):
    """A gain that is set is not the gain that is read."""

    def SetGain(self, Gain: int) -> None:
        self._gain = min(Gain, 200)


class HalfAnOffset(CameraSimulator):
    """Its offset has a highest value and no lowest."""

    def OffsetMin(self) -> int:
        raise MemberNotImplemented


class OneReadoutMode(CameraSimulator):
    """It reads out in its first way only."""

    def SetReadoutMode(self, ReadoutMode: int) -> None:
        """It stays as it is."""


class FastForEver(CameraSimulator):
    """FastReadout can be turned on, and not off."""

    def SetFastReadout(self, FastReadout: bool) -> None:
        self._fast = self._fast or FastReadout


class PercentOnlyWhileExposing(CameraSimulator):
    """PercentCompleted is refused at rest."""

    def PercentCompleted(self) -> int:
        if self.CameraState() is CameraState.Idle:
            raise InvalidOperation("PercentCompleted: there is no exposure")
        return super().PercentCompleted()


class PercentTooHigh(CameraSimulator):
    """PercentCompleted runs on while the image is read out."""

    def PercentCompleted(self) -> int:
        return 150 if self.CameraState() is CameraState.Reading else 0


class OldState(CameraSimulator):
    """DeviceState is that of a moment ago."""

    def DeviceState(self) -> list[StateItem]:
        return [StateItem("CameraState", 0), StateItem("ImageReady", False), StateItem("TimeStamp", self._time_stamp())]


class Wordy(CameraSimulator):
    """It describes itself at length."""

    def Description(self) -> str:
        return "a camera " * 8


class TinyPixels(CameraSimulator):
    """Its pixels are given in millimetres."""

    def PixelSizeX(self) -> float:
        return 0.0038


class MosaicFromNowhere(CameraSimulator):
    """Its mosaic begins before the first column."""

    def BayerOffsetX(self) -> int:
        return -1


FAULTS: list[tuple[type[CameraSimulator], Mapping[str, Any], str, str]] = [  # and the part that finds it, with its words
    (IdleTooSoon, SMALL, "test_exposures", "CameraState is Idle after an exposure, and ImageReady is False"),
    (ImageTooSoon, SMALL, "test_exposures", "ImageReady is True, and CameraState Reading"),
    (ImageKept, SMALL, "test_exposures", "ImageReady just after StartExposure is True"),
    (NeverExposing, SMALL, "test_exposures", "CameraState is Reading just after StartExposure"),
    (SlowToStart, SMALL, "test_exposures", "CameraState is Idle just after StartExposure"),
    (Waits, SMALL, "test_exposures", "StartExposure took 2.0 s to return"),
    (TooShort, SMALL, "test_dark", "CameraState leaves Exposing after 1.6 s of 2"),
    (NeverDone, SMALL, "test_exposures", "CameraState is still Reading"),
    (Failing, SMALL, "test_exposures", "CameraState is Error"),
    (ExposesAgain, SMALL, "test_exposures", "CameraState is Exposing after the exposure was over"),
    (AxesSwapped, SMALL, "test_exposures", "ImageArray is 41 wide and 60 high, and NumX is 60 and NumY 41: its axes are swapped"),
    (WholeSensor, SMALL, "test_part_of_sensor", "ImageArray is 60 wide and 41 high, and NumX is 30 and NumY 13"),
    (BinsOneWay, SMALL, "test_exposures", "ImageArray is 30 wide and 40 high, and NumX is 30 and NumY 20"),
    (Fractions, SMALL, "test_exposures", "ImageArray has pixels that are not whole numbers"),
    (TooBright, SMALL, "test_exposures", "above MaxADU 10"),
    (OnePlane, COLOUR, "test_exposures", "ImageArray has 0 planes"),
    (GreyColour, COLOUR, "test_exposures", "ImageArray has 3 planes"),
    (NoVariant, SMALL, "test_exposures", "ImageArrayVariant is deprecated"),
    (OtherVariant, SMALL, "test_exposures", "ImageArrayVariant is not the same image"),
    (MeasuredDuration, SMALL, "test_exposures", "LastExposureDuration is 2.5, and 2.0 was asked for"),
    (ZoneInStartTime, SMALL, "test_exposures", "LastExposureStartTime gave '2026-01-01T00:00:00.000Z'"),
    (EndAsStartTime, SMALL, "test_exposures", "LastExposureStartTime is 2026-01-01 00:00:02.500000+00:00, and"),
    (NoStartTime, SMALL, "test_exposures", "LastExposureStartTime is 2000-01-01 00:00:00+00:00, and"),
    (NoBias, SMALL, "test_bias", "StartExposure of 0.0 s is too short"),
    (RunsOnAfterAbort, SMALL, "test_abort", "ImageReady after AbortExposure, when the exposure would have ended, is True"),
    (NoAbort, SMALL, "test_abort", "ImageReady after AbortExposure is True"),
    (AbortWithImage, SMALL, "test_abort", "ImageReady after AbortExposure is True"),
    (AbortRefusedAtRest, SMALL, "test_abort", "AbortExposure: there is no exposure"),
    (StopAlwaysReads, SMALL, "test_stop", "ImageReady after StopExposure at rest is True"),
    (StopIsAbort, SMALL, "test_stop", "ImageReady after StopExposure is still False"),
    (StopTooLate, SMALL, "test_stop", "ImageReady after StopExposure is still False"),
    (ImageOfLastLink, SMALL, "test_new_link", "ImageReady at the start is True"),
    (BinningOfLastLink, SMALL, "test_new_link", "BinX and BinY at the start is (2, 2)"),
    (TimerOfLastLink, SMALL, "test_new_link", "ImageReady after a new link is True"),
    (BusyAfterLink, SMALL, "test_new_link", "CameraState at the start is <CameraState.Exposing"),
    (ColumnsOnly, SMALL, "test_binning", "BinY after BinX was set, without CanAsymmetricBin, is 1"),
    (NarrowSubframe, SMALL, "test_subframe", "NumX 61 is too wide"),
    (StuckSubframe, SMALL, "test_subframe", "StartY after it was set is 0"),
    (SetPointIsReading, SMALL, "test_set_point", "SetCCDTemperature is 15.0 after it was set to 0"),
    (SetPointWithCoolerOnly, SMALL, "test_set_point", "SetCCDTemperature: turn the cooler on first"),
    (NeverOn, SMALL, "test_cooler", "CoolerOn after it was set is False"),
    (TooMuchPower, SMALL, "test_cooler", "CoolerPower is 120.0"),
    (PulseTooShort, SMALL, "test_pulse_guide", "IsPulseGuiding half way through PulseGuide North is False"),
    (PulseForEver, SMALL, "test_pulse_guide", "IsPulseGuiding after PulseGuide West is still True"),
    (PulseWaits, SMALL, "test_pulse_guide", "PulseGuide took 1.5 s to return"),
    (TwoKindsOfGain, SMALL, "test_gain", "whether Gains is there, besides GainMin and GainMax, is True, not False"),
    (GainForgotten, SMALL, "test_gain", "Gain after it was set is 200, not 300"),
    (HalfAnOffset, SMALL, "test_offset", "whether OffsetMin is there, as OffsetMax is, is False, not True"),
    (OneReadoutMode, SMALL, "test_readout_modes", "ReadoutMode after it was set is 0, not 1"),
    (FastForEver, SMALL, "test_fast_readout", "FastReadout after it was set is True, not False"),
    (PercentOnlyWhileExposing, SMALL, "test_properties", "PercentCompleted: there is no exposure"),
    (PercentTooHigh, SMALL, "test_exposures", "PercentCompleted is 150 during an exposure"),
    (OldState, SMALL, "test_exposures", "DeviceState after an exposure is"),
    (Wordy, SMALL, "test_properties", "Description has 72 characters"),
    (TinyPixels, SMALL, "test_properties", "PixelSizeX is 0.0038"),
    (MosaicFromNowhere, COLOUR, "test_mosaic", "BayerOffsetX is -1"),
]


class FaultyCameraTests(SynchronousTestCase):
    def test_found(self) -> None:
        """Every planted fault is found by the part that is about it, in words that name the member."""
        for driver, settings, part, words in FAULTS:
            found = found_by(CameraConformance, driver, settings, [part])
            self.assertIn(words, found.get(part, "nothing was found"), driver.__name__)
