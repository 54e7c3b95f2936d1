"""A device that answers late, twice, in pieces, with noise or not at all; and clients that look whether a reply is their own."""

# What is assumed of a device whose replies do not say what they answer (`Untagged`), as in docs/decisions/late-replies.md:
#   it answers in the order in which it was asked; what comes of a reply comes within twice the time it was given, or never; the
#   replies to a command that was sent again come within that time of one another; a reply that is sent twice begins its second
#   copy in the same burst; the pieces of what it says follow each other closely; and noise has no terminator in it.
# Nothing is assumed when they do (`Tagged`): there replies come in any order, at any time, as often as they like, with any noise.
# Of a device that sends messages unasked as well (`Talkative`): that what it says arrives unharmed, one message after another.

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.protocol import Protocol
from twisted.internet.task import Clock

from pylpaca.errors import DriverError
from pylpaca.serial import Cables, LineFraming, SerialLine, SerialSettings
from tests.lines import EVENING, MemoryPorts, Wire

CLOSELY = 0.03  # seconds between the pieces of what a device says: less than the silence that ends it
EDGE = 0.002  # seconds that times stay away from the limits that are assumed
MOMENT = 1e-6  # seconds: what comes after something else is not moved in front of it by how sums of times are rounded
NOISE = bytes(set(range(256)) - set(b"\r\n0123456789QRE"))


class Device:
    """The other end; `hear` is called with all that was written."""

    def __init__(self, random: Random, clock: Clock) -> None:
        self.random, self.clock = random, clock
        self.ports: Any = None
        self.received = b""
        self.events = 0  # messages that answer nothing
        self.busy_until = 0.0  # when it has said all it had to say
        self.last: dict[int, float] = {}  # when the last reply to a command came

    def hear(self, data: bytes) -> None:
        *commands, self.received = (self.received + data).split(b"\r\n")
        for command in commands:
            if command.startswith(b"Q"):
                number, within = command[1:].split()
                self.answer(int(number), float(within))

    def answer(self, number: int, within: float) -> None:
        """What it does when it is asked something."""
        raise NotImplementedError

    def say(self, start: float, data: bytes, cuts: list[int]) -> float:
        """Say it at this time, in pieces; when its last byte comes."""
        begin, end = 0, start
        for cut in [*sorted(set(cuts)), len(data)]:
            if cut > begin:
                self.clock.callLater(start - self.clock.seconds(), self.arrives, data[begin:cut])
                end, start = start, start + self.random.uniform(0, CLOSELY)
                begin = cut
        return end

    def arrives(self, data: bytes) -> None:
        """Whoever has the port open by then gets it."""
        if self.ports.wire.is_open:
            self.ports.wire.say(data)

    def noise(self, alphabet: bytes = NOISE) -> bytes:
        return bytes(self.random.choices(alphabet, k=self.random.randint(1, 12)))


class UntaggedDevice(Device):
    """Its replies say what they answer, for the test alone: no `accept` looks at them."""

    def answer(self, number: int, within: float) -> None:
        random, now = self.random, self.clock.seconds()
        fate = random.random()
        if fate < 0.06:
            return
        latest = now + 2 * within - 5 * CLOSELY - EDGE  # the pieces take their time, too
        if number in self.last:
            latest = min(latest, self.last[number] + within - 5 * CLOSELY - EDGE)
        earliest = max(now, self.busy_until) + 0.001
        if earliest > latest:
            return  # it is too late for a reply
        prompt = min(latest, earliest + 0.02)
        start = random.uniform(earliest, prompt if fate < 0.8 else latest)
        reply = b"R%08d " % number + bytes(random.choices(b"abcdef", k=random.randint(0, 20))) + b"\r\n"
        data = reply
        kind = random.random()
        if kind < 0.06:
            data = reply[: random.randint(1, len(reply) - 1)]
        elif kind < 0.12:
            data = self.noise() + reply
        elif kind < 0.18:
            data = reply + self.noise()
        elif kind < 0.26:
            data = reply + reply[: random.randint(1, len(reply))]
        cuts = [random.randrange(len(data)) for _ in range(random.choice((0, 0, 1, 2, 4)))]
        end = self.say(start, data, [cut for cut in cuts if cut != len(reply)])
        self.last[number] = end
        self.busy_until = end


