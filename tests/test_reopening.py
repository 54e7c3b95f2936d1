"""A device gets other settings while the server runs, and everything that knows it follows."""

from __future__ import annotations

import json
from collections.abc import Awaitable
from typing import Any, ClassVar

from pydantic import Field
from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from pylpaca import stopping
from pylpaca.device import NoSettings
from pylpaca.errors import DriverError, NotConnected
from pylpaca.settings.reopening import Prepared, Refused, opened
from pylpaca.testing import MemoryServer, SerialDouble
from tests.observatory import Monitor, Mount, Roof, device
from tests.test_interlocks import PARKED

LOG: list[str] = []  # what the drivers' hooks did, in order


class SetMount(Mount):
    """A mount with settings."""

    class Settings(NoSettings):
        label: str = "old"
        parks: bool = True
        connects: bool = True
        slow: bool = False
        fails: bool = Field(default=False, description="whether it cannot even be built")

    settings: Settings
    waiting: ClassVar[list[Deferred[None]]] = []

    def __init__(self, settings: Any, surroundings: Any) -> None:
        if settings.fails:
            raise ZeroDivisionError("oops")
        super().__init__(settings, surroundings)

    def connect(self) -> Awaitable[None] | None:
        LOG.append(f"connect {self.settings.label}")
        if not self.settings.connects:
            raise DriverError("nobody is at home")
        return None

    def disconnect(self) -> Awaitable[None] | None:
        LOG.append(f"disconnect {self.settings.label}")
        if not self.settings.slow:
            return None
        waiting: Deferred[None] = Deferred()
        self.waiting.append(waiting)
        return waiting

    def CanPark(self) -> bool:
        return self.settings.parks

    def Declination(self) -> float:
        return 1.0 if self.settings.label == "old" else 2.0


class ReopeningTestCase(SynchronousTestCase):
    section: ClassVar[dict[str, Any]] = {}  # of the server
    mount: ClassVar[dict[str, Any]] = {}  # of its entry
    roof: ClassVar[dict[str, Any]] = {}

    def setUp(self) -> None:
        LOG.clear()
        SetMount.waiting.clear()
        entries = [device(SetMount, **self.mount), device(Roof, **self.roof), device(Monitor)]
        self.server = MemoryServer({"server": self.section, "drivers": entries})
        self.clock = self.server.clock
        self.old: Any = self.server.driver("telescope")

    @property
    def new(self) -> Any:
        """The mount that is there now."""
        return self.server.driver("telescope")

    def connect(self, kind: str = "telescope", client: int = 1) -> None:
        self.assertEqual(self.server.put(f"{kind}/0/connected", Connected=True, ClientID=client).error, 0)

    def prepare(self, kind: str = "telescope", config: dict[str, Any] | None = None, **entry: Any) -> Deferred[Prepared]:
        """Build it with other settings."""
        wanted = self.server.reopening.wanted((kind, 0))
        update = {**entry, **({"driver_config": config} if config is not None else {})}
        return Deferred.fromCoroutine(self.server.reopening.prepare(wanted.model_copy(update=update)))

    def put(self, **config: Any) -> None:
        """Have the mount with other settings."""
        self.server.reopening.put(self.successResultOf(self.prepare(config={"label": "new", **config})))
        self.clock.advance(0)

    def refused(self, prepared: Deferred[Prepared]) -> str:
        """Why it was refused."""
        self.clock.advance(2)
        return str(self.failureResultOf(prepared, Refused).value)


