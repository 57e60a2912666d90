"""The canary: it goes through the pipeline and never looks like news."""

from __future__ import annotations

import asyncio
import json

import pytest
from msgspec.structs import replace

from producers.canary import canary_beat
from producers.poller import Poller
from tests.producers.kit import last_polls, snapshots, until
from wirewatch.brokers.embedded.broker import EmbeddedBroker
from wirewatch.canary import CANARY_ID, canary_feed, canary_seconds, is_canary
from wirewatch.events import Poll
from wirewatch.feeds import check_feed
from wirewatch.settings.declared import Ops, Settings


def test_beats_are_good_and_broken_in_turn_with_rising_numbers() -> None:
    poll: Poll | None = None
    for n in range(1, 7):
        record, poll = canary_beat(poll, owner=1, now_ms=1_640_000_000_000 + n, every_ms=60_000)
        assert poll.number == n
        assert record.value is not None
        if n % 2:
            json.loads(record.value)
        else:
            with pytest.raises(json.JSONDecodeError):
                json.loads(record.value)


def test_its_feed_is_one_that_could_be_written() -> None:
    check_feed(canary_feed(), where="built-in")
    assert is_canary(CANARY_ID)
    assert not is_canary("kz-live")


async def test_it_beats_one_period_after_the_start_and_goes_on_after_a_restart(
    broker: EmbeddedBroker, settings: Settings
) -> None:
    singing = replace(settings, ops=Ops(canary_every="50ms"))

    async def beats(n: int) -> bool:
        polls = await last_polls(broker)
        return CANARY_ID in polls and polls[CANARY_ID].number >= n

    for until_n in (2, 5):
        poller = Poller(broker, singing)
        task = asyncio.create_task(poller.run())
        await until(lambda n=until_n: beats(n))  # type: ignore[misc]  # a default binds the number
        poller.stop()
        await asyncio.wait_for(task, 5)
    numbers = [info.number for info, _ in await snapshots(broker)]
    assert numbers == list(range(1, len(numbers) + 1))


def test_seconds_are_measured_only_for_its_own_events() -> None:
    from tests.producers.test_health import AT, NOW, _event

    event = _event("source-error")
    assert canary_seconds(event, NOW) is None
    assert canary_seconds(replace(event, feed_id=CANARY_ID), NOW) == 60.0
    assert canary_seconds(replace(event, feed_id=CANARY_ID), 0) == 0.0
    assert AT
