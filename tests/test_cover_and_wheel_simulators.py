"""The cover and calibrator simulator and the filter wheel simulator: what they do, and how long it takes them."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from pylpaca.errors import InvalidValue, MemberNotImplemented
from pylpaca.testing import MemoryServer
from pylpaca.values import CalibratorStatus, CoverStatus

NOT_IMPLEMENTED, INVALID_VALUE = MemberNotImplemented.number, InvalidValue.number


class SimulatorTestCase(SynchronousTestCase):
    kind = ""
    driver = ""

    def setUp(self) -> None:
        self.start()

    def build(self, **settings: Any) -> MemoryServer:
        entry = {"device_type": self.kind, "device_number": 0, "device_driver": self.driver, "driver_config": settings}
        return MemoryServer({"drivers": [entry]})

    def start(self, **settings: Any) -> None:
        self.server = self.build(**settings)
        self.clock = self.server.clock
        self.put("connected", Connected=True)

    def get(self, member: str) -> Any:
        return self.server.get(f"{self.kind}/0/{member}").value

    def get_error(self, member: str) -> int:
        return self.server.get(f"{self.kind}/0/{member}").error

    def put(self, member: str, **form: Any) -> Any:
        return self.server.put(f"{self.kind}/0/{member}", **form).value

    def put_error(self, member: str, **form: Any) -> int:
        return self.server.put(f"{self.kind}/0/{member}", **form).error

    def reconnect(self) -> None:
        self.put("connected", Connected=False)
        self.put("connected", Connected=True)

    def device_state(self) -> dict[str, Any]:
        """DeviceState without its time; every value is what the member says."""
        values = {item["Name"]: item["Value"] for item in self.get("devicestate")}
        del values["TimeStamp"]
        self.assertEqual(values, {name: self.get(name.lower()) for name in values})
        return values


class CoverCalibratorTestCase(SimulatorTestCase):
    kind = "covercalibrator"
    driver = "CoverCalibratorSimulator"

    def cover(self) -> int:
        """What the cover does; that it moves is said in both ways or in none."""
        state = int(self.get("coverstate"))
        self.assertEqual(self.get("covermoving"), state == CoverStatus.Moving)
        return state

    def light(self) -> tuple[int, int]:
        """What the light does, and how bright it is; that it changes is said in both ways or in none."""
        state = int(self.get("calibratorstate"))
        self.assertEqual(self.get("calibratorchanging"), state == CalibratorStatus.NotReady)
        return state, self.get("brightness")


class CoverTests(CoverCalibratorTestCase):
    def test_known_state(self) -> None:
        """However it was left, a new link finds it closed, off and at rest."""
        for _ in range(2):
            self.assertEqual((self.cover(), self.light()), (CoverStatus.Closed, (CalibratorStatus.Off, 0)))
            self.put("opencover")
            self.put("calibratoron", Brightness=50)
            self.clock.advance(1)
            self.reconnect()

    def test_open_and_close(self) -> None:
        """It moves for 5 s, from the call on, and ends open or closed."""
        for call, ended in (("opencover", CoverStatus.Open), ("closecover", CoverStatus.Closed)):
            self.put(call)
            seen = []
            for _ in range(48):
                seen.append(self.cover())
                self.clock.advance(0.125)
            self.assertEqual(seen, [CoverStatus.Moving] * 40 + [ended] * 8)

    def test_halt_half_way(self) -> None:
        """Stopped after half its time it still moved, stands at once, and is neither open nor closed."""
        self.put("opencover")
        self.clock.advance(2.5)
        self.assertEqual(self.cover(), CoverStatus.Moving)
        self.put("haltcover")
        self.assertEqual(self.cover(), CoverStatus.Unknown)
        self.clock.advance(60)
        self.assertEqual(self.cover(), CoverStatus.Unknown)

    def test_after_a_halt(self) -> None:
        """From half way it opens or closes in half the time."""
        for call, ended in (("opencover", CoverStatus.Open), ("closecover", CoverStatus.Closed)):
            self.reconnect()
            self.put("opencover")
            self.clock.advance(2.5)
            self.put("haltcover")
            self.put(call)
            self.assertEqual(self.cover(), CoverStatus.Moving)
            self.clock.advance(2.5)
            self.assertEqual(self.cover(), ended)

    def test_halt_at_an_end(self) -> None:
        """A halt is harmless when it does not move, and when it has not moved yet."""
        self.put("haltcover")
        self.assertEqual(self.cover(), CoverStatus.Closed)
        self.put("opencover")
        self.put("haltcover")
        self.assertEqual(self.cover(), CoverStatus.Closed)
        self.put("opencover")
        self.clock.advance(5)
        self.put("haltcover")
        self.assertEqual(self.cover(), CoverStatus.Open)

    def test_other_way(self) -> None:
        """Told to close while it opens, it turns back from where it is."""
        self.put("opencover")
        self.clock.advance(2)
        self.put("closecover")
        self.assertEqual(self.cover(), CoverStatus.Moving)
        self.clock.advance(2)
        self.assertEqual(self.cover(), CoverStatus.Closed)

    def test_already_there(self) -> None:
        """Closing what is closed takes no time."""
        self.put("closecover")
        self.assertEqual(self.cover(), CoverStatus.Closed)

    def test_any_halt_can_be_undone(self) -> None:
        """From wherever it was stopped, it reaches its ends exactly."""
        for seconds in (0.1, 0.7, 1.3, 2.1, 3.3, 4.9):
            self.reconnect()
            self.put("opencover")
            self.clock.advance(seconds)
            self.put("haltcover")
            self.put("opencover")
            self.clock.advance(6)
            self.assertEqual(self.cover(), CoverStatus.Open, seconds)

    def test_device_state(self) -> None:
        """DeviceState has every state, and says what the members say, while things change."""
        names = ["Brightness", "CalibratorChanging", "CalibratorState", "CoverMoving", "CoverState"]
        self.put("opencover")
        self.put("calibratoron", Brightness=30)
        for _ in range(12):
            self.assertEqual(sorted(self.device_state()), names)
            self.clock.advance(0.5)

    def test_nothing_at_all(self) -> None:
        """A device without a cover and without a light is a mistake in the settings."""
        with self.assertRaisesRegex(AssertionError, "has_cover and has_calibrator are both false"):
            self.build(has_cover=False, has_calibrator=False)

    def test_absent(self) -> None:
        """Without a cover its members do not exist, and it never moves; the light works."""
        self.start(has_cover=False)
        for call in ("opencover", "closecover", "haltcover"):
            self.assertEqual(self.put_error(call), NOT_IMPLEMENTED)
        self.assertEqual(self.cover(), CoverStatus.NotPresent)
        self.put("calibratoron", Brightness=1)
        self.assertEqual(self.light(), (CalibratorStatus.NotReady, 1))


class CalibratorTests(CoverCalibratorTestCase):
    def test_brightness(self) -> None:
        """Every brightness, 0 too, is ready after 2 s of warming up; off is off, and dark."""
        self.assertEqual(self.get("maxbrightness"), 100)
        for brightness in (0, 25, 50, 75, 100):
            self.put("calibratoron", Brightness=brightness)
            self.assertEqual(self.light(), (CalibratorStatus.NotReady, brightness))
            self.clock.advance(1.75)
            self.assertEqual(self.light(), (CalibratorStatus.NotReady, brightness))
            self.clock.advance(0.25)
            self.assertEqual(self.light(), (CalibratorStatus.Ready, brightness))
        self.put("calibratoroff")
        self.assertEqual(self.light(), (CalibratorStatus.Off, 0))

    def test_out_of_range(self) -> None:
        """What is too bright or less than dark is refused, and changes nothing."""
        self.put("calibratoron", Brightness=40)
        self.clock.advance(2)
        for brightness in (-1, 101):
            self.assertEqual(self.put_error("calibratoron", Brightness=brightness), INVALID_VALUE)
        self.assertEqual(self.light(), (CalibratorStatus.Ready, 40))

    def test_off_while_warming_up(self) -> None:
        """Turned off while it warms up, it is off and stays so."""
        self.put("calibratoron", Brightness=40)
        self.clock.advance(1)
        self.put("calibratoroff")
        self.clock.advance(5)
        self.assertEqual(self.light(), (CalibratorStatus.Off, 0))

    def test_settings(self) -> None:
        """A lamp that is only on or off, and ready at once."""
        self.start(max_brightness=1, warm_up_seconds=0)
        self.put("calibratoron", Brightness=1)
        self.assertEqual(self.light(), (CalibratorStatus.Ready, 1))
        self.assertEqual(self.put_error("calibratoron", Brightness=2), INVALID_VALUE)

    def test_absent(self) -> None:
        """Without a light its members do not exist, and it never changes; the cover works."""
        self.start(has_calibrator=False)
        for member in ("brightness", "maxbrightness"):
            self.assertEqual(self.get_error(member), NOT_IMPLEMENTED)
        self.assertEqual(self.put_error("calibratoron", Brightness=1), NOT_IMPLEMENTED)
        self.assertEqual(self.put_error("calibratoroff"), NOT_IMPLEMENTED)
        self.assertEqual((self.get("calibratorstate"), self.get("calibratorchanging")), (CalibratorStatus.NotPresent, False))
        self.assertNotIn("Brightness", self.device_state())
        self.put("opencover")
        self.assertEqual(self.cover(), CoverStatus.Moving)


class FilterWheelTests(SimulatorTestCase):
    kind = "filterwheel"
    driver = "FilterWheelSimulator"

    def turn(self, position: int) -> float:
        """Turn to a filter; how long that took. It is -1 on the way, and nothing but the target afterwards."""
        self.put("position", Position=position)
        for quarters in range(120):
            now = self.get("position")
            if now != -1:
                self.assertEqual(now, position)
                return quarters / 4
            self.clock.advance(0.25)
        raise AssertionError("it never stopped")

    def test_names(self) -> None:
        """Each filter has a name and a focus offset."""
        self.assertEqual(self.get("names"), ["Luminance", "Red", "Green", "Blue", "H-alpha"])
        self.assertEqual(self.get("focusoffsets"), [0, 0, 0, 0, 0])
        self.start(names=["V", "R"], focus_offsets=[0, -120])
        self.assertEqual((self.get("names"), self.get("focusoffsets")), (["V", "R"], [0, -120]))

    def test_wrong_settings(self) -> None:
        """Offsets that are not as many as names, a filter without a name and a wheel without filters are mistakes."""
        wrong: list[dict[str, Any]] = [
            {"names": ["V", "R"], "focus_offsets": [1, 2, 3]},
            {"focus_offsets": [1]},
            {"names": ["V", ""]},
            {"names": []},
            {"slot_seconds": 3},
        ]
        for settings in wrong:
            with self.assertRaises(AssertionError, msg=str(settings)):
                self.build(**settings)

    def test_moves(self) -> None:
        """A second a slot, the shorter way round, and none to where it is."""
        moves = [(0, 0), (1, 1), (2, 1), (3, 1), (4, 1), (0, 1), (4, 1), (2, 2), (0, 2), (3, 2), (3, 0)]
        self.assertEqual([(position, self.turn(position)) for position, _ in moves], moves)

    def test_checker_tour(self) -> None:
        """On eight slots, up, down and across, each move ends in at most four slots' time."""
        self.start(names=list("ABCDEFGH"), slot_seconds=0.5)
        for position in (*range(8), *range(7, -1, -1), 0, 7, 6, 0, 4, 0):
            self.assertLessEqual(self.turn(position), 2.0)

    def test_range(self) -> None:
        """There is no filter before the first or after the last; asking for one moves nothing."""
        for position in (-1, 5):
            self.assertEqual(self.put_error("position", Position=position), INVALID_VALUE)
        self.assertEqual(self.get("position"), 0)

    def test_other_filter_on_the_way(self) -> None:
        """Another filter can be asked for on the way: it turns from where it is."""
        self.put("position", Position=2)
        self.clock.advance(0.75)
        self.put("position", Position=0)
        self.assertEqual(self.get("position"), -1)
        self.clock.advance(0.5)
        self.assertEqual(self.get("position"), -1)
        self.clock.advance(0.25)
        self.assertEqual(self.get("position"), 0)

    def test_at_rest_after_odd_turns(self) -> None:
        """Turned back at odd moments, it comes to rest in its slot, and asking for that again moves nothing."""
        for seconds in (0.1, 0.3, 0.7, 1.1, 1.9):
            self.put("position", Position=2)
            self.clock.advance(seconds)
            self.turn(3)
            self.put("position", Position=3)
            self.assertEqual(self.get("position"), 3)
            self.turn(0)

    def test_known_state(self) -> None:
        """However it was left, a new link finds it at the first filter, at rest."""
        self.put("position", Position=2)
        self.clock.advance(1)
        self.reconnect()
        self.assertEqual(self.get("position"), 0)
        self.clock.advance(5)
        self.assertEqual(self.get("position"), 0)

    def test_second_client_resets_nothing(self) -> None:
        """A second client that connects does not disturb a wheel that turns."""
        self.put("position", Position=2)
        self.put("connected", Connected=True, ClientID=7)
        self.assertEqual(self.get("position"), -1)

    def test_one_slot(self) -> None:
        """A wheel with one filter is always there."""
        self.start(names=["Clear"])
        self.assertEqual(self.turn(0), 0)
        self.assertEqual(self.put_error("position", Position=1), INVALID_VALUE)

    def test_device_state(self) -> None:
        """DeviceState has the position, at rest and on the way."""
        self.assertEqual(self.device_state(), {"Position": 0})
        self.put("position", Position=1)
        self.assertEqual(self.device_state(), {"Position": -1})
