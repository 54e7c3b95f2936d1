"""The Alpaca wire format: request text in, Python values out; values in, response bytes out."""

# Facts (Alpaca API Reference v12, and what the official checker demands of it)
#   Query names are case-insensitive, names in a PUT body are exact; a PUT's parameters stand in its form-encoded body only.
#   ClientID and ClientTransactionID are unsigned 32-bit decimals; absent means 0, unreadable is refused.
#   Numbers are invariant decimals, exponents allowed; true and false in any case; nan and inf are not values.
#   Every answer carries both transaction ids, ErrorNumber and ErrorMessage ("" on success); every GET also Value, on an error
#   too, because clients build fixed tuples from the keys. There it is a neutral value of the member's own type: typed clients
#   choke on null.

from __future__ import annotations

import json
import math
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from functools import cache
from itertools import islice
from json.encoder import encode_basestring_ascii
from typing import Any, NamedTuple, get_args, get_origin
from urllib.parse import parse_qsl

from pylpaca import imagebytes
from pylpaca.errors import AlpacaError, BadRequest, DriverError
from pylpaca.interfaces import Operation, Parameter
from pylpaca.values import AxisRate, Frame, StateItem

BODY_LIMIT = 1 << 16  # bytes of a PUT body
FIELD_LIMIT = 100
LONGEST_LIST = 10_000  # of a driver: one without an end would keep the server busy for ever
UINT32 = 1 << 32
FORM = "application/x-www-form-urlencoded"
DISCOVERY_QUESTION = b"alpacadiscovery1"
DISCOVERY_GROUP = "ff12::a1:9aca"

_INTEGER = re.compile(r"[+-]?[0-9]{1,10}")
_DECIMAL = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_LONGEST_NUMBER = 400  # characters; the longest double written out has 325
_BOOLEANS = {"true": True, "false": False}

_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


# ---- wire types ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class WireType:
    """One type of value on the wire: how it is called, read, checked and written, and what stands for it on an error."""

    name: str
    neutral: Any
    read: Callable[[str], Any]  # ValueError: not such a value
    write: Callable[[Any], Any]  # what a driver gave -> what JSON takes; TypeError or ValueError: not such a value


def _read_bool(text: str) -> bool:
    try:
        return _BOOLEANS[text.lower()]
    except KeyError:
        raise ValueError(text) from None


def _read_int(text: str) -> int:
    if not _INTEGER.fullmatch(text) or not -(1 << 31) <= (number := int(text)) < 1 << 31:
        raise ValueError(text)
    return number


def _read_float(text: str) -> float:
    if len(text) > _LONGEST_NUMBER or not _DECIMAL.fullmatch(text) or not math.isfinite(number := float(text)):
        raise ValueError(text)
    return number


def _write_bool(value: Any) -> bool:
    if isinstance(value, bool) or type(value).__name__ == "bool_" or type(value).__name__ == "bool":  # numpy's too
        return bool(value)
    raise TypeError


def _write_int(value: Any) -> int:
    if isinstance(value, bool):
        raise TypeError
    number = operator.index(value)
    if not -(1 << 31) <= number < 1 << 31:
        raise OverflowError
    return number


def _write_float(value: Any) -> float:
    if isinstance(value, (bool, str, bytes)):
        raise TypeError
    number = float(value)
    if not math.isfinite(number):
        raise ValueError
    return number


