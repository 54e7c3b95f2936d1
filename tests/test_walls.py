"""Who may ask: peers, Host, Origin, passwords; how many connections there may be; and how each refusal says how to be let in."""

from __future__ import annotations

import importlib
import json
import math
import os
import socket
import tomllib
from base64 import b64encode
from collections.abc import Callable
from html.parser import HTMLParser
from importlib.metadata import PackageNotFoundError, requires
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import LogLevel, capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from pylpaca import config
from pylpaca.connections import Census, PatientChannel, room_for
from pylpaca.errors import BadRequest
from pylpaca.exposed_files import exposed
from pylpaca.imagebytes import TYPE
from pylpaca.interfaces import DEVICE_TYPES, operations
from pylpaca.network import Neighbourhood, Network, address_of
from pylpaca.protocol import FORM, read_arguments, read_ids
from pylpaca.testing import Answer, Connection, MemoryServer
from pylpaca.walls import Asking, Walls
from tests.doubles import NaiveDome
from tests.imagedecoder import decoded
from tests.raw import answers_in, put, request
from tests.setup_forms import Page

NEAR_PEERS = [
    "127.0.0.1",
    "127.99.0.7",
    "10.0.0.1",
    "10.255.255.255",
    "172.16.0.1",
    "172.31.255.254",
    "192.168.0.1",
    "192.168.255.255",
    "169.254.10.10",
    "100.64.0.1",
    "100.127.255.254",
    "::1",
    "fe80::1",
    "fe80::1%eth0",
    "fe80::1%25",
    "febf::1",
    "fc00::1",
    "fd12:3456::1",
    "::ffff:127.0.0.1",
    "::ffff:192.168.1.5",
    "::ffff:10.1.2.3",
    "::ffff:a00:1",
    "192.0.2.77",
    "::ffff:192.0.2.77",
    "2001:db8:1::77",
    "2001:db8:1::77%eth0",
]  # the last line: of the networks in ATTACHED
FAR_PEERS = [
    "8.8.8.8",
    "203.0.113.9",
    "::ffff:8.8.8.8",
    "::ffff:203.0.113.9",
    "9.255.255.255",
    "11.0.0.1",
    "172.15.255.255",
    "172.32.0.1",
    "192.167.255.255",
    "192.169.0.1",
    "100.63.255.255",
    "100.128.0.1",
    "169.253.1.1",
    "128.0.0.1",
    "126.255.255.255",
    "0.0.0.0",
    "255.255.255.255",
    "224.0.0.1",
    "192.0.3.1",
    "198.51.100.9",
    "2001:db8:2::1",
    "2606:4700::1111",
    "::",
    "::2",
    "::192.168.1.5",
    "64:ff9b::c0a8:105",
    "fec0::1",
    "ff02::1",
    "2002:c0a8:105::1",
]
ATTACHED = [ip_network("192.0.2.0/24"), ip_network("2001:db8:1::/64")]


class PeerTests(SynchronousTestCase):
    def test_near_and_far(self) -> None:
        """Near are the machine itself, private networks, and those it has an address in, however the address is written."""
        near = Neighbourhood(Clock().seconds, lambda: ATTACHED)
        self.assertEqual([peer for peer in NEAR_PEERS if not near.has(peer)], [])
        self.assertEqual([peer for peer in FAR_PEERS if near.has(peer)], [])

    def test_without_an_address(self) -> None:
        """Who comes through a Unix socket is on this machine."""
        self.assertTrue(Neighbourhood(Clock().seconds, list).has(""))

    def test_networks_come_and_go(self) -> None:
        """A network that comes up is near within ten seconds, one that went is far; they are not looked up for each request."""
        clock, looked = Clock(), []
        networks: list[Network] = []

        def look() -> list[Network]:
            looked.append(clock.seconds())
            return list(networks)

        near = Neighbourhood(clock.seconds, look)
        self.assertEqual((near.has("127.0.0.1"), looked), (True, []))
        self.assertFalse(near.has("192.0.2.7"))
        networks.append(ip_network("192.0.2.0/24"))
        clock.advance(9.9)
        self.assertFalse(near.has("192.0.2.7"))
        clock.advance(0.1)
        self.assertTrue(near.has("192.0.2.7"))
        networks.clear()
        clock.advance(10.0)
        self.assertFalse(near.has("192.0.2.7"))
        self.assertEqual(looked, [0.0, 10.0, 20.0])

    @given(st.ip_addresses(v=4))
    def test_mapped(self, address: Any) -> None:
        """An IPv4 address is the same in IPv6's clothes."""
        self.assertEqual(address_of(f"::ffff:{address}"), address)
        self.assertEqual(address_of(str(address)), address)

    @given(st.text(max_size=20))
    def test_whatever_it_is_called(self, host: str) -> None:
        """A peer of any name is near or far."""
        self.assertIn(Neighbourhood(Clock().seconds, lambda: ATTACHED).has(host), (True, False))


OWN_NAMES = {"obs.example.org", "pc7"}
GOOD_HOSTS = [
    "127.0.0.1",
    "127.0.0.1:11111",
    "192.168.1.5:80",
    "203.0.113.9:11111",
    "[::1]",
    "[::1]:11111",
    "[2001:db8::1]:11111",
    "[fe80::1%25eth0]:11111",
    "localhost",
    "LocalHost:11111",
    "localhost.",
    "observatory",
    "observatory:11111",
    "Obs-Pi:11111",
    "obs_pi",
    "pc7:11111",
    "obs.local",
    "Obs.Local:11111",
    "obs.local.:11111",
    "obs.lan",
    "a.b.home.arpa:11111",
    "x.internal",
    "app.localhost:11111",
    "obs.example.org",
    "OBS.example.org:443",
    "obs.example.org.:443",
    "127.0.0.1:",
]
BAD_HOSTS = [
    *[
        "evil.example",
        "evil.example:11111",
        "evil.example.",
        "127.0.0.1.evil.example",
        "192.168.1.5.nip.io:11111",
        "localhost.evil.example",
        "obs.local.evil.example",
        "obs.example.org.evil.example",
        "not-obs.example.org",
        "example.org",
        "obs.local@evil.example",
        "evil.example#.local",
        "[evil.example]",
        "[::1",
        "::1]:11111",
        "[::1].evil.example",
        "localhost:port",
        "localhost:11111:11111",
        "evil.example:80:11111",
        "obs.lan/evil",
        "999.1.1.1",
        "1.2.3",
        "0x7f.0.0.1",
        "obs.example.org:443x",
        "évil.local",
    ],
    "",
    ":11111",
    "local host",
    "localhost, evil.example",
    "localhost\tevil",
]


