"""Hand boxes, in a real browser: what is pressed happens, and what is let go stops."""

from __future__ import annotations

import json
from functools import partial
from hashlib import sha256
from typing import Any
from urllib.request import urlopen

from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

from tests.browser import BrowserTestCase, ten_devices

COORDINATES = {  # what people type -> the decimal that is sent
    "12 34 56": 12 + 34 / 60 + 56 / 3600,
    "12:34:56": 12 + 34 / 60 + 56 / 3600,
    " 12h34m56.5s ": 12 + 34 / 60 + 56.5 / 3600,
    "12.58": 12.58,
    "12,58": 12.58,
    "12 34.5": 12.575,
    "12": 12.0,
    "5h": 5.0,
    "-00 30 00": -0.5,
    "−5°30′": -5.5,
    "+41 16 09": 41 + 16 / 60 + 9 / 3600,
    "-89° 59' 59\"": -(89 + 59 / 60 + 59 / 3600),
}
NO_COORDINATES = ("", "M31", "12 60 00", "12 34 60", "12.5 30", "1 2 3 4", "12 -5", "1e5", "--5", "12 34 5x")


class ControlTestCase(BrowserTestCase):
    """A page, and what the server says of the device behind it."""

    def does(self, path: str, **form: object) -> None:
        """What another client does."""
        self.assertEqual(self.put(path, **form), 0)

    def hand_box(self, device: str) -> None:
        """Show it, and wait until it is live."""
        self.open(f"/control/v1/{device}")
        self.wait_for(lambda: self.all("fieldset:not([disabled])") and self.text(f'[data-lamp="{device}"]') == "connected")

    def type(self, selector: str, text: str) -> None:
        """Fill in a field."""
        field = self.one(selector)
        field.clear()
        field.send_keys(text)

    def button(self, path: str, of: str = "button") -> WebElement:
        """The button that sends an operation."""
        return self.one(f'{of}[data-put="{path}"], {of}[data-form-put="{path}"]')

    def press(self, selector: str) -> None:
        """Press a button that the STOP may be in front of."""
        self.driver.execute_script("document.querySelector(arguments[0]).scrollIntoView({block: 'center'})", selector)
        self.one(selector).click()

    def unfold(self) -> None:
        """Have everything else shown, too."""
        self.driver.execute_script("document.querySelector('details').open = true")
        self.wait_for(lambda: self.all("details .card"), "it does not come when it is unfolded")

    def said(self) -> str:
        """The refusals that are to be seen."""
        return " ".join(each.text for each in self.all("[data-said]") if each.text)


