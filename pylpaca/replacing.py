"""How a file is replaced in one piece: a new one is written beside it, brought to the disk, and put in its place."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from uuid import uuid4

from twisted.logger import Logger

log = Logger()

_OURS = re.compile(r"\.[0-9a-f]{32}")
LEFT_BEHIND = 60.0  # seconds after which a file that was not put in its place never will be


def replace(file: Path, content: bytes) -> None:
    """
    Give a file this content, or leave it as it was; its owner, its permissions and the links that lead to it stay.

    :raises OSError: it cannot be written.
    """
    path = Path(os.path.realpath(file))
    sweep(path)
    known = path.stat()
    fresh = beside(path)
    try:
        with open(fresh, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as out:
            out.write(content)
            out.flush()
            _like(fresh, known)
            os.fsync(out.fileno())
        os.replace(fresh, path)
    finally:
        fresh.unlink(missing_ok=True)
    sync(path)


def beside(path: Path) -> Path:
    """Where a new file is written that is to stand in the place of another."""
    return path.with_name(f".{path.name}.{uuid4().hex}")


def sweep(path: Path) -> None:
    """Remove what a crash left behind; what is fresh may be another program's, which is about to put it in its place."""
    for left in path.parent.glob(f".{path.name}.*"):
        if not _OURS.fullmatch(left.suffix):  # an editor's, which may hold what somebody typed
            continue
        try:
            if abs(time.time() - left.stat().st_mtime) > LEFT_BEHIND:  # the clock may have been set back meanwhile
                left.unlink()
        except FileNotFoundError:
            continue
        except OSError as error:
            log.warn("{path}, left behind by a crash, cannot be removed: {error}", path=str(left), error=error)


def sync(path: Path) -> None:
    """Bring to the disk that a file was put in its place."""
    if os.name != "posix":  # elsewhere a folder cannot be opened, and renaming is enough
        return
    try:
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:  # some network file systems cannot
        log.warn("{path} is written, but a power failure now might undo that: {error}", path=str(path), error=error)


def _like(fresh: Path, known: os.stat_result) -> None:
    """
    Whoever could read and write the file can still do so, and nobody else.

    :raises OSError: that cannot be kept, as when it belongs to somebody else.
    """
    if os.name == "posix":
        own = fresh.stat()
        if (own.st_uid, own.st_gid) != (known.st_uid, known.st_gid):
            os.chown(fresh, known.st_uid, known.st_gid)
    os.chmod(fresh, known.st_mode & 0o7777)


def obstacle(file: Path) -> str:
    """Why a file could not be replaced now, as far as that is known without trying; empty if nothing is."""
    path = Path(os.path.realpath(file))
    if not os.access(path, os.W_OK):
        return f"this server may not write {path}"
    if not os.access(path.parent, os.W_OK):
        return f"this server may not write into the folder {path.parent}, which it has to, to replace the file in one piece"
    return ""
