"""What drivers of a rotator are made of."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

from zope.interface import implementer

from pylpaca.calls import settle, settled
from pylpaca.device.base import Device, left_out
from pylpaca.errors import MemberNotImplemented
from pylpaca.interfaces import IRotator, Result
from pylpaca.values import Degrees, Direction


def _wrapped(angle: float) -> float:
    """0 to below 360; the remainder of a tiny negative angle is rounded to a full turn."""
    angle %= 360
    return 0.0 if angle == 360 else angle


@implementer(IRotator)
class Rotator(Device):
    """
    A rotator: an author writes MechanicalPosition, MoveMechanical and IsMoving; the frame of the sky is kept here.

    The official checker takes CanReverse False for a fault, so Reverse is better written, too.
    """

    interface: ClassVar[Any] = IRotator

    def forget(self) -> None:
        """A new link: the frames are one."""
        self._offset = 0.0  # sky - mechanical
        self._target: float | None = None

    async def _on_the_sky(self, mechanical: Result[float]) -> float:
        return _wrapped(await settled(mechanical) + self._offset)

    def remember_mechanical_target(self, position: float) -> None:
        """The framework's: a client has sent it to a position in its own frame."""
        self._target = _wrapped(position + self._offset)

    async def _move(self, angle: float) -> None:
        await settled(self.MoveAbsolute(_wrapped(await settled(self.Position()) + angle)))

    async def _move_absolute(self, position: float) -> None:
        await settled(self.MoveMechanical(_wrapped(position - self._offset)))
        self._target = position

    async def _sync(self, position: float) -> None:
        self._offset = position - await settled(self.MechanicalPosition())
        self._target = None

    def CanReverse(self) -> Result[bool]:
        return False

    @abstractmethod
    def IsMoving(self) -> Result[bool]: ...

    @abstractmethod
    def MechanicalPosition(self) -> Result[Direction]: ...

    def Position(self) -> Result[Direction]:
        return settle(self._on_the_sky(self.MechanicalPosition()))

    @left_out
    def Reverse(self) -> Result[bool]:
        raise MemberNotImplemented

    @left_out
    def SetReverse(self, Reverse: bool) -> Result[None]:
        raise MemberNotImplemented

    @left_out
    def StepSize(self) -> Result[Degrees]:
        raise MemberNotImplemented

    def TargetPosition(self) -> Result[Direction]:
        return self._target if self._target is not None else self.Position()

    @left_out
    def Halt(self) -> Result[None]:
        raise MemberNotImplemented

    def Move(self, Position: Degrees) -> Result[None]:
        return settle(self._move(Position))

    def MoveAbsolute(self, Position: Degrees) -> Result[None]:
        return settle(self._move_absolute(Position))

    @abstractmethod
    def MoveMechanical(self, Position: Degrees) -> Result[None]: ...

    def Sync(self, Position: Degrees) -> Result[None]:
        return settle(self._sync(Position))
