"""The simulated telescope passes the conformance kit, and a telescope with a fault in it does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import ClassVar

from twisted.internet.task import deferLater
from twisted.trial.unittest import SynchronousTestCase

from drivers.simulators import sky, telescope
from drivers.simulators.telescope import Pulse, Slew, TelescopeSimulator
from pylpaca.device import Telescope
from pylpaca.errors import MemberNotImplemented
from pylpaca.testing.conformance.reach import OverHttp
from pylpaca.testing.conformance.telescope import TelescopeConformance
from pylpaca.values import AxisRate, DriveRate, GuideDirection, PierSide, TelescopeAxis
from tests.faults import found_by


class GermanTests(TelescopeConformance, SynchronousTestCase):
    driver = TelescopeSimulator


class SouthernTests(TelescopeConformance, SynchronousTestCase):
    driver = TelescopeSimulator
    settings = {"latitude": -33.0, "longitude": 151.0, "home_azimuth": 180.0, "home_altitude": 33.0, "park_azimuth": 0.0}  # noqa: RUF012


class ForkTests(TelescopeConformance, SynchronousTestCase):
    driver = TelescopeSimulator
    settings = {"alignment": "fork", "latitude": 20.0, "longitude": -156.0, "home_altitude": 20.0}  # noqa: RUF012


class AltAzTests(TelescopeConformance, SynchronousTestCase):
    driver = TelescopeSimulator
    settings = {"alignment": "altaz", "settle_time": 3, "slew_rate": 2.0}  # noqa: RUF012


class OverHttpTests(OverHttp, TelescopeConformance, SynchronousTestCase):
    driver = TelescopeSimulator


class ShortTests(TelescopeConformance, SynchronousTestCase):
    driver = TelescopeSimulator
    extended = False


class BareTelescope(Telescope):
    """It only tells where it points, and always tracks."""

    def connect(self) -> None:
        self._began = self.SiderealTime()

    def Declination(self) -> float:
        return 20.0

    def RightAscension(self) -> float:
        return self._began

    def SiderealTime(self) -> float:
        return sky.sidereal_time(self.utc(), 0.0)

    def Slewing(self) -> bool:
        return False

    def Tracking(self) -> bool:
        return True

    def AbortSlew(self) -> None:
        pass


class BareTests(TelescopeConformance, SynchronousTestCase):
    driver = BareTelescope


class DriftScanner(BareTelescope):
    """It never tracks, and slews only above the ground."""

    def connect(self) -> None:
        self._place, self._arrives = (180.0, 50.0), 0.0

    def Altitude(self) -> float:
        return self._place[1]

    def Azimuth(self) -> float:
        return self._place[0]

    def CanSlewAltAz(self) -> bool:
        return True

    def CanSlewAltAzAsync(self) -> bool:
        return True

    def CanSyncAltAz(self) -> bool:
        return True

    def Declination(self) -> float:
        return sky.equatorial(*self._place, 50.0)[1]

    def RightAscension(self) -> float:
        return sky.wrapped(self.SiderealTime() - sky.equatorial(*self._place, 50.0)[0], 24.0)

    def Slewing(self) -> bool:
        return self.clock.seconds() < self._arrives

    def Tracking(self) -> bool:
        return False

    def AbortSlew(self) -> None:
        self._arrives = 0.0

    def SlewToAltAzAsync(self, Azimuth: float, Altitude: float) -> None:
        self._place, self._arrives = (Azimuth, Altitude), self.clock.seconds() + 3.0

    def SyncToAltAz(self, Azimuth: float, Altitude: float) -> None:
        self._place = (Azimuth, Altitude)


class DriftScannerTests(TelescopeConformance, SynchronousTestCase):
    driver = DriftScanner


class StarTracker(TelescopeSimulator):
    """It tracks from the start and cannot be told not to; it slews while clients wait, and syncs."""

    def connect(self) -> None:
        super().connect()
        self._tracking = True

    def CanFindHome(self) -> bool:
        return False

    def CanMoveAxis(self, Axis: TelescopeAxis) -> bool:
        return False

    def CanPark(self) -> bool:
        return False

    def CanPulseGuide(self) -> bool:
        return False

    def CanSetGuideRates(self) -> bool:
        return False

    def CanSetTracking(self) -> bool:
        return False

    def CanSlewAltAz(self) -> bool:
        return False

    def CanSlewAltAzAsync(self) -> bool:
        return False

    def CanSlewAsync(self) -> bool:
        return False

    def CanUnpark(self) -> bool:
        return False


class StarTrackerTests(TelescopeConformance, SynchronousTestCase):
    driver = StarTracker
    settings = {"alignment": "fork"}  # noqa: RUF012


# telescopes with one fault each


class RemembersTargets(TelescopeSimulator):
    def forget(self) -> None:
        kept = getattr(self, "_targets", {})
        super().forget()
        self._targets = kept


class SlewsLate(TelescopeSimulator):
    def CanSlew(self) -> bool:
        return False

    def SlewToCoordinatesAsync(self, RightAscension: float, Declination: float) -> None:
        self.clock.callLater(0.2, super().SlewToCoordinatesAsync, RightAscension, Declination)


class SlewsTooFast(TelescopeSimulator):
    def _begin(self, now: telescope.Instant, slew: Slew, goal: str = "") -> None:
        super()._begin(now, slew, goal)
        assert self._slew is not None
        self._slew = replace(self._slew, arrives=now.seconds + 1.0)
        self._settled = self._slew.arrives


class SlewsInNoTimeWhenThere(TelescopeSimulator):
    def SlewToCoordinatesAsync(self, RightAscension: float, Declination: float) -> None:
        if abs(self.RightAscension() - RightAscension) > 0.01 or abs(self.Declination() - Declination) > 0.01:
            super().SlewToCoordinatesAsync(RightAscension, Declination)


class SlewsBeside(TelescopeSimulator):
    def SlewToCoordinatesAsync(self, RightAscension: float, Declination: float) -> None:
        super().SlewToCoordinatesAsync(RightAscension, Declination - 0.01)


class ArrivesAfterSlewing(TelescopeSimulator):
    """Slewing ends a second before it is there."""

    def Slewing(self) -> bool:
        slew = self._slew
        return super().Slewing() and (slew is None or self.clock.seconds() < slew.arrives - 1.0)


class LeavesTheSkyOnTheWay(TelescopeSimulator):
    def RightAscension(self) -> float:
        return super().RightAscension() + (24.0 if self.Slewing() else 0.0)


class WaitsForAsync(TelescopeSimulator):
    async def SlewToTargetAsync(self) -> None:
        await super().SlewToTargetAsync()  # type: ignore[misc]
        await deferLater(self.clock, 3.5)


class AnswersSyncSlewsAtOnce(TelescopeSimulator):
    def SlewToCoordinates(self, RightAscension: float, Declination: float) -> None:
        self.SlewToCoordinatesAsync(RightAscension, Declination)


class ForgetsSettling(TelescopeSimulator):
    def _begin(self, now: telescope.Instant, slew: Slew, goal: str = "") -> None:
        super()._begin(now, slew, goal)
        self._settled = 0.0


class AbortsOnlyInName(TelescopeSimulator):
    """Slewing becomes false, and it goes on."""

    def connect(self) -> None:
        super().connect()
        self._stopped = False

    def AbortSlew(self) -> None:
        self._stopped = True

    def _begin(self, now: telescope.Instant, slew: Slew, goal: str = "") -> None:
        super()._begin(now, slew, goal)
        self._stopped = False

    def Slewing(self) -> bool:
        return super().Slewing() and not self._stopped


class AbortEndsTracking(TelescopeSimulator):
    def AbortSlew(self) -> None:
        super().AbortSlew()
        self._tracking = False


class AbortLeavesAxes(TelescopeSimulator):
    def AbortSlew(self) -> None:
        if not any(self._axis_rates):
            super().AbortSlew()


class SwapsAzimuthAndAltitude(TelescopeSimulator):
    def SlewToAltAzAsync(self, Azimuth: float, Altitude: float) -> None:
        super().SlewToAltAzAsync(Altitude, min(Azimuth, 90.0))


class TracksAboveTheGround(TelescopeSimulator):
    def Slewing(self) -> bool:
        above_ground, slewing = self._slew is not None and self._slew.above_ground, super().Slewing()
        if above_ground and not slewing and not self._goal:
            self._tracking = True
        return slewing


class AzimuthFromSouth(TelescopeSimulator):
    def Azimuth(self) -> float:
        return super().Azimuth() + 180.0


class SiderealTimeOfGreenwich(TelescopeSimulator):
    def SiderealTime(self) -> float:
        return sky.sidereal_time(self.utc(), 0.0)


class SiderealTimeStands(TelescopeSimulator):
    def SiderealTime(self) -> float:
        return sky.sidereal_time(self.utc().replace(second=0, microsecond=0), self.SiteLongitude())


class RoundsTheSite(TelescopeSimulator):
    def SetSiteLatitude(self, SiteLatitude: float) -> None:
        super().SetSiteLatitude(round(SiteLatitude))


class KeepsTheDate(TelescopeSimulator):
    def SetUTCDate(self, UTCDate: datetime) -> None:
        self._calendar = timedelta()


class StopsTheDate(TelescopeSimulator):
    def SetUTCDate(self, UTCDate: datetime) -> None:
        self._shown = UTCDate

    def UTCDate(self) -> datetime:
        shown: datetime = getattr(self, "_shown", self.utc())
        return shown - timedelta(seconds=self.clock.seconds() * 10)


class TracksOnlyInName(TelescopeSimulator):
    """Turned off, it follows the sky all the same."""

    off = False

    def SetTracking(self, Tracking: bool) -> None:
        super().SetTracking(True)
        self.off = not Tracking

    def Tracking(self) -> bool:
        return super().Tracking() and not self.off


class TracksLate(TelescopeSimulator):
    def SetTracking(self, Tracking: bool) -> None:
        self.clock.callLater(1.5, super().SetTracking, Tracking)


class IgnoresTheDriveRate(TelescopeSimulator):
    def SetTrackingRate(self, TrackingRate: DriveRate) -> None:
        pass


class ChangesTrackingRates(TelescopeSimulator):
    def TrackingRates(self) -> list[DriveRate]:
        self._turn = not getattr(self, "_turn", False)
        return list(DriveRate) if self._turn else [DriveRate.Sidereal]


class OffsetsFollowTheAxis(TelescopeSimulator):
    """DeclinationRate turns the axis: through the pole that is the wrong way."""

    def SetDeclinationRate(self, DeclinationRate: float) -> None:
        through_pole = self.SideOfPier() is PierSide.West
        super().SetDeclinationRate(-DeclinationRate if through_pole else DeclinationRate)


class OffsetsInArcseconds(TelescopeSimulator):
    """RightAscensionRate is taken for arcseconds."""

    def SetRightAscensionRate(self, RightAscensionRate: float) -> None:
        super().SetRightAscensionRate(RightAscensionRate / 15)

    def RightAscensionRate(self) -> float:
        return super().RightAscensionRate() * 15


class OffsetsMoveNothing(TelescopeSimulator):
    rate = 0.0

    def SetDeclinationRate(self, DeclinationRate: float) -> None:
        self.rate = DeclinationRate

    def DeclinationRate(self) -> float:
        return self.rate


class OffsetsBecomeSlews(TelescopeSimulator):
    def Slewing(self) -> bool:
        return super().Slewing() or any(self._offsets)


class CoarsePosition(TelescopeSimulator):
    """It tells where it points in whole arcseconds."""

    def Declination(self) -> float:
        return round(super().Declination() * 3600) / 3600


class ParksLate(TelescopeSimulator):
    """AtPark follows a second after Slewing."""

    def AtPark(self) -> bool:
        return super().AtPark() and self.clock.seconds() > self._settled + 1.0


class ParksEarly(TelescopeSimulator):
    def AtPark(self) -> bool:
        return self._goal == "park"


class ParkedItTracks(TelescopeSimulator):
    def Tracking(self) -> bool:
        return super().Tracking() or self.AtPark()


class StaysParked(TelescopeSimulator):
    def Unpark(self) -> None:
        pass


class ParksWhereItStands(TelescopeSimulator):
    def Park(self) -> None:
        self._park = (self.Azimuth(), self.Altitude())
        super().Park()


class LeavesHomeWithTracking(TelescopeSimulator):
    """Tracking off, and it is not at home any more."""

    def SetTracking(self, Tracking: bool) -> None:
        super().SetTracking(Tracking)
        self._goal = ""


class AlwaysAtHome(TelescopeSimulator):
    def AtHome(self) -> bool:
        return True


class TouchingAxisRates(TelescopeSimulator):
    def AxisRates(self, Axis: TelescopeAxis) -> list[AxisRate]:
        return [AxisRate(Maximum=5.0, Minimum=2.0), AxisRate(Maximum=2.0, Minimum=0.5)] if self.CanMoveAxis(Axis) else []


class AxisWithoutRates(TelescopeSimulator):
    def AxisRates(self, Axis: TelescopeAxis) -> list[AxisRate]:
        return []


class AxisEndsTracking(TelescopeSimulator):
    def MoveAxis(self, Axis: TelescopeAxis, Rate: float) -> None:
        super().MoveAxis(Axis, Rate)
        if Rate < 0:
            self._tracking = False


class AxisWithoutSlewing(TelescopeSimulator):
    def Slewing(self) -> bool:
        return self._on_the_way(self._now())


class AxisWithoutSign(TelescopeSimulator):
    def MoveAxis(self, Axis: TelescopeAxis, Rate: float) -> None:
        super().MoveAxis(Axis, abs(Rate))


class AxisInArcminutes(TelescopeSimulator):
    def MoveAxis(self, Axis: TelescopeAxis, Rate: float) -> None:
        super().MoveAxis(Axis, Rate / 60)


class PulseBlocks(TelescopeSimulator):
    async def PulseGuide(self, Direction: GuideDirection, Duration: int) -> None:  # type: ignore[override]
        super().PulseGuide(Direction, Duration)
        await deferLater(self.clock, Duration / 1000)


class PulseLasts(TelescopeSimulator):
    def IsPulseGuiding(self) -> bool:
        return any(self.clock.seconds() < pulse.until + 10 for pulse in self._pulses if pulse.until)


class PulseEndsEarly(TelescopeSimulator):
    """IsPulseGuiding ends when half the way is done."""

    def PulseGuide(self, Direction: GuideDirection, Duration: int) -> None:
        super().PulseGuide(Direction, Duration)
        self._half = self.clock.seconds() + Duration / 2000

    def IsPulseGuiding(self) -> bool:
        return self.clock.seconds() < getattr(self, "_half", 0.0)


class PulseFollowsTheAxis(TelescopeSimulator):
    """North is the other way through the pole."""

    def PulseGuide(self, Direction: GuideDirection, Duration: int) -> None:
        super().PulseGuide(Direction, Duration)
        if self.SideOfPier() is PierSide.West:
            self._pulses[1] = Pulse(-self._pulses[1].rate, self._pulses[1].until)


class TellsHalfTheGuideRate(TelescopeSimulator):
    def GuideRateRightAscension(self) -> float:
        return super().GuideRateRightAscension() * 0.5


class PulseIsSlewing(TelescopeSimulator):
    def Slewing(self) -> bool:
        return super().Slewing() or self.IsPulseGuiding()


class SecondPulseEndsFirst(TelescopeSimulator):
    def PulseGuide(self, Direction: GuideDirection, Duration: int) -> None:
        if self.IsPulseGuiding():
            self._end_pulses()
        else:
            super().PulseGuide(Direction, Duration)


class SyncsHalf(TelescopeSimulator):
    def SyncToCoordinates(self, RightAscension: float, Declination: float) -> None:
        super().SyncToCoordinates(RightAscension, (self.Declination() + Declination) / 2)


class SyncsLate(TelescopeSimulator):
    def SyncToTarget(self) -> None:
        self.clock.callLater(0.5, super().SyncToTarget)


class SyncsBySlewing(TelescopeSimulator):
    def SyncToCoordinates(self, RightAscension: float, Declination: float) -> None:
        self.SlewToCoordinatesAsync(RightAscension, Declination)


class SyncForgetsTheState(TelescopeSimulator):
    def SyncToCoordinates(self, RightAscension: float, Declination: float) -> None:
        super().SyncToCoordinates(RightAscension, Declination)
        self._anchor = self._anchor._replace(through_pole=True)


class SyncsOnlyAltitude(TelescopeSimulator):
    def SyncToAltAz(self, Azimuth: float, Altitude: float) -> None:
        super().SyncToAltAz(self.Azimuth(), Altitude)


class PhysicalSide(TelescopeSimulator):
    """The side of the pier on which the telescope is, instead of the pointing state."""

    def SideOfPier(self) -> PierSide:
        hours = sky.hour_angle(self.SiderealTime(), self.RightAscension())
        return PierSide(1 - super().SideOfPier()) if abs(hours) > 6 else super().SideOfPier()


class OppositeSides(TelescopeSimulator):
    def SideOfPier(self) -> PierSide:
        return PierSide(1 - super().SideOfPier())

    def DestinationSideOfPier(self, RightAscension: float, Declination: float) -> PierSide:
        return PierSide(1 - super().DestinationSideOfPier(RightAscension, Declination))


class OneDestination(TelescopeSimulator):
    def DestinationSideOfPier(self, RightAscension: float, Declination: float) -> PierSide:
        return self.SideOfPier()


class FlipsNothing(TelescopeSimulator):
    def SetSideOfPier(self, SideOfPier: PierSide) -> None:
        self.SlewToCoordinatesAsync(self.RightAscension(), self.Declination())
        assert self._slew is not None
        self._slew = replace(self._slew, through_pole=True)


class StopsAtTheMeridian(TelescopeSimulator):
    def _look(self, now: telescope.Instant) -> telescope.Pointing:
        there = super()._look(now)
        if self._tracking and there.through_pole and 0 < there.hour_angle < 6 and self._slew is None:
            self._anchor, self._tracking = self._at_angle(now, 0.0, there.declination, through_pole=True), False
        return self._anchor if not self._tracking else there


class CannotUnpark(TelescopeSimulator):
    def CanUnpark(self) -> bool:
        return False


class GuidesAtNoRate(TelescopeSimulator):
    def GuideRateDeclination(self) -> float:
        return 0.0


class FlipsWithoutASide(TelescopeSimulator):
    def SideOfPier(self) -> PierSide:
        raise MemberNotImplemented


class StartsSlewing(TelescopeSimulator):
    def connect(self) -> None:
        super().connect()
        self.FindHome()


class StartsBelowTheHorizon(TelescopeSimulator):
    def connect(self) -> None:
        super().connect()
        self._anchor = self._anchor._replace(declination=-70.0)


class StartsWithAnOffset(TelescopeSimulator):
    def connect(self) -> None:
        super().connect()
        self._offsets = [0.0, -40.0]


class FaultTests(SynchronousTestCase):
    """Each fault is found, in the part of the kit that is about it, with a sentence that names the member."""

    faults: ClassVar[list[tuple[type, str, str]]] = [
        (RemembersTargets, "test_targets", "TargetRightAscension is"),
        (SlewsLate, "test_slews", "Slewing just after SlewToCoordinatesAsync is False"),
        (SlewsTooFast, "test_abort", "Slewing 1.5 s after SlewToCoordinatesAsync is False"),
        (SlewsInNoTimeWhenThere, "test_short_slew", "Slewing just after SlewToCoordinatesAsync is False"),
        (SlewsBeside, "test_slews", '-36.000" off after SlewToCoordinates'),
        (ArrivesAfterSlewing, "test_slews", "off after SlewToCoordinates"),
        (LeavesTheSkyOnTheWay, "test_slews", "RightAscension during SlewToCoordinatesAsync is"),
        (WaitsForAsync, "test_slews", "SlewToTargetAsync took 3.5 s to return"),
        (AnswersSyncSlewsAtOnce, "test_slews", "Slewing after SlewToCoordinates is True"),
        (ForgetsSettling, "test_slew_settle_time", "with a SlewSettleTime of 10 s"),
        (AbortsOnlyInName, "test_abort", "in the 3 s after AbortSlew"),
        (AbortEndsTracking, "test_abort", "Tracking after a slew was stopped is False"),
        (AbortLeavesAxes, "test_abort_move_axis", "Slewing after AbortSlew of a MoveAxis is still True"),
        (SwapsAzimuthAndAltitude, "test_slew_above_ground", "Altitude is 90.0 after SlewToAltAz, not 50.0"),
        (TracksAboveTheGround, "test_slew_above_ground", "Tracking after SlewToAltAz is True"),
        (AzimuthFromSouth, "test_altitude_and_azimuth", "Azimuth is"),
        (SiderealTimeOfGreenwich, "test_sidereal_time", "SiderealTime is"),
        (SiderealTimeStands, "test_sidereal_time", "SiderealTime ran by 0.00 s"),
        (RoundsTheSite, "test_site", "SiteLatitude after it was set is"),
        (KeepsTheDate, "test_utc_date", "UTCDate is 0:00:00 ahead"),
        (StopsTheDate, "test_utc_date", "UTCDate is 0:59:"),
        (TracksOnlyInName, "test_tracking", "RightAscension ran by 0.00 s in 10 s with Tracking off"),
        (TracksLate, "test_tracking", "Tracking 1 s after it was set is"),
        (IgnoresTheDriveRate, "test_tracking_rates", "TrackingRate after it was set is"),
        (ChangesTrackingRates, "test_tracking_rates", "TrackingRates when it is read again is"),
        (OffsetsFollowTheAxis, "test_rate_offsets", 'DeclinationRate for 0.000" and 0.050" a second at HA -9'),
        (OffsetsInArcseconds, "test_rate_offsets", 'RightAscensionRate for 0.050" and 0.000" a second at HA -9'),
        (OffsetsMoveNothing, "test_rate_offsets", 'moved RightAscension and Declination by 0.000" and 0.000"'),
        (OffsetsBecomeSlews, "test_rates", "Slewing after DeclinationRate was set is True"),
        (CoarsePosition, "test_rate_offsets", 'DeclinationRate for 0.000" and 0.050" a second'),
        (ParksLate, "test_park", "AtPark when Slewing has ended after Park is False"),
        (ParksEarly, "test_park", "AtPark is True while Slewing still is"),
        (ParkedItTracks, "test_park", "Tracking after Park is True"),
        (StaysParked, "test_park", "AtPark after Unpark is True"),
        (ParksWhereItStands, "test_park_position", "after Park, not"),
        (LeavesHomeWithTracking, "test_find_home", "AtHome after FindHome is False"),
        (AlwaysAtHome, "test_find_home", "AtHome after a slew is True"),
        (TouchingAxisRates, "test_axis_rates", "AxisRates of axis 0 has ranges that meet"),
        (AxisWithoutRates, "test_axis_rates", "whether AxisRates of axis 0 has any"),
        (AxisEndsTracking, "test_move_axis", "Tracking after MoveAxis is False"),
        (AxisWithoutSlewing, "test_move_axis", "Slewing just after MoveAxis of axis 0 at 5 is False"),
        (AxisWithoutSign, "test_move_axis", "not taken back by as much at the opposite speed"),
        (AxisInArcminutes, "test_move_axis", "MoveAxis of axis 0 at 5 degrees a second for 2 s moved it by 0.1667"),
        (PulseBlocks, "test_pulse_guide", "PulseGuide took 2.0 s to return"),
        (PulseLasts, "test_pulse_guide", "IsPulseGuiding after 2 s of PulseGuide is still True"),
        (PulseEndsEarly, "test_pulse_motion", "PulseGuide North for 5 s at HA -9"),
        (PulseFollowsTheAxis, "test_pulse_motion", "PulseGuide North for 5 s at HA -9"),
        (TellsHalfTheGuideRate, "test_pulse_motion", "PulseGuide East for 5 s at HA -9"),
        (PulseIsSlewing, "test_pulse_guide", "Slewing just after PulseGuide is True"),
        (SecondPulseEndsFirst, "test_pulse_guide", "IsPulseGuiding after pulses on both axes is False"),
        (SyncsHalf, "test_sync", "off after SyncToCoordinates"),
        (SyncsLate, "test_sync", "off after SyncToTarget"),
        (SyncsBySlewing, "test_sync", "Slewing after SyncToCoordinates is True"),
        (SyncForgetsTheState, "test_sync", "SideOfPier after SyncToCoordinates is"),
        (SyncsOnlyAltitude, "test_sync_above_ground", "Azimuth is"),
        (PhysicalSide, "test_side_of_pier", "SideOfPier after a slew to HA -9 is"),
        (OppositeSides, "test_side_of_pier", "SideOfPier after a slew to HA -3 is"),
        (OneDestination, "test_destination_side_of_pier", "DestinationSideOfPier is the same at HA 2 and HA -2"),
        (FlipsNothing, "test_flip", "SideOfPier after it was set is"),
        (StopsAtTheMeridian, "test_flip", "off after seven minutes of tracking"),
        (CannotUnpark, "test_capabilities", "CanPark is True, but CanUnpark is False"),
        (FlipsWithoutASide, "test_capabilities", "CanSetPierSide is True, but there is no SideOfPier"),
        (GuidesAtNoRate, "test_properties", "GuideRateDeclination is 0.0"),
        (StartsSlewing, "test_properties", "Slewing at the start is True"),
        (StartsBelowTheHorizon, "test_properties", "Altitude is -"),
        (StartsWithAnOffset, "test_properties", "DeclinationRate at the start is -40.0"),
    ]

    def test_found(self) -> None:
        """None of them passes that part."""
        for driver, part, sentence in self.faults:
            found = found_by(TelescopeConformance, driver, {"longitude": 30.0}, [part])
            self.assertIn(sentence, found.get(part, f"{driver.__name__} passes {part}"))
