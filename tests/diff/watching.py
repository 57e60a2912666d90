"""A watched source without parser, broker or clock: parsed feeds go straight into the diff."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from processors.diff import Diffed, Failure, FeedState, Seen, decode_state, diff, encode_state
from processors.parse.model import ParsedEntry, ParsedFeed
from wirewatch.events import EntryEvent, ParseDefinition
from wirewatch.identity import snapshot_id

NOON = 1_641_556_800_000  # 2022-01-07T12:00:00Z
MINUTE = 60_000


def an_entry(name: str, headline: str = "", body: str = "", *, minute: int | None = None, **more: Any) -> ParsedEntry:
    """``minute`` counts from noon. Without a name it has no id."""
    headline = headline or f"Story {name} of the valley"
    fields: dict[str, Any] = {
        "native_id": name or None,
        "headline": headline,
        "body": body,
        "published_ms": None if minute is None else NOON + minute * MINUTE,
        "published_precision": "none" if minute is None else "minute",
    }
    entry = ParsedEntry(**{**fields, **more})
    raw = hashlib.blake2b(msgspec.json.encode(entry), digest_size=8).hexdigest()
    return entry if entry.raw_hash else msgspec.structs.replace(entry, raw_hash=raw)


class Watch:
    """Polls one source. Each poll encodes and decodes the state, as a restart would."""

    def __init__(self, **definition: Any) -> None:
        self.definition = ParseDefinition(**{"url": "https://valley.example/feed", "listing": "window", **definition})
        self.state: bytes | None = None
        self.number = 0
        self.owner = 0
        self.at_ms = NOON + 60 * MINUTE
        self.events: list[EntryEvent] = []
        self.last: Diffed | None = None
        self._body_number = 0

    def poll(self, *entries: ParsedEntry, kind: str = "rss", salt: str = "", **feed: Any) -> list[str]:
        """A body with these entries; the ops that follow from it. ``salt`` makes the bytes differ."""
        parsed = ParsedFeed(
            kind=kind,
            entries=tuple(msgspec.structs.replace(e, position=i) for i, e in enumerate(entries)),
            **feed,
        )
        return self.give(parsed=parsed, body=msgspec.json.encode(parsed) + salt.encode())

    def fail(self, reason: str = "truncated", body: bytes = b"<rss>") -> list[str]:
        return self.give(failure=Failure(reason, f"it is {reason}"), body=body)

    def confirm(self, base: int | None = None) -> list[str]:
        return self.give(kind="confirmation", base=self._body_number if base is None else base)

    def look(self, entry_id: str, status: int) -> list[str]:
        return self.give(kind="page-check", entry_id=entry_id, status=status)

    def give(self, **more: Any) -> list[str]:
        self.number += 1
        self.at_ms += MINUTE
        body = more.get("body")
        if body is not None:
            self._body_number = self.number
            more["body_hash"] = hashlib.blake2b(body, digest_size=8).hexdigest()
        seen = Seen(
            **{
                "feed_id": "valley",
                "owner": self.owner,
                "number": self.number,
                "snapshot_id": snapshot_id("valley", self.owner, self.number),
                "fetched_at_ms": self.at_ms,
                "definition": self.definition,
                "name": str(self.number),
                "parser": "1",
                **more,
            }
        )
        self.last = diff(decode_state(self.state) if self.state else None, seen)
        self.state = encode_state(self.last.state)
        self.events += self.last.events
        return [event.op for event in self.last.events]

    @property
    def told(self) -> list[EntryEvent]:
        """The events of the last poll."""
        assert self.last is not None
        return self.last.events

    @property
    def remembered(self) -> FeedState:
        assert self.state is not None
        return decode_state(self.state)
