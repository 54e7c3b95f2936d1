"""What every page has to be in a real browser: sound for all who use it, in every theme, and asking nobody but its server."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

from pylpaca.pages.layout import THEMES
from pylpaca.testing import MemoryServer
from tests.browser import BrowserTestCase, ten_devices
from tests.site_pages import pages

AXE = Path(__file__).with_name("axe") / "axe.min.js"
SERIOUS = {"serious", "critical"}
OTHERS = [name for name, _ in THEMES if name not in ("", "day")]
BY_COLOUR = ["color-contrast"]  # what depends on the theme
PHONE = {"width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": True}

_AUDIT = """
const done = arguments[arguments.length - 1];
const where = (each) => each.nodes.slice(0, 3).map((node) => node.html.slice(0, 160));
axe.run(document, arguments[0]).then(
  (found) => done(found.violations.map((each) => [each.impact, each.id, each.help, where(each)])),
  (error) => done([["critical", String(error), "", []]]),
);
"""


@dataclass
class Seen:
    """What came to light of the pages, each by its path; empty if all is well."""

    inaccessible: dict[str, Any] = field(default_factory=dict)  # by theme, too
    not_red: dict[str, Any] = field(default_factory=dict)  # the most of green and blue
    wide: dict[str, int] = field(default_factory=dict)  # on a phone
    complaints: list[str] = field(default_factory=list)  # of the browser
    elsewhere: list[str] = field(default_factory=list)  # what was asked for


class EveryPageTests(BrowserTestCase):
    """Ten devices that the server keeps connected; all that is to be seen of a page is looked at while it is open."""

    _seen: ClassVar[Seen | None] = None

    @property
    def seen(self) -> Seen:
        """Of all pages, which are looked at once for all tests."""
        if EveryPageTests._seen is None:
            EveryPageTests._seen = self.look(list(pages(MemoryServer(ten_devices()))))
        return EveryPageTests._seen

    def look(self, paths: list[str]) -> Seen:
        """Open every page, and look at it in every theme and on a phone."""
        seen, script = Seen(), AXE.read_text()
        self.open("/")
        for log in ("browser", "performance"):
            self.driver.get_log(log)  # of the browser's own first page
        for path in paths:
            self.open(path)
            self.driver.execute_script(script)
            self._note_violations(seen, path, "day", {})  # as it is without a choice: a browser without a head likes it light
            for theme in OTHERS:
                self.driver.execute_script("document.documentElement.dataset.theme = arguments[0]", theme)
                self._note_violations(seen, path, theme, {"runOnly": BY_COLOUR})
            _, green, blue = self.colours()  # of the last one, red
            if green or blue:
                seen.not_red[path] = (green, blue)
            self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", PHONE)
            width = self.driver.execute_script("return document.documentElement.scrollWidth")
            if width > PHONE["width"]:
                seen.wide[path] = width
            self.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        seen.complaints = [each["message"] for each in self.driver.get_log("browser")]
        events = [json.loads(each["message"])["message"] for each in self.driver.get_log("performance")]
        asked = {each["params"]["request"]["url"] for each in events if each["method"] == "Network.requestWillBeSent"}
        leaving = [each for each in asked if urlsplit(each).scheme not in ("data", "blob")]
        seen.elsewhere = sorted(each for each in leaving if urlsplit(each).netloc != urlsplit(self.stage.base).netloc)
        return seen

    def _note_violations(self, seen: Seen, path: str, theme: str, options: dict[str, Any]) -> None:
        found = self.driver.execute_async_script(_AUDIT, options)
        if serious := [each for each in found if each[0] in SERIOUS]:
            seen.inaccessible[f"{path} {theme}"] = serious

    def test_accessible(self) -> None:
        """axe finds nothing serious on any page, in any theme."""
        self.assertEqual(self.seen.inaccessible, {}, json.dumps(self.seen.inaccessible, indent=1))

    def test_only_red(self) -> None:
        """In the red theme no pixel of any page is green or blue."""
        self.assertEqual(self.seen.not_red, {})

    def test_asks_nobody_else(self) -> None:
        """No request leaves the server."""
        self.assertEqual(self.seen.elsewhere, [])

    def test_no_complaints(self) -> None:
        """The browser has nothing to complain about: no script fails, nothing is missing, nothing is forbidden by the policy."""
        self.assertEqual(self.seen.complaints, [])

    def test_no_page_is_wider_than_a_phone(self) -> None:
        """On a narrow screen nothing has to be pushed aside to be read."""
        self.assertEqual(self.seen.wide, {})
