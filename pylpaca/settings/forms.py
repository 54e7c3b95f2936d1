"""The fields that the settings of a pydantic model are typed into, and the settings that were typed: no HTML."""

# Facts
#   A form sends texts. What is not a list of scalars or a scalar is typed as JSON.
#   A checkbox that is not ticked sends nothing: a form is sent with all of its fields, or not at all.

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretBytes, SecretStr, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from pylpaca.config import FILE_ONLY, explained, holds_secrets
from pylpaca.discreet import is_secret_name
from pylpaca.places import Place
from pylpaca.serial import SerialSettings

SCALARS = (bool, int, float, str)
UNIT = "unit"  # in a field's json_schema_extra: behind its value
HIDDEN = "********"
DEEPEST = 50  # of JSON that is typed
IN_JSON = "This is written as JSON, as in config.json."
LINES = "One in each line."

Typed = Mapping[str, str]  # what a form sent, by the names of its fields


class Unreadable(Exception):
    """What was typed cannot be what is wanted, whatever the model says of it; the sentence says what was expected."""


@dataclass(frozen=True)
class Choice:
    """One of the values that a field may have."""

    text: str  # what a form sends
    label: str


@dataclass(frozen=True)
class Field:
    """
    One setting, as people see it.

    :ivar kind: text, number, checkbox, choice, secret, lines (of a list), json, port, or group, which has only others below it.
    :ivar place: where it is in the settings.
    :ivar text: what is typed in it, or chosen; of a checkbox "on" or "".
    :ivar limits: what it may be, in words.
    """

    name: str
    kind: str
    place: Place
    label: str
    text: str = ""
    help: str = ""
    unit: str = ""
    limits: str = ""
    required: bool = False
    fixed: bool = False  # it can be seen, but stands in the file only
    choices: tuple[Choice, ...] = ()
    whole: bool = False  # of a number
    below: tuple[Field, ...] = ()
    error: str = ""


@dataclass(frozen=True)
class Form:
    """
    What was typed for a model, and what came of it.

    :ivar fields: each with what was typed, and what is wrong with it.
    :ivar raw: the settings as a configuration has them, whether they are right or not.
    :ivar errors: what is wrong with no field in particular.
    """

    fields: tuple[Field, ...]
    raw: dict[str, Any]
    errors: tuple[str, ...] = ()

    @property
    def is_right(self) -> bool:
        """Whether nothing is wrong."""
        return not self.errors and not any(each.error for each in every(self.fields))


def every(fields: Sequence[Field]) -> Iterator[Field]:
    """All fields, those of groups too."""
    for each in fields:
        yield each
        yield from every(each.below)


# ---- model -> fields ----------------------------------------------------------------------------------------------


def fields_of(
    model: type[BaseModel], raw: Mapping[str, Any], prefix: str = "", place: Place = (), only: Collection[str] = ()
) -> tuple[Field, ...]:
    """
    The fields of a model.

    :param raw: its settings as a configuration has them; what is not in it has its default.
    :param prefix: of the names of its fields.
    :param only: which settings, if not all.
    """
    return tuple(_field(model, name, info, raw, prefix, place) for name, info in _settings(model, only))


def _settings(model: type[BaseModel], only: Collection[str]) -> Iterator[tuple[str, FieldInfo]]:
    return ((name, info) for name, info in model.model_fields.items() if not only or name in only)


