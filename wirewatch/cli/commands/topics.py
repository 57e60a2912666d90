"""`wirewatch topics` and `wirewatch tail`: what is on the log."""

from __future__ import annotations

import asyncio
from typing import Annotated

import cyclopts
import orjson

from wirewatch.brokers.interface import Broker, Record
from wirewatch.cli.app import NOT_FOUND, app, as_command
from wirewatch.cli.opening import opened_broker
from wirewatch.cli.output import plain, print_json, print_line, print_table, say
from wirewatch.errors import UserError
from wirewatch.times import format_duration, format_ms, parse_ms
from wirewatch.topics import ENTRIES, TOPICS

topics = cyclopts.App(name="topics", help="Create, check and list the topics of the log.")
app.command(topics)


@topics.command(name="create")
@as_command
async def create_topics() -> int:
    """Create the topics that are missing. What exists is never changed."""
    async with opened_broker("writer") as broker:
        created = await broker.create_topics(list(TOPICS.values()))
        for name in created:
            say(f"created {name}")
        say(f"{len(TOPICS)} topics are there" if not await broker.check_topics(list(TOPICS.values())) else "see: check")
    return 0


@topics.command(name="check")
@as_command
async def check_topics() -> int:
    """Compare the topics with the table. Exit status 1 where one differs, with each difference in words."""
    async with opened_broker("reader") as broker:
        differences = await broker.check_topics(list(TOPICS.values()))
    for difference in differences:
        say(difference)
    if not differences:
        say("all topics are as they should be")
    return NOT_FOUND if differences else 0


@topics.command(name="list")
@as_command
async def list_topics(*, json: bool = False) -> int:
    """List the topics with what is kept of each and how many records they hold."""
    rows = []
    async with opened_broker("reader") as broker:
        for topic in TOPICS.values():
            bounds = [await broker.bounds(topic.name, p) for p in range(broker.partitions(topic.name))]
            rows.append((topic, sum(b.end - b.earliest for b in bounds), sum(b.end for b in bounds)))
    if json:
        for topic, _, end in rows:
            print_json({"topic": topic.name, "key": topic.key, "retention_ms": topic.retention_ms, "end": end})
        return 0
    print_table(
        ("topic", "key", "kept", "appended", "value"),
        [
            (t.name, t.key, "newest of each key" if t.compacted else format_duration(t.retention_ms or 0), end, t.value)
            for t, _, end in rows
        ],
        empty="there are no topics: wirewatch topics create",
    )
    return 0


@app.command
@as_command
async def tail(
    topic: str = ENTRIES.name,
    *,
    from_: Annotated[str, cyclopts.Parameter(name="--from")] = "",
    follow: bool = True,
    json: bool = False,
) -> int:
    """Print a topic's records as they come.

    Parameters
    ----------
    topic
        The topic, with or without "wirewatch." before and ".v1" behind it.
    from_
        earliest, an offset, or a time such as 2026-01-07T20:00:00Z. Without it, what comes from now on.
    follow
        Wait for more at the end (--no-follow stops there).
    json
        Each value bare, one a line.
    """
    name = topic if topic in TOPICS else f"wirewatch.{topic}.v1"
    if name not in TOPICS:
        raise UserError(f"no topic {topic!r}; there are {', '.join(TOPICS)}")
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
        return await broker.offset_at(topic, partition, parse_ms(from_))
    except ValueError as error:
        raise UserError(f"--from {from_}: write earliest, an offset, or a time with its zone ({error})") from error


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
