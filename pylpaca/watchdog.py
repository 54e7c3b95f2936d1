"""Notices when something keeps the reactor from turning, and says what: the file, the line and the device."""

# Facts
#   While the reactor is blocked no device is answered, no cable is looked after and no deadline expires: only another thread can
#   tell. sys._current_frames() has the frame in which each thread is; a function of C has none, but its caller's line is there.

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

from twisted.application.service import Service
from twisted.logger import Logger

from pylpaca.device import Device

log = Logger()


class Watchdog(Service):
    """
    Asks the reactor for a sign of life, from a thread of its own.

    :param reactor: the one it watches; the service is started in its thread.
    """

    name = "watchdog"
    ASK_EVERY = 0.1  # seconds
    BLOCKED_AFTER = 0.5  # seconds without a sign

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._seen = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
        self._watched = 0

    def startService(self) -> None:
        super().startService()
        self._watched = threading.get_ident()
        self._reactor.callWhenRunning(self._thread.start)

    def stopService(self) -> None:
        super().stopService()
        self._stopping.set()

    def _watch(self) -> None:
        while not self._stopping.wait(self.ASK_EVERY):
            began = self._reactor.seconds()
            self._seen.clear()
            self._reactor.callFromThread(self._seen.set)
            if self._seen.wait(self.BLOCKED_AFTER) or self._stopping.is_set():
                continue
            frame = sys._current_frames().get(self._watched)
            if frame is not None and not self._seen.is_set():
                log.error("nothing else is done since {seconds:g} s: {where}", seconds=self.BLOCKED_AFTER, where=where(frame))
            del frame
            while not self._seen.wait(self.ASK_EVERY) and not self._stopping.is_set():
                pass  # said once for each time
            log.error("the server goes on after {seconds:.1f} s", seconds=self._reactor.seconds() - began)


def where(innermost: FrameType) -> str:
    """Which device keeps the reactor, if one does, and where it is."""
    for frame in _outwards(innermost):
        device = frame.f_locals.get("self")
        if isinstance(device, Device) and frame.f_globals.get("__name__") == type(device).__module__:
            inner = "" if frame is innermost else f", in {_line(innermost)}"
            return f"{device.name} blocks in {_line(frame)}{inner}; what blocks belongs into self.in_thread()"
    return f"blocked in {_line(innermost)}"


def _outwards(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _line(frame: FrameType) -> str:
    return f"{frame.f_code.co_filename}, line {frame.f_lineno}, {frame.f_code.co_name}"
