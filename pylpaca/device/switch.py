"""What drivers of a bank of switches are made of."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

from zope.interface import implementer

from pylpaca.calls import settle, settled
from pylpaca.device.base import Device, left_out
from pylpaca.errors import MemberNotImplemented
from pylpaca.interfaces import ISwitch, Result


@implementer(ISwitch)
class Switch(Device):
    """
    A bank of switches: an author writes MaxSwitch, GetSwitchName and GetSwitchValue, and for those that can be set CanWrite and
    SetSwitchValue. Unless said otherwise each goes from 0 to 1 in one step.
    """

    interface: ClassVar[Any] = ISwitch

    async def _is_on(self, number: int) -> bool:
        low, high = await settled(self.MinSwitchValue(number)), await settled(self.MaxSwitchValue(number))
        return await settled(self.GetSwitchValue(number)) >= (low + high) / 2

    async def _set(self, setter: Callable[[int, float], Result[None]], number: int, on: bool) -> None:
        bound = self.MaxSwitchValue(number) if on else self.MinSwitchValue(number)
        await settled(setter(number, await settled(bound)))

    @abstractmethod
    def MaxSwitch(self) -> Result[int]: ...

    def CanAsync(self, Id: int) -> Result[bool]:
        return False

    def CanWrite(self, Id: int) -> Result[bool]:
        return False

    def GetSwitch(self, Id: int) -> Result[bool]:
        return settle(self._is_on(Id))

    def GetSwitchDescription(self, Id: int) -> Result[str]:
        return self.GetSwitchName(Id)

    @abstractmethod
    def GetSwitchName(self, Id: int) -> Result[str]: ...

    @abstractmethod
    def GetSwitchValue(self, Id: int) -> Result[float]: ...

    def MaxSwitchValue(self, Id: int) -> Result[float]:
        return 1.0

    def MinSwitchValue(self, Id: int) -> Result[float]:
        return 0.0

    def SwitchStep(self, Id: int) -> Result[float]:
        return 1.0

    @left_out
    def StateChangeComplete(self, Id: int) -> Result[bool]:
        raise MemberNotImplemented

    @left_out
    def CancelAsync(self, Id: int) -> Result[None]:
        raise MemberNotImplemented

    def SetAsync(self, Id: int, State: bool) -> Result[None]:
        return settle(self._set(self.SetAsyncValue, Id, State))

    @left_out
    def SetAsyncValue(self, Id: int, Value: float) -> Result[None]:
        raise MemberNotImplemented

    def SetSwitch(self, Id: int, State: bool) -> Result[None]:
        return settle(self._set(self.SetSwitchValue, Id, State))

    @left_out
    def SetSwitchName(self, Id: int, Name: str) -> Result[None]:
        raise MemberNotImplemented

    @left_out
    def SetSwitchValue(self, Id: int, Value: float) -> Result[None]:
        raise MemberNotImplemented
