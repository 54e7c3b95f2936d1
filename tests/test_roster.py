"""Finding, building and verifying drivers."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from twisted.internet.task import Clock
from twisted.logger import LogLevel, capturedLogs
from twisted.trial.unittest import SynchronousTestCase

import drivers
from pylpaca import config
from pylpaca.device import BASES, Surroundings, camera
from pylpaca.interfaces import DEVICE_TYPES
from pylpaca.roster import CannotLoad, add_driver_folders, build, find_driver, simulators, verify
from pylpaca.state import StateFolder, UniqueIds
from tests import doubles

MONITOR = """
from pylpaca.device import SafetyMonitor

class {name}(SafetyMonitor):
    "Found."

    def IsSafe(self):
        return True
"""


RIGHT = {"dome": doubles.NaiveDome, "focuser": doubles.NaiveFocuser, "safetymonitor": doubles.FaultyMonitor}


class DriverFolderTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.patch(drivers, "__path__", list(drivers.__path__))
        before = set(sys.modules)
        self.addCleanup(lambda: [sys.modules.pop(name) for name in set(sys.modules) - before if "drivers." in name])
        for name in [name for name in sys.modules if name.startswith("drivers.")]:
            self.addCleanup(sys.modules.__setitem__, name, sys.modules[name])
        self.home = Path(self.mktemp())
        (self.home / "drivers").mkdir(parents=True)

    def write(self, name: str, text: str) -> None:
        path = self.home / "drivers" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)

    def configured(self, *entries: dict[str, Any]) -> config.Configuration:
        return config.read({"drivers": list(entries)}, path=self.home / "config.json")

    def built(self, *entries: dict[str, Any]) -> Any:
        ids = UniqueIds(StateFolder(self.home / "state"))
        return build(self.configured(*entries), Surroundings(Clock()), ids)

    def monitor(self, driver: str, number: int = 0, **more: Any) -> dict[str, Any]:
        return {"device_type": "safetymonitor", "device_number": number, "device_driver": driver, **more}

    def mistake(self, driver: str, kind: str = "safetymonitor") -> str:
        roster, mistakes = self.built({**self.monitor(driver), "device_type": kind})
        self.assertEqual((len(mistakes), len(roster.entries)), (1, 0))
        return str(mistakes[0])


class FindingTests(DriverFolderTestCase):
    def test_folder_named_twice(self) -> None:
        """A folder that is found twice, as with PYTHONPATH=. in it, has each of its drivers once."""
        self.patch(drivers, "__path__", [*drivers.__path__, *drivers.__path__])
        self.assertEqual(find_driver("MoonliteFocuser").__name__, "MoonliteFocuser")

    def test_three_ways_to_name_it(self) -> None:
        """A bare class name, module.Class, and package.module:Class from anywhere."""
        self.write("rain.py", MONITOR.format(name="RainSensor"))
        roster, mistakes = self.built(
            self.monitor("RainSensor", 0), self.monitor("rain.RainSensor", 1), self.monitor("tests.doubles:FaultyMonitor", 2)
        )
        self.assertEqual(mistakes, [])
        self.assertEqual([type(entry.driver).__name__ for entry in roster], ["RainSensor", "RainSensor", "FaultyMonitor"])

    def test_in_a_subfolder(self) -> None:
        """Folders below are searched, too."""
        self.write("weather/rain.py", MONITOR.format(name="RainSensor"))
        self.assertEqual(self.built(self.monitor("RainSensor"), self.monitor("weather.rain.RainSensor", 1))[1], [])

    def test_2019_alias(self) -> None:
        """The template's first name still finds it."""
        add_driver_folders(self.configured())
        self.assertEqual(find_driver("MyASCOMDomeDriver").__name__, "MyDomeDriver")

    def test_theirs_wins(self) -> None:
        """A user's module of the same name wins over ours, and the log says so."""
        self.write("my_dome.py", "from pylpaca.device import Dome\nclass MyDomeDriver(Dome):\n    'Theirs.'\n")
        sys.modules.pop("drivers.my_dome", None)
        with capturedLogs() as logs:
            add_driver_folders(self.configured())
        self.assertEqual(find_driver("my_dome.MyDomeDriver").__doc__, "Theirs.")
        said = [each["name"] for each in logs if each["log_level"] is LogLevel.info]
        self.assertEqual(said, ["my_dome"])

    def test_package_marker_does_no_harm(self) -> None:
        """An __init__.py in the user's folder hides nothing of ours."""
        self.write("__init__.py", "raise RuntimeError('imported')")
        self.assertEqual(self.built(self.monitor("SafetyMonitorSimulator"))[1], [])

    def test_only_its_module_is_imported(self) -> None:
        """Looking for a class imports no other module, not even a broken one."""
        self.write("rain.py", MONITOR.format(name="RainSensor"))
        self.write("aaa.py", "raise RuntimeError('imported')")
        self.write("bbb.py", "this is not Python")
        self.assertEqual(self.built(self.monitor("RainSensor"))[1], [])

    def test_ambiguous(self) -> None:
        """A class that stands in two modules of a folder must be named with its module."""
        self.write("rain.py", MONITOR.format(name="RainSensor"))
        self.write("rain_old.py", MONITOR.format(name="RainSensor"))
        self.assertIn("write rain.RainSensor or rain_old.RainSensor", self.mistake("RainSensor"))

    def test_extra_folder(self) -> None:
        """Folders of driver_path are searched before ours."""
        (self.home / "more").mkdir()
        (self.home / "more" / "hail.py").write_text(MONITOR.format(name="HailSensor"))
        found = config.read({"drivers": [self.monitor("HailSensor")], "driver_path": ["more"]}, path=self.home / "config.json")
        self.assertEqual(found.mistakes, ())
        self.assertEqual(build(found, Surroundings(Clock()), UniqueIds(StateFolder(self.home)))[1], [])


