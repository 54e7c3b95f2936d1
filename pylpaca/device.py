"""What drivers are made of: one base class per device type, on which an author writes only what the hardware does."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from inspect import cleandoc
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from zope.interface import implementer

from pylpaca import __version__
from pylpaca.calls import snapshot
from pylpaca.errors import MemberNotImplemented
from pylpaca.interfaces import IDevice, IDome, IFocuser, ISafetyMonitor, Result, interface_version
from pylpaca.link import Link
from pylpaca.serial import Framing, OpenPort, SerialLine, SerialSettings
from pylpaca.values import Celsius, Degrees, Micrometres, ShutterState, StateItem, Steps


class NoSettings(BaseModel):
    """The settings of a driver that has none; those of others are built on it, so that misspelled ones are refused."""

    model_config = ConfigDict(extra="forbid")


class Neighbours:
    """The other devices of this server, by device type and number; to look at, not to own."""

    def __init__(self) -> None:
        self._devices: dict[tuple[str, int], Device] = {}

    def find(self, device_type: str, number: int = 0) -> Device | None:
        """The device at /api/v1/{device_type}/{number}, or None."""
        return self._devices.get((device_type.lower(), number))

    def add(self, device_type: str, number: int, device: Device) -> None:
        """Used by the roster, once a device."""
        self._devices[device_type.lower(), number] = device


def _no_ports(settings: SerialSettings, line: object) -> None:
    raise RuntimeError("this driver was built without serial ports: hand it Surroundings(open_port=…)")


def utc_now() -> datetime:
    """The time of day, for labels and the sky; durations come from the clock."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Surroundings:
    """What a driver is handed: its name, the clock for durations, the time of day, the serial ports and its neighbours."""

    clock: IReactorTime
    name: str = ""
    utc: Callable[[], datetime] = utc_now
    open_port: OpenPort = _no_ports
    neighbours: Neighbours = field(default_factory=Neighbours)
    autoconnect: bool = False


@implementer(IDevice)
class Device(ABC):
    """
    What all drivers have in common.

    An author overrides `connect` and `disconnect`, and the members of the device type. Members may give a value or a Deferred, or
    be `async def`; none may block. `self.settings` is the validated `driver_config`, an instance of the class's own `Settings`.
    """

    Settings: ClassVar[type[BaseModel]] = NoSettings
    interface: ClassVar[Any] = IDevice
    version: ClassVar[str] = __version__  # what DriverVersion says

    settings: Any

    def __init__(self, settings: BaseModel, surroundings: Surroundings) -> None:
        self.settings = settings
        self.name = surroundings.name or type(self).__name__
        self.clock = surroundings.clock
        self.utc = surroundings.utc
        self.neighbours = surroundings.neighbours
        self.log = Logger(namespace=type(self).__module__, source=self)
        self.link = Link(self.connect, self._leave, self.clock, self.name, surroundings.autoconnect)
        self._open_port = surroundings.open_port
        self._lines: list[SerialLine] = []

    # what an author may override

    def connect(self) -> Awaitable[None] | None:
        """Make the device usable, in a known state; what this raises is why it is not, and the client reads it."""
        return None

    def disconnect(self) -> Awaitable[None] | None:
        """Leave the device alone; also called after `connect` failed. Serial lines are closed afterwards."""
        return None

    async def open_serial(
        self,
        settings: SerialSettings,
        framing: Framing,
        unsolicited: Callable[[bytes], object] | None = None,
    ) -> SerialLine:
        """
        Open a serial port for this device; it is closed when the device is disconnected.

        :raises DriverError: it cannot be opened; the sentence says why.
        """
        line = SerialLine(framing, self.clock, settings.port, settings.reply_within, unsolicited)
        self._open_port(settings, line)
        self._lines.append(line)
        if settings.wait_after_open:
            await deferLater(self.clock, settings.wait_after_open)
        return line

    async def _leave(self) -> None:
        try:
            leaving = self.disconnect()
            if leaving is not None:
                await leaving
        finally:
            lines, self._lines = self._lines, []
            for line in lines:
                await line.close()

    @classmethod
    @cache
    def lacks(cls, method: str) -> bool:
        """Whether the author left this member to the framework's base class."""
        writer = next(each for each in cls.__mro__ if method in each.__dict__)
        return writer.__module__ == __name__

    # IDevice

    def Connected(self) -> Result[bool]:
        return self.link.is_open

    def SetConnected(self, Connected: bool) -> Result[None]:
        return self.link.bring(Connected)

    def Connect(self) -> Result[None]:
        self.link.vote(True)
        return None

    def Disconnect(self) -> Result[None]:
        self.link.vote(False)
        return None

    def Connecting(self) -> Result[bool]:
        if not self.link.is_busy and self.link.failure is not None:
            raise self.link.failure
        return self.link.is_busy

    def Name(self) -> Result[str]:
        return self.name

    def Description(self) -> Result[str]:
        return cleandoc(type(self).__doc__ or type(self).__name__).partition("\n")[0]

    def DriverInfo(self) -> Result[str]:
        return f"{type(self).__module__}.{type(self).__qualname__}, on pylpaca {__version__}"

    def DriverVersion(self) -> Result[str]:
        return self.version

    def InterfaceVersion(self) -> Result[int]:
        return interface_version(self.interface)

    def SupportedActions(self) -> Result[list[str]]:
        return []

    def Action(self, Action: str, Parameters: str) -> Result[str]:
        raise MemberNotImplemented(f"{self.name} lists the action {Action} but does not have it")

    def CommandBlind(self, Command: str, Raw: bool) -> Result[None]:
        raise MemberNotImplemented

    def CommandBool(self, Command: str, Raw: bool) -> Result[bool]:
        raise MemberNotImplemented

    def CommandString(self, Command: str, Raw: bool) -> Result[str]:
        raise MemberNotImplemented

    def DeviceState(self) -> Result[list[StateItem]]:
        return snapshot(self, self._time_stamp)

    def _time_stamp(self) -> str:
        return self.utc().strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


