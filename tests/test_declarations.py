"""The declarations against the published API, from a table of facts of our own."""

from __future__ import annotations

import inspect
from enum import IntEnum
from typing import get_type_hints

from twisted.trial.unittest import SynchronousTestCase

from pylpaca.device import BASES
from pylpaca.interfaces import DEVICE_TYPES, IDevice, interface_version, operations
from pylpaca.interfaces.rules import Clamped, Listed, MemberOf, Needs, RefusedWhile, Within

# What the published device API says: type, members read, members written with one parameter of their own name, and methods.
COMMON = """
get connected:bool connecting:bool description:str devicestate:state driverinfo:str driverversion:str interfaceversion:int
get name:str supportedactions:strings
set connected:bool
put connect() disconnect() action(Action:str,Parameters:str):str commandblind(Command:str,Raw:bool)
put commandbool(Command:str,Raw:bool):bool commandstring(Command:str,Raw:bool):str
"""
FACTS = {
    "dome": """
get altitude:float athome:bool atpark:bool azimuth:float canfindhome:bool canpark:bool cansetaltitude:bool
get cansetazimuth:bool cansetpark:bool cansetshutter:bool canslave:bool cansyncazimuth:bool
get shutterstatus:enum slaved:bool slewing:bool
set slaved:bool
put abortslew() closeshutter() findhome() openshutter() park() setpark() slewtoaltitude(Altitude:float)
put slewtoazimuth(Azimuth:float) synctoazimuth(Azimuth:float)
""",
    "focuser": """
get absolute:bool ismoving:bool maxincrement:int maxstep:int position:int stepsize:float tempcomp:bool tempcompavailable:bool
get temperature:float
set tempcomp:bool
put halt() move(Position:int)
""",
    "safetymonitor": "get issafe:bool",
}
VERSIONS = {"dome": 3, "focuser": 4, "safetymonitor": 3}
IN_STATE = {
    "dome": {"Altitude", "AtHome", "AtPark", "Azimuth", "ShutterStatus", "Slewing"},
    "focuser": {"IsMoving", "Position", "Temperature"},
    "safetymonitor": {"IsSafe"},
}
WORDS: dict[object, str] = {bool: "bool", int: "int", float: "float", str: "str", list[str]: "strings", None: ""}


def said(text: str) -> set[str]:
    """A table as lines "VERB member(parameters):returns"."""
    lines = set()
    for line in text.split("\n"):
        kind, *entries = line.split() or [""]
        for entry in entries:
            member, _, returns = entry.partition(":")
            if kind == "get":
                lines.add(f"GET {member}():{returns}")
            elif kind == "set":
                lines.add(f"PUT {member}({member}:{returns}):")
            else:
                call, _, returns = entry.partition(")")
                lines.add(f"PUT {call.lower()}):{returns.removeprefix(':')}")
    return lines


def word(kind: object) -> str:
    if isinstance(kind, type) and issubclass(kind, IntEnum):
        return "enum"
    return WORDS.get(kind, "state")


def declared(interface: object) -> set[str]:
    return {
        f"{each.verb} {each.path}({','.join(f'{p.name.lower()}:{word(p.kind)}' for p in each.parameters)}):{word(each.returns)}"
        for each in operations(interface).values()
    }


class PublishedApiTests(SynchronousTestCase):
    def test_members(self) -> None:
        """Every member of the published API is declared with its verb, parameters and type, and nothing else is."""
        self.assertEqual(set(DEVICE_TYPES), set(FACTS))
        for kind, facts in FACTS.items():
            self.assertEqual(declared(DEVICE_TYPES[kind]), said(COMMON) | said(facts), kind)

    def test_counts(self) -> None:
        """16 common operations; 26, 12 and 1 of the types' own."""
        self.assertEqual(len(operations(IDevice)), 16)
        own = {kind: len(operations(interface)) - 16 for kind, interface in DEVICE_TYPES.items()}
        self.assertEqual(own, {"dome": 25, "focuser": 12, "safetymonitor": 1})

    def test_parameter_spelling(self) -> None:
        """Parameters of a PUT have ASCOM's exact spelling."""
        spelled = {p.name for interface in DEVICE_TYPES.values() for o in operations(interface).values() for p in o.parameters}
        expected = "Connected Action Parameters Command Raw Slaved Altitude Azimuth TempComp Position"
        self.assertEqual(spelled, set(expected.split()))

    def test_versions(self) -> None:
        """The Platform 7 versions of the interfaces."""
        self.assertEqual({kind: interface_version(interface) for kind, interface in DEVICE_TYPES.items()}, VERSIONS)

    def test_device_state(self) -> None:
        """DeviceState has exactly the operational members."""
        for kind, names in IN_STATE.items():
            self.assertEqual({o.member for o in operations(DEVICE_TYPES[kind]).values() if o.in_state}, names)

    def test_while_disconnected(self) -> None:
        """Ten members answer without a connection."""
        open_members = {o.method for o in operations(IDevice).values() if o.while_disconnected}
        self.assertEqual(len(open_members), 11)
        self.assertNotIn("DeviceState", open_members)


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
                    if isinstance(rule, (Needs, RefusedWhile, Listed)):
                        self.assertIn(rule.member, known)
                    if isinstance(rule, (Within, Clamped)):
                        self.assertLessEqual({each for each in (rule.low, rule.high) if isinstance(each, str)}, set(known))
                    if isinstance(rule, (Within, Clamped, Listed, MemberOf)):
                        self.assertIn(rule.parameter, parameters)

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
