"""Every make of LX200 mount passes the telescopes' kit as far as its protocol goes, on good lines and on lossy ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar

from twisted.trial.unittest import SynchronousTestCase

from drivers.lx200_telescope import LX200Telescope
from pylpaca.testing import SerialDouble
from pylpaca.testing.conformance import OverHttp, TelescopeConformance
from pylpaca.testing.conformance.program import part
from pylpaca.testing.conformance.telescope import Star
from tests.faults import Bare
from tests.firmware import LosesReplies
from tests.lx200_firmware import Autostar, Classic, Controller, LX200Double, Mount, OnStep


class LX200Conformance(TelescopeConformance):
    driver = LX200Telescope
    settings: ClassVar[Mapping[str, Any]] = {"port": "COM3"}
    build: Callable[[Mount], Controller] = OnStep
    seed: ClassVar[int | None] = None

    def ports(self) -> Mapping[str, SerialDouble]:
        self.double = LX200Double(type(self).build, self.seed)
        return {"COM3": self.double}


class MeadeConformance(LX200Conformance):
    build = Autostar

    @part
    async def test_pulse_motion(self) -> None:
        """A Meade shows right ascension in whole seconds, 15": how far a pulse moved it is seen at its axes alone."""
        self.where = self.in_truth  # type: ignore[method-assign]
        of_others: Any = TelescopeConformance.test_pulse_motion
        await of_others.check(self)
        del self.where

    async def in_truth(self) -> Star:
        mount = self.double.controller.mount
        mount.look()
        return Star(mount.right_ascension, mount.declination)


class OnStepTests(LX200Conformance, SynchronousTestCase):
    """OnStepX, on a German mount."""


class AutostarTests(MeadeConformance, SynchronousTestCase):
    """Meade's Autostar, on a fork."""


class OtherMakesTests(SynchronousTestCase):
    def passes(self, *ways: type, **changes: Any) -> Any:
        check: Any = type("Check", (*ways, Bare), changes)()
        for test in ("test_connecting", "test_program_twice"):
            check.setUp()
            getattr(check, test)()
        return check

    def test_over_http(self) -> None:
        """They pass through the client, HTTP and the server."""
        self.passes(OverHttp, LX200Conformance)
        self.passes(OverHttp, MeadeConformance)

    def test_onstep(self) -> None:
        """So does OnStep from before OnStepX, on a fork and above the ground, too."""
        self.passes(LX200Conformance, build=partial(OnStep, version="4.24s"))
        self.passes(LX200Conformance, build=partial(OnStep, stands="K"))
        self.passes(LX200Conformance, build=partial(OnStep, stands="A"))

    def test_meade(self) -> None:
        """So does a classic LX200, an Autostar with the motors of an alt-azimuth mount, and one of a German mount."""
        self.passes(MeadeConformance, build=Classic)
        self.passes(MeadeConformance, build=partial(Autostar, mode="A"))
        self.passes(MeadeConformance, build=partial(Autostar, mode="G"))

    def test_lossy(self) -> None:
        """They pass although the line loses one reply in twenty."""
        settings = {"port": "COM3", "reply_within": 0.2, "retries": 4}
        ways = ((LX200Conformance,), (OverHttp, LX200Conformance), (MeadeConformance,), (OverHttp, MeadeConformance))
        for seed, way in enumerate(ways):
            check = self.passes(*way, settings=settings, seed=seed)
            assert isinstance(check.double.firmware, LosesReplies)
            self.assertGreater(check.double.firmware.lost, 100)
