"""The pages at /setup: what they show, what they save, and where."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any
from unittest.mock import patch

from pydantic import Field, SecretStr
from twisted.trial.unittest import SynchronousTestCase

from pylpaca.device import NoSettings, SafetyMonitor
from pylpaca.protocol import FORM
from pylpaca.testing import MemoryServer, SerialDouble
from tests.setup_forms import Page, body, opened, sent

DOME = "/setup/v1/dome/0/setup"
ROOF = "/setup/v1/dome/1/setup"
SENSOR = "/setup/v1/safetymonitor/0/setup"


class Station(SafetyMonitor):
    """A weather station on the internet."""

    class Settings(NoSettings):
        password: SecretStr = Field(default=SecretStr(""), description="of the account")
        above: float = Field(default=5.0, ge=0, description="the limit", json_schema_extra={"unit": "m/s"})

    def IsSafe(self) -> bool:
        return True


TEXT = """{
  "server": {"name": "mine", "users": {"me": "hunter2"}},
  "drivers": [
    {"device_type": "dome", "device_number": 0, "device_driver": "DomeSimulator",
     "driver_config": {"park_azimuth": 90}},
    {
      "device_type": "Dome", "device_number": 1, "device_driver": "MyDomeDriver", "name": "Roof",
      "driver_config": {
        "port": "a"
      }
    },
    {"device_type": "safetymonitor", "device_number": 0, "device_driver": "tests.test_setup_page:Station",
     "driver_config": {"password": "hunter3"}}
  ]
}
"""
AUTHORIZATION = "Basic bWU6aHVudGVyMg=="


class Known(MemoryServer):
    """A server that is asked by somebody it knows."""

    def request(self, verb: str, path: str, body: bytes = b"", headers: Any = None) -> Any:
        return super().request(verb, path, body, {"Authorization": AUTHORIZATION, **(headers or {})})


class SetupTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        folder = Path(self.mktemp())
        folder.mkdir()
        self.file = folder / "config.json"
        self.write(TEXT)
        self.roof = SerialDouble(lambda command: b"CLOSED" if command == b"STATUS" else b"OK")
        self.other = SerialDouble(lambda command: None)
        self.server = self.serve()

    def write(self, text: str) -> None:
        """Somebody writes the file."""
        self.file.write_bytes(text.encode())

    def serve(self) -> MemoryServer:
        """A server that reads the file."""
        return Known(file=self.file, serial={"a": self.roof, "b": self.other})

    def save(self, path: str, **changed: str | None) -> Any:
        """What answers when this is changed on a page and saved; a page that sends elsewhere is followed."""
        answer = sent(self.server, path, opened(self.server, path), **changed)
        return Page(self.server.request("GET", answer.headers["location"])) if answer.status == 303 else Page(answer)

    def settings(self, kind: str = "dome", number: int = 0) -> Any:
        """The settings of a device that is served now."""
        return self.server.driver(kind, number).settings


class ShownTests(SetupTestCase):
    def test_settings(self) -> None:
        """A device's page shows its settings, each with a label, a help and its limits."""
        page = opened(self.server, DOME)
        self.assertEqual(page.answer.status, 200)
        self.assertEqual(page.fields["settings.park_azimuth"], "90")
        words = "Where the dome parks, in degrees. At least 0, less than 360."
        self.assertEqual(page.texts["settings-park_azimuth-help"], words)

    def test_labels(self) -> None:
        """Each field has a label of its own, and what describes it is there."""
        for path in ("/setup", DOME, ROOF, SENSOR):
            page = opened(self.server, path)
            labels = [said["for"] for tag, said in page.tags if tag == "label"]
            ids = [said["id"] for _, said in page.tags if "id" in said]
            fields = [said for tag, said in page.tags if tag in ("input", "select", "textarea") and said.get("type") != "hidden"]
            self.assertEqual(sorted(labels), sorted(said["id"] for said in fields))
            self.assertEqual(len(ids), len(set(ids)))
            for said in fields:
                self.assertEqual(set(said.get("aria-describedby", "").split()) - set(ids), set())

    def test_no_secrets(self) -> None:
        """No password is on any page, whatever was saved or tried."""
        for path in ("/", "/setup", DOME, ROOF, SENSOR):
            self.assertNotIn("hunter", opened(self.server, path).answer.text)
        page = opened(self.server, SENSOR)
        self.assertEqual(page.fields["settings.password"], "")
        for do in ("save", "test"):
            self.assertNotIn("hunter", sent(self.server, SENSOR, page, do, above="-1").text)

    def test_ports(self) -> None:
        """A port is chosen from those that are here; the one that is set and not here is said to be not there."""
        self.assertEqual(
            opened(self.server, ROOF).choices["settings.port"], [("", "none"), ("a", "a · a double"), ("b", "b · a double")]
        )
        self.roof.unplug()
        choices = opened(self.server, ROOF).choices["settings.port"]
        self.assertEqual(choices, [("", "none"), ("a", "a (not there now)"), ("b", "b · a double")])

    def test_no_such_device(self) -> None:
        """A device that is not there has no page, and none that could be sent to."""
        for verb in ("GET", "POST"):
            self.assertEqual(self.server.request(verb, "/setup/v1/dome/7/setup").status, 403)


