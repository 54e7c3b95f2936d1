"""The server's figures as Prometheus collects them: which there are, and the text they are told in."""

# Facts (Prometheus text exposition format 0.0.4)
#   Each metric has its lines together, after # HELP and # TYPE; the name of a counter ends in _total, and a histogram has _bucket
#   lines that count up to le="+Inf", _sum and _count. In help \ and line ends are escaped, in the values of labels " as well.

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from typing import Any

import twisted
from pylpaca import __version__
from pylpaca.roster import Entry, Roster
from pylpaca.watching import counts, lateness
from pylpaca.watching.counts import Counts, error_name
from pylpaca.watching.lateness import Lateness

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Labels = tuple[str, ...]


@dataclass(frozen=True)
class Metric:
    """One metric: its name, what it counts, and what tells its lines apart."""

    name: str
    kind: str
    help: str
    labels: Sequence[str] = ()

    def head(self) -> str:
        """What stands before its lines."""
        text = self.help.replace("\\", r"\\").replace("\n", r"\n")
        return f"# HELP {self.name} {text}\n# TYPE {self.name} {self.kind}\n"

    def line(self, value: float, labels: Labels = ()) -> str:
        """One line."""
        return f"{self.name}{_braces(zip(self.labels, labels, strict=True))} {_number(value)}\n"

    def histogram(self, bounds: Sequence[float], within: Sequence[int], total: float, labels: Labels = ()) -> str:
        """
        All lines of one histogram.

        :param within: how many were at most each bound and above the one before it; then those above all bounds.
        """
        own = list(zip(self.labels, labels, strict=True))
        ends = [*map(_number, bounds), "+Inf"]
        lines = [
            f"{self.name}_bucket{_braces([*own, ('le', end)])} {count}\n"
            for end, count in zip(ends, accumulate(within), strict=True)
        ]
        ends_with = f"{self.name}_sum{_braces(own)} {_number(total)}\n{self.name}_count{_braces(own)} {sum(within)}\n"
        return "".join(lines) + ends_with


def _number(value: float) -> str:
    return repr(value) if isinstance(value, int) else repr(float(value))


def _braces(labels: Iterable[tuple[str, str]]) -> str:
    inside = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels)
    return f"{{{inside}}}" if inside else ""


def _escaped(value: str) -> str:
    text = value.encode("utf-8", "backslashreplace").decode()
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


BUILD = Metric("pylpaca_build_info", "gauge", "What runs here; always 1.", ("version", "python", "twisted", "system"))
DEVICE = Metric("pylpaca_device_info", "gauge", "What a device is; always 1.", ("device", "name", "driver"))
LINK = Metric("pylpaca_link_up", "gauge", "Whether the link to a device is open: 1 or 0.", ("device",))
PERMANENT = Metric(
    "pylpaca_link_wanted", "gauge", "Whether a device is to be always connected (autoconnect): 1 or 0.", ("device",)
)
REQUESTS = Metric(
    "pylpaca_requests_total",
    "counter",
    'Calls of a device that were answered; call is "read", "write" or "stop"; error is "" or what kind it ended with.',
    ("device", "call", "error"),
)
SECONDS = Metric(
    "pylpaca_request_seconds", "histogram", "How long calls of a device took until their answer was there.", ("device", "call")
)
REFUSED = Metric("pylpaca_http_refused_total", "counter", "Requests that were refused with this HTTP status.", ("status",))
CONNECTIONS = Metric("pylpaca_connections", "gauge", "HTTP connections that are open.")
LAG = Metric("pylpaca_reactor_lag_seconds", "histogram", "How late a timer fires that is set every second.")
STATE = Metric(
    "pylpaca_device_state",
    "gauge",
    "The numbers of DeviceState, of devices that are connected and answer in time; yes is 1, no is 0.",
    ("device", "member"),
)
STARTED = Metric("process_start_time_seconds", "gauge", "When the server was started, in seconds since 1970.")
CPU = Metric("process_cpu_seconds_total", "counter", "Seconds of processor time that the server took.")
MEMORY = Metric("process_resident_memory_bytes", "gauge", "Memory that the server holds (Linux only).")
FILES = Metric("process_open_fds", "gauge", "Files, ports and connections that the server has open (Linux only).")
MOST_FILES = Metric("process_max_fds", "gauge", "How many of them it may have (not on Windows).")

