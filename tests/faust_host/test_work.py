"""The order of a record's effects, and what becomes of it when one of them fails."""

from __future__ import annotations

from collections.abc import Awaitable, Iterator, Sequence

import pytest
from faust.types.tuples import Message

from processors.faust_host.work import Outgoing, RecordWork
from processors.faust_host.worker import Vigil
from tests.faust_host.kit import Numbered, Passing
from wirewatch.brokers.embedded.threads import WorkerThread
from wirewatch.brokers.kept_state import KeptState, pack_state, unpack_state
from wirewatch.errors import BadInput, BrokenStorage, PassingFault
from wirewatch.hosting import Handler
from wirewatch.times import SystemClock
from wirewatch.topics import DEAD_LETTERS, ENTRY_EVENTS, SNAPSHOTS


class Recording:
    """A world that writes down what is asked of it, and fails as it is told."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.state: bytes | None = None
        self.refusals: list[Exception] = []
        self.refuse_to_keep: list[Exception] = []
        self.gone = False
        self.lost = False

    def our_name(self, topic: str) -> str:
        return topic

    def leaving(self) -> bool:
        return self.gone

    def fenced(self) -> bool:
        return self.lost

    async def send(self, records: Sequence[Outgoing]) -> Awaitable[None]:
        async def durable() -> None:
            if self.refusals:
                self.done.append("refused")
                raise self.refusals.pop(0)
            self.done.extend(record.topic for record in records)

        return durable()

    async def keep(self, message: Message, value: bytes) -> None:
        if self.refuse_to_keep:
            raise self.refuse_to_keep.pop(0)
        self.done.append("kept")
        self.state = value

    def kept(self, message: Message) -> bytes | None:
        return self.state


@pytest.fixture
def thread() -> Iterator[WorkerThread]:
    thread = WorkerThread("test-stage")
    yield thread
    thread.close()


def message(value: bytes, key: bytes | None = b"feed") -> Message:
    return Message(SNAPSHOTS.name, 0, 5, 1.0, 1, [("given", b"x")], key, value, None)


async def outcome(world: Recording, thread: WorkerThread, handler: Handler, given: Message) -> bool:
    durable = await RecordWork(handler, thread, world, SystemClock()).do(given)
    if durable is not None:
        await durable
    return durable is not None


async def test_outputs_are_durable_before_the_state_is_kept(thread: WorkerThread) -> None:
    world = Recording()
    assert await outcome(world, thread, Numbered(), message(b"feed/1"))
    assert world.done == [ENTRY_EVENTS.name, "kept"]
    assert unpack_state(world.state or b"", where="") == KeptState(1, b"1")


async def test_no_state_is_kept_where_outputs_were_not_durable_and_the_record_is_tried_again(
    thread: WorkerThread,
) -> None:
    world = Recording()
    world.refusals = [PassingFault("away", retry_after=0.01), PassingFault("away", retry_after=0.01)]
    assert await outcome(world, thread, Numbered(), message(b"feed/1"))
    assert world.done == ["refused", "refused", ENTRY_EVENTS.name, "kept"]


async def test_a_record_whose_state_could_not_be_kept_is_not_done(thread: WorkerThread) -> None:
    world = Recording()
    world.refuse_to_keep = [PassingFault("away", retry_after=0.01)]
    assert await outcome(world, thread, Numbered(), message(b"feed/1"))
    assert world.done == [ENTRY_EVENTS.name, ENTRY_EVENTS.name, "kept"]


async def test_a_dead_letter_that_is_not_durable_is_sent_again_before_the_record_counts_as_done(
    thread: WorkerThread,
) -> None:
    world = Recording()
    world.refusals = [PassingFault("away", retry_after=0.01)]

    def bad(_value: bytes) -> None:
        raise BadInput("never")

    assert await outcome(world, thread, Numbered(bad), message(b"feed/1"))
    assert world.done == ["refused", DEAD_LETTERS.name]


async def test_a_record_in_trouble_is_left_when_its_partition_goes(thread: WorkerThread) -> None:
    world = Recording()

    def away(_value: bytes) -> None:
        world.gone = True
        raise PassingFault("away")

    assert not await outcome(world, thread, Numbered(away), message(b"feed/1"))
    assert world.done == []


async def test_outputs_that_never_become_durable_hold_a_leaving_worker_for_seconds_only(
    thread: WorkerThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    import asyncio

    from processors.faust_host import work

    monkeypatch.setattr(work, "LEAVING_SECONDS", 0.2)
    world = Recording()

    async def never(_records: Sequence[Outgoing]) -> Awaitable[None]:
        world.gone = True
        return asyncio.get_running_loop().create_future()

    monkeypatch.setattr(world, "send", never)
    assert not await asyncio.wait_for(outcome(world, thread, Numbered(), message(b"feed/1")), 5)


async def test_what_the_cluster_refuses_for_good_is_dead_lettered_also_after_the_next_was_begun(
    thread: WorkerThread,
) -> None:
    world = Recording()
    world.refusals = [BadInput("too large for the cluster", reason="too-large")]
    assert await outcome(world, thread, Passing(), message(b"event"))
    assert world.done == ["refused", DEAD_LETTERS.name]


async def test_a_stage_without_state_does_not_wait_for_its_outputs(thread: WorkerThread) -> None:
    world = Recording()
    durable = await RecordWork(Passing(), thread, world, SystemClock()).do(message(b"event"))
    assert world.done == []
    assert durable is not None
    await durable
    assert len(world.done) == 1


async def test_state_of_an_older_version_is_brought_forward(thread: WorkerThread) -> None:
    class Newer(Numbered):
        state_version = 3

        def migrate_state(self, version: int, state: bytes) -> bytes:
            assert (version, state) == (2, b"two")
            return b"7"

    world = Recording()
    world.state = pack_state(KeptState(2, b"two"))
    assert await outcome(world, thread, Newer(), message(b"feed/8"))
    assert unpack_state(world.state, where="") == KeptState(3, b"8")


async def test_state_of_a_newer_version_is_broken_storage(thread: WorkerThread) -> None:
    world = Recording()
    world.state = pack_state(KeptState(2, b"two"))
    with pytest.raises(BrokenStorage, match="written by a newer wirewatch"):
        await outcome(world, thread, Numbered(), message(b"feed/8"))


@pytest.mark.parametrize("key", [None, b"", b"\xff\xfe"])
async def test_a_key_that_is_none_of_ours_is_bad_input(thread: WorkerThread, key: bytes | None) -> None:
    world = Recording()
    assert await outcome(world, thread, Numbered(), message(b"feed/8", key))
    assert world.done == [DEAD_LETTERS.name]


async def test_a_worker_that_was_frozen_writes_no_outputs_and_no_state(thread: WorkerThread) -> None:
    world = Recording()

    def freeze(_value: bytes) -> None:
        world.lost = world.gone = True

    assert not await outcome(world, thread, Numbered(freeze), message(b"feed/1"))
    assert world.done == []


async def test_a_worker_frozen_while_its_outputs_were_on_their_way_does_not_write_over_newer_state(
    thread: WorkerThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = Recording()

    async def slow(records: Sequence[Outgoing]) -> Awaitable[None]:
        async def durable() -> None:
            world.done.append("sent")
            world.lost = world.gone = True

        return durable()

    monkeypatch.setattr(world, "send", slow)
    assert not await outcome(world, thread, Numbered(), message(b"feed/1"))
    assert world.done == ["sent"]


def test_a_vigil_is_broken_by_one_gap_for_good() -> None:
    vigil = Vigil(5.0)
    assert not vigil.broken(1_000.0)  # before the first sign nothing was promised
    vigil.tick(0.0)
    vigil.tick(4.0)
    assert not vigil.broken(9.0)
    assert vigil.broken(9.5)
    vigil.tick(9.5)
    vigil.tick(9.6)
    assert vigil.broken(9.7)
