"""The whole server on a reactor in memory: what is opened, in which order, and what is said."""

from __future__ import annotations

import errno
import json
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from twisted.application.service import ServiceMaker
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import Logger, LogLevel, capturedLogs, globalLogPublisher
from twisted.plugin import getPlugins
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from pylpaca import roster, service
from pylpaca.__main__ import arguments
from pylpaca.config import Configuration, Device, DriverEntry
from pylpaca.discovery import Address
from pylpaca.service import AlpacaServer, Options, compose, makeService, spoken
from pylpaca.testing import HeldThread
from pylpaca.threads import at_once

MONITOR: dict[str, Any] = {"device_type": "safetymonitor", "device_number": 0, "device_driver": "SafetyMonitorSimulator"}


class Reactor(MemoryReactorClock):
    """A reactor in memory that also has multicast, and whose ports may be taken."""

    def __init__(self, taken: int | None = None, number: int = errno.EADDRINUSE, no_ipv6: bool = False) -> None:
        super().__init__()
        self.taken, self.number, self.no_ipv6 = taken, number, no_ipv6
        self.multicasts: list[tuple[int, str]] = []
        self.opened: list[Any] = []

    def listenTCP(self, port: int, factory: Any, backlog: int = 50, interface: str = "") -> Any:
        if self.no_ipv6 and ":" in interface:
            raise CannotListenError(interface, port, OSError(errno.EAFNOSUPPORT, "Address family not supported"))
        if port == self.taken:
            raise CannotListenError(interface, port, OSError(self.number, "no"))
        super().listenTCP(port, factory, backlog, interface)
        opened = Port(interface or "0.0.0.0", port, factory)
        self.opened.append(opened)
        return opened

    def listenMulticast(self, port: int, protocol: Any, interface: str, listenMultiple: bool) -> Any:
        if ":" in interface:
            raise CannotListenError(interface, port, OSError(errno.EAFNOSUPPORT, "no"))
        self.multicasts.append((port, interface))
        return Port(interface, port)


class Port:
    """A port that is open until it is closed."""

    listening = True

    def __init__(self, interface: str, number: int, factory: Any = None) -> None:
        self.factory = factory
        self._address = (IPv6Address if ":" in interface else IPv4Address)("TCP", interface, number)

    def getHost(self) -> Any:
        return self._address

    def stopListening(self) -> None:
        self.listening = False


def started(server: AlpacaServer) -> None:
    """Started, on a reactor that runs."""
    server.startService()
    hooks, server._reactor.whenRunningHooks = server._reactor.whenRunningHooks, []
    for function, given, named in hooks:
        function(*given, **named)


class ServerTestCase(SynchronousTestCase):
    environment: Mapping[str, str] = {}  # never changed

    def setUp(self) -> None:
        self.patch(service, "own_thread", lambda reactor: at_once)

    def composed(self, reactor: Any, configuration: Any = None, **options: Any) -> AlpacaServer:
        given = Options()
        self.home = Path(self.mktemp())
        self.home.mkdir()
        path = self.home / "config.json"
        path.write_text(json.dumps(configuration or {"drivers": [MONITOR]}))
        given["config"] = str(path)
        given.update({name.replace("_", "-"): value for name, value in options.items()})
        server = compose(given, reactor, self.environment)
        self.addCleanup(globalLogPublisher.removeObserver, server._site.observatory.records.recent)  # of one that is not stopped
        return server

    def said(self, logs: Any) -> list[str]:
        return [each["log_format"].format(**each) for each in logs if each.get("log_namespace") == "pylpaca.service"]


