from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from processors.enrich_handler import EnrichHandler
from wirewatch.brokers.interface import Record
from wirewatch.canary import CANARY_ID
from wirewatch.events import CeType, EntryEvent, encode, headers_for
from wirewatch.topics import ENTRIES, ENTRY_EVENTS

MakeEvent = Callable[..., EntryEvent]


@pytest.fixture(scope="module")
def handler() -> EnrichHandler:
    return EnrichHandler()


def recorded(event: EntryEvent) -> Record:
    headers = headers_for(CeType.for_op(event.op), id=event.id, source="wirewatch/diff/x", time=event.time)
    return Record(ENTRY_EVENTS.name, 0, 0, event.feed_id, encode(event), headers, 0)


@pytest.mark.parametrize(("op", "passed_on"), [("baseline", False), ("source-error", True), ("source-recovered", True)])
def test_of_the_canary_only_feed_events_pass_so_that_nobody_takes_it_for_news(
    handler: EnrichHandler, make_event: MakeEvent, op: str, passed_on: bool
) -> None:
    event = msgspec.structs.replace(make_event("The canary sings", op=op), feed_id=CANARY_ID)
    assert [output.topic for output in handler.handle(recorded(event), None).outputs] == [ENTRIES.name] * passed_on
