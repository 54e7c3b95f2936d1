"""What a device request is answered: rules, refusals, and drivers that misbehave."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, cast

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.logger import globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from pylpaca.calls import settle
from pylpaca.errors import DriverError, InvalidValue, Unavailable
from pylpaca.repeats import Repeats
from pylpaca.testing import MemoryServer
from tests.doubles import BareDome, BareFocuser, BrokenLinkMonitor, FaultyMonitor, NaiveDome, NaiveFocuser, SlowFocuser
from tests.lines import Logged


def entry(driver: type, kind: str, number: int = 0, **more: Any) -> dict[str, Any]:
    return {"device_type": kind, "device_number": number, "device_driver": f"tests.doubles:{driver.__name__}", **more}


class OneDeviceTestCase(SynchronousTestCase):
    kind = "dome"
    driver_class: type = NaiveDome
    more: dict[str, Any] = {}  # noqa: RUF012

    def setUp(self) -> None:
        self.server = MemoryServer({"drivers": [entry(self.driver_class, self.kind, **self.more)]})
        self.driver: Any = self.server.driver(self.kind)
        self.put("connected", Connected=True)

    def get(self, member: str, **parameters: Any) -> Any:
        return self.server.get(f"{self.kind}/0/{member}", **parameters)

    def put(self, member: str, **form: Any) -> Any:
        return self.server.put(f"{self.kind}/0/{member}", **form)

    def error(self, member: str, **form: Any) -> int:
        return cast(int, self.put(member, **form).error)


class DomeRulesTests(OneDeviceTestCase):
    """A dome without a single check of its own: every rule holds."""

    def test_ranges(self) -> None:
        """Azimuth is 0 to below 360, altitude 0 to 90; the driver is not asked for anything else."""
        for member in ("slewtoazimuth", "synctoazimuth"):
            self.assertEqual([self.error(member, Azimuth=each) for each in (-10, -0.001, 360, 370)], [0x401] * 4)
        self.assertEqual([self.error("slewtoaltitude", Altitude=each) for each in (-10, 90.001, 100)], [0x401] * 3)
        self.assertEqual(self.driver.done, [])
        self.assertEqual([self.error("slewtoazimuth", Azimuth=each) for each in (0, 359.999)], [0, 0])
        self.assertEqual([self.error("slewtoaltitude", Altitude=each) for each in (0, 90)], [0, 0])
        self.assertEqual([value for _, value in self.driver.done], [0.0, 359.999, 0.0, 90.0])

    def test_slaved(self) -> None:
        """While slaved, what would turn the dome is refused; stopping and the shutter are not."""
        self.assertEqual(self.error("slaved", Slaved=True), 0)
        refused = [
            self.error("findhome"),
            self.error("park"),
            self.error("slewtoaltitude", Altitude=1),
            self.error("slewtoazimuth", Azimuth=1),
            self.error("synctoazimuth", Azimuth=1),
        ]
        self.assertEqual(refused, [0x409] * 5)
        self.assertEqual([self.error("abortslew"), self.error("openshutter"), self.error("closeshutter")], [0, 0, 0])

    def test_precedence(self) -> None:
        """A value out of range is told before the state that forbids the call."""
        self.put("slaved", Slaved=True)
        self.assertEqual(self.error("slewtoazimuth", Azimuth=400), 0x401)

    def test_capabilities(self) -> None:
        """What the dome says it cannot do is not implemented, whatever the value."""
        calls: dict[str, tuple[str, dict[str, Any]]] = {
            "CanFindHome": ("findhome", {}),
            "CanPark": ("park", {}),
            "CanSetAltitude": ("slewtoaltitude", {"Altitude": 999}),
            "CanSetAzimuth": ("slewtoazimuth", {"Azimuth": 999}),
            "CanSetPark": ("setpark", {}),
            "CanSetShutter": ("openshutter", {}),
            "CanSlave": ("slaved", {"Slaved": True}),
            "CanSyncAzimuth": ("synctoazimuth", {"Azimuth": 999}),
        }
        for capability, (member, form) in calls.items():
            self.patch(self.driver, capability, lambda: False)
            answer = self.put(member, **form)
            self.assertEqual(answer.error, 0x400, member)
            self.assertIn(capability, answer.json["ErrorMessage"])
        self.assertEqual(self.error("closeshutter"), 0x400)
        self.assertEqual(self.error("slaved", Slaved=False), 0)
        self.assertEqual(self.driver.done, [])

    def test_capability_that_has_to_be_waited_for(self) -> None:
        """A capability may be asked of the hardware; its failure is the answer."""
        self.patch(self.driver, "CanPark", lambda: succeed(False))
        self.assertEqual(self.error("park"), 0x400)
        self.patch(self.driver, "CanPark", lambda: fail(DriverError("no answer", 0x501)))
        self.assertEqual(self.error("park"), 0x501)
        self.assertEqual(self.driver.done, [])

    def test_device_state(self) -> None:
        """DeviceState has the operational members with their own types, and a time in UTC."""
        state = {item["Name"]: item["Value"] for item in self.get("devicestate").value}
        self.assertRegex(state.pop("TimeStamp"), r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        expected = {"Altitude": 45.0, "AtHome": False, "AtPark": False, "Azimuth": 90.0, "ShutterStatus": 1, "Slewing": False}
        self.assertEqual(repr(sorted(state.items())), repr(sorted(expected.items())))

    def test_device_state_leaves_out_what_fails(self) -> None:
        """A member that has no value now, a wrong one, or a broken driver behind it, is left out; the others stay."""
        self.patch(self.driver, "Altitude", lambda: fail(InvalidValue("not now")))
        self.patch(self.driver, "Azimuth", lambda: float("nan"))
        self.patch(self.driver, "AtHome", lambda: fail(ZeroDivisionError()))
        names = [item["Name"] for item in self.get("devicestate").value]
        self.assertEqual(names, ["AtPark", "ShutterStatus", "Slewing", "TimeStamp"])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_actions(self) -> None:
        """An unknown action is 0x40C, and says which there are; the deprecated commands are not implemented."""
        self.assertEqual(self.error("action", Action="Dance", Parameters=""), 0x40C)
        for member in ("commandblind", "commandbool", "commandstring"):
            self.assertEqual(self.error(member, Command="x", Raw=True), 0x400)

    def test_wrong_verb(self) -> None:
        """A known member with the wrong verb is 405 and says which verbs it has."""
        answer = self.get("openshutter")
        self.assertEqual((answer.status, answer.headers["allow"]), (405, "PUT"))
        answer = self.put("azimuth")
        self.assertEqual((answer.status, answer.headers["allow"]), (405, "GET"))

    def test_ids_before_parameters(self) -> None:
        """A bad id is told before a missing parameter; neither asks the driver."""
        self.assertIn("ClientID", self.put("slewtoazimuth", ClientID="x").text)
        self.assertEqual(self.driver.done, [])

    def test_server_transactions(self) -> None:
        """Every answer has the next number."""
        first = self.get("name").json["ServerTransactionID"]
        self.assertEqual(self.get("name").json["ServerTransactionID"], first + 1)


class BareDomeTests(OneDeviceTestCase):
    driver_class = BareDome

    def test_optional_and_absent(self) -> None:
        """What the author left out is exactly 0x400, with a neutral value of its type."""
        for member, neutral in {"altitude": 0.0, "azimuth": 0.0, "athome": False, "atpark": False}.items():
            answer = self.get(member)
            self.assertEqual((answer.error, repr(answer.json["Value"])), (0x400, repr(neutral)))

    def test_unslaving(self) -> None:
        """Not following is what it does already."""
        self.assertEqual((self.error("slaved", Slaved=False), self.get("slaved").value), (0, False))
        self.assertEqual(self.error("slaved", Slaved=True), 0x400)

    def test_state(self) -> None:
        """DeviceState has only what is there."""
        self.assertEqual([item["Name"] for item in self.get("devicestate").value], ["ShutterStatus", "Slewing", "TimeStamp"])

    def test_defaults(self) -> None:
        """What every device says of itself comes from the class, the interface and the configuration."""
        self.assertEqual(self.get("name").value, "Dome 0")
        self.assertEqual(self.get("description").value, "A dome that can do nothing but say whether it is closed.")
        self.assertEqual(self.get("interfaceversion").value, 3)
        self.assertIn("tests.doubles.BareDome", self.get("driverinfo").value)
        self.assertEqual(self.get("supportedactions").value, [])


class FocuserRulesTests(OneDeviceTestCase):
    kind, driver_class = "focuser", NaiveFocuser

    def test_clamped(self) -> None:
        """A move beyond a stop ends at the stop, without an error."""
        for target, end in ((-10, 0), (1010, 1000), (400, 400), (0, 0), (1000, 1000)):
            self.assertEqual((self.error("move", Position=target), self.driver.at), (0, end))

    def test_temperature_compensation(self) -> None:
        """Compensation that is not there can be turned off, not on."""
        self.assertEqual((self.error("tempcomp", TempComp=True), self.get("tempcomp").value), (0, True))
        self.driver.compensates = False
        self.assertEqual(self.error("tempcomp", TempComp=True), 0x400)
        self.assertEqual((self.error("tempcomp", TempComp=False), self.get("tempcomp").value), (0, False))

    def test_relative(self) -> None:
        """A relative focuser does not know its position, and is moved by signed steps."""
        self.driver.absolute = False
        self.assertEqual(self.get("position").error, 0x400)
        self.assertEqual((self.error("move", Position=-2000), self.driver.at), (0, -2000))
        self.assertEqual([i["Name"] for i in self.get("devicestate").value], ["IsMoving", "Temperature", "TimeStamp"])

    def test_max_increment(self) -> None:
        """Unless the author says otherwise, the longest move is the whole way."""
        self.assertEqual(self.get("maxincrement").value, 1000)

    def test_types(self) -> None:
        """A driver's int becomes the float that the member is."""
        self.assertIn(b'"Value":2.0', self.get("stepsize").body)

    def test_miscased_id_connects_as_nobody(self) -> None:
        """A connect with a mis-cased id does not hold the link against a plain disconnect."""
        body = b"Connected=True&clientid=5"
        self.assertEqual(self.server.request("PUT", "focuser/0/connected", body).error, 0)
        self.put("connected", Connected=False, ClientID=9)
        self.assertEqual(self.get("connected").value, False)


