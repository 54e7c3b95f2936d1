"""Serial lines: replies cut from bytes, and each given to the command that asked for it."""

from __future__ import annotations

import errno
import os
import pty
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from serial import SerialException
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from pylpaca.errors import DriverError
from pylpaca.serial import LineFraming, SerialLine, SerialSettings, open_port
from pylpaca.serial.opening import _why_not


class LineTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.unsolicited: list[bytes] = []
        self.line = SerialLine(LineFraming(b"\r\n"), self.clock, "COM9", 1.0, self.unsolicited.append)
        self.wire = StringTransport()
        self.line.makeConnection(self.wire)

    def sent(self) -> bytes:
        sent = bytes(self.wire.value())
        self.wire.clear()
        return sent

    def unplug(self) -> None:
        self.line.connectionLost(Failure(ConnectionDone()))


class AskingTests(LineTestCase):
    def test_reply(self) -> None:
        """A command goes out with its terminator, its reply comes back without."""
        reply = self.line.ask(b"R?")
        self.assertEqual(self.sent(), b"R?\r\n")
        self.line.dataReceived(b"612\r\n")
        self.assertEqual(self.successResultOf(reply), b"612")

    @given(st.lists(st.integers(0, 10), max_size=5))
    def test_in_pieces(self, cuts: list[int]) -> None:
        """However the bytes of a reply arrive, it is the same reply."""
        self.setUp()
        reply = self.line.ask(b"R?")
        whole = b"612 mm\r\n"
        edges = sorted({0, len(whole), *(cut for cut in cuts if cut < len(whole))})
        for start, end in pairwise(edges):
            self.assertNoResult(reply)
            self.line.dataReceived(whole[start:end])
        self.assertEqual(self.successResultOf(reply), b"612 mm")

    def test_one_at_a_time(self) -> None:
        """The next command waits for the reply to the one before."""
        first, second = self.line.ask(b"A"), self.line.ask(b"B")
        self.assertEqual(self.sent(), b"A\r\n")
        self.line.dataReceived(b"1\r\n")
        self.assertEqual(self.sent(), b"B\r\n")
        self.line.dataReceived(b"2\r\n")
        self.assertEqual((self.successResultOf(first), self.successResultOf(second)), (b"1", b"2"))

    def test_without_reply(self) -> None:
        """A command without a reply holds nobody up."""
        told, asked = self.line.tell(b"A"), self.line.ask(b"B")
        self.assertEqual(self.sent(), b"A\r\nB\r\n")
        self.successResultOf(told)
        self.line.dataReceived(b"2\r\n")
        self.assertEqual(self.successResultOf(asked), b"2")

    def test_no_reply(self) -> None:
        """A reply that does not come in time is an error that names port and command; a while later the next is sent."""
        first, second = self.line.ask(b"A"), self.line.ask(b"B")
        self.clock.advance(1.0)
        error = self.failureResultOf(first, DriverError).value
        self.assertEqual(str(error), "no reply on COM9 to b'A' in 1 s")
        self.assertEqual(self.sent(), b"A\r\n")
        self.clock.advance(1.0)
        self.assertEqual(self.sent(), b"B\r\n")
        self.line.dataReceived(b"2\r\n")
        self.assertEqual(self.successResultOf(second), b"2")

    def test_late_reply(self) -> None:
        """A reply that comes after its command was given up, and before the next, is not the next one's."""
        first = self.line.ask(b"A")
        self.clock.advance(1.0)
        self.failureResultOf(first, DriverError)
        self.line.dataReceived(b"1\r\nhalf a rep")
        second = self.line.ask(b"B")
        self.line.dataReceived(b"2\r\n")
        self.assertEqual(self.successResultOf(second), b"2")

    def test_late_reply_with_others_waiting(self) -> None:
        """A late reply is dropped, and those that wait get their own, not one another's."""
        first, second, third = self.line.ask(b"A"), self.line.ask(b"B"), self.line.ask(b"C")
        self.clock.advance(1.0)
        self.failureResultOf(first, DriverError)
        for late in (b"reply to A\r\n", b"reply to B\r\n", b"reply to C\r\n"):
            self.line.dataReceived(late)
        self.assertEqual(self.successResultOf(second), b"reply to B")
        self.assertEqual(self.successResultOf(third), b"reply to C")
        self.assertEqual(self.unsolicited, [])

    def test_urgent(self) -> None:
        """What must not wait, such as a stop, goes before what waits, even when too much does."""
        self.line.ask(b"0")
        waiting = [self.line.ask(b"x") for _ in range(SerialLine.MOST_WAITING)]
        stop = self.line.ask(b"STOP", urgent=True)
        self.line.dataReceived(b"0\r\n")
        self.assertEqual(self.sent(), b"0\r\nSTOP\r\n")
        self.line.dataReceived(b"OK\r\n")
        self.assertEqual(self.successResultOf(stop), b"OK")
        self.assertNoResult(waiting[1])

    def test_waited_too_long(self) -> None:
        """A command that could not be sent for seconds is not sent any more: its client has given up."""
        line = SerialLine(LineFraming(b"\r\n"), self.clock, "COM9", reply_within=10.0)
        line.makeConnection(self.wire)
        line.ask(b"A")
        second = line.ask(b"OPEN")
        self.clock.advance(SerialLine.WAIT_AT_MOST)
        told = str(self.failureResultOf(second, DriverError).value)
        self.assertEqual(told, "port COM9 is busy: b'OPEN' was not sent in 3 s")
        line.dataReceived(b"1\r\n")
        self.assertEqual(self.sent(), b"A\r\n")

    def test_faulty_listener(self) -> None:
        """A listener of the driver that fails is logged; the port is not to blame, and works on."""
        line = SerialLine(LineFraming(b"\r\n"), self.clock, "COM9", 1.0, lambda frame: int(frame))
        line.makeConnection(self.wire)
        line.dataReceived(b"button\r\n")
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)
        reply = line.ask(b"A")
        line.dataReceived(b"1\r\n")
        self.assertEqual(self.successResultOf(reply), b"1")

    def test_unsolicited(self) -> None:
        """What nobody asked for goes to who listens for it."""
        self.line.dataReceived(b"button 1\r\nbutton 2\r\n")
        self.assertEqual(self.unsolicited, [b"button 1", b"button 2"])

    def test_caller_that_no_longer_waits(self) -> None:
        """A command that nobody waits for is not sent; the reply of one that was sent is nobody else's."""
        first, second, third = self.line.ask(b"A"), self.line.ask(b"B"), self.line.ask(b"C")
        for each in (first, second):
            each.addErrback(lambda _: None)
            each.cancel()
        self.line.dataReceived(b"1\r\n")
        self.assertEqual(self.sent(), b"A\r\nC\r\n")
        self.line.dataReceived(b"3\r\n")
        self.assertEqual(self.successResultOf(third), b"3")

    def test_bounded(self) -> None:
        """The queue does not grow without end."""
        self.line.ask(b"0")
        waiting = [self.line.ask(b"%d" % n) for n in range(SerialLine.MOST_WAITING)]
        refused = self.failureResultOf(self.line.ask(b"x"), DriverError).value
        self.assertEqual(str(refused), "port COM9 is busy: 32 commands are waiting")
        self.assertNoResult(waiting[-1])

    def test_garbage(self) -> None:
        """Noise without an end fills no memory, and does not spoil the reply after it."""
        reply = self.line.ask(b"A")
        for _ in range(10):
            self.line.dataReceived(b"\xff" * 1000)
        self.assertLess(len(self.line._received), 4097)
        self.line.dataReceived(b"\r\n")
        self.successResultOf(reply)


