"""The typed client: what it sends, what it makes of answers, what it says when there are none, and finding servers."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from datetime import UTC, datetime
from enum import IntEnum
from io import StringIO
from ipaddress import ip_address
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar, get_args, get_origin
from urllib.parse import parse_qsl

import ifaddr
from treq.client import HTTPClient
from twisted.internet import error
from twisted.internet.defer import Deferred, fail
from twisted.internet.task import Clock, deferLater
from twisted.internet.testing import MemoryReactorClock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase, TestCase
from twisted.web.client import ResponseNeverReceived
from twisted.web.iweb import IAgent
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Site
from zope.interface import implementer
from zope.interface.verify import verifyObject

from pylpaca import errors
from pylpaca.client import (
    BadAnswer,
    CallFailed,
    ConfiguredDevice,
    Description,
    Found,
    RequestRefused,
    Server,
    Unreachable,
    ask,
    connect,
    find,
    remote,
)
from pylpaca.client.finding import Way, answered_port, merged, ways_out
from pylpaca.client.remote import Session
from pylpaca.client.wire import read, refusal
from pylpaca.errors import AlpacaError, DriverError, InvalidOperation, InvalidValue, NotConnected, Unavailable
from pylpaca.frames import prepared
from pylpaca.interfaces import DEVICE_TYPES, IDome, IFocuser, ISafetyMonitor, ITelescope, Operation, Result, operations
from pylpaca.protocol import FORM, Ids, image, read_arguments, read_fields, read_ids, success, written
from pylpaca.protocol import refusal as refused
from pylpaca.testing import MemoryServer, memory_http
from pylpaca.values import AxisRate, DriveRate, ElementType, Frame, ShutterState, StateItem
from tests.server_process import ServerProcess
from tests.test_end_to_end import free_udp_port

T = TypeVar("T")

ROOT = Path(__file__).parent.parent
URL = "http://memory"
FIRST = "http://memory/api/v1/focuser/0"
NOON = datetime(2026, 1, 31, 12, 30, 15, 250000, tzinfo=UTC)
SIMULATED = {
    "dome": "simulators.dome.DomeSimulator",
    "focuser": "simulators.focuser.FocuserSimulator",
    "safetymonitor": "simulators.safetymonitor.SafetyMonitorSimulator",
}


def simulators() -> MemoryServer:
    return MemoryServer(
        {
            "drivers": [
                {"device_type": kind, "device_number": 0, "device_driver": driver, "unique_id": f"unique-id-of-{kind}"}
                for kind, driver in SIMULATED.items()
            ]
        }
    )


def sample(kind: Any) -> Any:
    """A value of a declared type that is easily garbled on its way."""
    samples: dict[Any, Any] = {
        bool: True,
        int: -7,
        float: 1.25e-05,
        str: "50% + 1 & a=ü;\n",
        datetime: NOON,
        Frame: prepared([[1, 2], [3, 4], [5, 6]]),
        AxisRate: AxisRate(Maximum=4.0, Minimum=0.5),
        StateItem: StateItem("IsMoving", True),
    }
    if get_origin(kind) is list:
        return [sample(get_args(kind)[0])] * 2
    if issubclass(kind, IntEnum):
        return list(kind)[-1]
    return samples[kind]


class Double(Resource):
    """A server that answers as it is told, and remembers every request as the real one reads it."""

    isLeaf = True

    def __init__(self, answer: Callable[[Any], Any]) -> None:
        super().__init__()
        self._answer = answer
        self.requests: list[SimpleNamespace] = []
        self.connections = 0
        self.clock = Clock()
        self.site = Site(self, reactor=self.clock, timeout=None)
        self.site.displayTracebacks = False
        self.http = memory_http(self, self.clock)
        self.alpaca = Server(URL, self.http, self.clock)

    def buildProtocol(self, address: Any) -> Any:
        self.connections += 1
        return self.site.buildProtocol(address)

    def render(self, request: Any) -> Any:
        verb, query, body = request.method.decode(), request.uri.partition(b"?")[2], request.content.read()
        fields = read_fields(verb, query, body, request.getHeader("content-type") or "")
        seen = SimpleNamespace(
            verb=verb,
            path=request.path.decode(),
            fields=fields,
            names=[name for name, _ in parse_qsl((query if verb == "GET" else body).decode(), keep_blank_values=True)],
            ids=read_ids(verb, fields),
            content_type=request.getHeader("content-type"),
            http=request,
        )
        self.requests.append(seen)
        return self._answer(seen)


def answer(value: Any = None, **keys: Any) -> Callable[[Any], bytes]:
    """Answers with this Value, and with other keys than it should."""

    def say(seen: Any) -> bytes:
        said = {"Value": value, "ClientTransactionID": seen.ids.transaction, "ServerTransactionID": 1}
        said |= {"ErrorNumber": 0, "ErrorMessage": ""} | keys
        return json.dumps({name: each for name, each in said.items() if each is not ...}).encode()

    return say


def got(tests: SynchronousTestCase, result: Result[T]) -> T:
    """What a member answers without time having to pass."""
    found: T = tests.successResultOf(Deferred.fromCoroutine(ask(result)))
    return found


def with_status(status: int, body: bytes) -> Callable[[Any], bytes]:
    def say(seen: Any) -> bytes:
        seen.http.setResponseCode(status)
        return body

    return say


def well(operation: Operation, ids: Ids, value: Any) -> bytes:
    """The JSON of an operation that went well."""
    if operation.returns is Frame:
        return b"".join(image(ids, 1, value, in_bytes=False).pieces)
    return success(operation, ids, 1, written(operation, value))


class EveryOperationTests(SynchronousTestCase):
    """Generated: one test for every operation of every device type."""

    def check(self, kind: str, operation: Operation) -> None:
        """What the client sends the server reads, what the server answers the client reads, and a refusal is raised."""
        value: Any = None if operation.returns is None else sample(operation.returns)
        if operation.form is not None and operation.returns is str:
            value = "2026-01-31T12:30:15.250"  # the only texts that have a form are times
        arguments = {each.name: sample(each.kind) for each in operation.parameters}
        double = Double(lambda seen: well(operation, seen.ids, value))
        device = double.alpaca.device(DEVICE_TYPES[kind], 3)
        found = self.successResultOf(getattr(device, operation.method)(*arguments.values()))
        if operation.returns is Frame:
            self.assertEqual((found.pixels.tolist(), found.kind), ([[1, 3, 5], [2, 4, 6]], ElementType.Int32))
        else:
            self.assertEqual((type(found), found), (type(value), value))

        (seen,) = double.requests
        self.assertEqual((seen.verb, seen.path), (operation.verb, f"/api/v1/{kind}/3/{operation.path}"))
        self.assertEqual(sorted(seen.names), sorted([*arguments, "ClientID", "ClientTransactionID"]))
        self.assertEqual(seen.content_type, FORM if operation.verb == "PUT" else None)
        parsed = read_arguments(operation, seen.fields)
        parsed |= {name: datetime.fromisoformat(parsed[name]) for name in parsed if arguments[name] is NOON}
        self.assertEqual(parsed, arguments)
        self.assertEqual(double.alpaca._session.client_id, seen.ids.client)

        double = Double(lambda seen: refused(operation, seen.ids, 1, InvalidOperation("not now: Prüfung")))
        call = getattr(double.alpaca.device(DEVICE_TYPES[kind]), operation.method)
        no = self.failureResultOf(call(**arguments), InvalidOperation).value
        self.assertEqual((type(no), no.number, no.sentence), (InvalidOperation, 0x40B, "not now: Prüfung"))


class SimulatorTests(SynchronousTestCase):
    """Generated: every operation of the simulators answers the client as it answers plain HTTP."""

    def check(self, kind: str, operation: Operation) -> None:
        """The same outcome over the client and over plain HTTP."""
        plain, typed = simulators(), simulators()
        plain.put(f"{kind}/0/connected", Connected=True)
        device = Server(URL, typed.http(), typed.clock).device(DEVICE_TYPES[kind])
        self.successResultOf(device.SetConnected(True))
        values = {bool: True, int: 7, float: 7.5, str: "SimulateUnsafe"}
        arguments = {each.name: values[each.kind] for each in operation.parameters}
        path = f"{kind}/0/{operation.path}"
        expected = (plain.get if operation.verb == "GET" else plain.put)(path, **arguments).json
        call = getattr(device, operation.method)(**arguments)
        if expected["ErrorNumber"]:
            no = self.failureResultOf(call, AlpacaError).value
            self.assertEqual((no.number, no.sentence), (expected["ErrorNumber"], expected["ErrorMessage"]))
        else:
            value = None if operation.returns is None else read(operation.returns, expected.get("Value"))
            self.assertEqual(self.successResultOf(call), value)


def generate(tests: Any, kinds: Any) -> None:
    for kind in kinds:
        for operation in operations(DEVICE_TYPES[kind]).values():

            def test(self: Any, kind: str = kind, operation: Operation = operation) -> None:
                self.check(kind, operation)

            test.__doc__ = f"{tests.check.__doc__} {operation.method} of a {kind}."
            setattr(tests, f"test_{kind}_{operation.method}", test)


generate(EveryOperationTests, DEVICE_TYPES)
generate(SimulatorTests, SIMULATED)


class SessionTests(SynchronousTestCase):
    """A script against a whole server in memory."""

    def setUp(self) -> None:
        self.memory = simulators()
        self.server = Server(URL, self.memory.http(), self.memory.clock)
        self.focuser = self.server.device(IFocuser)

    def test_typed(self) -> None:
        """A script keeps the types of the declarations, also for the type checker."""

        async def script() -> None:
            await ask(self.focuser.SetConnected(True))
            position: int = await ask(self.focuser.Position())
            self.assertEqual(position, 25000)
            await ask(self.focuser.Move(26000))
            moving: bool = await ask(self.focuser.IsMoving())
            self.assertIs(moving, True)
            dome = self.server.device(IDome)
            await ask(dome.SetConnected(True))
            status: ShutterState = await ask(dome.ShutterStatus())
            self.assertIs(status, ShutterState.Closed)
            with self.assertRaises(TypeError):
                self.focuser.Move("3")  # type: ignore[arg-type]  # that this is an error is what is tested
            with self.assertRaises(AttributeError):
                self.focuser.Moov(3)  # type: ignore[attr-defined]

        self.successResultOf(Deferred.fromCoroutine(script()))

    def test_management(self) -> None:
        """What the server is, and its devices, typed."""
        self.assertEqual(self.successResultOf(self.server.description()).Manufacturer, "pylpaca")
        devices = self.successResultOf(self.server.devices())
        self.assertEqual(devices[1], ConfiguredDevice("Focuser 0", "Focuser", 0, "unique-id-of-focuser"))
        self.assertEqual([each.DeviceType for each in devices], ["Dome", "Focuser", "SafetyMonitor"])

    def test_refused_by_the_device(self) -> None:
        """A refusal is the exception that the driver's side raised."""
        no = self.failureResultOf(self.focuser.Position(), NotConnected).value
        self.assertEqual((no.number, no.sentence), (0x407, "Focuser 0 is not connected; connect it first"))

    def test_refused_by_the_server(self) -> None:
        """A device that is not there: HTTP 400, with the server's sentence."""
        no = self.failureResultOf(self.server.device(IFocuser, 7).Position(), RequestRefused).value
        self.assertEqual(no.status, 400)
        self.assertIn("there is no focuser 7; of this type the server has: focuser 0", str(no))

    def test_an_answer_that_takes_time(self) -> None:
        """An answer is there as soon as the clock has let it pass."""
        got(self, self.focuser.SetConnected(True))
        driver: Any = self.memory.driver("focuser")
        driver.Position = lambda: deferLater(self.memory.clock, 2.0, lambda: 77)
        waiting: Any = self.focuser.Position()
        self.memory.clock.advance(1.9)
        self.assertNoResult(waiting)
        self.memory.clock.advance(0.1)
        self.assertEqual(self.successResultOf(waiting), 77)

    def test_the_server_is_heard(self) -> None:
        """The server's own "no answer in time" comes before the client gives up."""
        got(self, self.focuser.SetConnected(True))
        driver: Any = self.memory.driver("focuser")
        driver.Position = Deferred
        waiting: Any = self.focuser.Position()
        self.memory.clock.pump([1.0] * 6)
        self.assertIn("in 4 s", self.failureResultOf(waiting, DriverError).value.sentence)

    def test_link_is_held_by_one_client(self) -> None:
        """Devices of one server object are one client: what one connected, another object does not disconnect."""
        got(self, self.focuser.SetConnected(True))
        other = Server(URL, self.memory.http(), self.memory.clock).device(IFocuser)
        got(self, other.SetConnected(True))
        got(self, other.SetConnected(False))
        self.assertIs(got(self, self.focuser.Connected()), True)
        got(self, self.server.device(IFocuser).SetConnected(False))
        self.assertIs(got(self, self.focuser.Connected()), False)


