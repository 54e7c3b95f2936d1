"""What buttons and forms do in a real browser, whatever page they are on."""

from __future__ import annotations

from selenium.webdriver import ActionChains, Keys

from tests.browser import BrowserTestCase

_MADE = """
const main = document.querySelector("main");
main.innerHTML = arguments[0];
main.querySelectorAll("*").forEach((each) => { if (each.dataset.focus !== undefined) each.focus(); });
"""
ARROW = (
    '<button type="button" data-hold data-put="telescope/0/moveaxis" data-send="Axis=0&amp;Rate=1" '
    'data-release="telescope/0/moveaxis" data-release-send="Axis=0&amp;Rate=0" data-focus>west</button>'
    '<button type="button" id="other">other</button><p data-said></p>'
)


class ButtonTests(BrowserTestCase):
    """On the start page of ten devices that the server keeps connected, with other things on it."""

    def setUp(self) -> None:
        super().setUp()
        self.put("telescope/0/unpark")
        self.put("telescope/0/abortslew")
        self.open("/")

    def make(self, html: str) -> None:
        """Have this on the page."""
        self.driver.execute_script(_MADE, html)

    def moves(self) -> bool:
        """Whether the mount moves."""
        return bool(self.get("telescope/0/slewing"))

    def test_held(self) -> None:
        """An arrow moves the mount while it is held, and no longer."""
        self.make(ARROW)
        ActionChains(self.driver).click_and_hold(self.one("[data-hold]")).perform()
        self.wait_for(self.moves)
        ActionChains(self.driver).release().perform()
        self.wait_for(lambda: not self.moves())

    def test_released_elsewhere(self) -> None:
        """Whoever slips off the arrow before he lets go has let go."""
        self.make(ARROW)
        ActionChains(self.driver).click_and_hold(self.one("[data-hold]")).move_to_element(self.one("#other")).perform()
        self.wait_for(self.moves)
        ActionChains(self.driver).release().perform()
        self.wait_for(lambda: not self.moves())

    def test_keys(self) -> None:
        """So does the space bar."""
        self.make(ARROW)
        ActionChains(self.driver).key_down(Keys.SPACE).perform()
        self.wait_for(self.moves)
        ActionChains(self.driver).key_up(Keys.SPACE).perform()
        self.wait_for(lambda: not self.moves())

    def test_focus_lost(self) -> None:
        """The arrow is left, by whatever, and the mount stops."""
        self.make(ARROW)
        ActionChains(self.driver).key_down(Keys.SPACE).perform()
        self.wait_for(self.moves)
        self.driver.execute_script("document.getElementById('other').focus()")
        self.wait_for(lambda: not self.moves())
        ActionChains(self.driver).key_up(Keys.SPACE).perform()

    def test_page_left(self) -> None:
        """The page is left while an arrow is held, and the mount stops."""
        self.make(ARROW)
        ActionChains(self.driver).key_down(Keys.SPACE).perform()
        self.wait_for(self.moves)
        self.open("/setup")
        self.wait_for(lambda: not self.moves())
        ActionChains(self.driver).key_up(Keys.SPACE).perform()

    def test_form(self) -> None:
        """A form sends its fields, in ASCOM's spelling."""
        self.make(
            '<form data-put="focuser/0/move"><input name="Position" value="24990"><button>Go</button></form><p data-said></p>'
        )
        self.one("form button").click()
        self.wait_for(lambda: self.get("focuser/0/position") == 24990)

    def test_refused(self) -> None:
        """What the device has against it is read beside the form, and gone with the next success."""
        self.make(
            '<form data-put="telescope/0/targetdeclination"><input name="TargetDeclination" value="100">'
            "<button>Set</button></form><p data-said></p>"
        )
        self.one("form button").click()
        self.wait_for(lambda: "100" in self.text("[data-said]"))
        self.driver.execute_script("document.querySelector('[name=TargetDeclination]').value = '45'")
        self.one("form button").click()
        self.wait_for(lambda: self.text("[data-said]") == "")

    def test_check_box(self) -> None:
        """A box that is not checked is sent, too: as false."""
        self.put("telescope/0/tracking", Tracking="true")
        self.make(
            '<form data-put="telescope/0/tracking"><input type="checkbox" name="Tracking"><button>Set</button></form>'
            "<p data-said></p>"
        )
        self.one("form button").click()
        self.wait_for(lambda: self.get("telescope/0/tracking") is False)

    def test_question(self) -> None:
        """What is asked first is done once that is answered with yes."""
        self.make(
            '<button type="button" data-put="dome/0/openshutter" data-confirm="Open the shutter?">Open</button><p data-said></p>'
        )
        self.one("[data-confirm]").click()
        self.wait_for(lambda: self.all("dialog[open]"))
        self.one('dialog [data-answer="yes"]').click()
        self.wait_for(lambda: self.get("dome/0/shutterstatus") in (0, 2))

    def test_question_cancelled(self) -> None:
        """The question opens on its harmless answer; Escape is no."""
        self.make('<button type="button" data-put="telescope/0/park" data-confirm="Park?">Park</button><p data-said></p>')
        self.one("[data-confirm]").click()
        self.wait_for(lambda: self.all("dialog[open]"))
        self.assertEqual(self.driver.execute_script("return document.activeElement.textContent"), "Cancel")
        ActionChains(self.driver).send_keys(Keys.ESCAPE).perform()
        self.wait_for(lambda: not self.all("dialog"))
        self.assertFalse(self.moves())

    def test_keyboard_finds_on(self) -> None:
        """A button that disappears under the keyboard leaves it at the one that takes its place."""
        self.make(
            '<button type="button" data-unless="dome/0/Slewing" data-put="dome/0/slewtoazimuth" data-send="Azimuth=10" '
            'data-focus>Go</button><button type="button" data-when="dome/0/Slewing" hidden>Wait</button><p data-said></p>'
        )
        ActionChains(self.driver).send_keys(Keys.ENTER).perform()
        self.wait_for(lambda: self.driver.execute_script("return document.activeElement.textContent") == "Wait")
