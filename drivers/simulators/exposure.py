"""What a simulated camera takes a picture of, in values that a thread can be handed."""

from __future__ import annotations

from dataclasses import dataclass

from pylpaca.values import SensorType


class GivenUp(Exception):
    """Nobody waits for this picture any more."""


@dataclass(frozen=True)
class Sensor:
    """A sensor behind its telescope, under its own sky."""

    width: int  # pixels, unbinned, as everything here
    height: int
    kind: SensorType
    full_well: float  # electrons
    max_adu: int
    focal_length: float  # in pixels: this far away a pixel covers one radian
    stars: float  # on a million pixels, on average
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
class Pointing:
    """What is in the middle of the sensor."""

    right_ascension: float  # hours
    declination: float  # degrees


@dataclass(frozen=True)
class Exposure:
    """What was collected, and how it was read out."""

    sensor: Sensor
    window: Window
    seconds: float
    light: bool  # whether any came in
    temperature: float  # degrees Celsius
    read_noise: float  # electrons
    electrons_per_adu: float
    bias: float  # ADU
    number: int  # another exposure has other noise
