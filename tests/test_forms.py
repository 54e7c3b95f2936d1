"""A driver's settings become fields, and what is typed in them becomes settings."""

from __future__ import annotations

from enum import Enum, IntEnum
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator
from twisted.trial.unittest import SynchronousTestCase

from drivers.moonlite_focuser import MoonliteFocuser
from drivers.my_dome import MyDomeDriver
from drivers.simulators.camera import CameraSimulator
from drivers.simulators.covercalibrator import CoverCalibratorSimulator
from drivers.simulators.filterwheel import FilterWheelSimulator
from pylpaca.config import FILE_ONLY
from pylpaca.device import BASES
from pylpaca.roster import find_driver, simulators
from pylpaca.serial import SerialSettings
from pylpaca.settings import forms
from pylpaca.settings.forms import HIDDEN, Choice, fields_of, read, without_secrets


class Colour(Enum):
    """A word."""

    RED = "red"
    GREEN = "green"


class Speed(IntEnum):
    """A number."""

    Slow = 1
    Fast = 2


class Site(BaseModel):
    """A model within another."""

    latitude: float = Field(default=0.0, ge=-90, le=90, description="of the site")
    name: str = ""


class Everything(BaseModel):
    """A setting of each kind."""

    model_config = ConfigDict(extra="forbid")

    flag: bool = True
    perhaps: bool | None = None
    count: int = Field(default=3, ge=1, lt=10, title="How many", json_schema_extra={"unit": "steps"})
    ratio: Annotated[float, Field(gt=0)] = 1.5
    maybe: float | None = None
    text: str = ""
    word: str | None = None
    needed: str
    colour: Colour = Colour.RED
    speed: Speed | None = None
    baud: Literal[9600, 19200] = 9600
    port: int | Literal["off"] = 5
    path: Path = Path("/tmp")
    names: list[str] = Field(default=["a", "b"], min_length=1)
    numbers: list[int] = []
    steps: list[Literal["one", "two"]] = ["one"]
    table: dict[str, float] = {"x": 1.0}
    site: Site = Site()
    other: Site | None = None
    password: SecretStr = SecretStr("")
    api_token: str = ""
    passwords: dict[str, SecretStr] = {}
    where: str = Field(default="", json_schema_extra={"only_in_file": True})


def typed(model: type[BaseModel], raw: dict[str, Any], **changed: str) -> dict[str, str]:
    """What a browser sends of an untouched form, but for these."""
    fields = [each for each in forms.every(fields_of(model, raw)) if each.kind != "group" and not each.fixed]
    sent = {each.name: each.text.replace("\n", "\r\n") for each in fields if each.kind != "checkbox" or each.text}
    return {name: text for name, text in {**sent, **changed}.items() if text is not None}


