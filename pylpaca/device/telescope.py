"""What drivers of a telescope mount are made of."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar

from twisted.internet.task import deferLater
from zope.interface import implementer

from pylpaca.calls import settled
from pylpaca.device.base import Device, left_out
from pylpaca.errors import MemberNotImplemented, ValueNotSet
from pylpaca.interfaces import ITelescope, Result
from pylpaca.values import (
    AlignmentMode,
    ArcsecondsPerSecond,
    AxisRate,
    Degrees,
    DegreesPerSecond,
    Direction,
    DriveRate,
    EquatorialCoordinateType,
    GuideDirection,
    Hours,
    Metres,
    Milliseconds,
    PierSide,
    SecondsPerSiderealSecond,
    SquareMetres,
    TelescopeAxis,
)


@implementer(ITelescope)
class Telescope(Device):
    """
    A mount.

    An author writes RightAscension, Declination, SiderealTime, Tracking, Slewing and AbortSlew, and what the mount can do.

    Targets are kept here, and the synchronous slews wait for the asynchronous ones.
    """

    interface: ClassVar[Any] = ITelescope
    LOOK_EVERY: ClassVar[float] = 0.25  # seconds

    def forget(self) -> None:
        """A new link: there is no target yet."""
        self._targets: dict[str, float] = {}

    def _target(self, coordinate: str) -> float:
        if coordinate not in self._targets:
            raise ValueNotSet(f"Target{coordinate} has not been set yet")
        return self._targets[coordinate]

    async def _to_target(self, go: Callable[[float, float], Result[None]]) -> None:
        await settled(go(await settled(self.TargetRightAscension()), await settled(self.TargetDeclination())))

    async def _slewn(self, started: Result[None]) -> None:
        """Wait until a slew that was started is done."""
        await settled(started)
        while await settled(self.Slewing()):
            await deferLater(self.clock, self.LOOK_EVERY)

    @left_out
    def AlignmentMode(self) -> Result[AlignmentMode]:
        raise MemberNotImplemented

    @left_out
    def Altitude(self) -> Result[Degrees]:
        raise MemberNotImplemented

    @left_out
    def ApertureArea(self) -> Result[SquareMetres]:
        raise MemberNotImplemented

    @left_out
    def ApertureDiameter(self) -> Result[Metres]:
        raise MemberNotImplemented

    def AtHome(self) -> Result[bool]:
        return False

    def AtPark(self) -> Result[bool]:
        return False

    @left_out
    def Azimuth(self) -> Result[Direction]:
        raise MemberNotImplemented

    def CanFindHome(self) -> Result[bool]:
        return False

    def CanPark(self) -> Result[bool]:
        return False

    def CanPulseGuide(self) -> Result[bool]:
        return False

    def CanSetDeclinationRate(self) -> Result[bool]:
        return False

    def CanSetGuideRates(self) -> Result[bool]:
        return False

    def CanSetPark(self) -> Result[bool]:
        return False

    def CanSetPierSide(self) -> Result[bool]:
        return False

    def CanSetRightAscensionRate(self) -> Result[bool]:
        return False

    def CanSetTracking(self) -> Result[bool]:
        return False

    def CanSlew(self) -> Result[bool]:
        return False

    def CanSlewAltAz(self) -> Result[bool]:
        return False

    def CanSlewAltAzAsync(self) -> Result[bool]:
        return False

    def CanSlewAsync(self) -> Result[bool]:
        return False

    def CanSync(self) -> Result[bool]:
        return False

    def CanSyncAltAz(self) -> Result[bool]:
        return False

    def CanUnpark(self) -> Result[bool]:
        return False

    @abstractmethod
    def Declination(self) -> Result[Degrees]: ...

    def DeclinationRate(self) -> Result[ArcsecondsPerSecond]:
        return 0.0

    @left_out
    def SetDeclinationRate(self, DeclinationRate: ArcsecondsPerSecond) -> Result[None]:
        raise MemberNotImplemented

    @left_out
    def DoesRefraction(self) -> Result[bool]:
        raise MemberNotImplemented

    @left_out
    def SetDoesRefraction(self, DoesRefraction: bool) -> Result[None]:
        raise MemberNotImplemented

    def EquatorialSystem(self) -> Result[EquatorialCoordinateType]:
        return EquatorialCoordinateType.Topocentric

    @left_out
    def FocalLength(self) -> Result[Metres]:
        raise MemberNotImplemented

    @left_out
    def GuideRateDeclination(self) -> Result[DegreesPerSecond]:
        raise MemberNotImplemented

    @left_out
    def SetGuideRateDeclination(self, GuideRateDeclination: DegreesPerSecond) -> Result[None]:
        raise MemberNotImplemented

    @left_out
    def GuideRateRightAscension(self) -> Result[DegreesPerSecond]:
        raise MemberNotImplemented

    @left_out
    def SetGuideRateRightAscension(self, GuideRateRightAscension: DegreesPerSecond) -> Result[None]:
        raise MemberNotImplemented

    @left_out
    def IsPulseGuiding(self) -> Result[bool]:
        raise MemberNotImplemented

    @abstractmethod
    def RightAscension(self) -> Result[Hours]: ...

    def RightAscensionRate(self) -> Result[SecondsPerSiderealSecond]:
        return 0.0

    @left_out
    def SetRightAscensionRate(self, RightAscensionRate: SecondsPerSiderealSecond) -> Result[None]:
        raise MemberNotImplemented

    @left_out
    def SideOfPier(self) -> Result[PierSide]:
        raise MemberNotImplemented

    @left_out
    def SetSideOfPier(self, SideOfPier: PierSide) -> Result[None]:
        raise MemberNotImplemented

    @abstractmethod
    def SiderealTime(self) -> Result[Hours]: ...

    @left_out
    def SiteElevation(self) -> Result[Metres]:
        raise MemberNotImplemented

    @left_out
    def SetSiteElevation(self, SiteElevation: Metres) -> Result[None]:
        raise MemberNotImplemented

    @left_out
    def SiteLatitude(self) -> Result[Degrees]:
        raise MemberNotImplemented

    @left_out
    def SetSiteLatitude(self, SiteLatitude: Degrees) -> Result[None]:
        raise MemberNotImplemented

    @left_out
    def SiteLongitude(self) -> Result[Degrees]:
        raise MemberNotImplemented

    @left_out
    def SetSiteLongitude(self, SiteLongitude: Degrees) -> Result[None]:
        raise MemberNotImplemented

    @abstractmethod
    def Slewing(self) -> Result[bool]: ...

    @left_out
    def SlewSettleTime(self) -> Result[int]:
        raise MemberNotImplemented

    @left_out
    def SetSlewSettleTime(self, SlewSettleTime: int) -> Result[None]:
        raise MemberNotImplemented

    def TargetDeclination(self) -> Result[Degrees]:
        return self._target("Declination")

    def SetTargetDeclination(self, TargetDeclination: Degrees) -> Result[None]:
        self._targets["Declination"] = TargetDeclination
        return None

    def TargetRightAscension(self) -> Result[Hours]:
        return self._target("RightAscension")

    def SetTargetRightAscension(self, TargetRightAscension: Hours) -> Result[None]:
        self._targets["RightAscension"] = TargetRightAscension
        return None

    @abstractmethod
    def Tracking(self) -> Result[bool]: ...

    @left_out
    def SetTracking(self, Tracking: bool) -> Result[None]:
        raise MemberNotImplemented

    def TrackingRate(self) -> Result[DriveRate]:
        return DriveRate.Sidereal

    def SetTrackingRate(self, TrackingRate: DriveRate) -> Result[None]:
        return None  # without rates of its own, only the sidereal one comes here

    def TrackingRates(self) -> Result[list[DriveRate]]:
        return [DriveRate.Sidereal]

    def UTCDate(self) -> Result[datetime]:
        return self.utc()

    @left_out
    def SetUTCDate(self, UTCDate: datetime) -> Result[None]:
        raise MemberNotImplemented

    @abstractmethod
    def AbortSlew(self) -> Result[None]: ...

    def AxisRates(self, Axis: TelescopeAxis) -> Result[list[AxisRate]]:
        return []

    def CanMoveAxis(self, Axis: TelescopeAxis) -> Result[bool]:
        return False

    @left_out
    def DestinationSideOfPier(self, RightAscension: Hours, Declination: Degrees) -> Result[PierSide]:
        raise MemberNotImplemented

    @left_out
    def FindHome(self) -> Result[None]:
        raise MemberNotImplemented

    @left_out
    def MoveAxis(self, Axis: TelescopeAxis, Rate: DegreesPerSecond) -> Result[None]:
        raise MemberNotImplemented

    @left_out
    def Park(self) -> Result[None]:
        raise MemberNotImplemented

    @left_out
    def PulseGuide(self, Direction: GuideDirection, Duration: Milliseconds) -> Result[None]:
        raise MemberNotImplemented

    @left_out
    def SetPark(self) -> Result[None]:
        raise MemberNotImplemented

    def SlewToAltAz(self, Azimuth: Degrees, Altitude: Degrees) -> Result[None]:
        return self._slewn(self.SlewToAltAzAsync(Azimuth, Altitude))

    @left_out
    def SlewToAltAzAsync(self, Azimuth: Degrees, Altitude: Degrees) -> Result[None]:
        raise MemberNotImplemented

    def SlewToCoordinates(self, RightAscension: Hours, Declination: Degrees) -> Result[None]:
        return self._slewn(self.SlewToCoordinatesAsync(RightAscension, Declination))

    @left_out
    def SlewToCoordinatesAsync(self, RightAscension: Hours, Declination: Degrees) -> Result[None]:
        raise MemberNotImplemented

    def SlewToTarget(self) -> Result[None]:
        return self._to_target(self.SlewToCoordinates)

    def SlewToTargetAsync(self) -> Result[None]:
        return self._to_target(self.SlewToCoordinatesAsync)

    @left_out
    def SyncToAltAz(self, Azimuth: Degrees, Altitude: Degrees) -> Result[None]:
        raise MemberNotImplemented

    @left_out
    def SyncToCoordinates(self, RightAscension: Hours, Declination: Degrees) -> Result[None]:
        raise MemberNotImplemented

    def SyncToTarget(self) -> Result[None]:
        return self._to_target(self.SyncToCoordinates)

    @left_out
    def Unpark(self) -> Result[None]:
        raise MemberNotImplemented
