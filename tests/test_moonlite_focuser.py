"""The Moonlite focuser: its protocol word by word, then the kit, with a controller that has a motor and with a bad cable."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from drivers.moonlite_focuser import MoonliteFocuser, half_degrees
from pylpaca.errors import DriverError
from pylpaca.protocol import FORM
from pylpaca.testing import MemoryServer, SerialDouble
from pylpaca.testing.conformance import FocuserConformance, OverHttp
from tests.firmware import FirmwareDouble, LosesReplies
from tests.moonlite_firmware import MoonliteFirmware

ENTRY = {"device_type": "focuser", "device_number": 0, "device_driver": "MoonliteFocuser"}


class FirmwareTests(SynchronousTestCase):
    """The controller that the other tests rely on."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.firmware = MoonliteFirmware(self.clock, position=1000)

    def said(self, commands: bytes) -> bytes:
        return self.firmware.receive(commands)

    def test_motor(self) -> None:
        """It goes to the new position at 250 steps per second or slower, and stops when told."""
        self.assertEqual(self.said(b":SN05DC#:GN#:GP#:GI#"), b"05DC#03E8#00#")
        self.assertEqual(self.said(b":FG#:GI#"), b"01#")
        self.clock.advance(1.0)
        self.assertEqual(self.said(b":GP#"), b"04E2#")
        self.assertEqual(self.said(b":SD08#:GD#"), b"08#")
        self.clock.advance(1.0)
        self.assertEqual(self.said(b":FQ#:GP#:GI#"), b"0520#00#")
        self.clock.advance(9.0)
        self.assertEqual(self.said(b":GP#:SP0010#:GP#"), b"0520#0010#")

    def test_thermometer(self) -> None:
        """A conversion takes three quarters of a second; the first reading is what such sensors say before it."""
        self.assertEqual(self.said(b":GT#:C#:GT#"), b"00AA#00AA#")
        self.clock.advance(0.75)
        self.assertEqual(self.said(b":GT#:POFB#:GT#"), b"0019#0014#")
        self.firmware.celsius = -10.5
        self.said(b":PO00#:C#")
        self.clock.advance(0.75)
        self.assertEqual(self.said(b":GT#"), b"FFEB#")

    def test_compensation(self) -> None:
        """With compensation on, the drawtube follows the temperature, both ways, and a new position is meant at today's."""
        self.assertEqual(self.said(b":SCF6#:GC#:+#"), b"F6#")
        for celsius, position in ((10.5, 1020), (11.5, 1010)):
            self.firmware.celsius = celsius
            self.assertEqual(self.said(b":GI#"), b"01#")
            self.clock.advance(1.0)
            self.assertEqual((self.said(b":GI#"), self.firmware.position), (b"00#", position))
        self.said(b":SN07D0#:FG#")
        self.clock.advance(10.0)
        self.assertEqual(self.firmware.position, 2000)
        self.said(b":-#")
        self.firmware.celsius = 0.0
        self.said(b":GI#")
        self.clock.advance(10.0)
        self.assertEqual(self.firmware.position, 2000)

    def test_nonsense(self) -> None:
        """What is not understood is not answered; noise before a command does it no harm."""
        nonsense = b":XX#:SN12#:SN12345#:SD#:GP00#GP#:gp##"
        self.assertEqual(self.said(nonsense), b"")
        self.assertEqual(len(self.firmware.ignored), nonsense.count(b"#"))
        self.assertEqual(self.said(b"\xff\x00:G:GP#:SD03#:GD#:SH#:GH#:SF#:GH#:GV#"), b"03E8#02#FF#00#10#")


class WholeServerTestCase(SynchronousTestCase):
    """The driver in a whole server; `double` is what it is plugged into."""

    settings: Mapping[str, Any] = {}
    double: Any

    def setUp(self) -> None:
        config = {"port": "COM3", "max_step": 2000, **self.settings}
        self.server = MemoryServer({"drivers": [{**ENTRY, "driver_config": config}]}, serial={"COM3": self.double})
        self.clock = self.server.clock

    def answer(self, verb: str, member: str, form: str = "") -> Any:
        """The envelope, however long it takes."""
        headers = {"Content-Type": FORM}
        connection = self.server.begin(verb, f"focuser/0/{member}", form.encode(), headers)
        for _ in range(1000):
            if (answer := connection.answer(verb)) is not None:
                return answer.json
            self.clock.advance(0.01)
        raise AssertionError(f"no answer to {verb} {member}")

    def get(self, member: str) -> Any:
        envelope = self.answer("GET", member)
        self.assertEqual(envelope["ErrorMessage"], "", member)
        return envelope["Value"]

    def ok(self, member: str, form: str = "") -> None:
        self.assertEqual(self.answer("PUT", member, form)["ErrorMessage"], "")

    def refusal(self, verb: str, member: str, form: str = "") -> str:
        return str(self.answer(verb, member, form)["ErrorMessage"])


