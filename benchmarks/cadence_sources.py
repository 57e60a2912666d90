"""Sources in time, read from recordings or scripted: what the simulation of cadences polls."""

from __future__ import annotations

import random
import tarfile
import tempfile
from bisect import bisect_left
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from processors.parse import ParsedFeed, parse
from processors.replay import read_manifest
from wirewatch.errors import BadInput
from wirewatch.events import JsonPaths, ParseDefinition
from wirewatch.times import parse_ms

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
WEEK = 7 * DAY
FEATURES = JsonPaths(items="features", id="id", headline="properties.title", published="properties.time")
FIRES = replace(FEATURES, id="properties.guid", published="properties.pubDate", timezone="UTC")
SETS: dict[str, JsonPaths | None] = {
    "rss_bbc_20210920": None,
    "rss_smh_20210920": None,
    "rss_cnn_20210920": None,
    "rss_rnz_20210920": None,
    "usgs_all_hour": FEATURES,
    "nsw_rfs_raw_202003": FIRES,
}


class Span(Struct, frozen=True):
    """One entry, from when until when the source shows it, and when it says that it was published."""

    key: str
    begin: int
    end: int
    published: int


class Source(Struct, frozen=True):
    """A recording as a source in time. ``turns`` are the times at which what it shows changes in any way."""

    name: str
    spans: list[Span]
    turns: list[int]
    ttl_ms: int

    @property
    def begin(self) -> int:
        """When the recording begins; what it shows then is no news."""
        return self.turns[0]

    @property
    def end(self) -> int:
        """When it ends."""
        return self.turns[-1]

    def shown(self, at: int) -> frozenset[str]:
        """The entries that it shows then."""
        return frozenset(span.key for span in self.spans if span.begin <= at < span.end)

    def version(self, at: int) -> int:
        """A number that changes whenever what it shows does."""
        return bisect_left(self.turns, at + 1)


def read_source(folder: Path, name: str, paths: JsonPaths | None) -> Source:
    """A recording, parsed, as a source in time."""
    definition = ParseDefinition(
        f"https://{name.replace('_', '-')}.example/", json=paths, kind="json" if paths else "rss"
    )
    begun: dict[str, tuple[int, int]] = {}
    spans: list[Span] = []
    turns: set[int] = set()
    before, last, ttl = 0, b"", 0
    for poll in read_manifest(folder / name):
        body = poll.path.read_bytes()
        parsed = _parsed(body, definition, poll.at_ms)
        ttl = max(ttl, parsed.ttl_ms or 0) if parsed is not None else ttl
        entries = parsed.entries if parsed is not None else ()
        shown = {entry.native_id or entry.headline: entry.published_ms or poll.at_ms for entry in entries}
        for key, at in shown.items():
            if key not in begun:
                begun[key] = (at if before and before < at <= poll.at_ms else poll.at_ms, at)
                turns.add(begun[key][0])
        for key in [key for key in begun if key not in shown]:
            begin, published = begun.pop(key)
            spans.append(Span(key, begin, poll.at_ms, published))
        if body != last:
            turns.add(poll.at_ms)
        before, last = poll.at_ms, body
    spans += [Span(key, begin, before + 1, published) for key, (begin, published) in begun.items()]
    return Source(name, spans, sorted({*turns, before}), ttl)


def _parsed(body: bytes, definition: ParseDefinition, at_ms: int) -> ParsedFeed | None:
    """None for a list that is empty: an hour without an earthquake."""
    try:
        return parse(body, definition, url=definition.url, fetched_at_ms=at_ms)
    except BadInput as error:
        if error.reason == "empty":
            return None
        raise


def repeated(source: Source, days: int) -> Source:
    """The first day of a recording over and over, which is the best case for learning the hours of a day."""
    first = [span for span in source.spans if source.begin <= span.begin < source.begin + DAY]
    spans = [
        Span(f"{span.key} {day}", span.begin + day * DAY, span.end + day * DAY, span.published + day * DAY)
        for day in range(days)
        for span in first
    ]
    turns = {turn + day * DAY for turn in source.turns if turn < source.begin + DAY for day in range(days)}
    return Source(f"{source.name}, its first day {days} times", spans, sorted(turns), source.ttl_ms)


def scripted(name: str, hours: tuple[float, float], entries: int, days: int = 40) -> Source:
    """A source that publishes at random within the same hours of each day (UTC), and nothing else."""
    dice, begin = random.Random(name), parse_ms("2023-11-14T00:00:00Z")
    opens, closes = hours
    times = sorted(
        begin + round((day * 24 + dice.uniform(opens, closes)) * HOUR) for day in range(days) for _ in range(entries)
    )
    spans = [Span(str(n), at, at + 2 * DAY, at) for n, at in enumerate(times)]
    end = begin + days * DAY
    turns = {turn for at in times for turn in (at, at + 2 * DAY) if turn <= end}
    return Source(name, spans, sorted({begin, *turns, end}), 0)


def read_sources(archives: Path) -> list[Source]:
    """The recordings that are simulated."""
    sources = []
    with tempfile.TemporaryDirectory() as folder:
        for name, paths in SETS.items():
            with tarfile.open(archives / f"{name}.tar.xz") as packed:
                packed.extractall(folder, filter="data")
            sources.append(read_source(Path(folder), name, paths))
    return sources


DAYS = [
    scripted("a bulletin at 7:00 to 7:20", (7.0, 7.34), 4),
    scripted("a morning paper, 6 to 9", (6.0, 9.0), 8),
    scripted("an office, 8 to 18", (8.0, 18.0), 25),
]
"""Sources with an hour of the day of their own: once 48 changes were seen, it is known."""
