"""The holder table, and links that fail."""

from __future__ import annotations

import sys
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from pylpaca.errors import DriverError, OperationCancelled
from pylpaca.link import Link
from tests.lines import Logged

A, B = ("192.0.2.1", 1), ("192.0.2.1", 2)


class LinkTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.calls: list[str] = []
        self.link = self.made()

    def made(self, **named: Any) -> Link:
        return Link(lambda: self.calls.append("connect"), lambda: self.calls.append("disconnect"), self.clock, "it", **named)


class LostTests(LinkTestCase):
    def test_lost(self) -> None:
        """A device that is gone is disconnected, and the reason stays until somebody votes."""
        self.link.vote(True, A)
        self.link.lost(DriverError("the cable is out"))
        self.assertEqual((self.link.is_open, self.link.holders, self.calls), (False, [], ["connect", "disconnect"]))
        self.assertEqual(str(self.link.failure), "the cable is out")
        self.failureResultOf(self.link.reached(), DriverError)
        self.link.vote(True, A)
        self.assertEqual((self.link.is_open, self.link.failure), (True, None))

    def test_permanent(self) -> None:
        """One that the server connects is tried again, and is patient again when it was connected in between."""
        link = self.made(permanent=True)
        for _ in range(2):
            link.vote(True)
            link.lost(DriverError("the cable is out"))
            self.assertEqual((link.is_open, str(link.failure)), (False, "the cable is out"))
            self.clock.advance(1.0)
            self.assertEqual((link.is_open, link.failure), (True, None))

    def test_reasons_in_the_log(self) -> None:
        """While one that the server connects is tried again, the log has a reason when it is another, and that it works."""
        logged = Logged("pylpaca.link")
        globalLogPublisher.addObserver(logged)
        self.addCleanup(globalLogPublisher.removeObserver, logged)
        reasons: list[Exception | None] = [DriverError("no port")] * 5
        reasons += [DriverError("it is in use")] * 3 + [ZeroDivisionError("oops")] * 3 + [None]

        def connect() -> None:
            if (reason := reasons.pop(0)) is not None:
                raise reason

        link = Link(connect, lambda: None, self.clock, "it", permanent=True)
        link.vote(True)
        self.clock.pump([1.0] * 300)
        self.assertEqual((link.is_open, len(self.flushLoggedErrors(ZeroDivisionError))), (True, 1))
        lines = [text for _, text in logged.lines]
        self.assertEqual(
            lines,
            [
                "it could not be connected: no port",
                "it could not be connected: it is in use",
                "it could not be connected",
                "it is connected",
            ],
        )
        reasons += [DriverError("no port"), DriverError("no port")]
        link.lost(DriverError("the cable is out"))
        self.clock.advance(1.0)
        link.vote(True, A)
        told = [text for _, text in logged.lines[4:]]
        self.assertEqual(told, ["it is lost: the cable is out", "it is disconnected", *lines[:1] * 2])  # somebody asked

    def test_nothing_to_lose(self) -> None:
        """A device that is not connected cannot be lost."""
        self.link.lost(DriverError("the cable is out"))
        self.assertEqual((self.calls, self.link.failure), ([], None))

    def test_while_it_is_being_connected(self) -> None:
        """One that is lost while it is being connected is not connected, even if its hook did not notice."""
        connecting: Deferred[None] = Deferred()
        link = Link(lambda: connecting, lambda: self.calls.append("disconnect"), self.clock, "it")
        link.vote(True, A)
        link.lost(DriverError("the cable is out"))
        connecting.callback(None)
        self.assertEqual((link.is_open, str(link.failure), self.calls), (False, "the cable is out", ["disconnect"]))

    def test_while_it_is_being_disconnected(self) -> None:
        """One that is lost while it is being disconnected is disconnected, and its next connection is not spoilt."""
        disconnecting: Deferred[None] = Deferred()
        link = Link(lambda: None, lambda: disconnecting, self.clock, "it")
        link.vote(True)
        link.vote(False)
        link.lost(DriverError("the cable is out"))
        disconnecting.callback(None)
        self.assertEqual((link.is_open, link.failure), (False, None))
        link.vote(True)
        self.assertTrue(link.is_open)

    def test_wanted_again_meanwhile(self) -> None:
        """Who wants it while it is being closed gets it opened anew."""
        disconnecting: Deferred[None] = Deferred()
        link = Link(lambda: self.calls.append("connect"), lambda: disconnecting, self.clock, "it")
        link.vote(True)
        link.lost(DriverError("the cable is out"))
        link.vote(True, A)
        disconnecting.callback(None)
        self.assertEqual((link.is_open, link.failure, link.holders, self.calls), (True, None, [A], ["connect"] * 2))


