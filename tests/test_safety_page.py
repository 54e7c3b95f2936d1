"""What docs/safety.md shows is executed, and what its tables say is what is declared."""

from __future__ import annotations

import json
import re
from typing import Any

from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from pylpaca.config import DeadmanSection, read
from pylpaca.errors import DriverError, InvalidOperation
from pylpaca.interfaces import DEVICE_TYPES, SafeState, operations
from pylpaca.safety.interlocks import EXCEPT_TO_SAFETY, MOTION, refused
from pylpaca.testing import MemoryServer
from pylpaca.values import ShutterState
from tests.observatory import Monitor, Mount, device
from tests.test_docs import ROOT, block, blocks, shown

PAGE = "docs/safety.md"
TEXT = (ROOT / PAGE).read_text()


def rows(first_column: str, section: str = "") -> list[list[str]]:
    """The cells of the table whose first column has this head."""
    table = re.search(rf"^\| {first_column} \|.*\n\|[- |]+\n((?:\|.*\n)+)", TEXT[TEXT.index(section) :], re.MULTILINE)
    assert table is not None
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table[1].strip().split("\n")]


def named(cell: str) -> set[str]:
    return set(re.findall(r"`(\w+)`", cell))


class ExamplesTests(SynchronousTestCase):
    def test_roof(self) -> None:
        """The configuration of a roll-off roof is right, warns of nothing, and does what the two examples below it show."""
        configuration = json.loads(blocks(PAGE, "json")[0])
        with capturedLogs() as logs:
            MemoryServer(configuration)
        self.assertEqual([each for each in logs if each["log_namespace"] == "pylpaca.safety.precautions"], [])
        names: dict[str, Any] = {"configuration": configuration}
        for text in ("InvalidOperation.number", 'del device["interlocks"][0]'):
            exec(compile(block(PAGE, text), PAGE, "exec"), names)
        self.assertEqual(names["refused"].error, InvalidOperation.number)

    def test_roof_at_night(self) -> None:
        """With that configuration, a night: opened, slewed, refused in the rain, parked, closed."""
        server = MemoryServer(json.loads(blocks(PAGE, "json")[0]))
        for each in server.roster:
            each.driver.link.vote(True)
        motions = server.driver("telescope").link.motions
        guard, motions.guard = motions.guard, None
        server.put("telescope/0/park")  # by somebody who has looked
        motions.guard = guard
        server.clock.advance(30)
        told: list[tuple[str, int]] = []
        for path, form in (
            ("telescope/0/unpark", {}),  # under the closed roof
            ("dome/0/openshutter", {}),
            ("telescope/0/unpark", {}),
            ("telescope/0/slewtoaltazasync", {"Azimuth": 90, "Altitude": 60}),
            ("dome/0/closeshutter", {}),
            ("safetymonitor/0/action", {"Action": "SimulateUnsafe", "Parameters": ""}),
            ("telescope/0/slewtoaltazasync", {"Azimuth": 10, "Altitude": 60}),
            ("telescope/0/park", {}),
            ("dome/0/closeshutter", {}),
            ("dome/0/openshutter", {}),
        ):
            told.append((path.rpartition("/")[2], server.put(path, **form).error))
            server.clock.advance(30)
        no = InvalidOperation.number
        self.assertEqual([error for _, error in told], [no, 0, 0, 0, no, 0, no, 0, 0, no], told)

    def test_sentence(self) -> None:
        """The refusal that is shown is one."""
        (sentence,) = re.findall(r"^    (Roof may not .*)$", TEXT, re.MULTILINE)
        unless = {"telescope/0": {"AtPark": True}, "safetymonitor/0": {"IsSafe": True}}
        roof = {"device_type": "dome", "device_number": 0, "device_driver": "DomeSimulator", "name": "Roof"}
        entries = [{**roof, "interlocks": [{"refuse": "motion", "unless": unless}]}, device(Mount), device(Monitor)]
        server = MemoryServer({"drivers": entries})
        for kind in ("dome", "telescope"):
            server.put(f"{kind}/0/connected", Connected=True)
        self.assertEqual(server.put("dome/0/closeshutter").json["ErrorMessage"], sentence)

    def test_steps(self) -> None:
        """The steps that are shown are right."""
        content = json.loads(blocks(PAGE, "json")[1])
        simulators = {"telescope": "Telescope", "dome": "Dome", "covercalibrator": "CoverCalibrator"}
        content["drivers"] = [
            {"device_type": kind, "device_number": 0, "device_driver": f"{name}Simulator", "autoconnect": True}
            for kind, name in simulators.items()
        ]
        deadman = MemoryServer(content).precautions.deadman
        assert deadman is not None
        self.assertEqual(
            [(str(step), step.within, step.go_on) for step in deadman.steps],
            [
                ("park telescope/0", 120.0, False),
                ("close dome/0", 300.0, False),
                ("close covercalibrator/0", 300.0, True),
                ("off covercalibrator/0", 300.0, False),
            ],
        )

    def test_deadman(self) -> None:
        """The deadman does what is shown, and the log says what is shown."""
        with capturedLogs() as logs:
            exec(compile(block(PAGE, "pump"), PAGE, "exec"), {"MemoryServer": MemoryServer})
        said = [
            formatEvent(each)
            for each in logs
            if each["log_namespace"] in ("pylpaca.safety.deadman", "pylpaca.safety.safe_states")
        ]
        self.assertEqual(said[1:], re.findall(r"^    (deadman: .*)$", TEXT, re.MULTILINE))

    def test_driver(self) -> None:
        """The roof that asks by itself does not move over a mount that is up, nor over one that cannot say."""
        low_roof = shown("LowRoof", PAGE)
        server = MemoryServer({"drivers": [{**device(low_roof), "device_type": "dome"}, device(Mount)]})
        mount: Any = server.driver("telescope")
        server.put("dome/0/connected", Connected=True)
        refused = server.put("dome/0/closeshutter").json
        self.assertEqual((refused["ErrorNumber"], refused["ErrorMessage"]), (DriverError.number, "telescope/0 is not connected"))
        server.put("telescope/0/connected", Connected=True)
        self.assertEqual(server.put("dome/0/closeshutter").error, InvalidOperation.number)
        mount.parked = True
        self.assertEqual(server.put("dome/0/closeshutter").error, 0)
        self.assertEqual(server.get("dome/0/shutterstatus").value, ShutterState.Closed)


