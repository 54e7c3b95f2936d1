"""Where the sky is: sidereal time, the two frames of a telescope, and angles that go round."""

# Facts
#   Sidereal time is the local apparent one. Mean sidereal time at Greenwich is the Earth rotation angle plus the precession of
#   the equinox (IAU 2006); the equation of the equinoxes is the four largest terms of nutation, good to 0.5 arcseconds.
#   UT1 is taken to be UTC (never more than 0.9 s apart), and so is terrestrial time where only centuries matter. There is no
#   refraction and no polar motion.
#   Hours and degrees are ASCOM's: right ascension and hour angle in hours, hour angle negative in the east; azimuth north 0,
#   east 90; longitude east positive.

from __future__ import annotations

import math
from datetime import UTC, datetime

J2000 = datetime(2000, 1, 1, 12, tzinfo=UTC)
SIDEREAL_SECOND = 0.99726956631945  # seconds
DEGREES_PER_HOUR = 15.0


def wrapped(value: float, full: float, start: float = 0.0) -> float:
    """The same place on a circle of length `full`, in `start` to below `start + full`."""
    if start <= value < start + full:
        return value  # exactly as it came
    value = (value - start) % full + start
    return value if value < start + full else start  # what is next to nothing below the start rounds up to the end


def sidereal_time(utc: datetime, longitude: float) -> float:
    """
    The local apparent sidereal time in hours.

    :param utc: an aware point in time.
    :param longitude: degrees, east positive.
    """
    days = (utc - J2000).total_seconds() / 86400
    centuries = days / 36525
    rotation = 0.7790572732640 + 0.00273781191135448 * days + days % 1  # turns
    precession = (0.014506 + (4612.156534 + 1.3915817 * centuries) * centuries) / 3600  # degrees
    greenwich = 360 * (rotation % 1) + precession + _equation_of_equinoxes(centuries)
    return wrapped((greenwich + longitude) / DEGREES_PER_HOUR, 24.0)


def _equation_of_equinoxes(centuries: float) -> float:
    """How far the true equinox is ahead of the mean one, in degrees."""
    node = math.radians(125.04452 - 1934.136261 * centuries)  # of the Moon
    sun = math.radians(280.4665 + 36000.7698 * centuries)
    moon = math.radians(218.3165 + 481267.8813 * centuries)
    nutation = -17.20 * math.sin(node) - 1.32 * math.sin(2 * sun) - 0.23 * math.sin(2 * moon) + 0.21 * math.sin(2 * node)
    return nutation * math.cos(math.radians(23.4393 - 0.0130 * centuries)) / 3600


def hour_angle(sidereal: float, right_ascension: float) -> float:
    """Hours since a star passed the meridian, -12 to below 12."""
    return wrapped(sidereal - right_ascension, 24.0, -12.0)


def horizontal(hours: float, declination: float, latitude: float) -> tuple[float, float]:
    """The azimuth and the altitude, in degrees, of an hour angle and a declination."""
    azimuth, altitude = _turned(math.radians(hours * DEGREES_PER_HOUR), math.radians(declination), math.radians(latitude))
    return wrapped(math.degrees(azimuth), 360.0), math.degrees(altitude)


def equatorial(azimuth: float, altitude: float, latitude: float) -> tuple[float, float]:
    """The hour angle, in hours, and the declination, in degrees, of a place above the ground."""
    angle, declination = _turned(math.radians(azimuth), math.radians(altitude), math.radians(latitude))
    return wrapped(math.degrees(angle) / DEGREES_PER_HOUR, 24.0, -12.0), math.degrees(declination)


def _turned(around: float, above: float, latitude: float) -> tuple[float, float]:
    """From one frame to the other: the same turn of the sphere does both."""
    x = math.sin(above) * math.cos(latitude) - math.cos(above) * math.sin(latitude) * math.cos(around)
    y = -math.cos(above) * math.sin(around)
    z = math.sin(above) * math.sin(latitude) + math.cos(above) * math.cos(latitude) * math.cos(around)
    return math.atan2(y, x), math.atan2(z, math.hypot(x, y))  # an arc sine would lose digits at the pole


def distance(around: float, above: float, to_around: float, to_above: float) -> float:
    """The degrees between two places of one frame, along the great circle; all four in degrees."""
    way = math.radians(to_around - around)
    above, to_above = math.radians(above), math.radians(to_above)
    x = math.cos(above) * math.sin(to_above) - math.sin(above) * math.cos(to_above) * math.cos(way)
    y = math.cos(to_above) * math.sin(way)
    z = math.sin(above) * math.sin(to_above) + math.cos(above) * math.cos(to_above) * math.cos(way)
    return math.degrees(math.atan2(math.hypot(x, y), z))


def folded(angle: float) -> tuple[float, bool]:
    """
    Where an axis points that turns over the poles.

    :param angle: degrees, any number of turns.
    :returns: degrees, -90 to 90, and whether it is on the far side of a pole.
    """
    angle = wrapped(angle, 360.0, -180.0)
    if abs(angle) <= 90.0:
        return angle, False
    return math.copysign(180.0, angle) - angle, True
