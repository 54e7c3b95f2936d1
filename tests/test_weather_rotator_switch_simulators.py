"""The simulated weather station, rotator and switches: sensible values, motion on a clock, a known state for a new link."""

from __future__ import annotations

import json
import math
from itertools import pairwise
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from drivers.simulators.observingconditions import ObservingConditionsSimulator
from pylpaca import config
from pylpaca.device import Surroundings
from pylpaca.interfaces.observingconditions import SENSORS
from pylpaca.roster import build
from pylpaca.state import StateFolder, UniqueIds
from pylpaca.testing import MemoryServer

HOUR = 3600


class SimulatorTestCase(SynchronousTestCase):
    kind = ""
    driver = ""
    settings: dict[str, Any] = {}  # noqa: RUF012

    def setUp(self) -> None:
        self.serve(self.settings)

    def serve(self, settings: dict[str, Any]) -> None:
        entry = {"device_type": self.kind, "device_number": 0, "device_driver": self.driver, "driver_config": settings}
        self.server = MemoryServer({"drivers": [entry]})
        self.clock = self.server.clock
        self.put("connected", Connected=True)

    def get(self, member: str, **query: Any) -> Any:
        return self.server.get(f"{self.kind}/0/{member}", **query).value

    def put(self, member: str, **form: Any) -> Any:
        return self.server.put(f"{self.kind}/0/{member}", **form).value

    def get_error(self, member: str, **query: Any) -> int:
        return self.server.get(f"{self.kind}/0/{member}", **query).error

    def put_error(self, member: str, **form: Any) -> int:
        return self.server.put(f"{self.kind}/0/{member}", **form).error

    def reconnect(self) -> None:
        self.put("connected", Connected=False)
        self.put("connected", Connected=True)

    def state(self) -> dict[str, Any]:
        return {item["Name"]: item["Value"] for item in self.get("devicestate")}


# ---- weather station ----------------------------------------------------------------------------------------------


class WeatherTestCase(SimulatorTestCase):
    kind = "observingconditions"
    driver = "simulators.observingconditions.ObservingConditionsSimulator"

    def record(self, hours: float, step: float = 300.0) -> list[dict[str, Any]]:
        """DeviceState every so many seconds."""
        found = []
        for _ in range(int(hours * HOUR / step)):
            found.append(self.state())
            self.clock.advance(step)
        return found


