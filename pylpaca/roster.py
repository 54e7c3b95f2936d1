"""From configuration to devices: finds the drivers, builds and verifies them, and knows which device is where."""

# Facts
#   verifyObject compares the number of parameters, not their names; the names are the wire's, so they are compared here.

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import re
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from pydantic import BaseModel, ValidationError
from twisted.logger import Logger
from zope.interface.exceptions import Invalid
from zope.interface.verify import verifyClass

from pylpaca import config, device
from pylpaca.config import Configuration, DriverEntry, Mistake, Place, Source, explained, nearest
from pylpaca.device.camera import PACKAGES
from pylpaca.interfaces import DEVICE_TYPES, device_type, operations
from pylpaca.interfaces.rules import AbsentWhile, Needs
from pylpaca.link import Link
from pylpaca.shared_answers import max_ages
from pylpaca.state import UniqueIds

log = Logger()

_NUMBER = re.compile(r"[0-9]{1,10}")

Key = tuple[str, int]  # ("dome", 0), as in a URL


@dataclass(frozen=True)
class Entry:
    """One device of the server."""

    kind: str  # the device type as in a URL
    number: int
    driver: device.Device
    unique_id: str
    deadline: float | None  # seconds for an ordinary call, if the configuration says so

    @property
    def type_name(self) -> str:
        """The device type in ASCOM's spelling."""
        return device_type(self.driver.interface)


@dataclass(frozen=True)
class Roster:
    """
    The devices of the server, by type and number.

    :ivar replaced: are told of each entry that stands in the place of another now; what is kept of a device follows it so.
    """

    entries: dict[Key, Entry]
    replaced: list[Callable[[Entry], None]] = field(default_factory=list)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries.values())

    def find(self, kind: str, number: str) -> Entry | None:
        """The device that a URL names."""
        return self.entries.get((kind, int(number))) if _NUMBER.fullmatch(number) else None

    def replace(self, entry: Entry) -> None:
        """Put an entry in the place of the one of its type and number."""
        self.entries[entry.kind, entry.number] = entry
        for tell in self.replaced:
            tell(entry)

    def numbers(self, kind: str) -> list[int]:
        """The numbers that this device type has."""
        return sorted(number for each, number in self.entries if each == kind)


class CannotLoad(Exception):
    """A driver cannot be used; the sentence says why."""

    def __init__(self, sentence: str, key: str = "device_driver", missing_package: str = "") -> None:
        super().__init__(sentence)
        self.sentence, self.key, self.missing_package = sentence, key, missing_package


class BadSettings(Exception):
    """What is wrong in `driver_config`, each with its place in it."""

    def __init__(self, mistakes: list[tuple[Place, str]]) -> None:
        super().__init__()
        self.mistakes = mistakes


def build(configuration: Configuration, surroundings: device.Surroundings, unique_ids: UniqueIds) -> tuple[Roster, list[Mistake]]:
    """
    Build every device of a configuration; nothing is opened.

    :returns: the devices that could be built, and everything that is wrong with the others.
    """
    add_driver_folders(configuration)
    entries: dict[Key, Entry] = {}
    mistakes: list[Mistake] = []
    for each in configuration.devices:
        entry = each.entry
        try:
            found = find_driver(entry.device_driver)
            verify(found, entry.device_type)
            unique_id = entry.unique_id or unique_ids.of(entry.device_type, entry.device_number)
            made = make(found, entry, surroundings, unique_id)
        except CannotLoad as error:
            mistakes.append(_mistake(configuration.source, each.place, error))
            continue
        except BadSettings as error:
            place = (*each.place, "driver_config")
            mistakes += [configuration.source.mistake(sentence, (*place, *steps)) for steps, sentence in error.mistakes]
            continue
        surroundings.neighbours.add(made.kind, made.number, made.driver)
        entries[made.kind, made.number] = made
    roster = Roster(entries)
    roster.replaced.append(lambda entry: surroundings.neighbours.add(entry.kind, entry.number, entry.driver))
    return roster, mistakes


def make(found: type[device.Device], entry: DriverEntry, surroundings: device.Surroundings, unique_id: str) -> Entry:
    """
    Build one device; nothing is opened.

    :raises CannotLoad: it cannot be built, or does not have what it says it can do.
    :raises BadSettings: its `driver_config` is wrong.
    """
    driver = _construct(found, entry, surroundings)
    _verify_capabilities(driver)
    return Entry(entry.device_type, entry.device_number, driver, unique_id, entry.deadline)


