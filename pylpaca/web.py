"""Alpaca over HTTP: Klein's routes, what they refuse, and the site that carries them."""

# Facts
#   Klein takes any verb on a route without `methods`, cancels a route's Deferred when the client hangs up, and answers chunked
#   unless Content-Length is set. Werkzeug redirects doubled slashes unless told not to; an Alpaca path must never redirect.
#   twisted.web reads bodies of any length, and parses forms for POST only.
#   .NET clients keep idle connections for minutes: 300 s, not Twisted's 60.

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any, cast

from klein import Klein
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.iweb import IRequest
from twisted.web.server import Site
from werkzeug.exceptions import MethodNotAllowed, NotFound

from pylpaca import imagebytes
from pylpaca.answers import JSON, nothing_here, peer_of, refused, respond, set_head, with_refusals, wrong_verb
from pylpaca.connections import Census, PatientChannel, TooMany
from pylpaca.dispatch import Dispatcher
from pylpaca.dispatch import Request as DeviceRequest
from pylpaca.errors import BadRequest
from pylpaca.hot import HotChannel, HotRequest, HotRoad, Routes
from pylpaca.leaving import OpenConnections
from pylpaca.management import Management
from pylpaca.pages import Room
from pylpaca.pages.observatory import Observatory
from pylpaca.protocol import ImageAnswer
from pylpaca.sending import Sending
from pylpaca.walled import WalledRequest, accepted, header
from pylpaca.walls import Walls

log = Logger()

KEEP_ALIVE = 300.0  # seconds

Answer = bytes | Deferred[bytes]


class Api:
    """The routes of the server."""

    app = Klein()

    def __init__(self, dispatcher: Dispatcher, management: Management, clock: IReactorTime) -> None:
        self._dispatcher, self._management, self._clock = dispatcher, management, clock
        self.pending, self.latest = dispatcher.pending, dispatcher.latest

    def hot_road(self, steps: Collection[str]) -> HotRoad:
        """The hot road to the devices, by these steps."""
        return HotRoad(steps, Routes(self.app, "device", self._dispatcher.verbs), self._dispatcher)

    @app.route("/api/v1/<kind>/<number>/<member>", methods=["GET", "PUT"])
    def device(self, request: IRequest, kind: str, number: str, member: str) -> Answer:
        """A device operation."""
        verb = request.method.decode("ascii")
        asked = cast(WalledRequest, request)
        answer, asked.given = asked.given, None  # it may be large, and a request be kept for long
        if answer is None:
            answer = self._dispatcher.answer(
                DeviceRequest(
                    verb="GET" if verb == "HEAD" else verb,
                    kind=kind,
                    number=number,
                    member=member,
                    query=request.uri.partition(b"?")[2],
                    body=cast(Any, request.content).read(),
                    content_type=header(request, b"content-type"),
                    accept=accepted(request),
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
    def no_such_path(self, request: IRequest, failure: Failure) -> bytes:
        """A path that no route has."""
        path = request.path.decode("ascii", "replace")[:80]
        if not path.startswith("/api"):
            return nothing_here(request)
        sentence = f"{path} is no device path: it is /api/v1/{{device type}}/{{number}}/{{member}}, all in lower case"
        return refused(request, BadRequest(sentence))

    with_refusals(app)


class AlpacaSite(Site):
    """Carries the routes, behind walls; no access log of Twisted's, no tracebacks in answers."""

    displayTracebacks = False
    noisy = False
    protocol: Any = PatientChannel  # without HTTP/2, which no Alpaca client speaks

    observatory: Observatory  # what its pages know; who opens ports says there where they are

    def __init__(
        self,
        api: Api,
        pages: Mapping[str, Room],
        walls: Walls,
        census: Census,
        clock: IReactorTime,
        log_requests: bool = False,
        hot_road: Collection[str] = (),
    ) -> None:
        """
        :param pages: by the first part of their paths; "" refuses what is not there.
        :param hot_road: the steps of the hot road that are taken.
        """
        request = HotRequest if hot_road else WalledRequest
        super().__init__(api.app.resource(), request, timeout=KEEP_ALIVE, reactor=clock, parsePOSTFormSubmission=False)
        if hot_road:
            self.protocol = HotChannel
            self.hot = api.hot_road(hot_road)
        self.walls, self.census, self.rooms, self._log_requests = walls, census, pages, log_requests
        self._entered = {b"api": self.resource, b"management": self.resource}  # the routes, by the first part of their paths
        self.open_connections = OpenConnections()
        self.refusals: Counter[int] = Counter()  # by HTTP status
        self.api, self.pending, self.latest = api, api.pending, api.latest

    def getResourceFor(self, request: Any) -> Any:
        """The routes that have the request's path: those of its first part."""
        _, _, path = request.path.partition(b"/")
        first = path.partition(b"/")[0]
        return self._entered.get(first) or self._enter(first)

    def _enter(self, first: bytes) -> Any:
        name = first.decode("latin-1")
        if name not in self.rooms:
            first, name = b"", ""
        if first not in self._entered:
            self._entered[first] = self.rooms[name].app.resource()
        return self._entered[first]

    def buildProtocol(self, addr: Any) -> Any:
        sentence = self.census.too_much(str(getattr(addr, "host", "")))
        return TooMany(sentence) if sentence else super().buildProtocol(addr)

    def refused(self, peer: str, status: int, sentence: str) -> None:
        """A connection on which no request came together is ended with this."""
        self.refusals[status] += 1
        if self._log_requests:
            log.info("{peer}: HTTP {status}, {sentence}", peer=peer, status=status, sentence=sentence)

    def log(self, request: Any) -> None:
        """Twisted's access log costs more than answering does; what devices answer is logged by who asks them."""
        if request.code >= 400:
            self.refusals[request.code] += 1
        if self._log_requests and (request.code != 200 or not request.path.startswith(b"/api/")):
            log.info(
                "{peer} {verb} {path}: HTTP {code}",
                peer=peer_of(request),
                verb=request.method.decode("ascii", "replace")[:20],
                path=request.path.decode("ascii", "replace")[:100],
                code=request.code,
            )
