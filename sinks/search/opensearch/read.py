"""The index's questions in OpenSearch's form, and its answers read: bodies, cursors, hits. Pure."""

from __future__ import annotations

import base64
from typing import Any, Final, Literal

import msgspec
from msgspec import Raw, Struct

from sinks.search.interface import MAX_LIMIT, Hit, Order, SearchPage
from sinks.search.opensearch.compile import Clause, any_of, compile_query, moment, none_of, rank_clauses
from wirewatch.errors import UserError
from wirewatch.events import EntryEvent, decode
from wirewatch.query.evaluate import highlights
from wirewatch.query.syntax import Query

_DAYS_PAGE: Final = 5_000
_SHOWN: Final = ["event", "current"]
DAY_MS: Final = 86_400_000


class Found(Struct):
    """A hit's source."""

    event: Raw
    current: bool = False

    def read(self) -> EntryEvent:
        """The event as it was written."""
        return decode(bytes(self.event), EntryEvent)


class FoundHit(Struct):
    """A hit with its place in the order."""

    source: Found = msgspec.field(name="_source")
    sort: list[int | float | str] = []


class _Total(Struct):
    value: int = 0


class _Hits(Struct):
    hits: list[FoundHit]
    total: _Total | None = None


class SearchAnswer(Struct):
    """What `_search` answers."""

    hits: _Hits
    timed_out: bool = False


class _Moment(Struct):
    value: float | None = None


class _Quiet(Struct):
    first: _Moment


class _Key(Struct):
    told_as: str


class _Bucket(Struct):
    key: _Key
    first: _Moment
    quiet: _Quiet


class _Told(Struct):
    buckets: list[_Bucket]
    after_key: dict[str, Any] | None = None


class _Aggregations(Struct):
    told: _Told


class DaysAnswer(Struct):
    """What `_search` answers to `days_body`."""

    aggregations: _Aggregations
    timed_out: bool = False


def search_body(
    query: Query,
    *,
    now_ms: int | None,
    since_ms: int | None,
    until_ms: int | None,
    as_of_ms: int | None,
    limit: int,
    cursor: str | None,
    order: Order,
    count: bool,
) -> dict[str, Any]:
    """One page of what the query finds, and one hit more. Raises `UserError` for a cursor that is none of ours."""
    clauses = [compile_query(query, now_ms=now_ms), *_scope(query, as_of_ms)]
    if since_ms is not None:
        clauses.append(moment("at_ms", "gte", since_ms))
    if until_ms is not None:
        clauses.append(moment("at_ms", "lte", until_ms))
    ranks = rank_clauses(query) if order == "relevance" else []
    return _page_body(clauses, limit=limit, cursor=cursor, oldest=order == "oldest", ranks=ranks, count=count)


def latest_body(feed_id: str | None, *, limit: int, cursor: str | None, oldest: bool) -> dict[str, Any]:
    """Each entry's newest event, leads and feed events left out."""
    clauses: list[Clause] = [{"term": {"current": True}}, {"term": {"subject": "entry"}}]
    if feed_id is not None:
        clauses.append({"term": {"feed_id": feed_id}})
    return _page_body(clauses, limit=limit, cursor=cursor, oldest=oldest, ranks=[], count=False)


def lead_body(feed_id: str) -> dict[str, Any]:
    """A feed's lead as it stands."""
    terms: list[Clause] = [{"term": {"feed_id": feed_id}}, {"term": {"current": True}}, {"term": {"subject": "lead"}}]
    return _few(terms, [{"seq": "desc"}], 1)


def entry_body(entry_id: str, below: int | None) -> dict[str, Any]:
    """An entry's revisions, newest first, those below a number."""
    clauses: list[Clause] = [{"term": {"entry_id": entry_id}}]
    if below is not None:
        clauses.append({"range": {"seq": {"lt": below}}})
    return _few(clauses, [{"seq": "desc"}], MAX_LIMIT)


def event_body(event_id: str) -> dict[str, Any]:
    """One event by its id."""
    return _few([{"term": {"event_id": event_id}}], [{"seq": "asc"}], 1)


def events_body(feed_id: str, after_seq: int, limit: int) -> dict[str, Any]:
    """A feed's events after a number, in order."""
    terms: list[Clause] = [{"term": {"feed_id": feed_id}}, {"range": {"seq": {"gt": after_seq}}}]
    return _few(terms, [{"seq": "asc"}], bounded(limit))


