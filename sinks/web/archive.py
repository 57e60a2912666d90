"""What the pages and the API read, behind one seam: the index, the feeds with their health, searches and alerts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

from msgspec import Struct

from wirewatch.events import Alert, EntryEvent, Feed, Poll, Span, Subscription

Order = Literal["newest", "oldest"]


class EventPage(Struct, frozen=True):
    """Events and where to go on (None: that was all). ``spans``: for each event, the words that were found."""

    events: list[EntryEvent]
    more: str | None = None
    spans: list[list[Span]] = []


class FeedRow(Struct, frozen=True):
    """A feed with what is known of it now. ``words`` hold no secret."""

    feed: Feed
    title: str
    state: str
    words: str
    poll: Poll | None


class Archive(Protocol):
    """Reading only. Every method raises `PassingFault` where what it reads is away, and blocks no event loop."""

    async def latest(
        self, *, feed_id: str | None = None, limit: int = 50, before: str | None = None, order: Order = "newest"
    ) -> EventPage:
        """Each entry's newest event, by time of publication; withdrawn ones too, leads and feed events left out."""
        ...

    async def lead(self, feed_id: str) -> EntryEvent | None:
        """The newest event of a live page's lead; None where the feed has none."""
        ...

    async def entry(self, entry_id: str) -> list[EntryEvent]:
        """Every revision, newest first; ``[]`` where there is no such entry."""
        ...

    async def search(
        self,
        query: str,
        *,
        since: str | None = None,
        until: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
        as_of: str | None = None,
    ) -> EventPage:
        """What the query finds, newest first, the canary left out.

        Raises `QueryError` (a `UserError`) with its position.
        """
        ...

    def feeds(self) -> Sequence[FeedRow]:
        """All feeds with their health, by name, the canary left out."""
        ...

    def titles(self) -> Mapping[str, str]:
        """Each feed's name by its id, the canary left out."""
        ...

    def subscriptions(self) -> Sequence[Subscription]:
        """All saved searches, by name."""
        ...

    async def alerts(self, *, limit: int = 50) -> list[Alert]:
        """The newest alerts."""
        ...

    async def ready(self) -> str | None:
        """None where all of it can be read, else why not, in words."""
        ...
