"""What drivers of a cover and calibration light are made of."""

from __future__ import annotations

from typing import Any, ClassVar

from zope.interface import implementer

from pylpaca.calls import settle, settled
from pylpaca.device.base import Device, left_out
from pylpaca.errors import MemberNotImplemented
from pylpaca.interfaces import ICoverCalibrator, Result
from pylpaca.values import CalibratorStatus, CoverStatus


@implementer(ICoverCalibrator)
class CoverCalibrator(Device):
    """A cover, a calibration light, or both: an author writes CoverState or CalibratorState, and what belongs to it."""

    interface: ClassVar[Any] = ICoverCalibrator

    async def _is(self, state: Result[int], wanted: int) -> bool:
        return await settled(state) == wanted

    @left_out
    def Brightness(self) -> Result[int]:
        raise MemberNotImplemented

    def CalibratorChanging(self) -> Result[bool]:
        return settle(self._is(self.CalibratorState(), CalibratorStatus.NotReady))

    @left_out
    def CalibratorState(self) -> Result[CalibratorStatus]:
        return CalibratorStatus.NotPresent

    def CoverMoving(self) -> Result[bool]:
        return settle(self._is(self.CoverState(), CoverStatus.Moving))

    @left_out
    def CoverState(self) -> Result[CoverStatus]:
        return CoverStatus.NotPresent

    @left_out
    def MaxBrightness(self) -> Result[int]:
        raise MemberNotImplemented

    @left_out
    def CalibratorOff(self) -> Result[None]:
        raise MemberNotImplemented

    @left_out
    def CalibratorOn(self, Brightness: int) -> Result[None]:
        raise MemberNotImplemented

    @left_out
    def CloseCover(self) -> Result[None]:
        raise MemberNotImplemented

    @left_out
    def HaltCover(self) -> Result[None]:
        raise MemberNotImplemented

    @left_out
    def OpenCover(self) -> Result[None]:
        raise MemberNotImplemented
