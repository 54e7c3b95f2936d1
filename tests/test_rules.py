"""The rules of ASCOM, through HTTP, on drivers that check nothing: what is refused, with which number, and never reaches them."""

# Facts
#   Numbers: 0x400 not implemented, 0x401 value, 0x402 not set yet, 0x407 not connected, 0x408 parked, 0x40B not now. Order: Id or
#   Axis 0x401, capability 0x400, value 0x401, parked 0x408, targets 0x402, any other state 0x40B.

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from pylpaca.device import Camera, CoverCalibrator, Device, FilterWheel, ObservingConditions, Rotator, Switch, Telescope
from pylpaca.errors import MemberNotImplemented
from pylpaca.interfaces import ISwitch, Operation, device_type, operations
from pylpaca.interfaces.observingconditions import SENSORS
from pylpaca.interfaces.rules import Needs
from pylpaca.protocol import FORM
from pylpaca.testing import Answer, MemoryServer
from pylpaca.values import (
    AxisRate,
    CalibratorStatus,
    CameraState,
    CoverStatus,
    DriveRate,
    Frame,
    GuideDirection,
    PierSide,
    SensorType,
    TelescopeAxis,
)
from tests import naive


class BareCamera(Camera):
    """A camera with what every camera has, and no more."""

    def CameraState(self) -> CameraState:
        return CameraState.Idle

    def CameraXSize(self) -> int:
        return 10

    def CameraYSize(self) -> int:
        return 10

    def ExposureMax(self) -> float:
        return 10.0

    def ExposureMin(self) -> float:
        return 0.0

    def MaxADU(self) -> int:
        return 255

    def PixelSizeX(self) -> float:
        return 5.0

    def StartExposure(self, Duration: float, Light: bool) -> None:
        return None


class BareCoverCalibrator(CoverCalibrator):
    """Neither a cover nor a light."""


class BareFilterWheel(FilterWheel):
    """A wheel with one filter."""

    def Names(self) -> list[str]:
        return ["Clear"]

    def Position(self) -> int:
        return 0

    def SetPosition(self, Position: int) -> None:
        return None


class BareObservingConditions(ObservingConditions):
    """A weather station without a sensor."""


class BareRotator(Rotator):
    """A rotator that can only turn."""

    def IsMoving(self) -> bool:
        return False

    def MechanicalPosition(self) -> float:
        return 0.0

    def MoveMechanical(self, Position: float) -> None:
        return None


class BareSwitch(Switch):
    """One gauge."""

    def MaxSwitch(self) -> int:
        return 1

    def GetSwitchName(self, Id: int) -> str:
        return "Gauge"

    def GetSwitchValue(self, Id: int) -> float:
        return 0.5


class BareTelescope(Telescope):
    """A mount that only says where it points."""

    def Declination(self) -> float:
        return 0.0

    def RightAscension(self) -> float:
        return 0.0

    def SiderealTime(self) -> float:
        return 0.0

    def Slewing(self) -> bool:
        return False

    def Tracking(self) -> bool:
        return True

    def AbortSlew(self) -> None:
        return None


class LazyTelescope(BareTelescope):
    """A mount whose author wrote the asynchronous slew and the sync only."""

    slewing = False

    def connect(self) -> None:
        self.done: naive.Done = []

    def CanSlew(self) -> bool:
        return True

    def CanSlewAsync(self) -> bool:
        return True

    def CanSync(self) -> bool:
        return True

    def Slewing(self) -> bool:
        return self.slewing

    def SlewToCoordinatesAsync(self, RightAscension: float, Declination: float) -> None:
        self.done.append(("SlewToCoordinatesAsync", RightAscension, Declination))

    def SyncToCoordinates(self, RightAscension: float, Declination: float) -> None:
        self.done.append(("SyncToCoordinates", RightAscension, Declination))


@dataclass(frozen=True)
class Call:
    """A request to the device."""

    verb: str
    member: str
    parameters: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.verb} {self.member} " + "&".join(f"{name}={value}" for name, value in self.parameters.items())


def get(member: str, **query: Any) -> Call:
    return Call("GET", member, query)


def put(member: str, **form: Any) -> Call:
    return Call("PUT", member, form)


def each(member: str, parameter: str, *values: Any, **others: Any) -> list[Call]:
    """The same PUT with each of these values of one parameter."""
    return [put(member, **{parameter: value}, **others) for value in values]


def absent() -> Any:
    raise MemberNotImplemented("not on this one")


def entry(driver: type[Device]) -> dict[str, Any]:
    kind = device_type(driver.interface).lower()
    name = f"{driver.__module__}:{driver.__name__}"
    return {"device_type": kind, "device_number": 0, "device_driver": name}


class RulesTestCase(SynchronousTestCase):
    driver_class: type[Device] = naive.NaiveCamera

    def setUp(self) -> None:
        device = entry(self.driver_class)
        self.kind = device["device_type"]
        self.server = MemoryServer({"drivers": [device]})
        self.driver: Any = self.server.driver(self.kind)
        self.reaches([put("connected", Connected=True)])

    def reconnect(self) -> None:
        self.reaches([put("connected", Connected=False), put("connected", Connected=True)])

    def ask(self, call: Call) -> Answer:
        request = self.server.get if call.verb == "GET" else self.server.put
        return request(f"{self.kind}/0/{call.member}", **call.parameters)

    def value(self, member: str, **query: Any) -> Any:
        return self.ask(get(member, **query)).value

    def says(self, member: str, value: Any) -> None:
        """From now on the driver answers this."""
        self.patch(self.driver, member, lambda *_, **__: value)

    def noted(self) -> list[Any]:
        return list(getattr(self.driver, "done", []))

    def refused(self, number: int, calls: Iterable[Call]) -> None:
        """Each call is refused with exactly this number, and none of them reaches the driver."""
        before = self.noted()
        for call in calls:
            answer = self.ask(call)
            self.assertEqual(f"0x{answer.error:X}", f"0x{number:X}", f"{call}: {answer.json['ErrorMessage']}")
            self.assertEqual(self.noted(), before, str(call))

    def reaches(self, calls: Iterable[Call], *done: tuple[Any, ...]) -> None:
        """Each call succeeds, and this is what reaches the driver."""
        before = len(self.noted())
        for call in calls:
            answer = self.ask(call)
            self.assertEqual(answer.error, 0, f"{call}: {answer.json['ErrorMessage']}")
        if done:
            self.assertEqual(self.noted()[before:], list(done))

    def needed(self, table: Mapping[str, list[Call]]) -> None:
        """Without each capability its calls are 0x400; the table has every capability of the declaration."""
        declared: set[tuple[str, str]] = set()
        for operation in operations(self.driver.interface).values():
            rules = (rule for rule in operation.rules if isinstance(rule, Needs))
            declared |= {(rule.member, f"{operation.verb} {operation.path}") for rule in rules}
        self.assertEqual({(can, f"{call.verb} {call.member}") for can, calls in table.items() for call in calls}, declared)
        for capability, calls in table.items():
            self.says(capability, False)
            self.refused(0x400, calls)
            for call in calls:
                self.assertIn(capability, self.ask(call).json["ErrorMessage"], str(call))


# ---- camera -------------------------------------------------------------------------------------------------------