class HostTests(SynchronousTestCase):
    def refusal(self, *hosts: str, needs_host: bool = True) -> BadRequest | None:
        try:
            Walls(names=OWN_NAMES).check(Asking("127.0.0.1", "/", hosts, needs_host))
        except BadRequest as error:
            return error
        return None

    def test_hosts(self) -> None:
        """Addresses, names of the local network and names that are listed are ours, with any port; no other name is."""
        self.assertGreaterEqual(len(BAD_HOSTS), 30)
        self.assertEqual([host for host in GOOD_HOSTS if self.refusal(host) is not None], [])
        refused = {host: self.refusal(host) for host in BAD_HOSTS}
        self.assertEqual([host for host, error in refused.items() if error is None or error.status != 403], [])

    def test_says_how_to_allow_it(self) -> None:
        """The refusal names the host, without its port, and the setting."""
        self.assertEqual(
            str(self.refusal("Evil.example:11111")),
            '\'evil.example\' is no name of this server; if it is one, add it to "allowed_hosts" in "server" of config.json, '
            "or use the IP address",
        )
        self.assertLess(len(str(self.refusal("x." * 5000))), 300)

    def test_how_many(self) -> None:
        """HTTP/1.1 has one Host; what came before may have none."""
        for hosts in ((), ("localhost", "localhost"), ("localhost", "evil.example")):
            error = self.refusal(*hosts)
            assert error is not None
            self.assertEqual(error.status, 400)
        self.assertIsNone(self.refusal(needs_host=False))
        error = self.refusal("evil.example", needs_host=False)
        assert error is not None
        self.assertEqual(error.status, 403)

    @given(st.text(max_size=30), st.sampled_from(["", ":80", ".", "."]))
    def test_public_names(self, label: str, end: str) -> None:
        """Whatever stands in front, a name that name servers give is none of ours."""
        self.assertIsNotNone(self.refusal(f"{label}.example.com{end}"))


class OriginTests(SynchronousTestCase):
    def passes(self, origin: str, host: str = "192.168.1.5:11111") -> bool:
        try:
            Walls(origins=["https://app.example.org"]).check(Asking("127.0.0.1", "/", [host], origin=origin))
        except BadRequest as error:
            self.assertEqual(error.status, 403)
            self.assertIn('"cors_origins" in "server" of config.json', error.sentence)
            return False
        return True

    def test_own_pages(self) -> None:
        """Pages of this server may ask it, however it is called, and programs, which have no Origin."""
        self.assertTrue(self.passes(""))
        self.assertTrue(self.passes("http://192.168.1.5:11111"))
        self.assertTrue(self.passes("https://192.168.1.5:11111"))  # behind a proxy that speaks TLS
        self.assertTrue(self.passes("http://Obs.local", "obs.local"))

    def test_listed(self) -> None:
        """Pages that are listed may, by their exact origin."""
        self.assertTrue(self.passes("https://app.example.org"))
        for origin in ("http://app.example.org", "https://app.example.org:444", "https://app.example.org.evil.example"):
            self.assertFalse(self.passes(origin), origin)
        self.assertFalse(self.passes("https://app.example.org, https://app.example.org"))

    def test_others(self) -> None:
        """Another port is another page, and so is what has no name at all."""
        others = (
            "http://192.168.1.5",
            "http://192.168.1.5:8000",
            "http://192.168.1.6:11111",
            "null",
            "file://",
            "http://[",
            "//",
        )
        for origin in (*others, "ftp://192.168.1.5:11111", "http://192.168.1.5:11111@evil.example", "http://evil.example"):
            self.assertFalse(self.passes(origin), origin)

    @given(st.text())
    def test_anything(self, origin: str) -> None:
        """An Origin of any text is taken or refused."""
        self.assertEqual(self.passes(origin), origin in ("", "https://app.example.org"))


def basic(user: str, password: str) -> str:
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


class PasswordTests(SynchronousTestCase):
    USERS = {"me": "secret", "jos\xe9": "p\xe4:ss", "long": "x" * 500}  # noqa: RUF012

    def knows(self, authorization: str, path: str = "/api/v1/dome/0/name") -> bool:
        try:
            Walls(users=self.USERS).check(Asking("127.0.0.1", path, ["x"], authorization=authorization))
        except BadRequest as error:
            self.assertEqual(error.status, 401)
            return False
        return True

    def test_right(self) -> None:
        """Each user with his own password, colons and all."""
        for user, password in self.USERS.items():
            self.assertTrue(self.knows(basic(user, password)))
        self.assertTrue(self.knows(basic("me", "secret").replace("Basic", "bAsIc")))

    def test_wrong(self) -> None:
        """Anything else is refused, the empty and the broken, too."""
        for user, password in (
            ("me", ""),
            ("me", "Secret"),
            ("me", "secret "),
            ("you", "secret"),
            ("", ""),
            ("", "secret"),
            ("long", "x"),
        ):
            self.assertFalse(self.knows(basic(user, password)), user)
        for text in (
            "",
            "Basic",
            "Basic ",
            "Basic ?",
            "Basic bWU",
            "Bearer bWU6c2VjcmV0",
            "bWU6c2VjcmV0",
            "Basic \xff",
            "Basic /w==",
        ):
            self.assertFalse(self.knows(text), text)

    @given(st.text())
    def test_anything(self, text: str) -> None:
        """Any text is no password."""
        self.assertFalse(self.knows(text))
        self.assertFalse(self.knows(f"Basic {text}"))

    def test_management_is_open(self) -> None:
        """What clients ask before they have a name and a password is open to all, and nothing that only looks like it."""
        for path in ("/management/apiversions", "/management/v1/description", "/management/v1/configureddevices"):
            self.assertTrue(self.knows("", path))
        for path in ("/", "/setup", "/managements", "/management", "//management/apiversions", "/%6danagement/v1/description"):
            self.assertFalse(self.knows("", path), path)

    def test_nobody_is_asked(self) -> None:
        """Without users, no one is asked for a password."""
        Walls().check(Asking("127.0.0.1", "/setup", ["x"]))


