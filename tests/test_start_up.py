"""What a server loads before its first answer, and what it does not."""

from __future__ import annotations

import ast
import gc
import json
import os
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

import drivers
import pylpaca
from pylpaca import config, loading, roster, service

LATER = {  # what takes long to import: when it is wanted
    "numpy": "the first exposure",
    "orjson": "the first image as JSON",
    "treq": "the client",
    "twisted.web.client": "the client",
    "pylpaca.client": "the client",
    "pylpaca.testing": "tests",
    "twisted.trial": "tests",
    "hypothesis": "tests",
    "unittest": "tests",
    "pkg_resources": "never",
    "setuptools": "never",
    "multiprocessing": "never",
}

FIRST_ANSWER = """
import json, os, sys
from http.client import HTTPConnection
from twisted.internet import reactor
from pylpaca.loading import Options
from pylpaca.service import compose

options = Options()
options["listen"], options["discovery-port"] = ["tcp:0:interface=127.0.0.1"], "off"
server = compose(options, reactor, os.environ)
server.startService()
port = server._ports[0].getHost().port

def ask():
    connection = HTTPConnection("127.0.0.1", port)
    for kind, number in server.roster.entries:
        connection.request("GET", f"/api/v1/{kind}/{number}/name")
        print(connection.getresponse().read().decode(), file=sys.stderr)
    connection.close()
    reactor.callFromThread(reactor.stop)

reactor.callWhenRunning(reactor.callInThread, ask)
reactor.run()
print(json.dumps(sorted(sys.modules)))
"""


class LoadedTests(SynchronousTestCase):
    def run_python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        paths = [str(Path(pylpaca.__file__).parent.parent), *filter(None, sys.path)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "STATE_DIRECTORY": str(Path(self.mktemp()).absolute())}
        return subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, text=True, check=False)

    def test_first_answer(self) -> None:
        """With a simulator of every type, the first answers need none of what takes long to import."""
        ended = self.run_python("-c", FIRST_ANSWER)
        self.assertEqual((ended.returncode, ended.stderr.count('"ErrorNumber":0')), (0, 10), ended.stderr)
        loaded = json.loads(ended.stdout.split("\n")[-2])
        self.assertIn("drivers.simulators.camera", loaded)
        self.assertEqual([name for name in LATER if name in loaded], [])

    def test_check(self) -> None:
        """Nor does looking at a configuration."""
        file = Path(__file__).parent.parent / "config.json"
        ended = self.run_python("-X", "importtime", "-m", "pylpaca", "check", str(file))
        self.assertEqual(ended.returncode, 0, ended.stdout)
        loaded = {line.rpartition("|")[2].strip() for line in ended.stderr.split("\n")}
        self.assertIn("pylpaca.service", loaded)
        self.assertEqual([name for name in LATER if name in loaded], [])


class LoadingTests(SynchronousTestCase):
    def test_what_twistd_asks_for(self) -> None:
        """twistd finds what it asks for, and the garbage collector works again."""
        self.assertEqual((loading.Options, loading.makeService), (service.Options, service.makeService))
        self.assertTrue(gc.isenabled())

    def test_nothing_else(self) -> None:
        """What is not there is not there."""
        self.assertFalse(hasattr(loading, "nonsense"))

    def test_sources(self) -> None:
        """Only sources in which its name stands are parsed to find a driver."""
        self.patch(drivers, "__path__", list(drivers.__path__))
        roster.add_driver_folders(config.read({"drivers": []}))
        parsed: list[bytes] = []
        parse = ast.parse

        def noted(source: bytes) -> ast.Module:
            parsed.append(source)
            return parse(source)

        self.patch(ast, "parse", noted)
        self.assertEqual(roster.find_driver("MoonliteFocuser").__name__, "MoonliteFocuser")
        self.assertEqual((len(parsed), b"class MoonliteFocuser" in parsed[0]), (1, True))
