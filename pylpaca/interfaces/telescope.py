"""The declaration of a telescope mount."""

# Facts
#   Right ascension in hours, 0 to below 24; declination, altitude, latitude in degrees; azimuth north 0, east 90; longitude east
#   positive. RightAscensionRate is in seconds of right ascension per sidereal second, DeclinationRate in arcseconds per second.
#   Rate offsets exist at the sidereal rate only: at others they read 0 and refuse to be set.
#   Parked is exactly 0x408, told before targets that are not set (0x402) and before a wrong tracking state (0x40B).
#   To Park what is parked and to Unpark what is not succeeds; so does turning tracking off while parked.

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from zope.interface import taggedValue

from pylpaca import values
from pylpaca.errors import InvalidOperation, InvalidWhileParked
from pylpaca.interfaces.common import IDevice
from pylpaca.interfaces.declaration import Mark, Result, SafeState, State, rule
from pylpaca.interfaces.rules import (
    Available,
    AxisSpeed,
    DoneWhile,
    Moment,
    Needs,
    OneOf,
    ReadsAs,
    RefusedUnless,
    RefusedWhile,
    Remembered,
    Within,
)
from pylpaca.values import (
    ArcsecondsPerSecond,
    AxisRate,
    Degrees,
    DegreesPerSecond,
    Direction,
    DriveRate,
    GuideDirection,
    Hours,
    Metres,
    Milliseconds,
    PierSide,
    SecondsPerSiderealSecond,
    SquareMetres,
    TelescopeAxis,
)

NOT_PARKED = RefusedWhile("AtPark", InvalidWhileParked)
TRACKING = RefusedUnless("Tracking", InvalidOperation)
NOT_TRACKING = RefusedWhile("Tracking", InvalidOperation)
AT_SIDEREAL = RefusedUnless("TrackingRate", InvalidOperation, DriveRate.Sidereal)
ZERO_UNLESS_SIDEREAL = ReadsAs(0.0, "TrackingRate", DriveRate.Sidereal)
TARGETS = (Available("TargetRightAscension"), Available("TargetDeclination"))
REMEMBERED = (Remembered("RightAscension", "SetTargetRightAscension"), Remembered("Declination", "SetTargetDeclination"))
PARKED = SafeState("park", (("AtPark", True), ("Slewing", False)))
SYNCHRONOUS = 90.0  # seconds; clients give up at 100 and send the PUT again

RightAscensionHours = Annotated[Hours, Within(0, 24, open_end=True)]
DeclinationDegrees = Annotated[Degrees, Within(-90, 90)]
AzimuthDegrees = Annotated[Degrees, Within(0, 360)]
AltitudeDegrees = Annotated[Degrees, Within(-90, 90)]
Axis = Annotated[TelescopeAxis, Mark.IDENTIFIES]


