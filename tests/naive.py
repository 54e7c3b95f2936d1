"""Drivers that can do everything and check nothing, and note in `done` what reached them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pylpaca.device import Camera, CoverCalibrator, FilterWheel, ObservingConditions, Rotator, Switch, Telescope
from pylpaca.values import (
    AlignmentMode,
    AxisRate,
    CalibratorStatus,
    CameraState,
    CoverStatus,
    DriveRate,
    Frame,
    GuideDirection,
    PierSide,
    SensorType,
    TelescopeAxis,
)

Done = list[tuple[Any, ...]]  # the method, then its arguments


class NaiveCamera(Camera):
    """A colour camera of 100 by 80 pixels, with gains and offsets by number."""

    def connect(self) -> None:
        self.done: Done = []

    def BayerOffsetX(self) -> int:
        return 1

    def BayerOffsetY(self) -> int:
        return 1

    def CameraState(self) -> CameraState:
        return CameraState.Idle

    async def CameraXSize(self) -> int:
        return 100

    def CameraYSize(self) -> int:
        return 80

    def CanAbortExposure(self) -> bool:
        return True

    def CanAsymmetricBin(self) -> bool:
        return True

    def CanFastReadout(self) -> bool:
        return True

    def CanGetCoolerPower(self) -> bool:
        return True

    def CanPulseGuide(self) -> bool:
        return True

    def CanSetCCDTemperature(self) -> bool:
        return True

    def CanStopExposure(self) -> bool:
        return True

    def CCDTemperature(self) -> float:
        return -10.0

    def CoolerOn(self) -> bool:
        return True

    def SetCoolerOn(self, CoolerOn: bool) -> None:
        self.done.append(("SetCoolerOn", CoolerOn))

    def CoolerPower(self) -> float:
        return 50.0

    def ElectronsPerADU(self) -> float:
        return 0.5

    def ExposureMax(self) -> float:
        return 3600.0

    async def ExposureMin(self) -> float:
        return 0.25

    def FastReadout(self) -> bool:
        return False

    def SetFastReadout(self, FastReadout: bool) -> None:
        self.done.append(("SetFastReadout", FastReadout))

    def FullWellCapacity(self) -> float:
        return 30_000.0

    def Gain(self) -> int:
        return 10

    def SetGain(self, Gain: int) -> None:
        self.done.append(("SetGain", Gain))

    def GainMax(self) -> int:
        return 100

    def GainMin(self) -> int:
        return 10

    def HasShutter(self) -> bool:
        return True

    def HeatSinkTemperature(self) -> float:
        return 15.0

    def ImageArray(self) -> Frame:
        return [[1, 2], [3, 4]]  # type: ignore[return-value]  # rows, as a camera has them

    def ImageReady(self) -> bool:
        return True

    def IsPulseGuiding(self) -> bool:
        return False

    def MaxADU(self) -> int:
        return 65_535

    def MaxBinX(self) -> int:
        return 4

    async def MaxBinY(self) -> int:
        return 4

    def Offset(self) -> int:
        return -5

    def SetOffset(self, Offset: int) -> None:
        self.done.append(("SetOffset", Offset))

    def OffsetMax(self) -> int:
        return 5

    def OffsetMin(self) -> int:
        return -5

    def PercentCompleted(self) -> int:
        return 0

    def PixelSizeX(self) -> float:
        return 3.76

    def SetReadoutMode(self, ReadoutMode: int) -> None:
        self.done.append(("SetReadoutMode", ReadoutMode))

    def ReadoutModes(self) -> list[str]:
        return ["Slow", "Fast"]

    def SensorType(self) -> SensorType:
        return SensorType.RGGB

    def SetCCDTemperature(self) -> float:
        return -10.0

    def SetSetCCDTemperature(self, SetCCDTemperature: float) -> None:
        self.done.append(("SetSetCCDTemperature", SetCCDTemperature))

    def SubExposureDuration(self) -> float:
        return 1.0

    def SetSubExposureDuration(self, SubExposureDuration: float) -> None:
        self.done.append(("SetSubExposureDuration", SubExposureDuration))

    def AbortExposure(self) -> None:
        self.done.append(("AbortExposure",))

    def PulseGuide(self, Direction: GuideDirection, Duration: int) -> None:
        self.done.append(("PulseGuide", Direction, Duration))

    def StartExposure(self, Duration: float, Light: bool) -> None:
        self.done.append(("StartExposure", Duration, Light))

    def StopExposure(self) -> None:
        self.done.append(("StopExposure",))


class NaiveCoverCalibrator(CoverCalibrator):
    """A cover with a light of 200 levels."""

    def connect(self) -> None:
        self.done: Done = []

    def Brightness(self) -> int:
        return 100

    def CalibratorState(self) -> CalibratorStatus:
        return CalibratorStatus.Ready

    async def CoverState(self) -> CoverStatus:
        return CoverStatus.Closed

    async def MaxBrightness(self) -> int:
        return 200

    def CalibratorOff(self) -> None:
        self.done.append(("CalibratorOff",))

    def CalibratorOn(self, Brightness: int) -> None:
        self.done.append(("CalibratorOn", Brightness))

    def CloseCover(self) -> None:
        self.done.append(("CloseCover",))

    def HaltCover(self) -> None:
        self.done.append(("HaltCover",))

    def OpenCover(self) -> None:
        self.done.append(("OpenCover",))


class NaiveFilterWheel(FilterWheel):
    """A wheel of three filters."""

    def connect(self) -> None:
        self.done: Done = []

    async def Names(self) -> list[str]:
        return ["Red", "Green", "Blue"]

    def Position(self) -> int:
        return 0

    def SetPosition(self, Position: int) -> None:
        self.done.append(("SetPosition", Position))


class NaiveObservingConditions(ObservingConditions):
    """A weather station with every sensor."""

    def connect(self) -> None:
        self.done: Done = []

    def AveragePeriod(self) -> float:
        return 0.5

    def SetAveragePeriod(self, AveragePeriod: float) -> None:
        self.done.append(("SetAveragePeriod", AveragePeriod))

    def CloudCover(self) -> float:
        return 20.0

    def DewPoint(self) -> float:
        return 4.0

    def Humidity(self) -> float:
        return 66.0

    def Pressure(self) -> float:
        return 950.0

    def RainRate(self) -> float:
        return 0.0

    def SkyBrightness(self) -> float:
        return 0.001

    def SkyQuality(self) -> float:
        return 21.5

    def SkyTemperature(self) -> float:
        return -10.0

    def StarFWHM(self) -> float:
        return 2.0

    def Temperature(self) -> float:
        return 10.0

    def WindDirection(self) -> float:
        return 270.0

    def WindGust(self) -> float:
        return 5.0

    async def WindSpeed(self) -> float:
        return 3.0

    def Refresh(self) -> None:
        self.done.append(("Refresh",))

    def SensorDescription(self, SensorName: str) -> str:
        self.done.append(("SensorDescription", SensorName))
        return "a sensor"

    def TimeSinceLastUpdate(self, SensorName: str) -> float:
        self.done.append(("TimeSinceLastUpdate", SensorName))
        return 1.0


class NaiveRotator(Rotator):
    """A rotator at 30 degrees."""

    at = 30.0

    def connect(self) -> None:
        self.done: Done = []

    def CanReverse(self) -> bool:
        return True

    def IsMoving(self) -> bool:
        return False

    async def MechanicalPosition(self) -> float:
        return self.at

    def Reverse(self) -> bool:
        return False

    def SetReverse(self, Reverse: bool) -> None:
        self.done.append(("SetReverse", Reverse))

    def StepSize(self) -> float:
        return 0.5

    def Halt(self) -> None:
        self.done.append(("Halt",))

    def MoveMechanical(self, Position: float) -> None:
        self.done.append(("MoveMechanical", Position))


class NaiveSwitch(Switch):
    """Three dimmers from 10 to 20 in steps of 0.5."""

    def connect(self) -> None:
        self.done: Done = []

    async def MaxSwitch(self) -> int:
        return 3

    def CanAsync(self, Id: int) -> bool:
        return True

    def CanWrite(self, Id: int) -> bool:
        return True

    def GetSwitch(self, Id: int) -> bool:
        self.done.append(("GetSwitch", Id))
        return True

    def GetSwitchDescription(self, Id: int) -> str:
        self.done.append(("GetSwitchDescription", Id))
        return "A dimmer"

    def GetSwitchName(self, Id: int) -> str:
        self.done.append(("GetSwitchName", Id))
        return "Dimmer"

    def GetSwitchValue(self, Id: int) -> float:
        self.done.append(("GetSwitchValue", Id))
        return 20.0

    def MaxSwitchValue(self, Id: int) -> float:
        return 20.0

    async def MinSwitchValue(self, Id: int) -> float:
        return 10.0

    def SwitchStep(self, Id: int) -> float:
        return 0.5

    def StateChangeComplete(self, Id: int) -> bool:
        self.done.append(("StateChangeComplete", Id))
        return True

    def CancelAsync(self, Id: int) -> None:
        self.done.append(("CancelAsync", Id))

    def SetAsyncValue(self, Id: int, Value: float) -> None:
        self.done.append(("SetAsyncValue", Id, Value))

    def SetSwitchName(self, Id: int, Name: str) -> None:
        self.done.append(("SetSwitchName", Id, Name))

    def SetSwitchValue(self, Id: int, Value: float) -> None:
        self.done.append(("SetSwitchValue", Id, Value))


class NaiveTelescope(Telescope):
    """A mount that tracks, with two axes of two ranges of speed each."""

    def connect(self) -> None:
        self.done: Done = []

    def AlignmentMode(self) -> AlignmentMode:
        return AlignmentMode.GermanPolar

    def Altitude(self) -> float:
        return 40.0

    def ApertureArea(self) -> float:
        return 0.03

    def ApertureDiameter(self) -> float:
        return 0.2

    async def AtPark(self) -> bool:
        return False

    def Azimuth(self) -> float:
        return 120.0

    def CanFindHome(self) -> bool:
        return True

    def CanPark(self) -> bool:
        return True

    def CanPulseGuide(self) -> bool:
        return True

    def CanSetDeclinationRate(self) -> bool:
        return True

    def CanSetGuideRates(self) -> bool:
        return True

    def CanSetPark(self) -> bool:
        return True

    def CanSetPierSide(self) -> bool:
        return True

    def CanSetRightAscensionRate(self) -> bool:
        return True

    def CanSetTracking(self) -> bool:
        return True

    def CanSlew(self) -> bool:
        return True

    def CanSlewAltAz(self) -> bool:
        return True

    def CanSlewAltAzAsync(self) -> bool:
        return True

    def CanSlewAsync(self) -> bool:
        return True

    def CanSync(self) -> bool:
        return True

    def CanSyncAltAz(self) -> bool:
        return True

    def CanUnpark(self) -> bool:
        return True

    def Declination(self) -> float:
        return 20.0

    def DeclinationRate(self) -> float:
        return 0.5

    def SetDeclinationRate(self, DeclinationRate: float) -> None:
        self.done.append(("SetDeclinationRate", DeclinationRate))

    def DoesRefraction(self) -> bool:
        return True

    def SetDoesRefraction(self, DoesRefraction: bool) -> None:
        self.done.append(("SetDoesRefraction", DoesRefraction))

    def FocalLength(self) -> float:
        return 1.0

    def GuideRateDeclination(self) -> float:
        return 0.002

    def SetGuideRateDeclination(self, GuideRateDeclination: float) -> None:
        self.done.append(("SetGuideRateDeclination", GuideRateDeclination))

    def GuideRateRightAscension(self) -> float:
        return 0.002

    def SetGuideRateRightAscension(self, GuideRateRightAscension: float) -> None:
        self.done.append(("SetGuideRateRightAscension", GuideRateRightAscension))

    def IsPulseGuiding(self) -> bool:
        return False

    def RightAscension(self) -> float:
        return 5.0

    def RightAscensionRate(self) -> float:
        return 0.25

    def SetRightAscensionRate(self, RightAscensionRate: float) -> None:
        self.done.append(("SetRightAscensionRate", RightAscensionRate))

    def SideOfPier(self) -> PierSide:
        return PierSide.West

    def SetSideOfPier(self, SideOfPier: PierSide) -> None:
        self.done.append(("SetSideOfPier", SideOfPier))

    def SiderealTime(self) -> float:
        return 3.0

    def SiteElevation(self) -> float:
        return 300.0

    def SetSiteElevation(self, SiteElevation: float) -> None:
        self.done.append(("SetSiteElevation", SiteElevation))

    def SiteLatitude(self) -> float:
        return 50.0

    def SetSiteLatitude(self, SiteLatitude: float) -> None:
        self.done.append(("SetSiteLatitude", SiteLatitude))

    def SiteLongitude(self) -> float:
        return 8.0

    def SetSiteLongitude(self, SiteLongitude: float) -> None:
        self.done.append(("SetSiteLongitude", SiteLongitude))

    def Slewing(self) -> bool:
        return False

    def SlewSettleTime(self) -> int:
        return 2

    def SetSlewSettleTime(self, SlewSettleTime: int) -> None:
        self.done.append(("SetSlewSettleTime", SlewSettleTime))

    async def Tracking(self) -> bool:
        return True

    def SetTracking(self, Tracking: bool) -> None:
        self.done.append(("SetTracking", Tracking))

    def TrackingRate(self) -> DriveRate:
        return DriveRate.Sidereal

    def SetTrackingRate(self, TrackingRate: DriveRate) -> None:
        self.done.append(("SetTrackingRate", TrackingRate))

    async def TrackingRates(self) -> list[DriveRate]:
        return [DriveRate.Sidereal, DriveRate.Lunar]

    def SetUTCDate(self, UTCDate: datetime) -> None:
        self.done.append(("SetUTCDate", UTCDate))

    def AbortSlew(self) -> None:
        self.done.append(("AbortSlew",))

    async def AxisRates(self, Axis: TelescopeAxis) -> list[AxisRate]:
        return [AxisRate(Maximum=1.0, Minimum=0.5), AxisRate(Maximum=4.0, Minimum=2.0)]

    def CanMoveAxis(self, Axis: TelescopeAxis) -> bool:
        return Axis != TelescopeAxis.Tertiary

    def DestinationSideOfPier(self, RightAscension: float, Declination: float) -> PierSide:
        self.done.append(("DestinationSideOfPier", RightAscension, Declination))
        return PierSide.East

    def FindHome(self) -> None:
        self.done.append(("FindHome",))

    def MoveAxis(self, Axis: TelescopeAxis, Rate: float) -> None:
        self.done.append(("MoveAxis", Axis, Rate))

    def Park(self) -> None:
        self.done.append(("Park",))

    def PulseGuide(self, Direction: GuideDirection, Duration: int) -> None:
        self.done.append(("PulseGuide", Direction, Duration))

    def SetPark(self) -> None:
        self.done.append(("SetPark",))

    def SlewToAltAz(self, Azimuth: float, Altitude: float) -> None:
        self.done.append(("SlewToAltAz", Azimuth, Altitude))

    def SlewToAltAzAsync(self, Azimuth: float, Altitude: float) -> None:
        self.done.append(("SlewToAltAzAsync", Azimuth, Altitude))

    def SlewToCoordinates(self, RightAscension: float, Declination: float) -> None:
        self.done.append(("SlewToCoordinates", RightAscension, Declination))

    def SlewToCoordinatesAsync(self, RightAscension: float, Declination: float) -> None:
        self.done.append(("SlewToCoordinatesAsync", RightAscension, Declination))

    def SlewToTarget(self) -> None:
        self.done.append(("SlewToTarget",))

    def SlewToTargetAsync(self) -> None:
        self.done.append(("SlewToTargetAsync",))

    def SyncToAltAz(self, Azimuth: float, Altitude: float) -> None:
        self.done.append(("SyncToAltAz", Azimuth, Altitude))

    def SyncToCoordinates(self, RightAscension: float, Declination: float) -> None:
        self.done.append(("SyncToCoordinates", RightAscension, Declination))

    def SyncToTarget(self) -> None:
        self.done.append(("SyncToTarget",))

    def Unpark(self) -> None:
        self.done.append(("Unpark",))
