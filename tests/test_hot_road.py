"""The hot road beside the plain one: whatever is sent, and however it is cut, both say the same bytes at the same time."""

from __future__ import annotations

import contextlib
import gc
import json
import re
import shutil
import socket
import tempfile
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionLost
from twisted.internet.interfaces import IAddress
from twisted.internet.task import deferLater
from twisted.internet.tcp import Connection as TcpConnection
from twisted.trial.unittest import SkipTest, SynchronousTestCase

from pylpaca.connections import PatientChannel
from pylpaca.device import NoSettings, SafetyMonitor, Surroundings
from pylpaca.errors import InvalidOperation
from pylpaca.hot import HotChannel
from pylpaca.imagebytes import TYPE
from pylpaca.network import Neighbourhood
from pylpaca.protocol import FORM
from pylpaca.testing import Connection, MemoryServer
from pylpaca.web import KEEP_ALIVE
from tests import test_raw_http
from tests.chaos.figures import Missing
from tests.chaos.tls import certificate, secure_address
from tests.raw import PATIENCE, answers_in, get, put, request
from tests.server_process import ServerProcess

STEPS = ["routes", "headers", "sending"]


class Moody(SafetyMonitor):
    """A safety monitor whose answers are late, refusals and mistakes, one after another; it counts what it is asked."""

    MOODS: ClassVar[Sequence[str]] = ("yes", "late", "no", "broken", "wrong", "late no", "exit")

    asked = 0

    def IsSafe(self) -> Any:
        mood = self.MOODS[self.asked % len(self.MOODS)]
        self.asked += 1
        if mood == "no":
            raise InvalidOperation("not now")
        if mood == "broken":
            raise ZeroDivisionError("secret")
        if mood == "exit":
            raise SystemExit(1)
        if mood == "late no":
            return deferLater(self.clock, 1.0).addCallback(self._refuse)
        return deferLater(self.clock, 1.0, bool, 1) if mood == "late" else "no bool" if mood == "wrong" else True

    def _refuse(self, _: object) -> bool:
        raise InvalidOperation("not then")

    def Action(self, Action: str, Parameters: str) -> str:
        self.asked += 1
        return f"{Action} é {Parameters}"


CONFIGURATION: dict[str, Any] = {
    "drivers": [
        {"device_type": "dome", "device_number": 0, "device_driver": "simulators.dome.DomeSimulator", "name": "roof"},
        {"device_type": "telescope", "device_number": 3, "device_driver": "simulators.telescope.TelescopeSimulator"},
        {"device_type": "switch", "device_number": 0, "device_driver": "simulators.switch.SwitchSimulator"},
        {
            "device_type": "camera",
            "device_number": 0,
            "device_driver": "simulators.camera.CameraSimulator",
            "driver_config": {"CameraXSize": 16, "CameraYSize": 16},
        },
        {"device_type": "safetymonitor", "device_number": 0, "device_driver": f"{__name__}:Moody"},
        {"device_type": "safetymonitor", "device_number": 1, "device_driver": f"{test_raw_http.__name__}:UnprintableMonitor"},
    ],
    "server": {"cors_origins": ["https://sky.example"], "allowed_hosts": ["obs.example"], "name": "it"},
}

IDS = "ClientID=7&ClientTransactionID=1234"
SAFE = get(f"/api/v1/safetymonitor/0/issafe?{IDS}")
MOOD_NAME = get(f"/api/v1/safetymonitor/0/name?{IDS}")
NAME = get(f"/api/v1/dome/0/name?{IDS}")
STATE = get(f"/api/v1/telescope/3/devicestate?{IDS}")


def form(path: str, body: str, *headers: str) -> bytes:
    """A PUT as clients send it."""
    return put(path, body.encode(), f"Content-Type: {FORM}", *headers)


TRACK = form("/api/v1/telescope/3/tracking", f"Tracking=true&{IDS}")

Step = bytes | float | Callable[[MemoryServer, Connection], object]  # what is sent, how long is waited, what is done


def hang_up(server: MemoryServer, connection: Connection) -> None:
    connection.hang_up()


def stop(server: MemoryServer, connection: Connection) -> None:
    server.site.open_connections.end_soon()


def stop_reading(server: MemoryServer, connection: Connection) -> None:
    connection.stop_reading()


def read(server: MemoryServer, connection: Connection) -> None:
    connection.read()


def move_away(server: MemoryServer, connection: Connection) -> None:
    """The network that the client is in is no network of this machine any more."""
    near = server.site.walls.near
    assert isinstance(near, Neighbourhood)
    near._networks = tuple


def learn(server: MemoryServer, connection: Connection) -> None:
    server.site.walls.names.add("learnt.example")


def again(times: int, *steps: Step) -> list[Step]:
    return [*steps] * times


