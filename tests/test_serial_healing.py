"""A cable that is pulled and put back, and the link of a device whose cable is not."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from pylpaca.device import SafetyMonitor, Surroundings
from pylpaca.errors import DriverError, InvalidOperation, Unavailable
from pylpaca.serial import LineFraming, SerialLine, SerialSettings
from tests.lines import LineTestCase
from tests.serial_full import polled

VANISHED = "port COM9 vanished: is the cable plugged in?"


class HealingTestCase(LineTestCase):
    def plug_in(self) -> None:
        """The cable is put back."""
        self.ports.there = True

    def doing(self, asked: Deferred[Any]) -> str:
        """What is done about a port that vanished."""
        return self.why(asked).removeprefix(VANISHED).strip()


class LossTests(HealingTestCase):
    def test_pending(self) -> None:
        """A port that vanishes fails every command at once, and those that come later, which are told what is done about it."""
        line = self.joined()
        first, second, third = line.ask(b"A"), line.ask(b"B"), line.tell(b"C")
        self.unplug()
        self.assertEqual([self.why(each) for each in (first, second, third)], [VANISHED] * 3)
        self.assertEqual(self.doing(line.ask(b"D")), "It is looked for, for 60 s more")
        self.pass_time(20)
        self.assertEqual(self.doing(line.tell(b"D")), "It is looked for, for 40 s more")

    def test_asked_at_once(self) -> None:
        """Who is told may ask at once, and is told again."""
        line = self.joined()
        told: list[str] = []

        async def insist() -> None:
            for _ in range(3):
                try:
                    await line.ask(b"A")
                except DriverError as error:
                    told.append(str(error))

        Deferred.fromCoroutine(insist())
        self.unplug()
        self.assertEqual((told[0], len(told)), (VANISHED, 3))

    def test_back(self) -> None:
        """When it is there again it is opened, with one line in the log when it went and one when it came."""
        line = self.joined("dome")
        self.joined("focuser")
        self.unplug()
        self.pass_time(12.25)
        self.assertEqual(self.logged, [("warn", "port COM9 of dome and focuser vanished: is the cable plugged in?")])
        self.plug_in()
        self.pass_time(0.5)
        self.assertEqual(self.logged[1:], [("info", "port COM9 is back after 12.5 s")])
        reply = line.ask(b"A")
        self.assertEqual(self.sent(), b"A\r\n")
        self.say(b"1\r\n")
        self.assertEqual((self.successResultOf(reply), len(self.ports.wires)), (b"1", 2))
        self.pass_time(100)
        self.assertEqual((self.given_up, len(self.logged), self.clock.getDelayedCalls()), ([], 2, []))

    def test_looked_for(self) -> None:
        """It is looked for twice a second, and nothing else is done meanwhile."""
        self.joined()
        self.unplug()
        self.pass_time(10)
        self.assertEqual((self.ports.looks, len(self.ports.wires)), (20, 1))

    def test_cannot_be_looked_for(self) -> None:
        """When looking for it fails it is not there, which is logged once; it is looked for again, and found."""
        line = self.joined()
        self.unplug()
        is_there, looks = self.ports.is_there, []

        def fails(port: str) -> bool:
            looks.append(port)
            raise TypeError("the system says nothing of it")

        self.patch(self.ports, "is_there", fails)
        self.pass_time(5)
        self.assertEqual((len(looks), len(self.flushLoggedErrors(TypeError))), (10, 1))
        self.patch(self.ports, "is_there", is_there)
        self.plug_in()
        self.pass_time(0.5)
        line.tell(b"A")
        self.assertEqual(self.sent(), b"A\r\n")

    def test_what_was_half_heard(self) -> None:
        """Half of what was said before it vanished is not glued to what is said afterwards."""
        self.joined(unsolicited=self.unsolicited.append)
        self.say(b"but")
        self.unplug()
        self.plug_in()
        self.pass_time(0.5)
        self.say(b"button 2\r\n")
        self.assertEqual(self.unsolicited, [b"button 2"])

    def test_serial_server(self) -> None:
        """Of a serial server the person is asked something else."""
        line = self.joined(port="tcp://192.0.2.9:4001")
        self.ports.wire.break_off()
        self.assertIn("port tcp://192.0.2.9:4001 vanished: does the serial server run?", self.why(line.ask(b"A")))

    def test_closed_meanwhile(self) -> None:
        """A device that is disconnected meanwhile is not looked for any more."""
        line = self.joined()
        self.unplug()
        self.successResultOf(line.close())
        self.clock.advance(0)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(self.why(line.ask(b"A")), "port COM9 was closed")

    def test_joined_meanwhile(self) -> None:
        """A device that wants to be connected meanwhile is told at once."""
        self.joined("focuser")
        self.unplug()
        self.assertEqual(self.why(self.joining("rotator")), f"{VANISHED} It is looked for")

    def test_lost_again(self) -> None:
        """Lost again, it is looked for again, as patiently as the first time."""
        line = self.joined()
        for _ in range(3):
            self.unplug()
            self.pass_time(50)
            self.plug_in()
            self.pass_time(2)
        self.assertEqual([level for level, _ in self.logged], ["warn", "info"] * 3)
        line.tell(b"A")
        self.assertEqual(self.sent(), b"A\r\n")


class PolledTests(SynchronousTestCase):
    def test_two_lines(self) -> None:
        """However often a device is asked while its cable is out, the log has one line when it went and one when it is back."""
        self.assertTrue(polled(5))


class BackOffTests(HealingTestCase):
    def tries(self, seconds: float) -> list[float]:
        """When it is tried to open it, in seconds since now."""
        start, found = self.clock.seconds(), []
        open_port = self.ports.open

        def noted(*arguments: Any) -> Any:
            found.append(round(self.clock.seconds() - start, 3))
            return open_port(*arguments)

        self.patch(self.ports, "open", noted)
        self.pass_time(seconds)
        return found

    def test_cannot_be_opened(self) -> None:
        """What is there and cannot be opened is tried after longer and longer, and callers are told the reason."""
        line = self.joined()
        self.ports.refusal = DriverError("no permission")
        self.ports.wire.break_off()
        self.assertEqual(self.tries(47), [0.5, 1.5, 3.5, 7.5, 15.5, 25.5, 35.5, 45.5])
        self.assertEqual(self.doing(line.ask(b"A")), "It is tried again, because: no permission")
        self.ports.refusal = None
        self.pass_time(9)
        line.tell(b"A")
        self.assertEqual((self.sent(), [level for level, _ in self.logged]), (b"A\r\n", ["warn", "info"]))

    def test_its_return_ends_the_wait(self) -> None:
        """When it vanishes meanwhile and comes back it is tried at once."""
        line = self.joined()
        self.ports.refusal = DriverError("no permission")
        self.ports.wire.break_off()
        self.pass_time(16)
        self.ports.there = False
        self.pass_time(1)
        self.assertIn("It is looked for", self.why(line.ask(b"A")))
        self.ports.refusal = None
        self.plug_in()
        self.pass_time(0.5)
        line.tell(b"A")
        self.assertEqual(self.sent(), b"A\r\n")

    def test_never_really_back(self) -> None:
        """What can be opened and is lost again at once is tried after longer and longer, and given up in time."""
        self.joined(keep_trying=20.0)
        connect = self.ports._connect

        def connect_and_break_off(line: Any) -> None:
            connect(line)
            self.clock.callLater(0, self.ports.wire.break_off)

        self.patch(self.ports, "_connect", connect_and_break_off)
        self.ports.wire.break_off()
        self.assertEqual(self.tries(30), [0.5, 1.5, 3.5, 7.5, 15.5])
        self.assertEqual(len(self.given_up), 1)

    def test_really_back(self) -> None:
        """What answered was really back, however soon it is lost again: it is not kept waiting for that."""
        line = self.joined()
        for _ in range(8):
            self.ports.wire.break_off()
            self.pass_time(0.5)
            line.ask(b"A")
            self.say(b"1\r\n")
        self.assertEqual([level for level, _ in self.logged], ["warn", "info"] * 8)


class PreparingTests(HealingTestCase):
    async def prepare(self, line: SerialLine) -> None:
        self.prepared_on = line
        if (name := await line.ask(b"?")) != b"roof":
            raise DriverError(f"this is {name!r}")

    def opened(self, **named: Any) -> SerialLine:
        joining = self.joining(prepare=self.prepare, **named)
        self.pass_time(named.get("wait_after_open", 0.0))
        self.sent()
        self.say(b"roof\r\n")
        return self.successResultOf(joining)

    def test_prepared_again(self) -> None:
        """After it was opened again the device is left alone, and set up; until then nobody else can use the line."""
        line = self.opened(wait_after_open=2.0)
        self.unplug()
        self.plug_in()
        self.pass_time(0.5)
        self.assertEqual(self.doing(line.ask(b"A")), "It is back, and being set up")
        self.pass_time(1.875)
        self.assertEqual(self.sent(), b"")
        self.pass_time(0.125)
        self.assertEqual(self.sent(), b"?\r\n")
        self.assertEqual(self.doing(line.tell(b"A", urgent=True)), "It is back, and being set up")
        self.say(b"roof\r\n")
        line.tell(b"A")
        self.assertEqual((self.sent(), [level for level, _ in self.logged]), (b"A\r\n", ["warn", "info"]))
        self.assertIs(self.prepared_on, line)

    def test_helpers(self) -> None:
        """What a preparation awaits may use the line, also in coroutines of its own."""

        async def ask(line: SerialLine, command: bytes) -> bytes:
            return await line.ask(command)

        async def prepare(line: SerialLine) -> None:
            for command in (b"1", b"2"):
                await Deferred.fromCoroutine(ask(line, command))

        joining = self.joining(prepare=prepare)
        self.say(b"1\r\n")
        self.say(b"2\r\n")
        line = self.successResultOf(joining)
        self.unplug()
        self.plug_in()
        self.pass_time(0.5)
        for command in (b"1\r\n", b"2\r\n"):
            self.assertEqual(self.sent(), command)
            self.say(command)
        line.tell(b"A")
        self.assertEqual(self.sent(), b"A\r\n")

    def test_another_device(self) -> None:
        """If it is another device, or none, it is not usable: the port is closed and tried again."""
        line = self.opened()
        self.unplug()
        self.plug_in()
        self.pass_time(0.5)
        self.say(b"kettle\r\n")
        self.assertFalse(self.ports.wire.is_open)
        self.assertEqual(self.doing(line.ask(b"A")), "It is tried again, because: this is b'kettle'")
        self.pass_time(1.0)
        self.pass_time(1.0)  # no answer
        self.assertEqual(self.doing(line.ask(b"A")), "It is tried again, because: no reply on COM9 to b'?' in 1 s")
        self.pass_time(2.0)
        self.say(b"roof\r\n")
        line.tell(b"A")
        self.assertEqual([level for level, _ in self.logged], ["warn", "info"])

    def test_lost_meanwhile(self) -> None:
        """Lost again while it is set up it is still the same loss."""
        line = self.opened()
        for _ in range(3):
            self.unplug()
            self.pass_time(2.0)  # by then the reply can come no more
            self.plug_in()
            self.pass_time(0.5)
            self.assertEqual(self.sent(), b"?\r\n")
        self.say(b"roof\r\n")
        line.tell(b"A")
        self.assertEqual([level for level, _ in self.logged], ["warn", "info"])

    def test_lost_meanwhile_after_an_answer(self) -> None:
        """Lost again while it is set up, after it answered something, it is not kept waiting for that."""

        async def prepare(line: SerialLine) -> None:
            await line.ask(b"1")
            await line.ask(b"2")

        joining = self.joining(prepare=prepare)
        self.say(b"1\r\n")
        self.say(b"2\r\n")
        self.successResultOf(joining)
        for _ in range(6):
            self.ports.wire.break_off()
            self.pass_time(2.0)
            self.assertEqual(self.sent(), b"1\r\n")
            self.say(b"1\r\n")
        self.say(b"2\r\n")
        self.assertEqual([level for level, _ in self.logged], ["warn", "info"])

    def test_insists(self) -> None:
        """A preparation that asks on after the port is gone is told so each time."""
        told: list[str] = []

        async def prepare(line: SerialLine) -> None:
            for _ in range(3):
                try:
                    await line.ask(b"?")
                except DriverError as error:
                    told.append(str(error))

        joining = self.joining(prepare=prepare)
        for _ in range(3):
            self.say(b"1\r\n")
        self.successResultOf(joining)
        self.unplug()
        self.plug_in()
        self.pass_time(0.5)
        self.unplug()
        self.assertEqual(told, [VANISHED] * 3)
        self.plug_in()
        self.pass_time(2.0)
        for _ in range(3):
            self.say(b"1\r\n")
        self.assertEqual([level for level, _ in self.logged], ["warn", "info"])

    def test_all_devices(self) -> None:
        """Every device at the cable is set up again before it can be used."""
        roof = self.opened()
        wheel = self.joined("wheel", prepare=lambda line: line.tell(b"W"))
        self.unplug()
        self.plug_in()
        self.pass_time(0.5)
        self.sent()
        for line in (roof, wheel):
            self.assertEqual(self.doing(line.ask(b"A")), "It is back, and being set up")
        self.say(b"roof\r\n")
        self.assertEqual(self.sent(), b"W\r\n")
        roof.tell(b"A")
        wheel.tell(b"B")
        self.assertEqual(self.sent(), b"A\r\nB\r\n")

    def test_mistake_of_a_driver(self) -> None:
        """A preparation that fails because of a mistake in the driver is logged, once, and tried again."""
        fails = False

        async def prepare(line: SerialLine) -> None:
            if fails:
                raise ZeroDivisionError("oops")

        line = self.joined(prepare=prepare)
        fails = True
        self.unplug()
        self.plug_in()
        self.pass_time(10)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(self.doing(line.ask(b"A")), "It is tried again, because: ZeroDivisionError: oops")

    def test_closed_by_its_own_preparation(self) -> None:
        """A preparation may close the line, and that is the end of it."""
        closing = False

        async def prepare(line: SerialLine) -> None:
            if closing:
                line.close()

        self.joined(prepare=prepare)
        closing = True
        self.unplug()
        self.plug_in()
        self.pass_time(10)
        self.assertEqual((self.ports.wire.is_open, self.clock.getDelayedCalls()), (False, []))

    def test_closed_while_being_prepared(self) -> None:
        """A device that is disconnected meanwhile has its port closed."""
        line = self.opened()
        self.unplug()
        self.plug_in()
        self.pass_time(0.5)
        self.successResultOf(line.close())
        self.clock.advance(0)
        self.assertEqual((self.ports.wire.is_open, self.clock.getDelayedCalls()), (False, []))
        self.pass_time(2.0)
        self.opened()


class OneOfTwoTests(HealingTestCase):
    """Two devices at one cable, of which one cannot be set up after the cable was out."""

    def setUp(self) -> None:
        super().setUp()
        self.preparing: Any = None
        self.roof = self.joined("roof", prepare=self.prepare_roof, keep_trying=30.0)
        self.wheel = self.joined("wheel", prepare=lambda line: line.tell(b"W"))
        self.sent()

    async def prepare_roof(self, line: SerialLine) -> None:
        if self.preparing is not None:
            await self.preparing(line)

    async def ask(self, line: SerialLine) -> None:
        await line.ask(b"?", within=0.5)

    def back(self, preparing: Any) -> None:
        self.preparing = preparing
        self.unplug()
        self.plug_in()
        self.pass_time(0.5)

    def test_neighbour_goes_on(self) -> None:
        """The other one is usable; only the calls of this one are refused, with its own reason, which the log has once."""
        self.back(self.ask)
        self.pass_time(1.0)
        self.assertEqual(self.sent(), b"?\r\nW\r\n")
        told = "roof on port COM9 cannot be set up again: no reply on COM9 to b'?' in 0.5 s"
        self.assertEqual(self.why(self.roof.ask(b"A")), f"{told}; it is tried again, for 28 s more")
        self.assertRaises(Unavailable, self.roof.require_open)
        self.wheel.require_open()
        self.pass_time(10)
        self.assertEqual([level for level, _ in self.logged], ["warn", "info", "warn"])
        self.assertEqual(self.logged[-1], ("warn", told))
        reply = self.wheel.ask(b"B", within=3.0)
        self.pass_time(1.0)
        self.say(b"2\r\n")
        self.assertEqual(self.successResultOf(reply), b"2")

    def test_tried_again(self) -> None:
        """It is tried again, after longer and longer, and usable when that can be done; the log says so."""
        self.back(self.ask)
        self.pass_time(1.0)
        self.ports.wire.clear()
        tries: list[float] = []
        start = self.clock.seconds()

        async def noted(line: SerialLine) -> None:
            tries.append(self.clock.seconds() - start)
            raise DriverError("not yet")

        self.preparing = noted
        self.pass_time(8)
        self.assertEqual(tries, [0.5, 1.5, 3.5, 7.5])
        self.preparing = None
        self.pass_time(9)
        self.assertEqual(self.logged[-1], ("info", "roof on port COM9 is set up again"))
        self.roof.tell(b"A")
        self.assertEqual(self.sent(), b"A\r\n")
        self.pass_time(60)
        self.assertEqual((self.given_up, self.clock.getDelayedCalls()), ([], []))

    def test_given_up(self) -> None:
        """Only it is given up after its time, and the reason is its own; the neighbour's port stays open."""
        self.back(self.ask)
        self.pass_time(60)
        why = "roof on port COM9 could not be set up again in 30 s: no reply on COM9 to b'?' in 0.5 s"
        self.assertEqual(self.given_up, [f"roof: {why}"])
        self.assertEqual((len(self.ports.wires), self.clock.getDelayedCalls()), (2, []))
        self.wheel.tell(b"B")
        self.assertEqual(self.sent()[-3:], b"B\r\n")

    def test_lost_again(self) -> None:
        """Its time runs on while the cable of both is out again."""
        self.back(self.ask)
        self.pass_time(20)
        self.back(self.ask)
        self.pass_time(9.5)
        self.assertEqual(len(self.given_up), 1)
        self.wheel.require_open()

    def test_leaves_meanwhile(self) -> None:
        """One that is disconnected while it is set up again is no reason to keep the other from it."""
        self.back(self.ask)
        self.successResultOf(self.roof.close())
        self.pass_time(1.0)
        self.wheel.tell(b"B")
        self.assertEqual(self.sent(), b"?\r\nW\r\nB\r\n")
        self.assertEqual([level for level, _ in self.logged], ["warn", "info"])

    def test_takes_for_ever(self) -> None:
        """One that takes for ever to set up does so for half a minute, then the other goes on; it is told so."""

        async def for_ever(line: SerialLine) -> None:
            await Deferred()

        self.joined("dust", keep_trying=600.0, prepare=lambda line: for_ever(line) if self.preparing else None)
        self.back(for_ever)
        self.pass_time(29.5)
        self.assertEqual(len(self.given_up), 1)  # the roof
        self.wheel.require_open()

    def test_too_long(self) -> None:
        """What takes for ever is cut short, and tried again; the other goes on meanwhile."""
        cancelled: list[float] = []

        async def for_ever(line: SerialLine) -> None:
            try:
                await Deferred()
            finally:
                cancelled.append(self.clock.seconds())

        dust = self.joined("dust", keep_trying=600.0, prepare=lambda line: for_ever(line) if self.preparing else None)
        self.back(lambda line: line.tell(b"R"))
        self.wheel.require_open()
        self.assertEqual(self.doing(dust.ask(b"A")), "It is back, and being set up")
        self.pass_time(30.0)
        self.assertEqual(cancelled, [30.5])
        self.assertIn("dust on port COM9 cannot be set up again: it was not prepared in 30 s", self.why(dust.ask(b"A")))
        self.successResultOf(dust.close())
        self.pass_time(60)
        self.assertEqual((len(cancelled), self.clock.getDelayedCalls()), (1, []))


