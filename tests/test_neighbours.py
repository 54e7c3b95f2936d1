"""What a driver is told when it asks another device of its server."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from pylpaca.errors import DriverError
from pylpaca.testing import MemoryServer
from pylpaca.values import ShutterState
from tests.naive import NaiveSwitch
from tests.observatory import Monitor, Mount, Roof, device
from tests.test_rules import BareTelescope


class AskTests(SynchronousTestCase):
    def setUp(self) -> None:
        entries = [device(Mount), device(BareTelescope, 1), device(Roof), device(Monitor), device(NaiveSwitch)]
        self.server = MemoryServer({"drivers": entries})
        for entry in self.server.roster:
            entry.driver.link.vote(True)
        self.neighbours = self.server.driver("telescope").neighbours
        self.monitor: Any = self.server.driver("safetymonitor")

    def ask(self, kind: str, number: int, member: str, **more: Any) -> Deferred[Any]:
        return Deferred.fromCoroutine(self.neighbours.ask(kind, number, member, **more))

    def refused(self, *what: Any, **more: Any) -> str:
        return str(self.failureResultOf(self.ask(*what, **more), DriverError).value)

    def test_answers(self) -> None:
        """The answer is of the declared type; the device type may be written as ASCOM does."""
        self.assertIs(self.successResultOf(self.ask("Telescope", 0, "AtPark")), False)
        self.assertIs(self.successResultOf(self.ask("dome", 0, "ShutterStatus")), ShutterState.Open)
        self.assertEqual(self.successResultOf(self.ask("switch", 0, "GetSwitchValue", Id=1)), 20.0)

    def test_what_there_is_not(self) -> None:
        """A device, a member or a parameter that there is not."""
        self.assertEqual(self.refused("dome", 3, "AtPark"), "there is no dome/3 on this server")
        self.assertEqual(self.refused("dome", 0, "AtPrak"), "dome/0 cannot be asked AtPrak()")
        self.assertEqual(self.refused("dome", 0, "CloseShutter"), "dome/0 cannot be asked CloseShutter()")
        self.assertEqual(self.refused("switch", 0, "GetSwitch"), "switch/0 cannot be asked GetSwitch()")

    def test_rules(self) -> None:
        """What the rules refuse to clients they refuse here."""
        self.assertIn("switch/0 GetSwitch: Id 3 is out of range", self.refused("switch", 0, "GetSwitch", Id=3))
        self.assertIn("telescope/1 Altitude: Altitude is not implemented", self.refused("telescope", 1, "Altitude"))

    def test_not_connected(self) -> None:
        """A device that is not connected is not asked; what needs no connection is."""
        self.server.put("safetymonitor/0/connected", Connected=False)
        self.assertEqual(self.refused("safetymonitor", 0, "IsSafe"), "safetymonitor/0 is not connected")
        self.assertIs(self.successResultOf(self.ask("safetymonitor", 0, "Connected")), False)

    def test_fails(self) -> None:
        """A refusal, a bug and a value of another type are all told as what they are: no answer."""
        self.monitor.safe = DriverError("wet")
        self.assertEqual(self.refused("safetymonitor", 0, "IsSafe"), "safetymonitor/0 IsSafe: wet")
        self.monitor.safe = KeyError("rain")
        self.assertEqual(self.refused("safetymonitor", 0, "IsSafe"), "safetymonitor/0 IsSafe failed: KeyError: 'rain'")
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 1)
        self.monitor.safe = "yes"
        self.assertIn("safetymonitor/0 IsSafe: the driver's IsSafe gave 'yes'", self.refused("safetymonitor", 0, "IsSafe"))

    def test_asked_again(self) -> None:
        """A device that has not answered is not asked the same again before ten seconds have passed, or it has answered."""
        self.monitor.latency = lambda member: None
        asked = self.ask("safetymonitor", 0, "IsSafe")
        self.server.clock.advance(2)
        self.failureResultOf(asked, DriverError)
        self.server.clock.advance(3)
        self.assertEqual(self.refused("safetymonitor", 0, "IsSafe"), "safetymonitor/0 has not answered IsSafe for 5 s")
        self.assertEqual(len(self.monitor.held), 1)
        self.server.clock.advance(5)
        asked = self.ask("safetymonitor", 0, "IsSafe")
        self.assertEqual(len(self.monitor.held), 2)
        self.server.clock.advance(2)
        self.failureResultOf(asked, DriverError)
        self.monitor.answer()
        self.monitor.latency = lambda member: 0.0
        self.assertIs(self.successResultOf(self.ask("safetymonitor", 0, "IsSafe")), True)

    def test_asked_on_another_link(self) -> None:
        """What a device did not answer says nothing once it is connected anew."""
        self.monitor.latency = lambda member: None
        asked = self.ask("safetymonitor", 0, "IsSafe")
        self.server.clock.advance(2)
        self.failureResultOf(asked, DriverError)
        for connected in (False, True):
            self.server.put("safetymonitor/0/connected", Connected=connected)
        self.assertIs(self.successResultOf(self.ask("safetymonitor", 0, "IsSafe")), True)

    def test_in_time(self) -> None:
        """It answers within two seconds, or as long as is said, or it has not answered."""
        for more, seconds in (({}, 2.0), ({"within": 0.5}, 0.5)):
            self.setUp()
            self.monitor.latency = lambda member: 3.0
            asked = self.ask("safetymonitor", 0, "IsSafe", **more)
            self.server.clock.advance(seconds - 0.1)
            self.assertNoResult(asked)
            self.server.clock.advance(0.2)
            told = self.failureResultOf(asked, DriverError).getErrorMessage()
            self.assertEqual(told, f"no answer from IsSafe of safetymonitor/0 in {seconds:g} s")
        self.server.clock.advance(3)
        asked = self.ask("safetymonitor", 0, "IsSafe", within=5)
        self.server.clock.advance(3)
        self.assertIs(self.successResultOf(asked), True)
