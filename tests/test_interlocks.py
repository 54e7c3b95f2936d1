"""Interlocks: what a device may not do unless others say so."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from pylpaca import config
from pylpaca.device import Surroundings
from pylpaca.errors import DriverError, InvalidOperation, InvalidValue, NotConnected, OperationCancelled
from pylpaca.interfaces import DEVICE_TYPES, operations
from pylpaca.roster import build
from pylpaca.safety import precautions
from pylpaca.safety.interlocks import EXCEPT_TO_SAFETY, MOTION, Wrong, refused
from pylpaca.state import StateFolder, UniqueIds
from pylpaca.testing import Connection, MemoryServer
from tests.doubles import BareDome
from tests.naive import NaiveSwitch
from tests.observatory import Monitor, Mount, Roof, device

PARKED = {"refuse": ["CloseShutter", "Park"], "unless": {"telescope/0": {"AtPark": True}}}
OPEN = {"refuse": MOTION, "unless": {"dome/0": {"ShutterStatus": "Open"}}}
SAFE = {"refuse": EXCEPT_TO_SAFETY, "unless": {"safetymonitor/0": {"IsSafe": True}}}


class InterlockTestCase(SynchronousTestCase):
    roof: list[Any] = []  # noqa: RUF012  # the interlocks of each
    mount: list[Any] = []  # noqa: RUF012
    more: list[Any] = []  # noqa: RUF012

    def setUp(self) -> None:
        entries = [device(Mount, interlocks=self.mount), device(Roof, interlocks=self.roof), device(Monitor), *self.more]
        self.server = MemoryServer({"drivers": entries})
        for entry in self.server.roster:
            self.server.put(f"{entry.kind}/{entry.number}/connected", Connected=True)
        self.done: list[str] = []
        for kind in ("telescope", "dome", "safetymonitor"):
            self.drives(kind).done = self.done

    def drives(self, kind: str) -> Any:
        return self.server.driver(kind)

    def put(self, path: str, **form: Any) -> Connection:
        """A request whose answer may take time."""
        body = "&".join(f"{name}={value}" for name, value in form.items()).encode()
        return self.server.begin("PUT", path, body, {"Content-Type": "application/x-www-form-urlencoded"})

    def told(self, connection: Connection) -> tuple[int, str]:
        """What it was answered."""
        self.server.clock.advance(0)
        answer = connection.answer()
        assert answer is not None
        return answer.error, answer.json["ErrorMessage"]

    def close(self) -> tuple[int, str]:
        return self.told(self.put("dome/0/closeshutter"))


class RefusalTests(InterlockTestCase):
    roof = [PARKED]  # noqa: RUF012

    def test_refused(self) -> None:
        """The roof does not close while the mount is not parked, and the client reads why; so does the log."""
        with capturedLogs() as logs:
            self.assertEqual(self.close(), (InvalidOperation.number, "Dome 0 may not CloseShutter: telescope/0 AtPark is false"))
        self.assertEqual(
            [each["sentence"] for each in logs if each["log_namespace"] == "pylpaca.safety.interlocks"], [self.close()[1]]
        )
        self.assertEqual(self.done, [])

    def test_allowed(self) -> None:
        """It closes when the mount is parked."""
        self.drives("telescope").parked = True
        self.assertEqual(self.close(), (0, ""))
        self.assertEqual(self.done, ["Roof CloseShutter"])

    def test_others_are_not_touched(self) -> None:
        """What no interlock names is as ever."""
        self.assertEqual(self.server.put("dome/0/openshutter").error, 0)

    def test_not_connected(self) -> None:
        """A mount that is not connected cannot say that it is parked."""
        self.server.put("telescope/0/connected", Connected=False)
        self.assertEqual(self.close(), (InvalidOperation.number, "Dome 0 may not CloseShutter: telescope/0 is not connected"))

    def test_not_answering(self) -> None:
        """A mount that does not answer in two seconds refuses; that its answer would have been yes does not count any more."""
        mount = self.drives("telescope")
        mount.parked, mount.latency = True, lambda member: None
        connection = self.put("dome/0/closeshutter")
        self.server.clock.advance(1.9)
        self.assertIsNone(connection.answer())
        self.server.clock.advance(0.1)
        sentence = "Dome 0 may not CloseShutter: no answer from AtPark of telescope/0 in 2 s"
        self.assertEqual(self.told(connection), (InvalidOperation.number, sentence))
        mount.answer()
        self.assertEqual(self.done, [])

    def test_answers_in_time(self) -> None:
        """One that takes a second is waited for."""
        mount = self.drives("telescope")
        mount.parked, mount.latency = True, lambda member: 1.0
        connection = self.put("dome/0/closeshutter")
        self.server.clock.advance(1.0)
        self.assertEqual(self.told(connection), (0, ""))

    def test_own_rules_first(self) -> None:
        """What ASCOM's own rules refuse is told as ever, and nobody else is asked."""
        self.server.put("dome/0/connected", Connected=False)
        self.assertEqual(self.server.put("dome/0/closeshutter").error, NotConnected.number)
        self.server.put("dome/0/connected", Connected=True)
        self.drives("dome").slaved = True
        self.assertEqual(self.server.put("dome/0/park").error, 0x409)

    def test_given_up_before_it_began(self) -> None:
        """A client that was told that there was no answer does not see the roof close afterwards."""
        roof, mount = self.drives("dome"), self.drives("telescope")
        mount.parked, mount.latency = True, lambda member: 1.5
        object.__setattr__(self.server.roster.entries["dome", 0], "deadline", 1.0)
        connection = self.put("dome/0/closeshutter")
        self.server.clock.advance(1.0)
        self.assertIn("no answer from CloseShutter", self.told(connection)[1])
        self.server.clock.advance(1.0)
        self.assertEqual((self.done, roof.open), ([], True))

    def test_disconnected_before_it_began(self) -> None:
        """Nor does one begin on a link that was closed, and opened again, while it waited."""
        mount = self.drives("telescope")
        mount.parked, mount.latency = True, lambda member: 1.0
        connection = self.put("dome/0/closeshutter")
        for connected in (False, True):
            self.server.put("dome/0/connected", Connected=connected)
        self.drives("dome").done = self.done
        self.server.clock.advance(1.0)
        self.assertEqual(self.told(connection)[0], OperationCancelled.number)
        self.assertEqual(self.done, [])


