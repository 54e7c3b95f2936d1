"""Virtual environments for programs whose packages pylpaca does not use, made once and kept in a folder."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

VERSIONS = "import importlib.metadata as m, json; print(json.dumps({d.name: d.version for d in m.distributions()}))"


class NotInstalledError(Exception):
    """Packages that could not be installed, and the last line pip said of it."""


class Environments:
    """Those in one folder; what is there already is used again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._not_installed: dict[Path, NotInstalledError] = {}

    def python(self, requirements: Sequence[str]) -> Path:
        """
        An interpreter that has these packages; none: the one that runs this.

        :raises NotInstalledError: pip cannot install them.
        """
        if not requirements:
            return Path(sys.executable)
        what = json.dumps([sys.version_info[:2], *requirements])
        name = "-".join([requirements[0].partition("[")[0], hashlib.sha256(what.encode()).hexdigest()[:8]])
        folder = self._folder / name
        python, complete = folder / "bin" / "python", folder / "complete"
        if folder in self._not_installed:
            raise self._not_installed[folder]
        if not complete.exists():
            shutil.rmtree(folder, ignore_errors=True)
            subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, capture_output=True)
            pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements]
            ended = subprocess.run(pip, capture_output=True, text=True)
            if ended.returncode:
                said = ended.stderr.strip().splitlines()
                errors = [line for line in said if line.startswith("ERROR: ")]
                reason = (errors or said or ["pip gives no reason"])[-1].removeprefix("ERROR: ")
                self._not_installed[folder] = NotInstalledError(reason)
                raise self._not_installed[folder]
            complete.touch()
        return python


def versions(python: Path) -> dict[str, str]:
    """Of the packages an interpreter has."""
    found: dict[str, str] = json.loads(subprocess.run([str(python), "-c", VERSIONS], check=True, capture_output=True).stdout)
    return {name.lower(): version for name, version in found.items()}
