"""The deadman, on a simulated clock: when it begins, in which order, what ends it, and what it says."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from pylpaca import config
from pylpaca.device import Surroundings
from pylpaca.errors import DriverError
from pylpaca.roster import build
from pylpaca.safety import precautions
from pylpaca.state import StateFolder, UniqueIds
from pylpaca.testing import MemoryServer
from tests.doubles import BareDome, SlowFocuser
from tests.observatory import Monitor, Mount, Roof, device
from tests.test_interlocks import PARKED
from tests.test_rules import BareTelescope

MINUTES = 20
SILENCE = 60.0 * MINUTES


class NightTestCase(SynchronousTestCase):
    """A mount and a roof that are connected whatever clients do."""

    steps: Any = None
    more: dict[str, Any] = {}  # noqa: RUF012  # of the deadman
    roof: dict[str, Any] = {}  # noqa: RUF012  # of its entry

    def setUp(self) -> None:
        deadman: dict[str, Any] = {"minutes": MINUTES, **self.more}
        if self.steps is not None:
            deadman["steps"] = self.steps
        entries = [device(Mount, autoconnect=True), device(Roof, autoconnect=True, **self.roof), device(Monitor)]
        self.server = MemoryServer({"server": {"deadman": deadman}, "drivers": entries})
        self.clock = self.server.clock
        self.done: list[str] = []
        self.mount: Any = self.server.driver("telescope")
        self.dome: Any = self.server.driver("dome")
        each: Any
        for each in (self.mount, self.dome):
            each.link.vote(True)
            each.done = self.done

    def client(self) -> None:
        """Somebody asks a device for something."""
        self.server.get("telescope/0/tracking")

    def passes(self, seconds: float) -> list[str]:
        """Time passes; what the log says meanwhile of what was done."""
        with capturedLogs() as logs:
            self.clock.pump([0.5] * int(2 * seconds))
        ours = ("pylpaca.safety.deadman", "pylpaca.safety.safe_states")
        return [formatEvent(each) or "" for each in logs if each["log_namespace"] in ours]


class DefaultTests(NightTestCase):
    def test_in_order(self) -> None:
        """Twenty minutes after the last request the mount is parked, and, when it is there, the roof is closed."""
        self.client()
        self.assertEqual(self.passes(SILENCE - 1), [])
        said = self.passes(1 + self.mount.travel + self.dome.travel + 2)
        self.assertEqual(self.done, ["Mount Park", "Roof CloseShutter"])
        self.assertEqual(
            said,
            [
                "deadman: no client for 20 minutes",
                "deadman: park telescope/0",
                "deadman: park telescope/0 is done",
                "deadman: close dome/0",
                "deadman: close dome/0 is done",
            ],
        )

    def test_roof_waits(self) -> None:
        """The roof does not begin before the mount has arrived."""
        self.client()
        self.passes(SILENCE + self.mount.travel - 0.5)
        self.assertEqual(self.done, ["Mount Park"])

    def test_while_clients_ask(self) -> None:
        """As long as a client asks now and then, nothing is done."""
        for _ in range(10):
            self.client()
            self.passes(SILENCE - 10)
        self.assertEqual(self.done, [])

    def test_nobody_yet(self) -> None:
        """A server that no client has used does nothing."""
        self.passes(3 * SILENCE)
        self.assertEqual(self.done, [])

    def test_what_is_no_client(self) -> None:
        """The management, the pages and requests that name no device or cannot be read are no client."""
        self.client()
        self.passes(SILENCE - 1)
        for path in ("/management/v1/description", "/setup", "/setup/v1/dome/0/setup", "dome/7/slewing", "dome/0/slewin"):
            self.server.get(path)
        self.server.put("dome/0/slewtoaltitude")
        self.passes(2)
        self.assertEqual(self.done, ["Mount Park"])

    def test_refused_request(self) -> None:
        """A request that a device refuses comes from a client all the same."""
        self.client()
        self.passes(SILENCE - 1)
        self.assertEqual(self.server.get("safetymonitor/0/issafe").error, 0x407)
        self.passes(2)
        self.assertEqual(self.done, [])

    def test_once(self) -> None:
        """It is done once, and again only after a client was there again."""
        self.client()
        self.passes(3 * SILENCE)
        self.assertEqual(self.done, ["Mount Park", "Roof CloseShutter"])
        self.server.put("telescope/0/unpark")
        self.passes(SILENCE + 60)
        self.assertEqual(self.done[2:], ["Mount Unpark", "Mount Park"])

    def test_parked_already(self) -> None:
        """What is there already is not told anything."""
        self.mount.parked = True
        self.client()
        self.passes(SILENCE + 60)
        self.assertEqual(self.done, ["Roof CloseShutter"])

    def test_says_at_start(self) -> None:
        """The log says at start what will be done, and when."""
        with capturedLogs() as logs:
            self.setUp()
        said = [formatEvent(each) for each in logs if each["log_namespace"] == "pylpaca.safety.deadman"]
        self.assertEqual(said, ["deadman: 20 minutes after the last request of a device: park telescope/0, close dome/0"])


class BackAgainTests(NightTestCase):
    def test_while_parking(self) -> None:
        """A client that comes back while the mount is parking: that goes on to its end, the roof does not begin."""
        self.client()
        self.passes(SILENCE + 2)
        with capturedLogs() as logs:
            self.client()
        self.assertEqual(
            [formatEvent(each) for each in logs],
            ["deadman: a client is there again: what has begun goes on to its end, nothing else begins"],
        )
        said = self.passes(60)
        self.assertEqual(said, ["deadman: park telescope/0 is done", "deadman: a client is there again; not begun: close dome/0"])
        self.assertEqual((self.done, self.mount.parked), (["Mount Park"], True))

    def test_said_once(self) -> None:
        """A client that asks a hundred times fills no log."""
        self.client()
        self.passes(SILENCE + 2)
        with capturedLogs() as logs:
            for _ in range(100):
                self.client()
        self.assertEqual(len(logs), 1)

    def test_armed_again(self) -> None:
        """Twenty minutes after that client's last request it begins anew."""
        self.client()
        self.passes(SILENCE + 2)
        self.client()
        self.passes(SILENCE - 1)
        self.assertEqual(self.done, ["Mount Park"])
        self.passes(20)
        self.assertEqual(self.done, ["Mount Park", "Roof CloseShutter"])

    def test_before_it_began(self) -> None:
        """One that comes while the mount is still asked where it is, or whether its rules allow it: it is not parked."""
        for after in (0.5, 1.5):
            self.setUp()
            self.mount.latency = lambda member: 1.0
            self.client()
            self.passes(SILENCE + after)
            self.server.get("dome/0/slewing")
            said = self.passes(60)
            self.assertEqual(self.done, [])
            self.assertRegex(said[0], "^deadman: park telescope/0 failed: .* was given up before it began")

    def test_while_the_mount_is_looked_at(self) -> None:
        """One that comes while the mount is asked whether it is parked, the last moment before the roof: it does not close."""
        self.mount.parked = True
        self.client()
        self.mount.latency = lambda member: 1.0
        self.passes(SILENCE + 3.5)
        self.assertEqual(self.done, [])
        self.client()
        self.passes(60)
        self.assertEqual(self.done, [])

    def test_while_closing(self) -> None:
        """One that comes while the roof closes finds it closed."""
        self.client()
        self.passes(SILENCE + 13)
        self.assertEqual(self.done, ["Mount Park", "Roof CloseShutter"])
        self.client()
        self.assertIn("deadman: close dome/0 is done", self.passes(60))