class SaveTests(SetupTestCase):
    def test_saved(self) -> None:
        """What is saved is in effect, in the file, and told; all else in the file is as it was."""
        page = self.save(DOME, park_azimuth="120.5")
        self.assertIn("Saved in", page.said("status"))
        self.assertEqual(self.settings().park_azimuth, 120.5)
        self.assertEqual(self.file.read_text(), TEXT.replace('"park_azimuth": 90', '"park_azimuth": 120.5'))

    def test_survives_a_restart(self) -> None:
        """A server that is started afterwards has it."""
        self.save(DOME, park_azimuth="120.5", shutter_seconds="9")
        self.server = self.serve()
        self.assertEqual((self.settings().park_azimuth, self.settings().shutter_seconds), (120.5, 9.0))

    def test_new_keys(self) -> None:
        """What was not in the file yet is added as the file is indented."""
        self.save(ROOF, baudrate="19200", device__autoconnect="on")
        added = '"port": "a",\n        "baudrate": 19200\n      },\n      "autoconnect": true\n    }'
        self.assertEqual(self.file.read_text(), TEXT.replace('"port": "a"\n      }\n    }', added))

    def test_name(self) -> None:
        """A device's name is its name at once, for clients, too."""
        self.save(DOME, device__name="Königstuhl")
        self.assertEqual(self.server.get("dome/0/name").value, "Königstuhl")
        self.assertIn('"name": "Königstuhl"', self.file.read_text())

    def test_windows(self) -> None:
        """A file as Windows' Notepad writes it stays one."""
        self.file.write_bytes(b"\xef\xbb\xbf" + TEXT.replace("\n", "\r\n").encode())
        self.server = self.serve()
        self.save(DOME, park_azimuth="120.5")
        wanted = TEXT.replace('"park_azimuth": 90', '"park_azimuth": 120.5').replace("\n", "\r\n")
        self.assertEqual(self.file.read_bytes(), b"\xef\xbb\xbf" + wanted.encode())

    def test_nothing_changed(self) -> None:
        """A form that nobody touched changes nothing, and disturbs nobody."""
        before, driver = self.file.stat(), self.server.driver("dome")
        self.assertEqual(self.save(DOME).said("status"), "Nothing was changed.")
        self.assertEqual((self.file.stat(), self.server.driver("dome")), (before, driver))

    def test_invalid(self) -> None:
        """A wrong value is refused beside its field, all at once, and the others keep what was typed."""
        page = self.save(DOME, park_azimuth="400", shutter_seconds="soon", home_azimuth="45")
        self.assertEqual(page.answer.status, 400)
        self.assertEqual(set(page.errors()), {"settings.park_azimuth", "settings.shutter_seconds"})
        self.assertIn("should be less than 360, not 400", page.errors()["settings.park_azimuth"])
        self.assertEqual(page.fields["settings.home_azimuth"], "45")
        self.assertEqual(page.fields["settings.shutter_seconds"], "soon")
        self.assertEqual((self.file.read_text(), self.settings().park_azimuth), (TEXT, 90.0))

    def test_invalid_is_heard(self) -> None:
        """A field that is wrong says so to a screen reader, and the summary leads to it."""
        page = self.save(DOME, park_azimuth="400")
        (field,) = [said for _, said in page.tags if said.get("name") == "settings.park_azimuth"]
        self.assertEqual(field["aria-invalid"], "true")
        self.assertIn("settings-park_azimuth-error", field["aria-describedby"])
        self.assertIn(("a", {"href": "#settings-park_azimuth"}), page.tags)
        self.assertIn(("div", {"class": "error", "role": "alert"}), page.tags)

    def test_secret(self) -> None:
        """A password stays unless another one is typed."""
        self.save(SENSOR, above="7")
        self.assertEqual(self.settings("safetymonitor").password.get_secret_value(), "hunter3")
        self.save(SENSOR, password="hunter4")
        self.assertEqual(self.settings("safetymonitor").password.get_secret_value(), "hunter4")
        self.assertIn('"password": "hunter4"', self.file.read_text())

    def test_secret_in_the_log(self) -> None:
        """A password that was typed is kept out of the log from then on, also if it was only tried."""
        discreet = self.server.site.observatory.discreet
        self.save(SENSOR, password="swordfish")
        self.assertNotIn("swordfish", discreet("it says swordfish"))
        sent(self.server, SENSOR, opened(self.server, SENSOR), "test", password="marlinspike")
        self.assertNotIn("marlinspike", discreet("it says marlinspike"))

    def test_other_port(self) -> None:
        """A port that is not offered can be typed."""
        self.save(ROOF, **{"settings__port:other": "tcp://192.0.2.1:4001"})
        self.assertEqual(self.settings("dome", 1).port, "tcp://192.0.2.1:4001")
        self.assertIn(
            ("tcp://192.0.2.1:4001", "tcp://192.0.2.1:4001 (a serial server)"), opened(self.server, ROOF).choices["settings.port"]
        )

    def test_cannot_be_opened(self) -> None:
        """Settings with which a device cannot be connected are saved; the page says why, and the old ones are not back."""
        self.server.put("dome/1/connected", Connected="true", ClientID=1)
        page = opened(self.server, ROOF)
        connection = self.server.begin("POST", ROOF, body(page, port="b"), {"Content-Type": FORM, "Authorization": AUTHORIZATION})
        for _ in range(20):
            self.server.clock.advance(0.5)
        answer = connection.answer("POST")
        assert answer is not None
        told = opened(self.server, answer.headers["location"])
        self.assertIn("Roof could not be connected", told.said("status"))
        self.assertEqual((self.settings("dome", 1).port, '"port": "b"' in self.file.read_text()), ("b", True))
        self.assertFalse(self.server.get("dome/1/connected").value)

    def test_hangs_up(self) -> None:
        """A browser that hangs up in the middle does not leave half of it done."""
        self.server.put("dome/1/connected", Connected="true", ClientID=1)
        sending = body(opened(self.server, ROOF), port="b")
        connection = self.server.begin("POST", ROOF, sending, {"Content-Type": FORM, "Authorization": AUTHORIZATION})
        connection.hang_up()
        self.server.clock.pump([0.5] * 20)
        self.assertEqual((self.settings("dome", 1).port, '"port": "b"' in self.file.read_text()), ("b", True))

    def test_again(self) -> None:
        """The message is told once, where the browser was sent to; the page by itself does not repeat it."""
        self.save(DOME, park_azimuth="120.5")
        self.assertEqual(opened(self.server, DOME).said("status"), "")

    def test_moving(self) -> None:
        """While the device moves nothing is saved, and the page says why and keeps what was typed."""
        self.server.put("dome/0/connected", Connected="true", ClientID=1)
        self.server.put("dome/0/slewtoazimuth", Azimuth=270)
        page = self.save(DOME, park_azimuth="120.5")
        self.assertEqual((page.answer.status, self.file.read_text(), page.fields["settings.park_azimuth"]), (409, TEXT, "120.5"))
        self.assertIn("Nothing was changed: Dome 0 is at work (Slewing): wait until it is done", page.said("alert"))


