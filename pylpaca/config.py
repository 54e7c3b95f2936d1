"""config.json: what it may say, and where in it a mistake stands."""

from __future__ import annotations

import json
import os
import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretBytes, SecretStr, ValidationError, field_validator
from pydantic.fields import FieldInfo

from pylpaca.interfaces import DEVICE_TYPES
from pylpaca.places import Place as Place  # others know it from here
from pylpaca.places import spans

HTTP_PORT = 11111
DISCOVERY_PORT = 32227

FILE_ONLY = "only_in_file"  # in a field's json_schema_extra: it is not changed with a browser
_WORDS = {"pass", "pw", "pwd", "auth", "authorization", "authorisation", "cookie", "credential", "credentials"}
_ENDINGS = ("password", "passwd", "passphrase", "passcode", "pincode", "secret", "secrets", "token", "tokens", "apikey")
_WALL: Any = {FILE_ONLY: True}  # who is within the walls cannot move them

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class Mistake:
    """Something in a configuration that cannot be; one sentence that says what was expected."""

    sentence: str
    file: str = ""
    place: Place = ()
    line: int = 0
    column: int = 0
    missing_package: str = ""  # the driver is right, but this is not installed

    def __str__(self) -> str:
        where = [":".join(map(str, (self.file, self.line, self.column))) if self.line else self.file, dotted(self.place)]
        return ": ".join([each for each in where if each] + [self.sentence])


def dotted(place: Place) -> str:
    """A place as people write it: drivers[0].device_type."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)
    return text.removeprefix(".")


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint at the nearest known word, or at all of them when none is near."""
    known = list(known)
    near = get_close_matches(word.lower(), [each.lower() for each in known], n=1, cutoff=0.6)
    if near:
        return f"did you mean {next(each for each in known if each.lower() == near[0])!r}?"
    return f"known: {', '.join(known)}" if known else ""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


def _listed(value: Any) -> Any:
    """One text may stand for a list of one."""
    return [value] if isinstance(value, str) else value


class DeadmanStep(_Model):
    """One step of `deadman`."""

    step: str = Field(description='what is done, as "park telescope/0"')
    within: float | None = Field(default=None, gt=0, le=3600, description="seconds it may take")
    go_on: bool = Field(default=False, description="whether the next step begins although this one failed")


class DeadmanSection(_Model):
    """What is done when no client is there any more."""

    minutes: float = Field(ge=2, le=1440, description="minutes without a request of a device; a single one may take 1.5")
    steps: list[DeadmanStep] | None = Field(default=None, min_length=1, description="what is done, one after another")
    within: float = Field(default=300.0, gt=0, le=3600, description="seconds each step may take")
    at_start: bool = Field(default=False, description="whether it counts from the start of the server, before any client")

    @field_validator("steps", mode="before")
    @classmethod
    def _a_text_is_a_step(cls, value: Any) -> Any:
        return [{"step": each} if isinstance(each, str) else each for each in value] if isinstance(value, list) else value


class InterlockSection(_Model):
    """What a device may not do unless other devices answer what is said here."""

    refuse: list[str] = Field(min_length=1, description='operations, or "motion", or "motion except to safety"')
    unless: dict[str, dict[str, Any]] = Field(min_length=1, description='{"telescope/0": {"AtPark": true}}')

    _one = field_validator("refuse", mode="before")(_listed)


def _hot_road() -> Any:
    """All steps, if the environment does not say which; so that every test can be run without them."""
    return os.environ.get("PYLPACA_HOT_ROAD", "routes headers sending").split()


