"""The OpenAPI description against the declarations, both ways, and the pages made of the same."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from enum import IntEnum
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from twisted.trial.unittest import SynchronousTestCase

from pylpaca import conditions
from pylpaca.errors import AlpacaError, BadRequest
from pylpaca.interfaces import DEVICE_TYPES, Operation, device_type, operations, rules
from pylpaca.interfaces.rules import Stage, Within
from pylpaca.pages import assets
from pylpaca.protocol import FORM, read_arguments
from pylpaca.testing import Answer, MemoryServer
from pylpaca.values import Frame
from tests.misbehaving import entry
from tests.published_api import NOT_PUBLISHED, facts
from tests.test_declarations import declared, word

ALL = {"drivers": [entry(kind) for kind in DEVICE_TYPES]}
PAGE_WEIGHT = 60_000  # bytes, with the stylesheet and the script

Line = tuple[object, ...]


class Description:
    """An OpenAPI description, read as somebody who writes a client does."""

    def __init__(self, document: Any) -> None:
        self.document = document

    def at(self, node: Any) -> Any:
        """What is meant, wherever it stands."""
        while "$ref" in node:
            target = self.document
            for step in node["$ref"].removeprefix("#/").split("/"):
                target = target[step]
            node = target
        return node

    def operations(self) -> Iterator[tuple[str, str, str, Any]]:
        """Each device operation: device type, verb, member and what is said of it."""
        for path, item in self.document["paths"].items():
            if path.startswith("/api/v1/"):
                kind, _, member = path.removeprefix("/api/v1/").split("/")
                for verb in ("get", "put"):
                    if verb in item:
                        yield kind, verb.upper(), member, item[verb]

    def fields(self, operation: Any) -> dict[str, Any]:
        """The schemas of its parameters, without the client's ids."""
        found = {each["name"]: each["schema"] for each in map(self.at, operation.get("parameters", []))}
        for content in operation.get("requestBody", {}).get("content", {}).values():
            found |= self.properties(content["schema"])
        return {name: schema for name, schema in found.items() if not name.startswith("Client")}

    def properties(self, schema: Any) -> dict[str, Any]:
        """Those of an object, with what it is made of."""
        schema = self.at(schema)
        found = dict(schema.get("properties", {}))
        for part in schema.get("allOf", []):
            found |= self.properties(part)
        return found

    def answer(self, operation: Any) -> dict[str, Any]:
        """The properties of the JSON that answers it."""
        return self.properties(self.at(operation["responses"]["200"])["content"]["application/json"]["schema"])

    def word(self, schema: Any) -> str:
        """A type, as the published API knows it."""
        schema = self.at(schema)
        if schema["type"] == "array" and "description" in schema:
            return "image"
        if schema["type"] == "array":
            return f"list of {self.word(schema['items'])}"
        return {"boolean": "bool", "integer": "int", "number": "float", "string": "str", "object": "object"}[schema["type"]]

    def lines(self) -> set[Line]:
        """Everything it says of device operations, one line each."""
        return {self._line(*each) for each in self.operations()}

    def _line(self, kind: str, verb: str, member: str, operation: Any) -> Line:
        doc = operation.get("description", operation["summary"])
        parameters = tuple(
            (name, self.word(schema), schema.get("x-unit", ""), _range(schema), tuple(schema.get("enum", ())))
            for name, schema in self.fields(operation).items()
        )
        value = self.answer(operation).get("Value")
        returns = () if value is None else (self.word(value), value.get("x-unit", ""), tuple(self.at(value).get("enum", ())))
        return kind, verb, member, doc, parameters, returns, tuple(operation["x-errors"])


