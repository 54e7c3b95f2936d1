"""The simulated cover and filter wheel pass the conformance kit, and those with a planted fault do not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twisted.internet.task import deferLater
from twisted.trial.unittest import SynchronousTestCase

from drivers.simulators.covercalibrator import CoverCalibratorSimulator
from drivers.simulators.filterwheel import FilterWheelSimulator
from drivers.simulators.motion import Motion
from pylpaca.errors import InvalidOperation, MemberNotImplemented
from pylpaca.testing.conformance.covercalibrator import CoverCalibratorConformance
from pylpaca.testing.conformance.filterwheel import FilterWheelConformance
from pylpaca.values import CalibratorStatus, CoverStatus, StateItem
from tests.faults import found_by

Faults = list[tuple[type, Mapping[str, Any], str, str]]  # a driver, its settings, the part that finds it, with its words


class CoverCalibratorTests(CoverCalibratorConformance, SynchronousTestCase):
    driver = CoverCalibratorSimulator


class CoverAloneTests(CoverCalibratorConformance, SynchronousTestCase):
    driver = CoverCalibratorSimulator
    settings = {"has_calibrator": False, "cover_seconds": 1.5}  # noqa: RUF012


class LightAloneTests(CoverCalibratorConformance, SynchronousTestCase):
    driver = CoverCalibratorSimulator
    settings = {"has_cover": False, "max_brightness": 1, "warm_up_seconds": 0}  # noqa: RUF012


class Unstoppable(CoverCalibratorSimulator):
    """A cover that cannot be halted."""

    def HaltCover(self) -> None:
        raise MemberNotImplemented


class UnstoppableTests(CoverCalibratorConformance, SynchronousTestCase):
    driver = Unstoppable


class AtOnce(Unstoppable):
    """A cover that is a mere flap."""

    def OpenCover(self) -> None:
        self._cover.put(1.0)

    def CloseCover(self) -> None:
        self._cover.put(0.0)


class AtOnceTests(CoverCalibratorConformance, SynchronousTestCase):
    driver = AtOnce


class NeverMoving(CoverCalibratorSimulator):
    """CoverMoving is false while CoverState is Moving."""

    def CoverMoving(self) -> bool:
        return False


class OpenTooSoon(CoverCalibratorSimulator):
    """CoverState is Open while the cover still moves."""

    def CoverState(self) -> CoverStatus:
        return CoverStatus.Open if self._cover.position > 0.8 else super().CoverState()

    def CoverMoving(self) -> bool:
        return self._cover.moving


class StartsLate(CoverCalibratorSimulator):
    """The cover starts half a second after OpenCover has returned."""

    def OpenCover(self) -> None:
        self.clock.callLater(0.5, super().OpenCover)


class NeverOpen(CoverCalibratorSimulator):
    """It does not know that it is open."""

    def CoverState(self) -> CoverStatus:
        state = super().CoverState()
        return CoverStatus.Unknown if state is CoverStatus.Open else state


class WaitsForCover(CoverCalibratorSimulator):
    """OpenCover returns when the cover is open."""

    async def OpenCover(self) -> None:  # type: ignore[override]  # the base class need not wait
        super().OpenCover()
        await deferLater(self.clock, self.settings.cover_seconds)


class Snail(CoverCalibratorSimulator):
    """Its cover takes more than a minute."""

    def connect(self) -> None:
        super().connect()
        self._cover = Motion(self.clock, 1 / 90)


class FailsOnTheWay(CoverCalibratorSimulator):
    """CoverState cannot be asked while the cover moves."""

    def CoverState(self) -> CoverStatus:
        if super().CoverState() is CoverStatus.Moving:
            raise InvalidOperation("CoverState is not known while the motor runs")
        return super().CoverState()


class NoHalt(CoverCalibratorSimulator):
    """HaltCover does nothing."""

    def HaltCover(self) -> None:
        """It does nothing."""


class HaltRefusedAtRest(CoverCalibratorSimulator):
    """HaltCover is refused when the cover does not move."""

    def HaltCover(self) -> None:
        if not self._cover.moving:
            raise InvalidOperation("HaltCover: nothing moves")
        super().HaltCover()


class HaltForAMoment(CoverCalibratorSimulator):
    """The cover goes on a second after it was halted."""

    def HaltCover(self) -> None:
        if self._cover.moving:
            self.clock.callLater(1.0, self._cover.go, 1.0)
        super().HaltCover()


class HaltedIsClosed(CoverCalibratorSimulator):
    """It takes a cover that was halted half way for closed."""

    def CoverState(self) -> CoverStatus:
        state = super().CoverState()
        return CoverStatus.Closed if state is CoverStatus.Unknown else state


class TooFastToHalt(CoverCalibratorSimulator):
    """Its cover is open before anybody can halt it."""

    def connect(self) -> None:
        super().connect()
        self._cover = Motion(self.clock, 1 / 0.4)


class HaltOfAtOnce(AtOnce):
    """Its cover is open when OpenCover returns, and can be halted all the same."""

    def HaltCover(self) -> None:
        """Nothing is left to halt."""


class OpenAtStart(CoverCalibratorSimulator):
    """Its cover is open when it is connected."""

    def connect(self) -> None:
        super().connect()
        self._cover.put(1.0)


class MovesAtStart(CoverCalibratorSimulator):
    """Its cover closes when it is connected."""

    def connect(self) -> None:
        super().connect()
        self._cover.put(1.0)
        self._cover.go(0.0)


class NothingThere(CoverCalibratorSimulator):
    """It has neither cover nor light."""

    def CoverState(self) -> CoverStatus:
        return CoverStatus.NotPresent

    def CalibratorState(self) -> CalibratorStatus:
        return CalibratorStatus.NotPresent


class NoMovingWithoutCover(CoverCalibratorSimulator):
    """CoverMoving is refused where there is no cover."""

    def CoverMoving(self) -> bool:
        raise MemberNotImplemented("CoverMoving: there is no cover")


class ZeroIsOff(CoverCalibratorSimulator):
    """CalibratorOn with brightness 0 turns the light off."""

    def CalibratorOn(self, Brightness: int) -> None:
        super().CalibratorOn(Brightness)
        if Brightness == 0:
            self.CalibratorOff()


class InTens(CoverCalibratorSimulator):
    """It reports its brightness in tens."""

    def Brightness(self) -> int:
        return super().Brightness() // 10 * 10


class BrightWhenOff(CoverCalibratorSimulator):
    """Brightness stays what it was when the light is off."""

    last = 0

    def CalibratorOn(self, Brightness: int) -> None:
        self.last = Brightness
        super().CalibratorOn(Brightness)

    def Brightness(self) -> int:
        return self.last


class NeverChanging(CoverCalibratorSimulator):
    """CalibratorChanging is false while CalibratorState is NotReady."""

    def CalibratorChanging(self) -> bool:
        return False


class NeverReady(CoverCalibratorSimulator):
    """Its light is never steady."""

    def CalibratorOn(self, Brightness: int) -> None:
        super().CalibratorOn(Brightness)
        self._steady_at = float("inf")


class OffIsNotReady(CoverCalibratorSimulator):
    """A light that is off is not ready, for ever."""

    def CalibratorOff(self) -> None:
        super().CalibratorOn(0)
        self._steady_at = float("inf")


class WaitsForLight(CoverCalibratorSimulator):
    """CalibratorOn returns when the light is steady."""

    async def CalibratorOn(self, Brightness: int) -> None:  # type: ignore[override]  # the base class need not wait
        super().CalibratorOn(Brightness)
        await deferLater(self.clock, self.settings.warm_up_seconds)


class OnAgain(CoverCalibratorSimulator):
    """The end of the warming up turns a light on that was turned off meanwhile."""

    def CalibratorOn(self, Brightness: int) -> None:
        super().CalibratorOn(Brightness)
        self.clock.callLater(self.settings.warm_up_seconds, setattr, self, "_brightness", Brightness)


class LightOfLastLink(CoverCalibratorSimulator):
    """The light stays on when the link is closed and opened again."""

    was: int | None = None

    def connect(self) -> None:
        super().connect()
        self._brightness = self.was

    def disconnect(self) -> None:
        self.was = self._brightness


class OldCoverState(CoverCalibratorSimulator):
    """DeviceState knows nothing of motions."""

    def DeviceState(self) -> list[StateItem]:
        items = {"CoverState": CoverStatus.Closed, "CoverMoving": False, "CalibratorState": 1, "CalibratorChanging": False}
        return [StateItem(name, value) for name, value in items.items()]


COVER_FAULTS: Faults = [
    (NeverMoving, {}, "test_cover", "CoverMoving is False, and CoverState Moving"),
    (OpenTooSoon, {}, "test_cover", "CoverMoving is True, and CoverState Open"),
    (StartsLate, {}, "test_cover", "CoverState during OpenCover is <CoverStatus.Closed"),
    (NeverOpen, {}, "test_cover", "CoverState during OpenCover is <CoverStatus.Unknown"),
    (WaitsForCover, {}, "test_cover", "OpenCover took 5.0 s to return"),
    (Snail, {}, "test_cover", "OpenCover has not ended after 60 s"),
    (FailsOnTheWay, {}, "test_cover", "CoverState is not known while the motor runs"),
    (OldCoverState, {}, "test_cover", "DeviceState, as the members have it, is {'CoverState': <CoverStatus.Closed"),
    (NeverOpen, {}, "test_same_again", "CoverState after OpenCover is <CoverStatus.Unknown"),
    (NoHalt, {}, "test_halt", "CoverState just after HaltCover half way is <CoverStatus.Moving"),
    (HaltRefusedAtRest, {}, "test_halt", "HaltCover: nothing moves"),
    (HaltForAMoment, {}, "test_halt", "CoverState after HaltCover, when it would have been open, is <CoverStatus.Open"),
    (HaltedIsClosed, {}, "test_halt", "CoverState just after HaltCover half way is <CoverStatus.Closed"),
    (TooFastToHalt, {}, "test_halt", "OpenCover takes 0.4 s, too short a time for HaltCover"),
    (HaltOfAtOnce, {}, "test_cover", "HaltCover of a cover whose OpenCover is done at once must be refused with 0x400"),
    (OpenAtStart, {}, "test_start", "CoverState is Open at the start"),
    (MovesAtStart, {}, "test_start", "CoverState is Moving at the start"),
    (NothingThere, {}, "test_start", "there is neither cover nor light"),
    (NoMovingWithoutCover, {"has_cover": False}, "test_absent", "CoverMoving: there is no cover"),
    (ZeroIsOff, {}, "test_light", "CalibratorState after CalibratorOn 0 is <CalibratorStatus.Off"),
    (InTens, {}, "test_light", "Brightness after CalibratorOn 25 is 20, not 25"),
    (BrightWhenOff, {}, "test_light", "Brightness after CalibratorOff is 100, not 0"),
    (NeverChanging, {}, "test_light", "CalibratorChanging is False, and CalibratorState NotReady"),
    (NeverReady, {}, "test_light", "CalibratorState is still NotReady after 60 s of CalibratorOn 0"),
    (OffIsNotReady, {}, "test_light", "CalibratorState is still NotReady after 60 s of CalibratorOff"),
    (WaitsForLight, {}, "test_light", "CalibratorOn took 2.0 s to return"),
    (OnAgain, {}, "test_off_while_changing", "CalibratorState some time after CalibratorOff is <CalibratorStatus.Ready"),
    (LightOfLastLink, {}, "test_new_link", "CalibratorState on a new link is <CalibratorStatus.Ready"),
]


class FaultyCoverTests(SynchronousTestCase):
    def test_found(self) -> None:
        """Every planted fault is found by the part that is about it, in words that name the member."""
        for driver, settings, part, words in COVER_FAULTS:
            found = found_by(CoverCalibratorConformance, driver, settings, [part])
            self.assertIn(words, found.get(part, "nothing was found"), driver.__name__)


class FilterWheelTests(FilterWheelConformance, SynchronousTestCase):
    driver = FilterWheelSimulator


class OneFilterTests(FilterWheelConformance, SynchronousTestCase):
    driver = FilterWheelSimulator
    settings = {"names": ["Clear"], "focus_offsets": [-12]}  # noqa: RUF012


class SlowWheelTests(FilterWheelConformance, SynchronousTestCase):
    driver = FilterWheelSimulator
    settings = {"names": ["L", "R", "G", "B", "Ha", "OIII", "SII", "Dark"], "slot_seconds": 2}  # noqa: RUF012


class Stubborn(FilterWheelSimulator):
    """A wheel that refuses another filter while it is moving."""

    def SetPosition(self, Position: int) -> None:
        if self._wheel.moving:
            raise InvalidOperation("the wheel is moving")
        super().SetPosition(Position)


class StubbornTests(FilterWheelConformance, SynchronousTestCase):
    driver = Stubborn


class OldFilter(FilterWheelSimulator):
    """Position is the filter that was there, until the next one is."""

    def Position(self) -> int:
        return round(self._wheel._from) if self._wheel.moving else super().Position()


class EveryFilter(FilterWheelSimulator):
    """Position names each filter that passes."""

    def Position(self) -> int:
        return round(self._wheel.position) % len(self.settings.names)


class NextFilter(FilterWheelSimulator):
    """It goes one filter too far."""

    def SetPosition(self, Position: int) -> None:
        super().SetPosition((Position + 1) % len(self.settings.names))


class OneWay(FilterWheelSimulator):
    """It does not turn back."""

    def SetPosition(self, Position: int) -> None:
        super().SetPosition(max(Position, self.Position()))


class LateWheel(FilterWheelSimulator):
    """It starts half a second after SetPosition has returned."""

    def SetPosition(self, Position: int) -> None:
        self.clock.callLater(0.5, super().SetPosition, Position)


class WaitsForWheel(FilterWheelSimulator):
    """SetPosition returns when the wheel has turned."""

    async def SetPosition(self, Position: int) -> None:  # type: ignore[override]  # the base class need not wait
        super().SetPosition(Position)
        await deferLater(self.clock, 3.0)


class TooSlow(FilterWheelSimulator):
    """It takes 20 s from one filter to the next."""

    def connect(self) -> None:
        super().connect()
        self._wheel = Motion(self.clock, 1 / 20, circle=float(len(self.settings.names)))


class Rattles(FilterWheelSimulator):
    """It is at its filter, and then moving once more."""

    read = 0

    def SetPosition(self, Position: int) -> None:
        super().SetPosition(Position)
        self.read = 0

    def Position(self) -> int:
        found = super().Position()
        self.read += found >= 0
        return -1 if self.read == 2 else found


class SamePlaceRefused(FilterWheelSimulator):
    """It refuses the filter that is in the light."""

    def SetPosition(self, Position: int) -> None:
        if Position == self.Position():
            raise InvalidOperation(f"SetPosition: filter {Position} is there already")
        super().SetPosition(Position)


class DeafOnTheWay(FilterWheelSimulator):
    """While it is moving it takes another filter, and does nothing about it."""

    def SetPosition(self, Position: int) -> None:
        if not self._wheel.moving:
            super().SetPosition(Position)


class LostOnNewLink(FilterWheelSimulator):
    """When the link is closed while the wheel is moving, it does not know where it is."""

    lost = False

    def disconnect(self) -> None:
        self.lost = self._wheel.moving

    def Position(self) -> int:
        return -1 if self.lost else super().Position()


class NeverThere(FilterWheelSimulator):
    """It does not know where it is when it is connected."""

    def Position(self) -> int:
        return -1


class OffTheWheel(FilterWheelSimulator):
    """It counts from 1."""

    def Position(self) -> int:
        return len(self.settings.names)


class TooFewOffsets(FilterWheelSimulator):
    """It has an offset for its first filter only."""

    def FocusOffsets(self) -> list[int]:
        return [0]


class NamelessFilter(FilterWheelSimulator):
    """Its last filter has no name."""

    def Names(self) -> list[str]:
        return [*super().Names()[:-1], ""]


class OldWheelState(FilterWheelSimulator):
    """DeviceState always has the first filter."""

    def DeviceState(self) -> list[StateItem]:
        return [StateItem("Position", 0)]


WHEEL_FAULTS: Faults = [
    (OldFilter, {}, "test_moves", "Position on the way to 1 is 0, not -1"),
    (EveryFilter, {}, "test_moves", "Position on the way to 1 is 0, not -1"),
    (NextFilter, {}, "test_moves", "Position on the way to 0 is 1, not -1"),
    (OneWay, {}, "test_moves", "Position on the way to 3 is 4, not -1"),
    (LateWheel, {}, "test_moves", "Position on the way to 1 is 0, not -1"),
    (WaitsForWheel, {}, "test_moves", "SetPosition took 3.0 s to return"),
    (TooSlow, {}, "test_moves", "Position is still -1 after 30 s on the way to 0"),
    (Rattles, {}, "test_moves", "Position shortly after 0 was reached is -1"),
    (SamePlaceRefused, {}, "test_moves", "SetPosition: filter 0 is there already"),
    (OldWheelState, {}, "test_moves", "DeviceState has 0 for Position on the way to 1"),
    (DeafOnTheWay, {}, "test_another_on_the_way", "Position after SetPosition on the way is 4, not 2"),
    (LostOnNewLink, {}, "test_new_link", "Position is still -1 after 30 s"),
    (NeverThere, {}, "test_properties", "Position is still -1 after 30 s"),
    (OffTheWheel, {}, "test_properties", "Position is 5, and there are 5 Names"),
    (TooFewOffsets, {}, "test_properties", "FocusOffsets has 1 entries, and Names 5"),
    (NamelessFilter, {}, "test_properties", "Names is ['Luminance', 'Red', 'Green', 'Blue', '']"),
]


class FaultyWheelTests(SynchronousTestCase):
    def test_found(self) -> None:
        """Every planted fault is found by the part that is about it, in words that name the member."""
        for driver, settings, part, words in WHEEL_FAULTS:
            found = found_by(FilterWheelConformance, driver, settings, [part])
            self.assertIn(words, found.get(part, "nothing was found"), driver.__name__)
