"""Which files that this server goes by are open to others who have an account on this computer."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from pylpaca.config import Configuration


def exposed(configuration: Configuration) -> list[str]:
    """What others may do that they should not, each in a sentence with what to type; nothing where files have no such modes."""
    if configuration.source.file is None or os.name != "posix":
        return []
    file = configuration.source.file.absolute()
    folders = [each for each in configuration.driver_folders if each.is_dir()]
    sources = sorted(each for folder in folders for each in folder.rglob("*.py"))
    found = [
        f"others on this computer may write to {path}, and so have this server run what they like: chmod o-w {path}"
        for path in (file, file.parent, *folders, *sources)
        if _others_have(path, stat.S_IWOTH)
    ]
    if configuration.server.users and _others_have(file, stat.S_IROTH):
        found.append(f"others on this computer may read the passwords in {file}: chmod o-r {file}")
    return found


def _others_have(path: Path, bit: int) -> bool:
    try:
        return bool(path.stat().st_mode & bit)
    except OSError:  # gone, or a link to nowhere
        return False
