"""Edit classes: what an edit means, gravest first, and a diff from which either text can be rebuilt."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.diff.changes import describe_changes
from processors.diff.word_diff import word_diff

LONG = "The road along the river was closed at noon. "
MORE = "Two buses were sent to bring the children home before dark, the council said in a note."

# before, after -> classes
PAIRS: list[tuple[str, str, list[str]]] = [
    ("12 dead in valley flood", "21 dead in valley flood", ["figures", "headline"]),
    ("Up to 3,000 arrested, media say", "Up to 4,000 arrested, media say", ["figures", "headline"]),
    ("Two people were killed", "Three people were killed", ["figures", "headline"]),
    ("A dozen people were killed", "Two dozen people were killed", ["figures", "headline"]),
    ("Ein Dutzend Tote nach Sturm", "Zwei Dutzend Tote nach Sturm", ["figures", "headline"]),
    ("Dozens injured in storm", "Hundreds injured in storm", ["figures", "headline"]),
    ("١٢ killed", "٢١ killed", ["figures", "headline"]),
    ("Zwei Tote nach Sturm", "Drei Tote nach Sturm", ["figures", "headline"]),
    ("Deux morts à Aster", "Quatre morts à Aster", ["figures", "headline"]),
    ("Dos muertos en Aster", "Cinco muertos en Aster", ["figures", "headline"]),
    ("Погибли 12 человек", "Погибли 15 человек", ["figures", "headline"]),
    ("Dam will hold, engineers agree", "Dam will not hold, engineers agree", ["negation", "headline"]),
    ("Mayor admits leak", "Mayor denies leak", ["negation", "headline"]),
    ("Dam burst, officials say", "Dam burst", ["attribution", "headline"]),
    ("Dam has reportedly burst", "Dam has burst", ["hedge", "headline"]),
    ("Mutmaßlich drei Täter", "Drei Täter", ["hedge", "headline"]),
    ("Blast heard in Aster", "Blast heard in Birch", ["place", "headline"]),
    ("Storm nears the coast", "Storm reaches the coast", ["headline"]),
    ("Goverment falls", "Government falls", ["typo"]),
    ("Goverment falls .", "Government falls.", ["typo"]),
    ("It's over: talks end", "It’s over: talks end", ["typo"]),
    ("Breaking news today", "BREAKING NEWS TODAY", ["typo"]),
    ("Train from 12:30 delayed", "Train from 12:45 delayed", ["headline"]),
]


@pytest.mark.parametrize(("before", "after", "classes"), PAIRS)
def test_a_headline_edit_has_its_classes(before: str, after: str, classes: list[str]) -> None:
    (change,) = describe_changes((before, ""), (after, ""))
    assert list(change.classes) == classes
    assert change.class_ == classes[0]


@pytest.mark.parametrize(
    ("before", "after", "first", "grade"),
    [
        ("", LONG, "body-added", "normal"),
        (LONG, LONG + MORE, "body-extended", "normal"),
        (LONG, LONG + MORE.split(", the", maxsplit=1)[0] + ".", "body-extended", "normal"),
        (LONG + MORE.split(", the", maxsplit=1)[0], LONG, "body-cut", "normal"),
        (LONG, LONG.replace("road", "path"), "body", "normal"),
        (LONG, LONG + "Correction: the road was closed at one.", "correction", "major"),
        (LONG, LONG.replace("river", "rivver"), "typo", "silent"),
    ],
)
def test_a_body_edit_has_its_class_and_grade(before: str, after: str, first: str, grade: str) -> None:
    (change,) = describe_changes(("", before), ("", after))
    assert (change.class_, change.grade) == (first, grade)


@pytest.mark.parametrize(
    ("before", "after", "detail"),
    [
        ("12 dead", "21 dead", {"kind": "killed", "from": 12, "to": 21}),
        ("Up to 3,000 arrested", "Up to 4,000 arrested", {"kind": "arrested", "from": 3000, "to": 4000}),
        ("Fourteen people have died", "Twenty-three people have died", {"kind": "killed", "from": 14, "to": 23}),
        ("Dozens injured, 2 killed", "Dozens injured, 5 killed", {"kind": "killed", "from": 2, "to": 5}),
        ("Boat sinks", "Boat sinks, nine missing", {"kind": "missing", "from": None, "to": 9}),
    ],
)
def test_figures_say_which_one_changed(before: str, after: str, detail: dict[str, Any]) -> None:
    (change,) = describe_changes((before, ""), (after, ""))
    assert change.detail == detail


def test_a_figure_that_the_headline_told_already_is_no_new_one_in_the_body() -> None:
    before = ("14 killed on bridge", "")
    (change,) = describe_changes(before, ("14 killed on bridge", "Fourteen people were killed on the bridge."))
    assert (change.class_, change.detail) == ("body-added", None)


def test_headline_and_body_each_say_which_figure_changed() -> None:
    before = ("14 killed on bridge", "The lorry fell. Fourteen people were killed.")
    after = ("23 killed on bridge", "The lorry fell. Twenty-three people were killed.")
    assert [change.detail for change in describe_changes(before, after)] == 2 * [
        {"kind": "killed", "from": 14, "to": 23}
    ]


def test_a_languages_own_words_are_read_where_the_source_says_it() -> None:
    (change,) = describe_changes(("Sturm: zwölf Tote", ""), ("Sturm: einundzwanzig Tote", ""), "de")
    assert change.detail == {"kind": "killed", "from": 12, "to": 21}


@pytest.mark.parametrize("text", ["the not “", "„“ ' ' “ ", "A. ", "not no never ", "Iran Iraq ", "12 killed "])
def test_hostile_repetition_is_classed_in_bounded_time(text: str) -> None:
    before, after = text * 4_000, "x " + text * 4_100
    began = time.process_time()
    describe_changes((before[:2_000], before), (after[:2_000], after))
    assert time.process_time() - began < 5


def test_the_contracts_own_example_comes_out() -> None:
    assert word_diff("Up to 3,000 arrested", "Up to 4,000 arrested") == [
        ("=", "Up to "),
        ("-", "3,000"),
        ("+", "4,000"),
        ("=", " arrested"),
    ]


TEXTS = st.text(st.sampled_from("ab 1,.北京\n"), max_size=60)


@settings(max_examples=200, deadline=None)
@given(TEXTS, TEXTS)
def test_either_text_is_rebuilt_from_the_diff(before: str, after: str) -> None:
    diff = word_diff(before, after)
    assert "".join(text for sign, text in diff if sign != "+") == before
    assert "".join(text for sign, text in diff if sign != "-") == after


def test_very_long_texts_are_compared_in_bounded_work() -> None:
    before = " ".join(f"word{n}" for n in range(40_000))
    after = " ".join(f"other{n}" for n in range(40_000))
    diff = word_diff(before, after)
    assert "".join(text for sign, text in diff if sign != "+") == before


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        ("Treno deragliato, 12 feriti", "Treno deragliato, 21 feriti", "injured"),
        ("12 doden bij brand", "21 doden bij brand", "killed"),
        ("12 zabitych w wypadku", "21 zabitych w wypadku", "killed"),
        ("12 ölü", "21 ölü", "killed"),
        ("مقتل ١٢ شخصا في انفجار", "مقتل ٢١ شخصا في انفجار", "killed"),
        ("भूकंप में १२ लोगों की मौत", "भूकंप में २१ लोगों की मौत", "other"),
        ("地震で12人死亡", "地震で21人死亡", "killed"),
    ],
)
def test_a_number_of_people_harmed_is_a_figure_in_any_languages_digits(before: str, after: str, kind: str) -> None:
    (change,) = describe_changes((before, ""), (after, ""))
    assert change.classes == ["figures", "headline"]
    assert change.detail == {"kind": kind, "from": 12, "to": 21}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("火災は12時に発生", "火災は21時に発生"),
        ("اجتماع الساعة 12:30", "اجتماع الساعة 12:45"),
        ("Calcio: 2-1", "Calcio: 3-1"),
    ],
)
def test_a_time_or_a_score_is_no_figure_where_few_words_are_known(before: str, after: str) -> None:
    (change,) = describe_changes((before, ""), (after, ""))
    assert "figures" not in change.classes


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Il sindaco si dimette", "Il sindaco non si dimette"),
        ("O prefeito renuncia", "O prefeito não renuncia"),
        ("De burgemeester treedt af", "De burgemeester treedt niet af"),
        ("Ministern avgår", "Ministern avgår inte"),
        ("Міністр іде у відставку", "Міністр не іде у відставку"),
    ],
)
def test_a_not_turns_a_claim_in_languages_whose_figures_are_not_read(before: str, after: str) -> None:
    (change,) = describe_changes((before, ""), (after, ""))
    assert change.classes[0] == "negation"


def test_a_non_profit_turns_no_claim() -> None:
    (change,) = describe_changes(("Group wins county grant", ""), ("Non-profit group wins county grant", ""))
    assert change.classes == ["headline"]


@pytest.mark.parametrize(
    ("before", "after", "detail"),
    [
        ("12 muertos", "Veintiún muertos", {"kind": "killed", "from": 12, "to": 21}),
        ("12 heridos", "Veintiuna personas heridas", {"kind": "injured", "from": 12, "to": 21}),
        ("A dozen hurt", "Half a dozen hurt", {"kind": "injured", "from": 12, "to": 6}),
        ("Media docena de heridos", "12 heridos", {"kind": "injured", "from": 6, "to": 12}),
        ("Ein halbes Dutzend Verletzte", "12 Verletzte", {"kind": "injured", "from": 6, "to": 12}),
        ("12 Tote", "Ein Toter", {"kind": "killed", "from": 12, "to": 1}),
        ("12 погибших", "21 погибший", {"kind": "killed", "from": 12, "to": 21}),
    ],
)
def test_figures_are_read_through_half_dozens_gender_and_case(before: str, after: str, detail: dict[str, Any]) -> None:
    assert describe_changes((before, ""), (after, ""))[0].detail == detail
