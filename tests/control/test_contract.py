"""What every control store must hold to, whatever lies under it."""

from __future__ import annotations

import asyncio
import time

import msgspec
import pytest

from wirewatch.brokers.binding import OtherLogError
from wirewatch.control import AlertState, Channel, ControlStore, Move, NewDelivery, Outcome
from wirewatch.errors import NotOurs, UserError
from wirewatch.events import ToldBefore

TOPIC = "wirewatch.alerts.v1"


def channel(channel_id: str = "ops", **changes: object) -> Channel:
    return Channel(**{"id": channel_id, "kind": "webhook", "url": "https://a.example/hook", **changes})  # type: ignore[arg-type]  # the keys are the struct's


def delivery(seq: int = 1, *, alert: str = "al_1", to: str = "ops", at: int = 1_000, **changes: object) -> NewDelivery:
    values = {
        "delivery_id": f"de_{alert}_{seq}_{to}",
        "alert_id": alert,
        "seq": seq,
        "channel_id": to,
        "payload": b"{}",
        "created_ms": at,
    }
    return NewDelivery(**{**values, **changes})  # type: ignore[arg-type]  # as above


def state(subscription: str = "su_1", entry: str = "en_1", seq: int = 1, *, at: int = 1_000) -> AlertState:
    told = ToldBefore(seq=1, time="2026-01-01T00:00:00.000Z", headline="said")
    return AlertState(subscription, entry, f"al_{subscription}_{entry}", seq, "open", told, 3, at, b'{"seq":1}')


async def put(store: ControlStore, *new: NewDelivery) -> None:
    await store.commit_notify("notify", new, [], {})


async def claimed(store: ControlStore, now: int = 5_000, **room: int) -> list[str]:
    claims = await store.claim(holder="a", now_ms=now, lease_ms=60_000, room=room or {"ops": 10})
    return [claim.delivery.delivery_id for claim in claims]


async def test_an_alerts_state_and_the_position_are_kept_together(store: ControlStore) -> None:
    await store.commit_match("match", [state()], {"f": {"killed": 12.0}}, {(TOPIC, 3): Move(None, 41)})
    assert await store.states_of(["en_1", "en_other"]) == [msgspec.structs.replace(state(), alert=None)]
    assert await store.position("match", TOPIC, 3) == 41
    assert await store.position("match", TOPIC, 4) is None
    assert await store.position("notify", TOPIC, 3) is None
    assert await store.figure_maxima(["f", "g"]) == {"f": {"killed": 12.0}}


async def test_f8_a_position_moves_only_from_where_its_mover_last_saw_it(store: ControlStore) -> None:
    """A process that was stopped past its session goes on: what another one did meanwhile stays."""
    await store.commit_match("match", [state(seq=1)], {}, {(TOPIC, 0): Move(None, 10), (TOPIC, 1): Move(None, 5)})
    await store.commit_match("match", [state(seq=2)], {"f": {"killed": 2.0}}, {(TOPIC, 0): Move(10, 20)})
    late = {(TOPIC, 1): Move(5, 7), (TOPIC, 0): Move(10, 15)}
    with pytest.raises(NotOurs, match=rf"match stands at 20 in {TOPIC}/0, where 10 was expected"):
        await store.commit_match("match", [state(seq=9)], {"f": {"killed": 9.0}}, late)
    assert [found.seq for found in await store.states_of(["en_1"])] == [2]
    assert await store.figure_maxima(["f"]) == {"f": {"killed": 2.0}}
    assert [await store.position("match", TOPIC, partition) for partition in (0, 1)] == [20, 5]
    with pytest.raises(NotOurs):
        await store.commit_match("match", [], {}, {(TOPIC, 0): Move(None, 1)})
    with pytest.raises(NotOurs):
        await store.commit_match("match", [], {}, {(TOPIC, 2): Move(3, 4)})


