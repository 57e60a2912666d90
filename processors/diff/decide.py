"""The diff's entry point: which of its ways a record takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from processors.diff.absences import still_absent, tell_due
from processors.diff.apply import Picture, apply_good, tell_recovery
from processors.diff.earlier import earlier_state
from processors.diff.entries import first_sight
from processors.diff.events import Teller
from processors.diff.facts import says_nothing
from processors.diff.identity import MAX_ENTRIES, match_entries
from processors.diff.memory import Head, Window, archived
from processors.diff.model import Diffed, Reason, Seen, Verdict
from processors.diff.page_checks import page_checked
from processors.diff.state import FeedState, pack_body, unpack_body
from processors.diff.verdict import HOLD, another_site, decide_verdict, digest_of
from processors.diff.wording import short_hash
from wirewatch.events import Evidence, FetchRequest
from wirewatch.times import format_ms

if TYPE_CHECKING:
    from wirewatch.events import Feed, ParseDefinition  # noqa: F401 - Feed is named in a docstring

_ASKED_KEPT = 32
_EVENTS_BITS = 16
"""No snapshot brings as many events as these bits can count: it shows `MAX_ENTRIES` at most."""
_BAD_BODIES_ASKED = 3
"""An error page that differs each time must not make the poller ask for ever."""


def diff(state: FeedState | None, seen: Seen) -> Diffed:
    """Hold one record against what is known: the new state, the events, and what a poller is asked.

    Pure and deterministic. A bad body changes no entry; a repeat only advances pending absences. Raises
    `wirewatch.errors.BrokenStorage` where the state turns out damaged when it is looked into.
    """
    state = state or begun(seen.number)
    if seen.retried:
        return _add_late(state, seen)
    skipped = skip_reason(state.head, seen)
    if skipped is not None:
        return Diffed(state, [], [], Verdict("skipped"), skipped=skipped)
    latest_ms = max(state.head.last_at_ms, seen.fetched_at_ms)
    state = state.with_head(
        msgspec.structs.replace(state.head, owner=seen.owner, number=seen.number, last_at_ms=latest_ms)
    )
    if seen.kind == "page-check":
        return page_checked(state, seen)
    if seen.kind == "confirmation":
        return _confirmed(state, seen)
    return _body(state, seen)


def begun(number: int) -> FeedState:
    """What is known of a feed before the first record that is seen of it, which has that number.

    A higher one than the first says that there was more, and that what was known is lost. Events' numbers then go on
    above all that they can have had: an index that holds those would take the new events for old ones.
    """
    return FeedState().with_head(Head(seq=max(0, number - 1) << _EVENTS_BITS))


def skip_reason(head: Head, seen: Seen) -> str | None:
    """Why a record is passed over: an older poller's (``owner``), or applied already (``number``)."""
    if seen.owner < head.owner:
        return "owner"
    if seen.owner == head.owner and seen.number <= head.number:
        return "number"
    return None


def needs_parse(state: FeedState | None, seen: Seen) -> bool:
    """Whether the diff will look at the parsed body: not for repeats, confirmations and what is skipped."""
    head = (state or FeedState()).head
    if seen.kind == "page-check":
        return False
    if seen.retried:
        return seen.kind == "body"
    if skip_reason(head, seen) is not None:
        return False
    if _repeats(head, seen):
        return head.stale_seen >= HOLD and bool(seen.body or head.stale_body)
    return seen.kind == "body" and seen.body_hash != head.good_hash


def body_to_parse(state: FeedState | None, seen: Seen) -> bytes:
    """The body that `needs_parse` speaks of: the record's own, or one kept aside until it would be believed."""
    return seen.body if seen.body is not None else unpack_body((state or FeedState()).head.stale_body)


def _repeats(head: Head, seen: Seen) -> bool:
    if seen.kind == "confirmation":
        # two pollers may each have given this number to a body: what a frozen one published late is no base
        same = seen.body_hash in {"", head.body_hash}
        return same and seen.base is not None and head.body_from <= seen.base <= head.body_to
    return seen.body_hash == head.body_hash != ""


