"""The page at /log: what the server has just logged, live; and the file to send to somebody who is to find out what is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from itertools import accumulate, takewhile
from typing import Any
from urllib.parse import urlencode

from klein import Klein
from twisted.internet.defer import Deferred
from twisted.web.iweb import IRequest
from twisted.web.template import Tag, tags

from pylpaca.answers import HTML, JSON, respond, with_refusals
from pylpaca.pages.layout import page
from pylpaca.pages.observatory import Observatory
from pylpaca.watching import diagnostics
from pylpaca.watching.recent import LEVELS, Filter, Line, read_filter

SHOWN = 60  # lines, at most,
CHARACTERS = 8_000  # and so many characters: a page is light
DETAIL = 1_500  # characters of a traceback, of which the end is what matters; the diagnostics file has more
LIVE = 200  # lines that are kept while more come
FILE = "/log/diagnostics.json"


class Log:
    """Serves both."""

    app = with_refusals(Klein())
    DEVICES_WITHIN = 2.0  # seconds

    def __init__(self, observatory: Observatory) -> None:
        self._observatory = observatory

    @app.route("/log", methods=["GET"])
    def log(self, request: IRequest) -> Deferred[bytes]:
        """The page; without JavaScript it shows what there was when it was asked for."""
        given = {name: values[-1].decode("utf-8", "replace") for name, values in (request.args or {}).items()}
        wanted = read_filter(given.get(b"level") or "info", given.get(b"device", ""), given.get(b"client", ""))
        with_calls = given.get(b"calls") == "1"
        recent = self._observatory.records.recent
        lines = _as_many_as_fit(recent.lines(wanted, SHOWN))
        live: dict[str, Any] = {"devices": "", "log": 1, "since": recent.last, **asdict(wanted)}
        if with_calls:
            live["calls"] = 1

        def made() -> bytes:
            empty = tags.p(_EMPTY, class_="muted") if not lines else ""
            return page("Log", self._form(wanted, with_calls), _table(lines), empty, at="/log", events=urlencode(live))

        return self._observatory.in_thread(made).addCallback(lambda body: respond(request, body, HTML))

    def _form(self, wanted: Filter, with_calls: bool) -> Tag:
        devices = [(f"{each.kind}/{each.number}", each.driver.name) for each in self._observatory.roster]
        checked: Any = {"checked": ""} if with_calls else {}
        choices = [("", "all, and the server"), *((device, f"{device} {name}") for device, name in devices)]
        return tags.form(
            _field("level", "Level", _select("level", [(each, each) for each in LEVELS], wanted.level)),
            _field("device", "Device", _select("device", choices, wanted.device)),
            _field(
                "client", "Client", tags.input(name="client", value=wanted.client, placeholder="address or ClientID", size="16")
            ),
            tags.label(tags.input(type="checkbox", name="calls", value="1", **checked), " every call, live"),
            tags.button("Show", type="submit"),
            tags.a("Diagnostics file", href=FILE, download="", class_="button", title=_ABOUT_FILE),
            method="get",
            action="/log",
            class_="row wanted",
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


def _as_many_as_fit(lines: Sequence[Line]) -> Sequence[Line]:
    """The last ones of these lines."""
    sizes = accumulate(len(each.text) + len(each.detail[-DETAIL:]) for each in reversed(lines))
    count = sum(1 for _ in takewhile(lambda size: size <= CHARACTERS, sizes))
    return lines[len(lines) - max(count, 1) :] if lines else lines


def _field(name: str, words: str, control: Tag) -> Tag:
    return tags.div(tags.label(words, for_=name), control(id=name), class_="field")


def _select(name: str, choices: list[tuple[str, str]], chosen: str) -> Tag:
    def option(value: str, words: str) -> Tag:
        return tags.option(words, value=value, **({"selected": ""} if value == chosen else {}))

    if chosen not in [value for value, _ in choices]:
        choices = [*choices, (chosen, chosen)]
    return tags.select(*(option(*each) for each in choices), name=name)


def _table(lines: Sequence[Line]) -> Tag:
    """The newest line first: it is seen without scrolling, whatever else there is."""
    head = tags.tr(*(tags.th(each, scope="col") for each in ("Time (UTC)", "Level", "Device", "What")))
    rows = [_row(each) for each in reversed(lines)]
    return tags.table(tags.thead(head), tags.tbody(*rows, **{"data-log": str(LIVE)}), class_="list log")


def _row(line: Line) -> Tag:
    text: Any = line.text
    if line.detail:
        text = tags.details(tags.summary(line.text), tags.pre(line.detail[-DETAIL:]))
    cells = (tags.td(f"{line.time:%H:%M:%S}", title=line.time.isoformat(timespec="seconds")), tags.td(line.level))
    return tags.tr(*cells, tags.td(line.device), tags.td(text), **{"data-level": line.level})