class NotFoundTests(DriverFolderTestCase):
    def test_no_class(self) -> None:
        """What was looked for, where, and the nearest name."""
        told = self.mistake("SafetyMonitorSimulater")
        self.assertIn("there is no class SafetyMonitorSimulater; looked in", told)
        self.assertIn(str(self.home.absolute() / "drivers"), told)
        self.assertIn("did you mean 'SafetyMonitorSimulator'?", told)

    def test_no_module(self) -> None:
        """A module that is not there, under drivers or anywhere."""
        self.assertIn("there is no module drivers.simulater.safetymonitor", self.mistake("simulater.safetymonitor.X"))
        self.assertIn("no module no_such_package.x is installed", self.mistake("no_such_package.x:Y"))

    def test_no_class_in_the_module(self) -> None:
        """A module without the class."""
        told = self.mistake("simulators.safetymonitor.SafetyMonitorSim")
        self.assertIn("there is no SafetyMonitorSim in drivers.simulators.safetymonitor", told)
        self.assertIn("did you mean 'SafetyMonitorSimulator'?", told)

    def test_folder_instead_of_module(self) -> None:
        """A folder where a module was meant: the class is found in one of its modules."""
        self.assertIn("did you mean 'simulators.dome.DomeSimulator'?", self.mistake("simulators.DomeSimulator"))

    def test_builtin_module(self) -> None:
        """A module without a file is told like any other."""
        self.assertIn("sys is no module with a class Foo", self.mistake("sys:Foo"))

    def test_class_in_a_broken_file(self) -> None:
        """A class that is not found may stand in a file that is no Python: that is told, too."""
        self.write("rain.py", "class RainSensor:\n    def IsSafe(self)\n")
        self.assertRegex(self.mistake("RainSensor"), r"no class RainSensor;.*rain\.py is no Python \(line 2: expected ':'\)")

    def test_syntax_error(self) -> None:
        """A driver that is not Python is told with its line."""
        self.write("rain.py", "class RainSensor:\n    def IsSafe(self)\n        return True\n")
        self.assertRegex(self.mistake("rain.RainSensor"), r"rain\.py, line 2: expected ':'")

    def test_import_fails(self) -> None:
        """A driver that fails when it is imported is told with the line of the failure."""
        self.write("rain.py", "x = 1\ny = 1 / 0\n")
        self.assertRegex(self.mistake("rain.RainSensor"), r"ZeroDivisionError: division by zero \(.*rain\.py, line 2\)")

    def test_missing_package(self) -> None:
        """A driver that needs a package that is not installed says which, and how to get it."""
        self.write("rain.py", "import no_such_package\n")
        _, mistakes = self.built(self.monitor("rain.RainSensor"))
        self.assertIn("needs the package 'no_such_package', which is not installed: pip install", str(mistakes[0]))
        self.assertEqual(mistakes[0].missing_package, "no_such_package")

    def test_camera_without_numpy(self) -> None:
        """A camera whose driver needs nothing of it says at start that its images will, and how to get it."""
        self.patch(camera, "PACKAGES", ("no_such_package", "numpy"))
        entry = {"device_type": "camera", "device_number": 0, "device_driver": "tests.doubles:PictureCamera"}
        _, mistakes = self.built(entry)
        self.assertIn("PictureCamera needs the package 'no_such_package', which is not installed: pip install", str(mistakes[0]))
        self.assertEqual(mistakes[0].missing_package, "no_such_package")


