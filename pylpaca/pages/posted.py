"""What a form of ours sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import parse_qsl

from twisted.web.iweb import IRequest

from pylpaca.errors import BadRequest
from pylpaca.pages.token import Token
from pylpaca.protocol import FORM

TOKEN = "token"  # noqa: S105  # the name of a field
MOST_FIELDS = 2000


def posted(request: IRequest, token: Token) -> Mapping[str, str]:
    """
    The fields of a form, of one given more than once the last.

    :raises BadRequest: it is no form, or none of ours.
    """
    kinds: list[bytes] = request.requestHeaders.getRawHeaders(b"content-type") or [b""]
    if kinds[0].decode("latin-1").partition(";")[0].strip().lower() != FORM:
        raise BadRequest(f"a form is sent as {FORM}")
    body: bytes = cast(Any, request.content).read()
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except UnicodeDecodeError:
        raise BadRequest("the form is not UTF-8 text") from None
    except ValueError:
        raise BadRequest(f"the form has more than {MOST_FIELDS} fields") from None
    fields = dict(pairs)
    if not token.is_right(fields.get(TOKEN, "")):
        raise BadRequest(
            "Nothing was done: this form was made before the server was started, or not by it. Go back, reload the page and "
            "send it again.",
            403,
        )
    return fields
