"""Which sentences of two versions are the same sentence, edited: only there is a meaning compared.

A sentence that is wholly new or wholly gone lengthens or shortens a text; it does not turn what was said.
"""

from __future__ import annotations

import re
from collections import Counter
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Final

from processors.diff.wording import UNSPACED
from processors.enrich.text import fold, sentences

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wirewatch.events.entries import TextField

MAX_READ: Final = 20_000
"""Characters of each version that are read for meaning, as the enrichment reads them."""
_MAX_PAIRS: Final = 200_000
"""Sentences compared with each other at most; beyond that the versions are taken as rewritten."""
_PARTS: Final = re.compile(rf"[{UNSPACED}]|[^\s{UNSPACED}]+")
_MAX_EDITED: Final = 100
_SAME_HEADLINE: Final = 0.34
_SAME_SENTENCE: Final = 0.5


def edited_sentences(field: TextField, before: str, after: str) -> list[tuple[str, str]]:
    """The sentences that are in both versions and differ. A headline is one sentence. Pure; bounded work."""
    if field == "headline":
        return [(before, after)] if _likeness(before, after) >= _SAME_HEADLINE else []
    old, new = _sentences_of(before), _sentences_of(after)
    if len(old) * len(new) > _MAX_PAIRS:
        return []
    pairs: list[tuple[str, str]] = []
    for tag, a0, a1, b0, b1 in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "replace":
            pairs += _paired(old[a0:a1], new[b0:b1])
    return pairs[:_MAX_EDITED]


def _sentences_of(text: str) -> list[str]:
    text = text[:MAX_READ]
    return [" ".join(text[start:end].split()) for start, end in sentences(text)]


def _paired(old: Sequence[str], new: Sequence[str]) -> list[tuple[str, str]]:
    """Each old sentence with the first new one, behind the last taken, that keeps half of its words."""
    pairs: list[tuple[str, str]] = []
    position = 0
    for sentence in old:
        for index in range(position, len(new)):
            if _likeness(sentence, new[index]) >= _SAME_SENTENCE:
                pairs.append((sentence, new[index]))
                position = index + 1
                break
    return pairs


def _likeness(one: str, other: str) -> float:
    """The share of words that two sentences have in common, numbers counting as equal."""
    a, b = _bag(one), _bag(other)
    total = a.total() + b.total()
    return 2 * (a & b).total() / total if total else 1.0


def _bag(text: str) -> Counter[str]:
    return Counter("0" if word.isdecimal() else word for word in _PARTS.findall(fold(text[:2_000])))
