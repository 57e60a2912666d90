"""The live page that was judged by hand: every expectation holds, and nothing is found that is not there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from processors.enrich.enrichment import read_entry
from wirewatch.events import Enrichment, Figure


@pytest.fixture(scope="module")
def page(shared: Path) -> tuple[list[str], dict[str, Any]]:
    folder = shared / "data" / "pages"
    lines = (folder / "live-updates-page.txt").read_text(encoding="utf-8").split("\n")
    gold: dict[str, Any] = json.loads((folder / "live-updates-page.gold.json").read_text(encoding="utf-8"))
    return lines, gold


def read(lines: list[str], headline: int, body: list[int]) -> tuple[Enrichment, str]:
    text = "\n".join(lines[number - 1] for number in body)
    return read_entry(lines[headline - 1], text, "en"), text


def told_once(figures: list[Figure]) -> list[tuple[str, str, float]]:
    """Figures with repetitions folded together: of those that are one count, the exact one."""
    groups: dict[int, list[Figure]] = {}
    for index, figure in enumerate(figures):
        groups.setdefault(index if figure.same_as is None else figure.same_as, []).append(figure)
    best = [next((f for f in group if f.qualifier == "exact"), group[0]) for group in groups.values()]
    return sorted((f.kind, f.qualifier, f.value) for f in best)


def test_every_entry_has_the_figures_that_were_judged_and_no_other(page: tuple[list[str], dict[str, Any]]) -> None:
    lines, gold = page
    for entry in gold["entries"]:
        found, _ = read(lines, entry["headline_line"], entry["body_lines"])
        expected = sorted((f["kind"], f["qualifier"], f["value"]) for f in entry["figures"])
        assert told_once(found.figures) == expected, entry["headline_line"]


def test_a_subset_a_place_and_a_repetition_are_linked(page: tuple[list[str], dict[str, Any]]) -> None:
    lines, gold = page
    entry = next(e for e in gold["entries"] if len(e["figures"]) == 6)
    found, _ = read(lines, entry["headline_line"], entry["body_lines"])
    by_value = {figure.value: figure for figure in found.figures}
    assert found.figures[by_value[25.0].subset_of or 0].value == 56
    assert found.figures[by_value[3811.0].same_as or 0].value == 3800
    places = {place.id: place.name for place in found.places}
    assert "Kyzylorda" in places[by_value[182.0].place or ""]


def test_every_chain_dateline_hedge_and_recap_is_as_judged(page: tuple[list[str], dict[str, Any]]) -> None:
    lines, gold = page
    for entry in gold["entries"]:
        found, text = read(lines, entry["headline_line"], entry["body_lines"])
        assert [(a.role, a.who) for a in found.attribution] == [(a["role"], a["who"]) for a in entry["attribution"]]
        assert (found.dateline.place if found.dateline else None) == entry["dateline"]
        assert found.hedge == entry["hedge"], entry["headline_line"]
        recalled = [lines.index(text[start:end]) + 1 for _, start, end in found.background]
        assert recalled == entry["background_lines"]


def test_the_lead_has_its_summarys_figures_and_sources(page: tuple[list[str], dict[str, Any]]) -> None:
    lines, gold = page
    found, _ = read(lines, gold["headline_line"], [gold["summary_line"], *gold["lead_body_lines"]])
    figures = [f for f in found.figures if f.span[0] == "body" and not f.background]
    expected = [(f["kind"], f["qualifier"], f["value"]) for f in gold["lead_figures"]]
    assert [(f.kind, f.qualifier, f.value) for f in figures] == expected
    assert [a.who for a in found.attribution] == gold["lead_attribution"]
