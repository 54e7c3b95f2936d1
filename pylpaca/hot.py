"""The hot road: what is remembered of a request so that the next one like it costs less, and when it is forgotten."""

# Facts (measured; Twisted 26.10, Klein 24.8; docs/decisions/hot-road.md)
#   Of a GET by Klein's road Klein takes half: it takes URLs apart, matches, adapts, and makes nine Deferreds. Half of the rest is
#   what twisted.web does to read the headers, which a client sends the same each time, and to write its own. A transport puts
#   what is written off to the next turn of the reactor: four calls of the system where one would do.
#   What is not done by this road is done by the plain one, and what that answers is the measure: the same bytes, but for Date.

from __future__ import annotations

from collections.abc import Callable, Collection
from time import time
from typing import Any, NamedTuple, cast

from klein import Klein
from twisted.internet.defer import Deferred, fail
from twisted.internet.tcp import Connection
from twisted.python.failure import Failure
from twisted.web.http import datetimeToString
from twisted.web.http_headers import Headers
from twisted.web.server import version
from werkzeug.exceptions import HTTPException

from pylpaca.answers import JSON, respond, set_head
from pylpaca.connections import PatientChannel
from pylpaca.dispatch import Answer, Dispatcher, Request
from pylpaca.errors import BadRequest
from pylpaca.walled import WalledRequest, accepted, header
from pylpaca.walls import is_open

Names = tuple[str, str, str, str]  # verb, device type, number and member
OwnHeaders = tuple[tuple[bytes, tuple[bytes, ...]], ...]  # of an answer, that not every answer has

_IN_A_TARGET = bytes(range(ord("!"), ord("~") + 1))


class Routes:
    """
    What Klein matched, by verb and path.

    Only operations that there are, as they are usually written, are remembered: nobody can fill this by asking for others. What
    a path means never changes.
    """

    def __init__(self, app: Klein, endpoint: str, verbs: Callable[[str, str, str], Collection[str]]) -> None:
        """
        :param endpoint: the route of the device operations.
        :param verbs: those of an operation's path; BadRequest if there is none.
        """
        self._matcher, self._endpoint, self._verbs = app.url_map.bind(""), endpoint, verbs
        self._remembered: dict[bytes, Names] = {}
        self.recall = self._remembered.get

    def find(self, what: bytes) -> Names | None:
        """The operation that "GET /api/…" means, or None: Klein has to be asked what to say."""
        return self.recall(what) or self._match(what)

    def _match(self, what: bytes) -> Names | None:
        try:
            verb, _, path = what.decode("ascii").partition(" ")
            endpoint, named = self._matcher.match(path, verb)
            if endpoint != self._endpoint:
                return None
            kind, number, member = named["kind"], named["number"], named["member"]
            is_usual = number == str(int(number)) and path == self._matcher.build(endpoint, named)  # not //api, for one
            if verb not in self._verbs(kind, number, member) or not is_usual:
                return None
        except (HTTPException, ValueError, BadRequest):
            return None
        names = self._remembered[what] = (verb, kind, number, member)
        return names


class _Head:
    """Takes down what is said of an answer's head."""

    def __init__(self) -> None:
        self.code, self.headers = 0, Headers()

    def setResponseCode(self, code: int) -> None:
        self.code = code

    def setHeader(self, name: bytes, value: bytes) -> None:
        self.headers.setRawHeaders(name, [value])


class Heads:
    """The heads of answers in JSON as the plain road writes them, made anew when the second that stands in them is over."""

    def __init__(self) -> None:
        self._second = 0
        self._heads: dict[OwnHeaders, tuple[bytes, bytes]] = {}

    def around(self, own: OwnHeaders) -> tuple[bytes, bytes]:
        """What stands before the length of the answer, and after it."""
        if (second := int(time())) != self._second:  # the time of day, as twisted.web has it
            self._second = second
            self._heads.clear()
        return self._heads.get(own) or self._make(own)

    def _make(self, own: OwnHeaders) -> tuple[bytes, bytes]:
        head: Any = _Head()
        for name, values in own:
            head.headers.setRawHeaders(name, values)
        head.setHeader(b"server", version)
        head.setHeader(b"date", datetimeToString(self._second))
        set_head(head, JSON, 0)
        lines = [b"%b: %b" % (name, value) for name, values in head.headers.getAllRawHeaders() for value in values]
        written = b"\r\n".join([b"HTTP/1.1 %d OK" % head.code, *lines, b"", b""])
        length = written.index(b"Content-Length: 0") + len(b"Content-Length: ")
        made = self._heads[own] = written[:length], written[length + 1 :]
        return made


