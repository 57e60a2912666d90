"""The stream: resumes exactly, refuses what is no place of its log, and slow readers cost it nothing."""

from __future__ import annotations

import asyncio
import random
import tracemalloc
from typing import Any

import pytest

from sinks.web.cursor import decode_cursor, encode_cursor
from sinks.web.stream import StreamHub
from tests.web.kit import Site, alert_of, read_events, until
from wirewatch import metrics
from wirewatch.brokers.interface import Broker, Record
from wirewatch.canary import CANARY_ID
from wirewatch.errors import BadInput
from wirewatch.topics import ENTRIES

DAY_MS = 86_400_000


async def some_news(site: Site, count: int) -> list[str]:
    """So many events of several feeds, in as many partitions; their ids."""
    events = [site.event(f"Entry {n}", feed=f"feed-{n % 5}", entry=f"en_{n}") for n in range(count)]
    await site.publish(*events)
    return [event.id for event in events]


async def test_resuming_at_any_cut_gives_the_whole_and_nothing_twice(site: Site) -> None:
    ids = await some_news(site, 30)
    whole = await site.stream("?from=earliest", 30)
    assert sorted(event.data["id"] for event in whole) == sorted(ids)
    for feed in range(5):  # order holds within a feed
        assert [e.data["seq"] for e in whole if e.data["feed_id"] == f"feed-{feed}"] == list(range(1, 7))
    rng = random.Random(7)
    for cut in [0, 28, *(rng.randrange(29) for _ in range(12))]:
        rest = await site.stream("", 29 - cut, last=whole[cut].id)
        together = [event.data["id"] for event in [*whole[: cut + 1], *rest]]
        assert sorted(together) == sorted(ids), cut


async def test_many_cuts_in_a_row_with_news_between_lose_and_double_nothing(site: Site) -> None:
    seen: list[str] = []
    ids: list[str] = []
    last = ""
    for count in (3, 1, 5, 2, 4, 1):
        ids += await some_news(site, count * 2)
        got = await site.stream("" if last else "?from=earliest", count, last=last)
        seen += [event.data["id"] for event in got]
        last = got[-1].id
    seen += [event.data["id"] for event in await site.stream("", len(ids) - len(seen), last=last)]
    assert sorted(seen) == sorted(ids)


async def test_a_restart_of_the_server_on_the_same_log_keeps_every_place(site: Site) -> None:
    ids = await some_news(site, 10)
    first = await site.stream("?from=earliest", 4)
    await site.restart()
    ids += await some_news(site, 5)
    rest = await site.stream("", 11, last=first[-1].id)
    assert sorted(e.data["id"] for e in [*first, *rest]) == sorted(ids)


async def test_a_place_that_another_process_gave_is_one_here_before_its_news_has_come(site: Site) -> None:
    behind = StreamHub(Deaf(site.broker), await site.broker.log_id())  # type: ignore[arg-type]  # it is one, but hears late
    await behind.start()
    await some_news(site, 3)
    [*_, newest] = await site.stream("?from=earliest", 3)
    place = await behind.place(newest.id)
    assert behind.cursor(place) == newest.id != behind.cursor(behind.end())
    await behind.close()


