"""Hand boxes, in memory: what is on the page of each device type, and what is not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.trial.unittest import SynchronousTestCase

from drivers.simulators.telescope import TelescopeSimulator
from pylpaca.errors import DriverError
from pylpaca.interfaces import DEVICE_TYPES, Operation, device_type, operations
from pylpaca.pages import control, hand_boxes
from pylpaca.pages.hand_boxes import CHOICES, DEFAULTS, HAND_BOXES, LABELS, QUESTIONS, Style
from pylpaca.questions import ENOUGH, LEFT_ALONE, PATIENCE
from pylpaca.testing import MemoryServer
from pylpaca.values import Frame, TelescopeAxis
from tests.doubles import BareDome


class PulsedMount(TelescopeSimulator):
    """A mount whose axes cannot be moved, only guided."""

    def CanMoveAxis(self, Axis: TelescopeAxis) -> bool:
        return False


class BrokenDome(BareDome):
    """A dome that cannot be connected."""

    def connect(self) -> None:
        raise DriverError("the roof is gone")


def simulator(kind: str, **settings: Any) -> dict[str, Any]:
    name = f"simulators.{kind}.{device_type(DEVICE_TYPES[kind])}Simulator"
    return {"device_type": kind, "device_number": 0, "device_driver": name, "driver_config": settings}


class ControlTestCase(SynchronousTestCase):
    """A server, and the pages of its devices."""

    def serve(self, *drivers: Mapping[str, Any], **rest: Any) -> MemoryServer:
        self.server = MemoryServer({"drivers": list(drivers), **rest})
        return self.server

    def connect(self, kind: str) -> None:
        self.assertEqual(self.server.put(f"{kind}/0/connected", Connected=True).error, 0)

    def page(self, kind: str) -> ElementTree.Element:
        """The page of a device, read as the XML that it is."""
        answer = self.server.get(f"/control/v1/{kind}/0")
        self.assertEqual((answer.status, answer.headers["content-type"]), (200, "text/html; charset=utf-8"))
        return ElementTree.fromstring(answer.body.partition(b"\n")[2])

    def everything(self, kind: str) -> ElementTree.Element:
        """The same, and what comes when it is unfolded."""
        whole = self.page(kind)
        (rest,) = [path for each in whole.iter("details") if (path := each.get("data-load"))]
        whole.append(ElementTree.fromstring(self.server.get(rest).body.partition(b"\n")[2]))
        return whole

    def hand_box(self, kind: str, **settings: Any) -> ElementTree.Element:
        """That of a connected simulator."""
        self.serve(simulator(kind, **settings))
        self.connect(kind)
        return self.everything(kind)


def puts(page: ElementTree.Element) -> set[str]:
    """What its buttons and forms can send, each as dome/0/park."""
    return {path for each in page.iter() for name in ("data-put", "data-form-put") if (path := each.get(name))}


def words(page: ElementTree.Element) -> str:
    return " ".join("".join(page.itertext()).split())


def shows(page: ElementTree.Element, kind: str, operation: Operation) -> bool:
    """Whether a value can be seen there, or asked for."""
    live, path = f"{kind}/0/{operation.member}", f"{kind}/0/{operation.path}"
    if operation.returns is Frame:
        return any(each.get("data-src-live") == f"{kind}/0" for each in page.iter())
    return any(
        re.sub(r"\d+$", "", each.get("data-value", "")) == live
        or each.get("data-fresh", "").startswith(operation.member)
        or each.get("data-get") == path
        for each in page.iter()
    )


def reasons(page: ElementTree.Element) -> dict[str, str]:
    """What the device cannot do, and why."""
    found = [each.text.partition(": ") for each in page.iter("li") if each.text and ": " in each.text]
    return {name: reason for name, _, reason in found}


class CompletenessTests(ControlTestCase):
    """Nothing that is declared is missing."""

    def missing(self, kind: str, page: ElementTree.Element) -> list[str]:
        sent, lacking = puts(page), reasons(page)
        return [
            method
            for method, each in operations(DEVICE_TYPES[kind]).items()
            if method not in lacking and not (f"{kind}/0/{each.path}" in sent if each.verb == "PUT" else shows(page, kind, each))
        ]

    def test_every_operation_of_every_type(self) -> None:
        """Each operation of each device type is on its page, or the reason why this device does not have it."""
        self.assertEqual(
            {kind: self.missing(kind, self.hand_box(kind)) for kind in DEVICE_TYPES}, {kind: [] for kind in DEVICE_TYPES}
        )

    def test_without_a_layout(self) -> None:
        """The same, with no layout for any type: a new device type has a page that can be used."""
        self.patch(control, "HAND_BOXES", {})
        self.assertEqual(
            {kind: self.missing(kind, self.hand_box(kind)) for kind in DEVICE_TYPES}, {kind: [] for kind in DEVICE_TYPES}
        )

    def test_poor_devices(self) -> None:
        """The same for devices that can hardly do anything."""
        for kind, driver in (("dome", "BareDome"), ("focuser", "NaiveFocuser")):
            self.serve({"device_type": kind, "device_number": 0, "device_driver": f"tests.doubles:{driver}"})
            self.connect(kind)
            self.assertEqual(self.missing(kind, self.everything(kind)), [])

    def test_what_stops_is_in_reach(self) -> None:
        """What only stops is in the bar that is always seen, or beside the thing that it stops."""
        for kind, interface in DEVICE_TYPES.items():
            self.hand_box(kind)
            page = self.page(kind)
            (bar,) = [each for each in page.iter("div") if each.get("class") == "stops"] or [ElementTree.Element("div")]
            wanted = {f"{kind}/0/{each.path}" for each in operations(interface).values() if each.stops and not each.parameters}
            self.assertEqual(puts(bar), wanted)

    def test_ids_are_unique(self) -> None:
        """No two elements of a page have the same id, when it is unfolded, too, and every label belongs to a field."""
        for kind in DEVICE_TYPES:
            page = self.hand_box(kind)
            ids = [each.get("id") for each in page.iter() if each.get("id") not in (None, "content", "only-red")]
            labels = [each.get("for") for each in page.iter("label")]
            self.assertEqual((len(ids), [each for each in labels if each not in ids]), (len(set(ids)), []))

    def test_no_style_or_script_inside(self) -> None:
        """The pages keep to their Content-Security-Policy: no style attributes, no handlers, no scripts of their own."""
        for kind in DEVICE_TYPES:
            for each in self.hand_box(kind).iter():
                self.assertFalse(each.get("style") or any(name.startswith("on") for name in each.keys()))  # noqa: SIM118
                self.assertFalse(each.tag == "style" or (each.tag == "script" and not each.get("src")))

    def test_weight(self) -> None:
        """The heaviest page with all its files is lighter than 50 KB: 60 are allowed, and there is more to come."""
        heaviest = 0
        for kind in DEVICE_TYPES:
            self.hand_box(kind)
            page = self.server.get(f"/control/v1/{kind}/0").body
            files = [
                self.server.get(each).body for each in set(re.findall(rb'"(/assets/[^"]+)"', page)) for each in [each.decode()]
            ]
            heaviest = max(heaviest, len(page) + sum(map(len, files)))
        self.assertLess(heaviest, 50_000)


class LayoutTests(SynchronousTestCase):
    """Layouts say nothing that is not declared."""

    def test_every_type_has_one(self) -> None:
        """There is a layout for each device type."""
        self.assertEqual(set(HAND_BOXES), set(DEVICE_TYPES))

    def test_members_are_declared(self) -> None:
        """Every member that a layout names is one of its device type, once."""
        for kind, sections in HAND_BOXES.items():
            named = [name for each in sections for name in each.names]
            self.assertEqual((set(named) - set(operations(DEVICE_TYPES[kind])), len(named)), (set(), len(set(named))))

    def test_words_are_for_something(self) -> None:
        """What labels, questions, choices and defaults are for is declared."""
        declared = {name for interface in DEVICE_TYPES.values() for name in operations(interface)}
        declared |= {each.member for interface in DEVICE_TYPES.values() for each in operations(interface).values()}
        parameters = {p.name for i in DEVICE_TYPES.values() for each in operations(i).values() for p in each.parameters}
        names = {name.rpartition("/")[2] for name in LABELS}
        self.assertEqual((names - declared - parameters, set(QUESTIONS) - declared), (set(), set()))
        self.assertEqual((set(CHOICES) | {each.split()[1] for each in DEFAULTS}) - parameters, set())

    def test_every_style_is_used(self) -> None:
        """There is no style that no section has."""
        self.assertEqual({each.style for sections in HAND_BOXES.values() for each in sections}, set(Style))

    def test_sections_have_titles(self) -> None:
        """Every section has another title."""
        for sections in hand_boxes.HAND_BOXES.values():
            self.assertEqual(len({each.title for each in sections}), len(sections))


class AbilityTests(ControlTestCase):
    """What a device cannot do is not offered, and it is said why."""

    def test_left_out(self) -> None:
        """A member that the driver's author left out has no button."""
        self.serve({"device_type": "dome", "device_number": 0, "device_driver": "tests.doubles:BareDome"})
        self.connect("dome")
        page = self.everything("dome")
        self.assertNotIn("dome/0/park", puts(page))
        self.assertEqual(reasons(page)["Park"], "not implemented by this device")

    def test_capability(self) -> None:
        """A member whose capability is False has no button, and the capability is named."""
        page = self.hand_box("camera")
        self.assertEqual(reasons(page)["SubExposureDuration"], "this camera is set up without it")

    def test_setter_of_what_is_not_there(self) -> None:
        """What cannot be read cannot be set."""
        page = self.hand_box("camera", gain_mode="none")
        self.assertNotIn("camera/0/gain", puts(page))

    def test_named_gains(self) -> None:
        """A gain with names is chosen by its name."""
        page = self.hand_box("camera", gain_mode="index", gains=["Low", "High"])
        sent = {each.get("data-send"): each.text for each in page.iter("button") if each.get("data-put") == "camera/0/gain"}
        self.assertEqual(sent, {"Gain=0": "Low", "Gain=1": "High"})

    def test_filter_names(self) -> None:
        """Filters are buttons with their names."""
        page = self.hand_box("filterwheel")
        sent = [each.text for each in page.iter("button") if each.get("data-put") == "filterwheel/0/position"]
        self.assertEqual(sent, self.server.get("filterwheel/0/names").value)

    def test_range(self) -> None:
        """A field has the range that the device says."""
        page = self.hand_box("focuser")
        (field,) = [each for each in page.iter("input") if each.get("name") == "Position"]
        self.assertEqual((field.get("min"), field.get("max")), ("0", str(self.server.get("focuser/0/maxstep").value)))

    def test_present_value(self) -> None:
        """The field of a setting has what is set."""
        self.serve(simulator("camera"))
        self.connect("camera")
        self.server.put("camera/0/binx", BinX=2)
        (field,) = [each for each in self.page("camera").iter("input") if each.get("name") == "BinX"]
        self.assertEqual(field.get("value"), "2")

    def test_question(self) -> None:
        """Who opens the shutter is asked first."""
        page = self.hand_box("dome")
        (button,) = [each for each in page.iter("button") if each.get("data-put") == "dome/0/openshutter"]
        self.assertEqual(button.get("data-confirm"), "Open the shutter?")

    def test_sexagesimal(self) -> None:
        """Right ascension and declination are typed as people have them, an azimuth as a number."""
        page = self.hand_box("telescope")
        names = {each.get("name") for each in page.iter("input") if each.get("data-sexagesimal") is not None}
        self.assertTrue({"RightAscension", "Declination", "SiteLatitude"} <= names and "Azimuth" not in names)

    def test_arrows_stop_when_released(self) -> None:
        """Each arrow of MoveAxis sends the rate 0 for its own axis when it is let go."""
        arrows = [each for each in self.hand_box("telescope").iter("button") if each.get("data-hold") is not None]
        released = [(each.get("data-send", "").partition("&")[0], each.get("data-release-send")) for each in arrows]
        self.assertEqual(sorted(released), sorted([(f"Axis={n}", f"Axis={n}&Rate=0") for n in (0, 0, 1, 1)]))

    def test_speeds_are_those_of_the_axes(self) -> None:
        """Every speed that can be chosen is one that MoveAxis takes."""
        page = self.hand_box("telescope", max_axis_rate=3.0)
        (select,) = [each for each in page.iter("select") if each.get("name") == "Speed"]
        for option in select:
            self.assertEqual(self.server.put("telescope/0/moveaxis", Axis=0, Rate=option.get("value")).error, 0)

    def test_pulses_where_axes_cannot_be_moved(self) -> None:
        """A mount without MoveAxis has arrows that send pulses."""
        self.serve({"device_type": "telescope", "device_number": 0, "device_driver": "tests.test_control:PulsedMount"})
        self.connect("telescope")
        page = self.page("telescope")
        (pad,) = [each for each in page.iter("div") if each.get("class") == "pad"]
        self.assertEqual(puts(pad), {"telescope/0/pulseguide", "telescope/0/abortslew"})

    def test_slider_and_toggle(self) -> None:
        """A switch with two states has buttons, one with more a slider, a gauge neither."""
        page = self.hand_box("switch")
        rows = [each for each in page.iter("div") if each.get("role") == "group" and "switch" in each.get("class", "")]
        found = [
            "slider" if [e for e in row.iter("input") if e.get("type") == "range"] else "toggle" if puts(row) else "gauge"
            for row in rows
        ]
        self.assertEqual(found, ["toggle", "slider", "slider", "toggle", "gauge"])

    def test_safe_in_large(self) -> None:
        """A safety monitor says SAFE, large."""
        (large,) = [each for each in self.hand_box("safetymonitor").iter("p") if each.get("class") == "big"]
        self.assertEqual(large.text, "SAFE")

    def test_ages(self) -> None:
        """A weather station's values stand beside their ages."""
        self.serve(simulator("observingconditions"))
        self.connect("observingconditions")
        self.server.clock.advance(3)
        self.assertIn("Age", words(self.page("observingconditions")))

    def test_actions(self) -> None:
        """An action of the driver's own has a button and a text that goes with it."""
        page = self.hand_box("safetymonitor")
        names = [each.get("value") for each in page.iter("input") if each.get("name") == "Action"]
        self.assertEqual(names, self.server.get("safetymonitor/0/supportedactions").value)

    def test_not_slaved_by_hardware_that_cannot(self) -> None:
        """What may only be turned off is not offered to be turned on."""
        self.serve({"device_type": "focuser", "device_number": 0, "device_driver": "tests.doubles:NaiveFocuser"})
        self.connect("focuser")
        self.server.driver("focuser").compensates = False  # type: ignore[attr-defined]
        buttons = [each for each in self.page("focuser").iter("button") if each.get("data-put") == "focuser/0/tempcomp"]
        self.assertEqual([each.get("disabled") for each in buttons], ["disabled", None])


