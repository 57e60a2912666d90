"""How well enrichment reads labelled texts: datelines, places, language, figures of fire bulletins.

    WIREWATCH_SHARED=../shared python benchmarks/enrich_quality.py [--errors]

The labelled sets lie under ``data/labelled`` of that folder; where they are absent, this says so and ends.
"""

from __future__ import annotations

import collections
import json
import lzma
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lxml import etree

from processors.enrich.datelines import find_dateline
from processors.enrich.enrichment import read_entry
from processors.enrich.figures import find_figures
from processors.enrich.gazetteer import gazetteer
from processors.enrich.language import find_language
from processors.enrich.places import find_places
from processors.enrich.text import fold

SHARED = Path(os.environ.get("WIREWATCH_SHARED", Path(__file__).resolve().parents[1] / ".." / "shared"))
LABELLED = SHARED / "data" / "labelled"
# how the Reuters set names the countries that news names otherwise
REUTERS = {"usa": "US", "uk": "GB", "ussr": "RU", "west-germany": "DE", "east-germany": "DE", "uae": "AE"}
OLD_CODES = {"iw": "he", "in": "id", "ji": "yi", "no": "nb", "nb": "no", "tl": "fil", "zht": "zh", "sr-me": "sr"}


def rows(name: str) -> Iterator[dict[str, Any]]:
    """The records of a labelled set."""
    with lzma.open(LABELLED / name, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def scores(name: str, right: int, found: int, wanted: int) -> None:
    """Print a line of the table."""
    precision, recall = right / max(found, 1), right / max(wanted, 1)
    f1 = 2 * precision * recall / max(precision + recall, 1e-9)
    print(f"{name:<44} {precision:>9.3f} {recall:>7.3f} {f1:>6.3f} {found:>7} {wanted:>7}")


def datelines(errors: collections.Counter[str]) -> None:
    """The dateline as a whole, on the leads of newswire stories."""
    right = found = wanted = 0
    for row in rows("reuters_datelines_dev.jsonl.xz"):
        dateline = find_dateline(row["lead"], gazetteer().knows)
        ours = " ".join(row["lead"][slice(*dateline.span[1:])].split()) if dateline else None
        truth = " ".join(row["dateline"].split()) if row["dateline"] else None
        found, wanted, right = found + (ours is not None), wanted + (truth is not None), right + (ours == truth)
        if ours != truth:
            errors[f"dateline {truth!r} read as {ours!r}"] += 1
    scores("datelines, whole (Reuters, 925 leads)", right, found, wanted)


def reuters_places(errors: collections.Counter[str]) -> None:
    """Countries that a story is filed under, against those its lead and dateline name."""
    names = {"-".join(fold(key).split()): place.id for key, place in gazetteer().items() if place}
    right = found = wanted = 0
    for row in rows("reuters_datelines_dev.jsonl.xz"):
        truth = {REUTERS.get(place) or names.get(place) for place in row["places"]} - {None}
        text = row["lead"]
        places, _ = find_places([("body", text, fold(text), 0)])
        ours = {place.country for place in places}
        found, wanted, right = found + len(ours), wanted + len(truth), right + len(ours & truth)
        for country in ours - truth:
            named = {text[slice(*s[1:])] for place in places for s in place.spans if place.country == country}
            errors[f"country {country} is not among a story's: {min(named)}"] += 1
    scores("countries against a story's (Reuters)", right, found, wanted)


def toponyms(errors: collections.Counter[str]) -> None:
    """Every mention of a place in news about epidemics, by its exact span; demonyms are not marked there."""
    right = found = wanted = near = 0
    with lzma.open(LABELLED / "geovirus.xml.xz") as file:
        tree = etree.parse(file)
    for article in tree.iter("article"):
        text = article.findtext("text") or ""
        truth: dict[tuple[int, int], tuple[float, float]] = {}
        for location in article.iter("location"):
            lat, lon = location.findtext("lat") or "0", location.findtext("lon") or "0"
            span = int(location.findtext("start") or 1) - 1, int(location.findtext("end") or 1) - 1  # they count from 1
            truth[span] = (float(lat), float(lon))
        places, demonyms = find_places([("body", text, fold(text), 0)])
        ours = {s[1:]: place for place in places for s in place.spans if s not in demonyms}
        found, wanted = found + len(ours), wanted + len(truth)
        for span, place in ours.items():
            if span not in truth:
                errors[f"no toponym: {text[slice(*span)]!r}"] += 1
                continue
            right += 1
            lat, lon = truth[span]
            countrywide = place.id == place.country
            near += place.lat is not None and abs(place.lat - lat) + abs((place.lon or 0) - lon) < (
                30 if countrywide else 3
            )
        for span in truth.keys() - ours.keys():
            errors[f"missed toponym: {text[slice(*span)]!r}"] += 1
    scores("toponyms, exact span (GeoVirus)", right, found, wanted)
    print(f"{'  of those found, near the marked point':<44} {near / max(right, 1):>9.3f}")


def languages(errors: collections.Counter[str]) -> None:
    """One text in each of 90 languages; None counts as not found."""
    right = found = wanted = 0
    for row in rows("langid_cld3.jsonl.xz"):
        truth = row["lang"].lower()
        ours = find_language(row["text"]).code
        wanted, found = wanted + 1, found + (ours is not None)
        same = ours is not None and ours in {truth, OLD_CODES.get(truth), truth.split("-")[0]}
        right += same
        if ours is not None and not same:
            errors[f"language {truth} read as {ours}"] += 1
    scores("language (CLD3's test texts)", right, found, wanted)


def bulletins(errors: collections.Counter[str]) -> None:
    """Hectares of fire bulletins: each description holds one size, and no count of people."""
    right = found = wanted = 0
    for row in rows("nsw_rfs_figures.jsonl.xz"):
        text = row["description"].replace("<br />", "\n")
        ours = {figure.value for figure in find_figures(text, "body", "en") if figure.unit == "hectare"}
        others = [figure for figure in find_figures(text, "body", "en") if figure.unit != "hectare"]
        truth = {float(row["ref"]["size"])} if row["ref"].get("size") else set()
        ours.discard(0.0)
        found, wanted, right = found + len(ours) + len(others), wanted + len(truth), right + len(ours & truth)
        for figure in others:
            errors[f"no figure: {figure.text!r}"] += 1
    scores("hectares (NSW fire bulletins)", right, found, wanted)


def gold() -> None:
    """Time and shape of the page that was judged by hand are tests; here only that it is read."""
    page = SHARED / "data" / "pages" / "live-updates-page.txt"
    figures = read_entry("", page.read_text(encoding="utf-8"), "en").figures
    print(f"\nthe live page read as one text: {len(figures)} figures (its entries are held to gold by tests/enrich)")


def main() -> None:
    """Print the table, and with ``--errors`` what went wrong most often."""
    if not LABELLED.is_dir():
        print(f"no labelled sets at {LABELLED}: set WIREWATCH_SHARED")
        return
    errors: collections.Counter[str] = collections.Counter()
    print(f"{'what':<44} {'precision':>9} {'recall':>7} {'F1':>6} {'found':>7} {'wanted':>7}")
    for measure in (datelines, reuters_places, toponyms, languages, bulletins):
        measure(errors)
    gold()
    if "--errors" in sys.argv:
        print("\n".join(f"{count:>5} {error}" for error, count in errors.most_common(90)))


if __name__ == "__main__":
    main()
