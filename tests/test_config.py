"""Configuration files: what they may say, and how mistakes in them are told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr, ValidationError
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from pylpaca.config import Mistake, Place, _positions, dotted, explained, load, nearest, read
from pylpaca.service import CannotStart, Options, compose

VALUES: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)

GOOD = '{"device_type": "dome", "device_number": %d, "device_driver": "DomeSimulator"}'


def device(more: str = "", kind: str = "dome", number: str = "0", driver: str = "DomeSimulator") -> str:
    """A file whose second line is a device, and whose third begins with more of it."""
    return f'{{"drivers": [\n{{"device_type": "{kind}", "device_number": {number}, "device_driver": "{driver}"{more}}}]}}'


def serial(more: str) -> str:
    """The same of a device on a serial line; the third line begins with its settings."""
    return device(f', "driver_config": {{"max_step": 1000,\n{more}}}', "focuser", driver="MoonliteFocuser")


def server(more: str) -> str:
    """A file whose second line is in its server section."""
    return f'{{"drivers": [], "server": {{\n{more}}}}}'


# Each seeded mistake: the text of the file, and what the person must be told, with the line.
SEEDED: dict[str, tuple[str, list[tuple[int, str]]]] = {
    # no JSON
    "comma too many": ('{"drivers": [\n  {"device_type": "dome",}\n]}', [(2, "no comma may stand before a closing bracket")]),
    "comma missing": ('{"drivers": []\n"server": {}}', [(2, "is not JSON: is a comma missing in front of this?")]),
    "single quotes": ("{\n'drivers': []}", [(2, "is not JSON: names and texts stand in double quotes")]),
    "comment": ('{"drivers": [],\n// the roof\n"server": {}}', [(2, "is not JSON: there are no comments in JSON")]),
    "Python's words": (server('"allow_public": False'), [(2, "is not JSON: write true, false or null, in lower case")]),
    "not closed": ('{"drivers": [\n{"device_type": "dome"}\n', [(3, "a bracket or brace that was opened is not closed")]),
    "quote missing": (
        server('"name": "roof\n'),
        [(2, "a text ends in the line that it begins in: its closing quote is missing")],
    ),
    "backslashes": ('{"drivers": [],\n"driver_path": ["C:\\Users\\me"]}', [(2, "in a path write / or two backslashes")]),
    "two in one": ("{}\n{}", [(2, "is not JSON: something follows behind the last brace")]),
    "empty": (" ", [(1, 'is not JSON: the file is empty: write {"drivers": []}')]),
    # the whole
    "no drivers": ("{\n}", [(1, '"drivers" is missing')]),
    "drivers by another name": (
        '{\n"driver": []}',
        [(1, '"drivers" is missing'), (2, "driver: is not known here; did you mean 'drivers'?")],
    ),
    "unknown key at the top": ('{\n"drivers": [],\n"serve": {}}', [(3, "serve: is not known here; did you mean 'server'?")]),
    "drivers in braces": ('{\n"drivers": {}}', [(2, "drivers: must be a list of devices")]),
    "device without braces": ('{"drivers": [\n"DomeSimulator"]}', [(2, "drivers[0]: must be an object in braces")]),
    "key twice": ('{"drivers": [],\n"drivers": []}', [(2, "drivers: is given twice; only one can hold")]),
    "no such folder": ('{"drivers": [],\n"driver_path": ["nowhere"]}', [(2, "driver_path[0]: there is no folder ")]),
    "one folder": ('{"drivers": [],\n"driver_path": "mine"}', [(2, "driver_path: must be a list of folders")]),
    # a device
    "misspelled key": (
        '{"drivers": [\n{"device_type": "dome", "device_number": 0,\n"device_drivr": "DomeSimulator"}]}',
        [
            (2, "drivers[0].device_driver: is missing: the driver's class"),
            (3, "drivers[0].device_drivr: is not known here; did you mean 'device_driver'?"),
        ],
    ),
    "unknown device type": (
        '{"drivers": [\n{"device_type":\n"doom", "device_number": 0, "device_driver": "DomeSimulator"}]}',
        [(2, "drivers[0].device_type: there is no device type 'doom'; did you mean 'dome'?")],
    ),
    "no device type": (
        '{"drivers": [\n{"device_number": 0, "device_driver": "X"}]}',
        [(2, "device_type: is missing: the ASCOM")],
    ),
    "number as a text": (device(number='"0"'), [(2, 'drivers[0].device_number: should be a valid integer, not "0"')]),
    "number below 0": (device(number="-1"), [(2, "device_number: should be greater than or equal to 0, not -1")]),
    "number with a fraction": (device(number="1.5"), [(2, "device_number: should be a valid integer, not 1.5")]),
    "number twice": (
        '{"drivers": [\n' + GOOD % 0 + ",\n" + GOOD % 0 + "]}",
        [(3, "drivers[1].device_number: dome 0 is drivers[0] already")],
    ),
    "id twice": (
        '{"drivers": [\n' + GOOD[:-1] % 0 + ', "unique_id": "a-long-enough-id"},\n'
        '{"device_type": "dome", "device_number": 1, "device_driver": "DomeSimulator",\n"unique_id": "a-long-enough-id"}]}',
        [(4, "drivers[1].unique_id: is the unique_id of drivers[0] already")],
    ),
    "short id": (device(',\n"unique_id": "roof"'), [(3, 'unique_id: should have at least 12 characters, not "roof"')]),
    "id with an umlaut": (device(',\n"unique_id": "Klappdach über allem"'), [(3, "unique_id: must be plain ASCII text")]),
    "a text for yes": (device(',\n"autoconnect": "yes"'), [(3, 'autoconnect: should be a valid boolean, not "yes" (connect')]),
    "hyphen": (device(',\n"auto-connect": true'), [(3, "auto-connect: is not known here; did you mean 'autoconnect'?")]),
    "deadline too long": (device(',\n"deadline": 600'), [(3, "deadline: should be less than or equal to 90, not 600 (seconds")]),
    "empty name": (device(',\n"name": ""'), [(3, 'name: should have at least 1 character, not ""')]),
    # its driver
    "unknown driver": (
        '{"drivers": [\n{"device_type": "dome", "device_number": 0,\n\n"device_driver": "DomeSimulater"}]}',
        [(4, "drivers[0].device_driver: there is no class DomeSimulater; looked in ")],
    ),
    "unknown module": (
        device(driver="my_dom.MyDomeDriver"),
        [(2, "device_driver: there is no module drivers.my_dom; looked in ")],
    ),
    "unknown class in a module": (device(driver="my_dome.MyDome"), [(2, "did you mean 'MyDomeDriver'?")]),
    "not installed": (
        device(driver="nowhere.dome:Dome"),
        [(2, "device_driver: no module nowhere.dome is installed; looked in ")],
    ),
    "no class": (
        device(driver="my_dome:"),
        [(2, "device_driver: 'my_dome:' names no class: write MyDome, my_module.MyDome, or ")],
    ),
    "no driver": (
        device(driver="json:JSONDecoder"),
        [(2, "JSONDecoder is no driver: it must be a subclass of pylpaca.device.Dome")],
    ),
    "driver of another type": (
        device(kind="focuser"),
        [(2, 'drivers[0].device_type: DomeSimulator drives a Dome: write "device_type": "dome"')],
    ),
    "unfinished driver": (
        device(kind="safetymonitor", driver="tests.doubles:HalfMonitor"),
        [(2, "drivers[0].device_driver: HalfMonitor does not say IsSafe: every SafetyMonitor has to")],
    ),
    "misspelled parameter": (
        device(kind="focuser", driver="tests.doubles:MisspelledFocuser"),
        [(2, "device_driver: MisspelledFocuser.Move takes (position), but clients send (Position)")],
    ),
    "capability without its member": (
        device(driver="tests.doubles:BoastfulDome"),
        [(2, "device_driver: BoastfulDome: CanSetShutter answers True, but CloseShutter is not implemented")],
    ),
    # its settings
    "unknown setting": (
        device(', "driver_config":\n{"park_azimut": 5}'),
        [(3, "drivers[0].driver_config.park_azimut: is not known here; did you mean 'park_azimuth'?")],
    ),
    "setting out of range": (
        device(',\n"driver_config": {"park_azimuth": 400}'),
        [(3, "drivers[0].driver_config.park_azimuth: should be less than 360, not 400 (where the dome parks, in degrees)")],
    ),
    "setting of another kind": (
        device(',\n"driver_config": {"park_azimuth": "north"}'),
        [(3, 'park_azimuth: should be a valid number, unable to parse string as a number, not "north" (where the dome parks')],
    ),
    "setting twice": (
        device(', "driver_config": {"park_azimuth": 5,\n"park_azimuth": 6}'),
        [(3, "drivers[0].driver_config.park_azimuth: is given twice; only one can hold")],
    ),
    "settings in a list": (device(',\n"driver_config": []'), [(3, "driver_config: should be an object in braces, not []")]),
    "no port": (serial('"speed": 250'), [(2, "drivers[0].driver_config.port: is missing: the serial port, as /dev/ttyUSB0 or")]),
    "no USB device": (serial('"port": "usb:FTDI"'), [(3, 'port: "usb:FTDI" is no USB device: write usb:VENDOR:PRODUCT or ')]),
    "no serial server": (
        serial('"port": "tcp://roof"'),
        [(3, "port: tcp://roof is no serial server: write tcp://HOST:PORT, as ")],
    ),
    "no parity": (serial('"port": "COM3", "parity": "N"'), [(3, "parity: should be 'none', 'even', 'odd', 'mark' or 'space'")]),
    # the server
    "no endpoint": (
        '{"drivers": [],\n"server": {"listen": ["tcp:11111",\n"tpc:11111"]}}',
        [(3, "server.listen[1]: 'tpc:11111' is no Twisted endpoint")],
    ),
    "one endpoint": (server('"listen": "tcp:11111"'), [(2, 'server.listen: should be a list in brackets, not "tcp:11111"')]),
    "endpoint twice": (server('"listen": ["tcp:11111",\n"tcp:11111"]'), [(3, "server.listen[1]: 'tcp:11111' is given twice")]),
    "endpoint of no port": (
        server('"listen": ["tcp:99999"]'),
        [(2, "server.listen[0]: 'tcp:99999' has no port from 1 to 65535")],
    ),
    "no discovery port": (
        server('"discovery_port": 99999'),
        [(2, 'server.discovery_port: must be a port from 1 to 65535, or "off", not 99999')],
    ),
    "misspelled server key": (server('"discovery-port": 1'), [(2, "is not known here; did you mean 'discovery_port'?")]),
    "origin with a path": (server('"cors_origins": ["https://a.org/"]'), [(2, "cors_origins: must be origins such as https://")]),
    "host with a port": (server('"allowed_hosts": ["a.org:80"]'), [(2, "allowed_hosts: must be names such as observatory.")]),
    "empty password": (server('"users": {"me": ""}'), [(2, "users: must be names without a colon, each with a password")]),
    "too few connections": (
        server('"max_connections": 1'),
        [(2, "max_connections: should be greater than or equal to 8, not 1")],
    ),
}


class Account(BaseModel):
    """Settings with passwords, some of which only their names tell."""

    password: str = ""
    tokens: list[str] = []
    others: dict[str, SecretStr] = {}


class SecretMistakeTests(SynchronousTestCase):
    def test_settings(self) -> None:
        """What is wrong with a password is told without it: by the type of a setting, or by its name."""
        raw = {"password": 4711, "tokens": [4711], "others": {"me": 4711}}
        with self.assertRaises(ValidationError) as raised:
            Account.model_validate(raw)
        self.assertNotIn("4711", repr(explained(Account, raised.exception)))

    def test_users(self) -> None:
        """So it is with the password of a user, who forgot the quotes."""
        (mistake,) = read({"server": {"users": {"anna": 4711}}, "drivers": []}).mistakes
        self.assertEqual(str(mistake), "server.users.anna: should be a valid string")


class SeededMistakesTests(SynchronousTestCase):
    def told(self, text: str | bytes) -> list[str]:
        """What a person who starts the server with this file is told."""
        path = Path(self.mktemp())
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        options = Options()
        options["config"] = str(path)
        refused = self.assertRaises(CannotStart, compose, options, MemoryReactorClock(), {})
        first, *lines = str(refused).split("\n")
        self.assertEqual(first, "pylpaca cannot start:")
        self.assertEqual(lines, [f"  {each}" for each in refused.mistakes])
        for line in lines:
            self.assertTrue(line.startswith(f"  {path}"), line)
        return [line.removeprefix(f"  {path}") for line in lines]

    def test_all_named(self) -> None:
        """Each of the seeded mistakes, which are more than 40, is told, alone, with its line, its place and a remedy."""
        self.assertGreaterEqual(len(SEEDED), 40)
        for name, (text, expected) in SEEDED.items():
            told = self.told(text)
            self.assertEqual(len(told), len(expected), f"{name}: {told}")
            for line, (number, sentence) in zip(told, expected, strict=True):
                self.assertTrue(line.startswith(f":{number}:"), f"{name}: {line}")
                self.assertIn(sentence, line, name)

    def test_all_at_once(self) -> None:
        """Several mistakes of several kinds are told together, in the order of the file."""
        text = '{"drivers": [\n{"device_type": "doom"},\n' + (GOOD % 0).replace("Simulator", "Sim") + '],\n"x": 1}'
        told = self.told(text)
        self.assertEqual([int(line.split(":")[1]) for line in told], [2, 2, 2, 3, 4])

    def test_no_file(self) -> None:
        """A file that is not there is told with what to do."""
        options = Options()
        options["config"] = "nowhere.json"
        refused = self.assertRaises(CannotStart, compose, options, MemoryReactorClock(), {})
        self.assertIn("nowhere.json: cannot be read: No such file or directory; give another with --config", str(refused))

    def test_not_utf8(self) -> None:
        """A file in another encoding is told so."""
        self.assertEqual(self.told(b'{"drivers": [], "\xe9": 1}'), [": is not UTF-8 text (byte 17); save it as UTF-8"])

    def test_endless_number(self) -> None:
        """A number with thousands of digits is told, too."""
        self.assertIn("is not a configuration: Exceeds the limit", self.told('{"drivers": ' + "1" * 5000 + "}")[0])

    def test_repeated_object(self) -> None:
        """Of a key given twice only itself is told, not all that is in it."""
        told = self.told('{"drivers": [],\n"server": {"location": "a"},\n"server": {"location": "b"}}')
        self.assertEqual([line.partition(": ")[2] for line in told], ["server: is given twice; only one can hold"])

    def test_not_an_object(self) -> None:
        """A list is no configuration."""
        self.assertIn('must be an object: {"drivers": [...]}', self.told("[]")[0])

    def test_command_line(self) -> None:
        """Mistakes on the command line are told the same way."""
        for option, value, sentence in (
            ("listen", ["nonsense"], "--listen 'nonsense' is no Twisted endpoint"),
            ("discovery-port", "0", '--discovery-port must be a port from 1 to 65535, or "off", not 0'),
            ("discovery-port", "no", '--discovery-port must be a port from 1 to 65535, or "off", not no'),
        ):
            options = Options()
            options[option] = value
            refused = self.assertRaises(CannotStart, compose, options, MemoryReactorClock(), {})
            self.assertIn(sentence, str(refused))


class FormatTests(SynchronousTestCase):
    def test_2019(self) -> None:
        """The format of 2019, as it was."""
        entry = {"device_type": "dome", "device_number": 0, "device_driver": "MyASCOMDomeDriver", "driver_config": {}}
        found = read({"drivers": [entry]})
        self.assertEqual(found.mistakes, ())
        self.assertEqual(found.devices[0].entry.model_dump(include=set(entry)), entry)

    def test_any_case(self) -> None:
        """Device types may be written as ASCOM writes them."""
        entry = {"device_type": "SafetyMonitor", "device_number": 0, "device_driver": "X"}
        self.assertEqual(read({"drivers": [entry]}).devices[0].entry.device_type, "safetymonitor")

    def test_mark_of_windows(self) -> None:
        """Notepad's mark in front of the text does no harm."""
        path = Path(self.mktemp())
        path.write_bytes(b'\xef\xbb\xbf{"drivers": []}')
        self.assertEqual(load(path).mistakes, ())

    def test_server_section(self) -> None:
        """Everything in the server object is optional."""
        server = read({"drivers": [], "server": {"discovery_port": "off", "location": "roof"}}).server
        self.assertEqual((server.discovery_port, server.location, server.listen, server.name), ("off", "roof", [], "pylpaca"))