async def test_f8_deliveries_are_recorded_only_with_a_position_that_nobody_moved(store: ControlStore) -> None:
    await store.put_channels([channel()])
    await store.commit_notify("notify", [delivery()], [], {(TOPIC, 0): Move(None, 10)})
    with pytest.raises(NotOurs, match="notify stands at 10"):
        await store.commit_notify("notify", [delivery(alert="al_2")], ["de_al_1_1_ops"], {(TOPIC, 0): Move(None, 4)})
    assert [row.status for row in await store.deliveries_of(["al_1", "al_2"])] == ["pending"]
    assert await store.position("notify", TOPIC, 0) == 10


async def test_of_two_who_move_a_position_at_once_one_does(store: ControlStore) -> None:
    tries = [store.commit_match("match", [state(seq=n)], {}, {(TOPIC, 0): Move(None, n)}) for n in range(1, 5)]
    ended = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(one, NotOurs) for one in ended) == 3
    [found] = await store.states_of(["en_1"])
    assert await store.position("match", TOPIC, 0) == found.seq


async def test_a_store_belongs_to_the_first_log_it_is_told_of(store: ControlStore) -> None:
    await store.bind_log("log-a")
    await store.bind_log("log-a")
    with pytest.raises(UserError, match=r"belongs to the log log-a, but the setting broker names the log log-b"):
        await store.bind_log("log-b")
    await store.bind_log("log-a")


async def test_who_only_looks_is_told_of_another_log_and_binds_none(store: ControlStore) -> None:
    await store.require_log("log-a")
    await store.bind_log("log-b")
    await store.require_log("log-b")
    with pytest.raises(OtherLogError, match=r"belongs to the log log-b.*names the log log-a.*settings are mixed"):
        await store.require_log("log-a")


async def test_a_store_that_follows_its_log_to_a_copy_reads_on_where_it_stood(store: ControlStore) -> None:
    await store.bind_log("log-a")
    await store.commit_match("match", [], {}, {(TOPIC, 0): Move(None, 5), ("other", 0): Move(None, 2)})

    def place(topic: str, offset: int) -> dict[int, int]:
        return {0: offset - 3, 7: 3} if topic == TOPIC else {1: offset}

    with pytest.raises(UserError, match=r"belongs to the log log-a"):
        await store.rebind_log("log-x", "log-b", place)
    assert await store.position("match", TOPIC, 0) == 5
    assert await store.rebind_log("log-a", "log-b", place)
    assert [await store.position("match", TOPIC, partition) for partition in (0, 7, 1)] == [2, 3, None]
    assert [await store.position("match", "other", partition) for partition in (0, 1)] == [None, 2]
    await store.bind_log("log-b")
    await store.commit_match("match", [], {}, {(TOPIC, 0): Move(2, 4)})
    assert not await store.rebind_log("log-a", "log-b", place)
    assert await store.position("match", TOPIC, 0) == 4
    with pytest.raises(UserError):
        await store.bind_log("log-a")


async def test_a_newer_state_takes_the_place_of_the_older(store: ControlStore) -> None:
    await store.commit_match("match", [state(seq=1)], {"f": {"killed": 1.0}}, {})
    await store.commit_match("match", [state(seq=2, at=2_000)], {"f": {"killed": 2.0}}, {})
    assert [found.seq for found in await store.states_of(["en_1"])] == [2]
    assert await store.figure_maxima(["f"]) == {"f": {"killed": 2.0}}


async def test_states_are_listed_newest_first_and_by_subscription_alert_and_time(store: ControlStore) -> None:
    rows = [state("su_1", "en_1", at=1), state("su_1", "en_2", at=2), state("su_2", "en_1", at=3)]
    await store.commit_match("match", rows, {}, {})
    assert [row.updated_ms for row in await store.alert_states()] == [3, 2, 1]
    assert [row.updated_ms for row in await store.alert_states(subscription_id="su_1")] == [2, 1]
    assert [row.updated_ms for row in await store.alert_states(since_ms=2)] == [3, 2]
    assert [row.updated_ms for row in await store.alert_states(alert_id="al_su_1_en_2")] == [2]
    assert len(await store.alert_states(limit=1)) == 1