def _confirmed(state: FeedState, seen: Seen) -> Diffed:
    if _repeats(state.head, seen):
        return _repeat(state, seen)
    reason = Reason("unknown-base", 1.0, f"it confirms snapshot {seen.base}, which is not the last one known")
    head, requests = _ask(
        state.head, seen, f"base:{seen.owner}:{seen.base}", "a confirmation of a body that is not known"
    )
    return Diffed(state.with_head(head), [], requests, Verdict("unknown-base", (reason,)))


def _body(state: FeedState, seen: Seen) -> Diffed:
    head = state.head
    if _repeats(head, seen):
        return _repeat(state.with_head(msgspec.structs.replace(head, body_to=seen.number)), seen)
    head = msgspec.structs.replace(
        head, body_hash=seen.body_hash, body_from=seen.number, body_to=seen.number, stale_seen=0, stale_body=b""
    )
    state = state.with_head(head)
    if seen.body_hash == head.good_hash != "":
        return _good_again(state, seen, Verdict("repeat"))
    digest = digest_of(seen.parsed) if seen.parsed is not None else ""
    verdict = decide_verdict(head, seen, digest)
    picture: Picture | None = None
    if verdict.name == "good":
        assert seen.parsed is not None
        picture = Picture(state, seen, seen.parsed)
        verdict = _second_thoughts(picture, verdict)
    if verdict.name == "bad":
        return _bad(state, seen, verdict)
    if verdict.name == "stale":
        return _stale(state, seen, verdict)
    assert picture is not None
    return apply_good(picture, digest=digest, verdict=verdict)


def _second_thoughts(picture: Picture, verdict: Verdict) -> Verdict:
    """The verdict on a body that is good by itself, once its entries are held against those known."""
    strange = None if picture.shared else another_site(picture.head, *picture.links())
    if strange is not None:
        return Verdict("bad", (strange, *verdict.reasons))
    earlier = earlier_state(picture)
    return verdict if earlier is None else Verdict("stale", (*verdict.reasons, earlier))


def _repeat(state: FeedState, seen: Seen) -> Diffed:
    """The same body again: it can only advance absences, end a held burst, or make a stale body believed."""
    head = state.head
    if head.body_good:
        return _good_again(state, seen, Verdict("repeat"))
    if head.stale_seen == 0:
        return Diffed(state, [], [], Verdict("repeat"))
    if head.stale_seen >= HOLD and seen.parsed is not None:
        believed = msgspec.structs.replace(seen, body=body_to_parse(state, seen), body_hash=head.body_hash)
        return apply_good(
            Picture(state, believed, seen.parsed),
            digest=digest_of(seen.parsed),
            verdict=Verdict("good", (Reason("went-back", 0.0, "an earlier version, seen often enough to be meant"),)),
            sightings=head.stale_seen + 1,
        )
    head = msgspec.structs.replace(head, stale_seen=head.stale_seen + 1)
    return Diffed(state.with_head(head), [], [], Verdict("stale"))


def _good_again(state: FeedState, seen: Seen, verdict: Verdict) -> Diffed:
    """A good poll that shows what the last good body showed."""
    head = state.head
    teller = Teller(head, seen)
    tell_recovery(teller, head, seen)
    if head.pending:
        window = state.window
        head, missing = still_absent(head, window.missing, seen)
        missing, told = tell_due(head, missing, teller=teller, seen=seen)
        archive = archived(state.archive, told, set(), head.bodies) if told else None
        state = state.with_memory(window=Window(window.present, tuple(missing), window.lead), archive=archive)
        head = msgspec.structs.replace(head, pending=len(missing))
    head = msgspec.structs.replace(
        head,
        body_good=True,
        erring=None,
        doubts=0,
        stales=0,
        bad_bodies=0,
        good_at_ms=seen.fetched_at_ms,
        good_snapshot_id=seen.snapshot_id,
    )
    return Diffed(state.with_head(teller.counted(head)), teller.events, [], verdict)


