"""What the page about serial lines shows is executed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

import drivers
from pylpaca import config
from pylpaca.roster import add_driver_folders
from pylpaca.serial import Framing, SerialSettings
from pylpaca.testing import SerialDouble, conformance
from tests.test_docs import ROOT, block, shown

PAGE = "docs/serial.md"


def executed(text: str) -> dict[str, Any]:
    """The names of the only example of the page with this text in it."""
    names: dict[str, Any] = {}
    exec(compile(block(PAGE, text), PAGE, "exec"), names)
    return names


class SensorConformanceTests(conformance.SafetyMonitorConformance, SynchronousTestCase):
    """The sensor on the page passes the kit."""

    driver = shown("CloudSensor", PAGE)
    settings = {"port": "COM3"}  # noqa: RUF012

    def ports(self) -> dict[str, SerialDouble]:
        return {"COM3": SerialDouble({b"ID?": b"ID clouds", b"SKY?": b"SKY CLEAR"}.get, terminator=b"\r\n")}


class PageTests(SynchronousTestCase):
    def test_test(self) -> None:
        """The test on the page passes, with the sensor on the page."""
        self.patch(drivers, "__path__", list(drivers.__path__))
        self.addCleanup(sys.modules.pop, "drivers.clouds", None)
        home = Path(self.mktemp())
        (home / "drivers").mkdir(parents=True)
        (home / "drivers" / "clouds.py").write_text(block(PAGE, "class CloudSensor"))
        add_driver_folders(config.read({"drivers": []}, path=home / "config.json"))
        names = executed("sensor.unplug()")
        self.assertEqual(names["sensor"].commands, [b"ID?", b"SKY?"] * 2)

    @given(st.binary(max_size=20).map(lambda each: each.translate(None, b"$*\n")), st.binary(max_size=10))
    def test_framing(self, message: bytes, noise: bytes) -> None:
        """The framing on the page cuts what it sends, and passes over what it does not."""
        framing: Framing = executed("class ChecksumFraming")["ChecksumFraming"]()
        sent = framing.outgoing(message)
        received = bytearray(noise.translate(None, b"$") + b"\n" + sent[:-1])
        self.assertIsNone(framing.next_frame(received))
        received += b"\n"
        self.assertEqual((framing.next_frame(received), bytes(received)), (message, b""))

    def test_settings(self) -> None:
        """Every setting stands on the page."""
        page = (ROOT / PAGE).read_text()
        for name in SerialSettings.model_fields:
            self.assertIn(f"`{name}`", page)
