"""A driver with secrets in its settings, which it tells to everybody."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, SecretStr

from pylpaca.device import SafetyMonitor
from pylpaca.errors import DriverError


class Secretive(SafetyMonitor):
    """It logs its secrets, and fails with them."""

    class Settings(BaseModel):
        password: str = ""
        apiKey: str = ""
        nested: dict[str, Any] = {}  # pydantic copies it
        url: str = ""
        word: SecretStr = SecretStr("")
        port: str = ""

    def secrets(self) -> str:
        """All of them in a text."""
        given = self.settings
        return f"{given.password} {given.apiKey} {given.nested} {given.url} {given.word.get_secret_value()}"

    def connect(self) -> None:
        self.log.info("my secrets: {secrets}", secrets=self.secrets())

    def IsSafe(self) -> bool:
        raise DriverError(f"nobody answers at {self.secrets()}")

    def DriverInfo(self) -> str:
        raise ValueError(self.secrets())
