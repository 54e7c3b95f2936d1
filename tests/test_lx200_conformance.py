"""Both kinds of LX200 mount pass the telescopes' kit, on a good line and on one that loses a reply in twenty."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar

from twisted.trial.unittest import SynchronousTestCase

from drivers.lx200_telescope import LX200Telescope
from pylpaca.testing import SerialDouble, conformance
from tests.lx200_firmware import Autostar, Classic, Controller, LX200Double, Mount, OnStep


class OnStepTests(conformance.TelescopeConformance, SynchronousTestCase):
    driver = LX200Telescope
    settings: ClassVar[Mapping[str, Any]] = {"port": "COM3"}
    build: Callable[[Mount], Controller] = OnStep
    seed: ClassVar[int | None] = None

    def ports(self) -> Mapping[str, SerialDouble]:
        self.double = LX200Double(type(self).build, self.seed)
        return {"COM3": self.double}


class OnStepOverHttpTests(conformance.OverHttp, OnStepTests):
    pass


class OlderOnStepTests(OnStepTests):
    build = partial(OnStep, version="4.24s")


class OnStepForkTests(OnStepTests):
    build = partial(OnStep, stands="K")


class AutostarTests(OnStepTests):
    build = Autostar


class AutostarOverHttpTests(conformance.OverHttp, AutostarTests):
    pass


class ClassicTests(OnStepTests):
    build = Classic


LOSSY = {"port": "COM3", "reply_within": 0.2, "retries": 4}


class LossyOnStepTests(OnStepTests):
    settings = LOSSY
    seed = 1


class LossyOnStepOverHttpTests(conformance.OverHttp, LossyOnStepTests):
    seed = 2


class LossyAutostarTests(AutostarTests):
    settings = LOSSY
    seed = 3
