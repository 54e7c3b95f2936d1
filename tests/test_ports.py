"""Serial ports: which there are, which one a setting means, and why one cannot be opened."""

from __future__ import annotations

import errno
import os
import pty
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import SkipTest

from hypothesis import given
from hypothesis import strategies as st
from serial import Serial, SerialException
from serial.tools.list_ports_common import ListPortInfo
from twisted.trial.unittest import SynchronousTestCase

import pylpaca
from pylpaca.serial.holders import Holders, Program, holders
from pylpaca.serial.inventory import Machine, Port, UsbId
from pylpaca.serial.listing import ADVICE, NOTHING, listing
from pylpaca.serial.permission import Owner, User, may_open, owner_of, this_user, what_to_do
from pylpaca.serial.ports import PortNotFound, find, here, is_there, obstacle, why_not

DIALOUT = Owner("root", "dialout", 0o20660)
JO = User("jo", frozenset({"jo"}), frozenset({"jo"}))


def public_folder(case: SynchronousTestCase) -> Path:
    """A folder that every user may read, for as long as the test."""
    folder = Path(tempfile.mkdtemp()).resolve()
    case.addCleanup(shutil.rmtree, folder)
    folder.chmod(0o755)
    return folder


def as_another_user(case: SynchronousTestCase, folder: Path) -> None:
    """For the rest of the test, not root."""
    if os.geteuid() == 0:
        os.seteuid(65534)
        case.addCleanup(os.seteuid, 0)
        if not os.path.exists(folder):
            raise SkipTest(f"{tempfile.gettempdir()} is closed to other users")


class MachineTestCase(SynchronousTestCase):
    """A computer in a folder: its nodes, the links to them, and what pyserial says."""

    def setUp(self) -> None:
        self.home = public_folder(self)
        for folder in ("dev", "by-id", "by-path", "ttys", "proc"):
            (self.home / folder).mkdir(parents=True)
        self.infos: list[ListPortInfo] = []
        self.may_open: Callable[[str], bool] = lambda node: True
        self.platform = "linux"

    @property
    def machine(self) -> Machine:
        return Machine(
            platform=self.platform,
            by_id=self.home / "by-id",
            by_path=self.home / "by-path",
            ttys=self.home / "ttys",
            proc=self.home / "proc",
            comports=lambda: self.infos,
            may_open=self.may_open,
            owner_of=lambda node: DIALOUT,
            user=lambda: JO,
        )

    def node(self, device: str, name: str = "", socket: str = "") -> str:
        """A device node, with its links; what it is called."""
        node = self.home / "dev" / device
        node.touch()
        if name:
            (self.home / "by-id" / name).symlink_to(node)
        if socket:
            (self.home / "by-path" / socket).symlink_to(node)
        return str(node)

    def plug(self, device: str, serial_number: str | None = None, name: str = "", socket: str = "", **said: Any) -> str:
        """A USB adapter; what its node is called."""
        info = ListPortInfo(self.node(device, name, socket))
        info.vid, info.pid, info.serial_number = 0x0403, 0x6001, serial_number
        for key, value in said.items():
            setattr(info, key, value)
        self.infos.append(info)
        return str(info.device)

    def process(self, pid: int, command: list[str], *files: str) -> None:
        """A running program and what it has open."""
        folder = self.home / "proc" / str(pid)
        (folder / "fd").mkdir(parents=True)
        (folder / "comm").write_text(os.path.basename(command[0])[:15] + "\n")
        (folder / "cmdline").write_bytes(b"".join(word.encode() + b"\0" for word in command))
        for number, file in enumerate(files):
            (folder / "fd" / str(number)).symlink_to(file)

    def not_found(self, port: str) -> str:
        return str(self.assertRaises(PortNotFound, find, port, self.machine))