class WrongAnswerTests(InterlockTestCase):
    mount = [SAFE]  # noqa: RUF012

    def slews(self) -> tuple[int, str]:
        return self.told(self.put("telescope/0/slewtoaltazasync", Azimuth=1, Altitude=40))

    def test_every_answer_but_yes(self) -> None:
        """A monitor that answers anything but true, or fails in any way, refuses."""
        answers: list[tuple[Any, str]] = [
            (False, "safetymonitor/0 IsSafe is false"),
            (DriverError("the sensor is wet"), "safetymonitor/0 IsSafe: the sensor is wet"),
            (ZeroDivisionError("by zero"), "safetymonitor/0 IsSafe failed: ZeroDivisionError: by zero"),
            (1, "safetymonitor/0 IsSafe: the driver's IsSafe gave 1, which is not"),
            ("True", "safetymonitor/0 IsSafe: the driver's IsSafe gave 'True', which is not"),
            (None, "safetymonitor/0 IsSafe: the driver's IsSafe gave None, which is not"),
        ]
        for answer, sentence in answers:
            self.drives("safetymonitor").safe = answer
            number, told = self.slews()
            self.assertEqual(number, InvalidOperation.number)
            self.assertIn(f"Telescope 0 may not SlewToAltAzAsync: {sentence}", told)
        self.assertEqual(self.done, [])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_yes(self) -> None:
        """While it is safe, it slews."""
        self.assertEqual(self.slews(), (0, ""))

    def test_to_safety(self) -> None:
        """While it is not safe the mount can still be parked, which closing the roof may need."""
        self.drives("safetymonitor").safe = False
        self.assertEqual(self.server.put("telescope/0/park").error, 0)
        self.assertEqual(self.done, ["Mount Park"])

    def test_rules_first(self) -> None:
        """A value out of range is told before anybody else is asked."""
        self.drives("safetymonitor").safe = False
        self.assertEqual(self.server.put("telescope/0/slewtoaltazasync", Azimuth=1, Altitude=91).error, InvalidValue.number)