class EndingTests(LineTestCase):
    def test_unplugged(self) -> None:
        """A port that vanishes fails every command at once, and those that come later."""
        first, second = self.line.ask(b"A"), self.line.ask(b"B")
        self.unplug()
        for each in (first, second, self.line.ask(b"C")):
            error = self.failureResultOf(each, DriverError).value
            self.assertEqual(str(error), "port COM9 vanished: is the cable plugged in?")
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_closed(self) -> None:
        """A port that is closed fails what waits, and is closed when the system says so."""
        reply = self.line.ask(b"A")
        closed = self.line.close()
        self.assertIn("was closed", str(self.failureResultOf(reply, DriverError).value))
        self.assertNoResult(closed)
        self.unplug()
        self.successResultOf(closed)

    def test_closed_after_it_vanished(self) -> None:
        """A port that is gone is closed at once."""
        self.unplug()
        self.successResultOf(self.line.close())

    def test_closed_twice(self) -> None:
        """Who closes it a second time waits for the same end."""
        first, second = self.line.close(), self.line.close()
        self.unplug()
        self.successResultOf(first)
        self.successResultOf(second)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_what_was_written_does_not_leave(self) -> None:
        """A port whose device takes nothing any more is closed all the same."""
        self.wire.connectionLost = self.line.connectionLost  # type: ignore[attr-defined]
        closed = self.line.close()
        self.assertNoResult(closed)
        self.clock.advance(SerialLine.CLOSE_WITHIN)
        self.successResultOf(closed)

    def test_never_opened(self) -> None:
        """A line without a port says so, and is closed at once."""
        line = SerialLine(LineFraming(), self.clock, "COM9")
        self.assertIn("not open", str(self.failureResultOf(line.ask(b"A"), DriverError).value))
        self.successResultOf(line.close())


class OpeningTests(SynchronousTestCase):
    def failing(self, number: int | None, text: str = "could not open port") -> str:
        return _why_not("/dev/ttyUSB7", SerialException(number, text) if number else SerialException(text))

    def test_reasons(self) -> None:
        """Why a port cannot be opened, and what to do."""
        self.assertIn("there is no port /dev/ttyUSB7: plug the device in", self.failing(errno.ENOENT))
        self.assertIn("no permission to open /dev/ttyUSB7: add this user to the group", self.failing(errno.EACCES))
        self.assertIn("/dev/ttyUSB7 is in use by another program", self.failing(errno.EBUSY))
        self.assertIn("/dev/ttyUSB7 cannot be opened: odd", self.failing(None, "odd"))

    def opened(self, port: str) -> Any:
        line = SerialLine(LineFraming(), Clock(), port)
        open_port(MemoryReactorClock())(SerialSettings(port=port), line)
        return line

    def test_missing(self) -> None:
        """A port that is not there is refused with the ports that are."""
        refused = self.assertRaises(DriverError, self.opened, "/dev/there-is-no-such-port")
        self.assertIn("there is no port /dev/there-is-no-such-port", str(refused))

    def test_exclusive(self) -> None:
        """A port that is open cannot be opened a second time."""
        ours, theirs = pty.openpty()
        self.addCleanup(os.close, ours)
        self.addCleanup(os.close, theirs)
        line = self.opened(os.ttyname(theirs))
        refused = self.assertRaises(DriverError, self.opened, os.ttyname(theirs))
        self.assertIn("is in use by another program", str(refused))
        line.transport.connectionLost(Failure(ConnectionDone()))
