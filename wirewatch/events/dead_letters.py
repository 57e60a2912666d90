"""A rejected record: what it was, where it came from and why."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class DeadLetter(Struct, frozen=True):
    """The value of `wirewatch.dead-letters.v1`. ``value`` is the record's own, base64 (null: it had none)."""

    id: str
    stage: str
    reason: str
    fate: Literal["bad-input", "bug"]
    error: str
    traceback: str | None
    topic: str
    partition: int
    offset: int
    key: str
    headers: dict[str, str]
    value: str | None
    size: int
    time: str