class VerifyingTests(DriverFolderTestCase):
    def test_right(self) -> None:
        """The base classes' children are right."""
        for kind, driver in RIGHT.items():
            self.assertTrue(issubclass(driver, BASES[kind]))
            verify(driver, kind)

    def test_wrong(self) -> None:
        """Each mistake of an author is told with the class and the member, before a client sees it."""
        for driver, kind, sentence in (
            ("HalfMonitor", "safetymonitor", "HalfMonitor does not say IsSafe: every SafetyMonitor has to"),
            ("MisspelledFocuser", "focuser", "MisspelledFocuser.Move takes (position), but clients send (Position)"),
            ("BoastfulDome", "dome", "BoastfulDome: CanSetShutter answers True, but CloseShutter is not implemented"),
            ("UnbuildableMonitor", "safetymonitor", "UnbuildableMonitor cannot be built: ValueError: no such sensor"),
            ("NaiveDome", "focuser", 'NaiveDome drives a Dome: write "device_type": "dome"'),
            ("Deferred", "dome", "Deferred is no driver: it must be a subclass of pylpaca.device.Dome"),
            ("Device", "dome", "Device must be a subclass of pylpaca.device.Dome"),
            ("MONITOR", "dome", "MONITOR in tests.test_roster is not a class"),
        ):
            module = "pylpaca.device" if driver == "Device" else "tests.test_roster" if driver == "MONITOR" else "tests.doubles"
            self.assertIn(sentence, self.mistake(f"{module}:{driver}", kind))

    def test_odd_classes(self) -> None:
        """Classes that are put together wrongly are told what they lack, not shown as a traceback."""
        for body, sentence in (
            ("    Settings = None", "Odd.Settings must be a pydantic model"),
            ("    IsSafe = property(lambda self: True)", "Odd.IsSafe must be a plain method"),
            ("    def __init__(self, *_): pass", "Odd.__init__ must call super().__init__(settings, surroundings)"),
            ("    def __init__(self, *_): raise SystemExit(0)", "Odd cannot be built: SystemExit: 0"),
        ):
            source = f"from tests.doubles import FaultyMonitor\nclass Odd(FaultyMonitor):\n    'Odd.'\n{body}\n"
            self.write("odd.py", source)
            sys.modules.pop("drivers.odd", None)
            self.assertIn(sentence, self.mistake("odd.Odd"))

    def test_settings_that_fail(self) -> None:
        """A check of the settings that fails by itself is told with its line."""
        source = """
from pydantic import field_validator
from pylpaca.device import NoSettings
from tests.doubles import FaultyMonitor
class Odd(FaultyMonitor):
    class Settings(NoSettings):
        pin: int = 4
        @field_validator("pin", mode="before")
        def look(cls, value): return {}[value]
"""
        self.write("odd.py", source)
        _, mistakes = self.built(self.monitor("odd.Odd", driver_config={"pin": 1}))
        self.assertRegex(str(mistakes[0]), r"the settings of Odd cannot be checked: KeyError: 1 \(.*odd\.py, line 9\)")

    def test_exits_when_imported(self) -> None:
        """A driver that ends the program when it is imported does not."""
        self.write("rain.py", "import sys\nsys.exit(0)\n")
        self.assertRegex(self.mistake("rain.RainSensor"), r"SystemExit: 0 \(.*rain\.py, line 2\)")

    def test_wrong_number_of_parameters(self) -> None:
        """A member that cannot take what clients send is told."""

        class Odd(doubles.BareFocuser):
            def Move(self) -> None:  # type: ignore[override]
                return None

        self.assertIn("Odd", self.assertRaises(CannotLoad, verify, Odd, "focuser").sentence)

    def test_capability_forgotten(self) -> None:
        """A member whose capability answers False is no mistake, but the log says that nobody will use it."""
        source = "from tests.doubles import BareDome\nclass Roof(BareDome):\n    'A roof.'\n    def OpenShutter(self): pass\n"
        self.write("roof.py", source)
        entry = {"device_type": "dome", "device_number": 0, "device_driver": "roof.Roof"}
        with capturedLogs() as logs:
            self.assertEqual(self.built(entry)[1], [])
        said = [(each["method"], each["member"]) for each in logs if each["log_level"] is LogLevel.warn]
        self.assertEqual(said, [("OpenShutter", "CanSetShutter")])

    def test_capability_that_depends(self) -> None:
        """A capability that the author wrote may answer False on purpose, as its settings have it: nothing is logged."""
        source = (
            "from tests.doubles import BareDome\nclass Roof(BareDome):\n    'A roof.'\n"
            "    def OpenShutter(self): pass\n    def CanSetShutter(self): return False\n"
        )
        self.write("roof.py", source)
        focuser = {"device_type": "focuser", "device_number": 0, "device_driver": "MoonliteFocuser"}
        focuser["driver_config"] = {"port": "COM3", "max_step": 20000}
        entry = {"device_type": "dome", "device_number": 0, "device_driver": "roof.Roof"}
        with capturedLogs() as logs:
            self.assertEqual(self.built(entry, focuser)[1], [])
        self.assertEqual([each for each in logs if each["log_level"] is LogLevel.warn], [])


