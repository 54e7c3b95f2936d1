"""Recordings of serial lines: written whatever happens, read again, and played back as the device."""

from __future__ import annotations

import contextlib
import json
import os
import select
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, cast
from unittest import TestResult

from hypothesis import given
from hypothesis import strategies as st
from serial import Serial
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import ILogObserver, LogEvent, LogLevel, formatEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from pylpaca.errors import DriverError
from pylpaca.serial import Cables, LineFraming, SerialLine, SerialSettings
from pylpaca.serial.recording import BrokenRecording, Event, Kind, Recorder, read
from pylpaca.testing import SerialPorts
from pylpaca.testing.replay import HURRY, NeverRecorded, Replay, Script, Step, TerminalReplay
from tests.test_docs import blocks

EVENING = datetime(2026, 1, 17, 21, 3, 11, tzinfo=UTC)
HEAD = "# pylpaca recording 1 of COM3 at 2026-01-17T21:03:11Z ()\n# seconds since then; -> to the device, <- from it\n"
ROOF = "0.000 opened COM3\n0.100 -> b'S\\n'\n0.120 <- b'OPEN'\n0.130 <- b'ING\\n'\n0.900 -> b'S\\n'\n0.920 <- b'OPEN\\n'\n"


class FileTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(1000.0)
        self.file = Path(self.mktemp())

    def recorder(self, **settings: object) -> Recorder:
        return Recorder(self.file, self.clock, lambda: EVENING, settings)

    def written(self, text: str) -> Path:
        self.file.write_text(HEAD + text)
        return self.file


class RecorderTests(FileTestCase):
    def test_session(self) -> None:
        """A session is a text that a person can read."""
        recorder = self.recorder(baudrate=9600, parity="none")
        recorder.opened("/dev/ttyUSB0")
        self.clock.advance(0.1)
        recorder.sent(b"STATUS\n")
        self.clock.advance(0.02345)
        recorder.received(b"it's \xff\x00  \n")
        self.clock.advance(100)
        recorder.lost("port /dev/ttyUSB0 vanished:\n is the cable plugged in?")
        recorder.opened("/dev/ttyUSB1")
        recorder.closed()
        self.assertEqual(
            self.file.read_text(),
            "# pylpaca recording 1 of /dev/ttyUSB0 at 2026-01-17T21:03:11Z (baudrate=9600, parity='none')\n"
            "# seconds since then; -> to the device, <- from it\n"
            "0.000 opened /dev/ttyUSB0\n"
            "0.100 -> b'STATUS\\n'\n"
            '0.123 <- b"it\'s \\xff\\x00  \\n"\n'
            "100.123 lost port /dev/ttyUSB0 vanished: is the cable plugged in?\n"
            "100.123 opened /dev/ttyUSB1\n"
            "100.123 closed\n",
        )

    def test_each_line_at_once(self) -> None:
        """What was said stands in the file when the program crashes a moment later."""
        recorder = self.recorder()
        recorder.opened("COM3")
        for said in (recorder.sent, recorder.received):
            said(b"A\n")
            self.assertEqual(read(self.file)[-1].data, b"A\n")

    def test_added(self) -> None:
        """A session is added to those before it."""
        for _ in range(2):
            recorder = self.recorder()
            recorder.opened("COM3")
            recorder.closed()
            recorder.opened("COM3")
            recorder.closed()
        self.assertEqual([event.kind for event in read(self.file)], [Kind.OPENED, Kind.CLOSED] * 4)

    def test_behind_a_crash(self) -> None:
        """A line that a crash cut off spoils neither the session before it nor the one after."""
        recorder = self.recorder()
        recorder.opened("COM3")
        recorder.sent(b"A\n")
        recorder.sent(b"B\n")
        self.file.write_bytes(self.file.read_bytes()[:-4])
        self.assertEqual([event.data for event in read(self.file)], [b"", b"A\n"])
        self.recorder().opened("COM3")
        self.assertEqual([event.kind for event in read(self.file)], [Kind.OPENED, Kind.SENT, Kind.OPENED])

    def test_before_it_is_opened(self) -> None:
        """What is told before a port is open, and after it was closed, is not recorded; there is no file until then."""
        recorder = self.recorder()
        recorder.sent(b"A\n")
        recorder.closed()
        self.assertFalse(self.file.exists())