def _field(model: type[BaseModel], name: str, info: FieldInfo, raw: Mapping[str, Any], prefix: str, place: Place) -> Field:
    key, shape = key_of(name, info), shape_of(name, info)
    value = raw[key] if key in raw else _default(info)
    is_port = name == "port" and issubclass(model, SerialSettings)
    found = Field(
        name=prefix + key,
        kind="port" if is_port else shape.kind,
        place=(*place, key),
        label=info.title or _in_words(name),
        text=shape.text(value),
        help=_sentence(info.description or ""),
        unit=str(_said(info, UNIT) or ""),
        limits=_limits(info),
        required=info.is_required(),
        fixed=_is_fixed(name, info, shape),
        choices=shape.choices,
        whole=shape.whole,
    )
    if shape.kind == "group":
        assert shape.model is not None
        inner = value if isinstance(value, Mapping) else {}
        return replace(found, text="", below=fields_of(shape.model, inner, f"{found.name}.", found.place))
    if found.fixed:
        return replace(found, text=HIDDEN if value and _has_secrets(name, info.annotation) else found.text)
    if shape.kind == "json":
        return replace(found, help=" ".join([*filter(None, [found.help]), IN_JSON]))
    if shape.kind == "lines":
        return replace(found, help=" ".join([*filter(None, [found.help]), LINES]))
    if shape.kind == "secret":
        kept = "It is kept as it is unless another one is typed." if value else ""
        return replace(found, text="", help=" ".join(filter(None, [found.help, kept])))
    return found


def _said(info: FieldInfo, what: str) -> Any:
    return info.json_schema_extra.get(what) if isinstance(info.json_schema_extra, dict) else None


def _is_fixed(name: str, info: FieldInfo, shape: Shape) -> bool:
    """Whether it is not changed with a browser: because its author says so of it or within it, or because of passwords in it."""
    is_whole = shape.kind in ("json", "lines")  # what is within it has no fields of its own
    return bool(_said(info, FILE_ONLY)) or (is_whole and (_has_secrets(name, info.annotation) or _has_fixed(info.annotation)))


def _has_fixed(annotation: Any) -> bool:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return any(_said(each, FILE_ONLY) or _has_fixed(each.annotation) for each in annotation.model_fields.values())
    return any(_has_fixed(each) for each in get_args(annotation))


def _has_secrets(name: str, annotation: Any) -> bool:
    """Whether a setting may have a password in it: by its type, by what it is called, or by what is within it."""
    if is_secret_name(name) or holds_secrets(annotation):
        return True
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return any(_has_secrets(inner, info.annotation) for inner, info in annotation.model_fields.items())
    return any(_has_secrets("", each) for each in get_args(annotation))


def shape_of(name: str, info: FieldInfo) -> Shape:
    """What can be typed for a setting; a text that is called a password is one, whatever its type says."""
    shape = Shape.of(info.annotation)
    return replace(shape, kind="secret") if shape.kind == "text" and shape.types == (str,) and is_secret_name(name) else shape


def key_of(name: str, info: FieldInfo) -> str:
    """What a configuration calls a setting."""
    alias = info.validation_alias if isinstance(info.validation_alias, str) else info.alias
    return alias or name


def _default(info: FieldInfo) -> Any:
    value = info.get_default(call_default_factory=True) if not info.is_required() else None
    return None if value is PydanticUndefined else plain(value)


def plain(value: Any) -> Any:
    """A value as a configuration would have it."""
    if isinstance(value, (SecretStr, SecretBytes)):
        return value.get_secret_value()
    if isinstance(value, BaseModel):
        return {key_of(name, info): plain(getattr(value, name)) for name, info in type(value).model_fields.items()}
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(each) for each in value]
    return value if value is None or isinstance(value, SCALARS) else str(value)


def _in_words(name: str) -> str:
    """A name of ours as people would write it; ASCOM's spelling stays."""
    return name.replace("_", " ").capitalize() if name == name.lower() else name


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if not text or text[-1] in ".!?:" else ".")


def _limits(info: FieldInfo) -> str:
    """What the model says of a number or of the length of a text, in words."""
    said: dict[str, Any] = {}
    for each in info.metadata:
        for name in ("ge", "gt", "le", "lt", "multiple_of", "min_length", "max_length"):
            if (value := getattr(each, name, None)) is not None:
                said[name] = value
    words = []
    if "ge" in said and "le" in said:
        words.append(f"from {_number(said['ge'])} to {_number(said['le'])}")
    else:
        words += [f"at least {_number(said['ge'])}"] if "ge" in said else []
        words += [f"more than {_number(said['gt'])}"] if "gt" in said else []
        words += [f"at most {_number(said['le'])}"] if "le" in said else []
    words += [f"less than {_number(said['lt'])}"] if "lt" in said else []
    words += [f"in steps of {_number(said['multiple_of'])}"] if "multiple_of" in said else []
    return ", ".join(words)


