"""What is promised of state, time, start and stop, tried in full: prints the figures, and ends with 1 if one is not kept."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.chaos_disk import Said, kills, restarts, small_disk
from tests.chaos_process import calls, clocks, here, stalls, starts, stops, unit


def parts(scale: float, contrib: Path) -> dict[str, Callable[[Said], bool]]:
    """Each part by its name; `scale` 1 is the full form."""

    def times(full: int) -> int:
        return max(1, round(full * scale))

    return {
        "kills": lambda say: kills(times(1000), say),
        "disk": small_disk,
        "restarts": lambda say: restarts(times(100), say),
        "stops": lambda say: stops(times(3), say),
        "starts": lambda say: starts(times(10), say),
        "stalls": lambda say: stalls(times(5), say),
        "clocks": clocks,
        "unit": lambda say: unit(contrib / "pylpaca.service", say),
        "calls": lambda say: calls(contrib / "pylpaca.service", say),
    }


def main(given: Sequence[str]) -> int:
    """Run it; 0 if all is kept."""
    parser = ArgumentParser("python -m tests.chaos_state")
    parser.add_argument("--scale", type=float, default=1.0, help="how many times each is tried, of the full form")
    parser.add_argument("--only", action="append", help="the name of a part; may be given more than once")
    parser.add_argument("--contrib", type=Path, default=Path(__file__).parent.parent / "contrib", help="where the unit is")
    options = parser.parse_args(given)
    every = parts(options.scale, options.contrib)
    unknown = set(options.only or ()) - set(every)
    if unknown:
        parser.error(f"there is no part {', '.join(unknown)}; there are {', '.join(every)}")
    print(f"on {here()}", flush=True)
    kept = [run(lambda line: print(line, flush=True)) for name, run in every.items() if not options.only or name in options.only]
    print("all kept" if all(kept) else "NOT KEPT", flush=True)
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
