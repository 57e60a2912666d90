"""Building a feed's events: their counters, ids, evidence and the entry as it stands after them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

import msgspec

from processors.diff.changes import gravest
from processors.diff.wording import visible
from wirewatch import identity
from wirewatch.events import Change, Entry, EntryEvent, Evidence, Op
from wirewatch.times import format_ms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from processors.diff.memory import Head, Known
    from processors.diff.model import Seen
    from processors.parse.model import ParsedEntry

Flag = Literal["late", "after-gap", "id-reused"]
_FRAGMENT_WORDS = 8


def told_time(ms: int | None) -> str | None:
    """A time as events carry it; None where there is none that can be written."""
    if ms is None:
        return None
    try:
        return format_ms(ms)
    except (ValueError, OverflowError):
        return None


def content_of(entry: ParsedEntry) -> str:
    """The hash of an entry's visible text: equal means that no reader could tell a difference."""
    return identity.content_hash(visible(entry.headline), visible(entry.body))


class Teller:
    """The events of one snapshot in the making. ``seq`` goes on from the head; every id follows from its input."""

    def __init__(self, head: Head, seen: Seen, *, language: str | None = None) -> None:
        self.events: list[EntryEvent] = []
        self._seen = seen
        self._time = format_ms(seen.fetched_at_ms)
        self._not_before = told_time(head.good_at_ms)
        self._previous_snapshot = head.good_snapshot_id
        self._language = language
        self.seq = head.seq
        self.feed_revision = head.feed_revision
        self.feed_event_id = head.feed_event_id

    def entry_event(
        self,
        op: Op,
        known: Known,
        *,
        evidence: Evidence,
        position: int | None = None,
        changes: Sequence[Change] = (),
        flags: Sequence[Flag] = (),
        subject: Literal["entry", "lead"] = "entry",
        same_as: str | None = None,
    ) -> Known:
        """Tell an event of that entry; returns the entry with its revision and newest event raised."""
        revision = known.revision + 1
        seen = self._seen
        withdrawn = op == "withdrawn"
        entry = entry_of(known, seen, position=position, withdrawn=withdrawn, language=self._language)
        event_id = identity.event_id(seen.feed_id, known.entry_id, op, revision, known.content)
        self.seq += 1
        self.events.append(
            EntryEvent(
                id=event_id,
                seq=self.seq,
                op=op,
                subject=subject,
                feed_id=seen.feed_id,
                entry_id=known.entry_id,
                native_id=known.native_id,
                revision=revision,
                previous_event_id=known.event_id or None,
                restores_event_id=known.withdrawn_event_id if op == "restored" else None,
                same_as=same_as,
                snapshot=seen.name,
                snapshot_id=seen.snapshot_id,
                previous_snapshot_id=self._previous_snapshot,
                time=self._time,
                not_before=self._not_before,
                first_seen=told_time(known.first_seen_ms),
                headline=entry.headline,
                url=entry.url,
                published=entry.published,
                grade="major"
                if op in {"withdrawn", "restored"}
                else gravest(c.grade for c in changes)
                if changes
                else "normal",
                flags=list(flags),
                changes=list(changes),
                evidence=evidence,
                entry=entry,
            )
        )
        return msgspec.structs.replace(
            known,
            revision=revision,
            event_id=event_id,
            withdrawn_event_id=event_id if withdrawn else None if op == "restored" else known.withdrawn_event_id,
        )

    def feed_event(self, op: Literal["gap", "source-error", "source-recovered"], evidence: Evidence) -> None:
        """Tell what happened to the feed as a whole."""
        seen = self._seen
        self.seq += 1
        self.feed_revision += 1
        event_id = identity.event_id(seen.feed_id, None, op, self.feed_revision, "")
        self.events.append(
            EntryEvent(
                id=event_id,
                seq=self.seq,
                op=op,
                subject="feed",
                feed_id=seen.feed_id,
                entry_id=None,
                native_id=None,
                revision=self.feed_revision,
                previous_event_id=self.feed_event_id,
                restores_event_id=None,
                same_as=None,
                snapshot=seen.name,
                snapshot_id=seen.snapshot_id,
                previous_snapshot_id=self._previous_snapshot,
                time=self._time,
                not_before=self._not_before,
                first_seen=None,
                headline="",
                url=None,
                published=None,
                grade="normal",
                flags=[],
                changes=[],
                evidence=evidence,
                entry=None,
            )
        )
        self.feed_event_id = event_id

    def counted(self, head: Head) -> Head:
        """The head with the counters of what was told."""
        return msgspec.structs.replace(
            head, seq=self.seq, feed_revision=self.feed_revision, feed_event_id=self.feed_event_id
        )


def entry_of(known: Known, seen: Seen, *, position: int | None, withdrawn: bool, language: str | None = None) -> Entry:
    """The entry as an event carries it. One whose text is forgotten keeps its ids and hashes."""
    parsed = known.entry
    if parsed is None:
        return _forgotten(known, seen, withdrawn=withdrawn)
    clamped = known.told_published_ms != known.published_ms
    published = told_time(known.told_published_ms)
    return Entry(
        native_id=known.native_id,
        url=parsed.url,
        link=link_of(parsed, seen.definition.url),
        page=None,
        headline=parsed.headline,
        label=parsed.label,
        body=parsed.body,
        html=parsed.html,
        form="headline-only"
        if not parsed.body.strip() and not parsed.media
        else "text"
        if parsed.body.strip()
        else "media",
        published=published,
        published_precision="none" if published is None else "second" if clamped else parsed.published_precision,
        published_from="first-seen" if clamped else parsed.published_from,
        published_raw=parsed.published_raw,
        updated=told_time(parsed.updated_ms),
        status="withdrawn" if withdrawn else "current",
        position=parsed.position if position is None else position,
        pinned=parsed.pinned,
        key_event=parsed.key_event,
        authors=list(parsed.authors),
        tags=list(parsed.tags),
        section=parsed.section,
        media=list(parsed.media),
        links=list(parsed.links),
        language=parsed.language or language,
        truncated=parsed.truncated,
        content_hash=known.content,
    )


def _forgotten(known: Known, seen: Seen, *, withdrawn: bool) -> Entry:
    published = told_time(known.told_published_ms)
    return Entry(
        native_id=known.native_id,
        url=known.url_key,
        link=known.url_key or seen.definition.url,
        page=None,
        headline="",
        label=None,
        body="",
        html="",
        form="headline-only",
        published=published,
        published_precision="none" if published is None else "second",
        published_from="source",
        published_raw=None,
        updated=None,
        status="withdrawn" if withdrawn else "current",
        position=None,
        pinned=False,
        key_event=False,
        authors=[],
        tags=[],
        section=None,
        media=[],
        links=[],
        language=None,
        truncated=True,
        content_hash=known.content,
    )


def link_of(parsed: ParsedEntry, page_url: str) -> str | None:
    """The entry's own URL, else the page's with a text fragment that leads to the headline."""
    if parsed.url:
        return parsed.url
    if not page_url:
        return None
    words = visible(parsed.headline or parsed.body).split()[:_FRAGMENT_WORDS]
    if not words:
        return page_url
    # "-" and "," have a meaning of their own in a text fragment
    text = quote(" ".join(words), safe="").replace("-", "%2D")
    return f"{page_url.partition('#')[0]}#:~:text={text}"
