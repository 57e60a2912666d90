"""One event as queries see it: its texts cut into tokens once, its facets, figures, places and times.

The matcher, the index of saved searches and the search index all read events through this, so that a field
means the same to each.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wirewatch.query.tokenizer import Token, tokenize, words
from wirewatch.times import parse_ms

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wirewatch.events import Enrichment, Entry, EntryEvent, Figure, Place, Span
    from wirewatch.query.syntax import Phrase, TextScope

SCOPES: tuple[TextScope, ...] = ("headline", "body", "place", "dateline", "said-by", "tag")
DEFAULT_SCOPES: tuple[TextScope, ...] = ("headline", "body")


@dataclass(frozen=True, slots=True)
class Value:
    """A piece of text in a field, and where in the entry's own text it stands, if it does."""

    text: str
    field: str
    span: tuple[int, int] | None = None


class Words:
    """The tokens of one value, looked up by token."""

    __slots__ = ("_positions", "_sorted", "_spans", "tokens", "value")

    def __init__(self, value: Value) -> None:
        self.value = value
        self.tokens = words(value.text)
        self._positions: dict[str, list[int]] | None = None
        self._sorted: list[str] | None = None
        self._spans: list[Token] | None = None

    @property
    def positions(self) -> dict[str, list[int]]:
        """Where each distinct token stands, rising."""
        if self._positions is None:
            self._positions = {}
            for at, token in enumerate(self.tokens):
                self._positions.setdefault(token, []).append(at)
        return self._positions

    def beginning(self, prefix: str) -> list[str]:
        """The distinct tokens that begin so."""
        if self._sorted is None:
            self._sorted = sorted(self.positions)
        found: list[str] = []
        for at in range(bisect_left(self._sorted, prefix), len(self._sorted)):
            if not self._sorted[at].startswith(prefix):
                break
            found.append(self._sorted[at])
        return found

    def starts(self, phrase: Phrase) -> Iterator[int]:
        """Where the phrase begins, each as an index of a token, rising for whole words."""
        tokens, count = phrase.tokens, len(phrase.tokens)
        if count == 1:
            if phrase.prefix:
                for token in self.beginning(tokens[0]):
                    yield from self.positions[token]
            else:
                yield from self.positions.get(tokens[0], ())
            return
        head = list(tokens[:-1])
        for at in self.positions.get(tokens[0], ()):
            if at + count > len(self.tokens) or self.tokens[at : at + count - 1] != head:
                continue
            last = self.tokens[at + count - 1]
            if last == tokens[-1] or (phrase.prefix and last.startswith(tokens[-1])):
                yield at

    def spans(self) -> list[Token]:
        """The tokens again, with their places in the value's text."""
        if self._spans is None:
            self._spans = tokenize(self.value.text)
        return self._spans


class Document:
    """An event for queries. ``happened`` False: only its text stands there, so no ``op:`` or ``changed:`` holds."""

    __slots__ = ("_facets", "_words", "event", "happened")

    def __init__(self, event: EntryEvent, *, happened: bool = True) -> None:
        self.event = event
        self.happened = happened
        self._words: dict[TextScope, list[Words]] = {}
        self._facets: frozenset[str] | None = None

    @property
    def is_feed_event(self) -> bool:
        """Whether it speaks of a feed and not of an entry."""
        return self.event.subject == "feed"

    @property
    def headline(self) -> str:
        """The headline after the event."""
        return self.event.entry.headline if self.event.entry else self.event.headline

    @property
    def body(self) -> str:
        """The body after the event; of a feed event, what it says in words."""
        return self.event.entry.body if self.event.entry else self.event.evidence.text

    def words(self, scope: TextScope) -> list[Words]:
        """The tokens of each value of a text field."""
        found = self._words.get(scope)
        if found is None:
            found = self._words[scope] = [Words(value) for value in self.values(scope)]
        return found

    def values(self, scope: TextScope) -> list[Value]:
        """The values of a text field: one for headline and body, any number for the others."""
        if scope == "headline":
            return [Value(self.headline, "headline")]
        if scope == "body":
            return [Value(self.body, "body")]
        if scope == "tag":
            return [Value(tag, "tag") for tag in self.event.entry.tags] if self.event.entry else []
        return _enriched_values(self.event.enrichment, scope) if self.event.enrichment else []

    @property
    def facets(self) -> frozenset[str]:
        """Everything about the event that a `Keyword` may ask for, as ``name=value``."""
        if self._facets is None:
            self._facets = frozenset(_facets(self))
        return self._facets

    @property
    def figures(self) -> list[Figure]:
        """The figures that count: background does not."""
        enrichment = self.event.enrichment
        return [figure for figure in enrichment.figures if not figure.background] if enrichment else []

    @property
    def places(self) -> list[Place]:
        """The places that the text names."""
        return self.event.enrichment.places if self.event.enrichment else []

    @property
    def published_ms(self) -> int | None:
        """When the source says it was published, else when it was first seen."""
        published = _ms(self.event.published or (self.event.entry.published if self.event.entry else None))
        return self.first_seen_ms if published is None else published

    @property
    def first_seen_ms(self) -> int | None:
        """When the entry was first seen; of a feed event, when it happened."""
        return _ms(self.event.first_seen or (self.event.time if self.is_feed_event else None))


