"""Who is told of every call of a device that was answered."""

from __future__ import annotations

from collections.abc import Callable

from pylpaca.dispatch import Answered

Listener = Callable[[Answered], object]  # must neither take long nor raise: it is called before the client has its answer


class Telling:
    """Tells everybody who listens, in the order in which they came."""

    def __init__(self, *listeners: Listener) -> None:
        self._listeners = listeners

    def __call__(self, answered: Answered) -> None:
        for tell in self._listeners:
            tell(answered)

    def add(self, listener: Listener) -> None:
        """From now on it is told, too."""
        self._listeners = (*self._listeners, listener)

    def remove(self, listener: Listener) -> None:
        """It is told no more."""
        self._listeners = tuple(each for each in self._listeners if each != listener)
