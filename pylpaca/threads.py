"""A device's own thread, for what would block: an SDK's calls, arithmetic on large images."""

# Facts
#   The pool that a reactor has by itself is shared by all devices: ten calls that hang would stop the others' names from being
#   looked up. A thread that is no daemon keeps the program from ending while its call hangs; and a reactor waits for its own.

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol, TypeVar, cast

from twisted.internet.defer import Deferred, execute
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

T = TypeVar("T")


class _Unawaited(threading.Thread):
    """A thread that the end of the program does not wait for."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named, daemon=True)

    def join(self, timeout: float | None = None) -> None:
        super().join(0.1 if timeout is None else timeout)


def let_go(reactor: Any) -> None:
    """The reactor's own threads do not keep the program from ending: looking up a name may hang for minutes."""
    reactor.getThreadPool().threadFactory = _Unawaited


class InThread(Protocol):
    """Runs functions, one after another, where they may block; a Deferred of what each returns or raises."""

    def __call__(self, function: Callable[..., T], *arguments: Any, **named: Any) -> Deferred[T]: ...


OwnThread = Callable[[str], InThread]  # the name of a device -> its own thread


def at_once(name: str) -> InThread:
    """No thread at all: for tests, where nothing may happen behind the clock's back."""
    return cast(InThread, execute)


def own_thread(reactor: Any) -> OwnThread:
    """What makes a device's own thread on this reactor; it begins to run when it is first needed, and ends with the program."""

    def for_device(name: str) -> InThread:
        pool = ThreadPool(minthreads=0, maxthreads=1, name=name)
        pool.threadFactory = partial(threading.Thread, daemon=True)  # type: ignore[assignment]  # called, and no more

        def run(function: Callable[..., T], *arguments: Any, **named: Any) -> Deferred[T]:
            if not pool.started:
                pool.start()
            return deferToThreadPool(reactor, pool, function, *arguments, **named)

        return run

    return for_device