class StopTests(InterlockTestCase):
    mount = [SAFE, {"refuse": ["MoveAxis", "SetTracking"], "unless": {"dome/0": {"Slewing": True}}}]  # noqa: RUF012
    roof = [SAFE]  # noqa: RUF012

    def test_always_allowed(self) -> None:
        """Whatever ends a motion passes at once, whoever does not answer."""
        self.drives("safetymonitor").latency = lambda member: None
        for path, form in (
            ("telescope/0/abortslew", {}),
            ("telescope/0/moveaxis", {"Axis": 0, "Rate": 0}),
            ("telescope/0/tracking", {"Tracking": False}),
            ("dome/0/abortslew", {}),
            ("dome/0/slaved", {"Slaved": False}),
        ):
            self.assertEqual(self.server.put(path, **form).error, 0, path)
        self.assertEqual(len(self.done), 5)

    def test_every_stop_of_every_type(self) -> None:
        """No word of an interlock takes a stop in, and none can be named."""
        stops = [(kind, each) for kind, of in DEVICE_TYPES.items() for each in operations(of).values() if each.stops]
        self.assertEqual(len(stops), 8)
        for kind, operation in stops:
            for word in (MOTION, EXCEPT_TO_SAFETY):
                if any(each.moves for each in operations(DEVICE_TYPES[kind]).values()):
                    self.assertNotIn(operation.method, refused(kind, word))
            self.assertIn("nothing stands in the way of a stop", str(self.assertRaises(Wrong, refused, kind, operation.method)))

    def waiting_slew(self) -> Connection:
        self.drives("safetymonitor").latency = lambda member: 1.0
        return self.put("telescope/0/slewtoaltazasync", Azimuth=1, Altitude=40)

    def test_stop_overtakes(self) -> None:
        """A slew that still waits for its interlock when a stop is asked for does not begin after the stop."""
        slew = self.waiting_slew()
        self.assertEqual(self.server.put("telescope/0/abortslew").error, 0)
        self.server.clock.advance(1.0)
        self.assertEqual(self.told(slew)[0], OperationCancelled.number)
        self.assertEqual(self.done, ["Mount AbortSlew"])

    def test_asked_after_the_stop(self) -> None:
        """One that is asked for after the stop does."""
        self.server.put("telescope/0/abortslew")
        slew = self.waiting_slew()
        self.server.clock.advance(1.0)
        self.assertEqual(self.told(slew), (0, ""))

    def test_one_axis(self) -> None:
        """Rate 0 stops its own axis only: what waits to move the other one does move it."""
        self.drives("dome").began = self.server.clock.seconds()  # it moves
        self.drives("safetymonitor").latency = lambda member: 1.0
        first, second = (self.put("telescope/0/moveaxis", Axis=axis, Rate=2) for axis in (0, 1))
        self.assertEqual(self.server.put("telescope/0/moveaxis", Axis=0, Rate=0).error, 0)
        self.server.clock.advance(1.0)
        self.assertEqual((self.told(first)[0], self.told(second)[0]), (OperationCancelled.number, 0))
        self.assertEqual(self.done, ["Mount MoveAxis 0 0", "Mount MoveAxis 1 2"])

    def test_to_safety_overtakes(self) -> None:
        """A slew that waits does not begin once the mount was told to park: it would take it away from there again."""
        slew = self.waiting_slew()
        self.assertEqual(self.server.put("telescope/0/park").error, 0)
        self.server.clock.advance(1.0)
        self.assertEqual(self.told(slew)[0], OperationCancelled.number)
        self.assertEqual(self.done, ["Mount Park"])


