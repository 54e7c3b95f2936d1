"""The camera simulator: exposures on a clock, images of the right shape, a cooler that takes its time, the telescope's sky."""

from __future__ import annotations

import gc
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar, NoReturn

import numpy as np
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import deferLater
from twisted.trial.unittest import SynchronousTestCase

from drivers.simulators import picture as picture_module
from drivers.simulators.camera import GUIDE_RATE, READ_NOISE, CameraSimulator
from drivers.simulators.exposure import Exposure, Pointing
from drivers.simulators.starfield import LIGHT
from drivers.simulators.telescope import TelescopeSimulator
from pylpaca.device import Camera
from pylpaca.errors import DriverError, InvalidOperation, InvalidValue, MemberNotImplemented
from pylpaca.testing import HeldThread, MemoryServer
from pylpaca.threads import OwnThread, at_once
from pylpaca.values import CameraState, GuideDirection, SensorType

NOT_IMPLEMENTED, INVALID_VALUE, INVALID_OPERATION = (
    each.number for each in (MemberNotImplemented, InvalidValue, InvalidOperation)
)


def camera_server(own_thread: OwnThread = at_once, mount: str = "", **settings: Any) -> MemoryServer:
    """A server with a camera and, if its driver is named, a telescope."""
    entries = [{"device_type": "camera", "device_number": 0, "device_driver": "CameraSimulator", "driver_config": settings}]
    if mount:
        entries.append({"device_type": "telescope", "device_number": 0, "device_driver": mount})
    return MemoryServer({"drivers": entries}, own_thread=own_thread)


