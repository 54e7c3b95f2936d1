"""State that survives a restart."""

from __future__ import annotations

import builtins
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
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
        for torn in (b"", b'{"dome/', b"[]", b"\xff", b"[" * 100_000, b"1" * 5000):
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

    def test_full_at_any_step(self) -> None:
        """
        Whatever step of a write finds the disk full: one that raises has changed nothing, one that does not has written all.

        Every step but the copy's and the folder's is needed for the document to be there.
        """
        raised = []
        for step in range(1, 100):
            folder = StateFolder(self.path)
            folder.write("ids", {"old": "x"})
            disk = FullDisk(self, step)
            expected = {"new": "y"}
            try:
                folder.write("ids", {"new": "y"})
            except OSError:
                raised.append(disk.failed)
                expected = {"old": "x"}
            disk.free()
            self.assertEqual(StateFolder(self.path).read("ids"), expected, disk.failed)
            self.assertEqual(sorted(os.listdir(self.path)), ["ids.bak", "ids.json"])
            if disk.failed is None:
                break
        self.assertEqual((raised, step), (["open", "fsync", "replace"], 9))

    def test_order(self) -> None:
        """What is new is on the disk before it takes the place of what is old; then the folder is written, too."""
        self.folder.write("ids", {})
        disk = FullDisk(self)
        self.folder.write("ids", {"dome/0": "x"})
        disk.free()
        self.assertEqual(disk.steps, ["open", "fsync", "replace", "fsync"] * 2)

    def test_swept(self) -> None:
        """What a crash left behind long ago is removed; what is fresh may be in the making."""
        self.folder.write("ids", {})
        old, fresh, other = f".ids.json.{'0' * 32}", f".ids.json.{'1' * 32}", f".other.json.{'0' * 32}"
        for name in (old, fresh, other):
            (self.path / name).touch()
        for name in (old, other):
            os.utime(self.path / name, (0, 0))
        self.folder.write("ids", {})
        self.assertEqual(sorted(os.listdir(self.path)), [fresh, other, "ids.bak", "ids.json"])

    @settings(max_examples=40)  # each of which waits for the disk
    @given(st.binary(max_size=20))
    def test_whatever_is_there(self, content: bytes) -> None:
        """Whatever a file of state holds, it is a document or an empty one, and the next can be written."""
        self.path.mkdir(exist_ok=True)
        (self.path / "ids.bak").unlink(missing_ok=True)
        (self.path / "ids.json").write_bytes(content)
        folder = StateFolder(self.path)
        self.assertIsInstance(folder.read("ids"), dict)
        folder.write("ids", {"dome/0": "x"})
        self.assertEqual(StateFolder(self.path).read("ids"), {"dome/0": "x"})


class FullDisk:
    """Notes the steps that a write takes on the disk; one of them finds it full."""

    def __init__(self, case: SynchronousTestCase, fails_at: int = 0) -> None:
        self.steps: list[str] = []
        self.failed: str | None = None
        self._fails_at = fails_at
        functions = ((builtins, open), (os, os.fsync), (os, os.replace))
        self._patches = [case.patch(owner, each.__name__, self._step(each.__name__, each)) for owner, each in functions]

    def _step(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def step(*given: Any) -> Any:
            self.steps.append(name)
            if len(self.steps) == self._fails_at:
                self.failed = name
                raise OSError(28, "No space left on device")
            return real(*given)

        return step

    def free(self) -> None:
        """The disk is as it was."""
        for patch in self._patches:
            patch.restore()


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

    def test_healed(self) -> None:
        """Ids that were found in the copy alone are written again at this start, and the torn file is kept aside."""
        path = Path(self.mktemp())
        first = UniqueIds(StateFolder(path))
        first.of("dome", 0)
        first.save()
        (path / "unique_ids.json").write_bytes(b"")
        second = UniqueIds(StateFolder(path))
        second.save()
        self.assertEqual(second.of("dome", 0), first.of("dome", 0))
        self.assertEqual((path / "unique_ids.json").read_bytes(), (path / "unique_ids.bak").read_bytes())
        self.assertEqual((path / "unique_ids.json.unreadable").read_bytes(), b"")

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