def _write_str(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    if not value.isascii():
        value.encode()  # half of a character is none, as names of files have it that are no UTF-8
    return value


def _write_state_item(value: Any) -> dict[str, Any]:
    if not (isinstance(value, StateItem) and isinstance(value.Name, str) and isinstance(value.Value, (bool, int, float, str))):
        raise TypeError
    if isinstance(value.Value, float) and not math.isfinite(value.Value):
        raise ValueError
    return {"Name": value.Name, "Value": value.Value}


def _write_datetime(value: Any) -> str:
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise TypeError
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "Z"


def _write_axis_rate(value: Any) -> dict[str, float]:
    if not isinstance(value, AxisRate):
        raise TypeError
    return {"Maximum": _write_float(value.Maximum), "Minimum": _write_float(value.Minimum)}


def _write_frame(value: Any) -> Frame:
    if not isinstance(value, Frame):
        raise TypeError
    return value


def _unreadable(text: str) -> Any:
    raise ValueError(text)


_SCALARS: Mapping[Any, WireType] = {
    bool: WireType("true or false", False, _read_bool, _write_bool),
    datetime: WireType("a time as 2026-01-31T22:15:00.000Z", "0001-01-01T00:00:00.000Z", str, _write_datetime),
    AxisRate: WireType("a range of speeds", None, _unreadable, _write_axis_rate),
    Frame: WireType("an image", [], _unreadable, _write_frame),
    int: WireType("a whole number of 32 bits", 0, _read_int, _write_int),
    float: WireType("a number", 0.0, _read_float, _write_float),
    str: WireType("a text", "", str, _write_str),
    StateItem: WireType("an entry of DeviceState", None, _unreadable, _write_state_item),
}


def _is_enumeration(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, IntEnum)


@cache
def wire_type(kind: Any) -> WireType:
    """The wire type of the Python type that a declaration names."""
    if get_origin(kind) is list:
        inner = wire_type(get_args(kind)[0])
        neutral = [0] if _is_enumeration(get_args(kind)[0]) else []  # as the published API has it: TrackingRates is never empty
        return WireType(f"a list, each {inner.name}", neutral, _unreadable, lambda values: _write_list(inner, values))
    if _is_enumeration(kind):
        return WireType(
            f"a value of {kind.__name__}", 0, _read_int, lambda value: int(kind(_write_int(value)))
        )  # a number that is read becomes a `kind` when the rules are looked at: out of range is a refusal, not a 400
    return _SCALARS[kind]


def _write_list(inner: WireType, values: Any) -> list[Any]:
    if isinstance(values, (str, bytes, Mapping, Set)):
        raise TypeError
    found = [inner.write(value) for value in islice(values, LONGEST_LIST + 1)]
    if len(found) > LONGEST_LIST:
        raise ValueError
    return found


# ---- requests -----------------------------------------------------------------------------------------------------


class Ids(NamedTuple):  # made for each request: a third of what a frozen dataclass takes
    """Who asks, and the client's number for it; 0 when not said."""

    client: int = 0
    transaction: int = 0


def read_fields(verb: str, query: bytes, body: bytes, content_type: str = "") -> Mapping[str, str]:
    """
    The parameters of a request by name: of a GET from its query, names lower-cased; of a PUT from its body, names as sent.

    :raises BadRequest: not form-encoded, not UTF-8, too many fields, or one field given twice with different values.
    """
    if verb == "GET":
        source, where = query, "the query"
    else:
        source, where = body, "the body"
        kind = content_type.partition(";")[0].strip().lower()
        if body and kind not in ("", FORM):
            raise BadRequest(f"the body must be form-encoded ({FORM}), not {kind}")
    try:
        text = source.decode("utf-8")
        pairs = _read_plain(text) if "%" not in text and "+" not in text else _read_form(text)
    except UnicodeDecodeError:
        raise BadRequest(f"{where} is not UTF-8 text") from None
    except ValueError:
        raise BadRequest(f"{where} has more than {FIELD_LIMIT} fields") from None
    fields: dict[str, str] = {}
    for name, value in pairs:
        if verb == "GET":
            name = name.lower()
        if fields.setdefault(name, value) != value:
            raise BadRequest(f"{name} is given twice with different values")
    return fields


def _read_form(text: str) -> list[tuple[str, str]]:
    return parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=FIELD_LIMIT)


def _read_plain(text: str) -> list[tuple[str, str]]:
    """The same of a text in which nothing is escaped, as nearly all are, in a quarter of the time."""
    pieces = text.split("&")
    if len(pieces) > FIELD_LIMIT:
        raise ValueError
    pairs = []
    for piece in pieces:
        if piece:
            name, _, value = piece.partition("=")
            pairs.append((name, value))
    return pairs


def read_ids(verb: str, fields: Mapping[str, str]) -> Ids:
    """
    The ids of a request.

    :raises BadRequest: an id is there and is not an unsigned 32-bit number.
    """
    if verb == "GET":
        client, transaction = fields.get("clientid"), fields.get("clienttransactionid")
    else:
        client, transaction = fields.get("ClientID"), fields.get("ClientTransactionID")
    return Ids(_read_id("ClientID", client), _read_id("ClientTransactionID", transaction))


def _read_id(name: str, text: str | None) -> int:
    if text is None:
        return 0
    if not (len(text) <= 10 and text.isascii() and text.isdigit()) or (number := int(text)) >= UINT32:
        raise BadRequest(f"{name} must be a whole number from 0 to {UINT32 - 1}, not {text[:40]!r}")
    return number


def read_arguments(operation: Operation, fields: Mapping[str, str]) -> dict[str, Any]:
    """
    The arguments of a call, each of its declared type.

    :raises BadRequest: one is missing, has its name in the wrong case, or cannot be read.
    """
    arguments = {}
    for parameter in operation.parameters:
        text = fields.get(parameter.name.lower() if operation.verb == "GET" else parameter.name)
        if text is None:
            raise BadRequest(_missing(operation, parameter, fields))
        try:
            arguments[parameter.name] = wire_type(parameter.kind).read(text)
        except ValueError:
            raise BadRequest(
                f"{parameter.name} must be {_described(parameter)}, not {text[:40]!r}; {example(operation)}"
            ) from None
    return arguments


