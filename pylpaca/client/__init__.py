"""A typed Alpaca client: the interfaces that drivers implement, over HTTP."""

from __future__ import annotations

from pylpaca.client.failures import BadAnswer, CallFailed, RequestRefused, Unreachable
from pylpaca.client.finding import Found, find
from pylpaca.client.remote import Session, ask, remote
from pylpaca.client.server import ConfiguredDevice, Description, Server, connect

__all__ = [
    "BadAnswer",
    "CallFailed",
    "ConfiguredDevice",
    "Description",
    "Found",
    "RequestRefused",
    "Server",
    "Session",
    "Unreachable",
    "ask",
    "connect",
    "find",
    "remote",
]
