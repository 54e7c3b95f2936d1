"""What every rotator passes."""

# Facts
#   The official checker turns to four positions in each frame, by 10, 40 and 130 degrees and back, and beyond a full turn, which
#   may be refused. It allows 60 s a move; an end more than 1.1 steps away (1 degree if there is no StepSize) is remarked upon,
#   one more than 2 degrees away is a fault. IsMoving is looked at just after the call, and where it is false the move is over.
#   It narrows angles to 32-bit floats: 359.99999 is 360 there, which is a fault.
#   CanReverse False is always a fault for it: without Reverse a member is missing, with Reverse CanReverse is wrong.
#   A sync has to be read back within 0.001 degrees, 0 as 0 and not as 359.9999.

from __future__ import annotations

import struct
from typing import Any, ClassVar

from pylpaca.errors import AlpacaError, InvalidOperation, InvalidValue
from pylpaca.interfaces import IRotator
from pylpaca.testing.conformance.program import POLL, Conformance, apart, part

MOVE_WITHIN = 60.0
NEAR = 1.0  # degrees
FAR = 2.0
EXACT = 0.001
QUARTERS = (45.0, 135.0, 225.0, 315.0)
BEYOND = (-405.0, 405.0)
SYNCS = ((90.0, 90.0), (90.0, 120.0), (90.0, 60.0), (0.0, 0.0), (0.0, 30.0), (0.0, 330.0))  # mechanical, on the sky


def narrow(angle: float) -> float:
    """As a client with 32-bit floats has it."""
    return float(struct.unpack("f", struct.pack("f", angle))[0])


def without_wrapping(position: float, angle: float) -> float:
    """The angle, in the sense in which it does not lead past 0."""
    return angle if position + angle < 360 else -angle


