"""The LX200 driver, order by order: what it says to which mount, and what it makes of the answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any, ClassVar

from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from drivers.lx200_formats import in_hours
from drivers.simulators import sky
from pylpaca.testing import MIDNIGHT, MemoryServer, SerialDouble
from pylpaca.values import DriveRate, PierSide
from tests.lx200_firmware import SIDEREAL, Autostar, Classic, Controller, LX200Double, Mount, OnStep

NOT_IMPLEMENTED, INVALID_VALUE, INVALID_OPERATION, CANCELLED, FAILED = 0x400, 0x401, 0x40B, 0x40E, 0x500
ARCSECOND = 1 / 3600
QUESTIONS = (":G", ":D")


class TrickyDouble(LX200Double):
    """A line on which chosen commands are not heard, or not answered, once each."""

    def __init__(self, build: Callable[[Mount], Controller]) -> None:
        super().__init__(build)
        self.unheard: list[bytes] = []
        self.unanswered: list[bytes] = []
        self.added: dict[bytes, bytes] = {}  # what stands before the next answer

    def receive(self, data: bytes) -> None:
        if data in self.unheard:
            self.unheard.remove(data)
            return
        reply = self.firmware.receive(data)
        if data in self.unanswered:
            self.unanswered.remove(data)
        elif reply:
            self.say(self.added.pop(data, b"") + reply)


class MountTestCase(SynchronousTestCase):
    """The driver in a whole server, with a mount at the other end of its line."""

    build: Callable[[Mount], Controller] = OnStep
    settings: ClassVar[Mapping[str, Any]] = {}

    def setUp(self) -> None:
        self.double = TrickyDouble(type(self).build)
        self.server = self.server_with(self.double)
        self.clock = self.server.clock
        self.ok("connected", Connected=True)

    def server_with(self, double: SerialDouble) -> MemoryServer:
        entry = {"device_type": "telescope", "device_number": 0, "device_driver": "LX200Telescope"}
        return MemoryServer({"drivers": [{**entry, "driver_config": {"port": "COM3", **self.settings}}]}, serial={"COM3": double})

    @property
    def controller(self) -> Any:
        return self.double.controller

    @property
    def mount(self) -> Mount:
        mount: Mount = self.controller.mount
        mount.look()
        return mount

    def begin(self, verb: str, member: str, **parameters: Any) -> Any:
        form = "&".join(f"{name}={value}" for name, value in parameters.items())
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if verb == "GET":
            return self.server.begin(verb, f"telescope/0/{member}?{form}")
        return self.server.begin(verb, f"telescope/0/{member}", form.encode(), headers)

    def answer_of(self, connection: Any, verb: str = "PUT") -> Any:
        """The envelope, however long it takes."""
        for _ in range(3000):
            if (answer := connection.answer(verb)) is not None:
                return answer.json
            self.clock.advance(0.01)
        raise AssertionError("no answer")

    def get(self, member: str, **parameters: Any) -> Any:
        envelope = self.answer_of(self.begin("GET", member, **parameters), "GET")
        self.assertEqual(envelope["ErrorMessage"], "", member)
        return envelope["Value"]

    def ok(self, member: str, **form: Any) -> None:
        self.assertEqual(self.answer_of(self.begin("PUT", member, **form))["ErrorMessage"], "", member)

    def refusal(self, member: str, verb: str = "PUT", **parameters: Any) -> tuple[int, str]:
        envelope = self.answer_of(self.begin(verb, member, **parameters), verb)
        return envelope["ErrorNumber"], envelope["ErrorMessage"]

    def said(self, all_of_it: bool = False) -> list[str]:
        """What the mount was told since this was asked last; without questions unless all of it."""
        commands, self.controller.commands = self.controller.commands, []
        return [each for each in commands if all_of_it or not each.startswith((*QUESTIONS, "\x06"))]

    def wait(self) -> None:
        """Until nothing moves any more."""
        for _ in range(300):
            if not self.get("slewing"):
                return
            self.clock.advance(0.25)
        raise AssertionError("it never stopped")

    def star(self, hours: float) -> float:
        """The right ascension that is at an hour angle now."""
        return float((self.get("siderealtime") - hours) % 24)

    def aim(self, hours: float = -2.0, declination: float = 30.0) -> float:
        """Track a star there; its right ascension."""
        star = self.star(hours)
        self.ok("tracking", Tracking=True)
        self.ok("slewtocoordinatesasync", RightAscension=star, Declination=declination)
        self.wait()
        self.said()
        return star


class AutostarTestCase(MountTestCase):
    build: Callable[[Mount], Controller] = Autostar


class ClassicTestCase(MountTestCase):
    build = Classic


# ---- what is at the other end -------------------------------------------------------------------------------------

ALWAYS = {"canpulseguide", "cansettracking", "canslew", "canslewasync", "cansync"}
ONSTEP = ALWAYS | {"canfindhome", "canpark", "cansetguiderates", "cansetpark", "canslewaltaz", "canslewaltazasync", "canunpark"}
ONSTEP_X = ONSTEP | {"cansetdeclinationrate", "cansetrightascensionrate", "cansetpierside"}


class MakesTests(SynchronousTestCase):
    def connected(self, build: Callable[[Mount], Controller], **settings: Any) -> MountTestCase:
        cls: Any = type("Connected", (MountTestCase,), {"build": build, "settings": settings, "runTest": lambda self: None})
        test: MountTestCase = cls()
        test.setUp()
        return test

    def test_capabilities(self) -> None:
        """What each make can do is known when it is connected."""
        for build, can in (
            (OnStep, ONSTEP_X),
            (partial(OnStep, stands="K"), ONSTEP_X - {"cansetpierside"}),
            (partial(OnStep, version="4.24s"), ONSTEP),
            (Autostar, ALWAYS),
            (Classic, ALWAYS),
        ):
            test = self.connected(build)
            kind = test.server.driver("telescope")
            names = {name.lower() for name in dir(kind) if name.startswith("Can") and name != "CanMoveAxis"}
            self.assertEqual({name for name in names if test.get(name)}, can)
            self.assertEqual([test.get("canmoveaxis", Axis=axis) for axis in range(3)], [True, True, False])

    def test_rates(self) -> None:
        """So are the rates that it can track at."""
        for build, rates in (
            (OnStep, [0, 1, 2, 3]),
            (Autostar, [0, 1]),
            (partial(Autostar, product="LX2001"), [0, 1, 2]),
            (Classic, [0, 1]),
        ):
            self.assertEqual(self.connected(build).get("trackingrates"), rates)

    def test_alignment(self) -> None:
        """How it stands is what it says, or what the settings say."""
        for build, settings, mode in (
            (OnStep, {}, 2),
            (partial(OnStep, stands="K"), {}, 1),
            (partial(OnStep, stands="A"), {}, 0),
            (OnStep, {"alignment": "polar"}, 1),
            (partial(Autostar, mode="A"), {}, 0),
            (partial(Autostar, mode="G"), {}, 2),
            (Classic, {}, 1),
            (partial(Classic, mode="L"), {}, 0),
            (partial(Classic, mode="L"), {"alignment": "polar"}, 1),
        ):
            self.assertEqual(self.connected(build, **settings).get("alignmentmode"), mode)

    def test_told_what_it_is(self) -> None:
        """What the settings say that it is, it is not asked."""
        test = self.connected(Autostar, mount="classic")
        self.assertNotIn(":GVP", test.controller.commands)
        self.assertEqual(test.server.driver("telescope")._mount.kind, "classic")  # type: ignore[attr-defined]

    def test_formats(self) -> None:
        """A mount in the short format is told to use the long one; one in the long format is left as it is."""
        self.assertIn(":U", self.connected(Autostar).controller.commands)
        self.assertNotIn(":U", self.connected(OnStep).controller.commands)

    def test_short_format_only(self) -> None:
        """A mount that knows the short format alone is asked and told in it."""

        class Short(Classic):
            def change_format(self, _: str) -> None:
                pass

        test = self.connected(Short)
        self.assertAlmostEqual(test.get("rightascension"), test.mount.right_ascension, 2)
        self.assertAlmostEqual(test.get("declination"), test.mount.declination, 1)
        test.said()
        test.ok("slewtocoordinatesasync", RightAscension=5.79, Declination=45.51)
        self.assertEqual(test.said(), [":Sr05:47.4", ":Sd+45*31", ":MS"])

    def test_little_known(self) -> None:
        """A mount that knows little more than where it points is used all the same; it is taken to track."""

        class Homemade(Classic):
            def answer(self, command: str) -> str:
                return "" if command in ("\x06", ":GT", ":GVP") else super().answer(command)

        test = self.connected(Homemade)
        self.assertEqual((test.get("tracking"), test.get("alignmentmode")), (True, 0))
        test.ok("tracking", Tracking=False)
        self.assertIs(test.get("tracking"), False)

    def test_at_once(self) -> None:
        """No mount is waited for because it does not know a question."""
        for build in (OnStep, partial(OnStep, version="4.24s"), partial(OnStep, version="10.04a"), Autostar, Classic):
            self.assertLess(self.connected(build).clock.seconds(), 0.2)

    def test_before_offsets(self) -> None:
        """The first versions of OnStepX have no rate offsets."""

        class First(OnStep):
            def __init__(self, mount: Mount) -> None:
                super().__init__(mount, "10.04a")
                del self.questions[":GXTR"], self.orders[":SXTR,"]

        test = self.connected(First)
        self.assertEqual((test.get("cansetdeclinationrate"), test.get("cansetpierside")), (False, True))

    def test_lunar_already(self) -> None:
        """A Meade that follows the Moon when it is connected goes on doing so."""

        def moonstruck(mount: Mount) -> Controller:
            mount.hertz = 57.9
            return Autostar(mount)

        self.assertEqual(self.connected(moonstruck).get("trackingrate"), DriveRate.Lunar)

    def test_equatorial_system(self) -> None:
        """The frame of its coordinates is what OnStep says, or what the settings say, and otherwise today's."""

        class J2000(OnStep):
            def answer(self, command: str) -> str:
                return "2" if command == ":GXEE" else super().answer(command)

        for build, settings, system in (
            (OnStep, {}, 1),
            (J2000, {}, 2),
            (J2000, {"equatorial_system": "topocentric"}, 1),
            (Autostar, {}, 1),
            (Autostar, {"equatorial_system": "j2000"}, 2),
        ):
            self.assertEqual(self.connected(build, **settings).get("equatorialsystem"), system)

    def test_optics(self) -> None:
        """No mount knows its telescope: it is in the settings, or not there."""
        members = {"aperturediameter": 0.2, "aperturearea": 0.0269, "focallength": 1.26}
        settings = {"aperture_diameter": 0.2, "aperture_area": 0.0269, "focal_length": 1.26}
        test = self.connected(Autostar, **settings)
        self.assertEqual({member: test.get(member) for member in members}, members)
        test = self.connected(Autostar)
        for member in members:
            number, sentence = test.refusal(member, "GET")
            self.assertEqual(number, NOT_IMPLEMENTED)
            self.assertIn("say it in the setting", sentence)

    def test_refraction(self) -> None:
        """OnStep says whether it corrects for refraction."""
        self.assertIs(self.connected(OnStep).get("doesrefraction"), True)
        self.assertEqual(self.connected(Autostar).refusal("doesrefraction", "GET")[0], NOT_IMPLEMENTED)

    def test_nobody(self) -> None:
        """A mount that does not answer is not connected, and the client reads why."""
        test = MountTestCase("get")
        test.server = test.server_with(SerialDouble(lambda command: None))
        test.clock = test.server.clock
        test.ok("connect")
        test.clock.advance(0)
        for _ in range(200):
            test.clock.advance(0.1)
        self.assertEqual(test.get("connected"), False)
        number, sentence = test.refusal("connecting", "GET")
        self.assertEqual((number, sentence), (FAILED, "no reply on COM3 to b':GR#' in 0.5 s, asked 4 times"))


