"""
What people see with a browser: pages, each group of them a room of its own with its own routes.

Nobody writes HTML as text here: pages are made of twisted.web.template's tags, which escape what they are given.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from klein import Klein

from pylpaca.pages.api_docs import ApiDocs
from pylpaca.pages.assets import Assets
from pylpaca.pages.control import Control
from pylpaca.pages.events import Events
from pylpaca.pages.log import Log
from pylpaca.pages.observatory import Observatory
from pylpaca.pages.setup import Setup
from pylpaca.pages.start import Start
from pylpaca.pages.telling import Health, Metrics


class Room(Protocol):
    """Routes, each with its whole path."""

    app: Klein


def rooms(observatory: Observatory) -> Mapping[str, Room]:
    """The pages, by the first part of their paths; "" has the start page, and refuses what is not there."""
    return {
        "": Start(observatory),
        "control": Control(observatory),
        "setup": Setup(observatory),
        "events": Events(observatory),
        "assets": Assets(),
        "log": Log(observatory),
        "docs": ApiDocs(observatory),
        "metrics": Metrics(observatory),
        "health": Health(observatory),
    }