class GivingUpTests(HealingTestCase):
    def test_given_up(self) -> None:
        """A port that stays away is given up after the time of the settings; whoever asked for the line is told why."""
        line = self.joined(keep_trying=30.0)
        self.unplug()
        self.pass_time(29.875)
        self.assertEqual(self.given_up, [])
        self.pass_time(0.125)
        self.assertEqual(self.given_up, [f"roof: {VANISHED} It was looked for for 30 s"])
        self.assertEqual(self.why(line.ask(b"A")), "port COM9 was closed")
        self.assertEqual((self.clock.getDelayedCalls(), len(self.logged)), ([], 1))
        self.plug_in()
        self.joined()

    def test_last_reason(self) -> None:
        """What was wrong with it last is told, too."""
        self.joined(keep_trying=3.0)
        self.ports.refusal = DriverError("no permission")
        self.ports.wire.break_off()
        self.pass_time(3.125)
        self.assertEqual(self.given_up, [f"roof: {VANISHED} It was looked for for 3 s, last: no permission"])

    def test_at_once(self) -> None:
        """A device may have no patience at all."""
        self.joined(keep_trying=0.0)
        self.unplug()
        self.pass_time(0.125)
        self.assertEqual((len(self.given_up), self.clock.getDelayedCalls()), (1, []))

    def test_each_in_its_time(self) -> None:
        """Devices that share a cable have their own patience; the others go on."""
        self.joined("focuser", keep_trying=5.0)
        line = self.joined("rotator")
        self.unplug()
        self.pass_time(10)
        self.assertEqual(self.given_up, [f"focuser: {VANISHED} It was looked for for 5 s"])
        self.plug_in()
        self.pass_time(0.5)
        line.tell(b"A")
        self.assertEqual(self.sent(), b"A\r\n")

    def test_given_up_while_being_prepared(self) -> None:
        """A device that cannot be set up in time is given up, too, and the port closed."""
        waits = False

        async def prepare(line: SerialLine) -> None:
            if waits:
                await Deferred()

        self.joined(prepare=prepare, keep_trying=10.0)
        waits = True
        self.unplug()
        self.plug_in()
        self.pass_time(11)
        self.assertEqual(len(self.given_up), 1)
        self.assertEqual((self.ports.wire.is_open, self.clock.getDelayedCalls()), (False, []))


