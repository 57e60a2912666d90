"""The deliverer with a real store and a real receiver; only time is made up."""

from __future__ import annotations

import asyncio
import itertools
import json
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec
import pytest
from aiohttp import web

from sinks.alerts.channels import OpenedChannels
from sinks.alerts.deliver import Deliverer, Limits
from sinks.alerts.sample import sample_alert
from tests.alerts.kit import LOOPBACK, START_MS, FakeClock, Receiver, put_webhook
from wirewatch.control import Delivery, NewDelivery, SqliteControlStore
from wirewatch.errors import BrokenStorage
from wirewatch.events import encode
from wirewatch.metrics import DELIVERIES, REGISTRY
from wirewatch.net.guard import Guard

HOUR = 3_600


def new(name: str = "al_1", seq: int = 1, *, at_ms: int = START_MS, to: str = "ops") -> NewDelivery:
    alert = msgspec.structs.replace(sample_alert("ops", now_ms=START_MS), alert_id=name, seq=seq)
    return NewDelivery(f"de_{name}_{seq}_{to}", name, seq, to, encode(alert), at_ms)


async def put(store: SqliteControlStore, *rows: NewDelivery) -> None:
    await store.commit_notify("notify", rows, [], {})


async def row(store: SqliteControlStore, name: str = "al_1", seq: int = 1) -> Delivery:
    return next(one for one in await store.deliveries_of([name]) if one.seq == seq)


@pytest.fixture
async def made(store: SqliteControlStore, clock: FakeClock) -> AsyncIterator[Callable[..., Deliverer]]:
    opened = OpenedChannels(LOOPBACK, clock=clock, timeout_s=0.5, environ={})
    yield lambda **limits: Deliverer(store, opened, clock, Limits(**limits), draw=lambda: 1.0)
    await opened.close()


@pytest.fixture
async def deliverer(made: Callable[..., Deliverer], store: SqliteControlStore, receiver: Receiver) -> Deliverer:
    await put_webhook(store, receiver.url)
    return made()


async def turns(deliverer: Deliverer, clock: FakeClock, seconds: float = 0, *, step: float = 0) -> None:
    """Work for that long, time passing in the deliverer's own steps, or in longer ones."""
    until = clock.ms + seconds * 1_000
    while True:
        wait = await deliverer.turn()
        await deliverer.landed()
        again = await deliverer.turn()
        if deliverer._flying:
            continue
        if clock.ms >= until:
            return
        clock.pass_time(min(max(step, min(wait, again)), max(0.001, (until - clock.ms) / 1_000)))


async def test_a_success_is_recorded_only_after_the_receiver_answered(
    deliverer: Deliverer, store: SqliteControlStore, receiver: Receiver, clock: FakeClock
) -> None:
    receiver.hold = asyncio.Event()
    await put(store, new())
    await deliverer.turn()
    await asyncio.wait_for(receiver.called.wait(), 5)
    before = await row(store)
    assert (before.status, before.tries, before.in_flight) == ("pending", 1, True)
    receiver.hold.set()
    await deliverer.landed()
    assert (await row(store)).status == "pending"
    await deliverer.turn()
    assert (await row(store)).status == "delivered"
    assert receiver.ids == ["de_al_1_1_ops"]


async def test_the_same_delivery_id_on_every_try_with_growing_pauses(
    deliverer: Deliverer, store: SqliteControlStore, receiver: Receiver, clock: FakeClock
) -> None:
    times: list[int] = []

    def answer(call: int) -> web.Response:
        times.append(clock.ms)
        return web.Response(status=503 if call < 5 else 204)

    receiver.answer = answer
    await put(store, new())
    await turns(deliverer, clock, 60)
    assert set(receiver.ids) == {"de_al_1_1_ops"}
    pauses = [round((b - a) / 1_000) for a, b in itertools.pairwise(times)]
    assert pauses == [1, 2, 4, 8]
    done = await row(store)
    assert (done.status, done.tries, done.error) == ("delivered", 5, None)


async def test_h60_retry_after_is_honoured(
    deliverer: Deliverer, store: SqliteControlStore, receiver: Receiver, clock: FakeClock
) -> None:
    receiver.answer = lambda call: web.Response(status=429 if call == 1 else 200, headers={"Retry-After": "90"})
    await put(store, new(), new("al_2"))
    await turns(deliverer, clock, 85)
    calls = len(receiver.calls)
    # what was in flight beside it had its answer; nothing is begun before the receiver said so
    assert calls <= 2
    await turns(deliverer, clock, 10)
    assert len(receiver.calls) == 3
    assert {(await row(store, name)).status for name in ("al_1", "al_2")} == {"delivered"}