class CameraTests(RulesTestCase):
    driver_class = naive.NaiveCamera

    def expose(self, duration: float = 1.0, light: bool = True) -> Call:
        return put("startexposure", Duration=duration, Light=light)

    def test_capabilities(self) -> None:
        """What the camera says it cannot do is not implemented, whatever the value."""
        self.needed(
            {
                "CanAbortExposure": [put("abortexposure")],
                "CanFastReadout": [get("fastreadout"), put("fastreadout", FastReadout=True)],
                "CanGetCoolerPower": [get("coolerpower")],
                "CanPulseGuide": [get("ispulseguiding"), put("pulseguide", Direction=9, Duration=-1)],
                "CanSetCCDTemperature": [get("setccdtemperature"), put("setccdtemperature", SetCCDTemperature=999)],
                "CanStopExposure": [put("stopexposure")],
            }
        )

    def test_capable(self) -> None:
        """What it can do reaches it."""
        self.reaches(
            [put("abortexposure"), put("stopexposure"), put("fastreadout", FastReadout=True), put("cooleron", CoolerOn=False)],
            ("AbortExposure",),
            ("StopExposure",),
            ("SetFastReadout", True),
            ("SetCoolerOn", False),
        )
        self.reaches([get("fastreadout"), get("coolerpower"), get("ispulseguiding"), get("setccdtemperature")])

    def test_binning(self) -> None:
        """1 to MaxBinX and MaxBinY; nothing else is kept."""
        for axis in ("X", "Y"):
            self.reaches(each(f"bin{axis.lower()}", f"Bin{axis}", 1, 4))
            self.refused(0x401, each(f"bin{axis.lower()}", f"Bin{axis}", 0, 5, -1, 40_000, -2_147_483_648))
        self.assertEqual((self.value("binx"), self.value("biny")), (4, 4))

    def test_rows_follow_columns(self) -> None:
        """Without asymmetric binning, setting one sets both; with it, only one."""
        self.reaches([put("binx", BinX=2)])
        self.assertEqual((self.value("binx"), self.value("biny")), (2, 1))
        self.says("CanAsymmetricBin", False)
        self.reaches([put("biny", BinY=3)])
        self.assertEqual((self.value("binx"), self.value("biny")), (3, 3))

    def test_subframe_is_not_checked_when_set(self) -> None:
        """Clients set binning and subframe in any order, so what is set is kept, whatever it is."""
        for name in ("NumX", "NumY", "StartX", "StartY"):
            for number in (1_000_000, 0, -5):
                self.reaches([put(name.lower(), **{name: number})])
                self.assertEqual(self.value(name.lower()), number)

    def test_subframe_is_checked_when_exposed(self) -> None:
        """A subframe that does not lie on the sensor is a wrong value of StartExposure."""
        whole = {"StartX": 0, "StartY": 0, "NumX": 100, "NumY": 80}
        wrong = [{"NumX": 101}, {"NumY": 81}, {"NumX": 0}, {"NumY": 0}, {"NumX": -1}, {"NumY": -1}, {"StartX": 1}, {"StartY": 1}]
        wrong += [{"StartX": -1}, {"StartY": -1}, {"StartX": 100, "NumX": 1}, {"StartY": 80, "NumY": 1}]
        for changed in wrong:
            for name, number in {**whole, **changed}.items():
                self.reaches([put(name.lower(), **{name: number})])
            self.refused(0x401, [self.expose()])

    def test_subframe_that_just_fits(self) -> None:
        """The whole sensor, its last pixel, and the binned pixels that are whole."""
        for binning, start, number in ((1, 0, 100), (1, 99, 1), (3, 0, 33), (3, 32, 1), (4, 5, 20)):
            self.reaches([put("binx", BinX=binning), put("startx", StartX=start), put("numx", NumX=number)])
            self.reaches([self.expose()], ("StartExposure", 1.0, True))
            self.reaches([put("numx", NumX=number + 1)])
            self.refused(0x401, [self.expose()])

    def test_exposure_times(self) -> None:
        """Light takes ExposureMin to ExposureMax; without light it may be as short as 0, which is a bias."""
        self.refused(0x401, [self.expose(time) for time in (-1, 0, 0.2499, 3600.001)])
        self.refused(0x401, [self.expose(time, light=False) for time in (-1, -0.001, 3600.001)])
        self.reaches([self.expose(0.25), self.expose(3600)], ("StartExposure", 0.25, True), ("StartExposure", 3600.0, True))
        self.reaches(
            [self.expose(0, False), self.expose(3600, False)],
            ("StartExposure", 0.0, False),
            ("StartExposure", 3600.0, False),
        )

    def test_busy(self) -> None:
        """Only an idle camera starts an exposure; a wrong value is told before."""
        for state in CameraState:
            if state is not CameraState.Idle:
                self.says("CameraState", state)
                self.refused(0x40B, [self.expose()])
                self.refused(0x401, [self.expose(-1)])

    def test_binning_that_differs(self) -> None:
        """Two binnings that differ need a camera that can do that."""
        self.reaches([put("binx", BinX=2), put("numx", NumX=50)])
        self.reaches([self.expose()], ("StartExposure", 1.0, True))
        self.says("CanAsymmetricBin", False)
        self.refused(0x40B, [self.expose()])

    def test_gain_and_offset_by_number(self) -> None:
        """From the lowest to the highest, both included."""
        self.refused(0x401, each("gain", "Gain", 9, 101, -1, 70_000) + each("offset", "Offset", -6, 6))
        self.reaches(each("gain", "Gain", 10, 100), ("SetGain", 10), ("SetGain", 100))
        self.reaches(each("offset", "Offset", -5, 5), ("SetOffset", -5), ("SetOffset", 5))
        self.refused(0x400, [get("gains"), get("offsets")])

    def test_gain_and_offset_by_index(self) -> None:
        """An index into the names that there are."""
        for name in ("Gain", "Offset"):
            self.says(f"{name}s", ["Low", "High"])
            self.patch(self.driver, f"{name}Min", absent)
            self.patch(self.driver, f"{name}Max", absent)
            self.refused(0x401, each(name.lower(), name, -1, 2))
            self.reaches(each(name.lower(), name, 0, 1), (f"Set{name}", 0), (f"Set{name}", 1))
            self.refused(0x400, [get(f"{name.lower()}min"), get(f"{name.lower()}max")])

    def test_gain_and_offset_of_neither_kind(self) -> None:
        """Without names and without numbers there is nothing to set."""
        for name in ("Gain", "Offset"):
            self.patch(self.driver, f"{name}Min", absent)
            self.refused(0x400, each(name.lower(), name, 0, 10))

    def test_set_point(self) -> None:
        """From absolute zero to below 100 degrees, also 0."""
        self.refused(0x401, each("setccdtemperature", "SetCCDTemperature", -273.16, -273.25, 100, 100.001))
        self.reaches(
            each("setccdtemperature", "SetCCDTemperature", -273.15, 0, 99.999),
            *(("SetSetCCDTemperature", degrees) for degrees in (-273.15, 0.0, 99.999)),
        )

    def test_mosaic(self) -> None:
        """A grey sensor has no colour mosaic to say the offsets of; every other kind has."""
        for kind in SensorType:
            self.says("SensorType", kind)
            offsets = [get("bayeroffsetx"), get("bayeroffsety")]
            if kind is SensorType.Monochrome:
                self.refused(0x400, offsets)
            else:
                self.assertEqual([self.ask(call).value for call in offsets], [1, 1])

    def test_mosaic_of_a_camera_that_does_not_say(self) -> None:
        """Without SensorType there are no offsets either."""
        self.patch(self.driver, "SensorType", absent)
        self.refused(0x400, [get("sensortype"), get("bayeroffsetx"), get("bayeroffsety")])

    def test_readout_mode(self) -> None:
        """An index into ReadoutModes."""
        self.refused(0x401, each("readoutmode", "ReadoutMode", -1, 2, 99))
        self.reaches(each("readoutmode", "ReadoutMode", 0, 1), ("SetReadoutMode", 0), ("SetReadoutMode", 1))

    def test_sub_exposure(self) -> None:
        """Longer than nothing."""
        self.refused(0x401, each("subexposureduration", "SubExposureDuration", 0, -1))
        self.reaches(each("subexposureduration", "SubExposureDuration", 0.001), ("SetSubExposureDuration", 0.001))

    def test_pulse_guide(self) -> None:
        """Four directions and no negative time."""
        self.refused(0x401, each("pulseguide", "Direction", -1, 4, Duration=10) + each("pulseguide", "Duration", -1, Direction=0))
        self.reaches(
            each("pulseguide", "Direction", 0, 1, 2, 3, Duration=0),
            *(("PulseGuide", direction, 0) for direction in GuideDirection),
        )

    def test_no_image_yet(self) -> None:
        """Without an image there is none to fetch, under either name."""
        self.says("ImageReady", False)
        self.refused(0x40B, [get("imagearray"), get("imagearrayvariant")])
        self.says("ImageReady", True)
        self.reaches([get("imagearray"), get("imagearrayvariant")])

    def test_last_exposure(self) -> None:
        """What was asked for and when it began; not before the first exposure, which a refused one is not."""
        last = [get("lastexposureduration"), get("lastexposurestarttime")]
        self.refused(0x40B, last)
        self.refused(0x401, [self.expose(-1)])
        self.refused(0x40B, last)
        self.server.clock.advance(90)
        self.reaches([self.expose(1.5)])
        self.assertEqual([self.ask(call).value for call in last], [1.5, "2026-01-01T00:01:30.000"])
        self.reconnect()
        self.refused(0x40B, last)

    def test_new_link(self) -> None:
        """A new link finds the whole sensor, unbinned."""
        self.reaches([put("binx", BinX=2), put("startx", StartX=3), put("numx", NumX=4), put("starty", StartY=5)])
        self.reconnect()
        found = [self.value(name) for name in ("binx", "biny", "startx", "starty", "numx", "numy")]
        self.assertEqual(found, [1, 1, 0, 0, 100, 80])


