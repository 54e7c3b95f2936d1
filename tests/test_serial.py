"""Asking on a serial line: each reply to the command that asked for it, and a reason where there is none."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred

from pylpaca.errors import DriverError
from pylpaca.serial import FixedFraming, LineFraming, TerminatedFraming
from pylpaca.serial.framing import MOST_UNCUT
from pylpaca.serial.owner import Owner
from tests.lines import LineTestCase

SILENCE = 0.1  # seconds, at 9600 bits per second more than enough


class AskingTestCase(LineTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.line = self.joined()

    def ask(self, command: bytes = b"A", **named: Any) -> Deferred[bytes]:
        return self.line.ask(command, **named)


class AskingTests(AskingTestCase):
    def test_reply(self) -> None:
        """A command goes out with its terminator, its reply comes back without."""
        reply = self.ask(b"R?")
        self.assertEqual(self.sent(), b"R?\r\n")
        self.say(b"612\r\n")
        self.assertEqual(self.successResultOf(reply), b"612")

    @given(st.lists(st.integers(0, 10), max_size=5))
    def test_in_pieces(self, cuts: list[int]) -> None:
        """However the bytes of a reply arrive, it is the same reply."""
        self.setUp()
        reply = self.ask(b"R?")
        whole = b"612 mm\r\n"
        edges = sorted({0, len(whole), *(cut for cut in cuts if cut < len(whole))})
        for start, end in pairwise(edges):
            self.assertNoResult(reply)
            self.say(whole[start:end])
        self.assertEqual(self.successResultOf(reply), b"612 mm")

    def test_one_at_a_time(self) -> None:
        """The next command waits for the reply to the one before."""
        first, second = self.ask(b"A"), self.ask(b"B")
        self.assertEqual(self.sent(), b"A\r\n")
        self.say(b"1\r\n")
        self.assertEqual(self.sent(), b"B\r\n")
        self.say(b"2\r\n")
        self.assertEqual((self.successResultOf(first), self.successResultOf(second)), (b"1", b"2"))

    def test_asked_while_a_reply_is_told(self) -> None:
        """Who gets a reply may ask on at once; what stands behind the reply is no reply to that."""
        second: list[Deferred[bytes]] = []
        self.ask(b"A").addCallback(lambda _: second.append(self.ask(b"B")))
        self.say(b"1\r\nnoise\r\n")
        self.assertEqual(self.sent(), b"A\r\n")
        self.clock.advance(SILENCE)
        self.assertEqual(self.sent(), b"B\r\n")
        self.say(b"2\r\n")
        self.assertEqual(self.successResultOf(second[0]), b"2")

    def test_framing_of_one_reply(self) -> None:
        """A command may have a reply that is cut in another way than those of the others."""
        line = self.joined("mount", TerminatedFraming(b"#"), port="COM4")
        right, known = line.ask(b":Sr12:00:00#", reply=FixedFraming(1)), line.ask(b":GR#")
        self.assertEqual(self.sent(), b":Sr12:00:00#")
        self.say(b"1")
        self.assertEqual((self.successResultOf(right), self.sent()), (b"1", b":GR#"))
        self.say(b"12:00:00#")
        self.assertEqual(self.successResultOf(known), b"12:00:00")

    def test_acceptable(self) -> None:
        """What is no reply is passed over, and the waiting goes on, no longer than it would have."""
        first = self.ask(b"P", accept=lambda reply: reply.startswith(b"P"))
        self.say(b"hello\r\nP4")
        self.clock.advance(0.9)
        self.say(b"2\r\n")
        self.assertEqual(self.successResultOf(first), b"P42")
        self.clock.advance(SILENCE)
        second = self.ask(b"P", accept=lambda reply: reply.startswith(b"P"))
        for _ in range(10):
            self.say(b"hello\r\n")
            self.clock.advance(0.1)
        self.assertEqual(self.why(second), "no reply on COM9 to b'P' in 1 s, only b'hello'")

    def test_without_reply(self) -> None:
        """A command without a reply holds nobody up."""
        told, asked = self.line.tell(b"A"), self.ask(b"B")
        self.assertEqual(self.sent(), b"A\r\nB\r\n")
        self.successResultOf(told)
        self.say(b"2\r\n")
        self.assertEqual(self.successResultOf(asked), b"2")

    def test_own_time(self) -> None:
        """A command may have more time, or less, than the others."""
        slow = self.ask(b"HOME", within=5.0)
        self.clock.advance(4.9)
        self.assertNoResult(slow)
        self.clock.advance(0.1)
        self.assertEqual(self.why(slow), "no reply on COM9 to b'HOME' in 5 s")


class QueueTests(AskingTestCase):
    def test_urgent(self) -> None:
        """What must not wait, such as a stop, goes before what waits, even when too much does; two of them in their order."""
        self.ask(b"0")
        waiting = [self.ask(b"x") for _ in range(Owner.MOST_WAITING)]
        stop, hold = self.line.ask(b"STOP", True), self.line.tell(b"HOLD", True)
        self.say(b"0\r\n")
        self.assertEqual(self.sent(), b"0\r\nSTOP\r\n")
        self.say(b"OK\r\n")
        self.assertEqual((self.successResultOf(stop), self.sent()), (b"OK", b"HOLD\r\nx\r\n"))
        self.successResultOf(hold)
        self.assertNoResult(waiting[1])

    def test_bounded(self) -> None:
        """The queue does not grow without end."""
        self.ask(b"0")
        waiting = [self.ask(b"%d" % n) for n in range(Owner.MOST_WAITING)]
        self.assertEqual(self.why(self.ask(b"x")), "port COM9 is busy: 32 commands are waiting")
        self.assertNoResult(waiting[-1])

    def test_bounded_urgent(self) -> None:
        """Nor with what is urgent: that has places of its own, which others do not take, and few."""
        self.ask(b"0")
        waiting = [self.ask(b"x", urgent=True) for _ in range(Owner.MOST_URGENT)]
        self.assertEqual(self.why(self.line.tell(b"HOLD", True)), "port COM9 is busy: 8 urgent commands are waiting")
        waiting += [self.ask(b"%d" % n) for n in range(Owner.MOST_WAITING)]
        for each in waiting:
            self.assertNoResult(each)
        self.assertEqual(self.why(self.ask(b"x")), "port COM9 is busy: 32 commands are waiting")

    def test_waited_too_long(self) -> None:
        """A command that could not be sent for seconds is not sent any more: its client has given up."""
        first = self.ask(b"A", within=10.0)
        second = self.ask(b"OPEN")
        self.clock.advance(Owner.WAIT_AT_MOST)
        self.assertEqual(self.why(second), "port COM9 is busy: b'OPEN' was not sent in 3 s")
        self.say(b"1\r\n")
        self.assertEqual((self.sent(), self.successResultOf(first)), (b"A\r\n", b"1"))

    def test_caller_that_no_longer_waits(self) -> None:
        """A command that nobody waits for is not sent; the reply of one that was sent is nobody else's."""
        first, second, third = self.ask(b"A"), self.ask(b"B"), self.ask(b"C")
        for each in (first, second):
            each.addErrback(lambda _: None)
            each.cancel()
        self.say(b"1\r\n")
        self.assertEqual(self.sent(), b"A\r\nC\r\n")
        self.say(b"3\r\n")
        self.assertEqual(self.successResultOf(third), b"3")

    def test_caller_that_no_longer_waits_and_no_reply(self) -> None:
        """A command that nobody waits for is not sent again."""
        first = self.ask(b"A", retries=5).addErrback(lambda _: None)
        first.cancel()
        self.clock.advance(1.0)
        self.assertEqual(self.sent(), b"A\r\n")


