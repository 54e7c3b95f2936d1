"""
What is promised of drivers that misbehave, tried in full: prints the figures, and ends with 1 if one is not kept.

    python -m tests.chaos_drivers            # ten minutes
    python -m tests.chaos_drivers blocking   # one of them
    python -m tests.chaos_drivers --short    # each a little
"""

from __future__ import annotations

import gc
import json
import os
import re
import socket
import sys
import time
import tracemalloc
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from twisted.internet.defer import Deferred

from pylpaca.health import Health
from pylpaca.protocol import FORM
from pylpaca.testing import MemoryServer
from tests.chaos.figures import Figure, compared, exactly
from tests.chaos.processes import DOME, Good, server
from tests.misbehaving import BLOCKING, BLOCKS_FOR, CLASSES, RAISING, WRONG, entry, members
from tests.server_process import ServerProcess

PATIENCE = 20.0
DEADLINE = 4.0
POLL_EVERY = 10  # seconds
HANGING = ("altitude", "azimuth", "declination", "rightascension", "siderealtime", "slewing", "atpark", "tracking", "sideofpier")


class Client:
    """A client of one device, on one connection."""

    def __init__(self, made: ServerProcess, kind: str) -> None:
        host, _, port = made.address.rpartition(":")
        self._http = HTTPConnection(host, int(port), timeout=PATIENCE)
        self._path = f"/api/v1/{kind}/0/"

    def raw(self, verb: str, member: str, **arguments: str) -> tuple[int, bytes]:
        """The status and the body of an answer."""
        form = urlencode(arguments)
        if verb == "GET":
            self._http.request("GET", f"{self._path}{member}?{form}")
        else:
            self._http.request("PUT", self._path + member, form, {"Content-Type": FORM})
        answer = self._http.getresponse()
        return answer.status, answer.read()

    def ask(self, verb: str, member: str, **arguments: str) -> Any:
        """The envelope of an answer."""
        status, body = self.raw(verb, member, **arguments)
        assert status == 200, body
        return json.loads(body)

    def misbehave(self, method: str, way: str) -> None:
        """Tell the device to do this in this member; and to do so no more in another."""
        if method == "Action":  # cannot be told by itself that it is to be good again
            self.ask("PUT", "commandblind", Command="behave", Raw="true")
        said = self.ask("PUT", "action", Action="misbehave", Parameters=f"{method} {way}")
        if said["ErrorNumber"]:
            self.ask("PUT", "commandblind", Command="behave", Raw="true")
            said = self.ask("PUT", "action", Action="misbehave", Parameters=f"{method} {way}")
        assert not said["ErrorNumber"], said


def connected(made: ServerProcess, kind: str) -> Client:
    client = Client(made, kind)
    assert not client.ask("PUT", "connected", Connected="true")["ErrorNumber"]
    return client


def until(condition: Callable[[], Any], within: float = PATIENCE) -> float:
    """Seconds until this holds; AssertionError if it does not."""
    began = time.monotonic()
    while not condition():
        if time.monotonic() - began > within:
            raise AssertionError("it does not happen")
        time.sleep(0.002)
    return time.monotonic() - began


def count(made: ServerProcess, text: str) -> int:
    return sum(text in line for line in list(made.lines))


# ---- raising, and giving what was not declared ----------------------------------------------------------------------


def raising(full: bool) -> Iterator[Figure]:
    """Every member of every device type raises, in four ways, over real connections."""
    answers: Counter[int] = Counter()
    unclear, marks = 0, []
    with server([entry(kind) for kind in CLASSES]) as made:
        for kind in CLASSES:
            client = connected(made, kind)
            for operation, arguments in members(kind):
                for way in RAISING if full else ["raises"]:
                    client.misbehave(operation.method, way)
                    status, body = client.raw(operation.verb, operation.path, **arguments)
                    answers[status] += 1
                    told = json.loads(body)
                    unclear += not (told["ErrorNumber"] == 0x500 and told["ErrorMessage"].startswith(f"{operation.member}: "))
                    marks.append(told["ErrorMessage"][-9:-1])
            client.ask("PUT", "commandblind", Command="behave", Raw="true")
            assert not client.ask("GET", "connected")["ErrorNumber"]
        until(lambda: count(made, f"failed, {marks[-1]}"))
        logged = Counter(line[-8:] for line in made.lines if "failed, " in line)
        unhandled = count(made, "Unhandled") + count(made, "unhandled")
    yield Figure("members that raised", answers.total(), least=363, unit="times")
    yield exactly("answers of HTTP 5xx", sum(answers[status] for status in answers if status >= 500), 0)
    yield exactly("answers that were not HTTP 200, 0x500 and the member's name", answers.total() - answers[200] + unclear, 0)
    yield exactly("of these, in the log once, with their mark", sum(logged[mark] == 1 for mark in marks), answers[200])
    yield exactly("errors in the log that nobody handled", unhandled, 0)