class FindTests(MachineTestCase):
    def test_path(self) -> None:
        """A path is itself, there or not."""
        node = self.plug("ttyUSB0")
        self.assertEqual(find(node, self.machine), node)
        self.assertEqual(find("/dev/there-is-none", self.machine), "/dev/there-is-none")

    def test_one_port_by_all_its_names(self) -> None:
        """However a port is named, it is the same node: who shares a cable may call it differently."""
        node = self.plug("ttyUSB0", "A1", name="usb-FTDI_A1-if00-port0", socket="pci-0:1:1.0")
        folder = f"{self.home}/by-id/usb-FTDI_A1-if00-port0"
        for port in ("usb-FTDI_A1-if00-port0", folder, "usb:0403:6001:A1", "usb:403:6001", "USB:0403:6001:a1", "pci-0:1:1.0"):
            self.assertEqual(find(port, self.machine), node, port)
            self.assertTrue(is_there(port, self.machine), port)

    def test_another_node_after_it_returned(self) -> None:
        """A device that comes back as another node is found by its name."""
        node = self.plug("ttyUSB0", "A1", name="usb-FTDI_A1")
        os.unlink(node)
        os.unlink(self.home / "by-id" / "usb-FTDI_A1")
        self.infos.clear()
        for port in ("usb-FTDI_A1", f"{self.home}/by-id/usb-FTDI_A1", "usb:0403:6001:A1", node):
            self.assertFalse(is_there(port, self.machine), port)
        node = self.plug("ttyUSB1", "A1", name="usb-FTDI_A1")
        for port in ("usb-FTDI_A1", f"{self.home}/by-id/usb-FTDI_A1", "usb:0403:6001:A1"):
            self.assertTrue(is_there(port, self.machine), port)
            self.assertEqual(find(port, self.machine), node)

    def test_not_here(self) -> None:
        """A name that nothing has is refused with the names there are."""
        self.assertEqual(
            self.not_found("usb:0403:6001"),
            'there is no port usb:0403:6001: plug the device in, or correct "port" (no serial port is here)',
        )
        node = self.plug("ttyUSB0", "A1")
        there = f'plug the device in, or correct "port" (here: {node} (usb:0403:6001:A1))'
        for port in ("usb-Arduino_Uno", "usb:0403:6001:B2", "usb:2341:0043", "COM3"):
            self.assertEqual(self.not_found(port), f"there is no port {port}: {there}")

    def test_bare_name(self) -> None:
        """A name without its folder is told the path."""
        self.assertEqual(self.not_found("null"), 'there is no port null: write "/dev/null"')

    def test_two_of_a_kind(self) -> None:
        """Of two devices of a kind, the serial number says which one."""
        one, two = self.plug("ttyUSB0", "A1"), self.plug("ttyUSB1", "B2")
        self.assertEqual(
            self.not_found("usb:0403:6001"),
            '"usb:0403:6001" means 2 ports that are here: write the one you mean with its serial number, '
            f"usb:0403:6001:A1 (now {one}) or usb:0403:6001:B2 (now {two})",
        )
        self.assertTrue(is_there("usb:0403:6001", self.machine))
        self.assertEqual(find("usb:0403:6001:B2", self.machine), two)

    def test_several_ports_of_one_device(self) -> None:
        """The ports of an adapter that has several are told by name."""
        one, two = self.plug("ttyUSB0", "A1", name="usb-Quad-if00"), self.plug("ttyUSB1", "A1", name="usb-Quad-if01")
        self.assertIn(
            f"write the one you mean by its name, usb-Quad-if00 (now {one}) or usb-Quad-if01 (now {two})",
            self.not_found("usb:0403:6001:A1"),
        )

    def test_two_without_serial_number(self) -> None:
        """Cheap adapters are told by the socket they are in, or at worst by node."""
        one, two = self.plug("ttyUSB0"), self.plug("ttyUSB1", name="usb-1a86_USB_Serial")
        self.assertIn(f"write the one you mean by its device, {one} or {two}", self.not_found("usb:0403:6001"))
        for node, socket in ((one, "usb-0:1"), (two, "usb-0:2")):
            (self.home / "by-path" / socket).symlink_to(node)
        folder = self.home / "by-path"
        self.assertIn(
            f"by the socket it is plugged into, {folder}/usb-0:1 (now {one}) or {folder}/usb-0:2 (now {two})",
            self.not_found("usb:0403:6001"),
        )

    def test_no_usb_id(self) -> None:
        """A USB device that is written wrong is shown right."""
        for port in ("usb:", "usb:0403", "usb:wxyz:6001", "usb:0403:6001:"):
            self.assertEqual(
                self.not_found(port),
                f'"{port}" is no USB device: write usb:VENDOR:PRODUCT or usb:VENDOR:PRODUCT:SERIAL, as usb:0403:6001',
            )
            self.assertFalse(is_there(port, self.machine))

    def test_windows(self) -> None:
        """On Windows a port is its name."""
        self.platform = "win32"
        self.assertEqual(find("COM3", self.machine), "COM3")

    @given(st.integers(0, 0xFFFF), st.integers(0, 0xFFFF), st.text(st.characters(exclude_characters="\n\r", codec="ascii")))
    def test_written_and_read(self, vid: int, pid: int, serial_number: str) -> None:
        """What the table of ports shows can be written into a setting, whatever the serial number."""
        usb = UsbId(vid, pid, serial_number)
        self.assertEqual(UsbId.read(str(usb)), usb)