async def test_410_disables_the_channel_and_says_so_and_what_waits_is_kept(
    deliverer: Deliverer, store: SqliteControlStore, receiver: Receiver, clock: FakeClock
) -> None:
    receiver.answer = lambda _: web.Response(status=410)
    await put(store, new())
    await turns(deliverer, clock, 30)
    await put(store, new("al_2"))
    await turns(deliverer, clock, 30)
    assert len(receiver.calls) == 1
    [channel] = await store.channels()
    assert "answered 410" in (channel.disabled or "")
    receiver.answer = lambda _: web.Response()
    await store.set_disabled("ops", None)
    await turns(deliverer, clock, 5)
    assert sorted(receiver.ids[1:]) == ["de_al_1_1_ops", "de_al_2_1_ops"]


async def test_a_refused_delivery_is_dead_after_three_tries_and_holds_nothing_up(
    deliverer: Deliverer, store: SqliteControlStore, receiver: Receiver, clock: FakeClock
) -> None:
    receiver.answer = lambda _: web.Response(status=422 if receiver.alerts[-1].alert_id == "al_1" else 200)
    await put(store, new(), new("al_2"))
    await turns(deliverer, clock, 120)
    dead = await row(store)
    assert (dead.status, dead.tries) == ("dead", 3)
    assert "refused 3 times: the receiver answered 422" in (dead.error or "")
    assert (await row(store, "al_2")).status == "delivered"


async def test_an_alerts_next_step_waits_for_the_one_before(
    deliverer: Deliverer, store: SqliteControlStore, receiver: Receiver, clock: FakeClock
) -> None:
    receiver.answer = lambda call: web.Response(status=500 if call <= 2 else 200)
    await put(store, new(seq=1), new(seq=2), new(seq=3))
    await turns(deliverer, clock, 60)
    assert [alert.seq for alert in receiver.alerts] == [1, 1, 1, 2, 3]


async def test_a_dead_step_lets_the_next_one_go(
    deliverer: Deliverer, store: SqliteControlStore, receiver: Receiver, clock: FakeClock
) -> None:
    receiver.answer = lambda _: web.Response(status=400 if receiver.alerts[-1].seq == 1 else 200)
    await put(store, new(seq=1), new(seq=2))
    await turns(deliverer, clock, 120)
    assert [(await row(store, seq=seq)).status for seq in (1, 2)] == ["dead", "delivered"]


async def test_one_delivery_that_always_fails_does_not_hold_up_the_others(
    deliverer: Deliverer, store: SqliteControlStore, receiver: Receiver, clock: FakeClock
) -> None:
    receiver.answer = lambda _: web.Response(status=500 if receiver.alerts[-1].alert_id == "al_0" else 200)
    await put(store, *[new(f"al_{n}", at_ms=START_MS + n) for n in range(20)])
    await turns(deliverer, clock, 60)
    assert [(await row(store, f"al_{n}")).status for n in range(1, 20)] == ["delivered"] * 19
    assert (await row(store, "al_0")).status == "pending"


async def test_what_cannot_be_delivered_for_too_long_is_dead_and_can_be_sent_again_under_its_id(
    made: Callable[..., Deliverer], store: SqliteControlStore, receiver: Receiver, clock: FakeClock
) -> None:
    await put_webhook(store, receiver.url)
    deliverer = made(retry_for_ms=HOUR * 1_000)
    receiver.answer = lambda _: web.Response(status=500)
    await put(store, *[new(f"al_{n}") for n in range(3)])
    await turns(deliverer, clock, HOUR * 1.5, step=20)
    assert [(await row(store, f"al_{n}")).status for n in range(3)] == ["dead"] * 3
    receiver.answer = lambda _: web.Response()
    assert await store.resend(at_ms=clock.ms, dead_only=True) == 3
    receiver.calls.clear()
    await turns(deliverer, clock, HOUR, step=20)
    assert sorted(receiver.ids) == [f"de_al_{n}_1_ops" for n in range(3)]