# ---- where it points, and when ------------------------------------------------------------------------------------


class PointingTests(MountTestCase):
    def test_position(self) -> None:
        """OnStep is asked with all its decimals."""
        self.aim(-2.0, 30.123456)
        self.said(True)
        self.assertLess(abs(self.get("declination") - self.mount.declination), 0.001 * ARCSECOND)
        self.assertLess(abs(self.get("rightascension") - self.mount.right_ascension), 0.0001 * ARCSECOND)
        self.assertLess(abs(self.get("altitude") - self.mount.horizontal[1]), ARCSECOND)
        self.assertLess(abs(self.get("azimuth") - self.mount.horizontal[0]), ARCSECOND)
        self.assertLess(abs(self.get("siderealtime") - self.mount.sidereal()), ARCSECOND)
        self.assertEqual(self.said(True), [":GDH", ":GRH", ":GA", ":GZ", ":GS"])

    def test_asked_once(self) -> None:
        """All that want to know the same at a time ask once."""
        self.said(True)
        state = {item["Name"] for item in self.get("devicestate")}
        self.assertLessEqual({"AtHome", "AtPark", "IsPulseGuiding", "SideOfPier", "Slewing", "Tracking"}, state)
        self.assertEqual(self.said(True).count(":GU"), 1)

    def test_noise(self) -> None:
        """What is left of another answer is not taken for a part of this one: it is asked again."""
        self.aim()
        before = self.get("rightascension")
        self.clock.advance(0.1)
        self.double.added[b":GRH#"] = b"1"
        self.said(True)
        self.assertAlmostEqual(self.get("rightascension"), before, 4)
        self.assertEqual(self.said(True), [":GRH"] * 2)

    def test_noise_in_order(self) -> None:
        """A whole message that is no answer is passed over."""
        self.double.added[b":Te#"] = b"#"
        self.ok("tracking", Tracking=True)
        self.assertIs(self.get("tracking"), True)

    def test_lost_answer(self) -> None:
        """A question whose answer is lost is asked again."""
        self.double.unanswered.append(b":GDH#")
        self.said(True)
        self.get("declination")
        self.assertEqual(self.said(True), [":GDH"] * 2)

    def test_no_answer_at_all(self) -> None:
        """After three tries the client is told."""
        self.double.unanswered += [b":GDH#"] * 4
        number, sentence = self.refusal("declination", "GET")
        self.assertEqual((number, sentence), (FAILED, "no reply on COM3 to b':GDH#' in 0.5 s, asked 4 times"))


