"""What a driver can know of the other devices of its server."""

from __future__ import annotations

import math
from collections import Counter
from enum import IntEnum
from typing import TYPE_CHECKING, Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from pylpaca.calls import perform, settled, within
from pylpaca.errors import AlpacaError, DriverError, spent
from pylpaca.interfaces import Operation, operations
from pylpaca.protocol import written

if TYPE_CHECKING:
    from pylpaca.device.base import Device

log = Logger()

T = TypeVar("T")

Question = tuple[Any, ...]  # the device, the member, its parameters

ASK_AGAIN_AFTER = 10.0  # seconds: a driver that hangs keeps all that it was asked
ANSWER_WITHIN = 2.0  # seconds: half of what the client may wait whose call depends on it


class Neighbours:
    """The other devices of this server, by device type and number; to look at, not to own."""

    def __init__(self) -> None:
        self._devices: dict[tuple[str, int], Device] = {}
        self._overdue: dict[Question, tuple[float, int]] = {}  # what was not answered in time: when it was asked, on which link

    def find(self, device_type: str, number: int = 0) -> Device | None:
        """The device at /api/v1/{device_type}/{number}, or None."""
        return self._devices.get((device_type.lower(), number))

    async def ask(self, device_type: str, number: int, member: str, within: float = ANSWER_WITHIN, **parameters: Any) -> Any:
        """
        What another device answers now, as a client would read it: `await self.neighbours.ask("telescope", 0, "AtPark")`.

        :param member: the name of a method that a client can GET.
        :param within: seconds to wait for the answer.
        :param parameters: those of the member, as `Id=3`.
        :raises DriverError: there is no such device, it is not connected, refuses, fails, or does not answer: it cannot say.
        """
        name = f"{device_type.lower()}/{number}"
        device = self.find(device_type, number)
        if device is None:
            raise DriverError(f"there is no {name} on this server")
        operation = operations(device.interface).get(member)
        if operation is None or operation.verb != "GET" or set(parameters) != {each.name for each in operation.parameters}:
            raise DriverError(f"{name} cannot be asked {member}({', '.join(parameters)})")
        return await self.answer(device, name, operation, parameters, within)

    async def answer(self, device: Device, name: str, operation: Operation, parameters: dict[str, Any], seconds: float) -> Any:
        """
        What a device answers, if it does in time; the framework's.

        :raises DriverError: it is not connected, refuses, fails, or does not answer.
        """
        if not (operation.while_disconnected or device.link.is_open):
            raise DriverError(f"{name} is not connected")
        question = (name, operation.method, *parameters.values())
        asked, link = device.clock.seconds(), device.link.openings
        since, of = self._overdue.get(question, (-math.inf, link))
        if of == link and asked - since < ASK_AGAIN_AFTER:
            raise DriverError(f"{name} has not answered {operation.member} for {asked - since:.0f} s")

        def overdue() -> None:
            self._overdue[question] = (asked, link)

        try:
            answer = Deferred.fromCoroutine(settled(perform(device, operation, dict(parameters))))
            answer.addBoth(self._answered, question)
            return _as_declared(operation, await within(device.clock, seconds, answer, f"{operation.member} of {name}", overdue))
        except AlpacaError as error:
            spent(error)
            told = error.sentence  # of a deadline it names the device already
            raise DriverError(told if name in told else f"{name} {operation.member}: {told}") from None
        except Exception as error:
            log.failure("{name} {member} failed", name=name, member=operation.member)
            raise DriverError(f"{name} {operation.member} failed: {type(error).__name__}: {error}") from None

    def _answered(self, result: T, question: Question) -> T:
        self._overdue.pop(question, None)
        return result

    def motions(self) -> dict[Device, Counter[str]]:
        """How often each device was asked for each motion so far."""
        return {device: Counter(device.link.motions.asked) for device in self._devices.values()}

    def add(self, device_type: str, number: int, device: Device) -> None:
        """Used by the roster: this is the device from now on; what another at its place did not answer says nothing about it."""
        self._devices[device_type.lower(), number] = device
        name = f"{device_type.lower()}/{number}"
        self._overdue = {question: since for question, since in self._overdue.items() if question[0] != name}


def _as_declared(operation: Operation, value: Any) -> Any:
    """A value of the declared type, or a DriverError that it is not."""
    shown = written(operation, value)
    if isinstance(operation.returns, type) and issubclass(operation.returns, IntEnum):
        return operation.returns(shown)
    return shown if operation.returns in (bool, int, float, str) else value
