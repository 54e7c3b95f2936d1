"""The soak in short: many clients at once, and nothing wrong."""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.soak import soak


class ShortFormTests(SynchronousTestCase):
    def test_nothing_wrong(self) -> None:
        """In three seconds of pollers, images and misbehaving clients no answer is wrong, and nothing is left open."""
        folder = Path(self.mktemp())
        folder.mkdir()
        tally, _, left = soak(folder, 3.0)
        self.assertEqual(tally.wrong, [])
        self.assertTrue(all(tally.counts[each] for each in ("calls", "connections", "images", "faults")), tally.counts)
        self.assertLessEqual(left, 0)