class SiteTests(MountTestCase):
    def test_west_is_positive(self) -> None:
        """OnStep counts longitude to the west, and is told with a sign."""
        self.assertAlmostEqual(self.get("sitelongitude"), 0.125, 6)
        self.said()
        self.ok("sitelongitude", SiteLongitude=-15.5)
        self.ok("sitelatitude", SiteLatitude=-33.25)
        self.assertEqual(self.said(), [":Sg+015*30:00.000", ":St-33*15:00.000"])
        self.assertEqual((self.mount.longitude, self.mount.latitude), (-15.5, -33.25))
        self.ok("sitelongitude", SiteLongitude=8.25)
        self.assertEqual((self.said(), self.mount.longitude), ([":Sg-008*15:00.000"], 8.25))

    def test_exactly(self) -> None:
        """What was set is read with every digit, until the mount is told another place by somebody else."""
        for member, parameter, value in (
            ("sitelatitude", "SiteLatitude", 47.123456789),
            ("sitelongitude", "SiteLongitude", -179.99999999),
        ):
            self.ok(member, **{parameter: value})
            self.assertEqual(self.get(member), value)
        self.mount.latitude = 47.2
        self.assertAlmostEqual(self.get("sitelatitude"), 47.2, 6)

    def test_date_line(self) -> None:
        """180 degrees are the same in both directions."""
        for value in (180.0, -180.0):
            self.ok("sitelongitude", SiteLongitude=value)
            self.assertEqual(self.get("sitelongitude"), value)

    def test_elevation(self) -> None:
        """OnStepX keeps it."""
        self.assertEqual(self.get("siteelevation"), 35.0)
        self.ok("siteelevation", SiteElevation=1234.56)
        self.assertEqual((self.mount.elevation, self.get("siteelevation")), (1234.6, 1234.56))

    def test_refused(self) -> None:
        """When OnStep does not take something, it is asked why."""
        self.controller.orders[":St"] = lambda _: self.controller.refuse(4)
        number, sentence = self.refusal("sitelatitude", SiteLatitude=10.0)
        self.assertEqual((number, sentence), (FAILED, "the mount refused :St+10*00:00.000#: the value is out of range"))


class MeadeSiteTests(AutostarTestCase):
    settings = {"elevation": 420.0}  # noqa: RUF012

    def test_minutes(self) -> None:
        """A Meade keeps minutes, and a longitude without a sign."""
        self.assertAlmostEqual(self.get("sitelongitude"), 0.125, 1)
        self.said()
        self.ok("sitelongitude", SiteLongitude=8.251)
        self.ok("sitelatitude", SiteLatitude=51.4779)
        self.assertEqual(self.said(), [":Sg351*45", ":St+51*29"])
        self.assertEqual((self.get("sitelongitude"), self.get("sitelatitude")), (8.251, 51.4779))
        self.assertAlmostEqual(self.mount.longitude, 8.25, 9)

    def test_elevation(self) -> None:
        """It has none: the driver keeps it."""
        self.assertEqual(self.get("siteelevation"), 420.0)
        self.said()
        self.ok("siteelevation", SiteElevation=430.5)
        self.assertEqual((self.get("siteelevation"), self.said()), (430.5, []))


class TimeTests(MountTestCase):
    def test_utc(self) -> None:
        """Its date and time are local, five hours behind."""
        self.assertEqual(self.get("utcdate")[:19], "2026-01-01T00:00:00")
        self.assertEqual(f"{self.controller.local:%m/%d %H}", "12/31 19")

    def test_midnight(self) -> None:
        """A midnight between the two questions does not take a day away."""
        self.clock.advance(5 * 3600 - 0.2)
        answer = self.controller.questions[":GC"]

        def slowly() -> str:
            text: str = answer()
            if text == "12/31/25":
                self.clock.advance(0.4)
                self.mount.look()
            return text

        self.controller.questions[":GC"] = slowly
        self.assertEqual(self.get("utcdate")[:18], "2026-01-01T05:00:0")

    def test_set(self) -> None:
        """It is told in local time, to the nearest second."""
        self.said()
        self.ok("utcdate", UTCDate="2027-03-01T02:30:15.6Z")
        self.assertEqual(self.said(), [":SL21:30:16", ":SC02/28/27"])
        self.assertEqual(self.get("utcdate")[:19], "2027-03-01T02:30:16")

    def test_calendar(self) -> None:
        """Two digits of a year are not enough for every year."""
        for moment in ("1999-06-01T00:00:00Z", "2092-06-01T00:00:00Z"):
            self.assertEqual(self.refusal("utcdate", UTCDate=moment)[0], INVALID_VALUE)


class MeadeTimeTests(AutostarTestCase):
    def test_planets(self) -> None:
        """What a Meade tells about its planets when it has a new date is no answer to what is asked next."""
        self.ok("utcdate", UTCDate="2027-03-01T02:30:15Z")
        self.assertEqual(self.get("utcdate")[:19], "2027-03-01T02:30:15")
        self.assertIs(self.get("slewing"), False)


# ---- tracking -----------------------------------------------------------------------------------------------------


