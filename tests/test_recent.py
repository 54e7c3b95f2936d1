"""What is kept of the log, whose it is, and what does not stand in it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from threading import Thread
from typing import Any

from twisted.internet.task import Clock
from twisted.logger import Logger, LogLevel, globalLogPublisher
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from pylpaca.config import read
from pylpaca.discreet import HIDDEN, Discretion, is_secret_name, of_configuration, told, told_configuration
from pylpaca.testing import MIDNIGHT, MemoryServer
from pylpaca.watching.recent import LEVELS, LONGEST, LONGEST_DETAIL, Filter, Line, Recent

TWO_DOMES = {
    "drivers": [
        {"device_type": "dome", "device_number": number, "device_driver": "DomeSimulator", "name": name}
        for number, name in enumerate(("Big roof", "Small roof"))
    ]
}


class KeptTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.recent = Recent(self.clock, lambda: MIDNIGHT)
        self.log = Logger(namespace="tests", observer=self.recent)

    def texts(self) -> list[str]:
        return [each.text for each in self.recent.lines()]

    def test_line(self) -> None:
        """A line has its time, its level and its text."""
        self.log.warn("{what} is wet", what="the roof")
        self.assertEqual(self.recent.lines(), [Line(MIDNIGHT, "warn", "", "", "the roof is wet", number=self.recent.last)])

    def test_numbers(self) -> None:
        """Each line has a number of its own; those of a server that is started later are greater."""
        for _ in range(3):
            self.log.info("x")
        later = Recent(self.clock, lambda: MIDNIGHT + timedelta(seconds=1))
        later({"log_format": "y", "log_level": LogLevel.info})
        numbers = [each.number for each in [*self.recent.lines(), *later.lines()]]
        self.assertEqual((numbers, len(set(numbers))), (sorted(numbers), 4))

    def test_levels(self) -> None:
        """The levels are those that Twisted's log has."""
        self.assertEqual(list(LEVELS), [each.name for each in LogLevel.iterconstants()])

    def test_bounded(self) -> None:
        """Only so many lines are kept, the newest ones."""
        for number in range(self.recent.MOST + 5):
            self.log.info("{number}", number=number)
        self.assertEqual((len(self.texts()), self.texts()[0], self.texts()[-1]), (1000, "5", "1004"))

    def test_long(self) -> None:
        """A line is cut, and is one line."""
        self.log.info("a\nb " + "x" * 10_000)
        self.assertEqual((self.texts()[0][:4], len(self.texts()[0])), ("a b ", LONGEST))

    def test_failure(self) -> None:
        """A failure is one line that says what happened; its traceback is folded away, and bounded."""
        try:
            raise ValueError("too wet" + "!" * 20_000)
        except ValueError:
            self.log.failure("roof", Failure())
        (line,) = self.recent.lines()
        self.assertEqual(
            (line.level, line.text[:25], len(line.detail)), ("critical", "roof: ValueError: too wet", LONGEST_DETAIL)
        )

    def test_unreadable(self) -> None:
        """A line that cannot be read, and an error that cannot be told, are lines all the same."""

        class Odd(Exception):
            def __str__(self) -> str:
                raise ValueError

        self.log.info("{nothing.like.that}")
        self.log.failure("odd", Failure(Odd()))
        self.assertEqual((len(self.texts()), self.texts()[1]), (2, "odd: Odd: its text cannot be read"))

    def test_no_log_event(self) -> None:
        """Programs that log as Twisted did of old have their lines here, too."""
        self.recent({"log_format": "{log_text}", "log_text": "old", "log_level": LogLevel.info})
        self.recent({"log_format": "no level"})
        self.assertEqual([(each.level, each.text) for each in self.recent.lines()], [("info", "old"), ("info", "no level")])

    def test_watched(self) -> None:
        """Who watches is told each line as it comes, until that is ended."""
        seen: list[Line] = []
        end = self.recent.watch(seen.append)
        self.log.info("one")
        end()
        self.log.info("two")
        self.assertEqual([each.text for each in seen], ["one"])

    def test_in_another_thread(self) -> None:
        """What a thread logs is a line as soon as the reactor has its turn; those who watch are told there."""
        later: list[tuple[Callable[..., None], tuple[Any, ...]]] = []
        clock: Any = self.clock
        clock.callFromThread = lambda call, *arguments: later.append((call, arguments))
        seen: list[str] = []
        self.recent.watch(lambda line: seen.append(line.text))
        thread = Thread(target=self.log.info, args=("from afar",))
        thread.start()
        thread.join()
        before = list(seen)
        for call, arguments in later:
            call(*arguments)
        self.assertEqual((before, seen, self.texts()), ([], ["from afar"], ["from afar"]))

    def test_without_a_reactor(self) -> None:
        """Where there is no reactor that could be asked to take it, what a thread logs is a line at once."""
        thread = Thread(target=self.log.info, args=("from afar",))
        thread.start()
        thread.join()
        self.assertEqual(self.texts(), ["from afar"])

    def test_secret_at_the_edge(self) -> None:
        """Of a secret nothing is left, also where a line is cut or its blanks become one."""
        self.recent.know(MemoryServer(TWO_DOMES).roster, Discretion([{"password": "open  sesame"}]))
        self.log.info("x" * (LONGEST - 6) + "open  sesame")
        self.log.info("open  sesame")
        self.assertNotIn("open", "".join(self.texts()))

    def test_nothing_is_held(self) -> None:
        """What an event was about is not kept alive by its line."""

        class Thing:
            gone: Callable[[], None]

            def __del__(self) -> None:
                self.gone()

        gone: list[bool] = []
        thing = Thing()
        thing.gone = lambda: gone.append(True)
        self.log.info("about {thing}", thing=thing)
        del thing
        self.assertEqual(gone, [True])


class WhoseTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.server = MemoryServer({**TWO_DOMES, "server": {"request_log": True}})
        self.recent = self.server.recent
        globalLogPublisher.addObserver(self.recent)
        self.addCleanup(globalLogPublisher.removeObserver, self.recent)

    def devices(self) -> dict[str, str]:
        """Which device a line is about, by what it says."""
        return {each.text: each.device for each in self.recent.lines()}

    def test_links(self) -> None:
        """What a link logs is about its device."""
        self.server.put("dome/1/connected", Connected=True)
        self.assertEqual(self.devices()["Small roof is connected"], "dome/1")

    def test_drivers(self) -> None:
        """What a driver logs is about its device."""
        self.server.driver("dome", 1).log.info("it rains in")
        self.assertEqual(self.devices()["it rains in"], "dome/1")

    def test_names(self) -> None:
        """What is logged with a device, or the name of one, is about it; a name that is nobody's is about none."""
        log = Logger()
        log.info("a", device="dome/1")
        log.info("b", device="Small roof")
        log.info("c", name="Big roof")
        log.info("d", name="somebody")
        self.assertEqual(self.devices(), {"a": "dome/1", "b": "dome/1", "c": "dome/0", "d": ""})

    def test_two_of_one_name(self) -> None:
        """Where two devices have one name, what is logged with that name is not taken for one of them."""
        server = MemoryServer({"drivers": [{**each, "name": "Roof"} for each in TWO_DOMES["drivers"]]})
        log = Logger(observer=server.recent)
        log.info("e", name="Roof")
        self.assertEqual([each.device for each in server.recent.lines()], [""])

    def test_requests(self) -> None:
        """A line of the request log has its device and its client."""
        self.server.put("dome/1/connected", Connected=True, ClientID=77)
        (line,) = [each for each in self.recent.lines() if "ClientTransactionID" in each.text]
        self.assertEqual((line.device, line.client), ("dome/1", "192.0.2.7 77"))


class RefusedTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.server = MemoryServer(TWO_DOMES)

    def refusals(self) -> list[str]:
        return [each.text for each in self.server.recent.lines(Filter(client="192.0.2.7"))]

    def test_refused(self) -> None:
        """A call that is refused is a line, with what was asked, who asked it and what he was told."""
        self.server.put("dome/0/openshutter", ClientID=77)
        why = "Big roof is not connected; connect it first (NotConnected, 0x407)"
        self.assertEqual(self.refusals(), [f"PUT OpenShutter was refused to 192.0.2.7 (ClientID 77): {why}"])

    def test_not_each_time(self) -> None:
        """A client that asks the same again and again fills no log; after a minute it is told again."""
        for _ in range(50):
            self.server.get("dome/0/azimuth", ClientID=77)
        first = len(self.refusals())
        self.server.clock.advance(60)
        self.server.get("dome/0/azimuth", ClientID=77)
        self.assertEqual((first, len(self.refusals())), (1, 2))

    def test_made_up_ids(self) -> None:
        """A client that makes up another id for each of its calls does not fill the log either."""
        for number in range(500):
            self.server.get("dome/0/azimuth", ClientID=number)
        self.assertEqual(len(self.refusals()), self.server.recent.MOST_REFUSALS)

    def test_what_went_well(self) -> None:
        """A call that goes well is no line."""
        self.server.get("dome/0/name")
        self.assertEqual(self.refusals(), [])


class FilterTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.lines = [
            Line(MIDNIGHT, "debug", "", "", "a"),
            Line(MIDNIGHT, "info", "dome/0", "192.0.2.7 5", "b"),
            Line(MIDNIGHT, "warn", "dome/1", "192.0.2.70 5", "c"),
            Line(MIDNIGHT, "critical", "dome/0", "", "d"),
        ]

    def found(self, **wanted: Any) -> str:
        return "".join(each.text for each in self.lines if Filter(**wanted).has(each))

    def test_filters(self) -> None:
        """By level and graver ones, by device, by the client's address, its id, or both; and all of it together."""
        for wanted, expected in (
            ({}, "abcd"),
            ({"level": "warn"}, "cd"),
            ({"device": "dome/0"}, "bd"),
            ({"client": "192.0.2.7"}, "b"),
            ({"client": "5"}, "bc"),
            ({"client": "5 192.0.2.70"}, "c"),
            ({"client": "6"}, ""),
            ({"device": "dome/0", "level": "error"}, "d"),
        ):
            self.assertEqual(self.found(**wanted), expected, wanted)


SECRET = "Xyzzy-4711"
CONFIGURATION: dict[str, Any] = {
    "server": {"users": {"anna": f"{SECRET}-a", "otto": 'back\\slash "and" ünï'}},
    "drivers": [
        {
            "device_type": "safetymonitor",
            "device_number": 0,
            "device_driver": "tests.secretive:Secretive",
            "driver_config": {
                "password": f"{SECRET}-b",
                "apiKey": f"{SECRET}-c",
                "nested": {"auth_token": [f"{SECRET}-d"]},
                "url": f"http://me:{SECRET}-e@example.org/",
                "word": f"{SECRET}-f",
                "port": "/dev/ttyUSB0",
            },
        }
    ],
}
SECRETS = [*(f"{SECRET}-{each}" for each in "abcdef"), CONFIGURATION["server"]["users"]["otto"]]


class DiscreetTests(SynchronousTestCase):
    def test_names(self) -> None:
        """Settings that are likely to be secret are known by their names; others are not."""
        for name in (
            "password",
            "Passwd",
            "db_pass",
            "apiKey",
            "api_key",
            "API-KEY",
            "token",
            "auth_token",
            "secret",
            "key",
            "pincode",
            "dbpassword",
        ):
            self.assertTrue(is_secret_name(name), name)
        for name in (
            "port",
            "keep_trying",
            "name",
            "spinning",
            "compass",
            "pinion",
            "monkey",
            "keyboard",
            "key_pin",
            "zip_code",
            "author",
            "passes",
        ):
            self.assertFalse(is_secret_name(name), name)

    def test_text(self) -> None:
        """A text is told without the secrets in it, however they are written there."""
        discreet = of_configuration(read(CONFIGURATION))
        for secret in SECRETS[:5]:
            self.assertNotIn(SECRET, discreet(f"it said {secret!r} to me"))
        for written in (
            'back\\slash "and" ünï',
            'back\\\\slash \\"and\\" \\u00fcn\\u00ef',
            "back%5Cslash%20%22and%22%20%C3%BCn%C3%AF",
        ):
            self.assertEqual(discreet(written), HIDDEN)

    def test_address(self) -> None:
        """Name and password in an address are left out of every text, whoever wrote it."""
        self.assertEqual(Discretion()("GET http://me:abc@example.org/x"), f"GET http://{HIDDEN}@example.org/x")

    def test_plain(self) -> None:
        """Without secrets a text is as it was; short words are left, since to leave them out would tell them."""
        self.assertEqual(Discretion()("dome/0 is connected"), "dome/0 is connected")
        self.assertEqual(Discretion([{"password": "is"}])("dome/0 is connected"), "dome/0 is connected")

    def test_learnt(self) -> None:
        """What becomes a secret later is kept from then on, and so is what was one before."""
        discreet = Discretion([{"password": "first one"}])
        discreet.learn([{"password": "second one"}])
        self.assertEqual(discreet("first one, second one"), f"{HIDDEN}, {HIDDEN}")

    def test_told(self) -> None:
        """What a configuration is told as has everything but its secrets, and of users only how many there are."""
        found = told_configuration(read(CONFIGURATION))
        (driver,) = found["drivers"]
        hidden = {"password": HIDDEN, "apiKey": HIDDEN, "nested": {"auth_token": HIDDEN}}
        rest = {"url": f"http://{HIDDEN}@example.org/", "word": f"{SECRET}-f", "port": "/dev/ttyUSB0"}
        self.assertEqual((driver["driver_config"], found["server"]["users"]), ({**hidden, **rest}, "2 (not told)"))

    def test_settings(self) -> None:
        """What the author of a driver calls a secret is one, whatever its name."""
        server = MemoryServer(CONFIGURATION)
        settings = told(server.driver("safetymonitor").settings)
        self.assertEqual((settings["word"], settings["port"]), (HIDDEN, "/dev/ttyUSB0"))

    def test_what_is_no_secret(self) -> None:
        """A switch that is called as a secret is told; so is a secret that is not set."""
        self.assertEqual(told({"use_token": True, "password": None}), {"use_token": True, "password": None})