# ---- cover and light ----------------------------------------------------------------------------------------------


class CoverCalibratorTests(RulesTestCase):
    driver_class = naive.NaiveCoverCalibrator

    def test_without_light(self) -> None:
        """Nothing of a light that is not there; the cover is not concerned."""
        self.says("CalibratorState", CalibratorStatus.NotPresent)
        self.refused(0x400, [get("brightness"), get("maxbrightness"), put("calibratoroff")])
        self.refused(0x400, each("calibratoron", "Brightness", 1, -1, 201))
        self.assertEqual((self.value("calibratorstate"), self.value("calibratorchanging")), (0, False))
        self.reaches([put("opencover"), put("closecover"), put("haltcover")], ("OpenCover",), ("CloseCover",), ("HaltCover",))

    def test_without_cover(self) -> None:
        """Nothing of a cover that is not there; the light is not concerned."""
        self.says("CoverState", CoverStatus.NotPresent)
        self.refused(0x400, [put("opencover"), put("closecover"), put("haltcover")])
        self.assertEqual((self.value("coverstate"), self.value("covermoving")), (0, False))
        self.reaches([put("calibratoroff"), get("brightness"), get("maxbrightness")], ("CalibratorOff",))

    def test_brightness(self) -> None:
        """From 0, which is not off, to MaxBrightness."""
        self.refused(0x401, each("calibratoron", "Brightness", -1, 201))
        self.reaches(each("calibratoron", "Brightness", 0, 200), ("CalibratorOn", 0), ("CalibratorOn", 200))

    def test_states_and_their_flags(self) -> None:
        """CoverMoving and CalibratorChanging say what the states say."""
        for cover in CoverStatus:
            self.says("CoverState", cover)
            self.assertEqual((self.value("coverstate"), self.value("covermoving")), (cover, cover is CoverStatus.Moving))
        for light in CalibratorStatus:
            self.says("CalibratorState", light)
            self.assertEqual(self.value("calibratorchanging"), light is CalibratorStatus.NotReady)

    def test_device_state(self) -> None:
        """Without a light, DeviceState has no brightness."""
        self.says("CalibratorState", CalibratorStatus.NotPresent)
        names = [item["Name"] for item in self.value("devicestate")]
        self.assertEqual(names, ["CalibratorChanging", "CalibratorState", "CoverMoving", "CoverState", "TimeStamp"])


# ---- filter wheel -------------------------------------------------------------------------------------------------


class FilterWheelTests(RulesTestCase):
    driver_class = naive.NaiveFilterWheel

    def test_position(self) -> None:
        """An index into Names; moving, which is read as -1, cannot be set."""
        self.refused(0x401, each("position", "Position", -1, 3, 100))
        self.reaches(each("position", "Position", 0, 2), ("SetPosition", 0), ("SetPosition", 2))

    def test_offsets(self) -> None:
        """Where no offset is known there is one of 0 for each filter."""
        self.assertEqual(self.value("focusoffsets"), [0, 0, 0])


# ---- weather station ----------------------------------------------------------------------------------------------


class ObservingConditionsTests(RulesTestCase):
    driver_class = naive.NaiveObservingConditions

    def test_average_period(self) -> None:
        """Not negative; 0 is always possible."""
        self.refused(0x401, each("averageperiod", "AveragePeriod", -2, -0.001))
        self.reaches(each("averageperiod", "AveragePeriod", 0, 5), ("SetAveragePeriod", 0.0), ("SetAveragePeriod", 5.0))

    def test_sensor_names(self) -> None:
        """The thirteen sensors, in any case; nothing else is one."""
        for member, method in (("sensordescription", "SensorDescription"), ("timesincelastupdate", "TimeSinceLastUpdate")):
            for name in ("Rain", "AveragePeriod", "Refresh", "Temperature ", "0"):
                self.refused(0x401, [get(member, SensorName=name)])
            for name in SENSORS:
                calls = [get(member, SensorName=text) for text in (name, name.lower(), name.upper())]
                self.reaches(calls, *[(method, name)] * 3)

    def test_all_sensors_together(self) -> None:
        """The age of the latest value of all has no name; a description of all there is not."""
        self.reaches([get("timesincelastupdate", SensorName="")], ("TimeSinceLastUpdate", ""))
        self.refused(0x401, [get("sensordescription", SensorName="")])

    def test_refresh(self) -> None:
        """Refresh reaches the station."""
        self.reaches([put("refresh")], ("Refresh",))


