"""The query language: what it reads, and what it says where it cannot."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wirewatch.errors import UserError
from wirewatch.query import QueryError, parse_query
from wirewatch.query.syntax import And, Around, FigureIs, Keyword, Near, Not, Or, Phrase, When
from wirewatch.times import parse_ms

STORM, FLOOD, RAIN = (Phrase((word,)) for word in ("storm", "flood", "rain"))


def test_not_binds_tighter_than_and_and_and_tighter_than_or() -> None:
    assert parse_query("storm flood OR NOT rain storm").root == Or((And((STORM, FLOOD)), And((Not(RAIN), STORM))))
    assert parse_query("storm AND flood OR rain") == parse_query("(storm flood) OR rain")
    assert parse_query("storm (flood OR -rain)").root == And((STORM, Or((FLOOD, Not(RAIN)))))
    assert parse_query("NOT NOT storm").root == STORM


def test_each_clause_is_read_as_what_it_says() -> None:
    assert parse_query('"Two-fold rise"').root == Phrase(("two", "fold", "rise"))
    assert parse_query("two-fol*").root == Phrase(("two", "fol"), prefix=True)
    assert parse_query("headline:(storm OR body:flood)").root == Or(
        (Phrase(("storm",), scope="headline"), Phrase(("flood",), scope="body"))
    )
    assert parse_query('storm NEAR/5 "flood rain"').root == Near(STORM, Phrase(("flood", "rain")), 5)
    assert parse_query("figure.killed:new>=4,000").root == FigureIs("killed", ">=", 4000.0, new=True)
    assert parse_query("near:43.25,-76.95,50km").root == Around(43.25, -76.95, 50_000.0)
    assert parse_query("FEED:kz-*").root == Keyword("feed", "kz-", prefix=True)
    assert parse_query("“storm”").root == STORM
    assert parse_query("storm – and, 20:30").root == And((STORM, Phrase(("and",)), Phrase(("20", "30"))))


def test_times_are_durations_or_dates_and_an_until_day_is_whole() -> None:
    assert parse_query("since:2h").root == When("since", None, 7_200_000)
    assert parse_query("since:2022-01-07").root == When("since", parse_ms("2022-01-07T00:00:00Z"), None)
    assert parse_query("until:2022-01-07").root == When("until", parse_ms("2022-01-07T23:59:59.999Z"), None)
    assert parse_query("until:2022-01-07T20:30+06:00").root == When("until", parse_ms("2022-01-07T14:30:00Z"), None)
    assert parse_query("storm since:2h").relative


def test_a_saved_search_refuses_relative_times() -> None:
    with pytest.raises(QueryError, match="character 13: found “2h”, expected a date"):
        parse_query("storm since:2h", saved=True)
    assert parse_query("storm since:2022-01-07", saved=True)


def test_versions_all_speaks_of_the_whole_query() -> None:
    query = parse_query("storm versions:all")
    assert query.versions_all
    assert query.root == STORM
    assert str(parse_query("versions:all")) == "versions:all"
    with pytest.raises(QueryError, match="beside the whole query"):
        parse_query("storm OR versions:all")


@pytest.mark.parametrize(
    ("text", "position", "expected"),
    [
        ("", 0, "a word"),
        ('storm "flood', 6, 'a closing "'),
        ("NEAR(storm flood)", 0, "NEAR/5"),
        ("(storm", 6, 'a ")" for the "(" at character 1'),
        ("storm)", 5, 'a "("'),
        ("storm OR", 8, "a word"),
        ("*storm", 0, "only at the end"),
        ("st*rm", 2, "only at the end"),
        ("op:moved", 3, "one of baseline, created"),
        ("colour:red", 0, "one of headline:"),
        ("feed: kz", 6, "a value right behind feed:"),
        ("figure.dead>3", 7, "one of killed"),
        ("figure.killed>=many", 15, "a number"),
        ("figure.killed", 0, "figure.KIND"),
        ("near:91,0,5km", 5, "a latitude up to 90"),
        ("near:here", 5, "latitude,longitude,radius"),
        ("since:yesterday", 6, "a duration such as 2h"),
        ("storm NEAR/5 (flood OR rain)", 13, "a word or a phrase beside NEAR/5"),
        ("headline:storm NEAR/5 flood", 15, "both words in the same field"),
        ("tag:(storm NEAR/5 flood)", 11, "NEAR/5 works in headline and body"),
        ("storm 🔥", 6, "letters or digits"),
        ('storm ""', 6, "a word inside the quotes"),
    ],
)
def test_an_error_says_where_and_what_was_expected_h51(text: str, position: int, expected: str) -> None:
    with pytest.raises(QueryError) as caught:
        parse_query(text)
    assert caught.value.position == position
    assert expected in caught.value.expected
    assert f"character {position + 1}" in str(caught.value)


@pytest.mark.parametrize(
    "text",
    ["(" * 300 + "storm" + ")" * 300, "-(" * 3000 + "a" + ")" * 3000, " OR ".join(["storm"] * 10_000), "storm " * 1_600,
     "NOT " * 2_400, "(" * 9_999, '"' + "storm " * 100 + '"', "火" * 5_000],
)  # fmt: skip
def test_too_much_is_refused_with_its_position_h51_h52(text: str) -> None:
    with pytest.raises(QueryError) as caught:
        parse_query(text)
    assert 0 <= caught.value.position <= len(text)


PIECES = st.sampled_from(
    [
        "(",
        ")",
        '"',
        "AND",
        "OR",
        "NOT",
        "NEAR/2",
        "NEAR",
        "-",
        "*",
        "storm",
        "op:",
        "op:gap",
        "figure.killed",
        ">=",
        "4",
        " ",
        "near:",
        "1,2,3km",
        "since:",
        "2h",
        "versions:all",
        ":",
        "火",
        "“",
        "headline:",
        "place:",
        "\x00",
        "\ud800",
        "9" * 40,
    ]
)


@given(st.one_of(st.lists(PIECES, max_size=30).map("".join), st.lists(PIECES, max_size=30).map(" ".join), st.text()))
def test_any_text_is_a_query_or_an_error_with_its_position(text: str) -> None:
    try:
        query = parse_query(text)
    except UserError as error:
        assert isinstance(error, QueryError)  # noqa: PT017 - most texts are no query, and some are
        assert 0 <= error.position <= len(text)  # noqa: PT017 - as above
    else:
        assert parse_query(str(query)) == query
