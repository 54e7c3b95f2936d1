"""What every cover and calibration light passes."""

# Facts
#   The official checker allows 60 s for the cover and for the light. It halts the cover after half of the time that opening took,
#   when it must still be moving; a cover that opens within the call must not have HaltCover.
#   It wants to begin with a closed cover: on an open one it takes a HaltCover that works for a fault.
#   Brightness 0 is a brightness: the light ends Ready.

from __future__ import annotations

from typing import Any, ClassVar

from pylpaca.interfaces import ICoverCalibrator
from pylpaca.testing.conformance.program import Conformance, part
from pylpaca.values import CalibratorStatus, CoverStatus

WITHIN = 60.0
SAMPLE = 0.1
LEAST = 1.0  # seconds that a cover must be under way to be halted


class CoverCalibratorConformance(Conformance):
    """A cover, a calibration light, or both."""

    interface: ClassVar[Any] = ICoverCalibrator

    @part
    async def test_start(self) -> None:
        """A new link finds the light off and nothing on its way, and at least one of the two is there."""
        device = self.device
        cover, light = await device.CoverState(), await device.CalibratorState()
        self.holds((cover, light) != (CoverStatus.NotPresent, CalibratorStatus.NotPresent), "there is neither cover nor light")
        at_rest = (CoverStatus.NotPresent, CoverStatus.Closed, CoverStatus.Unknown)
        self.holds(cover in at_rest, f"CoverState is {CoverStatus(cover).name} at the start; it has to be closed")
        off = (CalibratorStatus.NotPresent, CalibratorStatus.Off)
        self.holds(light in off, f"CalibratorState is {CalibratorStatus(light).name} at the start; it has to be off")
        await self.cover_state()
        await self.light_state()
        if light != CalibratorStatus.NotPresent:
            most = await device.MaxBrightness()
            self.holds(most >= 1, f"MaxBrightness is {most}")
            self.same("Brightness of a light that is off", await device.Brightness(), 0)

    @part
    async def test_absent(self) -> None:
        """What belongs to a cover or a light that is not there is refused with exactly 0x400."""
        device = self.device
        if await device.CoverState() == CoverStatus.NotPresent:
            self.same("CoverMoving without a cover", await device.CoverMoving(), False)
            for member in ("OpenCover", "CloseCover", "HaltCover"):
                await self.refused(0x400, getattr(device, member)(), f"{member} without a cover")
        if await device.CalibratorState() == CalibratorStatus.NotPresent:
            self.same("CalibratorChanging without a light", await device.CalibratorChanging(), False)
            for member in ("Brightness", "MaxBrightness", "CalibratorOff"):
                await self.refused(0x400, getattr(device, member)(), f"{member} without a light")
            await self.refused(0x400, device.CalibratorOn(1), "CalibratorOn without a light")

    @part
    async def test_cover(self) -> None:
        """Opening and closing show at once, in CoverState as in CoverMoving, and end in both at once."""
        if await self.device.CoverState() == CoverStatus.NotPresent:
            return
        await self.closed()
        await self.moved("OpenCover", CoverStatus.Open)
        await self.moved("CloseCover", CoverStatus.Closed)

    @part
    async def test_same_again(self) -> None:
        """To close a cover that is closed and to open one that is open changes nothing in the end."""
        device = self.device
        if await device.CoverState() == CoverStatus.NotPresent:
            return
        await self.closed()
        for member, state in (("CloseCover", CoverStatus.Closed), ("OpenCover", CoverStatus.Open)):
            for _ in range(2):
                await self.quickly(member, getattr(device, member)())
                await self.until(f"CoverMoving after {member}", device.CoverMoving, False, WITHIN)
                self.same(f"CoverState after {member}", await device.CoverState(), state)
        await self.closed()

    @part
    async def test_halt(self) -> None:
        """HaltCover, if there is one, is harmless at rest, and stops the cover at once and for good."""
        device = self.device
        if await device.CoverState() == CoverStatus.NotPresent:
            return
        await self.closed()
        if await self.optional(self.halted()) is None:
            return
        self.same("CoverState after HaltCover at rest", await device.CoverState(), CoverStatus.Closed)
        seconds = await self.moved("OpenCover", CoverStatus.Open)
        self.holds(seconds >= LEAST, f"OpenCover takes {seconds:.1f} s, too short a time for HaltCover to be of use")
        await self.moved("CloseCover", CoverStatus.Closed)
        await device.OpenCover()
        await self.pause(seconds / 2)
        self.same("CoverState half way through OpenCover", await self.cover_state(), CoverStatus.Moving)
        await self.quickly("HaltCover", device.HaltCover())
        self.same("CoverState just after HaltCover half way", await self.cover_state(), CoverStatus.Unknown)
        await self.pause(seconds)
        self.same("CoverState after HaltCover, when it would have been open,", await self.cover_state(), CoverStatus.Unknown)
        await self.closed()

    @part
    async def test_light(self) -> None:
        """The light can be turned to every brightness, 0 as well, and off."""
        device = self.device
        if await device.CalibratorState() == CalibratorStatus.NotPresent:
            return
        most = await device.MaxBrightness()
        for brightness in sorted({0, most // 4, most // 2, 3 * most // 4, most}):
            await self.lit(brightness)
        for _ in range(2):
            await self.turned_off()
        await self.lit(most)
        await self.turned_off()

    @part
    async def test_brightness_out_of_range(self) -> None:
        """A brightness that the light does not have is refused, and changes nothing."""
        device = self.device
        if await device.CalibratorState() == CalibratorStatus.NotPresent:
            return
        most = await device.MaxBrightness()
        await self.lit(most)
        for outside in (-1, most + 1):
            await self.refused(0x401, device.CalibratorOn(outside), f"CalibratorOn {outside}")
            self.same(f"Brightness after {outside} was refused", await device.Brightness(), most)
            self.same(f"CalibratorState after {outside} was refused", await self.light_state(), CalibratorStatus.Ready)
        await self.turned_off()

    @part
    async def test_off_while_changing(self) -> None:
        """A light that is turned off before it is steady goes off, and stays off."""
        if await self.device.CalibratorState() == CalibratorStatus.NotPresent:
            return
        most = await self.device.MaxBrightness()
        seconds = await self.lit(most)
        await self.turned_off()
        await self.device.CalibratorOn(most)
        await self.turned_off()
        await self.pause(seconds + 1.0)
        self.same("CalibratorState some time after CalibratorOff", await self.light_state(), CalibratorStatus.Off)

    @part
    async def test_new_link(self) -> None:
        """A light that is left on is off when the link has been closed and opened again."""
        device = self.device
        if await device.CalibratorState() == CalibratorStatus.NotPresent:
            return
        await self.lit(await device.MaxBrightness())
        await device.SetConnected(False)
        await device.SetConnected(True)
        self.same("CalibratorState on a new link", await self.light_state(), CalibratorStatus.Off)
        self.same("Brightness on a new link", await device.Brightness(), 0)

    # words

    async def cover_state(self) -> CoverStatus:
        """CoverState, in agreement with CoverMoving."""
        return CoverStatus(await self.agreed("CoverState", "CoverMoving", CoverStatus.Moving))

    async def light_state(self) -> CalibratorStatus:
        """CalibratorState, in agreement with CalibratorChanging."""
        return CalibratorStatus(await self.agreed("CalibratorState", "CalibratorChanging", CalibratorStatus.NotReady))

    async def agreed(self, member: str, changing: str, busy: CoverStatus | CalibratorStatus) -> int:
        """A state that is `busy` exactly while `changing` is true, in DeviceState, too; at a change it is not looked at."""
        before = await getattr(self.device, changing)()
        state = await getattr(self.device, member)()
        entries = {item.Name: item.Value for item in await self.device.DeviceState()}
        if before == await getattr(self.device, changing)():
            name = type(busy)(state).name
            self.holds(before == (state == busy), f"{changing} is {before}, and {member} {name}")
            found = {each: entries.get(each) for each in (member, changing)}
            self.same("DeviceState, as the members have it,", found, {member: state, changing: before})
        return int(state)

    async def closed(self) -> None:
        """The cover, closed, wherever it was."""
        if await self.device.CoverState() != CoverStatus.Closed:
            await self.quickly("CloseCover", self.device.CloseCover())
            await self.until("CoverMoving after CloseCover", self.device.CoverMoving, False, WITHIN)
            self.same("CoverState after CloseCover", await self.cover_state(), CoverStatus.Closed)

    async def halted(self) -> bool:
        await self.device.HaltCover()
        return True

    async def moved(self, member: str, ended: CoverStatus) -> float:
        """A motion of the cover, watched to its end; how many seconds it took."""
        began = self.clock.seconds()
        await self.quickly(member, getattr(self.device, member)())
        state = await self.cover_state()
        if state == ended:
            await self.refused(0x400, self.device.HaltCover(), f"HaltCover of a cover whose {member} is done at once")
        while state != ended:
            self.same(f"CoverState during {member}", state, CoverStatus.Moving)
            self.holds(self.clock.seconds() - began <= WITHIN, f"{member} has not ended after {WITHIN:g} s")
            await self.pause(SAMPLE)
            state = await self.cover_state()
        return float(self.clock.seconds() - began)

    async def lit(self, brightness: int) -> float:
        """The light, turned on and watched until it is steady; how many seconds that took."""
        device, began = self.device, self.clock.seconds()
        await self.quickly("CalibratorOn", device.CalibratorOn(brightness))
        while (state := await self.light_state()) != CalibratorStatus.Ready:
            self.same(f"CalibratorState after CalibratorOn {brightness}", state, CalibratorStatus.NotReady)
            waited = self.clock.seconds() - began
            self.holds(waited <= WITHIN, f"CalibratorState is still NotReady after {WITHIN:g} s of CalibratorOn {brightness}")
            await self.pause(SAMPLE)
        self.same(f"Brightness after CalibratorOn {brightness}", await device.Brightness(), brightness)
        return float(self.clock.seconds() - began)

    async def turned_off(self) -> None:
        """The light, turned off and watched until it is."""
        device, began = self.device, self.clock.seconds()
        await self.quickly("CalibratorOff", device.CalibratorOff())
        while (state := await self.light_state()) != CalibratorStatus.Off:
            self.same("CalibratorState after CalibratorOff", state, CalibratorStatus.NotReady)
            waited = self.clock.seconds() - began
            self.holds(waited <= WITHIN, f"CalibratorState is still NotReady after {WITHIN:g} s of CalibratorOff")
            await self.pause(SAMPLE)
        self.same("Brightness after CalibratorOff", await device.Brightness(), 0)
