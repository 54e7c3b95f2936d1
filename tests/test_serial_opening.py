"""Opening a port, for this program alone, as its settings say; and why that cannot be done."""

from __future__ import annotations

import os
import pty
import socket
import sys
import termios
import tty
from typing import Any
from unittest import skipIf
from unittest.mock import patch

from pydantic import ValidationError
from serial import Serial
from twisted.internet import error
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol
from twisted.internet.testing import AccumulatingProtocol, MemoryReactorClock, StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from pylpaca.errors import DriverError
from pylpaca.serial import RealPorts, SerialSettings
from pylpaca.serial.opening import wrong_reactor
from pylpaca.serial.settings import serial_server


class SettingsTests(SynchronousTestCase):
    def refused(self, port: str) -> str:
        return str(self.assertRaises(ValidationError, SerialSettings, port=port))

    def test_serial_servers(self) -> None:
        """A serial server is a host and a port number."""
        self.assertEqual(serial_server("tcp://192.168.1.30:4001"), ("192.168.1.30", 4001))
        self.assertEqual(serial_server("TCP://Dome.local:4001/"), ("dome.local", 4001))
        self.assertEqual(serial_server("tcp://[fe80::1]:4001"), ("fe80::1", 4001))
        for port in ("/dev/ttyUSB0", "COM3", "usb:0403:6001", "tcpdump"):
            self.assertIsNone(serial_server(port))

    def test_what_cannot_be_read(self) -> None:
        """A port that can mean nothing is a mistake in the configuration, told before the server starts."""
        wrong = ["tcp://dome", "tcp:dome:4001", "tcp://dome:99999", "tcp://dome:x", "tcp://:4001", "tcp://a:1/b"]
        wrong += ["tcp://a..b:4001", f"tcp://{64 * 'a'}:4001", f"tcp://{130 * 'a.'}com:4001"]  # no name of a computer
        for port in wrong:
            self.assertIn(f"{port} is no serial server: write tcp://HOST:PORT", self.refused(port))
        self.assertIn("write usb:VENDOR:PRODUCT", self.refused("usb:arduino"))
        SerialSettings(port="usb:0403:6001")


class ReactorTests(SynchronousTestCase):
    def test_windows(self) -> None:
        """On Windows one reactor has serial ports; on others the person is told what to type, elsewhere all have them."""
        for name in ("iocpreactor.reactor", "selectreactor", "asyncioreactor"):
            reactor = f"twisted.internet.{name}"
            told = wrong_reactor("win32", reactor)
            self.assertIn("`python -m pylpaca …`, or with `twistd --reactor=win32 pylpaca …`", told)
            for platform in ("linux", "darwin"):
                self.assertEqual(wrong_reactor(platform, reactor), "")
        self.assertEqual(wrong_reactor("win32", "twisted.internet.win32eventreactor"), "")

    def test_refused(self) -> None:
        """A port is not opened on the wrong one; a serial server is, it needs none."""
        ports = RealPorts(MemoryReactorClock(), "win32")
        refused = self.assertRaises(DriverError, ports.open, SerialSettings(port="COM3"), Protocol())
        self.assertIn("twistd --reactor=win32", str(refused))
        waiting: Any = ports.open(SerialSettings(port="tcp://192.0.2.9:4001"), Protocol())
        Deferred.fromCoroutine(waiting).addErrback(lambda _: None).cancel()


