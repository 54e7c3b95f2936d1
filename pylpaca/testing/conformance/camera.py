"""What every camera passes."""

# Facts
#   The official checker exposes 2 s at every binning. It must see Exposing, then Idle and ImageReady together, each within 10 s;
#   it fetches the image under both names. Afterwards, and at the start, StopExposure and AbortExposure are harmless.
#   Duration and subframe are refused when an exposure starts, not when they are set; a bias, 0 s without light, is not.
#   LastExposureStartTime is what FITS writes, without a Z, and at most 2 s before Exposing is seen.
#   A set point of 0 is accepted; one is refused on the way down, at the latest -273.25, and on the way up, at the latest 100.
#   A gain (and an offset) is an index into a list, a number between bounds, or not there: any mixture is a fault.

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from pylpaca.errors import InvalidValue
from pylpaca.interfaces import ICamera
from pylpaca.testing.conformance.program import Conformance, part
from pylpaca.values import CameraState, ElementType, GuideDirection, SensorType

EXPOSURE = 2.0  # seconds
WITHIN = 10.0
SAMPLE = 0.1
PULSE = 1000  # milliseconds
TOLERANCE = 0.5  # degrees Celsius
SHORT_OF = 0.95  # how much of the time that was asked for an exposure may last, and not less
FITS_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?")
UNDER_WAY = (CameraState.Waiting, CameraState.Exposing)


