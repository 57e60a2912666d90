"""A sink on a broker: its own position decides, and each error has its fate."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import apsw
import pytest
from structlog.testing import capture_logs

from tests.hosting.conftest import IN
from wirewatch.brokers.dead_letters import list_dead_letters
from wirewatch.brokers.embedded import EmbeddedBroker, open_runner
from wirewatch.brokers.embedded.consumer import EmbeddedConsumer
from wirewatch.brokers.interface import NewRecord, Record
from wirewatch.errors import BadInput, BrokenStorage, NotOurs, PassingFault, UserError
from wirewatch.hosting.runner import Runner, streamed_inputs
from wirewatch.metrics import REGISTRY
from wirewatch.topics import DEAD_LETTERS

INPUTS = {"keep": ["in.v1"]}


class Keeping:
    """Keeps values in an SQLite file of its own, the position in the same transaction."""

    stage = "keep"

    def __init__(self, path: Path, trouble: Callable[[Sequence[Record]], None] | None = None) -> None:
        self.path = path
        self.trouble = trouble or (lambda _: None)
        self.writes: list[list[bytes | None]] = []
        self.closed = 0
        self.conn: apsw.Connection | None = None

    async def start(self) -> None:
        self.conn = apsw.Connection(str(self.path))
        self.conn.execute("CREATE TABLE IF NOT EXISTS kept(value BLOB); CREATE TABLE IF NOT EXISTS at(next INTEGER)")

    async def bind_log(self, log_id: str) -> None:
        self.log_id = log_id

    async def position(self, topic: str, partition: int) -> int | None:
        assert self.conn is not None
        row = self.conn.execute("SELECT max(next) FROM at").fetchone()
        return row[0] if row else None  # type: ignore[return-value]

    async def write(self, records: Sequence[Record]) -> None:
        assert self.conn is not None
        self.writes.append([record.value for record in records])
        with self.conn:
            position = await self.position("in.v1", 0) or 0
            new = [record for record in records if record.offset >= position]
            self.conn.executemany("INSERT INTO kept VALUES(?)", [(record.value,) for record in new])
            self.conn.execute("INSERT INTO at VALUES(?)", (records[-1].offset + 1,))
            self.trouble(records)

    async def skip(self, record: Record) -> None:
        assert self.conn is not None
        self.conn.execute("INSERT INTO at VALUES(?)", (record.offset + 1,))

    async def close(self) -> None:
        self.closed += 1
        if self.conn is not None:
            self.conn.close()
            self.conn = None


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sink.db"


@asynccontextmanager
async def running(broker: EmbeddedBroker, sink: Keeping) -> AsyncIterator[None]:
    runner = Runner(broker, sinks=[sink], clock=broker.clock, inputs=INPUTS)
    task = asyncio.create_task(runner.run())
    try:
        yield
    finally:
        runner.stop()
        await task
        assert sink.closed == 1


async def put(broker: EmbeddedBroker, *values: bytes) -> None:
    await broker.publish([NewRecord("in.v1", "k", value, {}) for value in values])


async def kept(path: Path, next_offset: int) -> list[bytes]:
    """What the sink holds once it stands at that offset."""
    async with asyncio.timeout(20):
        while True:
            conn = apsw.Connection(str(path))
            tables = conn.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            stands = conn.execute("SELECT max(next) FROM at").fetchone() if tables and tables[0] == 2 else None
            if stands == (next_offset,):
                rows = [row[0] for row in conn.execute("SELECT value FROM kept ORDER BY rowid")]
                conn.close()
                return rows  # type: ignore[return-value]
            conn.close()
            await asyncio.to_thread(time.sleep, 0.005)  # another file's rows wake nobody


def raising(value: bytes, *errors: Exception) -> Callable[[Sequence[Record]], None]:
    """Raise these one after the other whenever that value is written."""
    left = list(errors)

    def trouble(records: Sequence[Record]) -> None:
        if left and any(record.value == value for record in records):
            raise left.pop(0)

    return trouble


async def test_a_sink_gets_each_record_once_and_goes_on_where_it_stood(broker: EmbeddedBroker, path: Path) -> None:
    await put(broker, b"a", b"b")
    async with running(broker, Keeping(path)):
        assert await kept(path, 2) == [b"a", b"b"]
        await put(broker, b"c")
        assert await kept(path, 3) == [b"a", b"b", b"c"]
    assert await broker.committed("keep", "in.v1", 0) == 3
    await put(broker, b"d")
    again = Keeping(path)
    async with running(broker, again):
        assert await kept(path, 4) == [b"a", b"b", b"c", b"d"]
    assert again.writes == [[b"d"]]


async def test_the_sinks_own_position_counts_not_the_groups(broker: EmbeddedBroker, path: Path) -> None:
    """F4: killed after its write, before the group's offset; and a sink whose store is gone starts anew."""
    await put(broker, b"a", b"b")
    async with running(broker, Keeping(path)):
        await kept(path, 2)
    await asyncio.to_thread(path.unlink)
    rebuilt = Keeping(path)
    async with running(broker, rebuilt):
        assert await kept(path, 2) == [b"a", b"b"]


