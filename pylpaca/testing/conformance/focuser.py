"""What every focuser passes."""

# Facts
#   The official checker moves by a tenth of the way and back, then to and beyond both stops; it allows 60 s a move and 2 steps.

from __future__ import annotations

from typing import Any, ClassVar

from pylpaca.interfaces import IFocuser
from pylpaca.testing.conformance.program import Conformance, part

MOVE_WITHIN = 60.0
TOLERANCE = 2


class FocuserConformance(Conformance):
    """A focuser, absolute or relative."""

    interface: ClassVar[Any] = IFocuser

    @part
    async def test_properties(self) -> None:
        """What a focuser says of itself fits together."""
        device = self.device
        self.same("IsMoving at the start", await device.IsMoving(), False)
        max_step, max_increment = await device.MaxStep(), await device.MaxIncrement()
        self.holds(max_step > 0, f"MaxStep is {max_step}")
        self.holds(1 <= max_increment <= max_step, f"MaxIncrement is {max_increment}, MaxStep {max_step}")
        if await device.Absolute():
            position = await device.Position()
            self.holds(0 <= position <= max_step, f"Position {position} is not in 0..{max_step}")
        else:
            await self.refused(0x400, device.Position(), "Position of a relative focuser")
        step_size = await self.optional(device.StepSize())
        self.holds(step_size is None or step_size > 0, f"StepSize is {step_size}")
        temperature = await self.optional(device.Temperature())
        self.holds(temperature is None or -50 < temperature < 50, f"Temperature is {temperature}")

    @part
    async def test_temperature_compensation(self) -> None:
        """TempComp can be turned on exactly if it is available, and off always."""
        device = self.device
        await device.SetTempComp(False)
        self.same("TempComp after it was turned off", await device.TempComp(), False)
        if await device.TempCompAvailable():
            await device.SetTempComp(True)
            self.same("TempComp after it was turned on", await device.TempComp(), True)
            await device.SetTempComp(False)
            self.same("TempComp after it was turned off", await device.TempComp(), False)
        else:
            await self.refused(0x400, device.SetTempComp(True), "TempComp on a focuser without it")

    @part
    async def test_halt(self) -> None:
        """Halt, if there is one, is harmless at rest and stops a move."""
        device = self.device
        if await self.optional(self.halted()) is None:
            return
        if await device.Absolute():
            target = 0 if await device.Position() > await device.MaxStep() // 2 else await device.MaxStep()
        else:
            target = await device.MaxIncrement()
        await self.quickly("Move", device.Move(target))
        if await device.IsMoving():
            await device.Halt()
            await self.until("IsMoving after Halt", device.IsMoving, False, 10.0)

    async def halted(self) -> bool:
        await self.device.Halt()
        return True

    @part
    async def test_moves(self) -> None:
        """A tenth of the way and back; each move returns at once and ends where it should."""
        device = self.device
        await device.SetTempComp(False)
        if not await device.Absolute():
            for steps in (await device.MaxIncrement() // 10, -(await device.MaxIncrement() // 10)):
                await self.moved(steps)
            return
        start, step = await device.Position(), min(await device.MaxStep() // 10, await device.MaxIncrement())
        there = start + step if start + step <= await device.MaxStep() else start - step
        for target in (there, start):
            await self.moved(target)
            await self.ends_at(target)

    @part
    async def test_move_while_compensating(self) -> None:
        """A move works with temperature compensation on."""
        if await self.device.TempCompAvailable():
            await self.device.SetTempComp(True)
            await self.moved(await self.device.MaxStep() // 2 if await self.device.Absolute() else 1)
            await self.device.SetTempComp(False)

    @part
    async def test_stops(self) -> None:
        """A move beyond a stop ends at the stop, without an error."""
        device = self.device
        if not await device.Absolute():
            return
        await device.SetTempComp(False)
        last = await device.MaxStep()
        for target, end in ((0, 0), (-10, 0), (last // 2, last // 2), (last, last), (last + 10, last)):
            await self.moved(target)
            await self.ends_at(end)

    async def moved(self, target: int) -> None:
        """A move, to its end."""
        await self.quickly("Move", self.device.Move(target))
        await self.until(f"IsMoving after Move {target}", self.device.IsMoving, False, MOVE_WITHIN)

    async def ends_at(self, target: int) -> None:
        """Where a move must have ended."""
        position = await self.device.Position()
        self.holds(abs(position - target) <= TOLERANCE, f"Position is {position} after a move to {target}")
