"""What every bank of switches passes."""

# Facts
#   The official checker looks 3 s after a write, whether it is done, and allows 10 s for an asynchronous change, which must not
#   say that it is done before its value can be read. A value is right within 1 percent: a lowest value of 0 has to be exactly 0.
#   Values between two steps are taken, and may be rounded; whole steps are read back within 1 percent of a step.
#   An Id that is not there is refused with 0x401, whatever else is wrong: it tries -1 and one too high, and looks for names
#   a hundred below and above.

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from pylpaca.errors import AlpacaError, InvalidOperation, ValueNotSet
from pylpaca.interfaces import ISwitch, operations
from pylpaca.testing.conformance.program import POLL, SAMPLES, Conformance, part

VISIBLE_WITHIN = 3.0
CHANGE_WITHIN = 10.0
SAMPLE = 0.2
MOST = 32_667
SCAN = 100
VALUES = 11  # whole steps that are tried
BETWEEN = 3  # values between steps that are tried, for each quarter of a step
SHORTEST = 0.3  # seconds; a change that is faster cannot be cancelled from outside


@dataclass(frozen=True)
class One:
    """One switch, and what it says of itself."""

    number: int
    low: float
    high: float
    step: float
    writable: bool
    slow: bool

    @property
    def steps(self) -> int:
        """How many steps lead from its lowest to its highest value."""
        return round((self.high - self.low) / self.step)

    def at(self, step: float) -> float:
        """The value so many steps above the lowest."""
        return self.low + (self.high - self.low) * step / self.steps


def near(value: float, target: float) -> bool:
    """Whether a value that was set is read back."""
    return 0.99 * target <= value <= 1.01 * target


