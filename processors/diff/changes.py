"""What an edit means: its classes, gravest first, with the word diff and which figure changed.

Figures, sources, hedges and places are read by the enrichment's own readers, in the sentences that were edited.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from processors.diff.claims import (
    is_attributed_anew,
    is_hedged_anew,
    is_negated_anew,
    is_placed_anew,
    new_notices,
)
from processors.diff.counted import changed_count
from processors.diff.edited import edited_sentences
from processors.diff.figure_edits import Detail, changed_figure
from processors.diff.typos import is_typo
from processors.diff.word_diff import word_diff
from wirewatch.events import Change, ChangeClass, Grade

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from processors.diff.word_diff import Piece
    from wirewatch.events.entries import TextField

ORDER: Final[tuple[ChangeClass, ...]] = (
    "figures",
    "negation",
    "attribution",
    "hedge",
    "place",
    "correction",
    "headline",
    "body-added",
    "body-extended",
    "body-cut",
    "body",
    "typo",
)
_MAJOR = frozenset(ORDER[:6])
_SENTENCE: Final = 20  # characters from which what came or went is more than a change of words


def describe_changes(before: tuple[str, str], after: tuple[str, str], language: str | None = None) -> list[Change]:
    """The changes of headline and body between two versions; both as the source wrote them.

    ``language`` is what the source says it writes in; None: told by script and small words.
    """
    changes = []
    fields: tuple[tuple[TextField, str, str], ...] = (("headline", before[0], after[0]), ("body", before[1], after[1]))
    for field, old, new in fields:
        if old == new:
            continue
        diff = word_diff(old, new)
        classes, detail = classify(field, before, after, diff, language)
        changes.append(
            Change(
                field=field,
                class_=classes[0],
                classes=classes,
                grade=grade_of(classes),
                before=old,
                after=new,
                diff=diff,
                detail=detail,
            )
        )
    return changes


def grade_of(classes: Iterable[ChangeClass]) -> Grade:
    """``major``, ``normal`` or ``silent``, as the contract grades classes."""
    held = set(classes)
    if held & _MAJOR:
        return "major"
    return "silent" if held <= {"typo"} else "normal"


def gravest(grades: Iterable[Grade]) -> Grade:
    """The gravest of several grades; ``silent`` for none."""
    held = set(grades)
    return "major" if "major" in held else "normal" if "normal" in held else "silent"


def classify(
    field: TextField,
    before: tuple[str, str],
    after: tuple[str, str],
    diff: Sequence[Piece],
    language: str | None = None,
) -> tuple[list[ChangeClass], Detail | None]:
    """The classes of one field's edit, gravest first, and for figures which one: ``kind``, ``from``, ``to``.

    ``before`` and ``after`` are headline and body, since a figure that the other text told already is no new one.
    Pure; the first call loads the gazetteer.
    """
    if is_typo(diff):
        return ["typo"], None
    old, new = (before[0], after[0]) if field == "headline" else (before[1], after[1])
    classes: set[ChangeClass] = {_shape_class(field, old, new, diff)}
    detail = changed_figure(field, before, after, language)
    for one, other in edited_sentences(field, old, new):
        classes |= _claim_classes(field, one, other)
        if detail is None and (count := changed_count(one, other)) is not None:
            detail = {"kind": count[0], "from": count[1], "to": count[2]}
    if detail is not None:
        classes.add("figures")
    if new_notices(old, new):
        classes.add("correction")
    return [name for name in ORDER if name in classes], detail


def _claim_classes(field: TextField, before: str, after: str) -> set[ChangeClass]:
    """What the edit of one sentence does to what it claims."""
    found: set[ChangeClass] = set()
    if is_negated_anew(before, after):
        found.add("negation")
    if is_attributed_anew(field, before, after):
        found.add("attribution")
    if is_hedged_anew(field, before, after):
        found.add("hedge")
    if is_placed_anew(before, after):
        found.add("place")
    return found


def _shape_class(field: TextField, before: str, after: str, diff: Sequence[Piece]) -> ChangeClass:
    if field == "headline":
        return "headline"
    if not before.strip():
        return "body-added"
    if not after.strip():
        return "body-cut"
    gone = sum(len(text.strip()) for sign, text in diff if sign == "-")
    put = sum(len(text.strip()) for sign, text in diff if sign == "+")
    if put >= _SENTENCE and gone * 5 <= put:
        return "body-extended"
    if gone >= _SENTENCE and put * 5 <= gone:
        return "body-cut"
    return "body"