class Visitor:
    """A connection, as it is counted."""

    def __init__(self, peer: str = "192.0.2.1") -> None:
        self.peer = peer
        self.gave_way = False

    def give_way(self) -> None:
        self.gave_way = True


class CensusTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.census = Census(8, 4, self.clock.seconds)

    def come(self, *peers: str) -> list[Visitor]:
        visitors = [Visitor(peer) for peer in peers]
        for visitor in visitors:
            self.assertEqual(self.census.too_much(visitor.peer), "")
            self.census.add(visitor)
        return visitors

    def test_one_client(self) -> None:
        """One client may have so many; as many others come as before, and it again when one of its own went."""
        first, *_ = self.come(*["192.0.2.1"] * 4)
        sentence = self.census.too_much("::ffff:192.0.2.1")
        self.assertIn("you have 4 connections, and one client may have no more (max_connections_per_peer); close some", sentence)
        self.come("192.0.2.2")
        self.census.remove(first)
        self.come("192.0.2.1")
        self.assertEqual(self.census.count, 5)

    def test_strangers_give_way(self) -> None:
        """When there are too many, one gives way that never asked anything, the oldest first, if most are like that."""
        visitors = self.come(*[f"192.0.2.{number}" for number in range(8)])
        for visitor in visitors[:3]:
            self.census.asks(visitor)
            self.census.waits(visitor)
        self.come(*[f"198.51.100.{number}" for number in range(20)])
        self.assertEqual([each.gave_way for each in visitors], [False] * 3 + [True] * 5)

    def test_idle_give_way(self) -> None:
        """If most have asked something, the one that has not for longest, and none that came just now."""
        visitors = self.come(*[f"192.0.2.{number}" for number in range(8)])
        for number in (1, 2, 3, 4, 5, 1):
            self.census.asks(visitors[number])
            self.census.waits(visitors[number])
        self.come("198.51.100.1")
        self.assertEqual([number for number, each in enumerate(visitors) if each.gave_way], [2])
        self.come("198.51.100.2")
        self.assertEqual([number for number, each in enumerate(visitors) if each.gave_way], [0, 2])

    def test_answers_are_not_cut_off(self) -> None:
        """One that is being answered never gives way."""
        visitors = self.come(*[f"192.0.2.{number}" for number in range(8)])
        for visitor in visitors:
            self.census.asks(visitor)
        self.assertIn("this server has 8 connections, and takes no more (max_connections)", self.census.too_much("198.51.100.1"))
        self.census.waits(visitors[5])
        self.come("198.51.100.1")
        self.assertEqual([number for number, each in enumerate(visitors) if each.gave_way], [5])

    def test_nothing_is_kept(self) -> None:
        """Of connections that are gone nothing is left."""
        for visitor in self.come(*[f"192.0.2.{number}" for number in range(8)]):
            self.census.remove(visitor)
        self.assertEqual((self.census.count, self.census._of, self.census._strangers, self.census._idle), (0, {}, {}, {}))

    def test_told_once_a_minute(self) -> None:
        """However many are refused, the log has a line about it each minute."""
        self.come(*["192.0.2.1"] * 4)
        with capturedLogs() as logs:
            for _ in range(600):
                self.census.too_much("192.0.2.1")
                self.clock.advance(0.1)
        self.assertEqual([each["log_level"] for each in logs], [LogLevel.warn])

    def test_room(self) -> None:
        """There are never more connections than there are descriptors for, with some to spare for serial ports and files."""
        import resource

        limits = [(256, 1024)]
        self.patch(resource, "getrlimit", lambda _: limits[-1])
        self.patch(resource, "setrlimit", lambda _, wanted: limits.append(wanted))
        self.assertEqual((room_for(100), limits[-1]), (100, (256, 1024)))
        self.assertEqual((room_for(512), limits[-1]), (512, (640, 1024)))
        self.assertEqual((room_for(5000), limits[-1]), (896, (1024, 1024)))
        limits.append((256, resource.RLIM_INFINITY))
        self.assertEqual((room_for(5000), limits[-1][0]), (5000, 5128))


class CensusOfServerTests(SynchronousTestCase):
    """The same through the server."""

    GET = b"GET /management/apiversions HTTP/1.1\r\nHost: x\r\n\r\n"

    def setUp(self) -> None:
        self.server = MemoryServer({"drivers": [], "server": {"max_connections": 8, "max_connections_per_peer": 4}})

    def test_too_many_of_one(self) -> None:
        """A connection too many is told so, and closed; the others work on."""
        connections = [self.server.connection() for _ in range(4)]
        more = self.server.connection()
        (answer,) = answers_in(more.received)
        self.assertEqual((answer.status, more.closed), (503, True))
        self.assertIn("max_connections_per_peer", answer.text)
        for connection in connections:
            connection.send(self.GET)
            self.assertEqual([each.status for each in answers_in(connection.received)], [200])
            connection.hang_up()
        self.assertEqual(self.server.request("GET", "/management/apiversions").status, 200)

    def test_newcomers_are_served(self) -> None:
        """Whoever holds connections open, asking or not, keeps no newcomer out, nor one that asks now and then."""
        regular = self.server.connection("192.0.2.99")
        for number in range(40):
            other = self.server.connection(f"192.0.2.{number}")
            if number % 2:
                other.send(self.GET)
            regular.send(self.GET)
            self.assertFalse(regular.closed)
        self.assertEqual(len(answers_in(regular.received)), 40)

    def test_gives_way(self) -> None:
        """Who gives way is cut off, and what it still sends is not looked at."""
        first = self.server.connection("192.0.2.1")
        for number in range(2, 10):
            self.server.connection(f"192.0.2.{number}")
        self.assertTrue(first.gone)
        first.send(self.GET)
        self.assertEqual(first.received, b"")


# What a page on another port of this machine may have a browser send; Origin as browsers write it.
ELSEWHERE = "http://127.0.0.1:8000"
OPEN_SHUTTER = "/api/v1/dome/0/openshutter"


def attack(verb: str, path: str = OPEN_SHUTTER, *headers: str, origin: str = ELSEWHERE, host: str = "127.0.0.1:11111") -> bytes:
    body = b"ClientID=1&Connected=False"
    lines = [f"Host: {host}", *([f"Origin: {origin}"] if origin else []), f"Content-Length: {len(body)}", *headers]
    return request(f"{verb} {path} HTTP/1.1", *lines, body=body)


