"""`python -m pylpaca.testing.conformance HOST:PORT`: checks every device of a running server, in real time."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import react
from twisted.python.failure import Failure

from pylpaca.client import connect
from pylpaca.testing.conformance import KITS
from pylpaca.testing.conformance.reach import AtAddress


def parsed(arguments: Sequence[str]) -> Namespace:
    """The command line."""
    parser = ArgumentParser("python -m pylpaca.testing.conformance", description="Checks every device of an Alpaca server.")
    parser.add_argument("address", help="the server, as host:port")
    parser.add_argument("--short", action="store_true", help="leave out the parts that take minutes")
    parser.add_argument("--times", type=int, default=2, help="how often the whole program is run [default: 2]")
    return parser.parse_args(arguments)


class Run:
    """The program of one device, part by part; what is found is kept and the next part begun."""

    def __init__(self, reactor: Any, address: str, kind: str, number: int, short: bool) -> None:
        kit = KITS[kind]
        self._check: Any = type(f"{kit.__name__}AtAddress", (AtAddress, kit), {"extended": not short})()
        self._check.reach(reactor, address, number)
        self._reactor, self._name = reactor, f"{kind}/{number}"
        self.passed = 0
        self.found: list[str] = []

    async def program(self, times: int) -> None:
        """Everything, several times on the same device."""
        check = self._check
        await self._part("test_connecting", check.connecting())
        for _ in range(times):
            for part in check.parts():
                await self._part(part.__name__, check.connected(part))
        await check.tearDown()

    async def _part(self, name: str, running: Any) -> None:
        began = self._reactor.seconds()
        try:
            await running
        except Exception as error:
            sentence = str(error) or Failure().getTraceback()
            self.found.append(f"{self._name} {name}: {sentence}")
            outcome = f"FOUND {type(error).__name__}: {sentence}"
        else:
            self.passed += 1
            outcome = "ok"
        print(f"{self._name:24}{name:40}{self._reactor.seconds() - began:8.1f} s  {outcome}", flush=True)


async def judged(reactor: Any, address: str, short: bool = False, times: int = 2) -> list[Run]:
    """Every device of the server, all at the same time."""
    async with connect(address, reactor) as server:
        devices = await server.devices()
    known = [each for each in devices if each.DeviceType.lower() in KITS]
    runs = [Run(reactor, address, each.DeviceType.lower(), each.DeviceNumber, short) for each in known]
    await gatherResults([Deferred.fromCoroutine(run.program(times)) for run in runs])
    return runs


async def main(reactor: Any, options: Namespace) -> None:
    """Print every part, then what was found; exit status 1 if anything was."""
    runs = await judged(reactor, options.address, options.short, options.times)
    found = [each for run in runs for each in run.found]
    print("\n".join(["", *found, f"{sum(run.passed for run in runs)} passed, {len(found)} failed, {len(runs)} devices"]))
    if found:
        raise SystemExit(1)


if __name__ == "__main__":
    react(lambda reactor: Deferred.fromCoroutine(main(reactor, parsed(sys.argv[1:]))))