class CallTests(SynchronousTestCase):
    def test_is_the_interface(self) -> None:
        """A remote device provides its interface, as a driver does."""
        device = remote(IFocuser, Double(answer()).http, FIRST, Clock())
        self.assertTrue(IFocuser.providedBy(device))
        self.assertTrue(verifyObject(IFocuser, device))
        self.assertEqual(repr(device), f"<{FIRST}>")

    def test_ids(self) -> None:
        """One ClientID, never 0, for all devices of a server object; transactions count from 1."""
        double = Double(answer(True))
        for device in (double.alpaca.device(IFocuser), double.alpaca.device(IFocuser, 1)):
            got(self, device.IsMoving())
            got(self, device.Halt())
        self.assertEqual([each.ids.transaction for each in double.requests], [1, 2, 3, 4])
        self.assertEqual({each.ids.client for each in double.requests}, {double.alpaca._session.client_id})
        ids = {Session(double.http, double.clock).client_id for _ in range(100)}
        self.assertTrue(all(0 < each < 1 << 31 for each in ids))
        self.assertGreater(len(ids), 90)

    def test_spelling(self) -> None:
        """Booleans as True and False, the shortest digits of a float, an enumeration as its number."""
        double = Double(answer(True))
        telescope = double.alpaca.device(ITelescope)
        got(self, telescope.SetTracking(False))
        got(self, telescope.SlewToAltAzAsync(Altitude=0.1, Azimuth=300))
        got(self, telescope.SetTrackingRate(DriveRate.Solar))
        self.assertEqual(double.requests[0].fields["Tracking"], "False")
        self.assertEqual((double.requests[1].fields["Azimuth"], double.requests[1].fields["Altitude"]), ("300.0", "0.1"))
        self.assertEqual(double.requests[2].fields["TrackingRate"], "2")

    def test_wrong_arguments(self) -> None:
        """What cannot be sent is an error of the script, at once, and nothing is sent."""
        double = Double(answer())
        dome: Any = double.alpaca.device(IDome)
        self.assertRaisesRegex(TypeError, "Azimuth of SlewToAzimuth must be a number, not '3'", dome.SlewToAzimuth, "3")
        self.assertRaisesRegex(TypeError, "missing a required argument: 'Azimuth'", dome.SlewToAzimuth)
        self.assertRaisesRegex(TypeError, "too many positional arguments", dome.AbortSlew, 1)
        self.assertRaisesRegex(ValueError, "must be a number, not nan", dome.SlewToAzimuth, float("nan"))
        self.assertRaises(AttributeError, getattr, dome, "SlewToAzimut")
        self.assertEqual(double.requests, [])

    def test_one_connection(self) -> None:
        """Calls one after the other share a connection."""
        double = Double(answer(1))
        for _ in range(5):
            got(self, double.alpaca.device(IFocuser).Position())
        self.assertEqual(double.connections, 1)

    def test_found_by_ask(self) -> None:
        """`ask` takes a value, a Deferred or a coroutine."""

        async def coroutine() -> int:
            return 7

        for answered in (7, deferLater(Clock(), 0, lambda: 7), coroutine()):
            if isinstance(answered, Deferred):
                answered.callback(7)
            self.assertEqual(self.successResultOf(Deferred.fromCoroutine(ask(answered))), 7)


