"""What the words of a language are for, the same for every language that figures are read in."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from msgspec import Struct

Kind = Literal[
    "killed", "injured", "detained", "arrested", "missing", "hospitalised", "evacuated", "displaced", "other"
]
Qualifier = Literal["exact", "over", "at-least", "at-most", "about"]
Form = Literal["p", "a", "i", "n", "o", "t"]


class FigureWords(Struct, frozen=True):
    """The words figures are read by; phrases are folded, their words apart by one space.

    ``kinds`` gives a phrase's kind and form: p participle ("killed": 26 were killed; police killed 26), a active
    verb ("kills": the number is its object), i intransitive ("died"), n noun or adjective right after the number
    ("26 dead"), o before the number only ("death of"), t a toll ("death toll ... to 26"). ``left`` are the forms that
    may stand right before the number. ``uncounted`` are words after a number, and ``named`` words before it, that
    make it no figure ("24 hours", "channel 24"). ``crossing`` are words after which only a form with an auxiliary
    still speaks of the number. ``topics`` are words after
    which "about" is no qualifier ("information about 15 people"). ``vague`` values are lower bounds.
    """

    numbers: dict[str, int]
    scales: dict[str, int]
    vague: dict[str, int]
    joiners: frozenset[str]
    qualifiers: dict[str, Qualifier]
    after: dict[str, Qualifier]
    kinds: dict[str, tuple[Kind, Form]]
    left: frozenset[str]
    people: frozenset[str]
    things: dict[str, str]
    uncounted: frozenset[str]
    named: frozenset[str]
    auxiliaries: frozenset[str]
    crossing: frozenset[str]
    stops: frozenset[str]
    objects: frozenset[str]
    including: frozenset[str]
    of_these: frozenset[str]
    equal: frozenset[str]
    skipped: frozenset[str]
    together: frozenset[str]
    topics: frozenset[str] = frozenset()
    spaced_groups: bool = False
    decimal_comma: bool = True


class Phrases(Struct, frozen=True):
    """Phrases by their first word, or by their last where they stand before a number; the longest first.

    A word that begins or ends none costs one look.
    """

    kinds: dict[str, list[tuple[int, str]]]
    vague: dict[str, list[tuple[int, str]]]
    after: dict[str, list[tuple[int, str]]]
    of_these: dict[str, list[tuple[int, str]]]
    qualifiers: dict[str, list[tuple[int, str]]]
    including: dict[str, list[tuple[int, str]]]

    @classmethod
    def of(cls, words: FigureWords) -> Phrases:
        """The phrases of a language."""
        return cls(
            kinds=_by_word(words.kinds, 0),
            vague=_by_word([*words.vague, *words.equal], 0),
            after=_by_word(words.after, 0),
            of_these=_by_word(words.of_these, 0),
            qualifiers=_by_word(words.qualifiers, -1),
            including=_by_word(words.including, -1),
        )


def _by_word(known: Iterable[str], position: int) -> dict[str, list[tuple[int, str]]]:
    table: dict[str, list[tuple[int, str]]] = {}
    for phrase in known:
        table.setdefault(phrase.split(" ")[position], []).append((phrase.count(" ") + 1, phrase))
    for found in table.values():
        found.sort(reverse=True)
    return table


def phrases(text: str) -> frozenset[str]:
    """``"a | b c"`` as a set of phrases."""
    return frozenset(part.strip() for part in text.split("|") if part.strip())


def qualified(over: str = "", at_least: str = "", at_most: str = "", about: str = "") -> dict[str, Qualifier]:
    """Phrases by the qualifier they stand for."""
    table: dict[str, Qualifier] = {}
    pairs: tuple[tuple[Qualifier, str], ...] = (
        ("over", over),
        ("at-least", at_least),
        ("at-most", at_most),
        ("about", about),
    )
    for qualifier, text in pairs:
        table.update(dict.fromkeys(phrases(text), qualifier))
    return table


def kinds(table: dict[tuple[Kind, Form], str]) -> dict[str, tuple[Kind, Form]]:
    """Phrases by their kind and form, from one line for each kind and form."""
    known: dict[str, tuple[Kind, Form]] = {}
    for key, text in table.items():
        for phrase in phrases(text):
            if phrase in known:
                raise ValueError(f"{phrase!r} stands twice: {known[phrase]} and {key}")
            known[phrase] = key
    return known


def things(table: dict[str, str]) -> dict[str, str]:
    """A counted thing's words by its unit, turned about."""
    return {word: unit for unit, text in table.items() for word in text.split()}