def wrong_types(full: bool) -> Iterator[Figure]:
    """Every member that gives a value gives what is none of its declared type."""
    answers, lists, not_json, unclear = 0, 0, 0, 0
    with server([entry(kind) for kind in CLASSES]) as made:
        for kind in CLASSES if full else ["dome"]:
            client = connected(made, kind)
            for operation, arguments in members(kind):
                for number in range(len(WRONG)) if operation.returns_value else ():
                    client.misbehave(operation.method, f"gives {number}")
                    status, body = client.raw(operation.verb, operation.path, **arguments)
                    answers += 1
                    try:
                        told = json.loads(body.decode("ascii"), parse_constant=_no_constant)
                    except ValueError:
                        not_json += 1
                        continue
                    lists += told["ErrorNumber"] == 0
                    unclear += status != 200 or told["ErrorNumber"] not in (0, 0x500)
    yield Figure("values of a wrong type", answers, unit="times")
    yield exactly("answers that are no JSON", not_json, 0)
    yield exactly("answers that are neither a value nor a driver's error", unclear, 0)
    yield Figure("odd lists whose entries are right, which were taken", lists)


def _no_constant(constant: str) -> Any:
    raise ValueError(constant)


# ---- not answering --------------------------------------------------------------------------------------------------


def hanging(full: bool) -> Iterator[Figure]:
    """Members that never answer: when clients are told, and what somebody who asks another device feels of it."""
    with server([entry("telescope"), DOME]) as made:
        client = connected(made, "telescope")
        first: list[float] = []
        again: list[float] = []
        for member in HANGING if full else HANGING[:1]:
            operation = next(each for each, _ in members("telescope") if each.path == member and each.verb == "GET")
            for wanted in ("false", "true"):  # of a new link nothing is known
                client.ask("PUT", "connected", Connected=wanted)
            client.misbehave(operation.method, "hangs")
            for times in (first, *[again] * 10):
                began = time.monotonic()
                said = client.ask("GET", member)
                times.append(time.monotonic() - began)
                assert said["ErrorNumber"] == 0x500, said
        yield Figure(f"first told of {len(first)}, at the earliest", min(first), least=DEADLINE, unit="s")
        yield Figure("at the latest", max(first), most=DEADLINE + 0.3, unit="s")
        yield Figure("whoever asks the same then", 1000 * max(again), most=100, unit="ms at most")
        yield exactly("lines of the log that say so", count(made, "is not answering"), len(first))
        yield from _neighbour(made, full)


def _neighbour(made: ServerProcess, full: bool) -> Iterator[Figure]:
    """In turns, so that what else this machine does is the same for both: nothing hangs, and as much hangs as can."""
    good, alone, now = Good(made.address), [], []
    good.for_a_while(1.0)
    client = connected(made, "telescope")
    for _ in range(8 if full else 1):
        client.ask("PUT", "connected", Connected="false")
        client.ask("PUT", "connected", Connected="true")
        alone += good.for_a_while(2.0)
        client.misbehave("Declination", "hangs")
        waiting = [_asked(made) for _ in range(Health.MOST_WAITING)]
        time.sleep(0.2)  # until all of them wait
        now += good.for_a_while(2.0)
        for each in waiting:
            each.close()
    yield from compared("another device's answers while 32 calls hang", alone, now, most=1.2, most_slowest=1.2)


def _asked(made: ServerProcess) -> socket.socket:
    host, _, port = made.address.rpartition(":")
    asking = socket.create_connection((host, int(port)), PATIENCE)
    asking.sendall(b"GET /api/v1/telescope/0/declination HTTP/1.1\r\nHost: x\r\n\r\n")
    return asking


