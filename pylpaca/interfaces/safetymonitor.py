"""The declaration of a safety monitor."""

from __future__ import annotations

from zope.interface import taggedValue

from pylpaca.interfaces.common import IDevice
from pylpaca.interfaces.declaration import State


class ISafetyMonitor(IDevice):
    """Says whether it is safe to observe (ASCOM ISafetyMonitorV3)."""

    taggedValue("device_type", "SafetyMonitor")
    taggedValue("interface_version", 3)

    def IsSafe() -> State[bool]:
        """Whether it is safe to open and to observe."""
