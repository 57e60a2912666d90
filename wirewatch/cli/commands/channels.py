"""`wirewatch channels`: where alerts go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import cyclopts

from sinks.alerts.channels import OpenedChannels
from sinks.alerts.commands import add_channel, remove_channel, test_channel
from wirewatch.cli.commands.searches import settings_file
from wirewatch.cli.context import configuration
from wirewatch.cli.exits import as_command
from wirewatch.cli.opening import opened_broker, opened_control, seen_control
from wirewatch.cli.output import print_json, print_line, say
from wirewatch.cli.tables import print_table
from wirewatch.control.model import Channel, OutboxSummary
from wirewatch.logs import redact
from wirewatch.net.guard import Guard
from wirewatch.settings.declared import read_networks
from wirewatch.times import SystemClock, parse_duration_ms

channels = cyclopts.App(name="channels", help="Where alerts go: add, list, test, remove.")
_Id = Annotated[str, cyclopts.Parameter(name="id")]


def _guard() -> Guard:
    return Guard(read_networks(configuration().settings.allow_networks))


@channels.command(name="add")
@as_command
async def add_one(
    id_: _Id, url: str = "", /, *, kind: Literal["webhook", "terminal"] = "webhook", secret: str = ""
) -> int:
    """Add a channel, or change one.

    Parameters
    ----------
    id_
        What searches call it.
    url
        Where a webhook is sent; env:NAME reads it from the environment.
    kind
        webhook (signed with the Standard Webhooks headers), or terminal.
    secret
        The webhook's secret (whsec_...), or env:NAME. Without one a fresh one is made and shown once.
    """
    async with opened_control() as store:
        made = await add_channel(
            store,
            channel_id=id_,
            kind=kind,
            url=url,
            secret=secret,
            guard=_guard(),
            file=settings_file(),
            now_ms=SystemClock().now_ms(),
        )
    print_line(f"channel {made.id} ({made.kind})")
    if kind == "webhook" and not secret:
        say(f"Its secret, shown only now: {made.secret}")
    return 0


async def read_channels() -> tuple[list[Channel], Mapping[str, OutboxSummary]]:
    """The channels and what waits for each; makes no store where there is none."""
    async with seen_control() as store:
        return ([], {}) if store is None else (await store.channels(), await store.waiting())


@channels.command(name="list")
@as_command
async def list_channels(*, json: bool = False) -> int:
    """List the channels and what waits for each. Secrets are not shown.

    Parameters
    ----------
    json
        One JSON object a line.
    """
    found, waiting = await read_channels()
    if json:
        for channel in found:
            print_json(
                {
                    "id": channel.id,
                    "kind": channel.kind,
                    "origin": channel.origin,
                    "url": redact(channel.url),
                    "disabled": channel.disabled,
                    "pending": waiting[channel.id].pending if channel.id in waiting else 0,
                }
            )
        return 0
    print_table(
        ("id", "kind", "from", "waiting", "state", "url"),
        [
            (c.id, c.kind, c.origin, waiting[c.id].pending if c.id in waiting else 0, c.disabled or "ok", redact(c.url))
            for c in found
        ],
        empty="no channels yet: wirewatch channels add desk https://desk.example.org/hook",
    )
    return 0


@channels.command(name="test")
@as_command
async def test_one(id_: _Id, /) -> int:
    """Deliver a test alert to a channel now, and say whether it arrived.

    Parameters
    ----------
    id_
        The channel's id.
    """
    timeout_s = parse_duration_ms(configuration().settings.alerts.timeout) / 1000
    opened = OpenedChannels(_guard(), clock=SystemClock(), timeout_s=timeout_s)
    try:
        async with opened_control() as store:
            await test_channel(store, opened, id_, now_ms=SystemClock().now_ms())
    finally:
        await opened.close()
    print_line(f"the test alert arrived at {id_}")
    return 0


@channels.command(name="remove")
@as_command
async def remove_one(id_: _Id, /) -> int:
    """Remove a channel that no saved search names. What waits for it is given up.

    Parameters
    ----------
    id_
        The channel's id.
    """
    async with opened_broker("writer") as broker, opened_control() as store:
        await remove_channel(broker, store, id_, file=settings_file())
    print_line(f"channel {id_} is removed")
    return 0