class AnswerTests(SynchronousTestCase):
    def position(self, said: Callable[[Any], Any]) -> Any:
        return Double(said).alpaca.device(IFocuser).Position()

    def test_errors_by_number(self) -> None:
        """Every declared number is its own class again, with the number and the sentence of the device."""
        declared = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, AlpacaError)]
        for kind in declared:
            if kind is Unavailable:
                continue  # to clients it is a DriverError like any other
            said = answer(0, ErrorNumber=kind.number, ErrorMessage="why not")
            found = self.failureResultOf(self.position(said), kind).value
            self.assertEqual((type(found), found.number, found.sentence), (kind, kind.number, "why not"))

    def test_other_numbers(self) -> None:
        """A driver's number is a DriverError with it, any other an AlpacaError with it."""
        for number, kind in (
            (0x5A3, DriverError),
            (0xFFF, DriverError),
            (0x1000, AlpacaError),
            (0x4A0, AlpacaError),
            (-1, AlpacaError),
        ):
            found = refusal(number, "why")
            self.assertEqual((type(found), found.number, str(found)), (kind, number, "why"))
        self.assertEqual(AlpacaError.number, 0x4FF)

    def test_no_sentence(self) -> None:
        """An error without a message has a sentence all the same."""
        found = self.failureResultOf(self.position(answer(0, ErrorNumber=0x401, ErrorMessage=None)), InvalidValue).value
        self.assertEqual(found.sentence, "InvalidValue (0x401)")

    def test_not_alpaca(self) -> None:
        """What is no Alpaca answer is told so, with its beginning."""
        for body in (b"<html>a router</html>", b"[]", b"\xff", b"", b"{}", b'{"ErrorNumber":null}', b'{"ErrorNumber":true}'):
            found = self.failureResultOf(self.position(with_status(200, body)), BadAnswer).value
            self.assertIn(f"the answer to GET {FIRST}/position cannot be used: it is no Alpaca answer: {body!r}", str(found))

    def test_wrong_type(self) -> None:
        """A Value of another type than the declared one is told so."""
        for value in (None, "5", 5.5, True, [5]):
            found = self.failureResultOf(self.position(answer(value)), BadAnswer).value
            self.assertIn(f"{json.dumps(value)} where int belongs", str(found))
        self.failureResultOf(self.position(answer(...)), BadAnswer)

    def test_of_another_transaction(self) -> None:
        """An answer to another request is not believed; firmware that keeps no transaction ids is."""
        found = self.failureResultOf(self.position(answer(5, ClientTransactionID=99)), BadAnswer).value
        self.assertIn("it answers transaction 99, not 1", str(found))
        self.assertEqual(self.successResultOf(self.position(answer(5, ClientTransactionID=0))), 5)
        self.assertEqual(self.successResultOf(self.position(answer(5, ClientTransactionID=...))), 5)

    def test_http_errors(self) -> None:
        """A status that is no success carries what the server said; a redirection is not followed."""
        for status, body, sentence in (
            (400, b"Position must be a whole number\n", "Position must be a whole number (HTTP 400, GET "),
            (404, b"", "Not Found (HTTP 404, GET "),
            (500, b"\xff it broke", "\ufffd it broke (HTTP 500, GET "),
            (302, b"elsewhere", "elsewhere (HTTP 302, GET "),
        ):
            found = self.failureResultOf(self.position(with_status(status, body)), RequestRefused).value
            self.assertEqual(found.status, status)
            self.assertEqual(str(found), f"{sentence}{FIRST}/position)")

    def test_times(self) -> None:
        """Times of every spelling are aware and UTC."""
        for text in ("2026-01-31T12:30:15.25Z", "2026-01-31T12:30:15.2500000", "2026-01-31T14:30:15.25+02:00"):
            self.assertEqual(read(datetime, text), NOON)
            self.assertIs(read(datetime, text).tzinfo, UTC)

    def test_values(self) -> None:
        """A whole number may stand for a float; what is of no use is refused."""
        found = read(float, 3)
        self.assertEqual((type(found), found), (float, 3.0))
        for kind, value in (
            (float, True),
            (float, "1"),
            (bool, 1),
            (str, None),
            (DriveRate, 9),
            (DriveRate, True),
            (list[str], "ab"),
            (list[int], [1, "2"]),
            (AxisRate, {"Maximum": 1.0}),
            (StateItem, {"Name": "X", "Value": None}),
            (datetime, "yesterday"),
            (Frame, 1),
            (Frame, [1, 2]),
            (Frame, [[1, 2], [3]]),
            (Frame, [["a"]]),
        ):
            self.assertRaises(ValueError, read, kind, value)


