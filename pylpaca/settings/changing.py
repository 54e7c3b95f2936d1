"""Changing settings: read from the configuration file, written into it, and put into effect."""

# Facts
#   Reading and writing a file may take long, on a card or over a network: it is done in a thread. Meanwhile nobody else saves.
#   A device is built with the new settings before they are written: what cannot be is not saved. What can be built but not
#   connected is: the settings stay, and the page says why it is not connected.

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from twisted.logger import Logger

from pylpaca import replacing
from pylpaca.config import DriverEntry, ServerSection, dotted
from pylpaca.roster import Entry, Key, Roster
from pylpaca.settings import keeping
from pylpaca.settings.editing import same
from pylpaca.settings.forms import HIDDEN, without_secrets
from pylpaca.settings.keeping import CannotKeep, Find, Part
from pylpaca.settings.reopening import Refused, Reopening, opened

log = Logger()

OPENED_WITHIN = 10.0  # seconds that a page waits for a device to be connected
ON_THE_FORM = ("name", "autoconnect", "deadline")  # of a device, besides the settings of its driver
IN_THE_FILE = ("unique_id", "on_exit", "interlocks")  # of it, what stays as it is in effect until the server starts anew


@dataclass(frozen=True)
class Now:
    """
    What a part of the configuration says now.

    :ivar raw: as the file has it; where there is none, as it is in effect.
    :ivar part: where it stands, None if it cannot be written there.
    :ivar why_not: why that cannot be written; "" if it can.
    :ivar notes: what whoever changes it should know.
    """

    raw: dict[str, Any]
    part: Part | None = None
    why_not: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """
    What became of settings that were to be saved.

    :ivar paste: what people can write into a configuration file themselves; "" if they need not.
    """

    is_done: bool
    sentence: str
    paste: str = ""


