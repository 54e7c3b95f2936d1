"""What every page has to be in a real browser: sound for all who use it, in every theme, and asking nobody but its server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pylpaca.pages.layout import THEMES
from pylpaca.testing import MemoryServer
from tests.browser import BrowserTestCase, ten_devices
from tests.site_pages import pages

AXE = Path(__file__).with_name("axe") / "axe.min.js"
SERIOUS = {"serious", "critical"}
BY_COLOUR = ["color-contrast"]  # what depends on the theme

_AUDIT = """
const done = arguments[arguments.length - 1];
const where = (each) => each.nodes.slice(0, 3).map((node) => node.html.slice(0, 160));
axe.run(document, arguments[0]).then(
  (found) => done(found.violations.map((each) => [each.impact, each.id, each.help, where(each)])),
  (error) => done([["critical", String(error), "", []]]),
);
"""


class EveryPageTests(BrowserTestCase):
    """Ten devices that the server keeps connected."""

    def setUp(self) -> None:
        super().setUp()
        server = MemoryServer(ten_devices())
        self.pages = list(pages(server))

    def test_accessible(self) -> None:
        """axe finds nothing serious on any page, in any theme."""
        script = AXE.read_text()
        wrong: dict[str, Any] = {}
        for path in self.pages:
            self.open(path)
            self.driver.execute_script(script)
            found = {"": self.audit({})}
            for theme in (name for name, _ in THEMES if name):
                self.driver.execute_script("document.documentElement.dataset.theme = arguments[0]", theme)
                found[theme] = self.audit({"runOnly": BY_COLOUR})
            for theme, violations in found.items():
                if serious := [each for each in violations if each[0] in SERIOUS]:
                    wrong[f"{path} {theme}"] = serious
        self.assertEqual(wrong, {}, json.dumps(wrong, indent=1))

    def audit(self, options: dict[str, Any]) -> Any:
        return self.driver.execute_async_script(_AUDIT, options)

    def test_only_red(self) -> None:
        """In the red theme no pixel of any page is green or blue."""
        self.open("/")
        self.driver.execute_script("localStorage.setItem('theme', 'red')")
        bright = {}
        try:
            for path in self.pages:
                self.open(path)
                _, green, blue = self.colours()
                if green or blue:
                    bright[path] = (green, blue)
        finally:
            self.driver.execute_script("localStorage.clear()")
        self.assertEqual(bright, {})

    def test_asks_nobody_else(self) -> None:
        """No request leaves the server, and what a page asks for is there."""
        self.driver.get_log("performance")  # of what came before
        for path in self.pages:
            self.open(path)
            self.driver.execute_script("return document.fonts.ready")
        events = [json.loads(each["message"])["message"] for each in self.driver.get_log("performance")]
        asked = {each["params"]["request"]["url"] for each in events if each["method"] == "Network.requestWillBeSent"}
        host = urlsplit(self.stage.base).netloc
        self.assertEqual({each for each in asked if urlsplit(each).netloc != host}, set())

    def test_no_complaints(self) -> None:
        """The browser has nothing to complain about: no script fails, nothing is missing, nothing is forbidden by the policy."""
        self.driver.get_log("browser")  # of what came before
        for path in self.pages:
            self.open(path)
        self.assertEqual([each["message"] for each in self.driver.get_log("browser")], [])

    def test_no_page_is_wider_than_a_phone(self) -> None:
        """On a narrow screen nothing has to be pushed aside to be read."""
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride", {"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": True}
        )
        try:
            wide = {}
            for path in self.pages:
                self.open(path)
                width = self.driver.execute_script("return document.documentElement.scrollWidth")
                if width > 360:
                    wide[path] = width
        finally:
            self.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        self.assertEqual(wide, {})