class TwoToSafetyTests(InterlockTestCase):
    roof = [{"refuse": ["CloseShutter"], "unless": {"telescope/0": {"AtPark": True}}}]  # noqa: RUF012

    def test_both(self) -> None:
        """A roof that is told to close and then to park does both: one way to safety does not give up another."""
        mount = self.drives("telescope")
        mount.parked, mount.latency = True, lambda member: 1.0
        closing = self.put("dome/0/closeshutter")
        self.assertEqual(self.server.put("dome/0/park").error, 0)
        self.server.clock.advance(1.0)
        self.assertEqual(self.told(closing), (0, ""))
        self.assertEqual(self.done, ["Roof Park", "Roof CloseShutter"])


class ExclusionTests(InterlockTestCase):
    roof = [{"refuse": MOTION, "unless": {"telescope/0": {"AtPark": True, "Slewing": False}}}]  # noqa: RUF012
    mount = [OPEN]  # noqa: RUF012
    NIGHTS = 60

    def test_close_then_unpark(self) -> None:
        """Of two calls that exclude each other the first one wins, though neither was answered when the other came."""
        mount = self.drives("telescope")
        mount.parked, mount.latency = True, lambda member: 0.5
        closing = self.put("dome/0/closeshutter")
        unparking = self.put("telescope/0/unpark")
        self.server.clock.pump([0.1] * 20)
        self.assertEqual(self.told(closing), (0, ""))
        self.assertEqual(self.told(unparking)[1], "Telescope 0 may not Unpark: dome/0 ShutterStatus is Closing")
        self.assertEqual(self.done, ["Roof CloseShutter"])

    def test_unpark_then_close(self) -> None:
        """And the other way round."""
        mount = self.drives("telescope")
        mount.parked, mount.latency = True, lambda member: 0.5
        unparking = self.put("telescope/0/unpark")
        closing = self.put("dome/0/closeshutter")
        self.server.clock.pump([0.1] * 20)
        self.assertEqual(self.told(unparking), (0, ""))
        self.assertEqual(self.told(closing)[1], "Dome 0 may not CloseShutter: telescope/0 AtPark is false")
        self.assertEqual(self.done, ["Mount Unpark"])

    def test_unanswered_order(self) -> None:
        """While the mount has not answered an order, nobody knows where it will be: the roof stays."""
        mount = self.drives("telescope")
        mount.parked, mount.latency = True, lambda member: None if member == "Unpark" else 0.0
        self.put("telescope/0/unpark")
        mount.parked = True  # it has not begun
        closing = self.put("dome/0/closeshutter")
        self.server.clock.advance(2.0)
        sentence = "no answer from Unpark of telescope/0, which was asked for before in 2 s"
        self.assertEqual(self.told(closing), (InvalidOperation.number, f"Dome 0 may not CloseShutter: {sentence}"))

    def test_connected_anew(self) -> None:
        """An order that is never answered is forgotten with the link that it was given on."""
        self.test_unanswered_order()
        for connected in (False, True):
            self.server.put("telescope/0/connected", Connected=connected)
        self.drives("telescope").parked = True
        self.assertEqual(self.close(), (0, ""))

    def test_seeded(self) -> None:
        """Whatever is asked in whatever order, however slowly they answer: they never move, and are never in each other's way."""
        self.begun = Counter(each for seed in range(self.NIGHTS) for each in self.night(seed))
        self.assertEqual(set(self.begun), {"Mount Park", "Mount Unpark", "Mount Slew", "Roof OpenShutter", "Roof CloseShutter"})

    def night(self, seed: int) -> list[str]:
        """Clients ask for anything at any time; what was done."""
        self.setUp()
        random = Random(seed)
        mount, roof = self.drives("telescope"), self.drives("dome")
        mount.parked = True
        mount.travel, roof.travel = random.uniform(0.5, 3.0), random.uniform(0.5, 3.0)
        slowest = random.choice((0.0, 0.3, 2.5))
        mount.latency = roof.latency = lambda member: random.choice((0.0, random.uniform(0.0, slowest)))
        asks: list[tuple[str, dict[str, Any]]] = [
            ("telescope/0/park", {}),
            ("telescope/0/unpark", {}),
            ("telescope/0/slewtoaltazasync", {"Azimuth": 1, "Altitude": 40}),
            ("dome/0/openshutter", {}),
            ("dome/0/closeshutter", {}),
        ]
        for _ in range(150):
            if random.random() < 0.4:
                path, form = random.choice(asks)
                self.put(path, **form)
            self.server.clock.advance(random.choice((0.0, 0.05, 0.3)))
            mount._look()
            is_open = roof.open and not roof.moves
            self.assertTrue(is_open or (mount.parked and not mount.moves), f"seed {seed}: {self.done}")
        return self.done