class CameraConformance(Conformance):
    """A camera, whatever it can do."""

    interface: ClassVar[Any] = ICamera

    # what it is

    @part
    async def test_new(self) -> None:
        """A new link finds the camera idle, unbinned, with the whole sensor as its frame and no exposure taken."""
        await self.is_new()

    @part
    async def test_properties(self) -> None:
        """What a camera says of itself is possible and fits together."""
        device = self.device
        description = await device.Description()
        self.holds(len(description) <= 64, f"Description has {len(description)} characters, more than 64")
        for member, least in (("CameraXSize", 1), ("CameraYSize", 1), ("MaxADU", 1), ("MaxBinX", 1), ("MaxBinY", 1)):
            value = await getattr(device, member)()
            self.holds(value >= least, f"{member} is {value}")
        for member, low, high in (
            ("PixelSizeX", 1.0, float("inf")),
            ("PixelSizeY", 1.0, float("inf")),
            ("CCDTemperature", -273.15, 1000.0),
            ("HeatSinkTemperature", -273.15, 1000.0),
            ("SetCCDTemperature", -273.15, 100.0),
            ("ElectronsPerADU", 1e-5, float("inf")),
            ("FullWellCapacity", 0.0, float("inf")),
            ("PercentCompleted", 0, 100),
        ):
            value = await self.optional(getattr(device, member)())
            self.holds(value is None or low <= value <= high, f"{member} is {value}")
        await self.optional(device.HasShutter())
        longest = await device.ExposureMax()
        self.holds(longest >= 0.0001, f"ExposureMax is {longest}")
        for member in ("ExposureMin", "ExposureResolution"):
            value = await getattr(device, member)()
            self.holds(0 <= value <= longest, f"{member} is {value}, ExposureMax {longest}")
        name = await device.SensorName()
        self.holds(len(name) <= 250, f"SensorName has {len(name)} characters, more than 250")

    @part
    async def test_mosaic(self) -> None:
        """Every sensor but a monochrome one says where its mosaic begins; that one refuses."""
        kind = await self.optional(self.device.SensorType())
        for member in ("BayerOffsetX", "BayerOffsetY"):
            asked = getattr(self.device, member)()
            if kind in (None, SensorType.Monochrome):
                await self.refused(0x400, asked, f"{member} of a monochrome sensor")
            else:
                offset = await asked
                self.holds(0 <= offset <= 10_000, f"{member} is {offset}")

    @part
    async def test_incapable(self) -> None:
        """What a camera cannot do is refused with exactly 0x400."""
        device = self.device
        for capability, asked in (
            ("CanAbortExposure", lambda: device.AbortExposure()),
            ("CanStopExposure", lambda: device.StopExposure()),
            ("CanFastReadout", lambda: device.FastReadout()),
            ("CanFastReadout", lambda: device.SetFastReadout(False)),
            ("CanGetCoolerPower", lambda: device.CoolerPower()),
            ("CanPulseGuide", lambda: device.IsPulseGuiding()),
            ("CanPulseGuide", lambda: device.PulseGuide(GuideDirection.North, PULSE)),
            ("CanSetCCDTemperature", lambda: device.SetSetCCDTemperature(0.0)),
        ):
            if not await getattr(device, capability)():
                await self.refused(0x400, asked(), f"what needs {capability}")

    # what can be set

    @part
    async def test_binning(self) -> None:
        """Every binning up to the highest can be set, columns and rows apart only on a camera that can; others are refused."""
        device = self.device
        apart = await device.CanAsymmetricBin()
        most_x, most_y = await device.MaxBinX(), await device.MaxBinY()
        self.holds(apart or most_x == most_y, f"MaxBinX is {most_x}, MaxBinY {most_y}, and CanAsymmetricBin is False")
        for x in range(1, most_x + 1):
            await device.SetBinX(x)
            self.same("BinX after it was set", await device.BinX(), x)
            if not apart:
                self.same("BinY after BinX was set, without CanAsymmetricBin,", await device.BinY(), x)
            for y in range(1, most_y + 1) if apart else [x]:
                await device.SetBinY(y)
                self.same("BinX and BinY after BinY was set", (await device.BinX(), await device.BinY()), (x, y))
        await device.SetBinY(1)
        if not apart:
            self.same("BinX after BinY was set, without CanAsymmetricBin,", await device.BinX(), 1)
        for member, most in (("BinX", most_x), ("BinY", most_y)):
            for outside in (0, most + 1):
                await self.refused(0x401, getattr(device, f"Set{member}")(outside), f"{member} {outside}")

    @part
    async def test_subframe(self) -> None:
        """A subframe can be set to anything; off the sensor it is refused when an exposure starts, at every binning."""
        device, seconds = self.device, await self.seconds()
        for member, size in (("NumX", "X"), ("NumY", "Y"), ("StartX", "X"), ("StartY", "Y")):
            half = max(await getattr(device, f"Camera{size}Size")() // 2, 1)
            await getattr(device, f"Set{member}")(half)
            self.same(f"{member} after it was set", await getattr(device, member)(), half)
        for x, y in await self.binnings():
            for axis, binning in (("X", x), ("Y", y)):
                over = round(await getattr(device, f"Camera{axis}Size")() / binning) + 1
                for member, outside in (("Num", over), ("Start", over), ("Num", 0), ("Start", -1)):
                    await self.frame(x, y)
                    await getattr(device, f"Set{member}{axis}")(outside)
                    what = f"StartExposure with {member}{axis} {outside} at binning {x} x {y}"
                    await self.refused(0x401, device.StartExposure(seconds, True), what)
        await self.nothing_came("StartExposure was refused")

    @part
    async def test_durations(self) -> None:
        """Exposures that are too long or too short are refused."""
        device = self.device
        durations = [-1.0, await device.ExposureMax() * 1.1]
        if await device.ExposureMin() > 0:
            durations.append(await device.ExposureMin() / 2)
        for duration in durations:
            await self.refused(0x401, device.StartExposure(duration, True), f"StartExposure of {duration:g} s")
        await self.nothing_came("StartExposure was refused")

    @part
    async def test_gain(self) -> None:
        """A gain is an index, a number or not there, and nothing between."""
        await self.chosen("Gain")

    @part
    async def test_offset(self) -> None:
        """An offset is an index, a number or not there, and nothing between."""
        await self.chosen("Offset")

    @part
    async def test_readout_modes(self) -> None:
        """There is at least one way of reading out; each can be chosen, others are refused."""
        device = self.device
        modes, chosen = await device.ReadoutModes(), await device.ReadoutMode()
        self.holds(bool(modes) and all(each.strip() for each in modes), f"ReadoutModes is {modes}")
        self.holds(0 <= chosen < len(modes), f"ReadoutMode is {chosen}, and there are {len(modes)} ReadoutModes")
        for mode in (*range(len(modes)), chosen):
            await device.SetReadoutMode(mode)
            self.same("ReadoutMode after it was set", await device.ReadoutMode(), mode)
        for outside in (-1, len(modes)):
            await self.refused(0x401, device.SetReadoutMode(outside), f"ReadoutMode {outside}")

    @part
    async def test_fast_readout(self) -> None:
        """FastReadout can be turned on and off."""
        if await self.device.CanFastReadout():
            await self.toggled("FastReadout")

    @part
    async def test_sub_exposures(self) -> None:
        """Where sub-exposures have a duration, it can be set to what it is."""
        duration = await self.optional(self.device.SubExposureDuration())
        if duration is None:
            await self.refused(0x400, self.device.SetSubExposureDuration(1.0), "SubExposureDuration on a camera without it")
            return
        self.holds(duration > 0, f"SubExposureDuration is {duration}")
        await self.device.SetSubExposureDuration(duration)
        self.same("SubExposureDuration after it was set", await self.device.SubExposureDuration(), duration)

    # the cooler

    @part
    async def test_cooler(self) -> None:
        """The cooler, if there is one, can be turned on and off; its power is a percentage."""
        device = self.device
        if await self.optional(device.CoolerOn()) is None:
            await self.refused(0x400, device.SetCoolerOn(True), "CoolerOn on a camera without a cooler")
        else:
            await self.toggled("CoolerOn")
        if await device.CanGetCoolerPower():
            power = await device.CoolerPower()
            self.holds(0 <= power <= 100, f"CoolerPower is {power}")

    @part
    async def test_set_point(self) -> None:
        """Set points are accepted and read back as far as the cooler goes, and refused beyond, with the cooler off, too."""
        device = self.device
        if not await device.CanSetCCDTemperature():
            return
        was = await device.SetCCDTemperature()
        self.holds(await self.accepted(0.0), "SetCCDTemperature 0 is refused")
        for way, degrees in (
            ("down", [*(float(each) for each in range(10, -271, -5)), -273.25]),
            ("up", [float(each) for each in range(5, 101, 5)]),
        ):
            for each in degrees:
                if not await self.accepted(each):
                    break
            else:
                raise AssertionError(f"SetCCDTemperature is never refused on the way {way} to {degrees[-1]:g}")
        await device.SetSetCCDTemperature(was)

    async def accepted(self, degrees: float) -> bool:
        """Whether a set point is accepted; then it must read back, else it must not have changed."""
        before = await self.device.SetCCDTemperature()
        try:
            await self.device.SetSetCCDTemperature(degrees)
        except InvalidValue:
            self.same(f"SetCCDTemperature after {degrees:g} was refused", await self.device.SetCCDTemperature(), before)
            return False
        found = await self.device.SetCCDTemperature()
        self.holds(abs(found - degrees) <= TOLERANCE, f"SetCCDTemperature is {found} after it was set to {degrees:g}")
        return True

    # guiding

    @part
    async def test_pulse_guide(self) -> None:
        """A pulse in any direction shows at once, lasts as long as it was asked to, and ends."""
        device = self.device
        if not await device.CanPulseGuide():
            return
        for direction in GuideDirection:
            await self.quickly("PulseGuide", device.PulseGuide(direction, PULSE))
            self.same(f"IsPulseGuiding just after PulseGuide {direction.name}", await device.IsPulseGuiding(), True)
            await self.pause(PULSE / 2000)
            self.same(f"IsPulseGuiding half way through PulseGuide {direction.name}", await device.IsPulseGuiding(), True)
            await self.until(f"IsPulseGuiding after PulseGuide {direction.name}", device.IsPulseGuiding, False, PULSE / 2000 + 1)
        await device.PulseGuide(GuideDirection.North, 1)
        await self.until("IsPulseGuiding after a millisecond", device.IsPulseGuiding, False, 1.0)
        await self.refused(0x401, device.PulseGuide(GuideDirection.North, -1), "PulseGuide of -1 ms")

    # exposures

    @part
    async def test_exposures(self) -> None:
        """An exposure at every binning passes through its states in time and gives an image of the frame that was set."""
        for x, y in await self.binnings():
            await self.frame(x, y)
            await self.exposed(await self.seconds())

    @part
    async def test_part_of_sensor(self) -> None:
        """An image has the width and the height of its subframe."""
        device = self.device
        width, height = await device.NumX(), await device.NumY()
        await device.SetStartX(width // 4)
        await device.SetStartY(height // 8)
        await device.SetNumX(max(width // 2, 1))
        await device.SetNumY(max(height // 3, 1))
        await self.exposed(await self.seconds())

    @part
    async def test_bias(self) -> None:
        """An exposure of 0 s without light is a bias frame, on every camera."""
        await self.quickly("StartExposure of 0 s without light", self.device.StartExposure(0.0, False))
        await self.finished(0.0, self.clock.seconds())
        await self.image()

    @part
    async def test_dark(self) -> None:
        """An exposure without light passes through the same states."""
        await self.exposed(await self.seconds(), light=False)

    @part
    async def test_busy(self) -> None:
        """While an exposure is under way another is refused, and the first goes on."""
        seconds, began = await self.seconds(), self.clock.seconds()
        await self.device.StartExposure(seconds, True)
        await self.refused(0x40B, self.device.StartExposure(0.0, False), "StartExposure during an exposure")
        await self.finished(seconds, began)
        await self.image()

    @part
    async def test_abort(self) -> None:
        """AbortExposure is harmless at rest, and ends an exposure for good, without an image."""
        device = self.device
        if not await device.CanAbortExposure():
            return
        seconds = min(2 * await self.seconds(), await device.ExposureMax())
        await device.AbortExposure()
        await self.nothing_came("AbortExposure at rest")
        await self.half_way(seconds)
        await self.quickly("AbortExposure", device.AbortExposure())
        await self.until("CameraState after AbortExposure", device.CameraState, CameraState.Idle, WITHIN)
        await self.nothing_came("AbortExposure")
        await self.pause(seconds)
        await self.nothing_came("AbortExposure, when the exposure would have ended,")
        await self.exposed(await self.seconds())

    @part
    async def test_stop(self) -> None:
        """StopExposure is harmless at rest, and ends an exposure early, with an image."""
        device = self.device
        if not await device.CanStopExposure():
            return
        await device.StopExposure()
        await self.pause(1.0)
        await self.nothing_came("StopExposure at rest")
        await self.half_way(min(await device.ExposureMax(), 10 * WITHIN), 1.0)
        await self.quickly("StopExposure", device.StopExposure())
        await self.until("ImageReady after StopExposure", device.ImageReady, True, WITHIN)
        self.same("CameraState with the image of a stopped exposure", await device.CameraState(), CameraState.Idle)
        await self.image()

    @part
    async def test_new_link(self) -> None:
        """Whatever was set, taken or under way before: a new link finds the camera as new, and it stays so."""
        device, seconds = self.device, await self.seconds()
        await self.frame(await device.MaxBinX(), await device.MaxBinY())
        await device.SetNumX(1)
        await device.SetNumY(1)
        await device.StartExposure(0.0, False)
        await self.finished(0.0, self.clock.seconds())
        await self.image()
        await self.reconnected()
        await self.is_new()
        await device.StartExposure(seconds, True)
        await self.reconnected()
        await self.is_new()
        await self.pause(seconds + 1.0)
        await self.nothing_came("a new link")

    # words

    async def is_new(self) -> None:
        """What a camera is after it was connected."""
        device = self.device
        self.same("CameraState at the start", await device.CameraState(), CameraState.Idle)
        self.same("ImageReady at the start", await device.ImageReady(), False)
        self.same("BinX and BinY at the start", (await device.BinX(), await device.BinY()), (1, 1))
        self.same("StartX and StartY at the start", (await device.StartX(), await device.StartY()), (0, 0))
        whole = await device.CameraXSize(), await device.CameraYSize()
        self.same("NumX and NumY at the start", (await device.NumX(), await device.NumY()), whole)
        for member in ("ImageArray", "ImageArrayVariant", "LastExposureDuration", "LastExposureStartTime"):
            await self.refused(0x40B, getattr(device, member)(), f"{member} before the first exposure")
        if await device.CanPulseGuide():
            self.same("IsPulseGuiding at the start", await device.IsPulseGuiding(), False)

    async def reconnected(self) -> None:
        """The link is closed and opened again."""
        await self.device.SetConnected(False)
        await self.device.SetConnected(True)

    async def seconds(self) -> float:
        """How long an exposure to be checked lasts."""
        return float(min(max(EXPOSURE, await self.device.ExposureMin()), await self.device.ExposureMax()))

    async def binnings(self) -> list[tuple[int, int]]:
        """The binnings to be exposed at: all that are square, and the most oblong ones."""
        x, y = await self.device.MaxBinX(), await self.device.MaxBinY()
        square = [(each, each) for each in range(1, min(x, y) + 1)]
        return list(dict.fromkeys([*square, (x, 1), (1, y)])) if await self.device.CanAsymmetricBin() else square

    async def frame(self, x: int, y: int) -> None:
        """The whole sensor, at a binning."""
        device = self.device
        for axis, binning in (("X", x), ("Y", y)):
            await getattr(device, f"SetBin{axis}")(binning)
            await getattr(device, f"SetStart{axis}")(0)
            await getattr(device, f"SetNum{axis}")(await getattr(device, f"Camera{axis}Size")() // binning)

    async def toggled(self, member: str) -> None:
        """A switch that can be turned over and back."""
        was = await getattr(self.device, member)()
        for wanted in (not was, was):
            await getattr(self.device, f"Set{member}")(wanted)
            self.same(f"{member} after it was set", await getattr(self.device, member)(), wanted)

    async def chosen(self, member: str) -> None:
        """What is chosen from a list or between two bounds, if it is there at all."""
        read, write = getattr(self.device, member), getattr(self.device, f"Set{member}")
        was = await self.optional(read())
        names = await self.optional(getattr(self.device, f"{member}s")())
        low, high = [await self.optional(getattr(self.device, f"{member}{end}")()) for end in ("Min", "Max")]
        if was is None:
            self.same(f"what {member}s, {member}Min and {member}Max give without {member}", [names, low, high], [None] * 3)
            await self.refused(0x400, write(0), f"{member} on a camera without it")
            return
        self.same(f"whether {member}Min is there, as {member}Max is,", low is not None, high is not None)
        self.same(f"whether {member}s is there, besides {member}Min and {member}Max,", names is not None, low is None)
        if names is not None:
            self.holds(bool(names) and all(each.strip() for each in names), f"{member}s is {names}")
            low, high = 0, len(names) - 1
        self.holds(low <= was <= high, f"{member} is {was}, not in {low}..{high}")
        for each in (low, high, was):
            await write(each)
            self.same(f"{member} after it was set", await read(), each)
        for outside in (low - 1, high + 1):
            await self.refused(0x401, write(outside), f"{member} {outside}")
            self.same(f"{member} after {outside} was refused", await read(), was)

    async def nothing_came(self, of: str) -> None:
        """No exposure is under way, and none left an image."""
        self.same(f"CameraState after {of}", await self.device.CameraState(), CameraState.Idle)
        self.same(f"ImageReady after {of}", await self.device.ImageReady(), False)

    async def half_way(self, seconds: float, after: float | None = None) -> None:
        """An exposure is under way, half of it if not said how far."""
        await self.quickly("StartExposure", self.device.StartExposure(seconds, True))
        await self.pause(seconds / 2 if after is None else min(after, seconds / 2))
        self.same(f"CameraState during an exposure of {seconds:g} s", await self.device.CameraState(), CameraState.Exposing)

    async def exposed(self, seconds: float, light: bool = True) -> None:
        """An exposure, watched from its start to its image."""
        device = self.device
        self.same("CameraState before StartExposure", await device.CameraState(), CameraState.Idle)
        earliest, began = await self.time_of_day(), self.clock.seconds()
        await self.quickly("StartExposure", device.StartExposure(seconds, light))
        state = await device.CameraState()
        self.holds(state in UNDER_WAY, f"CameraState is {CameraState(state).name} just after StartExposure")
        self.same("ImageReady just after StartExposure", await device.ImageReady(), False)
        await self.until("CameraState after StartExposure", device.CameraState, CameraState.Exposing, WITHIN)
        latest = await self.time_of_day()
        await self.finished(seconds, began)
        duration = await device.LastExposureDuration()
        self.holds(abs(duration - seconds) <= 0.02 * seconds, f"LastExposureDuration is {duration}, and {seconds} was asked for")
        start = self.fits_time(await device.LastExposureStartTime())
        self.holds(
            earliest - timedelta(seconds=2) <= start <= latest + timedelta(seconds=1),
            f"LastExposureStartTime is {start}, and the exposure began between {earliest} and {latest}",
        )
        await self.image()
        for member, can in (("StopExposure", device.CanStopExposure), ("AbortExposure", device.CanAbortExposure)):
            if await can():
                await getattr(device, member)()
                self.same(f"CameraState after {member} at rest", await device.CameraState(), CameraState.Idle)

    async def finished(self, seconds: float, began: float) -> None:
        """
        The rest of an exposure: not shorter than it was asked to be, and idle exactly when its image is ready.

        The state is read before and after ImageReady, so that what changes between two answers is not taken for a contradiction.
        """
        device, over, due = self.device, False, self.clock.seconds() + max(WITHIN, 1.5 * seconds)
        while True:
            state, ready, then = await device.CameraState(), await device.ImageReady(), await device.CameraState()
            self.holds(CameraState.Error not in (state, then), "CameraState is Error during an exposure")
            self.holds(state != CameraState.Idle or ready, "CameraState is Idle after an exposure, and ImageReady is False")
            self.holds(not ready or then == CameraState.Idle, f"ImageReady is True, and CameraState {CameraState(then).name}")
            self.holds(not (over and state in UNDER_WAY), f"CameraState is {CameraState(state).name} after the exposure was over")
            now = self.clock.seconds()
            if not over and state not in UNDER_WAY:
                over, due = True, now + WITHIN
                took = now - began
                self.holds(took >= SHORT_OF * seconds, f"CameraState leaves Exposing after {took:.1f} s of {seconds:g}")
            if ready:
                break
            self.holds(now <= due, f"CameraState is still {CameraState(state).name} {now - began:.1f} s after StartExposure")
            percent = await self.optional(device.PercentCompleted())
            self.holds(percent is None or 0 <= percent <= 100, f"PercentCompleted is {percent} during an exposure")
            await self.pause(SAMPLE)
        entries = {item.Name: item.Value for item in await device.DeviceState()}
        found = {name: entries.get(name) for name in ("CameraState", "ImageReady")}
        self.same("DeviceState after an exposure", found, {"CameraState": CameraState.Idle, "ImageReady": True})

    async def time_of_day(self) -> datetime:
        """UTC, as the device has it."""
        (stamp,) = [item.Value for item in await self.device.DeviceState() if item.Name == "TimeStamp"] or [""]
        self.holds(bool(stamp), "DeviceState has no TimeStamp")
        return datetime.fromisoformat(stamp)

    def fits_time(self, text: str) -> datetime:
        """A point in time as FITS writes it."""
        sentence = f"LastExposureStartTime is {text!r}, not as 2026-01-31T22:15:00.000"
        self.holds(FITS_TIME.fullmatch(text) is not None, sentence)
        try:
            return datetime.fromisoformat(text).replace(tzinfo=UTC)
        except ValueError:
            raise AssertionError(sentence) from None

    async def image(self) -> None:
        """The image that is ready: of the frame that is set, the same under both names."""
        device = self.device
        wanted = await device.NumX(), await device.NumY()
        colour = await self.optional(device.SensorType()) == SensorType.Color
        most, images = await device.MaxADU(), []
        for member in ("ImageArray", "ImageArrayVariant"):
            began = self.clock.seconds()
            given = await getattr(device, member)()
            took = self.clock.seconds() - began
            self.holds(took <= WITHIN, f"{member} took {took:.1f} s")
            height, width, *planes = given.array.shape
            axes = ": its axes are swapped" if (height, width) == wanted else ""
            sentence = f"{member} is {width} wide and {height} high, and NumX is {wanted[0]} and NumY {wanted[1]}{axes}"
            self.holds((width, height) == wanted, sentence)
            count = planes[0] if planes else 0
            self.holds(count >= 2 if colour else not planes, f"{member} has {count} planes, and SensorType.Color is {colour}")
            highest = given.pixels.max()
            self.holds(highest <= most, f"{member} has a pixel of {highest}, above MaxADU {most}")
            whole = given.kind is ElementType.Int32
            self.holds(whole or member == "ImageArrayVariant", "ImageArray has pixels that are not whole numbers")
            images.append(given.pixels)
        self.holds((images[0] == images[1]).all(), "ImageArrayVariant is not the same image as ImageArray")
