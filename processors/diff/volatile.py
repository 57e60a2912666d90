"""Numbers that change alone and say nothing: points, comment counts, views. Learned, then silent.

A place is a number in a text, named by the word next to it (``23 Kommentare``, also across a colon: ``Views: 12``), by
the mark before it where there is no word or the text ends (``★ 12``), or the whole text where that is numbers only
(``186 28``). It is
volatile once it changed alone in at least half of all observed changes, in `BODIES` distinct bodies, again and again in
the same entries, and at least three entries hold it. It is forgotten below one in ten. Numbers of people harmed are
never learned (`processors.diff.counted`): those are the news.
"""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Final

import msgspec

from processors.diff.counted import MAX_TOKENS, counts_news
from processors.diff.wording import RELATIVE_TIME, short_hash, visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from processors.diff.memory import VolatileSeen

BODIES = 8
_PLACES = 256
_ENTRIES = 32
_STEM = 5
_TOKENS: Final = re.compile(r"\d+(?:(?:(?!\.\s)[\s.,:/'’-])+\d+)*|[^\W\d]+|[^\w\s]")
"""As `processors.diff.counted` reads them, but that a number is not one with the last of the sentence before it."""
_NO_LABELS = frozenset(".,;!?…'’\"-–—/")
"""Marks that stand before any number in a sentence, so that they name none."""
_CLOSING = frozenset(")]}")

Texts = tuple[str, str]
"""Headline and body."""


def places_changed(before: Texts, after: Texts) -> set[str] | None:
    """The places at which two versions differ, where they differ in single numbers only; else None."""
    places: set[str] = set()
    for mark, one, other in (("h", before[0], after[0]), ("b", before[1], after[1])):
        if one == other:
            continue
        found = _places_between(one, other)
        if found is None:
            return None
        places.update(mark + place for place in found)
    return places or None


def _places_between(one: str, other: str) -> set[str] | None:
    a, b = _TOKENS.findall(one), _TOKENS.findall(other)
    if max(len(a), len(b)) > MAX_TOKENS:
        return None
    shape_a, shape_b = _shape(a), _shape(b)
    if shape_a == shape_b:
        return {place for i in range(len(a)) if a[i] != b[i] and a[i][0].isdigit() for place in _names(a, i)}
    places: set[str] = set()
    for tag, a0, a1, b0, b1 in SequenceMatcher(None, shape_a, shape_b, autojunk=False).get_opcodes():
        if tag == "equal":
            places.update(n for i in range(a1 - a0) if a[a0 + i] != b[b0 + i] for n in _names(a, a0 + i))
            continue
        tokens, at, end = (a, a0, a1) if tag == "delete" else (b, b0, b1)
        # "1 Kommentar" that was not there before, or is gone
        if tag == "replace" or end - at > 2 or not tokens[at][0].isdigit():
            return None
        places.update(_names(tokens, at))
    return places


def _shape(tokens: Sequence[str]) -> list[str]:
    shape: list[str] = []
    for token in tokens:
        after_number = bool(shape) and shape[-1] == "#"
        shape.append("#" if token[0].isdigit() else token[:_STEM].casefold() if after_number else token)
    return shape


def _names(tokens: Sequence[str], i: int) -> list[str]:
    """The names of the number at ``i``: the word after it, the word before it, its marks, or that it is all there is.

    A number that is news has none, so that it is never learned.
    """
    if not tokens[i][0].isdigit() or counts_news(tokens, i):
        return []
    names = []
    if i + 1 < len(tokens) and tokens[i + 1][0].isalpha():
        names.append("R" + tokens[i + 1][:_STEM].casefold())
    if i > 0 and tokens[i - 1][0].isalpha():
        names.append("L" + tokens[i - 1].casefold()[:24])
    if len(tokens) == 1:
        names.append("S")
    if i > 0 and not tokens[i - 1][0].isalnum() and tokens[i - 1] not in _NO_LABELS:
        names += _names_by_mark(tokens, i, named=bool(names))
    return names