class SwapTests(ReopeningTestCase):
    def test_in_its_place(self) -> None:
        """Clients find the new device at the old address; its id is what it was."""
        before = self.server.get("/management/v1/configureddevices").value
        self.connect()
        self.assertEqual(self.server.get("telescope/0/declination").value, 1.0)
        self.put()
        self.assertEqual(self.server.get("telescope/0/declination").value, 2.0)
        self.assertEqual(self.server.get("/management/v1/configureddevices").value, before)

    def test_one_after_the_other(self) -> None:
        """The old one is disconnected before the new one is connected."""
        self.connect()
        self.put()
        self.assertEqual(LOG, ["connect old", "disconnect old", "connect new"])

    def test_waits(self) -> None:
        """While the old one takes its time to disconnect, the new one is connecting, and refuses what needs a connection."""
        self.server.reopening.put(self.successResultOf(self.prepare(config={"slow": True})))
        self.connect()
        self.put()
        self.assertEqual((self.server.get("telescope/0/connecting").value, LOG[-1]), (True, "disconnect old"))
        self.assertEqual(self.server.get("telescope/0/declination").error, NotConnected.number)
        SetMount.waiting[0].callback(None)
        self.assertEqual((self.server.get("telescope/0/connected").value, LOG[-1]), (True, "connect new"))

    def test_old_hangs(self) -> None:
        """One that never disconnects does not keep the new one from being connected."""
        self.server.reopening.put(self.successResultOf(self.prepare(config={"slow": True})))
        self.connect()
        self.put()
        self.clock.advance(31)
        self.assertTrue(self.server.get("telescope/0/connected").value)
        self.flushLoggedErrors()

    def test_holders(self) -> None:
        """Who held the old one holds the new one: it is disconnected when the last of them leaves, not before."""
        self.connect(client=1)
        self.connect(client=2)
        self.put()
        self.server.put("telescope/0/connected", Connected=False, ClientID=1)
        self.assertTrue(self.server.get("telescope/0/connected").value)
        self.server.put("telescope/0/connected", Connected=False, ClientID=2)
        self.assertFalse(self.server.get("telescope/0/connected").value)

    def test_leaves_meanwhile(self) -> None:
        """A client that leaves while the old one is being disconnected is not counted, and nothing is connected for it."""
        self.server.reopening.put(self.successResultOf(self.prepare(config={"slow": True})))
        self.connect(client=1)
        self.put()
        self.server.put("telescope/0/disconnect", ClientID=1)
        SetMount.waiting[0].callback(None)
        self.assertEqual((self.server.get("telescope/0/connected").value, LOG[-1]), (False, "disconnect old"))

    def test_comes_meanwhile(self) -> None:
        """A client that connects while the old one is being disconnected has the new one."""
        self.server.reopening.put(self.successResultOf(self.prepare(config={"slow": True})))
        self.connect(client=1)
        self.put()
        self.server.put("telescope/0/connect", ClientID=2)
        self.server.put("telescope/0/disconnect", ClientID=1)
        SetMount.waiting[0].callback(None)
        self.assertTrue(self.server.get("telescope/0/connected").value)

    def test_twice_while_it_is_disconnected(self) -> None:
        """One that is being disconnected is waited for, however many came between it and the one that is to be connected."""
        self.server.reopening.put(self.successResultOf(self.prepare(config={"slow": True})))
        self.connect()
        self.server.put("telescope/0/disconnect", ClientID=1)
        self.put(label="between")
        self.put()
        self.server.put("telescope/0/connect", ClientID=1)
        self.assertEqual(LOG, ["connect old", "disconnect old"])

    def test_not_connected(self) -> None:
        """One that nobody had connected is not connected."""
        self.put()
        self.assertEqual((self.server.get("telescope/0/connected").value, LOG), (False, []))
        self.connect()
        self.assertEqual(LOG, ["connect new"])

    def test_others(self) -> None:
        """The other devices are not touched."""
        self.connect("dome")
        roof = self.server.driver("dome")
        self.connect()
        self.put()
        self.assertIs(self.server.driver("dome"), roof)
        self.assertEqual((roof.link.is_open, roof.link.openings), (True, 1))

    def test_name(self) -> None:
        """A new name is the name of all that speaks of it."""
        self.server.reopening.put(self.successResultOf(self.prepare(name="Twin")))
        self.assertEqual(self.server.get("telescope/0/name").value, "Twin")
        self.assertIn("Twin is not connected", self.server.get("telescope/0/declination").json["ErrorMessage"])

    def test_deadline(self) -> None:
        """Another deadline disturbs nobody."""
        self.connect()
        self.server.reopening.put(self.successResultOf(self.prepare(deadline=1.5)))
        self.assertEqual((self.new, LOG), (self.old, ["connect old"]))
        self.new.latency = lambda member: None
        asked = self.server.begin("GET", "telescope/0/slewing")
        self.clock.advance(1.6)
        answer = asked.answer()
        assert answer is not None
        self.assertIn("in 1.5 s", answer.json["ErrorMessage"])

    def test_again_and_again(self) -> None:
        """A hundred times leave one device, one link and one listener."""
        self.connect()
        for index in range(100):
            self.put(label=f"new {index}")
        self.assertEqual((len(self.server.roster.entries), self.new.link.openings, self.new.settings.label), (3, 1, "new 99"))
        self.assertEqual(LOG.count("disconnect new 98"), 1)


