"""The declaration of a filter wheel."""

from __future__ import annotations

from zope.interface import taggedValue

from pylpaca.interfaces.common import IDevice
from pylpaca.interfaces.declaration import Result, State, rule
from pylpaca.interfaces.rules import IndexOf


class IFilterWheel(IDevice):
    """A filter wheel (ASCOM IFilterWheelV3)."""

    taggedValue("device_type", "FilterWheel")
    taggedValue("interface_version", 3)

    def FocusOffsets() -> Result[list[int]]:
        """How far to move the focuser for each filter, in steps; as many as Names, 0 where it is not known."""

    def Names() -> Result[list[str]]:
        """The name of each filter, at least one."""

    def Position() -> State[int]:
        """The filter in the light, from 0; -1 while the wheel is moving."""

    rule(Position, busy=(-1,))

    def SetPosition(Position: int) -> Result[None]:
        """Start turning to a filter; done when Position is not -1."""

    rule(SetPosition, IndexOf("Position", "Names"), moves=True)
