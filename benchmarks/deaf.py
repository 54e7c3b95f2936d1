"""A device on a serial line that is connected without a question, and asked one with every GET."""

from __future__ import annotations

from pylpaca.device import SafetyMonitor
from pylpaca.serial import LineFraming, SerialSettings


class DeafMonitor(SafetyMonitor):
    """A sensor that answers nothing if nobody is at the other end of its line."""

    Settings = SerialSettings

    async def connect(self) -> None:
        self.line = await self.open_serial(self.settings, LineFraming(b"\n"))

    async def IsSafe(self) -> bool:
        return await self.line.ask(b"?") == b"1"
