"""`wirewatch index`: the care of a search index on OpenSearch."""

from __future__ import annotations

import cyclopts

from sinks.search.embedded.index import EmbeddedIndex
from wirewatch.cli.context import configuration
from wirewatch.cli.exits import as_command
from wirewatch.cli.opening import INDEX_FILE, opened_broker, opensearch_address
from wirewatch.cli.output import say
from wirewatch.errors import UserError
from wirewatch.times import SystemClock

index = cyclopts.App(name="index", help="Fill the search index on OpenSearch, or make it anew.")


@index.command(name="copy")
@as_command
async def copy_index() -> int:
    """Copy what search.db in data_dir holds into OpenSearch: the log alone goes back 30 days.

    Best before the first wirewatch run with OpenSearch; later, call wirewatch index rebuild after it. Doing it again
    does no harm.
    """
    config = configuration()
    address = opensearch_address(config)
    if not (config.data_dir / INDEX_FILE).exists():
        raise UserError(f"there is no {config.data_dir / INDEX_FILE} to copy from: name its folder as data_dir")
    from sinks.search.opensearch.client import Client  # noqa: PLC0415 - slow to load
    from sinks.search.opensearch.filling import copy_stored  # noqa: PLC0415 - as above

    source, client = EmbeddedIndex(config.data_dir / INDEX_FILE, deadline=60.0), Client(address)
    try:
        copied, refused = await copy_stored(source.stored, client, SystemClock(), say)
    finally:
        await source.close()
        await client.close()
    say(f"{copied} events copied, {refused} left out")
    return 0


@index.command(name="rebuild")
@as_command
async def rebuild_index(*, keep_old: bool = False) -> int:
    """Make the index anew: a copy of what it holds, then what has come since, while it is searched and written.

    Needed after an upgrade that says so, or to change shards and replicas. Called again it goes on where it ended.

    Parameters
    ----------
    keep_old
        Leave the old index where it is; nothing reads or writes it any more.
    """
    config = configuration()
    if config.settings.search.strip() == "embedded":
        raise UserError("search = embedded: that index is brought up to date by wirewatch run, when it starts")
    from sinks.search.opensearch.client import Client  # noqa: PLC0415 - slow to load
    from sinks.search.opensearch.rebuild import Rebuild  # noqa: PLC0415 - as above

    client = Client(opensearch_address(config))
    try:
        async with opened_broker("reader") as broker:
            done = await Rebuild(client, broker, SystemClock(), say).run(keep_old=keep_old)
    finally:
        await client.close()
    say(f"{done.index}: {done.copied} events copied, {done.read} read from the log, {done.refused} left out")
    return 0
