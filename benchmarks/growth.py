"""How the cost of a request grows with the devices there are, and with the clients that poll them."""

from __future__ import annotations

from typing import Any

from benchmarks.bench import Bench
from benchmarks.figures import Costs
from benchmarks.load import Ask, Job
from benchmarks.report import Section, table
from benchmarks.servers import Server, configured
from pylpaca.roster import simulators

DEVICES = (10, 100, 1000)
POLLERS = (1, 10, 100)
SMALL_DIFFERENCES = 3  # times as many rounds, each half as long, show them
INTERVAL = 0.05  # seconds between two questions of a poller
POLLED = {  # what is asked of each device, and costs its simulator little
    "camera": "camerastate",
    "covercalibrator": "coverstate",
    "dome": "azimuth",
    "filterwheel": "position",
    "focuser": "position",
    "observingconditions": "temperature",
    "rotator": "position",
    "safetymonitor": "issafe",
    "switch": "maxswitch",
    "telescope": "rightascension",
}
BY_DEVICES, BY_POLLERS = Costs("devices"), Costs("pollers")


def with_devices(count: int) -> tuple[Server, list[Ask]]:
    """pylpaca with so many simulators, all ten types in turn; and what to ask of each."""
    entries = [each.entry for each in simulators().devices]
    drivers: list[dict[str, Any]] = []
    for index in range(count):
        number, which = divmod(index, len(entries))
        entry = entries[which]
        drivers.append({"device_type": entry.device_type, "device_number": number, "device_driver": entry.device_driver})
    asks = [Ask(f"{each['device_type']}/{each['device_number']}/{POLLED[each['device_type']]}") for each in drivers]
    return configured({"drivers": drivers}, _devices(count)), asks


def _devices(count: int) -> str:
    return f"{count:,} devices"


def _pollers(count: int) -> str:
    return f"{count} pollers" if count > 1 else "1 poller"


MANY_DEVICES = _devices(DEVICES[-1]), _devices(DEVICES[0])
MANY_POLLERS = _pollers(POLLERS[-1]), _pollers(10)


def measure(bench: Bench) -> list[Section]:
    """The servers in turn, then the pollers of the one with ten devices."""
    servers = dict(zip(DEVICES, map(with_devices, DEVICES), strict=True))
    memory, started = {}, {}
    with bench.running([server for server, _ in servers.values()]) as found:
        asks = {server.name: asks for server, asks in servers.values()}
        for each in bench.in_turn(found, SMALL_DIFFERENCES):
            name = each.server.name
            bench.take(BY_DEVICES, name, Job(each.port, asks[name], each.pids, seconds=bench.seconds / 2))
            memory[name], started[name] = each.memory, each.started_in
        ten = found[0]
        for count in bench.in_turn(POLLERS):
            seconds = 2 * bench.seconds
            job = Job(ten.port, asks[ten.server.name], ten.pids, count, interval=INTERVAL, seconds=seconds)
            bench.take(BY_POLLERS, _pollers(count), job)
    devices = _line(bench, BY_DEVICES, _devices(DEVICES[0]), [_devices(each) for each in DEVICES])
    devices = [[*row, f"{memory[row[0]] / 1e6:.0f}", f"{started[row[0]]:.2f}"] for row in devices]
    pollers = _line(bench, BY_POLLERS, _pollers(10), [_pollers(each) for each in POLLERS])
    header = ["", "CPU µs/request", "of {}", "p50 ms", "p99 ms"]
    return [
        Section(
            "Devices",
            [
                "16 connections ask all the devices, one after another, as fast as they are answered.",
                "",
                *table([*(each.format(_devices(DEVICES[0])) for each in header), "MB", "s to the first answer"], devices),
            ],
        ),
        Section(
            "Pollers",
            [
                f"Each has a connection and a ClientID, and asks ten devices in turn, {1 / INTERVAL:.0f} times a second.",
                "",
                *table([each.format(_pollers(10)) for each in header], pollers),
            ],
        ),
    ]


def _line(bench: Bench, costs: Costs, base: str, names: list[str]) -> list[list[str]]:
    figures = bench.figures
    return [
        [
            name,
            f"{1e6 * figures.median(costs.cpu, name):.1f}",
            str(figures.ratio(costs.cpu, name, base)),
            f"{1000 * figures.median(costs.p50, name):.2f}",
            f"{1000 * figures.median(costs.p99, name):.2f}",
        ]
        for name in names
        if figures.has(costs.cpu, name, base)
    ]