def _names_by_mark(tokens: Sequence[str], i: int, *, named: bool) -> list[str]:
    """What the mark before a number makes of it; ``named``: a word beside it names it already.

    A colon joins it to its label, whatever word the text then begins with. At the end of a text the mark stands for
    itself, whatever word the text before it ended with.
    """
    mark = tokens[i - 1]
    word = tokens[i - 2].casefold()[:24] if i > 1 and tokens[i - 2][0].isalpha() else ""
    names = []
    if word and (mark == ":" or not named):
        names.append(f"L{word}{mark}")
    at_end = i + 1 == len(tokens) or (i + 2 == len(tokens) and tokens[i + 1] in _CLOSING)
    if (not word and not named) or (mark != ":" and at_end):
        names.append(f"M{mark}")
    return names


def same_but_volatile(before: Texts, after: Texts, learned: Iterable[str]) -> bool:
    """Whether two versions say the same once volatile numbers and times counted from now are struck out."""
    marks = set(learned)
    return all(
        one == other or _struck(one, mark, marks) == _struck(other, mark, marks)
        for mark, one, other in (("h", before[0], after[0]), ("b", before[1], after[1]))
    )


def _struck(text: str, mark: str, learned: set[str]) -> str | list[str]:
    plain = visible(RELATIVE_TIME.sub(" ", text))
    places = {place[1:] for place in learned if place[0] == mark}
    if not places:
        return plain
    tokens = _TOKENS.findall(plain)
    kept: list[str] = []
    label = False
    for i, token in enumerate(tokens):
        names = _names(tokens, i)
        if any(name in places for name in names):
            # the label goes with its number: it may appear with the first comment
            label = bool(names) and names[0][0] == "R" and names[0] in places
        elif label:
            label = False
        else:
            kept.append(token)
    return kept


def observe_changes(
    seen: VolatileSeen,
    changes: Sequence[tuple[str, Texts, Texts]],
    *,
    edits: int,
    body: int,
    held: Sequence[Texts],
) -> VolatileSeen:
    """What is known after one more distinct body.

    ``changes`` are (entry_id, before, after) of texts that differ, ``edits`` counts all entries in which
    anything changed, ``body`` is the body's ordinal, ``held`` the texts of all entries it shows.
    """
    if not edits:
        return seen
    alone = dict(seen.alone)
    for entry_id, before, after in changes:
        for place in places_changed(before, after) or ():
            count, bodies, last, entries = alone.get(place, (0, 0, -1, ()))
            who = short_hash(entry_id)[:8]
            if who not in entries and len(entries) < _ENTRIES:
                entries = (*entries, who)
            alone[place] = (count + 1, bodies + (last != body), body, entries)
    if len(alone) > _PLACES:
        alone = dict(sorted(alone.items(), key=lambda item: (-item[1][0], item[0]))[: _PLACES // 2])
    total = seen.edits + edits
    learned = tuple(sorted(p for p in alone if _is_volatile(p, alone[p], total, seen.learned, held)))
    return msgspec.structs.replace(seen, edits=total, alone=alone, learned=learned)


def _is_volatile(
    place: str,
    tally: tuple[int, int, int, tuple[str, ...]],
    edits: int,
    learned: tuple[str, ...],
    held: Sequence[Texts],
) -> bool:
    count, bodies, _, entries = tally
    if place in learned:
        return count * 10 >= edits
    if count * 2 < edits or bodies < BODIES or count < 2 * len(entries):
        return False
    holding = sum(1 for texts in held if holds(place, texts))
    return holding >= 3 and holding * (10 if len(entries) >= 3 else 2) >= len(held)


def holds(place: str, texts: Texts) -> bool:
    """Whether an entry has that place in its text."""
    tokens = _TOKENS.findall(texts[0 if place[0] == "h" else 1])
    return any(place[1:] in _names(tokens, i) for i in range(len(tokens)))
