"""Runs trial and ends in one plain line: how many tests passed, failed and were skipped."""

from __future__ import annotations

import re
import subprocess
import sys


def summary(output: str) -> str:
    """The plain line of a trial run, from what it printed last."""
    counts = dict.fromkeys(("successes", "expectedFailures", "failures", "errors", "unexpectedSuccesses", "skips"), 0)
    ends = re.findall(r"^(?:PASSED|FAILED)(?: \((.*)\))?$", output, re.MULTILINE)
    for name, count in re.findall(r"(\w+)=(\d+)", ends[-1] if ends else "errors=1"):
        counts[name] = int(count)
    passed = counts["successes"] + counts["expectedFailures"]
    failed = counts["failures"] + counts["errors"] + counts["unexpectedSuccesses"]
    return f"{passed} passed, {failed} failed, {counts['skips']} skipped"


def main() -> int:
    """Run trial with the arguments given."""
    trial = subprocess.Popen(
        [sys.executable, "-m", "twisted.trial", "--reporter=verbose", *sys.argv[1:]],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert trial.stdout is not None
    lines = []
    for line in trial.stdout:
        sys.stdout.write(line)
        lines.append(line)
    print(summary("".join(lines)), flush=True)
    return trial.wait()


if __name__ == "__main__":
    sys.exit(main())
