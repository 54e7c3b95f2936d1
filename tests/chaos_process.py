"""Servers in child processes: stopped in any state, started and watched by what does as systemd does, while clocks are set."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from tests.chaos_disk import LISTEN, Said, devices
from tests.firmware import FirmwareOnTerminal, RealTime, RoofFirmware
from tests.server_process import TWISTD, ServerProcess

ENDS_WITHIN = 5.0  # seconds after SIGTERM
ANSWERED_WITHIN = 3.5  # of which half a second is for the client
READY_WITHIN = 1.5
SAME = 0.1  # seconds by which a duration may differ when the clock is set
PATIENCE = 30.0
NOTHING: Mapping[str, str] = MappingProxyType({})

DRIVERS = '''
import time
from twisted.internet import reactor
from twisted.internet.defer import Deferred, CancelledError
from twisted.internet.task import deferLater
from pylpaca.device import SafetyMonitor
from pylpaca.errors import DriverError


class HangingMonitor(SafetyMonitor):
    """Never says whether it is safe."""

    def IsSafe(self):
        return Deferred()


class SlowMonitor(SafetyMonitor):
    """Takes a second and a half to say that it is safe."""

    async def IsSafe(self):
        await deferLater(self.clock, 1.5)
        return True


class StubbornMonitor(SafetyMonitor):
    """Does not let itself be connected, nor end trying."""

    async def connect(self):
        while True:
            try:
                await deferLater(self.clock, 3600)
            except CancelledError:
                pass

    def IsSafe(self):
        return True


class AbsentMonitor(SafetyMonitor):
    """Cannot be connected."""

    def connect(self):
        raise DriverError("no answer")

    def IsSafe(self):
        return True


class ClingingMonitor(SafetyMonitor):
    """Never answers, and neither its hook nor its disconnect ever ends."""

    def IsSafe(self):
        return Deferred()

    def shutdown(self):
        return Deferred()

    def disconnect(self):
        return Deferred()


class ThreadMonitor(SafetyMonitor):
    """Hangs in its own thread, and in one of the reactor."""

    def connect(self):
        reactor.callInThread(time.sleep, 600)

    async def IsSafe(self):
        return await self.in_thread(time.sleep, 600)


class BlockingMonitor(SafetyMonitor):
    """Blocks the reactor, as no driver may."""

    def IsSafe(self):
        time.sleep(600)
        return True
'''


def entry(kind: str, driver: str, **more: Any) -> dict[str, Any]:
    return {"device_type": kind, "device_number": 0, "device_driver": driver, **more}


class Client:
    """Asks a server in plain HTTP."""

    def __init__(self, server: ServerProcess) -> None:
        self.host, _, port = server.address.partition(":")
        self.port = int(port)

    def ask(self, verb: str, path: str, **form: Any) -> Any:
        """The value; AssertionError if it is refused."""
        query = urlencode(form)
        url = f"http://{self.host}:{self.port}/api/v1/{path}"
        request = Request(url, query.encode(), method="PUT") if verb == "PUT" else Request(f"{url}?{query}")
        with urlopen(request, timeout=PATIENCE) as answer:
            told = json.load(answer)
        assert not told["ErrorNumber"], told
        return told.get("Value")

    def begin(self, path: str, receive_buffer: int = 0, accept: str = "*/*") -> socket.socket:
        """GET, and leave the answer where it is."""
        client = socket.socket()
        if receive_buffer:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        client.settimeout(PATIENCE)
        client.connect((self.host, self.port))
        client.sendall(f"GET /api/v1/{path} HTTP/1.1\r\nHost: localhost\r\nAccept: {accept}\r\n\r\n".encode())
        return client


def rest_of(client: socket.socket) -> bytes:
    """Everything until the server closes the connection."""
    with client:
        return b"".join(iter(lambda: client.recv(65536), b""))


@contextmanager
def served(configuration: dict[str, Any] | None, **named: Any) -> Iterator[ServerProcess]:
    """A server in a folder of its own, with the drivers above."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        server = started(folder, configuration, **named)
        try:
            yield server
        finally:
            server.signal(signal.SIGKILL)
            _ = server.status


def started(folder: Path, configuration: dict[str, Any] | None, environment: Mapping[str, str] = NOTHING) -> ServerProcess:
    (folder / "drivers").mkdir(exist_ok=True)
    (folder / "drivers" / "chaos_drivers.py").write_text(DRIVERS)
    arguments: Sequence[str] = LISTEN
    if configuration is not None:
        (folder / "config.json").write_text(json.dumps(configuration))
        arguments = ("--config", "config.json", *LISTEN)
    return ServerProcess(arguments, folder, more_environment=environment)