class StartTests(ServerTestCase):
    def test_log(self) -> None:
        """From its start until it has stopped a server keeps what is logged; nothing of it is left in the log's own list."""
        before = len(globalLogPublisher._observers)
        server = self.composed(Reactor(), listen=["tcp:8080:interface=127.0.0.1"])
        Logger().info("too early")
        started(server)
        Logger().info("in time")
        self.successResultOf(server.stopService())
        Logger().info("too late")
        texts = [each.text for each in server._site.observatory.records.recent.lines()]
        self.assertEqual([each for each in texts if " " in each and each.startswith(("too", "in"))], ["in time"])
        self.assertEqual(len(globalLogPublisher._observers), before)

    def test_nothing_before_start(self) -> None:
        """Composing opens no port and writes no file."""
        reactor = Reactor()
        self.composed(reactor)
        self.assertEqual((reactor.tcpServers, reactor.multicasts, reactor.getDelayedCalls()), ([], [], []))
        self.assertEqual([each.name for each in self.home.iterdir()], ["config.json"])

    def test_start(self) -> None:
        """Ports are bound, then discovery answers, then one line says what to type into a client."""
        reactor = Reactor()
        server = self.composed(reactor, listen=["tcp:8080:interface=127.0.0.1"])
        with capturedLogs() as logs:
            started(server)
        self.assertEqual([(port, interface) for port, _, _, interface in reactor.tcpServers], [(8080, "127.0.0.1")])
        self.assertEqual(reactor.multicasts, [(32227, "0.0.0.0")])
        self.assertEqual(
            self.said(logs)[-1],
            "ready: 1 devices; type one of these into a client: 127.0.0.1:8080 (discovery on UDP port 32227)",
        )
        self.assertTrue((self.home / ".pylpaca" / "unique_ids.json").exists())
        self.successResultOf(server.stopService())

    def test_default(self) -> None:
        """By default HTTP listens on every address of both families, on port 11111."""
        reactor = Reactor()
        started(self.composed(reactor))
        self.assertEqual([(port, interface) for port, _, _, interface in reactor.tcpServers], [(11111, "::")])

    def test_without_ipv6(self) -> None:
        """On a machine without IPv6 it is IPv4."""
        reactor = Reactor(no_ipv6=True)
        started(self.composed(reactor))
        self.assertEqual([(port, interface) for port, _, _, interface in reactor.tcpServers], [(11111, "")])

    def test_configured(self) -> None:
        """The configuration may say where; the command line wins."""
        configuration = {"drivers": [MONITOR], "server": {"listen": ["tcp:1234"], "discovery_port": "off"}}
        reactor = Reactor()
        started(self.composed(reactor, configuration))
        self.assertEqual((reactor.tcpServers[0][0], reactor.multicasts), (1234, []))
        reactor = Reactor()
        started(self.composed(reactor, configuration, listen=["tcp:4321"], discovery_port="4322"))
        self.assertEqual((reactor.tcpServers[0][0], reactor.multicasts), (4321, [(4322, "0.0.0.0")]))

    def test_full_name(self) -> None:
        """The name that name servers have for this machine is one of the server's, as soon as they say it; nothing waits."""
        looked = HeldThread()
        self.patch(service, "own_thread", lambda reactor: looked)
        self.patch(socket, "getfqdn", lambda: "Obs.example.org")
        server = self.composed(Reactor())
        with capturedLogs() as logs:
            started(server)
        self.assertIn("ready: ", self.said(logs)[-1])
        self.assertNotIn("obs.example.org", server._site.walls.names)
        looked.release()
        self.assertIn("obs.example.org", server._site.walls.names)

    def test_warned(self) -> None:
        """At the start people are told what is open: to every network, or to others on the computer."""
        configuration = {"drivers": [MONITOR], "server": {"allow_public": True, "users": {"me": "secret"}}}
        with capturedLogs() as logs:
            self.composed(Reactor(), configuration)
        path = self.home.absolute() / "config.json"
        self.assertEqual(
            self.said([each for each in logs if each["log_level"] is LogLevel.warn]),
            [
                "Whoever reaches this server from anywhere can use it, with one of the names and passwords of its users: "
                "allow_public is true.",
                f"others on this computer may read the passwords in {path}: chmod o-r {path}",
            ],
        )

    def refused(self, reactor: Reactor, **options: Any) -> list[str]:
        server = self.composed(reactor, **options)
        with capturedLogs() as logs:
            ended = self.assertRaises(SystemExit, server.startService)
        self.assertEqual(ended.code, 1)
        self.assertEqual([each["log_level"] for each in logs if each["log_namespace"] == "pylpaca.service"], [LogLevel.critical])
        return self.said(logs)

    def test_port_taken(self) -> None:
        """A port in use: one sentence and status 1; nothing is left open, nothing announced, nothing written."""
        reactor = Reactor(taken=4321)
        (sentence,) = self.refused(reactor, listen=["tcp:1234", "tcp:4321"])
        self.assertEqual(
            sentence,
            "pylpaca cannot listen on tcp:4321: its port is in use by another program; stop that one, or choose another port "
            "with --listen tcp:11112",
        )
        self.assertEqual([each.listening for each in reactor.opened], [False])
        self.assertEqual(reactor.multicasts, [])
        self.assertFalse((self.home / ".pylpaca").exists())

    def test_default_port_taken(self) -> None:
        """A port that is in use is not tried again on IPv4 alone, half of the clients would get the other program."""
        reactor = Reactor(taken=11111)
        (sentence,) = self.refused(reactor)
        self.assertIn("its port is in use by another program", sentence)
        self.assertEqual(reactor.opened, [])

    def test_no_permission(self) -> None:
        """A port that needs a permission says so."""
        (sentence,) = self.refused(Reactor(taken=80, number=errno.EACCES), listen=["tcp:80"])
        self.assertIn("no permission for it; ports below 1024 need one", sentence)

    def test_autoconnect(self) -> None:
        """An autoconnect device is connected at start, stays so whatever clients do, and is closed at the end."""
        server = self.composed(Reactor(), {"drivers": [{**MONITOR, "autoconnect": True}]})
        started(server)
        (entry,) = server.roster
        self.assertTrue(entry.driver.link.is_open)
        entry.driver.link.vote(False)
        self.assertTrue(entry.driver.link.is_open)
        self.successResultOf(server.stopService())
        self.assertFalse(entry.driver.link.is_open)


