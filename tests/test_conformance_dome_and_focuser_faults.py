"""The kits of dome, focuser and safety monitor find planted faults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twisted.internet.task import deferLater
from twisted.trial.unittest import SynchronousTestCase

from drivers.simulators.dome import DomeSimulator
from drivers.simulators.focuser import FocuserSimulator
from drivers.simulators.motion import Motion
from drivers.simulators.safetymonitor import SafetyMonitorSimulator
from pylpaca.errors import InvalidOperation, InvalidValue, InvalidWhileParked, MemberNotImplemented
from pylpaca.testing.conformance import DomeConformance, FocuserConformance, SafetyMonitorConformance
from pylpaca.values import ShutterState
from tests.faults import found_by

Faults = list[tuple[type, Mapping[str, Any], str, str]]  # a driver, its settings, the part that finds it, with its words


class ShutterIsNoSlew(DomeSimulator):
    """Slewing knows nothing of the shutter."""

    def Slewing(self) -> bool:
        return self._azimuth.moving or self._altitude.moving


class SlewsAfterShutter(DomeSimulator):
    """Slewing stays true a second longer than the shutter moves."""

    def Slewing(self) -> bool:
        late = self.clock.seconds() - self._shutter._began < self.settings.shutter_seconds + 1.0
        return super().Slewing() or (late and self._shutter._from != self._shutter._to)


class OpenAtOnce(DomeSimulator):
    """ShutterStatus is Open as soon as it was asked to open."""

    def ShutterStatus(self) -> ShutterState:
        status = super().ShutterStatus()
        return ShutterState.Open if status is ShutterState.Opening else status


class ClosesByOpening(DomeSimulator):
    """ShutterStatus does not tell closing from opening."""

    def ShutterStatus(self) -> ShutterState:
        status = super().ShutterStatus()
        return ShutterState.Opening if status is ShutterState.Closing else status


class ShutterJams(DomeSimulator):
    """Its shutter closes half way."""

    def CloseShutter(self) -> None:
        self._shutter.go(0.5)


class NoShutterNoStatus(DomeSimulator):
    """ShutterStatus is refused by a dome that cannot move its shutter."""

    def CanSetShutter(self) -> bool:
        return False

    def ShutterStatus(self) -> ShutterState:
        raise MemberNotImplemented("ShutterStatus: there is no shutter")


class TooFast(DomeSimulator):
    """It turns faster than anybody can stop it."""

    def connect(self) -> None:
        super().connect()
        self._azimuth = Motion(self.clock, 90.0, self._park_azimuth, circle=360.0)


class TooFastUpwards(DomeSimulator):
    """It moves in altitude faster than anybody can stop it."""

    def connect(self) -> None:
        super().connect()
        self._altitude = Motion(self.clock, 90.0)


class TooSlow(DomeSimulator):
    """It needs more than four minutes for an eighth of a turn."""

    def connect(self) -> None:
        super().connect()
        self._azimuth = Motion(self.clock, 0.1, self._park_azimuth, circle=360.0)


class NoAbort(DomeSimulator):
    """AbortSlew does nothing."""

    def connect(self) -> None:
        super().connect()
        self._azimuth = Motion(self.clock, 2.0, self._park_azimuth, circle=360.0)

    def AbortSlew(self) -> None:
        """It does nothing."""


class SlavedForEver(DomeSimulator):
    """AbortSlew leaves it slaved."""

    slaved = False

    def CanSlave(self) -> bool:
        return True

    def Slaved(self) -> bool:
        return self.slaved

    def SetSlaved(self, Slaved: bool) -> None:
        self.slaved = Slaved


class SlavedWithoutBeingAbleTo(DomeSimulator):
    """It says that it follows the telescope, and that it cannot."""

    def Slaved(self) -> bool:
        return True


class AtRestTooSoon(DomeSimulator):
    """Slewing is false a moment before it has arrived."""

    def Slewing(self) -> bool:
        return abs(self._azimuth._left) > 30.0 or self._altitude.moving or self._shutter.moving


class SlewsForEver(DomeSimulator):
    """Slewing never becomes false after a slew in azimuth."""

    def Slewing(self) -> bool:
        return super().Slewing() or self._azimuth._from != self._azimuth._to


class WaitsForSlew(DomeSimulator):
    """SlewToAzimuth returns when the dome is there."""

    async def SlewToAzimuth(self, Azimuth: float) -> None:  # type: ignore[override]  # the base class need not wait
        super().SlewToAzimuth(Azimuth)
        await deferLater(self.clock, 3.0)


class OffByHomeOffset(DomeSimulator):
    """It ends five degrees beside its target."""

    def SlewToAzimuth(self, Azimuth: float) -> None:
        super().SlewToAzimuth((Azimuth + 5.0) % 360)


class StopsBelowZenith(DomeSimulator):
    """It takes the zenith and ends below it."""

    def SlewToAltitude(self, Altitude: float) -> None:
        super().SlewToAltitude(min(Altitude, 80.0))


class SyncTurns(DomeSimulator):
    """SyncToAzimuth turns the dome."""

    def SyncToAzimuth(self, Azimuth: float) -> None:
        self.SlewToAzimuth(Azimuth)


class HomeNotSeen(DomeSimulator):
    """AtHome is false after FindHome."""

    def AtHome(self) -> bool:
        return False


class OneParkOnly(DomeSimulator):
    """Park is refused when it is parked."""

    def Park(self) -> None:
        if self.AtPark():
            raise InvalidWhileParked("Park: parked already")
        super().Park()


class ParkedForEver(DomeSimulator):
    """AtPark stays true when it has turned away."""

    def AtPark(self) -> bool:
        return True


class NoSlewWhenParked(DomeSimulator):
    """A dome that is parked refuses to turn."""

    def SlewToAzimuth(self, Azimuth: float) -> None:
        if self.AtPark():
            raise InvalidWhileParked("SlewToAzimuth: parked")
        super().SlewToAzimuth(Azimuth)


class HomeForEver(DomeSimulator):
    """AtHome stays true after a slew."""

    def AtHome(self) -> bool:
        return self._goal in ("home", "")


class SetParkForgets(DomeSimulator):
    """SetPark does nothing."""

    def SetPark(self) -> None:
        return None


class ShutterRunsOn(DomeSimulator):
    """AbortSlew leaves the shutter running."""

    def AbortSlew(self) -> None:
        self._goal = ""
        self._azimuth.stop()
        self._altitude.stop()


class StartsBroken(DomeSimulator):
    """ShutterStatus is Error at the start."""

    def ShutterStatus(self) -> ShutterState:
        status = super().ShutterStatus()
        return ShutterState.Error if status is ShutterState.Closed else status


DOME_FAULTS: Faults = [
    (HomeForEver, {}, "test_home_and_park", "AtHome after a slew is True"),
    (SetParkForgets, {}, "test_home_and_park", "after Park, and SetPark was called at"),
    (ShutterRunsOn, {}, "test_abort", "closing took 5 s after AbortSlew"),
    (StartsBroken, {}, "test_properties", "ShutterStatus is Error at the start"),
    (ShutterIsNoSlew, {}, "test_shutter", "Slewing just after OpenShutter is False"),
    (SlewsAfterShutter, {}, "test_shutter", "Slewing at the end of OpenShutter is True"),
    (OpenAtOnce, {}, "test_shutter", "ShutterStatus just after OpenShutter is <ShutterState.Open"),
    (ClosesByOpening, {}, "test_shutter", "ShutterStatus just after CloseShutter is <ShutterState.Opening"),
    (ShutterJams, {}, "test_shutter", "ShutterStatus is still <ShutterState.Open"),
    (NoShutterNoStatus, {}, "test_properties", "ShutterStatus: there is no shutter"),
    (TooFast, {}, "test_abort", "Slewing 3 s after SlewToAzimuth 225.0 is False"),
    (TooFastUpwards, {}, "test_abort", "Slewing 1 s after SlewToAltitude 80.0 is False"),
    (TooSlow, {}, "test_slew_to_azimuth", "Slewing after SlewToAzimuth (0.0,) is still True after 240 s"),
    (NoAbort, {}, "test_abort", "Slewing after AbortSlew is still True after 30 s"),
    (SlavedForEver, {}, "test_slaved", "Slaved after AbortSlew is True"),
    (SlavedWithoutBeingAbleTo, {}, "test_slaved", "Slaved at the start is True"),
    (AtRestTooSoon, {}, "test_slew_to_azimuth", "Azimuth is"),
    (SlewsForEver, {}, "test_slew_to_azimuth", "Slewing after SlewToAzimuth (0.0,) is still True"),
    (WaitsForSlew, {}, "test_slew_to_azimuth", "SlewToAzimuth took 3.0 s to return"),
    (OffByHomeOffset, {}, "test_slew_to_azimuth", "Azimuth is 5.0 after a slew to 0"),
    (StopsBelowZenith, {}, "test_slew_to_altitude", "Altitude is 80.0 after a slew to 90"),
    (SyncTurns, {}, "test_sync", "Azimuth is 180.0 after a sync to 225.0"),
    (HomeNotSeen, {}, "test_home_and_park", "AtHome after FindHome is False"),
    (OneParkOnly, {}, "test_home_and_park", "Park: parked already"),
    (ParkedForEver, {}, "test_home_and_park", "AtPark after a slew is True"),
    (NoSlewWhenParked, {}, "test_home_and_park", "SlewToAzimuth: parked"),
]


class ThereTooSoon(FocuserSimulator):
    """IsMoving is false a moment before it has arrived."""

    def IsMoving(self) -> bool:
        return abs(self._tube._left) > 3000


class StartsLate(FocuserSimulator):
    """It starts a second after Move has returned."""

    def Move(self, Position: int) -> None:
        self.clock.callLater(1.0, super().Move, Position)


class WaitsForMove(FocuserSimulator):
    """Move returns when it is there."""

    async def Move(self, Position: int) -> None:  # type: ignore[override]  # the base class need not wait
        super().Move(Position)
        await deferLater(self.clock, 3.0)


class Creeps(FocuserSimulator):
    """It needs more than a minute for a tenth of its way."""

    def connect(self) -> None:
        super().connect()
        self._tube = Motion(self.clock, 50.0, self.settings.start)


class Backlash(FocuserSimulator):
    """It ends 20 steps short of a target inwards."""

    def Move(self, Position: int) -> None:
        super().Move(Position + 20 if Position < self.Position() else Position)


class ShortMoves(FocuserSimulator):
    """It goes MaxIncrement at most, also when it was asked to go further."""

    def MaxIncrement(self) -> int:
        return 10_000

    def Move(self, Position: int) -> None:
        super().Move(min(max(Position, self.Position() - 10_000), self.Position() + 10_000))


class StopsBefore(FocuserSimulator):
    """It does not go the last 100 steps."""

    def Move(self, Position: int) -> None:
        super().Move(min(Position, self.settings.max_step - 100))


class NoStops(FocuserSimulator):
    """It refuses to move to a stop."""

    def Move(self, Position: int) -> None:
        if not 0 < Position < self.settings.max_step:
            raise InvalidValue(f"Move {Position}: too far")
        super().Move(Position)


class NoMoveWhileCompensating(FocuserSimulator):
    """It refuses to move while it compensates, as focusers of old did."""

    def Move(self, Position: int) -> None:
        if self.TempComp():
            raise InvalidOperation("Move: turn TempComp off first")
        super().Move(Position)


class CompensationIsMotion(FocuserSimulator):
    """IsMoving is true as long as it compensates."""

    def IsMoving(self) -> bool:
        return super().IsMoving() or self.TempComp()


class CompensatesForEver(FocuserSimulator):
    """TempComp cannot be turned off."""

    def SetTempComp(self, TempComp: bool) -> None:
        super().SetTempComp(True)


class CompensatesUnavailably(FocuserSimulator):
    """It compensates, and says that it cannot."""

    def TempCompAvailable(self) -> bool:
        return False

    def TempComp(self) -> bool:
        return True


class NoHalt(FocuserSimulator):
    """Halt does nothing."""

    def connect(self) -> None:
        super().connect()
        self._tube = Motion(self.clock, 1000.0, self.settings.start)

    def Halt(self) -> None:
        """It does nothing."""


class HaltRefusedAtRest(FocuserSimulator):
    """Halt is refused when it does not move."""

    def Halt(self) -> None:
        if not self.IsMoving():
            raise InvalidOperation("Halt: nothing moves")
        super().Halt()


class LongIncrement(FocuserSimulator):
    """It can go further in one move than there is to go."""

    def MaxIncrement(self) -> int:
        return self.settings.max_step + 1


class NoStepSize(FocuserSimulator):
    """Its steps are of no length."""

    def StepSize(self) -> float:
        return 0.0


class Kelvin(FocuserSimulator):
    """Its thermometer counts from absolute zero."""

    def Temperature(self) -> float:
        return super().Temperature() + 273.15


class OffTheScale(FocuserSimulator):
    """It is further out than it can go."""

    def Position(self) -> int:
        return self.settings.max_step + 100


class BusyAtStart(FocuserSimulator):
    """It looks for its inner stop when it is connected."""

    def connect(self) -> None:
        super().connect()
        self._tube.go(0)


class RelativeCreep(FocuserSimulator):
    """A relative focuser that never ends a move outwards."""

    def IsMoving(self) -> bool:
        return super().IsMoving() or self._tube._to > self.settings.start


RELATIVE = {"absolute": False}

FOCUSER_FAULTS: Faults = [
    (ThereTooSoon, {}, "test_moves", "Position is 27500 after a move to 30000"),
    (StartsLate, {}, "test_moves", "Position is 25000 after a move to 30000"),
    (WaitsForMove, {}, "test_moves", "Move took 3.0 s to return"),
    (Creeps, {}, "test_moves", "IsMoving after Move 30000 is still True after 60 s"),
    (Backlash, {}, "test_moves", "Position is 25020 after a move to 25000"),
    (ShortMoves, {}, "test_stops", "Position is 15000 after a move to 0"),
    (StopsBefore, {}, "test_stops", "Position is 49900 after a move to 50000"),
    (NoStops, {}, "test_stops", "Move 0: too far"),
    (NoMoveWhileCompensating, {}, "test_move_while_compensating", "Move: turn TempComp off first"),
    (CompensationIsMotion, {}, "test_move_while_compensating", "IsMoving after Move 25000 is still True"),
    (CompensatesForEver, {}, "test_temperature_compensation", "TempComp after it was turned off is True"),
    (CompensatesUnavailably, {}, "test_temperature_compensation", "TempComp after it was turned off is True"),
    (NoHalt, {}, "test_halt", "IsMoving after Halt is still True"),
    (NoHalt, RELATIVE, "test_halt", "IsMoving after Halt is still True"),
    (HaltRefusedAtRest, {}, "test_halt", "Halt: nothing moves"),
    (LongIncrement, {}, "test_properties", "MaxIncrement is 50001, MaxStep 50000"),
    (NoStepSize, {}, "test_properties", "StepSize is 0.0"),
    (Kelvin, {}, "test_properties", "Temperature is 283.15"),
    (OffTheScale, {}, "test_properties", "Position 50100 is not in 0..50000"),
    (BusyAtStart, {}, "test_properties", "IsMoving at the start is True"),
    (RelativeCreep, RELATIVE, "test_moves", "IsMoving after Move 5000 is still True"),
    (WaitsForMove, RELATIVE, "test_moves", "Move took 3.0 s to return"),
]


class NoReadingYet(SafetyMonitorSimulator):
    """It has no answer until its sensor has one."""

    def IsSafe(self) -> bool:
        raise InvalidOperation("IsSafe: the sensor has not spoken yet")


class RawReading(SafetyMonitorSimulator):
    """It answers with what its sensor says."""

    def IsSafe(self) -> bool:
        return 1  # type: ignore[return-value]  # the fault


SAFETY_FAULTS: Faults = [
    (NoReadingYet, {}, "test_is_safe", "IsSafe: the sensor has not spoken yet"),
    (RawReading, {}, "test_is_safe", "IsSafe gave 1, which is not true or false"),
]


class FaultTests(SynchronousTestCase):
    def check_found(self, kit: Any, faults: Faults) -> None:
        for driver, settings, part, words in faults:
            found = found_by(kit, driver, settings, [part])
            self.assertIn(words, found.get(part, "nothing was found"), driver.__name__)

    def test_domes(self) -> None:
        """Every planted fault of a dome is found by the part that is about it, in words that name the member."""
        self.check_found(DomeConformance, DOME_FAULTS)

    def test_focusers(self) -> None:
        """So is every one of a focuser."""
        self.check_found(FocuserConformance, FOCUSER_FAULTS)

    def test_safety_monitors(self) -> None:
        """So is every one of a safety monitor."""
        self.check_found(SafetyMonitorConformance, SAFETY_FAULTS)