class NoSensorTests(RulesTestCase):
    driver_class = BareObservingConditions

    def test_absent_sensors(self) -> None:
        """A sensor that is not there has no value, no age and no description: each is exactly 0x400."""
        for name in SENSORS:
            self.refused(0x400, [get(name.lower())])
            self.refused(0x400, [get("sensordescription", SensorName=name), get("timesincelastupdate", SensorName=name)])
        self.refused(0x401, [get("sensordescription", SensorName="Rain"), get("timesincelastupdate", SensorName="Rain")])

    def test_what_is_always_there(self) -> None:
        """The age of the latest value of all, and an average over nothing, which is all it can do."""
        self.assertEqual((self.value("timesincelastupdate", SensorName=""), self.value("averageperiod")), (0.0, 0.0))
        self.reaches([put("averageperiod", AveragePeriod=0)])
        self.refused(0x401, each("averageperiod", "AveragePeriod", 5, -2))
        self.refused(0x400, [put("refresh")])


# ---- rotator ------------------------------------------------------------------------------------------------------


class RotatorTests(RulesTestCase):
    driver_class = naive.NaiveRotator

    def test_capabilities(self) -> None:
        """Without CanReverse there is no Reverse."""
        self.reaches([put("reverse", Reverse=True)], ("SetReverse", True))
        self.needed({"CanReverse": [get("reverse"), put("reverse", Reverse=True)]})

    def test_angles(self) -> None:
        """0 to below 360, in every frame."""
        for member in ("moveabsolute", "movemechanical", "sync"):
            self.refused(0x401, each(member, "Position", -405, -10, -0.001, 360, 370, 405))
        for member in ("moveabsolute", "movemechanical"):
            self.reaches(each(member, "Position", 0, 359.999), ("MoveMechanical", 0.0), ("MoveMechanical", 359.999))

    def test_relative_moves(self) -> None:
        """Less than a full turn either way, from where it is in the frame of the sky."""
        self.refused(0x401, each("move", "Position", -375, -360, 360, 375))
        self.reaches(
            each("move", "Position", 0, 10, -40, 359.75, -359.75),
            *(("MoveMechanical", target) for target in (30.0, 40.0, 350.0, 29.75, 30.25)),
        )

    def test_sync(self) -> None:
        """Sync names the present position and moves nothing; moves in the frame of the sky follow it."""
        for mechanical, sky in ((90, 90), (90, 120), (90, 60), (0, 0), (0, 359.75), (0, 30), (0, 330)):
            self.driver.at = mechanical
            self.reaches([put("sync", Position=sky)])
            self.assertEqual((self.value("position"), self.value("mechanicalposition")), (sky, mechanical))
        self.assertEqual(self.driver.done, [])
        self.reaches(
            [put("moveabsolute", Position=0), put("movemechanical", Position=7)], *[("MoveMechanical", 30), ("MoveMechanical", 7)]
        )

    def test_driver_never_gets_a_full_turn(self) -> None:
        """What the frames make of a position is 0 to below 360 too, however the arithmetic rounds."""
        self.driver.at = 0.1
        self.reaches([put("sync", Position=0.4)])
        self.reaches([put("moveabsolute", Position=0.3)], ("MoveMechanical", 0.0))

    def test_target(self) -> None:
        """Where it is before the first move, then where it was last sent, in the frame of the sky."""
        self.assertEqual(self.value("targetposition"), 30.0)
        self.reaches([put("sync", Position=50)])
        self.assertEqual(self.value("targetposition"), 50.0)
        for call, target in (
            (put("moveabsolute", Position=80), 80.0),
            (put("move", Position=-60), 350.0),
            (put("movemechanical", Position=100), 120.0),
        ):
            self.reaches([call])
            self.assertEqual(self.value("targetposition"), target, str(call))
        self.reconnect()
        self.assertEqual(self.value("targetposition"), 30.0)

    def test_refused_moves_change_no_target(self) -> None:
        """A move that is refused has not changed where it is going."""
        self.reaches([put("moveabsolute", Position=80)])
        self.refused(0x401, [*each("moveabsolute", "Position", 405), *each("movemechanical", "Position", 405)])
        self.assertEqual(self.value("targetposition"), 80.0)

    def test_full_turn_is_zero(self) -> None:
        """Clients with 32-bit floats never read 360."""
        for at in (359.99999, 359.99999999, 360.0, 720.0, -1e-17):
            self.driver.at = at
            for member in ("position", "mechanicalposition", "targetposition"):
                self.assertEqual(self.value(member), 0.0)
        self.driver.at = 359.9999
        (narrow,) = struct.unpack("f", struct.pack("f", self.value("position")))
        self.assertLess(narrow, 360)

    def test_halt(self) -> None:
        """Halt reaches the rotator, also at rest."""
        self.reaches([put("halt")], ("Halt",))


# ---- switch -------------------------------------------------------------------------------------------------------


class SwitchTests(RulesTestCase):
    driver_class = naive.NaiveSwitch

    def with_id(self, number: int) -> list[Call]:
        """Every member that has an Id, with good values otherwise."""
        good = {"State": True, "Value": 15, "Name": "Lamp"}
        return [
            Call(each.verb, each.path, {p.name: good.get(p.name, number) for p in each.parameters})
            for each in operations(ISwitch).values()
            if any(p.name == "Id" for p in each.parameters)
        ]

    def test_ids(self) -> None:
        """An Id that there is not is a wrong value of every member that has one."""
        self.assertEqual(len(self.with_id(0)), 16)
        for number in (-1, 3, 4, -100, 102):
            self.refused(0x401, self.with_id(number))
        for number in (0, 2):
            self.reaches(self.with_id(number))

    def test_ids_before_capabilities(self) -> None:
        """Also where the switch could not do it."""
        self.says("CanAsync", False)
        self.says("CanWrite", False)
        for number in (-1, 3, 4):
            self.refused(0x401, self.with_id(number))

    def test_capabilities(self) -> None:
        """A gauge cannot be set, and what is not asynchronous has nothing to wait for, whatever the value."""
        self.needed(
            {
                "CanWrite": [put("setswitch", Id=0, State=True), put("setswitchvalue", Id=0, Value=999)],
                "CanAsync": [
                    get("statechangecomplete", Id=0),
                    put("cancelasync", Id=0),
                    put("setasync", Id=0, State=True),
                    put("setasyncvalue", Id=0, Value=999),
                ],
            }
        )

    def test_capability_of_one(self) -> None:
        """Each switch has capabilities of its own."""
        self.patch(self.driver, "CanWrite", lambda Id: Id != 1)
        self.refused(0x400, [put("setswitch", Id=1, State=True), put("setswitchvalue", Id=1, Value=15)])
        self.reaches([put("setswitchvalue", Id=2, Value=15)], ("SetSwitchValue", 2, 15.0))

    def test_levels(self) -> None:
        """From the lowest to the highest value; one between two steps is left to the driver."""
        for member, method in (("setswitchvalue", "SetSwitchValue"), ("setasyncvalue", "SetAsyncValue")):
            self.refused(0x401, each(member, "Value", 9, 9.999, 20.001, 21, Id=1))
            self.reaches(each(member, "Value", 10, 20, 12.3, Id=1), *((method, 1, value) for value in (10.0, 20.0, 12.3)))

    def test_levels_of_one(self) -> None:
        """The range is that of the switch that is meant."""
        self.patch(self.driver, "MaxSwitchValue", lambda Id: 20.0 + Id)
        self.refused(0x401, [put("setswitchvalue", Id=1, Value=22)])
        self.reaches([put("setswitchvalue", Id=2, Value=22)], ("SetSwitchValue", 2, 22.0))

    def test_on_and_off(self) -> None:
        """On is the highest value, off the lowest."""
        for member, method in (("setswitch", "SetSwitchValue"), ("setasync", "SetAsyncValue")):
            self.reaches(each(member, "State", True, False, Id=2), (method, 2, 20.0), (method, 2, 10.0))

    def test_device_state(self) -> None:
        """DeviceState has each switch by its number."""
        names = [item["Name"] for item in self.value("devicestate")]
        members = ("GetSwitch", "GetSwitchValue", "StateChangeComplete")
        self.assertEqual(names, [*(f"{member}{number}" for member in members for number in range(3)), "TimeStamp"])