class TrackingTests(MountTestCase):
    def test_orders(self) -> None:
        """OnStep is told, and answers."""
        self.said()
        for tracking in (True, False):
            self.ok("tracking", Tracking=tracking)
            self.assertEqual((self.get("tracking"), self.mount.tracks), (tracking, tracking))
        self.assertEqual(self.said(), [":Te", ":Td"])

    def test_refused(self) -> None:
        """What OnStep refuses is told with its reason."""
        self.aim()
        self.ok("slewtocoordinatesasync", RightAscension=self.star(3.0), Declination=10.0)
        self.assertEqual(self.refusal("tracking", Tracking=False), (FAILED, "the mount refused :Td#: it is in motion"))

    def test_rates(self) -> None:
        """Each rate is an order, and read from the status."""
        self.said()
        for rate in (DriveRate.Lunar, DriveRate.Solar, DriveRate.King, DriveRate.Sidereal):
            self.ok("trackingrate", TrackingRate=int(rate))
            self.assertEqual(self.get("trackingrate"), rate)
        self.assertEqual(self.said(), [":TL", ":TS", ":TK", ":TQ"])
        self.mount.hertz = 60.0
        self.clock.advance(0.1)
        self.assertEqual(self.get("trackingrate"), DriveRate.Solar)

    def test_offsets(self) -> None:
        """Offsets are told in arcseconds per sidereal second."""
        self.said()
        self.ok("rightascensionrate", RightAscensionRate=0.1)
        self.ok("declinationrate", DeclinationRate=-2.0)
        self.assertEqual(self.said(), [":SXTR,1.50000000", ":SXTD,-1.99453913"])
        self.assertAlmostEqual(self.get("rightascensionrate"), 0.1, 7)
        self.assertAlmostEqual(self.get("declinationrate"), -2.0, 7)


class OlderOnStepTests(MountTestCase):
    build = partial(OnStep, version="4.24s")

    def test_rates(self) -> None:
        """OnStep of before says how fast it tracks, while it does; what was set is known otherwise."""
        self.ok("trackingrate", TrackingRate=1)
        self.assertEqual(self.get("trackingrate"), DriveRate.Lunar)
        self.ok("tracking", Tracking=True)
        for rate in DriveRate:
            self.ok("trackingrate", TrackingRate=int(rate))
            self.assertEqual(self.get("trackingrate"), rate)
        self.mount.hertz = 57.9
        self.clock.advance(0.1)
        self.assertEqual(self.get("trackingrate"), DriveRate.Lunar)

    def test_destination(self) -> None:
        """It cannot be asked on which side a slew will end: that is before the meridian or behind it."""
        self.said()
        sides = [self.get("destinationsideofpier", RightAscension=self.star(hours), Declination=10) for hours in (-1, 1)]
        self.assertEqual((sides, self.said()), ([PierSide.West, PierSide.East], []))

    def test_elevation(self) -> None:
        """It keeps no elevation."""
        self.assertEqual(self.get("siteelevation"), 0.0)

    def test_brakes(self) -> None:
        """It does not say that an axis has not come to rest yet: that is given a second."""
        self.aim()
        self.ok("moveaxis", Axis=0, Rate=2.0)
        self.ok("moveaxis", Axis=0, Rate=0)
        self.assertIs(self.get("slewing"), True)
        self.clock.advance(1)
        self.assertIs(self.get("slewing"), False)

    def test_slow_pulses(self) -> None:
        """Its pulses are shorter."""
        self.aim()
        self.assertEqual(self.refusal("pulseguide", Direction=0, Duration=16_400)[0], INVALID_VALUE)
        self.ok("pulseguide", Direction=0, Duration=16_399)


class AutostarTrackingTests(AutostarTestCase):
    def test_modes(self) -> None:
        """An Autostar tracks in its polar mode, and not in its land mode."""
        self.said()
        for tracking in (False, True):
            self.ok("tracking", Tracking=tracking)
            self.assertEqual((self.get("tracking"), self.mount.tracks), (tracking, tracking))
        self.assertEqual(self.said(), [":AL", ":AP"])

    def test_rates(self) -> None:
        """It does not say what it follows: what was set is known."""
        self.said()
        self.ok("trackingrate", TrackingRate=1)
        self.assertEqual((self.get("trackingrate"), self.said()), (1, [":TL"]))
        self.assertEqual(self.refusal("trackingrate", TrackingRate=2)[0], INVALID_VALUE)


class AltAzAutostarTests(AutostarTestCase):
    build = partial(Autostar, mode="A")

    def test_mode(self) -> None:
        """One that stands on no wedge goes back to the mode that it was in."""
        self.ok("tracking", Tracking=False)
        self.said()
        self.ok("tracking", Tracking=True)
        self.assertEqual(self.said(), [":AA"])


class ClassicTrackingTests(ClassicTestCase):
    def test_modes(self) -> None:
        """A classic LX200 tells its mode when it is sent an ACK."""
        for tracking in (False, True):
            self.ok("tracking", Tracking=tracking)
            self.assertEqual((self.get("tracking"), self.mount.tracks), (tracking, tracking))
        self.assertIn("\x06", self.said(True))


# ---- slews --------------------------------------------------------------------------------------------------------


