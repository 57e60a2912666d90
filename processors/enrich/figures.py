"""Figures: how many were killed, injured, detained, arrested, missing, taken to hospital, evacuated, displaced.

A number becomes a figure by the words around it, inside its own sentence. What speaks of no people and of
no counted thing (times, dates, ages, prices, names such as "Channel 24") is none.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from msgspec import Struct, structs

from processors.enrich.kinds import KindReader, Reading
from processors.enrich.numbers import Tokens, read_tokens
from processors.enrich.text import Lexicon, fold, sentences, word_set
from processors.enrich.words import FIGURE_WORDS, PHRASES
from wirewatch.events import Figure

if TYPE_CHECKING:
    from wirewatch.events.entries import TextField

MAX_FIGURES = 100
_DIGIT = re.compile("[0-9]")  # folding has made every script's digits these


class Found(Struct):
    """A figure as first read, before figures are told apart from repetitions. Indexes are into one list."""

    reading: Reading
    sentence: int
    subset_of: int | None = None


@cache
def _triggers(language: str) -> Lexicon[bool]:
    words = FIGURE_WORDS[language]
    spelt = [*words.numbers, *words.vague, *words.equal]
    return Lexicon(dict.fromkeys(spelt, True))


def reading_language(language: str | None, folded: str) -> str:
    """The language whose words are used: the given one if its words are known, else by the script and small words."""
    if language in FIGURE_WORDS:
        return language
    if any("а" <= char <= "я" for char in folded[:200]):
        return "ru"
    if language is not None:
        return "en"
    words = set(folded[:400].split())
    scores = {code: len(words & small) for code, small in _SMALL_WORDS.items()}
    best = max(scores, key=lambda code: scores[code])
    return best if scores[best] > scores["en"] else "en"


_SMALL_WORDS = {
    "en": word_set("the of and in to after at least over more than killed injured as during"),
    "de": word_set(
        "der die das und bei nach mindestens wurden tote verletzte mehr als im in von menschen polizei wird nicht mit"
    ),
    "fr": word_set("le la les des au moins dans apres plus et morts blesses une du personnes"),
    "es": word_set("el los las del al menos en mas y tras muertos heridos por una personas"),
    "ru": frozenset(),
}


def find_figures(text: str, field: TextField, language: str | None) -> list[Figure]:
    """The figures of one plain text, in order of place. Pure; linear in the text.

    ``language`` None: told by script and small words. ``subset_of`` and ``same_as`` are indexes into this list.
    """
    folded = fold(text)
    return link_figures([(field, text, folded)], reading_language(language, folded))


def link_figures(fields: list[tuple[TextField, str, str]], language: str) -> list[Figure]:
    """The figures of several fields ``(field, text, folded)`` as one list, repetitions linked by ``same_as``."""
    figures: list[Figure] = []
    for field, text, folded in fields:
        base = len(figures)
        for found in _read_field(text, folded, language)[: MAX_FIGURES - base]:
            figure = _figure(found.reading, text, field)
            if found.subset_of is not None:
                figure = structs.replace(figure, subset_of=base + found.subset_of)
            elif (same := _repeats(figure, figures)) is not None:
                figure = structs.replace(figure, same_as=same)
            figures.append(figure)
    return figures


def _read_field(text: str, folded: str, language: str) -> list[Found]:
    words = FIGURE_WORDS[language]
    spots = sorted(start for _payload, start, _end in _triggers(language).find(folded))
    if not spots and _DIGIT.search(folded) is None:
        return []
    found: list[Found] = []
    spot = 0
    for number, (start, end) in enumerate(sentences(text)):
        while spot < len(spots) and spots[spot] < start:
            spot += 1
        spelt = spot < len(spots) and spots[spot] < end
        if not spelt and _DIGIT.search(folded, start, end) is None:
            continue
        _read_sentence(read_tokens(text, folded, start, end, words), language, number, found)
        if len(found) >= MAX_FIGURES:
            break
    return found


def _read_sentence(tokens: Tokens, language: str, number: int, found: list[Found]) -> None:
    """Read one sentence's numbers. A kind once said holds for the numbers joined to it ("3 and 5 killed")."""
    words, phrases = FIGURE_WORDS[language], PHRASES[language]
    reader = KindReader(tokens, words, phrases)
    for reading in reader.readings():
        previous = found[-1] if found and found[-1].sentence == number else None
        if reading.value is None:
            if previous is None:
                continue
            reading.value = previous.reading.value
        subset = len(found) - 1 if reading.including and previous is not None else None
        if subset is not None and previous is not None and previous.subset_of is not None and reading.listed:
            subset = previous.subset_of
        found.append(Found(reading, number, subset))


def _figure(reading: Reading, text: str, field: TextField) -> Figure:
    value = float(reading.value or 0)
    low: float | None = value
    high: float | None = value
    if reading.low is not None:
        low, high = reading.low, value
    elif reading.qualifier in {"over", "at-least"}:
        high = None
    elif reading.qualifier == "at-most":
        low = None
    elif reading.qualifier == "about":
        low = high = None
    return Figure(
        kind=reading.kind,
        value=value,
        min=low,
        max=high,
        qualifier=reading.qualifier,
        unit=reading.unit,
        text=text[reading.start : reading.end],
        span=(field, reading.start, reading.end),
    )


def _repeats(figure: Figure, before: list[Figure]) -> int | None:
    """The first earlier figure that this one says again: the same, or the exact number of a rounded one."""
    for index, other in enumerate(before):
        if _same_kind(figure, other) and figure.unit == other.unit and _same_number(figure, other):
            return index if other.same_as is None else other.same_as
    return None


def _same_kind(figure: Figure, other: Figure) -> bool:
    return figure.kind == other.kind or {figure.kind, other.kind} == {"detained", "arrested"}


def _same_number(figure: Figure, other: Figure) -> bool:
    if figure.value == other.value:
        return True
    if figure.kind == "other" or (figure.qualifier == "exact") == (other.qualifier == "exact"):
        return False
    exact, rounded = (figure, other) if figure.qualifier == "exact" else (other, figure)
    # "over 3,800" and 3,811 are one count; "over 100" and 350 are not
    share = (exact.value - rounded.value) / max(rounded.value, 1.0)
    if rounded.qualifier in {"over", "at-least"}:
        return 0 <= share <= 0.1
    if rounded.qualifier == "at-most":
        return -0.1 <= share <= 0
    return abs(share) <= 0.1
