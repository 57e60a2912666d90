"""Feeds of our own making, as large as one likes: what the pipeline's benchmarks are fed with."""

from __future__ import annotations

import random
import time

from match_many import vocabulary

from producers.records import snapshot_record
from wirewatch.brokers.interface import NewRecord
from wirewatch.events import Feed, SnapshotInfo
from wirewatch.feeds import definition_of
from wirewatch.identity import body_hash, snapshot_id
from wirewatch.times import format_ms

FEEDS = 50
WINDOW = 20
NEW = 10
START_MS = 1_760_000_000_000
MARK = "quorvix"
PLACES = ("Odesa", "Kharkiv", "Almaty", "Lyon", "Valencia", "Leipzig", "Kazan", "Porto", "Nairobi", "Lima")


class Source:
    """Feeds whose every snapshot brings new entries: half of them only a headline, half with two sentences."""

    def __init__(self) -> None:
        self.chance = random.Random(5)
        self.words = vocabulary(self.chance)
        self.weights = [1 / (rank + 5) for rank in range(len(self.words))]
        self.items: dict[int, list[str]] = {}
        self.number: dict[int, int] = {}
        self.made = 0

    def snapshot(self, feed: int, new: int, *, mark: bool = False) -> NewRecord:
        """The feed's next snapshot, with so many new entries."""
        items = self.items.setdefault(feed, [])
        for _ in range(new):
            items.insert(0, self._item(mark=mark))
        del items[WINDOW:]
        text = (
            f'<?xml version="1.0"?><rss version="2.0"><channel><title>F{feed}</title>{"".join(items)}</channel></rss>'
        )
        number = self.number[feed] = self.number.get(feed, 0) + 1
        definition = definition_of(Feed(f"feed-{feed}", f"https://news{feed}.example/rss", kind="rss"))
        info = SnapshotInfo(
            kind="body",
            feed_id=f"feed-{feed}",
            owner=1,
            number=number,
            snapshot_id=snapshot_id(f"feed-{feed}", 1, number),
            fetched_at=format_ms(START_MS + self.made * 1_000),
            definition=definition,
            name=str(number),
            url=definition.url,
            status=200,
            content_type="application/rss+xml",
            body_hash=body_hash(text.encode()),
        )
        return snapshot_record(info, text.encode())

    def _words(self, count: int) -> str:
        return " ".join(self.chance.choices(self.words, self.weights, k=count))

    def _item(self, *, mark: bool) -> str:
        self.made += 1
        place, number = self.chance.choice(PLACES), self.chance.randint(2, 900)
        headline = f"{number} injured in {place} as {self._words(5)}{f' {MARK}{self.made}' if mark else ''}"
        body = ""
        if self.made % 2:
            body = (
                f"The {self._words(8)} in {place}, the interior ministry said on Friday. "
                f"At least {number} people were taken to hospital and {self._words(10)}."
            )
        when = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(START_MS / 1000 + self.made))
        return (
            f"<item><guid>urn:n:{self.made}</guid><title>{headline}</title><description>{body}</description>"
            f"<link>https://news.example/{self.made}</link><pubDate>{when}</pubDate></item>"
        )
