"""Any sequence of publishing, reading, committing and opening again, against a model in memory."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from itertools import count

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wirewatch.brokers.interface import Broker, NewRecord, Record
from wirewatch.topics import Topic

OpenBroker = Callable[[str, Sequence[Topic]], Awaitable[Broker]]
LOG = Topic("model.log.v1", "feed_id", "anything", 3_600_000, 100_000, 2)
TABLE = Topic("model.table.v1", "feed_id", "anything", None, 100_000, 2)
_names = count()

_keys = st.sampled_from(["a", "b", "c", "ключ"])
_records = st.tuples(st.sampled_from([LOG, TABLE]), _keys, st.one_of(st.none(), st.binary(max_size=300)))
_steps = st.lists(
    st.one_of(
        st.tuples(st.just("publish"), st.lists(_records, max_size=6)),
        st.tuples(st.just("poll"), st.integers(1, 5)),
        st.tuples(st.just("commit"), st.integers(0, 5)),
        st.tuples(st.just("reopen"), st.none()),
    ),
    max_size=25,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=_steps)
async def test_a_broker_does_what_a_list_in_memory_would(
    open_broker: OpenBroker, steps: list[tuple[str, object]]
) -> None:
    name = f"model-{next(_names)}"
    broker = await open_broker(name, (LOG, TABLE))
    consumer = await broker.consumer("g", [LOG.name])
    log: list[Record] = []
    table: dict[str, bytes] = {}
    position = committed = 0
    polled: list[Record] = []
    for what, argument in steps:
        if what == "publish":
            given_ = [NewRecord(topic.name, key, value, {"n": "1"}) for topic, key, value in argument]  # type: ignore[attr-defined]
            published = await broker.publish(given_)
            assert [(r.topic, r.key, r.value) for r in published] == [(r.topic, r.key, r.value) for r in given_]
            log += [record for record in published if record.topic == LOG.name]
            for record in given_:
                if record.topic == TABLE.name:
                    table.pop(record.key, None)
                    table |= {} if record.value is None else {record.key: record.value}
        elif what == "poll":
            got = await consumer.poll(max_records=argument, wait=0)  # type: ignore[arg-type]
            polled += got
            if broker.partitions(LOG.name) == 1:
                assert got == log[position : position + argument]  # type: ignore[operator]
            position += len(got)
        elif what == "commit":
            done = polled[:argument]  # type: ignore[misc]
            await consumer.commit(done)
            if broker.partitions(LOG.name) == 1 and done:
                committed = max(committed, done[-1].offset + 1)
                assert await broker.committed("g", LOG.name, 0) == committed
        else:
            await broker.close()
            broker = await open_broker(name, (LOG, TABLE))
            consumer = await broker.consumer("g", [LOG.name])
            position, polled = committed, []
    assert {key: record.value for key, record in (await broker.latest(TABLE.name)).items()} == table
    everything: list[Record] = []
    for partition in range(broker.partitions(LOG.name)):
        everything += await broker.read(LOG.name, partition, 0)
    order = {(record.partition, record.offset): record for record in everything}
    assert order == {(record.partition, record.offset): record for record in log}
    await broker.close()
