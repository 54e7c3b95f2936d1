"""What all pages look alike in: their head, the way to the others, and how tags become bytes."""

from __future__ import annotations

from typing import Any

from twisted.python.failure import Failure
from twisted.web.template import Tag, flattenString, tags

WAYS = (("/", "Devices"), ("/setup", "Setup"))  # to the pages that everything else is reached from


def page(title: str, *parts: Any, at: str = "") -> bytes:
    """
    A whole page.

    :param title: what it is called, in its head and on top.
    :param parts: tags, or text, which is escaped.
    :param at: the path among WAYS that it belongs to.
    """
    head = tags.head(
        tags.meta(charset="utf-8"),
        tags.meta(name="viewport", content="width=device-width, initial-scale=1"),
        tags.title(title),
        tags.link(rel="stylesheet", href="/assets/style.css"),
        tags.script(type="module", src="/assets/pylpaca.js"),
    )
    ways = tags.nav(*(_way(path, name, path == at) for path, name in WAYS))
    body = tags.body(tags.header(ways), Tag("main")(tags.h1(title), *parts))
    return b"<!DOCTYPE html>\n" + flat(tags.html(head, body, lang="en"))


def _way(path: str, name: str, is_here: bool) -> Tag:
    return tags.a(name, href=path, **({"aria-current": "page"} if is_here else {}))


def flat(tag: Tag) -> bytes:
    """The HTML of tags that wait for nothing."""
    results: list[Any] = []
    flattenString(None, tag).addBoth(results.append)
    if isinstance(results[0], Failure):
        results[0].raiseException()
    assert isinstance(results[0], bytes)
    return results[0]
