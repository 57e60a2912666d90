"""What the embedded log keeps, lets go and refuses."""

from __future__ import annotations

import asyncio
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from wirewatch.brokers import packing
from wirewatch.brokers.embedded import EmbeddedBroker, codec, open_runner, open_writer, writer
from wirewatch.brokers.embedded.retention import TOMBSTONE_MS, decide_drop
from wirewatch.brokers.interface import NewRecord
from wirewatch.brokers.view import LatestView
from wirewatch.errors import BrokenStorage, PassingFault
from wirewatch.topics import Topic

LOG = Topic("log.v1", "feed_id", "anything", 60_000, 20_000_000)
TABLE = Topic("table.v1", "feed_id", "anything", None, 1_000_000)
DAY = 86_400_000


class Clock(Protocol):
    ms: int

    def now_ms(self) -> int: ...
    def monotonic(self) -> float: ...
    async def sleep(self, seconds: float) -> None: ...


def new(value: bytes | None, key: str = "k", topic: Topic = LOG) -> NewRecord:
    return NewRecord(topic.name, key, value, {})


async def maintain(broker: EmbeddedBroker) -> None:
    while await broker.maintain():
        pass


async def total_bytes(broker: EmbeddedBroker, topic: Topic) -> tuple[int, int]:
    """The topic's bytes as counted along the way, and as they are."""
    row = await broker.topic_row(topic.name)
    return await broker.read_with(
        lambda conn: conn.execute(  # type: ignore[arg-type, return-value]
            "SELECT bytes, (SELECT coalesce(sum(length(headers) + length(coalesce(value, x'')) + length(key) + 32), 0)"
            " FROM records WHERE id >> 40 = topics.id) FROM topics WHERE id = ?",
            (row.id,),
        ).fetchone()
    )


async def test_records_past_their_time_go_and_offsets_are_never_used_again(tmp_path: Path, clock: Clock) -> None:
    broker = open_runner(tmp_path, clock=clock, topics=(LOG,))
    await broker.publish([new(b"x" * 500, key=f"ключ-{n}") for n in range(1_200)])
    clock.ms += 30_000
    await broker.publish([new(b"young")])
    clock.ms += 31_000
    assert await broker.maintain(), "a step is bounded: there is more to do"
    await maintain(broker)
    bounds = await broker.bounds(LOG.name, 0)
    assert (bounds.earliest, bounds.end) == (1_200, 1_201)
    assert [record.value for record in await broker.read(LOG.name, 0, 0)] == [b"young"]
    clock.ms += 60_000
    await maintain(broker)
    assert await total_bytes(broker, LOG) == (0, 0)
    assert (await broker.bounds(LOG.name, 0)).earliest == 1_201
    assert (await broker.publish([new(b"next")]))[0].offset == 1_201
    await broker.close()


async def test_what_a_group_has_still_to_read_is_kept_for_as_long_again(tmp_path: Path, clock: Clock) -> None:
    broker = open_runner(tmp_path, clock=clock, topics=(LOG,))
    await broker.publish([new(b"1"), new(b"2")])
    consumer = await broker.consumer("diff", [LOG.name])
    await consumer.commit((await consumer.poll())[:1])
    clock.ms += 61_000
    await maintain(broker)
    assert [record.value for record in await broker.read(LOG.name, 0, 0)] == [b"2"]
    clock.ms += 60_000
    await maintain(broker)
    assert await broker.read(LOG.name, 0, 0) == []
    await broker.close()


async def test_a_topic_over_its_share_of_the_disk_lets_its_oldest_go(tmp_path: Path, clock: Clock) -> None:
    broker = open_runner(tmp_path, clock=clock, topics=(LOG,), retention_bytes={LOG.name: 10_000})
    await broker.publish([new(bytes(range(150)) + b"%03d" % n) for n in range(200)])
    await maintain(broker)
    counted, real = await total_bytes(broker, LOG)
    assert counted == real <= 10_000
    left = await broker.read(LOG.name, 0, 0)
    assert left[-1].offset == 199
    assert counted > 10_000 - 300
    await broker.close()


@given(
    head=st.lists(st.tuples(st.integers(0, 100), st.integers(1, 50)), max_size=30),
    needed_from=st.one_of(st.none(), st.integers(0, 40)),
    excess=st.integers(-100, 300),
)
def test_retention_drops_a_prefix_and_no_more_than_it_must(
    head: list[tuple[int, int]], needed_from: int | None, excess: int
) -> None:
    rows = [(offset, at, size) for offset, (at, size) in enumerate(head)]
    dropped = decide_drop(rows, cutoff_ms=50, late_cutoff_ms=25, needed_from=needed_from, excess=excess)
    for offset, at, size in rows[:dropped]:
        before = sum(size for _, _, size in rows[:offset])
        needed = needed_from is not None and offset >= needed_from
        assert at < (25 if needed else 50) or before < excess, (offset, at, size)
    if dropped < len(rows):
        offset, at, _ = rows[dropped]
        assert at >= (25 if needed_from is not None and offset >= needed_from else 50)
        assert sum(size for _, _, size in rows[:dropped]) >= excess


