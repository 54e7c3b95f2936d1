"""The connections that are open: when the server stops, each ends with its last answer."""

from __future__ import annotations

from typing import Protocol

from twisted.internet.defer import Deferred, succeed


class Leaving(Protocol):
    """A connection that can be ended."""

    def end_soon(self) -> None:
        """Take no other request; end when what was asked is answered, at once if nothing was."""

    def end_now(self) -> None:
        """End, whatever is still to be said."""


class OpenConnections:
    """Knows each connection that is open."""

    def __init__(self) -> None:
        self._all: set[Leaving] = set()
        self._waiting: list[Deferred[None]] = []

    def __len__(self) -> int:
        return len(self._all)

    def add(self, connection: Leaving) -> None:
        """One was opened."""
        self._all.add(connection)

    def remove(self, connection: Leaving) -> None:
        """One is closed."""
        self._all.discard(connection)
        if not self._all:
            waiting, self._waiting = self._waiting, []
            for each in waiting:
                each.callback(None)

    def end_soon(self) -> None:
        """No other request is taken on any of them."""
        for each in list(self._all):
            each.end_soon()

    def end_now(self) -> None:
        """Whatever is still on its way is cut off."""
        for each in list(self._all):
            each.end_now()

    def gone(self) -> Deferred[None]:
        """Fires when none is left."""
        if not self._all:
            return succeed(None)
        waiting: Deferred[None] = Deferred(self._waiting.remove)
        self._waiting.append(waiting)
        return waiting