def until(condition: Callable[[], Any], what: str) -> None:
    ends = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < ends, what
        time.sleep(0.005)


# ---- stopped in any state -----------------------------------------------------------------------------------------


@dataclass
class Stopped:
    """How a server ended."""

    seconds: float
    status: int
    answered_after: float | None = None  # seconds, the client that waited
    answer: bytes = b""
    traceback: bool = False


def stop(server: ServerProcess, waiting: socket.socket | None = None, number: signal.Signals = signal.SIGTERM) -> Stopped:
    """Send the signal; when and how it ended, and what the client that waits was told."""
    told: list[tuple[float, bytes]] = []
    began = time.monotonic()
    reader = None
    if waiting is not None:
        reader = threading.Thread(target=lambda: told.append((rest_of(waiting), time.monotonic() - began)[::-1]))
        reader.start()
    server.signal(number)
    status = server.status
    stopped = Stopped(time.monotonic() - began, status, traceback=any("Traceback" in line for line in server.lines))
    if reader is not None:
        reader.join()
        stopped.answered_after, stopped.answer = told[0]
    return stopped


def monitor(driver: str, **more: Any) -> dict[str, Any]:
    return {"drivers": [entry("safetymonitor", driver, **more)]}


def connected(server: ServerProcess, kind: str = "safetymonitor") -> Client:
    client = Client(server)
    client.ask("PUT", f"{kind}/0/connected", Connected="True", ClientID=1)
    return client


def idle() -> Stopped:
    with served(None) as server:
        _ = server.ready
        return stop(server)


def interrupted() -> Stopped:
    with served(None) as server:
        _ = server.ready
        return stop(server, number=signal.SIGINT)


def call_that_ends() -> Stopped:
    with served(monitor("SlowMonitor")) as server:
        client = connected(server).begin("safetymonitor/0/issafe")
        time.sleep(0.2)
        stopped = stop(server, client)
    assert b'"Value":true' in stopped.answer.replace(b" ", b""), stopped
    return stopped


def call_that_hangs() -> Stopped:
    with served(monitor("HangingMonitor", deadline=60)) as server:
        client = connected(server).begin("safetymonitor/0/issafe")
        time.sleep(0.2)
        stopped = stop(server, client)
    assert b"the server stops, and IsSafe" in stopped.answer, stopped
    return stopped


def everything_hangs() -> Stopped:
    with served(monitor("ClingingMonitor", deadline=60)) as server:
        client = connected(server).begin("safetymonitor/0/issafe")
        time.sleep(0.2)
        stopped = stop(server, client)
    assert b"the server stops, and IsSafe" in stopped.answer, stopped
    return stopped


def threads_hang() -> Stopped:
    with served(monitor("ThreadMonitor", deadline=60)) as server:
        client = connected(server).begin("safetymonitor/0/issafe")
        time.sleep(0.2)
        stopped = stop(server, client)
    assert b"the server stops, and IsSafe" in stopped.answer, stopped
    return stopped


def exposing() -> Stopped:
    with served({"drivers": [entry("camera", "CameraSimulator")]}) as server:
        client = connected(server, "camera")
        client.ask("PUT", "camera/0/startexposure", Duration=60, Light="True")
        assert client.ask("GET", "camera/0/camerastate") == 2
        return stop(server)


def sending_an_image(takes: bool) -> Stopped:
    size = {"CameraXSize": 3000, "CameraYSize": 3000}
    with served({"drivers": [entry("camera", "CameraSimulator", driver_config=size)]}) as server:
        client = connected(server, "camera")
        client.ask("PUT", "camera/0/startexposure", Duration=0.1, Light="True")
        until(lambda: client.ask("GET", "camera/0/imageready"), "the image")
        waiting = client.begin("camera/0/imagearray", 10_000, "application/imagebytes")
        time.sleep(0.2)
        if takes:
            stopped = stop(server, waiting)
            assert len(stopped.answer) > 18_000_000, len(stopped.answer)
        else:
            stopped = stop(server)
            assert len(rest_of_cut(waiting)) < 18_000_000
    return stopped


def rest_of_cut(client: socket.socket) -> bytes:
    try:
        return rest_of(client)
    except ConnectionResetError:
        return b""


