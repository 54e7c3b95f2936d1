"""Devices that stop answering: who is told so, what still gets through, and that all is as before when they answer again."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from pylpaca.health import Health
from pylpaca.testing import Answer, Connection, MemoryServer
from pylpaca.values import PierSide
from tests.misbehaving import entry


class SilentTestCase(SynchronousTestCase):
    kind = "telescope"

    def setUp(self) -> None:
        self.server = MemoryServer({"drivers": [entry(self.kind)]})
        self.server.put(f"{self.kind}/0/connected", Connected=True)
        self.clock = self.server.clock
        self.driver: Any = self.server.driver(self.kind)
        self.waiting: list[Deferred[Any]] = []

    def silence(self, *methods: str) -> None:
        """From now on these members give Deferreds that the test fires."""

        def silent(*_: Any, **__: Any) -> Deferred[Any]:
            self.waiting.append(Deferred())
            return self.waiting[-1]

        for method in methods:
            self.patch(self.driver, method, silent)

    def begin(self, member: str, verb: str = "GET", body: str = "") -> Connection:
        return self.server.begin(verb, f"{self.kind}/0/{member}", body.encode())

    def order(self, member: str, body: str = "") -> Connection:
        return self.begin(member, "PUT", body)

    def get(self, member: str, **parameters: Any) -> Answer:
        return self.server.get(f"{self.kind}/0/{member}", **parameters)

    def unanswered(self, member: str = "declination") -> None:
        """Ask, in vain."""
        connection = self.begin(member)
        self.clock.advance(4)
        connection.hang_up()


class QuestionTests(SilentTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.silence("Declination", "RightAscension")

    def test_told_at_once(self) -> None:
        """Who asks what was not answered is told so at once, and since when; the driver is not asked."""
        self.unanswered()
        answer = self.get("declination")
        self.assertEqual((answer.error, len(self.waiting)), (0x500, 1))
        self.assertEqual(
            answer.json["ErrorMessage"],
            "Telescope 0 is not answering: Declination has not been answered for 4 s; it is asked again every 10 s",
        )

    def test_other_questions(self) -> None:
        """What it may answer it is asked."""
        self.unanswered()
        self.assertEqual(self.get("altitude").value, 40.0)
        self.assertIsNone(self.begin("rightascension").answer())

    def test_other_things(self) -> None:
        """One of several things of a device that hangs says nothing about the others."""
        self.unanswered()
        self.driver.CanMoveAxis = lambda Axis: Deferred() if Axis == 0 else True
        self.unanswered("canmoveaxis?Axis=0")
        self.assertIs(self.get("canmoveaxis", Axis=1).value, True)
        self.assertEqual(self.get("canmoveaxis", Axis=0).error, 0x500)

    def test_asked_again(self) -> None:
        """After ten seconds one of those who ask waits for an answer again, and only one."""
        self.unanswered()
        self.clock.advance(6)
        self.assertIsNone(self.begin("declination").answer())
        self.assertEqual((self.get("declination").error, len(self.waiting)), (0x500, 2))

    def test_one_at_a_time(self) -> None:
        """However many of its questions are not answered, the device is asked one of them in ten seconds."""
        self.unanswered()
        self.unanswered("rightascension")
        self.clock.advance(2)
        self.assertIsNone(self.begin("rightascension").answer())
        self.assertEqual(self.get("declination").error, 0x500)

    def test_answers_again(self) -> None:
        """An answer shows that it answers again: every question is asked as before."""
        self.unanswered()
        self.unanswered("rightascension")
        self.waiting[0].callback(1.0)  # late
        self.assertIsNone(self.begin("rightascension").answer())
        self.assertIsNone(self.begin("declination").answer())

    def test_answers_at_once(self) -> None:
        """So does an answer that needs no waiting."""
        self.unanswered()
        self.clock.advance(6)
        for answer in (1.0, succeed(1.0)):
            self.patch(self.driver, "Declination", lambda given=answer: given)
            self.assertEqual(self.get("declination").value, 1.0)

    def test_failure(self) -> None:
        """And one that is a failure."""
        self.unanswered()
        self.waiting[0].errback(ZeroDivisionError())
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertIsNone(self.begin("declination").answer())

    def test_logged_once_each_way(self) -> None:
        """The log says once that the device stopped answering, and once that it answers again, not each time somebody asks."""
        with capturedLogs() as logs:
            self.unanswered()
            for _ in range(100):
                self.get("declination")
            self.unanswered("rightascension")
            self.clock.advance(2)
            self.waiting[0].callback(1.0)
        said = [each["log_format"] for each in logs if each["log_namespace"] == "pylpaca.health"]
        self.assertEqual(said, ["{name} is not answering: {member}", "{name} answers again, after {seconds:.0f} s"])

    def test_new_link(self) -> None:
        """Of a new link nothing is known: it is asked."""
        self.unanswered()
        self.server.put("telescope/0/connected", Connected=False)
        self.server.put("telescope/0/connected", Connected=True)
        self.assertIsNone(self.begin("declination").answer())

    def test_answer_of_the_last_link(self) -> None:
        """What comes of the last link says nothing about this one."""
        self.unanswered()
        self.server.put("telescope/0/connected", Connected=False)
        self.server.put("telescope/0/connected", Connected=True)
        self.unanswered()
        self.waiting[0].callback(1.0)
        self.assertEqual(self.get("declination").error, 0x500)

    def test_deaf_to_everything(self) -> None:
        """A device that answered none of many questions is taken not to answer the next one either."""
        self.silence("DestinationSideOfPier")
        for declination in range(Health.MOST_SILENT):
            self.begin(f"destinationsideofpier?RightAscension=1&Declination={declination}")
        self.clock.advance(4)
        answer = self.get("destinationsideofpier", RightAscension=2, Declination=0)
        self.assertEqual((answer.error, len(self.waiting)), (0x500, Health.MOST_SILENT))

    def test_nothing_is_kept(self) -> None:
        """A question that nobody waits for any more is not waited for when the server stops, and takes no memory."""
        self.unanswered()
        self.assertEqual(len(self.server.site.pending), 0)


class BoundTests(SilentTestCase):
    def fill(self) -> list[Connection]:
        """As many calls as may wait, each for something else."""
        self.silence("DestinationSideOfPier")
        asked = "destinationsideofpier?RightAscension=1&Declination="
        return [self.begin(f"{asked}{declination}") for declination in range(Health.MOST_WAITING)]

    def test_bounded(self) -> None:
        """One more than may wait is told at once that the device is busy."""
        self.fill()
        answer = self.get("altitude")
        self.assertEqual(
            (answer.error, answer.json["ErrorMessage"]),
            (0x500, "Telescope 0 is busy: 32 calls wait for it; ask again when they are answered"),
        )

    def test_the_same(self) -> None:
        """However many ask the same, it is one call of the driver, and counts as one."""
        self.silence("Declination")
        for _ in range(2 * Health.MOST_WAITING):
            self.begin("declination")
        self.assertEqual((len(self.waiting), self.get("altitude").error), (1, 0))

    def test_the_same_when_busy(self) -> None:
        """What the driver is asked already, one more may wait for."""
        self.fill()
        self.assertIsNone(self.begin("destinationsideofpier?RightAscension=1&Declination=0").answer())

    def test_stops(self) -> None:
        """What stops the device is never refused for that, however it is asked to stop."""
        self.fill()
        stops: tuple[tuple[str, dict[str, Any]], ...] = (
            ("abortslew", {}),
            ("moveaxis", {"Axis": 0, "Rate": 0}),
            ("tracking", {"Tracking": False}),
        )
        for member, form in stops:
            self.assertEqual(self.server.put(f"telescope/0/{member}", **form).error, 0)
        self.assertEqual([each[0] for each in self.driver.done], ["AbortSlew", "MoveAxis", "SetTracking"])

    def test_motion(self) -> None:
        """What sets it in motion is, by the same members."""
        self.fill()
        self.assertEqual(self.server.put("telescope/0/moveaxis", Axis=0, Rate=0.75).error, 0x500)
        self.assertEqual(self.server.put("telescope/0/tracking", Tracking=True).error, 0x500)
        self.assertEqual(self.driver.done, [])

    def test_description(self) -> None:
        """Nor is what describes the device, and whether it is connected."""
        self.fill()
        for member in ("name", "description", "connected", "interfaceversion", "supportedactions"):
            self.assertEqual(self.get(member).error, 0, member)

    def test_disconnecting(self) -> None:
        """It can be disconnected and connected again, after which there is room."""
        self.fill()
        for wanted in (False, True):
            self.assertEqual(self.server.put("telescope/0/connected", Connected=wanted).error, 0)
        self.assertEqual(self.get("altitude").error, 0)

    def test_room_again(self) -> None:
        """An answer, and a client that was told that there is none, make room."""
        self.fill()
        self.waiting[0].callback(PierSide.East)
        self.assertEqual(self.get("altitude").error, 0)
        self.clock.advance(4)
        self.assertEqual(self.get("altitude").error, 0)

    def test_clients_that_left(self) -> None:
        """A client that hangs up leaves its call to the driver, and its place is taken until that answers or time is over."""
        for connection in self.fill():
            connection.hang_up()
        self.assertEqual(self.get("altitude").error, 0x500)

    def test_refused_calls_take_no_room(self) -> None:
        """What is refused, or answered at once, leaves nothing behind."""
        for _ in range(2 * Health.MOST_WAITING):
            self.server.put("telescope/0/slewtocoordinatesasync", RightAscension=99, Declination=0)
            self.get("altitude")
        self.assertEqual(self.get("altitude").error, 0)


class OrderTests(SilentTestCase):
    """Orders that are not answered: the driver may still carry them out, and is not handed ever more of them."""

    def setUp(self) -> None:
        super().setUp()
        self.silence("FindHome")
        for _ in range(Health.MOST_OVERDUE):
            self.order("findhome")
        self.clock.advance(4)

    def test_refused(self) -> None:
        """As many as may be open: the next is refused at once."""
        answer = self.server.put("telescope/0/findhome")
        self.assertEqual((answer.error, len(self.waiting)), (0x500, Health.MOST_OVERDUE))
        self.assertEqual(
            answer.json["ErrorMessage"],
            "Telescope 0 is not answering: 32 orders have not been answered, the first one for 4 s; it is asked again every 10 s",
        )

    def test_questions(self) -> None:
        """Questions that it answers it is still asked."""
        self.assertEqual(self.get("altitude").value, 40.0)

    def test_stops(self) -> None:
        """And it is told to stop."""
        self.assertEqual(self.server.put("telescope/0/abortslew").error, 0)

    def test_asked_again(self) -> None:
        """After ten seconds one order is tried; when it is answered, others are taken as before."""
        self.clock.advance(6)
        self.patch(self.driver, "FindHome", lambda: None)
        self.assertEqual(self.server.put("telescope/0/findhome").error, 0)
        self.assertEqual(self.server.put("telescope/0/findhome").error, 0)

    def test_tried_in_vain(self) -> None:
        """One that is not answered either has the next wait for ten seconds again."""
        self.clock.advance(6)
        self.order("findhome")
        self.clock.advance(4)
        self.assertEqual(self.server.put("telescope/0/findhome").error, 0x500)
        self.assertEqual(len(self.waiting), Health.MOST_OVERDUE + 1)

    def test_deaf(self) -> None:
        """A device that does not answer questions either is not handed another order before it does."""
        self.silence("Declination")
        self.unanswered()
        self.clock.advance(60)
        self.assertEqual(self.server.put("telescope/0/findhome").error, 0x500)
        self.assertEqual(len(self.waiting), Health.MOST_OVERDUE + 1)
        self.waiting[-1].callback(1.0)
        self.assertIsNone(self.order("findhome").answer("PUT"))


class SwitchTests(SilentTestCase):
    kind = "switch"

    def test_one_hangs(self) -> None:
        """A relay that hangs does not take the others with it."""
        self.driver.GetSwitchValue = lambda Id: Deferred() if Id == 0 else 20.0
        self.unanswered("getswitchvalue?Id=0")
        self.assertEqual(self.get("getswitchvalue", Id=1).value, 20.0)
        self.assertEqual(self.get("getswitchvalue", Id=0).error, 0x500)
