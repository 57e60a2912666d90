"""Looking at an entry's own page: asked for politely, believed when it was gone twice."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from processors.diff.events import Teller
from processors.diff.memory import Head, Known, Window, archived
from processors.diff.model import Diffed, Seen, Verdict
from processors.diff.state import FeedState
from processors.diff.wording import short_hash
from wirewatch.events import Evidence, FetchRequest
from wirewatch.times import format_ms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wirewatch.events import Listing

PER_HOUR = 5
_HOUR_MS = 3_600_000
GONE = frozenset({404, 410})
TIMES = 2
_VERDICT = Verdict("page-check")


def ask_pages(
    head: Head, left: Sequence[Known], *, listing: Listing, seen: Seen, again: int = 0
) -> tuple[Head, list[FetchRequest]]:
    """Requests to look at the pages of entries that left a curated list; at most `PER_HOUR`, same site only."""
    if listing != "curated":
        return head, []
    asked = [t for t in head.page_asked_ms if t > seen.fetched_at_ms - _HOUR_MS]
    requests = []
    for known in left:
        url = known.entry.url if known.entry is not None else None
        if url is None or not _same_site(url, seen.definition.url) or len(asked) >= PER_HOUR:
            continue
        asked.append(seen.fetched_at_ms)
        requests.append(
            FetchRequest(
                id="fr_"
                + short_hash(f"{seen.feed_id}\0{known.entry_id}\0{known.revision}\0{again}\0{seen.snapshot_id}"),
                feed_id=seen.feed_id,
                kind="page-check",
                reason="it left a curated list; is its own page still there?",
                time=format_ms(seen.fetched_at_ms),
                entry_id=known.entry_id,
                url=url,
            )
        )
    return (msgspec.structs.replace(head, page_asked_ms=tuple(asked)) if requests else head), requests


def _same_site(url: str, feed_url: str) -> bool:
    """The same host, or one below the other's registered-looking name (``feeds.example.org`` and ``example.org``)."""
    one, other = ((urlsplit(u).hostname or "").removeprefix("www.") for u in (url, feed_url))
    return bool(one and other) and (one == other or one.endswith("." + other) or other.endswith("." + one))


def page_checked(state: FeedState, seen: Seen) -> Diffed:
    """What an entry's own page answered. Anything but gone clears what was held against it."""
    window = state.window
    if seen.entry_id is None or any(k.entry_id == seen.entry_id for k in window.present):
        return Diffed(state, [], [], _VERDICT)
    missing = next((k for k in window.missing if k.entry_id == seen.entry_id), None)
    known = missing or next((k for k in state.archive.left if k.entry_id == seen.entry_id), None)
    if known is None or known.withdrawn:
        return Diffed(state, [], [], _VERDICT)
    gone = (*known.page_gone, seen.snapshot_id) if seen.status in GONE else ()
    known = msgspec.structs.replace(known, page_gone=gone)
    head, teller = state.head, Teller(state.head, seen)
    requests: list[FetchRequest] = []
    if len(gone) >= TIMES:
        text = f"its own page answered {seen.status}, {len(gone)} times in a row"
        since = format_ms(known.since_ms) if known.since_ms else None
        evidence = Evidence("page-gone", text, list(gone), since=since, http_status=seen.status)
        known = teller.entry_event("withdrawn", known, evidence=evidence)
    elif gone:
        head, requests = ask_pages(head, [known], listing="curated", seen=seen, again=len(gone))
    left = [k for k in window.missing if k.entry_id != known.entry_id]
    if missing is not None and not known.withdrawn:
        left.append(known)
        after = state.with_memory(window=Window(window.present, tuple(left), window.lead))
    else:
        archive = archived(state.archive, [known], {known.entry_id}, head.bodies)
        after = state.with_memory(window=Window(window.present, tuple(left), window.lead), archive=archive)
    head = teller.counted(msgspec.structs.replace(head, pending=len(left)))
    return Diffed(after.with_head(head), teller.events, requests, _VERDICT)
