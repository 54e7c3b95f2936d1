"""State that survives a restart."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from twisted.logger import LogLevel, capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from pylpaca.state import StateFolder, UniqueIds, state_folder


class FolderTests(SynchronousTestCase):
    def test_where(self) -> None:
        """As configured, else systemd's, else beside the configuration, else the user's own."""
        file = Path("/observatory/config.json")
        systemd = {"STATE_DIRECTORY": "/var/lib/pylpaca:/var/lib/other"}
        self.assertEqual(state_folder("kept", file, systemd), Path("/observatory/kept"))
        self.assertEqual(state_folder("/srv/kept", file, systemd), Path("/srv/kept"))
        self.assertEqual(state_folder(None, file, systemd), Path("/var/lib/pylpaca"))
        self.assertEqual(state_folder(None, file, {}), Path("/observatory/.pylpaca"))
        self.assertEqual(state_folder(None, None, {}).name, "pylpaca")


class DocumentTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.path = Path(self.mktemp())
        self.folder = StateFolder(self.path)

    def test_round_trip(self) -> None:
        """What was written is read, by another program too; nothing else is left in the folder."""
        self.folder.write("ids", {"dome/0": "x"})
        self.folder.write("ids", {"dome/0": "y"})
        self.assertEqual(StateFolder(self.path).read("ids"), {"dome/0": "y"})
        self.assertEqual(sorted(os.listdir(self.path)), ["ids.bak", "ids.json"])

    def test_nothing_yet(self) -> None:
        """A document that was never written is empty, and reading makes no folder."""
        self.assertEqual(self.folder.read("ids"), {})
        self.assertFalse(self.path.exists())

    def test_unreadable(self) -> None:
        """A torn document is said, its last good copy taken, and it is kept aside when the next is written."""
        self.folder.write("ids", {"dome/0": "x"})
        for torn in (b"", b'{"dome/', b"[]", b"\xff"):
            (self.path / "ids.json").write_bytes(torn)
            folder = StateFolder(self.path)
            with capturedLogs() as logs:
                self.assertEqual(folder.read("ids"), {"dome/0": "x"})
            self.assertEqual([each["log_level"] for each in logs], [LogLevel.error])
            self.assertEqual((self.path / "ids.json").read_bytes(), torn)
            folder.write("ids", {"dome/0": "x"})
            self.assertEqual((self.path / "ids.json.unreadable").read_bytes(), torn)

    def test_unreachable(self) -> None:
        """A document that the system cannot read now may be good: it is not written over."""
        self.folder.write("ids", {"dome/0": "x"})

        def failing(_: Path) -> bytes:
            raise OSError(5, "Input/output error")

        with self.patched(Path, "read_bytes", failing):
            self.assertEqual(self.folder.read("ids"), {})
        self.assertRaises(OSError, self.folder.write, "ids", {"dome/0": "y"})
        self.assertEqual(StateFolder(self.path).read("ids"), {"dome/0": "x"})

    @contextmanager
    def patched(self, owner: object, name: str, value: object) -> Iterator[None]:
        patch = self.patch(owner, name, value)
        try:
            yield
        finally:
            patch.restore()

    def test_both_unreadable(self) -> None:
        """Without a good copy the server starts with an empty document."""
        self.path.mkdir()
        (self.path / "ids.json").write_bytes(b"{")
        (self.path / "ids.bak").write_bytes(b"{")
        self.assertEqual(self.folder.read("ids"), {})

    def test_failed_write_changes_nothing(self) -> None:
        """A write that fails leaves the document as it was, and no half of the new one."""
        self.folder.write("ids", {"dome/0": "x"})

        def full(_: int) -> None:
            raise OSError(28, "No space left on device")

        self.patch(os, "fsync", full)
        self.assertRaises(OSError, self.folder.write, "ids", {"dome/0": "y"})
        self.assertEqual(self.folder.read("ids"), {"dome/0": "x"})
        self.assertEqual(sorted(os.listdir(self.path)), ["ids.bak", "ids.json"])


class UniqueIdsTests(SynchronousTestCase):
    def test_unwritable(self) -> None:
        """Where ids cannot be kept the server works, and the log says what follows and what to do."""
        path = Path(self.mktemp())
        path.write_text("a file where the folder should be")
        ids = UniqueIds(StateFolder(path))
        self.assertEqual(ids.of("dome", 0), ids.of("dome", 0))
        with capturedLogs() as logs:
            ids.save()
        self.assertEqual(len(logs), 1)
        self.assertIn("state_dir", logs[0]["log_format"])

    def test_written_only_if_new(self) -> None:
        """A start with known devices writes nothing."""
        path = Path(self.mktemp())
        first = UniqueIds(StateFolder(path))
        first.of("dome", 0)
        first.save()
        before = (path / "unique_ids.json").stat().st_mtime_ns
        second = UniqueIds(StateFolder(path))
        self.assertEqual(second.of("dome", 0), first.of("dome", 0))
        second.save()
        self.assertEqual((path / "unique_ids.json").stat().st_mtime_ns, before)
        self.assertNotEqual(first.of("dome", 0), first.of("dome", 1))