class StoppingTests(NightTestCase):
    def test_waiting(self) -> None:
        """A server that stops does nothing any more."""
        self.client()
        self.server.precautions.stop()
        self.client()
        self.passes(2 * SILENCE)
        self.assertEqual((self.done, self.clock.getDelayedCalls()), ([], []))

    def test_running(self) -> None:
        """One that stops while the mount is parking does not begin with the roof, and says so."""
        self.client()
        self.passes(SILENCE + 2)
        self.server.precautions.stop()
        said = self.passes(5)
        self.assertEqual(
            said,
            [
                "deadman: park telescope/0 failed: Park was begun and is not watched any more: the server stops",
                "deadman: the server stops; not begun: close dome/0",
            ],
        )
        self.assertEqual(self.clock.getDelayedCalls(), [])


class AtStartTests(NightTestCase):
    more = {"at_start": True}  # noqa: RUF012

    def test_without_a_client(self) -> None:
        """If it is said so, a server that was restarted in the night does not wait for a client that is gone."""
        self.passes(SILENCE + 60)
        self.assertEqual(self.done, ["Mount Park", "Roof CloseShutter"])


class InterlockedTests(NightTestCase):
    roof = {"interlocks": [PARKED, {"refuse": ["CloseShutter"], "unless": {"safetymonitor/0": {"IsSafe": True}}}]}  # noqa: RUF012

    def test_respected(self) -> None:
        """What an interlock refuses to clients it refuses to the deadman."""
        self.client()
        self.assertIn(
            "deadman: close dome/0 failed: Dome 0 may not CloseShutter: safetymonitor/0 is not connected",
            self.passes(SILENCE + 60),
        )
        self.assertEqual(self.done, ["Mount Park"])