class SlewTests(MountTestCase):
    def test_orders(self) -> None:
        """A target, and the order to go there."""
        self.ok("tracking", Tracking=True)
        self.said()
        self.ok("slewtocoordinatesasync", RightAscension=5.79, Declination=45.51)
        self.assertEqual(self.said(), [":Sr05:47:24.0000", ":Sd+45*30:36.000", ":MS"])
        self.assertIs(self.get("slewing"), True)

    def test_refused(self) -> None:
        """A slew that the mount refuses is refused with its reason."""
        self.ok("tracking", Tracking=True)
        number, sentence = self.refusal("slewtocoordinatesasync", RightAscension=self.star(11.0), Declination=-60.0)
        self.assertEqual((number, sentence), (INVALID_OPERATION, "the mount refused the slew: it is below the horizon limit"))
        self.assertIs(self.get("slewing"), False)

    def test_second_slew(self) -> None:
        """A slew under way is not stopped by another one: OnStep would stop, and do neither."""
        self.aim()
        target = self.star(3.0)
        self.ok("slewtocoordinatesasync", RightAscension=target, Declination=10.0)
        number, sentence = self.refusal("slewtocoordinatesasync", RightAscension=self.star(1.0), Declination=20.0)
        self.assertEqual((number, sentence), (INVALID_OPERATION, "a slew is under way: abort it before the next one"))
        self.wait()
        self.assertAlmostEqual(self.get("rightascension"), target, 5)

    def test_answer_lost(self) -> None:
        """When the answer to the order is lost, the order is not given again: the status shows that it was heard."""
        self.aim()
        target = self.star(3.0)
        self.double.unanswered.append(b":MS#")
        self.said()
        self.ok("slewtocoordinatesasync", RightAscension=target, Declination=10.0)
        self.assertEqual(self.said().count(":MS"), 1)
        self.wait()
        self.assertAlmostEqual(self.get("rightascension"), target, 5)

    def test_not_heard(self) -> None:
        """When the order itself is lost, it is given again."""
        self.aim()
        target = self.star(3.0)
        self.double.unheard.append(b":MS#")
        self.ok("slewtocoordinatesasync", RightAscension=target, Declination=10.0)
        self.assertIs(self.get("slewing"), True)
        self.wait()
        self.assertAlmostEqual(self.get("rightascension"), target, 5)

    def test_never_heard(self) -> None:
        """When it is lost every time, the client is told."""
        self.aim()
        self.double.unheard += [b":MS#"] * 3
        number, sentence = self.refusal("slewtocoordinatesasync", RightAscension=self.star(3.0), Declination=10.0)
        self.assertEqual((number, sentence), (FAILED, "no reply on COM3 to b':MS#' in 0.5 s"))
        self.assertIs(self.get("slewing"), False)

    def test_target_taken_late(self) -> None:
        """A mount that takes long to take a target is not sent there when the client has nearly given up."""
        self.aim()
        star = self.star(3.0)
        self.double.unanswered += [f":Sr{in_hours(star, 4)}#".encode(), b":Sd+10*00:00.000#"] * 3
        number, sentence = self.refusal("slewtocoordinatesasync", RightAscension=star, Declination=10.0)
        self.assertEqual((number, sentence), (FAILED, "the mount took more than 3 s to take the target: it was not sent there"))
        self.assertNotIn(":MS", self.said())

    def test_aborted_before_it_began(self) -> None:
        """Slews that wait for their turn, or whose targets are being set, do not begin when they are aborted."""
        self.aim()
        self.clock.advance(2)
        self.double.unanswered.append(b":Sd+10*00:00.000#")
        star = self.star(3.0)
        self.said(True)
        slews = [self.begin("PUT", "slewtocoordinatesasync", RightAscension=star, Declination=each) for each in (10, 20)]
        self.clock.advance(0.2)
        self.ok("abortslew")
        self.assertEqual([self.answer_of(each)["ErrorNumber"] for each in slews], [CANCELLED, CANCELLED])
        said = self.said()
        self.assertEqual([each for each in said if not each.startswith((":Sr", ":Sd"))], [":Q"])
        self.assertIs(self.get("slewing"), False)

    def test_abort_comes_first(self) -> None:
        """What slews is stopped before anything else is asked, and does not wait for an answer that was lost."""
        self.aim()
        self.ok("slewtocoordinatesasync", RightAscension=self.star(3.0), Declination=10.0)
        self.clock.advance(1)
        self.assertIs(self.get("slewing"), True)
        self.double.unanswered.append(b":GDH#")
        self.said(True)
        waiting = [self.begin("GET", member) for member in ("declination", "altitude", "azimuth")]
        self.ok("abortslew")
        self.assertEqual(self.said(True)[:2], [":GDH", ":Q"])
        for each in waiting:
            self.answer_of(each, "GET")
        self.wait()

    def test_two_clients(self) -> None:
        """Two slews at the same time do not mix up their targets."""
        self.ok("tracking", Tracking=True)
        self.said()
        stars = [self.star(1.0), self.star(2.0)]
        slews = [self.begin("PUT", "slewtocoordinatesasync", RightAscension=star, Declination=10) for star in stars]
        numbers = [self.answer_of(each)["ErrorNumber"] for each in slews]
        self.assertEqual(numbers, [0, INVALID_OPERATION])
        self.assertEqual([each[:3] for each in self.said()], [":Sr", ":Sd", ":MS"])
        self.wait()
        self.assertAlmostEqual(self.get("rightascension"), stars[0], 5)

    def test_above_ground(self) -> None:
        """A slew above the ground ends without tracking, even where OnStep turns it on, and is over only then."""
        self.assertIs(self.get("athome"), True)
        self.said()
        self.ok("slewtoaltazasync", Azimuth=150.0, Altitude=50.0)
        self.assertEqual(self.said(), [":Sa+50*00:00", ":Sz150*00:00", ":MA"])
        self.assertIs(self.mount.tracks, True)
        self.wait()
        self.assertEqual((self.get("tracking"), self.mount.tracks), (False, False))
        self.assertLess(sky.distance(self.get("azimuth"), self.get("altitude"), 150.0, 50.0), 0.05)

    def test_disconnected_above_ground(self) -> None:
        """To disconnect ends the wait for such a slew."""
        self.ok("slewtoaltazasync", Azimuth=150.0, Altitude=50.0)
        with capturedLogs() as events:
            self.ok("connected", Connected=False)
            self.clock.advance(5)
        self.assertNotIn("may track", "".join(event.get("log_format", "") for event in events))
        self.ok("connected", Connected=True)
        self.wait()

    def test_pulled_above_ground(self) -> None:
        """When the cable is pulled during such a slew, the log says that it may track."""
        self.ok("slewtoaltazasync", Azimuth=150.0, Altitude=50.0)
        with capturedLogs() as events:
            self.double.unplug()
            self.clock.advance(2)
        self.assertIn("may track after a slew above the ground", "".join(event.get("log_format", "") for event in events))

    def test_sync(self) -> None:
        """A sync sets a target, too; OnStep says why it refuses one."""
        self.aim()
        self.said()
        self.ok("synctocoordinates", RightAscension=5.0, Declination=31.0)
        self.assertEqual(self.said(), [":Sr05:00:00.0000", ":Sd+31*00:00.000", ":CM"])
        self.assertAlmostEqual(self.get("declination"), 31.0, 6)
        self.controller.questions[":CM"] = lambda: "E6"
        sentence = "the mount refused the sync: it is outside the limits of the axes or the meridian"
        self.assertEqual(self.refusal("synctocoordinates", RightAscension=5.0, Declination=31.0), (INVALID_OPERATION, sentence))


class MeadeSlewTests(AutostarTestCase):
    def test_orders(self) -> None:
        """A Meade is told whole seconds."""
        self.said()
        self.ok("slewtocoordinatesasync", RightAscension=4.999999, Declination=-0.51)
        self.assertEqual(self.said(), [":Sr05:00:00", ":Sd-00*30:36", ":MS"])

    def test_message(self) -> None:
        """The message with which it refuses a slew is what the client reads."""
        number, sentence = self.refusal("slewtocoordinatesasync", RightAscension=self.star(11.0), Declination=-30.0)
        self.assertEqual((number, sentence), (INVALID_OPERATION, "the mount refused the slew: Object Below Horizon"))
        self.assertIs(self.get("tracking"), True)

    def test_message_in_pieces(self) -> None:
        """However it arrives."""
        self.double.receive = self.in_pieces  # type: ignore[method-assign]
        number, sentence = self.refusal("slewtocoordinatesasync", RightAscension=self.star(11.0), Declination=-30.0)
        self.assertEqual((number, sentence), (INVALID_OPERATION, "the mount refused the slew: Object Below Horizon"))

    def in_pieces(self, data: bytes) -> None:
        for byte in self.double.firmware.receive(data):
            self.double.say(bytes([byte]))

    def test_another_target(self) -> None:
        """A Meade goes to the new target when it has one."""
        self.ok("slewtocoordinatesasync", RightAscension=self.star(3.0), Declination=10.0)
        self.clock.advance(1)
        target = self.star(1.0)
        self.ok("slewtocoordinatesasync", RightAscension=target, Declination=20.0)
        self.wait()
        self.assertAlmostEqual(self.get("rightascension"), target, 3)

    def test_slow_to_show_it(self) -> None:
        """A mount that shows its bars a moment later slews from the beginning."""
        bars = self.controller.questions[":D"]
        self.controller.questions[":D"] = lambda: ""
        self.ok("slewtocoordinatesasync", RightAscension=self.star(3.0), Declination=10.0)
        self.assertIs(self.get("slewing"), True)
        self.controller.questions[":D"] = bars
        self.wait()

    def test_spaces(self) -> None:
        """Bars that are all spaces are none."""
        self.controller.questions[":D"] = lambda: " " * 32
        self.assertIs(self.get("slewing"), False)


