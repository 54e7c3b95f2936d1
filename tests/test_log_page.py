"""/log: the page, its filters, the diagnostics file, and that nothing secret is told anywhere."""

from __future__ import annotations

import json
import re
from typing import Any

from twisted.logger import Logger, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from pylpaca.discreet import HIDDEN
from pylpaca.pages import assets
from pylpaca.pages import log as log_page
from pylpaca.testing import MIDNIGHT, HeldThread, MemoryServer
from tests.misbehaving import entry
from tests.test_recent import CONFIGURATION, SECRET, SECRETS

DOMES = {
    "drivers": [
        {"device_type": "dome", "device_number": number, "device_driver": "DomeSimulator", "name": name}
        for number, name in enumerate(("Big roof", "Small roof"))
    ]
}


def texts(html: str) -> list[str]:
    """The texts of the lines in a page."""
    return re.findall(r"<tr data-level=.*?<td>(?:[^<]*)</td><td>[^<]*</td><td>(?:<details><summary>)?([^<]*)", html)


class PageTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.server = MemoryServer(DOMES)
        self.log = Logger(observer=self.server.recent)
        for level, device, text in (
            ("debug", "dome/0", "chatter"),
            ("info", "dome/0", "opens"),
            ("warn", "dome/1", "is slow"),
            ("error", "", "the disk is full"),
        ):
            getattr(self.log, level)("{text}", text=text, device=device)
        self.server.get("dome/1/azimuth", ClientID=77)

    def lines(self, **query: Any) -> list[str]:
        return texts(self.server.get("/log", **query).body.decode())

    def test_lines(self) -> None:
        """The newest line comes first; what only developers want to know is left out unless it is asked for."""
        why = "Small roof is not connected; connect it first (NotConnected, 0x407)"
        refused = f"GET Azimuth was refused to 192.0.2.7 (ClientID 77): {why}"
        self.assertEqual(self.lines(), [refused, "the disk is full", "is slow", "opens"])

    def test_half_a_letter(self) -> None:
        """A byte that is no text, as a driver may have read it, is seen as its number: the page is there all the same."""
        self.log.warn("read {what}", what="\udc80")
        self.assertEqual(self.lines()[0], "read \\udc80")

    def test_filters(self) -> None:
        """Filters stand in the address, so that they work without JavaScript."""
        self.assertEqual(self.lines(level="debug", device="dome/0"), ["opens", "chatter"])
        self.assertEqual(self.lines(level="warn"), ["the disk is full", "is slow"])
        self.assertEqual(len(self.lines(client="192.0.2.7")), 1)
        self.assertEqual(len(self.lines(client="77")), 1)
        self.assertEqual(self.lines(client="78"), [])

    def test_form(self) -> None:
        """The form shows what is chosen, also a device that is not here any more."""
        html = self.server.get("/log", level="warn", device="focuser/3", client='"><b>').body.decode()
        self.assertIn('<option value="warn" selected="">', html)
        self.assertIn('<option value="focuser/3" selected="">', html)
        self.assertIn("&quot;&gt;&lt;b&gt;", html)

    def test_no_such_level(self) -> None:
        """A level that does not exist is refused with those that do."""
        answer = self.server.get("/log", level="loud")
        self.assertEqual(
            (answer.status, answer.text), (400, "there is no level 'loud'; known: debug, info, warn, error, critical")
        )

    def test_odd_query(self) -> None:
        """Bytes that are no text are no reason to fail."""
        self.assertEqual(self.server.request("GET", "/log?client=%ff&device").status, 200)

    def test_folded(self) -> None:
        """A traceback is there, folded away."""
        try:
            raise ValueError("<too wet>")
        except ValueError:
            self.log.failure("roof")
        html = self.server.get("/log").body.decode()
        self.assertIn("<details><summary>roof: ValueError: &lt;too wet&gt;</summary><pre>", html)

    def test_weight(self) -> None:
        """However much was logged, the page does not become heavier than a page should."""
        for number in range(300):
            self.log.info("{number} {words}", number=number, words="word " * (number % 200))
        served = assets.Assets()._files
        made_with = sum(len(body) for name, body in served.items() if name.endswith((".css", ".js")))
        self.assertLess(len(self.server.get("/log").body) + made_with, 60_000)

    def test_one_that_does_not_fit(self) -> None:
        """The last line is shown, however long it is."""
        try:
            raise ValueError
        except ValueError:
            self.patch(log_page, "CHARACTERS", 10)
            self.log.failure("a long story")
        self.assertEqual(self.lines(), ["a long story: ValueError:"])

    def test_bounded(self) -> None:
        """A page has so many lines and no more."""
        for number in range(log_page.SHOWN + 50):
            self.log.info("{number}", number=number)
        self.assertEqual(len(self.lines()), log_page.SHOWN)

    def test_empty(self) -> None:
        """Where there is nothing to show, it says so."""
        self.assertIn("Nothing of this has been logged", self.server.get("/log", device="dome/0", level="error").body.decode())


class DiagnosticsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.server = MemoryServer({**DOMES, "server": {"name": "Hut", "location": "hill"}})
        self.server.put("dome/0/connected", Connected=True, ClientID=5)
        self.answer = self.server.get("/log/diagnostics.json")
        self.found = self.answer.json

    def test_file(self) -> None:
        """A browser keeps it as a file with the time in its name."""
        said = self.answer.headers["content-disposition"]
        self.assertEqual(said, f'attachment; filename="pylpaca-diagnostics-{MIDNIGHT:%Y%m%d-%H%M%S}.json"')

    def test_configuration(self) -> None:
        """The configuration is in it, without what it does not say."""
        configuration = self.found["configuration"]
        self.assertEqual((configuration["server"]["name"], configuration["server"]["users"]), ("Hut", 0))
        self.assertEqual(configuration["drivers"], DOMES["drivers"])

    def test_versions(self) -> None:
        """What runs here, in which version."""
        self.assertLessEqual({"Twisted", "klein", "pydantic"}, set(self.found["packages"]))
        self.assertEqual([name for name in ("pylpaca", "python", "system") if not self.found[name]], [])

    def test_devices(self) -> None:
        """Each device, with its driver, its settings, its link, who holds it, and its state."""
        connected, other = self.found["devices"]
        self.assertEqual((connected["link"], other["link"]), ("connected", "disconnected"))
        self.assertEqual((connected["state"]["Azimuth"], connected["driver"]), (180.0, "drivers.simulators.dome.DomeSimulator"))
        self.assertEqual(len(connected["holders"]), 1)

    def test_slowest(self) -> None:
        """The slowest members, with how often they were called."""
        self.assertEqual([(each["member"], each["calls"]) for each in self.found["slowest"]], [("Connected", 1)])

    def test_rest(self) -> None:
        """Everything else that there is."""
        expected = {
            "addresses",
            "ports",
            "process",
            "reactor_lag",
            "refused",
            "connections",
            "uptime_seconds",
            "file",
            "made",
            "log",
        }
        self.assertEqual(expected - set(self.found), set())
        self.assertEqual(list(self.found)[-1], "log")

    def test_waits_for_nobody(self) -> None:
        """A device that does not answer keeps it for two seconds, not longer."""
        server = MemoryServer({"drivers": [entry("telescope")]})
        server.put("telescope/0/connected", Connected=True)
        server.driver("telescope").in_thread = None  # type: ignore[assignment]
        held = HeldThread()
        waiting = held("")
        self.patch(server.driver("telescope"), "Declination", lambda: waiting(lambda: 1.0))
        connection = server.begin("GET", "/log/diagnostics.json")
        server.clock.advance(2.0)
        answer = connection.answer()
        assert answer is not None
        self.assertEqual(answer.json["devices"][0]["link"], "connected")

    def test_in_a_thread(self) -> None:
        """What asks the system is done where it may take its time."""
        server = MemoryServer(DOMES)
        held = HeldThread()
        server.site.observatory.in_thread = held("diagnostics")
        connection = server.begin("GET", "/log/diagnostics.json")
        before = connection.answer()
        held.release()
        self.assertEqual((before, connection.answer() is not None), (None, True))


class SecretsTests(SynchronousTestCase):
    """A configuration full of secrets, and a driver that tells them to whoever asks and to the log."""

    named = {"Authorization": "Basic YW5uYTpYeXp6eS00NzExLWE="}  # noqa: RUF012

    def setUp(self) -> None:
        self.server = MemoryServer({**CONFIGURATION, "server": {**CONFIGURATION["server"], "request_log": True}})
        globalLogPublisher.addObserver(self.server.recent)
        self.addCleanup(globalLogPublisher.removeObserver, self.server.recent)
        form = {**self.named, "Content-Type": "application/x-www-form-urlencoded"}
        self.server.request("PUT", "safetymonitor/0/connected", b"Connected=true", form)
        for member in ("issafe", "driverinfo"):
            self.server.request("GET", f"safetymonitor/0/{member}", headers=self.named)
        Logger().info("all of them: {all}", all=SECRETS)
        self.flushLoggedErrors(ValueError)

    def body(self, path: str) -> str:
        answer = self.server.request("GET", path, headers=self.named)
        self.assertEqual(answer.status, 200)
        return answer.body.decode()

    def test_the_log_has_something_to_hide(self) -> None:
        """The driver did log them, and what stands in their places is there."""
        self.assertGreater(self.body("/log").count(HIDDEN), 10)

    def test_nowhere(self) -> None:
        """None of them stands in the log, the diagnostics, the figures, the health, the API, its description or other pages."""
        for path in (
            "/",
            "/setup",
            "/log?level=debug",
            "/log/diagnostics.json",
            "/metrics",
            "/health",
            "/docs/api",
            "/docs/api/v1/safetymonitor/0",
            "/docs/api/openapi.json",
        ):
            body = self.body(path)
            self.assertEqual([each for each in SECRETS if each in body or json.dumps(each)[1:-1] in body], [], path)
            self.assertNotIn(SECRET, body)

    def test_form(self) -> None:
        """The form of the device's own settings shows what is no secret by its type or its name; what is typed there is shown."""
        body = self.body("/setup/v1/safetymonitor/0/setup")
        shown = {each for each in SECRETS if each in body}
        self.assertLessEqual(shown, {f"{SECRET}-d", f"{SECRET}-e"})  # within an object without fields, and within an address

    def test_users(self) -> None:
        """Nor do the names of users."""
        for path in ("/log?level=debug", "/log/diagnostics.json", "/metrics", "/health"):
            body = self.body(path)
            self.assertEqual([each for each in ("anna", "otto") if each in body], [], path)