async def test_what_is_due_is_given_once_and_its_try_counted_before_it_is_sent(store: ControlStore) -> None:
    await store.put_channels([channel()])
    await put(store, delivery())
    assert await claimed(store, now=999) == []
    assert await claimed(store) == ["de_al_1_1_ops"]
    assert await claimed(store) == []
    [row] = await store.deliveries_of(["al_1"])
    assert (row.tries, row.first_try_ms, row.in_flight, row.status) == (1, 5_000, True, "pending")


async def test_a_lease_that_ran_out_is_given_again_and_may_have_been_received(store: ControlStore) -> None:
    await store.put_channels([channel()])
    await put(store, delivery())
    await claimed(store, now=5_000)
    assert await claimed(store, now=65_000) == ["de_al_1_1_ops"]
    [row] = await store.deliveries_of(["al_1"])
    assert (row.tries, row.unsure) == (2, True)


async def test_f5_leases_of_a_killed_run_are_released_as_perhaps_received(store: ControlStore) -> None:
    await store.put_channels([channel()])
    await put(store, delivery(), delivery(alert="al_2"))
    await store.claim(holder="a", now_ms=5_000, lease_ms=60_000, room={"ops": 1})
    assert await store.release_leases("a") == 1
    rows = await store.deliveries_of(["al_1", "al_2"])
    assert [row.unsure for row in rows] == [True, False]
    assert len(await claimed(store)) == 2


async def test_f5_another_live_process_keeps_its_leases(store: ControlStore) -> None:
    await store.put_channels([channel()])
    await put(store, delivery(), delivery(alert="al_2"))
    await store.claim(holder="a", now_ms=5_000, lease_ms=60_000, room={"ops": 1})
    assert await store.release_leases("b", due_by_ms=90_000) == 0
    claims = await store.claim(holder="b", now_ms=5_000, lease_ms=60_000, room={"ops": 5})
    assert [claim.delivery.delivery_id for claim in claims] == ["de_al_2_1_ops"]
    assert await store.release_leases("a") == 1
    assert [row.in_flight for row in await store.deliveries_of(["al_1", "al_2"])] == [False, True]


async def test_f5_an_outcome_after_the_lease_went_to_another_counts_only_where_it_arrived(store: ControlStore) -> None:
    await store.put_channels([channel()])
    await put(store, delivery(), delivery(alert="al_2"))
    await store.claim(holder="frozen", now_ms=5_000, lease_ms=1_000, room={"ops": 2})
    await store.claim(holder="b", now_ms=7_000, lease_ms=60_000, room={"ops": 2})
    failed = Outcome("de_al_1_1_ops", "pending", 7_500, next_try_ms=7_500, error="503")
    await store.record_outcomes("frozen", [failed, Outcome("de_al_2_1_ops", "delivered", 7_500)])
    one, two = await store.deliveries_of(["al_1", "al_2"])
    assert (one.status, one.in_flight, one.error) == ("pending", True, None)
    assert (two.status, two.in_flight) == ("delivered", False)


async def test_two_who_claim_at_once_share_what_is_due(store: ControlStore) -> None:
    await store.put_channels([channel()])
    await put(store, *[delivery(alert=f"al_{n}") for n in range(20)])
    claims = await asyncio.gather(
        *(store.claim(holder=h, now_ms=5_000, lease_ms=60_000, room={"ops": 15}) for h in ("a", "b"))
    )
    given = [claim.delivery.delivery_id for each in claims for claim in each]
    assert len(given) == len(set(given)) == 20


async def test_a_delivery_waits_for_those_before_it_of_the_same_alert_and_channel(store: ControlStore) -> None:
    await store.put_channels([channel(), channel("desk")])
    await put(store, delivery(1), delivery(2), delivery(2, to="desk"), delivery(7, alert="al_2"))
    assert set(await claimed(store, ops=10, desk=10)) == {"de_al_1_1_ops", "de_al_1_2_desk", "de_al_2_7_ops"}
    await store.record_outcomes("a", [Outcome("de_al_1_1_ops", "dead", 6_000, error="410")])
    assert await claimed(store) == ["de_al_1_2_ops"]


async def test_a_channel_gets_no_more_than_it_has_room_for(store: ControlStore) -> None:
    await store.put_channels([channel(), channel("desk")])
    await put(store, *[delivery(1, alert=f"al_{n}", at=n) for n in range(5)])
    assert await claimed(store, ops=2, desk=2) == ["de_al_0_1_ops", "de_al_1_1_ops"]
    assert await claimed(store, ops=0) == []