class FieldTests(SynchronousTestCase):
    def setUp(self) -> None:
        raw = {"needed": "x", "password": "hunter2", "api_token": "hunter4", "passwords": {"me": "hunter3"}}
        self.fields = {each.name: each for each in forms.every(fields_of(Everything, raw))}

    def test_kinds(self) -> None:
        """What a setting is typed in follows from its type."""
        kinds = {
            "flag": "checkbox", "perhaps": "choice", "count": "number", "ratio": "number", "maybe": "number", "text": "text",
            "word": "text", "needed": "text", "colour": "choice", "speed": "choice", "baud": "choice", "port": "text",
            "path": "text", "names": "lines", "numbers": "lines",
            "steps": "lines", "table": "json", "site": "group", "site.latitude": "number",
            "site.name": "text", "other": "json", "password": "secret",
            "api_token": "secret", "passwords": "json", "where": "text",
        }  # fmt: skip
        self.assertEqual({name: each.kind for name, each in self.fields.items()}, kinds)

    def test_words(self) -> None:
        """Its title, help, unit and limits are the model's."""
        count, latitude = self.fields["count"], self.fields["site.latitude"]
        self.assertEqual((count.label, count.unit, count.limits), ("How many", "steps", "at least 1, less than 10"))
        self.assertEqual((latitude.label, latitude.help, latitude.limits), ("Latitude", "Of the site.", "from -90 to 90"))
        self.assertEqual(self.fields["ratio"].limits, "more than 0")

    def test_choices(self) -> None:
        """Words, numbers and yes or no are chosen from; what may be left out can be."""
        self.assertEqual(self.fields["colour"].choices, (Choice('"red"', "red"), Choice('"green"', "green")))
        self.assertEqual(self.fields["baud"].text, "9600")
        self.assertEqual([each.label for each in self.fields["speed"].choices], ["not set", "1", "2"])
        self.assertEqual([each.label for each in self.fields["perhaps"].choices], ["not set", "yes", "no"])

    def test_json(self) -> None:
        """What is no simple field is JSON, and says so."""
        self.assertEqual(self.fields["table"].text, '{\n  "x": 1.0\n}')
        self.assertIn("written as JSON", self.fields["table"].help)

    def test_secrets(self) -> None:
        """No password is in a field, wherever it stands in the settings."""
        self.assertNotIn("hunter", repr(self.fields))
        self.assertIn("kept as it is", self.fields["password"].help)
        self.assertTrue(self.fields["passwords"].fixed)

    def test_only_in_file(self) -> None:
        """What its author keeps from browsers is fixed."""
        self.assertTrue(self.fields["where"].fixed)
        self.assertTrue({each.name: each for each in fields_of(SerialSettings, {})}["record"].fixed)

    def test_port(self) -> None:
        """The port of a serial device is a port, whoever declares it anew."""
        for model in (SerialSettings, MyDomeDriver.Settings, MoonliteFocuser.Settings):
            self.assertEqual({each.name: each.kind for each in fields_of(model, {})}["port"], "port")

    def test_every_driver(self) -> None:
        """Each setting of each driver here has a field, a name, and a help that ends like a sentence."""
        drivers = [find_driver(each.entry.device_driver) for each in simulators().devices]
        drivers += [find_driver(each) for each in ("MoonliteFocuser", "LX200Telescope", "MyDomeDriver")]
        self.assertEqual({each.interface for each in drivers}, {each.interface for each in BASES.values()})
        for driver in drivers:
            fields = fields_of(driver.Settings, {})
            self.assertEqual([each.name for each in fields], list(driver.Settings.model_fields))
            for each in fields:
                self.assertRegex(each.help, r"^[A-Z].*[.!?:]$", each.name)