class ITelescope(IDevice):
    """A telescope mount (ASCOM ITelescopeV4)."""

    taggedValue("device_type", "Telescope")
    taggedValue("interface_version", 4)

    def AlignmentMode() -> Result[values.AlignmentMode]:
        """How the mount stands."""

    rule(AlignmentMode, optional=True)

    def Altitude() -> State[Degrees]:
        """How high the telescope points, horizon 0."""

    rule(Altitude, optional=True)

    def ApertureArea() -> Result[SquareMetres]:
        """The area that collects light."""

    rule(ApertureArea, optional=True)

    def ApertureDiameter() -> Result[Metres]:
        """The diameter of the telescope."""

    rule(ApertureDiameter, optional=True)

    def AtHome() -> State[bool]:
        """Whether the mount stands at its home position, which it was sent to by FindHome."""

    def AtPark() -> State[bool]:
        """Whether the mount is parked."""

    def Azimuth() -> State[Direction]:
        """Where the telescope points, north 0, east 90."""

    rule(Azimuth, optional=True)

    def CanFindHome() -> Result[bool]:
        """Whether FindHome works."""

    def CanPark() -> Result[bool]:
        """Whether Park works."""

    def CanPulseGuide() -> Result[bool]:
        """Whether PulseGuide works."""

    def CanSetDeclinationRate() -> Result[bool]:
        """Whether DeclinationRate can be set."""

    def CanSetGuideRates() -> Result[bool]:
        """Whether the guide rates can be set."""

    def CanSetPark() -> Result[bool]:
        """Whether SetPark works."""

    def CanSetPierSide() -> Result[bool]:
        """Whether SideOfPier can be set, which flips the mount."""

    def CanSetRightAscensionRate() -> Result[bool]:
        """Whether RightAscensionRate can be set."""

    def CanSetTracking() -> Result[bool]:
        """Whether Tracking can be set."""

    def CanSlew() -> Result[bool]:
        """Whether SlewToCoordinates and SlewToTarget work."""

    def CanSlewAltAz() -> Result[bool]:
        """Whether SlewToAltAz works."""

    def CanSlewAltAzAsync() -> Result[bool]:
        """Whether SlewToAltAzAsync works."""

    def CanSlewAsync() -> Result[bool]:
        """Whether SlewToCoordinatesAsync and SlewToTargetAsync work."""

    def CanSync() -> Result[bool]:
        """Whether SyncToCoordinates and SyncToTarget work."""

    def CanSyncAltAz() -> Result[bool]:
        """Whether SyncToAltAz works."""

    def CanUnpark() -> Result[bool]:
        """Whether Unpark works."""

    def Declination() -> State[Degrees]:
        """The declination that the telescope points at."""

    def DeclinationRate() -> Result[ArcsecondsPerSecond]:
        """How fast declination changes while tracking; 0 at any rate but the sidereal one."""

    rule(DeclinationRate, ReadsAs(0.0, "CanSetDeclinationRate", True), ZERO_UNLESS_SIDEREAL)

    def SetDeclinationRate(DeclinationRate: ArcsecondsPerSecond) -> Result[None]:
        """Let declination change at this rate while tracking, as for a comet."""

    rule(SetDeclinationRate, Needs("CanSetDeclinationRate"), AT_SIDEREAL, moves="DeclinationRate")

    def DoesRefraction() -> Result[bool]:
        """Whether the mount corrects for refraction."""

    rule(DoesRefraction, optional=True)

    def SetDoesRefraction(DoesRefraction: bool) -> Result[None]:
        """Correct for refraction, or not."""

    rule(SetDoesRefraction, optional=True)

    def EquatorialSystem() -> Result[values.EquatorialCoordinateType]:
        """The frame of right ascension and declination."""

    def FocalLength() -> Result[Metres]:
        """The focal length of the telescope."""

    rule(FocalLength, optional=True)

    def GuideRateDeclination() -> Result[DegreesPerSecond]:
        """How fast a guide pulse moves in declination."""

    rule(GuideRateDeclination, optional=True)

    def SetGuideRateDeclination(GuideRateDeclination: Annotated[DegreesPerSecond, Within(0, None)]) -> Result[None]:
        """Set how fast a guide pulse moves in declination."""

    rule(SetGuideRateDeclination, Needs("CanSetGuideRates"))

    def GuideRateRightAscension() -> Result[DegreesPerSecond]:
        """How fast a guide pulse moves in right ascension."""

    rule(GuideRateRightAscension, optional=True)

    def SetGuideRateRightAscension(GuideRateRightAscension: Annotated[DegreesPerSecond, Within(0, None)]) -> Result[None]:
        """Set how fast a guide pulse moves in right ascension."""

    rule(SetGuideRateRightAscension, Needs("CanSetGuideRates"))

    def IsPulseGuiding() -> State[bool]:
        """Whether a guide pulse is under way."""

    rule(IsPulseGuiding, Needs("CanPulseGuide"), busy=(True,))

    def RightAscension() -> State[Hours]:
        """The right ascension that the telescope points at."""

    def RightAscensionRate() -> Result[SecondsPerSiderealSecond]:
        """How fast right ascension changes while tracking; 0 at any rate but the sidereal one."""

    rule(RightAscensionRate, ReadsAs(0.0, "CanSetRightAscensionRate", True), ZERO_UNLESS_SIDEREAL)

    def SetRightAscensionRate(RightAscensionRate: SecondsPerSiderealSecond) -> Result[None]:
        """Let right ascension change at this rate while tracking, as for a comet."""

    rule(SetRightAscensionRate, Needs("CanSetRightAscensionRate"), AT_SIDEREAL, moves="RightAscensionRate")

    def SideOfPier() -> State[values.PierSide]:
        """The pointing state of the mount."""

    rule(SideOfPier, optional=True)

    def SetSideOfPier(SideOfPier: Annotated[PierSide, Within(0, 1)]) -> Result[None]:
        """Start flipping the mount; done when Slewing is false."""

    rule(SetSideOfPier, Needs("CanSetPierSide"), NOT_PARKED, moves=True)

    def SiderealTime() -> State[Hours]:
        """The local apparent sidereal time."""

    def SiteElevation() -> Result[Metres]:
        """The height of the place above the sea."""

    rule(SiteElevation, optional=True)

    def SetSiteElevation(SiteElevation: Annotated[Metres, Within(-300, 10000)]) -> Result[None]:
        """Set the height of the place above the sea."""

    rule(SetSiteElevation, optional=True)

    def SiteLatitude() -> Result[Degrees]:
        """The latitude of the place, north positive."""

    rule(SiteLatitude, optional=True)

    def SetSiteLatitude(SiteLatitude: Annotated[Degrees, Within(-90, 90)]) -> Result[None]:
        """Set the latitude of the place, north positive."""

    rule(SetSiteLatitude, optional=True)

    def SiteLongitude() -> Result[Degrees]:
        """The longitude of the place, east positive."""

    rule(SiteLongitude, optional=True)

    def SetSiteLongitude(SiteLongitude: Annotated[Degrees, Within(-180, 180)]) -> Result[None]:
        """Set the longitude of the place, east positive."""

    rule(SetSiteLongitude, optional=True)

    def Slewing() -> State[bool]:
        """Whether the mount is slewing, parking, homing, flipping, settling, or moved by MoveAxis."""

    rule(Slewing, busy=(True,))

    def SlewSettleTime() -> Result[Annotated[int, values.Unit("seconds")]]:
        """How long Slewing stays true after a slew."""

    rule(SlewSettleTime, optional=True)

    def SetSlewSettleTime(SlewSettleTime: Annotated[int, values.Unit("seconds"), Within(0, None)]) -> Result[None]:
        """Set how long Slewing stays true after a slew."""

    rule(SetSlewSettleTime, optional=True)

    def TargetDeclination() -> Result[Degrees]:
        """The declination of the target; ValueNotSet until there is one."""

    def SetTargetDeclination(TargetDeclination: DeclinationDegrees) -> Result[None]:
        """Set the declination of the target; also while parked."""

    def TargetRightAscension() -> Result[Hours]:
        """The right ascension of the target; ValueNotSet until there is one."""

    def SetTargetRightAscension(TargetRightAscension: RightAscensionHours) -> Result[None]:
        """Set the right ascension of the target; also while parked."""

    def Tracking() -> State[bool]:
        """Whether the mount follows the sky."""

    def SetTracking(Tracking: bool) -> Result[None]:
        """Follow the sky, or stand still."""

    rule(SetTracking, Needs("CanSetTracking"), RefusedWhile("AtPark", InvalidWhileParked, only_if="Tracking"), moves="Tracking")

    def TrackingRate() -> Result[values.DriveRate]:
        """What the mount follows while tracking."""

    def SetTrackingRate(TrackingRate: DriveRate) -> Result[None]:
        """Say what to follow while tracking."""

    rule(SetTrackingRate, OneOf("TrackingRate", "TrackingRates"))

    def TrackingRates() -> Result[list[DriveRate]]:
        """What the mount can follow, at least the stars."""

    def UTCDate() -> State[datetime]:
        """The date and time of the mount, in UTC."""

    def SetUTCDate(UTCDate: datetime) -> Result[None]:
        """Set the date and time of the mount."""

    rule(SetUTCDate, Moment("UTCDate"), optional=True)

    def AbortSlew() -> Result[None]:
        """Stop slewing at once, and track as before; harmless when nothing moves."""

    rule(AbortSlew, NOT_PARKED, stops=True)

    def AxisRates(Axis: Axis) -> Result[list[AxisRate]]:
        """The ranges of speeds that MoveAxis takes for this axis; none if it cannot be moved."""

    rule(AxisRates, ReadsAs((), "CanMoveAxis", True))

    def CanMoveAxis(Axis: Axis) -> Result[bool]:
        """Whether MoveAxis works on this axis."""

    def DestinationSideOfPier(RightAscension: RightAscensionHours, Declination: DeclinationDegrees) -> Result[values.PierSide]:
        """The pointing state that a slew to these coordinates would end in."""

    rule(DestinationSideOfPier, optional=True)

    def FindHome() -> Result[None]:
        """Start moving to the home position; done when Slewing is false."""

    rule(FindHome, Needs("CanFindHome"), NOT_PARKED, moves=True)

    def MoveAxis(Axis: Axis, Rate: DegreesPerSecond) -> Result[None]:
        """Turn an axis at this speed until told otherwise; 0 stops it. Tracking stays as it is."""

    rule(MoveAxis, Needs("CanMoveAxis"), AxisSpeed("Rate", "AxisRates"), NOT_PARKED, moves="Rate")

    def Park() -> Result[None]:
        """Start moving to the park position; done when AtPark is true and Slewing false."""

    rule(Park, Needs("CanPark"), DoneWhile("AtPark"), moves=True, reaches=PARKED)

    def PulseGuide(Direction: GuideDirection, Duration: Annotated[Milliseconds, Within(0, None)]) -> Result[None]:
        """Start a guide pulse; done when IsPulseGuiding is false."""

    rule(PulseGuide, Needs("CanPulseGuide"), NOT_PARKED, RefusedWhile("Slewing", InvalidOperation), TRACKING, moves=True)

    def SetPark() -> Result[None]:
        """Make the present position the park position."""

    rule(SetPark, Needs("CanSetPark"))

    def SlewToAltAz(Azimuth: AzimuthDegrees, Altitude: AltitudeDegrees) -> Result[None]:
        """Slew to a place in the sky; answered when the mount is there."""

    rule(SlewToAltAz, Needs("CanSlewAltAz"), NOT_PARKED, NOT_TRACKING, deadline=SYNCHRONOUS, moves=True)

    def SlewToAltAzAsync(Azimuth: AzimuthDegrees, Altitude: AltitudeDegrees) -> Result[None]:
        """Start slewing to a place in the sky; done when Slewing is false."""

    rule(SlewToAltAzAsync, Needs("CanSlewAltAzAsync"), NOT_PARKED, NOT_TRACKING, moves=True)

    def SlewToCoordinates(RightAscension: RightAscensionHours, Declination: DeclinationDegrees) -> Result[None]:
        """Slew to a star; answered when the mount is there."""

    rule(SlewToCoordinates, Needs("CanSlew"), NOT_PARKED, TRACKING, *REMEMBERED, deadline=SYNCHRONOUS, moves=True)

    def SlewToCoordinatesAsync(RightAscension: RightAscensionHours, Declination: DeclinationDegrees) -> Result[None]:
        """Start slewing to a star; done when Slewing is false."""

    rule(SlewToCoordinatesAsync, Needs("CanSlewAsync"), NOT_PARKED, TRACKING, *REMEMBERED, moves=True)

    def SlewToTarget() -> Result[None]:
        """Slew to the target; answered when the mount is there."""

    rule(SlewToTarget, Needs("CanSlew"), NOT_PARKED, *TARGETS, TRACKING, deadline=SYNCHRONOUS, moves=True)

    def SlewToTargetAsync() -> Result[None]:
        """Start slewing to the target; done when Slewing is false."""

    rule(SlewToTargetAsync, Needs("CanSlewAsync"), NOT_PARKED, *TARGETS, TRACKING, moves=True)

    def SyncToAltAz(Azimuth: AzimuthDegrees, Altitude: AltitudeDegrees) -> Result[None]:
        """Say that the telescope points at this place in the sky; nothing moves."""

    rule(SyncToAltAz, Needs("CanSyncAltAz"), NOT_PARKED, NOT_TRACKING)

    def SyncToCoordinates(RightAscension: RightAscensionHours, Declination: DeclinationDegrees) -> Result[None]:
        """Say that the telescope points at this star; nothing moves."""

    rule(SyncToCoordinates, Needs("CanSync"), NOT_PARKED, TRACKING, *REMEMBERED)

    def SyncToTarget() -> Result[None]:
        """Say that the telescope points at the target; nothing moves."""

    rule(SyncToTarget, Needs("CanSync"), NOT_PARKED, *TARGETS, TRACKING)

    def Unpark() -> Result[None]:
        """Start leaving the park position; done when AtPark is false."""

    rule(Unpark, Needs("CanUnpark"), DoneWhile("AtPark", False), moves=True)