async def test_a_compacted_topic_holds_one_record_a_key_and_tombstones_for_a_day(tmp_path: Path, clock: Clock) -> None:
    broker = open_runner(tmp_path, clock=clock, topics=(TABLE,))
    await broker.publish([new(b"%d" % n, f"k{n % 3}", TABLE) for n in range(30)])
    await broker.publish([new(None, "k0", TABLE), new(b"a", "k9", TABLE), new(b"b", "k9", TABLE)])
    assert [(r.key, r.value) for r in await broker.read(TABLE.name, 0, 0)] == [
        ("k1", b"28"),
        ("k2", b"29"),
        ("k0", None),
        ("k9", b"b"),
    ]
    clock.ms += TOMBSTONE_MS - 1
    await maintain(broker)
    assert "k0" in {record.key for record in await broker.read(TABLE.name, 0, 0)}
    clock.ms += 2
    await maintain(broker)
    assert [record.key for record in await broker.read(TABLE.name, 0, 0)] == ["k1", "k2", "k9"]
    assert set(await broker.latest(TABLE.name)) == {"k1", "k2", "k9"}
    counted, real = await total_bytes(broker, TABLE)
    assert counted == real > 0
    await broker.close()


async def test_a_time_is_found_whatever_the_clock_does(tmp_path: Path, clock: Clock) -> None:
    """F14"""
    broker = open_runner(tmp_path, clock=clock, topics=(LOG,))
    stamps: list[int] = []
    for step in (0, 1, 400, 700, 5_000, DAY, 3, -DAY, 900, 200, 70_000, -3 * DAY, 10, 4 * DAY, 1_001):
        clock.ms += step
        stamps += [record.timestamp_ms for record in await broker.publish([new(b"x"), new(b"y")])]
    for at in sorted({stamp + shift for stamp in stamps for shift in (-1, 0, 1)}):
        expected = next((offset for offset, stamp in enumerate(stamps) if stamp >= at), len(stamps))
        assert await broker.offset_at(LOG.name, 0, at) == expected
    await broker.close()


async def test_a_time_is_still_found_after_old_records_went(tmp_path: Path, clock: Clock) -> None:
    broker = open_runner(tmp_path, clock=clock, topics=(LOG,))
    stamps: list[int] = []
    for _ in range(40):
        stamps += [record.timestamp_ms for record in await broker.publish([new(b"x"), new(b"y")])]
        clock.ms += 3_000
    await maintain(broker)
    earliest = (await broker.bounds(LOG.name, 0)).earliest
    assert 0 < earliest < len(stamps)
    for at in {stamp + shift for stamp in stamps for shift in (-1, 0, 1)}:
        expected = next((offset for offset in range(earliest, len(stamps)) if stamps[offset] >= at), len(stamps))
        assert await broker.offset_at(LOG.name, 0, at) == expected
    await broker.close()


async def test_publishes_that_wait_together_share_a_commit(tmp_path: Path, clock: Clock) -> None:
    broker = open_runner(tmp_path, clock=clock, topics=(LOG,))
    await broker.publish([new(b"warm")])
    commits = 0

    def count() -> bool:
        nonlocal commits
        commits += 1
        return False

    assert broker._write_conn is not None
    broker._write_conn.set_commit_hook(count)
    await asyncio.gather(*(broker.publish([new(b"%d" % n)]) for n in range(300)))
    assert commits < 60
    assert len(await broker.read(LOG.name, 0, 0, max_records=1_000)) == 301
    broker._write_conn.set_commit_hook(None)
    await broker.close()


async def test_a_job_that_fails_takes_no_other_with_it(tmp_path: Path, clock: Clock) -> None:
    broker = open_runner(tmp_path, clock=clock, topics=(LOG,))

    def bad(_: object) -> None:
        raise ValueError("broken")

    results = await asyncio.gather(
        broker.publish([new(b"1")]), broker.write(bad), broker.publish([new(b"2")]), return_exceptions=True
    )
    assert isinstance(results[1], ValueError)
    assert [record.value for record in await broker.read(LOG.name, 0, 0)] == [b"1", b"2"]
    await broker.close()


