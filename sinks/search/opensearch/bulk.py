"""Many writes in one call, each with its own outcome; what the cluster is too busy for is tried again by itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from sinks.search.opensearch.client import BUSY, Client, Refusal, TooBusy
from wirewatch.errors import NotOurs, PassingFault
from wirewatch.times import Clock

CHUNK_BYTES: Final = 8 << 20
"""Well below what a cluster takes in one call (100 MB)."""

_TRIES: Final = 8
_FIRST_PAUSE: Final = 0.05
_LONGEST_PAUSE: Final = 2.0
_TOO_LARGE: Final = 413
_CONFLICT: Final = 409
_MOVED: Final = frozenset({403, 404})


class Item(Struct, frozen=True):
    """One document to write to an alias. With ``version``: only over a lower one. With ``place``: only where the
    document is still the one that was read there (its number and term), ``(0, 0)`` for one that was not there.
    """

    alias: str
    id: str
    body: bytes
    routing: str | None = None
    version: int | None = None
    place: tuple[int, int] | None = None


class Outcome(Struct, frozen=True):
    """What became of one item. ``refused``: why it can never be written; ``conflict``: another one stands there."""

    conflict: bool = False
    refused: str | None = None
    place: tuple[int, int] | None = None


class _Cause(Struct):
    type: str = ""
    reason: str | None = None
    caused_by: dict[str, Any] | None = None


class _Done(Struct):
    status: int
    error: _Cause | None = None
    seq_no: int = msgspec.field(name="_seq_no", default=0)
    primary_term: int = msgspec.field(name="_primary_term", default=0)


class _Answer(Struct):
    items: list[dict[str, _Done]]


async def write_items(client: Client, items: Sequence[Item], clock: Clock) -> list[Outcome]:
    """Write them all; the outcomes in their order. On return they are durable.

    Raises `PassingFault` where the cluster is away, or still too busy for some after several tries; `NotOurs`
    where the index is not written any more (sealed, replaced). What was written by then stays.
    """
    outcomes: list[Outcome | None] = [None] * len(items)
    pause, left, why = _FIRST_PAUSE, list(range(len(items))), ""
    for attempt in range(_TRIES):
        if attempt:
            await clock.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
        busy: list[int] = []
        for chunk in _chunks(items, left):
            for at, outcome in zip(chunk, await _write_chunk(client, [items[at] for at in chunk]), strict=True):
                if isinstance(outcome, _Busy):
                    busy.append(at)
                    why = outcome.why
                else:
                    outcomes[at] = outcome
        if not busy:
            return [outcome for outcome in outcomes if outcome is not None]
        left = busy
    raise PassingFault(f"{client.address.shown} is too busy for {len(left)} of {len(items)} documents: {why}")


class _Busy(Struct, frozen=True):
    why: str


def _chunks(items: Sequence[Item], places: Sequence[int]) -> Iterator[list[int]]:
    chunk: list[int] = []
    size = 0
    for at in places:
        if chunk and size + len(items[at].body) > CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
        chunk.append(at)
        size += len(items[at].body)
    if chunk:
        yield chunk


async def _write_chunk(client: Client, items: Sequence[Item]) -> list[Outcome | _Busy]:
    body = b"".join(line for item in items for line in (_action(item), b"\n", item.body, b"\n"))
    try:
        answer = await client.ask("POST", "/_bulk", body, into=_Answer)
    except Refusal as refusal:
        if refusal.status != _TOO_LARGE:
            raise
        if len(items) == 1:
            return [Outcome(refused=f"it is larger than the cluster takes ({len(body)} bytes)")]
        middle = len(items) // 2
        return [*await _write_chunk(client, items[:middle]), *await _write_chunk(client, items[middle:])]
    except TooBusy as fault:
        return [_Busy(str(fault))] * len(items)
    return [_outcome(item, done) for item, told in zip(items, answer.items, strict=True) for done in told.values()]


def _action(item: Item) -> bytes:
    how: dict[str, Any] = {"_index": item.alias, "_id": item.id, "require_alias": True}
    if item.routing is not None:
        how["routing"] = item.routing
    if item.version is not None:
        how |= {"version": item.version, "version_type": "external"}
    if item.place is not None and item.place != (0, 0):
        how["if_seq_no"], how["if_primary_term"] = item.place
    return msgspec.json.encode({"create" if item.place == (0, 0) else "index": how})


def _outcome(item: Item, done: _Done) -> Outcome | _Busy:
    if done.error is None:
        return Outcome(place=(done.seq_no, done.primary_term))
    why = f"{done.error.type}: {done.error.reason or ''}"
    inner = done.error.caused_by
    if inner and inner.get("reason"):
        why = f"{why}: {inner['reason']}"
    if done.status in BUSY or "read-only / allow delete" in why:
        return _Busy(why)
    if done.status == _CONFLICT:
        return Outcome(conflict=True)
    if done.error.type == "security_exception":
        raise PassingFault(f"the user of [opensearch] may not write to {item.alias}: {why}")
    if done.status in _MOVED:
        raise NotOurs(f"the index behind {item.alias} is not written any more: {why}", retry_after=0.5)
    return Outcome(refused=why)
