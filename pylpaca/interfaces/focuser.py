"""The declaration of a focuser."""

# Facts
#   The interface text wants InvalidValue for a Move out of range; the official checker takes that for a fault and wants
#   the move to end at the nearer stop. The checker is followed.

from __future__ import annotations

from zope.interface import taggedValue

from pylpaca.interfaces.common import IDevice
from pylpaca.interfaces.declaration import Result, SafeState, State, rule
from pylpaca.interfaces.rules import Clamped, Needs
from pylpaca.values import Celsius, Micrometres, Steps

AT_REST = SafeState("halt", (("IsMoving", False),))


class IFocuser(IDevice):
    """A focuser, absolute or relative (ASCOM IFocuserV4)."""

    taggedValue("device_type", "Focuser")
    taggedValue("interface_version", 4)

    def Absolute() -> Result[bool]:
        """Whether Move takes a position; a relative focuser takes a signed number of steps."""

    def IsMoving() -> State[bool]:
        """Whether the drawtube is moving; not for the small moves of temperature compensation."""

    rule(IsMoving, busy=(True,))

    def MaxIncrement() -> Result[Steps]:
        """The longest single move, 1 to MaxStep."""

    def MaxStep() -> Result[Steps]:
        """The highest position."""

    def Position() -> State[Steps]:
        """Where the drawtube is, from the inner stop, 0 to MaxStep; a relative focuser does not know."""

    rule(Position, Needs("Absolute"))

    def StepSize() -> Result[Micrometres]:
        """The length of one step."""

    rule(StepSize, optional=True)

    def TempComp() -> Result[bool]:
        """Whether temperature compensation is on."""

    def SetTempComp(TempComp: bool) -> Result[None]:
        """Turn temperature compensation on or off."""

    rule(SetTempComp, Needs("TempCompAvailable", only_if="TempComp"), moves="TempComp")

    def TempCompAvailable() -> Result[bool]:
        """Whether there is temperature compensation."""

    def Temperature() -> State[Celsius]:
        """The temperature at the focuser."""

    rule(Temperature, optional=True)

    def Halt() -> Result[None]:
        """Stop at once; harmless when nothing moves."""

    rule(Halt, optional=True, stops=True, reaches=AT_REST)

    def Move(Position: Steps) -> Result[None]:
        """
        Start moving, also with temperature compensation on; done when IsMoving is false.

        :param Position: the target, brought to 0..MaxStep; on a relative focuser the signed number of steps.
        """

    rule(Move, Clamped("Position", 0, "MaxStep", only_if="Absolute"), moves=True)