class LateTests(AskingTestCase):
    def test_no_reply(self) -> None:
        """A reply that does not come in time is an error that names port and command; a while later the next is sent."""
        first, second = self.ask(b"A"), self.ask(b"B")
        self.clock.advance(1.0)
        self.assertEqual(self.why(first), "no reply on COM9 to b'A' in 1 s")
        self.assertEqual(self.sent(), b"A\r\n")
        self.clock.advance(1.0)
        self.assertEqual(self.sent(), b"B\r\n")
        self.say(b"2\r\n")
        self.assertEqual(self.successResultOf(second), b"2")

    def test_half_a_reply(self) -> None:
        """Half a reply is none, and the person is shown it."""
        first = self.ask(b"A")
        self.say(b"61")
        self.clock.advance(1.0)
        self.assertEqual(self.why(first), "no reply on COM9 to b'A' in 1 s, only b'61'")

    def test_much_of_a_reply(self) -> None:
        """Of a long one, the beginning."""
        first = self.ask(b"A")
        self.say(b"x" * 1000)
        self.clock.advance(1.0)
        self.assertEqual(self.why(first), f"no reply on COM9 to b'A' in 1 s, only b'{'x' * 40}'…")

    def test_late_reply(self) -> None:
        """A reply that comes after its command was given up is not the next one's; that waits until it is silent."""
        first = self.ask(b"A")
        self.clock.advance(1.0)
        self.failureResultOf(first, DriverError)
        self.sent()
        self.say(b"1\r\nhalf a rep")
        second = self.ask(b"B")
        self.clock.advance(0.04)
        self.say(b"ly\r\n")
        self.clock.advance(0.04)
        self.assertEqual(self.sent(), b"")
        self.clock.advance(0.04)
        self.assertEqual(self.sent(), b"B\r\n")
        self.say(b"2\r\n")
        self.assertEqual(self.successResultOf(second), b"2")

    def test_late_reply_with_others_waiting(self) -> None:
        """Those that wait get their own replies, not the late one, and not one another's."""
        first, second, third = self.ask(b"A"), self.ask(b"B"), self.ask(b"C")
        self.clock.advance(1.0)
        self.failureResultOf(first, DriverError)
        self.say(b"reply to A\r\n")
        self.clock.advance(SILENCE)
        for reply in (b"reply to B\r\n", b"reply to C\r\n"):
            self.say(reply)
        self.assertEqual(self.successResultOf(second), b"reply to B")
        self.assertEqual(self.successResultOf(third), b"reply to C")

    def test_asked_again(self) -> None:
        """What may be asked twice is asked again for want of a reply, so often and no more."""
        first = self.ask(b"A", retries=2)
        for _ in range(3):
            self.assertEqual(self.sent(), b"A\r\n")
            self.assertNoResult(first)
            self.clock.advance(1.0)
        self.assertEqual(self.why(first), "no reply on COM9 to b'A' in 1 s, asked 3 times")
        self.assertEqual(self.sent(), b"")

    def test_retries_of_the_settings(self) -> None:
        """How often is a setting, for those that do not say it themselves."""
        line = self.joined(port="COM4", retries=1, reply_within=0.5)
        line.ask(b"A").addErrback(lambda _: None)
        self.clock.advance(0.5)
        self.assertEqual(self.sent(), b"A\r\nA\r\n")
        self.say(b"1\r\n1\r\n")
        self.clock.advance(0.5)
        once = line.ask(b"B", retries=0)
        self.clock.advance(0.5)
        self.failureResultOf(once, DriverError)
        self.assertEqual(self.sent(), b"B\r\n")

    def test_late_reply_to_what_is_asked_again(self) -> None:
        """It is a reply as good as the second, which is then dropped and not taken for the next one's."""
        first, second = self.ask(b"A", retries=1), self.ask(b"B")
        self.clock.advance(1.2)
        self.say(b"1\r\n")
        self.assertEqual(self.successResultOf(first), b"1")
        self.assertEqual(self.sent(), b"A\r\nA\r\n")
        self.clock.advance(0.3)
        self.say(b"1\r\n")
        self.assertEqual(self.sent(), b"")
        self.clock.advance(SILENCE)
        self.assertEqual(self.sent(), b"B\r\n")
        self.say(b"2\r\n")
        self.assertEqual(self.successResultOf(second), b"2")

    def test_second_copy_that_never_comes(self) -> None:
        """If the first reply was lost, nothing else comes: after a while the line is used again."""
        first, second = self.ask(b"A", retries=1), self.ask(b"B")
        self.clock.advance(1.0)
        self.say(b"1\r\n")
        self.assertEqual((self.successResultOf(first), self.sent()), (b"1", b"A\r\nA\r\n"))
        self.clock.advance(0.9)
        self.assertEqual(self.sent(), b"")
        self.clock.advance(0.1)
        self.assertEqual(self.sent(), b"B\r\n")
        self.say(b"2\r\n")
        self.assertEqual(self.successResultOf(second), b"2")

    def test_all_copies_late(self) -> None:
        """Of a command that was given up after three times, three replies may come."""
        first = self.ask(b"A", retries=2)
        for _ in range(3):
            self.clock.advance(1.0)
        self.failureResultOf(first, DriverError)
        second = self.ask(b"B")
        self.assertEqual(self.sent(), b"A\r\nA\r\nA\r\n")
        for _ in range(3):
            self.clock.advance(0.6)
            self.say(b"1\r\n")
        self.assertEqual(self.sent(), b"")
        self.clock.advance(SILENCE)
        self.assertEqual(self.sent(), b"B\r\n")
        self.say(b"2\r\n")
        self.assertEqual(self.successResultOf(second), b"2")

    def test_half_a_reply_is_not_glued_to_the_next(self) -> None:
        """When a reply has begun, its rest is waited for before asking again; it is a reply if it comes."""
        first = self.ask(b"A", retries=1)
        self.say(b"61")
        self.clock.advance(1.0)
        self.assertEqual(self.sent(), b"A\r\n")
        self.clock.advance(0.5)
        self.say(b"2\r\n")
        self.assertEqual(self.successResultOf(first), b"612")

    def test_half_a_reply_that_stays_half(self) -> None:
        """If it does not come, it is forgotten, and the command sent again."""
        first = self.ask(b"A", retries=1)
        self.say(b"61")
        self.clock.advance(1.0)
        self.clock.advance(1.0)
        self.assertEqual(self.sent(), b"A\r\nA\r\n")
        self.say(b"612\r\n")
        self.assertEqual(self.successResultOf(first), b"612")

    def test_other_message_that_has_begun(self) -> None:
        """Nor is it sent again in the middle of what may be another message, unless there is no end to that."""
        first = self.ask(b"A", retries=1)
        self.clock.advance(0.99)
        for _ in range(40):
            self.say(b"x")
            self.assertEqual(self.sent(), b"A\r\n" if self.clock.seconds() == 0.99 else b"")
            self.clock.advance(0.03)
        self.clock.advance(SILENCE)
        self.assertEqual(self.sent(), b"A\r\n")
        self.say(b"1\r\n")
        self.assertEqual(self.successResultOf(first), b"1")

    def test_urgent_tell_does_not_wait(self) -> None:
        """A stop without a reply can be mixed up with nothing: it is sent even while a late reply is waited for."""
        self.ask(b"A").addErrback(lambda _: None)
        self.clock.advance(1.0)
        self.sent()
        waiting, stop = self.line.tell(b"B"), self.line.tell(b"STOP", urgent=True)
        self.successResultOf(stop)
        self.assertNoResult(waiting)
        self.assertEqual(self.sent(), b"STOP\r\n")
        self.clock.advance(1.0)
        self.assertEqual(self.sent(), b"B\r\n")

    def test_urgent_does_not_wait_for_retries(self) -> None:
        """What is asked again and again makes way for a stop; a stop itself is sent again."""
        first = self.ask(b"A", retries=5)
        self.clock.advance(0.5)
        stop = self.ask(b"STOP", urgent=True, retries=1)
        other = self.ask(b"HOLD", urgent=True)
        self.clock.advance(0.5)
        self.assertEqual(self.why(first), "no reply on COM9 to b'A' in 1 s")
        self.clock.advance(1.0)
        self.assertEqual(self.sent(), b"A\r\nSTOP\r\n")
        self.clock.advance(1.0)
        self.assertEqual(self.sent(), b"STOP\r\n")
        self.say(b"OK\r\n")
        self.assertEqual(self.successResultOf(stop), b"OK")
        self.assertNoResult(other)


