"""The simulators: sensible motion on a clock, and a known state when the link opens."""

from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from drivers.simulators.motion import Motion
from pylpaca.testing import MemoryServer
from pylpaca.values import ShutterState


class MotionTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()

    def test_constant_rate(self) -> None:
        """Half the way in half the time, up and down, then at rest."""
        motion = Motion(self.clock, rate=10.0)
        for target, half in ((100.0, 50.0), (0.0, 50.0)):
            motion.go(target)
            self.clock.advance(5.0)
            self.assertEqual((motion.position, motion.moving), (half, True))
            self.clock.advance(5.0)
            self.assertEqual((motion.position, motion.moving, motion.direction), (target, False, 0))

    def test_shorter_way_round(self) -> None:
        """On a circle it takes the shorter way, through north if that is it."""
        motion = Motion(self.clock, rate=10.0, position=350.0, circle=360.0)
        motion.go(20.0)
        self.clock.advance(1.0)
        self.assertEqual((motion.position, motion.direction), (0.0, 1))
        self.clock.advance(2.0)
        self.assertEqual((motion.position, motion.moving), (20.0, False))
        motion.go(340.0)
        self.assertEqual(motion.direction, -1)

    def test_never_a_full_turn(self) -> None:
        """Wherever it comes from, at the end of the circle it reads 0, not 360."""
        for start in range(3600):
            motion = Motion(self.clock, rate=1e9, position=start / 10.0 + 0.503, circle=360.0)
            motion.go(0.0)
            self.clock.advance(1.0)
            self.assertEqual(motion.position % 360.0, motion.position)
            self.assertLess(motion.position, 360.0)

    def test_stop_and_retarget(self) -> None:
        """A stop ends it where it is; a new target begins there."""
        motion = Motion(self.clock, rate=10.0)
        motion.go(100.0)
        self.clock.advance(3.0)
        motion.go(0.0)
        self.clock.advance(1.0)
        motion.stop()
        self.clock.advance(10.0)
        self.assertEqual((motion.position, motion.moving), (20.0, False))

    def test_no_way(self) -> None:
        """To where it is takes no time."""
        motion = Motion(self.clock, rate=10.0, position=5.0)
        motion.go(5.0)
        self.assertFalse(motion.moving)


class SimulatorTestCase(SynchronousTestCase):
    kind = ""
    settings: dict[str, Any] = {}  # noqa: RUF012

    def setUp(self) -> None:
        name = {"dome": "DomeSimulator", "focuser": "FocuserSimulator", "safetymonitor": "SafetyMonitorSimulator"}[self.kind]
        entry = {"device_type": self.kind, "device_number": 0, "device_driver": name, "driver_config": self.settings}
        self.server = MemoryServer({"drivers": [entry]})
        self.clock = self.server.clock
        self.put("connected", Connected=True)

    def get(self, member: str) -> Any:
        return self.server.get(f"{self.kind}/0/{member}").value

    def put(self, member: str, **form: Any) -> Any:
        return self.server.put(f"{self.kind}/0/{member}", **form).value

    def reconnect(self) -> None:
        self.put("connected", Connected=False)
        self.put("connected", Connected=True)


class DomeTests(SimulatorTestCase):
    kind = "dome"

    def wait(self) -> float:
        """Until nothing moves any more; how long that took."""
        for tenths in range(3000):
            if not self.get("slewing"):
                return tenths / 10
            self.clock.advance(0.1)
        raise AssertionError("it never stopped")

    def test_known_state(self) -> None:
        """However it was left, a new link finds it parked, closed and at rest."""
        self.put("slewtoazimuth", Azimuth=10)
        self.put("openshutter")
        self.clock.advance(1)
        self.reconnect()
        self.assertEqual((self.get("slewing"), self.get("shutterstatus"), self.get("atpark")), (False, 1, True))

    def test_second_client_resets_nothing(self) -> None:
        """A second client that connects does not disturb a dome that moves."""
        self.put("openshutter")
        self.put("connected", Connected=True, ClientID=7)
        self.assertEqual(self.get("shutterstatus"), ShutterState.Opening)

    def test_shutter(self) -> None:
        """Slewing and ShutterStatus agree at every moment; it takes what the settings say."""
        for call, moving, ended in (("openshutter", 2, 0), ("closeshutter", 3, 1)):
            self.put(call)
            seen = []
            for _ in range(48):
                status, slewing = self.get("shutterstatus"), self.get("slewing")
                self.assertEqual(slewing, status == moving)
                seen.append(status)
                self.clock.advance(0.125)
            self.assertEqual((seen.count(moving), seen[-1]), (40, ended))

    def test_stopped_half_way(self) -> None:
        """A shutter that was stopped half way is not closed."""
        self.put("openshutter")
        self.clock.advance(1)
        self.put("abortslew")
        self.assertEqual((self.get("shutterstatus"), self.get("slewing")), (ShutterState.Open, False))

    def test_slews(self) -> None:
        """Long enough to be stopped, short enough not to bore: half a turn is under way after 3 s."""
        self.put("slewtoazimuth", Azimuth=45)
        self.wait()
        self.put("slewtoazimuth", Azimuth=225)
        self.clock.advance(3)
        self.assertTrue(self.get("slewing"))
        self.assertLess(self.wait(), 10)
        self.assertAlmostEqual(self.get("azimuth"), 225)
        self.put("slewtoaltitude", Altitude=70)
        self.clock.advance(1)
        self.assertTrue(self.get("slewing"))
        self.wait()
        self.assertAlmostEqual(self.get("altitude"), 70)

    def test_home_and_park(self) -> None:
        """Homing and parking end where they should; any slew leaves; parking twice is harmless."""
        self.put("findhome")
        self.assertFalse(self.get("athome"))
        self.wait()
        self.assertEqual((self.get("athome"), self.get("atpark"), self.get("azimuth")), (True, False, 0.0))
        self.put("slewtoazimuth", Azimuth=90)
        self.assertFalse(self.get("athome"))
        self.wait()
        self.put("setpark")
        self.assertTrue(self.get("atpark"))
        self.put("slewtoazimuth", Azimuth=0)
        self.wait()
        for _ in range(2):
            self.put("park")
            self.wait()
            self.assertEqual((self.get("atpark"), self.get("azimuth")), (True, 90.0))

    def test_abort_while_parking(self) -> None:
        """A stopped dome is not parked."""
        self.put("slewtoazimuth", Azimuth=0)
        self.wait()
        self.put("park")
        self.clock.advance(1)
        self.put("abortslew")
        self.assertEqual((self.get("atpark"), self.get("slewing")), (False, False))

    def test_sync(self) -> None:
        """A sync moves nothing."""
        self.put("synctoazimuth", Azimuth=225)
        self.assertEqual((self.get("azimuth"), self.get("slewing"), self.get("atpark")), (225.0, False, False))


