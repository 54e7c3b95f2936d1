"""The first page: what to type into a client, and how each device is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from klein import Klein
from twisted.internet.defer import Deferred
from twisted.web.iweb import IRequest
from twisted.web.template import Tag, tags

from pylpaca.answers import HTML, respond, with_refusals
from pylpaca.pages.layout import page
from pylpaca.pages.observatory import Observatory
from pylpaca.roster import Entry
from pylpaca.showing import UNKNOWN
from pylpaca.viewing import CONNECTED, View


class Start:
    """Serves it."""

    app = with_refusals(Klein())

    def __init__(self, observatory: Observatory) -> None:
        self._observatory = observatory

    @app.route("/", methods=["GET"])
    def start(self, request: IRequest) -> Deferred[bytes]:
        """The page."""
        return self._observatory.viewing.now().addCallback(lambda views: respond(request, self._page(views), HTML))

    def _page(self, views: Sequence[View]) -> bytes:
        observatory = self._observatory
        cards = [
            tags.li(device_card(observatory, *each), class_="card device") for each in zip(observatory.roster, views, strict=True)
        ]
        return page(
            observatory.name,
            about(observatory),
            *warnings(observatory),
            _connecting(observatory),
            tags.h2("Devices"),
            tags.ul(*cards, class_="cards") if cards else tags.p("There are none yet: ", tags.a("Setup", href="/setup"), "."),
            at="/",
            events="",
        )


def about(observatory: Observatory) -> Tag:
    """What the server is."""
    described = observatory.management.description()
    place = f" in {described['Location']}" if described["Location"] else ""
    what = f"{described['Manufacturer']} {described['ManufacturerVersion']}, an ASCOM Alpaca server{place}, up for "
    return tags.p(what, tags.span(observatory.uptime, **{"data-uptime": ""}), class_="about")


def warnings(observatory: Observatory) -> list[Tag]:
    """What people are to beware of."""
    return [tags.p(tags.strong(each), class_="warning") for each in observatory.warnings]


def overview(observatory: Observatory) -> list[Any]:
    """What the server is, what to beware of, and its devices."""
    return [
        about(observatory),
        *warnings(observatory),
        tags.table(
            tags.tr(*(tags.th(each, scope="col") for each in ("Device", "Type", "Number", "Driver"))),
            *(_row(entry) for entry in observatory.roster),
            class_="list",
        ),
    ]


def _row(entry: Entry) -> Tag:
    name = tags.a(entry.driver.name, href=f"/setup/v1/{entry.kind}/{entry.number}/setup")
    return tags.tr(tags.td(name), tags.td(entry.type_name), tags.td(str(entry.number)), tags.td(driver_of(entry)))


def driver_of(entry: Entry) -> str:
    """The class that drives a device, as it is imported."""
    driver = type(entry.driver)
    return f"{driver.__module__}.{driver.__qualname__}"


def _connecting(observatory: Observatory) -> Tag:
    """What a newcomer types into his software, and what he can do before that."""
    found = observatory.discovery
    addresses = [
        tags.li(tags.code(each), tags.button("Copy", type="button", class_="small scripted", **{"data-copy": each}))
        for each in observatory.addresses
    ]
    lamp = tags.span(found.text, class_="lamp", **{"data-discovery": "", "data-state": found.lamp})
    reach = tags.div(tags.h2("Type one of these into your software"), tags.ul(*addresses), lamp)
    steps = tags.ol(
        tags.li(
            "NINA: in Equipment, a device's list, choose its Alpaca entry, which discovery finds; else the chooser's "
            "“Create Alpaca driver”, and type the address and the device number there."
        ),
        tags.li("Other software asks for a host and a port: what stands before and behind the last colon."),
        tags.li("No software yet? Press Connect on a card below, then its Hand box, and move something."),
    )
    return tags.section(reach, tags.div(tags.h2("First steps"), steps), class_="connect")


def device_card(observatory: Observatory, entry: Entry, view: View) -> list[Any]:
    """What is seen of a device at a glance."""
    device = view.device
    hand_box = f"/control/v1/{device}"
    facts: list[Tag] = []
    for name, label in observatory.viewing.facts(view):
        shown = view.values.get(name)
        told: dict[str, str] = (
            {"data-is": str(shown.value).lower()} if shown is not None and isinstance(shown.value, bool) else {}
        )
        value = tags.dd(shown.text if shown is not None else UNKNOWN, **{"data-value": f"{device}/{name}", **told})
        facts += [tags.dt(label), value]
    holders = tags.p(", ".join(view.holders), class_="who", **{"data-holders": device})
    error = tags.p(view.error, class_="error", role="status", **{"data-error": device})
    return [
        tags.div(
            tags.h3(tags.a(entry.driver.name, href=hand_box)),
            tags.span(view.lamp_text, class_="lamp", **{"data-lamp": device, "data-state": view.lamp}),
            class_="row ends",
        ),
        tags.p(f"{entry.type_name} {entry.number} · {driver_of(entry)}", class_="what"),
        tags.dl(*facts, class_="facts"),
        error if view.error else error(hidden=""),
        holders if view.holders else holders(hidden=""),
        tags.p(class_="said", role="status", **{"data-said": ""}),
        tags.div(
            *_switches(entry, view),
            tags.a("Hand box", href=hand_box, class_="button small"),
            tags.a("Settings", href=f"/setup/v1/{device}/setup", class_="button small"),
            class_="row",
        ),
    ]


def _switches(entry: Entry, view: View) -> list[Tag]:
    """What connects it, and what disconnects it; one of them is seen."""
    path = f"{view.device}/{CONNECTED}"
    is_open, name = entry.driver.link.is_open, entry.driver.name
    stays = (
        "The server keeps it connected (autoconnect)."
        if entry.driver.link.permanent
        else "It stays connected while others use it."
    )
    connect = _switch("Connect", name, **{"data-put": f"{view.device}/connect", "data-unless": path})
    disconnect = _switch("Disconnect", name, **{"data-put": f"{view.device}/disconnect", "data-when": path, "data-done": stays})
    return [connect(hidden="") if is_open else connect, disconnect if is_open else disconnect(hidden="")]


def _switch(word: str, name: str, **attributes: str) -> Tag:
    return tags.button(word, type="button", class_="small scripted", **{"aria-label": f"{word} {name}", **attributes})
