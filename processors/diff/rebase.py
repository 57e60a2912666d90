"""The last body, read again under another parser or definition: taken over in silence."""

from __future__ import annotations

import msgspec

from processors.diff.apply import Picture
from processors.diff.entries import first_sight, refreshed
from processors.diff.lead import diff_lead
from processors.diff.memory import Known, ListingSeen, VolatileSeen, Window, archived
from processors.diff.model import Diffed, Seen, Verdict
from processors.diff.state import FeedState
from processors.diff.verdict import digest_of
from wirewatch.events import Evidence


def rebase(state: FeedState, seen: Seen) -> Diffed:
    """Take over ``seen.parsed`` as what the last good body shows: known entries keep their ids and say nothing.

    What cannot be matched is told as ``baseline``, which never alerts; what is no longer read leaves silently. What
    was learned from texts and order starts anew, because it was learned through other eyes.
    """
    assert seen.parsed is not None
    picture = Picture(state, seen, seen.parsed)
    matching, teller = picture.matching, picture.teller
    archive = state.archive
    taken = {k.entry_id for k in (*picture.before.present, *picture.before.missing, *archive.left)}
    evidence = Evidence("another-reading", "first read by another parser or definition", [seen.snapshot_id])
    present: list[Known] = []
    for i, fact in enumerate(matching.facts):
        known = matching.known[i]
        if known is not None:
            present.append(refreshed(known, fact, seen))
        else:
            fresh = first_sight(fact, seen.feed_id, taken, seen)
            present.append(teller.entry_event("baseline", fresh, evidence=evidence, position=i))
    here = {k.entry_id for k in present}
    leaving = [k for k in picture.before.present if k.entry_id not in here]
    missing = tuple(k for k in picture.before.missing if k.entry_id not in here)
    lead = diff_lead(picture.before.lead, seen.parsed, present, teller=teller, seen=seen, volatile=(), quiet=True)
    head = msgspec.structs.replace(
        state.head,
        parser=seen.parser,
        definition=seen.definition,
        good_digest=digest_of(seen.parsed),
        entries=len(picture.entries),
        dated=sum(1 for e in picture.entries if e.published_ms is not None),
        headed=sum(1 for e in picture.entries if e.headline),
        kind=seen.parsed.kind,
        history=(),
        pending=len(missing),
        listing=ListingSeen(),
        volatile=VolatileSeen(),
    )
    after = state.with_head(teller.counted(head)).with_memory(
        window=Window(tuple(present), missing, lead), archive=archived(archive, leaving, here, head.bodies)
    )
    note = f"read again under parser {seen.parser}: {len(present)} entries, {len(teller.events)} not known before"
    return Diffed(after, teller.events, [], Verdict("good"), notes=(note,))
