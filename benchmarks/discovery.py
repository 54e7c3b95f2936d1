"""How long the answer to a discovery question takes."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from benchmarks.bench import Bench
from benchmarks.report import Section, table
from benchmarks.servers import ALPACA_SERVER, PYLPACA, free_port

QUESTION = b"alpacadiscovery1"
QUESTIONS = 30  # to each, in a round
PAUSE = 0.06  # seconds between two questions to the same server: pylpaca answers one address 20 times a second at most
FIXED_PORT = 32227  # of python-alpaca-server
BARE = "a blocking socket"
P50, P99 = "discovery p50", "discovery p99"

PROGRAM = """
import socket, sys
found = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
found.bind(("127.0.0.1", int(sys.argv[1])))
while True:
    question, sender = found.recvfrom(1024)
    if question.startswith(b"alpacadiscovery1"):
        found.sendto(b'{"AlpacaPort":11111}', sender)
"""


@contextmanager
def _bare(bench: Bench) -> Iterator[int]:
    port = free_port(socket.SOCK_DGRAM)
    with bench.cores.of_the_server():
        process = subprocess.Popen([sys.executable, "-c", PROGRAM, str(port)])
    try:
        yield port
    finally:
        process.terminate()
        process.wait()


class Asker:
    """Asks one port."""

    def __init__(self, port: int) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.connect(("127.0.0.1", port))
        self._socket.settimeout(1.0)

    def seconds(self) -> float:
        """Of one answer; OSError if none comes."""
        began = time.perf_counter()
        self._socket.send(QUESTION)
        answer = self._socket.recv(1024)
        took = time.perf_counter() - began
        assert b'"AlpacaPort"' in answer, answer
        return took

    def close(self) -> None:
        self._socket.close()


def _waits_for(answer: Callable[[], float]) -> bool:
    for _ in range(20):
        try:
            answer()
            return True
        except OSError:
            time.sleep(0.1)
    return False


def measure(bench: Bench) -> list[Section]:
    """A question to each in turn, again and again."""
    with ExitStack() as stack:
        askers = {BARE: Asker(stack.enter_context(_bare(bench)))}
        wanted = [each for each in bench.servers if each in (PYLPACA, ALPACA_SERVER)]
        for each in stack.enter_context(bench.running(wanted)):
            askers[each.server.name] = Asker(FIXED_PORT if each.server is ALPACA_SERVER else each.discovery)
        for name, asker in list(askers.items()):
            stack.callback(asker.close)
            if not _waits_for(asker.seconds):
                del askers[name]
                bench.remark(f"{name} answers no discovery question here.")
        time.sleep(1.0)
        for _ in range(bench.rounds):
            found: dict[str, list[float]] = {name: [] for name in askers}
            for _ in range(QUESTIONS):
                for name, asker in askers.items():
                    found[name].append(asker.seconds())
                    time.sleep(PAUSE / len(askers))
            for name, each_found in found.items():
                each_found.sort()
                bench.figures.add(P50, name, each_found[len(each_found) // 2])
                bench.figures.add(P99, name, each_found[int(0.99 * len(each_found))])
    figures = bench.figures
    rows = [
        [
            name,
            f"{1e6 * figures.median(P50, name):.0f}",
            str(figures.ratio(P50, name, BARE)),
            f"{1e6 * figures.median(P99, name):.0f}",
        ]
        for name in askers
    ]
    return [Section("Discovery", table(["", "p50 µs", f"of {BARE}", "p99 µs"], rows))]
