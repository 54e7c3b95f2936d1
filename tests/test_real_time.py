"""The conformance kit in real time, in its short form, against a real server in a child process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from pylpaca.interfaces import DEVICE_TYPES
from pylpaca.testing.conformance.__main__ import judged, parsed
from tests.real_time import HARDWARE, QUICK, started


class ShortFormTests(TestCase):
    timeout = 240

    def test_all_devices(self) -> Deferred[None]:
        """Every simulator passes, and every driver with firmware at the other end, all at the same time."""
        return Deferred.fromCoroutine(self.all_devices())

    async def all_devices(self) -> None:
        from twisted.internet import reactor

        folder = Path(self.mktemp())
        folder.mkdir()
        server = started(folder, quick=True)
        self.addCleanup(server.terminate)
        runs = await judged(reactor, server.address, short=True, times=1)
        self.assertEqual([sentence for run in runs for sentence in run.found], [])
        self.assertEqual(len(runs), len(DEVICE_TYPES) + 2 * len(HARDWARE))
        self.assertGreater(sum(run.passed for run in runs), 100)
        self.assertGreater(min(server.lost), 2)
        self.assertEqual(server.terminate(), 0)
        self.assertNotIn("Traceback", "\n".join(server.lines))


class CommandTests(TestCase):
    def test_command_line(self) -> None:
        """The address, and whether the long parts are left out."""
        options: Any = parsed(["192.0.2.1:11111", "--short", "--times", "3"])
        self.assertEqual((options.address, options.short, options.times), ("192.0.2.1:11111", True, 3))

    def test_quick_settings(self) -> None:
        """The settings of the short form are for device types there are."""
        self.assertLessEqual(set(QUICK), set(DEVICE_TYPES))
