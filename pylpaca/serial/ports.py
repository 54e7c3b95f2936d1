"""Which port a setting means, and why one cannot be opened."""

# Facts
#   On Windows pyserial puts the cause of a failure into its text only, and "access is denied" means that another program has the
#   port. Opening a port to try it is no way to ask: it moves DTR, which resets an Arduino.

from __future__ import annotations

import ctypes
import errno
import os
import re
import sys
from collections import Counter
from typing import TYPE_CHECKING

from pylpaca.serial.holders import holders
from pylpaca.serial.inventory import THIS, Machine, Port, UsbId, here
from pylpaca.serial.permission import what_to_do

if TYPE_CHECKING:
    from serial import SerialException

__all__ = ["PortNotFound", "find", "here", "is_there", "obstacle", "why_not"]


class PortNotFound(LookupError):
    """A setting means no port that is here, or more than one; the sentence says what to do."""


def find(port: str, machine: Machine = THIS) -> str:
    """
    The device node that a setting means now.

    A path is itself, there or not, and a link the node it leads to; so two settings that mean one port give the same.

    :param port: a path, a name in /dev/serial/by-id, usb:VENDOR:PRODUCT[:SERIAL], or COM3 on Windows.
    :raises PortNotFound: nothing here goes by that name, or more than one thing does.
    """
    if UsbId.is_meant(port):
        return _found_on_usb(port, machine)
    if machine.platform == "win32":
        return port
    if "/" in port:
        return os.path.realpath(port)
    for folder in (machine.by_id, machine.by_path):
        if os.path.exists(folder / port):
            return os.path.realpath(folder / port)
    if os.path.exists(f"/dev/{port}"):
        raise PortNotFound(f'there is no port {port}: write "/dev/{port}"')
    raise PortNotFound(_absent(port, machine))


def is_there(port: str, machine: Machine = THIS) -> bool:
    """Whether what a setting means is there now; cheap enough to be asked twice a second."""
    if UsbId.is_meant(port):
        try:
            return bool(_on_usb(UsbId.read(port), machine))
        except ValueError:
            return False
    if machine.platform == "win32":
        return _windows_knows(port)
    if "/" in port:
        return os.path.exists(port)
    return any(os.path.exists(folder / port) for folder in (machine.by_id, machine.by_path))


def why_not(port: str, error: OSError | SerialException, machine: Machine = THIS) -> str:
    """Why a port could not be opened, and what to do, in one sentence."""
    try:
        node = find(port, machine)
    except PortNotFound as absent:
        return str(absent)
    number = _errno(error)
    if number == errno.ENOENT:
        return _absent(port, machine)
    if number in (errno.EACCES, errno.EPERM) and machine.platform != "win32":
        return _no_permission(port, node, machine)
    if number in (errno.EACCES, errno.EBUSY, errno.EAGAIN) or "lock" in str(error):
        return _busy(port, node, machine)
    if number in (errno.EIO, errno.ENXIO, errno.ENODEV):
        return f'{port} has no hardware that answers: plug the device in again, or correct "port" ({_whats_here(machine)})'
    if number in (errno.ENOTTY, errno.EISDIR):
        return f'{port} is no serial port: correct "port" ({_whats_here(machine)})'
    return f"{port} cannot be opened: {error}"


def obstacle(port: Port, machine: Machine = THIS) -> str:
    """Why a port that is here could not be opened now, as far as that is known without opening it; empty if nothing is."""
    if not machine.may_open(port.device):
        return _no_permission(port.device, port.device, machine)
    if holders(port.device, machine.proc).programs:
        return _busy(port.device, port.device, machine)
    return ""


def _whats_here(machine: Machine) -> str:
    found = ", ".join(map(str, here(machine)))
    return f"here: {found}" if found else "no serial port is here"


def _windows_knows(port: str) -> bool:
    """Whether Windows has a device by this name; it is not opened for that."""
    if sys.platform != "win32":
        return False
    name = port.removeprefix("\\\\.\\").rstrip(":")
    answer = ctypes.create_unicode_buffer(1024)
    return bool(ctypes.windll.kernel32.QueryDosDeviceW(name, answer, len(answer)))


# which one is meant


def _on_usb(wanted: UsbId, machine: Machine) -> list[Port]:
    return [port for port in here(machine) if port.usb is not None and wanted.means(port.usb)]


def _found_on_usb(text: str, machine: Machine) -> str:
    try:
        wanted = UsbId.read(text)
    except ValueError as error:
        raise PortNotFound(str(error)) from None
    found = _on_usb(wanted, machine)
    if not found:
        raise PortNotFound(_absent(text, machine))
    if len(found) == 1:
        return found[0].device
    ways: list[tuple[str, list[str]]] = [
        ("with its serial number", [str(port.usb) if port.usb and port.usb.serial_number else "" for port in found]),
        ("by its name", [port.name for port in found]),
        ("by the socket it is plugged into", [port.socket for port in found]),
        ("by its device", [port.device for port in found]),
    ]
    how, names = next((how, names) for how, names in ways if all(names) and max(Counter(names).values()) == 1)
    choice = " or ".join(
        name if name == port.device else f"{name} (now {port.device})" for name, port in zip(names, found, strict=True)
    )
    raise PortNotFound(f'"{text}" means {len(found)} ports that are here: write the one you mean {how}, {choice}')


# why it cannot be opened


def _absent(port: str, machine: Machine) -> str:
    return f'there is no port {port}: plug the device in, or correct "port" ({_whats_here(machine)})'


def _no_permission(port: str, node: str, machine: Machine) -> str:
    return f"no permission to open {port}: {what_to_do(machine.owner_of(node), machine.user())}"


def _busy(port: str, node: str, machine: Machine) -> str:
    found = holders(node, machine.proc)
    others = [str(program) for program in found.programs if program.pid != os.getpid()]
    if others:
        return f"{port} is in use by {' and '.join(others)}: stop that one first"
    if found.programs:
        return f'{port} is in use by this server itself: does another device name the same "port"?'
    if found.hidden:
        return f"{port} is in use by another user's program: `sudo lsof {node}` names it; stop that one first"
    return f"{port} is in use by another program: stop that one first"


def _errno(error: OSError | SerialException) -> int | None:
    """The number of an error; pyserial keeps it in what it caught, or in the text alone."""
    if isinstance(error.errno, int):
        return error.errno
    cause = error.__context__
    if cause is not None and cause.args and isinstance(cause.args[0], int):
        return cause.args[0]
    in_text = re.search(r"\w+Error\((\d+),", str(error))
    return int(in_text[1]) if in_text else None
