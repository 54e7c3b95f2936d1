"""Until when replies may still come to what was asked on a port, whoever has it open by then."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(eq=False)
class Debt:
    """What the device at a port owes; it is not forgiven when the port is closed, or vanishes."""

    until: float = float("-inf")  # on the clock of who asked
