"""Other ways to reach the device that is checked: over HTTP in memory, and at any address in real time."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, ClassVar

from treq.client import HTTPClient
from twisted.internet.defer import Deferred
from twisted.web.client import Agent, HTTPConnectionPool

from pylpaca.client import Session, remote
from pylpaca.interfaces import device_type
from pylpaca.testing import MemoryServer
from pylpaca.testing.conformance.program import Conformance


class OverHttp(Conformance):
    """
    The same checks through the client, HTTP and the server, in memory; stands before the mix-in of the device type.

        class MyFocuserOverHttpTests(OverHttp, FocuserConformance, SynchronousTestCase):
            driver = MyFocuser
    """

    def setUp(self) -> None:
        super().setUp()
        self.reach_server(self.server)

    def reach_server(self, server: MemoryServer, number: int = 0) -> None:
        """Say which device of which server is checked."""
        self.server, self.clock = server, server.clock
        session = Session(server.http(), server.clock)
        kind = device_type(self.interface).lower()
        self.device = remote(self.interface, session, f"http://memory/api/v1/{kind}/{number}")


class AtAddress(Conformance):
    """
    The same checks of a device of any server, in real time; stands before the mix-in of the device type.

        class TheirFocuserTests(AtAddress, FocuserConformance, TestCase):
            address = "192.168.1.20:11111"
    """

    address: ClassVar[str]
    number: ClassVar[int] = 0
    timeout = 3600.0  # seconds; trial's

    def setUp(self) -> None:
        from twisted.internet import reactor

        self.reach(reactor, self.address, self.number)

    def reach(self, reactor: Any, address: str, number: int = 0) -> None:
        """Say which device is checked."""
        self.clock = reactor
        self.pool = HTTPConnectionPool(reactor)
        session = Session(HTTPClient(Agent(reactor, pool=self.pool)), reactor)
        kind = device_type(self.interface).lower()
        self.device = remote(self.interface, session, f"http://{address}/api/v1/{kind}/{number}")

    def tearDown(self) -> Any:
        return self.pool.closeCachedConnections()

    def perform(self, check: Coroutine[Any, Any, None]) -> Any:
        return Deferred.fromCoroutine(check)
