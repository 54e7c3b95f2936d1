"""What every safety monitor passes."""

from __future__ import annotations

from typing import Any, ClassVar

from pylpaca.interfaces import ISafetyMonitor
from pylpaca.testing.conformance.program import Conformance, part


class SafetyMonitorConformance(Conformance):
    """A safety monitor always says whether it is safe."""

    interface: ClassVar[Any] = ISafetyMonitor

    @part
    async def test_is_safe(self) -> None:
        """IsSafe is a plain yes or no, and never an error while connected."""
        safe = await self.device.IsSafe()
        self.holds(isinstance(safe, bool), f"IsSafe is {safe!r}")
