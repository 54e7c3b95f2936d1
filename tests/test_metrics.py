"""/metrics, read with Prometheus's own parser."""

from __future__ import annotations

from typing import Any

from prometheus_client import Metric as Family
from prometheus_client.parser import text_string_to_metric_families
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from pylpaca.testing import MemoryServer
from pylpaca.watching import metrics
from pylpaca.watching.counts import BOUNDS
from pylpaca.watching.metrics import METRICS, Metric
from tests.misbehaving import entry
from tests.test_docs import ROOT

ODD = 'a "roof"\\, \n and a dome'
CONFIGURATION = {
    "drivers": [
        {"device_type": "dome", "device_number": 0, "device_driver": "DomeSimulator", "name": ODD},
        {"device_type": "switch", "device_number": 3, "device_driver": "SwitchSimulator"},
    ]
}


def families(text: str) -> dict[str, Family]:
    """The metrics that a text has."""
    return {each.name: each for each in text_string_to_metric_families(text)}


class MetricsTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.server = MemoryServer(CONFIGURATION)
        self.server.put("dome/0/connected", Connected=True)

    def families(self) -> dict[str, Family]:
        return families(self.server.get("/metrics").body.decode())

    def samples(self, metric: Metric, **labels: str) -> dict[tuple[str, ...], float]:
        """The samples of a metric with these labels, by the values of the other ones."""
        found = {}
        for family in self.families().values():
            for sample in family.samples:
                if sample.name == metric.name and labels.items() <= sample.labels.items():
                    found[tuple(value for name, value in sample.labels.items() if name not in labels)] = sample.value
        return found


class TextTests(MetricsTestCase):
    def test_head(self) -> None:
        """It says which format it is in."""
        answer = self.server.get("/metrics")
        self.assertEqual((answer.status, answer.headers["content-type"]), (200, "text/plain; version=0.0.4; charset=utf-8"))

    def test_what_there_is(self) -> None:
        """Every metric that is declared is there, with its type and its help, and no other."""
        self.server.get("/nowhere")
        found = {name: (family.type, family.documentation) for name, family in self.families().items()}
        expected = {each.name.removesuffix("_total"): (each.kind, each.help) for each in METRICS}
        self.assertEqual(found, expected)

    def test_head_once(self) -> None:
        """Each metric has one HELP and one TYPE, and all its lines right behind them."""
        lines = self.server.get("/metrics").body.decode().splitlines()
        heads = [line.split()[2] for line in lines if line.startswith("# TYPE")]
        self.assertEqual(heads, [each.name for each in METRICS])
        current = ""
        for line in lines:
            if line.startswith("# TYPE"):
                current = line.split()[2]
            elif not line.startswith("#"):
                self.assertTrue(line.startswith(current), line)

    def test_labels(self) -> None:
        """Every sample has exactly the labels that are declared."""
        declared = {each.name: set(each.labels) for each in METRICS}
        for name, family in self.families().items():
            for sample in family.samples:
                mine = declared.get(name) or declared.get(f"{name}_total") or set()
                self.assertEqual(set(sample.labels) - {"le"}, mine)

    def test_escaped(self) -> None:
        """Whatever a device is called comes out as it is called."""
        self.assertIn(ODD, [key[0] for key in self.samples(metrics.DEVICE, device="dome/0")])

    def test_page(self) -> None:
        """The table in the docs is made of these."""
        rows = "".join(
            f"| `{each.name}` | {each.kind} | {', '.join(f'`{name}`' for name in each.labels)} | {each.help} |\n"
            for each in METRICS
        )
        self.assertIn(rows, (ROOT / "docs/monitoring.md").read_text())


