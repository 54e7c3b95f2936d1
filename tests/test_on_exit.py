"""What devices do when the server stops: in which order, what keeps them from it, and what is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from pylpaca import config, service
from pylpaca.errors import DriverError
from pylpaca.service import Options, compose
from pylpaca.testing import MemoryServer
from pylpaca.threads import at_once
from tests.doubles import SlowFocuser
from tests.observatory import Mount, Roof, device
from tests.test_interlocks import PARKED, SAFE
from tests.test_rules import BareCoverCalibrator
from tests.test_service import Reactor, started


class LeavingTestCase(SynchronousTestCase):
    roof: dict[str, Any] = {"on_exit": ["close", "park"]}  # noqa: RUF012
    mount: dict[str, Any] = {"on_exit": "park"}  # noqa: RUF012
    server_section: dict[str, Any] = {}  # noqa: RUF012

    def setUp(self) -> None:
        entries = [device(Roof, autoconnect=True, **self.roof), device(Mount, autoconnect=True, **self.mount)]
        self.server = MemoryServer({"server": self.server_section, "drivers": entries})
        self.clock = self.server.clock
        self.done: list[str] = []
        self.mount_driver: Any = self.server.driver("telescope")
        self.roof_driver: Any = self.server.driver("dome")
        each: Any
        for each in (self.mount_driver, self.roof_driver):
            each.link.vote(True)
            each.done = self.done
        self.needs: list[tuple[str, float]] = []

    def leaves(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self.server.precautions.leave(lambda *what: self.needs.append(what)))

    def ends(self, seconds: float = 300.0) -> list[str]:
        """The server stops, in this time; what is said."""
        with capturedLogs() as logs:
            left = self.leaves()
            self.clock.pump([0.5] * int(2 * seconds))
            self.successResultOf(left)
        ours = ("pylpaca.safety.on_exit", "pylpaca.safety.safe_states")
        return [formatEvent(each) or "" for each in logs if each["log_namespace"] in ours]


class OrderTests(LeavingTestCase):
    def test_mounts_before_domes(self) -> None:
        """The mount is parked first, though the dome stands before it; then the dome does what its entry says, in that order."""
        said = self.ends()
        self.assertEqual(self.done, ["Mount Park", "Roof CloseShutter", "Roof Park"])
        self.assertEqual(
            said,
            [
                "on_exit: the server stops, after this, in at most 195 s: park telescope/0, close dome/0, park dome/0; "
                "a second signal ends that",
                "on_exit: park telescope/0",
                "on_exit: park telescope/0 is done",
                "on_exit: close dome/0",
                "on_exit: close dome/0 is done",
                "on_exit: park dome/0",
                "on_exit: park dome/0 is done",
            ],
        )

    def test_roof_waits(self) -> None:
        """The roof does not begin before the mount is there."""
        self.leaves()
        self.clock.pump([0.5] * int(2 * self.mount_driver.travel - 1))
        self.assertEqual(self.done, ["Mount Park"])

    def test_is_told_how_long(self) -> None:
        """What stops the server is told how long that takes."""
        self.ends()
        self.assertEqual(self.needs, [("on_exit: park telescope/0, close dome/0, park dome/0", 195.0)])

    def test_mount_stuck(self) -> None:
        """If the mount does not get there in time, the roof stays as it is, and both are told."""
        self.mount_driver.travel = 1e9
        said = self.ends()
        self.assertEqual(self.done, ["Mount Park"])
        self.assertEqual(
            said[2:],
            [
                "on_exit: park telescope/0 failed: Park was begun, but after 60 s telescope/0 AtPark is false",
                "on_exit: close dome/0",
                "on_exit: close dome/0 failed: it must not begin: telescope/0 AtPark is false",
                "on_exit: close dome/0 failed; not begun: park dome/0",
            ],
        )

    def test_mount_gone(self) -> None:
        """Nor does the roof begin when nobody can say where the mount is."""
        self.mount_driver.connect = Deferred
        self.mount_driver.link.lost(DriverError("the cable is out"))
        said = self.ends()
        self.assertEqual(self.done, [])
        self.assertIn("on_exit: park telescope/0 failed: telescope/0 is not connected, so it is left as it is", said)
        self.assertIn("on_exit: close dome/0 failed: it must not begin: telescope/0 is not connected", said)

    def test_all_hang(self) -> None:
        """Devices that answer nothing keep the server for the time that it said, not longer."""
        for each in (self.mount_driver, self.roof_driver):
            each.latency = lambda member: None
        self.ends(195.0)
        self.assertEqual(self.done, [])

    def test_what_had_not_begun(self) -> None:
        """What a client had asked for, and what had not begun when the server stopped, does not begin while it ends."""
        self.mount_driver.parked = True
        self.mount_driver.latency = lambda member: 1.0
        self.server.begin("PUT", "telescope/0/unpark")
        self.ends()
        self.assertNotIn("Mount Unpark", self.done)

    def test_closing_already(self) -> None:
        """A roof that is closing when the server stops is not told to close again, but waited for."""
        self.mount_driver.parked = True
        self.server.put("dome/0/closeshutter")
        self.ends()
        self.assertEqual(self.done, ["Roof CloseShutter", "Roof Park"])

    def test_there_already(self) -> None:
        """What is parked and closed is told nothing."""
        self.mount_driver.parked, self.roof_driver.open = True, False
        self.assertIn("on_exit: close dome/0 is done", self.ends())
        self.assertEqual(self.done, ["Roof Park"])


class SecondSignalTests(LeavingTestCase):
    def test_ends(self) -> None:
        """Somebody who cannot wait ends it: nothing else begins, what has begun is left to the device, and both are told."""
        with capturedLogs() as logs:
            left = self.leaves()
            self.clock.pump([0.5] * 6)
            self.server.precautions.on_exit.end("SIGINT again")
            self.clock.pump([0.5] * 2)
            self.successResultOf(left)
        self.assertEqual(self.done, ["Mount Park"])
        self.assertEqual(
            [formatEvent(each) for each in logs][2:],
            [
                "on_exit: SIGINT again: nothing else begins",
                "on_exit: park telescope/0 failed: Park was begun and is not watched any more: SIGINT again",
                "on_exit: SIGINT again; not begun: close dome/0, park dome/0",
            ],
        )

    def test_before(self) -> None:
        """A second signal before it has begun, and was told, does not keep the roof from closing."""
        self.server.precautions.on_exit.end("SIGINT again")
        self.ends()
        self.assertIn("Roof CloseShutter", self.done)


class InterlockedTests(LeavingTestCase):
    roof = {"on_exit": "close", "interlocks": [PARKED]}  # noqa: RUF012
    mount = {"interlocks": [{**SAFE, "unless": {"dome/0": {"Slewing": False}}}]}  # noqa: RUF012

    def test_respected(self) -> None:
        """A mount that is not told to park keeps the roof open, if an interlock says so."""
        self.assertIn("on_exit: close dome/0 failed: Dome 0 may not CloseShutter: telescope/0 AtPark is false", self.ends())

    def test_allowed(self) -> None:
        """It closes if the mount was parked by somebody else."""
        self.mount_driver.parked = True
        self.ends()
        self.assertEqual(self.done, ["Roof CloseShutter"])


class NothingTests(LeavingTestCase):
    roof: dict[str, Any] = {}  # noqa: RUF012
    mount: dict[str, Any] = {}  # noqa: RUF012

    def test_by_default(self) -> None:
        """Without a word in the configuration nothing moves, nothing is said, and nothing takes time."""
        self.assertEqual((self.ends(0.0), self.done, self.needs), ([], [], []))


class ShorterTests(LeavingTestCase):
    server_section = {"on_exit_within": 5}  # noqa: RUF012

    def test_within(self) -> None:
        """The time that a device may take can be made shorter."""
        said = self.ends()
        self.assertIn("on_exit: park telescope/0 failed: Park was begun, but after 5 s telescope/0 AtPark is false", said)
        self.assertEqual(self.needs[0][1], 30.0)


class MistakesTests(SynchronousTestCase):
    def told(self, **entry: Any) -> list[str]:
        text = json.dumps({"drivers": [device(Mount, **entry)]})
        try:
            MemoryServer(json.loads(text))
        except AssertionError as error:
            return str(error).split("\n")
        return []

    def test_words(self) -> None:
        """Words that a device type does not know, or that its driver cannot do, are told at start."""
        self.assertEqual(
            self.told(on_exit="prak"), ["drivers[0].on_exit[0]: a telescope cannot be told to 'prak'; did you mean 'park'?"]
        )
        self.assertEqual(
            self.told(on_exit=["park", "close"]), ["drivers[0].on_exit[1]: a telescope cannot be told to 'close'; known: park"]
        )
        self.assertIn("drivers[0].on_exit: should be a list in brackets", self.told(on_exit=5)[0])
        self.patch(Mount, "can_park", False)
        self.assertEqual(
            self.told(on_exit="park"),
            ["drivers[0].on_exit[0]: Mount, the driver of telescope/0, cannot do this: CanPark is False"],
        )

    def test_longest(self) -> None:
        """No device may take longer than a minute."""
        read = config.read({"drivers": [], "server": {"on_exit_within": 61}})
        self.assertIn("server.on_exit_within: should be less than or equal to 60, not 61", str(read.mistakes[0]))


class ServiceTests(SynchronousTestCase):
    def test_between_calls_and_hooks(self) -> None:
        """After the calls of clients and before the drivers' hooks; then links are closed, each in its own time."""
        reactor = Reactor()
        home = Path(self.mktemp())
        home.mkdir()
        entries = [device(Roof, autoconnect=True, on_exit="close"), device(SlowFocuser, autoconnect=True)]
        (home / "config.json").write_text(json.dumps({"drivers": entries}))
        options = Options()
        options["config"] = str(home / "config.json")
        self.patch(service, "own_thread", lambda reactor: at_once)
        server = compose(options, reactor, {})
        started(server)
        dome: Any = server.roster.entries["dome", 0].driver
        focuser: Any = server.roster.entries["focuser", 0].driver
        done = dome.done
        calling: Deferred[None] = Deferred()
        server._site.pending.add(calling, "a call")

        def noted(what: str) -> Callable[[], Deferred[None]]:
            """A hook that takes its time."""

            def hook() -> Deferred[None]:
                dome.note(what)
                return deferLater(reactor, 0.4)

            return hook

        for each in (dome, focuser):
            each.shutdown, each.disconnect = noted(f"shutdown {each.name}"), noted(f"disconnect {each.name}")
        with capturedLogs() as logs:
            stopped = server.stopService()
            reactor.pump([0.5] * 2)
            self.assertEqual(done, [])
            calling.callback(None)
            reactor.pump([0.1] * 500)
            self.successResultOf(stopped)
        hooks = [f"Roof {what} {each.name}" for what in ("shutdown", "disconnect") for each in (dome, focuser)]
        self.assertEqual(done, ["Roof CloseShutter", *hooks])
        self.assertEqual([each for each in logs if each["log_namespace"] == "pylpaca.stopping" and "reason" in each], [])


class CoverTests(SynchronousTestCase):
    def test_left_out(self) -> None:
        """A cover without a motor cannot be told to close."""
        refused = self.assertRaises(AssertionError, MemoryServer, {"drivers": [device(BareCoverCalibrator, on_exit="close")]})
        self.assertIn("cannot do this: it leaves CloseCover out", str(refused))
