"""The saved searches in force, and what each says of an event. Pure: the searches themselves come from outside."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from typing import Final

import msgspec
from msgspec import Struct

from sinks.alerts.lifecycle import Match
from wirewatch.events import Clause, EntryEvent, Subscription
from wirewatch.query import (
    Document,
    FeedMaxima,
    MatchContext,
    Query,
    QueryIndex,
    before_of,
    holds,
    matches,
    parse_query,
)
from wirewatch.query.syntax import And, Everything, FigureIs, Keyword, Node, Not, Or, leaves

CANARY_FEED: Final = "wirewatch-canary"
Enrich = Callable[[EntryEvent], EntryEvent]


class SavedSearch(Struct, frozen=True):
    """A subscription, read. ``standing`` is its query without what speaks of a single event (None: there is none)."""

    subscription: Subscription
    query: Query
    standing: Query | None
    names_canary: bool


def read_search(subscription: Subscription) -> SavedSearch:
    """A subscription with its query read. Raises `QueryError`."""
    query = parse_query(subscription.query, saved=True)
    root = _standing(query.root, positive=True)
    return SavedSearch(
        subscription,
        query,
        None if root == query.root else replace(query, root=root),
        any(
            positive and isinstance(leaf, Keyword) and leaf.name == "feed" and leaf.value == CANARY_FEED
            for leaf, positive in leaves(query.root)
        ),
    )


def _standing(node: Node, *, positive: bool) -> Node:
    """The node with every clause about a single event taken as true."""
    if isinstance(node, And):
        return And(tuple(_standing(part, positive=positive) for part in node.parts))
    if isinstance(node, Or):
        return Or(tuple(_standing(part, positive=positive) for part in node.parts))
    if isinstance(node, Not):
        return Not(_standing(node.part, positive=not positive))
    if isinstance(node, FigureIs) and node.new:
        return replace(node, new=False) if positive else Not(Everything())
    if isinstance(node, Keyword) and node.name in {"op", "changed"}:
        return Everything() if positive else Not(Everything())
    return node


class SavedSearches:
    """All searches in force, filed so that an event meets only those that it could concern."""

    def __init__(self) -> None:
        self._searches: dict[str, SavedSearch] = {}
        self._index = QueryIndex()

    def __len__(self) -> int:
        return len(self._searches)

    def put(self, search: SavedSearch) -> None:
        """Add a search, or put it in place of its earlier revision."""
        self._searches[search.subscription.id] = search
        self._index.add(search.subscription.id, search.query)

    def remove(self, subscription_id: str) -> None:
        """Take a search out; one that is not there is no error."""
        self._searches.pop(subscription_id, None)
        self._index.remove(subscription_id)

    def matches_of(
        self, event: EntryEvent, maxima: FeedMaxima, known: Collection[str], *, enrich: Enrich | None = None
    ) -> Iterator[tuple[Subscription, Match]]:
        """What each search says that the event could concern: those that match, and those of ``known`` alerts.

        ``known`` are the ids of subscriptions that have an alert on this entry. ``enrich`` reads the text before an
        edit anew; without it, what was read out of it is taken from the event's changes.
        """
        now = Document(event)
        context = MatchContext(maxima=maxima)
        earlier = _Earlier(event, enrich)
        found = self._index.candidates(now)
        for subscription_id in sorted(found.union(known)):
            search = self._searches.get(subscription_id)
            if search is None or (event.feed_id == CANARY_FEED and not search.names_canary):
                continue
            match = _match(search, now, earlier, context, known=subscription_id in known)
            if match is not None:
                yield search.subscription, match


class _Earlier:
    """The entry as it stood before the event, made when first asked for."""

    def __init__(self, event: EntryEvent, enrich: Enrich | None) -> None:
        self._event = event
        self._enrich = enrich
        self._document: Document | None = None
        self._made = False

    def holds(self, query: Query, context: MatchContext) -> bool:
        if not self._made:
            self._made = True
            before = before_of(self._event)
            if before is not None and self._enrich is not None and self._event.changes:
                before = self._enrich(msgspec.structs.replace(before, enrichment=None))
            self._document = None if before is None else Document(before, happened=False)
        return self._document is not None and holds(query, self._document, context)


def _match(
    search: SavedSearch, now: Document, earlier: _Earlier, context: MatchContext, *, known: bool
) -> Match | None:
    held = holds(search.query, now, context)
    if not held and not known:
        return None
    standing = search.standing or search.query
    before = earlier.holds(standing if known else search.query, context)
    why = matches(search.query, now, context)
    return Match(
        now=held,
        before=before,
        standing=held or holds(standing, now, context),
        matched=why.matched,
        unmatched=why.unmatched,
        echo=now.event.same_as is not None and rests_on_headline(why.matched),
    )


def rests_on_headline(matched: list[Clause]) -> bool:
    """Whether the headline alone makes the match: no words elsewhere, and not that it is a lead."""
    return all(
        clause.field == "headline" if clause.span is not None else (clause.field, clause.text) != ("is", "lead")
        for clause in matched
    )
