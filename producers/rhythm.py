"""What a feed's polls tell of its rhythm, kept in the poll itself: pure. Times are milliseconds since 1970."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from producers.cadence import Rhythm, activity_at, hour_of, interval_ms
from producers.websub import is_promised, is_trusted
from wirewatch.times import format_ms, parse_ms

if TYPE_CHECKING:
    from producers.cadence import Cadence
    from wirewatch.events import Feed, FetchRequest, Poll

ENDED_AFTER_MS = 3_600_000
"""A page that says that it is over is asked for this long yet: what closes is often corrected, or goes on."""
STILL_AFTER_MS = 86_400_000
"""A live page that has not changed for this long is over, whatever it says."""
AWAY_MS = 3_600_000
"""A poll so much later than it was due: nobody watched meanwhile, or no such time has passed and a clock is off."""
OVER_STILL = "no change in a day"
OVER_SAID = "the source says that it is over"
_HOURS = 24
_HOURS_KEEP = 400
_HOURS_FROM_MS = 2 * 86_400_000
_OUTLIER = 4
_RELAX = 1.1


def rhythm_of(poll: Poll, *, fresh_ms: int | None, now_ms: int) -> Rhythm:
    """What is known of a feed's rhythm from its last poll, and from the answer's own freshness."""
    last, since = quiet_from(poll), poll.rhythm_since
    whole_days = since is not None and now_ms - parse_ms(since) >= _HOURS_FROM_MS
    return Rhythm(
        live=poll.live,
        since_change_ms=None if last is None else max(now_ms - parse_ms(last), 0),
        change_every_ms=None if poll.change_every_s is None else round(poll.change_every_s * 1000),
        changes=sum(poll.hours),
        activity=activity_at(poll.hours, hour_of(now_ms)) if whole_days else 1.0,
        ttl_ms=None if poll.ttl_s is None else round(poll.ttl_s * 1000),
        fresh_ms=fresh_ms,
        ceiling_ms=None if poll.ceiling_s is None else round(poll.ceiling_s * 1000),
        told=is_trusted(poll, now_ms=now_ms),
        promised=is_promised(poll, now_ms=now_ms),
    )


def quiet_from(poll: Poll) -> str | None:
    """When the source last brought something: by what the diff saw where it said so, else by its bytes."""
    return poll.still_since or poll.last_change


def watched(poll: Poll, *, now_ms: int) -> Poll:
    """``poll`` as one that is watched only from now on, where nobody did for long before.

    Else a clock that is a day ahead would end every live page there is, for good (F14).
    """
    if now_ms - parse_ms(poll.next_due) < AWAY_MS:
        return poll
    return replace(poll, watched_since=format_ms(now_ms))


def after_change(poll: Poll, before: Poll, *, ttl_ms: int | None, now_ms: int) -> Poll:
    """``poll`` with what a changed body adds: how often it changes, newer intervals counting more, and when.

    One long silence, such as a night or our own absence, counts as four usual intervals at most. A ceiling that
    lost entries had put on the wait is raised a little with each change that lost none.
    """
    every = before.change_every_s
    hours = before.hours if len(before.hours) == _HOURS else [0] * _HOURS
    since = before.rhythm_since
    still_over = before.over_at is not None and before.over_at >= (before.last_change or "")
    # bytes that differ without bringing anything tell nothing of the rhythm of what does
    if before.last_change is not None and before.still_since is None:
        seen = max(now_ms - parse_ms(before.last_change), 0) / 1000
        every = round(seen if every is None else 0.8 * every + 0.2 * min(seen, _OUTLIER * every), 3)
        hours = [count + (hour == hour_of(now_ms)) for hour, count in enumerate(hours)]
        if sum(hours) > _HOURS_KEEP:
            hours = [count // 2 for count in hours]
        since = since or format_ms(now_ms)
    return replace(
        poll,
        last_change=format_ms(now_ms),
        change_every_s=every,
        hours=hours,
        rhythm_since=since,
        ttl_s=None if ttl_ms is None else ttl_ms / 1000,
        ceiling_s=None if before.ceiling_s is None else round(before.ceiling_s * _RELAX, 3),
        over_since=before.over_since if still_over else None,
    )


def relaxed(feed: Feed, cadence: Cadence, poll: Poll, *, fresh_ms: int | None, now_ms: int) -> Poll:
    """``poll`` without a ceiling that no longer shortens any wait."""
    if poll.ceiling_s is None:
        return poll
    free = replace(poll, ceiling_s=None)
    wait = interval_ms(feed, cadence, rhythm_of(free, fresh_ms=fresh_ms, now_ms=now_ms))
    return free if poll.ceiling_s * 1000 >= wait else poll


def hurried(feed: Feed, cadence: Cadence, poll: Poll, request: FetchRequest) -> Poll:
    """``poll`` after the diff saw that too little is left between two looks: asked twice as often, and sooner.

    The same poll where that cannot be: a duration in ``every``, a feed that fails or stopped, or a request that
    is older than a poll that followed it.
    """
    if feed.every != "auto" or poll.stopped or poll.failures or request.time < (poll.last_change or ""):
        return poll
    wait = max(parse_ms(poll.next_due) - parse_ms(poll.at), 0)
    shorter = max(wait // 2, cadence.min_ms)
    if shorter >= wait:
        return poll
    due = format_ms(parse_ms(poll.at) + shorter)
    return replace(poll, ceiling_s=shorter / 1000, next_due=min(due, poll.next_due))


def told_over(feed: Feed, poll: Poll, request: FetchRequest) -> Poll:
    """``poll`` after the diff read on the page that it is over; stopped where it has said so for long enough.

    The same poll where the page has changed since, where it is no live page, or where ``every`` is a duration.
    """
    if feed.every != "auto" or not poll.live or poll.stopped or request.time < (poll.last_change or ""):
        return poll
    poll = replace(poll, over_since=poll.over_since or request.time, over_at=request.time)
    return _stopped_if_said(poll, now_ms=parse_ms(request.time))


def told_still(poll: Poll, request: FetchRequest) -> Poll:
    """``poll`` after the diff saw that its bodies differ and bring nothing, since a while."""
    since = max(request.since or request.time, poll.still_since or "")
    return replace(poll, still_since=min(since, request.time))


def told_stirring(feed: Feed, cadence: Cadence, poll: Poll, request: FetchRequest) -> Poll:
    """``poll`` after the diff saw something new in what had been still: asked as often as what changes again."""
    if poll.still_since is None:
        return poll
    poll = replace(poll, still_since=None, last_change=max(request.time, poll.last_change or ""))
    if poll.stopped or poll.failures:
        return poll
    wait = interval_ms(feed, cadence, rhythm_of(poll, fresh_ms=None, now_ms=parse_ms(poll.at)))
    return replace(poll, next_due=min(poll.next_due, format_ms(parse_ms(poll.at) + wait)))


def stopped_if_over(feed: Feed, poll: Poll, *, now_ms: int) -> Poll:
    """``poll``, stopped with its reason where a live page has ended; never where ``every`` is a duration.

    Only time in which it was watched counts.
    """
    quiet = quiet_from(poll)
    if feed.every != "auto" or not poll.live or quiet is None:
        return poll
    if now_ms - parse_ms(max(quiet, poll.watched_since or "")) >= STILL_AFTER_MS:
        return replace(poll, stopped=True, ended=OVER_STILL)
    return _stopped_if_said(poll, now_ms=now_ms)


def _stopped_if_said(poll: Poll, *, now_ms: int) -> Poll:
    """Stopped where it began to say so long enough ago, and says so in what it showed last."""
    if poll.over_since is None or poll.over_at is None or poll.over_at < (poll.last_change or ""):
        return poll
    if now_ms - parse_ms(max(poll.over_since, poll.watched_since or "")) < ENDED_AFTER_MS:
        return poll
    return replace(poll, stopped=True, ended=OVER_SAID)


def resumed(poll: Poll, *, now_ms: int) -> Poll:
    """A poll of a page that had ended, to be asked again from now on, as if it had changed just now."""
    if not poll.stopped or poll.ended is None:
        return poll
    now = format_ms(now_ms)
    still = None if poll.still_since is None else now
    poll = replace(poll, stopped=False, ended=None, over_since=None, over_at=None, last_change=now, next_due=now)
    return replace(poll, still_since=still)
