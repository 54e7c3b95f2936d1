"""Drivers that only tests use."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from pylpaca.device import Camera, Dome, Focuser, SafetyMonitor
from pylpaca.errors import DriverError
from pylpaca.values import CameraState, ElementType, ShutterState


class NaiveDome(Dome):
    """A dome that can do everything and checks nothing; it notes what it was asked to do."""

    slaved = False

    def connect(self) -> None:
        self.done: list[tuple[str, Any]] = []

    def Altitude(self) -> float:
        return 45.0

    def AtHome(self) -> bool:
        return False

    def AtPark(self) -> bool:
        return False

    def Azimuth(self) -> float:
        return 90.0

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

    def CanSlave(self) -> bool:
        return True

    def CanSyncAzimuth(self) -> bool:
        return True

    async def ShutterStatus(self) -> ShutterState:
        return ShutterState.Closed

    def Slaved(self) -> bool:
        return self.slaved

    def SetSlaved(self, Slaved: bool) -> None:
        self.slaved = Slaved

    def Slewing(self) -> bool:
        return False

    def AbortSlew(self) -> None:
        self.done.append(("AbortSlew", None))

    def OpenShutter(self) -> None:
        self.done.append(("OpenShutter", None))

    def CloseShutter(self) -> None:
        self.done.append(("CloseShutter", None))

    def FindHome(self) -> None:
        self.done.append(("FindHome", None))

    def Park(self) -> None:
        self.done.append(("Park", None))

    def SetPark(self) -> None:
        self.done.append(("SetPark", None))

    def SlewToAltitude(self, Altitude: float) -> None:
        self.done.append(("SlewToAltitude", Altitude))

    def SlewToAzimuth(self, Azimuth: float) -> None:
        self.done.append(("SlewToAzimuth", Azimuth))

    def SyncToAzimuth(self, Azimuth: float) -> None:
        self.done.append(("SyncToAzimuth", Azimuth))


class BareDome(Dome):
    """A dome that can do nothing but say whether it is closed."""

    def ShutterStatus(self) -> ShutterState:
        return ShutterState.Closed

    def Slewing(self) -> bool:
        return False

    def AbortSlew(self) -> None:
        return None


class NaiveFocuser(Focuser):
    """A focuser with 1000 steps that checks nothing."""

    absolute = True
    compensates = True
    at = 500
    compensating = False

    def Absolute(self) -> bool:
        return self.absolute

    def IsMoving(self) -> bool:
        return False

    async def MaxStep(self) -> int:
        return 1000

    def Position(self) -> int:
        return self.at

    def StepSize(self) -> float:
        return 2

    def TempComp(self) -> bool:
        return self.compensating

    def SetTempComp(self, TempComp: bool) -> None:
        self.compensating = TempComp

    def TempCompAvailable(self) -> bool:
        return self.compensates

    def Temperature(self) -> float:
        return 11.5

    def Halt(self) -> None:
        return None

    def Move(self, Position: int) -> None:
        self.at = Position


class BareFocuser(Focuser):
    """A relative focuser without anything optional."""

    def Absolute(self) -> bool:
        return False

    def IsMoving(self) -> bool:
        return False

    def MaxStep(self) -> int:
        return 1000

    def Move(self, Position: int) -> None:
        self.moved = Position


class SlowFocuser(BareFocuser):
    """A focuser whose every answer is a Deferred that the test fires."""

    def connect(self) -> None:
        self.asked: list[Deferred[Any]] = []
        self.cancelled = 0

    def _later(self) -> Deferred[Any]:
        def cancelled(_: object) -> None:
            self.cancelled += 1

        self.asked.append(Deferred(cancelled))
        return self.asked[-1]

    def IsMoving(self) -> Any:
        return self._later()

    def MaxStep(self) -> Any:
        return self._later()

    def Move(self, Position: int) -> Any:
        return self._later()


class FaultyMonitor(SafetyMonitor):
    """A safety monitor that does what the test puts into `fault`."""

    fault: Any = True

    def IsSafe(self) -> Any:
        if isinstance(self.fault, Exception):
            raise self.fault
        return self.fault


class BrokenLinkMonitor(SafetyMonitor):
    """A safety monitor whose link fails as the test says."""

    reason: Exception | None = DriverError("no answer on COM9")

    def connect(self) -> None:
        if self.reason is not None:
            raise self.reason

    def IsSafe(self) -> bool:
        return True


class HalfMonitor(SafetyMonitor):
    """A safety monitor whose author forgot IsSafe."""


class MisspelledFocuser(BareFocuser):
    """A focuser whose author called a parameter something else."""

    def Move(self, position: int) -> None:
        return None


class BoastfulDome(BareDome):
    """A dome that says it has a shutter motor and has no member for it."""

    def CanSetShutter(self) -> bool:
        return True


class UnbuildableMonitor(FaultyMonitor):
    """A safety monitor whose constructor fails."""

    def __init__(self, *_: Any) -> None:
        raise ValueError("no such sensor")


class PictureCamera(Camera):
    """Takes whatever picture it is given, in the time that the exposure lasts; idle for itself as soon as that is over."""

    picture: Any = None
    sent_as: ElementType | None = None
    handed: Deferred[None] | None = None
    state = CameraState.Idle

    def CameraState(self) -> CameraState:
        return self.state

    def CameraXSize(self) -> int:
        return 100

    def CameraYSize(self) -> int:
        return 100

    def CanAbortExposure(self) -> bool:
        return True

    def ExposureMax(self) -> float:
        return 100.0

    def ExposureMin(self) -> float:
        return 0.0

    def MaxADU(self) -> int:
        return 65_535

    def PixelSizeX(self) -> float:
        return 5.0

    def StartExposure(self, Duration: float, Light: bool) -> None:
        self.state = CameraState.Exposing
        self.clock.callLater(Duration, self._done)

    def AbortExposure(self) -> None:
        self.state = CameraState.Idle

    def _done(self) -> None:
        self.state = CameraState.Idle
        self.handed = self.hand_over(self.picture, self.sent_as)
        self.handed.addErrback(lambda failure: failure.trap(DriverError))


class FetchingCamera(PictureCamera):
    """Has an ImageArray of its own, as drivers have that know ASCOM's documents and nothing else."""

    async def ImageArray(self) -> Any:
        return self.picture

    def ImageReady(self) -> bool:
        return True


class SlowCamera(PictureCamera):
    """Needs half a second to begin an exposure, and as long to abort one, in its own thread."""

    starts = 0
    fails = False

    async def StartExposure(self, Duration: float, Light: bool) -> None:  # type: ignore[override]  # later, not at once
        self.starts += 1
        await deferLater(self.clock, 0.5)
        if self.fails:
            raise DriverError("the shutter is stuck")
        super().StartExposure(Duration, Light)

    async def AbortExposure(self) -> None:  # type: ignore[override]
        await self.in_thread(int)
        super().AbortExposure()
