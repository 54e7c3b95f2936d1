"""What schemathesis cannot know of Alpaca: how bad data is refused, and what an envelope must hold. Loaded by schemathesis."""

# Facts
#   Data that cannot be read is refused with HTTP 400, data that a device cannot take with HTTP 200 and an ErrorNumber; so the two
#   built-in checks that expect one status for each are replaced.
#   Unknown parameters are ignored. Ids that cannot be read may be refused or taken for 0.

import json
from typing import Any

import schemathesis

IDS = {"ClientID", "ClientTransactionID"}
# How schemathesis calls mutations that Alpaca has no quarrel with.
HARMLESS = ("additional", "unexpected", "Content-Type", "Unspecified HTTP method", *IDS)
SYNCHRONOUS = ("/slewtocoordinates", "/slewtotarget", "/slewtoaltaz", "/connected")


def _envelope(response: Any) -> Any:
    if response.status_code != 200 or "json" not in response.headers.get("content-type", [""])[0]:
        return None
    return json.loads(response.content)


@schemathesis.check
def bad_data_is_refused(ctx: Any, response: Any, case: Any) -> None:
    """Negative data must not be answered with success."""
    if case.meta is None or not case.meta.generation.mode.is_negative:
        return
    data = case.meta.phase.data
    changed = {each.parameter for each in getattr(data, "mutations", None) or [] if each.parameter}
    changed |= {data.parameter} if getattr(data, "parameter", None) else set()
    description = getattr(data, "description", "") or ""
    if (changed and changed <= IDS) or any(word in description for word in HARMLESS):
        return
    envelope = _envelope(response)
    assert envelope is None or envelope.get("ErrorNumber", 0) != 0, f"bad data was accepted: {description}"


@schemathesis.check
def envelope_is_right(ctx: Any, response: Any, case: Any) -> None:
    """Every JSON answer has its ids, and a message exactly if it has an error; no initiator takes longer than a second."""
    envelope = _envelope(response)
    if envelope is None:
        return
    assert (envelope["ErrorNumber"] == 0) == (envelope["ErrorMessage"] == ""), "ErrorNumber and ErrorMessage disagree"
    assert envelope["ErrorNumber"] == 0 or 0x400 <= envelope["ErrorNumber"] <= 0xFFF
    assert 0 <= envelope["ClientTransactionID"] < 2**32
    assert 1 <= envelope["ServerTransactionID"] < 2**32
    if not case.operation.path.endswith(SYNCHRONOUS):
        assert response.elapsed < 1.0, f"answered after {response.elapsed:.2f} s"