# ---- park, home, pier ---------------------------------------------------------------------------------------------


class ParkTests(MountTestCase):
    def test_park(self) -> None:
        """Park, with what it says on the way; unpark; a new position."""
        self.aim()
        self.ok("park")
        self.assertEqual((self.get("atpark"), self.get("slewing")), (False, True))
        self.wait()
        self.assertEqual((self.get("atpark"), self.get("tracking")), (True, False))
        self.ok("unpark")
        self.ok("setpark")
        self.assertEqual((self.get("atpark"), self.said()), (False, [":hP", ":hR", ":hQ"]))

    def test_answers_lost(self) -> None:
        """What must not be said twice is not: the status shows that it was heard."""
        self.aim()
        self.double.unanswered += [b":hP#", b":hR#"]
        self.ok("park")
        self.wait()
        self.assertIs(self.get("atpark"), True)
        self.ok("unpark")
        self.assertEqual((self.get("atpark"), self.said()), (False, [":hP", ":hR"]))

    def test_not_heard(self) -> None:
        """What was not heard is said again."""
        self.aim()
        self.double.unheard += [b":hP#", b":hR#"]
        self.ok("park")
        self.wait()
        self.ok("unpark")
        self.assertEqual((self.get("atpark"), self.said()), (False, [":hP", ":hR"]))

    def test_refused(self) -> None:
        """Why it cannot be parked."""
        self.controller.orders[":hP"] = lambda _: self.controller.refuse(12)
        self.assertEqual(self.refusal("park"), (FAILED, "the mount refused :hP#: no park position has been set"))
        self.controller.orders[":hP"] = lambda _: self.controller.refuse(99)
        self.assertEqual(self.refusal("park"), (FAILED, "the mount refused :hP#: its error 99"))

    def test_home(self) -> None:
        """Home is where it says that it is."""
        self.aim()
        self.ok("findhome")
        self.assertEqual((self.get("slewing"), self.get("athome")), (True, False))
        self.wait()
        self.assertEqual((self.get("athome"), self.get("tracking"), self.said()), (True, False, [":hC"]))

    def test_home_refused(self) -> None:
        """The order to go home has no answer: whether it does is seen."""
        self.aim()
        self.controller.silent[":hC"] = lambda _: setattr(self.controller, "error", 21)
        self.assertEqual(self.refusal("findhome"), (FAILED, "the mount refused :hC#: a motor driver has a fault"))


class MeadeParkTests(AutostarTestCase):
    settings = {"park": True}  # noqa: RUF012

    def test_park(self) -> None:
        """A Meade can be parked if the settings say so; it stays parked."""
        self.assertEqual((self.get("canpark"), self.get("canunpark"), self.get("atpark")), (True, False, False))
        self.ok("park")
        self.assertEqual((self.get("slewing"), self.get("atpark")), (True, False))
        self.wait()
        self.assertEqual((self.get("atpark"), self.get("slewing")), (True, False))
        self.assertEqual(self.refusal("unpark")[0], NOT_IMPLEMENTED)


class PierTests(MountTestCase):
    def test_side(self) -> None:
        """Unknown at home, then where it is."""
        self.assertEqual(self.get("sideofpier"), PierSide.Unknown)
        for hours, side in ((-3.0, PierSide.West), (3.0, PierSide.East)):
            self.aim(hours)
            self.assertEqual(self.get("sideofpier"), side)

    def test_flip(self) -> None:
        """The other side, with the star that it had; the same side is nothing to do."""
        star = self.aim(-0.1)
        self.ok("sideofpier", SideOfPier=int(PierSide.West))
        self.assertEqual(self.said(), [])
        self.ok("sideofpier", SideOfPier=int(PierSide.East))
        self.assertEqual(self.said(), [":MNe"])
        self.wait()
        self.assertEqual(self.get("sideofpier"), PierSide.East)
        self.assertAlmostEqual(self.get("rightascension"), star, 5)
        self.ok("sideofpier", SideOfPier=int(PierSide.West))
        self.assertEqual(self.said(), [":MNw"])

    def test_destination(self) -> None:
        """OnStepX is asked; it does not know where it cannot go."""
        for hours, declination, side in ((-1, 10, PierSide.West), (1, 10, PierSide.East), (11, -60, PierSide.Unknown)):
            found = self.get("destinationsideofpier", RightAscension=self.star(hours), Declination=declination)
            self.assertEqual(found, side)
        self.assertEqual([each[:3] for each in self.said()][-3:], [":Sr", ":Sd", ":MD"])


class ForkTests(MountTestCase):
    build = partial(OnStep, stands="K")

    def test_no_pier(self) -> None:
        """Only a German mount has sides."""
        self.assertEqual(self.refusal("sideofpier", "GET")[0], NOT_IMPLEMENTED)
        self.assertEqual(self.refusal("destinationsideofpier", "GET", RightAscension=1, Declination=1)[0], NOT_IMPLEMENTED)


# ---- moves and pulses ---------------------------------------------------------------------------------------------


