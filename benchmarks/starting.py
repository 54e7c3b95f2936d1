"""How long each server takes from its command to its first answer, and what memory it then has."""

from __future__ import annotations

import time

from benchmarks.accounting import cpu_seconds
from benchmarks.bench import Bench
from benchmarks.per_request import MEMORY_AFTER
from benchmarks.report import Section, table
from benchmarks.servers import FASTAPI

FIRST_ANSWER = "seconds to the first answer"
CPU = "CPU seconds to the first answer"
CPU_IDLE = "share of a core when idle"
MEMORY_IDLE = "memory when idle"
SETTLES_IN = 3.0  # seconds: ours loads its pages after the start
IDLES_FOR = 1.0


def measure(bench: Bench) -> list[Section]:
    """Start them in turn, each alone; the first round does not count, for it compiles what is imported."""
    servers = [each for each in bench.servers if bench.python(each) is not None]
    for each in servers:
        with bench.running([each]):
            pass
    for each in bench.in_turn(servers):
        with bench.running([each]) as found:
            for one in found:
                time.sleep(SETTLES_IN)
                began, cpu = time.perf_counter(), cpu_seconds(one.pids)
                time.sleep(IDLES_FOR)
                bench.figures.add(CPU_IDLE, each.name, (cpu_seconds(one.pids) - cpu) / (time.perf_counter() - began))
                bench.figures.add(FIRST_ANSWER, each.name, one.started_in)
                bench.figures.add(CPU, each.name, one.start_cpu)
                bench.figures.add(MEMORY_IDLE, each.name, one.memory)
    figures, rows = bench.figures, []
    for each in servers:
        if figures.has(FIRST_ANSWER, each.name):
            has_ratio = figures.has(FIRST_ANSWER, FASTAPI.name)
            has_loaded = figures.has(MEMORY_AFTER, each.name)
            rows.append(
                [
                    each.name,
                    f"{figures.median(FIRST_ANSWER, each.name):.2f}",
                    str(figures.ratio(FIRST_ANSWER, each.name, FASTAPI.name)) if has_ratio else "",
                    f"{figures.median(CPU, each.name):.2f}",
                    f"{1000 * figures.median(CPU_IDLE, each.name):.1f}",
                    f"{figures.median(MEMORY_IDLE, each.name) / 1e6:.0f}",
                    f"{figures.median(MEMORY_AFTER, each.name) / 1e6:.0f}" if has_loaded else "",
                ]
            )
    header = [
        "",
        "s to the first answer",
        f"of {FASTAPI.name}",
        "CPU s until then",
        "CPU ms/s idle",
        "MB idle",
        "MB after the load above",
    ]
    return [Section("Start and memory", table(header, rows))]
