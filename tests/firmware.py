"""A roof controller at the other end of a pseudo-terminal, as the firmware of an Arduino would be."""

from __future__ import annotations

import os
import pty
import select
import threading
import time
import tty


class RoofFirmware:
    """A roof with a motor: it takes `seconds` to open or close, and says what it is doing."""

    def __init__(self, seconds: float = 1.0) -> None:
        self._seconds = seconds
        self._open, self._target, self._since = 0.0, 0.0, time.monotonic()
        self._ours, theirs = pty.openpty()
        tty.setraw(theirs)
        self._theirs = theirs  # kept open: the line stays up while nobody has the port open
        self.port = os.ttyname(theirs)
        self.commands: list[bytes] = []
        self._wake_read, self._wake_write = os.pipe()
        self._thread = threading.Thread(target=self._run, name="roof firmware", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Switch it off."""
        os.write(self._wake_write, b"x")
        self._thread.join()
        for each in (self._ours, self._theirs, self._wake_read, self._wake_write):
            os.close(each)

    def _run(self) -> None:
        received = b""
        while True:
            ready, _, _ = select.select([self._ours, self._wake_read], [], [])
            if self._wake_read in ready:
                return
            *commands, received = (received + os.read(self._ours, 1024)).split(b"\n")
            for command in commands:
                self.commands.append(command)
                os.write(self._ours, self._answer(command) + b"\n")

    def _answer(self, command: bytes) -> bytes:
        now = time.monotonic()
        step = (now - self._since) / self._seconds
        self._since = now
        self._open += max(-step, min(step, self._target - self._open))
        if command == b"STATUS":
            if self._open == self._target:
                return b"CLOSED" if self._open == 0.0 else b"OPEN"
            return b"OPENING" if self._open < self._target else b"CLOSING"
        targets = {b"OPEN": 1.0, b"CLOSE": 0.0, b"STOP": self._open}
        if command not in targets:
            return b"ERROR"
        self._target = targets[command]
        return b"OK"
