"""`python -m pylpaca check`: what is wrong in a configuration, without a server."""

from __future__ import annotations

import os
import subprocess
import sys
from io import StringIO
from pathlib import Path

from twisted.logger import Logger
from twisted.trial.unittest import SynchronousTestCase

from pylpaca import checking
from pylpaca.checking import check
from tests.test_config import GOOD, SEEDED, device
from tests.test_service import Reactor

ONE = '{"drivers": [' + GOOD % 0 + "]}"


class CheckTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.reactor = Reactor()
        self.home = Path(self.mktemp())
        self.home.mkdir()
        self.file = self.home / "config.json"

    def checked(self, text: str) -> tuple[int, list[str]]:
        """The status, and what is said, with the path of the file left out."""
        self.file.write_text(text)
        output = StringIO()
        status = check(str(self.file), self.reactor, {}, output)
        return status, output.getvalue().replace(str(self.file), "config.json").splitlines()

    def test_right(self) -> None:
        """A configuration without mistakes: status 0, and how many devices there are."""
        self.assertEqual(self.checked(ONE), (0, ["config.json: no mistakes; 1 device"]))
        self.assertEqual(self.checked('{"drivers": []}'), (0, ["config.json: no mistakes; 0 devices"]))

    def test_mistakes(self) -> None:
        """Every mistake in a line of its own, and status 1."""
        two = '{"drivers": [\n{"device_type": "doom"},\n' + GOOD.replace("Simulator", "Simulater") % 0 + "]}"
        status, lines = self.checked(two)
        self.assertEqual((status, lines[0]), (1, "config.json: 4 mistakes"))
        for line, place in zip(lines[1:], ("2:1: drivers[0]", "2:1: drivers[0]", "2:2: drivers[0]", "3:"), strict=True):
            self.assertTrue(line.startswith(f"  config.json:{place}"), line)

    def test_page(self) -> None:
        """What the page about configurations shows is what is said."""
        page = (Path(__file__).parent.parent / "docs" / "configuration.md").read_text()
        shown = page.partition("$ python -m pylpaca check config.json\n")[2].partition("```")[0].splitlines()
        text = '{"drivers": [\n{"device_type": "doom", "device_number": 0, "device_driver": "DomeSimulator"}],\n'
        self.assertEqual(self.checked(text + '"server": {"discovery-port": 32227}}'), (1, shown))

    def test_seeded(self) -> None:
        """Each of the seeded mistakes ends with status 1 and names the line."""
        for name, (text, expected) in SEEDED.items():
            status, lines = self.checked(text)
            self.assertEqual((status, len(lines)), (1, 1 + len(expected)), name)
            for line, (number, sentence) in zip(lines[1:], expected, strict=True):
                self.assertTrue(line.startswith(f"  config.json:{number}:"), f"{name}: {line}")
                self.assertIn(sentence, line, name)

    def test_touches_nothing(self) -> None:
        """No port is opened, no timer set, no file written."""
        self.checked(ONE)
        self.assertEqual((self.reactor.opened, self.reactor.multicasts, self.reactor.getDelayedCalls()), ([], [], []))
        self.assertEqual(os.listdir(self.home), ["config.json"])

    def test_warnings(self) -> None:
        """What the server would warn of is told, and is no mistake."""
        (self.home / ".pylpaca").mkdir()
        (self.home / ".pylpaca" / "unique_ids.json").write_text("{")
        status, lines = self.checked(device())
        self.assertEqual((status, lines[0]), (0, "config.json: no mistakes; 1 device"))
        (warning,) = lines[1:]
        self.assertIn("unique_ids.json cannot be understood", warning)
        self.assertTrue(warning.startswith("  warning: "), warning)

    def test_hears_no_longer(self) -> None:
        """What is logged after a check is no business of it."""
        self.file.write_text(ONE)
        output = StringIO()
        check(str(self.file), self.reactor, {}, output)
        before = output.getvalue()
        Logger().warn("afterwards")
        self.assertEqual(output.getvalue(), before)

    def test_which(self) -> None:
        """Without exactly one file it says how it is used."""
        for given, status in (([], 1), (["a", "b"], 1), (["--config"], 1), (["--help"], 0)):
            said = StringIO()
            self.patch(sys, "stdout", said)
            self.patch(sys, "stderr", said)
            self.assertEqual((checking.main(given), said.getvalue()), (status, checking.USAGE + "\n"))

    def test_command(self) -> None:
        """The command of the documentation, with its status."""
        self.file.write_text(device(kind="doom"))
        command = [sys.executable, "-m", "pylpaca", "check", str(self.file)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60)
        self.assertEqual((done.returncode, done.stderr), (1, ""))
        self.assertEqual(
            done.stdout.replace(str(self.file), "config.json").splitlines(),
            [
                "config.json: 1 mistake",
                "  config.json:2:2: drivers[0].device_type: there is no device type 'doom'; did you mean 'dome'?",
            ],
        )
        self.assertEqual(os.listdir(self.home), ["config.json"])
