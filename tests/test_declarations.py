"""The declarations against the published API, from a table of facts of our own."""

from __future__ import annotations

import dataclasses
import inspect
from datetime import datetime
from enum import IntEnum
from typing import Any, get_args, get_origin, get_type_hints

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from pylpaca.device import BASES
from pylpaca.interfaces import DEVICE_TYPES, IDevice, interface_version, operations
from pylpaca.interfaces.observingconditions import SENSORS
from pylpaca.interfaces.rules import Needs, RefusedWhile, Within
from pylpaca.values import Frame
from tests.published_api import COMMON, NOT_PUBLISHED, OPENAPI, facts, from_openapi, openapi_file

VERSIONS = {
    "camera": 4,
    "covercalibrator": 2,
    "dome": 3,
    "filterwheel": 3,
    "focuser": 4,
    "observingconditions": 2,
    "rotator": 4,
    "safetymonitor": 3,
    "switch": 3,
    "telescope": 4,
}
IN_STATE = {
    "camera": "CCDTemperature CameraState CoolerPower HeatSinkTemperature ImageReady IsPulseGuiding PercentCompleted",
    "covercalibrator": "Brightness CalibratorChanging CalibratorState CoverMoving CoverState",
    "dome": "Altitude AtHome AtPark Azimuth ShutterStatus Slewing",
    "filterwheel": "Position",
    "focuser": "IsMoving Position Temperature",
    "observingconditions": " ".join(SENSORS),
    "rotator": "IsMoving MechanicalPosition Position",
    "safetymonitor": "IsSafe",
    "switch": "GetSwitch GetSwitchValue StateChangeComplete",
    "telescope": "Altitude AtHome AtPark Azimuth Declination IsPulseGuiding RightAscension SideOfPier SiderealTime Slewing "
    "Tracking UTCDate",
}
STOPS = {
    "camera": "AbortExposure StopExposure",
    "covercalibrator": "HaltCover",
    "dome": "AbortSlew",
    "focuser": "Halt",
    "rotator": "Halt",
    "switch": "CancelAsync",
    "telescope": "AbortSlew",
}
MOVES = {  # with the parameter that makes it a stop when it is false or 0
    "camera": "PulseGuide",
    "covercalibrator": "CloseCover OpenCover",
    "dome": "CloseShutter FindHome OpenShutter Park SetSlaved(Slaved) SlewToAltitude SlewToAzimuth",
    "filterwheel": "SetPosition",
    "focuser": "Move SetTempComp(TempComp)",
    "rotator": "Move MoveAbsolute MoveMechanical",
    "telescope": "FindHome MoveAxis(Rate) Park PulseGuide SetDeclinationRate(DeclinationRate) "
    "SetRightAscensionRate(RightAscensionRate) SetSideOfPier SetTracking(Tracking) SlewToAltAz SlewToAltAzAsync "
    "SlewToCoordinates SlewToCoordinatesAsync SlewToTarget SlewToTargetAsync Unpark",
}
SAFE = {
    "camera": {"abort": "AbortExposure: CameraState 0"},
    "covercalibrator": {"close": "CloseCover: CoverState 1", "off": "CalibratorOff: CalibratorState 1"},
    "dome": {"close": "CloseShutter: ShutterStatus 1", "park": "Park: AtPark 1, Slewing 0"},
    "focuser": {"halt": "Halt: IsMoving 0"},
    "rotator": {"halt": "Halt: IsMoving 0"},
    "telescope": {"park": "Park: AtPark 1, Slewing 0"},
}
WORDS: dict[object, str] = {bool: "bool", int: "int", float: "float", str: "str", datetime: "str", Frame: "image"}


def word(kind: Any) -> str:
    """A type as the published API knows it."""
    if get_origin(kind) is list:
        return f"list of {word(get_args(kind)[0])}"
    if isinstance(kind, type) and issubclass(kind, IntEnum):
        return "int"
    return WORDS.get(kind, "object")


def declared() -> set[str]:
    """What we declare, in the lines of the published API."""
    lines = set()
    for kind, interface in DEVICE_TYPES.items():
        for each in operations(interface).values():
            parameters = ",".join(f"{parameter.name}:{word(parameter.kind)}" for parameter in each.parameters)
            returns = f" -> {word(each.returns)}" if each.returns_value else ""
            owner = COMMON if each.method in operations(IDevice) else kind
            lines.add(f"{owner} {each.verb} {each.path}({parameters}){returns}")
    return lines


