"""Discovery: answers the UDP question "is an Alpaca server here?" with the port that serves HTTP."""

# Facts
#   The question is the 16 ASCII bytes "alpacadiscovery1", more may follow; the answer {"AlpacaPort":11111} without white space
#   goes to the sender's address and port. Anything else is never answered, or two responders would talk to each other for ever.
#   On IPv4 it comes as a broadcast; on IPv6 to the group ff12::a1:9aca, which must be joined on every interface. Twisted packs an
#   address where the kernel wants the index of an interface, so the group is joined by hand.
#   A sender's address is easily forged: who answers everything helps to flood whoever is named.
#   In a turn of the reactor Twisted reads 256 KiB of datagrams, which are thousands of questions.
#   The port is shared with other Alpaca servers of this machine (SO_REUSEADDR and SO_REUSEPORT).

from __future__ import annotations

import socket
import struct
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, gatherResults, maybeDeferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IReactorTime
from twisted.internet.protocol import DatagramProtocol
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from pylpaca.network import Near, own_networks
from pylpaca.protocol import DISCOVERY_GROUP, DISCOVERY_QUESTION

log = Logger()


@dataclass(frozen=True)
class Address:
    """Where HTTP listens; the host is an IP address, "0.0.0.0" and "::" mean all."""

    host: str
    port: int


@dataclass(frozen=True)
class Reach:
    """Clients in this network are served by HTTP on this port."""

    network: IPv4Network | IPv6Network
    port: int


def reaches(addresses: Iterable[Address], networks: Sequence[IPv4Network | IPv6Network]) -> list[Reach]:
    """Who can be told of which port: everybody of the family for a wildcard, else only those in the address's own network."""
    found = []
    for address in addresses:
        host = ip_address(address.host)
        if host.is_unspecified:
            everybody = "0.0.0.0/0" if isinstance(host, IPv4Address) else "::/0"
            found.append(Reach(ip_network(everybody), address.port))
        else:
            attached = [network for network in networks if host in network] or [ip_network(address.host)]
            found.append(Reach(attached[0], address.port))
    return found


class Rate:
    """Counts the answers of each second, so that nobody can have this server flood somebody else, whose address he writes."""

    MOST = 200  # a second
    MOST_OF_ONE = 20  # a second, of one address

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._began = seconds()
        self._of: Counter[str] = Counter()
        self._count = 0

    def allows(self, host: str) -> bool:
        """Whether this address may be answered once more now."""
        now = self._seconds()
        if now - self._began >= 1.0:
            self._began, self._count = now, 0
            self._of.clear()
        return self._of[host] < self.MOST_OF_ONE and self._count < self.MOST

    def count(self, host: str) -> None:
        """This address is answered."""
        self._of[host] += 1
        self._count += 1

    def silent_for(self) -> float:
        """Seconds for which nobody can be answered."""
        return max(0.0, self._began + 1.0 - self._seconds()) if self._count >= self.MOST else 0.0


class Responder(DatagramProtocol):
    """Answers the question, and nothing else; only near ones, and only so often."""

    READ_AT_ONCE = 256  # bytes, before others have their turn

    def __init__(
        self,
        reach: Sequence[Reach],
        clock: IReactorTime,
        near: Near | None = None,
        heard: Callable[[str], None] = lambda host: None,
    ) -> None:
        """:param heard: is told of each address that is answered."""
        self._reach, self._clock, self._near, self._heard = reach, clock, near, heard
        self._rate = Rate(clock.seconds)
        self._told: set[str] = set()  # reasons

    def datagramReceived(self, datagram: bytes, addr: tuple[str, int]) -> None:
        if not datagram.startswith(DISCOVERY_QUESTION) or not self._rate.allows(addr[0]):
            return
        port = self._port_for(addr[0])
        if port is None or self.transport is None:
            return
        self._rate.count(addr[0])
        self._heard(addr[0])
        try:
            self.transport.write(b'{"AlpacaPort":%d}' % port, addr)
        except OSError as error:
            if str(error) not in self._told:  # addresses that cannot be answered are easily forged, too
                self._told.add(str(error))
                log.warn("the discovery question of {host} cannot be answered: {error}", host=addr[0], error=error)
        if pause := self._rate.silent_for():  # in which the system throws away what comes, at less cost than we can
            reading: Any = self.transport
            reading.pauseProducing()
            self._clock.callLater(pause, reading.resumeProducing)

    def _port_for(self, host: str) -> int | None:
        """Where this one is served, if it is; those who are not take no answers from the others."""
        if self._near is not None and not self._near.has(host):
            return None
        source = ip_address(host.partition("%")[0])
        if getattr(source, "ipv4_mapped", None) is not None:
            return None  # an IPv4 question that the dual-stack socket got, too: the IPv4 socket answers it
        return next((each.port for each in self._reach if source in each.network), None)


def join_group_everywhere(sock: socket.socket) -> None:
    """Join the IPv6 discovery group on every interface that can and has not."""
    group = socket.inet_pton(socket.AF_INET6, DISCOVERY_GROUP)
    for index, _ in socket.if_nameindex():
        try:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, group + struct.pack("@I", index))
        except OSError:
            continue  # an interface without IPv6, or one that has joined already


class DiscoveryService(Service):
    """Listens for the question on every family on which HTTP is served; without discovery the server still works."""

    name = "discovery"
    JOIN_EVERY = 30.0  # seconds

    def __init__(
        self,
        reactor: Any,
        port: int,
        addresses: Sequence[Address],
        near: Near | None = None,
        heard: Callable[[str], None] = lambda host: None,
    ) -> None:
        """:param heard: is told of each address that is answered."""
        self._reactor, self._port, self._addresses, self._near, self._heard = reactor, port, addresses, near, heard
        self._listening: list[Any] = []
        self._joining: LoopingCall | None = None

    @property
    def works(self) -> bool:
        """Whether questions are answered on at least one family."""
        return bool(self._listening)

    def startService(self) -> None:
        super().startService()
        reach = reaches(self._addresses, own_networks())
        for version, interface, words in ((4, "0.0.0.0", "IPv4"), (6, "::", "IPv6")):  # noqa: S104
            mine = [each for each in reach if each.network.version == version]
            if mine:
                self._listen(Responder(mine, self._reactor, self._near, self._heard), interface, words)

    def _listen(self, responder: Responder, interface: str, words: str) -> None:
        try:
            listening = self._reactor.listenMulticast(self._port, responder, interface=interface, listenMultiple=True)
            listening.maxThroughput = responder.READ_AT_ONCE
            if interface == "::":
                self._join(listening.getHandle())
        except (CannotListenError, OSError) as error:
            log.warn(
                "discovery does not answer on {words} ({error}); type the address into the client instead",
                words=words,
                error=error,
            )
        else:
            self._listening.append(listening)

    def _join(self, sock: socket.socket) -> None:
        """Join now, and again and again: interfaces come up after the server, as Wi-Fi does."""
        self._joining = LoopingCall(join_group_everywhere, sock)
        self._joining.clock = self._reactor
        self._joining.start(self.JOIN_EVERY)

    def stopService(self) -> Deferred[Any]:
        super().stopService()
        if self._joining is not None:
            self._joining.stop()
        listening, self._listening = self._listening, []
        return gatherResults([maybeDeferred(each.stopListening) for each in listening])
