"""What all drivers have in common, whatever they drive."""

from __future__ import annotations

from abc import ABC
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, partial
from inspect import cleandoc
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

from pylpaca import __version__
from pylpaca.calls import perform, settled, snapshot
from pylpaca.device.neighbours import Neighbours
from pylpaca.errors import MemberNotImplemented
from pylpaca.interfaces import IDevice, Operation, Result, interface_version
from pylpaca.link import Link
from pylpaca.serial import Cables, Framing, Prepare, SerialLine, SerialSettings
from pylpaca.shared_answers import MaxAge, SharedAnswers, max_ages
from pylpaca.threads import OwnThread, at_once
from pylpaca.values import StateItem


class NoSettings(BaseModel):
    """The settings of a driver that has none; those of others are built on it, so that misspelled ones are refused."""

    model_config = ConfigDict(extra="forbid")


M = TypeVar("M", bound=Callable[..., Any])
T = TypeVar("T")


def left_out(method: M) -> M:
    """Marks a member of a base class that an author writes if the hardware has it."""
    method.__dict__["left_out"] = True
    return method


def utc_now() -> datetime:
    """The time of day, for labels and the sky; durations come from the clock."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Surroundings:
    """What a driver is handed: its name, the clock for durations, the time of day, serial cables, a thread and its neighbours."""

    clock: IReactorTime
    name: str = ""
    utc: Callable[[], datetime] = utc_now
    cables: Cables | None = None
    own_thread: OwnThread = at_once
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
    max_age: ClassVar[MaxAge] = 0.0  # seconds for which values may be reused: {"Position": 0.1}, or one number for all members

    settings: Any

    def __init__(self, settings: BaseModel, surroundings: Surroundings) -> None:
        self.settings = settings
        self.name = surroundings.name or type(self).__name__
        self.clock = surroundings.clock
        self.utc = surroundings.utc
        self.neighbours = surroundings.neighbours
        self.log = Logger(namespace=type(self).__module__, source=self)
        self.link = Link(self._enter, self._leave, self.clock, self.name, surroundings.autoconnect)
        self._cables = surroundings.cables
        self._thread = surroundings.own_thread(self.name)
        self._lines: list[SerialLine] = []
        ages = max_ages(self.interface, self.max_age)
        self.shared_answers = SharedAnswers(self.clock, lambda: (self.link.is_open, self.link.openings), self._lines, ages)
        self.forget()

    # what an author may override

    def connect(self) -> Awaitable[None] | None:
        """Make the device usable, in a known state; what this raises is why it is not, and the client reads it."""
        return None

    def disconnect(self) -> Awaitable[None] | None:
        """Leave the device alone; also called after `connect` failed. Serial lines are closed afterwards."""
        return None

    def shutdown(self) -> Awaitable[None] | None:
        """
        The server stops and this device is connected: end what must not go on alone; `disconnect` follows. It has half a second.

        Nothing by default. Do not start a motion here: an upgrade of the server must not move a dome.
        """
        return None

    async def open_serial(
        self,
        settings: SerialSettings,
        framing: Framing,
        unsolicited: Callable[[bytes], object] | None = None,
        prepare: Prepare | None = None,
    ) -> SerialLine:
        """
        Open a serial port for this device, or share it with those that have it open; left when the device is disconnected.

        A cable that is pulled and put back heals; one that stays away for `settings.keep_trying` disconnects the device.

        :param framing: how messages are cut, unless a question says otherwise.
        :param unsolicited: gets each message that answers nothing.
        :param prepare: sets the device up and checks that it is the right one, on the line that it is handed: after the port was
            opened, when what it raises is raised here, and after it was opened again, when what it raises has it tried again.
        :raises DriverError: it cannot be opened; the sentence says why.
        """
        if self._cables is None:
            raise RuntimeError("this driver was built without serial ports: hand it Surroundings(cables=…)")
        line = await self._cables.join(self.name, settings, framing, unsolicited, prepare, self.link.lost)
        self._lines.append(line)
        return line

    def in_thread(self, function: Callable[..., T], *arguments: Any, **named: Any) -> Deferred[T]:
        """
        Run what would block, such as a call of an SDK, in this device's own thread, one after another; a Deferred of its result.

        It goes on after a deadline and after a disconnect; it must not touch the driver's own state, which is the reactor's.
        """
        return self._thread(function, *arguments, **named)

    def forget(self) -> None:  # noqa: B027  # most base classes keep nothing
        """The framework's: a link begins or ends, and what the base class kept of the last one is gone."""

    async def _enter(self) -> None:
        self.forget()
        await settled(self.connect())
        self.shared_answers.changed()

    async def _leave(self) -> None:
        self.shared_answers.changed()
        try:
            await settled(self.disconnect())
        finally:
            self.shared_answers.changed()
            self.forget()
            lines = list(self._lines)
            self._lines.clear()
            await gatherResults([line.close() for line in lines])

    @classmethod
    @cache
    def lacks(cls, method: str) -> bool:
        """Whether the author left this member out."""
        return getattr(getattr(cls, method), "left_out", False)

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

    @left_out
    def Action(self, Action: str, Parameters: str) -> Result[str]:
        raise MemberNotImplemented(f"{self.name} lists the action {Action} but does not have it")

    @left_out
    def CommandBlind(self, Command: str, Raw: bool) -> Result[None]:
        raise MemberNotImplemented

    @left_out
    def CommandBool(self, Command: str, Raw: bool) -> Result[bool]:
        raise MemberNotImplemented

    @left_out
    def CommandString(self, Command: str, Raw: bool) -> Result[str]:
        raise MemberNotImplemented

    def DeviceState(self) -> Result[list[StateItem]]:
        return snapshot(self, self._time_stamp, partial(_asked, self))

    def _time_stamp(self) -> str:
        return self.utc().strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def _asked(device: Device, operation: Operation, arguments: dict[str, Any]) -> Any:
    """What answers a question within DeviceState: what a client has just asked, or the driver."""
    if (shared := device.shared_answers.find(operation, arguments)) is not None:
        return shared.answer()
    answer = perform(device, operation, arguments)
    return device.shared_answers.share(operation, arguments, answer) if isinstance(answer, Deferred) else answer