async def test_f16_after_an_outage_of_six_hours_everything_is_delivered_paced(
    deliverer: Deliverer, store: SqliteControlStore, receiver: Receiver, clock: FakeClock
) -> None:
    receiver.answer = lambda _: web.Response(status=500)
    for n in range(60):
        await put(store, new(f"al_{n}", at_ms=clock.ms))
        await turns(deliverer, clock, 360, step=20)
    during = len(receiver.calls)
    assert during < 120  # one probe at a time, at most every ten minutes once it has failed for long
    starts: list[int] = []

    def answer(_: int) -> web.Response:
        starts.append(clock.ms)
        return web.Response()

    receiver.answer = answer
    receiver.calls.clear()
    receiver.most_in_flight = 0
    await turns(deliverer, clock, 1_200)
    assert sorted(receiver.ids) == sorted(f"de_al_{n}_1_ops" for n in range(60))
    assert receiver.most_in_flight <= 4
    assert min(b - a for a, b in itertools.pairwise(starts)) >= 100


async def test_no_more_deliveries_at_once_than_allowed(
    made: Callable[..., Deliverer], store: SqliteControlStore, receiver: Receiver, clock: FakeClock
) -> None:
    await put_webhook(store, receiver.url)
    deliverer = made(per_channel=3)
    receiver.hold = asyncio.Event()
    await put(store, *[new(f"al_{n}") for n in range(30)])
    await deliverer.turn()
    await deliverer.turn()
    assert len(deliverer._flying) == 3
    receiver.hold.set()
    await turns(deliverer, clock, 1)
    assert len(receiver.calls) == 30
    assert receiver.most_in_flight == 3


async def test_a_failing_channel_does_not_hold_up_another(
    deliverer: Deliverer, store: SqliteControlStore, receiver: Receiver, clock: FakeClock
) -> None:
    await put_webhook(store, "http://127.0.0.1:9/", "down")
    await put(store, *[new(f"al_{n}", to="down") for n in range(10)], new("al_up"))
    await turns(deliverer, clock, 1)
    assert receiver.ids == ["de_al_up_1_ops"]


async def test_h18_a_blocked_receiver_is_never_called_and_the_delivery_says_why(
    store: SqliteControlStore, receiver: Receiver, clock: FakeClock
) -> None:

    await put_webhook(store, receiver.url)
    opened = OpenedChannels(Guard(), clock=clock, timeout_s=0.5, environ={})
    await put(store, new())
    await turns(Deliverer(store, opened, clock, Limits()), clock, 120)
    await opened.close()
    assert receiver.calls == []
    dead = await row(store)
    assert dead.status == "dead"
    assert "allow_networks" in (dead.error or "")


async def test_what_may_have_been_received_is_marked_and_what_was_refused_is_not(
    deliverer: Deliverer, store: SqliteControlStore, receiver: Receiver, clock: FakeClock
) -> None:
    receiver.hold = asyncio.Event()
    await put(store, new())
    await turns(deliverer, clock)
    assert (await row(store)).unsure
    receiver.hold = None
    receiver.answer = lambda _: web.Response(status=500)
    await put(store, new("al_2"))
    await turns(deliverer, clock, 10)
    second = await row(store, "al_2")
    assert second.tries > 0
    assert not second.unsure


async def test_f14_a_clock_set_a_day_off_starts_no_storm_and_holds_nothing_up(
    deliverer: Deliverer, store: SqliteControlStore, receiver: Receiver, clock: FakeClock
) -> None:
    receiver.answer = lambda _: web.Response(status=500)
    await put(store, new())
    await turns(deliverer, clock, 300)
    calls = len(receiver.calls)
    for off in (86_400_000, -2 * 86_400_000):
        clock.ms += off
        await deliverer.turn()
        await deliverer.landed()
        await deliverer.turn()
        assert len(receiver.calls) == calls
    receiver.answer = lambda _: web.Response()
    clock.ms += 86_400_000
    await turns(deliverer, clock, 600)
    assert (await row(store)).status == "delivered"


async def test_a_command_in_another_process_is_taken_up_within_a_second(
    deliverer: Deliverer, store: SqliteControlStore, receiver: Receiver
) -> None:
    running = asyncio.create_task(deliverer.run())
    other = SqliteControlStore(store._path)
    await other.open()
    await put(other, new())
    await asyncio.wait_for(receiver.called.wait(), 5)
    deliverer.stop()
    await running
    assert (await row(store)).status == "delivered"
    await other.close()


