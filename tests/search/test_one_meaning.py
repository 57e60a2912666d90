"""The search index and the matcher hold every query to one meaning: generated documents, generated queries."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar

import apsw
import msgspec
import pytest
from hypothesis import HealthCheck, event, given, note, settings
from hypothesis import strategies as st

from sinks.search.embedded.read import Window, read_search
from sinks.search.embedded.schema import prepare, prepare_reader
from sinks.search.embedded.write import rebuild_text, write_event
from sinks.search.opensearch.address import Address
from sinks.search.opensearch.client import Client
from sinks.search.opensearch.generations import ensure_current, refresh
from sinks.search.opensearch.index import OpenSearchIndex
from sinks.search.opensearch.write import EventWriter, NewEvent
from tests.servers.opensearch import OpenSearchServer
from wirewatch.brokers.embedded.schema import transaction
from wirewatch.events import EntryEvent, encode
from wirewatch.query import Document, FeedMaxima, MatchContext, Query, QueryIndex, holds, parse_query, read_event_line
from wirewatch.times import SystemClock, format_ms

T = TypeVar("T")
NOW_MS = 1_700_000_000_000
WORDS = [
    *(
        "storm",
        "Storms",
        "storming",
        "flood",
        "Over",
        "not",
        "café",
        "CAFE\u0301",
        "cafe",
        "Łódź",
        "lodz",
        "STRASSE",
        "Straße",
    ),
    *("4,000", "4000", "4.000", "4\u00a0000", "3.5", "4", "10km", "10", "km", "two-fold", "two", "fold", "Minister's"),
    *(
        "minister",
        "minister’s",
        "d’Alma",
        "alma",
        "火山",
        "大火",
        "火",
        "山火大",
        "東京タワー",
        "タワー",
        "น้ำท่วม",
        "ท่วม",
    ),
    *("ｶﾞｽ", "ガス", "Йод", "иод", "٤٠٠٠", "x²", "und", "NEAR", "AND", "\ue000", "kz", "H5N1", "ไฟ", "a", "b", "a", "b"),
]
QUERY_WORDS = [word for word in WORDS if word not in {"NEAR", "AND", "\ue000"}]
text = st.lists(st.sampled_from(WORDS), max_size=9).flatmap(
    lambda found: st.sampled_from([" ", " ", ", ", "-", ""]).map(lambda sep: sep.join(found))
)
name = st.lists(st.sampled_from(WORDS), min_size=1, max_size=2).map(" ".join)
KINDS = ["killed", "arrested", "detained", "injured"]
POINTS = [(43.25, 76.95), (43.3, 77.0), (51.1, 71.4), (-33.9, 151.2), (0.0, 179.99), (0.0, -179.99), (None, None)]


@st.composite
def figures(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "kind": draw(st.sampled_from(KINDS)),
        "value": float(draw(st.sampled_from([1, 3, 10, 12, 4000, 2.5]))),
        "min": None, "max": None, "qualifier": "exact", "unit": None, "text": "", "span": ["headline", 0, 1],
        "background": draw(st.integers(0, 4)) == 0,
    }  # fmt: skip


@st.composite
def places(draw: st.DrawFn) -> dict[str, Any]:
    lat, lon = draw(st.sampled_from(POINTS))
    return {
        "name": draw(name), "id": draw(st.sampled_from(["KZ", "geonames:15", "東"])), "lat": lat, "lon": lon,
        "country": draw(st.sampled_from([None, "KZ", "AU"])), "via": "name", "background": False, "spans": [],
    }  # fmt: skip


@st.composite
def enrichments(draw: st.DrawFn) -> dict[str, Any] | None:
    if draw(st.integers(0, 4)) == 0:
        return None
    dateline = {"place": draw(name), "agency": draw(name), "span": ["body", 0, 1]} if draw(st.booleans()) else None
    said = [{"who": who, "role": "origin", "generic": False, "span": None} for who in draw(st.lists(name, max_size=2))]
    return {
        "version": "1", "dateline": dateline, "attribution": said, "hedge": draw(st.sampled_from(["none", "reported"])),
        "figures": draw(st.lists(figures(), max_size=3)), "places": draw(st.lists(places(), max_size=2)),
    }  # fmt: skip


@st.composite
def histories(draw: st.DrawFn) -> list[EntryEvent]:
    """Events of two feeds, in order: entries with revisions, a lead, feed events."""
    events: list[EntryEvent] = []
    revisions: dict[tuple[str, str | None], int] = {}
    sequence = {"kz-live": 0, "kz.rss": 0}
    for nth in range(draw(st.integers(1, 9))):
        feed_id = draw(st.sampled_from(sorted(sequence)))
        sequence[feed_id] += 1
        of_feed = draw(st.integers(0, 5)) == 0
        entry_id = None if of_feed else f"en_{feed_id}_{draw(st.integers(0, 2))}"
        revision = revisions[feed_id, entry_id] = revisions.get((feed_id, entry_id), 0) + 1
        published = draw(st.sampled_from([None, NOW_MS - 3_600_000, NOW_MS - 7_200_000, NOW_MS + 60_000]))
        event_fields: dict[str, Any] = {
            "id": f"ev_{nth}", "seq": sequence[feed_id], "feed_id": feed_id, "entry_id": entry_id, "revision": revision,
            "time": format_ms(NOW_MS - 1_000_000 + nth), "headline": draw(text),
            "published": format_ms(published) if published else None,
            "first_seen": draw(st.sampled_from([None, format_ms(NOW_MS - 5_000_000)])),
            "flags": draw(st.sampled_from([[], ["late"]])),
            "evidence": {"kind": "", "text": draw(text), "snapshots": []},
        }  # fmt: skip
        if of_feed:
            event_fields |= {"op": draw(st.sampled_from(["gap", "source-error"])), "subject": "feed", "entry": None}
        else:
            event_fields |= draw(entry_parts(event_fields["headline"]))
        found = read_event_line(msgspec.json.encode(event_fields))
        assert found is not None
        events.append(found)
    return events


@st.composite
def entry_parts(draw: st.DrawFn, headline: str) -> dict[str, Any]:
    change = {
        "field": draw(st.sampled_from(["headline", "body"])),
        "class": draw(st.sampled_from(["figures", "body-cut"])),
        "classes": ["figures", "typo"],
        "grade": "major",
        "before": "",
        "after": "",
        "diff": [],
    }
    return {
        "op": draw(st.sampled_from(["created", "updated", "withdrawn", "baseline"])),
        "subject": draw(st.sampled_from(["entry", "entry", "lead"])),
        "changes": [change] if draw(st.booleans()) else [],
        "enrichment": draw(enrichments()),
        "entry": {
            "headline": headline, "body": draw(text), "tags": draw(st.lists(name, max_size=2)),
            "language": draw(st.sampled_from([None, "en", "en-GB", "ru"])), "pinned": draw(st.booleans()),
            "status": draw(st.sampled_from(["current", "withdrawn"])),
            "form": draw(st.sampled_from(["text", "headline-only"])),
            "media": [{"kind": "video", "url": ""}] if draw(st.booleans()) else [],
        },
    }  # fmt: skip


phrases = st.one_of(
    st.sampled_from(QUERY_WORDS),
    st.lists(st.sampled_from(QUERY_WORDS), min_size=1, max_size=3).map(lambda found: f'"{" ".join(found)}"'),
    st.sampled_from(["sto*", "caf*", "4*", "k*", "火*", "two-f*", '"two f"*', "minister*", "น้*"]),
)
scoped = st.tuples(st.sampled_from(["headline", "body", "place", "dateline", "said-by", "tag"]), phrases).map(":".join)
near = st.tuples(phrases, st.integers(0, 4), phrases).map(lambda found: f"({found[0]} NEAR/{found[1]} {found[2]})")
scoped_near = st.tuples(st.sampled_from(["headline", "body"]), near).map(":".join)
keywords = st.sampled_from(
    [
        *("feed:kz-live", "feed:kz*", "feed:kz.rss", "lang:en", "lang:en-gb", "lang:e*", "op:created", "op:updated"),
        *(
            "op:gap",
            "op:source-error",
            "op:withdrawn",
            "hedge:none",
            "hedge:reported",
            "changed:figures",
            "changed:typo",
        ),
        *("changed:body", "changed:body-cut", "has:video", "has:media", "has:figure", "has:place", "has:dateline"),
        *("is:headline-only", "is:lead", "is:withdrawn", "is:current", "is:pinned", "is:late", "has:body"),
        *("place:kz", "place:geonames:15", "place:AU", "place:東", "since:90m", "until:90m", "seen-since:2h"),
        *("since:2023-11-14", "until:2023-11-14", "near:43.25,76.95,20km", "near:43.25,76.95,0m", "near:0,180,5km"),
        *("near:90,0,20000km", "near:43,77,900mi"),
    ]
)
figure_clauses = st.tuples(
    st.sampled_from(KINDS), st.booleans(), st.sampled_from([">=", "<=", ">", "<", "=", "!="]),
    st.sampled_from(["1", "3", "10", "4,000", "2.5"]),
).map(lambda found: f"figure.{found[0]}{':new' if found[1] else ''}{found[2]}{found[3]}")  # fmt: skip
queries = st.recursive(
    st.one_of(phrases, phrases, scoped, near, scoped_near, keywords, figure_clauses),
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(lambda found: f"({' '.join(found)})"),
        st.lists(inner, min_size=2, max_size=3).map(lambda found: f"({' OR '.join(found)})"),
        inner.map(lambda found: f"NOT ({found})"),
        inner.map(lambda found: f"-({found})"),
    ),
    max_leaves=6,
)
whole_queries = st.tuples(queries, st.booleans()).map(lambda found: found[0] + " versions:all" * found[1])


def index_of(events: list[EntryEvent]) -> apsw.Connection:
    connection = apsw.Connection(":memory:")
    prepare(connection, "memory", rebuild=rebuild_text)
    with transaction(connection):
        for one in events:
            assert write_event(connection, one)
    prepare_reader(connection, "memory")
    return connection


def contexts_of(events: list[EntryEvent]) -> list[MatchContext]:
    said: dict[str, FeedMaxima] = {}
    contexts = []
    for one in events:
        before = said.get(one.feed_id, FeedMaxima())
        contexts.append(MatchContext(now_ms=NOW_MS, maxima=before))
        said[one.feed_id] = before.after(one)
    return contexts


def by_matcher(events: list[EntryEvent], query: Query, *, as_of_ms: int | None = None) -> set[str]:
    known = [one for one in events if as_of_ms is None or one.time <= format_ms(as_of_ms)]
    newest = {one.entry_id: one.id for one in known}
    in_scope = {one.id for one in known if query.versions_all or one.entry_id is None or newest[one.entry_id] == one.id}
    held = zip(events, contexts_of(events), strict=True)
    return {one.id for one, context in held if one.id in in_scope and holds(query, one, context)}


@given(histories(), st.lists(whole_queries, min_size=1, max_size=6))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_the_index_finds_what_the_matcher_finds(events: list[EntryEvent], texts: list[str]) -> None:
    connection = index_of(events)
    for query_text in texts:
        query = parse_query(query_text)
        note(f"{query_text!r} -> {query}")
        page = read_search(connection, query, now_ms=NOW_MS, limit=1000, count=True)
        found = {hit.event.id for hit in page.hits}
        event("something found" if found else "nothing found")
        assert found == by_matcher(events, query)
        assert page.total == len(page.hits) == len(found)
        assert {hit.event.id for hit in read_search(connection, query, now_ms=NOW_MS, order="relevance").hits} == found


@given(histories(), whole_queries, st.integers(-1, 10))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_a_search_as_of_a_moment_finds_what_stood_there_then(events: list[EntryEvent], text_: str, after: int) -> None:
    as_of_ms = NOW_MS - 1_000_000 + after
    query = parse_query(text_)
    page = read_search(index_of(events), query, now_ms=NOW_MS, window=Window(as_of_ms=as_of_ms), limit=1000)
    assert {hit.event.id for hit in page.hits} == by_matcher(events, query, as_of_ms=as_of_ms)


class OnServer:
    """An index on the real server, empty for each example. Synchronous, for hypothesis."""

    def __init__(self, server: OpenSearchServer) -> None:
        self._server = server
        self.address = Address((f"127.0.0.1:{server.port}",), prefix="one-meaning", shards=2)
        self._runner = asyncio.Runner()
        self._client = Client(self.address)
        self.index = OpenSearchIndex(self.address)

    def write(self, batches: list[list[EntryEvent]]) -> None:
        """These and no others, in these batches."""
        self.run(self._write(batches))

    async def _write(self, batches: list[list[EntryEvent]]) -> None:
        for name in self._server.ask("GET", "/one-meaning-*?expand_wildcards=open"):
            self._server.ask("DELETE", f"/{name}")
        generation = (await ensure_current(self._client)).generation
        writer = EventWriter(self._client, generation, SystemClock())
        for batch in batches:
            await writer.write([NewEvent(one, encode(one)) for one in batch])
        await refresh(self._client, generation)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    def close(self) -> None:
        self.run(self.index.close())
        self.run(self._client.close())
        self._runner.close()


@pytest.fixture(scope="module")
def on_server(opensearch: OpenSearchServer) -> Iterator[OnServer]:
    server = OnServer(opensearch)
    yield server
    server.close()


def in_batches(events: list[EntryEvent], size: int, again: int) -> list[list[EntryEvent]]:
    """In order, and the last few once more from some place on, as after a crash."""
    batches = [events[at : at + size] for at in range(0, len(events), size)]
    return [*batches, *batches[-again:]] if again else batches


@pytest.mark.servers
@given(histories(), st.lists(whole_queries, min_size=1, max_size=6), st.integers(1, 9), st.integers(0, 3))
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_opensearch_finds_what_the_matcher_finds(
    on_server: OnServer, events: list[EntryEvent], texts: list[str], size: int, again: int
) -> None:
    on_server.write(in_batches(events, size, again))
    for query_text in texts:
        query = parse_query(query_text)
        note(f"{query_text!r} -> {query}")
        page = on_server.run(on_server.index.search(query_text, now_ms=NOW_MS, limit=1000, count=True))
        found = {hit.event.id for hit in page.hits}
        event("something found" if found else "nothing found")
        assert found == by_matcher(events, query)
        assert page.total == len(page.hits) == len(found)
        ranked = on_server.run(on_server.index.search(query_text, now_ms=NOW_MS, order="relevance"))
        assert {hit.event.id for hit in ranked.hits} == found


@pytest.mark.servers
@given(histories(), st.lists(st.tuples(whole_queries, st.integers(-1, 10)), min_size=1, max_size=6))
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_opensearch_as_of_a_moment_finds_what_stood_there_then(
    on_server: OnServer, events: list[EntryEvent], asked: list[tuple[str, int]]
) -> None:
    on_server.write(in_batches(events, 4, 0))
    for text_, after in asked:
        as_of_ms = NOW_MS - 1_000_000 + after
        page = on_server.run(on_server.index.search(text_, now_ms=NOW_MS, as_of=as_of_ms, limit=1000))
        assert {hit.event.id for hit in page.hits} == by_matcher(events, parse_query(text_), as_of_ms=as_of_ms)


@given(histories(), st.lists(whole_queries, min_size=1, max_size=8))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_the_candidates_of_many_searches_hold_every_match(events: list[EntryEvent], texts: list[str]) -> None:
    searches = {str(nth): parse_query(text_) for nth, text_ in enumerate(texts)}
    index = QueryIndex(searches.items())
    for one, context in zip(events, contexts_of(events), strict=True):
        document = Document(one)
        expected = sorted(key for key, query in searches.items() if holds(query, one, context))
        assert index.candidates(document) >= set(expected)
        assert index.matching(document, context) == expected


@given(whole_queries)
@settings(max_examples=300, deadline=None)
def test_a_query_prints_as_text_that_parses_to_the_same_tree(text_: str) -> None:
    query = parse_query(text_)
    assert parse_query(str(query)) == query
    assert str(parse_query(str(query))) == str(query)
