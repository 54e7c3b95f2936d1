"""The OpenAPI description of what is served, made from the declarations."""

# Facts
#   OpenAPI 3.1 has the JSON Schema of 2020-12: exclusiveMaximum is a number there. Names in a query are case-insensitive in
#   Alpaca, which OpenAPI cannot say; they are written as the body of a PUT needs them. A number that is out of range is answered
#   with HTTP 200 and an ErrorNumber, not with 400.

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import IntEnum
from functools import cache
from typing import Any, get_args, get_origin

from pylpaca import __version__, imagebytes
from pylpaca.conditions import allowed, bounds, conditions, refusals
from pylpaca.interfaces import DEVICE_TYPES, Operation, Parameter, device_type, operations
from pylpaca.management import Management
from pylpaca.protocol import FORM, UINT32
from pylpaca.roster import Roster
from pylpaca.values import AxisRate, Frame, StateItem

VERSION = "3.1.0"

Json = dict[str, Any]


def _ref(section: str, name: str) -> Json:
    return {"$ref": f"#/components/{section}/{name}"}


# ---- values -------------------------------------------------------------------------------------------------------


def schema_of(kind: Any, unit: str = "") -> Json:
    """The schema of a declared type."""
    found = dict(_schema(kind))
    if unit:
        found["x-unit"] = unit
    return found


def _schema(kind: Any) -> Json:
    if get_origin(kind) is list:
        return {"type": "array", "items": _schema(get_args(kind)[0])}
    if isinstance(kind, type) and issubclass(kind, IntEnum):
        words = ", ".join(f"{each.value} {each.name}" for each in kind)
        return {"type": "integer", "format": "int32", "enum": [int(each) for each in kind], "description": words}
    return _SCHEMAS[kind]


_SCHEMAS: Mapping[Any, Json] = {
    bool: {"type": "boolean"},
    int: {"type": "integer", "format": "int32"},
    float: {"type": "number", "format": "double"},
    str: {"type": "string"},
    datetime: {"type": "string", "format": "date-time"},
    AxisRate: _ref("schemas", "AxisRate"),
    StateItem: _ref("schemas", "StateItem"),
    Frame: {"type": "array", "items": {"type": "array"}, "description": "[x][y], or [x][y][plane]"},
}


def parameter_schema(operation: Operation, parameter: Parameter) -> Json:
    """The schema of a parameter, with the numbers that it may have."""
    found = schema_of(parameter.kind, parameter.unit)
    limits = bounds(operation, parameter)
    if limits.low is not None:
        found["exclusiveMinimum" if limits.open_low else "minimum"] = limits.low
    if limits.high is not None:
        found["exclusiveMaximum" if limits.open_high else "maximum"] = limits.high
    if words := allowed(operation, parameter):
        found["description"] = words
    return found


# ---- operations ---------------------------------------------------------------------------------------------------


_CLIENT = [_ref("parameters", "ClientID"), _ref("parameters", "ClientTransactionID")]
_REFUSED = {"400": _ref("responses", "NotUnderstood"), "500": _ref("responses", "Failed")}


def operation_object(kind: str, operation: Operation) -> Json:
    """What OpenAPI says of one operation of a device type."""
    name = device_type(DEVICE_TYPES[kind])
    found: Json = {
        "tags": [name],
        "operationId": f"{name}.{operation.method}",
        "summary": operation.doc.partition("\n")[0],
    }
    if operation.doc != found["summary"]:
        found["description"] = operation.doc
    if said := conditions(operation):
        found["x-conditions"] = said
    found["x-errors"] = [f"0x{each.number:X} {each.__name__}" for each in refusals(operation)]
    if operation.verb == "GET":
        own = [
            {"name": each.name, "in": "query", "required": True, "schema": parameter_schema(operation, each)}
            for each in operation.parameters
        ]
        found["parameters"] = [*own, *_CLIENT]
    else:
        found["requestBody"] = _body(operation)
    found["responses"] = {"200": _answer(operation), **_REFUSED}
    return found


def _body(operation: Operation) -> Json:
    properties = {each.name: parameter_schema(operation, each) for each in operation.parameters}
    schema: Json = {"type": "object", "properties": {**properties, "ClientID": _ID, "ClientTransactionID": _ID}}
    if properties:
        schema["required"] = list(properties)
    return {"required": bool(properties), "content": {FORM: {"schema": schema}}}


def _answer(operation: Operation) -> Json:
    if not operation.returns_value:
        return _ref("responses", "Done")
    if operation.returns is Frame:
        return {
            "description": "The image; as ImageBytes if the client accepts that.",
            "content": {**_json(_image(operation)), imagebytes.TYPE: {}},
        }
    return {"description": "The value, or why there is none.", "content": _json(_with_value(operation))}


def _with_value(operation: Operation, *more: str, **properties: Json) -> Json:
    value = schema_of(operation.returns, operation.unit)
    own = {"type": "object", "properties": {"Value": value, **properties}, "required": ["Value", *more]}
    return {"allOf": [_ref("schemas", "Answer"), own]}


def _image(operation: Operation) -> Json:
    number = {"type": "integer"}
    return _with_value(operation, "Type", "Rank", Type=number, Rank={**number, "enum": [2, 3]})


