"""Which pages a server has, found in its rooms: for what every page has to be, whoever made it."""

from __future__ import annotations

from typing import Any

from pylpaca.testing import MemoryServer

BY_DEVICE = {"kind", "number"}  # the parts of a path that name a device
MEMBER = "tracking"  # its page, to read it and to write it, stands for those of all members


def pages(server: MemoryServer) -> dict[str, str]:
    """The HTML of each page, by its path."""
    room: Any
    found: dict[str, str] = {}
    for room in server.site.rooms.values():
        for rule in room.app.url_map.iter_rules():
            if "GET" not in rule.methods or "/events" in rule.rule:
                continue
            for path in _paths(rule, server):
                answer = server.get(path)
                if answer.status == 200 and answer.headers["content-type"].startswith("text/html"):
                    found[path] = answer.body.decode()
    return found


def _paths(rule: Any, server: MemoryServer) -> list[str]:
    if not rule.arguments:
        return [rule.rule]
    if rule.arguments - {"member"} != BY_DEVICE:
        return []
    way = rule.rule.replace("<member>", MEMBER)
    made = {way.replace("<kind>", entry.kind).replace("<number>", str(entry.number)): None for entry in server.roster}
    return list(made)
