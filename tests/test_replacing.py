"""A file is replaced in one piece, or stays as it was."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path
from typing import Any
from unittest.mock import patch

from twisted.trial.unittest import SynchronousTestCase

from pylpaca.replacing import LEFT_BEHIND, obstacle, replace


class FileTests(SynchronousTestCase):
    def setUp(self) -> None:
        folder = self.mktemp()
        os.mkdir(folder)
        self.file = Path(folder) / "config.json"
        self.file.write_bytes(b"old")

    def left(self) -> list[str]:
        """What is in the folder."""
        return sorted(each.name for each in self.file.parent.iterdir())

    def test_content(self) -> None:
        """The file has the new content, and nothing else is left."""
        replace(self.file, b"new")
        self.assertEqual((self.file.read_bytes(), self.left()), (b"new", ["config.json"]))

    def test_permissions(self) -> None:
        """Who may read it stays as it was, so that passwords stay with who has them."""
        for mode in (0o600, 0o640, 0o664):
            self.file.chmod(mode)
            replace(self.file, b"new")
            self.assertEqual(stat.S_IMODE(self.file.stat().st_mode), mode)

    def test_links(self) -> None:
        """A link to the file stays a link, and what it leads to is written."""
        link = self.file.with_name("link.json")
        link.symlink_to("config.json")
        replace(link, b"new")
        self.assertTrue(link.is_symlink())
        self.assertEqual(self.file.read_bytes(), b"new")

    def test_crash(self) -> None:
        """Whatever fails on the way, the file is as it was and nothing is left beside it."""
        for name in ("fsync", "replace", "chmod"):
            with patch.object(os, name, side_effect=OSError(28, "No space left on device")), self.assertRaises(OSError):
                replace(self.file, b"new")
            self.assertEqual((self.file.read_bytes(), self.left()), (b"old", ["config.json"]))

    def test_order(self) -> None:
        """What is put in the file's place is on the disk already."""
        done: list[str] = []
        real = {name: getattr(os, name) for name in ("fsync", "replace")}

        def noting(name: str) -> Any:
            def call(*arguments: Any) -> Any:
                done.append(name)
                return real[name](*arguments)

            return call

        with patch.object(os, "fsync", noting("fsync")), patch.object(os, "replace", noting("replace")):
            replace(self.file, b"new")
        self.assertEqual(done, ["fsync", "replace", "fsync"])

    def test_read_only(self) -> None:
        """What keeps a file from being written is known without trying."""
        with patch.object(os, "access", return_value=False):
            self.assertIn("may not write", obstacle(self.file))

    def test_no_obstacle(self) -> None:
        """Nothing stands in the way of an ordinary file; a folder that cannot be written does."""
        self.assertEqual(obstacle(self.file), "")
        with patch.object(os, "access", lambda path, mode: Path(path).suffix == ".json"):
            self.assertIn("the folder", obstacle(self.file))

    def test_left_behind(self) -> None:
        """What a crash left behind is removed the next time; what is fresh, or an editor's, is not."""
        old, fresh, editors = (self.file.with_name(f".config.json.{name}") for name in ("0" * 32, "1" * 32, "swp"))
        then = time.time() - LEFT_BEHIND - 1
        for each in (old, fresh, editors):
            each.write_bytes(b"half")
        for each in (old, editors):
            os.utime(each, (then, then))
        replace(self.file, b"new")
        self.assertEqual(self.left(), sorted([fresh.name, editors.name, "config.json"]))
