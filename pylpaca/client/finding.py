"""Discovery from the client's side: asks the network where Alpaca servers are, and each of them who it is."""

# Facts
#   The question goes to the broadcast address of every IPv4 network and to the IPv6 group on every interface; of the servers
#   that share this machine's port, 127.0.0.1 reaches one and 127.255.255.255 all.
#   A datagram can be lost, so it is asked twice. Whoever answers {"AlpacaPort":11111} serves HTTP on that port.
#   A link-local IPv6 address means nothing without its zone, which Twisted drops: so there is one socket for each interface,
#   and who answers there is in its zone.

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, ip_address
from typing import Any

import ifaddr
from twisted.internet.defer import Deferred, gatherResults, maybeDeferred
from twisted.internet.error import CannotListenError
from twisted.internet.protocol import DatagramProtocol
from twisted.internet.task import deferLater
from twisted.logger import Logger

from pylpaca.client.failures import CallFailed
from pylpaca.client.server import ConfiguredDevice, Description, Server, connect
from pylpaca.config import DISCOVERY_PORT
from pylpaca.errors import AlpacaError
from pylpaca.protocol import DISCOVERY_GROUP, DISCOVERY_QUESTION

TIMES = 2
LOOPBACK = ("127.255.255.255", "127.0.0.1")
EVERY_IPV4 = "0.0.0.0"  # noqa: S104  # to send from
EVERY_IPV6 = "::"

log = Logger()


@dataclass(frozen=True)
class Found:
    """A server that answered; `address` is the most usable of its addresses, for `connect`."""

    address: str
    addresses: tuple[str, ...]  # the most usable first
    description: Description
    devices: tuple[ConfiguredDevice, ...]


@dataclass(frozen=True)
class Way:
    """A socket to ask from, and whom to ask."""

    interface: str  # the address of the socket: any of IPv4, or any of IPv6
    targets: tuple[str, ...]
    zone: int = 0  # the index of the interface that an IPv6 group is asked on


async def find(
    reactor: Any = None,
    *,
    seconds: float = 2.0,
    port: int = DISCOVERY_PORT,
    targets: Sequence[str] = (),
    server_at: Callable[[str], Server] | None = None,
) -> list[Found]:
    """
    The Alpaca servers in the network, each once, by name; one that answers over several addresses is known by its UniqueIDs.

    :param reactor: Twisted's if not said.
    :param seconds: how long to wait for answers.
    :param port: the UDP port of discovery.
    :param targets: the IP addresses to ask; every broadcast address and the IPv6 group on every interface if not said.
    :param server_at: how to reach the server at an address; `connect` if not said.
    """
    if reactor is None:
        from twisted.internet import reactor
    ways = ways_to(targets) if targets else ways_out(ifaddr.get_adapters())
    addresses = await _answering(reactor, ways, port, seconds)
    reach = server_at or (lambda address: connect(address, reactor))
    looking = [Deferred.fromCoroutine(_look(reach(address), address)) for address in addresses]
    return merged(each for each in await gatherResults(looking) if each is not None)


def ways_to(targets: Iterable[str]) -> list[Way]:
    """The sockets from which these addresses can be asked."""
    by_socket: dict[str, list[str]] = {}
    for target in targets:
        by_socket.setdefault(EVERY_IPV6 if ip_address(target).version == 6 else EVERY_IPV4, []).append(target)
    return [Way(interface, tuple(each)) for interface, each in by_socket.items()]


def ways_out(adapters: Iterable[Any]) -> list[Way]:
    """The sockets that together ask on every interface, as ifaddr gives them."""
    broadcasts: list[str] = []
    ways = []
    for adapter in adapters:
        for ip in adapter.ips:
            if ip.is_IPv4 and ip.network_prefix < 31:  # smaller networks have no broadcast address
                broadcasts.append(str(IPv4Network((ip.ip, ip.network_prefix), strict=False).broadcast_address))
        if any(ip.is_IPv6 for ip in adapter.ips):
            ways.append(Way(EVERY_IPV6, (DISCOVERY_GROUP,), adapter.index))
    return [Way(EVERY_IPV4, tuple(dict.fromkeys([*broadcasts, *LOOPBACK]))), *ways]


