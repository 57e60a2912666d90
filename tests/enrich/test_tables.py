"""The tables: how phrases are found, and that loading them stays small."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from processors.enrich.gazetteer import gazetteer
from processors.enrich.text import Lexicon, fold

PHRASES = Lexicon({"sea": "sea", "sea of tarn": "water", "of": "of", "tarn": "town", "tarn upon sea": "resort"})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Sea", ["sea"]),
        ("the Sea of Tarn", ["water"]),
        ("the Sea of Tarn upon Sea", ["water", "sea"]),
        ("Tarn upon seas", ["town"]),
        ("seaside", []),
        ("Sea, of Tarn", ["sea", "of", "town"]),
        ("Tarn\nupon sea", ["resort"]),
        ("", []),
    ],
)
def test_the_longest_phrase_of_whole_words_is_found(text: str, expected: list[str]) -> None:
    assert [payload for payload, _start, _end in PHRASES.find(fold(text))] == expected


def test_a_hit_says_where_it_stands() -> None:
    text = "By the Sea of Tarn."
    assert [text[start:end] for _payload, start, end in PHRASES.find(fold(text))] == ["Sea of Tarn"]


def test_a_town_is_made_whole_from_its_columns() -> None:
    found = [place for place, _start, _end in gazetteer().find(fold("Odesa and Lyon")) if place is not None]
    assert [(place.name, place.country) for place in found] == [("Odesa", "UA"), ("Lyon", "FR")]
    assert found[1].lat == pytest.approx(45.75, abs=0.1)
    assert found[1].population > 400_000


def test_first_words_repeated_cost_linear_time() -> None:
    took = []
    for size in (2_000, 16_000):
        folded = fold("san " * size)
        began = time.process_time()
        gazetteer().find(folded)
        took.append(time.process_time() - began)
    assert took[1] < took[0] * 40 + 0.05


def test_the_gazetteer_adds_less_than_48_mib_at_its_height() -> None:
    code = (
        "import resource; import processors.enrich.gazetteer as g\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "before = peak(); g.gazetteer(); print(peak() - before)"
    )
    grown = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert int(grown) < 48 * 1024