class TroubleTests(FileTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.events: list[LogEvent] = []
        observer = cast(ILogObserver, self.events.append)
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)

    def logged(self) -> list[str | None]:
        return [formatEvent(event) for event in self.events if event["log_level"] is LogLevel.warn]

    def use(self, recorder: Recorder) -> None:
        for _ in range(2):
            recorder.opened("COM3")
            recorder.sent(b"A\n")
            recorder.received(b"B\n")
            recorder.lost("gone")
            recorder.closed()

    def test_disk_full(self) -> None:
        """A full disk ends the recording, said once; the line is not harmed."""
        self.file = Path("/dev/full")
        self.use(self.recorder())
        self.assertEqual(self.logged(), ["nothing is recorded in /dev/full any more: No space left on device"])

    def test_no_such_folder(self) -> None:
        """So does a file that cannot be made."""
        self.file = Path(self.mktemp()) / "no" / "such" / "folder.txt"
        self.use(self.recorder())
        self.assertEqual(self.logged(), [f"nothing is recorded in {self.file} any more: No such file or directory"])

    def test_forgotten(self) -> None:
        """A recording that nobody ends does not fill the disk."""
        recorder = self.recorder()
        self.patch(Recorder, "LARGEST", 300)
        recorder.opened("COM3")
        for _ in range(100):
            recorder.sent(b"STATUS\n")
        self.assertLessEqual(self.file.stat().st_size, 300)
        self.assertEqual(len(self.logged()), 1)
        self.assertIn("and that is enough", str(self.logged()[0]))
        self.use(self.recorder())
        self.assertLessEqual(self.file.stat().st_size, 300)


class ReadingTests(FileTestCase):
    @given(st.lists(st.tuples(st.booleans(), st.binary(max_size=60), st.floats(0, 1e6))), st.text(max_size=20))
    def test_round_trip(self, said: list[tuple[bool, bytes, float]], name: str) -> None:
        """Whatever bytes go in come out again."""
        self.setUp()
        recorder = self.recorder(odd=name)
        recorder.opened(name)
        for to_device, data, later in said:
            self.clock.advance(later)
            (recorder.sent if to_device else recorder.received)(data)
        recorder.lost(name)
        opened, *events, lost = read(self.file)
        self.assertEqual((opened.kind, lost.kind), (Kind.OPENED, Kind.LOST))
        kinds = {True: Kind.SENT, False: Kind.RECEIVED}
        self.assertEqual([(event.kind, event.data) for event in events], [(kinds[each[0]], each[1]) for each in said])
        for earlier, later_one in pairwise([opened, *events]):
            self.assertLessEqual(earlier.seconds, later_one.seconds)

    def test_as_people_write(self) -> None:
        """Remarks, empty lines, indentation, Windows' line ends and its byte order mark do no harm."""
        self.file.write_bytes(
            b"\xef\xbb\xbf# pylpaca recording 1\r\n\r\n# here it hangs\r\n   0.5   ->   b'A'\r\n7 <- b\"B\" \r\n2 closed"
        )
        self.assertEqual(
            read(self.file), (Event(0.5, Kind.SENT, b"A", 4), Event(7.0, Kind.RECEIVED, b"B", 5), Event(2.0, Kind.CLOSED, b"", 6))
        )

    def broken(self, content: bytes) -> str:
        self.file.write_bytes(content)
        return str(self.assertRaises(BrokenRecording, read, self.file))

    def test_broken(self) -> None:
        """What cannot be read is one sentence with the line."""
        head = HEAD.encode()
        for line, said in (
            (b"what?", "an event is written as 0.125 -> b'STATUS\\n', this is 'what?'"),
            (b"-1 closed", "an event is written as 0.125 -> b'STATUS\\n', this is '-1 closed'"),
            (b"1.0 melted", "an event is written as 0.125 -> b'STATUS\\n', this is '1.0 melted'"),
            (b"1.0 -> STATUS", "bytes are written as b'STATUS\\n', this is 'STATUS'"),
            (b"1.0 -> 'STATUS'", "bytes are written as b'STATUS\\n', this is \"'STATUS'\""),
            (b"1.0 <- b'STA", "bytes are written as b'STATUS\\n', this is \"b'STA\""),
            (b"1.0 <-", "bytes are written as b'STATUS\\n', this is ''"),
            (b"1.0 -> __import__('os').abort()", "bytes are written as b'STATUS\\n', this is"),
            (b"\xff\xfe", "this is no text in UTF-8"),
            (b"# pylpaca recording 2", "a newer pylpaca wrote this"),
        ):
            self.assertIn(f"{self.file}, line 3: {said}", self.broken(head + line + b"\n1.0 closed\n"))

    @given(
        st.binary()
        | st.lists(st.sampled_from([b"1.5 ", b"-> ", b"<- ", b"b'", b"'", b"A", b"\\", b"#", b"lost", b"\n"])).map(b"".join)
    )
    def test_anything(self, content: bytes) -> None:
        """Whatever is in a file, it is read, or told in one sentence."""
        self.setUp()
        self.file.write_bytes(HEAD.encode() + content)
        with warnings.catch_warnings(), contextlib.suppress(BrokenRecording):
            warnings.simplefilter("ignore")  # Python's own, about escapes that are none
            read(self.file)

    def test_no_recording(self) -> None:
        """Another file is told so."""
        for content in (b"", b"hello\n", b"\x89PNG\r\n", "# pylpaca recording 1".encode("utf-16")):
            self.assertIn(f"{self.file}, line 1: this is no recording", self.broken(content))
        self.assertIn("line 1: a newer pylpaca wrote this", self.broken(b"# pylpaca recording 27\n"))

    def test_no_file(self) -> None:
        """A file that is not there is told so."""
        self.assertIn("cannot be read: No such file", str(self.assertRaises(BrokenRecording, read, self.file)))


