"""Text made ready for reading: folded for lookup, cut into sentences and words, offsets always the original's.

`fold` keeps the length: one code point in, one out. What is found in the folded text therefore lies at the
same place in the text as it was, and spans need no translation.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

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


@lru_cache(maxsize=16)  # every lexicon wants the same few texts' words, one after another
def words_of(folded: str) -> tuple[list[str], list[int], dict[str, list[int]]]:
    """The words of a folded text, where each begins, and each word's indexes. Shared: read only."""
    words = folded.split(" ")
    starts = [total + number for number, total in enumerate(accumulate(map(len, words), initial=0))]
    indexes: dict[str, list[int]] = {}
    for index, word in enumerate(words):
        if word in indexes:
            indexes[word].append(index)
        else:
            indexes[word] = [index]
    return words, starts, indexes


class Lexicon(Generic[T]):
    """Phrases looked up by their words, whole words only, the longest where several begin together.

    A text costs one look for each of its words, and one more for each longer phrase that begins with it.
    """

    def __init__(self, phrases: Mapping[str, T]) -> None:
        self._known = {key: payload for phrase, payload in phrases.items() if (key := " ".join(fold(phrase).split()))}
        self._longer: dict[str, list[str]] = {}  # phrases by their first two words, the longest first
        self._firsts: set[str] = set()
        for key in self._known:
            first, space, rest = key.partition(" ")
            self._firsts.add(first)
            if space:
                self._longer.setdefault(f"{first} {rest.partition(' ')[0]}", []).append(key)
        for longer in self._longer.values():
            longer.sort(key=len, reverse=True)

    def get(self, phrase: str) -> T | None:
        """What stands for a folded phrase, its words apart by one space; None where it is not known."""
        return self._known.get(phrase)

    def items(self) -> Iterable[tuple[str, T]]:
        """Each folded phrase and what stands for it."""
        return self._known.items()

    def find(self, folded: str) -> list[tuple[T, int, int]]:
        """``(payload, start, end)`` of each hit, in order. ``folded`` is what `fold` gave."""
        words, starts, indexes = words_of(folded)
        known, longer = self._known, self._longer
        firsts = self._firsts.intersection(indexes)
        if not firsts:
            return []
        found: list[tuple[T, int, int]] = []
        done = 0
        for index in sorted([index for word in firsts for index in indexes[word]]):
            start, phrase = starts[index], words[index]
            if start < done:
                continue
            pair = f"{phrase} {words[index + 1]}" if index + 1 < len(words) else ""
            if pair in longer:
                phrase = _longest(longer[pair], folded, start) or phrase
            if phrase in known:
                done = start + len(phrase)
                found.append((known[phrase], start, done))
        return found


def _longest(phrases: list[str], folded: str, start: int) -> str | None:
    for phrase in phrases:
        end = start + len(phrase)
        if folded.startswith(phrase, start) and (end == len(folded) or folded[end] == " "):
            return phrase
    return None


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