def as_document(event: EntryEvent | Document) -> Document:
    """The event as a document, made where it is not one yet."""
    return event if isinstance(event, Document) else Document(event)


def facet_value(text: str) -> str:
    """A value as facets hold it: lower case, ASCII, no white space; else what is left of it."""
    return "".join(char for char in text.lower() if char.isascii() and (char.isalnum() or char in "._-:"))


def _enriched_values(enrichment: Enrichment, scope: TextScope) -> list[Value]:
    if scope == "place":
        return [_value_at(place.name, "place", place.spans[0] if place.spans else None) for place in enrichment.places]
    if scope == "said-by":
        return [_value_at(said.who, "said-by", said.span) for said in enrichment.attribution]
    dateline = enrichment.dateline
    if dateline is None:
        return []
    return [_value_at(text, "dateline", dateline.span) for text in (dateline.place, dateline.agency) if text]


def _value_at(text: str, name: str, span: Span | None) -> Value:
    return Value(text, span[0], span[1:]) if span else Value(text, name)


def _ms(text: str | None) -> int | None:
    if not text:
        return None
    try:
        return parse_ms(text)
    except ValueError:  # an entry from elsewhere; our own events hold only times we wrote
        return None


def _facets(document: Document) -> Iterator[str]:
    event = document.event
    yield f"feed={facet_value(event.feed_id)}"
    if document.happened:
        yield f"op={event.op}"
        for change in event.changes:
            yield f"changed={change.field}"
            for class_ in (change.class_, *change.classes):
                yield f"changed={class_}"
    if event.subject == "lead":
        yield "is=lead"
    if "late" in event.flags:
        yield "is=late"
    if event.entry is not None:
        yield from _entry_facets(event.entry)
    if event.enrichment is not None:
        yield from _enrichment_facets(event.enrichment)


def _entry_facets(entry: Entry) -> Iterator[str]:
    shown = {
        f"is={entry.status}": True,
        "is=headline-only": entry.form == "headline-only",
        "is=pinned": entry.pinned,
        "is=key-event": entry.key_event,
        "has=link": bool(entry.links),
        "has=body": bool(entry.body),
        "has=media": bool(entry.media),
    }
    yield from (facet for facet, holds in shown.items() if holds)
    yield from (f"has={media.kind}" for media in entry.media)
    if entry.language:
        language = facet_value(entry.language.replace("_", "-"))
        yield f"lang={language}"
        yield f"lang={language.partition('-')[0]}"


def _enrichment_facets(enrichment: Enrichment) -> Iterator[str]:
    yield f"hedge={enrichment.hedge}"
    if enrichment.dateline is not None:
        yield "has=dateline"
    if any(not figure.background for figure in enrichment.figures):
        yield "has=figure"
    for place in enrichment.places:
        yield "has=place"
        for code in (place.id, place.country):
            if code and (value := facet_value(code)):
                yield f"place={value}"
