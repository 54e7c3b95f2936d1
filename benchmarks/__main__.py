"""
What pylpaca costs beside other servers, measured in turn in the same run.

    python -m benchmarks                                   # everything, printed as Markdown
    python -m benchmarks --write docs/performance.md       # into the page, too
    python -m benchmarks --quick                           # a few rows, a few rounds: for daily work
    python -m benchmarks --only requests --only growth     # parts of it
    python -m benchmarks --quick --only requests --server pylpaca --server 'FastAPI + uvicorn'
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
import traceback
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import (
    bounds,
    details,
    discovery,
    growth,
    image_transfer,
    machine,
    per_request,
    shared_line,
    starting,
    steps,
)
from benchmarks.bench import Bench
from benchmarks.environments import Environments
from benchmarks.report import Section, put_into
from benchmarks.servers import EVERY

PARTS: Mapping[str, Callable[[Bench], Sequence[Section]]] = {
    "requests": per_request.measure,
    "start": starting.measure,
    "growth": growth.measure,
    "serial": shared_line.measure,
    "steps": steps.measure,
    "discovery": discovery.measure,
    "images": image_transfer.measure,
    "details": details.measure,
}
QUICK = ("requests", "growth")


def arguments() -> Namespace:
    parser = ArgumentParser("python -m benchmarks", description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer rounds of fewer rows; writes no page")
    parser.add_argument("--only", action="append", choices=PARTS, help="this part; may be given more than once")
    servers = [each.name for each in EVERY]
    parser.add_argument("--server", action="append", choices=servers, help="this one; may be given more than once")
    parser.add_argument("--rounds", type=int, help="how often everything is measured, in turn (5; --quick: 3)")
    parser.add_argument("--seconds", type=float, help="how long each load lasts (1; --quick: 0.7)")
    parser.add_argument("--cache", type=Path, help="the folder of the other servers' environments, used again (a temporary one)")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the report of a whole run into this page")
    return parser.parse_args()


def main() -> None:
    """Measure and report."""
    said = arguments()
    if sys.platform != "linux":
        raise SystemExit("python -m benchmarks needs Linux: the figures are those of its accounting, in /proc")
    began = time.monotonic()
    with ExitStack() as stack:
        cache = said.cache or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        cores = machine.Cores()
        cores.leave_the_server_alone()
        rounds, seconds = (3, 0.7) if said.quick else (5, 1.0)
        bench = Bench(
            environments=Environments(cache.absolute()),
            cores=cores,
            servers=[each for each in EVERY if not said.server or each.name in said.server],
            rounds=said.rounds or rounds,
            seconds=said.seconds or seconds,
            is_quick=said.quick,
        )
        busy = machine.load_average()
        sections: list[Section] = []
        for name in said.only or (QUICK if said.quick else PARTS):
            bench.tell(f"{time.monotonic() - began:.0f} s: {name}")
            try:
                sections += PARTS[name](bench)
            except Exception as error:  # half an hour of figures is not lost with one part
                traceback.print_exc()
                bench.remark(f"The part {name} could not be measured: {type(error).__name__}: {error}")
        report = [where_and_when(bench, busy, time.monotonic() - began), bounds.section(bench), *sections]
    text = "\n\n".join(map(str, report))
    print(text)
    if said.write is not None and (said.quick or said.only or said.server):
        bench.tell(f"{said.write} is left as it is: this was no whole run.")
    elif said.write is not None:
        put_into(said.write, text)


def where_and_when(bench: Bench, busy: float, seconds: float) -> Section:
    """The machine, the versions, and what else is to be known."""
    cores = "The server has one core, the load another." if bench.cores.are_two else "Server and load share the only core."
    lines = [
        f"- {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {seconds / 60:.0f} minutes",
        f"- {machine.description()}",
        f"- {cores} When it began, {busy:.1f} other programs had wanted a core during the last minute.",
        f"- {bench.rounds} rounds, {bench.seconds:g} s for each load",
    ]
    if bench.waited:
        lines.append(
            f"- Servers waited for their core {100 * statistics.mean(bench.waited):.0f} % of the time, because others had it."
        )
    for server in bench.servers:
        lines += [f"- {versions}" for versions in [bench.versions(server)] if versions]
    lines += [f"- {remark}" for remark in bench.remarks]
    return Section("This run", lines)


if __name__ == "__main__":
    main()