@implementer(IAgent)
class FailingAgent:
    """An agent whose requests end like this."""

    def __init__(self, outcome: Callable[[], Deferred[Any]]) -> None:
        self._outcome = outcome

    def request(self, method: Any, uri: Any, headers: Any = None, bodyProducer: Any = None) -> Deferred[Any]:
        return self._outcome()


class NoAnswerTests(SynchronousTestCase):
    def unreachable(self, reason: Exception) -> str:
        http = HTTPClient(FailingAgent(lambda: fail(reason)))
        device = remote(IFocuser, http, "http://192.0.2.5:11111/api/v1/focuser/0", Clock())
        return str(self.failureResultOf(device.Position(), Unreachable).value)

    def test_sentences(self) -> None:
        """Each way not to get there says which host, and what to do."""
        refused = self.unreachable(error.ConnectionRefusedError())
        self.assertEqual(refused, "192.0.2.5:11111: nothing listens there; is the server running, and is this its port?")
        self.assertIn("there is no host of this name", self.unreachable(error.DNSLookupError("x")))
        self.assertIn("is it switched on, and in this network?", self.unreachable(error.NoRouteError()))
        lost = self.unreachable(ResponseNeverReceived([Failure(error.ConnectionLost())]))
        self.assertIn("192.0.2.5:11111: the connection ended before the answer was there (Connection to the other side", lost)

    def test_bug(self) -> None:
        """A fault of the program stays what it is."""
        device = remote(IFocuser, HTTPClient(FailingAgent(lambda: fail(ZeroDivisionError()))), FIRST, Clock())
        self.failureResultOf(device.Position(), ZeroDivisionError)

    def test_silence(self) -> None:
        """Five seconds for an ordinary member, longer for one that is declared to take longer, and never for ever."""
        for call, seconds in (
            (lambda server: server.device(IFocuser).Position(), 5.0),
            (lambda server: server.device(IFocuser).Move(5), 5.0),
            (lambda server: server.device(IFocuser).SetConnected(True), 5.5),
            (lambda server: server.device(ITelescope).SlewToTarget(), 91.0),
            (lambda server: Deferred.fromCoroutine(server.devices()), 5.0),
        ):
            double = Double(lambda seen: NOT_DONE_YET)
            waiting = call(double.alpaca)
            double.clock.advance(seconds - 0.01)
            self.assertNoResult(waiting)
            double.clock.advance(0.01)
            found = self.failureResultOf(waiting, Unreachable).value
            self.assertIn(f"memory: no answer in {seconds:g} s", str(found))
            self.assertIsInstance(found, CallFailed)

    def test_unknown_outcome(self) -> None:
        """After a command without an answer it is said that it may have been carried out."""
        double = Double(lambda seen: NOT_DONE_YET)
        waiting = double.alpaca.device(IFocuser).Halt()
        double.clock.advance(5)
        self.assertIn("whether the command was carried out is not known", str(self.failureResultOf(waiting).value))

    def test_more_patience(self) -> None:
        """A user can wait longer for servers that take longer."""
        double = Double(lambda seen: NOT_DONE_YET)
        waiting = Server(URL, double.http, double.clock, patience=20.0).device(IFocuser).Position()
        double.clock.advance(23.9)
        self.assertNoResult(waiting)
        double.clock.advance(0.1)
        self.failureResultOf(waiting, Unreachable)

    def test_never_connected(self) -> None:
        """Whoever does not even take the connection is given up, too."""
        clock = Clock()
        waiting = remote(IFocuser, HTTPClient(FailingAgent(Deferred)), FIRST, clock).Position()
        clock.advance(5)
        self.failureResultOf(waiting, Unreachable)

    def test_long_answer(self) -> None:
        """An answer that keeps arriving is waited for; one that stops is not."""
        double = Double(lambda seen: NOT_DONE_YET)
        fetched, stalled = (double.alpaca.device(DEVICE_TYPES["camera"]).ImageArray() for _ in range(2))
        body = answer([list(range(100))])(double.requests[0])
        for start in range(0, len(body), 100):
            double.clock.advance(4.9)
            for seen in double.requests if start == 0 else double.requests[:1]:
                seen.http.write(body[start : start + 100])
        double.requests[0].http.finish()
        double.clock.advance(0)
        self.assertEqual(self.successResultOf(fetched).pixels.tolist(), [list(range(100))])
        self.failureResultOf(stalled, Unreachable)

    def test_cancelled(self) -> None:
        """Whoever cancels a call is told so at once, and the connection is closed."""
        double = Double(lambda seen: NOT_DONE_YET)
        waiting: Any = double.alpaca.device(IFocuser).Position()
        gone = double.requests[0].http.notifyFinish()
        waiting.cancel()
        self.failureResultOf(waiting, Unreachable)
        double.clock.advance(0)
        self.failureResultOf(gone)
        self.assertEqual(double.clock.getDelayedCalls(), [])

    def test_closed(self) -> None:
        """Closing a server object ends every call, and leaves nothing waiting."""
        double = Double(lambda seen: NOT_DONE_YET)
        waiting = [double.alpaca.device(IFocuser).Position() for _ in range(3)]
        self.successResultOf(double.alpaca.close())
        for each in waiting:
            self.failureResultOf(each, Unreachable)
        double.clock.advance(0)
        self.assertEqual(double.clock.getDelayedCalls(), [])