class ScriptTests(FileTestCase):
    def said(self, script: Script, data: bytes) -> list[bytes | None]:
        """What is said to some bytes; None for a command that was never recorded."""
        found: list[bytes | None] = []
        for _, outcome in script.take(data):
            found.append(None if isinstance(outcome, NeverRecorded) else b"".join(step.data or b"" for step in outcome))
        return found

    def test_by_command(self) -> None:
        """A command is answered as the first time, then as the second, then always as the last time."""
        script = Script(self.written(ROOF + "1.0 -> b'X\\n'\n1.1 <- b'x\\n'\n"))
        answers = [self.said(script, command) for command in (b"X\n", b"S\n", b"S\n", b"X\n", b"S\n")]
        self.assertEqual(answers, [[b"x\n"], [b"OPENING\n"], [b"OPEN\n"], [b"x\n"], [b"OPEN\n"]])

    def test_in_order(self) -> None:
        """In order, only what was recorded next is answered."""
        script = Script(self.written(ROOF + "1.0 -> b'X\\n'\n1.1 <- b'x\\n'\n"), in_order=True)
        self.assertEqual(self.said(script, b"X\n"), [None])
        self.assertEqual(self.said(script, b"S\n"), [b"OPENING\n"])
        self.assertEqual(script.rest, [b"S\n", b"X\n"])
        ((_, outcome),) = script.take(b"X\n")
        self.assertEqual(str(outcome), f"{self.file}, line 7: b'S\\n' comes next, not b'X\\n'")
        self.assertEqual(self.said(script, b"S\nX\n"), [b"OPEN\n", b"x\n"])
        ((_, outcome),) = script.take(b"X\n")
        self.assertEqual(str(outcome), f"{self.file} ends before b'X\\n'")

    @given(st.lists(st.integers(0, 12), max_size=6))
    def test_in_pieces(self, cuts: list[int]) -> None:
        """However the bytes of commands arrive, they are the same commands."""
        self.setUp()
        script = Script(self.written("0 -> b'AB\\n'\n0 <- b'1'\n0 -> b'A'\n0 <- b'2'\n0 -> b'ABCD\\n'\n0 <- b'3'\n"))
        whole = b"ABCD\nAB\nABCD\n"
        edges = sorted({0, len(whole), *cuts} - {1, 6, 9})  # after an A alone nobody can tell: it is a command
        answers = [answer for start, end in pairwise(edges) for answer in self.said(script, whole[start:end])]
        self.assertEqual(answers, [b"3", b"1", b"3"])

    def test_never_recorded(self) -> None:
        """A command that was never recorded says so, with those that were."""
        script = Script(self.written(ROOF))
        ((command, outcome),) = script.take(b"FOCUS\n")
        self.assertEqual(command, b"FOCUS\n")
        self.assertEqual(str(outcome), f"{self.file} has no answer to b'FOCUS\\n', only to b'S\\n'")
        self.assertEqual(self.said(script, b"S\n"), [b"OPENING\n"])

    def test_strangers(self) -> None:
        """Commands that were never recorded are told apart by the byte that all others end in; without one they cannot be."""
        script = Script(self.written(ROOF))
        self.assertEqual([command for command, _ in script.take(b"FOCUS\nS\nX\n")], [b"FOCUS\n", b"S\n", b"X\n"])
        script = Script(self.written("0 -> b'A'\n0 -> b'B'\n"))
        self.assertEqual([command for command, _ in script.take(b"ACB")], [b"A", b"CB"])
        script = Script(self.written("0 -> b''\n0 <- b'x'\n"))
        self.assertIn("only to no command at all", str(script.take(b"A")[0][1]))

    def test_in_time(self) -> None:
        """What came at once comes at once, what came late comes late; all in its time if that is wanted."""
        file = self.written("1 opened COM3\n1.5 <- b'hello'\n3.0 -> b'A'\n3.2 <- b'1'\n8.0 <- b'late'\n9.0 lost gone\n")
        script = Script(file)
        self.assertEqual(script.open(), [Step(0.0, b"hello")])
        ((_, outcome),) = script.take(b"A")
        self.assertEqual(outcome, [Step(0.0, b"1"), Step(5.0, b"late"), Step(6.0, None)])
        script = Script(file, hurry=0)
        self.assertEqual(script.open(), [Step(0.5, b"hello")])

    def test_rest(self) -> None:
        """What was recorded and not sent is known."""
        script = Script(self.written(ROOF))
        self.assertEqual(script.rest, [b"S\n", b"S\n"])
        for left in ([b"S\n"], [], []):
            script.take(b"S\n")
            self.assertEqual(script.rest, left)


