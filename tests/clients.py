"""Three clients of one device, as they come: a model of who holds its link, and a machine that compares the two step by step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from twisted.internet.defer import Deferred

from pylpaca.device import SafetyMonitor
from pylpaca.errors import DriverError
from pylpaca.link import Holder, Link
from pylpaca.protocol import FORM
from pylpaca.testing import PUMPS, Answer, MemoryServer

PEERS = ("192.0.2.1", "192.0.2.2", "192.0.2.3")
BAD_IDS = ("-1", "4294967296", "1.5", "x", "")


class MoodyMonitor(SafetyMonitor):
    """A safety monitor that connects at once, late, or not at all, as the test says."""

    mood = "at once"
    opening: Deferred[None] | None = None

    def connect(self) -> Deferred[None] | None:
        if self.mood == "never":
            raise DriverError("no answer on COM9")
        if self.mood == "late":
            self.opening = Deferred()
            return self.opening
        return None

    def IsSafe(self) -> bool:
        return True


class Table:
    """
    Who holds the link, as the documentation has it.

    | event                              | effect                                                       |
    | Connect, Connected=True by id n>0  | n is a holder; the link opens if closed                      |
    | the same by id 0                   | the link opens if closed; nobody is added                    |
    | Disconnect, Connected=False by n   | n is none any more; closes when no live holder is left       |
    | the same by id 0                   | closes only if there is no live holder                       |
    | n silent for ten minutes           | its vote lapses; any request of n renews it; nothing closes  |

    A link that does not open, or whose device is lost, has no holders. What is asked while it opens is done when that is over.
    """

    def __init__(self) -> None:
        self.now = 0.0
        self.is_open = False
        self.opening_until: float | None = None  # when it is given up
        self.is_lost = False  # while it is being opened
        self.wanted = False
        self.failed = False
        self.heard: dict[Holder, float] = {}

    @property
    def holders(self) -> set[Holder]:
        return {holder for holder, heard in self.heard.items() if self.now - heard <= Link.VOTE_LAPSES}

    def asked(self, holder: Holder | None) -> None:
        if holder in self.heard:
            self.heard[holder] = self.now

    def connect(self, holder: Holder | None, mood: str) -> None:
        if holder is not None:
            self.heard[holder] = self.now
        self.wanted, self.failed = True, False
        if not self.is_open and self.opening_until is None:
            self.is_lost = False
            if mood == "late":
                self.opening_until = self.now + Link.HOOK_DEADLINE
            else:
                self.ended(mood == "at once")

    def disconnect(self, holder: Holder | None) -> None:
        if holder is not None:
            self.heard.pop(holder, None)
        if not self.holders:
            self.wanted, self.failed = False, False
            if self.opening_until is None:
                self.close()

    def ended(self, well: bool) -> None:
        """The link opened, or did not."""
        self.opening_until = None
        if well and not self.is_lost:
            self.is_open = True
            if not self.wanted:
                self.close()
        else:
            self.failed = True
            self.close()

    def lost(self) -> None:
        if self.opening_until is not None:
            self.is_lost = True
        elif self.is_open:
            self.failed = True
            self.close()

    def close(self) -> None:
        self.is_open = self.wanted = False
        self.heard.clear()

    def passed(self, seconds: float) -> None:
        self.now += seconds
        if self.opening_until is not None and self.now >= self.opening_until:
            self.ended(False)


ids = st.sampled_from([0, 1, 2, 4294967295])
peers = st.sampled_from(PEERS)
how = st.sampled_from(["Connect", "Connected"])


class Clients(RuleBasedStateMachine):
    """Requests over HTTP in memory, from three addresses and with several ids each, against the table."""

    steps = 0  # of all runs

    def __init__(self) -> None:
        super().__init__()
        entry = {"device_type": "safetymonitor", "device_number": 0, "device_driver": f"{__name__}:MoodyMonitor"}
        self.server = MemoryServer({"drivers": [entry]})
        self.driver: Any = self.server.driver("safetymonitor")
        self.table = Table()

    def ask(self, peer: str, verb: str, member: str, **form: Any) -> Answer | None:
        """The answer, if it does not need time; then the client hangs up, in any case."""
        path, text = f"/api/v1/safetymonitor/0/{member}", urlencode(form)
        if verb == "GET":
            connection = self.server.begin(verb, f"{path}?{text}", peer=peer)
        else:
            connection = self.server.begin(verb, path, text.encode(), {"Content-Type": FORM}, peer)
        for _ in range(PUMPS):
            if connection.answer() is not None:
                break
            self.server.clock.advance(0)
        connection.hang_up()
        return connection.answer()

    def vote(self, peer: str, client: int, wanted: bool, how: str) -> None:
        """What is answered follows from the table, too."""
        holder = (peer, client) if client else None
        member = "connected" if how == "Connected" else ("connect" if wanted else "disconnect")
        form = {"Connected": wanted} if how == "Connected" else {}
        answer = self.ask(peer, "PUT", member, ClientID=client, **form)
        if wanted:
            self.table.connect(holder, self.driver.mood)
        else:
            self.table.disconnect(holder)
        if how == "Connected" and self.table.opening_until is not None:
            assert answer is None
        else:
            assert answer is not None
            failed = how == "Connected" and wanted and self.table.failed
            assert answer.error == (0x500 if failed else 0), answer

    @rule(peer=peers, client=ids, how=how)
    def connect(self, peer: str, client: int, how: str) -> None:
        self.vote(peer, client, True, how)

    @rule(peer=peers, client=ids, how=how)
    def disconnect(self, peer: str, client: int, how: str) -> None:
        self.vote(peer, client, False, how)

    @rule(peer=peers, client=ids)
    def ask_whether_connected(self, peer: str, client: int) -> None:
        answer = self.ask(peer, "GET", "connected", ClientID=client)
        self.table.asked((peer, client))
        assert answer is not None and answer.value is self.table.is_open

    @rule(peer=peers, client=ids)
    def ask_device(self, peer: str, client: int) -> None:
        answer = self.ask(peer, "GET", "issafe", ClientID=client)
        self.table.asked((peer, client))
        assert answer is not None and answer.error == (0 if self.table.is_open else 0x407)

    @rule(peer=peers, bad=st.sampled_from(BAD_IDS), wanted=st.booleans())
    def vote_with_bad_id(self, peer: str, bad: str, wanted: bool) -> None:
        answer = self.ask(peer, "PUT", "connected", Connected=wanted, ClientID=bad)
        assert answer is not None and answer.status == 400 and "ClientID" in answer.text

    @rule(seconds=st.sampled_from([1.0, 31.0, 301.0, 301.0, 301.0, 601.0]))
    def wait(self, seconds: float) -> None:
        self.server.clock.advance(seconds)
        self.table.passed(seconds)

    @rule(mood=st.sampled_from(["at once", "at once", "at once", "late", "never"]))
    def feel(self, mood: str) -> None:
        self.driver.mood = mood

    @rule(well=st.booleans())
    def answer_at_last(self, well: bool) -> None:
        if self.table.opening_until is not None:
            if well:
                self.driver.opening.callback(None)
            else:
                self.driver.opening.errback(DriverError("no answer on COM9"))
            self.table.ended(well)

    @rule(luck=st.integers(0, 3))
    def lose(self, luck: int) -> None:
        if not luck:
            self.driver.link.lost(DriverError("the cable is out"))
            self.table.lost()

    @invariant()
    def agrees(self) -> None:
        """Looked at after each step."""
        Clients.steps += 1
        link = self.driver.link
        found = (link.is_open, link.is_busy, link.failure is not None, set(link.holders))
        table = self.table
        assert found == (table.is_open, table.opening_until is not None, table.failed, table.holders)

    def teardown(self) -> None:
        assert self.server.site.census.count == 0


def agree(steps: int, told: Callable[[int], object] = lambda _: None) -> int:
    """Compare the two for at least so many steps, of many beginnings; how many there were."""
    Clients.steps = 0
    runs = settings(
        max_examples=10, stateful_step_count=50, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    while Clients.steps < steps:
        run_state_machine_as_test(Clients, settings=runs)
        told(Clients.steps)
    return Clients.steps