class ReadTests(SynchronousTestCase):
    RAW: ClassVar[dict[str, Any]] = {"needed": "x", "password": "hunter2", "count": 5, "where": "/a"}

    def form(self, **changed: Any) -> forms.Form:
        """What comes of a form in which only this was changed; None: it sends nothing."""
        return read(
            Everything, typed(Everything, self.RAW, **{name.replace("__", "."): text for name, text in changed.items()}), self.RAW
        )

    def error(self, **changed: Any) -> str:
        """The one thing that is wrong, which is beside the field that was changed."""
        form = self.form(**changed)
        (name,) = (name.replace("__", ".") for name in changed)
        errors = {each.name: each.error for each in forms.every(form.fields) if each.error}
        self.assertEqual((list(errors), form.errors), ([name], ()))
        return errors[name]

    def test_untouched(self) -> None:
        """A form that nobody touched changes nothing, and adds no default."""
        self.assertEqual(self.form().raw, self.RAW)
        self.assertTrue(self.form().is_right)

    def test_values(self) -> None:
        """What is typed becomes what the model wants."""
        for name, text, value in (
            ("flag", None, False), ("perhaps", "false", False), ("count", "7", 7), ("ratio", "2", 2.0), ("maybe", "1e3", 1000.0),
            ("text", " a ", " a "), ("word", "w", "w"), ("colour", '"green"', "green"), ("speed", "2", 2),
            ("baud", "19200", 19200),
            ("port", "off", "off"), ("port", "7", 7), ("path", "/x", "/x"), ("names", "one\r\n two\r\n\r\n", ["one", "two"]),
            ("numbers", "1\r\n2", [1, 2]),
            ("steps", "two\r\none", ["two", "one"]), ("table", '{"y": 2}', {"y": 2}), ("other", '{"name": "z"}', {"name": "z"}),
            ("password", "new", "new"),
        ):  # fmt: skip
            form = self.form(**{name: text})
            self.assertEqual((form.raw, form.is_right), ({**self.RAW, name: value}, True), name)

    def test_within(self) -> None:
        """A setting of a model within another is put there, beside the others that it has."""
        self.assertEqual(self.form(site__latitude="51.5").raw["site"], {"latitude": 51.5, "name": ""})

    def test_emptied(self) -> None:
        """What may be missing can be emptied."""
        raw = {**self.RAW, "maybe": 2.0, "word": "w", "speed": 2}
        form = read(Everything, typed(Everything, raw, maybe="", word="", speed=""), raw)
        self.assertEqual(form.raw, {**raw, "maybe": None, "word": None, "speed": None})
        self.assertTrue(form.is_right)

    def test_out_of_range(self) -> None:
        """The model's own sentence stands beside the field, which keeps what was typed."""
        self.assertIn("should be less than 10, not 12", self.error(count="12"))
        fields = {each.name: each.text for each in self.form(count="12").fields}
        self.assertEqual(fields["count"], "12")

    def test_unreadable(self) -> None:
        """What cannot be read is told with an example."""
        self.assertEqual(self.error(count="many"), "must be a whole number, as 12, not 'many'")
        self.assertEqual(self.error(count="1.5"), "must be a whole number, as 12, not '1.5'")
        self.assertEqual(self.error(ratio="1,5"), "must be a number, as 12.5, not '1,5'")
        self.assertEqual(self.error(ratio="nan"), "must be a number, as 12.5, not 'nan'")
        self.assertEqual(self.error(numbers="1\nx"), "must be a whole number, as 12, not 'x'")
        self.assertEqual(self.error(steps="three"), "must be one of one, two")
        self.assertEqual(self.error(baud="300"), "must be one of 9600, 19200")
        self.assertEqual(self.error(count=""), "must not be empty; if it is left out of the file it is 3")
        self.assertIn("is not JSON (line 1, column 2", self.error(table="{x"))
        self.assertEqual(self.error(table='{"a": NaN}'), "is not JSON: there is no NaN in it")

    def test_json_that_no_file_can_have(self) -> None:
        """A number without end, and what is nested too deep to be written again, are refused in words."""
        self.assertEqual(self.error(table='{"a": 1e999}'), "is not JSON: there is no 1e999 in it")
        self.assertEqual(self.error(table='{"a":' * 300 + "1" + "}" * 300), "is not JSON: it is nested more than 50 times")

    def test_inside(self) -> None:
        """What is wrong within a list or JSON is told beside its field, with where it is."""
        self.assertIn('["y"]', self.error(table='{"y": "z"}'))
        self.assertIn("should be less than or equal to 90", self.error(site__latitude="91"))

    def test_all_at_once(self) -> None:
        """Each mistake is told, the other fields keep what was typed."""
        form = self.form(count="12", site__latitude="-91", text="kept", flag=None)
        self.assertEqual(sorted(each.name for each in forms.every(form.fields) if each.error), ["count", "site.latitude"])
        self.assertEqual({each.name: each.text for each in form.fields}["text"], "kept")

    def test_missing(self) -> None:
        """What is needed and was never set is asked for."""
        form = read(MoonliteFocuser.Settings, typed(MoonliteFocuser.Settings, {}), {})
        errors = {each.name: each.error for each in form.fields if each.error}
        self.assertEqual(errors, {"max_step": "is missing", "port": 'should have at least 1 character, not ""'})

    def test_between_settings(self) -> None:
        """What is wrong with several settings together stands above them."""
        off = {"has_cover": "", "has_calibrator": ""}
        form = read(CoverCalibratorSimulator.Settings, typed(CoverCalibratorSimulator.Settings, {}) | off, {})
        self.assertEqual(form.errors, ("has_cover and has_calibrator are both false: nothing would be left",))
        wheel = read(FilterWheelSimulator.Settings, typed(FilterWheelSimulator.Settings, {}, focus_offsets="1\r\n2"), {})
        self.assertEqual(wheel.errors, ("focus_offsets has 2 entries and names has 5",))

    def test_secret(self) -> None:
        """A password that nobody typed stays, and no sentence repeats one that was."""

        class Strict(BaseModel):
            password: SecretStr = Field(min_length=20)

        self.assertEqual(self.form(password="").raw["password"], "hunter2")
        form = read(Strict, {"password": "swordfish"}, {})
        self.assertFalse(form.is_right)
        self.assertNotIn("swordfish", repr(form.fields) + repr(form.errors))

    def test_only_in_file(self) -> None:
        """A browser cannot change what stands in the file only, whatever it sends."""
        self.assertEqual(self.form(where="/b", passwords='{"me": "x"}').raw, self.RAW)

    def test_unknown_stays(self) -> None:
        """What no field is for stays in the file, and is told."""
        form = read(Everything, typed(Everything, self.RAW), {**self.RAW, "cuont": 1})
        self.assertEqual(form.raw["cuont"], 1)
        self.assertEqual(form.errors, ("cuont is not known here; did you mean 'count'?",))

    def test_awkward_lines(self) -> None:
        """Texts that are no lines are written as JSON, and come back as they were."""
        raw = {"needed": "x", "names": ["a\nb", " c ", ""]}
        form = read(Everything, typed(Everything, raw, text="y"), raw)
        self.assertEqual(form.raw, {**raw, "text": "y"})

    def test_bad_validator(self) -> None:
        """A model that fails is told so, and nothing breaks."""

        class Broken(BaseModel):
            flag: bool = True

            @model_validator(mode="after")
            def fail(self) -> Broken:
                raise ZeroDivisionError("oops")

        self.assertEqual(read(Broken, {}, {}).errors, ("the settings cannot be checked: ZeroDivisionError: oops",))

    @settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
    @given(st.dictionaries(st.sampled_from(sorted(CameraSimulator.Settings.model_fields)), st.text(max_size=12)))
    def test_anything(self, changed: dict[str, str]) -> None:
        """Whatever is typed, each field has either a right value or a sentence, and shows what was typed."""
        form = read(CameraSimulator.Settings, typed(CameraSimulator.Settings, {}) | changed, {})
        if form.is_right:
            CameraSimulator.Settings.model_validate(form.raw)
        self.assertEqual([each.text for each in form.fields if changed.get(each.name, each.text) != each.text], [])


