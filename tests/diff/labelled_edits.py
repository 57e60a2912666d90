"""The labelled edits beside this file, and how well the classes read from them agree with their labels.

``made`` says whether a pair was written by hand or filled into a template; all texts and most places are invented.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct
from msgspec.json import decode

from processors.diff.changes import describe_changes

PAIRS = Path(__file__).with_name("edit_pairs.jsonl")


class Pair(Struct, frozen=True):
    """One edit: headline and body before and after, and the classes that the edited field's change should have."""

    language: str
    field: str
    before: tuple[str, str]
    after: tuple[str, str]
    classes: list[str]
    made: str


class Score(Struct, frozen=True):
    """One class: how often it was found, should have been, and both."""

    name: str
    right: int
    found: int
    wanted: int

    @property
    def precision(self) -> float:
        return self.right / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        return self.right / self.wanted if self.wanted else 1.0


def read_pairs() -> list[Pair]:
    """All labelled edits."""
    return [decode(line, type=Pair) for line in PAIRS.read_bytes().splitlines()]


def classes_of(pair: Pair) -> list[str]:
    """What the diff says; the language is told by the text alone, as where a source does not say it."""
    changes = describe_changes(pair.before, pair.after)
    return next((list(change.classes) for change in changes if change.field == pair.field), [])


def score(pairs: Iterable[Pair]) -> tuple[list[Score], list[tuple[Pair, list[str]]]]:
    """Each class's score, and the pairs that came out otherwise than labelled."""
    right: Counter[str] = Counter()
    found: Counter[str] = Counter()
    wanted: Counter[str] = Counter()
    wrong = []
    for pair in pairs:
        ours = classes_of(pair)
        found.update(ours)
        wanted.update(pair.classes)
        right.update(set(ours) & set(pair.classes))
        if ours != pair.classes:
            wrong.append((pair, ours))
    return [Score(name, right[name], found[name], wanted[name]) for name in sorted(found | wanted)], wrong