class ConnectionTests(ControlTestCase):
    """Connected or not."""

    def test_not_connected(self) -> None:
        """A device that is not connected has its controls, none of which can be pressed, and a button that connects it."""
        self.serve(simulator("dome"))
        page = self.page("dome")
        (box,) = page.iter("fieldset")
        connect = [each.get("hidden") for each in page.iter("button") if each.get("data-put") == "dome/0/connect"]
        self.assertEqual((box.get("disabled"), "dome/0/park" in puts(box), connect), ("disabled", True, [None]))

    def test_holders(self) -> None:
        """Who holds the link is named."""
        self.serve(simulator("dome"))
        self.server.put("dome/0/connected", Connected=True, ClientID=42)
        self.assertIn("192.0.2.7 (client 42)", words(self.page("dome")))

    def test_reason(self) -> None:
        """Why a device could not be connected is said."""
        self.serve({"device_type": "dome", "device_number": 0, "device_driver": "tests.test_control:BrokenDome"})
        self.server.put("dome/0/connected", Connected=True)
        self.assertIn("The roof is gone", words(self.page("dome")))

    def test_no_such_device(self) -> None:
        """A device that is not there is told so, as a page."""
        self.serve(simulator("dome"))
        answer = self.server.get("/control/v1/dome/7")
        self.assertEqual((answer.status, b"There is no dome 7 here" in answer.body), (404, True))

    def test_looking_holds_nothing(self) -> None:
        """Who looks at a hand box does not hold the link."""
        self.serve(simulator("dome"))
        self.connect("dome")
        self.page("dome")
        self.assertEqual(self.server.driver("dome").link.holders, [])