CONVERSATIONS: dict[str, Sequence[Step]] = {
    "twice the same": [NAME, NAME],
    "other member, same headers": [NAME, STATE, get("/api/v1/dome/0/connected"), NAME],
    "other ids": [NAME, get("/api/v1/dome/0/name?clientid=1&CLIENTTRANSACTIONID=2"), get("/api/v1/dome/0/name?clientid=1")],
    "escapes in the query": [NAME, get("/api/v1/switch/0/getswitch?I%64=%31"), get("/api/v1/switch/0/getswitch?Id=+1")],
    "parameters": [NAME, get(f"/api/v1/switch/0/getswitch?Id=1&{IDS}"), get("/api/v1/switch/0/getswitch?Id=99")],
    "unreadable parameter": [NAME, get("/api/v1/switch/0/getswitch?Id=x"), NAME, get("/api/v1/switch/0/getswitch"), NAME],
    "unreadable ids": [NAME, get("/api/v1/dome/0/name?ClientID=-1"), get("/api/v1/dome/0/name?ClientID=1&ClientID=2"), NAME],
    "too many fields": [NAME, get("/api/v1/dome/0/name?" + "a=1&" * 200), NAME],
    "a query that is no text": [NAME, get("/api/v1/dome/0/name?a=%ff"), get("/api/v1/dome/0/name?a=\xb0"), NAME],
    "not connected": [get("/api/v1/dome/0/azimuth"), get("/api/v1/dome/0/azimuth"), get("/api/v1/dome/0/azimuth")],
    "every mood": [*[SAFE] * 2, 1.0, *[SAFE] * 4, 1.0, *[SAFE] * 3, 1.0],
    "late, and asked meanwhile": [SAFE, SAFE, SAFE, SAFE, 1.0, SAFE],
    "late, and gone": [SAFE, SAFE, hang_up, 1.0],
    "late, and no more": [SAFE, SAFE, 10.0],
    "pipelined": [NAME, NAME * 3, NAME, NAME * 2],
    "pipelined and late": [NAME, SAFE * 3 + NAME, 1.0, NAME],
    "different headers": [NAME, get("/api/v1/dome/0/name", "A: b"), NAME, get("/api/v1/dome/0/name", "A: b")],
    "duplicate headers": [*[get("/api/v1/dome/0/name", "A: b", "A: c", "Accept: x", "Accept: y")] * 3],
    "folded header": [*[get("/api/v1/dome/0/name", "A: b\r\n c")] * 3],
    "headers in pieces": [NAME, NAME[:30], NAME[30:], NAME],
    "half a request, then another": [NAME, NAME[:-2], NAME, NAME],
    "first line, then known headers": [NAME, NAME[: NAME.index(b"\r\n") + 2], NAME[NAME.index(b"\r\n") + 2 :], NAME],
    "blank line before": [NAME, b"\r\n" + NAME, NAME, b"\r\n", NAME, b"\r\n", NAME],
    "two blank lines before": [NAME, b"\r\n", b"\r\n", NAME],
    "known headers behind another first line": [b"\r\n" + NAME, NAME[: NAME.index(b"\n") + 1] + NAME, NAME],
    "line feeds only": [NAME, NAME.replace(b"\r\n", b"\n"), b"\r\n\r\n"],
    "length of nothing": [*[get("/api/v1/dome/0/name", "Content-Length: 0")] * 3],
    "body on a GET": [*[get("/api/v1/dome/0/name", "Content-Length: 5") + b"hello"] * 3, NAME],
    "body on a GET, later": [get("/api/v1/dome/0/name", "Content-Length: 5"), b"hello", NAME, NAME],
    "a request as a body": [*[get("/api/v1/dome/0/name", f"Content-Length: {len(NAME)}") + NAME] * 2, NAME],
    "a body too short": [form("/api/v1/dome/0/connected", "Connected=False"), TRACK, TRACK[:-3], TRACK[-3:], TRACK],
    "a body too long": [TRACK, TRACK + b"xyz", NAME],
    "put": [TRACK, TRACK, form("/api/v1/telescope/3/tracking", f"Tracking=none&{IDS}"), TRACK],
    "put of another member": [TRACK, form("/api/v1/telescope/3/slewsettletime", f"SlewSettleTime=3&{IDS}"), TRACK],
    "put in two packets": [TRACK, TRACK[: -len(f"Tracking=true&{IDS}")], f"Tracking=true&{IDS}".encode(), TRACK],
    "put and get in turn": [TRACK, NAME, TRACK, NAME, TRACK + NAME, TRACK],
    "put of another type": [*[put("/api/v1/telescope/3/tracking", b"{}", "Content-Type: application/json")] * 2, TRACK],
    "put of text": [*[form("/api/v1/safetymonitor/0/action", "Action=%C3%A9&Parameters=a+b")] * 3],
    "put without a length": [*[request("PUT /api/v1/telescope/3/abortslew HTTP/1.1", "Host: x")] * 3],
    "put with a query": [*[form("/api/v1/telescope/3/tracking?Tracking=false", "Tracking=true")] * 3],
    "chunked": [
        *[
            request(
                "PUT /api/v1/telescope/3/tracking HTTP/1.1",
                "Host: x",
                "Transfer-Encoding: chunked",
                body=b"d\r\nTracking=true\r\n0\r\n\r\n",
            )
        ]
        * 2,
        *[request("GET /api/v1/dome/0/name HTTP/1.1", "Host: x", "Transfer-Encoding: chunked", body=b"0\r\n\r\n")] * 2,
        request("GET /api/v1/dome/0/name HTTP/1.1", "Host: x", "Transfer-Encoding: chunked"),
        b"0\r\n\r\n",
        NAME,
    ],
    "identity": [*[get("/api/v1/dome/0/name", "Transfer-Encoding: identity")] * 3],
    "connected": [*[form("/api/v1/dome/0/connected", f"Connected=True&{IDS}")] * 2, get("/api/v1/dome/0/slewing"), NAME],
    "too fast for the driver": [form("/api/v1/dome/0/connect", IDS), *[get("/api/v1/dome/0/connecting")] * 3, 5.0],
    "head": [NAME, request("HEAD /api/v1/dome/0/name HTTP/1.1", "Host: x"), NAME],
    "head, late": [SAFE, request("HEAD /api/v1/safetymonitor/0/issafe HTTP/1.1", "Host: x"), 1.0, SAFE],
    "expect": [*[get("/api/v1/dome/0/name", "Expect: 100-continue")] * 3],
    "expect before a body": [*[form("/api/v1/telescope/3/tracking", "Tracking=true", "Expect: 100-continue")] * 3],
    "http/1.0": [NAME, request("GET /api/v1/dome/0/name HTTP/1.0"), NAME],
    "http/1.0 that would be kept": [request("GET /api/v1/dome/0/name HTTP/1.0", "Connection: keep-alive"), NAME],
    "http/1.0 with known headers": [NAME, NAME.replace(b"HTTP/1.1", b"HTTP/1.0"), NAME],
    "http/1.2 with known headers": [NAME, NAME.replace(b"HTTP/1.1", b"HTTP/1.2"), NAME],
    "close": [NAME, get("/api/v1/dome/0/name", "Connection: close"), NAME],
    "close, late": [SAFE, get("/api/v1/safetymonitor/0/issafe", "Connection: close"), 1.0],
    "close among others": [*[get("/api/v1/dome/0/name", "Connection: keep-alive, close")] * 2],
    "keep-alive": [*[get("/api/v1/dome/0/name", "Connection: keep-alive", "Keep-Alive: timeout=5")] * 3],
    "whole url": [NAME, get(f"http://x/api/v1/dome/0/name?{IDS}"), NAME],
    "escapes in the path": [NAME, get("/api/v1/dom%65/0/name"), get("/api/v1/dome/0/%6eame"), get("/api/v1/dome/%30/name"), NAME],
    "a path that is no text": [NAME, get("/api/v1/dome/0/%ff"), get("/api/v1/dome/0/n\xb0"), NAME],
    "dots and slashes": [NAME, get("/api/v1/./dome/0/name"), get("//api/v1/dome/0/name"), get("/api/v1/dome//0/name"), NAME],
    "a slash behind": [NAME, get("/api/v1/dome/0/name/"), get("/api/v1/dome/0/name;a=b"), get("/api/v1/dome/0/name#a"), NAME],
    "other cases": [NAME, get("/api/v1/Dome/0/name"), get("/api/v1/dome/0/Name"), get("/API/v1/dome/0/name"), NAME],
    "other ways to write a number": [NAME, *[get(f"/api/v1/dome/{each}/name") for each in ("00", "1", "-0", "x", "0" * 11)]],
    "other verbs": [NAME, *[request(f"{each} /api/v1/dome/0/name HTTP/1.1", "Host: x") for each in ("POST", "OPTIONS", "get")]],
    "put where only get is": [TRACK, form("/api/v1/dome/0/name", "A=b"), get("/api/v1/telescope/3/abortslew"), TRACK],
    "star": [NAME, request("OPTIONS * HTTP/1.1", "Host: x"), get("*"), NAME],
    "pages": [get("/setup"), get("/setup"), get("/"), get("/setup/v1/dome/0/setup"), get("/nowhere"), NAME, NAME],
    "a page that fails": [NAME, get("/setup/v1/safetymonitor/1/setup"), NAME],
    "management": [*[get("/management/v1/configureddevices?ClientTransactionID=5")] * 3, NAME],
    "image before there is one": [*[get("/api/v1/camera/0/imagearray")] * 3],
    "images": [
        form("/api/v1/camera/0/startexposure", "Duration=0.1&Light=true"),
        5.0,
        *[get("/api/v1/camera/0/imagearray", f"Accept: {TYPE}")] * 3,
        0.0,
        *[get("/api/v1/camera/0/imagearray")] * 2,
        0.0,
        get("/api/v1/camera/0/imagearray", f"Accept: {TYPE}") * 2 + NAME,
        0.0,
        NAME,
    ],
    "listed page": [*[get("/api/v1/dome/0/name", "Origin: https://sky.example")] * 3, NAME],
    "other page": [NAME, *[get("/api/v1/dome/0/name", "Origin: https://evil.example")] * 2, NAME],
    "own page": [*[get("/api/v1/dome/0/name", "Origin: http://x")] * 3, NAME],
    "preflight": [
        NAME,
        request(
            "OPTIONS /api/v1/dome/0/name HTTP/1.1", "Host: x", "Origin: https://sky.example", "Access-Control-Request-Method: PUT"
        ),
        NAME,
    ],
    "other host": [NAME, request("GET /api/v1/dome/0/name HTTP/1.1", "Host: evil.example"), NAME],
    "learnt host": [
        *[request("GET /api/v1/dome/0/name HTTP/1.1", "Host: learnt.example"), NAME] * 2,
        learn,
        *[request("GET /api/v1/dome/0/name HTTP/1.1", "Host: learnt.example")] * 3,
    ],
    "no host": [NAME, request("GET /api/v1/dome/0/name HTTP/1.1"), request("GET /api/v1/dome/0/name HTTP/1.1"), NAME],
    "far away all at once": [NAME, NAME, move_away, NAME, 9.0, NAME, 1.0, NAME, NAME],
    "stop between": [NAME, NAME, stop, NAME],
    "stop behind the last answer": [get("/api/v1/dome/0/name", "Connection: close"), stop],
    "stop in the midst of an answer": [SAFE, SAFE, stop, NAME, 1.0, NAME],
    "stop in the midst of a request": [NAME, NAME[:20], stop, NAME[20:]],
    "a head that trickles": [NAME, NAME[:20], 9.0, NAME[20:30], 1.0, NAME[30:], PatientChannel.LINGER],
    "a body that trickles": [TRACK, TRACK[:-1], 29.0, TRACK[-1:], TRACK, TRACK[:-1], 30.0, PatientChannel.LINGER],
    "silence": [NAME, NAME, KEEP_ALIVE - 1, NAME, KEEP_ALIVE - 1, NAME, 1.0, KEEP_ALIVE - 1],
    "nothing read": [NAME, stop_reading, *[STATE, NAME] * 60, read, 0.0, NAME, 0.0],
    "nothing read, pipelined": [NAME, stop_reading, *again(5, STATE * 20, 0.0), read, *[0.0] * 9, read, *[0.0] * 99, NAME, 0.0],
    "headers longer than are remembered": [*[get("/api/v1/dome/0/name", "A: " + "b" * 5000)] * 3],
    "a query too long": [NAME, get("/api/v1/dome/0/name?" + "a" * 20_000), NAME],
    "head too long": [*[get("/api/v1/dome/0/name", *["A: " + "b" * 1000] * 3)] * 2, get(f"/api/v1/dome/0/name?{'a' * 14_000}")],
    **{f"{name} in the target": [NAME, NAME.replace(b"ClientID=7", b"a=" + each.encode("latin-1")), NAME] for each, name in
       ((chr(code), f"byte {code}") for code in (0, 9, 10, 11, 13, 31, 32, 127, 128, 176, 177, 255))},
    **{f"{name} (raw HTTP)": [NAME, NAME, *test_raw_http.pieces(case.sent), NAME, PatientChannel.LINGER] for name, case in
       test_raw_http.CASES.items()},
}  # fmt: skip