def days_body(query: Query, *, now_ms: int | None, after: dict[str, Any] | None) -> dict[str, Any]:
    """Every entry that the query found, with when it first did, and when it first did so quietly; page by page."""
    first = {"min": {"field": "time_ms"}}
    told: dict[str, Any] = {"size": _DAYS_PAGE, "sources": [{"told_as": {"terms": {"field": "told_as"}}}]}
    if after is not None:
        told["after"] = after
    quiet = {"filter": {"terms": {"op": ["baseline", "backfilled"]}}, "aggs": {"first": first}}
    return {
        "query": {"bool": {"filter": [compile_query(query, now_ms=now_ms)]}},
        "size": 0,
        "track_total_hits": False,
        "aggs": {"told": {"composite": told, "aggs": {"first": first, "quiet": quiet}}},
    }


def days_of(answer: DaysAnswer, since_ms: int, until_ms: int) -> list[tuple[int, bool]]:
    """The day of each entry of a page, counted from 1970, and whether it came quietly."""
    out = []
    for bucket in answer.aggregations.told.buckets:
        first = bucket.first.value
        if first is not None and since_ms <= first <= until_ms:
            out.append((int(first // DAY_MS), bucket.quiet.first.value == first))
    return out


def page_of(answer: SearchAnswer, query: Query | None, limit: int) -> SearchPage:
    """The page that `search_body` and `latest_body` asked for; with the words that were found, if there is a query."""
    hits = answer.hits.hits
    more = _write_cursor(hits[limit - 1].sort) if len(hits) > limit else None
    total = answer.hits.total.value if answer.hits.total is not None else None
    return SearchPage([_hit(one, query) for one in hits[:limit]], more, total)


def bounded(limit: int) -> int:
    """How many a page may hold."""
    return max(1, min(limit, MAX_LIMIT))


def _hit(one: FoundHit, query: Query | None) -> Hit:
    event = one.source.read()
    spans = list(highlights(query, event)) if query is not None else []
    return Hit(event, one.source.current, spans)  # type: ignore[arg-type]  # highlights only names text fields


def _scope(query: Query, as_of_ms: int | None) -> list[Clause]:
    if as_of_ms is None:
        return [] if query.versions_all else [{"term": {"current": True}}]
    seen = moment("time_ms", "lte", as_of_ms)
    if query.versions_all:
        return [seen]
    stands = any_of([none_of({"exists": {"field": "until_ms"}}), moment("until_ms", "gt", as_of_ms)])
    return [seen, stands]


def _few(clauses: list[Clause], sort: list[dict[str, str]], size: int) -> dict[str, Any]:
    return {
        "query": {"bool": {"filter": clauses}},
        "sort": sort,
        "size": size,
        "_source": _SHOWN,
        "track_total_hits": False,
    }


def _page_body(
    clauses: list[Clause], *, limit: int, cursor: str | None, oldest: bool, ranks: list[Clause], count: bool
) -> dict[str, Any]:
    direction: Literal["asc", "desc"] = "asc" if oldest else "desc"
    # the last two make the order a whole one: no two documents are equal in both
    sort: list[dict[str, str]] = [{"sort_ms": direction}, {"seq": direction}, {"feed_id": direction}]
    if ranks:
        sort = [{"_score": "desc"}, *sort]
    query: dict[str, Any] = {"filter": clauses}
    if ranks:
        query |= {"should": ranks, "minimum_should_match": 0}
    body: dict[str, Any] = {
        "query": {"bool": query},
        "sort": sort,
        "size": bounded(limit) + 1,
        "_source": _SHOWN,
        "track_total_hits": count,
    }
    if cursor is not None:
        body["search_after"] = _read_cursor(cursor, ranked=bool(ranks))
    return body


def _write_cursor(place: list[int | float | str]) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def _read_cursor(cursor: str, *, ranked: bool) -> list[Any]:
    try:
        place = msgspec.json.decode(
            base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)),
            type=tuple[float, int, int, str] if ranked else tuple[int, int, str],
        )
    except (ValueError, msgspec.MsgspecError) as error:
        raise UserError("that cursor is none that this search gave") from error
    if any(isinstance(part, int) and abs(part) >= 1 << 62 for part in place):
        raise UserError("that cursor is none that this search gave")
    return list(place)