class PendingTests(ReopeningTestCase):
    def test_question(self) -> None:
        """A question that the old one was asked is answered once."""
        self.connect()
        self.old.latency = lambda member: 0.5
        asked = self.server.begin("GET", "telescope/0/slewing")
        self.clock.advance(0)
        self.old.latency = lambda member: 0.0  # it says at once that nothing moves
        self.put()
        self.clock.advance(1)
        answer = asked.answer()
        assert answer is not None
        self.assertEqual(answer.error, 0)
        self.clock.advance(60)
        self.assertEqual(asked.received.count(b"HTTP/1.1 "), 1)


class FailureTests(ReopeningTestCase):
    def test_cannot_be_connected(self) -> None:
        """A device that cannot be connected with its new settings says why, to clients too; the old one is not back."""
        self.connect()
        self.put(connects=False)
        self.assertEqual(
            self.successResultOf(Deferred.fromCoroutine(opened(self.new, 10))),
            "Telescope 0 could not be connected: nobody is at home",
        )
        self.assertEqual(self.server.get("telescope/0/connected").value, False)
        self.assertIn("nobody is at home", self.server.get("telescope/0/declination").json["ErrorMessage"])
        self.assertEqual(self.new.settings.label, "new")

    def test_cannot_be_built(self) -> None:
        """One that cannot be built is refused, and the old one goes on."""
        self.connect()
        self.assertIn("SetMount cannot be built: ZeroDivisionError: oops", self.refused(self.prepare(config={"fails": True})))
        self.assertEqual((self.new, self.server.get("telescope/0/connected").value), (self.old, True))

    def test_wrong_settings(self) -> None:
        """Settings that are none of it are refused."""
        self.assertIn("lable is not known here; did you mean 'label'?", self.refused(self.prepare(config={"lable": "x"})))

    def test_another_driver(self) -> None:
        """Another driver needs a restart."""
        self.assertIn("needs a restart", self.refused(self.prepare(device_driver="TelescopeSimulator")))


class MovingTests(ReopeningTestCase):
    def test_moves(self) -> None:
        """A device that moves is left alone until it is there."""
        self.connect()
        self.server.put("telescope/0/slewtoaltazasync", Azimuth=1, Altitude=1)
        self.assertIn("Telescope 0 is at work (Slewing)", self.refused(self.prepare()))
        self.clock.advance(self.old.travel)
        self.put()

    def test_is_told(self) -> None:
        """One that has not answered an order yet is left alone, too."""
        self.connect()
        self.old.latency = lambda member: None if member == "Park" else 0.0
        self.server.begin("PUT", "telescope/0/park")
        self.assertIn("Telescope 0 is being told to Park", self.refused(self.prepare()))

    def test_begins_meanwhile(self) -> None:
        """An order that came after it was prepared keeps it from being replaced, too."""
        self.connect()
        prepared = self.successResultOf(self.prepare(config={"label": "new"}))
        self.old.latency = lambda member: None if member == "Park" else 0.0
        self.server.begin("PUT", "telescope/0/park")
        with self.assertRaisesRegex(Refused, "is being told to Park"):
            self.server.reopening.put(prepared)
        self.assertIs(self.new, self.old)

    def test_moves_meanwhile(self) -> None:
        """One that began to move after it was prepared, and has answered that already, is left alone, too."""
        self.connect()
        prepared = self.successResultOf(self.prepare(config={"label": "new"}))
        self.server.put("telescope/0/slewtoaltazasync", Azimuth=1, Altitude=1)
        with self.assertRaisesRegex(Refused, "was told to move just now"):
            self.server.reopening.put(prepared)

    def test_does_not_answer(self) -> None:
        """One that does not answer gets its new settings: they may be what it needs."""
        self.connect()
        self.old.latency = lambda member: None
        prepared = self.prepare(config={"label": "new"})
        self.clock.advance(2)
        self.server.reopening.put(self.successResultOf(prepared))
        self.assertEqual(self.server.get("telescope/0/declination").value, 2.0)


