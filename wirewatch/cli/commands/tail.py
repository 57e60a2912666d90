"""`wirewatch tail`: a topic's records as they come."""

from __future__ import annotations

import asyncio
from typing import Annotated

import cyclopts
import orjson

from wirewatch.brokers.interface import Broker, Record
from wirewatch.cli.exits import as_command
from wirewatch.cli.opening import moment_ms, opened_broker
from wirewatch.cli.output import plain, print_line
from wirewatch.errors import UserError
from wirewatch.times import format_ms
from wirewatch.topics import ENTRIES, TOPICS


@as_command
async def tail(
    topic: str = ENTRIES.name,
    /,
    *,
    from_: Annotated[str, cyclopts.Parameter(name="--from")] = "",
    follow: Annotated[bool, cyclopts.Parameter(negative="--no-follow")] = True,
    json: bool = False,
) -> int:
    """Print a topic's records as they come, until Ctrl-C.

    Parameters
    ----------
    topic
        The topic, with or without "wirewatch." before and ".v1" behind it.
    from_
        earliest, an offset, a time, or a duration such as 2h. Without it: from now on, or all with --no-follow.
    follow
        Wait for more at the end; --no-follow stops there.
    json
        Each value bare, one a line.
    """
    name = topic if topic in TOPICS else f"wirewatch.{topic}.v1"
    if name not in TOPICS:
        raise UserError(f"no topic {topic!r}; there are {', '.join(TOPICS)}")
    from_ = from_ or ("" if follow else "earliest")
    async with opened_broker("reader") as broker:
        await asyncio.gather(
            *(_tail(broker, name, p, from_, follow=follow, json=json) for p in range(broker.partitions(name)))
        )
    return 0


async def _start(broker: Broker, topic: str, partition: int, from_: str) -> int:
    if from_ == "earliest":
        return (await broker.bounds(topic, partition)).earliest
    if not from_:
        return (await broker.bounds(topic, partition)).end
    if from_.isdecimal():
        return int(from_)
    try:
        at_ms = moment_ms(from_, flag="--from")
    except UserError as error:
        raise UserError(f"{error}, or earliest, or an offset") from error
    return await broker.offset_at(topic, partition, at_ms)


async def _tail(broker: Broker, topic: str, partition: int, from_: str, *, follow: bool, json: bool) -> None:
    offset = await _start(broker, topic, partition, from_)
    end = (await broker.bounds(topic, partition)).end
    while follow or offset < end:
        records = await broker.read(topic, partition, offset, wait=30.0 if follow else 0.0)
        if not records and not follow:
            return
        for record in records:
            if not follow and record.offset >= end:
                return
            _print_record(record, json=json)
            offset = record.offset + 1


def _print_record(record: Record, *, json: bool) -> None:
    if json:
        print_line(_bare(record))
        return
    head = f"{record.offset:>8} {format_ms(record.timestamp_ms)} {record.key} {record.headers.get('ce_type', '')}"
    if record.value is None:
        print_line(plain(f"{head} (no value)"))
        return
    try:
        value = orjson.loads(record.value)
    except orjson.JSONDecodeError:
        print_line(plain(f"{head} {len(record.value)} bytes"))
        return
    text = value.get("text") or value.get("headline") or value.get("outcome") or value.get("url") or ""
    print_line(plain(f"{head} {text}").replace("\n", " "))


def _bare(record: Record) -> str:
    """A value on one line; a body that is no JSON stands as a JSON string."""
    if record.value is None:
        return "null"
    try:
        return orjson.dumps(orjson.loads(record.value)).decode()
    except orjson.JSONDecodeError:
        return orjson.dumps(record.value.decode("utf-8", "replace")).decode()