class WithMotorTestCase(WholeServerTestCase):
    built: Mapping[str, Any] = {}  # how the controller is built

    def setUp(self) -> None:
        self.double: FirmwareDouble[MoonliteFirmware] = FirmwareDouble(lambda clock: MoonliteFirmware(clock, **self.built))
        super().setUp()
        self.ok("connected", "Connected=true")

    @property
    def firmware(self) -> MoonliteFirmware:
        return self.double.firmware

    def said(self) -> list[bytes]:
        """What the driver has sent since this was asked last."""
        commands, self.firmware.commands = self.firmware.commands, []
        return commands

    def tearDown(self) -> None:
        self.assertEqual(self.firmware.ignored, [])


class MovingTests(WithMotorTestCase):
    def test_move(self) -> None:
        """A move is told, read back and begun; where the drawtube is can be seen on the way."""
        self.assertEqual((self.get("position"), self.get("ismoving")), (1000, False))
        self.said()
        self.ok("move", "Position=1250")
        self.assertEqual(self.said(), [b":SN04E2", b":GN", b":FG"])
        self.assertIs(self.get("ismoving"), True)
        self.clock.advance(0.5)
        self.assertTrue(1100 < self.get("position") < 1200)
        self.clock.advance(0.5)
        self.assertEqual((self.get("ismoving"), self.get("position")), (False, 1250))

    def test_halt(self) -> None:
        """A halt stops it where it is."""
        self.ok("move", "Position=2000")
        self.clock.advance(1.0)
        self.ok("halt")
        position = self.get("position")
        self.assertTrue(1200 < position < 1300)
        self.assertIs(self.get("ismoving"), False)
        self.clock.advance(5.0)
        self.assertEqual(self.get("position"), position)

    def test_halt_while_told(self) -> None:
        """A halt that overtakes a move keeps it from beginning."""
        move = self.server.begin("PUT", "focuser/0/move", b"Position=2000", {"Content-Type": FORM})
        self.ok("halt")
        answer = move.answer("PUT")
        assert answer is not None
        self.assertEqual(answer.error, 0)
        self.assertNotIn(b":FG", self.firmware.commands)
        self.clock.advance(1.0)
        self.assertEqual((self.get("ismoving"), self.get("position")), (False, 1000))

    def test_another_target(self) -> None:
        """A move while it moves leads to the new target."""
        self.ok("move", "Position=2000")
        self.clock.advance(1.0)
        self.ok("move", "Position=0")
        self.assertIs(self.get("ismoving"), True)
        self.clock.advance(6.0)
        self.assertEqual((self.get("ismoving"), self.get("position")), (False, 0))

    def test_where_it_is(self) -> None:
        """A move to where it is, is over at once."""
        self.ok("move", "Position=1000")
        self.assertIs(self.get("ismoving"), False)

    def test_set_position(self) -> None:
        """The action SetPosition tells a controller where the drawtube is, unless it moves or there is no such position."""
        self.assertEqual(self.get("supportedactions"), ["SetPosition"])
        self.assertEqual(self.answer("PUT", "action", "Action=SetPosition&Parameters=1500")["Value"], "1500")
        self.assertEqual(self.get("position"), 1500)
        for wrong in ("2001", "-1", "high", ""):
            sentence = f"SetPosition takes a position, 0 to 2000, not {wrong!r}"
            self.assertEqual(self.refusal("PUT", "action", f"Action=SetPosition&Parameters={wrong}"), sentence)
        self.ok("move", "Position=0")
        refused = self.refusal("PUT", "action", "Action=SetPosition&Parameters=0")
        self.assertEqual(refused, "the position cannot be set while it moves")


