"""Drivers that only these experiments use."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from twisted.internet.defer import Deferred

from tests.doubles import BareFocuser, PictureCamera


class CountingFocuser(BareFocuser):
    """Takes its time to say how far it goes, and says as an action how many such calls there were, ended, and were cancelled."""

    TAKES = 0.4  # seconds

    def connect(self) -> None:
        self.begun = self.ended = self.cancelled = 0

    def MaxStep(self) -> Any:
        def cancelled(_: object) -> None:
            self.cancelled += 1

        answer: Deferred[int] = Deferred(cancelled)
        self.begun += 1
        self.clock.callLater(self.TAKES, self._end, answer)
        return answer

    def _end(self, answer: Deferred[int]) -> None:
        self.ended += 1
        if not answer.called:
            answer.callback(1000)

    def SupportedActions(self) -> list[str]:
        return ["counts"]

    def Action(self, Action: str, Parameters: str) -> str:
        return json.dumps({"begun": self.begun, "ended": self.ended, "cancelled": self.cancelled})


class BigCamera(PictureCamera):
    """Its picture is too large to be sent without being taken."""

    picture = np.zeros((4000, 4000), np.uint16)

    def CameraXSize(self) -> int:
        return 4000

    def CameraYSize(self) -> int:
        return 4000

    def SupportedActions(self) -> list[str]:
        return ["ready"]

    def Action(self, Action: str, Parameters: str) -> str:
        return "yes" if self.ImageReady() else ""


class NotedFocuser(BareFocuser):
    """Says as an action what it was told to do."""

    def connect(self) -> None:
        self.done: list[int] = []

    def Move(self, Position: int) -> None:
        self.done.append(Position)

    def SupportedActions(self) -> list[str]:
        return ["done"]

    def Action(self, Action: str, Parameters: str) -> str:
        return json.dumps(self.done)
