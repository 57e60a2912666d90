"""Reading the search index: searches, entries with their revisions, the live page, what stood there when.

Synchronous, on a connection of the caller's; `sinks.search.embedded.index` brings it to an event loop.
"""

from __future__ import annotations

import base64
from typing import Any, Literal, NamedTuple

import apsw
import msgspec

from sinks.search.embedded.compile import Condition, compile_query, rank_expression
from sinks.search.embedded.schema import decompress
from sinks.search.interface import MAX_LIMIT, DayCount, Hit, Order, SearchPage
from wirewatch.errors import UserError
from wirewatch.events import EntryEvent, decode
from wirewatch.query.evaluate import highlights
from wirewatch.query.syntax import Query
from wirewatch.times import format_ms

_WEIGHTS = "4.0, 1.0, 2.0, 1.0, 1.0, 1.0, 0.0"  # a word in the headline says most of what an entry is about


class Window(NamedTuple):
    """Bounds beside the query: on the time of publication, and the moment at which to look at the past."""

    since_ms: int | None = None
    until_ms: int | None = None
    as_of_ms: int | None = None


def read_search(
    connection: apsw.Connection,
    query: Query,
    *,
    now_ms: int | None,
    window: Window = Window(),  # noqa: B008 - a tuple, never changed
    limit: int = 50,
    cursor: str | None = None,
    order: Order = "newest",
    count: bool = False,
) -> SearchPage:
    """One page of what the query finds. Raises `UserError` for a cursor that is none of ours."""
    condition = _all_of(compile_query(query, now_ms=now_ms), *_scope(query, window))
    total = None
    if count:
        total = int(
            connection.execute(f"SELECT count(*) FROM revisions r WHERE {condition.sql}", condition.values).get  # noqa: S608 - made of our own words
        )
    limit = max(1, min(limit, MAX_LIMIT))
    rank = rank_expression(query) if order == "relevance" else None
    rows, more = (
        _ranked_rows(connection, condition, rank, limit, cursor)
        if rank
        else _rows(connection, condition, limit, cursor, oldest=order == "oldest")
    )
    hits = [Hit(event, bool(row[2]), list(highlights(query, event))) for row in rows for event in (_event(row[3]),)]  # type: ignore[arg-type]  # highlights only names text fields
    return SearchPage(hits, more, total)


def read_latest(
    connection: apsw.Connection,
    *,
    feed_id: str | None = None,
    limit: int = 50,
    before: str | None = None,
    order: Literal["newest", "oldest"] = "newest",
) -> SearchPage:
    """Each entry's newest event by time of publication; withdrawn ones too, leads and feed events left out."""
    conditions = [Condition("r.current"), Condition("r.subject = 'entry'")]
    if feed_id is not None:
        conditions.append(Condition("r.feed_id = ?", [feed_id]))
    limit = max(1, min(limit, MAX_LIMIT))
    rows, more = _rows(connection, _all_of(*conditions), limit, before, oldest=order == "oldest")
    return SearchPage([Hit(_event(row[3]), current=True) for row in rows], more)


def read_lead(connection: apsw.Connection, feed_id: str) -> EntryEvent | None:
    """The newest event of a live page's lead; None where the feed has none."""
    found = connection.execute(
        "SELECT event FROM revisions WHERE feed_id = ? AND current AND subject = 'lead' ORDER BY seq DESC LIMIT 1",
        (feed_id,),
    ).get
    return None if found is None else _event(found)


def read_entry(connection: apsw.Connection, entry_id: str) -> list[EntryEvent]:
    """Every revision of an entry, newest first; ``[]`` where there is no such entry."""
    rows = connection.execute("SELECT event FROM revisions WHERE entry_id = ? ORDER BY seq DESC", (entry_id,))
    return [_event(row[0]) for row in rows]


def read_event(connection: apsw.Connection, event_id: str) -> EntryEvent | None:
    """One event by its id."""
    found = connection.execute("SELECT event FROM revisions WHERE event_id = ?", (event_id,)).get
    return None if found is None else _event(found)


def read_events(connection: apsw.Connection, feed_id: str, *, after_seq: int = 0, limit: int = 500) -> list[EntryEvent]:
    """A feed's events in order, from the one after that number."""
    rows = connection.execute(
        "SELECT event FROM revisions WHERE feed_id = ? AND seq > ? ORDER BY seq LIMIT ?",
        (feed_id, after_seq, max(1, min(limit, MAX_LIMIT))),
    )
    return [_event(row[0]) for row in rows]


def read_stored(connection: apsw.Connection, after: tuple[str, int], limit: int) -> list[bytes]:
    """Events as they came, by feed and number, from the one after that on."""
    rows = connection.execute(
        "SELECT event FROM revisions WHERE (feed_id, seq) > (?, ?) ORDER BY feed_id, seq LIMIT ?", (*after, limit)
    )
    return [decompress(row[0]) for row in rows]


