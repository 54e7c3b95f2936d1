"""
What the server loads on its way to its first answer, what that takes, and how long `check` takes: docs/start-up.md.

Times are CPU times, the least of several starts: what is left is what has to be done. Python's own `-X importtime` says which
module takes how long; it slows the start down itself, and does not see what is imported by name, as drivers are.
"""

from __future__ import annotations

import os
import platform
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

from benchmarks.accounting import resident
from tests.server_process import ServerProcess
from tests.test_start_up import LATER

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "start-up.md"
STARTS = 7
SMALL = 4.0  # milliseconds: packages that take less are summed up
LINE = re.compile(r"import time:\s*(\d+) \|\s*\d+ \|\s*([\w.]+)$")
GOALS = {"memory": 90.0, "check": 0.5}  # MB, seconds


@dataclass(frozen=True)
class Run:
    """What a program took: until its first answer, or its end."""

    seconds: float
    cpu: float  # seconds
    memory: float = 0.0  # MB
    said: Sequence[str] = ()


def started(*interpreter: str) -> Run:
    """Start the server with its simulators, and end it after its first answer."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        arguments = ["--listen", "tcp:0:interface=127.0.0.1", "--discovery-port", "off"]
        server = ServerProcess(arguments, Path(folder), [sys.executable, *interpreter, "-m", "pylpaca"])
        try:
            connection = HTTPConnection(server.address)
            connection.request("GET", "/api/v1/dome/0/name")
            assert connection.getresponse().status == 200
            seconds = time.perf_counter() - began
            fields = Path(f"/proc/{server.pid}/stat").read_text().rpartition(")")[2].split()
            cpu = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
            memory = resident(server.pid) / 1e6
            connection.close()
        finally:
            server.terminate()
        return Run(seconds, cpu, memory, server.lines)


def checked() -> Run:
    """Look at the repository's configuration."""
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "pylpaca", "check", str(ROOT / "config.json")]
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Run(time.perf_counter() - began, cpu)


def profile() -> Mapping[str, float]:
    """Milliseconds by module, the least of several starts."""
    found: dict[str, list[float]] = defaultdict(list)
    for _ in range(STARTS):
        for line in started("-X", "importtime").said:
            if (match := LINE.match(line)) is not None:
                found[match[2]].append(int(match[1]) / 1000)
    return {module: min(times) for module, times in found.items()}


def by_package(modules: Mapping[str, float]) -> Iterable[tuple[str, int, float]]:
    """Each package with the number of its modules and their time; of Twisted the packages below."""
    times: dict[str, list[float]] = defaultdict(list)
    for module, milliseconds in modules.items():
        first, *rest = module.split(".")
        package = ".".join([first, *rest[:1]]) if first == "twisted" else first
        times["Python's own library" if first in sys.stdlib_module_names else package].append(milliseconds)
    small = [each for package in list(times) if sum(times[package]) < SMALL for each in times.pop(package)]
    for package in sorted(times, key=lambda each: -sum(times[each])):
        yield package, len(times[package]), sum(times[package])
    yield "others", len(small), sum(small)


PAGE_TEXT = """# Start-up

What pylpaca loads before its first answer, and what that takes; written by `python -m benchmarks.start_up`.

{machine}; the least of {starts} starts each.

| | seconds | CPU seconds | goal |
| --- | --- | --- | --- |
| to the first answer, with a simulator of every type | {start.seconds:.2f} | {start.cpu:.2f} | |
| `python -m pylpaca check config.json` | {check.seconds:.2f} | {check.cpu:.2f} | {goal_check} |

Memory after the first answer: {start.memory:.0f} MB; the goal is at most {goal_memory:.0f}.

## What is imported

{count} modules in {total:.0f} ms, as `-X importtime` counts them; what drivers are made of is not among them.

| package | modules | ms |
| --- | --- | --- |
{packages}

## What is not

`tests.test_start_up` sees to it that these are not loaded before they are needed:

| | needed for |
| --- | --- |
{later}

Garbage is not looked for while the server is loaded (`pylpaca.loading`); it is collected once, a
second after the start. To find a driver by the name of its class alone, only sources in which that name stands are parsed.
"""


def page() -> str:
    """docs/start-up.md."""
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    starts, checks = [started() for _ in range(STARTS)], [checked() for _ in range(STARTS)]
    modules = profile()
    return PAGE_TEXT.format(
        machine=f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.system()}",
        starts=STARTS,
        start=_least(starts),
        check=_least(checks),
        goal_check=GOALS["check"],
        goal_memory=GOALS["memory"],
        count=len(modules),
        total=sum(modules.values()),
        packages="\n".join(f"| {name} | {count} | {milliseconds:.0f} |" for name, count, milliseconds in by_package(modules)),
        later="\n".join(f"| `{name}` | {when} |" for name, when in LATER.items()),
    )


def _least(runs: Sequence[Run]) -> Run:
    return Run(*(min(getattr(each, what) for each in runs) for what in ("seconds", "cpu", "memory")))


if __name__ == "__main__":
    PAGE.write_text(page())
    print(PAGE.read_text())
