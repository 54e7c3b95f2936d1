"""A simulated rotator."""

from __future__ import annotations

from pydantic import Field

from drivers.simulators.motion import Motion
from pylpaca.device import NoSettings, Rotator


class RotatorSimulator(Rotator):
    """A rotator that turns the shorter way round; reversed, its angles count in the other sense."""

    class Settings(NoSettings):
        rate: float = Field(default=10.0, ge=6, le=90, description="degrees per second")
        start: float = Field(default=0.0, ge=0, lt=360, description="the mechanical position when it is connected, in degrees")
        step_size: float = Field(default=0.01, gt=0, le=1, description="degrees per step")

    settings: Settings

    def connect(self) -> None:
        self._reversed = False
        self._ring = Motion(self.clock, self.settings.rate, self.settings.start, circle=360.0)
        self._goal = self.settings.start  # the angle it comes to rest at; like that of the ring it knows no reversal

    def CanReverse(self) -> bool:
        return True

    def IsMoving(self) -> bool:
        return self._ring.moving

    def MechanicalPosition(self) -> float:
        return self._counted(self._ring.position if self._ring.moving else self._goal)

    def Reverse(self) -> bool:
        return self._reversed

    def SetReverse(self, Reverse: bool) -> None:
        self._reversed = Reverse

    def StepSize(self) -> float:
        return self.settings.step_size

    def Halt(self) -> None:
        if self._ring.moving:
            self._ring.stop()
            self._goal = self._ring.position

    def MoveMechanical(self, Position: float) -> None:
        self._goal = self._counted(Position)
        self._ring.go(self._goal)

    def _counted(self, angle: float) -> float:
        """An angle of the ring as it is shown, and the other way about."""
        return -angle % 360 if self._reversed else angle