class AddressTests(SynchronousTestCase):
    def test_spellings(self) -> None:
        """However a person writes an address."""
        for address, url in (
            ("192.0.2.5", "http://192.0.2.5:11111"),
            ("192.0.2.5:80", "http://192.0.2.5:80"),
            ("obs.local:32323", "http://obs.local:32323"),
            ("http://obs.local", "http://obs.local:11111"),
            ("https://obs.example/alpaca/", "https://obs.example:443/alpaca"),
            ("fd00::5", "http://[fd00::5]:11111"),
            ("[fd00::5]:80", "http://[fd00::5]:80"),
            ("fe80::5%eth0", "http://[fe80::5]:11111"),
            ("[fe80::5%2]:80", "http://[fe80::5]:80"),
        ):
            self.assertEqual(connect(address, Clock()).url, url, address)

    def test_none(self) -> None:
        """What is no address is refused at once, with an example."""
        for address in ("", "http://", "ftp://obs.local", "obs.local:port", "obs.local:99999", "[fd00::5"):
            with self.assertRaisesRegex(ValueError, r"is no address such as 192\.168\.1\.5:11111"):
                connect(address, Clock())

    def test_ipv6(self) -> None:
        """An IPv6 address in a URL goes out as it is, with a query that is still encoded."""
        double = Double(answer("a hair"))
        weather = remote(DEVICE_TYPES["observingconditions"], double.http, "http://[fd00::5]:11111/api/v1/x/0", double.clock)
        self.assertEqual(got(self, weather.SensorDescription("a+b &c")), "a hair")
        (seen,) = double.requests
        self.assertEqual(seen.http.getHeader("host"), "[fd00::5]:11111")
        self.assertEqual(seen.fields["sensorname"], "a+b &c")

    def test_zone(self) -> None:
        """A link-local address is connected to with its zone."""
        reactor = MemoryReactorClock()
        waiting: Any = connect("[fe80::5%2]:80", reactor).device(IFocuser).Position()
        ((host, port, *_),) = reactor.tcpClients
        self.assertEqual((host, port), ("fe80::5%2", 80))
        reactor.advance(5)
        self.failureResultOf(waiting, Unreachable)


