"""What a device request is answered: the order of the checks, the call of the driver, and the envelope of its answer."""

# Facts
#   Order (both fact sheets of the official checker): path, verb, ids, parameters (refused as text with HTTP 400 or 405); then, as
#   refusals of the device with HTTP 200: not connected 0x407, capability 0x400, value 0x401, state; then the call.

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple, TypeVar
from uuid import uuid4

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from pylpaca.calls import Soon, as_deferred, passed_on, perform, perform_plain, shielded, within
from pylpaca.config import nearest
from pylpaca.device import Camera, Device
from pylpaca.errors import AlpacaError, BadRequest, DriverError, NotConnected, Unavailable, spent
from pylpaca.health import Health, Latest
from pylpaca.imagebytes import is_wanted
from pylpaca.interfaces import DEVICE_TYPES, Operation, operations
from pylpaca.interfaces.declaration import ORDINARY_DEADLINE
from pylpaca.link import Holder
from pylpaca.motions import Motion
from pylpaca.pending import Pending
from pylpaca.protocol import Ids, ImageAnswer, image, read_arguments, read_fields, read_ids, refusal, success, written
from pylpaca.repeats import Repeats
from pylpaca.roster import Entry, Roster
from pylpaca.shared_answers import as_order
from pylpaca.values import Frame

log = Logger()

T = TypeVar("T")

STOP_WAITS = 1.0  # seconds, for what the rules of a stop ask of the device

Answer = bytes | ImageAnswer  # JSON, or an image in pieces


class Request(NamedTuple):  # as all that is made for each request: a frozen dataclass takes three times as long
    """A request as it came in, before anything of it is believed."""

    verb: str
    kind: str
    number: str
    member: str
    query: bytes = b""
    body: bytes = b""
    content_type: str = ""
    accept: str = ""
    peer: str = ""


class Answered(NamedTuple):
    """A request of a device that was answered."""

    request: Request
    ids: Ids
    server_transaction: int
    error: int  # ErrorNumber
    seconds: float  # until the answer was there
    sentence: str = ""  # ErrorMessage


class _Place(NamedTuple):
    """What one verb on one path means."""

    entry: Entry
    operation: Operation
    health: Health
    seconds: float  # until its client is told that there is no answer


def _paths(kind: str) -> Mapping[str, Mapping[str, Operation]]:
    """The members of a device type by their URL, each with its operation by verb."""
    members: dict[str, dict[str, Operation]] = {}
    for operation in operations(DEVICE_TYPES[kind]).values():
        members.setdefault(operation.path, {})[operation.verb] = operation
    return members


