"""Settings are changed in a file without anything else in it being touched."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from pylpaca.places import Place, spans
from pylpaca.settings.editing import CannotEdit, differences, edited, same

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4))
OBJECTS = st.dictionaries(st.text(max_size=6), VALUES, max_size=5)
STYLES = st.sampled_from([None, 1, 2, 4, "\t"])
ENDS = st.sampled_from(["\n", "\r\n"])

FILE = """{
  "server": { "name" : "mine" },
  "drivers": [
    {"device_type": "dome", "device_number": 0, "driver_config": {}},
    {
      "device_type": "focuser",
      "driver_config": {
        "max_step":   5000,
        "names": [
          "one"
        ]
      }
    }
  ]
}
"""


def written(content: Any, style: Any, end: str) -> str:
    """JSON as somebody has written it."""
    return json.dumps(content, indent=style).replace("\n", end)


def alike(one: str, other: str) -> int:
    """How many characters of two texts are the same, from the beginning."""
    return next((at for at, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), min(len(one), len(other)))


class PropertyTests(SynchronousTestCase):
    @settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
    @given(OBJECTS, STYLES, ENDS, VALUES, st.data())
    def test_replace(self, content: dict[str, Any], style: Any, end: str, value: Any, data: st.DataObject) -> None:
        """Any value of any text is replaced: what is before and behind it stays byte for byte, and the new one is read back."""
        text = written(content, style, end)
        found, _ = spans(text)
        place = data.draw(st.sampled_from(sorted(found, key=repr)))
        after = edited(text, {place: value})
        span = found[place]
        self.assertEqual(after[: span.value], text[: span.value])
        self.assertEqual(after[len(after) - len(text) + span.end :], text[span.end :])
        again: Any = json.loads(after)
        for step in place:
            again = again[step]
        self.assertTrue(same(again, value))

    @settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
    @given(OBJECTS, STYLES, ENDS, st.text(max_size=6), VALUES)
    def test_add(self, content: dict[str, Any], style: Any, end: str, key: str, value: Any) -> None:
        """Any new key is added: without what was added the text is what it was, and everything in it is read back."""
        if key in content:
            return
        text = written({"outer": content, "last": 1}, style, end)
        after = edited(text, {("outer", key): value})
        self.assertTrue(same(json.loads(after), {"outer": {**content, key: value}, "last": 1}))
        self.assertGreaterEqual(alike(text, after) + alike(text[::-1], after[::-1]), len(text))

    @settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow])
    @given(OBJECTS, OBJECTS, STYLES)
    def test_differences(self, old: dict[str, Any], new: dict[str, Any], style: Any) -> None:
        """What differs between two contents, written into the text of one, makes the other of it."""
        wanted = {**old, **new}
        after = edited(written(old, style, "\n"), differences(old, wanted))
        self.assertTrue(same(json.loads(after), wanted))


class EditTests(SynchronousTestCase):
    def assert_edit(self, place: Place, value: Any, before: str, after: str) -> None:
        """In the file, what stood there became this."""
        self.assertEqual(edited(FILE, {place: value}), FILE.replace(before, after, 1))

    def test_value(self) -> None:
        """A value is replaced between the blanks that are around it."""
        self.assert_edit(("drivers", 1, "driver_config", "max_step"), 6000, "  5000,", "  6000,")

    def test_key_in_a_line(self) -> None:
        """A new key stands behind the others in their line, with their blanks."""
        self.assert_edit(("server", "location"), "garden", '"mine" }', '"mine", "location" : "garden" }')

    def test_key_on_its_own_line(self) -> None:
        """Where each key has a line the new one has one, too."""
        place = ("drivers", 1, "driver_config", "step_size")
        self.assert_edit(place, 2.5, "\n        ]\n      }", '\n        ],\n        "step_size": 2.5\n      }')

    def test_empty_object(self) -> None:
        """An empty object in a line is filled in that line."""
        place = ("drivers", 0, "driver_config", "park")
        self.assert_edit(place, 90.0, '"driver_config": {}', '"driver_config": {"park": 90.0}')

    def test_empty_object_on_its_own_line(self) -> None:
        """An empty object on a line of its own gets lines of its own."""
        text = '{\n    "drivers": [],\n    "server": {}\n}'
        after = '{\n    "drivers": [],\n    "server": {\n        "name": "x"\n    }\n}'
        self.assertEqual(edited(text, {("server", "name"): "x"}), after)

    def test_missing_object(self) -> None:
        """What it is to stand in is added with it."""
        text = '{"drivers": [{"device_type": "dome"}]}'
        after = '{"drivers": [{"device_type": "dome", "driver_config": {"site": {"height": 5}}}]}'
        self.assertEqual(edited(text, {("drivers", 0, "driver_config", "site", "height"): 5}), after)

    def test_compact(self) -> None:
        """A text without any blanks stays without."""
        self.assertEqual(edited('{"a":{"b":1}}', {("a", "c"): 2}), '{"a":{"b":1,"c":2}}')

    def test_list_on_lines(self) -> None:
        """A list on several lines stays on several lines."""
        after = '[\n          "one",\n          "two"\n        ]'
        self.assert_edit(("drivers", 1, "driver_config", "names"), ["one", "two"], '[\n          "one"\n        ]', after)

    def test_letters(self) -> None:
        """Letters are written as they are read; half of a surrogate pair, which no file can have, by its number."""
        self.assertEqual(edited('{"a": 1}', {("a",): "Königstuhl"}), '{"a": "Königstuhl"}')
        self.assertEqual(edited('{"a": 1}', {("a",): "\ud800"}), '{"a": "\\ud800"}')

    def test_nowhere(self) -> None:
        """What cannot be added is refused with a sentence."""
        for text, place in (("[1]", ("a",)), ('{"a": 5}', ("a", "b")), ('{"a": []}', ("a", 0))):
            with self.assertRaisesRegex(CannotEdit, "no object in braces"):
                edited(text, {place: 1})

    def test_given_twice(self) -> None:
        """Where something is given twice nothing is changed by guessing."""
        with self.assertRaisesRegex(CannotEdit, "given twice"):
            edited('{"a": {"b": 1}, "a": {}}', {("a", "b"): 2})


class DifferenceTests(SynchronousTestCase):
    def test_least(self) -> None:
        """Only what differs is written, however deep it is."""
        old = {"a": 1, "b": {"c": [1, 2], "d": "x"}}
        self.assertEqual(differences(old, {"a": 1, "b": {"c": [1, 3], "d": "x"}, "e": None}), {("b", "c", 1): 3, ("e",): None})

    def test_numbers(self) -> None:
        """20 and 20.0 are the same, 1 and true are not."""
        self.assertEqual(differences({"a": 20, "b": 1}, {"a": 20.0, "b": True}), {("b",): True})

    def test_less(self) -> None:
        """What something was taken out of is written as a whole."""
        self.assertEqual(
            differences({"a": {"b": 1, "c": 2}, "l": [1, 2]}, {"a": {"b": 1}, "l": [1]}), {("a",): {"b": 1}, ("l",): [1]}
        )
