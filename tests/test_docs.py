"""What the documentation shows is executed."""

from __future__ import annotations

import json
import re
import sys
import textwrap
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import TestResult

from twisted.python.reflect import namedAny
from twisted.trial.unittest import SynchronousTestCase

import drivers
from drivers.lx200_telescope import LX200Telescope
from drivers.moonlite_focuser import MoonliteFocuser
from drivers.simulators.focuser import FocuserSimulator
from pylpaca import config, device
from pylpaca.interfaces import DEVICE_TYPES
from pylpaca.roster import add_driver_folders, find_driver, verify
from pylpaca.serial import SerialSettings
from pylpaca.settings.forms import fields_of
from pylpaca.testing import MemoryServer, SerialDouble, conformance
from pylpaca.values import CameraState
from tests import first_driver, test_raw_http
from tests.chaos.__main__ import EXPERIMENTS
from tests.firmware import FirmwareDouble, RoofFirmware

ROOT = Path(__file__).parent.parent


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", (ROOT / page).read_text(), re.MULTILINE | re.DOTALL)


def block(page: str, text: str) -> str:
    """The only example of a page with this text in it."""
    (found,) = [each for each in blocks(page, "python") if text in each]
    return found


def module_of(name: str, source: str, page: str) -> Any:
    """An example of a page, as a module of this name."""
    module = ModuleType(name)
    sys.modules[name] = module
    exec(compile(source, page, "exec"), module.__dict__)
    return module


def shown(name: str, page: str = "docs/drivers.md") -> Any:
    """A class as a page for driver authors shows it, in a module of its own."""
    source = block(page, f"class {name}(")
    return getattr(module_of(f"docs_{name.lower()}", source, page), name)


def lines_of(name: str) -> int:
    """How many lines an author writes."""
    return len([line for line in block("docs/drivers.md", f"class {name}(").split("\n") if line.strip()])


class FirstDriverTests(conformance.FocuserConformance, SynchronousTestCase):
    """The focuser of the newcomer's guide passes the kit, over its serial line."""

    driver = module_of("docs_stepper", first_driver.finished(), first_driver.PAGE.name).StepperFocuser
    settings = {"port": "COM3"}  # noqa: RUF012

    def ports(self) -> Mapping[str, SerialDouble]:
        files = {step.name: step.text for step in first_driver.steps() if isinstance(step, first_driver.WriteFile)}
        page = module_of("docs_stepper_double", files["stepper_double.py"], first_driver.PAGE.name)
        return {"COM3": page.StepperDouble()}

    def test_lines(self) -> None:
        """It has at most 40 lines, empty ones counted."""
        self.assertLessEqual(first_driver.finished().count("\n"), 40)

    def test_put_together(self) -> None:
        """What the steps add, put together, is the whole file at the end of the page."""
        *_, last = first_driver.steps()
        self.assertEqual(last, first_driver.WriteFile(first_driver.DRIVER, first_driver.finished()))


class ShownDomeTests(conformance.DomeConformance, SynchronousTestCase):
    """The roof on the page passes the kit, over its serial line."""

    driver = shown("RollOffRoof")
    settings = {"port": "COM3"}  # noqa: RUF012

    def ports(self) -> Mapping[str, SerialDouble]:
        return {"COM3": FirmwareDouble(RoofFirmware)}

    def test_lines(self) -> None:
        """It has at most 50 lines."""
        self.assertLessEqual(lines_of("RollOffRoof"), 50)


class ShownCameraTests(conformance.CameraConformance, SynchronousTestCase):
    """The camera on the page passes the kit."""

    driver = shown("ToyCamera", "docs/cameras.md")

    def test_sensor_fails(self) -> None:
        """When its library fails, clients read Error, and the next exposure works."""
        camera, (entry,) = sys.modules["docs_toycamera"], self.server.roster
        path = f"camera/{entry.number}"
        self.server.put(f"{path}/connected", Connected=True)
        states = []
        for reads in (lambda width, height: 1 / 0, camera.read_sensor):
            self.patch(camera, "read_sensor", reads)
            self.assertEqual(self.server.put(f"{path}/startexposure", Duration=1, Light=True).error, 0)
            self.clock.advance(1)
            states.append((self.server.get(f"{path}/camerastate").value, self.server.get(f"{path}/imageready").value))
        self.assertEqual(states, [(CameraState.Error, False), (CameraState.Idle, True)])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)


