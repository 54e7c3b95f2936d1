"""The end of a server: whatever is going on, it comes in time, in order, and nothing moves."""

from __future__ import annotations

import threading
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs
from twisted.python.threadpool import ThreadPool
from twisted.trial.unittest import SynchronousTestCase

from pylpaca import stopping
from pylpaca.errors import DriverError
from pylpaca.interfaces import DEVICE_TYPES, device_type, operations
from pylpaca.stopping import ANSWERS_WITHIN, CALLS_WITHIN, LINKS_WITHIN, SHUTDOWN_WITHIN
from pylpaca.testing import Connection, MemoryServer, SerialDouble
from pylpaca.threads import let_go
from tests.doubles import NaiveDome

PLAIN = CALLS_WITHIN + ANSWERS_WITHIN + SHUTDOWN_WITHIN + LINKS_WITHIN


def entry(kind: str, driver: str, **settings: Any) -> dict[str, Any]:
    return {"device_type": kind, "device_number": 0, "device_driver": driver, "driver_config": settings}


class LastFocuserTests(SynchronousTestCase):
    """Calls of a focuser that answers when the test says so."""

    def setUp(self) -> None:
        self.server = MemoryServer({"drivers": [entry("focuser", "tests.doubles:SlowFocuser")]})
        self.focuser: Any = self.server.driver("focuser")
        self.server.put("focuser/0/connected", Connected="True", ClientID="1")
        self.clock = self.server.clock

    def ending(self) -> Deferred[None]:
        devices = [each.driver for each in self.server.roster]
        site = self.server.site
        return Deferred.fromCoroutine(stopping.end(self.clock, site.pending, site.open_connections, devices))

    def asks(self) -> Connection:
        """A client that asks, and has no answer yet."""
        connection = self.server.begin("GET", "focuser/0/ismoving")
        self.assertIsNone(connection.answer())
        return connection

    def read(self, connection: Connection) -> Any:
        """What a client is told, after which it goes, as its connection is closed."""
        answer = connection.answer()
        assert answer is not None
        self.assertEqual((answer.headers["connection"], connection.closed), ("close", True))
        connection.hang_up()
        return answer.json

    def test_idle(self) -> None:
        """Nothing is going on: the server ends at once, the device disconnected."""
        self.successResultOf(self.ending())
        self.assertFalse(self.focuser.link.is_open)

    def test_idle_connection(self) -> None:
        """A connection on which nothing is asked is closed at once."""
        connection = self.server.connection()
        ended = self.ending()
        self.assertTrue(connection.closed)
        connection.hang_up()
        self.successResultOf(ended)

    def test_finished(self) -> None:
        """A call that ends in time is answered as ever, the connection closed, and nothing is waited for any longer."""
        connection = self.asks()
        ended = self.ending()
        self.clock.advance(2)
        self.assertTrue(self.focuser.link.is_open)
        self.focuser.asked[0].callback(True)
        self.assertIs(self.read(connection)["Value"], True)
        self.successResultOf(ended)

    def test_not_finished(self) -> None:
        """A call that does not end is answered with a sentence, the driver's own is not cancelled, and the server ends."""
        connection = self.asks()
        ended = self.ending()
        self.clock.advance(CALLS_WITHIN)
        told = self.read(connection)
        self.assertEqual(told["ErrorNumber"], DriverError.number)
        self.assertEqual(
            told["ErrorMessage"],
            "the server stops, and IsMoving of Focuser 0 is not finished; what the device has begun may go on",
        )
        self.successResultOf(ended)
        self.assertEqual(self.focuser.cancelled, 0)

    def test_client_gone(self) -> None:
        """A call whose client left is waited for, too: it may be what closes the roof."""
        self.asks().hang_up()
        ended = self.ending()
        self.clock.advance(1)
        self.assertNoResult(ended)
        self.focuser.asked[0].callback(True)
        self.successResultOf(ended)

    def test_failed_meanwhile(self) -> None:
        """What a driver's call fails with after its client was told that the server stops harms nobody."""
        connection = self.asks()
        self.focuser.link._disconnect = Deferred
        self.ending()
        self.clock.advance(CALLS_WITHIN)
        self.read(connection)
        self.focuser.asked[0].errback(ValueError("late"))
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_nothing_new(self) -> None:
        """What comes behind a request that is still answered is not taken any more."""
        connection = self.asks()
        self.ending()
        connection.send(b"GET /api/v1/focuser/0/name HTTP/1.1\r\nHost: x\r\n\r\n")
        self.focuser.asked[0].callback(False)
        self.assertEqual(connection.received.count(b"HTTP/1.1 200 OK"), 1)

    def test_client_that_does_not_read(self) -> None:
        """A client that does not take its answer is cut off."""
        connection = self.asks()
        ended = self.ending()
        self.clock.advance(CALLS_WITHIN)
        self.assertTrue(connection.closed)  # as far as the server is concerned; the client has not gone
        self.assertNoResult(ended)
        self.clock.advance(ANSWERS_WITHIN)
        self.successResultOf(ended)

    def test_connecting(self) -> None:
        """A device that is just being connected is given up at once, and left alone."""
        self.server.put("focuser/0/connected", Connected="False", ClientID="1")
        steps: list[str] = []
        never: Deferred[None] = Deferred(lambda _: steps.append("cancelled"))
        self.focuser.link._connect = lambda: never
        self.focuser.link._disconnect = lambda: steps.append("disconnected")
        self.server.put("focuser/0/connect")
        self.assertTrue(self.focuser.link.is_busy)
        self.successResultOf(self.ending())
        self.assertEqual(steps, ["cancelled", "disconnected"])
        self.assertFalse(self.focuser.link.is_open)

    def test_waits_for_a_connection(self) -> None:
        """Who waits for it to be connected is told that the server stops."""
        self.server.put("focuser/0/connected", Connected="False", ClientID="1")
        self.focuser.link._connect = Deferred
        connection = self.server.begin("PUT", "focuser/0/connected", b"Connected=True", {"Content-Type": FORM})
        ended = self.ending()
        self.clock.advance(CALLS_WITHIN)
        self.assertIn("the server stops, and Connected of Focuser 0 is not finished", self.read(connection)["ErrorMessage"])
        self.successResultOf(ended)

    def test_autoconnect_retries(self) -> None:
        """A device that is tried again and again is not tried after the end."""
        self.focuser.link.permanent = True
        self.focuser.link._connect = self.fails
        self.focuser.link.lost(DriverError("the cable is out"))
        self.assertNotEqual(self.clock.getDelayedCalls(), [])
        self.successResultOf(self.ending())
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def fails(self) -> None:
        raise DriverError("no answer on COM9")

    def test_hangs_everywhere(self) -> None:
        """The worst of all: a call, a hook and a disconnect that never end. It ends all the same, within five seconds."""
        connection = self.asks()
        self.focuser.shutdown = Deferred
        self.focuser.link._disconnect = Deferred
        with capturedLogs() as logs:
            ended = self.ending()
            self.clock.advance(CALLS_WITHIN)
            self.read(connection)
            self.clock.advance(PLAIN - CALLS_WITHIN - 0.01)
            self.assertNoResult(ended)
            self.clock.advance(0.01)
        self.successResultOf(ended)
        self.assertLess(PLAIN, 5)
        told = [each["reason"] for each in logs if each["log_namespace"] == "pylpaca.stopping" and "reason" in each]
        self.assertEqual([each.partition(" in ")[0] for each in told], [
            "no answer from shutdown() of Focuser 0",
            "no answer from disconnecting Focuser 0",
        ])  # fmt: skip


