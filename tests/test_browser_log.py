"""The log and the pages of the API, in a real browser."""

from __future__ import annotations

import json
from functools import partial
from urllib.request import urlopen

from selenium.webdriver.support.select import Select

from tests.browser import BrowserTestCase


class LogAndApiTests(BrowserTestCase):
    def lines(self) -> list[str]:
        """The lines that are seen, the newest first."""
        script = "return [...document.querySelectorAll('[data-log] tr')].map((row) => row.cells[3].textContent)"
        return [str(each) for each in self.driver.execute_script(script)]

    def is_on_top(self, line: str) -> bool:
        return self.lines()[0] == line

    def raw(self) -> str:
        """The answer as it came."""
        return self.text("[data-raw]")

    def test_live_tail(self) -> None:
        """A line that is logged appears on top, without a reload, and stays where another comes."""
        self.open("/log")
        self.driver.execute_script("window.mark = 1")
        for client in (4711, 4712):
            self.put("dome/0/slewtoazimuth", Azimuth=400, ClientID=client)
            why = "Azimuth 400.0 is out of range: it goes from 0 to below 360 (InvalidValue, 0x401)"
            expected = f"PUT SlewToAzimuth was refused to 127.0.0.1 (ClientID {client}): {why}"
            self.wait_for(partial(self.is_on_top, expected))
        self.assertIn("4711", self.lines()[1])
        self.assertEqual(self.driver.execute_script("return window.mark"), 1)

    def test_filters(self) -> None:
        """A filter that is chosen in the form holds for what is there and for what comes."""
        self.open("/log")
        Select(self.one("[name=device]")).select_by_value("telescope/0")
        self.one("[name=client]").send_keys("4713")
        self.one("form button").click()
        self.wait_for(lambda: "telescope" in self.driver.current_url)
        self.put("dome/0/slewtoazimuth", Azimuth=500, ClientID=4713)
        self.put("telescope/0/slewtoaltaz", Azimuth=500, Altitude=0, ClientID=4714)
        self.put("telescope/0/slewtoaltaz", Azimuth=500, Altitude=0, ClientID=4713)
        self.wait_for(self.lines)
        self.assertEqual(["ClientID 4713" in each and "SlewToAltAz" in each for each in self.lines()], [True])

    def test_calls(self) -> None:
        """Every call is seen while it happens, if one asks for that."""
        self.open("/log?calls=1&client=4715")
        self.wait_for(lambda: self.driver.execute_script("return document.documentElement.classList.contains('cut') === false"))

        def seen() -> bool:
            self.put("dome/0/abortslew", ClientID=4715)
            return any(each.startswith("PUT AbortSlew: ") for each in self.lines())

        self.wait_for(seen)

    def test_missed(self) -> None:
        """What was logged while nobody looked at the page is there when somebody looks at it again."""
        self.open("/log?client=4716")
        page = self.driver.current_window_handle
        self.put("dome/0/slewtoazimuth", Azimuth=361, ClientID=4716)
        self.wait_for(self.lines)
        self.driver.switch_to.new_window("tab")
        self.addCleanup(self.driver.switch_to.window, page)
        self.addCleanup(self.driver.close)
        self.put("dome/0/slewtoaltitude", Altitude=361, ClientID=4716)
        self.driver.switch_to.window(page)
        self.wait_for(lambda: len(self.lines()) == 2)
        self.driver.switch_to.window(self.driver.window_handles[-1])

    def test_diagnostics(self) -> None:
        """The diagnostics file is whole, and has what the system was asked for."""
        self.open("/log")
        with urlopen(str(self.one("a[download]").get_attribute("href"))) as answer:
            found = json.load(answer)
        self.assertEqual((len(found["devices"]), found["devices"][0]["link"]), (10, "connected"))

    def test_read(self) -> None:
        """A member is asked from the list of a device, and its raw answer is shown."""
        self.open("/docs/api/v1/dome/0")
        self.one('[data-get="dome/0/azimuth"]').click()
        self.wait_for(lambda: self.raw().startswith("HTTP 200"))
        self.assertEqual(set(json.loads(self.raw().partition("\n")[2])), ENVELOPE | {"Value"})

    def test_read_with_parameters(self) -> None:
        """A member with parameters is asked from its form."""
        self.open("/docs/api/v1/telescope/0/axisrates")
        self.one("form button").click()
        self.wait_for(lambda: '"Maximum"' in self.raw())

    def test_write(self) -> None:
        """A command is sent from its form; what is wrong with it is said in words, beside the raw answer."""
        self.open("/docs/api/v1/focuser/0/move")
        self.one("[name=Position]").clear()
        self.one("[name=Position]").send_keys("100")
        self.one("form button").click()
        self.wait_for(lambda: '"ErrorNumber":0' in self.raw())
        self.open("/docs/api/v1/dome/0/slewtoaltitude")
        self.driver.execute_script("document.querySelector('form').noValidate = true")
        self.one("[name=Altitude]").clear()
        self.one("[name=Altitude]").send_keys("99")
        self.one("form button").click()
        self.wait_for(lambda: "out of range" in self.text("[data-said]"))
        self.assertIn('"ErrorNumber":1025', self.raw())

    def test_management(self) -> None:
        """The server itself is asked from the first page."""
        self.open("/docs/api")
        self.one('[data-get="/management/v1/description"]').click()
        self.wait_for(lambda: "ServerName" in self.raw())


ENVELOPE = {"ClientTransactionID", "ServerTransactionID", "ErrorNumber", "ErrorMessage"}
