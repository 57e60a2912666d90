"""What an edit does to a claim: turned by a "not", told by another, less or more sure, somewhere else, corrected."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from processors.diff import lexicon
from processors.diff.edited import MAX_READ
from processors.diff.word_diff import word_diff
from processors.enrich.attribution import find_attribution
from processors.enrich.hedges import DENIED_THINGS, hedging_words
from processors.enrich.places import find_places
from processors.enrich.text import Lexicon, fold, sentences

if TYPE_CHECKING:
    from collections.abc import Sequence

    from processors.diff.word_diff import Piece
    from wirewatch.events.entries import TextField

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_QUOTED = re.compile(
    r"“[^”]{0,400}”|«[^»]{0,400}»|„[^“”]{0,400}[“”]|\"[^\"]{0,400}\"|(?<!\w)['‘][^'‘’]{0,200}['’](?!\w)"
)
_NOT_ONLY = re.compile(
    r"\b(?:not only|nicht nur|non seulement|pas seulement|no s[oó]lo|не только|no\.? (?=\d)|no less than|not least)\b",
    re.IGNORECASE,
)
_NOTICES: Final = tuple(re.compile(pattern, re.IGNORECASE | re.MULTILINE) for pattern in lexicon.CORRECTIONS)
_POSSIBLE: Final = Lexicon(dict.fromkeys(lexicon.POSSIBLE, True))
_CUES: Final = Lexicon(dict.fromkeys(lexicon.SOURCE_CUES, True))
_NEAR: Final = 3
_ARTICLES: Final = frozenset(["the", "a", "an", "der", "die", "das", "le", "la", "les", "l", "el", "los", "las"])


def is_negated_anew(before: str, after: str) -> bool:
    """Whether a "not" or a denial came into a sentence or left it. A new quotation's own words do not count."""
    old, new = _without_new_quotes(before, after), _without_new_quotes(after, before)
    return _negations(old) != _negations(new)


def _without_new_quotes(text: str, other: str) -> str:
    """The text without the quotations that the other version has nothing like."""
    quotes = [fold(match.group()).split() for match in _QUOTED.finditer(other)]

    def kept(match: re.Match[str]) -> str:
        words = fold(match.group()).split()
        like = any(2 * len(set(words) & set(quote)) >= max(len(set(words)), len(set(quote))) for quote in quotes)
        # what is said in both versions, though quoted in one only, is said in both
        return match.group() if like or " ".join(words) in " ".join(fold(other).split()) else " "

    return _QUOTED.sub(kept, text)


def _negations(text: str) -> tuple[int, int]:
    """How many negations, those close together counting once ("никто не"), and how many denials."""
    text = DENIED_THINGS.sub(" ", _NOT_ONLY.sub(" ", text))
    particles = denials = 0
    last = -_NEAR - 1
    for index, match in enumerate(_WORD.finditer(text)):
        word = match.group().casefold().replace("’", "'")
        if word in lexicon.DENIALS:
            denials += 1
        elif word == "non" and text[match.end() : match.end() + 1] == "-":
            continue  # "non-profit"
        elif word in lexicon.NEGATIONS or word.endswith("n't"):
            particles += index - last > _NEAR
            last = index
    return particles, denials


def is_attributed_anew(field: TextField, before: str, after: str) -> bool:
    """Whether another is named as the one who says it, or nobody any more, or somebody at last."""
    old, new = _sources(field, before), _sources(field, after)
    if old or new:
        return _any_other(old, new, after) or _any_other(new, old, before)
    return bool(_CUES.find(fold(before))) != bool(_CUES.find(fold(after)))


def _sources(field: TextField, text: str) -> list[frozenset[str]]:
    chain = find_attribution(text, "") if field == "headline" else find_attribution("", text)
    names = [fold(link.who).replace("authorities", "officials") for link in chain if link.role != "own-reporting"]
    return [frozenset(name.split()) - _ARTICLES for name in names]


def _any_other(sources: Sequence[frozenset[str]], others: Sequence[frozenset[str]], text: str) -> bool:
    """Whether one is not among the others, be it by a longer or shorter name: "Lindqvist", "Anna Lindqvist".

    Nor does one count that the other version names too: it is there, though not read as a source.
    """
    named = set(fold(text).split())
    return any(not one <= named and not any(one <= other or other <= one for other in others) for one in sources)


def is_hedged_anew(field: TextField, before: str, after: str) -> bool:
    """Whether a claim became a fact, or a fact a claim: "reportedly" gone, "may have" put in, a question answered."""
    return _hedges(field, before) != _hedges(field, after)


def _hedges(field: TextField, text: str) -> set[str]:
    found: set[str] = {str(hedge) for hedge in hedging_words(text) if hedge != "denied"}
    folded = fold(text)
    if any(text[start].islower() or start == 0 for _payload, start, _end in _POSSIBLE.find(folded)):
        found.add("possible")  # "May" within a sentence is the month
    if field == "headline" and text.rstrip().endswith("?"):
        found.add("asked")
    return found


def is_placed_anew(before: str, after: str) -> bool:
    """Whether a place gave way to another. A country and a town of its own are the same place."""
    old, new = _places(before), _places(after)
    gone, put = old.keys() - new.keys(), new.keys() - old.keys()
    if gone and put:
        return any(old[one] != new[other] or (one != old[one] and other != new[other]) for one in gone for other in put)
    return not gone and not put and _name_changed(word_diff(before, after))


def _places(text: str) -> dict[str, str | None]:
    """The ids of the places a sentence names, with their country."""
    places, _demonyms = find_places([("body", text, fold(text), 0)])
    return {place.id: place.country for place in places}


def _name_changed(diff: Sequence[Piece]) -> bool:
    """A name that no table knows, right after "in", "at", "near" or as a dateline, gave way to another name."""
    lead = ""
    for i, (sign, text) in enumerate(diff):
        if sign == "=":
            lead = text
        elif sign == "-" and i + 1 < len(diff) and diff[i + 1][0] == "+":
            old, new = text.split(), diff[i + 1][1].split()
            if not old or not new or not (_is_name(old[0]) and _is_name(new[0])):
                continue
            words = lead.split()
            after = diff[i + 2][1] if i + 2 < len(diff) else ""
            if words and words[-1].casefold() in lexicon.LOCATIVES:
                return True
            if not words and re.match(r"^[^.]{0,40}?(?:\(\w[\w ./]*\)\s*)?[-–—]\s", after) and old[0].isupper():
                return True
    return False


def _is_name(word: str) -> bool:
    return word[:1].isupper() and fold(word).strip() not in lexicon.NO_PLACES


def new_notices(before: str, after: str) -> bool:
    """Whether the source says itself, in words that were not there before, that it corrects what it said."""
    known = _notice_sentences(before)
    return any(sentence not in known for sentence in _notice_sentences(after))


def _notice_sentences(text: str) -> set[str]:
    text = text[:MAX_READ]
    found = set()
    for start, end in sentences(text):
        sentence = text[start:end]
        if any(pattern.search(sentence) is not None for pattern in _NOTICES):
            found.add(" ".join(fold(sentence).split()))
    return found
