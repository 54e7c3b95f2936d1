"""A simulated focuser."""

from __future__ import annotations

import math

from pydantic import Field

from drivers.simulators.motion import Motion
from pylpaca.device import Focuser, NoSettings


class FocuserSimulator(Focuser):
    """A focuser with a motor, a thermometer and temperature compensation."""

    class Settings(NoSettings):
        absolute: bool = Field(default=True, description="whether it knows its position")
        max_step: int = Field(default=50_000, ge=10, le=10_000_000, description="the highest position")
        start: int = Field(default=25_000, ge=0, description="the position when it is connected, in steps")
        rate: float = Field(default=5_000.0, gt=0, description="steps per second")
        step_size: float = Field(default=1.0, gt=0, description="micrometres per step")
        temperature: float = Field(default=10.0, gt=-40, lt=40, description="the mean temperature, in degrees Celsius")
        steps_per_degree: float = Field(default=-20.0, description="what temperature compensation moves, per degree Celsius")

    settings: Settings

    def connect(self) -> None:
        self._tube = Motion(self.clock, self.settings.rate, min(self.settings.start, self.settings.max_step))
        self._compensated_from: float | None = None  # the temperature at which compensation was turned on

    def Absolute(self) -> bool:
        return self.settings.absolute

    def IsMoving(self) -> bool:
        return self._tube.moving

    def MaxStep(self) -> int:
        return self.settings.max_step

    def Position(self) -> int:
        return self._within_stops(self._tube.position + self._compensation())

    def StepSize(self) -> float:
        return self.settings.step_size

    def TempComp(self) -> bool:
        return self._compensated_from is not None

    def SetTempComp(self, TempComp: bool) -> None:
        if TempComp is self.TempComp():
            return
        if TempComp:
            self._compensated_from = self.Temperature()
        else:
            self._hold(self._compensation())
            self._compensated_from = None

    def TempCompAvailable(self) -> bool:
        return True

    def Temperature(self) -> float:
        """Half a degree up and down in twenty minutes."""
        return self.settings.temperature + 0.5 * math.sin(2 * math.pi * self.clock.seconds() / 1200)

    def Halt(self) -> None:
        self._tube.stop()

    def Move(self, Position: int) -> None:
        target = Position if self.settings.absolute else self._within_stops(self._tube.position + Position)
        if self.TempComp():  # the target is meant at today's temperature
            self._hold(self._compensation())
            self._compensated_from = self.Temperature()
        self._tube.go(target)

    def _compensation(self) -> float:
        if self._compensated_from is None:
            return 0.0
        return self.settings.steps_per_degree * (self.Temperature() - self._compensated_from)

    def _hold(self, compensation: float) -> None:
        """Make what compensation has moved part of the position."""
        self._tube.put(self._within_stops(self._tube.position + compensation))

    def _within_stops(self, position: float) -> int:
        return min(max(round(position), 0), self.settings.max_step)
