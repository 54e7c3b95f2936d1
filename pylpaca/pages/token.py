"""What a form of ours knows and a page of others does not: without it nothing that is sent is believed."""

from __future__ import annotations

import hmac
import json
from hashlib import sha256
from secrets import token_bytes
from typing import Any


class Token:
    """One secret, as long as the server runs."""

    def __init__(self, secret: bytes | None = None) -> None:
        self._secret = secret or token_bytes(32)
        self.text = self.mark("token")

    def is_right(self, given: str) -> bool:
        """Whether a form that was sent has it."""
        return hmac.compare_digest(given.encode(), self.text.encode())

    def mark(self, content: Any) -> str:
        """The same for the same JSON, and for no other; what that is cannot be told, or guessed, from it."""
        text = json.dumps(content, sort_keys=True)
        return hmac.new(self._secret, text.encode(), sha256).hexdigest()
