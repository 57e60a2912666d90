"""What the benchmarks on Kafka share: the servers, roles as processes of their own, bare clients, and how busy it was.

Kafka, PostgreSQL and OpenSearch are the tests' own, on loopback; each is ended by its own process id. PostgreSQL
does not sync there, and Kafka never does before it acknowledges.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Self

sys.path.insert(0, str(Path(__file__).parents[1]))

import psycopg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from match_many import search_texts
from scripted_news import MARK, START_MS
from webhook_receiver import RECEIVER, SECRET, Receiver

from tests.end_to_end.program import Program
from tests.servers.kafka import KafkaServer
from tests.servers.opensearch import OpenSearchServer
from tests.servers.postgresql import PostgresqlServer
from wirewatch.brokers.interface import NewRecord
from wirewatch.events import Subscription
from wirewatch.reconcile import subscription_record
from wirewatch.times import SystemClock, format_ms

logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # new topics have no leader for a moment
PARTITIONS = 24
MARKED = "su_999"
"""The saved search that holds for every marked entry."""
PRODUCER: dict[str, Any] = {
    "acks": "all",
    "enable_idempotence": True,
    "compression_type": "zstd",
    "linger_ms": 0,
    "max_request_size": 25 << 20,
}
"""The bare client sends as the roles do."""
Sent = tuple[bytes, bytes | None, list[tuple[str, bytes]]]
"""Key, value and headers of a record as the client takes it."""


class Cluster:
    """The servers, and the settings of roles that use them."""

    def __init__(self, *, opensearch: bool = False, control: bool = True) -> None:
        self._stack = AsyncExitStack()
        self._with_opensearch = opensearch
        self._with_control = control
        self.control = "embedded"
        self.opensearch: OpenSearchServer | None = None
        self.webhook = "http://127.0.0.1:9/none"

    async def __aenter__(self) -> Self:
        self.folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="wirewatch-bench-")))
        self.kafka = KafkaServer(self.folder / "kafka")
        self.kafka.start()
        self._stack.callback(self.kafka.stop)
        if self._with_control:
            postgresql = PostgresqlServer()
            self._stack.callback(postgresql.remove)
            postgresql.start()
            self.control = postgresql.database()
        if self._with_opensearch:
            self.opensearch = OpenSearchServer(self.folder / "opensearch")
            self.opensearch.start()
            self._stack.callback(self.opensearch.stop)
        self.role("topics").call("topics", "create")
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._stack.aclose()

    def role(self, *roles: str, name: str = "", search: str = "embedded", extra: str = "") -> Program:
        """A process of these roles, not started: `wirewatch run --role ...` in a folder of its own."""
        folder = self.folder / (name or "-".join(roles))
        folder.mkdir()
        (folder / "wirewatch.toml").write_text(
            f'broker = "{self.kafka.url}"\nsearch = "{search}"\ncontrol = "{self.control}"\ndata_dir = "data"\n'
            f'allow_networks = ["127.0.0.0/8"]\n[kafka]\npartitions = {PARTITIONS}\n[ops]\ncanary_every = "0s"\n'
            "[alerts]\nterminal = false\n"
            f'[[channels]]\nid = "desk"\nurl = "{self.webhook}/alerts"\nsecret = "{SECRET}"\n{extra}'
        )
        program = Program(folder, *(word for role in roles for word in ("--role", role)))
        self._stack.callback(program.end)
        return program

    async def create(self, *names: str) -> None:
        """Topics for the bare clients."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.kafka.bootstrap)
        await admin.start()
        settings = {"message.timestamp.type": "LogAppendTime", "max.message.bytes": str(16 << 20)}
        await admin.create_topics([NewTopic(name, PARTITIONS, 1, topic_configs=settings) for name in names])
        await admin.close()

    async def publish(self, topic: str, records: Iterable[Sent]) -> None:
        """Append all by the bare client, acknowledged."""
        async with AIOKafkaProducer(bootstrap_servers=self.kafka.bootstrap, **PRODUCER) as producer:
            await asyncio.gather(*[await producer.send(topic, v, k, headers=h) for k, v, h in records])

    async def read(self, topic: str) -> list[Any]:
        """Every record of a topic, as the client gives it."""
        consumer = await self._reader()
        places = [TopicPartition(topic, number) for number in range(PARTITIONS)]
        consumer.assign(places)
        await consumer.seek_to_beginning(*places)
        due, found = sum((await consumer.end_offsets(places)).values()), []
        while len(found) < due:
            for records in (await consumer.getmany(timeout_ms=1_000)).values():
                found += records
        await consumer.stop()
        return found

    async def _reader(self) -> Any:
        consumer = AIOKafkaConsumer(bootstrap_servers=self.kafka.bootstrap, fetch_max_bytes=16 << 20)
        await consumer.start()
        return consumer

    async def ends(self, topic: str) -> Callable[[], Awaitable[int]]:
        """What says how many records a topic has had so far."""
        consumer = await self._reader()
        self._stack.push_async_callback(consumer.stop)
        places = [TopicPartition(topic, number) for number in range(PARTITIONS)]

        async def count() -> int:
            return sum((await consumer.end_offsets(places)).values())

        return count

    def positions(self, sink: str, topic: str) -> Callable[[], Awaitable[int]]:
        """What says how many records of a topic a sink has recorded in the control store."""
        found = "SELECT coalesce(sum(next_offset), 0) FROM positions WHERE sink = %s AND topic = %s"
        return self._asked(found, sink, topic)

    def told(self) -> Callable[[], Awaitable[int]]:
        """What says how many alerts were delivered, or passed over because a newer word followed at once."""
        read = "SELECT coalesce(sum(next_offset), 0) FROM positions WHERE sink = 'notify'"
        return self._asked(f"SELECT ({read}) - (SELECT count(*) FROM outbox WHERE status = 'pending')")

    def _asked(self, query: Any, *values: str) -> Callable[[], Awaitable[int]]:
        conn = psycopg.connect(self.control, autocommit=True)
        self._stack.callback(conn.close)

        async def count() -> int:
            row = conn.execute(query, values).fetchone()
            assert row is not None
            return int(row[0])

        return count


