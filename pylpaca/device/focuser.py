"""What drivers of a focuser are made of."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

from zope.interface import implementer

from pylpaca.device.base import Device, left_out
from pylpaca.errors import MemberNotImplemented
from pylpaca.interfaces import IFocuser, Result
from pylpaca.values import Celsius, Micrometres, Steps


@implementer(IFocuser)
class Focuser(Device):
    """A focuser: an author writes MaxStep, IsMoving and Move, Position unless it is relative, and Halt if it can."""

    interface: ClassVar[Any] = IFocuser

    def Absolute(self) -> Result[bool]:
        return True

    @abstractmethod
    def IsMoving(self) -> Result[bool]: ...

    def MaxIncrement(self) -> Result[Steps]:
        return self.MaxStep()

    @abstractmethod
    def MaxStep(self) -> Result[Steps]: ...

    @left_out
    def Position(self) -> Result[Steps]:
        raise MemberNotImplemented

    @left_out
    def StepSize(self) -> Result[Micrometres]:
        raise MemberNotImplemented

    def TempComp(self) -> Result[bool]:
        return False

    @left_out
    def SetTempComp(self, TempComp: bool) -> Result[None]:
        return None  # without TempCompAvailable, only False comes here

    def TempCompAvailable(self) -> Result[bool]:
        return False

    @left_out
    def Temperature(self) -> Result[Celsius]:
        raise MemberNotImplemented

    @left_out
    def Halt(self) -> Result[None]:
        raise MemberNotImplemented

    @abstractmethod
    def Move(self, Position: Steps) -> Result[None]: ...