ATTACKS: dict[str, tuple[bytes, int]] = {
    "fetch of a PUT: what the browser asks first": (
        attack("OPTIONS", OPEN_SHUTTER, "Access-Control-Request-Method: PUT", "Access-Control-Request-Headers: content-type"),
        403,
    ),
    "fetch of a PUT, if a browser let it": (attack("PUT", OPEN_SHUTTER, f"Content-Type: {FORM}"), 403),
    "fetch of a POST without CORS": (attack("POST", OPEN_SHUTTER, "Content-Type: text/plain"), 403),
    "form": (attack("POST", OPEN_SHUTTER, f"Content-Type: {FORM}"), 403),
    "form of a sandboxed frame": (attack("POST", OPEN_SHUTTER, f"Content-Type: {FORM}", origin="null"), 403),
    "form that wants to be a PUT": (attack("POST", OPEN_SHUTTER, "X-HTTP-Method-Override: PUT"), 403),
    "form of a browser without Origin": (attack("POST", OPEN_SHUTTER, f"Referer: {ELSEWHERE}/", origin=""), 405),
    "image whose address is a command": (attack("GET", f"{OPEN_SHUTTER}?ClientID=1", "Sec-Fetch-Dest: image", origin=""), 405),
    "beacon": (attack("POST", OPEN_SHUTTER, "Content-Type: text/plain", "Sec-Fetch-Mode: no-cors"), 403),
    "WebSocket": (attack("GET", OPEN_SHUTTER, "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"), 403),
    "name that points here": (attack("PUT", OPEN_SHUTTER, origin="", host="evil.example:11111"), 403),
    "name that points here, as its own page": (
        attack("PUT", OPEN_SHUTTER, origin="http://evil.example:11111", host="evil.example:11111"),
        403,
    ),
}


class AttackTests(SynchronousTestCase):
    """What `tox -e chaos` has a browser do, as bytes."""

    def test_no_page_moves_anything(self) -> None:
        """Of twelve ways in which a page of somewhere else may try to open the roof, none does, or lets it read anything."""
        self.assertEqual(len(ATTACKS), 12)
        server = MemoryServer(
            {"drivers": [{"device_type": "dome", "device_number": 0, "device_driver": "tests.doubles:NaiveDome"}]}
        )
        server.put("dome/0/connected", Connected=True)
        dome = server.driver("dome")
        assert isinstance(dome, NaiveDome)
        for name, (sent, status) in ATTACKS.items():
            connection = server.connection("127.0.0.1")
            connection.send(sent)
            (answer,) = answers_in(connection.received)
            self.assertEqual(answer.status, status, name)
            self.assertEqual([each for each in answer.headers if each.startswith("access-control")], [], name)
            connection.hang_up()
        self.assertEqual((dome.done, server.get("dome/0/connected").value), ([], True))
        self.assertEqual(server.put("dome/0/openshutter").error, 0)
        self.assertEqual(dome.done, [("OpenShutter", None)])


DEVICES = [
    {"device_type": "dome", "device_number": 0, "device_driver": "DomeSimulator", "name": "roof"},
    {"device_type": "camera", "device_number": 0, "device_driver": "tests.doubles:PictureCamera"},
]
PAGE = "https://app.example.org"


class WalledTestCase(SynchronousTestCase):
    def served(self, **server: Any) -> MemoryServer:
        return MemoryServer({"drivers": DEVICES, "server": server})

    def ask(
        self, server: MemoryServer, path: str, *headers: str, verb: str = "GET", peer: str = "192.0.2.7", host: str = "x"
    ) -> Answer:
        connection = server.connection(peer)
        connection.send(request(f"{verb} {path} HTTP/1.1", f"Host: {host}", *headers))
        (answer,) = answers_in(connection.received)
        self.assertFalse(connection.closed)
        connection.hang_up()
        return answer

    def assert_refused(self, answer: Answer, status: int, *says: str) -> None:
        self.assertEqual((answer.status, answer.headers["content-type"]), (status, "text/plain; charset=utf-8"))
        self.assertEqual(answer.headers["x-content-type-options"], "nosniff")
        for words in says:
            self.assertIn(words, answer.text)
        self.assertEqual(answer.text.count("\n"), 0)


EVERY_PATH = ("/", "/setup", "/management/v1/configureddevices", "/api/v1/dome/0/name", "/api/v1/camera/0/imagearray", "/nowhere")


class FarTests(WalledTestCase):
    def test_nobody_from_afar(self) -> None:
        """Peers outside the networks of this machine get no page and no device, and read how to be served."""
        server = self.served()
        for path in EVERY_PATH:
            for verb in ("GET", "PUT", "OPTIONS", "FOO"):
                answer = self.ask(server, path, verb=verb, peer="203.0.113.9")
                self.assert_refused(answer, 403, "203.0.113.9 is not in a network of this server", '"allow_public": true')
                self.assertNotIn(b"Alpaca", answer.body)

    def test_allowed(self) -> None:
        """One line of the configuration serves everybody; the page of the server then says so."""
        server = self.served(allow_public=True)
        self.assertEqual(self.ask(server, "/api/v1/dome/0/name", peer="203.0.113.9").value, "roof")
        self.assertIn("Whoever reaches this server from anywhere can use it, without a password", self.ask(server, "/setup").text)
        guarded = self.served(allow_public=True, users={"me": "secret"})
        page = self.ask(guarded, "/setup", f"Authorization: {basic('me', 'secret')}").text
        self.assertIn("with one of the names and passwords of its users", page)
        self.assertNotIn("from anywhere", self.ask(self.served(), "/setup").text)

    def test_spoken_of_by_others(self) -> None:
        """What a request says of where it comes from is not believed."""
        headers = ("X-Forwarded-For: 127.0.0.1", "Forwarded: for=127.0.0.1", "X-Real-IP: 127.0.0.1", "Client-IP: 127.0.0.1")
        self.assertEqual(self.ask(self.served(), "/setup", *headers, peer="203.0.113.9").status, 403)


