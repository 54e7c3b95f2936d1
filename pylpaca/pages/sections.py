"""The parts of a hand box: each style of a section, the bar of stops, and everything that no section names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote_plus

from twisted.web.template import Tag, tags

from pylpaca.interfaces import Operation
from pylpaca.pages.hand_boxes import Section, Style
from pylpaca.pages.widgets import Box, is_plain_value
from pylpaca.values import AxisRate, Frame, GuideDirection, TelescopeAxis
from pylpaca.viewing import CONNECTED, View

SPEEDS = 5  # of an axis that has a whole range of them, each a quarter of the next
PULSE = 500  # milliseconds
STAYS = "It stays connected while others use it, or the server keeps it so."


def said() -> Tag:
    """Where a refusal of what is around it appears."""
    return tags.p(class_="said", role="status", **{"data-said": ""})


def section(box: Box, layout: Section) -> Iterator[Tag]:
    """A part as its style wants it; nothing if the device has nothing of it."""
    members = [found for each in layout.members if (found := _first(box, each)) is not None]
    parts = _STYLES[layout.style](box, members) if members else []
    if parts:
        note = [tags.p(layout.note, class_="muted")] if layout.note else []
        kind = f"card of-{layout.style.name.lower()}"
        yield Tag("section")(tags.h2(layout.title), *parts, *note, said(), class_=kind)


def _first(box: Box, names: str | Sequence[str]) -> Operation | None:
    """The first of these that the device has."""
    for each in [names] if isinstance(names, str) else names:
        if box.has(each):
            return box.operations[each]
    return None


def _list(box: Box, members: Sequence[Operation]) -> list[Tag]:
    values = [each for each in members if each.verb == "GET"]
    return [*box.values(values), *box.controls([each for each in members if each.verb == "PUT"])]


def _large(box: Box, members: Sequence[Operation]) -> list[Tag]:
    """One value, so large that it can be read from across the room."""
    (value,) = members
    return [tags.p(box.text(value), class_="big", **box.shows(value))]


def _image(box: Box, members: Sequence[Operation]) -> list[Tag]:
    """The last image, its histogram and its file."""
    box.shown.update(each.method for each in box.operations.values() if each.returns is Frame)
    path = f"/control/v1/{box.device}"
    live = {"data-src-live": box.device}
    return [
        tags.div(tags.img(src=f"{path}/preview", alt="The last image, stretched", **live), class_="preview"),
        tags.div(tags.img(src=f"{path}/histogram", alt="Its histogram", **live), class_="preview histogram"),
        tags.p(tags.a("Download it as FITS", href=f"{path}/image.fits", download="")),
    ]


# ---- arrows -------------------------------------------------------------------------------------------------------


def _pad(box: Box, members: Sequence[Operation]) -> list[Tag]:
    by_name = {each.method: each for each in members}
    if "MoveAxis" in by_name:
        return _axes(box, by_name["MoveAxis"])
    return _pulses(box, by_name["PulseGuide"])


def _axes(box: Box, move: Operation) -> list[Tag]:
    """Arrows that turn axes while they are held."""
    axes = [each for each in TelescopeAxis if box.value("CanMoveAxis", each)]
    rates = [rate for each in axes for rate in box.value("AxisRates", each) or []]
    speeds = _speeds(rates)
    middle = len(speeds) // 2
    options = [
        tags.option(_speed(each), value=f"{each:.10g}", **({"selected": "selected"} if number == middle else {}))
        for number, each in enumerate(speeds)
    ]
    if not options:
        options = [tags.option("not known", value="0")]
    choice = tags.div(tags.label("Speed", for_="speed"), tags.select(*options, id="speed", name="Speed"), class_="field")
    is_altaz = getattr(box.value("AlignmentMode"), "name", "") == "AltAz"
    names = ("up", "down", "right", "left") if is_altaz else ("north", "south", "west", "east")
    signs = "▲▼▶◀"
    places = [(axis, sign) for axis in (TelescopeAxis.Secondary, TelescopeAxis.Primary) for sign in ("", "-")]
    arrows = [
        _arrow(box, move, axis, sign, f"{signs[number]} {names[number].upper()[:1]}", names[number])
        for number, (axis, sign) in enumerate(places)
    ]
    up, down, right, left = arrows
    rows = [choice, tags.div(up, left, *_middle(box), right, down, class_="pad")]
    if TelescopeAxis.Tertiary in axes:
        signed = (("-", "−"), ("", "+"))
        third = [_arrow(box, move, TelescopeAxis.Tertiary, sign, text, f"third axis {text}") for sign, text in signed]
        rows.append(tags.div(tags.span("Third axis", class_="name"), *third, class_="row"))
    return rows


def _middle(box: Box) -> list[Tag]:
    """What stops all of it, where the thumb is."""
    stop = [each for each in box.operations.values() if each.stops and not each.parameters and box.has(each.method)]
    return [box.button(each, "■", more={"aria-label": "Stop", "class": "arrow middle"}) for each in stop]


def _arrow(box: Box, move: Operation, axis: TelescopeAxis, sign: str, text: str, name: str) -> Tag:
    button = box.button(
        move,
        text,
        {"Axis": int(axis), "Rate": f"{sign}{{Speed}}"},
        {
            "data-hold": "",
            "data-release": f"{box.device}/{move.path}",
            "data-release-send": f"Axis={int(axis)}&Rate=0",
            "aria-label": f"{text[2:]}: move {name} while held",
            "class": f"arrow {name.partition(' ')[0]}",
        },
    )
    return button if box.value("CanMoveAxis", axis) is not False else button(disabled="disabled")


def _speeds(rates: Sequence[AxisRate]) -> list[float]:
    """Some that people choose from: those that there are, or from the fastest down, each a quarter of the last."""
    found: set[float] = set()
    for each in rates:
        found.update(speed for step in range(SPEEDS) if (speed := each.Maximum / 4**step) >= each.Minimum and speed > 0)
        if each.Minimum > 0:
            found.add(each.Minimum)
    return sorted(found)


def _speed(degrees: float) -> str:
    """A speed in the unit that makes a number of it that people can read."""
    for unit, size in (("°/s", 1.0), ("′/s", 1 / 60)):
        if degrees >= size:
            return f"{degrees / size:.3g}{unit}"
    return f"{degrees * 3600:.3g}″/s"


def _pulses(box: Box, pulse: Operation) -> list[Tag]:
    """Arrows that move a little each time they are pressed."""
    field = tags.div(
        tags.label("Milliseconds", for_="pulse"),
        tags.input(type="number", id="pulse", name="Pulse", min="0", step="1", value=str(PULSE)),
        class_="field",
    )
    signs = dict(zip(GuideDirection, "▲▼◀▶", strict=True))
    arrows = {
        each: box.button(
            pulse,
            f"{signs[each]} {each.name[:1]}",
            {"Direction": int(each), "Duration": "{Pulse}"},
            {"aria-label": f"{each.name[:1]}: pulse {each.name.lower()}", "class": f"arrow {each.name.lower()}"},
        )
        for each in GuideDirection
    }
    north, south, east, west = arrows.values()
    return [field, tags.div(north, east, *_middle(box), west, south, class_="pad")]


def _in_and_out(box: Box, members: Sequence[Operation]) -> list[Tag]:
    """Steps to either side of where it is, and a place to go to."""
    (move,) = members
    is_absolute = box.value("Absolute") is not False
    largest = box.value("MaxIncrement") or 1000
    sizes = [each for each in (1, 10, 100, 1000, 10000) if each <= largest] or [1]
    options = [tags.option(str(each), value=str(each), **({"selected": "selected"} if each == 100 else {})) for each in sizes]
    size = tags.div(tags.label("Steps", for_="steps"), tags.select(*options, id="steps", name="Steps"), class_="field")
    start = f"{{{box.device}/Position}}" if is_absolute else ""
    inwards = box.button(move, "◀ In", {"Position": f"{start}-{{Steps}}"})
    outwards = box.button(move, "Out ▶", {"Position": f"{start}{quote_plus('+') if is_absolute else ''}{{Steps}}"})
    going = [box.form([move])] if is_absolute else []
    return [tags.div(size, inwards, outwards, class_="row"), *going]


# ---- several things -----------------------------------------------------------------------------------------------


def _each(box: Box, members: Sequence[Operation]) -> list[Tag]:
    """Switches and gauges, each with its name, its value and what can be done with it."""
    box.shown.update(each.method for each in members)
    return [_switch(box, number) for number in range(box.value("MaxSwitch") or 0)]


def _switch(box: Box, number: int) -> Tag:
    has = box.operations
    name = box.value("GetSwitchName", number) or f"Switch {number}"
    low, high = box.value("MinSwitchValue", number), box.value("MaxSwitchValue", number)
    step = box.value("SwitchStep", number) or 1
    slides = low is not None and high is not None and step < high - low
    is_set = not box.lack(has["SetSwitch"], number)
    value = has["GetSwitchValue" if slides or not is_set else "GetSwitch"]
    now = tags.strong(box.text(value, number), **box.shows(value, number))
    says = has["GetSwitchDescription"]
    description = tags.small(box.value(says.method, number) or "", class_="muted", **box.shows(says, number))
    controls: list[Tag] = []
    if is_set and slides:
        controls.append(_slider(box, number, name, low, high, step))
    elif is_set:
        controls += [
            box.button(has["SetSwitch"], text, {"Id": number, "State": state}, {"aria-label": f"{name} {text}"})
            for text, state in (("On", True), ("Off", False))
        ]
    if not box.lack(has["CancelAsync"], number):
        controls.append(box.button(has["CancelAsync"], "", {"Id": number}, {"aria-label": f"Cancel the change of {name}"}))
    called = tags.span(name, class_="name", **box.shows(has["GetSwitchName"], number))
    about = tags.span(called, " ", now, tags.br(), description)
    return tags.div(about, tags.div(*controls, class_="row"), class_="row switch", role="group", **{"aria-label": name})


def _slider(box: Box, number: int, name: str, low: float, high: float, step: float) -> Tag:
    set_ = box.operations["SetSwitchValue"]
    now = box.value("GetSwitchValue", number)
    value = f"{low if now is None else now:.10g}"
    field = {
        "type": "range",
        "name": "Value",
        "min": f"{low:.10g}",
        "max": f"{high:.10g}",
        "step": f"{step:.10g}",
        "value": value,
    }
    return tags.form(
        tags.input(type="hidden", name="Id", value=str(number)),
        tags.input(**field, **{"aria-label": f"{name}, {low:g} to {high:g}", "data-shown-in": f"slider-{number}"}),
        Tag("output")(value, id=f"slider-{number}"),
        tags.button("Set", type="submit"),
        class_="row",
        **{"data-put": f"{box.device}/{set_.path}"},
    )


def _sensors(box: Box, members: Sequence[Operation]) -> list[Tag]:
    """Each sensor with its value, how old that is, and what measures it."""
    has = box.operations
    sensors = [which for method, (*which,) in box.answers if method == "TimeSinceLastUpdate"]
    rows = []
    for (sensor,) in sensors:
        age, measures = has["TimeSinceLastUpdate"], has["SensorDescription"]
        rows.append(
            tags.tr(
                tags.th(box.label(sensor), scope="row"),
                tags.td(box.text(has[sensor]), **box.shows(has[sensor])),
                tags.td(_age(box.value(age.method, sensor)), **box.shows(age, sensor)),
                tags.td(box.value(measures.method, sensor) or "", class_="muted", **box.shows(measures, sensor)),
            )
        )
    head = tags.tr(*(tags.th(each, scope="col") for each in ("Sensor", "Value", "Age", "Measured by")))
    box.shown.update(each.method for each in members)
    table = [tags.table(tags.thead(head), tags.tbody(*rows), class_="list", **{"data-fresh-every": "10"})] if rows else []
    return [*table, *box.controls([each for each in members if each.verb == "PUT"])]


def _age(seconds: float | None) -> str:
    if seconds is None:
        return "–"
    return "never" if seconds < 0 else f"{seconds:.0f} s"


_STYLES: Mapping[Style, Callable[[Box, Sequence[Operation]], list[Tag]]] = {
    Style.LIST: _list,
    Style.LARGE: _large,
    Style.PAD: _pad,
    Style.IN_AND_OUT: _in_and_out,
    Style.EACH: _each,
    Style.SENSORS: _sensors,
    Style.IMAGE: _image,
}


# ---- always there -------------------------------------------------------------------------------------------------


def connection(box: Box, view: View) -> Tag:
    """Whether it is connected, who keeps it so, and the buttons for that."""
    device = box.device
    path, is_open = f"{device}/{CONNECTED}", box.is_connected
    return Tag("section")(
        tags.div(
            tags.span(view.lamp_text, class_="lamp", **{"data-lamp": device, "data-state": view.lamp}),
            box.button(box.operations["Connect"], more={**_hidden(is_open), "data-unless": path}),
            box.button(box.operations["Disconnect"], more={**_hidden(not is_open), "data-when": path, "data-done": STAYS}),
            tags.a("Setup", href=f"/setup/v1/{device}/setup", class_="button"),
            class_="row",
        ),
        tags.p(", ".join(view.holders), class_="who", **_hidden(not view.holders), **{"data-holders": device}),
        tags.p(view.error, class_="error", role="status", **_hidden(not view.error), **{"data-error": device}),
        said(),
        class_="card",
        **{"aria-label": "Connection"},
    )


def _hidden(is_hidden: bool) -> dict[str, str]:
    return {"hidden": "hidden"} if is_hidden else {}


def stops(box: Box) -> list[Tag]:
    """The bar of what only stops, in reach wherever a page is scrolled to."""
    found = [each for each in box.operations.values() if each.stops and not each.parameters and box.has(each.method)]
    if not found:
        return []
    buttons = [box.button(each, "STOP" if each is found[0] else box.label(each.method), more={"class": "stop"}) for each in found]
    return [tags.div(tags.div(*buttons, class_="row"), said(), class_="stops", role="region", **{"aria-label": "Stop"})]


def everything_else(box: Box) -> list[Tag]:
    """Every member that no section has shown, and what the device can do, and why it cannot do the rest."""
    lacking = {each.method: reason for each in box.operations.values() if (reason := box.lack(each))}
    rest = [each for each in box.operations.values() if each.method not in box.shown and each.method not in lacking]
    values = [each for each in rest if is_plain_value(each)]
    abilities = [each for each in values if each.member.startswith("Can")]
    parts: list[Any] = box.values([each for each in values if each not in abilities])
    for each in rest:
        if each.method == "Action":
            parts += _actions(box, each)
        elif each.verb == "PUT":
            parts += box.controls([each])
        elif each.returns is Frame:
            parts += [] if each.method in box.shown else _image(box, [each])
        elif each not in values:
            parts.append(box.asker(each))
    reasons = [tags.li(f"{name}: {reason}") for name, reason in lacking.items()]
    can = [*box.values(abilities), *([tags.ul(*reasons)] if reasons else [])]
    titled = (("Other members", parts), ("What this device can and cannot do", can))
    return [Tag("section")(tags.h2(title), *inside, said(), class_="card wide") for title, inside in titled if inside]


def way_to_everything_else(path: str) -> Tag:
    """Where that is; it comes when it is asked for, since it is most of what can be said of a device."""
    way = tags.p(tags.a("On a page of its own", href=path))
    return Tag("details")(Tag("summary")("Everything else"), way, class_="card", **{"data-load": path})


def _actions(box: Box, action: Operation) -> list[Tag]:
    """Actions of the driver's own, each with a text that goes with it."""
    box.shown.add(action.method)
    return [
        tags.form(
            tags.input(type="hidden", name="Action", value=name),
            tags.div(
                tags.label(f"{name}, with", for_=f"action-{number}"),
                tags.input(type="text", id=f"action-{number}", name="Parameters", autocomplete="off"),
                class_="field",
            ),
            tags.button("Run", type="submit"),
            class_="row",
            **{"data-put": f"{box.device}/{action.path}", "data-done": "Done."},
        )
        for number, name in enumerate(box.value("SupportedActions") or [])
    ]
