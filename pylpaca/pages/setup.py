"""The pages at /setup: where the settings of the server and of each device stand."""

from __future__ import annotations

import json
from typing import Any

from klein import Klein
from twisted.web.iweb import IRequest
from twisted.web.template import Tag, tags

from pylpaca.answers import HTML, respond, with_refusals
from pylpaca.errors import BadRequest
from pylpaca.pages.layout import page
from pylpaca.pages.observatory import Observatory
from pylpaca.pages.start import driver_of, overview


class Setup:
    """Serves them."""

    app = with_refusals(Klein())

    def __init__(self, observatory: Observatory) -> None:
        self._observatory = observatory

    @app.route("/setup", methods=["GET"])
    def server(self, request: IRequest) -> bytes:
        """The page of the server."""
        observatory = self._observatory
        return respond(request, page(observatory.name, *overview(observatory), tags.p(self._where()), at="/setup"), HTML)

    @app.route("/setup/v1/<kind>/<number>/setup", methods=["GET"])
    def device(self, request: IRequest, kind: str, number: str) -> bytes:
        """The page of a device."""
        entry = self._observatory.roster.find(kind, number)
        if entry is None:  # told as a page: people are here, with browsers
            error = BadRequest(f"there is no {kind[:40]} {number[:40]} here; /setup lists the devices", 403)
            return respond(request, page("Not here", tags.p(error.sentence), _back()), HTML, error.status)
        settings = entry.driver.settings
        fields = type(settings).model_fields
        rows = [
            tags.tr(tags.td(name), tags.td(json.dumps(getattr(settings, name), default=str)), tags.td(field.description or ""))
            for name, field in fields.items()
        ]
        head = tags.tr(*(tags.th(each) for each in ("Setting", "Value", "Meaning")))
        table: Any = tags.table(head, *rows) if rows else tags.p("This device has no settings.")
        about = tags.p(f"{entry.type_name} {entry.number}, driven by {driver_of(entry)}.")
        return respond(request, page(entry.driver.name, about, table, tags.p(self._where()), _back()), HTML)

    def _where(self) -> str:
        if self._observatory.file:
            return f"Settings stand in {self._observatory.file}; a change needs a restart."
        return "This is the embedded default; start with --config config.json to serve your own devices."


def _back() -> Tag:
    return tags.p(tags.a("All devices", href="/setup"))
