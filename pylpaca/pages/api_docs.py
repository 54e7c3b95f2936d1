"""The pages at /docs/api: what each device can be asked, tried out with a button, and the same for programs, as OpenAPI."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from enum import IntEnum
from shlex import quote
from typing import Any
from urllib.parse import urlencode

from klein import Klein
from twisted.internet.defer import Deferred, succeed
from twisted.web.iweb import IRequest
from twisted.web.template import Tag, tags

from pylpaca import openapi
from pylpaca.answers import HTML, JSON, respond, with_refusals
from pylpaca.conditions import allowed, bounds, conditions, example, refusals
from pylpaca.errors import BadRequest
from pylpaca.interfaces import IDevice, Operation, Parameter, interface_version, operations
from pylpaca.pages.layout import page
from pylpaca.pages.observatory import Observatory
from pylpaca.protocol import wire_type
from pylpaca.roster import Entry
from pylpaca.values import Frame

DESCRIPTION = "/docs/api/openapi.json"
AT = "/docs/api"


class ApiDocs:
    """Serves them."""

    app = with_refusals(Klein())

    def __init__(self, observatory: Observatory) -> None:
        self._observatory = observatory
        self._description: tuple[Sequence[tuple[str, int]], bytes] = ((), b"")

    @app.route("/docs", methods=["GET"])
    @app.route(AT, methods=["GET"])
    def overview(self, request: IRequest) -> bytes:
        """Where to begin."""
        host = _base(request)
        devices = [
            tags.tr(
                tags.td(tags.a(f"{each.type_name} {each.number}", href=f"{AT}/v1/{each.kind}/{each.number}")),
                tags.td(each.driver.name),
            )
            for each in self._observatory.roster
        ]
        management = [
            tags.li(tags.code(f"/management/{path}"), f": {(answer.__doc__ or '').strip()} ", _sends(f"/management/{path}"))
            for path, answer in self._observatory.management.answers.items()
        ]
        body = (
            tags.p(
                "This server speaks ASCOM Alpaca. What each device can be asked is here, each with a button that asks it; ",
                "for programs it is in ",
                tags.a("openapi.json", href=DESCRIPTION),
                ".",
            ),
            tags.table(tags.thead(_head("Device", "Name")), tags.tbody(*devices), class_="list"),
            tags.h2("The server itself"),
            tags.ul(*management),
            _answer(),
            _curl(f"{host}/management/v1/configureddevices"),
        )
        return respond(request, page("API", *body, at=AT), HTML)

    @app.route(DESCRIPTION, methods=["GET"])
    def description(self, request: IRequest) -> Deferred[bytes]:
        """The OpenAPI description."""
        return self._described().addCallback(lambda body: respond(request, body, JSON))

    def _described(self) -> Deferred[bytes]:
        roster = self._observatory.roster
        devices = list(roster.entries)
        if self._description[0] == devices:
            return succeed(self._description[1])

        def made() -> bytes:
            found = openapi.document(roster, self._observatory.management, bool(self._observatory.configuration.server.users))
            return json.dumps(found, separators=(",", ":")).encode()

        def keep(body: bytes) -> bytes:
            self._description = (devices, body)
            return body

        return self._observatory.in_thread(made).addCallback(keep)

    @app.route(f"{AT}/v1/<kind>/<number>", methods=["GET"])
    def device(self, request: IRequest, kind: str, number: str) -> Deferred[bytes]:
        """Everything that a device can be asked."""
        entry = self._entry(kind, number)
        return self._observatory.in_thread(self._device, entry).addCallback(lambda body: respond(request, body, HTML))

    def _device(self, entry: Entry) -> bytes:
        own: list[Tag] = []
        common: list[Tag] = []
        for each in sorted(operations(entry.driver.interface).values(), key=_order):
            (common if each.method in operations(IDevice) else own).append(_row(entry, each))
        head = tags.thead(_head("Verb", "Member", "What it does", "Try it"))
        about = f"Interface version {interface_version(entry.driver.interface)}, driven by {type(entry.driver).__qualname__}."
        body = (
            tags.p(about),
            tags.p(*_ways(entry), class_="row"),
            _answer(),
            tags.table(head, tags.tbody(*own), class_="list members"),
            tags.h2("What every device has"),
            tags.table(head.clone(), tags.tbody(*common), class_="list members"),
        )
        return page(_called(entry), *body, at=AT)

    @app.route(f"{AT}/v1/<kind>/<number>/<member>", methods=["GET"])
    def member(self, request: IRequest, kind: str, number: str, member: str) -> bytes:
        """One member: to read it, to write it."""
        entry = self._entry(kind, number)
        found = sorted((each for each in operations(entry.driver.interface).values() if each.path == member), key=_order)
        if not found:
            raise BadRequest(f"{entry.type_name} has no member {member[:40]!r}; {AT}/v1/{kind}/{entry.number} lists them", 404)
        device = f"{entry.kind}/{entry.number}"
        way = tags.p(tags.a(_called(entry), href=f"{AT}/v1/{device}"))
        parts = [part for each in found for part in _described(entry, each, _base(request))]
        return respond(request, page(found[0].member, way, *parts, _answer(), at=AT), HTML)

    def _entry(self, kind: str, number: str) -> Entry:
        entry = self._observatory.roster.find(kind, number)
        if entry is None:
            raise BadRequest(f"there is no {kind[:40]} {number[:40]} here; {AT} lists the devices", 404)
        return entry


def _order(operation: Operation) -> tuple[str, str]:
    """By its member; what reads it comes before what writes it."""
    return operation.member, operation.verb


def _called(entry: Entry) -> str:
    """A device, with its name if it has one of its own."""
    place = f"{entry.type_name} {entry.number}"
    return place if entry.driver.name == place else f"{place}: {entry.driver.name}"


def _base(request: IRequest) -> str:
    """The server's address as this browser knows it; the walls have looked at it."""
    host = (request.requestHeaders.getRawHeaders(b"host") or [b"localhost"])[0].decode("latin-1")
    return f"{'https' if request.isSecure() else 'http'}://{host}"


