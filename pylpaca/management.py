"""What the management API says of the server and its devices."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pylpaca import __version__
from pylpaca.config import ServerSection
from pylpaca.errors import BadRequest
from pylpaca.protocol import Ids, envelope, read_fields, read_ids
from pylpaca.roster import Roster

MANUFACTURER = "pylpaca"


def _ids(query: bytes) -> Ids:
    """The ids of a request; unreadable ones count as not given, so that whoever asks finds the devices."""
    try:
        return read_ids("GET", read_fields("GET", query, b""))
    except BadRequest:
        return Ids()


class Management:
    """Answers /management requests."""

    def __init__(self, server: ServerSection, roster: Roster, next_transaction: Callable[[], int]) -> None:
        self._server, self._roster, self._next_transaction = server, roster, next_transaction
        self.answers: Mapping[str, Callable[[], Any]] = {  # below /management/
            "apiversions": self.api_versions,
            "v1/description": self.description,
            "v1/configureddevices": self.configured_devices,
        }

    def answer(self, what: str, query: bytes) -> bytes:
        """
        The JSON that answers GET /management/{what}.

        :raises BadRequest: there is nothing of this name.
        """
        if what not in self.answers:
            known = ", ".join(f"/management/{each}" for each in self.answers)
            raise BadRequest(f"there is no /management/{what[:60]}; there are {known}", 404)
        return envelope(_ids(query), self._next_transaction(), self.answers[what]())

    def api_versions(self) -> list[int]:
        """Which versions of the Alpaca API there are."""
        return [1]

    def description(self) -> dict[str, str]:
        """What the server is."""
        return {
            "ServerName": self._server.name,
            "Manufacturer": MANUFACTURER,
            "ManufacturerVersion": __version__,
            "Location": self._server.location,
        }

    def configured_devices(self) -> list[dict[str, Any]]:
        """Every device, with the id that never changes."""
        return [
            {
                "DeviceName": entry.driver.name,
                "DeviceType": entry.type_name,
                "DeviceNumber": entry.number,
                "UniqueID": entry.unique_id,
            }
            for entry in self._roster
        ]
