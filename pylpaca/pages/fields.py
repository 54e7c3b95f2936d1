"""How the fields of a form look: each with its label, its help, its limits, and what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from twisted.web.template import Tag, tags

from pylpaca.settings.forms import Choice, Field, every

BESIDE = ("text", "number", "choice")  # the kinds of fields that have their unit beside them
OTHER = ":other"  # behind the name of a port: one that is not among those that are offered

Offers = Mapping[str, Sequence[Choice]]  # the ports to choose from, by the name of the field


def shown(fields: Sequence[Field], offers: Offers) -> list[Tag]:
    """Fields, one below the other; those that stand in the file only come last, and are folded up."""
    own = [_group(each, offers) if each.kind == "group" else _field(each, offers) for each in fields if not each.fixed]
    fixed = [_fixed(each) for each in fields if each.fixed]
    if not fixed:
        return own
    return [*own, Tag("details")(Tag("summary")("What is set in the configuration file only"), tags.dl(*fixed, class_="only"))]


def summary(fields: Sequence[Field], rest: Sequence[str], what: str) -> Tag:
    """What is wrong, all of it, with a way to each field."""
    wrong = [tags.li(tags.a(each.label, href=f"#{_id(each.name)}"), f" {each.error}") for each in every(fields) if each.error]
    items = [*(tags.li(each) for each in rest), *wrong]
    return tags.div(tags.p(what), tags.ul(*items), class_="error", role="alert")


def typed_ports(fields: Sequence[Field], typed: Mapping[str, str]) -> dict[str, str]:
    """What was typed, with the port that was typed where none of those that are offered was wanted."""
    ports = {each.name: typed.get(each.name + OTHER, "").strip() for each in every(fields) if each.kind == "port"}
    return {**typed, **{name: text for name, text in ports.items() if text}}


def _id(name: str) -> str:
    return re.sub(r"\W", "-", name)


def _group(field: Field, offers: Offers) -> Tag:
    help_text = [tags.p(field.help, class_="help")] if field.help else []
    return tags.fieldset(tags.legend(field.label), *help_text, *shown(field.below, offers))


def _field(field: Field, offers: Offers) -> Tag:
    own, words = _id(field.name), _words(field)
    told = [tags.p(words, class_="help", id=f"{own}-help")] if words else []
    has_unit = bool(field.unit) and field.kind in BESIDE
    parts = {"unit": has_unit, "help": words, "error": field.error}
    described = [f"{own}-{part}" for part, text in parts.items() if text]
    attributes = {"aria-describedby": " ".join(described)} if described else {}
    if field.error:
        attributes["aria-invalid"] = "true"
        told.append(tags.p(field.error, class_="error", id=f"{own}-error"))
    control = _CONTROLS[field.kind](field, own, attributes, offers)
    if has_unit:
        control = [tags.div(*control, tags.span(field.unit, id=f"{own}-unit"), class_="row")]
    label = tags.label(field.label, **{"for": own})
    if field.kind == "checkbox":
        return tags.div(tags.div(*control, label, class_="row"), *told, class_="field")
    return tags.div(label, *control, *told, class_="field")


def _words(field: Field) -> str:
    """What it is, and what it may be."""
    return " ".join(filter(None, [field.help, field.limits and f"{field.limits[:1].upper()}{field.limits[1:]}."]))


def _fixed(field: Field) -> Tag:
    return tags.div(tags.dt(field.label), tags.dd(tags.code(field.text or "–")), tags.dd(_words(field), class_="help"))


def _input(field: Field, own: str, attributes: Mapping[str, str], offers: Offers) -> list[Tag]:
    kind = {} if field.kind != "number" else {"inputmode": "numeric" if field.whole and "-" not in field.limits else "decimal"}
    box = tags.input(type="text", id=own, name=field.name, value=field.text, autocomplete="off", **kind, **attributes)
    return [box]


def _checkbox(field: Field, own: str, attributes: Mapping[str, str], offers: Offers) -> list[Tag]:
    box = tags.input(type="checkbox", id=own, name=field.name, value="on", **attributes)
    return [box(checked="") if field.text else box]


def _secret(field: Field, own: str, attributes: Mapping[str, str], offers: Offers) -> list[Tag]:
    return [tags.input(type="password", id=own, name=field.name, value="", autocomplete="new-password", **attributes)]


def _area(field: Field, own: str, attributes: Mapping[str, str], offers: Offers) -> list[Tag]:
    rows = str(min(max(field.text.count("\n") + 2, 3), 20))
    text = f"\n{field.text}"  # browsers leave out the first line end
    return [tags.textarea(text, id=own, name=field.name, rows=rows, spellcheck="false", class_="mono", **attributes)]


def _choice(field: Field, own: str, attributes: Mapping[str, str], offers: Offers) -> list[Tag]:
    choices = list(field.choices)
    if field.text not in [each.text for each in choices]:
        choices.insert(0, Choice(field.text, field.text or "choose …"))
    return [_select(field, own, attributes, choices)]


def _port(field: Field, own: str, attributes: Mapping[str, str], offers: Offers) -> list[Tag]:
    choices = list(offers.get(field.name, ()))
    if not field.text or not field.required:
        choices.insert(0, Choice("", "none" if not field.required else "choose …"))
    if field.text not in [each.text for each in choices]:
        choices.insert(0, Choice(field.text, field.text))
    other = f"{own}-other"
    return [
        _select(field, own, attributes, choices),
        tags.label("or another one: a path, usb:VID:PID, tcp://host:port", class_="help", **{"for": other}),
        tags.input(type="text", id=other, name=field.name + OTHER, value="", autocomplete="off"),
    ]


def _select(field: Field, own: str, attributes: Mapping[str, str], choices: Sequence[Choice]) -> Tag:
    options = []
    for each in choices:
        option = tags.option(each.label, value=each.text)
        options.append(option(selected="") if each.text == field.text else option)
    return tags.select(*options, id=own, name=field.name, **attributes)


_CONTROLS: Mapping[str, Any] = {
    "text": _input,
    "number": _input,
    "checkbox": _checkbox,
    "secret": _secret,
    "lines": _area,
    "json": _area,
    "choice": _choice,
    "port": _port,
}
