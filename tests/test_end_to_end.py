"""The whole thing: a real twistd, real ports, a real terminal, and ASCOM's own client."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import numpy as np
from alpaca import management
from alpaca.camera import Camera, CameraStates, ImageArrayElementTypes
from alpaca.dome import Dome, ShutterState
from alpaca.exceptions import (
    AlpacaRequestException,
    InvalidValueException,
    NotConnectedException,
    NotImplementedException,
)
from alpaca.focuser import Focuser
from alpaca.safetymonitor import SafetyMonitor
from alpaca.telescope import Telescope
from twisted.trial.unittest import SkipTest, SynchronousTestCase

from pylpaca.interfaces import DEVICE_TYPES, device_type
from tests.firmware import FirmwareOnTerminal, RealTime, RoofFirmware
from tests.server_process import TWISTD, ServerProcess

PATIENCE = 20.0  # seconds for something that takes one


def free_udp_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def free_tcp_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def seen_until(last: Any, read: Callable[[], Any]) -> list[Any]:
    """Every different value that is read, in order, until the last one is."""
    seen = [read()]
    ends = time.monotonic() + PATIENCE
    while seen[-1] != last:
        if time.monotonic() > ends:
            raise AssertionError(f"{last} was not reached: {seen}")
        value = read()
        if value != seen[-1]:
            seen.append(value)
    return seen


class ServerTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.folder.mkdir()

    def started(self, configuration: dict[str, Any] | None, *arguments: str) -> ServerProcess:
        if configuration is not None:
            (self.folder / "config.json").write_text(json.dumps(configuration))
            arguments = ("--config", "config.json", *arguments)
        server = ServerProcess(arguments, self.folder)
        self.addCleanup(server.terminate)
        return server


class AlpycaTests(ServerTestCase):
    """ASCOM's own Python client drives the three devices, one of them over a terminal."""

    def setUp(self) -> None:
        super().setUp()
        self.roof_terminal = FirmwareOnTerminal(RoofFirmware(RealTime(), seconds=1.0))
        self.addCleanup(self.roof_terminal.stop)
        drivers = [
            {"device_type": "dome", "device_number": 0, "device_driver": "DomeSimulator"},
            {
                "device_type": "dome",
                "device_number": 1,
                "device_driver": "MyASCOMDomeDriver",
                "driver_config": {"port": self.roof_terminal.port},
            },
            {"device_type": "focuser", "device_number": 0, "device_driver": "FocuserSimulator"},
            {"device_type": "safetymonitor", "device_number": 0, "device_driver": "SafetyMonitorSimulator"},
        ]
        self.server = self.started({"drivers": drivers}, "--listen", "tcp:0:interface=127.0.0.1", "--discovery-port", "off")
        self.address = self.server.address

    def test_session(self) -> None:
        """List, connect, read everything, open and close the roof, move the focuser, be refused, disconnect, end."""
        self.listed()
        devices = [Dome(self.address, 0), Dome(self.address, 1), Focuser(self.address, 0), SafetyMonitor(self.address, 0)]
        for device in devices:
            device.Connected = True
            self.assertIs(device.Connected, True)
        self.every_property(*devices)
        self.roof(devices[1])
        self.focus(devices[2])
        self.assertIs(devices[3].IsSafe, True)
        self.refusals(devices[0], devices[1])
        for device in devices:
            device.Disconnect()
            self.assertEqual(seen_until(False, partial(getattr, device, "Connecting"))[-1], False)
            self.assertIs(device.Connected, False)
        self.assertRaises(NotConnectedException, lambda: devices[0].Azimuth)
        self.assertEqual(self.server.terminate(), 0)
        self.assertNotIn("Traceback", "\n".join(self.server.lines))

    def listed(self) -> None:
        self.assertEqual(management.apiversions(self.address), [1])
        self.assertTrue(management.description(self.address))
        devices = management.configureddevices(self.address)
        found = [(each["DeviceType"], each["DeviceNumber"]) for each in devices]
        self.assertEqual(found, [("Dome", 0), ("Dome", 1), ("Focuser", 0), ("SafetyMonitor", 0)])
        self.assertEqual(len({each["UniqueID"] for each in devices}), 4)

    def every_property(self, *devices: Any) -> None:
        refused = set()
        for device in devices:
            cls = type(device)
            for name in sorted(each for each in dir(cls) if isinstance(getattr(cls, each), property)):
                try:
                    getattr(device, name)
                except NotImplementedException:
                    refused.add(f"{cls.__name__}.{name}")
        # the template's roof has neither of these; everything else is there on every device
        self.assertEqual(refused, {"Dome.Altitude", "Dome.AtHome", "Dome.AtPark", "Dome.Azimuth"})

    def roof(self, dome: Any) -> None:
        self.assertIs(dome.ShutterStatus, ShutterState.shutterClosed)
        dome.OpenShutter()
        seen = seen_until(ShutterState.shutterOpen, lambda: dome.ShutterStatus)
        self.assertEqual(seen, [ShutterState.shutterOpening, ShutterState.shutterOpen])
        dome.CloseShutter()
        self.assertIs(dome.Slewing, True)
        seen = seen_until(ShutterState.shutterClosed, lambda: dome.ShutterStatus)
        self.assertEqual(seen, [ShutterState.shutterClosing, ShutterState.shutterClosed])
        self.assertIs(dome.Slewing, False)
        self.assertLess({b"OPEN", b"CLOSE"}, set(self.roof_terminal.firmware.commands))

    def focus(self, focuser: Any) -> None:
        target = focuser.Position + 2000
        focuser.Move(target)
        self.assertIs(focuser.IsMoving, True)
        self.assertEqual(seen_until(False, lambda: focuser.IsMoving), [True, False])
        self.assertEqual(focuser.Position, target)

    def refusals(self, dome: Any, roof: Any) -> None:
        self.assertRaises(InvalidValueException, dome.SlewToAzimuth, 400.0)
        self.assertRaises(NotImplementedException, roof.SlewToAzimuth, 40.0)
        self.assertRaises(AlpacaRequestException, lambda: Dome(self.address, 7).Name)


