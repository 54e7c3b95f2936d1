"""What drivers of a safety monitor are made of."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

from zope.interface import implementer

from pylpaca.device.base import Device
from pylpaca.interfaces import ISafetyMonitor, Result


@implementer(ISafetyMonitor)
class SafetyMonitor(Device):
    """A safety monitor: an author writes IsSafe."""

    interface: ClassVar[Any] = ISafetyMonitor

    @abstractmethod
    def IsSafe(self) -> Result[bool]: ...
