"""Slips of the pen: an edit that puts a spelling right and says nothing else."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final

from processors.diff import lexicon
from processors.enrich.gazetteer import gazetteer
from processors.enrich.text import fold
from processors.enrich.words import FIGURE_WORDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from processors.diff.word_diff import Piece

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_QUOTES = re.compile("[\"“”«»„]|(?<!\\w)['‘’]|['‘’](?!\\w)")
_NUMBERS: Final = frozenset(word for words in FIGURE_WORDS.values() for word in (*words.numbers, *words.vague))
_SHORT: Final = 4
_LONG: Final = 6


def is_typo(diff: Sequence[Piece]) -> bool:
    """Only marks, case or accents changed, or at most two words by a letter; never a number, name of a place or "not".

    A question mark and quotation marks are no such marks: they say how sure the source is, and whose words they are.
    """
    gone = "".join(text for sign, text in diff if sign == "-")
    put = "".join(text for sign, text in diff if sign == "+")
    if any(c.isdigit() for c in gone + put):
        return False
    if gone.count("?") != put.count("?") or len(_QUOTES.findall(gone)) != len(_QUOTES.findall(put)):
        return False
    if _letters("".join(t for s, t in diff if s != "+")) == _letters("".join(t for s, t in diff if s != "-")):
        return True
    old, new = _words(gone), _words(put)
    if not old or len(old) != len(new) or len(old) > 2:
        return False
    return all(a == b or (not _means_something(a, b) and _one_slip(a, b)) for a, b in zip(old, new, strict=True))


def _words(text: str) -> list[str]:
    return [word.casefold().replace("’", "'") for word in _WORD.findall(text)]


def _letters(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in plain if c.isalnum())


def _means_something(one: str, other: str) -> bool:
    """Whether the two are words that the classes turn on, or both places (Iran and Iraq)."""
    known = lexicon.NEGATIONS | lexicon.DENIALS | lexicon.HEDGE_WORDS | _NUMBERS
    if {one, other} & known or {fold(one), fold(other)} & known:
        return True
    return gazetteer().knows(one) and gazetteer().knows(other)


def _one_slip(a: str, b: str) -> bool:
    """One letter too many, too few, wrong, doubled or swapped with its neighbour; not another word's ending."""
    if abs(len(a) - len(b)) > 1 or min(len(a), len(b)) < _SHORT:
        return False
    start = 0
    while start < min(len(a), len(b)) and a[start] == b[start]:
        start += 1
    end = 0
    while end < min(len(a), len(b)) - start and a[-1 - end] == b[-1 - end]:
        end += 1
    rest_a, rest_b = a[start : len(a) - end], b[start : len(b) - end]
    if not rest_a or not rest_b:
        # a letter at a word's end is more often grammar than a slip, and one before its head another word
        return end > 0 and start > 0 and len(rest_a) + len(rest_b) <= 1
    if rest_a == rest_b[::-1] and len(rest_a) == 2:
        return True
    # one letter for another makes another word of a short one: mile and mine, shot and shut
    return len(rest_a) == len(rest_b) == 1 and start > 0 and end > 0 and len(a) >= _LONG