class Dispatcher:
    """
    Answers device requests, none of which it lets wait for ever.

    :param answered: is told of each that was answered.
    :param heard: is told whenever a client asks a device for anything.
    :ivar pending: the calls that drivers have not answered.
    :ivar latest: the call that began last.
    """

    def __init__(
        self,
        roster: Roster,
        clock: IReactorTime,
        next_transaction: Callable[[], int],
        answered: Callable[[Answered], None] | None = None,
        heard: Callable[[], None] | None = None,
    ) -> None:
        self._roster, self.clock, self._next_transaction, self.answered = roster, clock, next_transaction, answered
        self._heard = heard
        self._places: dict[tuple[str, ...], _Place] = {}  # that were asked for, by verb and path
        self._members = {kind: _paths(kind) for kind in DEVICE_TYPES}
        self._health = {(each.kind, each.number): Health(each.driver.name, clock) for each in roster}
        roster.replaced.append(self._forget)
        self.logged = Repeats(clock)
        self.pending = Pending()
        self.latest = Latest()

    def health_of(self, entry: Entry) -> Health:
        """How a device answers."""
        return self._health[entry.kind, entry.number]

    def verbs(self, kind: str, number: str, member: str) -> Mapping[str, Operation]:
        """
        The operations behind a path, by verb.

        :raises BadRequest: there is no such device or member.
        """
        return self._find(kind, number, member)[1]

    def answer(self, request: Request) -> Answer | Deferred[Answer]:
        """
        What answers a request, at once or later; the Deferred never fails and may be cancelled without harm.

        :raises BadRequest: the request cannot be read.
        """
        entry, operation, health, seconds = self._places.get(request[:4]) or self._place(request)
        fields = read_fields(request.verb, request.query, request.body, request.content_type)
        ids = read_ids(request.verb, fields)
        arguments = read_arguments(operation, fields)
        if self._heard is not None:
            self._heard()
        holder = (request.peer, ids.client) if ids.client else None
        began = self.clock.seconds() if self.answered is not None else 0.0
        under_way = _Call(self, request, entry, operation, ids, self._next_transaction(), began)
        driver, asked = entry.driver, None
        openings = driver.link.openings
        joins = driver.shared_answers.calls and _joins(driver, operation, arguments)
        if not health.is_well(openings):
            try:
                asked = health.begin(operation, arguments, openings, bool(joins))
            except DriverError:
                return under_way.failed(Failure())
        self.latest.device, self.latest.method = driver, operation.method
        try:
            result = call(driver, operation, arguments, holder, driver.clock.seconds() + seconds)
        except Exception:
            if asked is not None:
                health.answered(asked)
            return under_way.failed(Failure())
        if not isinstance(result, Deferred):
            if asked is not None:
                health.answered(asked)
            return under_way.succeeded(result)
        if asked is None:
            asked = health.begin(operation, arguments, openings, bool(joins))
        result.addBoth(passed_on, health.answered, asked)
        what = f"{operation.member} of {driver.name}"
        pending = self.pending.add(result, what)

        def expired() -> None:
            health.expired(asked)
            if operation.verb == "GET":  # what nobody waits for any more, and moves nothing, is not waited for at the end either
                self.pending.forget(pending)
            else:
                driver.shared_answers.changed()  # for its client it is over

        waiting = within(self.clock, seconds, pending, what, expired)
        return shielded(waiting.addCallbacks(under_way.succeeded, under_way.failed))

    def _place(self, request: Request) -> _Place:
        entry, by_verb = self._find(request.kind, request.number, request.member)
        operation = by_verb.get(request.verb)
        if operation is None:
            allow = sorted(by_verb)
            raise BadRequest(f"{request.member} is for {' and '.join(allow)}, not {request.verb}", 405, allow)
        seconds = operation.deadline
        if entry.deadline is not None and seconds == ORDINARY_DEADLINE:
            seconds = entry.deadline
        place = _Place(entry, operation, self._health[entry.kind, entry.number], seconds)
        if request.number == str(entry.number):  # other ways to write it are not remembered: there are many
            self._places[request[:4]] = place
        return place

    def _forget(self, entry: Entry) -> None:
        """Another driver is at this place now: what the last one did not answer says nothing about it."""
        self._health[entry.kind, entry.number] = Health(entry.driver.name, self.clock)
        self._places.clear()

    def _find(self, kind: str, number: str, member: str) -> tuple[Entry, Mapping[str, Operation]]:
        members = self._members.get(kind)
        if members is None:
            raise BadRequest(f"there is no device type {kind[:40]!r}; {nearest(kind, self._members)}")
        entry = self._roster.find(kind, number)
        if entry is None:
            have = ", ".join(f"{kind} {each}" for each in self._roster.numbers(kind)) or "none"
            raise BadRequest(f"there is no {kind} {number[:40]}; of this type the server has: {have}")
        by_verb = members.get(member)
        if by_verb is None:
            raise BadRequest(f"{kind} has no member {member[:40]!r}; {nearest(member, members)}")
        return entry, by_verb


def _joins(driver: Device, operation: Operation, arguments: dict[str, Any]) -> bool:
    """Whether it is answered without one more call of the driver."""
    return operation.verb == "GET" and driver.shared_answers.find(operation, arguments) is not None


def call(
    driver: Device,
    operation: Operation,
    arguments: dict[str, Any],
    holder: Holder | None = None,
    until: float = math.inf,
    wanted: Callable[[], bool] = lambda: True,
) -> Any:
    """
    One call of a device: is it connected, do the rules and the interlocks allow it, then the driver.

    :param holder: who asks, if it can hold the link.
    :param until: when its client gives up, on the driver's clock.
    :param wanted: whether it may still begin after the rules have been waited for.
    :returns: what the driver gave, or a Deferred of it.
    :raises AlpacaError: the device refuses; or the Deferred fails with it.
    """
    if holder is not None:
        driver.link.heard(holder)
    if operation.verb == "GET":
        return _asked(driver, operation, arguments, until)
    return as_order(driver.shared_answers.changed, partial(_told, driver, operation, arguments, holder, until, wanted))


def _asked(driver: Device, operation: Operation, arguments: dict[str, Any], until: float) -> Any:
    """What answers a question, which moves nothing: others who ask the same may wait for it longer than who began."""
    link, answers = driver.link, driver.shared_answers
    if not (operation.while_disconnected or link.is_open):
        raise _not_connected(driver)
    if answers.calls and (shared := answers.find(operation, arguments)) is not None:
        return shared.answer()
    if operation.is_plain:
        answer = perform_plain(driver, operation, arguments)
    else:
        answer = perform(
            driver, operation, arguments, _always if operation.while_disconnected else partial(link.is_still, link.openings)
        )
    if operation.returns is Frame:
        answer = _with_frame(driver, answer)
    return answers.share(operation, arguments, answer, until) if isinstance(answer, Deferred) else answer