class PlaceTests(SynchronousTestCase):
    def test_dotted(self) -> None:
        """Places are written as people write them."""
        self.assertEqual(dotted(("drivers", 0, "driver_config", "port")), "drivers[0].driver_config.port")

    def test_nearest(self) -> None:
        """A near word is offered, otherwise all of them."""
        self.assertEqual(nearest("Focusser", ["dome", "focuser"]), "did you mean 'focuser'?")
        self.assertEqual(nearest("xyz", ["dome", "focuser"]), "known: dome, focuser")

    def test_without_a_file(self) -> None:
        """A mistake without a position is still a sentence."""
        self.assertEqual(str(Mistake("is wrong", place=("a",))), "a: is wrong")

    @given(VALUES, st.sampled_from([None, 1, 4]))
    def test_positions(self, content: Any, indent: int | None) -> None:
        """The position of every value of any JSON is where its text, or its key's, begins."""
        text = json.dumps(content, indent=indent)
        lines = text.split("\n")
        positions, repeated = _positions(text)
        self.assertEqual(repeated, [])

        def check(value: Any, place: Place) -> None:
            line, column = positions.pop(place)
            written = place[-1] if place and isinstance(place[-1], str) else value
            start = "{" if isinstance(written, dict) else "[" if isinstance(written, list) else json.dumps(written)
            self.assertTrue(lines[line - 1][column - 1 :].startswith(start))
            children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
            for key, child in children:
                check(child, (*place, key))

        check(content, ())
        self.assertEqual(positions, {})