class WeatherTests(WeatherTestCase):
    def test_legal_at_any_time(self) -> None:
        """For two days every value stays in the range that it can have."""
        limits = {
            "CloudCover": (0, 100),
            "DewPoint": (-50, 50),
            "Humidity": (1, 100),
            "Pressure": (900, 1000),
            "RainRate": (0, 100),
            "SkyBrightness": (0.0001, 100_000),
            "SkyQuality": (-5, 25),
            "SkyTemperature": (-60, 30),
            "StarFWHM": (1, 5),
            "Temperature": (0, 20),
            "WindDirection": (0.001, 360),
            "WindGust": (0.001, 20),
            "WindSpeed": (0.001, 20),
        }
        for state in self.record(48):
            for name, (low, high) in limits.items():
                self.assertTrue(low <= state[name] <= high, f"{name} {state[name]}")

    def test_humidity_and_dew_point_belong_together(self) -> None:
        """Each follows from the other and the temperature, by the Magnus formula."""
        for state in self.record(24):
            air, dew = state["Temperature"], state["DewPoint"]
            self.assertLessEqual(dew, air)
            humidity = 100 * math.exp(17.625 * dew / (243.04 + dew) - 17.625 * air / (243.04 + air))
            self.assertAlmostEqual(state["Humidity"], humidity, places=9)

    def test_gusts(self) -> None:
        """Gusts are stronger than the wind, which never quite ceases."""
        for state in self.record(24, 60):
            self.assertGreater(state["WindGust"], state["WindSpeed"])
            self.assertGreater(state["WindSpeed"], 0)

    def test_days_and_nights(self) -> None:
        """It is colder, darker and of better sky quality at midnight than at noon."""
        night = self.state()
        self.clock.advance(12 * HOUR)
        noon = self.state()
        self.assertLess(night["Temperature"], noon["Temperature"])
        self.assertLess(night["SkyBrightness"], 0.01)
        self.assertGreater(noon["SkyBrightness"], 10_000)
        self.assertGreater(night["SkyQuality"], 19)
        self.assertLess(noon["SkyQuality"], 5)

    def test_smooth(self) -> None:
        """From one reading to the next nothing jumps."""
        most = {"Temperature": 0.1, "Humidity": 1, "Pressure": 0.1, "CloudCover": 1, "WindSpeed": 0.3, "SkyTemperature": 0.4}
        states = self.record(6, 30)
        for before, after in pairwise(states):
            for name, change in most.items():
                self.assertLess(abs(after[name] - before[name]), change, name)

    def test_it_changes(self) -> None:
        """Within an hour every value has become another, but for rain from a clear sky."""
        before = self.state()
        self.clock.advance(HOUR)
        after = self.state()
        same = {name for name in SENSORS if before[name] == after[name]}
        self.assertEqual(same, {"RainRate"})

    def test_the_same_again(self) -> None:
        """The weather is a matter of the time of day, not of chance."""
        before = self.state()
        self.serve(self.settings)
        self.assertEqual(self.state(), before)

    def test_readings(self) -> None:
        """The sensors are read every few seconds, all at once; between two readings their values rest and age."""
        self.clock.advance(4)
        old = self.get("temperature")
        self.assertEqual([self.get("timesincelastupdate", SensorName=name) for name in ("", "WindSpeed")], [4.0, 4.0])
        self.clock.advance(0.5)
        self.assertEqual((self.get("temperature"), self.get("timesincelastupdate", SensorName="")), (old, 4.5))
        self.clock.advance(0.5)
        self.assertNotEqual(self.get("temperature"), old)
        self.assertEqual(self.get("timesincelastupdate", SensorName="Temperature"), 0.0)

    def test_refresh(self) -> None:
        """Refresh reads the sensors now."""
        self.clock.advance(3)
        old = self.get("temperature")
        self.put("refresh")
        self.assertNotEqual(self.get("temperature"), old)
        self.assertEqual(self.get("timesincelastupdate", SensorName="temperature"), 0.0)

    def test_average(self) -> None:
        """Over a day the temperature averages out to its mean, though it is midnight; 0 is the latest value again."""
        latest = self.get("temperature")
        self.assertEqual(self.get("averageperiod"), 0.0)
        self.put("averageperiod", AveragePeriod=24)
        self.assertEqual(self.get("averageperiod"), 24.0)
        self.assertApproximates(self.get("temperature"), 10, 0.7)
        self.assertLess(latest, 8.5)
        self.put("averageperiod", AveragePeriod=0)
        self.assertEqual(self.get("temperature"), latest)

    def test_periods(self) -> None:
        """It averages over up to a day, and not over less than nothing."""
        self.assertEqual([self.put_error("averageperiod", AveragePeriod=hours) for hours in (0, 5, 24)], [0, 0, 0])
        self.assertEqual([self.put_error("averageperiod", AveragePeriod=hours) for hours in (-2, 24.1, 1e300)], [0x401] * 3)
        self.assertEqual(self.get("averageperiod"), 24.0)

    def test_known_state(self) -> None:
        """A new link finds the latest values, just read."""
        self.put("averageperiod", AveragePeriod=1)
        self.clock.advance(3)
        self.reconnect()
        self.assertEqual((self.get("averageperiod"), self.get("timesincelastupdate", SensorName="")), (0.0, 0.0))

    def test_descriptions(self) -> None:
        """Every sensor says what it is."""
        texts = [self.get("sensordescription", SensorName=name) for name in SENSORS]
        self.assertEqual(texts[:3], ["a simulated all-sky camera", "a simulated hygrometer", "a simulated hygrometer"])
        self.assertEqual(len(texts), 13)


class CloudyWeatherTests(WeatherTestCase):
    def at_midnight(self, clouds: float) -> dict[str, Any]:
        self.serve({"cloud_cover": clouds})
        return self.state()

    def test_clouds(self) -> None:
        """Clouds warm the sky, brighten the night, and bring the rain that a clear sky never does."""
        clear, closed = self.at_midnight(0), self.at_midnight(100)
        self.assertEqual((clear["Temperature"], clear["DewPoint"]), (closed["Temperature"], closed["DewPoint"]))
        self.assertLess(clear["SkyTemperature"], clear["Temperature"] - 15)
        self.assertGreater(closed["SkyTemperature"], closed["Temperature"] - 10)
        self.assertGreater(clear["SkyQuality"], closed["SkyQuality"] + 1)

    def test_rain(self) -> None:
        """It rains exactly when the cover is nearly closed."""
        self.serve({"cloud_cover": 85})
        states = self.record(48)
        self.assertEqual([state["RainRate"] > 0 for state in states], [state["CloudCover"] > 85 for state in states])
        self.assertEqual({state["RainRate"] > 0 for state in states}, {True, False})

    def test_saturated_air(self) -> None:
        """Air that cannot hold more has a humidity of exactly 100 and its dew point at its temperature."""
        self.serve({"humidity": 100})
        self.assertEqual((self.get("humidity"), self.get("dewpoint")), (100.0, self.get("temperature")))


