"""`wirewatch topics`: what is on the log."""

from __future__ import annotations

import cyclopts

from wirewatch.brokers.connect import declared_topics
from wirewatch.brokers.kafka import KafkaBroker, grow_topics, is_kafka
from wirewatch.cli.context import configuration
from wirewatch.cli.exits import NOT_FOUND, as_command
from wirewatch.cli.opening import opened_broker
from wirewatch.cli.output import print_json, say
from wirewatch.cli.tables import print_table
from wirewatch.errors import UserError
from wirewatch.hosting.runner import streamed_inputs
from wirewatch.stages import POLL, STAGES
from wirewatch.times import format_duration

topics = cyclopts.App(name="topics", help="Create, check, list and grow the topics of the log.")


@topics.command(name="create")
@as_command
async def create_topics() -> int:
    """Create the topics that are missing. What exists is never changed."""
    declared = declared_topics(configuration().settings)
    async with opened_broker("writer") as broker:
        created = await broker.create_topics(declared)
        for name in created:
            say(f"created {name}")
        differences = await broker.check_topics(declared)
    say(f"{len(declared)} topics are there" if not differences else "some differ: wirewatch topics check")
    return 0


@topics.command(name="check")
@as_command
async def check_topics() -> int:
    """Compare the topics with the table. Exit status 1 where one differs, with each difference in words."""
    async with opened_broker("reader") as broker:
        differences = await broker.check_topics(declared_topics(configuration().settings))
    for difference in differences:
        say(difference)
    if not differences:
        say("all topics are as they should be")
    return NOT_FOUND if differences else 0


@topics.command(name="grow")
@as_command
async def grow(partitions: int, /) -> int:
    """Give every topic of a Kafka cluster more partitions. Nothing may run meanwhile; done again, it goes on.

    Parameters
    ----------
    partitions
        How many each topic is to have.
    """
    config = configuration()
    if not is_kafka(config.settings.broker):
        raise UserError("the embedded log has one partition a topic; growth is for broker = kafka://...")
    async with opened_broker("writer") as broker:
        assert isinstance(broker, KafkaBroker)
        await grow_topics(
            broker,
            declared_topics(config.settings),
            partitions,
            groups=list(STAGES),
            # what a poller was asked for may stay unserved for ever, and is asked again
            readers={name: streamed_inputs(name) for name in STAGES if name != POLL.name},
            say=say,
        )
    say(f"now set [kafka] partitions = {partitions} everywhere, and start wirewatch again")
    return 0


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
        for topic in declared_topics(configuration().settings):
            try:
                bounds = [await broker.bounds(topic.name, p) for p in range(broker.partitions(topic.name))]
            except UserError:
                continue  # it is not there yet
            rows.append((topic, len(bounds), sum(b.end for b in bounds)))
    if json:
        for topic, partitions, end in rows:
            print_json(
                {
                    "topic": topic.name,
                    "key": topic.key,
                    "retention_ms": topic.retention_ms,
                    "partitions": partitions,
                    "end": end,
                }
            )
        return 0
    print_table(
        ("topic", "key", "kept", "partitions", "appended", "value"),
        [
            (
                t.name,
                t.key,
                "newest of each key" if t.compacted else format_duration(t.retention_ms or 0),
                n,
                end,
                t.value,
            )
            for t, n, end in rows
        ],
        empty="there are no topics: wirewatch topics create",
    )
    return 0