class FaultTests(OneDeviceTestCase):
    """Drivers that fail: the client always gets an envelope, and the log what happened."""

    kind, driver_class = "safetymonitor", FaultyMonitor

    def test_raises(self) -> None:
        """An exception at once or later is 0x500 with its name, and its traceback is in the log under a mark."""
        for fault in (KeyError("pin 4"), fail(KeyError("pin 4"))):
            self.driver.fault = fault
            answer = self.get("issafe", ClientTransactionID=3)
            self.assertEqual((answer.status, answer.error, answer.json["Value"]), (200, 0x500, False))
            self.assertEqual(answer.json["ClientTransactionID"], 3)
            self.assertRegex(answer.json["ErrorMessage"], r"IsSafe: KeyError: 'pin 4' \(in the server's log: [0-9a-f]{8}\)")
            self.assertEqual(len(self.flushLoggedErrors(KeyError)), 1)

    def test_refuses(self) -> None:
        """A driver's own refusal keeps its number and its sentence."""
        self.driver.fault = DriverError("the lamp is burnt out", 0x5A0)
        answer = self.get("issafe")
        self.assertEqual((answer.error, answer.json["ErrorMessage"]), (0x5A0, "the lamp is burnt out"))

    def test_wrong_type(self) -> None:
        """A wrong type is the driver's fault, told with the member's name; never invalid JSON."""
        for fault in ("yes", 1, None, succeed("no"), object()):
            self.driver.fault = fault
            answer = self.get("issafe")
            self.assertEqual((answer.error, answer.json["Value"]), (0x500, False))
            self.assertIn("IsSafe gave", answer.json["ErrorMessage"])

    def test_exits(self) -> None:
        """A driver that calls sys.exit has failed; the server goes on."""
        self.patch(self.driver, "IsSafe", lambda: sys.exit(3))
        answer = self.get("issafe")
        self.assertEqual(answer.error, 0x500)
        self.assertIn("the driver called sys.exit(3)", answer.json["ErrorMessage"])
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_exits_on_the_way(self) -> None:
        """So has one that calls it while what it gives is gone through, at once or later."""

        def names() -> Any:
            yield "A"
            sys.exit(3)

        asked = Deferred[Any]()
        self.patch(self.driver, "SupportedActions", lambda: asked)
        waiting = self.server.begin("GET", "safetymonitor/0/supportedactions")
        asked.callback(names())
        later = waiting.answer()
        self.patch(self.driver, "SupportedActions", names)
        at_once = self.get("supportedactions")
        self.assertEqual((later and later.error, at_once.error), (0x500, 0x500))
        self.assertEqual(len(self.flushLoggedErrors(SystemExit)), 2)

    def test_odd_failures(self) -> None:
        """What a driver gives may fail while it is looked at, and so may its exception."""

        def names() -> Any:
            yield "A"
            raise ZeroDivisionError

        class Mute(Exception):
            def __str__(self) -> str:
                raise ZeroDivisionError

        self.patch(self.driver, "SupportedActions", names)
        self.assertEqual(self.get("supportedactions").error, 0x500)
        self.driver.fault = Mute()
        self.assertIn("Mute: its text cannot be read", self.get("issafe").json["ErrorMessage"])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError, Mute)), 2)

    def test_not_connected(self) -> None:
        """A disconnected device says so and what to do."""
        self.put("connected", Connected=False)
        answer = self.get("issafe")
        self.assertEqual(answer.error, 0x407)
        self.assertEqual(answer.json["ErrorMessage"], "SafetyMonitor 0 is not connected; connect it first")