class MisbehavingPageTests(SynchronousTestCase):
    def test_what_clients_read(self) -> None:
        """The dome on the page does what it should not, and clients read what the page says."""
        page = "docs/misbehaving-drivers.md"
        shown("BadDome", page)
        sys.modules["bad_dome"] = sys.modules["docs_baddome"]
        self.addCleanup(sys.modules.pop, "bad_dome")
        exec(compile(block(page, "MemoryServer"), page, "exec"), {})
        self.assertEqual(len(self.flushLoggedErrors(AttributeError)), 1)


class DriverPageTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.patch(drivers, "__path__", list(drivers.__path__))
        self.addCleanup(sys.modules.pop, "drivers.rain", None)
        self.home = Path(self.mktemp())
        (self.home / "drivers").mkdir(parents=True)
        self.sensor = block("docs/drivers.md", "class RainSensor")
        (self.home / "drivers" / "rain.py").write_text(self.sensor)

    def test_safety_monitor(self) -> None:
        """The safety monitor is complete, in at most 12 lines, and works through the whole server."""
        lines = [line for line in self.sensor.split("\n") if line.strip()]
        self.assertLessEqual(len(lines), 12)
        add_driver_folders(config.read({"drivers": []}, path=self.home / "config.json"))
        verify(find_driver("RainSensor"), "safetymonitor")
        names: dict[str, Any] = {}
        exec(compile(block("docs/drivers.md", "SerialDouble"), "docs/drivers.md", "exec"), names)
        server, sensor = names["server"], names["sensor"]
        self.assertEqual(sensor.commands, [b"R?"])
        state = server.get("safetymonitor/0/devicestate").value
        self.assertEqual(state[0], {"Name": "IsSafe", "Value": True})
        sensor.unplug()
        self.assertEqual(server.get("safetymonitor/0/issafe").error, 0x500)

    def test_conformance(self) -> None:
        """The three lines that check a driver are right: they run the whole program on it."""
        source = block("docs/drivers.md", "FocuserConformance").replace("MyFocuser\n", "FocuserSimulator\n")
        names: dict[str, Any] = {"FocuserSimulator": FocuserSimulator}
        exec(compile(source, "docs/drivers.md", "exec"), names)
        result = TestResult()
        names["MyFocuserTests"]("test_program_twice").run(result)
        self.assertEqual((result.testsRun, result.wasSuccessful()), (1, True))

    def test_many_clients(self) -> None:
        """The focuser on a slow line is asked as often as the page says, however many ask, and anew after an order."""
        sensor = SerialDouble({b"P": b"500", b"T": b"11.5", b"M": b"0", b"G7": b"OK"}.get)
        shown("SlowFocuser")
        driver = {"device_type": "focuser", "device_number": 0, "device_driver": "docs_slowfocuser:SlowFocuser"}
        server = MemoryServer({"drivers": [{**driver, "driver_config": {"port": "COM3"}}]}, serial={"COM3": sensor})
        self.addCleanup(sys.modules.pop, "docs_slowfocuser")
        server.put("focuser/0/connected", Connected=True)
        for _ in range(100):
            self.assertEqual((server.get("focuser/0/position").value, server.get("focuser/0/temperature").value), (500, 11.5))
            server.clock.advance(0.01)
        self.assertEqual([sensor.commands.count(each) for each in (b"P", b"T")], [10, 1])
        server.put("focuser/0/move", Position=7)
        server.get("focuser/0/temperature")
        self.assertEqual(sensor.commands[-2:], [b"G7", b"T"])

    def test_configuration(self) -> None:
        """The configuration beside it is right, too."""
        (text,) = blocks("docs/drivers.md", "json")
        found = config.read(json.loads(text), text, self.home / "config.json")
        self.assertEqual(found.mistakes, ())
        add_driver_folders(found)
        entry = found.devices[0].entry
        settings = find_driver(entry.device_driver).Settings.model_validate(entry.driver_config)
        self.assertEqual(settings.model_dump()["dry_above"], 700)

    def test_what_has_to_be_written(self) -> None:
        """The table of what an author has to write names exactly that, for every device type."""
        page = (ROOT / "docs/drivers.md").read_text()
        rows = dict(re.findall(r"^\| (\w+) \| `\w+` \| (.*) \|$", page, re.MULTILINE))
        self.assertEqual(set(rows), set(DEVICE_TYPES))
        for kind, base in device.BASES.items():
            written = set(re.findall(r"`(\w+)`", rows[kind].partition(", and `Position`")[0].partition(";")[0]))
            needed = set(getattr(base, "__abstractmethods__", ()))
            self.assertEqual(written - {"CoverState", "CalibratorState"}, needed, kind)


