"""`python -m pylpaca`: the same as `twistd -n pylpaca`, for people who do not know twistd."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence


def arguments(platform: str, given: Sequence[str]) -> list[str]:
    """
    What twistd is to be told.

    On Windows only the win32 event reactor can serve serial ports, and twistd always runs in the foreground.
    """
    front = ["--reactor=win32"] if platform == "win32" else ["--nodaemon", "--pidfile="]
    return [*front, "pylpaca", *given]


def main() -> None:
    """Run twistd in this process."""
    from twisted.scripts.twistd import run

    sys.argv[1:] = arguments(sys.platform, sys.argv[1:])
    if sys.path[0] == os.getcwd():  # Python's -m puts it there; what lies in it, such as a folder drivers, is no package
        del sys.path[0]
    run()


if __name__ == "__main__":
    main()
