"""What viewers see of devices, and what it costs the devices."""

from __future__ import annotations

import json
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from pylpaca.errors import DriverError
from pylpaca.interfaces import DEVICE_TYPES, operations
from pylpaca.showing import SEXAGESIMAL, UNITS, WORDS, duration, in_words, shown
from pylpaca.testing import MemoryServer
from pylpaca.viewing import EVERY, MATTERS, View, Viewing
from tests.doubles import BrokenLinkMonitor, FaultyMonitor, SlowFocuser
from tests.observatory import device
from tests.test_deadman import MINUTES, NightTestCase

DOME = {"device_type": "dome", "device_number": 0, "device_driver": "DomeSimulator", "name": "Roof", "autoconnect": True}


def told(events: Any) -> list[Any]:
    """The data of events."""
    return [json.loads(each.split(b"data: ", 1)[1]) for each in events]


class Watching:
    """Somebody who looks."""

    def __init__(self, viewing: Viewing, *devices: str) -> None:
        self.events: list[bytes] = []
        self.first = viewing.watch(devices or viewing.devices, self.tell)

    def tell(self, events: Any) -> None:
        self.events.extend(events)

    def take(self) -> list[Any]:
        """What came since the last time."""
        events, self.events = self.events, []
        return told(events)


class ViewingTestCase(SynchronousTestCase):
    drivers: list[dict[str, Any]] = [DOME]  # noqa: RUF012

    def setUp(self) -> None:
        self.server = MemoryServer({"drivers": self.drivers})
        self.clock = self.server.clock
        self.viewing = self.server.site.observatory.viewing
        for entry in self.server.roster:
            if entry.driver.link.permanent:
                entry.driver.link.vote(True)
        self.clock.advance(0)

    def view(self, device: str) -> View:
        """What a page shows of a device now."""
        (view,) = self.successResultOf(self.viewing.now([device]))
        assert isinstance(view, View)
        return view


