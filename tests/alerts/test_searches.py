"""What saved searches say of an event, and the alerts that follow from it."""

from __future__ import annotations

import msgspec
import pytest

from sinks.alerts.lifecycle import Match
from sinks.alerts.searches import SavedSearches, read_search
from tests.alerts.kit import change, event, figure, subscription
from wirewatch.events import Enrichment, EntryEvent
from wirewatch.query import FeedMaxima, QueryError


def match_of(query: str, happened: EntryEvent, *, known: bool = False, said: FeedMaxima | None = None) -> Match | None:
    searches = SavedSearches()
    saved = subscription(query)
    searches.put(read_search(saved))
    found = list(searches.matches_of(happened, said or FeedMaxima(), {saved.id} if known else ()))
    return found[0][1] if found else None


def facts(match: Match | None) -> tuple[bool, bool, bool] | None:
    return match and (match.now, match.before, match.standing)


def test_whether_it_matched_before_is_computed_from_the_event_itself() -> None:
    assert facts(match_of("dam", event(headline="Dam breaks"))) == (True, False, True)
    assert facts(match_of("dam", event("updated", "Dam breaks", before="Bridge falls"))) == (True, False, True)
    assert facts(match_of("dam", event("updated", "Dam breaks", before="Dam falls"))) == (True, True, True)
    assert facts(match_of("dam", event("updated", "Bridge falls", before="Dam falls"), known=True)) == (
        False,
        True,
        False,
    )


def test_a_search_that_neither_matches_nor_has_an_alert_is_not_concerned() -> None:
    assert match_of("dam", event(headline="Bridge falls")) is None
    assert match_of("dam", event("updated", "Bridge falls", before="Dam falls")) is None


def test_op_and_changed_open_an_alert_and_do_not_end_it() -> None:
    assert facts(match_of("dam op:created", event())) == (True, False, True)
    later = event("updated", "Dam breaks wide", before="Dam breaks", revision=2)
    assert facts(match_of("dam op:created", later, known=True)) == (False, True, True)
    assert facts(match_of("dam changed:figures", later, known=True)) == (False, True, True)
    ended = event("updated", "Bridge falls", before="Dam breaks", revision=2)
    assert facts(match_of("dam op:created", ended, known=True)) == (False, True, False)


def test_every_update_may_open_a_search_for_updates() -> None:
    assert facts(match_of("dam op:updated", event("updated", "Dam breaks", before="Dam breaks up"))) == (
        True,
        False,
        True,
    )


def test_a_clause_about_an_event_may_stand_under_not() -> None:
    assert facts(match_of("dam -op:baseline", event())) == (True, False, True)
    later = event("updated", "Dam falls", before="Dam breaks", revision=2)
    assert facts(match_of("dam -op:updated", later, known=True)) == (False, True, True)


def figures(headline: str, value: float, *, op: str = "created", before: float | None = None) -> EntryEvent:
    told = (
        []
        if before is None
        else [
            change(
                f"{before:g} killed",
                headline,
                grade="major",
                class_="figures",
                detail={"kind": "killed", "from": before, "to": value},
            )
        ]
    )
    return msgspec.structs.replace(
        event(op, headline, revision=1 if before is None else 2),
        enrichment=Enrichment(version="1", figures=[figure(value)]),
        changes=told,
    )


def test_a_new_figure_is_higher_than_the_feed_has_said_before() -> None:
    query = "figure.killed:new>=10"
    assert facts(match_of(query, figures("12 killed", 12))) == (True, False, True)
    assert match_of(query, figures("12 killed", 12), said=FeedMaxima({"killed": 12})) is None
    assert facts(
        match_of(query, figures("15 killed", 15, op="updated", before=12), said=FeedMaxima({"killed": 12}))
    ) == (
        True,
        False,
        True,
    )
    # once told, an edit without a new figure does not end it
    same = figures("12 killed here", 12, op="updated", before=12)
    assert facts(match_of(query, same, known=True, said=FeedMaxima({"killed": 12}))) == (False, True, True)


def test_the_reason_names_the_clauses_with_their_words() -> None:
    match = match_of('dam "above velmora"', event())
    assert match is not None
    assert [(clause.clause, clause.field, clause.span, clause.text) for clause in match.matched] == [
        ("dam", "headline", (0, 3), "Dam"),
        ('"above velmora"', "headline", (11, 24), "above Velmora"),
    ]


@pytest.mark.parametrize(
    ("query", "happened", "echo"),
    [
        ("dam", event(subject="lead", same_as="en_other"), True),
        ("dam feed:velmora", event(subject="lead", same_as="en_other"), True),
        ("dam", event(subject="lead"), False),
        ("dam is:lead", event(subject="lead", same_as="en_other"), False),
        ("storm", event(subject="lead", same_as="en_other", body="A storm comes"), False),
    ],
)
def test_a_lead_that_repeats_an_entrys_headline_is_an_echo(query: str, happened: EntryEvent, echo: bool) -> None:
    match = match_of(query, happened)
    assert match is not None
    assert match.echo is echo


def test_the_canary_matches_nothing_but_who_names_it() -> None:
    chirp = event(feed_id="wirewatch-canary", headline="canary dam")
    assert match_of("dam", chirp) is None
    assert match_of("-storm", chirp) is None
    assert match_of("-feed:wirewatch-canary OR dam", chirp) is None
    assert match_of("dam feed:wirewatch-canary", chirp) is not None


def test_feed_events_match_only_who_asks_for_them() -> None:
    assert facts(match_of("op:gap", event("gap"))) == (True, False, True)
    assert match_of("dam", event("gap")) is None
    assert match_of("op:source-error", event("gap")) is None


def test_a_removed_search_is_not_concerned_any_more_and_an_edited_one_with_its_new_query() -> None:
    searches = SavedSearches()
    saved = subscription("dam")
    searches.put(read_search(saved))
    searches.put(read_search(msgspec.structs.replace(saved, query="storm", revision=2)))
    assert [one.revision for one, _ in searches.matches_of(event(headline="Storm"), FeedMaxima(), ())] == [2]
    assert list(searches.matches_of(event(), FeedMaxima(), ())) == []
    searches.remove(saved.id)
    searches.remove(saved.id)
    assert list(searches.matches_of(event(headline="Storm"), FeedMaxima(), {saved.id})) == []
    assert len(searches) == 0


def test_a_saved_search_has_no_relative_times() -> None:
    with pytest.raises(QueryError):
        read_search(subscription("dam since:2h"))


def test_the_text_before_may_be_read_anew() -> None:
    def enrich(happened: EntryEvent) -> EntryEvent:
        killed = [figure(9)] if happened.headline.startswith("9") else []
        return msgspec.structs.replace(happened, enrichment=Enrichment(version="1", figures=killed))

    edited = event("updated", "Nine killed", before="9 killed", revision=2)
    edited = msgspec.structs.replace(edited, enrichment=Enrichment(version="1", figures=[figure(9)]))
    searches = SavedSearches()
    searches.put(read_search(subscription("figure.killed>=9")))
    [(_, plain)] = searches.matches_of(edited, FeedMaxima(), ())
    [(_, read)] = searches.matches_of(edited, FeedMaxima(), (), enrich=enrich)
    assert read.before
    assert plain.now
    assert read.now