class RotatorConformance(Conformance):
    """A rotator, with two frames of reference."""

    interface: ClassVar[Any] = IRotator

    @part
    async def test_properties(self) -> None:
        """At the start nothing moves, and it is where it is meant to be."""
        self.same("IsMoving at the start", await self.device.IsMoving(), False)
        await self.angle("MechanicalPosition")
        await self.target_is(await self.angle("Position"), "at the start")
        step_size = await self.optional(self.device.StepSize())
        self.holds(step_size is None or 0 <= step_size < 360, f"StepSize is {step_size}")

    @part
    async def test_reverse(self) -> None:
        """Reverse can be turned on and off, which moves nothing, and moves end where they should either way."""
        device = self.device
        if not await device.CanReverse():
            await self.refused(0x400, device.Reverse(), "Reverse of a rotator that cannot")
            await self.refused(0x400, device.SetReverse(True), "Reverse of a rotator that cannot")
            raise AssertionError("CanReverse is False, which the official checker always takes for a fault")
        original = await device.Reverse()
        for wanted in (not original, original):
            await device.SetReverse(wanted)
            self.same("Reverse after it was set", await device.Reverse(), wanted)
            self.same("IsMoving after Reverse was set", await device.IsMoving(), False)
            await self.angle("MechanicalPosition")
            start = await self.angle("Position")
            there = start + without_wrapping(start, 30.0)
            await self.moved("MoveAbsolute", there, "Position", there)
            await self.moved("Move", start - there, "Position", start)

    @part
    async def test_move_absolute(self) -> None:
        """Positions on the sky are reached; those beyond a full turn are refused, or reached."""
        for position in QUARTERS:
            await self.moved("MoveAbsolute", position, "Position", position)
        for position in BEYOND:
            await self.moved_or_refused("MoveAbsolute", position, "Position", position % 360)

    @part
    async def test_move(self) -> None:
        """It turns by an angle and back; past 0 and by more than a full turn, unless that is refused."""
        for angle in (10.0, 40.0, 130.0):
            start = await self.angle("Position")
            away = without_wrapping(start, angle)
            await self.moved("Move", away, "Position", start + away)
            await self.moved("Move", -away, "Position", start)
        await self.moved("MoveAbsolute", 5.0, "Position", 5.0)
        for angle in (-10.0, 10.0, -375.0, 375.0):
            start = await self.angle("Position")
            await self.moved_or_refused("Move", angle, "Position", (start + angle) % 360)

    @part
    async def test_move_mechanical(self) -> None:
        """Positions in its own frame are reached, also when that of the sky is another, in which TargetPosition is."""
        original = await self.offset()
        mechanical = await self.angle("MechanicalPosition")
        await self.device.Sync((mechanical + original + 30) % 360)
        for position in QUARTERS:
            await self.moved("MoveMechanical", position, "MechanicalPosition", position)
        for position in BEYOND:
            await self.moved_or_refused("MoveMechanical", position, "MechanicalPosition", position % 360)
        await self.offset_restored(original)

    @part
    async def test_sync(self) -> None:
        """A sync is read back at once, moves nothing, and counts for the moves that follow."""
        device, original = self.device, await self.offset()
        for mechanical, sky in SYNCS:
            await self.moved("MoveMechanical", mechanical, "MechanicalPosition", mechanical)
            before = await self.angle("MechanicalPosition")
            await device.Sync(sky)
            found, after = await self.angle("Position"), await self.angle("MechanicalPosition")
            self.holds(abs(found - sky) < EXACT, f"Position is {found} after Sync {sky:g}")
            self.holds(apart(before, after) < EXACT, f"MechanicalPosition is {after:g} after Sync {sky:g}, and was {before:g}")
            self.same(f"IsMoving after Sync {sky:g}", await device.IsMoving(), False)
        await self.moved("MoveAbsolute", 60.0, "Position", 60.0)
        found = await self.angle("MechanicalPosition")
        self.holds(
            apart(found, 90.0) <= await self.tolerance(), f"MechanicalPosition is {found:g} at 60, synced 30 behind, not 90"
        )
        await self.offset_restored(original)

    @part
    async def test_halt(self) -> None:
        """Halt, if there is one, is harmless at rest, and stops a move at once and for good."""
        device = self.device
        if await self.optional(self.halted()) is None:
            return
        start = await self.angle("Position")
        await self.quickly("MoveAbsolute", device.MoveAbsolute((start + 170) % 360))
        await self.pause(POLL)
        if await device.IsMoving():
            await self.quickly("Halt", device.Halt())
            self.same("IsMoving just after Halt", await device.IsMoving(), False)
            before = await self.angle("Position")
            await self.pause(1.0)
            after = await self.angle("Position")
            self.holds(apart(before, after) <= await self.tolerance(), f"Position goes from {before:g} to {after:g} after Halt")
            self.same("IsMoving some time after Halt", await device.IsMoving(), False)
        else:
            await self.ended("MoveAbsolute", "Position", (start + 170) % 360)
        await self.moved("MoveAbsolute", start, "Position", start)

    async def halted(self) -> bool:
        await self.device.Halt()
        return True

    @part
    async def test_another_on_the_way(self) -> None:
        """Another move on the way is refused, or is the one that counts."""
        device, start = self.device, await self.angle("Position")
        first, second = (start + 150) % 360, (start + 60) % 360
        await self.quickly("MoveAbsolute", device.MoveAbsolute(first))
        await self.pause(POLL)
        if not await device.IsMoving():
            await self.ended("MoveAbsolute", "Position", first)
            return
        try:
            await self.quickly("MoveAbsolute", device.MoveAbsolute(second))
        except InvalidOperation:
            await self.target_is(first, "after another MoveAbsolute was refused")
            await self.ended("another MoveAbsolute was refused on the way", "Position", first)
        else:
            await self.target_is(second, "after another MoveAbsolute on the way")
            await self.ended("another MoveAbsolute on the way", "Position", second)

    @part
    async def test_new_link(self) -> None:
        """When the link was closed during a move, a new one finds it at rest before long, and where it is meant to be."""
        device, start = self.device, await self.angle("Position")
        await self.quickly("MoveAbsolute", device.MoveAbsolute((start + 90) % 360))
        await self.pause(POLL)
        await device.SetConnected(False)
        await device.SetConnected(True)
        await self.until("IsMoving on a new link", device.IsMoving, False, MOVE_WITHIN)
        await self.target_is(await self.angle("Position"), "on a new link")

    # words

    async def angle(self, member: str) -> float:
        """A position, 0 to below a full turn."""
        found: float = await getattr(self.device, member)()
        self.holds(found >= 0 and narrow(found) < 360, f"{member} is {found!r}; it goes from 0 to below 360, also in 32 bits")
        return found

    async def tolerance(self) -> float:
        """How far from its target a move may end."""
        step_size = await self.optional(self.device.StepSize())
        return min(max(NEAR, 1.1 * (step_size or 0.0)), FAR)

    async def offset(self) -> float:
        """What Sync has set: that of the sky, less that of the rotator; read at rest."""
        return (await self.angle("Position") - await self.angle("MechanicalPosition")) % 360

    async def offset_restored(self, offset: float) -> None:
        wanted = (await self.angle("MechanicalPosition") + offset) % 360
        await self.device.Sync(wanted)

    async def target_is(self, wanted: float, when: str) -> None:
        """What TargetPosition has to be."""
        found = await self.angle("TargetPosition")
        self.holds(apart(found, wanted) <= await self.tolerance(), f"TargetPosition is {found:g} {when}, not {wanted:g}")

    async def moved(self, member: str, asked: float, frame: str, target: float) -> None:
        """A move, watched to its end, which is at `target` in the frame of one of the two positions."""
        what = f"{member} {asked:g}"
        sky = target if frame == "Position" else target + await self.offset()
        await self.quickly(what, getattr(self.device, member)(asked))
        moving = await self.device.IsMoving()
        await self.target_is(sky % 360, f"just after {what}")
        state = {item.Name: item.Value for item in await self.device.DeviceState()}
        if moving and await self.device.IsMoving():
            self.same(f"IsMoving in DeviceState during {what}", state.get("IsMoving"), True)
        await self.ended(what, frame, target)

    async def ended(self, what: str, frame: str, target: float) -> None:
        """The rest of a move: it takes no longer than it may, its positions are legal on the way, and it ends where it should."""
        device, waited = self.device, 0.0
        while await device.IsMoving():
            self.holds(waited < MOVE_WITHIN, f"IsMoving is still True {MOVE_WITHIN:g} s after {what}")
            await self.pause(POLL)
            waited += POLL
            await self.angle("Position")
            await self.angle("MechanicalPosition")
        found, allowed = await self.angle(frame), await self.tolerance()
        self.holds(apart(found, target) <= allowed, f"{frame} is {found:g} when {what} has ended, not {target:g}")
        state = {item.Name: item.Value for item in await device.DeviceState()}
        told = state.get(frame, found)
        self.holds(apart(told, found) <= allowed, f"DeviceState has {told:g} for {frame} when {what} has ended, not {found:g}")

    async def moved_or_refused(self, member: str, asked: float, frame: str, target: float) -> None:
        """A move that the rotator need not be able to do: if it is refused, it is with 0x401, and nothing moves."""
        what = f"{member} {asked:g}"
        before, meant = await self.angle(frame), await self.angle("TargetPosition")
        try:
            await self.moved(member, asked, frame, target)
        except InvalidValue:
            self.same(f"IsMoving after {what} was refused", await self.device.IsMoving(), False)
            await self.target_is(meant, f"after {what} was refused")
            after, allowed = await self.angle(frame), await self.tolerance()
            self.holds(apart(before, after) <= allowed, f"{frame} is {after:g} after {what} was refused, and was {before:g}")
        except AlpacaError as error:
            raise AssertionError(f"{what} is refused with 0x{error.number:X} ({error}), not with 0x401") from None