MESSAGES = [each for steps in CONVERSATIONS.values() for each in steps if isinstance(each, bytes)]


def masked(said: bytes) -> bytes:
    """Without the time of day, the mark of an error, and what is made up for each server."""
    said = re.sub(rb"\r\nDate: [^\r]*", b"\r\nDate: -", said)
    said = re.sub(rb'"UniqueID":"[^"]*"|value="[0-9a-f]{32,}"', b"", said)
    return re.sub(rb"in (its|the server's) log: [0-9a-f]{8}", b"in its log", said)


def outcome(steps: Sequence[str], conversation: Sequence[Step], users: dict[str, str]) -> list[Any]:
    """What can be seen of a server after each step of a conversation with it."""
    section = {**CONFIGURATION["server"], "hot_road": list(steps), "users": users}
    server = MemoryServer({**CONFIGURATION, "server": section})
    for entry in server.roster:
        entry.driver.link.vote(entry.kind != "dome")
    server.clock.advance(1)
    seen: list[Any] = []
    for _ in range(2):  # the second time all that can be known is
        connection = server.connection()
        for step in conversation:
            if isinstance(step, bytes):
                connection.send(step)
            elif isinstance(step, float):
                server.clock.advance(step)
            else:
                step(server, connection)
            seen.append((masked(connection.received), connection.closed, connection.gone, connection.listens))
        idle = list(server.site.census._idle) == [connection._protocol]
        seen.append(sorted(each.getTime() for each in server.clock.getDelayedCalls()))
        if len(server.site.open_connections):
            connection.hang_up()
    moody = server.driver("safetymonitor", 0)
    assert isinstance(moody, Moody)
    return [*seen, moody.asked, server.site.census.count, idle, len(server.clock.getDelayedCalls())]


