"""The whole enrichment: places, language, background, and that it never withholds news."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors import enrich_handler
from processors.enrich import EnrichContext, enrich
from processors.enrich.enrichment import MAX_BODY, read_entry
from processors.enrich.language import find_language
from processors.enrich.text import word_set
from processors.enrich_handler import EnrichHandler
from wirewatch.brokers.interface import Record
from wirewatch.errors import BadInput
from wirewatch.events import CeType, Enrichment, EntryEvent, decode, encode, headers_for

Make = Callable[..., EntryEvent]


def places(headline: str, body: str = "", language: str = "en") -> list[tuple[str, str]]:
    return [(place.name, place.via) for place in read_entry(headline, body, language).places]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Swedish police close the bridge", [("Sweden", "demonym")]),
        ("Trains leave Nur-Sultan late", [("Astana", "former-name")]),
        ("A fire near Alma-Ata burns", [("Almaty", "former-name")]),
        ("Rain in Bavaria and the Gaza Strip", [("Bavaria", "region"), ("Gaza Strip", "region")]),
        ("US sends aid to Odesa", [("United States", "name"), ("Odesa", "name")]),
        ("It tells us more of it", []),
        ("Media: Police Reading Deal of Most Nice Man", []),
        ("He read the New York Times", []),
        ("He met Michael Jordan there", []),
        ("She lives in Reading, England", [("Reading", "name"), ("England", "region")]),
    ],
)
def test_a_place_counts_where_it_stands_as_one(text: str, expected: list[tuple[str, str]]) -> None:
    assert places("", text) == expected


def test_a_datelines_place_is_not_among_the_places_unless_the_text_names_it() -> None:
    assert places("", "MOSCOW (Karst) - Trains run in Odesa.") == [("Odesa", "name")]
    assert ("Moscow", "name") in places("", "MOSCOW (Karst) - Trains run in Moscow.")


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [("de", "Züge in München und Österreich", ["Munich", "Austria"]), ("ru", "Поезда в Москве и Казахстане",
     ["Moscow", "Kazakhstan"]), ("fr", "La police française à Londres", ["France", "London"])],
)  # fmt: skip
def test_places_have_other_names_in_other_languages(language: str, text: str, expected: list[str]) -> None:
    assert [name for name, _ in places(text, "", language)] == expected


def test_a_figure_knows_the_place_its_sentence_names() -> None:
    (figure,) = read_entry("Over 90 People Detained in Odesa", "", "en").figures
    assert figure.place == "geonames:698740"


def test_a_recap_is_background_and_so_are_its_figures_and_places() -> None:
    body = (
        "Trains run again in Odesa.\nMass strikes against low pay broke out in Sweden in the first days of March, "
        "leading to clashes in which 14 people were injured."
    )
    found = read_entry("Trains Run Again", body, "en")
    assert [body[start:end].split(maxsplit=1)[0] for _, start, end in found.background] == ["Mass"]
    assert [(f.value, f.background) for f in found.figures] == [(14, True)]
    assert {place.name: place.background for place in found.places} == {"Odesa": False, "Sweden": True}


@pytest.mark.parametrize(
    ("text", "claimed", "expected"),
    [
        ("The trains run again after the strike has ended in the north of the country.", None, "en"),
        ("Die Züge fahren wieder, nachdem der Streik im Norden des Landes beendet worden ist.", None, "de"),
        ("Ja", None, None),
        ("Ja", "en-GB", "en"),
        ("", None, None),
        (("Поезда снова ходят после окончания забастовки на севере страны, сообщило министерство транспорта в пятницу, "
         "и пассажиры возвращаются."), "en", "ru"),
        ("The trains run again.", "not a language!", None),
    ],
)  # fmt: skip
def test_the_sources_language_wins_if_plausible_and_short_texts_are_not_guessed(
    text: str, claimed: str | None, expected: str | None
) -> None:
    assert find_language(text, claimed).code == expected


def test_an_entry_event_gets_language_page_and_enrichment(make_event: Make) -> None:
    found = enrich(make_event("Over 90 Detained in Odesa", language="en"), EnrichContext("https://news.example/"))
    assert found.entry is not None
    assert found.enrichment is not None
    assert (found.entry.language, found.entry.page) == ("en", "https://news.example/entries/en_1")
    assert found.enrichment.figures[0].value == 90


@pytest.mark.parametrize("op", ["withdrawn", "restored", "baseline", "updated"])
def test_every_entry_event_is_enriched_and_a_feed_event_passes_through(make_event: Make, op: str) -> None:
    assert enrich(make_event("90 Detained in Odesa", op=op), EnrichContext()).enrichment is not None
    gap = make_event(op="gap")
    assert enrich(gap, EnrichContext()) == gap


def record(event: EntryEvent) -> Record:
    headers = headers_for(CeType.for_op(event.op), id=event.id, source="wirewatch/diff/karst", time=event.time)
    return Record("wirewatch.entry-events.v1", 0, 7, event.feed_id, encode(event), headers, 0)


def test_the_handler_publishes_under_the_same_id_to_both_topics(make_event: Make) -> None:
    incoming = record(make_event("90 Detained in Odesa"))
    entries, latest = EnrichHandler().handle(incoming, None).outputs
    assert (entries.topic, entries.key) == ("wirewatch.entries.v1", "karst")
    assert (latest.topic, latest.key) == ("wirewatch.entries-latest.v1", "en_1")
    assert entries.headers == {**incoming.headers, "ce_source": "wirewatch/enrich/karst"}
    assert decode(entries.value or b"", EntryEvent).enrichment is not None
    (only,) = EnrichHandler().handle(record(make_event(op="gap")), None).outputs
    assert only.topic == "wirewatch.entries.v1"


def test_a_failing_enrichment_withholds_no_news(make_event: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(event: EntryEvent, context: EnrichContext) -> EntryEvent:
        raise RuntimeError("a table is missing")

    monkeypatch.setattr(enrich_handler, "enrich", broken)
    outputs = EnrichHandler().handle(record(make_event("90 Detained")), None).outputs
    event = decode(outputs[0].value or b"", EntryEvent)
    assert len(outputs) == 2
    assert event.headline == "90 Detained"
    assert event.enrichment == Enrichment(version="1", error="RuntimeError: a table is missing")


def test_a_record_that_is_no_event_is_bad_input() -> None:
    for value in (None, b"{}", b"\xff"):
        with pytest.raises(BadInput):
            EnrichHandler().handle(Record("wirewatch.entry-events.v1", 0, 0, "x", value, {}, 0), None)


WORDS = st.sampled_from(
    sorted(
        word_set(
            "at least 12 4,000 4.000 killed injured people and , . - ( ) : Media Says Police said according to "
            "Odesa TARNOV Karst — 04:00 ٤٠٠٠ dozens of hundreds million getötet morts погибли including"
        )
    )
)


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.text(max_size=300), st.lists(WORDS, max_size=60).map(" ".join)), st.text(max_size=300),
       st.sampled_from(["en", "de", "fr", "es", "ru", None]))  # fmt: skip
def test_any_text_gives_spans_that_lie_inside_it(headline: str, body: str, language: str | None) -> None:
    found = read_entry(headline, body, language)
    texts = {"headline": headline, "body": body}
    for figure in found.figures:
        field, start, end = figure.span
        assert texts[field][start:end] == figure.text != ""
        assert figure.value >= 0
    spans = [link.span for link in found.attribution] + [s for p in found.places for s in p.spans] + found.background
    spans += [s for mention in (*found.people, *found.organisations) for s in mention.spans]
    spans += [found.dateline.span] if found.dateline else []
    for span in spans:
        assert span is not None
        assert 0 <= span[1] < span[2] <= len(texts[span[0]])
    for index, figure in enumerate(found.figures):
        for link in (figure.subset_of, figure.same_as):
            assert link is None or 0 <= link < index


@pytest.mark.parametrize(
    "unit",
    [
        "1", "1,", "1 ", "12 killed ", "(", "A", "A ", "A-", "a.", ". ", ", ", "said ", "war began ", "citing ", " - ",
        "\n", "two hundred ", "including 3 of them ", "Paris ", "A (b) - ", "according to ", "٤", "’",
        "have been goings since ",
    ],
)  # fmt: skip
def test_hostile_repetition_costs_linear_time(unit: str) -> None:
    small, large = (unit * MAX_BODY)[: MAX_BODY // 8], (unit * MAX_BODY)[:MAX_BODY]

    def took(text: str) -> float:
        began = time.process_time()
        read_entry(text[:2000], text, "en")
        return time.process_time() - began

    took(small)
    assert took(large) < max(0.25, 8 * 4 * took(small)), "H49: no pattern backtracks"
