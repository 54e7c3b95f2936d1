"""How values are shown to people: in words, with units, in as many digits as matter."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import IntEnum
from typing import Any

from pylpaca.interfaces import Operation

UNITS: Mapping[str, tuple[str, int]] = {  # by the unit of a declaration: what stands behind the number, digits after the point
    "degrees": ("°", 1),
    "degrees Celsius": (" °C", 1),
    "degrees per second": ("°/s", 4),
    "arcseconds": ("″", 1),
    "arcseconds per second": ("″/s", 4),
    "seconds of right ascension per sidereal second": (" s per sidereal s", 4),
    "percent": (" %", 0),
    "steps": (" steps", 0),
    "micrometres": (" µm", 2),
    "metres": (" m", 2),
    "square metres": (" m²", 3),
    "seconds": (" s", 2),
    "milliseconds": (" ms", 0),
    "hectopascals": (" hPa", 1),
    "millimetres per hour": (" mm/h", 1),
    "metres per second": (" m/s", 1),
    "lux": (" lx", 3),
    "magnitudes per square arcsecond": (" mag/arcsec²", 2),
    "pixels": (" px", 0),
    "binned pixels": (" px", 0),
    "electrons": (" e⁻", 0),
    "electrons per ADU": (" e⁻/ADU", 2),
    "ADU": (" ADU", 0),
}
SEXAGESIMAL = {"Declination", "TargetDeclination", "SiteLatitude", "SiteLongitude"}  # of the members in degrees
WORDS = {  # where yes and no would not say enough
    "CoolerOn": ("off", "on"),
    "GetSwitch": ("off", "on"),
    "IsSafe": ("UNSAFE", "SAFE"),
    "TempComp": ("off", "on"),
}
UNKNOWN = "–"


def shown(operation: Operation, value: Any) -> str:
    """A value as people read it; `value` as `protocol.written` gives it."""
    if value is None:
        return UNKNOWN
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, bool):
        return WORDS.get(operation.member, ("no", "yes"))[value]
    if isinstance(operation.returns, type) and issubclass(operation.returns, IntEnum):
        return in_words(operation.returns(value).name)
    if isinstance(value, int | float):
        return _number(operation, value)
    return str(value)


def _number(operation: Operation, value: float) -> str:
    if operation.unit == "hours":
        return hours(value)
    if operation.member in SEXAGESIMAL:
        return sexagesimal(value)
    sign, digits = UNITS.get(operation.unit, (f" {operation.unit}" if operation.unit else "", 3))
    if isinstance(value, int):
        return _minus(f"{value}{sign}")
    if operation.unit == "degrees" and operation.form is not None and round(value, digits) >= 360.0:
        value = 0.0  # an angle that goes round does so when it is rounded, too
    text = f"{value:.{digits}f}"
    if operation.unit not in UNITS and "." in text:
        text = text.rstrip("0").rstrip(".")
    return _minus(("0" + text[2:] if text.startswith("-0") and not float(text) else text) + sign)


def _minus(text: str) -> str:
    return text.replace("-", "−", 1) if text.startswith("-") else text


def hours(value: float) -> str:
    """5.5 as 05h30m00s."""
    seconds = round(value * 3600) % 86400
    return f"{seconds // 3600:02}h{seconds // 60 % 60:02}m{seconds % 60:02}s"


def sexagesimal(value: float) -> str:
    """-5.5 as −05°30′00″."""
    seconds = round(abs(value) * 3600)
    return f"{'−' if value < 0 and seconds else '+'}{seconds // 3600:02}°{seconds // 60 % 60:02}′{seconds % 60:02}″"


def in_words(name: str) -> str:
    """A name of ASCOM's as words: NotPresent as "not present"; abbreviations stay."""
    words = re.findall(r"[A-Z]+(?![a-z])\d*|[A-Z]?[a-z]+\d*|\d+", name)
    return " ".join(word if word.isupper() else word.lower() for word in words)


def duration(seconds: float) -> str:
    """So many seconds, in the two largest units: "3 d 4 h"."""
    rest = int(seconds)
    parts: list[str] = []
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        if (count := rest // size) or parts:
            parts.append(f"{count} {unit}")
        rest %= size
    return " ".join(parts[:2]) or "0 s"
