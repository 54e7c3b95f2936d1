"""What every conformance check stands on: a device to ask, a way to let time pass, and words for what must hold."""

# Facts
#   The official checker polls a state twice a second, waits for a connection 5 s, and takes an initiator that lasts longer than a
#   second for a synchronous one.

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from inspect import isfunction
from typing import Any, ClassVar

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock, deferLater
from twisted.python.failure import Failure

from pylpaca.calls import settled
from pylpaca.dispatch import call
from pylpaca.errors import AlpacaError, MemberNotImplemented
from pylpaca.interfaces import Operation, device_type, interface_version, operations
from pylpaca.protocol import written
from pylpaca.roster import Entry
from pylpaca.testing import MemoryServer, SerialDouble

Part = Callable[[Any], Coroutine[Any, Any, None]]

LONGEST = 3600.0  # simulated seconds that one check may take
POLL = 0.5
CONNECT_WITHIN = 5.0


def part(check: Part) -> Callable[[Any], Any]:
    """Makes a trial test of a coroutine that checks one part of a device's program, on a connected device."""

    def test(self: Any) -> Any:
        return self.perform(self.connected(check))

    test.__doc__ = check.__doc__
    test.__name__ = check.__name__
    test.__dict__["check"] = check
    return test


class Direct:
    """A driver in memory, asked by its own rules, without HTTP; what it gives is checked to be of the declared type."""

    def __init__(self, entry: Entry) -> None:
        self._driver = entry.driver

    def __getattr__(self, method: str) -> Callable[..., Awaitable[Any]]:
        operation = operations(self._driver.interface)[method]
        names = [parameter.name for parameter in operation.parameters]

        async def ask(*values: Any) -> Any:
            arguments = dict(zip(names, values, strict=True))
            try:
                value = await settled(call(self._driver, operation, arguments))
                written(operation, value)
            except AlpacaError as error:
                error.add_note(f"when asked for {method}{values}")
                raise
            return value if operation.form is None else operation.form.shown(value)

        return ask