class FewSensorsTests(WeatherTestCase):
    settings = {"sensors": ["Temperature", "CloudCover"]}  # noqa: RUF012

    def test_left_out(self) -> None:
        """What is left out has no value, age or description; what is there has all three."""
        for name in SENSORS:
            there = name in ("Temperature", "CloudCover")
            errors = [
                self.get_error(name.lower()),
                self.get_error("timesincelastupdate", SensorName=name),
                self.get_error("sensordescription", SensorName=name),
            ]
            self.assertEqual(errors, [0 if there else 0x400] * 3, name)

    def test_device_state(self) -> None:
        """DeviceState has what is there."""
        self.assertEqual(list(self.state()), ["CloudCover", "Temperature", "TimeStamp"])

    def test_any_sensor(self) -> None:
        """The age of the latest reading of all is there whatever is measured."""
        self.clock.advance(2)
        self.assertEqual(self.get("timesincelastupdate", SensorName=""), 2.0)


class WeatherSettingsTests(SynchronousTestCase):
    def mistakes(self, sensors: list[str]) -> str:
        entry = {
            "device_type": "observingconditions",
            "device_number": 0,
            "device_driver": WeatherTestCase.driver,
            "driver_config": {"sensors": sensors},
        }
        server = MemoryServer()
        read = config.read({"drivers": [entry]})
        _, found = build(read, Surroundings(server.clock), UniqueIds(StateFolder(Path("in memory"))))
        return "\n".join(map(str, found))

    def test_sensors(self) -> None:
        """Sensors that nobody knows, none at all, or half of a hygrometer are refused with a reason."""
        for sensors, reason in (
            (["Rain"], "Rain is none of CloudCover"),
            ([], "at least 1 item"),
            (["DewPoint"], "DewPoint and Humidity come together"),
            (["Humidity", "Temperature"], "DewPoint and Humidity come together"),
        ):
            self.assertIn(reason, self.mistakes(sensors))
        self.assertEqual(self.mistakes(["DewPoint", "Humidity"]), "")

    def test_schema(self) -> None:
        """A form can offer the sensors by name."""
        schema = json.loads(json.dumps(ObservingConditionsSimulator.Settings.model_json_schema()))
        self.assertEqual(schema["properties"]["sensors"]["items"]["enum"], list(SENSORS))


# ---- rotator ------------------------------------------------------------------------------------------------------