class FakePort:
    """A socket, and its own handle."""

    def __init__(self, network: FakeNetwork, protocol: Any) -> None:
        self._network, self._protocol = network, protocol
        self.broadcast, self.zone = False, 0

    def setBroadcastAllowed(self, allowed: bool) -> None:
        self.broadcast = allowed

    def getHandle(self) -> FakePort:
        return self

    def setsockopt(self, level: int, option: int, value: bytes) -> None:
        (self.zone,) = struct.unpack("@I", value)
        if self.zone == 9:
            raise OSError(99, "Cannot assign requested address")

    def write(self, data: bytes, address: tuple[str, int]) -> None:
        host = f"{address[0]}%{self.zone}" if self.zone else address[0]
        if self.zone == 1 or (host.endswith(".255") and not self.broadcast):
            raise OSError(101, "Network is unreachable")
        self._network.asked.append((data, host, address[1]))
        for answer, source in self._network.answers.get(host, []):
            self._network.callLater(0.1, self._protocol.datagramReceived, answer, (source, 32227))

    def stopListening(self) -> None:
        self._network.open.discard(self)


class FakeNetwork(Clock):
    """A reactor whose datagrams are answered from a table: target -> answers, each with the address of its sender."""

    def __init__(self, answers: dict[str, list[tuple[bytes, str]]], families: Sequence[str] = ("0.0.0.0", "::")) -> None:
        super().__init__()
        self.answers, self._families = answers, families
        self.asked: list[tuple[bytes, str, int]] = []
        self.open: set[FakePort] = set()

    def listenUDP(self, port: int, protocol: Any, interface: str = "") -> FakePort:
        if interface not in self._families:
            raise error.CannotListenError(interface, port, OSError(97, "Address family not supported by protocol"))
        fake = FakePort(self, protocol)
        self.open.add(fake)
        protocol.transport = fake
        return fake


