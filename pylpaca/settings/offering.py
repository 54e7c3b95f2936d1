"""Which serial ports a form offers: those that are here, by names that stay, and the one that is set, here or not."""

from __future__ import annotations

from pylpaca.errors import DriverError
from pylpaca.serial import Cables
from pylpaca.serial.inventory import Port
from pylpaca.serial.settings import serial_server
from pylpaca.settings.forms import Choice


def offered(cables: Cables, chosen: str) -> tuple[Choice, ...]:
    """The ports to choose from; may take a while."""
    node = _node(cables, chosen)
    choices = []
    for port in cables.here():
        is_it = (bool(chosen) and chosen in (port.device, port.name)) or node == port.device
        choices.append(Choice(chosen if is_it else _lasting(port), _described(port)))
    if chosen and chosen not in [each.text for each in choices]:
        choices.insert(0, Choice(chosen, chosen + _state(cables, chosen)))
    return tuple(choices)


def _node(cables: Cables, chosen: str) -> str | None:
    try:
        return cables.which(chosen) if chosen else None
    except (DriverError, ValueError):
        return None


def _lasting(port: Port) -> str:
    """The name of a port that is the same tomorrow, if it has one."""
    return port.name or (str(port.usb) if port.usb is not None and port.usb.serial_number else port.device)


def _described(port: Port) -> str:
    words = [port.device, port.description, port.name or (str(port.usb) if port.usb is not None else "")]
    return " · ".join("".join(letter if letter.isprintable() else "?" for letter in word) for word in words if word)


def _state(cables: Cables, chosen: str) -> str:
    try:
        if serial_server(chosen) is not None:
            return " (a serial server)"
        return "" if cables.is_there(chosen) else " (not there now)"
    except ValueError:
        return " (no name of a port)"
