"""What drivers of a filter wheel are made of."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

from zope.interface import implementer

from pylpaca.calls import settle, settled
from pylpaca.device.base import Device
from pylpaca.interfaces import IFilterWheel, Result


@implementer(IFilterWheel)
class FilterWheel(Device):
    """A filter wheel: an author writes Names, Position and SetPosition."""

    interface: ClassVar[Any] = IFilterWheel

    async def _no_offsets(self) -> list[int]:
        return [0] * len(await settled(self.Names()))

    def FocusOffsets(self) -> Result[list[int]]:
        return settle(self._no_offsets())

    @abstractmethod
    def Names(self) -> Result[list[str]]: ...

    @abstractmethod
    def Position(self) -> Result[int]: ...

    @abstractmethod
    def SetPosition(self, Position: int) -> Result[None]: ...