class PublishedApiTests(SynchronousTestCase):
    def test_facts(self) -> None:
        """Every operation of the published API is declared, with its verb, parameters and types, and no other."""
        self.assertEqual(declared() - NOT_PUBLISHED, facts())
        self.assertEqual((len(facts()), len(declared())), (268, 269))

    def test_openapi(self) -> None:
        """The same against the official file, where there is one."""
        path = openapi_file()
        if path is None:
            raise SkipTest(f"no AlpacaDeviceAPI_v1.yaml here: name one in the environment as {OPENAPI}")
        self.assertEqual(declared() - NOT_PUBLISHED, from_openapi(path))

    def test_parameter_spelling(self) -> None:
        """Parameters have the exact spelling of the published API: the names in a PUT are case-sensitive."""
        spelled = {
            each.name for interface in DEVICE_TYPES.values() for o in operations(interface).values() for each in o.parameters
        }
        published = {part.partition(":")[0] for line in facts() for part in line.partition("(")[2].partition(")")[0].split(",")}
        self.assertEqual(spelled, published - {""})

    def test_versions(self) -> None:
        """The Platform 7 versions of the interfaces."""
        self.assertEqual({kind: interface_version(interface) for kind, interface in DEVICE_TYPES.items()}, VERSIONS)

    def test_device_state(self) -> None:
        """DeviceState has exactly the operational members."""
        for kind, names in IN_STATE.items():
            found = {o.member for o in operations(DEVICE_TYPES[kind]).values() if o.in_state}
            self.assertEqual(found, set(names.split()), kind)

    def test_while_disconnected(self) -> None:
        """Eleven operations answer without a connection."""
        answering = {o.method for o in operations(IDevice).values() if o.while_disconnected}
        self.assertEqual(len(answering), 11)
        self.assertNotIn("DeviceState", answering)

    def test_deadlines(self) -> None:
        """Only the synchronous slews may take long; to connect takes as long as clients wait."""
        slow = {o.method: o.deadline for i in DEVICE_TYPES.values() for o in operations(i).values() if o.deadline != 4.0}
        expected = {"SetConnected": 4.5, "SlewToAltAz": 90.0, "SlewToCoordinates": 90.0, "SlewToTarget": 90.0}
        self.assertEqual(slow, expected)


class MotionTests(SynchronousTestCase):
    """What moves, what stops, and what brings a device to safety."""

    def test_stops(self) -> None:
        """What only ends what moves or works."""
        found = {
            kind: " ".join(o.method for o in operations(interface).values() if o.stops)
            for kind, interface in DEVICE_TYPES.items()
        }
        self.assertEqual({kind: names for kind, names in found.items() if names}, STOPS)

    def test_moves(self) -> None:
        """What sets a part of a device in motion, and how it is told to end that."""
        found: dict[str, str] = {}
        for kind, interface in DEVICE_TYPES.items():
            moving = [o for o in operations(interface).values() if o.moves]
            if moving:
                found[kind] = " ".join(o.method + (f"({o.moves})" if isinstance(o.moves, str) else "") for o in moving)
        self.assertEqual(found, MOVES)

    def test_with_arguments(self) -> None:
        """MoveAxis moves, but at rate 0 it stops; what has no such parameter always moves; what reads does neither."""
        telescope = operations(DEVICE_TYPES["telescope"])
        for name, arguments, moves, stops in (
            ("MoveAxis", {"Axis": 0, "Rate": -2.0}, True, False),
            ("MoveAxis", {"Axis": 0, "Rate": 0.0}, False, True),
            ("SetTracking", {"Tracking": True}, True, False),
            ("SetTracking", {"Tracking": False}, False, True),
            ("Park", {}, True, False),
            ("AbortSlew", {}, False, True),
            ("Tracking", {}, False, False),
        ):
            operation = telescope[name]
            self.assertEqual((operation.sets_in_motion(arguments), operation.only_stops(arguments)), (moves, stops), name)

    def test_safe_states(self) -> None:
        """Which word is which operation, and how it is seen that the device is there."""
        found: dict[str, dict[str, str]] = {}
        for kind, interface in DEVICE_TYPES.items():
            for operation in operations(interface).values():
                if operation.reaches is not None:
                    shows = ", ".join(f"{member} {int(value)}" for member, value in operation.reaches.shows)
                    found.setdefault(kind, {})[operation.reaches.word] = f"{operation.method}: {shows}"
        self.assertEqual(found, SAFE)

    def test_they_name_what_there_is(self) -> None:
        """What these marks name is declared; what brings a device to safety needs nothing to be said with it."""
        for interface in DEVICE_TYPES.values():
            known = operations(interface)
            for operation in known.values():
                if isinstance(operation.moves, str):
                    self.assertIn(operation.moves, [each.name for each in operation.parameters])
                if (state := operation.reaches) is None:
                    continue
                self.assertEqual(operation.parameters, ())
                for member, value in [*state.shows, *([state.coming] if state.coming else [])]:
                    self.assertIsInstance(value, known[member].returns)
                if state.before is not None:
                    self.assertEqual(known[state.before[0]].returns, bool)
                    self.assertEqual([each.kind for each in known[state.before[1]].parameters], [bool])
                if state.after:
                    self.assertIn(state.after, DEVICE_TYPES)