class FigureTests(MetricsTestCase):
    def test_requests(self) -> None:
        """Calls are counted by device, class and how they ended."""
        for _ in range(3):
            self.server.get("dome/0/azimuth")
        self.server.get("switch/3/maxswitch")
        self.server.put("dome/0/slewtoazimuth", Azimuth=400)
        self.server.put("dome/0/abortslew")
        self.assertEqual(
            self.samples(metrics.REQUESTS),
            {
                ("dome/0", "write", ""): 1,
                ("dome/0", "read", ""): 3,
                ("switch/3", "read", ""): 0,
                ("switch/3", "read", "NotConnected"): 1,
                ("dome/0", "write", "InvalidValue"): 1,
                ("dome/0", "stop", ""): 1,
            },
        )

    def test_histogram(self) -> None:
        """A histogram counts up, ends with all of them, and says how long they took together."""
        self.server.get("dome/0/azimuth")
        found = self.families()["pylpaca_request_seconds"].samples
        mine = [each for each in found if each.labels["call"] == "read"]
        buckets = [each for each in mine if each.name.endswith("_bucket")]
        self.assertEqual([each.labels["le"] for each in buckets], [*(repr(each) for each in BOUNDS), "+Inf"])
        self.assertEqual([each.value for each in buckets], [1.0] * (len(BOUNDS) + 1))
        self.assertEqual({each.name[-4:]: each.value for each in mine[-2:]}, {"_sum": 0.0, "ount": 1.0})

    def test_links(self) -> None:
        """Which devices are connected."""
        self.assertEqual(self.samples(metrics.LINK), {("dome/0",): 1, ("switch/3",): 0})

    def test_refused(self) -> None:
        """Requests that are refused are counted by their status."""
        self.server.get("/nowhere")
        self.server.get("dome/9/azimuth")
        self.server.put("dome/0/azimuth")
        self.assertEqual(self.samples(metrics.REFUSED), {("404",): 1, ("400",): 1, ("405",): 1})

    def test_connections(self) -> None:
        """Connections that are open, with the one that asks."""
        self.server.connection()
        self.assertEqual(self.samples(metrics.CONNECTIONS), {(): 2})

    def test_state(self) -> None:
        """The numbers of DeviceState of connected devices; yes is 1; texts are left out."""
        found = self.samples(metrics.STATE, device="dome/0")
        expected = {"Altitude": 0, "AtHome": 0, "AtPark": 1, "Azimuth": 180, "ShutterStatus": 1, "Slewing": 0}
        self.assertEqual(found, {(name,): value for name, value in expected.items()})

    def test_state_of_switches(self) -> None:
        """What has numbers has them behind its name."""
        self.server.put("switch/3/connected", Connected=True)
        self.assertIn(("GetSwitchValue1",), self.samples(metrics.STATE, device="switch/3"))

    def test_asking_is_no_request(self) -> None:
        """That Prometheus asks counts as no call of a client."""
        before = self.samples(metrics.REQUESTS)
        self.assertEqual(self.samples(metrics.REQUESTS), before)

    def test_process(self) -> None:
        """What the process takes, where the system says so."""
        for metric in (metrics.CPU, metrics.MEMORY, metrics.FILES, metrics.MOST_FILES):
            self.assertGreater(self.samples(metric)[()], 0)

    def test_elsewhere(self) -> None:
        """Where the system does not say it, the metric is left out."""
        self.patch(metrics, "resident_memory", lambda: None)
        self.assertNotIn(metrics.MEMORY.name, self.families())


class SlowDeviceTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.server = MemoryServer({"drivers": [entry("telescope"), entry("dome")]})
        for kind in ("telescope", "dome"):
            self.server.put(f"{kind}/0/connected", Connected=True)
        self.held: list[Deferred[Any]] = []
        self.patch(self.server.driver("telescope"), "Declination", self.hold)

    def hold(self) -> Deferred[Any]:
        self.held.append(Deferred())
        return self.held[-1]

    def scraped(self) -> set[str]:
        """Which devices have their state there after two seconds."""
        connection = self.server.begin("GET", "/metrics")
        self.server.clock.advance(2.0)
        answer = connection.answer()
        assert answer is not None
        samples = families(answer.body.decode())["pylpaca_device_state"].samples
        return {each.labels["device"] for each in samples}

    def test_left_out(self) -> None:
        """A device that does not answer within two seconds is left out, and keeps nobody waiting longer."""
        self.assertEqual(self.scraped(), {"dome/0"})

    def test_stale(self) -> None:
        """What it said before is not told as if it were so now."""
        self.patch(self.server.driver("telescope"), "Declination", lambda: 10.0)
        before = self.scraped()
        self.patch(self.server.driver("telescope"), "Declination", self.hold)
        self.assertEqual((before, self.scraped()), ({"dome/0", "telescope/0"}, {"dome/0"}))

    def test_hanging_up(self) -> None:
        """Whoever asks and hangs up meanwhile leaves nothing behind, and the next one is answered."""
        connection = self.server.begin("GET", "/metrics")
        connection.hang_up()
        self.server.clock.advance(10)
        self.assertEqual((self.flushLoggedErrors(), self.scraped()), ([], {"dome/0"}))

    def test_not_piled_up(self) -> None:
        """While it does not answer, scrapes do not ask it again and again."""
        for _ in range(5):
            self.scraped()
        self.assertLessEqual(len(self.held), 2)


SAFE = "simulators.safetymonitor.SafetyMonitorSimulator"


class ManyTests(SynchronousTestCase):
    def test_many_devices(self) -> None:
        """The text of a server with many devices is made in pieces, between which others have their turn, and is whole."""
        many = [{"device_type": "safetymonitor", "device_number": number, "device_driver": SAFE} for number in range(300)]
        server = MemoryServer({"drivers": many})
        turns: list[float] = []
        later = server.clock.callLater

        def counted(seconds: float, *call: Any) -> Any:
            turns.append(seconds)
            return later(seconds, *call)

        self.patch(server.clock, "callLater", counted)
        found = families(server.get("/metrics").body.decode())
        self.assertEqual((len(found["pylpaca_link_up"].samples), turns.count(0) > 5), (300, True))