class NoiseTests(AskingTestCase):
    def test_before_a_command(self) -> None:
        """What arrives before a command is sent is no reply to it; it is sent when the line is silent."""
        self.say(b"\x00\xffnoise\r\n")
        reply = self.ask(b"A")
        self.assertEqual(self.sent(), b"")
        self.clock.advance(SILENCE)
        self.assertEqual(self.sent(), b"A\r\n")
        self.say(b"1\r\n")
        self.assertEqual(self.successResultOf(reply), b"1")

    def test_never_silent(self) -> None:
        """A device that never stops talking is asked all the same, after a second."""
        self.say(b"tick\r\n")
        reply = self.ask(b"A", accept=lambda reply: reply != b"tick")
        for _ in range(40):
            self.clock.advance(0.025)
            self.say(b"tick\r\n")
        self.assertEqual(self.sent(), b"A\r\n")
        self.say(b"1\r\ntick\r\n")
        self.assertEqual(self.successResultOf(reply), b"1")

    def test_doubled_reply(self) -> None:
        """A reply that comes twice answers one command."""
        first, second = self.ask(b"A"), self.ask(b"B")
        self.say(b"1\r\n1\r")
        self.assertEqual((self.successResultOf(first), self.sent()), (b"1", b"A\r\n"))
        self.clock.advance(0.01)
        self.say(b"\n")
        self.clock.advance(SILENCE)
        self.assertEqual(self.sent(), b"B\r\n")
        self.say(b"2\r\n")
        self.assertEqual(self.successResultOf(second), b"2")

    def test_garbage(self) -> None:
        """Noise without an end fills no memory, and does not spoil the reply after it."""
        reply = self.ask(b"A")
        owner: Any = self.ports.wire.line
        for _ in range(10):
            self.say(b"\xff" * 1000)
        self.assertLess(len(owner._received), 4097)
        self.say(b"\r\n")
        self.successResultOf(reply)

    def test_framing_that_never_ends(self) -> None:
        """A framing of a driver's own that never finds an end fills no memory either."""

        class Endless(LineFraming):
            def next_frame(self, received: bytearray) -> bytes | None:
                return None

        reply = self.ask(b"A", reply=Endless()).addErrback(lambda _: None)
        owner: Any = self.ports.wire.line
        for _ in range(40):
            self.say(b"\xff" * 100_000)
        self.assertLessEqual(len(owner._received), MOST_UNCUT)
        reply.cancel()
        self.unsolicited.clear()
        self.joined("other", Endless(), port="COM4", unsolicited=self.unsolicited.append)
        owner = self.ports.wire.line
        for _ in range(40):
            self.say(b"\xff" * 100_000)
        self.assertLessEqual(len(owner._listeners[0].partial), MOST_UNCUT)

    def test_slow_line(self) -> None:
        """At few bits per second silence takes longer."""
        self.joined(port="COM4", baudrate=300)
        self.say(b"noise")
        self.joined("other", port="COM4", baudrate=300).ask(b"A").addErrback(lambda _: None)
        self.clock.advance(0.15)
        self.assertEqual(self.sent(), b"")
        self.clock.advance(0.1)
        self.assertEqual(self.sent(), b"A\r\n")


