"""The query language: text to a typed tree, or an error that says where and what was expected.

``words "phrases" AND OR NOT -x ( ) prefix* a NEAR/5 b field:value figure.killed>=10 near:lat,lon,50km
since: until: seen-since: versions:all``. AND is the default; NOT binds tighter than AND, AND than OR.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast, get_args

from wirewatch.query.lexer import Piece, cut_query
from wirewatch.query.syntax import (
    FEED_OPS,
    And,
    Everything,
    Keyword,
    Near,
    Node,
    Not,
    Or,
    Phrase,
    Query,
    QueryError,
    TextScope,
    When,
    leaves,
)
from wirewatch.query.tokenizer import phrase_tokens
from wirewatch.query.values import KEYWORDS, read_around, read_figure, read_keyword, read_when

MAX_LENGTH = 10_000
MAX_CLAUSES = 500
MAX_DEPTH = 32
MAX_PHRASE = 64

TEXT_SCOPES = frozenset(get_args(TextScope))
_TIMES = frozenset({"since", "until", "seen-since"})
_FIELDS = ", ".join(
    [*(f"{name}:" for name in (*get_args(TextScope), *KEYWORDS, "near", "since", "until", "seen-since", "versions"))]
)
_TERM = 'a word, a "phrase", a field or ('


def parse_query(text: str, *, saved: bool = False) -> Query:
    """Read a query. ``saved`` refuses times relative to the moment of asking, which a saved search has not.

    Raises `QueryError` with the position; never anything else, whatever the text.
    """
    if len(text) > MAX_LENGTH:
        raise QueryError(MAX_LENGTH, text[MAX_LENGTH:], f"a query of at most {MAX_LENGTH} characters")
    return _Parser(text, saved=saved).parse()


class _Parser:
    """Recursive descent over the pieces; depth and number of clauses are bounded, so the stack is too."""

    def __init__(self, text: str, *, saved: bool) -> None:
        self._pieces = cut_query(text)
        self._next = 0
        self._saved = saved
        self._clauses = 0
        self._depth = 0
        self._versions: list[Piece] = []
        self._relative = False

    def parse(self) -> Query:
        if len(self._pieces) == 1:
            raise QueryError(0, "", f"{_TERM} to search for")
        root = self._or(None)
        if self._peek().kind != "end":
            raise QueryError(self._peek().position, self._peek().text, 'a "(" before it, or the end')
        root = self._lift_versions(root)
        ops = frozenset(
            leaf.value
            for leaf, positive in leaves(root)
            if positive and isinstance(leaf, Keyword) and leaf.name == "op" and leaf.value in FEED_OPS
        )
        return Query(root, versions_all=bool(self._versions), feed_ops=ops, relative=self._relative)

    def _peek(self) -> Piece:
        return self._pieces[self._next]

    def _take(self) -> Piece:
        piece = self._pieces[self._next]
        self._next += piece.kind != "end"
        return piece

    def _or(self, scope: TextScope | None) -> Node:
        parts = [self._and(scope)]
        while self._peek().kind == "OR":
            self._take()
            parts.append(self._and(scope))
        return _joined(Or, parts)

    def _and(self, scope: TextScope | None) -> Node:
        parts = [self._not(scope)]
        while self._peek().kind not in {"OR", ")", "end"}:
            if self._peek().kind == "AND":
                self._take()
            parts.append(self._not(scope))
        return _joined(And, parts)

    def _not(self, scope: TextScope | None) -> Node:
        negative = False
        while self._peek().kind == "NOT":
            self._take()
            negative = not negative
        node = self._near(scope)
        return Not(node) if negative else node

    def _near(self, scope: TextScope | None) -> Node:
        start = self._peek()
        left = self._term(scope)
        if self._peek().kind != "NEAR":
            return left
        near = self._take()
        right_start = self._peek()
        right = self._term(scope)
        if not isinstance(left, Phrase) or not isinstance(right, Phrase):
            stray = start if not isinstance(left, Phrase) else right_start
            raise QueryError(stray.position, stray.text, f"a word or a phrase beside {near.text}")
        if left.scope != right.scope:
            hint = f"{left.scope or right.scope}:(a {near.text} b)"
            raise QueryError(near.position, near.text, f"both words in the same field, as in {hint}")
        if left.scope not in {None, "headline", "body"}:
            # the others hold several short values, and nothing is near across them
            raise QueryError(near.position, near.text, f"a word or AND: {near.text} works in headline and body")
        if self._peek().kind == "NEAR":
            raise QueryError(self._peek().position, self._peek().text, "AND or OR: NEAR takes two words")
        return Near(left, right, int(near.value))

    def _term(self, scope: TextScope | None) -> Node:
        piece = self._take()
        if piece.kind == "(":
            return self._group(piece, scope)
        self._clauses += 1
        if self._clauses > MAX_CLAUSES:
            raise QueryError(piece.position, piece.text, f"a query of at most {MAX_CLAUSES} clauses")
        if piece.kind in {"word", "quoted"}:
            return _phrase(piece, scope)
        if piece.kind == "figure":
            return read_figure(piece)
        if piece.kind == "field":
            return self._field(piece)
        raise QueryError(piece.position, piece.text, _TERM)

    def _group(self, opened: Piece, scope: TextScope | None) -> Node:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise QueryError(opened.position, opened.text, f"at most {MAX_DEPTH} parentheses inside each other")
        node = self._or(scope)
        closing = self._take()
        if closing.kind != ")":
            raise QueryError(closing.position, closing.text, f'a ")" for the "(" at character {opened.position + 1}')
        self._depth -= 1
        return node

    def _field(self, piece: Piece) -> Node:
        name = piece.value
        known = name in TEXT_SCOPES or name in KEYWORDS or name in _TIMES or name in {"near", "versions"}
        if not known:
            raise QueryError(piece.position, piece.text, f"one of {_FIELDS} figure.KIND, or the words in quotes")
        value = self._peek()
        # a value stands right behind the colon: "feed: kz" is not "feed:kz"
        if value.kind not in {"word", "quoted", "("} or value.position != piece.position + len(piece.text):
            raise QueryError(value.position, value.text, f"a value right behind {piece.text}")
        if name in TEXT_SCOPES:
            self._clauses -= value.kind != "("
            return self._scoped(cast(TextScope, name))
        if value.kind == "(":
            raise QueryError(value.position, value.text, f"one value; join several as {name}:a OR {name}:b")
        self._take()
        return self._valued(name, value)

    def _scoped(self, scope: TextScope) -> Node:
        piece = self._peek()
        if piece.kind == "(":
            return self._group(self._take(), scope)
        return _phrase(self._take(), scope)

    def _valued(self, name: str, value: Piece) -> Node:
        if name == "near":
            return read_around(value)
        if name == "versions":
            if value.value != "all" or value.star:
                raise QueryError(value.position, value.text, "versions:all")
            self._versions.append(value)
            return Everything()
        if name in _TIMES:
            when = read_when(name, value)
            self._relative = self._relative or when.ago_ms is not None
            self._refuse_relative(when, value)
            return when
        return read_keyword(name, value)

    def _refuse_relative(self, when: When, value: Piece) -> None:
        if self._saved and when.ago_ms is not None:
            raise QueryError(value.position, value.text, "a date: a saved search holds from when it is saved on")

    def _lift_versions(self, root: Node) -> Node:
        """Take ``versions:all`` out of the tree: it speaks of the whole query, so it stands beside all of it."""
        if not self._versions:
            return root
        parts = root.parts if isinstance(root, And) else (root,)
        kept = [part for part in parts if not isinstance(part, Everything)]
        if any(isinstance(leaf, Everything) for part in kept for leaf, _ in leaves(part)):
            stray = self._versions[0]
            raise QueryError(stray.position, stray.text, "versions:all beside the whole query, not in OR or NOT")
        return _joined(And, kept) if kept else Everything()


def _joined(kind: type[And | Or], parts: Sequence[Node]) -> Node:
    """One part is itself; nested lists of the same kind are one list."""
    if len(parts) == 1:
        return parts[0]
    flat: list[Node] = []
    for part in parts:
        if isinstance(part, (And, Or)) and type(part) is kind:
            flat += part.parts
        else:
            flat.append(part)
    return kind(tuple(flat))


def _phrase(piece: Piece, scope: TextScope | None) -> Phrase:
    if piece.kind == "word" and "*" in piece.value:
        at = piece.position + piece.value.index("*")
        raise QueryError(at, piece.text, "a * only at the end of a word")
    text = piece.value
    if not text:
        raise QueryError(
            piece.position, piece.text, "a word before the *" if piece.star else "a word inside the quotes"
        )
    tokens = phrase_tokens(text)
    if not tokens.tokens:
        raise QueryError(piece.position, piece.text, "letters or digits")
    if len(tokens.tokens) > MAX_PHRASE:
        raise QueryError(piece.position, piece.text, f"a phrase of at most {MAX_PHRASE} words")
    return Phrase(tokens.tokens, prefix=tokens.prefix or piece.star, scope=scope, text=text)
