"""Whether the time of day can be right: a computer without a clock of its own, as a Raspberry Pi, wakes up at some other time."""

from __future__ import annotations

from datetime import UTC, datetime

MADE = datetime(2026, 1, 1, tzinfo=UTC)  # no clock that is right shows an earlier time; raised with a release


def doubt(now: datetime) -> str:
    """Why this cannot be the time of day, and what follows; empty if it can."""
    if now >= MADE:
        return ""
    return (
        f"the clock of this computer is not set: it shows {now:%Y-%m-%d %H:%M} UTC; until it is set, sidereal time and the dates "
        "of images are wrong, durations are not"
    )
