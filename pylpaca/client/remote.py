"""A device at the other end of HTTP, as an object that has its interface."""

# Facts
#   A server gives up on a driver after the operation's declared deadline and says so; whoever waits a little longer hears it.
#   Twisted's agent fails in many ways when a request ends early: ConnectError, ResponseFailed and so on, and CancelledError
#   wrapped in them when it was cancelled.
#   hyperlink, which treq stands on, takes an IPv6 address in a URL for a name to be encoded, and fails (its issue 68).

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from inspect import Parameter, Signature, isawaitable
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from hyperlink import EncodedURL
from treq.client import HTTPClient
from twisted.internet import error
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web.client import RequestTransmissionFailed, ResponseDone, ResponseFailed
from twisted.web.http import PotentialDataLoss
from twisted.web.http_headers import Headers
from twisted.web.iweb import IResponse
from zope.interface import directlyProvides

from pylpaca.client.failures import BadAnswer, RequestRefused, Unreachable
from pylpaca.client.wire import IMAGES, JSON, envelope, image, is_image, read, sent
from pylpaca.interfaces import Operation, Result, operations
from pylpaca.interfaces.declaration import ORDINARY_DEADLINE
from pylpaca.protocol import TransactionCounter
from pylpaca.values import Frame

T = TypeVar("T")

PATIENCE = 1.0  # seconds
CLIENT_IDS = 1 << 31  # some firmware reads ids as signed numbers
ENDED_EARLY = (
    CancelledError,
    error.ConnectError,
    error.ConnectingCancelledError,
    error.ConnectionClosed,
    error.DNSLookupError,
    RequestTransmissionFailed,
    ResponseFailed,
)


def remote(interface: type[T], http: HTTPClient | Session, url: str, clock: IReactorTime | None = None) -> T:
    """
    A device as an object that has this interface; every member gives a Deferred.

    A refusal of the device is the `AlpacaError` of its number, everything else that goes wrong a `CallFailed`.

    :param http: treq's client; a `Session` lets several devices of a server share a ClientID.
    :param url: of the device, as http://192.168.1.5:11111/api/v1/focuser/0.
    :param clock: for deadlines; the reactor if not said.
    """
    session = http if isinstance(http, Session) else Session(http, clock)
    return cast(T, Remote(interface, session, url))


async def ask(answer: Result[T]) -> T:
    """The value of a member, be it a value, a Deferred or a coroutine: `await ask(focuser.Position())`."""
    return await answer if isawaitable(answer) else answer


class Remote:
    """Has the methods of the interface that it was made for."""

    def __init__(self, interface: Any, session: Session, url: str) -> None:
        self._operations, self._session, self._url = operations(interface), session, url.rstrip("/")
        directlyProvides(self, interface)

    def __repr__(self) -> str:
        return f"<{self._url}>"

    def __getattr__(self, name: str) -> Callable[..., Deferred[Any]]:
        if name.startswith("_") or name not in self._operations:
            raise AttributeError(f"{self!r} has no member {name}")
        operation = self._operations[name]
        parameters = [Parameter(each.name, Parameter.POSITIONAL_OR_KEYWORD) for each in operation.parameters]
        signature = Signature(parameters)

        def member(*arguments: Any, **named: Any) -> Deferred[Any]:
            return self._call(operation, signature.bind(*arguments, **named).arguments)

        member.__name__, member.__doc__ = name, operation.doc
        member.__dict__["__signature__"] = signature
        return member

    def _call(self, operation: Operation, arguments: Mapping[str, Any]) -> Deferred[Any]:
        url = f"{self._url}/{operation.path}"
        return self._session.ask(operation.verb, url, sent(operation, arguments), operation.returns, operation.deadline)