class FocuserTests(SimulatorTestCase):
    kind = "focuser"

    def test_move(self) -> None:
        """A move takes its time and ends at its target; the whole way takes less than a quarter of a minute."""
        self.put("move", Position=30_000)
        self.assertEqual((self.get("ismoving"), self.get("position")), (True, 25_000))
        self.clock.advance(0.5)
        self.assertEqual(self.get("position"), 27_500)
        self.clock.advance(0.5)
        self.assertEqual((self.get("ismoving"), self.get("position")), (False, 30_000))
        self.put("move", Position=0)
        self.clock.advance(15)
        self.assertEqual(self.get("position"), 0)

    def test_halt(self) -> None:
        """Halt stops it where it is, and is harmless at rest."""
        self.put("move", Position=0)
        self.clock.advance(1)
        self.put("halt")
        self.put("halt")
        self.clock.advance(10)
        self.assertEqual((self.get("position"), self.get("ismoving")), (20_000, False))

    def test_compensation(self) -> None:
        """Compensation moves the drawtube with the temperature, without IsMoving, and leaves it where it was turned off."""
        self.put("tempcomp", TempComp=True)
        self.clock.advance(300)
        self.assertEqual((self.get("temperature"), self.get("ismoving")), (10.5, False))
        self.assertEqual(self.get("position"), 24_990)
        self.put("tempcomp", TempComp=False)
        self.clock.advance(300)
        self.assertEqual(self.get("position"), 24_990)

    def test_move_while_compensating(self) -> None:
        """A move works with compensation on, and ends at its target."""
        self.put("tempcomp", TempComp=True)
        self.clock.advance(300)
        self.put("move", Position=26_000)
        self.clock.advance(1)
        self.assertApproximates(self.get("position"), 26_000, 2)

    def test_known_state(self) -> None:
        """A new link finds it in the middle, at rest, without compensation."""
        self.put("tempcomp", TempComp=True)
        self.put("move", Position=0)
        self.reconnect()
        self.assertEqual((self.get("position"), self.get("ismoving"), self.get("tempcomp")), (25_000, False, False))


class RelativeFocuserTests(SimulatorTestCase):
    kind = "focuser"
    settings = {"absolute": False}  # noqa: RUF012

    def test_move(self) -> None:
        """A relative move takes its time; beyond a stop there is nothing."""
        self.put("move", Position=-5000)
        self.assertTrue(self.get("ismoving"))
        self.clock.advance(1)
        self.assertFalse(self.get("ismoving"))
        self.put("move", Position=-100_000)
        self.clock.advance(4)
        self.assertFalse(self.get("ismoving"))


class SafetyMonitorTests(SimulatorTestCase):
    kind = "safetymonitor"

    def test_actions(self) -> None:
        """It can be told to be unsafe, so that what depends on it can be tried out; in any case of the action's name."""
        self.assertTrue(self.get("issafe"))
        self.assertEqual(self.put("action", Action="simulateunsafe", Parameters=""), "")
        self.assertFalse(self.get("issafe"))
        self.put("action", Action="SimulateSafe", Parameters="")
        self.assertTrue(self.get("issafe"))

    def test_known_state(self) -> None:
        """A new link finds it as the settings say."""
        self.put("action", Action="SimulateUnsafe", Parameters="")
        self.reconnect()
        self.assertTrue(self.get("issafe"))
