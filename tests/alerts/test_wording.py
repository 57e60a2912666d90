"""An alert in one sentence."""

from __future__ import annotations

import msgspec
import pytest

from sinks.alerts.wording import describe, format_number, say_who
from tests.alerts.kit import FEED, change, event, figure
from wirewatch.events import Attribution, Change, Enrichment, EntryEvent, Evidence, ToldBefore

CHAIN = [
    Attribution("media", "relay", True, ("headline", 0, 5)),
    Attribution("Interior Ministry", "origin", False, ("headline", 10, 27)),
]
TOLD = ToldBefore(1, "2026-01-01T00:00:00.000Z", "3,000 arrested")


def edited(
    *changes: Change, headline: str = "Up to 4,000 arrested", grade: str = "major", **known: object
) -> EntryEvent:
    happened = event("updated", headline, revision=2, grade=grade)
    return msgspec.structs.replace(happened, changes=list(changes), enrichment=Enrichment(version="1", **known))  # type: ignore[arg-type]  # the keys are the struct's


RISEN = change(
    "Up to 3,000 arrested", "Up to 4,000 arrested", grade="major", class_="figures",
    detail={"kind": "arrested", "from": 3000, "to": 4000},
)  # fmt: skip


def test_the_correction_of_a_figure_says_what_it_was_and_who_says_so() -> None:
    happened = edited(RISEN, figures=[figure(4000, "arrested", qualifier="at-most")], attribution=CHAIN)
    text = describe("corrected", happened, FEED, TOLD)
    assert text == "CORRECTION: now up to 4,000 arrested (was 3,000), media citing Interior Ministry"


def told(before: float | None, after: float | None, kind: str = "killed") -> Change:
    detail = {"kind": kind, "from": before, "to": after}
    return change("before", "after", grade="major", class_="figures", detail=detail)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ([told(None, 14), told(9, 14)], "now 14 killed (was 9)"),
        ([told(9, 14), told(None, 14)], "now 14 killed (was 9)"),
        ([told(14, 23), told(14, 23)], "now 23 killed (was 14)"),
        ([told(9, 14), told(9, None)], "now 14 killed (was 9)"),
        ([told(9, 14), told(3, 5, "injured")], "now 14 killed (was 9); now 5 injured (was 3)"),
        ([told(9, None), told(9, None)], "no longer says 9 killed"),
    ],
)
def test_a_figure_told_by_headline_and_body_is_named_once_with_what_it_was(changes: list[Change], text: str) -> None:
    assert describe("corrected", edited(*changes), FEED, TOLD) == f"CORRECTION: {text}"


def test_an_opening_is_the_headline() -> None:
    assert describe("opened", event(), FEED, None) == "NEW: Dam breaks above Velmora"
    assert describe("opened", event(flags=["late"]), FEED, None) == "NEW (late): Dam breaks above Velmora"
    assert (
        describe("opened", event("withdrawn"), FEED, None) == "NEW (withdrawn by its source): Dam breaks above Velmora"
    )


def test_a_quiet_alerts_opening_tells_the_before() -> None:
    assert describe("opened", edited(RISEN), FEED, None) == "NEW: now 4,000 arrested (was 3,000)"


def test_a_withdrawal_gives_its_evidence() -> None:
    gone = event("withdrawn", evidence=Evidence("absent", "absent from 2 snapshots while older entries stood there"))
    assert describe("withdrawn", gone, FEED, TOLD) == (
        "WITHDRAWN: Dam breaks above Velmora (absent from 2 snapshots while older entries stood there)"
    )


def test_what_matches_no_more_says_what_was_told() -> None:
    assert describe("unmatched", event(headline="Nobody arrested"), FEED, TOLD) == (
        "NO LONGER MATCHES: now “Nobody arrested” (was “3,000 arrested”)"
    )


def test_restored_and_rematched() -> None:
    assert describe("restored", event("restored"), FEED, TOLD) == "RESTORED: Dam breaks above Velmora"
    assert describe("rematched", event("updated", "Dam", before="Weir"), FEED, TOLD) == (
        "MATCHES AGAIN: Dam; now “Dam” (was “Weir”)"
    )


@pytest.mark.parametrize(
    ("happened", "text"),
    [
        (
            edited(
                change(
                    "12 killed",
                    "Many killed",
                    grade="major",
                    class_="figures",
                    detail={"kind": "killed", "from": 12, "to": None},
                )
            ),
            "CORRECTION: no longer says 12 killed",
        ),
        (
            edited(
                change(
                    "killed",
                    "12 killed",
                    grade="major",
                    class_="figures",
                    detail={"kind": "killed", "from": None, "to": 12},
                )
            ),
            "CORRECTION: now 12 killed",
        ),
        (
            edited(change("a", "b", grade="major", class_="hedge"), headline="Dam broke"),
            "CORRECTION: now stated as fact: Dam broke",
        ),
        (
            edited(change("a", "b", grade="major", class_="attribution"), headline="Dam broke", attribution=CHAIN),
            "CORRECTION: now media citing Interior Ministry: Dam broke",
        ),
        (
            edited(change("Dam holds", "Dam breaks", grade="major", class_="negation")),
            "CORRECTION: now “Dam breaks” (was “Dam holds”)",
        ),
        (
            edited(change("Dam holds", "Dam breaks"), grade="normal"),
            "UPDATE: now “Dam breaks” (was “Dam holds”)",
        ),
        (
            edited(
                change("", "More.", field="body", class_="body-added", diff=[("+", "More.")]),
                grade="normal",
                headline="Dam",
            ),
            "UPDATE: Dam: added “More.”",
        ),
        (
            edited(
                change("Less. ", "", field="body", class_="body-cut", diff=[("-", "Less. ")]),
                grade="normal",
                headline="Dam",
            ),
            "UPDATE: Dam: no longer says “Less.”",
        ),
    ],
)
def test_other_changes(happened: EntryEvent, text: str) -> None:
    assert describe("corrected", happened, FEED, TOLD) == text


def test_feed_events_speak_of_the_feed() -> None:
    failed = event("source-error", evidence=Evidence("truncated", "the body ends in mid-document"))
    assert describe("opened", failed, FEED, None) == "SOURCE ERROR: Velmora Live: the body ends in mid-document"


def test_an_entry_without_a_headline_is_told_by_its_body() -> None:
    assert describe("opened", event(headline="", body="The dam\nbroke."), FEED, None) == "NEW: The dam broke."
    assert describe("opened", event(headline=""), FEED, None) == "NEW: (no text)"


def test_a_sentence_is_bounded_whatever_the_text() -> None:
    huge = "word " * 100_000
    text = describe("corrected", edited(change(huge, huge + "x", grade="major"), headline=huge), FEED, TOLD)
    assert len(text) < 600
    assert "\n" not in text


def test_who_says_so() -> None:
    assert say_who(CHAIN) == "media citing Interior Ministry"
    assert say_who(CHAIN[:1]) == "according to media"
    assert say_who(CHAIN[1:]) == "according to Interior Ministry"
    assert say_who([Attribution("our reporter", "own-reporting", False, None)]) == ""
    assert say_who([]) == ""


@pytest.mark.parametrize(("value", "text"), [(4000.0, "4,000"), (1234567, "1,234,567"), (2.5, "2.5"), (None, "none")])
def test_numbers_are_grouped(value: float | None, text: str) -> None:
    assert format_number(value) == text
