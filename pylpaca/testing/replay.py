"""A recorded line, played as the device at the other end: in memory, and on a pseudo-terminal."""

from __future__ import annotations

import os
import select
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from twisted.internet.interfaces import IDelayedCall
from twisted.internet.protocol import Protocol
from twisted.internet.task import Clock
from twisted.logger import Logger
from twisted.python.failure import Failure

from pylpaca.serial.recording import Event, Kind, read
from pylpaca.testing import SerialDouble

log = Logger()

HURRY = 1.0  # seconds


class NeverRecorded(AssertionError):
    """The driver sent what the recording has no answer to; the sentence says what it has."""


@dataclass(frozen=True)
class Step:
    """What the device does after a command."""

    after: float  # seconds
    data: bytes | None  # what it says; None: the cable is pulled


@dataclass
class Turn:
    """A command, and what the device did until the next one; opening the port counts as a command without bytes."""

    command: bytes
    line: int
    began: float
    steps: list[Step] = field(default_factory=list)


class Script:
    """
    Which answer a recording has to what a driver sends, however its bytes are cut.

    Asked a command again, it answers as the device did the second time, and the last time from then on.

    :param in_order: only the recorded commands in the recorded order are answered.
    :param hurry: seconds; what came within them after its command comes at once, anything later as late as it came.
    """

    def __init__(self, file: str | Path, in_order: bool = False, hurry: float = HURRY) -> None:
        self._file, self._in_order, self._hurry = str(file), in_order, hurry
        openings, self._turns = _turns(read(file))
        self._openings = openings or [Turn(b"", 0, 0.0)]
        self._opened = 0
        self._next = 0  # in the recorded order
        self._answers: defaultdict[bytes, list[Turn]] = defaultdict(list)
        for turn in self._turns:
            self._answers[turn.command].append(turn)
        self._asked: defaultdict[bytes, int] = defaultdict(int)
        self._received = b""

    @property
    def rest(self) -> list[bytes]:
        """The recorded commands that were not sent."""
        if self._in_order:
            return [turn.command for turn in self._turns[self._next :]]
        return [turn.command for each, turns in self._answers.items() for turn in turns[self._asked[each] :]]

    @property
    def is_opened_again(self) -> bool:
        """Whether the recording has the port opened more often than it was."""
        return self._opened < len(self._openings)

    def open(self) -> list[Step]:
        """The port is opened: what the device says unasked."""
        turn = self._openings[min(self._opened, len(self._openings) - 1)]
        self._opened += 1
        self._received = b""
        return self._in_time(turn)

    def take(self, data: bytes) -> list[tuple[bytes, list[Step] | NeverRecorded]]:
        """The driver sent this: each command in it, with what the device does."""
        self._received += data
        done: list[tuple[bytes, list[Step] | NeverRecorded]] = []
        while self._received:
            command = self._first_command()
            if command is None:
                break
            self._received = self._received[len(command) :]
            done.append((command, self._answer(command)))
        return done

    @property
    def begun(self) -> bytes:
        """The beginning of a recorded command, whose rest has not come yet."""
        return self._received

    def end(self) -> list[tuple[bytes, NeverRecorded]]:
        """Nothing comes any more: what had only begun was never recorded so."""
        begun, self._received = self._received, b""
        return [(begun, self._never_recorded(begun))] if begun else []

    def _first_command(self) -> bytes | None:
        """The longest recorded command that was received, or one that never was recorded; None if the rest of one is to come."""
        received = self._received
        if received in self._answers:
            return received
        if any(each.startswith(received) for each in self._answers):
            return None
        return max((each for each in self._answers if received.startswith(each)), key=len, default=self._stranger())

    def _stranger(self) -> bytes:
        """The first command of what was received if all recorded ones end in the same byte; all of it otherwise."""
        ends = {each[-1:] for each in self._answers}
        before, end, _ = self._received.partition(ends.pop()) if len(ends) == 1 else (self._received, b"", b"")
        return before + end

    def _answer(self, command: bytes) -> list[Step] | NeverRecorded:
        turns = self._answers.get(command)
        if self._in_order:
            if self._next == len(self._turns):
                return NeverRecorded(f"{self._file} ends before {command!r}")
            turn = self._turns[self._next]
            if turn.command != command:
                return NeverRecorded(f"{self._file}, line {turn.line}: {turn.command!r} comes next, not {command!r}")
            self._next += 1
            return self._in_time(turn)
        if turns is None:
            return self._never_recorded(command)
        turn = turns[min(self._asked[command], len(turns) - 1)]
        self._asked[command] += 1
        return self._in_time(turn)

    def _never_recorded(self, command: bytes) -> NeverRecorded:
        known = ", ".join(map(repr, list(self._answers)[:20])) or "no command at all"
        return NeverRecorded(f"{self._file} has no answer to {command!r}, only to {known}")

    def _in_time(self, turn: Turn) -> list[Step]:
        return [Step(0.0 if each.after <= self._hurry else each.after, each.data) for each in turn.steps]


