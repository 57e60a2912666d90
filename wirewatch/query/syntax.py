"""The query language as a typed tree. Every node prints back to text that parses to the same tree."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from wirewatch.errors import UserError

TextScope = Literal["headline", "body", "place", "dateline", "said-by", "tag"]
KeywordName = Literal["feed", "lang", "op", "hedge", "changed", "has", "is"]
Comparator = Literal[">=", "<=", "!=", ">", "<", "="]
TimeName = Literal["since", "until", "seen-since"]

_PLAIN = re.compile(r"[^\W_]+")
_KEYWORDS = frozenset({"AND", "OR", "NOT", "NEAR"})


class QueryError(UserError):
    """A query that cannot be read. ``position`` counts code points from 0; the message counts from 1."""

    def __init__(self, position: int, found: str, expected: str) -> None:
        shown = f"“{found[:40]}{'…' if len(found) > 40 else ''}”" if found else "the end"
        super().__init__(f"query, character {position + 1}: found {shown}, expected {expected}")
        self.position = position
        self.found = found
        self.expected = expected


@dataclass(frozen=True, slots=True)
class Phrase:
    """A word, a phrase or the beginning of one, in one text field; ``scope`` None: headline or body.

    ``text`` is as typed; ``tokens`` decide, and two phrases with the same tokens are equal.
    """

    tokens: tuple[str, ...]
    prefix: bool = False
    scope: TextScope | None = None
    text: str = field(default="", compare=False)

    def __str__(self) -> str:
        words = self.text or " ".join(self.tokens)
        if not _PLAIN.fullmatch(words) or words in _KEYWORDS:
            words = f'"{words}"'
        return f"{self.scope + ':' if self.scope else ''}{words}{'*' if self.prefix else ''}"


@dataclass(frozen=True, slots=True)
class Near:
    """Two phrases of one field with at most ``distance`` tokens between them, in either order."""

    left: Phrase
    right: Phrase
    distance: int

    def __str__(self) -> str:
        return f"{self.left} NEAR/{self.distance} {self.right}"


@dataclass(frozen=True, slots=True)
class Keyword:
    """A field with fixed values: it holds where the entry has exactly that value, or one that begins so."""

    name: KeywordName
    value: str
    prefix: bool = False

    def __str__(self) -> str:
        return f"{self.name}:{self.value}{'*' if self.prefix else ''}"


@dataclass(frozen=True, slots=True)
class FigureIs:
    """A figure compared; ``new``: and higher than the feed has said before."""

    kind: str
    comparator: Comparator
    value: float
    new: bool = False

    def __str__(self) -> str:
        number = str(int(self.value)) if self.value.is_integer() else repr(self.value)
        return f"figure.{self.kind}{':new' if self.new else ''}{self.comparator}{number}"


@dataclass(frozen=True, slots=True)
class Around:
    """A place that the entry names lies within so many metres."""

    lat: float
    lon: float
    metres: float
    text: str = field(default="", compare=False)

    def __str__(self) -> str:
        return f"near:{self.text or f'{self.lat!r},{self.lon!r},{self.metres!r}m'}"


@dataclass(frozen=True, slots=True)
class When:
    """A bound on a time: a fixed one (``at_ms``, itself inside) or one relative to the moment of asking."""

    name: TimeName
    at_ms: int | None
    ago_ms: int | None
    text: str = field(default="", compare=False)

    def __str__(self) -> str:
        return f"{self.name}:{self.text}"


@dataclass(frozen=True, slots=True)
class Everything:
    """Holds for every entry: what is left of a query that only says ``versions:all``."""

    def __str__(self) -> str:
        return ""


@dataclass(frozen=True, slots=True)
class And:
    """All parts hold."""

    parts: tuple[Node, ...]

    def __str__(self) -> str:
        return " ".join(f"({part})" if isinstance(part, Or) else str(part) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Or:
    """At least one part holds."""

    parts: tuple[Node, ...]

    def __str__(self) -> str:
        return " OR ".join(str(part) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: Node

    def __str__(self) -> str:
        inner = str(self.part)
        return f"-({inner})" if isinstance(self.part, (And, Or, Near, Not)) else f"-{inner}"


Leaf: TypeAlias = Phrase | Near | Keyword | FigureIs | Around | When | Everything
Node: TypeAlias = Leaf | And | Or | Not

FEED_OPS = frozenset({"gap", "source-error", "source-recovered"})


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed query. ``feed_ops`` are the feed events it asks for; no other feed event ever matches it.

    ``relative`` says that it holds a time relative to the moment of asking.
    """

    root: Node
    versions_all: bool = False
    feed_ops: frozenset[str] = frozenset()
    relative: bool = False

    def __str__(self) -> str:
        inner = str(self.root)
        if not self.versions_all:
            return inner
        grouped = f"({inner})" if isinstance(self.root, Or) else inner
        return f"{grouped} versions:all".strip()


def leaves(node: Node, *, positive: bool = True) -> list[tuple[Leaf, bool]]:
    """Every leaf with whether it stands under an even number of NOTs, in order."""
    if isinstance(node, (And, Or)):
        return [found for part in node.parts for found in leaves(part, positive=positive)]
    if isinstance(node, Not):
        return leaves(node.part, positive=not positive)
    return [(node, positive)]