METRICS = (
    BUILD,
    DEVICE,
    LINK,
    PERMANENT,
    REQUESTS,
    SECONDS,
    REFUSED,
    CONNECTIONS,
    LAG,
    STATE,
    STARTED,
    CPU,
    MEMORY,
    FILES,
    MOST_FILES,
)


@dataclass
class Figures:
    """
    Where the figures come from.

    :ivar connections: how many there are.
    :ivar refused: how many requests were refused, by HTTP status.
    :ivar began: when the server was started.
    """

    roster: Roster
    counts: Counts
    lateness: Lateness
    connections: Callable[[], int]
    refused: Mapping[int, int]
    began: datetime


def pieces(figures: Figures, states: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """
    The text, in pieces that each take little time to make.

    :param states: the DeviceState of devices, by "dome/0".
    """
    yield BUILD.head() + BUILD.line(1, (__version__, platform.python_version(), twisted.__version__, sys.platform))
    devices = list(figures.roster)
    for metric, line in (
        (DEVICE, _about),
        (LINK, lambda entry: LINK.line(int(entry.driver.link.is_open), (_device(entry),))),
        (PERMANENT, lambda entry: PERMANENT.line(int(entry.driver.link.permanent), (_device(entry),))),
    ):
        yield from _in_pieces(metric, line, devices)
    tallies = list(figures.counts.tallies())
    yield from _in_pieces(REQUESTS, _requests, tallies)
    yield from _in_pieces(
        SECONDS, lambda each: SECONDS.histogram(counts.BOUNDS, each.within, each.seconds, (each.device, each.call.value)), tallies
    )
    yield REFUSED.head() + "".join(REFUSED.line(count, (str(status),)) for status, count in sorted(figures.refused.items()))
    yield CONNECTIONS.head() + CONNECTIONS.line(figures.connections())
    late = figures.lateness
    yield LAG.head() + LAG.histogram(lateness.BOUNDS, late.within, late.seconds)
    yield from _in_pieces(STATE, _state, list(states.items()))
    for metric, value in (
        (STARTED, figures.began.timestamp()),
        (CPU, time.process_time()),
        (MEMORY, resident_memory()),
        (FILES, open_files()),
        (MOST_FILES, most_files()),
    ):
        if value is not None:
            yield metric.head() + metric.line(value)


AT_ONCE = 50  # devices


def _in_pieces(metric: Metric, line: Callable[[Any], str], each_of: Sequence[Any]) -> Iterator[str]:
    yield metric.head()
    for start in range(0, len(each_of), AT_ONCE):
        yield "".join(map(line, each_of[start : start + AT_ONCE]))


def _device(entry: Entry) -> str:
    return f"{entry.kind}/{entry.number}"


def _about(entry: Entry) -> str:
    driver = type(entry.driver)
    return DEVICE.line(1, (_device(entry), entry.driver.name, f"{driver.__module__}.{driver.__qualname__}"))


def _requests(tally: counts.Tally) -> str:
    by_name: dict[str, int] = {"": tally.count - sum(tally.errors.values())}
    for number, count in sorted(tally.errors.items()):
        by_name[error_name(number)] = by_name.get(error_name(number), 0) + count
    return "".join(REQUESTS.line(count, (tally.device, tally.call.value, name)) for name, count in by_name.items())


def _state(state: tuple[str, Mapping[str, Any]]) -> str:
    device, values = state
    return "".join(
        STATE.line(int(value) if isinstance(value, bool) else value, (device, member))
        for member, value in values.items()
        if isinstance(value, (bool, int, float))
    )


# ---- the process --------------------------------------------------------------------------------------------------


def resident_memory() -> int | None:
    """Bytes of memory that this process holds, where the system says so."""
    try:
        with open("/proc/self/statm", "rb") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return None


def open_files() -> int | None:
    """How many files, ports and connections this process has open, where the system says so."""
    try:
        return len(os.listdir("/proc/self/fd")) - 1  # but for the one that the list is read from
    except OSError:
        return None


def most_files() -> int | None:
    """How many it may have."""
    if sys.platform == "win32":
        return None
    import resource

    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
