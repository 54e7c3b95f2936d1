"""Takes the pictures of the pages that the documentation shows: python -m tests.screenshots docs/images"""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.browser import WAITS, Stage, ten_devices

DISCOVERY_PORT = 32229  # not the real one: other servers of this machine have it
SETTLED = 1.5  # seconds after which a page shows what it is to show
NAMES = {
    "camera": "Main camera",
    "covercalibrator": "Flat panel",
    "dome": "Dome",
    "filterwheel": "Filter wheel",
    "focuser": "Focuser",
    "observingconditions": "Weather station",
    "rotator": "Rotator",
    "safetymonitor": "Rain sensor",
    "switch": "Power box",
    "telescope": "Mount",
}


@dataclass(frozen=True)
class Picture:
    """One picture: what it shows, in which colours, how wide, and how high at most."""

    name: str
    path: str
    theme: str
    width: int = 1440
    height: int = 960


PICTURES = [
    Picture("start-dark", "/", "dark"),
    Picture("start-day", "/", "day"),
    Picture("start-red", "/", "red"),
    Picture("start-phone", "/", "red", 360, 780),
    Picture("setup", "/setup/v1/focuser/0/setup", "day", 1024, 900),
    Picture("mount", "/control/v1/telescope/0", "dark", 1280, 1100),
    Picture("dome-phone", "/control/v1/dome/0", "red", 360, 780),
    Picture("camera", "/control/v1/camera/0", "dark", 1440, 1000),
    Picture("log", "/log", "dark", 1280, 720),
]


def configuration() -> dict[str, Any]:
    """An observatory with one of everything."""
    found = ten_devices(name="Hilltop observatory", location="Hilltop")
    for each in found["drivers"]:
        each["name"] = NAMES[each["device_type"]]
    return found


class Observatory:
    """A server that does something, so that there is something to see."""

    def __init__(self) -> None:
        self.stage = Stage(configuration(), "--listen", "tcp:11111", "--discovery-port", str(DISCOVERY_PORT))
        self._driver = self.stage.driver
        self._driver.get(self.stage.base)

    def put(self, path: str, **fields: str) -> None:
        """A client asks for something, and waits until it is answered."""
        self._driver.execute_async_script(
            "const [path, fields, done] = arguments;"
            "fetch(`/api/v1/${path}`, { method: 'PUT', body: new URLSearchParams(fields) }).then(() => done());",
            path,
            {**fields, "ClientID": "4711"},
        )

    def wakes(self) -> None:
        """The mount tracks, the roof is open, the camera has an image, and somebody has searched for servers."""
        self.put("dome/0/openshutter")
        self.put("telescope/0/unpark")
        self.put("telescope/0/tracking", Tracking="true")
        self.put("telescope/0/slewtocoordinatesasync", RightAscension="5.5881", Declination="60.0")
        self.put("dome/0/slewtoazimuth", Azimuth="121.5")
        self.put("filterwheel/0/position", Position="2")
        self.put("switch/0/setswitch", Id="0", State="true")
        self.put("camera/0/cooleron", CoolerOn="true")
        self.put("camera/0/startexposure", Duration="2", Light="true")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.sendto(b"alpacadiscovery1", ("127.0.0.1", DISCOVERY_PORT))
        time.sleep(WAITS)

    def take(self, picture: Picture, folder: Path) -> bool:
        """Take one picture; False: there is no such page."""
        metrics: Callable[[int], object] = lambda height: self._driver.execute_cdp_cmd(  # noqa: E731
            "Emulation.setDeviceMetricsOverride",
            {"width": picture.width, "height": height, "deviceScaleFactor": 1, "mobile": picture.width < 500},
        )
        metrics(picture.height)
        self._driver.get(self.stage.base + picture.path)
        self._driver.execute_script("localStorage.setItem('theme', arguments[0])", picture.theme)
        self._driver.get(self.stage.base + picture.path)
        time.sleep(SETTLED)
        if self._driver.execute_script("return document.contentType") != "text/html":
            return False
        height = self._driver.execute_script("return document.documentElement.scrollHeight")
        metrics(min(height, picture.height))
        self._driver.save_screenshot(str(folder / f"{picture.name}.png"))
        return True


def main() -> None:
    """Take all of them."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    observatory = Observatory()
    try:
        observatory.wakes()
        for each in PICTURES:
            print(each.name if observatory.take(each, folder) else f"{each.name}: there is no {each.path}")
    finally:
        observatory.stage.end()


if __name__ == "__main__":
    main()
