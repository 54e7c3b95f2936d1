"""The conformance kit in real time, against the simulators of a server in a child process: in full, or a quick short form."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pylpaca.roster import simulators
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


def started(folder: Path, quick: bool) -> ServerProcess:
    """A server with every simulator there is."""
    entries = [each.entry.model_dump(exclude_none=True) for each in simulators().devices]
    if quick:
        for entry in entries:
            entry["driver_config"] = QUICK.get(entry["device_type"], {})
    (folder / "config.json").write_text(json.dumps({"drivers": entries}))
    options = ["--config", "config.json", "--listen", "tcp:0:interface=127.0.0.1", "--discovery-port", "off"]
    return ServerProcess(options, folder)


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