def cable_out() -> Stopped:
    roof = FirmwareOnTerminal(RoofFirmware(RealTime()))
    with served({"drivers": [entry("dome", "MyDomeDriver", driver_config={"port": roof.port})]}) as server:
        connected(server, "dome")
        roof.stop()
        until(lambda: any("vanished" in line for line in server.lines), "\n".join(server.lines))
        return stop(server)


def connecting() -> Stopped:
    with served(monitor("StubbornMonitor")) as server:
        client = Client(server)
        client.ask("PUT", "safetymonitor/0/connect")
        assert client.ask("GET", "safetymonitor/0/connecting")
        return stop(server)


def cannot_connect() -> Stopped:
    with served(monitor("AbsentMonitor", autoconnect=True)) as server:
        until(lambda: any("could not be connected" in line for line in server.lines), "\n".join(server.lines))
        return stop(server)


def idle_connections() -> Stopped:
    with served(None) as server:
        client = Client(server)
        waiting = [client.begin("dome/0/name") for _ in range(50)]
        time.sleep(0.3)
        stopped = stop(server)
        for each in waiting:
            each.close()
        return stopped


STATES: dict[str, Callable[[], Stopped]] = {
    "idle": idle,
    "idle, Ctrl-C": interrupted,
    "50 clients that keep their connections": idle_connections,
    "a call pending that ends in 1.5 s": call_that_ends,
    "a call pending that never ends": call_that_hangs,
    "a call, a hook and a disconnect that never end": everything_hangs,
    "a thread of a driver's and one of the reactor's that hang": threads_hang,
    "an exposure running": exposing,
    "an image on its way to a client that takes it": lambda: sending_an_image(True),
    "an image on its way to a client that does not": lambda: sending_an_image(False),
    "a serial cable out, looked for": cable_out,
    "a device that is being connected and cannot be stopped": connecting,
    "a device that cannot be connected, tried again": cannot_connect,
}


def stops(times: int, say: Said) -> bool:
    """SIGTERM in any state."""
    kept = True
    for state, run in STATES.items():
        found = [run() for _ in range(times)]
        longest = max(each.seconds for each in found)
        answered = [each.answered_after for each in found if each.answered_after is not None]
        bad = [each for each in found if each.status != 0 or each.seconds > ENDS_WITHIN or each.traceback]
        late = [each for each in answered if each > ANSWERED_WITHIN]
        about = f", who waits answered after at most {max(answered):.2f} s" if answered else ""
        about += f": NOT KEPT {bad}" if bad or late else ""
        say(f"stopped: {state}: {times} times, at most {longest:.2f} s{about}")
        kept = kept and not bad and not late
    return kept


# ---- started and watched ------------------------------------------------------------------------------------------


class Watch:
    """The socket of what does as systemd does; notes when each message came."""

    def __init__(self) -> None:
        self._folder = tempfile.mkdtemp()
        self.address = f"{self._folder}/notify"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.address)

    def wait(self, message: str, within: float = PATIENCE) -> float:
        """When this came, on the clock of the test; TimeoutError if it does not."""
        ends = time.monotonic() + within
        while True:
            self._socket.settimeout(max(0.001, ends - time.monotonic()))
            if self._socket.recv(4096).decode().startswith(message):
                return time.monotonic()

    def close(self) -> None:
        self._socket.close()
        shutil.rmtree(self._folder)


def starts(times: int, say: Said) -> bool:
    """From the start of the program until systemd is told that it is ready; and how long a check of a configuration takes."""
    watch = Watch()
    ready = []
    for _ in range(times):
        began = time.monotonic()
        with served(None, environment={"NOTIFY_SOCKET": watch.address}) as server:
            ready.append(watch.wait("READY=1") - began)
            assert devices(server)
    watch.close()
    checked = []
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "config.json"
        file.write_text('{"drivers": [{"device_type": "doom"}]}')
        for _ in range(times):
            began = time.monotonic()
            done = subprocess.run([sys.executable, "-m", "pylpaca", "check", str(file)], stdout=subprocess.DEVNULL)
            checked.append(time.monotonic() - began)
            assert done.returncode == 1
    say(f"ready with ten simulators: {times} times, median {median(ready):.2f} s, at most {max(ready):.2f} s")
    say(f"a configuration checked: {times} times, median {median(checked):.2f} s, at most {max(checked):.2f} s")
    return median(ready) <= READY_WITHIN


