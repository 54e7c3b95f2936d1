"""The first page: what this server is, and which devices it has."""

from __future__ import annotations

from typing import Any

from klein import Klein
from twisted.web.iweb import IRequest
from twisted.web.template import Tag, tags

from pylpaca.answers import HTML, respond, with_refusals
from pylpaca.pages.layout import page
from pylpaca.pages.observatory import Observatory
from pylpaca.roster import Entry


class Start:
    """Serves it."""

    app = with_refusals(Klein())

    def __init__(self, observatory: Observatory) -> None:
        self._observatory = observatory

    @app.route("/", methods=["GET"])
    def start(self, request: IRequest) -> bytes:
        """The page."""
        return respond(request, page(self._observatory.name, *overview(self._observatory), at="/"), HTML)


def overview(observatory: Observatory) -> list[Any]:
    """What the server is, what to beware of, and its devices."""
    about = observatory.management.description()
    place = f" in {about['Location']}" if about["Location"] else ""
    return [
        tags.p(f"{about['Manufacturer']} {about['ManufacturerVersion']}, an ASCOM Alpaca server{place}."),
        *(tags.p(tags.strong(each)) for each in observatory.warnings),
        tags.table(
            tags.tr(*(tags.th(each) for each in ("Device", "Type", "Number", "Driver"))),
            *(_row(entry) for entry in observatory.roster),
        ),
    ]


def _row(entry: Entry) -> Tag:
    name = tags.a(entry.driver.name, href=f"/setup/v1/{entry.kind}/{entry.number}/setup")
    return tags.tr(tags.td(name), tags.td(entry.type_name), tags.td(str(entry.number)), tags.td(driver_of(entry)))


def driver_of(entry: Entry) -> str:
    """The class that drives a device, as it is imported."""
    driver = type(entry.driver)
    return f"{driver.__module__}.{driver.__qualname__}"
