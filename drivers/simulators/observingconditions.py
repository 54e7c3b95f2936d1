"""A simulated weather station."""

# Facts
#   Magnus: over water the saturation pressure of vapour is 6.1094 hPa * exp(17.625 T / (T + 243.04)), T in degrees Celsius.
#   Under an even sky of E lux a patch of it shines with E / pi candela per square metre; 108000 of these are magnitude 0 per
#   square arcsecond.

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass

from pydantic import Field, field_validator

from pylpaca.device import NoSettings, ObservingConditions
from pylpaca.errors import InvalidValue, MemberNotImplemented
from pylpaca.interfaces.observingconditions import SENSORS

HOUR = 3600.0
DAY = 24 * HOUR
LONGEST_AVERAGE = 24.0  # hours
SAMPLES = 12  # what an average is made of

INSTRUMENTS = {
    "CloudCover": "all-sky camera",
    "DewPoint": "hygrometer",
    "Humidity": "hygrometer",
    "Pressure": "barometer",
    "RainRate": "rain gauge",
    "SkyBrightness": "light meter",
    "SkyQuality": "sky quality meter",
    "SkyTemperature": "infrared thermometer",
    "StarFWHM": "seeing monitor",
    "Temperature": "thermometer",
    "WindDirection": "wind vane",
    "WindGust": "anemometer",
    "WindSpeed": "anemometer",
}


@dataclass(frozen=True)
class Weather:
    """What the weather is made of; everything else follows from it."""

    temperature: float  # degrees Celsius
    dew_point: float  # degrees Celsius
    pressure: float  # hPa
    cloud_cover: float  # percent
    wind_speed: float  # m/s
    wind_direction: float  # degrees, not wrapped
    gustiness: float  # gust / speed
    seeing: float  # arcseconds
    sun: float  # -1 at midnight, 1 at noon

    @property
    def humidity(self) -> float:
        """In percent."""
        return 100 * vapour_pressure(self.dew_point) / vapour_pressure(self.temperature)

    @property
    def sky_temperature(self) -> float:
        """In degrees Celsius: clouds are nearly as warm as the air, the clear sky is far colder."""
        return self.temperature - 2 - 0.23 * (100 - self.cloud_cover)

    @property
    def sky_brightness(self) -> float:
        """In lux: clouds dim the day, and throw the light of towns back at night."""
        day = 60_000 / (1 + math.exp(-24 * (self.sun - 0.25)))
        return day * (1 - 0.007 * self.cloud_cover) + 0.0006 * (1 + 0.05 * self.cloud_cover)

    @property
    def sky_quality(self) -> float:
        """In magnitudes per square arcsecond."""
        return -2.5 * math.log10(self.sky_brightness / math.pi / 108_000)

    @property
    def rain_rate(self) -> float:
        """In mm/h: it rains from an almost closed cover only."""
        return max(0.0, 0.3 * (self.cloud_cover - 85))


def vapour_pressure(temperature: float) -> float:
    """The saturation pressure of water vapour, in hPa."""
    return 6.1094 * math.exp(17.625 * temperature / (temperature + 243.04))


def dew_point(temperature: float, humidity: float) -> float:
    """The temperature to which air of this temperature and relative humidity must cool for dew to fall."""
    level = math.log(humidity / 100) + 17.625 * temperature / (temperature + 243.04)
    return 243.04 * level / (17.625 - level)


def wave(moment: float, hours: float) -> float:
    """Something between -1 and 1 that comes and goes in about so many hours."""
    turns = 2 * math.pi * moment / (hours * HOUR)
    return 0.6 * math.sin(turns) + 0.4 * math.sin(1.618 * turns + hours)


