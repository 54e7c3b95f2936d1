"""A decoder of images of the tests' own: made from the published description, with nothing of the server or of numpy."""

from __future__ import annotations

import array
import json
import struct
from dataclasses import dataclass
from typing import Any

CODES = {1: "h", 2: "i", 3: "d", 4: "f", 5: "Q", 6: "B", 7: "q", 8: "H", 9: "I"}


@dataclass(frozen=True)
class Decoded:
    """What a client made of an answer."""

    kind: int  # ImageElementType, or Type of JSON
    sent_as: int  # TransmissionElementType; that of the pixel for JSON
    rank: int
    pixels: list[Any]  # [x][y] or [x][y][plane]
    client_transaction: int
    server_transaction: int


def decoded(body: bytes, content_type: str) -> Decoded:
    """The image in an answer."""
    if content_type == "application/imagebytes":
        return _from_bytes(body)
    if content_type.partition(";")[0] != "application/json":
        raise AssertionError(content_type)
    answer = json.loads(body)
    if answer["ErrorNumber"] or answer["ErrorMessage"]:
        raise AssertionError(answer)
    keys = ["Type", "Rank", "Value", "ClientTransactionID", "ServerTransactionID", "ErrorNumber", "ErrorMessage"]
    if list(answer) != keys or not body.startswith(b'{"Type":%d,"Rank":%d,"Value":[[' % (answer["Type"], answer["Rank"])):
        raise AssertionError(body[:100])
    ids = answer["ClientTransactionID"], answer["ServerTransactionID"]
    return Decoded(answer["Type"], answer["Type"], answer["Rank"], answer["Value"], *ids)


def _from_bytes(body: bytes) -> Decoded:
    fields = struct.unpack_from("<iiIIiiiiiii", body)
    version, error, client, server, start, kind, sent_as, rank, width, height, planes = fields
    if (version, error, start) != (1, 0, 44) or min(fields) < 0 or (rank, planes > 0) not in ((2, False), (3, True)):
        raise AssertionError(fields)
    flat = array.array(CODES[sent_as])
    flat.frombytes(body[start:])
    if len(flat) != width * height * max(planes, 1):
        raise AssertionError(f"{len(flat)} pixels of {fields}")
    ahead = iter(flat.tolist())
    if rank == 3:
        pixels: list[Any] = [[[next(ahead) for _ in range(planes)] for _ in range(height)] for _ in range(width)]
    else:
        pixels = [[next(ahead) for _ in range(height)] for _ in range(width)]
    return Decoded(kind, sent_as, rank, pixels, client, server)
