"""What many clients can do to one that means well."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator

from pylpaca.sending import Sending
from tests import clients
from tests.chaos.figures import Figure, compared, exactly
from tests.chaos.processes import DOME, Crowd, Good, descriptors, memory, put, server

FOCUSERS = [
    {"device_type": "focuser", "device_number": number, "device_driver": "tests.chaos.drivers:CountingFocuser"}
    for number in range(10)  # each of which has at most 32 calls under way
]
CAMERA = {"device_type": "camera", "device_number": 0, "device_driver": "tests.chaos.drivers:BigCamera"}
ATTACKERS = 1000


def half_open() -> Iterator[Figure]:
    """A thousand who begin a request and do not end it."""
    with server() as made:
        good = Good(made.address)
        good.for_a_while(1.0)
        alone = good.for_a_while(5.0)
        crowd = Crowd("half_open", made.address, ATTACKERS)
        now = good.meanwhile(crowd)
        said = crowd.said()
        yield exactly("half-open connections that were closed", said["closed"], ATTACKERS)
        yield exactly("of these, told why (408)", said["told"], ATTACKERS)
        yield Figure("the last was closed after", said["last"], most=11.0, unit="s")
        yield from compared("good client's answers meanwhile", alone, now, most=2.0, most_slowest=2.0)


def too_many() -> Iterator[Figure]:
    """More connections than there may be, from one address and from thousands."""
    with server() as made:
        crowd = Crowd("greedy", made.address, 400)
        said = crowd.said()
        yield exactly("connections of one client that were kept", said["kept"], 256)
        yield exactly("of 400, told that they are too many (503)", said["refused"], 400 - 256)
        good = Good(made.address)
        yield Figure("another client meanwhile", 1000 * max(good.ask_anew() for _ in range(100)), unit="ms at most")
        crowd.stop()
    with server() as made:
        good = Good(made.address)
        before = descriptors(made)
        alone = [good.ask_anew() for _ in range(500)]
        crowd = Crowd("flood", made.address, 3000, 200)
        good.meanwhile(crowd)
        crowd.said()
        now, kept = [], []
        for number in range(500):
            now.append(good.ask_anew())
            if number % 10 == 0:
                kept.append(good.ask())
        yield exactly("newcomers answered while 3,000 others hold connections and more come", len(now), 500)
        yield exactly("answers on a connection that is used meanwhile", len(kept), 50)
        yield Figure("descriptors meanwhile, beyond those before", descriptors(made) - before, most=1024 + 64)
        yield from compared("newcomers' answers, with their connections", alone, now, most=2.0)
        crowd.stop()
        told = [line for line in made.lines if "pylpaca.connections" in line]
        yield Figure("lines about it in the log", len(told), most=2, least=1)


def deaf() -> Iterator[Figure]:
    """Clients who ask for images and pages, and take nothing."""
    with server([DOME, CAMERA]) as made:
        put(made.address, "camera/0/connected", Connected=True)
        put(made.address, "camera/0/startexposure", Duration=0.01, Light=True)
        while not put(made.address, "camera/0/action", Action="ready", Parameters="")["Value"]:
            """It is turned in the camera's own thread."""
        good = Good(made.address)
        alone = good.for_a_while(3.0)
        before = memory(made)
        crowd = Crowd("deaf", made.address, 200)
        crowd.said()
        busy = good.for_a_while(15.0)
        yield Figure("good client's answers while 200 ask for more than they take, the slowest", 1000 * max(busy), unit="ms")
        now = good.for_a_while(5.0)
        yield Figure("memory for each client who asks and does not take", (memory(made) - before) / 200, most=2.0, unit="MB")
        yield from compared("good client's answers meanwhile", alone, now, most=2.0)
        said = crowd.said(Sending.PATIENCE + 60.0)
        yield exactly("images that nobody took for five minutes, given up", said["gone"], 100)
        yield Figure("the last after", said["last"], most=Sending.PATIENCE + 5.0, unit="s")


def hanging_up() -> Iterator[Figure]:
    """A thousand who hang up in mid call."""
    with server([DOME, *FOCUSERS]) as made:
        for number in range(len(FOCUSERS)):
            put(made.address, f"focuser/{number}/connected", Connected=True)
        good = Good(made.address)
        good.ask()
        Crowd("hang_up", made.address, ATTACKERS, len(FOCUSERS)).said()
        quiet(made.address)
        before = descriptors(made), memory(made)
        Crowd("hang_up", made.address, ATTACKERS, len(FOCUSERS)).said()
        counts = quiet(made.address)
        good.ask()
        yield exactly("calls begun for clients who hung up", counts["begun"], 2 * ATTACKERS)
        yield exactly("of these, cancelled", counts["cancelled"], 0)
        yield exactly("of these, ended by the driver", counts["ended"], 2 * ATTACKERS)
        yield Figure("descriptors more than after a thousand others", descriptors(made) - before[0], most=0)
        yield Figure("memory more than after a thousand others", memory(made) - before[1], most=2.0, unit="MB")
        yield exactly("faults in the log", sum("Traceback" in line for line in made.lines), 0)


def quiet(address: str) -> Counter[str]:
    """The counts of the drivers together, once they do not change for a second and a half."""
    last: Counter[str] = Counter()
    changed = time.monotonic()
    while time.monotonic() - changed < 1.5:
        found: Counter[str] = Counter()
        for number in range(len(FOCUSERS)):
            found.update(json.loads(put(address, f"focuser/{number}/action", Action="counts", Parameters="")["Value"]))
        if found != last:
            last, changed = found, time.monotonic()
    return last


def holders() -> Iterator[Figure]:
    """Three clients of one device against the holder table."""
    yield Figure("steps in which the server and the table agreed", clients.agree(10_000), least=10_000)
