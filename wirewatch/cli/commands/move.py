"""`wirewatch move`: from the embedded log to a cluster."""

from __future__ import annotations

import time
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Final

import msgspec

from sinks.search.embedded.sink import EmbeddedSearchSink
from wirewatch.brokers.connect import is_embedded, parse_broker_url
from wirewatch.brokers.embedded.schema import FILE_NAME as LOG_FILE
from wirewatch.brokers.kafka import is_kafka, open_cluster
from wirewatch.brokers.kafka.opening import ALL_TOPICS, require_topics
from wirewatch.brokers.left_behind import leave_behind
from wirewatch.cli.context import configuration
from wirewatch.cli.exits import as_command
from wirewatch.cli.opening import (
    CONTROL_FILE,
    INDEX_FILE,
    has_control,
    has_index,
    has_log,
    is_postgresql,
    open_control,
)
from wirewatch.cli.output import say
from wirewatch.cli.tables import print_table
from wirewatch.control import ControlStore, SqliteControlStore
from wirewatch.errors import UserError
from wirewatch.logs import redact
from wirewatch.moving import Moved, Rebound, count_source, move, require_room
from wirewatch.moving.source import held
from wirewatch.settings import Configuration, Settings

if TYPE_CHECKING:
    from wirewatch.brokers.embedded.broker import EmbeddedBroker
    from wirewatch.brokers.kafka import KafkaBroker

_EVERY_S: Final = 2.0
_COPY_S: Final = 3_600.0
"""The copy of a control store is one transaction, however long it takes."""


class _Telling:
    """A line of progress now and then, and one at the end of each topic."""

    def __init__(self) -> None:
        self._at = 0.0

    def __call__(self, topic: str, done: int, total: int) -> None:
        now = time.monotonic()
        if done == total or now - self._at >= _EVERY_S:
            self._at = now
            say(f"{topic}: {done} of {total}")


@as_command
async def move_log(*, to: str = "", control_to: str = "", dry_run: bool = False) -> int:
    """Copy what is embedded to servers, with states and positions, so that `run` goes on there.

    Stop `wirewatch run` first. The log and the control store here are not changed, but nothing starts on them any
    more; a search index that stays here belongs to the cluster's log afterwards. Interrupted, the same command goes
    on where it was. Then set `broker` and `control`, and start `wirewatch run`; `wirewatch index copy` fills
    OpenSearch from the index here.

    Parameters
    ----------
    to
        The cluster for the log, as the setting `broker` names it: kafka://host:port,host:port. TLS and users come
        from [kafka]. Its topics must be empty.
    control_to
        The database for the control store, as the setting `control` names it: postgresql://user@host:5432/database.
        It must be empty. A password may come from a variable: user:env:NAME@host. Without this the control store
        stays where it is.
    dry_run
        Only look: what there is to copy, and whether the cluster's topics would take it.
    """
    config = configuration()
    _require_movable(config, to, control_to)
    async with AsyncExitStack() as stack:
        log = stack.enter_context(held(parse_broker_url(config.settings.broker, config.data_dir)))
        stack.push_async_callback(log.close)
        cluster = None if not to else await open_cluster(_target(config, to), data_dir=config.data_dir, mode="writer")
        if cluster is not None:
            stack.push_async_callback(cluster.close)
        if dry_run:
            print_table(("topic", "records"), list((await count_source(log)).items()), empty="")
            await _look_at(log, cluster)
            return 0
        if cluster is not None:  # what is refused is refused before anything is copied
            await cluster.create_topics(ALL_TOPICS)
            await require_topics(cluster)
            await require_room(log, cluster)
        control = await _control(config, control_to, stack, after=None if cluster is None else await cluster.log_id())
        moved: list[Moved] = []
        if cluster is not None:
            stores = {**({} if control is None else {"control": control}), **await _index(config, stack)}
            moved = await move(log, cluster, stores, progress=_Telling())
        _leave_behind(config, to=to, control_to=control_to)
    print_table(("topic", "copied", "were there"), [(one.topic, one.copied, one.there) for one in moved], empty="")
    names = [name for name, moves in (("broker", to), ("control", control_to)) if moves]
    say(f"Done. Now set {' and '.join(names)} to the same, and start wirewatch run. {log.folder} is as it was.")
    return 0


async def _look_at(log: EmbeddedBroker, cluster: KafkaBroker | None) -> None:
    """What the move would find on the cluster. `UserError` where it would refuse to write there."""
    if cluster is None:
        return
    await require_topics(cluster, [topic for topic in ALL_TOPICS if cluster.topics.known(topic.name) is not None])
    await require_room(log, cluster)
    differences = await cluster.differences(ALL_TOPICS)
    shown = [difference.text for difference in differences]
    say("\n".join(shown) or "the cluster's topics are as they should be, and hold nothing else")
    if any(difference.grave for difference in differences):  # of topics that are there these were refused
        say("The move makes the topics that are missing.")


def _require_movable(config: Configuration, to: str, control_to: str) -> None:
    """`UserError` where the command makes no sense with these settings."""
    if not to and not control_to:
        raise UserError("say where to: --to kafka://host:port, --control-to postgresql://user@host/database, or both")
    if not is_embedded(config.settings.broker):
        raise UserError("broker: what is moved is an embedded log; leave the setting as it is until the move is done")
    if to and not is_kafka(to):
        raise UserError(f"--to {redact(to)}: write kafka://host:port,host:port")
    if control_to and config.settings.control != "embedded":
        raise UserError("control: what is moved is an embedded store; leave the setting until the move is done")
    if control_to and not is_postgresql(control_to):
        raise UserError("--control-to: write postgresql://user@host:5432/database")
    if not has_log(config):
        raise UserError(f"there is no log in {config.data_dir} to move: set broker, and start there")


def _leave_behind(config: Configuration, *, to: str, control_to: str) -> None:
    """Say beside each file that was copied where it goes on: an old settings file is then refused."""
    if control_to and has_control():
        leave_behind(config.data_dir / CONTROL_FILE, redact(control_to))
    if to:
        leave_behind(parse_broker_url(config.settings.broker, config.data_dir) / LOG_FILE, redact(to))


def _target(config: Configuration, to: str) -> Settings:
    return msgspec.structs.replace(config.settings, broker=to)


async def _control(config: Configuration, to: str, stack: AsyncExitStack, *, after: str | None) -> ControlStore | None:
    """The control store that is to follow the log, opened: the one here, or its copy in the database."""
    if not has_control():
        return None
    # as it lies here, also where an earlier try has moved it already
    here = SqliteControlStore(config.data_dir / CONTROL_FILE) if to else open_control(config)
    await here.open()  # also brings an older file forward
    stack.push_async_callback(here.close)
    if not to:
        return here
    from wirewatch.control.postgresql import PostgresqlControlStore  # noqa: PLC0415 - its client is slow to load

    there = PostgresqlControlStore(to, longest_s=_COPY_S)
    await there.open()
    stack.push_async_callback(there.close)
    for table, count in (await there.take_over(config.data_dir / CONTROL_FILE, after=after)).items():
        say(f"{table}: {count}")
    return there


async def _index(config: Configuration, stack: AsyncExitStack) -> dict[str, Rebound]:
    """The search index, as far as there is one here."""
    if config.settings.search != "embedded" or not has_index(config):
        return {}
    index = EmbeddedSearchSink(config.data_dir / INDEX_FILE)
    await index.start()
    stack.push_async_callback(index.close)
    return {"search": index}