def _number(value: Any) -> str:
    return (
        f"{value:,}".replace(",", "\u00a0")
        if isinstance(value, int)
        else f"{value:g}"
        if isinstance(value, float)
        else str(value)
    )


# ---- what an annotation means -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Shape:
    """What can be typed for an annotation, and what that is then."""

    kind: str
    optional: bool = False  # None is a value, too
    choices: tuple[Choice, ...] = ()
    values: tuple[Any, ...] = ()  # of the choices
    types: tuple[type, ...] = ()  # the scalars it may be
    words: tuple[str, ...] = ()  # texts that it may be besides
    inner: Shape | None = None  # of what a list holds
    model: type[BaseModel] | None = None

    @property
    def whole(self) -> bool:
        """Whether only whole numbers are meant."""
        return self.types == (int,)

    @classmethod
    def of(cls, annotation: Any) -> Shape:
        """The shape of an annotation."""
        branches = _branches(annotation)
        optional = NoneType in branches
        branches = [each for each in branches if each is not NoneType]
        literals = [value for each in branches for value in _values(each)]
        if branches and all(_values(each) for each in branches):
            return _choosing(literals, optional)
        if branches == [bool]:
            return _choosing([True, False], True) if optional else cls("checkbox", types=(bool,))
        types = [each for each in branches if not _values(each)]
        words = tuple(each for each in literals if isinstance(each, str))
        if types and all(each in (int, float, str) for each in types) and len(words) == len(literals):
            is_number = not words and str not in types
            return cls("number" if is_number else "text", optional, types=tuple(types), words=words)
        if len(branches) == 1:
            return cls._of_one(branches[0], optional)
        return cls("json", optional)

    @classmethod
    def _of_one(cls, kind: Any, optional: bool) -> Shape:
        if kind in (SecretStr, SecretBytes):
            return cls("secret", optional, types=(str,))
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return cls("json", optional) if optional else cls("group", model=kind)
        if get_origin(kind) in (list, tuple, set, frozenset):
            inner = [each for each in get_args(kind) if each is not Ellipsis]
            shape = cls.of(inner[0]) if len(inner) == 1 else None
            if shape is not None and shape.kind in ("text", "number", "choice") and not (optional or shape.optional):
                return cls("lines", inner=shape)
        return cls("text", optional, types=(str,)) if _is_text(kind) else cls("json", optional)

    def text(self, value: Any) -> str:
        """What is typed when this is the value."""
        if self.kind == "checkbox":
            return "on" if value else ""
        if self.kind == "choice":
            return next((c.text for c, each in zip(self.choices, self.values, strict=True) if _is(each, value)), "")
        if self.kind == "lines" and isinstance(value, list) and all(_is_a_line(each) for each in value):
            assert self.inner is not None
            return "\n".join(each if isinstance(each, str) else self.inner.text(each) for each in value)
        if self.kind in ("json", "lines"):
            return json.dumps(value, indent=2, ensure_ascii=False)
        if isinstance(value, (dict, list, bool)):  # the file has something else than is wanted
            return json.dumps(value, ensure_ascii=False)
        return "" if value is None else str(value)

    def read(self, text: str) -> Any:
        """
        The value that was typed.

        :raises Unreadable: there is none.
        """
        if self.kind == "checkbox":
            return bool(text)
        if self.kind == "choice":
            return self._chosen(text)
        if self.kind == "lines":
            return self._lines(text)
        if self.kind == "json":
            return _json(text)
        if not text.strip() and (self.optional or str not in self.types):
            return None
        if text.strip() in self.words or (self.types == (str,)):
            return text.strip() if self.words else text
        return self._number(text.strip())

    def _chosen(self, text: str) -> Any:
        for choice, value in zip(self.choices, self.values, strict=True):
            if text in (choice.text, choice.label):
                return value
        raise Unreadable(f"must be one of {', '.join(each.label for each in self.choices)}")

    def _lines(self, text: str) -> list[Any]:
        assert self.inner is not None
        if text.lstrip().startswith("["):
            found = _json(text)
            if isinstance(found, list):
                return found
        return [self.inner.read(line.strip()) for line in text.splitlines() if line.strip()]

    def _number(self, text: str) -> Any:
        if int in self.types:
            try:
                return int(text)
            except ValueError:
                pass
        try:
            value = float(text)
        except ValueError:
            if str in self.types:
                return text
            value = float("nan")
        if value - value == 0.0 and (float in self.types or value == int(value)):
            return value if float in self.types else int(value)
        if str in self.types:
            return text
        what = ("a number", "12.5") if float in self.types else ("a whole number", "12")
        also = "".join(f", or {word}" for word in self.words)
        raise Unreadable(f"must be {what[0]}, as {what[1]}{also}, not {text[:60]!r}")