class Changing:
    """Changes the settings of one server and its devices."""

    def __init__(self, reopening: Reopening, roster: Roster) -> None:
        self._reopening, self._roster = reopening, roster
        self._in_thread = reopening.surroundings.own_thread("settings")
        self._is_saving = False

    @property
    def file(self) -> Path | None:
        """The configuration file, if there is one."""
        return self._reopening.configuration.source.file

    async def device_now(self, key: Key) -> Now:
        """What is said of a device now."""
        in_effect = self._reopening.wanted(key)
        now = await self._now(keeping.device(key), in_effect.model_dump(mode="json", exclude_unset=True))
        if now.part is not None and not _same_effect(now.raw, in_effect):
            note = f"{self.file} was changed since these settings came into effect: it says this now; Save puts it in effect."
            now = replace(now, notes=(note, *now.notes))
        return now

    async def server_now(self) -> Now:
        """What is said of the server now."""
        return await self._now(keeping.server, plain_section(self._reopening.configuration.server))

    async def _now(self, find: Find, in_effect: dict[str, Any]) -> Now:
        if self.file is None:
            return Now(in_effect)
        try:
            part = await self._in_thread(keeping.look, self.file, find)
        except CannotKeep as error:
            return Now(in_effect, None, f"{self.file} cannot be changed: {error}.")
        obstacle = replacing.obstacle(self.file)
        others = [f"There is something else wrong in it, and the server would not start again: {each}" for each in part.others]
        return Now(part.raw, part, f"{self.file} cannot be changed: {obstacle}." if obstacle else "", tuple(others))

    async def save_device(self, entry: Entry, now: Now, raw: dict[str, Any]) -> Outcome:
        """
        Save the settings of a device, and put them into effect.

        :param raw: as the file shall have them; they fit to its models.
        """
        return await self._alone(lambda: self._save_device(entry, now, raw))

    async def _save_device(self, entry: Entry, now: Now, raw: dict[str, Any]) -> Outcome:
        before = self._reopening.wanted((entry.kind, entry.number))
        wanted = DriverEntry.model_validate(raw)
        stays = {name: getattr(before, name) for name in IN_THE_FILE if getattr(before, name) != getattr(wanted, name)}
        wanted = wanted.model_copy(update=stays)
        if same(raw, now.raw) and _same_effect(raw, before):
            return Outcome(True, "Nothing was changed.")
        prepared = await self._reopening.prepare(wanted)
        if now.part is not None:
            try:
                await self._in_thread(keeping.keep, now.part, raw)
            except CannotKeep as error:
                paste = _json({**raw, "driver_config": without_secrets(type(entry.driver).Settings, wanted.driver_config)})
                return self._not_written(str(error), f"in place of the entry of {entry.kind} {entry.number}", paste)
        elif self.file is not None:
            return Outcome(False, f"Nothing was changed. {now.why_not}")
        is_same = prepared.entry.driver is entry.driver
        try:
            self._reopening.put(prepared)
        except Refused as refused:
            where = f"Saved in {self.file}, but not" if now.part is not None else "Not"
            return Outcome(False, f"{where} in effect: {refused}. Save again when that is over.")
        log.info("{kind}/{number} has other settings", kind=entry.kind, number=entry.number)
        told = "" if is_same else " " + await opened(prepared.entry.driver, OPENED_WITHIN)
        if now.part is not None:
            return Outcome(True, f"Saved in {self.file}, and in effect.{told}")
        return Outcome(
            True,
            f"In effect until the server stops.{told} There is no configuration file that it could be saved in: this server runs "
            "with its embedded default. To keep it, save what stands below as config.json, and start the server with "
            "--config config.json.",
            self._everything(),
        )

    async def save_server(self, now: Now, raw: dict[str, Any]) -> Outcome:
        """
        Save the settings of the server, which come into effect when it is started again.

        :param raw: as the file shall have them; they fit to their model.
        """
        return await self._alone(lambda: self._save_server(now, raw))

    async def _save_server(self, now: Now, raw: dict[str, Any]) -> Outcome:
        if same(raw, now.raw):
            return Outcome(True, "Nothing was changed.")
        wanted = replace(self._reopening.configuration, server=ServerSection.model_validate(raw))
        wrong = [each for each in self._reopening.objections(wanted) if each.place[:1] == ("server",)]
        if wrong:
            raise Refused("; ".join(f"{dotted(each.place)} {each.sentence}" for each in wrong))
        changed = {key: value for key, value in raw.items() if key not in now.raw or not same(value, now.raw[key])}
        if now.part is None:
            return Outcome(False, f"Nothing was changed. {now.why_not or 'There is no configuration file.'}")
        try:
            await self._in_thread(keeping.keep, now.part, raw)
        except CannotKeep as error:
            return self._not_written(str(error), 'into "server"', _json(changed))
        return Outcome(True, f"Saved in {self.file}. It comes into effect when the server is started again.")

    async def _alone(self, save: Callable[[], Awaitable[Outcome]]) -> Outcome:
        if self._is_saving:
            return Outcome(False, "Nothing was changed: somebody else saves settings just now. Try again in a moment.")
        self._is_saving = True
        try:
            return await save()
        except Refused as refused:
            return Outcome(False, f"Nothing was changed: {refused}.")
        finally:
            self._is_saving = False

    def _not_written(self, why: str, where: str, paste: str) -> Outcome:
        hidden = f" Where {HIDDEN} stands, the file has a password." if HIDDEN in paste else ""
        return Outcome(
            False,
            f"Nothing was changed: {self.file} was not written, since {why}. You can write this into it yourself, {where}, and "
            f"start the server again.{hidden}",
            paste,
        )

    def _everything(self) -> str:
        """The whole configuration that is in effect, without passwords."""
        entries = []
        for each in self._reopening.configuration.devices:
            raw = each.entry.model_dump(mode="json", exclude_unset=True)
            found = self._roster.entries.get((each.entry.device_type, each.entry.device_number))
            if found is not None and "driver_config" in raw:
                raw["driver_config"] = without_secrets(type(found.driver).Settings, raw["driver_config"])
            entries.append(raw)
        return _json({"drivers": entries})


def plain_section(section: ServerSection) -> dict[str, Any]:
    """The settings of the server as a configuration could have them, without passwords."""
    return without_secrets(ServerSection, section.model_dump(mode="json", exclude_unset=True))


def _same_effect(raw: Mapping[str, Any], entry: DriverEntry) -> bool:
    """Whether what a form shows of a device is what is in effect."""
    if not same(raw.get("driver_config", {}), entry.driver_config):
        return False
    fields = DriverEntry.model_fields
    return all(same(raw.get(name, fields[name].default), getattr(entry, name)) for name in ON_THE_FORM)


def _json(content: Any) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False)
