"""The diff as a stage: a snapshot record and a feed's state in; events, requests and the new state out.

`decide_snapshot` is the whole way of one snapshot, parsing included. The live stage and the replay of
recordings both go through it, which is why they say the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from processors.diff import (
    Diffed,
    Failure,
    FeedState,
    Seen,
    body_to_parse,
    decode_state,
    diff,
    encode_state,
    needs_parse,
    needs_rebase,
    rebase,
)
from processors.diff.state import VERSION as STATE_VERSION
from processors.parse import PARSER_VERSION, ParsedEntry, parse
from wirewatch import topics
from wirewatch.brokers.interface import NewRecord
from wirewatch.canary import is_canary
from wirewatch.errors import BadInput
from wirewatch.events import CeType, EntryEvent, FetchRequest, SnapshotInfo, decode, encode, headers_for
from wirewatch.hosting import Step
from wirewatch.logs import get_logger
from wirewatch.metrics import PUBLISHED_TO_SEEN, SNAPSHOTS_SKIPPED
from wirewatch.times import parse_ms

if TYPE_CHECKING:
    from wirewatch.brokers.interface import Record

INFO_HEADER = "ww_info"
RETRIED_HEADER = "ww_retried_from"


class Page(msgspec.Struct, frozen=True):
    """Where a body came from and what the server called it; hints for the parser."""

    url: str
    content_type: str = ""


def decide_snapshot(state: FeedState | None, seen: Seen, page: Page) -> Diffed:
    """Parse what has to be parsed and diff it. Pure; a body that cannot be parsed is a verdict, not an error."""
    before: list[Diffed] = []
    if needs_rebase(state, seen):
        assert state is not None
        rebased = _rebased(state, seen, page)
        if rebased is not None:
            before.append(rebased)
            state = rebased.state
    if needs_parse(state, seen):
        seen = _parsed(seen, body_to_parse(state, seen), page, known=_known(state, seen))
    diffed = diff(state, seen)
    if not before:
        return diffed
    return msgspec.structs.replace(
        diffed,
        events=[*before[0].events, *diffed.events],
        notes=(*before[0].notes, *diffed.notes),
    )


def _known(state: FeedState | None, seen: Seen) -> dict[str, ParsedEntry]:
    """The entries of the last good snapshot by raw hash: those that did not change need not be read again."""
    if state is None or needs_rebase(state, seen):
        return {}
    entries = (known.entry for known in state.window.present)
    return {entry.raw_hash: entry for entry in entries if entry is not None and entry.raw_hash}


def _parsed(seen: Seen, body: bytes, page: Page, known: dict[str, ParsedEntry] | None = None) -> Seen:
    try:
        parsed = parse(
            body,
            seen.definition,
            content_type=page.content_type,
            url=page.url,
            fetched_at_ms=seen.fetched_at_ms,
            known=known,
        )
    except BadInput as error:
        return msgspec.structs.replace(seen, failure=Failure(error.reason, str(error)))
    return msgspec.structs.replace(seen, parsed=parsed)


def _rebased(state: FeedState, seen: Seen, page: Page) -> Diffed | None:
    """The last good body read anew; where it was not kept, the next full body stands for it."""
    body = state.body or seen.body
    if body is None:
        return None
    read = _parsed(seen, body, page)
    if read.parsed is None or not read.parsed.entries:
        # the new definition may not fit what the source showed before; the body at hand will tell
        if seen.body is None or seen.body == body:
            return None
        read = _parsed(seen, seen.body, page)
        if read.parsed is None or not read.parsed.entries:
            return None
    return rebase(state, read)


class DiffHandler:
    """The stage ``diff`` (see `wirewatch.hosting.Handler`). Holds nothing between records.

    A record whose header cannot be read raises `BadInput`; a bad body does not: it is told as ``source-error``.
    Damaged or newer state raises `wirewatch.errors.BrokenStorage`.
    """

    stage = "diff"
    stateful = True
    state_version = STATE_VERSION

    def migrate_state(self, version: int, state: bytes) -> bytes:
        """State says its own version and is brought forward where it is read: see `decode_state`."""
        del version
        return state

    def handle(self, record: Record, state: bytes | None) -> Step:
        """Decide one snapshot record; see the class for what is raised."""
        info = read_info(record)
        seen = seen_of(info, record)
        page = Page(info.url or info.definition.url, info.content_type)
        diffed = decide_snapshot(decode_state(state) if state else None, seen, page)
        if diffed.skipped is not None:
            SNAPSHOTS_SKIPPED.labels(diffed.skipped).inc()
            return Step([])
        for event in diffed.events:
            _measure(event)
        self._log(info, diffed)
        outputs = [event_record(event) for event in diffed.events]
        outputs += [request_record(request) for request in diffed.requests]
        return Step(outputs, encode_state(diffed.state))

    def _log(self, info: SnapshotInfo, diffed: Diffed) -> None:
        log = get_logger(self.stage)
        if diffed.verdict.name in {"bad", "stale", "unknown-base"}:
            reasons = "; ".join(reason.text for reason in diffed.verdict.reasons)
            # the canary's every second snapshot is bad on purpose
            say = log.debug if is_canary(info.feed_id) else log.warning
            say("snapshot not believed", feed=info.feed_id, number=info.number, why=reasons)
        for note in diffed.notes:
            log.info(note, feed=info.feed_id, number=info.number)


def _measure(event: EntryEvent) -> None:
    """How long after the source's own time we saw it; late ones would tell of the source, not of us."""
    entry = event.entry
    if event.op != "created" or entry is None or "late" in event.flags:
        return
    if entry.published is not None and entry.published_from == "source":
        seconds = max(0, parse_ms(event.time) - parse_ms(entry.published)) / 1000
        PUBLISHED_TO_SEEN.labels(entry.published_precision).observe(seconds)