class Known(NamedTuple):
    """What follows from the headers of a request that was let in."""

    length: int  # of its body
    content_type: str
    accept: str
    own: OwnHeaders
    is_last: bool  # on its connection


class HotRoad:
    """
    What the connections of a server have in common.

    :ivar remembers_routes: whether what Klein matched is used, and the answer written at once.
    :ivar remembers_headers: whether headers that a connection sent before are not parsed again.
    :ivar sends: whether an answer is offered to the system before it is left to the transport.
    """

    MOST_BLOCKS = 512  # of headers that are remembered; beyond that, those that came first are forgotten
    LONGEST_BLOCK = 4096  # bytes

    def __init__(self, steps: Collection[str], routes: Routes, dispatcher: Dispatcher) -> None:
        self.remembers_routes, self.remembers_headers, self.sends = (each in steps for each in ("routes", "headers", "sending"))
        self.routes, self.heads = routes, Heads()
        self.known: dict[bytes, Known] = {}  # by the headers as they were sent
        self._dispatcher = dispatcher

    def remember(self, block: bytes, known: Known) -> None:
        """A request with these headers was let in."""
        if len(self.known) >= self.MOST_BLOCKS:
            del self.known[next(iter(self.known))]
        self.known[block] = known

    def answer(self, request: Request) -> Answer | Deferred[Answer]:
        """What the dispatcher answers; what it raises is in a Deferred, so that it is asked once whoever tells it."""
        try:
            return self._dispatcher.answer(request)
        except Exception:
            return fail()


class HotRequest(WalledRequest):
    """A request that goes to the dispatcher without Klein, if Klein found its way before."""

    names: Names | None = None

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        road: HotRoad = self.channel.site.hot
        target = path.partition(b"?")[0]
        names = road.routes.find(b"%b %b" % (command, target))
        if road.remembers_routes and version == b"HTTP/1.1":
            self.names = names
        if self.names is None:
            super().requestReceived(command, path, version)
            return
        content: Any = self.content
        content.seek(0, 0)
        self.args = {}  # the dispatcher reads the query itself
        self.method, self.uri, self.path, self.clientproto = command, path, target, version
        self.process()

    def let_in(self) -> None:
        channel: HotChannel = self.channel
        channel.remember(self)
        answer, channel.given = channel.given, None
        if self.names is None:
            self._by_klein(answer)
            return
        if answer is None:
            content_type, accept = header(self, b"content-type"), accepted(self)
            query, content = self.uri.partition(b"?")[2], cast(Any, self.content)
            answer = channel.site.hot.answer(Request(*self.names, query, content.read(), content_type, accept, channel.client))
        if isinstance(answer, bytes):
            before, after = channel.site.hot.heads.around(self.own_headers())
            self.startedWriting, self.sentLength = 1, len(answer)
            channel.say(b"%b%d%b%b" % (before, len(answer), after, answer))
            self.finish()
        elif isinstance(answer, Deferred) and not answer.called:
            self.setHeader(b"server", version)
            self.setHeader(b"date", datetimeToString())
            answer.addBoth(self._late)
        else:
            self._by_klein(answer)

    def own_headers(self) -> OwnHeaders:
        """The headers of the answer so far."""
        return tuple((name, tuple(values)) for name, values in self.responseHeaders.getAllRawHeaders())

    def _late(self, answer: Any) -> None:
        if self._disconnected:
            return
        if isinstance(answer, bytes):
            self.write(respond(self, answer, JSON))
            self.finish()
        else:
            self._by_klein(fail(answer) if isinstance(answer, Failure) else answer)

    def _by_klein(self, answer: Any) -> None:
        """The plain road tells it, and asks nobody again if there is an answer: an image, or a refusal."""
        self.given = answer
        super().let_in()