def _mistake(source: Source, place: Place, error: CannotLoad) -> Mistake:
    return source.mistake(error.sentence, (*place, error.key), error.missing_package)


def _construct(found: type[device.Device], entry: DriverEntry, surroundings: device.Surroundings) -> device.Device:
    name = entry.name or f"{device_type(found.interface)} {entry.device_number}"
    own = replace(surroundings, name=name, autoconnect=entry.autoconnect)
    try:
        settings = found.Settings.model_validate(entry.driver_config)
    except ValidationError as error:
        raise BadSettings(explained(found.Settings, error)) from None
    except Exception as error:
        raise CannotLoad(f"the settings of {found.__name__} cannot be checked: {_told(error)}") from None
    try:
        driver = found(settings, own)
    except ModuleNotFoundError as error:
        raise _needs(found.__name__, error.name or str(error)) from None
    except (Exception, SystemExit) as error:
        raise CannotLoad(f"{found.__name__} cannot be built: {_told(error)}") from None
    if not isinstance(getattr(driver, "link", None), Link):
        raise CannotLoad(f"{found.__name__}.__init__ must call super().__init__(settings, surroundings)")
    return driver


# ---- the embedded default -----------------------------------------------------------------------------------------


def simulators() -> Configuration:
    """What is served without a configuration: a simulator of every device type that has one."""
    import drivers.simulators

    here = {name for folder in drivers.simulators.__path__ for name in _module_names(Path(folder))}
    entries = [
        DriverEntry(
            device_type=kind,
            device_number=0,
            device_driver=f"simulators.{kind}.{device_type(interface)}Simulator",
            name=f"{device_type(interface)} Simulator",
        )
        for kind, interface in DEVICE_TYPES.items()
        if kind in here
    ]
    return Configuration(devices=tuple(config.Device(each) for each in entries))


# ---- finding a driver's class -------------------------------------------------------------------------------------


def add_driver_folders(configuration: Configuration) -> None:
    """Put the user's driver folders in front of ours; a module of theirs wins over one of ours of the same name."""
    import drivers

    ours = [Path(each).resolve() for each in drivers.__path__]
    shipped = Path(__file__).resolve().parent.parent / "drivers"
    if shipped not in ours:  # a package of this name hides it: one with an __init__.py in the folder we were started in
        ours.append(shipped)
    theirs = [each.resolve() for each in configuration.driver_folders if each.is_dir() and each.resolve() not in ours]
    for folder in theirs:
        for name in sorted(_module_names(folder) & {name for each in ours for name in _module_names(each)}):
            log.info("drivers.{name} is taken from {folder}, not from pylpaca", name=name, folder=str(folder))
    drivers.__path__ = [str(each) for each in dict.fromkeys([*theirs, *ours])]
    importlib.invalidate_caches()


def _module_names(folder: Path) -> set[str]:
    modules = {each.stem for each in folder.glob("*.py")} | {each.parent.name for each in folder.glob("*/*.py")}
    return modules - {"__init__"}


def find_driver(name: str) -> type[device.Device]:
    """
    The class that `device_driver` names.

    It is `module.Class` under drivers, `package.module:Class` from anywhere, or a bare class name.

    :raises CannotLoad: it is not there, or its module cannot be imported.
    """
    if not all(re.split(r"[.:]", name)):
        raise CannotLoad(f"{name!r} names no class: write MyDome, my_module.MyDome, or my_package.my_module:MyDome")
    if ":" in name:
        module_name, _, class_name = name.partition(":")
        module = _import(module_name)
    elif "." in name:
        relative, _, class_name = name.rpartition(".")
        module = _import(f"drivers.{_relative(relative)}")
    else:
        module_name, class_name = _search(name), name
        module = _import(module_name)
    found = getattr(module, class_name, None)
    if found is None:
        classes = {each: value for each, value in vars(module).items() if isinstance(value, type)}
        there = [each for each, value in classes.items() if value.__module__ == module.__name__]
        where = getattr(module, "__file__", None)
        if where is None:  # a folder: the module between is missing
            known = [f"{_relative(module_below)}.{each}" for module_below, each in _classes_below(module)]
            raise CannotLoad(f"{module.__name__} is no module with a class {class_name}; {nearest(_relative(name), known)}")
        raise CannotLoad(f"there is no {class_name} in {module.__name__} ({where}); {nearest(class_name, there)}")
    if not isinstance(found, type):
        raise CannotLoad(f"{class_name} in {module.__name__} is not a class")
    return found