FORM = "application/x-www-form-urlencoded"


class HookTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.steps: list[str] = []
        self.server = MemoryServer(
            {"drivers": [entry("dome", "tests.doubles:NaiveDome"), entry("safetymonitor", "tests.doubles:FaultyMonitor")]}
        )
        self.dome: Any = self.server.driver("dome")
        self.monitor: Any = self.server.driver("safetymonitor")
        devices: tuple[tuple[Any, str], ...] = ((self.dome, "dome"), (self.monitor, "monitor"))
        for device, name in devices:
            device.shutdown = self.noted(f"{name} shutdown")
            device.link._disconnect = self.noted(f"{name} disconnect")

    def noted(self, step: str) -> Any:
        return lambda: self.steps.append(step)

    def end(self) -> None:
        devices = [each.driver for each in self.server.roster]
        site = self.server.site
        ended = Deferred.fromCoroutine(stopping.end(self.server.clock, site.pending, site.open_connections, devices))
        self.successResultOf(ended)

    def test_order(self) -> None:
        """All hooks are called before the first link is closed; only of devices that are connected."""
        for device in (self.dome, self.monitor):
            device.link.vote(True)
        self.end()
        self.assertEqual(self.steps, ["dome shutdown", "monitor shutdown", "dome disconnect", "monitor disconnect"])

    def test_not_connected(self) -> None:
        """The hook of a device that is not connected is not called: it could reach nothing."""
        self.monitor.link.vote(True)
        self.end()
        self.assertEqual(self.steps, ["monitor shutdown", "monitor disconnect"])

    def test_fails(self) -> None:
        """A hook that fails is logged, and keeps nothing from its end."""

        def broken() -> None:
            raise ValueError("no such thing")

        def leaves() -> None:
            raise SystemExit(3)

        self.dome.shutdown, self.monitor.shutdown = broken, leaves
        for device in (self.dome, self.monitor):
            device.link.vote(True)
        self.end()
        self.assertEqual(self.steps, ["dome disconnect", "monitor disconnect"])
        self.assertEqual([each.type for each in self.flushLoggedErrors()], [ValueError, RuntimeError])

    def test_may_wait(self) -> None:
        """A hook may be a coroutine; the link is closed when it has ended."""
        ready: Deferred[None] = Deferred()

        async def waits() -> None:
            await ready
            self.steps.append("dome shutdown")

        self.dome.shutdown = waits
        self.dome.link.vote(True)
        site = self.server.site
        Deferred.fromCoroutine(stopping.end(self.server.clock, site.pending, site.open_connections, [self.dome]))
        self.assertEqual(self.steps, [])
        ready.callback(None)
        self.assertEqual(self.steps, ["dome shutdown", "dome disconnect"])