class ServerSection(_Model):
    """The optional `server` object."""

    listen: list[str] = Field(
        default=[],
        description="where HTTP listens, as Twisted endpoints; empty: everywhere on port 11111",
        json_schema_extra=_WALL,
    )
    discovery_port: int | Literal["off"] = Field(default=DISCOVERY_PORT, description='the UDP port of discovery, or "off"')
    name: str = Field(default="pylpaca", min_length=1, description="the server's name, shown by clients")
    location: str = Field(default="", description="where the server stands, shown by clients")
    state_dir: str | None = Field(default=None, description="the folder of what must survive a restart", json_schema_extra=_WALL)
    allow_public: bool = Field(
        default=False, description="whether clients outside the networks of this machine are served", json_schema_extra=_WALL
    )
    allowed_hosts: list[str] = Field(
        default=[],
        description="names of this server besides IP addresses and names of the local network",
        json_schema_extra=_WALL,
    )
    cors_origins: list[str] = Field(
        default=[], description="web pages that may use the server, each as https://example.org", json_schema_extra=_WALL
    )
    users: dict[str, SecretStr] = Field(
        default={}, description="names and passwords; without any, nobody is asked for one", json_schema_extra=_WALL
    )
    max_connections: int = Field(default=1024, ge=8, le=100_000, description="how many connections there may be")
    max_connections_per_peer: int = Field(default=256, ge=4, le=100_000, description="how many of them one client may have")
    deadman: DeadmanSection | None = Field(default=None, description="what is done when no client is there any more")
    on_exit_within: float = Field(default=60.0, gt=0, le=60, description="seconds a device may take for its on_exit")
    watchdog: bool = Field(
        default=True, description="whether it is logged what keeps the server from answering, and for how long"
    )
    hot_road: list[Literal["routes", "headers", "sending"]] = Field(
        default_factory=_hot_road, description="the steps by which answering is made faster; each can be left out"
    )
    request_log: bool = Field(default=False, description="whether each request is logged, with its client, ids and duration")

    @field_validator("discovery_port")
    @classmethod
    def _a_port(cls, value: int | str) -> int | str:
        if isinstance(value, int) and not 1 <= value <= 65535:
            raise ValueError(f'must be a port from 1 to 65535, or "off", not {value}')
        return value

    @field_validator("cors_origins")
    @classmethod
    def _origins(cls, values: list[str]) -> list[str]:
        for value in values:
            split = urlsplit(value)
            if split.scheme not in ("http", "https") or not split.netloc or value != f"{split.scheme}://{split.netloc}".lower():
                raise ValueError(f"must be origins such as https://example.org, in lower case and without a path, not {value!r}")
        return values

    @field_validator("allowed_hosts")
    @classmethod
    def _names(cls, values: list[str]) -> list[str]:
        for value in values:
            if not value or value != value.lower() or any(each in value for each in "/:* "):
                raise ValueError(f"must be names such as observatory.example.org, in lower case, without a port, not {value!r}")
        return values

    @field_validator("users")
    @classmethod
    def _no_colon(cls, values: dict[str, SecretStr]) -> dict[str, SecretStr]:
        for name, password in values.items():
            given = name + password.get_secret_value()
            if not name or ":" in name or name == given or any("\ud800" <= each <= "\udfff" for each in given):
                raise ValueError("must be names without a colon, each with a password that is not empty")
        return values


class DriverEntry(_Model):
    """One entry of `drivers`: a device and what drives it."""

    device_type: str = Field(description="the ASCOM device type, as in a URL")
    device_number: int = Field(ge=0, le=2**32 - 1, description="the device number, as in a URL")
    device_driver: str = Field(min_length=1, description="the driver's class")
    driver_config: dict[str, Any] = Field(default={}, description="the driver's own settings")
    name: str | None = Field(default=None, min_length=1, description="the device's name, shown by clients")
    unique_id: str | None = Field(
        default=None, min_length=12, description="an id of your own; made and kept by the server if absent"
    )
    autoconnect: bool = Field(default=False, description="connect at start, and stay connected whatever clients do")
    deadline: float | None = Field(default=None, gt=0, le=90, description="seconds a driver may take for an ordinary call")
    on_exit: list[str] = Field(default=[], description='what is done when the server stops, as "park"')
    interlocks: list[InterlockSection] = Field(default=[], description="what it may not do unless other devices say so")

    _one = field_validator("on_exit", mode="before")(_listed)

    @field_validator("device_type")
    @classmethod
    def _a_device_type(cls, value: str) -> str:
        if value.lower() not in DEVICE_TYPES:
            raise ValueError(f"there is no device type {value!r}; {nearest(value, DEVICE_TYPES)}")
        return value.lower()

    @field_validator("unique_id")
    @classmethod
    def _ascii(cls, value: str | None) -> str | None:
        if value is not None and not (value.isascii() and value.isprintable()):
            raise ValueError("must be plain ASCII text")
        return value


