"""Who is told of calls, and what is counted of them."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from pylpaca.dispatch import Answered, Request
from pylpaca.errors import AlpacaError
from pylpaca.interfaces import DEVICE_TYPES, operations
from pylpaca.protocol import Ids
from pylpaca.testing import MemoryServer
from pylpaca.watching.counts import BOUNDS, CallClass, Counts, error_name
from pylpaca.watching.lateness import Lateness
from pylpaca.watching.telling import Telling

DOME = {"drivers": [{"device_type": "dome", "device_number": 7, "device_driver": "DomeSimulator"}]}


def answered(member: str = "azimuth", verb: str = "GET", seconds: float = 0.002, error: int = 0, number: str = "0") -> Answered:
    """A call that was answered."""
    return Answered(Request(verb, "dome", number, member, peer="192.0.2.7"), Ids(5, 6), 7, error, seconds)


class TellingTests(SynchronousTestCase):
    def test_everybody(self) -> None:
        """Whoever listens is told of every call, in the order in which they came."""
        heard: list[tuple[str, Answered]] = []
        telling = Telling(lambda each: heard.append(("a", each)))
        telling.add(lambda each: heard.append(("b", each)))
        call = answered()
        telling(call)
        self.assertEqual(heard, [("a", call), ("b", call)])

    def test_nobody_any_more(self) -> None:
        """Who does not want to be told is told no more."""
        heard: list[Answered] = []
        telling = Telling()
        telling.add(heard.append)
        telling.remove(heard.append)
        telling(answered())
        self.assertEqual(heard, [])

    def test_one_leaves_while_it_is_told(self) -> None:
        """One that leaves when it is told keeps no other from being told."""
        heard: list[Answered] = []
        telling = Telling()

        def once(_: Answered) -> None:
            telling.remove(once)

        telling.add(once)
        telling.add(heard.append)
        telling(answered())
        self.assertEqual(len(heard), 1)

    def test_a_server_tells(self) -> None:
        """A server tells of each call: what was asked, by whom, how it ended and how long it took."""
        server = MemoryServer(DOME)
        heard: list[Answered] = []
        server.site.observatory.records.telling.add(heard.append)
        server.put("dome/7/connected", Connected=True, ClientID=5, ClientTransactionID=9)
        server.get("dome/7/azimuth")
        server.put("dome/7/slewtoazimuth", Azimuth=400)
        self.assertEqual([(each.request.verb, each.request.member, each.error) for each in heard], TOLD)
        self.assertEqual((heard[0].ids, heard[0].request.peer), (Ids(5, 9), "192.0.2.7"))

    def test_however_it_comes(self) -> None:
        """Every call on one connection is told, by whichever road its request comes, with its own parameters and its own ids."""
        server = MemoryServer(DOME)
        heard: list[Answered] = []
        server.site.observatory.records.telling.add(heard.append)
        connection = server.connection()
        for number in range(1, 6):
            path = f"/api/v1/dome/7/connected?ClientID={number}&ClientTransactionID={10 * number}"
            connection.send(f"GET {path} HTTP/1.1\r\nHost: memory\r\n\r\n".encode())
        self.assertEqual([each.ids for each in heard], [Ids(number, 10 * number) for number in range(1, 6)])


TOLD = [("PUT", "connected", 0), ("GET", "azimuth", 0), ("PUT", "slewtoazimuth", 0x401)]


class CountsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.counts = Counts()

    def only(self) -> object:
        (tally,) = self.counts.tallies()
        return tally.device, tally.call, tally.count, tally.seconds, dict(tally.errors)

    def test_counted(self) -> None:
        """Calls, their time and their errors are counted by device and class of call."""
        for error in (0, 0, 0x401):
            self.counts(answered(error=error, seconds=0.25))
        self.assertEqual(self.only(), ("dome/0", CallClass.READ, 3, 0.75, {0x401: 1}))

    def test_classes(self) -> None:
        """What reads, what stops and what else is a PUT are counted apart."""
        for verb, member in (("GET", "slewing"), ("PUT", "abortslew"), ("PUT", "park")):
            self.counts(answered(member, verb))
        self.assertEqual({each.call for each in self.counts.tallies()}, set(CallClass))

    def test_every_operation_has_a_class(self) -> None:
        """The class of every operation follows from its declaration."""
        for interface in DEVICE_TYPES.values():
            for operation in operations(interface).values():
                expected = "read" if operation.verb == "GET" else "stop" if operation.stops else "write"
                self.assertEqual(CallClass.of(operation).value, expected)

    def test_bounds(self) -> None:
        """A call that took exactly as long as a bound is within it; one longer than all of them is counted, too."""
        for seconds in (0.0, BOUNDS[0], BOUNDS[1], BOUNDS[-1], 1e6):
            self.counts(answered(seconds=seconds))
        (tally,) = self.counts.tallies()
        self.assertEqual(tally.within, [2, 1, *[0] * (len(BOUNDS) - 3), 1, 1])

    def test_ways_to_write_a_number(self) -> None:
        """However a client writes the number of a device, it is the same device."""
        for number in ("0", "00", "000"):
            self.counts(answered(number=number))
        self.assertEqual(self.only(), ("dome/0", CallClass.READ, 3, 0.006, {}))

    def test_slowest(self) -> None:
        """The members of which one call took longest, first; what one of them took, and on the average, is known."""
        for member, seconds in (("azimuth", 0.1), ("slewing", 2.0), ("slewing", 1.0), ("atpark", 0.5)):
            self.counts(answered(member, seconds=seconds))
        found = [(each.operation.member, each.count, each.seconds, each.longest) for each in self.counts.slowest(2)]
        self.assertEqual(found, [("Slewing", 2, 3.0, 2.0), ("AtPark", 1, 0.5, 0.5)])

    def test_names_of_errors(self) -> None:
        """Each error has the name it has for drivers; all numbers of drivers are one; what is nobody's is called so."""
        for kind in AlpacaError.__subclasses__():
            self.assertEqual(error_name(kind.number), kind.__name__)
        self.assertEqual([error_name(each) for each in (0x500, 0x777, 0xFFF)], ["DriverError"] * 3)
        self.assertEqual(error_name(0x4FF), "AlpacaError")


class LatenessTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.lateness = Lateness(self.clock)
        self.lateness.start()

    def test_in_time(self) -> None:
        """A reactor that turns is not late."""
        self.clock.pump([1.0] * 3)
        self.assertEqual((self.lateness.longest(), self.lateness.within[0]), (0.0, 3))

    def test_late(self) -> None:
        """When something keeps the reactor for two seconds, that is how late it is."""
        self.clock.advance(3.0)
        self.assertEqual((self.lateness.longest(), self.lateness.seconds), (2.0, 2.0))

    def test_forgotten(self) -> None:
        """After a minute it is not what is said of the last minute any more."""
        self.clock.advance(3.0)
        self.clock.pump([1.0] * self.lateness.KEPT)
        self.assertEqual((self.lateness.longest(), self.lateness.seconds), (0.0, 2.0))

    def test_stopped(self) -> None:
        """Afterwards nothing is left that would fire."""
        self.lateness.stop()
        self.assertEqual(self.clock.getDelayedCalls(), [])