class StopTests(ServerTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.reactor = Reactor()
        self.server = self.composed(self.reactor)
        started(self.server)
        (entry,) = self.server.roster
        self.driver: Any = entry.driver
        self.driver.link.vote(True)

    def test_does_not_wait_for_ever(self) -> None:
        """A device that does not let go keeps the server from ending for a few seconds, not longer."""
        self.driver.link._disconnect = Deferred
        stopped = self.server.stopService()
        self.reactor.advance(4.4)
        self.assertNoResult(stopped)
        self.reactor.advance(0.2)
        self.successResultOf(stopped)

    def test_order(self) -> None:
        """First nobody can come any more, then the hook is called, then the link closed."""
        steps: list[Any] = []
        self.driver.shutdown = lambda: steps.append([each.listening for each in self.reactor.opened])
        self.driver.link._disconnect = lambda: steps.append("disconnected")
        self.successResultOf(self.server.stopService())
        self.assertEqual(steps, [[False], "disconnected"])

    def test_port_that_does_not_close(self) -> None:
        """A port that fails to close is logged, and keeps nothing from its end."""

        def fails() -> None:
            raise OSError("no")

        self.reactor.opened[0].stopListening = fails
        self.successResultOf(self.server.stopService())
        self.assertFalse(self.driver.link.is_open)
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)

    def test_signals(self) -> None:
        """A signal stops the reactor, which stops the server; a second one is only told that it is stopping."""
        asked: list[Any] = []
        reactor = Reactor()
        stops: list[int] = []
        self.patch(reactor, "stop", lambda: stops.append(1))
        given = Options()
        given["config"] = str(self.home / "config.json")
        server = compose(given, reactor, {}, asked.append)
        self.assertEqual(asked, [])
        started(server)
        (end,) = asked
        with capturedLogs() as logs:
            end("SIGTERM")
            end("SIGINT")
        self.assertEqual(stops, [1])
        self.assertEqual(self.said(logs), ["SIGTERM: stopping", "SIGINT again: it is stopping"])