@dataclass(frozen=True)
class Device:
    """A valid entry of `drivers`, and where it stands."""

    entry: DriverEntry
    place: Place = ()


@dataclass(frozen=True)
class Source:
    """Where a configuration was read from, and where in it each value stands, as line and column."""

    file: Path | None = None
    positions: Mapping[Place, tuple[int, int]] = field(default_factory=dict)

    def mistake(self, sentence: str, place: Place, missing_package: str = "") -> Mistake:
        """A mistake at a place, or at the nearest place above it that is written in the file."""
        above = (place[:length] for length in range(len(place), -1, -1))
        line, column = next((self.positions[each] for each in above if each in self.positions), (0, 0))
        return Mistake(sentence, str(self.file or ""), place, line, column, missing_package)


@dataclass(frozen=True)
class Configuration:
    """Everything that could be read of a configuration, and what could not."""

    devices: tuple[Device, ...] = ()
    server: ServerSection = field(default_factory=ServerSection)
    driver_path: tuple[Path, ...] = ()
    source: Source = field(default_factory=Source)
    mistakes: tuple[Mistake, ...] = ()

    @property
    def driver_folders(self) -> list[Path]:
        """Where drivers of the user's own may be, whether or not there is such a folder; the first wins."""
        beside = [] if self.source.file is None else [self.source.file.absolute().parent / "drivers"]
        return [*self.driver_path, *beside]


def load(path: Path) -> Configuration:
    """Read a configuration file; what is wrong with it stands in its `mistakes`."""
    try:
        text = path.read_bytes().decode("utf-8-sig")  # Windows' Notepad writes a mark in front
    except OSError as error:
        return _unreadable(path, Mistake(f"cannot be read: {error.strerror}; give another with --config", str(path)))
    except UnicodeDecodeError as error:
        return _unreadable(path, Mistake(f"is not UTF-8 text (byte {error.start}); save it as UTF-8", str(path)))
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        sentence = f"is not JSON: {_json_hint(error) or error.msg.lower()}"
        return _unreadable(path, Mistake(sentence, str(path), (), error.lineno, error.colno))
    except RecursionError:
        return _unreadable(path, Mistake("is not a configuration: it is nested too deeply", str(path)))
    except ValueError as error:  # a number with thousands of digits
        return _unreadable(path, Mistake(f"is not a configuration: {error}", str(path)))
    return read(content, text, path)


def _json_hint(error: json.JSONDecodeError) -> str:
    """What people do who know other languages, or another editor; empty if it is nothing of that."""
    before, after = error.doc[: error.pos].rstrip(), error.doc[error.pos :]
    if not error.doc.strip():
        return 'the file is empty: write {"drivers": []}'
    if not after.strip():
        return "the file ends too early: a bracket or brace that was opened is not closed"
    if after.startswith(("//", "/*", "#")):
        return "there are no comments in JSON"
    if after.startswith("'"):
        return "names and texts stand in double quotes"
    if "trailing comma" in error.msg or (before.endswith(",") and after[0] in "]}"):
        return "no comma may stand before a closing bracket or brace"
    if re.match(r"(True|False|None)\b", after):
        return "write true, false or null, in lower case"
    if "escape" in error.msg:
        return "in a path write / or two backslashes"
    if "control character" in error.msg or "Unterminated" in error.msg:
        return "a text ends in the line that it begins in: its closing quote is missing"
    if "delimiter" in error.msg:
        return "is a comma missing in front of this?" if after[0] in '"{[' else ""
    return "something follows behind the last brace" if "Extra data" in error.msg else ""


