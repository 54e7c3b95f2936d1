"""What a request costs each server, and how long it takes: GET and PUT, on few connections and on many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.bench import Bench
from benchmarks.figures import Costs
from benchmarks.load import Job
from benchmarks.report import Section, table
from benchmarks.servers import FASTAPI, Running


@dataclass(frozen=True)
class Row:
    """One kind of load."""

    name: str
    clients: int
    is_put: bool = False
    connected: bool = True
    is_daily: bool = False  # whether it is part of the quick form

    @property
    def costs(self) -> Costs:
        return Costs(self.name)


GET_16 = Row("GET, 16 connections", 16, is_daily=True)
GET_64 = Row("GET, 64 connections", 64)
PUT_16 = Row("PUT, 16 connections", 16, is_put=True, is_daily=True)
GET_UNCONNECTED = Row("GET, a connection for each request, 16 at a time", 16, connected=False, is_daily=True)
ROWS = (
    Row("GET, 1 connection", 1),
    GET_16,
    GET_64,
    GET_UNCONNECTED,
    Row("PUT, 1 connection", 1, is_put=True),
    PUT_16,
    Row("PUT, 64 connections", 64, is_put=True),
    Row("PUT, a connection for each request, 16 at a time", 16, is_put=True, connected=False),
)
MEMORY_AFTER = "memory after load"


def measure(bench: Bench) -> list[Section]:
    """Every row: all servers in turn, round by round."""
    rows = [row for row in ROWS if row.is_daily or not bench.is_quick]
    with bench.running(bench.servers) as found:
        for row in rows:
            bench.tell(row.name)
            for each in bench.in_turn(found):
                bench.take(row.costs, each.server.name, _job(bench, row, each))
        for each in found:
            bench.figures.add(MEMORY_AFTER, each.server.name, each.memory)
    names = [each.server.name for each in found]
    return [Section("Requests", [line for row in rows for line in _lines(bench, row, names)])]


def _job(bench: Bench, row: Row, each: Running) -> Job:
    ask = each.server.put if row.is_put else each.server.get
    return Job(each.port, [ask], each.pids, row.clients, row.connected, seconds=bench.seconds, keys=each.server.keys)


def _lines(bench: Bench, row: Row, names: Sequence[str]) -> list[str]:
    figures, costs, rows = bench.figures, row.costs, []
    for name in names:
        if not figures.has(costs.cpu, name):
            continue
        has_ratio = figures.has(costs.cpu, FASTAPI.name)
        at_least = "≥ " if (costs, name) in bench.held_back else ""
        rows.append(
            [
                name,
                f"{1e6 * figures.median(costs.cpu, name):.1f}",
                str(figures.ratio(costs.cpu, name, FASTAPI.name)) if has_ratio else "",
                f"{at_least}{figures.median(costs.rate, name):,.0f}",
                str(figures.ratio(costs.rate, name, FASTAPI.name)) if has_ratio else "",
                f"{1000 * figures.median(costs.p50, name):.2f}",
                f"{1000 * figures.median(costs.p99, name):.2f}",
            ]
        )
    header = ["", "CPU µs/request", f"CPU, of {FASTAPI.name}", "requests/s", f"requests/s, of {FASTAPI.name}", "p50 ms", "p99 ms"]
    return [f"### {row.name}", "", *table(header, rows), ""]
