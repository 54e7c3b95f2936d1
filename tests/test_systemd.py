"""What systemd is told, over a datagram socket like its own."""

from __future__ import annotations

import os
import socket
import tempfile
from pathlib import Path
from shutil import rmtree

from twisted.internet.task import Clock
from twisted.logger import LogLevel, capturedLogs
from twisted.trial.unittest import SkipTest, SynchronousTestCase

from pylpaca.systemd import Notifier
from tests.test_service import Reactor, ServerTestCase, started


class Ear:
    """The socket of systemd."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(f"\0{address[1:]}" if address.startswith("@") else address)
        self.socket.setblocking(False)

    def heard(self) -> list[str]:
        """Every message since the last look."""
        messages: list[str] = []
        while True:
            try:
                messages.append(self.socket.recv(4096).decode())
            except BlockingIOError:
                return messages


class NotifierTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        super().setUp()
        if not hasattr(socket, "AF_UNIX"):
            raise SkipTest("systemd's sockets need a system that has AF_UNIX, such as Linux")
        folder = tempfile.mkdtemp()  # trial's own are too deep for the address of a socket
        self.addCleanup(rmtree, folder)
        self.ear = Ear(str(Path(folder) / "notify"))
        self.addCleanup(self.ear.socket.close)
        self.clock = Clock()

    def notifier(self, **environment: str) -> Notifier:
        notifier = Notifier({"NOTIFY_SOCKET": self.ear.address, **environment}, self.clock)
        self.addCleanup(notifier.close)
        return notifier


class NotifierTests(NotifierTestCase):
    def test_life(self) -> None:
        """Ready with a status, another status, the end."""
        notifier = self.notifier()
        notifier.ready("2 devices\nat 127.0.0.1:1")
        notifier.status("parking")
        notifier.stopping()
        self.assertEqual(
            self.ear.heard(),
            ["READY=1\nSTATUS=2 devices at 127.0.0.1:1", "STATUS=parking", "STOPPING=1\nSTATUS=stopping"],
        )

    def test_long_end(self) -> None:
        """An end that takes longer than the unit allows asks for the time it needs."""
        self.notifier().stopping("closing the roof", within=62.5)
        self.assertEqual(self.ear.heard(), ["STOPPING=1\nSTATUS=closing the roof\nEXTEND_TIMEOUT_USEC=62500000"])

    def test_abstract(self) -> None:
        """An abstract socket, as systemd may have."""
        try:
            ear = Ear(f"@pylpaca-{os.getpid()}")
        except FileNotFoundError:
            raise SkipTest("abstract sockets need Linux") from None
        self.addCleanup(ear.socket.close)
        notifier = self.notifier(NOTIFY_SOCKET=ear.address)
        notifier.ready("x")
        self.assertEqual(ear.heard(), ["READY=1\nSTATUS=x"])

    def test_watched(self) -> None:
        """It lives, three times as often as systemd looks, from when it is ready and as long as it is there."""
        notifier = self.notifier(WATCHDOG_USEC="30000000", WATCHDOG_PID=str(os.getpid()))
        self.clock.advance(60)
        self.assertEqual(self.ear.heard(), [])
        notifier.ready("x")
        self.assertEqual(self.ear.heard(), ["READY=1\nSTATUS=x", "WATCHDOG=1"])
        self.clock.pump([10] * 5)
        self.assertEqual(self.ear.heard(), ["WATCHDOG=1"] * 5)
        self.clock.pump([9.9])
        self.assertEqual(self.ear.heard(), [])
        notifier.stopping()
        self.clock.pump([10])
        self.assertEqual(self.ear.heard(), ["STOPPING=1\nSTATUS=stopping", "WATCHDOG=1"])
        notifier.close()
        self.clock.pump([10] * 3)
        self.assertEqual((self.ear.heard(), self.clock.getDelayedCalls()), ([], []))

    def test_not_watched(self) -> None:
        """Who is not watched, or whose watching is meant for another process, says nothing of being alive."""
        for environment in (
            {},
            {"WATCHDOG_USEC": "0"},
            {"WATCHDOG_USEC": "soon"},
            {"WATCHDOG_USEC": "1000", "WATCHDOG_PID": str(os.getpid() + 1)},
        ):
            self.notifier(**environment).ready("x")
            self.assertEqual((self.ear.heard(), self.clock.getDelayedCalls()), (["READY=1\nSTATUS=x"], []), environment)

    def test_no_systemd(self) -> None:
        """Without $NOTIFY_SOCKET no socket is made, even if the rest is there."""
        self.patch(socket, "socket", None)
        notifier = Notifier({"WATCHDOG_USEC": "30000000"}, self.clock)
        notifier.ready("x")
        notifier.status("y")
        notifier.stopping()
        notifier.close()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_nobody_there(self) -> None:
        """A socket that nobody listens on is told once, and not tried again; the server works."""
        notifier = self.notifier(NOTIFY_SOCKET=self.ear.address + "-gone")
        with capturedLogs() as logs:
            notifier.ready("x")
            notifier.stopping()
        self.assertEqual([each["log_level"] for each in logs], [LogLevel.error])

    def test_busy(self) -> None:
        """What finds systemd's queue full is sent again; only a sign of life is not, the next one comes soon."""
        notifier = self.notifier(WATCHDOG_USEC="3000000")
        flood = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(flood.close)
        flood.setblocking(False)
        flood.connect(self.ear.address)
        while True:
            try:
                flood.send(b"somebody else")
            except BlockingIOError:
                break
        with capturedLogs() as logs:
            notifier.ready("x")
            self.clock.advance(0.1)
        self.assertNotIn("READY=1\nSTATUS=x", self.ear.heard())
        self.clock.advance(0.1)
        self.assertEqual((self.ear.heard(), logs), (["READY=1\nSTATUS=x"], []))
        self.clock.advance(0.8)
        self.assertEqual(self.ear.heard(), ["WATCHDOG=1"])


class ServerTests(NotifierTestCase, ServerTestCase):
    def test_ready_when_bound(self) -> None:
        """systemd is told that it is ready when the ports are open and the reactor turns, with the addresses; and of the end."""
        reactor = Reactor()
        self.environment = {"NOTIFY_SOCKET": self.ear.address}
        server = self.composed(reactor, listen=["tcp:8080:interface=127.0.0.1"])
        server.startService()
        self.assertEqual((len(reactor.opened), self.ear.heard()), (1, []))
        server.stopService()
        self.assertEqual(self.ear.heard(), ["STOPPING=1\nSTATUS=stopping"])
        server = self.composed(reactor, listen=["tcp:8080:interface=127.0.0.1"])
        started(server)
        self.assertEqual(self.ear.heard(), ["READY=1\nSTATUS=1 devices at 127.0.0.1:8080"])

    def test_not_bound(self) -> None:
        """A port that cannot be opened: never ready."""
        self.environment = {"NOTIFY_SOCKET": self.ear.address}
        server = self.composed(Reactor(taken=8080), listen=["tcp:8080"])
        self.assertRaises(SystemExit, server.startService)
        self.assertEqual(self.ear.heard(), [])
