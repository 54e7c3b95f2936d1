"""Who keeps the reactor from turning is named, wherever in a driver that is."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, cast

from twisted.internet.task import deferLater
from twisted.logger import ILogObserver, LogEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from pylpaca.device import Device, SafetyMonitor
from pylpaca.health import Latest
from pylpaca.testing import MemoryServer
from pylpaca.watchdog import Watchdog, where
from tests.naive import NaiveTelescope

PATIENCE = 20.0  # seconds for something that takes none

LIBRARY = """
import sys

def read(look):
    return look(sys._getframe())
"""


def library() -> Callable[..., Any]:
    """A function of a library that drivers use."""
    names: dict[str, Any] = {"__name__": "sdk"}
    exec(compile(LIBRARY, "sdk.py", "exec"), names)
    return names["read"]  # type: ignore[no-any-return]


class WatchedMonitor(SafetyMonitor):
    """Looks at itself while it is asked, in the way that the test says."""

    way = "itself"

    def IsSafe(self) -> Any:
        return getattr(self, f"_{self.way}")()

    def _look(self, frame: FrameType) -> bool:
        self.seen = where(frame)
        return True

    def _itself(self) -> bool:
        return self._look(sys._getframe())

    def _library(self) -> bool:
        return bool(library()(self._look))

    def _helper(self) -> bool:
        return helper(self._look)

    async def _later(self) -> bool:
        await deferLater(self.clock, 1.0)
        return self._look(sys._getframe())


def helper(look: Callable[[FrameType], bool]) -> bool:
    return look(sys._getframe())


class WatchedTelescope(NaiveTelescope):
    """Looks at itself when it is asked whether it is parked."""

    async def AtPark(self) -> bool:
        self.seen = where(sys._getframe())
        return False


def watched(kind: str, driver: type[Device]) -> tuple[MemoryServer, Any]:
    name = f"{driver.__module__}:{driver.__name__}"
    server = MemoryServer({"drivers": [{"device_type": kind, "device_number": 0, "device_driver": name, "name": "It"}]})
    server.put(f"{kind}/0/connected", Connected=True)
    return server, server.driver(kind)


class WhereTests(SynchronousTestCase):
    def seen(self, way: str) -> str:
        server, monitor = watched("safetymonitor", WatchedMonitor)
        monitor.way = way
        connection = server.begin("GET", "safetymonitor/0/issafe")
        server.clock.advance(1.0)
        answer = connection.answer()
        assert answer is not None
        self.assertIs(answer.value, True)
        return str(monitor.seen)

    def test_member(self) -> None:
        """A driver's own code: the device, the member that is asked for, the file, the line, the function."""
        self.assertRegex(
            self.seen("itself"),
            r"^It \(IsSafe\) blocks in \S*/test_watchdog\.py, line \d+, _itself; what blocks belongs into self\.in_thread\(\)$",
        )

    def test_library(self) -> None:
        """In a library: where the driver calls it, and where in it that is."""
        self.assertRegex(
            self.seen("library"), r"^It \(IsSafe\) blocks in \S*test_watchdog\.py, line \d+, _library, in sdk\.py, line 5, read;"
        )

    def test_helper(self) -> None:
        """In a function beside the class."""
        self.assertRegex(self.seen("helper"), r"^It \(IsSafe\) blocks in \S*test_watchdog\.py, line \d+, helper;")

    def test_later(self) -> None:
        """In what goes on later, when no client's call is on the way any more."""
        self.assertRegex(self.seen("later"), r"^It blocks in \S*test_watchdog\.py, line \d+, _later;")

    def test_asked_first(self) -> None:
        """In what has to be known before: the member that the client asked for is named, and the one that blocks."""
        server, telescope = watched("telescope", WatchedTelescope)
        self.assertEqual(server.put("telescope/0/findhome").error, 0)
        self.assertRegex(telescope.seen, r"^It \(FindHome\) blocks in \S*test_watchdog\.py, line \d+, AtPark;")

    def test_module(self) -> None:
        """In a driver's module, whose device is not known."""
        names: dict[str, Any] = {"__name__": "drivers.dome"}
        exec(compile(LIBRARY, "drivers/dome.py", "exec"), names)
        self.assertRegex(names["read"](where), r"^blocked in drivers/dome\.py, line 5, read; what blocks belongs into")

    def test_no_driver(self) -> None:
        """What is no driver's is told as it is."""
        self.assertEqual(library()(where), "blocked in sdk.py, line 5, read")

    def test_nothing(self) -> None:
        """A reactor that only waits is not to blame."""
        names: dict[str, Any] = {"__name__": "twisted.internet.epollreactor"}
        exec(compile(LIBRARY.replace("read", "doPoll"), "epollreactor.py", "exec"), names)
        self.assertIn("the computer is busy", names["doPoll"](where))


