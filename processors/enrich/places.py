"""Places that the text names: countries, demonyms as their country, regions, former names and towns.

A name counts where it stands as a name: written large, not inside a person's or a paper's name, and for small
towns and common words ("Reading", "Nice") only where the words around it say that a place is meant.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import structs

from processors.enrich.gazetteer import Gazetteer, gazetteer
from processors.enrich.text import word_set
from processors.enrich.towns import Known
from wirewatch.events import Place, Span

if TYPE_CHECKING:
    from wirewatch.events.entries import TextField

MAX_PLACES = 200
_IN = word_set(
    "in near at from outside around toward towards across throughout inside nach bei aus im dans pres vers a en "
    "de desde cerca hacia в из под близ около города городе city town village cities towns"
)
_PLACE_WORDS = word_set(
    "greater downtown central north south east west northern southern eastern western northeastern northwestern "
    "southeastern southwestern city town old new capital occupied mainland metropolitan inner upper lower the in "
    "republic of and or from to for nord sud ost sued"
)
_TITLE_WORD = re.compile(r"[^\W\d_]{4,}")


def find_places(
    fields: list[tuple[TextField, str, str, int]], known: Gazetteer | None = None
) -> tuple[list[Place], dict[Span, str]]:
    """The places that ``(field, text, folded, start)`` name from ``start`` on, in order of first mention.

    The second value gives where demonyms stand, and the demonym as written. Pure; linear in the text.
    """
    table = known or gazetteer()
    places: dict[str, Place] = {}
    demonyms: dict[Span, str] = {}
    for field, text, folded, start in fields:
        titled = field == "headline" and is_titled(text)
        hits = [hit for hit in table.find(folded) if hit[1] >= start and hit[0] is not None]
        for index, (place, begin, end) in enumerate(hits):
            following = hits[index + 1] if index + 1 < len(hits) else None
            if place is None or not _counts(place, text, folded, begin, end, following, titled=titled):
                continue
            if place.shouted and "." in text[begin:end] and text[end : end + 1] == ".":
                end += 1  # noqa: PLW2901 - the last point of "U.S." is its own
            span: Span = (field, begin, end)
            if place.via == "demonym":
                demonyms[span] = text[begin:end]
            seen = places.get(place.id)
            if seen is not None:
                seen.spans.append(span)
                if seen.via == "demonym" and place.via != "demonym":
                    places[place.id] = structs.replace(seen, via=place.via)
            elif len(places) < MAX_PLACES:
                places[place.id] = _place(place, span)
    return list(places.values()), demonyms


def _place(place: Known, span: Span) -> Place:
    return Place(
        name=place.name,
        id=place.id,
        country=place.country,
        lat=place.lat,
        lon=place.lon,
        via=place.via,
        background=False,
        spans=[span],
    )


def is_titled(text: str) -> bool:
    """Whether a headline is written With Capitals, so that a capital says nothing."""
    words = _TITLE_WORD.findall(text)
    return len(words) >= 3 and sum(word[0].isupper() for word in words) * 10 >= len(words) * 8


def _counts(
    place: Known,
    text: str,
    folded: str,
    begin: int,
    end: int,
    following: tuple[Known | None, int, int] | None,
    *,
    titled: bool,
) -> bool:
    word = text[begin:end]
    if not (word[0].isupper() or place.any_case or not word[0].islower()):
        return False
    if place.shouted and not (word.isupper() and not text.isupper()):
        return False
    before, gap = _word_before(text, folded, begin)
    if place.certain:
        return titled or place.via != "name" or not _in_a_name(place, text, before, gap, begin)
    beside = following is not None and _belongs(place, text, end, following)
    if beside:
        return True
    if place.common and titled:
        return False
    # "in Deal", where a capital says something; never "In Reading" of a sentence's first words
    return before in _IN and gap == " " and not (place.common and before in {"a", "de", "of", "from", "to"})


def _belongs(place: Known, text: str, end: int, following: tuple[Known | None, int, int]) -> bool:
    """In "Reading, England" the next place is the one that this one lies in."""
    container, begin, _end = following
    inside = container is not None and container.country == place.country and container.id != place.id
    return inside and text[end:begin] in {", ", " (", " in "}


def _word_before(text: str, folded: str, begin: int) -> tuple[str, str]:
    """The folded word before a place, and what stands between."""
    end = begin
    while end > 0 and folded[end - 1] == " ":
        end -= 1
        if begin - end > 3:
            return "", ""
    start = folded.rfind(" ", max(0, end - 30), end) + 1
    return folded[start:end], text[end:begin]


def _in_a_name(place: Known, text: str, before: str, gap: str, begin: int) -> bool:
    """Whether it is a person's last name: "Michael Jordan", "Jack London"; big towns and unlike countries are not."""
    if gap != " " or not before or before in _PLACE_WORDS or before in _IN or place.population > 1_000_000:
        return False
    if place.id == place.country and place.name not in _NAMESAKES:
        return False
    start = begin - 1 - len(before)
    first_of_sentence = start < 2 or text[start - 2] in ".!?\n\"'“‘-–—("
    return text[start].isupper() and not text[start : begin - 1].isupper() and not first_of_sentence


_NAMESAKES = frozenset(
    {"Jordan", "Chad", "Israel", "Georgia", "Guinea", "Ireland", "Holland", "Cuba", "Malta", "Kenya"}
)
