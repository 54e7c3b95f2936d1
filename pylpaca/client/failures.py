"""Why a call has no answer of the device: nobody there, not understood, or not Alpaca."""

from __future__ import annotations


class CallFailed(Exception):
    """The device did not answer; a device that answers "no" is an `AlpacaError` instead."""


class Unreachable(CallFailed):
    """The server cannot be reached, or the answer did not come: whether a command was carried out is not known."""


class RequestRefused(CallFailed):
    """The server did not take the request; what it said is in the sentence, and nothing was done."""

    def __init__(self, sentence: str, status: int) -> None:
        super().__init__(sentence)
        self.status = status


class BadAnswer(CallFailed):
    """Something answered, but not as the Alpaca API says."""
