"""The start page, in a real browser: it lives, connects devices, and is as red as a night needs it."""

from __future__ import annotations

from selenium.webdriver import ActionChains, Keys

from tests.browser import BrowserTestCase, ten_devices


class StartPageTests(BrowserTestCase):
    """Ten devices that the server keeps connected."""

    def setUp(self) -> None:
        super().setUp()
        self.open("/")
        self.driver.execute_script("localStorage.clear(); sessionStorage.clear()")
        self.open("/")

    def test_ten_devices(self) -> None:
        """Every device has its card, and its lamp says that it is connected."""
        self.wait_for(lambda: len(self.all('.device .lamp[data-state="connected"]')) == 10)

    def test_live(self) -> None:
        """Values change while the page is looked at, without a reload."""
        ascension = '[data-value="telescope/0/RightAscension"]'  # of a mount that stands
        first = self.text(ascension)
        self.driver.execute_script("window.same = true")
        self.wait_for(lambda: self.text(ascension) not in ("–", "", first))
        self.assertTrue(self.driver.execute_script("return window.same"))

    def test_uptime(self) -> None:
        """The server's own news come, too."""
        first = self.text("[data-uptime]")
        self.wait_for(lambda: self.text("[data-uptime]") != first)

    def test_addresses(self) -> None:
        """What to type into a client stands there."""
        self.assertIn(self.stage.server.address, [each.text for each in self.all(".connect code")])

    def test_red_persists(self) -> None:
        """The red theme is there again after a reload, before anything is painted."""
        self.one('[data-theme-choice="red"]').click()
        self.open("/setup")
        self.assertEqual(self.driver.execute_script("return document.documentElement.dataset.theme"), "red")

    def test_only_red(self) -> None:
        """In the red theme no pixel is green or blue, focus and all."""
        self.one('[data-theme-choice="red"]').click()
        _, green, blue = self.colours()
        self.assertEqual((green, blue), (0, 0))

    def test_red_questions(self) -> None:
        """A dialog is as red as the page below it."""
        self.one('[data-theme-choice="red"]').click()
        self.driver.execute_script(
            "document.querySelector('[data-put=\"dome/0/disconnect\"]').dataset.confirm = 'Really?';"
            "document.querySelector('[data-put=\"dome/0/disconnect\"]').click()"
        )
        self.wait_for(lambda: self.all("dialog[open]"))
        _, green, blue = self.colours()
        self.assertEqual((green, blue), (0, 0))

    def test_theme_is_told(self) -> None:
        """Which theme is shown is told to those who do not see it."""
        self.one('[data-theme-choice="dark"]').click()
        pressed = [each.text for each in self.all('[data-theme-choice][aria-pressed="true"]')]
        self.assertEqual(pressed, ["Dark"])

    def test_keyboard(self) -> None:
        """The first thing the keyboard reaches leads past the head of the page."""
        active = "return document.activeElement.textContent"
        ActionChains(self.driver).send_keys(Keys.TAB).perform()
        self.assertEqual(self.driver.execute_script(active), "Skip to the content")


def _unconnected() -> dict[str, object]:
    configuration = ten_devices()
    for each in configuration["drivers"]:
        each["autoconnect"] = False
    return configuration


class ConnectTests(BrowserTestCase):
    """Ten devices that nobody has connected."""

    configuration = staticmethod(_unconnected)

    def test_connect_and_disconnect(self) -> None:
        """A button connects a device, its values come, who uses it is told, and another button disconnects it."""
        self.open("/")
        lamp = '[data-lamp="dome/0"]'
        self.one('[data-put="dome/0/connect"]').click()
        self.wait_for(lambda: self.text(lamp) == "connected")
        self.wait_for(lambda: self.text('[data-value="dome/0/Azimuth"]') == "180.0°")
        self.assertIn("127.0.0.1 (client ", self.text('[data-holders="dome/0"]'))
        self.one('[data-put="dome/0/disconnect"]').click()
        self.wait_for(lambda: self.text(lamp) == "disconnected")
        self.assertEqual(self.text('[data-value="dome/0/Azimuth"]'), "–")

    def test_connect_all(self) -> None:
        """One button brings all ten devices to life; another leaves them alone."""
        self.open("/")
        self.one('[data-put-all="connect"]').click()
        self.wait_for(lambda: len(self.all('.device .lamp[data-state="connected"]')) == 10)
        self.wait_for(lambda: self.one('[data-put-all="disconnect"]').is_displayed())
        self.one('[data-put-all="disconnect"]').click()
        self.wait_for(lambda: len(self.all('.device .lamp[data-state="disconnected"]')) == 10)

    def test_server_gone(self) -> None:
        """The server stops, and the page says so; it comes back, and the page lives on."""
        self.open("/")
        self.wait_for(lambda: self.text("[data-uptime]") != "")
        host, _, port = self.stage.server.address.partition(":")
        self.stage.server.terminate()
        self.wait_for(lambda: self.one("[data-cut]").is_displayed())
        self.stage.start_server("--listen", f"tcp:{port}:interface={host}", "--discovery-port", "off")
        self.wait_for(lambda: not self.one("[data-cut]").is_displayed())
