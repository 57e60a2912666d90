"""`wirewatch topics`: what is on the log."""

from __future__ import annotations

import cyclopts

from wirewatch.cli.exits import NOT_FOUND, as_command
from wirewatch.cli.opening import opened_broker
from wirewatch.cli.output import print_json, say
from wirewatch.cli.tables import print_table
from wirewatch.times import format_duration
from wirewatch.topics import TOPICS

topics = cyclopts.App(name="topics", help="Create, check and list the topics of the log.")


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
    """List the topics with what is kept of each and how many records were appended.

    Parameters
    ----------
    json
        One JSON object a line.
    """
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