def _bad(state: FeedState, seen: Seen, verdict: Verdict) -> Diffed:
    head = state.head
    teller = Teller(head, seen)
    reason = verdict.reasons[0]
    doubted = head.doubts + 1 if seen.failure is None and seen.parsed is not None and seen.parsed.entries else 0
    if head.erring is None:
        text = "; ".join(r.text for r in verdict.reasons)
        teller.feed_event("source-error", Evidence(reason.name, text, [seen.snapshot_id]))
        head = msgspec.structs.replace(head, erring=reason.name, erring_since_ms=seen.fetched_at_ms)
    head = msgspec.structs.replace(head, body_good=False, doubts=doubted, bad_bodies=head.bad_bodies + 1)
    requests: list[FetchRequest] = []
    if head.bad_bodies <= _BAD_BODIES_ASKED:
        head, requests = _ask(head, seen, f"body:{seen.body_hash}", f"the body was bad: {reason.name}")
    return Diffed(state.with_head(teller.counted(head)), teller.events, requests, verdict)


def _stale(state: FeedState, seen: Seen, verdict: Verdict) -> Diffed:
    """An earlier version: no event and no learning, but what it shows is not missing yet: the absence begins anew."""
    head = msgspec.structs.replace(state.head, body_good=False, stale_seen=1, stale_body=pack_body(seen.body))
    head = msgspec.structs.replace(head, stales=head.stales + 1)
    head, requests = _ask(head, seen, f"body:{seen.body_hash}:{head.bodies}", "an earlier version again")
    if head.pending and seen.parsed is not None:
        window = state.window
        shown = match_entries(seen.parsed.entries[:MAX_ENTRIES], window.missing, tuple)
        ids = {k.entry_id for k in shown.known if k is not None}
        missing = tuple(msgspec.structs.replace(k, absent=0) if k.entry_id in ids else k for k in window.missing)
        state = state.with_memory(window=Window(window.present, missing, window.lead))
    return Diffed(state.with_head(head), [], requests, verdict)


def _ask(head: Head, seen: Seen, what: str, reason: str) -> tuple[Head, list[FetchRequest]]:
    """Ask for a fetch without validators, once for each ``what``."""
    request_id = "fr_" + short_hash(f"{seen.feed_id}\0{what}")
    if request_id in head.asked:
        return head, []
    time = format_ms(seen.fetched_at_ms)
    request = FetchRequest(id=request_id, feed_id=seen.feed_id, kind="unconditional", reason=reason, time=time)
    return msgspec.structs.replace(head, asked=(*head.asked, request_id)[-_ASKED_KEPT:]), [request]


def _add_late(state: FeedState, seen: Seen) -> Diffed:
    """A dead letter tried again: what it shows and nobody knows is added as ``backfilled``; nothing else happens."""
    if seen.parsed is None:
        reasons = (Reason(seen.failure.reason, 1.0, seen.failure.message),) if seen.failure is not None else ()
        return Diffed(state, [], [], Verdict("retried", reasons))
    window, archive = state.window, state.archive
    known = (*window.present, *window.missing)
    entries = [e for e in seen.parsed.entries if not e.deleted and not says_nothing(e)][:MAX_ENTRIES]
    matching = match_entries(entries, known, lambda: archive.left)
    taken = {k.entry_id for k in (*known, *archive.left)}
    teller = Teller(state.head, seen, language=seen.parsed.language)
    evidence = Evidence("retried", "found in a snapshot that was set aside and tried again", [seen.snapshot_id])
    added = [
        teller.entry_event("backfilled", first_sight(fact, seen.feed_id, taken, seen), evidence=evidence)
        for i, fact in enumerate(matching.facts)
        if matching.known[i] is None and i not in matching.fresh
    ]
    after = state.with_memory(archive=archived(archive, added, set(), state.head.bodies)) if added else state
    return Diffed(after.with_head(teller.counted(state.head)), teller.events, [], Verdict("retried"))


def reading_part(definition: ParseDefinition | None) -> tuple[object, ...]:
    """What of a definition decides how a body is read; the rest only decides what is told of it."""
    if definition is None:
        return ()
    return (definition.kind, definition.ignore, definition.json, definition.html)


def needs_rebase(state: FeedState | None, seen: Seen) -> bool:
    """Whether the last body has to be read again: another parser's version, or another parse definition."""
    if state is None or state.head.bodies == 0 or seen.retried or seen.kind == "page-check":
        return False
    head = state.head
    if skip_reason(head, seen) is not None:
        return False
    return head.parser != seen.parser or reading_part(head.definition) != reading_part(seen.definition)
