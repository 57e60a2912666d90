"""`wirewatch parse`, `replay` and `match`: the pure parts of the pipeline on files, with no log at all."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import cyclopts
import msgspec

from processors.enrich import EnrichContext, enrich
from processors.parse import ParsedFeed, Split, split
from processors.parse import parse as parse_body
from processors.replay import read_manifest, replay_polls, summarise
from wirewatch.cli.commands.stored import replay_log
from wirewatch.cli.opening import FileOrInput, read_file
from wirewatch.cli.output import print_json, say
from wirewatch.cli.showing import shown_entry, shown_feed
from wirewatch.cli.tables import print_table, progress
from wirewatch.errors import BadInput, UserError
from wirewatch.events import EntryEvent, Feed, ParseDefinition
from wirewatch.feeds import check_url, definition_of, read_feed_file
from wirewatch.query.match_lines import match_lines, read_searches
from wirewatch.times import SystemClock, format_ms


def _feed(path: Path | None, url: str | None) -> Feed:
    feed = read_feed_file(path) if path else Feed(id="feed", url="https://feed.invalid/")
    if url:
        check_url(url, at="--url")
        feed = msgspec.structs.replace(feed, url=url)
    return feed


def parse(file: FileOrInput, /, *, url: str | None = None, feed: Path | None = None, with_feed: bool = False) -> int:
    """Print a file's entries, one a line, as JSON. Exit status 1 where nothing is recognised, with a message.

    Parameters
    ----------
    file
        A body as fetched: a feed, a live page, a JSON document, a page's text. "-" reads standard input.
    url
        Where it came from: relative links stand against it.
    feed
        A FEED.toml with kind and paths.
    with_feed
        First a line of the feed's own: its kind, title, label, summary.
    """
    body = read_file(file)
    definition = definition_of(_feed(feed, url))
    now_ms = SystemClock().now_ms()
    given = url or (definition.url if feed else "")
    try:
        parsed = _feed_alone(body, definition, given, now_ms) if with_feed else None
        parsed = parsed or parse_body(body, definition, url=given, fetched_at_ms=now_ms)
    except BadInput as error:
        raise BadInput(f"{file}: {error}{_what_helps(error, feed)} ({error.reason})", reason=error.reason) from error
    for note in parsed.notes:
        say(f"{file}: {note}")
    if with_feed:
        print_json(shown_feed(parsed))
    shown = definition if given else msgspec.structs.replace(definition, url="")
    for entry in parsed.entries:
        print_json(shown_entry(entry, shown, now_ms, language=parsed.language))
    if not parsed.entries and not with_feed:
        raise BadInput(f"{file}: a {parsed.kind} document, but no entries in it", reason="empty")
    return 0


def _feed_alone(body: bytes, definition: ParseDefinition, url: str, now_ms: int) -> ParsedFeed | None:
    """A feed in which no entry stands, which still says what it is; None for all else."""
    taken = split(body, definition, url=url, fetched_at_ms=now_ms)
    return taken.head if isinstance(taken, Split) and not taken.raw_hashes else None


def _what_helps(error: BadInput, feed: Path | None) -> str:
    if feed is not None or error.reason != "not-recognised":
        return ""
    return "; a page or JSON of another shape is read with --feed FEED.toml that says kind and paths"


async def replay(
    directory: Path | None = None,
    /,
    *,
    feed: Path | None = None,
    summary: bool = False,
    stored: str | None = None,
    since: str = "3d",
    compare: bool = False,
) -> int:
    """Run recorded snapshots, or stored ones, through parse and diff and print one event a line, as JSON.

    Parameters
    ----------
    directory
        A folder with manifest.tsv (columns "file" and "time") and the files it names; each is one poll.
    feed
        A FEED.toml that says how the source is read.
    summary
        A table of snapshots, their verdicts and events instead.
    stored
        A feed's id, instead of a folder: the snapshots that the log keeps of it.
    since
        From when on, with --stored: a duration back, a date, or RFC 3339.
    compare
        With --stored: how the events would differ from those that were published, grouped and counted.
    """
    if (directory is None) == (stored is None):
        raise UserError("name a folder to replay, or a feed with --stored FEED_ID")
    if stored is not None:
        if feed is not None or summary:
            raise UserError("--feed and --summary are for a folder; with --stored the log knows how the source is read")
        return await replay_log(stored, since, compare=compare)
    if compare:
        raise UserError("--compare needs --stored FEED_ID: a folder holds nothing that was published")
    assert directory is not None
    return _replay_folder(directory, feed, summary=summary)


def _replay_folder(directory: Path, feed: Path | None, *, summary: bool) -> int:
    source = _feed(feed, None)
    polls = len(read_manifest(directory))
    with progress(f"replaying {polls} snapshots", polls) as bar:
        if summary:
            rows, total = summarise(replay_polls(directory, source))
            print_table(
                ("snapshot", "time", "entries", "events", "verdict"),
                [
                    (
                        row.snapshot,
                        format_ms(row.at_ms),
                        row.entries,
                        " ".join(f"{count} {op}" for op, count in row.events.items()),
                        row.verdict,
                    )
                    for row in (*rows, total)
                ],
                empty="the recording holds no snapshots",
            )
            return 0
        for replayed in replay_polls(directory, source):
            bar.advance()
            for event in replayed.diffed.events:
                print_json(event)
    return 0


def match(*, searches: Annotated[Path, cyclopts.Parameter(name="--searches")]) -> int:
    """Hold entries (JSON lines on standard input) against searches: per entry, the ids that match.

    Parameters
    ----------
    searches
        A file of lines {"id": ..., "query": ...}.
    """
    wanted = read_searches(read_file(searches).splitlines())
    for line in match_lines(sys.stdin.buffer, wanted, now_ms=SystemClock().now_ms(), enrich=_enriched):
        print_json(line)
    return 0


def _enriched(event: EntryEvent) -> EntryEvent:
    return enrich(event, EnrichContext())
