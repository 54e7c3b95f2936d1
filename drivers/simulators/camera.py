"""A simulated camera: it looks where the simulated telescope points."""

# Facts
#   A client that reads CameraState and ImageReady must never find a camera that is idle without the image it was asked for, so
#   both change in one step, when the image is handed over.
#   numpy takes a tenth of a second to load: that is done in the camera's own thread, for the first picture.

from __future__ import annotations

import math
from collections.abc import Callable
from threading import Event
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import deferLater

from drivers.simulators.exposure import Exposure, GivenUp, Pointing, Sensor, Window
from drivers.simulators.motion import Motion
from drivers.simulators.sky import DEGREES_PER_HOUR
from pylpaca.calls import settled, shielded, within
from pylpaca.device import Camera, NoSettings, Telescope
from pylpaca.errors import InvalidValue, MemberNotImplemented
from pylpaca.values import CameraState, GuideDirection, SensorType

if TYPE_CHECKING:
    from numpy.typing import NDArray

READOUT_MODES = {"Normal": 1.0, "Low noise": 2.0}  # how much longer it takes, and how much less it adds
SHORTEST_SUB_EXPOSURE = 0.001  # seconds
FAST = 0.25  # the same for FastReadout
READ_NOISE = 3.0  # electrons
BIAS = 100  # ADU, where no offset is chosen

GUIDE_RATE = 7.5 / 3600  # degrees per second: half of how fast the sky turns
TELESCOPE_ANSWERS = 2.0  # seconds that it has for that

Name = Annotated[str, Field(min_length=1)]
Number = Annotated[int, Field(ge=0)]
Mode = Literal["none", "index", "value"]


def _picture(exposure: Exposure, pointing: Pointing, given_up: Callable[[], bool]) -> NDArray[Any]:
    from drivers.simulators.picture import picture

    return picture(exposure, pointing, given_up)


async def _pointing_of(telescope: Telescope) -> Pointing:
    return Pointing(await settled(telescope.RightAscension()), await settled(telescope.Declination()))


