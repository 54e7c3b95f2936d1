"""HTTP as nobody should send it: over a connection in memory, where deadlines are exact, and over a real socket."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel
from twisted.internet.address import IPv4Address
from twisted.internet.interfaces import ISSLTransport
from twisted.internet.protocol import connectionDone
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import directlyProvides

from pylpaca.connections import PatientChannel
from pylpaca.device import SafetyMonitor
from pylpaca.protocol import BODY_LIMIT
from pylpaca.testing import Connection, MemoryServer
from pylpaca.walled import WalledRequest
from pylpaca.web import KEEP_ALIVE
from tests.raw import Tcp, answers_in, get, put, request
from tests.server_process import HASTY, ServerProcess


class Unprintable:
    """What a bug in the server looks like from outside."""

    def __str__(self) -> str:
        raise ZeroDivisionError("secret")


class UnprintableMonitor(SafetyMonitor):
    """A safety monitor with a setting that no page can show."""

    class Settings(BaseModel):
        odd: Any = Unprintable()

    def IsSafe(self) -> bool:
        return True


CONFIGURATION = {
    "drivers": [
        {"device_type": "dome", "device_number": 0, "device_driver": "DomeSimulator", "name": "roof"},
        {"device_type": "safetymonitor", "device_number": 0, "device_driver": f"{__name__}:UnprintableMonitor"},
    ],
    "server": {"name": "it"},
}

CONNECTED = "/api/v1/dome/0/connected"
SMUGGLED = put(CONNECTED, b"Connected=True")  # behind a request that is refused; nothing may come of it
LAST = get("/management/v1/description", "Connection: close")  # on a connection that is kept


def odd_put(*headers: str, body: bytes = b"Connected=False") -> bytes:
    """A PUT whose framing is what the test is about."""
    return request(f"PUT {CONNECTED} HTTP/1.1", "Host: x", *headers, body=body)


def chunked(*chunks: bytes) -> bytes:
    return odd_put("Transfer-Encoding: chunked", body=b"".join(chunks))


@dataclass(frozen=True)
class Case:
    """What a client sends, and what it is answered."""

    holds: str  # what the test shows, in a sentence
    sent: bytes | Sequence[bytes]
    statuses: Sequence[int]  # of every answer
    says: str  # words in the last one
    closes: bool = True  # or is kept, and carries another request
    allow: str = ""


def refused(holds: str, sent: bytes | Sequence[bytes], status: int = 400, says: str = "no HTTP request that can be read") -> Case:
    return Case(holds, sent, [status], says)


def kept(holds: str, sent: bytes | Sequence[bytes], status: int, says: str, allow: str = "") -> Case:
    return Case(holds, sent, [status], says, closes=False, allow=allow)


HELLO = bytes.fromhex("16030100a5010000a10303") + bytes(range(158))  # how a TLS client begins
OK = '"ErrorNumber":0'

CASES = {
    # framing: what two programs may understand differently
    "length_and_chunked": refused(
        "A length together with chunks is refused, whichever comes first.",
        odd_put("Content-Length: 15", "Transfer-Encoding: chunked", "A: b"),
    ),
    "chunked_and_length": refused(
        "Chunks together with a length are refused.",
        odd_put("Transfer-Encoding: chunked", "Content-Length: 15", "A: b", body=b"f\r\nConnected=False\r\n0\r\n\r\n"),
    ),
    "two_lengths": refused(
        "Two lengths are refused, even if they are the same.", odd_put("Content-Length: 15", "Content-Length: 15")
    ),
    "two_different_lengths": refused("Two lengths that differ are refused.", odd_put("Content-Length: 15", "Content-Length: 0")),
    "length_with_plus": refused("A length of +15 is refused.", odd_put("Content-Length: +15")),
    "length_below_zero": refused("A length of -15 is refused.", odd_put("Content-Length: -15")),
    "length_in_hexadecimal": refused("A length of 0xf is refused.", odd_put("Content-Length: 0xf")),
    "length_twice_in_one": refused("Two lengths in one header are refused.", odd_put("Content-Length: 15, 15")),
    "length_with_fold": refused("A length that goes on in the next line is refused.", odd_put("Content-Length: 1\r\n 5")),
    "no_length_in_length": refused("An empty length is refused.", odd_put("Content-Length: ")),
    "length_without_end": refused("A length with thousands of digits is refused.", odd_put("Content-Length: " + "9" * 5000)),
    "unknown_coding": refused("A transfer coding that is not known is refused.", odd_put("Transfer-Encoding: xchunked")),
    "two_codings": refused("Two transfer codings are refused.", odd_put("Transfer-Encoding: gzip, chunked")),
    "chunked_twice": refused(
        "The transfer coding given twice is refused.", odd_put("Transfer-Encoding: chunked", "Transfer-Encoding: chunked")
    ),
    "chunk_size_0x5": refused("A chunk of 0x5 bytes is refused.", chunked(b"0x5\r\nhello\r\n0\r\n\r\n")),
    "chunk_size_plus_5": refused("A chunk of +5 bytes is refused.", chunked(b"+5\r\nhello\r\n0\r\n\r\n")),
    "chunk_size_below_zero": refused("A chunk of -5 bytes is refused.", chunked(b"-5\r\nhello\r\n0\r\n\r\n")),
    "chunk_too_short": refused("A chunk that ends where it should not is refused.", chunked(b"5\r\nhello!\r\n0\r\n\r\n")),
    "chunk_size_too_long": refused("A chunk size without end is refused.", chunked(b"0" * 5000, b"5\r\nhello\r\n0\r\n\r\n")),
    "trailers_too_long": refused("Headers after the chunks are not read for ever.", chunked(b"0\r\n", b"A: b\r\n" * 20_000)),
    "identity": kept(
        "A transfer coding of identity is no coding.", odd_put("Content-Length: 15", "Transfer-Encoding: identity"), 200, OK
    ),
    "chunk_extension": kept(
        "What stands behind the size of a chunk is read past.", chunked(b"f;a=b\r\nConnected=False\r\n0\r\n\r\n"), 200, OK
    ),
    "chunk_trailer": kept("So are headers after the chunks.", chunked(b"f\r\nConnected=False\r\n0\r\nA: b\r\n\r\n"), 200, OK),
    # heads
    "nul_in_a_header": refused("A header with a NUL in it is refused.", get("/", "A: \0", "B: c")),
    "blank_before_the_colon": refused("A blank between a header and its colon is refused.", get("/", "A : b", "C: d")),
    "header_without_a_colon": refused("A header without a colon is refused.", get("/", "A", "C: d")),
    "header_without_a_name": refused("A header without a name is refused.", get("/", ": b", "C: d")),
    "600_headers": refused("More headers than any client sends are refused.", get("/", *["A: b"] * 600)),
    "20_kb_header": refused(
        "A header that is too long is refused in a sentence.",
        get("/", "A: " + "b" * 20_000),
        431,
        "a header is longer than 16384 bytes",
    ),
    "header_without_end": refused(
        "So is one that has no end yet.",
        get("/").removesuffix(b"\r\n") + b"A: " + b"b" * 20_000,
        431,
        "a header is longer than 16384 bytes",
    ),
    "20_kb_of_headers": refused(
        "So are many that are too long together.",
        get("/", *(f"A{number}: {'b' * 1000}" for number in range(20))),
        431,
        "the head of a request is longer than 16384 bytes",
    ),
    "20_kb_url": refused(
        "A path that is too long is refused in a sentence.",
        get("/" + "a" * 20_000),
        414,
        "the first line of a request is longer than 16384 bytes",
    ),
    "tls_hello": refused("A TLS client on the plain port is told where the paths of this server start.", HELLO + b"\r\n\r\n"),
    "http_2": refused("HTTP/2 is not spoken.", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "http_0_9": refused("Nor is what was before HTTP/1.0.", b"GET /\r\n\r\n"),
    "two_blanks": refused("A first line with a blank too many is refused.", request("GET  / HTTP/1.1", "Host: x")),
    "no_version": refused("One in small letters is, too.", request("GET / http/1.1", "Host: x")),
    "nul_in_the_path": refused("A path with a NUL in it is refused.", request("GET /\0 HTTP/1.1", "Host: x")),
    # Host
    "no_host": kept("HTTP/1.1 without a Host is refused.", request("GET / HTTP/1.1"), 400, "exactly one Host header"),
    "two_hosts": kept("Two Hosts are refused.", get("/", "Host: x"), 400, "exactly one Host header"),
    "other_host": kept(
        "A Host that is no name of ours is refused, and it is said where to add it.",
        request("GET / HTTP/1.1", "Host: evil.example"),
        403,
        'add it to "allowed_hosts" in "server" of config.json',
    ),
    "host_in_the_path": kept("A whole URL is no path of ours.", get("http://x/setup"), 404, "there is nothing at http://x/setup"),
    "proxy": kept(
        "Nor is this a proxy.", request("CONNECT evil.example:80 HTTP/1.1", "Host: x"), 404, "there is nothing at evil"
    ),
    "no_text_in_the_path": kept("A path that is no text is refused.", get("/api/v1/dome/0/%ff"), 400, "the path is not UTF-8"),
    # verbs
    "post": kept(
        "POST on a path for GET and PUT is refused, and what it takes is said.",
        request(f"POST {CONNECTED} HTTP/1.1", "Host: x", "Content-Length: 14", body=b"Connected=True"),
        405,
        "is for GET and PUT, not POST",
        "GET, PUT",
    ),
    "unknown_verb": kept(
        "So is a verb that nobody knows, on a path for PUT.",
        request("FOO /api/v1/dome/0/openshutter HTTP/1.1", "Host: x"),
        405,
        "is for PUT, not FOO",
        "PUT",
    ),
    "post_of_parts": kept(
        "A form of several parts, even a broken one, is a POST like any other.",
        request("POST / HTTP/1.1", "Host: x", "Content-Type: multipart/form-data", "Content-Length: 3", body=b"abc"),
        405,
        "/ is for GET and HEAD, not POST",
        "GET, HEAD",
    ),
    # bodies
    "expect_continue": Case(
        "Who asks whether to send the body is told to, and answered.",
        put(CONNECTED, b"Connected=False", "Expect: 100-continue"),
        [100, 200],
        OK,
        closes=False,
    ),
    "first_put_without_its_body": kept(
        "A PUT that arrives without its form is refused, and the parameter is named.",
        put(CONNECTED, b""),
        400,
        "Connected",
    ),
    "5_mb": kept(
        "A body that is much too long is refused, and not kept.", put(CONNECTED, b"x" * 5_000_000), 413, "at most 65536 bytes"
    ),
    "128_kb_in_chunks": kept(
        "The same for one that does not say how long it is.",
        chunked(*[b"4000\r\n" + b"x" * 0x4000 + b"\r\n"] * 8, b"0\r\n\r\n"),
        413,
        "at most 65536 bytes",
    ),
    "body_without_end": refused(
        "Who sends without end is told, and cut off.",
        [odd_put("Content-Length: 999999999", body=b""), *[b"x" * (1 << 20)] * ((WalledRequest.MOST_READ_PAST >> 20) + 1)],
        413,
        "at most 65536 bytes",
    ),
    # faults
    "fault_of_the_server": kept(
        "A bug of ours is told with the mark under which the log has it, and nothing else of it.",
        get("/setup/v1/safetymonitor/0/setup"),
        500,
        "the server failed; in its log: ",
    ),
}

# What begins and does not end; a piece of it comes again and again.
DEADLINES = {
    "nothing": (b"", b"", "head"),
    "head": (b"GET / HTTP/1.1\r\nHost: x\r\n", b"", "head"),
    "head_that_trickles": (b"GET / HTTP/1.1\r\nHost: x\r\n", b"A: b\r\n", "head"),
    "lines_that_do_not_end_as_they_should": (b"GET / HTTP/1.1\nHost: x\n\n", b"", "head"),
    "body": (odd_put("Content-Length: 15", body=b"Conn"), b"", "body"),
    "body_that_trickles": (odd_put("Content-Length: 60000", body=b"Conn"), b"x", "body"),
    "chunks_that_trickle": (odd_put("Transfer-Encoding: chunked", body=b""), b"1\r\nx\r\n", "body"),
}


def pieces(sent: bytes | Sequence[bytes]) -> Sequence[bytes]:
    return [sent] if isinstance(sent, bytes) else sent


class RawTestCase(SynchronousTestCase):
    def check(self, case: Case, said: bytes) -> None:
        found = answers_in(said)
        if not case.closes:
            self.assertEqual(found.pop().json["Value"]["ServerName"], "it")  # to the other request
        self.assertEqual([each.status for each in found], case.statuses)
        self.assertIn(case.says, found[-1].text)
        self.assertEqual(found[-1].headers.get("allow", ""), case.allow)
        self.assertNotIn("secret", found[-1].text)
        if case.statuses[-1] != 200:
            self.assertEqual(found[-1].headers["content-type"], "text/plain; charset=utf-8")
            self.assertEqual(found[-1].text.count("\n"), 0)


class MemoryTests(RawTestCase):
    """Each case over a connection in memory; at the bottom of this file each gets a test of its own."""

    def setUp(self) -> None:
        self.server = MemoryServer(CONFIGURATION)

    def try_case(self, case: Case) -> None:
        connection = self.server.connection()
        for piece in pieces(case.sent):
            connection.send(piece)
        if not case.closes:
            self.assertFalse(connection.closed)
            connection.send(LAST)
        else:
            connection.send(SMUGGLED)
        self.assertTrue(connection.closed)
        self.server.clock.advance(PatientChannel.LINGER)
        self.assertTrue(connection.gone)
        self.check(case, connection.received)
        self.let_go(connection)

    def let_go(self, *connections: Connection) -> None:
        """Nothing came of what was sent, and nothing is left of it."""
        self.server.clock.advance(PatientChannel.LINGER)
        for connection in connections:
            connection.hang_up()
        self.assertIs(self.server.get("dome/0/connected").value, False)
        self.assertEqual(self.server.site.census.count, 0)
        self.assertEqual([each for each in self.server.clock.getDelayedCalls() if each.active()], [])
        self.flushLoggedErrors(ZeroDivisionError)


class FramingTests(MemoryTests):
    def test_refused_together_with_what_follows(self) -> None:
        """What stands behind a request that is refused is never answered, however it arrives."""
        for case in CASES.values():
            if case.closes:
                connection = self.server.connection()
                connection.send(b"".join(pieces(case.sent)) + SMUGGLED)
                self.assertEqual([each.status for each in answers_in(connection.received)], case.statuses, case.holds)
                connection.send(SMUGGLED)
                self.assertEqual(len(answers_in(connection.received)), 1, case.holds)
                self.let_go(connection)

    @given(st.sampled_from([each for each in CASES.values() if len(pieces(each.sent)) == 1]), st.data())
    def test_in_pieces(self, case: Case, data: st.DataObject) -> None:
        """However the bytes are cut, what is answered is the same."""
        whole = pieces(case.sent)[0][:70_000]
        cuts = sorted(data.draw(st.sets(st.integers(0, min(len(whole), 400)), max_size=5)))
        at_once, cut = self.server.connection(), self.server.connection()
        at_once.send(whole)
        for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True):
            cut.send(whole[start:end])
        found = [[(each.status, each.headers.get("content-type")) for each in answers_in(one.received)] for one in (at_once, cut)]
        self.assertEqual(found[0], found[1])
        self.assertEqual(at_once.closed, cut.closed)
        at_once.hang_up()
        cut.hang_up()
        self.flushLoggedErrors(ZeroDivisionError)

    @given(st.binary(max_size=300))
    def test_anything(self, noise: bytes) -> None:
        """Whatever comes before a request, the server is not shaken, and says nothing but answers."""
        connection = self.server.connection()
        connection.send(noise + SMUGGLED)
        answers_in(connection.received)
        self.server.clock.advance(PatientChannel.BODY_WITHIN + PatientChannel.LINGER)
        answers_in(connection.received)
        connection.hang_up()
        self.assertEqual(self.flushLoggedErrors(), [])


class DeadlineTests(MemoryTests):
    """In exact seconds."""

    HEAD = "the head of a request was not complete after 10 s"
    BODY = "the body of a request was not complete after 30 s"

    def until_closed(self, connection: Connection, again: bytes = b"") -> float:
        """Seconds until the server closes; a piece is sent again and again, each half a second."""
        self.server.clock.advance(0)
        began = self.server.clock.seconds()
        while not connection.closed:
            self.server.clock.advance(0.5)
            if again and not connection.closed:
                connection.send(again)
            self.assertLess(self.server.clock.seconds() - began, 2 * KEEP_ALIVE)
        return self.server.clock.seconds() - began

    def test_each(self) -> None:
        """A head has to be there in 10 s, a body in 30 s, however they come: else 408 with a sentence, and the end."""
        for name, (first, again, part) in DEADLINES.items():
            connection = self.server.connection()
            connection.send(first)
            self.assertEqual(self.until_closed(connection, again), {"head": 10.0, "body": 30.0}[part], name)
            (answer,) = answers_in(connection.received)
            self.assertEqual((answer.status, answer.text), (408, {"head": self.HEAD, "body": self.BODY}[part]), name)
            self.assertFalse(connection.gone)  # there is a moment to read that
            self.server.clock.advance(PatientChannel.LINGER)
            self.assertTrue(connection.gone)
            self.let_go(connection)

    def test_deadlines_add_up(self) -> None:
        """A body has its own time, after that of its head."""
        connection = self.server.connection()
        whole = odd_put("Content-Length: 15")
        head, body = whole[:20], whole[20:-3]
        connection.send(head)
        self.server.clock.advance(9.5)
        connection.send(body)
        self.assertEqual(self.until_closed(connection), 30.0)
        self.let_go(connection)

    def test_idle_connection_is_kept(self) -> None:
        """Between requests a client may be silent for five minutes, as .NET's are."""
        connection = self.server.connection()
        for _ in range(3):
            connection.send(get("/management/apiversions"))
            self.server.clock.advance(KEEP_ALIVE - 1)
            self.assertFalse(connection.closed)
        self.assertEqual(self.until_closed(connection), 1.0)
        self.assertEqual([each.status for each in answers_in(connection.received)], [200] * 3)
        self.let_go(connection)

    def test_second_request_in_part(self) -> None:
        """A request that began together with the one before has ten seconds, too, and so has any other."""
        for rest in (b"GET /manage", b"GET /management/apiversions HTTP/1.1\r\nHost: x\r\n"):
            for again in (b"", b"A: b\r\n"):
                connection = self.server.connection()
                connection.send(get("/management/apiversions") + rest)
                self.assertEqual(self.until_closed(connection, again if rest.endswith(b"\n") else b""), 10.0)
                self.assertEqual([each.status for each in answers_in(connection.received)], [200, 408])
                self.let_go(connection)

    def test_second_body_in_part(self) -> None:
        """The body of one that came together with the one before has thirty seconds."""
        connection = self.server.connection()
        connection.send(get("/management/apiversions") + SMUGGLED[:-1])
        self.assertEqual(self.until_closed(connection), 30.0)
        self.let_go(connection)

    def test_late_answer(self) -> None:
        """While an answer is waited for, no deadline runs for its client; one runs for what came meanwhile, from then on."""
        server = MemoryServer(
            {"drivers": [{"device_type": "focuser", "device_number": 0, "device_driver": "tests.doubles:SlowFocuser"}]}
        )
        server.put("focuser/0/connected", Connected=True)
        connection = server.connection()
        connection.send(get("/api/v1/focuser/0/maxstep") + b"GET /man")
        server.clock.advance(3.9)
        driver: Any = server.driver("focuser")
        driver.asked[0].callback(7)
        server.clock.advance(0)
        server.clock.advance(9.9)
        self.assertFalse(connection.closed)
        server.clock.advance(0.1)
        self.assertTrue(connection.closed)
        self.assertEqual([each.status for each in answers_in(connection.received)], [200, 408])
        connection.hang_up()

    def test_line_too_many(self) -> None:
        """An empty line behind a body, as old clients send it, is nothing that has begun."""
        connection = self.server.connection()
        connection.send(put(CONNECTED, b"Connected=False") + b"\r\n")
        self.server.clock.advance(200.0)
        self.assertFalse(connection.closed)
        connection.send(LAST)
        self.assertEqual([each.status for each in answers_in(connection.received)], [200, 200])
        self.let_go(connection)