class StepsTests(NightTestCase):
    steps = ["park telescope/0", {"step": "park dome/0", "within": 5}, {"step": "close dome/0", "go_on": True}]  # noqa: RUF012

    def test_as_said(self) -> None:
        """Steps that are given are done in their order; a dome that follows the mount is told not to before it is parked."""
        self.dome.slaved = True
        self.client()
        self.passes(SILENCE + 60)
        self.assertEqual(self.done, ["Mount Park", "Roof Slaved False", "Roof Park", "Roof CloseShutter"])

    def test_too_late(self) -> None:
        """A step that does not get there in its time ends the rest."""
        self.patch(type(self.dome), "AtPark", lambda dome: False)
        self.client()
        said = self.passes(SILENCE + 60)
        self.assertEqual(
            said[-2:],
            [
                "deadman: park dome/0 failed: Park was begun, but after 5 s dome/0 AtPark is false",
                "deadman: park dome/0 failed; not begun: close dome/0",
            ],
        )


class GoOnTests(NightTestCase):
    steps = [{"step": "park telescope/0", "within": 5, "go_on": True}, "close dome/0"]  # noqa: RUF012

    def test_go_on(self) -> None:
        """If a step says so, the next one begins although it failed."""
        self.client()
        said = self.passes(SILENCE + 60)
        self.assertIn("deadman: park telescope/0 failed: Park was begun, but after 5 s telescope/0 AtPark is false", said)
        self.assertEqual(self.done, ["Mount Park", "Roof CloseShutter"])


class UnruledTests(SynchronousTestCase):
    def test_back_before_it_began(self) -> None:
        """An operation without a rule does not begin either, if the client comes back while the device is asked where it is."""
        entries = [device(HaltingFocuser, autoconnect=True)]
        server = MemoryServer({"server": {"deadman": {"minutes": MINUTES, "steps": ["halt focuser/0"]}}, "drivers": entries})
        focuser: Any = server.driver("focuser")
        focuser.link.vote(True)
        server.get("focuser/0/name")
        server.clock.advance(SILENCE)
        server.get("focuser/0/name")
        focuser.asked.pop().callback(True)
        self.assertEqual(focuser.halted, 0)


class HaltingFocuser(SlowFocuser):
    """Counts how often it is halted."""

    halted = 0

    def Halt(self) -> None:
        self.halted += 1


Fault = Callable[[Any, Random], None]


def raises(member: str) -> Fault:
    """The member raises."""

    def fault(mount: Any, random: Random) -> None:
        def fail(*_: Any) -> Any:
            raise random.choice((DriverError("the mount is cold"), ZeroDivisionError("a bug")))

        setattr(mount, member, fail)

    return fault


def answers(member: str, *answers: Any) -> Fault:
    """The member answers one of these."""

    def fault(mount: Any, random: Random) -> None:
        answer = random.choice(answers)
        setattr(mount, member, lambda *_: answer)

    return fault


