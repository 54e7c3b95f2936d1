"""A camera that has its pictures already: what is measured is what the framework does with them."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from twisted.internet.defer import Deferred

from pylpaca.device import Camera, NoSettings
from pylpaca.values import CameraState


@cache
def picture(width: int, height: int) -> NDArray[Any]:
    """Noise on a level that needs 16 bits, as a camera has it, `[y, x]`."""
    noise = np.random.default_rng(1).standard_normal((height, width), dtype=np.float32)
    return (1000 + 40 * noise).astype(np.uint16)


class PictureCamera(Camera):
    """Makes the same picture ready again and again for as long as an exposure lasts."""

    class Settings(NoSettings):
        width: int = Field(default=9576, ge=1, description="pixels")
        height: int = Field(default=6388, ge=1, description="pixels")

    settings: Settings

    def CameraState(self) -> CameraState:
        return CameraState.Idle

    def CameraXSize(self) -> int:
        return self.settings.width

    def CameraYSize(self) -> int:
        return self.settings.height

    def ExposureMax(self) -> float:
        return 3600.0

    def ExposureMin(self) -> float:
        return 0.0

    def MaxADU(self) -> int:
        return 65_535

    def PixelSizeX(self) -> float:
        return 3.8

    async def StartExposure(self, Duration: float, Light: bool) -> None:
        raster = await self.in_thread(picture, self.settings.width, self.settings.height)
        Deferred.fromCoroutine(self._go_on(raster, self.clock.seconds() + Duration))

    async def _go_on(self, raster: NDArray[Any], until: float) -> None:
        while self.clock.seconds() < until:
            await self.frame_of(raster)
        await self.hand_over(raster)
