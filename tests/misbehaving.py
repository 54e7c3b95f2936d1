"""Devices of all types that can do everything, and misbehave in one member when they are told to: `Chaos` names each class."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from functools import wraps
from typing import Any

from twisted.internet.defer import Deferred, fail

from pylpaca.device import Device, SafetyMonitor
from pylpaca.interfaces import DEVICE_TYPES, Operation, device_type, operations
from pylpaca.protocol import example
from pylpaca.values import CameraState
from tests import doubles, naive

FRAMEWORKS = ("Connected", "SetConnected", "Connect", "Disconnect", "Connecting")  # never asked of a driver


class Chaos(Exception):
    """What a driver raises that its author did not think of."""


class _Unprintable:
    def __repr__(self) -> str:
        raise Chaos("even this")


# ---- ways to misbehave --------------------------------------------------------------------------------------------


def _raises() -> Any:
    raise Chaos("nobody thought of it")


async def _raises_later() -> Any:
    raise Chaos("nobody thought of it")


def _fails() -> Any:
    return fail(Chaos("nobody thought of it"))


def _exits() -> Any:
    raise SystemExit(3)


BLOCKS_FOR = 2.0  # seconds


def _sleeps() -> Any:
    time.sleep(BLOCKS_FOR)
    raise Chaos("after a while")


def _computes() -> Any:
    ends = time.monotonic() + BLOCKS_FOR
    while time.monotonic() < ends:
        pass
    raise Chaos("after a while")


def _holds() -> Any:
    ctypes.PyDLL(None).usleep(int(BLOCKS_FOR * 1e6))  # unlike CDLL it does not let go of the interpreter
    raise Chaos("after a while")


RAISING: Mapping[str, Callable[[], Any]] = {"raises": _raises, "later": _raises_later, "fails": _fails, "exits": _exits}

BLOCKING: Mapping[str, Callable[[], Any]] = {"sleeps": _sleeps, "computes": _computes, "holds": _holds}

# What no member is declared to give.
WRONG: tuple[Callable[[], Any], ...] = (
    lambda: None,
    lambda: float("nan"),
    lambda: float("-inf"),
    lambda: 10**400,
    lambda: b"bytes",
    lambda: Decimal("nan"),
    lambda: 1j,
    object,
    _Unprintable,
    lambda: {"a": 1},
    lambda: [None],
    lambda: [[1], "a"],
    lambda: [float("nan")],
    lambda: {1, 2},
    lambda: (each for each in "ab"),
    lambda: CameraState,
    lambda: "\ud800",  # half of a character
)

WAYS: Mapping[str, Callable[[], Any]] = {
    **RAISING,
    "hangs": Deferred,
    **BLOCKING,
    **{f"gives {number}": gives for number, gives in enumerate(WRONG)},
}


# ---- devices ------------------------------------------------------------------------------------------------------


class _Safe(SafetyMonitor):
    def IsSafe(self) -> bool:
        return True


class _Camera(naive.NaiveCamera):
    def Gains(self) -> list[str]:
        return ["low", "high"]

    def Offsets(self) -> list[str]:
        return ["none", "some"]


class _Talks:
    """What hardly any driver has."""

    def SupportedActions(self) -> list[str]:
        return ["text", "misbehave", "count"]

    def Action(self, Action: str, Parameters: str) -> str:
        chaotic: Any = self
        if Action == "count":
            return str(chaotic.asked)
        if Action == "misbehave":
            chaotic.misbehave(*Parameters.split(" ", 1))
        return ""

    def CommandBlind(self, Command: str, Raw: bool) -> None:
        chaotic: Any = self
        if Command == "behave":
            chaotic.misbehave("", "raises")

    def CommandBool(self, Command: str, Raw: bool) -> bool:
        return True

    def CommandString(self, Command: str, Raw: bool) -> str:
        return ""


NAIVE: Mapping[str, type[Device]] = {
    "camera": _Camera,
    "covercalibrator": naive.NaiveCoverCalibrator,
    "dome": doubles.NaiveDome,
    "filterwheel": naive.NaiveFilterWheel,
    "focuser": doubles.NaiveFocuser,
    "observingconditions": naive.NaiveObservingConditions,
    "rotator": naive.NaiveRotator,
    "safetymonitor": _Safe,
    "switch": naive.NaiveSwitch,
    "telescope": naive.NaiveTelescope,
}

# What the other members have to say for this one to be asked, where they do not anyway.
MEANWHILE: Mapping[str, Mapping[str, Any]] = {
    "SlewToAltAz": {"Tracking": False},
    "SlewToAltAzAsync": {"Tracking": False},
    "SyncToAltAz": {"Tracking": False},
    "SlewToTarget": {"TargetRightAscension": 1.0, "TargetDeclination": 1.0},
    "SlewToTargetAsync": {"TargetRightAscension": 1.0, "TargetDeclination": 1.0},
    "SyncToTarget": {"TargetRightAscension": 1.0, "TargetDeclination": 1.0},
    "Unpark": {"AtPark": True},
}


def _may_misbehave(method: Callable[..., Any]) -> Callable[..., Any]:
    name = method.__name__

    @wraps(method)
    def member(self: Any, *arguments: Any, **named: Any) -> Any:
        if name == self.bad_member:
            self.asked += 1
            return self.way()
        if name in self.meanwhile:
            return self.meanwhile[name]
        return method(self, *arguments, **named)

    return member


def _misbehave(self: Any, member: str, way: str) -> None:
    """From now on this member does this, and all others are good."""
    self.bad_member, self.way, self.asked = member, WAYS[way], 0
    self.meanwhile = MEANWHILE.get(member, {})


def _chaotic(kind: str) -> type[Device]:
    good: Any = type("Good", (_Talks, NAIVE[kind]), {})
    bad = {name: _may_misbehave(getattr(good, name)) for name in operations(good.interface) if name not in FRAMEWORKS}
    nothing = {"bad_member": "", "way": staticmethod(_raises), "asked": 0, "meanwhile": {}, "misbehave": _misbehave}
    name = f"Chaotic{device_type(good.interface)}"
    return type(name, (good,), {**bad, **nothing, "__module__": __name__, "__doc__": "Misbehaves when it is told to."})


CLASSES: Mapping[str, type[Device]] = {kind: _chaotic(kind) for kind in DEVICE_TYPES}
globals().update({each.__name__: each for each in CLASSES.values()})  # so that a configuration can name them


def entry(kind: str, **more: Any) -> dict[str, Any]:
    """One of them in a configuration."""
    return {"device_type": kind, "device_number": 0, "device_driver": f"{__name__}:{CLASSES[kind].__name__}", **more}


# ---- asking them --------------------------------------------------------------------------------------------------

_SPECIAL: Mapping[str, Mapping[str, str]] = {
    "MoveAxis": {"Rate": "0.75"},
    "SetUTCDate": {"UTCDate": "2026-01-31T22:15:00Z"},
    "SensorDescription": {"SensorName": "Temperature"},
    "TimeSinceLastUpdate": {"SensorName": "Temperature"},
}


def members(kind: str) -> Iterator[tuple[Operation, dict[str, str]]]:
    """Each operation of a device type that a driver is asked for, with arguments that it can be asked with."""
    for operation in operations(DEVICE_TYPES[kind]).values():
        if operation.method not in FRAMEWORKS:
            body = example(operation).partition("?" if operation.verb == "GET" else "the body ")[2]
            arguments = dict(each.split("=") for each in body.split("&")) if body else {}
            yield operation, {**arguments, **_SPECIAL.get(operation.method, {})}
