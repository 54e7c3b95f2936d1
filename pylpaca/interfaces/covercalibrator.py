"""The declaration of a cover and calibration light."""

from __future__ import annotations

from typing import Annotated

from zope.interface import taggedValue

from pylpaca import values
from pylpaca.interfaces.common import IDevice
from pylpaca.interfaces.declaration import Result, SafeState, State, rule
from pylpaca.interfaces.rules import AbsentWhile, Within
from pylpaca.values import CalibratorStatus, CoverStatus

HAS_LIGHT = AbsentWhile("CalibratorState", CalibratorStatus.NotPresent)
HAS_COVER = AbsentWhile("CoverState", CoverStatus.NotPresent)
CLOSED = SafeState("close", (("CoverState", CoverStatus.Closed),))
OFF = SafeState("off", (("CalibratorState", CalibratorStatus.Off),))


class ICoverCalibrator(IDevice):
    """A telescope cover, a calibration light, or both (ASCOM ICoverCalibratorV2)."""

    taggedValue("device_type", "CoverCalibrator")
    taggedValue("interface_version", 2)

    def Brightness() -> State[int]:
        """How bright the light is, 0 to MaxBrightness; 0 when it is off."""

    rule(Brightness, HAS_LIGHT)

    def CalibratorChanging() -> State[bool]:
        """Whether the light is on its way to a brightness: CalibratorState is NotReady."""

    def CalibratorState() -> State[values.CalibratorStatus]:
        """What the light is doing; NotPresent where there is none."""

    def CoverMoving() -> State[bool]:
        """Whether the cover is moving: CoverState is Moving."""

    rule(CoverMoving, busy=(True,))

    def CoverState() -> State[values.CoverStatus]:
        """What the cover is doing; NotPresent where there is none."""

    def MaxBrightness() -> Result[int]:
        """The greatest brightness; 1 for a light that is only on or off."""

    rule(MaxBrightness, HAS_LIGHT)

    def CalibratorOff() -> Result[None]:
        """Turn the light off; done when CalibratorState is Off."""

    rule(CalibratorOff, HAS_LIGHT, reaches=OFF)

    def CalibratorOn(Brightness: Annotated[int, Within(0, "MaxBrightness")]) -> Result[None]:
        """Turn the light on, also at brightness 0; done when CalibratorState is Ready."""

    rule(CalibratorOn, HAS_LIGHT)

    def CloseCover() -> Result[None]:
        """Start closing; done when CoverState is Closed."""

    rule(CloseCover, HAS_COVER, moves=True, reaches=CLOSED)

    def HaltCover() -> Result[None]:
        """Stop the cover at once; harmless when it does not move."""

    rule(HaltCover, HAS_COVER, optional=True, stops=True)

    def OpenCover() -> Result[None]:
        """Start opening; done when CoverState is Open."""

    rule(OpenCover, HAS_COVER, moves=True)
