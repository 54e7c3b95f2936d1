"""The Alpaca envelope with one resource of twisted.web, without an access log."""

from __future__ import annotations

import json
import sys
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from twisted.internet import reactor
from twisted.web.resource import Resource
from twisted.web.server import Site

devices: dict[tuple[bytes, bytes], dict[bytes, float]] = {
    (b"telescope", b"0"): {b"rightascension": 5.575, b"targetdeclination": 0.0}
}
transactions = count(1)


class Api(Resource):
    """Everything below /api/v1."""

    isLeaf = True

    def render_GET(self, request: Any) -> bytes:
        device_type, device_number, member = request.postpath
        found = {
            "Value": devices[device_type, device_number][member],
            "ClientTransactionID": int(request.args.get(b"ClientTransactionID", [0])[0]),
            "ServerTransactionID": next(transactions),
            "ErrorNumber": 0,
            "ErrorMessage": "",
        }
        request.setHeader(b"Content-Type", b"application/json")
        return json.dumps(found).encode()

    def render_PUT(self, request: Any) -> bytes:
        device_type, device_number, member = request.postpath
        form = parse_qs(request.content.read())
        devices[device_type, device_number][member] = float(form[b"TargetDeclination"][0])
        found = {
            "ClientTransactionID": int(form.get(b"ClientTransactionID", [0])[0]),
            "ServerTransactionID": next(transactions),
            "ErrorNumber": 0,
            "ErrorMessage": "",
        }
        request.setHeader(b"Content-Type", b"application/json")
        return json.dumps(found).encode()


class ImageArray(Resource):
    """An image that is ready."""

    isLeaf = True

    def __init__(self, image: bytes) -> None:
        super().__init__()
        self._image = image

    def render_GET(self, request: Any) -> bytes:
        request.setHeader(b"Content-Type", b"application/imagebytes")
        return self._image


class QuietSite(Site):
    """Writes no access log."""

    def log(self, request: Any) -> None:
        pass


def below(leaf: Resource, *names: bytes) -> Resource:
    """A resource that has this one at a path."""
    for name in reversed(names):
        above = Resource()
        above.putChild(name, leaf)
        leaf = above
    return leaf


if len(sys.argv) > 2:
    root = below(ImageArray(Path(sys.argv[2]).read_bytes()), b"api", b"v1", b"camera", b"0", b"imagearray")
else:
    root = below(Api(), b"api", b"v1")
reactor.listenTCP(int(sys.argv[1]), QuietSite(root), interface="127.0.0.1")  # type: ignore[arg-type]
reactor.run()
