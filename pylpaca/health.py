"""How a device answers: how many of its calls clients wait for, and what it has stopped answering."""

# Facts
#   A deadline ends the wait of a client, not the call: what a driver has begun runs on, and one that hangs keeps all that.
#   Clients ask again every second: each would wait for the whole deadline, and the driver be handed ever more.
#   Members that need no hardware answer although the device hangs, and so do the other relays of a box of which one is stuck: so
#   what does not answer is told by question, not by device.
#   A driver can lose a call for ever: what is never answered must not count for ever.

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from pylpaca.errors import DriverError, Unavailable
from pylpaca.interfaces import Operation

log = Logger()


class Named(Protocol):
    """A device, as it is called."""

    name: str


@dataclass
class Latest:
    """Which call began last, of all devices: it may be what keeps everything from going on."""

    device: Named | None = None
    method: str = ""

    def __str__(self) -> str:
        return f"{self.device.name} ({self.method})" if self.device is not None else ""


@dataclass(eq=False)
class Call:
    """One call, from when it begins until the driver has answered it, whether its client still waits for that or not."""

    operation: Operation
    question: Hashable
    link: int
    began: float
    is_bounded: bool  # neither a stop nor what describes the device
    joins: bool = False  # it waits for what another one asked the driver
    is_overdue: bool = False


class Health:
    """
    One device's.

    What was not answered in time is asked again from time to time; whoever asks it meanwhile is told so at once. Calls that only
    stop something, or need no device, always get through.
    """

    MOST_WAITING = 32  # calls that clients wait for, those that share one counted once
    MOST_SILENT = 32  # questions; beyond that it is taken to answer none
    MOST_OVERDUE = 32  # orders that the driver has not answered, although nobody waits for them any more
    ASK_AGAIN_AFTER = 10.0  # seconds

    def __init__(self, name: str, clock: IReactorTime) -> None:
        self._name, self._clock = name, clock
        self._link = 0
        self._waiting = 0
        self._silent: dict[Hashable, float] = {}  # questions that were not answered in time, and since when
        self._asked = 0.0  # when one of them was asked last
        self._overdue: list[Call] = []  # orders, the first one first

    def is_well(self, link: int) -> bool:
        """Whether any call may begin; then one that is answered at once need not be told of."""
        return link == self._link and self._waiting < self.MOST_WAITING and not self._silent and not self._overdue

    def complaint(self, link: int) -> str:
        """What clients are told if it is not answering on this link, else ""."""
        if link != self._link or not self._silent:
            return ""
        seconds = self._clock.seconds() - min(self._silent.values())
        return self._not_answering(f"something it was asked has not been answered for {seconds:.0f} s").sentence

    def begin(self, operation: Operation, arguments: Mapping[str, Any], link: int, joins: bool = False) -> Call:
        """
        A call is to begin; it has to be told of its end: `answered`, and `expired` if that is not in time.

        :param link: which link it is; what the last one did not answer says nothing about another.
        :param joins: it needs no call of the driver of its own, so that any number may wait for the same.
        :raises DriverError: it would only wait; `Unavailable` where the log has it already.
        """
        now = self._clock.seconds()
        if link != self._link:
            self._link, self._waiting = link, 0
            self._silent.clear()
            self._overdue.clear()
        is_bounded = not (operation.while_disconnected or operation.only_stops(arguments))
        call = Call(operation, (operation.method, *arguments.values()), link, now, is_bounded, joins)
        if is_bounded:
            if self._waiting >= self.MOST_WAITING and not joins:
                raise DriverError(f"{self._name} is busy: {self._waiting} calls wait for it; ask again when they are answered")
            if operation.verb == "GET":
                self._look_at_questions(call)
            else:
                self._look_at_orders(call)
            self._waiting += not joins
        return call

    def _look_at_questions(self, call: Call) -> None:
        since = self._silent.get(call.question)
        if since is None and len(self._silent) >= self.MOST_SILENT:
            since = min(self._silent.values())
        if since is None:
            return
        if call.began - self._asked < self.ASK_AGAIN_AFTER:
            raise self._not_answering(f"{call.operation.member} has not been answered for {call.began - since:.0f} s")
        self._asked = call.began

    def _look_at_orders(self, call: Call) -> None:
        if len(self._overdue) < self.MOST_OVERDUE:
            return
        if self._silent or call.began - self._overdue[-1].began < self.ASK_AGAIN_AFTER:
            since = call.began - self._overdue[0].began
            raise self._not_answering(f"{len(self._overdue)} orders have not been answered, the first one for {since:.0f} s")
        del self._overdue[0]

    def _not_answering(self, why: str) -> Unavailable:
        return Unavailable(f"{self._name} is not answering: {why}; it is asked again every {self.ASK_AGAIN_AFTER:g} s")

    def expired(self, call: Call) -> None:
        """It was not answered in time: its client waits no longer."""
        call.is_overdue = True
        if not call.is_bounded or call.link != self._link:
            return
        self._waiting -= not call.joins
        if call.operation.verb != "GET":
            self._overdue.append(call)
            return
        if not self._silent:
            self._asked = call.began
            log.error("{name} is not answering: {member}", name=self._name, member=call.operation.member)
        self._silent.setdefault(call.question, call.began)

    def answered(self, call: Call) -> None:
        """The driver answered, in time or not: whatever else it did not answer is asked again, too."""
        if not call.is_bounded or call.link != self._link:
            return
        if not call.is_overdue:
            self._waiting -= not call.joins
        if call.operation.verb != "GET":
            self._overdue.clear()
        elif call.question in self._silent:
            seconds = self._clock.seconds() - min(self._silent.values())
            self._silent.clear()
            log.info("{name} answers again, after {seconds:.0f} s", name=self._name, seconds=seconds)