def stalls(times: int, say: Said) -> bool:
    """A driver blocks the reactor: the signs of life stop, the process is ended as systemd does, and another one started."""
    watch, limit = Watch(), 3.0
    silent, back, ids = [], [], set()
    with tempfile.TemporaryDirectory() as name:
        environment = {"NOTIFY_SOCKET": watch.address, "WATCHDOG_USEC": str(int(limit * 1e6))}
        server = started(Path(name), monitor("BlockingMonitor"), environment)
        for _ in range(times):
            watch.wait("READY=1")
            ids.add(json.dumps(devices(server)))
            client = connected(server)
            for _ in range(3):
                watch.wait("WATCHDOG=1", limit)
            blocked = last = time.monotonic()
            client.begin("safetymonitor/0/issafe").close()
            try:
                while True:
                    last = watch.wait("WATCHDOG=1", limit)
            except TimeoutError:
                silent.append(time.monotonic() - blocked)
            assert last - blocked < 1.5, last - blocked
            server.signal(signal.SIGABRT)
            assert server.status == -signal.SIGABRT
            again = time.monotonic()
            server = started(Path(name), monitor("BlockingMonitor"), environment)
            _ = server.ready
            back.append(time.monotonic() - again)
        server.terminate()
    watch.close()
    say(
        f"a driver blocks the reactor, {limit:g} s allowed: noticed {len(silent)} of {times} times, after at most "
        f"{max(silent):.2f} s; ready again at most {max(back):.2f} s after that; {len(ids)} set of UniqueIDs"
    )
    return len(silent) == times and len(ids) == 1 and max(back) <= 2.0


# ---- clocks -------------------------------------------------------------------------------------------------------


def faketime() -> str:
    """The library that lets a program believe in another time of day; empty if it is not installed."""
    found = [*Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), *Path("/usr/lib").glob("faketime/libfaketimeMT.so.1")]
    return str(found[0]) if found else ""


def durations(client: Client, set_clock: Callable[[], object]) -> dict[str, float]:
    """How long three things take while the clock is set in their midst."""

    def timed(begin: Callable[[], object], over: Callable[[], Any]) -> float:
        began = time.monotonic()
        begin()
        time.sleep(0.7)
        set_clock()
        until(over, "it does not end")
        return time.monotonic() - began

    exposure = timed(
        lambda: client.ask("PUT", "camera/0/startexposure", Duration=2, Light="True"),
        lambda: client.ask("GET", "camera/0/camerastate") != 2,
    )
    shutter = timed(
        lambda: client.ask(
            "PUT", "dome/0/closeshutter" if client.ask("GET", "dome/0/shutterstatus") == 0 else "dome/0/openshutter"
        ),
        lambda: client.ask("GET", "dome/0/shutterstatus") in (0, 1),
    )
    began = time.monotonic()
    hanging = client.begin("safetymonitor/0/issafe")
    time.sleep(0.7)
    set_clock()
    assert b"no answer" in hanging.recv(4096)
    deadline = time.monotonic() - began
    hanging.close()
    return {"exposure": exposure, "shutter": shutter, "deadline of a call": deadline}


def clocks(say: Said) -> bool:
    """The clock of the server is set by a day, forwards and backwards, while something takes its time."""
    library = faketime()
    if not library:
        say("clocks: skipped, setting the clock of one program alone needs libfaketime: apt-get install libfaketime")
        return True
    entries = [
        entry("camera", "CameraSimulator", driver_config={"CameraXSize": 64, "CameraYSize": 64}),
        entry("dome", "DomeSimulator", driver_config={"shutter_seconds": 2}),
        entry("safetymonitor", "HangingMonitor"),
    ]
    with tempfile.TemporaryDirectory() as name:
        clock = Path(name) / "clock"
        clock.write_text("+0")
        environment = {
            "LD_PRELOAD": library,
            "FAKETIME_TIMESTAMP_FILE": str(clock),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "FAKETIME_FORCE_MONOTONIC_FIX": "0",  # Debian's fix stops threads that wait for the interpreter, for seconds
        }
        with served({"drivers": entries}, environment=environment) as server:
            client = connected(server)
            for kind in ("camera", "dome"):
                client.ask("PUT", f"{kind}/0/connected", Connected="True", ClientID=1)
            as_ever = durations(client, lambda: None)
            before = shown(client)
            worst, seen = 0.0, []
            for days in ("+1d", "-1d", "-18000d", "+0"):  # the last as on a Raspberry Pi that finds out what time it is
                new = durations(client, partial(clock.write_text, days))
                seen.append(round((shown(client) - before) / 86400))
                worst = max([worst, *(abs(new[each] - as_ever[each]) for each in new)])
    lengths = ", ".join(f"{each} {seconds:.2f} s" for each, seconds in as_ever.items())
    say(f"clock set to {seen} days from where it was, in the midst of {lengths}: none differs by more than {worst:.3f} s")
    return seen == [1, -1, -18000, 0] and worst <= SAME


