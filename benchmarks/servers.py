"""The servers that are measured: what they need, how each is started, and what it is asked."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from benchmarks.accounting import cpu_seconds, resident, tree
from benchmarks.load import ENVELOPE, Ask
from benchmarks.machine import Cores

REFERENCES = Path(__file__).parent / "references"
STARTS_WITHIN = 60.0
GET = Ask("telescope/0/rightascension")
PUT = Ask("telescope/0/targetdeclination", "TargetDeclination=12.5")
CONNECT = Ask("telescope/0/connected", "Connected=true")
IDS = "ClientID=1&ClientTransactionID=1"


@dataclass(frozen=True)
class Server:
    """
    A program that answers as an Alpaca server does.

    :param command: with {python}, {bin}, {port}, {discovery} and {here} to be filled in.
    :param requirements: what its environment needs; none: it runs in this one.
    :param hint: what to install if they cannot be.
    :param prepare: what it is told before it is measured.
    :param keys: what each of its answers holds, besides the value.
    :param config: the configuration file, if there is one; as JSON.
    """

    name: str
    command: Sequence[str]
    requirements: Sequence[str] = ()
    hint: str = ""
    get: Ask = GET
    put: Ask = PUT
    prepare: Sequence[Ask] = ()
    keys: Sequence[str] = ENVELOPE
    config: Mapping[str, Any] | None = None


def bare(name: str, program: str, *requirements: str, hint: str = "") -> Server:
    """A program of a page, in the folder references."""
    return Server(name, ("{python}", f"{REFERENCES}/{program}.py", "{port}"), requirements, hint)


EVERYWHERE = r"tcp6:{port}:interface=\:\:" if socket.has_dualstack_ipv6() else "tcp:{port}"  # as pylpaca listens by default

PYLPACA = Server(
    "pylpaca", ("{bin}/twistd", "-n", "pylpaca", "--listen", EVERYWHERE, "--discovery-port", "{discovery}"), prepare=(CONNECT,)
)
FASTAPI = bare("FastAPI + uvicorn", "bare_fastapi", "fastapi", "uvicorn[standard]", "python-multipart")
FALCON = bare("falcon + uvicorn", "bare_falcon", "falcon", "uvicorn[standard]")
BJOERN = bare(
    "falcon + bjoern",
    "bare_bjoern",
    "bjoern",
    "falcon",
    hint="bjoern is built with a C compiler and the headers of libev (Debian's package libev-dev)",
)
KLEIN = bare("Klein", "bare_klein", "klein")
TWISTED = bare("twisted.web", "bare_twisted", "twisted")
ALPACA_SERVER = replace(
    bare("python-alpaca-server", "alpaca_server", "python-alpaca-server"),
    get=Ask("safetymonitor/0/issafe"),
    put=Ask("safetymonitor/0/connected", "Connected=true"),
    prepare=(Ask("safetymonitor/0/connected", "Connected=true"),),
    keys=("ClientTransactionID", "ServerTransactionID"),  # it leaves the error out where there is none
)
ALPACA_SIMULATORS = Server(
    "alpaca-simulators",
    ("{bin}/alpaca-simulators", "--host", "127.0.0.1", "--port", "{port}"),
    ("alpaca-simulators",),
    prepare=(CONNECT,),
)
EVERY = (PYLPACA, FASTAPI, FALCON, BJOERN, KLEIN, TWISTED, ALPACA_SERVER, ALPACA_SIMULATORS)


def configured(config: Mapping[str, Any], name: str = "pylpaca") -> Server:
    """pylpaca with a configuration of its own."""
    devices = [(each["device_type"], each["device_number"]) for each in config["drivers"]]
    prepare = [Ask(f"{kind}/{number}/connected", "Connected=true") for kind, number in devices]
    command = (*PYLPACA.command, "--config", "config.json")
    return replace(PYLPACA, name=name, command=command, get=Ask(prepare[0].path), config=config, prepare=prepare)


class CannotStartError(Exception):
    """What a server said instead of answering."""


@dataclass(frozen=True)
class Running:
    """A server that answers."""

    server: Server
    pid: int
    port: int
    discovery: int
    started_in: float  # seconds to the first answer
    start_cpu: float

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def pids(self) -> list[int]:
        return tree(self.pid)

    @property
    def memory(self) -> int:
        """Bytes."""
        return resident(self.pid)

    @property
    def peak(self) -> int:
        """Bytes of memory it had at most."""
        return resident(self.pid, "VmHWM")


@contextmanager
def running(server: Server, python: Path, cores: Cores | None = None, more: Sequence[object] = ()) -> Iterator[Running]:
    """
    A server in a process of its own, until the end.

    :param cores: none: it runs where the system puts it.
    :param more: arguments of its command.
    :raises CannotStartError: it ends, or does not answer.
    """
    port, discovery = free_port(socket.SOCK_STREAM), free_port(socket.SOCK_DGRAM)
    places = {"python": python, "bin": python.parent, "port": port, "discovery": discovery}
    command = [each.format(**places) for each in (*server.command, *map(str, more))]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if server.config is not None:
            (folder / "config.json").write_text(json.dumps(server.config))
        environment = {**os.environ, "STATE_DIRECTORY": str(folder / "state")}
        if server.requirements:
            environment.pop("PYTHONPATH", None)
        else:
            environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
        said = folder / "said.txt"
        with said.open("w") as output, cores.of_the_server() if cores is not None else nullcontext():
            began = time.perf_counter()
            # twistd says on its output why it does not start; others say on theirs what they are asked
            stdout = output if not server.requirements else subprocess.DEVNULL
            process = subprocess.Popen(command, cwd=folder, env=environment, stdout=stdout, stderr=output)
        try:
            while not _answers(port, server.get):
                if process.poll() is not None or time.perf_counter() - began > STARTS_WITHIN:
                    raise CannotStartError(f"{server.name}: {' '.join(command)}: {said.read_text()[-2000:]}")
                time.sleep(0.002)
            started_in = time.perf_counter() - began
            found = Running(server, process.pid, port, discovery, started_in, cpu_seconds(tree(process.pid)))
            tell(port, server.prepare)
            yield found
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _answers(port: int, ask: Ask) -> bool:
    """Whether an HTTP answer comes, whatever it says: a device that is not connected answers, too."""
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", f"/api/v1/{ask.path}?{IDS}")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def tell(port: int, orders: Sequence[Ask]) -> None:
    """Give a server orders; AssertionError if it refuses one."""
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    try:
        for order in orders:
            connection.request("PUT", f"/api/v1/{order.path}", f"{order.form}&{IDS}", kind)
            answer = connection.getresponse()
            found = answer.read()
            if answer.status != 200 or json.loads(found).get("ErrorNumber"):
                raise AssertionError(f"{order}: {answer.status} {found!r}")
    finally:
        connection.close()


def free_port(kind: socket.SocketKind) -> int:
    """A port nobody has at the moment."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
