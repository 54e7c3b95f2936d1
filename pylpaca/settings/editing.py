"""Changes of single values in a JSON text that leave all the rest of it as it was written."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from pylpaca.places import Place, Span, spans

UNIT = "  "  # what a value within another is indented by, where the text does not say


class CannotEdit(Exception):
    """A text cannot be changed so; the sentence says why."""


def differences(old: Any, new: Any, place: Place = ()) -> dict[Place, Any]:
    """What has to be written, by its place, to make one JSON value of another; the least that will do."""
    if isinstance(old, dict) and isinstance(new, dict) and old.keys() <= new.keys():
        return _gathered({key: (old[key], new[key]) if key in old else (..., new[key]) for key in new}, place)
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return _gathered(dict(enumerate(zip(old, new, strict=True))), place)
    return {} if same(old, new) else {place: new}


def _gathered(pairs: Mapping[Any, tuple[Any, Any]], place: Place) -> dict[Place, Any]:
    found: dict[Place, Any] = {}
    for key, (old, new) in pairs.items():
        found |= {(*place, key): new} if old is ... else differences(old, new, (*place, key))
    return found


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same: 20 and 20.0 are, 1 and true are not."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def edited(text: str, changes: Mapping[Place, Any]) -> str:
    """
    The same text but for these values; what is not there yet is put behind what is, indented like it.

    :raises CannotEdit: there is nothing at such a place, nor anything that it could be added to.
    """
    wanted = json.loads(text)
    for place, value in changes.items():
        text = _changed(text, place, value)
        wanted = _with(wanted, place, value)
    if not same(json.loads(text), wanted):  # something is given twice in it
        raise CannotEdit("it could not be changed without changing something else: is something given twice in it?")
    return text


def _with(content: Any, place: Place, value: Any) -> Any:
    if not place:
        return value
    step, *rest = place
    if isinstance(content, list) and isinstance(step, int):
        return [_with(each, tuple(rest), value) if index == step else each for index, each in enumerate(content)]
    return {**content, step: _with(content.get(step, {}), tuple(rest), value)}


def _changed(text: str, place: Place, value: Any) -> str:
    found, _ = spans(text)
    if place in found:
        span = found[place]
        return text[: span.value] + _written(text, span, value) + text[span.end :]
    above = next(place[:length] for length in range(len(place) - 1, -1, -1) if place[:length] in found)
    for step in reversed(place[len(above) + 1 :]):
        value = {step: value}
    key = place[len(above)]
    if not isinstance(key, str) or text[found[above].value] != "{":
        raise CannotEdit(f"there is no object in braces that {key!r} could be added to")
    below = [span for each, span in found.items() if len(each) == len(above) + 1 and each[: len(above)] == above]
    if below:
        return _added(text, below[-1], len(below) > 1, key, value)
    return _begun(text, found, above, key, value)


def _added(text: str, last: Span, has_others: bool, key: str, value: Any) -> str:
    """Behind the last of its siblings, and as that is written."""
    between = re.search(r"[ \t\r\n]*$", text[: last.key])
    before = between[0] if between is not None else ""
    colon = text[last.key : last.value].removeprefix(_quoted(text, last.key))
    if not has_others and "\n" not in before:
        before = " " if colon != ":" else ""
    own = _indent(text, last.key) if "\n" in before else None
    return text[: last.end] + f",{before}{_json(key)}{colon}{_fresh(text, value, own)}" + text[last.end :]


def _begun(text: str, found: Mapping[Place, Span], place: Place, key: str, value: Any) -> str:
    """Into an object in which nothing is yet: on a line of its own, if what is beside that object has lines of their own."""
    span = found[place]
    if not place or not _begins_a_line(text, span.key):
        return text[: span.value] + "{" + f"{_json(key)}: {_fresh(text, value, None)}" + "}" + text[span.end :]
    outer, unit, end = _indent(text, span.key), _unit(text), _line_end(text)
    inner = f"{end}{outer}{unit}{_json(key)}: {_fresh(text, value, outer + unit)}{end}{outer}"
    return text[: span.value] + "{" + inner + "}" + text[span.end :]


def _quoted(text: str, start: int) -> str:
    """The key that begins there, as it is written."""
    _, end = json.decoder.scanstring(text, start + 1)  # type: ignore[attr-defined]
    return text[start:end]


def _written(text: str, span: Span, value: Any) -> str:
    """A value in the place of another: on as many lines, if that one is on several."""
    return _fresh(text, value, _indent(text, span.key) if "\n" in text[span.value : span.end] else None)


def _fresh(text: str, value: Any, indent: str | None) -> str:
    """A value; what has others within it is indented if it is to stand on lines of its own."""
    if indent is None or not isinstance(value, (dict, list)) or not value:
        return _json(value)
    return _json(value, _unit(text)).replace("\n", _line_end(text) + indent)


def _json(value: Any, indent: str | None = None) -> str:
    """JSON in letters as people read them, unless they are half of one, which no file can have."""
    text = json.dumps(value, ensure_ascii=False, indent=indent, allow_nan=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, indent=indent, allow_nan=False)
    return text


def _begins_a_line(text: str, offset: int) -> bool:
    return not text[text.rfind("\n", 0, offset) + 1 : offset].strip()


def _indent(text: str, offset: int) -> str:
    """What the line begins with that has this offset."""
    line = re.compile(r"[ \t]*").match(text, text.rfind("\n", 0, offset) + 1)
    return line[0] if line is not None else ""


def _unit(text: str) -> str:
    """What the first indented line of a text is indented by."""
    line = re.search(r"\n([ \t]+)\S", text)
    return line[1] if line is not None else UNIT


def _line_end(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"
