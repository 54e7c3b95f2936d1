"""Who may ask: what is decided by where a request comes from and which page sent it, before anybody looks at what it asks."""

# Facts
#   A page of any web site can have a browser send requests into the network it runs in. It cannot choose the Host header, except
#   by having its own name point here (DNS rebinding): then Host is a name we do not have. Nor can it choose Origin, which a
#   browser adds to every request that could change something.
#   Programs, unlike browsers, send no Origin, and call a server by its address or by a name of the local network.
#   HTTP Basic is the one scheme that Alpaca clients have. They ask the management API without it when they look for servers.

from __future__ import annotations

import hmac
import socket
from base64 import b64decode
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import ip_address
from typing import NamedTuple
from urllib.parse import urlsplit

from pylpaca.errors import BadRequest
from pylpaca.network import Near

LOCAL_ENDINGS = (".local", ".lan", ".internal", ".home.arpa", ".localhost")
OPEN_PATHS = ("/management/",)  # what clients ask before they have a name and a password
REALM = 'Basic realm="pylpaca", charset="UTF-8"'


class Asking(NamedTuple):
    """What of a request the walls look at."""

    peer: str
    path: str
    hosts: Sequence[str]  # the Host headers
    needs_host: bool = True  # HTTP/1.1
    origin: str = ""  # "" if there is none
    authorization: str = ""
    is_preflight: bool = False  # what a browser asks by itself, without a name and a password, before its page may ask


@dataclass(frozen=True)
class Walls:
    """
    What is let through.

    :ivar near: who may ask; None: everybody.
    :ivar names: names of this server besides those of the local network; more may be learnt.
    :ivar origins: web pages that may ask, each as https://example.org.
    :ivar users: names and passwords; none: nobody is asked for one.
    """

    near: Near | None = None
    names: set[str] = field(default_factory=set)
    origins: Collection[str] = ()
    users: Mapping[str, str] = field(default_factory=dict)

    def check(self, asking: Asking) -> None:
        """
        Let a request pass.

        :raises BadRequest: 400, 401 or 403, with how to let it pass.
        """
        if self.near is not None and not self.near.has(asking.peer):
            raise BadRequest(
                f"{asking.peer} is not in a network of this server, and only those are served; "
                'to serve everybody, write "allow_public": true into "server" of config.json',
                403,
            )
        self._check_host(asking)
        if asking.origin and not self.is_listed(asking.origin) and not _is_own(asking.origin, asking.hosts):
            raise BadRequest(
                f"a page of {asking.origin[:100]} sent this, which is not a page of this server; "
                f'to let it, add it to "cors_origins" in "server" of config.json',
                403,
            )
        is_let_in = is_open(asking.path) or (asking.is_preflight and self.is_listed(asking.origin))
        if self.users and not is_let_in and not self._knows(asking.authorization):
            raise BadRequest("a name and a password are needed: HTTP Basic, one of the users in config.json", 401)

    def is_listed(self, origin: str) -> bool:
        """Whether pages from there may ask, and read the answers."""
        return origin in self.origins

    def _check_host(self, asking: Asking) -> None:
        if not asking.hosts and not asking.needs_host:
            return
        if len(asking.hosts) != 1:
            raise BadRequest("exactly one Host header is needed: the address of this server, as in Host: 192.168.1.5:11111", 400)
        host, is_ours = _read_host(asking.hosts[0])
        if not (is_ours or host in self.names):
            raise BadRequest(
                f"{host[:100]!r} is no name of this server; "
                f'if it is one, add it to "allowed_hosts" in "server" of config.json, or use the IP address',
                403,
            )

    def _knows(self, authorization: str) -> bool:
        scheme, _, encoded = authorization.partition(" ")
        if scheme.lower() != "basic":
            return False
        try:
            user, _, password = b64decode(encoded.strip(), validate=True).decode().partition(":")
        except ValueError:
            return False
        wanted = self.users.get(user)
        given, expected = password.encode(), (wanted or "").encode()
        return hmac.compare_digest(given, expected) and wanted is not None  # the same time, whoever it is


def is_open(path: str) -> bool:
    """Whether it is answered without a name and a password; that it was says nothing of other paths."""
    return path.startswith(OPEN_PATHS)


def own_name() -> str:
    """What this machine calls itself."""
    return socket.gethostname().lower()


def full_name() -> str:
    """The name that others know this machine by; asks name servers, which may block for long."""
    return socket.getfqdn().lower()


@lru_cache(1024)
def _read_host(header: str) -> tuple[str, bool]:
    """The name or address in a Host header, and whether it can be nobody else's."""
    host = _without_port(header)
    return host, _is_address(host) or _is_local_name(host)


def _without_port(host: str) -> str:
    """A Host header's name or address, in lower case; what is neither stays what it is, and is no name of ours."""
    name, colon, port = host.rpartition(":")
    if not colon or not (port.isascii() and (port.isdigit() or not port)) or (name.count(":") and not name.endswith("]")):
        name = host
    return name.removesuffix(".").lower()


def _is_address(host: str) -> bool:
    try:
        ip_address(host[1:-1].partition("%")[0] if host.startswith("[") and host.endswith("]") else host)
    except ValueError:
        return False
    return True


def _is_local_name(host: str) -> bool:
    """A name that no public name server gives: of one word, or of an ending kept for local networks."""
    is_name = bool(host) and host.replace("-", "").replace("_", "").replace(".", "").isalnum() and host.isascii()
    return is_name and ("." not in host or host.endswith(LOCAL_ENDINGS))


def _is_own(origin: str, hosts: Sequence[str]) -> bool:
    """Whether a page of this server sent it: browsers write host and port in both headers alike."""
    try:
        split = urlsplit(origin)
    except ValueError:
        return False
    return split.scheme in ("http", "https") and bool(hosts) and split.netloc.lower() == hosts[0].lower()
