"""An entry event with its enrichment: each reader's findings put together."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING
from urllib.parse import quote

from msgspec import Struct, structs

from processors.enrich.attribution import chain, read_body
from processors.enrich.background import find_background
from processors.enrich.datelines import find_dateline
from processors.enrich.figures import link_figures, reading_language
from processors.enrich.gazetteer import gazetteer
from processors.enrich.hedges import read_hedge
from processors.enrich.language import find_language
from processors.enrich.names import find_names
from processors.enrich.places import find_places, is_titled
from processors.enrich.sources import without_nationality
from processors.enrich.speech import find_statement
from processors.enrich.text import clean, fold, sentences
from wirewatch.events import Attribution, Enrichment, EntryEvent, Figure, Place

if TYPE_CHECKING:
    from wirewatch.events.entries import Span

VERSION = "1"
MAX_HEADLINE = 2_000
MAX_BODY = 20_000  # characters of a body that are read: the news stands at its head, and time stays bounded


class EnrichContext(Struct, frozen=True):
    """What enrichment needs to know beside the event. ``public_url`` is where our own pages are, if they are."""

    public_url: str | None = None


def warm() -> None:
    """Load the gazetteer and the language model now rather than with the first event."""
    gazetteer()
    find_language("The language model is loaded with this sentence.")


def enrich(event: EntryEvent, context: EnrichContext) -> EntryEvent:
    """The event with ``enrichment``, ``entry.language`` and ``entry.page``; a feed event as it is.

    Deterministic, no I/O but loading the tables once. Linear in the text, of which at most 20,000 characters of
    the body are read. Raises nothing on purpose; whatever is raised is a bug, and the handler then uses `failed`.
    """
    if event.entry is None:
        return event
    entry = event.entry
    headline = clean(entry.headline[:MAX_HEADLINE])
    body = clean(entry.body[:MAX_BODY])
    language = find_language(f"{headline}. {body}" if body else headline, entry.language)
    enrichment = read_entry(headline, body, language.code or language.reading)
    page = page_of(event, context)
    return structs.replace(
        event, entry=structs.replace(entry, language=language.code, page=page), enrichment=enrichment
    )


def page_of(event: EntryEvent, context: EnrichContext) -> str | None:
    """Our own page's address for the entry; None where no public address is set."""
    if not context.public_url or event.entry_id is None:
        return event.entry.page if event.entry is not None else None
    return f"{context.public_url.rstrip('/')}/entries/{quote(event.entry_id, safe='')}"


def failed(event: EntryEvent, context: EnrichContext, error: str) -> EntryEvent:
    """The event as it goes on where its enrichment failed: enrichment never withholds news."""
    if event.entry is None:
        return event
    page = page_of(event, context)
    enrichment = Enrichment(version=VERSION, error=error)
    return structs.replace(event, entry=structs.replace(event.entry, page=page), enrichment=enrichment)


def read_entry(headline: str, body: str, language: str | None) -> Enrichment:
    """What the two texts of an entry say. Pure."""
    table = gazetteer()
    headline_folded, body_folded = fold(headline), fold(body)
    dateline = find_dateline(body, table.knows)
    start = dateline.span[2] if dateline is not None else 0
    words = reading_language(language, f"{headline_folded} {body_folded[:400]}")
    background = find_background(body)
    statement = find_statement(headline)
    attribution = chain(statement, read_body(body, start, body_folded))
    places, demonyms = find_places(
        [("headline", headline, headline_folded, 0), ("body", body, body_folded, start)], table
    )
    figures = link_figures([("headline", headline, headline_folded), ("body", body, body_folded)], words)
    named = [(span, place.id) for place in places for span in place.spans if span not in demonyms]
    figures = [
        _placed(figure, _place_of(figure, following, named, headline, body), _inside(figure.span, background))
        for figure, following in zip(figures, [*figures[1:], None], strict=False)
    ]
    people, organisations = find_names(
        [("headline", headline, headline_folded, 0), ("body", body, body_folded, start)],
        attribution,
        titled=is_titled(headline),
    )
    return Enrichment(
        version=VERSION,
        dateline=dateline,
        attribution=[_plain(link, demonyms, places) for link in attribution],
        hedge=read_hedge(headline, body[start:], statement),
        figures=figures,
        places=[
            structs.replace(place, background=all(_inside(span, background) for span in place.spans))
            for place in places
        ],
        people=people,
        organisations=organisations,
        background=background,
    )


def _placed(figure: Figure, place: str | None, background: bool) -> Figure:  # noqa: FBT001 - a field, not a switch
    return structs.replace(figure, place=place, background=background) if place is not None or background else figure


def _inside(span: Span, background: list[Span]) -> bool:
    return any(span[0] == field and start <= span[1] and span[2] <= end for field, start, end in background)


def _plain(link: Attribution, demonyms: dict[Span, str], places: list[Place]) -> Attribution:
    """An origin that is an institution of the one country in the entry goes without its nationality.

    "Tarnish Interior Ministry" and "Interior Ministry" are then one origin; where two countries are named, the
    nationality stays.
    """
    if link.role != "origin" or link.generic or len({place.country for place in places}) != 1 or link.span is None:
        return link
    for demonym in demonyms.values():
        who = without_nationality(link.who, demonym)
        if who != link.who:
            field, _start, end = link.span
            return structs.replace(link, who=who, span=(field, end - len(who), end))
    return link


def _place_of(
    figure: Figure, following: Figure | None, named: list[tuple[Span, str]], headline: str, body: str
) -> str | None:
    """The id of the place that a figure is about: the nearest that its own sentence names after it, else None."""
    field, _start, end = figure.span
    limit = _sentence_end(headline if field == "headline" else body, end)
    if following is not None and following.span[0] == field and following.span[1] > end:
        limit = min(limit, following.span[1])
    after = [(span[1], id_) for span, id_ in named if span[0] == field and end <= span[1] < limit]
    return min(after)[1] if after else None


def _sentence_end(text: str, position: int) -> int:
    bounds = sentences(text)
    index = bisect_left(bounds, position, key=lambda bound: bound[1])
    return bounds[index][1] if index < len(bounds) else position


__all__ = ["MAX_BODY", "VERSION", "EnrichContext", "enrich", "failed", "page_of", "read_entry", "warm"]
