"""Our addresses that hubs call (WebSub): unguessable, one a subscription, known again by any process with the same key.

The name of a callback stands on a topic, with its feed's poll. What makes it an address, and the secret that pushes
are signed with, are derived from the key, which never does: who can read the log can neither call nor sign.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from typing import TYPE_CHECKING, Final

from wirewatch.errors import UserError

if TYPE_CHECKING:
    from pathlib import Path

PREFIX: Final = "/websub/"
KEY_FILE: Final = "websub.key"
_KEY_BYTES = 32
_SHORTEST = 16


class CallbackKey:
    """Makes callbacks' addresses and secrets, and knows them again."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def path(self, feed_id: str, callback: str) -> str:
        """The path of that feed's callback."""
        return f"{PREFIX}{feed_id}/{callback}/{self._derived('path', feed_id, callback)}"

    def knows(self, feed_id: str, callback: str, proof: str) -> bool:
        """Whether a path with these parts is one that this key made."""
        made = self._derived("path", feed_id, callback)
        return hmac.compare_digest(made.encode(), proof.encode("utf-8", "replace"))

    def secret(self, feed_id: str, callback: str) -> str:
        """What the hub signs its pushes with."""
        return self._derived("secret", feed_id, callback)

    def _derived(self, purpose: str, feed_id: str, callback: str) -> str:
        # a zero byte can stand in none of the parts: no two triples are the same text
        text = f"wirewatch websub v1\0{purpose}\0{feed_id}\0{callback}".encode("utf-8", "replace")
        return hmac.new(self._key, text, hashlib.sha256).hexdigest()[:48]


def key_from_text(text: str) -> CallbackKey:
    """The key that a setting holds. Raises `UserError` for one that can be guessed."""
    if len(text) < _SHORTEST:
        raise UserError("web.push_key: must have at least 16 characters, such as from: openssl rand -hex 16")
    return CallbackKey(hashlib.sha256(text.encode()).digest())


def key_from_folder(folder: Path) -> CallbackKey:
    """The key kept in a folder, made at first. Raises `UserError` where it can be neither read nor made."""
    path = folder / KEY_FILE
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            # whole from the beginning, also where the machine fails in between: written aside, then put in place
            aside = folder / f"{KEY_FILE}.{secrets.token_hex(8)}"
            with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(os.urandom(_KEY_BYTES))
                file.flush()
                os.fsync(file.fileno())
            os.link(aside, path)
        except FileExistsError:
            pass
        finally:
            aside.unlink(missing_ok=True)
        key = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: the key of WebSub's callbacks cannot be kept: {error.strerror or error}") from error
    if len(key) != _KEY_BYTES:
        raise UserError(f"{path}: is not the key that wirewatch wrote; delete it, and hubs are asked anew")
    return CallbackKey(key)
