"""Discovery: the question, the answer, and silence for everything else."""

from __future__ import annotations

import socket
import sys
from ipaddress import ip_network
from typing import Any

from twisted.internet.error import CannotListenError
from twisted.internet.task import Clock
from twisted.logger import LogLevel, capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from pylpaca.discovery import (
    Address,
    DiscoveryService,
    Reach,
    Responder,
    join_group_everywhere,
    reaches,
)
from pylpaca.network import Neighbourhood, own_addresses, own_networks
from pylpaca.protocol import DISCOVERY_GROUP

EVERYWHERE = [Reach(ip_network("0.0.0.0/0"), 11111)]


class Datagrams:
    """A transport that keeps what is sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[bytes, tuple[str, int]]] = []
        self.reads = True

    def write(self, data: bytes, address: tuple[str, int]) -> None:
        self.sent.append((data, address))

    def pauseProducing(self) -> None:
        self.reads = False

    def resumeProducing(self) -> None:
        self.reads = True


class ResponderTests(SynchronousTestCase):
    def answers(self, datagram: bytes, source: str = "192.0.2.7", reach: Any = EVERYWHERE) -> list[bytes]:
        responder = Responder(reach, Clock())
        transport = Datagrams()
        responder.transport = transport  # type: ignore[assignment]
        responder.datagramReceived(datagram, (source, 54321))
        self.assertTrue(all(address == (source, 54321) for _, address in transport.sent))
        return [data for data, _ in transport.sent]

    def test_answer(self) -> None:
        """The question, with or without more behind it, gets the port in compact JSON."""
        for more in (b"", b"\r\n", bytes(48)):
            self.assertEqual(self.answers(b"alpacadiscovery1" + more), [b'{"AlpacaPort":11111}'])

    def test_remembered(self) -> None:
        """Whoever is answered is told of, so that people see whether the question arrived; nobody else is."""
        heard: list[str] = []
        responder = Responder(EVERYWHERE, Clock(), heard=heard.append)
        responder.transport = Datagrams()  # type: ignore[assignment]
        responder.datagramReceived(b"alpacadiscovery1", ("192.0.2.7", 54321))
        responder.datagramReceived(b"something else", ("192.0.2.8", 54321))
        self.assertEqual(heard, ["192.0.2.7"])

    def test_silence(self) -> None:
        """Anything else is not answered, least of all an answer."""
        for datagram in (b"", b"alpacadiscovery", b"alpacadiscovery2", b"ALPACADISCOVERY1", b'{"AlpacaPort":11111}', b" alpaca"):
            self.assertEqual(self.answers(datagram), [])

    def test_other_family(self) -> None:
        """A question from where HTTP is not served is not answered."""
        ipv6 = [Reach(ip_network("::/0"), 2)]
        self.assertEqual(self.answers(b"alpacadiscovery1", "fe80::1%eth0"), [])
        self.assertEqual(self.answers(b"alpacadiscovery1", "192.0.2.7", ipv6), [])
        self.assertEqual(self.answers(b"alpacadiscovery1", "fe80::1%eth0", ipv6), [b'{"AlpacaPort":2}'])

    def test_mapped(self) -> None:
        """An IPv4 question that also reaches the dual-stack IPv6 socket is answered by the IPv4 one alone."""
        self.assertEqual(self.answers(b"alpacadiscovery1", "::ffff:192.0.2.7", [Reach(ip_network("::/0"), 2)]), [])

    def test_unreachable(self) -> None:
        """A source that cannot be answered is no error of the server; it is told once, since sources are easily made up."""

        class Broken(Datagrams):
            def write(self, data: bytes, address: tuple[str, int]) -> None:
                raise OSError(101, "Network is unreachable")

        responder = Responder(EVERYWHERE, Clock())
        responder.transport = Broken()  # type: ignore[assignment]
        with capturedLogs() as logs:
            for number in range(10):
                responder.datagramReceived(b"alpacadiscovery1", (f"192.0.2.{number}", 1))
        self.assertEqual([each["log_level"] for each in logs], [LogLevel.warn])


class FloodTests(SynchronousTestCase):
    """Questions from addresses that somebody made up."""

    QUESTION = b"alpacadiscovery1"

    def setUp(self) -> None:
        self.clock = Clock()
        near = Neighbourhood(self.clock.seconds, lambda: [ip_network("192.0.2.0/24")])
        self.responder = Responder(EVERYWHERE, self.clock, near)
        self.transport = Datagrams()
        self.responder.transport = self.transport  # type: ignore[assignment]

    def asked(self, *sources: str, datagram: bytes = QUESTION) -> int:
        """How many of these are answered."""
        before = len(self.transport.sent)
        for source in sources:
            self.responder.datagramReceived(datagram, (source, 54321))
        return len(self.transport.sent) - before

    def test_one_address(self) -> None:
        """One address gets twenty answers a second, however often its name is used; others still get theirs."""
        self.assertEqual(self.asked(*["192.168.1.5"] * 1000), 20)
        self.assertEqual(self.asked("192.168.1.6"), 1)
        self.clock.advance(0.9)
        self.assertEqual(self.asked("192.168.1.5"), 0)
        self.clock.advance(0.1)
        self.assertEqual(self.asked("192.168.1.5"), 1)

    def test_all_together(self) -> None:
        """All together get two hundred; then no more questions are read until the second is over."""
        everybody = [f"10.0.{number // 250}.{number % 250}" for number in range(10_000)]
        self.assertEqual((self.asked(*everybody[:199]), self.transport.reads), (199, True))
        self.clock.advance(0.25)
        self.assertEqual((self.asked(*everybody[199:]), self.transport.reads), (1, False))
        self.clock.advance(0.74)
        self.assertFalse(self.transport.reads)
        self.clock.advance(0.01)
        self.assertEqual((self.transport.reads, self.asked("10.0.0.1")), (True, 1))

    def test_far(self) -> None:
        """Whoever is far is not answered, and takes no answer from those who are near."""
        self.assertEqual(self.asked(*[f"203.0.113.{number % 250}" for number in range(10_000)]), 0)
        self.assertEqual(self.asked("192.0.2.7", "127.0.0.1"), 2)

    def test_short(self) -> None:
        """An answer is hardly longer than the shortest question, so that nobody gains by having it sent to others."""
        self.assertEqual(self.asked("192.168.1.5", datagram=self.QUESTION[:-1]), 0)
        self.assertEqual(self.asked("192.168.1.5"), 1)
        ((answer, _),) = self.transport.sent
        self.assertLessEqual(len(answer) / len(self.QUESTION), 1.3)


class ReachTests(SynchronousTestCase):
    NETWORKS = (ip_network("127.0.0.0/8"), ip_network("192.0.2.0/24"), ip_network("fd00::/64"))

    def test_wildcards(self) -> None:
        """Who listens everywhere answers everybody of the family."""
        found = reaches([Address("0.0.0.0", 1), Address("::", 2)], self.NETWORKS)
        self.assertEqual(found, [Reach(ip_network("0.0.0.0/0"), 1), Reach(ip_network("::/0"), 2)])

    def test_one_address(self) -> None:
        """Who listens on one address answers only those in its network: others could not connect."""
        found = reaches([Address("127.0.0.1", 1), Address("192.0.2.9", 2), Address("198.51.100.1", 3)], self.NETWORKS)
        networks = [str(each.network) for each in found]
        self.assertEqual(networks, ["127.0.0.0/8", "192.0.2.0/24", "198.51.100.1/32"])

    def test_this_machine(self) -> None:
        """This machine has at least itself; what others cannot use comes last."""
        self.assertIn(ip_network("127.0.0.0/8"), own_networks())
        self.assertIn("127.0.0.1", own_addresses())
        loopback = [host.startswith("127.") or host == "::1" for host in own_addresses()]
        self.assertEqual(loopback, sorted(loopback))


class Multicasts(Clock):
    """A clock and a reactor that only listens for datagrams."""

    def __init__(self, failing: str = "") -> None:
        super().__init__()
        self.failing, self.listening = failing, []  # type: ignore[var-annotated]

    def listenMulticast(self, port: int, protocol: Responder, interface: str, listenMultiple: bool) -> Any:
        if interface == self.failing:
            raise CannotListenError(interface, port, OSError(98, "Address already in use"))
        assert listenMultiple
        self.listening.append((port, interface))
        return self

    def getHandle(self) -> Any:
        handle = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        self.stopListening = handle.close
        return handle


class ServiceTests(SynchronousTestCase):
    def started(self, reactor: Multicasts, *addresses: Address) -> DiscoveryService:
        service = DiscoveryService(reactor, 32227, addresses)
        service.startService()
        self.addCleanup(service.stopService)
        return service

    def test_both_families(self) -> None:
        """Both families are served where HTTP is, and only there."""
        reactor = Multicasts()
        self.assertTrue(self.started(reactor, Address("0.0.0.0", 1), Address("::", 1)).works)
        self.assertEqual(reactor.listening, [(32227, "0.0.0.0"), (32227, "::")])
        reactor = Multicasts()
        self.started(reactor, Address("::1", 1))
        self.assertEqual(reactor.listening, [(32227, "::")])

    def test_port_taken(self) -> None:
        """Without the port there is no discovery on that family; the log says so, and what to do."""
        reactor = Multicasts(failing="0.0.0.0")
        with capturedLogs() as logs:
            service = DiscoveryService(reactor, 32227, [Address("0.0.0.0", 1)])
            service.startService()
        self.assertFalse(service.works)
        (warning,) = [each for each in logs if each["log_level"] is LogLevel.warn]
        self.assertIn("type the address into the client instead", warning["log_format"])

    def test_group_is_joined(self) -> None:
        """The group of IPv6 discovery is joined on every interface that has IPv6."""
        joined = []

        class Socket:
            def setsockopt(self, level: int, option: int, value: bytes) -> None:
                joined.append(value)
                if len(joined) == 1:
                    raise OSError(19, "No such device")

        self.patch(socket, "if_nameindex", lambda: [(1, "lo"), (2, "eth0")])
        join_group_everywhere(Socket())  # type: ignore[arg-type]
        group = socket.inet_pton(socket.AF_INET6, DISCOVERY_GROUP)
        self.assertEqual([value[:16] for value in joined], [group, group])
        self.assertEqual([value[16:] for value in joined], [(1).to_bytes(4, sys.byteorder), (2).to_bytes(4, sys.byteorder)])