class DevicesTests(DriverFolderTestCase):
    def test_neighbours(self) -> None:
        """A driver finds the other devices of its server, and None where there is none."""
        roster, _ = self.built(self.monitor("tests.doubles:FaultyMonitor"), self.monitor("tests.doubles:FaultyMonitor", 3))
        first, second = roster
        self.assertIs(first.driver.neighbours.find("SafetyMonitor", 3), second.driver)
        self.assertIsNone(first.driver.neighbours.find("telescope"))

    def test_names(self) -> None:
        """A device has the name of the configuration, or that of its place."""
        roster, _ = self.built(
            self.monitor("tests.doubles:FaultyMonitor", name="Rain"), self.monitor("tests.doubles:FaultyMonitor", 3)
        )
        self.assertEqual([entry.driver.name for entry in roster], ["Rain", "SafetyMonitor 3"])

    def test_unique_ids_survive(self) -> None:
        """An id is made once; a configured one is taken as it is."""
        entries = [self.monitor("tests.doubles:FaultyMonitor"), self.monitor("tests.doubles:FaultyMonitor", 1)]
        entries[1]["unique_id"] = "an id of my own"
        first = [entry.unique_id for entry in self.saved(entries)]
        second = [entry.unique_id for entry in self.saved(entries)]
        self.assertEqual(first, second)
        self.assertEqual(first[1], "an id of my own")
        self.assertEqual(len(first[0]), 36)

    def saved(self, entries: list[dict[str, Any]]) -> Any:
        ids = UniqueIds(StateFolder(self.home / "state"))
        roster, _ = build(self.configured(*entries), Surroundings(Clock()), ids)
        ids.save()
        return roster

    def test_settings(self) -> None:
        """A driver gets its settings validated."""
        entry = self.monitor("SafetyMonitorSimulator", driver_config={"safe": False})
        roster, _ = self.built(entry)
        self.assertEqual(next(iter(roster)).driver.settings.safe, False)


class DefaultTests(SynchronousTestCase):
    def test_all_simulators(self) -> None:
        """Without a configuration there is a simulator of every device type, and each can be built."""
        found = simulators()
        self.assertEqual({each.entry.device_type for each in found.devices}, set(DEVICE_TYPES))
        ids = UniqueIds(StateFolder(Path(self.mktemp())))
        roster, mistakes = build(found, Surroundings(Clock()), ids)
        self.assertEqual((mistakes, len(roster.entries)), ([], len(DEVICE_TYPES)))