class MountsTests(ServerTestCase):
    """ASCOM's own client slews mounts whose controllers are programs of their own: OnStep by TCP, an Autostar on a terminal."""

    def port_of(self, *options: str) -> str:
        """Where a hand controller can be reached that runs from now on."""
        command = [sys.executable, "-m", "tests.lx200_firmware", *options]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([os.getcwd(), *filter(None, sys.path)])}
        controller = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        self.addCleanup(controller.wait)
        self.addCleanup(controller.terminate)
        assert controller.stdout is not None
        self.addCleanup(controller.stdout.close)
        return controller.stdout.readline().strip()

    def test_slews(self) -> None:
        """Both are connected, slewn to a star, and seen there."""
        ports = [self.port_of("--tcp", "0"), self.port_of("--mount", "autostar")]
        self.assertTrue(ports[0].startswith("tcp://127.0.0.1:"))
        entry = {"device_type": "telescope", "device_driver": "LX200Telescope"}
        drivers = [{**entry, "device_number": number, "driver_config": {"port": port}} for number, port in enumerate(ports)]
        server = self.started({"drivers": drivers}, "--listen", "tcp:0:interface=127.0.0.1", "--discovery-port", "off")
        telescopes = [Telescope(server.address, number) for number in range(len(ports))]
        for telescope in telescopes:
            telescope.Connected = True
            telescope.Tracking = True
            telescope.SlewToCoordinatesAsync((telescope.SiderealTime + 2) % 24, 30.0)
            self.assertIs(telescope.Slewing, True)
        for telescope in telescopes:
            seen_until(False, partial(getattr, telescope, "Slewing"))  # the first may have arrived already
            self.assertLess(abs(telescope.RightAscension - telescope.TargetRightAscension) * 54_000, 10)
            self.assertLess(abs(telescope.Declination - 30.0) * 3600, 1)
        self.assertEqual([telescope.CanPark for telescope in telescopes], [True, False])
        self.assertEqual(server.terminate(), 0)
        self.assertNotIn("Traceback", "\n".join(server.lines))


