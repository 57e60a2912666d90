"""The text before an event, rebuilt from the event itself, and whether a query held then.

What stood in the text before is in ``changes``. What was read out of it (figures, places, who said it) is kept
where its words stood there too, and figures also follow a change's ``detail``. A caller that can read texts
itself gives ``enrich``, and the earlier text is read anew instead.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, cast

from msgspec.structs import replace

from wirewatch.events.entries import Change, Enrichment, Entry, EntryEvent, Figure, Span, TextField
from wirewatch.identity import content_hash
from wirewatch.query.document import Document
from wirewatch.query.evaluate import NO_CONTEXT, Match, MatchContext, matches

if TYPE_CHECKING:
    from wirewatch.query.syntax import Query

Enrich = Callable[[EntryEvent], EntryEvent]
_FIRST = frozenset({"baseline", "created", "backfilled"})


def matches_before(
    query: Query,
    event: EntryEvent,
    context: MatchContext = NO_CONTEXT,
    *,
    enrich: Enrich | None = None,
) -> Match:
    """Whether the query held for the entry as it stood before the event; never for one that was not known.

    ``op:`` and ``changed:`` speak of what happens, so none holds before it happened. ``context`` is the event's own.
    """
    earlier = before_of(event)
    if earlier is None:
        return Match(held=False, matched=[], unmatched=[])
    if enrich is not None and event.changes:
        earlier = enrich(replace(earlier, enrichment=None))
    return matches(query, Document(earlier, happened=False), context)


def before_of(event: EntryEvent) -> EntryEvent | None:
    """The event with its entry as it stood before; None for an entry not known before, and for feed events."""
    if event.entry is None or event.op in _FIRST:
        return None
    changes = {change.field: change for change in event.changes}
    headline = changes["headline"].before if "headline" in changes else event.entry.headline
    body = changes["body"].before if "body" in changes else event.entry.body
    entry = _entry_before(event, headline, body)
    enrichment = event.enrichment
    if enrichment is not None and changes:
        enrichment = _enrichment_before(enrichment, event.entry, {"headline": headline, "body": body}, event.changes)
    return replace(
        event,
        revision=max(1, event.revision - 1),
        headline=headline,
        changes=[],
        flags=[],
        entry=entry,
        enrichment=enrichment,
    )


def _entry_before(event: EntryEvent, headline: str, body: str) -> Entry:
    entry = event.entry
    assert entry is not None  # the caller looked
    form: Literal["headline-only", "text", "media"] = entry.form
    if not body and form == "text":
        form = "headline-only"
    elif body and form == "headline-only":
        form = "text"
    return replace(
        entry,
        headline=headline,
        body=body,
        form=form,
        status="withdrawn" if event.op == "restored" else "current",
        content_hash=content_hash(headline, body),
    )


class _Earlier:
    """Where a span of the text now stood in the text before: there unchanged, elsewhere, or nowhere (None)."""

    def __init__(self, entry: Entry, texts: dict[TextField, str]) -> None:
        self._now: dict[TextField, str] = {"headline": entry.headline, "body": entry.body}
        self._texts = texts

    def span(self, span: Span) -> Span | None:
        field, start, end = span
        now, then = self._now[field], self._texts[field]
        if now == then:
            return span
        piece = now[start:end]
        if then[start:end] == piece:
            return span
        at = then.find(piece) if piece else -1
        return None if at < 0 else (field, at, at + len(piece))


def _enrichment_before(
    enrichment: Enrichment, entry: Entry, texts: dict[TextField, str], changes: list[Change]
) -> Enrichment:
    earlier = _Earlier(entry, texts)
    places = []
    for place in enrichment.places:
        spans = [found for span in place.spans if (found := earlier.span(span))]
        if spans or not place.spans:
            places.append(replace(place, spans=spans))
    said = []
    for one in enrichment.attribution:
        span = earlier.span(one.span) if one.span else None
        if span or not one.span:
            said.append(replace(one, span=span))
    dateline = enrichment.dateline
    if dateline is not None and earlier.span(dateline.span) != dateline.span:
        dateline = None
    return replace(
        enrichment,
        places=places,
        attribution=said,
        dateline=dateline,
        figures=[was for one in enrichment.figures if (was := _figure_before(one, earlier, changes))],
        hedge=_hedge_before(enrichment.hedge, changes),
    )


def _figure_before(figure: Figure, earlier: _Earlier, changes: list[Change]) -> Figure | None:
    """The figure as it was: what the change's detail says of it, else itself where its words stood there too."""
    for change in changes:
        detail = change.detail
        if change.field != figure.span[0] or not detail or detail.get("to") != figure.value:
            continue
        if detail.get("kind") not in {figure.kind, None}:
            continue
        was = detail.get("from")
        return replace(figure, value=float(was), min=None, max=None) if isinstance(was, (int, float)) else None
    span = earlier.span(figure.span)
    return replace(figure, span=span) if span else None


_Hedge = Literal["none", "reported", "claimed", "unconfirmed", "denied"]


def _hedge_before(hedge: _Hedge, changes: list[Change]) -> _Hedge:
    """What the hedge was, as far as a change says it was another one."""
    for change in changes:
        if "hedge" not in change.classes and change.class_ != "hedge":
            continue
        was = change.detail.get("from") if change.detail else None
        if was in {"none", "reported", "claimed", "unconfirmed", "denied"}:
            return cast(_Hedge, was)
        return "reported" if hedge == "none" else "none"
    return hedge
