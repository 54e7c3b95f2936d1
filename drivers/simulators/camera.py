"""A simulated camera."""

# Facts
#   A client that reads CameraState and ImageReady must never find a camera that is idle without the image it was asked for, so
#   both change in one step, by a timer.
#   A mosaic is given from the first pixel of the sensor; the letters are the colours of its rows.

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from pylpaca.calls import settled
from pylpaca.device import Camera, NoSettings
from pylpaca.errors import MemberNotImplemented
from pylpaca.values import CameraState, GuideDirection, SensorType

# How much of the light each colour lets through.
COLOURS = {"L": 1.0, "R": 0.5, "G": 0.4, "B": 0.3, "C": 0.7, "M": 0.8, "Y": 0.9}

MOSAICS = {
    SensorType.Monochrome: ["L"],
    SensorType.RGGB: ["RG", "GB"],
    SensorType.CMYG: ["YC", "GM"],
    SensorType.CMYG2: ["CY", "MG", "CY", "GM"],
    SensorType.LRGB: ["LRLG", "RLGL", "LGLB", "GLBL"],
}

READOUT_MODES = {"Normal": 1.0, "Low noise": 2.0}  # how much longer it takes, and how much less it adds
FAST = 0.25  # the same for FastReadout

READ_NOISE = 3.0  # electrons
DARK_CURRENT = 0.1  # electrons per second at 0 degrees; doubles every 6 degrees
SKY = (10.0, 20.0, 10.0)  # electrons per second: everywhere, added towards the last column, added towards the last row
STAR_SIZE = 1.5  # pixels, the sigma of a star's image
BIAS = 100  # ADU, where no offset is chosen

Name = Annotated[str, Field(min_length=1)]
Mode = Literal["none", "index", "value"]
Electrons = NDArray[np.float32]