class SameTestCase(SynchronousTestCase):
    def same(self, steps: Sequence[str], conversation: Sequence[Step], **users: str) -> None:
        hot = outcome(steps, conversation, users)
        logged = self.logged(conversation)
        plain = outcome([], conversation, users)
        self.assertEqual(logged, self.logged(conversation))
        for number, (one, other) in enumerate(zip(hot, plain, strict=True)):
            self.assertEqual(one, other, f"step {number}")

    def logged(self, conversation: Sequence[Step]) -> list[type[BaseException]]:
        """What errors the log has got."""
        if hang_up in conversation:
            gc.collect()  # so that failures that nobody looked at are there, too
        return [each.type for each in self.flushLoggedErrors()]


class ConversationTests(SameTestCase):
    """One test for each of CONVERSATIONS, with all steps of the hot road; below."""


class PasswordTests(SameTestCase):
    """With users, whose names and passwords are among the headers."""

    MANAGED = get("/management/v1/configureddevices")
    RIGHT, WRONG = (f"Authorization: Basic {b64encode(each).decode()}" for each in (b"me:secret", b"me:Secret"))

    def test_open_paths(self) -> None:
        """What is answered without a password lets nobody in elsewhere, however it is asked and what else was asked before."""
        preflight = request("OPTIONS /api/v1/dome/0/name HTTP/1.1", "Host: x", "Access-Control-Request-Method: PUT")
        self.same(STEPS, [self.MANAGED, NAME, self.MANAGED, self.MANAGED, NAME, get("/"), NAME, preflight, NAME], me="secret")

    def test_right_and_wrong(self) -> None:
        """The right password lets in, a wrong one and none do not, in any order."""
        right, wrong = (get("/api/v1/dome/0/name", each) for each in (self.RIGHT, self.WRONG))
        self.same(STEPS, [NAME, right, NAME, right, wrong, right, right, wrong, NAME, self.MANAGED, NAME], me="secret")

    def test_by_another_member(self) -> None:
        """So it is for what nobody has asked before."""
        right = get("/api/v1/dome/0/name", self.RIGHT)
        self.same(STEPS, [right, right, SAFE, TRACK, get("/api/v1/nothing", self.RIGHT), SAFE], me="secret")


