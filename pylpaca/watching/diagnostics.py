"""What somebody needs to know who is to find out why a server does not do what it should; nothing secret is in it."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import distributions
from typing import Any

from pylpaca import __version__
from pylpaca.config import Configuration
from pylpaca.discreet import Discretion, told, told_configuration
from pylpaca.roster import Entry, Roster
from pylpaca.serial.inventory import THIS, Machine, here
from pylpaca.serial.ports import obstacle
from pylpaca.viewing import View
from pylpaca.watching import lateness, metrics
from pylpaca.watching.counts import Member
from pylpaca.watching.recent import Line
from pylpaca.watching.records import Records

SLOWEST = 25  # operations


@dataclass(frozen=True)
class Known:
    """
    What is told, taken at one moment.

    :ivar addresses: what people type into a client.
    :ivar views: how each device looks.
    """

    now: datetime
    configuration: Configuration
    roster: Roster
    addresses: Sequence[str]
    views: Sequence[View]
    records: Records


def gathered(known: Known) -> dict[str, Any]:
    """What is known without asking the system for anything that may take its time."""
    records = known.records
    views = {each.device: each for each in known.views}
    return {
        "made": known.now.isoformat(timespec="seconds"),
        "pylpaca": __version__,
        "python": platform.python_version(),
        "file": str(known.configuration.source.file or ""),
        "addresses": list(known.addresses),
        "uptime_seconds": round(records.uptime),
        "connections": records.connections(),
        "refused": {str(status): count for status, count in sorted(records.refused.items())},
        "reactor_lag": _lag(records),
        "configuration": told_configuration(known.configuration),
        "devices": [_device(entry, views.get(f"{entry.kind}/{entry.number}")) for entry in known.roster],
        "slowest": [_slow(each) for each in records.counts.slowest(SLOWEST)],
        "log": records.recent.lines(),
    }


def text(known: dict[str, Any], discreet: Discretion, machine: Machine = THIS) -> bytes:
    """The whole file; it asks the system, and may take its time."""
    system = {
        "system": platform.platform(),
        "packages": dict(sorted((each.name, each.version) for each in distributions() if each.name)),
        "ports": list(_ports(machine)),
        "process": {
            "cpu_seconds": round(time.process_time(), 2),
            "memory_bytes": metrics.resident_memory(),
            "open_files": metrics.open_files(),
            "most_files": metrics.most_files(),
        },
    }
    log = [_line(each) for each in known.pop("log")]
    return discreet(json.dumps({**known, **system, "log": log}, indent=1, ensure_ascii=False, default=str)).encode(
        "utf-8", "backslashreplace"
    )


def _lag(records: Records) -> dict[str, Any]:
    late = records.lateness
    words = [*(f"at most {each:g} s" for each in lateness.BOUNDS), "longer"]
    found = {word: count for word, count in zip(words, late.within, strict=True) if count}
    return {"longest_of_the_last_minute_seconds": round(late.longest(), 4), "timers": found}


def _device(entry: Entry, view: View | None) -> dict[str, Any]:
    driver = type(entry.driver)
    found: dict[str, Any] = {
        "device": f"{entry.kind}/{entry.number}",
        "name": entry.driver.name,
        "driver": f"{driver.__module__}.{driver.__qualname__}",
        "driver_version": entry.driver.version,
        "unique_id": entry.unique_id,
        "settings": told(entry.driver.settings),
        "always_connected": entry.driver.link.permanent,
        "opened": entry.driver.link.openings,
    }
    if view is not None:
        values = {name: each.value for name, each in view.values.items()}
        found |= {"link": view.lamp, "error": view.error, "holders": list(view.holders), "state": values}
    return found


def _slow(member: Member) -> dict[str, Any]:
    return {
        "device": member.device,
        "verb": member.operation.verb,
        "member": member.operation.member,
        "calls": member.count,
        "refused_or_failed": member.errors,
        "mean_ms": round(1000 * member.seconds / member.count, 3),
        "longest_ms": round(1000 * member.longest, 3),
    }


def _line(line: Line) -> dict[str, Any]:
    told = {
        "time": line.time.isoformat(),
        "level": line.level,
        "device": line.device,
        "client": line.client,
        "text": line.text,
        "detail": line.detail,
    }
    return {name: value for name, value in told.items() if value}


def _ports(machine: Machine) -> Iterable[dict[str, str]]:
    for port in here(machine):
        found = {"port": port.device, "name": port.name, "what": port.description, "usb": str(port.usb or "")}
        yield {**found, "obstacle": obstacle(port, machine)}