def _unreadable(path: Path, mistake: Mistake) -> Configuration:
    return Configuration(source=Source(path), mistakes=(mistake,))


def read(content: Any, text: str = "", path: Path | None = None) -> Configuration:
    """Read a configuration that was parsed from `text`, every mistake in it named."""
    positions, repeated = _positions(text) if text else ({}, [])
    source = Source(path, positions)
    found = _Reader(source)
    for place in repeated:
        found.say("is given twice; only one can hold", place)
    top = found.mapping(content, (), {"drivers", "server", "driver_path"})
    server = found.model(ServerSection, top.get("server", {}), ("server",)) or ServerSection()
    home = path.absolute().parent if path else Path.cwd()
    folders = top.get("driver_path", [])
    if not (isinstance(folders, list) and all(isinstance(each, str) for each in folders)):
        found.say("must be a list of folders", ("driver_path",))
        folders = []
    for index, each in enumerate(folders):
        if not folder_of(home, each).is_dir():
            found.say(f"there is no folder {folder_of(home, each)}", ("driver_path", index))
    devices = found.devices(top)
    return Configuration(
        tuple(devices),
        server,
        tuple(folder_of(home, each) for each in folders),
        source,
        tuple(found.mistakes),
    )


def folder_of(home: Path, text: str) -> Path:
    """A folder as a configuration names it: beside the file, or absolute, or ~ for the user's own."""
    try:
        return home / Path(text).expanduser()
    except RuntimeError:  # ~ of a user who is not there
        return home / text


