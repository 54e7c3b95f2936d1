"""The declaration of a bank of switches."""

# Facts
#   An Id outside 0..MaxSwitch-1 is refused with 0x401 before anything else, also where the switch could not do the operation.

from __future__ import annotations

from typing import Annotated

from zope.interface import taggedValue

from pylpaca.interfaces.common import IDevice
from pylpaca.interfaces.declaration import Mark, Result, State, rule
from pylpaca.interfaces.rules import Needs, Within

SwitchId = Annotated[int, Within(0, "MaxSwitch", open_end=True), Mark.IDENTIFIES]
Level = Annotated[float, Within("MinSwitchValue", "MaxSwitchValue")]


class ISwitch(IDevice):
    """Switches, dimmers and gauges (ASCOM ISwitchV3); each has an Id from 0 to MaxSwitch - 1."""

    taggedValue("device_type", "Switch")
    taggedValue("interface_version", 3)

    def MaxSwitch() -> Result[int]:
        """How many there are."""

    def CanAsync(Id: SwitchId) -> Result[bool]:
        """Whether SetAsync and SetAsyncValue work on this one."""

    def CanWrite(Id: SwitchId) -> Result[bool]:
        """Whether this one can be set; a gauge cannot."""

    def GetSwitch(Id: SwitchId) -> State[bool]:
        """Whether it is on: False at its lowest value, True at its highest."""

    def GetSwitchDescription(Id: SwitchId) -> Result[str]:
        """What it is for."""

    def GetSwitchName(Id: SwitchId) -> Result[str]:
        """Its short name."""

    def GetSwitchValue(Id: SwitchId) -> State[float]:
        """Its value, MinSwitchValue to MaxSwitchValue."""

    def MaxSwitchValue(Id: SwitchId) -> Result[float]:
        """Its highest value."""

    def MinSwitchValue(Id: SwitchId) -> Result[float]:
        """Its lowest value; of one that can be set it is not negative."""

    def SwitchStep(Id: SwitchId) -> Result[float]:
        """The smallest change of its value; the range is a whole number of them."""

    def StateChangeComplete(Id: SwitchId) -> State[bool]:
        """Whether the last SetAsync or SetAsyncValue is done, and its value can be read; OperationCancelled after CancelAsync."""

    rule(StateChangeComplete, Needs("CanAsync"))

    def CancelAsync(Id: SwitchId) -> Result[None]:
        """Give up a change that is under way."""

    rule(CancelAsync, Needs("CanAsync"), stops=True)

    def SetAsync(Id: SwitchId, State: bool) -> Result[None]:
        """Start turning it on or off; done when StateChangeComplete is true."""

    rule(SetAsync, Needs("CanAsync"))

    def SetAsyncValue(Id: SwitchId, Value: Level) -> Result[None]:
        """Start setting its value; done when StateChangeComplete is true."""

    rule(SetAsyncValue, Needs("CanAsync"))

    def SetSwitch(Id: SwitchId, State: bool) -> Result[None]:
        """Turn it on, to its highest value, or off, to its lowest."""

    rule(SetSwitch, Needs("CanWrite"))

    def SetSwitchName(Id: SwitchId, Name: str) -> Result[None]:
        """Give it another name."""

    rule(SetSwitchName, optional=True)

    def SetSwitchValue(Id: SwitchId, Value: Level) -> Result[None]:
        """Set its value; one between two steps is rounded by the driver, not refused."""

    rule(SetSwitchValue, Needs("CanWrite"))
