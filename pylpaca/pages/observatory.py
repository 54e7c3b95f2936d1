"""What pages know of the server that they show."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from twisted.internet.interfaces import IReactorTime

from pylpaca import daytime
from pylpaca.config import Configuration
from pylpaca.discreet import Discretion
from pylpaca.management import Management
from pylpaca.pages.token import Token
from pylpaca.questions import Questions
from pylpaca.roster import Roster
from pylpaca.settings.reopening import Reopening
from pylpaca.showing import duration
from pylpaca.threads import OwnThread
from pylpaca.viewing import Viewing
from pylpaca.watching.records import Records


@dataclass
class Discovery:
    """
    How the server is found.

    :ivar port: the UDP port; None: it is off.
    :ivar works: whether questions are answered.
    :ivar asked: when the last one was, if there was any.
    :ivar by: the address that it came from.
    """

    utc: Callable[[], datetime]
    port: int | None = None
    works: bool = False
    asked: datetime | None = None
    by: str = ""

    def heard(self, host: str) -> None:
        """A question was answered."""
        self.asked, self.by = self.utc(), host

    @property
    def lamp(self) -> str:
        """As that of a device."""
        return "connected" if self.works else "disconnected" if self.port is None else "failed"

    @property
    def text(self) -> str:
        """What people are told of it."""
        if not self.works:
            why = "is off" if self.port is None else f"does not work: UDP port {self.port} cannot be opened"
            return f"Discovery {why}. Type an address into your software instead."
        if self.asked is None:
            return f"Discovery answers on UDP port {self.port}; nobody has asked yet."
        return f"Discovery answers on UDP port {self.port}; last asked at {self.asked:%H:%M:%S} UTC by {self.by}."


@dataclass
class Observatory:
    """
    The server, as pages see it.

    :ivar utc: the time of day.
    :ivar reopening: gives devices other settings.
    :ivar records: what the server keeps of its own doings.
    :ivar discreet: takes out of a text what must not be told.
    :ivar own_thread: makes threads for what takes long.
    :ivar in_thread: one of them, for what asks the system.
    :ivar warning: what whoever looks after the server should think about; "" if nothing.
    :ivar addresses: what people type into a client, known once the ports are open.
    :ivar token: what a form of this server knows.
    """

    management: Management
    roster: Roster
    viewing: Viewing
    questions: Questions
    clock: IReactorTime
    utc: Callable[[], datetime]
    reopening: Reopening
    records: Records
    discreet: Discretion
    own_thread: OwnThread
    warning: str = ""
    addresses: Sequence[str] = field(default_factory=list)
    token: Token = field(default_factory=Token)

    def __post_init__(self) -> None:
        self.discovery = Discovery(self.utc)
        self.in_thread = self.own_thread("diagnostics")
        self._began = self.clock.seconds()

    @property
    def configuration(self) -> Configuration:
        """What is in effect now."""
        return self.reopening.configuration

    @property
    def name(self) -> str:
        """What its owner calls it."""
        return self.configuration.server.name

    @property
    def uptime(self) -> str:
        """How long it has run."""
        return duration(self.clock.seconds() - self._began)

    @property
    def told(self) -> Mapping[str, Any]:
        """What pages that are looked at are told of the server."""
        found = self.discovery
        asked = {"time": found.asked.isoformat() if found.asked else "", "from": found.by, "text": found.text, "lamp": found.lamp}
        return {"uptime_text": self.uptime, "discovery": asked}

    @property
    def file(self) -> str:
        """The configuration file, or "" if there is none."""
        return str(self.configuration.source.file or "")

    @property
    def warnings(self) -> list[str]:
        """What people should know before they rely on it."""
        doubt = daytime.doubt(self.utc())
        return [each for each in (doubt and f"Beware: {doubt}.", self.warning) if each]