def _choosing(values: Sequence[Any], optional: bool) -> Shape:
    labels = {True: "yes", False: "no"}
    choices = [Choice(json.dumps(each), labels[each] if isinstance(each, bool) else str(each)) for each in values]
    none = [(Choice("", "not set"), None)] if optional else []
    pairs = [*none, *zip(choices, values, strict=True)]
    return Shape("choice", optional, tuple(choice for choice, _ in pairs), tuple(value for _, value in pairs))


def _branches(annotation: Any) -> list[Any]:
    """What an annotation may be: itself, or each of a union."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _branches(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return [each for branch in get_args(annotation) for each in _branches(branch)]
    return [annotation]


def _values(kind: Any) -> list[Any]:
    """The values that can be counted; none if they cannot."""
    if get_origin(kind) is Literal:
        return [plain(each) for each in get_args(kind)]
    if isinstance(kind, type) and issubclass(kind, Enum):
        return [plain(each) for each in kind]
    return []


def _is_text(kind: Any) -> bool:
    """Whether a text in a configuration can be this, as a path or a moment can."""
    try:
        return TypeAdapter(kind).json_schema().get("type") == "string"
    except Exception:  # types of an author's own, of which pydantic knows nothing
        return False


def _is_a_line(value: Any) -> bool:
    return not isinstance(value, str) or (value == value.strip() != "" and value.splitlines() == [value] and value[0] != "[")


def _is(one: Any, other: Any) -> bool:
    return isinstance(one, bool) is isinstance(other, bool) and bool(one == other)


def _json(text: str) -> Any:
    try:
        found = json.loads(text, parse_constant=_no_constant, parse_float=_finite)
        if _is_deep(found):
            raise ValueError(f"it is nested more than {DEEPEST} times")
        return found
    except json.JSONDecodeError as error:
        raise Unreadable(f"is not JSON (line {error.lineno}, column {error.colno}: {error.msg.lower()})") from None
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"is not JSON: {error}") from None


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _no_constant(text)


def _is_deep(value: Any, left: int = DEEPEST) -> bool:
    """Whether it is nested deeper than what walks through it could go."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return left == 0 or any(_is_deep(each, left - 1) for each in inner)


def _no_constant(name: str) -> Any:
    raise ValueError(f"there is no {name} in it")


# ---- what was typed -> settings -----------------------------------------------------------------------------------


def read(model: type[BaseModel], typed: Typed, raw: Mapping[str, Any], prefix: str = "", only: Collection[str] = ()) -> Form:
    """
    Read what was typed for a model.

    :param typed: all fields of a form, by name.
    :param raw: the settings as they were; what no field is for stays.
    :param prefix: of the names of its fields.
    :param only: the settings that have fields, if not all have.
    """
    errors: dict[str, str] = {}
    found = _read(model, typed, raw, prefix, errors, only)
    fields = _as_typed(fields_of(model, found, prefix, only=only), typed)
    wrong, rest = _validated(model, found, fields)
    if errors:  # what could not be read is as it was, which says nothing about all of them together
        wrong, rest = {**wrong, **errors}, []
    return Form(tuple(_with_errors(fields, wrong)), found, tuple(rest))