def full_queue(full: bool) -> Iterator[Figure]:
    """As many calls wait as may: who is refused, how soon, and that stops are not."""
    with server([entry("telescope")]) as made:
        client = connected(made, "telescope")
        refused, stopped, errors = [], [], 0
        for _ in range(20 if full else 1):
            client.misbehave("Declination", "hangs")
            waiting = [_asked(made) for _ in range(Health.MOST_WAITING)]
            until(lambda: "is busy" in client.ask("GET", "altitude")["ErrorMessage"])
            for _ in range(10):
                began = time.monotonic()
                errors += "is busy: 32 calls wait" not in client.ask("PUT", "park")["ErrorMessage"]
                refused.append(time.monotonic() - began)
            for member, form in (
                ("abortslew", {}),
                ("moveaxis", {"Axis": "0", "Rate": "0"}),
                ("tracking", {"Tracking": "false"}),
            ):
                began = time.monotonic()
                errors += client.ask("PUT", member, **form)["ErrorNumber"] != 0
                stopped.append(time.monotonic() - began)
            for each in waiting:
                each.close()
            client.ask("PUT", "connected", Connected="false")
            client.ask("PUT", "connected", Connected="true")
    yield exactly(f"of {len(refused)} calls that are too many and {len(stopped)} stops, treated otherwise", errors, 0)
    yield Figure("told that the device is busy after", 1000 * max(refused), most=100, unit="ms at most")
    yield Figure("a stop is answered after", 1000 * max(stopped), most=100, unit="ms at most")


def stops(full: bool) -> Iterator[Figure]:
    """A mount that does not say whether it is parked is stopped."""
    with server([entry("telescope")]) as made:
        client = connected(made, "telescope")
        times = []
        for _ in range(20 if full else 1):
            client.misbehave("AtPark", "hangs")
            began = time.monotonic()
            assert not client.ask("PUT", "abortslew")["ErrorNumber"]
            times.append(time.monotonic() - began)
    yield Figure(f"stopped, {len(times)} of {len(times)} times, after", max(times), most=1.3, unit="s at most")


def recovering(full: bool) -> Iterator[Figure]:
    """A device that lost its call answers again: how soon clients who ask ten times a second see that."""
    times = []
    with server([entry("telescope")]) as made:
        client = connected(made, "telescope")
        for _ in range(5 if full else 1):
            client.misbehave("Declination", "hangs")
            client.ask("GET", "declination")
            client.misbehave("", "raises")
            began = time.monotonic()
            while client.ask("GET", "declination")["ErrorNumber"]:
                time.sleep(0.1)
            times.append(time.monotonic() - began)
        lines = count(made, "is not answering"), count(made, "answers again")
    yield Figure(f"answers as before, {len(times)} times, after", max(times), most=Health.ASK_AGAIN_AFTER, unit="s at most")
    yield exactly("lines of the log, one each way each time", sum(lines), 2 * len(times))


def a_day(full: bool) -> Iterator[Figure]:
    """A device hangs for a day and loses what it is asked, while clients ask for all of its state, and for a motion."""
    seconds = 86_400 if full else 3600
    made = MemoryServer({"drivers": [entry("telescope")]})
    made.put("telescope/0/connected", Connected=True)
    driver: Any = made.driver("telescope")
    asked = 0

    def lost(*_: Any, **__: Any) -> Deferred[Any]:
        nonlocal asked
        asked += 1
        return Deferred()

    for operation, _ in members("telescope"):
        if operation.verb == "GET" and operation.in_state:
            setattr(driver, operation.method, lost)
    questions = [each for each, _ in members("telescope") if each.in_state or each.method == "DeviceState"]
    connections: list[Any] = []
    warm = 600
    tracemalloc.start()
    before = 0
    for second in range(0, warm + seconds, POLL_EVERY):
        for operation in questions:
            connections.append(made.begin("GET", f"telescope/0/{operation.path}"))
        connections.append(made.begin("PUT", "telescope/0/findhome"))
        made.clock.advance(POLL_EVERY)
        for each in connections:
            each.hang_up()
        connections.clear()
        if second == warm:
            gc.collect()
            before, asked = tracemalloc.get_traced_memory()[0], 0
    gc.collect()
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    most = seconds / Health.ASK_AGAIN_AFTER * len(questions)  # DeviceState asks for all of them
    requests = (len(questions) + 1) * seconds // POLL_EVERY
    yield Figure(f"calls of the driver in {seconds / 3600:g} hours, of {requests} requests", asked, most=most)
    yield Figure("memory that is not given back", grown / 1e6, most=5, unit="MB")