class ReplayTests(FileTestCase):
    def line(self, replay: Replay, unsolicited: Callable[[bytes], object] | None = None) -> SerialLine:
        cables = Cables(self.clock, SerialPorts(self.clock, {"COM3": replay}), lambda: EVENING)
        joining = cables.join("roof", SerialSettings(port="COM3"), LineFraming(b"\n"), unsolicited)
        line = self.successResultOf(Deferred.fromCoroutine(joining))
        self.clock.advance(0)
        return line

    def test_answers(self) -> None:
        """It is the device that was recorded."""
        replay = Replay(self.written(ROOF))
        line = self.line(replay)
        for expected in (b"OPENING", b"OPEN", b"OPEN"):
            answer = line.ask(b"S")
            self.clock.advance(0)
            self.assertEqual(self.successResultOf(answer), expected)
        self.assertEqual((replay.commands, replay.rest, replay.unknown), ([b"S\n"] * 3, [], []))

    def test_never_recorded(self) -> None:
        """A command that was never recorded is not answered, and fails a test."""
        replay = Replay(self.written(ROOF))
        answer = self.line(replay).ask(b"FOCUS")
        self.clock.advance(60)
        self.failureResultOf(answer, DriverError)
        self.assertEqual(set(replay.unknown), {b"FOCUS\n"})
        (logged,) = self.flushLoggedErrors(NeverRecorded)
        self.assertIn("has no answer to b'FOCUS\\n', only to b'S\\n'", str(logged.value))

    def test_only_the_beginning(self) -> None:
        """What is only the beginning of a recorded command was never recorded, either; that is told when the line is closed."""
        replay = Replay(self.written("0 opened COM3\n1 -> b'S\\n'\n1.1 <- b'OPEN\\n'\n2 -> b'GO\\nNOW\\n'\n"))
        line = self.line(replay)
        line.ask(b"GO").addErrback(lambda _: None)
        self.assertEqual((replay.unknown, self.flushLoggedErrors(NeverRecorded)), ([b"GO\n"], []))
        line.close()
        (logged,) = self.flushLoggedErrors(NeverRecorded)
        self.assertIn("has no answer to b'GO\\n', only to b'S\\n', b'GO\\nNOW\\n'", str(logged.value))
        self.assertEqual(replay.unknown, [b"GO\n"])

    def test_silence(self) -> None:
        """A device that did not answer does not answer; what came too late comes too late."""
        replay = Replay(self.written("0 opened COM3\n1 -> b'A\\n'\n2.4 <- b'1\\n'\n"))
        answer = self.line(replay).ask(b"A")
        self.clock.advance(HURRY + 0.1)
        self.failureResultOf(answer, DriverError)

    def test_pulled(self) -> None:
        """Where the cable was pulled, it is pulled; what the device would have said is not said when it is back."""
        replay = Replay(
            self.written("0 opened COM3\n1 -> b'A\\n'\n1.1 lost gone\n1.2 <- b'x\\n'\n3 opened COM3\n5 <- b'hello\\n'\n")
        )
        heard: list[bytes] = []
        answer = self.line(replay, heard.append).ask(b"A")
        self.clock.advance(0)
        self.assertIn("vanished", str(self.failureResultOf(answer, DriverError).value))
        self.clock.pump([0.5] * 20)
        self.assertEqual(heard, [b"hello"])

    def test_what_a_line_records(self) -> None:
        """What a recorder wrote of a device is that device."""
        recorder = Recorder(self.file, self.clock, lambda: EVENING)
        recorder.opened("COM3")
        for command, reply in ((b"A\n", b"\x001\n"), (b"B\n", b"\xff\n")):
            recorder.sent(command)
            recorder.received(reply[:1])
            recorder.received(reply[1:])
        recorder.closed()
        line = self.line(Replay(self.file, in_order=True))
        for command, reply in ((b"A", b"\x001"), (b"B", b"\xff")):
            answer = line.ask(command)
            self.clock.advance(0)
            self.assertEqual(self.successResultOf(answer), reply)