class _Reader:
    """Collects mistakes with their positions while the parts of a configuration are validated one by one."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.mistakes: list[Mistake] = []

    def say(self, sentence: str, place: Place) -> None:
        self.mistakes.append(self._source.mistake(sentence, place))

    def mapping(self, content: Any, place: Place, known: set[str]) -> Mapping[str, Any]:
        if not isinstance(content, dict):
            self.say('must be an object: {"drivers": [...]}', place)
            return {}
        for key in content.keys() - known:
            self.say(f"is not known here; {nearest(key, sorted(known))}", (*place, key))
        if "drivers" not in content:
            self.say('"drivers" is missing: the list of devices', place)
        return content

    def devices(self, top: Mapping[str, Any]) -> list[Device]:
        entries = top.get("drivers", [])
        if not isinstance(entries, list):
            self.say("must be a list of devices", ("drivers",))
            return []
        devices: list[Device] = []
        numbers: dict[tuple[str, int], Place] = {}
        ids: dict[str, Place] = {}
        for index, content in enumerate(entries):
            place: Place = ("drivers", index)
            entry = self.model(DriverEntry, content, place)
            if entry is None:
                continue
            key = (entry.device_type, entry.device_number)
            if key in numbers:
                self.say(f"{key[0]} {key[1]} is {dotted(numbers[key])} already", (*place, "device_number"))
                continue
            numbers[key] = place
            if entry.unique_id is not None and entry.unique_id in ids:
                self.say(f"is the unique_id of {dotted(ids[entry.unique_id])} already", (*place, "unique_id"))
            elif entry.unique_id is not None:
                ids[entry.unique_id] = place
            devices.append(Device(entry, place))
        return devices

    def model(self, model: type[M], content: Any, place: Place) -> M | None:
        if not isinstance(content, dict):
            self.say("must be an object in braces", place)
            return None
        try:
            return model.model_validate(content)
        except ValidationError as error:
            for steps, sentence in explained(model, error):
                self.say(sentence, (*place, *steps))
            return None


def explained(model: type[BaseModel], error: ValidationError, meaning: bool = True) -> list[tuple[Place, str]]:
    """
    What is wrong with some settings, each with its place in them and a sentence that says what was expected.

    :param meaning: whether the sentence says what the setting is; not where that is read anyway.
    """
    found: dict[Place, str] = {}
    for each in error.errors(include_url=False):
        place = tuple(step for step in each["loc"] if not _is_branch(step))
        if place in found:  # one value tried as several types: the first sentence will do
            continue
        inner = _model_at(model, place)
        fields = inner.model_fields if inner is not None else {}
        key = str(place[-1]) if place else ""
        if each["type"] == "extra_forbidden" and inner is not None:
            found[place] = f"is not known here; {nearest(key, sorted(fields))}"
        elif each["type"] == "missing":
            declared = fields.get(key)
            about = f": {declared.description}" if declared and declared.description and meaning else ""
            found[place] = f"is missing{about}"
        elif each["type"] == "value_error":
            found[place] = each["msg"].removeprefix("Value error, ")
        else:
            message = each["msg"].removeprefix("Input ").removeprefix("String ")
            for theirs, ours in (("a valid dictionary", "an object in braces"), ("a valid list", "a list in brackets")):
                message = message.replace(theirs, ours)
            found[place] = message + _expected(fields.get(key), each["input"], meaning, _is_secret(model, place))
    return list(found.items())


def _model_at(model: type[BaseModel], place: Place) -> type[BaseModel] | None:
    """The model whose field is at a place; none if what is there is in no model of ours."""
    inner: type[BaseModel] | None = model
    for step in place[:-1]:
        if inner is not None and isinstance(step, str):
            declared = inner.model_fields.get(step)
            inner = _model_in(declared.annotation) if declared is not None else None
    return inner


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model that an annotation is about: itself, or what its lists hold."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for each in get_args(annotation) if (found := _model_in(each)) is not None), None)


def _is_branch(step: Any) -> bool:
    """Pydantic names the branch of a union that it tried, as "int" or "literal['off']"."""
    return isinstance(step, str) and (step in ("int", "str", "float", "bool") or step.startswith("literal["))


def is_secret_name(name: str) -> bool:
    """Whether a setting of this name is likely to be a secret."""
    words = re.findall(r"[a-z0-9]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower())
    return bool(words) and (words[-1] == "key" or any(word in _WORDS or word.endswith(_ENDINGS) for word in words))


def holds_secrets(annotation: Any) -> bool:
    """Whether a value of this type may have a password in it."""
    if annotation in (SecretStr, SecretBytes):
        return True
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return any(holds_secrets(each.annotation) for each in annotation.model_fields.values())
    return any(holds_secrets(each) for each in get_args(annotation))


def _is_secret(model: type[BaseModel], place: Place) -> bool:
    """Whether what is at a place may have a password in it: by its type, or by what it, or what it is in, is called."""
    inner: type[BaseModel] | None = model
    annotation: Any = None
    for step in place:
        if isinstance(step, str) and is_secret_name(step):
            return True
        if inner is not None and isinstance(step, str):
            declared = inner.model_fields.get(step)
            annotation = declared.annotation if declared is not None else None
            inner = _model_in(annotation)
    return holds_secrets(annotation)


def _expected(declared: FieldInfo | None, given: Any, meaning: bool, is_secret: bool) -> str:
    about = f" ({declared.description})" if declared and declared.description and meaning else ""
    return about if is_secret else f", not {json.dumps(given, default=str)[:60]}{about}"


def _positions(text: str) -> tuple[dict[Place, tuple[int, int]], list[Place]]:
    """Where every value of valid JSON stands, by its place, as line and column from 1; and the places given twice."""
    found, repeated = spans(text)
    starts = [0, *(match.end() for match in re.finditer("\n", text))]
    positions = {}
    for place, span in found.items():
        line = bisect_right(starts, span.key)
        positions[place] = (line, span.key - starts[line - 1] + 1)
    return positions, repeated