@skipIf(sys.platform == "win32", "pseudo-terminals are not on Windows")
class TerminalTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.reactor = MemoryReactorClock()
        self.ports = RealPorts(self.reactor)
        self.ours, self.theirs = pty.openpty()
        tty.setraw(self.theirs)
        self.addCleanup(os.close, self.ours)
        self.addCleanup(os.close, self.theirs)
        self.port = os.ttyname(self.theirs)

    def opened(self, **named: Any) -> Any:
        protocol = AccumulatingProtocol()
        self.assertIsNone(self.ports.open(SerialSettings(**{"port": self.port, **named}), protocol))
        transport: Any = protocol.transport
        self.addCleanup(lambda: transport.connected and not transport.disconnected and transport.abortConnection())
        return transport

    def refused(self, **named: Any) -> str:
        return str(self.assertRaises(DriverError, self.opened, **named))

    def test_missing(self) -> None:
        """A port that is not there is refused."""
        self.assertIn("there is no port /dev/there-is-no-such-port", self.refused(port="/dev/there-is-no-such-port"))
        self.assertIn("there is no port usb-Nothing", self.refused(port="usb-Nothing"))

    def test_exclusive(self) -> None:
        """A port that is open cannot be opened a second time, until it is closed."""
        transport = self.opened()
        self.assertIn("is in use by this server itself", self.refused())
        transport.abortConnection()
        self.opened()

    def test_buffers_are_drained(self) -> None:
        """What came before it was opened is gone."""
        os.write(self.ours, b"old")
        transport = self.opened()
        os.write(self.ours, b"new")
        transport.doRead()
        self.assertEqual(transport.protocol.data, b"new")

    def test_aborted(self) -> None:
        """A port is closed at once if that has to be, and leaves no descriptor behind."""
        before = len(os.listdir("/proc/self/fd")) if os.path.exists("/proc/self/fd") else 0
        transport = self.opened()
        transport.abortConnection()
        self.assertTrue(transport.protocol.closedReason)
        if before:
            self.assertEqual(len(os.listdir("/proc/self/fd")), before)

    def test_aborted_while_it_is_read(self) -> None:
        """Closed because of what is just being read, it is not written to any more, even if the system has room for that."""
        transport = self.opened()
        self.patch(transport.protocol, "dataReceived", lambda data: transport.abortConnection())
        transport.write(b"waits")
        os.write(self.ours, b"another device")
        self.assertIsNone(transport.doRead())
        self.assertIsNone(transport.doWrite())

    def test_settings_of_the_line(self) -> None:
        """Speed, bits, parity and stop bits are those of the settings."""
        found: list[Any] = []
        open_port = Serial.open

        def noted(serial: Serial) -> None:
            found.extend((serial.baudrate, serial.bytesize, serial.parity, serial.stopbits))
            open_port(serial)

        self.patch(Serial, "open", noted)
        self.opened(baudrate=19200, bytesize=7, parity="even", stopbits=2)
        self.assertEqual(found, [19200, 7, "E", 2])
        self.assertEqual(termios.tcgetattr(self.theirs)[5], termios.B19200)

    def test_modem_lines(self) -> None:
        """DTR and RTS are set before the port is opened if that is wanted, and are left alone when it is closed."""
        levels: list[tuple[bool, bool, bool]] = []
        open_port = Serial.open

        def noted(serial: Serial) -> None:
            levels.append((serial.dtr, serial.rts, serial.is_open))
            open_port(serial)

        self.patch(Serial, "open", noted)
        for dtr, rts in ((None, None), (False, None), (True, False)):
            self.opened(dtr=dtr, rts=rts).abortConnection()
        self.assertEqual(levels, [(True, True, False), (False, True, False), (True, False, False)])

    def test_left_alone_when_closed(self) -> None:
        """Where DTR is wanted in one way, closing the port does not lower it: the next opening restarts no Arduino."""
        attributes = termios.tcgetattr(self.theirs)
        attributes[2] |= termios.HUPCL
        termios.tcsetattr(self.theirs, termios.TCSANOW, attributes)
        self.opened().abortConnection()
        self.assertTrue(termios.tcgetattr(self.theirs)[2] & termios.HUPCL)
        self.opened(dtr=True).abortConnection()
        self.assertFalse(termios.tcgetattr(self.theirs)[2] & termios.HUPCL)

    def test_pulled_while_it_is_opened(self) -> None:
        """A cable that is pulled in that moment is a sentence, and leaves no descriptor behind."""

        def pulled(serial: Serial) -> None:
            raise termios.error(5, "Input/output error")

        before = os.listdir("/proc/self/fd") if os.path.exists("/proc/self/fd") else []
        self.patch(Serial, "reset_output_buffer", pulled)
        self.assertIn("has no hardware that answers", self.refused())
        if before:
            self.assertEqual(len(os.listdir("/proc/self/fd")), len(before))

    def test_no_such_speed(self) -> None:
        """A speed that the system cannot have is refused."""

        def refused(serial: Serial, force_update: bool = False) -> None:
            raise ValueError("Invalid baud rate: 12345")

        self.patch(Serial, "_reconfigure_port", refused)
        self.assertIn("cannot be opened: Invalid baud rate", self.refused())

    def test_missing_package(self) -> None:
        """Where a package is missing, it is named."""
        with patch.dict(sys.modules, {"twisted.internet.serialport": None}):
            self.assertIn("serialport is missing: pip install pyserial, and on Windows pywin32", self.refused())