class Login(BaseModel):
    name: str = ""
    password: str = ""


class Named(BaseModel):
    """Settings whose author has not said what is secret in them, though their names do."""

    tokens: list[str] = []
    credentials: dict[str, str] = {}
    login: Login | None = None
    logins: list[Login] = []
    key: str = Field(default="", json_schema_extra={FILE_ONLY: True})


class NamedTests(SynchronousTestCase):
    RAW: ClassVar[dict[str, Any]] = {
        "tokens": ["hunter2"],
        "credentials": {"me": "hunter2"},
        "login": {"name": "me", "password": "hunter2"},
        "logins": [{"password": "hunter2"}],
        "key": "hunter2",
    }

    def test_shown(self) -> None:
        """What is called a secret is in no field, also in a list, in a table, and within something else."""
        self.assertNotIn("hunter2", repr(fields_of(Named, self.RAW)))

    def test_pasted(self) -> None:
        """Nor is it in what people are given to write themselves."""
        self.assertNotIn("hunter2", repr(without_secrets(Named, self.RAW)))

    def test_kept(self) -> None:
        """It stays as it is."""
        self.assertEqual(read(Named, {}, self.RAW).raw, self.RAW)


class TwoLines(BaseModel):
    """A dome that may have a second line, and more of them."""

    shutter: SerialSettings | None = None
    others: list[SerialSettings] = []


class FileOnlyTests(SynchronousTestCase):
    def test_within_json(self) -> None:
        """What is set in the file only cannot be typed as part of something else either."""
        typed = {"shutter": '{"port": "a", "record": "/etc/passwd"}', "others": '[{"port": "a", "record": "/etc/passwd"}]'}
        self.assertEqual(read(TwoLines, typed, {}).raw, {})


class WithoutSecretsTests(SynchronousTestCase):
    def test_hidden(self) -> None:
        """Passwords are replaced, wherever they are; what is none stays."""
        raw = {"password": "hunter2", "api_token": "x", "passwords": {"me": "hunter3"}, "text": "t", "site": {"name": "n"}}
        wanted = {"password": HIDDEN, "api_token": HIDDEN, "passwords": HIDDEN, "text": "t", "site": {"name": "n"}}
        self.assertEqual(without_secrets(Everything, raw), wanted)