class ConditionTests(InterlockTestCase):
    more = [device(NaiveSwitch)]  # noqa: RUF012
    roof = [  # noqa: RUF012
        {"refuse": ["CloseShutter"], "unless": {"switch/0": {"GetSwitch(1)": False}, "safetymonitor/0": {"IsSafe": False}}},
        {"refuse": ["CloseShutter", "OpenShutter"], "unless": {"Telescope/0": {"Name": "Telescope 0"}}},
    ]

    def test_all_reasons(self) -> None:
        """Every condition that does not hold is told; a switch is asked by its number."""
        self.assertEqual(
            self.close()[1], "Dome 0 may not CloseShutter: switch/0 GetSwitch(1) is true; safetymonitor/0 IsSafe is true"
        )

    def test_text(self) -> None:
        """A text is compared, too, and a member that answers without a connection is asked without one."""
        self.server.put("telescope/0/connected", Connected=False)
        self.assertEqual(self.server.put("dome/0/openshutter").error, 0)


class ActionTests(InterlockTestCase):
    mount = [{"refuse": ["CommandBlind"], "unless": {"safetymonitor/0": {"IsSafe": True}}}]  # noqa: RUF012

    def test_any_operation(self) -> None:
        """An operation that is not known to move anything can be named; one that a driver leaves out stays left out."""
        self.drives("safetymonitor").safe = False
        self.assertEqual(self.server.put("telescope/0/commandblind", Command="x", Raw=True).error, 0x400)