class MoveTests(MountTestCase):
    def test_orders(self) -> None:
        """A speed and a direction; first axis west, second axis north, when positive."""
        self.aim()
        for axis, rate, words in (
            (0, 1.5, [":RA1.500000", ":Mw"]),
            (0, 0, [":Qw", ":Qe", ":R1"]),
            (0, -0.25, [":RA0.250000", ":Me"]),
            (0, 0, [":Qw", ":Qe", ":R1"]),
            (1, 4.0, [":RE4.000000", ":Mn"]),
            (1, 0, [":Qn", ":Qs", ":R1"]),
            (1, -0.000123, [":RE0.000123", ":Ms"]),
            (1, 0, [":Qn", ":Qs", ":R1"]),
        ):
            self.ok("moveaxis", Axis=axis, Rate=rate)
            self.assertEqual((self.said(), self.get("slewing")), (words, True))
            if not rate:
                self.wait()

    def test_brakes(self) -> None:
        """An axis that is stopped slews until it has come to rest: OnStepX does not obey before."""
        self.aim()
        self.ok("moveaxis", Axis=0, Rate=2.0)
        self.ok("moveaxis", Axis=0, Rate=0)
        self.assertEqual(self.refusal("tracking", Tracking=False), (FAILED, "the mount refused :Td#: it is in motion"))
        self.wait()
        self.ok("tracking", Tracking=False)

    def test_by_hand(self) -> None:
        """What is moved with the hand controller slews, too."""
        self.aim()
        self.mount.move(0, 1.0, 5.0)
        self.clock.advance(0.1)
        self.assertIs(self.get("slewing"), True)

    def test_motion(self) -> None:
        """It turns that fast, that way."""
        self.aim()
        hour_angle, declination = self.mount.hour_angle, self.mount.declination
        self.ok("moveaxis", Axis=0, Rate=1.0)
        self.ok("moveaxis", Axis=1, Rate=-0.5)
        self.clock.advance(2)
        self.ok("moveaxis", Axis=0, Rate=0)
        self.ok("moveaxis", Axis=1, Rate=0)
        self.assertAlmostEqual(self.mount.hour_angle - hour_angle, 2.0, 1)
        self.assertAlmostEqual(self.mount.declination - declination, -1.0, 1)

    def test_another_speed(self) -> None:
        """An axis that turns is stopped before it turns at another speed: OnStep would go on at the old one."""
        self.aim()
        self.ok("moveaxis", Axis=0, Rate=1.0)
        self.said()
        self.ok("moveaxis", Axis=0, Rate=2.0)
        self.assertEqual(self.said(), [":Qw", ":Qe", ":RA2.000000", ":Mw"])

    def test_pulse_afterwards(self) -> None:
        """A pulse after a move has the rate of a pulse, not that of the move."""
        self.aim()
        self.ok("moveaxis", Axis=1, Rate=2.0)
        self.ok("moveaxis", Axis=1, Rate=0)
        self.wait()
        before = self.mount.declination
        self.ok("pulseguide", Direction=0, Duration=1000)
        self.clock.advance(1.5)
        self.assertAlmostEqual((self.mount.declination - before) / ARCSECOND, SIDEREAL / 2 / ARCSECOND, 3)

    def test_one_of_two(self) -> None:
        """The rate of pulses is set when both axes are at rest."""
        self.aim()
        for axis in (0, 1):
            self.ok("moveaxis", Axis=axis, Rate=1.0)
        self.said()
        self.ok("moveaxis", Axis=0, Rate=0)
        self.assertEqual(self.said(), [":Qw", ":Qe"])
        self.ok("abortslew")
        self.assertEqual(self.said(), [":Q", ":R1"])
        self.wait()

    def test_disconnected(self) -> None:
        """What moves is stopped when the last client leaves."""
        self.aim()
        self.ok("moveaxis", Axis=0, Rate=1.0)
        self.said()
        self.ok("connected", Connected=False)
        self.assertEqual(self.said(), [":Q"])

    def test_pulled(self) -> None:
        """What moved when the cable was pulled is stopped when it is back."""
        self.aim()
        self.ok("moveaxis", Axis=0, Rate=1.0)
        self.double.unplug()
        self.clock.advance(1)
        self.said()
        self.double.plug_in()
        for _ in range(30):
            self.clock.advance(0.1)
        self.assertEqual((self.said(), self.get("slewing")), ([":Q"], False))


class MeadeMoveTests(AutostarTestCase):
    settings = {"slew_speed": 3.0}  # noqa: RUF012

    def test_orders(self) -> None:
        """A Meade has four speeds."""
        self.assertEqual([each["Maximum"] for each in self.get("axisrates", Axis=0)], [0.0042, 0.067, 1.5, 3.0])
        self.said()
        for rate, word in ((0.0042, ":RG"), (0.067, ":RC"), (1.5, ":RM"), (3.0, ":RS")):
            self.ok("moveaxis", Axis=1, Rate=rate)
            self.ok("moveaxis", Axis=1, Rate=0)
            self.assertEqual(self.said(), [word, ":Mn", ":Qn", ":Qs"])
        self.assertEqual(self.refusal("moveaxis", Axis=1, Rate=2.0)[0], INVALID_VALUE)


class PulseTests(MountTestCase):
    def test_orders(self) -> None:
        """A direction and milliseconds."""
        self.aim()
        for direction, word in ((0, ":Mgn"), (1, ":Mgs"), (2, ":Mge"), (3, ":Mgw")):
            self.ok("pulseguide", Direction=direction, Duration=250)
            self.assertEqual(self.said(), [f"{word}0250"])
            self.assertEqual((self.get("ispulseguiding"), self.get("slewing")), (True, False))
            self.clock.advance(0.5)
            self.assertIs(self.get("ispulseguiding"), False)

    def test_as_long_as_it_says(self) -> None:
        """It guides as long as the mount says so."""
        self.aim()
        self.ok("pulseguide", Direction=0, Duration=1000)
        self.mount.pulses[1].until += 2
        self.clock.advance(1.5)
        self.assertIs(self.get("ispulseguiding"), True)
        self.clock.advance(2)
        self.assertIs(self.get("ispulseguiding"), False)

    def test_no_time_at_all(self) -> None:
        """A pulse of no time is not sent: OnStep would never end it."""
        self.aim()
        self.ok("pulseguide", Direction=0, Duration=0)
        self.assertEqual((self.said(), self.get("ispulseguiding")), ([], False))

    def test_too_long(self) -> None:
        """What the mount cannot count is refused."""
        self.aim()
        number, sentence = self.refusal("pulseguide", Direction=0, Duration=32_768)
        self.assertEqual((number, sentence), (INVALID_VALUE, "the longest pulse of this mount has 32767 ms, not 32768"))

    def test_rates(self) -> None:
        """OnStep has three guide rates, the same on both axes."""
        self.assertAlmostEqual(self.get("guideratedeclination"), SIDEREAL / 2, 7)
        self.said()
        for times, word in ((0.25, ":R0"), (0.5, ":R1"), (1.0, ":R2")):
            self.ok("guideraterightascension", GuideRateRightAscension=times * SIDEREAL)
            self.assertEqual(self.said(), [word])
            self.assertAlmostEqual(self.get("guideratedeclination"), times * SIDEREAL, 7)
        number, sentence = self.refusal("guideratedeclination", GuideRateDeclination=0.75 * SIDEREAL)
        self.assertEqual(number, INVALID_VALUE)
        self.assertIn("0.001045, 0.002089, 0.004178 degrees per second on both axes", sentence)


