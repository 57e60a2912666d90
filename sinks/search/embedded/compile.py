"""A parsed query as SQL over the search index, with the very meaning that `wirewatch.query.evaluate` gives it.

Text and facets become FTS5 ``MATCH`` expressions, clauses side by side in one of them; the rest becomes
conditions on the row. Every value is bound or made of our own tokens: nothing of the query's text is SQL.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeGuard

from wirewatch.query.evaluate import place_code, time_bound
from wirewatch.query.syntax import (
    And,
    Around,
    FigureIs,
    Keyword,
    Leaf,
    Near,
    Node,
    Not,
    Or,
    Phrase,
    Query,
    TextScope,
    When,
    leaves,
)

Bound = str | int | float
_COLUMNS: dict[TextScope | None, str] = {
    None: "headline body",
    "headline": "headline",
    "body": "body",
    "place": "place",
    "dateline": "dateline",
    "said-by": "said_by",
    "tag": "tag",
}
_ROW_COLUMNS = {"feed": "feed_id", "op": "op"}
_METRES_A_DEGREE = 111_000.0  # a little less than the truth, so that the box is a little larger than the circle


@dataclass(slots=True)
class Condition:
    """A condition on a row ``r`` of ``revisions`` and its bound values, in order."""

    sql: str
    values: list[Bound] = field(default_factory=list)


def compile_query(query: Query, *, now_ms: int | None) -> Condition:
    """The query as a condition, versions left to the caller. ``ValueError`` for a relative time without ``now_ms``."""
    condition = _compile(query.root, now_ms)
    if query.feed_ops:
        names = sorted(query.feed_ops)
        allowed = f"(r.subject <> 'feed' OR r.op IN ({', '.join('?' * len(names))}))"
        return _join("AND", [Condition(allowed, list(names)), condition])
    return _join("AND", [Condition("r.subject <> 'feed'"), condition])


def rank_expression(query: Query) -> str | None:
    """The words looked for, any of them, for ordering by relevance; None where the query has none."""
    parts = [_match(leaf) for leaf, positive in leaves(query.root) if positive and isinstance(leaf, (Phrase, Near))]
    return " OR ".join(f"({part})" for part in parts) or None


def _compile(node: Node, now_ms: int | None) -> Condition:
    if isinstance(node, (And, Or)):
        word = "AND" if isinstance(node, And) else "OR"
        in_text = [part for part in node.parts if _is_text(part)]
        others = [_compile(part, now_ms) for part in node.parts if not _is_text(part)]
        if in_text:
            others.append(_matching(f" {word} ".join(f"({_match(part)})" for part in in_text)))
        return _join(word, others)
    if isinstance(node, Not):
        inner = _compile(node.part, now_ms)
        return Condition(f"NOT ({inner.sql})", inner.values)
    if _is_text(node):
        return _matching(_match(node))
    return _compile_leaf(node, now_ms)


def _compile_leaf(leaf: Leaf, now_ms: int | None) -> Condition:
    if isinstance(leaf, Keyword):
        return Condition(f"r.{_ROW_COLUMNS[leaf.name]} = ?", [leaf.value])
    if isinstance(leaf, FigureIs):
        newer = " AND (f.earlier IS NULL OR f.value > f.earlier)" if leaf.new else ""
        return Condition(
            f"r.id IN (SELECT f.revision_id FROM figures f WHERE f.kind = ? AND f.value {leaf.comparator} ?{newer})",  # noqa: S608 - made of our own words
            [leaf.kind, leaf.value],
        )
    if isinstance(leaf, Around):
        reach = leaf.metres / _METRES_A_DEGREE + 1e-6
        return Condition(
            "r.id IN (SELECT l.revision_id FROM located l WHERE l.lat BETWEEN ? AND ?"
            " AND metres_between(?, ?, l.lat, l.lon) <= ?)",
            [leaf.lat - reach, leaf.lat + reach, leaf.lat, leaf.lon, leaf.metres],
        )
    if isinstance(leaf, When):
        column = "r.first_seen_ms" if leaf.name == "seen-since" else "r.at_ms"
        # null compares as null, and NOT null is no row: say false, so that NOT turns it
        comparison = f"{column} {'<=' if leaf.name == 'until' else '>='} ?"
        return Condition(f"ifnull({comparison}, 0)", [time_bound(leaf, now_ms)])
    return Condition("1")


def _is_text(node: Node) -> TypeGuard[Phrase | Near | Keyword]:
    """Whether the text index answers it; what is a column of the row is quicker there."""
    if isinstance(node, Keyword):
        return node.prefix or node.name not in _ROW_COLUMNS
    return isinstance(node, (Phrase, Near))


def _match(leaf: Phrase | Near | Keyword) -> str:
    """A clause in FTS5's own language. Tokens hold no quotes."""
    if isinstance(leaf, Keyword):
        return f'{{facet}} : "{leaf.name}={leaf.value}"{"*" if leaf.prefix else ""}'
    if isinstance(leaf, Near):
        pair = f"{_phrase(leaf.left)} {_phrase(leaf.right)}"
        return f"{{{_COLUMNS[leaf.left.scope]}}} : NEAR({pair}, {leaf.distance})"
    found = f"{{{_COLUMNS[leaf.scope]}}} : {_phrase(leaf)}"
    code = place_code(leaf)
    return f'({found}) OR ({{facet}} : "{code}")' if code else found


def _phrase(phrase: Phrase) -> str:
    return f'"{" ".join(phrase.tokens)}"{"*" if phrase.prefix else ""}'


def _matching(expression: str) -> Condition:
    return Condition("r.id IN (SELECT rowid FROM text WHERE text MATCH ?)", [expression])


def _join(word: str, conditions: list[Condition]) -> Condition:
    """All conditions joined as a balanced tree: SQLite bounds an expression's depth."""
    if len(conditions) == 1:
        return conditions[0]
    middle = len(conditions) // 2
    left, right = _join(word, conditions[:middle]), _join(word, conditions[middle:])
    return Condition(f"({left.sql} {word} {right.sql})", left.values + right.values)
