"""HTTP: routes, verbs, bodies and what is refused."""

from __future__ import annotations

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.trial.unittest import SynchronousTestCase

from pylpaca.answers import peer_of
from pylpaca.protocol import BODY_LIMIT
from pylpaca.testing import Answer, MemoryServer
from pylpaca.walled import WalledRequest
from pylpaca.web import KEEP_ALIVE, Api
from tests.setup_forms import Page

CONFIGURATION = {
    "drivers": [{"device_type": "dome", "device_number": 0, "device_driver": "DomeSimulator", "name": "<Roof> & co"}],
    "server": {"name": "<b>mine</b>", "location": 'here"'},
}


class WebTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.server = MemoryServer(CONFIGURATION)


class VerbTests(WebTestCase):
    def allowed(self, verb: str, path: str) -> str:
        answer = self.server.request(verb, path)
        self.assertEqual(answer.status, 405, path)
        self.assertEqual(answer.headers["content-type"], "text/plain; charset=utf-8")
        return answer.headers["allow"]

    def test_exact_allow(self) -> None:
        """Any other verb is 405 with exactly what the path takes."""
        for verb in ("POST", "DELETE", "PATCH", "OPTIONS", "FOO"):
            self.assertEqual(self.allowed(verb, "/"), "GET, HEAD")
            self.assertEqual(self.allowed(verb, "dome/0/connected"), "GET, PUT")
            self.assertEqual(self.allowed(verb, "dome/0/openshutter"), "PUT")
            self.assertEqual(self.allowed(verb, "dome/0/azimuth"), "GET")
            self.assertEqual(self.allowed(verb, "/management/apiversions"), "GET, HEAD")
        for verb in ("PUT", "DELETE", "PATCH", "OPTIONS", "FOO"):
            for path in ("/setup", "/setup/v1/dome/0/setup"):
                self.assertEqual(self.allowed(verb, path), "GET, HEAD, POST")

    def test_path_before_verb(self) -> None:
        """A path that is not there is refused as such, whatever the verb."""
        self.assertEqual(self.server.request("POST", "dome/7/connected").status, 400)
        self.assertEqual(self.server.request("POST", "/nowhere").status, 404)

    def test_head(self) -> None:
        """HEAD is GET without the body."""
        answer = self.server.request("HEAD", "dome/0/name")
        self.assertEqual((answer.status, answer.body), (200, b""))
        self.assertGreater(int(answer.headers["content-length"]), 80)

    def test_few_routes(self) -> None:
        """There is a handful of routes, none per device type, each with its verbs."""
        rules = list(Api.app.url_map.iter_rules())
        self.assertLess(len(rules), 8)
        self.assertTrue(all(rule.methods for rule in rules))


class BodyTests(WebTestCase):
    def put(self, body: bytes, *headers: str) -> Answer:
        connection = self.server.connection()
        lines = ["PUT /api/v1/dome/0/connected HTTP/1.1", "Host: x", *headers]
        connection.send("\r\n".join([*lines, "", ""]).encode())
        for start in range(0, len(body), 10_000):
            connection.send(body[start : start + 10_000])
        answer = connection.answer("PUT")
        assert answer is not None
        self.assertFalse(connection.closed)
        return answer

    def test_largest(self) -> None:
        """A body up to the limit is read."""
        body = b"Connected=False&x=".ljust(BODY_LIMIT, b"y")
        self.assertEqual(self.put(body, f"Content-Length: {len(body)}").error, 0)

    def test_too_long(self) -> None:
        """A longer one is refused in a sentence, and not kept."""
        for size in (BODY_LIMIT + 1, 5_000_000):
            answer = self.put(b"x" * size, f"Content-Length: {size}")
            self.assertEqual(answer.status, 413)
            self.assertIn("at most 65536 bytes", answer.text)

    def test_too_long_in_chunks(self) -> None:
        """The same for a body that does not say how long it is."""
        chunks = b"".join(b"4000\r\n" + b"x" * 0x4000 + b"\r\n" for _ in range(8)) + b"0\r\n\r\n"
        self.assertEqual(self.put(chunks, "Transfer-Encoding: chunked").status, 413)

    def test_endless(self) -> None:
        """Who sends without end is cut off."""
        connection = self.server.connection()
        connection.send(b"PUT /api/v1/dome/0/connected HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n")
        chunk = b"x" * (1 << 20)
        for _ in range((WalledRequest.MOST_READ_PAST >> 20) + 1):
            connection.send(chunk)
        self.assertTrue(connection.closed)

    def test_odd_content_type(self) -> None:
        """A content type that is no text is refused like any other that is no form."""
        connection = self.server.connection()
        head = b"PUT /api/v1/dome/0/connected HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Type: \xff\xfe\r\n\r\n"
        connection.send(head + b"x=1")
        answer = connection.answer("PUT")
        assert answer is not None
        self.assertEqual(answer.status, 400)

    def test_empty(self) -> None:
        """A PUT without parameters needs no body."""
        connection = self.server.connection()
        connection.send(b"PUT /api/v1/dome/0/connect HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = connection.answer("PUT")
        assert answer is not None
        self.assertEqual(answer.error, 0)


class ConnectionTests(WebTestCase):
    GET = b"GET /api/v1/dome/0/name HTTP/1.1\r\nHost: x\r\n\r\n"

    def test_keep_alive(self) -> None:
        """One connection carries many requests; an idle one is kept for five minutes."""
        connection = self.server.connection()
        connection.send(self.GET)
        connection.send(self.GET)
        self.assertEqual(connection.received.count(b"HTTP/1.1 200"), 2)
        self.server.clock.advance(KEEP_ALIVE - 1)
        self.assertFalse(connection.closed)
        self.server.clock.advance(2)
        self.assertTrue(connection.closed)

    def test_pipelined(self) -> None:
        """Requests sent at once are answered in order."""
        connection = self.server.connection()
        connection.send(self.GET * 3)
        self.server.clock.advance(0)
        self.assertEqual(connection.received.count(b"HTTP/1.1 200"), 3)

    def test_in_pieces(self) -> None:
        """However the bytes of a request arrive."""
        connection = self.server.connection()
        for byte in self.GET:
            connection.send(bytes([byte]))
        answer = connection.answer()
        assert answer is not None
        self.assertEqual(answer.value, "<Roof> & co")

    def test_not_chunked(self) -> None:
        """Answers say how long they are."""
        answer = self.server.get("dome/0/name")
        self.assertNotIn("transfer-encoding", answer.headers)
        self.assertEqual(int(answer.headers["content-length"]), len(answer.body))


class FaultTests(WebTestCase):
    def test_fault_of_the_server(self) -> None:
        """A bug of ours is 500 with a mark that the log has, and no traceback for the client."""

        def broken(_: object) -> None:
            raise ZeroDivisionError("secret")

        self.patch(self.server.site.api._dispatcher, "answer", broken)
        answer = self.server.get("dome/0/name")
        self.assertEqual(answer.status, 500)
        self.assertRegex(answer.text, r"^the server failed; in its log: [0-9a-f]{8}$")
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)


