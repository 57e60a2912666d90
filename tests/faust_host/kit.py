"""What the tests of the Faust host share: a stage that tells what it saw, and ways to feed and watch it."""

from __future__ import annotations

import asyncio
import hashlib
import threading
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path

from msgspec import Struct

from processors.faust_host import FaustHost
from wirewatch.brokers.interface import NewRecord, Record
from wirewatch.brokers.kafka import KafkaBroker, Layout, read_address
from wirewatch.hosting import Step
from wirewatch.settings.declared import Kafka
from wirewatch.topics import ENTRIES, ENTRY_EVENTS, SNAPSHOTS, STATE_TOPICS, TOPICS

PARTITIONS = 4


@asynccontextmanager
async def opened(url: str, prefix: str, *, session: str = "6s") -> AsyncIterator[KafkaBroker]:
    settings = Kafka(partitions=PARTITIONS, session_timeout=session)
    broker = KafkaBroker(read_address(url, settings), layout=Layout(partitions=PARTITIONS), prefix=prefix)
    await broker.open()
    try:
        yield broker
    finally:
        await broker.close()


async def create_topics(broker: KafkaBroker) -> None:
    await broker.create_topics([*TOPICS.values(), *STATE_TOPICS.values()])


class Numbered:
    """Like the diff: numbers records a key's state knows of are skipped, others passed on under an id of their own.

    ``before`` is called with each value first, in the stage's thread: it may raise, or wait.
    """

    stage = "diff"
    stateful = True

    def __init__(self, before: Callable[[bytes], None] | None = None, *, work: int = 0) -> None:
        self.before = before
        self.work = work
        self.tried: list[bytes] = []

    def handle(self, record: Record, state: bytes | None) -> Step:
        value = record.value or b""
        self.tried.append(value)
        if self.before is not None:
            self.before(value)
        if self.work:
            hashlib.pbkdf2_hmac("sha256", value, b"", self.work)
        number, known = int(value.split(b"/")[1]), int(state or b"0")
        if number <= known:
            return Step([])
        headers = {"ce_id": value.decode(), "given": record.headers.get("given", "")}
        return Step([NewRecord(ENTRY_EVENTS.name, record.key, value, headers)], b"%d" % number)


class Passing:
    """Like enrich: no state, everything passed on."""

    stage = "enrich"
    stateful = False

    def __init__(self, before: Callable[[bytes], None] | None = None) -> None:
        self.before = before

    def handle(self, record: Record, state: bytes | None) -> Step:
        assert state is None
        if self.before is not None:
            self.before(record.value or b"")
        return Step([NewRecord(ENTRIES.name, record.key, record.value, record.headers)])


class Seen(Struct):
    """What came out, held against what went in."""

    lost: int
    twice: int
    out_of_order: int


def numbered(count: int, *, keys: int, start: int = 0) -> list[NewRecord]:
    """Records ``key/number``, each key's numbers from 1 on without a gap."""
    out = []
    for index in range(start, start + count):
        key = f"feed-{index % keys}"
        out.append(NewRecord(SNAPSHOTS.name, key, f"{key}/{index // keys + 1}".encode(), {"given": str(index)}))
    return out


async def read_all(broker: KafkaBroker, topic: str) -> list[Record]:
    out: list[Record] = []
    for partition in range(broker.partitions(topic)):
        offset, end = 0, (await broker.bounds(topic, partition)).end
        while offset < end:
            found = await broker.read(topic, partition, offset, wait=1.0)
            out += found
            offset = found[-1].offset + 1 if found else offset
    return out


async def length(broker: KafkaBroker, topic: str) -> int:
    """How many records were ever appended to it."""
    return sum([(await broker.bounds(topic, partition)).end for partition in range(broker.partitions(topic))])


def compare(sent: list[NewRecord], got: list[Record]) -> Seen:
    by_key: dict[str, list[int]] = defaultdict(list)
    for record in got:
        key, number = (record.value or b"").decode().split("/")
        assert key == record.key
        by_key[key].append(int(number))
    lost = twice = wrong = 0
    due: dict[str, set[int]] = defaultdict(set)
    for new in sent:
        due[new.key].add(int((new.value or b"").split(b"/")[1]))
    for key, numbers in due.items():
        found = by_key[key]
        lost += len(numbers - set(found))
        twice += len(found) - len(set(found))
        firsts = list(dict.fromkeys(found))
        wrong += sum(1 for one, two in pairwise(firsts) if two < one)
    return Seen(lost, twice, wrong)


async def until(what: Callable[[], object], *, seconds: float = 30.0, said: str = "") -> None:
    """Wait for it, with a deadline. ``what`` may be a coroutine function."""
    deadline = time.monotonic() + seconds
    while True:
        result = what()
        if asyncio.iscoroutine(result):
            result = await result
        if result:
            return
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {said or what}"
        await asyncio.sleep(0.1)


async def committed_all(broker: KafkaBroker, stage: str, topic: str) -> bool:
    """Whether the stage has committed all that the topic holds."""
    for partition in range(broker.partitions(topic)):
        end = (await broker.bounds(topic, partition)).end
        if end and (await broker.committed(stage, topic, partition) or 0) < end:
            return False
    return True


@asynccontextmanager
async def running(
    broker: KafkaBroker,
    handler: object,
    folder: Path,
    *,
    inputs: str = SNAPSHOTS.name,
    store: str = "memory://",
) -> AsyncIterator[asyncio.Task[None]]:
    """A host at work; stopped at the end, when it must end in time and leave no thread behind."""
    host = FaustHost(broker, handler, [inputs], data_dir=folder, store=store)  # type: ignore[arg-type]
    task = asyncio.create_task(host.run())
    try:
        yield task
    finally:
        host.stop()
        began = time.monotonic()
        await asyncio.wait({task}, timeout=25)
        assert task.done(), "the host did not stop"
        assert time.monotonic() - began < 16
    if not task.cancelled() and (error := task.exception()) is not None:
        raise error


class Trouble:
    """Raises what it is told to, so often, for values that contain a mark; counts how often it did."""

    def __init__(self, mark: bytes, error: Exception, times: int | None = None) -> None:
        self.mark, self.error, self.left = mark, error, times
        self.raised = 0

    def __call__(self, value: bytes) -> None:
        if self.mark in value and self.left != 0:
            self.raised += 1
            if self.left is not None:
                self.left -= 1
            raise self.error


class Gate:
    """Holds the stage's thread at values that contain a mark until it is opened."""

    def __init__(self, mark: bytes) -> None:
        self.mark = mark
        self.reached = threading.Event()
        self.open = threading.Event()

    def __call__(self, value: bytes) -> None:
        if self.mark in value:
            self.reached.set()
            assert self.open.wait(60)
