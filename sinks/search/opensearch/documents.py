"""One event as a document of the index, and the version that keeps every document from going back. Pure."""

from __future__ import annotations

from typing import Any, Final

import msgspec
import xxhash
from msgspec import Raw, Struct

from wirewatch.events import encode
from wirewatch.query.document import Document
from wirewatch.query.maxima import COUNTS_AS, FeedMaxima
from wirewatch.query.syntax import TextScope
from wirewatch.times import parse_ms

FIELD_OF: Final[dict[TextScope, str]] = {
    "headline": "headline",
    "body": "body",
    "place": "place",
    "dateline": "dateline",
    "said-by": "said_by",
    "tag": "tag",
}
LONGEST_TERM: Final = 8_000
"""In characters. The index takes terms of 32,766 bytes; a longer one is cut, with its fingerprint at the end."""

_ENDED: Final = 1 << 62


class Successor(Struct, frozen=True):
    """The next revision of the same entry that is known: its number in the feed, and when it was seen."""

    seq: int
    time_ms: int


def document_id(feed_id: str, seq: int) -> str:
    """The document of a feed's event: always the same, whoever writes it."""
    return f"{feed_id}:{seq}"


def document_version(seq: int, successor: Successor | None) -> int:
    """The external version of an event's document: a write with a lower or equal one changes nothing.

    Standing, it is the feed's ``seq``. A document changes only when a following revision ends it, and once more
    only for one that follows more closely: so it counts down from far above, and the closest one wins for good.
    """
    return seq if successor is None else _ENDED - successor.seq


def make_document(document: Document, stored: bytes, said: FeedMaxima, successor: Successor | None) -> bytes:
    """The document as JSON. ``stored`` is the event as it came, ``said`` what its feed had said before it."""
    event = document.event
    time_ms = parse_ms(event.time)
    at_ms = document.published_ms
    values: dict[str, Any] = {
        "feed_id": event.feed_id,
        "seq": event.seq,
        "event_id": event.id,
        "entry_id": event.entry_id,
        "told_as": event.entry_id or event.id,
        "revision": event.revision,
        "subject": event.subject,
        "op": event.op,
        "at_ms": at_ms,
        "first_seen_ms": document.first_seen_ms,
        "time_ms": time_ms,
        "sort_ms": time_ms if at_ms is None else min(at_ms, time_ms),
        "facets": sorted(fitting(facet) for facet in document.facets),
        "points": _points(document),
        **_figures(document, said),
        **_texts(document),
        **_standing(successor),
        # bulk bodies are parted by line ends; within JSON they are but white space
        "event": Raw(stored if b"\n" not in stored and b"\r" not in stored else encode(event)),
    }
    return msgspec.json.encode({name: value for name, value in values.items() if value not in (None, [], {}, "")})


def ended_document(source: bytes, successor: Successor) -> bytes:
    """A document that is there already, ended by the revision that follows it."""
    fields = msgspec.json.decode(source, type=dict[str, Raw])
    return msgspec.json.encode({**fields, **_standing(successor)})


def fitting(term: str) -> str:
    """A term as the index can hold it; the same for documents and queries."""
    if len(term) <= LONGEST_TERM:
        return term
    return f"{term[: LONGEST_TERM - 17]}\ue000{xxhash.xxh3_64_hexdigest(term.encode())}"


def _standing(successor: Successor | None) -> dict[str, Any]:
    return {"current": True} if successor is None else {"current": False, "until_ms": successor.time_ms}


def _texts(document: Document) -> dict[str, list[str]]:
    return {
        field: [" ".join(map(fitting, found.tokens)) for found in document.words(scope) if found.tokens]
        for scope, field in FIELD_OF.items()
    }


def _points(document: Document) -> list[list[float]]:
    return [[place.lon, place.lat] for place in document.places if place.lat is not None and place.lon is not None]


def _figures(document: Document, said: FeedMaxima) -> dict[str, dict[str, list[float]]]:
    """Each figure under every kind that finds it; once more where it is higher than its feed had said before."""
    figures: dict[str, list[float]] = {}
    higher: dict[str, list[float]] = {}
    for figure in document.figures:
        for kind in (figure.kind, *(wider for wider, finds in COUNTS_AS.items() if figure.kind in finds)):
            if figure.value in figures.get(kind, ()):
                continue
            figures.setdefault(kind, []).append(figure.value)
            before = said.of(kind)
            if before is None or figure.value > before:
                higher.setdefault(kind, []).append(figure.value)
    return {"figures": figures, "new_figures": higher}
