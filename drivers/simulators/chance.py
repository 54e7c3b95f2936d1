"""Numbers that look like chance, and are the same whenever they are asked for again."""

# Facts
#   The mixing is that of splitmix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014): each bit that
#   goes in turns half of those that come out. numpy's own generators have an order, in which no place on the sky has its number.

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
FIRST, SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def chance(*key: Any) -> NDArray[np.float64]:
    """
    Evenly spread numbers above 0 and below 1, one for each key.

    :param key: whole numbers from 0 to below 2**63, or arrays of them that are broadcast against each other.
    """
    state = np.zeros(1, np.uint64)  # an array, since only arrays overflow in silence
    for part in key:
        state = _mixed(state + GOLDEN + np.asarray(part).astype(np.uint64))
    numbers: NDArray[np.float64] = ((state >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52
    return numbers


def _mixed(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    state = (state ^ (state >> np.uint64(30))) * FIRST
    state = (state ^ (state >> np.uint64(27))) * SECOND
    return state ^ (state >> np.uint64(31))