class NameTests(WalledTestCase):
    def test_own_name(self) -> None:
        """The name of this machine is one of the server's, and what is listed."""
        server = self.served(allowed_hosts=["obs.example.org"])
        for host in (socket.gethostname(), f"{socket.gethostname().upper()}:11111", "obs.example.org"):
            self.assertEqual(self.ask(server, "/setup", host=host).status, 200, host)
        self.assert_refused(self.ask(server, "/setup", host="evil.example"), 403, "'evil.example'", '"allowed_hosts"')


class PageOfOthersTests(WalledTestCase):
    def test_none_by_default(self) -> None:
        """Without a list, no answer says anything to pages of others, and OPTIONS gives no permission."""
        server = self.served()
        for path in EVERY_PATH:
            for headers in (
                (),
                ("Origin: http://x",),
                (f"Origin: {PAGE}",),
                (f"Origin: {PAGE}", "Access-Control-Request-Method: PUT"),
            ):
                for verb in ("GET", "OPTIONS"):
                    answer = self.ask(server, path, *headers, verb=verb)
                    found = [each for each in answer.headers if each.startswith("access-control") or each == "vary"]
                    self.assertEqual(found, [], (path, headers, verb))
                    self.assertNotEqual((verb, answer.status), ("OPTIONS", 200))
                    self.assertEqual(answer.status == 403, headers[:1] == (f"Origin: {PAGE}",))

    def test_listed(self) -> None:
        """A page that is listed reads what it asks, also why it is refused; caches are told that it depends on the page."""
        server = self.served(cors_origins=[PAGE, "http://127.0.0.1:8000"])
        for path, status in (("/api/v1/dome/0/name", 200), ("/api/v1/dome/7/name", 400), ("/nowhere", 404)):
            answer = self.ask(server, path, f"Origin: {PAGE}")
            self.assertEqual((answer.status, answer.headers["access-control-allow-origin"]), (status, PAGE))
            self.assertEqual(answer.headers["vary"], "origin")
            self.assertNotIn("access-control-allow-credentials", answer.headers)

    def test_not_listed(self) -> None:
        """Any other page is refused, and reads nothing."""
        server = self.served(cors_origins=[PAGE])
        for origin in ("https://evil.example", f"{PAGE}.evil.example", "http://app.example.org", "null", PAGE.upper()):
            answer = self.ask(server, "/api/v1/dome/0/name", f"Origin: {origin}")
            self.assert_refused(answer, 403, f"a page of {origin} sent this", '"cors_origins"')
            self.assertNotIn("access-control-allow-origin", answer.headers)
            self.assertEqual(answer.headers["vary"], "origin")

    def test_no_page(self) -> None:
        """Programs are answered as ever, without a word for pages."""
        answer = self.ask(self.served(cors_origins=[PAGE]), "/api/v1/dome/0/name")
        self.assertEqual((answer.value, answer.headers["vary"]), ("roof", "origin"))
        self.assertNotIn("access-control-allow-origin", answer.headers)

    def test_permission(self) -> None:
        """A browser that asks for a listed page is told what it may send; for another it is not."""
        server = self.served(cors_origins=[PAGE], users={"me": "secret"})
        ask = ("Access-Control-Request-Method: PUT", "Access-Control-Request-Headers: authorization, content-type")
        answer = self.ask(server, OPEN_SHUTTER, f"Origin: {PAGE}", *ask, verb="OPTIONS")
        self.assertEqual((answer.status, answer.body), (204, b""))
        self.assertEqual(answer.headers["access-control-allow-origin"], PAGE)
        self.assertEqual(answer.headers["access-control-allow-methods"], "GET, PUT")
        self.assertEqual(answer.headers["access-control-allow-headers"], "accept, authorization, content-type")
        for headers, status in (((f"Origin: {PAGE}",), 401), (("Origin: https://evil.example", *ask), 403), (ask, 401)):
            answer = self.ask(server, OPEN_SHUTTER, *headers, verb="OPTIONS")
            self.assertEqual((answer.status, answer.headers.get("access-control-allow-methods")), (status, None), headers)

    def test_password_of_a_page(self) -> None:
        """A listed page has to know a password like everybody else, and can read that it has to."""
        server = self.served(cors_origins=[PAGE], users={"me": "secret"})
        answer = self.ask(server, "/api/v1/dome/0/name", f"Origin: {PAGE}")
        self.assertEqual((answer.status, answer.headers["access-control-allow-origin"]), (401, PAGE))
        answer = self.ask(server, "/api/v1/dome/0/name", f"Origin: {PAGE}", f"Authorization: {basic('me', 'secret')}")
        self.assertEqual((answer.value, answer.headers["access-control-allow-origin"]), ("roof", PAGE))


class BasicTests(WalledTestCase):
    def test_asked_for(self) -> None:
        """Who gives no password is asked for one, in the way that clients and browsers know; management needs none."""
        server = self.served(users={"me": "secret"})
        for path in ("/", "/setup", "/api/v1/dome/0/name", "/api/v1/nothing", "/nowhere"):
            answer = self.ask(server, path)
            self.assert_refused(answer, 401, "HTTP Basic, one of the users in config.json")
            self.assertEqual(answer.headers["www-authenticate"], 'Basic realm="pylpaca", charset="UTF-8"')
        self.assertEqual(self.ask(server, "/management/apiversions").value, [1])
        self.assertEqual(len(self.ask(server, "/management/v1/configureddevices").value), 2)

    def test_not_by_management(self) -> None:
        """That a client was told without a password which devices there are lets it ask none of them anything."""
        server = self.served(users={"me": "secret"})
        for _ in range(3):
            self.assertEqual(len(self.ask(server, "/management/v1/configureddevices").value), 2)
            self.assertEqual(self.ask(server, "/api/v1/dome/0/name").status, 401)

    def test_given(self) -> None:
        """With a right one everything is as ever."""
        right, wrong = (f"Authorization: {basic('me', word)}" for word in ("secret", "Secret"))
        server = self.served(users={"me": "secret"})
        self.assertEqual(self.ask(server, "/api/v1/dome/0/name", right).value, "roof")
        self.assertEqual(self.ask(server, "/api/v1/dome/0/name", wrong).status, 401)
        self.assertEqual(self.ask(server, "/api/v1/dome/0/name", right, right).status, 401)

    def test_order(self) -> None:
        """Where somebody is and what page sent it is looked at before his password, which is then no help to guess it."""
        server = self.served(users={"me": "secret"})
        right = f"Authorization: {basic('me', 'secret')}"
        for answer in (
            self.ask(server, "/setup", right, peer="203.0.113.9"),
            self.ask(server, "/setup", right, host="evil.example"),
            self.ask(server, "/setup", right, "Origin: http://evil.example"),
        ):
            self.assertEqual((answer.status, answer.headers.get("www-authenticate")), (403, None))


