"""The stream of what changes: what is on it, how it ends, and what it costs."""

from __future__ import annotations

import json
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from pylpaca import stopping
from pylpaca.pages.events import SERVER_EVERY, Stream
from pylpaca.testing import Connection, MemoryServer
from tests.test_viewing import DOME

MUCH = 1 << 17  # bytes, more than a transport holds before it asks to pause


def events(connection: Connection, since: int = 0) -> list[tuple[str, Any]]:
    """The events that came on a connection: their names and data."""
    _, _, rest = connection.received.partition(b"\r\n\r\n")
    text = b""
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        text, rest = text + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
    found = []
    for block in text.decode().split("\n\n")[:-1]:
        if block.startswith(":"):
            continue  # a comment
        name, data = block.split("\n")
        found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found[since:]


class EventsTestCase(SynchronousTestCase):
    configuration: dict[str, Any] = {"drivers": [DOME, {**DOME, "device_number": 1}]}  # noqa: RUF012

    def setUp(self) -> None:
        self.server = MemoryServer(self.configuration)
        self.clock = self.server.clock
        for entry in self.server.roster:
            entry.driver.link.vote(True)
        self.clock.advance(0)

    def stream(self, query: str = "") -> Connection:
        """A page that listens."""
        connection = self.server.begin("GET", f"/events{query}")
        self.clock.advance(0)
        return connection


class StreamTests(EventsTestCase):
    def test_first(self) -> None:
        """A page is told of the server and of each device at once."""
        names = [(name, data.get("device")) for name, data in events(self.stream())][:3]
        self.assertEqual(names, [("server", None), ("state", "dome/0"), ("state", "dome/1")])

    def test_one_device(self) -> None:
        """A page can ask for the devices that it shows."""
        found = events(self.stream("?devices=dome/1"))
        self.assertEqual({data["device"] for name, data in found if name == "state"}, {"dome/1"})

    def test_unknown_device(self) -> None:
        """A device that is not here is refused in a sentence."""
        answer = self.server.get("/events", devices="dome/7")
        self.assertEqual((answer.status, answer.text), (400, "there is no dome/7 here; devices are dome/0, dome/1"))

    def test_changes(self) -> None:
        """What changes is told as it changes."""
        stream = self.stream("?devices=dome/0")
        before = len(events(stream))
        self.server.put("dome/0/openshutter")
        self.clock.advance(1.0)
        ((name, data),) = events(stream, before)
        self.assertEqual((name, data["values"]["ShutterStatus"]["text"]), ("state", "opening"))

    def test_server(self) -> None:
        """The server says every few seconds that it is there."""
        stream = self.stream()
        before = len(events(stream))
        self.clock.advance(SERVER_EVERY)
        self.assertEqual([data["uptime_text"] for name, data in events(stream, before) if name == "server"], ["5 s"])

    def test_discovery(self) -> None:
        """Who asked last for servers is told."""
        seen = self.server.site.observatory
        seen.discovery.port, seen.discovery.works = 32227, True
        seen.discovery.heard("192.0.2.9")
        (_, data), *_ = events(self.stream())
        self.assertEqual(
            data["discovery"],
            {
                "time": "2026-01-01T00:00:00+00:00",
                "from": "192.0.2.9",
                "text": "Discovery answers on UDP port 32227; last asked at 00:00:00 UTC by 192.0.2.9.",
                "lamp": "connected",
            },
        )

    def test_head(self) -> None:
        """HEAD says what it is, and begins nothing."""
        answer = self.server.request("HEAD", "/events")
        self.assertEqual(
            (answer.headers["content-type"], answer.headers["cache-control"]), ("text/event-stream; charset=utf-8", "no-store")
        )

    def test_not_kept_by_caches(self) -> None:
        """Nobody on the way keeps it."""
        self.assertIn(b"Cache-Control: no-store\r\n", self.stream().received)


class EndTests(EventsTestCase):
    def test_page_leaves(self) -> None:
        """The last page is left, and nothing is done any more."""
        stream = self.stream()
        stream.hang_up()
        self.assertEqual((len(self.server.site.open_connections), self.clock.getDelayedCalls()), (0, []))

    def test_slow_reader(self) -> None:
        """What a page does not take is not kept for it; one that takes nothing for long is ended."""
        stream = self.stream()
        stream.stop_reading()
        self.push(stream)
        held = len(stream.received)
        self.server.put("dome/0/openshutter")
        self.clock.pump([1.0] * int(Stream.PATIENCE - 1))
        self.assertEqual((len(stream.received), stream.gone), (held, False))
        self.clock.advance(1.0)
        self.assertTrue(stream.gone)

    def test_reads_again(self) -> None:
        """A page that reads again is told how all is now, whatever it missed."""
        stream = self.stream("?devices=dome/0")
        stream.stop_reading()
        self.push(stream)
        self.server.put("dome/0/openshutter")
        self.clock.advance(1.0)
        before = len(events(stream))
        stream.read()
        ((name, data),) = events(stream, before)
        self.assertEqual(
            (name, data["values"]["ShutterStatus"]["text"], data["values"]["Slewing"]["text"]), ("state", "opening", "yes")
        )

    def push(self, stream: Connection) -> None:
        """More is sent than the system takes for a page that does not read."""
        room: Any = self.server.site.rooms["events"]
        (each,) = room._streams
        each.send([b": %s\n\n" % (b"." * MUCH)])

    def test_stop(self) -> None:
        """The server stops: the stream ends at once, and nothing waits for it."""
        stream = self.stream()
        site = self.server.site
        ending = Deferred.fromCoroutine(stopping.end(self.clock, site.pending, site.open_connections, []))
        self.assertTrue(stream.closed)
        stream.hang_up()
        self.clock.advance(0)
        self.successResultOf(ending)

    def test_ends_whole(self) -> None:
        """The end of a stream is its last piece, so that a page knows that it was meant."""
        stream = self.stream()
        self.server.site.open_connections.end_soon()
        self.assertTrue(stream.received.endswith(b"0\r\n\r\n"))

    def test_patience(self) -> None:
        """A stream lives for hours, whatever becomes of connections on which nothing is asked."""
        stream = self.stream()
        self.clock.pump([60.0] * 120)
        self.assertFalse(stream.closed)

    def test_not_taken_for_idle(self) -> None:
        """Where there is no room for another connection, it is not a stream that gives way."""
        stream = self.stream()
        census = self.server.site.census
        census.most = census.count
        newcomer = self.server.connection()
        self.assertEqual((stream.closed, newcomer.closed), (False, True))
        self.assertIn(b"503", newcomer.received[:20])
