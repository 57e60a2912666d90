"""Looking at an entry's own page, because the diff asks whether it is still there: pure.

Politely: on the feed's own site only, and at most five times a feed and hour.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from msgspec.structs import replace
from yarl import URL

from producers.answers import Ask
from producers.plan import read_headers
from producers.records import public_definition, snapshot_record
from wirewatch.events import SnapshotInfo
from wirewatch.identity import snapshot_id
from wirewatch.times import format_ms, parse_ms

if TYPE_CHECKING:
    from producers.answers import Answer
    from wirewatch.brokers.interface import NewRecord
    from wirewatch.events import Feed, FetchRequest, Poll

PER_HOUR = 5
_HOUR_MS = 3_600_000


def same_site(one: str, other: str) -> bool:
    """Whether two URLs are on one site: the same host, ``www.`` aside, or one below the other."""
    try:
        first, second = (URL(url).host or "" for url in (one, other))
    except ValueError:
        return False
    first, second = first.removeprefix("www."), second.removeprefix("www.")
    if not first or not second:
        return False
    shorter, longer = sorted((first, second), key=len)
    return longer == shorter or ("." in shorter and longer.endswith("." + shorter))


def wait_for_page_check(poll: Poll, *, now_ms: int) -> int:
    """Milliseconds until this feed may look at another page; 0: now."""
    recent = [at for at in map(parse_ms, poll.page_checks) if 0 <= now_ms - at < _HOUR_MS]
    return 0 if len(recent) < PER_HOUR else recent[-PER_HOUR] + _HOUR_MS - now_ms


def plan_page_check(feed: Feed, request: FetchRequest, environ: Mapping[str, str]) -> Ask | None:
    """The request for an entry's page; None where it is none that we look at.

    The feed's own headers go along only to its own origin. Raises `BadInput` (``setting``) as `plan_ask` does.
    """
    if not request.url or request.entry_id is None or not same_site(feed.url, request.url):
        return None
    alike = URL(request.url).with_user(None).origin() == URL(feed.url).with_user(None).origin()
    headers = read_headers(feed, environ) if alike else {}
    return Ask(request.url, headers, proxy=feed.proxy or None, status_only=True)


def decide_page_check(
    feed: Feed, poll: Poll, request: FetchRequest, answer: Answer, *, owner: int, now_ms: int
) -> tuple[NewRecord | None, Poll]:
    """What to publish for a page that was looked at, and the poll that counts it.

    Nothing is published where the site did not answer: that says nothing of the page.
    """
    recent = [at for at in poll.page_checks if 0 <= now_ms - parse_ms(at) < _HOUR_MS]
    poll = replace(poll, owner=owner, page_checks=[*recent, format_ms(now_ms)][-PER_HOUR:])
    if answer.reason is not None or answer.status is None:
        return None, poll
    poll = replace(poll, number=poll.number + 1)
    info = SnapshotInfo(
        kind="page-check",
        feed_id=feed.id,
        owner=owner,
        number=poll.number,
        snapshot_id=snapshot_id(feed.id, owner, poll.number),
        fetched_at=format_ms(now_ms),
        definition=public_definition(feed),
        name=str(poll.number),
        url=answer.url,
        status=answer.status,
        entry_id=request.entry_id,
    )
    return snapshot_record(info, None), poll