class NothingMovesTests(SynchronousTestCase):
    def test_simulators(self) -> None:
        """At the end of the server no device is told to do anything but to disconnect: not one PUT of its type is called."""
        entries = [entry(kind, f"simulators.{kind}.{device_type(each)}Simulator") for kind, each in DEVICE_TYPES.items()]
        server = MemoryServer({"drivers": entries})
        called: list[str] = []
        for each in server.roster:
            each.driver.link.vote(True)
            self.assertTrue(each.driver.link.is_open)
            for operation in operations(each.driver.interface).values():
                if operation.verb == "PUT":
                    setattr(
                        each.driver,
                        operation.method,
                        lambda *_, name=f"{each.kind} {operation.method}", **__: called.append(name),
                    )
        devices = [each.driver for each in server.roster]
        ended = Deferred.fromCoroutine(stopping.end(server.clock, server.site.pending, server.site.open_connections, devices))
        self.successResultOf(ended)
        self.assertEqual((called, len(devices), [each.link.is_open for each in devices]), ([], 10, [False] * 10))

    def test_default_hook(self) -> None:
        """What a driver inherits does nothing."""
        server = MemoryServer({"drivers": [entry("dome", "tests.doubles:NaiveDome")]})
        dome = server.driver("dome")
        assert isinstance(dome, NaiveDome)
        dome.link.vote(True)
        self.assertIsNone(dome.shutdown())
        self.assertEqual(dome.done, [])


class ExposureTests(SynchronousTestCase):
    def test_exposing(self) -> None:
        """An exposure is not waited for, and not aborted: the camera is left alone."""
        server = MemoryServer({"drivers": [entry("camera", "tests.doubles:PictureCamera")]})
        camera: Any = server.driver("camera")
        aborted: list[int] = []
        camera.AbortExposure = lambda: aborted.append(1)
        server.put("camera/0/connected", Connected="True")
        server.put("camera/0/startexposure", Duration="60", Light="True")
        site = server.site
        ended = Deferred.fromCoroutine(stopping.end(server.clock, site.pending, site.open_connections, [camera]))
        self.successResultOf(ended)
        self.assertEqual(aborted, [])


class SerialTests(SynchronousTestCase):
    def test_retrying(self) -> None:
        """A line whose cable is out is not looked for any longer; what was asked over it has failed already."""
        roof = SerialDouble({b"STATUS": b"CLOSED"}.get)
        server = MemoryServer({"drivers": [entry("dome", "MyDomeDriver", port="COM9")]}, serial={"COM9": roof})
        server.put("dome/0/connected", Connected="True")
        roof.unplug()
        self.assertNotEqual(server.clock.getDelayedCalls(), [])
        site = server.site
        ended = Deferred.fromCoroutine(stopping.end(server.clock, site.pending, site.open_connections, [server.driver("dome")]))
        self.successResultOf(ended)
        server.clock.advance(0)
        self.assertEqual(server.clock.getDelayedCalls(), [])


class ThreadTests(SynchronousTestCase):
    def test_hangs(self) -> None:
        """A thread of the reactor's own that hangs does not keep the program from ending."""
        pool = ThreadPool(0, 1)
        self.getThreadPool = lambda: pool
        let_go(self)
        pool.start()
        begun, go_on = threading.Event(), threading.Event()
        self.addCleanup(go_on.set)

        def hang() -> None:
            begun.set()
            go_on.wait(60)

        pool.callInThread(hang)
        begun.wait(60)
        (thread,) = pool.threads
        pool.stop()
        self.assertTrue(thread.is_alive() and thread.daemon)
