"""The published Alpaca device API, reduced to one line an operation: from our table of facts, or from its OpenAPI file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

COMMON = "{device_type}"
OPENAPI = "PYLPACA_OPENAPI"  # names the official AlpacaDeviceAPI_v1.yaml, where there is one

# Wanted by the official checker and by the interface's definition, and missing in the published file.
NOT_PUBLISHED = {"switch PUT cancelasync(Id:int)"}


def facts() -> set[str]:
    """Our table, in which an operation reads "telescope GET axisrates(Axis:int) -> list of object"."""
    text = Path(__file__).with_name("published_api.txt").read_text()
    return {line for line in text.splitlines() if line and not line.startswith("#")}


def openapi_file() -> Path | None:
    """The official file, if the environment names one."""
    path = Path(os.environ.get(OPENAPI, ""))
    return path if path.is_file() else None


def from_openapi(path: Path) -> set[str]:
    """The same lines, read from an OpenAPI file."""
    import yaml

    return set(_Reader(yaml.safe_load(path.read_text())).lines())


class _Reader:
    def __init__(self, document: Any) -> None:
        self._document = document

    def lines(self) -> Iterator[str]:
        for path, item in self._document["paths"].items():
            kind, member = path.strip("/").split("/")[0::2]
            for verb in ("get", "put"):
                if verb in item:
                    yield self._line(kind, verb.upper(), member, item[verb])

    def _line(self, kind: str, verb: str, member: str, operation: Any) -> str:
        fields: dict[str, Any] = {}
        for each in map(self._at, operation.get("parameters", [])):
            if each["in"] == "query":
                fields[each["name"]] = each["schema"]
        for content in self._at(operation.get("requestBody", {})).get("content", {}).values():
            fields.update(self._properties(content["schema"]))
        said = ",".join(f"{name}:{self._type(schema)}" for name, schema in fields.items() if not name.startswith("Client"))
        answer = self._at(operation["responses"]["200"])["content"].get("application/json", {}).get("schema", {})
        value = self._properties(answer).get("Value")
        returns = "image" if member.startswith("imagearray") else self._type(value) if value is not None else ""
        return f"{kind} {verb} {member}({said})" + (f" -> {returns}" if returns else "")

    def _at(self, node: Any) -> Any:
        while "$ref" in node:
            target = self._document
            for step in node["$ref"].removeprefix("#/").split("/"):
                target = target[step]
            node = target
        return node

    def _properties(self, schema: Any) -> dict[str, Any]:
        schema = self._at(schema)
        found = dict(schema.get("properties", {}))
        for part in schema.get("allOf", []):
            found.update(self._properties(part))
        return found

    def _type(self, schema: Any) -> str:
        schema = self._at(schema)
        if schema.get("type") == "array":
            return f"list of {self._type(schema['items'])}"
        if "enum" in schema or "oneOf" in schema:
            return "int"
        if "allOf" in schema:
            return self._type(schema["allOf"][0])
        names = {"boolean": "bool", "integer": "int", "number": "float", "string": "str", "object": "object"}
        return names[schema["type"]]
