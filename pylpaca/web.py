"""Alpaca over HTTP: Klein's routes, what they refuse, and the site that carries them."""

# Facts
#   Klein takes any verb on a route without `methods`, cancels a route's Deferred when the client hangs up, and answers chunked
#   unless Content-Length is set. Werkzeug redirects doubled slashes unless told not to; an Alpaca path must never redirect.
#   twisted.web reads bodies of any length, and parses forms for POST only.
#   .NET clients keep idle connections for minutes: 300 s, not Twisted's 60.

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import unquote_to_bytes

from klein import Klein
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.iweb import IRequest
from twisted.web.server import Request, Site
from werkzeug.exceptions import MethodNotAllowed, NotFound

from pylpaca import imagebytes
from pylpaca.answers import JSON, peer_of, refused, respond, set_head, with_refusals, wrong_verb
from pylpaca.connections import Census, PatientChannel, TooMany
from pylpaca.dispatch import Dispatcher
from pylpaca.dispatch import Request as DeviceRequest
from pylpaca.errors import BadRequest
from pylpaca.leaving import OpenConnections
from pylpaca.management import Management
from pylpaca.pages import Room
from pylpaca.pages.observatory import Observatory
from pylpaca.protocol import BODY_LIMIT, ImageAnswer
from pylpaca.sending import Sending
from pylpaca.walls import REALM, Asking, Walls

log = Logger()

KEEP_ALIVE = 300.0  # seconds
TOO_LONG = f"the body is too long: at most {BODY_LIMIT} bytes"

Answer = bytes | Deferred[bytes]


def _header(request: IRequest, name: bytes) -> str:
    """A header's text; bytes that are none are still something to compare."""
    values: list[bytes] = request.requestHeaders.getRawHeaders(name) or [b""]
    return b", ".join(values).decode("latin-1")


def _is_text(path: bytes) -> bool:
    try:
        unquote_to_bytes(path).decode()
    except UnicodeDecodeError:
        return False
    return True


def _accepted(request: IRequest) -> str:
    """What the client accepts, however many headers it says that in."""
    return b",".join(request.requestHeaders.getRawHeaders(b"accept") or []).decode("latin-1")


class Api:
    """The routes of the server."""

    app = Klein()

    def __init__(self, dispatcher: Dispatcher, management: Management, clock: IReactorTime) -> None:
        self._dispatcher, self._management, self._clock = dispatcher, management, clock
        self.pending, self.latest = dispatcher.pending, dispatcher.latest

    @app.route("/api/v1/<kind>/<number>/<member>", methods=["GET", "PUT"])
    def device(self, request: IRequest, kind: str, number: str, member: str) -> Answer:
        """A device operation."""
        verb = request.method.decode("ascii")
        answer = self._dispatcher.answer(
            DeviceRequest(
                verb="GET" if verb == "HEAD" else verb,
                kind=kind,
                number=number,
                member=member,
                query=request.uri.partition(b"?")[2],
                body=cast(Any, request.content).read(),
                content_type=_header(request, b"content-type"),
                accept=_accepted(request),
                peer=peer_of(request),
            )
        )
        if isinstance(answer, Deferred):
            return answer.addCallback(lambda found: self._responded(request, found))
        return self._responded(request, answer)

    def _responded(self, request: IRequest, answer: bytes | ImageAnswer) -> Answer:
        if isinstance(answer, bytes):
            return respond(request, answer, JSON)
        set_head(request, JSON if answer.length is None else imagebytes.TYPE, answer.length)
        if request.method == b"HEAD":
            return b""
        return Sending(request, answer.pieces, self._clock, answer.length is not None).done.addCallback(lambda _: b"")

    @app.route("/management/<path:what>", methods=["GET"])
    def manage(self, request: IRequest, what: str) -> Answer:
        """The management API."""
        return respond(request, self._management.answer(what, request.uri.partition(b"?")[2]), JSON)

    @app.handle_errors(MethodNotAllowed)
    def no_such_verb(self, request: IRequest, failure: Failure) -> bytes:
        """A verb that no route takes: the path is looked at first, then exactly what it allows is said."""
        parts = request.path.decode("ascii", "replace").split("/")
        allow = sorted(cast(MethodNotAllowed, failure.value).valid_methods or ())
        if parts[1] == "api":
            try:
                allow = sorted(self._dispatcher.verbs(*parts[3:6]))
            except BadRequest as error:
                return refused(request, error)
        return wrong_verb(request, allow)

    @app.handle_errors(NotFound)
    def nothing_here(self, request: IRequest, failure: Failure) -> bytes:
        """A path that no route has."""
        path = request.path.decode("ascii", "replace")[:80]
        if path.startswith("/api"):
            sentence = f"{path} is no device path: it is /api/v1/{{device type}}/{{number}}/{{member}}, all in lower case"
            return refused(request, BadRequest(sentence))
        return refused(request, BadRequest(f"there is nothing at {path}; /setup says what is here", 404))

    with_refusals(app)


