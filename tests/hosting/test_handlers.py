"""A pure handler on the embedded broker: one transaction a batch, and each error its fate."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import ClassVar

import pytest

from wirewatch import metrics
from wirewatch.brokers.dead_letters import list_dead_letters, show_dead_letter
from wirewatch.brokers.embedded import EmbeddedBroker
from wirewatch.brokers.interface import NewRecord, Record
from wirewatch.errors import BadInput, BrokenStorage, PassingFault
from wirewatch.hosting import Handler, Step
from wirewatch.hosting.runner import Runner
from wirewatch.times import Clock

INPUTS = {"count": ["in.v1"]}


class Counting:
    """Counts a key's records: output ``key:n:value``; ``trouble`` may raise first."""

    stage = "count"
    stateful = True

    def __init__(self, trouble: Callable[[Record], None] | None = None) -> None:
        self.trouble = trouble or (lambda _: None)
        self.seen: list[bytes] = []

    def handle(self, record: Record, state: bytes | None) -> Step:
        value = record.value or b""
        self.seen.append(value)
        self.trouble(record)
        number = int(state or b"0") + 1
        output = NewRecord("out.v1", record.key, b"%s:%d:%s" % (record.key.encode(), number, value), {})
        return Step([output], b"%d" % number)


@asynccontextmanager
async def running(broker: EmbeddedBroker, *handlers: Handler, **options: object) -> AsyncIterator[Runner]:
    runner = Runner(broker, handlers=handlers, clock=broker.clock, inputs=INPUTS, **options)  # type: ignore[arg-type]
    task = asyncio.create_task(runner.run())
    try:
        yield runner
    finally:
        runner.stop()
        await task


async def put(broker: EmbeddedBroker, *values: bytes, key: str = "k") -> list[Record]:
    return await broker.publish([NewRecord("in.v1", key, value, {"ce_id": "x"}) for value in values])


async def outputs(broker: EmbeddedBroker, count: int) -> list[bytes | None]:
    records: list[Record] = []
    async with asyncio.timeout(20):
        while len(records) < count:
            records = await broker.read("out.v1", 0, 0, max_records=10_000)
            if len(records) < count:
                await broker.read("out.v1", 0, len(records), wait=1)
    return [record.value for record in records]


async def caught_up(broker: EmbeddedBroker, stage: str = "count") -> None:
    end = (await broker.bounds("in.v1", 0)).end
    async with asyncio.timeout(20):
        while await broker.committed(stage, "in.v1", 0) != end:
            await asyncio.to_thread(time.sleep, 0.005)  # offsets wake nobody


async def test_outputs_state_and_offset_come_together(broker: EmbeddedBroker) -> None:
    await put(broker, b"a", b"b")
    async with running(broker, Counting()):
        assert await outputs(broker, 2) == [b"k:1:a", b"k:2:b"]
        await put(broker, b"c")
        assert await outputs(broker, 3) == [b"k:1:a", b"k:2:b", b"k:3:c"]
    assert await broker.read_state("count", "k") == b"3"
    assert await broker.committed("count", "in.v1", 0) == 3
    async with running(broker, Counting()):
        await put(broker, b"d")
        assert (await outputs(broker, 4))[-1] == b"k:4:d"


async def test_a_handler_is_warmed_once_in_its_own_thread_before_its_first_record(broker: EmbeddedBroker) -> None:
    class Slow(Counting):
        threads: ClassVar[list[int]] = []

        def warm(self) -> None:
            assert not self.seen
            self.threads.append(threading.get_ident())

    await put(broker, b"a")
    async with running(broker, Slow()):
        assert await outputs(broker, 1) == [b"k:1:a"]
    assert len(Slow.threads) == 1
    assert Slow.threads != [threading.get_ident()]


