"""No reply goes to another command, whatever the device does; the short form of what `python -m tests.serial_full` does."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.serial_fuzz import Fuzz

EXCHANGES = 3000


class FuzzTests(SynchronousTestCase):
    def run_through(self, kind: str, answered: float) -> None:
        fuzz = Fuzz(kind, 1, EXCHANGES)
        fuzz.run()
        self.assertEqual((fuzz.mispaired, fuzz.events_lost), ([], 0))
        self.assertEqual(sum(fuzz.outcomes.values()), EXCHANGES)
        self.assertGreater(fuzz.outcomes["answered"], answered * EXCHANGES)

    def test_untagged(self) -> None:
        """Replies that do not say what they answer, late, doubled, torn and noisy, within what is assumed; reopened at times."""
        self.run_through("untagged", 0.65)

    def test_tagged(self) -> None:
        """Replies that say what they answer, to what looks at that: in any order, at any time, with any noise."""
        self.run_through("tagged", 0.4)

    def test_talkative(self) -> None:
        """Messages that answer nothing are all heard, once and in their order, whatever is asked meanwhile."""
        self.run_through("talkative", 0.6)
