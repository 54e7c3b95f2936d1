"""What all parts of a run share: the servers there are, on which cores, how often, and what was measured so far."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TypeVar

from benchmarks.environments import Environments, NotInstalledError, versions
from benchmarks.figures import Costs, Figures
from benchmarks.load import Job, Measured
from benchmarks.machine import Cores
from benchmarks.servers import CannotStartError, Running, Server, running
from pylpaca import __version__

T = TypeVar("T")
LOAD = [sys.executable, "-m", "benchmarks.load"]


@dataclass
class Bench:
    """One run."""

    environments: Environments
    cores: Cores
    servers: Sequence[Server]
    rounds: int
    seconds: float
    """How long each load lasts."""
    is_quick: bool = False
    figures: Figures = field(default_factory=Figures)
    remarks: list[str] = field(default_factory=list)
    """Sentences for who reads the report."""
    held_back: set[tuple[Costs, str]] = field(default_factory=set)
    """Where the load was all that could be made, so that the server could do more."""
    waited: list[float] = field(default_factory=list)
    """Which part of the time the server waited for its core, because somebody else had it; for each load."""
    _voided: set[tuple[Costs, str]] = field(default_factory=set)

    def tell(self, sentence: str) -> None:
        """For who waits for the end."""
        print(sentence, file=sys.stderr, flush=True)

    def remark(self, sentence: str) -> None:
        """Once is enough."""
        if sentence not in self.remarks:
            self.remarks.append(sentence)
            self.tell(sentence)

    def python(self, server: Server) -> Path | None:
        """What runs a server; None, with a remark, if its packages cannot be had."""
        try:
            return self.environments.python(server.requirements)
        except NotInstalledError as error:
            packages = " and ".join(server.requirements)
            hint = f"; {server.hint}" if server.hint else ""
            self.remark(f"{server.name} is left out, for {packages} could not be installed: {error}{hint}.")
            return None

    def versions(self, server: Server) -> str:
        """Of what a server is made of; empty if it cannot be had."""
        python = self.python(server)
        if python is None:
            return ""
        found = versions(python)
        wanted = [each.partition("[")[0] for each in server.requirements or ("pylpaca", "twisted", "klein")]
        return f"{server.name}: {', '.join(f'{each} {found.get(each, __version__)}' for each in wanted)}"

    @contextmanager
    def running(self, servers: Sequence[Server], more: Sequence[object] = ()) -> Iterator[list[Running]]:
        """All of them that can run, at once; a remark for each other one."""
        found = []
        with ExitStack() as stack:
            for server in servers:
                python = self.python(server)
                if python is not None:
                    try:
                        found.append(stack.enter_context(running(server, python, self.cores, more)))
                    except (CannotStartError, AssertionError) as error:
                        if not server.requirements:
                            raise  # it is ours
                        self.remark(f"{server.name} is left out, for it does not start: {error}")
            yield found

    def take(self, costs: Costs, name: str, job: Job) -> None:
        """Have a job done, and its figures; a wrong answer voids all that this load and server have, once and for all."""
        if (costs, name) in self._voided:
            return
        measured = self.load(job)
        if measured.wrong:
            self._voided.add((costs, name))
            self.figures.forget(name, *costs.every)
            self.remark(f"{name} has no figures for {costs.load}, for it gave a wrong answer: {measured.wrong}")
            return
        self.figures.add(costs.cpu, name, measured.cpu_per_request)
        self.figures.add(costs.rate, name, measured.per_second)
        self.figures.add(costs.p50, name, measured.p50)
        self.figures.add(costs.p99, name, measured.p99)
        self.waited.append(measured.waited / measured.seconds)
        if measured.is_held_back:
            self.held_back.add((costs, name))
        if measured.skipped > 0.01 * measured.answers:
            self.remark(f"{costs.load}, {name}: more than 1 % of the questions were not asked, for the answer before was late.")

    def load(self, job: Job) -> Measured:
        """Done by a process of its own."""
        here = Path(__file__).parent.parent
        done = subprocess.run(LOAD, input=json.dumps(asdict(job)), cwd=here, capture_output=True, text=True)
        if done.returncode:
            return Measured(wrong=done.stderr.strip()[-500:])
        return Measured(**json.loads(done.stdout))

    def in_turn(self, each: Sequence[T], times: int = 1) -> Iterator[T]:
        """Each of them in each round, none always first; `times` as many rounds as usual."""
        for turn in range(times * self.rounds):
            first = turn % len(each)
            yield from [*each[first:], *each[:first]]
