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
from pylpaca.roster import Entry, Roster
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
            _connecting(observatory, any(view.holders for view in views)),
            tags.div(tags.h2("Devices"), *_all_at_once(observatory.roster), class_="row ends"),
            tags.p(class_="said", role="status", **{"data-said": ""}),
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
        tags.div(
            tags.table(
                tags.tr(*(tags.th(each, scope="col") for each in ("Device", "Type", "Number", "Driver"))),
                *(_row(entry) for entry in observatory.roster),
                class_="list",
            ),
            class_="scroll",
        ),
    ]


def _row(entry: Entry) -> Tag:
    name = tags.a(entry.driver.name, href=f"/setup/v1/{entry.kind}/{entry.number}/setup")
    return tags.tr(tags.td(name), tags.td(entry.type_name), tags.td(str(entry.number)), tags.td(driver_of(entry)))


def driver_of(entry: Entry) -> str:
    """The class that drives a device, as it is imported."""
    driver = type(entry.driver)
    return f"{driver.__module__}.{driver.__qualname__}"


def _connecting(observatory: Observatory, is_used: bool) -> Tag:
    """What a newcomer types into his software, and what he can do before that; folded where it was done."""
    found = observatory.discovery
    addresses = [
        tags.li(tags.code(each), tags.button("Copy", type="button", class_="small scripted", **{"data-copy": each}))
        for each in observatory.addresses
    ]
    lamp = tags.span(found.text, class_="lamp", **{"data-discovery": "", "data-state": found.lamp})
    reach = tags.div(tags.h2("Type one of these into your software"), tags.ul(*addresses), lamp)
    host, _, port = observatory.addresses[0].rpartition(":") if observatory.addresses else ("", "", "")
    searches = "NINA, CCDciel and others find the devices by themselves: have them search for Alpaca devices, and choose one."
    steps = tags.ol(
        tags.li(searches) if found.works else "",
        tags.li("If your software asks for host and port: ", tags.code(host), " and ", tags.code(port), ".") if port else "",
        tags.li("No such software at hand? Press Connect on a card below, open its hand box, and move something."),
    )
    first_steps = Tag("details")(Tag("summary")("First steps"), steps, **({} if is_used else {"open": ""}))
    return tags.section(reach, first_steps, class_="connect")


def device_card(observatory: Observatory, entry: Entry, view: View) -> list[Any]:
    """What is seen of a device at a glance."""
    device, name = view.device, entry.driver.name
    hand_box = f"/control/v1/{device}"
    facts: list[Tag] = []
    for member, label in observatory.viewing.facts(view):
        shown = view.values.get(member)
        told: dict[str, str] = (
            {"data-is": str(shown.value).lower()} if shown is not None and isinstance(shown.value, bool) else {}
        )
        value = tags.dd(shown.text if shown is not None else UNKNOWN, **{"data-value": f"{device}/{member}", **told})
        facts += [tags.dt(label), value]
    holders = tags.p(", ".join(view.holders), class_="who", **{"data-holders": device})
    error = tags.p(view.error, class_="error", role="status", **{"data-error": device})
    return [
        tags.div(
            tags.h3(tags.a(name, href=hand_box)),
            tags.span(view.lamp_text, class_="lamp", **{"data-lamp": device, "data-state": view.lamp}),
            class_="row ends",
        ),
        tags.p(f"{entry.type_name} {entry.number} · {type(entry.driver).__qualname__}", class_="what", title=driver_of(entry)),
        tags.dl(*facts, class_="facts"),
        error if view.error else error(hidden=""),
        holders if view.holders else holders(hidden=""),
        tags.p(class_="said", role="status", **{"data-said": ""}),
        tags.div(
            *_switches(entry, view),
            tags.a("Hand box", href=hand_box, class_="button small", **{"aria-label": f"Hand box of {name}"}),
            tags.a("Setup", href=f"/setup/v1/{device}/setup", class_="button small", **{"aria-label": f"Setup of {name}"}),
            class_="row",
        ),
    ]


def _switches(entry: Entry, view: View) -> list[Tag]:
    """What connects a device, and what disconnects it; one of them is seen."""
    path = f"{view.device}/{CONNECTED}"
    is_open, name = entry.driver.link.is_open, entry.driver.name
    stays = (
        "The server keeps it connected (autoconnect)."
        if entry.driver.link.permanent
        else "It stays connected while others use it."
    )
    return [
        _button("Connect", f"Connect {name}", is_open, "first", **{"data-put": f"{view.device}/connect", "data-unless": path}),
        _button(
            "Disconnect",
            f"Disconnect {name}",
            not is_open,
            **{"data-put": f"{view.device}/disconnect", "data-when": path, "data-done": stays},
        ),
    ]


def _all_at_once(roster: Roster) -> list[Tag]:
    """What connects every device, and what disconnects them, if that would disconnect any."""
    links = [entry.driver.link for entry in roster]
    if len(links) < 2:
        return []
    are_open = all(link.is_open for link in links)
    connect = _button("Connect all", "", are_open, "first", **{"data-put-all": "connect", "data-unless-all": CONNECTED})
    if all(link.permanent for link in links):
        return [connect]
    stays = {"data-done": "What others use, and what the server itself keeps connected, stays connected."}
    return [
        connect,
        _button("Disconnect all", "", not are_open, **{"data-put-all": "disconnect", "data-when-all": CONNECTED}, **stays),
    ]


def _button(text: str, label: str, hidden: bool, look: str = "", **attributes: str) -> Tag:
    button = tags.button(text, type="button", class_=f"small scripted {look}".strip(), **attributes)
    if label:
        button(**{"aria-label": label})
    return button(hidden="") if hidden else button