class Reactor:
    """A reactor that turns when the test says so."""

    def __init__(self) -> None:
        self.now = 0.0
        self.turns = True
        self.asked = threading.Semaphore(0)
        self._waiting: list[Callable[[], None]] = []

    def seconds(self) -> float:
        return self.now

    def callWhenRunning(self, call: Callable[[], None]) -> None:
        call()

    def callFromThread(self, call: Callable[[], None]) -> None:
        if self.turns:
            call()
        else:
            self._waiting.append(call)
        self.asked.release()

    def turn(self) -> None:
        self.turns = True
        while self._waiting:
            self._waiting.pop()()


class WatchdogTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.reactor = Reactor()
        self.said: list[str] = []
        self.where: list[str] = []
        self.something_said = threading.Semaphore(0)
        note = cast(ILogObserver, self.note)
        globalLogPublisher.addObserver(note)
        self.addCleanup(globalLogPublisher.removeObserver, note)
        self.latest = Latest()
        self.watchdog = Watchdog(self.reactor, self.latest)
        self.watchdog.ASK_EVERY = self.watchdog.BLOCKED_AFTER = 0.01

    def note(self, event: LogEvent) -> None:
        if event.get("log_namespace") == "pylpaca.watchdog":
            self.where.append(event.get("where", ""))
            self.said.append(event["log_format"].partition(" for")[0].partition(" after")[0])
            self.something_said.release()

    def start(self) -> None:
        self.watchdog.startService()
        self.addCleanup(self.watchdog._thread.join, PATIENCE)
        self.addCleanup(self.watchdog.stopService)

    def wait(self, semaphore: threading.Semaphore, times: int = 1) -> None:
        for _ in range(times):
            self.assertTrue(semaphore.acquire(timeout=PATIENCE))

    def test_turns(self) -> None:
        """Nothing is said of a reactor that turns."""
        self.start()
        self.wait(self.reactor.asked, 5)
        self.assertEqual(self.said, [])

    def test_blocked(self) -> None:
        """It is said once that the reactor is blocked, and once that it goes on."""
        self.reactor.turns = False
        self.start()
        self.wait(self.something_said)
        self.reactor.turn()
        self.wait(self.something_said)
        self.wait(self.reactor.asked, 3)
        self.assertEqual(self.said, ["nothing else has been done", "the server goes on"])

    def test_interpreter_held(self) -> None:
        """A library that holds the interpreter blocks the watchdog, too: that is told afterwards, with what was asked last."""
        _, self.latest.device = watched("safetymonitor", WatchedMonitor)
        self.latest.method = "IsSafe"
        seconds = iter([0.0, 2.0])
        self.patch(self.reactor, "seconds", lambda: next(seconds, 2.0))
        self.start()
        self.wait(self.something_said, 2)
        self.assertEqual(self.said, ["nothing else has been done", "the server goes on"])
        self.assertIn(
            "the interpreter was held, or the computer asleep; asked last: It (IsSafe); when it was over: ", self.where[0]
        )

    def test_stopped_while_blocked(self) -> None:
        """It ends with the server, also while the reactor does not turn."""
        self.reactor.turns = False
        self.start()
        self.wait(self.something_said)
        self.watchdog.stopService()
        self.watchdog._thread.join(PATIENCE)
        self.assertFalse(self.watchdog._thread.is_alive())
