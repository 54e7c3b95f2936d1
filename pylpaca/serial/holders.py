"""Which programs have a device node open, as far as this user may see."""

# Facts
#   /proc/PID/fd shows what a process has open, to its own user and to root only. /proc/locks names the process behind every
#   flock, and /proc/PID/comm and cmdline the program, to everybody. Neither touches the device; macOS and Windows have no /proc.

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True)
class Program:
    """A running program."""

    name: str
    pid: int

    def __str__(self) -> str:
        return f"{self.name} (pid {self.pid})"


@dataclass(frozen=True)
class Holders:
    """Who has a node open."""

    programs: tuple[Program, ...] = ()
    hidden: bool = False  # whether there are processes whose files this user may not see


def holders(node: str, proc: Path = PROC) -> Holders:
    """The programs that have this device node open; none where the system has no /proc."""
    if not proc.is_dir():
        return Holders()
    found = _lockers(node, proc)
    hidden = False
    for process in _processes(proc):
        try:
            if _has_open(node, process / "fd"):
                found.add(int(process.name))
        except PermissionError:
            hidden = True
        except OSError:
            continue  # it has ended meanwhile
    return Holders(tuple(Program(_name(proc / str(pid)), pid) for pid in sorted(found)), hidden)


def _processes(proc: Path) -> list[Path]:
    try:
        return [each for each in proc.iterdir() if each.name.isdecimal()]
    except OSError:
        return []


def _has_open(node: str, files: Path) -> bool:
    for each in files.iterdir():
        try:
            if os.readlink(each) == node:
                return True
        except FileNotFoundError:
            continue  # closed meanwhile
    return False


def _lockers(node: str, proc: Path) -> set[int]:
    """The processes that have locked the node: lines as `1: FLOCK ADVISORY WRITE 4242 00:06:123 0 EOF`."""
    if sys.platform == "win32":
        return set()
    try:
        status = os.stat(node)
        lines = (proc / "locks").read_text().splitlines()
    except OSError:
        return set()
    file = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
    held = [words for words in map(str.split, lines) if len(words) > 5 and words[1] != "->"]  # -> is one who waits for it
    return {int(words[4]) for words in held if words[5] == file and words[4].isdecimal() and words[4] != "0"}


def _name(process: Path) -> str:
    """What a person would call the program: for one that Python runs, with what it runs."""
    try:
        words = [word.decode("utf-8", "replace") for word in (process / "cmdline").read_bytes().split(b"\0") if word]
        if not words:
            return (process / "comm").read_text().strip()
    except OSError:
        return "a program"
    name = os.path.basename(words[0])
    if name.startswith("python"):
        ends = (index for index, word in enumerate(words) if index and not word.startswith("-"))
        shown = words[1 : next(ends, 0) + 1]
        name = " ".join([name, *(shown[:-1] if "-c" in shown else shown)])  # without the text of a whole program
    return "".join(letter if letter.isprintable() else "?" for letter in name[:60])