class PollTests(ViewingTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.polls = 0
        dome: Any = self.server.driver("dome")
        state = dome.DeviceState

        def counted() -> Any:
            self.polls += 1
            return state()

        dome.DeviceState = counted

    def test_nobody_looks(self) -> None:
        """A device that nobody looks at is not asked."""
        self.clock.pump([1.0] * 20)
        self.assertEqual(self.polls, 0)

    def test_shared(self) -> None:
        """Ten viewers cost a device as much as one: a question a second."""
        for _ in range(10):
            Watching(self.viewing)
        self.clock.advance(0)
        self.clock.pump([EVERY] * 5)
        self.assertEqual(self.polls, 6)

    def test_last_one_leaves(self) -> None:
        """The last viewer leaves, and the device is left alone; nothing is scheduled any more."""
        viewer = Watching(self.viewing)
        self.clock.advance(0)
        self.viewing.leave(viewer.tell)
        self.clock.pump([1.0] * 5)
        self.assertEqual((self.polls, self.clock.getDelayedCalls()), (1, []))

    def test_same_news(self) -> None:
        """What changed is made once: every viewer gets the same bytes."""
        viewers = [Watching(self.viewing) for _ in range(3)]
        self.clock.advance(0)
        self.assertEqual(len({id(each.events[0]) for each in viewers}), 1)

    def test_nothing_new(self) -> None:
        """Nothing changes, and nobody is told anything."""
        viewer = Watching(self.viewing)
        self.clock.advance(0)
        viewer.take()
        self.clock.pump([1.0] * 5)
        self.assertEqual(viewer.take(), [])

    def test_only_changes(self) -> None:
        """Of the values, those that changed are told."""
        viewer = Watching(self.viewing)
        self.clock.advance(0)
        viewer.take()
        self.server.put("dome/0/slewtoazimuth", Azimuth="90")
        self.clock.advance(EVERY)
        (state,) = viewer.take()
        self.assertEqual(sorted(state["values"]), ["AtPark", "Azimuth", "Slewing"])

    def test_first_whole(self) -> None:
        """Who comes later is told all there is at once."""
        Watching(self.viewing)
        self.clock.advance(EVERY)
        (state,) = told(Watching(self.viewing).first)
        self.assertEqual((state["lamp"], state["values"]["Azimuth"]["text"]), ("connected", "180.0°"))

    def test_changed_while_nobody_looked(self) -> None:
        """Who comes first is told at once how the device is now, although it takes its time to say more."""
        dome: Any = self.server.driver("dome")
        viewer = Watching(self.viewing)
        self.clock.advance(0)
        self.viewing.leave(viewer.tell)
        dome.link.lost(DriverError("the cable is out"))
        (state,) = told(Watching(self.viewing).first)
        self.assertFalse(state["values"]["Connected"]["value"])

    def test_no_client(self) -> None:
        """Who looks does not hold the link."""
        Watching(self.viewing)
        self.clock.pump([EVERY] * 3)
        self.assertEqual(self.server.driver("dome").link.holders, [])

    def test_disconnected(self) -> None:
        """A device that is not connected is not asked; its values are gone."""
        viewer = Watching(self.viewing)
        self.clock.advance(0)
        viewer.take()
        self.server.driver("dome").link.lost(DriverError("the cable is out"))
        self.polls = 0
        self.clock.advance(EVERY / 2)
        self.clock.advance(EVERY / 2)
        (state, *_) = viewer.take()
        self.assertEqual((state["values"]["Azimuth"]["text"], state["values"]["Connected"]["value"]), ("–", False))


class LampTests(ViewingTestCase):
    drivers = [device(BrokenLinkMonitor), device(SlowFocuser), device(FaultyMonitor, number=1)]  # noqa: RUF012

    def test_disconnected(self) -> None:
        """Nobody has connected it."""
        self.assertEqual(self.view("focuser/0").lamp, "disconnected")

    def test_failed(self) -> None:
        """It could not be connected: why, and what to do."""
        self.server.put("safetymonitor/0/connect", ClientID="7")
        view = self.view("safetymonitor/0")
        self.assertEqual((view.lamp, view.error), ("failed", "No answer on COM9. Put that right, then press Connect."))

    def test_holders(self) -> None:
        """Who keeps it connected is told."""
        self.server.put("safetymonitor/1/connect", ClientID="7")
        self.assertEqual(self.view("safetymonitor/1").holders, ("192.0.2.7 (client 7)",))

    def test_not_answering(self) -> None:
        """A device that does not answer in time has a lamp of its own, and is not asked on and on."""
        self.server.put("focuser/0/connect", ClientID="7")
        viewer = Watching(self.viewing, "focuser/0")
        self.clock.pump([0.5] * 16)
        focuser: Any = self.server.driver("focuser")
        self.assertEqual((self.view("focuser/0").lamp, len(focuser.asked)), ("not-answering", 1))
        viewer.take()

    def test_page_does_not_wait(self) -> None:
        """A page shows what there is, although a device does not answer."""
        self.server.put("focuser/0/connect", ClientID="7")
        views = self.viewing.now(["focuser/0"])
        self.assertNoResult(views)
        self.clock.advance(1.0)
        (view,) = self.successResultOf(views)
        self.assertEqual((view.lamp, list(view.values)), ("connected", ["Connected"]))


class RetryingTests(ViewingTestCase):
    drivers = [device(BrokenLinkMonitor, autoconnect=True)]  # noqa: RUF012

    def test_retrying(self) -> None:
        """The server tries again by itself, and says when."""
        view = self.view("safetymonitor/0")
        self.assertEqual((view.lamp, view.lamp_text), ("retrying", "retrying in 1 s"))

    def test_going_on(self) -> None:
        """It says so in words, too."""
        self.assertEqual(self.view("safetymonitor/0").error, "No answer on COM9. The server goes on trying.")


class NamesTests(ViewingTestCase):
    drivers = [  # noqa: RUF012
        {"device_type": kind, "device_number": 0, "device_driver": driver, "autoconnect": True}
        for kind, driver in (("switch", "SwitchSimulator"), ("filterwheel", "FilterWheelSimulator"))
    ]

    def test_switches(self) -> None:
        """Switches are called by their names."""
        facts = self.viewing.facts(self.view("switch/0"))
        self.assertEqual([label for _, label in facts], ["Mount", "Flat panel", "Dew heater"])

    def test_on_off(self) -> None:
        """A switch without anything in between is on or off."""
        self.assertEqual(self.view("switch/0").values["GetSwitchValue0"].text, "off")

    def test_filter(self) -> None:
        """A filter is told by its name."""
        self.assertEqual(self.view("filterwheel/0").values["Position"].text, "0 Luminance")


class DeadmanTests(NightTestCase):
    def test_does_not_count(self) -> None:
        """Who only looks is no client: the deadman does its work."""
        self.client()
        viewing = self.server.site.observatory.viewing
        viewing.watch(viewing.devices, lambda events: None)
        self.passes(60 * MINUTES + 30)
        self.assertEqual(self.done[:1], ["Mount Park"])


class DeclarationTests(SynchronousTestCase):
    def test_matters(self) -> None:
        """What is seen first of a device type is part of its DeviceState."""
        for kind, names in MATTERS.items():
            members = operations(DEVICE_TYPES[kind])
            for name in names:
                self.assertTrue(members[name.rstrip("0123456789")].in_state, f"{kind} {name}")

    def test_every_type(self) -> None:
        """Every device type has something that is seen first."""
        self.assertEqual(sorted(MATTERS), sorted(DEVICE_TYPES))

    def test_words(self) -> None:
        """Members that are shown in a way of their own are declared."""
        declared = {each.member for interface in DEVICE_TYPES.values() for each in operations(interface).values()}
        self.assertEqual({*SEXAGESIMAL, *WORDS} - declared, set())

    def test_units(self) -> None:
        """Every unit of what DeviceState has can be written short."""
        members = [each for interface in DEVICE_TYPES.values() for each in operations(interface).values()]
        units = {each.unit for each in members if each.in_state} - {"", "hours"}
        self.assertEqual(units - set(UNITS), set())


class ShownTests(SynchronousTestCase):
    def shown(self, kind: str, member: str, value: Any) -> str:
        return shown(operations(DEVICE_TYPES[kind])[member], value)

    def test_hours(self) -> None:
        """Right ascension goes round, when it is rounded, too."""
        texts = [self.shown("telescope", "RightAscension", each) for each in (5.5, 23.99999)]
        self.assertEqual(texts, ["05h30m00s", "00h00m00s"])

    def test_declination(self) -> None:
        """Declination has a sign, except that nothing has none."""
        texts = [self.shown("telescope", "Declination", each) for each in (-5.5, 12.999999, -0.00001)]
        self.assertEqual(texts, ["−05°30′00″", "+13°00′00″", "+00°00′00″"])

    def test_degrees(self) -> None:
        """An azimuth never reads 360."""
        texts = [self.shown("dome", "Azimuth", each) for each in (123.44, 359.97)]
        self.assertEqual(texts, ["123.4°", "0.0°"])

    def test_units(self) -> None:
        """Numbers have their units."""
        self.assertEqual(self.shown("camera", "CCDTemperature", -10.04), "−10.0 °C")

    def test_no_negative_nothing(self) -> None:
        """Rounded to nothing, a number has no sign."""
        self.assertEqual(self.shown("camera", "CCDTemperature", -0.04), "0.0 °C")

    def test_words(self) -> None:
        """States are words."""
        texts = [self.shown("covercalibrator", "CoverState", 0), self.shown("telescope", "SideOfPier", -1)]
        self.assertEqual(texts, ["not present", "unknown"])

    def test_safe(self) -> None:
        """Safe is said aloud."""
        self.assertEqual([self.shown("safetymonitor", "IsSafe", each) for each in (True, False)], ["SAFE", "UNSAFE"])

    def test_names(self) -> None:
        """ASCOM's names are read as words; abbreviations stay."""
        names = [in_words(each) for each in ("CCDTemperature", "StarFWHM", "IsMoving", "GetSwitchValue")]
        self.assertEqual(names, ["CCD temperature", "star FWHM", "is moving", "get switch value"])

    def test_duration(self) -> None:
        """Durations are told in the two largest units."""
        self.assertEqual([duration(each) for each in (0.4, 59, 3600, 100_000)], ["0 s", "59 s", "1 h 0 min", "1 d 3 h"])