class PasswordTests(ServerTestCase):
    def test_alpyca(self) -> None:
        """ASCOM's own client gives name and password in the address; without them it may look what is there, and no more."""
        entry = {"device_type": "dome", "device_number": 0, "device_driver": "DomeSimulator"}
        options = ("--listen", "tcp:0:interface=127.0.0.1", "--discovery-port", "off")
        server = self.started({"drivers": [entry], "server": {"users": {"me": "a: secret"}}}, *options)
        dome = Dome(f"me:a%3A%20secret@{server.address}", 0)
        dome.Connected = True
        self.assertIs(dome.Connected, True)
        self.assertEqual(len(management.configureddevices(server.address)), 1)
        for address in (server.address, f"me:another@{server.address}"):
            refused = self.assertRaises(AlpacaRequestException, lambda address=address: Dome(address, 0).Connected)
            self.assertIn("a name and a password are needed", str(refused))


class StartAndStopTests(ServerTestCase):
    def test_2019(self) -> None:
        """The configuration of 2019 starts as it is."""
        entry = {"device_type": "dome", "device_number": 0, "device_driver": "MyASCOMDomeDriver", "driver_config": {}}
        server = self.started({"drivers": [entry]}, "--listen", "tcp:0:interface=127.0.0.1", "--discovery-port", "off")
        (device,) = management.configureddevices(server.address)
        self.assertEqual((device["DeviceType"], device["DeviceName"]), ("Dome", "Dome 0"))
        self.assertEqual(server.terminate(), 0)
        self.assertFalse((self.folder / "twistd.pid").exists())

    def test_same_ids_after_a_restart(self) -> None:
        """UniqueIDs survive, the default simulators' too."""
        ids = []
        for _ in range(2):
            server = self.started(None, "--listen", "tcp:0:interface=127.0.0.1", "--discovery-port", "off")
            ids.append([each["UniqueID"] for each in management.configureddevices(server.address)])
            self.assertEqual(server.terminate(), 0)
        self.assertEqual(ids[0], ids[1])

    def test_port_in_use(self) -> None:
        """One sentence, and status 1."""
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            server = self.started(None, "--listen", f"tcp:{other.getsockname()[1]}:interface=127.0.0.1")
            self.assertEqual(server.status, 1)
        self.assertEqual(sum("its port is in use by another program" in line for line in server.lines), 1)
        self.assertNotIn("Traceback", "\n".join(server.lines))

    def test_port_in_use_as_a_daemon(self) -> None:
        """The program that starts a daemon is told, ends with status 1, and leaves no pid file behind."""
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            listen = ["--listen", f"tcp:{other.getsockname()[1]}:interface=127.0.0.1"]
            command = [*TWISTD[:1], "pylpaca", *listen]
            done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 1)
        self.assertIn("pylpaca cannot listen on tcp:", done.stdout + done.stderr)  # twistd cuts it after a hundred letters
        self.assertIn("its port is in use by another program", (self.folder / "twistd.log").read_text())
        seen_until(False, (self.folder / "twistd.pid").exists)  # the daemon removes it after it has told the one that waits

    def test_sigterm_at_once(self) -> None:
        """From the moment it says that it is ready, it ends cleanly."""
        for _ in range(3):
            server = self.started(None, "--listen", "tcp:0:interface=127.0.0.1", "--discovery-port", "off")
            self.assertIn("ready", server.ready)
            self.assertEqual(server.terminate(), 0)

    def test_interrupted(self) -> None:
        """Ctrl-C, by somebody who is impatient, is an end like any other."""
        server = self.started(None, "--listen", "tcp:0:interface=127.0.0.1", "--discovery-port", "off")
        self.assertIn("ready", server.ready)
        server.signal(signal.SIGINT)
        server.signal(signal.SIGINT)
        self.assertEqual(server.status, 0)
        self.assertNotIn("Traceback", "\n".join(server.lines))

    def test_stopped_in_the_midst(self) -> None:
        """Who waits for an answer gets a sentence, in full, before the server ends; the hook of the driver was called."""
        (self.folder / "drivers").mkdir()
        (self.folder / "drivers" / "hangs.py").write_text(HANGS)
        entry = {"device_type": "safetymonitor", "device_number": 0, "device_driver": "HangingMonitor", "deadline": 60}
        server = self.started({"drivers": [entry]}, "--listen", "tcp:0:interface=127.0.0.1", "--discovery-port", "off")
        host, _, port = server.address.partition(":")
        SafetyMonitor(server.address, 0).Connected = True
        with socket.create_connection((host, int(port)), PATIENCE) as client:
            client.sendall(b"GET /api/v1/safetymonitor/0/issafe HTTP/1.1\r\nHost: localhost\r\n\r\n")
            seen_until(True, lambda: any("asked" in line for line in server.lines))
            server.signal(signal.SIGTERM)
            answer = b"".join(iter(partial(client.recv, 10_000), b""))
        self.assertIn(b"the server stops, and IsSafe of SafetyMonitor 0 is not finished", answer)
        self.assertEqual(server.status, 0)
        told = [line for line in server.lines if "hangs" in line]
        self.assertEqual([line.rpartition(" ")[2] for line in told], ["connect", "asked", "shutdown", "disconnect"])

    def test_package_in_the_way(self) -> None:
        """A package named drivers in the folder it is started in hides nothing of ours."""
        (self.folder / "drivers").mkdir()
        (self.folder / "drivers" / "__init__.py").write_text("raise RuntimeError('imported')")
        arguments = ["--listen", "tcp:0:interface=127.0.0.1", "--discovery-port", "off"]
        for command in ([*TWISTD, "pylpaca"], [sys.executable, "-m", "pylpaca"]):
            server = ServerProcess(arguments, self.folder, command)
            self.addCleanup(server.terminate)
            self.assertTrue(management.configureddevices(server.address))
            self.assertEqual(server.terminate(), 0)

    def test_mistakes(self) -> None:
        """Mistakes in the configuration, each in a line, and status 1."""
        server = self.started({"drivers": [{"device_type": "doom"}]})
        self.assertEqual(server.status, 1)
        self.assertEqual(server.lines[0], "pylpaca cannot start:")
        told = "\n".join(server.lines)
        self.assertIn("config.json:1:15: drivers[0].device_type: there is no device type 'doom'", told)
        self.assertIn("config.json:1:14: drivers[0].device_number: is missing", told)
        self.assertNotIn("Traceback", "\n".join(server.lines))

    def test_module(self) -> None:
        """`python -m pylpaca` does the same."""
        arguments = ["--listen", "tcp:0:interface=127.0.0.1", "--discovery-port", "off"]
        server = ServerProcess(arguments, self.folder, [sys.executable, "-m", "pylpaca"])
        self.addCleanup(server.terminate)
        self.assertEqual(management.apiversions(server.address), [1])
        self.assertEqual(server.terminate(), 0)

    def test_both_families(self) -> None:
        """By default one port serves IPv4 and IPv6 clients."""
        if not socket.has_ipv6:
            raise SkipTest("this machine has no IPv6")
        port = free_tcp_port()
        server = self.started(None, "--listen", rf"tcp6:{port}:interface=\:\:", "--discovery-port", "off")
        self.assertIn(f"[::1]:{port}", server.ready)
        for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
            with socket.socket(family) as client:
                client.connect((host, port))
                client.sendall(b"GET /management/apiversions HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                self.assertTrue(client.recv(100).startswith(b"HTTP/1.1 200 OK"))


HANGS = """
from twisted.internet.defer import Deferred
from pylpaca.device import SafetyMonitor


class HangingMonitor(SafetyMonitor):
    \"\"\"Never says whether it is safe; says everything else.\"\"\"

    def connect(self):
        self.log.info("connect")

    def shutdown(self):
        self.log.info("shutdown")

    def disconnect(self):
        self.log.info("disconnect")

    def IsSafe(self):
        self.log.info("asked")
        return Deferred()
"""


class DiscoveryTests(ServerTestCase):
    def asked(self, port: int, datagram: bytes, wait: float) -> bytes | None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(wait)
            client.sendto(datagram, ("127.0.0.1", port))
            try:
                return client.recv(1000)
            except TimeoutError:
                return None

    def test_answer(self) -> None:
        """The question is answered with the port of HTTP; anything else is not."""
        port = free_udp_port()
        server = self.started(None, "--listen", "tcp:0:interface=127.0.0.1", "--discovery-port", str(port))
        expected = b'{"AlpacaPort":%d}' % int(server.address.rpartition(":")[2])
        self.assertEqual(self.asked(port, b"alpacadiscovery1", PATIENCE), expected)
        self.assertIsNone(self.asked(port, expected, 0.3))

    def test_two_servers(self) -> None:
        """Two servers of one machine share the port, and a broadcast reaches both."""
        port = free_udp_port()
        arguments = ("--listen", "tcp:0:interface=127.0.0.1", "--discovery-port", str(port))
        servers = [self.started(None, *arguments), self.started(None, *arguments)]
        expected = {b'{"AlpacaPort":%d}' % int(server.address.rpartition(":")[2]) for server in servers}
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            client.settimeout(PATIENCE)
            client.sendto(b"alpacadiscovery1", ("127.255.255.255", port))
            self.assertEqual({client.recv(1000), client.recv(1000)}, expected)


class LoopbackOnlyTests(ServerTestCase):
    """
    alpyca and the embedded default on its default ports.

    alpyca broadcasts on every interface, so this runs where loopback is the only one that has IPv4.
    """

    def found(self) -> Any:
        command = [sys.executable, "-m", "tests.loopback_only", str(self.folder)]
        namespace = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--net"]
        if shutil.which("unshare") is None or subprocess.run([*namespace, "true"], capture_output=True).returncode:
            raise SkipTest("no network namespace here: install util-linux, or allow user namespaces")
        paths = os.pathsep.join([os.getcwd(), *filter(None, sys.path)])
        environment = {**os.environ, "PYTHONPATH": paths}
        done = subprocess.run([*namespace, *command], capture_output=True, text=True, env=environment, timeout=120)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return json.loads(done.stdout.splitlines()[-1])

    def test_discovery(self) -> None:
        """alpyca finds the server, and the devices; a question to the IPv6 group is answered, too."""
        found = self.found()
        self.assertEqual(found["ipv4"], ["127.0.0.1:11111"])
        self.assertEqual(found["devices"], [device_type(interface) for interface in DEVICE_TYPES.values()])
        self.assertEqual(found["status"], 0)
        if found["ipv6"] is None:
            raise SkipTest("no interface with IPv6 could be made for the IPv6 question: install iproute2")
        self.assertEqual(found["ipv6"], '{"AlpacaPort":11111}')


PATTERN = """
import numpy as np
from tests.doubles import PictureCamera


class PatternCamera(PictureCamera):
    \"\"\"Every pixel of its picture is different; the exposure time says which type they need.\"\"\"

    def StartExposure(self, Duration, Light):
        low = {1: 0, 2: 300, 3: -300, 4: 100_000, 5: 0}[round(Duration * 100)]
        rows, columns = (2000, 3000) if Duration == 0.05 else (13, 17)
        self.picture = np.arange(rows * columns).reshape(rows, columns) + low
        super().StartExposure(Duration, Light)
"""


class AlpycaImageTests(ServerTestCase):
    """ASCOM's own Python client decodes the images of a server in another process, whose own threads are at work."""

    def started_camera(self) -> tuple[ServerProcess, Camera]:
        (self.folder / "drivers").mkdir()
        (self.folder / "drivers" / "pattern.py").write_text(PATTERN)
        entry = {"device_type": "camera", "device_number": 0, "device_driver": "PatternCamera"}
        options = ("--listen", "tcp:0:interface=127.0.0.1", "--discovery-port", "off")
        server = self.started({"drivers": [entry]}, *options)
        camera = Camera(server.address, 0)
        camera.Connected = True
        return server, camera

    def test_large(self) -> None:
        """24 megabytes arrive byte for byte, however fast they are taken: by three clients at once, one of which takes little."""
        server, camera = self.started_camera()
        camera.StartExposure(0.05, True)
        seen_until(True, partial(getattr, camera, "ImageReady"))
        host, _, port = server.address.partition(":")
        connections = [socket.create_connection((host, int(port))) for _ in range(3)]
        request = b"GET /api/v1/camera/0/imagearray HTTP/1.1\r\nHost: x\r\nAccept: application/imagebytes\r\n\r\n"
        for connection in connections:
            self.addCleanup(connection.close)
            connection.sendall(request)
        wanted = np.arange(2000 * 3000, dtype="<i4").reshape(2000, 3000).T.tobytes()
        for connection, at_once in zip(connections, (1 << 20, 1 << 16, 1 << 12), strict=True):
            received = bytearray()
            while len(received) < len(wanted) or not received.endswith(wanted[-100:]):
                received += connection.recv(at_once)
            head, _, body = bytes(received).partition(b"\r\n\r\n")
            self.assertIn(b"\r\nContent-Length: %d" % (44 + len(wanted)), head + b"\r\n")
            self.assertEqual(body[44:], wanted)
        self.assertEqual(server.terminate(), 0)

    def test_every_pixel(self) -> None:
        """On a picture that is not square and has no value twice, in each type that whole numbers are narrowed to."""
        server, camera = self.started_camera()
        kinds = ImageArrayElementTypes
        lows = (0, kinds.Byte), (300, kinds.UInt16), (-300, kinds.Int16), (100_000, kinds.Int32)
        for hundredths, (low, sent_as) in enumerate(lows, 1):
            camera.StartExposure(hundredths / 100, True)
            seen_until(True, partial(getattr, camera, "ImageReady"))
            self.assertEqual(camera.CameraState, CameraStates.cameraIdle)
            wanted = [[low + 17 * y + x for y in range(13)] for x in range(17)]
            self.assertEqual([list(column) for column in camera.ImageArray], wanted)
            about = camera.ImageArrayInfo
            self.assertEqual((about.ImageElementType, about.TransmissionElementType), (kinds.Int32, sent_as))
            self.assertEqual((about.Rank, about.Dimension1, about.Dimension2, about.Dimension3), (2, 17, 13, 0))
        self.assertEqual(server.terminate(), 0)
        self.assertNotIn("Traceback", "\n".join(server.lines))


BLOCKING = """
from time import sleep

from pylpaca.device import SafetyMonitor


class BlockingMonitor(SafetyMonitor):
    \"\"\"Its author did not know what blocks.\"\"\"

    def IsSafe(self):
        sleep(1.2)
        return True
"""


class WatchdogTests(ServerTestCase):
    def test_named(self) -> None:
        """A driver that keeps the server from answering is named, with its file and line, and how long it did."""
        (self.folder / "drivers").mkdir()
        (self.folder / "drivers" / "blocking.py").write_text(BLOCKING)
        entry = {"device_type": "safetymonitor", "device_number": 0, "device_driver": "BlockingMonitor", "name": "Rain"}
        options = ("--listen", "tcp:0:interface=127.0.0.1", "--discovery-port", "off")
        server = self.started({"drivers": [entry]}, *options)
        monitor = SafetyMonitor(server.address, 0)
        monitor.Connected = True
        self.assertIs(monitor.IsSafe, True)
        self.assertEqual(server.terminate(), 0)
        (said,) = [line for line in server.lines if "nothing else has been done" in line]
        self.assertRegex(
            said, r"Rain \(IsSafe\) blocks in \S*drivers/blocking\.py, line 11, IsSafe; what blocks belongs into self\.in_thread"
        )
        (over,) = [line for line in server.lines if "the server goes on" in line]
        self.assertRegex(over, r"goes on after 1\.\d s")


class WatchedTests(ServerTestCase):
    """What looks after a server asks one that was started as users start it."""

    def setUp(self) -> None:
        super().setUp()
        dome = {"device_type": "dome", "device_number": 0, "device_driver": "DomeSimulator", "autoconnect": True}
        self.server = self.started({"drivers": [dome]}, "--listen", "tcp:0:interface=127.0.0.1", "--discovery-port", "off")

    def asked(self, path: str) -> str:
        with urlopen(f"http://{self.server.address}{path}") as answer:
            return str(answer.read().decode())

    def test_diagnostics(self) -> None:
        """The diagnostics file has the addresses of the server, what the system was asked for, and the log from its start."""
        found = json.loads(self.asked("/log/diagnostics.json"))
        lines = [each["text"] for each in found["log"]]
        self.assertEqual((found["addresses"], found["devices"][0]["link"]), ([self.server.address], "connected"))
        self.assertIn("Dome 0 is connected", lines)
        self.assertTrue(any(each.startswith("ready: 1 devices") for each in lines))
        self.assertGreater(found["process"]["cpu_seconds"], 0)

    def test_health(self) -> None:
        """All is well, and the reactor turns."""
        self.assertEqual(json.loads(self.asked("/health"))["status"], "ok")

    def test_metrics(self) -> None:
        """After a while it is known how late the reactor was."""
        sampled = seen_until(True, lambda: "pylpaca_reactor_lag_seconds_count 0\n" not in self.asked("/metrics"))
        self.assertEqual(sampled[-1], True)
