"""The contract of the search index, run on every place that keeps it: what is written is found, as it stood, once."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from sinks.search.interface import SearchIndex
from tests.search.conftest import START_MS
from wirewatch.brokers.binding import OtherLogError
from wirewatch.errors import BadInput, UserError
from wirewatch.hosting import Sink
from wirewatch.query import QueryError
from wirewatch.times import format_ms

NOW = START_MS + 86_400_000


async def found(index: SearchIndex, query: str, **how: Any) -> list[str]:
    page = await index.search(query, now_ms=NOW, **how)
    return [event.id for event in page.events]


async def test_what_is_written_is_found_with_its_position_newest_first(
    sink: Sink, index: SearchIndex, log: Any
) -> None:
    log.add("Storm nears the coast", entry="en_1")
    log.add("Storm hits", entry="en_2")
    assert await sink.position("wirewatch.entries.v1", 3) is None
    await sink.write(log.records)
    assert await sink.position("wirewatch.entries.v1", 3) == 2
    assert await found(index, "storm") == ["ev_2", "ev_1"]
    page = await index.search("coast", now_ms=NOW, count=True)
    assert page.total == 1
    assert page.hits[0].spans == [("headline", 16, 21)]
    assert msgspec.json.encode(page.hits[0].event) == log.records[0].value


async def test_an_index_belongs_to_the_first_log_it_is_told_of(sink: Sink, make_sink: Any) -> None:
    await sink.bind_log("log-a")
    await sink.close()
    again = make_sink()
    await again.start()
    await again.bind_log("log-a")
    with pytest.raises(
        UserError, match=r"the search index .* belongs to the log log-a, but the setting broker names .* log-b"
    ):
        await again.bind_log("log-b")
    await again.close()


async def test_who_only_reads_is_told_of_another_log(sink: Sink, index: SearchIndex) -> None:
    await index.require_log("log-a")
    await sink.bind_log("log-b")
    await index.require_log("log-b")
    with pytest.raises(OtherLogError, match=r"the search index .* belongs to the log log-b.* names the log log-a"):
        await index.require_log("log-a")


async def test_an_edit_takes_the_place_of_what_stood_there_and_both_are_kept(
    sink: Sink, index: SearchIndex, log: Any
) -> None:
    log.add("Three thousand held")
    log.add("Four thousand held")
    log.add("Four thousand held", op="withdrawn", entry="en_1")
    await sink.write(log.records)
    assert await found(index, "three") == []
    assert await found(index, "three versions:all") == ["ev_1"]
    assert await found(index, "four") == ["ev_3"]
    assert await found(index, "held versions:all") == ["ev_3", "ev_2", "ev_1"]
    assert [event.id for event in await index.entry("en_1")] == ["ev_3", "ev_2", "ev_1"]
    assert [event.seq for event in await index.events("kz-live", after_seq=1)] == [2, 3]
    event = await index.event("ev_2")
    assert event is not None
    assert event.revision == 2


async def test_as_of_finds_what_stood_there_then(sink: Sink, index: SearchIndex, log: Any) -> None:
    log.add("Three held", minute=1)
    log.add("Four held", minute=5)
    await sink.write(log.records)
    at = [await found(index, "held", as_of=START_MS + minute * 60_000) for minute in (0, 1, 4, 5, 9)]
    assert at == [[], ["ev_1"], ["ev_1"], ["ev_2"], ["ev_2"]]
    assert await found(index, "three", as_of=START_MS + 240_000) == ["ev_1"]


async def test_a_record_that_cannot_be_read_is_refused_before_any_is_written(
    sink: Sink, index: SearchIndex, log: Any
) -> None:
    log.add("Storm")
    bad = msgspec.structs.replace(log.add("x"), value=b'{"op": "moved"}')
    with pytest.raises(BadInput, match="not a EntryEvent"):
        await sink.write([log.records[0], bad])
    with pytest.raises(BadInput, match="has no value"):
        await sink.write([msgspec.structs.replace(bad, value=None)])
    assert await sink.position("wirewatch.entries.v1", 3) is None
    await sink.write(log.records[:1])
    await sink.skip(bad)
    assert await sink.position("wirewatch.entries.v1", 3) == 2
    assert await found(index, "storm") == ["ev_1"]


async def test_events_out_of_order_end_as_the_same_history(sink: Sink, index: SearchIndex, log: Any) -> None:
    for headline in ("one storm", "two storm", "three storm"):
        log.add(headline)
    for nth in (2, 0, 1):
        await sink.write([msgspec.structs.replace(log.records[nth], partition=nth)])
    assert await found(index, "storm") == ["ev_3"]
    as_of = [await found(index, "storm", as_of=START_MS + 60_000 * minute) for minute in (1, 2, 3)]
    assert as_of == [["ev_1"], ["ev_2"], ["ev_3"]]


async def test_a_phrase_does_not_reach_from_one_place_into_the_next(sink: Sink, index: SearchIndex, log: Any) -> None:
    place = {"id": "XX", "country": None, "lat": None, "lon": None, "via": "name", "background": False, "spans": []}
    log.add("x", enrichment={"version": "1", "places": [{**place, "name": "New"}, {**place, "name": "York"}]})
    await sink.write(log.records)
    assert await found(index, 'place:"new york"') == []
    assert await found(index, "place:(new york)") == ["ev_1"]


async def test_pages_go_on_where_the_last_ended(sink: Sink, index: SearchIndex, log: Any) -> None:
    for nth in range(7):
        log.add("Storm" + " storm" * nth, entry=f"en_{nth}", minute=nth // 2)
    await sink.write(log.records)
    for order in ("newest", "oldest", "relevance"):
        seen: list[str] = []
        cursor = None
        for _page in range(4):
            page = await index.search("storm", now_ms=NOW, limit=2, cursor=cursor, order=order)  # type: ignore[arg-type]  # one of three
            seen += [event.id for event in page.events]
            cursor = page.more
        assert cursor is None
        assert len(seen) == len(set(seen)) == 7
        if order != "relevance":
            assert seen == [f"ev_{nth}" for nth in (range(7, 0, -1) if order == "newest" else range(1, 8))]
    for garbage in ("x", "W10", "WyJhIl0", "é", "WzFlOTksMV0"):
        with pytest.raises(UserError, match="cursor"):
            await index.search("storm", now_ms=NOW, cursor=garbage)


async def test_the_live_page_shows_entries_withdrawn_ones_too_and_its_lead_apart(
    sink: Sink, index: SearchIndex, log: Any
) -> None:
    log.add("Lead", entry="en_lead", subject="lead")
    log.add("First", entry="en_1")
    log.add("Second", entry="en_2", op="withdrawn")
    log.add("Lead, edited", entry="en_lead", subject="lead")
    await sink.write(log.records)
    newest = await index.latest(feed_id="kz-live", limit=1)
    assert [event.headline for event in newest.events] == ["Second"]
    rest = await index.latest(feed_id="kz-live", before=newest.more)
    assert [event.headline for event in rest.events] == ["First"]
    assert [event.headline for event in (await index.latest(order="oldest")).events] == ["First", "Second"]
    lead = await index.lead("kz-live")
    assert lead is not None
    assert lead.headline == "Lead, edited"
    assert await index.lead("other") is None


async def test_a_search_is_tried_on_history_by_day(sink: Sink, index: SearchIndex, log: Any) -> None:
    day = 24 * 60
    log.add("Storm", entry="en_1", minute=0, op="baseline")
    log.add("Storm", entry="en_2", minute=1)
    log.add("Storm again", entry="en_2", minute=day)
    log.add("Calm", entry="en_3", minute=day)
    log.add("Storm", entry="en_3", minute=2 * day)
    await sink.write(log.records)
    days = await index.count_by_day("storm", now_ms=NOW + 10 * 86_400_000)
    assert [(one.day, one.entries, one.quiet) for one in days] == [("2022-01-07", 2, 1), ("2022-01-09", 1, 0)]


async def test_bounds_beside_the_query_are_on_the_time_of_publication(sink: Sink, index: SearchIndex, log: Any) -> None:
    log.add("Storm", entry="en_1", published=format_ms(START_MS - 5_000))
    log.add("Storm", entry="en_2", published=format_ms(START_MS + 5_000))
    await sink.write(log.records)
    assert await found(index, "storm", since=START_MS) == ["ev_2"]
    assert await found(index, "storm", until=START_MS) == ["ev_1"]
    assert await found(index, f"storm since:{format_ms(START_MS)}") == ["ev_2"]


async def test_writing_again_changes_nothing_f4(sink: Sink, index: SearchIndex, log: Any) -> None:
    for nth in range(6):
        log.add(f"Storm {nth}", entry=f"en_{nth % 3}")
    await sink.write(log.records[:4])
    before = await index.search("storm versions:all", now_ms=NOW)
    await sink.write(log.records[:4])
    await sink.write(log.records[1:2])
    assert await index.search("storm versions:all", now_ms=NOW) == before
    await sink.write(log.records)
    assert await found(index, "storm versions:all") == [f"ev_{nth}" for nth in (6, 5, 4, 3, 2, 1)]
    again = [msgspec.structs.replace(record, partition=9) for record in log.records]
    await sink.write(again)  # the same events from another partition's position are still the same events
    assert len(await found(index, "storm versions:all")) == 6
    assert await found(index, "storm") == ["ev_6", "ev_5", "ev_4"]
    assert await sink.position("wirewatch.entries.v1", 9) == 6


async def test_an_edit_written_again_by_itself_ends_only_what_it_followed(
    sink: Sink, index: SearchIndex, log: Any
) -> None:
    for nth in range(4):
        log.add(f"Storm {nth}")
    await sink.write(log.records)
    await sink.write([msgspec.structs.replace(log.records[1], partition=9)])
    assert await found(index, "storm") == ["ev_4"]
    at = [await found(index, "storm", as_of=START_MS + 60_000 * minute) for minute in (1, 2, 3, 4)]
    assert at == [["ev_1"], ["ev_2"], ["ev_3"], ["ev_4"]]


async def test_a_figure_is_new_only_where_its_feed_had_not_said_as_much(
    sink: Sink, index: SearchIndex, log: Any
) -> None:
    for nth, killed in enumerate((3, 5, 4, 5, 6)):
        figure = {
            "kind": "killed", "value": killed, "min": None, "max": None, "qualifier": "exact", "unit": None,
            "text": str(killed), "span": ["headline", 0, 1],
        }  # fmt: skip
        log.add(f"{killed} killed", entry=f"en_{nth}", enrichment={"version": "1", "figures": [figure]})
    await sink.write(log.records[:2])
    await sink.write(log.records[:4])
    await sink.position("wirewatch.entries.v1", 3)  # as after a hand-over: nothing is remembered
    await sink.write(log.records)
    assert await found(index, "figure.killed>=4") == ["ev_5", "ev_4", "ev_3", "ev_2"]
    assert await found(index, "figure.killed:new>=4") == ["ev_5", "ev_2"]


async def test_words_longer_than_any_index_takes_are_found_whole(sink: Sink, index: SearchIndex, log: Any) -> None:
    word = "x" * 9_000
    log.add(word + "a", entry="en_1")
    log.add(word + "b", entry="en_2")
    log.add("y" * 100_000, entry="en_3")
    await sink.write(log.records)
    assert await found(index, word + "b") == ["ev_2"]
    assert await found(index, "xxx*") == ["ev_2", "ev_1"]


async def test_feed_events_are_found_only_by_those_who_ask_for_them(sink: Sink, index: SearchIndex, log: Any) -> None:
    log.add("Storm")
    log.add("", op="gap", subject="feed", entry_id=None, evidence={"kind": "gap", "text": "storm of news"})
    await sink.write(log.records)
    assert await found(index, "storm") == ["ev_1"]
    assert await found(index, "op:gap") == ["ev_2"]
    assert await found(index, "op:gap -feed:kz-live") == []
    assert [event.id for event in await index.events("kz-live")] == ["ev_1", "ev_2"]
    assert [event.id for event in (await index.latest()).events] == ["ev_1"]


async def test_a_reader_is_told_in_words_what_is_wrong_with_its_question(sink: Sink, index: SearchIndex) -> None:
    assert await index.ready() is None
    assert await found(index, "storm") == []
    assert await index.event("ev_1") is None
    assert await index.entry("en_1") == []
    with pytest.raises(QueryError, match="character 1"):
        await index.search('"storm', now_ms=NOW)
    await index.close()
    await index.close()
    with pytest.raises(UserError, match="closed"):
        await index.search("storm", now_ms=NOW)
    assert "closed" in str(await index.ready())


async def test_the_widest_queries_that_the_language_allows_are_answered(
    sink: Sink, index: SearchIndex, log: Any
) -> None:
    log.add("Storm", entry="en_1", published="1950-03-01T00:00:00Z")
    await sink.write(log.records)
    deep = "storm"
    for nth in range(30):
        deep = f"-(calm {deep})" if nth % 2 else f"(calm OR {deep})"
    widest = [
        " OR ".join(["storm", *(f"calm{letter}" for letter in "abcdefghij" * 49)]),
        "storm -(" + " OR ".join(f"place:x{nth}" for nth in range(480)) + ")",
        deep,
        f'-("{" ".join(["calm"] * 64)}" NEAR/255 "{" ".join(["sea"] * 64)}") storm',
        "since:1950-03-01 until:1950-03-01 since:0001-01-01",
        "-near:90,0,20000km",
    ]
    assert [await found(index, query) for query in widest] == [["ev_1"]] * len(widest)