class GaugeTests(RulesTestCase):
    driver_class = BareSwitch

    def test_names(self) -> None:
        """Names that cannot be changed are 0x400; of a switch that there is not, 0x401."""
        self.refused(0x400, [put("setswitchname", Id=0, Name="Lamp")])
        self.refused(0x401, each("setswitchname", "Id", -1, 1, Name="Lamp"))

    def test_nothing_to_set(self) -> None:
        """A gauge refuses what only others can; an Id that there is not is told before."""
        self.refused(0x400, [put("setswitch", Id=0, State=True), put("setswitchvalue", Id=0, Value=9)])
        self.refused(0x400, [put("setasync", Id=0, State=True), put("setasyncvalue", Id=0, Value=9)])
        self.refused(0x400, [put("cancelasync", Id=0), get("statechangecomplete", Id=0)])
        self.refused(0x401, [put("setasync", Id=1, State=True), put("cancelasync", Id=1), get("statechangecomplete", Id=1)])


# ---- telescope ----------------------------------------------------------------------------------------------------

STAR = {"RightAscension": 5, "Declination": 45}
SPOT = {"Azimuth": 150, "Altitude": 50}

EQUATORIAL = [put("slewtocoordinates", **STAR), put("slewtocoordinatesasync", **STAR), put("synctocoordinates", **STAR)]
TO_TARGET = [put("slewtotarget"), put("slewtotargetasync"), put("synctotarget")]
HORIZONTAL = [put("slewtoaltaz", **SPOT), put("slewtoaltazasync", **SPOT), put("synctoaltaz", **SPOT)]
NOT_WHILE_PARKED = [
    put("abortslew"),
    put("findhome"),
    put("moveaxis", Axis=0, Rate=0),
    put("moveaxis", Axis=1, Rate=1),
    put("pulseguide", Direction=2, Duration=0),
    put("sideofpier", SideOfPier=0),
    put("tracking", Tracking=True),
    *EQUATORIAL,
    *TO_TARGET,
    *HORIZONTAL,
]


