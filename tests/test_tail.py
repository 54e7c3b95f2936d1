"""What /events tells of the log and of calls."""

from __future__ import annotations

import json
from typing import Any

from twisted.logger import Logger
from twisted.trial.unittest import SynchronousTestCase

from pylpaca.testing import Connection, MemoryServer
from pylpaca.watching.tail import Tail
from tests.test_log_page import DOMES


class TailTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.server = MemoryServer(DOMES)
        self.log = Logger(observer=self.server.recent)

    def stream(self, query: str) -> Connection:
        """A page that asks /events for this."""
        return self.server.begin("GET", f"/events?devices=&{query}")

    def told(self, connection: Connection, name: str = "log") -> list[Any]:
        """What it was told so far, after a moment."""
        self.server.clock.advance(Tail.EVERY)
        parts = connection.received.decode().split(f"event: {name}\ndata: ")[1:]
        return [json.loads(part.partition("\n")[0]) for part in parts]

    def texts(self, connection: Connection, name: str = "log") -> list[str]:
        return [each["text"] for each in self.told(connection, name)]


class LogTests(TailTestCase):
    def test_live(self) -> None:
        """A line is told when it is logged: time, level, device, text, and its traceback."""
        page = self.stream("log=1")
        self.log.warn("{device} is wet", device="dome/1")
        (line,) = self.told(page)
        expected = {"level": "warn", "device": "dome/1", "text": "dome/1 is wet", "detail": "", "number": self.server.recent.last}
        self.assertEqual(line, {**expected, "time": "2026-01-01T00:00:00.000+00:00"})

    def test_half_a_letter(self) -> None:
        """A byte that is no text, as a driver may have read it, is told as its number, and hides no other line."""
        page = self.stream("log=1")
        self.log.warn("read {what}", what="\udc80")
        self.log.warn("wet")
        self.assertEqual(self.texts(page), ["read \udc80", "wet"])

    def test_not_asked_for(self) -> None:
        """Who did not ask for it is not told, and costs nothing."""
        page = self.stream("")
        self.log.warn("wet")
        self.server.get("dome/0/name")
        self.assertEqual((self.told(page), self.told(page, "call")), ([], []))

    def test_filters(self) -> None:
        """Level, device and client are filtered on the server."""
        page = self.stream("log=1&level=warn&device=dome/1")
        for level, device in (("info", "dome/1"), ("warn", "dome/0"), ("error", "dome/1")):
            getattr(self.log, level)("{device} {word}", word=level, device=device)
        self.assertEqual(self.texts(page), ["dome/1 error"])

    def test_wrong_level(self) -> None:
        """A level that does not exist is refused."""
        answer = self.stream("log=1&level=loud").answer()
        assert answer is not None
        self.assertEqual((answer.status, answer.text[:27]), (400, "there is no level 'loud'; k"))

    def test_missed(self) -> None:
        """Who comes back is told what was logged since the last line that it knows."""
        self.log.info("a")
        since = self.server.recent.last
        self.log.info("b")
        page = self.stream(f"log=1&since={since}")
        self.log.info("c")
        self.assertEqual(self.texts(page), ["b", "c"])

    def test_nothing_known(self) -> None:
        """Who does not say what it knows is told what comes; a number that is none is as if it was not said."""
        self.log.info("a")
        for query in ("log=1", "log=1&since=x", "log=1&since=-1", "log=1&since=" + "9" * 5000):
            self.assertEqual(self.texts(self.stream(query)), [], query)

    def test_flood(self) -> None:
        """Of more than can be read, the last lines are told, in one piece."""
        page = self.stream("log=1")
        for number in range(1000):
            self.log.info("{number}", number=number)
        self.assertEqual(self.texts(page), [str(each) for each in range(1000 - Tail.MOST, 1000)])

    def test_left(self) -> None:
        """When the page is gone nothing is left of it."""
        page = self.stream("log=1&calls=1")
        self.log.info("x")
        page.hang_up()
        self.server.get("dome/0/name")
        self.log.info("y")
        self.server.clock.advance(60)
        self.assertEqual((self.server.recent._watchers, self.server.clock.getDelayedCalls()), ((), []))


class CallTests(TailTestCase):
    def test_call(self) -> None:
        """A call is told with its device, what was asked, by whom, how it ended and how long it took."""
        page = self.stream("calls=1")
        self.server.put("dome/1/slewtoazimuth", Azimuth=10, ClientID=5)
        (call,) = self.told(page, "call")
        self.assertEqual(
            call,
            {
                "time": "2026-01-01T00:00:00.000+00:00",
                "device": "dome/1",
                "verb": "PUT",
                "member": "SlewToAzimuth",
                "error": 0x407,
                "seconds": 0.0,
                "client": "192.0.2.7 (ClientID 5)",
                "text": "PUT SlewToAzimuth: NotConnected, 0x407, 0.0 ms, 192.0.2.7 (ClientID 5)",
            },
        )

    def test_filters(self) -> None:
        """Those of one device, or of one client; a level is no matter of theirs."""
        page, other = self.stream("calls=1&device=dome/1&level=error"), self.stream("calls=1&client=6")
        for number, client in ((0, 5), (1, 5), (0, 6)):
            self.server.get(f"dome/{number}/name", ClientID=client)
        found = [[each["device"] for each in self.told(stream, "call")] for stream in (page, other)]
        self.assertEqual(found, [["dome/1"], ["dome/0"]])

    def test_flood(self) -> None:
        """A client that asks a thousand times in a moment does not fill the page."""
        page = self.stream("calls=1")
        for _ in range(300):
            self.server.get("dome/0/name")
        self.assertEqual(len(self.told(page, "call")), Tail.MOST)
