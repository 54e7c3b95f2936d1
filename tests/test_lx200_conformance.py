"""Both kinds of LX200 mount pass the telescopes' kit, on a good line and on one that loses a reply in twenty."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from drivers.lx200_telescope import LX200Telescope
from pylpaca.testing import SerialDouble, conformance
from tests.lx200_firmware import Autostar, LX200Double


class OnStepTests(conformance.TelescopeConformance, SynchronousTestCase):
    driver = LX200Telescope
    settings: Mapping[str, Any] = {"port": "COM3"}  # noqa: RUF012

    def ports(self) -> Mapping[str, SerialDouble]:
        return {"COM3": self.double()}

    def double(self) -> LX200Double:
        return LX200Double()


class OnStepOverHttpTests(conformance.OverHttp, OnStepTests):
    pass
