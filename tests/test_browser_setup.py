"""The pages at /setup, in a real browser."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from selenium.webdriver.support.select import Select

from tests.browser import BrowserTestCase, ten_devices
from tests.firmware import FirmwareOnTerminal, RealTime, RoofFirmware

DOME = "/setup/v1/dome/0/setup"
ROOF = "/setup/v1/dome/1/setup"


def with_a_roof() -> Mapping[str, Any]:
    """Ten simulators, and a roof whose serial port is not there."""
    roof = {"device_type": "dome", "device_number": 1, "device_driver": "MyDomeDriver", "name": "Roof"}
    ten = ten_devices()
    return {**ten, "drivers": [*ten["drivers"], {**roof, "driver_config": {"port": "/dev/nowhere"}}]}


class SetupPageTests(BrowserTestCase):
    configuration: ClassVar[Any] = staticmethod(with_a_roof)

    def type(self, name: str, text: str) -> None:
        """Type it into a field."""
        field = self.one(f'[name="{name}"]')
        field.clear()
        field.send_keys(text)

    def press(self, word: str) -> None:
        """Press Save or Test, and wait for the page that comes of it."""
        self.driver.execute_script("window.old = true")
        self.one(f'form.setup button[value="{word}"]').click()
        self.wait_for(lambda: self.driver.execute_script("return !window.old && document.readyState === 'complete'"))

    def test_survives_a_restart(self) -> None:
        """What is saved is in effect at once, and after a restart of the server."""
        self.open(DOME)
        self.type("settings.park_azimuth", "123.5")
        self.press("save")
        self.assertIn("Saved in", self.text('main [role="status"].saved'))
        self.wait_for(lambda: self.text('[data-lamp="dome/0"]') == "connected")
        (entry,) = (
            each
            for each in json.loads(self.stage.config_file.read_text())["drivers"]
            if each.get("driver_config") == {"park_azimuth": 123.5}
        )
        self.assertEqual((entry["device_type"], entry["device_number"]), ("dome", 0))
        self.stage.server.terminate()
        self.stage.start_server()
        self.open(DOME)
        self.assertEqual(self.one('[name="settings.park_azimuth"]').get_attribute("value"), "123.5")

    def test_refused(self) -> None:
        """An invalid value is refused beside its field, which keeps it; the summary leads there."""
        self.open(DOME)
        self.type("settings.home_azimuth", "400")
        self.type("settings.azimuth_rate", "11")
        self.press("save")
        field = self.one('[name="settings.home_azimuth"]')
        self.assertEqual((field.get_attribute("value"), field.get_attribute("aria-invalid")), ("400", "true"))
        self.assertIn("should be less than 360", self.text("#settings-home_azimuth-error"))
        self.assertEqual(self.one('[name="settings.azimuth_rate"]').get_attribute("value"), "11")
        self.one('[role="alert"] a').click()
        self.assertEqual(self.driver.switch_to.active_element, field)

    def test_tried(self) -> None:
        """Test says what came of it, and keeps what is typed."""
        self.open(ROOF)
        self.assertIn("not there now", Select(self.one('[name="settings.port"]')).first_selected_option.text)
        self.type("settings.retries", "2")
        self.press("test")
        self.assertIn("It does not work", self.text('main [role="alert"]'))
        self.assertEqual(self.one('[name="settings.retries"]').get_attribute("value"), "2")

    def test_tried_on_a_line(self) -> None:
        """A port that is typed is opened, the device asked, and what it answered is shown byte by byte; then it is saved."""
        terminal = FirmwareOnTerminal(RoofFirmware(RealTime()))
        self.addCleanup(terminal.stop)
        self.open(ROOF)
        self.type("settings.port:other", terminal.port)
        self.press("test")
        self.assertIn("It works", self.text('main [role="status"].saved'))
        self.assertIn("43 4c 4f 53 45 44 0a", self.text("table"))
        self.assertEqual(Select(self.one('[name="settings.port"]')).first_selected_option.get_attribute("value"), terminal.port)
        self.press("save")
        self.assertIn("Roof is not connected, as before", self.text('main [role="status"].saved'))
        self.assertIn(terminal.port, self.stage.config_file.read_text())

    def test_keyboard(self) -> None:
        """Enter in a field saves."""
        self.open("/setup")
        self.type("server.location", "garden\n")
        self.wait_for(lambda: "Saved in" in self.text('main [role="status"].saved'))
        self.assertEqual(json.loads(self.stage.config_file.read_text())["server"], {"location": "garden"})
