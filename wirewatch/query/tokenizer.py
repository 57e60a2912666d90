"""One tokenizer for the index and for the matcher, so that both mean the same by a word.

NFKC, casefold, no diacritics; a possessive 's is dropped; digit groups are one number (``4,000`` is ``4000``);
letters and digits part (``10km`` is ``10 km``); whatever else stands between letters parts them too, so that
a hyphen makes a phrase. Scripts without spaces give overlapping pairs of characters and, at a run's end, its
last character alone: a search for one character is then a prefix search. No stemming.

`words` is the fast way, `tokenize` gives each token's place in the original text as well; a property test
holds both to the same tokens. Time is linear in the text.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from functools import cache, lru_cache
from typing import NamedTuple

TOKENIZER_VERSION = f"1/unicode-{unicodedata.unidata_version}"
"""Changes whenever the same text may give other tokens: an index built by another version is built anew."""


class Token(NamedTuple):
    """A token and where it stands: ``text[start:end]``, in code points of the original text."""

    text: str
    start: int
    end: int


class PhraseTokens(NamedTuple):
    """The tokens of a piece of a query. ``prefix``: the last one is only the beginning of a token."""

    tokens: tuple[str, ...]
    prefix: bool


# Scripts written without spaces: Thai, Lao, Myanmar, Khmer, Han, kana, Bopomofo. Their own digits are digits.
_UNSPACED = (
    "\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ebd\u0ec0-\u0ece\u0edc-\u0edf\u1000-\u103f\u1050-\u108f\u109a-\u109d"
    "\u1780-\u17d3\u17d7\u17dc\u17dd\u2e80-\u2fd5\u3005-\u3007\u3021-\u302f\u3038-\u303b\u3041-\u309a\u309d-\u309f"
    "\u30a1-\u30fa\u30fc-\u30ff\u3105-\u312f\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua9e0-\ua9ef"
    "\ua9fa-\ua9fe\uaa60-\uaa7f\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"
)
# Inside a word these are as if not there: soft hyphen, joiners, variation selectors.
_IGNORED = "\u00ad\u034f\u200c\u200d\u2060\ufeff\ufe00-\ufe0f\U000e0100-\U000e01ef"
# Marks that are diacritics of Latin, Greek, Cyrillic, Hebrew and Arabic; others (Indic vowels) are letters to us.
_DIACRITICS = re.compile(
    "[\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670"
    "\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20f0\ufe20-\ufe2f"
    f"{_IGNORED}]+"
)
_STROKES = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ħ": "h", "ŧ": "t", "ı": "i", "ɨ": "i", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th"}
)

# A number: groups of three under one kind of sign; dots only where they clearly group (twice, or before "…0");
# the Indian way of two and three; a decimal fraction. `_number` turns what matched into plain digits.
_DOTTED = r"\d{1,3}+(?:\.\d{3}){2,}+(?:,\d++)?|[1-9]\d{0,2}+\.\d\d0"
_GROUPED = (
    rf"(?<!\d[.,'’])(?:{_DOTTED}|(?:\d{{1,3}}+(?:(?:[,，]\d{{3}})++|(?:['’]\d{{3}})++"
    r"|(?:[\u00a0\u2007\u2009\u202f\u066c]\d{3})++)|\d{1,2}+(?:,\d{2}(?=,))++,\d{3})(?:[.\u066b]\d++)?)(?![.,]?\d)"
)
_NUMBER = rf"{_GROUPED}|(?<!\d\.)\d++[.\u066b]\d++(?!\.?\d)|\d++"
_POSSESSIVE = r"(?:['’‘＇][sSｓＳ](?![^\W_]))?"
_ASCII = re.compile(rf"([a-z]++|{_NUMBER}){_POSSESSIVE}", re.ASCII)
_DOTTED_NUMBER = re.compile(_DOTTED)
_ALL_UNSPACED = re.compile(f"[{_UNSPACED}]+")
_SHORT = 40  # longer pieces are not worth remembering: they rarely come again
_NO_DIGIT_NOR_POINT = re.compile(r"[^\d.]")


@cache
def _general() -> re.Pattern[str]:
    """The pattern for any text; made when first needed, because Python's re knows no class of marks."""
    marks = _marks()
    letter = rf"[^\W\d_{_UNSPACED}]"
    word = rf"{letter}++(?:[{marks}{_IGNORED}]++{letter}*+)*+"
    unspaced = f"[{_UNSPACED}][{_UNSPACED}{_IGNORED}]*+"
    return re.compile(rf"({word}|{unspaced}|{_NUMBER}){_POSSESSIVE}")


def _marks() -> str:
    """All combining marks outside the unspaced scripts, as the inside of a character class."""
    unspaced = re.compile(f"[{_UNSPACED}]")
    ranges: list[list[int]] = []
    for code in range(0x300, 0x1F000):
        char = chr(code)
        if unicodedata.category(char)[0] == "M" and not unspaced.match(char):
            if ranges and ranges[-1][1] == code - 1:
                ranges[-1][1] = code
            else:
                ranges.append([code, code])
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in ranges)


