"""Which calls that set a device in motion have not been answered yet, and which of them may still begin."""

# Facts
#   Looking at rules and interlocks may take waiting. What is asked for meanwhile must not be undone by what was asked for before:
#   a stop that is answered while a slew still waits for its interlocks would be followed by that slew.

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

from twisted.internet.defer import Deferred

from pylpaca.interfaces import Operation


class Motion:
    """One call, from when it is asked for until the driver has answered it."""

    def __init__(self, operation: Operation, arguments: Mapping[str, Any]) -> None:
        self.operation, self.arguments = operation, dict(arguments)
        self.given_up = self.begun = False
        self._waiting: list[Deferred[None]] = []
        self._answered = False

    def answered(self) -> Deferred[None]:
        """Fires when the driver has answered it, or it was refused; whoever waits may cancel that."""
        waiting: Deferred[None] = Deferred(self._waiting.remove)
        self._waiting.append(waiting)
        if self._answered:
            self.end()
        return waiting

    def end(self) -> None:
        """It is answered."""
        self._answered = True
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each.callback(None)


Check = Callable[[], Awaitable[None]]  # raises the refusal, or lets pass


class Motions:
    """
    Those of one device, in the order in which they were asked for.

    :ivar guard: gives what is to be looked at before a call begins, if anything: the interlocks of the configuration.
    :ivar asked: how often each was asked for, by its method; who compares that with later knows whether the device has moved.
    """

    def __init__(self) -> None:
        self.guard: Callable[[Operation, Mapping[str, Any]], Check | None] | None = None
        self.asked: Counter[str] = Counter()
        self._under_way: list[Motion] = []

    def __iter__(self) -> Iterator[Motion]:
        return iter(list(self._under_way))

    def stop(self, operation: Operation, arguments: Mapping[str, Any]) -> None:
        """A stop is asked for: what has not begun never does. One of a single axis gives up what waits to move that axis."""
        for motion in self._under_way:
            if operation.stops or self._same(motion, operation, arguments):
                motion.given_up = True

    def give_up(self) -> None:
        """The server stops: what has not begun never does."""
        for motion in self._under_way:
            motion.given_up = True

    def run(self, motion: Motion, work: Callable[[], Any]) -> Any:
        """Do the work of a call, which counts as under way until what that gives is there."""
        self._under_way.append(motion)
        self.asked[motion.operation.method] += 1
        try:
            answer = work()
        except BaseException:
            self._end(motion)
            raise
        if isinstance(answer, Deferred):
            return answer.addBoth(self._ended, motion)
        self._end(motion)
        return answer

    def may_begin(self, motion: Motion) -> bool:
        """Whether the driver may be asked now; what brings the device to safety gives up what waits to take it elsewhere."""
        if motion.given_up:
            return False
        motion.begun = True
        if motion.operation.reaches is not None:
            for other in self._under_way:
                if not other.begun and other.operation.reaches is None:
                    other.given_up = True
        return True

    def forget(self) -> None:
        """A new link: what was asked for on the last one is not waited for, and does not begin on this one."""
        for motion in self:
            motion.given_up = True
            self._end(motion)

    def _end(self, motion: Motion) -> None:
        if motion in self._under_way:
            self._under_way.remove(motion)
            motion.end()

    def _ended(self, result: Any, motion: Motion) -> Any:
        self._end(motion)
        return result

    @staticmethod
    def _same(motion: Motion, operation: Operation, arguments: Mapping[str, Any]) -> bool:
        """Whether it is what this stop is for: the same operation, but for the parameter that says how much."""
        same = {name: value for name, value in arguments.items() if name != operation.moves}
        return motion.operation.method == operation.method and same.items() <= motion.arguments.items()