class SlowReaderTests(MemoryTests):
    ASKED = 4000

    def pile(self) -> tuple[Connection, list[int]]:
        """A client that asks and asks and takes no answer; and how much is kept for it after each."""
        connection = self.server.connection()
        connection.stop_reading()
        sizes = []
        for _ in range(self.ASKED // 100):
            connection.send(get("/setup") * 100)
            self.server.clock.advance(0)
            sizes.append(len(connection.received))
        return connection, sizes

    def test_answers_do_not_pile_up(self) -> None:
        """A client that takes no answers is asked nothing more of; what is kept for it does not grow."""
        connection, sizes = self.pile()
        self.assertLess(sizes[-1], 2 << 16)
        self.assertEqual(sizes[-1], sizes[len(sizes) // 2])
        self.assertFalse(connection.listens)
        self.server.clock.advance(KEEP_ALIVE)
        self.assertTrue(connection.closed)
        self.let_go(connection)

    def test_late_reader(self) -> None:
        """When it takes them, it gets the others, all of them, in order."""
        connection, _ = self.pile()
        for _ in range(self.ASKED):
            if connection.listens:
                break
            connection.read()
            self.server.clock.advance(0)
        connection.send(LAST)
        connection.read()
        found = answers_in(connection.received)
        self.assertEqual(len(found), self.ASKED + 1)
        self.assertEqual({each.status for each in found}, {200})
        self.assertTrue(connection.closed)
        self.let_go(connection)


class CrowdTests(MemoryTests):
    ATTACKERS = 200  # `tox -e chaos` has a thousand, over real sockets

    def test_half_open(self) -> None:
        """Many who begin a request and do not end it are closed when their time is over; others are answered meanwhile."""
        crowd = [self.server.connection(f"10.0.{number // 250}.{number % 250}") for number in range(self.ATTACKERS)]
        good = self.server.connection()
        for connection in crowd:
            connection.send(b"GET / HTTP/1.1\r\n")
        for _ in range(20):
            for connection in crowd[::2]:
                connection.send(b"A: b\r\n")
            good.send(get("/management/apiversions"))
            self.assertFalse(any(connection.closed for connection in crowd))
            self.server.clock.advance(0.5)
        self.assertTrue(all(connection.closed for connection in crowd))
        self.assertEqual({each.status for connection in crowd for each in answers_in(connection.received)}, {408})
        self.assertEqual([each.status for each in answers_in(good.received)], [200] * 20)
        self.let_go(*crowd, good)


class TurnTests(MemoryTests):
    def test_one_at_a_time(self) -> None:
        """Clients who send many requests at once are answered in turn, one each; who asks for one thing is not behind them."""
        busy = [self.server.connection() for _ in range(3)]
        for connection in busy:
            connection.send(get("/management/apiversions") * 20)
        self.assertFalse(any(connection.listens for connection in busy))
        patient = self.server.connection()
        patient.send(get("/management/apiversions"))
        self.server.clock.advance(0)
        self.assertTrue(all(connection.listens for connection in busy))
        order = [[each.json["ServerTransactionID"] for each in answers_in(one.received)] for one in (*busy, patient)]
        self.assertEqual(order[3], [4])
        for number in range(3):
            self.assertEqual(order[number], [number + 1, *range(5 + number, 5 + 3 * 19, 3)])
        self.let_go(*busy, patient)

    def test_gone_meanwhile(self) -> None:
        """One that goes before all it asked is answered leaves nothing behind."""
        busy = self.server.connection()
        busy.send(get("/setup") * 50)
        busy.hang_up()
        self.assertEqual(self.server.clock.getDelayedCalls(), [])
        self.server.clock.advance(0)
        self.assertEqual(len(answers_in(busy.received)), 1)


class BodyInMemoryTests(MemoryTests):
    def test_no_files(self) -> None:
        """A body is kept in memory, whether its length is known or not: a file for each would use up what sockets need."""
        made: list[object] = []
        self.patch(tempfile, "TemporaryFile", lambda *_, **__: made.append(1))
        for framing in ("Transfer-Encoding: chunked", f"Content-Length: {BODY_LIMIT + 1}", "Content-Length: 5000000"):
            connection = self.server.connection()
            connection.send(odd_put(framing, body=b"5\r\nhello"))
            connection.hang_up()
        self.assertEqual(made, [])
        self.let_go()


class Unshaken(StringTransport):
    """TLS whose handshake does not end: what is written waits for it, and so does closing."""

    aborted = False

    def loseConnection(self) -> None:
        """It waits for what was written."""

    def abortConnection(self) -> None:
        self.aborted = True

    def setTcpNoDelay(self, enabled: bool) -> None:
        """It makes no difference."""


class TlsTests(MemoryTests):
    def shake(self, peer: str = "192.0.2.7") -> tuple[Any, Unshaken]:
        address = IPv4Address("TCP", peer, 50000)
        protocol, transport = self.server.site.buildProtocol(address), Unshaken(peerAddress=address)
        directlyProvides(transport, ISSLTransport)
        protocol.makeConnection(transport)
        return protocol, transport

    def test_handshake_without_end(self) -> None:
        """A TLS client that never ends its handshake is cut off when its time is over, though it cannot be told."""
        protocol, transport = self.shake()
        self.server.clock.advance(PatientChannel.HEAD_WITHIN)
        self.assertFalse(transport.aborted)
        self.server.clock.advance(PatientChannel.LINGER)
        self.assertTrue(transport.aborted)
        protocol.connectionLost(connectionDone)
        self.let_go()

    def test_too_many(self) -> None:
        """One too many is cut off at once: a word would have to wait for the handshake."""
        self.server.site.census.most_of_one = 1
        self.shake()
        _, transport = self.shake()
        self.assertEqual((transport.aborted, transport.value()), (True, b""))


class SocketTests(RawTestCase):
    """The same over a real socket: what a client sees."""

    def setUp(self) -> None:
        folder = Path(self.mktemp())
        folder.mkdir()
        (folder / "config.json").write_text(json.dumps(CONFIGURATION))
        options = ["--config", "config.json", "--listen", "tcp:0:interface=127.0.0.1", "--discovery-port", "off"]
        self.server = ServerProcess(options, folder, [*HASTY, "pylpaca"])
        self.addCleanup(self.server.terminate)

    def test_every_case(self) -> None:
        """Each case and each deadline; what follows a refusal has no effect; the log has no fault but the one that is planted."""
        address = self.server.address
        late = {name: Tcp.to(address) for name in DEADLINES}
        for name, client in late.items():
            client.send([DEADLINES[name][0]])
        for name, case in CASES.items():
            client = Tcp.to(address)
            client.send([*pieces(case.sent), SMUGGLED if case.closes else LAST])
            said = client.rest()
            try:
                self.check(case, said)
            except Exception as error:
                raise AssertionError(f"{name}: {said[-500:]!r}") from error
        for name, client in late.items():
            (answer,) = answers_in(client.rest_while_sending(DEADLINES[name][1]))
            self.assertEqual(answer.status, 408, name)
        client = Tcp.to(address)
        client.send([get(CONNECTED, "Connection: close")])
        (answer,) = answers_in(client.rest())
        self.assertIs(answer.value, False)
        self.assertEqual(self.server.terminate(), 0)
        log = "\n".join(self.server.lines)
        self.assertEqual(log.count("Traceback"), log.count("ZeroDivisionError: secret"))


def _give_each_case_a_test() -> None:
    def test_of(case: Case) -> Any:
        def test(self: MemoryTests) -> None:
            self.try_case(case)

        test.__doc__ = case.holds
        return test

    for name, case in CASES.items():
        setattr(CaseTests, f"test_{name}", test_of(case))


class CaseTests(MemoryTests):
    """One test for each of CASES."""


_give_each_case_a_test()
