"""Text made ready for reading: folded for lookup, cut into sentences and words, offsets always the original's.

`fold` keeps the length: one code point in, one out. What is found in the folded text therefore lies at the
same place in the text as it was, and spans need no translation.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, Generic, TypeVar

from ahocorasick_rs import MATCHKIND_STANDARD, AhoCorasick

if TYPE_CHECKING:
    from collections.abc import Mapping

T = TypeVar("T")


def word_set(text: str) -> frozenset[str]:
    """``"a b c"`` as a set of words."""
    return frozenset(text.split())


MAX_SENTENCE = 800
_ASCII = bytes(ord(chr(i).lower()) if chr(i).isalnum() else 32 for i in range(128)) + bytes(range(128, 256))
_SURROGATE = re.compile("[\ud800-\udfff]")
# every quantifier is bounded and no two neighbours can match the same text: hostile bodies cost linear time
_STOP = re.compile(r"""\n|[.!?…。！？]["'”’»)\]]{0,3}\s{1,4}""")
_OPENING = "\"'“‘«([#—–-"
_ABBREVIATIONS = word_set(
    "dept mr mrs ms dr st gen col sgt lt capt prof sen rep gov no inc ltd co corp vs etc jr sr feb jan aug sept "
    "sep oct nov dec mar apr approx bzw ca nr hr fr u s m mm mme г ул им т д тыс млн"
)


class _Fold(dict[int, int]):
    """Code point to its folded one, worked out when first met."""

    def __missing__(self, code: int) -> int:
        folded = self[code] = _fold_one(chr(code))
        return folded


def _fold_one(char: str) -> int:
    if not char.isalnum():
        # marks that build a syllable (Devanagari, Arabic) belong to their word
        return ord(char) if unicodedata.category(char)[0] == "M" else 32
    digit = unicodedata.decimal(char, None)
    if digit is not None:
        return 48 + digit
    lower = char.lower()[0]
    parts = unicodedata.normalize("NFKD", lower)
    if parts[0].isalnum() and all(unicodedata.combining(part) for part in parts[1:]):
        return ord(parts[0])
    return ord(lower)


_FOLD = _Fold()


def fold(text: str) -> str:
    """Lower case, no diacritics, digits as ASCII, everything but letters and digits a space; the same length."""
    if text.isascii():
        return text.encode("ascii").translate(_ASCII).decode("ascii")
    return text.translate(_FOLD)


def clean(text: str) -> str:
    """The text without lone surrogates (each replaced, so that offsets stay): they cannot be encoded."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


class Lexicon(Generic[T]):
    """Phrases looked up all at once (Aho-Corasick), whole words only, the longest where several begin together."""

    def __init__(self, phrases: Mapping[str, T]) -> None:
        folded = {" " + " ".join(fold(phrase).split()): payload for phrase, payload in phrases.items()}
        folded.pop(" ", None)
        self._payloads = list(folded.values())
        self._automaton = AhoCorasick(list(folded), matchkind=MATCHKIND_STANDARD)

    def find(self, folded: str) -> list[tuple[T, int, int]]:
        """``(payload, start, end)`` of each hit, in order. ``folded`` is what `fold` gave."""
        haystack = f" {folded} "  # patterns begin with a space, so nothing is found inside a word
        # all overlapping ones: one that ends inside a word must not hide a whole one that begins later
        whole = [
            (start, -end, index)
            for index, start, end in self._automaton.find_matches_as_indexes(haystack, overlapping=True)
            if haystack[end] == " "
        ]
        whole.sort()
        found: list[tuple[T, int, int]] = []
        done = 0
        for start, minus_end, index in whole:
            if start >= done:
                done = -minus_end
                found.append((self._payloads[index], start, done - 1))
        return found


@lru_cache(maxsize=32)  # several readers want the same text's sentences, one after another
def sentences(text: str) -> tuple[tuple[int, int], ...]:
    """Start and end of each sentence; a line's end is always one, an overlong sentence is cut."""
    found: list[tuple[int, int]] = []
    start = 0
    for match in _STOP.finditer(text):
        end = match.end()
        if text[match.start()] != "\n" and not _ends_sentence(text, match.start(), end):
            continue
        _add(found, text, start, end)
        start = end
    _add(found, text, start, len(text))
    return tuple(found)


def _ends_sentence(text: str, stop: int, end: int) -> bool:
    if end < len(text) and text[end].islower():
        return False
    if text[stop] != "." or (end < len(text) and text[end] in _OPENING):
        return True
    begin = max(text.rfind(" ", max(0, stop - 12), stop), text.rfind(".", max(0, stop - 12), stop)) + 1
    word = text[max(begin, stop - 12) : stop].lower()
    return word not in _ABBREVIATIONS and not (len(word) == 1 and word.isalpha())


def _add(found: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    while start < end and text[start].isspace():
        start += 1
    while start < end:
        cut = min(end, start + MAX_SENTENCE)
        if cut < end:
            space = text.rfind(" ", start + MAX_SENTENCE // 2, cut)
            cut = space + 1 if space > 0 else cut
        found.append((start, cut))
        start = cut


def paragraphs(text: str) -> list[tuple[int, int]]:
    """Start and end of each line that is not empty, white space at its ends left out."""
    found: list[tuple[int, int]] = []
    start = 0
    for line in text.split("\n"):
        stripped = line.strip()
        if stripped:
            begin = start + line.index(stripped[0])
            found.append((begin, begin + len(stripped)))
        start += len(line) + 1
    return found
