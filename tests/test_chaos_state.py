"""Short forms of `python -m tests.chaos_state`, and what the unit for systemd says."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from pylpaca import stopping
from pylpaca.service import Options

UNIT = Path(__file__).parent.parent / "contrib" / "pylpaca.service"


class KillTests(SynchronousTestCase):
    def test_killed(self) -> None:
        """A child that only writes state is killed twenty times: what it said was written is there, whole."""
        if not hasattr(os, "fork"):
            raise SkipTest("this system has no fork")
        command = [sys.executable, "-m", "tests.chaos_state", "--only", "kills", "--scale", "0.02"]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([os.getcwd(), *filter(None, sys.path)])}
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("20 kills", done.stdout)
        self.assertIn(": 0 unreadable, 0 lost; ", done.stdout)


class PageTests(SynchronousTestCase):
    def test_commands(self) -> None:
        """What the page about running starts in other ways has options that there are, too."""
        page = (UNIT.parent.parent / "docs" / "running.md").read_text()
        docker = json.loads(page.partition("\nCMD ")[2].partition("\n")[0])
        windows = page.partition("-Argument '-m pylpaca ")[2].partition("'")[0].split()
        for given in (docker[4:], windows):
            options = Options()
            self.patch(options, "postOptions", lambda: None)
            options.parseOptions(given)
            self.assertTrue(options["config"].endswith("config.json"))
        self.assertEqual(docker[:4], ["twistd", "-n", "--pidfile=", "pylpaca"])


class UnitTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.said: dict[str, list[str]] = defaultdict(list)
        for line in UNIT.read_text().splitlines():
            key, equals, value = line.partition("=")
            if equals and not line.startswith("#"):
                self.said[key].append(value)

    def test_command(self) -> None:
        """What it starts is twistd in the foreground, with options that there are."""
        (command,) = self.said["ExecStart"]
        program, *given = shlex.split(command)
        self.assertEqual((Path(program).name, given[:3]), ("twistd", ["-n", "--pidfile=", "pylpaca"]))
        options = Options()
        self.patch(options, "postOptions", lambda: None)
        options.parseOptions(given[3:])
        self.assertTrue(options["config"].startswith(f"/var/lib/{self.said['StateDirectory'][0]}/"))

    def test_told(self) -> None:
        """It waits until the server says that it is ready, looks whether it lives, waits for its end, and starts it again."""
        self.assertEqual((self.said["Type"], self.said["Restart"]), (["notify"], ["on-failure"]))
        self.assertGreaterEqual(int(self.said["WatchdogSec"][0]), 10)
        limits = [stopping.CALLS_WITHIN, stopping.ANSWERS_WITHIN, stopping.SHUTDOWN_WITHIN, stopping.LINKS_WITHIN]
        self.assertGreaterEqual(int(self.said["TimeoutStopSec"][0]), 2 * sum(limits))