class SeededMistakesTests(SynchronousTestCase):
    def told(self, roof: str, more: str = "") -> list[str]:
        """What is wrong with interlocks of a roof, each with its line; they begin in line 4."""
        entries = [device(Mount), device(Monitor), device(NaiveSwitch), device(BareDome, 1)]
        text = '{"drivers": [\n' + ",\n".join(json.dumps(each) for each in entries[:1]) + ",\n"
        text += json.dumps(device(Roof))[:-1] + f', "interlocks": [\n{roof}\n]}},\n'
        text += ",".join(json.dumps(each) for each in entries[1:]) + more + "]}"
        read = config.read(json.loads(text), text)
        server = MemoryServer()
        roster, mistakes = build(read, Surroundings(server.clock), UniqueIds(StateFolder(Path("in memory"))))
        _, unsafe = precautions.read(read, roster, server.clock)
        return [f"{each.line} {each}".replace("drivers[1].interlocks", "…") for each in [*read.mistakes, *mistakes, *unsafe]]

    def test_mistakes(self) -> None:
        """Each mistake is told with its line, its place, and what there is instead."""
        parked = {"telescope/0": {"AtPark": True}}

        def refuse(what: Any) -> dict[str, Any]:
            return {"refuse": what, "unless": parked}

        def unless(device: str, **members: Any) -> dict[str, Any]:
            return {"refuse": "CloseShutter", "unless": {device: members}}

        seeded: list[tuple[dict[str, Any], str]] = [
            (refuse("CloseShuter"), "refuse[0]: a dome has no operation 'CloseShuter'; did you mean 'CloseShutter'?"),
            (refuse("Slaved"), "refuse[0]: Slaved is read, and never refused; did you mean 'SetSlaved'?"),
            (refuse("AbortSlew"), "refuse[0]: AbortSlew is a stop: nothing stands in the way of a stop"),
            (refuse("Disconnect"), "refuse[0]: Disconnect is about the connection, which is never refused"),
            (refuse("moton"), "refuse[0]: a dome has no operation 'moton'; did you mean 'motion'?"),
            (refuse([]), "refuse: List should have at least 1 item"),
            ({"refuse": "Park"}, "unless: is missing"),
            ({"refuse": "Park", "unles": parked}, "unles: is not known here; did you mean 'unless'?"),
            ({"refuse": "Park", "unless": {}}, "unless: Dictionary should have at least 1 item"),
            (unless("telescope/0"), 'unless.telescope/0: says nothing: write {"AtPark": true}'),
            (
                unless("telescope/1", AtPark=True),
                "telescope/1: there is no device 'telescope/1' in this configuration; did you mean 'telescope/0'?",
            ),
            (unless("telescope", AtPark=True), "there is no device 'telescope'"),
            (
                unless("telescope/0", AtPrak=True),
                "AtPrak: a telescope answers no 'AtPrak' that could be compared; did you mean 'AtPark'?",
            ),
            (unless("telescope/0", AtPark="true"), 'AtPark: AtPark is true or false, not "true"'),
            (
                unless("telescope/0", Altitude=30),
                "Altitude: Altitude is measured, and never exactly one value: let a safetymonitor",
            ),
            (unless("dome/0", ShutterStatus="Opened"), "ShutterStatus is never \"Opened\"; did you mean 'Open'?"),
            (unless("dome/0", ShutterStatus=9), "ShutterStatus: ShutterStatus is never 9; known: Open, Closed"),
            (unless("switch/0", GetSwitch=True), "GetSwitch: GetSwitch needs its Id: write GetSwitch(0)"),
            (unless("telescope/0", **{"AtPark(0)": True}), "AtPark(0): AtPark takes no number"),
            (unless("switch/0", MaxSwitch=True), "MaxSwitch: MaxSwitch is a whole number, not true"),
            (unless("switch/0", Name=1), "Name: Name is a text, not 1"),
            (
                unless("dome/1", AtPark=True),
                "AtPark: BareDome, the driver of dome/1, leaves AtPark out: it would refuse always",
            ),
        ]
        for interlock, sentence in seeded:
            told = self.told(json.dumps(interlock))
            self.assertTrue(all(each.startswith("4 ") for each in told), told)
            self.assertIn(sentence, "\n".join(told))

    def test_nothing_moves(self) -> None:
        """Of a device of which nothing is known to move, motion cannot be refused."""
        monitor = device(Monitor, 1, interlocks=[{"refuse": MOTION, "unless": {"telescope/0": {"AtPark": True}}}])
        (told,) = self.told('{"refuse": "motion", "unless": {"telescope/0": {"AtPark": true}}}', "," + json.dumps(monitor))
        self.assertIn("nothing of a safetymonitor is known to move: name its operations", told)

    def test_a_device_that_cannot_be_built(self) -> None:
        """What is wrong with a device is not told again by the interlocks that ask it."""
        broken = device(Mount, 1, driver_config={"nonsense": 1})
        told = self.told('{"refuse": "motion", "unless": {"telescope/1": {"AtPark": true}}}', "," + json.dumps(broken))
        self.assertEqual(len(told), 1)
        self.assertIn("nonsense: is not known here", told[0])

    def test_several(self) -> None:
        """All mistakes of one interlock are told at once."""
        told = self.told('{"refuse": ["Opn", "Cls"],\n"unless": {"telescope/0": {"At": true},\n"dome/7": {"Slewing": true}}}')
        self.assertEqual([each.split()[0] for each in told], ["4", "4", "5", "6"])


class WordTests(SynchronousTestCase):
    def test_motion(self) -> None:
        """Motion is all that moves a device; but to safety, all that does not end in a safe state."""
        self.assertEqual(refused("dome", MOTION) - refused("dome", EXCEPT_TO_SAFETY), {"CloseShutter", "Park"})
        self.assertEqual(refused("telescope", MOTION) - refused("telescope", EXCEPT_TO_SAFETY), {"Park"})
        self.assertEqual(
            refused("dome", EXCEPT_TO_SAFETY), {"SetSlaved", "OpenShutter", "FindHome", "SlewToAltitude", "SlewToAzimuth"}
        )
