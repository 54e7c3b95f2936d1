"""The newcomer's guide, done as it says: files written, commands typed, and what it says appears."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from pylpaca.protocol import FORM
from tests.firmware import CommandFirmware, FirmwareOnTerminal, RealTime
from tests.first_driver import Type, WriteFile, steps
from tests.server_process import ServerProcess

ADDRESS, PORT = "127.0.0.1:11111", "/dev/ttyUSB0"  # on the page; here others are free
LASTS_AT_MOST = 60.0  # seconds, any command


class Board(CommandFirmware):
    """The board of the page, as the page itself has written it down."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        names: dict[str, Any] = {}
        exec(compile((folder / "stepper_double.py").read_text(), "docs/first-driver.md", "exec"), names)
        self._double = names["StepperDouble"]()
        self._double.clock = RealTime()

    def answer(self, command: bytes) -> bytes:
        reply: bytes | None = self._double.reply(command)
        return b"" if reply is None else reply + b"\n"


class GuideTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).absolute()
        (self.folder / "drivers").mkdir(parents=True)
        self.server: ServerProcess | None = None
        self.port = PORT
        self.server_said: list[str] = []
        self.addCleanup(self.stop_server)

    def test_step_by_step(self) -> None:
        """Whoever follows the page ends with a focuser that the kit has passed and a client has moved."""
        commands = []
        for step in steps():
            if isinstance(step, WriteFile):
                (self.folder / step.name).write_text(self.here(step.text))
                continue
            commands.append(step.command)
            if step.command == "python -m pylpaca ports":
                self.plug_in()
            self.appears(step, self.typed(step))
        self.stop_server()
        self.assertTrue(any("going to 50000" in line for line in self.server_said))  # as the prose says
        self.assertEqual((len(commands), commands[-1]), (16, "python focus.py"))

    def here(self, text: str) -> str:
        """What the page says, with the address and the port of this test."""
        text = text.replace(PORT, self.port)
        return text if self.server is None else text.replace(ADDRESS, self.server.address)

    def plug_in(self) -> None:
        terminal = FirmwareOnTerminal(Board(self.folder))
        self.addCleanup(terminal.stop)
        config = self.folder / "config.json"
        config.write_text(config.read_text().replace(self.port, terminal.port))
        self.port = terminal.port

    def appears(self, step: Type, lines: Sequence[str]) -> None:
        """Whether what should appear does, in this order."""
        rest = iter(lines)
        for expected in step.appears:
            pattern = ".*".join(re.escape(part) for part in expected.split("…"))
            if not any(re.fullmatch(pattern, line) for line in rest):
                raise AssertionError("\n".join([f"{expected!r} does not appear after", step.command, *lines]))

    def typed(self, step: Type) -> Sequence[str]:
        """What a command prints."""
        program, *arguments = shlex.split(self.here(step.command))
        if program == "curl":
            return self.asked(*arguments)
        self.assertEqual(program, "python")
        if arguments == ["-m", "pylpaca", "--config", "config.json"]:
            return self.start_server(arguments, fails=step.appears[0] == "pylpaca cannot start:")
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LASTS_AT_MOST,
        )
        self.assertEqual(done.returncode, 0, done.stdout)
        return done.stdout.splitlines()

    def asked(self, *arguments: str) -> Sequence[str]:
        """As curl would."""
        *options, url = arguments
        body = options[options.index("-d") + 1] if "-d" in options else None
        assert self.server is not None
        connection = HTTPConnection(self.server.address)
        self.addCleanup(connection.close)
        headers = {} if body is None else {"Content-Type": FORM}
        connection.request("PUT" if "PUT" in options else "GET", url.partition(self.server.address)[2], body, headers)
        return connection.getresponse().read().decode().splitlines()

    def start_server(self, arguments: Sequence[str], fails: bool) -> Sequence[str]:
        self.stop_server()
        quietly = ["--listen", "tcp:0:interface=127.0.0.1", "--discovery-port", "off"]
        server = ServerProcess([*arguments, *quietly], self.folder, command=[sys.executable])
        if fails:
            self.assertEqual(server.status, 1)
            return server.lines
        self.server = server
        return [server.ready]

    def stop_server(self) -> None:
        if self.server is not None:
            self.assertEqual(self.server.terminate(), 0)
            self.server_said += self.server.lines
            self.server = None
