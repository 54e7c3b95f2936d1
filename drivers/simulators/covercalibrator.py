"""A simulated cover and calibration light."""

from __future__ import annotations

from pydantic import Field, model_validator

from drivers.simulators.motion import Motion
from pylpaca.device import CoverCalibrator, NoSettings
from pylpaca.values import CalibratorStatus, CoverStatus


class CoverCalibratorSimulator(CoverCalibrator):
    """A telescope cover with a calibration light behind it."""

    class Settings(NoSettings):
        has_cover: bool = Field(default=True, description="whether there is a cover")
        cover_seconds: float = Field(default=5.0, ge=1.5, le=60, description="seconds to open or close the cover")
        has_calibrator: bool = Field(default=True, description="whether there is a light")
        max_brightness: int = Field(default=100, ge=1, le=1_000_000, description="the greatest brightness; 1: only on or off")
        warm_up_seconds: float = Field(default=2.0, ge=0, le=60, description="seconds until a brightness is steady")

        @model_validator(mode="after")
        def something(self) -> CoverCalibratorSimulator.Settings:
            if not (self.has_cover or self.has_calibrator):
                raise ValueError("has_cover and has_calibrator are both false: nothing would be left")
            return self

    settings: Settings

    def connect(self) -> None:
        self._cover = Motion(self.clock, 1 / self.settings.cover_seconds)  # 0 closed, 1 open
        self._brightness: int | None = None  # None: off
        self._steady_at = 0.0

    def Brightness(self) -> int:
        return self._brightness or 0

    def CalibratorState(self) -> CalibratorStatus:
        if not self.settings.has_calibrator:
            return CalibratorStatus.NotPresent
        if self._brightness is None:
            return CalibratorStatus.Off
        return CalibratorStatus.Ready if self.clock.seconds() >= self._steady_at else CalibratorStatus.NotReady

    def CoverState(self) -> CoverStatus:
        if not self.settings.has_cover:
            return CoverStatus.NotPresent
        if self._cover.moving:
            return CoverStatus.Moving
        return {0.0: CoverStatus.Closed, 1.0: CoverStatus.Open}.get(self._cover.position, CoverStatus.Unknown)

    def MaxBrightness(self) -> int:
        return self.settings.max_brightness

    def CalibratorOff(self) -> None:
        self._brightness = None

    def CalibratorOn(self, Brightness: int) -> None:
        self._brightness = Brightness
        self._steady_at = self.clock.seconds() + self.settings.warm_up_seconds

    def CloseCover(self) -> None:
        self._cover.go(0.0)

    def HaltCover(self) -> None:
        self._cover.stop()

    def OpenCover(self) -> None:
        self._cover.go(1.0)
