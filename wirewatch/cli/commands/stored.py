"""`wirewatch replay --stored`: what the log holds of a feed, read anew."""

from __future__ import annotations

from processors.stored_replay import Comparison, compare_stored, replay_stored
from wirewatch.cli.opening import moment_ms, opened_log
from wirewatch.cli.output import one_line, print_json, say
from wirewatch.cli.tables import print_table
from wirewatch.errors import UserError


async def replay_log(feed_id: str, since: str, *, compare: bool) -> int:
    """Print the events that a feed's stored snapshots would give now, or how they differ from those published."""
    since_ms = moment_ms(since, flag="--since")
    async with opened_log() as broker:
        if broker is None:
            raise UserError("nothing is stored yet: `wirewatch run` has not been here")
        if compare:
            print_comparison(await compare_stored(broker, feed_id, since_ms))
            return 0
        async for step in replay_stored(broker, feed_id):
            for event in step.diffed.events if step.fetched_at_ms >= since_ms else []:
                print_json(event)
    return 0


def print_comparison(found: Comparison) -> None:
    """The groups as a table, the totals on standard error."""
    rows: list[tuple[object, ...]] = []
    for group in found.groups:
        op = group.op if group.now in {None, group.op} else f"{group.op}, now {group.now}"
        rows.append((group.count, group.difference, op, ", ".join(group.fields), ""))
        for one in group.samples:
            told = [one_line(text) for text in (one.published, one.now) if text is not None]
            rows.append(("", "", "", one.snapshot, " -> ".join(dict.fromkeys(told))))
    print_table(("events", "difference", "op", "what differs", "headline"), rows, empty="no event would differ")
    say(f"{found.snapshots} snapshots compared, {found.same} events the same")
    for note in found.notes:
        say(note)