class HereTests(MachineTestCase):
    def test_described(self) -> None:
        """A port has its name, its socket, and who made what."""
        node = self.plug("ttyUSB0", "A1", "usb-FTDI_A1", "pci-1", manufacturer="FTDI", product="FT232R USB UART")
        socket = f"{self.home}/by-path/pci-1"
        self.assertEqual(
            here(self.machine), [Port(node, "usb-FTDI_A1", socket, "FTDI FT232R USB UART", UsbId(0x0403, 0x6001, "A1"))]
        )

    def test_descriptions(self) -> None:
        """What pyserial says is said once."""
        for device, said, shown in (
            ("ttyUSB0", {"manufacturer": "FTDI", "product": "FTDI Chip"}, "FTDI Chip"),
            ("ttyUSB1", {"manufacturer": "wch.cn", "description": "USB-SERIAL CH340 (COM3)"}, "wch.cn USB-SERIAL CH340 (COM3)"),
            ("ttyUSB2", {"description": "ttyUSB2"}, ""),
            ("ttyUSB3", {"product": "Thing"}, "Thing"),
            ("ttyUSB4", {"manufacturer": "Somebody"}, "Somebody"),
        ):
            node = self.plug(device, **said)
            self.assertEqual({port.device: port.description for port in here(self.machine)}[node], shown)

    def test_order(self) -> None:
        """Two comes before ten."""
        nodes = [self.plug(f"ttyUSB{number}") for number in (10, 2, 0)]
        self.assertEqual([port.device for port in here(self.machine)], nodes[::-1])

    def test_only_those_with_hardware(self) -> None:
        """A built-in port that the computer does not have is left out; one that pyserial does not know is not."""
        for number, kind in ((0, 4), (1, 0), (2, 0)):
            self.infos.append(ListPortInfo(f"/dev/ttyS{number}"))
            (self.home / "ttys" / f"ttyS{number}").mkdir()
            (self.home / "ttys" / f"ttyS{number}" / "type").write_text(f"{kind}\n")
        del self.infos[0]
        self.assertEqual(here(self.machine), [Port("/dev/ttyS0")])

    def test_unknown_to_pyserial(self) -> None:
        """A port that only /dev/serial/by-id has is a port."""
        node = self.node("ttyXYZ0", "usb-Odd_Port", "pci-1")
        self.assertEqual(here(self.machine), [Port(node, "usb-Odd_Port", f"{self.home}/by-path/pci-1")])

    def test_no_folders(self) -> None:
        """Where there are no such folders, as on macOS and Windows, there are the ports that pyserial finds."""
        node = self.plug("cu.usbserial-A1", "A1")
        nowhere = self.home / "nowhere"
        machine = Machine(comports=lambda: self.infos, by_id=nowhere, by_path=nowhere, ttys=nowhere, proc=nowhere)
        self.assertEqual([port.device for port in here(machine)], [node])
        self.assertEqual(find("usb:0403:6001", machine), node)
        self.assertEqual(obstacle(here(machine)[0], machine), "")

    def test_this_machine(self) -> None:
        """It works on the computer that runs the tests."""
        for port in here():
            self.assertTrue(is_there(port.device), port)

    def test_pulled_while_they_are_listed(self) -> None:
        """When a device goes while its description is read, the ports are listed bare; none is what a description means."""
        roof = self.plug("ttyUSB0", name="usb-Roof")
        for name, kind, real in (("ttyUSB0", None, True), ("ttyUSB1", None, True), ("ttyS0", "0", True), ("tty1", None, False)):
            (self.home / "ttys" / name).mkdir()
            if kind is not None:
                (self.home / "ttys" / name / "type").write_text(kind)
            if real:
                (self.home / "ttys" / name / "device").mkdir()

        def pulled() -> Iterable[Any]:
            raise TypeError("int() can't convert non-string with explicit base")

        machine = replace(self.machine, comports=pulled)
        self.assertEqual({port.device for port in here(machine)}, {roof, "/dev/ttyUSB0", "/dev/ttyUSB1"})
        self.assertFalse(is_there("usb:0403:6001", machine))
        self.assertRaises(PortNotFound, find, "usb:0403:6001", machine)