class Hooks(Receiver):
    """The receiver of webhooks, on whatever core is free."""

    async def start(self) -> None:
        self.process = await asyncio.create_subprocess_exec(sys.executable, "-c", RECEIVER, stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        self.url = f"http://127.0.0.1:{int(await self.process.stdout.readline())}"
        self.got: dict[str, float] = {}
        self.changed = asyncio.Event()
        self.task = asyncio.create_task(self._listen())


@asynccontextmanager
async def receiving() -> AsyncIterator[Hooks]:
    """The receiver, ended whatever happens."""
    hooks = Hooks()
    await hooks.start()
    try:
        yield hooks
    finally:
        await hooks.close()


def sent(record: NewRecord) -> Sent:
    """A record as the bare client takes it."""
    return record.key.encode(), record.value, [(name, text.encode()) for name, text in record.headers.items()]


def saved_searches(words: Sequence[str], *, all_told: bool) -> list[Sent]:
    """1,000 saved searches; the marked one goes to the channel, the others where all are told."""
    texts = search_texts(random.Random(11), words)
    texts[-1] = f"{MARK}*"
    now = SystemClock().now_ms()
    made = []
    for number, text in enumerate(texts):
        to = ["desk"] if all_told or f"su_{number}" == MARKED else []
        saved = Subscription(f"su_{number}", f"search {number}", text, to, created=format_ms(START_MS))
        made.append(sent(subscription_record(saved, now_ms=now)))
    return made


async def until_running(*programs: Program) -> None:
    """Wait until all have made their stages."""
    async with asyncio.timeout(60):
        for program in programs:
            while not program.runs():
                assert program.alive(), program.log()[-3000:]
                await asyncio.sleep(0.05)


async def until(count: Callable[[], Awaitable[int]], due: int, *programs: Program) -> list[tuple[float, int]]:
    """Look every 50 ms until so many are done; when was how much done."""
    seen: list[tuple[float, int]] = []
    stuck_at, most = time.monotonic(), -1
    while not seen or seen[-1][1] < due:
        await asyncio.sleep(0.05)
        seen.append((time.monotonic(), await count()))
        for program in programs:
            assert program.alive(), program.log()[-3000:]
        if seen[-1][1] > most:
            stuck_at, most = seen[-1]
        words = "".join(program.log()[-2000:] for program in programs)
        assert time.monotonic() - stuck_at < 90, f"{most} of {due} after 90 s of nothing:\n{words}"
    return seen


def rate(seen: Sequence[tuple[float, int]], *, upto: float = 1.0) -> float:
    """How many a second, from a tenth of them on: what comes before is warming up."""
    first, last = seen[0][1], seen[-1][1]
    span = last - first
    start = next(point for point in seen if point[1] >= first + span * 0.1)
    end = next(point for point in seen if point[1] >= first + span * upto)
    return (end[1] - start[1]) / max(end[0] - start[0], 1e-9)


def memory_mib(program: Program) -> tuple[float, float]:
    """Resident now, and the most it ever was."""
    assert program.process is not None
    lines = Path(f"/proc/{program.process.pid}/status").read_text().splitlines()
    found = dict(line.split(":", 1) for line in lines)
    return int(found["VmRSS"].split()[0]) / 1024, int(found["VmHWM"].split()[0]) / 1024


def cpu_seconds(pid: int) -> float:
    """Processor time of a process so far, all of its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Machine:
    """How busy all its cores were since this was made, by whomever."""

    def __init__(self) -> None:
        self._began = self._times()
        self.load = os.getloadavg()[0]

    def __str__(self) -> str:
        idle, all_of_it = (now - then for now, then in zip(self._times(), self._began, strict=True))
        cores = len(os.sched_getaffinity(0))
        return f"{cores} cores, load {self.load:.1f} at the start, {1 - idle / max(all_of_it, 1):.0%} busy meanwhile"

    @staticmethod
    def _times() -> tuple[int, int]:
        times = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
        return times[3] + times[4], sum(times)


def percentiles(took: Iterable[float]) -> tuple[float, float]:
    """p50 and p99 in milliseconds of seconds."""
    ordered = sorted(took)
    return ordered[len(ordered) // 2] * 1_000, ordered[len(ordered) * 99 // 100] * 1_000