class PermanentTests(ReopeningTestCase):
    mount: ClassVar[dict[str, Any]] = {"autoconnect": True}

    def test_reconnected(self) -> None:
        """What the server keeps connected it connects again."""
        self.old.link.vote(True)
        self.put()
        self.assertTrue(self.new.link.is_open)

    def test_tried_again(self) -> None:
        """It goes on trying with the new settings, and never again with the old ones."""
        self.old.link.vote(True)
        self.put(connects=False)
        self.clock.pump([1.0] * 10)
        self.assertGreater(LOG.count("connect new"), 2)
        self.assertEqual(LOG.count("connect old"), 1)

    def test_gave_up_meanwhile(self) -> None:
        """What could not be connected with the old settings is with the new ones, at once."""
        self.server.reopening.put(self.successResultOf(self.prepare(config={"connects": False})))
        self.clock.pump([1.0] * 5)
        self.put()
        self.assertTrue(self.new.link.is_open)

    def test_not_any_more(self) -> None:
        """One that the server no longer keeps connected is disconnected, unless a client holds it."""
        self.old.link.vote(True)
        self.server.reopening.put(self.successResultOf(self.prepare(autoconnect=False)))
        self.assertFalse(self.new.link.is_open)
        self.server.reopening.put(self.successResultOf(self.prepare(autoconnect=True)))
        self.connect()
        self.server.reopening.put(self.successResultOf(self.prepare(autoconnect=False)))
        self.assertTrue(self.new.link.is_open)

    def test_server_stops(self) -> None:
        """A server that stops just then closes both."""
        self.server.reopening.put(self.successResultOf(self.prepare(config={"slow": True})))
        self.put()
        ended = Deferred.fromCoroutine(
            stopping.end(
                self.clock,
                self.server.site.pending,
                self.server.site.open_connections,
                [each.driver for each in self.server.roster],
            )
        )
        self.clock.pump([0.1] * 60)
        self.successResultOf(ended)
        SetMount.waiting[0].callback(None)
        self.clock.pump([1.0] * 60)
        self.assertNotIn("connect new", LOG)
        self.flushLoggedErrors()


