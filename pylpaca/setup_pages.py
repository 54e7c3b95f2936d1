"""The pages that a browser shows at /setup."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from html import escape

from pylpaca import daytime
from pylpaca.errors import BadRequest
from pylpaca.management import Management
from pylpaca.roster import Entry, Roster

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title></head>
<body>
<h1>{title}</h1>
{body}
</body>
</html>
"""


def _page(title: str, body: str) -> bytes:
    return _PAGE.format(title=escape(title), body=body).encode()


class SetupPages:
    """Says what the server and each of its devices are, and where their settings stand."""

    def __init__(
        self,
        management: Management,
        roster: Roster,
        config_file: str,
        utc: Callable[[], datetime],
        warning: str = "",
    ) -> None:
        self._management, self._roster, self._config_file = management, roster, config_file
        self._utc, self._warning = utc, warning

    def server(self) -> bytes:
        """The page of the whole server."""
        about = self._management.description()
        rows = "\n".join(self._row(entry) for entry in self._roster)
        doubt = daytime.doubt(self._utc())
        return _page(
            about["ServerName"],
            f"<p>{escape(about['Manufacturer'])} {escape(about['ManufacturerVersion'])}, an ASCOM Alpaca server"
            f"{escape(' in ' + about['Location']) if about['Location'] else ''}.</p>\n"
            f"{f'<p><strong>Beware: {escape(doubt)}.</strong></p>' if doubt else ''}\n"
            f"{f'<p><strong>{escape(self._warning)}</strong></p>' if self._warning else ''}\n"
            f"<table>\n<tr><th>Device</th><th>Type</th><th>Number</th><th>Driver</th></tr>\n{rows}\n</table>\n"
            f"<p>{self._where()}</p>",
        )

    def device(self, kind: str, number: str) -> bytes:
        """
        The page of one device.

        :raises BadRequest: there is no such device.
        """
        entry = self._roster.find(kind, number)
        if entry is None:
            raise BadRequest(f"there is no {kind[:40]} {number[:40]} here; /setup lists the devices", 403)
        settings = {name: getattr(entry.driver.settings, name) for name in type(entry.driver.settings).model_fields}
        fields = type(entry.driver.settings).model_fields
        rows = "\n".join(
            f"<tr><td>{escape(name)}</td><td>{escape(json.dumps(value, default=str))}</td>"
            f"<td>{escape(fields[name].description or '')}</td></tr>"
            for name, value in settings.items()
        )
        table = f"<table>\n<tr><th>Setting</th><th>Value</th><th>Meaning</th></tr>\n{rows}\n</table>"
        return _page(
            entry.driver.name,
            f"<p>{entry.type_name} {entry.number}, driven by {self._driver(entry)}.</p>\n"
            f"{table if settings else '<p>This device has no settings.</p>'}\n"
            f'<p>{self._where()} <a href="/setup">All devices</a></p>',
        )

    def refusal(self, error: BadRequest) -> bytes:
        """The page instead of one that is not there."""
        return _page("Not here", f'<p>{escape(error.sentence)}</p>\n<p><a href="/setup">All devices</a></p>')

    def _row(self, entry: Entry) -> str:
        return (
            f'<tr><td><a href="/setup/v1/{entry.kind}/{entry.number}/setup">{escape(entry.driver.name)}</a></td>'
            f"<td>{entry.type_name}</td><td>{entry.number}</td><td>{self._driver(entry)}</td></tr>"
        )

    def _driver(self, entry: Entry) -> str:
        driver = type(entry.driver)
        return escape(f"{driver.__module__}.{driver.__qualname__}")

    def _where(self) -> str:
        if self._config_file:
            return f"Settings stand in {escape(self._config_file)}; a change needs a restart."
        return "This is the embedded default; start with --config config.json to serve your own devices."
