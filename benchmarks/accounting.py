"""What the operating system's accounting says of a tree of processes: CPU time and memory."""

# Facts
#   /proc/PID/task/TID/schedstat begins with the nanoseconds the thread had a core, and those it waited for one;
#   /proc/PID/stat counts in ticks of 10 ms.
#   The fourth field of /proc/PID/stat is the parent; the second is a name in parentheses that may hold spaces.

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")


def tree(pid: int) -> list[int]:
    """A process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for each in PROC.iterdir():
        if each.name.isdigit():
            with suppress(OSError):  # it has ended meanwhile
                parent = int((each / "stat").read_text().rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(each.name))
    found = [pid]
    for each_pid in found:
        found += children.get(each_pid, [])
    return found


def cpu_seconds(pids: list[int]) -> float:
    """CPU time that the threads alive have had so far."""
    return sum(had for had, _ in _nanoseconds(pids)) / 1e9


def waited_seconds(pids: list[int]) -> float:
    """For how long they could have used a core that somebody else had."""
    return sum(waited for _, waited in _nanoseconds(pids)) / 1e9


def _nanoseconds(pids: list[int]) -> Iterator[tuple[int, int]]:
    for pid in pids:
        for task in (PROC / str(pid) / "task").iterdir():
            with suppress(OSError):
                had, waited, _ = (task / "schedstat").read_text().split()
                yield int(had), int(waited)


def resident(pid: int, field: str = "VmRSS") -> int:
    """Bytes of memory of a tree of processes; `field` as in /proc/PID/status."""
    return sum(_of_one(each, field) for each in tree(pid))


def _of_one(pid: int, field: str) -> int:
    (line,) = [each for each in (PROC / str(pid) / "status").read_text().splitlines() if each.startswith(f"{field}:")]
    return int(line.split()[1]) * 1024