async def test_bad_input_is_dead_lettered_and_its_neighbours_count_once(broker: EmbeddedBroker) -> None:
    """F19"""

    def trouble(record: Record) -> None:
        if record.value == b"bad":
            raise BadInput("cannot be read at line 3", reason="truncated")

    before = metrics.DEAD_LETTERS.labels("count", "truncated")._value.get()
    await put(broker, b"a", b"bad", b"c")
    handler = Counting(trouble)
    async with running(broker, handler):
        assert await outputs(broker, 2) == [b"k:1:a", b"k:2:c"]
        await caught_up(broker)
    assert handler.seen == [b"a", b"bad", b"c"]
    (listed,) = await list_dead_letters(broker)
    _, letter = await show_dead_letter(broker, listed.letter.id)
    assert (letter.fate, letter.reason, letter.error, letter.offset) == (
        "bad-input",
        "truncated",
        "cannot be read at line 3",
        1,
    )
    assert (letter.key, letter.headers, letter.traceback) == ("k", {"ce_id": "x"}, None)
    assert metrics.DEAD_LETTERS.labels("count", "truncated")._value.get() == before + 1


async def test_a_passing_fault_is_tried_again_and_nothing_moves_meanwhile(broker: EmbeddedBroker, clock: Clock) -> None:
    faults = [PassingFault("away", retry_after=3), PassingFault("away"), PassingFault("away")]
    stood: list[object] = []
    loop = asyncio.get_running_loop()

    def trouble(record: Record) -> None:
        if record.value == b"b" and faults:
            stood.append(asyncio.run_coroutine_threadsafe(broker.committed("count", "in.v1", 0), loop).result(10))
            raise faults.pop(0)

    await put(broker, b"a", b"b", b"c")
    async with running(broker, Counting(trouble)):
        assert await outputs(broker, 3) == [b"k:1:a", b"k:2:b", b"k:3:c"]
        await caught_up(broker)
    assert stood == [None, 1, 1], "what came before is committed, the record itself is not"
    assert [seconds for seconds in clock.slept if seconds in (3, 0.2, 0.4)] == [3, 0.2, 0.4]  # type: ignore[attr-defined]
    assert await list_dead_letters(broker) == []


async def test_a_bug_is_tried_twice_more_then_dead_lettered_with_its_traceback(broker: EmbeddedBroker) -> None:
    """F19"""

    def trouble(record: Record) -> None:
        if record.value == b"bad":
            raise ZeroDivisionError("a mistake of ours")

    before = metrics.DEAD_LETTERS.labels("count", "bug")._value.get()
    await put(broker, b"a", b"bad", b"c")
    await put(broker, b"other", key="other")
    handler = Counting(trouble)
    async with running(broker, handler):
        assert await outputs(broker, 3) == [b"k:1:a", b"k:2:c", b"other:1:other"]
        await caught_up(broker)
    assert handler.seen.count(b"bad") == 3
    assert handler.seen.count(b"a") == handler.seen.count(b"c") == 1
    (listed,) = await list_dead_letters(broker)
    assert (listed.letter.fate, listed.letter.reason) == ("bug", "bug")
    assert "ZeroDivisionError: a mistake of ours" in listed.letter.error
    assert "in trouble" in (listed.letter.traceback or "")
    assert metrics.DEAD_LETTERS.labels("count", "bug")._value.get() == before + 1


async def test_a_bug_that_passes_leaves_no_trace(broker: EmbeddedBroker) -> None:
    left = [ValueError("once"), ValueError("twice")]

    def trouble(record: Record) -> None:
        if record.value == b"b" and left:
            raise left.pop()

    await put(broker, b"a", b"b", b"c")
    async with running(broker, Counting(trouble)):
        assert await outputs(broker, 3) == [b"k:1:a", b"k:2:b", b"k:3:c"]
    assert await list_dead_letters(broker) == []


async def test_two_bugs_in_one_batch_each_get_their_tries(broker: EmbeddedBroker) -> None:
    def trouble(record: Record) -> None:
        if (record.value or b"").startswith(b"bad"):
            raise RecursionError("too deep")

    await put(broker, b"bad1", b"bad2", b"c")
    handler = Counting(trouble)
    async with running(broker, handler):
        assert await outputs(broker, 1) == [b"k:1:c"]
    assert (handler.seen.count(b"bad1"), handler.seen.count(b"bad2")) == (3, 3)
    assert len(await list_dead_letters(broker)) == 2


