"""What of an event goes into an alert, cut to size: an alert must always fit into a record and a webhook's body."""

from __future__ import annotations

from typing import Final, TypeVar

import msgspec

from wirewatch.events import AlertEntry, AlertEvent, Change, Enrichment, EntryEvent, Evidence

T = TypeVar("T")
BODY: Final = 2_000
TEXT: Final = 4_000
"""Longest text before or after a change; one that is longer was cut and ends with an ellipsis."""
_DIFF_PIECES: Final = 60
_DIFF_PIECE: Final = 600
_ITEMS: Final = 100


def cut(text: str, limit: int) -> str:
    """The text, or its beginning with an ellipsis where it is longer than ``limit``."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _items(values: list[T]) -> list[T]:
    return values[:_ITEMS]


def _change(change: Change) -> Change:
    return msgspec.structs.replace(
        change,
        before=cut(change.before, TEXT),
        after=cut(change.after, TEXT),
        diff=[(sign, cut(piece, _DIFF_PIECE)) for sign, piece in change.diff[:_DIFF_PIECES]],
    )


def _evidence(evidence: Evidence) -> Evidence:
    return msgspec.structs.replace(
        evidence,
        text=cut(evidence.text, TEXT),
        snapshots=_items(evidence.snapshots),
        older_present=_items(evidence.older_present),
    )


def alert_event(event: EntryEvent) -> AlertEvent:
    """The event behind an alert."""
    return AlertEvent(
        id=event.id,
        seq=event.seq,
        op=event.op,
        feed_id=event.feed_id,
        entry_id=event.entry_id,
        revision=event.revision,
        changes=[_change(change) for change in event.changes],
        evidence=_evidence(event.evidence),
    )


def alert_entry(event: EntryEvent) -> AlertEntry | None:
    """The entry as an alert shows it; None for feed events."""
    entry = event.entry
    if entry is None:
        return None
    known = event.enrichment or Enrichment(version="0")
    return AlertEntry(
        headline=cut(entry.headline, TEXT),
        body=entry.body[:BODY],
        form=entry.form,
        link=entry.link,
        page=entry.page,
        published=entry.published,
        published_precision=entry.published_precision,
        hedge=known.hedge,
        attribution=_items(known.attribution),
        figures=_items(known.figures),
        places=[msgspec.structs.replace(place, spans=_items(place.spans)) for place in _items(known.places)],
        dateline=known.dateline,
        language=entry.language,
    )
