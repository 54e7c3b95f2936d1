"""Opens the port that a setting means, for this program alone, and connects a protocol to it."""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from twisted.internet import protocol

from pylpaca.errors import DriverError
from pylpaca.serial.settings import SerialSettings

if TYPE_CHECKING:
    from serial import Serial


OpenPort = Callable[[SerialSettings, protocol.Protocol], None]


def open_port(reactor: Any) -> OpenPort:
    """What opens a real port on this reactor, for this program alone, and connects a protocol to it."""

    def opener(settings: SerialSettings, line: protocol.Protocol) -> None:
        from serial import Serial, SerialException
        from twisted.internet.serialport import SerialPort  # imports the platform's own serial support

        class ExclusivePort(SerialPort):
            @staticmethod
            def _serialFactory(*args: Any, **named: Any) -> Serial:  # type: ignore[override]  # it is a class there
                return Serial(*args, **{**named, "exclusive": True})

        try:
            ExclusivePort(
                line,
                settings.port,
                reactor,
                baudrate=settings.baudrate,
                bytesize=settings.bytesize,
                parity=settings.parity[0].upper(),
                stopbits=settings.stopbits,
            )
        except SerialException as error:
            raise DriverError(_why_not(settings.port, error)) from None
        except (ValueError, OverflowError, OSError) as error:
            raise DriverError(f"{settings.port} cannot be opened: {error}") from None

    return opener


def _why_not(port: str, error: Any) -> str:
    if error.errno == errno.ENOENT:
        return f'there is no port {port}: plug the device in, or correct "port" ({_ports_here()})'
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"no permission to open {port}: add this user to the group that owns it (often dialout), and log in again"
    if error.errno in (errno.EBUSY, errno.EAGAIN) or "lock" in str(error):
        return f"{port} is in use by another program: stop that one first"
    return f"{port} cannot be opened: {error}"


def _ports_here() -> str:
    from serial.tools.list_ports import comports

    found = ", ".join(sorted(each.device for each in comports()))
    return f"here: {found}" if found else "no serial port is here"