class HandBoxTests(ControlTestCase):
    """The hand boxes of ten simulators; one server and one browser for all of them."""

    # the dome

    def test_slew(self) -> None:
        """An azimuth is typed, the dome goes there, and the page shows it on its way without a reload."""
        self.hand_box("dome/0")
        shown = '[data-value="dome/0/Azimuth"]'
        before = self.text(shown)
        self.type('[name="Azimuth"]', "100")
        self.button("dome/0/slewtoazimuth").click()
        self.wait_for(lambda: self.text('[data-value="dome/0/Slewing"]') == "yes")
        self.wait_for(lambda: self.text(shown) not in (before, "100.0°"))
        self.one(".stop").click()
        self.wait_for(lambda: not self.get("dome/0/slewing"))

    def test_stop(self) -> None:
        """STOP stops it on its way."""
        self.hand_box("dome/0")
        target = (self.get("dome/0/azimuth") + 170) % 360
        self.type('[name="Azimuth"]', f"{target:.0f}")
        self.button("dome/0/slewtoazimuth").click()
        self.wait_for(lambda: self.get("dome/0/slewing"))
        self.one(".stop").click()
        self.wait_for(lambda: not self.get("dome/0/slewing"))
        self.assertGreater(abs(self.get("dome/0/azimuth") - target), 1)

    def test_stop_while_asked(self) -> None:
        """STOP is in reach while the page asks whether something else is meant, too; the answer to that is no."""
        self.hand_box("dome/0")
        self.put("dome/0/closeshutter")
        self.wait_for(lambda: self.get("dome/0/shutterstatus") == 1)
        self.type('[name="Azimuth"]', f"{(self.get('dome/0/azimuth') + 170) % 360:.0f}")
        self.button("dome/0/slewtoazimuth").click()
        self.wait_for(lambda: self.get("dome/0/slewing"))
        self.button("dome/0/openshutter").click()
        self.one("dialog .stop").click()
        self.wait_for(lambda: not self.get("dome/0/slewing"))
        self.assertEqual((self.get("dome/0/shutterstatus"), self.all("dialog")), (1, []))

    def test_stop_is_always_in_reach(self) -> None:
        """STOP is seen wherever the page is scrolled to."""
        self.hand_box("dome/0")
        self.unfold()
        for place in ("0", "document.body.scrollHeight"):
            self.driver.execute_script(f"scrollTo(0, {place})")
            inside = (
                "const r = document.querySelector('.stop').getBoundingClientRect(); return r.top >= 0 && r.bottom <= innerHeight"
            )
            self.assertTrue(self.driver.execute_script(inside))

    def test_shutter_is_asked_for(self) -> None:
        """The shutter opens only if that is meant."""
        self.hand_box("dome/0")
        self.button("dome/0/openshutter").click()
        self.one("dialog [data-answer='']").click()
        self.assertEqual(self.get("dome/0/shutterstatus"), 1)
        self.button("dome/0/openshutter").click()
        self.one("dialog [data-answer='yes']").click()
        self.wait_for(lambda: self.get("dome/0/shutterstatus") in (0, 2))

    def test_refusal_in_words(self) -> None:
        """What the device refuses is said beside the button; the next success clears it."""
        self.hand_box("dome/0")
        self.driver.execute_script("document.querySelector('[name=Azimuth]').form.noValidate = true")
        self.type('[name="Azimuth"]', "400")
        self.button("dome/0/slewtoazimuth").click()
        self.wait_for(lambda: "out of range" in self.said())
        self.type('[name="Azimuth"]', "180")
        self.button("dome/0/slewtoazimuth").click()
        self.wait_for(lambda: not self.said())

    # the mount

    def pointing(self) -> tuple[float, float]:
        return self.get("telescope/0/rightascension"), self.get("telescope/0/declination")

    def moves(self) -> bool:
        return bool(self.get("telescope/0/slewing"))

    def hold(self, how: str) -> None:
        """Press an arrow, until it moves; then what ends that."""
        self.hand_box("telescope/0")
        self.does("telescope/0/unpark")
        arrow = self.one(".arrow.south")
        ActionChains(self.driver).move_to_element(arrow).click_and_hold().perform()
        self.wait_for(self.moves, "it does not move while the arrow is held")
        if how == "release":
            ActionChains(self.driver).release().perform()
        elif how == "hidden":
            self.driver.execute_script(
                "Object.defineProperty(document, 'hidden', {value: true}); document.dispatchEvent(new Event('visibilitychange'))"
            )
        elif how == "gone":
            self.driver.get(self.stage.base + "/assets/icon.svg")
        self.wait_for(lambda: not self.moves(), f"it does not stop when the page is: {how}")
        ActionChains(self.driver).release().perform()

    def test_stops_when_released(self) -> None:
        """The mount moves while an arrow is held, and stops when it is let go."""
        self.hold("release")

    def test_stops_when_hidden(self) -> None:
        """It stops when the page is hidden, as when a phone is locked."""
        self.hold("hidden")

    def test_stops_when_gone(self) -> None:
        """It stops when another page is shown."""
        self.hold("gone")

    def test_stops_when_the_network_is_back(self) -> None:
        """An arrow that was let go while there was no network stops the mount as soon as there is one."""
        self.hand_box("telescope/0")
        ActionChains(self.driver).move_to_element(self.one(".arrow.south")).click_and_hold().perform()
        self.wait_for(self.moves)
        speed = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
        self.driver.execute_cdp_cmd("Network.enable", {})
        self.driver.execute_cdp_cmd("Network.emulateNetworkConditions", {"offline": True, **speed})
        ActionChains(self.driver).release().perform()
        self.wait_for(lambda: "does not answer" in self.said())
        self.assertTrue(self.moves())
        self.driver.execute_cdp_cmd("Network.emulateNetworkConditions", {"offline": False, **speed})
        self.wait_for(lambda: not self.moves())

    def test_let_go_before_it_was_sent(self) -> None:
        """A press that waits for the answer to the one before is not sent any more once it is let go."""
        self.hand_box("telescope/0")
        self.driver.execute_script(
            "window.sent = []; window.answers = []; window.fetch = (path, { body }) => new Promise((answer) => {"
            " sent.push(body.get('Rate')); answers.push(() => answer(new Response('{\"ErrorMessage\": \"\"}'))); });"
        )
        arrow = self.one(".arrow.south")
        for _ in range(2):
            ActionChains(self.driver).move_to_element(arrow).click_and_hold().release().perform()
        all_answered = "for (const each of answers.splice(0)) each(); return sent.length"
        self.wait_for(lambda: self.driver.execute_script(all_answered) >= 5)
        self.assertEqual(sum(rate != "0" for rate in self.driver.execute_script("return sent")), 1)

    def test_another_button_meanwhile(self) -> None:
        """An arrow that is let go stops the mount, although another button of the mouse is still pressed."""
        self.hand_box("telescope/0")
        chain = ActionChains(self.driver).move_to_element(self.one(".arrow.south"))
        pointer: Any = chain.w3c_actions.pointer_action
        pointer.pointer_down(button=0).pointer_down(button=2)
        chain.perform()
        self.one(".held")
        chain = ActionChains(self.driver)
        pointer = chain.w3c_actions.pointer_action
        pointer.pointer_up(button=0)
        chain.perform()
        self.addCleanup(ActionChains(self.driver).reset_actions)
        self.assertEqual(self.driver.execute_script("return document.querySelectorAll('.held').length"), 0)

    def test_release_that_is_lost(self) -> None:
        """A release that nobody answers, as on a connection of a network that is gone, is sent again on another."""
        self.hand_box("telescope/0")
        self.driver.execute_script(
            "window.tries = 0; window.fetch = (path, { body, signal }) => new Promise((_, lost) => {"
            " if (body.get('Rate') === '0') tries += 1;"
            " signal?.addEventListener('abort', () => lost(signal.reason)); });"
        )
        ActionChains(self.driver).move_to_element(self.one(".arrow.south")).click_and_hold().release().perform()
        self.wait_for(lambda: self.driver.execute_script("return tries") > 1)

    def test_no_room_for_the_release(self) -> None:
        """A release that the server had no room for, since too many are connected, is sent again."""
        self.hand_box("telescope/0")
        self.driver.execute_script(
            "window.tries = 0; window.fetch = async (path, { body }) => {"
            " if (body.get('Rate') !== '0') return new Response('{\"ErrorMessage\": \"\"}');"
            " tries += 1; return new Response('too many', { status: 503 }); };"
        )
        ActionChains(self.driver).move_to_element(self.one(".arrow.south")).click_and_hold().release().perform()
        self.wait_for(lambda: self.driver.execute_script("return tries") > 4)

    def test_keyboard(self) -> None:
        """An arrow can be held with the keyboard."""
        self.hand_box("telescope/0")
        self.driver.execute_script("document.querySelector('.arrow.south').focus()")
        ActionChains(self.driver).key_down(Keys.SPACE).perform()
        self.wait_for(self.moves)
        ActionChains(self.driver).key_up(Keys.SPACE).perform()
        self.wait_for(lambda: not self.moves())

    def test_speed(self) -> None:
        """It moves as fast as was chosen."""
        self.hand_box("telescope/0")
        self.driver.execute_script("document.querySelector('[name=Speed]').selectedIndex = 4")
        arrow = self.one(".arrow.south")
        before = self.pointing()[1]
        ActionChains(self.driver).move_to_element(arrow).click_and_hold().perform()
        self.wait_for(lambda: self.pointing()[1] < before - 2)
        ActionChains(self.driver).release().perform()
        self.wait_for(lambda: not self.moves())

    def test_goto(self) -> None:
        """Coordinates are typed as they stand in an atlas; the mount goes there."""
        self.does("telescope/0/tracking", Tracking=True)
        hours = (self.get("telescope/0/siderealtime") + 1) % 24
        self.hand_box("telescope/0")
        self.type('[name="RightAscension"]', f"{int(hours)} 30 00")
        self.type('[name="Declination"]', "+41 16 09")
        self.button("telescope/0/slewtocoordinatesasync").click()
        self.wait_for(lambda: abs(self.get("telescope/0/targetdeclination") - (41 + 16 / 60 + 9 / 3600)) < 1e-9)
        self.one(".stop").click()
        self.wait_for(lambda: not self.moves())

    def test_question(self) -> None:
        """What needs more to be said is asked with a form, and its answer told."""
        self.hand_box("telescope/0")
        self.unfold()
        form = 'form[data-get="telescope/0/axisrates"]'
        self.press(f"{form} button")
        self.wait_for(lambda: '"Maximum":5' in self.said())

    def test_stop_hides_nothing_from_the_keyboard(self) -> None:
        """Who goes through the page with Tab sees where he is: the STOP at the bottom does not cover it."""
        self.hand_box("telescope/0")
        self.driver.set_window_size(800, 500)
        self.addCleanup(self.driver.set_window_size, 1440, 900)
        where = (
            "const now = document.activeElement; if (now === document.body || now.closest('.stops')) return null;"
            "return now.getBoundingClientRect().bottom <= document.querySelector('.stops').getBoundingClientRect().top + 1"
        )
        seen = []
        for _ in range(40):
            ActionChains(self.driver).send_keys(Keys.TAB).perform()
            seen.append(self.driver.execute_script(where))
        self.assertEqual((False in seen, True in seen), (False, True))

    def test_sexagesimal(self) -> None:
        """All that people write coordinates as is understood; what is none stays what it is, and the server refuses it."""
        self.open("/control/v1/telescope/0")
        ask = "const {decimal} = await import('/assets/pylpaca.js'); done(texts.map(decimal))"
        script = f"const [texts, done] = arguments; (async () => {{ {ask} }})()"
        found = self.driver.execute_async_script(script, [*COORDINATES, *NO_COORDINATES])
        wanted = [*COORDINATES.values(), *NO_COORDINATES]
        self.assertEqual([float(each) if each not in NO_COORDINATES else each for each in found], wanted)

    # the focuser

    def test_steps(self) -> None:
        """Out moves it by as many steps as are chosen, in as many back."""
        self.hand_box("focuser/0")
        before = self.get("focuser/0/position")
        for sign, place in (("%2B", before + 100), ("}-", before)):
            self.one(f'[data-put="focuser/0/move"][data-send*="{sign}"]').click()
            self.wait_for(partial(self.is_at, place))

    def is_at(self, place: int) -> bool:
        """Whether it is there, for clients and on the page."""
        return self.get("focuser/0/position") == place and str(place) in self.text('[data-value="focuser/0/Position"]')

    # the camera

    def picture(self) -> str:
        """What distinguishes the picture that is seen."""
        with urlopen(f"{self.stage.base}/control/v1/camera/0/preview") as answer:
            return sha256(answer.read()).hexdigest()

    def expose(self) -> str:
        """Take an image with the page's button; the page shows it when it is there."""
        before = str(self.one(".preview img").get_attribute("src"))
        self.type('[name="Duration"]', "0.2")
        self.button("camera/0/startexposure").click()
        self.wait_for(lambda: str(self.one(".preview img").get_attribute("src")) != before, "the picture is not reloaded")
        self.wait_for(lambda: self.driver.execute_script("return document.querySelector('.preview img').naturalWidth") == 800)
        return self.picture()

    def test_preview_differs_with_pointing(self) -> None:
        """An exposure shows a picture; where the mount points elsewhere, another one, in which other stars are."""
        self.does("telescope/0/tracking", Tracking=True)
        self.hand_box("camera/0")
        seen = [self.expose()]
        self.does("telescope/0/synctocoordinates", RightAscension=3.0, Declination=20)
        seen.append(self.expose())
        self.assertNotEqual(seen[0], seen[1])

    def test_short_exposure_after_short_exposure(self) -> None:
        """Each of two exposures that are over in no time is shown."""
        self.hand_box("camera/0")
        self.assertNotEqual(self.expose(), self.expose())

    def test_nothing_from_elsewhere(self) -> None:
        """The page asks nobody but its own server, and has nothing to complain of."""
        self.driver.get_log("performance")
        self.driver.get_log("browser")
        self.hand_box("camera/0")
        requests = [json.loads(each["message"])["message"] for each in self.driver.get_log("performance")]
        asked = [each["params"]["request"]["url"] for each in requests if each["method"] == "Network.requestWillBeSent"]
        elsewhere = [each for each in asked if not each.startswith(self.stage.base)]
        self.assertEqual((elsewhere, [each["message"] for each in self.driver.get_log("browser")]), ([], []))


