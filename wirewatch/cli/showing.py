"""Parsed entries and feeds as they are printed: the same shapes as in events."""

from __future__ import annotations

from typing import Any

from processors.diff.events import content_of, entry_of, told_time
from processors.diff.memory import Known
from processors.diff.model import Seen
from processors.parse.model import ParsedEntry, ParsedFeed
from wirewatch.events import Entry, ParseDefinition


def shown_entry(parsed: ParsedEntry, definition: ParseDefinition, now_ms: int, *, language: str | None) -> Entry:
    """An entry just parsed, as its first event would carry it."""
    known = Known(
        entry_id="",
        native_id=parsed.native_id,
        url_key=None,
        headline_key="",
        published_ms=parsed.published_ms,
        told_published_ms=parsed.published_ms,
        revision=0,
        event_id="",
        first_seen_ms=now_ms,
        content=content_of(parsed),
        entry=parsed,
        unique_id=False,
    )
    seen = Seen(
        feed_id="",
        owner=0,
        number=1,
        snapshot_id="",
        fetched_at_ms=now_ms,
        definition=definition,
        name="",
    )
    return entry_of(known, seen, position=None, withdrawn=False, language=language)


def shown_feed(parsed: ParsedFeed) -> dict[str, Any]:
    """A feed's own line: its kind, and its title, label, summary and body."""
    return {
        "feed": {
            "kind": parsed.kind,
            "title": parsed.title,
            "label": parsed.label,
            "summary": parsed.summary,
            "body": parsed.body,
            "url": parsed.url,
            "language": parsed.language,
            "updated": told_time(parsed.updated_ms),
            "listing": parsed.listing_hint,
            "section": parsed.section,
        }
    }
