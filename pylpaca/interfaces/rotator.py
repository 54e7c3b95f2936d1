"""The declaration of a rotator."""

# Facts
#   Two frames: mechanical, and sky = mechanical + what Sync has set. Move and MoveAbsolute act in the sky frame.
#   Clients narrow angles to 32-bit floats: 359.99999 would become 360 there, so angles are wrapped after such a rounding.

from __future__ import annotations

from typing import Annotated

from zope.interface import taggedValue

from pylpaca.interfaces.common import IDevice
from pylpaca.interfaces.declaration import Result, SafeState, State, rule
from pylpaca.interfaces.rules import Needs, Remembered, Within
from pylpaca.values import Degrees, Direction

AT_REST = SafeState("halt", (("IsMoving", False),))

Angle = Annotated[Degrees, Within(0, 360, open_end=True)]


class IRotator(IDevice):
    """A camera rotator (ASCOM IRotatorV4)."""

    taggedValue("device_type", "Rotator")
    taggedValue("interface_version", 4)

    def CanReverse() -> Result[bool]:
        """Whether the sense of rotation can be reversed; current clients expect that it can."""

    def IsMoving() -> State[bool]:
        """Whether the rotator is moving."""

    rule(IsMoving, busy=(True,))

    def MechanicalPosition() -> State[Direction]:
        """Where the rotator is, in its own frame, which Sync does not change."""

    def Position() -> State[Direction]:
        """Where the rotator is, in the frame of the sky."""

    def Reverse() -> Result[bool]:
        """Whether the sense of rotation is reversed."""

    rule(Reverse, Needs("CanReverse"))

    def SetReverse(Reverse: bool) -> Result[None]:
        """Reverse the sense of rotation, or not."""

    rule(SetReverse, Needs("CanReverse"))

    def StepSize() -> Result[Degrees]:
        """The smallest step."""

    rule(StepSize, optional=True)

    def TargetPosition() -> Result[Direction]:
        """Where it is going, in the frame of the sky, from the moment a move is asked for; before the first, where it is."""

    def Halt() -> Result[None]:
        """Stop at once; harmless when nothing moves."""

    rule(Halt, optional=True, stops=True, reaches=AT_REST)

    def Move(Position: Annotated[Degrees, Within(-360, 360, open_start=True, open_end=True)]) -> Result[None]:
        """Start turning by an angle; done when IsMoving is false."""

    rule(Move, moves=True)

    def MoveAbsolute(Position: Angle) -> Result[None]:
        """Start turning to a position in the frame of the sky; done when IsMoving is false."""

    rule(MoveAbsolute, moves=True)

    def MoveMechanical(Position: Angle) -> Result[None]:
        """Start turning to a position in the rotator's own frame; done when IsMoving is false."""

    rule(MoveMechanical, Remembered("Position", "remember_mechanical_target"), moves=True)

    def Sync(Position: Angle) -> Result[None]:
        """Call the present position this, in the frame of the sky; nothing moves."""
