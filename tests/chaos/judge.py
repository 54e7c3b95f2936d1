"""slowhttptest, which is not ours: three ways to be slow, while it looks whether others are served."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator

from tests.chaos.figures import Figure, Missing, exactly
from tests.chaos.processes import server

CLIENTS, SECONDS = "200", "14"  # as many as one client may have, and some for itself; longer than a head may take
WAYS = {
    "heads": ["-H"],
    "bodies": ["-B"],
    "readers": ["-X", "-w", "1", "-y", "10", "-n", "5", "-z", "1"],
}


def slowhttptest() -> Iterator[Figure]:
    """Slow heads, slow bodies, slow readers, two hundred each."""
    if shutil.which("slowhttptest") is None:
        raise Missing("no slowhttptest here: install slowhttptest")
    with server() as made:
        for name, options in WAYS.items():
            common = ["-c", CLIENTS, "-r", CLIENTS, "-i", "2", "-p", "1", "-l", SECONDS, "-u", f"http://{made.address}/setup"]
            done = subprocess.run(["slowhttptest", *options, *common], capture_output=True, text=True, timeout=120)
            seen = re.findall(r"service available:\S*\s+\S*?(YES|NO)", done.stdout)
            yield Figure(f"slow {name}: how often it looked", len(seen), least=2)
            yield exactly("of these, others were not served", seen.count("NO"), 0)
            if name == "heads":
                yield exactly("none of its connections was left at its end", "No open connections left" in done.stdout, 1)
