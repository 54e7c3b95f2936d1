"""What an HTTP answer consists of, whatever is answered: its head, and a refusal in one sentence."""

# Facts
#   Klein answers chunked unless Content-Length is set, and a browser shows what it likes unless Content-Type is told to hold.
#   Where a page must send no Referer at all, browsers send `Origin: null` with its forms, which the walls refuse.

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast
from uuid import uuid4

from klein import Klein
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.iweb import IRequest
from werkzeug.exceptions import MethodNotAllowed, NotFound

from pylpaca.errors import BadRequest
from pylpaca.network import client_of

log = Logger()

JSON = "application/json; charset=utf-8"
HTML = "text/html; charset=utf-8"
TEXT = "text/plain; charset=utf-8"
PAGE_POLICY = b"default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"


def respond(request: IRequest, body: bytes, content_type: str, status: int = 200, allow: Sequence[str] = ()) -> bytes:
    """Set the head of an answer, so that it goes out in one piece with its length."""
    set_head(request, content_type, len(body), status)
    if allow:
        request.setHeader(b"allow", ", ".join(allow).encode())
    return body


def set_head(request: IRequest, content_type: str, length: int | None, status: int = 200) -> None:
    """Set the head of an answer; without a length it ends where the connection says so."""
    request.setResponseCode(status)
    request.setHeader(b"content-type", content_type.encode())
    if length is not None:
        request.setHeader(b"content-length", b"%d" % length)
    request.setHeader(b"x-content-type-options", b"nosniff")
    if content_type == HTML:
        request.setHeader(b"content-security-policy", PAGE_POLICY)
        request.setHeader(b"x-frame-options", b"DENY")
        request.setHeader(b"referrer-policy", b"same-origin")


def refused(request: IRequest, error: BadRequest) -> bytes:
    """A refusal: its sentence as text."""
    return respond(request, error.sentence.encode() + b"\n", TEXT, error.status, error.allow)


def wrong_verb(request: IRequest, allow: Sequence[str]) -> bytes:
    """What a path is for, said to who asked otherwise."""
    path = request.path.decode("ascii", "replace")
    verb = request.method.decode("ascii", "replace")
    return refused(request, BadRequest(f"{path} is for {' and '.join(allow)}, not {verb[:20]}", 405, allow))


def nothing_here(request: IRequest) -> bytes:
    """That a path leads nowhere."""
    path = request.path.decode("ascii", "replace")[:80]
    return refused(request, BadRequest(f"there is nothing at {path}; /setup says what is here", 404))


def peer_of(request: IRequest) -> str:
    """The client's address."""
    return client_of(str(getattr(request.getClientAddress(), "host", "")))


def with_refusals(app: Klein) -> Klein:
    """Have the routes of a Klein app refuse in sentences: what cannot be read, what is not there, what fails."""

    @app.handle_errors(BadRequest)
    def unreadable(self: Any, request: IRequest, failure: Failure) -> bytes:
        return refused(request, cast(BadRequest, failure.value))

    @app.handle_errors(MethodNotAllowed)
    def no_such_verb(self: Any, request: IRequest, failure: Failure) -> bytes:
        return wrong_verb(request, sorted(cast(MethodNotAllowed, failure.value).valid_methods or ()))

    @app.handle_errors(NotFound)
    def no_such_path(self: Any, request: IRequest, failure: Failure) -> bytes:
        return nothing_here(request)

    @app.handle_errors(Exception)
    def broken(self: Any, request: IRequest, failure: Failure) -> bytes:
        mark = uuid4().hex[:8]  # so that what a client shows can be found in the log
        log.failure("{path} failed, {mark}", failure, path=request.path, mark=mark)
        return respond(request, f"the server failed; in its log: {mark}\n".encode(), TEXT, 500)

    app.url_map.merge_slashes = False  # a path is never redirected
    return app