class HotChannel(PatientChannel):
    """One connection that does not parse again the headers that were parsed before, on this or on another one."""

    given: Any = None  # the answer to the request that is being parsed, if somebody has asked already

    _is_between = True  # two requests, with nothing said or taken by halves
    _candidate: tuple[bytes, bytes, int] | None = None  # first line, headers and length of the body of what just arrived
    _sends = False

    def connectionMade(self) -> None:
        self._road: HotRoad = self.site.hot
        self._sends = self._road.sends and isinstance(self.transport, Connection)  # TLS has to see what is sent
        super().connectionMade()

    def dataReceived(self, data: bytes) -> None:
        if self._is_between and self._answered(data):
            return
        self._is_between = False
        self._candidate = None
        if self._road.remembers_headers and not (self.requests or self._buffer):
            line, block, body = _parts(data)
            if block and len(block) <= self._road.LONGEST_BLOCK:
                self._candidate = line, block, len(body)
        super().dataReceived(data)
        self.given = None

    def remember(self, request: HotRequest) -> None:
        """This request is let in; who sends the same headers will be, too, unless it asked for what all may know."""
        if self._candidate is None or is_open(request.path.decode("latin-1")) or request.requestHeaders.hasHeader(b"expect"):
            return
        line, block, length = self._candidate
        if length == request.arrived and line == b"%b %b HTTP/1.1" % (request.method, request.uri):
            content_type, accept, is_last = header(request, b"content-type"), accepted(request), not self.persistent
            self._road.remember(block, Known(length, content_type, accept, request.own_headers(), is_last))

    def requestDone(self, request: Any) -> None:
        super().requestDone(request)
        self._is_between = not (self.requests or self._buffer or self.paused) and bool(self.persistent)

    def _answered(self, data: bytes) -> bool:
        """Answer a request whose headers are known, if it can be answered at once; nothing is taken of it otherwise."""
        line, block, body = _parts(data)
        what, _, query = line[:-9].partition(b"?")
        road, transport, near = self._road, cast(Any, self.transport), self.site.walls.near
        known, names = road.known.get(block), road.routes.recall(what)
        if known is None or names is None or len(body) != known.length or line[-9:] != b" HTTP/1.1":
            return False
        if query.translate(None, _IN_A_TARGET) or len(data) > self.MAX_LENGTH:
            return False
        if self._refused or self._waitingForTransport or transport.disconnecting or not (near is None or near.has(self.client)):
            return False
        answer = road.answer(Request(*names, query, body, known.content_type, known.accept, self.client))
        if not isinstance(answer, bytes):
            self.given = answer
            return False
        self.site.census.asked(self)
        self._expected()
        before, after = road.heads.around(known.own)
        self.say(b"%b%d%b%b" % (before, len(answer), after, answer))
        if known.is_last:
            self.persistent, self._handlingRequest = False, True  # for good, as twisted.web leaves it
            self.setTimeout(None)
            self.loseConnection()
        else:
            self.resetTimeout()
            self.paused = self._waitingForTransport
        return True

    def say(self, data: bytes) -> None:
        """Send an answer: the system takes it at once, unless the client has not taken what it had asked for before."""
        transport: Any = self.transport
        if self._sends and transport.connected and not (transport.dataBuffer or transport._tempDataBuffer):
            try:
                sent = transport.socket.send(data)
            except OSError:  # it is full, or lost: the transport finds out
                sent = 0
            data = data[sent:]
        transport.write(data)


def _parts(data: bytes) -> tuple[bytes, bytes, bytes]:
    """The first line, the headers and the body of a request that arrived whole; empty headers if it did not."""
    start, end = data.find(b"\r\n") + 2, data.find(b"\r\n\r\n") + 4
    return data[: start - 2], data[start:end], data[end:]
