"""The benchmarks measure what they say: wrong answers void a figure, ratios are those of a round, the page keeps its words."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from unittest import skipUnless

from twisted.trial.unittest import SynchronousTestCase

from benchmarks import growth
from benchmarks.accounting import cpu_seconds, resident, tree
from benchmarks.bench import LOAD, Bench
from benchmarks.bounds import Bound
from benchmarks.environments import Environments
from benchmarks.figures import Costs, Figures
from benchmarks.load import ENVELOPE, FIRST_ID, Ask, Checker, Job, Measured, WrongAnswerError, request
from benchmarks.machine import Cores
from benchmarks.report import BEGIN, END, put_into, table
from benchmarks.servers import GET, PUT, PYLPACA, Running, running
from pylpaca.interfaces import DEVICE_TYPES

ROOT = Path(__file__).parent.parent
RIGHT = {"Value": 5.5, "ClientTransactionID": FIRST_ID, "ServerTransactionID": 1, "ErrorNumber": 0, "ErrorMessage": ""}


def answer(status: str = "200 OK", space: str = " ", **changed: object) -> bytes:
    body = json.dumps({**RIGHT, **changed}, separators=(",", f":{space}")).encode()
    return b"HTTP/1.1 %b\r\ncontent-length: %d\r\n\r\n%b" % (status.encode(), len(body), body)


class CheckerTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.checker = Checker([GET], ENVELOPE)

    def test_right(self) -> None:
        """An answer to what was asked is right, with white space or without."""
        for space in ("", " "):
            checker = Checker([GET], ENVELOPE)
            checker.check(answer(space=space), 0)
            checker.check(answer(space=space), 0)

    def test_wrong(self) -> None:
        """Another status, an error, the id of another request: all are wrong, at once and after a right answer."""
        wrong = [answer("500 Oops"), answer(ErrorNumber=0x407), answer(ClientTransactionID=FIRST_ID + 1)]
        for data in wrong:
            for before in (0, 1):
                checker = Checker([GET], ENVELOPE)
                for _ in range(before):
                    checker.check(answer(), 0)
                self.assertRaises(WrongAnswerError, checker.check, data, 0)

    def test_missing_key(self) -> None:
        """A GET is answered with all keys and a value."""
        body = json.dumps({key: value for key, value in RIGHT.items() if key != "Value"}).encode()
        data = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
        self.assertRaises(WrongAnswerError, self.checker.check, data, 0)

    def test_no_json(self) -> None:
        """What is no JSON is wrong."""
        self.assertRaises(WrongAnswerError, self.checker.check, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK", 0)

    def test_pieces(self) -> None:
        """An answer is whole when its last byte is there, wherever it was cut."""
        data = answer()
        self.assertEqual([self.checker.whole(data[:end]) for end in range(len(data) + 1)], [False] * len(data) + [True])

    def test_too_long(self) -> None:
        """More than the length an answer says is wrong."""
        self.assertRaises(WrongAnswerError, self.checker.whole, answer() + b"x")

    def test_no_length(self) -> None:
        """An answer that does not say its length is wrong."""
        self.assertRaises(WrongAnswerError, self.checker.whole, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")


class RequestTests(SynchronousTestCase):
    def test_get(self) -> None:
        """A GET has its parameters in the query."""
        line, _, rest = request(GET, 7, 10_001, True).partition(b"\r\n")
        self.assertEqual(line, b"GET /api/v1/telescope/0/rightascension?ClientID=7&ClientTransactionID=10001 HTTP/1.1")
        self.assertTrue(rest.endswith(b"\r\n\r\n"))

    def test_put(self) -> None:
        """A PUT has them in a form, and says how long it is."""
        head, _, body = request(PUT, 7, 10_001, False).partition(b"\r\n\r\n")
        self.assertEqual(body, b"TargetDeclination=12.5&ClientID=7&ClientTransactionID=10001")
        self.assertIn(b"\r\nConnection: close\r\nContent-Length: %d\r\n" % len(body), head + b"\r\n")


class FiguresTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.figures = Figures()
        for ours, theirs in ((1.0, 10.0), (4.0, 10.0), (6.0, 20.0)):
            self.figures.add("cpu", "ours", ours)
            self.figures.add("cpu", "theirs", theirs)

    def test_ratio(self) -> None:
        """A ratio is the median of the ratios of each round, with the least and the most."""
        self.assertEqual(str(self.figures.ratio("cpu", "ours", "theirs")), "0.30 (0.10 to 0.40)")

    def test_not_measured(self) -> None:
        """What was not measured has neither median nor ratio."""
        self.assertRaises(LookupError, self.figures.median, "rate", "ours")
        self.assertRaises(LookupError, self.figures.ratio, "cpu", "ours", "nobody")


class BoundTests(SynchronousTestCase):
    def verdict(self, reached: float, **more: bool) -> str:
        bound = Bound("", lambda figures: (reached, ""), 0.35, 0.2, **more)
        return bound.row(Figures())[-1]

    def test_verdicts(self) -> None:
        """A figure misses its bound, or holds it, or reaches the goal."""
        self.assertEqual(list(map(self.verdict, (0.4, 0.3, 0.2))), ["**missed**", "holds, goal missed", "goal reached"])

    def test_at_least(self) -> None:
        """Some bounds are to be exceeded."""
        self.assertEqual(self.verdict(0.1, is_least=True), "**missed**")


class Canned(Bench):
    """Takes what it is given for measured."""

    given: list[Measured]

    def load(self, job: Job) -> Measured:
        return self.given.pop(0)


class BenchTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.bench = Canned(Environments(Path()), Cores(), [], 2, 1.0)
        self.bench.tell = lambda sentence: None  # type: ignore[method-assign]

    def test_one_wrong_answer(self) -> None:
        """After one wrong answer a server has no figures of that load, whatever was measured before and after it."""
        right = Measured(answers=10, seconds=1.0, server_cpu=0.1, own_work=0.1)
        self.bench.given = [right, Measured(wrong="500"), right]
        for _ in range(3):
            self.bench.take(Costs("GET"), "pylpaca", Job(1, [GET], []))
        self.assertEqual(list(self.bench.figures.rounds(Costs("GET").cpu, "pylpaca")), [])

    def test_turns(self) -> None:
        """Each is measured in each round, and none is always the first."""
        self.assertEqual(list(self.bench.in_turn("ab")), ["a", "b", "b", "a"])


class PageTests(SynchronousTestCase):
    def test_words_stay(self) -> None:
        """What stands around the marks stays, again and again."""
        page = Path(self.mktemp())
        page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
        put_into(page, "new")
        put_into(page, "newer")
        self.assertEqual(page.read_text(), f"before\n{BEGIN}\n\nnewer\n\n{END}\nafter\n")

    def test_no_marks(self) -> None:
        """A page without marks is left alone."""
        page = Path(self.mktemp())
        page.write_text("a page")
        self.assertRaises(ValueError, put_into, page, "new")
        self.assertEqual(page.read_text(), "a page")

    def test_ours(self) -> None:
        """docs/performance.md has the marks."""
        text = (ROOT / "docs/performance.md").read_text()
        self.assertEqual((text.count(BEGIN), text.count(END)), (1, 1))

    def test_table(self) -> None:
        """A table is Markdown."""
        self.assertEqual(table(["", "MB"], [["pylpaca", "7"]]), ["|  | MB |", "| --- | ---: |", "| pylpaca | 7 |"])


class DevicesTests(SynchronousTestCase):
    def test_every_type(self) -> None:
        """Each device type has something to poll."""
        self.assertEqual(set(growth.POLLED), set(DEVICE_TYPES))

    def test_in_turn(self) -> None:
        """Many devices are as many of each type, each asked for one thing."""
        server, asks = growth.with_devices(20)
        self.assertEqual(len({ask.path for ask in asks}), 20)
        self.assertEqual(len(server.prepare), 20)


@skipUnless(sys.platform == "linux", "the accounting is Linux's")
class RealServerTests(SynchronousTestCase):
    def measured(self, server: Running, ask: Ask, connected: bool = True, interval: float = 0.0) -> Measured:
        job = Job(server.port, [ask], server.pids, 2, connected, interval, seconds=0.1, warm_up=0.05)
        done = subprocess.run(LOAD, input=json.dumps(asdict(job)), cwd=ROOT, capture_output=True, text=True, check=True)
        return Measured(**json.loads(done.stdout))

    def test_load(self) -> None:
        """pylpaca answers at full load, on new connections, and at a steady rate; what it refuses is a wrong answer."""
        with running(PYLPACA, Path(sys.executable)) as server:
            found = [
                self.measured(server, GET),
                self.measured(server, PUT),
                self.measured(server, GET, connected=False),
                self.measured(server, GET, interval=0.01),
            ]
            refused = self.measured(server, Ask("telescope/0/targetdeclination", "TargetDeclination=91"))
        self.assertEqual([each.wrong for each in found], [""] * 4)
        self.assertTrue(all(each.answers and each.server_cpu > 0 for each in found))
        self.assertIn("TargetDeclination", refused.wrong)

    def test_accounting(self) -> None:
        """This process has had some CPU time and memory."""
        pid = os.getpid()
        self.assertIn(pid, tree(pid))
        self.assertGreater(cpu_seconds([pid]), 0)
        self.assertGreater(resident(pid), 1_000_000)
