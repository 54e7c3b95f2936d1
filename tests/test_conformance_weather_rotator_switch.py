"""The simulated weather station, rotator and switches pass the conformance kit, and those with a planted fault do not."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from twisted.internet.task import deferLater
from twisted.trial.unittest import SynchronousTestCase

from drivers.simulators.motion import Motion
from drivers.simulators.observingconditions import ObservingConditionsSimulator, Weather
from drivers.simulators.rotator import RotatorSimulator
from drivers.simulators.switch import SUPPLY, Change, SwitchSimulator
from pylpaca.device import ObservingConditions, Rotator, Switch
from pylpaca.errors import DriverError, InvalidOperation, InvalidValue, MemberNotImplemented
from pylpaca.interfaces.observingconditions import SENSORS
from pylpaca.testing.conformance.observingconditions import RANGES, ObservingConditionsConformance
from pylpaca.testing.conformance.program import Conformance
from pylpaca.testing.conformance.rotator import RotatorConformance
from pylpaca.testing.conformance.switch import SwitchConformance
from pylpaca.values import StateItem
from tests.faults import found_by

Faults = list[tuple[type, Mapping[str, Any], str, str]]  # a driver, its settings, the part that finds it, with its words


class FaultyTestCase(SynchronousTestCase):
    def finds(self, kit: type[Conformance], faults: Faults) -> None:
        for driver, settings, part, words in faults:
            found = found_by(kit, driver, settings, [part])
            self.assertIn(words, found.get(part, "nothing was found"), driver.__name__)


# ---- weather station ----------------------------------------------------------------------------------------------


class WeatherTests(ObservingConditionsConformance, SynchronousTestCase):
    driver = ObservingConditionsSimulator

    def test_all_sensors(self) -> None:
        """The kit looks at every sensor that there can be."""
        self.assertEqual(tuple(RANGES), SENSORS)


class FewSensorsTests(ObservingConditionsConformance, SynchronousTestCase):
    driver = ObservingConditionsSimulator
    settings = {"sensors": ["Temperature", "WindDirection", "WindSpeed"], "read_every": 60}  # noqa: RUF012


class Thermometer(ObservingConditions):
    """It has one sensor, and nothing else was written for it."""

    def Temperature(self) -> float:
        return -3.5


class ThermometerTests(ObservingConditionsConformance, SynchronousTestCase):
    driver = Thermometer


class WarmsUp(ObservingConditionsSimulator):
    """It has values four seconds after it was connected."""

    warm_up = 4.0

    def connect(self) -> None:
        super().connect()
        self._connected_at = self.clock.seconds()

    def _reading(self, sensor: str) -> Weather:
        reading = super()._reading(sensor)
        if self.clock.seconds() - self._connected_at < self.warm_up:
            raise InvalidOperation(f"{sensor} is not ready")
        return reading


class WarmsUpTests(ObservingConditionsConformance, SynchronousTestCase):
    driver = WarmsUp


class Calm(ObservingConditionsSimulator):
    """There is no wind."""

    def WindDirection(self) -> float:
        return 0.0

    def WindSpeed(self) -> float:
        return 0.0


class CalmTests(ObservingConditionsConformance, SynchronousTestCase):
    driver = Calm


class Pascals(ObservingConditionsSimulator):
    """Pressure is in Pa."""

    def Pressure(self) -> float:
        return 100 * super().Pressure()


class Fails(ObservingConditionsSimulator):
    """A sensor that is there cannot be read."""

    def RainRate(self) -> float:
        raise DriverError("the gauge does not answer")


class DryAir(ObservingConditionsSimulator):
    """It has DewPoint and no Humidity."""

    def _look_for(self, sensor: str) -> None:
        super()._look_for(sensor)
        if sensor == "Humidity":
            raise MemberNotImplemented


class DescribesAll(ObservingConditionsSimulator):
    """It describes sensors that it does not have."""

    def SensorDescription(self, SensorName: str) -> str:
        return "a sensor"


class NoAge(ObservingConditionsSimulator):
    """A sensor that is there has no age."""

    def TimeSinceLastUpdate(self, SensorName: str) -> float:
        if SensorName == "WindGust":
            raise MemberNotImplemented
        return super().TimeSinceLastUpdate(SensorName)

    def WindGust(self) -> float:
        return 7.0


class NeverUpdated(ObservingConditionsSimulator):
    """It says that its values were never updated."""

    def TimeSinceLastUpdate(self, SensorName: str) -> float:
        return -1.0


class NegativeAge(ObservingConditionsSimulator):
    """Its ages count down."""

    def TimeSinceLastUpdate(self, SensorName: str) -> float:
        return super().TimeSinceLastUpdate(SensorName) - 5.0


class Milliseconds(ObservingConditionsSimulator):
    """Ages are in milliseconds."""

    def TimeSinceLastUpdate(self, SensorName: str) -> float:
        return 1000 * super().TimeSinceLastUpdate(SensorName)


class AgeStandsStill(ObservingConditionsSimulator):
    """Ages are how often the sensors are read."""

    def TimeSinceLastUpdate(self, SensorName: str) -> float:
        return 7.0


class OldestOfAll(ObservingConditionsSimulator):
    """Without a name it gives the age of a sensor that it does not tell of."""

    def TimeSinceLastUpdate(self, SensorName: str) -> float:
        return super().TimeSinceLastUpdate(SensorName) if SensorName else 100.0 + self.clock.seconds()


class NeverAny(ObservingConditionsSimulator):
    """Without a name it says that there was no update yet."""

    def TimeSinceLastUpdate(self, SensorName: str) -> float:
        return super().TimeSinceLastUpdate(SensorName) if SensorName else -1.0


class NoLatest(ObservingConditionsSimulator):
    """An age is given by name only."""

    def TimeSinceLastUpdate(self, SensorName: str) -> float:
        if not SensorName:
            raise MemberNotImplemented
        return super().TimeSinceLastUpdate(SensorName)


class DescribesLate(ObservingConditionsSimulator):
    """Descriptions are there three seconds after it was connected."""

    def SensorDescription(self, SensorName: str) -> str:
        if self.clock.seconds() < self._first_reading + 3.0:
            raise InvalidOperation
        return super().SensorDescription(SensorName)


class OneSpelling(ObservingConditionsSimulator):
    """It describes itself, not the sensor that is asked for, every second time."""

    asked = 0

    def SensorDescription(self, SensorName: str) -> str:
        self.asked += 1
        return super().SensorDescription(SensorName) if self.asked % 2 else "a weather station"


class WarmsUpTooLong(WarmsUp):
    """It has values ten seconds after it was connected."""

    warm_up = 10.0


class RefreshesNothing(ObservingConditionsSimulator):
    """Refresh does nothing."""

    def Refresh(self) -> None:
        """It does nothing."""


class PeriodNotKept(ObservingConditionsSimulator):
    """AveragePeriod is taken and forgotten."""

    def SetAveragePeriod(self, AveragePeriod: float) -> None:
        """It is forgotten."""


class PeriodInMinutes(ObservingConditionsSimulator):
    """AveragePeriod is read in minutes."""

    def AveragePeriod(self) -> float:
        return 60 * super().AveragePeriod()


class NoInstant(ObservingConditionsSimulator):
    """It always averages."""

    def connect(self) -> None:
        super().connect()
        self._average = 0.1

    def SetAveragePeriod(self, AveragePeriod: float) -> None:
        if not AveragePeriod:
            raise InvalidValue("it always averages")
        super().SetAveragePeriod(AveragePeriod)


class RefusedAndTaken(ObservingConditionsSimulator):
    """It refuses an AveragePeriod that it then has."""

    def SetAveragePeriod(self, AveragePeriod: float) -> None:
        super().SetAveragePeriod(AveragePeriod)
        if AveragePeriod > 1.0:
            raise InvalidValue("it is too long")


class AveragesToTheWest(ObservingConditionsSimulator):
    """The mean direction is from -180 to 180 degrees."""

    def WindDirection(self) -> float:
        direction = super().WindDirection()
        return direction - 360 if self._average and direction > 180 else direction


class VaneInCalm(ObservingConditionsSimulator):
    """The wind has a direction when there is none."""

    def WindSpeed(self) -> float:
        return 0.0


class NorthIsNothing(ObservingConditionsSimulator):
    """Wind from the north comes from 0."""

    def WindDirection(self) -> float:
        return 0.0


class OldWeather(ObservingConditionsSimulator):
    """DeviceState has other values than the members."""

    def DeviceState(self) -> list[StateItem]:
        return [*(StateItem(name, 0.5) for name in SENSORS), StateItem("TimeStamp", self._time_stamp())]


WEATHER_FAULTS: Faults = [
    (Pascals, {}, "test_sensors", "Pressure is 9"),
    (Fails, {}, "test_sensors", "RainRate fails with 0x500 (the gauge does not answer)"),
    (DryAir, {}, "test_dew_point_and_humidity", "come together: Humidity is missing"),
    (DescribesAll, {"sensors": ["Temperature"]}, "test_sensors", "CloudCover is implemented in part: of value,"),
    (NoAge, {}, "test_sensors", "WindGust is implemented in part: of value,"),
    (NeverUpdated, {}, "test_sensors", "TimeSinceLastUpdate of CloudCover is -1, although it has a value"),
    (NegativeAge, {}, "test_sensors", "TimeSinceLastUpdate of CloudCover is -5.0"),
    (WarmsUpTooLong, {}, "test_sensors", "CloudCover is refused with 0x40B for 5 s"),
    (DescribesLate, {}, "test_sensors", "SensorDescription of CloudCover is refused with 0x40B;"),
    (OneSpelling, {}, "test_sensor_names", "SensorDescription of cloudcover is 'a weather station'"),
    (Milliseconds, {}, "test_ages", "TimeSinceLastUpdate of all was 0 s, and 3.0 s later it is 3000 s"),
    (AgeStandsStill, {}, "test_ages", "TimeSinceLastUpdate of all was 7 s, and 3.0 s later it is 7 s"),
    (OldestOfAll, {}, "test_ages", "TimeSinceLastUpdate of all is 103 s, and that of CloudCover 3 s"),
    (NeverAny, {}, "test_ages", "TimeSinceLastUpdate of all is -1 s, and that of CloudCover 3 s"),
    (NoLatest, {}, "test_ages", "TimeSinceLastUpdate without a name is not implemented"),
    (RefreshesNothing, {"read_every": 600}, "test_refresh", "after Refresh: nothing was read"),
    (PeriodNotKept, {}, "test_average_period", "AveragePeriod is 0 after it was set to 5, not 5"),
    (PeriodInMinutes, {}, "test_average_period", "AveragePeriod is 300 after it was set to 5, not 5"),
    (NoInstant, {}, "test_average_period", "AveragePeriod 0 is refused (it always averages)"),
    (RefusedAndTaken, {}, "test_average_period", "AveragePeriod is 5 after 5 was refused, not 0"),
    (AveragesToTheWest, {}, "test_average_period", "WindDirection is -"),
    (VaneInCalm, {}, "test_wind", "while WindSpeed is 0; it has to be 0 then"),
    (NorthIsNothing, {}, "test_wind", "WindDirection is 0 while WindSpeed is"),
    (OldWeather, {}, "test_device_state", "DeviceState has 0.5 for CloudCover"),
]


class FaultyWeatherTests(FaultyTestCase):
    def test_found(self) -> None:
        """Every planted fault is found by the part that is about it, in words that name the member."""
        self.finds(ObservingConditionsConformance, WEATHER_FAULTS)


# ---- rotator ------------------------------------------------------------------------------------------------------


class RotatorTests(RotatorConformance, SynchronousTestCase):
    driver = RotatorSimulator


class SlowRotatorTests(RotatorConformance, SynchronousTestCase):
    driver = RotatorSimulator
    settings = {"rate": 6, "start": 359.99, "step_size": 1}  # noqa: RUF012


class FastRotatorTests(RotatorConformance, SynchronousTestCase):
    driver = RotatorSimulator
    settings = {"rate": 90, "start": 180}  # noqa: RUF012


class AtOnce(Rotator):
    """A rotator with nothing but what it must have, there as soon as it was asked."""

    def connect(self) -> None:
        self._at, self._reversed = 10.0, False

    def CanReverse(self) -> bool:
        return True

    def IsMoving(self) -> bool:
        return False

    def MechanicalPosition(self) -> float:
        return self._at

    def Reverse(self) -> bool:
        return self._reversed

    def SetReverse(self, Reverse: bool) -> None:
        self._reversed = Reverse

    def MoveMechanical(self, Position: float) -> None:
        self._at = Position


class AtOnceTests(RotatorConformance, SynchronousTestCase):
    driver = AtOnce


class Stubborn(RotatorSimulator):
    """A rotator that refuses another move while it is moving."""

    def MoveMechanical(self, Position: float) -> None:
        if self.IsMoving():
            raise InvalidOperation("it is moving")
        super().MoveMechanical(Position)


class StubbornTests(RotatorConformance, SynchronousTestCase):
    driver = Stubborn


class MovesWhenConnected(RotatorSimulator):
    """It turns to a place of its own when it is connected."""

    def connect(self) -> None:
        super().connect()
        self._ring.go(20.0)


class TargetIsZero(RotatorSimulator):
    """TargetPosition is 0 until there was a move."""

    def TargetPosition(self) -> float:
        return self._target or 0.0


class HugeSteps(RotatorSimulator):
    """StepSize is more than a turn."""

    def StepSize(self) -> float:
        return 400.0


class CannotReverse(RotatorSimulator):
    """It cannot be reversed."""

    def CanReverse(self) -> bool:
        return False


class RefusesReverse(RotatorSimulator):
    """It says that it can be reversed, and refuses to be."""

    def SetReverse(self, Reverse: bool) -> None:
        raise MemberNotImplemented("there is no reverse gear")


class ForgetsReverse(RotatorSimulator):
    """Reverse is taken and forgotten."""

    def SetReverse(self, Reverse: bool) -> None:
        """It is forgotten."""


class ReverseMirrors(RotatorSimulator):
    """Reversed, it goes to the opposite of where it is sent, counted as ever."""

    def MoveMechanical(self, Position: float) -> None:
        super().MoveMechanical(-Position % 360 if self._reversed else Position)


class ReverseTurns(RotatorSimulator):
    """It turns when it is reversed."""

    def SetReverse(self, Reverse: bool) -> None:
        super().SetReverse(Reverse)
        self.MoveMechanical((self.MechanicalPosition() + 180) % 360)


class StartsLate(RotatorSimulator):
    """It starts half a second after the call has returned."""

    def MoveMechanical(self, Position: float) -> None:
        self.clock.callLater(0.5, super().MoveMechanical, Position)


class WaitsForMove(RotatorSimulator):
    """The call returns when the move has ended."""

    async def MoveMechanical(self, Position: float) -> None:  # type: ignore[override]  # the base class need not wait
        super().MoveMechanical(Position)
        await deferLater(self.clock, 3.0)


class TooSlow(RotatorSimulator):
    """It turns a degree in a second."""

    def connect(self) -> None:
        super().connect()
        self._ring = Motion(self.clock, 1.0, self.settings.start, circle=360.0)


class DoneTooSoon(RotatorSimulator):
    """IsMoving is false before it has arrived."""

    def IsMoving(self) -> bool:
        return abs(self._ring._left) > 6.0


class NeverDone(RotatorSimulator):
    """IsMoving stays true after the first move."""

    moved = False

    def IsMoving(self) -> bool:
        self.moved = self.moved or self._ring.moving
        return self.moved


class StopsShort(RotatorSimulator):
    """It stops five degrees before the target."""

    def MoveMechanical(self, Position: float) -> None:
        super().MoveMechanical((Position - 5) % 360)


class TurnsTheOtherWay(RotatorSimulator):
    """Move counts its angle in the wrong sense."""

    def Move(self, Position: float) -> Any:
        return super().Move(-Position)


class StopsAtNorth(RotatorSimulator):
    """Move does not go past 0."""

    def Move(self, Position: float) -> Any:
        return self.MoveAbsolute(min(max(self.MechanicalPosition() + self._offset + Position, 0.0), 359.0))


class TargetWhenThere(RotatorSimulator):
    """TargetPosition is where it is."""

    def TargetPosition(self) -> Any:
        return self.Position()


class TargetOfItsOwn(RotatorSimulator):
    """TargetPosition is in its own frame."""

    def TargetPosition(self) -> float:
        return self._goal


class TargetOfLastLink(RotatorSimulator):
    """TargetPosition is that of the last move, even if that was given up with the link."""

    goal: float | None = None

    def MoveMechanical(self, Position: float) -> None:
        super().MoveMechanical(Position)
        self.goal = Position

    def TargetPosition(self) -> Any:
        return self.Position() if self.goal is None else self.goal


class LostOnNewLink(RotatorSimulator):
    """When the link was closed during a move, it takes itself to be moving for ever."""

    lost = False

    def disconnect(self) -> None:
        self.lost = self._ring.moving

    def IsMoving(self) -> bool:
        return self.lost or super().IsMoving()


class SyncMovesIt(RotatorSimulator):
    """Sync changes its own frame."""

    def Sync(self, Position: float) -> None:
        self._ring.put(Position)
        self._goal = Position


class SyncForgotten(RotatorSimulator):
    """Sync does nothing."""

    def Sync(self, Position: float) -> None:
        """It does nothing."""


class SyncTurns(RotatorSimulator):
    """Sync turns it."""

    def Sync(self, Position: float) -> Any:
        synced = super().Sync(Position)
        self._ring.go((self._goal + 5) % 360)
        return synced


class SyncForShowOnly(RotatorSimulator):
    """Position knows of the sync, and moves do not."""

    def MoveAbsolute(self, Position: float) -> None:
        self.MoveMechanical(Position)
        self._target = Position


class SyncLostByMove(RotatorSimulator):
    """MoveAbsolute makes the frames one again."""

    def MoveAbsolute(self, Position: float) -> Any:
        self._offset = 0.0
        return super().MoveAbsolute(Position)


class SyncRounded(RotatorSimulator):
    """It is a little behind what it was synced to."""

    def Sync(self, Position: float) -> Any:
        return super().Sync((Position - 0.01) % 360)


class DoesNotHalt(RotatorSimulator):
    """Halt does nothing."""

    def Halt(self) -> None:
        """It does nothing."""


class HaltsInWords(RotatorSimulator):
    """After Halt IsMoving is false, and it moves on."""

    halted_at = -math.inf

    def Halt(self) -> None:
        if super().IsMoving():
            self.halted_at = self.clock.seconds()

    def IsMoving(self) -> bool:
        return super().IsMoving() and self.clock.seconds() > self.halted_at + 5.0


class DeafOnTheWay(RotatorSimulator):
    """While it is moving it takes another move, and does nothing about it."""

    def MoveMechanical(self, Position: float) -> None:
        if not self.IsMoving():
            super().MoveMechanical(Position)


class OldRotatorState(RotatorSimulator):
    """DeviceState always has what it had at the start."""

    def DeviceState(self) -> list[StateItem]:
        return [StateItem("IsMoving", False), StateItem("MechanicalPosition", 0.0), StateItem("Position", 0.0)]


class OldPositionState(RotatorSimulator):
    """DeviceState has the position at the start."""

    def DeviceState(self) -> list[StateItem]:
        moving = self.IsMoving()
        return [StateItem("IsMoving", moving), StateItem("MechanicalPosition", 0.0), StateItem("Position", 0.0)]


ROTATOR_FAULTS: Faults = [
    (MovesWhenConnected, {}, "test_properties", "IsMoving at the start is True"),
    (TargetIsZero, {"start": 40}, "test_properties", "TargetPosition is 0 at the start, not 40"),
    (HugeSteps, {}, "test_properties", "StepSize is 400"),
    (CannotReverse, {}, "test_reverse", "CanReverse is False, which the official checker always takes for a fault"),
    (RefusesReverse, {}, "test_reverse", "there is no reverse gear, when asked for SetReverse(True,)"),
    (ForgetsReverse, {}, "test_reverse", "Reverse after it was set is False, not True"),
    (ReverseMirrors, {"start": 40}, "test_reverse", "Position is 10 when MoveAbsolute 350 has ended"),
    (ReverseTurns, {}, "test_reverse", "IsMoving after Reverse was set is True"),
    (StartsLate, {}, "test_move_absolute", "Position is 0 when MoveAbsolute 45 has ended, not 45"),
    (WaitsForMove, {}, "test_move_absolute", "MoveAbsolute 45 took 3.0 s to return"),
    (TooSlow, {}, "test_move_absolute", "IsMoving is still True 60 s after MoveAbsolute 135"),
    (DoneTooSoon, {}, "test_move_absolute", "Position is 40 when MoveAbsolute 45 has ended, not 45"),
    (NeverDone, {}, "test_move_absolute", "IsMoving is still True 60 s after MoveAbsolute 45"),
    (StopsShort, {}, "test_move_mechanical", "MechanicalPosition is 40 when MoveMechanical 45 has ended, not 45"),
    (TurnsTheOtherWay, {"start": 90}, "test_move", "TargetPosition is 80 just after Move 10, not 100"),
    (StopsAtNorth, {}, "test_move", "TargetPosition is 0 just after Move -10, not 355"),
    (TargetWhenThere, {}, "test_move_absolute", "TargetPosition is 0 just after MoveAbsolute 45, not 45"),
    (TargetOfItsOwn, {}, "test_move_mechanical", "TargetPosition is 45 just after MoveMechanical 45, not 75"),
    (TargetOfLastLink, {}, "test_new_link", "TargetPosition is 90 on a new link, not 0"),
    (LostOnNewLink, {}, "test_new_link", "IsMoving on a new link is still True after 60 s"),
    (SyncMovesIt, {}, "test_sync", "MechanicalPosition is 120 after Sync 120, and was 90"),
    (SyncForgotten, {}, "test_sync", "Position is 90.0 after Sync 120"),
    (SyncTurns, {}, "test_sync", "IsMoving after Sync 90 is True"),
    (SyncForShowOnly, {}, "test_sync", "Position is 30 when MoveAbsolute 60 has ended, not 60"),
    (SyncLostByMove, {}, "test_sync", "MechanicalPosition is 60 at 60, synced 30 behind, not 90"),
    (SyncRounded, {}, "test_sync", "Position is 89.99 after Sync 90"),
    (DoesNotHalt, {}, "test_halt", "IsMoving just after Halt is True"),
    (HaltsInWords, {}, "test_halt", "Position goes from 5 to 15 after Halt"),
    (DeafOnTheWay, {}, "test_another_on_the_way", "Position is 150 when another MoveAbsolute on the way has ended, not 60"),
    (OldRotatorState, {}, "test_move_absolute", "IsMoving in DeviceState during MoveAbsolute 45 is False"),
    (OldPositionState, {}, "test_move_absolute", "DeviceState has 0 for Position when MoveAbsolute 45 has ended, not 45"),
]


class FaultyRotatorTests(FaultyTestCase):
    def test_found(self) -> None:
        """Every planted fault is found by the part that is about it, in words that name the member."""
        self.finds(RotatorConformance, ROTATOR_FAULTS)


# ---- switches -----------------------------------------------------------------------------------------------------


class SwitchTests(SwitchConformance, SynchronousTestCase):
    driver = SwitchSimulator


class QuickSwitchTests(SwitchConformance, SynchronousTestCase):
    driver = SwitchSimulator
    settings = {"change_seconds": 0.5}  # noqa: RUF012


class SlowSwitchTests(SwitchConformance, SynchronousTestCase):
    driver = SwitchSimulator
    settings = {"change_seconds": 8}  # noqa: RUF012


class TwoGauges(Switch):
    """It can only be read; one goes below zero."""

    def MaxSwitch(self) -> int:
        return 2

    def GetSwitchName(self, Id: int) -> str:
        return ("Inside", "Outside")[Id]

    def GetSwitchValue(self, Id: int) -> float:
        return (0.5, -20.0)[Id]

    def MinSwitchValue(self, Id: int) -> float:
        return (0.0, -40.0)[Id]


class TwoGaugesTests(SwitchConformance, SynchronousTestCase):
    driver = TwoGauges


class TakesEffectLater(SwitchSimulator):
    """What is set can be read two seconds later."""

    def SetSwitchValue(self, Id: int, Value: float) -> None:
        self.clock.callLater(2.0, super().SetSwitchValue, Id, Value)


class TakesEffectLaterTests(SwitchConformance, SynchronousTestCase):
    driver = TakesEffectLater


class Fine(SwitchSimulator):
    """A dimmer with steps that no binary number is, from 1 to 2."""

    def MinSwitchValue(self, Id: int) -> float:
        return 1.0 if Id == 0 else 0.0

    def MaxSwitchValue(self, Id: int) -> float:
        return 2.0 if Id == 0 else super().MaxSwitchValue(Id)

    def SwitchStep(self, Id: int) -> float:
        return 0.1 if Id == 0 else super().SwitchStep(Id)

    def GetSwitchValue(self, Id: int) -> float:
        return self._values[0] or 1.0 if Id == 0 else super().GetSwitchValue(Id)

    def SetSwitchValue(self, Id: int, Value: float) -> None:
        super().SetSwitchValue(Id, Value)
        if Id == 0:
            self._values[0] = self.tenth(Value)

    def tenth(self, value: float) -> float:
        return round(value / 0.1) * 0.1


class FineTests(SwitchConformance, SynchronousTestCase):
    driver = Fine


class UnknownAtFirst(SwitchSimulator):
    """A switch without feedback: its value is not known before it was set."""

    def connect(self) -> None:
        super().connect()
        self._known: set[int] = set()

    def GetSwitchValue(self, Id: int) -> float:
        if Id == 0 and not self._known:
            raise InvalidOperation("it was not set yet")
        return super().GetSwitchValue(Id)

    def SetSwitchValue(self, Id: int, Value: float) -> None:
        self._known.add(Id)
        super().SetSwitchValue(Id, Value)


class UnknownAtFirstTests(SwitchConformance, SynchronousTestCase):
    driver = UnknownAtFirst


class NoSwitches(SwitchSimulator):
    """There are none."""

    def MaxSwitch(self) -> int:
        return 0


class Nameless(SwitchSimulator):
    """One of them has no name."""

    def GetSwitchName(self, Id: int) -> str:
        return super().GetSwitchName(Id) if Id else " "


class Inverted(SwitchSimulator):
    """GetSwitch is true for what is off."""

    def GetSwitch(self, Id: int) -> bool:
        return self.GetSwitchValue(Id) == 0


class OffScale(SwitchSimulator):
    """A gauge shows more than its highest value."""

    def GetSwitchValue(self, Id: int) -> float:
        return 2 * super().GetSwitchValue(Id)


class SlowGauge(SwitchSimulator):
    """A gauge that can only be read can be set asynchronously."""

    def CanAsync(self, Id: int) -> bool:
        return Id == SUPPLY or super().CanAsync(Id)


class BelowZero(SwitchSimulator):
    """A dimmer goes below zero."""

    def MinSwitchValue(self, Id: int) -> float:
        return -5.0 if Id == 1 else 0.0


class NoRange(SwitchSimulator):
    """A dimmer has one value."""

    def MinSwitchValue(self, Id: int) -> float:
        return self.MaxSwitchValue(Id) if Id == 1 else 0.0


class UnevenSteps(SwitchSimulator):
    """Its range is no whole number of steps."""

    def SwitchStep(self, Id: int) -> float:
        return 0.3 if Id == 0 else super().SwitchStep(Id)


class NoSteps(SwitchSimulator):
    """Its steps are nothing."""

    def SwitchStep(self, Id: int) -> float:
        return 0.0


class NamesForgotten(SwitchSimulator):
    """A new name is taken and forgotten."""

    def SetSwitchName(self, Id: int, Name: str) -> None:
        """It is forgotten."""


class OneName(SwitchSimulator):
    """A new name is that of the first."""

    def SetSwitchName(self, Id: int, Name: str) -> None:
        super().SetSwitchName(0, Name)


class WritableInWords(SwitchSimulator):
    """It says that a gauge can be set, and refuses it."""

    def CanWrite(self, Id: int) -> bool:
        return True

    def SetSwitchValue(self, Id: int, Value: float) -> None:
        if Id == SUPPLY:
            raise MemberNotImplemented("it can only be read")
        super().SetSwitchValue(Id, Value)


class AsynchronousInWords(SwitchSimulator):
    """It says that all that can be set can be set asynchronously, and refuses it."""

    def CanAsync(self, Id: int) -> bool:
        return self.CanWrite(Id)

    def SetAsyncValue(self, Id: int, Value: float) -> None:
        if not super().CanAsync(Id):
            raise MemberNotImplemented("it is set at once")
        super().SetAsyncValue(Id, Value)


class Sluggish(SwitchSimulator):
    """What is set can be read five seconds later."""

    def SetSwitchValue(self, Id: int, Value: float) -> None:
        self.clock.callLater(5.0, super().SetSwitchValue, Id, Value)


class SpringsBack(SwitchSimulator):
    """A relay that is on for a second."""

    def SetSwitchValue(self, Id: int, Value: float) -> None:
        super().SetSwitchValue(Id, Value)
        self.clock.callLater(1.0, super().SetSwitchValue, Id, 0.0)


class Neighbour(SwitchSimulator):
    """It sets the switch next to the one that was meant."""

    def SetSwitchValue(self, Id: int, Value: float) -> None:
        super().SetSwitchValue((Id + 1) % SUPPLY, Value)


class OnIsNotHighest(SwitchSimulator):
    """SetSwitch turns a dimmer half on."""

    def SetSwitch(self, Id: int, State: bool) -> None:
        self.SetSwitchValue(Id, self.MaxSwitchValue(Id) / (2 if Id == 1 else 1) if State else 0.0)


class OnIsAlmostOff(SwitchSimulator):
    """GetSwitch knows relays only."""

    def GetSwitch(self, Id: int) -> bool:
        return self.GetSwitchValue(Id) == 1


class RoundsDown(Fine):
    """It cuts a value off at the step below."""

    def tenth(self, value: float) -> float:
        return max(math.floor(value / 0.1) * 0.1, 1.0)


class WholeStepsOnly(SwitchSimulator):
    """It refuses a value between two steps."""

    def SetSwitchValue(self, Id: int, Value: float) -> None:
        if Value % self.SwitchStep(Id):
            raise InvalidValue(f"{Value} is no whole step")
        super().SetSwitchValue(Id, Value)


class TooHighBetween(SwitchSimulator):
    """A value between two steps is not brought to one of them, nor into the range."""

    def SetSwitchValue(self, Id: int, Value: float) -> None:
        super().SetSwitchValue(Id, Value)
        if Value % self.SwitchStep(Id):
            self._values[Id] = Value + self.SwitchStep(Id)


class BusyAtStart(SwitchSimulator):
    """Something is under way when it is connected."""

    def connect(self) -> None:
        super().connect()
        self._changes[2] = Change(0.0, self.clock.seconds() + 3.0)


class BusyForGood(SwitchSimulator):
    """StateChangeComplete is never true again after SetSwitchValue."""

    busy = False

    def SetSwitchValue(self, Id: int, Value: float) -> None:
        super().SetSwitchValue(Id, Value)
        self.busy = True

    def StateChangeComplete(self, Id: int) -> bool:
        return super().StateChangeComplete(Id) and not self.busy


class CompleteTooSoon(SwitchSimulator):
    """StateChangeComplete is true half a second before the value can be read."""

    def StateChangeComplete(self, Id: int) -> bool:
        done = super().StateChangeComplete(Id)
        return done or self._changes[Id].done_at - self.clock.seconds() < 0.5


class DoneAtOnce(SwitchSimulator):
    """StateChangeComplete is always true."""

    def StateChangeComplete(self, Id: int) -> bool:
        return True


class TakesTooLong(SwitchSimulator):
    """A change takes a quarter of a minute."""

    def SetAsyncValue(self, Id: int, Value: float) -> None:
        self._changes[Id] = Change(Value, self.clock.seconds() + 15.0)


class WaitsForChange(SwitchSimulator):
    """SetAsync returns when the change is done."""

    async def SetAsyncValue(self, Id: int, Value: float) -> None:  # type: ignore[override]  # the base class need not wait
        super().SetAsyncValue(Id, Value)
        await deferLater(self.clock, 1.5)


class AsyncIsOnOnly(SwitchSimulator):
    """SetAsync turns on, whatever is asked."""

    def SetAsync(self, Id: int, State: bool) -> None:
        self.SetAsyncValue(Id, self.MaxSwitchValue(Id))


class OldSwitchState(SwitchSimulator):
    """In DeviceState everything is always complete."""

    def DeviceState(self) -> list[StateItem]:
        return [StateItem(f"StateChangeComplete{number}", True) for number in (2, 3)]


class CancelsInWords(SwitchSimulator):
    """A change that was given up happens nevertheless."""

    def CancelAsync(self, Id: int) -> None:
        self._cancelled.add(Id)


class CancelsQuietly(SwitchSimulator):
    """That a change was given up cannot be seen."""

    def CancelAsync(self, Id: int) -> None:
        self._changes.pop(Id, None)


class CancelsOnce(SwitchSimulator):
    """That a change was given up can be seen once."""

    def StateChangeComplete(self, Id: int) -> bool:
        try:
            return super().StateChangeComplete(Id)
        finally:
            self._cancelled.discard(Id)


class CancelsForGood(SwitchSimulator):
    """After a change was given up, every other one is said to have been, too."""

    def SetAsyncValue(self, Id: int, Value: float) -> None:
        cancelled = Id in self._cancelled
        super().SetAsyncValue(Id, Value)
        if cancelled:
            self._cancelled.add(Id)


class OneAtATime(SwitchSimulator):
    """A change of one switch ends that of another."""

    def SetAsyncValue(self, Id: int, Value: float) -> None:
        self._changes.clear()
        super().SetAsyncValue(Id, Value)


class CancelledOnLastLink(SwitchSimulator):
    """A new link hears that a change was given up on the last one."""

    given_up: frozenset[int] = frozenset()

    def connect(self) -> None:
        super().connect()
        self._cancelled = set(self.given_up)

    def disconnect(self) -> None:
        self.given_up = frozenset(self._cancelled)


class BusySinceLastLink(SwitchSimulator):
    """A change that was under way when the link was closed never ends."""

    stuck: frozenset[int] = frozenset()

    def disconnect(self) -> None:
        self.stuck = frozenset(self._changes)

    def StateChangeComplete(self, Id: int) -> bool:
        return super().StateChangeComplete(Id) and Id not in self.stuck


SWITCH_FAULTS: Faults = [
    (NoSwitches, {}, "test_properties", "MaxSwitch is 0"),
    (Nameless, {}, "test_properties", "GetSwitchName 0 is ' '"),
    (Inverted, {}, "test_properties", "GetSwitch 0 is True while GetSwitchValue 0 is 0"),
    (OffScale, {}, "test_properties", "GetSwitchValue 4 is 25.2, not from 0 to 20"),
    (SlowGauge, {}, "test_properties", "CanAsync 4 is True, and CanWrite 4 False"),
    (BelowZero, {}, "test_properties", "MinSwitchValue 1 is -5; where CanWrite is True it is 0 or more"),
    (NoRange, {}, "test_properties", "MinSwitchValue 1 is 255, and MaxSwitchValue 1 255"),
    (UnevenSteps, {}, "test_properties", "SwitchStep 0 is 0.3: no whole number of these from 0 to 1"),
    (NoSteps, {}, "test_properties", "SwitchStep 0 is 0, from 0 to 1"),
    (NamesForgotten, {}, "test_names", "GetSwitchName 0 after SetSwitchName is 'Mount', not 'Mount 2'"),
    (OneName, {}, "test_names", "GetSwitchName 1 after SetSwitchName is 'Flat panel', not 'Flat panel 2'"),
    (WritableInWords, {}, "test_set_switch", "it can only be read, when asked for SetSwitch(4, False)"),
    (AsynchronousInWords, {}, "test_asynchronous", "it is set at once, when asked for SetAsync(0, False)"),
    (Sluggish, {}, "test_set_switch", "GetSwitchValue 0 is 0, not 1, 3 s after SetSwitch 0 True"),
    (SpringsBack, {}, "test_set_switch", "GetSwitchValue 0 is 0, not 1, some time after SetSwitch 0 True"),
    (Neighbour, {}, "test_set_switch", "GetSwitchValue 0 is 0, not 1, 3 s after SetSwitch 0 True"),
    (OnIsNotHighest, {}, "test_set_switch", "GetSwitchValue 1 is 128, not 255, 3 s after SetSwitch 1 True"),
    (OnIsAlmostOff, {}, "test_set_switch", "GetSwitch 1 is False at the value 255"),
    (RoundsDown, {}, "test_set_switch_value", "GetSwitchValue 0 is 1.1, not 1.2, 3 s after SetSwitchValue 0 1.2"),
    (WholeStepsOnly, {}, "test_set_switch_value", "SetSwitchValue 0 0.25, between two steps, is refused with 0x401"),
    (TooHighBetween, {}, "test_set_switch_value", "GetSwitchValue 0 is 1.25 after SetSwitchValue 0 0.25"),
    (BusyAtStart, {}, "test_asynchronous", "StateChangeComplete 2 at the start is False"),
    (BusyForGood, {}, "test_asynchronous", "StateChangeComplete 2 after SetSwitchValue is False, not True"),
    (CompleteTooSoon, {}, "test_asynchronous", "GetSwitchValue 2 is 0, not 100, when SetAsync 2 True is complete"),
    (DoneAtOnce, {}, "test_asynchronous", "GetSwitchValue 2 is 0, not 100, when SetAsync 2 True is complete"),
    (TakesTooLong, {}, "test_asynchronous", "StateChangeComplete 2 is still False 10 s after SetAsync 2 False"),
    (WaitsForChange, {}, "test_asynchronous", "SetAsync 2 False took 1.5 s to return"),
    (AsyncIsOnOnly, {}, "test_asynchronous", "GetSwitchValue 2 is 100, not 0, when SetAsync 2 False is complete"),
    (OldSwitchState, {}, "test_asynchronous", "StateChangeComplete2 in DeviceState after SetAsync 2 False is True"),
    (CancelsInWords, {}, "test_cancel", "GetSwitchValue 2 is 100 after CancelAsync: it was not given up"),
    (CancelsQuietly, {}, "test_cancel", "StateChangeComplete 2 after CancelAsync must be refused with 0x40E"),
    (CancelsOnce, {}, "test_cancel", "StateChangeComplete 2 after CancelAsync must be refused with 0x40E"),
    (CancelsForGood, {}, "test_cancel", "StateChangeComplete 2 after SetAsync 2 False is refused with 0x40E"),
    (
        OneAtATime,
        {},
        "test_several",
        "GetSwitchValue 2 is 0, not 100, when SetAsyncValue 2 100, together with others is complete",
    ),
    (CancelledOnLastLink, {}, "test_new_link", "CancelAsync on the last is refused with 0x40E"),
    (BusySinceLastLink, {}, "test_new_link", "StateChangeComplete 2 is still False 10 s after a new link"),
]


class FaultySwitchTests(FaultyTestCase):
    def test_found(self) -> None:
        """Every planted fault is found by the part that is about it, in words that name the member."""
        self.finds(SwitchConformance, SWITCH_FAULTS)
