"""What must survive a restart: small JSON documents in one folder, each written whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from errno import EIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import platformdirs
from twisted.logger import Logger

from pylpaca.config import folder_of
from pylpaca.replacing import beside, sweep, sync

log = Logger()


def state_folder(configured: str | None, config_file: Path | None, environment: Mapping[str, str]) -> Path:
    """The folder for state: as configured, else systemd's, else beside the configuration, else the user's own."""
    home = config_file.absolute().parent if config_file else Path.cwd()
    if configured is not None:
        return folder_of(home, configured)
    if environment.get("STATE_DIRECTORY"):
        return Path(environment["STATE_DIRECTORY"].partition(":")[0])
    if config_file is not None:
        return home / ".pylpaca"
    return Path(platformdirs.user_state_dir("pylpaca", appauthor=False))


class StateFolder:
    """Reads and writes documents by name."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._torn: set[Path] = set()  # kept aside when they are written next
        self._unreachable: set[str] = set()

    def read(self, name: str) -> dict[str, Any]:
        """
        The document, or its last good copy, or an empty one. Nothing is changed.

        One that cannot be understood is said, and kept aside when the document is written the next time.
        """
        path = self._folder / f"{name}.json"
        for candidate in (path, path.with_suffix(".bak")):
            try:
                document = json.loads(candidate.read_bytes())
                if isinstance(document, dict):
                    return document
                raise ValueError("not a JSON object")
            except FileNotFoundError:
                continue
            except (ValueError, RecursionError) as error:
                log.error("{path} cannot be understood ({error}); it will be kept aside", path=str(candidate), error=error)
                self._torn.add(candidate)
            except OSError as error:  # what it says may be good: it is not written over
                log.error("{path} cannot be read ({error}); nothing is written there", path=str(candidate), error=error)
                self._unreachable.add(name)
        return {}

    def is_torn(self, name: str) -> bool:
        """Whether something that could not be understood was found when the document was read, and has not been replaced."""
        path = self._folder / f"{name}.json"
        return not self._torn.isdisjoint((path, path.with_suffix(".bak")))

    def write(self, name: str, document: Mapping[str, Any]) -> None:
        """
        Replace the document, then its good copy; a crash in between leaves the old one.

        :raises OSError: it could not be written, and is as it was.
        """
        path = self._folder / f"{name}.json"
        if name in self._unreachable:
            raise OSError(EIO, f"{path} could not be read before")
        self._folder.mkdir(parents=True, exist_ok=True)
        content = json.dumps(document, indent=2, sort_keys=True).encode() + b"\n"
        self._replace(path, content)
        copy = path.with_suffix(".bak")
        try:
            self._replace(copy, content)
        except OSError as error:
            log.warn("{path} is written, but not its copy {copy}: {error}", path=str(path), copy=copy.name, error=error)

    def _replace(self, path: Path, content: bytes) -> None:
        sweep(path)
        fresh = beside(path)
        try:
            with open(fresh, "xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            if path in self._torn:
                self._keep_aside(path)
            os.replace(fresh, path)
        finally:
            fresh.unlink(missing_ok=True)
        sync(path)

    def _keep_aside(self, path: Path) -> None:
        self._torn.discard(path)
        try:
            os.replace(path, path.with_name(f"{path.name}.unreadable"))
        except FileNotFoundError:
            pass
        except OSError as error:
            log.error("{path} could not be kept aside: {error}", path=str(path), error=error)


class UniqueIds:
    """The UniqueID of every device: made once, kept for ever."""

    DOCUMENT = "unique_ids"

    def __init__(self, state: StateFolder) -> None:
        self._state = state
        self._ids = {key: text for key, text in state.read(self.DOCUMENT).items() if isinstance(text, str)}
        self._unsaved = state.is_torn(self.DOCUMENT)

    def of(self, device_type: str, number: int) -> str:
        """The id of the device at this place, 122 random bits, the same at every start."""
        key = f"{device_type}/{number}"
        if key not in self._ids:
            self._ids[key] = str(uuid4())
            self._unsaved = True
        return self._ids[key]

    def save(self) -> None:
        """Write down what was made; where that cannot be done, say what follows."""
        if not self._unsaved:
            return
        try:
            self._state.write(self.DOCUMENT, self._ids)
            self._unsaved = False
        except OSError as error:
            log.error(
                "the devices' UniqueIDs cannot be kept ({error}): after the next start clients will take the devices for new "
                'ones; set "state_dir" in "server" to a folder that can be written',
                error=error,
            )
