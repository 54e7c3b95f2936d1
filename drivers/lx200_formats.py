"""How the LX200 protocol writes numbers: angles, times of day, dates."""

# Facts (Meade's "Telescope Serial Command Protocol" of 2010; the command reference of OnStep)
#   Hours are HH:MM.T in the short format and HH:MM:SS in the long one; degrees are sDD*MM and sDD*MM:SS, an azimuth DDD*MM.
#   OnStep adds decimals to the seconds. What stands between degrees, minutes and seconds differs: "*", ":", "'", or the degree
#   sign of the hand controller, which is character 223. The sign of -00*30 stands before a zero.
#   A longitude counts to the west: 0 to 360, or signed with the east negative.
#   A date is MM/DD/YY; 92 to 99 are 1992 to 1999. What :GG# answers is added to local time to give UTC: sHH, sHH.H or sHH:MM.

from __future__ import annotations

import re
from datetime import date, timedelta

SEXAGESIMAL = re.compile(r"([+-]?)(\d{1,3})[^\d.](\d\d(?:\.\d+)?)(?:[^\d.](\d\d(?:\.\d+)?))?[^\d.]?")
DATE = re.compile(r"(\d\d)\D(\d\d)\D(\d\d)")
OFFSET = re.compile(r"([+-]?)(\d{1,2})(?:(:\d\d)|(\.\d+))?")
FIRST_YEAR = 1992


def _matched(pattern: re.Pattern[str], reply: bytes) -> re.Match[str]:
    text = reply.decode("latin-1").strip()
    if (found := pattern.fullmatch(text)) is None:
        raise ValueError(f"{text!r} is not as the protocol writes it")
    return found


def sexagesimal(reply: bytes) -> float:
    """Hours or degrees, in whichever format."""
    sign, whole, minutes, seconds = _matched(SEXAGESIMAL, reply).groups(default="0")
    if float(minutes) >= 60 or float(seconds) > 60:  # 60 is where a mount rounds up and does not carry
        raise ValueError(f"{reply!r} has too many minutes or seconds")
    value = int(whole) + float(minutes) / 60 + float(seconds) / 3600
    return -value if sign == "-" else value


def is_long(reply: bytes) -> bool:
    """Whether hours or degrees are in the long format, which has seconds."""
    return _matched(SEXAGESIMAL, reply)[4] is not None


def hours(reply: bytes) -> float:
    """A time or a right ascension in 0 to below 24."""
    value = sexagesimal(reply)
    if not 0 <= value <= 24:
        raise ValueError(f"{reply!r} is no time")
    return value % 24


def latitude(reply: bytes) -> float:
    """A latitude, an altitude or a declination, -90 to 90 degrees."""
    value = sexagesimal(reply)
    if abs(value) > 90:
        raise ValueError(f"{reply!r} is more than 90 degrees")
    return value


def longitude(reply: bytes) -> float:
    """A longitude, -180 to below 180 degrees, east positive."""
    return (180 - sexagesimal(reply)) % 360 - 180


def azimuth(reply: bytes) -> float:
    """An azimuth in 0 to below 360 degrees."""
    return sexagesimal(reply) % 360


def in_hours(value: float, decimals: int | None) -> str:
    """
    A time or a right ascension.

    :param decimals: of the seconds; None: the short format.
    """
    if decimals is None:
        tenths = round(value * 600) % (24 * 600)
        return f"{tenths // 600:02d}:{tenths // 10 % 60:02d}.{tenths % 10}"
    minutes, seconds = divmod(round(value * 3600 * 10**decimals) % (24 * 3600 * 10**decimals), 60 * 10**decimals)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{_seconds(seconds, decimals)}"


def in_degrees(value: float, decimals: int | None, digits: int = 2, sign: str = "+") -> str:
    """
    An angle.

    :param decimals: of the seconds; None: the short format.
    :param digits: of the degrees.
    :param sign: of what is positive; "" for angles that have none, which are 0 to below 360 degrees.
    """
    unit = 60 if decimals is None else 3600 * 10**decimals
    count = round(abs(value) * unit) if sign else round(value * unit) % (360 * unit)
    before = "-" if sign and value < 0 else sign
    degrees, rest = divmod(count, unit)
    if decimals is None:
        return f"{before}{degrees:0{digits}d}*{rest:02d}"
    minutes, seconds = divmod(rest, 60 * 10**decimals)
    return f"{before}{degrees:0{digits}d}*{minutes:02d}:{_seconds(seconds, decimals)}"


def _seconds(count: int, decimals: int) -> str:
    whole, part = divmod(count, 10**decimals)
    return f"{whole:02d}.{part:0{decimals}d}" if decimals else f"{whole:02d}"


def day(reply: bytes) -> date:
    """A date."""
    month, day_of_month, year = map(int, _matched(DATE, reply).groups())
    return date(year + (1900 if year >= FIRST_YEAR % 100 else 2000), month, day_of_month)


def offset(reply: bytes) -> timedelta:
    """What is added to local time to give UTC."""
    sign, whole, minutes, part = _matched(OFFSET, reply).groups(default="")
    hours_ahead = int(whole) + int(minutes[1:] or 0) / 60 + float(part or 0)
    return timedelta(hours=-hours_ahead if sign == "-" else hours_ahead)
