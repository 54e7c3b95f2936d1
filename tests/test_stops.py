"""Stops reach the driver, whatever else of the device hangs or fails; nothing else does."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, fail
from twisted.internet.task import deferLater
from twisted.trial.unittest import SynchronousTestCase

from pylpaca.errors import DriverError, Unavailable
from pylpaca.testing import Connection, MemoryServer
from tests.misbehaving import RAISING, Chaos, entry


class StopTestCase(SynchronousTestCase):
    kind = "telescope"
    more: dict[str, Any] = {}  # noqa: RUF012

    def setUp(self) -> None:
        self.server = MemoryServer({"drivers": [entry(self.kind, **self.more)]})
        self.driver: Any = self.server.driver(self.kind)
        self.server.put(f"{self.kind}/0/connected", Connected=True)

    def order(self, member: str, body: str = "") -> Connection:
        return self.server.begin("PUT", f"{self.kind}/0/{member}", body.encode())

    def error(self, connection: Connection) -> int:
        answer = connection.answer("PUT")
        assert answer is not None
        return answer.error


class ParkedTests(StopTestCase):
    """AbortSlew is refused while the mount is parked; a mount that does not say whether it is parked is stopped."""

    def test_fails(self) -> None:
        """It cannot say: because its line is down, because its author made a mistake, at once or later."""
        down = (DriverError("no reply"), Unavailable("the port vanished"))
        faults = [*RAISING.values(), *(lambda error=error: fail(error) for error in down)]
        for fault in faults:
            self.patch(self.driver, "AtPark", fault)
            self.assertEqual(self.server.put("telescope/0/abortslew").error, 0)
        self.assertEqual(self.driver.done, [("AbortSlew",)] * len(faults))
        self.assertEqual(len(self.flushLoggedErrors(Chaos, RuntimeError)), len(RAISING))

    def test_hangs(self) -> None:
        """It does not say in a second: it is stopped then."""
        self.patch(self.driver, "AtPark", Deferred)
        connection = self.order("abortslew")
        self.server.clock.advance(0.9)
        self.assertEqual(self.driver.done, [])
        self.server.clock.advance(0.1)
        self.assertEqual((self.driver.done, self.error(connection)), ([("AbortSlew",)], 0))

    def test_parked(self) -> None:
        """A parked one refuses, also if it takes its time to say so."""
        for parked in (lambda: True, lambda: deferLater(self.server.clock, 0.9, lambda: True)):
            self.patch(self.driver, "AtPark", parked)
            connection = self.order("abortslew")
            self.server.clock.advance(0.9)
            self.assertEqual(self.error(connection), 0x408)
        self.assertEqual(self.driver.done, [])

    def test_only_stops(self) -> None:
        """What is no stop does not begin before the mount has said that it is not parked."""
        self.patch(self.driver, "AtPark", Deferred)
        self.order("findhome")
        self.order("moveaxis", "Axis=0&Rate=0.75")
        self.server.clock.pump([1.0] * 5)
        self.patch(self.driver, "AtPark", lambda: fail(DriverError("no reply")))
        self.assertEqual(self.error(self.order("findhome")), 0x500)
        self.assertEqual(self.driver.done, [])


class AxisTests(StopTestCase):
    def test_hangs(self) -> None:
        """An axis is stopped a second later at most, however much of what is asked before does not come."""
        for member in ("CanMoveAxis", "AxisRates", "AtPark"):
            self.patch(self.driver, member, lambda *_, **__: Deferred())
        connection = self.order("moveaxis", "Axis=1&Rate=0")
        self.server.clock.pump([1.0, 0.0, 0.0])
        self.assertEqual((self.driver.done, self.error(connection)), ([("MoveAxis", 1, 0.0)], 0))

    def test_no_axis(self) -> None:
        """Which axis is meant has to be right."""
        self.patch(self.driver, "AtPark", Deferred)
        self.assertEqual(self.error(self.order("moveaxis", "Axis=7&Rate=0")), 0x401)
        self.assertEqual(self.driver.done, [])

    def test_cannot(self) -> None:
        """An axis that there is not is not stopped."""
        self.assertEqual(self.error(self.order("moveaxis", "Axis=2&Rate=0")), 0x400)

    def test_tracking(self) -> None:
        """Tracking is turned off although the mount does not say whether that can be."""
        self.patch(self.driver, "CanSetTracking", Deferred)
        self.order("tracking", "Tracking=False")
        self.server.clock.advance(1.0)
        self.assertEqual(self.driver.done, [("SetTracking", False)])


class ImpatientTests(StopTestCase):
    more = {"deadline": 0.6}  # noqa: RUF012

    def test_deadline(self) -> None:
        """Where calls may take less time, the stop is told sooner: not after its client was told that there is no answer."""
        self.patch(self.driver, "AtPark", Deferred)
        connection = self.order("abortslew")
        self.server.clock.advance(0.3)
        self.assertEqual((self.driver.done, self.error(connection)), ([("AbortSlew",)], 0))


class CameraTests(StopTestCase):
    kind = "camera"

    def test_abort(self) -> None:
        """An exposure is aborted although the camera does not say whether it can; one that cannot is not asked."""
        aborted = []
        self.patch(self.driver, "AbortExposure", lambda: aborted.append(True))
        self.patch(self.driver, "CanAbortExposure", lambda: fail(DriverError("no reply")))
        self.assertEqual(self.error(self.order("abortexposure")), 0)
        self.patch(self.driver, "CanAbortExposure", lambda: False)
        self.assertEqual(self.error(self.order("abortexposure")), 0x400)
        self.assertEqual(len(aborted), 1)


class DisconnectedTests(StopTestCase):
    def test_meanwhile(self) -> None:
        """A device that was disconnected meanwhile is not told."""
        self.patch(self.driver, "AtPark", Deferred)
        connection = self.order("abortslew")
        self.server.put("telescope/0/connected", Connected=False)
        self.server.clock.advance(1.0)
        self.assertEqual((self.driver.done, self.error(connection)), ([], 0x40E))
