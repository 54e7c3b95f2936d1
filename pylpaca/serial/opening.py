"""Opens the port that a setting means, for this program alone, and connects a protocol to it."""

# Facts
#   Twisted's SerialPort lets two programs open one port unless told otherwise, and has no way to close one at once. On Windows it
#   needs the win32 reactor, which knows nothing but events.
#   Linux raises DTR and RTS while it opens a port, whatever is asked of it, and lowers them when it is closed if HUPCL is set; an
#   Arduino restarts when DTR is raised. Windows sets them as it was told before the port was opened.

from __future__ import annotations

import socket
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

from twisted.internet import protocol
from twisted.internet.abstract import FileDescriptor
from twisted.internet.endpoints import HostnameEndpoint, connectProtocol
from twisted.internet.error import ConnectError, ConnectionAborted, DNSLookupError
from twisted.python.failure import Failure

from pylpaca.errors import DriverError
from pylpaca.serial import ports
from pylpaca.serial.inventory import Port
from pylpaca.serial.settings import SerialSettings, serial_server

if TYPE_CHECKING:
    from serial import Serial

CONNECT_WITHIN = 4.0  # seconds: the client that waits for it gives up soon after
# A serial server that lost its power is found out in 25 s; what was sent meanwhile does not reach it much later.
KEEP_ALIVE = {"TCP_KEEPIDLE": 10, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 25_000}


class RealPorts:
    """The serial ports of this computer, and serial servers."""

    def __init__(self, reactor: Any, platform: str = sys.platform) -> None:
        self._reactor, self._platform = reactor, platform

    def which(self, port: str) -> str:
        """The same for two settings that mean the same port now; DriverError if it is not here."""
        if (server := serial_server(port)) is not None:
            return "tcp://{}:{}".format(*server)
        try:
            return ports.find(port)
        except ports.PortNotFound as absent:
            raise DriverError(str(absent)) from None

    def is_there(self, port: str) -> bool:
        """Whether it could be opened, as far as that is seen without trying: of a serial server nothing is seen."""
        return serial_server(port) is not None or ports.is_there(port)

    def here(self) -> Sequence[Port]:
        """Those that can be seen, without any of them being opened."""
        return ports.here()

    def open(self, settings: SerialSettings, line: protocol.Protocol) -> Awaitable[None] | None:
        """Open a port, a serial server in a while; DriverError says why one cannot be opened."""
        if (server := serial_server(settings.port)) is not None:
            return self._connect(*server, line)
        if refusal := wrong_reactor(self._platform, type(self._reactor).__module__):
            raise DriverError(refusal)
        node = self.which(settings.port)
        try:
            from serial import SerialException

            make_port = _exclusive_port()
        except ImportError as missing:
            raise DriverError(f"{missing.name} is missing: pip install pyserial, and on Windows pywin32") from None
        try:
            make_port(settings, line, node, self._reactor)
        except (SerialException, OSError) as error:
            raise DriverError(ports.why_not(settings.port, error)) from None
        except (ValueError, OverflowError) as error:
            raise DriverError(f"{settings.port} cannot be opened: {error}") from None
        return None

    async def _connect(self, host: str, number: int, line: protocol.Protocol) -> None:
        try:
            endpoint = HostnameEndpoint(self._reactor, host, number, timeout=CONNECT_WITHIN)
            await connectProtocol(endpoint, line)
        except (ConnectError, DNSLookupError, ValueError) as error:
            raise DriverError(f"there is no serial server at {host}, port {number}: {error}") from None
        transport: Any = line.transport
        transport.setTcpNoDelay(True)
        transport.setTcpKeepAlive(True)
        for name, value in KEEP_ALIVE.items():
            if hasattr(socket, name):  # not every system has all of them
                transport.getHandle().setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def wrong_reactor(platform: str, reactor: str) -> str:
    """Why this reactor (the name of its module) has no serial ports, and what to type; empty if it has."""
    if platform != "win32" or reactor == "twisted.internet.win32eventreactor":
        return ""
    return (
        "on Windows, serial ports need Twisted's win32 reactor, and this server runs on another: start it with "
        "`python -m pylpaca …`, or with `twistd --reactor=win32 pylpaca …`"
    )


def _exclusive_port() -> Callable[[SerialSettings, protocol.Protocol, str, Any], object]:
    """What makes Twisted's serial port, told what Twisted does not know how to ask for."""
    from serial import Serial
    from twisted.internet.serialport import SerialPort  # imports the platform's own serial support

    def make(settings: SerialSettings, line: protocol.Protocol, node: str, reactor: Any) -> object:
        opened: list[Serial] = []

        class ExclusivePort(SerialPort):
            def __init__(self) -> None:
                FileDescriptor.__init__(self, reactor)  # Twisted's own for Windows forgets it, and fails when it is closed
                super().__init__(
                    line,
                    node,
                    reactor,
                    baudrate=settings.baudrate,
                    bytesize=settings.bytesize,
                    parity=settings.parity[0].upper(),
                    stopbits=settings.stopbits,
                )

            @staticmethod
            def _serialFactory(port: str, **named: Any) -> Serial:  # type: ignore[override]  # it is a class there
                serial = Serial(exclusive=True, **named)
                for name in ("dtr", "rts"):
                    if (level := getattr(settings, name)) is not None:
                        setattr(serial, name, level)
                serial.port = port
                serial.open()
                opened.append(serial)
                if settings.dtr is not None:
                    _leave_dtr_when_closed(serial)
                return serial

            def doWrite(self) -> Any:
                if self.disconnected:
                    return None  # closed by what was just read: the reactor has both in one event, and goes on to this
                return super().doWrite()

            def abortConnection(self) -> None:
                self.connectionLost(Failure(ConnectionAborted()))

        try:
            return ExclusivePort()
        except Exception as error:
            for serial in opened:
                serial.close()
            if type(error).__module__ == "termios":  # an error without a number, as when the cable is pulled just now
                raise OSError(*error.args) from None
            raise

    return make


def _leave_dtr_when_closed(serial: Serial) -> None:
    """DTR and RTS stay as they are when the port is closed, so that opening it again changes nothing."""
    if sys.platform == "win32" or serial.fd is None:
        return
    import termios

    attributes = termios.tcgetattr(serial.fd)
    attributes[2] &= ~termios.HUPCL
    termios.tcsetattr(serial.fd, termios.TCSANOW, attributes)