def _turns(events: Sequence[Event]) -> tuple[list[Turn], list[Turn]]:
    """The openings of the port, and the commands."""
    openings: list[Turn] = []
    turns: list[Turn] = []
    current = Turn(b"", 0, 0.0)
    for event in events:
        if event.kind is Kind.OPENED:
            current = Turn(b"", event.line, event.seconds)
            openings.append(current)
        elif event.kind is Kind.SENT and event.data:
            current = Turn(event.data, event.line, event.seconds)
            turns.append(current)
        elif event.kind in (Kind.RECEIVED, Kind.LOST):
            data = event.data if event.kind is Kind.RECEIVED else None
            current.steps.append(Step(max(0.0, event.seconds - current.began), data))
    return openings, turns


class Replay(SerialDouble):
    """
    A recording as the other end of a line in memory; for `MemoryServer(serial={"COM3": Replay(file)})`.

    A command that was never recorded gets no answer, stands in `unknown`, and is logged as a failure, which trial counts: at
    once, or when the line is closed, if a recorded one begins like it.

    :param in_order: only the recorded commands in the recorded order are answered; else each as often as it comes.
    :param hurry: seconds; what came within them after its command comes at once, anything later as late as it came.
    :raises BrokenRecording: the file cannot be read.
    """

    def __init__(self, file: str | Path, in_order: bool = False, hurry: float = HURRY) -> None:
        super().__init__(lambda command: None)
        self._script = Script(file, in_order, hurry)
        self._coming: list[IDelayedCall] = []
        self._unknown: list[bytes] = []

    @property
    def rest(self) -> list[bytes]:
        """The recorded commands that were not sent."""
        return self._script.rest

    @property
    def unknown(self) -> list[bytes]:
        """What was sent and never recorded."""
        return self._unknown + [each for each in (self._script.begun,) if each]

    def plug(self, line: Protocol, clock: Clock) -> None:
        super().plug(line, clock)
        self._play(self._script.open())

    def hang_up(self) -> None:
        coming, self._coming = self._coming, []
        for each in coming:
            if each.active():
                each.cancel()
        for command, failure in self._script.end():
            self._cannot_go_on(command, failure)
        super().hang_up()

    def _pull(self) -> None:
        """As in the recording the cable is pulled, and put back if it was."""
        self.unplug()
        if self._script.is_opened_again:
            self.plug_in()

    def receive(self, data: bytes) -> None:
        for command, outcome in self._script.take(data):
            self.commands.append(command)
            if isinstance(outcome, NeverRecorded):
                self._cannot_go_on(command, outcome)
            else:
                self._play(outcome)

    def _cannot_go_on(self, command: bytes, failure: NeverRecorded) -> None:
        self._unknown.append(command)
        log.failure("a replay cannot go on", Failure(failure))

    def _play(self, steps: Sequence[Step]) -> None:
        assert self.clock is not None
        self._coming = [each for each in self._coming if each.active()]
        for step in steps:
            does: tuple[Any, ...] = (self._pull,) if step.data is None else (self._deliver, step.data)
            self._coming.append(self.clock.callLater(step.after, *does))


