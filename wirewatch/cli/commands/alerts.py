"""`wirewatch channels` and `wirewatch alerts`: where alerts go, and what was told."""

from __future__ import annotations

from typing import Annotated, Literal

import cyclopts
import msgspec

from sinks.alerts.channels import OpenedChannels
from sinks.alerts.commands import (
    add_channel,
    list_alerts,
    remove_channel,
    resend_alerts,
    show_alert,
    test_channel,
)
from wirewatch.cli.app import app, as_command
from wirewatch.cli.commands.searches import settings_file
from wirewatch.cli.context import configuration
from wirewatch.cli.opening import moment_ms, opened_broker, opened_control
from wirewatch.cli.output import print_json, print_line, print_table, say
from wirewatch.events import Alert, decode
from wirewatch.logs import redact
from wirewatch.net.guard import Guard
from wirewatch.settings.declared import read_networks
from wirewatch.times import SystemClock, format_ms, parse_duration_ms

channels = cyclopts.App(name="channels", help="Where alerts go: add, list, test, remove.")
alerts = cyclopts.App(name="alerts", help="What was told: list, show, resend.")
app.command(channels)
app.command(alerts)
_Id = Annotated[str, cyclopts.Parameter(name="id")]


def _guard() -> Guard:
    return Guard(read_networks(configuration().settings.allow_networks))


@channels.command(name="add")
@as_command
async def add_one(
    id_: _Id, url: str = "", *, kind: Literal["webhook", "terminal"] = "webhook", secret: str = ""
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


@channels.command(name="list")
@as_command
async def list_channels(*, json: bool = False) -> int:
    """List the channels and what waits for each. Secrets are not shown."""
    async with opened_control() as store:
        found, waiting = await store.channels(), await store.waiting()
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
async def test_one(id_: _Id) -> int:
    """Deliver a test alert to a channel now, and say whether it arrived."""
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
async def remove_one(id_: _Id) -> int:
    """Remove a channel that no saved search names. What waits for it is given up."""
    async with opened_broker("reader") as broker, opened_control() as store:
        await remove_channel(broker, store, id_, file=settings_file())
    print_line(f"channel {id_} is removed")
    return 0


@alerts.command(name="list")
@as_command
async def list_them(*, since: str = "24h", limit: int = 50, json: bool = False) -> int:
    """List alerts that changed since then, newest first."""
    async with opened_control() as store:
        found = await list_alerts(store, since_ms=moment_ms(since, flag="--since"), limit=limit)
    told = [decode(state.alert, Alert) for state in found if state.alert is not None]
    if json:
        for alert in told:
            print_json(alert)
        return 0
    print_table(
        ("time", "search", "type", "state", "text", "id"),
        [(a.times.matched[:19], a.subscription.name, a.type, a.state, a.text, a.alert_id) for a in told],
        empty=f"no alerts since {since}",
    )
    return 0


@alerts.command
@as_command
async def show(id_: _Id) -> int:
    """Show an alert whole, with each of its deliveries."""
    async with opened_control() as store:
        story = await show_alert(store, id_)
    alert = decode(story.state.alert, Alert) if story.state.alert else None
    deliveries = [
        {
            "delivery_id": d.delivery_id,
            "seq": d.seq,
            "channel": d.channel_id,
            "status": d.status,
            "tries": d.tries,
            "error": d.error,
            "created": format_ms(d.created_ms),
            "done": format_ms(d.done_ms) if d.done_ms is not None else None,
        }
        for d in story.deliveries
    ]
    print_json({"alert": msgspec.to_builtins(alert), "state": story.state.state, "deliveries": deliveries})
    return 0


@alerts.command
@as_command
async def resend(*, since: str, channel: str | None = None, alert: str | None = None, dead_only: bool = False) -> int:
    """Deliver again what was delivered or given up since then, under the same delivery ids.

    Parameters
    ----------
    since
        A duration such as 2h, a date, or a time.
    channel
        Only to this channel.
    alert
        Only this alert.
    dead_only
        Only what was given up.
    """
    async with opened_control() as store:
        count = await resend_alerts(
            store,
            since_ms=moment_ms(since, flag="--since"),
            now_ms=SystemClock().now_ms(),
            channel_id=channel,
            alert_id=alert,
            dead_only=dead_only,
        )
    print_line(f"{count} deliveries are due again")
    return 0
