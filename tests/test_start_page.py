"""The start page as it is sent: what it says to whom has no JavaScript, or waits for it."""

from __future__ import annotations

import re
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from pylpaca.errors import DriverError
from pylpaca.pages.layout import THEMES
from pylpaca.pages.observatory import Discovery
from pylpaca.testing import MIDNIGHT, MemoryServer
from tests.browser import ten_devices
from tests.doubles import BrokenLinkMonitor
from tests.observatory import device


def text(html: str) -> str:
    """What is read of a piece of HTML."""
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


class StartPageTestCase(SynchronousTestCase):
    configuration: Any = None

    def setUp(self) -> None:
        self.server = MemoryServer(self.configuration or ten_devices())
        self.seen = self.server.site.observatory
        for entry in self.server.roster:
            if entry.driver.link.permanent:
                entry.driver.link.vote(True)
        self.server.clock.advance(0)

    def page(self) -> str:
        answer = self.server.get("/")
        self.assertEqual(answer.status, 200)
        return answer.body.decode()

    def card(self, name: str) -> str:
        """A device's card."""
        (card,) = [each for each in self.page().split('<li class="card device">') if f">{name}</a></h3>" in each]
        return card.split("</li>")[0]


class DeviceTests(StartPageTestCase):
    def test_values(self) -> None:
        """The values that matter stand there without JavaScript."""
        self.assertIn("shutter status closed azimuth 180.0° slewing no", text(self.card("Dome 0")))

    def test_half_a_letter(self) -> None:
        """What went wrong may hold bytes that are no text: they are seen as their numbers, with all other devices."""
        self.server.driver("dome").link.lost(DriverError("\udc80 came"))
        self.flushLoggedErrors(UnicodeEncodeError)  # trial's own file cannot have it
        self.assertIn("\\udc80 came", text(self.card("Dome 0")))

    def test_safety(self) -> None:
        """Whether it is safe is said aloud."""
        self.assertIn('data-is="true">SAFE</dd>', self.card("SafetyMonitor 0"))

    def test_lamp(self) -> None:
        """The lamp is lit without JavaScript."""
        self.assertIn('data-state="connected">connected</span>', self.card("Dome 0"))

    def test_ways(self) -> None:
        """A card leads to the hand box and to the settings of its device."""
        ways = re.findall(r'href="([^"]+)"', self.card("Dome 0"))
        self.assertEqual(ways, ["/control/v1/dome/0", "/control/v1/dome/0", "/setup/v1/dome/0/setup"])

    def test_holders(self) -> None:
        """Who uses a device is told."""
        self.server.put("dome/0/connected", Connected="true", ClientID="7")
        self.assertIn(">192.0.2.7 (client 7)</p>", self.card("Dome 0"))

    def test_one_button(self) -> None:
        """Of Connect and Disconnect that one is seen which does something."""
        connect, disconnect = re.findall(r"<button[^>]*>", self.card("Dome 0"))
        self.assertEqual(("hidden" in connect, "hidden" in disconnect), (True, False))


class FailureTests(StartPageTestCase):
    configuration = {"drivers": [device(BrokenLinkMonitor, name="Rain sensor")]}  # noqa: RUF012

    def test_error(self) -> None:
        """What went wrong is told in words, and what to do."""
        self.server.put("safetymonitor/0/connect", ClientID="7")
        error = 'data-error="safetymonitor/0">No answer on COM9. Put that right, then press Connect.</p>'
        self.assertIn(error, self.card("Rain sensor"))

    def test_error_at_settings(self) -> None:
        """The page of its settings, where it is put right, says the same."""
        self.server.put("safetymonitor/0/connect", ClientID="7")
        page = self.server.get("/setup/v1/safetymonitor/0/setup").body.decode()
        told = re.findall(r'data-error="safetymonitor/0">([^<]*)<', page)
        self.assertEqual(told, ["No answer on COM9. Put that right, then press Connect."])

    def test_no_error(self) -> None:
        """As long as nothing is wrong, nothing is said of it."""
        self.assertIn('data-error="safetymonitor/0" hidden="">', self.card("Rain sensor"))

    def test_alone(self) -> None:
        """One device is connected by its own button: there is none for all."""
        self.assertNotIn("data-put-all", self.page())


class ServerTests(StartPageTestCase):
    def test_addresses(self) -> None:
        """Every address stands there as it is typed; the first one also in its two parts."""
        self.seen.addresses = ["192.0.2.1:11111", "[2001:db8::1]:11111"]
        found = re.findall(r"<code>([^<]*)</code>", self.page())
        self.assertEqual(found, ["192.0.2.1:11111", "[2001:db8::1]:11111", "192.0.2.1", "11111"])

    def test_searches(self) -> None:
        """Clients are said to find the devices by themselves only where somebody answers them."""
        said = []
        for works in (True, False):
            self.seen.discovery.works = works
            said.append("find the devices by themselves" in self.page())
        self.assertEqual(said, [True, False])

    def test_first_steps(self) -> None:
        """First steps are open until somebody uses a device."""
        self.assertIn('<details open="">', self.page())

    def test_steps_done(self) -> None:
        """Then they are folded away."""
        self.server.put("dome/0/connected", Connected="true", ClientID="7")
        self.assertIn("<details>", self.page())

    def test_no_devices(self) -> None:
        """Without a device the page says where to get one."""
        self.assertIn("There are none yet: ", MemoryServer({"drivers": []}).get("/").body.decode())

    def test_themes(self) -> None:
        """Every theme can be chosen, on every page."""
        chosen = re.findall(r'data-theme-choice="([^"]*)"', self.server.get("/setup").body.decode())
        self.assertEqual(chosen, [name for name, _ in THEMES])

    def test_theme_first(self) -> None:
        """The theme is chosen before anything that could be painted is there."""
        page = self.page()
        self.assertLess(page.index("theme.js"), page.index("<body"))
        self.assertNotIn('type="module" src="/assets/theme.js"', page)


class DiscoveryTests(SynchronousTestCase):
    def told(self, **known: Any) -> tuple[str, str]:
        found = Discovery(lambda: MIDNIGHT, **known)
        return found.lamp, found.text

    def test_off(self) -> None:
        """Discovery is off, and what to do instead is said."""
        self.assertEqual(self.told(), ("disconnected", "Discovery is off. Type an address into your software instead."))

    def test_fails(self) -> None:
        """Its port cannot be opened."""
        why = "Discovery does not work: UDP port 32227 cannot be opened. Type an address into your software instead."
        self.assertEqual(self.told(port=32227), ("failed", why))

    def test_nobody(self) -> None:
        """Nobody has asked: the question may not get through."""
        said = "Discovery answers on UDP port 32227; nobody has asked yet."
        self.assertEqual(self.told(port=32227, works=True), ("connected", said))