def _relative(name: str) -> str:
    """A name without the package that all drivers are in."""
    return name.removeprefix("drivers.")


def _classes_below(package: ModuleType) -> Iterator[tuple[str, str]]:
    """Every class below a folder of drivers, with its module."""
    for module, path, _ in _sources():
        if module.startswith(f"{package.__name__}."):
            yield from ((module, name) for name in _defined(path))


def _import(name: str) -> ModuleType:
    try:
        if name.startswith("drivers.") and not _exists(name):
            raise CannotLoad(_not_found(f"no module {name}", _relative(name)))
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if missing and (name == missing or name.startswith(f"{missing}.")):
            raise CannotLoad(f"no module {name} is installed; {_looked()}") from None
        raise _needs(name, missing) from None
    except CannotLoad:
        raise
    except SyntaxError as error:
        raise CannotLoad(f"{error.filename}, line {error.lineno}: {error.msg}") from None
    except (Exception, SystemExit) as error:
        raise CannotLoad(f"{name} cannot be imported: {_told(error)}") from None


def _needs(name: str, package: str) -> CannotLoad:
    extra = ", or pylpaca with its extra camera: pip install 'pylpaca[camera]'" if package in PACKAGES else ""
    sentence = f"{name} needs the package {package!r}, which is not installed: pip install {package}{extra}"
    return CannotLoad(sentence, missing_package=package)


def _exists(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def _told(error: BaseException) -> str:
    """An exception in one sentence, with the line of its origin."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({frames[-1].filename}, line {frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {error}{where}"


def _search(class_name: str) -> str:
    """The module under drivers that defines a class, found in its source so that no other module is imported."""
    found = [(module, folder) for module, path, folder in _sources() if class_name in _defined(path, class_name)]
    if not found:
        known = {name for _, path, _ in _sources() for name in _defined(path)}
        broken = [f"; {told}" for _, path, _ in _sources() if (told := _syntax_error(path))]
        raise CannotLoad(_not_found(f"no class {class_name}", class_name, known) + "".join(broken))
    first = [module for module, folder in found if folder == found[0][1]]
    if len(first) > 1:
        choices = " or ".join(f"{_relative(module)}.{class_name}" for module in first)
        raise CannotLoad(f"{class_name} is defined more than once; write {choices}")
    return first[0]


def _folders() -> list[Path]:
    import drivers

    return [Path(each) for each in dict.fromkeys(drivers.__path__)]  # PYTHONPATH may name one twice


def _sources() -> Iterator[tuple[str, Path, Path]]:
    """Every module under drivers, with its file and the folder it was found through, the user's folders first."""
    for folder in _folders():
        for path in sorted(folder.rglob("*.py")):
            parts = path.relative_to(folder).with_suffix("").parts
            if "__init__" not in parts and all(part.isidentifier() for part in parts):
                yield ".".join(("drivers", *parts)), path, folder


def _defined(path: Path, wanted: str = "") -> Iterator[str]:
    """
    The classes that a source defines, and other names for them; a source that cannot be parsed defines none.

    :param wanted: the only one that matters; parsing takes long, and a source that does not have this word need not be parsed.
    """
    try:
        source = path.read_bytes()
        if wanted.isascii() and wanted.encode() not in source:
            return
        tree = ast.parse(source)
    except (OSError, SyntaxError, ValueError):
        return
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Name):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))


def _syntax_error(path: Path) -> str:
    """Why a source is no Python, or nothing; a class may stand there that was not found."""
    try:
        ast.parse(path.read_bytes())
    except SyntaxError as error:
        return f"{path} is no Python (line {error.lineno}: {error.msg})"
    except (OSError, ValueError) as error:
        return f"{path} cannot be read ({error})"
    return ""


