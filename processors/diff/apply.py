"""A good body: what it shows against what is known, told event by event, and the state after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from processors.diff.absences import newly_absent, still_absent, tell_due, with_bursts
from processors.diff.changes import describe_changes
from processors.diff.entries import arrival, first_sight, refreshed
from processors.diff.events import Teller, content_of
from processors.diff.facts import says_nothing
from processors.diff.identity import MAX_ENTRIES, Matching, match_entries
from processors.diff.lead import diff_lead
from processors.diff.listing import listing_in_force, observe_listing
from processors.diff.memory import Head, Known, Window, archived
from processors.diff.model import Diffed, Seen, Verdict
from processors.diff.page_checks import ask_pages
from processors.diff.rhythm import ask_rhythm, ask_stillness
from processors.diff.state import FeedState
from processors.diff.verdict import HISTORY
from processors.diff.volatile import observe_changes, same_but_volatile
from processors.diff.wording import visible
from wirewatch.events import Change, Evidence
from wirewatch.times import format_ms

if TYPE_CHECKING:
    from processors.diff.volatile import Texts
    from processors.parse.model import ParsedEntry, ParsedFeed
    from wirewatch.events import Listing


class Picture:
    """One good body at work: what was known, what it shows, and what has been told so far."""

    def __init__(self, state: FeedState, seen: Seen, parsed: ParsedFeed) -> None:
        self.state = state
        self.seen = seen
        self.parsed = parsed
        self.head = state.head
        self.before = state.window
        self.first = self.head.bodies == 0
        self.entries: list[ParsedEntry] = [e for e in parsed.entries if not e.deleted and not says_nothing(e)][
            :MAX_ENTRIES
        ]
        self.teller = Teller(self.head, seen, language=parsed.language)
        self.listing: Listing = listing_in_force(seen.definition.listing, self.head.listing)
        known = (*self.before.present, *self.before.missing)
        self.matching: Matching = match_entries(self.entries, known, lambda: state.archive.left)
        self.present: list[Known] = []
        self.texts: list[tuple[str, Texts, Texts]] = []
        self.edits = 0
        self.notes: list[str] = []

    @property
    def shared(self) -> bool:
        """Whether any entry is known, or had its id taken by another."""
        return any(k is not None for k in self.matching.known) or bool(self.matching.ended)

    @property
    def gap(self) -> bool:
        """Nothing in common with the snapshot before, all entries new; a full listing misses none."""
        return bool(self.before.present and self.matching.known) and not self.shared and self.listing != "full"

    def links(self) -> tuple[list[str | None], list[str | None]]:
        """Where the entries led before, and where those shown now lead."""
        return [k.url_key for k in self.before.present], [f.url_key for f in self.matching.facts]

    @property
    def nearly_missed(self) -> bool:
        """More than half of it is new: at the next such step entries may pass unseen."""
        known = self.matching.known
        return self.listing != "full" and bool(self.before.present) and 2 * known.count(None) > len(known)


def apply_good(picture: Picture, *, digest: str, verdict: Verdict, sightings: int = 1) -> Diffed:
    """The events of a good body that is not a repeat. ``sightings``: how often it was seen before it was believed."""
    state, seen = picture.state, picture.seen
    tell_recovery(picture.teller, picture.head, seen)
    if picture.gap:
        _tell_gap(picture)
    _tell_present(picture)
    told_gone = _tell_tombstones(picture)
    head, missing, leaving, told, absent = _tell_absences(picture, sightings, told_gone)
    lead = diff_lead(
        picture.before.lead,
        picture.parsed,
        picture.present,
        teller=picture.teller,
        seen=seen,
        volatile=head.volatile.learned,
    )
    head, requests = ask_pages(head, [k for k in leaving if not k.withdrawn], listing=picture.listing, seen=seen)
    requests = [*requests, *ask_rhythm(picture.parsed, picture.seen, nearly_missed=picture.nearly_missed)]
    head = _learned(head, picture, absent)
    head, stillness = ask_stillness(head, seen, picture.teller.events)
    requests += stillness
    head = _advanced(head, picture, digest, missing)
    leaving = [*leaving, *told, *(msgspec.structs.replace(k, unique_id=False) for k in picture.matching.ended)]
    back = {k.entry_id for k in picture.matching.known if k is not None} if leaving or _from_archive(picture) else set()
    archive = archived(state.archive, leaving, back, head.bodies) if leaving or back else None
    window = Window(tuple(picture.present), tuple(missing), lead)
    if picture.matching.scheme_changed:
        picture.notes.append("the source changed its whole id scheme; its entries were known by their contents")
    after = state.with_head(head).with_memory(window=window, archive=archive, body=seen.body)
    return Diffed(after, picture.teller.events, requests, verdict, notes=(*picture.notes, *picture.parsed.notes))


def _from_archive(picture: Picture) -> bool:
    here = {k.entry_id for k in (*picture.before.present, *picture.before.missing)}
    return any(k is not None and k.entry_id not in here for k in picture.matching.known)


def tell_recovery(teller: Teller, head: Head, seen: Seen) -> None:
    """Say once that a source that erred is good again."""
    if head.erring is None:
        return
    since = format_ms(head.erring_since_ms)
    text = f"good again after {head.erring}"
    teller.feed_event("source-recovered", Evidence("recovered", text, [seen.snapshot_id], since=since))


def _tell_gap(picture: Picture) -> None:
    before = picture.head.good_at_ms
    text = "nothing in common with the snapshot before: entries between the two may have been missed"
    snapshots = [s for s in (picture.head.good_snapshot_id, picture.seen.snapshot_id) if s]
    evidence = Evidence("nothing-in-common", text, snapshots, since=format_ms(before) if before is not None else None)
    picture.teller.feed_event("gap", evidence)


def _tell_present(picture: Picture) -> None:
    """What is new, edited or back; in order of time where the source lists the newest first."""
    facts, known = picture.matching.facts, picture.matching.known
    order = range(len(facts))
    times = [f.entry.published_ms for f in facts if f.entry.published_ms is not None]
    newest_first = len(times) < 2 or times[0] >= times[-1]
    taken: set[str] = set()
    if any(k is None for k in known):
        kept = (*picture.before.present, *picture.before.missing, *picture.state.archive.left)
        taken = {k.entry_id for k in kept}
    oldest = min((t for k in picture.before.present if (t := k.told_published_ms) is not None), default=None)
    shown: list[Known | None] = [None] * len(facts)
    for i in reversed(order) if newest_first else order:
        k = known[i]
        shown[i] = _tell_new(picture, i, taken, oldest) if k is None else _tell_known(picture, i, k)
    picture.present = [k for k in shown if k is not None]


def _tell_new(picture: Picture, i: int, taken: set[str], oldest: int | None) -> Known:
    seen, fact = picture.seen, picture.matching.facts[i]
    fresh = first_sight(fact, seen.feed_id, taken, seen)
    if picture.first:
        evidence = Evidence("first-snapshot", "there when the source was first seen", [seen.snapshot_id])
        return picture.teller.entry_event("baseline", fresh, evidence=evidence, position=i)
    op, flags, evidence = arrival(fresh, picture.head, oldest_before=oldest, listing=picture.listing, seen=seen)
    if picture.gap:
        flags = [*flags, "after-gap"]
    if i in picture.matching.fresh:
        flags = [*flags, "id-reused"]
    return picture.teller.entry_event(op, fresh, evidence=evidence, position=i, flags=flags)


def _tell_known(picture: Picture, i: int, known: Known) -> Known:
    seen, fact = picture.seen, picture.matching.facts[i]
    now = refreshed(known, fact, seen)
    changed = known.content != now.content
    if changed and known.entry is not None:
        now, changed = _without_ignored(picture, known, now)
    _observe_edit(picture, known, now, changed=changed)
    if not changed and not known.withdrawn:
        return now
    changes: list[Change] = []
    if changed and known.entry is not None and now.entry is not None:
        before, after = _texts(known.entry), _texts(now.entry)
        silent = same_but_volatile(before, after, picture.head.volatile.learned)
        if silent and not known.withdrawn:
            return now
        changes = [] if silent else describe_changes(*_told_texts(known.entry, now.entry), _language(now.entry))
    if known.withdrawn:
        return _tell_restored(picture, i, now, changes)
    text = (
        "the visible text changed" if changes else "the text changed since it was last seen; the one before is not kept"
    )
    evidence = Evidence("content-changed", text, [seen.snapshot_id])
    return picture.teller.entry_event("updated", now, evidence=evidence, position=i, changes=changes)


def _tell_restored(picture: Picture, i: int, now: Known, changes: list[Change]) -> Known:
    evidence = Evidence("back", "an entry that was withdrawn is there again", [picture.seen.snapshot_id])
    return picture.teller.entry_event("restored", now, evidence=evidence, position=i, changes=changes)


def _language(entry: ParsedEntry) -> str | None:
    return entry.language.lower().partition("-")[0] if entry.language else None


def _texts(entry: ParsedEntry) -> tuple[str, str]:
    return visible(entry.headline), visible(entry.body)


def _told_texts(old: ParsedEntry, new: ParsedEntry) -> tuple[tuple[str, str], tuple[str, str]]:
    """The texts whose change is told: a field that differs in white space only is left as it was."""
    headline = old.headline if visible(old.headline) == visible(new.headline) else new.headline
    body = old.body if visible(old.body) == visible(new.body) else new.body
    return (old.headline, old.body), (headline, body)


def _without_ignored(picture: Picture, known: Known, now: Known) -> tuple[Known, bool]:
    """Fields that the owner named in ``ignore`` ride along without being an edit."""
    definition = picture.seen.definition
    paths = definition.json or definition.html
    if not definition.ignore or paths is None or known.entry is None or now.entry is None:
        return now, True
    compared = msgspec.structs.replace(
        now.entry,
        headline=known.entry.headline if paths.headline in definition.ignore else now.entry.headline,
        body=known.entry.body if paths.body in definition.ignore else now.entry.body,
    )
    return now, content_of(compared) != known.content


def _observe_edit(picture: Picture, known: Known, now: Known, *, changed: bool) -> None:
    """For learning what is volatile: any change of what the source holds, and what texts changed with it."""
    old, new = known.entry, now.entry
    if old is None or new is None or known.absent:
        return
    # a page's markup changes with every build; what a feed or a list holds changes for a reason
    raw = picture.parsed.kind not in {"html", "live-page", "text"} and old.raw_hash != new.raw_hash
    if changed:
        picture.texts.append((known.entry_id, _texts(old), _texts(new)))
    picture.edits += changed or raw


def _tell_tombstones(picture: Picture) -> list[Known]:
    """Entries that the source itself says are deleted."""
    stones = [e for e in picture.parsed.entries if e.deleted]
    if not stones:
        return []
    ids = {e.native_id for e in stones if e.native_id}
    matched = {k.entry_id for k in picture.matching.known if k is not None}
    told = []
    for known in (*picture.before.present, *picture.before.missing, *picture.state.archive.left):
        if known.native_id in ids and known.entry_id not in matched and not known.withdrawn:
            evidence = Evidence("tombstone", "the source says that it was deleted", [picture.seen.snapshot_id])
            told.append(picture.teller.entry_event("withdrawn", known, evidence=evidence))
    return told


def _tell_absences(
    picture: Picture, sightings: int, told_gone: list[Known]
) -> tuple[Head, list[Known], list[Known], list[Known], list[Known]]:
    """``(head, still missing, rolled off, told as withdrawn, newly absent)``."""
    matched = {k.entry_id for k in (*picture.matching.known, *picture.matching.ended, *told_gone) if k is not None}
    head, still = still_absent(
        picture.head, [k for k in picture.before.missing if k.entry_id not in matched], picture.seen
    )
    absent = newly_absent(
        picture.before.present,
        picture.present,
        matched,
        listing=picture.listing,
        seen=picture.seen,
        latest_ms=picture.head.last_at_ms,
        sightings=sightings,
    )
    pending = [k for k in absent if k.cause]
    head, pending = with_bursts(head, pending, still, len(picture.before.present))
    if sightings > 1:
        head = msgspec.structs.replace(head, burst_polls=max(head.burst_polls, sightings - 1))
    missing, told = tell_due(head, [*still, *pending], teller=picture.teller, seen=picture.seen)
    return head, missing, [k for k in absent if not k.cause], [*told_gone, *told], absent


def _learned(head: Head, picture: Picture, absent: list[Known]) -> Head:
    """What this body adds to what is known of the source's listing and of volatile texts."""
    returned = sum(1 for k in picture.matching.known if k is not None and (k.absent or k.left_at))
    hint = picture.parsed.listing_hint
    if hint == "auto" and picture.parsed.kind in {"live-page", "text"}:
        # a live page shows its entries in order of time, all of them or the newest
        hint = "window"
    listing = observe_listing(head.listing, picture.entries, absent, returned=returned, hint=hint)
    held = [_texts(e) for e in picture.entries] if picture.texts else []
    volatile = observe_changes(head.volatile, picture.texts, edits=picture.edits, body=head.bodies, held=held)
    if volatile.learned != head.volatile.learned:
        picture.notes.append(f"volatile now: {', '.join(volatile.learned) or 'nothing'}")
    return msgspec.structs.replace(head, listing=listing, volatile=volatile)