class FileTests(SetupTestCase):
    def test_edited_meanwhile(self) -> None:
        """A device that somebody edited in the file after the page was made is not written over; a second save does it."""
        page = opened(self.server, DOME)
        self.write(TEXT.replace('"park_azimuth": 90', '"park_azimuth": 91'))
        answer = sent(self.server, DOME, page, park_azimuth="120.5")
        self.assertEqual(answer.status, 409)
        self.assertIn("changed by somebody else", answer.text)
        self.assertIn('"park_azimuth": 91', self.file.read_text())
        again = Page(answer)
        self.assertEqual(again.fields["settings.park_azimuth"], "120.5")
        self.assertEqual(sent(self.server, DOME, again).status, 303)
        self.assertIn('"park_azimuth": 120.5', self.file.read_text())

    def test_edited_elsewhere(self) -> None:
        """What somebody edited elsewhere in the file stays."""
        page = opened(self.server, DOME)
        self.write(TEXT.replace('"name": "mine"', '"name": "ours"').replace('"port": "a"', '"port": "b"'))
        self.assertEqual(sent(self.server, DOME, page, park_azimuth="120.5").status, 303)
        self.assertIn('"name": "ours"', self.file.read_text())
        self.assertIn('"port": "b"', self.file.read_text())
        self.assertIn('"park_azimuth": 120.5', self.file.read_text())

    def test_file_says_otherwise(self) -> None:
        """A page shows what the file says, and that it is not in effect."""
        self.write(TEXT.replace('"park_azimuth": 90', '"park_azimuth": 91'))
        page = opened(self.server, DOME)
        self.assertEqual(page.fields["settings.park_azimuth"], "91")
        self.assertIn("was changed since these settings came into effect", page.answer.text)
        self.save(DOME)
        self.assertEqual(self.settings().park_azimuth, 91.0)

    def test_broken_file(self) -> None:
        """A file that cannot be understood any more is left alone, and nothing is put in effect that would be gone tomorrow."""
        page = opened(self.server, DOME)
        for text in ("{", "[]", '{"drivers": []}', '{"drivers": 5}'):
            self.write(text)
            answer = sent(self.server, DOME, page, park_azimuth="120.5")
            self.assertEqual((answer.status, self.file.read_text(), self.settings().park_azimuth), (409, text, 90.0))

    def test_cannot_be_written(self) -> None:
        """Where the file cannot be written, nothing is changed, and the page shows what to write, without passwords."""
        page = opened(self.server, SENSOR)
        with patch.object(os, "replace", side_effect=OSError(30, "Read-only file system")):
            answer = sent(self.server, SENSOR, page, above="7")
        self.assertEqual(answer.status, 409)
        self.assertIn("was not written, since it cannot be written: Read-only file system", answer.text)
        shown = answer.text[answer.text.index("<pre") :]
        shown = shown[shown.index(">") + 1 : shown.index("</pre>")].replace("&quot;", '"')
        self.assertEqual(json.loads(shown)["driver_config"], {"password": "********", "above": 7.0})
        self.assertEqual((self.file.read_text(), self.settings("safetymonitor").above), (TEXT, 5.0))

    def test_known_before(self) -> None:
        """That a file cannot be written is told before somebody types."""
        with patch.object(os, "access", return_value=False):
            self.assertIn("cannot be changed: this server may not write", opened(self.server, DOME).answer.text)

    def test_elsewhere_wrong(self) -> None:
        """What is wrong elsewhere in the file is told, since the server would not start again."""
        self.write(TEXT.replace('"name": "mine"', '"nmae": "mine"'))
        self.assertIn("server.nmae: is not known here", opened(self.server, DOME).answer.text)