class TaggedDevice(Device):
    """Anything may happen: each reply says what it answers, and how it can be told from noise."""

    def answer(self, number: int, within: float) -> None:
        random, now = self.random, self.clock.seconds()
        body = b"R%08d " % number + bytes(random.choices(b"abcdef\xff ", k=random.randint(0, 20)))
        reply = body + b" %08x\r\n" % zlib.crc32(body)
        for _ in range(random.choice((0, 1, 1, 1, 1, 1, 1, 1, 1, 2, 3))):
            data = bytearray(reply)
            kind = random.random()
            if kind < 0.1:
                data[random.randrange(len(data))] ^= 1 << random.randrange(8)
            elif kind < 0.2:
                del data[random.randrange(len(data)) :]
            elif kind < 0.3:
                data[:0] = self.noise(bytes(range(256)))
            elif kind < 0.4:
                data += self.noise(bytes(range(256)))
            cuts = [random.randrange(len(data) + 1) for _ in range(random.choice((0, 0, 1, 2, 4)))]
            delay = random.uniform(0, 0.02) if random.random() < 0.7 else random.uniform(0, 8 * within)
            self.say(now + delay, bytes(data), cuts)


class TalkativeDevice(Device):
    """It sends messages unasked, before, between and behind its replies, of which some are late, doubled or missing."""

    def answer(self, number: int, within: float) -> None:
        random = self.random
        body = b"R%08d " % number
        reply = body + b" %08x\r\n" % zlib.crc32(body)
        for _ in range(random.randint(0, 3)):
            self.one_after_another(self.event(), 0.0)
        for _ in range(random.choice((0, 1, 1, 1, 1, 1, 1, 1, 1, 2))):
            self.one_after_another(reply, 0.0 if random.random() < 0.8 else 2 * within)
        for _ in range(random.randint(0, 3)):
            self.one_after_another(self.event(), 0.3)

    def event(self) -> bytes:
        self.events += 1
        return b"E%d\r\n" % self.events

    def one_after_another(self, message: bytes, delay: float) -> None:
        start = max(self.clock.seconds(), self.busy_until) + self.random.uniform(0, delay)
        cuts = [self.random.randrange(len(message)) for _ in range(self.random.choice((0, 0, 1, 2)))]
        self.busy_until = self.say(start, message, cuts) + self.random.choice((MOMENT, 0.01))


DEVICES: dict[str, type[Device]] = {"untagged": UntaggedDevice, "tagged": TaggedDevice, "talkative": TalkativeDevice}


class FuzzPorts(MemoryPorts):
    """One port, with a device at it."""

    def __init__(self, device: Device) -> None:
        super().__init__()
        self.device = device

    def _connect(self, line: Protocol) -> None:
        self.device.received = b""
        wire = Wire(line)
        wire.write = self.device.hear  # type: ignore[method-assign]
        self.wires = [wire]
        line.makeConnection(wire)


def line_is_open(line: SerialLine) -> bool:
    """Whether it can be used."""
    try:
        line.require_open()
    except DriverError:
        return False
    return True


def no_accept(number: int) -> None:
    """A reply is not looked at."""


def checked(number: int) -> Callable[[bytes], bool]:
    """Whether a message is the reply to this command, and whole."""

    def accept(message: bytes) -> bool:
        body, _, check = message.rpartition(b" ")
        return body.split(b" ")[0] == b"R%08d" % number and check == b"%08x" % zlib.crc32(body)

    return accept


