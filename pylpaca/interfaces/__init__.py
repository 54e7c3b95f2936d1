"""The ASCOM device types, each declared once; everything else is derived from these declarations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pylpaca.interfaces.common import IDevice
from pylpaca.interfaces.declaration import (
    Operation,
    Parameter,
    Put,
    Result,
    State,
    device_type,
    interface_version,
    operations,
    rule,
)
from pylpaca.interfaces.dome import IDome
from pylpaca.interfaces.focuser import IFocuser
from pylpaca.interfaces.safetymonitor import ISafetyMonitor

# The device type as in a URL -> its declaration.
DEVICE_TYPES: Mapping[str, Any] = {device_type(interface).lower(): interface for interface in (IDome, IFocuser, ISafetyMonitor)}

__all__ = [
    "DEVICE_TYPES",
    "IDevice",
    "IDome",
    "IFocuser",
    "ISafetyMonitor",
    "Operation",
    "Parameter",
    "Put",
    "Result",
    "State",
    "device_type",
    "interface_version",
    "operations",
    "rule",
]
