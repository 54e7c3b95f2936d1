"""The conformance kit: for every device type a mix-in of checks that a driver's own tests can run."""

from __future__ import annotations

from collections.abc import Mapping

from pylpaca.conformance.camera import CameraConformance
from pylpaca.conformance.covercalibrator import CoverCalibratorConformance
from pylpaca.conformance.dome import DomeConformance
from pylpaca.conformance.filterwheel import FilterWheelConformance
from pylpaca.conformance.focuser import FocuserConformance
from pylpaca.conformance.observingconditions import ObservingConditionsConformance
from pylpaca.conformance.program import Conformance
from pylpaca.conformance.reach import AtAddress, OverHttp
from pylpaca.conformance.rotator import RotatorConformance
from pylpaca.conformance.safetymonitor import SafetyMonitorConformance
from pylpaca.conformance.switch import SwitchConformance
from pylpaca.conformance.telescope import TelescopeConformance
from pylpaca.interfaces import DEVICE_TYPES

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