def read_info(record: Record) -> SnapshotInfo:
    """What a snapshot record says of itself; `BadInput` where it says nothing that can be read."""
    text = record.headers.get(INFO_HEADER)
    if text is None:
        raise BadInput(f"a snapshot without its {INFO_HEADER} header", reason="bad-record")
    info = decode(text.encode(), SnapshotInfo)
    if info.kind == "body" and record.value is None:
        raise BadInput("a snapshot that should have a body has none", reason="bad-record")
    return info


def seen_of(info: SnapshotInfo, record: Record) -> Seen:
    """A snapshot record as the diff sees it."""
    try:
        fetched_at_ms = parse_ms(info.fetched_at)
    except ValueError as error:
        raise BadInput(f"fetched_at: {error}", reason="bad-record") from error
    return Seen(
        feed_id=info.feed_id,
        owner=info.owner,
        number=info.number,
        snapshot_id=info.snapshot_id,
        fetched_at_ms=fetched_at_ms,
        definition=info.definition,
        name=info.name or str(info.number),
        kind=info.kind,
        body_hash=info.body_hash,
        base=info.base,
        status=info.status,
        entry_id=info.entry_id,
        unconditional=info.unconditional,
        retried=RETRIED_HEADER in record.headers,
        parser=PARSER_VERSION,
        body=record.value if info.kind == "body" else None,
    )


def event_record(event: EntryEvent) -> NewRecord:
    """An event for `wirewatch.entry-events.v1`."""
    source = f"wirewatch/diff/{event.feed_id}"
    headers = headers_for(CeType.for_op(event.op), id=event.id, source=source, time=event.time)
    return NewRecord(topics.ENTRY_EVENTS.name, event.feed_id, encode(event), headers)


def request_record(request: FetchRequest) -> NewRecord:
    """A request for `wirewatch.fetch-requests.v1`."""
    source = f"wirewatch/diff/{request.feed_id}"
    headers = headers_for(CeType.FETCH_REQUEST, id=request.id, source=source, time=request.time)
    return NewRecord(topics.FETCH_REQUESTS.name, request.feed_id, encode(request), headers)


__all__ = ["DiffHandler", "Page", "decide_snapshot", "event_record", "request_record"]
