"""`wirewatch alerts`: what was told, and telling it again."""

from __future__ import annotations

from typing import Annotated

import cyclopts
import msgspec

from sinks.alerts.commands import list_alerts, resend_alerts, show_alert
from wirewatch.cli.exits import as_command
from wirewatch.cli.opening import moment_ms, opened_control, seen_control
from wirewatch.cli.output import print_json, print_line
from wirewatch.cli.tables import print_table
from wirewatch.control import AlertState
from wirewatch.errors import UserError
from wirewatch.events import Alert, decode
from wirewatch.times import SystemClock, format_ms

alerts = cyclopts.App(name="alerts", help="What was told: list, show, resend.")
_Id = Annotated[str, cyclopts.Parameter(name="id")]


@alerts.command(name="list")
@as_command
async def list_them(*, since: str = "24h", limit: int = 50, json: bool = False) -> int:
    """List alerts that changed since then, newest first.

    Parameters
    ----------
    since
        A duration such as 2h, a date, or a time.
    limit
        At most so many: 1 to 10000.
    json
        Whole alerts, one a line.
    """
    if not 1 <= limit <= 10_000:
        raise UserError(f"--limit {limit}: 1 to 10000")
    since_ms = moment_ms(since, flag="--since")
    found: list[AlertState] = []
    async with seen_control() as store:
        if store is not None:
            found = await list_alerts(store, since_ms=since_ms, limit=limit)
    told = [decode(state.alert, Alert) for state in found if state.alert is not None]
    if json:
        for alert in told:
            print_json(alert)
        return 0
    print_table(
        ("time", "search", "type", "state", "text", "id"),
        [(a.times.matched[:19], a.subscription.name, a.type, a.state, a.text, a.alert_id) for a in told],
        empty=f"no alerts since {format_ms(since_ms)}",
    )
    return 0


@alerts.command
@as_command
async def show(id_: _Id, /) -> int:
    """Show an alert whole, with each of its deliveries, as JSON.

    Parameters
    ----------
    id_
        The alert's id, as `alerts list` shows it.
    """
    async with seen_control() as store:
        if store is None:
            raise UserError(f"there is no alert {id_!r}, nor any other yet")
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
