"""The template that newcomers copy, simulating and on a serial line."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from pylpaca.testing import MemoryServer, SerialDouble


class TemplateTestCase(SynchronousTestCase):
    driver_config: dict[str, Any] = {}  # noqa: RUF012

    def setUp(self) -> None:
        self.answers: dict[bytes, bytes | None] = {b"STATUS": b"CLOSED", b"OPEN": b"OK", b"CLOSE": b"OK\r", b"STOP": b"OK"}
        self.double = SerialDouble(self.answers.get)
        entry = {"device_type": "dome", "device_number": 0, "device_driver": "MyDomeDriver", "driver_config": self.driver_config}
        self.server = MemoryServer({"drivers": [entry]}, serial={"COM9": self.double})

    def get(self, member: str) -> Any:
        return self.server.get(f"dome/0/{member}")

    def put(self, member: str, **form: Any) -> Any:
        return self.server.put(f"dome/0/{member}", **form)

    def ok(self, member: str, **form: Any) -> None:
        self.assertEqual(self.put(member, **form).error, 0)


class SimulatedTests(TemplateTestCase):
    def test_roof(self) -> None:
        """As shipped it opens and closes in five seconds, and stops when told."""
        self.ok("connected", Connected=True)
        self.assertEqual(self.get("shutterstatus").value, 1)
        self.ok("openshutter")
        self.assertEqual((self.get("shutterstatus").value, self.get("slewing").value), (2, True))
        self.server.clock.advance(4.9)
        self.assertEqual(self.get("shutterstatus").value, 2)
        self.server.clock.advance(0.2)
        self.assertEqual((self.get("shutterstatus").value, self.get("slewing").value), (0, False))
        self.ok("closeshutter")
        self.assertEqual(self.get("shutterstatus").value, 3)
        self.server.clock.advance(1)
        self.ok("abortslew")
        self.assertEqual((self.get("shutterstatus").value, self.get("slewing").value), (0, False))

    def test_what_it_is_not(self) -> None:
        """A roof does not turn."""
        for member in ("azimuth", "altitude", "athome", "atpark"):
            self.assertEqual(self.get(member).error, 0x407)
        self.ok("connected", Connected=True)
        for member in ("azimuth", "altitude", "athome", "atpark"):
            self.assertEqual(self.get(member).error, 0x400)


class SerialTests(TemplateTestCase):
    driver_config = {"port": "COM9", "baudrate": 9600}  # noqa: RUF012

    def test_protocol(self) -> None:
        """Every member is a line of the protocol."""
        self.ok("connected", Connected=True)
        for said, status in ((b"OPEN", 0), (b"CLOSED", 1), (b"OPENING", 2), (b"CLOSING", 3), (b"ERROR", 4), (b"OPEN\r", 0)):
            self.answers[b"STATUS"] = said
            self.assertEqual(self.get("shutterstatus").value, status)
        self.double.commands.clear()
        for member in ("openshutter", "closeshutter", "abortslew"):
            self.ok(member)
        self.assertEqual(self.double.commands, [b"OPEN", b"CLOSE", b"STOP"])

    def test_odd_answers(self) -> None:
        """An answer that is none of the protocol's is told with what was said."""
        self.ok("connected", Connected=True)
        self.answers.update({b"STATUS": b"42", b"OPEN": b"BUSY"})
        self.assertEqual(self.get("shutterstatus").json["ErrorMessage"], "the roof answered b'42' to STATUS")
        self.assertEqual(self.put("openshutter").json["ErrorMessage"], "the roof answered b'BUSY' to OPEN")

    def test_nobody_there(self) -> None:
        """Whoever does not answer is not connected."""
        self.answers[b"STATUS"] = None
        connection = self.server.begin("PUT", "dome/0/connected", b"Connected=True")
        self.server.clock.advance(1)
        answer = connection.answer("PUT")
        assert answer is not None
        self.assertEqual(answer.json["ErrorMessage"], "no reply on COM9 to b'STATUS' in 1 s")
        self.assertEqual(self.get("connected").value, False)

    def test_unplugged(self) -> None:
        """A cable that is pulled is told at once."""
        self.ok("connected", Connected=True)
        self.double.unplug()
        told = self.get("shutterstatus").json["ErrorMessage"]
        self.assertEqual(told, "port COM9 vanished: is the cable plugged in? It is looked for, for 60 s more")
        self.assertEqual(self.get("connected").value, True)

    def test_plugged_in_again(self) -> None:
        """When it is put back the roof works again, after it was seen that it is the roof."""
        self.ok("connected", Connected=True)
        self.double.unplug()
        self.double.commands.clear()
        self.double.plug_in()
        self.server.clock.advance(0.5)
        self.server.clock.advance(0)
        self.assertEqual(self.double.commands, [b"STATUS"])
        self.assertEqual(self.get("shutterstatus").value, 1)

    def test_another_device_is_plugged_in(self) -> None:
        """Another device in its place is not used."""
        self.ok("connected", Connected=True)
        self.double.unplug()
        self.answers[b"STATUS"] = b"Grbl 1.1"
        self.double.plug_in()
        self.server.clock.advance(0.5)
        self.server.clock.advance(0)
        self.assertIn("because: the roof answered b'Grbl 1.1' to STATUS", self.put("openshutter").json["ErrorMessage"])
        self.assertNotIn(b"OPEN", self.double.commands)

    def test_never_plugged_in_again(self) -> None:
        """After a minute the device is disconnected, and the client reads why."""
        self.ok("connected", Connected=True)
        self.double.unplug()
        self.server.clock.pump([0.5] * 120)
        self.assertEqual(self.get("connected").value, False)
        told = self.get("shutterstatus")
        self.assertEqual(told.error, 0x407)
        self.assertIn("port COM9 vanished: is the cable plugged in? It was looked for for 60 s", told.json["ErrorMessage"])

    def test_port_is_closed(self) -> None:
        """A disconnected device leaves its port to others, and finds it again."""
        self.ok("connected", Connected=True)
        self.ok("connected", Connected=False)
        self.assertIsNone(self.double._line)
        self.ok("connected", Connected=True)
        self.assertEqual(self.get("shutterstatus").value, 1)


class RestartingControllerTests(TemplateTestCase):
    driver_config = {"port": "COM9", "wait_after_open": 2}  # noqa: RUF012

    def test_wait(self) -> None:
        """A controller that restarts when its port is opened is left alone until it has."""
        self.ok("connect")
        self.assertEqual((self.get("connecting").value, self.double.commands), (True, []))
        self.server.clock.advance(2)
        self.assertEqual(self.double.commands, [b"STATUS"])
        self.server.clock.advance(0)
        self.assertEqual((self.get("connecting").value, self.get("connected").value), (False, True))
