"""Which serial ports a machine has, and where it says so."""

# Facts
#   /dev/serial/by-id has a link for every USB port whose name holds maker, product and serial number; of two devices without a
#   serial number it shows one. /dev/serial/by-path names the socket of the computer instead.
#   Since Linux 6.8 pyserial lists 32 built-in ports whether they exist or not, and it has never listed the one of a Raspberry Pi.
#   /sys/class/tty/NAME/type tells: 0 is a port without hardware; there is NAME/device where there is any.
#   pyserial 3.5 raises TypeError, and lists nothing, if a USB device is pulled while it reads what the system says of it.

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from serial.tools.list_ports_common import numsplit

from pylpaca.serial.holders import PROC
from pylpaca.serial.permission import Owner, User, may_open, owner_of, this_user

USB = "usb:"


@dataclass(frozen=True)
class UsbId:
    """Which USB device is meant; without a serial number any of its kind."""

    vid: int
    pid: int
    serial_number: str = ""

    def __str__(self) -> str:
        return f"{USB}{self.vid:04x}:{self.pid:04x}" + (f":{self.serial_number}" if self.serial_number else "")

    @staticmethod
    def is_meant(text: str) -> bool:
        """Whether a setting means a USB device, or tries to."""
        return text[: len(USB)].lower() == USB

    @classmethod
    def read(cls, text: str) -> UsbId:
        """
        Read a setting as usb:0403:6001 or usb:0403:6001:A6008isP; the numbers are hexadecimal.

        :raises ValueError: it is none; the sentence shows one.
        """
        found = re.fullmatch(r"usb:([0-9a-f]{1,4}):([0-9a-f]{1,4})(?::(.+))?", text, re.IGNORECASE)
        if found is None:
            raise ValueError(
                f'"{text}" is no USB device: write usb:VENDOR:PRODUCT or usb:VENDOR:PRODUCT:SERIAL, as usb:0403:6001'
            )
        return cls(int(found[1], 16), int(found[2], 16), found[3] or "")

    def means(self, other: UsbId) -> bool:
        """Whether a device that is here is the one that is meant."""
        same_kind = (self.vid, self.pid) == (other.vid, other.pid)
        return same_kind and self.serial_number.casefold() in ("", other.serial_number.casefold())  # Windows has it in capitals


@dataclass(frozen=True)
class Port:
    """A serial port of this machine."""

    device: str  # /dev/ttyUSB0, COM3
    name: str = ""  # its link in /dev/serial/by-id
    socket: str = ""  # its link in /dev/serial/by-path
    description: str = ""  # maker and product
    usb: UsbId | None = None

    def __str__(self) -> str:
        return self.device + (f" ({self.usb})" if self.usb else "")


def _comports() -> Iterable[Any]:
    from serial.tools.list_ports import comports  # the platform's own

    return comports()


@dataclass(frozen=True)
class Machine:
    """Where a machine says what there is to know of its serial ports."""

    platform: str = sys.platform
    by_id: Path = Path("/dev/serial/by-id")
    by_path: Path = Path("/dev/serial/by-path")
    ttys: Path = Path("/sys/class/tty")
    proc: Path = PROC
    comports: Callable[[], Iterable[Any]] = _comports
    may_open: Callable[[str], bool] = may_open
    owner_of: Callable[[str], Owner | None] = owner_of
    user: Callable[[], User | None] = this_user


THIS = Machine()


def here(machine: Machine = THIS) -> list[Port]:
    """Every serial port of the machine, in the order of their names."""
    names, sockets = _links(machine.by_id), _links(machine.by_path)
    try:
        listed = list(machine.comports())
        bare = []
    except (OSError, TypeError, ValueError):
        listed, bare = [], _bare(machine)
    found = {each.device: _described(each, names, sockets) for each in listed if _is_real(each.device, machine)}
    for device in [*names, *sockets, *_built_in(machine), *bare]:
        found.setdefault(device, Port(device, _name_of(names, device), sockets.get(device, "")))
    return sorted(found.values(), key=lambda port: [str(part).zfill(6) for part in numsplit(port.device)])


def _links(folder: Path) -> dict[str, str]:
    """Device nodes, and the path of the link in this folder that leads to each."""
    try:
        return {os.path.realpath(each): str(each) for each in sorted(folder.iterdir())}
    except OSError:
        return {}  # no USB port is here, or the system has no such folder


def _name_of(names: dict[str, str], device: str) -> str:
    return os.path.basename(names.get(device, ""))


def _described(found: Any, names: dict[str, str], sockets: dict[str, str]) -> Port:
    """What pyserial says of a port, in our words."""
    usb = UsbId(found.vid, found.pid, found.serial_number or "") if found.vid is not None else None
    product = found.product or (found.description if found.description not in ("n/a", found.name) else "")
    maker = found.manufacturer or ""
    words = product if product.startswith(maker) else f"{maker} {product}"
    return Port(found.device, _name_of(names, found.device), sockets.get(found.device, ""), words.strip(), usb)


def _is_real(device: str, machine: Machine) -> bool:
    """Whether there is hardware behind a node: every port but a built-in one that the computer does not have."""
    return _kind(machine.ttys / os.path.basename(device)) != "0"


def _built_in(machine: Machine) -> list[str]:
    return [f"/dev/{each.name}" for each in machine.ttys.glob("ttyS*") if _kind(each) not in ("", "0")]


def _bare(machine: Machine) -> list[str]:
    """The ports with hardware behind them, of which nothing else is known."""
    return [f"/dev/{each.name}" for each in machine.ttys.glob("*") if (each / "device").exists() and _kind(each) != "0"]


def _kind(tty: Path) -> str:
    try:
        return (tty / "type").read_text().strip()
    except OSError:
        return ""  # USB ports have none