class DeadlineTests(OneDeviceTestCase):
    kind, driver_class = "focuser", SlowFocuser

    def begin(self, verb: str, member: str, body: bytes = b"", peer: str = "192.0.2.7") -> Any:
        return self.server.begin(verb, f"focuser/0/{member}", body, peer=peer)

    def test_never_answers(self) -> None:
        """After four seconds the client is told; the call itself is left running."""
        connection = self.begin("GET", "ismoving?ClientTransactionID=5")
        self.server.clock.advance(3.99)
        self.assertIsNone(connection.answer())
        self.server.clock.advance(0.01)
        answer = connection.answer()
        self.assertEqual((answer.error, answer.json["Value"], answer.json["ClientTransactionID"]), (0x500, False, 5))
        self.assertEqual(answer.json["ErrorMessage"], "no answer from IsMoving of Focuser 0 in 4 s")
        self.assertEqual(self.driver.cancelled, 0)
        self.driver.asked[0].callback(True)

    def test_late_failure(self) -> None:
        """What a call fails with after its deadline is logged, once."""
        self.begin("GET", "ismoving")
        self.server.clock.advance(5)
        self.driver.asked[0].errback(ZeroDivisionError())
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_rule_that_never_answers(self) -> None:
        """The deadline covers what the rules ask, too."""
        self.patch(self.driver, "Absolute", lambda: Deferred())
        connection = self.begin("PUT", "move", b"Position=5")
        self.server.clock.advance(4)
        self.assertEqual(connection.answer("PUT").error, 0x500)

    def test_nothing_moves_after_it_was_given_up(self) -> None:
        """A call whose rules took too long to look at does not begin after its client was told that it failed."""
        absolute: Deferred[bool] = Deferred()
        self.patch(self.driver, "Absolute", lambda: absolute)
        connection = self.begin("PUT", "move", b"Position=5")
        self.server.clock.advance(4)
        self.assertEqual(connection.answer("PUT").error, 0x500)
        absolute.callback(False)
        self.assertEqual(self.driver.asked, [])

    def test_nothing_moves_after_a_disconnect(self) -> None:
        """Nor does it begin on a device that was disconnected meanwhile."""
        absolute: Deferred[bool] = Deferred()
        self.patch(self.driver, "Absolute", lambda: absolute)
        connection = self.begin("PUT", "move", b"Position=5")
        self.put("connected", Connected=False)
        absolute.callback(False)
        self.assertEqual((connection.answer("PUT").error, self.driver.asked), (0x40E, []))

    def test_client_hangs_up(self) -> None:
        """A client that goes away does not stop the driver; the answer is dropped."""
        connection = self.begin("PUT", "move", b"Position=5")
        connection.hang_up()
        self.assertEqual(self.driver.cancelled, 0)
        self.driver.asked[0].callback(None)
        self.assertEqual(connection.received, b"")
        self.assertEqual(self.server.clock.getDelayedCalls(), [])

    def test_failure_after_the_client_hung_up(self) -> None:
        """What the driver then fails with is logged, once, and no error is left unhandled."""
        self.begin("GET", "ismoving").hang_up()
        self.driver.asked[0].errback(ZeroDivisionError())
        self.assertEqual(len(self.flushLoggedErrors()), 1)

    def test_answers_in_time(self) -> None:
        """An answer in time is delivered, and its deadline forgotten."""
        connection = self.begin("GET", "maxstep")
        self.driver.asked[0].callback(1000)
        self.assertEqual(connection.answer().value, 1000)

    def test_pipelined_neighbour(self) -> None:
        """One call that waits keeps nobody else on another connection waiting."""
        self.begin("GET", "ismoving")
        self.assertEqual(self.get("name").value, "Focuser 0")


