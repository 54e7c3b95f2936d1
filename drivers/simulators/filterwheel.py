"""A simulated filter wheel."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from drivers.simulators.motion import Motion
from pylpaca.device import FilterWheel, NoSettings


class FilterWheelSimulator(FilterWheel):
    """A filter wheel that takes the shorter way round."""

    class Settings(NoSettings):
        names: list[Annotated[str, Field(min_length=1)]] = Field(
            default=["Luminance", "Red", "Green", "Blue", "H-alpha"],
            min_length=1,
            max_length=100,
            description="the name of the filter in each slot",
        )
        focus_offsets: list[int] = Field(default=[], description="the focus offset of each filter, in steps; none: all 0")
        slot_seconds: float = Field(default=1.0, ge=0.5, le=2, description="seconds from one slot to the next")

        @model_validator(mode="after")
        def one_offset_each(self) -> FilterWheelSimulator.Settings:
            if self.focus_offsets and len(self.focus_offsets) != len(self.names):
                raise ValueError(f"focus_offsets has {len(self.focus_offsets)} entries and names has {len(self.names)}")
            return self

    settings: Settings

    def connect(self) -> None:
        slots = len(self.settings.names)
        self._wheel = Motion(self.clock, 1 / self.settings.slot_seconds, circle=float(slots))

    def FocusOffsets(self) -> list[int]:
        return self.settings.focus_offsets or [0] * len(self.settings.names)

    def Names(self) -> list[str]:
        return self.settings.names

    def Position(self) -> int:
        if self._wheel.moving:
            return -1
        return round(self._wheel.position) % len(self.settings.names)

    def SetPosition(self, Position: int) -> None:
        if Position != self.Position():
            self._wheel.go(Position)