class PageHeaderTests(WalledTestCase):
    def test_pages(self) -> None:
        """Pages run no scripts, load nothing from elsewhere, and are shown in no frame of others."""
        server = self.served()
        for path in ("/", "/setup", "/setup/v1/dome/0/setup", "/setup/v1/dome/9/setup"):
            headers = self.ask(server, path).headers
            self.assertEqual(
                headers["content-security-policy"],
                "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
            )
            self.assertEqual(headers["x-frame-options"], "DENY")
            self.assertEqual(headers["referrer-policy"], "same-origin")
            self.assertEqual(headers["x-content-type-options"], "nosniff")

    def test_everything_else(self) -> None:
        """No answer is taken for something else than it says it is."""
        server = self.served()
        for path in ("/api/v1/dome/0/name", "/management/apiversions", "/nowhere", "/api/v1/dome/9/name"):
            self.assertEqual(self.ask(server, path).headers["x-content-type-options"], "nosniff")


class ImageTests(WalledTestCase):
    """Images go another way through the server than everything else does."""

    ACCEPT = (f"Accept: {TYPE}", "Accept: application/json")

    def setUp(self) -> None:
        self.server = self.served(users={"me": "secret"}, cors_origins=[PAGE])
        camera: Any = self.server.driver("camera")
        camera.picture = [[1, 2], [3, 4]]
        self.right = f"Authorization: {basic('me', 'secret')}"
        for member, body in (("connected", b"Connected=True"), ("startexposure", b"Duration=1&Light=True")):
            connection = self.server.connection()
            connection.send(put(f"/api/v1/camera/0/{member}", body, self.right))
            self.assertEqual(answers_in(connection.received)[0].error, 0)
        self.server.clock.advance(1.0)

    def fetched(self, *headers: str, peer: str = "192.0.2.7") -> Connection:
        connection = self.server.connection(peer)
        connection.send(request("GET /api/v1/camera/0/imagearray HTTP/1.1", "Host: x", *headers))
        return connection

    def test_behind_the_walls(self) -> None:
        """An image is refused like anything else, in a sentence."""
        for accept in self.ACCEPT:
            for headers, peer, status in (
                ((), "192.0.2.7", 401),
                ((self.right,), "203.0.113.9", 403),
                ((self.right, "Origin: http://evil.example"), "192.0.2.7", 403),
            ):
                (answer,) = answers_in(self.fetched(accept, *headers, peer=peer).received)
                self.assert_refused(answer, status)

    def test_let_through(self) -> None:
        """With the password it comes, and a listed page may read it."""
        for accept, kind in zip(self.ACCEPT, (TYPE, "application/json; charset=utf-8"), strict=True):
            answer = self.fetched(accept, self.right, f"Origin: {PAGE}").answer()
            assert answer is not None
            self.assertEqual((answer.status, answer.headers["content-type"]), (200, kind))
            self.assertEqual(answer.headers["access-control-allow-origin"], PAGE)
            self.assertEqual(decoded(answer.body, kind).pixels, [[1, 3], [2, 4]])


class RequestLogTests(WalledTestCase):
    def logged(self, act: Callable[[MemoryServer], object], **server: Any) -> list[str]:
        made = self.served(**server)
        with capturedLogs() as logs:
            act(made)
        return [formatEvent(each) for each in logs if each["log_namespace"] in ("pylpaca.service", "pylpaca.web")]

    def requests(self, server: MemoryServer) -> None:
        for connection in (
            server.begin("GET", "dome/0/name?ClientID=5&ClientTransactionID=77"),
            server.begin("GET", "dome/0/azimuth", peer="::ffff:192.0.2.9"),
            server.begin("GET", "dome/7/name"),
            server.begin("GET", "/setup", headers={"Authorization": "secret"}),
            server.begin("GET", "/management/apiversions", peer="203.0.113.9"),
        ):
            connection.hang_up()
        connection = server.connection()
        connection.send(b"garbage\r\n")

    def test_off(self) -> None:
        """By default no request is logged."""
        self.assertEqual(self.logged(self.requests), [])

    def test_on(self) -> None:
        """When asked for, each has a line: who, which ids, what, how it ended, how long it took; nothing of passwords."""
        lines = self.logged(self.requests, request_log=True)
        self.assertEqual(
            lines,
            [
                "192.0.2.7 ClientID 5 GET dome/0/name: in 0.0 ms (ClientTransactionID 77, ServerTransactionID 1)",
                "192.0.2.9 ClientID 0 GET dome/0/azimuth: error 0x407 in 0.0 ms (ClientTransactionID 0, ServerTransactionID 2)",
                "192.0.2.7 GET /api/v1/dome/7/name: HTTP 400",
                "192.0.2.7 GET /setup: HTTP 200",
                "203.0.113.9 GET /management/apiversions: HTTP 403",
                "192.0.2.7: HTTP 400, this is no HTTP request that can be read; a path of this server starts with http://",
            ],
        )

    def test_how_long(self) -> None:
        """What takes time says how much, and so does what was never answered."""

        def act(server: MemoryServer) -> None:
            driver: Any = server.driver("dome")
            driver.link.vote(True)
            driver.Azimuth = Deferred
            server.begin("GET", "dome/0/azimuth")
            server.clock.advance(4.0)

        (line,) = self.logged(act, request_log=True)
        self.assertIn("GET dome/0/azimuth: error 0x500 in 4000.0 ms", line)

    def test_one_line_each(self) -> None:
        """Whatever is asked, it cannot write lines of its own into the log."""
        lines = self.logged(lambda server: server.request("GET", "/a%0d%0ab%00" + "x" * 500), request_log=True)
        self.assertEqual(len(lines), 1)
        self.assertLess(len(lines[0]), 200)
        self.assertTrue(lines[0].isprintable())


