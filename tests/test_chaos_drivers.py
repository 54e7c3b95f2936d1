"""Drivers that misbehave in every member: clients get sentences, another device feels nothing, and nothing goes unhandled."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from decimal import Decimal
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from pylpaca.errors import DRIVER_NUMBERS
from pylpaca.health import Health
from pylpaca.interfaces import DEVICE_TYPES, Operation, device_type, operations
from pylpaca.protocol import example
from pylpaca.testing import MemoryServer
from pylpaca.values import CameraState, Frame

FRAMEWORKS = ("Connected", "SetConnected", "Connect", "Disconnect", "Connecting", "DeviceState")  # never asked of a driver


class Chaos(Exception):
    """What a driver raises that its author did not think of."""


def raises(self: Any, *arguments: Any, **named: Any) -> Any:
    raise Chaos("something nobody thought of")


async def raises_later(self: Any, *arguments: Any, **named: Any) -> Any:
    raise Chaos("something nobody thought of")


def exits(self: Any, *arguments: Any, **named: Any) -> Any:
    raise SystemExit(3)


def fails(self: Any, *arguments: Any, **named: Any) -> Any:
    failing: Deferred[None] = Deferred()
    self.clock.callLater(0, failing.errback, Chaos("something nobody thought of"))
    return failing


def served(kind: str, behaviour: Any) -> MemoryServer:
    """A server with a device of this type, connected, that behaves like this in each of its members from now on."""
    name = f"{device_type(DEVICE_TYPES[kind])}Simulator"
    entry = {"device_type": kind, "device_number": 0, "device_driver": f"simulators.{kind}.{name}"}
    focuser = {"device_type": "focuser", "device_number": 9, "device_driver": "FocuserSimulator"}
    server = MemoryServer({"drivers": [entry, focuser]})
    server.driver(kind).__dict__["waiting"] = []  # what `silent` leaves open
    for path in (f"{kind}/0", "focuser/9"):
        server.put(f"{path}/connected", Connected=True)
    driver = server.driver(kind)
    for method in operations(DEVICE_TYPES[kind]):
        if method not in FRAMEWORKS:
            setattr(driver, method, partial(behaviour, driver))
    return server


def every_call(kind: str) -> Iterator[tuple[Operation, dict[str, str]]]:
    """Each operation of a device type with arguments that can be read."""
    for operation in operations(DEVICE_TYPES[kind]).values():
        if operation.method not in FRAMEWORKS:
            body = example(operation).partition("?" if operation.verb == "GET" else "the body ")[2]
            yield operation, dict(each.split("=") for each in body.split("&")) if body else {}


class RaisingTests(SynchronousTestCase):
    """A driver that raises in each of its members, in each way there is, for all ten device types."""

    def check(self, kind: str, behaviour: Any) -> int:
        server = served(kind, behaviour)
        answered = 0
        for operation, arguments in every_call(kind):
            send = server.get if operation.verb == "GET" else server.put
            answer = send(f"{kind}/0/{operation.path}", **arguments)
            self.assertEqual(answer.status, 200, f"{operation.method} {answer.text}")
            if answer.error:  # the framework's own members answer; 0x400 is a capability that could not be asked
                self.assertNotEqual(answer.json["ErrorMessage"], "", operation.method)
                answered += answer.error in DRIVER_NUMBERS
        state = server.get(f"{kind}/0/devicestate")
        self.assertEqual((state.error, [each["Name"] for each in state.value]), (0, ["TimeStamp"]))
        self.assertEqual(server.get("focuser/9/position").error, 0)
        gc.collect()  # a Deferred whose failure nobody took would be logged now
        unhandled = [each for each in self.flushLoggedErrors() if not each.check(Chaos, RuntimeError)]
        self.assertEqual(unhandled, [])
        return answered

    def test_every_member(self) -> None:
        """Each is answered with HTTP 200 and a driver's number; the log has each failure, and nothing that nobody handled."""
        for behaviour in (raises, raises_later, exits, fails):
            answered = sum(self.check(kind, behaviour) for kind in DEVICE_TYPES)
            self.assertGreater(answered, 200, behaviour.__name__)


class Unprintable:
    def __repr__(self) -> str:
        raise Chaos("even this")


def gives(value: Any, *arguments: Any, **named: Any) -> Any:
    return value