class Deaf:
    """The broker, with news that take their time."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def __getattr__(self, name: str) -> Any:
        return getattr(self._broker, name)

    async def read(self, *_: object, **__: object) -> list[Record]:
        await asyncio.sleep(60)
        return []


async def test_a_reader_cut_off_before_the_first_event_has_a_place_to_resume(site: Site) -> None:
    async with site.client.get(f"{site.url}/api/v1/stream") as answer:
        opening = (await answer.content.readuntil(b"\n\n")).decode()
    place = opening.split("id: ")[1].split("\n")[0]
    ids = await some_news(site, 3)
    assert sorted(e.data["id"] for e in await site.stream("", 3, last=place)) == sorted(ids)


async def test_live_events_come_as_they_happen_with_their_type_as_name(site: Site) -> None:
    async with asyncio.timeout(20), site.client.get(f"{site.url}/api/v1/stream") as answer:
        await answer.content.readuntil(b"\n\n")
        for op in ("created", "updated", "withdrawn", "restored"):
            told = await site.tell("Dam breaks", op=op)
            (event,) = await read_events(answer, 1)
            assert (event.name, event.data["id"]) == (f"wirewatch.entry.{op}.v1", told.id)
        told = await site.tell("x", op="source-error")
        await site.alert(alert_of(told))
        names = [event.name for event in await read_events(answer, 2)]
        assert sorted(names) == ["wirewatch.alert.v1", "wirewatch.feed.source-error.v1"]


async def test_readers_choose_by_query_type_and_feed(site: Site) -> None:
    await site.tell("Dam breaks", feed="one", entry="en_1")
    await site.tell("Dam breaks again", feed="one", entry="en_1")
    await site.tell("Bridge closed", feed="two", entry="en_2")
    await site.alert(alert_of(await site.tell("Dam opens", feed="two", entry="en_3")))

    async def told(query: str, count: int) -> list[str]:
        return [event.data.get("headline", "alert") for event in await site.stream(f"?from=earliest&{query}", count)]

    assert sorted(await told("q=dam", 3)) == ["Dam breaks", "Dam breaks again", "Dam opens"]
    assert await told("q=dam&feed=two", 1) == ["Dam opens"]
    assert await told("types=updated", 1) == ["Dam breaks again"]
    assert await told("types=wirewatch.entry.updated.v1,alert", 2) in (
        ["Dam breaks again", "alert"],
        ["alert", "Dam breaks again"],
    )
    assert sorted(await told("feed=two", 2)) == ["Bridge closed", "Dam opens"]


@pytest.mark.parametrize("place", ["garbage", "-1", "0", "AAAA", "%%", "x" * 5_000, "{}", "W10", "../../etc", "é"])
@pytest.mark.parametrize("path", ["/api/v1/stream", "/live/stream"])
async def test_h57_a_last_event_id_that_is_none_of_ours_is_400(site: Site, place: str, path: str) -> None:
    for how in ({"headers": {"Last-Event-ID": place}}, {"params": {"from": place}}):
        status, text, _ = await site.get(path, **how)
        assert status == 400
        assert "cursor" in text


async def test_h57_places_of_other_logs_topics_and_times_are_400(site: Site) -> None:
    log = await site.broker.log_id()
    there = {(ENTRIES.name, n): 0 for n in range(site.broker.partitions(ENTRIES.name))}
    everywhere = decode_cursor((await _a_place(site)), log, there | _alerts(site))
    for cursor in (
        encode_cursor("another-log", everywhere),
        encode_cursor(log, there),
        encode_cursor(log, {**everywhere, ("wirewatch.snapshots.v1", 0): 0}),
        encode_cursor(log, {**everywhere, (ENTRIES.name, 0): -5}),
        encode_cursor(log, {**everywhere, (ENTRIES.name, 0): 10**6}),
        encode_cursor(log, {**everywhere, (ENTRIES.name, 0): 2**63}),
    ):
        status, text, _ = await site.get("/api/v1/stream", headers={"Last-Event-ID": cursor})
        assert status == 400, text
        assert log not in text


def test_a_place_from_before_its_topics_grew_goes_on_with_all_that_came_since() -> None:
    before = {(ENTRIES.name, 0): 7, (ENTRIES.name, 1): 3, ("wirewatch.alerts.v1", 0): 2}
    grown = {(ENTRIES.name, n): 0 for n in range(4)} | {("wirewatch.alerts.v1", n): 0 for n in range(2)}
    assert decode_cursor(encode_cursor("log", before), "log", grown) == {**grown, **before}
    with pytest.raises(BadInput, match="does not fit"):
        decode_cursor(encode_cursor("log", grown), "log", before)


def _alerts(site: Site) -> dict[tuple[str, int], int]:
    return {("wirewatch.alerts.v1", n): 0 for n in range(site.broker.partitions("wirewatch.alerts.v1"))}


async def _a_place(site: Site) -> str:
    await site.tell("Dam breaks")
    return (await site.stream("?from=earliest", 1))[0].id


async def test_a_place_that_is_no_longer_kept_is_410_with_the_earliest_that_is(site: Site) -> None:
    old = await _a_place(site)
    await some_news(site, 20)
    site.clock.ms += 40 * DAY_MS
    while await site.broker.maintain():
        pass
    ids = await some_news(site, 3)
    await site.restart()
    async with site.client.get(f"{site.url}/api/v1/stream", headers={"Last-Event-ID": old}) as answer:
        assert answer.status == 410
        said: dict[str, Any] = await answer.json()
    rest = await site.stream("", 3, last=said["earliest"])
    assert {e.data["id"] for e in rest} >= set(ids[-1:])


async def test_a_heartbeat_comes_even_while_only_other_news_does_and_moves_the_place(site: Site) -> None:
    site.how = {"heartbeat": 0.05}
    await site.restart()
    async with asyncio.timeout(20), site.client.get(f"{site.url}/api/v1/stream?q=volcano") as answer:
        await answer.content.readuntil(b"\n\n")
        ids = await some_news(site, 4)
        beat = ""
        log = await site.broker.log_id()
        while True:
            beat = (await answer.content.readuntil(b"\n\n")).decode()
            assert beat.startswith(": heartbeat\nid: ")
            place = beat.split("id: ")[1].strip()
            offsets = decode_cursor(place, log, {**dict.fromkeys(_places(site), 0)})
            if sum(offsets.values()) == len(ids):
                break
    later = await site.tell("Volcano wakes")
    assert [e.data["id"] for e in await site.stream("", 1, last=place)] == [later.id]


def _places(site: Site) -> list[tuple[str, int]]:
    return [*_alerts(site), *((ENTRIES.name, n) for n in range(site.broker.partitions(ENTRIES.name)))]


async def test_f17_a_slow_reader_is_disconnected_may_resume_and_costs_no_memory(site: Site) -> None:
    site.how = {"patience": 0.2}
    await site.restart()
    ids = []
    for n in range(60):
        event = site.event(f"Entry {n}", entry=f"en_{n}", with_entry={"body": "x" * 200_000})
        await site.publish(event, index=False)
        ids.append(event.id)
    host, port = site.url.removeprefix("http://").split(":")
    slow = []
    tracemalloc.start()
    for _ in range(12):
        reader, writer = await asyncio.open_connection(host, int(port), limit=1 << 10)
        writer.write(f"GET /api/v1/stream?from=earliest HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        assert b" 200 " in await reader.readline()  # its stream has begun; nothing more of it is read
        slow.append((reader, writer))
    await until(lambda: metrics.STREAM_CLIENTS._value.get() == 0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 60 << 20  # twelve readers of 12 MB each would be 144 MB
    for _, writer in slow:
        writer.transport.abort()
    first = await site.stream("?from=earliest", 5)
    rest = await site.stream("", 55, last=first[-1].id)
    assert [e.data["id"] for e in [*first, *rest]] == ids


async def test_readers_beyond_the_limit_are_told_to_come_back(site: Site) -> None:
    await site.restart(stream_clients=2)
    async with site.client.get(f"{site.url}/api/v1/stream"), site.client.get(f"{site.url}/live/stream") as second:
        assert second.status == 200
        await until(lambda: metrics.STREAM_CLIENTS._value.get() == 2)
        status, _, headers = await site.get("/api/v1/stream")
        assert (status, headers["Retry-After"]) == (503, "10")
    await until(lambda: metrics.STREAM_CLIENTS._value.get() == 0)
    async with site.client.get(f"{site.url}/api/v1/stream") as answer:
        assert answer.status == 200


async def test_a_record_that_cannot_be_read_does_not_end_the_stream(site: Site) -> None:
    from wirewatch.brokers.interface import NewRecord

    headers = {"ce_type": "wirewatch.entry.created.v1"}
    await site.broker.publish([NewRecord(ENTRIES.name, "velmora", b"{not json", headers)])
    await site.broker.publish(
        [NewRecord(ENTRIES.name, "velmora", None, headers), NewRecord(ENTRIES.name, "velmora", b"{}", {})]
    )
    told = await site.tell("Dam breaks")
    (card,) = await site.stream("?from=earliest", 1, path="/live/stream")
    assert card.data["headline"] == "Dam breaks"
    (event,) = await site.stream("?from=earliest&q=dam", 1)
    assert event.data["id"] == told.id


async def test_h46_line_breaks_in_a_type_do_not_forge_events(site: Site) -> None:
    from wirewatch.brokers.interface import NewRecord

    forged = {"ce_type": "wirewatch.entry.created.v1\r\ndata: {}\r\n\r\nid: 1"}
    await site.broker.publish([NewRecord(ENTRIES.name, "velmora", b'{"headline":"a"}', forged)])
    (event,) = await site.stream("?from=earliest", 1)
    assert event.data == {"headline": "a"}
    assert event.name == "wirewatch.entry.created.v1data: {}id: 1"


async def test_the_live_pages_stream_brings_cards_of_its_feed_and_never_the_canary(site: Site) -> None:
    await site.tell("canary", feed=CANARY_ID, entry="en_c")
    await site.tell("Lead", feed="one", entry="en_l", subject="lead")
    await site.tell("Other", feed="two", entry="en_2")
    await site.tell("Dam breaks", feed="one", entry="en_1")
    cards = await site.stream("?from=earliest&feed=one", 2, path="/live/stream")
    assert [(card.name, card.data["subject"], card.data["headline"]) for card in cards] == [
        ("card", "lead", "Lead"),
        ("card", "entry", "Dam breaks"),
    ]
    cards = await site.stream("?from=earliest", 2, path="/live/stream")  # a lead belongs to no page of all sources
    assert {card.data["headline"] for card in cards} == {"Other", "Dam breaks"}


async def test_what_the_index_has_not_yet_reaches_the_page_by_its_stream(site: Site) -> None:
    await site.tell("Indexed", entry="en_1")
    await site.publish(site.event("Not indexed yet", entry="en_2"), index=False)
    page = await site.page("/")
    assert page.xpath("//section/article/@data-entry") == ["en_1"]
    cursor = page.xpath("//div[@data-cursor]/@data-cursor")[0]
    cards = await site.stream("?from=" + cursor, 2, path="/live/stream")
    assert [card.data["headline"] for card in cards] == ["Indexed", "Not indexed yet"]


async def test_closing_the_server_ends_its_streams_at_once(site: Site) -> None:
    async with site.client.get(f"{site.url}/api/v1/stream") as answer:
        await answer.content.readuntil(b"\n\n")
        async with asyncio.timeout(1.5):
            await site.server.close()
        assert await answer.content.read() == b""
