"""Delay until seen against requests spent, simulated over recordings: `python benchmarks/cadence_simulation.py`.

The recordings are found through WIREWATCH_SHARED (its ``data/sequences``). An entry appears when it says that it was
published, within the time between the two snapshots that its first sight lies between, and goes with the first
snapshot that lacks it; each policy then polls this source and is told of it only what a poll would show.

Ours is the poller's own code (`producers.decide`, `producers.rhythm`) at its default settings. The peers' rules are
put in our words from what they publish:

* Miniflux (its manual page ``miniflux.1``): ``round_robin`` waits an hour; ``entry_frequency`` waits the average
  interval of the last week's entries, between 5 minutes and a day. A feed's ttl makes either longer. Its loop is
  taken to look as often as that needs.
* Media Cloud (rss-fetcher, its ``doc/columns.md`` and the defaults of its configuration): six hours to begin with; an
  hour less, but 10 minutes at least, after a poll of whose entries less than half were known; 10 minutes more, up to
  a day, after one that brought nothing new.
"""

from __future__ import annotations

import os
import sys
from bisect import bisect_left
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import patch

from cadence_sources import DAY, DAYS, HOUR, MINUTE, WEEK, Source, read_sources, repeated
from msgspec import Struct

from producers import rhythm
from producers.answers import Answer
from producers.cadence import Cadence
from producers.decide import Asked, decide_poll
from producers.rhythm import hurried
from wirewatch.events import Feed, FetchRequest
from wirewatch.times import format_ms, parse_ms

Policy = Callable[[Source], Iterator[int]]
"""The times of the polls, from the recording's begin to its end."""


def ours(source: Source) -> Iterator[int]:
    """The poller's own rules; the diff's request to look sooner comes right after the poll that shows the need."""
    feed = Feed(source.name.replace("_", "-"), "https://source.example/")
    cadence, poll, at = Cadence(), None, source.begin
    head = b"<rss><ttl>%d</ttl>" % (source.ttl_ms // MINUTE) if source.ttl_ms else b""
    seen: frozenset[str] = frozenset()
    full = source.name.startswith("nsw")
    while at <= source.end:
        yield at
        answer = Answer(feed.url, status=200, body=head + b"%d" % source.version(at))
        poll = decide_poll(feed, poll, answer, Asked(1, cadence), now_ms=at).poll
        shown = source.shown(at)
        if seen and not full and 2 * len(shown - seen) > len(shown):
            request = FetchRequest("r", feed.id, "sooner", "", format_ms(at))
            poll = hurried(feed, cadence, poll, request)
        seen, at = shown, parse_ms(poll.next_due)


def blind(source: Source) -> Iterator[int]:
    """The same, without regard to the hour of the day."""
    with patch.object(rhythm, "activity_at", lambda _hours, _hour: 1.0):
        yield from ours(source)


def fixed(every: int) -> Policy:
    """Every so many milliseconds."""
    return lambda source: iter(range(source.begin, source.end + 1, every))


def miniflux_round_robin(source: Source) -> Iterator[int]:
    """An hour, or the ttl if that is longer."""
    return iter(range(source.begin, source.end + 1, min(max(HOUR, source.ttl_ms), DAY)))


def miniflux_entry_frequency(source: Source) -> Iterator[int]:
    """The average interval of the last week's entries as far as it knows them."""
    known: dict[str, int] = {}
    published = {span.key: span.published for span in source.spans}
    at = source.begin
    while at <= source.end:
        yield at
        for key in source.shown(at):
            known.setdefault(key, published[key])
        week = sum(1 for begin in known.values() if at - WEEK < begin <= at)
        wait = DAY if not week else min(max(WEEK // week, 5 * MINUTE), DAY)
        at += min(max(wait, source.ttl_ms), DAY)


def media_cloud(source: Source) -> Iterator[int]:
    """Six hours, shortened and stretched by how many of a poll's entries were known."""
    known: set[str] = set()
    at, wait, polled = source.begin, 6 * HOUR, 0
    while at <= source.end:
        yield at
        shown = source.shown(at)
        if polled and shown:
            duplicates = len(shown & known) / len(shown)
            if duplicates < 0.5:
                wait = max(wait - HOUR, 10 * MINUTE)
            elif duplicates >= 1:
                wait = min(wait + 10 * MINUTE, DAY)
        known |= shown
        polled += 1
        at += wait


POLICIES: dict[str, Policy] = {
    "wirewatch": ours,
    "wirewatch, blind to the hour": blind,
    "every 60 s": fixed(MINUTE),
    "every 5 min": fixed(5 * MINUTE),
    "every 15 min": fixed(15 * MINUTE),
    "Miniflux, entry_frequency": miniflux_entry_frequency,
    "Miniflux, round_robin": miniflux_round_robin,
    "Media Cloud": media_cloud,
}


class Measured(Struct, frozen=True):
    """What a policy costs on one source, and how late and how much it sees."""

    requests: float
    delays: list[int]
    missed: int

    def cells(self) -> str:
        """Its part of a line of the table."""
        delays = sorted(self.delays)
        mean = sum(delays) / max(len(delays), 1) / 1000
        late = delays[int(len(delays) * 0.95)] / 1000 if delays else 0.0
        return f"{self.requests:.0f} | {mean:.0f} | {late:.0f} | {self.missed} of {len(delays) + self.missed} |"


def measure(source: Source, policy: Policy) -> Measured:
    """Poll the source by that policy, and look when each entry was seen first."""
    polls = list(policy(source))
    delays: list[int] = []
    missed = 0
    for span in source.spans:
        if span.begin <= source.begin:
            continue
        place = bisect_left(polls, span.begin)
        if place < len(polls) and polls[place] < span.end:
            delays.append(polls[place] - span.begin)
        elif span.end <= source.end:
            missed += 1
    return Measured(len(polls) * DAY / (source.end - source.begin), delays, missed)


def together(measured: list[Measured]) -> Measured:
    """All sources as one bill."""
    delays = [delay for one in measured for delay in one.delays]
    return Measured(sum(one.requests for one in measured), delays, sum(one.missed for one in measured))


def main() -> int:
    """Print the table; 2 where there are no recordings."""
    shared = Path(os.environ.get("WIREWATCH_SHARED", Path(__file__).parent.parent.parent / "shared"))
    archives = shared / "data" / "sequences"
    if not archives.is_dir():
        sys.stderr.write(f"no recordings at {archives}: set WIREWATCH_SHARED\n")
        return 2
    sources = read_sources(archives)
    bill = together([measure(source, ours) for source in sources]).requests
    alike = round(DAY * len(sources) / bill)
    policies = POLICIES | {f"every {alike / 1000:.0f} s (our cost)": fixed(alike)}
    sys.stdout.write(
        "| source | rule | requests a day | mean delay, s | 95 %, s | missed |\n|---|---|---|---|---|---|\n"
    )
    for name, policy in policies.items():
        sys.stdout.write(f"| all | {name} | {together([measure(one, policy) for one in sources]).cells()}\n")
    for source in sources:
        for name, policy in policies.items():
            sys.stdout.write(f"| {source.name} | {name} | {measure(source, policy).cells()}\n")
    for source in [*(repeated(source, 10) for source in sources), *DAYS]:
        for name in ("wirewatch", "wirewatch, blind to the hour"):
            sys.stdout.write(f"| {source.name} | {name} | {measure(source, POLICIES[name]).cells()}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
