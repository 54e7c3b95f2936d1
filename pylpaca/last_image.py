"""The last image of a camera for people: its preview, made once for all who look, and its file."""

# Facts
#   The frame itself stays the camera's: it is fetched anew for each use, which costs nothing; only what is made of it is kept.
#   A driver with an ImageArray of its own converts it each time; for one exposure that is done once.

from __future__ import annotations

from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast
from weakref import WeakKeyDictionary

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from pylpaca import circumstances, fits
from pylpaca.calls import within
from pylpaca.device import Camera
from pylpaca.dispatch import call
from pylpaca.errors import AlpacaError, InvalidOperation
from pylpaca.fits import Card
from pylpaca.interfaces import ICamera, operations
from pylpaca.questions import Questions
from pylpaca.roster import Entry, Roster
from pylpaca.threads import InThread
from pylpaca.values import Frame, SensorType

if TYPE_CHECKING:
    from pylpaca.preview import Preview

T = TypeVar("T")

PATIENCE = 90.0  # seconds for a driver that fetches its image from the camera when it is asked for


class _Once(Generic[T]):
    """What is made once, for all who want it."""

    def __init__(self, making: Coroutine[Any, Any, T]) -> None:
        self._made: list[T | Failure] = []
        self._waiting: list[Deferred[T]] = []
        Deferred.fromCoroutine(making).addBoth(self._arrived)

    @property
    def has_failed(self) -> bool:
        """Whether it could not be made."""
        return bool(self._made) and isinstance(self._made[0], Failure)

    def wanted(self) -> Deferred[T]:
        """Fires when it is made; who waits may cancel that."""
        waiting: Deferred[T] = Deferred(lambda _: None)
        if self._made:
            waiting.callback(cast(T, self._made[0]))
        else:
            self._waiting.append(waiting)
        return waiting

    def _arrived(self, made: T | Failure) -> None:
        self._made.append(made)
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each.callback(cast(T, made))


@dataclass
class _Look:
    """What was made of one exposure."""

    mark: str
    cards: _Once[list[Card]]
    preview: _Once[Preview] | None = None


@dataclass(frozen=True)
class File:
    """An image as a FITS file."""

    name: str
    length: int
    pieces: Iterator[bytes | memoryview]


def _preview(frame: Frame, mosaic: SensorType, offset: tuple[int, int]) -> Preview:
    from pylpaca.preview import preview  # with numpy: not before there is an image

    return preview(frame, mosaic, offset)


class LastImages:
    """Those of all cameras of a server."""

    def __init__(self, roster: Roster, questions: Questions, clock: IReactorTime, in_thread: InThread) -> None:
        self._roster, self._questions, self._clock, self._in_thread = roster, questions, clock, in_thread
        self._looks: WeakKeyDictionary[Any, _Look] = WeakKeyDictionary()

    async def mark(self, camera: Entry) -> str:
        """
        What tells the last image from all others.

        :raises AlpacaError: there is none now.
        """
        return (await self._look(camera)).mark

    async def preview(self, camera: Entry) -> Preview:
        """
        Its picture and its histogram.

        :raises AlpacaError: there is no image now.
        """
        look = await self._look(camera)
        if look.preview is None or look.preview.has_failed:
            look.preview = _Once(self._made(camera))
        return await look.preview.wanted()

    async def file(self, camera: Entry) -> File:
        """
        The whole image, with what is known of how it was taken.

        :raises AlpacaError: there is no image now.
        """
        look = await self._look(camera)
        cards = await look.cards.wanted()
        highest = (await circumstances.said_of(camera, self._questions))["MaxADU"]
        frame = await self._frame(camera)
        head = fits.header(frame, cards, highest)
        began = next((str(each.value) for each in cards if each.keyword == "DATE-OBS"), "image")
        name = f"{camera.kind}{camera.number}_{began.partition('.')[0].replace(':', '-')}.fits"
        return File(name, fits.length(head, frame, highest), fits.pieces(head, frame, highest))

    async def _look(self, camera: Entry) -> _Look:
        """What was made of the last exposure so far; the first time, what others say of it is asked."""
        driver = _driver(camera)
        said = await circumstances.said_of(camera, self._questions)
        (ready,) = (await self._questions.ask(camera, [("ImageReady", ())])).values()
        if isinstance(ready, AlpacaError):
            raise ready
        if not ready:
            raise InvalidOperation("there is no image yet")
        exposure = (camera.kind, camera.number, driver.link.openings, said["LastExposureStartTime"], said["LastExposureDuration"])
        mark = sha256(repr(exposure).encode()).hexdigest()[:16]
        look = self._looks.get(driver)
        if look is None or look.mark != mark:
            look = self._looks[driver] = _Look(mark, _Once(circumstances.cards(camera, self._roster, self._questions)))
        return look

    async def _made(self, camera: Entry) -> Preview:
        driver = _driver(camera)
        frame = await self._frame(camera)
        mosaic, offset = circumstances.mosaic_of(await circumstances.said_of(camera, self._questions), driver)
        return await self._in_thread(_preview, frame, mosaic, offset)

    async def _frame(self, camera: Entry) -> Frame:
        driver = _driver(camera)
        answer = call(driver, operations(ICamera)["ImageArray"], {}, until=driver.clock.seconds() + PATIENCE)
        if isinstance(answer, Deferred):
            answer = await within(self._clock, PATIENCE, answer, f"ImageArray of {driver.name}")
        assert isinstance(answer, Frame)
        return answer


def _driver(camera: Entry) -> Camera:
    assert isinstance(camera.driver, Camera)
    return camera.driver
