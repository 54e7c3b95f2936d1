"""The start page, in a real browser."""

from __future__ import annotations

from tests.browser import BrowserTestCase


class StartPageTests(BrowserTestCase):
    """Ten devices that the server keeps connected."""

    def test_live(self) -> None:
        """Values change while the page is looked at, without a reload."""
        self.open("/")
        sidereal = '[data-value="telescope/0/RightAscension"]'
        first = self.text(sidereal)
        self.wait_for(lambda: self.text(sidereal) not in ("–", "", first))
