"""What programs ask that look after servers: /metrics for Prometheus, /health for whoever asks whether all is well."""

from __future__ import annotations

import json

from klein import Klein
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.web.iweb import IRequest

from pylpaca.answers import JSON, respond, with_refusals
from pylpaca.pages.observatory import Observatory
from pylpaca.viewing import CONNECTED
from pylpaca.watching.checkup import permanent, verdict
from pylpaca.watching.metrics import CONTENT_TYPE, Figures, pieces


class Metrics:
    """Serves the figures of the server; each time they are asked for, so is each device, once."""

    app = with_refusals(Klein())
    DEVICES_WITHIN = 2.0  # seconds; what a device has not answered then is left out

    def __init__(self, observatory: Observatory) -> None:
        self._observatory = observatory

    @app.route("/metrics", methods=["GET"])
    def metrics(self, request: IRequest) -> Deferred[bytes]:
        """The text."""
        return Deferred.fromCoroutine(self._metrics(request))

    async def _metrics(self, request: IRequest) -> bytes:
        observatory, records = self._observatory, self._observatory.records
        views = await observatory.viewing.answering(self.DEVICES_WITHIN)
        states = {view.device: {name: each.value for name, each in view.values.items() if name != CONNECTED} for view in views}
        figures = Figures(
            observatory.roster, records.counts, records.lateness, records.connections, records.refused, records.began
        )
        body = []
        written = 0
        for piece in pieces(figures, states):
            body.append(piece)
            written += len(piece)
            if written > AT_ONCE:  # others have their turn
                written = 0
                await deferLater(observatory.clock, 0)
        return respond(request, "".join(body).encode(), CONTENT_TYPE)


AT_ONCE = 1 << 13  # characters, which take half a millisecond


class Health:
    """Serves the answer to whether all is well."""

    app = with_refusals(Klein())
    DEVICES_WITHIN = 1.0  # seconds; what a device said before counts then

    def __init__(self, observatory: Observatory) -> None:
        self._observatory = observatory

    @app.route("/health", methods=["GET"])
    def health(self, request: IRequest) -> Deferred[bytes]:
        """The answer: 200 if it is, 503 if not."""
        return Deferred.fromCoroutine(self._health(request))

    async def _health(self, request: IRequest) -> bytes:
        observatory, records = self._observatory, self._observatory.records
        names = [f"{entry.kind}/{entry.number}" for entry in permanent(observatory.roster)]
        await observatory.viewing.answering(self.DEVICES_WITHIN, names)
        views = observatory.viewing.latest()
        status, found = verdict(observatory.roster, views, records.uptime, records.lateness.longest())
        request.setHeader(b"cache-control", b"no-store")
        return respond(request, json.dumps(found).encode() + b"\n", JSON, status)