class ConfiguredDeadlineTests(OneDeviceTestCase):
    kind, driver_class, more = "focuser", SlowFocuser, {"deadline": 1.5}

    def test_deadline(self) -> None:
        """The configuration may say how long an ordinary call may take."""
        connection = self.server.begin("GET", "focuser/0/ismoving")
        self.server.clock.advance(1.5)
        answer = connection.answer()
        assert answer is not None
        self.assertIn("in 1.5 s", answer.json["ErrorMessage"])


class ConnectingTests(OneDeviceTestCase):
    kind, driver_class = "safetymonitor", BrokenLinkMonitor

    def test_synchronous(self) -> None:
        """Connected=True answers why the device could not be connected."""
        answer = self.put("connected", Connected=True)
        self.assertEqual((answer.error, answer.json["ErrorMessage"]), (0x500, "no answer on COM9"))
        self.assertEqual(self.get("connected").value, False)

    def test_asynchronous(self) -> None:
        """After a failed Connect, Connecting tells why, and so does every call; until the next try."""
        self.assertEqual(self.error("connect"), 0)
        answer = self.get("connecting")
        self.assertEqual((answer.error, answer.json["ErrorMessage"]), (0x500, "no answer on COM9"))
        self.assertIn("no answer on COM9", self.get("issafe").json["ErrorMessage"])
        self.driver.reason = None
        self.assertEqual(self.error("connect"), 0)
        self.assertEqual((self.get("connecting").value, self.get("issafe").value), (False, True))
        self.assertEqual(self.error("disconnect"), 0)
        self.assertEqual(self.get("connected").value, False)