def words(text: str) -> list[str]:
    """The tokens of a text, in order."""
    tokens: list[str] = []
    if text.isascii():
        # most of a text is plain words between white space; the rest repeats, so its tokens are remembered
        for chunk in text.lower().split():
            if chunk.isalpha():
                tokens.append(chunk)
            else:
                tokens += _remembered(chunk) if len(chunk) <= _SHORT else _chunk(chunk)
        return tokens
    # not at every white space: narrow and no-break spaces group digits
    for chunk in text.replace("\n", " ").split(" "):
        if chunk.isascii() and chunk.isalpha():
            tokens.append(chunk.lower())
        else:
            tokens += _remembered(chunk) if len(chunk) <= _SHORT else _chunk(chunk)
    return tokens


def _chunk(chunk: str) -> tuple[str, ...]:
    """The tokens of a piece between spaces."""
    if chunk.isascii():
        return tuple(run if run.isalnum() else _number(run) for run in _ASCII.findall(chunk.lower()))
    return tuple(token for run in _general().findall(chunk) for token in _fold(run))


_remembered = lru_cache(maxsize=65_536)(_chunk)


def tokenize(text: str) -> list[Token]:
    """The tokens of a text with their places in it."""
    if text.isascii():
        found = _ASCII.finditer(text.lower())
        return [Token(m[1] if m[1].isalnum() else _number(m[1]), *m.span(1)) for m in found]
    tokens: list[Token] = []
    for match in _general().finditer(text):
        run, start, end = match[1], match.start(1), match.end(1)
        folded = _fold(run)
        if len(folded) > 1 and len(folded[0]) <= 2 and _ALL_UNSPACED.match(run):
            tokens += _unspaced_spans(run, folded, start, end)
        else:
            tokens += [Token(token, start, end) for token in folded]
    return tokens


def phrase_tokens(text: str) -> PhraseTokens:
    """The tokens of a piece of a query, such that they are found in any text that goes on after it.

    In a script without spaces the last character alone ends a run in a text; in a query more may follow it.
    """
    tokens = words(text)
    if not tokens or len(tokens[-1]) != 1 or not _ALL_UNSPACED.match(tokens[-1]):
        return PhraseTokens(tuple(tokens), prefix=False)
    if len(tokens) > 1 and len(tokens[-2]) == 2 and tokens[-2][1] == tokens[-1]:
        return PhraseTokens(tuple(tokens[:-1]), prefix=False)
    return PhraseTokens(tuple(tokens), prefix=True)


def _number(run: str) -> str:
    """``4,000`` -> ``4000``, ``1.234,5`` -> ``1234.5``: ASCII digits and at most one point."""
    if not run.isascii():
        run = "".join(str(unicodedata.decimal(char)) if char.isdecimal() else char for char in run)
    if run.isdecimal():
        return run
    if _DOTTED_NUMBER.fullmatch(run):
        return run.replace(".", "").replace(",", ".")
    return _NO_DIGIT_NOR_POINT.sub("", run.replace("\u066b", "."))


def _normal(run: str) -> str:
    """NFKC, casefold, no diacritics; applying it again changes nothing."""
    for _turn in range(3):  # a few letters need a second turn, none a third
        folded = unicodedata.normalize("NFKC", run).casefold()
        bare = _DIACRITICS.sub("", unicodedata.normalize("NFD", folded)).translate(_STROKES)
        normal = unicodedata.normalize("NFKC", bare)
        if normal == run:
            break
        run = normal
    return run


def _fold(run: str) -> tuple[str, ...]:
    """The tokens of one run of letters, one number, or one stretch of an unspaced script."""
    if run[0].isdecimal():
        return (_number(run),)
    if run.isascii():
        return (sys.intern(run.lower()),)
    normal = _normal(run)
    if _ALL_UNSPACED.fullmatch(normal):
        return _pairs(normal)
    if normal.isalpha():
        pieces = _general().findall(normal)
        if pieces == [normal]:
            return (normal,)
    tokens: list[str] = []  # ½, ㎏, x²: what the normal form is made of
    for piece in _general().findall(normal):
        if piece[0].isdecimal():
            tokens.append(_number(piece))
        elif _ALL_UNSPACED.fullmatch(piece):
            tokens += _pairs(piece)
        else:
            tokens.append(piece)
    return tuple(tokens)


def _pairs(run: str) -> tuple[str, ...]:
    """``ABC`` -> ``AB BC C``."""
    return (*(run[at : at + 2] for at in range(len(run) - 1)), run[-1])


def _unspaced_spans(run: str, folded: tuple[str, ...], start: int, end: int) -> list[Token]:
    """Where each pair stands in the original; the whole run where the normal form is not made letter by letter."""
    places: list[tuple[int, int]] = []
    normal = ""
    at = 0
    while at < len(run):
        stop = at + 1
        while stop < len(run) and (unicodedata.category(run[stop])[0] in "MC" or run[stop] in "ﾞﾟ"):
            stop += 1
        piece = _normal(run[at:stop])
        if len(piece) == stop - at:
            places += [(start + at + nth, start + at + nth + 1) for nth in range(len(piece))]
        else:
            places += [(start + at, start + stop)] * len(piece)
        normal += piece
        at = stop
    if len(normal) != len(folded) or _pairs(normal) != folded:
        return [Token(token, start, end) for token in folded]
    ends = [places[min(nth + len(token) - 1, len(places) - 1)][1] for nth, token in enumerate(folded)]
    return [Token(token, places[nth][0], ends[nth]) for nth, token in enumerate(folded)]
