"""Edit classes by meaning, held to a labelled set: per class at least nine in ten found are right, and found."""

from __future__ import annotations

import pytest

from tests.diff.labelled_edits import Score, read_pairs, score

FLOOR = 0.9
LANGUAGES = {"en", "de", "fr", "es", "ru"}


@pytest.fixture(scope="module")
def scores() -> dict[str, Score]:
    return {one.name: one for one in score(read_pairs())[0]}


@pytest.mark.parametrize(
    "name",
    [
        "figures", "negation", "attribution", "hedge", "place", "correction", "headline", "body-added",
        "body-extended", "body-cut", "body", "typo",
    ],
)  # fmt: skip
def test_each_class_is_told_with_precision_and_recall_above_the_floor(scores: dict[str, Score], name: str) -> None:
    one = scores[name]
    assert one.wanted >= 8
    assert one.precision >= FLOOR
    assert one.recall >= FLOOR


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_no_language_falls_behind(language: str) -> None:
    pairs = [pair for pair in read_pairs() if pair.language == language]
    _scores, wrong = score(pairs)
    assert len(wrong) <= len(pairs) * (1 - FLOOR)


def test_the_set_is_large_and_mostly_its_own_writing() -> None:
    pairs = read_pairs()
    assert len(pairs) >= 300
    assert sum(pair.made == "hand" for pair in pairs) >= 100
    assert {pair.language for pair in pairs} == LANGUAGES
    assert len({(pair.before, pair.after) for pair in pairs}) == len(pairs)