class SwitchConformance(Conformance):
    """Relays, dimmers and gauges; asynchronous ones, too."""

    interface: ClassVar[Any] = ISwitch

    @part
    async def test_properties(self) -> None:
        """What each switch says of itself fits together, and its value is in its range."""
        for one in await self.all():
            number = one.number
            for member in ("GetSwitchName", "GetSwitchDescription"):
                text = await getattr(self.device, member)(number)
                self.holds(isinstance(text, str) and bool(text.strip()), f"{member} {number} is {text!r}")
            self.holds(one.writable or not one.slow, f"CanAsync {number} is True, and CanWrite {number} False")
            value, on = await self.readable("GetSwitchValue", number), await self.readable("GetSwitch", number)
            if value is None or on is None:
                continue
            self.holds(
                one.low <= value <= one.high, f"GetSwitchValue {number} is {value:g}, not from {one.low:g} to {one.high:g}"
            )
            if value in (one.low, one.high) and value == await self.readable("GetSwitchValue", number):
                self.holds(on == (value == one.high), f"GetSwitch {number} is {on} while GetSwitchValue {number} is {value:g}")

    @part
    async def test_ids(self) -> None:
        """An Id that is not there is refused with 0x401 by every member that has one."""
        device, count = self.device, await self.device.MaxSwitch()
        for operation in operations(ISwitch).values():
            if operation.optional or "Id" not in [each.name for each in operation.parameters]:
                continue
            others = [SAMPLES[each.kind] for each in operation.parameters[1:]]
            for number in (-1, count, count + 1):
                await self.refused(0x401, getattr(device, operation.method)(number, *others), f"{operation.method} {number}")
        for number in (*range(-SCAN, 0), *range(count, count + SCAN)):
            await self.refused(0x401, device.GetSwitchName(number), f"GetSwitchName {number}")

    @part
    async def test_names(self) -> None:
        """Each can be given its own name again and another one, or names cannot be changed at all."""
        device = self.device
        for number in range(await device.MaxSwitch()):
            name = await device.GetSwitchName(number)
            if await self.optional(self.named(number, name)) is None:
                continue
            for wanted in (f"{name} 2", name):
                await device.SetSwitchName(number, wanted)
                self.same(f"GetSwitchName {number} after SetSwitchName", await device.GetSwitchName(number), wanted)
        number = await device.MaxSwitch()
        if await self.optional(self.named(0, await device.GetSwitchName(0))) is not None:
            await self.refused(0x401, device.SetSwitchName(number, "None"), f"SetSwitchName {number}")

    async def named(self, number: int, name: str) -> bool:
        await self.device.SetSwitchName(number, name)
        return True

    @part
    async def test_incapable(self) -> None:
        """What a switch cannot do is refused with exactly 0x400, whatever the value."""
        device = self.device
        for one in await self.all():
            number, outside = one.number, one.high + 1
            if not one.writable:
                await self.refused(0x400, device.SetSwitch(number, False), f"SetSwitch {number}, which can only be read,")
                for value in (one.low, outside):
                    asked = device.SetSwitchValue(number, value)
                    await self.refused(0x400, asked, f"SetSwitchValue {number}, which can only be read,")
            if not one.slow:
                without = f"{number} without CanAsync"
                await self.refused(0x400, device.SetAsync(number, False), f"SetAsync {without}")
                for value in (one.low, outside):
                    await self.refused(0x400, device.SetAsyncValue(number, value), f"SetAsyncValue {without}")
                await self.refused(0x400, device.StateChangeComplete(number), f"StateChangeComplete {without}")
                await self.refused(0x400, device.CancelAsync(number), f"CancelAsync {without}")

    @part
    async def test_set_switch(self) -> None:
        """Off is the lowest value, on the highest; both are seen within 3 s, and last."""
        for one in await self.writable():
            original = await self.readable("GetSwitchValue", one.number)
            for on in (False, True, False):
                what, target = f"SetSwitch {one.number} {on}", one.high if on else one.low
                await self.device.SetSwitch(one.number, on)
                await self.seen(what, one, target)
                if on:
                    await self.pause(VISIBLE_WITHIN)
                    await self.judged(f"some time after {what}", one, target)
            await self.restored(one, original)

    @part
    async def test_set_switch_value(self) -> None:
        """Every value from the lowest to the highest is taken; whole steps are read back, values outside refused."""
        device = self.device
        for one in await self.writable():
            number, original = one.number, await self.readable("GetSwitchValue", one.number)
            for end, outside in ((one.low, one.low - 1), (one.high, one.high + 1)):
                await device.SetSwitchValue(number, end)
                await self.seen(f"SetSwitchValue {number} {end:g}", one, end)
                await self.refused(0x401, device.SetSwitchValue(number, outside), f"SetSwitchValue {number} {outside:g}")
                await self.judged(f"after {outside:g} was refused", one, end)
            for step in sorted({round(one.steps * each / (VALUES + 1)) for each in range(1, VALUES + 1)} - {0, one.steps}):
                await device.SetSwitchValue(number, one.at(step))
                await self.seen(f"SetSwitchValue {number} {one.at(step):g}", one, one.at(step))
            for step in sorted({one.steps * each // BETWEEN for each in range(BETWEEN)}):
                for quarter in (0.25, 0.5, 0.75):
                    await self.taken(one, one.at(step + quarter))
            await self.restored(one, original)

    async def taken(self, one: One, between: float) -> None:
        """A value between two steps: it is not refused, and what is read back is a value that the switch can have."""
        what = f"SetSwitchValue {one.number} {between:g}"
        try:
            await self.device.SetSwitchValue(one.number, between)
        except AlpacaError as error:
            raise AssertionError(f"{what}, between two steps, is refused with 0x{error.number:X} ({error})") from None
        value = await self.device.GetSwitchValue(one.number)
        self.holds(one.low <= value <= one.high, f"GetSwitchValue {one.number} is {value:g} after {what}")

    @part
    async def test_asynchronous(self) -> None:
        """A change returns at once and is done when its value can be read; nothing is under way before, or after a refusal."""
        device = self.device
        for one in await self.slow():
            number, original = one.number, await self.readable("GetSwitchValue", one.number)
            await self.complete(number, "at the start")
            await device.SetSwitchValue(number, one.low)
            await self.pause(VISIBLE_WITHIN)
            await self.judged("after SetSwitchValue", one, one.low)
            await self.complete(number, "after SetSwitchValue")
            for on in (False, True, False):
                await self.changed("SetAsync", one, on)
            half = one.at(one.steps // 2)
            for value, outside in ((one.low, one.low - 1), (half, None), (one.high, one.high + 1)):
                await self.changed("SetAsyncValue", one, value)
                if outside is not None:
                    await self.refused(0x401, device.SetAsyncValue(number, outside), f"SetAsyncValue {number} {outside:g}")
                    await self.complete(number, f"after {outside:g} was refused")
                    await self.judged(f"after {outside:g} was refused", one, value)
            await self.changed("SetAsyncValue", one, one.low if original is None else original)

    @part
    async def test_cancel(self) -> None:
        """A change that is given up does not happen later, and says that it was given up until there is another one."""
        device = self.device
        for one in await self.slow():
            number, original = one.number, await self.readable("GetSwitchValue", one.number)
            await self.changed("SetAsyncValue", one, one.low)
            seconds = await self.changed("SetAsyncValue", one, one.high)
            await self.changed("SetAsyncValue", one, one.low)
            if seconds >= SHORTEST:
                await device.SetAsyncValue(number, one.high)
                await self.quickly(f"CancelAsync {number}", device.CancelAsync(number))
                for _ in range(2):
                    await self.refused(
                        0x40E, device.StateChangeComplete(number), f"StateChangeComplete {number} after CancelAsync"
                    )
                    await self.pause(seconds + 1.0)
                value = await device.GetSwitchValue(number)
                self.holds(
                    not near(value, one.high), f"GetSwitchValue {number} is {value:g} after CancelAsync: it was not given up"
                )
            await self.changed("SetAsync", one, False)
            await self.changed("SetAsyncValue", one, one.low if original is None else original)

    @part
    async def test_several(self) -> None:
        """Changes of several switches at the same time do not disturb each other."""
        slow = await self.slow()
        originals = [await self.readable("GetSwitchValue", one.number) for one in slow]
        for pick in (lambda one: one.low, lambda one: one.high):
            for one in slow:
                await self.quickly(f"SetAsyncValue {one.number}", self.device.SetAsyncValue(one.number, pick(one)))
            for one in slow:
                await self.done(f"SetAsyncValue {one.number} {pick(one):g}, together with others", one, pick(one))
        for one, original in zip(slow, originals, strict=True):
            await self.changed("SetAsyncValue", one, one.low if original is None else original)

    @part
    async def test_new_link(self) -> None:
        """Changes that were under way or given up when the link was closed leave nothing behind that a new one hears of."""
        device = self.device
        for give_up in (False, True):
            for one in await self.slow():
                number, original = one.number, await self.readable("GetSwitchValue", one.number)
                await device.SetAsyncValue(number, one.high)
                if give_up:
                    await device.CancelAsync(number)
                await device.SetConnected(False)
                await device.SetConnected(True)
                await self.finished(f"a new link, {'CancelAsync' if give_up else 'SetAsyncValue'} on the last", number)
                await self.restored(one, original)

    # words

    async def all(self) -> list[One]:
        """Every switch; what it says of its range makes sense."""
        device, found = self.device, []
        count = await device.MaxSwitch()
        self.holds(1 <= count <= MOST, f"MaxSwitch is {count}")
        for number in range(count):
            low, high = await device.MinSwitchValue(number), await device.MaxSwitchValue(number)
            step, writable = await device.SwitchStep(number), await device.CanWrite(number)
            self.holds(low < high, f"MinSwitchValue {number} is {low:g}, and MaxSwitchValue {number} {high:g}")
            self.holds(low >= 0 or not writable, f"MinSwitchValue {number} is {low:g}; where CanWrite is True it is 0 or more")
            self.holds(0 < step <= high - low, f"SwitchStep {number} is {step:g}, from {low:g} to {high:g}")
            one = One(number, low, high, step, writable, await device.CanAsync(number))
            left = abs(high - low - one.steps * step)
            self.holds(left <= 0.01 * step, f"SwitchStep {number} is {step:g}: no whole number of these from {low:g} to {high:g}")
            found.append(one)
        return found

    async def writable(self) -> list[One]:
        """Those that can be set."""
        return [one for one in await self.all() if one.writable]

    async def slow(self) -> list[One]:
        """Those that can be set asynchronously."""
        return [one for one in await self.all() if one.slow]

    async def readable(self, member: str, number: int) -> Any:
        """What can be read, or None while it cannot, as before a first write."""
        try:
            return await getattr(self.device, member)(number)
        except (ValueNotSet, InvalidOperation):
            return None

    async def wrong(self, one: One, target: float) -> str:
        """What is not as it should be at a value that was set; nothing if it all is."""
        value, on = await self.device.GetSwitchValue(one.number), await self.device.GetSwitch(one.number)
        if target in (one.low, one.high):
            if near(value, target) and on != (target == one.high):
                return f"GetSwitch {one.number} is {on} at the value {value:g}"
            right = near(value, target)
        else:
            right = abs(value - target) <= 0.01 * one.step
        return "" if right else f"GetSwitchValue {one.number} is {value:g}, not {target:g},"

    async def judged(self, when: str, one: One, target: float) -> None:
        """A value that was set, and can be read now."""
        sentence = await self.wrong(one, target)
        self.holds(not sentence, f"{sentence} {when}")

    async def seen(self, what: str, one: One, target: float) -> None:
        """A value that was set, and can be read soon."""
        began = self.clock.seconds()
        while sentence := await self.wrong(one, target):
            self.holds(self.clock.seconds() - began < VISIBLE_WITHIN, f"{sentence} {VISIBLE_WITHIN:g} s after {what}")
            await self.pause(POLL)

    async def restored(self, one: One, original: float | None) -> None:
        """The value that it had before."""
        if original is not None:
            await self.device.SetSwitchValue(one.number, original)
            await self.seen(f"SetSwitchValue {one.number} {original:g}", one, original)

    async def changed(self, member: str, one: One, to: bool | float) -> float:
        """An asynchronous change, watched to its end; how many seconds it took."""
        what = f"{member} {one.number} {to}"
        began, number = self.clock.seconds(), one.number
        await self.quickly(what, getattr(self.device, member)(number, to))
        before = await self.is_complete(number, f"after {what}")
        state = {item.Name: item.Value for item in await self.device.DeviceState()}
        if before == await self.is_complete(number, f"after {what}"):
            self.same(
                f"StateChangeComplete{number} in DeviceState after {what}", state.get(f"StateChangeComplete{number}"), before
            )
        target = (one.high if to else one.low) if isinstance(to, bool) else to
        await self.done(what, one, target)
        return float(self.clock.seconds() - began)

    async def done(self, what: str, one: One, target: float) -> None:
        """The rest of an asynchronous change: as soon as it is complete its value can be read."""
        await self.finished(what, one.number)
        await self.judged(f"when {what} is complete", one, target)

    async def finished(self, what: str, number: int) -> None:
        """Wait until nothing is under way."""
        began = self.clock.seconds()
        while not await self.is_complete(number, f"after {what}"):
            waited = self.clock.seconds() - began
            self.holds(waited < CHANGE_WITHIN, f"StateChangeComplete {number} is still False {CHANGE_WITHIN:g} s after {what}")
            await self.pause(SAMPLE)

    async def is_complete(self, number: int, when: str) -> bool:
        """StateChangeComplete, which is not refused unless a change was given up."""
        try:
            return bool(await self.device.StateChangeComplete(number))
        except AlpacaError as error:
            raise AssertionError(f"StateChangeComplete {number} {when} is refused with 0x{error.number:X} ({error})") from None

    async def complete(self, number: int, when: str) -> None:
        """Nothing is under way."""
        self.same(f"StateChangeComplete {number} {when}", await self.is_complete(number, when), True)