class KeptErrorTests(OneDeviceTestCase):
    """An error that is raised again and again does not keep those who were told of it."""

    kind, driver_class = "safetymonitor", FaultyMonitor

    def assert_kept_lightly(self, error: BaseException, again: Callable[[], Any]) -> None:
        for _ in range(3):
            again()
        self.assertIsNone(error.__traceback__)

    def test_of_the_link(self) -> None:
        """Why a device could not be connected, which clients read every second."""
        self.put("connected", Connected=False)
        self.patch(self.driver.link, "_connect", lambda: fail(DriverError("no answer on COM9")))
        self.put("connect")
        self.assert_kept_lightly(self.driver.link.failure, lambda: self.get("connecting"))

    def test_of_a_driver(self) -> None:
        """An exception that a driver keeps, of whatever kind."""
        for fault in (DriverError("stuck"), OSError("unplugged")):
            self.driver.fault = fault
            self.assert_kept_lightly(fault, lambda: self.get("issafe"))
            self.assert_kept_lightly(fault, lambda: self.get("devicestate"))
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 6)


class ClientsTests(OneDeviceTestCase):
    kind, driver_class = "focuser", BareFocuser

    def connected(self, wanted: bool, client: int, peer: str) -> None:
        body = f"Connected={wanted}&ClientID={client}".encode()
        connection = self.server.begin("PUT", "focuser/0/connected", body, peer=peer)
        answer = connection.answer("PUT")
        assert answer is not None
        self.assertEqual(json.loads(answer.body)["ErrorNumber"], 0)

    def test_two_clients(self) -> None:
        """The first client to leave does not take the device from the second, who has the same id elsewhere."""
        self.connected(True, 1, "192.0.2.1")
        self.connected(True, 1, "192.0.2.2")
        self.connected(False, 1, "192.0.2.1")
        self.assertEqual(self.get("connected").value, True)
        self.connected(False, 1, "192.0.2.2")
        self.assertEqual(self.get("connected").value, False)

    def test_any_request_is_a_sign_of_life(self) -> None:
        """A client that reads holds the link, however long ago it connected."""
        self.connected(True, 1, "192.0.2.7")
        self.server.clock.advance(599)
        self.get("ismoving", ClientID=1)
        self.server.clock.advance(599)
        self.connected(False, 2, "192.0.2.2")
        self.assertEqual(self.get("connected").value, True)


