"""The simulators and the template pass the conformance kit."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from drivers.my_dome import MyDomeDriver
from drivers.simulators.dome import DomeSimulator
from drivers.simulators.focuser import FocuserSimulator
from drivers.simulators.safetymonitor import SafetyMonitorSimulator
from pylpaca import conformance
from tests import doubles


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


class SafetyMonitorTests(conformance.SafetyMonitorConformance, SynchronousTestCase):
    driver = SafetyMonitorSimulator