class CameraTestCase(SynchronousTestCase):
    settings: ClassVar[dict[str, Any]] = {}

    def setUp(self) -> None:
        self.start(**self.settings)

    def start(self, **settings: Any) -> None:
        self.server = camera_server(self.own_thread(), **{"CameraXSize": 48, "CameraYSize": 32, **settings})
        self.clock = self.server.clock
        self.put("connected", Connected=True)

    def own_thread(self) -> OwnThread:
        return at_once

    def get(self, member: str) -> Any:
        return self.server.get(f"camera/0/{member}").value

    def get_error(self, member: str) -> int:
        return self.server.get(f"camera/0/{member}").error

    def put(self, member: str, **form: Any) -> Any:
        return self.server.put(f"camera/0/{member}", **form).value

    def put_error(self, member: str, **form: Any) -> int:
        return self.server.put(f"camera/0/{member}", **form).error

    def reconnect(self) -> None:
        self.put("connected", Connected=False)
        self.put("connected", Connected=True)

    def state(self) -> tuple[bool, int]:
        return self.get("imageready"), self.get("camerastate")

    def frame(self, bin_x: int, bin_y: int, **window: int) -> None:
        """Set binning and subframe: the whole sensor, or what is given."""
        whole = {"StartX": 0, "StartY": 0, "NumX": self.get("cameraxsize") // bin_x, "NumY": self.get("cameraysize") // bin_y}
        for name, value in {"BinX": bin_x, "BinY": bin_y, **whole, **window}.items():
            self.put(name.lower(), **{name: value})

    def expose(self, seconds: float = 2.0, light: bool = True) -> None:
        """A whole exposure."""
        self.put("startexposure", Duration=seconds, Light=light)
        self.clock.pump([seconds, 10])

    def image(self) -> Any:
        """The image as a client has it, `[x, y]` or `[x, y, plane]`."""
        return np.array(self.get("imagearray"))


class ExposureTests(CameraTestCase):
    def test_timeline(self) -> None:
        """Exposing for as long as was asked, then reading; idle and with an image in one step, never one without the other."""
        self.put("startexposure", Duration=2, Light=True)
        seen = []
        for _ in range(60):  # 3 s
            seen.append(self.state())
            self.clock.advance(0.05)
        self.assertEqual(
            list(dict.fromkeys(seen)),
            [(False, CameraState.Exposing), (False, CameraState.Reading), (True, CameraState.Idle)],
        )
        self.assertApproximates(seen.count((False, CameraState.Exposing)), 40, 1)
        self.assertApproximates(seen.count((False, CameraState.Reading)), 10, 1)

    def test_device_state_agrees(self) -> None:
        """DeviceState says the same as the single members, at every moment of an exposure."""
        temperatures = ["CCDTemperature", "CameraState", "CoolerPower", "HeatSinkTemperature"]
        names = [*temperatures, "ImageReady", "IsPulseGuiding", "PercentCompleted"]
        self.put("startexposure", Duration=2, Light=True)
        for _ in range(60):
            values = {item["Name"]: item["Value"] for item in self.get("devicestate")}
            del values["TimeStamp"]
            self.assertEqual(sorted(values), names)
            self.assertEqual(values, {name: self.get(name.lower()) for name in values})
            self.clock.advance(0.05)

    def test_percent_completed(self) -> None:
        """A number at any time: 0 without an exposure, what share of it is over, 100 with an image."""
        self.assertEqual(self.get("percentcompleted"), 0)
        self.put("startexposure", Duration=4, Light=True)
        seen = []
        for seconds in (0, 1, 1, 2, 0.25, 0.25):
            self.clock.advance(seconds)
            seen.append(self.get("percentcompleted"))
        self.assertEqual(seen, [0, 25, 50, 100, 100, 100])

    def test_first_use(self) -> None:
        """Before the first exposure there is no image, no duration and no start time."""
        self.assertFalse(self.get("imageready"))
        for member in ("imagearray", "imagearrayvariant", "lastexposureduration", "lastexposurestarttime"):
            self.assertEqual(self.get_error(member), INVALID_OPERATION, member)

    def test_reconnect(self) -> None:
        """A new link finds it as new: idle, no image, the whole sensor unbinned, the cooler off."""
        self.expose()
        self.frame(2, 2, NumX=1, NumY=1, StartX=3, StartY=4)
        self.put("cooleron", CoolerOn=True)
        self.put("setccdtemperature", SetCCDTemperature=-20)
        self.put("gain", Gain=77)
        self.put("pulseguide", Direction=0, Duration=2000)
        self.put("startexposure", Duration=5, Light=True)
        self.reconnect()
        self.clock.advance(60)
        self.assertEqual(self.state(), (False, CameraState.Idle))
        self.test_first_use()
        members = ("binx", "biny", "startx", "starty", "numx", "numy", "cooleron", "setccdtemperature", "gain", "ispulseguiding")
        self.assertEqual([self.get(each) for each in members], [1, 1, 0, 0, 48, 32, False, 0.0, 0, False])
        self.assertEqual(self.get("ccdtemperature"), 15.0)

    def test_nothing_left_behind(self) -> None:
        """A camera that is disconnected in mid exposure has no timer left."""
        self.put("startexposure", Duration=5, Light=True)
        self.put("connected", Connected=False)
        self.assertEqual([call for call in self.clock.getDelayedCalls() if "_read_out" in str(call)], [])

    def test_second_client_resets_nothing(self) -> None:
        """A second client that connects finds the exposure under way."""
        self.put("startexposure", Duration=5, Light=True)
        self.put("connected", Connected=True, ClientID=7)
        self.assertEqual(self.state(), (False, CameraState.Exposing))

    def test_new_exposure(self) -> None:
        """A new exposure takes the last image away at once."""
        self.expose()
        self.assertEqual(self.state(), (True, CameraState.Idle))
        self.put("startexposure", Duration=2, Light=True)
        self.assertEqual(self.state(), (False, CameraState.Exposing))
        self.assertEqual(self.get_error("imagearray"), INVALID_OPERATION)

    def test_busy(self) -> None:
        """Another exposure is refused while one is under way or read out, and the first one ends as it would have."""
        self.put("startexposure", Duration=2, Light=True)
        for state in (CameraState.Exposing, CameraState.Reading):
            self.assertEqual(self.get("camerastate"), state)
            self.assertEqual(self.put_error("startexposure", Duration=1, Light=True), INVALID_OPERATION)
            self.clock.advance(2)
        self.assertEqual((*self.state(), self.get("lastexposureduration")), (True, CameraState.Idle, 2.0))

    def test_last_exposure(self) -> None:
        """When it began, as FITS writes it, and how long it was asked to be."""
        self.clock.advance(61.25)
        self.expose(1.5)
        self.assertEqual(self.get("lastexposurestarttime"), "2026-01-01T00:01:01.250")
        self.assertEqual(self.get("lastexposureduration"), 1.5)

    def test_bias(self) -> None:
        """A dark of no length is an exposure like any other; one of light must be as long as ExposureMin."""
        self.expose(0, light=False)
        self.assertEqual(self.state(), (True, CameraState.Idle))
        self.assertApproximates(float(self.image().mean()), 100, 1)
        self.assertEqual(self.put_error("startexposure", Duration=0, Light=True), INVALID_VALUE)

    def test_durations(self) -> None:
        """What is too short or too long is refused; the limits are not."""
        self.assertEqual([self.get(f"exposure{each}") for each in ("min", "max", "resolution")], [0.001, 3600.0, 0.001])
        for seconds, light in ((-1, True), (-1, False), (0.0009, True), (3600.1, True), (3600.1, False)):
            self.assertEqual(self.put_error("startexposure", Duration=seconds, Light=light), INVALID_VALUE, (seconds, light))
        for seconds in (0.001, 3600):
            self.assertEqual(self.put_error("startexposure", Duration=seconds, Light=True), 0, seconds)
            self.put("abortexposure")

    def test_stop(self) -> None:
        """Stopped, it reads out what was collected; the duration that is told is the one that was asked."""
        self.frame(1, 1)
        self.expose(4)
        whole = self.image().mean()
        self.put("startexposure", Duration=400, Light=True)
        self.clock.advance(4)
        self.put("stopexposure")
        self.assertEqual(self.state(), (False, CameraState.Reading))
        self.clock.advance(0.5)
        self.assertEqual(self.state(), (True, CameraState.Idle))
        self.assertApproximates(float(self.image().mean()), float(whole), 5)
        self.assertEqual(self.get("lastexposureduration"), 400.0)
        self.clock.advance(500)
        self.assertEqual(self.state(), (True, CameraState.Idle))

    def test_stop_while_reading(self) -> None:
        """A stop while it is read out changes nothing."""
        self.put("startexposure", Duration=1, Light=True)
        self.clock.pump([1, 0.25])
        self.put("stopexposure")
        self.assertEqual(self.state(), (False, CameraState.Reading))
        self.clock.advance(0.25)
        self.assertEqual(self.state(), (True, CameraState.Idle))

    def test_abort(self) -> None:
        """Aborted, while it exposes or reads out, it is idle at once, and there is no image."""
        for seconds in (1, 2.25):
            self.put("startexposure", Duration=2, Light=True)
            self.clock.advance(seconds)
            self.put("abortexposure")
            self.assertEqual(self.state(), (False, CameraState.Idle))
            self.clock.advance(10)
            self.assertEqual(self.state(), (False, CameraState.Idle))
            self.assertEqual(self.get_error("imagearray"), INVALID_OPERATION)
            self.assertEqual(self.get("percentcompleted"), 0)

    def test_abort_and_stop_at_rest(self) -> None:
        """Abort and stop are harmless when nothing is exposed: they make no image, and take none away."""
        for has_image in (False, True):
            for call in ("stopexposure", "abortexposure"):
                self.put(call)
                self.clock.advance(10)
                self.assertEqual(self.state(), (has_image, CameraState.Idle))
            self.expose()

    def test_readout(self) -> None:
        """A readout with low noise takes twice as long, a fast one a quarter."""
        times = []
        for mode, fast in ((0, False), (1, False), (0, True)):
            self.put("readoutmode", ReadoutMode=mode)
            self.put("fastreadout", FastReadout=fast)
            self.assertEqual((self.get("readoutmode"), self.get("fastreadout")), (mode, fast))
            self.put("startexposure", Duration=1, Light=True)
            self.clock.advance(1)
            began = self.clock.seconds()
            while not self.get("imageready"):
                self.clock.advance(0.125)
            times.append(self.clock.seconds() - began)
        self.assertEqual(times, [0.5, 1.0, 0.125])

    def test_readout_noise(self) -> None:
        """A fast readout is noisier than a normal one, and one with low noise is quieter."""
        noise = []
        for mode, fast in ((0, True), (0, False), (1, False)):
            self.put("readoutmode", ReadoutMode=mode)
            self.put("fastreadout", FastReadout=fast)
            self.expose(0, light=False)
            noise.append(round(float(self.image().std())))
        self.assertEqual(noise, [6, 3, 2])


class MakingTests(CameraTestCase):
    """Whatever happens while the picture is made: that takes the time of a thread, and here the test says how long."""

    def own_thread(self) -> OwnThread:
        self.thread = HeldThread()
        return self.thread

    def let_go(self) -> None:
        """The picture is made, then it is made ready to be sent."""
        while self.thread.count:
            self.thread.release()

    def undisturbed(self, exposures: int = 1) -> Any:
        """The last image of a camera to which nothing else happens."""
        server = camera_server(CameraXSize=48, CameraYSize=32)
        server.put("camera/0/connected", Connected=True)
        for _ in range(exposures):
            server.put("camera/0/startexposure", Duration=2, Light=True)
            server.clock.pump([2, 10])
        return server.get("camera/0/imagearray").value

    def expose(self, seconds: float = 2.0, light: bool = True) -> None:
        self.put("startexposure", Duration=seconds, Light=light)
        self.clock.pump([seconds, 10])
        self.let_go()

    def test_readout_first(self) -> None:
        """Reading for as long as the picture takes to be made, then Download; idle when it can be fetched, and never before."""
        self.put("startexposure", Duration=2, Light=True)
        self.assertEqual((self.state(), self.thread.count), ((False, CameraState.Exposing), 0))
        self.clock.advance(2)
        self.assertEqual((self.state(), self.thread.count), ((False, CameraState.Reading), 1))
        self.clock.pump([0.5, 60])
        self.assertEqual((self.state(), self.thread.count), ((False, CameraState.Reading), 1))
        self.thread.release()
        self.assertEqual((self.state(), self.thread.count), ((False, CameraState.Download), 1))
        self.assertEqual((self.get_error("imagearray"), self.get("percentcompleted")), (INVALID_OPERATION, 100))
        self.assertEqual(self.put_error("startexposure", Duration=2, Light=True), INVALID_OPERATION)
        self.thread.release()
        self.assertEqual((self.state(), self.thread.count), ((True, CameraState.Idle), 0))
        self.assertEqual((self.get("imagearray"), self.get("percentcompleted")), (self.undisturbed(), 100))

    def test_picture_first(self) -> None:
        """A picture that is made while the sensor is read out waits for the end of that."""
        self.put("startexposure", Duration=2, Light=True)
        self.clock.advance(2)
        self.thread.release()
        self.clock.advance(0.4)
        self.assertEqual((self.state(), self.thread.count), ((False, CameraState.Reading), 0))
        self.clock.advance(0.1)
        self.assertEqual((self.state(), self.thread.count), ((False, CameraState.Download), 1))
        self.thread.release()
        self.assertEqual(self.state(), (True, CameraState.Idle))

    def moments(self) -> Iterator[str]:
        """An exposure each, brought to every moment between its end and its image."""
        self.start()
        self.put("startexposure", Duration=2, Light=True)
        self.clock.advance(2.25)
        yield "reading, picture not made"
        self.start()
        self.put("startexposure", Duration=2, Light=True)
        self.clock.advance(2.25)
        self.thread.release()
        yield "reading, picture made"
        self.start()
        self.put("startexposure", Duration=2, Light=True)
        self.clock.pump([2, 10])
        yield "read, picture not made"
        self.start()
        self.put("startexposure", Duration=2, Light=True)
        self.clock.pump([2, 10])
        self.thread.release()
        yield "made ready to be sent"

    def test_abort(self) -> None:
        """Aborted at any of these moments it is idle at once, and what comes out of the thread later is dropped."""
        for moment in self.moments():
            self.put("abortexposure")
            for _ in range(3):
                self.assertEqual(self.state(), (False, CameraState.Idle), moment)
                self.assertEqual((self.get_error("imagearray"), self.get("percentcompleted")), (INVALID_OPERATION, 0), moment)
                self.let_go()
                self.clock.advance(10)
            gc.collect()
            self.assertEqual(self.flushLoggedErrors(), [], moment)

    def test_exposure_after_abort(self) -> None:
        """The next exposure is not disturbed by what comes late of an aborted one: its image is its own."""
        for moment in self.moments():
            self.put("abortexposure")
            self.put("startexposure", Duration=2, Light=True)
            self.let_go()
            self.assertEqual(self.state(), (False, CameraState.Exposing), moment)
            self.clock.advance(2)
            self.assertEqual((self.state(), self.thread.count), ((False, CameraState.Reading), 1), moment)
            self.let_go()
            self.clock.advance(0.5)
            self.let_go()
            self.assertEqual((*self.state(), self.get("imagearray")), (True, CameraState.Idle, self.undisturbed(2)), moment)

    def test_abort_ends_the_work(self) -> None:
        """A picture that nobody waits for is given up by the thread, too; one that is waited for is not."""
        original, asked = picture_module.picture, []

        def noted(exposure: Exposure, pointing: Pointing, given_up: Callable[[], bool]) -> Any:
            asked.append(given_up())
            return original(exposure, pointing, given_up)

        self.patch(picture_module, "picture", noted)
        self.expose()
        for seconds in (0.25, 10):
            self.put("startexposure", Duration=2, Light=True)
            self.clock.pump([2, seconds])
            self.put("abortexposure")
            self.let_go()
        self.assertEqual(asked, [False, True, True])

    def test_reconnect(self) -> None:
        """A new link at any of these moments finds it as new, and what comes out of the thread later is dropped."""
        for moment in self.moments():
            self.reconnect()
            for _ in range(3):
                self.assertEqual(self.state(), (False, CameraState.Idle), moment)
                self.assertEqual(self.get_error("imagearray"), INVALID_OPERATION, moment)
                self.let_go()
                self.clock.advance(10)
            self.expose()
            self.assertEqual((*self.state(), self.get("imagearray")), (True, CameraState.Idle, self.undisturbed()), moment)

    def test_late_on_a_new_link(self) -> None:
        """What an exposure of the last link left behind does not get into one of the new link."""
        for moment in self.moments():
            self.reconnect()
            self.put("startexposure", Duration=2, Light=True)
            self.clock.advance(2)
            self.thread.release()
            self.assertEqual(self.state(), (False, CameraState.Reading), moment)
            self.clock.advance(0.5)
            self.let_go()
            self.assertEqual((*self.state(), self.get("imagearray")), (True, CameraState.Idle, self.undisturbed()), moment)

    def test_stop(self) -> None:
        """A stop at any of these moments changes nothing."""
        for moment in self.moments():
            before = self.state()
            self.put("stopexposure")
            self.assertEqual((self.state(), self.thread.count <= 1), (before, True), moment)
            self.clock.advance(10)
            self.let_go()
            self.assertEqual((*self.state(), self.get("imagearray")), (True, CameraState.Idle, self.undisturbed()), moment)

    def test_set_meanwhile(self) -> None:
        """Whatever is set while the picture is made counts for the next one."""
        self.put("startexposure", Duration=2, Light=True)
        self.clock.advance(2)
        self.frame(2, 2, NumX=3, NumY=3)
        self.put("gain", Gain=200)
        self.put("offset", Offset=50)
        self.put("readoutmode", ReadoutMode=1)
        self.put("fastreadout", FastReadout=True)
        self.put("setccdtemperature", SetCCDTemperature=-20)
        self.put("cooleron", CoolerOn=True)
        self.put("pulseguide", Direction=0, Duration=10_000)
        self.clock.advance(10)
        self.let_go()
        self.assertEqual(self.get("imagearray"), self.undisturbed())

    def test_failure(self) -> None:
        """A picture that cannot be made is an error, with its reason in the log; the next exposure is as good as any."""

        def broken(*arguments: object) -> NoReturn:
            raise ZeroDivisionError("no stars")

        def shapeless(*arguments: object) -> Any:
            return np.zeros(0)

        original = picture_module.picture
        for number, (wrong, error) in enumerate(((broken, ZeroDivisionError), (shapeless, DriverError)), 1):
            self.patch(picture_module, "picture", wrong)
            self.expose()
            self.assertEqual(self.state(), (False, CameraState.Error))
            self.assertEqual((self.get_error("imagearray"), self.get("percentcompleted")), (INVALID_OPERATION, 0))
            self.assertEqual(len(self.flushLoggedErrors(error)), 1)
            self.patch(picture_module, "picture", original)
            self.put("startexposure", Duration=2, Light=True)
            self.assertEqual(self.state(), (False, CameraState.Exposing))
            self.clock.pump([2, 10])
            self.let_go()
            self.assertEqual((*self.state(), self.get("imagearray")), (True, CameraState.Idle, self.undisturbed(2 * number)))

    def test_failure_put_right(self) -> None:
        """An abort or a new link after a failure finds it idle."""
        for call in (lambda: self.put("abortexposure"), self.reconnect):
            self.patch(picture_module, "stars_on", None)
            self.expose()
            self.assertEqual(self.state(), (False, CameraState.Error))
            self.assertEqual(len(self.flushLoggedErrors(TypeError)), 1)
            call()
            self.assertEqual(self.state(), (False, CameraState.Idle))

    def test_numpy_only_when_needed(self) -> None:
        """A server with cameras starts, and exposes, without loading numpy: that is done where the picture is made."""
        program = """
import sys
from pylpaca.testing import HeldThread, MemoryServer
entry = {"device_type": "camera", "device_number": 0, "device_driver": "CameraSimulator"}
thread = HeldThread()
server = MemoryServer({"drivers": [entry]}, own_thread=thread)
server.put("camera/0/connected", Connected=True)
server.put("camera/0/startexposure", Duration=1, Light=True)
server.clock.pump([1, 10])
print("numpy" in sys.modules, thread.count)
thread.release()
print("numpy" in sys.modules)
"""
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
        self.assertEqual((done.stdout, done.stderr), ("False 1\nTrue\n", ""))


class SubframeTests(CameraTestCase):
    def test_whole_sensor(self) -> None:
        """The size in the settings is the size of the sensor and of its first image."""
        self.assertEqual([self.get(each) for each in ("cameraxsize", "cameraysize", "numx", "numy")], [48, 32, 48, 32])
        self.expose()
        self.assertEqual(self.image().shape, (48, 32))

    def test_default_size(self) -> None:
        """Without settings it is modest enough for any client."""
        server = camera_server()
        server.put("camera/0/connected", Connected=True)
        size = [server.get(f"camera/0/{each}").value for each in ("cameraxsize", "cameraysize")]
        self.assertEqual(size, [800, 600])

    def test_envelope(self) -> None:
        """Type and Rank stand first, and an image is listed by columns."""
        self.frame(1, 1, NumX=5, NumY=3)
        self.expose()
        for member in ("imagearray", "imagearrayvariant"):
            answer = self.server.get(f"camera/0/{member}")
            self.assertEqual(
                list(json.loads(answer.body)),
                ["Type", "Rank", "Value", "ClientTransactionID", "ServerTransactionID", "ErrorNumber", "ErrorMessage"],
            )
            self.assertTrue(answer.body.startswith(b'{"Type":2,"Rank":2,"Value":[['), answer.body[:40])
            self.assertEqual((len(answer.value), [len(column) for column in answer.value]), (5, [3] * 5))
            self.assertEqual({type(pixel) for column in answer.value for pixel in column}, {int})

    def test_no_image_envelope(self) -> None:
        """Without an image, Type and Rank are there, too."""
        for member in ("imagearray", "imagearrayvariant"):
            answer = self.server.get(f"camera/0/{member}").json
            self.assertEqual((list(answer)[:3], answer["Value"]), (["Type", "Rank", "Value"], []))

    def test_made_once(self) -> None:
        """However often and by whichever name it is fetched, an image is the same."""
        self.expose()
        first = self.get("imagearray")
        self.assertEqual(self.get("imagearrayvariant"), first)
        self.clock.advance(100)
        self.assertEqual(self.get("imagearray"), first)
        camera = self.server.driver("camera")
        assert isinstance(camera, Camera)
        self.assertIs(camera.ImageArray(), camera.ImageArray())

    def test_axes(self) -> None:
        """The sky is brighter towards the last column than towards the last row: x is first, y second."""
        self.start(stars=0)
        self.expose(100)
        image = self.image()
        across = image.mean(axis=1)
        down = image.mean(axis=0)
        self.assertApproximates(float(across[-1] - across[0]), 2000, 60)
        self.assertApproximates(float(down[-1] - down[0]), 1000, 60)

    def test_subframe_is_part_of_the_sensor(self) -> None:
        """A subframe shows what the whole frame shows there."""
        self.start(CameraXSize=400, CameraYSize=300)
        self.expose(100)
        whole = self.image().astype(float)
        self.frame(1, 1, StartX=100, StartY=44, NumX=200, NumY=150)
        self.expose(100)
        part = self.image()
        self.assertEqual(part.shape, (200, 150))
        there = whole[100:300, 44:194]
        self.assertLess(float(np.abs(part - there).max()), 10 * float(np.sqrt(there.max())))
        elsewhere = whole[101:301, 44:194]
        self.assertGreater(float(np.abs(part - elsewhere).max()), 20 * float(np.sqrt(there.max())))

    def test_binning(self) -> None:
        """Every binning gives its own shape, and collects what its pixels collect together."""
        self.start(stars=0)
        self.assertEqual((self.get("maxbinx"), self.get("maxbiny")), (4, 4))
        for factor in (1, 2, 3, 4):
            self.frame(factor, factor)
            self.expose(20)
            image = self.image()
            self.assertEqual(image.shape, (48 // factor, 32 // factor))
            self.assertApproximates((float(image.mean()) - 100) / factor**2, 505, 15)

    def test_both_binnings(self) -> None:
        """Without asymmetric binning, one is set with the other."""
        self.assertFalse(self.get("canasymmetricbin"))
        self.put("binx", BinX=3)
        self.assertEqual((self.get("binx"), self.get("biny")), (3, 3))
        self.put("biny", BinY=2)
        self.assertEqual((self.get("binx"), self.get("biny")), (2, 2))

    def test_asymmetric_binning(self) -> None:
        """With it they are free, and the image has a shape of its own."""
        self.start(asymmetric_bin=True)
        for bin_x in range(1, 5):
            for bin_y in range(1, 5):
                self.frame(bin_x, bin_y)
                self.expose(0.5)
                self.assertEqual(self.image().shape, (48 // bin_x, 32 // bin_y))

    def test_binning_limits(self) -> None:
        """There is no binning of 0, nor one above the highest."""
        for name in ("BinX", "BinY"):
            for factor in (-1, 0, 5):
                self.assertEqual(self.put_error(name.lower(), **{name: factor}), INVALID_VALUE, (name, factor))
            self.assertEqual(self.get(name.lower()), 1)

    def test_window_refused_at_start(self) -> None:
        """A subframe beyond the sensor can be set at every binning, and is refused when the exposure starts."""
        for factor in (1, 2, 3, 4):
            for name, size in (("NumX", 48), ("NumY", 32), ("StartX", 48), ("StartY", 32)):
                self.frame(factor, factor, **{name: round(size / factor) + 1})
                self.assertEqual(self.put_error("startexposure", Duration=1, Light=True), INVALID_VALUE, (name, factor))
                self.assertEqual(self.state(), (False, CameraState.Idle))
        for name, value in (("NumX", 0), ("NumY", 0), ("StartX", -1), ("StartY", -1)):
            self.frame(1, 1, **{name: value})
            self.assertEqual(self.put_error("startexposure", Duration=1, Light=True), INVALID_VALUE, name)

    def test_refused_exposure_keeps_the_image(self) -> None:
        """An exposure that is refused takes nothing away."""
        self.expose()
        self.assertEqual(self.put_error("startexposure", Duration=-1, Light=True), INVALID_VALUE)
        self.assertEqual(self.state(), (True, CameraState.Idle))

    def test_last_pixel(self) -> None:
        """A subframe of one pixel in the last corner is on the sensor."""
        self.frame(4, 4, StartX=11, StartY=7, NumX=1, NumY=1)
        self.expose()
        self.assertEqual(self.image().shape, (1, 1))


class ImageTests(CameraTestCase):
    def test_scales_with_the_exposure(self) -> None:
        """Ten times the time is ten times the light, on the same offset."""
        self.start(stars=0)
        means = []
        for seconds in (10, 100):
            self.expose(seconds)
            means.append(float(self.image().mean()) - 100)
        self.assertApproximates(means[1] / means[0], 10, 0.1)

    def test_dark(self) -> None:
        """A closed shutter leaves the dark current; without a shutter a dark is as bright as any other."""
        for shutter, signal in ((True, 57), (False, 2520)):
            self.start(stars=0, has_shutter=shutter)
            self.assertEqual(self.get("hasshutter"), shutter)
            self.expose(100, light=False)
            self.assertApproximates(float(self.image().mean()) - 100, signal, 5 if not shutter else 2)

    def test_deterministic(self) -> None:
        """The same camera sees the same, noise and all; another exposure has other noise; another seed, other stars."""
        images = []
        for seed in (1, 1, 2):
            self.start(seed=seed)
            self.expose()
            images.append(self.get("imagearray"))
        self.assertEqual(images[0], images[1])
        self.assertNotEqual(images[0], images[2])
        self.expose()
        self.assertNotEqual(images[2], self.get("imagearray"))

    def test_saturates(self) -> None:
        """No count is above MaxADU, however long it was exposed."""
        self.start(max_adu=4095, full_well=1e6)
        self.assertEqual((self.get("maxadu"), self.get("fullwellcapacity")), (4095, 1e6))
        self.expose(3600)
        self.assertEqual(self.image().tolist(), [[4095] * 32] * 48)

    def test_full_well(self) -> None:
        """A pixel that is full collects no more."""
        self.start(full_well=1000)
        self.expose(3600)
        self.assertEqual(self.image().tolist(), [[1100] * 32] * 48)

    def test_deep_counts(self) -> None:
        """A camera with more than 16 bits has counts above 65535."""
        self.start(max_adu=1_000_000, full_well=500_000)
        self.expose(3600)
        self.assertGreater(int(self.image().max()), 65535)

    def test_mosaic(self) -> None:
        """A mosaic is one plane that alternates between its colours, from the first pixel of the sensor."""
        for name, corner in {
            "RGGB": [[0.5, 0.4], [0.4, 0.3]],
            "CMYG": [[0.9, 0.7], [0.4, 0.8]],
            "CMYG2": [[0.7, 0.9], [0.8, 0.4]],
            "LRGB": [[1.0, 0.5], [0.5, 1.0]],
        }.items():
            self.start(sensor_type=name, stars=0)
            self.assertEqual(self.get("sensortype"), SensorType[name])
            self.assertEqual((self.get("bayeroffsetx"), self.get("bayeroffsety")), (0, 0))
            self.expose(1000)
            image = (self.image() - 100) / 1000
            self.assertEqual(image.shape, (48, 32))
            for y in (0, 1):
                for x in (0, 1):
                    sky = 10 + 20 * x / 48 + 10 * y / 32
                    self.assertApproximates(float(image[x, y]), corner[y][x] * sky + 0.57, 0.8)

    def test_mosaic_of_a_subframe(self) -> None:
        """A subframe that begins in an odd column begins with that column's colour."""
        self.start(sensor_type="RGGB", stars=0)
        self.frame(1, 1, StartX=1, StartY=1, NumX=2, NumY=2)
        self.expose(1000)
        blue, red = self.image()[0, 0], self.image()[1, 1]
        self.assertLess(float(blue / red), 0.7)

    def test_colour(self) -> None:
        """A colour camera gives three planes: red, green and blue."""
        self.start(sensor_type="Color", stars=0)
        self.assertEqual(self.get("sensortype"), SensorType.Color)
        self.assertEqual((self.get("bayeroffsetx"), self.get("bayeroffsety")), (0, 0))
        self.frame(2, 2, NumX=7, NumY=5)
        self.expose(100)
        self.assertTrue(self.server.get("camera/0/imagearray").body.startswith(b'{"Type":2,"Rank":3,"Value":[[['))
        image = self.image()
        self.assertEqual(image.shape, (7, 5, 3))
        red, green, blue = (float(image[:, :, plane].mean()) - 100 - 4 * 57 for plane in range(3))  # without dark current
        self.assertApproximates(green / red, 0.8, 0.02)
        self.assertApproximates(blue / red, 0.6, 0.02)

    def test_no_mosaic(self) -> None:
        """A monochrome camera has no mosaic to speak of."""
        self.assertEqual(self.get("sensortype"), SensorType.Monochrome)
        for member in ("bayeroffsetx", "bayeroffsety"):
            self.assertEqual(self.get_error(member), NOT_IMPLEMENTED)

    def test_stars(self) -> None:
        """Stars stand out of the sky in a second, hot pixels or not."""
        found = []
        for stars in (0, 200):
            self.start(CameraXSize=400, CameraYSize=300, stars=stars)
            self.expose(1)
            image = self.image()
            found.append(int((image > float(np.median(image)) + 60).sum()))
        self.assertLess(found[0], 20)
        self.assertGreater(found[1], found[0] + 50)


class GainTests(CameraTestCase):
    def readable(self, *members: str) -> list[int]:
        return [self.get_error(member) for member in members]

    def test_none(self) -> None:
        """A camera without gains and offsets has none of their members."""
        self.start(gain_mode="none", offset_mode="none")
        members = ("gain", "gains", "gainmin", "gainmax", "offset", "offsets", "offsetmin", "offsetmax")
        self.assertEqual(self.readable(*members), [NOT_IMPLEMENTED] * 8)
        self.assertEqual(self.put_error("gain", Gain=0), NOT_IMPLEMENTED)
        self.assertEqual(self.put_error("offset", Offset=0), NOT_IMPLEMENTED)
        self.assertEqual(self.get("electronsperadu"), 1.0)

    def test_index(self) -> None:
        """Gains and offsets of a list are chosen by their index."""
        self.start(gain_mode="index", offset_mode="index", gains=["low", "high"], offsets=["small", "middle", "large"])
        self.assertEqual((self.get("gains"), self.get("offsets")), (["low", "high"], ["small", "middle", "large"]))
        self.assertEqual(self.readable("gainmin", "gainmax", "offsetmin", "offsetmax"), [NOT_IMPLEMENTED] * 4)
        for name, last in (("Gain", 1), ("Offset", 2)):
            for index in range(last + 1):
                self.put(name.lower(), **{name: index})
                self.assertEqual(self.get(name.lower()), index)
            for index in (-1, last + 1):
                self.assertEqual(self.put_error(name.lower(), **{name: index}), INVALID_VALUE, (name, index))
            self.assertEqual(self.get(name.lower()), last)

    def test_value(self) -> None:
        """Gains and offsets that are numbers go from their lowest to their highest."""
        self.start(gain_min=-10, gain_max=200, offset_min=5, offset_max=50)
        self.assertEqual([self.get(each) for each in ("gainmin", "gainmax", "offsetmin", "offsetmax")], [-10, 200, 5, 50])
        self.assertEqual(self.readable("gains", "offsets"), [NOT_IMPLEMENTED] * 2)
        for name, low, high in (("Gain", -10, 200), ("Offset", 5, 50)):
            self.assertEqual(self.get(name.lower()), low)
            for value in (low, high):
                self.put(name.lower(), **{name: value})
                self.assertEqual(self.get(name.lower()), value)
            for value in (low - 1, high + 1):
                self.assertEqual(self.put_error(name.lower(), **{name: value}), INVALID_VALUE, (name, value))

    def test_gain_amplifies(self) -> None:
        """200 tenths of a decibel are ten times the counts, and a tenth of the electrons per count."""
        self.start(stars=0)
        counts = []
        for gain in (0, 200):
            self.put("gain", Gain=gain)
            self.expose(10)
            counts.append(float(self.image().mean()) - 100)
        self.assertApproximates(counts[1] / counts[0], 10, 0.1)
        self.assertAlmostEqual(self.get("electronsperadu"), 0.1)

    def test_offset_lifts(self) -> None:
        """An offset lifts every count."""
        self.put("offset", Offset=50)
        self.expose(0, light=False)
        self.assertApproximates(float(self.image().mean()), 500, 1)

    def test_settings_in_order(self) -> None:
        """A lowest gain above the highest is found before anything starts."""
        with self.assertRaisesRegex(AssertionError, "gain_min is greater than gain_max"):
            camera_server(gain_min=301)
        with self.assertRaisesRegex(AssertionError, "offset_min is greater than offset_max"):
            camera_server(offset_min=101)


class CoolerTests(CameraTestCase):
    def test_set_point_search(self) -> None:
        """A client that looks for the limits of the set point finds them, cooler off; what is refused changes nothing."""
        self.assertFalse(self.get("cooleron"))
        self.put("setccdtemperature", SetCCDTemperature=0.0)
        errors = {each: self.put_error("setccdtemperature", SetCCDTemperature=each) for each in range(10, -275, -5)}
        self.assertEqual(set(errors.values()), {0})
        self.assertEqual(self.put_error("setccdtemperature", SetCCDTemperature=-273.25), INVALID_VALUE)
        self.assertEqual(self.get("setccdtemperature"), -270.0)
        for each in range(5, 100, 5):
            self.put("setccdtemperature", SetCCDTemperature=each)
        self.assertEqual(self.put_error("setccdtemperature", SetCCDTemperature=100), INVALID_VALUE)
        self.assertEqual(self.get("setccdtemperature"), 95.0)
        self.assertEqual(self.get("ccdtemperature"), 15.0)

    def test_approach(self) -> None:
        """It approaches the set point ever more slowly, holds it, and warms up again when the cooler is off."""
        self.put("setccdtemperature", SetCCDTemperature=-15)
        self.put("cooleron", CoolerOn=True)
        self.assertEqual((self.get("cooleron"), self.get("ccdtemperature")), (True, 15.0))
        self.clock.advance(30)
        self.assertAlmostEqual(self.get("ccdtemperature"), -15 + 30 / np.e)
        self.clock.advance(600)
        self.assertAlmostEqual(self.get("ccdtemperature"), -15, places=4)
        self.put("cooleron", CoolerOn=False)
        self.clock.advance(30)
        self.assertAlmostEqual(self.get("ccdtemperature"), 15 - 30 / np.e, places=4)

    def test_new_set_point_on_the_way(self) -> None:
        """A new set point begins where it is now."""
        self.put("setccdtemperature", SetCCDTemperature=-15)
        self.put("cooleron", CoolerOn=True)
        self.clock.advance(30)
        here = self.get("ccdtemperature")
        self.put("setccdtemperature", SetCCDTemperature=0)
        self.assertAlmostEqual(self.get("ccdtemperature"), here)
        self.clock.advance(600)
        self.assertAlmostEqual(self.get("ccdtemperature"), 0, places=4)

    def test_power(self) -> None:
        """The power grows with the distance from the air, from 0 to 100; the warm side follows it."""
        powers = []
        for set_point in (15, -5, -25, -100):
            self.put("setccdtemperature", SetCCDTemperature=set_point)
            self.put("cooleron", CoolerOn=True)
            powers.append(self.get("coolerpower"))
        self.assertEqual(powers, [0.0, 50.0, 100.0, 100.0])
        self.clock.advance(1000)
        self.assertAlmostEqual(self.get("heatsinktemperature"), 25.0)
        self.assertAlmostEqual(self.get("ccdtemperature"), -25.0)
        self.put("cooleron", CoolerOn=False)
        self.assertEqual(self.get("coolerpower"), 0.0)
        self.clock.advance(1000)
        self.assertAlmostEqual(self.get("heatsinktemperature"), 15.0)

    def test_no_heater(self) -> None:
        """It cannot be warmer than the air."""
        self.put("setccdtemperature", SetCCDTemperature=40)
        self.put("cooleron", CoolerOn=True)
        self.clock.advance(100)
        self.assertEqual((self.get("ccdtemperature"), self.get("coolerpower")), (15.0, 0.0))

    def test_cold_is_dark(self) -> None:
        """A cold sensor has less dark current."""
        means = []
        for _ in range(2):
            self.expose(1000, light=False)
            means.append(float(self.image().mean()) - 100)
            self.put("setccdtemperature", SetCCDTemperature=-25)
            self.put("cooleron", CoolerOn=True)
            self.clock.advance(1000)
        self.assertApproximates(means[0], 566, 5)
        self.assertApproximates(means[1], 5.6, 1)


class GuidingTests(CameraTestCase):
    def test_pulse(self) -> None:
        """It guides from the call on for as long as the pulse is, in each direction."""
        self.assertEqual((self.get("canpulseguide"), self.get("ispulseguiding")), (True, False))
        for direction in range(4):
            self.put("pulseguide", Direction=direction, Duration=2000)
            seen = []
            for _ in range(6):
                seen.append(self.get("ispulseguiding"))
                self.clock.advance(0.5)
            self.assertEqual(seen, [True, True, True, True, False, False])

    def test_two_at_once(self) -> None:
        """With two pulses at once, it guides until the longer one is over."""
        self.put("pulseguide", Direction=0, Duration=2000)
        self.put("pulseguide", Direction=2, Duration=500)
        self.clock.advance(1)
        self.assertTrue(self.get("ispulseguiding"))
        self.clock.advance(1)
        self.assertFalse(self.get("ispulseguiding"))

    def test_short(self) -> None:
        """A pulse of a millisecond is short; one of nothing is over at once."""
        self.put("pulseguide", Direction=0, Duration=0)
        self.assertFalse(self.get("ispulseguiding"))
        self.put("pulseguide", Direction=0, Duration=1)
        self.assertTrue(self.get("ispulseguiding"))
        self.clock.advance(0.001)
        self.assertFalse(self.get("ispulseguiding"))

    def test_refused(self) -> None:
        """There is no fifth direction, and no pulse into the past."""
        for direction, duration in ((4, 100), (-1, 100), (0, -1)):
            error = self.put_error("pulseguide", Direction=direction, Duration=duration)
            self.assertEqual(error, INVALID_VALUE, (direction, duration))
        self.assertFalse(self.get("ispulseguiding"))


class DeafTelescope(TelescopeSimulator):
    """It says where it points when the test lets it."""

    def RightAscension(self) -> Any:
        self.asked: Deferred[float] = Deferred()
        return self.asked


class BrokenTelescope(TelescopeSimulator):
    """It does not know where it points."""

    def Declination(self) -> float:
        raise DriverError("the encoder does not answer")


class ThoughtfulTelescope(TelescopeSimulator):
    """It needs a moment for its answers."""

    async def Declination(self) -> float:  # type: ignore[override]
        return await deferLater(self.clock, 0.25, super().Declination)


class SkyTestCase(CameraTestCase):
    """A pixel covers one arcsecond; it is so cold that there are no hot pixels to speak of."""

    mount = ""
    seconds = 100.0  # of an exposure; ten more until the next one

    def start(self, **settings: Any) -> None:
        here = {"CameraXSize": 300, "CameraYSize": 200, "focal_length": 3.8 * 206.264806, "ambient": -50}
        self.server = camera_server(mount=self.mount, **{**here, **settings})
        self.clock = self.server.clock
        self.put("connected", Connected=True)

    def stars(self) -> Any:
        """The image `[y, x]` without offset and sky."""
        y, x = np.mgrid[0:200, 0:300]
        return self.image().T - 100 - self.seconds * (10 + 20 * x / 300 + 10 * y / 200)

    def measured(self, rows: Any, x: float, y: float) -> tuple[float, float]:
        """Where exactly the brightest star around a place is; `self.light` is how bright."""
        left, top = round(x) - 10, round(y) - 10
        peak_y, peak_x = np.unravel_index(np.argmax(rows[top : top + 21, left : left + 21]), (21, 21))
        y_at, x_at = np.mgrid[top + peak_y - 4 : top + peak_y + 5, left + peak_x - 4 : left + peak_x + 5]
        spot = rows[y_at, x_at]
        self.light = float(spot.sum())
        return float((spot * x_at).sum()) / self.light, float((spot * y_at).sum()) / self.light

    def star(self) -> tuple[float, float]:
        """Where the brightest star of a new exposure is that is not too near to an edge, in pixels."""
        self.expose(self.seconds)
        rows = self.stars()
        y, x = np.unravel_index(np.argmax(rows[40:160, 40:260]), (120, 220))
        return self.measured(rows, float(x) + 40, float(y) + 40)

    def assert_star_at(self, x: float, y: float) -> None:
        """The star that was measured before is there in a new exposure."""
        self.expose(self.seconds)
        self.assert_star_shown_at(x, y)

    def assert_star_shown_at(self, x: float, y: float) -> None:
        light = self.light
        found = self.measured(self.stars(), x, y)
        self.assertApproximates(np.hypot(found[0] - x, found[1] - y), 0, 0.25, (found, (x, y)))
        self.assertApproximates(self.light / light, 1, 0.1)


class TelescopeTests(SkyTestCase):
    mount = "TelescopeSimulator"

    def start(self, **settings: Any) -> None:
        super().start(**settings)
        self.server.put("telescope/0/connected", Connected=True)
        self.server.put("telescope/0/tracking", Tracking=True)

    def point(self, right_ascension: float, declination: float) -> None:
        """The telescope points there, from now on."""
        where = {"RightAscension": right_ascension % 24, "Declination": declination}
        self.assertEqual(self.server.put("telescope/0/synctocoordinates", **where).error, 0)

    def point_at_star(self, right_ascension: float, declination: float) -> tuple[float, float]:
        """Bring the brightest star thereabouts into the middle; where the telescope points then, in hours and degrees."""
        self.point(right_ascension, declination)
        x, y = self.star()
        right_ascension -= (x - 149.5) / 3600 / 15 / np.cos(np.radians(declination))
        declination -= (y - 99.5) / 3600
        self.point(right_ascension, declination)
        return right_ascension, declination

    def test_follows(self) -> None:
        """The stars are where it points: who looks north of a star sees it below the middle, who looks east, to the right."""
        for place in ((5.0, 20.0), (0.0, -40.0), (23.9999, 60.0)):
            right_ascension, declination = self.point_at_star(*place)
            self.assert_star_at(149.5, 99.5)
            for north, east in ((30, 0), (-30, 0), (0, 60), (0, -60), (20, -40)):
                across = 3600 * 15 * np.cos(np.radians(declination))
                self.point(right_ascension + east / across, declination + north / 3600)
                self.assert_star_at(149.5 + east, 99.5 + north)

    def test_same_again(self) -> None:
        """The same place shows the same stars again, and another place others."""
        self.point(5.0, 20.0)
        here = self.star()
        self.point(6.0, 20.0)
        self.assertGreater(abs(self.star()[0] - here[0]), 1)
        self.point(5.0, 20.0)
        self.star()
        self.assert_star_at(*here)

    def test_reproducible(self) -> None:
        """The same place and the same exposure since the connection was made: the same image, pixel by pixel."""
        images = []
        for _ in range(2):
            self.start()
            self.point(5.0, 20.0)
            self.expose()
            images.append(self.get("imagearray"))
        self.assertEqual(*images)
        self.reconnect()
        self.expose()
        self.assertEqual(self.get("imagearray"), images[0])

    def test_drift(self) -> None:
        """Without tracking the sky moves through the picture, to the west: to the right, as fast as it turns."""
        self.seconds = 5.0
        _, declination = self.point_at_star(5.0, 60.0)
        self.server.put("telescope/0/tracking", Tracking=False)
        self.assert_star_at(149.5, 99.5)
        self.assert_star_at(149.5 + 15.041 * 15 * np.cos(np.radians(declination)), 99.5)

    def test_guided_telescope(self) -> None:
        """A guide pulse to the telescope moves the picture, one to the camera does not."""
        self.point_at_star(5.0, 20.0)
        self.put("pulseguide", Direction=int(GuideDirection.South), Duration=4000)
        self.clock.advance(4)
        self.assert_star_at(149.5, 99.5)
        self.server.put("telescope/0/pulseguide", Direction=int(GuideDirection.South), Duration=4000)
        self.clock.advance(4)
        self.assert_star_at(149.5, 99.5 - 4 * 15.041067 / 2)

    def test_when_it_begins(self) -> None:
        """Where the telescope points when the exposure begins is what counts, not where it points later."""
        self.point_at_star(5.0, 20.0)
        self.put("startexposure", Duration=self.seconds, Light=True)
        self.point(7.0, -30.0)
        self.clock.pump([self.seconds, 10])
        self.assert_star_shown_at(149.5, 99.5)

    def test_at_the_pole(self) -> None:
        """A telescope that is new looks at the pole, without tracking: the sky turns around the middle of the picture."""
        self.reconnect()
        for wanted in (False, True):
            self.server.put("telescope/0/connected", Connected=wanted)
        self.assertApproximates(self.server.get("telescope/0/declination").value, 90.0, 1e-9)
        x, y = self.star()
        self.clock.advance(3600 - 110)
        turned = 2 * np.pi * 3600 / 86164.1
        across, down = x - 149.5, y - 99.5
        self.assert_star_at(
            149.5 + across * np.cos(turned) + down * np.sin(turned), 99.5 - across * np.sin(turned) + down * np.cos(turned)
        )

    def test_only_if_connected(self) -> None:
        """Another telescope, none at all if that is wanted, or one that is not connected: then it looks where it is set to."""
        images = []
        for settings in ({}, {"telescope": 1}, {"telescope": None}):
            self.start(**settings)
            if not settings:
                self.expose()
                images.append(self.get("imagearray"))
                self.reconnect()
                self.server.put("telescope/0/connected", Connected=False)
            self.expose()
            images.append(self.get("imagearray"))
        self.assertNotEqual(images[0], images[1])
        self.assertEqual(images[1], images[2])
        self.assertEqual(images[1], images[3])

    def test_where_it_is_set_to(self) -> None:
        """Without a telescope the settings say where it looks."""
        self.start(telescope=None, right_ascension=5.0, declination=20.0)
        here = self.star()
        north = 20 / 3600
        self.start(telescope=None, right_ascension=5.0, declination=20.0 + north)
        self.assert_star_at(here[0], here[1] + 20)


class OtherTelescopeTests(SkyTestCase):
    def begin(self, telescope: type[TelescopeSimulator]) -> None:
        """An exposure of a second, with a telescope of this kind; it begins at once."""
        self.mount = f"{telescope.__module__}:{telescope.__qualname__}"
        self.start()
        self.server.put("telescope/0/connected", Connected=True)
        self.put("startexposure", Duration=1, Light=True)
        self.assertEqual(self.state(), (False, CameraState.Exposing))

    def without(self) -> Any:
        """What is seen without a telescope."""
        self.mount = ""
        self.start()
        self.expose(1)
        return self.get("imagearray")

    def test_needs_a_moment(self) -> None:
        """A telescope whose answers take time is followed as well."""
        images = []
        for telescope in (TelescopeSimulator, ThoughtfulTelescope):
            self.begin(telescope)
            self.clock.pump([0.25, 0.75, 0.5])
            self.assertEqual(self.state(), (True, CameraState.Idle))
            images.append(self.get("imagearray"))
        self.assertEqual(*images)
        self.assertNotEqual(images[0], self.without())

    def test_silent(self) -> None:
        """One that does not answer is waited for two seconds, and the log says so; what it says later changes nothing."""
        self.begin(DeafTelescope)
        self.clock.pump([1, 0.9])
        self.assertEqual(self.state(), (False, CameraState.Reading))
        self.clock.advance(0.1)
        self.assertEqual(self.state(), (True, CameraState.Idle))
        self.assertEqual(len(self.flushLoggedErrors(DriverError)), 1)
        image = self.get("imagearray")
        telescope = self.server.driver("telescope")
        assert isinstance(telescope, DeafTelescope)
        telescope.asked.callback(3.0)
        self.assertEqual((*self.state(), self.get("imagearray")), (True, CameraState.Idle, image))
        self.assertEqual(image, self.without())

    def test_silent_and_aborted(self) -> None:
        """An exposure that is aborted while the telescope is asked leaves nothing behind."""
        for seconds in (0.5, 1.25, 1.75):
            self.begin(DeafTelescope)
            self.clock.pump([min(seconds, 1), max(seconds - 1, 0)])
            self.put("abortexposure")
            self.assertEqual(self.state(), (False, CameraState.Idle))
            self.clock.pump([0.5, 10])
            self.assertEqual(self.state(), (False, CameraState.Idle))
            gc.collect()
            self.assertLessEqual(len(self.flushLoggedErrors(DriverError)), 1)
            self.assertEqual(self.flushLoggedErrors(), [])

    def test_cut_off(self) -> None:
        """One whose answer is cancelled, since its link is closed, say, is none."""
        for seconds in (0.5, 1.25):
            self.begin(DeafTelescope)
            self.clock.pump([min(seconds, 1), max(seconds - 1, 0)])
            telescope = self.server.driver("telescope")
            assert isinstance(telescope, DeafTelescope)
            telescope.asked.cancel()
            self.assertEqual(len(self.flushLoggedErrors(CancelledError)), 1)
            self.clock.pump([0.5, 0.5])
            self.assertEqual((*self.state(), self.get("imagearray")), (True, CameraState.Idle, self.without()))

    def test_broken(self) -> None:
        """One that fails is none, and the log says why."""
        self.begin(BrokenTelescope)
        self.assertEqual(len(self.flushLoggedErrors(DriverError)), 1)
        self.clock.pump([1, 0.5])
        self.assertEqual((*self.state(), self.get("imagearray")), (True, CameraState.Idle, self.without()))


class GuidePortTests(SkyTestCase):
    def test_moves(self) -> None:
        """Without a telescope a guide pulse moves what is seen, at half the speed of the sky, as one of a telescope would."""
        self.start(declination=60)
        x, y = self.star()
        across = np.cos(np.radians(60))
        for direction, right, down in (
            (GuideDirection.North, 0, 30),
            (GuideDirection.East, 30 * across, 0),
            (GuideDirection.South, 0, -30),
            (GuideDirection.West, -30 * across, 0),
        ):
            self.put("pulseguide", Direction=int(direction), Duration=4000)
            self.clock.advance(10)
            x, y = x + right, y + down
            self.assert_star_at(x, y)

    def test_half_way(self) -> None:
        """An exposure that begins during a pulse sees how far it has come."""
        x, y = self.star()
        self.put("pulseguide", Direction=int(GuideDirection.North), Duration=8000)
        self.clock.advance(2)
        self.assert_star_at(x, y + 2 * 3600 * GUIDE_RATE)
        self.assert_star_at(x, y + 8 * 3600 * GUIDE_RATE)

    def test_new_link(self) -> None:
        """A new link finds it looking where it is set to."""
        x, y = self.star()
        self.put("pulseguide", Direction=int(GuideDirection.North), Duration=4000)
        self.reconnect()
        self.clock.advance(10)
        self.assert_star_at(x, y)


class PageTests(SynchronousTestCase):
    """docs/camera-simulator.md."""

    def setUp(self) -> None:
        self.page = (Path(__file__).parent.parent / "docs" / "camera-simulator.md").read_text()

    def test_settings(self) -> None:
        """The table has every setting, with its default and the words that the setup page has for it."""
        rows = re.findall(r"^\| `(\w+)` \| `(.*?)` \| (.*) \|$", self.page, re.MULTILINE)
        fields = CameraSimulator.Settings.model_fields.items()
        self.assertEqual(rows, [(name, json.dumps(field.default), field.description) for name, field in fields])

    def test_examples(self) -> None:
        """The configurations on it are right, and its telescope and both of its cameras are there."""
        whole, large = (json.loads(text) for text in re.findall(r"^```json\n(.*?)^```", self.page, re.MULTILINE | re.DOTALL))
        self.assertEqual(len(MemoryServer(whole).roster.entries), 3)
        settings = CameraSimulator.Settings.model_validate(large)
        self.assertEqual((settings.CameraXSize, settings.CameraYSize), (9576, 6388))

    def test_numbers(self) -> None:
        """What it says of the pictures is what they are made of."""
        through = ", ".join(f"{colour} {share:g}" for colour, share in picture_module.COLOURS.items())
        everywhere, right, down = picture_module.SKY
        for sentence in (
            f"lets through: {through}.",
            f"{everywhere:g} electrons a second to each pixel, up to {right:g} more towards the last column and up to {down:g}",
            f"The faintest stars give {LIGHT / 200e-6:g} electrons a second where there are 200 on a million pixels",
            f"The dark current is {picture_module.DARK_CURRENT:g} electrons a second at 0 degrees",
            f"doubles every {picture_module.DOUBLES:g} degrees",
            f"One pixel in {1 / picture_module.HOT_SHARE:g} is hot: it has 10 to 1000 times",
            f"Reading out adds {READ_NOISE:g} electrons of noise",
            f"by {3600 * GUIDE_RATE:g} arcseconds a second",
        ):
            self.assertIn(sentence, self.page.replace("\n  ", " "))


class PropertyTests(CameraTestCase):
    def test_sizes(self) -> None:
        """The largest sensors there are, in either orientation, and none beyond."""
        for x, y in ((9576, 6388), (6388, 9576), (16, 16)):
            self.start(CameraXSize=x, CameraYSize=y)
            self.assertEqual([self.get(each) for each in ("cameraxsize", "cameraysize", "numx", "numy")], [x, y, x, y])
        for x, y in ((9577, 16), (16, 9577), (15, 16), (16, 15)):
            with self.assertRaisesRegex(AssertionError, "Camera[XY]Size"):
                camera_server(CameraXSize=x, CameraYSize=y)

    def test_capabilities(self) -> None:
        """It can do everything, but for different binnings in x and y."""
        flags = ("canabortexposure", "canstopexposure", "canfastreadout", "cangetcoolerpower", "canpulseguide")
        self.assertEqual({self.get(each) for each in (*flags, "cansetccdtemperature")}, {True})
        self.assertFalse(self.get("canasymmetricbin"))

    def test_constants(self) -> None:
        """What does not change is as the settings have it."""
        self.start(pixel_size=2.4, sensor_name="S 1", electrons_per_adu=0.5)
        self.assertEqual([self.get(each) for each in ("pixelsizex", "pixelsizey", "electronsperadu")], [2.4, 2.4, 0.5])
        self.assertEqual((self.get("sensorname"), self.get("interfaceversion")), ("S 1", 4))
        self.assertLessEqual(len(self.get("description")), 64)

    def test_readout_modes(self) -> None:
        """A readout mode is chosen by its index."""
        self.assertEqual((self.get("readoutmodes"), self.get("readoutmode")), (["Normal", "Low noise"], 0))
        for index in (-1, 2):
            self.assertEqual(self.put_error("readoutmode", ReadoutMode=index), INVALID_VALUE)

    def test_no_sub_exposures(self) -> None:
        """A camera that adds nothing up has no SubExposureDuration."""
        self.assertEqual(self.get_error("subexposureduration"), NOT_IMPLEMENTED)
        self.assertEqual(self.put_error("subexposureduration", SubExposureDuration=1), NOT_IMPLEMENTED)

    def test_sub_exposures(self) -> None:
        """One that adds up can be told how long each is; what it said can be written back."""
        self.start(sub_exposures=True)
        self.put("subexposureduration", SubExposureDuration=self.get("subexposureduration"))
        self.put("subexposureduration", SubExposureDuration=0.25)
        self.assertEqual(self.get("subexposureduration"), 0.25)
        self.assertEqual(self.put_error("subexposureduration", SubExposureDuration=0), INVALID_VALUE)

    def test_sub_exposures_too_short(self) -> None:
        """So many that they cannot be counted are refused."""
        self.start(sub_exposures=True)
        self.assertEqual(self.put_error("subexposureduration", SubExposureDuration="1e-320"), INVALID_VALUE)
        self.assertEqual(self.put_error("subexposureduration", SubExposureDuration=0.001), 0)

    def test_sub_exposures_add_noise(self) -> None:
        """A hundred readings are ten times as noisy as one."""
        self.start(sub_exposures=True, ambient=-50)
        noise = []
        for each in (10, 0.1):
            self.put("subexposureduration", SubExposureDuration=each)
            self.expose(10, light=False)
            noise.append(float(self.image().std()))
        self.assertApproximates(noise[1] / noise[0], 10, 0.5)
