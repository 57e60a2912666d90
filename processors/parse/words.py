"""Lists of words as people read them best: one string, split."""

from __future__ import annotations


def word_set(words: str) -> frozenset[str]:
    """``"p div li"`` to a set of three."""
    return frozenset(words.split())