class WrongTypesTests(SynchronousTestCase):
    """What a driver gives that is not what it declared to give."""

    WRONG = (
        None,
        float("nan"),
        float("-inf"),
        10**400,
        b"bytes",
        Decimal("1.5"),
        1j,
        object(),
        Unprintable(),
        {"a": 1},
        [None],
        [[1], "a"],
        {1, 2},
        (each for each in "ab"),
        CameraState,
    )

    def test_every_member(self) -> None:
        """A clear error that names the member, and never JSON that cannot be read; or a value that is what the member says."""
        for kind, interface in DEVICE_TYPES.items():
            for wrong in self.WRONG:
                server = served(kind, partial(gives, wrong))
                for operation in operations(interface).values():
                    if operation.verb != "GET" or operation.rules or operation.parameters or operation.method in FRAMEWORKS:
                        continue
                    answer = server.get(f"{kind}/0/{operation.path}")
                    self.assertEqual(answer.status, 200, operation.method)
                    if answer.error:
                        self.assertIn(answer.error, DRIVER_NUMBERS)
                        self.assertIn(operation.method, answer.json["ErrorMessage"])
                    elif operation.returns is not Frame:
                        self.assertIsNot(answer.value, None, operation.method)
        self.flushLoggedErrors()


class SilentTests(SynchronousTestCase):
    """A device that has stopped answering."""

    def setUp(self) -> None:
        self.server = served("dome", silent)
        self.clock = self.server.clock
        self.driver: Any = self.server.driver("dome")

    def begin(self, member: str, verb: str = "GET") -> Any:
        return self.server.begin(verb, f"dome/0/{member}")

    def test_told_at_once(self) -> None:
        """Who asks for what was not answered in time is told so at once, for ten seconds; what was not asked is asked."""
        first = self.begin("azimuth")
        self.clock.advance(4)
        self.assertEqual(first.answer().error, 0x500)
        again = self.server.get("dome/0/azimuth")
        self.assertEqual(again.error, 0x500)
        self.assertIn("dome 0 is not answering: Azimuth was asked 4 s ago".lower(), again.json["ErrorMessage"].lower())
        self.assertIsNone(self.begin("athome").answer())
        self.assertEqual(len(self.driver.waiting), 2)

    def test_asked_again(self) -> None:
        """It is asked again from time to time; when it answers, everything is as it was."""
        self.begin("azimuth")
        with capturedLogs() as logs:
            self.clock.pump([4, 7])
            probe = self.begin("azimuth")
            self.assertIsNone(probe.answer())
            self.driver.waiting[-1].callback(90.0)
        self.assertEqual(probe.answer().value, 90.0)
        self.assertIsNone(self.begin("azimuth").answer())
        said = [each["log_format"] for each in logs if each.get("log_namespace") == "pylpaca.health"]
        self.assertEqual(said, ["{name} is not answering: {member}", "{name} answers again, after {seconds:.0f} s"])

    def test_late(self) -> None:
        """An answer that comes late shows that it answers again."""
        self.begin("azimuth")
        self.clock.advance(4)
        self.driver.waiting[0].callback(90.0)
        self.assertIsNone(self.begin("azimuth").answer())

    def test_bounded(self) -> None:
        """More calls than can be answered in time do not wait; a stop does, and what the framework knows is told."""
        for number in range(Health.MOST_WAITING):
            self.begin(("azimuth", "altitude", "athome", "atpark")[number % 4])
        refused = self.server.get("dome/0/slewing")
        self.assertEqual(refused.error, 0x500)
        self.assertIn("is busy: 32 calls wait for it", refused.json["ErrorMessage"])
        self.assertIsNone(self.begin("abortslew", "PUT").answer("PUT"))
        self.assertIs(self.server.get("dome/0/connected").value, True)
        self.assertEqual(self.server.get("focuser/9/position").error, 0)

    def test_new_link(self) -> None:
        """A new link is asked anew."""
        self.begin("azimuth")
        self.clock.advance(4)
        self.server.put("dome/0/connected", Connected=False)
        self.server.put("dome/0/connected", Connected=True)
        self.assertIsNone(self.begin("azimuth").answer())


def silent(driver: Any, *arguments: Any, **named: Any) -> Any:
    waiting: Deferred[Any] = Deferred()
    driver.waiting.append(waiting)
    return waiting
