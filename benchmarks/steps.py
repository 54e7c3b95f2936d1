"""What each step of the hot road buys: the same server with more and more of them, and without each."""

from __future__ import annotations

from typing import get_args

from benchmarks import growth
from benchmarks.bench import Bench
from benchmarks.figures import Costs
from benchmarks.load import Job
from benchmarks.per_request import GET_16, GET_UNCONNECTED, PUT_16, Row
from benchmarks.report import Section, table
from benchmarks.servers import GET, PUT, Server, configured
from pylpaca.config import ServerSection

NONE = "none"
ROWS = (GET_16, PUT_16, GET_UNCONNECTED)


def steps() -> tuple[str, ...]:
    """Their names, as the setting knows them."""
    (names,) = get_args(ServerSection.model_fields["hot_road"].annotation)
    return get_args(names)


def variants() -> dict[str, list[str]]:
    """Which steps are taken, by the name of the row."""
    every = list(steps())
    found: dict[str, list[str]] = {NONE: []}
    for count in range(1, len(every)):
        found[" and ".join(every[:count])] = every[:count]
    found["all"] = every
    for each in every[:-1]:  # all without the last one are there already
        found[f"all but {each}"] = [other for other in every if other != each]
    return found


def _server(name: str, taken: list[str]) -> Server:
    simulators, _ = growth.with_devices(10)
    assert simulators.config is not None
    return configured({**simulators.config, "server": {"hot_road": taken}}, name)


def measure(bench: Bench) -> list[Section]:
    """All of them in turn, for each kind of load."""
    servers = [_server(name, taken) for name, taken in variants().items()]
    figures = bench.figures
    with bench.running(servers) as found:
        for row in ROWS:
            for each in bench.in_turn(found):
                ask = PUT if row.is_put else GET
                job = Job(each.port, [ask], each.pids, row.clients, row.connected, seconds=bench.seconds)
                bench.take(_costs(row), each.server.name, job)
    rows = []
    for server in servers:
        cells = [server.name]
        for row in ROWS:
            cpu = _costs(row).cpu
            if figures.has(cpu, server.name, NONE):
                cells += [f"{1e6 * figures.median(cpu, server.name):.1f}", str(figures.ratio(cpu, server.name, NONE))]
            else:
                cells += ["", ""]
        rows.append(cells)
    header = ["steps", *(cell for row in ROWS for cell in (row.name, f"of {NONE}"))]
    return [Section("Steps of the hot road", ["CPU µs/request.", "", *table(header, rows)])]


def _costs(row: Row) -> Costs:
    return Costs(f"hot road: {row.name}")