class TerminalReplay:
    """
    The same on a pseudo-terminal, for a test of a whole server in real time; a program of its own would be no different.

    `port` is what to write into the settings. Where the recording has the cable pulled, the terminal is gone for good.
    """

    LOOK_AGAIN = 0.01  # seconds, while nobody has it open

    def __init__(
        self,
        file: str | Path,
        in_order: bool = False,
        hurry: float = HURRY,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        import pty  # not on Windows
        import tty

        self._script = Script(file, in_order, hurry)
        self._seconds = seconds
        self._ours, theirs = pty.openpty()
        tty.setraw(theirs)
        os.set_blocking(self._ours, False)
        self.port = os.ttyname(theirs)
        os.close(theirs)  # so that the kernel tells when the driver opens and closes it
        self.commands: list[bytes] = []
        self.unknown: list[bytes] = []
        self._failure: NeverRecorded | None = None
        self._wake, self._stop = os.pipe()
        self._thread = threading.Thread(target=self._run, name=f"replay of {file}", daemon=True)
        self._thread.start()

    @property
    def rest(self) -> list[bytes]:
        """The recorded commands that were not sent."""
        return self._script.rest

    def stop(self) -> None:
        """
        Switch it off.

        :raises NeverRecorded: the first command that the recording has no answer to.
        """
        os.write(self._stop, b"x")
        self._thread.join()
        self._end()
        for each in (self._ours, self._wake, self._stop):
            if each >= 0:
                os.close(each)
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        coming: list[tuple[float, bytes | None]] = []  # what is to be said, and when
        is_open = False
        poll = select.poll()
        poll.register(self._ours, select.POLLIN)
        poll.register(self._wake, select.POLLIN)
        asleep = select.poll()  # the terminal would tell all the time that nobody has it open
        asleep.register(self._wake, select.POLLIN)
        while True:
            if not is_open and asleep.poll(self.LOOK_AGAIN * 1000):
                return
            ready = dict(poll.poll(self._wait(coming) if is_open else 0))
            if self._wake in ready:
                return
            told = ready.get(self._ours, 0)
            if is_open is bool(told & select.POLLHUP):  # opened or closed a moment ago
                is_open = not is_open
                self._end()
                coming = self._timed(self._script.open()) if is_open else []
            if told & select.POLLIN:
                coming += self._heard(os.read(self._ours, 4096))
            coming.sort(key=lambda each: each[0])
            while is_open and coming and coming[0][0] <= self._seconds():
                _, data = coming.pop(0)
                if data is None:
                    os.close(self._ours)
                    self._ours = -1
                    return
                with suppress(BlockingIOError):  # nobody reads: as on a real line, what is too much is lost
                    os.write(self._ours, data)

    def _wait(self, coming: Sequence[tuple[float, bytes | None]]) -> float | None:
        """Milliseconds until something is to be said."""
        return max(0.0, coming[0][0] - self._seconds()) * 1000 if coming else None

    def _heard(self, data: bytes) -> list[tuple[float, bytes | None]]:
        coming = []
        for command, outcome in self._script.take(data):
            self.commands.append(command)
            if isinstance(outcome, NeverRecorded):
                self.unknown.append(command)
                self._failure = self._failure or outcome
            else:
                coming += self._timed(outcome)
        return coming

    def _end(self) -> None:
        for command, failure in self._script.end():
            self.unknown.append(command)
            self._failure = self._failure or failure

    def _timed(self, steps: Sequence[Step]) -> list[tuple[float, bytes | None]]:
        now = self._seconds()
        return [(now + step.after, step.data) for step in steps]
