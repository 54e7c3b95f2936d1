"""A request, from when it is whole until it is known that it may ask."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote_to_bytes

from twisted.web.iweb import IRequest
from twisted.web.server import Request

from pylpaca.answers import refused
from pylpaca.errors import BadRequest
from pylpaca.protocol import BODY_LIMIT
from pylpaca.walls import REALM, Asking, Walls

TOO_LONG = f"the body is too long: at most {BODY_LIMIT} bytes"


def header(request: IRequest, name: bytes) -> str:
    """A header's text; bytes that are none are still something to compare."""
    values: list[bytes] = request.requestHeaders.getRawHeaders(name) or [b""]
    return b", ".join(values).decode("latin-1")


def _is_text(path: bytes) -> bool:
    if b"%" not in path and path.isascii():
        return True
    try:
        unquote_to_bytes(path).decode()
    except UnicodeDecodeError:
        return False
    return True


def accepted(request: IRequest) -> str:
    """What the client accepts, however many headers it says that in."""
    return b",".join(request.requestHeaders.getRawHeaders(b"accept") or []).decode("latin-1")


class WalledRequest(Request):
    """A request that the walls look at first; its body is not kept beyond what any Alpaca client sends, and refused then."""

    channel: Any
    given: Any = None  # the answer, if somebody has asked already

    MOST_READ_PAST = 16 << 20  # bytes; who sends more is cut off

    arrived = 0

    def gotLength(self, length: int | None) -> None:
        super().gotLength(BODY_LIMIT if length is None else min(length, BODY_LIMIT))  # in memory; a longer one would be a file

    def handleContentChunk(self, data: bytes) -> None:
        self.arrived += len(data)
        if self.arrived <= BODY_LIMIT:
            super().handleContentChunk(data)
        elif self.arrived > self.MOST_READ_PAST:
            self.channel.refuse(413, TOO_LONG)

    def process(self) -> None:
        walls: Walls = self.channel.site.walls
        asking = self._asking()
        if walls.origins:
            self.responseHeaders.addRawHeader(b"vary", b"origin")
        if walls.is_listed(asking.origin):  # its page may read why it is refused, too
            self.setHeader(b"access-control-allow-origin", asking.origin.encode())
        try:
            walls.check(asking)
            if self.arrived > BODY_LIMIT:
                raise BadRequest(TOO_LONG, 413)
            if not _is_text(self.path):
                raise BadRequest("the path is not UTF-8 text")
        except BadRequest as error:
            if error.status == 401:
                self.setHeader(b"www-authenticate", REALM.encode())
            self.write(refused(self, error))
            self.finish()
            return
        if asking.is_preflight and walls.is_listed(asking.origin):
            self._let_page_ask()
        else:
            self.let_in()

    def let_in(self) -> None:
        """It may ask: by the routes of the site."""
        super().process()

    def _asking(self) -> Asking:
        return Asking(
            peer=self.channel.client,
            path=self.path.decode("latin-1"),
            hosts=[each.decode("latin-1") for each in self.requestHeaders.getRawHeaders(b"host") or ()],
            needs_host=self.clientproto == b"HTTP/1.1",
            origin=header(self, b"origin"),
            authorization=header(self, b"authorization"),
            is_preflight=self.method == b"OPTIONS" and self.requestHeaders.hasHeader(b"access-control-request-method"),
        )

    def _let_page_ask(self) -> None:
        """What a browser asks before a listed page may send what it wants to."""
        self.setResponseCode(204)
        self.setHeader(b"access-control-allow-methods", b"GET, PUT")
        self.setHeader(b"access-control-allow-headers", b"accept, authorization, content-type")
        self.setHeader(b"access-control-allow-private-network", b"true")
        self.setHeader(b"access-control-max-age", b"600")
        self.finish()
