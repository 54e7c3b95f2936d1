"""The declaration of a weather station."""

from __future__ import annotations

from typing import Annotated

from zope.interface import taggedValue

from pylpaca.interfaces.common import IDevice
from pylpaca.interfaces.declaration import Result, State, rule
from pylpaca.interfaces.rules import NamesSensor, Within
from pylpaca.values import (
    Arcseconds,
    Celsius,
    Degrees,
    Hectopascals,
    Hours,
    Lux,
    MagnitudesPerSquareArcsecond,
    MetresPerSecond,
    MillimetresPerHour,
    Percent,
    Seconds,
)

SENSORS = (
    "CloudCover",
    "DewPoint",
    "Humidity",
    "Pressure",
    "RainRate",
    "SkyBrightness",
    "SkyQuality",
    "SkyTemperature",
    "StarFWHM",
    "Temperature",
    "WindDirection",
    "WindGust",
    "WindSpeed",
)


class IObservingConditions(IDevice):
    """A weather station (ASCOM IObservingConditionsV2); every sensor is optional, but DewPoint and Humidity come together."""

    taggedValue("device_type", "ObservingConditions")
    taggedValue("interface_version", 2)

    def AveragePeriod() -> Result[Hours]:
        """Over how long values are averaged; 0 is the latest value."""

    def SetAveragePeriod(AveragePeriod: Annotated[Hours, Within(0, None)]) -> Result[None]:
        """Average over this time; 0 is always possible."""

    def CloudCover() -> State[Percent]:
        """How much of the sky is covered."""

    rule(CloudCover, optional=True)

    def DewPoint() -> State[Celsius]:
        """The temperature at which dew falls."""

    rule(DewPoint, optional=True)

    def Humidity() -> State[Percent]:
        """The relative humidity."""

    rule(Humidity, optional=True)

    def Pressure() -> State[Hectopascals]:
        """The pressure at the place, not at sea level."""

    rule(Pressure, optional=True)

    def RainRate() -> State[MillimetresPerHour]:
        """How much rain falls."""

    rule(RainRate, optional=True)

    def SkyBrightness() -> State[Lux]:
        """How bright the sky is."""

    rule(SkyBrightness, optional=True)

    def SkyQuality() -> State[MagnitudesPerSquareArcsecond]:
        """How dark the sky is."""

    rule(SkyQuality, optional=True)

    def SkyTemperature() -> State[Celsius]:
        """The temperature of the sky in the infrared; far below Temperature when it is clear."""

    rule(SkyTemperature, optional=True)

    def StarFWHM() -> State[Arcseconds]:
        """The seeing: the width of a star at half its height."""

    rule(StarFWHM, optional=True)

    def Temperature() -> State[Celsius]:
        """The temperature of the air."""

    rule(Temperature, optional=True)

    def WindDirection() -> State[Degrees]:
        """Where the wind comes from: 90 east, 360 north; 0 when there is none."""

    rule(WindDirection, optional=True)

    def WindGust() -> State[MetresPerSecond]:
        """The strongest wind over 3 s in the last two minutes."""

    rule(WindGust, optional=True)

    def WindSpeed() -> State[MetresPerSecond]:
        """How strong the wind is."""

    rule(WindSpeed, optional=True)

    def Refresh() -> Result[None]:
        """Read the sensors now."""

    rule(Refresh, optional=True)

    def SensorDescription(SensorName: str) -> Result[str]:
        """What measures this: the name of one of the sensors above."""

    rule(SensorDescription, NamesSensor("SensorName", SENSORS))

    def TimeSinceLastUpdate(SensorName: str) -> Result[Seconds]:
        """How old the value of this sensor is; -1 if there was none yet. "" asks for the latest of all."""

    rule(TimeSinceLastUpdate, NamesSensor("SensorName", SENSORS, all_of_them=True))
