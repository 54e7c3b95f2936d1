"""One device gets other settings while the server runs: it is built anew and opened in the place of the old one."""

# Facts
#   What knows a device follows it: the roster, and through `Roster.replaced` its neighbours and what is kept of its health; the
#   interlocks of its own and of others that ask it, and the steps of on_exit and of the deadman.
#   Two drivers cannot have one port: the old link is closed before the new one is opened. Clients find the new device at once,
#   connecting meanwhile. One that moves, or has not answered an order, is not replaced; what the old one was asked is answered.

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Protocol

from pydantic import ValidationError
from twisted.internet.defer import Deferred, gatherResults

from pylpaca.calls import within
from pylpaca.config import Configuration, DriverEntry, Mistake, dotted
from pylpaca.device import Device, Surroundings
from pylpaca.device.neighbours import ANSWER_WITHIN
from pylpaca.errors import AlpacaError, DriverError
from pylpaca.interfaces import Operation, operations
from pylpaca.roster import BadSettings, CannotLoad, Entry, Key, Roster, find_driver, make

OF_THE_DRIVER = ("device_driver", "driver_config", "name", "autoconnect")  # what a driver is built with


class Refused(Exception):
    """It cannot be done now, or never; the sentence says why. Nothing has changed."""


class Following(Protocol):
    """What a configuration says about safety, in effect."""

    @property
    def is_at_work(self) -> bool:
        """Whether devices are being brought into safe states just now."""

    def objections(self, configuration: Configuration, roster: Roster) -> list[Mistake]:
        """What would be wrong with a configuration if these were the devices; nothing is changed."""

    def follow(self, configuration: Configuration) -> None:
        """Other devices stand in the roster now."""


@dataclass(frozen=True)
class Prepared:
    """A device that could stand in the place of the one with its type and number."""

    entry: Entry
    configuration: Configuration  # what would be in effect
    asked: int = 0  # how often the old one had been asked to move, when it was looked whether it does