class HolderTableTests(LinkTestCase):
    def test_opens_once(self) -> None:
        """The first client opens the link, the second finds it open."""
        self.link.vote(True, A)
        self.link.vote(True, B)
        self.assertEqual((self.link.is_open, self.calls, self.link.holders), (True, ["connect"], [A, B]))

    def test_last_holder_closes(self) -> None:
        """The link closes with the last holder's vote."""
        self.link.vote(True, A)
        self.link.vote(True, B)
        self.link.vote(False, A)
        self.assertTrue(self.link.is_open)
        self.link.vote(False, B)
        self.assertEqual((self.link.is_open, self.calls), (False, ["connect", "disconnect"]))

    def test_nobody_opens_without_holding(self) -> None:
        """ClientID 0 opens and closes, but does not hold."""
        self.link.vote(True)
        self.assertEqual((self.link.is_open, self.link.holders), (True, []))
        self.link.vote(False)
        self.assertFalse(self.link.is_open)

    def test_nobody_does_not_close_a_held_link(self) -> None:
        """ClientID 0 does not take the link from a client that holds it."""
        self.link.vote(True, A)
        self.link.vote(False)
        self.assertTrue(self.link.is_open)

    def test_stranger_closes_what_nobody_holds(self) -> None:
        """A client that never connected closes a link that no one holds, not one that is held."""
        self.link.vote(True)
        self.link.vote(False, B)
        self.assertFalse(self.link.is_open)
        self.link.vote(True, A)
        self.link.vote(False, B)
        self.assertTrue(self.link.is_open)

    def test_same_id_elsewhere_is_another(self) -> None:
        """A holder is an address and an id."""
        self.link.vote(True, ("192.0.2.1", 1))
        self.link.vote(False, ("192.0.2.2", 1))
        self.assertTrue(self.link.is_open)

    def test_silence_lapses_the_vote_only(self) -> None:
        """After ten silent minutes a vote no longer counts, but the link stays open until somebody closes it."""
        self.link.vote(True, A)
        self.clock.advance(601)
        self.assertEqual((self.link.holders, self.link.is_open), ([], True))
        self.link.vote(False, B)
        self.assertFalse(self.link.is_open)

    def test_any_request_renews_the_vote(self) -> None:
        """A request brings a lapsed vote back; one of a client that holds nothing does not make it a holder."""
        self.link.vote(True, A)
        self.clock.advance(601)
        self.link.heard(A)
        self.link.heard(B)
        self.assertEqual(self.link.holders, [A])
        self.link.vote(False, B)
        self.assertTrue(self.link.is_open)

    def test_same_again_is_harmless(self) -> None:
        """Connecting twice and disconnecting twice are no-ops the second time."""
        for wanted in (True, True, False, False):
            self.link.vote(wanted, A)
        self.assertEqual(self.calls, ["connect", "disconnect"])

    def test_made_up_ids(self) -> None:
        """A client that makes up ids forgets its own, the one that was silent for longest first, and no other client's."""
        self.link.vote(True, A)
        for number in range(1, 2000):
            self.link.vote(True, ("192.0.2.9", number))
        theirs = [number for host, number in self.link.holders if host == "192.0.2.9"]
        self.assertEqual(theirs, list(range(2000 - Link.MOST_OF_ONE, 2000)))
        self.link.vote(True, ("192.0.2.9", theirs[0]))
        self.link.vote(True, ("192.0.2.9", 2000))
        self.assertIn(("192.0.2.9", theirs[0]), self.link.holders)
        self.assertNotIn(("192.0.2.9", theirs[1]), self.link.holders)
        self.assertIn(A, self.link.holders)

    def filled(self) -> list[tuple[str, int]]:
        """Every vote there is room for, none of them of A."""
        holders = [(f"198.51.100.{number // 8}", number) for number in range(1, Link.MOST_HOLDERS + 1)]
        for holder in holders:
            self.link.vote(True, holder)
        self.assertEqual(self.link.holders, holders)
        return holders

    def test_many_addresses(self) -> None:
        """There are only so many votes in all; who comes later opens the link, but does not hold it, and takes no one's vote."""
        holders = self.filled()
        self.link.vote(True, A)
        self.assertEqual((self.link.is_open, self.link.holders), (True, holders))
        self.link.vote(False, holders[0])
        self.link.vote(True, A)
        self.assertEqual(self.link.holders, [*holders[1:], A])

    def test_room_of_those_who_are_silent(self) -> None:
        """A vote that has lapsed gives way when there is no room, and those whose votes live do not."""
        holders = self.filled()
        self.clock.advance(601)
        for holder in holders[2:]:
            self.link.heard(holder)
        for holder in (A, B, ("192.0.2.3", 3)):
            self.link.vote(True, holder)
        self.assertEqual(self.link.holders, [*holders[2:], A, B])

    def test_renewed_when_there_is_no_room(self) -> None:
        """Whose vote is counted can always renew it."""
        holders = self.filled()
        for renew in (self.link.heard, lambda holder: self.link.vote(True, holder)):
            renew(holders[0])
            self.assertEqual(self.link.holders, [*holders[1:], holders[0]])
            holders = self.link.holders

    def test_permanent(self) -> None:
        """A permanent link is not closed by clients; the end of the server closes it."""
        link = self.made(permanent=True)
        link.vote(True)
        link.vote(True, A)
        link.vote(False, A)
        link.vote(False)
        self.assertTrue(link.is_open)
        self.successResultOf(link.shut())
        self.assertFalse(link.is_open)