class SlowToNoticeTests(WithMotorTestCase):
    built = {"notices_after": 0.4}  # noqa: RUF012

    def test_begins(self) -> None:
        """It is moving from the order on, also while the controller has not noticed that it does."""
        self.ok("move", "Position=2000")
        self.assertEqual((self.firmware.receive(b":GI#"), self.get("ismoving")), (b"00#", True))
        self.clock.advance(0.5)
        self.assertEqual((self.firmware.receive(b":GI#"), self.get("ismoving")), (b"01#", True))
        self.clock.advance(4.0)
        self.assertIs(self.get("ismoving"), False)

    def test_short_move(self) -> None:
        """A move that is over before it is noticed is over when the drawtube is there."""
        self.ok("move", "Position=1010")
        self.assertIs(self.get("ismoving"), True)
        self.clock.advance(0.1)
        self.assertEqual((self.get("ismoving"), self.get("position")), (False, 1010))


class StuckTests(WithMotorTestCase):
    built = {"fastest": 1e-9}  # noqa: RUF012

    def test_does_not_move(self) -> None:
        """A motor that does not turn is not said to move for ever: the controller is believed in the end."""
        self.ok("move", "Position=1500")
        self.firmware.receive(b":FQ#")  # a key of the controller, say
        self.assertIs(self.get("ismoving"), True)
        self.clock.advance(1.0)
        self.assertEqual((self.get("ismoving"), self.get("position")), (False, 1000))


class ForgetsHaltsTests(WithMotorTestCase):
    built = {"forgets_halts": True}  # noqa: RUF012

    def test_halt(self) -> None:
        """What stands still after a halt is not said to move for ever, although its controller says so."""
        self.ok("move", "Position=2000")
        self.assertIs(self.get("ismoving"), True)
        self.clock.advance(1.0)
        self.ok("halt")
        self.get("position")
        self.assertEqual(self.firmware.receive(b":GI#"), b"01#")
        self.assertIs(self.get("ismoving"), True)
        self.clock.advance(2.0)
        self.assertIs(self.get("ismoving"), False)
        self.ok("move", "Position=1900")
        self.assertIs(self.get("ismoving"), True)
        self.clock.advance(3.0)
        self.assertEqual((self.get("ismoving"), self.get("position")), (False, 1900))


class ShortTravelTests(WithMotorTestCase):
    built = {"last": 1500}  # noqa: RUF012

    def test_beyond_its_travel(self) -> None:
        """A controller that makes another position of it has not the travel that the settings say; nothing moves."""
        sentence = "the controller was told to go to 2000 and makes it 1500: is max_step too high?"
        self.assertEqual(self.refusal("PUT", "move", "Position=2000"), sentence)
        self.assertEqual((self.get("ismoving"), self.get("position")), (False, 1000))


class AsItIsTests(WithMotorTestCase):
    settings = {"temperature_sensor": False}  # noqa: RUF012

    def test_left_alone(self) -> None:
        """What no setting says is left as it is, and what is not known is not implemented."""
        self.assertEqual(self.said(), [b":GP", b":-"])
        self.assertEqual((self.get("maxstep"), self.get("maxincrement")), (2000, 2000))
        for member in ("stepsize", "temperature"):
            self.assertEqual(self.answer("GET", member)["ErrorNumber"], 0x400)
        self.assertEqual((self.get("tempcompavailable"), self.get("tempcomp")), (False, False))
        self.assertEqual(self.answer("PUT", "tempcomp", "TempComp=true")["ErrorNumber"], 0x400)