class RotatorTests(SimulatorTestCase):
    kind = "rotator"
    driver = "simulators.rotator.RotatorSimulator"

    def wait(self) -> float:
        """Until nothing moves any more, as the checker polls; how long that took."""
        for halves in range(120):
            position = self.get("position")
            self.assertTrue(0 <= position < 360, position)
            if not self.get("ismoving"):
                return halves / 2
            self.clock.advance(0.5)
        raise AssertionError("it never stopped")

    def test_moves(self) -> None:
        """It is moving before the answer, and ends exactly where it was sent."""
        for member, where in (("moveabsolute", "position"), ("movemechanical", "mechanicalposition")):
            for target in (45.0, 135.0, 225.0, 315.0, 0.1, 359.9, 12.3456789):
                self.put(member, Position=target)
                self.assertTrue(self.get("ismoving"))
                self.wait()
                self.assertEqual(self.get(where), target)

    def test_relative_moves(self) -> None:
        """There and back again, through north too."""
        for angle in (10, -10, -40, 40, 130, -130):
            start = self.get("position")
            self.put("move", Position=angle)
            self.assertEqual(self.get("targetposition"), (start + angle) % 360)
            self.wait()
            self.assertEqual(self.get("position"), (start + angle) % 360)

    def test_shorter_way(self) -> None:
        """No move takes longer than half a turn; a short one through north takes the short way."""
        self.put("moveabsolute", Position=180)
        self.assertEqual(self.wait(), 18.0)
        self.put("moveabsolute", Position=350)
        self.assertEqual(self.wait(), 17.0)
        self.put("moveabsolute", Position=20)
        self.clock.advance(1)
        self.assertEqual(self.get("position"), 0.0)
        self.assertEqual(self.wait(), 2.0)

    def test_where_it_is_already(self) -> None:
        """To where it is takes no time."""
        self.put("moveabsolute", Position=0)
        self.assertFalse(self.get("ismoving"))

    def test_halt(self) -> None:
        """Halt stops it where it is, at once; at rest it is harmless."""
        self.put("halt")
        self.put("moveabsolute", Position=90)
        self.clock.advance(3)
        self.put("halt")
        self.assertEqual((self.get("ismoving"), self.get("position")), (False, 30.0))
        self.clock.advance(10)
        self.assertEqual(self.get("position"), 30.0)

    def test_retarget(self) -> None:
        """A second move begins where the first one is."""
        self.put("moveabsolute", Position=90)
        self.clock.advance(3)
        self.put("moveabsolute", Position=10)
        self.assertEqual((self.get("position"), self.get("ismoving")), (30.0, True))
        self.assertEqual(self.wait(), 2.0)

    def test_sync(self) -> None:
        """Sync is exact at once and moves nothing; the mechanical position stays."""
        for mechanical, sky in ((90, 90), (90, 120), (90, 60), (0, 0), (0, 30), (0, 330)):
            self.put("movemechanical", Position=mechanical)
            self.wait()
            self.put("sync", Position=sky)
            found = [self.get(member) for member in ("position", "mechanicalposition", "ismoving", "targetposition")]
            self.assertEqual(found, [sky, mechanical, False, sky])

    def test_reverse(self) -> None:
        """Reversed, the same ring counts the other way round, still from 0 to below 360; turned back, nothing has changed."""
        self.assertEqual((self.get("canreverse"), self.get("reverse")), (True, False))
        self.put("moveabsolute", Position=40)
        self.wait()
        self.put("reverse", Reverse=True)
        self.assertEqual((self.get("reverse"), self.get("mechanicalposition"), self.get("ismoving")), (True, 320.0, False))
        self.put("reverse", Reverse=False)
        self.assertEqual((self.get("reverse"), self.get("mechanicalposition")), (False, 40.0))

    def test_reverse_at_zero(self) -> None:
        """The zero of the ring is 0 in either sense."""
        self.put("reverse", Reverse=True)
        self.assertEqual((self.get("mechanicalposition"), self.get("position")), (0.0, 0.0))

    def test_moves_reversed(self) -> None:
        """Reversed moves end where they should, and turn the ring the other way."""
        self.put("reverse", Reverse=True)
        self.put("moveabsolute", Position=45)
        self.clock.advance(1)
        self.assertEqual(self.get("position"), 10.0)
        self.put("reverse", Reverse=False)
        self.assertEqual(self.get("position"), 350.0)
        self.put("reverse", Reverse=True)
        self.wait()
        self.assertEqual(self.get("position"), 45.0)

    def test_known_state(self) -> None:
        """A new link finds it at its start, at rest, in one frame and not reversed."""
        self.put("reverse", Reverse=True)
        self.put("sync", Position=100)
        self.put("moveabsolute", Position=200)
        self.clock.advance(1)
        self.reconnect()
        members = ("position", "mechanicalposition", "targetposition", "ismoving", "reverse")
        self.assertEqual([self.get(member) for member in members], [0.0, 0.0, 0.0, False, False])

    def test_second_client_resets_nothing(self) -> None:
        """A second client that connects does not disturb a move."""
        self.put("moveabsolute", Position=90)
        self.put("connected", Connected=True, ClientID=7)
        self.assertTrue(self.get("ismoving"))

    def test_step(self) -> None:
        """Its steps are far smaller than the angle that matters."""
        self.assertEqual(self.get("stepsize"), 0.01)

    def test_device_state(self) -> None:
        """DeviceState has where it is in both frames, and whether it moves."""
        self.assertEqual(list(self.state()), ["IsMoving", "MechanicalPosition", "Position", "TimeStamp"])


# ---- switches -----------------------------------------------------------------------------------------------------

RELAY, DIMMER, HEATER, SLOW_RELAY, GAUGE = range(5)


