"""A form of the pages at /setup, as a browser without scripts fills it in and sends it."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode

from pylpaca.protocol import FORM
from pylpaca.testing import Answer, MemoryServer


class Page(HTMLParser):
    """
    What a browser makes of a page.

    :ivar fields: what each field of its form would send now.
    :ivar tags: every tag with its attributes.
    :ivar texts: of every tag with an id, its text.
    """

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer
        self.fields: dict[str, str] = {}
        self.choices: dict[str, list[tuple[str, str]]] = {}
        self.tags: list[tuple[str, dict[str, Any]]] = []
        self.texts: dict[str, str] = {}
        self._select = self._area = ""
        self._open: list[str] = []
        self.feed(answer.text)
        self.close()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        said = dict(attrs)
        self.tags.append((tag, said))
        if tag not in ("input", "meta", "link", "br"):
            self._open.append(said.get("id") or "")
        name = said.get("name", "")
        if tag == "input" and said["type"] == "checkbox":
            if "checked" in said:
                self.fields[name] = said["value"]
        elif tag == "input":
            self.fields[name] = said["value"]
        elif tag == "select":
            self._select, self.choices[name] = name, []
        elif tag == "textarea":
            self._area, self.fields[name] = name, ""
        elif tag == "option":
            self.choices[self._select].append((said["value"], ""))
            if "selected" in said or self._select not in self.fields:
                self.fields[self._select] = said["value"]

    def handle_endtag(self, tag: str) -> None:
        if self._open:
            self._open.pop()
        if tag == "select":
            self._select = ""
        if tag == "textarea":
            self.fields[self._area] = self.fields[self._area].removeprefix("\n").replace("\n", "\r\n")
            self._area = ""

    def handle_data(self, data: str) -> None:
        for each in filter(None, self._open):
            self.texts[each] = self.texts.get(each, "") + data
        if self._area:
            self.fields[self._area] += data
        elif self._select and self.choices[self._select] and data.strip():
            self.choices[self._select][-1] = (self.choices[self._select][-1][0], data)

    def said(self, role: str) -> str:
        """The text of what a screen reader is told at once."""
        start = self.answer.text.find(f'role="{role}"')
        while start >= 0 and 'data-cut=""' in self.answer.text[start : self.answer.text.find(">", start)]:
            start = self.answer.text.find(f'role="{role}"', start + 1)
        if start < 0:
            return ""
        return self.answer.text[self.answer.text.find(">", start) + 1 : self.answer.text.find("</p>", start)]

    def errors(self) -> dict[str, str]:
        """What is wrong with each field, by its name."""
        by_id = {said["id"]: said["name"] for _, said in self.tags if "id" in said and "name" in said}
        return {by_id[each.removesuffix("-error")]: text for each, text in self.texts.items() if each.endswith("-error")}


def opened(server: MemoryServer, path: str) -> Page:
    """A page."""
    return Page(server.request("GET", path))


def sent(server: MemoryServer, path: str, page: Page, do: str = "save", /, **changed: str | None) -> Answer:
    """What answers the form of a page, in which this was changed: of a driver's settings, others with a __ in their names."""
    return server.request("POST", path, body(page, do, **changed), {"Content-Type": FORM})


def body(page: Page, do: str = "save", /, **changed: str | None) -> bytes:
    """The form of a page, as it is sent."""
    fields: dict[str, str | None] = dict(page.fields)
    for name, text in changed.items():
        fields[name.replace("__", ".") if "__" in name else f"settings.{name}"] = text
    return urlencode({**{name: text for name, text in fields.items() if text is not None}, "do": do}).encode()