class TelescopeTests(RulesTestCase):
    driver_class = naive.NaiveTelescope

    def test_capabilities(self) -> None:
        """What the mount says it cannot do is not implemented, whatever the value."""
        nowhere = {"RightAscension": 25, "Declination": 100}
        beyond = {"Azimuth": 370, "Altitude": 100}
        self.needed(
            {
                "CanFindHome": [put("findhome")],
                "CanMoveAxis": [put("moveaxis", Axis=0, Rate=999)],
                "CanPark": [put("park")],
                "CanPulseGuide": [get("ispulseguiding"), put("pulseguide", Direction=9, Duration=-1)],
                "CanSetDeclinationRate": [put("declinationrate", DeclinationRate=0)],
                "CanSetGuideRates": [
                    put("guideratedeclination", GuideRateDeclination=-1),
                    put("guideraterightascension", GuideRateRightAscension=-1),
                ],
                "CanSetPark": [put("setpark")],
                "CanSetPierSide": [put("sideofpier", SideOfPier=9)],
                "CanSetRightAscensionRate": [put("rightascensionrate", RightAscensionRate=0)],
                "CanSetTracking": [put("tracking", Tracking=True)],
                "CanSlew": [put("slewtocoordinates", **nowhere), put("slewtotarget")],
                "CanSlewAltAz": [put("slewtoaltaz", **beyond)],
                "CanSlewAltAzAsync": [put("slewtoaltazasync", **beyond)],
                "CanSlewAsync": [put("slewtocoordinatesasync", **nowhere), put("slewtotargetasync")],
                "CanSync": [put("synctocoordinates", **nowhere), put("synctotarget")],
                "CanSyncAltAz": [put("synctoaltaz", **beyond)],
                "CanUnpark": [put("unpark")],
            }
        )

    def test_capabilities_before_parked(self) -> None:
        """What it cannot do at all is told before that it is parked."""
        self.says("AtPark", True)
        for capability in ("CanFindHome", "CanPark", "CanPulseGuide", "CanSetPierSide", "CanSetTracking", "CanMoveAxis"):
            self.says(capability, False)
        self.refused(0x400, [put("findhome"), put("park"), put("sideofpier", SideOfPier=0), put("tracking", Tracking=True)])
        self.refused(0x400, [put("pulseguide", Direction=0, Duration=0), put("moveaxis", Axis=0, Rate=0)])

    def test_axes(self) -> None:
        """An axis that there is not is a wrong value, also where no axis can be moved."""
        for can in (True, False):
            self.says("CanMoveAxis", can)
            for axis in (-1, 3):
                self.refused(0x401, [get("axisrates", Axis=axis), get("canmoveaxis", Axis=axis)])
                self.refused(0x401, each("moveaxis", "Rate", 0, 1, 999, Axis=axis))

    def test_axis_that_cannot_be_moved(self) -> None:
        """Each axis has a capability of its own, and no speeds without it."""
        self.assertEqual([self.value("canmoveaxis", Axis=axis) for axis in range(3)], [True, True, False])
        self.refused(0x400, each("moveaxis", "Rate", 0, 1, 999, Axis=2))
        self.assertEqual(self.value("axisrates", Axis=2), [])
        self.assertEqual(len(self.value("axisrates", Axis=1)), 2)

    def test_speeds(self) -> None:
        """0, or one of the ranges of AxisRates with both its ends, in either direction."""
        slow = (0.4999, 1.0001, 1.5, 1.9999, 4.0001, 5)
        self.refused(0x401, each("moveaxis", "Rate", *slow, *(-rate for rate in slow), Axis=1))
        good = (0.0, 0.5, 1.0, 2.0, 4.0, -0.5, -1.0, -2.0, -4.0)
        self.reaches(each("moveaxis", "Rate", *good, Axis=1), *(("MoveAxis", TelescopeAxis.Secondary, rate) for rate in good))

    def test_speeds_from_zero(self) -> None:
        """A range that begins at 0 has every speed up to its end."""
        self.says("AxisRates", [AxisRate(Maximum=5.0, Minimum=0.0)])
        self.refused(0x401, each("moveaxis", "Rate", -6, 6, 5.001, Axis=0))
        self.reaches(each("moveaxis", "Rate", 0.0001, -5, Axis=0))

    def test_parked(self) -> None:
        """A parked mount refuses exactly this with exactly 0x408, before targets and tracking are looked at."""
        self.says("AtPark", True)
        for tracking in (True, False):
            self.says("Tracking", tracking)
            self.refused(0x408, NOT_WHILE_PARKED)
        self.reaches([put("targetrightascension", TargetRightAscension=5), put("targetdeclination", TargetDeclination=45)])
        self.refused(0x408, TO_TARGET)

    def test_values_before_parked(self) -> None:
        """A wrong value is told before that it is parked."""
        self.says("AtPark", True)
        self.refused(0x401, [put("moveaxis", Axis=0, Rate=999), put("pulseguide", Direction=4, Duration=0)])
        self.refused(
            0x401, each("sideofpier", "SideOfPier", 2) + each("slewtocoordinatesasync", "RightAscension", 25, Declination=0)
        )
        self.refused(0x401, each("slewtoaltazasync", "Altitude", 91, Azimuth=0))

    def test_harmless_while_parked(self) -> None:
        """A parked mount can be parked again, which does not reach it, and tracking can be turned off."""
        self.says("AtPark", True)
        self.reaches([put("park"), put("park")])
        self.assertEqual(self.driver.done, [])
        self.reaches([put("tracking", Tracking=False)], ("SetTracking", False))
        self.reaches([get("destinationsideofpier", **STAR), get("devicestate"), get("rightascension"), get("tracking")])
        self.reaches([put("unpark")], ("Unpark",))

    def test_not_parked(self) -> None:
        """What is not parked can be unparked, which does not reach it."""
        self.reaches([put("unpark")])
        self.assertEqual(self.driver.done, [])
        self.reaches([put("park"), put("setpark"), put("findhome")], ("Park",), ("SetPark",), ("FindHome",))
        self.reaches([put("abortslew"), put("tracking", Tracking=True)], ("AbortSlew",), ("SetTracking", True))

    def test_targets(self) -> None:
        """There is no target after each connect; with one of its coordinates there is still none to slew to."""
        for _ in range(2):
            self.refused(0x402, [get("targetrightascension"), get("targetdeclination"), *TO_TARGET])
            self.reaches([put("targetrightascension", TargetRightAscension=7.5)])
            self.refused(0x402, [get("targetdeclination"), *TO_TARGET])
            self.reaches([put("targetdeclination", TargetDeclination=-12.25)])
            self.assertEqual((self.value("targetrightascension"), self.value("targetdeclination")), (7.5, -12.25))
            self.reaches(TO_TARGET, ("SlewToTarget",), ("SlewToTargetAsync",), ("SyncToTarget",))
            self.reconnect()

    def test_targets_before_tracking(self) -> None:
        """A target of which either coordinate is not set is told before that tracking is off."""
        self.says("Tracking", False)
        for half in (put("targetrightascension", TargetRightAscension=5), put("targetdeclination", TargetDeclination=45)):
            self.refused(0x402, TO_TARGET)
            self.reaches([half])
            self.refused(0x402, TO_TARGET)
            self.reconnect()

    def test_target_ranges(self) -> None:
        """A target out of range is not kept."""
        self.refused(0x401, each("targetrightascension", "TargetRightAscension", -1, -0.0001, 24, 25))
        self.refused(0x401, each("targetdeclination", "TargetDeclination", -91, -90.0001, 90.0001, 91))
        self.refused(0x402, [get("targetrightascension"), get("targetdeclination")])
        for hours in (0.0, 23.9999):
            self.reaches([put("targetrightascension", TargetRightAscension=hours)])
            self.assertEqual(self.value("targetrightascension"), hours)
        for degrees in (-90.0, 90.0):
            self.reaches([put("targetdeclination", TargetDeclination=degrees)])
            self.assertEqual(self.value("targetdeclination"), degrees)

    def test_slews_set_the_target(self) -> None:
        """A slew or sync to a star makes it the target; one that is refused, or one in altitude and azimuth, does not."""
        for member in ("slewtocoordinates", "slewtocoordinatesasync", "synctocoordinates"):
            self.reconnect()
            self.refused(0x401, [put(member, RightAscension=3, Declination=100)])
            self.says("Tracking", False)
            self.refused(0x40B, [put(member, RightAscension=3, Declination=10)])
            self.reaches(HORIZONTAL)
            self.refused(0x402, [get("targetrightascension"), get("targetdeclination")])
            self.says("Tracking", True)
            self.reaches([put(member, RightAscension=3, Declination=10)])
            self.assertEqual((self.value("targetrightascension"), self.value("targetdeclination")), (3.0, 10.0))

    def test_equatorial_needs_tracking(self) -> None:
        """Stars are slewed and synced to while tracking only."""
        self.reaches(
            EQUATORIAL, *((name, 5.0, 45.0) for name in ("SlewToCoordinates", "SlewToCoordinatesAsync", "SyncToCoordinates"))
        )
        self.says("Tracking", False)
        self.refused(0x40B, [*EQUATORIAL, *TO_TARGET])

    def test_horizontal_needs_no_tracking(self) -> None:
        """Altitude and azimuth are slewed and synced to while not tracking only; azimuth comes first."""
        self.refused(0x40B, HORIZONTAL)
        self.says("Tracking", False)
        self.reaches(HORIZONTAL, *((name, 150.0, 50.0) for name in ("SlewToAltAz", "SlewToAltAzAsync", "SyncToAltAz")))

    def test_equatorial_ranges(self) -> None:
        """Right ascension from 0 to below 24 hours, declination from pole to pole; told before the state of tracking."""
        members = ("slewtocoordinates", "slewtocoordinatesasync", "synctocoordinates")
        for tracking in (True, False):
            self.says("Tracking", tracking)
            for member in members:
                self.refused(0x401, each(member, "RightAscension", -1, -0.0001, 24, 25, Declination=0))
                self.refused(0x401, each(member, "Declination", -100, -90.0001, 90.0001, 100, RightAscension=0))
        self.says("Tracking", True)
        for member in members:
            self.reaches(each(member, "RightAscension", 0, 23.9999, Declination=-90))
            self.reaches(each(member, "Declination", 90, RightAscension=0))

    def test_horizontal_ranges(self) -> None:
        """Azimuth from 0 to 360, altitude from -90 to 90; told before the state of tracking."""
        members = ("slewtoaltaz", "slewtoaltazasync", "synctoaltaz")
        for tracking in (True, False):
            self.says("Tracking", tracking)
            for member in members:
                self.refused(0x401, each(member, "Azimuth", -10, -0.0001, 360.0001, 370, Altitude=45))
                self.refused(0x401, each(member, "Altitude", -100, -90.0001, 90.0001, 100, Azimuth=0))
        for member in members:
            self.reaches(each(member, "Azimuth", 0, 360, Altitude=-90))
            self.reaches(each(member, "Altitude", 90, Azimuth=0))

    def test_destination(self) -> None:
        """The side of the pier is told for coordinates that there are."""
        bad = [(24, 0), (-0.0001, 0), (25, 0), (0, 90.0001), (0, -90.0001)]
        self.refused(0x401, [get("destinationsideofpier", RightAscension=hours, Declination=degrees) for hours, degrees in bad])
        for hours, degrees in ((0.0, -90.0), (23.9999, 90.0)):
            call = get("destinationsideofpier", RightAscension=hours, Declination=degrees)
            self.reaches([call], ("DestinationSideOfPier", hours, degrees))

    def test_settings(self) -> None:
        """The place, the guide rates, the settle time and the side of the pier have their ranges, ends included."""
        table: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
            "SiteElevation": ((-301, -300.001, 10000.001, 10001), (-300, 10000)),
            "SiteLatitude": ((-91, -90.0001, 90.0001, 91), (-90, 90)),
            "SiteLongitude": ((-181, -180.0001, 180.0001, 181), (-180, 180)),
            "GuideRateDeclination": ((-1, -0.0001), (0, 0.004)),
            "GuideRateRightAscension": ((-1, -0.0001), (0, 0.004)),
            "SlewSettleTime": ((-1, -30), (0, 60)),
            "SideOfPier": ((-1, 2, 9), (0, 1)),
        }
        for name, (bad, good) in table.items():
            self.refused(0x401, each(name.lower(), name, *bad))
            self.reaches(each(name.lower(), name, *good), *((f"Set{name}", number) for number in good))

    def test_side_of_pier_is_an_enumeration(self) -> None:
        """The driver gets what the number means."""
        self.reaches([put("sideofpier", SideOfPier=1)])
        self.assertIs(self.driver.done[-1][1], PierSide.West)

    def test_tracking_rates(self) -> None:
        """One of TrackingRates; others that exist, and numbers that mean nothing, are wrong values."""
        self.refused(0x401, each("trackingrate", "TrackingRate", 2, 3, 4, 5, -1))
        self.reaches(
            each("trackingrate", "TrackingRate", 0, 1),
            ("SetTrackingRate", DriveRate.Sidereal),
            ("SetTrackingRate", DriveRate.Lunar),
        )
        self.assertIs(self.driver.done[-1][1], DriveRate.Lunar)

    def test_rate_offsets(self) -> None:
        """At the sidereal rate offsets are read and set."""
        self.assertEqual((self.value("rightascensionrate"), self.value("declinationrate")), (0.25, 0.5))
        for name in ("RightAscensionRate", "DeclinationRate"):
            self.reaches(each(name.lower(), name, 0, 0.05, -40, 40), *((f"Set{name}", rate) for rate in (0.0, 0.05, -40.0, 40.0)))

    def test_rate_offsets_off_the_sidereal_rate(self) -> None:
        """At any other rate they are 0 and cannot be set, not even to 0."""
        for rate in (DriveRate.Lunar, DriveRate.Solar, DriveRate.King):
            self.says("TrackingRate", rate)
            self.assertEqual((self.value("rightascensionrate"), self.value("declinationrate")), (0.0, 0.0))
            for name in ("RightAscensionRate", "DeclinationRate"):
                self.refused(0x40B, each(name.lower(), name, 0, 0.05))

    def test_rate_offsets_that_cannot_be_set(self) -> None:
        """Without the capability they are 0; setting is not implemented at any tracking rate."""
        self.says("CanSetRightAscensionRate", False)
        self.says("CanSetDeclinationRate", False)
        self.assertEqual((self.value("rightascensionrate"), self.value("declinationrate")), (0.0, 0.0))
        self.says("TrackingRate", DriveRate.Lunar)
        self.refused(0x400, [put("rightascensionrate", RightAscensionRate=0), put("declinationrate", DeclinationRate=0)])

    def test_pulse_guide(self) -> None:
        """Four directions and no negative time; only while tracking and not slewing."""
        bad = [*each("pulseguide", "Direction", -1, 4, Duration=0), *each("pulseguide", "Duration", -1, Direction=0)]
        self.refused(0x401, bad)
        self.reaches(
            each("pulseguide", "Direction", 0, 1, 2, 3, Duration=0),
            *(("PulseGuide", direction, 0) for direction in GuideDirection),
        )
        self.says("Tracking", False)
        self.refused(0x40B, [put("pulseguide", Direction=0, Duration=0)])
        self.says("Tracking", True)
        self.says("Slewing", True)
        self.refused(0x40B, [put("pulseguide", Direction=0, Duration=0)])
        self.refused(0x401, bad)
        self.says("AtPark", True)
        self.refused(0x408, [put("pulseguide", Direction=0, Duration=0)])

    def test_utc_date(self) -> None:
        """A time as ISO 8601 has it, with or without a zone; the driver gets a moment in UTC."""
        wrong = ("tomorrow", "", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "31.01.2026", "2026-01-31T25:00:00Z", "12345")
        self.refused(0x401, each("utcdate", "UTCDate", *wrong))
        moment = datetime(2026, 1, 31, 22, 15, tzinfo=UTC)
        forms = ("2026-01-31T22:15:00Z", "2026-01-31T22:15:00.0000000Z", "2026-01-31T22:15:00", "2026-01-31T23:15:00+01:00")
        self.reaches(each("utcdate", "UTCDate", *forms), *[("SetUTCDate", moment)] * 4)
        self.assertEqual(self.driver.done[-1][1].tzinfo, UTC)

    def test_utc_date_is_read_with_a_z(self) -> None:
        """What is read ends in Z and can be written back."""
        text = self.value("utcdate")
        self.assertRegex(text, r"^2026-01-01T00:00:00\.0+Z$")
        self.reaches([put("utcdate", UTCDate=text)], ("SetUTCDate", datetime(2026, 1, 1, tzinfo=UTC)))