class ReadingTests(SynchronousTestCase):
    def test_units(self) -> None:
        """Units stand with the values and the parameters."""
        dome = operations(DEVICE_TYPES["dome"])
        self.assertEqual(dome["Azimuth"].unit, "degrees")
        self.assertEqual(dome["SlewToAzimuth"].parameters[0].unit, "degrees")

    def test_rules_in_order(self) -> None:
        """Capability before value before state, however they were declared."""
        rules = operations(DEVICE_TYPES["dome"])["SlewToAzimuth"].rules
        self.assertEqual([type(rule) for rule in rules], [Needs, Within, RefusedWhile])
        self.assertEqual(rules[1], Within(0, 360, open_end=True, parameter="Azimuth"))

    def test_every_rule_names_what_there_is(self) -> None:
        """A rule that names a member or a parameter that does not exist would never hold."""
        for interface in DEVICE_TYPES.values():
            known = operations(interface)
            for operation in known.values():
                parameters = {each.name for each in operation.parameters}
                for rule in operation.rules:
                    named = dataclasses.asdict(rule)  # type: ignore[call-overload]  # every rule is a dataclass
                    bounds = {each for each in (named.get("low"), named.get("high")) if isinstance(each, str)}
                    members = bounds | {named.get("member"), named.get("names")} - {None, ""}
                    self.assertLessEqual({each for each in members if each}, set(known), operation.method)
                    said = {named.get("parameter"), named.get("light")} - {None, ""}
                    self.assertLessEqual(said, parameters, operation.method)
                    if isinstance(rule, (Needs, RefusedWhile)) and rule.only_if:
                        self.assertIn(rule.only_if, parameters)

    def test_every_member_is_described(self) -> None:
        """Each declaration says in words what the member is."""
        for interface in DEVICE_TYPES.values():
            for operation in operations(interface).values():
                self.assertRegex(operation.doc, r"^[A-Z].*\.", operation.method)


class BaseClassTests(SynchronousTestCase):
    def test_bases_equal_interfaces(self) -> None:
        """The base classes have the members of their interfaces, with the same parameters and annotations."""
        self.assertEqual(set(BASES), set(DEVICE_TYPES))
        for kind, base in BASES.items():
            self.assertIs(base.interface, DEVICE_TYPES[kind])
            for name, operation in operations(base.interface).items():
                method = getattr(base, name)
                hints = get_type_hints(method, include_extras=True)
                own = {parameter.name: parameter.kind for parameter in operation.parameters}
                self.assertEqual(list(inspect.signature(method).parameters)[1:], list(own), f"{kind}.{name}")
                bare = get_type_hints(method)
                self.assertEqual({each: bare[each] for each in own}, own, f"{kind}.{name}")
                declared_function = DEVICE_TYPES[kind][name].getTaggedValue("function")
                wanted = get_type_hints(declared_function)["return"]
                self.assertEqual(bare["return"], wanted, f"{kind}.{name}")
                self.assertIn("return", hints)
