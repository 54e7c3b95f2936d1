"""Notices when something keeps the reactor from turning, and says what: the device and its member, the file and the line."""

# Facts
#   While the reactor is blocked no device is answered, no cable is looked after and no deadline expires: only another thread can
#   tell. sys._current_frames() has the frame in which each thread is; a function of C has none, but its caller's line is there.
#   A function of C that does not let go of the interpreter blocks that thread, too. It has its turn some lines after the function
#   returned: mostly the caller's frame is still there, not always.

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

from twisted.application.service import Service
from twisted.logger import Logger

from pylpaca.device import Device
from pylpaca.health import Latest
from pylpaca.interfaces import Operation

log = Logger()

_WAITING = {"doPoll", "doSelect", "doIteration", "doWaitForMultipleEvents"}  # where a reactor is that has nothing to do


class Watchdog(Service):
    """
    Asks the reactor for a sign of life, from a thread of its own.

    :param reactor: the one it watches; the service is started in its thread.
    :param latest: which call began last.
    """

    name = "watchdog"
    ASK_EVERY = 0.1  # seconds
    BLOCKED_AFTER = 0.5  # seconds without a sign

    def __init__(self, reactor: Any, latest: Latest) -> None:
        self._reactor, self._latest = reactor, latest
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
        while not self._stopping.is_set():
            began = self._reactor.seconds()
            self._stopping.wait(self.ASK_EVERY)
            self._seen.clear()
            self._reactor.callFromThread(self._seen.set)
            seen = self._delay(began) <= self.BLOCKED_AFTER and self._seen.wait(self.BLOCKED_AFTER)
            delay = self._delay(began)
            if (not seen or delay > self.BLOCKED_AFTER) and not self._stopping.is_set():
                self._tell(began, seen or delay > 1.5 * self.BLOCKED_AFTER)

    def _delay(self, began: float) -> float:
        return float(self._reactor.seconds() - began) - self.ASK_EVERY

    def _tell(self, began: float, was_held: bool) -> None:
        """
        Once for each time: what it is, and when it is over how long it took.

        :param was_held: this thread was not let run either.
        """
        frame = sys._current_frames().get(self._watched)
        what = where(frame) if frame is not None else "it has ended"
        del frame
        if was_held:
            asked = f"asked last: {self._latest or 'nothing'}"
            what = f"the interpreter was held, or the computer asleep; {asked}; when it was over: {what}"
        log.error("nothing else has been done for {seconds:.1f} s: {where}", seconds=self._delay(began), where=what)
        while not self._seen.wait(self.ASK_EVERY):
            if self._stopping.is_set():
                return
        log.error("the server goes on after {seconds:.1f} s", seconds=self._delay(began))


def where(innermost: FrameType) -> str:
    """Which device keeps the reactor, if one does, and where it is."""
    if innermost.f_code.co_name in _WAITING and _module(innermost).startswith("twisted.internet."):
        return "the reactor waits for something to do; the computer is busy"
    device, member = _asked(innermost)
    theirs = next((frame for frame in _outwards(innermost) if _is_drivers(frame, device)), None)
    if theirs is None:
        return f"blocked in {_line(innermost)}"
    who = f"{device.name}{member} blocks" if device is not None else "blocked"
    inner = "" if theirs is innermost else f", in {_line(innermost)}"
    return f"{who} in {_line(theirs)}{inner}; what blocks belongs into self.in_thread()"


def _asked(innermost: FrameType) -> tuple[Device | None, str]:
    """The device whose code this is, and the member that a client asks for, if one does."""
    device = None
    for frame in _outwards(innermost):
        if device is None and isinstance(frame.f_locals.get("self"), Device):
            device = frame.f_locals["self"]
        if _module(frame) == "pylpaca.calls":
            asked, operation = frame.f_locals.get("device"), frame.f_locals.get("operation")
            if isinstance(asked, Device) and isinstance(operation, Operation) and device in (None, asked):
                return asked, f" ({operation.method})"
    return device, ""


def _is_drivers(frame: FrameType, device: Device | None) -> bool:
    """Whether this is code of the device's driver, or of any driver if it is not known whose."""
    module = _module(frame)
    classes = () if device is None else type(device).__mro__
    return module.startswith("drivers.") or module in {
        each.__module__ for each in classes if not each.__module__.startswith("pylpaca.")
    }


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", ""))


def _outwards(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _line(frame: FrameType) -> str:
    return f"{frame.f_code.co_filename}, line {frame.f_lineno}, {frame.f_code.co_name}"