class TablesTests(SynchronousTestCase):
    def test_motion(self) -> None:
        """The table of what counts as motion names exactly what does, for every type that moves."""
        for kind, moving, to_safety in rows("device type"):
            self.assertEqual(named(moving), refused(kind, MOTION), kind)
            self.assertEqual(named(moving) - named(to_safety), refused(kind, EXCEPT_TO_SAFETY), kind)
            for method in named(moving):
                exception = isinstance(operations(DEVICE_TYPES[kind])[method].moves, str)
                self.assertEqual(bool(re.search(rf"`{method}` (but|true)", moving)), exception, method)
        moves = {kind for kind, of in DEVICE_TYPES.items() if any(each.moves for each in operations(of).values())}
        self.assertEqual({kind for kind, *_ in rows("device type")}, moves)

    def test_stops(self) -> None:
        """The sentence about stops names all there are."""
        (sentence,) = re.findall(r"A stop is never held back\*\*: (.*?), and what stops by its value: (.*?)\.", TEXT, re.DOTALL)
        every = [each for of in DEVICE_TYPES.values() for each in operations(of).values()]
        self.assertEqual(named(sentence[0]), {each.method for each in every if each.stops})
        by_value = {each.method for each in every if isinstance(each.moves, str)}
        self.assertEqual(named(sentence[1]), by_value - {"SetDeclinationRate", "SetRightAscensionRate"})

    def test_safe_states(self) -> None:
        """The table of words names every one, the operation, and how it is seen that the device is there."""
        found: set[tuple[str, str, str, frozenset[str]]] = set()
        for kind, word, operation, shows in rows("device type", "## on_exit"):
            found.add((kind, word.strip("`"), operation.strip("`"), frozenset(shows.split(", "))))
        declared = {
            (kind, each.reaches.word, each.method, frozenset(self.said(each.reaches)))
            for kind, of in DEVICE_TYPES.items()
            for each in operations(of).values()
            if each.reaches is not None
        }
        self.assertEqual(found, declared)

    def said(self, state: SafeState) -> list[str]:
        words = {True: "true", False: "false"}
        return [f"`{m}` is {words[value] if isinstance(value, bool) else value.name}" for m, value in state.shows]

    def test_deadman(self) -> None:
        """The table of the deadman's keys has all, and its defaults are those it says."""
        self.assertEqual({key for row in rows("key") for key in named(row[0])}, set(DeadmanSection.model_fields))
        found = read({"drivers": [], "server": {"deadman": {"minutes": 2}}}).server.deadman
        assert found is not None
        self.assertEqual((found.within, found.at_start, found.steps), (300.0, False, None))
