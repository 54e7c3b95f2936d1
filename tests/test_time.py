"""Durations and the time of day: a clock that is set, by a day in either direction, changes no duration."""

from __future__ import annotations

import ast
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import twisted.internet
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import LogLevel, capturedLogs
from twisted.trial.unittest import SynchronousTestCase

import drivers
import pylpaca
from pylpaca import daytime, service
from pylpaca.device.base import utc_now
from pylpaca.interfaces import DEVICE_TYPES, device_type
from pylpaca.service import Options
from pylpaca.testing import MIDNIGHT, MemoryServer
from tests.test_service import Reactor, ServerTestCase, started

DAY = timedelta(days=1)
STEP = 0.25  # seconds between two looks


class JumpyServer(MemoryServer):
    """A server whose time of day may be set while it runs."""

    jumped = timedelta()

    def utc(self) -> datetime:
        return super().utc() + self.jumped


@dataclass(frozen=True)
class Motion:
    """Something that takes time: how it begins, and how a client sees that it is over."""

    kind: str
    begin: Callable[[MemoryServer], object]
    over: Callable[[MemoryServer], bool]


def put(path: str, **form: Any) -> Callable[[MemoryServer], object]:
    return lambda server: server.put(path, **form).value


def reads(path: str, value: Any) -> Callable[[MemoryServer], bool]:
    return lambda server: bool(server.get(path).value == value)


def exposed(server: MemoryServer) -> object:
    return server.put("camera/0/startexposure", Duration="12.5", Light="True").value


def slewn(server: MemoryServer) -> object:
    east = (server.get("telescope/0/siderealtime").value + 2) % 24
    return server.put("telescope/0/slewtocoordinatesasync", RightAscension=east, Declination=30).value


MOTIONS = {
    "exposure": Motion("camera", exposed, reads("camera/0/imageready", True)),
    "cover": Motion("covercalibrator", put("covercalibrator/0/opencover"), reads("covercalibrator/0/coverstate", 3)),
    "lamp": Motion(
        "covercalibrator", put("covercalibrator/0/calibratoron", Brightness=5), reads("covercalibrator/0/calibratorstate", 3)
    ),
    "dome": Motion("dome", put("dome/0/slewtoazimuth", Azimuth=90), reads("dome/0/slewing", False)),
    "shutter": Motion("dome", put("dome/0/openshutter"), reads("dome/0/shutterstatus", 0)),
    "wheel": Motion("filterwheel", put("filterwheel/0/position", Position=3), reads("filterwheel/0/position", 3)),
    "focuser": Motion("focuser", put("focuser/0/move", Position=100), reads("focuser/0/ismoving", False)),
    "rotator": Motion("rotator", put("rotator/0/movemechanical", Position=120), reads("rotator/0/ismoving", False)),
    "switch": Motion(
        "switch",
        put("switch/0/setasyncvalue", Id=3, Value=1),
        lambda server: bool(server.get("switch/0/statechangecomplete", Id=3).value),
    ),
    "slew": Motion("telescope", slewn, reads("telescope/0/slewing", False)),
    "park": Motion("telescope", put("telescope/0/park"), reads("telescope/0/atpark", True)),
    "guiding": Motion(
        "telescope", put("telescope/0/pulseguide", Direction=0, Duration=3000), reads("telescope/0/ispulseguiding", False)
    ),
}


class MotionTests(SynchronousTestCase):
    def seconds(self, motion: Motion, jump: timedelta) -> float:
        """How long it takes when the time of day is set one and a quarter seconds after it began."""
        driver = f"simulators.{motion.kind}.{device_type(DEVICE_TYPES[motion.kind])}Simulator"
        server = JumpyServer({"drivers": [{"device_type": motion.kind, "device_number": 0, "device_driver": driver}]})
        server.put(f"{motion.kind}/0/connected", Connected="True", ClientID=1)
        server.clock.advance(1)
        self.prepared(server, motion.kind)
        motion.begin(server)
        began = server.clock.seconds()
        while not motion.over(server):
            self.assertLess(server.clock.seconds(), began + 300)
            server.clock.advance(STEP)
            if server.clock.seconds() - began == 5 * STEP:
                server.jumped = jump
        return server.clock.seconds() - began

    def prepared(self, server: MemoryServer, kind: str) -> None:
        if kind == "telescope" and server.get("telescope/0/atpark").value:
            server.put("telescope/0/unpark")
        if kind == "telescope":
            server.put("telescope/0/tracking", Tracking="True")

    def test_simulators(self) -> None:
        """Each motion of each simulator takes as long as it does otherwise, if the clock is set by a day in its midst."""
        for name, motion in MOTIONS.items():
            as_ever = self.seconds(motion, timedelta())
            self.assertGreater(as_ever, 5 * STEP, f"{name}: over before the clock was set")
            for jump in (DAY, -DAY):
                self.assertEqual(self.seconds(motion, jump), as_ever, f"{name}, {jump}")


