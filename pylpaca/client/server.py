"""An Alpaca server as a client sees it: what it is, which devices it has, and each of them."""

# Facts
#   A link-local IPv6 address needs its zone to be reached (fe80::1%eth0), and a URL or a Host header must not carry it.

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import urlsplit

from treq.client import HTTPClient
from twisted.internet.endpoints import TCP6ClientEndpoint
from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint
from twisted.web.client import URI, Agent, HTTPConnectionPool
from twisted.web.iweb import IAgentEndpointFactory
from zope.interface import implementer

from pylpaca.client.remote import PATIENCE, Session, remote
from pylpaca.config import HTTP_PORT
from pylpaca.interfaces import device_type

T = TypeVar("T")

IDLE_CONNECTIONS_LIVE = 30  # seconds; shorter than servers keep them, so that no command is sent into a closing one


@dataclass(frozen=True)
class Description:
    """What a server says of itself."""

    ServerName: str
    Manufacturer: str
    ManufacturerVersion: str
    Location: str


@dataclass(frozen=True)
class ConfiguredDevice:
    """A device of a server; its UniqueID never changes."""

    DeviceName: str
    DeviceType: str
    DeviceNumber: int
    UniqueID: str


def connect(address: str, reactor: Any = None, patience: float = PATIENCE) -> Server:
    """
    The server at an address; nothing is sent before it is asked something.

    :param address: as 192.168.1.5, 192.168.1.5:11111, obs.local:11111, [fd00::5]:11111 or https://obs.example:443.
    :param reactor: Twisted's if not said.
    :param patience: seconds to wait beyond the time in which a server has to answer, which is 4 for most members.
    :raises ValueError: that is no address.
    """
    if reactor is None:
        from twisted.internet import reactor
    url, zoned = _place(address)
    pool = HTTPConnectionPool(reactor)
    pool.cachedConnectionTimeout = IDLE_CONNECTIONS_LIVE
    agent = Agent.usingEndpointFactory(reactor, _Zoned(reactor, zoned), pool) if zoned else Agent(reactor, pool=pool)
    return Server(url, HTTPClient(agent), reactor, patience, pool)


def _place(address: str) -> tuple[str, str]:
    """An address as a URL, and the host with its zone if it has one."""
    text = f"[{address}]" if _is_ipv6(address) else address
    try:
        split = urlsplit(text if "://" in text else f"http://{text}")
        host, port = split.hostname, split.port
        if not host or split.scheme not in ("http", "https"):
            raise ValueError
    except ValueError:
        raise ValueError(f"{address!r} is no address such as 192.168.1.5:{HTTP_PORT} or [fd00::5]:{HTTP_PORT}") from None
    bare, _, zone = host.partition("%")
    if port is None:
        port = 443 if split.scheme == "https" else HTTP_PORT
    url = f"{split.scheme}://{f'[{bare}]' if ':' in bare else bare}:{port}{split.path.rstrip('/')}"
    return url, host if zone else ""


def _is_ipv6(text: str) -> bool:
    try:
        return ip_address(text).version == 6
    except ValueError:
        return False


@implementer(IAgentEndpointFactory)
class _Zoned:
    """Leads every connection to one IPv6 address with a zone."""

    def __init__(self, reactor: Any, host: str) -> None:
        self._reactor, self._host = reactor, host

    def endpointForURI(self, uri: URI) -> IStreamClientEndpoint:
        return TCP6ClientEndpoint(self._reactor, self._host, uri.port)


class Server:
    """
    An Alpaca server; close it in the end, or use it in `async with`.

    :param url: as http://192.168.1.5:11111.
    :param http: treq's client.
    :param clock: for deadlines; the reactor if not said.
    :param pool: where its idle connections are; they are closed with it.
    """

    def __init__(
        self,
        url: str,
        http: HTTPClient,
        clock: IReactorTime | None = None,
        patience: float = PATIENCE,
        pool: HTTPConnectionPool | None = None,
    ) -> None:
        self.url = url
        self._pool = pool
        self._session = Session(http, clock, patience)

    def __repr__(self) -> str:
        return f"<{self.url}>"

    async def description(self) -> Description:
        """What the server is."""
        said: Description = await self._session.ask("GET", f"{self.url}/management/v1/description", {}, Description)
        return said

    async def devices(self) -> list[ConfiguredDevice]:
        """Every device that it has."""
        url, kind = f"{self.url}/management/v1/configureddevices", list[ConfiguredDevice]
        devices: list[ConfiguredDevice] = await self._session.ask("GET", url, {}, kind)
        return devices

    def device(self, interface: type[T], number: int = 0) -> T:
        """A device as an object that has this interface: `server.device(IFocuser, 0)`; nothing is sent yet."""
        return remote(interface, self._session, f"{self.url}/api/v1/{device_type(interface).lower()}/{number}")

    async def close(self) -> None:
        """Stop waiting for answers, and close the connections; fires when that is done."""
        self._session.cancel()
        if self._pool is not None:
            await self._pool.closeCachedConnections()

    async def __aenter__(self) -> Server:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()