class MoonlitePageTests(SynchronousTestCase):
    def test_example(self) -> None:
        """The configuration is right."""
        (text,) = blocks("docs/moonlite-focuser.md", "json")
        found = config.read(json.loads(text), text)
        self.assertEqual(found.mistakes, ())
        entry = found.devices[0].entry
        self.assertIs(find_driver(entry.device_driver), MoonliteFocuser)
        self.assertEqual(MoonliteFocuser.Settings.model_validate(entry.driver_config).step_size, 4.2)

    def test_every_setting(self) -> None:
        """The table has the settings that are this driver's own, or differ from those of others, and says which are needed."""
        page = (ROOT / "docs/moonlite-focuser.md").read_text()
        rows = dict(re.findall(r"^\| `(\w+)` \| (needed)? ?\|", page, re.MULTILINE))
        own, common = MoonliteFocuser.Settings.model_fields, SerialSettings.model_fields
        differ = {name: field for name, field in own.items() if name not in common or field.default != common[name].default}
        self.assertEqual(set(rows), {"port", *differ})
        self.assertEqual({name for name, needed in rows.items() if needed}, {n for n, f in own.items() if f.is_required()})


class LX200PageTests(SynchronousTestCase):
    def test_examples(self) -> None:
        """Both configurations are right."""
        ports = []
        for text in blocks("docs/lx200-telescope.md", "json"):
            found = config.read(json.loads(text), text)
            self.assertEqual(found.mistakes, ())
            entry = found.devices[0].entry
            self.assertIs(find_driver(entry.device_driver), LX200Telescope)
            ports.append(LX200Telescope.Settings.model_validate(entry.driver_config).port)
        self.assertEqual(ports, ["/dev/ttyUSB0", "tcp://192.168.0.1:9998"])

    def test_every_setting(self) -> None:
        """The table has the settings that are this driver's own, or differ from those of others."""
        page = (ROOT / "docs/lx200-telescope.md").read_text().partition("## Settings")[2]
        rows = re.findall(r"^\| (`.*?) \|", page.partition("##")[0], re.MULTILINE)
        own, common = LX200Telescope.Settings.model_fields, SerialSettings.model_fields
        differ = {name for name, field in own.items() if name not in common or field.default != common[name].default}
        self.assertEqual({name for row in rows for name in re.findall(r"`(\w+)`", row)}, {"port", *differ})


class ConfigurationPageTests(SynchronousTestCase):
    def test_example(self) -> None:
        """The example is right."""
        (text,) = blocks("docs/configuration.md", "json")
        self.assertEqual(config.read(json.loads(text), text).mistakes, ())

    def test_every_key(self) -> None:
        """The tables name every key there is, and no other."""
        page = (ROOT / "docs/configuration.md").read_text()
        devices, server = page.split("`server`: all of it optional.")
        for text, model in ((devices, config.DriverEntry), (server, config.ServerSection)):
            rows = re.findall(r"^\| (`.*?) \|", text, re.MULTILINE)
            self.assertEqual({key for row in rows for key in re.findall(r"`(\w+)`", row)}, set(model.model_fields))

    def test_repository_configuration(self) -> None:
        """The repository's own config.json is right, and has a simulator of every type and the dome template."""
        found = config.load(ROOT / "config.json")
        self.assertEqual(found.mistakes, ())
        names = {each.entry.device_type: each.entry.device_driver for each in reversed(found.devices)}
        self.assertEqual(set(names), set(DEVICE_TYPES))
        self.assertTrue(all(name.endswith("Simulator") for name in names.values()), names)
        self.assertIn("MyDomeDriver", [each.entry.device_driver for each in found.devices])


