"""A simulated dome."""

from __future__ import annotations

from pydantic import Field

from drivers.simulators.motion import Motion
from pylpaca.device import Dome, NoSettings
from pylpaca.values import ShutterState


class DomeSimulator(Dome):
    """A rotating dome with a shutter, a home switch and a park position."""

    class Settings(NoSettings):
        azimuth_rate: float = Field(default=20.0, gt=0, le=45, description="degrees per second")
        altitude_rate: float = Field(default=15.0, gt=0, le=40, description="degrees per second")
        shutter_seconds: float = Field(default=5.0, ge=2, le=200, description="seconds to open or close the shutter")
        home_azimuth: float = Field(default=0.0, ge=0, lt=360, description="where the home switch is, in degrees")
        park_azimuth: float = Field(default=180.0, ge=0, lt=360, description="where the dome parks, in degrees")

    settings: Settings

    def connect(self) -> None:
        self._park_azimuth = self.settings.park_azimuth
        self._azimuth = Motion(self.clock, self.settings.azimuth_rate, self._park_azimuth, circle=360.0)
        self._altitude = Motion(self.clock, self.settings.altitude_rate)
        self._shutter = Motion(self.clock, 1 / self.settings.shutter_seconds)  # 0 closed, 1 open
        self._goal = "park"  # what the last turn was for: "home", "park" or nothing

    def Altitude(self) -> float:
        return self._altitude.position

    def AtHome(self) -> bool:
        return self._goal == "home" and not self._azimuth.moving

    def AtPark(self) -> bool:
        return self._goal == "park" and not self._azimuth.moving

    def Azimuth(self) -> float:
        return self._azimuth.position

    def CanFindHome(self) -> bool:
        return True

    def CanPark(self) -> bool:
        return True

    def CanSetAltitude(self) -> bool:
        return True

    def CanSetAzimuth(self) -> bool:
        return True

    def CanSetPark(self) -> bool:
        return True

    def CanSetShutter(self) -> bool:
        return True

    def CanSyncAzimuth(self) -> bool:
        return True

    def ShutterStatus(self) -> ShutterState:
        moving = {1: ShutterState.Opening, -1: ShutterState.Closing}.get(self._shutter.direction)
        if moving is not None:
            return moving
        return ShutterState.Closed if self._shutter.position == 0 else ShutterState.Open  # stopped half way: not closed

    def Slewing(self) -> bool:
        return self._azimuth.moving or self._altitude.moving or self._shutter.moving

    def AbortSlew(self) -> None:
        if self._azimuth.moving:
            self._goal = ""
        for part in (self._azimuth, self._altitude, self._shutter):
            part.stop()

    def OpenShutter(self) -> None:
        self._shutter.go(1.0)

    def CloseShutter(self) -> None:
        self._shutter.go(0.0)

    def FindHome(self) -> None:
        self._turn(self.settings.home_azimuth, "home")

    def Park(self) -> None:
        self._turn(self._park_azimuth, "park")

    def SetPark(self) -> None:
        self._park_azimuth = self._azimuth.position
        self._goal = "" if self._azimuth.moving else "park"

    def SlewToAltitude(self, Altitude: float) -> None:
        self._goal = ""
        self._altitude.go(Altitude)

    def SlewToAzimuth(self, Azimuth: float) -> None:
        self._turn(Azimuth, "")

    def SyncToAzimuth(self, Azimuth: float) -> None:
        self._goal = ""
        self._azimuth.put(Azimuth)

    def _turn(self, azimuth: float, goal: str) -> None:
        self._goal = goal
        self._azimuth.go(azimuth)
