"""`wirewatch searches`: saved searches, tried on history before they are saved and explained after."""

from __future__ import annotations

from typing import Annotated

import cyclopts
import msgspec

from sinks.alerts.commands import Explanation, add_search, explain, find_search, list_searches, remove_search
from wirewatch.canary import is_canary
from wirewatch.cli.context import configuration
from wirewatch.cli.exits import NOT_FOUND, as_command
from wirewatch.cli.opening import moment_ms, opened_broker, opened_control, opened_index, opened_log
from wirewatch.cli.output import one_line, print_json, print_line, say
from wirewatch.cli.tables import print_table, progress
from wirewatch.errors import UserError
from wirewatch.events import Clause
from wirewatch.query import MatchContext, parse_query
from wirewatch.times import SystemClock

searches = cyclopts.App(name="searches", help="Saved searches: add, list, show, test, explain, remove.")


def settings_file() -> str:
    """The settings file as refusals name it."""
    return str(configuration().path or "wirewatch.toml")


@searches.command
@as_command
async def add(
    name: str, query: str, /, *, to: Annotated[list[str] | None, cyclopts.Parameter(negative="")] = None
) -> int:
    """Save a search: what matches it from now on is told.

    Parameters
    ----------
    name
        What it is called; the same name again changes the query.
    query
        Tried on history first by: wirewatch searches test QUERY
    to
        A channel's id; may be given several times. Without one, alerts are shown on the page only.
    """
    now = SystemClock().now_ms()
    async with opened_broker("writer") as broker, opened_control() as store:
        saved = await add_search(broker, store, name=name, query=query, to=to or [], file=settings_file(), now_ms=now)
    print_line(one_line(f"{saved.id} {saved.name!r}: {saved.query}"))
    return 0


@searches.command(name="list")
@as_command
async def list_them(*, json: bool = False) -> int:
    """List the saved searches.

    Parameters
    ----------
    json
        One JSON object a line.
    """
    async with opened_log() as broker:
        found = await list_searches(broker) if broker is not None else []
    if json:
        for search in found:
            print_json(search)
        return 0
    print_table(
        ("name", "query", "to", "from", "id"),
        [(s.name, s.query, ", ".join(s.channels), s.origin, s.id) for s in found],
        empty='no saved searches yet: wirewatch searches add "Toll" "figure.killed>=10" --to terminal',
    )
    return 0


@searches.command
@as_command
async def show(name: str, /) -> int:
    """Show one saved search, as JSON.

    Parameters
    ----------
    name
        Its name or id.
    """
    async with opened_broker("reader") as broker:
        print_json(await find_search(broker, name))
    return 0


@searches.command(name="test")
@as_command
async def try_query(query: str, /, *, since: str = "24h", samples: int = 5, json: bool = False) -> int:
    """Try a query on what was seen: how many entries a day it would have found, with samples.

    Parameters
    ----------
    query
        The query, as it would be saved.
    since
        How far back: a duration, a date, or a time.
    samples
        How many of the newest finds to show.
    json
        One JSON object.
    """
    parse_query(query, saved=True)
    if not 1 <= samples <= 100:
        raise UserError(f"--samples {samples}: 1 to 100")
    now = SystemClock().now_ms()
    start = moment_ms(since, flag="--since")
    async with opened_index() as index:
        with progress("counting"):
            days = await index.count_by_day(query, now_ms=now, since=start)
            page = await index.search(query, now_ms=now, limit=samples)
    if json:
        print_json({"days": msgspec.to_builtins(days), "samples": msgspec.to_builtins(page.events)})
        return 0
    print_table(
        ("day", "entries", "of these without an alert"),
        [(day.day, day.entries, day.quiet) for day in days],
        empty=f"nothing since {since}",
    )
    rows = [
        ((e.published or e.time)[:16].replace("T", " "), e.feed_id, e.headline)
        for e in page.events
        if not is_canary(e.feed_id)
    ]
    if rows:
        print_line("")
        print_table(("published", "feed", "the newest"), rows, empty="")
    return 0


@searches.command(name="explain")
@as_command
async def explain_one(id_: Annotated[str, cyclopts.Parameter(name="id")], entry: str, /, *, json: bool = False) -> int:
    """Say why a saved search matches an entry or not: each clause, with the words that made it hold.

    Parameters
    ----------
    id_
        The saved search's name or id.
    entry
        An entry's id, or an event's.
    json
        One JSON object.
    """
    async with opened_broker("reader") as broker:
        search = await find_search(broker, id_)
    async with opened_index() as index:
        revisions = [found] if (found := await index.event(entry)) else (await index.entry(entry))[:1]
    if not revisions:
        raise UserError(f"there is no entry or event {entry!r}; its id stands in: wirewatch search ... --json")
    told = explain(search, revisions[0], MatchContext(now_ms=SystemClock().now_ms()))
    if json:
        print_json(told)
    else:
        _print_explanation(told, revisions[0].headline)
    return 0 if told.matches else NOT_FOUND


def _print_explanation(told: Explanation, headline: str) -> None:
    say(f"{'matches' if told.matches else 'does not match'}: {one_line(headline)}")
    rows = [("holds", *_clause(c)) for c in told.matched] + [("fails", *_clause(c)) for c in told.unmatched]
    print_table(("", "clause", "where", "words"), rows, empty="")


def _clause(clause: Clause) -> tuple[str, str, str]:
    return clause.clause, clause.field or "", clause.text


@searches.command
@as_command
async def remove(name: str, /) -> int:
    """Remove a saved search. What it told stays on record.

    Parameters
    ----------
    name
        Its name or id.
    """
    async with opened_broker("writer") as broker:
        gone = await remove_search(broker, name, file=settings_file(), now_ms=SystemClock().now_ms())
    print_line(one_line(f"{gone.name!r} is removed"))
    return 0
