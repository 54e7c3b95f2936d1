"""What must not be told: which values of a configuration are secrets, and a text without them."""

# Facts
#   A driver's settings may hold a password, as of a weather service; its author may have marked it as SecretStr, or not.

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

from pydantic import BaseModel, SecretBytes, SecretStr

from pylpaca.config import Configuration
from pylpaca.config import is_secret_name as is_secret_name  # others know it from here

HIDDEN = "(not told)"
SHORTEST = 4  # characters; shorter words stand everywhere, and to leave them out would tell them

_IN_ADDRESS = re.compile(r"(?<=://)[^/\s@]+(?=@)")  # name and password of an address, as https://me:secret@example.org


def told(value: Any, name: str = "") -> Any:
    """A value of a configuration as JSON takes it, without what is secret in it."""
    if isinstance(value, BaseModel):
        return {each: told(getattr(value, each), each) for each in type(value).model_fields}
    if isinstance(value, (SecretStr, SecretBytes)) or (name and is_secret_name(name) and value not in (None, "", True, False)):
        return HIDDEN
    if isinstance(value, Mapping):
        return {str(key): told(each, str(key)) for key, each in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [told(each, name) for each in value]
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return _IN_ADDRESS.sub(HIDDEN, str(value))


def told_configuration(configuration: Configuration) -> dict[str, Any]:
    """A whole configuration, without what is secret in it; of its users only how many they are."""
    server = told(configuration.server)
    server["users"] = f"{len(configuration.server.users)} (not told)" if configuration.server.users else 0
    drivers = [told(each.entry.model_dump(exclude_unset=True)) for each in configuration.devices]
    return {"server": server, "driver_path": [str(each) for each in configuration.driver_path], "drivers": drivers}


class Discretion:
    """
    Takes secrets out of texts.

    :param values: anything with secrets in it: configurations, the settings of drivers.
    """

    def __init__(self, values: Iterable[Any] = ()) -> None:
        self._written: set[str] = set()
        self._secrets: re.Pattern[str] | None = None
        self.learn(values)

    def learn(self, values: Iterable[Any]) -> None:
        """Keep the secrets in these, too."""
        secrets = {each for value in values for each in secrets_of(value) if len(each) >= SHORTEST}
        forms = (str, lambda each: json.dumps(each)[1:-1], lambda each: repr(each)[1:-1], quote, quote_plus)
        self._written |= {form(each) for each in secrets for form in forms}
        if self._written:
            longest_first = sorted(self._written, key=len, reverse=True)
            self._secrets = re.compile("|".join(re.escape(each) for each in longest_first))

    def __call__(self, text: str) -> str:
        """The text without them."""
        if "://" in text:
            text = _IN_ADDRESS.sub(HIDDEN, text)
        return text if self._secrets is None else self._secrets.sub(HIDDEN, text)


def of_configuration(configuration: Configuration, settings: Iterable[Any] = ()) -> Discretion:
    """
    What keeps the secrets of a configuration.

    :param settings: those of the drivers, whose authors may have said what is secret.
    """
    return Discretion([configuration.server, *(each.entry.driver_config for each in configuration.devices), *settings])


def secrets_of(value: Any, is_secret: bool = False) -> Iterator[str]:
    """Every secret text in a value."""
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, SecretBytes):
        yield value.get_secret_value().decode("latin-1")
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from secrets_of(getattr(value, name), is_secret or is_secret_name(name))
    elif isinstance(value, Mapping):
        for name, each in value.items():
            yield from secrets_of(each, is_secret or is_secret_name(str(name)))
    elif isinstance(value, (list, tuple, set, frozenset)):
        for each in value:
            yield from secrets_of(each, is_secret)
    elif is_secret and value not in (None, "", True, False):
        yield str(value)
    elif isinstance(value, str):
        yield from (each.partition(":")[2] for each in _IN_ADDRESS.findall(value) if ":" in each)