class ReliabilityPageTests(SynchronousTestCase):
    def test_named_tests(self) -> None:
        """Every test that the page names is there."""
        page = (ROOT / "docs/reliability.md").read_text()
        named = set(re.findall(r"`(tests\.test_\w+)(?:\.(\w+))?`", page))
        self.assertGreater(len(named), 20)
        for module, name in named:
            source = ROOT / f"{module.replace('.', '/')}.py"
            self.assertTrue(source.exists(), module)
            self.assertIn(f"class {name}(" if name else "def test_", source.read_text(), module)

    def test_every_row(self) -> None:
        """Every row is there, and names a test."""
        rows = re.findall(r"^\| (R\d+) \|.*\| (.*) \|$", (ROOT / "docs/reliability.md").read_text(), re.MULTILINE)
        self.assertEqual([row for row, _ in rows], [f"R{number}" for number in range(1, 17)])
        self.assertTrue(all("`tests." in shown for _, shown in rows))


class SecurityPageTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.page = (ROOT / "docs/security.md").read_text()

    def test_named_tests(self) -> None:
        """Every test that the page names is there, down to its method; and each case of raw HTTP is named."""
        raw = "tests.test_raw_http."
        named = set(re.findall(r"`(tests\.test_\w+\.[\w.]*\w)`", self.page))
        named |= {raw + each for each in re.findall(r"`(\w+Tests\.test_\w+)`", self.page)}
        self.assertGreater(len(named), 60)
        for name in named:
            self.assertTrue(callable(namedAny(name)), name)
        for case in test_raw_http.CASES:
            self.assertIn(f"{raw}CaseTests.test_{case}", named)

    def test_every_row(self) -> None:
        """Every row is there, and names a test."""
        rows = re.findall(r"^\| ([SR]\d+) \|.*\| (.*) \|$", self.page, re.MULTILINE)
        self.assertEqual([row for row, _ in rows], [*(f"S{number}" for number in range(1, 11)), "R8", "R9"])
        self.assertTrue(all("`tests." in shown for _, shown in rows))

    def test_full_forms(self) -> None:
        """What is said to run with `tox -e chaos` does, and nothing else does."""
        named = {name for each in re.findall(r"full: ((?:`\w+`(?:, )?)+)", self.page) for name in re.findall(r"\w+", each)}
        self.assertEqual(named, {each.__name__ for each in EXPERIMENTS} - {"attacks_where_it_is_listed"})

    def test_examples(self) -> None:
        """Every configuration on the page is right."""
        texts = [textwrap.dedent(each) for each in re.findall(r"^ *```json\n(.*?)^ *```", self.page, re.MULTILINE | re.DOTALL)]
        self.assertGreater(len(texts), 7)
        for text in texts:
            self.assertEqual(config.read(json.loads(text), text).mistakes, (), text)

    def test_every_setting(self) -> None:
        """Every setting of the walls is explained."""
        names = "allow_public allowed_hosts cors_origins users max_connections max_connections_per_peer request_log"
        for name in names.split():
            self.assertIn(name, config.ServerSection.model_fields)
            self.assertIn(f'"{name}"', self.page)


