"""A simulated safety monitor."""

from __future__ import annotations

from pydantic import Field

from pylpaca.device import NoSettings, SafetyMonitor


class SafetyMonitorSimulator(SafetyMonitor):
    """A safety monitor that says what it is told to say, by its settings or by an action."""

    class Settings(NoSettings):
        safe: bool = Field(default=True, description="whether it is safe when the device is connected")

    settings: Settings

    def connect(self) -> None:
        self._safe = self.settings.safe

    def SupportedActions(self) -> list[str]:
        return ["SimulateSafe", "SimulateUnsafe"]

    def Action(self, Action: str, Parameters: str) -> str:
        self._safe = Action == "SimulateSafe"
        return ""

    def IsSafe(self) -> bool:
        return self._safe
