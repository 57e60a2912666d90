"""`wirewatch search`: what the page's search box does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import NamedTuple

from wirewatch.canary import is_canary
from wirewatch.cli.exits import as_command
from wirewatch.cli.opening import moment_ms, opened_index
from wirewatch.cli.output import print_json, say
from wirewatch.cli.tables import print_table
from wirewatch.errors import UserError
from wirewatch.events import EntryEvent
from wirewatch.times import SystemClock

_PAGE = 200


class Moments(NamedTuple):
    """The window of a search, in milliseconds; None: open."""

    since: int | None
    until: int | None
    as_of: int | None


@as_command
async def search(
    *query: str,
    since: str = "",
    until: str = "",
    as_of: str = "",
    limit: int = 20,
    json: bool = False,
) -> int:
    """Search every revision of every entry. Exit status 0 also where nothing is found.

    Parameters
    ----------
    query
        Words and "phrases", AND OR NOT, headline:x place:x said-by:x figure.killed>=10 changed:figures ...
        A query that begins with - follows a bare --.
    since
        Published since then: a duration such as 2h, a date, or a time.
    until
        Published until then.
    as_of
        As it stood at that moment.
    limit
        At most so many: 1 to 10000.
    json
        Whole events, one a line.
    """
    if not 1 <= limit <= 10_000:
        raise UserError(f"--limit {limit}: 1 to 10000")
    moments = Moments(
        moment_ms(since, flag="--since") if since else None,
        moment_ms(until, flag="--until") if until else None,
        moment_ms(as_of, flag="--as-of") if as_of else None,
    )
    rows: list[tuple[str, str, str, str]] = []
    found = 0
    async for event in _found(" ".join(query), limit + 1, moments):
        found += 1
        if found > limit:
            break
        if json:
            print_json(event)
        else:
            rows.append(_row(event))
    if not json:
        print_table(("published", "feed", "", "headline"), rows, empty="nothing found")
        if found > limit:
            say(f"there is more: --limit {limit * 2}")
    return 0


async def _found(query: str, at_most: int, moments: Moments) -> AsyncIterator[EntryEvent]:
    """What the query finds, newest first, the canary left out."""
    now_ms = SystemClock().now_ms()
    cursor: str | None = None
    async with opened_index() as index:
        while True:
            page = await index.search(
                query,
                now_ms=now_ms,
                since=moments.since,
                until=moments.until,
                as_of=moments.as_of,
                limit=min(at_most, _PAGE),
                cursor=cursor,
            )
            for event in page.events:
                if not is_canary(event.feed_id):
                    yield event
            cursor = page.more
            if cursor is None:
                return


def _row(event: EntryEvent) -> tuple[str, str, str, str]:
    standing = event.entry.status if event.entry else ""
    return (
        (event.published or event.time)[:16].replace("T", " "),
        event.feed_id,
        "" if standing == "current" else standing or event.op,
        event.headline or event.evidence.text,
    )
