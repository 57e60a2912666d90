"""Dead letters: how a rejected record is kept, and how people list, show, retry and drop them.

Nothing on the topic is changed: that a letter was retried or dropped is itself a record there, with the
letter's key, no value, and the headers ``ww_dead_letter`` (its id) and ``ww_mark``. Works on any broker.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from wirewatch.brokers.interface import NewRecord
from wirewatch.errors import BadInput, UserError
from wirewatch.events import CeType, DeadLetter, decode, encode, headers_for
from wirewatch.identity import body_hash, dead_letter_id
from wirewatch.logs import redact
from wirewatch.times import format_ms
from wirewatch.topics import DEAD_LETTERS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from wirewatch.brokers.interface import Broker, Record

LETTER_HEADER: Final = "ww_dead_letter"
MARK_HEADER: Final = "ww_mark"
RETRIED_FROM_HEADER: Final = "ww_retried_from"
_ERROR_CHARS: Final = 2_000
_TRACEBACK_CHARS: Final = 8_000
Mark = Literal["retried", "dropped"]


class ListedLetter(msgspec.Struct, frozen=True):
    """A dead letter in a list: ``letter`` without its value, and where on the topic it stands."""

    letter: DeadLetter
    state: Literal["open", "retried", "dropped"]
    partition: int
    offset: int


def make_dead_letter(
    record: Record,
    *,
    stage: str,
    fate: Literal["bad-input", "bug"],
    reason: str,
    error: str,
    traceback: str | None,
    now_ms: int,
) -> NewRecord:
    """The record for the dead-letters topic. Pure; the same rejected record gives the same id.

    A value that would not fit is left out, which ``value`` null with a ``size`` above 0 says.
    """
    value = record.value
    size = len(value or b"")
    fits = size * 4 // 3 + len(record.headers) * 64 + 65_536 < DEAD_LETTERS.max_message_bytes
    letter = DeadLetter(
        id=dead_letter_id(stage, record.topic, record.partition, record.offset),
        stage=stage,
        reason=reason,
        fate=fate,
        error=redact(_printable(error))[:_ERROR_CHARS],
        traceback=None if traceback is None else redact(_printable(traceback))[-_TRACEBACK_CHARS:],
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        key=record.key,
        headers=record.headers,
        value=base64.b64encode(value).decode() if value is not None and fits else None,
        size=size,
        time=format_ms(now_ms),
    )
    return _letter_record(letter)


def make_refused_letter(record: NewRecord, *, stage: str, reason: str, error: str, now_ms: int) -> NewRecord:
    """The letter for a record that the log itself refused: it has no place (-1), and its value is left out. Pure.

    The same record refused again gives the same id.
    """
    value = record.value or b""
    letter = DeadLetter(
        id=dead_letter_id(stage, f"{record.topic}/{record.key}/{body_hash(value)}", -1, -1),
        stage=stage,
        reason=reason,
        fate="bad-input",
        error=redact(_printable(error))[:_ERROR_CHARS],
        traceback=None,
        topic=record.topic,
        partition=-1,
        offset=-1,
        key=record.key,
        headers=record.headers,
        value=None,
        size=len(value),
        time=format_ms(now_ms),
    )
    return _letter_record(letter)


def _letter_record(letter: DeadLetter) -> NewRecord:
    source = f"wirewatch/{letter.stage}/{letter.key}"
    headers = headers_for(CeType.DEAD_LETTER, id=letter.id, source=source, time=letter.time)
    return NewRecord(DEAD_LETTERS.name, letter.key, encode(letter), {**headers, LETTER_HEADER: letter.id})


def fold_dead_letters(records: Iterable[Record], known: dict[str, ListedLetter]) -> None:
    """Take records of the topic, in order, into what is known: letters, and marks on them. Pure.

    A record that is neither is passed over: one broken letter must not hide the others.
    """
    for record in records:
        id_ = record.headers.get(LETTER_HEADER, "")
        mark = record.headers.get(MARK_HEADER)
        if record.value is None:
            if id_ in known and mark in ("retried", "dropped"):
                known[id_] = msgspec.structs.replace(known[id_], state=mark)
            continue
        try:
            letter = decode(record.value, DeadLetter)
        except BadInput:
            continue
        # a crash may repeat a letter; its mark stays
        state = known[letter.id].state if letter.id in known else "open"
        bare = msgspec.structs.replace(letter, value=None)
        known[letter.id] = ListedLetter(bare, state, record.partition, record.offset)


async def list_dead_letters(
    broker: Broker, *, stage: str | None = None, include_done: bool = False
) -> list[ListedLetter]:
    """The letters still kept, oldest first; retried and dropped ones only if asked for."""
    known: dict[str, ListedLetter] = {}
    async for records in _pages(broker):
        fold_dead_letters(records, known)
    letters = [
        item
        for item in known.values()
        if (include_done or item.state == "open") and (stage is None or item.letter.stage == stage)
    ]
    return sorted(letters, key=lambda item: (item.letter.time, item.partition, item.offset))


async def show_dead_letter(broker: Broker, id_: str) -> tuple[ListedLetter, DeadLetter]:
    """One letter: its state and place, and the whole of it. Raises `UserError` where there is none."""
    listed = await _find(broker, id_)
    records = await broker.read(DEAD_LETTERS.name, listed.partition, listed.offset, max_records=1)
    if not records or records[0].offset != listed.offset or records[0].value is None:
        raise UserError(f"dead letter {id_} is no longer kept")
    return listed, decode(records[0].value, DeadLetter)


async def retry_dead_letter(broker: Broker, id_: str, *, now_ms: int) -> Record:
    """Publish the rejected record again, with the header ``ww_retried_from``, and mark the letter.

    Where the two are cut apart by a crash, the letter stays open and may be retried again. Raises
    `UserError` where there is no such letter, it was dealt with already, or its value was not kept.
    """
    listed, letter = await show_dead_letter(broker, id_)
    _require_open(listed)
    if letter.value is None and letter.size:
        raise UserError(f"dead letter {id_} was too large to be kept with its value; it cannot be retried")
    value = None if letter.value is None else base64.b64decode(letter.value)
    again = NewRecord(letter.topic, letter.key, value, {**letter.headers, RETRIED_FROM_HEADER: letter.id})
    published = await broker.publish([again, _mark(letter, "retried", now_ms)])
    return published[0]


async def drop_dead_letter(broker: Broker, id_: str, *, now_ms: int) -> ListedLetter:
    """Mark the letter as done without retrying it. Raises `UserError` as `retry_dead_letter` does."""
    listed = await _find(broker, id_)
    _require_open(listed)
    await broker.publish([_mark(listed.letter, "dropped", now_ms)])
    return listed


def _mark(letter: DeadLetter, mark: Mark, now_ms: int) -> NewRecord:
    headers = headers_for(
        CeType.DEAD_LETTER,
        id=f"{letter.id}-{mark}",
        source=f"wirewatch/dead-letters/{letter.key}",
        time=format_ms(now_ms),
    )
    return NewRecord(DEAD_LETTERS.name, letter.key, None, {**headers, LETTER_HEADER: letter.id, MARK_HEADER: mark})


def _require_open(listed: ListedLetter) -> None:
    if listed.state != "open":
        raise UserError(f"dead letter {listed.letter.id} was {listed.state} already")


def _printable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


async def _find(broker: Broker, id_: str) -> ListedLetter:
    known: dict[str, ListedLetter] = {}
    async for records in _pages(broker):
        fold_dead_letters((record for record in records if record.headers.get(LETTER_HEADER) == id_), known)
    if id_ not in known:
        raise UserError(f"there is no dead letter {id_}; `wirewatch dead-letters list --all` shows them")
    return known[id_]


async def _pages(broker: Broker) -> AsyncIterator[list[Record]]:
    for partition in range(broker.partitions(DEAD_LETTERS.name)):
        bounds = await broker.bounds(DEAD_LETTERS.name, partition)
        offset = bounds.earliest
        # up to the end as it was: letters that come in meanwhile belong to the next look
        while offset < bounds.end and (records := await broker.read(DEAD_LETTERS.name, partition, offset)):
            yield records
            offset = records[-1].offset + 1
