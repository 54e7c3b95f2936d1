"""The ASCOM device types, each declared once; everything else is derived from these declarations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pylpaca.interfaces.camera import ICamera
from pylpaca.interfaces.common import IDevice
from pylpaca.interfaces.covercalibrator import ICoverCalibrator
from pylpaca.interfaces.declaration import (
    Operation,
    Parameter,
    Put,
    Result,
    SafeState,
    State,
    device_type,
    interface_version,
    operations,
    rule,
)
from pylpaca.interfaces.dome import IDome
from pylpaca.interfaces.filterwheel import IFilterWheel
from pylpaca.interfaces.focuser import IFocuser
from pylpaca.interfaces.observingconditions import IObservingConditions
from pylpaca.interfaces.rotator import IRotator
from pylpaca.interfaces.safetymonitor import ISafetyMonitor
from pylpaca.interfaces.switch import ISwitch
from pylpaca.interfaces.telescope import ITelescope

# The device type as in a URL -> its declaration.
DEVICE_TYPES: Mapping[str, Any] = {
    device_type(interface).lower(): interface
    for interface in (
        ICamera,
        ICoverCalibrator,
        IDome,
        IFilterWheel,
        IFocuser,
        IObservingConditions,
        IRotator,
        ISafetyMonitor,
        ISwitch,
        ITelescope,
    )
}

__all__ = [
    "DEVICE_TYPES",
    "ICamera",
    "ICoverCalibrator",
    "IDevice",
    "IDome",
    "IFilterWheel",
    "IFocuser",
    "IObservingConditions",
    "IRotator",
    "ISafetyMonitor",
    "ISwitch",
    "ITelescope",
    "Operation",
    "Parameter",
    "Put",
    "Result",
    "SafeState",
    "State",
    "device_type",
    "interface_version",
    "operations",
    "rule",
]