class BareTelescopeTests(RulesTestCase):
    driver_class = BareTelescope

    def test_optional_and_absent(self) -> None:
        """What the author left out is exactly 0x400, to read and to write, whatever the value."""
        for name in ("SiteElevation", "SiteLatitude", "SiteLongitude", "SlewSettleTime"):
            self.refused(0x400, [get(name.lower()), *each(name.lower(), name, 0, -9999)])
        self.refused(0x400, each("doesrefraction", "DoesRefraction", True) + each("utcdate", "UTCDate", "tomorrow"))
        self.refused(0x400, [get("destinationsideofpier", RightAscension=99, Declination=0), get("sideofpier")])
        self.refused(0x400, [get("ispulseguiding"), put("park"), put("unpark"), put("setpark"), put("findhome")])

    def test_what_there_always_is(self) -> None:
        """It follows the stars, has no offsets, no home, no park position and no axis to move."""
        members = ("trackingrates", "trackingrate", "rightascensionrate", "declinationrate", "athome", "atpark")
        self.assertEqual([self.value(member) for member in members], [[0], 0, 0.0, 0.0, False, False])
        self.assertEqual([self.value("canmoveaxis", Axis=axis) for axis in range(3)], [False] * 3)
        self.assertEqual(self.value("axisrates", Axis=0), [])
        self.refused(0x401, [get("axisrates", Axis=3), put("moveaxis", Axis=-1, Rate=0)])
        self.reaches([put("trackingrate", TrackingRate=0), put("abortslew")])
        self.refused(0x401, each("trackingrate", "TrackingRate", 1, 5, -1))