class SingleStepTests(SameTestCase):
    def test_each_alone(self) -> None:
        """Each step of the hot road can be left out, and taken alone."""
        for steps in (["routes"], ["headers"], ["sending"], ["routes", "headers"]):
            for name in ("every mood", "put", "images", "pipelined", "listed page", "stop in the midst of an answer", "expect"):
                self.same(steps, CONVERSATIONS[name])


def _cut(whole: bytes, *places: int) -> list[bytes]:
    return [whole[start:end] for start, end in pairwise([0, *sorted(places), len(whole)])]


class CutTests(SameTestCase):
    def test_get_at_every_place(self) -> None:
        """A GET whose like was answered before is answered wherever it is cut."""
        for place in range(len(NAME) + 1):
            self.same(STEPS, [NAME, *_cut(NAME, place), NAME])

    def test_put_at_every_place(self) -> None:
        """So is a PUT."""
        for place in range(len(TRACK) + 1):
            self.same(STEPS, [TRACK, *_cut(TRACK, place), TRACK])

    def test_two_at_every_place(self) -> None:
        """So are two requests that come together."""
        for place in range(len(NAME), 2 * len(NAME), 11):
            self.same(STEPS, [NAME, *_cut(NAME + NAME + TRACK, place), 0.0, NAME])

    @settings(max_examples=50)  # two servers are built for each
    @given(
        st.lists(
            st.sampled_from([each for steps in CONVERSATIONS.values() for each in steps if isinstance(each, bytes)]), max_size=6
        ),
        st.lists(st.integers(0, 1500), max_size=6),
        st.sampled_from([0.0, 1.0, 10.0]),
    )
    def test_anything(self, messages: list[bytes], places: list[int], pause: float) -> None:
        """Any requests, right and wrong, one after another and cut anywhere."""
        whole = b"".join(each[:3000] for each in messages)
        self.same(STEPS, [NAME, TRACK, *_cut(whole, *(each for each in places if each <= len(whole))), pause, NAME])


