"""This machine's networks: its own addresses, and who counts as near."""

# Facts
#   Near are: the machine itself, private networks (RFC 1918), those of link-local and unique local addresses, that between a
#   provider and its customers (RFC 6598), and whatever network this machine has an address in: the networks of universities, and
#   those of homes with IPv6, have public addresses.
#   An IPv4 client of a dual-stack socket has an address such as ::ffff:192.0.2.1, which is 192.0.2.1.

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Protocol

import ifaddr

PEERS = 4096  # whose addresses are kept in mind, once they are read
Network = IPv4Network | IPv6Network
NEAR: Sequence[Network] = [
    ip_network(each)
    for each in (
        "127.0.0.0/8",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "169.254.0.0/16",
        "100.64.0.0/10",
        "::1/128",
        "fe80::/10",
        "fc00::/7",
    )
]


def own_networks() -> list[Network]:
    """The networks this machine has an address in, each written with that address."""
    found: list[Network] = []
    for adapter in ifaddr.get_adapters():
        for ip in adapter.ips:
            host = ip.ip if isinstance(ip.ip, str) else ip.ip[0]
            found.append(ip_network(f"{host}/{ip.network_prefix}", strict=False))
    return found


def own_addresses() -> list[str]:
    """The IP addresses of this machine, the ones that others can use first."""
    hosts = [ip.ip if isinstance(ip.ip, str) else ip.ip[0] for adapter in ifaddr.get_adapters() for ip in adapter.ips]
    usable = [host for host in dict.fromkeys(hosts) if not (":" in host and ip_address(host).is_link_local)]
    return sorted(usable, key=lambda host: (ip_address(host).is_loopback, ":" in host))


@lru_cache(PEERS)
def address_of(host: str) -> IPv4Address | IPv6Address | None:
    """The address of a peer, without its zone, and as IPv4 if it is one; None: it has none, as on a Unix socket."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


@lru_cache(PEERS)
def client_of(host: str) -> str:
    """A peer's address; an IPv4 client has the same one whichever family the server listens on."""
    address = address_of(host)
    return str(address) if isinstance(address, IPv4Address) else host


@lru_cache(PEERS)
def _is_always_near(host: str) -> bool:
    """Whether a peer is near in whatever network this machine is; one without an address, on a Unix socket, is on it."""
    address = address_of(host)
    return address is None or any(address in network for network in NEAR)


class Near(Protocol):
    """Knows which peers are near."""

    def has(self, host: str) -> bool:
        """Whether this one is."""


class Neighbourhood:
    """
    Knows which peers are near; looks at this machine's networks again from time to time, as they come and go.

    :param seconds: tells the time.
    :param networks: the networks this machine has an address in.
    """

    LOOK_EVERY = 10.0  # seconds

    def __init__(self, seconds: Callable[[], float], networks: Callable[[], Sequence[Network]] = own_networks) -> None:
        self._seconds, self._networks = seconds, networks
        self._attached: Sequence[Network] = ()
        self._looked: float | None = None

    def has(self, host: str) -> bool:
        """Whether a peer is near."""
        if _is_always_near(host):
            return True
        address, now = address_of(host), self._seconds()
        if self._looked is None or now - self._looked >= self.LOOK_EVERY:
            self._attached, self._looked = self._networks(), now
        return any(address in network for network in self._attached)
