"""The conformance kit: for every device type a mix-in of checks that a driver's own tests can run."""

from __future__ import annotations

from collections.abc import Mapping

from pylpaca.interfaces import DEVICE_TYPES
from pylpaca.testing.conformance.camera import CameraConformance
from pylpaca.testing.conformance.covercalibrator import CoverCalibratorConformance
from pylpaca.testing.conformance.dome import DomeConformance
from pylpaca.testing.conformance.filterwheel import FilterWheelConformance
from pylpaca.testing.conformance.focuser import FocuserConformance
from pylpaca.testing.conformance.observingconditions import ObservingConditionsConformance
from pylpaca.testing.conformance.program import Conformance
from pylpaca.testing.conformance.reach import AtAddress, OverHttp
from pylpaca.testing.conformance.rotator import RotatorConformance
from pylpaca.testing.conformance.safetymonitor import SafetyMonitorConformance
from pylpaca.testing.conformance.switch import SwitchConformance
from pylpaca.testing.conformance.telescope import TelescopeConformance

# The device type as in a URL -> its kit.
KITS: Mapping[str, type[Conformance]] = {
    kind: kit
    for kind, interface in DEVICE_TYPES.items()
    for kit in (
        CameraConformance,
        CoverCalibratorConformance,
        DomeConformance,
        FilterWheelConformance,
        FocuserConformance,
        ObservingConditionsConformance,
        RotatorConformance,
        SafetyMonitorConformance,
        SwitchConformance,
        TelescopeConformance,
    )
    if kit.interface is interface
}

__all__ = [
    "KITS",
    "AtAddress",
    "CameraConformance",
    "Conformance",
    "CoverCalibratorConformance",
    "DomeConformance",
    "FilterWheelConformance",
    "FocuserConformance",
    "ObservingConditionsConformance",
    "OverHttp",
    "RotatorConformance",
    "SafetyMonitorConformance",
    "SwitchConformance",
    "TelescopeConformance",
]
