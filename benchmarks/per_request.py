"""What a request costs each server, and how long it takes: GET and PUT, on few connections and on many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.bench import Bench
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
    def cpu(self) -> str:
        """The name of its figures of CPU time."""
        return f"cpu: {self.name}"

    @property
    def rate(self) -> str:
        return f"rate: {self.name}"

    @property
    def p50(self) -> str:
        return f"p50: {self.name}"

    @property
    def p99(self) -> str:
        return f"p99: {self.name}"


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
    held_back: set[tuple[str, str]] = set()
    with bench.running(bench.servers) as found:
        for row in rows:
            bench.tell(row.name)
            voided = set()
            for each in bench.in_turn(found):
                name = each.server.name
                if name in voided:
                    continue
                measured = bench.load(_job(bench, row, each))
                if measured.wrong:
                    voided.add(name)
                    bench.remark(f"{name} gave a wrong answer, so it has no figures for {row.name}: {measured.wrong}")
                    bench.figures.forget(name, row.cpu, row.rate, row.p50, row.p99)
                    continue
                bench.figures.add(row.cpu, name, measured.cpu_per_request)
                bench.figures.add(row.rate, name, measured.per_second)
                bench.figures.add(row.p50, name, measured.p50)
                bench.figures.add(row.p99, name, measured.p99)
                if measured.is_held_back:
                    held_back.add((row.name, name))
        for each in found:
            bench.figures.add(MEMORY_AFTER, each.server.name, each.memory)
    names = [each.server.name for each in found]
    return [Section("Requests", [line for row in rows for line in _lines(bench, row, names, held_back)])]


def _job(bench: Bench, row: Row, each: Running) -> Job:
    ask = each.server.put if row.is_put else each.server.get
    return Job(each.port, [ask], each.pids, row.clients, row.connected, seconds=bench.seconds, keys=each.server.keys)


def _lines(bench: Bench, row: Row, names: Sequence[str], held_back: set[tuple[str, str]]) -> list[str]:
    figures = bench.figures
    rows = []
    for name in names:
        if not figures.has(row.cpu, name):
            continue
        has_ratio = figures.has(row.cpu, FASTAPI.name)
        at_least = "≥ " if (row.name, name) in held_back else ""
        rows.append(
            [
                name,
                f"{1e6 * figures.median(row.cpu, name):.1f}",
                str(figures.ratio(row.cpu, name, FASTAPI.name)) if has_ratio else "",
                f"{at_least}{figures.median(row.rate, name):,.0f}",
                str(figures.ratio(row.rate, name, FASTAPI.name)) if has_ratio else "",
                f"{1000 * figures.median(row.p50, name):.2f}",
                f"{1000 * figures.median(row.p99, name):.2f}",
            ]
        )
    header = ["", "CPU µs/request", f"CPU, of {FASTAPI.name}", "requests/s", f"requests/s, of {FASTAPI.name}", "p50 ms", "p99 ms"]
    return [f"### {row.name}", "", *table(header, rows), ""]