def _read(
    model: type[BaseModel],
    typed: Typed,
    raw: Mapping[str, Any],
    prefix: str,
    errors: dict[str, str],
    only: Collection[str] = (),
) -> dict[str, Any]:
    found = dict(raw)
    for name, info in _settings(model, only):
        key, shape = key_of(name, info), shape_of(name, info)
        field_name, default = prefix + key, _default(info)
        if _is_fixed(name, info, shape):
            continue
        if shape.kind == "group":
            assert shape.model is not None
            inner = found.get(key, default)
            value: Any = _read(shape.model, typed, inner if isinstance(inner, dict) else {}, f"{field_name}.", errors)
        elif shape.kind == "secret" and not typed.get(field_name):
            continue
        else:
            text = typed.get(field_name, "").replace("\r\n", "\n")
            was = found.get(key, default)
            if text == shape.text(was) and (key in found or not info.is_required()):
                continue  # as it was, however that is written in the file
            try:
                value = shape.read(text)
            except Unreadable as error:
                errors[field_name] = str(error)
                continue
            if value is None and not shape.optional:
                if info.is_required():
                    found.pop(key, None)
                    errors[field_name] = "is missing"
                else:
                    errors[field_name] = f"must not be empty; if it is left out of the file it is {shape.text(default)}"
                continue
        if key in found or info.is_required() or not _is_same(value, default):
            found[key] = value
    return found


def _is_same(value: Any, default: Any) -> bool:
    return _is(value, default) and type(value) is type(default)


def _validated(model: type[BaseModel], raw: dict[str, Any], fields: Sequence[Field]) -> tuple[dict[str, str], list[str]]:
    """What the model has against these settings: by field, and what belongs to none."""
    try:
        model.model_validate(raw)
    except ValidationError as error:
        return _sorted(explained(model, error, meaning=False), fields)
    except Exception as error:
        return {}, [f"the settings cannot be checked: {type(error).__name__}: {error}"]
    return {}, []


def _sorted(mistakes: Sequence[tuple[Place, str]], fields: Sequence[Field]) -> tuple[dict[str, str], list[str]]:
    names = {each.place: each.name for each in every(fields) if each.kind != "group"}
    errors: dict[str, str] = {}
    rest: list[str] = []
    for place, sentence in mistakes:
        near = next((place[:length] for length in range(len(place), 0, -1) if place[:length] in names), None)
        if near is None:
            rest.append(sentence if not place else f"{'.'.join(map(str, place))} {sentence}")
            continue
        inside = "".join(f"[{json.dumps(step)}] " for step in place[len(near) :])
        errors.setdefault(names[near], inside + sentence)
    return errors, rest


def _as_typed(fields: Sequence[Field], typed: Typed) -> list[Field]:
    def one(each: Field) -> Field:
        if each.below:
            return replace(each, below=tuple(_as_typed(each.below, typed)))
        if each.fixed or each.kind == "secret":
            return each
        return replace(each, text=typed.get(each.name, "").replace("\r\n", "\n"))

    return [one(each) for each in fields]


def _with_errors(fields: Sequence[Field], errors: Mapping[str, str]) -> list[Field]:
    return [replace(each, error=errors.get(each.name, ""), below=tuple(_with_errors(each.below, errors))) for each in fields]


# ---- secrets ------------------------------------------------------------------------------------------------------


def without_secrets(model: type[BaseModel], raw: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as a configuration has them, in which no password can be read."""
    found = dict(raw)
    for name, info in model.model_fields.items():
        key = key_of(name, info)
        if key not in found:
            continue
        shape = shape_of(name, info)
        if shape.model is not None and isinstance(found[key], dict):
            found[key] = without_secrets(shape.model, found[key])
        elif shape.kind in ("secret", "json", "lines") and _has_secrets(name, info.annotation) and found[key]:
            found[key] = HIDDEN
    return found
