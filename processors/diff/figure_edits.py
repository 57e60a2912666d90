"""Which figure an edit changed: "14 killed" that became "23 killed", one that came, one that is no longer said."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, get_args

from msgspec import Struct

from processors.diff.edited import MAX_READ
from processors.enrich.background import find_background
from processors.enrich.figures import find_figures, reading_language
from processors.enrich.text import fold
from processors.enrich.words import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wirewatch.events import Figure
    from wirewatch.events.entries import TextField

Detail = dict[str, str | int | float | None]
_KINDS: Final = get_args(Kind)


class Told(Struct, frozen=True):
    """A figure as far as two versions are compared by it. ``noun`` tells other counted things apart."""

    kind: str
    value: float
    noun: str


def changed_figure(
    field: TextField, before: tuple[str, str], after: tuple[str, str], language: str | None = None
) -> Detail | None:
    """The gravest figure that the field's edit changed: ``kind``, ``from``, ``to``; None where figures stayed.

    ``before`` and ``after`` are headline and body. A figure that comes or goes alone counts only where the entry did
    not tell it, or tells it no more, in its other text.
    """
    index = 0 if field == "headline" else 1
    code = reading_language(language, fold(" ".join((*before, *after))[:800]))
    old = [_told(text, code) for text in before]
    new = [_told(text, code) for text in after]
    gone, put = _without(old[index], new[index]), _without(new[index], old[index])
    if not gone and not put:
        return None
    for kind in _KINDS:
        replaced = _replaced([one for one in gone if one.kind == kind], [one for one in put if one.kind == kind])
        if replaced is not None:
            return {"kind": kind, "from": _plain(replaced[0].value), "to": _plain(replaced[1].value)}
    told_before = {(one.kind, one.value) for one in (*old[0], *old[1])}
    told_after = {(one.kind, one.value) for one in (*new[0], *new[1])}
    for kind in _KINDS[:-1]:
        for one in put:
            if one.kind == kind and (kind, one.value) not in told_before:
                return {"kind": kind, "from": None, "to": _plain(one.value)}
        for one in gone:
            if one.kind == kind and (kind, one.value) not in told_after:
                return {"kind": kind, "from": _plain(one.value), "to": None}
    return None


def _told(text: str, language: str) -> list[Told]:
    text = text[:MAX_READ]
    recalled = [(start, end) for _field, start, end in find_background(text)]
    return [
        Told(figure.kind, figure.value, _noun(figure) if figure.kind == "other" else "")
        for figure in find_figures(text, "body", language)
        if figure.same_as is None and not any(start <= figure.span[1] < end for start, end in recalled)
    ]


def _noun(figure: Figure) -> str:
    words = [word for word in fold(figure.text).split() if not word.isdecimal()]
    return words[-1] if words else ""


def _without(figures: Sequence[Told], others: Sequence[Told]) -> list[Told]:
    """The figures that the other version does not tell, also not as mere people ("12 people" of "12 killed")."""
    rest = Counter(others)
    kept = []
    for figure in figures:
        if rest[figure]:
            rest[figure] -= 1
        elif figure.kind != "other" or all(other.value != figure.value for other in others):
            kept.append(figure)
    return kept


def _replaced(gone: Sequence[Told], put: Sequence[Told]) -> tuple[Told, Told] | None:
    for one in gone:
        for other in put:
            if one.noun == other.noun and one.value != other.value:
                return one, other
    return None


def _plain(value: float) -> int | float:
    return int(value) if value.is_integer() else value
