"""A real server that stops: refused to a client while the mount is up, done by the server itself in the right order."""

from __future__ import annotations

from typing import Any

from alpaca.dome import Dome, ShutterState
from alpaca.exceptions import InvalidOperationException
from alpaca.telescope import Telescope

from tests.test_end_to_end import ServerTestCase, seen_until

QUICK = {"min_slew_time": 0.1, "max_slew_time": 0.5}


class SafetyTests(ServerTestCase):
    def test_stopped(self) -> None:
        """ASCOM's own client may not open the roof over the mount; SIGTERM parks the mount, closes the roof, ends with 0."""
        drivers: list[dict[str, Any]] = [
            {
                "device_type": "dome",
                "device_number": 0,
                "device_driver": "DomeSimulator",
                "driver_config": {"shutter_seconds": 2},
                "autoconnect": True,
                "on_exit": "close",
                "interlocks": [{"refuse": "motion", "unless": {"telescope/0": {"AtPark": True, "Slewing": False}}}],
            },
            {
                "device_type": "telescope",
                "device_number": 0,
                "device_driver": "TelescopeSimulator",
                "driver_config": QUICK,
                "autoconnect": True,
                "on_exit": "park",
            },
        ]
        server = self.started({"drivers": drivers}, "--listen", "tcp:0:interface=127.0.0.1", "--discovery-port", "off")
        dome, mount = Dome(server.address, 0), Telescope(server.address, 0)
        with self.assertRaises(InvalidOperationException) as refused:
            dome.OpenShutter()
        self.assertIn("Dome 0 may not OpenShutter: telescope/0 AtPark is false", str(refused.exception))
        mount.Park()
        seen_until(True, lambda: mount.AtPark)
        dome.OpenShutter()
        seen_until(ShutterState.shutterOpen, lambda: dome.ShutterStatus)
        mount.Unpark()
        self.assertEqual(server.terminate(), 0)
        said = [line.partition("] ")[2] for line in server.lines]
        steps = [line.removeprefix("on_exit: ") for line in said if line.startswith("on_exit: ")]
        self.assertEqual(
            steps[2:], ["park telescope/0", "park telescope/0 is done", "close dome/0", "close dome/0 is done"], server.lines
        )
        self.assertIn("Dome 0 is disconnected", said)
        self.assertNotIn("Traceback", "\n".join(server.lines))
