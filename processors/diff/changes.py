"""What an edit means: its classes, gravest first, with the word diff and which figure changed.

Recognised by short word lists, not by understanding; `classify` is the seam where more can be known.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final

from processors.diff import lexicon
from processors.diff.word_diff import tokens_of, word_diff
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
_NUMBER = re.compile(r"^\d+(?:[.,'’]\d+)*$")
_GROUPED = re.compile(r"(?<=\d)[.,'’\u00a0\u202f ](?=\d{3}(?!\d))")
_WORDISH = re.compile(r"\w+(?:n't)?", re.IGNORECASE)
_NEAR_WORDS = 6


def describe_changes(before: tuple[str, str], after: tuple[str, str]) -> list[Change]:
    """The changes of headline and body between two versions; both as the source wrote them."""
    changes = []
    fields: tuple[tuple[TextField, str, str], ...] = (("headline", before[0], after[0]), ("body", before[1], after[1]))
    for field, old, new in fields:
        if old == new:
            continue
        diff = word_diff(old, new)
        classes, detail = classify(field, old, new, diff)
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
    field: TextField, before: str, after: str, diff: Sequence[Piece]
) -> tuple[list[ChangeClass], dict[str, str | int | float | None] | None]:
    """The classes that hold, gravest first, and for figures which one: ``kind``, ``from``, ``to``."""
    if _is_typo(diff):
        return ["typo"], None
    classes: set[ChangeClass] = {_shape_class(field, before, after, diff)}
    gone = [word for sign, text in diff if sign == "-" for word in _words(text)]
    put = [word for sign, text in diff if sign == "+" for word in _words(text)]
    detail = _figure_change(before, after, diff)
    if detail is not None:
        classes.add("figures")
    rules: tuple[tuple[ChangeClass, frozenset[str]], ...] = (
        ("negation", lexicon.NEGATIONS),
        ("attribution", lexicon.ATTRIBUTIONS),
        ("hedge", lexicon.HEDGES),
    )
    extended = classes & {"body-added"}
    for name, words in rules:
        if not extended and _moved(gone, put, words):
            classes.add(name)
    if _place_changed(diff):
        classes.add("place")
    if _notice(after) and not _notice(before):
        classes.add("correction")
    return [name for name in ORDER if name in classes], detail


def _words(text: str) -> list[str]:
    words = _WORDISH.findall(text.casefold().replace("’", "'"))
    return [part for word in words for part in ((word, "n't") if word.endswith("n't") else (word,))]


def _moved(gone: Sequence[str], put: Sequence[str], words: frozenset[str]) -> bool:
    return sorted(word for word in gone if word in words) != sorted(word for word in put if word in words)


def _notice(text: str) -> bool:
    low = text.casefold()
    return any(sign in low for sign in lexicon.CORRECTIONS)


def _shape_class(field: TextField, before: str, after: str, diff: Sequence[Piece]) -> ChangeClass:
    if field == "headline":
        return "headline"
    if not before.strip():
        return "body-added"
    gone = sum(len(text.strip()) for sign, text in diff if sign == "-")
    put = sum(len(text.strip()) for sign, text in diff if sign == "+")
    if put >= 20 and gone * 5 <= put:
        return "body-extended"
    if gone >= 20 and put * 5 <= gone:
        return "body-cut"
    if not after.strip():
        return "body-cut"
    return "body"


def _is_typo(diff: Sequence[Piece]) -> bool:
    """Only marks, case or accents changed, or at most two words by a letter or two; never a number."""
    gone = "".join(text for sign, text in diff if sign == "-")
    put = "".join(text for sign, text in diff if sign == "+")
    if any(c.isdigit() for c in gone + put):
        return False
    if _letters("".join(t for s, t in diff if s != "+")) == _letters("".join(t for s, t in diff if s != "-")):
        return True
    old, new = _words(gone), _words(put)
    if not old or len(old) != len(new) or len(old) > 2:
        return False
    known = (
        lexicon.NEGATIONS | lexicon.HEDGES | lexicon.ATTRIBUTIONS | lexicon.VAGUE_NUMBERS | set(lexicon.NUMBER_WORDS)
    )
    return all(
        a == b or (min(len(a), len(b)) >= 4 and not {a, b} & known and _one_slip(a, b))
        for a, b in zip(old, new, strict=True)
    )


def _letters(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in plain if c.isalnum())


def _one_slip(a: str, b: str) -> bool:
    """One letter too many, too few, wrong, doubled or swapped with its neighbour; not another word's ending."""
    if abs(len(a) - len(b)) > 1:
        return False
    start = 0
    while start < min(len(a), len(b)) and a[start] == b[start]:
        start += 1
    end = 0
    while end < min(len(a), len(b)) - start and a[-1 - end] == b[-1 - end]:
        end += 1
    rest_a, rest_b = a[start : len(a) - end], b[start : len(b) - end]
    if not rest_a or not rest_b:
        # a letter at a word's end is more often grammar than a slip
        return end > 0 and len(rest_a) + len(rest_b) <= 1
    return len(rest_a) == len(rest_b) and (len(rest_a) == 1 or rest_a == rest_b[::-1]) and len(rest_a) <= 2


