"""`wirewatch move`: from the embedded log to a cluster."""

from __future__ import annotations

import time
from contextlib import AsyncExitStack
from typing import Final

import msgspec

from sinks.search.embedded.sink import EmbeddedSearchSink
from wirewatch.brokers.connect import is_embedded, parse_broker_url
from wirewatch.brokers.kafka import is_kafka, open_cluster
from wirewatch.brokers.kafka.opening import ALL_TOPICS, require_topics
from wirewatch.cli.context import configuration
from wirewatch.cli.exits import as_command
from wirewatch.cli.opening import INDEX_FILE, has_control, has_index, has_log, open_control
from wirewatch.cli.output import say
from wirewatch.cli.tables import print_table
from wirewatch.errors import UserError
from wirewatch.moving import Rebound, count_source, move
from wirewatch.moving.source import held
from wirewatch.settings import Configuration

_EVERY_S: Final = 2.0


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
async def move_log(*, to: str, dry_run: bool = False) -> int:
    """Copy the embedded log to an empty cluster, with states and positions, so that `run` goes on there.

    Stop `wirewatch run` first. The log here is not changed; search index and control store belong to the cluster's
    log afterwards. Interrupted, the same command goes on where it was. Then set `broker` and start `wirewatch run`.

    Parameters
    ----------
    to
        The cluster, as the setting `broker` names it: kafka://host:port,host:port. TLS and users come from [kafka].
    dry_run
        Only look: what there is to copy, and whether the cluster would take it.
    """
    config = configuration()
    if not is_embedded(config.settings.broker):
        raise UserError("broker: what is moved is an embedded log; leave the setting as it is until the move is done")
    if not is_kafka(to):
        raise UserError(f"--to {to}: write kafka://host:port,host:port")
    if not has_log(config):
        raise UserError(f"there is no log in {config.data_dir} to move: set broker, and start there")
    async with AsyncExitStack() as stack:
        log = stack.enter_context(held(parse_broker_url(config.settings.broker, config.data_dir)))
        stack.push_async_callback(log.close)
        target = msgspec.structs.replace(config.settings, broker=to)
        cluster = await open_cluster(target, data_dir=config.data_dir, mode="writer")
        stack.push_async_callback(cluster.close)
        if dry_run:
            missing = await cluster.check_topics(ALL_TOPICS)
            counts = await count_source(log)
            print_table(("topic", "records"), list(counts.items()), empty="")
            say("\n".join(missing) if missing else "the cluster's topics are as they should be")
            return 0
        await cluster.create_topics(ALL_TOPICS)
        await require_topics(cluster)
        moved = await move(log, cluster, await _stores(config, stack), progress=_Telling())
    print_table(("topic", "copied", "were there"), [(one.topic, one.copied, one.there) for one in moved], empty="")
    say(f'Done. Now set broker = "{to}" and start wirewatch run; the log in {log.folder} was left as it is.')
    return 0


async def _stores(config: Configuration, stack: AsyncExitStack) -> dict[str, Rebound]:
    """What keeps positions in the log, as far as there is any."""
    stores: dict[str, Rebound] = {}
    if has_control():
        control = open_control(config)
        await control.open()
        stack.push_async_callback(control.close)
        stores["control"] = control
    if config.settings.search == "embedded" and has_index(config):
        index = EmbeddedSearchSink(config.data_dir / INDEX_FILE)
        await index.start()
        stack.push_async_callback(index.close)
        stores["search"] = index
    return stores
