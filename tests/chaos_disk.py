"""State under attack: its writer is killed at any moment, its disk is full, its server is restarted a hundred times."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from twisted.logger import capturedLogs

from pylpaca.state import StateFolder
from tests.server_process import ServerProcess

Said = Callable[[str], None]
LISTEN = ("--listen", "tcp:0:interface=127.0.0.1", "--discovery-port", "off")


def write_for_ever(folder: Path, acknowledge: int, seed: int) -> None:
    """What the child does until it is killed: write, and say through a pipe what was written."""
    padding = random.Random(seed)
    state = StateFolder(folder)
    count = int(state.read("count").get("count", 0))
    while True:
        count += 1
        state.write("count", {"count": count, "padding": "x" * padding.randrange(200_000)})
        os.write(acknowledge, count.to_bytes(8, "big"))


def killed_once(folder: Path, seed: int) -> int:
    """Let a child write, and kill it at some moment; the number of the last document that it said was written."""
    receive, acknowledge = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            write_for_ever(folder, acknowledge, seed)
        finally:
            os._exit(1)
    os.close(acknowledge)
    last = os.read(receive, 8)
    time.sleep(random.Random(seed).uniform(0, 0.02))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    while more := os.read(receive, 8):
        last = more
    os.close(receive)
    return int.from_bytes(last, "big")


def kills(times: int, say: Said) -> bool:
    """A child that only writes state is killed again and again; each time the document is whole, and not older than was said."""
    if not hasattr(os, "fork"):
        say("kill -9: skipped, this system has no fork")
        return True
    folder = Path(tempfile.mkdtemp())
    unreadable = lost = 0
    for seed in range(times):
        said = killed_once(folder, seed)
        with capturedLogs() as logs:
            document = StateFolder(folder).read("count")
        unreadable += bool(logs) or not document
        lost += document.get("count", 0) not in (said, said + 1)
    writes = document.get("count", 0)
    left = [each for each in folder.iterdir() if each.name.startswith(".")]
    for each in left:
        os.utime(each, (0, 0))
    StateFolder(folder).write("count", document)
    remaining = len(list(folder.iterdir())) - 2
    shutil.rmtree(folder)
    say(
        f"kill -9 of a child that only writes state: {times} kills, {writes} documents: {unreadable} unreadable, {lost} lost; "
        f"{len(left)} killed in the midst of a file, {remaining} such files left after the next write"
    )
    return not (unreadable or lost or remaining)


def small_disk(say: Said) -> bool:
    """Every amount of room on a disk, from none to enough; then a server is started on the full one."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        say("full disk: skipped, mounting one needs root and util-linux")
        return True
    command = ["unshare", "--mount", sys.executable, "-m", "tests.chaos_disk"]
    done = subprocess.run(command, capture_output=True, text=True)
    say(done.stdout.strip() or done.stderr.strip())
    return done.returncode == 0


def on_small_disk() -> int:
    """Inside a mount namespace of its own."""
    disk = Path(tempfile.mkdtemp())
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)], check=True)
    old, new = {"ids": "a" * 20_000}, {"ids": "b" * 40_000}
    full = whole = wrong = 0
    for room in range(0, 128_000, 1000):
        state = StateFolder(disk / "state")
        state.write("ids", old)
        fill(disk / "junk", leave=room)
        try:
            state.write("ids", new)
            expected, whole = new, whole + 1
        except OSError:
            expected, full = old, full + 1
        wrong += StateFolder(disk / "state").read("ids") != expected
        wrong += sum(each.name.startswith(".") for each in (disk / "state").iterdir())
        (disk / "junk").unlink()
    fill(disk / "junk", leave=0)
    server = ServerProcess(LISTEN, disk)
    answers = bool(devices(server))
    told = sum("UniqueIDs cannot be kept" in line for line in server.lines)
    status = server.terminate()
    print(
        f"full disk: {full} writes refused, {whole} done, {wrong} that left something else than the old or the new document; "
        f"a server on the full disk {'answers' if answers else 'FAILED'}, says so {told} time, and ends with {status}"
    )
    return not (full and whole and not wrong and answers and told == 1 and status == 0)


def fill(path: Path, leave: int) -> None:
    """Fill a disk up to some bytes."""
    room = shutil.disk_usage(path.parent).free
    with open(path, "wb") as file:
        try:
            file.write(bytes(max(0, room - leave)))
        except OSError:
            return


def devices(server: ServerProcess) -> list[dict[str, Any]]:
    """What the management API lists."""
    with urlopen(f"http://{server.address}/management/v1/configureddevices", timeout=20) as answer:
        found: list[dict[str, Any]] = json.load(answer)["Value"]
    return found


def restarts(times: int, say: Said) -> bool:
    """A server with every simulator is started again and again, half of the times after it was killed; every id stays."""
    folder = Path(tempfile.mkdtemp())
    seen = set()
    bad = 0
    for index in range(times + 1):
        server = ServerProcess(LISTEN, folder)
        seen.add(tuple((each["DeviceType"], each["UniqueID"]) for each in devices(server)))
        if index % 2:
            server.signal(signal.SIGKILL)
            bad += server.status != -signal.SIGKILL
        else:
            bad += server.terminate() != 0
        bad += any("cannot be" in line or "Traceback" in line for line in server.lines)
    shutil.rmtree(folder)
    say(f"restarts: {times}, half of them after a kill -9: {len(seen)} set of UniqueIDs; {bad} bad starts or ends")
    return len(seen) == 1 and not bad


if __name__ == "__main__":
    sys.exit(on_small_disk())