class CameraSimulator(Camera):
    """A cooled camera that sees a field of stars."""

    class Settings(NoSettings):
        CameraXSize: int = Field(default=800, ge=16, le=9576, description="the width of the sensor, in pixels")
        CameraYSize: int = Field(default=600, ge=16, le=9576, description="the height of the sensor, in pixels")
        sensor_type: Literal["Monochrome", "Color", "RGGB", "CMYG", "CMYG2", "LRGB"] = Field(
            default="Monochrome", description="Monochrome, Color (three planes), or the mosaic RGGB, CMYG, CMYG2 or LRGB"
        )
        sensor_name: str = Field(default="Simulated", max_length=250, description="the name of the sensor")
        pixel_size: float = Field(default=3.8, ge=1, le=100, description="width and height of a pixel, in micrometres")
        electrons_per_adu: float = Field(default=1.0, ge=0.1, le=1000, description="electrons per ADU at the lowest gain")
        full_well: float = Field(default=50_000.0, gt=0, description="electrons that a pixel holds")
        max_adu: int = Field(default=65_535, ge=255, lt=2**24, description="the highest count of a pixel")
        max_bin: int = Field(default=4, ge=1, le=16, description="the highest binning")
        asymmetric_bin: bool = Field(default=False, description="whether BinX and BinY may differ")
        exposure_min: float = Field(default=0.001, ge=0, le=0.1, description="the shortest exposure of light, in seconds")
        exposure_max: float = Field(default=3600.0, ge=1, description="the longest exposure, in seconds")
        exposure_resolution: float = Field(default=0.001, ge=0, le=1, description="the smallest step of exposures, in seconds")
        readout_seconds: float = Field(default=0.5, ge=0, le=4, description="seconds to read an image out")
        has_shutter: bool = Field(default=True, description="whether there is a mechanical shutter")
        sub_exposures: bool = Field(default=False, description="whether it adds up short exposures")
        gain_mode: Mode = Field(default="value", description="how a gain is chosen: none, index (into gains) or value (a number)")
        gains: list[Name] = Field(default=["Low", "Medium", "High"], min_length=1, max_length=10, description="names of gains")
        gain_min: int = Field(default=0, ge=-200, le=600, description="the lowest gain, in tenths of a decibel")
        gain_max: int = Field(default=300, ge=-200, le=600, description="the highest gain, in tenths of a decibel")
        offset_mode: Mode = Field(
            default="value", description="how an offset is chosen: none, index (into offsets) or value (a number)"
        )
        offsets: list[Name] = Field(default=["Low", "High"], min_length=1, max_length=10, description="names of offsets")
        offset_min: int = Field(default=10, ge=0, le=1000, description="the lowest offset, in tens of ADU")
        offset_max: int = Field(default=100, ge=0, le=1000, description="the highest offset, in tens of ADU")
        ambient: float = Field(default=15.0, ge=-50, le=50, description="the temperature around it, in degrees Celsius")
        cooling: float = Field(default=40.0, gt=0, le=100, description="how far below that it can cool, in degrees")
        cooling_seconds: float = Field(default=30.0, gt=0, le=3600, description="seconds for two thirds of the way there")
        telescope: Number | None = Field(
            default=0,
            description="the number of the telescope that it looks through while that is connected; null for none",
        )
        right_ascension: float = Field(default=5.6, ge=0, lt=24, description="where it looks without a telescope, in hours")
        declination: float = Field(default=-5.4, ge=-90, le=90, description="where it looks without a telescope, in degrees")
        focal_length: float = Field(
            default=1260.0, ge=10, le=50_000, description="of the telescope, in millimetres: with pixel_size, what a pixel sees"
        )
        stars: int = Field(
            default=200, ge=0, le=100_000, description="stars on a million pixels, on average; never more than 50,000 in all"
        )
        seed: int = Field(default=1, ge=0, lt=2**32, description="which stars, which hot pixels and which noise")

        @model_validator(mode="after")
        def in_order(self) -> CameraSimulator.Settings:
            for low, high in (("gain_min", "gain_max"), ("offset_min", "offset_max")):
                if getattr(self, low) > getattr(self, high):
                    raise ValueError(f"{low} is greater than {high}")
            return self

    settings: Settings

    _timer: IDelayedCall | None = None  # until the exposure ends
    _reading: Deferred[None] | None = None  # and then

    def connect(self) -> None:
        has = self.settings
        focal_length = 1000 * has.focal_length / has.pixel_size
        self._sensor = Sensor(
            has.CameraXSize, has.CameraYSize, self.SensorType(), has.full_well, has.max_adu, focal_length, has.stars, has.seed
        )
        self._guided = Motion(self.clock, GUIDE_RATE), Motion(self.clock, GUIDE_RATE)  # in right ascension and declination
        self._state = CameraState.Idle
        self._window: Window | None = None  # what the exposure under way is to read out
        self._light = True
        self._began = self._asked = 0.0  # when it began, and how many seconds it is to be
        self._count = 0
        self._pulse_ends = 0.0
        self._fast = False
        self._mode = 0
        self._sub_exposure = 1.0
        self._gain = has.gain_min if has.gain_mode == "value" else 0
        self._offset = has.offset_min if has.offset_mode == "value" else 0
        self._cooler_on = False
        self._set_point = 0.0
        self._chip = Lag(self.clock, has.cooling_seconds, has.ambient)
        self._heat_sink = Lag(self.clock, has.cooling_seconds, has.ambient)

    def disconnect(self) -> None:
        self._end()

    def CameraState(self) -> CameraState:
        return self._state

    def CameraXSize(self) -> int:
        return self.settings.CameraXSize

    def CameraYSize(self) -> int:
        return self.settings.CameraYSize

    def CanAbortExposure(self) -> bool:
        return True

    def CanAsymmetricBin(self) -> bool:
        return self.settings.asymmetric_bin

    def CanFastReadout(self) -> bool:
        return True

    def CanGetCoolerPower(self) -> bool:
        return True

    def CanPulseGuide(self) -> bool:
        return True

    def CanSetCCDTemperature(self) -> bool:
        return True

    def CanStopExposure(self) -> bool:
        return True

    def CCDTemperature(self) -> float:
        return self._chip.value

    def CoolerOn(self) -> bool:
        return self._cooler_on

    def SetCoolerOn(self, CoolerOn: bool) -> None:
        self._cooler_on = CoolerOn
        self._cool()

    def CoolerPower(self) -> float:
        """What holds the temperature that is aimed at; it is also what brings the chip there, more and more slowly."""
        return 100 * (self.settings.ambient - self._chip.target) / self.settings.cooling

    def ElectronsPerADU(self) -> float:
        return self.settings.electrons_per_adu / self._amplification()

    def ExposureMax(self) -> float:
        return self.settings.exposure_max

    def ExposureMin(self) -> float:
        return self.settings.exposure_min

    def ExposureResolution(self) -> float:
        return self.settings.exposure_resolution

    def FastReadout(self) -> bool:
        return self._fast

    def SetFastReadout(self, FastReadout: bool) -> None:
        self._fast = FastReadout

    def FullWellCapacity(self) -> float:
        return self.settings.full_well

    def Gain(self) -> int:
        self._only_if(self.settings.gain_mode != "none")
        return self._gain

    def SetGain(self, Gain: int) -> None:
        self._gain = Gain

    def GainMax(self) -> int:
        self._only_if(self.settings.gain_mode == "value")
        return self.settings.gain_max

    def GainMin(self) -> int:
        self._only_if(self.settings.gain_mode == "value")
        return self.settings.gain_min

    def Gains(self) -> list[str]:
        self._only_if(self.settings.gain_mode == "index")
        return self.settings.gains

    def HasShutter(self) -> bool:
        return self.settings.has_shutter

    def HeatSinkTemperature(self) -> float:
        return self._heat_sink.value

    def IsPulseGuiding(self) -> bool:
        return self.clock.seconds() < self._pulse_ends

    def MaxADU(self) -> int:
        return self.settings.max_adu

    def MaxBinX(self) -> int:
        return self.settings.max_bin

    def MaxBinY(self) -> int:
        return self.settings.max_bin

    def Offset(self) -> int:
        self._only_if(self.settings.offset_mode != "none")
        return self._offset

    def SetOffset(self, Offset: int) -> None:
        self._offset = Offset

    def OffsetMax(self) -> int:
        self._only_if(self.settings.offset_mode == "value")
        return self.settings.offset_max

    def OffsetMin(self) -> int:
        self._only_if(self.settings.offset_mode == "value")
        return self.settings.offset_min

    def Offsets(self) -> list[str]:
        self._only_if(self.settings.offset_mode == "index")
        return self.settings.offsets

    def PercentCompleted(self) -> int:
        if self._state is CameraState.Exposing and self._asked > 0:
            return min(int(100 * (self.clock.seconds() - self._began) / self._asked), 100)
        return 100 if self._state is CameraState.Reading or self.arrival() is CameraState.Download or self.ImageReady() else 0

    def PixelSizeX(self) -> float:
        return self.settings.pixel_size

    def ReadoutMode(self) -> int:
        return self._mode

    def SetReadoutMode(self, ReadoutMode: int) -> None:
        self._mode = ReadoutMode

    def ReadoutModes(self) -> list[str]:
        return list(READOUT_MODES)

    def SensorName(self) -> str:
        return self.settings.sensor_name

    def SensorType(self) -> SensorType:
        return SensorType[self.settings.sensor_type]

    def SetCCDTemperature(self) -> float:
        return self._set_point

    def SetSetCCDTemperature(self, SetCCDTemperature: float) -> None:
        self._set_point = SetCCDTemperature
        self._cool()

    def SubExposureDuration(self) -> float:
        self._only_if(self.settings.sub_exposures)
        return self._sub_exposure

    def SetSubExposureDuration(self, SubExposureDuration: float) -> None:
        self._only_if(self.settings.sub_exposures)
        if SubExposureDuration < SHORTEST_SUB_EXPOSURE:
            raise InvalidValue(f"SubExposureDuration {SubExposureDuration} is too short: at least {SHORTEST_SUB_EXPOSURE} s")
        self._sub_exposure = SubExposureDuration

    def AbortExposure(self) -> None:
        if self._state is not CameraState.Idle:
            self._end()
            self._state = CameraState.Idle

    def PulseGuide(self, Direction: GuideDirection, Duration: int) -> None:
        """It moves what is seen without a telescope; a pulse along the axis of one that has not ended takes its place."""
        self._pulse_ends = max(self._pulse_ends, self.clock.seconds() + Duration / 1000)
        axis = self._guided[Direction in (GuideDirection.North, GuideDirection.South)]
        sign = 1 if Direction in (GuideDirection.North, GuideDirection.East) else -1
        axis.go(axis.position + sign * GUIDE_RATE * Duration / 1000)

    async def StartExposure(self, Duration: float, Light: bool) -> None:
        edges = (self.BinX, self.BinY, self.StartX, self.StartY, self.NumX, self.NumY)
        self._window = Window(*[await settled(each()) for each in edges])
        self._light = Light or not self.settings.has_shutter
        self._pointing = Deferred.fromCoroutine(self._look())
        self._began, self._asked = self.clock.seconds(), Duration
        self._state = CameraState.Exposing
        self._timer = self.clock.callLater(Duration, self._read_out, Duration)

    def StopExposure(self) -> None:
        if self._state is CameraState.Exposing:
            self._stop_timer()
            self._read_out(self.clock.seconds() - self._began)

    async def _look(self) -> Pointing:
        """Where it looks now; a telescope that fails, or takes too long, is none."""
        has = self.settings
        telescope = None if has.telescope is None else self.neighbours.find("telescope", has.telescope)
        if isinstance(telescope, Telescope) and telescope.link.is_open:
            try:
                asked = Deferred.fromCoroutine(_pointing_of(telescope))
                return await within(self.clock, TELESCOPE_ANSWERS, asked, f"RightAscension and Declination of {telescope.name}")
            except Exception:
                self.log.failure("{name} does not know where its telescope points", name=self.name)
        around, above = (axis.position for axis in self._guided)
        return Pointing(has.right_ascension + around / DEGREES_PER_HOUR, has.declination + above)

    def _read_out(self, seconds: float) -> None:
        assert self._window is not None
        slowness = list(READOUT_MODES.values())[self._mode] * (FAST if self._fast else 1.0)
        readings = math.ceil(seconds / self._sub_exposure) if self.settings.sub_exposures else 1
        self._count += 1
        exposure = Exposure(
            sensor=self._sensor,
            window=self._window,
            seconds=seconds,
            light=self._light,
            temperature=self.CCDTemperature(),
            read_noise=READ_NOISE * math.sqrt(max(readings, 1) / slowness),
            electrons_per_adu=self.ElectronsPerADU(),
            bias=self._bias(),
            number=self._count,
        )
        self._state = CameraState.Reading
        self._reading = Deferred.fromCoroutine(self._develop(exposure, self.settings.readout_seconds * slowness))

    async def _develop(self, exposure: Exposure, seconds: float) -> None:
        """Read out for so long, while the picture is made; cancelled, it leaves nothing behind."""
        given_up = Event()
        made = Deferred.fromCoroutine(self._make(exposure, given_up))
        try:
            await deferLater(self.clock, seconds)
            image = await made
        except CancelledError:
            given_up.set()
            made.addErrback(lambda failure: failure.trap(GivenUp))
        except Exception:
            self.log.failure("{name} could not make a picture", name=self.name)
            self._state = CameraState.Idle
            self.exposure_failed()
        else:
            self._finish(image)

    async def _make(self, exposure: Exposure, given_up: Event) -> NDArray[Any]:
        pointing = await shielded(self._pointing)  # a telescope's own cancelled answer is a failure like any other
        return await self.in_thread(_picture, exposure, pointing, given_up.is_set)

    def _finish(self, image: NDArray[Any]) -> None:
        self.hand_over(image).addErrback(lambda failure: self.log.failure("{name} has no image", failure, name=self.name))
        self._state = CameraState.Idle

    def _end(self) -> None:
        """No exposure is under way any more."""
        self._stop_timer()
        if self._reading is not None:
            self._reading.cancel()

    def _stop_timer(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None

    def _cool(self) -> None:
        """Aim at the set point, as far as the cooler can go; a warm side that is at work is warmer."""
        warm = self.settings.ambient
        self._chip.aim(min(max(self._set_point, warm - self.settings.cooling), warm) if self._cooler_on else warm)
        self._heat_sink.aim(warm + self.CoolerPower() / 10)

    def _amplification(self) -> float:
        mode = self.settings.gain_mode
        if mode == "value":
            return float(10 ** ((self._gain - self.settings.gain_min) / 200))
        return float(2**self._gain) if mode == "index" else 1.0

    def _bias(self) -> float:
        mode = self.settings.offset_mode
        return {"none": BIAS, "index": BIAS * (1 + self._offset), "value": 10 * self._offset}[mode]

    def _only_if(self, present: bool) -> None:
        if not present:
            raise MemberNotImplemented("this camera is set up without it")


class Lag:
    """A value that approaches its target, ever more slowly; what it is follows from the clock."""

    def __init__(self, clock: IReactorTime, seconds: float, value: float) -> None:
        self._clock, self._seconds = clock, seconds
        self.target = value
        self._apart = 0.0
        self._since = clock.seconds()

    def aim(self, target: float) -> None:
        """Set out for another target, from wherever it is now."""
        self._apart = self.value - target
        self.target = target
        self._since = self._clock.seconds()

    @property
    def value(self) -> float:
        """What it is now."""
        return self.target + self._apart * math.exp((self._since - self._clock.seconds()) / self._seconds)
