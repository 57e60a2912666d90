"""Who writes a feed, and under which number: pure, and with requests that come and go with their partitions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.inbox import Inbox
from producers.ownership import decide_division, next_owner
from wirewatch import topics
from wirewatch.brokers.interface import ALONE, UNSETTLED, Record
from wirewatch.events import FetchRequest, encode

GENERATIONS = st.integers(1, 1 << 20)
RECORDED = st.integers(0, 1 << 40)


@given(RECORDED, GENERATIONS)
def test_a_number_is_above_all_that_was_recorded(recorded: int, generation: int) -> None:
    assert next_owner(recorded, generation) > recorded
    assert next_owner(recorded, ALONE) == recorded + 1


@given(RECORDED, GENERATIONS, st.integers(1, 1_000))
def test_f8_of_two_who_recover_the_same_at_once_the_later_has_the_higher_number(
    recorded: int, generation: int, later: int
) -> None:
    """One took a feed over and froze before it published anything: the next sees no trace of it."""
    assert next_owner(recorded, generation + later) > next_owner(recorded, generation)


@given(RECORDED, GENERATIONS, GENERATIONS)
def test_a_group_that_begins_anew_goes_on_above_the_one_before(recorded: int, before: int, anew: int) -> None:
    assert next_owner(next_owner(recorded, before), anew) > next_owner(recorded, before)


@pytest.mark.parametrize(
    ("held", "held_in", "assigned", "generation", "lost", "gained"),
    [
        ((), UNSETTLED, (1, 2), 7, (), (1, 2)),
        ((1, 2), 7, (1, 2), 7, (), ()),
        ((1, 2), 7, (2, 3), 8, (1,), (3,)),
        ((1, 2), 7, (1, 2), 9, (1, 2), (1, 2)),  # another may have had them in the eighth
        ((1, 2), 7, (1, 2), 1, (1, 2), (1, 2)),  # the group began anew
        ((1, 2), 7, (), 8, (1, 2), ()),
        ((), UNSETTLED, (0,), ALONE, (), (0,)),
        ((0,), ALONE, (0,), ALONE, (), ()),
    ],
)
def test_what_is_kept_over_a_division_was_never_anothers(
    held: tuple[int, ...],
    held_in: int,
    assigned: tuple[int, ...],
    generation: int,
    lost: tuple[int, ...],
    gained: tuple[int, ...],
) -> None:
    division = decide_division(held, held_in, assigned, generation)
    assert (division.lost, division.gained) == (frozenset(lost), frozenset(gained))


class Scripted:
    """A group's member that is given what the test says; ``committed`` are the records it was told of."""

    def __init__(self) -> None:
        self.next: list[Record] = []
        self.committed: list[Record] = []

    async def poll(self, **_: object) -> list[Record]:
        given, self.next = self.next, []
        return given

    async def commit(self, after: list[Record]) -> None:
        self.committed += after


class OneMember:
    """A broker as far as an inbox needs it."""

    def __init__(self) -> None:
        self.member = Scripted()

    async def consumer(self, *_: object) -> Scripted:
        return self.member


def request(offset: int, partition: int = 0) -> Record:
    value = encode(FetchRequest(f"r{partition}-{offset}", "f", "unconditional", "test", "2026-01-01T00:00:00.000Z"))
    return Record(topics.FETCH_REQUESTS.name, partition, offset, "f", value, {}, 0)


async def test_f9_a_request_that_another_did_not_serve_is_served_when_its_partition_comes_back() -> None:
    broker = OneMember()
    inbox = Inbox(broker, "poll")  # type: ignore[arg-type]  # all of a broker that an inbox uses
    await inbox.open()
    broker.member.next = [request(0), request(1), request(0, partition=1)]
    first, _, kept = await inbox.receive(wait=0)
    inbox.done([first])
    inbox.forget([0])
    assert inbox.waiting("f", "unconditional") == [kept]
    broker.member.next = [request(0), request(1)]
    again = await inbox.receive(wait=0)
    assert [waiting.record.offset for waiting in again] == [1], "what was served is not served twice"
    assert broker.member.committed == [], "how far a partition was read that is gone is its new owner's to say"
    inbox.done([*again, kept])
    await inbox.receive(wait=0)
    assert sorted((record.partition, record.offset) for record in broker.member.committed) == [(0, 1), (1, 0)]
