"""`wirewatch search`: what the page's search box does."""

from __future__ import annotations

from wirewatch.canary import is_canary
from wirewatch.cli.exits import as_command
from wirewatch.cli.opening import moment_ms, opened_index
from wirewatch.cli.output import print_json, say
from wirewatch.cli.tables import print_table
from wirewatch.errors import UserError
from wirewatch.times import SystemClock


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
        At most so many.
    json
        Whole events, one a line.
    """
    if not 1 <= limit <= 10_000:
        raise UserError(f"--limit {limit}: 1 to 10000")
    found = 0
    rows = []
    async with opened_index() as index:
        cursor: str | None = None
        while found < limit:
            page = await index.search(
                " ".join(query),
                now_ms=SystemClock().now_ms(),
                since=moment_ms(since, flag="--since") if since else None,
                until=moment_ms(until, flag="--until") if until else None,
                as_of=moment_ms(as_of, flag="--as-of") if as_of else None,
                limit=min(limit - found, 200),
                cursor=cursor,
            )
            for event in page.events:
                if is_canary(event.feed_id):
                    continue
                found += 1
                if json:
                    print_json(event)
                else:
                    when = (event.published or event.time)[:16].replace("T", " ")
                    standing = event.entry.status if event.entry else ""
                    shown = "" if standing == "current" else standing or event.op
                    rows.append((when, event.feed_id, shown, event.headline or event.evidence.text))
            cursor = page.more
            if cursor is None:
                break
    if not json:
        print_table(("published", "feed", "", "headline"), rows, empty="nothing found")
        if cursor is not None:
            say(f"there is more: --limit {limit * 2}")
    return 0
