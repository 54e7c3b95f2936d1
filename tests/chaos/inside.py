"""Run by tests.chaos.networks in a network namespace of its own; prints each figure as JSON."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict

from pylpaca.config import DISCOVERY_PORT
from tests.chaos.figures import Figure, compared, exactly
from tests.chaos.processes import DOME, Crowd, Good, server
from tests.loopback_only import bring_up_loopback

HERE, THERE, FAR = "192.168.77.1", "192.168.77.2", "203.0.113.9"
HERE_6, THERE_6, FAR_6 = "fd77::1", "fd77::2", "2001:db8:9::9"
EVERYWHERE = ("--listen", r"tcp6:11111:interface=\:\:", "--discovery-port", "32227")


def run(*command: str) -> None:
    """Run a command that has to succeed."""
    subprocess.run(command, check=True)


@contextmanager
def other_machine() -> Iterator[list[str]]:
    """A namespace that is cabled to this one; the command that runs another there. It has addresses far and near."""
    bring_up_loopback()
    hold = [sys.executable, "-c", "import sys; print(flush=True); sys.stdin.read()"]
    with subprocess.Popen(["unshare", "--net", *hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        there = ["nsenter", "--target", str(holder.pid), "--net"]
        run("ip", "link", "add", "here", "type", "veth", "peer", "name", "there", "netns", str(holder.pid))
        run("ip", "address", "add", f"{HERE}/24", "dev", "here")
        run("ip", "address", "add", f"{HERE_6}/64", "dev", "here", "nodad")
        run("ip", "link", "set", "here", "up")
        run(*there, "ip", "link", "set", "lo", "up")
        run(*there, "ip", "address", "add", f"{THERE}/24", "dev", "there")
        run(*there, "ip", "address", "add", f"{THERE_6}/64", "dev", "there", "nodad")
        run(*there, "ip", "address", "add", f"{FAR}/32", "dev", "lo")
        run(*there, "ip", "address", "add", f"{FAR_6}/128", "dev", "lo")
        run(*there, "ip", "link", "set", "there", "up")
        run("ip", "route", "add", FAR, "via", THERE)
        run("ip", "-6", "route", "add", FAR_6, "via", THERE_6)
        run("ip", "route", "add", "10.0.0.0/8", "via", THERE)
        yield there


def asked(there: Sequence[str], source: str, target: str) -> dict[str, int]:
    """What the server answers to one there at this address: how many refusals, how much of Alpaca, and of discovery."""
    crowd = Crowd("ask_all", target, source, within=there)
    found: dict[str, int] = crowd.said()
    return found


def far_peers() -> Iterator[Figure]:
    """From a far address and from a near one, on both families."""
    with other_machine() as there:
        with server([DOME], EVERYWHERE) as made:
            assert made.ready
            for source, target in ((FAR, HERE), (FAR_6, HERE_6)):
                found = asked(there, source, target)
                yield exactly(f"requests of {source} that were refused (403)", found["403"], found["asked"])
                yield exactly(f"answers of Alpaca to {source}", found["alpaca"], 0)
                yield exactly(f"answers of discovery to {source}", found["discovery"], 0)
            for source, target in ((THERE, HERE), (THERE_6, HERE_6)):
                found = asked(there, source, target)
                yield exactly(f"requests of {source}, which is near, that were refused", found["403"], 0)
                yield Figure(f"answers of Alpaca to {source}", found["alpaca"], least=1)
                yield exactly(f"answers of discovery to {source}", found["discovery"], 1)
        with server([DOME], EVERYWHERE, allow_public=True) as made:
            assert made.ready
            found = asked(there, FAR, HERE)
            yield exactly(f"requests of {FAR} that were refused, with allow_public", found["403"], 0)
            yield exactly(f"answers of discovery to {FAR}, with allow_public", found["discovery"], 1)


def discovery_flood() -> Iterator[Figure]:
    """
    Nothing, then a flood at a socket that nobody reads, then one at the server, three seconds each, and so on.

    The flood comes from this machine, and costs it something: how much, the socket says that nobody reads.
    """
    with other_machine() as there, server([DOME], EVERYWHERE) as made, socket.socket(type=socket.SOCK_DGRAM) as unread:
        unread.bind((HERE, 0))
        good = Good(made.address)
        good.for_a_while(2.0)
        alone: list[float] = []
        elsewhere: list[float] = []
        now: list[float] = []
        floods = []
        for _ in range(4):
            alone += good.for_a_while(3.0)
            for port, times in ((unread.getsockname()[1], elsewhere), (DISCOVERY_PORT, now)):
                crowd = Crowd("flood_discovery", f"{HERE}:{port}", 10_000, 3, within=there)
                crowd.said()
                times += good.for_a_while(3.0)
                said = crowd.said()
            floods.append(said)
        asked, answered = (sum(each[name] for each in floods) for name in ("asked", "answered"))
        asked_bytes, answered_bytes = (sum(each[name] for each in floods) for name in ("asked_bytes", "answered_bytes"))
        yield Figure("questions a second", asked / sum(each["seconds"] for each in floods), least=9000)
        most = max(each["answered"] for each in floods)
        yield Figure("answers in a flood of three seconds, and to what is left of it", most, most=5 * 200, least=1)
        yield Figure("bytes answered for each byte asked", answered_bytes / asked_bytes, most=1.3)
        yield Figure("bytes of an answer for each of its question", answered_bytes / answered / (asked_bytes / asked), most=1.3)
        yield from compared("API, against the same flood elsewhere", elsewhere, now, most=1.5, most_slowest=1.5)
        yield from compared("API, against no flood at all", alone, now, most=1.5)


def main(what: str) -> None:
    """Print the figures of one experiment."""
    for figure in {"far_peers": far_peers, "discovery_flood": discovery_flood}[what]():
        print(json.dumps(asdict(figure)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