class WalledRequest(Request):
    """A request that the walls look at first; its body is not kept beyond what any Alpaca client sends, and refused then."""

    channel: Any

    MOST_READ_PAST = 16 << 20  # bytes; who sends more is cut off

    _arrived = 0

    def gotLength(self, length: int | None) -> None:
        super().gotLength(BODY_LIMIT if length is None else min(length, BODY_LIMIT))  # in memory; a longer one would be a file

    def handleContentChunk(self, data: bytes) -> None:
        self._arrived += len(data)
        if self._arrived <= BODY_LIMIT:
            super().handleContentChunk(data)
        elif self._arrived > self.MOST_READ_PAST:
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
            if self._arrived > BODY_LIMIT:
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
            super().process()

    def _asking(self) -> Asking:
        return Asking(
            peer=peer_of(self),
            path=self.path.decode("latin-1"),
            hosts=[each.decode("latin-1") for each in self.requestHeaders.getRawHeaders(b"host") or ()],
            needs_host=self.clientproto == b"HTTP/1.1",
            origin=_header(self, b"origin"),
            authorization=_header(self, b"authorization"),
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


class AlpacaSite(Site):
    """Carries the routes, behind walls; no access log of Twisted's, no tracebacks in answers."""

    displayTracebacks = False
    noisy = False
    protocol = PatientChannel  # type: ignore[assignment]  # without HTTP/2, which no Alpaca client speaks

    observatory: Observatory  # what its pages know; who opens ports says there where they are

    def __init__(
        self,
        api: Api,
        pages: Mapping[str, Room],
        walls: Walls,
        census: Census,
        clock: IReactorTime,
        log_requests: bool = False,
    ) -> None:
        """
        :param pages: by the first part of their paths; "" refuses what is not there.
        """
        super().__init__(
            pages[""].app.resource(), WalledRequest, timeout=KEEP_ALIVE, reactor=clock, parsePOSTFormSubmission=False
        )
        self.walls, self.census, self._log_requests = walls, census, log_requests
        self._rooms = {name.encode(): room.app.resource() for name, room in {**pages, "api": api, "management": api}.items()}
        self.open_connections = OpenConnections()
        self.api, self.pending, self.latest = api, api.pending, api.latest

    def getResourceFor(self, request: Any) -> Any:
        """The routes that have the request's path: those of its first part."""
        _, _, path = request.path.partition(b"/")
        return self._rooms.get(path.partition(b"/")[0], self.resource)

    def buildProtocol(self, addr: Any) -> Any:
        sentence = self.census.too_much(str(getattr(addr, "host", "")))
        return TooMany(sentence) if sentence else super().buildProtocol(addr)

    def refused(self, peer: str, status: int, sentence: str) -> None:
        """A connection on which no request came together is ended with this."""
        if self._log_requests:
            log.info("{peer}: HTTP {status}, {sentence}", peer=peer, status=status, sentence=sentence)

    def log(self, request: Any) -> None:
        """Twisted's access log costs more than answering does; what devices answer is logged by who asks them."""
        if self._log_requests and (request.code != 200 or not request.path.startswith(b"/api/")):
            log.info(
                "{peer} {verb} {path}: HTTP {code}",
                peer=peer_of(request),
                verb=request.method.decode("ascii", "replace")[:20],
                path=request.path.decode("ascii", "replace")[:100],
                code=request.code,
            )
