"""A judge that is not ours: schemathesis, with the official description of the API, against a server in a child process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from pylpaca.roster import simulators
from tests.server_process import ServerProcess

WORKSHOP = "PYLPACA_WORKSHOP"  # names a folder with spec/ (the official OpenAPI files) and judges/ (how they are mended)
NAME, PASSWORD = "judge", "secret"
WALLS = {"users": {NAME: PASSWORD}, "cors_origins": ["https://example.org"], "request_log": True}  # the others are up anyway
EXAMPLES = "20"
SEED = "1"


def judged(folder: Path, description: Path, base: str, *more: str) -> int:
    """Run schemathesis over every operation of one description; its exit status."""
    here = Path(__file__).absolute().parent
    command = [str(Path(sys.executable).with_name("st")), "--config-file", str(here / "judge.toml"), "run"]
    command += [str(description), "-u", base, "-n", EXAMPLES, "--seed", SEED, "--auth", f"{NAME}:{PASSWORD}", *more]
    return subprocess.run(command, cwd=folder, env={**os.environ, "PYTHONPATH": str(here.parent)}).returncode


def main() -> int:
    """0 if there is nothing to complain of, or nobody to judge."""
    workshop = Path(os.environ.get(WORKSHOP, ".")).absolute()
    judges, spec = workshop / "judges", workshop / "spec"
    if not (judges / "patch_spec.py").is_file() or not (spec / "AlpacaDeviceAPI_v1.yaml").is_file():
        print(f"skipped: the official OpenAPI files are not here; name a folder with spec/ and judges/ as {WORKSHOP}")
        return 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        entries = [{**each.entry.model_dump(exclude_none=True), "autoconnect": True} for each in simulators().devices]
        (folder / "config.json").write_text(json.dumps({"drivers": entries, "server": WALLS}))
        options = ["--config", "config.json", "--listen", "tcp:0:interface=127.0.0.1", "--discovery-port", "off"]
        server = ServerProcess(options, folder)
        try:
            base = f"http://{server.address}"
            served = [f"{each['device_type']}/{each['device_number']}" for each in entries]
            mend = [sys.executable, str(judges / "patch_spec.py"), str(spec / "AlpacaDeviceAPI_v1.yaml"), "device.yaml", *served]
            subprocess.run(mend, cwd=folder, check=True)
            images = "imagearray"  # far from JSON's home; they have tests of their own
            device = judged(folder, folder / "device.yaml", f"{base}/api/v1", "--exclude-path-regex", images)
            management = judged(folder, spec / "AlpacaManagementAPI_v1.yaml", base)
        finally:
            server.terminate()
    return device or management


if __name__ == "__main__":
    sys.exit(main())