class TerminalTests(FileTestCase):
    def opened(self, replay: TerminalReplay) -> Serial:
        port = Serial(replay.port, timeout=10)
        self.addCleanup(port.close)
        return port

    def test_answers(self) -> None:
        """The same on a real terminal, opened more than once."""
        replay = TerminalReplay(self.written("0 opened COM3\n0.1 <- b'hello\\n'\n" + ROOF.partition("\n")[2] + "2 opened COM3\n"))
        port = self.opened(replay)
        self.assertEqual(port.readline(), b"hello\n")
        for expected in (b"OPENING\n", b"OPEN\n"):
            port.write(b"S\n")
            self.assertEqual(port.readline(), expected)
        port.close()
        again = self.opened(replay)
        again.write(b"S\n")
        self.assertEqual(again.readline(), b"OPEN\n")
        replay.stop()
        self.assertEqual((replay.commands, replay.rest), ([b"S\n"] * 3, []))

    def test_never_recorded(self) -> None:
        """A command that was never recorded is told at the end."""
        replay = TerminalReplay(self.written(ROOF))
        port = self.opened(replay)
        port.write(b"FOCUS\n")
        port.write(b"S\n")
        self.assertEqual(port.readline(), b"OPENING\n")
        self.assertIn("has no answer to b'FOCUS\\n'", str(self.assertRaises(NeverRecorded, replay.stop)))
        self.assertEqual(replay.unknown, [b"FOCUS\n"])

    def test_only_the_beginning(self) -> None:
        """So is one that is only the beginning of a recorded one."""
        replay = TerminalReplay(self.written("0 opened COM3\n1 -> b'S\\n'\n1.1 <- b'OPEN\\n'\n2 -> b'GO\\n'\n"))
        port = self.opened(replay)
        port.write(b"S\nG")
        self.assertEqual(port.readline(), b"OPEN\n")
        self.assertIn("has no answer to b'G'", str(self.assertRaises(NeverRecorded, replay.stop)))
        self.assertEqual(replay.unknown, [b"G"])

    def test_pulled(self) -> None:
        """Where the cable was pulled, the terminal is gone."""
        replay = TerminalReplay(self.written("0 opened COM3\n1 -> b'A'\n1.1 lost gone\n"))
        port = self.opened(replay)
        port.write(b"A")
        self.assertEqual(select.select([port.fileno()], [], [], 10)[0], [port.fileno()])  # it hangs up
        replay.stop()
        self.assertFalse(os.path.exists(replay.port))


class PageTests(SynchronousTestCase):
    """What docs/serial-recordings.md shows is executed."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        (text,) = blocks("docs/serial-recordings.md", "text")
        self.file = self.folder / "roof.txt"
        self.file.write_text(text)

    def test_settings(self) -> None:
        """The settings are right."""
        (text,) = blocks("docs/serial-recordings.md", "json")
        self.assertTrue(SerialSettings.model_validate(json.loads(text)).record)

    def test_file(self) -> None:
        """The recording is one, and a recorder would write the same."""
        clock, again = Clock(), self.folder / "again.txt"
        settings = SerialSettings(port="COM3").model_dump(include={"baudrate", "bytesize", "parity", "stopbits"})
        recorder = Recorder(again, clock, lambda: EVENING, settings)
        for event in read(self.file):
            clock.advance(event.seconds - clock.seconds())
            if event.kind is Kind.OPENED:
                recorder.opened("/dev/ttyUSB0")
            else:
                (recorder.sent if event.kind is Kind.SENT else recorder.received)(event.data)
        self.assertEqual(again.read_text(), self.file.read_text())

    def test_test(self) -> None:
        """The test passes, and would not with another recording."""
        (source,) = blocks("docs/serial-recordings.md", "python")
        names: dict[str, Any] = {}
        exec(compile(source.replace('"roof.txt"', repr(str(self.file))), "docs/serial-recordings.md", "exec"), names)
        result = TestResult()
        names["StuckRoofTests"]("test_error_while_opening").run(result)
        self.assertEqual((result.testsRun, result.errors, result.failures), (1, [], []))
        self.file.write_text(self.file.read_text().replace("ERR 7", "OPEN"))
        result = TestResult()
        names["StuckRoofTests"]("test_error_while_opening").run(result)
        self.assertFalse(result.wasSuccessful())