class AnsweredPortTests(SynchronousTestCase):
    def test_answers(self) -> None:
        """The port of an answer, whatever else is in it."""
        for datagram in (b'{"AlpacaPort":11111}', b' {"AlpacaPort": 11111, "Name": "x"}\r\n'):
            self.assertEqual(answered_port(datagram), 11111)

    def test_malformed(self) -> None:
        """Anything else is ignored."""
        for datagram in (
            b"",
            b"alpacadiscovery1",
            b"\xff\xfe",
            b"[]",
            b"11111",
            b"{}",
            b'{"AlpacaPort":"11111"}',
            b'{"AlpacaPort":true}',
            b'{"AlpacaPort":0}',
            b'{"AlpacaPort":65536}',
            b'{"AlpacaPort":1.5}',
            b"[" * 60000,
        ):
            self.assertIsNone(answered_port(datagram), datagram[:30])


def ip(address: str, prefix: int) -> Any:
    if ip_address(address).version == 6:
        return SimpleNamespace(ip=(address, 0, 0), network_prefix=prefix, is_IPv4=False, is_IPv6=True)
    return SimpleNamespace(ip=address, network_prefix=prefix, is_IPv4=True, is_IPv6=False)


class WaysTests(SynchronousTestCase):
    def test_every_interface(self) -> None:
        """The broadcast address of every IPv4 network and of this machine, and the group on every IPv6 interface."""
        adapters = [
            SimpleNamespace(index=1, ips=[ip("127.0.0.1", 8), ip("::1", 128)]),
            SimpleNamespace(index=4, ips=[ip("192.0.2.77", 26), ip("fd00::2", 64), ip("fe80::2", 64)]),
            SimpleNamespace(index=5, ips=[ip("198.51.100.3", 32), ip("203.0.113.9", 24)]),
        ]
        self.assertEqual(
            ways_out(adapters),
            [
                Way("0.0.0.0", ("127.255.255.255", "192.0.2.127", "203.0.113.255", "127.0.0.1")),
                Way("::", ("ff12::a1:9aca",), zone=1),
                Way("::", ("ff12::a1:9aca",), zone=4),
            ],
        )


class FindTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.here, self.there = simulators(), MemoryServer({"server": {"name": "there"}, "drivers": []})
        self.opened: list[str] = []

    def server_at(self, address: str) -> Server:
        self.opened.append(address)
        if address.endswith(":9"):
            return Server(URL, HTTPClient(FailingAgent(lambda: fail(error.ConnectionRefusedError()))), Clock())
        memory = self.there if address.endswith(":8080") else self.here
        return Server(URL, memory.http(), memory.clock)

    def found(self, network: FakeNetwork, **more: Any) -> list[Found]:
        waiting = Deferred.fromCoroutine(find(network, server_at=self.server_at, **more))
        network.pump([0.125] * 15)
        self.assertNoResult(waiting)
        network.advance(0.125)
        self.assertEqual(network.open, set())
        return self.successResultOf(waiting)

    def test_several_servers(self) -> None:
        """Two servers on three addresses and families, one silent, one talking nonsense: each once, asked twice."""
        ours, others = b'{"AlpacaPort":11111}', b'{"AlpacaPort":8080}'
        network = FakeNetwork(
            {
                "192.0.2.255": [(ours, "192.0.2.5"), (b"nonsense", "192.0.2.6"), (others, "192.0.2.9"), (b"{}", "192.0.2.5")],
                "127.255.255.255": [(ours, "127.0.0.1")],
                "127.0.0.1": [(ours, "127.0.0.1")],
                "ff12::a1:9aca%4": [(ours, "fe80::5"), (ours, "fd00::5")],
                "ff12::a1:9aca%9": [(ours, "fe80::6")],
            }
        )
        adapters = [
            SimpleNamespace(index=4, ips=[ip("192.0.2.77", 24), ip("fe80::2", 64)]),
            SimpleNamespace(index=9, ips=[ip("fe80::3", 64)]),
            SimpleNamespace(index=1, ips=[ip("127.0.0.1", 8), ip("::1", 128)]),
        ]
        self.patch(ifaddr, "get_adapters", lambda: adapters)
        first, second = self.found(network)
        self.assertEqual(first.address, "192.0.2.5:11111")
        self.assertEqual(first.addresses, ("192.0.2.5:11111", "[fd00::5]:11111", "127.0.0.1:11111", "[fe80::5%4]:11111"))
        self.assertEqual([each.UniqueID for each in first.devices], [f"unique-id-of-{kind}" for kind in SIMULATED])
        self.assertEqual((second.address, second.description.ServerName, second.devices), ("192.0.2.9:8080", "there", ()))
        self.assertEqual(network.asked.count((b"alpacadiscovery1", "192.0.2.255", 32227)), 2)
        self.assertEqual(len(self.opened), 5)

    def test_targets(self) -> None:
        """Only those are asked that are named, on the port that is named."""
        network = FakeNetwork({"198.51.100.7": [(b'{"AlpacaPort":11111}', "198.51.100.7")]})
        (server,) = self.found(network, targets=["198.51.100.7", "fd00::7"], port=4000)
        self.assertEqual(server.address, "198.51.100.7:11111")
        self.assertEqual({each[1:] for each in network.asked}, {("198.51.100.7", 4000), ("fd00::7", 4000)})

    def test_one_family(self) -> None:
        """A machine without IPv6 asks the rest."""
        network = FakeNetwork({"198.51.100.7": [(b'{"AlpacaPort":11111}', "198.51.100.7")]}, families=["0.0.0.0"])
        self.assertEqual(len(self.found(network, targets=["fd00::7", "198.51.100.7"])), 1)

    def test_nobody(self) -> None:
        """No answer is an empty list."""
        self.assertEqual(self.found(FakeNetwork({}), targets=["198.51.100.7"]), [])

    def test_not_served(self) -> None:
        """Whoever answers discovery but not HTTP is left out, and hinders nobody."""
        answers = [(b'{"AlpacaPort":9}', "198.51.100.7"), (b'{"AlpacaPort":11111}', "198.51.100.7")]
        (server,) = self.found(FakeNetwork({"198.51.100.7": answers}), targets=["198.51.100.7"])
        self.assertEqual(server.addresses, ("198.51.100.7:11111",))

    def test_without_devices(self) -> None:
        """Servers without devices are told apart by what they say of themselves and by their port."""

        def empty(address: str, name: str) -> Found:
            return Found(address, (address,), Description(name, "", "", ""), ())

        seen = [empty("192.0.2.5:1", "a"), empty("127.0.0.1:1", "a"), empty("192.0.2.5:2", "a"), empty("192.0.2.5:3", "b")]
        self.assertEqual([each.address for each in merged(seen)], ["192.0.2.5:1", "192.0.2.5:2", "192.0.2.5:3"])
        self.assertEqual(merged(seen)[0].addresses, ("192.0.2.5:1", "127.0.0.1:1"))


class PageTests(TestCase):
    """docs/client.md, executed."""

    def setUp(self) -> None:
        page = (ROOT / "docs/client.md").read_text()
        self.script, self.memory = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)

    def executed(self, text: str) -> dict[str, Any]:
        names: dict[str, Any] = {"__name__": "client_page"}
        exec(compile(text, "docs/client.md", "exec"), names)
        return names

    def test_memory(self) -> None:
        """The server in memory answers the client."""
        monitor = self.executed(self.memory)["monitor"]
        self.assertTrue(ISafetyMonitor.providedBy(monitor))
        self.assertEqual(self.successResultOf(monitor.Name()), "SafetyMonitor 0")

    async def test_script(self) -> None:
        """The script finds a real server, moves its focuser, is refused by its dome, and leaves no connection open."""
        from twisted.internet import reactor

        folder = Path(self.mktemp())
        folder.mkdir()
        drivers = [{"device_type": kind, "device_number": 0, "device_driver": driver} for kind, driver in SIMULATED.items()]
        (folder / "config.json").write_text(json.dumps({"server": {"name": "the roof"}, "drivers": drivers}))
        port = free_udp_port()
        arguments = ["--config", "config.json", "--listen", "tcp:0:interface=127.0.0.1", "--discovery-port", str(port)]
        server = ServerProcess(arguments, folder)
        self.addCleanup(server.terminate)
        address = server.address
        printed = StringIO()
        with redirect_stdout(printed):
            await self.executed(self.script)["main"](reactor, targets=["127.255.255.255", "127.0.0.1"], port=port, seconds=1.0)
        self.assertEqual(
            printed.getvalue().splitlines(),
            [
                f"{address} the roof ['Dome 0', 'Focuser 0', 'SafetyMonitor 0']",
                "focuser: 26000",
                "dome: Azimuth 400.0 is out of range: it goes from 0 to below 360",
            ],
        )
        self.assertEqual(server.terminate(), 0)
        gone = connect(address, reactor)
        with self.assertRaisesRegex(Unreachable, f"{address}: nothing listens there"):
            await gone.description()
        await gone.close()
