"""A parsed query in OpenSearch's own form, with the very meaning that `wirewatch.query.evaluate` gives it. Pure.

Whole words become terms and phrases of our own tokens; no part of a query is ever a script or a query string.
"""

from __future__ import annotations

from typing import Any, Final

from sinks.search.opensearch.documents import FIELD_OF, LONGEST_TERM, fitting
from wirewatch.query.document import DEFAULT_SCOPES
from wirewatch.query.evaluate import place_code, time_bound
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

Clause = dict[str, Any]
# a word in the headline says most of what an entry is about
_WEIGHTS: Final = {"headline": 4.0, "place": 2.0}
_COMPARE: Final = {">=": "gte", "<=": "lte", ">": "gt", "<": "lt"}
_EVERY_ENDING: Final = (1 << 31) - 1
_POINT_METRES: Final = 0.02
"""Points are kept to about a centimetre: what lies on the circle must not fall out for it."""


def compile_query(query: Query, *, now_ms: int | None) -> Clause:
    """The query as a clause, versions left to the caller. ``ValueError`` for a relative time without ``now_ms``."""
    feed_event = {"term": {"subject": "feed"}}
    root = _compile(query.root, now_ms)
    if query.feed_ops:
        return all_of([any_of([none_of(feed_event), {"terms": {"op": sorted(query.feed_ops)}}]), root])
    return all_of([none_of(feed_event), root])


def rank_clauses(query: Query) -> list[Clause]:
    """The words looked for, each by itself, for ordering by relevance; empty where the query has none."""
    return [
        {"bool": {"must": [clause], "boost": _WEIGHTS.get(scope, 1.0)}}
        for leaf, positive in leaves(query.root)
        if positive and isinstance(leaf, (Phrase, Near))
        for scope in _scopes(leaf if isinstance(leaf, Phrase) else leaf.left)
        for clause in (_phrase(leaf, scope) if isinstance(leaf, Phrase) else _near(leaf, scope),)
    ]


def all_of(clauses: list[Clause]) -> Clause:
    """All hold; nothing is scored."""
    return clauses[0] if len(clauses) == 1 else {"bool": {"filter": clauses}}


def any_of(clauses: list[Clause]) -> Clause:
    """At least one holds."""
    return clauses[0] if len(clauses) == 1 else {"bool": {"should": clauses, "minimum_should_match": 1}}


def none_of(clause: Clause) -> Clause:
    """It does not hold, also where a document has nothing that it could be held against."""
    return {"bool": {"must_not": [clause]}}


def _compile(node: Node, now_ms: int | None) -> Clause:
    if isinstance(node, And):
        return all_of([_compile(part, now_ms) for part in node.parts])
    if isinstance(node, Or):
        return any_of([_compile(part, now_ms) for part in node.parts])
    if isinstance(node, Not):
        return none_of(_compile(node.part, now_ms))
    return _compile_leaf(node, now_ms)


def _compile_leaf(leaf: Leaf, now_ms: int | None) -> Clause:
    if isinstance(leaf, Phrase):
        found = [_phrase(leaf, scope) for scope in _scopes(leaf)]
        code = place_code(leaf)
        return any_of([*found, {"term": {"facets": fitting(code)}}] if code else found)
    if isinstance(leaf, Near):
        return any_of([_near(leaf, scope) for scope in _scopes(leaf.left)])
    if isinstance(leaf, Keyword):
        facet = f"{leaf.name}={leaf.value}"
        return {"prefix": {"facets": facet[:LONGEST_TERM]}} if leaf.prefix else {"term": {"facets": fitting(facet)}}
    return _compile_value(leaf, now_ms)


def _compile_value(leaf: FigureIs | Around | When | Everything, now_ms: int | None) -> Clause:
    if isinstance(leaf, FigureIs):
        return _figure(leaf)
    if isinstance(leaf, Around):
        # a GeoJSON order would be another one; here both are named
        point = {"lat": leaf.lat, "lon": leaf.lon}
        return {"geo_distance": {"distance": f"{leaf.metres + _POINT_METRES:.6f}m", "points": point}}
    if isinstance(leaf, When):
        field = "first_seen_ms" if leaf.name == "seen-since" else "at_ms"
        return moment(field, "lte" if leaf.name == "until" else "gte", time_bound(leaf, now_ms))
    return {"match_all": {}}


def moment(field: str, comparison: str, at_ms: int) -> Clause:
    """A bound on a time; a document without that time does not hold it."""
    return {"range": {field: {comparison: at_ms, "format": "epoch_millis"}}}


def _figure(leaf: FigureIs) -> Clause:
    field = f"{'new_figures' if leaf.new else 'figures'}.{leaf.kind}"
    if leaf.comparator == "=":
        return {"term": {field: leaf.value}}
    if leaf.comparator == "!=":  # some figure is another one, whatever the rest are
        return any_of([{"range": {field: {"lt": leaf.value}}}, {"range": {field: {"gt": leaf.value}}}])
    return {"range": {field: {_COMPARE[leaf.comparator]: leaf.value}}}


def _scopes(phrase: Phrase) -> tuple[str, ...]:
    return tuple(FIELD_OF[scope] for scope in ((phrase.scope,) if phrase.scope else DEFAULT_SCOPES))


def _phrase(phrase: Phrase, field: str) -> Clause:
    if len(phrase.tokens) == 1:
        return _token(phrase, field)
    words = " ".join(map(fitting, phrase.tokens))
    if phrase.prefix:
        return {"match_phrase_prefix": {field: {"query": words, "max_expansions": _EVERY_ENDING}}}
    return {"match_phrase": {field: {"query": words}}}


def _token(phrase: Phrase, field: str) -> Clause:
    if phrase.prefix:
        return {"prefix": {field: phrase.tokens[-1][:LONGEST_TERM]}}
    return {"term": {field: fitting(phrase.tokens[-1])}}


def _near(near: Near, field: str) -> Clause:
    """Both, in any order, with at most so many tokens between them; they may overlap."""
    spans = [_span(near.left, field), _span(near.right, field)]
    return {"span_near": {"clauses": spans, "slop": near.distance, "in_order": False}}


def _span(phrase: Phrase, field: str) -> Clause:
    words: list[Clause] = [{"span_term": {field: fitting(token)}} for token in phrase.tokens]
    if phrase.prefix:
        words[-1] = {"span_multi": {"match": {"prefix": {field: phrase.tokens[-1][:LONGEST_TERM]}}}}
    return words[0] if len(words) == 1 else {"span_near": {"clauses": words, "slop": 0, "in_order": True}}
