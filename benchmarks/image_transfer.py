"""What it takes each server to hand an image over, once it is taken."""

# Facts
#   alpaca-simulators asks a catalogue in the internet which stars to draw, but not for a dark frame. The size of its sensor
#   is in a file in its own folder. It has no size to say of an image, so it sends it in chunks.

from __future__ import annotations

import re
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from benchmarks.accounting import cpu_seconds
from benchmarks.bench import Bench
from benchmarks.camera import picture
from benchmarks.images import Client
from benchmarks.load import Ask
from benchmarks.report import Section, table
from benchmarks.servers import ALPACA_SERVER, ALPACA_SIMULATORS, FASTAPI, PYLPACA, Running, Server, configured, tell
from pylpaca import imagebytes
from pylpaca.frames import prepared

WIDTH, HEIGHT = 6248, 4176  # 26 megapixels
HEADER = 44  # bytes of ImageBytes before the pixels
LENGTH = HEADER + 2 * WIDTH * HEIGHT
IMAGES = 3  # in a round
TAKEN_WITHIN = 120.0
TAKING_LASTS = 60.0  # seconds, at most, to make the picture: that is not what is measured
RATE, CPU, MEMORY = "images: bytes per second", "images: cpu", "images: memory"
FOLDER = "import alpaca_simulators.config as found; print(found.CONFIG_DIR)"
CONFIG = "pylpaca-benchmark"


def measure(bench: Bench) -> list[Section]:
    """The same picture from each, in turn; the bare ones have its bytes from the start."""
    with ExitStack() as stack:
        file = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "image"
        file.write_bytes(bytes(HEADER) + cast(Any, prepared(picture(WIDTH, HEIGHT)).pixels).tobytes())
        found: list[Running] = []
        for wanted in bench.servers:
            server, more = _with_camera(bench, wanted, file)
            if server is not None:
                found += stack.enter_context(bench.running([server], more))
        usable = [each for each in found if _is_taken(bench, each)]
        for each in bench.in_turn(usable):
            _fetch(bench, each)
    figures, rows = bench.figures, []
    for each in usable:
        name = each.server.name
        has_ratio = figures.has(CPU, FASTAPI.name)
        rows.append(
            [
                name,
                f"{figures.median(RATE, name) / 1e6:,.0f}",
                str(figures.ratio(RATE, name, FASTAPI.name)) if has_ratio else "",
                f"{1000 * figures.median(CPU, name):.0f}",
                f"{figures.median(MEMORY, name) / LENGTH:.2f}",
            ]
        )
    words = f"{WIDTH} x {HEIGHT} pixels of 16 bits ({LENGTH / 1e6:.0f} MB) as ImageBytes, one after another to one client."
    header = ["", "MB/s", f"of {FASTAPI.name}", "CPU ms/image", "more memory, of the image"]
    return [Section("Images", [words, "", *table(header, rows)])]


def _with_camera(bench: Bench, server: Server, file: Path) -> tuple[Server | None, Sequence[object]]:
    if server is ALPACA_SERVER:
        return None, ()  # it has no cameras
    if server is ALPACA_SIMULATORS:
        python = bench.python(server)
        if python is None:
            return None, ()
        folder = Path(subprocess.run([python, "-c", FOLDER], check=True, capture_output=True, text=True).stdout.strip())
        template = (folder / "template.yaml").read_text()
        for names, size in ((("cameraxsize", "numx"), WIDTH), (("cameraysize", "numy"), HEIGHT)):
            for name in names:
                template = re.sub(rf"(?m)^( +{name}): \d+", rf"\1: {size}", template)
        (folder / f"{CONFIG}.yaml").write_text(template)
        return server, ("--config", CONFIG)
    if server is PYLPACA:
        settings = {"width": WIDTH, "height": HEIGHT}
        entry = {"device_type": "camera", "device_number": 0, "device_driver": "benchmarks.camera:PictureCamera"}
        return configured({"drivers": [{**entry, "driver_config": settings, "deadline": TAKING_LASTS}]}), ()
    return replace(server, get=Ask("camera/0/imagearray")), (file,)


def _is_taken(bench: Bench, each: Running) -> bool:
    """Take the picture, where there is a camera; False, with a remark, if that does not work."""
    if each.server.name not in (PYLPACA.name, ALPACA_SIMULATORS.name):
        return True
    tell(each.port, [Ask("camera/0/connected", "Connected=True"), Ask("camera/0/startexposure", "Duration=0.01&Light=False")])
    client, until = Client(each.address), time.monotonic() + TAKEN_WITHIN
    while not client.says("camera/0/imageready"):
        if time.monotonic() > until:
            bench.remark(f"{each.server.name} takes no picture here.")
            return False
        time.sleep(0.1)
    return True


def _fetch(bench: Bench, each: Running) -> None:
    name, pids, client = each.server.name, each.pids, Client(each.address)
    before = each.memory
    Path(f"/proc/{each.pid}/clear_refs").write_text("5")  # the peak is counted anew
    for _ in range(IMAGES):
        began, cpu = time.perf_counter(), cpu_seconds(pids)
        length = client.get("camera/0/imagearray", imagebytes.TYPE)
        took, cpu = time.perf_counter() - began, cpu_seconds(pids) - cpu
        assert length > LENGTH, f"{name} sent {length} bytes"
        bench.figures.add(RATE, name, LENGTH / took)
        bench.figures.add(CPU, name, cpu)
    bench.figures.add(MEMORY, name, each.peak - before)
