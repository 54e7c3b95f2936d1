"""What the firmware of tests has in common."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.firmware import CommandFirmware, LosesReplies


class Echo(CommandFirmware):
    def answer(self, command: bytes) -> bytes:
        return b"" if command == b"quiet" else command + b"\n"


class CommandFirmwareTests(SynchronousTestCase):
    def test_pieces(self) -> None:
        """However the bytes arrive, each command is answered once."""
        echo = Echo()
        self.assertEqual([echo.receive(data) for data in (b"a", b"b\nc\nqui", b"et\n", b"")], [b"", b"ab\nc\n", b"", b""])
        self.assertEqual(echo.commands, [b"ab", b"c", b"quiet"])


class LosesRepliesTests(SynchronousTestCase):
    def test_one_in_twenty(self) -> None:
        """Of every twenty replies exactly one is lost, the same ones with the same seed; silence is no reply."""
        runs = []
        for seed in (1, 1, 2):
            line = LosesReplies(Echo(), seed)
            run = []
            for number in range(100):
                self.assertEqual(line.receive(b"quiet\n"), b"")
                run.append(line.receive(b"%d\n" % number))
            self.assertEqual([run[start : start + 20].count(b"") for start in range(0, 100, 20)], [1] * 5)
            self.assertEqual(line.lost, 5)
            runs.append(run)
        self.assertEqual(runs[0], runs[1])
        self.assertNotEqual(runs[0], runs[2])