def answered_port(datagram: bytes) -> int | None:
    """The port in an answer to the question; None if it is no such answer."""
    try:
        port = json.loads(datagram)["AlpacaPort"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return port if type(port) is int and 0 < port < 1 << 16 else None


class Asker(DatagramProtocol):
    """Asks from one socket, and tells the address of whoever answers."""

    def __init__(self, way: Way, port: int, found: Callable[[str], None]) -> None:
        self._way, self._port, self._found = way, port, found

    def ask(self) -> None:
        """Send the question wherever it can be sent."""
        if self.transport is None:
            return
        for target in self._way.targets:
            try:
                self.transport.write(DISCOVERY_QUESTION, (target, self._port))
            except OSError as error:  # an interface that is down, or has no such network
                log.debug("{target} cannot be asked: {error}", target=target, error=error)

    def datagramReceived(self, datagram: bytes, addr: tuple[str, int]) -> None:
        port = answered_port(datagram)
        if port is None:
            return
        host = addr[0].partition("%")[0]
        if ":" not in host:
            self._found(f"{host}:{port}")
        elif ip_address(host).is_link_local and self._way.zone:
            self._found(f"[{host}%{self._way.zone}]:{port}")
        else:
            self._found(f"[{host}]:{port}")


async def _answering(reactor: Any, ways: Iterable[Way], port: int, seconds: float) -> list[str]:
    """The HTTP address of everybody who answers in this time."""
    addresses: dict[str, None] = {}
    askers, sockets = [], []
    for way in ways:
        asker = Asker(way, port, lambda address: addresses.setdefault(address))
        try:
            sockets.append(reactor.listenUDP(0, asker, interface=way.interface))
            if way.zone:
                index = struct.pack("@I", way.zone)
                sockets[-1].getHandle().setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
            elif way.interface == EVERY_IPV4:
                sockets[-1].setBroadcastAllowed(True)
        except (CannotListenError, OSError) as error:  # a family that this machine or this interface does not have
            log.debug("no asking of {targets}: {error}", targets=way.targets, error=error)
            continue
        askers.append(asker)
    try:
        for _ in range(TIMES):
            for asker in askers:
                asker.ask()
            await deferLater(reactor, seconds / TIMES)
    finally:
        await gatherResults([maybeDeferred(each.stopListening) for each in sockets])
    return list(addresses)


async def _look(server: Server, address: str) -> Found | None:
    """Who serves HTTP at this address."""
    try:
        description, devices = await server.description(), await server.devices()
    except (CallFailed, AlpacaError) as error:
        log.warn("{address} answers discovery, but cannot be asked: {error}", address=address, error=str(error))
        return None
    finally:
        await server.close()
    return Found(address, (address,), description, tuple(devices))


def merged(seen: Iterable[Found]) -> list[Found]:
    """Each server once, with all its addresses; one without devices is known by its description and its port."""
    groups: dict[Any, list[Found]] = {}
    for each in seen:
        ids = frozenset(device.UniqueID for device in each.devices)
        groups.setdefault(ids or (each.description, each.address.rpartition(":")[2]), []).append(each)
    servers = []
    for group in groups.values():
        best, *_ = ranked = sorted(group, key=lambda each: usability(each.address))
        servers.append(Found(best.address, tuple(each.address for each in ranked), best.description, best.devices))
    return sorted(servers, key=lambda each: (each.description.ServerName, usability(each.address), each.address))


def usability(address: str) -> tuple[bool, bool, bool]:
    """Less is better: what other machines can use, too; then loopback; then what needs a zone; IPv4 first."""
    host = ip_address(address.rpartition(":")[0].strip("[]"))
    return host.is_link_local, host.is_loopback, host.version == 6
