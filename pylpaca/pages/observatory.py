"""What pages know of the server that they show."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from twisted.internet.interfaces import IReactorTime

from pylpaca import daytime
from pylpaca.config import Configuration
from pylpaca.management import Management
from pylpaca.roster import Roster
from pylpaca.threads import OwnThread, at_once


@dataclass
class Observatory:
    """
    The server, as pages see it.

    :ivar utc: the time of day.
    :ivar warning: what whoever looks after the server should think about; "" if nothing.
    :ivar addresses: what people type into a client, known once the ports are open.
    :ivar own_thread: makes threads for what takes long.
    """

    configuration: Configuration
    management: Management
    roster: Roster
    clock: IReactorTime
    utc: Callable[[], datetime]
    warning: str = ""
    addresses: Sequence[str] = field(default_factory=list)
    own_thread: OwnThread = at_once

    @property
    def name(self) -> str:
        """What its owner calls it."""
        return self.configuration.server.name

    @property
    def file(self) -> str:
        """The configuration file, or "" if there is none."""
        return str(self.configuration.source.file or "")

    @property
    def warnings(self) -> list[str]:
        """What people should know before they rely on it."""
        doubt = daytime.doubt(self.utc())
        return [each for each in (doubt and f"Beware: {doubt}.", self.warning) if each]