def _advanced(head: Head, picture: Picture, digest: str, missing: list[Known]) -> Head:
    seen, parsed = picture.seen, picture.parsed
    times = [t for k in picture.present if (t := k.told_published_ms) is not None]
    newest = max([*times, *([head.newest_ms] if head.newest_ms is not None else [])], default=None)
    history = (*head.history, (head.good_hash, head.good_digest))[-HISTORY:] if head.good_hash else ()
    updated = parsed.updated_ms if parsed.updated_ms is not None else head.updated_ms
    head = msgspec.structs.replace(
        head,
        parser=seen.parser,
        definition=seen.definition,
        body_good=True,
        good_hash=seen.body_hash or head.body_hash,
        good_digest=digest,
        good_at_ms=seen.fetched_at_ms,
        good_snapshot_id=seen.snapshot_id,
        bodies=head.bodies + 1,
        entries=len(picture.entries),
        dated=sum(1 for e in picture.entries if e.published_ms is not None),
        headed=sum(1 for e in picture.entries if e.headline),
        kind=parsed.kind,
        updated_ms=updated,
        erring=None,
        history=history,
        stale_seen=0,
        stale_body=b"",
        stales=0,
        doubts=0,
        bad_bodies=0,
        pending=len(missing),
        newest_ms=newest,
    )
    return picture.teller.counted(head)
