"""The settings of a device on a serial port."""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from pylpaca.config import FILE_ONLY
from pylpaca.serial.inventory import UsbId

LONGEST_HOST = 253  # bytes of a name in the DNS


class SerialSettings(BaseModel):
    """The settings of a device on a serial port; those of a driver are built on it."""

    model_config = ConfigDict(extra="forbid")

    port: str = Field(
        min_length=1,
        description="the serial port, as /dev/ttyUSB0 or COM3; its name in /dev/serial/by-id; usb:VID:PID or "
        "usb:VID:PID:SERIAL; or tcp://host:port for a serial server",
    )
    baudrate: int = Field(default=9600, title="Baud rate", gt=0, le=4_000_000, description="bits per second")
    bytesize: Literal[5, 6, 7, 8] = Field(default=8, title="Data bits", description="bits of a byte")
    parity: Literal["none", "even", "odd", "mark", "space"] = Field(default="none", description="the bit that checks a byte")
    stopbits: Literal[1, 2] = Field(default=1, title="Stop bits", description="bits after a byte")
    reply_within: float = Field(default=1.0, gt=0, le=60, description="seconds to wait for a reply")
    retries: int = Field(default=0, ge=0, le=10, description="how often a question without a reply is asked again")
    wait_after_open: float = Field(
        default=0.0, ge=0, le=20, description="seconds to leave the device alone after opening; an Arduino that restarts needs 2"
    )
    dtr: bool | None = Field(
        default=None,
        title="DTR",
        description="the line DTR while the port is open; not set: as the system does. To keep an Arduino from restarting: "
        "true on Linux, false on Windows",
    )
    rts: bool | None = Field(
        default=None, title="RTS", description="the line RTS while the port is open; not set: as the system does"
    )
    keep_trying: float = Field(
        default=60.0, ge=0, le=86_400, description="seconds to look for a port that vanished before the device is disconnected"
    )
    record: str = Field(
        default="",
        description="a file to record to what is said on the line; empty: none",
        json_schema_extra={FILE_ONLY: True},  # a browser must not choose which file is written
    )

    @field_validator("port")
    @classmethod
    def _can_be_read(cls, port: str) -> str:
        serial_server(port)
        if UsbId.is_meant(port):
            UsbId.read(port)
        return port


def serial_server(port: str) -> tuple[str, int] | None:
    """
    Host and port number of tcp://host:port; None for a port of this computer.

    :raises ValueError: it begins like one, and is none.
    """
    if not port.lower().startswith("tcp:"):
        return None
    try:
        parts = urlsplit(port)
        host, number = parts.hostname, parts.port
    except ValueError:
        host = number = None
    if not host or not number or not _can_be_a_host(host) or parts.path.strip("/") or parts.query:
        raise ValueError(f"{port} is no serial server: write tcp://HOST:PORT, as tcp://192.168.1.30:4001")
    return host, number


def _can_be_a_host(name: str) -> bool:
    try:
        return len(name.encode("idna")) <= LONGEST_HOST
    except UnicodeError:
        return False
