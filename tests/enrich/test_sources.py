"""Who said it: datelines, the chain of attribution, hedges."""

from __future__ import annotations

import pytest

from processors.enrich.attribution import find_attribution
from processors.enrich.datelines import find_dateline
from processors.enrich.hedges import find_hedge
from processors.enrich.speech import find_statement


@pytest.mark.parametrize(
    ("body", "place", "agency", "end"),
    [
        ("TARNOV (Karst) - Trains run again.", "TARNOV", "Karst", 16),
        ("SAN MARTIN, Feb 26 - Rain fell.", "SAN MARTIN", None, 20),
        ("Bremen (dpa) - Es regnet.", "Bremen", "dpa", 14),
        ("МОСКВА, 7 янв — РИА Новости. Дождь.", "МОСКВА", None, 15),
        ("MADRID, 7 ene (EFE).- Llueve.", "MADRID", "EFE", 21),
        ("KYIV, Ukraine (AP) — It rains.", "KYIV", "AP", 20),
    ],
)
def test_a_dateline_is_split_off(body: str, place: str, agency: str | None, end: int) -> None:
    found = find_dateline(body)
    assert found is not None
    assert (found.place, found.agency, found.span) == (place, agency, ("body", 0, end))


@pytest.mark.parametrize(
    "body", ["The mayor - a doctor - resigned.", "BREAKING - A fire.", "Then (as before) - no.", ""]
)
def test_a_sentence_with_a_dash_is_no_dateline(body: str) -> None:
    assert find_dateline(body) is None


@pytest.mark.parametrize(
    ("headline", "body", "expected"),
    [
        ("200 Arrested in Tarnov - Media Citing Interior Ministry", "",
         [("relay", "media"), ("origin", "Interior Ministry")]),
        ("Nine Hurt in Blast, Reports Say", "", [("relay", "reports")]),
        ("Trains Run Again", "A Karst correspondent reported, citing the authorities of the Tarn Region.",
         [("own-reporting", "Karst"), ("origin", "authorities of the Tarn Region")]),
        ("Raid in Tarnov", "Police found arms, the national channel Karst 24 reported on Friday citing police.",
         [("relay", "Karst 24"), ("origin", "police")]),
        ("Talks", '"Yes," Swedish Foreign Minister Anna Lindqvist said on Friday.', [("speaker", "Anna Lindqvist")]),
        ("Talks", "It goes on, the Swedish Defence Ministry said. The ministry added that it waits.",
         [("speaker", "Swedish Defence Ministry")]),
        ("90 Held - Reports", "Ninety were held, according to Interior Ministry figures seen by Swedish media.",
         [("relay", "Swedish media"), ("origin", "Interior Ministry")]),
        ("Norwegian President Says Bridge Was Blown Up", "", [("speaker", "Norwegian President")]),
        ("Norwegian President Says She Is Worried", "", []),
        ("Bridge Closed", "Residents were told to stay at home.", []),
        ("Explosion", "Laut Polizei wurden zwölf Menschen verletzt.", [("origin", "Polizei")]),
    ],
)  # fmt: skip
def test_the_chain_says_who_told_it_and_who_said_it_first(
    headline: str, body: str, expected: list[tuple[str, str]]
) -> None:
    assert [(link.role, link.who) for link in find_attribution(headline, body)] == expected


def test_media_reports_and_sources_are_generic_and_their_span_is_where_they_stand() -> None:
    headline = "200 Arrested in Tarnov - Media Citing Interior Ministry"
    relay, origin = find_attribution(headline, "")
    assert (relay.generic, origin.generic) == (True, False)
    assert relay.span is not None
    assert headline[relay.span[1] : relay.span[2]] == "Media"


@pytest.mark.parametrize(
    ("headline", "body", "expected"),
    [
        ("Nine Reportedly Hurt in Blast", "", "reported"),
        ("Nine Hurt in Blast - Media", "", "reported"),
        ("Norwegian President Says Bridge Was Blown Up", "", "claimed"),
        ("Norwegian President Says She Is Worried", "", "none"),
        ("Ministry Denies Bridge Was Blown Up", "", "denied"),
        ("Unconfirmed: Bridge Blown Up", "", "unconfirmed"),
        ("Fire Claims 12 Lives", "", "none"),
        ("Bridge Closed", "It was allegedly blown up.", "claimed"),
        ("Bridge Closed", "It is closed. Reportedly it was blown up.", "none"),
        ("Berichten zufolge zwölf Verletzte", "", "reported"),
        ("Минобороны опровергает взрыв", "", "denied"),
    ],
)
def test_a_hedge_is_read_from_the_headline_then_the_first_sentence(headline: str, body: str, expected: str) -> None:
    assert find_hedge(headline, body) == expected


@pytest.mark.parametrize("headline", ["Mill Street: flooded", "Railway line 7: no trains", "Old Bridge: closed"])
def test_a_name_before_a_colon_with_small_letters_after_it_is_a_heading_not_a_speaker(headline: str) -> None:
    assert find_statement(headline) is None


def test_an_institution_before_a_colon_speaks_whatever_letter_follows() -> None:
    statement = find_statement("Interior Ministry: two suspects arrested")
    assert statement is not None
    assert statement.source is not None
