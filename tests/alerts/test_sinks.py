"""Both stages on the real log and the real store: from entry events to deliveries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from sinks.alerts.match import REPLAY_HEADER, MatchSink
from sinks.alerts.notify import TERMINAL, NotifySink
from tests.alerts.kit import START_MS, FakeClock, alert_of, change, event, put_webhook, subscription
from wirewatch import identity
from wirewatch.brokers.embedded import EmbeddedBroker
from wirewatch.brokers.interface import NewRecord, Record
from wirewatch.control import Delivery, NewDelivery, SqliteControlStore
from wirewatch.errors import BadInput, NotOurs, PassingFault
from wirewatch.events import Alert, CeType, EntryEvent, Feed, Subscription, decode, encode, headers_for
from wirewatch.hosting.sinks import SinkHost
from wirewatch.metrics import REGISTRY
from wirewatch.reconcile import feed_record, subscription_record, tombstone
from wirewatch.times import SystemClock, format_ms
from wirewatch.topics import ALERTS, ENTRIES, SUBSCRIPTIONS


async def save(broker: EmbeddedBroker, *searches: Subscription) -> None:
    await broker.publish([subscription_record(search, now_ms=START_MS) for search in searches])


async def happen(broker: EmbeddedBroker, *events: EntryEvent, **headers: str) -> list[Record]:
    return await broker.publish(
        [
            NewRecord(
                ENTRIES.name,
                one.feed_id,
                encode(one),
                {**headers_for(CeType.for_op(one.op), id=one.id, source="test", time=one.time), **headers},
            )
            for one in events
        ]
    )


async def told(broker: EmbeddedBroker) -> list[Alert]:
    found: list[Record] = []
    for partition in range(broker.partitions(ALERTS.name)):
        found += await broker.read(ALERTS.name, partition, 0)
    return [decode(record.value or b"", Alert) for record in sorted(found, key=lambda one: one.timestamp_ms)]


def steps(alerts: Sequence[Alert]) -> list[tuple[int, str, str]]:
    return [(alert.seq, alert.type, alert.state) for alert in alerts]


@pytest.fixture
async def match(broker: EmbeddedBroker, store: SqliteControlStore, clock: FakeClock) -> MatchSink:
    sink = MatchSink(broker, store, clock)
    await sink.start()
    return sink


@pytest.fixture
async def notify(broker: EmbeddedBroker, store: SqliteControlStore, clock: FakeClock) -> NotifySink:
    await put_webhook(store, "https://a.example/hook")
    sink = NotifySink(broker, store, clock, terminal=False)
    await sink.start()
    return sink


async def test_a_search_made_a_moment_ago_is_held_against_the_next_event(
    broker: EmbeddedBroker, match: MatchSink, store: SqliteControlStore
) -> None:
    feed = Feed("velmora", "https://user:pass@news.example/live?token=hush", name="Velmora Live")
    await broker.publish([feed_record(feed, now_ms=START_MS)])
    await save(broker, subscription())
    await match.write(await happen(broker, event()))
    [alert] = await told(broker)
    assert (alert.type, alert.text) == ("opened", "NEW: Dam breaks above Velmora")
    assert alert.alert_id == identity.alert_id(subscription().id, event().entry_id or "")
    assert alert.feed.title == "Velmora Live"
    assert "pass" not in alert.feed.url
    assert "hush" not in alert.feed.url
    assert (alert.times.seen, alert.times.published) == (format_ms(START_MS + 60_000), format_ms(START_MS))
    [state] = await store.alert_states()
    assert alert_of(state) == alert
    assert REGISTRY.get_sample_value("wirewatch_subscriptions") == 1
    renamed = msgspec.structs.replace(feed, name="Velmora Today")
    await broker.publish([feed_record(renamed, now_ms=START_MS)])
    await match.write(await happen(broker, event(name="n2")))
    assert (await told(broker))[-1].feed.title == "Velmora Today"


async def test_a_whole_life_in_one_batch_is_the_same_as_in_many(
    broker: EmbeddedBroker, match: MatchSink, store: SqliteControlStore
) -> None:
    await save(broker, subscription())
    life = [
        event("baseline", "Dam holds"),
        event("updated", "Dam broke", before="Dam holds", revision=2, grade="major"),
        event("updated", "Bridge broke", before="Dam broke", revision=3, grade="normal"),
        event("updated", "Dam broke", before="Bridge broke", revision=4, grade="normal"),
        event("withdrawn", "Dam broke", revision=5),
        event("restored", "Dam broke", revision=6),
    ]
    expected = [
        (1, "opened", "quiet"),
        (2, "opened", "open"),
        (3, "unmatched", "unmatched"),
        (4, "rematched", "open"),
        (5, "withdrawn", "withdrawn"),
        (6, "restored", "open"),
    ]
    await match.write(await happen(broker, *life))
    assert steps(await told(broker)) == expected
    other = [
        event(one.op, one.headline, revision=one.revision, name="n2", changes=one.changes, grade=one.grade)
        for one in life
    ]
    for one in other:
        await match.write(await happen(broker, one))
    assert steps((await told(broker))[6:]) == expected


async def test_a_crash_between_telling_and_recording_gives_the_same_alert_and_seq_again(
    broker: EmbeddedBroker, store: SqliteControlStore, clock: FakeClock
) -> None:
    await save(broker, subscription())
    records = await happen(broker, event(), event("updated", "Dam broke", before="Dam breaks", revision=2))

    class Crashes(SqliteControlStore):
        async def commit_match(self, *_: Any) -> None:
            raise PassingFault("killed here")

    crashing = Crashes(store._path)
    first = MatchSink(broker, crashing, clock)
    await first.start()
    with pytest.raises(PassingFault):
        await first.write(records)
    await crashing.close()
    again = MatchSink(broker, store, clock)
    await again.start()
    assert await again.position(ENTRIES.name, records[0].partition) is None
    clock.pass_time(100)
    await again.write(records)
    ids = [(alert.alert_id, alert.seq) for alert in await told(broker)]
    assert ids[:2] == ids[2:]
    assert [state.seq for state in await store.alert_states()] == [2]


async def test_records_below_the_position_are_skipped(
    broker: EmbeddedBroker, match: MatchSink, store: SqliteControlStore, clock: FakeClock
) -> None:
    await save(broker, subscription())
    records = await happen(broker, event())
    await match.write(records)
    await match.write(records)
    restarted = MatchSink(broker, store, clock)
    await restarted.start()
    assert await restarted.position(ENTRIES.name, records[0].partition) == records[0].offset + 1
    await restarted.write(records)
    assert len(await told(broker)) == 1


async def test_f19_a_poison_record_is_refused_and_can_be_skipped(
    broker: EmbeddedBroker, match: MatchSink, store: SqliteControlStore
) -> None:
    [poison] = await broker.publish([NewRecord(ENTRIES.name, "velmora", b"{", {})])
    with pytest.raises(BadInput):
        await match.write([poison])
    assert await match.position(ENTRIES.name, poison.partition) is None
    await match.skip(poison)
    assert await match.position(ENTRIES.name, poison.partition) == poison.offset + 1


async def test_an_edited_search_delivers_nothing_by_itself_and_a_removed_one_nothing_at_all(
    broker: EmbeddedBroker, match: MatchSink
) -> None:
    await save(broker, subscription("storm"))
    await match.write(await happen(broker, event()))
    await save(broker, subscription("dam", revision=2))
    await match.write(await happen(broker, event("updated", "Dam broke", before="Dam breaks", revision=2)))
    assert await told(broker) == []
    await match.write(await happen(broker, event(name="n2")))
    assert [alert.subscription.revision for alert in await told(broker)] == [2]
    gone = tombstone(SUBSCRIPTIONS.name, subscription().id, CeType.SUBSCRIPTION, now_ms=START_MS)
    await broker.publish([gone])
    await match.write(await happen(broker, event(name="n3")))
    assert len(await told(broker)) == 1


async def test_a_disabled_search_and_one_that_cannot_be_read_hold_nothing_up(
    broker: EmbeddedBroker, match: MatchSink
) -> None:
    await save(broker, subscription(name="off", enabled=False), subscription('"dam', name="broken"), subscription())
    await match.write(await happen(broker, event()))
    assert [alert.subscription.name for alert in await told(broker)] == ["Dams"]


async def test_a_replayed_record_is_told_as_replay_and_not_delivered(
    broker: EmbeddedBroker, match: MatchSink, notify: NotifySink, store: SqliteControlStore
) -> None:
    await save(broker, subscription())
    await match.write(await happen(broker, event(), **{REPLAY_HEADER: "1"}))
    [alert] = await told(broker)
    assert alert.replay
    await pass_on(broker, notify)
    assert await store.deliveries_of([alert.alert_id]) == []


async def test_what_a_feed_has_said_before_outlives_a_restart(
    broker: EmbeddedBroker, match: MatchSink, store: SqliteControlStore, clock: FakeClock
) -> None:
    from tests.alerts.test_searches import figures

    await save(broker, subscription("figure.killed:new>=10"))
    await match.write(await happen(broker, figures("12 killed", 12)))
    restarted = MatchSink(broker, store, clock)
    await restarted.start()
    await restarted.position(ENTRIES.name, 0)
    second = msgspec.structs.replace(figures("11 killed", 11), entry_id="en_2", id="ev_2")
    third = msgspec.structs.replace(figures("13 killed", 13), entry_id="en_3", id="ev_3")
    await restarted.write(await happen(broker, second, third))
    assert [alert.entry and alert.entry.headline for alert in await told(broker)] == ["12 killed", "13 killed"]


async def test_f8_a_match_that_was_stopped_past_its_session_tells_nothing_that_another_has_told(
    broker: EmbeddedBroker, match: MatchSink, store: SqliteControlStore, clock: FakeClock
) -> None:
    """By then the states hold what another told: from them, a step would be told under the wrong seq."""
    await save(broker, subscription())
    [first] = await happen(broker, event())
    await match.write([first])
    [second, third] = await happen(
        broker,
        event("updated", "Dam broke", before="Dam breaks", revision=2),
        event("updated", "Dam held", before="Dam broke", revision=3),
    )
    other = MatchSink(broker, store, clock)
    await other.start()
    assert await other.position(ENTRIES.name, 0) == second.offset
    await other.write([second])
    with pytest.raises(NotOurs):
        await match.write([second, third])
    assert [alert.seq for alert in await told(broker)] == [1, 2]
    assert await match.position(ENTRIES.name, 0) == third.offset
    await match.write([second, third])
    assert [alert.seq for alert in await told(broker)] == [1, 2, 3]


async def test_what_a_feed_has_said_is_asked_anew_when_its_partition_comes_back(
    broker: EmbeddedBroker, match: MatchSink, store: SqliteControlStore, clock: FakeClock
) -> None:
    from tests.alerts.test_searches import figures

    await save(broker, subscription("figure.killed:new>=10"))
    await match.write(await happen(broker, figures("12 killed", 12)))
    other = MatchSink(broker, store, clock)
    await other.start()
    await other.position(ENTRIES.name, 0)
    higher = msgspec.structs.replace(figures("20 killed", 20), entry_id="en_2", id="ev_2")
    await other.write(await happen(broker, higher))
    await match.position(ENTRIES.name, 0)
    lower = msgspec.structs.replace(figures("15 killed", 15), entry_id="en_3", id="ev_3")
    await match.write(await happen(broker, lower))
    assert [alert.entry and alert.entry.headline for alert in await told(broker)] == ["12 killed", "20 killed"]


async def test_f8_a_notify_that_was_stopped_past_its_session_records_nothing(
    broker: EmbeddedBroker, match: MatchSink, notify: NotifySink, store: SqliteControlStore, clock: FakeClock
) -> None:
    await save(broker, subscription())
    await match.write(await happen(broker, event()))
    other = NotifySink(broker, store, clock, terminal=False)
    await other.start()
    await pass_on(broker, other)
    with pytest.raises(NotOurs):
        await pass_on(broker, notify)
    assert await notify.position(ALERTS.name, 0) == 1
    await pass_on(broker, notify)
    assert len(await deliveries(store)) == 1


async def pass_on(broker: EmbeddedBroker, notify: NotifySink) -> None:
    for partition in range(broker.partitions(ALERTS.name)):
        records = await broker.read(ALERTS.name, partition, 0)
        if records:
            await notify.write(records)


async def deliveries(store: SqliteControlStore) -> list[Delivery]:
    ids = [state.alert_id for state in await store.alert_states()]
    return await store.deliveries_of(ids)


async def test_a_delivery_is_recorded_once_with_its_position_under_the_id_that_follows_from_the_alert(
    broker: EmbeddedBroker, match: MatchSink, notify: NotifySink, store: SqliteControlStore, clock: FakeClock
) -> None:
    await save(broker, subscription())
    await match.write(await happen(broker, event()))
    await pass_on(broker, notify)
    restarted = NotifySink(broker, store, clock, terminal=False)
    await restarted.start()
    await restarted.position(ALERTS.name, 0)
    await pass_on(broker, restarted)
    [alert] = await told(broker)
    [row] = await deliveries(store)
    assert row.delivery_id == identity.delivery_id(alert.alert_id, 1, "ops")
    assert (row.status, decode(row.payload, Alert)) == ("pending", alert)


async def test_an_alert_goes_to_its_searchs_channels_and_the_terminal_each_once(
    broker: EmbeddedBroker, match: MatchSink, store: SqliteControlStore, clock: FakeClock
) -> None:
    woken: list[bool] = []
    await put_webhook(store, "https://a.example/hook")
    notify = NotifySink(broker, store, clock, wake=lambda: woken.append(True))
    await notify.start()
    await save(broker, subscription(to=("ops", "ops", "nowhere")), subscription(name="Second", to=(TERMINAL,)))
    await match.write(await happen(broker, event()))
    await pass_on(broker, notify)
    rows = sorted((row.channel_id, row.status, row.error) for row in await deliveries(store))
    assert rows == [
        ("nowhere", "dead", "there is no channel 'nowhere'"),
        ("ops", "pending", None),
        (TERMINAL, "pending", None),
        (TERMINAL, "pending", None),
    ]
    assert woken


async def test_an_opening_and_its_end_before_anything_was_sent_are_not_sent(
    broker: EmbeddedBroker, match: MatchSink, notify: NotifySink, store: SqliteControlStore
) -> None:
    await save(broker, subscription())
    await match.write(await happen(broker, event()))
    await pass_on(broker, notify)
    await match.write(await happen(broker, event("withdrawn", revision=2)))
    await pass_on(broker, notify)
    assert [(row.seq, row.status) for row in await deliveries(store)] == [(1, "superseded")]
    both = [event(name="n2"), event("withdrawn", name="n2", revision=2), event("restored", name="n2", revision=3)]
    await match.write(await happen(broker, *both))
    await pass_on(broker, notify)
    rows = [row for row in await deliveries(store) if row.alert_id != (await told(broker))[0].alert_id]
    assert [(row.seq, row.status) for row in rows] == [(1, "superseded"), (3, "pending")]


async def test_a_delivery_claimed_while_its_end_is_decided_is_followed_by_its_end(
    broker: EmbeddedBroker, match: MatchSink, store: SqliteControlStore, clock: FakeClock
) -> None:
    class ClaimedMeanwhile(SqliteControlStore):
        async def commit_notify(
            self, sink: str, new: Sequence[NewDelivery], superseded: Sequence[str], positions: Any
        ) -> list[str]:
            if superseded:
                await self.claim(holder="a", now_ms=clock.ms + 1_000, lease_ms=60_000, room={"ops": 5})
            return await super().commit_notify(sink, new, superseded, positions)

    await put_webhook(store, "https://a.example/hook")
    racing = ClaimedMeanwhile(store._path)
    notify = NotifySink(broker, racing, clock, terminal=False)
    await notify.start()
    await save(broker, subscription())
    await match.write(await happen(broker, event()))
    await pass_on(broker, notify)
    await match.write(await happen(broker, event("withdrawn", revision=2)))
    await pass_on(broker, notify)
    assert [(row.seq, row.status, row.in_flight) for row in await deliveries(store)] == [
        (1, "pending", True),
        (2, "pending", False),
    ]
    await racing.close()


async def test_a_correction_is_sent_and_a_minor_edit_is_not(
    broker: EmbeddedBroker, match: MatchSink, notify: NotifySink, store: SqliteControlStore
) -> None:
    await save(broker, subscription())
    edits = [
        event(),
        event(
            "updated", "Dam breaks wide", revision=2, grade="normal", changes=[change("Dam breaks", "Dam breaks wide")]
        ),
        event("updated", "Dam holds", before="Dam breaks wide", revision=3, grade="major"),
    ]
    await match.write(await happen(broker, *edits))
    await pass_on(broker, notify)
    assert [row.seq for row in await deliveries(store)] == [1, 3]


async def test_a_poison_alert_can_be_skipped(broker: EmbeddedBroker, notify: NotifySink) -> None:
    [poison] = await broker.publish([NewRecord(ALERTS.name, "su_1", b"[]", {})])
    with pytest.raises(BadInput):
        await notify.write([poison])
    await notify.skip(poison)
    assert await notify.position(ALERTS.name, poison.partition) == poison.offset + 1


async def test_both_stages_run_in_their_hosts(broker: EmbeddedBroker, store: SqliteControlStore) -> None:
    import asyncio

    clock = SystemClock()
    await put_webhook(store, "https://a.example/hook")
    woken = asyncio.Event()
    notify = NotifySink(broker, store, clock, terminal=False, wake=woken.set)
    hosts = [
        SinkHost(broker, MatchSink(broker, store, clock), [ENTRIES.name], clock),
        SinkHost(broker, notify, [ALERTS.name], clock),
    ]
    await save(broker, subscription())
    running = [asyncio.create_task(host.run()) for host in hosts]
    await happen(broker, event())
    await asyncio.wait_for(woken.wait(), 10)
    for host in hosts:
        host.stop()
    await asyncio.wait_for(asyncio.gather(*running), 10)
    assert [row.status for row in await deliveries(store)] == ["pending"]


async def test_what_many_searches_make_of_many_events_is_told_in_bounded_pieces(
    broker: EmbeddedBroker, match: MatchSink, store: SqliteControlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch that every search matches is events times searches: memory must not grow with the product."""
    await save(broker, *[subscription(name=f"Dams {number}") for number in range(40)])
    records = await happen(broker, *[event(name=f"n{number}", body="dam " * 500) for number in range(30)])
    sizes: list[int] = []
    publish = broker.publish

    async def weighed(alerts: Sequence[NewRecord]) -> list[Record]:
        sizes.append(sum(len(alert.value or b"") for alert in alerts))
        return await publish(alerts)

    monkeypatch.setattr(broker, "publish", weighed)
    monkeypatch.setattr("sinks.alerts.match._TOLD_BYTES", 500_000)
    await match.write(records)
    assert len(await store.alert_states(limit=2_000)) == 40 * 30
    assert max(sizes) < 700_000
    assert sum(sizes) > 3_000_000
    assert await store.position("match", ENTRIES.name, records[-1].partition) == records[-1].offset + 1