class PermissionTests(SynchronousTestCase):
    def test_not_in_the_group(self) -> None:
        """The command to type names the group and the user."""
        self.assertEqual(
            what_to_do(DIALOUT, JO),
            "add this user to the group dialout, which owns it: type `sudo usermod -aG dialout jo`, then log in again "
            "(restart a service)",
        )

    def test_odd_name(self) -> None:
        """The command is right for a user of a domain, too."""
        self.assertIn(
            r"`sudo usermod -aG uucp 'HOME\jo'`", what_to_do(Owner("root", "uucp", 0o660), User(r"HOME\jo", *[frozenset()] * 2))
        )

    def test_not_logged_in_anew(self) -> None:
        """Who is in the group already is told to log in again."""
        added = User("jo", frozenset({"jo"}), frozenset({"jo", "dialout"}))
        self.assertEqual(
            what_to_do(DIALOUT, added),
            "jo is in its group dialout already, but was not when this session began: "
            "log out and in again (restart a service; if neither helps, the computer)",
        )

    def test_in_a_container(self) -> None:
        """Where user and group are right, something else keeps the program from the port."""
        member = User("jo", frozenset({"dialout"}), frozenset({"dialout"}))
        for owner, user in ((DIALOUT, member), (Owner("root", "root", 0o666), JO)):
            self.assertIn("a container or sandbox (docker, snap, flatpak) does not", what_to_do(owner, user))

    def test_nobody_may(self) -> None:
        """A console, and a node that no udev rule knows, are not opened by joining a group."""
        for owner, mode in ((Owner("root", "tty", 0o20600), "crw-------"), (Owner("root", "root", 0o20660), "crw-rw----")):
            self.assertIn(f"only root may ({mode}): either the system uses it as a console", what_to_do(owner, JO))

    def test_unknown(self) -> None:
        """Where owner and user cannot be known, the advice is the usual one."""
        self.assertEqual(what_to_do(None, None), "add this user to the group that owns it (often dialout), and log in again")

    def test_this_machine(self) -> None:
        """Who owns a file of ours is known, and that we may open it."""
        file = Path(self.mktemp())
        file.touch(0o660)
        owner, user = owner_of(str(file)), this_user()
        assert owner is not None
        assert user is not None
        self.assertEqual(owner.user, user.name)
        self.assertTrue(may_open(str(file)))
        self.assertIsNone(owner_of("/dev/there-is-none"))

    def test_not_mine(self) -> None:
        """What a user may not open is known without opening it."""
        file = public_folder(self) / "ttyUSB0"
        file.touch(0o000)
        as_another_user(self, file)
        self.assertFalse(may_open(str(file)))


