"""Loads the server when twistd asks for it, without looking for garbage meanwhile."""

# Facts
#   What is imported stays. Python's garbage collector does not know that, and looks through all of it again and again as it
#   grows: a tenth of the time that a start takes. What it has been told to freeze it does not look at.

from __future__ import annotations

import gc
from typing import Any


def __getattr__(name: str) -> Any:
    """`Options` and `makeService` of `pylpaca.service`, which is imported when they are asked for."""
    if name.startswith("_"):
        raise AttributeError(name)
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        import pylpaca.service
    finally:
        if was_enabled:
            gc.freeze()
            gc.enable()
    return getattr(pylpaca.service, name)