def hangs(member: str) -> Fault:
    """The member never answers."""

    def fault(mount: Any, random: Random) -> None:
        setattr(mount, member, lambda *_: Deferred())

    return fault


def stuck(mount: Any, random: Random) -> None:
    """It never arrives."""
    mount.travel = 1e9


def cable_out(mount: Any, random: Random) -> None:
    """It is lost, before or while it is parking."""
    mount.clock.callLater(random.uniform(0, SILENCE + 12), mount.link.lost, DriverError("the cable is out"))
    mount.connect = raises_cable


def raises_cable() -> None:
    raise DriverError("the cable is out")


def slow(mount: Any, random: Random) -> None:
    """It takes its time to answer; that is no fault."""
    mount.latency = lambda member: random.uniform(0, 1.5)


def leaves(mount: Any, random: Random) -> None:
    """It says for a moment that it is parked, and is not any more when the roof asks."""
    count = iter((True, *[False] * 10_000))
    mount.AtPark = lambda: next(count)
    mount.Park = lambda: None


def nothing(mount: Any, random: Random) -> None:
    """All is well."""


FAULTS: list[Fault] = [
    nothing,
    slow,
    stuck,
    cable_out,
    leaves,
    *(raises(member) for member in ("Park", "AtPark", "Slewing", "CanPark")),
    *(hangs(member) for member in ("Park", "AtPark", "Slewing", "CanPark")),
    answers("AtPark", False, 1, "yes", None),
    answers("Slewing", True, 0, None),
    answers("CanPark", False, None),
]