class SwitchTests(SimulatorTestCase):
    kind = "switch"
    driver = "simulators.switch.SwitchSimulator"

    def each(self, member: str) -> list[Any]:
        return [self.get(member, Id=number) for number in range(5)]

    def level(self, number: int) -> Any:
        return self.get("getswitchvalue", Id=number)

    def complete(self, number: int) -> Any:
        return self.get("statechangecomplete", Id=number)

    def test_what_there_is(self) -> None:
        """Two relays, a dimmer, a heater and a gauge; one relay and the heater take their time."""
        self.assertEqual(self.get("maxswitch"), 5)
        self.assertEqual(self.each("canwrite"), [True, True, True, True, False])
        self.assertEqual(self.each("canasync"), [False, False, True, True, False])
        self.assertEqual(self.each("minswitchvalue"), [0.0] * 5)
        self.assertEqual(self.each("maxswitchvalue"), [1.0, 255.0, 100.0, 1.0, 20.0])
        self.assertEqual(self.each("switchstep"), [1.0, 1.0, 1.0, 1.0, 0.1])

    def test_ranges_are_whole_numbers_of_steps(self) -> None:
        """As the checker wants them, within a hundredth of a step."""
        highest, steps = self.each("maxswitchvalue"), self.each("switchstep")
        for number in range(5):
            count = highest[number] / steps[number]
            self.assertApproximates(count, round(count), 0.01)

    def test_relay(self) -> None:
        """On is 1, off is 0."""
        for state in (True, False):
            self.put("setswitch", Id=RELAY, State=state)
            self.assertEqual((self.get("getswitch", Id=RELAY), self.level(RELAY)), (state, float(state)))

    def test_dimmer(self) -> None:
        """What lies between two steps goes to the nearer one."""
        for value, found in ((0, 0.0), (255, 255.0), (127.4, 127.0), (127.75, 128.0), (0.9999999, 1.0), (2.0000001, 2.0)):
            self.put("setswitchvalue", Id=DIMMER, Value=value)
            self.assertEqual(self.level(DIMMER), found)

    def test_beyond_the_range(self) -> None:
        """Below the lowest and above the highest value is refused; nothing changes."""
        for member in ("setswitchvalue", "setasyncvalue"):
            errors = [self.put_error(member, Id=HEATER, Value=value) for value in (-1, 101)]
            self.assertEqual((errors, self.level(HEATER), self.complete(HEATER)), ([0x401, 0x401], 0.0, True))

    def test_asynchronous(self) -> None:
        """Not complete before the answer; the value is there at the very moment it is."""
        for number, value in ((HEATER, 60.0), (SLOW_RELAY, 1.0)):
            self.assertTrue(self.complete(number))
            self.put("setasyncvalue", Id=number, Value=value)
            self.assertEqual((self.complete(number), self.level(number)), (False, 0.0))
            self.clock.advance(1.25)
            self.assertEqual((self.level(number), self.complete(number)), (0.0, False))
            self.clock.advance(0.25)
            self.assertEqual((self.complete(number), self.level(number)), (True, value))

    def test_on_and_off_asynchronously(self) -> None:
        """SetAsync brings it to its highest and its lowest value."""
        for state, value in ((True, 100.0), (False, 0.0)):
            self.put("setasync", Id=HEATER, State=state)
            self.assertFalse(self.complete(HEATER))
            self.clock.advance(1.5)
            self.assertEqual((self.complete(HEATER), self.get("getswitch", Id=HEATER), self.level(HEATER)), (True, state, value))

    def test_one_does_not_wait_for_another(self) -> None:
        """Each change is complete on its own."""
        self.put("setasyncvalue", Id=HEATER, Value=10)
        self.clock.advance(1)
        self.put("setasync", Id=SLOW_RELAY, State=True)
        self.clock.advance(0.5)
        self.assertEqual((self.complete(HEATER), self.complete(SLOW_RELAY)), (True, False))

    def test_cancel(self) -> None:
        """A change that is cancelled says so until the next one; the value stays as it was."""
        self.put("setasyncvalue", Id=HEATER, Value=60)
        self.clock.advance(1)
        self.put("cancelasync", Id=HEATER)
        self.clock.advance(10)
        self.assertEqual(self.get_error("statechangecomplete", Id=HEATER), 0x40E)
        self.assertEqual(self.level(HEATER), 0.0)
        self.assertNotIn("StateChangeComplete2", self.state())
        self.put("setasyncvalue", Id=HEATER, Value=30)
        self.assertFalse(self.complete(HEATER))
        self.clock.advance(1.5)
        self.assertEqual((self.complete(HEATER), self.level(HEATER)), (True, 30.0))

    def test_nothing_to_cancel(self) -> None:
        """Without a change under way, cancelling is harmless; one that is over stays."""
        self.put("cancelasync", Id=HEATER)
        self.assertTrue(self.complete(HEATER))
        self.put("setasyncvalue", Id=HEATER, Value=60)
        self.clock.advance(2)
        self.put("cancelasync", Id=HEATER)
        self.assertEqual((self.complete(HEATER), self.level(HEATER)), (True, 60.0))

    def test_set_at_once(self) -> None:
        """What can be set asynchronously can be set at once, which ends a change that is under way."""
        self.put("setasyncvalue", Id=HEATER, Value=60)
        self.put("setswitchvalue", Id=HEATER, Value=20)
        self.assertEqual((self.complete(HEATER), self.level(HEATER)), (True, 20.0))
        self.clock.advance(5)
        self.assertEqual(self.level(HEATER), 20.0)

    def test_changed_again(self) -> None:
        """A second change replaces the first."""
        self.put("setasyncvalue", Id=HEATER, Value=60)
        self.clock.advance(1)
        self.put("setasyncvalue", Id=HEATER, Value=20)
        self.clock.advance(1)
        self.assertEqual((self.complete(HEATER), self.level(HEATER)), (False, 0.0))
        self.clock.advance(0.5)
        self.assertEqual((self.complete(HEATER), self.level(HEATER)), (True, 20.0))

    def test_gauge(self) -> None:
        """The supply's voltage is read to a tenth of a volt, changes slowly and cannot be set."""
        found = []
        for _ in range(60):
            found.append(self.level(GAUGE))
            self.clock.advance(10)
        self.assertEqual((min(found), max(found)), (12.4, 12.8))
        self.assertEqual({round(value, 1) for value in found}, set(found))
        self.assertEqual(self.put_error("setswitch", Id=GAUGE, State=True), 0x400)
        self.assertEqual(self.put_error("setswitchvalue", Id=GAUGE, Value=12), 0x400)

    def test_names(self) -> None:
        """Each has a name, which can be changed, and a description, which cannot."""
        self.assertEqual(self.each("getswitchname"), ["Mount", "Flat panel", "Dew heater", "Camera", "Supply"])
        self.put("setswitchname", Id=GAUGE, Name="Batterie, Süd")
        self.assertEqual(self.get("getswitchname", Id=GAUGE), "Batterie, Süd")
        self.assertEqual(self.get("getswitchdescription", Id=DIMMER), "Brightness of the flat panel")

    def test_known_state(self) -> None:
        """A new link finds everything off, nothing under way, nothing cancelled, and the names of the start."""
        self.put("setswitch", Id=RELAY, State=True)
        self.put("setasyncvalue", Id=HEATER, Value=60)
        self.put("setasync", Id=SLOW_RELAY, State=True)
        self.put("cancelasync", Id=SLOW_RELAY)
        self.put("setswitchname", Id=RELAY, Name="Lamp")
        self.reconnect()
        self.clock.advance(5)
        self.assertEqual(self.each("getswitchvalue")[:4], [0.0] * 4)
        self.assertEqual((self.complete(HEATER), self.complete(SLOW_RELAY)), (True, True))
        self.assertEqual(self.get("getswitchname", Id=RELAY), "Mount")

    def test_device_state(self) -> None:
        """DeviceState has the state and the value of each, and completion where there is any."""
        names = [f"{member}{number}" for member in ("GetSwitch", "GetSwitchValue") for number in range(5)]
        self.assertEqual(list(self.state()), [*names, "StateChangeComplete2", "StateChangeComplete3", "TimeStamp"])


class QuickSwitchTests(SimulatorTestCase):
    kind = "switch"
    driver = "simulators.switch.SwitchSimulator"
    settings = {"change_seconds": 0.5, "supply": 5}  # noqa: RUF012

    def test_settings(self) -> None:
        """How long a change takes and what the gauge shows are settings."""
        self.put("setasync", Id=SLOW_RELAY, State=True)
        self.clock.advance(0.5)
        self.assertTrue(self.get("statechangecomplete", Id=SLOW_RELAY))
        self.assertEqual(self.get("getswitchvalue", Id=GAUGE), 5.0)
