"""Drivers that misbehave in every member: clients get sentences, another device feels nothing, and nothing goes unhandled."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
from typing import Any, get_origin

from twisted.trial.unittest import SynchronousTestCase

from pylpaca.errors import DriverError
from pylpaca.interfaces import DEVICE_TYPES, Operation, device_type, operations
from pylpaca.protocol import Ids, refusal
from pylpaca.testing import Answer, MemoryServer
from pylpaca.values import Frame
from tests.misbehaving import CLASSES, FRAMEWORKS, RAISING, WRONG, Chaos, entry, members

NEIGHBOUR = {"device_type": "focuser", "device_number": 9, "device_driver": "FocuserSimulator"}


def connected(kind: str, driver: dict[str, Any]) -> MemoryServer:
    """A server with this device and another, both connected."""
    server = MemoryServer({"drivers": [driver, NEIGHBOUR]})
    for path in (f"{kind}/0", "focuser/9"):
        server.put(f"{path}/connected", Connected=True)
    return server


def ask(server: MemoryServer, kind: str, operation: Operation, arguments: dict[str, str]) -> Answer:
    send = server.get if operation.verb == "GET" else server.put
    return send(f"{kind}/0/{operation.path}", **arguments)


def strictly(body: bytes) -> Any:
    """JSON as those read it who take only what is JSON."""

    def refused(constant: str) -> Any:
        raise AssertionError(constant)

    return json.loads(body.decode("ascii"), parse_constant=refused)


class RaisingTests(SynchronousTestCase):
    """A driver that raises, in each way there is, for all ten device types."""

    def test_each_member(self) -> None:
        """Each member alone: HTTP 200, 0x500, what was raised, a neutral value; in the log once, and nothing goes unhandled."""
        asked = 0
        for kind in CLASSES:
            server = connected(kind, entry(kind))
            driver: Any = server.driver(kind)
            for way in RAISING:
                raised = "RuntimeError: the driver called sys.exit(3)" if way == "exits" else "Chaos: nobody thought of it"
                for operation, arguments in members(kind):
                    what = f"{kind} {operation.method} {way}"
                    driver.misbehave(operation.method, way)
                    answer = ask(server, kind, operation, arguments)
                    told = strictly(answer.body)
                    self.assertEqual((answer.status, told["ErrorNumber"], driver.asked), (200, 0x500, 1), what)
                    self.assertIn(f"{operation.member}: {raised} (in the server's log: ", told["ErrorMessage"], what)
                    self.assertEqual("Value" in told, operation.returns_value, what)
                    self.assertEqual(len(self.flushLoggedErrors()), 1, what)
                    asked += 1
            self.assertEqual(server.get("focuser/9/position").error, 0)
        gc.collect()  # a Deferred whose failure nobody took would be logged now
        self.assertEqual(self.flushLoggedErrors(), [])
        self.assertEqual(asked, 4 * sum(len(operations(each)) - len(FRAMEWORKS) for each in DEVICE_TYPES.values()))

    def test_all_at_once(self) -> None:
        """A simulator all of whose members raise: each is answered, and DeviceState has the time, and nothing else."""
        for kind, interface in DEVICE_TYPES.items():
            name = f"simulators.{kind}.{device_type(interface)}Simulator"
            server = connected(kind, {"device_type": kind, "device_number": 0, "device_driver": name})
            for operation, _ in members(kind):
                if operation.method != "DeviceState":
                    setattr(server.driver(kind), operation.method, lambda *_, **__: RAISING["raises"]())
            answers = [ask(server, kind, *each) for each in members(kind)]
            self.assertEqual({answer.status for answer in answers}, {200})
            self.assertEqual([each["Name"] for each in server.get(f"{kind}/0/devicestate").value], ["TimeStamp"])
            self.assertEqual(server.get("focuser/9/position").error, 0)
        gc.collect()
        self.assertEqual([each for each in self.flushLoggedErrors() if not each.check(Chaos)], [])


class ShortFormTests(SynchronousTestCase):
    def test_raising(self) -> None:
        """The same over real connections, once: `python -m tests.chaos_drivers` does it in every way, and much more."""
        command = [sys.executable, "-m", "tests.chaos_drivers", "--short", "raising"]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([os.getcwd(), *filter(None, sys.path)])}
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)
        self.assertEqual((done.returncode, done.stdout.split("\n")[-2]), (0, "all kept"), done.stdout + done.stderr)


class WrongTypesTests(SynchronousTestCase):
    """What a driver gives that is not what it declared to give."""

    def test_each_member(self) -> None:
        """A driver's error that names the member, with a neutral value; or a list of what is declared, from something odd."""
        for kind in CLASSES:
            server = connected(kind, entry(kind))
            driver: Any = server.driver(kind)
            for number in range(len(WRONG)):
                for operation, arguments in members(kind):
                    if not operation.returns_value:
                        continue
                    what = f"{kind} {operation.method} gives {number}"
                    driver.misbehave(operation.method, f"gives {number}")
                    told = strictly(ask(server, kind, operation, arguments).body)
                    self.assertEqual(driver.asked, 1, what)
                    if told["ErrorNumber"]:
                        self.assertEqual(told["ErrorNumber"], 0x500, what)
                        if operation.returns is not Frame:
                            self.assertIn(operation.method, told["ErrorMessage"], what)
                        neutral = json.loads(refusal(operation, Ids(), 1, DriverError("")))["Value"]
                        self.assertEqual(repr(told["Value"]), repr(neutral), what)
                    else:
                        self.assertEqual((type(told["Value"]), get_origin(operation.returns)), (list, list), what)
        self.flushLoggedErrors()
