"""What ten clients that poll one serial device cost its line, compared with one client."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from benchmarks.bench import Bench
from benchmarks.load import Ask, Job
from benchmarks.report import Section, table
from benchmarks.servers import configured
from tests.firmware import CommandFirmware, FirmwareOnTerminal, RealTime
from tests.lx200_firmware import Controller, in_real_time
from tests.moonlite_firmware import MoonliteFirmware

BITS = 10  # a byte takes on the line, at 9600 of them a second
MANY = 10
INTERVAL = 0.1  # seconds between two questions of a client


class AtNineSixHundred:
    """Firmware whose replies take as long as they take at 9600 baud."""

    def __init__(self, firmware: CommandFirmware | Controller) -> None:
        self.firmware = firmware

    def receive(self, data: bytes) -> bytes:
        reply = self.firmware.receive(data)
        time.sleep((len(data) + len(reply)) * BITS / 9600)  # in the terminal's own thread
        return reply


@dataclass(frozen=True)
class Device:
    """What is polled, and with which settings."""

    driver: str
    kind: str
    member: str
    firmware: CommandFirmware | Controller
    settings: Mapping[str, Any]


def devices() -> Sequence[Device]:
    return (
        Device("MoonliteFocuser", "focuser", "position", MoonliteFirmware(RealTime()), {"max_step": 20_000}),
        Device("LX200Telescope", "telescope", "rightascension", in_real_time(), {}),
    )


def _clients(count: int) -> str:
    return f"{count} clients" if count > 1 else "1 client"


def measure(bench: Bench) -> list[Section]:
    """One client and ten, in turn; what is counted are the commands that arrive at the device."""
    rows = []
    for device in devices():
        what = f"commands/s: {device.driver}"
        with ExitStack() as stack:
            terminal = FirmwareOnTerminal(AtNineSixHundred(device.firmware))
            stack.callback(terminal.stop)
            entry = {
                "device_type": device.kind,
                "device_number": 0,
                "device_driver": device.driver,
                "driver_config": {"port": terminal.port, **device.settings},
            }
            found = stack.enter_context(bench.running([configured({"drivers": [entry]}, device.driver)]))
            for each in found:
                for count in bench.in_turn((1, MANY)):
                    asks = [Ask(f"{device.kind}/0/{device.member}")]
                    before = len(device.firmware.commands)
                    job = Job(each.port, asks, each.pids, count, interval=INTERVAL, seconds=2 * bench.seconds, warm_up=0.0)
                    measured = bench.load(job)
                    if measured.wrong:
                        bench.remark(f"A round of {device.driver} is left out: {measured.wrong}")
                        continue
                    commands = len(device.firmware.commands) - before
                    bench.figures.add(what, _clients(count), commands / measured.seconds)
        if bench.figures.has(what, _clients(1), _clients(MANY)):
            rows.append(
                [
                    f"{device.driver}, {device.member}",
                    f"{bench.figures.median(what, _clients(1)):.1f}",
                    f"{bench.figures.median(what, _clients(MANY)):.1f}",
                    str(bench.figures.ratio(what, _clients(MANY), _clients(1))),
                ]
            )
    rate = f"{1 / INTERVAL:.0f} times a second"
    words = f"Each client asks {rate}; counted are the commands that arrive at the device, which has a line of 9600 baud."
    header = ["", f"commands/s, {_clients(1)}", f"{_clients(MANY)}", "ratio"]
    return [Section("Clients of one serial device", [words, "", *table(header, rows)])]
