"""What `python -m pylpaca ports` says."""

from __future__ import annotations

from collections.abc import Sequence

from pylpaca.serial.inventory import THIS, Machine, here
from pylpaca.serial.ports import obstacle

NOTHING = "There is no serial port here: is the device plugged in and switched on, and does its cable carry data, not only power?"
HEADINGS = ("device", "what it is", "USB", "name")
ADVICE = (
    'Any name of a port in this table can be its "port" in config.json; one with a serial number stays the same in every socket.'
)


def listing(machine: Machine = THIS) -> str:
    """A table of the ports of a machine; below a port, why it could not be opened now."""
    ports = here(machine)
    if not ports:
        return NOTHING
    rows = [(port.device, port.description, str(port.usb or ""), port.name) for port in ports]
    lines = _aligned([HEADINGS, *([_printable(cell) for cell in row] for row in rows)])
    shown = [lines[0]]
    for port, line in zip(ports, lines[1:], strict=True):
        shown.append(line)
        if reason := obstacle(port, machine):
            shown.append(f"    {reason}")
    return "\n".join([*shown, "", ADVICE])


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True) if width).rstrip() for row in rows]


def _printable(text: str) -> str:
    """Text as a device gave it, without what would move the cursor."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