def _not_found(what: str, word: str, known: Iterable[str] | None = None) -> str:
    if known is None:
        known = [_relative(name) for name, _, _ in _sources()]
    return f"there is {what}; {_looked()}; {nearest(word, sorted(set(known)))}"


def _looked() -> str:
    return f"looked in {', '.join(map(str, _folders()))}"


# ---- verifying a driver -------------------------------------------------------------------------------------------


def verify(found: type[Any], kind: str) -> None:
    """
    Whether a class can be the driver of a device type.

    :raises CannotLoad: it is not; the sentence names the class, the member and what was expected.
    """
    interface = DEVICE_TYPES[kind]
    base = device.BASES[kind]
    if not issubclass(found, device.Device):
        raise CannotLoad(f"{found.__name__} is no driver: it must be a subclass of pylpaca.device.{base.__name__}")
    if not interface.implementedBy(found):
        has = device_type(found.interface)
        if has.lower() in DEVICE_TYPES:
            raise CannotLoad(f'{found.__name__} drives a {has}: write "device_type": "{has.lower()}"', "device_type")
        raise CannotLoad(f"{found.__name__} must be a subclass of pylpaca.device.{base.__name__}")
    if missing := sorted(getattr(found, "__abstractmethods__", ())):
        raise CannotLoad(f"{found.__name__} does not say {', '.join(missing)}: every {base.__name__} has to")
    if not (isinstance(found.Settings, type) and issubclass(found.Settings, BaseModel)):
        raise CannotLoad(f"{found.__name__}.Settings must be a pydantic model, as SerialSettings or NoSettings are")
    try:
        max_ages(interface, found.max_age)
    except ValueError as error:
        raise CannotLoad(f"{found.__name__}.max_age: {error}") from None
    for name in operations(interface):
        if not inspect.isfunction(inspect.getattr_static(found, name)):
            raise CannotLoad(f"{found.__name__}.{name} must be a plain method: def {name}(self, …)")
    try:
        verifyClass(interface, found)
    except Invalid as error:  # one, or several at once
        raise CannotLoad(" and ".join(_plain(each) for each in getattr(error, "exceptions", [error]))) from None
    for name, operation in operations(interface).items():
        wanted = [parameter.name for parameter in operation.parameters]
        has_names = list(inspect.signature(getattr(found, name)).parameters)[1:]
        if has_names[: len(wanted)] != wanted:
            raise CannotLoad(f"{found.__name__}.{name} takes ({', '.join(has_names)}), but clients send ({', '.join(wanted)})")


def _plain(error: Exception) -> str:
    return " ".join(str(error).split()).removesuffix(".")


def _verify_capabilities(driver: device.Device) -> None:
    """
    Whether what the driver says it can do was written.

    :raises CannotLoad: a capability answers True, and a member that it promises is missing.
    """
    name = type(driver).__name__
    for operation in operations(driver.interface).values():
        for rule in operation.rules:
            left_out = driver.lacks(operation.method) and not operation.optional
            if isinstance(rule, AbsentWhile) and left_out and not driver.lacks(rule.member):
                raise CannotLoad(f"{name}: {rule.member} is written, but {operation.method} is not implemented")
            if not isinstance(rule, Needs) or operations(driver.interface)[rule.member].parameters:
                continue
            can, missing = answers_true(driver, rule.member), driver.lacks(operation.method)
            if can and missing:
                raise CannotLoad(f"{name}: {rule.member} answers True, but {operation.method} is not implemented")
            if can is False and not missing and operation.verb == "PUT" and _is_our_own(driver, rule.member):
                log.warn(
                    "{name} has {method}, but {member} answers False: no client will use it",
                    name=name,
                    method=operation.method,
                    member=rule.member,
                )


def _is_our_own(driver: device.Device, member: str) -> bool:
    """Whether a member is that of the base class; one of the author's own answers what it answers on purpose."""
    module: str = getattr(type(driver), member).__module__
    return f"{module}.".startswith(f"{device.__name__}.")


def answers_true(driver: device.Device, member: str) -> bool | None:
    """What a capability answers before the device is connected; None when it cannot say yet."""
    method = getattr(driver, member)
    if inspect.iscoroutinefunction(method):
        return None  # it asks the hardware
    try:
        answer = method()
    except Exception:
        return None
    return answer if isinstance(answer, bool) else None
