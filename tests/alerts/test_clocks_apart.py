"""F14 on several machines: deliverers that share a PostgreSQL store, and whose clocks are a day apart."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import msgspec
import pytest
from aiohttp import web

from sinks.alerts.channels import OpenedChannels
from sinks.alerts.commands import resend_alerts
from sinks.alerts.deliver import Deliverer, Limits
from sinks.alerts.notify import NotifySink
from sinks.alerts.sample import sample_alert
from tests.alerts.kit import LOOPBACK, FakeClock, Receiver, put_webhook, subscription
from tests.servers.postgresql import PostgresqlServer
from wirewatch.brokers.embedded import EmbeddedBroker
from wirewatch.brokers.interface import NewRecord, Record
from wirewatch.control import NewDelivery
from wirewatch.control.postgresql import PostgresqlControlStore
from wirewatch.events import encode
from wirewatch.topics import ALERTS, SUBSCRIPTIONS, TOPICS

pytestmark = pytest.mark.servers
DAY = 86_400_000
MINUTE = 60_000


def machine(off_ms: int) -> FakeClock:
    """A clock that is off by so much."""
    return FakeClock(int(time.time() * 1_000) + off_ms)


@pytest.fixture
async def store(postgresql: PostgresqlServer) -> AsyncIterator[PostgresqlControlStore]:
    opened = PostgresqlControlStore(postgresql.database())
    await opened.open()
    yield opened
    await opened.close()


async def deliverer_at(store: PostgresqlControlStore, clock: FakeClock, name: str) -> Deliverer:
    opened = OpenedChannels(LOOPBACK, clock=clock, timeout_s=5, environ={})
    made = Deliverer(store, opened, clock, Limits(), holder=name, draw=lambda: 1.0)
    await made.start()
    return made


async def one_delivery(store: PostgresqlControlStore, receiver: Receiver) -> None:
    await put_webhook(store, receiver.url)
    now = await store.clock_ms()
    assert now is not None
    alert = msgspec.structs.replace(sample_alert("ops", now_ms=now), alert_id="al_1", seq=1)
    await store.commit_notify("notify", [NewDelivery("de_1", "al_1", 1, "ops", encode(alert), now)], [], {})


@pytest.mark.parametrize("off_ms", [DAY, -DAY])
async def test_f14_what_one_has_in_flight_is_not_sent_by_another_whose_clock_is_a_day_off(
    store: PostgresqlControlStore, receiver: Receiver, off_ms: int
) -> None:
    receiver.hold = asyncio.Event()
    await one_delivery(store, receiver)
    first = await deliverer_at(store, machine(-off_ms), "a")
    await first.turn()
    await asyncio.wait_for(receiver.called.wait(), 5)
    second = await deliverer_at(store, machine(off_ms), "b")
    await second.turn()
    assert not second._flying, "sent a second time while the first try was under way"
    receiver.hold.set()
    await first.finish()
    assert [row.status for row in await store.deliveries_of(["al_1"])] == ["delivered"]


@pytest.mark.parametrize("off_ms", [DAY, -DAY])
async def test_f14_a_retry_is_neither_given_up_nor_left_for_a_day_by_one_whose_clock_is_off(
    store: PostgresqlControlStore, receiver: Receiver, off_ms: int
) -> None:
    receiver.answer = lambda _: web.Response(status=500)
    await one_delivery(store, receiver)
    first = await deliverer_at(store, machine(0), "a")
    clock = machine(off_ms)
    second = await deliverer_at(store, clock, "b")
    await first.turn()
    await first.finish()
    clock.pass_time(30)
    await second.turn()
    await second.finish()
    (row,) = await store.deliveries_of(["al_1"])
    assert (row.status, row.tries, len(receiver.calls)) == ("pending", 2, 2)
    assert 0 < row.next_try_ms - row.created_ms < 2 * MINUTE


@pytest.mark.parametrize("off_ms", [DAY, -DAY])
async def test_f14_an_alert_recorded_by_a_machine_whose_clock_is_off_is_due_at_once_everywhere(
    store: PostgresqlControlStore, broker: EmbeddedBroker, receiver: Receiver, off_ms: int
) -> None:
    await broker.create_topics(list(TOPICS.values()))
    await put_webhook(store, receiver.url)
    asked = subscription()
    await broker.publish([NewRecord(SUBSCRIPTIONS.name, asked.id, encode(asked), {})])
    sink = NotifySink(broker, store, machine(off_ms), terminal=False)
    await sink.start()
    alert = sample_alert("ops", now_ms=machine(0).now_ms())
    about = msgspec.structs.replace(alert.subscription, id=asked.id)
    alert = msgspec.structs.replace(alert, alert_id="al_1", seq=1, test=False, subscription=about)
    await sink.write([Record(ALERTS.name, 0, 0, asked.id, encode(alert), {}, 0)])
    (row,) = await store.deliveries_of(["al_1"])
    now = await store.clock_ms()
    assert now is not None
    assert row.retry_since_ms == row.next_try_ms == row.created_ms
    assert 0 <= now - row.created_ms < MINUTE


async def test_f14_what_a_command_sends_again_is_tried_as_long_as_any_other(
    store: PostgresqlControlStore, receiver: Receiver
) -> None:
    await one_delivery(store, receiver)
    first = await deliverer_at(store, machine(0), "a")
    await first.turn()
    await first.finish()
    assert await resend_alerts(store, since_ms=0, now_ms=machine(-2 * DAY).now_ms()) == 1
    (row,) = await store.deliveries_of(["al_1"])
    assert abs(row.retry_since_ms - row.created_ms) < MINUTE
