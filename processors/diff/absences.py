"""The absences of a feed, poll by poll: which are pending, which are told, which were roll-off."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from processors.diff.absence import SPAN_SLACK_MS, Present, again_absent, due, is_burst, judge_absence
from processors.diff.pairs import article_numbers
from wirewatch.events import Evidence
from wirewatch.times import format_duration, format_ms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from processors.diff.events import Teller
    from processors.diff.memory import Head, Known
    from processors.diff.model import Seen
    from wirewatch.events import Listing


def newly_absent(
    before: Sequence[Known],
    present: Sequence[Known],
    matched: set[str],
    *,
    listing: Listing,
    seen: Seen,
    latest_ms: int = 0,
    sightings: int = 1,
) -> list[Known]:
    """The entries of the snapshot before that this one does not show, each with its cause or none.

    ``matched`` are the ids that it does show. ``sightings`` is how often the body was seen already. ``latest_ms`` is
    the latest time at which any snapshot of the feed was fetched.
    """
    shown = Present(present)
    moved = moved_away(before, present, matched)
    places = [i for i, known in enumerate(before) if known.entry_id in matched]
    first, last = (places[0], places[-1]) if places else (0, -1)
    if listing == "window" and not places and _another_page(before, present):
        listing = "auto"
    # fetched by a clock that is behind an earlier one: every age is too low by it, and roll-off would look like more
    behind = latest_ms - seen.fetched_at_ms > SPAN_SLACK_MS
    span_ms = None if behind else seen.definition.span_ms
    absent = []
    for i, known in enumerate(before):
        if known.entry_id in matched:
            continue
        judged = judge_absence(
            known,
            present=shown,
            between=first < i < last,
            # it stands there under another URL: nothing was taken away
            listing="auto" if known.entry_id in moved else listing,
            span_ms=span_ms,
            seen=seen,
        )
        absent.append(msgspec.structs.replace(judged, absent=sightings))
    return absent


def moved_away(before: Sequence[Known], present: Sequence[Known], matched: set[str]) -> set[str]:
    """Those not shown whose article number stands in one new entry's URL, under another slug, and nowhere else.

    They are two entries by their ids or URLs, but the one that went was not withdrawn.
    """
    here = {known.entry_id for known in before}
    gone = [known for known in before if known.entry_id not in matched and known.url_key]
    new = [known for known in present if known.entry_id not in here and known.url_key]
    if not gone or not new:
        return set()
    counts = Counter(
        n for k in {k.entry_id: k for k in (*before, *present)}.values() for n in article_numbers(k.url_key)
    )
    numbers = {n for known in new for n in article_numbers(known.url_key) if counts[n] == 2}
    return {known.entry_id for known in gone if numbers & article_numbers(known.url_key)}


def _another_page(before: Sequence[Known], present: Sequence[Known]) -> bool:
    """Whether all that is shown is older than all that was: an earlier page of the list, which says nothing of this."""
    were = [k.published_ms for k in before if k.published_ms is not None]
    are = [k.published_ms for k in present if k.published_ms is not None]
    return bool(were and are) and max(are) < min(were)


def with_bursts(head: Head, pending: list[Known], still: Sequence[Known], before: int) -> tuple[Head, list[Known]]:
    """Mark new absences that are a burst; a burst that is held already goes on counting its own polls."""
    if is_burst(len(pending), before):
        held = any(known.burst for known in still)
        head = head if held else msgspec.structs.replace(head, burst_polls=0, burst_before=before)
        pending = [msgspec.structs.replace(known, burst=True) for known in pending]
    return head, pending


def still_absent(head: Head, missing: Sequence[Known], seen: Seen) -> tuple[Head, list[Known]]:
    """Pending absences after one more good poll that does not show them."""
    if any(known.burst for known in missing):
        head = msgspec.structs.replace(head, burst_polls=head.burst_polls + 1)
    return head, [again_absent(known, seen) for known in missing]


def tell_due(head: Head, missing: Sequence[Known], *, teller: Teller, seen: Seen) -> tuple[list[Known], list[Known]]:
    """Tell the withdrawals that are due: ``(still pending, told)``."""
    in_burst = sum(1 for known in missing if known.burst)
    over = not is_burst(in_burst, head.burst_before)
    pending, told = [], []
    for known in missing:
        if not due(known, seen.definition.withdraw_after, burst_polls=head.burst_polls, burst_over=over):
            pending.append(known)
            continue
        held = head.burst_polls if known.burst else 0
        told.append(teller.entry_event("withdrawn", known, evidence=_evidence(known, seen, held=held)))
    return pending, told


def _evidence(known: Known, seen: Seen, *, held: int) -> Evidence:
    where = f"absent in {known.absent} good polls in a row"
    if known.cause == "full":
        kind, text = "absent-from-full-listing", f"{where} of a listing that shows all there is"
    elif known.cause == "span":
        span = format_duration(seen.definition.span_ms or 0)
        kind, text = "absent-within-span", f"{where}, younger than the {span} that this source shows"
    else:
        kind = "absent-while-older-present"
        count = f"{len(known.older)} or more older entries were" if known.older else "its neighbours on both sides were"
        text = f"{where}, while {count} still there"
    return Evidence(
        kind,
        text + (f"; held back for {held} polls because many went at once" if held else ""),
        list(dict.fromkeys(known.absent_in)),
        older_present=list(known.older),
        since=format_ms(known.since_ms),
        held=held,
    )
