"""An event as a page shows it: pure, from the record to what a template needs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal
from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import replace

from wirewatch.events import EntryEvent, Span

_WORDS = {
    "baseline": "",
    "created": "new",
    "backfilled": "found later",
    "updated": "edited",
    "withdrawn": "withdrawn",
    "restored": "restored",
    "gap": "gap",
    "source-error": "source error",
    "source-recovered": "source recovered",
}
_CLASSES = {
    "figures": "figures",
    "negation": "denied or reversed",
    "attribution": "who said it",
    "hedge": "how sure it is",
    "place": "place",
    "correction": "the source's correction",
    "headline": "headline",
    "body-added": "text added",
    "body-extended": "text extended",
    "body-cut": "text cut",
    "body": "text",
    "typo": "typo",
}
_SIGNS = {"over": "over ", "at-least": "at least ", "at-most": "up to ", "about": "about ", "exact": ""}
_EXPLAINED = frozenset({"withdrawn", "restored", "gap", "source-error", "source-recovered", "backfilled"})
_EXCERPT = 3  # paragraphs of a text that a result of a search shows
PieceKind = Literal["=", "-", "+", "m"]
Pieces = list[tuple[PieceKind, str]]


class Card(Struct, frozen=True):
    """One entry (or a feed's own word) as a page shows it; text only, the template escapes it.

    ``headline`` and ``paragraphs`` are pieces ``(kind, text)``: ``=`` stands, ``-`` went, ``+`` came, ``m`` was
    looked for. ``order`` and ``first_seen`` decide the place on the page.
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
    plain_paragraphs: list[str]
    time: str
    time_shown: str
    order: str
    first_seen: str
    seen: str
    link: str | None
    reason: str
    changed: list[str]
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


def safe_link(url: str | None) -> str | None:
    """A URL that a page may link to: http or https with a host; None for any other (H43-45)."""
    try:
        parts = urlsplit(url or "")
    except ValueError:
        return None
    return url if parts.scheme in {"http", "https"} and parts.netloc else None


def decide_card(event: EntryEvent) -> Card:
    """What to show of an event, with what it changed."""
    entry = event.entry
    body = entry.body if entry else event.evidence.text
    return _card(event, _changed_text(event, "headline", _headline(event)), _changed_text(event, "body", body))


def decide_found(event: EntryEvent, spans: Sequence[Span]) -> Card:
    """What a search shows of an event: the text as it stands, with what was looked for marked."""
    body = event.entry.body if event.entry else event.evidence.text
    paragraphs = _cut_lines(mark_spans(body, [span for span in spans if span[0] == "body"]))
    found = [p for p in paragraphs if any(kind == "m" for kind, _ in p)]
    card = _card(event, mark_spans(_headline(event), [span for span in spans if span[0] == "headline"]), [])
    return replace(card, paragraphs=(found or paragraphs)[:_EXCERPT])


def order_cards(cards: Iterable[Card], *, newest_first: bool) -> list[Card]:
    """By time; in one minute, by when they were first seen; then as they came."""
    return sorted(cards, key=lambda card: (card.order, card.first_seen), reverse=newest_first)


def mark_spans(text: str, spans: Sequence[Span]) -> Pieces:
    """A text in pieces, what the spans name as ``m``; spans that overlap become one."""
    pieces: Pieces = []
    at = 0
    for _field, start, end in sorted(spans, key=lambda span: span[1:]):
        if end <= at or start >= len(text):
            continue
        begin = max(start, at)
        pieces += [("=", text[at:begin]), ("m", text[begin:end])]
        at = end
    pieces.append(("=", text[at:]))
    return [(kind, piece) for kind, piece in pieces if piece]


def tidy_pieces(diff: Sequence[tuple[str, str]]) -> Pieces:
    """A diff whose marked pieces carry no white space at their ends: it stands beside them instead."""
    pieces: Pieces = []
    for kind, text in diff:
        inner = text.strip()
        if kind == "=" or not inner:
            pieces.append(("=", text))
            continue
        start = text.index(inner)
        marked: PieceKind = "-" if kind == "-" else "+"
        pieces += [("=", text[:start]), (marked, inner), ("=", text[start + len(inner) :])]
    return [(kind, text) for kind, text in pieces if text]


def _headline(event: EntryEvent) -> str:
    headline = event.entry.headline if event.entry else event.headline
    return headline or (event.entry.body[:120] if event.entry else "")


def _changed_text(event: EntryEvent, field: str, text: str) -> Pieces:
    for change in event.changes:
        if change.field == field:
            return tidy_pieces(change.diff)
    return [("=", text)] if text else []


def _cut_lines(pieces: Pieces) -> list[Pieces]:
    """Pieces cut at line breaks, so that a diff may run over paragraphs."""
    out: list[Pieces] = [[]]
    for kind, text in pieces:
        first, *others = text.split("\n")
        if first:
            out[-1].append((kind, first))
        out.extend([(kind, line)] if line else [] for line in others)
    return [paragraph for paragraph in out if any(text.strip() for _, text in paragraph)]


def _card(event: EntryEvent, headline: Pieces, body: Pieces) -> Card:
    entry, enrichment = event.entry, event.enrichment
    published = event.published or event.first_seen or event.time
    return Card(
        anchor=event.entry_id or event.id,
        entry_id=event.entry_id,
        feed_id=event.feed_id,
        op=event.op,
        word=_WORDS[event.op],
        subject=event.subject,
        status=entry.status if entry else "current",
        headline=headline,
        plain_headline=_headline(event),
        paragraphs=_cut_lines(body),
        plain_paragraphs=[line for line in (entry.body if entry else "").split("\n") if line.strip()],
        time=published,
        time_shown=shown_time(published, entry.published_precision if entry else "second"),
        order=min(published, event.time),  # a time ahead of ours does not keep an entry on top
        first_seen=event.first_seen or event.time,
        seen=shown_time(event.time),
        link=safe_link(entry.link) if entry else None,
        reason=event.evidence.text if event.op in _EXPLAINED else "",
        changed=list(dict.fromkeys(_CLASSES[c] for change in event.changes for c in change.classes)),
        grade=event.grade,
        figures=_figures(event),
        said_by=list(dict.fromkeys(a.who for a in enrichment.attribution if not a.generic)) if enrichment else [],
        hedge=enrichment.hedge if enrichment and enrichment.hedge != "none" else "",
        media=_media(event),
        late="late" in event.flags,
        revision=event.revision,
        seq=event.seq,
    )


def _media(event: EntryEvent) -> list[tuple[str, str, str]]:
    found: list[tuple[str, str, str]] = []
    for media in event.entry.media if event.entry else []:
        url = safe_link(media.url)
        if url is not None:
            found.append((media.kind, url, media.caption or media.alt or media.provider or urlsplit(url).netloc))
    return found


def _figures(event: EntryEvent) -> list[str]:
    seen: dict[str, None] = {}
    for figure in event.enrichment.figures if event.enrichment else []:
        if figure.kind != "other" and not figure.background and figure.same_as is None:
            seen[f"{_SIGNS[figure.qualifier]}{figure.value:,.0f} {figure.kind}"] = None
    return list(seen)
