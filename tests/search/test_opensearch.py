"""OpenSearch under faults: too busy, away, killed in the middle, two writers, documents that it does not take."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from sinks.search.interface import SearchIndex
from sinks.search.opensearch import bulk
from sinks.search.opensearch.address import Address
from sinks.search.opensearch.chains import ended_by, successor_of, with_revision
from sinks.search.opensearch.documents import Successor, document_version
from sinks.search.opensearch.index import OpenSearchIndex
from sinks.search.opensearch.layout import Generation, alias_of
from sinks.search.opensearch.sink import OpenSearchSink
from tests.search.conftest import FindableSink
from tests.search.front import Front
from tests.search.test_contract import NOW, found
from tests.servers.opensearch import OpenSearchServer
from wirewatch.brokers.interface import Record
from wirewatch.errors import BadInput, NotOurs, PassingFault, UserError
from wirewatch.topics import ENTRIES

pytestmark = pytest.mark.servers
TOPIC = ENTRIES.name


@pytest.fixture
def place() -> str:
    return "opensearch"


@pytest.fixture
async def front(opensearch: OpenSearchServer) -> AsyncIterator[Front]:
    opened = Front(f"http://127.0.0.1:{opensearch.port}")
    await opened.start()
    yield opened
    await opened.close()


def behind(front: Front, address: Address) -> Address:
    return msgspec.structs.replace(address, servers=(f"127.0.0.1:{front.port}",))


class Hasty:
    """Does not wait between tries."""

    def now_ms(self) -> int:
        return NOW

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


@pytest.mark.parametrize("trouble", ["closed", "blocked", "broken"])
async def test_an_index_that_is_closed_or_blocked_holds_records_up_and_sets_none_aside(
    opensearch: OpenSearchServer, front: Front, address: Address, index: SearchIndex, log: Any, trouble: str
) -> None:
    log.add("Storm 1", entry="en_1")
    log.add("Storm 2", entry="en_2")
    sink = FindableSink(behind(front, address))
    await sink.start()
    await sink.write(log.records[:1])
    own = f"/{alias_of(address)}-1"
    if trouble == "broken":
        front.refuse_calls, front.refusal = 1.0, 500
    elif trouble == "closed":
        await told(opensearch, "POST", f"{own}/_close", {})
    else:
        await told(opensearch, "PUT", f"{own}/_settings", {"index.blocks.read": True})
    with pytest.raises(PassingFault):
        await sink.write(log.records[1:])
    reader = OpenSearchIndex(behind(front, address))
    with pytest.raises(PassingFault):  # so the page comes up, and says so
        await reader.search("storm", now_ms=NOW)
    await reader.close()
    front.refuse_calls = 0.0
    if trouble == "closed":
        await told(opensearch, "POST", f"{own}/_open?wait_for_active_shards=1", {})
    elif trouble == "blocked":
        await told(opensearch, "PUT", f"{own}/_settings", {"index.blocks.read": None})
    await sink.write(log.records[1:])
    assert await sink.position(TOPIC, log.records[1].partition) == log.records[1].offset + 1
    await sink.close()


async def told(opensearch: OpenSearchServer, method: str, path: str, body: dict[str, Any]) -> None:
    """What an operator does, past wirewatch."""
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, f"http://127.0.0.1:{opensearch.port}{path}", json=body) as answer,
    ):
        assert answer.status == 200, await answer.text()


async def test_what_is_too_busy_for_some_documents_is_given_those_again_and_no_others_f11(
    front: Front, address: Address, index: SearchIndex, log: Any
) -> None:
    for nth in range(600):
        log.add(f"Storm {nth}", entry=f"en_{nth % 250}")
    front.refuse_items = 0.3
    sink = FindableSink(behind(front, address), clock=Hasty())
    await sink.start()
    for start in range(0, 600, 200):
        await sink.write(log.records[start : start + 200])
    await sink.close()
    assert sum(front.refused.values()) > 200
    # each event once, and once more where a later one ended it in another batch: refusals repeat nothing else
    events = {id_: count for id_, count in front.written.items() if id_.startswith("kz-live:")}
    assert len(events) == 600
    assert all(count <= 2 for count in events.values())
    assert sum(count == 2 for count in events.values()) == 200 + 150
    assert len(await found(index, "storm", limit=1000)) == 250
    assert len(await found(index, "storm versions:all", limit=1000)) == 600


async def test_calls_that_are_refused_whole_are_made_again(
    front: Front, address: Address, index: SearchIndex, log: Any
) -> None:
    for nth in range(20):
        log.add(f"Storm {nth}", entry=f"en_{nth % 3}")
    sink = FindableSink(behind(front, address), clock=Hasty())
    await sink.start()
    front.refuse_calls = 0.3
    left, said = log.records, {True}
    while left:
        try:
            await sink.write(left[:4])
        except PassingFault as fault:
            said.add("too busy" in str(fault))
        else:
            left = left[4:]
    front.refuse_calls = 0.0
    assert said == {True}
    assert await found(index, "storm") == ["ev_20", "ev_19", "ev_18"]
    assert await sink.position(TOPIC, 3) == 20
    await sink.close()


async def test_what_stays_too_busy_is_a_passing_fault_and_the_position_stays(
    front: Front, address: Address, log: Any
) -> None:
    log.add("Storm")
    sink = FindableSink(behind(front, address), clock=Hasty())
    await sink.start()
    front.refuse_items = 1.0
    with pytest.raises(PassingFault, match=r"too busy for 1 of 1 documents: .*queue full"):
        await sink.write(log.records)
    front.refuse_items = 0.0
    assert await sink.position(TOPIC, 3) is None
    await sink.write(log.records)
    assert await sink.position(TOPIC, 3) == 1
    await sink.close()


async def test_a_document_that_the_index_does_not_take_is_named_alone(sink: Any, index: SearchIndex, log: Any) -> None:
    place = {"name": "Nowhere", "id": "XX", "country": None, "via": "name", "background": False, "spans": []}
    log.add("Storm one", entry="en_1")
    log.add("Storm two", entry="en_2", enrichment={"version": "1", "places": [{**place, "lat": 95.0, "lon": 10.0}]})
    log.add("Storm three", entry="en_3")
    with pytest.raises(BadInput, match=r"does not take the event kz-live:2: .*95\.0"):
        await sink.write(log.records)
    assert await sink.position(TOPIC, 3) is None
    await sink.write(log.records[:1])
    with pytest.raises(BadInput):
        await sink.write(log.records[1:2])
    await sink.skip(log.records[1])
    await sink.write(log.records[2:])
    assert await found(index, "storm") == ["ev_3", "ev_1"]
    assert await sink.position(TOPIC, 3) == 3


async def test_of_two_writers_the_one_that_took_over_goes_on_and_nothing_goes_back(
    sink: Any, make_sink: Any, index: SearchIndex, log: Any
) -> None:
    for nth in range(9):
        log.add(f"Storm {nth}", entry=f"en_{nth % 2}")
    assert await sink.position(TOPIC, 3) is None
    await sink.write(log.records[:3])
    other = make_sink()
    assert await other.position(TOPIC, 3) == 3
    await other.write(log.records[3:8])
    with pytest.raises(NotOurs, match=r"another process writes wirewatch\.entries\.v1/3"):
        await sink.write(log.records[3:5])
    assert await found(index, "storm") == ["ev_8", "ev_7"]
    await other.write(log.records[8:])
    assert await found(index, "storm") == ["ev_9", "ev_8"]
    assert await sink.position(TOPIC, 3) == 9
    await other.skip(msgspec.structs.replace(log.records[8], offset=9))
    with pytest.raises(NotOurs):
        await sink.skip(msgspec.structs.replace(log.records[8], offset=9))
    assert await other.position(TOPIC, 3) == 10
    await other.close()


def _write_until_killed(address: Address, records: Sequence[Record]) -> None:
    """In a process of its own: killed between the events of a batch and the position after them."""

    class Doomed(OpenSearchSink):
        async def _move(self, *args: Any) -> None:
            if args[1][-1].offset > 2:
                os.kill(os.getpid(), signal.SIGKILL)
            await super()._move(*args)

    async def work() -> None:
        sink = Doomed(address)
        await sink.start()
        await sink.write(records[:2])
        await sink.write(records[2:])

    asyncio.run(work())


async def test_killed_after_the_write_before_the_position_the_index_equals_the_model_after_the_restart_f4(
    address: Address, make_sink: Any, index: SearchIndex, log: Any
) -> None:
    for nth in range(8):
        log.add(f"Storm {nth}", entry=f"en_{nth % 3}")
    process = multiprocessing.get_context("fork").Process(target=_write_until_killed, args=(address, log.records))
    process.start()
    await asyncio.to_thread(process.join)
    assert process.exitcode == -signal.SIGKILL
    sink = make_sink()
    await sink.start()
    position = await sink.position(TOPIC, 3)
    assert position == 2  # the events are there, and are written again
    assert len(await found(index, "storm versions:all")) == 8
    await sink.write(log.records[position:])
    await sink.close()
    assert await found(index, "storm versions:all") == [f"ev_{nth}" for nth in range(8, 0, -1)]
    assert await found(index, "storm") == ["ev_8", "ev_7", "ev_6"]


async def test_after_half_a_bulk_the_rest_is_made_up_whatever_the_half_was(
    address: Address, make_sink: Any, index: SearchIndex, log: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for nth in range(6):
        log.add(f"Storm {nth}", entry=f"en_{nth % 2}")
    real = bulk._write_chunk
    for half in ([0, 3], [4], [1, 2, 5]):

        async def some(client: Any, items: Any, *, half: list[int] = half) -> Any:
            await real(client, [item for nth, item in enumerate(items) if nth in half])
            raise PassingFault("the network broke")

        sink = make_sink()
        await sink.start()
        with monkeypatch.context() as patched:
            patched.setattr(bulk, "_write_chunk", some)
            with pytest.raises(PassingFault, match="the network broke"):
                await sink.write(log.records)
        await sink.close()
    sink = make_sink()
    await sink.write(log.records)
    await sink.close()
    assert await found(index, "storm") == ["ev_6", "ev_5"]
    assert await found(index, "storm versions:all") == [f"ev_{nth}" for nth in range(6, 0, -1)]
    at = [await found(index, "storm", as_of=NOW - 86_400_000 + 60_000 * minute) for minute in (1, 2, 3)]
    assert at == [["ev_1"], ["ev_2", "ev_1"], ["ev_3", "ev_2"]]


async def test_killed_and_paused_it_is_waited_for_and_nothing_is_lost_f12(tmp_path: Path, log: Any) -> None:
    server = OpenSearchServer(tmp_path / "opensearch")
    server.start()
    address = Address((f"127.0.0.1:{server.port}",))
    sink, index = FindableSink(address), OpenSearchIndex(address)
    sink._client._seconds = 2.0
    try:
        await sink.start()
        for nth in range(6):
            log.add(f"Storm {nth}", entry=f"en_{nth % 2}")
        await sink.write(log.records[:2])
        await asyncio.to_thread(server.kill)
        with pytest.raises(PassingFault, match="cannot be reached"):
            await sink.write(log.records[2:4])
        with pytest.raises(PassingFault, match="cannot be reached"):
            await index.search("storm", now_ms=NOW)
        assert "cannot be reached" in str(await index.ready())
        await asyncio.to_thread(server.start)
        await sink.write(log.records[2:4])
        server.pause()
        with pytest.raises(PassingFault, match="did not answer in time"):
            await sink.write(log.records[4:])
        server.resume()
        await sink.write(log.records[4:])
        assert await found(index, "storm versions:all") == [f"ev_{nth}" for nth in range(6, 0, -1)]
        assert await found(index, "storm") == ["ev_6", "ev_5"]
        assert await sink.position(TOPIC, 3) == 6
    finally:
        await sink.close()
        await index.close()
        server.stop()


async def test_a_full_disk_is_waited_for_and_keeps_nothing_back_f13(
    opensearch: OpenSearchServer, address: Address, index: SearchIndex, log: Any
) -> None:
    log.add("Storm")
    log.add("Storm again")
    sink = FindableSink(address, clock=Hasty())
    await sink.start()
    await sink.write(log.records[:1])
    blocked = {"index.blocks.read_only_allow_delete": True}  # what OpenSearch sets where its disk is nearly full
    opensearch.ask("PUT", f"/{alias_of(address)}/_settings", blocked)
    with pytest.raises(PassingFault, match="disk usage exceeded"):
        await sink.write(log.records[1:])
    opensearch.ask("PUT", f"/{alias_of(address)}/_settings", {"index.blocks.read_only_allow_delete": None})
    assert await sink.position(TOPIC, 3) == 1
    await sink.write(log.records[1:])
    assert await found(index, "storm versions:all") == ["ev_2", "ev_1"]
    await sink.close()


async def test_what_was_written_is_found_within_two_seconds(address: Address, index: SearchIndex, log: Any) -> None:
    sink = OpenSearchSink(address)
    await sink.start()
    await found(index, "storm")
    log.add("Storm")
    await sink.write(log.records)
    written = time.monotonic()
    while not await found(index, "storm"):
        assert time.monotonic() - written < 2.0
    await sink.close()


async def test_a_search_that_is_too_wide_says_so(sink: Any, index: SearchIndex, log: Any) -> None:
    letters = "abcdefghijklm"
    words = [f"storm{a}{b}{c}" for a in letters for b in letters for c in letters]
    for batch in range(3):
        log.add(" ".join(words[batch * 500 : batch * 500 + 500]), entry=f"en_{batch}")
    await sink.write(log.records)
    assert await found(index, "storm*") == ["ev_3", "ev_2", "ev_1"]
    assert await found(index, f'"{words[501]} storm"*') == ["ev_2"]
    with pytest.raises(UserError, match="too wide for OpenSearch"):
        await index.search(f"{words[1]} NEAR/3 storm*", now_ms=NOW)
    many = " OR ".join(f'"{"a " * 8}" NEAR/3 b' for _ in range(200))
    assert await found(index, many) == []


@pytest.mark.parametrize(
    ("query", "holds"),
    [
        ("alpha NEAR/2 delta", True),
        ("alpha NEAR/1 delta", False),
        ("delta NEAR/2 alpha", True),
        ('"alpha beta" NEAR/0 gamma', True),
        ('"alpha beta" NEAR/0 delta', False),
        ('"alpha beta" NEAR/1 del*', True),
        ("alpha NEAR/0 alpha", True),
        ('"alpha beta" NEAR/0 "beta gamma"', True),
        ('"beta ga"*', True),
        ('"beta al"*', False),
        ('"gamma alpha"', False),
    ],
)
async def test_phrases_and_nearness_count_words_as_the_matcher_does(
    query: str, holds: bool, sink: Any, index: SearchIndex, log: Any
) -> None:
    log.add("Alpha beta gamma delta", entry="en_1")
    await sink.write(log.records)
    assert (await found(index, query) == ["ev_1"]) is holds


def test_a_document_ends_at_the_closest_revision_whatever_comes_first() -> None:
    one, two, three = (Successor(seq, seq * 1000) for seq in (1, 2, 3))
    assert with_revision(with_revision((one, three), two), two) == (one, two, three)
    assert successor_of((one, two, three), 1) == two
    assert successor_of((one, two, three), 3) is None
    assert ended_by((one, two, three), [2]) == {1: two}
    assert ended_by((one, two, three), [1]) == {}
    versions = [document_version(1, ending) for ending in (None, three, two)]
    assert versions == sorted(set(versions))


async def write_as_the_host_does(sink: Any, log: Any) -> None:
    """Everything from where the sink stands, again where it says that it must be asked anew."""
    for _ in range(4):
        try:
            at = await sink.position(TOPIC, 3) or 0
            await sink.write([record for record in log.records if record.offset >= at])
        except NotOurs:
            continue
        return
    raise AssertionError("the same is begun again and again, and nothing moves")


@pytest.mark.parametrize("lost", [("entries",), ("state",), ("entries", "state")])
@pytest.mark.parametrize("running", [True, False])
async def test_an_index_that_was_taken_away_whole_or_half_is_filled_anew_from_the_log(
    opensearch: OpenSearchServer, address: Address, index: SearchIndex, log: Any, lost: tuple[str, ...], running: bool
) -> None:
    log.add("Storm 1", entry="en_1")
    log.add("Storm 2", entry="en_2")
    sink = FindableSink(address)
    await sink.start()
    await sink.bind_log("log-1")
    await sink.write(log.records)
    first = Generation(address.prefix, 1)
    for half in lost:
        await told(opensearch, "DELETE", f"/{first.entries if half == 'entries' else first.state}", {})
    log.add("Storm 3", entry="en_3")
    if not running:
        await sink.close()
        sink = FindableSink(address)
        await sink.start()
        await sink.bind_log("log-1")
    await write_as_the_host_does(sink, log)
    assert sorted(await found(index, "storm")) == ["ev_1", "ev_2", "ev_3"]
    await sink.close()
