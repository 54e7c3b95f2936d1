"""What drivers are made of: one base class per device type, on which an author writes only what the hardware does."""

from __future__ import annotations

from collections.abc import Mapping

from pylpaca.device.base import Device, NoSettings, Surroundings
from pylpaca.device.camera import Camera
from pylpaca.device.covercalibrator import CoverCalibrator
from pylpaca.device.dome import Dome
from pylpaca.device.filterwheel import FilterWheel
from pylpaca.device.focuser import Focuser
from pylpaca.device.neighbours import Neighbours
from pylpaca.device.observingconditions import ObservingConditions
from pylpaca.device.rotator import Rotator
from pylpaca.device.safetymonitor import SafetyMonitor
from pylpaca.device.switch import Switch
from pylpaca.device.telescope import Telescope
from pylpaca.interfaces import DEVICE_TYPES

# The device type as in a URL -> the class its drivers stand on.
BASES: Mapping[str, type[Device]] = {
    kind: base
    for kind, interface in DEVICE_TYPES.items()
    for base in (
        Camera,
        CoverCalibrator,
        Dome,
        FilterWheel,
        Focuser,
        ObservingConditions,
        Rotator,
        SafetyMonitor,
        Switch,
        Telescope,
    )
    if base.interface is interface
}

__all__ = [
    "BASES",
    "Camera",
    "CoverCalibrator",
    "Device",
    "Dome",
    "FilterWheel",
    "Focuser",
    "Neighbours",
    "NoSettings",
    "ObservingConditions",
    "Rotator",
    "SafetyMonitor",
    "Surroundings",
    "Switch",
    "Telescope",
]
