"""The Alpaca envelope with falcon (WSGI) and bjoern, a server written in C."""

from __future__ import annotations

import sys
from itertools import count
from pathlib import Path

import bjoern
import falcon
from falcon import Request, Response

devices: dict[tuple[str, int], dict[str, float]] = {("telescope", 0): {"rightascension": 5.575, "targetdeclination": 0.0}}
transactions = count(1)


class Member:
    """A property of a device."""

    def on_get(self, request: Request, response: Response, device_type: str, device_number: int, member: str) -> None:
        response.media = {
            "Value": devices[device_type, device_number][member],
            "ClientTransactionID": request.get_param_as_int("ClientTransactionID", default=0),
            "ServerTransactionID": next(transactions),
            "ErrorNumber": 0,
            "ErrorMessage": "",
        }

    def on_put(self, request: Request, response: Response, device_type: str, device_number: int, member: str) -> None:
        form = request.get_media()
        devices[device_type, device_number][member] = float(form["TargetDeclination"])
        response.media = {
            "ClientTransactionID": int(form.get("ClientTransactionID", 0)),
            "ServerTransactionID": next(transactions),
            "ErrorNumber": 0,
            "ErrorMessage": "",
        }


class ImageArray:
    """An image that is ready."""

    def __init__(self, image: bytes) -> None:
        self._image = image

    def on_get(self, request: Request, response: Response) -> None:
        response.content_type = "application/imagebytes"
        response.data = self._image


app = falcon.App()
app.add_route("/api/v1/{device_type}/{device_number:int}/{member}", Member())
if len(sys.argv) > 2:
    app.add_route("/api/v1/camera/0/imagearray", ImageArray(Path(sys.argv[2]).read_bytes()))
bjoern.run(app, "127.0.0.1", int(sys.argv[1]))
