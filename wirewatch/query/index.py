"""Many saved searches held against one event: only those that could match are evaluated.

Each query is filed under keys of which at least one must be in any event that it matches: a token, the
beginning of a token, a facet, a kind of figure. What has no such key (``-storm``) is always evaluated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

from wirewatch.events import EntryEvent
from wirewatch.query.document import DEFAULT_SCOPES, Document, as_document
from wirewatch.query.evaluate import NO_CONTEXT, MatchContext, holds, place_code
from wirewatch.query.maxima import kinds_of
from wirewatch.query.syntax import And, Around, FigureIs, Keyword, Leaf, Near, Node, Or, Phrase, Query, TextScope

Key: TypeAlias = tuple[str, str]
_TEXT = ("text", "")  # the scope of headline and body together
_STEM = 3  # how much of a prefix is a key
_ANYWHERE: Key = ("located", "")
# How common a facet is, as a weight; a token's is 100 less for each letter. Only speed depends on it.
_FACET_WEIGHTS = {"op": 900, "lang": 950, "is": 500, "has": 500, "hedge": 500, "changed": 300, "feed": 150}


class QueryIndex:
    """Saved searches by id. `candidates` never misses one that `holds`."""

    def __init__(self, searches: Iterable[tuple[str, Query]] = ()) -> None:
        self._queries: dict[str, Query] = {}
        self._keys: dict[str, frozenset[Key]] = {}
        self._filed: dict[str, dict[str, set[str]]] = {}
        self._always: set[str] = set()
        for search_id, query in searches:
            self.add(search_id, query)

    def __len__(self) -> int:
        return len(self._queries)

    def add(self, search_id: str, query: Query) -> None:
        """File a query, in place of an earlier one with that id."""
        self.remove(search_id)
        self._queries[search_id] = query
        keys = _keys(query.root)
        if keys is None:
            self._always.add(search_id)
            return
        self._keys[search_id] = keys
        for kind, value in keys:
            self._filed.setdefault(kind, {}).setdefault(value, set()).add(search_id)

    def remove(self, search_id: str) -> None:
        """Take a query out; one that is not there is no error."""
        self._queries.pop(search_id, None)
        self._always.discard(search_id)
        for kind, value in self._keys.pop(search_id, ()):
            filed = self._filed[kind]
            filed[value].discard(search_id)
            if not filed[value]:
                del filed[value]

    def candidates(self, event: EntryEvent | Document) -> set[str]:
        """The ids of all queries that could match."""
        document = as_document(event)
        found = set(self._always)
        for kind, filed in self._filed.items():
            for value in filed.keys() & _values(kind, document):
                found |= filed[value]
        return found

    def matching(
        self,
        event: EntryEvent | Document,
        context: MatchContext | Callable[[str], MatchContext] = NO_CONTEXT,
    ) -> list[str]:
        """The ids of the queries that match, sorted. ``context`` may differ by id."""
        document = as_document(event)
        return sorted(
            search_id
            for search_id in self.candidates(document)
            if holds(self._queries[search_id], document, context(search_id) if callable(context) else context)
        )


def _values(kind: str, document: Document) -> set[str] | frozenset[str]:
    """What the event has of a kind of key."""
    if kind == "facet":
        return document.facets
    if kind == "figure":
        return {figure.kind for figure in document.figures}
    if kind == "located":
        return {""} if any(place.lat is not None for place in document.places) else set()
    name, _, length = kind.partition("/")
    scopes: tuple[TextScope, ...] = DEFAULT_SCOPES if name == "text" else (name,)  # type: ignore[assignment]  # made from scopes
    tokens = {token for scope in scopes for words in document.words(scope) for token in words.positions}
    return {token[: int(length)] for token in tokens} if length else tokens


def _keys(node: Node) -> frozenset[Key] | None:
    """Keys of which one must be present where the node holds; None: it can hold without any."""
    if isinstance(node, And):
        known = [keys for part in node.parts if (keys := _keys(part)) is not None]
        return min(known, key=_weight, default=None)
    if isinstance(node, Or):
        found: set[Key] = set()
        for part in node.parts:
            keys = _keys(part)
            if keys is None:
                return None
            found |= keys
        return frozenset(found)
    if isinstance(node, Near):
        return min((_phrase_keys(node.left), _phrase_keys(node.right)), key=_weight)
    return _leaf_keys(node)  # type: ignore[arg-type]  # And, Or and Near are gone; Not falls through to None


def _leaf_keys(leaf: Leaf) -> frozenset[Key] | None:
    if isinstance(leaf, Phrase):
        return _phrase_keys(leaf)
    if isinstance(leaf, Keyword) and not leaf.prefix:
        return frozenset({("facet", f"{leaf.name}={leaf.value}")})
    if isinstance(leaf, FigureIs):
        return frozenset(("figure", kind) for kind in kinds_of(leaf.kind))
    if isinstance(leaf, Around):
        return frozenset({_ANYWHERE})
    return None


def _phrase_keys(phrase: Phrase) -> frozenset[Key]:
    """The longest whole token of the phrase, or how its only one begins; a place also by its code."""
    name = phrase.scope or "text"
    whole = phrase.tokens[:-1] if phrase.prefix else phrase.tokens
    if whole:
        keys: set[Key] = {(name, max(whole, key=len))}
    else:
        stem = phrase.tokens[0][:_STEM]
        keys = {(f"{name}/{len(stem)}", stem)}
    code = place_code(phrase)
    return frozenset(keys | {("facet", code)} if code else keys)


def _weight(keys: frozenset[Key]) -> int:
    return sum(_key_weight(kind, value) for kind, value in keys)


def _key_weight(kind: str, value: str) -> int:
    if kind == "facet":
        return _FACET_WEIGHTS.get(value.partition("=")[0], 100)
    if kind in {"figure", "located"}:
        return 800  # many entries of a live page have some
    return max(50, 1000 - 100 * len(value)) + (200 if "/" in kind else 0)
