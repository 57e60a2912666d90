"""What readers ask of the search index, wherever it is kept: pages, API and commands read through this alone.

`sinks.search.embedded` keeps it in one SQLite file, `sinks.search.opensearch` on OpenSearch. Both hold every event
of every feed, all revisions of every entry, and give the same answers: a query means what
`wirewatch.query.evaluate` says, and one suite of tests runs on both.
"""

from __future__ import annotations

from typing import Literal, Protocol

from msgspec import Struct

from wirewatch.errors import UserError
from wirewatch.events import EntryEvent, Span

Order = Literal["newest", "oldest", "relevance"]
MAX_LIMIT = 1_000


class NoIndexError(UserError):
    """There is nothing to be read: the search stage, which makes the index, has not begun here."""


class Hit(Struct, frozen=True):
    """An event that was found. ``current``: no newer revision is known; ``spans`` are the words that were found."""

    event: EntryEvent
    current: bool
    spans: list[Span] = []


class SearchPage(Struct, frozen=True):
    """Hits in order. ``more`` goes on from there (None: that was all); ``total`` only where it was asked for."""

    hits: list[Hit]
    more: str | None = None
    total: int | None = None

    @property
    def events(self) -> list[EntryEvent]:
        """The hits' events."""
        return [hit.event for hit in self.hits]


class DayCount(Struct, frozen=True):
    """A day (UTC) and how many entries a query first found on it; ``quiet``: of those, how many no alert would tell."""

    day: str
    entries: int
    quiet: int


class SearchIndex(Protocol):
    """The index for reading, in this process or another, beside its writer. Safe from many tasks.

    Every method raises `NoIndexError`; `UserError` where it is none of ours or not let in, where a query or a cursor
    cannot be read, or where the search takes too long; `PassingFault` where the index cannot be reached just now;
    `BrokenStorage` where it is damaged or from a newer program. Nothing is opened before the first call, and no call
    blocks the event loop. A cursor is good for the order and query that gave it.
    """

    async def search(
        self,
        query_text: str,
        *,
        now_ms: int,
        since: int | None = None,
        until: int | None = None,
        limit: int = 50,
        cursor: str | None = None,
        as_of: int | None = None,
        order: Order = "newest",
        count: bool = False,
    ) -> SearchPage:
        """What the query finds. ``since`` and ``until`` bound the time of publication, in milliseconds.

        ``as_of``: what stood there at that moment. At most `MAX_LIMIT` hits a page. Raises `QueryError` with the
        position.
        """
        ...

    async def latest(
        self,
        *,
        feed_id: str | None = None,
        limit: int = 50,
        before: str | None = None,
        order: Literal["newest", "oldest"] = "newest",
    ) -> SearchPage:
        """Each entry's newest event, by time of publication; withdrawn ones too, leads and feed events left out."""
        ...

    async def lead(self, feed_id: str) -> EntryEvent | None:
        """The newest event of a live page's lead; None where the feed has none."""
        ...

    async def entry(self, entry_id: str) -> list[EntryEvent]:
        """Every revision, newest first; ``[]`` where there is no such entry."""
        ...

    async def event(self, event_id: str) -> EntryEvent | None:
        """One event by its id; None where it is not known."""
        ...

    async def events(self, feed_id: str, *, after_seq: int = 0, limit: int = 500) -> list[EntryEvent]:
        """A feed's events in order, from the one after that number."""
        ...

    async def count_by_day(
        self, query_text: str, *, now_ms: int, since: int = 0, until: int | None = None
    ) -> list[DayCount]:
        """How many entries the query first found on each day: how often a saved search would have spoken up.

        Any revision counts, once an entry; what came as ``baseline`` or ``backfilled`` is counted as quiet.
        """
        ...

    async def require_log(self, log_id: str) -> None:
        """Raises `OtherLogError`, in words, where the index belongs to another log than this."""
        ...

    async def ready(self) -> str | None:
        """None where the index can be read now, else why not, in words."""
        ...

    async def close(self) -> None:
        """Wait for what is being read and give everything back; safe to call twice. A later call is a `UserError`."""
        ...