class RememberedTests(SynchronousTestCase):
    """What is not done again."""

    def setUp(self) -> None:
        self.server = MemoryServer({**CONFIGURATION, "server": {"hot_road": STEPS}})
        self.connection = self.server.connection()

    def parsed(self) -> Iterator[object]:
        """Each request that is parsed from now on."""
        found: list[object] = []
        parse = HotChannel.allHeadersReceived

        def spied(channel: HotChannel) -> None:
            found.append(channel)
            parse(channel)

        self.patch(HotChannel, "allHeadersReceived", spied)
        return iter(found)

    def test_headers(self) -> None:
        """Headers that a connection sent before are not parsed, whatever it asks that was asked before."""
        self.server.connection().send(STATE)
        self.connection.send(NAME)
        parsed = self.parsed()
        self.connection.send(STATE)
        self.assertEqual((len(answers_in(self.connection.received)), list(parsed)), (2, []))

    def test_headers_of_a_put(self) -> None:
        """Nor are those of a PUT with a body of the same length."""
        self.connection.send(TRACK)
        parsed = self.parsed()
        self.connection.send(TRACK.replace(b"1234", b"1235"))
        self.assertEqual((len(answers_in(self.connection.received)), list(parsed)), (2, []))

    def test_of_another_connection(self) -> None:
        """Nor are those that were sent on another connection."""
        self.connection.send(NAME)
        parsed = self.parsed()
        self.server.connection("192.0.2.99").send(NAME)
        self.assertEqual(list(parsed), [])

    def test_on_the_last_of_a_connection(self) -> None:
        """Nor are those of clients who ask once on each connection."""
        once = get("/api/v1/dome/0/name", "Connection: close")
        self.connection.send(once)
        parsed = self.parsed()
        other = self.server.connection()
        other.send(once)
        self.assertEqual((list(parsed), other.gone, len(answers_in(other.received))), ([], True, 1))

    def test_let_in_somewhere_else(self) -> None:
        """Who is not near is not let in by headers that somebody near was let in with."""
        self.connection.send(NAME)
        far = self.server.connection("203.0.113.1")
        far.send(NAME)
        self.assertEqual([each.status for each in answers_in(far.received)], [403])

    def test_not_for_ever(self) -> None:
        """Who sends other headers each time leaves no more than a bounded number behind."""
        for number in range(600):
            self.connection.send(get("/api/v1/dome/0/name", f"A: {number}"))
        known = self.server.site.hot.known
        self.assertEqual((len(known), b"Host: x\r\nA: 599\r\n\r\n" in known), (512, True))

    def test_not_the_others(self) -> None:
        """A scan for paths, by any way to write them, leaves nothing behind."""
        routes = self.server.site.hot.routes
        for number in range(300):
            self.connection.send(get(f"/api/v1/dome/{number}/name"))
            self.connection.send(get(f"/api/v1/dome/{'0' * (number % 12)}0/name"))
            self.connection.send(get("/api/v1/dome/0/%6eame"))
            self.connection.send(get(f"/api/v1/dome/0/name{number}"))
        self.assertEqual(list(routes._remembered), [b"GET /api/v1/dome/0/name"])

    def test_another_device(self) -> None:
        """What is remembered of a path is not which device is there: another one that takes its place answers at once."""
        roster, other = self.server.roster, Moody(NoSettings(), Surroundings(self.server.clock, name="other"))
        self.connection.send(MOOD_NAME)
        self.connection.send(MOOD_NAME)
        roster.replace(replace(roster.entries["safetymonitor", 0], driver=other))
        parsed = self.parsed()
        self.connection.send(MOOD_NAME)
        names = [each.value for each in answers_in(self.connection.received)]
        self.assertEqual((names, list(parsed)), (["SafetyMonitor 0", "SafetyMonitor 0", "other"], []))

    def test_who_gives_way(self) -> None:
        """Who asks again, by the hot road too, is not the one that gives way to a newcomer."""
        other = self.server.connection()
        for connection in (self.connection, other, self.connection):
            connection.send(NAME)
        self.server.site.census.most = 2
        self.server.connection()
        self.assertEqual((self.connection.gone, other.gone), (False, True))

    def test_new_date(self) -> None:
        """The time of day in an answer is that of the answer."""
        times = [1_000_000_000.9, 1_000_000_001.0]
        self.patch(__import__("pylpaca.hot").hot, "time", lambda: times[0])
        self.connection.send(NAME)
        times.pop(0)
        self.connection.send(NAME)
        dates = [each.headers["date"] for each in answers_in(self.connection.received)]
        self.assertEqual(dates, ["Sun, 09 Sep 2001 01:46:40 GMT", "Sun, 09 Sep 2001 01:46:41 GMT"])

    def test_a_fault_of_the_server(self) -> None:
        """A bug of ours is told as on the plain road, and nobody is asked twice."""
        self.connection.send(NAME)
        asked = []

        def broken(request: object) -> Deferred[bytes]:
            asked.append(request)
            raise ZeroDivisionError("secret")

        self.patch(self.server.site.api._dispatcher, "answer", broken)
        self.connection.send(NAME)
        self.connection.send(get("/api/v1/dome/0/name", "Connection: close"))
        self.assertEqual([each.status for each in answers_in(self.connection.received)], [200, 500, 500])
        self.assertEqual((len(asked), len(self.flushLoggedErrors(ZeroDivisionError))), (2, 2))