class OtherTests(ControlTestCase):
    """Other hand boxes, with a mount that must not move while the dome is closed."""

    @staticmethod
    def configuration() -> dict[str, Any]:
        """Ten devices, not all of which may do what they like."""
        found = ten_devices()
        for each in found["drivers"]:
            if each["device_type"] == "focuser":
                each["interlocks"] = [{"refuse": ["Move"], "unless": {"safetymonitor/0": {"IsSafe": False}}}]
            if each["device_type"] == "rotator":
                each["autoconnect"] = False
        return found

    def test_interlock_in_words(self) -> None:
        """What an interlock refuses is told with its reason."""
        self.hand_box("focuser/0")
        self.type('[name="Position"]', "100")
        self.button("focuser/0/move").click()
        self.wait_for(lambda: "may not Move: safetymonitor/0 IsSafe is true" in self.said())

    def test_filter(self) -> None:
        """A filter is chosen by its name."""
        self.hand_box("filterwheel/0")
        names = self.get("filterwheel/0/names")
        self.one('[data-send="Position=2"]').click()
        self.wait_for(lambda: names[2] in self.text('[data-value="filterwheel/0/Position"]'))

    def test_value_that_is_no_state(self) -> None:
        """A setting that is no part of the state is shown as it is after the button was pressed."""
        self.hand_box("camera/0")
        self.one('[data-put="camera/0/readoutmode"][data-send="ReadoutMode=1"]').click()
        self.wait_for(lambda: "Low noise" in self.text('[data-fresh="ReadoutMode"]'))

    def test_slider(self) -> None:
        """A slider says what it is at, and sets that."""
        self.hand_box("switch/0")
        slider = self.one('.switch input[type="range"]')
        slider.send_keys(Keys.END)
        number = slider.get_attribute("data-shown-in")
        highest = slider.get_attribute("max")
        self.assertEqual(self.text(f"#{number}"), highest)
        slider.find_element("xpath", "..").submit()
        self.wait_for(lambda: self.get(f"switch/0/getswitchvalue?Id={str(number).rpartition('-')[2]}") == float(str(highest)))

    def test_connect(self) -> None:
        """A device is connected with a button; then its page shows what it can do."""
        self.open("/control/v1/rotator/0")
        self.wait_for(lambda: self.all("fieldset[disabled]"))
        self.wait_for(lambda: self.one('[data-put="rotator/0/connect"]').is_displayed())
        self.one('[data-put="rotator/0/connect"]').click()
        self.wait_for(lambda: not self.driver.execute_script("return document.querySelector('fieldset')?.disabled ?? true"))
        self.wait_for(lambda: self.text('[data-holders="rotator/0"]'))
        self.assertIn("(client ", self.text('[data-holders="rotator/0"]'))

    def test_action(self) -> None:
        """An action of the driver's own is run with a button, and its answer told; UNSAFE is large."""
        self.hand_box("safetymonitor/0")
        self.unfold()
        for action, large in (("SimulateUnsafe", "UNSAFE"), ("SimulateSafe", "SAFE")):
            self.press(f'form:has([value="{action}"]) button')
            self.wait_for(partial(self.is_large, large))
        self.assertIn("Done.", self.said())

    def is_large(self, word: str) -> bool:
        """Whether this is what can be read from across the room."""
        return self.text(".big") == word
