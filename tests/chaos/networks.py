"""What comes from other networks, each experiment in a network namespace of its own: nothing of it reaches the real one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator

from tests.chaos.figures import Figure, Missing


def namespace() -> list[str]:
    """The command that runs another in a network namespace of its own."""
    command = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--net"]
    if shutil.which("unshare") is None or subprocess.run([*command, "true"], capture_output=True).returncode:
        raise Missing("no network namespace here: install util-linux, or allow user namespaces")
    if shutil.which("ip") is None:
        raise Missing("no interfaces can be made here: install iproute2")
    return command


def inside(what: str) -> Iterator[Figure]:
    """The figures of an experiment of tests.chaos.inside, as they come."""
    command = [*namespace(), sys.executable, "-m", "tests.chaos.inside", what]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        for line in process.stdout:
            yield Figure(**json.loads(line))
    yield Figure(f"exit status of {what}", process.returncode, 0, 0)


def far_peers() -> Iterator[Figure]:
    """Clients whose packets come from networks this machine is not in."""
    yield from inside("far_peers")


def discovery_flood() -> Iterator[Figure]:
    """Ten thousand discovery questions a second, from addresses that are made up."""
    yield from inside("discovery_flood")