class EmbeddedTests(SynchronousTestCase):
    def test_live(self) -> None:
        """Without a file settings are in effect until the server stops; the page says that, and what to write into one."""
        entry = {"device_type": "dome", "device_number": 0, "device_driver": "DomeSimulator"}
        server = MemoryServer({"drivers": [entry]})
        answer = sent(server, DOME, opened(server, DOME), park_azimuth="120.5")
        page = opened(server, answer.headers["location"])
        self.assertIn("In effect until the server stops.", page.said("status"))
        self.assertEqual(server.driver("dome").settings.park_azimuth, 120.5)
        shown = page.answer.text[page.answer.text.index("<pre") :]
        shown = shown[shown.index(">") + 1 : shown.index("</pre>")].replace("&quot;", '"')
        self.assertEqual(json.loads(shown), {"drivers": [{**entry, "driver_config": {"park_azimuth": 120.5}}]})
        self.assertEqual(MemoryServer(json.loads(shown)).driver("dome").settings.park_azimuth, 120.5)

    def test_server(self) -> None:
        """The server's own settings cannot be changed without a file, which is said."""
        self.assertIn("--config config.json", opened(MemoryServer(), "/setup").answer.text)


class ServerTests(SetupTestCase):
    def test_saved(self) -> None:
        """The server's settings are written, and come into effect at the next start, which is said."""
        page = self.save("/setup", server__location="garden", server__request_log="on")
        self.assertIn("when the server is started again", page.said("status"))
        wanted = TEXT.replace('"hunter2"}}', '"hunter2"}, "location": "garden", "request_log": true}')
        self.assertEqual(self.file.read_text(), wanted)
        self.server = self.serve()
        self.assertEqual(self.server.get("/management/v1/description").value["Location"], "garden")

    def test_invalid(self) -> None:
        """What is wrong stands beside its field."""
        page = self.save("/setup", server__discovery_port="99999", server__deadman='{"minutes": 1}')
        self.assertEqual(set(page.errors()), {"server.discovery_port", "server.deadman"})
        self.assertEqual(self.file.read_text(), TEXT)

    def test_deadman(self) -> None:
        """Steps of a deadman that cannot be taken are refused."""
        page = self.save("/setup", server__deadman='{"minutes": 20, "steps": ["park telescope/0"]}')
        self.assertIn("there is no device", page.said("alert"))
        self.assertEqual(self.file.read_text(), TEXT)

    def test_walls(self) -> None:
        """Who may use the server cannot be changed by those who use it."""
        self.save("/setup", server__allow_public="on", server__users="{}", server__cors_origins="http://evil.example")
        self.assertEqual(self.file.read_text(), TEXT)