async def test_nothing_is_given_for_a_disabled_or_unknown_channel_until_it_is_enabled(store: ControlStore) -> None:
    await store.put_channels([channel(disabled="410 Gone")])
    await put(store, delivery(), delivery(to="nobody"))
    assert await claimed(store, ops=5, nobody=5) == []
    await store.set_disabled("ops", None)
    assert await claimed(store, ops=5, nobody=5) == ["de_al_1_1_ops"]
    await store.set_disabled("ops", "410 Gone")
    assert [(found.id, found.disabled) for found in await store.channels()] == [("ops", "410 Gone")]


async def test_an_outcome_ends_a_delivery_or_sets_its_next_try(store: ControlStore) -> None:
    await store.put_channels([channel()])
    await put(store, delivery(), delivery(alert="al_2"))
    await claimed(store)
    await store.record_outcomes(
        "a",
        [
            Outcome("de_al_1_1_ops", "delivered", 6_000),
            Outcome("de_al_2_1_ops", "pending", 6_000, next_try_ms=9_000, error="503", unsure=True),
        ],
    )
    done, again = await store.deliveries_of(["al_1", "al_2"])
    assert (done.status, done.done_ms, done.in_flight) == ("delivered", 6_000, False)
    assert (again.status, again.next_try_ms, again.error, again.unsure) == ("pending", 9_000, "503", True)
    assert await claimed(store, now=8_999) == []
    assert await claimed(store, now=9_000) == ["de_al_2_1_ops"]


async def test_the_same_delivery_id_is_recorded_once(store: ControlStore) -> None:
    await store.put_channels([channel()])
    await put(store, delivery())
    await claimed(store)
    await store.record_outcomes("a", [Outcome("de_al_1_1_ops", "delivered", 6_000)])
    await put(store, delivery(payload=b"other"))
    [row] = await store.deliveries_of(["al_1"])
    assert (row.status, row.payload) == ("delivered", b"{}")


async def test_only_what_was_surely_not_received_can_be_superseded_else_nothing_is_changed(store: ControlStore) -> None:
    await store.put_channels([channel()])
    await put(store, delivery(alert="al_1"), delivery(alert="al_2"), delivery(alert="al_3", at=9_000))
    await store.claim(holder="a", now_ms=5_000, lease_ms=60_000, room={"ops": 2})
    await store.record_outcomes("a", [Outcome("de_al_2_1_ops", "pending", 6_000, next_try_ms=99_000, unsure=True)])
    ids = [f"de_al_{n}_1_ops" for n in (1, 2, 3)]
    late = await store.commit_notify("notify", [delivery(alert="al_4")], ids, {(TOPIC, 0): Move(None, 8)})
    assert late == ids[:2]
    assert await store.position("notify", TOPIC, 0) is None
    assert await store.commit_notify("notify", [delivery(alert="al_4")], ids[2:], {(TOPIC, 0): Move(None, 8)}) == []
    rows = await store.deliveries_of(["al_1", "al_2", "al_3", "al_4"])
    assert [row.status for row in rows] == ["pending", "pending", "superseded", "pending"]
    assert await store.position("notify", TOPIC, 0) == 8


async def test_a_removed_channels_waiting_deliveries_are_dead_and_say_so(store: ControlStore) -> None:
    await store.put_channels([channel(), channel("desk")])
    await put(store, delivery(), delivery(to="desk"))
    await store.put_channels([], remove=["ops"])
    desk, ops = await store.deliveries_of(["al_1"])
    assert (ops.status, ops.error, desk.status) == ("dead", "the channel was removed", "pending")
    assert [found.id for found in await store.channels()] == ["desk"]


async def test_a_channel_is_replaced_whole(store: ControlStore) -> None:
    await store.put_channels([channel(secret="whsec_old", disabled="gone")])
    await store.put_channels([channel(secret="whsec_new")])
    assert await store.channels() == [channel(secret="whsec_new")]


