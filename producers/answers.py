"""What passes between planning, fetching and deciding: plain values."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Reason = Literal[
    "blocked",
    "robots",
    "robots-away",
    "setting",
    "bad-url",
    "dns",
    "connect",
    "tls",
    "timeout",
    "redirects",
    "http-status",
    "bad-answer",
    "bad-encoding",
    "too-large",
    "truncated",
]


class Ask(Struct, frozen=True):
    """One request as it will be made. ``headers`` are the feed's own, with their secrets: never log an `Ask`.

    ``status_only``: only the status is wanted, whatever it is; no body is read.
    """

    url: str
    headers: dict[str, str] = {}
    etag: str | None = None
    last_modified: str | None = None
    proxy: str | None = None
    status_only: bool = False

    @property
    def conditional(self) -> bool:
        """Whether it asks for a body only if that changed."""
        return self.etag is not None or self.last_modified is not None


class Limits(Struct, frozen=True):
    """What one request may cost: seconds, bytes and redirects."""

    connect_seconds: float = 10.0
    total_seconds: float = 30.0
    max_body: int = 15 << 20
    max_redirects: int = 5


class Answer(Struct, frozen=True):
    """What came of one request. Where ``reason`` is set it failed, and ``error`` says how in words, redacted.

    ``body`` is there only for a whole body with status 200 or 203, its encodings undone. ``status`` is the last
    one seen, ``url`` where it came from, redacted. ``moved_to`` is where permanent redirects alone lead.
    ``fresh_ms`` is how long the source says that this answer stays the same, ``links`` its Link headers.
    """

    url: str
    status: int | None = None
    body: bytes | None = None
    content_type: str = ""
    etag: str | None = None
    last_modified: str | None = None
    retry_after_ms: int | None = None
    fresh_ms: int | None = None
    links: tuple[str, ...] = ()
    moved_to: str | None = None
    took_ms: float = 0.0
    reason: Reason | None = None
    error: str | None = None
