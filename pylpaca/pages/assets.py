"""The files that pages are made with: one stylesheet, one script."""

from __future__ import annotations

from hashlib import sha256
from importlib.resources import files

from klein import Klein
from twisted.web.http import CACHED
from twisted.web.iweb import IRequest

from pylpaca.answers import respond, with_refusals

TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}


class Assets:
    """Serves them; a browser keeps each, and asks whether it is still the same."""

    app = with_refusals(Klein())

    def __init__(self, _: object = None) -> None:
        folder = files("pylpaca.pages") / "assets"
        self._files = {each.name: each.read_bytes() for each in folder.iterdir() if each.name.rpartition(".")[2] in TYPES}

    @app.route("/assets/<name>", methods=["GET"])
    def file(self, request: IRequest, name: str) -> bytes:
        """One file."""
        body = self._files.get(name)
        if body is None:
            return respond(request, f"there is no /assets/{name[:60]}\n".encode(), "text/plain; charset=utf-8", 404)
        request.setHeader(b"cache-control", b"no-cache")
        if request.setETag(sha256(body).hexdigest()[:16].encode()) is CACHED:
            return b""
        return respond(request, body, TYPES[name.rpartition(".")[2]])
