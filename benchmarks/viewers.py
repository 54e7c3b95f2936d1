"""
What open pages cost: the server's time, and what other clients notice of it.

Twenty streams of all ten simulators, a mount that tracks and a dome that turns among them, are opened and closed in turns. Each
turn measures what the server takes of a core while nobody else asks, by the operating system's account, and then how long a
client waits for its answers. The server and the streams are processes of their own.
"""

from __future__ import annotations

import multiprocessing
import socket
import statistics
import sys
import threading
import time
from pathlib import Path
from typing import Any

from benchmarks.accounting import cpu_seconds
from benchmarks.serial_neighbour import Client, latencies, p99
from benchmarks.servers import configured, running
from tests.browser import ten_devices

ROUNDS = 8
PAGES = 20
LOOK = 3.0  # seconds of a turn in which nobody else asks
GOAL_CORE = 0.05
GOAL_P99 = 1.5


def look(address: str, looking: Any, came: Any) -> None:
    """In a process of its own: pages that listen whenever they are let."""
    host, _, port = address.partition(":")

    def one_page() -> None:
        while True:
            looking.wait()
            stream = socket.create_connection((host, int(port)))
            stream.sendall(f"GET /events HTTP/1.1\r\nHost: {address}\r\n\r\n".encode())
            stream.settimeout(0.2)
            while looking.is_set():
                try:
                    got = stream.recv(1 << 16)
                except TimeoutError:
                    continue
                assert got, "the server ended a stream"
                with came.get_lock():
                    came.value += len(got)
            stream.close()

    threads = [threading.Thread(target=one_page, daemon=True) for _ in range(PAGES)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()


def main() -> None:
    """Print the figures and their ratios."""
    looking, came = multiprocessing.Event(), multiprocessing.Value("q", 0)
    cores: dict[bool, list[float]] = {False: [], True: []}
    waits: dict[bool, list[float]] = {False: [], True: []}
    with running(configured(ten_devices()), Path(sys.executable)) as server:
        pids = server.pids
        pages = multiprocessing.Process(target=look, args=(server.address, looking, came), daemon=True)
        try:
            client = Client(server.address)
            assert client.ask("PUT", "telescope/0/tracking", "Tracking=True")["ErrorNumber"] == 0
            pages.start()
            latencies(client)
            azimuth = 0
            for turn in range(2 * ROUNDS):
                azimuth = (azimuth + 170) % 360
                client.ask("PUT", "dome/0/slewtoazimuth", f"Azimuth={azimuth}")
                is_looked_at = bool(turn % 2)
                if is_looked_at:
                    looking.set()
                    time.sleep(0.5)
                before, began = cpu_seconds(pids), time.perf_counter()
                time.sleep(LOOK)
                cores[is_looked_at].append((cpu_seconds(pids) - before) / (time.perf_counter() - began))
                waits[is_looked_at].append(p99(latencies(client)))
                looking.clear()
                time.sleep(0.5)
        finally:
            pages.kill()
    core, before_them = (100 * statistics.median(cores[each]) for each in (True, False))
    wait, wait_before = (statistics.median(waits[each]) for each in (True, False))
    print(f"of a core: {core:.1f} % with {PAGES} pages, {before_them:.1f} % without; goal {GOAL_CORE:.0%}")
    print(f"p99 of a client: {wait:.2f} ms with, {wait_before:.2f} ms without: {wait / wait_before:.2f}; goal {GOAL_P99}")
    print(f"{came.value / 1024 / ROUNDS / PAGES:.0f} KiB came to each page in a turn")
    assert came.value > 0


if __name__ == "__main__":
    main()
