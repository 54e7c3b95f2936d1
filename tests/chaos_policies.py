"""`python -m tests.chaos_policies`: many more nights than the tests have, and a real server's deadman; six minutes."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from unittest import TestCase, TestResult

from alpaca.dome import Dome, ShutterState
from alpaca.telescope import Telescope
from twisted.logger import globalLogBeginner

from tests.server_process import ServerProcess
from tests.test_deadman import SeededTests
from tests.test_interlocks import ExclusionTests

NIGHTS = 2000
MINUTES = 2.0


def run(case: TestCase) -> None:
    """Run a test; AssertionError if it fails."""
    result = TestResult()
    case.run(result)
    assert result.wasSuccessful() and result.testsRun == 1, result.failures + result.errors


def deadman_nights() -> str:
    """Mounts that fail in every way."""
    SeededTests.NIGHTS = NIGHTS
    case = SeededTests("test_order")
    run(case)
    return f"deadman: {NIGHTS} nights with mounts that fail: {dict(case.outcomes)}"


def exclusion_nights() -> str:
    """Clients that ask a mount and a roof for anything at any time; a failure is raised."""
    ExclusionTests.NIGHTS = NIGHTS
    case = ExclusionTests("test_seeded")
    run(case)
    return f"interlocks: {NIGHTS} nights: a mount and a roof never in each other's way; done: {dict(case.begun)}"


def real_deadman() -> str:
    """A client opens the roof, points the mount, and is gone."""
    drivers = [
        {"device_type": kind, "device_number": 0, "device_driver": f"{name}Simulator", "autoconnect": True}
        for kind, name in (("telescope", "Telescope"), ("dome", "Dome"))
    ]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "config.json").write_text(json.dumps({"server": {"deadman": {"minutes": MINUTES}}, "drivers": drivers}))
        arguments = ["--config", "config.json", "--listen", "tcp:0:interface=127.0.0.1", "--discovery-port", "off"]
        server = ServerProcess(arguments, folder)
        try:
            dome, mount = Dome(server.address, 0), Telescope(server.address, 0)
            dome.OpenShutter()
            mount.Tracking = True
            gone = time.monotonic()
            while not any("close dome/0 is done" in line for line in server.lines):
                assert time.monotonic() < gone + 60 * MINUTES + 60, server.lines
                time.sleep(0.5)
            took = time.monotonic() - gone
            assert mount.AtPark and dome.ShutterStatus == ShutterState.shutterClosed
        finally:
            status = server.terminate()
    said = [line.partition("] ")[2] for line in server.lines if "deadman: " in line]
    assert status == 0 and said.index("deadman: park telescope/0 is done") < said.index("deadman: close dome/0"), server.lines
    return f"a real server, {MINUTES:g} minutes of silence: parked, then closed, {took:.0f} s after the client was gone"


def main() -> int:
    """Run all of it; what failed is raised."""
    globalLogBeginner.beginLoggingTo([], redirectStandardIO=False)  # what fails is said by the tests
    for each in (deadman_nights, exclusion_nights, real_deadman):
        print(each(), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