def read_days(
    connection: apsw.Connection, query: Query, *, now_ms: int | None, since_ms: int, until_ms: int
) -> list[DayCount]:
    """How many entries the query first found on each day that it was seen between the two times.

    Any revision counts, once an entry: that is how often a saved search would have spoken up. What came as
    ``baseline`` or ``backfilled`` is counted as quiet.
    """
    condition = compile_query(query, now_ms=now_ms)
    rows = connection.execute(
        "SELECT first_ms / 86400000, count(*), sum(op IN ('baseline', 'backfilled')) FROM"  # noqa: S608 - made of our own words
        f" (SELECT min(r.time_ms) AS first_ms, r.op AS op FROM revisions r WHERE {condition.sql}"
        " GROUP BY ifnull(r.entry_id, r.event_id))"
        " WHERE first_ms BETWEEN ? AND ? GROUP BY 1 ORDER BY 1",
        (*condition.values, since_ms, until_ms),
    )
    return [DayCount(format_ms(int(day) * 86_400_000)[:10], int(entries), int(quiet)) for day, entries, quiet in rows]


def _scope(query: Query, window: Window) -> list[Condition]:
    conditions: list[Condition] = []
    if window.as_of_ms is not None:
        conditions.append(Condition("r.time_ms <= ?", [window.as_of_ms]))
        if not query.versions_all:
            conditions.append(Condition("(r.until_ms IS NULL OR r.until_ms > ?)", [window.as_of_ms]))
    elif not query.versions_all:
        conditions.append(Condition("r.current"))
    if window.since_ms is not None:
        conditions.append(Condition("r.at_ms >= ?", [window.since_ms]))
    if window.until_ms is not None:
        conditions.append(Condition("r.at_ms <= ?", [window.until_ms]))
    return conditions


def _all_of(*conditions: Condition) -> Condition:
    return Condition(
        " AND ".join(condition.sql for condition in conditions),
        [value for condition in conditions for value in condition.values],
    )


def _rows(
    connection: apsw.Connection, condition: Condition, limit: int, cursor: str | None, *, oldest: bool
) -> tuple[list[Any], str | None]:
    direction, beyond = ("ASC", ">") if oldest else ("DESC", "<")
    values = list(condition.values)
    sql = condition.sql
    if cursor is not None:
        sql += f" AND (r.sort_ms, r.id) {beyond} (?, ?)"
        values += _read_cursor(cursor, 2)
    rows: list[Any] = connection.execute(
        f"SELECT r.sort_ms, r.id, r.current, r.event FROM revisions r WHERE {sql}"  # noqa: S608 - made of our own words
        f" ORDER BY r.sort_ms {direction}, r.id {direction} LIMIT ?",
        (*values, limit + 1),
    ).fetchall()
    more = _write_cursor(rows[limit - 1][0], rows[limit - 1][1]) if len(rows) > limit else None
    return rows[:limit], more


def _ranked_rows(
    connection: apsw.Connection, condition: Condition, rank: str, limit: int, cursor: str | None
) -> tuple[list[Any], str | None]:
    """By relevance; entries that the query finds without any of its words come last. The cursor is an offset."""
    (offset,) = _read_cursor(cursor, 1) if cursor is not None else (0,)
    rows = connection.execute(
        f"WITH ranked AS (SELECT rowid AS id, bm25(text, {_WEIGHTS}) AS score FROM text WHERE text MATCH ?)"  # noqa: S608 - made of our own words
        " SELECT r.sort_ms, r.id, r.current, r.event FROM revisions r LEFT JOIN ranked ON ranked.id = r.id"
        f" WHERE {condition.sql} ORDER BY ifnull(ranked.score, 0.0), r.sort_ms DESC, r.id DESC LIMIT ? OFFSET ?",
        (rank, *condition.values, limit + 1, offset),
    ).fetchall()
    return rows[:limit], _write_cursor(offset + limit) if len(rows) > limit else None


def _write_cursor(*place: int) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def _read_cursor(cursor: str, parts: int) -> list[int]:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        place = msgspec.json.decode(base64.urlsafe_b64decode(padded), type=list[int])
    except (ValueError, msgspec.MsgspecError) as error:
        raise UserError("that cursor is none that this search gave") from error
    if len(place) != parts or not all(abs(number) < 2**62 for number in place) or (parts == 1 and place[0] < 0):
        raise UserError("that cursor is none that this search gave")
    return place


def _event(stored: Any) -> EntryEvent:
    return decode(decompress(stored), EntryEvent)
