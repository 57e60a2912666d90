"""Two processes for matching and two for notifying on one cluster and one PostgreSQL: faults, held by the ledger."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable

import pytest

from tests.alerts.kit import Receiver, event, subscription
from tests.end_to_end.program import Program
from tests.kafka_stages.kit import PARTITIONS, SESSION_MS, until
from tests.servers.postgresql import PostgresqlServer
from wirewatch import topics
from wirewatch.brokers.interface import NewRecord, Record
from wirewatch.brokers.kafka import KafkaBroker
from wirewatch.control import Channel, ControlStore
from wirewatch.control.postgresql import PostgresqlControlStore
from wirewatch.events import Alert, CeType, EntryEvent, decode, encode, headers_for
from wirewatch.reconcile import subscription_record

pytestmark = pytest.mark.servers
FEEDS = [f"feed-{n}" for n in range(12)]
MakeRole = Callable[..., Program]


@pytest.fixture
def control(postgresql: PostgresqlServer) -> str:
    return postgresql.database()


@pytest.fixture
async def store(control: str) -> AsyncIterator[ControlStore]:
    opened = PostgresqlControlStore(control)
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    listening = Receiver()
    await listening.start()
    yield listening
    await listening.stop()


class Newsroom:
    """Events of all feeds, an entry and its edit at a time; what should be told of them."""

    def __init__(self, broker: KafkaBroker) -> None:
        self._broker = broker
        self._seq = dict.fromkeys(FEEDS, 0)
        self.entries = 0

    async def write(self, entries: int) -> None:
        for _ in range(entries):
            self.entries += 1
            name, first, second = f"n{self.entries}", f"Dam {self.entries} breaks", f"Dam {self.entries} broke"
            told = [
                one
                for feed in FEEDS
                for one in (
                    event("created", first, name=name, feed_id=feed, seq=self._next(feed)),
                    event(
                        "updated",
                        second,
                        before=first,
                        grade="major",
                        revision=2,
                        name=name,
                        feed_id=feed,
                        seq=self._next(feed),
                    ),
                )
            ]
            await self._broker.publish([record_of(one) for one in told])
            await asyncio.sleep(0.02)

    def _next(self, feed: str) -> int:
        self._seq[feed] += 1
        return self._seq[feed]

    @property
    def alerts(self) -> int:
        return self.entries * len(FEEDS)


def record_of(one: EntryEvent) -> NewRecord:
    headers = headers_for(CeType.for_op(one.op), id=one.id, source="test", time=one.time)
    return NewRecord(topics.ENTRIES.name, one.feed_id, encode(one), headers)


async def everything(broker: KafkaBroker, topic: str) -> list[Record]:
    found: list[Record] = []
    for partition in range(PARTITIONS):
        offset = 0
        while records := await broker.read(topic, partition, offset):
            offset = records[-1].offset + 1
            found += records
    return found


async def all_read(broker: KafkaBroker, store: ControlStore, sink: str, topic: str) -> bool:
    for partition in range(PARTITIONS):
        end = (await broker.bounds(topic, partition)).end
        if (await store.position(sink, topic, partition) or 0) < end:
            return False
    return True


async def test_f5_f8_two_of_each_tell_every_change_once_over_kills_and_freezes_past_their_session(
    broker: KafkaBroker, store: ControlStore, control: str, receiver: Receiver, role: MakeRole
) -> None:
    await store.put_channels([Channel("ops", "webhook", receiver.url, "")])
    await broker.publish([subscription_record(subscription(), now_ms=0)])
    settings = f'control = "{control}"\n[alerts]\nterminal = false'
    news = Newsroom(broker)
    matching = [role("match", name, settings) for name in ("match-a", "match-b")]
    telling = [role("notify", name, settings) for name in ("notify-a", "notify-b")]
    for program in (*matching, *telling):
        program.start()
    await news.write(6)
    await until(lambda: all_read(broker, store, "match", topics.ENTRIES.name))

    matching[0].kill()
    telling[0].kill()
    matching[1].freeze()
    telling[1].freeze()
    await news.write(6)
    matching[0].start()
    telling[0].start()
    await until(lambda: all_read(broker, store, "match", topics.ENTRIES.name), seconds=SESSION_MS / 1000 + 30)
    await news.write(5)
    await until(lambda: all_read(broker, store, "match", topics.ENTRIES.name))
    # every partition of the frozen ones is another's by now, also those of who delivers
    await until(lambda: all_read(broker, store, "notify", topics.ALERTS.name), seconds=SESSION_MS / 1000 + 30)
    matching[1].thaw()
    telling[1].thaw()
    await news.write(6)

    async def told() -> bool:
        return len(set(receiver.ids)) >= 2 * news.alerts

    await until(lambda: all_read(broker, store, "match", topics.ENTRIES.name))
    await until(lambda: all_read(broker, store, "notify", topics.ALERTS.name))
    await until(told)
    await check_alerts(broker, store, news)
    check_deliveries(receiver, news)
    assert all(program.alive() for program in (*matching, *telling))


async def check_alerts(broker: KafkaBroker, store: ControlStore, news: Newsroom) -> None:
    steps: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for record in await everything(broker, topics.ALERTS.name):
        alert = decode(record.value or b"", Alert)
        step = (alert.seq, alert.event.id)
        if step not in steps[alert.alert_id]:
            steps[alert.alert_id].append(step)
    assert len(steps) == news.alerts
    for alert_id, told in steps.items():
        assert [seq for seq, _ in told] == [1, 2], (
            f"{alert_id} was told {told}: lost, out of order, or two under one seq"
        )
    states = await store.alert_states(limit=10_000)
    assert {state.alert_id: state.seq for state in states} == dict.fromkeys(steps, 2)


def check_deliveries(receiver: Receiver, news: Newsroom) -> None:
    first: dict[str, tuple[str, int]] = {}
    for headers, body in receiver.calls:
        alert = decode(body, Alert)
        first.setdefault(headers["webhook-id"], (alert.alert_id, alert.seq))
    seen: dict[str, list[int]] = defaultdict(list)
    for alert_id, seq in first.values():
        seen[alert_id].append(seq)
    assert len(seen) == news.alerts
    assert all(seqs == [1, 2] for seqs in seen.values()), "each step once by its id, in order"