class ObservingConditionsSimulator(ObservingConditions):
    """A weather station whose values belong together: days and nights, clouds that warm the sky, rain only from clouds."""

    class Settings(NoSettings):
        temperature: float = Field(default=10.0, ge=-40, le=40, description="the mean temperature, in degrees Celsius")
        daily_range: float = Field(default=8.0, ge=0, le=30, description="from night to day, in degrees Celsius")
        humidity: float = Field(default=60.0, ge=5, le=100, description="the mean relative humidity, in percent")
        pressure: float = Field(default=950.0, ge=500, le=1050, description="the mean pressure at the place, in hPa")
        cloud_cover: float = Field(default=20.0, ge=0, le=100, description="the mean cloud cover, in percent")
        wind_speed: float = Field(default=3.0, ge=0.1, le=50, description="the mean wind, in metres per second")
        wind_direction: float = Field(
            default=270.0, ge=0, le=360, description="where it mostly comes from, in degrees; 90 is east"
        )
        seeing: float = Field(default=2.0, ge=0.3, le=20, description="the mean width of a star, in arcseconds")
        read_every: float = Field(default=5.0, ge=0.1, le=600, description="seconds between two readings of the sensors")
        sensors: list[str] = Field(
            default=list(SENSORS),
            min_length=1,
            description="what it measures; DewPoint and Humidity come together",
            json_schema_extra={"items": {"type": "string", "enum": list(SENSORS)}, "uniqueItems": True},
        )

        @field_validator("sensors")
        @classmethod
        def known_sensors(cls, sensors: list[str]) -> list[str]:
            """Names of sensors, with both or neither of DewPoint and Humidity."""
            for name in sensors:
                if name not in SENSORS:
                    raise ValueError(f"{name} is none of {', '.join(SENSORS)}")
            if ("DewPoint" in sensors) is not ("Humidity" in sensors):
                raise ValueError("DewPoint and Humidity come together, or both are left out")
            return sensors

    settings: Settings

    def connect(self) -> None:
        self._average = 0.0
        self._first_reading = self.clock.seconds()

    def AveragePeriod(self) -> float:
        return self._average

    def SetAveragePeriod(self, AveragePeriod: float) -> None:
        if AveragePeriod > LONGEST_AVERAGE:
            raise InvalidValue(f"this station averages over {LONGEST_AVERAGE:g} hours at most")
        self._average = AveragePeriod

    def CloudCover(self) -> float:
        return self._reading("CloudCover").cloud_cover

    def DewPoint(self) -> float:
        return self._reading("DewPoint").dew_point

    def Humidity(self) -> float:
        return self._reading("Humidity").humidity

    def Pressure(self) -> float:
        return self._reading("Pressure").pressure

    def RainRate(self) -> float:
        return self._reading("RainRate").rain_rate

    def SkyBrightness(self) -> float:
        return self._reading("SkyBrightness").sky_brightness

    def SkyQuality(self) -> float:
        return self._reading("SkyQuality").sky_quality

    def SkyTemperature(self) -> float:
        return self._reading("SkyTemperature").sky_temperature

    def StarFWHM(self) -> float:
        return self._reading("StarFWHM").seeing

    def Temperature(self) -> float:
        return self._reading("Temperature").temperature

    def WindDirection(self) -> float:
        return self._reading("WindDirection").wind_direction % 360 or 360.0  # 0 would mean that there is none

    def WindGust(self) -> float:
        reading = self._reading("WindGust")
        return reading.wind_speed * reading.gustiness

    def WindSpeed(self) -> float:
        return self._reading("WindSpeed").wind_speed

    def Refresh(self) -> None:
        self._first_reading = self.clock.seconds()

    def SensorDescription(self, SensorName: str) -> str:
        self._look_for(SensorName)
        return f"a simulated {INSTRUMENTS[SensorName]}"

    def TimeSinceLastUpdate(self, SensorName: str) -> float:
        if SensorName:
            self._look_for(SensorName)
        return (self.clock.seconds() - self._first_reading) % self.settings.read_every

    def _look_for(self, sensor: str) -> None:
        if sensor not in self.settings.sensors:
            raise MemberNotImplemented(f"this station does not measure {sensor}")

    def _reading(self, sensor: str) -> Weather:
        """The last reading, for one of the sensors there are."""
        self._look_for(sensor)
        read_at = self.utc().timestamp() - self.TimeSinceLastUpdate(sensor)
        if not self._average:
            return self._weather(read_at)
        ages = [self._average * HOUR * sample / (SAMPLES - 1) for sample in range(SAMPLES)]
        return _mean([self._weather(read_at - age) for age in ages])

    def _weather(self, moment: float) -> Weather:
        """The weather at a moment, in seconds since 1970."""
        said = self.settings
        day = 2 * math.pi * (moment % DAY) / DAY  # it is noon at 12 UTC, and warmest at 15
        temperature = said.temperature + said.daily_range / 2 * math.cos(day - 2 * math.pi * 15 / 24) + 0.5 * wave(moment, 2.3)
        moist = dew_point(said.temperature, said.humidity) + wave(moment, 17.0)
        wind = said.wind_speed * (1 + 0.5 * wave(moment, 0.7))
        return Weather(
            temperature=temperature,
            dew_point=min(moist, temperature),
            pressure=said.pressure + 5 * wave(moment, 60.0),
            cloud_cover=min(max(said.cloud_cover + 15 * wave(moment, 5.0), 0.0), 100.0),
            wind_speed=wind,
            wind_direction=said.wind_direction + 30 * wave(moment, 3.1),
            gustiness=1.4 + 0.3 * wave(moment, 0.3),
            seeing=said.seeing * (1 + 0.2 * wave(moment, 0.5)) * (1 + 0.01 * wind),
            sun=-math.cos(day),
        )


def _mean(readings: Sequence[Weather]) -> Weather:
    return Weather(*(math.fsum(values) / len(readings) for values in zip(*map(astuple, readings), strict=True)))
