"""What becomes of one record: the handler's step, its effect in the order that loses nothing, and every fate.

Outputs first, all together; then the state, on its topic and in the table; only then may the offset move.
A worker killed in between does the record again: outputs carry the same ids, and the state knows what it has
applied. No error leaves this module but `BrokenStorage`: Faust would take any other for an acknowledgement.
"""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING, Any, Final, Protocol

from msgspec import Struct

from processors.faust_host.records import encode, record_of, refuse_foreign_key
from wirewatch.brokers.kept_state import KeptState, pack_state, unpack_state
from wirewatch.errors import BadInput, BrokenStorage
from wirewatch.hosting.effects import count_ops, ops_of, tell_rejected
from wirewatch.hosting.fates import Failure, decide_backoff, decide_failure, is_rejected, letter_for
from wirewatch.hosting.states import bring_forward, state_version_of
from wirewatch.logs import get_logger
from wirewatch.metrics import STAGE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Coroutine, Sequence

    from faust.types.tuples import Message

    from wirewatch.brokers.embedded.threads import WorkerThread
    from wirewatch.brokers.interface import NewRecord, Record
    from wirewatch.brokers.kafka.records import Encoded
    from wirewatch.hosting.interface import Handler, Step
    from wirewatch.times import Clock

LEAVING_SECONDS: Final = 5.0
"""So long a record in work may still take once its partition is about to go or the worker is to stop."""
_LOOK_SECONDS: Final = 0.1


class Outside(Protocol):
    """What a record's effect needs of the world around it."""

    def our_name(self, topic: str) -> str:
        """A topic's name without what stands before all names on this cluster."""
        ...

    def leaving(self) -> bool:
        """Whether partitions are about to go, or the worker is to stop."""
        ...

    def fenced(self) -> bool:
        """Whether the partitions may be another worker's by now: nothing may be written any more."""
        ...

    async def send(self, records: Sequence[Outgoing]) -> Awaitable[None]:
        """Send all, in order; durable once what is returned is done. Either raises `PassingFault` or `BadInput`."""
        ...

    async def keep(self, message: Message, value: bytes) -> None:
        """Write the state of that message's key to its topic, then to the table; durable on return."""
        ...

    def kept(self, message: Message) -> bytes | None:
        """What the table has for that message's key."""
        ...


class Outgoing(Struct, frozen=True):
    """A record on its way out, checked and encoded."""

    topic: str
    key: str
    encoded: Encoded


class Left(Exception):  # noqa: N818 - it is no error: the record is somebody's after us
    """The record was given up before its effect was complete, because its partition goes or the worker stops."""