async def test_whoever_brings_more_than_may_wait_waits(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "PENDING_BYTES", 1_000)
    broker = open_runner(tmp_path, clock=clock, topics=(LOG,))
    most = 0

    async def publish(n: int) -> None:
        nonlocal most
        await broker.publish([new(bytes(range(100)) * 4 + b"%d" % n)])

    async def watch() -> None:
        nonlocal most
        while True:
            most = max(most, broker._writer._pending if broker._writer else 0)
            await asyncio.sleep(0)

    watcher = asyncio.create_task(watch())
    await asyncio.gather(*(publish(n) for n in range(100)))
    watcher.cancel()
    assert 0 < most <= 1_000
    assert len(await broker.read(LOG.name, 0, 0)) == 100
    await broker.close()


async def test_nobody_asks_the_disk_while_nobody_waits(tmp_path: Path, clock: Clock) -> None:
    broker = open_runner(tmp_path, clock=clock, topics=(LOG,))
    asked = 0
    real = broker.signals._foreign_version

    async def count() -> int:
        nonlocal asked
        asked += 1
        return await real()

    broker.signals._foreign_version = count
    await broker.publish([new(b"x")])
    assert await broker.read(LOG.name, 0, 0) != []
    assert asked == 0
    assert await broker.read(LOG.name, 0, 1, wait=0.1) == []
    assert asked == 1
    await broker.close()


async def test_a_waiter_reads_once_when_it_begins_and_once_when_it_is_woken(tmp_path: Path, clock: Clock) -> None:
    broker = open_runner(tmp_path, clock=clock, topics=(LOG, TABLE))
    reads = 0
    real = broker._reader.run

    async def count(work: object) -> object:
        nonlocal reads
        reads += 1
        return await real(work)  # type: ignore[arg-type]

    broker._reader.run = count  # type: ignore[method-assign, assignment]
    waiting = asyncio.create_task(broker.read(LOG.name, 0, 0, wait=20))
    for _ in range(5):
        await broker.publish([new(b"elsewhere", "k", TABLE)])
    await broker.publish([new(b"here")])
    await waiting
    assert reads == 2
    await broker.close()


@given(st.binary(max_size=5_000))
def test_what_is_packed_comes_out_as_it_was(data: bytes) -> None:
    stored, raw_size = packing.pack(data)
    assert packing.unpack(stored, raw_size) == data
    assert len(stored) <= len(data)


def test_damaged_values_are_broken_storage() -> None:
    stored, raw_size = packing.pack(b"abc" * 1_000)
    assert raw_size == 3_000
    for bad, size in ((stored[:-3], raw_size), (b"xx" + stored[2:], raw_size), (stored, raw_size + 5)):
        with pytest.raises(BrokenStorage):
            packing.unpack(bad, size)
    with pytest.raises(BrokenStorage):
        codec.unpack_headers(b'{"a":')


async def test_a_full_disk_commits_nothing_and_drains_later(tmp_path: Path, clock: Clock) -> None:
    """F13"""
    broker = open_runner(tmp_path, clock=clock, topics=(LOG,))
    await broker.publish([new(b"kept")])
    conn = broker._write_conn
    assert conn is not None
    conn.pragma("max_page_count", int(conn.pragma("page_count")) + 5)
    noise = [NewRecord(LOG.name, f"noise-{n}", _noise(20_000, n), {}) for n in range(10)]
    with pytest.raises(BrokenStorage, match="disk is full"):
        await broker.publish(noise)
    assert "disk is full" in (await broker.healthy() or "")
    assert [record.value for record in await broker.read(LOG.name, 0, 0)] == [b"kept"]
    conn.pragma("max_page_count", 1 << 30)
    assert (await broker.publish([new(b"after")]))[0].offset == 1
    assert await broker.healthy() is None
    await broker.close()