class FollowingTests(ReopeningTestCase):
    section: ClassVar[dict[str, Any]] = {"deadman": {"minutes": 20}}
    mount: ClassVar[dict[str, Any]] = {"autoconnect": True, "on_exit": ["park"]}
    roof: ClassVar[dict[str, Any]] = {"autoconnect": True, "interlocks": [PARKED]}

    def setUp(self) -> None:
        super().setUp()
        for entry in self.server.roster:
            entry.driver.link.vote(True)

    def test_health(self) -> None:
        """What the old one did not answer is asked of the new one at once."""
        self.old.latency = lambda member: None
        asked = self.server.begin("GET", "telescope/0/slewing")
        self.clock.advance(5)
        answer = asked.answer()
        assert answer is not None
        self.assertIn("no answer", answer.json["ErrorMessage"])
        prepared = self.prepare(config={"label": "new"})
        self.clock.advance(2)
        self.server.reopening.put(self.successResultOf(prepared))
        self.assertEqual(self.server.get("telescope/0/slewing").value, False)

    def test_neighbours(self) -> None:
        """Other drivers find the new one, and ask it what the old one did not answer."""
        neighbours = self.server.driver("dome").neighbours
        self.old.latency = lambda member: None
        silent = Deferred.fromCoroutine(neighbours.ask("telescope", 0, "AtPark"))
        self.clock.advance(3)
        self.failureResultOf(silent, DriverError)
        prepared = self.prepare(config={"label": "new"})
        self.clock.advance(2)
        self.server.reopening.put(self.successResultOf(prepared))
        self.assertIs(neighbours.find("telescope"), self.new)
        self.assertEqual(self.successResultOf(Deferred.fromCoroutine(neighbours.ask("telescope", 0, "AtPark"))), False)

    def test_interlocks_of_others(self) -> None:
        """An interlock that asks it asks the new one."""
        self.old.parked = True
        self.put()
        self.assertIn("telescope/0 AtPark is false", self.server.put("dome/0/closeshutter").json["ErrorMessage"])
        self.new.parked = True
        self.assertEqual(self.server.put("dome/0/closeshutter").error, 0)

    def test_own_interlocks(self) -> None:
        """Its own interlocks stand in front of the new one, under its new name."""
        self.server.reopening.put(self.successResultOf(self.prepare("dome", name="Lid")))
        self.assertIn("Lid may not CloseShutter", self.server.put("dome/0/closeshutter").json["ErrorMessage"])

    def test_deadman(self) -> None:
        """The deadman parks the new one, at the time at which it would have parked the old one."""
        self.server.get("telescope/0/tracking")
        self.clock.advance(600)
        self.put()
        self.clock.pump([0.5] * 1240)
        self.assertEqual((self.old.done, self.new.done), ([], ["SetMount Park"]))

    def test_on_exit(self) -> None:
        """What it does when the server stops the new one does."""
        self.put()
        left = Deferred.fromCoroutine(self.server.precautions.leave())
        self.clock.pump([0.5] * 60)
        self.successResultOf(left)
        self.assertEqual((self.old.done, self.new.done), ([], ["SetMount Park"]))

    def test_cannot_do_it(self) -> None:
        """Settings with which it could not do what on_exit and the deadman need of it are refused."""
        sentence = self.refused(self.prepare(config={"parks": False}))
        self.assertIn("SetMount, the driver of telescope/0, cannot do this: CanPark is False", sentence)
        self.assertIs(self.new, self.old)

    def test_deadman_at_work(self) -> None:
        """While devices are being brought into safe states none is replaced."""
        self.server.get("telescope/0/tracking")
        self.clock.advance(1201)
        self.assertIn("must not be disturbed", self.refused(self.prepare("safetymonitor", name="x")))

    def test_log(self) -> None:
        """What the new one logs is its device's, under its new name, too."""
        self.server.reopening.put(self.successResultOf(self.prepare(name="Twin")))
        with capturedLogs() as logs:
            self.new.log.info("here I am")
        self.server.recent(logs[0])
        (line,) = (each for each in self.server.recent.lines() if each.text == "here I am")
        self.assertEqual(line.device, "telescope/0")

    def test_diagnostics(self) -> None:
        """What is told of the configuration is what is in effect."""
        self.server.reopening.put(self.successResultOf(self.prepare(name="Twin")))
        names = [each.entry.name for each in self.server.site.observatory.configuration.devices]
        self.assertIn("Twin", names)

    def test_viewers(self) -> None:
        """Who looks at it is told how the new one is, and that the old one's values are gone."""
        told: list[bytes] = []
        viewing = self.server.site.observatory.viewing
        viewing.watch(["telescope/0"], told.extend)
        self.clock.pump([1.0] * 3)
        told.clear()
        self.put(connects=False)
        self.clock.pump([0.1] * 12)
        data = [json.loads(each.decode().partition("data: ")[2]) for each in told]
        self.assertIn("retrying", [each["lamp"] for each in data])
        values = {name: value for each in data for name, value in each["values"].items()}
        self.assertEqual(values["Declination"]["value"], None)


class SerialTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.roof = SerialDouble(lambda command: b"CLOSED" if command == b"STATUS" else b"OK")
        entries = [
            {"device_type": "dome", "device_number": n, "device_driver": "MyDomeDriver", "driver_config": {"port": "a"}}
            for n in range(2)
        ]
        self.server = MemoryServer({"drivers": entries}, serial={"a": self.roof})

    def put(self, number: int, **config: Any) -> None:
        wanted = self.server.reopening.wanted(("dome", number))
        prepared = Deferred.fromCoroutine(self.server.reopening.prepare(wanted.model_copy(update={"driver_config": config})))
        self.server.clock.advance(0)
        self.server.reopening.put(self.successResultOf(prepared))
        self.server.clock.pump([0.1] * 20)

    def test_same_port(self) -> None:
        """The port is closed, and opened with the other settings."""
        self.server.put("dome/0/connected", Connected=True)
        self.put(0, port="a", baudrate=19200)
        self.assertTrue(self.server.get("dome/0/connected").value)
        self.assertEqual(self.server.get("dome/0/shutterstatus").value, 1)

    def test_shared_port(self) -> None:
        """A port that another device shares is not closed; where the settings do not fit, the page can say so."""
        for number in range(2):
            self.server.put(f"dome/{number}/connected", Connected=True)
        self.put(0, port="a", baudrate=19200)
        told = self.successResultOf(Deferred.fromCoroutine(opened(self.server.driver("dome", 0), 10)))
        self.assertIn("share port a, but not baudrate", told)
        self.assertTrue(self.server.get("dome/1/connected").value)
        self.put(0, port="a", reply_within=2.0)
        self.server.put("dome/0/connected", Connected=True)
        self.assertEqual(self.server.get("dome/0/shutterstatus").value, 1)