class Session:
    """
    Asks over HTTP, under one ClientID and with one count of transactions.

    :param clock: for deadlines; the reactor if not said.
    :param patience: seconds of silence allowed beyond the declared deadline of an operation: 1, so an ordinary one has 5.
    """

    def __init__(self, http: HTTPClient, clock: IReactorTime | None = None, patience: float = PATIENCE) -> None:
        if clock is None:
            from twisted.internet import reactor

            clock = cast(IReactorTime, reactor)
        self._http, self._clock, self._patience = http, clock, patience
        self._next_transaction = TransactionCounter()
        self._waiting: set[Deferred[Any]] = set()
        self.client_id = 1 + secrets.randbelow(CLIENT_IDS - 1)

    def ask(
        self,
        verb: str,
        url: str,
        fields: Mapping[str, str],
        returns: Any,
        deadline: float = ORDINARY_DEADLINE,
    ) -> Deferred[Any]:
        """
        Send a request; a Deferred of `Value` as the Python type `returns`, or of None.

        Who cancels it stops waiting and closes the connection.
        """
        waiting = Deferred.fromCoroutine(self._ask(verb, url, fields, returns, deadline + self._patience))
        self._waiting.add(waiting)

        def ended(result: Any) -> Any:
            self._waiting.discard(waiting)
            return result

        return waiting.addBoth(ended)

    def cancel(self) -> None:
        """Stop waiting for every answer."""
        for waiting in list(self._waiting):
            waiting.cancel()

    async def _ask(self, verb: str, url: str, fields: Mapping[str, str], returns: Any, seconds: float) -> Any:
        transaction = self._next_transaction()
        ids = {"ClientID": str(self.client_id), "ClientTransactionID": str(transaction)}
        accept = IMAGES if returns is Frame else JSON
        body, content_type = await self._patiently(verb, url, {**fields, **ids}, accept, seconds)
        try:
            if is_image(content_type):
                return image(body, transaction)
            answer = envelope(body, transaction)
            return None if returns is None else read(returns, answer.get("Value"))
        except ValueError as wrong:
            raise BadAnswer(f"the answer to {verb} {url} cannot be used: {wrong}") from None

    async def _patiently(self, verb: str, url: str, fields: dict[str, str], accept: str, seconds: float) -> tuple[bytes, str]:
        """The body of the answer and its type, as long as the server is never silent for so many seconds."""
        expired = False

        def expire() -> None:
            nonlocal expired
            expired = True
            exchange.cancel()

        expiry = self._clock.callLater(seconds, expire)
        exchange = Deferred.fromCoroutine(self._exchange(verb, url, fields, accept, lambda: expiry.reset(seconds)))
        try:
            return await exchange
        except ENDED_EARLY as early:
            host = urlsplit(url).netloc
            raise Unreachable(_silent(host, seconds, verb) if expired else _why(host, early)) from None
        finally:
            if expiry.active():
                expiry.cancel()

    async def _exchange(
        self, verb: str, url: str, fields: dict[str, str], accept: str, heard: Callable[[], None]
    ) -> tuple[bytes, str]:
        query, form = (fields, None) if verb == "GET" else (None, fields)
        target = _Ascii.from_text(url) if "[" in url else url
        response = await self._http.request(
            verb, target, params=query, data=form, headers=Headers({"Accept": [accept]}), allow_redirects=False, unbuffered=True
        )
        heard()
        body = await _body(response, heard)
        if not 200 <= response.code < 300:
            said = body.decode("utf-8", "replace").strip()[:500] or response.phrase.decode("ascii", "replace")
            raise RequestRefused(f"{said} (HTTP {response.code}, {verb} {url})", response.code)
        (content_type,) = response.headers.getRawHeaders("content-type", [""])[:1]
        return body, content_type


class _Ascii(EncodedURL):
    """A URL in which nothing is left to encode."""

    def to_uri(self) -> EncodedURL:
        return self


def _silent(host: str, seconds: float, verb: str) -> str:
    done = "" if verb == "GET" else "; whether the command was carried out is not known"
    return f"{host}: no answer in {seconds:g} s{done}; is it switched on, and is this its address?"


def _why(host: str, early: BaseException) -> str:
    """What went wrong and what to do, for a person."""
    if isinstance(early, error.ConnectionRefusedError):
        return f"{host}: nothing listens there; is the server running, and is this its port?"
    if isinstance(early, error.DNSLookupError):
        return f"{host}: there is no host of this name; check it, or give the IP address"
    if isinstance(early, error.ConnectError):
        return f"{host} cannot be reached ({early}); is it switched on, and in this network?"
    reasons = getattr(early, "reasons", None)
    reason = reasons[0].getErrorMessage() if reasons else str(early) or type(early).__name__
    return f"{host}: the connection ended before the answer was there ({reason}); look whether the server runs, and ask again"


def _body(response: IResponse, heard: Callable[[], None]) -> Deferred[bytes]:
    reader = _BodyReader(heard)
    response.deliverBody(reader)
    return reader.body


class _BodyReader(Protocol):
    def __init__(self, heard: Callable[[], None]) -> None:
        self._heard, self._received = heard, bytearray()
        self.body: Deferred[bytes] = Deferred(self._stop)

    def _stop(self, _: object) -> None:
        if self.transport is not None:
            self.transport.loseConnection()

    def dataReceived(self, data: bytes) -> None:
        self._received += data
        self._heard()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self.body.called:
            return
        if reason.check(ResponseDone, PotentialDataLoss):  # the latter: without a length it ends with the connection
            self.body.callback(bytes(self._received))
        else:
            self.body.errback(reason)
