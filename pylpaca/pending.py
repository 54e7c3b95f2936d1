"""The calls that drivers have not answered yet: when the server stops they are waited for, and then told that it stops."""

from __future__ import annotations

from typing import Any, TypeVar

from twisted.internet.defer import Deferred, succeed

from pylpaca.errors import DriverError

T = TypeVar("T")


class Pending:
    """Knows each call that a driver has not answered, whether its client still waits or not."""

    def __init__(self) -> None:
        self._answers: dict[Deferred[Any], str] = {}
        self._waiting: list[Deferred[None]] = []

    def __len__(self) -> int:
        return len(self._answers)

    def add(self, result: Deferred[T], what: str) -> Deferred[T]:
        """The same answer, or a DriverError if the server stops before it is there; what the driver has begun runs on."""
        answer: Deferred[T] = Deferred(lambda _: None)
        self._answers[answer] = what

        def deliver(given: Any) -> None:
            self._answers.pop(answer, None)
            if not answer.called:  # nobody was told that the server stops
                answer.callback(given)
            self._look()

        result.addBoth(deliver)
        return answer

    def forget(self, answer: Deferred[Any]) -> None:
        """This one is not waited for at the end; who waits for it has it all the same."""
        self._answers.pop(answer, None)
        self._look()

    def finished(self) -> Deferred[None]:
        """Fires when no call is pending."""
        if not self._answers:
            return succeed(None)
        waiting: Deferred[None] = Deferred(self._waiting.remove)
        self._waiting.append(waiting)
        return waiting

    def end(self) -> None:
        """The server stops now: whoever waits for an answer is told so."""
        answers, self._answers = self._answers, {}
        for answer, what in answers.items():
            if not answer.called:
                answer.errback(DriverError(f"the server stops, and {what} is not finished; what the device has begun may go on"))
        self._look()

    def _look(self) -> None:
        if not self._answers:
            waiting, self._waiting = self._waiting, []
            for each in waiting:
                each.callback(None)