class TokenTests(SetupTestCase):
    def test_without(self) -> None:
        """A form without the token, or with that of another start, does nothing and is told why."""
        page = opened(self.server, DOME)
        for token in (None, "", "x" * 64, opened(self.serve(), DOME).fields["token"]):
            page.fields["token"] = token  # type: ignore[assignment]
            answer = sent(self.server, DOME, page, park_azimuth="120.5")
            self.assertEqual(answer.status, 403)
            self.assertIn("reload the page", answer.text)
        self.assertEqual(self.file.read_text(), TEXT)

    def test_foreign_page(self) -> None:
        """A page of another site can send nothing, even if it knew the token."""
        sending = body(opened(self.server, DOME), park_azimuth="120.5")
        headers = {"Content-Type": FORM, "Origin": "http://evil.example"}
        self.assertEqual(self.server.request("POST", DOME, sending, headers).status, 403)
        self.assertEqual(self.file.read_text(), TEXT)

    def test_no_form(self) -> None:
        """What is no form of ours is refused with a sentence."""
        for content, kind, status, sentence in (
            (b"{}", "application/json", 400, "a form is sent as"),
            (b"\xff=\xff", FORM, 400, "the form is not UTF-8 text"),
            (b"a=1&" * 3000, FORM, 400, "the form has more than 2000 fields"),
            (b"", FORM, 403, "reload the page"),
        ):
            answer = self.server.request("POST", DOME, content, {"Content-Type": kind})
            self.assertEqual(answer.status, status)
            self.assertIn(sentence, answer.text)

    def test_test(self) -> None:
        """A test needs the token, too."""
        page = opened(self.server, ROOF)
        page.fields["token"] = "x"
        self.assertEqual(sent(self.server, ROOF, page, "test").status, 403)
        self.assertEqual(self.roof.commands, [])