class ConfigurationTests(SynchronousTestCase):
    def told(self, **server: Any) -> list[str]:
        return [str(each) for each in config.read({"drivers": [], "server": server}).mistakes]

    def test_right(self) -> None:
        """Every setting of the walls."""
        found = self.told(
            allow_public=True,
            allowed_hosts=["obs.example.org"],
            cors_origins=["https://app.example.org", "http://127.0.0.1:8000"],
            users={"me": "secret"},
            max_connections=8,
            max_connections_per_peer=4,
            request_log=True,
        )
        self.assertEqual(found, [])

    def test_origins(self) -> None:
        """Origins are written as browsers write them; a star is none."""
        for wrong in (
            "*",
            "null",
            "app.example.org",
            "https://app.example.org/",
            "HTTPS://app.example.org",
            "ftp://x",
            "https://X",
        ):
            (mistake,) = self.told(cors_origins=[wrong])
            self.assertEqual(
                mistake,
                "server.cors_origins: must be origins such as https://example.org, "
                f"in lower case and without a path, not {wrong!r}",
            )

    def test_hosts(self) -> None:
        """Names of hosts are names, without anything around them."""
        for wrong in ("", "*", "*.example.org", "Obs.example.org", "obs.example.org:443", "https://obs.example.org", "a b"):
            (mistake,) = self.told(allowed_hosts=[wrong])
            self.assertEqual(
                mistake,
                "server.allowed_hosts: must be names such as observatory.example.org, "
                f"in lower case, without a port, not {wrong!r}",
            )

    def test_users(self) -> None:
        """Names and passwords are there, and can be sent."""
        for wrong in ({"": "x"}, {"a:b": "x"}, {"me": ""}, {"me": "\ud800"}, {"\udfff": "x"}):
            (mistake,) = self.told(users=wrong)
            self.assertEqual(mistake, "server.users: must be names without a colon, each with a password that is not empty")

    def test_kinds(self) -> None:
        """A mistake in kind or range is told with what was expected."""
        for server, sentence in (
            ({"allow_public": "yes"}, "should be a valid boolean"),
            ({"max_connections": 7}, "should be greater than or equal to 8"),
            ({"max_connections_per_peer": 0}, "should be greater than or equal to 4"),
            ({"request_log": 1}, "should be a valid boolean"),
            ({"users": ["me"]}, "should be an object in braces"),
            ({"allowed_host": []}, "did you mean 'allowed_hosts'?"),
        ):
            (mistake,) = self.told(**server)
            self.assertIn(sentence, mistake)

    def test_passwords_are_not_told(self) -> None:
        """A mistake beside a password does not show it, nor does anything that prints the settings."""
        text = json.dumps({"drivers": [], "server": {"users": {"me": "secret", "you": 5}}})
        found = config.read(json.loads(text), text)
        self.assertNotIn("secret", "\n".join(map(str, found.mistakes)))
        section = config.read({"drivers": [], "server": {"users": {"me": "secret"}}}).server
        self.assertNotIn("secret", repr(section) + section.model_dump_json())


class ExposureTests(SynchronousTestCase):
    """Files that others on this computer may write to, or read passwords in."""

    def setUp(self) -> None:
        self.home = Path(self.mktemp()).absolute()
        (self.home / "drivers").mkdir(parents=True)
        (self.home / "drivers" / "mine.py").write_text("")
        self.config = self.home / "config.json"
        self.config.write_text('{"drivers": []}')
        for path, mode in ((self.home, 0o755), (self.home / "drivers", 0o755), (self.home / "drivers" / "mine.py", 0o644)):
            path.chmod(mode)

    def told(self) -> list[str]:
        return exposed(config.load(self.config))

    def test_nothing_to_tell(self) -> None:
        """Files as they usually are; the group of the user may be a group of one."""
        for mode in (0o600, 0o644, 0o664):
            self.config.chmod(mode)
            self.assertEqual(self.told(), [])

    def test_writable(self) -> None:
        """Whatever decides which code runs may be written by its owner only."""
        for path in (self.config, self.home, self.home / "drivers", self.home / "drivers" / "mine.py"):
            mode = path.stat().st_mode
            path.chmod(mode | 0o002)
            self.assertEqual(
                self.told(),
                [f"others on this computer may write to {path}, and so have this server run what they like: chmod o-w {path}"],
            )
            path.chmod(mode)

    def test_readable(self) -> None:
        """Passwords may be read by their owner only."""
        self.config.write_text('{"drivers": [], "server": {"users": {"me": "secret"}}}')
        self.config.chmod(0o644)
        self.assertEqual(
            self.told(), [f"others on this computer may read the passwords in {self.config}: chmod o-r {self.config}"]
        )
        self.config.chmod(0o640)
        self.assertEqual(self.told(), [])

    def test_where_files_have_no_such_modes(self) -> None:
        """On Windows there is nothing to tell, nor without a file."""
        self.config.chmod(0o666)
        self.assertEqual(len(self.told()), 1)
        self.patch(os, "name", "nt")
        self.assertEqual(exposed(config.read({"drivers": []}, path=self.config)), [])
        self.assertEqual(exposed(config.Configuration()), [])