class FakeSocket:
    def __init__(self) -> None:
        self.options: dict[int, int] = {}

    def setsockopt(self, level: int, option: int, value: int) -> None:
        self.options[option] = value


class TcpTransport(StringTransport):
    def __init__(self) -> None:
        super().__init__()
        self.handle = FakeSocket()
        self.set: list[str] = []

    def setTcpNoDelay(self, enabled: bool) -> None:
        self.set.append("no delay")

    def setTcpKeepAlive(self, enabled: bool) -> None:
        self.set.append("keep alive")

    def getHandle(self) -> FakeSocket:
        return self.handle


class ServerTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.reactor = MemoryReactorClock()
        self.ports = RealPorts(self.reactor)
        self.protocol = AccumulatingProtocol()

    def opening(self, port: str = "tcp://192.0.2.9:4001") -> Deferred[None]:
        waiting: Any = self.ports.open(SerialSettings(port=port), self.protocol)
        return Deferred.fromCoroutine(waiting)

    def test_connected(self) -> None:
        """A serial server is a connection, that is told to send at once and to find out that the other end is gone."""
        opening = self.opening()
        _, number, factory, *_ = self.reactor.tcpClients[0]
        self.assertEqual(number, 4001)
        transport = TcpTransport()
        connection: Any = factory.buildProtocol(None)
        connection.makeConnection(transport)
        self.successResultOf(opening)
        self.assertEqual(transport.set, ["no delay", "keep alive"])
        if hasattr(socket, "TCP_KEEPIDLE"):
            self.assertEqual(transport.handle.options[socket.TCP_KEEPIDLE], 10)

    def test_nobody_there(self) -> None:
        """If nobody answers the sentence names host and port."""
        opening = self.opening()
        factory: Any = self.reactor.tcpClients[0][2]
        factory.clientConnectionFailed(None, Failure(error.ConnectionRefusedError()))
        self.reactor.advance(1)
        told = str(self.failureResultOf(opening, DriverError).value)
        self.assertIn("there is no serial server at 192.0.2.9, port 4001: Connection was refused", told)

    def test_no_name_of_a_computer(self) -> None:
        """A name that is refused only when it is looked up is a sentence, too."""
        waiting: Any = self.ports._connect("a..b", 4001, self.protocol)
        told = str(self.failureResultOf(Deferred.fromCoroutine(waiting), DriverError).value)
        self.assertIn("there is no serial server at a..b, port 4001: ", told)

    def test_always_tried(self) -> None:
        """Whether it is there is only seen by trying; one server is one, however it is written."""
        self.assertTrue(self.ports.is_there("tcp://192.0.2.9:4001"))
        for port in ("TCP://Dome:4001", "tcp://dome:4001/", "tcp://dome:04001"):
            self.assertEqual(self.ports.which(port), "tcp://dome:4001")
        self.assertRaises(DriverError, self.ports.which, "usb-Nothing")
        self.assertFalse(self.ports.is_there("/dev/there-is-no-such-port"))