class CameraSimulator(Camera):
    """A cooled camera that sees a field of stars."""

    class Settings(NoSettings):
        CameraXSize: int = Field(default=800, ge=16, le=20_000, description="the width of the sensor, in pixels")
        CameraYSize: int = Field(default=600, ge=16, le=20_000, description="the height of the sensor, in pixels")
        sensor_type: Literal["Monochrome", "Color", "RGGB", "CMYG", "CMYG2", "LRGB"] = Field(
            default="Monochrome", description="what the sensor sees"
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
        gain_mode: Mode = Field(default="value", description="how a gain is chosen: not at all, from a list, or as a number")
        gains: list[Name] = Field(default=["Low", "Medium", "High"], min_length=1, max_length=10, description="names of gains")
        gain_min: int = Field(default=0, ge=-200, le=600, description="the lowest gain, in tenths of a decibel")
        gain_max: int = Field(default=300, ge=-200, le=600, description="the highest gain, in tenths of a decibel")
        offset_mode: Mode = Field(default="value", description="how an offset is chosen: not at all, from a list, or as a number")
        offsets: list[Name] = Field(default=["Low", "High"], min_length=1, max_length=10, description="names of offsets")
        offset_min: int = Field(default=10, ge=0, le=1000, description="the lowest offset, in tens of ADU")
        offset_max: int = Field(default=100, ge=0, le=1000, description="the highest offset, in tens of ADU")
        ambient: float = Field(default=15.0, ge=-50, le=50, description="the temperature around it, in degrees Celsius")
        cooling: float = Field(default=40.0, gt=0, le=100, description="how far below that it can cool, in degrees")
        cooling_seconds: float = Field(default=30.0, gt=0, le=3600, description="seconds for two thirds of the way there")
        stars: int = Field(default=100, ge=0, le=10_000, description="how many stars it sees")
        seed: int = Field(default=1, ge=0, description="which stars and which noise")

        @model_validator(mode="after")
        def in_order(self) -> CameraSimulator.Settings:
            for low, high in (("gain_min", "gain_max"), ("offset_min", "offset_max")):
                if getattr(self, low) > getattr(self, high):
                    raise ValueError(f"{low} is greater than {high}")
            return self

    settings: Settings

    _timer: IDelayedCall | None = None

    def connect(self) -> None:
        has = self.settings
        self._sensor = Sensor(
            has.CameraXSize, has.CameraYSize, self.SensorType(), has.full_well, has.max_adu, has.stars, has.seed
        )
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
        self._stop_timer()

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
        return 100 if self._state is CameraState.Reading or self.ImageReady() else 0

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
        self._sub_exposure = SubExposureDuration

    def AbortExposure(self) -> None:
        if self._state is not CameraState.Idle:
            self._stop_timer()
            self._state = CameraState.Idle

    def PulseGuide(self, Direction: GuideDirection, Duration: int) -> None:
        self._pulse_ends = max(self._pulse_ends, self.clock.seconds() + Duration / 1000)

    async def StartExposure(self, Duration: float, Light: bool) -> None:
        edges = (self.BinX, self.BinY, self.StartX, self.StartY, self.NumX, self.NumY)
        self._window = Window(*[await settled(each()) for each in edges])
        self._light = Light or not self.settings.has_shutter
        self._began, self._asked = self.clock.seconds(), Duration
        self._state = CameraState.Exposing
        self._timer = self.clock.callLater(Duration, self._read_out, Duration)

    def StopExposure(self) -> None:
        if self._state is CameraState.Exposing:
            self._stop_timer()
            self._read_out(self.clock.seconds() - self._began)

    def _read_out(self, seconds: float) -> None:
        assert self._window is not None
        slowness = list(READOUT_MODES.values())[self._mode] * (FAST if self._fast else 1.0)
        readings = math.ceil(seconds / self._sub_exposure) if self.settings.sub_exposures else 1
        self._count += 1
        image = Image(
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
        self._timer = self.clock.callLater(self.settings.readout_seconds * slowness, self._finish, image)

    def _finish(self, image: Image) -> None:
        self._timer = None
        self.hand_over(image.frame).addErrback(lambda failure: self.log.failure("no image", failure))
        self._state = CameraState.Idle

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


@dataclass(frozen=True)
class Sensor:
    """A sensor, and the stars that fall on it."""

    width: int  # pixels
    height: int
    kind: SensorType
    full_well: float  # electrons
    max_adu: int
    stars: int
    seed: int


@dataclass(frozen=True)
class Window:
    """The part of a sensor that is read out, in binned pixels."""

    bin_x: int
    bin_y: int
    start_x: int
    start_y: int
    num_x: int
    num_y: int


@dataclass(frozen=True)
class Image:
    """What was collected, and how it was read out; the frame is made once."""

    sensor: Sensor
    window: Window
    seconds: float
    light: bool
    temperature: float  # degrees Celsius
    read_noise: float  # electrons
    electrons_per_adu: float
    bias: float  # ADU
    number: int  # of the exposure: another number, other noise

    @cached_property
    def frame(self) -> NDArray[Any]:
        """`[y, x]`, or `[y, x, plane]` of a colour sensor, in ADU."""
        collected = self._binned(np.minimum(self._rate() * self.seconds, self.sensor.full_well))
        noise = np.random.default_rng((self.sensor.seed, self.number)).standard_normal(collected.shape, dtype=np.float32)
        read = collected + noise * np.sqrt(collected + self.read_noise**2)
        counts = np.clip(np.rint(read / self.electrons_per_adu + self.bias), 0, self.sensor.max_adu)
        kind = np.uint16 if self.sensor.max_adu < 2**16 else np.uint32
        frame: NDArray[Any] = counts.astype(kind)
        return frame

    def _rate(self) -> Electrons:
        """Electrons per second in each unbinned pixel of the window."""
        window = self.window
        x = np.arange(window.start_x * window.bin_x, (window.start_x + window.num_x) * window.bin_x, dtype=np.float32)
        y = np.arange(window.start_y * window.bin_y, (window.start_y + window.num_y) * window.bin_y, dtype=np.float32)
        rate = np.zeros((y.size, x.size), np.float32)
        if self.light:
            everywhere, to_the_right, downwards = SKY
            rate += everywhere + to_the_right * x / self.sensor.width + downwards * y[:, None] / self.sensor.height
            self._add_stars(rate, x, y)
        dark = DARK_CURRENT * 2 ** (self.temperature / 6)
        return self._filtered(rate, x.astype(int), y.astype(int)) + np.float32(dark)

    def _add_stars(self, rate: Electrons, x: Electrons, y: Electrons) -> None:
        random = np.random.default_rng(self.sensor.seed)
        across, down, brightness = random.random((3, self.sensor.stars))
        for star_x, star_y, each in zip(across * self.sensor.width, down * self.sensor.height, brightness, strict=True):
            columns, rows = (slice(*np.searchsorted(axis, (at - 8, at + 8))) for axis, at in ((x, star_x), (y, star_y)))
            profile_x, profile_y = (
                np.exp(-0.5 * ((axis - at) / STAR_SIZE) ** 2) for axis, at in ((x[columns], star_x), (y[rows], star_y))
            )
            flux = 10 ** (2 + 3 * each)  # electrons per second
            rate[rows, columns] += flux / (2 * np.pi * STAR_SIZE**2) * np.outer(profile_y, profile_x)

    def _filtered(self, rate: Electrons, x: NDArray[Any], y: NDArray[Any]) -> Electrons:
        """What the colour filters let through."""
        if self.sensor.kind is SensorType.Color:
            return rate[:, :, None] * np.array([COLOURS[colour] for colour in "RGB"], np.float32)
        mosaic = np.array([[COLOURS[colour] for colour in row] for row in MOSAICS[self.sensor.kind]], np.float32)
        return rate * mosaic[np.ix_(y % mosaic.shape[0], x % mosaic.shape[1])]

    def _binned(self, pixels: Electrons) -> Electrons:
        window = self.window
        blocks = pixels.reshape(window.num_y, window.bin_y, window.num_x, window.bin_x, *pixels.shape[2:])
        binned: Electrons = blocks.sum(axis=(1, 3))
        return binned
