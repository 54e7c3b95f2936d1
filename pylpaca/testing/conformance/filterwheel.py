"""What every filter wheel passes."""

# Facts
#   The official checker turns to every filter upwards and downwards and across, allows 30 s each, and reads Position ten times a
#   second: on the way it is -1, and never any filter but the one that is wanted.

from __future__ import annotations

from typing import Any, ClassVar

from pylpaca.errors import InvalidOperation
from pylpaca.interfaces import IFilterWheel
from pylpaca.testing.conformance.program import Conformance, part

WITHIN = 30.0
SAMPLE = 0.1
MOVING = -1


class FilterWheelConformance(Conformance):
    """A filter wheel."""

    interface: ClassVar[Any] = IFilterWheel

    @part
    async def test_properties(self) -> None:
        """Every filter has a name and an offset, and one of them is in the light soon after the start."""
        device = self.device
        names, offsets = await device.Names(), await device.FocusOffsets()
        self.holds(bool(names) and all(each.strip() for each in names), f"Names is {names}")
        self.holds(len(offsets) == len(names), f"FocusOffsets has {len(offsets)} entries, and Names {len(names)}")
        found = await self.at_rest()
        self.holds(0 <= found < len(names), f"Position is {found}, and there are {len(names)} Names")

    @part
    async def test_moves(self) -> None:
        """Every filter is reached, from both sides and from far away."""
        await self.at_rest()
        last = len(await self.device.Names()) - 1
        across = [0, last, max(last - 1, 0), 0, (last + 1) // 2, 0]
        for each in [*range(last + 1), *range(last, -1, -1), *across]:
            await self.turned(each)

    @part
    async def test_out_of_range(self) -> None:
        """There is no filter before the first and none behind the last; to ask for one moves nothing."""
        device, there = self.device, await self.at_rest()
        for outside in (-1, len(await device.Names())):
            await self.refused(0x401, device.SetPosition(outside), f"Position {outside}")
            self.same(f"Position after {outside} was refused", await device.Position(), there)

    @part
    async def test_another_on_the_way(self) -> None:
        """While the wheel is moving, another filter is either where it goes then, or refused with 0x40B."""
        device, last = self.device, len(await self.device.Names()) - 1
        await self.at_rest()
        await self.turned(0)
        await self.quickly("SetPosition", device.SetPosition(last))
        if await device.Position() != MOVING:
            return
        wanted = last // 2
        try:
            await self.quickly("SetPosition on the way", device.SetPosition(wanted))
        except InvalidOperation:
            wanted = last
        self.same("Position after SetPosition on the way", await self.at_rest(), wanted)

    @part
    async def test_new_link(self) -> None:
        """A link that is closed while the wheel is moving, and opened again, finds a filter in the light before long."""
        device = self.device
        await self.turned(0)
        last = len(await device.Names()) - 1
        await device.SetPosition(last)
        await device.SetConnected(False)
        await device.SetConnected(True)
        found = await self.at_rest()
        self.holds(0 <= found <= last, f"Position is {found} on a new link, and there are {last + 1} Names")

    # words

    async def at_rest(self) -> int:
        """Where the wheel is when it does not move."""
        ends = self.clock.seconds() + WITHIN
        while (found := await self.device.Position()) == MOVING:
            self.holds(self.clock.seconds() <= ends, f"Position is still -1 after {WITHIN:g} s")
            await self.pause(SAMPLE)
        return int(found)

    async def turned(self, wanted: int) -> None:
        """A turn to a filter, watched to its end."""
        device = self.device
        await self.quickly("SetPosition", device.SetPosition(wanted))
        ends = self.clock.seconds() + WITHIN
        while (found := await device.Position()) != wanted:
            self.same(f"Position on the way to {wanted}", found, MOVING)
            entries = {item.Name: item.Value for item in await device.DeviceState()}
            self.holds(
                entries.get("Position") in (MOVING, wanted),
                f"DeviceState has {entries.get('Position')!r} for Position on the way to {wanted}",
            )
            self.holds(self.clock.seconds() <= ends, f"Position is still -1 after {WITHIN:g} s on the way to {wanted}")
            await self.pause(SAMPLE)
        await self.pause(SAMPLE)
        self.same(f"Position shortly after {wanted} was reached", await device.Position(), wanted)
