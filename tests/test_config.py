"""Configuration files: what they may say, and how mistakes in them are told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from pylpaca.config import Mistake, Place, _positions, dotted, load, nearest, read
from pylpaca.service import CannotStart, Options, compose

VALUES: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)

GOOD = '{"device_type": "dome", "device_number": %d, "device_driver": "DomeSimulator"}'

# Each seeded mistake: the text of the file, and what the person must be told, with the line.
SEEDED: dict[str, tuple[str, list[tuple[int, str]]]] = {
    "not JSON": ('{"drivers": [\n  {"device_type": "dome",}\n]}', [(2, "is not JSON")]),
    "no drivers": ("{\n}", [(1, '"drivers" is missing')]),
    "unknown key at the top": ('{\n"drivers": [],\n"serve": {}}', [(3, "serve: is not known here; did you mean 'server'?")]),
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
    "number as a text": (
        '{"drivers": [{"device_type": "dome",\n"device_number": "0", "device_driver": "DomeSimulator"}]}',
        [(2, "drivers[0].device_number: should be a valid integer")],
    ),
    "number twice": (
        '{"drivers": [\n' + GOOD % 0 + ",\n" + GOOD % 0 + "]}",
        [(3, "drivers[1].device_number: dome 0 is drivers[0] already")],
    ),
    "unknown driver": (
        '{"drivers": [\n{"device_type": "dome", "device_number": 0,\n\n"device_driver": "DomeSimulater"}]}',
        [(4, "drivers[0].device_driver: there is no class DomeSimulater; looked in ")],
    ),
    "driver of another type": (
        '{"drivers": [\n{"device_type": "focuser", "device_number": 0, "device_driver": "DomeSimulator"}]}',
        [(2, 'drivers[0].device_type: DomeSimulator drives a Dome: write "device_type": "dome"')],
    ),
    "unknown setting": (
        '{"drivers": [{"device_type": "dome", "device_number": 0, "device_driver": "DomeSimulator",\n"driver_config":\n'
        '{"park_azimut": 5}}]}',
        [(3, "drivers[0].driver_config.park_azimut: is not known here; did you mean 'park_azimuth'?")],
    ),
    "setting out of range": (
        '{"drivers": [{"device_type": "dome", "device_number": 0, "device_driver": "DomeSimulator",\n'
        '"driver_config": {"park_azimuth": 400}}]}',
        [(2, "drivers[0].driver_config.park_azimuth: should be less than 360, not 400 (where the dome parks, in degrees)")],
    ),
    "no endpoint": (
        '{"drivers": [],\n"server": {"listen": ["tcp:11111",\n"tpc:11111"]}}',
        [(3, "server.listen[1]: 'tpc:11111' is no Twisted endpoint")],
    ),
    "no port": (
        '{"drivers": [],\n"server": {"discovery_port": 99999}}',
        [(2, 'server.discovery_port: must be a port from 1 to 65535, or "off", not 99999')],
    ),
    "key twice": ('{"drivers": [],\n"drivers": []}', [(2, "drivers: is given twice; only one can hold")]),
    "id twice": (
        '{"drivers": [\n' + GOOD[:-1] % 0 + ', "unique_id": "a-long-enough-id"},\n'
        '{"device_type": "dome", "device_number": 1, "device_driver": "DomeSimulator",\n"unique_id": "a-long-enough-id"}]}',
        [(4, "drivers[1].unique_id: is the unique_id of drivers[0] already")],
    ),
    "no such folder": ('{"drivers": [],\n"driver_path": ["nowhere"]}', [(2, "driver_path[0]: there is no folder ")]),
}


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
        for line in lines:
            self.assertTrue(line.startswith(f"  {path}"), line)
        return [line.removeprefix(f"  {path}") for line in lines]

    def test_all_named(self) -> None:
        """Each seeded mistake is told, alone, with its line, its place and a remedy."""
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
