"""Standard Webhooks: the three headers that tell a receiver who sent a body and that it was not changed."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets as random_secrets
from typing import Final

from wirewatch.errors import UserError

PREFIX: Final = "whsec_"
_SHORTEST, _LONGEST = 16, 128


def new_secret() -> str:
    """A fresh secret, as the receiver needs it to check signatures."""
    return PREFIX + base64.b64encode(random_secrets.token_bytes(32)).decode()


def parse_secrets(text: str) -> list[bytes]:
    """The keys in a channel's secret: one, or several parted by white space while they are being changed.

    Raises `UserError` in words that do not repeat the secret.
    """
    keys = []
    for word in text.split():
        try:
            key = base64.b64decode(word.removeprefix(PREFIX), validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if not _SHORTEST <= len(key) <= _LONGEST:
            raise UserError(
                f"a webhook's secret is {PREFIX} and base64 of {_SHORTEST} to {_LONGEST} random bytes; make one with: "
                f'python3 -c "import base64, os; print({PREFIX!r} + base64.b64encode(os.urandom(32)).decode())"'
            )
        keys.append(key)
    return keys


def sign(key: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """``v1,`` and the base64 of HMAC-SHA256 over id, timestamp (seconds) and body."""
    signed = b".".join((message_id.encode(), str(timestamp).encode(), body))
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def signature_headers(keys: list[bytes], message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The headers of one try; a signature for each key, so that a receiver may know the old or the new one."""
    headers = {"webhook-id": message_id, "webhook-timestamp": str(timestamp)}
    if keys:
        headers["webhook-signature"] = " ".join(sign(key, message_id, timestamp, body) for key in keys)
    return headers