class ContextTests(SynchronousTestCase):
    """What a driver's coroutine sets for itself, in a contextvars.ContextVar."""

    def test_put_back(self) -> None:
        """It can put back what it had set, after it had to wait, as in any coroutine of Twisted's."""
        variable = ContextVar("variable", default="nothing")
        answered: Deferred[None] = Deferred()

        async def careful() -> str:
            token = variable.set("mine")
            await answered
            found = variable.get()
            variable.reset(token)
            return f"{found}, {variable.get()}"

        result = cast("Deferred[str]", settle(careful()))
        answered.callback(None)
        self.assertEqual((self.successResultOf(result), variable.get()), ("mine, nothing", "nothing"))


class RepeatedFailureTests(OneDeviceTestCase):
    """A client that asks again and again does not fill the log."""

    driver_class = BareDome

    def setUp(self) -> None:
        super().setUp()
        logged = Logged("pylpaca.dispatch")
        globalLogPublisher.addObserver(logged)
        self.addCleanup(globalLogPublisher.removeObserver, logged)
        self.logged = logged.lines

    def test_same_again(self) -> None:
        """A failure of the hardware is logged when it is another than before, and the same one after a minute."""
        self.patch(self.driver, "ShutterStatus", lambda: fail(DriverError("no reply")))
        for _ in range(100):
            self.assertEqual(self.get("shutterstatus").error, 0x500)
        self.assertEqual(self.logged, [("error", "dome/0 ShutterStatus: no reply")])
        self.patch(self.driver, "ShutterStatus", lambda: fail(DriverError("it is stuck")))
        self.get("shutterstatus")
        self.assertEqual(len(self.logged), 2)
        self.server.clock.advance(60)
        self.get("shutterstatus")
        self.get("shutterstatus")
        self.assertEqual(self.logged[1:], [("error", "dome/0 ShutterStatus: it is stuck")] * 2)

    def test_another_member(self) -> None:
        """Of another member it is logged, too."""
        for member in ("ShutterStatus", "Slewing"):
            self.patch(self.driver, member, lambda: fail(DriverError("no reply")))
            self.get(member.lower())
        self.assertEqual(len(self.logged), 2)

    def test_logged_elsewhere(self) -> None:
        """What was logged where it was found out is told to the client alone."""
        self.patch(self.driver, "ShutterStatus", lambda: fail(Unavailable("port COM9 vanished")))
        self.assertEqual(self.get("shutterstatus").json["ErrorMessage"], "port COM9 vanished")
        self.assertEqual(self.logged, [])

    def test_bounded(self) -> None:
        """What is kept in mind for that does not grow without end."""
        clock = Clock()
        repeats = Repeats(clock)
        for number in range(3 * Repeats.MOST):
            self.assertTrue(repeats.is_new(number))
        self.assertEqual((repeats.is_new(3 * Repeats.MOST - 1), repeats.is_new(0)), (False, True))