class SetUpTests(WithMotorTestCase):
    settings = {  # noqa: RUF012
        "step_size": 4.2,
        "speed": 63,
        "half_step": True,
        "temperature_coefficient": -10,
        "temperature_offset": -1.5,
    }

    def test_set_up(self) -> None:
        """Every setting is told and, where that can be, read back."""
        told = [b":GP", b":SH", b":GH", b":SD08", b":GD", b":SCF6", b":GC", b":POFD", b":-", b":C"]
        self.assertEqual(self.said(), told)
        self.assertEqual((self.firmware.half_step, self.firmware.delay), (True, 8))
        self.assertEqual((self.firmware.coefficient, self.firmware.offset), (-10, -3))
        self.assertEqual(self.get("stepsize"), 4.2)

    def test_cable_pulled(self) -> None:
        """A controller that comes back is set up again, and compensates if it did."""
        self.ok("tempcomp", "TempComp=true")
        told = self.said()[:-1]
        self.double.unplug()
        self.assertIn("port COM3 vanished", self.refusal("GET", "position"))
        self.double.plug_in()
        self.clock.advance(1.0)
        self.assertEqual((self.get("connected"), self.get("position"), self.get("tempcomp")), (True, 1000, True))
        self.assertEqual(self.said(), [*told[:-2], b":+", b":C", b":GP"])

    def test_temperature(self) -> None:
        """The first reading waits for its measurement, the others find one that is done; an old one is not told."""
        self.clock.advance(0.1)
        began = self.clock.seconds()
        self.assertEqual(self.get("temperature"), 11.0)
        self.assertAlmostEqual(self.clock.seconds() - began, 0.75, places=1)
        self.firmware.celsius = -3.5
        for later, celsius in ((0.0, 11.0), (1.0, -5.0), (30.0, -5.0)):
            self.clock.advance(later)
            began = self.clock.seconds()
            self.assertEqual(self.get("temperature"), celsius)
            self.assertLess(self.clock.seconds() - began, 0.1)
        self.firmware.celsius = 20.0
        self.clock.advance(61.0)
        self.assertEqual(self.get("temperature"), 18.5)

    def test_temperature_on_a_busy_line(self) -> None:
        """A measurement begins when the controller is told to, which may have to wait; nobody reads it before its end."""
        self.assertEqual(self.get("temperature"), 11.0)
        self.firmware.celsius = 20.0
        self.clock.advance(61.0)
        silence = self.patch(self.firmware, "receive", lambda data: b"")
        self.server.begin("GET", "focuser/0/position")
        waiting = self.server.begin("GET", "focuser/0/temperature")
        self.clock.pump([0.1] * 8)
        silence.restore()
        self.clock.pump([0.1] * 30)
        answer = waiting.answer()
        assert answer is not None
        self.assertEqual(answer.value, 18.5)

    def test_compensation(self) -> None:
        """Compensation moves the drawtube; that is no move."""
        self.ok("tempcomp", "TempComp=true")
        self.assertEqual((self.get("tempcomp"), self.firmware.compensates), (True, True))
        self.firmware.celsius = 2.5
        self.assertIs(self.get("ismoving"), False)
        self.assertEqual(self.firmware.receive(b":GI#"), b"01#")
        self.clock.advance(2.0)
        self.assertEqual((self.get("ismoving"), self.get("position")), (False, 1100))
        self.ok("move", "Position=500")
        self.assertIs(self.get("ismoving"), True)
        self.ok("tempcomp", "TempComp=false")
        self.assertEqual((self.get("tempcomp"), self.firmware.compensates), (False, False))


class AnsweringTestCase(WholeServerTestCase):
    settings: Mapping[str, Any] = {"temperature_sensor": False}

    def setUp(self) -> None:
        self.answers: dict[bytes, bytes | None] = {b":GP": b"03E8", b":GI": b"00", b":GN": b"0000"}
        self.double = SerialDouble(self.answers.get, terminator=b"#")
        super().setUp()


