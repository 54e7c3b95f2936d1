"""/health: 200 while the server does what it is there for, 503 while it does not."""

from __future__ import annotations

import json
from typing import Any

import yaml
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from pylpaca.errors import DriverError
from pylpaca.testing import Answer, MemoryServer
from tests.misbehaving import entry
from tests.test_docs import blocks


class HealthTestCase(SynchronousTestCase):
    autoconnect = True

    def setUp(self) -> None:
        entries = [{**entry("dome"), "autoconnect": self.autoconnect}, entry("telescope")]
        self.server = MemoryServer({"drivers": entries})
        self.driver: Any = self.server.driver("dome")

    def start(self) -> None:
        """As the server does when it has started."""
        for each in self.server.roster:
            if each.driver.link.permanent:
                each.driver.link.vote(True)

    def health(self, after: float = 0.0) -> Answer:
        """What is answered, which may take so long."""
        connection = self.server.begin("GET", "/health")
        self.server.clock.advance(after)
        answer = connection.answer()
        assert answer is not None
        return answer

    def fail(self, *_: Any) -> Any:
        raise DriverError("no power")

    def never(self) -> Deferred[Any]:
        return Deferred()


class AllIsWellTests(HealthTestCase):
    def test_answer(self) -> None:
        """The answer in full: status, version, time since the start, lag of the reactor, and the lamp of every device."""
        self.start()
        self.server.clock.advance(90)
        answer = self.health()
        self.assertEqual((answer.status, answer.headers["cache-control"]), (200, "no-store"))
        expected = {
            "status": "ok",
            "uptime_seconds": 90,
            "reactor_lag_seconds": 0.0,
            "devices": {"dome/0": "connected", "telescope/0": "disconnected"},
            "problems": {},
        }
        found = answer.json
        self.assertEqual((found.pop("version").count("."), found), (2, expected))

    def test_head(self) -> None:
        """HEAD is enough for who wants the status only."""
        answer = self.server.request("HEAD", "/health")
        self.assertEqual((answer.status, answer.body), (200, b""))

    def test_while_it_connects(self) -> None:
        """A device that is being connected for the first time is no trouble yet."""
        self.patch(self.driver, "connect", self.never)
        self.start()
        answer = self.health()
        self.assertEqual((answer.status, answer.json["devices"]["dome/0"]), (200, "connecting"))

    def test_lag(self) -> None:
        """How late the reactor was during the last minute."""
        self.server.site.observatory.records.lateness.start()
        self.server.clock.advance(3.5)
        self.assertEqual(self.health().json["reactor_lag_seconds"], 2.5)


class TroubleTests(HealthTestCase):
    def troubles(self, answer: Answer) -> tuple[int, str, list[str]]:
        return answer.status, answer.json["status"], list(answer.json["problems"])

    def test_failed(self) -> None:
        """A device that is to be always connected, and cannot be, is trouble; the answer says why."""
        self.patch(self.driver, "connect", self.fail)
        self.start()
        answer = self.health()
        self.assertEqual(self.troubles(answer), (503, "failing", ["dome/0"]))
        self.assertIn("no power", answer.json["problems"]["dome/0"].lower())

    def test_while_it_is_tried_again(self) -> None:
        """It is so, too, while it is tried again: the answer does not waver."""
        self.patch(self.driver, "connect", self.fail)
        self.start()
        self.patch(self.driver, "connect", self.never)
        self.server.clock.advance(1.0)
        answer = self.health()
        self.assertEqual((answer.json["devices"]["dome/0"], *self.troubles(answer)), ("connecting", 503, "failing", ["dome/0"]))

    def test_lost(self) -> None:
        """A device that is lost is trouble at once."""
        self.start()
        self.driver.link.lost(DriverError("its cable was pulled"))
        self.assertEqual(self.troubles(self.health()), (503, "failing", ["dome/0"]))

    def test_well_again(self) -> None:
        """When it is connected again, all is well."""
        self.start()
        self.driver.link.lost(DriverError("its cable was pulled"))
        self.server.clock.advance(2.0)
        self.assertEqual(self.troubles(self.health()), (200, "ok", []))

    def test_not_answering(self) -> None:
        """One that does not answer any more is found out by asking it, which delays the answer by a second at most."""
        self.start()
        self.patch(self.driver, "Azimuth", self.never)
        first = self.health(after=1.0)
        self.server.clock.advance(3.0)
        self.assertEqual((self.troubles(first), self.troubles(self.health())), ((200, "ok", []), (503, "failing", ["dome/0"])))


class OthersTests(HealthTestCase):
    autoconnect = False

    def test_not_permanent(self) -> None:
        """A device that clients connect is their affair: it may be disconnected, and fail."""
        self.patch(self.driver, "connect", self.fail)
        self.server.put("dome/0/connect")
        answer = self.health()
        self.assertEqual((answer.status, answer.json["devices"]["dome/0"]), (200, "failed"))

    def test_not_asked(self) -> None:
        """It is not asked anything for this."""
        self.server.put("dome/0/connected", Connected=True)
        asked: list[bool] = []
        self.patch(self.driver, "Azimuth", lambda: asked.append(True))
        self.health()
        self.assertEqual(asked, [])


class PageTests(SynchronousTestCase):
    def test_page(self) -> None:
        """The answer that docs/monitoring.md shows has what the server's answer has."""
        (text,) = blocks("docs/monitoring.md", "json")
        found = MemoryServer({"drivers": []}).get("/health").json
        self.assertEqual(list(json.loads(text)), list(found))

    def test_scrape_configuration(self) -> None:
        """The configuration for Prometheus can be read, and says what it has to."""
        (text,) = blocks("docs/monitoring.md", "yaml")
        (job,) = yaml.safe_load(text)["scrape_configs"]
        self.assertEqual((job["static_configs"][0]["targets"], set(job["basic_auth"])), TARGETS)


TARGETS = (["192.168.1.20:11111"], {"username", "password_file"})


class WallsTests(SynchronousTestCase):
    def test_behind_the_walls(self) -> None:
        """/health, /metrics, /log and /docs are for those who may use the server: who has no password is asked for one."""
        server = MemoryServer({"drivers": [], "server": {"users": {"me": "word"}}})
        paths = ["/health", "/metrics", "/log", "/log/diagnostics.json", "/docs/api", "/docs/api/openapi.json"]
        self.assertEqual([server.get(path).status for path in paths], [401] * len(paths))

    def test_with_a_password(self) -> None:
        """With HTTP Basic, as Prometheus has it, they are answered."""
        server = MemoryServer({"drivers": [], "server": {"users": {"me": "word"}}})
        named = {"Authorization": "Basic bWU6d29yZA=="}
        self.assertEqual([server.request("GET", path, headers=named).status for path in ("/health", "/metrics")], [200, 200])