# ---- blocking -------------------------------------------------------------------------------------------------------


def blocking(full: bool) -> Iterator[Figure]:
    """A driver blocks for two seconds, asleep, computing, or in a library that holds the interpreter; it is told to whom."""
    with server([entry("telescope", name="The mount")]) as made:
        client = connected(made, "telescope")
        for way, blocks in BLOCKING.items():
            named, exactly_named, times = 0, 0, []
            for _ in range(20 if full else 1):
                client.misbehave("Declination", way)
                told, over = count(made, "nothing else has been done"), count(made, "the server goes on")
                began = time.monotonic()
                asking = _asked(made)
                times.append(until(lambda before=told: count(made, "nothing else has been done") > before))  # type: ignore[misc]
                line = next(each for each in reversed(made.lines) if "nothing else has been done" in each)
                where = rf"The mount \(Declination\) blocks in \S*misbehaving\.py, line \d+, {blocks.__name__};"
                exactly_named += re.search(where, line) is not None
                named += "The mount (Declination)" in line
                asking.recv(4096)
                until(lambda before=over: count(made, "the server goes on") > before)  # type: ignore[misc]
                asking.close()
                assert time.monotonic() - began >= BLOCKS_FOR
            yield exactly(f"{way}: of {len(times)}, named with device and member", named, len(times))
            least = 0 if way == "holds" else len(times)  # there it is looked for when it is over
            yield Figure(f"{way}: of these, with file and line", exactly_named, least=least)
            most = 1.0 if way != "holds" else BLOCKS_FOR + 1.0
            yield Figure(f"{way}: at the latest after", max(times), most=most, unit="s")
        exact = [line for line in made.lines if "nothing else has been done" in line or "the server goes on" in line]
        yield exactly("lines of the log, two each time", len(exact), 2 * len(BLOCKING) * (20 if full else 1))


def watching(full: bool) -> Iterator[Figure]:
    """What the watchdog costs: processor time of a server that answers, and of one that has nothing to do, with and without."""
    used: dict[bool, list[float]] = {True: [], False: []}
    idle: dict[bool, list[float]] = {True: [], False: []}
    rounds, requests, rest = (6, 5000, 5.0) if full else (1, 200, 0.5)
    for _ in range(rounds):
        for watched in (True, False):
            with server(watchdog=watched) as made:
                good = Good(made.address)
                for _ in range(500):
                    good.ask()
                before = processor(made)
                for _ in range(requests):
                    good.ask()
                used[watched].append((processor(made) - before) / requests)
                before = processor(made)
                time.sleep(rest)
                idle[watched].append((processor(made) - before) / rest)
    yield Figure("processor time of a request, times that without", min(used[True]) / min(used[False]), most=1.1 if full else 9.0)
    yield Figure("of one processor, with nothing to do", 100 * max(idle[True]), most=1.0 if full else 9.0, unit="%")
    yield Figure("without", 100 * max(idle[False]), unit="%")


def processor(made: ServerProcess) -> float:
    """Seconds of a processor that it has used."""
    fields = Path(f"/proc/{made.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


EXPERIMENTS: Mapping[str, Callable[[bool], Iterator[Figure]]] = {
    each.__name__: each for each in (raising, wrong_types, hanging, full_queue, stops, recovering, a_day, blocking, watching)
}


def main(given: Sequence[str]) -> int:
    """Run these, or all."""
    parser = ArgumentParser("python -m tests.chaos_drivers")
    parser.add_argument("names", nargs="*", help=f"of {', '.join(EXPERIMENTS)}; all if none is named")
    parser.add_argument("--short", action="store_true", help="each a little")
    options = parser.parse_args(given)
    if unknown := set(options.names) - set(EXPERIMENTS):
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(EXPERIMENTS)}")
    missed = 0
    for name in options.names or EXPERIMENTS:
        print(f"{name}: {EXPERIMENTS[name].__doc__}", flush=True)
        for figure in EXPERIMENTS[name](not options.short):
            print(f"  {figure}", flush=True)
            missed += not figure.kept
    print("all kept" if not missed else f"{missed} MISSED", flush=True)
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