class AnswersTests(AnsweringTestCase):
    """What a controller may answer, and what it may not."""

    def test_position(self) -> None:
        """A position has four digits: with one lost it would be another position."""
        self.ok("connected", "Connected=true")
        for answer, position in ((b"0000", 0), (b"ffff", 65535), (b"07d0", 2000)):
            self.answers[b":GP"] = answer
            self.clock.advance(0.1)  # what was answered before is not reused any more
            self.assertEqual(self.get("position"), position)
        self.clock.advance(0.1)
        for answer in (b"", b"3E8", b"003E8", b"00G0", b"-123"):
            self.answers[b":GP"] = answer
            sentence = f"the controller answered {answer!r} to :GP#, not four hexadecimal digits"
            self.assertEqual(self.refusal("GET", "position"), sentence)

    def test_motion(self) -> None:
        """Whether it moves may be said with one digit or two."""
        self.ok("connected", "Connected=true")
        for answer, moving in ((b"00", False), (b"01", True), (b"0", False), (b"1", True)):
            self.answers[b":GI"] = answer
            self.clock.advance(0.1)
            self.assertIs(self.get("ismoving"), moving)
        self.answers[b":GI"] = b"FF"
        self.clock.advance(0.1)
        self.assertEqual(self.refusal("GET", "ismoving"), "the controller answered b'FF' to :GI#, neither 00 nor 01")

    def test_temperatures(self) -> None:
        """A temperature is signed, in as many bytes as it is written with."""
        found = [half_degrees(each) for each in (b"0019", b"19", b"A", b"00AA", b"FFEB", b"EB", b"FFFFFFEB", b"7FFF")]
        self.assertEqual(found, [25, 25, 10, 170, -21, -21, -21, 32767])
        for answer in (b"", b"NAN", b"-5", b"0000000019"):
            self.assertRaises(DriverError, half_degrees, answer)

    def test_halt_overtakes(self) -> None:
        """A halt that went out while the order to begin was still held back is said again behind it."""
        self.ok("connected", "Connected=true")
        self.answers[b":GN"] = None
        move = self.server.begin("PUT", "focuser/0/move", b"Position=1500", {"Content-Type": FORM})
        self.answers[b":GN"] = b"05DC"
        self.clock.advance(0.2)
        self.clock.advance(0.0)
        self.double.commands.clear()
        self.ok("halt")
        self.assertEqual(self.double.commands, [b":FQ"])
        self.clock.advance(0.2)
        self.assertEqual(self.double.commands, [b":FQ", b":FG", b":FQ"])
        answer = move.answer("PUT")
        assert answer is not None
        self.assertEqual(answer.error, 0)

    def test_something_else(self) -> None:
        """Whoever does not tell a position is no such controller."""
        self.answers[b":GP"] = b"OK"
        refused = self.refusal("PUT", "connected", "Connected=true")
        self.assertEqual(refused, "the controller answered b'OK' to :GP#, not four hexadecimal digits")
        self.assertIs(self.get("connected"), False)

    def test_nobody(self) -> None:
        """A controller that does not answer is asked four times, then the client is told."""
        self.answers[b":GP"] = None
        self.assertEqual(self.refusal("PUT", "connected", "Connected=true")[:31], "no reply on COM3 to b':GP#' in ")
        self.assertEqual(self.double.commands, [b":GP"] * 4)


class StubbornTests(AnsweringTestCase):
    settings = {"temperature_sensor": False, "half_step": True}  # noqa: RUF012

    def test_does_not_take_it(self) -> None:
        """A controller that does not do what a setting says is not used as if it did."""
        self.answers[b":GH"] = b"00"
        refused = self.refusal("PUT", "connected", "Connected=true")
        sentence = "the controller was told :SH# and answered b'00' to :GH#: it does not take what its settings say"
        self.assertEqual(refused, sentence)


class MoonliteConformance(FocuserConformance):
    driver = MoonliteFocuser
    settings = {  # noqa: RUF012
        "port": "COM3",
        "max_step": 2000,
        "step_size": 4.2,
        "speed": 250,
        "temperature_coefficient": -10,
    }

    def ports(self) -> Mapping[str, SerialDouble]:
        return {"COM3": FirmwareDouble(lambda clock: MoonliteFirmware(clock, notices_after=0.1))}


class MoonliteConformanceTests(MoonliteConformance, SynchronousTestCase):
    """It passes the kit."""


class ForgetsHaltsConformanceTests(MoonliteConformance, SynchronousTestCase):
    """It passes the kit also with a controller that takes itself for moving after a halt."""

    def ports(self) -> Mapping[str, SerialDouble]:
        return {"COM3": FirmwareDouble(lambda clock: MoonliteFirmware(clock, forgets_halts=True))}


class MoonliteOverHttpTests(OverHttp, MoonliteConformance, SynchronousTestCase):
    """It passes the kit through the whole server."""


class BadCable(MoonliteConformance):
    """One reply in twenty is lost."""

    def ports(self) -> Mapping[str, SerialDouble]:
        self.double = FirmwareDouble(lambda clock: LosesReplies(MoonliteFirmware(clock, notices_after=0.1), seed=5))
        return {"COM3": self.double}

    def test_program_twice(self) -> Any:
        super().test_program_twice()
        self.assertGreater(self.double.firmware.lost, 10)  # type: ignore[attr-defined]  # of trial's test case


class BadCableTests(BadCable, SynchronousTestCase):
    """It passes the kit although one reply in twenty is lost."""


class BadCableOverHttpTests(OverHttp, BadCable, SynchronousTestCase):
    """It passes the kit through the whole server although one reply in twenty is lost."""