class Sock:
    """A socket whose system takes as much as it is said to."""

    def __init__(self, takes: Sequence[int | OSError]) -> None:
        self._takes = list(takes)
        self.sent = b""

    def send(self, data: bytes) -> int:
        takes = self._takes.pop(0) if self._takes else len(data)
        if isinstance(takes, OSError):
            raise takes
        self.sent += bytes(data[:takes])
        return min(takes, len(data))

    def setblocking(self, blocking: bool) -> None:
        """It is no matter here."""

    def setsockopt(self, *option: int) -> None:
        """Nor is this."""

    def fileno(self) -> int:
        return -1


class Writers:
    """A reactor, as a transport sees it: who waits to write."""

    def __init__(self) -> None:
        self.writers: set[TcpConnection] = set()

    def addWriter(self, writer: TcpConnection) -> None:
        self.writers.add(writer)

    def removeWriter(self, writer: TcpConnection) -> None:
        self.writers.discard(writer)

    def addReader(self, reader: TcpConnection) -> None:
        """It is no matter here."""

    removeReader = addReader

    def turn(self) -> None:
        """Every writer writes."""
        for each in list(self.writers):
            each.doWrite()


class SendingTests(SynchronousTestCase):
    def channel(self, *takes: int | OSError) -> HotChannel:
        """A connection that has answered a request, over a socket that takes so much of what it is given from now on."""
        server = MemoryServer({**CONFIGURATION, "server": {"hot_road": STEPS}})
        address: IAddress = server.connection()._transport.getPeer()
        channel: HotChannel = server.site.buildProtocol(address)
        self.writers, self.socket = Writers(), Sock([])

        class Transport(TcpConnection):
            def getPeer(self) -> IAddress:
                return address

            getHost = getPeer

        transport = Transport(self.socket, channel, self.writers)  # type: ignore[arg-type]
        transport.connected = 1
        channel.makeConnection(transport)
        self.assertTrue(channel._sends)
        channel.dataReceived(NAME)
        self.assertEqual([each.status for each in answers_in(self.socket.sent)], [200])
        self.socket._takes = list(takes)
        return channel

    def asked_again(self, channel: HotChannel, times: int = 1) -> list[int]:
        """The statuses of all answers, after some more requests and turns of the reactor."""
        for _ in range(times):
            channel.dataReceived(NAME)
        for _ in range(3):
            self.writers.turn()
        return [each.status for each in answers_in(self.socket.sent)]

    def test_at_once(self) -> None:
        """An answer that the system takes is not put off."""
        channel = self.channel()
        channel.dataReceived(NAME)
        self.assertEqual((len(answers_in(self.socket.sent)), self.writers.writers), (2, set()))

    def test_in_part(self) -> None:
        """What the system does not take at once follows."""
        self.assertEqual(self.asked_again(self.channel(10)), [200, 200])

    def test_full(self) -> None:
        """When it takes nothing, the answer waits."""
        self.assertEqual(self.asked_again(self.channel(BlockingIOError(11, "full"))), [200, 200])

    def test_in_order(self) -> None:
        """Later answers do not overtake."""
        channel = self.channel(10, 20, BlockingIOError(11, "full"))
        self.assertEqual(self.asked_again(channel, 3), [200] * 4)

    def test_lost(self) -> None:
        """A connection that is gone is found out by its transport, not here."""
        channel = self.channel(*[ConnectionResetError(104, "gone")] * 2)
        channel.dataReceived(NAME)
        (transport,) = self.writers.writers
        self.assertIsInstance(transport.doWrite(), ConnectionLost)

    def test_not_taken(self) -> None:
        """Who takes no answers is read from no more, and nothing piles up."""
        channel = self.channel(*[BlockingIOError(11, "full")] * 10_000)
        paused: list[bool] = []
        transport: Any = channel.transport
        transport.pauseProducing = lambda: paused.append(True)
        while not paused:
            channel.dataReceived(NAME)
        self.assertLess(transport._tempDataLen, 70_000)
        before = transport._tempDataLen
        channel.dataReceived(NAME)
        self.assertEqual(transport._tempDataLen, before)