class RainSensor(SafetyMonitor):
    """A rain sensor on a serial line."""

    Settings = SerialSettings

    async def connect(self) -> None:
        self.line = await self.open_serial(self.settings, LineFraming(b"\r\n"))

    async def IsSafe(self) -> bool:
        return await self.line.ask(b"R?") == b"1"


class DeviceTests(HealingTestCase):
    def device(self, **named: Any) -> RainSensor:
        surroundings = Surroundings(self.clock, "rain", cables=self.cables, **named)
        driver = RainSensor(SerialSettings(port="COM9", keep_trying=10.0), surroundings)
        driver.link.vote(True)
        return driver

    def test_stays_connected(self) -> None:
        """While the port is looked for the device counts as connected, and its members say what is wrong."""
        driver = self.device()
        self.unplug()
        self.pass_time(5)
        self.assertEqual(driver.link.is_open, True)
        self.assertIn(VANISHED, self.why(Deferred.fromCoroutine(driver.IsSafe())))
        self.plug_in()
        self.pass_time(0.5)
        safe = Deferred.fromCoroutine(driver.IsSafe())
        self.say(b"1\r\n")
        self.assertEqual(self.successResultOf(safe), True)

    def test_given_up(self) -> None:
        """When it is given up the device is disconnected, and the reason stays until somebody connects it."""
        driver = self.device()
        self.unplug()
        self.pass_time(10.125)
        self.assertEqual((driver.link.is_open, driver.link.is_busy), (False, False))
        self.assertEqual(str(driver.link.failure), f"{VANISHED} It was looked for for 10 s")
        self.assertEqual(self.clock.getDelayedCalls(), [])
        levels = [level for level, _ in self.logged]
        self.assertEqual(levels, ["info", "warn", "error", "info"])
        self.assertEqual(self.logged[2][1], f"rain is lost: {VANISHED} It was looked for for 10 s")
        self.plug_in()
        driver.link.vote(True)
        self.assertEqual((driver.link.is_open, driver.link.failure), (True, None))

    def test_device_of_the_server(self) -> None:
        """One that the server connects is connected again as soon as that is possible."""
        driver = self.device(autoconnect=True)
        self.unplug()
        self.pass_time(60)
        self.assertEqual(driver.link.is_open, False)
        self.pass_time(2)
        self.assertEqual(self.logged[-1], ("error", "rain could not be connected: there is no port COM9"))
        self.logged.clear()
        self.pass_time(600)
        self.assertEqual(self.logged, [])  # it said so before
        self.plug_in()
        self.pass_time(31)
        self.assertEqual((driver.link.is_open, self.logged), (True, [("info", "rain is connected")]))

    def test_without_ports(self) -> None:
        """A driver that was built without serial ports says so."""
        driver = RainSensor(SerialSettings(port="COM9"), Surroundings(self.clock))
        driver.link.vote(True)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
        self.assertIn("built without serial ports", str(driver.link.failure))
        self.assertNotIsInstance(driver.link.failure, InvalidOperation)