def _noise(size: int, seed: int) -> bytes:
    """Bytes that do not compress."""
    return random.Random(seed).randbytes(size)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 2 MiB; skips where mounting one is not allowed."""
    mount = tmp_path / "disk"
    mount.mkdir()
    try:
        made = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(mount)], check=False, capture_output=True
        )
    except FileNotFoundError:
        pytest.skip("no mount command")
    if made.returncode:
        pytest.skip("mounting a small file system needs root")
    yield mount
    subprocess.run(["umount", "-l", str(mount)], check=True)


async def test_a_disk_that_is_really_full_stops_loudly_and_loses_nothing(small_disk: Path, clock: Clock) -> None:
    """F13"""
    broker = open_runner(small_disk, clock=clock, topics=(LOG,))
    acknowledged: list[bytes] = []

    async def fill() -> None:
        for n in range(1_000):
            batch = [new(_noise(20_000, n)), new(_noise(20_000, -n))]
            await broker.publish(batch)
            acknowledged.extend(record.value or b"" for record in batch)

    with pytest.raises(BrokenStorage) as caught:
        await fill()
    assert str(small_disk) in str(caught.value)
    stored = await broker.read(LOG.name, 0, 0, max_records=10_000)
    assert [record.value for record in stored] == acknowledged
    assert len(acknowledged) > 4
    await broker.close()
    again = open_runner(small_disk, clock=clock, topics=())
    stored = await again.read(LOG.name, 0, 0, max_records=10_000)
    assert [record.value for record in stored] == acknowledged
    await again.close()


async def test_another_process_that_holds_the_store_for_long_is_a_fault_that_may_pass(
    tmp_path: Path, clock: Clock
) -> None:
    broker, other = open_runner(tmp_path, clock=clock, topics=(LOG,)), open_writer(tmp_path, clock=clock)
    assert broker._write_conn is not None
    assert other._write_conn is not None
    broker._write_conn.set_busy_timeout(10)
    other._write_conn.execute("BEGIN IMMEDIATE")
    with pytest.raises(PassingFault, match="another process"):
        await broker.publish([new(b"x")])
    other._write_conn.execute("ROLLBACK")
    await broker.publish([new(b"x")])
    assert len(await broker.read(LOG.name, 0, 0)) == 1
    await other.close()
    await broker.close()


async def test_an_input_output_error_stops_and_commits_nothing(tmp_path: Path, clock: Clock) -> None:
    """A file system that fails under a write, by a layer of SQLite's own between it and the disk."""

    class Failing(apsw.VFS):
        broken = False

        def __init__(self) -> None:
            super().__init__("failing", "")

        def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:
            return FailingFile(name, flags)

    class FailingFile(apsw.VFSFile):
        def __init__(self, name: str | apsw.URIFilename | None, flags: list[int]) -> None:
            super().__init__("", name, flags)  # type: ignore[arg-type]

        def xWrite(self, data: bytes, offset: int) -> None:
            if vfs.broken:
                raise apsw.IOError("the disk failed on purpose")
            super().xWrite(data, offset)

    vfs = Failing()
    broker = open_runner(tmp_path, clock=clock, topics=(LOG,))
    await broker.publish([new(b"kept")])
    await broker.close()
    conn = apsw.Connection(str(tmp_path / "log.db"), vfs="failing")
    conn.pragma("synchronous", "FULL")
    broken = EmbeddedBroker(tmp_path, "writer", clock, write_conn=conn, lock=None, retention_bytes={})
    vfs.broken = True
    with pytest.raises(BrokenStorage, match="disk failed"):
        await broken.publish([new(b"lost")])
    vfs.broken = False
    assert [record.value for record in await broken.read(LOG.name, 0, 0)] == [b"kept"]
    await broken.publish([new(b"after")])
    assert [record.value for record in await broken.read(LOG.name, 0, 0)] == [b"kept", b"after"]
    await broken.close()


async def test_a_view_left_alone_until_tombstones_are_gone_still_learns_of_a_removal(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A saved search removed on a quiet day must not match for ever."""
    broker = open_runner(tmp_path, clock=clock, topics=(TABLE,))
    view = LatestView(broker, TABLE.name, lambda record: record.value)
    await broker.publish([new(b"1", key, TABLE) for key in ("kept", "gone")])
    assert await view.refresh() == {"kept", "gone"}
    await broker.publish([new(None, "gone", TABLE)])
    clock.ms += 2 * DAY
    await maintain(broker)
    now = asyncio.get_running_loop().time()
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: now + 2 * 86_400)
    assert "gone" in await view.refresh()
    assert dict(view.values) == {"kept": b"1"}
    await broker.close()


async def test_what_a_limit_takes_from_a_stage_that_lags_is_said(tmp_path: Path, clock: Clock) -> None:
    broker = open_runner(tmp_path, clock=clock, topics=(LOG,), retention_bytes={LOG.name: 5_000})
    records = await broker.publish([new(random.Random(n).randbytes(1_000)) for n in range(10)])
    slow = await broker.consumer("slow", [LOG.name])
    await slow.commit(records[:2])
    with capture_logs() as lines:
        await maintain(broker)
    gone = (await broker.bounds(LOG.name, 0)).earliest
    assert gone > 2
    assert [(line["topic"], line["lost"], line["log_level"]) for line in lines] == [(LOG.name, gone - 2, "error")]
    await broker.close()
