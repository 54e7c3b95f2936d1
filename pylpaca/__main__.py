"""`python -m pylpaca`: the same as `twistd -n pylpaca`, for people who do not know twistd; `ports` lists the serial ports."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper


def arguments(platform: str, given: Sequence[str]) -> list[str]:
    """
    What twistd is to be told.

    On Windows only the win32 event reactor can serve serial ports, and twistd always runs in the foreground.
    """
    front = ["--reactor=win32"] if platform == "win32" else ["--nodaemon", "--pidfile="]
    return [*front, "pylpaca", *given]


def main() -> None:
    """Run twistd in this process, or list the ports."""
    if sys.path[0] == os.getcwd():  # Python's -m puts it there; what lies in it, such as a folder drivers, is no package
        del sys.path[0]
    if sys.argv[1:2] == ["ports"]:
        list_ports(sys.argv[2:])
        return
    from twisted.scripts.twistd import run

    sys.argv[1:] = arguments(sys.platform, sys.argv[1:])
    run()


def list_ports(given: Sequence[str]) -> None:
    """Print which serial ports there are; no server is started."""
    if given:
        raise SystemExit("python -m pylpaca ports: lists the serial ports of this computer; it has no options")
    from pylpaca.serial.listing import listing

    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a console of Windows has not every letter that a maker may have
    print(listing())


if __name__ == "__main__":
    main()