class SlowLinkTests(LinkTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.opening: Deferred[None] = Deferred()
        self.closing: Deferred[None] = Deferred()
        self.link = Link(self.opened, self.closed, self.clock, "it")

    def opened(self) -> Deferred[None]:
        self.calls.append("connect")
        return self.opening

    def closed(self) -> Deferred[None]:
        self.calls.append("disconnect")
        return self.closing

    def test_busy_until_done(self) -> None:
        """Connecting is true from the vote until the hook has answered."""
        self.assertFalse(self.link.is_busy)
        self.link.vote(True, A)
        reached = self.link.reached()
        self.assertEqual((self.link.is_busy, self.link.is_open), (True, False))
        self.assertNoResult(reached)
        self.opening.callback(None)
        self.successResultOf(reached)
        self.assertEqual((self.link.is_busy, self.link.is_open), (False, True))

    def test_closed_to_calls_at_once(self) -> None:
        """While the link is being closed it is not open any more."""
        self.opening.callback(None)
        self.link.vote(True, A)
        self.link.vote(False, A)
        self.assertEqual((self.link.is_busy, self.link.is_open), (True, False))
        self.closing.callback(None)
        self.assertFalse(self.link.is_busy)

    def test_disconnect_while_connecting(self) -> None:
        """A disconnect during connect waits for its end, then closes; who waited for the open link is told."""
        waiting = Deferred.fromCoroutine(self.link.bring(True, A))
        self.link.vote(False, A)
        self.assertEqual(self.calls, ["connect"])
        self.opening.callback(None)
        self.closing.callback(None)
        self.assertEqual((self.calls, self.link.is_open), (["connect", "disconnect"], False))
        self.failureResultOf(waiting, OperationCancelled)

    def test_connect_while_disconnecting(self) -> None:
        """A connect during disconnect opens again when it is closed."""
        self.opening.callback(None)
        self.link.vote(True, A)
        self.link.vote(False, A)
        waiting = Deferred.fromCoroutine(self.link.bring(True, B))
        self.opening = Deferred()
        self.closing.callback(None)
        self.opening.callback(None)
        self.successResultOf(waiting)
        self.assertEqual((self.link.is_open, self.link.holders), (True, [B]))

    def test_hook_that_never_answers(self) -> None:
        """A connect that does not answer is ended after its deadline, cleaned up, and told."""
        self.link.vote(True, A)
        self.closing.callback(None)
        reached = self.link.reached()
        self.clock.advance(Link.HOOK_DEADLINE)
        self.assertIn("30 s", str(self.failureResultOf(reached, DriverError).value))
        self.assertEqual((self.calls, self.link.is_busy, self.link.is_open), (["connect", "disconnect"], False, False))

    def test_leaving_client_does_not_stop_it(self) -> None:
        """A client that no longer waits changes nothing."""
        self.link.vote(True, A)
        reached = self.link.reached()
        reached.addErrback(lambda _: None)
        reached.cancel()
        self.opening.callback(None)
        self.assertTrue(self.link.is_open)


class FailingLinkTests(LinkTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.reason: Exception | None = DriverError("no port COM9")
        self.link = self.made()

    def made(self, **named: Any) -> Link:
        def connect() -> None:
            self.calls.append("connect")
            if self.reason is not None:
                raise self.reason

        return Link(connect, lambda: self.calls.append("disconnect"), self.clock, "it", **named)

    def test_failure_is_kept_for_the_client(self) -> None:
        """A failed connect leaves nothing open, nobody holding, and its reason until the next vote."""
        self.link.vote(True, A)
        self.assertEqual((self.link.is_open, self.link.is_busy, self.link.holders), (False, False, []))
        self.assertEqual(str(self.link.failure), "no port COM9")
        self.assertEqual(self.calls, ["connect", "disconnect"])
        self.failureResultOf(self.link.reached(), DriverError)
        self.link.vote(False, A)
        self.assertIsNone(self.link.failure)

    def test_unexpected_exception(self) -> None:
        """An exception that is no refusal is logged with its traceback and told in a sentence."""
        self.reason = KeyError("baud")
        self.link.vote(True, A)
        self.assertEqual(str(self.link.failure), "it could not be connected: KeyError: 'baud'")
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 1)

    def test_next_try(self) -> None:
        """After a failure a client can try again."""
        self.link.vote(True, A)
        self.reason = None
        self.link.vote(True, A)
        self.assertEqual((self.link.is_open, self.link.failure, self.link.holders), (True, None, [A]))

    def test_permanent_tries_again(self) -> None:
        """A permanent link that cannot be opened is tried again, less and less often, until it opens."""
        link = self.made(permanent=True)
        link.vote(True)
        for delay in (1, 2, 4, 8, 16, 30, 30):
            before = self.calls.count("connect")
            self.clock.advance(delay - 0.01)
            self.assertEqual(self.calls.count("connect"), before)
            self.clock.advance(0.01)
            self.assertEqual(self.calls.count("connect"), before + 1)
        self.reason = None
        self.clock.advance(30)
        self.assertTrue(link.is_open)

    def test_one_chain_of_tries(self) -> None:
        """However often clients ask meanwhile, there is one next try."""
        link = self.made(permanent=True)
        link.vote(True)
        for _ in range(5):
            link.vote(True, A)
        self.assertEqual(len(self.clock.getDelayedCalls()), 1)

    def test_nobody_opens_it_after_the_end(self) -> None:
        """While the server stops, a client cannot connect the device again."""
        self.reason = None
        link = self.made()
        self.successResultOf(link.shut())
        link.vote(True, A)
        self.assertEqual((link.is_open, self.calls), (False, []))

    def test_driver_that_exits(self) -> None:
        """A driver that calls sys.exit has failed to connect, and ends nothing."""
        link = Link(lambda: sys.exit("no camera"), lambda: None, self.clock, "it")
        link.vote(True)
        self.assertEqual((link.is_busy, link.is_open), (False, False))
        self.assertIn("the driver called sys.exit('no camera')", str(link.failure))
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_disconnecting_does_not_fail(self) -> None:
        """Who wants a device closed that could not be opened has what it wants."""
        link = self.made(permanent=True)
        link.vote(True, A)
        self.successResultOf(Deferred.fromCoroutine(link.bring(False, A)))

    def test_end_of_the_server_ends_the_tries(self) -> None:
        """Nothing is tried after the server was told to stop."""
        link = self.made(permanent=True)
        link.vote(True)
        self.successResultOf(link.shut())
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_failing_disconnect(self) -> None:
        """A disconnect that fails closes the link all the same; the failure is logged."""
        self.reason = None

        def disconnect() -> None:
            raise RuntimeError("stuck")

        link = Link(lambda: None, disconnect, self.clock)
        link.vote(True)
        link.vote(False)
        self.assertFalse(link.is_open)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
