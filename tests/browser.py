"""A real server and a headless Chromium, for tests of what people see and press."""

from __future__ import annotations

import atexit
import base64
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, ClassVar, TypeVar
from unittest import SkipTest
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait
from twisted.trial.unittest import SynchronousTestCase

from pylpaca.roster import simulators
from tests.server_process import ServerProcess

T = TypeVar("T")

WAITS = 15.0  # seconds for a page to become what it is to be, on a machine that has much else to do
MISSING = "no browser here: apt-get install chromium chromium-driver (or put chromium and chromedriver on the PATH)"

_COLOURS = """
const [text, done] = arguments;
const bytes = Uint8Array.from(atob(text), (each) => each.charCodeAt(0));
createImageBitmap(new Blob([bytes], { type: "image/png" })).then((bitmap) => {
  const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
  context.drawImage(bitmap, 0, 0);
  const { data } = context.getImageData(0, 0, bitmap.width, bitmap.height);
  const most = [0, 0, 0];
  for (let at = 0; at < data.length; at += 4) for (let i = 0; i < 3; i += 1) if (data[at + i] > most[i]) most[i] = data[at + i];
  done(most);
});
"""


def ten_devices(**server: Any) -> dict[str, Any]:
    """A configuration with a simulator of each device type, all of them connected by the server."""
    drivers = [
        {
            "device_type": each.entry.device_type,
            "device_number": 0,
            "device_driver": each.entry.device_driver,
            "autoconnect": True,
        }
        for each in simulators().devices
    ]
    return {"server": server, "drivers": drivers}


def chromium(folder: Path, width: int = 1440, height: int = 900) -> webdriver.Chrome:
    """
    A headless Chromium that asks nobody but the pages that it shows.

    :raises SkipTest: there is none.
    """
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if browser is None or driver is None:
        raise SkipTest(MISSING)
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for each in (
        "headless=new",
        "no-sandbox",
        "disable-gpu",
        "disable-dev-shm-usage",
        "disable-background-networking",
        "disable-component-update",
        "disable-sync",
        "no-first-run",
        "hide-scrollbars",
        "force-color-profile=srgb",
        f"user-data-dir={folder / 'profile'}",
        f"window-size={width},{height}",
    ):
        options.add_argument(f"--{each}")
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    return webdriver.Chrome(options=options, service=Service(driver))


class Stage:
    """A server and a browser that shows its pages."""

    def __init__(self, configuration: Mapping[str, Any], *arguments: str) -> None:
        self.folder = Path(mkdtemp(prefix="pylpaca-browser-"))
        self.config_file = self.folder / "config.json"
        self.config_file.write_text(json.dumps(configuration, indent=2))
        try:
            self.driver = chromium(self.folder)
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise
        self.start_server(*arguments)

    def start_server(self, *arguments: str) -> None:
        """Start it, at a port of its own unless arguments say otherwise; again after `server.terminate()`."""
        arguments = arguments or ("--listen", "tcp:0:interface=127.0.0.1", "--discovery-port", "off")
        arguments = ("--config", str(self.config_file), *arguments)
        self.server = ServerProcess(arguments, self.folder)
        self.base = f"http://{self.server.address}"

    def end(self) -> None:
        """Leave nothing behind."""
        self.driver.quit()
        self.server.terminate()
        shutil.rmtree(self.folder, ignore_errors=True)


class _Current:
    """The stage that is set: trial has no fixtures of a class, so the next class ends that of the last one."""

    def __init__(self) -> None:
        self._of: type | None = None
        self._stage: Stage | None = None

    def stage(self, of: type, configuration: Callable[[], Mapping[str, Any]]) -> Stage:
        if self._of is not of or self._stage is None:
            self.end()
            self._stage, self._of = Stage(configuration()), of
        return self._stage

    def end(self) -> None:
        stage, self._stage = self._stage, None
        if stage is not None:
            stage.end()


_current = _Current()
atexit.register(_current.end)


class BrowserTestCase(SynchronousTestCase):
    """
    One server and one browser for all tests of a class.

    :cvar configuration: what the server serves.
    """

    configuration: ClassVar[Callable[[], Mapping[str, Any]]] = staticmethod(ten_devices)

    def setUp(self) -> None:
        self.stage = _current.stage(type(self), type(self).configuration)

    @property
    def driver(self) -> webdriver.Chrome:
        """The browser."""
        return self.stage.driver

    def get(self, path: str) -> Any:
        """A value, as another client reads it."""
        return self._answer(path)["Value"]

    def put(self, path: str, **form: object) -> int:
        """What another client asks for; the number of the error, 0 if there is none."""
        return int(self._answer(path, urlencode(form).encode(), "PUT")["ErrorNumber"])

    def _answer(self, path: str, form: bytes | None = None, verb: str = "GET") -> Any:
        with urlopen(Request(f"{self.stage.base}/api/v1/{path}", form, method=verb), timeout=WAITS) as answer:
            return json.load(answer)

    def open(self, path: str) -> None:
        """Show a page, whole: the driver goes on as soon as it has begun, now and then."""
        self.driver.get(self.stage.base + path)
        self.wait_for(lambda: self.driver.execute_script("return document.readyState") == "complete")

    def wait_for(self, what: Callable[[], T], why: str = "") -> T:
        """The first thing that this gives that is true; AssertionError if it does not come."""
        waiting = WebDriverWait(self.driver, WAITS, poll_frequency=0.05)
        return waiting.until(lambda _: what(), why or "it did not come about")

    def one(self, selector: str) -> WebElement:
        """The element that a CSS selector finds first."""
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector: str) -> list[WebElement]:
        """Every element that a CSS selector finds."""
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def text(self, selector: str) -> str:
        """What stands in the element that a CSS selector finds first; as it is looked at, the page may change it."""
        return str(self.driver.execute_script("return document.querySelector(arguments[0])?.textContent ?? ''", selector))

    def colours(self) -> list[int]:
        """The most of red, green and blue that is in any pixel of the page as it is seen now."""
        picture = base64.b64encode(self.driver.get_screenshot_as_png()).decode()
        return [int(each) for each in self.driver.execute_async_script(_COLOURS, picture)]

    def screenshot(self, file: Path) -> None:
        """What is seen of the page now, as a PNG."""
        file.parent.mkdir(parents=True, exist_ok=True)
        self.driver.save_screenshot(str(file))


def main() -> int:
    """Run every test that needs a browser."""
    modules = [f"tests.{each.stem}" for each in sorted(Path(__file__).parent.glob("test_browser_*.py"))]
    return subprocess.run([sys.executable, "-m", "tests.run", *modules], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
