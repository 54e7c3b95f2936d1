"""`python -m tests.chaos_policies`: many more nights than the tests have, and a real server's deadman; three minutes."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

from alpaca.dome import Dome, ShutterState
from alpaca.telescope import Telescope

from tests.server_process import ServerProcess
from tests.test_deadman import SeededTests
from tests.test_interlocks import ExclusionTests

NIGHTS = 2000
MINUTES = 2.0


def deadman_nights() -> str:
    """Mounts that fail in every way."""
    case = SeededTests("test_order")
    outcomes = [case.night(seed) for seed in range(NIGHTS)]
    counts = {each: outcomes.count(each) for each in sorted(set(outcomes))}
    assert not counts.get("wrong"), counts
    return f"deadman: {NIGHTS} nights with mounts that fail: {counts}"


def exclusion_nights() -> str:
    """Clients that ask a mount and a roof for anything at any time; a failure is raised."""
    case = ExclusionTests("test_seeded")
    begun = [case.run_night(seed) for seed in range(NIGHTS)]
    return f"interlocks: {NIGHTS} nights: never in each other's way; in {sum(map(bool, begun))} something moved"


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
    for each in (deadman_nights, exclusion_nights, real_deadman):
        print(each(), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