class Reopening:
    """
    Puts devices with other settings into the place of others.

    :ivar configuration: what is in effect now.
    :ivar learn: is told settings before anybody can log what is secret in them.
    """

    def __init__(self, configuration: Configuration, roster: Roster, surroundings: Surroundings, safety: Following) -> None:
        self.configuration, self.surroundings = configuration, surroundings
        self.learn: Callable[[Iterable[Any]], None] = lambda values: None
        self._roster, self._safety = roster, safety

    def wanted(self, key: Key) -> DriverEntry:
        """What the configuration that is in effect says of a device."""
        return next(each.entry for each in self.configuration.devices if _key(each.entry) == key)

    async def prepare(self, wanted: DriverEntry) -> Prepared:
        """
        Build a device with other settings; nothing is opened, and the old one goes on.

        :raises Refused: it cannot be built, does not fit to the others, or the one in its place must not be disturbed now.
        """
        old = self._roster.entries[_key(wanted)]
        self._look(old)
        asked = old.driver.link.motions.asked.total()
        if why := await moving(old):
            raise Refused(_wait(why))
        prepared = replace(self._built(old, wanted), asked=asked)
        tentative = Roster({**self._roster.entries, _key(wanted): prepared.entry})
        if found := self._safety.objections(prepared.configuration, tentative):
            raise Refused("; ".join(f"{dotted(each.place)} {each.sentence}" for each in found))
        return prepared

    def _look(self, old: Entry) -> None:
        if self._safety.is_at_work:
            raise Refused("devices are being brought into safe states just now, which must not be disturbed")
        if why := _told_to(old):
            raise Refused(_wait(why))

    def _built(self, old: Entry, wanted: DriverEntry) -> Prepared:
        before = self.wanted(_key(wanted))
        devices = tuple(replace(each, entry=wanted) if each.entry is before else each for each in self.configuration.devices)
        configuration = replace(self.configuration, devices=devices)
        if all(getattr(wanted, name) == getattr(before, name) for name in OF_THE_DRIVER):
            return Prepared(replace(old, deadline=wanted.deadline), configuration)
        return Prepared(self._made(old, wanted, self.surroundings), configuration)

    def _made(self, old: Entry, wanted: DriverEntry, surroundings: Surroundings) -> Entry:
        found = type(old.driver)
        try:
            if find_driver(wanted.device_driver) is not found:
                raise Refused(f"another driver, {wanted.device_driver}, needs a restart of the server")
            with suppress(ValidationError):  # which is told by who makes the device
                self.learn([wanted.driver_config, found.Settings.model_validate(wanted.driver_config)])
            return make(found, wanted, surroundings, old.unique_id)
        except CannotLoad as error:
            raise Refused(error.sentence) from None
        except BadSettings as error:
            raise Refused("; ".join(f"{dotted(place)} {sentence}" for place, sentence in error.mistakes)) from None

    def put(self, prepared: Prepared) -> None:
        """
        Put it in the place of the old one, and have it opened if that was open.

        Clients who held the old one hold it.

        :raises Refused: the old one must not be disturbed any more, although that was not so when this one was prepared.
        """
        entry = prepared.entry
        old = self._roster.entries[entry.kind, entry.number]
        if entry.driver is not old.driver:
            self._look(old)
            link = old.driver.link
            if link.is_open and link.motions.asked.total() != prepared.asked:
                raise Refused(_wait(f"{old.driver.name} was told to move just now"))
        self.configuration = prepared.configuration
        self._roster.replace(entry)
        if entry.driver is old.driver:
            return
        self._safety.follow(self.configuration)
        entry.driver.link.take_over(old.driver.link)

    def throw_away(self, wanted: DriverEntry, surroundings: Surroundings) -> Device:
        """
        A device with these settings that nobody will find.

        :raises Refused: it cannot be built.
        """
        old = self._roster.entries[_key(wanted)]
        name = f"{wanted.name or old.driver.name} (test)"
        return self._made(old, wanted.model_copy(update={"name": name, "autoconnect": False}), surroundings).driver

    def objections(self, configuration: Configuration) -> list[Mistake]:
        """What is wrong with what a configuration says about safety, with the devices that are here."""
        return self._safety.objections(configuration, self._roster)


def _key(entry: DriverEntry) -> Key:
    return entry.device_type, entry.device_number


def _told_to(entry: Entry) -> str:
    """Which order a device has not answered yet; "" if there is none, or if it is not connected."""
    link = entry.driver.link
    orders = [each.operation.method for each in link.motions] if link.is_open else []
    return f"{entry.driver.name} is being told to {orders[0]}" if orders else ""


def _wait(why: str) -> str:
    return f"{why}: wait until it is done, stop it, or disconnect it"


async def moving(entry: Entry) -> str:
    """What shows that a device moves or works now; "" if nothing does, or if it cannot say."""
    driver = entry.driver
    if not driver.link.is_open:
        return ""
    if why := _told_to(entry):
        return why
    telling = [each for each in operations(driver.interface).values() if each.busy and not driver.lacks(each.method)]
    found = await gatherResults([Deferred.fromCoroutine(_told(entry, each)) for each in telling])
    return next(filter(None, found), "")


async def _told(entry: Entry, operation: Operation) -> str:
    driver = entry.driver
    try:
        name = f"{entry.kind}/{entry.number}"
        value = await driver.neighbours.answer(driver, name, operation, {}, ANSWER_WITHIN)
    except DriverError:
        return ""
    return f"{driver.name} is at work ({operation.member})" if value in operation.busy else ""


async def opened(device: Device, seconds: float) -> str:
    """What became of a device that was put in the place of another: whether it is connected, or why not."""
    link = device.link
    try:
        await within(device.clock, seconds, link.reached(), f"connecting {device.name}")
    except AlpacaError as error:
        if link.is_busy:
            return f"{device.name} is still being connected."
        return f"{device.name} could not be connected: {error.sentence}"
    return f"{device.name} is connected." if link.is_open else f"{device.name} is not connected, as before."
