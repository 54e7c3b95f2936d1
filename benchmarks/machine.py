"""What machine this is, and which of its cores do what."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HAS_AFFINITY = hasattr(os, "sched_setaffinity")


def description() -> str:
    """In one line."""
    return (
        f"{_processor()}, {os.cpu_count()} cores, {_memory() / 2**30:.0f} GiB; {platform.system()} {platform.release()}; "
        f"{platform.python_implementation()} {platform.python_version()}"
    )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith(("model name", "Model")):
            return line.partition(":")[2].strip()
    return platform.machine()


def _memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def load_average() -> float:
    """Programs that wanted a core during the last minute: 0 on an idle machine."""
    return os.getloadavg()[0]


class Cores:
    """One core for the server that is measured, another for all the rest; the same one where there is no other."""

    def __init__(self) -> None:
        usable = sorted(os.sched_getaffinity(0)) if HAS_AFFINITY else [0]
        self._all, self._server, self._other = set(usable), usable[0], usable[-1]
        self.are_two = len(usable) > 1

    def leave_the_server_alone(self) -> None:
        """This process, and those it starts from now on, keep off the server's core."""
        self._use({self._other})

    @contextmanager
    def of_the_server(self) -> Iterator[None]:
        """What is started meanwhile runs on the server's core."""
        with self._while({self._server}):
            yield

    @contextmanager
    def of_everybody(self) -> Iterator[None]:
        """What is started meanwhile, and this process, run where the system puts them."""
        with self._while(self._all):
            yield

    @contextmanager
    def _while(self, cores: set[int]) -> Iterator[None]:
        before = os.sched_getaffinity(0) if HAS_AFFINITY else set()
        self._use(cores)
        try:
            yield
        finally:
            self._use(before)

    def _use(self, cores: set[int]) -> None:
        if HAS_AFFINITY:
            os.sched_setaffinity(0, cores)
