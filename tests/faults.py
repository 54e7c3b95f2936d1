"""What a conformance kit finds wrong with a driver that was made wrong on purpose."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pylpaca.errors import AlpacaError
from pylpaca.testing.conformance import Conformance


class Bare:
    """Takes the place of trial's test case."""

    def setUp(self) -> None:
        """Nothing to set up."""


def found_by(
    kit: type[Conformance],
    driver: type,
    settings: Mapping[str, Any] | None = None,
    parts: Iterable[str] = (),
) -> dict[str, str]:
    """
    The parts of a kit that fail with a driver, each with the sentence in which it says why; empty for a driver that passes.

    :param driver: a class at the top of its module, for it is loaded by its name.
    :param settings: its `driver_config`.
    :param parts: the names of the tests to run; all of the kit if not said.
    """
    found = {}
    for name in parts or [each for each in dir(kit) if each.startswith("test_")]:
        check: Any = type(kit.__name__, (kit, Bare), {"driver": driver, "settings": settings or {}})()
        check.setUp()
        try:
            getattr(check, name)()
        except (AssertionError, AlpacaError) as error:
            found[name] = ", ".join([str(error) or type(error).__name__, *getattr(error, "__notes__", [])])
    return found
