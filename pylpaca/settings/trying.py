"""Trying settings before they are saved: a device is connected with them, asked, and disconnected, while its line is heard."""

# Facts
#   A device that is connected is not connected a second time: setting it up again would change it under those who use it. It is
#   asked as it is.

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from pylpaca.calls import settled, within
from pylpaca.config import DriverEntry
from pylpaca.device import Device
from pylpaca.errors import AlpacaError
from pylpaca.roster import Entry
from pylpaca.serial import Cables, SerialSettings
from pylpaca.serial.recording import Kind
from pylpaca.settings.reopening import Refused, Reopening, moving
from pylpaca.values import StateItem

log = Logger()

CONNECTED_WITHIN = 20.0  # seconds
ANSWERED_WITHIN = 5.0
CLOSED_WITHIN = 5.0


@dataclass(frozen=True)
class Said:
    """Something that happened on a line."""

    seconds: float  # since the test began
    kind: Kind
    data: bytes = b""
    text: str = ""


class Ear:
    """Remembers what is said on a line, up to a limit."""

    MOST = 200

    def __init__(self, clock: IReactorTime) -> None:
        self.said: list[Said] = []
        self.is_full = False
        self._clock, self._began = clock, clock.seconds()

    def opened(self, name: str) -> None:
        """The port of this name is open."""
        self._note(Kind.OPENED, text=name)

    def sent(self, data: bytes) -> None:
        """This was written to the device."""
        self._note(Kind.SENT, bytes(data))

    def received(self, data: bytes) -> None:
        """This came from the device; what comes in pieces is one message until something else happens."""
        last = self.said[-1] if self.said else None
        if last is not None and last.kind is Kind.RECEIVED and len(last.data) < self.MOST:
            self.said[-1] = replace(last, data=last.data + bytes(data))
        else:
            self._note(Kind.RECEIVED, bytes(data))

    def lost(self, why: str) -> None:
        """The port vanished."""
        self._note(Kind.LOST, text=why)

    def closed(self) -> None:
        """The port was closed."""
        self._note(Kind.CLOSED)

    def _note(self, kind: Kind, data: bytes = b"", text: str = "") -> None:
        if len(self.said) >= self.MOST:
            self.is_full = True
            return
        self.said.append(Said(self._clock.seconds() - self._began, kind, data, text))


def _check_port(cables: Cables, wanted: object, in_effect: object) -> None:
    """Whether the port may be tried: one that others use is, if the device shares it with them by its own settings already."""
    if not isinstance(wanted, SerialSettings) or not (users := cables.users(wanted.port)):
        return
    if not isinstance(in_effect, SerialSettings) or cables.users(in_effect.port) != users:
        raise Refused(f"port {wanted.port} is used by {' and '.join(users)}, who would read what this device is asked")


@dataclass
class Trial:
    """
    What came of a test.

    :ivar outcome: in words.
    :ivar values: what the device says of itself.
    :ivar said: what was said on its line.
    """

    outcome: str
    is_good: bool = False
    values: Sequence[StateItem] = ()
    said: Sequence[Said] = field(default_factory=list)


class Bench:
    """Tries devices, one at a time."""

    def __init__(self, reopening: Reopening, clock: IReactorTime) -> None:
        self._reopening, self._clock = reopening, clock
        self._is_busy = False

    async def tried(self, entry: Entry, wanted: DriverEntry) -> Trial:
        """
        Try a device with these settings; what happens is told, and nothing raised.

        :param entry: the device that is there now.
        """
        if self._is_busy:
            return Trial("Another test is going on; try again in half a minute.")
        self._is_busy = True
        try:
            return await self._tried(entry, wanted)
        except Refused as refused:
            return Trial(f"Nothing was tried: {refused}.")
        finally:
            self._is_busy = False

    async def _tried(self, entry: Entry, wanted: DriverEntry) -> Trial:
        if why := await moving(entry):
            raise Refused(f"{why}, and must not be disturbed")
        if entry.driver.link.is_busy:
            raise Refused(f"{entry.driver.name} is being connected or disconnected just now")
        ear, cables = Ear(self._clock), self._reopening.surroundings.cables
        try:
            if entry.driver.link.is_open:
                if cables is not None:
                    cables.hear(entry.driver.name, ear)
                trial = await self._asked_as_it_is(entry.driver)
            else:
                surroundings = self._reopening.surroundings
                if cables is not None:
                    surroundings = replace(surroundings, cables=cables.heard_by(ear))
                device = self._reopening.throw_away(wanted, surroundings)
                if cables is not None:
                    _check_port(cables, device.settings, entry.driver.settings)
                trial = await self._connected(device)
        finally:
            if cables is not None:
                cables.unheard(ear)
        trial.said = ear.said
        if ear.is_full:
            trial.outcome += f" Only the first {Ear.MOST} events on the line are shown."
        return trial

    async def _asked_as_it_is(self, device: Device) -> Trial:
        holders = [f"{address} (ClientID {number})" for address, number in device.link.holders]
        who = f" by {', '.join(holders)}" if holders else " by the server" if device.link.permanent else ""
        what = (
            f"{device.name} is connected{who}, so it was asked as it is, with the settings that are in effect; to try others, "
            "disconnect it first, or save them."
        )
        return await self._asked(device, Trial(what, is_good=True))

    async def _connected(self, device: Device) -> Trial:
        link = device.link
        link.vote(True)
        try:
            await within(self._clock, CONNECTED_WITHIN, link.reached(), f"connecting {device.name}")
            trial = await self._asked(device, Trial("It works: it was connected, asked, and disconnected again.", is_good=True))
        except AlpacaError as error:
            trial = Trial(f"It does not work: {error.sentence}")
        with suppress(AlpacaError):  # the driver's own disconnect hangs, which the link tells the log
            await within(self._clock, CLOSED_WITHIN, link.shut("the test is over"), f"disconnecting {device.name}")
        return trial

    async def _asked(self, device: Device, trial: Trial) -> Trial:
        try:
            answer: Deferred[list[StateItem]] = Deferred.fromCoroutine(settled(device.DeviceState()))
            state = await within(self._clock, ANSWERED_WITHIN, answer, f"DeviceState of {device.name}")
            trial.values = [each for each in state if each.Name != "TimeStamp"]
        except AlpacaError as error:
            return Trial(f"It was connected, but did not say how it is: {error.sentence}")
        except Exception as error:  # the driver's own
            log.failure("{name} failed", name=device.name)
            return Trial(f"It was connected, but failed when it was asked how it is: {type(error).__name__}: {error}")
        return trial