class SilentTests(ControlTestCase):
    """A device that does not answer."""

    def setUp(self) -> None:
        self.serve({"device_type": "dome", "device_number": 0, "device_driver": "tests.doubles:BareDome"})
        self.connect("dome")
        self.asked = 0

        def silent() -> Deferred[Any]:
            self.asked += 1
            return Deferred()

        self.server.driver("dome").Slaved = silent  # type: ignore[attr-defined]

    def test_page_comes(self) -> None:
        """Its page comes when patience ends, with what others of its members said."""
        connection = self.server.begin("GET", "/control/v1/dome/0")
        self.server.clock.pump([0.5, 0.5, PATIENCE])
        answer = connection.answer()
        assert answer is not None
        self.assertIn(b"closed", answer.body)

    def test_is_left_alone(self) -> None:
        """The next pages do not ask it again for a while, and come at once."""
        for _ in range(3):
            self.server.begin("GET", "/control/v1/dome/0")
            self.server.clock.pump([0.5, 0.5, PATIENCE])
        self.assertEqual(self.asked, 1)

    def test_slow_is_not_silent(self) -> None:
        """A device that takes half a second for each answer has its page as soon as it has been asked enough."""
        clock = self.server.clock
        for method in ("CanPark", "CanSlave", "CanFindHome", "CanSetPark", "Slaved"):
            setattr(self.server.driver("dome"), method, lambda: deferLater(clock, 0.5, lambda: False))
        connection = self.server.begin("GET", "/control/v1/dome/0/everything")
        clock.pump([0.1] * 10 * int(ENOUGH))
        answer = connection.answer()
        assert answer is not None
        self.assertIn(b"SetPark: ", answer.body)

    def test_is_asked_again(self) -> None:
        """After that it is asked again."""
        self.server.begin("GET", "/control/v1/dome/0")
        self.server.clock.pump([0.5, 0.5, PATIENCE])
        self.server.clock.advance(LEFT_ALONE)
        self.server.begin("GET", "/control/v1/dome/0")
        self.assertEqual(self.asked, 2)
