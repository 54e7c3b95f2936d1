"""
What pylpaca costs beside other servers, measured in turn in the same run.

    python -m benchmarks                                   # everything, printed as Markdown
    python -m benchmarks --write docs/performance.md       # into the page, too
    python -m benchmarks --quick                           # a few rows, a few rounds: for daily work
    python -m benchmarks --only requests --only growth     # parts of it
"""

from __future__ import annotations

import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

from benchmarks import discovery, growth, machine, per_request, shared_line, starting
from benchmarks.bench import Bench
from benchmarks.environments import Environments
from benchmarks.report import Section, put_into
from benchmarks.servers import EVERY

PARTS: Mapping[str, Callable[[Bench], list[Section]]] = {
    "requests": per_request.measure,
    "start": starting.measure,
    "discovery": discovery.measure,
    "growth": growth.measure,
    "serial": shared_line.measure,
}
QUICK = ("requests", "start", "growth")


def arguments() -> Namespace:
    parser = ArgumentParser(prog="python -m benchmarks", description=__doc__.strip().splitlines()[0] if __doc__ else "")
    parser.add_argument("--quick", action="store_true", help="fewer rounds of fewer rows")
    parser.add_argument("--only", action="append", choices=PARTS, help="this part; may be given more than once")
    parser.add_argument(
        "--server", action="append", choices=[each.name for each in EVERY], help="this one; may be given more than once"
    )
    parser.add_argument("--rounds", type=int, help="how often everything is measured, in turn (5; --quick: 3)")
    parser.add_argument("--seconds", type=float, help="how long each load lasts (1.5; --quick: 0.7)")
    parser.add_argument("--cache", type=Path, help="the folder of the other servers' environments, used again (a temporary one)")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the report into this page, between its marks")
    return parser.parse_args()


def main() -> None:
    """Measure and report."""
    said = arguments()
    began = time.monotonic()
    with ExitStack() as stack:
        cache = said.cache or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        rounds, seconds = (3, 0.7) if said.quick else (5, 1.5)
        cores = machine.Cores()
        cores.leave_the_server_alone()
        servers = [each for each in EVERY if not said.server or each.name in said.server]
        bench = Bench(Environments(cache.absolute()), cores, servers, said.rounds or rounds, said.seconds or seconds, said.quick)
        sections = []
        for name in said.only or (QUICK if said.quick else PARTS):
            sections += PARTS[name](bench)
    text = "\n\n".join(map(str, sections))
    print(text)
    bench.tell(f"{time.monotonic() - began:.0f} s")
    if said.write is not None:
        put_into(said.write, text)


if __name__ == "__main__":
    main()
