"""Entries as JSON lines held against searches as JSON lines: what ``wirewatch match`` does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec
from msgspec import Struct

from wirewatch.errors import BadInput
from wirewatch.events import Entry, EntryEvent
from wirewatch.query.evaluate import MatchContext
from wirewatch.query.index import QueryIndex
from wirewatch.query.maxima import NOTHING_SAID, FeedMaxima
from wirewatch.query.parser import parse_query

_ENTRY_DEFAULTS: dict[str, Any] = {
    "native_id": None, "url": None, "link": None, "page": None, "headline": "", "label": None, "body": "", "html": "",
    "form": "text", "published": None, "published_precision": "none", "published_from": "source",
    "published_raw": None, "updated": None, "status": "current", "position": None, "pinned": False,
    "key_event": False, "authors": [], "tags": [], "section": None, "media": [], "links": [], "language": None,
    "truncated": False, "content_hash": "",
}  # fmt: skip
_EVENT_DEFAULTS: dict[str, Any] = {
    "id": "", "seq": 0, "op": "created", "subject": "entry", "feed_id": "", "entry_id": None, "native_id": None,
    "revision": 1, "previous_event_id": None, "restores_event_id": None, "same_as": None, "snapshot": "",
    "snapshot_id": "", "previous_snapshot_id": None, "time": "", "not_before": None, "first_seen": None,
    "headline": "", "url": None, "published": None, "grade": "normal", "flags": [], "changes": [],
    "evidence": {"kind": "", "text": "", "snapshots": []}, "entry": None, "enrichment": None,
}  # fmt: skip


class LineMatch(Struct, frozen=True):
    """The searches that match one line; ``line`` counts from 1. A bare entry has neither id."""

    line: int
    entry_id: str | None
    id: str | None
    searches: list[str]


class _Search(Struct, frozen=True):
    id: str
    query: str


def read_searches(lines: Iterable[bytes | str]) -> list[tuple[str, str]]:
    """``{"id", "query"}`` lines as pairs; empty lines are skipped. `BadInput` names the line."""
    found: list[tuple[str, str]] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            search = msgspec.json.decode(line, type=_Search)
        except (msgspec.MsgspecError, UnicodeError) as error:
            raise BadInput(f'searches, line {number}: expected {{"id": ..., "query": ...}}: {error}') from error
        found.append((search.id, search.query))
    return found


def read_event_line(line: bytes | str) -> EntryEvent | None:
    """An event, or a bare entry as an event of its own; None for a feed's own line and an empty one.

    Fields that are missing are taken as unknown. Raises `BadInput` where the line is neither.
    """
    if not line.strip():
        return None
    try:
        raw = msgspec.json.decode(line)
        if not isinstance(raw, dict):
            raise BadInput("expected a JSON object: an event or its entry part", reason="bad-record")
        if set(raw) == {"feed"}:
            return None
        if "entry" not in raw and "op" not in raw:
            raw = {"headline": raw.get("headline") or "", "published": raw.get("published"), "entry": raw}
        event = _EVENT_DEFAULTS | raw
        if isinstance(event["entry"], dict):
            event["entry"] = _entry_from(event["entry"])
        return msgspec.convert(event, EntryEvent)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise BadInput(f"not an event and not an entry: {error}", reason="bad-record") from error


def _entry_from(raw: dict[str, Any]) -> Entry:
    entry = _ENTRY_DEFAULTS | raw
    if "form" not in raw and not entry["body"]:
        entry["form"] = "headline-only"
    return msgspec.convert(entry, Entry)


def match_lines(
    lines: Iterable[bytes | str],
    searches: Iterable[tuple[str, str]],
    *,
    now_ms: int | None = None,
    enrich: Callable[[EntryEvent], EntryEvent] | None = None,
) -> Iterator[LineMatch]:
    """For each entry in order, the ids of the searches that match it, sorted.

    ``enrich`` reads figures and places out of events that carry no enrichment yet. ``now_ms`` None refuses
    relative times. Raises `QueryError` for a search that cannot be read, before any line is; `BadInput` with
    the line's number for a line that is neither event nor entry.
    """
    index = QueryIndex((search_id, parse_query(text, saved=now_ms is None)) for search_id, text in searches)
    maxima: dict[str, FeedMaxima] = {}
    for number, line in enumerate(lines, 1):
        try:
            event = read_event_line(line)
        except BadInput as error:
            raise BadInput(f"line {number}: {error}", reason=error.reason) from error
        if event is None:
            continue
        if enrich is not None and event.enrichment is None and event.entry is not None:
            event = enrich(event)
        said = maxima.get(event.feed_id, NOTHING_SAID)
        found = index.matching(event, MatchContext(now_ms=now_ms, maxima=said))
        maxima[event.feed_id] = said.after(event)
        yield LineMatch(number, event.entry_id, event.id or None, found)