async def test_an_output_over_its_topics_limit_rejects_the_record_that_made_it(broker: EmbeddedBroker) -> None:
    await put(broker, b"a", b"x" * 20_000, b"c")
    async with running(broker, Counting()):
        assert await outputs(broker, 2) == [b"k:1:a", b"k:2:c"]
        await caught_up(broker)
    assert [item.letter.reason for item in await list_dead_letters(broker)] == ["too-large"]


async def test_broken_storage_stops_the_runner_and_commits_nothing(broker: EmbeddedBroker) -> None:
    """F13"""
    assert broker._write_conn is not None
    await put(broker, b"a", b"b")
    pages = int(broker._write_conn.pragma("page_count"))
    broker._write_conn.pragma("max_page_count", pages)

    class Growing(Counting):
        def handle(self, record: Record, state: bytes | None) -> Step:
            noise = random.Random(1)
            return Step(
                [NewRecord("out.v1", "k", noise.randbytes(9_000), {}) for _ in range(3)], noise.randbytes(20_000)
            )

    runner = Runner(broker, handlers=[Growing()], clock=broker.clock, inputs=INPUTS)
    with pytest.raises(BrokenStorage, match="disk is full"):
        await asyncio.wait_for(runner.run(), 20)
    assert await broker.committed("count", "in.v1", 0) is None
    assert await broker.read_state("count", "k") is None
    broker._write_conn.pragma("max_page_count", 1 << 30)
    async with running(broker, Counting()):
        assert await outputs(broker, 2) == [b"k:1:a", b"k:2:b"]


async def test_an_offset_moved_by_someone_else_is_a_broken_invariant(broker: EmbeddedBroker) -> None:
    stranger = await broker.consumer("count", ["in.v1"])
    runner = Runner(broker, handlers=[Counting()], clock=broker.clock, inputs=INPUTS)
    task = asyncio.create_task(runner.run())
    await put(broker, b"a")
    await outputs(broker, 1)
    published = await broker.publish([NewRecord("second.v1", "k", b"x", {})])
    # as if another process had taken the stage over
    moved = Record("in.v1", 0, 7, "k", None, {}, published[0].timestamp_ms)
    await stranger.commit([moved])
    await put(broker, b"b")
    with pytest.raises(BrokenStorage, match="another process moved it"):
        await asyncio.wait_for(task, 20)


async def test_a_stop_commits_what_is_in_hand_and_returns_soon(broker: EmbeddedBroker) -> None:
    """F18"""
    begun = threading.Event()

    def trouble(record: Record) -> None:
        begun.set()
        time.sleep(0.01)  # a handler at work

    await put(broker, *(b"%d" % n for n in range(1_000)))
    handler = Counting(trouble)
    for cancel in (False, True):
        begun.clear()
        runner = Runner(broker, handlers=[handler], clock=broker.clock, inputs=INPUTS)
        task = asyncio.create_task(runner.run())
        await asyncio.to_thread(begun.wait, 10)
        started = time.monotonic()
        if cancel:
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        else:
            runner.stop()
            await task
        assert time.monotonic() - started < 5
        done = await broker.committed("count", "in.v1", 0)
        assert done == len(handler.seen) == int(await broker.read_state("count", "k") or b"0")
        assert 0 < done < 1_000
        assert len(await outputs(broker, done)) == done


async def test_a_slow_handler_leaves_the_event_loop_free_and_commits_as_it_goes(broker: EmbeddedBroker) -> None:
    def trouble(record: Record) -> None:
        time.sleep(0.03)  # a handler at work

    await put(broker, *(b"%d" % n for n in range(20)))
    longest = 0.0
    async with running(broker, Counting(trouble)):
        async with asyncio.timeout(20):
            while len(await broker.read("out.v1", 0, 0)) < 4:
                started = time.monotonic()
                await asyncio.sleep(0.001)
                longest = max(longest, time.monotonic() - started)
        assert len(await broker.read("out.v1", 0, 0)) < 20
    assert longest < 0.5


