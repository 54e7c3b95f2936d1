"""Every simulator passes its kit, in memory and through client and HTTP in memory; so do the template and the naive drivers."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

import drivers.simulators
from drivers.my_dome import MyDomeDriver
from drivers.simulators.dome import DomeSimulator
from drivers.simulators.focuser import FocuserSimulator
from drivers.simulators.safetymonitor import SafetyMonitorSimulator
from pylpaca import errors
from pylpaca.interfaces import DEVICE_TYPES
from pylpaca.roster import find_driver, simulators
from pylpaca.testing import conformance
from tests import doubles
from tests.faults import Bare


class DomeTests(conformance.DomeConformance, SynchronousTestCase):
    driver = DomeSimulator


class MyDomeTests(conformance.DomeConformance, SynchronousTestCase):
    driver = MyDomeDriver


class BareDomeTests(conformance.DomeConformance, SynchronousTestCase):
    driver = doubles.BareDome


class FocuserTests(conformance.FocuserConformance, SynchronousTestCase):
    driver = FocuserSimulator


class RelativeFocuserTests(conformance.FocuserConformance, SynchronousTestCase):
    driver = FocuserSimulator
    settings = {"absolute": False}  # noqa: RUF012


class NaiveFocuserTests(conformance.FocuserConformance, SynchronousTestCase):
    driver = doubles.NaiveFocuser


class ChecksItself(FocuserSimulator):
    """A driver with a `check` of its own."""

    def check(self, line: object) -> None:
        raise AssertionError("it is none of the kit's")


class ChecksItselfTests(conformance.FocuserConformance, SynchronousTestCase):
    driver = ChecksItself


class SafetyMonitorTests(conformance.SafetyMonitorConformance, SynchronousTestCase):
    driver = SafetyMonitorSimulator


# What a simulator refuses by itself, each stricter than the rules: all others are the framework's.
OWN_REFUSALS = {
    ("camera", "InvalidValue"),
    ("observingconditions", "InvalidValue"),
    ("telescope", "InvalidValue"),
    ("switch", "OperationCancelled"),
}


class EverySimulatorTests(SynchronousTestCase):
    def test_naive(self) -> None:
        """The simulators conform without checks of their own: they never look at ranges, capabilities or states for a refusal."""
        refusals = {
            name for name, each in vars(errors).items() if isinstance(each, type) and issubclass(each, errors.AlpacaError)
        }
        found = set()
        for kind in DEVICE_TYPES:
            source = Path(drivers.simulators.__path__[0]) / f"{kind}.py"
            for node in ast.walk(ast.parse(source.read_text())):
                if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and isinstance(node.exc.func, ast.Name):
                    found |= {(kind, node.exc.func.id)} & {(kind, name) for name in refusals - {"MemberNotImplemented"}}
        self.assertEqual(found, OWN_REFUSALS)

    def test_kits(self) -> None:
        """There is a kit and a simulator for every device type."""
        self.assertEqual(set(conformance.KITS), set(DEVICE_TYPES))
        self.assertEqual({each.entry.device_type for each in simulators().devices}, set(DEVICE_TYPES))

    def passes(self, *ways: type) -> None:
        for each in simulators().devices:
            kit = conformance.KITS[each.entry.device_type]
            driver = find_driver(each.entry.device_driver)
            check: Any = type(kit.__name__, (*ways, kit, Bare), {"driver": driver})()
            for test in ("test_connecting", "test_program_twice"):
                check.setUp()
                getattr(check, test)()

    def test_in_memory(self) -> None:
        """Each passes the whole program twice in a row, asked in memory."""
        self.passes()

    def test_over_http(self) -> None:
        """Each passes the whole program twice in a row, through the client, HTTP and the server."""
        self.passes(conformance.OverHttp)