def _ways(entry: Entry) -> list[Tag]:
    """To other pages of a device, and back."""
    place = f"v1/{entry.kind}/{entry.number}"
    ways = (("Hand box", f"/control/{place}"), ("Setup", f"/setup/{place}/setup"), ("All devices", AT))
    return [tags.a(name, href=path) for name, path in ways]


def _head(*names: str) -> Tag:
    return tags.tr(*(tags.th(each, scope="col") for each in names))


def _answer() -> Tag:
    """Where the raw answer is shown."""
    return tags.pre("The answer of the server will stand here.", class_="answer", **{"data-raw": "", "aria-live": "polite"})


def _curl(url: str, *form: str) -> Tag:
    """The same for a terminal; one click selects it whole."""
    put = [] if not form else ["-X", "PUT", *(part for each in form if each for part in ("-d", each))]
    return tags.pre(" ".join(map(quote, ["curl", *put, url])), class_="curl")


def _row(entry: Entry, operation: Operation) -> Tag:
    place = f"{entry.kind}/{entry.number}/{operation.path}"
    link = tags.a(operation.member, href=f"{AT}/v1/{place}")
    is_plain = operation.verb == "GET" and not operation.parameters and operation.returns is not Frame
    summary = operation.doc.partition("\n")[0]
    return tags.tr(tags.td(operation.verb), tags.td(link), tags.td(summary), tags.td(_sends(place) if is_plain else ""))


def _sends(place: str) -> Tag:
    what = place.rpartition("/")[2]
    return tags.button("Send", type="button", class_="small", **{"data-get": place, "aria-label": f"Send GET {what}"})


def _described(entry: Entry, operation: Operation, base: str) -> list[Any]:
    """All there is to say of one operation, with its form and its line for a terminal."""
    place = f"{entry.kind}/{entry.number}/{operation.path}"
    url = f"{base}/api/v1/{place}"
    examples = {each.name: example(operation, each) for each in operation.parameters}
    said = [tags.h2(f"{operation.verb} {operation.member}"), *(tags.p(each) for each in _paragraphs(operation.doc))]
    if operation.returns_value:
        said.append(tags.p("Answers ", _type_words(operation.returns, operation.unit), "."))
    if when := conditions(operation):
        said.append(tags.p("Answered while: ", "; ".join(when), "."))
    errors = ", ".join(f"0x{each.number:X} {each.__name__}" for each in refusals(operation))
    said.append(tags.p(f"May be refused with {errors}."))
    if operation.optional and entry.driver.lacks(operation.method):
        said.append(tags.p("This device does not have it.", class_="warning"))
    if operation.returns is Frame:
        said.append(tags.p("Images are large: better fetched with a program, or with curl into a file."))
        return [*said, tags.pre(f"curl -H 'Accept: application/imagebytes' -o image.bin {quote(url)}", class_="curl")]
    fields = [_field(operation, each, examples[each.name]) for each in operation.parameters]
    how: Any = {"data-get" if operation.verb == "GET" else "data-put": place}
    form = tags.form(
        *fields, tags.button("Send", type="submit"), tags.p(class_="said", role="status", **{"data-said": ""}), **how
    )
    if operation.verb == "GET":
        return [*said, form, _curl(url + (f"?{urlencode(examples)}" if examples else ""))]
    return [*said, form, _curl(url, *([f"{name}={value}" for name, value in examples.items()] or [""]))]


def _paragraphs(doc: str) -> list[str]:
    """A docstring as people read it."""
    return [re.sub(r":param (\w+): ", r"\1: ", each) for each in doc.split("\n\n")]


def _type_words(kind: Any, unit: str) -> str:
    if isinstance(kind, type) and issubclass(kind, IntEnum):
        return ", ".join(f"{each.value} {each.name}" for each in kind)
    return wire_type(kind).name + (f" in {unit}" if unit else "")


def _field(operation: Operation, parameter: Parameter, value: str) -> Tag:
    words = allowed(operation, parameter)
    help_words = ", ".join(filter(None, [parameter.unit, words])) or wire_type(parameter.kind).name
    control = _control(operation, parameter, value)
    name = f"{operation.method}-{parameter.name}"
    return tags.div(tags.label(parameter.name, for_=name), control(id=name), tags.p(help_words, class_="help"), class_="field")


def _control(operation: Operation, parameter: Parameter, value: str) -> Tag:
    kind, name = parameter.kind, parameter.name
    if kind is bool:
        return tags.select(tags.option("true"), tags.option("false"), name=name)
    if isinstance(kind, type) and issubclass(kind, IntEnum):
        return tags.select(*(tags.option(f"{each.value} {each.name}", value=str(each.value)) for each in kind), name=name)
    if kind not in (int, float):
        return tags.input(name=name, value=value)
    limits = bounds(operation, parameter)  # the browser does not refuse what is out of range: the answer to that is worth a try
    shown: dict[str, Any] = {"step": "any" if kind is float else "1"}
    if limits.low is not None and not limits.open_low:
        shown["min"] = f"{limits.low:g}"
    if limits.high is not None and not limits.open_high:
        shown["max"] = f"{limits.high:g}"
    return tags.input(type="number", name=name, value=value, required="", **shown)