async def test_a_hop_is_a_matter_of_milliseconds(broker: EmbeddedBroker) -> None:
    loop = asyncio.get_running_loop()
    took: list[float] = []
    async with running(broker, Counting()):
        for n in range(60):
            started = loop.time()
            await put(broker, b"%d" % n)
            await broker.read("out.v1", 0, n, wait=10)
            took.append(loop.time() - started)
    assert sorted(took)[30] < 0.05, "generous: this machine may be busy; benchmarks/ has the real figures"


class Versioned(Counting):
    state_version = 2

    def migrate_state(self, version: int, state: bytes) -> bytes:
        if not state.isdigit():
            raise BadInput("not a number", reason="bad-state")
        return b"%d" % (int(state) * 100 * version)


async def test_state_of_an_older_version_is_brought_forward(broker: EmbeddedBroker) -> None:
    await put(broker, b"a")
    async with running(broker, Counting()):
        await outputs(broker, 1)
    await put(broker, b"b", b"c")
    async with running(broker, Versioned()):
        assert await outputs(broker, 3) == [b"k:1:a", b"k:101:b", b"k:102:c"]


async def test_state_of_a_newer_version_is_refused_in_words_and_left_alone(broker: EmbeddedBroker) -> None:
    await put(broker, b"a")
    async with running(broker, Versioned()):
        await outputs(broker, 1)
    await put(broker, b"b")
    runner = Runner(broker, handlers=[Counting()], clock=broker.clock, inputs=INPUTS)
    with pytest.raises(BrokenStorage, match="newer wirewatch"):
        await asyncio.wait_for(runner.run(), 20)
    assert await broker.committed("count", "in.v1", 0) == 1
    assert await broker.read_state("count", "k") == b"1"


async def test_two_stages_form_a_chain_and_their_lag_is_measured(broker: EmbeddedBroker) -> None:
    class Second(Counting):
        stage = "again"
        stateful = False

        def handle(self, record: Record, state: bytes | None) -> Step:
            assert state is None
            return Step([NewRecord("second.v1", record.key, b"seen " + (record.value or b""), {})])

    await put(broker, b"a", b"b", b"c")
    runner = Runner(
        broker,
        handlers=[Counting(), Second()],
        clock=broker.clock,
        inputs={**INPUTS, "again": ["out.v1"]},
    )
    await runner.measure()
    assert metrics.STAGE_LAG.labels("count", "0")._value.get() == 3
    task = asyncio.create_task(runner.run())
    async with asyncio.timeout(20):
        while len(records := await broker.read("second.v1", 0, 0)) < 3:
            await broker.read("second.v1", 0, len(records), wait=1)
    await caught_up(broker)
    runner.stop()
    await task
    assert [record.value for record in records] == [b"seen k:1:a", b"seen k:2:b", b"seen k:3:c"]
    await runner.measure()
    assert metrics.STAGE_LAG.labels("count", "0")._value.get() == 0
    assert metrics.STAGE_OLDEST.labels("count")._value.get() == 0


async def test_a_mistake_in_housekeeping_stops_no_stage_but_broken_storage_does(
    broker: EmbeddedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def mistaken() -> bool:
        raise KeyError("a mistake of ours")

    async def broken() -> bool:
        raise BrokenStorage("the store is damaged")

    monkeypatch.setattr(broker, "maintain", mistaken)
    async with running(broker, Counting()):
        await put(broker, b"a")
        assert await outputs(broker, 1) == [b"k:1:a"]
    monkeypatch.setattr(broker, "maintain", broken)
    with pytest.raises(BrokenStorage, match="store is damaged"):
        await asyncio.wait_for(Runner(broker, handlers=[Counting()], clock=broker.clock, inputs=INPUTS).run(), 20)


async def test_large_bodies_pass_in_batches_that_fit_memory(broker: EmbeddedBroker) -> None:
    class Measuring(Counting):
        def handle(self, record: Record, state: bytes | None) -> Step:
            return super().handle(Record("in.v1", 0, 0, record.key, b"%d" % len(record.value or b""), {}, 0), state)

    noise = random.Random(3)
    bodies = [noise.randbytes(1_900_000) for _ in range(24)]
    for value in bodies:
        await put(broker, value)
    async with running(broker, Measuring()):
        assert await outputs(broker, 24) == [b"k:%d:1900000" % (number + 1) for number in range(24)]