TALK = [NAME, NAME, get("/api/v1/dome/0/azimuth"), form("/api/v1/dome/0/connect", IDS), form("/api/v1/dome/0/connect", IDS), NAME]


class EndpointTests(SynchronousTestCase):
    """Over real sockets of every kind."""

    def setUp(self) -> None:
        self.servers: list[ServerProcess] = []
        self.folder = Path(tempfile.mkdtemp())  # a short name, as those of Unix sockets have to be
        self.addCleanup(shutil.rmtree, self.folder)

    def start(self, steps: Sequence[str], *endpoints: str) -> ServerProcess:
        drivers = [{"device_type": "dome", "device_number": 0, "device_driver": "DomeSimulator", "name": "roof"}]
        configuration = {"drivers": drivers, "server": {"hot_road": steps, "discovery_port": "off", "listen": endpoints}}
        folder = self.folder / f"{len(steps)}"
        folder.mkdir()
        (folder / "config.json").write_text(json.dumps(configuration))
        server = ServerProcess(["--config", "config.json"], folder)
        self.addCleanup(server.terminate)
        return server

    def said(self, client: socket.socket) -> bytes:
        """What is answered to each of TALK, one after another."""
        client.settimeout(PATIENCE)
        found = b""
        for number, each in enumerate(TALK):
            client.sendall(each)
            while len(self.whole(found)) <= number:
                found += client.recv(1 << 16)
        client.close()
        return masked(found)

    def whole(self, said: bytes) -> list[Any]:
        try:
            return answers_in(said)
        except AssertionError:  # there is more to come
            return []

    def test_tcp(self) -> None:
        """TCP of both families."""
        found = []
        for steps in (STEPS, []):
            server = self.start(steps, "tcp:0:interface=127.0.0.1", "tcp6:0:interface=\\:\\:1")
            port4 = int(server.address.rpartition(":")[2])
            port6 = int(re.findall(r"\[::1\]:(\d+)", server.ready)[0])
            found.append([self.said(socket.create_connection(each, PATIENCE)) for each in (("127.0.0.1", port4), ("::1", port6))])
        self.assertEqual(found[0], found[1])

    def test_unix(self) -> None:
        """Unix sockets."""
        found = []
        for steps in (STEPS, []):
            path = self.folder / f"socket{len(steps)}"
            server = self.start(steps, f"unix:{path}")
            self.assertTrue(server.ready)
            client = socket.socket(socket.AF_UNIX)
            client.connect(str(path))
            found.append(self.said(client))
        self.assertEqual(found[0], found[1])

    def test_tls(self) -> None:
        """TLS."""
        try:
            with certificate() as made:
                found = []
                for steps in (STEPS, []):
                    host, _, port = secure_address(self.start(steps, made.endpoint).ready).rpartition(":")
                    client = socket.create_connection((host, int(port)), PATIENCE)
                    found.append(self.said(made.trusted().wrap_socket(client, server_hostname=host)))
        except Missing as missing:
            raise SkipTest(str(missing)) from None
        self.assertEqual(found[0], found[1])

    def test_not_read(self) -> None:
        """A client that reads nothing is read from no more; when it does, all its answers are there."""
        address = self.start(STEPS, "tcp:0:interface=127.0.0.1").address
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", int(address.rpartition(":")[2])))
        client.settimeout(0.5)
        asked = get("/api/v1/dome/0/supportedactions?" + "a=b&" * 50, "A: " + "b" * 2000)
        sent = 0
        with contextlib.suppress(TimeoutError):
            while sent < 100_000_000:
                sent += client.send(asked)
        self.assertLess(sent, 100_000_000)
        client.settimeout(PATIENCE)
        wanted, found, rest = sent // len(asked), 0, b""
        while found < wanted:
            *lines, rest = (rest + client.recv(1 << 16)).split(b"HTTP/1.1 200 OK")
            found += len(lines)
        client.close()
        self.assertEqual(found, wanted)


def _give_each_conversation_a_test() -> None:
    def test_of(conversation: Sequence[Step]) -> Any:
        def test(self: SameTestCase) -> None:
            self.same(STEPS, conversation)

        return test

    for name, conversation in CONVERSATIONS.items():
        test = test_of(conversation)
        test.__doc__ = f"{name[0].upper()}{name[1:]}."
        setattr(ConversationTests, "test_" + re.sub(r"\W+", "_", name), test)


_give_each_conversation_a_test()