class HoldersTests(MachineTestCase):
    def terminal(self) -> tuple[int, str]:
        ours, theirs = pty.openpty()
        self.addCleanup(os.close, ours)
        self.addCleanup(os.close, theirs)
        return theirs, os.ttyname(theirs)

    def test_another_program(self) -> None:
        """The program that has a port open is found, by what it runs."""
        theirs, node = self.terminal()
        command = [sys.executable, "-c", "input()"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=[theirs]) as other:
            assert other.stdin is not None
            self.addCleanup(other.wait)
            self.addCleanup(other.stdin.close)
            found = {program.pid: program.name for program in holders(node).programs}
            self.assertEqual(found[other.pid], f"{os.path.basename(sys.executable)} -c")
            self.assertIn(os.getpid(), found)

    def test_locked(self) -> None:
        """The program of another user that locked a port is known, too; one that waits for it does not have it."""
        node = self.plug("ttyUSB0")
        for pid in (41, 42, 43):
            self.process(pid, ["/usr/bin/minicom", "-D", node])
        status = os.stat(node)
        file = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
        lines = [f"1: FLOCK  ADVISORY  WRITE 41 {file} 0 EOF", f"1: -> FLOCK  ADVISORY  WRITE 42 {file} 0 EOF"]
        lines += ["2: FLOCK  ADVISORY  WRITE 43 00:06:1 0 EOF", f"3: OFDLCK ADVISORY  READ -1 {file} 0 EOF", ""]
        (self.home / "proc" / "locks").write_text("\n".join(lines))
        self.assertEqual(holders(node, self.home / "proc"), Holders((Program("minicom", 41),)))

    def test_names(self) -> None:
        """A program is called what a person would call it."""
        node = self.plug("ttyUSB0")
        for pid, command in (
            (1, ["/usr/bin/minicom", "-D", node]),
            (2, ["/usr/bin/python3", "-u", "/home/jo/focus.py", "COM3"]),
            (3, ["python3", "-m", "pylpaca", "ports"]),
            (4, ["python3"]),
            (5, ["/opt/evil\x1b[2J" + "x" * 100]),
        ):
            self.process(pid, command, node)
        (self.home / "proc" / "4" / "cmdline").write_bytes(b"")
        names = [program.name for program in holders(node, self.home / "proc").programs]
        self.assertEqual(names[:4], ["minicom", "python3 -u /home/jo/focus.py", "python3 -m pylpaca", "python3"])
        self.assertEqual(names[4], "evil?[2J" + "x" * 52)

    def test_ended_meanwhile(self) -> None:
        """A program that ends while it is looked at harms nothing."""
        node = self.plug("ttyUSB0")
        (self.home / "proc" / "7").mkdir()
        (self.home / "proc" / "version").touch()
        self.assertEqual(holders(node, self.home / "proc"), Holders())

    def test_no_proc(self) -> None:
        """Where there is no /proc, nobody is found."""
        self.assertEqual(holders("COM3", self.home / "nowhere"), Holders())

    def test_hidden(self) -> None:
        """That other users' programs cannot be seen is known."""
        node = self.plug("ttyUSB0")
        self.process(7, ["ModemManager"], node)
        (self.home / "proc" / "7" / "fd").chmod(0)
        self.addCleanup((self.home / "proc" / "7" / "fd").chmod, 0o700)
        as_another_user(self, self.home)
        self.assertEqual(holders(node, self.home / "proc"), Holders(hidden=True))


