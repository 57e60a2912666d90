"""A query held against one event: whether it matches, and which clauses held or failed with their words.

`holds` is the quick answer, `matches` the whole one. Both are pure: the time of asking and the feed's earlier
figures come in by `MatchContext`. The search index gives the same answers; a property test holds them together.
"""

from __future__ import annotations

import operator
from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wirewatch.events.alerts import Clause
from wirewatch.query.document import DEFAULT_SCOPES, Document, Words, as_document, facet_value
from wirewatch.query.maxima import NOTHING_SAID, FeedMaxima, kinds_of
from wirewatch.query.syntax import (
    And,
    Around,
    Everything,
    FigureIs,
    Keyword,
    Leaf,
    Near,
    Node,
    Not,
    Or,
    Phrase,
    Query,
    When,
    leaves,
)
from wirewatch.query.values import metres_between

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wirewatch.events import EntryEvent

COMPARE = {
    ">=": operator.ge,
    "<=": operator.le,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
    "=": operator.eq,
}


@dataclass(frozen=True, slots=True)
class MatchContext:
    """What an event alone does not say: the moment of asking, and what its feed had said before it."""

    now_ms: int | None = None
    maxima: FeedMaxima = NOTHING_SAID


NO_CONTEXT = MatchContext()


@dataclass(frozen=True, slots=True)
class Match:
    """Whether the query holds, and its clauses in order: those that held and those that failed.

    A clause under NOT is written ``-x`` and held where x does not.
    """

    held: bool
    matched: list[Clause]
    unmatched: list[Clause]

    def __bool__(self) -> bool:
        return self.held


def holds(query: Query, event: EntryEvent | Document, context: MatchContext = NO_CONTEXT) -> bool:
    """Whether the query matches the event. ``ValueError`` for a relative time without ``context.now_ms``."""
    document = as_document(event)
    return _in_scope(query, document) and _holds(query.root, document, context)


def matches(query: Query, event: EntryEvent | Document, context: MatchContext = NO_CONTEXT) -> Match:
    """Whether the query matches the event, and why. ``ValueError`` as `holds`."""
    document = as_document(event)
    held: list[Clause] = []
    failed: list[Clause] = []
    for leaf, positive in leaves(query.root):
        if isinstance(leaf, Everything):
            continue
        evidence = next(_evidence(leaf, document, context), None)
        clause = _clause(leaf, evidence, positive=positive)
        (held if (evidence is not None) == positive else failed).append(clause)
    return Match(_in_scope(query, document) and _holds(query.root, document, context), held, failed)


def highlights(query: Query, event: EntryEvent | Document) -> list[tuple[str, int, int]]:
    """Every stretch of headline or body that a clause not under NOT found: sorted spans that do not overlap."""
    document = as_document(event)
    found = [
        (clause.field, *clause.span)
        for leaf, positive in leaves(query.root)
        if positive and isinstance(leaf, (Phrase, Near, FigureIs, Around))
        for clause in _evidence(leaf, document, NO_CONTEXT)
        if clause.span is not None and clause.field in DEFAULT_SCOPES
    ]
    merged: list[tuple[str, int, int]] = []
    for field, start, end in sorted(found):
        if merged and merged[-1][0] == field and start <= merged[-1][2]:
            merged[-1] = (field, merged[-1][1], max(end, merged[-1][2]))
        else:
            merged.append((field, start, end))
    return merged


def _in_scope(query: Query, document: Document) -> bool:
    """A feed event matches only a query that names its op, and not under NOT."""
    return not document.is_feed_event or document.event.op in query.feed_ops


def _holds(node: Node, document: Document, context: MatchContext) -> bool:
    if isinstance(node, And):
        return all(_holds(part, document, context) for part in node.parts)
    if isinstance(node, Or):
        return any(_holds(part, document, context) for part in node.parts)
    if isinstance(node, Not):
        return not _holds(node.part, document, context)
    return _leaf_holds(node, document, context)


def _leaf_holds(leaf: Leaf, document: Document, context: MatchContext) -> bool:
    if isinstance(leaf, Phrase):
        return _phrase_holds(leaf, document)
    if isinstance(leaf, Keyword):
        return _keyword_value(leaf, document) is not None
    return next(_evidence(leaf, document, context, spans=False), None) is not None


def _phrase_holds(phrase: Phrase, document: Document) -> bool:
    for scope in (phrase.scope,) if phrase.scope else DEFAULT_SCOPES:
        for found in document.words(scope):
            if len(phrase.tokens) == 1 and not phrase.prefix:
                if phrase.tokens[0] in found.positions:
                    return True
            elif next(found.starts(phrase), None) is not None:
                return True
    return place_code(phrase) in document.facets


def place_code(phrase: Phrase) -> str | None:
    """The facet that ``place:KZ`` or ``place:geonames:1526384`` also asks for; None for other fields."""
    value = facet_value(phrase.text or " ".join(phrase.tokens)) if phrase.scope == "place" else ""
    return f"place={value}" if value else None