def _range(schema: Any) -> Line:
    return tuple(schema.get(each) for each in ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"))


def _enumeration(kind: Any) -> tuple[int, ...]:
    return tuple(int(each) for each in kind) if isinstance(kind, type) and issubclass(kind, IntEnum) else ()


def declared_lines(kind: str) -> set[Line]:
    """The same lines, of what a device type declares."""
    return {_declared(kind, each) for each in operations(DEVICE_TYPES[kind]).values()}


def _declared(kind: str, operation: Operation) -> Line:
    parameters = tuple(
        (each.name, word(each.kind), each.unit, _declared_range(operation, each.name), _enumeration(each.kind))
        for each in operation.parameters
    )
    returns: Line = ()
    if operation.returns_value:
        returns = word(operation.returns), operation.unit, _enumeration(operation.returns)
    errors = tuple(f"0x{each.number:X} {each.__name__}" for each in conditions.refusals(operation))
    return kind, operation.verb, operation.path, operation.doc, parameters, returns, errors


def _declared_range(operation: Operation, name: str) -> Line:
    found = [rule for rule in operation.rules if isinstance(rule, Within) and rule.parameter == name]
    if not found:
        return (None,) * 4
    (rule,) = found
    low = rule.low if not isinstance(rule.low, str) else None
    high = rule.high if not isinstance(rule.high, str) else None
    lows = (None, low) if rule.open_start else (low, None)
    return (*lows, *((None, high) if rule.open_end else (high, None)))


class DescriptionTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.server = MemoryServer(ALL)
        self.description = Description(self.server.get("/docs/api/openapi.json").json)

    def test_valid(self) -> None:
        """It is a valid OpenAPI description."""
        validate(self.description.document)

    def test_equal(self) -> None:
        """It has every declared operation, with its parameters, types, units, ranges, words and refusals, and nothing else."""
        self.assertEqual(self.description.lines(), set().union(*map(declared_lines, DEVICE_TYPES)))

    def test_published(self) -> None:
        """So it has every operation of the published API, and no other."""
        found = set()
        common = {line.split()[1] + line.split()[2].partition("(")[0] for line in facts() if line.startswith("{")}
        for kind, verb, member, operation in self.description.operations():
            said = self.description.fields(operation).items()
            parameters = ",".join(f"{name}:{self.description.word(schema)}" for name, schema in said)
            value = self.description.answer(operation).get("Value")
            returns = f" -> {self.description.word(value)}" if value is not None else ""
            owner = "{device_type}" if verb + member in common else kind
            found.add(f"{owner} {verb} {member}({parameters}){returns}")
        self.assertEqual((found, found - NOT_PUBLISHED), (declared(), facts()))

    def test_bodies(self) -> None:
        """Parameters of a GET stand in its query, those of a PUT in its form; all of them are needed."""
        for _, verb, _, operation in self.description.operations():
            if verb == "GET":
                own = [each for each in operation["parameters"] if "$ref" not in each]
                self.assertTrue(all((each["in"], each["required"]) == ("query", True) for each in own))
                self.assertNotIn("requestBody", operation)
            else:
                (content,) = operation["requestBody"]["content"].items()
                fields = [name for name in content[1]["schema"]["properties"] if not name.startswith("Client")]
                self.assertEqual((content[0], content[1]["schema"].get("required", [])), (FORM, fields))

    def test_management(self) -> None:
        """The management API is there, and what it answers fits what is said of it."""
        for path in ("apiversions", "v1/description", "v1/configureddevices"):
            said = self.description.document["paths"][f"/management/{path}"]["get"]
            schema = self.description.answer(said)["Value"]
            value = self.server.get(f"/management/{path}").json["Value"]
            kinds = {"object": dict, "array": list}
            self.assertIsInstance(value, kinds[schema["type"]])
            if schema["type"] == "object":
                self.assertEqual(set(value), set(schema["required"]))

    def test_numbers(self) -> None:
        """A description has the device types that are served, and the numbers there are."""
        domes = [{**entry("dome"), "device_number": number} for number in (0, 4)]
        document = MemoryServer({"drivers": domes}).get("/docs/api/openapi.json").json
        number = document["components"]["parameters"]["DomeNumber"]["schema"]["enum"]
        kinds = {path.split("/")[3] for path in document["paths"] if path.startswith("/api")}
        self.assertEqual((number, kinds), ([0, 4], {"dome"}))

    def test_no_devices(self) -> None:
        """A server without devices has a valid description, too."""
        validate(MemoryServer({"drivers": []}).get("/docs/api/openapi.json").json)

    def test_users(self) -> None:
        """Where names and passwords are asked for, the description says so."""
        server = MemoryServer({**ALL, "server": {"users": {"me": "word"}}})
        document = server.request("GET", "/docs/api/openapi.json", headers={"Authorization": "Basic bWU6d29yZA=="}).json
        validate(document)
        self.assertEqual(document["security"], [{"basic": []}])

    def test_unique_names(self) -> None:
        """Every operation has a name of its own, of which generators make functions."""
        names = [operation["operationId"] for *_, operation in self.description.operations()]
        self.assertEqual(len(names), len(set(names)))


class AnswersTests(SynchronousTestCase):
    """What the server answers, against what its description says of that."""

    def fits(self, *connected: str) -> None:
        server = MemoryServer(ALL)
        for kind in connected:
            server.put(f"{kind}/0/connected", Connected=True)
        description = Description(server.get("/docs/api/openapi.json").json)
        for kind, verb, member, said in description.operations():
            operation = next(o for o in operations(DEVICE_TYPES[kind]).values() if (o.verb, o.path) == (verb, member))
            if operation.returns is Frame or operation.method in ("Connect", "Disconnect", "SetConnected"):
                continue
            answer = self.answer(server, f"{kind}/0/{member}", operation)
            body = description.at(said["responses"]["200"])["content"]["application/json"]["schema"]
            schema = {**body, "components": description.document["components"]}
            wrong = [error.message for error in Draft202012Validator(schema).iter_errors(answer.json)]
            self.assertEqual((answer.status, wrong), (200, []), f"{kind} {verb} {member} {answer.body!r}")

    def answer(self, server: MemoryServer, path: str, operation: Operation) -> Answer:
        """What is answered to the example of this operation, however long it takes."""
        form = urlencode({each.name: conditions.example(operation, each) for each in operation.parameters})
        if operation.verb == "GET":
            connection = server.begin("GET", f"{path}?{form}")
        else:
            connection = server.begin("PUT", path, form.encode(), {"Content-Type": FORM})
        server.clock.advance(100)
        found = connection.answer()
        connection.hang_up()
        assert found is not None
        return found

    def test_connected(self) -> None:
        """Every operation of every device type, with values or with refusals."""
        self.fits(*DEVICE_TYPES)

    def test_disconnected(self) -> None:
        """The same of devices that are not connected: nearly all are refused, which is an answer, too."""
        self.fits()


class ConditionTests(SynchronousTestCase):
    def test_every_kind_of_rule(self) -> None:
        """Each kind of rule that refuses has its words, so that none is left out of the pages in silence."""
        silent = {"DoneWhile", "ReadsAs", "Overlaid", "Told", "Remembered"}  # they refuse nothing
        said: set[str] = set()
        kinds: set[str] = set()
        for interface in DEVICE_TYPES.values():
            for operation in operations(interface).values():
                for rule in operation.rules:
                    kinds.add(type(rule).__name__)
                    if conditions._allowed(rule) or conditions._condition(rule):
                        said.add(type(rule).__name__)
        self.assertEqual(kinds - said, silent & kinds)

    def test_every_rule_is_used(self) -> None:
        """Every kind of rule that there is stands in a declaration, so that the test above has seen them all."""
        used = {
            type(rule).__name__
            for interface in DEVICE_TYPES.values()
            for operation in operations(interface).values()
            for rule in operation.rules
        }
        there = {
            name for name, each in vars(rules).items() if isinstance(each, type) and hasattr(each, "enforce") and name != "Rule"
        }
        self.assertEqual(there - used, set())

    def test_words(self) -> None:
        """How conditions and values read."""
        telescope, camera = (operations(DEVICE_TYPES[each]) for each in ("telescope", "camera"))
        slew = telescope["SlewToCoordinatesAsync"]
        self.assertEqual(
            conditions.conditions(slew), ["connected", "CanSlewAsync is true", "AtPark is false", "Tracking is true"]
        )
        self.assertEqual([conditions.allowed(slew, each) for each in slew.parameters], ["from 0 to below 24", "from -90 to 90"])
        guide = camera["PulseGuide"]
        self.assertEqual(conditions.allowed(guide, guide.parameters[0]), "0 North, 1 South, 2 East, 3 West")

    def test_examples(self) -> None:
        """Each example is read as a value, and is none that a range refuses whatever the device."""
        for interface in DEVICE_TYPES.values():
            for operation in operations(interface).values():
                named = {each.name: conditions.example(operation, each) for each in operation.parameters}
                fields = {name.lower() if operation.verb == "GET" else name: value for name, value in named.items()}
                arguments = read_arguments(operation, fields)
                for parameter in operation.parameters:
                    limits, value = conditions.bounds(operation, parameter), arguments[parameter.name]
                    self.assertFalse(limits.low is not None and value < limits.low, operation.method)
                    self.assertFalse(limits.high is not None and value > limits.high, operation.method)

    def test_refusals(self) -> None:
        """What an operation is said to be refused with is what its rules raise, each kind once, in order."""
        for interface in DEVICE_TYPES.values():
            for operation in operations(interface).values():
                found = conditions.refusals(operation)
                self.assertTrue(all(issubclass(each, AlpacaError) for each in found))
                self.assertEqual([each.number for each in found], sorted({each.number for each in found}))
                needs = any(rule.stage is Stage.CAPABILITY for rule in operation.rules) or operation.optional
                if needs:
                    self.assertIn(0x400, [each.number for each in found])


class Page(HTMLParser):
    """What stands in a page: its links, buttons, forms with their fields, and texts by class."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.asks: list[tuple[str, str]] = []  # verb, place
        self.fields: list[str] = []
        self.classes: dict[str, list[str]] = {}
        self._within: str | None = None
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "a":
            self.links.append(str(given.get("href")))
        for verb in ("get", "put"):
            if f"data-{verb}" in given:
                self.asks.append((verb.upper(), str(given[f"data-{verb}"])))
        if tag in ("input", "select") and given.get("name"):
            self.fields.append(str(given["name"]))
        self._within = given.get("class")

    def handle_data(self, data: str) -> None:
        if self._within:
            self.classes.setdefault(self._within, []).append(data)


class PagesTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.server = MemoryServer(ALL)

    def page(self, path: str) -> Page:
        answer = self.server.get(path)
        self.assertEqual(answer.status, 200, path)
        return Page(answer.body.decode())

    def test_devices(self) -> None:
        """The first page leads to every device, and to the description for programs."""
        links = self.page("/docs/api").links
        for kind in DEVICE_TYPES:
            self.assertIn(f"/docs/api/v1/{kind}/0", links)
        self.assertIn("/docs/api/openapi.json", links)

    def test_every_member(self) -> None:
        """The page of a device leads to every member; what is read without parameters can be asked right there."""
        for kind, interface in DEVICE_TYPES.items():
            page = self.page(f"/docs/api/v1/{kind}/0")
            known = operations(interface).values()
            expected = sorted(f"/docs/api/v1/{kind}/0/{each.path}" for each in known)
            self.assertEqual(sorted(each for each in page.links if each.startswith(f"/docs/api/v1/{kind}/0/")), expected)
            asked = {
                ("GET", f"{kind}/0/{o.path}") for o in known if o.verb == "GET" and not o.parameters and o.returns is not Frame
            }
            self.assertEqual(set(page.asks), asked)

    def test_every_form(self) -> None:
        """The page of a member has a form with all parameters, and the right line for a terminal, for each of its operations."""
        for kind, interface in DEVICE_TYPES.items():
            by_path: dict[str, list[Operation]] = {}
            for operation in operations(interface).values():
                by_path.setdefault(operation.path, []).append(operation)
            for path, found in by_path.items():
                page = self.page(f"/docs/api/v1/{kind}/0/{path}")
                found.sort(key=lambda each: each.verb)
                forms = [each for each in found if each.returns is not Frame]
                self.assertEqual(page.asks, [(each.verb, f"{kind}/0/{path}") for each in forms])
                self.assertEqual(page.fields, [each.name for operation in forms for each in operation.parameters])
                for operation, line in zip(found, page.classes["curl"], strict=True):
                    self.curl(kind, operation, line)

    def curl(self, kind: str, operation: Operation, line: str) -> None:
        """A line for a terminal asks for this operation; what it sends can be read."""
        words = shlex.split(line)
        url = urlsplit(words[-1])
        form = [word for before, word in pairwise(words) if before in ("-d", "--data-urlencode")]
        verb = "PUT" if "PUT" in words else "GET"
        self.assertEqual((words[0], verb, url.path), ("curl", operation.verb, f"/api/v1/{kind}/0/{operation.path}"))
        given = dict(parse_qsl(url.query)) if verb == "GET" else dict(each.split("=", 1) for each in form if "=" in each)
        fields = {name.lower() if verb == "GET" else name: value for name, value in given.items()}
        self.assertEqual(set(read_arguments(operation, fields)), {each.name for each in operation.parameters})

    def test_words(self) -> None:
        """The page of a member says what it does, in which unit, when it is refused and with what."""
        text = self.server.get("/docs/api/v1/dome/0/slewtoazimuth").body.decode()
        for words in ("Start turning the opening to an azimuth", "degrees, from 0 to below 360", "Slaved is false", "0x409"):
            self.assertIn(words, text)

    def test_host(self) -> None:
        """The line for a terminal has the address that the browser came to."""
        connection = self.server.connection()
        connection.send(b"GET /docs/api/v1/dome/0/azimuth HTTP/1.1\r\nHost: roof.local:11112\r\n\r\n")
        found = connection.answer()
        assert found is not None
        self.assertIn(b"curl http://roof.local:11112/api/v1/dome/0/azimuth<", found.body)

    def test_weight(self) -> None:
        """No page weighs more than 60 KB with all that it is made with."""
        served = assets.Assets()._files
        made_with = sum(len(body) for name, body in served.items() if name.endswith((".css", ".js")))
        paths = ["/docs/api", "/log", *(f"/docs/api/v1/{kind}/0" for kind in DEVICE_TYPES), "/docs/api/v1/telescope/0/tracking"]
        heaviest = max(len(self.server.get(path).body) for path in paths)
        self.assertLess(heaviest + made_with, PAGE_WEIGHT)

    def refused(self, path: str, status: int) -> Answer:
        answer = self.server.get(path)
        self.assertEqual(answer.status, status)
        return answer

    def test_what_is_not_there(self) -> None:
        """A device or a member that is not there is refused in a sentence that says where to look."""
        self.assertIn("lists the devices", self.refused("/docs/api/v1/dome/9", 404).text)
        self.assertIn("lists them", self.refused("/docs/api/v1/dome/0/nothing", 404).text)
        self.assertEqual(self.refused("/docs/nowhere", 404).headers["content-type"], "text/plain; charset=utf-8")

    def test_valid_bodies(self) -> None:
        """What the try-it form of every PUT would send as it stands is understood by the server."""
        for kind, interface in DEVICE_TYPES.items():
            for operation in operations(interface).values():
                if operation.verb == "PUT":
                    form = {each.name: conditions.example(operation, each) for each in operation.parameters}
                    try:
                        read_arguments(operation, form)
                    except BadRequest as error:
                        self.fail(f"{kind} {operation.method}: {error}")


class LackingTests(SynchronousTestCase):
    def test_lacking(self) -> None:
        """The page of a member that a driver's author left out says so."""
        drivers = [{"device_type": "dome", "device_number": 0, "device_driver": "tests.doubles:BareDome"}]
        text = MemoryServer({"drivers": drivers}).get("/docs/api/v1/dome/0/azimuth").body.decode()
        self.assertIn("This device does not have it", re.sub(r"<[^>]+>", "", text))

    def test_odd_names(self) -> None:
        """Whatever a device is called is shown as it is called, and is no HTML."""
        drivers = [{"device_type": "dome", "device_number": 0, "device_driver": "DomeSimulator", "name": "<b>R&D</b>"}]
        server = MemoryServer({"drivers": drivers})
        for path in ("/docs/api", "/docs/api/v1/dome/0", "/docs/api/v1/dome/0/azimuth", "/log"):
            self.assertIn("&lt;b&gt;R&amp;D&lt;/b&gt;", server.get(path).body.decode())

    def test_new_devices(self) -> None:
        """The description is made once, and again when there are other devices."""
        server = MemoryServer({"drivers": [entry("dome")]})
        first = server.get("/docs/api/openapi.json").body
        self.assertEqual(server.get("/docs/api/openapi.json").body, first)
        self.assertEqual(
            set(json.loads(first)["components"]["parameters"]) & {f"{device_type(DEVICE_TYPES['dome'])}Number"}, {"DomeNumber"}
        )
