"""A mount, a roof and a monitor whose answers a test can hold back, and that note what reaches them and when."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.task import deferLater

from pylpaca.device import Device, Dome, SafetyMonitor, Telescope
from pylpaca.values import ShutterState, TelescopeAxis


class Slow(Device):
    """
    What they have in common.

    :ivar latency: how many seconds a member takes to answer, by its name; None: it never does, until the test says `answer`.
    :ivar done: what was done, in order, over all devices that share the list.
    """

    done: list[str]
    latency: Callable[[str], float | None]

    def forget(self) -> None:
        super().forget()
        self.done = []
        self.held: list[Deferred[None]] = []
        self.latency = lambda member: 0.0

    def answer(self) -> None:
        """What is held back is answered now."""
        held, self.held = self.held, []
        for each in held:
            each.callback(None)

    def later(self, member: str, what: Callable[[], Any]) -> Any:
        """Do it now, and answer it, or what it raises, in the time that this member takes."""
        result = maybeDeferred(what)
        seconds = self.latency(member)
        if seconds == 0.0:
            return result
        if seconds is None:
            waiting: Deferred[None] = Deferred()
            self.held.append(waiting)
        else:
            waiting = deferLater(self.clock, seconds)
        return waiting.addCallback(lambda _: result)

    def note(self, what: str) -> None:
        """Something was done to the device."""
        self.done.append(f"{type(self).__name__} {what}")


class Mount(Slow, Telescope):
    """A mount that is parked, or unparked and at rest, or on its way for `travel` seconds."""

    travel = 10.0
    can_park = True

    def forget(self) -> None:
        super().forget()
        self.parked, self.arrives, self.rate, self.goal = False, 0.0, 0.0, False

    def _go(self, what: str, park: bool = False) -> None:
        self.note(what)
        self.arrives, self.goal, self.parked = self.clock.seconds() + self.travel, park, False

    def _look(self) -> None:
        if self.goal and self.clock.seconds() >= self.arrives:
            self.parked, self.goal = True, False

    @property
    def moves(self) -> bool:
        """Whether it is moving, in truth."""
        return self.clock.seconds() < self.arrives or bool(self.rate)

    def AtPark(self) -> Any:
        def look() -> bool:
            self._look()
            return self.parked

        return self.later("AtPark", look)

    def CanMoveAxis(self, Axis: TelescopeAxis) -> bool:
        return True

    def CanPark(self) -> bool:
        return self.can_park

    def CanUnpark(self) -> bool:
        return True

    def CanSetTracking(self) -> bool:
        return True

    def CanSlewAltAzAsync(self) -> bool:
        return True

    def Declination(self) -> float:
        return 0.0

    def RightAscension(self) -> float:
        return 0.0

    def SiderealTime(self) -> float:
        return 0.0

    def Slewing(self) -> Any:
        return self.later("Slewing", lambda: self.moves)

    def Tracking(self) -> bool:
        return False

    def SetTracking(self, Tracking: bool) -> Any:
        return self.later("SetTracking", lambda: self.note(f"tracks {Tracking}"))

    def AbortSlew(self) -> None:
        self.note("AbortSlew")
        self.arrives, self.goal, self.rate = 0.0, False, 0.0

    def AxisRates(self, Axis: TelescopeAxis) -> Any:
        from pylpaca.values import AxisRate

        return [AxisRate(5.0, 0.0)]

    def MoveAxis(self, Axis: TelescopeAxis, Rate: float) -> None:
        self.note(f"MoveAxis {Axis.value} {Rate:g}")
        self.rate = Rate

    def Park(self) -> Any:
        return self.later("Park", lambda: self._go("Park", park=True))

    def SlewToAltAzAsync(self, Azimuth: float, Altitude: float) -> Any:
        return self.later("SlewToAltAzAsync", lambda: self._go("Slew"))

    def Unpark(self) -> Any:
        def unpark() -> None:
            self.note("Unpark")
            self.parked = False

        return self.later("Unpark", unpark)


class Roof(Slow, Dome):
    """A roof that opens and closes in `travel` seconds."""

    travel = 8.0
    slaved = False

    def forget(self) -> None:
        super().forget()
        self.open, self.began = True, -self.travel

    def _go(self, what: str, to_open: bool) -> None:
        self.note(what)
        if self.open is not to_open:
            self.open, self.began = to_open, self.clock.seconds()

    @property
    def moves(self) -> bool:
        """Whether it is moving, in truth."""
        return self.clock.seconds() < self.began + self.travel

    def CanPark(self) -> bool:
        return True

    def CanSetShutter(self) -> bool:
        return True

    def CanSlave(self) -> bool:
        return True

    def AtPark(self) -> bool:
        return "Roof Park" in self.done

    def ShutterStatus(self) -> Any:
        def look() -> ShutterState:
            if self.moves:
                return ShutterState.Opening if self.open else ShutterState.Closing
            return ShutterState.Open if self.open else ShutterState.Closed

        return self.later("ShutterStatus", look)

    def Slaved(self) -> bool:
        return self.slaved

    def SetSlaved(self, Slaved: bool) -> None:
        self.note(f"Slaved {Slaved}")
        self.slaved = Slaved

    def Slewing(self) -> bool:
        return self.moves

    def AbortSlew(self) -> None:
        self.note("AbortSlew")

    def OpenShutter(self) -> Any:
        return self.later("OpenShutter", lambda: self._go("OpenShutter", to_open=True))

    def CloseShutter(self) -> Any:
        return self.later("CloseShutter", lambda: self._go("CloseShutter", to_open=False))

    def Park(self) -> None:
        self.note("Park")


class Monitor(Slow, SafetyMonitor):
    """Says what the test wants: a value of any type, or an exception."""

    safe: Any = True

    def IsSafe(self) -> Any:
        def look() -> Any:
            if isinstance(self.safe, Exception):
                raise self.safe
            return self.safe

        return self.later("IsSafe", look)


def device(driver: type[Device], number: int = 0, **more: Any) -> dict[str, Any]:
    """An entry of a configuration."""
    kind = next(each for each in driver.__mro__ if each.__module__.startswith("pylpaca.device.")).__name__.lower()
    name = f"{driver.__module__}:{driver.__name__}"
    return {"device_type": kind, "device_number": number, "device_driver": name, **more}