class UnsolicitedTests(LineTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.line = self.joined(unsolicited=self.unsolicited.append)

    def test_heard(self) -> None:
        """What nobody asked for goes to who listens for it, however it is cut."""
        self.say(b"button 1\r\nbut")
        self.say(b"ton 2\r\n")
        self.assertEqual(self.unsolicited, [b"button 1", b"button 2"])

    def test_between_replies(self) -> None:
        """Messages that answer nothing are heard in the middle of an exchange, if it can tell them from its reply."""
        reply = self.line.ask(b"P", accept=lambda reply: reply.startswith(b"P"))
        self.say(b"button 1\r\nP42\r\nbutton 2\r\n")
        self.assertEqual(self.successResultOf(reply), b"P42")
        self.assertEqual(self.unsolicited, [b"button 1", b"button 2"])

    def test_holds_nobody_up(self) -> None:
        """After a whole message the line is free; in the middle of one, a command waits for its end."""
        self.say(b"button 1\r\n")
        first = self.line.ask(b"A")
        self.assertEqual(self.sent(), b"A\r\n")
        self.say(b"1\r\nbut")
        second = self.line.ask(b"B")
        self.assertEqual((self.successResultOf(first), self.sent()), (b"1", b""))
        self.say(b"ton 2\r\n")
        self.assertEqual((self.sent(), self.unsolicited), (b"B\r\n", [b"button 1", b"button 2"]))
        self.say(b"2\r\n")
        self.assertEqual(self.successResultOf(second), b"2")

    def test_half_a_message(self) -> None:
        """Half a message that stays half is forgotten, and is not glued to the next."""
        self.say(b"but")
        reply = self.line.ask(b"A")
        self.clock.advance(SILENCE)
        self.assertEqual(self.sent(), b"A\r\n")
        self.say(b"1\r\nbutton 2\r\n")
        self.assertEqual((self.successResultOf(reply), self.unsolicited), (b"1", [b"button 2"]))

    def test_never_silent(self) -> None:
        """Of a device that talks without a pause no message is torn, although a command has to be sent in the middle of one."""
        reply = self.line.ask(b"P", accept=lambda reply: reply.startswith(b"P"))
        self.say(b"P1\r\n")
        self.successResultOf(reply)
        self.sent()
        self.say(b"tick 0\r\nti")
        reply = self.line.ask(b"P", accept=lambda reply: reply.startswith(b"P"))
        for number in range(1, 41):
            self.clock.advance(0.025)
            self.say(b"ck %d\r\nti" % number)
        self.assertEqual(self.sent(), b"P\r\n")
        self.say(b"ck 41\r\nP2\r\ntick 42\r\n")
        self.assertEqual(self.successResultOf(reply), b"P2")
        self.assertEqual(self.unsolicited, [b"tick %d" % number for number in range(43)])

    def test_late_reply(self) -> None:
        """A late reply is none of them."""
        self.line.ask(b"A").addErrback(lambda _: None)
        self.clock.advance(1.0)
        self.say(b"1\r\nbutton 1\r\n")
        self.assertEqual(self.unsolicited, [b"button 1"])


class FaultyDriverTests(LineTestCase):
    def still_works(self) -> None:
        self.clock.advance(2.0)
        self.sent()
        reply = self.line.ask(b"A", reply=LineFraming(b"\r\n"))
        self.assertEqual(self.sent(), b"A\r\n")
        self.say(b"1\r\n")
        self.assertEqual(self.successResultOf(reply), b"1")

    def test_listener(self) -> None:
        """A listener of the driver that fails is logged; the port is not to blame, and the next message is heard."""
        heard: list[int] = []
        self.line = self.joined(unsolicited=lambda message: heard.append(int(message)))
        self.say(b"button\r\n2\r\n")
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)
        self.assertEqual(heard, [2])
        self.still_works()

    def test_listener_that_exits(self) -> None:
        """So is one that wants to end the server."""

        def heard(message: bytes) -> None:
            raise SystemExit(3)

        self.line = self.joined(unsolicited=heard)
        self.say(b"button\r\n")
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
        self.still_works()

    def test_listener_that_waits(self) -> None:
        """A listener may be a coroutine; one that fails later is logged, too."""
        waiting: Deferred[None] = Deferred()
        heard: list[int] = []

        async def listen(message: bytes) -> None:
            await waiting
            heard.append(int(message))

        self.line = self.joined(unsolicited=listen)
        self.say(b"1\r\nbutton\r\n")
        waiting.callback(None)
        self.assertEqual((heard, len(self.flushLoggedErrors(ValueError))), ([1], 1))
        self.still_works()

    def test_what_is_no_command(self) -> None:
        """A command that is text, and a reply without time, are told to who asked, and not sent."""
        self.line = self.joined(framing=TerminatedFraming(b"#"))
        text: Any = ":GR#"
        told = self.failureResultOf(self.line.ask(text), TypeError)
        self.assertEqual(str(told.value), "a command is bytes, as b'STATUS', not ':GR#'")
        for within in (0.0, -1.0, float("nan")):
            self.failureResultOf(self.line.ask(b":GR#", within=within), ValueError)
        self.assertEqual(self.sent(), b"")

    def test_framing(self) -> None:
        """A framing of the driver's own that fails is told to who asked, and logged if nobody did."""

        class Faulty(LineFraming):
            def next_frame(self, received: bytearray) -> bytes | None:
                raise ZeroDivisionError

        self.line = self.joined(framing=Faulty(b"\r\n"), unsolicited=self.unsolicited.append)
        reply = self.line.ask(b"A")
        self.say(b"1\r\n")
        self.failureResultOf(reply, ZeroDivisionError)
        self.say(b"2\r\n")  # late
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.clock.advance(2.0)
        self.say(b"3\r\n")
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.still_works()

    def test_framing_that_takes_nothing(self) -> None:
        """A framing that gives a message without taking it is found out before it does so for ever."""

        class Generous(LineFraming):
            def next_frame(self, received: bytearray) -> bytes | None:
                return b"again"

        self.line = self.joined(framing=Generous(b"\r\n"), unsolicited=self.unsolicited.append)
        self.say(b"x")
        (logged,) = self.flushLoggedErrors(RuntimeError)
        self.assertIn("without taking it", str(logged.value))

    def test_command_that_cannot_be_framed(self) -> None:
        """A command that its framing cannot send fails, and is not sent."""

        class Picky(LineFraming):
            def outgoing(self, command: bytes) -> bytes:
                raise ValueError("too long")

        self.line = self.joined(framing=Picky(b"\r\n"))
        self.failureResultOf(self.line.ask(b"A"), ValueError)
        self.assertEqual(self.sent(), b"")

    def test_accept(self) -> None:
        """What judges a reply and fails is told to who asked."""
        self.line = self.joined()
        reply = self.line.ask(b"A", accept=lambda reply: int(reply) > 0)
        self.say(b"x\r\n")
        self.failureResultOf(reply, ValueError)
        self.still_works()


