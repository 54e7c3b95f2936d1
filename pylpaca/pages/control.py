"""The pages at /control: a hand box for each device, and what is to be seen of a camera's last image."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any, TypeVar

from klein import Klein
from twisted.internet.defer import Deferred
from twisted.web.http import CACHED
from twisted.web.iweb import IRequest
from twisted.web.template import Tag, tags

from pylpaca import fits
from pylpaca.answers import HTML, TEXT, respond, set_head, with_refusals
from pylpaca.calls import settle, shielded
from pylpaca.device import Camera
from pylpaca.errors import AlpacaError, BadRequest
from pylpaca.interfaces import Operation, operations
from pylpaca.interfaces.rules import NamesSensor, Within
from pylpaca.last_image import File, LastImages
from pylpaca.pages.hand_boxes import HAND_BOXES
from pylpaca.pages.layout import page
from pylpaca.pages.observatory import Observatory
from pylpaca.pages.sections import connection, everything_else, section, stops, way_to_everything_else
from pylpaca.pages.widgets import Box, is_identified, is_plain_value
from pylpaca.questions import Question
from pylpaca.roster import Entry
from pylpaca.sending import Sending
from pylpaca.viewing import CONNECTED, View

SVG = "image/svg+xml"
NO_IMAGE = (
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 60"><text x="200" y="36" text-anchor="middle" fill="#909090" '
    b'font-family="system-ui, sans-serif" font-size="18">There is no image now</text></svg>\n'
)
LATER = "Connect the device: what it can do is known then."

Answer = bytes | Deferred[bytes]
T = TypeVar("T")


class Control:
    """Serves them."""

    app = with_refusals(Klein())

    def __init__(self, observatory: Observatory) -> None:
        self._observatory = observatory
        self._questions = observatory.questions
        in_thread = observatory.own_thread("previews")
        self._images = LastImages(observatory.roster, observatory.questions, observatory.clock, in_thread)

    @app.route("/control/v1/<kind>/<number>", methods=["GET"])
    def hand_box(self, request: IRequest, kind: str, number: str) -> Answer:
        """The page of a device."""
        entry = self._observatory.roster.find(kind, number)
        if entry is None:
            sorry = tags.p(f"There is no {kind[:40]} {number[:40]} here. ", tags.a("All devices", href="/"))
            return respond(request, page("Not here", sorry), HTML, 404)
        return _answered(self._page(request, entry, _hand_box))

    @app.route("/control/v1/<kind>/<number>/everything", methods=["GET"])
    def everything(self, request: IRequest, kind: str, number: str) -> Answer:
        """What the page of a device does not show."""
        entry = self._observatory.roster.find(kind, number)
        if entry is None:
            raise BadRequest(f"there is no {kind[:40]} {number[:40]} here", 404)
        return _answered(self._page(request, entry, _everything))

    async def _page(self, request: IRequest, entry: Entry, inside: Callable[[Box], list[Tag]]) -> bytes:
        (view,) = await self._observatory.viewing.now([f"{entry.kind}/{entry.number}"])
        is_connected = entry.driver.link.is_open
        answers = dict(await self._questions.ask(entry, _questions_of(entry, is_connected)))
        if is_connected:
            some = Box(entry, answers, is_connected)
            answers |= await self._questions.ask(entry, _questions_of_each(some))
        request.setHeader(b"cache-control", b"no-store")
        return respond(request, _page(Box(entry, answers, is_connected), view, inside), HTML)

    @app.route("/control/v1/camera/<number>/preview", methods=["GET"])
    def preview(self, request: IRequest, number: str) -> Answer:
        """The last image, small and stretched."""
        return _answered(self._picture(request, number, "image/png"))

    @app.route("/control/v1/camera/<number>/histogram", methods=["GET"])
    def histogram(self, request: IRequest, number: str) -> Answer:
        """How many of its pixels have which count."""
        return _answered(self._picture(request, number, SVG))

    async def _picture(self, request: IRequest, number: str, kind: str) -> bytes:
        camera = self._camera(number)
        request.setHeader(b"cache-control", b"no-cache")
        try:
            if request.setETag((await self._images.mark(camera)).encode()) is CACHED:
                return b""
            made = await self._images.preview(camera)
        except AlpacaError:
            return respond(request, NO_IMAGE, SVG)
        return respond(request, made.svg if kind == SVG else made.png, kind)

    @app.route("/control/v1/camera/<number>/image.fits", methods=["GET"])
    def image(self, request: Any, number: str) -> Answer:
        """The last image, whole."""
        file = _answered(self._image(request, self._camera(number)))
        if isinstance(file, Deferred):
            return file.addCallback(lambda found: self._sent(request, found))
        return self._sent(request, file)

    async def _image(self, request: Any, camera: Entry) -> File | bytes:
        try:
            return await self._images.file(camera)
        except AlpacaError as error:
            return respond(request, f"{error.sentence}\n".encode(), TEXT, 409)

    def _sent(self, request: Any, file: File | bytes) -> Answer:
        if isinstance(file, bytes):
            return file
        set_head(request, fits.TYPE, file.length)
        request.setHeader(b"content-disposition", f'attachment; filename="{file.name}"'.encode())
        request.setHeader(b"cache-control", b"no-store")
        if request.method == b"HEAD" or request.channel is None:  # or it is gone
            return b""
        sending = Sending(request, file.pieces, self._observatory.clock, True, fits.PIECE)
        return sending.done.addCallback(lambda _: b"")

    def _camera(self, number: str) -> Entry:
        entry = self._observatory.roster.find("camera", number)
        if entry is None or not isinstance(entry.driver, Camera):
            raise BadRequest(f"there is no camera {number[:40]} here", 404)
        return entry


def _answered(answer: Coroutine[Any, Any, T]) -> T | Deferred[T]:
    """At once where no device had to be waited for; a client that hangs up ends nothing but its own waiting."""
    found = settle(answer)
    return shielded(found) if isinstance(found, Deferred) else found


def _questions_of(entry: Entry, is_connected: bool) -> list[Question]:
    """All that has an answer without saying more, and can be asked now."""
    return [
        (method, ())
        for method, each in operations(entry.driver.interface).items()
        if is_plain_value(each) and (is_connected or each.while_disconnected)
    ]


def _questions_of_each(box: Box) -> list[Question]:
    """What is to be known of each of several things, as axes, switches and sensors."""
    return [
        (method, (which,))
        for method, each in box.operations.items()
        if each.verb == "GET" and len(each.parameters) == 1
        for which in _things(box, each)
    ]


def _things(box: Box, operation: Operation) -> Sequence[Any]:
    """Which things the first parameter of an operation can mean; none if it means no thing."""
    for rule in operation.rules:
        if isinstance(rule, NamesSensor):
            return [each for each in rule.sensors if box.has(each)]
        if isinstance(rule, Within) and is_identified(operation) and isinstance(rule.high, str):
            return range(box.value(rule.high) or 0)
    return list(operation.parameters[0].kind) if is_identified(operation) else ()


def _page(box: Box, view: View, inside: Callable[[Box], list[Tag]]) -> bytes:
    device = box.device
    connecting = connection(box, view)
    shut = {} if box.is_connected else {"disabled": "disabled"}
    whole = tags.div(
        tags.p(f"{box.entry.type_name} {box.entry.number} · {box.value('Description') or ''}", class_="about"),
        connecting,
        *([] if box.is_connected else [tags.p(LATER, class_="warning")]),
        Tag("fieldset")(*inside(box), class_="hand-box", **shut),
        *stops(box),
        **{"data-reload": f"{device}/{CONNECTED}", "data-was": str(box.is_connected).lower()},
    )
    return page(box.entry.driver.name, whole, events=f"devices={device}")


def _hand_box(box: Box) -> list[Tag]:
    return [*_sections(box), way_to_everything_else(f"/control/v1/{box.device}/everything")]


def _everything(box: Box) -> list[Tag]:
    list(_sections(box))  # what these show is not shown again
    return everything_else(box)


def _sections(box: Box) -> Iterable[Tag]:
    box.shown.update(each.method for each in box.operations.values() if each.stops and not each.parameters)
    for each in HAND_BOXES.get(box.entry.kind, ()):
        yield from section(box, each)