class MeadePulseTests(AutostarTestCase):
    settings = {"guide_rate": 0.67}  # noqa: RUF012

    def test_rate(self) -> None:
        """How fast the pulses of an Autostar are is in the settings."""
        self.assertAlmostEqual(self.get("guideraterightascension"), 0.67 * SIDEREAL, 6)
        self.assertEqual(self.refusal("guideraterightascension", GuideRateRightAscension=0.001)[0], NOT_IMPLEMENTED)

    def test_longest(self) -> None:
        """It counts with four digits."""
        self.assertEqual(self.refusal("pulseguide", Direction=0, Duration=10_000)[0], INVALID_VALUE)
        self.said()
        self.ok("pulseguide", Direction=0, Duration=9_999)
        self.assertEqual(self.said(), [":Mgn9999"])


class ClassicPulseTests(ClassicTestCase):
    def test_by_the_clock(self) -> None:
        """A classic LX200 has no pulses: it moves at its guide speed, and is stopped in time."""
        self.said()
        before = self.mount.declination
        self.ok("pulseguide", Direction=0, Duration=2000)
        self.assertEqual((self.said(), self.get("ispulseguiding"), self.get("slewing")), ([":RG", ":Mn"], True, False))
        self.clock.advance(2)
        self.assertEqual((self.said(), self.get("ispulseguiding")), ([":Qn"], False))
        self.assertAlmostEqual(self.mount.declination - before, 2 * 0.0042, 4)
        self.assertEqual(self.get("guideratedeclination"), 0.0042)

    def test_again(self) -> None:
        """A pulse on the same axis takes the place of the one before."""
        self.ok("pulseguide", Direction=0, Duration=2000)
        self.clock.advance(1)
        self.ok("pulseguide", Direction=0, Duration=2000)
        self.said()
        self.clock.advance(1.5)
        self.assertEqual(self.said(), [])
        self.clock.advance(0.5)
        self.assertEqual(self.said(), [":Qn"])

    def test_aborted(self) -> None:
        """To abort ends a pulse; nothing is stopped later."""
        self.ok("pulseguide", Direction=0, Duration=2000)
        self.said()
        self.ok("abortslew")
        self.assertEqual((self.said(), self.get("ispulseguiding")), ([":Q"], False))
        self.clock.advance(5)
        self.assertEqual(self.said(), [])

    def test_pulled(self) -> None:
        """When the cable is pulled during a pulse, the log says that it may not have ended."""
        self.ok("pulseguide", Direction=0, Duration=2000)
        with capturedLogs() as events:
            self.double.unplug()
            self.clock.advance(3)
        self.assertIn("may not have ended a pulse", "".join(event.get("log_format", "") for event in events))


# ---- a cable that comes and goes ----------------------------------------------------------------------------------


class HealingTests(MountTestCase):
    def test_back(self) -> None:
        """A mount whose cable is put back is seen again, and used as before."""
        star = self.aim()
        self.double.unplug()
        self.assertIn("vanished", self.refusal("rightascension", "GET")[1])
        self.clock.advance(1)
        self.said(True)
        self.double.plug_in()
        for _ in range(30):
            self.clock.advance(0.1)
        self.assertEqual(self.said(True)[:3], [":GR", ":GVP", ":GR"])
        self.assertAlmostEqual(self.get("rightascension"), star, 5)
        self.assertEqual(self.get("targetrightascension"), star)

    def test_another_mount(self) -> None:
        """Another mount at the same port is not used as if it were the same."""
        self.double.unplug()
        self.clock.advance(1)
        self.controller.questions[":GVP"] = lambda: "Autostar"
        self.double.plug_in()
        for _ in range(30):
            self.clock.advance(0.1)
        self.assertIn("the mount on COM3 is 'Autostar' now, and was 'On-Step'", self.refusal("rightascension", "GET")[1])
        self.controller.questions[":GVP"] = lambda: "On-Step"
        for _ in range(100):
            self.clock.advance(0.1)
        self.get("rightascension")


# ---- the mount of these tests -------------------------------------------------------------------------------------


class FirmwareTests(SynchronousTestCase):
    """The hand controller that the driver is tested with does what the real ones do."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.onstep = OnStep(Mount(self.clock, lambda: MIDNIGHT + timedelta(seconds=self.clock.seconds())))

    def said(self, commands: bytes) -> bytes:
        return self.onstep.receive(commands)

    def go(self) -> None:
        """Track a star in the south-west."""
        self.assertEqual(self.said(b":Te#:Sr05:00:00#:Sd+10*00:00#:MS#"), b"1110")
        self.clock.advance(30)
        self.assertEqual(self.said(b":GU#"), b"Npz/ET110#")

    def test_pieces(self) -> None:
        """However the commands arrive; what it does not know it answers with 0, and tells why."""
        self.assertEqual([self.said(bytes([byte])) for byte in b":GVP#"], [b"", b"", b"", b"", b"On-Step#"])
        self.assertEqual(self.said(b":XX#:GE#"), b"002#")
        self.assertEqual(self.said(b":Sr25#:GE#:Sd+10*00#:GE#"), b"005#100#")

    def test_sky(self) -> None:
        """It keeps a star when it tracks, and its place when it does not."""
        self.go()
        self.clock.advance(600)
        self.assertEqual(self.said(b":GRH#:GDH#"), b"05:00:00.0001#+10*00:00.000#")
        above_ground = self.said(b":Td#:GA#:GZ#")
        self.clock.advance(600)
        self.assertEqual(self.said(b":Td#:GA#:GZ#"), above_ground)
        self.assertEqual(self.said(b":GR#"), b"05:10:02#")

    def test_second_slew(self) -> None:
        """A second order to slew stops the first."""
        self.go()
        self.assertEqual(self.said(b":Sr06:00:00#:MS#:D#"), b"10\x7f#")
        self.clock.advance(1)
        self.assertEqual(self.said(b":MS#:D#"), b"5\x7f#")
        self.clock.advance(1)
        here = self.said(b":D#:GRH#")
        self.assertEqual(here[:1], b"#")
        self.clock.advance(60)
        self.assertEqual(self.said(b":D#:GRH#"), here)

    def test_move_ends(self) -> None:
        """A move ends after ten seconds, and a pulse of no time does not."""
        self.go()
        self.said(b":RE0.1#:Mn#")
        self.clock.advance(60)
        self.assertEqual(self.said(b":GD#"), b"+11*00:00#")
        self.said(b":R1#:Mgs0000#")
        self.clock.advance(3600)
        self.assertEqual(self.said(b":GU#:GD#"), b"NpGgz/ET110#+03*28:46#")

    def test_autostar(self) -> None:
        """An Autostar starts in the short format, and knows no longitude with a sign."""
        autostar = Autostar(Mount(self.clock, lambda: MIDNIGHT))
        self.assertEqual(autostar.receive(b":GR#:U#:GR#:Gg#"), b"05:43.1#05:43:09#359*53#")
        self.assertEqual(autostar.receive(b":AL#\x06:GW#:AP#\x06:GW#:XX#"), b"LPN1#PPT1#")