class PeerTests(SynchronousTestCase):
    def test_one_client_one_address(self) -> None:
        """An IPv4 client has one address, on a dual-stack socket too."""

        class From:
            def __init__(self, address: object) -> None:
                self.address = address

            def getClientAddress(self) -> object:
                return self.address

        for address, expected in (
            (IPv4Address("TCP", "192.0.2.7", 1), "192.0.2.7"),
            (IPv6Address("TCP", "::ffff:192.0.2.7", 1), "192.0.2.7"),
            (IPv6Address("TCP", "fe80::1%eth0", 1), "fe80::1%eth0"),
            (IPv6Address("TCP", "2001:db8::1", 1), "2001:db8::1"),
            (object(), ""),
        ):
            self.assertEqual(peer_of(From(address)), expected)  # type: ignore[arg-type]


class ManagementTests(WebTestCase):
    def test_api_versions(self) -> None:
        """Version 1, alone."""
        self.assertEqual(self.server.get("/management/apiversions").value, [1])

    def test_description(self) -> None:
        """What the server is, exactly four texts."""
        value = self.server.get("/management/v1/description").value
        self.assertEqual(set(value), {"ServerName", "Manufacturer", "ManufacturerVersion", "Location"})
        self.assertEqual((value["ServerName"], value["Location"]), ("<b>mine</b>", 'here"'))
        self.assertTrue(value["Manufacturer"] and value["ManufacturerVersion"])

    def test_configured_devices(self) -> None:
        """Every device with its type in ASCOM's spelling and its id."""
        (device,) = self.server.get("/management/v1/configureddevices").value
        unique_id = device.pop("UniqueID")
        self.assertEqual(device, {"DeviceName": "<Roof> & co", "DeviceType": "Dome", "DeviceNumber": 0})
        self.assertGreaterEqual(len(unique_id), 12)

    def test_envelope(self) -> None:
        """The same envelope as a device's, ids in any case; one that cannot be read keeps nobody from finding devices."""
        answer = self.server.get("/management/apiversions", clienttransactionid=67890)
        self.assertEqual(answer.json["ClientTransactionID"], 67890)
        self.assertGreaterEqual(answer.json["ServerTransactionID"], 1)
        answer = self.server.get("/management/apiversions", ClientID="x", ClientTransactionID=5)
        self.assertEqual((answer.value, answer.json["ClientTransactionID"]), ([1], 0))

    def test_unknown(self) -> None:
        """What is not there is 404, with what is."""
        answer = self.server.get("/management/v1/nothing")
        self.assertEqual(answer.status, 404)
        self.assertIn("/management/v1/configureddevices", answer.text)


class SetupTests(WebTestCase):
    def test_server_page(self) -> None:
        """The page of the server names it, its version and its devices, and is safe from what they are called."""
        for path in ("/setup", "/"):
            answer = self.server.get(path)
            self.assertEqual((answer.status, answer.headers["content-type"]), (200, "text/html; charset=utf-8"))
            for text in ("&lt;b&gt;mine&lt;/b&gt;", "&lt;Roof&gt; &amp; co", "0.1.0", 'href="/setup/v1/dome/0/setup"'):
                self.assertIn(text, answer.text)
            self.assertNotIn("<b>mine", answer.text)

    def test_device_page(self) -> None:
        """The page of a device shows its settings with their meaning, each in a field of a form."""
        answer = self.server.get("/setup/v1/dome/0/setup")
        self.assertEqual((answer.status, answer.headers["content-type"]), (200, "text/html; charset=utf-8"))
        page = Page(answer)
        self.assertEqual(page.fields["settings.park_azimuth"], "180.0")
        self.assertIn("Where the dome parks, in degrees.", page.texts["settings-park_azimuth-help"])

    def test_no_such_device(self) -> None:
        """A device that is not there has no page: 403, as the published API has it."""
        for path in ("/setup/v1/dome/5/setup", "/setup/v1/dome/x/setup", "/setup/v1/camera/0/setup"):
            self.assertEqual(self.server.get(path).status, 403)
        self.assertEqual(self.server.get("/setup/v1/dome/0").status, 404)
