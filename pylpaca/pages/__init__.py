"""
What people see with a browser: pages, each group of them a room of its own with its own routes.

Nobody writes HTML as text here: pages are made of twisted.web.template's tags, which escape what they are given.
"""

# Facts (measured)
#   To import what pages are made of takes a seventh of the time that a start takes, and no client of a device needs it.

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Protocol, cast

from klein import Klein

from pylpaca.pages.observatory import Observatory

_ROOMS = {
    "": "start.Start",
    "control": "control.Control",
    "setup": "setup.Setup",
    "events": "events.Events",
    "assets": "assets.Assets",
    "log": "log.Log",
    "docs": "api_docs.ApiDocs",
    "metrics": "monitoring.Metrics",
    "health": "monitoring.Health",
}


class Room(Protocol):
    """Routes, each with its whole path."""

    app: Klein


class Rooms(Mapping[str, Room]):
    """
    The pages, by the first part of their paths; "" has the start page, and refuses what is not there.

    A room is made when somebody first enters it.
    """

    def __init__(self, observatory: Observatory) -> None:
        self._observatory = observatory
        self._made: dict[str, Room] = {}

    def __getitem__(self, name: str) -> Room:
        if name not in self._made:
            module, _, kind = _ROOMS[name].partition(".")
            self._made[name] = cast(Room, getattr(_load(module), kind)(self._observatory))
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(_ROOMS)

    def __len__(self) -> int:
        return len(_ROOMS)


def load() -> None:
    """Import all that pages are made of; in a thread, so that who enters first does not wait for it, nor the devices."""
    for each in _ROOMS.values():
        _load(each.partition(".")[0])


def _load(module: str) -> object:
    return import_module(f"pylpaca.pages.{module}")
