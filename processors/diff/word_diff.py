"""The word diff of two texts: pieces kept, taken out and put in, whose join gives either text back."""

from __future__ import annotations

import re
from collections import Counter
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

Piece = tuple[Literal["=", "-", "+"], str]

# scripts without spaces are compared sign by sign, else one changed sign would be a changed sentence
_TOKENS = re.compile(
    r"\s+|[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|(?:(?![\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff])\w)+(?:[.,'’](?=\w)\w+)*|[^\w\s]"
)
_WORK = 15_000
"""Pairs of equal words looked at, at most; middles with more are compared sentence by sentence, then as a whole."""


def tokens_of(text: str) -> list[str]:
    """Words, white space and marks, in order; their join is the text."""
    return _TOKENS.findall(text)


def word_diff(before: str, after: str) -> list[Piece]:
    """Linear but for a middle of bounded size: what begins and ends alike is never compared pairwise."""
    a, b = tokens_of(before), tokens_of(after)
    head = _common(a, b)
    tail = _common(a[head:][::-1], b[head:][::-1])
    mid_a, mid_b = a[head : len(a) - tail], b[head : len(b) - tail]
    pieces: list[Piece] = [("=", "".join(a[:head]))]
    pieces += _middle(mid_a, mid_b)
    pieces.append(("=", "".join(a[len(a) - tail :]) if tail else ""))
    return _joined(pieces)


def _common(a: Sequence[str], b: Sequence[str]) -> int:
    n = 0
    for one, other in zip(a, b, strict=False):
        if one != other:
            break
        n += 1
    return n


def _middle(a: list[str], b: list[str]) -> list[Piece]:
    if _work(a, b) > _WORK:
        a, b = _sentences(a), _sentences(b)
        if _work(a, b) > _WORK:
            return [("-", "".join(a)), ("+", "".join(b))]
    pieces: list[Piece] = []
    for tag, a0, a1, b0, b1 in SequenceMatcher(str.isspace, a, b, autojunk=False).get_opcodes():
        if tag == "equal":
            pieces.append(("=", "".join(a[a0:a1])))
        else:
            pieces += [("-", "".join(a[a0:a1])), ("+", "".join(b[b0:b1]))]
    return pieces


def _work(a: Sequence[str], b: Sequence[str]) -> int:
    """How many pairs of equal words the comparison meets in one pass; a thousand ordinary words have some 10,000."""
    here, there = Counter(a), Counter(b)
    return sum(count * there[word] for word, count in here.items() if not word.isspace())


def _sentences(tokens: list[str]) -> list[str]:
    sentences: list[str] = []
    start = 0
    for i, token in enumerate(tokens):
        if token in {".", "!", "?", "。"} or "\n" in token:
            sentences.append("".join(tokens[start : i + 1]))
            start = i + 1
    if start < len(tokens):
        sentences.append("".join(tokens[start:]))
    return sentences


def _joined(pieces: list[Piece]) -> list[Piece]:
    """Neighbouring changes become one, also over the bare white space between two changed words."""
    merged: list[Piece] = []
    gone = put = ""
    held = ""
    for sign, text in pieces:
        if not text:
            continue
        if sign == "=" and (gone or put) and text.isspace():
            held += text
            continue
        if sign == "=":
            merged += [("-", gone)] if gone else []
            merged += [("+", put)] if put else []
            merged.append(("=", held + text))
            gone = put = held = ""
            continue
        if held:
            gone, put, held = gone + held, put + held, ""
        if sign == "-":
            gone += text
        else:
            put += text
    merged += [("-", gone)] if gone else []
    merged += [("+", put)] if put else []
    merged += [("=", held)] if held else []
    return merged
