"""What drivers of a weather station are made of."""

from __future__ import annotations

from typing import Any, ClassVar

from zope.interface import implementer

from pylpaca.device.base import Device, left_out
from pylpaca.errors import InvalidValue, MemberNotImplemented
from pylpaca.interfaces import IObservingConditions, Result
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


@implementer(IObservingConditions)
class ObservingConditions(Device):
    """A weather station: an author writes the sensors there are."""

    interface: ClassVar[Any] = IObservingConditions

    def AveragePeriod(self) -> Result[Hours]:
        return 0.0

    def SetAveragePeriod(self, AveragePeriod: Hours) -> Result[None]:
        if AveragePeriod:
            raise InvalidValue("this device does not average: AveragePeriod can only be 0")
        return None

    @left_out
    def CloudCover(self) -> Result[Percent]:
        raise MemberNotImplemented

    @left_out
    def DewPoint(self) -> Result[Celsius]:
        raise MemberNotImplemented

    @left_out
    def Humidity(self) -> Result[Percent]:
        raise MemberNotImplemented

    @left_out
    def Pressure(self) -> Result[Hectopascals]:
        raise MemberNotImplemented

    @left_out
    def RainRate(self) -> Result[MillimetresPerHour]:
        raise MemberNotImplemented

    @left_out
    def SkyBrightness(self) -> Result[Lux]:
        raise MemberNotImplemented

    @left_out
    def SkyQuality(self) -> Result[MagnitudesPerSquareArcsecond]:
        raise MemberNotImplemented

    @left_out
    def SkyTemperature(self) -> Result[Celsius]:
        raise MemberNotImplemented

    @left_out
    def StarFWHM(self) -> Result[Arcseconds]:
        raise MemberNotImplemented

    @left_out
    def Temperature(self) -> Result[Celsius]:
        raise MemberNotImplemented

    @left_out
    def WindDirection(self) -> Result[Degrees]:
        raise MemberNotImplemented

    @left_out
    def WindGust(self) -> Result[MetresPerSecond]:
        raise MemberNotImplemented

    @left_out
    def WindSpeed(self) -> Result[MetresPerSecond]:
        raise MemberNotImplemented

    @left_out
    def Refresh(self) -> Result[None]:
        raise MemberNotImplemented

    def SensorDescription(self, SensorName: str) -> Result[str]:
        return f"{SensorName} of {self.name}"

    def TimeSinceLastUpdate(self, SensorName: str) -> Result[Seconds]:
        return 0.0  # read when it is asked for; a driver that keeps values says how old they are