def _always() -> bool:
    return True


def _not_connected(driver: Device) -> NotConnected:
    why = f": {driver.link.failure.sentence}" if driver.link.failure else "; connect it first"
    return NotConnected(f"{driver.name} is not connected{why}")


def _told(
    driver: Device,
    operation: Operation,
    arguments: dict[str, Any],
    holder: Holder | None,
    until: float,
    wanted: Callable[[], bool],
) -> Any:
    if operation.method == "SetConnected":
        return as_deferred(driver.link.bring(arguments["Connected"], holder))
    if operation.method in ("Connect", "Disconnect"):
        return driver.link.vote(operation.method == "Connect", holder)
    if not (operation.while_disconnected or driver.link.is_open):
        raise _not_connected(driver)
    if operation.is_plain and driver.link.motions.guard is None:
        return perform_plain(driver, operation, arguments)
    openings = driver.link.openings

    def still_wanted() -> bool:
        """Nothing begins to move after its client was told that it failed, or after a disconnect."""
        return driver.clock.seconds() < until and (operation.while_disconnected or driver.link.is_open) and wanted()

    def same_link() -> bool:
        return driver.link.is_still(openings)

    soon, motions = None, driver.link.motions
    if operation.only_stops(arguments):
        motions.stop(operation, arguments)
        now = driver.clock.seconds()
        soon = _giving_up_at(driver, operation, min(now + STOP_WAITS, (now + until) / 2))
    elif (check := motions.guard and motions.guard(operation, arguments)) is not None or operation.moves:
        motion = Motion(operation, arguments)

        def may_begin() -> bool:
            return still_wanted() and motions.may_begin(motion)

        return motions.run(motion, lambda: perform(driver, operation, arguments, may_begin, same_link, check))
    return perform(driver, operation, arguments, still_wanted, same_link, soon=soon)


def _giving_up_at(driver: Device, operation: Operation, moment: float) -> Soon:
    def soon(looking: Deferred[None]) -> Deferred[None]:
        left = max(moment - driver.clock.seconds(), 0.0)
        return within(driver.clock, left, looking, f"{driver.name} to what {operation.member} depends on")

    return soon


def _with_frame(driver: Device, answer: Any) -> Any:
    """An image as it can be sent; a driver with an ImageArray of its own may give it as the camera has it."""
    assert isinstance(driver, Camera)
    if isinstance(answer, Deferred):
        return answer.addCallback(lambda given: _with_frame(driver, given))
    return answer if isinstance(answer, Frame) else driver.frame_of(answer)


class _Call(NamedTuple):
    """One call under way, and how its end is told."""

    dispatcher: Dispatcher
    request: Request
    entry: Entry
    operation: Operation
    ids: Ids
    server_transaction: int
    began: float

    def succeeded(self, value: Any) -> Answer:
        try:
            value = written(self.operation, value)
            if isinstance(value, Frame):
                answer: Answer = image(self.ids, self.server_transaction, value, is_wanted(self.request.accept))
            else:
                answer = success(self.operation, self.ids, self.server_transaction, value)
        except (Exception, SystemExit):  # what a driver gave can fail while it is looked at
            return self.failed(Failure())
        self._tell()
        return answer

    def failed(self, failure: Failure) -> bytes:
        error = self._explained(failure)
        if failure.value is not None:
            spent(failure.value)
        self._tell(error.number, error.sentence)
        return refusal(self.operation, self.ids, self.server_transaction, error)

    def _tell(self, error: int = 0, sentence: str = "") -> None:
        tell = self.dispatcher.answered
        if tell is not None:
            seconds = self.dispatcher.clock.seconds() - self.began
            tell(Answered(self.request, self.ids, self.server_transaction, error, seconds, sentence))

    def _explained(self, failure: Failure) -> AlpacaError:
        error = failure.value
        if isinstance(error, DriverError) and not isinstance(error, Unavailable):
            told = (self._device, self.operation.method, str(error))
            if self.dispatcher.logged.is_new(told):
                log.error("{device} {member}: {reason}", device=told[0], member=told[1], reason=told[2])
        if isinstance(error, AlpacaError):
            return error
        mark = uuid4().hex[:8]  # so that what a client shows can be found in the log
        log.failure("{device} {member} failed, {mark}", failure, device=self._device, member=self.operation.method, mark=mark)
        return DriverError(f"{self.operation.member}: {type(error).__name__}: {_text(error)} (in the server's log: {mark})")

    @property
    def _device(self) -> str:
        return f"{self.entry.kind}/{self.entry.number}"


def _text(error: BaseException | None) -> str:
    try:
        return str(error)
    except Exception:
        return "its text cannot be read"