class TestTests(SetupTestCase):
    def try_out(self, path: str, /, **changed: str | None) -> Page:
        """The page that tells what came of a test."""
        sending = body(opened(self.server, path), "test", **changed)
        connection = self.server.begin("POST", path, sending, {"Content-Type": FORM, "Authorization": AUTHORIZATION})
        for _ in range(80):
            if (answer := connection.answer("POST")) is not None:
                return Page(answer)
            self.server.clock.advance(0.5)
        raise AssertionError("no answer")

    def test_serial(self) -> None:
        """The port is opened with what is typed, the device asked, and its raw reply shown; nothing is saved or left open."""
        page = self.try_out(ROOF, baudrate="19200")
        self.assertIn("It works", page.said("status"))
        for text in ("53 54 41 54 55 53 0a", "STATUS·", "43 4c 4f 53 45 44 0a", "CLOSED·"):
            self.assertIn(text, page.answer.text)
        self.assertIn("<dt>shutter status</dt><dd>closed</dd>", page.answer.text.lower())
        self.assertEqual(page.fields["settings.baudrate"], "19200")
        self.assertEqual((self.file.read_text(), self.settings("dome", 1).baudrate), (TEXT, 9600))
        self.assertFalse(self.server.get("dome/1/connected").value)

    def test_silence(self) -> None:
        """A device that does not answer is told so, with what was sent to it."""
        page = self.try_out(ROOF, port="b")
        self.assertIn("It does not work", page.said("alert"))
        self.assertIn("STATUS·", page.answer.text)

    def test_no_port(self) -> None:
        """A port that is not there is told so."""
        self.assertIn("there is no port c", self.try_out(ROOF, **{"settings__port:other": "c"}).said("alert"))

    def test_invalid(self) -> None:
        """What is wrong is not tried."""
        page = self.try_out(ROOF, baudrate="0")
        self.assertEqual((set(page.errors()), self.roof.commands), ({"settings.baudrate"}, []))

    def test_connected(self) -> None:
        """A device that is connected is asked as it is, on its own line, and stays connected."""
        self.server.put("dome/1/connected", Connected="true", ClientID=7)
        page = self.try_out(ROOF, port="b")
        self.assertIn("Roof is connected by 192.0.2.7 (ClientID 7), so it was asked as it is", page.said("status"))
        self.assertIn("CLOSED·", page.answer.text)
        self.assertEqual((self.other.commands, self.server.get("dome/1/connected").value), ([], True))

    def test_port_of_another(self) -> None:
        """A port that another device uses is not tried: that one would be asked things that it takes for others."""
        self.write(
            TEXT.replace(
                '"device_number": 0, "device_driver": "DomeSimulator"', '"device_number": 2, "device_driver": "MyDomeDriver"'
            )
        )
        self.write(self.file.read_text().replace('{"park_azimuth": 90}', '{"port": "b"}'))
        self.server = self.serve()
        self.server.put("dome/1/connected", Connected="true", ClientID=7)
        before = list(self.roof.commands)
        page = self.try_out("/setup/v1/dome/2/setup", port="a")
        self.assertIn("Nothing was tried: port a is used by Roof", page.said("alert"))
        self.assertEqual(self.roof.commands, before)

    def test_shared_port(self) -> None:
        """A port that the device shares with another by its settings is tried on their line."""
        self.write(
            TEXT.replace(
                '"device_number": 0, "device_driver": "DomeSimulator"', '"device_number": 2, "device_driver": "MyDomeDriver"'
            )
        )
        self.write(self.file.read_text().replace('{"park_azimuth": 90}', '{"port": "a"}'))
        self.server = self.serve()
        self.server.put("dome/1/connected", Connected="true", ClientID=7)
        self.assertIn("It works", self.try_out("/setup/v1/dome/2/setup", retries="1").said("status"))
        self.assertIn("share port a, but not baudrate", self.try_out("/setup/v1/dome/2/setup", baudrate="19200").said("alert"))
        self.assertTrue(self.server.get("dome/1/connected").value)

    def test_moving(self) -> None:
        """A device that moves is not disturbed."""
        self.server.put("dome/0/connected", Connected="true", ClientID=7)
        self.server.put("dome/0/slewtoazimuth", Azimuth=270)
        page = self.try_out(DOME)
        self.assertIn("is at work (Slewing), and must not be disturbed", page.said("alert"))

    def test_fails_otherwise(self) -> None:
        """A driver that fails in a way of its own is disconnected again, and what it failed with is told."""
        disconnected = []

        def fails(_: Station) -> None:
            raise KeyError("rain")

        self.patch(Station, "DeviceState", fails)
        self.patch(Station, "disconnect", lambda _: disconnected.append(True))
        page = self.try_out(SENSOR)
        self.flushLoggedErrors(KeyError)
        self.assertEqual((page.answer.status, "KeyError" in page.answer.text, disconnected), (200, True, [True]))

    def test_not_serial(self) -> None:
        """What has no line is connected and asked, and the outcome told in words."""
        page = self.try_out(DOME)
        self.assertIn("It works: it was connected, asked, and disconnected again.", page.said("status"))
        self.assertNotIn("What was said on the line", page.answer.text)

    def test_only_one(self) -> None:
        """Two tests at once do not get in each other's way."""
        sending = body(opened(self.server, ROOF), "test", port="b")
        self.server.begin("POST", ROOF, sending, {"Content-Type": FORM, "Authorization": AUTHORIZATION})
        self.assertIn("Another test is going on", self.try_out(DOME).said("alert"))