class WhyNotTests(MachineTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.port = self.plug("ttyUSB0", "A1", name="usb-FTDI_A1")

    def why(self, number: int | None = None, text: str = "could not open port", port: str = "") -> str:
        error = SerialException(number, text) if number else SerialException(text)
        return why_not(port or self.port, error, self.machine)

    def opening(self, port: str) -> SerialException:
        error: SerialException = self.assertRaises(SerialException, Serial, port, exclusive=True)
        return error

    def test_absent(self) -> None:
        """A port that is not there is told with those that are."""
        there = f'plug the device in, or correct "port" (here: {self.port} (usb:0403:6001:A1))'
        for port in ("/dev/there-is-none", "usb-Arduino"):
            self.assertEqual(self.why(errno.ENOENT, port=port), f"there is no port {port}: {there}")
        error = self.opening("/dev/there-is-none")
        self.assertEqual(why_not("/dev/there-is-none", error, self.machine), f"there is no port /dev/there-is-none: {there}")

    def test_ambiguous(self) -> None:
        """A setting that means two ports says so, whatever the system said."""
        self.plug("ttyUSB1", "B2")
        self.assertIn("write the one you mean with its serial number", self.why(errno.ENOENT, port="usb:0403:6001"))

    def test_permission(self) -> None:
        """A port that this user may not open is told with the command that changes it, by the name it has in the settings."""
        for number in (errno.EACCES, errno.EPERM):
            told = self.why(number, port="usb-FTDI_A1")
            self.assertEqual(told, f"no permission to open usb-FTDI_A1: {what_to_do(DIALOUT, JO)}")

    def test_busy(self) -> None:
        """A port that another program has is told with that program."""
        self.assertEqual(self.why(errno.EBUSY), f"{self.port} is in use by another program: stop that one first")
        self.process(41, ["/usr/bin/minicom"], "/dev/null", self.port)
        self.process(42, ["/usr/bin/python3", "focus.py"], self.port)
        for number, text in ((errno.EBUSY, ""), (errno.EAGAIN, ""), (None, "Could not exclusively lock port")):
            told = self.why(number, text, "usb:0403:6001")
            self.assertEqual(
                told, "usb:0403:6001 is in use by minicom (pid 41) and python3 focus.py (pid 42): stop that one first"
            )

    def test_busy_by_us(self) -> None:
        """A port that the server itself has is told so."""
        self.process(os.getpid(), ["twistd"], self.port)
        told = self.why(errno.EAGAIN)
        self.assertEqual(told, f'{self.port} is in use by this server itself: does another device name the same "port"?')

    def test_busy_by_another_user(self) -> None:
        """What only root may see is told with the command that shows it."""
        self.process(41, ["ModemManager"], self.port)
        (self.home / "proc" / "41" / "fd").chmod(0)
        self.addCleanup((self.home / "proc" / "41" / "fd").chmod, 0o700)
        as_another_user(self, self.home)
        self.assertEqual(
            self.why(errno.EBUSY, port="usb-FTDI_A1"),
            f"usb-FTDI_A1 is in use by another user's program: `sudo lsof {self.port}` names it; stop that one first",
        )

    def test_really_busy(self) -> None:
        """A real port that is open here is busy by us."""
        ours, theirs = pty.openpty()
        self.addCleanup(os.close, ours)
        self.addCleanup(os.close, theirs)
        first = Serial(os.ttyname(theirs), exclusive=True)
        self.addCleanup(first.close)
        told = why_not(os.ttyname(theirs), self.opening(os.ttyname(theirs)))
        self.assertIn(f"{os.ttyname(theirs)} is in use by this server itself", told)

    def test_no_serial_port(self) -> None:
        """Something else than a serial port is told so."""
        told = why_not("/dev/null", self.opening("/dev/null"), self.machine)
        self.assertIn('/dev/null is no serial port: correct "port" (here: ', told)
        self.assertIn("is no serial port", why_not(str(self.home), self.opening(str(self.home)), self.machine))

    def test_no_hardware(self) -> None:
        """A built-in port that the computer does not have is told so."""
        for number in (errno.EIO, errno.ENXIO, errno.ENODEV):
            self.assertIn("has no hardware that answers: plug the device in again", self.why(number))

    def test_windows(self) -> None:
        """On Windows the cause is in the text, and a port that is refused is one that another program has."""
        self.platform = "win32"
        denied = "could not open port 'COM3': PermissionError(13, 'Access is denied.', None, 5)"
        self.assertEqual(self.why(text=denied, port="COM3"), "COM3 is in use by another program: stop that one first")
        absent = "could not open port 'COM4': FileNotFoundError(2, 'The system cannot find the file specified.', None, 2)"
        self.assertIn('there is no port COM4: plug the device in, or correct "port"', self.why(text=absent, port="COM4"))

    def test_anything_else(self) -> None:
        """Any other reason is told as the system says it."""
        self.assertEqual(self.why(None, "odd"), f"{self.port} cannot be opened: odd")
        self.assertEqual(self.why(errno.EMFILE, "odd"), f"{self.port} cannot be opened: [Errno {errno.EMFILE}] odd")
        unequal = OSError(errno.EINVAL, "Invalid argument")
        self.assertIn("cannot be opened: [Errno 22]", why_not(self.port, unequal, self.machine))


class ListingTests(MachineTestCase):
    def test_nothing(self) -> None:
        """Without a port there is one sentence."""
        self.assertEqual(listing(self.machine), NOTHING)

    def test_table(self) -> None:
        """Each port is a line, with the names that a setting takes; below it stands why it cannot be opened."""
        one = self.plug("ttyUSB0", "A1", name="usb-FTDI_A1", manufacturer="FTDI", product="FT232R")
        two = self.plug("ttyUSB1")
        self.process(41, ["/usr/bin/minicom"], one)
        gap = " " * len(one.replace("device", "", 1)[6:])
        self.assertEqual(
            listing(self.machine).split("\n"),
            [
                f"device{gap}  what it is   USB               name",
                f"{one}  FTDI FT232R  usb:0403:6001:A1  usb-FTDI_A1",
                f"    {one} is in use by minicom (pid 41): stop that one first",
                f"{two}               usb:0403:6001",
                "",
                ADVICE,
            ],
        )

    def test_permission(self) -> None:
        """A port that this user may not open says what to type."""
        node = self.plug("ttyUSB0")
        self.may_open = lambda tried: tried != node
        self.assertIn(f"    no permission to open {node}: add this user to the group dialout", listing(self.machine))

    def test_odd_letters(self) -> None:
        """What a device says of itself moves no cursor."""
        self.plug("ttyUSB0", product="Evil\x1b[2J Thing", manufacturer="Größe")
        self.assertIn("Größe Evil?[2J Thing", listing(self.machine))


class CommandTests(SynchronousTestCase):
    def run_python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": str(Path(pylpaca.__file__).parent.parent)}
        command = [sys.executable, *arguments]
        return subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)

    def test_ports(self) -> None:
        """`python -m pylpaca ports` prints the table and ends with status 0."""
        ended = self.run_python("-m", "pylpaca", "ports")
        self.assertEqual(ended.returncode, 0, ended.stdout)
        self.assertTrue(ended.stdout.startswith("device") or ended.stdout == f"{NOTHING}\n", ended.stdout)

    def test_no_server(self) -> None:
        """It loads no server and no reactor, so that it is quick."""
        program = (
            "import sys; from pylpaca.__main__ import list_ports; list_ports([]); "
            "print(sorted({'pylpaca.service', 'pylpaca.web', 'klein', 'twisted.internet.reactor'} & set(sys.modules)))"
        )
        self.assertEqual(self.run_python("-c", program).stdout.split("\n")[-2], "[]")

    def test_no_options(self) -> None:
        """Anything after it is refused with a sentence."""
        ended = self.run_python("-m", "pylpaca", "ports", "--all")
        self.assertEqual((ended.returncode, ended.stdout.count("\n")), (1, 1))
        self.assertIn("it has no options", ended.stdout)