class Conformance:
    """
    The checks that every device passes; a mix-in for trial's test cases.

    In three lines, for a driver of your own:

        class MyFocuserTests(FocuserConformance, SynchronousTestCase):
            driver = MyFocuser

    :cvar driver: the class to check, in memory, on a simulated clock.
    :cvar settings: its `driver_config`.
    """

    interface: ClassVar[Any]
    driver: ClassVar[type | None] = None
    settings: ClassVar[Mapping[str, Any]] = {}

    device: Any
    connects_within = CONNECT_WITHIN

    # how the device is reached; other ways override these three

    def setUp(self) -> None:
        super().setUp()  # type: ignore[misc]  # of trial's test case
        if self.driver is None:
            raise AssertionError(f"{type(self).__name__}: say which driver is to be checked: driver = …")
        self.server = self.memory_server()
        self.clock: Any = self.server.clock
        (entry,) = self.server.roster
        self.device = Direct(entry)

    def memory_server(self) -> MemoryServer:
        """A server with the driver alone."""
        assert self.driver is not None
        kind = device_type(self.interface).lower()
        entry = {"device_type": kind, "device_number": 0, "driver_config": dict(self.settings)}
        entry["device_driver"] = f"{self.driver.__module__}:{self.driver.__qualname__}"
        return MemoryServer({"drivers": [entry]}, serial=self.ports())

    def ports(self) -> Mapping[str, SerialDouble]:
        """The other ends of the serial ports that the driver opens, by the name of the port."""
        return {}

    def perform(self, check: Coroutine[Any, Any, None]) -> Any:
        """Run a check to its end; time is simulated, so it takes none."""
        done = Deferred.fromCoroutine(check)
        run_out(self.clock, done)
        outcome: list[Any] = []
        done.addBoth(outcome.append)
        if isinstance(outcome[0], Failure):
            outcome[0].raiseException()

    # words

    def holds(self, condition: bool, sentence: str) -> None:
        """What must hold."""
        if not condition:
            raise AssertionError(sentence)

    def same(self, what: str, found: Any, expected: Any) -> None:
        """What must be equal."""
        if found != expected:
            raise AssertionError(f"{what} is {found!r}, not {expected!r}")

    async def pause(self, seconds: float) -> None:
        """Let time pass."""
        await deferLater(self.clock, seconds)

    async def refused(self, number: int, asked: Awaitable[Any], what: str) -> None:
        """What must be refused with exactly this number."""
        try:
            value = await asked
        except AlpacaError as error:
            if error.number != number:
                raise AssertionError(f"{what} is refused with 0x{error.number:X} ({error}), not with 0x{number:X}") from None
            return
        raise AssertionError(f"{what} must be refused with 0x{number:X}, and gave {value!r}")

    async def optional(self, asked: Awaitable[Any]) -> Any:
        """The value of a member, or None if it is not implemented, which must be said with exactly 0x400."""
        try:
            return await asked
        except MemberNotImplemented:
            return None

    async def until(self, what: str, read: Callable[[], Awaitable[Any]], wanted: Any, within: float) -> float:
        """Poll until a member has a value; how long that took. It must not fail meanwhile."""
        waited = 0.0
        while (found := await read()) != wanted:
            if waited >= within:
                raise AssertionError(f"{what} is still {found!r} after {within:g} s, not {wanted!r}")
            await self.pause(POLL)
            waited += POLL
        return waited

    async def quickly(self, what: str, asked: Awaitable[Any]) -> None:
        """An initiator: it returns within a second."""
        began = self.clock.seconds()
        await asked
        self.holds(self.clock.seconds() - began <= 1.0, f"{what} took {self.clock.seconds() - began:.1f} s to return")

    # connecting

    async def connected(self, check: Part) -> None:
        """A check of a device that is connected for it, and disconnected afterwards."""
        await self.device.SetConnected(True)
        try:
            await check(self)
        finally:
            await self.device.SetConnected(False)

    async def program(self) -> None:
        """Every part, in the order in which they stand, on one device."""
        for check in self.parts():
            await self.connected(check)

    @classmethod
    def parts(cls) -> list[Part]:
        """The parts of the program, those common to all devices first."""
        found: dict[str, Part] = {}
        for each in reversed(cls.__mro__):
            parts = {name: vars(test)["check"] for name, test in vars(each).items() if isfunction(test) and "check" in vars(test)}
            found.update(parts)
        return list(found.values())

    def test_program_twice(self) -> Any:
        """The whole program passes twice in a row on one device, whatever state the first run left it in."""

        async def twice() -> None:
            await self.program()
            await self.program()

        return self.perform(twice())

    def test_connecting(self) -> Any:
        """Connected and Connect, Disconnected and Disconnect; before, during and after."""
        return self.perform(self.connecting())

    async def connecting(self) -> None:
        """The sequence in which the official checker connects."""
        device = self.device
        self.same("Connecting before the first connect", await device.Connecting(), False)
        self.same("InterfaceVersion", await device.InterfaceVersion(), interface_version(self.interface))
        for operation in operations(self.interface).values():
            if operation.verb == "GET" and operation.while_disconnected:
                await getattr(device, operation.method)()
        for operation in self.needing_a_connection():
            arguments = [SAMPLES[each.kind] for each in operation.parameters if each.kind in SAMPLES]
            if len(arguments) == len(operation.parameters):
                asked = getattr(device, operation.method)(*arguments)
                await self.refused(0x407, asked, f"{operation.method} while disconnected")
        for wanted in (True, True, False, False, True):
            await device.SetConnected(wanted)
            self.same("Connected just after it was set", await device.Connected(), wanted)
        await device.SetConnected(False)
        for _ in range(2):
            await self.quickly("Connect", device.Connect())
            await self.until("Connecting", device.Connecting, False, self.connects_within)
            self.same("Connected after Connect", await device.Connected(), True)
        for _ in range(2):
            await self.quickly("Disconnect", device.Disconnect())
            await self.until("Connecting", device.Connecting, False, self.connects_within)
            self.same("Connected after Disconnect", await device.Connected(), False)

    def needing_a_connection(self) -> list[Operation]:
        """What answers only while connected."""
        return [each for each in operations(self.interface).values() if not each.while_disconnected]

    @part
    async def test_common(self) -> None:
        """Names, description and actions are texts a person can read; unknown actions and old commands are refused."""
        for member in ("Name", "Description", "DriverInfo", "DriverVersion"):
            self.holds(bool((await getattr(self.device, member)()).strip()), f"{member} is empty")
        actions = await self.device.SupportedActions()
        self.holds(
            all(isinstance(each, str) and each.strip() for each in actions), f"SupportedActions has empty names: {actions}"
        )
        magic = {"safetyevents", "setexternalevents", "clearexternalevents"} & {each.strip().lower() for each in actions}
        self.holds(not magic, f"SupportedActions has names with a special meaning: {sorted(magic)}")
        await self.refused(0x40C, self.device.Action("NoSuchAction", ""), "an unknown action")

    @part
    async def test_device_state(self) -> None:
        """DeviceState has the names it may have, each with the value that its member gives, and leaves out what has none."""
        before = await self.single_values()
        state = {item.Name: item.Value for item in await self.device.DeviceState()}
        after = await self.single_values()
        stamp = state.pop("TimeStamp", "")
        self.holds(str(stamp).endswith("Z"), f"DeviceState has the TimeStamp {stamp!r}, not one in UTC that ends in Z")
        self.same("the names in DeviceState", sorted(state), sorted(before))
        for name, value in state.items():
            self.holds(
                self.between(before[name], value, after[name]), f"DeviceState has {value!r} for {name}, not {before[name]!r}"
            )

    def between(self, before: Any, value: Any, after: Any) -> bool:
        """Whether a value can have been read between two others; numbers may move on the way."""
        if isinstance(value, float):
            return bool(min(before, after) - 1e-3 <= value <= max(before, after) + 1e-3)
        return isinstance(value, str) or value in (before, after)

    async def single_values(self) -> dict[str, Any]:
        """What the members of DeviceState give one by one."""
        found = {}
        for operation in operations(self.interface).values():
            if not operation.in_state:
                continue
            many = range(await self.device.MaxSwitch()) if operation.parameters else [None]
            for number in many:
                arguments = () if number is None else (number,)
                try:
                    value = await getattr(self.device, operation.method)(*arguments)
                except AlpacaError:
                    continue
                found[f"{operation.member}{'' if number is None else number}"] = value
        return found


SAMPLES: Mapping[Any, Any] = {bool: False, int: 0, float: 0.0, str: ""}


def apart(first: float, second: float) -> float:
    """The angle between two directions, in degrees."""
    return abs((first - second + 180) % 360 - 180)


def run_out(clock: Clock, done: Deferred[Any]) -> None:
    """Let simulated time pass until a Deferred has fired, from one thing that is due to the next."""
    ends = clock.seconds() + 10 * LONGEST
    while not done.called and clock.seconds() < ends:
        due = [each.getTime() for each in clock.getDelayedCalls()]
        if not due:
            raise AssertionError("nothing is due any more, and the check is not done: something never answers")
        clock.advance(max(0.0, min(due) - clock.seconds()))
