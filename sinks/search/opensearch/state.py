"""What a generation remembers beside its entries: its log, its places in it, each feed's highest figures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, Generic, TypeVar

import msgspec
from msgspec import Struct

from sinks.search.opensearch.bulk import Item
from sinks.search.opensearch.client import Client
from sinks.search.opensearch.layout import Generation
from wirewatch.brokers.binding import OtherLogError, other_log
from wirewatch.query.maxima import FeedMaxima

T = TypeVar("T")
NEVER: Final = (0, 0)
"""The place of a document that is not there."""


class Kept(Struct, Generic[T], frozen=True):
    """A document of the state: what it says (None: it is not there), and which writing of it that is."""

    value: T | None
    place: tuple[int, int] = NEVER


class Position(Struct, frozen=True):
    """The offset to read next."""

    next_offset: int


class BoundLog(Struct, frozen=True):
    """The log that the positions are places in."""

    log_id: str


def position_id(topic: str, partition: int) -> str:
    """The document of a partition's position."""
    return f"position/{topic}/{partition}"


def maxima_id(feed_id: str) -> str:
    """The document of a feed's highest figures."""
    return f"maxima/{feed_id}"


LOG_ID: Final = "log"
REBUILD_ID: Final = "rebuild"


class _Got(Struct):
    found: bool = False
    seq_no: int = msgspec.field(name="_seq_no", default=0)
    primary_term: int = msgspec.field(name="_primary_term", default=0)
    source: msgspec.Raw = msgspec.field(name="_source", default=msgspec.Raw(b"{}"))


class _GotAll(Struct):
    docs: list[_Got]


class _Source(Struct):
    value: msgspec.Raw


async def read_state(client: Client, generation: Generation, ids: Sequence[str], kind: type[T]) -> list[Kept[T]]:
    """The documents of those ids, in their order, as they were last written."""
    if not ids:
        return []
    body = msgspec.json.encode({"ids": list(ids)})
    got = await client.ask("POST", f"/{generation.state}/_mget", body, into=_GotAll)
    return [
        Kept(
            msgspec.json.decode(msgspec.json.decode(one.source, type=_Source).value, type=kind),
            (one.seq_no, one.primary_term),
        )
        if one.found
        else Kept(None)
        for one in got.docs
    ]


async def require_log(client: Client, generation: Generation, log_id: str) -> None:
    """`UserError` where the generation belongs to another log; what belongs to none yet is as good as this one's."""
    (bound,) = await read_state(client, generation, [LOG_ID], BoundLog)
    if bound.value is not None and bound.value.log_id != log_id:
        what = f"the search index {generation.entries} on {client.address.shown}"
        raise OtherLogError(other_log(what, bound.value.log_id, log_id))


def state_item(
    generation: Generation, id_: str, value: Any, *, place: tuple[int, int] | None = None, version: int | None = None
) -> Item:
    """The write of one of them: ``place`` as it was read, or a ``version`` that only rises."""
    body = msgspec.json.encode({"kind": id_.partition("/")[0], "value": value})
    return Item(generation.state_write, id_, body, version=version, place=place)


async def read_maxima(client: Client, generation: Generation, feed_ids: Iterable[str]) -> dict[str, FeedMaxima]:
    """Each feed's highest figures so far."""
    wanted = sorted(feed_ids)
    found = await read_state(client, generation, [maxima_id(feed_id) for feed_id in wanted], FeedMaxima)
    return {feed_id: kept.value or FeedMaxima() for feed_id, kept in zip(wanted, found, strict=True)}
