"""`wirewatch index`: the care of a search index on OpenSearch."""

from __future__ import annotations

import cyclopts

from wirewatch.cli.context import configuration
from wirewatch.cli.exits import as_command
from wirewatch.cli.opening import opened_broker, opensearch_address
from wirewatch.cli.output import say
from wirewatch.errors import UserError
from wirewatch.times import SystemClock

index = cyclopts.App(name="index", help="Rebuild the search index on OpenSearch, behind the searches.")


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
