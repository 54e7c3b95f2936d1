"""What systemd is told while it runs the server: that it is ready, that it lives, that it stops. Without systemd, nothing."""

# Facts (sd_notify(3), sd_watchdog_enabled(3))
#   $NOTIFY_SOCKET is the address of a datagram socket; one that begins with @ is abstract, its first byte being 0. A message is
#   lines of NAME=value. After $WATCHDOG_USEC microseconds without WATCHDOG=1 the service is killed: it is sent at least twice as
#   often. $WATCHDOG_PID, if it is there, is the process that this is meant for.
#   A datagram that finds the socket's queue full is refused if the sender does not wait; pid 1 may be busy at boot.

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from errno import EAGAIN, ENOBUFS
from typing import Any

from twisted.internet.task import LoopingCall
from twisted.logger import Logger

log = Logger()


class Notifier:
    """
    Tells systemd, if it started this program and wants to know.

    :param environment: where systemd says how.
    """

    AGAIN_AFTER = 0.1  # seconds, when what must not be lost finds no room
    TIMES_AS_OFTEN = 3.0  # as systemd looks

    def __init__(self, environment: Mapping[str, str], clock: Any) -> None:
        self._address = environment.get("NOTIFY_SOCKET", "")
        self._environment, self._clock = environment, clock
        self._socket: socket.socket | None = None
        self._alive: LoopingCall | None = None

    def ready(self, status: str) -> None:
        """Clients can come; from here on the reactor says that it turns, as often as systemd wants."""
        self._say("READY=1", f"STATUS={_line(status)}")
        limit = _watchdog(self._environment)
        if self._address and limit is not None and self._alive is None:
            self._alive = LoopingCall(self._say, "WATCHDOG=1")
            self._alive.clock = self._clock
            self._alive.start(limit / self.TIMES_AS_OFTEN)

    def status(self, status: str) -> None:
        """What `systemctl status` shows."""
        self._say(f"STATUS={_line(status)}")

    def stopping(self, status: str = "stopping", within: float = 0.0) -> None:
        """The end has begun. One that takes longer than the unit allows says how many seconds it needs, and may say so again."""
        extend = [f"EXTEND_TIMEOUT_USEC={round(within * 1e6)}"] if within else []
        self._say("STOPPING=1", f"STATUS={_line(status)}", *extend)

    def close(self) -> None:
        """Nothing more is to be said."""
        if self._alive is not None and self._alive.running:
            self._alive.stop()
        self._alive = None
        self._address = ""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _say(self, *lines: str) -> None:
        if not self._address:
            return
        try:
            self._open().send("\n".join(lines).encode())
        except OSError as error:
            if error.errno not in (EAGAIN, ENOBUFS):
                log.error("systemd cannot be told anything at {address}: {error}", address=self._address, error=error)
                self.close()
            elif lines != ("WATCHDOG=1",):
                self._clock.callLater(self.AGAIN_AFTER, self._say, *lines)

    def _open(self) -> socket.socket:
        if self._socket is None:
            address = f"\0{self._address[1:]}" if self._address.startswith("@") else self._address
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self._socket.setblocking(False)
            self._socket.connect(address)
        return self._socket


def _watchdog(environment: Mapping[str, str]) -> float | None:
    """Seconds without a sign of life after which the service is killed; None if it is not watched."""
    try:
        limit = int(environment.get("WATCHDOG_USEC", "0"))
        whom = int(environment.get("WATCHDOG_PID", os.getpid()))
    except ValueError:
        return None
    return limit / 1e6 if limit > 0 and whom == os.getpid() else None


def _line(text: str) -> str:
    return " ".join(text.split())