async def test_f18_stopping_waits_for_what_is_in_flight_and_records_it(
    deliverer: Deliverer, store: SqliteControlStore, receiver: Receiver
) -> None:
    receiver.hold = asyncio.Event()
    await put(store, new())
    running = asyncio.create_task(deliverer.run())
    await asyncio.wait_for(receiver.called.wait(), 5)
    deliverer.stop()
    receiver.hold.set()
    await running
    assert (await row(store)).status == "delivered"


async def test_broken_storage_stops_the_deliverer(
    deliverer: Deliverer, store: SqliteControlStore, receiver: Receiver
) -> None:
    await put(store, new())
    assert store._connection is not None
    store._connection.execute("DROP TABLE outbox")
    with pytest.raises(BrokenStorage):
        await asyncio.wait_for(deliverer.run(), 5)


async def test_outcomes_are_counted(
    deliverer: Deliverer, store: SqliteControlStore, receiver: Receiver, clock: FakeClock
) -> None:
    before = DELIVERIES.labels("webhook", "delivered")._value.get()
    await put(store, new(), new("al_2"))
    await turns(deliverer, clock, 2)
    assert DELIVERIES.labels("webhook", "delivered")._value.get() == before + 2
    assert REGISTRY.get_sample_value("wirewatch_outbox_pending") == 0
    assert (REGISTRY.get_sample_value("wirewatch_seen_to_told_seconds_count", {"channel_kind": "webhook"}) or 0) >= 2


CHILD = Path(__file__).with_name("killed_child.py")


async def test_f5_killed_after_the_webhooks_200_and_before_it_is_recorded_sends_the_same_id_again_and_no_other(
    store: SqliteControlStore, receiver: Receiver
) -> None:
    await put_webhook(store, receiver.url)
    rows = [new(f"al_{n}", seq) for n in range(3) for seq in (1, 2)]
    await put(store, *rows)
    for _ in range(3):
        child = await asyncio.create_subprocess_exec(
            sys.executable, str(CHILD), str(store._path), stdout=asyncio.subprocess.PIPE, cwd=CHILD.parents[2]
        )
        assert child.stdout is not None
        # the child says when a success is about to be recorded, and waits there
        assert json.loads(await asyncio.wait_for(child.stdout.readline(), 30))
        child.kill()
        await child.wait()
    unrecorded = [one.status for one in await store.deliveries_of([f"al_{n}" for n in range(3)])]
    assert set(unrecorded) == {"pending"}
    first = list(receiver.ids)
    assert first
    child = await asyncio.create_subprocess_exec(
        sys.executable, str(CHILD), str(store._path), "finish", cwd=CHILD.parents[2]
    )
    assert await asyncio.wait_for(child.wait(), 60) == 0
    assert set(receiver.ids) == {one.delivery_id for one in rows}
    assert set(first) <= set(receiver.ids[len(first) :])  # sent again, as nobody knew
    for name in ("al_0", "al_1", "al_2"):
        seqs = [alert.seq for alert in receiver.alerts if alert.alert_id == name]
        assert seqs == sorted(seqs)
    assert {(await row(store, f"al_{n}", seq)).status for n in range(3) for seq in (1, 2)} == {"delivered"}


async def test_f14_what_was_put_off_under_a_clock_a_day_ahead_is_not_held_up_for_that_day(
    made: Callable[..., Deliverer], store: SqliteControlStore, receiver: Receiver, clock: FakeClock
) -> None:
    await put_webhook(store, receiver.url)
    await put(store, new(at_ms=START_MS + 24 * HOUR * 1_000))
    deliverer = made()
    await deliverer.start()
    await turns(deliverer, clock, HOUR + 10, step=30)
    assert (await row(store)).status == "delivered"


async def test_what_waits_for_a_channel_that_is_gone_does_not_wait_for_ever(
    deliverer: Deliverer, store: SqliteControlStore, clock: FakeClock
) -> None:
    await put(store, new(to="gone"))
    await turns(deliverer, clock, 2 * HOUR, step=60)
    found = await row(store)
    assert (found.status, found.error) == ("dead", "there is no such channel")
    assert await store.waiting() == {}


async def test_forgetting_what_is_old_keeps_up_with_what_came_in(
    deliverer: Deliverer, store: SqliteControlStore, clock: FakeClock
) -> None:
    old = [new(f"al_{number}") for number in range(6_500)]
    await put(store, *[msgspec.structs.replace(one, status="dead") for one in old])
    clock.pass_time(31 * 24 * HOUR)
    await turns(deliverer, clock, 10)
    assert await store.deliveries_of([one.alert_id for one in old]) == []