class _Figure:
    """A number in a text, with the word list's name for what it counts."""

    __slots__ = ("at", "kind", "value")

    def __init__(self, value: float | str, kind: str, at: int) -> None:
        self.value = value
        self.kind = kind
        self.at = at


def _figures(text: str) -> list[_Figure]:
    """The numbers a text states: digits in any script, words, "dozens"; not clock times, dates and years."""
    tokens = [token for token in tokens_of(_GROUPED.sub("", text)) if not token.isspace()]
    low = [token.casefold() for token in tokens]
    figures = []
    for i, token in enumerate(low):
        value = _value(token)
        if value is None or _is_date(low, i, value):
            continue
        figures.append(_Figure(value, _kind_at(low, i), i))
    return figures


def _value(token: str) -> float | str | None:
    if _NUMBER.match(token):
        digits = "".join(str(unicodedata.digit(c)) if c.isdigit() else "." for c in token)
        whole, _, rest = digits.partition(".")
        return float(f"{whole}.{rest.replace('.', '')}") if rest else float(whole)
    if token in lexicon.NUMBER_WORDS:
        return float(lexicon.NUMBER_WORDS[token])
    return token if token in lexicon.VAGUE_NUMBERS else None


def _is_date(tokens: Sequence[str], i: int, value: float | str) -> bool:
    if isinstance(value, str):
        return False
    near = {tokens[j] for j in (i - 2, i - 1, i + 1, i + 2) if 0 <= j < len(tokens)}
    if near & lexicon.MONTHS and value <= 2200:
        return True
    clock = (i + 1 < len(tokens) and tokens[i + 1] == ":") or (
        i > 0 and tokens[i - 1] == ":" and i > 1 and tokens[i - 2][0].isdigit()
    )
    return clock or (tokens[i].isdigit() and len(tokens[i]) == 4 and 1900 <= value <= 2100)


def _kind_at(tokens: Sequence[str], i: int) -> str:
    best, distance = "other", _NEAR_WORDS + 1
    for j in range(max(0, i - _NEAR_WORDS), min(len(tokens), i + _NEAR_WORDS + 1)):
        kind = lexicon.FIGURE_KINDS.get(tokens[j])
        # a count mostly stands before what it counts
        far = j - i if j > i else (i - j) + 1
        if kind is not None and far < distance:
            best, distance = kind, far
    return best


def _figure_change(before: str, after: str, diff: Sequence[Piece]) -> dict[str, str | int | float | None] | None:
    """The figure that was replaced, or the count of people that came or went; None where figures stayed."""
    changed = [text for sign, text in diff if sign != "="]
    if not any(_figures(text) for text in changed) and not any(c.isdigit() for text in changed for c in text):
        return None
    old, new = _figures(before), _figures(after)
    gone, put = _without(old, new), _without(new, old)
    for figure in gone:
        other = next((f for f in put if f.kind == figure.kind), None)
        if other is not None:
            return {"kind": figure.kind, "from": _told(figure.value), "to": _told(other.value)}
    for figure, side in [(f, "from") for f in gone] + [(f, "to") for f in put]:
        if figure.kind != "other":
            value = _told(figure.value)
            return {
                "kind": figure.kind,
                "from": value if side == "from" else None,
                "to": value if side == "to" else None,
            }
    return None


def _without(figures: Sequence[_Figure], others: Sequence[_Figure]) -> list[_Figure]:
    rest = [(f.value, f.kind) for f in others]
    kept = []
    for figure in figures:
        if (figure.value, figure.kind) in rest:
            rest.remove((figure.value, figure.kind))
        else:
            kept.append(figure)
    values = [f.value for f in others if (f.value, f.kind) in rest]
    return [f for f in kept if f.value not in values]


def _told(value: float | str) -> int | float | str:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _place_changed(diff: Sequence[Piece]) -> bool:
    """A name right after "in", "at", "near" (or a dateline's name) gave way to another name."""
    lead = ""
    for i, (sign, text) in enumerate(diff):
        if sign == "=":
            lead = text
        elif sign == "-" and i + 1 < len(diff) and diff[i + 1][0] == "+":
            old, new = text.split(), diff[i + 1][1].split()
            if not old or not new or not (old[0][:1].isupper() and new[0][:1].isupper()):
                continue
            words = lead.split()
            after = diff[i + 2][1] if i + 2 < len(diff) else ""
            if words and words[-1].casefold() in lexicon.LOCATIVES:
                return True
            if not words and re.match(r"^[^.]{0,40}?(?:\(\w[\w ./]*\)\s*)?[-–—]\s", after) and old[0].isupper():
                return True
    return False
