"""The Alpaca envelope with Klein, without an access log."""

from __future__ import annotations

import json
import sys
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from klein import Klein
from twisted.internet import reactor
from twisted.web.server import Site

app = Klein()
devices: dict[tuple[str, int], dict[str, float]] = {("telescope", 0): {"rightascension": 5.575, "targetdeclination": 0.0}}
transactions = count(1)
image = Path(sys.argv[2]).read_bytes() if len(sys.argv) > 2 else b""


def answer(request: Any, found: dict[str, object]) -> bytes:
    body = json.dumps(found).encode()
    request.setHeader(b"Content-Type", b"application/json")
    request.setHeader(b"Content-Length", b"%d" % len(body))
    return body


@app.route("/api/v1/camera/0/imagearray", methods=["GET"])
def image_array(request: Any) -> bytes:
    request.setHeader(b"Content-Type", b"application/imagebytes")
    request.setHeader(b"Content-Length", b"%d" % len(image))
    return image


@app.route("/api/v1/<device_type>/<int:device_number>/<member>", methods=["GET"])
def get(request: Any, device_type: str, device_number: int, member: str) -> bytes:
    found = {
        "Value": devices[device_type, device_number][member],
        "ClientTransactionID": int(request.args.get(b"ClientTransactionID", [0])[0]),
        "ServerTransactionID": next(transactions),
        "ErrorNumber": 0,
        "ErrorMessage": "",
    }
    return answer(request, found)


@app.route("/api/v1/<device_type>/<int:device_number>/targetdeclination", methods=["PUT"])
def set_target_declination(request: Any, device_type: str, device_number: int) -> bytes:
    form = parse_qs(request.content.read())
    devices[device_type, device_number]["targetdeclination"] = float(form[b"TargetDeclination"][0])
    found = {
        "ClientTransactionID": int(form.get(b"ClientTransactionID", [0])[0]),
        "ServerTransactionID": next(transactions),
        "ErrorNumber": 0,
        "ErrorMessage": "",
    }
    return answer(request, found)


class QuietSite(Site):
    """Writes no access log."""

    def log(self, request: Any) -> None:
        pass


reactor.listenTCP(int(sys.argv[1]), QuietSite(app.resource()), interface="127.0.0.1")  # type: ignore[arg-type]
reactor.run()
