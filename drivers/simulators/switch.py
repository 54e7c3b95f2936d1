"""A simulated bank of switches."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pydantic import Field

from pylpaca.device import NoSettings, Switch
from pylpaca.errors import OperationCancelled


@dataclass(frozen=True)
class Socket:
    """What one of the switches is, and the value it has when the device is connected."""

    name: str
    description: str
    highest: float = 1.0
    step: float = 1.0
    start: float = 0.0
    writable: bool = True
    slow: bool = False  # whether it can be set asynchronously

    def nearest(self, value: float) -> float:
        """The nearest whole step."""
        return round(round(value / self.step) * self.step, 9)


@dataclass(frozen=True)
class Change:
    """A change that is under way."""

    value: float
    done_at: float  # on the clock


SOCKETS = (
    Socket("Mount", "Power of the mount, on or off"),
    Socket("Flat panel", "Brightness of the flat panel", highest=255.0),
    Socket("Dew heater", "Power of the dew heater, in percent", highest=100.0, slow=True),
    Socket("Camera", "Power of the camera, on or off; takes a moment", slow=True),
    Socket("Supply", "Voltage of the supply; can only be read", highest=20.0, step=0.1, writable=False),
)
SUPPLY = 4


class SwitchSimulator(Switch):
    """A power box: two relays, a dimmer, a dew heater and a gauge of the supply's voltage."""

    class Settings(NoSettings):
        change_seconds: float = Field(default=1.5, ge=0.5, le=8, description="seconds that an asynchronous change takes")
        supply: float = Field(default=12.6, ge=1, le=19, description="the mean voltage of the supply")

    settings: Settings

    def connect(self) -> None:
        self._names = [socket.name for socket in SOCKETS]
        self._values = [socket.start for socket in SOCKETS]
        self._changes: dict[int, Change] = {}
        self._cancelled: set[int] = set()

    def MaxSwitch(self) -> int:
        return len(SOCKETS)

    def CanAsync(self, Id: int) -> bool:
        return SOCKETS[Id].slow

    def CanWrite(self, Id: int) -> bool:
        return SOCKETS[Id].writable

    def GetSwitchDescription(self, Id: int) -> str:
        return SOCKETS[Id].description

    def GetSwitchName(self, Id: int) -> str:
        return self._names[Id]

    def GetSwitchValue(self, Id: int) -> float:
        if Id == SUPPLY:
            return SOCKETS[Id].nearest(self._voltage())
        self._catch_up(Id)
        return self._values[Id]

    def MaxSwitchValue(self, Id: int) -> float:
        return SOCKETS[Id].highest

    def SwitchStep(self, Id: int) -> float:
        return SOCKETS[Id].step

    def StateChangeComplete(self, Id: int) -> bool:
        if Id in self._cancelled:
            raise OperationCancelled(f"the last change of {self._names[Id]} was cancelled")
        self._catch_up(Id)
        return Id not in self._changes

    def CancelAsync(self, Id: int) -> None:
        self._catch_up(Id)
        if self._changes.pop(Id, None) is not None:
            self._cancelled.add(Id)

    def SetAsyncValue(self, Id: int, Value: float) -> None:
        self._catch_up(Id)
        self._cancelled.discard(Id)
        self._changes[Id] = Change(SOCKETS[Id].nearest(Value), self.clock.seconds() + self.settings.change_seconds)

    def SetSwitchName(self, Id: int, Name: str) -> None:
        """Until the next connection."""
        self._names[Id] = Name

    def SetSwitchValue(self, Id: int, Value: float) -> None:
        self._changes.pop(Id, None)
        self._cancelled.discard(Id)
        self._values[Id] = SOCKETS[Id].nearest(Value)

    def _catch_up(self, number: int) -> None:
        """Let a change that is over be the value."""
        change = self._changes.get(number)
        if change is not None and self.clock.seconds() >= change.done_at:
            self._values[number] = change.value
            del self._changes[number]

    def _voltage(self) -> float:
        """A fifth of a volt up and down in ten minutes."""
        return self.settings.supply + 0.2 * math.sin(2 * math.pi * self.clock.seconds() / 600)
