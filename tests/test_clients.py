"""Many clients of one server: who holds a device, and those that hang up in mid call."""

from __future__ import annotations

import gc
from typing import Any
from weakref import WeakSet

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from pylpaca.errors import DriverError
from pylpaca.protocol import FORM
from pylpaca.testing import Connection, MemoryServer
from tests.clients import agree

SLOW = [{"device_type": "focuser", "device_number": number, "device_driver": "tests.doubles:SlowFocuser"} for number in (0, 1)]
MOODY = {"device_type": "safetymonitor", "device_number": 0, "device_driver": "tests.clients:MoodyMonitor"}


class HolderTableTests(SynchronousTestCase):
    def test_three_clients(self) -> None:
        """Whatever three clients do, the holders of a device's link are those of the table; `tox -e chaos` looks for longer."""
        self.assertGreaterEqual(agree(300), 300)


class HangingUpTests(SynchronousTestCase):
    CLIENTS = 50  # `tox -e chaos` has a thousand, over real sockets

    def setUp(self) -> None:
        self.server = MemoryServer({"drivers": [*SLOW, MOODY]})
        self.drivers: list[Any] = [self.server.driver("focuser", number) for number in (0, 1)]
        for number in (0, 1):
            self.server.put(f"focuser/{number}/connected", Connected=True)

    def begun(self, number: int) -> Connection:
        """A call of one of the clients that is under way."""
        peer = f"192.0.2.{number}"
        if number % 2:
            return self.server.begin("GET", "focuser/0/maxstep", peer=peer)
        return self.server.begin("PUT", "focuser/1/move", b"Position=%d" % number, {"Content-Type": FORM}, peer)

    def test_calls_run_on(self) -> None:
        """Who hangs up in mid call cancels nothing that a driver has begun, and nothing is left of him, however the call ends."""
        connections = [self.begun(number) for number in range(1, self.CLIENTS + 1)]
        left = WeakSet(connection._protocol for connection in connections)
        left.update(request for connection in connections for request in connection._protocol.requests)
        self.assertEqual(len(left), 2 * self.CLIENTS)
        shared, own = (len(driver.asked) for driver in self.drivers)  # who asks the same shares a call
        self.assertEqual((shared, own), (1, self.CLIENTS // 2))
        for connection in connections:
            connection.hang_up()
        self.assertEqual(([driver.cancelled for driver in self.drivers], self.server.site.census.count), ([0, 0], 0))
        for answer, driver in zip((7, None), self.drivers, strict=True):
            for number, asked in enumerate(driver.asked):
                if number % 3:
                    asked.callback(answer)
                else:
                    asked.errback(DriverError("stuck"))
        self.assertEqual([each for each in self.server.clock.getDelayedCalls() if each.active()], [])
        del connections, connection, asked
        for driver in self.drivers:
            driver.asked.clear()
        gc.collect()
        self.assertEqual(list(left), [])

    def test_late_answer(self) -> None:
        """A call that answers after its deadline, too, long after its client went, is no fault."""
        connection = self.begun(1)
        connection.hang_up()
        self.server.clock.advance(5.0)
        self.drivers[0].asked[0].callback(7)
        self.assertEqual((self.drivers[0].cancelled, connection.received), (0, b""))

    def test_while_it_connects(self) -> None:
        """A device that is being connected is connected, though the one that asked for it is gone."""
        driver: Any = self.server.driver("safetymonitor")
        driver.mood = "late"
        body = b"Connected=True&ClientID=5"
        connection = self.server.begin("PUT", "safetymonitor/0/connected", body, {"Content-Type": FORM}, "192.0.2.1")
        connection.hang_up()
        opening: Deferred[None] = driver.opening
        opening.callback(None)
        self.assertTrue(self.server.get("safetymonitor/0/connected").value)
        self.assertEqual(driver.link.holders, [("192.0.2.1", 5)])
