"""What /events streams: what changes, as it changes, to each page that is looked at."""

# Facts
#   A browser opens a stream again by itself when it ends, unless the answer was a refusal. It opens six connections to a server
#   at most, whatever number of pages it shows.
#   The transport asks a producer to pause once it holds more than 64 KiB that the client has not taken.

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from klein import Klein
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IPushProducer
from twisted.web.iweb import IRequest
from zope.interface import implementer

from pylpaca.answers import respond, set_head, with_refusals
from pylpaca.errors import BadRequest
from pylpaca.pages.observatory import Observatory
from pylpaca.viewing import event
from pylpaca.watching.recent import read_filter
from pylpaca.watching.tail import Tail, Wanted

EVENTS = "text/event-stream; charset=utf-8"
SERVER_EVERY = 5.0  # seconds; also what tells a stream that nobody reads any more from one on which nothing happens


class Events:
    """Serves the streams."""

    app = with_refusals(Klein())

    def __init__(self, observatory: Observatory) -> None:
        self._observatory = observatory
        self._streams: set[Stream] = set()
        self._next: IDelayedCall | None = None

    @app.route("/events", methods=["GET"])
    def events(self, request: Any) -> bytes | Deferred[bytes]:
        """One stream, which ends with its client, or with the server."""
        wanted = _wanted(request, self._observatory.viewing.devices)
        tail = _wanted_tail(request)
        request.setHeader(b"cache-control", b"no-store")
        request.setHeader(b"x-accel-buffering", b"no")  # nginx would keep the events until there are many
        if request.method == b"HEAD":
            return respond(request, b"", EVENTS)
        set_head(request, EVENTS, None)
        stream = Stream(request, self._observatory, wanted, tail, self._ended)
        self._streams.add(stream)
        if self._next is None:
            self._next = self._observatory.clock.callLater(SERVER_EVERY, self._tell_of_server)
        stream.begin()
        return stream.done

    def _ended(self, stream: Stream) -> None:
        self._streams.discard(stream)
        if not self._streams and self._next is not None:
            self._next.cancel()
            self._next = None

    def _tell_of_server(self) -> None:
        self._next = self._observatory.clock.callLater(SERVER_EVERY, self._tell_of_server)
        told = [event("server", self._observatory.told)]
        for each in list(self._streams):
            each.send(told)


def _wanted(request: IRequest, devices: Sequence[str]) -> Sequence[str]:
    """
    The devices that a stream is asked for.

    :raises BadRequest: one of them is not here.
    """
    named = (request.args or {}).get(b"devices")
    if not named:
        return devices
    wanted = list(dict.fromkeys(each for each in named[0].decode("ascii", "replace").split(",") if each))
    for each in wanted:
        if each not in devices:
            raise BadRequest(f"there is no {each[:60]} here; devices are {', '.join(devices) or 'none'}")
    return wanted


def _wanted_tail(request: IRequest) -> Wanted:
    """
    What a stream is asked for of the log and of calls.

    :raises BadRequest: that cannot be read.
    """
    given = {name: values[-1].decode("ascii", "replace") for name, values in (request.args or {}).items()}
    since = given.get(b"since", "")
    return Wanted(
        lines=given.get(b"log") == "1",
        calls=given.get(b"calls") == "1",
        which=read_filter(given.get(b"level") or "info", given.get(b"device", ""), given.get(b"client", "")),
        since=int(since) if since.isascii() and since.isdigit() and len(since) < 20 else None,
    )


@implementer(IPushProducer)
class Stream:
    """
    One stream to one page; nothing is kept for a page that does not take it, and one that takes nothing for long is ended.

    :param ended: is told of its end.
    :ivar done: fires when it has ended; who cancels it ends it.
    """

    PATIENCE = 30.0  # seconds

    def __init__(
        self, request: Any, observatory: Observatory, devices: Sequence[str], wanted: Wanted, ended: Callable[[Stream], None]
    ) -> None:
        self._request, self._observatory, self._devices, self._end_of = request, observatory, devices, ended
        self._tail = Tail(observatory.clock, observatory.utc, observatory.records, wanted, self.send)
        self._connections = request.channel.site.open_connections
        self._expiry: IDelayedCall | None = None
        self._over = False
        self.done: Deferred[bytes] = Deferred(lambda _: self._let_go())

    def begin(self) -> None:
        """Say all there is, and from then on what changes."""
        self._request.registerProducer(self, True)
        self._connections.add(self)
        first = self._observatory.viewing.watch(self._devices, self.send)
        self.send([event("server", self._observatory.told), *first, *self._tail.begin()])

    def send(self, events: Sequence[bytes]) -> None:
        """Send these, unless the page has enough to take as it is."""
        if not self._over and self._expiry is None:
            self._request.write(b"".join(events))

    def pauseProducing(self) -> None:
        """The page takes less than it is sent."""
        if self._expiry is None and not self._over:
            self._expiry = self._observatory.clock.callLater(self.PATIENCE, self._request.channel.forceAbortClient)

    def resumeProducing(self) -> None:
        """The page took everything so far: it is told how all is now, whatever it missed."""
        self._patient()
        self.send(self._observatory.viewing.full(self._devices))

    def stopProducing(self) -> None:
        """The page is gone."""
        self._let_go()

    def end_soon(self) -> None:
        """The server stops."""
        if not self._over:
            self._let_go()
            self.done.callback(b"")

    def end_now(self) -> None:
        """The same, whatever is on its way."""
        self.end_soon()

    def _patient(self) -> None:
        if self._expiry is not None and self._expiry.active():
            self._expiry.cancel()
        self._expiry = None

    def _let_go(self) -> None:
        if self._over:
            return
        self._over = True
        self._patient()
        self._observatory.viewing.leave(self.send)
        self._tail.end()
        self._connections.remove(self)
        if self._request.channel is not None:  # else the page is gone
            self._request.unregisterProducer()
        self._end_of(self)
