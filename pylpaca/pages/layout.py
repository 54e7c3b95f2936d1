"""What all pages look alike in: their head, the way to the others, and how tags become bytes."""

from __future__ import annotations

from typing import Any

from twisted.python.failure import Failure
from twisted.web.error import FlattenerError
from twisted.web.template import Tag, flattenString, tags

WAYS = (
    ("/", "Devices"),
    ("/setup", "Setup"),
    ("/log", "Log"),
    ("/docs/api", "API"),
)  # to the pages that everything else is reached from
THEMES = (("", "Auto"), ("day", "Day"), ("dark", "Dark"), ("red", "Red"))
ONLY_RED = "0.24 0.56 0.16 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 1 0"  # what becomes of an image in the red theme


def page(title: str, *parts: Any, at: str = "", events: str | None = None) -> bytes:
    """
    A whole page.

    :param title: what it is called, in its head and on top.
    :param parts: tags, or text, which is escaped.
    :param at: the path among WAYS that it belongs to.
    :param events: what it asks /events for, as "devices=dome/0"; "" is all devices, None nothing.
    """
    head = tags.head(
        tags.meta(charset="utf-8"),
        tags.meta(name="viewport", content="width=device-width, initial-scale=1"),
        tags.meta(name="theme-color", content="#f3f4f6"),
        tags.title(title),
        tags.link(rel="icon", href="/assets/icon.svg"),
        tags.script(src="/assets/theme.js"),
        tags.link(rel="stylesheet", href="/assets/style.css"),
        tags.script(type="module", src="/assets/pylpaca.js"),
    )
    ways = tags.nav(*(_way(path, name, path == at) for path, name in WAYS), **{"aria-label": "Pages"})
    skip = tags.a("Skip to the content", href="#content", class_="skip")
    header = tags.header(skip, ways, _themes())
    cut = tags.p(
        "The server does not answer: what you see is how things were. It is asked again.",
        class_="warning",
        role="status",
        hidden="",
    )(**{"data-cut": ""})
    main = Tag("main")(tags.h1(title), cut, *parts, id="content")
    body = tags.body(header, main, _red_filter(), **({} if events is None else {"data-events": events}))
    return b"<!DOCTYPE html>\n" + flat(tags.html(head, body, lang="en"))


def _way(path: str, name: str, is_here: bool) -> Tag:
    return tags.a(name, href=path, **({"aria-current": "page"} if is_here else {}))


def _themes() -> Tag:
    """The theme control: the script presses the button of the theme that is shown."""
    buttons = [tags.button(name, type="button", **{"data-theme-choice": theme}) for theme, name in THEMES]
    return tags.div(*buttons, class_="themes scripted", role="group", **{"aria-label": "Colours"})


def _red_filter() -> Tag:
    """The filter by which the stylesheet makes images red and black; only a page itself can hold one."""
    matrix = Tag("feColorMatrix")(type="matrix", values=ONLY_RED)
    return Tag("svg")(Tag("filter")(matrix, id="only-red"), width="0", height="0", class_="defs", **{"aria-hidden": "true"})


def flat(tag: Tag) -> bytes:
    """The HTML of tags that wait for nothing; half of a letter, which no page can have, is seen as its number."""
    try:
        return _flat(tag)
    except FlattenerError as error:
        if not isinstance(error.args[0], UnicodeEncodeError):
            raise
    return _flat(_without_halves(tag))


def _without_halves(part: Any) -> Any:
    if isinstance(part, str):
        return part.encode("utf-8", "backslashreplace").decode()
    if isinstance(part, (list, tuple)):
        return [_without_halves(each) for each in part]
    if isinstance(part, Tag):
        part.attributes = {name: _without_halves(each) for name, each in part.attributes.items()}
        part.children = _without_halves(part.children)
    return part


def _flat(tag: Tag) -> bytes:
    results: list[Any] = []
    flattenString(None, tag).addBoth(results.append)
    if isinstance(results[0], Failure):
        results[0].raiseException()
    assert isinstance(results[0], bytes)
    return results[0]