async def test_a_group_that_stands_behind_its_sink_follows_without_a_new_record(
    broker: EmbeddedBroker, path: Path
) -> None:
    await put(broker, b"a", b"b")
    killed = Keeping(path)  # after its write, before the commit: else the stage looks behind, and somebody is paged
    await killed.start()
    await killed.write(await broker.read("in.v1", 0, 0))
    await killed.close()
    again = Keeping(path)
    async with asyncio.timeout(20), running(broker, again):
        while await broker.committed("keep", "in.v1", 0) != 2:
            await asyncio.to_thread(time.sleep, 0.005)
    assert again.writes == []


async def test_a_sink_whose_store_was_lost_is_seen_to_lag_while_it_is_filled_anew(
    broker: EmbeddedBroker, path: Path
) -> None:
    await put(broker, b"a", b"b", b"c")
    async with running(broker, Keeping(path)):
        await kept(path, 3)
    assert await broker.committed("keep", "in.v1", 0) == 3
    await asyncio.to_thread(path.unlink)
    tried = asyncio.Event()

    def away(records: Sequence[Record]) -> None:
        tried.set()
        raise PassingFault("the new one takes nothing yet")

    runner = Runner(broker, sinks=[Keeping(path, away)], clock=broker.clock, inputs=INPUTS)
    task = asyncio.create_task(runner.run())
    async with asyncio.timeout(20):
        await tried.wait()
        await runner.measure()
    assert REGISTRY.get_sample_value("wirewatch_stage_lag_records", {"stage": "keep", "partition": "0"}) == 3
    runner.stop()
    await task
    async with running(broker, Keeping(path)):
        await kept(path, 3)


async def test_a_bad_record_alone_is_dead_lettered_then_skipped(broker: EmbeddedBroker, path: Path) -> None:
    """F19"""
    bad = [BadInput("no", reason="odd")] * 2
    await put(broker, b"a", b"bad", b"c")
    sink = Keeping(path, raising(b"bad", *bad))
    async with running(broker, sink):
        assert await kept(path, 3) == [b"a", b"c"]
    assert sink.writes == [[b"a", b"bad", b"c"], [b"a"], [b"bad"], [b"c"]]
    (listed,) = await list_dead_letters(broker)
    assert (listed.letter.stage, listed.letter.reason, listed.letter.offset) == ("keep", "odd", 1)


async def test_a_bad_last_record_is_skipped_for_good(broker: EmbeddedBroker, path: Path) -> None:
    await put(broker, b"bad")
    async with running(broker, Keeping(path, raising(b"bad", *[BadInput("no")] * 9))):
        assert await kept(path, 1) == []
    again = Keeping(path)
    async with running(broker, again):
        await put(broker, b"b")
        assert await kept(path, 2) == [b"b"]
    assert len(await list_dead_letters(broker)) == 1


