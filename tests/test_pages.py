"""What every page has to be, whoever made it: valid, light, and sufficient for itself."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from justhtml import JustHTML
from twisted.trial.unittest import SynchronousTestCase

from pylpaca.testing import MemoryServer
from tests.browser import ten_devices
from tests.site_pages import pages

MOST = 60_000  # bytes of a page with its stylesheet and its scripts, as they are

_ASSET = re.compile(r'(?:src|href)="(/assets/[^"]+)"')
_ELSEWHERE = re.compile(r'(?:src|srcset|action|formaction|poster)="(?:[a-z]+:)?//', re.IGNORECASE)
_IN_LINE = re.compile(r'<script(?![^>]* src=)|<style|\sstyle="|\son[a-z]+="', re.IGNORECASE)


class PagesTestCase(SynchronousTestCase):
    """Ten devices, connected."""

    _made: tuple[MemoryServer, dict[str, str]] | None = None

    def setUp(self) -> None:
        if PagesTestCase._made is None:  # no test changes anything
            server = MemoryServer(ten_devices())
            for entry in server.roster:
                entry.driver.link.vote(True)
            server.clock.advance(0)
            PagesTestCase._made = server, pages(server)
        self.server, self.pages = PagesTestCase._made


class EveryPageTests(PagesTestCase):
    def test_found(self) -> None:
        """There are pages of the server, and of each device."""
        self.assertEqual({"/", "/setup", "/setup/v1/dome/0/setup"} - set(self.pages), set())

    def test_valid(self) -> None:
        """A strict parser finds nothing wrong."""
        wrong = {path: JustHTML(html, sanitize=False, collect_errors=True).errors for path, html in self.pages.items()}
        self.assertEqual({path: errors for path, errors in wrong.items() if errors}, {})

    def test_identities(self) -> None:
        """No id is given twice, and what refers to one finds it."""
        wrong = {path: _identity_mistakes(JustHTML(html, sanitize=False)) for path, html in self.pages.items()}
        self.assertEqual({path: found for path, found in wrong.items() if found}, {})

    def test_light(self) -> None:
        """A page weighs less than a photograph of it: with its stylesheet and its scripts, before any compression."""
        assets = {path: len(self.server.get(path).body) for html in self.pages.values() for path in _ASSET.findall(html)}
        weights = {
            path: len(html.encode()) + sum(assets[each] for each in set(_ASSET.findall(html)))
            for path, html in self.pages.items()
        }
        self.assertEqual({path: weight for path, weight in weights.items() if weight >= MOST}, {})

    def test_nothing_from_elsewhere(self) -> None:
        """There is no internet at the observatory: nothing is loaded from anywhere else."""
        self.assertEqual([path for path, html in self.pages.items() if _ELSEWHERE.search(html)], [])

    def test_nothing_in_line(self) -> None:
        """What the policy of pages forbids is not tried: no script and no style within a page."""
        self.assertEqual([path for path, html in self.pages.items() if _IN_LINE.search(html)], [])

    def test_policy(self) -> None:
        """Every page is sent with the policy that a browser enforces."""
        policies = {self.server.get(path).headers.get("content-security-policy", "") for path in self.pages}
        self.assertEqual(policies, {"default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"})

    def test_assets_stay_here(self) -> None:
        """Stylesheets and scripts load nothing from elsewhere either."""
        texts = [self.server.get(f"/assets/{name}").body.decode() for name in ("style.css", "pylpaca.js", "theme.js")]
        self.assertEqual([each for text in texts for each in re.findall(r"(?:https?:)?//[a-z]\S*\.[a-z]\S*", text)], [])

    def test_live_values_are_known(self) -> None:
        """What a page wants to be told of exists."""
        devices = set(self.server.site.observatory.viewing.devices)
        asked = {
            name for html in self.pages.values() for name in re.findall(r'data-(?:lamp|holders|error|src-live)="([^"]*)"', html)
        }
        self.assertEqual(asked - devices, set())


def _elements(node: Any) -> Iterator[Any]:
    for child in getattr(node, "children", None) or ():
        if getattr(child, "attrs", None) is not None:
            yield child
        yield from _elements(child)


def _identity_mistakes(document: JustHTML) -> list[str]:
    elements = list(_elements(document.root))
    ids = Counter(str(each.attrs["id"]) for each in elements if "id" in each.attrs)
    wrong = [f"{name} is there {count} times" for name, count in ids.items() if count > 1]
    for each in elements:
        for attribute in ("for", "aria-labelledby", "aria-describedby", "aria-controls", "list", "form"):
            wrong += [f"no {name} for {attribute}" for name in str(each.attrs.get(attribute) or "").split() if name not in ids]
    return wrong