def _keyword_value(keyword: Keyword, document: Document) -> str | None:
    wanted = f"{keyword.name}={keyword.value}"
    if not keyword.prefix:
        return keyword.value if wanted in document.facets else None
    found = min((facet for facet in document.facets if facet.startswith(wanted)), default=None)
    return None if found is None else found.partition("=")[2]


def _evidence(leaf: Leaf, document: Document, context: MatchContext, *, spans: bool = True) -> Iterator[Clause]:
    """What in the event makes the leaf hold, one clause for each; nothing where it does not hold."""
    if isinstance(leaf, Phrase):
        yield from _phrase_evidence(leaf, document, spans=spans)
    elif isinstance(leaf, Near):
        yield from _near_evidence(leaf, document, spans=spans)
    elif isinstance(leaf, Keyword):
        value = _keyword_value(leaf, document)
        if value is not None:
            yield Clause("", leaf.name, None, value)
    elif isinstance(leaf, FigureIs):
        yield from _figure_evidence(leaf, document, context)
    elif isinstance(leaf, Around):
        yield from _around_evidence(leaf, document)
    elif isinstance(leaf, When):
        yield from _time_evidence(leaf, document, context)
    else:
        yield Clause("")


def _phrase_evidence(phrase: Phrase, document: Document, *, spans: bool) -> Iterator[Clause]:
    for scope in (phrase.scope,) if phrase.scope else DEFAULT_SCOPES:
        for found in document.words(scope):
            for start in found.starts(phrase):
                yield _found_clause(found, start, start + len(phrase.tokens), spans=spans)
    if place_code(phrase) in document.facets:
        yield Clause("", "place", None, phrase.text)


def _near_evidence(near: Near, document: Document, *, spans: bool) -> Iterator[Clause]:
    """Pairs with at most ``distance`` tokens between the end of one phrase and the start of the other."""
    left_size, right_size = len(near.left.tokens), len(near.right.tokens)
    for scope in (near.left.scope,) if near.left.scope else DEFAULT_SCOPES:
        for found in document.words(scope):
            right = sorted(found.starts(near.right))
            for at in found.starts(near.left) if right else ():
                first = bisect_left(right, at - right_size - near.distance)
                if first < len(right) and right[first] <= at + left_size + near.distance:
                    start, stop = min(at, right[first]), max(at + left_size, right[first] + right_size)
                    yield _found_clause(found, start, stop, spans=spans)


def _found_clause(found: Words, start: int, stop: int, *, spans: bool) -> Clause:
    """The words from one token to another; with their place, if asked, where they stand in the entry's text."""
    if not spans:
        return Clause("", found.value.field)
    if found.value.field not in DEFAULT_SCOPES or found.value.span is not None:
        return Clause("", found.value.field, found.value.span, found.value.text)
    tokens = found.spans()[start:stop]
    begin, end = tokens[0].start, tokens[-1].end
    return Clause("", found.value.field, (begin, end), found.value.text[begin:end])


def _figure_evidence(leaf: FigureIs, document: Document, context: MatchContext) -> Iterator[Clause]:
    earlier = context.maxima.of(leaf.kind) if leaf.new else None
    compare = COMPARE[leaf.comparator]
    for figure in document.figures:
        if figure.kind not in kinds_of(leaf.kind) or not compare(figure.value, leaf.value):
            continue
        if leaf.new and earlier is not None and figure.value <= earlier:
            continue
        field, start, end = figure.span
        yield Clause("", field, (start, end), figure.text)


def _around_evidence(leaf: Around, document: Document) -> Iterator[Clause]:
    for place in document.places:
        if place.lat is None or place.lon is None:
            continue
        if metres_between(leaf.lat, leaf.lon, place.lat, place.lon) <= leaf.metres:
            field, start, end = place.spans[0] if place.spans else ("place", 0, 0)
            yield Clause("", field, (start, end) if place.spans else None, place.name)


def _time_evidence(leaf: When, document: Document, context: MatchContext) -> Iterator[Clause]:
    at = document.first_seen_ms if leaf.name == "seen-since" else document.published_ms
    bound = time_bound(leaf, context.now_ms)
    if at is not None and (at <= bound if leaf.name == "until" else at >= bound):
        name = "first_seen" if leaf.name == "seen-since" else "published"
        yield Clause("", name, None, document.event.first_seen or "" if name == "first_seen" else _published(document))


def _published(document: Document) -> str:
    return document.event.published or document.event.first_seen or ""


def time_bound(leaf: When, now_ms: int | None) -> int:
    """The bound in milliseconds; a relative one is counted back from the moment of asking."""
    if leaf.at_ms is not None:
        return leaf.at_ms
    if now_ms is None or leaf.ago_ms is None:
        raise ValueError(f"{leaf} is relative to the moment of asking, and none is given")
    return now_ms - leaf.ago_ms


def _clause(leaf: Leaf, evidence: Clause | None, *, positive: bool) -> Clause:
    text = str(leaf if positive else Not(leaf))
    if evidence is None:
        return Clause(text)
    return Clause(text, evidence.field, evidence.span, evidence.text)