async def test_a_passing_fault_gives_the_same_records_again(broker: EmbeddedBroker, path: Path) -> None:
    faults = [PassingFault("away"), PassingFault("away", retry_after=2), PassingFault("away")]
    await put(broker, b"a", b"b")
    sink = Keeping(path, raising(b"b", *faults))
    async with running(broker, sink):
        assert await kept(path, 2) == [b"a", b"b"]
    assert sink.writes == [[b"a", b"b"]] * 4
    slept = broker.clock.slept  # type: ignore[attr-defined]
    assert [seconds for seconds in slept if seconds in (0.1, 2, 0.4)] == [0.1, 2, 0.4]
    assert await list_dead_letters(broker) == []


async def test_a_broker_that_is_away_while_a_sink_joins_its_group_does_not_end_the_stage(
    broker: EmbeddedBroker, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    join, away = broker.consumer, [PassingFault("no answer in time"), PassingFault("no answer in time")]

    async def joining(group: str, topics: Sequence[str]) -> EmbeddedConsumer:
        if away:
            raise away.pop()
        return await join(group, topics)

    monkeypatch.setattr(broker, "consumer", joining)
    await put(broker, b"a")
    async with running(broker, Keeping(path)):
        assert await kept(path, 1) == [b"a"]
    assert away == []


async def test_what_is_tried_again_many_times_is_said_now_and_then(broker: EmbeddedBroker, path: Path) -> None:
    await put(broker, b"a")
    away = [PassingFault("the server is away", retry_after=0.01) for _ in range(20)]
    with capture_logs() as said:
        async with running(broker, Keeping(path, raising(b"a", *away))):
            assert await kept(path, 1) == [b"a"]
    # a few more where the log's own store is busy in between
    assert 1 <= len([line for line in said if line.get("error") == "the server is away"]) < 5


async def test_a_bug_in_a_sink_rejects_only_the_record_that_meets_it(broker: EmbeddedBroker, path: Path) -> None:
    bugs = [KeyError("ours")] * 20
    await put(broker, b"a", b"bad", b"c")
    sink = Keeping(path, raising(b"bad", *bugs))
    async with running(broker, sink):
        assert await kept(path, 3) == [b"a", b"c"]
    assert sink.writes.count([b"bad"]) == 3
    (listed,) = await list_dead_letters(broker)
    assert listed.letter.fate == "bug"
    assert "KeyError" in (listed.letter.traceback or "")


async def test_f8_where_another_process_has_read_on_the_sink_goes_on_from_there(
    broker: EmbeddedBroker, path: Path
) -> None:
    """Its records in hand are another's by now: they are let go, and its position is asked anew."""

    class Shared(Keeping):
        async def write(self, records: Sequence[Record]) -> None:
            if not self.writes:
                assert self.conn is not None
                self.writes.append([])
                self.conn.execute("INSERT INTO kept VALUES(?), (?)", (b"A", b"B"))
                self.conn.execute("INSERT INTO at VALUES(2)")
                raise NotOurs("keep stands at 2")
            await super().write(records)

    sink = Shared(path)
    await put(broker, b"a", b"b", b"c")
    async with running(broker, sink):
        assert await kept(path, 3) == [b"A", b"B", b"c"]
    assert sink.writes == [[], [b"c"]]
    assert await broker.committed("keep", "in.v1", 0) == 3
    assert await list_dead_letters(broker) == []


async def test_a_sink_is_told_which_log_it_reads_and_may_refuse_it(broker: EmbeddedBroker, path: Path) -> None:
    class OfAnotherLog(Keeping):
        async def bind_log(self, log_id: str) -> None:
            raise UserError(f"belongs to another log than {log_id}")

    sink = OfAnotherLog(path)
    await put(broker, b"a")
    with pytest.raises(UserError, match=await broker.log_id()):
        await asyncio.wait_for(Runner(broker, sinks=[sink], clock=broker.clock, inputs=INPUTS).run(), 20)
    assert sink.writes == []


async def test_broken_storage_in_a_sink_stops_the_runner(broker: EmbeddedBroker, path: Path) -> None:
    await put(broker, b"a")
    sink = Keeping(path, raising(b"a", BrokenStorage("the index is damaged")))
    runner = Runner(broker, sinks=[sink], clock=broker.clock, inputs=INPUTS)
    with pytest.raises(BrokenStorage, match="index is damaged"):
        await asyncio.wait_for(runner.run(), 20)
    assert sink.closed == 1
    assert await broker.committed("keep", "in.v1", 0) is None


async def test_a_sink_that_cannot_start_says_why(broker: EmbeddedBroker, path: Path) -> None:
    class Refusing(Keeping):
        async def start(self) -> None:
            raise UserError("no such index")

    with pytest.raises(UserError, match="no such index"):
        await asyncio.wait_for(Runner(broker, sinks=[Refusing(path)], clock=broker.clock, inputs=INPUTS).run(), 20)


async def test_a_store_that_is_being_replaced_at_the_start_is_waited_for(broker: EmbeddedBroker, path: Path) -> None:
    class Replaced(Keeping):
        refusals = 2

        async def start(self) -> None:
            await super().start()
            if self.refusals:
                self.refusals -= 1
                raise NotOurs("the index is being replaced", retry_after=0.01)

    await put(broker, b"a")
    async with running(broker, Replaced(path)):
        assert await kept(path, 1) == [b"a"]


async def test_a_stop_while_a_fault_lasts_returns_soon(broker: EmbeddedBroker, path: Path) -> None:
    """F18"""
    hit = asyncio.Event()

    def trouble(_: Sequence[Record]) -> None:
        hit.set()
        raise PassingFault("away for long", retry_after=25)

    await put(broker, b"a")
    async with running(broker, Keeping(path, trouble)):
        await asyncio.wait_for(hit.wait(), 10)
        started = time.monotonic()
    assert time.monotonic() - started < 5
    async with running(broker, Keeping(path)):
        assert await kept(path, 1) == [b"a"]


def test_a_stage_is_fed_its_streams_and_looks_its_tables_up() -> None:
    assert streamed_inputs("match") == ("wirewatch.entries.v1",)
    assert streamed_inputs("diff") == ("wirewatch.snapshots.v1",)


async def test_a_sink_that_stands_beyond_the_logs_end_is_refused(
    broker: EmbeddedBroker, path: Path, tmp_path: Path
) -> None:
    """The log was replaced or is an older copy: waiting until it has grown that far would lose all until then."""
    await put(broker, b"a", b"b")
    async with running(broker, Keeping(path)):
        await kept(path, 2)
    other = open_runner(tmp_path / "other", clock=broker.clock, topics=(IN, DEAD_LETTERS))
    await put(other, b"new")
    sink = Keeping(path)
    try:
        with pytest.raises(BrokenStorage, match=r"keep has read in\.v1 up to 2, but this log ends at 1"):
            await asyncio.wait_for(Runner(other, sinks=[sink], clock=other.clock, inputs=INPUTS).run(), 20)
    finally:
        await other.close()
    assert sink.writes == []


async def test_what_was_let_go_before_a_sink_read_it_is_said(broker: EmbeddedBroker, path: Path) -> None:
    await put(broker, b"a")
    async with running(broker, Keeping(path)):
        await kept(path, 1)
    await put(broker, b"b", b"c")
    broker.clock.ms += 3 * 3_600_000  # type: ignore[attr-defined]
    while await broker.maintain():
        pass
    with capture_logs() as lines:
        async with running(broker, Keeping(path)):
            await put(broker, b"d")
            assert await kept(path, 4) == [b"a", b"d"]
    (line,) = [line for line in lines if line["event"] == "records were let go before they were read"]
    assert (line["topic"], line["lost"], line["log_level"]) == ("in.v1", 2, "error")
