"""Serial lines over real terminals and a real socket; `python -m tests.serial_full` does more of it, and looks at the time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet import protocol
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.protocols.basic import LineReceiver
from twisted.trial.unittest import TestCase

from pylpaca.errors import DriverError
from pylpaca.serial import Cables, LineFraming, RealPorts, SerialSettings
from tests.lines import EVENING
from tests.serial_cycles import Rig, descriptors

SEED = 1
WAIT_AT_MOST = 20  # seconds for something that is bound to happen


def reactor() -> Any:
    from twisted.internet import reactor

    return reactor


class CycleTests(TestCase):
    timeout = 60

    async def test_pulled_and_put_back(self) -> None:
        """Pulled at any moment and put back it works again, with a line in the log each time it went and each time it came."""
        folder = Path(self.mktemp())
        folder.mkdir()
        rig = Rig(reactor(), folder, SEED)
        await rig.open()
        before = descriptors()
        await rig.cycles(5)
        self.assertEqual(descriptors(), before)
        await rig.close()
        self.assertEqual(rig.levels, ["warn", "info"] * 5)
        self.assertGreaterEqual(rig.prepared, 6)

    async def test_loose_cable(self) -> None:
        """Pulled again and again before it worked again, it works when it stays."""
        folder = Path(self.mktemp())
        folder.mkdir()
        rig = Rig(reactor(), folder, SEED)
        await rig.open()
        for _ in range(6):
            rig.pull()
            await rig.pause(0.3)
            rig.plug_in()
            await rig.pause(0.6)
        await rig.asked_until(None)
        await rig.close()
        self.assertEqual(rig.levels, ["warn", "info"] * (len(rig.levels) // 2))


class Echo(LineReceiver):
    delimiter = b"\n"

    def connectionMade(self) -> None:
        factory: Any = self.factory
        factory.open.append(self)

    def lineReceived(self, line: bytes) -> None:
        self.sendLine(line)


class SerialServerTests(TestCase):
    timeout = 60

    async def test_restarted(self) -> None:
        """A serial server that is restarted, on the same port of the network, is found again."""
        factory: Any = protocol.Factory.forProtocol(Echo)
        factory.open = []
        listening = reactor().listenTCP(0, factory, interface="127.0.0.1")
        number = listening.getHost().port
        cables = Cables(reactor(), RealPorts(reactor()), lambda: EVENING)
        settings = SerialSettings(port=f"tcp://127.0.0.1:{number}")
        line = await cables.join("echo", settings, LineFraming(b"\n"))
        self.assertEqual(await line.ask(b"1"), b"1")
        pending = line.ask(b"2")
        factory.open[0].transport.abortConnection()
        await listening.stopListening()
        told = await self.refused(pending)
        self.assertEqual(told, f"port tcp://127.0.0.1:{number} vanished: does the serial server run?")
        while "there is no serial server at 127.0.0.1" not in await self.refused(line.ask(b"3")):
            await deferLater(reactor(), 0.05)
        listening = reactor().listenTCP(number, factory, interface="127.0.0.1")
        self.assertEqual(await self.answered(line, b"4"), b"4")
        await line.close()
        await listening.stopListening()

    async def refused(self, asked: Deferred[bytes]) -> str:
        try:
            reply = await asked
        except DriverError as error:
            return str(error)
        raise AssertionError(f"{reply!r} without a device")

    async def answered(self, line: Any, command: bytes) -> bytes:
        for _ in range(WAIT_AT_MOST * 10):
            try:
                reply: bytes = await line.ask(command)
                return reply
            except DriverError:
                await deferLater(reactor(), 0.1)
        raise AssertionError(f"no answer in {WAIT_AT_MOST} s")