class Texts(HTMLParser):
    """What a browser makes of a page: its tags with their attributes, but for what is typed in its fields."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[Any] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append((tag, [(name, "…" if (tag, name) == ("input", "value") else value) for name, value in attrs]))


NAUGHTY = ("<script>alert(1)</script>", "\"'><img src=x onerror=y>", "&lt;", "</title>", "<!--", "{title}", "%s")
MODULE = [("type", "module"), ("src", "/assets/pylpaca.js")]
NAMES = st.text(min_size=1, max_size=40) | st.sampled_from(NAUGHTY)


class InjectionTests(SynchronousTestCase):
    def pages(self, name: str, *paths: str) -> list[list[Any]]:
        """The tags of these pages of a server in which everything has this name."""
        entry = {"device_type": "dome", "device_number": 0, "device_driver": "simulators.dome.DomeSimulator", "name": name}
        server = MemoryServer({"drivers": [entry], "server": {"name": name, "location": name}})
        return [Texts(server.request("GET", path).body.decode()).tags for path in paths]

    @settings(max_examples=40)
    @given(NAMES)
    def test_names(self, name: str) -> None:
        """Whatever a device and the server are called, their pages are the same but for the text, and for what is typed there."""
        paths = ("/setup", "/setup/v1/dome/0/setup")
        self.assertEqual(self.pages(name, *paths), self.pages("x", *paths))

    @settings(max_examples=40)
    @given(NAMES)
    def test_paths(self, name: str) -> None:
        """Whatever path is asked for, it is shown as text: the page that says so has the tags it always has, if there is one."""
        word = quote(name, safe="")
        usual, *found = self.pages("x", "/setup/v1/x/0/setup", f"/setup/v1/{word}/0/setup", f"/setup/v1/dome/{word}x/setup")
        for tags in found:
            self.assertIn(tags, (usual, []))

    @settings(max_examples=15)
    @given(NAMES)
    def test_typed(self, text: str) -> None:
        """Whatever is typed into a form comes back in its field as text, and nothing else of the page."""
        entry = {"device_type": "dome", "device_number": 0, "device_driver": "MyDomeDriver"}
        server, path = MemoryServer({"drivers": [entry]}), "/setup/v1/dome/0/setup"
        for field in ("settings.port:other", "settings.baudrate", "device.name", "device.deadline"):
            found = []
            for word in ("?", text):
                typed = {**Page(server.request("GET", path)).fields, "settings.retries": "x", field: word}
                shown = Page(server.request("POST", path, urlencode(typed).encode(), {"Content-Type": FORM}))
                self.assertEqual(shown.answer.status, 400)
                found.append(Texts(shown.answer.text).tags)
            kept = shown.fields["settings.port" if field == "settings.port:other" else field]
            self.assertEqual(kept, text.strip() if "port" in field else text)
            self.assertEqual({tag for tag, _ in found[1]} - {tag for tag, _ in found[0]}, set())
            self.assertEqual(
                [attrs for tag, attrs in found[1] if tag == "script" and ("src", "/assets/theme.js") not in attrs], [MODULE]
            )

    def test_pages_are_looked_at(self) -> None:
        """The pages of these tests are pages, and texts in them are read as a browser does."""
        (setup,) = self.pages("x", "/setup")
        self.assertIn(("a", [("href", "/setup/v1/dome/0/setup")]), setup)
        self.assertEqual(Texts("<p>&lt;b&gt;<b>").tags, [("p", []), ("b", [])])


class NumberTests(SynchronousTestCase):
    @given(st.text(max_size=12) | st.from_regex(r"[+-]?[0-9]{1,11}") | st.sampled_from(["-709", "4294967296", "1e3", "0x1"]))
    def test_ids(self, text: str) -> None:
        """Whatever is sent as an id is refused, or is the unsigned 32-bit number it is written as."""
        for name in ("ClientID", "ClientTransactionID"):
            try:
                ids = read_ids("PUT", {name: text})
            except BadRequest as error:
                self.assertIn(name, error.sentence)
            else:
                found = ids.client if name == "ClientID" else ids.transaction
                self.assertTrue(text.isascii() and text.isdigit() and found == int(text) < 1 << 32, text)

    @given(st.text(max_size=12) | st.floats().map(str) | st.sampled_from(["1e999", "-1e999", "nan", "infinity", "1_0"]))
    def test_numbers(self, text: str) -> None:
        """Whatever is sent as a number is refused, or is finite."""
        try:
            (azimuth,) = read_arguments(operations(DEVICE_TYPES["dome"])["SlewToAzimuth"], {"Azimuth": text}).values()
        except BadRequest as error:
            self.assertIn("Azimuth", error.sentence)
        else:
            self.assertTrue(math.isfinite(azimuth))


class SupplyTests(SynchronousTestCase):
    def test_few_dependencies(self) -> None:
        """The server itself needs at most nine packages."""
        try:
            needed = [each for each in requires("pylpaca") or [] if "extra ==" not in each]
        except PackageNotFoundError:  # from a clone that is not installed
            project = Path(__file__).parent.parent / "pyproject.toml"
            needed = tomllib.loads(project.read_text())["project"]["dependencies"]
        self.assertIn("twisted", " ".join(needed))
        self.assertLessEqual(len(needed), 9)


class DriverSourceTests(SynchronousTestCase):
    """Drivers are code, and come from nowhere but where the configuration says."""

    def test_not_from_paths(self) -> None:
        """A driver is named, not given as a path."""
        elsewhere = Path(self.mktemp()).absolute()
        elsewhere.mkdir()
        (elsewhere / "evil.py").write_text("raise SystemExit('imported')")
        for name in (
            f"{elsewhere}/evil.Evil",
            f"{elsewhere}/evil:Evil",
            "../evil.Evil",
            "..evil.Evil",
            ".evil.Evil",
            "evil.Evil",
            "evil:Evil",
            "http://evil.example/evil.Evil",
            "simulators/../evil.Evil",
        ):
            found = config.read({"drivers": [{"device_type": "dome", "device_number": 0, "device_driver": name}]})
            self.assertIn("drivers[0].device_driver", self.refusal(found), name)

    def test_not_any_class(self) -> None:
        """What is installed and is no driver is not made one."""
        for name in ("os:system", "builtins:eval", "subprocess:Popen", "pathlib:Path"):
            found = config.read({"drivers": [{"device_type": "dome", "device_number": 0, "device_driver": name}]})
            self.refusal(found)

    def refusal(self, found: config.Configuration) -> str:
        return str(
            self.assertRaises(AssertionError, MemoryServer, {"drivers": [each.entry.model_dump() for each in found.devices]})
        )

    @given(st.sampled_from(["GET", "PUT"]), st.sampled_from(["antigravity", "tests.faults", "tests.faults:X", "..", "drivers.x"]))
    def test_not_from_requests(self, verb: str, name: str) -> None:
        """Nothing that a client sends is ever imported."""
        server = MemoryServer({"drivers": DEVICES})
        kept = importlib.import_module
        importlib.import_module = None  # type: ignore[assignment]
        try:
            for path in (name, f"{name}/0/name", f"dome/0/{name}", f"dome/{name}/name", f"/setup/v1/{name}/0/setup"):
                self.assertIn(server.request(verb, path).status // 100, (4,))
            self.assertEqual(server.put("dome/0/action", Action=name, Parameters=name).error, 0x407)
        finally:
            importlib.import_module = kept


class PatienceTests(SynchronousTestCase):
    def test_figures(self) -> None:
        """What docs/security.md promises."""
        self.assertEqual((PatientChannel.HEAD_WITHIN, PatientChannel.BODY_WITHIN), (10.0, 30.0))