class RecordWork:
    """Does records, beginning one after another in their order."""

    def __init__(self, handler: Handler, thread: WorkerThread, outside: Outside, clock: Clock) -> None:
        self._handler = handler
        self._thread = thread
        self._outside = outside
        self._clock = clock
        self._version = state_version_of(handler)
        self._log = get_logger(handler.stage)

    async def do(self, message: Message) -> Awaitable[None] | None:
        """Begin a record and try until it is on its way; None where it was left. Raises `BrokenStorage`.

        Its effect is durable, and its offset may move, once what is returned is done; where there is state it is
        done already. What is returned raises `Left` or `PassingFault` where nothing may move.
        """
        record = record_of(message, self._outside.our_name(message.topic))
        failures = bugs = 0
        while not self._outside.leaving():
            try:
                return await self._effect(message, record)
            except Left:
                return None
            except Exception as error:  # noqa: BLE001 - every error has its fate, and our bugs theirs
                failure = decide_failure(error)
            failures += 1
            bugs += failure.kind == "bug"
            if is_rejected(failure, bugs):
                return _done() if await self._reject(record, failure) else None
            await self._pause(failure, failures, record)
        return None

    async def _effect(self, message: Message, record: Record) -> Awaitable[None]:
        started = monotonic()
        refuse_foreign_key(message)
        kept = self._outside.kept(message) if self._handler.stateful else None
        step, outgoing, value = await self._thread.run(lambda: self._decide(record, kept))
        self._require_ours()
        if self._handler.stateful:
            await self._unless_leaving(self._published(outgoing))
            if value is not None:
                self._require_ours()
                await self._unless_leaving(self._outside.keep(message, value))
            self._count(started, step)
            return _done()
        return self._follow(await self._outside.send(outgoing), record, started, step)

    def _require_ours(self) -> None:
        """A worker that was frozen must not write over the state that another has kept since."""
        if self._outside.fenced():
            raise Left

    async def _published(self, outgoing: Sequence[Outgoing]) -> None:
        await (await self._outside.send(outgoing))

    async def _follow(self, durable: Awaitable[None], record: Record, started: float, step: Step) -> None:
        """Until what was sent is durable, or its record is dead-lettered because the cluster refuses it for good."""
        try:
            await durable
        except BadInput as error:
            if not await self._reject(record, decide_failure(error)):
                raise Left from error
        else:
            self._count(started, step)

    def _count(self, started: float, step: Step) -> None:
        STAGE_SECONDS.labels(self._handler.stage).observe(monotonic() - started)
        count_ops(ops_of(step.outputs))

    def _decide(self, record: Record, kept: bytes | None) -> tuple[Step, list[Outgoing], bytes | None]:
        """The handler's step, its outputs and state ready to be sent. Takes long, and so runs in the stage's thread."""
        state = None
        if kept is not None:
            where = f"the state of {self._handler.stage} for {record.key!r}"
            try:
                old = unpack_state(kept, where=where)
            except BrokenStorage as error:
                mend = (
                    f"to let it begin anew: stop every {self._handler.stage}, then wirewatch feeds forget {record.key}"
                )
                raise BrokenStorage(f"{error} ({mend})") from error
            state = bring_forward(self._handler, old.version, old.data, key=record.key)
        step = self._handler.handle(record, state)
        outgoing = [_outgoing(output) for output in step.outputs]
        value = None if step.state is None else pack_state(KeptState(self._version, step.state))
        return step, outgoing, value

    async def _reject(self, record: Record, failure: Failure) -> bool:
        """Dead-letter the record, however long that takes; False where it was left before that was durable."""
        letter = letter_for(record, self._handler.stage, failure, self._clock.now_ms())
        failures = 0
        while not self._outside.leaving():
            try:
                await self._unless_leaving(self._published([_outgoing(letter)]))
            except Left:
                return False
            except Exception as error:  # noqa: BLE001 - a letter that cannot be sent now is sent later
                failures += 1
                await self._pause(decide_failure(error), failures, record)
            else:
                tell_rejected(self._log, self._handler.stage, record, failure)
                return True
        return False

    async def _unless_leaving(self, work: Coroutine[Any, Any, None]) -> None:
        """Wait for it; where the worker is leaving, not for long. What was sent may then be durable or not."""
        task = asyncio.ensure_future(work)
        deadline: float | None = None
        while True:
            done, _ = await asyncio.wait({task}, timeout=_LOOK_SECONDS)
            if done:
                task.result()
                return
            if self._outside.leaving():
                deadline = deadline or monotonic() + LEAVING_SECONDS
                if monotonic() > deadline:
                    task.cancel()
                    raise Left

    async def _pause(self, failure: Failure, failures: int, record: Record) -> None:
        seconds = decide_backoff(failures, failure.retry_after)
        say = self._log.error if failure.kind == "bug" else self._log.warning
        say("trying again", kind=failure.kind, key=record.key, error=failure.error, seconds=seconds, tries=failures)
        until = monotonic() + seconds
        while monotonic() < until and not self._outside.leaving():  # noqa: ASYNC110 - another thread tells of it
            await asyncio.sleep(min(_LOOK_SECONDS, seconds))


async def _done() -> None:
    """What is done already."""


def _outgoing(record: NewRecord) -> Outgoing:
    return Outgoing(record.topic, record.key, encode(record))
