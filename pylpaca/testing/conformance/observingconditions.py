"""What every weather station passes."""

# Facts
#   What is refused with 0x40B is taken to be getting ready: the official checker asks once a second, six times in all. It does so
#   for AveragePeriod, for the values and their ages, but not for descriptions.
#   A sensor has a value, an age and a description, or none of them; DewPoint and Humidity come together.
#   The wind is read as direction, gust, speed: where the speed is exactly 0, the direction before has to be. North is 360.
#   AveragePeriod 0 is always possible; 5 hours may be refused.

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ClassVar

from pylpaca.errors import AlpacaError, InvalidOperation, InvalidValue, MemberNotImplemented
from pylpaca.interfaces import IObservingConditions
from pylpaca.testing.conformance.program import POLL, Conformance, part

ATTEMPTS = 6
REFRESH_WITHIN = 5.0
AGE_TOLERANCE = 1.0  # seconds
PERIOD_TOLERANCE = 1 / 3600  # hours
LONGEST_PERIOD = 100_000.0  # hours
STEADY_WIND = 1.0  # m/s; below it a vane may not turn
UNKNOWN = "NoSuchSensor"

# The sensors, each with the lowest and the highest value it can have.
RANGES: Mapping[str, tuple[float, float]] = {
    "CloudCover": (0, 100),
    "DewPoint": (-273.15, 100),
    "Humidity": (0, 100),
    "Pressure": (0, 1100),
    "RainRate": (0, 20_000),
    "SkyBrightness": (0, 1_000_000),
    "SkyQuality": (-20, 30),
    "SkyTemperature": (-273.15, 100),
    "StarFWHM": (0, 1000),
    "Temperature": (-273.15, 100),
    "WindDirection": (0, 360),
    "WindGust": (0, 1000),
    "WindSpeed": (0, 1000),
}


