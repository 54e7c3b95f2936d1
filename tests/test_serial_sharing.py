"""Several devices at one cable."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet.defer import CancelledError, Deferred

from pylpaca.errors import DriverError
from pylpaca.serial import LineFraming, SerialLine, TerminatedFraming
from pylpaca.serial.recording import Kind, read
from tests.lines import LineTestCase


class SharingTests(LineTestCase):
    def test_one_port(self) -> None:
        """Two devices whose settings mean one port share it: it is opened once, and one exchange goes on at a time."""
        self.ports.nodes = {"usb:0403:6001": "/dev/ttyUSB0", "/dev/ttyUSB0": "/dev/ttyUSB0"}
        focuser, rotator = self.joined("focuser", port="usb:0403:6001"), self.joined("rotator", port="/dev/ttyUSB0")
        self.assertEqual(len(self.ports.wires), 1)
        first, second = focuser.ask(b"P"), rotator.ask(b"A")
        self.assertEqual(self.sent(), b"P\r\n")
        self.say(b"100\r\n")
        self.assertEqual(self.sent(), b"A\r\n")
        self.say(b"45\r\n")
        self.assertEqual((self.successResultOf(first), self.successResultOf(second)), (b"100", b"45"))

    def test_two_ports(self) -> None:
        """Devices at different ports do not know of each other."""
        one, other = self.joined("focuser", port="COM3"), self.joined("rotator", port="COM4")
        one.ask(b"P").addErrback(lambda _: None)
        self.assertEqual(self.ports.wires[0].sent(), b"P\r\n")
        reply = other.ask(b"A")
        self.assertEqual(self.sent(), b"A\r\n")
        self.say(b"45\r\n")
        self.successResultOf(reply)

    def test_own_framing(self) -> None:
        """Each has its own way to write messages."""
        mount, focuser = self.joined("mount", TerminatedFraming(b"#")), self.joined("focuser", LineFraming(b"\n"))
        first, second = mount.ask(b":GR#"), focuser.ask(b"P")
        self.assertEqual(self.sent(), b":GR#")
        self.say(b"12:00:00#")
        self.assertEqual(self.sent(), b"P\n")
        self.say(b"100\n")
        self.assertEqual((self.successResultOf(first), self.successResultOf(second)), (b"12:00:00", b"100"))

    def test_own_listeners(self) -> None:
        """What nobody asked for is heard by all who listen, each in its own messages, as long as it is there."""
        heard: list[bytes] = []
        self.joined("focuser", unsolicited=self.unsolicited.append)
        line = self.joined("mount", TerminatedFraming(b"#"), unsolicited=heard.append)
        self.say(b"a#b\r\n")
        self.assertEqual((self.unsolicited, heard), ([b"a#b"], [b"a"]))
        line.close()
        self.say(b"c#\r\n")
        self.assertEqual((self.unsolicited, heard), ([b"a#b", b"c#"], [b"a"]))

    def test_disagreement(self) -> None:
        """Settings of the line that differ are refused, with both names."""
        self.joined("focuser", baudrate=9600)
        told = self.why(self.joining("rotator", baudrate=19200))
        self.assertEqual(told, "focuser and rotator share port COM9, but not baudrate: 9600 and 19200")
        told = self.why(self.joining("rotator", parity="even"))
        self.assertEqual(told, "focuser and rotator share port COM9, but not parity: 'none' and 'even'")
        self.joined("rotator", reply_within=3.0, retries=2, keep_trying=10.0)

    def test_last_one_closes(self) -> None:
        """The port is closed with its last device; the commands of one that leaves fail, those of the others do not."""
        focuser, rotator = self.joined("focuser"), self.joined("rotator")
        first, second, third = focuser.ask(b"P"), focuser.ask(b"Q"), rotator.ask(b"A")
        self.successResultOf(focuser.close())
        for each in (first, second, focuser.ask(b"R")):
            self.assertEqual(self.why(each), "port COM9 was closed")
        self.assertTrue(self.ports.wire.is_open)
        self.say(b"100\r\n")
        self.assertEqual(self.sent(), b"P\r\nA\r\n")
        self.say(b"45\r\n")
        self.assertEqual(self.successResultOf(third), b"45")
        self.successResultOf(rotator.close())
        self.assertFalse(self.ports.wire.is_open)

    def test_opened_while_it_is_being_closed(self) -> None:
        """Who opens a port that is just being closed waits for that, and gets it."""
        line = self.joined("focuser")
        self.ports.wire.stuck = True
        closed = line.close()
        joining = self.joining("rotator", baudrate=19200)
        self.assertNoResult(joining)
        self.ports.wire.break_off()
        self.successResultOf(closed)
        self.successResultOf(joining).tell(b"A")
        self.assertEqual((len(self.ports.wires), self.sent()), (2, b"A\r\n"))

    def test_another_name_meanwhile(self) -> None:
        """A port that is looked for is not opened a second time for who has another name for it."""
        self.ports.nodes = {"usb-Roof": "COM9"}
        self.joined("roof", port="usb-Roof")
        self.unplug()
        self.pass_time(1)
        self.ports.there = True
        self.assertIn("port usb-Roof vanished", self.why(self.joining("wheel")))
        self.pass_time(0.5)
        self.joined("wheel").tell(b"A")
        self.assertEqual((len(self.ports.wires), self.sent()), (2, b"A\r\n"))

    def test_another_port_meanwhile(self) -> None:
        """What is found at its place while it is away is another port, and not kept from who wants that."""
        self.ports.nodes = {"usb-Roof": "COM9"}
        self.joined("roof", port="usb-Roof")
        self.ports.wire.break_off()
        self.ports.nodes = {"usb-Roof": "COM8"}
        self.joined("wheel")
        self.assertEqual(len(self.ports.wires), 2)

    def test_late_reply_after_it_was_closed(self) -> None:
        """Closed and opened again at once, nothing is asked until a reply to what was asked before could have come."""
        line = self.joined()
        self.clock.advance(0.25)
        self.why_not_told(line.ask(b"P"))
        self.pass_time(0.125)
        line.close()
        joining = self.joining()
        self.pass_time(0.5)
        self.say(b"1200\r\n")
        self.pass_time(1.25)
        self.assertNoResult(joining)
        self.pass_time(0.125)
        reply = self.successResultOf(joining).ask(b"M")
        self.assertEqual(self.sent(), b"M\r\n")
        self.say(b"20\r\n")
        self.assertEqual(self.successResultOf(reply), b"20")

    def test_reply_twice_after_it_was_closed(self) -> None:
        """Closed as soon as a reply is told, and opened again at once: the rest of its second copy is no reply, either."""
        line = self.joined()
        joining: list[Deferred[SerialLine]] = []

        def reopen(reply: bytes) -> None:
            line.close()
            joining.append(self.joining())

        line.ask(b"P").addCallback(reopen)
        self.say(b"1200\r\n12")
        self.assertNoResult(joining[0])
        self.clock.advance(0.04)
        self.say(b"00\r\n")
        self.clock.advance(0.03)
        reply = self.successResultOf(joining[0]).ask(b"M")
        self.assertEqual(self.sent(), b"")
        self.clock.advance(0.03)
        self.assertEqual(self.sent(), b"M\r\n")
        self.say(b"20\r\n")
        self.assertEqual(self.successResultOf(reply), b"20")

    def test_late_reply_after_it_was_back(self) -> None:
        """The same of a serial server that is back at once, by whatever name; of one that owes nothing nothing is awaited."""
        line = self.joined(port="tcp://dome:4001")
        self.why_not_told(line.ask(b"P"))
        self.ports.wire.break_off()
        self.pass_time(1.0)
        self.say(b"1200\r\n")
        self.assertIn("It is back, and being set up", self.why(line.ask(b"M")))
        self.pass_time(1.0)
        line.tell(b"M")
        self.assertEqual(self.sent(), b"M\r\n")
        self.pass_time(1.125)
        self.ports.wire.break_off()
        self.pass_time(0.5)
        line.require_open()

    def why_not_told(self, asked: Deferred[bytes]) -> None:
        """Nobody looks why it failed."""
        asked.addErrback(lambda _: None)

    def test_opened_again(self) -> None:
        """A port that was closed is opened anew, also with other settings."""
        self.joined("focuser").close()
        self.joined("focuser", baudrate=19200)
        self.assertEqual(len(self.ports.wires), 2)

    def test_recording(self) -> None:
        """What is said on the line is recorded if that is wanted, whoever says it."""
        file = self.mktemp()
        line = self.joined("focuser", record=file)
        other = self.joined("rotator", record=file)
        reply = line.ask(b"P")
        self.clock.advance(0.25)
        self.say(b"100\r\n")
        self.successResultOf(reply)
        other.tell(b"STOP")
        self.unplug()
        self.clock.advance(0.5)
        self.ports.there = True
        self.clock.advance(0.5)
        line.close()
        other.close()
        events = [(each.kind, each.data) for each in read(file)]
        expected = [(Kind.OPENED, b""), (Kind.SENT, b"P\r\n"), (Kind.RECEIVED, b"100\r\n"), (Kind.SENT, b"STOP\r\n")]
        self.assertEqual(events, [*expected, (Kind.LOST, b""), (Kind.OPENED, b""), (Kind.CLOSED, b"")])
        self.assertIn("baudrate=9600", Path(file).read_text())


class OpeningTests(LineTestCase):
    def test_cannot_be_opened(self) -> None:
        """The sentence says why; nothing is left behind, and the next try begins anew."""
        self.ports.refusal = DriverError("no permission")
        self.assertEqual(self.why(self.joining()), "no permission")
        self.ports.refusal = None
        self.ports.there = False
        self.assertEqual(self.why(self.joining()), "there is no port COM9")
        self.ports.there = True
        self.joined()
        self.assertEqual((self.logged, self.clock.getDelayedCalls()), ([], []))

    def test_takes_time(self) -> None:
        """A port that takes time to open is waited for, by all who want it."""
        self.ports.delayed = Deferred()
        first, second = self.joining("focuser"), self.joining("rotator")
        self.assertNoResult(first)
        self.ports.delayed.callback(None)
        self.successResultOf(first)
        self.successResultOf(second).tell(b"A")
        self.assertEqual((len(self.ports.wires), self.sent()), (1, b"A\r\n"))

    def test_takes_time_in_vain(self) -> None:
        """If it cannot be opened, all of them are told."""
        self.ports.delayed = Deferred()
        joining = [self.joining("focuser"), self.joining("rotator")]
        self.ports.delayed.errback(DriverError("nobody is there"))
        self.assertEqual([self.why(each) for each in joining], ["nobody is there"] * 2)
        self.ports.delayed = None
        self.joined()

    def test_one_no_longer_waits(self) -> None:
        """Who no longer waits for it takes it from nobody else."""
        self.ports.delayed = Deferred()
        first, second = self.joining("focuser"), self.joining("rotator")
        first.cancel()
        self.failureResultOf(first, CancelledError)
        self.ports.delayed.callback(None)
        self.successResultOf(second)
        self.assertTrue(self.ports.wire.is_open)

    def test_nobody_waits_any_longer(self) -> None:
        """When nobody waits for it any more it is not opened."""
        opening: Deferred[None] = Deferred()
        self.ports.delayed = opening
        joining = self.joining()
        joining.cancel()
        self.failureResultOf(joining, CancelledError)
        self.clock.advance(0)
        self.assertTrue(opening.called)
        self.assertEqual((self.ports.wires, self.clock.getDelayedCalls()), ([], []))
        self.ports.delayed = None
        self.joined()

    def test_opened_when_nobody_waits_any_longer(self) -> None:
        """If it was opened at that very moment it is closed again."""
        self.ports.delayed = Deferred()
        joining = self.joining()
        joining.addErrback(lambda _: None)
        opening, self.ports.delayed = self.ports.delayed, None
        self.patch(opening, "cancel", lambda: None)
        joining.cancel()
        opening.callback(None)
        self.clock.advance(0)
        self.assertEqual((self.ports.wire.is_open, self.clock.getDelayedCalls()), (False, []))

    def test_lost_at_once(self) -> None:
        """A port that vanishes while it is being opened could not be opened."""
        connect = self.ports._connect

        def connect_and_break_off(line: Any) -> None:
            connect(line)
            self.ports.wire.break_off()

        self.patch(self.ports, "_connect", connect_and_break_off)
        self.assertEqual(self.why(self.joining()), "port COM9 vanished: is the cable plugged in?")
        self.assertEqual((self.logged, self.clock.getDelayedCalls()), ([], []))

    def test_left_alone(self) -> None:
        """A device that restarts when its port is opened is left alone until it has; what it says meanwhile is nothing."""
        joining = self.joining(wait_after_open=2.0, unsolicited=self.unsolicited.append)
        self.clock.advance(1.99)
        self.say(b"Grbl 1.1\r\n")
        self.assertNoResult(joining)
        self.clock.advance(0.01)
        reply = self.successResultOf(joining).ask(b"A")
        self.say(b"ready\r\n")
        self.assertEqual((self.sent(), self.unsolicited), (b"", [b"ready"]))
        self.clock.advance(0.1)
        self.assertEqual(self.sent(), b"A\r\n")
        self.say(b"1\r\n")
        self.assertEqual(self.successResultOf(reply), b"1")

    def test_lost_while_left_alone(self) -> None:
        """A port that vanishes meanwhile could not be opened."""
        joining = self.joining(wait_after_open=2.0)
        self.clock.advance(1.0)
        self.unplug()
        self.assertEqual(self.why(joining), "port COM9 vanished: is the cable plugged in?")
        self.assertEqual((self.logged, self.clock.getDelayedCalls()), ([], []))

    def test_given_up_while_left_alone(self) -> None:
        """Who no longer waits has it closed."""
        joining = self.joining(wait_after_open=2.0)
        joining.cancel()
        self.failureResultOf(joining, CancelledError)
        self.clock.advance(0)
        self.assertEqual((self.ports.wire.is_open, self.clock.getDelayedCalls()), (False, []))


class PreparingTests(LineTestCase):
    async def prepare(self, line: SerialLine) -> None:
        if (name := await line.ask(b"?")) != b"roof":
            raise DriverError(f"this is {name!r}")

    def test_prepared(self) -> None:
        """The device is set up before anybody gets the line; it is the line that is handed over."""
        lines: list[SerialLine] = []

        async def prepare(line: SerialLine) -> None:
            lines.append(line)
            await self.prepare(line)

        joining = self.joining(prepare=prepare)
        self.assertEqual(self.sent(), b"?\r\n")
        self.assertNoResult(joining)
        self.say(b"roof\r\n")
        self.assertEqual([self.successResultOf(joining)], lines)

    def test_another_device(self) -> None:
        """What preparing it raises is why it cannot be opened; the port is closed."""
        joining = self.joining(prepare=self.prepare)
        self.say(b"kettle\r\n")
        self.assertEqual(self.why(joining), "this is b'kettle'")
        self.assertFalse(self.ports.wire.is_open)

    def test_lost_meanwhile(self) -> None:
        """A port that vanishes meanwhile could not be opened; it is not looked for."""
        joining = self.joining(prepare=self.prepare)
        self.unplug()
        self.assertEqual(self.why(joining), "port COM9 vanished: is the cable plugged in?")
        self.clock.advance(0)
        self.assertEqual((self.logged, self.clock.getDelayedCalls()), ([], []))

    def test_lost_meanwhile_unnoticed(self) -> None:
        """Neither could it when the preparation does not notice; the next one may try at once."""
        waiting: Deferred[None] = Deferred()

        async def prepare(line: SerialLine) -> None:
            await waiting

        joining = self.joining(prepare=prepare)
        self.unplug()
        self.assertEqual(self.why(joining), "port COM9 vanished: is the cable plugged in?")
        self.ports.there = True
        self.joined("rotator").close()
        self.clock.advance(0)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_second_device(self) -> None:
        """A device that joins later is prepared then; that it is another takes the port from nobody."""
        self.joined("focuser")
        joining = self.joining("roof", prepare=self.prepare)
        self.say(b"kettle\r\n")
        self.assertEqual(self.why(joining), "this is b'kettle'")
        self.assertTrue(self.ports.wire.is_open)

    def test_given_up(self) -> None:
        """Who no longer waits has it closed."""
        joining = self.joining(prepare=self.prepare)
        joining.cancel()
        self.failureResultOf(joining, CancelledError)
        self.assertFalse(self.ports.wire.is_open)