class Fuzz:
    """
    Clients of two devices at one cable, that ask and tell, urgently or not, again or not, and sometimes hang up.

    Sometimes the port is closed and opened again at once, or it vanishes and is back; not where messages must be heard.

    :param seed: the same one has the same happen.
    """

    CLIENTS = 3

    def __init__(self, kind: str, seed: int, exchanges: int) -> None:
        self.random = Random(seed)
        self.clock = Clock()
        self.left = exchanges
        self.number = 0
        self.outcomes: Counter[str] = Counter()
        self.mispaired: list[tuple[bytes, bytes]] = []
        self.heard: list[bytes] = []  # messages that answer nothing
        self.accept = no_accept if kind == "untagged" else checked
        self.device = DEVICES[kind](self.random, self.clock)
        self.reopens = 0.01 if kind != "talkative" else 0.0  # how often it is, in place of an exchange
        self.reopening = False
        self.ports = FuzzPorts(self.device)
        self.device.ports = self.ports
        self.cables = Cables(self.clock, self.ports, lambda: EVENING)
        self.lines: list[SerialLine] = []
        Deferred.fromCoroutine(self.open())
        self.running = [Deferred.fromCoroutine(self.client()) for _ in range(self.CLIENTS)]

    def run(self) -> None:
        """Until all exchanges have an outcome; AssertionError if one never gets any."""
        while not all(each.called for each in self.running):
            assert self.clock.getDelayedCalls(), "a command waits for ever"
            self.go_on()
        while self.clock.getDelayedCalls():
            self.go_on()

    async def open(self) -> None:
        for name, heard in (("focuser", self.heard.append), ("rotator", None)):
            listener = None if self.accept is no_accept else heard
            settings = SerialSettings(port="COM9", keep_trying=1000.0)
            self.lines.append(await self.cables.join(name, settings, LineFraming(b"\r\n"), listener))

    async def reopen(self) -> None:
        """The port is closed and opened again, or its cable pulled and put back."""
        if self.reopening:
            return
        self.reopening = True
        if self.random.random() < 0.5:
            self.ports.wire.break_off()
        else:
            lines, self.lines = self.lines, []
            for line in lines:
                line.close()
            if self.random.random() < 0.3:
                await self.pause(self.random.uniform(0.0, 0.5))
            await self.open()
        self.reopening = False

    def go_on(self) -> None:
        self.clock.advance(max(0.0, self.clock.getDelayedCalls()[0].getTime() - self.clock.seconds()))

    @property
    def events_lost(self) -> int:
        """How many of the messages that answer nothing were not heard once each, in their order."""
        heard = [message for message in self.heard if message.startswith(b"E")] if self.device.events else []
        sent = [b"E%d" % number for number in range(1, self.device.events + 1)]
        return 0 if heard == sent else max(1, len(sent) - len(set(heard) & set(sent)))

    def __str__(self) -> str:
        what = ", ".join(f"{count} {outcome}" for outcome, count in sorted(self.outcomes.items()))
        return f"{self.number} exchanges: {what}; {len(self.mispaired)} mis-paired; {self.events_lost} messages lost"

    async def client(self) -> None:
        random = self.random
        while self.left > 0:
            self.left -= 1
            self.number += 1
            if self.reopens and random.random() < self.reopens:
                await self.reopen()
            while not self.lines:
                await self.pause(0.01)
            await self.exchange(self.number, random.choice(self.lines))
            if random.random() < 0.5:
                await self.pause(random.expovariate(10.0))

    async def exchange(self, number: int, line: SerialLine) -> None:
        random = self.random
        within = random.choice((0.3, 0.5, 1.0))
        command = b"Q%d %g" % (number, within)
        if random.random() < 0.1:
            line.tell(b"T%d" % number, urgent=random.random() < 0.5).addErrback(lambda _: None)
        asked = line.ask(
            command,
            urgent=random.random() < 0.1,
            within=within,
            retries=random.choice((0, 0, 1, 2)),
            accept=self.accept(number),
        )
        if random.random() < 0.05:
            self.clock.callLater(random.uniform(0, 1), asked.cancel)
        try:
            reply = await asked
        except CancelledError:
            self.outcomes["cancelled"] += 1
        except DriverError as error:
            self.outcomes[next((each for each in ("no reply", "vanished", "closed") if each in str(error)), "busy")] += 1
            if not line_is_open(line):
                await self.pause(0.1)
        else:
            self.outcomes["answered"] += 1
            if {int(tag) for tag in re.findall(rb"R(\d{8})", reply)} != {number}:  # another's, or only the end of one
                self.mispaired.append((command, reply))

    def pause(self, seconds: float) -> Deferred[None]:
        paused: Deferred[None] = Deferred()
        self.clock.callLater(seconds, paused.callback, None)
        return paused
