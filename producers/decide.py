"""What a poll's answer means: pure. Which snapshots to publish, and the poll to record after them."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from producers.answers import Answer
from producers.cadence import Cadence, delay_ms
from producers.plan import MOVED_AFTER, definition_hash
from producers.records import poll_record, public_definition, snapshot_record
from producers.rhythm import after_change, relaxed, resumed, rhythm_of, stopped_if_over, watched
from producers.sniff import looks_live
from producers.websub import after_look, with_offer
from producers.websub_offers import read_offer
from producers.wishes import read_ttl
from wirewatch.brokers.interface import NewRecord
from wirewatch.events import Feed, Outcome, Poll, SnapshotInfo
from wirewatch.identity import body_hash, snapshot_id
from wirewatch.logs import redact
from wirewatch.times import format_ms


class Asked(Struct, frozen=True):
    """How the poll was made. ``full``: without validators, as asked for by the diff or by the day.

    ``fence``: the diff does not know yet that the feed is this owner's; the first good answer tells it.
    """

    owner: int
    cadence: Cadence
    full: bool = False
    fence: bool = False


class PollDecision(Struct, frozen=True):
    """``snapshots`` first, durable; then ``poll``, which holds the validators of what was published."""

    snapshots: list[NewRecord]
    poll: Poll

    @property
    def record(self) -> NewRecord:
        """The poll as a record."""
        return poll_record(self.poll)


def decide_poll(feed: Feed, previous: Poll | None, answer: Answer, asked: Asked, *, now_ms: int) -> PollDecision:
    """Decide one answer. ``previous`` is the feed's last poll; ``now_ms`` when the answer came.

    A body that changed is published, and its next ``withdraw_after`` repeats are as well, as confirmations
    (304 or the same bytes alike). A full fetch is published whatever it holds. A failure changes nothing but
    the count of failures and when to ask next.
    """
    defined = definition_hash(feed)
    before = watched(previous or _blank(feed, asked.owner, now_ms), now_ms=now_ms)
    redefined = before.definition_hash != defined
    if redefined:
        # without last_full the next poll fetches and publishes the whole body, should this one fail
        before = replace(before, definition_hash=defined, etag=None, last_modified=None, last_full=None, moved_to=None)
        # and what was learned is of what was asked before
        before = resumed(before, now_ms=now_ms)
        before = replace(before, change_every_s=None, hours=[], rhythm_since=None, ceiling_s=None, over_since=None)
        before = replace(before, hub=None, still_since=None)
    if answer.reason is not None:
        return PollDecision([], _failed(feed, before, answer, asked, now_ms))
    if answer.body is None:
        return _confirm(feed, before, answer, asked, now_ms)
    hashed = body_hash(answer.body)
    same = before.body_hash == hashed
    if same and not asked.full and not redefined:
        return _confirm(feed, before, answer, asked, now_ms)
    number = before.number + 1
    poll = replace(
        before,
        number=number,
        body_number=number,
        body_hash=hashed,
        owed=max(before.owed - 1, 0) if same else feed.withdraw_after,
        live=feed.kind == "live-page" or (feed.kind == "auto" and looks_live(answer.body)),
        last_full=format_ms(now_ms),
        bytes=len(answer.body),
    )
    if not same:
        poll = after_change(poll, before, ttl_ms=read_ttl(answer.body), now_ms=now_ms)
        poll = after_look(poll, before, now_ms=now_ms)
    poll = with_offer(poll, read_offer(answer), now_ms=now_ms)
    info = snapshot_info(feed, poll, "body", now_ms=now_ms, owner=asked.owner, answer=answer, full=asked.full)
    poll = _good(feed, poll, "unchanged" if same else "changed", answer, asked, now_ms)
    return PollDecision([snapshot_record(info, answer.body)], poll)


def snapshot_info(
    feed: Feed,
    poll: Poll,
    kind: Literal["body", "confirmation"],
    *,
    now_ms: int,
    owner: int,
    answer: Answer,
    full: bool = False,
) -> SnapshotInfo:
    """What a snapshot says of itself. ``poll`` is the one that will be recorded after it, with its number."""
    body = kind == "body"
    return SnapshotInfo(
        kind=kind,
        feed_id=feed.id,
        owner=owner,
        number=poll.number,
        snapshot_id=snapshot_id(feed.id, owner, poll.number),
        fetched_at=format_ms(now_ms),
        definition=public_definition(feed),
        name=str(poll.number),
        url=answer.url,
        status=answer.status or 200,
        content_type=answer.content_type if body else "",
        body_hash=poll.body_hash or "",
        base=None if body else poll.body_number,
        unconditional=full,
    )


def recover_poll(previous: Poll | None, infos: list[SnapshotInfo], feed: Feed, *, now_ms: int) -> Poll | None:
    """The poll as it would stand had the process not died between a snapshot and its poll.

    ``infos`` are snapshots of this feed found in the log, in order. Validators of a body that was published but
    whose poll was not are lost, so that the body is fetched again and told to be the same by its hash.
    """
    poll = previous
    for info in infos:
        if poll is not None and info.number <= poll.number:
            continue
        before = poll or _blank(feed, info.owner, now_ms)
        poll = replace(before, number=info.number, owner=max(before.owner, info.owner))
        if info.kind == "body":
            same = before.body_hash == info.body_hash
            poll = replace(
                poll,
                outcome="unchanged" if same else "changed",
                body_number=info.number,
                body_hash=info.body_hash,
                owed=max(before.owed - 1, 0) if same else feed.withdraw_after,
                etag=None,
                last_modified=None,
                last_full=info.fetched_at,
                last_good=info.fetched_at,
                last_change=before.last_change if same else info.fetched_at,
                failures=0,
                next_due=info.fetched_at,
                definition_hash=_hash_if_current(feed, info),
            )
        elif info.kind == "confirmation":
            poll = replace(poll, owed=max(before.owed - 1, 0), last_good=info.fetched_at, failures=0)
    return poll


def _hash_if_current(feed: Feed, info: SnapshotInfo) -> str | None:
    return definition_hash(feed) if info.definition == public_definition(feed) else None


def _blank(feed: Feed, owner: int, now_ms: int) -> Poll:
    now = format_ms(now_ms)
    return Poll(feed.id, "unchanged", now, now, owner, 0, 0, redact(feed.url), live=feed.kind == "live-page")


def _confirm(feed: Feed, before: Poll, answer: Answer, asked: Asked, now_ms: int) -> PollDecision:
    """The body that was published last is still what the source shows: say so as long as that is owed.

    A fence says so too: where a predecessor published another body meanwhile, the diff asks for the whole one.
    """
    snapshots: list[NewRecord] = []
    poll = before
    if (before.owed > 0 or asked.fence) and before.body_number is not None:
        poll = replace(before, number=before.number + 1, owed=max(before.owed - 1, 0))
        info = snapshot_info(feed, poll, "confirmation", now_ms=now_ms, owner=asked.owner, answer=answer)
        snapshots.append(snapshot_record(info, None))
    return PollDecision(snapshots, _good(feed, poll, "unchanged", answer, asked, now_ms))


def _good(feed: Feed, poll: Poll, outcome: Outcome, answer: Answer, asked: Asked, now_ms: int) -> Poll:
    keep = answer.body is None  # a 304 need not repeat the validators it was asked with
    moved_to, moved_seen = _moved(feed, poll, answer, asked)
    poll = replace(
        poll,
        feed_id=feed.id,
        outcome=outcome,
        at=format_ms(now_ms),
        owner=asked.owner,
        url=answer.url,
        status=answer.status,
        etag=answer.etag or (poll.etag if keep else None),
        last_modified=answer.last_modified or (poll.last_modified if keep else None),
        took_ms=answer.took_ms,
        failures=0,
        error=None,
        reason=None,
        last_good=format_ms(now_ms),
        moved_to=moved_to,
        moved_seen=moved_seen,
        stopped=False,
        ended=None,
    )
    poll = relaxed(feed, asked.cadence, poll, fresh_ms=answer.fresh_ms, now_ms=now_ms)
    poll = stopped_if_over(feed, poll, now_ms=now_ms)
    return replace(poll, next_due=_next_due(feed, poll, answer, asked, now_ms))


def _moved(feed: Feed, poll: Poll, answer: Answer, asked: Asked) -> tuple[str | None, int]:
    """Where the feed has moved to for good, and how often in a row that was seen (H62)."""
    believed = poll.moved_to is not None and poll.moved_seen >= MOVED_AFTER
    if believed and not asked.full and answer.moved_to is None:
        return poll.moved_to, poll.moved_seen  # asked at its new place; the old one is looked at again by a full fetch
    target = answer.moved_to
    if target is None or redact(target) != target or target == feed.url:
        return None, 0  # not moved, or to a URL with a secret in it, which may not stand on a topic
    return target, poll.moved_seen + 1 if target == poll.moved_to else 1


def _failed(feed: Feed, before: Poll, answer: Answer, asked: Asked, now_ms: int) -> Poll:
    gone = answer.status == 410 and answer.reason == "http-status"
    outcome: Outcome = "gone" if gone else "blocked" if answer.reason in {"blocked", "robots"} else "error"
    poll = replace(
        before,
        outcome=outcome,
        at=format_ms(now_ms),
        owner=asked.owner,
        url=answer.url,
        status=answer.status,
        took_ms=answer.took_ms,
        failures=before.failures + 1,
        error=answer.error,
        reason=answer.reason,
        # a moved feed that fails is asked at its own URL next
        moved_to=None,
        moved_seen=0,
        stopped=gone,
        ended=None,
    )
    return replace(poll, next_due=_next_due(feed, poll, answer, asked, now_ms))


def _next_due(feed: Feed, poll: Poll, answer: Answer, asked: Asked, now_ms: int) -> str:
    wait = delay_ms(
        feed,
        asked.cadence,
        rhythm_of(poll, fresh_ms=answer.fresh_ms, now_ms=now_ms),
        failures=poll.failures,
        retry_after_ms=answer.retry_after_ms,
        # so that jitter differs from poll to poll also while the number stands still
        number=poll.number + now_ms // 1000,
    )
    return format_ms(now_ms + wait)