def _missing(operation: Operation, parameter: Parameter, fields: Mapping[str, str]) -> str:
    for name in fields:
        if name.lower() == parameter.name.lower():
            return f"the parameter is spelled {parameter.name}, not {name}: names in a PUT body are case-sensitive"
    return f"the parameter {parameter.name} ({_described(parameter)}) is missing; {example(operation)}"


def _described(parameter: Parameter) -> str:
    name = wire_type(parameter.kind).name
    return f"{name} in {parameter.unit}" if parameter.unit else name


_EXAMPLES = {bool: "true", int: "1", float: "12.5", str: "text"}


def example(operation: Operation) -> str:
    """How the right call looks."""
    form = "&".join(f"{each.name}={_EXAMPLES.get(each.kind, '1')}" for each in operation.parameters)
    if operation.verb == "GET":
        return f"the right call is GET …/{operation.path}" + (f"?{form}" if form else "")
    return f"the right call is PUT …/{operation.path}" + (f" with the body {form}" if form else "")


# ---- answers ------------------------------------------------------------------------------------------------------


def written(operation: Operation, value: Any) -> Any:
    """
    What a driver gave, as JSON takes it.

    :raises DriverError: it is not of the declared type; the sentence names the member.
    """
    if operation.returns is None:
        return None
    kind = wire_type(operation.returns)
    try:
        value = kind.write(value)
        return value if operation.form is None else operation.form.shown(value)
    except (TypeError, ValueError, OverflowError):
        raise DriverError(f"the driver's {operation.method} gave {value!r:.60}, which is not {kind.name}") from None


def success(operation: Operation, ids: Ids, server_transaction: int, value: Any) -> bytes:
    """The envelope of an operation that went well; `value` as `written` gives it."""
    return envelope(ids, server_transaction, value, operation.returns_value)


@dataclass(frozen=True)
class ImageAnswer:
    """The answer that is an image, in pieces to be sent one after another."""

    pieces: Iterator[bytes | memoryview]
    length: int | None = None  # bytes of ImageBytes; None: it is JSON, and how long is not known before it is written


def image(ids: Ids, server_transaction: int, frame: Frame, in_bytes: bool) -> ImageAnswer:
    """
    An image for a client, as ImageBytes or as JSON.

    :raises DriverError: JSON cannot hold it.
    """
    if in_bytes:
        return ImageAnswer(imagebytes.pieces(frame, ids.transaction, server_transaction), imagebytes.length(frame))
    if not frame.finite:
        raise DriverError(f"the image has pixels that are no numbers, as JSON wants them; ask with Accept: {imagebytes.TYPE}")
    return ImageAnswer(imagebytes.json_pieces(frame, envelope(ids, server_transaction, [], before=imagebytes.shape(frame))))


def refusal(operation: Operation, ids: Ids, server_transaction: int, error: AlpacaError) -> bytes:
    """The envelope of an operation that was refused."""
    neutral = operation.form.neutral if operation.form is not None else None
    if neutral is None and operation.returns_value:
        neutral = wire_type(operation.returns).neutral
    return envelope(
        ids, server_transaction, neutral, operation.returns_value, error, _NO_IMAGE if operation.returns is Frame else None
    )


_NO_IMAGE = {"Type": 2, "Rank": 2}  # an image that could not be given has these, too


def envelope(
    ids: Ids,
    server_transaction: int,
    value: Any,
    with_value: bool = True,
    error: AlpacaError | None = None,
    before: Mapping[str, Any] | None = None,
) -> bytes:
    """An Alpaca answer as JSON: exactly the keys of the protocol, no more."""
    first = "".join(f"{_written_out(name)}:{_written_out(each)}," for name, each in before.items()) if before else ""
    if with_value:
        first += f'"Value":{_written_out(value)},'
    number, message = (error.number, error.sentence.encode("utf-8", "backslashreplace").decode()) if error else (0, "")
    return (
        f'{{{first}"ClientTransactionID":{ids.transaction},"ServerTransactionID":{server_transaction},'
        f'"ErrorNumber":{number},"ErrorMessage":{encode_basestring_ascii(message)}}}'
    ).encode()


def _written_out(value: Any) -> str:
    """JSON of a value; json's own encoder, which takes longer than all the rest, where it is not as plain as most are."""
    kind = type(value)
    if kind is float and math.isfinite(value):
        return repr(value)
    if kind is bool:
        return "true" if value else "false"
    return repr(value) if kind is int else _encode(value)


class TransactionCounter:
    """ServerTransactionID: one count for the whole server, from 1, back to 1 after 2**32 - 1."""

    def __init__(self) -> None:
        self._last = 0

    def __call__(self) -> int:
        self._last = self._last % (UINT32 - 1) + 1
        return self._last
