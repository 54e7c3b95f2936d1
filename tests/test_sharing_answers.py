"""Clients that ask the same share one call of the driver, and are never given what was asked before an order."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any, ClassVar

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from pylpaca.device import BASES, Device, FilterWheel, Focuser
from pylpaca.errors import DriverError
from pylpaca.imagebytes import TYPE
from pylpaca.interfaces import DEVICE_TYPES, IFocuser, operations
from pylpaca.roster import CannotLoad, verify
from pylpaca.serial import LineFraming, SerialSettings
from pylpaca.shared_answers import MaxAge, SharedAnswers, max_ages
from pylpaca.testing import Connection, MemoryServer, SerialDouble
from pylpaca.values import Frame
from tests.doubles import BareFocuser, FetchingCamera
from tests.firmware import FirmwareDouble
from tests.lx200_firmware import LX200Double
from tests.moonlite_firmware import MoonliteFirmware
from tests.naive import NaiveCamera

KEPT_FOR = 1.0  # seconds, of Position


class HeldFocuser(Focuser):
    """A focuser at a cable whose answers the test gives; what it is asked or told stands in `asked`."""

    Settings = SerialSettings
    max_age: ClassVar[MaxAge] = {"Position": KEPT_FOR}

    async def connect(self) -> None:
        self.asked: list[tuple[str, Deferred[Any]]] = []
        await self.open_serial(self.settings, LineFraming(b"\n"))

    def held(self, what: str) -> Deferred[Any]:
        self.asked.append((what, Deferred()))
        return self.asked[-1][1]

    def IsMoving(self) -> Any:
        return self.held("IsMoving")

    def MaxStep(self) -> int:
        return 1000

    def Position(self) -> Any:
        return self.held("Position")

    def Move(self, Position: int) -> Any:
        return self.held("Move")

    def SupportedActions(self) -> list[str]:
        return ["Ask"]

    def Action(self, Action: str, Parameters: str) -> Any:
        return self.held("Action")


class HeldWheel(FilterWheel):
    """A filter wheel whose answers can be gone through but once, and are given a second later."""

    def Position(self) -> int:
        return 0

    def SetPosition(self, Position: int) -> None:
        """It stays."""

    def Names(self) -> Any:
        return deferLater(self.clock, 1.0, lambda: (name for name in ("red", "green")))

    def FocusOffsets(self) -> Any:
        return deferLater(self.clock, 1.0, lambda: (1 // offset for offset in (1, 0)))


class HeldCamera(FetchingCamera):
    """A camera that has its image a second after it is asked for it."""

    fetched = 0

    async def ImageArray(self) -> Any:
        self.fetched += 1
        await deferLater(self.clock, 1.0)
        return self.picture


def entry(number: int, port: str) -> dict[str, Any]:
    driver = f"{__name__}:{HeldFocuser.__name__}"
    return {"device_type": "focuser", "device_number": number, "device_driver": driver, "driver_config": {"port": port}}


class HeldTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        """Two focusers at one cable, and one at another."""
        doubles = {port: SerialDouble(lambda command: None) for port in ("COM3", "COM4")}
        self.configuration: dict[str, Any] = {"drivers": [entry(0, "COM3"), entry(1, "COM3"), entry(2, "COM4")]}
        self.server = MemoryServer(self.configuration, serial=doubles)
        self.clock, self.cable = self.server.clock, doubles["COM3"]
        for number in range(3):
            self.server.put(f"focuser/{number}/connected", Connected=True)

    def driver(self, number: int = 0) -> Any:
        return self.server.driver("focuser", number)

    def asked(self, number: int = 0) -> list[str]:
        return [what for what, _ in self.driver(number).asked]

    def get(self, member: str, query: str = "", number: int = 0) -> Connection:
        return self.server.begin("GET", f"focuser/{number}/{member}{query}")

    def put(self, member: str, body: str = "", number: int = 0) -> Connection:
        return self.server.begin("PUT", f"focuser/{number}/{member}", body.encode())

    def give(self, value: Any, call: int = -1, number: int = 0) -> None:
        """What a call of the driver is answered."""
        answer = self.driver(number).asked[call][1]
        if isinstance(value, Exception):
            answer.errback(value)
        else:
            answer.callback(value)

    def value(self, connection: Connection) -> Any:
        answer = connection.answer()
        return None if answer is None else answer.value

    def error(self, connection: Connection) -> Any:
        answer = connection.answer()
        return None if answer is None else answer.error


class InFlightTests(HeldTestCase):
    def test_one_call(self) -> None:
        """However many ask the same while the driver is asked, it is asked once."""
        clients = [self.get("ismoving") for _ in range(10)]
        self.give(True)
        self.assertEqual((self.asked(), [self.value(each) for each in clients]), (["IsMoving"], [True] * 10))

    def test_own_envelopes(self) -> None:
        """Each has its own transactions."""
        clients = [self.get("ismoving", f"?ClientID={each}&ClientTransactionID={each + 10}") for each in (1, 2, 3)]
        self.give(True)
        answers = [each.answer() for each in clients]
        ids = [(each.json["ClientTransactionID"], each.json["ServerTransactionID"]) for each in answers if each is not None]
        self.assertEqual(ids, [(11, 4), (12, 5), (13, 6)])

    def test_other_questions(self) -> None:
        """Other members and other devices are asked themselves."""
        self.get("ismoving"), self.get("position"), self.get("ismoving", number=1)
        self.assertEqual((self.asked(), self.asked(1)), (["IsMoving", "Position"], ["IsMoving"]))

    def test_not_kept(self) -> None:
        """Who asks after the answer has the driver asked anew, unless its author says that the value may be reused."""
        self.get("ismoving")
        self.give(True)
        self.get("ismoving")
        self.assertEqual(self.asked(), ["IsMoving"] * 2)

    def test_failure(self) -> None:
        """What fails is told to all who wait, and the next one has the driver asked anew."""
        clients = [self.get("position") for _ in range(3)]
        self.give(DriverError("the motor is hot", 0x501))
        self.assertEqual([self.error(each) for each in clients], [0x501] * 3)
        self.assertIsNone(self.get("position").answer())

    def test_bug(self) -> None:
        """A mistake in the driver is told to all, each time with its traceback in the log."""
        clients = [self.get("position") for _ in range(3)]
        self.give(ZeroDivisionError("by nought"))
        self.assertEqual([self.error(each) for each in clients], [0x500] * 3)
        self.flushLoggedErrors(ZeroDivisionError)

    def test_client_leaves(self) -> None:
        """A client that hangs up cancels nothing for the others."""
        first, second, third = (self.get("ismoving") for _ in range(3))
        first.hang_up()
        third.hang_up()
        self.give(True)
        self.assertIs(self.value(second), True)

    def test_own_deadline(self) -> None:
        """Each waits as long as it would alone."""
        first = self.get("ismoving")
        self.clock.advance(3)
        second = self.get("ismoving")
        self.clock.advance(2)
        self.give(True)
        self.assertEqual((self.error(first), self.value(second)), (0x500, True))

    def test_own_deadlines(self) -> None:
        """Who came later is told later that there is no answer."""
        self.get("ismoving")
        self.clock.advance(3)
        second = self.get("ismoving")
        self.clock.advance(3.9)
        self.assertIsNone(second.answer())
        self.clock.advance(0.1)
        self.assertEqual(self.error(second), 0x500)

    def test_never_answered(self) -> None:
        """A call that the driver lost is not joined any more: after ten seconds it is asked again, and all is as before."""
        self.get("ismoving")
        self.clock.advance(10)
        again = self.get("ismoving")
        self.give(True)
        self.assertEqual((self.asked(), self.value(again)), (["IsMoving"] * 2, True))

    def test_told_at_once(self) -> None:
        """Who asks what was not answered in time is told so at once, and does not wait for the call that asks again."""
        self.get("ismoving")
        self.clock.advance(10)
        self.get("ismoving")
        self.assertEqual(self.error(self.get("ismoving")), 0x500)

    def test_vote(self) -> None:
        """Who shares a call is heard: its vote for the connection stays alive."""
        self.server.put("focuser/0/connected", Connected=True, ClientID=7)
        self.clock.advance(500)
        self.get("ismoving")
        self.get("ismoving", "?ClientID=7")
        self.clock.advance(500)
        self.assertEqual(self.driver().link.holders, [("192.0.2.7", 7)])

    def test_request_log(self) -> None:
        """Each is in the request log, with the time that it took."""
        ports = {port: SerialDouble(lambda command: None) for port in ("COM3", "COM4")}
        self.server = MemoryServer({**self.configuration, "server": {"request_log": True}}, serial=ports)
        self.server.put("focuser/0/connected", Connected=True)
        with capturedLogs() as logs:
            self.get("ismoving", "?ClientID=1")
            self.server.clock.advance(1)
            self.get("ismoving", "?ClientID=2")
            self.server.clock.advance(1)
            self.give(True)
        told = [(each["client"], each["milliseconds"]) for each in logs if "milliseconds" in each]
        self.assertEqual(told, [(1, 2000.0), (2, 1000.0)])

    def test_actions(self) -> None:
        """An Action is an order, and each is given to the driver."""
        for _ in range(2):
            self.put("action", "Action=Ask&Parameters=")
        self.assertEqual(self.asked(), ["Action"] * 2)

    def test_what_is_there_once(self) -> None:
        """What the driver gives to be gone through once is there for all; what fails on the way fails for all."""
        driver = f"{__name__}:{HeldWheel.__name__}"
        server = MemoryServer({"drivers": [{"device_type": "filterwheel", "device_number": 0, "device_driver": driver}]})
        server.put("filterwheel/0/connected", Connected=True)
        names = [server.begin("GET", "filterwheel/0/names") for _ in range(2)]
        offsets = [server.begin("GET", "filterwheel/0/focusoffsets") for _ in range(2)]
        server.clock.advance(1)
        self.assertEqual([self.value(each) for each in names], [["red", "green"]] * 2)
        self.assertEqual([self.error(each) for each in offsets], [0x500] * 2)
        self.flushLoggedErrors(ZeroDivisionError)

    def test_images(self) -> None:
        """Those who fetch an image at the same time share it, converted once; it is not kept."""
        driver = f"{__name__}:{HeldCamera.__name__}"
        server = MemoryServer({"drivers": [{"device_type": "camera", "device_number": 0, "device_driver": driver}]})
        server.put("camera/0/connected", Connected=True)
        camera: Any = server.driver("camera")
        camera.picture = np.zeros((2, 3), np.uint16)
        frames: list[Frame] = []
        frame_of = camera.frame_of

        def noted(picture: Any) -> Frame:
            frames.append(frame_of(picture))
            return frames[-1]

        self.patch(camera, "frame_of", noted)
        clients = [server.begin("GET", "camera/0/imagearray", headers={"Accept": TYPE}) for _ in range(3)]
        server.clock.pump([1.0, 0.0, 0.0])
        lengths = [len(each.received.partition(b"\r\n\r\n")[2]) for each in clients]
        self.assertEqual((lengths, camera.fetched, len(frames), camera.shared_answers.calls), ([44 + 6] * 3, 1, 1, {}))

    def test_server_stops(self) -> None:
        """Each who waits for a shared call is told that the server stops."""
        clients = [self.get("ismoving") for _ in range(2)]
        self.server.site.pending.end()
        self.assertEqual([self.error(each) for each in clients], [0x500] * 2)


class ReuseTests(HeldTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.get("position")
        self.clock.advance(0.25)
        self.give(500)

    def test_reused(self) -> None:
        """A value is reused until it is as old as its author allows, counted from when the driver was asked."""
        self.clock.advance(0.7)
        self.assertEqual((self.value(self.get("position")), self.asked()), (500, ["Position"]))

    def test_too_old(self) -> None:
        """Then it is not."""
        self.clock.advance(0.75)
        self.assertIsNone(self.get("position").answer())

    def test_not_prolonged(self) -> None:
        """That it was reused makes it no younger."""
        self.clock.advance(0.7)
        self.get("position")
        self.clock.advance(0.05)
        self.assertIsNone(self.get("position").answer())

    def test_late(self) -> None:
        """What was answered when it was too old already is told to who waits, and not reused."""
        self.clock.advance(1)
        client = self.get("position")
        self.clock.advance(2)
        self.give(501)
        self.assertEqual((self.value(client), self.value(self.get("position"))), (501, None))

    def test_device_state(self) -> None:
        """DeviceState is put together from what may be reused, and from what is asked now."""
        state = self.get("devicestate")
        self.give(True)
        items = {each["Name"]: each["Value"] for each in self.value(state)}
        self.assertEqual((items["Position"], items["IsMoving"], self.asked()), (500, True, ["Position", "IsMoving"]))

    def test_device_states(self) -> None:
        """Those who ask for it at the same time, and those who ask for one of its members, share the calls of the driver."""
        states = [self.get("devicestate") for _ in range(3)]
        single = self.get("ismoving")
        self.give(True)
        self.assertEqual((self.value(single), self.asked()), (True, ["Position", "IsMoving"]))
        self.assertEqual([each.answer() is not None for each in states], [True] * 3)

    def test_disconnected(self) -> None:
        """Who is not connected reads that, whatever was answered a moment ago."""
        self.server.put("focuser/0/connected", Connected=False)
        self.assertEqual(self.error(self.get("position")), 0x407)

    def test_new_link(self) -> None:
        """Of a new link nothing is known."""
        self.server.put("focuser/0/connected", Connected=False)
        self.server.put("focuser/0/connected", Connected=True)
        self.assertIsNone(self.get("position").answer())

    def test_lost(self) -> None:
        """When the cable is pulled, what it said before is not believed any more."""
        self.cable.unplug()
        self.assertIsNone(self.get("position").answer())

    def test_bounded(self) -> None:
        """However many questions there are, only so many answers are kept."""
        shared = SharedAnswers(self.clock, lambda: 0, [], {"Position": 60.0})
        position = operations(IFocuser)["Position"]
        for each in range(10 * SharedAnswers.MOST):
            answer: Deferred[int] = Deferred()
            shared.share(position, {"Id": each}, answer)
            answer.callback(each)
        kept = [each for each in range(10 * SharedAnswers.MOST) if shared.find(position, {"Id": each}) is not None]
        self.assertEqual((0 < len(kept) <= SharedAnswers.MOST, kept[-1]), (True, 10 * SharedAnswers.MOST - 1))


class OrderTests(HeldTestCase):
    """What was asked before an order is no answer to what is asked after it."""

    def asked_anew(self, number: int = 0) -> bool:
        """Whether who asks now has the driver asked."""
        before = len(self.asked(number))
        self.get("position", number=number)
        return len(self.asked(number)) > before

    def test_in_flight(self) -> None:
        """A call that began before an order is not shared by who asks after it came."""
        self.get("position")
        self.put("move", "Position=10")
        self.assertTrue(self.asked_anew())

    def test_kept(self) -> None:
        """Nor is a value reused that was asked for before."""
        self.get("position")
        self.give(500)
        self.put("move", "Position=10")
        self.assertTrue(self.asked_anew())

    def test_during(self) -> None:
        """Those who ask while an order is carried out share a call that began since then."""
        self.put("move", "Position=10")
        self.get("position")
        self.assertFalse(self.asked_anew())

    def test_after(self) -> None:
        """What was asked while an order was carried out is no answer to what is asked after it was answered."""
        self.put("move", "Position=10")
        move = len(self.asked()) - 1
        self.get("position")
        self.give(500)
        self.give(None, move)
        self.assertTrue(self.asked_anew())

    def test_in_vain(self) -> None:
        """Nor if the order fails."""
        self.put("move", "Position=10")
        move = len(self.asked()) - 1
        self.get("position")
        self.give(DriverError("it is stuck"), move)
        self.assertTrue(self.asked_anew())

    def test_given_up(self) -> None:
        """Nor if it is not answered in time, and its client goes on."""
        self.put("move", "Position=10")
        self.clock.advance(3.5)
        self.get("position")
        self.give(500)
        self.clock.advance(0.5)
        self.assertTrue(self.asked_anew())

    def test_client_leaves(self) -> None:
        """Nor if its client left."""
        order = self.put("move", "Position=10")
        move = len(self.asked()) - 1
        order.hang_up()
        self.get("position")
        self.give(None, move)
        self.assertTrue(self.asked_anew())

    def test_same_cable(self) -> None:
        """An order to a device counts for all that share its cable."""
        self.get("position", number=1)
        self.put("move", "Position=10")
        self.assertTrue(self.asked_anew(1))

    def test_same_cable_afterwards(self) -> None:
        """And so does its end."""
        self.put("move", "Position=10")
        self.get("position", number=1)
        self.give(None)
        self.assertTrue(self.asked_anew(1))

    def test_other_cable(self) -> None:
        """It does not for others."""
        self.get("position", number=2)
        self.put("move", "Position=10")
        self.assertFalse(self.asked_anew(2))

    def test_device_state(self) -> None:
        """It counts for DeviceState as a whole, and for its members."""
        self.get("devicestate")
        self.put("move", "Position=10")
        self.get("devicestate")
        self.assertEqual(sorted(self.asked()), ["IsMoving", "IsMoving", "Move", "Position", "Position"])

    def test_connecting(self) -> None:
        """A device that is connected, at the same cable, is an order too: it may set something up."""
        self.server.put("focuser/0/connected", Connected=False)
        self.get("position", number=1)
        self.server.put("focuser/0/connect")
        self.assertTrue(self.asked_anew(1))

    def test_disconnecting(self) -> None:
        """And so is one that is disconnected: it may be stopped."""
        self.get("position", number=1)
        self.server.put("focuser/0/disconnect")
        self.assertTrue(self.asked_anew(1))

    def test_refused(self) -> None:
        """An order that is refused before the driver sees it is one all the same: nobody has to know how far it got."""
        self.get("position")
        self.put("move", "Position=nowhere")  # cannot be read: no order
        self.assertFalse(self.asked_anew())
        self.put("action", "Action=Dance&Parameters=")
        self.assertTrue(self.asked_anew())


class MaxAgeTests(SynchronousTestCase):
    def refused(self, declared: Any, base: type[Device] = BareFocuser) -> str:
        """What the author of a driver is told."""
        driver = type("Odd", (base,), {"max_age": declared})
        kind = next(kind for kind, interface in DEVICE_TYPES.items() if interface is base.interface)
        with self.assertRaises(CannotLoad) as caught:
            verify(driver, kind)
        return str(caught.exception)

    def test_misspelled(self) -> None:
        """A member that there is not is refused, with the nearest name."""
        self.assertEqual(self.refused({"Postion": 1.0}), "Odd.max_age: there is no member 'Postion'; did you mean 'Position'?")

    def test_negative(self) -> None:
        """A time is 0 or more, and ends."""
        for age in (-1, float("inf"), float("nan"), True, "1", None):
            self.assertEqual(
                self.refused({"Position": age}), f"Odd.max_age: the age of Position is in seconds, 0 or more, not {age!r}"
            )

    def test_negative_for_all(self) -> None:
        """So is that of all members."""
        self.assertEqual(self.refused(-0.5), "Odd.max_age: the age is in seconds, 0 or more, not -0.5")

    def test_orders(self) -> None:
        """What is told is never shared."""
        for name in ("Move", "SetTempComp", "Action", "CommandString"):
            self.assertEqual(self.refused({name: 1.0}), f"Odd.max_age: {name} is an order, which is never shared")

    def test_device_state(self) -> None:
        """How old DeviceState may be, its members say."""
        self.assertIn("say how old these may be", self.refused({"DeviceState": 1.0}))

    def test_images(self) -> None:
        """Images are not kept."""
        self.assertEqual(self.refused({"ImageArray": 1.0}, NaiveCamera), "Odd.max_age: ImageArray is an image, which is not kept")

    def test_all_members(self) -> None:
        """One number is for all that can be asked, but for images and for what is put together."""
        for base in BASES.values():
            asked = {name for name, each in operations(base.interface).items() if each.verb == "GET"}
            images = {name for name in asked if operations(base.interface)[name].returns is Frame}
            self.assertEqual(asked - set(max_ages(base.interface, 1.0)), {"DeviceState", *images})

    def test_nothing_said(self) -> None:
        """Nothing is reused unless an author says so."""
        self.assertEqual({base.max_age for base in BASES.values()}, {0.0})


class NumberedFocuser(Focuser):
    """A focuser on a slow line that answers with the number of its call, counted together with whatever else happens."""

    Settings = SerialSettings
    max_age: ClassVar[MaxAge] = {"Position": KEPT_FOR}
    count: Iterator[int]
    began: dict[int, float]
    ended: dict[int, float]

    async def connect(self) -> None:
        self.line = await self.open_serial(self.settings, LineFraming(b"\n"))

    async def numbered(self) -> int:
        number = next(self.count)
        self.began[number] = self.clock.seconds()
        await self.line.ask(b"?")
        self.ended[number] = self.clock.seconds()
        return number

    def IsMoving(self) -> bool:
        return False

    def MaxStep(self) -> int:
        return 1000

    async def Position(self) -> int:
        return await self.numbered()

    async def Temperature(self) -> float:
        return await self.numbered()

    async def Move(self, Position: int) -> None:
        await self.line.ask(b"GO")

    async def Halt(self) -> None:
        await self.line.tell(b"STOP", urgent=True)


class SlowWire(SerialDouble):
    """A line of 9600 baud, and a controller that thinks for 10 ms; it counts what it is asked or told."""

    messages = 0

    def receive(self, data: bytes) -> None:
        self.messages += 1
        super().receive(data)

    def say(self, data: bytes) -> None:
        assert self.clock is not None
        self.clock.callLater(0.01 + len(data) / 960, self._deliver, data)


def _slow(command: bytes) -> bytes | None:
    return None if command == b"STOP" else b"%0300d" % 0  # a third of a second


@dataclass(eq=False)
class Asking:
    """A client that waits for an answer to what it asked after all that `after` counts."""

    connection: Connection
    device: int
    member: str
    after: int
    at: float


class Observatory:
    """Clients that ask, order, hang up and wait; and a cable that is pulled and put back."""

    CABLES = (0, 0, 1)  # of each device

    def __init__(self) -> None:
        self.wires = [SlowWire(_slow), SlowWire(_slow)]
        ports = [f"COM{cable}" for cable in range(2)]
        driver = f"{__name__}:{NumberedFocuser.__name__}"
        entries = [
            {"device_type": "focuser", "device_number": number, "device_driver": driver, "driver_config": {"port": ports[cable]}}
            for number, cable in enumerate(self.CABLES)
        ]
        self.server = MemoryServer({"drivers": entries}, serial=dict(zip(ports, self.wires, strict=True)))
        self.count = count(1)
        self.began: dict[int, float] = {}
        self.ended: dict[int, float] = {}
        self.last = [0, 0]  # when an order began or ended at each cable
        self.asking: list[Asking] = []
        self.ordering: list[tuple[int, Connection]] = []
        for number in range(len(self.CABLES)):
            focuser: Any = self.server.driver("focuser", number)
            focuser.count, focuser.began, focuser.ended = self.count, self.began, self.ended
            assert self.server.put(f"focuser/{number}/connected", Connected=True).error == 0

    def ask(self, device: int, member: str) -> None:
        after, now = self.last[self.CABLES[device]], self.server.clock.seconds()
        connection = self.server.begin("GET", f"focuser/{device}/{member}")
        self.asking.append(Asking(connection, device, member, after, now))
        self.look()

    def order(self, device: int, order: str) -> None:
        form = {"move": b"Position=1", "connected": b"Connected=True"}.get(order, b"")
        cable = self.CABLES[device]
        self.last[cable] = next(self.count)
        self.ordering.append((cable, self.server.begin("PUT", f"focuser/{device}/{order}", form)))
        self.look()

    def wait(self, seconds: float) -> None:
        for wire in self.wires:
            wire.plug_in()
        for _ in range(max(1, round(seconds / 0.05))):
            self.server.clock.advance(0.05 if seconds else 0.0)
            self.look()

    def act(self, act: str, device: int, member: str, order: str, seconds: float) -> None:
        if act == "ask":
            self.ask(device, member)
        elif act == "order":
            self.order(device, order)
        elif act == "wait":
            self.wait(seconds)
        elif act == "pull":
            self.wires[self.CABLES[device]].unplug()
        elif self.asking:
            self.asking.pop(0).connection.hang_up()

    def look(self) -> None:
        """Every value that was answered is of a call that began after the last order, and one asked for alone is not too old."""
        for each in list(self.ordering):
            if each[1].answer() is not None:
                self.ordering.remove(each)
                self.last[each[0]] = next(self.count)
        for asking in list(self.asking):
            if (answer := asking.connection.answer()) is None:
                continue
            self.asking.remove(asking)
            if answer.error:
                continue
            alone = [{"Name": asking.member.capitalize(), "Value": answer.value}]
            for item in answer.value if asking.member == "devicestate" else alone:
                if item["Name"] in ("Position", "Temperature"):
                    number = int(item["Value"])
                    assert number > asking.after, (asking.member, item, asking.after)
                    is_new = item["Name"] == "Position" and asking.at < self.began[number] + KEPT_FOR
                    assert item not in alone or is_new or self.ended[number] >= asking.at, (asking.member, item)


ACTS = st.tuples(
    st.sampled_from([*["ask"] * 9, *["wait"] * 7, *["order"] * 4, "hang_up", "pull"]),
    st.sampled_from(range(3)),
    st.sampled_from(["position", "position", "temperature", "devicestate"]),
    st.sampled_from(["move", "halt", "connected"]),
    st.sampled_from([0.0, 0.1, 0.2, 0.4, 0.7, 1.0, 2.0, 4.0]),
)


class ObservatoryTests(SynchronousTestCase):
    @settings(max_examples=150, derandomize=True)
    @given(st.lists(ACTS, min_size=10, max_size=60))
    def test_nothing_older_than_an_order(self, acts: list[tuple[Any, ...]]) -> None:
        """Whatever clients do, none reads a value that was asked for before the last order at that cable began, or ended."""
        observatory = Observatory()
        for act, device, member, order, seconds in acts:
            observatory.act(act, device, member, order, seconds)


class SlowLX200(SlowWire, LX200Double):
    """A mount at such a line."""


class SlowMoonlite(SlowWire, FirmwareDouble[MoonliteFirmware]):
    """A focuser at such a line."""


class TrafficTests(SynchronousTestCase):
    """How much a serial line has to carry."""

    SECONDS = 8.0

    def polled(self, clients: int, wire: SlowWire, entry: Mapping[str, Any], *members: str) -> int:
        """How many messages there are when so many clients ask for these members ten times a second, each in its own time."""
        server = MemoryServer({"drivers": [{"device_number": 0, **entry}]}, serial={"COM3": wire})
        server.begin("PUT", f"{entry['device_type']}/0/connected", b"Connected=True")
        server.clock.pump([0.01] * 300)
        chance = random.Random(8)
        connections = [server.connection() for _ in range(clients)]
        before, ends = wire.messages, server.clock.seconds() + self.SECONDS

        def poll(client: int) -> None:
            for member in members:
                path = f"/api/v1/{entry['device_type']}/0/{member}?ClientID={client}"
                connections[client].send(f"GET {path} HTTP/1.1\r\nHost: memory\r\n\r\n".encode())
            if server.clock.seconds() < ends:
                server.clock.callLater(0.1 + chance.uniform(-0.001, 0.001), poll, client)

        for client in range(clients):
            server.clock.callLater(chance.uniform(0, 0.1), poll, client)
        while server.clock.seconds() < ends + 1:
            server.clock.advance(0.001)
        good = sum(each.received.count(b'"ErrorNumber":0,') for each in connections)
        self.assertGreater(good, clients * len(members) * (10 * self.SECONDS - 2))
        return wire.messages - before

    def test_mount(self) -> None:
        """Ten clients that poll a mount cost no more than a tenth more than one."""
        entry = {"device_type": "telescope", "device_driver": "LX200Telescope", "driver_config": {"port": "COM3"}}
        one, ten = (self.polled(each, SlowLX200(), entry, "rightascension", "declination") for each in (1, 10))
        self.assertLessEqual(ten, 1.1 * one)

    def test_focuser(self) -> None:
        """So do ten that poll a focuser."""
        settings = {"port": "COM3", "max_step": 20000}
        entry = {"device_type": "focuser", "device_driver": "MoonliteFocuser", "driver_config": settings}
        one, ten = (self.polled(each, SlowMoonlite(MoonliteFirmware), entry, "position") for each in (1, 10))
        self.assertLessEqual(ten, 1.1 * one)

    def test_all_that_there_is(self) -> None:
        """And ten that poll DeviceState."""
        settings = {"port": "COM3", "max_step": 20000, "temperature_sensor": False}
        entry = {"device_type": "focuser", "device_driver": "MoonliteFocuser", "driver_config": settings}
        one, ten = (self.polled(each, SlowMoonlite(MoonliteFirmware), entry, "devicestate") for each in (1, 10))
        self.assertLessEqual(ten, 1.1 * one)
