"""What pages of others can have a browser do: a real one, and pages on another port of this machine."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from typing import Any

from tests.chaos.figures import Figure, Missing, exactly
from tests.chaos.processes import put, server

FOCUSER = {"device_type": "focuser", "device_number": 0, "device_driver": "tests.chaos.drivers:NotedFocuser", "name": "pedestal"}
NAME = "evil.example"  # which the browser is told is here
PATIENCE = 60.0  # seconds for a browser to start and a page to do what it does
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


class Page:
    """A web server of somebody else, with one page, which tells what came of it."""

    def __init__(self, file: str) -> None:
        self.text = (Path(__file__).parent / file).read_text()
        self.reports: Queue[Any] = Queue()
        page = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.end_headers()
                self.wfile.write(page.text.encode())

            def do_POST(self) -> None:
                page.reports.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *arguments: Any) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.origin = f"http://127.0.0.1:{self._server.server_port}"
        Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """End the server."""
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def page(file: str, **words: str) -> Iterator[Page]:
    """A page in which these words are filled in."""
    made = Page(file)
    for word, text in words.items():
        made.text = made.text.replace(word, text)
    try:
        yield made
    finally:
        made.close()


def command(folder: str) -> list[str]:
    """How a browser without a window is started."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        raise Missing("no browser here: install chromium")
    options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    return [found, *options, f"--user-data-dir={folder}", f"--host-resolver-rules=MAP {NAME} 127.0.0.1"]


def report(shown: Page) -> Any:
    """Have a browser show a page; what the page reports."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        started = [*command(folder), f"{shown.origin}/"]
        browser = subprocess.Popen(started, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            return shown.reports.get(timeout=PATIENCE)
        except Empty:
            raise AssertionError("the page reported nothing") from None
        finally:
            browser.terminate()
            browser.wait(PATIENCE)


def seen(address: str) -> str:
    """What a browser shows of an address."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        done = subprocess.run([*command(folder), "--dump-dom", address], capture_output=True, text=True, timeout=PATIENCE)
        return done.stdout


def moves(address: str) -> list[int]:
    """Where the focuser was told to go."""
    found: list[int] = json.loads(put(address, "focuser/0/action", Action="done", Parameters="")["Value"])
    return found


def pages_of_others() -> Iterator[Figure]:
    """Twelve ways in which a page of somebody else may try to move a device."""
    with server([FOCUSER], request_log=True) as made:
        put(made.address, "focuser/0/connected", Connected=True)
        port = made.address.rpartition(":")[2]
        with page("attack.html", TARGET=f"http://{made.address}", OTHER=f"http://{NAME}:{port}") as attack:
            found = report(attack)
        read = found.pop("read")
        yield exactly("attacks tried", len(found), 12)
        yield exactly("moves that came of them", len(moves(made.address)), 0)
        yield exactly("answers that the page could read", bool(read), 0)
        refused = [line for line in made.lines if "/api/v1/focuser/0/move: HTTP 4" in line]
        yield Figure("of its requests, refused by the server; the others the browser did not send", len(refused), least=8)
        shown = seen(f"http://{NAME}:{port}/setup")
        yield exactly("pages shown under a name that points here", "pedestal" in shown, 0)
        yield exactly("instead, it is said why not", "allowed_hosts" in shown, 1)
        shown = seen(f"http://{made.address}/setup")
        yield exactly("pages shown under the server's own address", "pedestal" in shown, 1)


def attacks_where_it_is_listed() -> Iterator[Figure]:
    """That the attacks are attacks: one of the twelve works where the page is listed."""
    with page("attack.html", OTHER="http://127.0.0.1:1") as attack, server([FOCUSER], cors_origins=[attack.origin]) as made:
        put(made.address, "focuser/0/connected", Connected=True)
        attack.text = attack.text.replace("TARGET", f"http://{made.address}")
        report(attack)
        yield exactly("moves that came of them", len(moves(made.address)), 1)


def listed_pages() -> Iterator[Figure]:
    """A page that is listed, and one that is not, with a password and without."""
    with page("guest.html") as listed, page("guest.html") as other:
        with server([FOCUSER], cors_origins=[listed.origin]) as made:
            put(made.address, "focuser/0/connected", Connected=True)
            for each in (listed, other):
                each.text = each.text.replace("TARGET", f"http://{made.address}")
            found = report(other)
            yield exactly("answers that a page could read that is not listed", sum(status > 0 for status, _ in found.values()), 0)
            yield exactly("moves that came of it", len(moves(made.address)), 0)
            found = report(listed)
            yield exactly("answers that a listed page could read", sum(status == 200 for status, _ in found.values()), 3)
            yield exactly("moves that came of it", moves(made.address) == [77], 1)
            address = made.address
        with server([FOCUSER], cors_origins=[listed.origin], users={"me": "secret"}) as made:
            listed.text = listed.text.replace(address, made.address)
            found = report(listed)
            yield exactly("with users: status of a listed page's request without a password", found["without"][0], 401)
            yield exactly("and with it", found["read"][0], 200)
