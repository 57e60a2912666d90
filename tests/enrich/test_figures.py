"""How many: numbers become figures by the words around them."""

from __future__ import annotations

import pytest

from processors.enrich.figures import find_figures

Read = tuple[str, str, float]


def read(text: str, language: str | None = "en") -> list[Read]:
    return [(f.kind, f.qualifier, f.value) for f in find_figures(text, "body", language)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Up to 2,400 Rebels Arrested in Ostrava", [("arrested", "at-most", 2400)]),
        ("Police detain nine armed people during a raid", [("detained", "exact", 9)]),
        ("At Least 4 Waves of Drone Attacks Reported", [("other", "at-least", 4)]),
        ("Around 300 residents to assist rescuers", [("other", "about", 300)]),
        ("31 have been killed and an equal number injured", [("killed", "exact", 31), ("injured", "exact", 31)]),
        ("A blast left 17 miners injured", [("injured", "exact", 17)]),
        ("Twenty-five died, one hundred and six are missing", [("killed", "exact", 25), ("missing", "exact", 106)]),
        ("Five soldiers and three civilians were killed", [("killed", "exact", 5), ("killed", "exact", 3)]),
        ("6 gunmen killed 13 people", [("other", "exact", 6), ("killed", "exact", 13)]),
        ("The death toll rises to 21", [("killed", "exact", 21)]),
        ("Dozens killed in ferry accident", [("killed", "at-least", 24)]),
        ("A dozen killed, two dozen people missing", [("killed", "exact", 12), ("missing", "exact", 24)]),
        ("2.5 million people displaced", [("displaced", "exact", 2_500_000)]),
        ("More than ٤٠٠٠ people were evacuated", [("evacuated", "over", 4000)]),
        ("Over ४०० people were evacuated, ９ hospitalised", [("evacuated", "over", 400), ("hospitalised", "exact", 9)]),
        ("fighters wounded at least 30 others", [("injured", "at-least", 30)]),
        ("the report about 15 armed protesters", [("other", "exact", 15)]),
    ],
)  # fmt: skip
def test_a_number_counts_what_its_clause_says(text: str, expected: list[Read]) -> None:
    assert read(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Flights resume from 04:00 GMT on January 8, 2022",
        "Channel Karst 24 has reported on it",
        "a two-fold increase and a 24-year-old man",
        "John Smith, 34, was hurt",
        "Prices rose by 12 percent to $3 million",
        "In 2019 the mayor resigned",
        "They won 3-1 after 90 minutes",
        "hundreds of people stormed the office",
        "the 21st attack of flight 370",
    ],
)
def test_times_dates_ages_prices_and_names_are_no_figures(text: str) -> None:
    assert read(text) == []


def test_what_is_included_is_a_subset_of_what_includes_it() -> None:
    figures = find_figures("Another 56 were taken to hospitals, including 25 who are in intensive care.", "body", "en")
    assert [(f.kind, f.value, f.subset_of) for f in figures] == [("hospitalised", 56, None), ("other", 25, 0)]


def test_a_range_keeps_both_ends() -> None:
    (figure,) = find_figures("Between 12 and 15 people died", "body", "en")
    assert (figure.min, figure.max, figure.value, figure.qualifier) == (12, 15, 15, "about")


def test_the_exact_number_of_a_rounded_one_is_the_same_figure_and_a_far_one_is_not() -> None:
    near = find_figures("Over 2,700 detained. Police detained 2,713 people.", "body", "en")
    far = find_figures("Over 2,700 detained. Police detained 9,000 people.", "body", "en")
    assert [f.same_as for f in near] == [None, 0]
    assert [f.same_as for f in far] == [None, None]


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("de", "Mindestens 12 Tote und 30 Verletzte", [("killed", "at-least", 12), ("injured", "exact", 30)]),
        ("de", "Die Polizei nahm mehr als 4.000 Menschen fest", [("arrested", "over", 4000)]),
        ("de", "Etwa fünfundzwanzig Menschen wurden evakuiert", [("evacuated", "about", 25)]),
        ("fr", "Au moins 26 morts et 4 000 blessés", [("killed", "at-least", 26), ("injured", "exact", 4000)]),
        ("fr", "Quatre-vingt-douze personnes sont portées disparues", [("missing", "exact", 92)]),
        ("fr", "Douze personnes ont été tuées", [("killed", "exact", 12)]),
        ("es", "Al menos 26 muertos y unos 4.000 heridos", [("killed", "at-least", 26), ("injured", "about", 4000)]),
        ("es", "La policía detuvo a más de 3.100 personas el 25 de enero", [("detained", "over", 3100)]),
        ("ru", "Не менее 26 человек погибли, более 4 000 задержаны",
         [("killed", "at-least", 26), ("detained", "over", 4000)]),
        ("ru", "Погибли двенадцать человек, около пятисот эвакуированы",
         [("killed", "exact", 12), ("evacuated", "about", 500)]),
    ],
)  # fmt: skip
def test_plain_cases_are_read_in_five_languages(language: str, text: str, expected: list[Read]) -> None:
    assert read(text, language) == expected
    assert read(text, None) == expected, "and where the language is not known"
