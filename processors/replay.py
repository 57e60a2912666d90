"""Recorded snapshots through parse and diff: what the live pipeline would have said, and why.

A recording is a folder with ``manifest.tsv``, whose columns ``file`` and ``time`` (or ``commit_time``) name one poll
a line. Years do not matter: time is the snapshot's own.
"""

from __future__ import annotations

import csv
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from processors.diff import Diffed, FeedState, Seen
from processors.diff_handler import Page, decide_snapshot
from processors.parse import PARSER_VERSION
from wirewatch import identity
from wirewatch.errors import BadInput, UserError
from wirewatch.events import EntryEvent, Feed, ParseDefinition, encode
from wirewatch.feeds import definition_of, read_feed_file
from wirewatch.times import parse_ms

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

OPS = (
    "baseline",
    "created",
    "backfilled",
    "updated",
    "withdrawn",
    "restored",
    "gap",
    "source-error",
    "source-recovered",
)


class Poll(Struct, frozen=True):
    """One line of a recording: the file a poll gave, and when."""

    name: str
    path: Path
    at_ms: int


class Replayed(Struct, frozen=True):
    """One poll of a recording and what came of it."""

    name: str
    at_ms: int
    diffed: Diffed


class Row(Struct, frozen=True):
    """One line of `summarise`'s table: a snapshot, its verdict and its events by op."""

    snapshot: str
    at_ms: int
    verdict: str
    entries: int
    events: dict[str, int]


def replay(directory: Path, feed: Feed) -> Iterator[EntryEvent]:
    """The events of a recording, as they come. Reads one file at a time.

    Raises `UserError` where the folder is no recording: that is known before the first event.
    """
    for replayed in replay_polls(directory, feed):
        yield from replayed.diffed.events


def replay_polls(directory: Path, feed: Feed) -> Iterator[Replayed]:
    """Each poll of a recording with its verdict and events; see `replay`."""
    definition = definition_of(feed)
    state: FeedState | None = None
    last_hash, base = "", None
    for number, poll in enumerate(read_manifest(directory), 1):
        try:
            body = poll.path.read_bytes()
        except OSError as error:
            raise UserError(f"{poll.path}: cannot be read: {error.strerror}") from error
        seen = _seen(feed.id, definition, poll, number, body, base if identity.body_hash(body) == last_hash else None)
        if seen.kind == "body":
            last_hash, base = seen.body_hash, number
        diffed = decide_snapshot(state, seen, Page(definition.url))
        state = diffed.state
        yield Replayed(poll.name, poll.at_ms, diffed)


def _seen(feed_id: str, definition: ParseDefinition, poll: Poll, number: int, body: bytes, base: int | None) -> Seen:
    """A file as the poller would have published it: one that repeats the poll before is a confirmation."""
    return Seen(
        feed_id=feed_id,
        owner=0,
        number=number,
        snapshot_id=identity.snapshot_id(feed_id, 0, number),
        fetched_at_ms=poll.at_ms,
        definition=definition,
        name=poll.name,
        kind="body" if base is None else "confirmation",
        body_hash=identity.body_hash(body),
        base=base,
        parser=PARSER_VERSION,
        body=body if base is None else None,
    )


def read_manifest(directory: Path) -> list[Poll]:
    """The polls of a recording in order, times made non-decreasing; `UserError` says what is wrong where."""
    manifest = directory / "manifest.tsv"
    try:
        lines = manifest.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise UserError(f"{manifest}: cannot be read: {error.strerror}; a recording needs one") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{manifest}: not UTF-8 text: {error}") from error
    rows = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
    columns = rows.fieldnames or []
    column = next((name for name in ("time", "commit_time") if name in columns), None)
    if "file" not in columns or column is None:
        raise UserError(f"{manifest}: needs the columns 'file' and 'time' (or 'commit_time'), separated by tabs")
    polls: list[Poll] = []
    latest = None
    for line, row in enumerate(rows, 2):
        at_ms = _time_of(row.get(column) or "", f"{manifest}, line {line}")
        latest = at_ms if latest is None else max(latest, at_ms)
        name = row["file"] or ""
        path = directory / name
        if not name or not path.resolve().is_relative_to(directory.resolve()):
            raise UserError(f"{manifest}, line {line}: {name!r} is not a file in this folder")
        polls.append(Poll(name, path, latest))
    return polls


def _time_of(text: str, where: str) -> int:
    try:
        return parse_ms(text)
    except ValueError as error:
        raise UserError(f"{where}: {text!r} is not a time such as 2022-01-07T20:31:04Z: {error}") from error


def summarise(replayed: Iterable[Replayed]) -> tuple[list[Row], Row]:
    """One row a snapshot, and a last one with the totals, for ``--summary``."""
    rows: list[Row] = []
    total: Counter[str] = Counter()
    verdicts: Counter[str] = Counter()
    for step in replayed:
        counts: Counter[str] = Counter(event.op for event in step.diffed.events)
        total += counts
        verdicts[step.diffed.verdict.name] += 1
        rows.append(
            Row(step.name, step.at_ms, step.diffed.verdict.text, step.diffed.state.head.entries, _ordered(counts))
        )
    said = ", ".join(f"{count} {name}" for name, count in sorted(verdicts.items()))
    last = rows[-1] if rows else None
    return rows, Row(
        f"{len(rows)} snapshots", last.at_ms if last else 0, said, last.entries if last else 0, _ordered(total)
    )


def _ordered(counts: Counter[str]) -> dict[str, int]:
    return {op: counts[op] for op in OPS if counts[op]}


def main(arguments: Sequence[str]) -> int:
    """``python -m processors.replay DIR [--feed FEED.toml] [--summary]``: the same without the command line's frame."""
    words = list(arguments)
    feed_file = words.pop(words.index("--feed") + 1) if "--feed" in words[:-1] else None
    folders = [word for word in words if not word.startswith("--")]
    if len(folders) != 1:
        sys.stderr.write("usage: python -m processors.replay DIR [--feed FEED.toml] [--summary]\n")
        return 2
    directory = Path(folders[0])
    try:
        feed = (
            read_feed_file(Path(feed_file), default_id="feed") if feed_file else Feed("feed", "https://feed.invalid/")
        )
        if "--summary" in words:
            rows, total = summarise(replay_polls(directory, feed))
            for row in (*rows, total):
                said = " ".join(f"{op}={n}" for op, n in row.events.items())
                sys.stdout.write(f"{row.snapshot}\t{row.verdict}\t{row.entries}\t{said}\n")
            return 0
        for event in replay(directory, feed):
            sys.stdout.write(encode(event).decode() + "\n")
    except (UserError, BadInput) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