class FrameworkTests(SynchronousTestCase):
    def setUp(self) -> None:
        entry = {"device_type": "focuser", "device_number": 0, "device_driver": "tests.doubles:SlowFocuser"}
        self.server = JumpyServer({"drivers": [entry]})
        self.server.put("focuser/0/connected", Connected="True", ClientID=1)

    def test_deadline(self) -> None:
        """A call is given up after four seconds, whatever the clock shows meanwhile."""
        for jump in (DAY, -DAY):
            connection = self.server.begin("GET", "focuser/0/ismoving")
            self.server.clock.advance(2)
            self.server.jumped += jump
            self.server.clock.advance(1.99)
            self.assertIsNone(connection.answer())
            self.server.clock.advance(0.01)
            answer = connection.answer()
            assert answer is not None
            self.assertEqual(answer.json["ErrorMessage"], "no answer from IsMoving of Focuser 0 in 4 s")
            focuser: Any = self.server.driver("focuser")
            focuser.asked[-1].callback(False)

    def test_votes(self) -> None:
        """A client's vote lapses after ten minutes of silence, not when the clock is set."""
        for jump in (DAY, -DAY):
            self.server.put("focuser/0/connected", Connected="True", ClientID=1)
            self.server.jumped += jump
            self.server.clock.advance(599)
            self.assertEqual(len(self.server.driver("focuser").link.holders), 1)
            self.server.clock.advance(2)
            self.assertEqual(self.server.driver("focuser").link.holders, [])


# Who may ask what time of day it is: for labels and the sky, and to tell old files from new ones. Nothing else may.
MAY_ASK = {
    "pylpaca/device/base.py: datetime.now",
    "pylpaca/replacing.py: time.time",
    "pylpaca/testing/conformance/telescope.py: datetime.now",
}
CLOCKS = {
    "time.time",
    "time.time_ns",
    "time.localtime",
    "time.gmtime",
    "time.ctime",
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
}


class SourceTests(SynchronousTestCase):
    def test_nobody_else_asks(self) -> None:
        """Nothing in the server or in our drivers measures by the time of day: no other source asks for it."""
        found = set()
        for package in (pylpaca, drivers):
            folder = Path(package.__path__[-1])
            for path in folder.rglob("*.py"):
                names = {ast.unparse(each.func) for each in ast.walk(ast.parse(path.read_text())) if isinstance(each, ast.Call)}
                found |= {f"{path.relative_to(folder.parent).as_posix()}: {name}" for name in names & CLOCKS}
        self.assertEqual(found, MAY_ASK)

    def test_reactor(self) -> None:
        """The reactor counts seconds that no clock can set, from before anything is scheduled."""
        reactor = MemoryReactorClock()
        self.patch(twisted.internet, "reactor", reactor)
        reactor.getThreadPool = lambda: reactor  # type: ignore[attr-defined]
        self.assertRaises(SystemExit, Options().parseOptions, ["--config", "nowhere.json"])
        self.assertIs(reactor.seconds, time.monotonic)


class NotSetTests(ServerTestCase):
    def test_page(self) -> None:
        """A clock that shows a time before this version was made is said on the page, as long as it does."""
        server = JumpyServer()
        self.assertNotIn("Beware", server.get("/setup").text)
        server.jumped = datetime(1970, 1, 1, tzinfo=UTC) - MIDNIGHT
        self.assertIn("Beware: the clock of this computer is not set: it shows 1970-01-01 00:00 UTC", server.get("/setup").text)
        server.jumped = timedelta()
        self.assertNotIn("Beware", server.get("/setup").text)

    def test_log(self) -> None:
        """It is said in the log at start, too."""
        for now, expected in ((datetime(1970, 1, 1, tzinfo=UTC), 1), (daytime.MADE, 0)):
            self.patch(service, "utc_now", lambda now=now: now)
            with capturedLogs() as logs:
                started(self.composed(Reactor()))
            warnings = [each for each in logs if each["log_level"] is LogLevel.warn and "doubt" in each]
            self.assertEqual(len(warnings), expected)

    def test_here(self) -> None:
        """The clock of this computer is right, as far as can be told."""
        self.assertEqual(daytime.doubt(utc_now()), "")
