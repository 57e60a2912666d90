"""An event as a page shows it: pure, from the record to what a template needs."""

from __future__ import annotations

from msgspec import Struct

from wirewatch.events import EntryEvent
from wirewatch.times import format_duration, parse_ms

_WORDS = {
    "baseline": "",
    "created": "new",
    "backfilled": "found later",
    "updated": "edited",
    "withdrawn": "withdrawn",
    "restored": "back",
    "gap": "gap",
    "source-error": "source error",
    "source-recovered": "source recovered",
}
_CLASSES = {
    "figures": "figures changed",
    "negation": "turned around",
    "attribution": "other source",
    "hedge": "more or less sure",
    "place": "other place",
    "correction": "correction",
    "headline": "headline",
    "body-added": "text added",
    "body-extended": "text extended",
    "body-cut": "text cut",
    "body": "text",
    "typo": "typo",
}
Pieces = list[tuple[str, str]]


class Card(Struct, frozen=True):
    """One entry (or a feed's own word) as a page shows it; text only, the template escapes it.

    ``headline`` and ``paragraphs`` are pieces ``(kind, text)`` with kind ``=``, ``-`` or ``+``.
    """

    anchor: str
    entry_id: str | None
    feed_id: str
    op: str
    word: str
    subject: str
    status: str
    headline: Pieces
    plain_headline: str
    paragraphs: list[Pieces]
    time: str
    time_shown: str
    seen: str
    link: str | None
    reason: str
    changes: list[str]
    grade: str
    figures: list[str]
    said_by: list[str]
    hedge: str
    media: list[tuple[str, str, str]]
    late: bool
    revision: int
    seq: int


def shown_time(text: str | None, precision: str = "minute") -> str:
    """``2022-01-07T20:29:00.000Z`` -> ``20:29 GMT 07.01.2022``; a day alone where no more is known."""
    if not text:
        return ""
    day = f"{text[8:10]}.{text[5:7]}.{text[:4]}"
    return day if precision == "day" else f"{text[11:16]} GMT {day}"


def _paragraphs(pieces: Pieces) -> list[Pieces]:
    """Pieces cut at line breaks, so that a diff may run over paragraphs."""
    out: list[Pieces] = [[]]
    for kind, text in pieces:
        first, *others = text.split("\n")
        if first:
            out[-1].append((kind, first))
        out.extend([(kind, line)] if line else [] for line in others)
    return [paragraph for paragraph in out if paragraph]


def _pieces(event: EntryEvent, field: str, text: str) -> Pieces:
    for change in event.changes:
        if change.field == field:
            return [(kind, piece) for kind, piece in change.diff]
    return [("=", text)] if text else []


def _reason(event: EntryEvent) -> str:
    if event.op in {"withdrawn", "restored", "gap", "source-error", "source-recovered", "backfilled"}:
        return event.evidence.text
    return ""


def decide_card(event: EntryEvent) -> Card:
    """What to show of an event."""
    entry, enrichment = event.entry, event.enrichment
    headline = entry.headline if entry else event.headline
    published = event.published or event.first_seen or event.time
    return Card(
        anchor=event.entry_id or event.id,
        entry_id=event.entry_id,
        feed_id=event.feed_id,
        op=event.op,
        word=_WORDS[event.op],
        subject=event.subject,
        status=entry.status if entry else "current",
        headline=_pieces(event, "headline", headline or (entry.body[:120] if entry else "")),
        plain_headline=headline,
        paragraphs=_paragraphs(_pieces(event, "body", entry.body if entry else event.evidence.text)),
        time=published,
        time_shown=shown_time(published, entry.published_precision if entry else "second"),
        seen=shown_time(event.time),
        link=entry.link if entry else None,
        reason=_reason(event),
        changes=[_CLASSES[c] for change in event.changes for c in change.classes],
        grade=event.grade,
        figures=_figures(event),
        said_by=[f"{a.who}" for a in enrichment.attribution if not a.generic] if enrichment else [],
        hedge=enrichment.hedge if enrichment and enrichment.hedge != "none" else "",
        media=[(m.kind, m.url, m.caption or m.alt or m.provider or m.kind) for m in entry.media] if entry else [],
        late="late" in event.flags,
        revision=event.revision,
        seq=event.seq,
    )


def _figures(event: EntryEvent) -> list[str]:
    sign = {"over": "over ", "at-least": "at least ", "at-most": "up to ", "about": "about ", "exact": ""}
    seen: list[str] = []
    for figure in event.enrichment.figures if event.enrichment else []:
        if figure.kind != "other" and not figure.background and figure.same_as is None:
            text = f"{sign[figure.qualifier]}{figure.value:,.0f} {figure.kind}"
            if text not in seen:
                seen.append(text)
    return seen


def took(earlier: str | None, later: str) -> str:
    """The time between two moments, for people; empty where one is unknown."""
    if not earlier:
        return ""
    return format_duration(max(0, parse_ms(later) - parse_ms(earlier)) // 1000 * 1000)