class ObservingConditionsConformance(Conformance):
    """A weather station, whatever it measures."""

    interface: ClassVar[Any] = IObservingConditions

    @part
    async def test_sensors(self) -> None:
        """A sensor that is there has a value that can be true, how old it is, and a description; one that is not has none."""
        for name in RANGES:
            value = await self.value(name)
            age = await self.age(name)
            description = await self.description(name)
            have = {"value": value, "TimeSinceLastUpdate": age, "SensorDescription": description}
            there = [each for each, found in have.items() if found is not None]
            self.holds(
                len(there) in (0, len(have)), f"{name} is implemented in part: of {', '.join(have)} only {', '.join(there)}"
            )
            if value is not None and age is not None:
                self.holds(age >= 0, f"TimeSinceLastUpdate of {name} is {age:g}, although it has a value")

    @part
    async def test_dew_point_and_humidity(self) -> None:
        """The two can be had both or not at all."""
        dew_point, humidity = await self.value("DewPoint"), await self.value("Humidity")
        self.holds(
            (dew_point is None) == (humidity is None),
            f"DewPoint and Humidity come together: {'DewPoint' if dew_point is None else 'Humidity'} is missing",
        )

    @part
    async def test_sensor_names(self) -> None:
        """Sensors are known by their names in any case, and other names are refused."""
        for name in RANGES:
            description = await self.description(name)
            if description is not None:
                for other in (name.lower(), name.upper()):
                    self.same(f"SensorDescription of {other}", await self.description(other), description)
                    self.holds(await self.age(other) is not None, f"TimeSinceLastUpdate of {other} is not implemented")
        for asked in (UNKNOWN, "Altitude"):
            await self.refused(0x401, self.device.SensorDescription(asked), f"SensorDescription of {asked}")
            await self.refused(0x401, self.device.TimeSinceLastUpdate(asked), f"TimeSinceLastUpdate of {asked}")
        await self.refused(0x401, self.device.SensorDescription(""), "SensorDescription without a name")

    @part
    async def test_ages(self) -> None:
        """How old a value is grows with time and begins anew with each update; without a name it is the latest of all."""
        before = await self.ages()
        await self.pause(3.0)
        began = self.clock.seconds()
        later = await self.ages()
        for name, (then, asked_then) in before.items():
            self.holds(name in later, f"TimeSinceLastUpdate of {name} is not implemented any more")
            age, asked = later[name]
            passed = asked - asked_then
            self.holds(
                age <= passed + AGE_TOLERANCE or (then >= 0 and abs(age - then - passed) <= AGE_TOLERANCE),
                f"TimeSinceLastUpdate of {name or 'all'} was {then:g} s, and {passed:.1f} s later it is {age:g} s",
            )
        latest = later[""][0]
        for name, (age, asked) in later.items():
            if age > asked - began + AGE_TOLERANCE:  # this sensor was not updated after the latest of all was asked for
                self.holds(
                    0 <= latest <= age + AGE_TOLERANCE,
                    f"TimeSinceLastUpdate of all is {latest:g} s, and that of {name} {age:g} s",
                )

    @part
    async def test_refresh(self) -> None:
        """Refresh, if there is one, reads at least one sensor anew."""
        await self.pause(3.0)
        if await self.optional(self.refreshed()) is None:
            return
        began = self.clock.seconds()
        while (age := await self.age("")) is not None and age > self.clock.seconds() - began + AGE_TOLERANCE:
            waited = self.clock.seconds() - began
            self.holds(
                waited <= REFRESH_WITHIN,
                f"TimeSinceLastUpdate of all is {age:g} s, {waited:.1f} s after Refresh: nothing was read",
            )
            await self.pause(POLL)

    async def refreshed(self) -> bool:
        await self.device.Refresh()
        return True

    @part
    async def test_average_period(self) -> None:
        """AveragePeriod can be 0, never negative; what is taken is read back, and no value leaves its range because of it."""
        device = self.device
        original = await self.period()
        await self.refused(0x401, device.SetAveragePeriod(-2.0), "AveragePeriod -2")
        await self.period_is(original, "after -2 was refused")
        for wanted in (0.0, 5.0, 0.0, original):
            before = await self.period()
            try:
                await device.SetAveragePeriod(wanted)
            except InvalidValue as error:
                self.holds(wanted == 5.0, f"AveragePeriod {wanted:g} is refused ({error})")
                await self.period_is(before, "after 5 was refused")
                continue
            await self.period_is(wanted, f"after it was set to {wanted:g}")
            for name in RANGES:
                await self.value(name)

    @part
    async def test_wind(self) -> None:
        """Without wind its direction is 0; with wind from the north it is 360."""
        for _ in range(3):
            direction, _gust, speed = [await self.value(name) for name in ("WindDirection", "WindGust", "WindSpeed")]
            if direction is not None and speed is not None:
                self.holds(
                    speed != 0 or direction == 0, f"WindDirection is {direction:g} while WindSpeed is 0; it has to be 0 then"
                )
                if direction == 0 and speed >= STEADY_WIND:
                    again = await self.value("WindDirection")
                    self.holds(again != 0, f"WindDirection is 0 while WindSpeed is {speed:g}; north is 360")
            await self.pause(1.0)

    # words

    async def patient(self, what: str, ask: Callable[[], Awaitable[Any]], attempts: int = ATTEMPTS) -> Any:
        """An answer, waited for while the station is getting ready; None if this is not implemented."""
        for attempt in range(attempts):
            await self.pause(1.0 if attempt else 0.0)
            try:
                return await ask()
            except MemberNotImplemented:
                return None
            except InvalidOperation:
                continue
            except AlpacaError as error:
                raise AssertionError(f"{what} fails with 0x{error.number:X} ({error})") from None
        waited = f" for {attempts - 1} s" if attempts > 1 else ""
        raise AssertionError(f"{what} is refused with 0x40B{waited}; a value may take 5 s to be there, a description may not")

    async def value(self, name: str) -> float | None:
        """What a sensor measures, in its range; None if there is no such sensor."""
        value: float | None = await self.patient(name, getattr(self.device, name))
        low, high = RANGES[name]
        self.holds(value is None or low <= value <= high, f"{name} is {value}, not from {low:g} to {high:g}")
        return value

    async def age(self, name: str) -> float | None:
        """TimeSinceLastUpdate; None if there is no such sensor."""
        age: float | None = await self.patient(
            f"TimeSinceLastUpdate of {name or 'all'}", lambda: self.device.TimeSinceLastUpdate(name)
        )
        self.holds(age is not None or bool(name), "TimeSinceLastUpdate without a name is not implemented")
        self.holds(age is None or age >= -1, f"TimeSinceLastUpdate of {name or 'all'} is {age}")
        return age

    async def ages(self) -> dict[str, tuple[float, float]]:
        """The latest of all, then the age of every sensor there is, each with the time when it was asked for."""
        found = {}
        for name in ("", *RANGES):
            asked = self.clock.seconds()
            age = await self.age(name)
            if age is not None:
                found[name] = (age, asked)
        return found

    async def description(self, name: str) -> str | None:
        """SensorDescription, which has to be there at once; None if there is no such sensor."""
        text = await self.patient(f"SensorDescription of {name}", lambda: self.device.SensorDescription(name), attempts=1)
        self.holds(text is None or isinstance(text, str), f"SensorDescription of {name} is {text!r}")
        return None if text is None else str(text)

    async def period(self) -> float:
        """AveragePeriod, in hours."""
        period = await self.patient("AveragePeriod", self.device.AveragePeriod)
        self.holds(period is not None, "AveragePeriod is not implemented")
        self.holds(0 <= period <= LONGEST_PERIOD, f"AveragePeriod is {period}")
        return float(period)

    async def period_is(self, wanted: float, when: str) -> None:
        """What AveragePeriod has to be."""
        found = await self.period()
        self.holds(abs(found - wanted) <= PERIOD_TOLERANCE, f"AveragePeriod is {found:g} {when}, not {wanted:g}")
