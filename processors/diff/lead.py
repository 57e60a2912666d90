"""A live page's own headline and summary: an entry of its own, one a feed, never withdrawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from processors.diff.changes import describe_changes
from processors.diff.events import content_of
from processors.diff.memory import Known
from processors.diff.volatile import same_but_volatile
from processors.diff.wording import headline_key
from processors.parse.model import ParsedEntry
from wirewatch import identity
from wirewatch.events import Evidence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from processors.diff.events import Teller
    from processors.diff.model import Seen
    from processors.parse.model import ParsedFeed


def lead_entry(parsed: ParsedFeed) -> ParsedEntry | None:
    """The page's lead as an entry; None where it has none."""
    if not parsed.has_lead or not parsed.title.strip():
        return None
    return ParsedEntry(
        native_id=None,
        headline=parsed.title,
        body=parsed.summary or parsed.body,
        html=parsed.html,
        url=parsed.url,
        label=parsed.label,
        updated_ms=parsed.updated_ms,
        media=parsed.lead_media,
        language=parsed.language,
        section=parsed.section,
    )


def diff_lead(
    known: Known | None,
    parsed: ParsedFeed,
    present: Sequence[Known],
    *,
    teller: Teller,
    seen: Seen,
    volatile: Sequence[str],
    quiet: bool = False,
) -> Known | None:
    """The lead after this snapshot; told as ``baseline`` at first and then as ``updated``.

    ``quiet`` takes the text over without a word, for another parser's reading of the same page.
    """
    entry = lead_entry(parsed)
    if entry is None:
        return known
    key = headline_key(entry.headline)
    same_as = next((k.entry_id for k in present if k.headline_key == key), None)
    if known is None:
        lead = Known(
            entry_id=identity.entry_id(seen.feed_id, "lead"),
            native_id=None,
            url_key=None,
            headline_key=key,
            published_ms=None,
            told_published_ms=None,
            revision=0,
            event_id="",
            first_seen_ms=seen.fetched_at_ms,
            content=content_of(entry),
            entry=entry,
        )
        text = "the page's own headline and summary when it was first seen"
        evidence = Evidence("first-seen", text, [seen.snapshot_id])
        return teller.entry_event("baseline", lead, evidence=evidence, subject="lead", same_as=same_as)
    old = known.entry
    lead = msgspec.structs.replace(known, entry=entry, headline_key=key, content=content_of(entry))
    if old is None or quiet or known.content == lead.content:
        return lead
    before, after = (old.headline, old.body), (entry.headline, entry.body)
    if same_but_volatile(before, after, volatile):
        return lead
    evidence = Evidence("content-changed", "the page's own headline or summary changed", [seen.snapshot_id])
    changes = describe_changes(before, after)
    return teller.entry_event("updated", lead, evidence=evidence, changes=changes, subject="lead", same_as=same_as)