class EndingTests(AskingTestCase):
    def test_closed(self) -> None:
        """A port that is closed fails what waits, and what comes later."""
        first, second = self.ask(b"A"), self.ask(b"B")
        self.successResultOf(self.line.close())
        for each in (first, second, self.ask(b"C"), self.line.tell(b"D")):
            self.assertEqual(self.why(each), "port COM9 was closed")
        self.assertEqual((self.ports.wire.is_open, self.clock.getDelayedCalls(), self.logged), (False, [], []))

    def test_closed_when_all_is_sent(self) -> None:
        """Closing waits until what was written has left, and who closes it a second time waits for the same end."""
        self.ports.wire.stuck = True
        first, second = self.line.close(), self.line.close()
        self.assertNoResult(first)
        self.ports.wire.break_off()
        self.successResultOf(first)
        self.successResultOf(second)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_what_was_written_does_not_leave(self) -> None:
        """A port whose device takes nothing any more is closed all the same."""
        self.ports.wire.stuck = True
        closed = self.line.close()
        self.assertNoResult(closed)
        self.clock.advance(Owner.CLOSE_WITHIN)
        self.successResultOf(closed)
        self.assertFalse(self.ports.wire.is_open)

    def test_closed_twice(self) -> None:
        """A port that is closed is closed at once."""
        self.successResultOf(self.line.close())
        self.successResultOf(self.line.close())

    def test_what_comes_after_the_end(self) -> None:
        """What comes while it is being closed is for nobody."""
        self.ports.wire.stuck = True
        self.line.close()
        self.say(b"1\r\n")
        self.ports.wire.break_off()

    def test_closed_by_who_gets_a_reply(self) -> None:
        """Who gets a reply may close the line at once."""
        self.ask(b"A").addCallback(lambda _: self.line.close())
        second = self.ask(b"B")
        self.say(b"1\r\n2\r\n")
        self.assertEqual(self.why(second), "port COM9 was closed")
        self.assertEqual(self.sent(), b"A\r\n")
