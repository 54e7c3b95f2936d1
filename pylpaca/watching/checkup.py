"""Whether the server does what it is there for: the answer for load balancers, uptime checkers and scripts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pylpaca import __version__
from pylpaca.roster import Entry, Roster
from pylpaca.viewing import View

OK, FAILING = "ok", "failing"


def permanent(roster: Roster) -> list[Entry]:
    """The devices that are to be connected at all times."""
    return [entry for entry in roster if entry.driver.link.permanent]


def verdict(roster: Roster, views: Sequence[View], uptime: float, lag: float) -> tuple[int, dict[str, Any]]:
    """
    The HTTP status, and what is said with it.

    It is 503 while a device that is to be connected at all times (autoconnect) could not be connected, or does not answer. One
    that is being connected for the first time is no reason yet; other devices are their clients' affair.

    :param views: at least those of the devices that are to be connected at all times.
    :param lag: how late the reactor has been during the last minute, in seconds.
    """
    by_name = {each.device: each for each in views}
    wrong = {}
    for entry in permanent(roster):
        name = f"{entry.kind}/{entry.number}"
        view, link = by_name[name], entry.driver.link
        if link.is_missing or view.lamp == "not-answering":
            wrong[name] = view.error or view.lamp_text
    found = {
        "status": FAILING if wrong else OK,
        "version": __version__,
        "uptime_seconds": round(uptime),
        "reactor_lag_seconds": round(lag, 4),
        "devices": {each.device: each.lamp for each in views},
        "problems": wrong,
    }
    return (503 if wrong else 200), found
