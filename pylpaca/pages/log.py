"""The page at /log: what the server has just logged, live; and the file to send to somebody who is to find out what is wrong."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

from klein import Klein
from twisted.internet.defer import Deferred
from twisted.web.iweb import IRequest
from twisted.web.template import Tag, tags

from pylpaca import diagnostics
from pylpaca.answers import HTML, JSON, respond, with_refusals
from pylpaca.errors import BadRequest
from pylpaca.pages.layout import page
from pylpaca.pages.observatory import Observatory
from pylpaca.recent import LEVELS, Filter, Line

SHOWN = 200  # lines
FILE = "/log/diagnostics.json"


class Log:
    """Serves both."""

    app = with_refusals(Klein())
    DEVICES_WITHIN = 2.0  # seconds

    def __init__(self, observatory: Observatory) -> None:
        self._observatory = observatory

    @app.route("/log", methods=["GET"])
    def log(self, request: IRequest) -> bytes:
        """The page; without JavaScript it shows what there was when it was asked for."""
        wanted = read_filter(request.uri.partition(b"?")[2])
        lines = self._observatory.records.recent.lines(wanted, SHOWN)
        body = [self._form(wanted), _table(lines, wanted), tags.p(_EMPTY, class_="muted") if not lines else ""]
        return respond(request, page("Log", *body, at="/log"), HTML)

    def _form(self, wanted: Filter) -> Tag:
        devices = [(f"{each.kind}/{each.number}", each.driver.name) for each in self._observatory.roster]
        choices = [("", "all, and the server"), *((device, f"{device} {name}") for device, name in devices)]
        return tags.form(
            _field("Level", _select("level", [(each, each) for each in LEVELS], wanted.level)),
            _field("Device", _select("device", choices, wanted.device)),
            _field("Client", tags.input(name="client", value=wanted.client, placeholder="address, or ClientID", size="18")),
            tags.button("Show", type="submit"),
            tags.a("Diagnostics file", href=FILE, download="", class_="button", title=_ABOUT_FILE),
            method="get",
            action="/log",
            class_="row",
        )

    @app.route(FILE, methods=["GET"])
    def file(self, request: IRequest) -> Deferred[bytes]:
        """The diagnostics file."""
        return Deferred.fromCoroutine(self._file(request))

    async def _file(self, request: IRequest) -> bytes:
        seen = self._observatory
        await seen.viewing.answering(self.DEVICES_WITHIN)
        now = seen.utc()
        known = diagnostics.gathered(
            diagnostics.Known(now, seen.configuration, seen.roster, seen.addresses, seen.viewing.latest(), seen.records)
        )
        body = await seen.in_thread(diagnostics.text, known, seen.discreet)
        name = f"pylpaca-diagnostics-{now:%Y%m%d-%H%M%S}.json"
        request.setHeader(b"content-disposition", f'attachment; filename="{name}"'.encode())
        request.setHeader(b"cache-control", b"no-store")
        return respond(request, body, JSON)


_EMPTY = "Nothing of this has been logged since the server was started."
_ABOUT_FILE = "Configuration without passwords, versions, ports, devices, this log: what somebody needs who is to help you"


def read_filter(query: bytes) -> Filter:
    """
    Which lines a query wants to see.

    :raises BadRequest: there is no such level.
    """
    given = {name: values[-1].strip()[:80] for name, values in parse_qs(query.decode("utf-8", "replace")).items()}
    level = given.get("level", "info")
    if level not in LEVELS:
        raise BadRequest(f"there is no level {level!r}; known: {', '.join(LEVELS)}")
    return Filter(level, given.get("device", ""), given.get("client", ""))


def _field(name: str, control: Tag) -> Tag:
    return tags.label(name, " ", control, class_="field")


def _select(name: str, choices: list[tuple[str, str]], chosen: str) -> Tag:
    def option(value: str, words: str) -> Tag:
        return tags.option(words, value=value, **({"selected": ""} if value == chosen else {}))

    if chosen not in [value for value, _ in choices]:
        choices = [*choices, (chosen, chosen)]
    return tags.select(*(option(*each) for each in choices), name=name)


def _table(lines: list[Line], wanted: Filter) -> Tag:
    """The newest line first: it is seen without scrolling, whatever else there is."""
    head = tags.tr(*(tags.th(each, scope="col") for each in ("Time (UTC)", "Level", "Device", "What")))
    rows = [_row(each) for each in reversed(lines)]
    live: Any = {"data-log": str(SHOWN), "data-level": wanted.level, "data-device": wanted.device, "data-client": wanted.client}
    return tags.table(tags.thead(head), tags.tbody(*rows, **live), class_="list log")


def _row(line: Line) -> Tag:
    text: Any = line.text
    if line.detail:
        text = tags.details(tags.summary(line.text), tags.pre(line.detail))
    cells = (tags.td(f"{line.time:%H:%M:%S}", title=line.time.isoformat(timespec="seconds")), tags.td(line.level))
    return tags.tr(*cells, tags.td(line.device), tags.td(text), **{"data-level": line.level})
