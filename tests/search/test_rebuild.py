"""The index made anew behind its readers: with what the log forgot, while it is written, from wherever it broke off."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sinks.search.opensearch.address import Address
from sinks.search.opensearch.client import Client
from sinks.search.opensearch.generations import find_current, list_generations
from sinks.search.opensearch.index import OpenSearchIndex
from sinks.search.opensearch.rebuild import Rebuild
from tests.search.conftest import FindableSink, Log
from tests.search.test_contract import NOW, found
from wirewatch.brokers.embedded import open_runner
from wirewatch.brokers.interface import Broker, NewRecord
from wirewatch.errors import PassingFault, UserError
from wirewatch.hosting.sinks import SinkHost
from wirewatch.times import SystemClock
from wirewatch.topics import ENTRIES, TOPICS

pytestmark = pytest.mark.servers
FORGOTTEN = 40


class Newsroom:
    """A log whose first events are forgotten, an index that has them, and a search stage that goes on writing."""

    def __init__(self, broker: Broker, address: Address, log: Log) -> None:
        self.broker = broker
        self.address = address
        self.log = log
        self.client = Client(address)
        self.index = OpenSearchIndex(address)
        self.host = SinkHost(broker, FindableSink(address), [ENTRIES.name], SystemClock())
        self.said: list[str] = []

    def rebuild(self, **how: Any) -> Any:
        return Rebuild(self.client, self.broker, SystemClock(), self.said.append).run(**how)

    async def forget_first_events(self) -> None:
        """Into the index, but not on the log: as those that it let go long ago."""
        sink = FindableSink(self.address)
        await sink.start()
        for nth in range(FORGOTTEN):
            self.log.add(f"Old storm {nth}", entry=f"en_{nth % 25}")
        await sink._writer.write(_new(self.log.records))  # type: ignore[union-attr]  # it was started
        await sink.close()

    async def publish(self, headline: str, **fields: Any) -> None:
        record = self.log.add(headline, **fields)
        await self.broker.publish([NewRecord(ENTRIES.name, record.key, record.value, {})])

    async def until_found(self, event_id: str) -> None:
        async with asyncio.timeout(60):
            while await self.index.event(event_id) is None:  # noqa: ASYNC110 - a server can only be asked
                await asyncio.sleep(0.05)

    async def everything(self) -> list[str]:
        page = await self.index.search("storm versions:all", now_ms=NOW, limit=1000)
        return sorted(event.id for event in page.events)


def _new(records: Any) -> Any:
    from sinks.search.opensearch.sink import _events_of

    return _events_of(records)


@pytest.fixture
def broker(tmp_path: Path) -> Any:
    return open_runner(tmp_path / "log")


@pytest.fixture
async def newsroom(broker: Any, address: Address, log: Log) -> AsyncIterator[Newsroom]:
    await broker.create_topics(list(TOPICS.values()))
    room = Newsroom(broker, address, log)
    await room.forget_first_events()
    running = asyncio.create_task(room.host.run())
    await room.publish("First storm on the log", entry="en_1")
    await room.until_found(f"ev_{FORGOTTEN + 1}")
    yield room
    room.host.stop()
    await running
    await room.client.close()
    await room.index.close()
    await broker.close()


async def test_a_rebuild_while_writing_goes_on_loses_nothing_and_search_never_stops(newsroom: Newsroom) -> None:
    done = asyncio.Event()
    failures: list[str] = []

    async def write_on() -> int:
        count = 0
        while not done.is_set() or count < 30:
            await newsroom.publish(f"Storm of the hour {count}", entry=f"en_{count % 40}")
            count += 1
            await asyncio.sleep(0.01)
        return count

    async def search_on() -> None:
        seen = 0
        while not done.is_set():
            page = await newsroom.index.search("storm versions:all", now_ms=NOW, limit=1, count=True)
            if (page.total or 0) < seen:
                failures.append(f"{page.total} after {seen}")
            seen = page.total or 0
            await asyncio.sleep(0.01)

    writing, searching = asyncio.create_task(write_on()), asyncio.create_task(search_on())
    rebuilt = await newsroom.rebuild()
    done.set()
    count = await writing
    await searching
    assert rebuilt.index == f"{newsroom.address.prefix}-entries-v1-2"
    assert rebuilt.refused == 0
    last = FORGOTTEN + 1 + count
    await newsroom.until_found(f"ev_{last}")
    assert failures == []
    assert await newsroom.everything() == sorted(f"ev_{nth}" for nth in range(1, last + 1))
    current = await newsroom.index.latest(limit=1000)
    newest: dict[str, str] = {}
    for record in newsroom.log.records:
        assert record.value is not None
        event = msgspec.json.decode(record.value)
        newest[event["entry_id"]] = event["id"]
    assert sorted(event.id for event in current.events) == sorted(newest.values())
    standing = await list_generations(newsroom.client)
    assert [one.generation.number for one in standing] == [2]


@pytest.mark.parametrize("broken", ["copy", "tail", "sealed", "switch", "delete"])
async def test_a_rebuild_that_broke_off_goes_on_where_it_ended(
    newsroom: Newsroom, broken: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = f"_{broken.replace('sealed', 'tail')}"
    real = getattr(Rebuild, step)

    async def breaks(self: Rebuild, *args: Any) -> None:
        await real(self, *args)
        if broken != "sealed" or len(args) == 3:  # the last bit of the log is read once the old one is sealed
            raise PassingFault("the network broke")

    with monkeypatch.context() as patched:
        patched.setattr(Rebuild, step, breaks)
        with pytest.raises(PassingFault, match="the network broke"):
            await newsroom.rebuild()
    await newsroom.publish("Storm in between", entry="en_2")
    said_before = len(newsroom.said)
    await newsroom.rebuild()
    if broken not in {"switch", "delete"}:  # there the new one is read by then, and is itself made anew
        assert newsroom.said[said_before].startswith("going on with")
    await newsroom.publish("Storm after all", entry="en_3")
    await newsroom.until_found(f"ev_{FORGOTTEN + 3}")
    assert await newsroom.everything() == sorted(f"ev_{nth}" for nth in range(1, FORGOTTEN + 4))
    assert await found(newsroom.index, '"storm in between"') == [f"ev_{FORGOTTEN + 2}"]
    current = await find_current(newsroom.client)
    assert [one.generation for one in await list_generations(newsroom.client)] == [current and current.generation]


async def test_while_the_old_one_is_sealed_the_search_stage_waits_and_says_why(newsroom: Newsroom) -> None:
    current = await find_current(newsroom.client)
    assert current is not None
    for index in (current.generation.state, current.generation.entries):
        await newsroom.client.ask("PUT", f"/{index}/_block/write", into=Any)  # type: ignore[arg-type]  # any answer
    sink = FindableSink(newsroom.address)
    with pytest.raises(PassingFault, match=r"is being replaced .* run wirewatch index rebuild again"):
        await sink.start()
    await sink.close()
    await newsroom.publish("Storm while sealed", entry="en_2")
    assert await found(newsroom.index, "sealed") == []
    await newsroom.rebuild(keep_old=True)
    await newsroom.until_found(f"ev_{FORGOTTEN + 2}")
    assert [one.sealed for one in await list_generations(newsroom.client)] == [True, False]


async def test_there_must_be_an_index_and_it_must_be_of_this_log(newsroom: Newsroom) -> None:
    nowhere = Client(msgspec.structs.replace(newsroom.address, prefix=f"{newsroom.address.prefix}-none"))
    with pytest.raises(UserError, match="no search index to rebuild yet"):
        await Rebuild(nowhere, newsroom.broker, SystemClock(), newsroom.said.append).run()
    await nowhere.close()

    class OtherLog:
        async def log_id(self) -> str:
            return "log-b"

    other: Any = OtherLog()
    with pytest.raises(UserError, match=r"belongs to the log .* two clusters' settings are mixed"):
        await Rebuild(newsroom.client, other, SystemClock(), newsroom.said.append).run()
    assert [one.generation.number for one in await list_generations(newsroom.client)] == [1]  # nothing was begun
