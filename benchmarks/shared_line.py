"""What ten clients that poll one serial device cost its line, compared with one client."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
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
    firmware: Callable[[], CommandFirmware | Controller]
    settings: Mapping[str, Any]


DEVICES = (
    Device("MoonliteFocuser", "focuser", "position", lambda: MoonliteFirmware(RealTime()), {"max_step": 20_000}),
    Device("LX200Telescope", "telescope", "rightascension", in_real_time, {}),
)
ONE, TEN = "1 client", "10 clients"
CLIENTS = {ONE: 1, TEN: 10}


def commands(device: Device) -> str:
    """The name of its figures."""
    return f"commands per question: {device.driver}"


def measure(bench: Bench) -> list[Section]:
    """One client and ten, in turn; what is counted are the commands that arrive at the device."""
    rows = []
    for device in DEVICES:
        what = commands(device)
        _measure(bench, device)
        if bench.figures.has(what, ONE, TEN):
            medians = [f"{bench.figures.median(what, each):.2f}" for each in CLIENTS]
            rows.append([f"{device.driver}, {device.member}", *medians, str(bench.figures.ratio(what, TEN, ONE))])
    rate = f"{1 / INTERVAL:.0f} times a second"
    words = f"Each client asks {rate}; counted are the commands that arrive at the device, which has a line of 9600 baud."
    return [
        Section(
            "Clients of one serial device",
            [words, "", *table(["commands for each question of a client", *CLIENTS, "ratio"], rows)],
        )
    ]


def _measure(bench: Bench, device: Device) -> None:
    firmware = device.firmware()
    with ExitStack() as stack:
        terminal = FirmwareOnTerminal(AtNineSixHundred(firmware))
        stack.callback(terminal.stop)
        entry = {
            "device_type": device.kind,
            "device_number": 0,
            "device_driver": device.driver,
            "driver_config": {"port": terminal.port, **device.settings},
        }
        for found in stack.enter_context(bench.running([configured({"drivers": [entry]}, device.driver)])):
            for clients in bench.in_turn(list(CLIENTS)):
                before = len(firmware.commands)
                asks = [Ask(f"{device.kind}/0/{device.member}")]
                seconds = 2 * bench.seconds
                job = Job(found.port, asks, found.pids, CLIENTS[clients], interval=INTERVAL, seconds=seconds, warm_up=0.0)
                measured = bench.load(job)
                if measured.wrong:
                    bench.remark(f"{device.driver} gave a wrong answer: {measured.wrong}")
                    bench.figures.forget(clients, commands(device))
                    return
                questions = measured.answers / CLIENTS[clients]
                bench.figures.add(commands(device), clients, (len(firmware.commands) - before) / questions)