@implementer(ISafetyMonitor)
class SafetyMonitor(Device):
    """A safety monitor: an author writes IsSafe."""

    interface: ClassVar[Any] = ISafetyMonitor

    @abstractmethod
    def IsSafe(self) -> Result[bool]: ...


@implementer(IDome)
class Dome(Device):
    """A dome: an author writes ShutterStatus, Slewing and AbortSlew, and what the dome can do."""

    interface: ClassVar[Any] = IDome

    def Altitude(self) -> Result[Degrees]:
        raise MemberNotImplemented

    def AtHome(self) -> Result[bool]:
        raise MemberNotImplemented

    def AtPark(self) -> Result[bool]:
        raise MemberNotImplemented

    def Azimuth(self) -> Result[Degrees]:
        raise MemberNotImplemented

    def CanFindHome(self) -> Result[bool]:
        return False

    def CanPark(self) -> Result[bool]:
        return False

    def CanSetAltitude(self) -> Result[bool]:
        return False

    def CanSetAzimuth(self) -> Result[bool]:
        return False

    def CanSetPark(self) -> Result[bool]:
        return False

    def CanSetShutter(self) -> Result[bool]:
        return False

    def CanSlave(self) -> Result[bool]:
        return False

    def CanSyncAzimuth(self) -> Result[bool]:
        return False

    @abstractmethod
    def ShutterStatus(self) -> Result[ShutterState]: ...

    def Slaved(self) -> Result[bool]:
        return False

    def SetSlaved(self, Slaved: bool) -> Result[None]:
        return None  # without CanSlave, only False comes here

    @abstractmethod
    def Slewing(self) -> Result[bool]: ...

    @abstractmethod
    def AbortSlew(self) -> Result[None]: ...

    def OpenShutter(self) -> Result[None]:
        raise MemberNotImplemented

    def CloseShutter(self) -> Result[None]:
        raise MemberNotImplemented

    def FindHome(self) -> Result[None]:
        raise MemberNotImplemented

    def Park(self) -> Result[None]:
        raise MemberNotImplemented

    def SetPark(self) -> Result[None]:
        raise MemberNotImplemented

    def SlewToAltitude(self, Altitude: Degrees) -> Result[None]:
        raise MemberNotImplemented

    def SlewToAzimuth(self, Azimuth: Degrees) -> Result[None]:
        raise MemberNotImplemented

    def SyncToAzimuth(self, Azimuth: Degrees) -> Result[None]:
        raise MemberNotImplemented


@implementer(IFocuser)
class Focuser(Device):
    """A focuser: an author writes MaxStep, IsMoving and Move, Position unless it is relative, and Halt if it can."""

    interface: ClassVar[Any] = IFocuser

    def Absolute(self) -> Result[bool]:
        return True

    @abstractmethod
    def IsMoving(self) -> Result[bool]: ...

    def MaxIncrement(self) -> Result[Steps]:
        return self.MaxStep()

    @abstractmethod
    def MaxStep(self) -> Result[Steps]: ...

    def Position(self) -> Result[Steps]:
        raise MemberNotImplemented

    def StepSize(self) -> Result[Micrometres]:
        raise MemberNotImplemented

    def TempComp(self) -> Result[bool]:
        return False

    def SetTempComp(self, TempComp: bool) -> Result[None]:
        return None  # without TempCompAvailable, only False comes here

    def TempCompAvailable(self) -> Result[bool]:
        return False

    def Temperature(self) -> Result[Celsius]:
        raise MemberNotImplemented

    def Halt(self) -> Result[None]:
        raise MemberNotImplemented

    @abstractmethod
    def Move(self, Position: Steps) -> Result[None]: ...


# The device type as in a URL -> the class its drivers stand on.
BASES = {each.interface.getTaggedValue("device_type").lower(): each for each in (SafetyMonitor, Dome, Focuser)}
