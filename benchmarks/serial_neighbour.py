"""
What a device on a serial line that answers nothing costs another device of the same server.

The answers of the other device, one every millisecond or so, are timed in turns: while nobody asks the dead device, and while
several clients do nothing else. The server is a child process, as users start it; the dead device is a terminal nobody reads.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import pty
import statistics
import sys
import threading
import time
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from benchmarks.servers import configured, running

ROUNDS = 12
PROBES = 600  # GETs of the other device in a turn
ASKING = 8  # clients of the dead device
GOAL = 1.5


class Client:
    """A keep-alive connection."""

    def __init__(self, address: str) -> None:
        self._connection = HTTPConnection(address)

    def ask(self, verb: str, path: str, body: str = "") -> Any:
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        self._connection.request(verb, f"/api/v1/{path}", body, kind)
        return json.loads(self._connection.getresponse().read())


@contextmanager
def server() -> Iterator[str]:
    """pylpaca with a dead device and a focuser; its address."""
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    drivers = [
        {
            "device_type": "safetymonitor",
            "device_number": 0,
            "device_driver": "benchmarks.deaf:DeafMonitor",
            "driver_config": {"port": os.ttyname(theirs), "retries": 1},
        },
        {"device_type": "focuser", "device_number": 0, "device_driver": "FocuserSimulator"},
    ]
    try:
        with running(configured({"drivers": drivers}), Path(sys.executable)) as found:
            yield found.address
    finally:
        os.close(ours)
        os.close(theirs)


def keep_asking(address: str, asking: Any, in_flight: Any, answers: Any) -> None:
    """In a process of its own: clients that ask the dead device whenever they are let."""

    def one_client() -> None:
        client = Client(address)
        while True:
            asking.wait()
            with in_flight.get_lock():
                in_flight.value += 1
            answer = client.ask("GET", "safetymonitor/0/issafe")
            assert answer["ErrorNumber"] == 0x500, answer
            with answers.get_lock():
                answers.value += 1
            with in_flight.get_lock():
                in_flight.value -= 1

    threads = [threading.Thread(target=one_client, daemon=True) for _ in range(ASKING)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()


def latencies(client: Client) -> list[float]:
    """Of another device's GETs, in milliseconds."""
    found = []
    for _ in range(PROBES):
        began = time.perf_counter()
        client.ask("GET", "focuser/0/position")
        found.append(1000 * (time.perf_counter() - began))
        time.sleep(0.001)
    return sorted(found)


def p99(ordered: list[float]) -> float:
    return ordered[int(0.99 * len(ordered))]


def main() -> None:
    """Print both figures and their ratio."""
    asking = multiprocessing.Event()
    in_flight, answers = multiprocessing.Value("i", 0), multiprocessing.Value("i", 0)
    quiet: list[list[float]] = []
    asked: list[list[float]] = []
    with server() as address:
        process = multiprocessing.Process(target=keep_asking, args=(address, asking, in_flight, answers), daemon=True)
        process.start()
        client = Client(address)
        latencies(client)  # does not count
        for _ in range(ROUNDS):
            while in_flight.value:
                time.sleep(0.05)
            quiet.append(latencies(client))
            asking.set()
            while in_flight.value < ASKING:
                time.sleep(0.01)
            asked.append(latencies(client))
            asking.clear()
        process.terminate()
        process.join()
    print(f"the dead device gave {answers.value} answers, all of them its error, to {ASKING} clients")
    for name, found in (("nobody asks the dead device", quiet), (f"{ASKING} clients ask it", asked)):
        every = sorted(each for turn in found for each in turn)
        middle = statistics.median(map(p99, found))
        print(f"another device's GET while {name}: median {statistics.median(every):.2f} ms, p99 {middle:.2f} ms")
    ratio = statistics.median(map(p99, asked)) / statistics.median(map(p99, quiet))
    print(f"p99 ratio: {ratio:.2f} (goal {GOAL} or less)")


if __name__ == "__main__":
    main()