async def test_resend_makes_ended_deliveries_due_again_under_the_same_id(store: ControlStore) -> None:
    await store.put_channels([channel()])
    await put(store, *[delivery(alert=f"al_{n}", at=n) for n in (1, 2, 3)])
    await claimed(store)
    await store.record_outcomes(
        "a", [Outcome("de_al_1_1_ops", "delivered", 6_000), Outcome("de_al_2_1_ops", "dead", 6_000, error="500")]
    )
    assert await store.resend(at_ms=7_000, dead_only=True) == 1
    assert await store.resend(at_ms=7_000, since_ms=2) == 0
    assert await store.resend(at_ms=7_000, channel_id="desk") == 0
    assert await store.resend(at_ms=7_000, alert_id="al_1") == 1
    rows = await store.deliveries_of(["al_1", "al_2"])
    assert [(row.status, row.tries, row.retry_since_ms, row.error) for row in rows] == [("pending", 0, 7_000, None)] * 2
    assert [row.unsure for row in rows] == [True, False]
    assert sorted(await claimed(store)) == ["de_al_1_1_ops", "de_al_2_1_ops"]


async def test_what_waits_too_long_is_dead_and_what_is_in_flight_is_left(store: ControlStore) -> None:
    await store.put_channels([channel()])
    await put(store, delivery(alert="al_1", at=1), delivery(alert="al_2", at=2), delivery(alert="al_3", at=900))
    await store.claim(holder="a", now_ms=5, lease_ms=60_000, room={"ops": 1})
    assert await store.expire(channel_id="ops", before_ms=900, at_ms=5_000, error="down since") == 1
    rows = await store.deliveries_of(["al_1", "al_2", "al_3"])
    assert [row.status for row in rows] == ["pending", "dead", "pending"]


async def test_what_waits_is_counted_by_channel(store: ControlStore) -> None:
    await store.put_channels([channel()])
    assert await store.waiting() == {}
    await put(store, delivery(alert="al_1", at=7), delivery(alert="al_2", at=9), delivery(to="desk"))
    await store.claim(holder="a", now_ms=8, lease_ms=60_000, room={"ops": 1})
    waiting = await store.waiting()
    ops = waiting["ops"]
    assert (ops.pending, ops.oldest_created_ms, ops.next_try_ms) == (2, 7, 9)
    assert waiting["desk"].pending == 1


async def test_pruning_forgets_texts_and_ended_deliveries_but_never_a_seq(store: ControlStore) -> None:
    await store.put_channels([channel()])
    await store.commit_match("match", [state(at=1), state("su_2", at=5_000)], {}, {})
    await put(store, delivery(alert="al_1", status="dead"), delivery(alert="al_2"), delivery(alert="al_3", at=9_000))
    assert await store.prune(before_ms=4_000) == 2
    assert [row.alert_id for row in await store.deliveries_of(["al_1", "al_2", "al_3"])] == ["al_2", "al_3"]
    assert [(row.seq, row.alert) for row in await store.alert_states()] == [(1, b'{"seq":1}'), (1, None)]


async def test_calls_at_once_take_effect_one_after_another(store: ControlStore) -> None:
    await store.put_channels([channel()])
    await put(store, *[delivery(alert=f"al_{n}") for n in range(20)])
    given = await asyncio.gather(*[claimed(store, ops=3) for _ in range(10)])
    every = [one for some in given for one in some]
    assert len(every) == len(set(every)) == 20


async def test_the_time_of_day_is_the_stores_own_or_nobodys_but_the_machines(store: ControlStore) -> None:
    before = time.time() * 1_000
    told = await store.clock_ms()
    after = time.time() * 1_000
    assert told is None or before - 1_000 <= told <= after + 1_000  # the server of the tests is on this machine


async def test_an_open_store_is_healthy_and_closing_twice_is_safe(store: ControlStore) -> None:
    assert await store.healthy() is None
    await store.close()
    await store.close()


async def test_a_channel_never_shows_its_secret_or_address_when_printed(store: ControlStore) -> None:
    shown = repr(channel(secret="whsec_c2VjcmV0"))
    assert "whsec" not in shown
    assert "example" not in shown