def _json(schema: Json) -> Json:
    return {"application/json": {"schema": schema}}


@cache
def _paths_of(kind: str) -> Json:
    """The paths of a device type, each with its verbs."""
    found: Json = {}
    for operation in operations(DEVICE_TYPES[kind]).values():
        path = f"/api/v1/{kind}/{{device_number}}/{operation.path}"
        item = found.setdefault(path, {"parameters": [_ref("parameters", f"{device_type(DEVICE_TYPES[kind])}Number")]})
        item[operation.verb.lower()] = operation_object(kind, operation)
    return found


# ---- the management API -------------------------------------------------------------------------------------------


def _paths_of_management(management: Management) -> Json:
    """They have no declaration but what they answer."""
    return {
        f"/management/{path}": {
            "get": {
                "tags": ["Management"],
                "operationId": f"management.{answer.__name__}",
                "summary": (answer.__doc__ or "").strip(),
                "parameters": _CLIENT,
                "responses": {
                    "200": {
                        "description": "The value.",
                        "content": _json(
                            {"type": "object", "properties": {"Value": _schema_like(answer())}, "required": ["Value"]}
                        ),
                    }
                },
            }
        }
        for path, answer in management.answers.items()
    }


def _schema_like(value: Any) -> Json:
    """The schema of what looks like this."""
    if isinstance(value, dict):
        return {
            "type": "object",
            "properties": {name: _schema_like(each) for name, each in value.items()},
            "required": list(value),
        }
    if isinstance(value, list):
        return {"type": "array", "items": _schema_like(value[0]) if value else {}}
    return {"type": "integer"} if isinstance(value, int) else {"type": "string"}


# ---- the whole ----------------------------------------------------------------------------------------------------


_ID: Json = {"type": "integer", "minimum": 0, "maximum": UINT32 - 1}
_TEXT = {"text/plain": {"schema": {"type": "string"}}}
_TRANSACTION: Json = {"type": "integer", "minimum": 0, "maximum": UINT32 - 1}
_ANSWER: Json = {
    "type": "object",
    "properties": {
        "ClientTransactionID": {**_TRANSACTION, "description": "The client's own number for its request, or 0."},
        "ServerTransactionID": {**_TRANSACTION, "description": "The server's number for it."},
        "ErrorNumber": {"type": "integer", "format": "int32", "description": "0 if it went well."},
        "ErrorMessage": {"type": "string", "description": "Why it did not go well; empty if it did."},
    },
    "required": ["ClientTransactionID", "ServerTransactionID", "ErrorNumber", "ErrorMessage"],
}
_STATE_ITEM: Json = {
    "type": "object",
    "properties": {"Name": {"type": "string"}, "Value": {"type": ["boolean", "number", "string"]}},
    "required": ["Name", "Value"],
}
_AXIS_RATE: Json = {
    "type": "object",
    "properties": {"Maximum": {"type": "number"}, "Minimum": {"type": "number"}},
    "required": ["Maximum", "Minimum"],
}


def document(roster: Roster, management: Management, with_users: bool = False) -> Json:
    """
    The whole description of one server.

    :param with_users: whether names and passwords are asked for.
    """
    kinds = [kind for kind in DEVICE_TYPES if roster.numbers(kind)]
    about = management.description()
    found: Json = {
        "openapi": VERSION,
        "info": {
            "title": about["ServerName"],
            "version": __version__,
            "description": "The ASCOM Alpaca API of this server, for the devices that it has.",
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": "Management"}, *_tags(kinds)],
        "paths": {**_paths_of_management(management), **{path: item for kind in kinds for path, item in _paths_of(kind).items()}},
        "components": {
            "schemas": {"Answer": _ANSWER, "AxisRate": _AXIS_RATE, "StateItem": _STATE_ITEM},
            "parameters": {
                "ClientID": {"name": "ClientID", "in": "query", "schema": _ID, "description": "Which client it is."},
                "ClientTransactionID": {
                    "name": "ClientTransactionID",
                    "in": "query",
                    "schema": _ID,
                    "description": "The client's own number for its request, which the answer repeats.",
                },
                **{f"{device_type(DEVICE_TYPES[kind])}Number": _number(roster.numbers(kind)) for kind in kinds},
            },
            "responses": {
                "Done": {"description": "It went well, or why it did not.", "content": _json(_ref("schemas", "Answer"))},
                "NotUnderstood": {"description": "The request cannot be read; the text says what is wrong.", "content": _TEXT},
                "Failed": {"description": "The server failed; its log says how.", "content": _TEXT},
            },
        },
    }
    if with_users:
        found["components"]["securitySchemes"] = {"basic": {"type": "http", "scheme": "basic"}}
        found["security"] = [{"basic": []}]
    return found


def _tags(kinds: Iterable[str]) -> list[Json]:
    return [
        {"name": device_type(DEVICE_TYPES[kind]), "description": (DEVICE_TYPES[kind].__doc__ or "").strip()} for kind in kinds
    ]


def _number(numbers: list[int]) -> Json:
    return {"name": "device_number", "in": "path", "required": True, "schema": {"type": "integer", "enum": numbers}}
