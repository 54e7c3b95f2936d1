"""The conformance kit in real time, against a server in a child process: every simulator, and every driver with firmware."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twisted.internet.interfaces import IReactorTime

from pylpaca.roster import simulators
from tests.firmware import Firmware, FirmwareOnTerminal, LosesReplies, RealTime
from tests.lx200_firmware import in_real_time
from tests.moonlite_firmware import MoonliteFirmware
from tests.server_process import ServerProcess

# As fast as the checks allow, for the short form.
QUICK: Mapping[str, Mapping[str, Any]] = {
    "covercalibrator": {"cover_seconds": 2, "warm_up_seconds": 1},
    "dome": {"azimuth_rate": 45, "altitude_rate": 35, "shutter_seconds": 2},
    "filterwheel": {"slot_seconds": 0.5},
    "focuser": {"rate": 50_000},
    "rotator": {"rate": 45},
    "switch": {"change_seconds": 0.5},
    "telescope": {"slew_rate": 60, "min_slew_time": 2.6, "max_slew_time": 4, "flip_time": 3},
}


@dataclass(frozen=True)
class Hardware:
    """A driver for a serial line, and the firmware at the other end."""

    device_type: str
    device_driver: str
    settings: Mapping[str, Any]
    firmware: Callable[[IReactorTime], Firmware]


# Each is there twice, once on a good cable and once on one that loses one reply in twenty.
HARDWARE = (
    Hardware(
        "focuser",
        "MoonliteFocuser",
        {"max_step": 2000, "step_size": 4.2, "speed": 250, "temperature_coefficient": -10},
        lambda clock: MoonliteFirmware(clock, fastest=500.0, notices_after=0.05),
    ),
    Hardware(
        "telescope",
        "LX200Telescope",
        {"reply_within": 0.2, "retries": 4},
        lambda clock: in_real_time(),
    ),
)


class WithHardware(ServerProcess):
    """A server whose devices have firmware on pseudo-terminals, which is switched off when the server has ended."""

    def __init__(self, arguments: Sequence[str], folder: Path, terminals: Sequence[FirmwareOnTerminal[Any]]) -> None:
        self._terminals = list(terminals)
        self._bad_cables = [each.firmware for each in terminals if isinstance(each.firmware, LosesReplies)]
        super().__init__(arguments, folder)

    @property
    def lost(self) -> list[int]:
        """How many replies each bad cable has lost."""
        return [each.lost for each in self._bad_cables]

    def terminate(self) -> int:
        status = super().terminate()
        while self._terminals:
            self._terminals.pop().stop()
        return status


def started(folder: Path, quick: bool) -> WithHardware:
    """A server with every simulator there is, and then the hardware."""
    entries = [each.entry.model_dump(exclude_none=True) for each in simulators().devices]
    if quick:
        for entry in entries:
            entry["driver_config"] = QUICK.get(entry["device_type"], {})
    numbers = Counter(entry["device_type"] for entry in entries)
    terminals = []
    for each in HARDWARE:
        for firmware in (each.firmware(RealTime()), LosesReplies(each.firmware(RealTime()), seed=1)):
            terminals.append(FirmwareOnTerminal(firmware))
            entry = {"device_type": each.device_type, "device_number": numbers[each.device_type]}
            numbers[each.device_type] += 1
            entry |= {"device_driver": each.device_driver, "driver_config": {"port": terminals[-1].port, **each.settings}}
            entries.append(entry)
    (folder / "config.json").write_text(json.dumps({"drivers": entries}))
    options = ["--config", "config.json", "--listen", "tcp:0:interface=127.0.0.1", "--discovery-port", "off"]
    return WithHardware(options, folder, terminals)


def main() -> int:
    """Run it as a user does, and print what it prints."""
    parser = ArgumentParser("python -m tests.real_time")
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--times", default="2")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        server = started(Path(name), options.short)
        try:
            command = [sys.executable, "-m", "pylpaca.testing.conformance", server.address, "--times", options.times]
            return subprocess.run([*command, "--short"] if options.short else command).returncode
        finally:
            server.terminate()


if __name__ == "__main__":
    sys.exit(main())
