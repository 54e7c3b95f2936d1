"""A real server in a child process, for tests that need one."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

TWISTD = [str(Path(sys.executable).with_name("twistd")), "--nodaemon"]
HASTY = [sys.executable, "-m", "tests.hasty", "--nodaemon"]  # with shorter deadlines
STARTS_WITHIN = 30.0


class ServerProcess:
    """twistd as a user starts it; `ready` is the line that says so."""

    def __init__(
        self,
        arguments: Sequence[str],
        folder: Path,
        command: Sequence[str] = (*TWISTD, "pylpaca"),
        more_environment: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        paths = os.pathsep.join(filter(None, sys.path))  # so that it finds what this process finds
        state = str(folder.absolute() / "state")
        environment = {**os.environ, "STATE_DIRECTORY": state, "PYTHONPATH": paths, **more_environment}
        self._process = subprocess.Popen(
            [*command, *arguments],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines: list[str] = []
        self._said_ready = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self.lines.append(line.rstrip("\n"))
            if " ready: " in line:
                self._said_ready.set()
        self._said_ready.set()

    @property
    def ready(self) -> str:
        """The line that says that the server is ready; AssertionError if it does not come."""
        self._said_ready.wait(STARTS_WITHIN)
        for line in self.lines:
            if " ready: " in line:
                return line
        raise AssertionError("\n".join(self.lines))

    @property
    def address(self) -> str:
        """The IPv4 address of this machine's own loopback that the line names, host:port."""
        found = re.search(r"127\.0\.0\.1:\d+", self.ready)
        assert found is not None, self.ready
        return found[0]

    @property
    def pid(self) -> int:
        """Which process it is."""
        return self._process.pid

    @property
    def status(self) -> int:
        """The exit status, once it has ended."""
        status = self._process.wait(STARTS_WITHIN)
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()
        return status

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, if it has not ended."""
        if self._process.poll() is None:
            self._process.send_signal(number)

    def terminate(self) -> int:
        """SIGTERM; the exit status."""
        self.signal(signal.SIGTERM)
        return self.status
