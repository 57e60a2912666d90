"""`wirewatch dead-letters`: what could not be processed, why, and what to do about it."""

from __future__ import annotations

from typing import Annotated

import cyclopts

from wirewatch.brokers.dead_letters import (
    drop_dead_letter,
    list_dead_letters,
    retry_dead_letter,
    show_dead_letter,
)
from wirewatch.cli.exits import as_command
from wirewatch.cli.opening import opened_broker, opened_log
from wirewatch.cli.output import print_json, print_line, say
from wirewatch.cli.tables import print_table
from wirewatch.errors import UserError
from wirewatch.times import SystemClock

dead_letters = cyclopts.App(name="dead-letters", help="Records that could not be processed: list, show, retry, drop.")


@dead_letters.command(name="list")
@as_command
async def list_them(
    *, stage: str | None = None, all_: Annotated[bool, cyclopts.Parameter(name="--all")] = False, json: bool = False
) -> int:
    """List the dead letters that are still open, oldest first.

    Parameters
    ----------
    stage
        Only this stage's.
    all_
        Also those that were retried or dropped.
    json
        One JSON object a line.
    """
    async with opened_log() as broker:
        listed = await list_dead_letters(broker, stage=stage, include_done=all_) if broker is not None else []
    if json:
        for item in listed:
            print_json(item)
        return 0
    print_table(
        ("id", "time", "stage", "feed", "reason", "state", "error"),
        [
            (i.letter.id, i.letter.time, i.letter.stage, i.letter.key, i.letter.reason, i.state, i.letter.error)
            for i in listed
        ],
        empty="no dead letters",
    )
    return 0


@dead_letters.command
@as_command
async def show(id_: Annotated[str, cyclopts.Parameter(name="id")], /) -> int:
    """Show one dead letter whole: the record, where it came from, why it was rejected, its traceback.

    Parameters
    ----------
    id_
        Its id, as `dead-letters list` shows it.
    """
    async with opened_broker("reader") as broker:
        _, letter = await show_dead_letter(broker, id_)
    print_json(letter)
    if letter.traceback:
        say(letter.traceback)
    return 0


async def _chosen(ids: tuple[str, ...], *, all_: bool, stage: str | None) -> list[str]:
    if bool(ids) == all_:
        raise UserError("name dead letters by id, or say --all")
    if ids:
        return list(ids)
    async with opened_broker("reader") as broker:
        chosen = [item.letter.id for item in await list_dead_letters(broker, stage=stage)]
    if not chosen:
        say("no dead letters are open")
    return chosen


@dead_letters.command
@as_command
async def retry(
    *ids: str, all_: Annotated[bool, cyclopts.Parameter(name="--all")] = False, stage: str | None = None
) -> int:
    """Put dead letters back on their topic, to be processed again.

    A snapshot that is retried may only add entries, as "backfilled": what is known since then stands.

    Parameters
    ----------
    ids
        Their ids, as `dead-letters list` shows them.
    all_
        All that are open, instead of ids.
    stage
        With --all: only this stage's.
    """
    chosen = await _chosen(ids, all_=all_, stage=stage)
    async with opened_broker("writer") as broker:
        for id_ in chosen:
            record = await retry_dead_letter(broker, id_, now_ms=SystemClock().now_ms())
            print_line(f"{id_} is on {record.topic} again, at offset {record.offset}")
    return 0


@dead_letters.command
@as_command
async def drop(
    *ids: str, all_: Annotated[bool, cyclopts.Parameter(name="--all")] = False, stage: str | None = None
) -> int:
    """Mark dead letters as done without retrying them. They are kept for their 30 days all the same.

    Parameters
    ----------
    ids
        Their ids, as `dead-letters list` shows them.
    all_
        All that are open, instead of ids.
    stage
        With --all: only this stage's.
    """
    chosen = await _chosen(ids, all_=all_, stage=stage)
    async with opened_broker("writer") as broker:
        for id_ in chosen:
            await drop_dead_letter(broker, id_, now_ms=SystemClock().now_ms())
            print_line(f"{id_} is dropped")
    return 0