class SpokenTests(SynchronousTestCase):
    OWN = ("192.0.2.2", "fd00::2", "127.0.0.1", "::1")

    def test_wildcards(self) -> None:
        """Every address of this machine, those that others can use first."""
        said = spoken([Address("::", 1), Address("0.0.0.0", 1)], self.OWN)
        self.assertEqual(said, ["192.0.2.2:1", "[fd00::2]:1", "127.0.0.1:1", "[::1]:1"])

    def test_one_address(self) -> None:
        """Only where it listens."""
        self.assertEqual(spoken([Address("192.0.2.2", 1)], self.OWN), ["192.0.2.2:1"])


class RestartTests(ServerTestCase):
    def test_unique_ids(self) -> None:
        """After a hundred restarts every device has the id that it had at the first start."""
        environment = {"STATE_DIRECTORY": self.mktemp()}
        seen: set[tuple[str, ...]] = set()
        for _ in range(101):
            server = compose(Options(), Reactor(), environment)
            started(server)
            seen.add(tuple(each.unique_id for each in server.roster))
            self.successResultOf(server.stopService())
        (ids,) = seen
        self.assertEqual(len(set(ids)), len(ids))


class DefaultTests(SynchronousTestCase):
    def test_missing_package(self) -> None:
        """A simulator whose package is not installed is left out, saying what to install; the others are served."""
        entry = DriverEntry(device_type="dome", device_number=0, device_driver="no_such_package.x:Y")
        good = DriverEntry(**MONITOR)
        self.patch(service, "simulators", lambda: Configuration(devices=(Device(entry), Device(good))))

        def missing(name: str) -> Any:
            if "no_such" in name:
                raise roster.CannotLoad("needs the package 'numpy'", missing_package="numpy")
            return found(name)

        found = roster.find_driver
        self.patch(roster, "find_driver", missing)
        with capturedLogs() as logs:
            server = compose(Options(), Reactor(), {"STATE_DIRECTORY": self.mktemp()})
        self.assertEqual([each.kind for each in server.roster], ["safetymonitor"])
        self.assertEqual([each["reason"] for each in logs if each["log_level"] is LogLevel.warn], ["needs the package 'numpy'"])


class CommandLineTests(SynchronousTestCase):
    def test_listen_is_repeatable(self) -> None:
        """--listen may be given more than once."""
        options = Options()
        self.patch(options, "postOptions", lambda: None)
        options.parseOptions(["--listen", "tcp:1", "-l", "tcp:2", "--discovery-port", "off", "-c", "x.json"])
        self.assertEqual((options["listen"], options["discovery-port"], options["config"]), (["tcp:1", "tcp:2"], "off", "x.json"))

    def test_mistakes_end_with_status_1(self) -> None:
        """A mistake ends the program with its sentences, before twistd does anything."""
        ended = self.assertRaises(SystemExit, Options().parseOptions, ["--config", "nowhere.json"])
        self.assertIn("nowhere.json: cannot be read", str(ended.code))

    def test_plugin(self) -> None:
        """twistd finds the plugin, and the plugin finds the service."""
        from twisted.application.service import IServiceMaker

        (maker,) = [each for each in getPlugins(IServiceMaker) if each.tapname == "pylpaca"]
        self.assertIsInstance(maker, ServiceMaker)
        self.assertIs(maker.options, Options)
        self.assertIs(maker.makeService, makeService)

    def test_module(self) -> None:
        """`python -m pylpaca` is twistd in the foreground without a pid file; on Windows the reactor is one with serial ports."""
        given = ["--config", "x.json"]
        self.assertEqual(arguments("linux", given), ["--nodaemon", "--pidfile=", "pylpaca", *given])
        self.assertEqual(arguments("darwin", given), ["--nodaemon", "--pidfile=", "pylpaca", *given])
        self.assertEqual(arguments("win32", given), ["--reactor=win32", "pylpaca", *given])


class ReasonTests(SynchronousTestCase):
    def test_other_reason(self) -> None:
        """Any other reason is told as the system says it."""
        reason = Failure(CannotListenError("", 1, OSError(99, "Cannot assign requested address")))
        self.assertIn("Cannot assign requested address", service._why_not("tcp:1:interface=198.51.100.1", reason))