class SeededTests(NightTestCase):
    """Nights with mounts that fail in every way, clients that come back at any time, and roofs with an interlock or without."""

    NIGHTS = 120

    def test_order(self) -> None:
        """In every one of them the roof closes over a parked mount only; one that fails leaves it open, and the log says why."""
        self.outcomes = Counter(self.night(seed) for seed in range(self.NIGHTS))
        self.assertEqual(self.outcomes["wrong"], 0)
        self.assertGreater(self.outcomes["closed"], 0)
        self.assertGreater(self.outcomes["left open, told why"], self.NIGHTS // 2)

    def night(self, seed: int) -> str:
        """How one of them ended."""
        random = Random(seed)
        self.roof = random.choice(({}, {"interlocks": [PARKED]}))
        self.steps = random.choice((None, ["park telescope/0", "close dome/0"]))
        self.setUp()
        fault = FAULTS[seed % len(FAULTS)]
        truth: list[bool] = []
        closes = self.dome._go

        def closing(what: str, to_open: bool) -> None:
            truth.append(self.mount.parked and not self.mount.moves)
            closes(what, to_open)

        self.dome._go = closing
        self.client()
        fault(self.mount, random)
        comes_back = random.random() < 0.2
        said = self.passes(SILENCE + random.uniform(0, 15))
        if comes_back:
            self.server.get("dome/0/name")
        said += self.passes(700)
        self.flushLoggedErrors()
        if not all(truth) or (truth and self.done.index("Mount Park") > self.done.index("Roof CloseShutter")):
            return "wrong"
        if truth:
            return "closed"
        return "left open, told why" if any("failed: " in each or "not begun" in each for each in said) else "wrong"


class MistakesTests(SynchronousTestCase):
    def told(self, deadman: Any, *entries: dict[str, Any]) -> list[str]:
        content = {"drivers": list(entries or (device(Mount), device(Roof))), "server": {"deadman": deadman}}
        text = json.dumps(content)
        read = config.read(content, text)
        server = MemoryServer()
        roster, _ = build(read, Surroundings(server.clock), UniqueIds(StateFolder(Path("in memory"))))
        _, unsafe = precautions.read(read, roster, server.clock)
        return [f"{config.dotted(each.place)}: {each.sentence}" for each in (*read.mistakes, *unsafe)]

    def seeded(self) -> Iterator[tuple[Any, str]]:
        yield {}, "server.deadman.minutes: is missing: minutes without a request of a device"
        yield {"minutes": 1}, "server.deadman.minutes: should be greater than or equal to 2, not 1"
        yield {"minutes": "20"}, 'server.deadman.minutes: should be a valid number, not "20"'
        yield {"minute": 20, "minutes": 20}, "server.deadman.minute: is not known here; did you mean 'minutes'?"
        yield {"minutes": 20, "steps": []}, "server.deadman.steps: List should have at least 1 item"
        yield {"minutes": 20, "steps": "park"}, "server.deadman.steps: should be a list in brackets"
        yield (
            {"minutes": 20, "steps": [{"step": "park telescope/0", "goon": True}]},
            "server.deadman.steps[0].goon: is not known here; did you mean 'go_on'?",
        )
        for step, sentence in (
            ("park telescope/1", "there is no device 'telescope/1' in this configuration; did you mean 'telescope/0'?"),
            ("prak telescope/0", "a telescope cannot be told to 'prak'; did you mean 'park'?"),
            ("open dome/0", "a dome cannot be told to 'open'; known: close, park"),
            ("park", "there is no device '' in this configuration; known: telescope/0, dome/0"),
        ):
            yield {"minutes": 20, "steps": [step]}, f"server.deadman.steps[0].step: {sentence}"

    def test_seeded(self) -> None:
        """Each mistake is told at its place, with what there is instead."""
        for deadman, sentence in self.seeded():
            (told,) = self.told(deadman)
            self.assertTrue(told.startswith(sentence), told)

    def test_cannot(self) -> None:
        """What a driver cannot do, or nobody could see, is a mistake."""
        entries = (device(BareDome), device(Monitor), device(BareTelescope))
        steps = ["close dome/0", "park telescope/0", "close safetymonitor/0"]
        told = [each.partition("step: ")[2] for each in self.told({"minutes": 20, "steps": steps}, *entries)]
        self.assertEqual(
            told,
            [
                "BareDome, the driver of dome/0, cannot do this: it leaves CloseShutter out",
                "BareTelescope, the driver of telescope/0, cannot do this: it leaves Park out",
                "a safetymonitor cannot be told to 'close'; there is no safe state of it to go to",
            ],
        )

    def test_nothing_to_do(self) -> None:
        """A deadman without steps, for a server without mounts and domes that can, would do nothing."""
        (told,) = self.told({"minutes": 20}, device(BareDome), device(Monitor))
        self.assertEqual(told, 'server.deadman: there is no telescope to park and no dome to close: say "steps"')


class WarningTests(SynchronousTestCase):
    def warned(self, server: dict[str, Any], *entries: dict[str, Any]) -> list[str]:
        with capturedLogs() as logs:
            MemoryServer({"server": server, "drivers": list(entries)})
        return [formatEvent(each) or "" for each in logs if each["log_namespace"] == "pylpaca.safety.precautions"]

    def test_not_autoconnect(self) -> None:
        """A device that clients may disconnect is told at start: it would not be parked then."""
        (told,) = self.warned({"deadman": {"minutes": 20}}, device(Mount), device(Roof, autoconnect=True))
        self.assertEqual(
            told,
            "telescope/0 is not autoconnect: park telescope/0 does nothing once the last client that connected it has "
            "disconnected it",
        )

    def test_does_not_look(self) -> None:
        """A roof that would close without looking at the mount is told; with an interlock it is not."""
        mount, close = device(Mount, autoconnect=True), {"deadman": {"minutes": 20, "steps": ["close dome/0"]}}
        (told,) = self.warned(close, mount, device(Roof, autoconnect=True))
        self.assertEqual(
            told,
            "close dome/0 does not look at any telescope: if that can be in the way, give dome/0 an interlock for CloseShutter",
        )
        self.assertEqual(self.warned(close, mount, device(Roof, autoconnect=True, interlocks=[PARKED])), [])

    def test_locked_out(self) -> None:
        """An interlock that keeps a mount from being parked when it is not safe is told."""
        interlock = {"refuse": "motion", "unless": {"safetymonitor/0": {"IsSafe": True}}}
        (told,) = self.warned({}, device(Mount, interlocks=[interlock]), device(Monitor))
        self.assertEqual(
            told,
            'telescope/0 may not Park when it is not safe, as an interlock says; "motion except to safety" would let it',
        )
