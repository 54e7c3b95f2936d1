"""The wire format from the client's side: arguments out as text, an envelope in as a Python value or an error."""

# Facts (Alpaca API Reference v12)
#   A refusal of the device is an ErrorNumber other than 0 in an answer with HTTP 200.
#   Some firmware keeps no transaction ids and answers 0 or none; a number of another request is a mix-up.
#   A point in time is ISO 8601 and UTC, with "Z" or with nothing behind it.

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import IntEnum
from functools import cache
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from pylpaca import errors, imagebytes
from pylpaca.errors import DRIVER_NUMBERS, AlpacaError, DriverError
from pylpaca.interfaces import Operation
from pylpaca.protocol import WireType, wire_type
from pylpaca.values import Frame

JSON = "application/json"
IMAGES = f"{imagebytes.TYPE}, {JSON}"


def sent(operation: Operation, arguments: Mapping[str, Any]) -> dict[str, str]:
    """
    The arguments of a call as the fields of a query or a form.

    :raises TypeError: one is not of its declared type.
    :raises ValueError: one is of its type, but not to be sent: nan, infinity.
    """
    texts = {}
    for parameter in operation.parameters:
        value, kind = arguments[parameter.name], _argument_type(parameter.kind)
        try:
            texts[parameter.name] = str(kind.write(value))
        except (TypeError, ValueError) as error:
            sentence = f"{parameter.name} of {operation.method} must be {kind.name}, not {value!r:.60}"
            raise type(error)(sentence) from None
    return texts


def _argument_type(kind: Any) -> WireType:
    """An enumeration is sent as a number, whatever number it is: which there are is for the device to say."""
    return wire_type(int if isinstance(kind, type) and issubclass(kind, IntEnum) else kind)


def envelope(body: bytes, transaction: int) -> Mapping[str, Any]:
    """
    What an Alpaca answer says.

    :raises ValueError: it is no such answer, or not the one to this transaction.
    :raises AlpacaError: it is the device's refusal.
    """
    try:
        answer = json.loads(body)
    except ValueError:
        answer = None
    if not isinstance(answer, dict) or not _is_int(answer.get("ErrorNumber")):
        raise ValueError(f"it is no Alpaca answer: {body[:60]!r}")
    _check_echo(answer.get("ClientTransactionID"), transaction)
    if answer["ErrorNumber"]:
        raise refusal(answer["ErrorNumber"], str(answer.get("ErrorMessage") or ""))
    return answer


def is_image(content_type: str) -> bool:
    """Whether an answer is ImageBytes."""
    return content_type.partition(";")[0].strip().lower() == imagebytes.TYPE


def image(body: bytes, transaction: int) -> Frame:
    """
    The image in ImageBytes.

    :raises ValueError: it is none, or not the answer to this transaction.
    :raises AlpacaError: it is the device's refusal.
    """
    head = imagebytes.head(body)
    _check_echo(head.client_transaction, transaction)
    if head.error:
        raise refusal(head.error, body[head.start :].decode("utf-8", "replace"))
    return imagebytes.read(body)


def _check_echo(echoed: Any, transaction: int) -> None:
    if (echoed or transaction) != transaction:
        raise ValueError(f"it answers transaction {echoed!r:.20}, not {transaction}")


def refusal(number: int, sentence: str) -> AlpacaError:
    """The error that a device told by this number."""
    if number in DRIVER_NUMBERS:
        return DriverError(sentence, number)
    error = _refusals().get(number, AlpacaError)(sentence)
    error.number = number
    return error


@cache
def _refusals() -> Mapping[int, type[AlpacaError]]:
    declared = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, AlpacaError)]
    return {each.number: each for each in declared}


def read(kind: Any, value: Any) -> Any:
    """
    A JSON value as the Python type that a declaration names.

    :raises ValueError: it is not of that type.
    """
    if get_origin(kind) is list:
        return [read(get_args(kind)[0], each) for each in _checked(value, list)]
    if get_origin(kind) is UnionType:
        return _checked(value, *get_args(kind))
    if kind is Frame:
        return imagebytes.from_lists(_checked(value, list))
    if kind is float:
        return float(_checked(value, float, int))
    if kind is datetime:
        moment = datetime.fromisoformat(_checked(value, str))
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    if is_dataclass(kind) and isinstance(kind, type):
        parts, hints = _checked(value, dict), get_type_hints(kind)
        return kind(**{each.name: read(hints[each.name], parts.get(each.name)) for each in fields(kind)})
    if issubclass(kind, IntEnum):
        return kind(_checked(value, int))
    return _checked(value, kind)


def _checked(value: Any, *kinds: type) -> Any:
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        raise ValueError(f"{json.dumps(value):.60} where {' or '.join(each.__name__ for each in kinds)} belongs")
    return value


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
