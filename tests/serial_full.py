"""What is promised of the serial line, tried in full: prints the figures, and ends with 1 if one of them is not kept."""

from __future__ import annotations

import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import react
from twisted.logger import globalLogPublisher

from pylpaca.testing import MemoryServer, SerialDouble
from tests.lines import Logged
from tests.serial_cycles import Rig, descriptors
from tests.serial_fuzz import DEVICES, Fuzz

ERROR_WITHIN = 0.050  # seconds from a loss until who was asking is told
BACK_WITHIN = 2.0  # seconds from its return until the device answers


def fuzzed(exchanges: int, seed: int) -> bool:
    """Exchanges with a device that does what it should not; whether none was mis-paired and no message lost."""
    kept = True
    for kind in DEVICES:
        fuzz = Fuzz(kind, seed, exchanges)
        fuzz.run()
        print(f"{kind} (seed {seed}): {fuzz}", flush=True)
        kept = kept and not fuzz.mispaired and not fuzz.events_lost
    return kept


def spread(seconds: Sequence[float]) -> str:
    ordered = sorted(seconds)
    return f"median {ordered[len(ordered) // 2] * 1000:.1f} ms, longest {ordered[-1] * 1000:.1f} ms"


async def pulled(reactor: Any, cycles: int, seed: int) -> bool:
    """A cable that is pulled and put back at any moment; whether the time was kept, and nothing was leaked or logged twice."""
    with tempfile.TemporaryDirectory() as folder:
        rig = Rig(reactor, Path(folder), seed)
        await rig.open()
        before = descriptors()
        found = await rig.cycles(cycles)
        leaked = descriptors() - before
        await rig.close()
    in_time = sum(cycle.error_after <= ERROR_WITHIN and cycle.back_after <= BACK_WITHIN for cycle in found)
    lines = rig.levels == ["warn", "info"] * cycles
    print(f"cable pulled and put back (seed {seed}): {in_time} of {cycles} in time; {leaked} descriptors leaked")
    print(f"  error after the loss: {spread([cycle.error_after for cycle in found])}")
    print(f"  answers after its return: {spread([cycle.back_after for cycle in found])}")
    print(f"  one line in the log down and one up each: {'yes' if lines else 'no: ' + str(rig.levels)}")
    return in_time == cycles and not leaked and lines


def polled(seconds: int) -> bool:
    """A device whose cable is out for so long, asked a hundred times a second; whether the log has a line each way."""
    dome = {"device_type": "dome", "device_number": 0, "device_driver": "MyDomeDriver", "driver_config": {"port": "COM3"}}
    double = SerialDouble({b"STATUS": b"CLOSED"}.get)
    server = MemoryServer({"drivers": [dome]}, serial={"COM3": double})
    server.put("dome/0/connected", Connected=True)
    logged, asked = Logged(), 0
    globalLogPublisher.addObserver(logged)
    double.unplug()
    for _ in range(100 * seconds):
        asked += server.get("dome/0/shutterstatus").error == 0x500
        server.clock.advance(0.01)
    double.plug_in()
    for _ in range(100):
        server.clock.advance(0.01)
    globalLogPublisher.removeObserver(logged)
    levels = [level for level, _ in logged.lines]
    print(f"asked {asked} times while the cable was out: {len(levels)} lines in the log")
    return asked == 100 * seconds and levels == ["warn", "info"] and server.get("dome/0/shutterstatus").error == 0


async def run(reactor: Any, arguments: Sequence[str]) -> None:
    parser = ArgumentParser("python -m tests.serial_full")
    parser.add_argument("--exchanges", type=int, default=100_000)
    parser.add_argument("--cycles", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    kept = [polled(30), fuzzed(options.exchanges, options.seed), await pulled(reactor, options.cycles, options.seed)]
    print("all kept" if all(kept) else "NOT KEPT", flush=True)
    raise SystemExit(not all(kept))


def main() -> None:
    """Run it and end with 0 if all is kept."""
    react(lambda reactor: Deferred.fromCoroutine(run(reactor, sys.argv[1:])))


if __name__ == "__main__":
    main()
