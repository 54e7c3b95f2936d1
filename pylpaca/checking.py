"""`python -m pylpaca check config.json`: every mistake in a configuration, without starting the server."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any, TextIO

from twisted.logger import ILogObserver, LogEvent, LogLevel, formatEvent, globalLogPublisher
from zope.interface import provider

from pylpaca.service import CannotStart, Options, compose

USAGE = "python -m pylpaca check config.json: says what is wrong in a configuration, and ends with status 1 if anything is"


def check(file: str, reactor: Any, environment: Mapping[str, str], output: TextIO) -> int:
    """
    Say what is wrong in a configuration file. What it names is imported and built; nothing is opened, written or moved.

    :param environment: as the server will have it.
    :returns: 1 if the server would not start with it, 0 if it would; what it would warn of is told all the same.
    """
    options = Options()
    options["config"] = file
    warnings: list[str] = []

    @provider(ILogObserver)
    def hear(event: LogEvent) -> None:
        if event["log_level"] >= LogLevel.warn:
            warnings.append(formatEvent(event))

    globalLogPublisher.addObserver(hear)
    try:
        server = compose(options, reactor, environment)
    except CannotStart as error:
        verdict = [f"{file}: {len(error.mistakes)} mistake{'s' * (len(error.mistakes) != 1)}"]
        verdict += [f"  {mistake}" for mistake in error.mistakes]
        status = 1
    else:
        count = len(server.roster.entries)
        verdict = [f"{file}: no mistakes; {count} device{'s' * (count != 1)}"]
        status = 0
    finally:
        globalLogPublisher.removeObserver(hear)
    for line in [*verdict, *(f"  warning: {warning}" for warning in warnings)]:
        print(line, file=output)
    return status


def main(given: list[str]) -> int:
    """What the command line asks for."""
    if given[:1] in (["--help"], ["-h"]):
        print(USAGE)
        return 0
    if len(given) != 1 or given[0].startswith("-"):
        print(USAGE, file=sys.stderr)
        return 1
    from twisted.internet import reactor

    return check(given[0], reactor, os.environ, sys.stdout)