class LazyTelescopeTests(RulesTestCase):
    driver_class = LazyTelescope

    def test_targets(self) -> None:
        """The framework keeps the target and brings it to what the author wrote; without one nothing is asked of the mount."""
        self.refused(0x402, TO_TARGET)
        self.reaches([put("targetrightascension", TargetRightAscension=5), put("targetdeclination", TargetDeclination=45)])
        to_star = [("SlewToCoordinatesAsync", 5.0, 45.0)] * 2
        self.reaches(TO_TARGET, *to_star, ("SyncToCoordinates", 5.0, 45.0))

    def test_synchronous_slews_wait(self) -> None:
        """A synchronous slew is answered when the mount has stopped, an asynchronous one at once."""
        self.driver.slewing = True
        self.reaches([put("slewtocoordinatesasync", **STAR)], ("SlewToCoordinatesAsync", 5.0, 45.0))
        body = b"RightAscension=5&Declination=45"
        slew = self.server.begin("PUT", "telescope/0/slewtocoordinates", body, {"Content-Type": FORM})
        self.server.clock.pump([1.0] * 80)
        self.assertIsNone(slew.answer("PUT"))
        self.driver.slewing = False
        self.server.clock.advance(1)
        answer = slew.answer("PUT")
        assert answer is not None
        self.assertEqual(answer.error, 0)


class BareCameraTests(RulesTestCase):
    driver_class = BareCamera

    def test_optional_and_absent(self) -> None:
        """What the author left out is exactly 0x400, to read and to write, whatever the value."""
        for name in ("CoolerOn", "FastReadout"):
            self.refused(0x400, [get(name.lower()), *each(name.lower(), name, True)])
        for name in ("Gain", "Offset"):
            self.refused(0x400, [get(name.lower() + more) for more in ("", "min", "max", "s")])
            self.refused(0x400, each(name.lower(), name, 0, -1))
        for name in ("SubExposureDuration", "SetCCDTemperature"):
            self.refused(0x400, [get(name.lower()), *each(name.lower(), name, 0, -999)])
        self.refused(0x400, [get("bayeroffsetx"), get("bayeroffsety"), get("percentcompleted"), get("ccdtemperature")])
        self.refused(0x400, [put("abortexposure"), put("stopexposure"), put("pulseguide", Direction=0, Duration=0)])

    def test_what_there_always_is(self) -> None:
        """One way of reading out, and no binning."""
        self.assertEqual((self.value("readoutmode"), self.value("readoutmodes")), (0, ["Normal"]))
        self.reaches([put("readoutmode", ReadoutMode=0), put("binx", BinX=1)])
        self.refused(0x401, [put("readoutmode", ReadoutMode=1), put("binx", BinX=2), put("biny", BinY=0)])


class BareCoverCalibratorTests(RulesTestCase):
    driver_class = BareCoverCalibrator

    def test_absent(self) -> None:
        """Without either, nothing is there but the states that say so."""
        states = ("coverstate", "calibratorstate", "covermoving", "calibratorchanging")
        self.assertEqual([self.value(member) for member in states], [0, 0, False, False])
        self.refused(0x400, [get("brightness"), get("maxbrightness"), *each("calibratoron", "Brightness", 0, -1)])
        self.refused(0x400, [put(member) for member in ("calibratoroff", "opencover", "closecover", "haltcover")])


class BareRotatorTests(RulesTestCase):
    driver_class = BareRotator

    def test_absent(self) -> None:
        """Reverse, StepSize and Halt are 0x400."""
        self.refused(0x400, [get("reverse"), put("reverse", Reverse=True), get("stepsize"), put("halt")])


# ---- the answers --------------------------------------------------------------------------------------------------

NAIVE = (
    naive.NaiveCamera,
    naive.NaiveCoverCalibrator,
    naive.NaiveFilterWheel,
    naive.NaiveObservingConditions,
    naive.NaiveRotator,
    naive.NaiveSwitch,
    naive.NaiveTelescope,
)
BARE = (BareCamera, BareCoverCalibrator, BareFilterWheel, BareObservingConditions, BareRotator, BareSwitch, BareTelescope)
# What the published API says more of than the type: never empty, and a time as FITS writes it.
NEUTRAL: Mapping[str, Any] = {"TrackingRates": [0], "LastExposureStartTime": "0001-01-01T00:00:00.000"}
GOOD: Mapping[Any, str] = {bool: "True", int: "0", float: "0", str: "Temperature"}


def neutral(operation: Operation) -> Any:
    """The value that tells nothing, of the type that the member has."""
    kind = operation.returns
    if operation.member in NEUTRAL:
        return NEUTRAL[operation.member]
    if getattr(kind, "__origin__", None) is list or kind is Frame:
        return []
    if issubclass(kind, IntEnum):
        return 0
    return {bool: False, int: 0, float: 0.0, str: "", datetime: "0001-01-01T00:00:00.000Z"}[kind]


class RefusedAnswersTests(SynchronousTestCase):
    """The answers of all seven device types when they refuse."""

    def requests(self, server: MemoryServer, wanted: Callable[[Operation], bool]) -> Iterable[tuple[str, Operation, Answer]]:
        for device in server.roster:
            for operation in operations(device.driver.interface).values():
                if wanted(operation):
                    path = f"{device.kind}/{device.number}/{operation.path}"
                    form = {p.name: GOOD.get(p.kind, "0") for p in operation.parameters}
                    yield path, operation, (server.get if operation.verb == "GET" else server.put)(path, **form)

    def neutrally(self, path: str, operation: Operation, answer: Answer) -> None:
        keys = ["ClientTransactionID", "ServerTransactionID", "ErrorNumber", "ErrorMessage"]
        if operation.returns_value:
            keys.insert(0, "Value")
            self.assertEqual(repr(answer.json["Value"]), repr(neutral(operation)), path)
        if operation.returns is Frame:
            keys[:0] = ["Type", "Rank"]
        self.assertEqual(list(answer.json), keys, path)
        self.assertNotEqual(answer.json["ErrorMessage"], "", path)

    def test_not_connected(self) -> None:
        """A closed link refuses all but what describes the device, with a neutral value of the member's own type."""
        server = MemoryServer({"drivers": [entry(driver) for driver in NAIVE]})
        for path, operation, answer in self.requests(server, lambda each: not each.while_disconnected):
            self.assertEqual(answer.error, 0x407, path)
            self.neutrally(path, operation, answer)

    def test_described_while_not_connected(self) -> None:
        """These are read from every device although its link is closed; it stays closed."""
        server = MemoryServer({"drivers": [entry(driver) for driver in NAIVE]})
        read = {"connected", "connecting", "description", "driverinfo", "driverversion", "interfaceversion", "name"}
        read.add("supportedactions")
        seen = set()
        for path, operation, answer in self.requests(server, lambda each: each.while_disconnected and each.verb == "GET"):
            self.assertEqual(answer.error, 0, path)
            seen.add(operation.path)
        self.assertEqual(seen, read)

    def test_not_implemented(self) -> None:
        """What a device does not have is refused with a neutral value of the member's own type."""
        server = MemoryServer({"drivers": [entry(driver) for driver in BARE]})
        for device in server.roster:
            server.put(f"{device.kind}/0/connected", Connected=True)
        refused = 0
        for path, operation, answer in self.requests(server, lambda each: each.path not in ("connected", "disconnect")):
            if answer.error:
                self.neutrally(path, operation, answer)
                refused += 1
        self.assertGreater(refused, 100)
