"""The values ASCOM members take and give: units, enumerations and the entries of DeviceState."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated


@dataclass(frozen=True)
class Unit:
    """What a number counts, in words a refusal and a form can use."""

    name: str


Degrees = Annotated[float, Unit("degrees")]
Celsius = Annotated[float, Unit("degrees Celsius")]
Micrometres = Annotated[float, Unit("micrometres")]
Steps = Annotated[int, Unit("steps")]


class ShutterState(IntEnum):
    """What the shutter or the roof is doing."""

    Open = 0
    Closed = 1
    Opening = 2
    Closing = 3
    Error = 4


@dataclass(frozen=True)
class StateItem:
    """One entry of DeviceState: the name of a member, in ASCOM's spelling, and its value."""

    Name: str
    Value: bool | int | float | str