def shown(client: Client) -> float:
    """The time of day that the server shows, in seconds."""
    from datetime import datetime

    state = client.ask("GET", "dome/0/devicestate")
    (stamp,) = (each["Value"] for each in state if each["Name"] == "TimeStamp")
    return datetime.fromisoformat(stamp).timestamp()


# ---- the unit -----------------------------------------------------------------------------------------------------


def unit(path: Path, say: Said) -> bool:
    """What systemd says of the unit."""
    if shutil.which("systemd-analyze") is None:
        say("unit: skipped, systemd-analyze is not here: apt-get install systemd")
        return True
    if not path.exists():
        say(f"unit: skipped, there is no {path}")
        return True
    with tempfile.TemporaryDirectory() as name:
        here = Path(name) / path.name
        program = Path(sys.executable).with_name("twistd")
        here.write_text(re.sub(r"/\S*/twistd", str(program), path.read_text()))
        verified = subprocess.run(["systemd-analyze", "verify", str(here)], capture_output=True, text=True)
        rated = subprocess.run(["systemd-analyze", "security", "--offline=true", str(here)], capture_output=True, text=True)
    complaints = [line for line in verified.stderr.splitlines() if path.name in line]
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", rated.stdout)
    say(f"unit: verify says {complaints or 'nothing'}, status {verified.returncode}; exposure {found[1] if found else 'unknown'}")
    return not complaints and verified.returncode == 0 and found is not None and float(found[1]) <= 3.0


def calls(path: Path, say: Said) -> bool:
    """Whether a session with a serial line and a camera, watched by systemd, makes only calls that the unit allows."""
    missing = [each for each in ("strace", "systemd-analyze") if shutil.which(each) is None]
    if missing or not path.exists():
        say(f"calls: skipped, {' and '.join(missing) or path} is not here: apt-get install strace systemd")
        return True
    filters = re.findall(r"^SystemCallFilter=(~?)(\S+)$", path.read_text(), re.MULTILINE)
    allowed = set().union(*(calls_in(group) for without, group in filters if not without))
    allowed -= set().union(*(calls_in(group) for without, group in filters if without))
    watch, roof = Watch(), FirmwareOnTerminal(RoofFirmware(RealTime(), seconds=0.2))
    with tempfile.TemporaryDirectory() as name:
        trace = Path(name) / "trace"
        entries = [entry("dome", "MyDomeDriver", driver_config={"port": roof.port}), entry("camera", "CameraSimulator")]
        (Path(name) / "config.json").write_text(json.dumps({"drivers": entries}))
        server = ServerProcess(
            ["--config", "config.json", *LISTEN[:2]],
            Path(name),
            ["strace", "-f", "-qq", "-I", "waiting", "-o", str(trace), *TWISTD, "pylpaca"],
            {"NOTIFY_SOCKET": watch.address, "WATCHDOG_USEC": "1000000"},
        )
        client = connected(server, "dome")
        client.ask("PUT", "camera/0/connected", Connected="True", ClientID=1)
        client.ask("PUT", "dome/0/openshutter")
        client.ask("PUT", "camera/0/startexposure", Duration=0.1, Light="True")
        until(lambda: client.ask("GET", "camera/0/imageready"), "the image")
        client.begin("camera/0/imagearray", accept="application/imagebytes").close()
        watch.wait("WATCHDOG=1")
        traced = int(Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()[0])
        os.kill(traced, signal.SIGTERM)
        status = server.status
        made = set(re.findall(r"^\d+ +(\w+)\(", trace.read_text(), re.MULTILINE))
    roof.stop()
    watch.close()
    refused = sorted(made - allowed)
    say(f"calls of the system: {len(made)} made, {len(allowed)} that the unit allows; made and not allowed: {refused or 'none'}")
    return status == 0 and not refused


def calls_in(group: str) -> set[str]:
    """The calls of a group of systemd's, or the call itself."""
    if not group.startswith("@"):
        return {group}
    said = subprocess.run(["systemd-analyze", "syscall-filter", group], capture_output=True, text=True, check=True).stdout
    names = {line.strip() for line in said.splitlines()} - {group, ""}
    return set().union(*(calls_in(name) for name in names if not name.startswith("#")))


def here() -> str:
    """The machine, for the figures."""
    return f"{os.cpu_count()} processors, {sys.platform}, Python {sys.version.split()[0]}"