class ReadmeTests(SynchronousTestCase):
    def test_two_commands(self) -> None:
        """The first screen has exactly two commands, and CI runs the second where it is."""
        readme = (ROOT / "README.md").read_text()
        screen = readme.partition("\n## ")[0]
        commands = [line.strip() for line in screen.split("\n") if line.startswith("    pip ")]
        self.assertEqual(commands, ["pip install '.[camera]' && twistd -n pylpaca", "pip install tox && tox"])
        script = ROOT / ".ci" / "run"
        if script.exists():  # the tests of an installed wheel do not have it
            self.assertIn(f"\n{commands[1]}\n", script.read_text())

    def test_configuration(self) -> None:
        """The configuration in the README is right."""
        (text,) = re.findall(r'^    (\{"drivers".*?\]\})$', (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
        self.assertEqual(config.read(json.loads(text), text).mistakes, ())


class IndexTests(SynchronousTestCase):
    """Whoever looks for a page finds it."""

    def test_every_page(self) -> None:
        """The list of pages has all of them, and that of decisions every decision."""
        for folder in (ROOT / "docs", ROOT / "docs" / "decisions"):
            listed = re.findall(r"^- \[.*?\]\(([\w-]+\.md)\)", (folder / "README.md").read_text(), re.MULTILINE)
            self.assertEqual(sorted([*listed, "README.md"]), sorted(each.name for each in folder.glob("*.md")))

    def test_titles(self) -> None:
        """They stand there by their titles."""
        for folder in (ROOT / "docs", ROOT / "docs" / "decisions"):
            for title, name in re.findall(r"^- \[(.*?)\]\(([\w-]+\.md)\)", (folder / "README.md").read_text(), re.MULTILINE):
                self.assertEqual(f"# {title}", (folder / name).read_text().partition("\n")[0])

    def test_pictures(self) -> None:
        """Every picture is shown somewhere."""
        pages = "".join(each.read_text() for each in (ROOT / "docs").rglob("*.md"))
        shown = set(re.findall(r"!\[[^\]]+\]\(images/([\w-]+\.png)\)", pages))
        self.assertEqual(shown, {each.name for each in (ROOT / "docs" / "images").iterdir()})

    def test_links(self) -> None:
        """Every link to a page or a picture leads to one."""
        docs = (ROOT / "docs").resolve()
        for page in (ROOT / "README.md", *docs.rglob("*.md")):
            for link in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
                target = (page.parent / link).resolve()
                if docs in target.parents:  # the tests of an installed wheel do not have the others
                    self.assertTrue(target.exists(), f"{page.name}: {link}")


class AttributeTests(SynchronousTestCase):
    def test_every_attribute(self) -> None:
        """docs/pages.md says what each attribute is for that the script reads or writes."""
        script = files("pylpaca.pages").joinpath("assets", "pylpaca.js").read_text()
        used = set(re.findall(r"\[data-([a-z-]+)", script))
        used |= {re.sub(r"(?=[A-Z])", "-", each).lower() for each in re.findall(r"\bdataset\.(\w+)", script)}
        explained = set(re.findall(r"\bdata-([a-z-]+)", (ROOT / "docs" / "pages.md").read_text()))
        self.assertEqual(used - explained, set())


class FormTableTests(SynchronousTestCase):
    """docs/drivers.md, on settings as a form."""

    WORDS = {  # noqa: RUF012  # what the page calls each kind of field
        "number": "a field for a number",
        "checkbox": "a checkbox",
        "choice": "a choice",
        "lines": "a box, one in each line",
        "secret": "a field that never shows what is in it",
        "group": "a group of fields",
        "json": "a box, as JSON",
    }

    def test_table(self) -> None:
        """Each setting of the example is typed in what the table says."""
        page = (ROOT / "docs/drivers.md").read_text()
        rows = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \| (a .*|nothing: .*) \|$", page, re.MULTILINE)
        said = {name.strip("`"): text for names, text in rows for name in names.split(", ")}
        fields = {each.name: each for each in fields_of(shown("StationSettings"), {})}
        fixed = "nothing: it is shown, and changed in the file only"
        self.assertEqual(said, {name: fixed if each.fixed else self.WORDS[each.kind] for name, each in fields.items()})
        self.assertEqual(
            (fields["rain_limit"].label, fields["rain_limit"].unit, fields["rain_limit"].limits), ("Rain", "mm/h", "at least 0")
        )
