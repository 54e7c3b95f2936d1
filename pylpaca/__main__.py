"""`python -m pylpaca`: the same as `twistd -n pylpaca`, and two more commands: `ports` and `check`."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from typing import NoReturn


def arguments(platform: str, given: Sequence[str]) -> list[str]:
    """
    What twistd is to be told.

    On Windows only the win32 event reactor can serve serial ports, and twistd always runs in the foreground.
    """
    front = ["--reactor=win32"] if platform == "win32" else ["--nodaemon", "--pidfile="]
    return [*front, "pylpaca", *given]


def main() -> None:
    """Run twistd in this process, or list the ports, or check a configuration."""
    if sys.path[0] == os.getcwd():  # Python's -m puts it there; what lies in it, such as a folder drivers, is no package
        del sys.path[0]
    if sys.argv[1:2] == ["ports"]:
        list_ports(sys.argv[2:])
        return
    if sys.argv[1:2] == ["check"]:
        check(sys.argv[2:])
    from twisted.scripts.twistd import run

    sys.argv[1:] = arguments(sys.platform, sys.argv[1:])
    run()


def list_ports(given: Sequence[str]) -> None:
    """Print which serial ports there are; no server is started."""
    if given:
        raise SystemExit("python -m pylpaca ports: lists the serial ports of this computer; it has no options")
    from pylpaca.serial.listing import listing

    _any_letter()
    print(listing())


def check(given: Sequence[str]) -> NoReturn:
    """Say what is wrong in a configuration; no server is started. Ends the program."""
    gc.disable()  # it ends before that would be worth its time
    from pylpaca import checking

    _any_letter()
    raise SystemExit(checking.main(list(given)))


def _any_letter() -> None:
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a console of Windows has not every letter that there may be


if __name__ == "__main__":
    main()
