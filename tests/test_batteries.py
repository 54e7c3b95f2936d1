"""Every member of every device type, with everything a client may send right and wrong."""

# Facts
#   The official checker sends each readable member twelve variations and each writable one fourteen; what it accepts in its
#   strict mode is the column "expect" here.

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from itertools import product
from typing import Any
from urllib.parse import urlencode

from twisted.trial.unittest import SynchronousTestCase

from pylpaca.interfaces import Operation, operations
from pylpaca.protocol import FORM
from pylpaca.roster import simulators
from pylpaca.testing import Answer, MemoryServer, conformance
from pylpaca.values import Frame, SensorType
from tests.imagedecoder import decoded

BAD_VALUE = "asduio6fghZZ"
BAD_CLIENTS = ("", "     ", "-12345", "NASDAQ")
BAD_TRANSACTIONS = ("", "     ", "-67890", "qweqwe")
GOOD: dict[Any, str] = {bool: "False", int: "1", float: "20", str: "text", datetime: "2026-01-31T22:15:00.000Z"}

DEVICES = [
    *(each.entry.model_dump(exclude_none=True) for each in simulators().devices),
    {"device_type": "dome", "device_number": 1, "device_driver": "my_dome.MyDomeDriver"},
    {"device_type": "dome", "device_number": 2, "device_driver": "tests.doubles:NaiveDome"},
    {"device_type": "focuser", "device_number": 1, "device_driver": "tests.doubles:BareFocuser"},
    *(
        {
            "device_type": "camera",
            "device_number": 1 + each,
            "device_driver": "CameraSimulator",
            "driver_config": {
                "sensor_type": each.name,
                "CameraXSize": 30,
                "CameraYSize": 22,
                "max_bin": 2,
                "asymmetric_bin": True,
            },
        }
        for each in SensorType
    ),
]


def inverted(name: str) -> str:
    return name.swapcase()


class BatteryTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.server = MemoryServer({"drivers": DEVICES})

    def each(self, verb: str) -> Iterator[tuple[str, Operation]]:
        for entry in self.server.roster:
            for operation in operations(entry.driver.interface).values():
                if operation.verb == verb:
                    yield f"{entry.kind}/{entry.number}/{operation.path}", operation

    def open_links(self) -> None:
        for entry in self.server.roster:
            self.assertEqual(self.server.put(f"{entry.kind}/{entry.number}/connected", Connected="True").error, 0)

    def good(self, operation: Operation) -> dict[str, str]:
        return {each.name: GOOD.get(each.kind, "0") for each in operation.parameters}

    def understood(self, what: str, answer: Answer, operation: Operation, echo: int) -> None:
        """HTTP 200 and the exact envelope."""
        self.assertEqual(answer.status, 200, f"{what} {answer.text}")
        self.assertEqual(answer.headers["content-type"], "application/json; charset=utf-8", what)
        self.assertEqual(int(answer.headers["content-length"]), len(answer.body), what)
        envelope = json.loads(answer.body)
        keys = ["Type", "Rank"] if operation.returns is Frame else []
        keys += ["Value"] if operation.returns_value else []
        keys += ["ClientTransactionID", "ServerTransactionID", "ErrorNumber", "ErrorMessage"]
        self.assertEqual(list(envelope), keys, what)
        self.assertEqual(envelope["ClientTransactionID"], echo, what)
        self.assertGreaterEqual(envelope["ServerTransactionID"], 1, what)
        self.assertEqual(envelope["ErrorMessage"] == "", envelope["ErrorNumber"] == 0, what)

    def refused(self, what: str, answer: Answer) -> None:
        """HTTP 400 and one line of text."""
        self.assertEqual(answer.status, 400, f"{what} {answer.text}")
        self.assertEqual(answer.headers["content-type"], "text/plain; charset=utf-8", what)
        self.assertRegex(answer.text, r"^[^\n]{10,400}$", what)

    def gets(self, path: str, operation: Operation) -> None:
        good = self.good(operation)

        def ask(**changed: str) -> Answer:
            query = {**good, "ClientID": "123456", "ClientTransactionID": "67890", **changed}
            return self.server.get(path, **{name: text for name, text in query.items() if text != "left out"})

        self.understood(f"{path} normal", ask(), operation, 67890)
        self.understood(f"{path} extra", ask(ExtraParameter="ExtraValue"), operation, 67890)
        self.understood(f"{path} clientid", ask(ClientID="left out", clientid="123456"), operation, 67890)
        answer = ask(ClientTransactionID="left out", clienttransactionid="67890")
        self.understood(f"{path} clienttransactionid", answer, operation, 67890)
        for parameter in operation.parameters:
            if parameter.kind is not str:
                self.refused(f"{path} {parameter.name} bad", ask(**{parameter.name: BAD_VALUE}))
            self.refused(f"{path} {parameter.name} missing", ask(**{parameter.name: "left out"}))
            swapped = {parameter.name: "left out", inverted(parameter.name): good[parameter.name]}
            self.understood(f"{path} {parameter.name} inverted", ask(**swapped), operation, 67890)
        for text in BAD_CLIENTS:
            self.refused(f"{path} ClientID {text!r}", ask(ClientID=text))
        for text in BAD_TRANSACTIONS:
            self.refused(f"{path} ClientTransactionID {text!r}", ask(ClientTransactionID=text))

    def puts(self, path: str, operation: Operation) -> None:
        good = self.good(operation)

        def send(**changed: str) -> Answer:
            form = {**good, "ClientID": "123456", "ClientTransactionID": "67890", **changed}
            body = urlencode({name: text for name, text in form.items() if text != "left out"}).encode()
            connection = self.server.begin("PUT", path, body)
            for _ in range(240):  # a synchronous slew takes its time
                if (answer := connection.answer("PUT")) is not None:
                    connection.hang_up()
                    return answer
                self.server.clock.advance(0.25)
            raise AssertionError(f"no answer to PUT {path}")

        self.understood(f"{path} normal", send(), operation, 67890)
        self.understood(f"{path} extra", send(ExtraParameter="ExtraValue"), operation, 67890)
        for parameter in operation.parameters:
            if parameter.kind not in (str, datetime):
                self.refused(f"{path} {parameter.name} bad", send(**{parameter.name: BAD_VALUE}))
                self.refused(f"{path} {parameter.name} empty", send(**{parameter.name: ""}))
            self.refused(f"{path} {parameter.name} missing", send(**{parameter.name: "left out"}))
            swapped = {parameter.name: "left out", inverted(parameter.name): good[parameter.name]}
            self.refused(f"{path} {parameter.name} inverted", send(**swapped))
        answer = send(ClientID="left out", clientid="123456")
        self.understood(f"{path} clientid", answer, operation, 67890)
        answer = send(ClientTransactionID="left out", clienttransactionid="67890")
        self.understood(f"{path} clienttransactionid", answer, operation, 0)
        for text in BAD_CLIENTS:
            self.refused(f"{path} ClientID {text!r}", send(ClientID=text))
        for text in BAD_TRANSACTIONS:
            self.refused(f"{path} ClientTransactionID {text!r}", send(ClientTransactionID=text))

    def test_gets_while_connected(self) -> None:
        """The twelve variations of every GET, of every device, connected."""
        self.open_links()
        for path, operation in self.each("GET"):
            self.gets(path, operation)

    def test_gets_while_disconnected(self) -> None:
        """The same, disconnected."""
        for path, operation in self.each("GET"):
            self.gets(path, operation)

    def test_puts_while_connected(self) -> None:
        """The fourteen variations of every PUT, of every device, connected."""
        for path, operation in self.each("PUT"):
            self.open_links()
            self.puts(path, operation)

    def test_puts_while_disconnected(self) -> None:
        """The same, disconnected: what cannot be read is refused before the link is looked at."""
        for path, operation in self.each("PUT"):
            self.puts(path, operation)

    def test_then_conformance(self) -> None:
        """As the official checker goes: first the protocol of every simulator, then its conformance, twice, on one process."""
        for path, operation in [*self.each("GET"), *self.each("PUT")]:
            self.open_links()
            (self.gets if operation.verb == "GET" else self.puts)(path, operation)
        for entry in self.server.roster:
            if type(entry.driver).__module__.startswith("drivers.simulators"):
                self.server.put(f"{entry.kind}/{entry.number}/connected", Connected="False", ClientID="123456")
                kit = conformance.KITS[entry.kind]
                check: Any = type(kit.__name__, (conformance.OverHttp, kit), {})()
                check.reach_server(self.server, entry.number)
                check.perform(check.connecting())
                for _ in range(2):
                    check.perform(check.program())

    def test_images(self) -> None:
        """The twelve variations of both names of an image, when there is one, for every kind of sensor, in both forms."""
        self.open_links()
        good = {"ClientID": "123456", "ClientTransactionID": "67890"}
        others = [{"ExtraParameter": "ExtraValue"}, {"clientid": "1", "ClientID": "left out"}]
        others.append({"clienttransactionid": "67890", "ClientTransactionID": "left out"})
        bad = [{"ClientID": text} for text in BAD_CLIENTS] + [{"ClientTransactionID": text} for text in BAD_TRANSACTIONS]
        for number in range(1, 7):
            self.assertEqual(self.server.put(f"camera/{number}/startexposure", Duration=2, Light=False).error, 0)
        self.server.clock.pump([2, 8])
        for number, member, accept in product(range(1, 7), ("imagearray", "imagearrayvariant"), ("", "application/imagebytes")):
            for changed in ({}, *others, *bad):
                fields = {name: text for name, text in {**good, **changed}.items() if text != "left out"}
                path = f"camera/{number}/{member}?{urlencode(fields)}"
                answer = self.server.request("GET", path, b"", {"Accept": f"application/json, {accept}"})
                if changed in bad:
                    self.refused(path, answer)
                else:
                    found = decoded(answer.body, answer.headers["content-type"])
                    self.assertEqual(found.client_transaction, 67890, path)
                    self.assertEqual(found.rank, 3 if number == 1 + SensorType.Color else 2, path)

    def test_fields_in_any_order(self) -> None:
        """The first thing the checker looks at: the order of the fields says nothing."""
        for order in ("Connected=True&ClientID=1&ClientTransactionID=5", "ClientTransactionID=5&ClientID=1&Connected=True"):
            answer = self.server.request("PUT", "dome/0/connected", order.encode(), {"Content-Type": FORM})
            self.assertEqual((answer.error, answer.json["ClientTransactionID"]), (0, 5))

    def test_with_charset(self) -> None:
        """.NET clients say that the form is UTF-8."""
        headers = {"Content-Type": f"{FORM}; charset=utf-8"}
        self.assertEqual(self.server.request("PUT", "dome/0/connected", b"Connected=True", headers).error, 0)

    def test_parameters_in_the_query_of_a_put(self) -> None:
        """What stands in the query of a PUT is not there."""
        self.refused("query", self.server.request("PUT", "dome/0/connected?Connected=True"))

    def test_bad_urls(self) -> None:
        """Unknown types, numbers and members, and paths that are not lower case, are refused and never redirected."""
        for path in (
            "/api/v1/DOME/0/description",
            "/api/v1/Dome/0/description",
            "/api/v1/camera/7/description",
            "/api/v1/baddevicetype/0/description",
            "/api/v1/dome/-1/description",
            "/api/v1/dome/99999/description",
            "/api/v1/dome/A/description",
            "/api/v1/dome/+0/description",
            "/api/v1/dome/0.0/description",
            "/api/v1/dome/%C2%B2/description",
            "/api/v1/dome/0/descrip",
            "/api/v1/dome/0/Description",
            "/api/v1/dome/0/description/",
            "/api/v1/dome/0",
            "/api/v1/dome//description",
            "/api//v1/dome/0/description",
            "/api/v2/dome/0/description",
            "/api/V1/dome/0/description",
            "/api/v/dome/0/description",
            "/api/1/dome/0/description",
            "/api",
            "/api/",
        ):
            self.refused(path, self.server.get(path))

    def test_reads_before_the_first_connect(self) -> None:
        """What must answer before a connection does; everything else is not connected."""
        for path, operation in [*self.each("GET"), *self.each("PUT")]:
            if operation.verb == "GET":
                error = self.server.get(path, **self.good(operation)).error
            elif operation.while_disconnected:
                continue  # these connect
            else:
                error = self.server.put(path, **self.good(operation)).error
            self.assertEqual(error, 0 if operation.while_disconnected else 0x407, path)
