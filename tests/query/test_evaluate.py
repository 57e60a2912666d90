"""A query held against one event: what matches, and the words that say why."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from wirewatch.errors import BadInput
from wirewatch.events import EntryEvent
from wirewatch.events.alerts import Clause
from wirewatch.query import (
    FeedMaxima,
    MatchContext,
    QueryError,
    QueryIndex,
    before_of,
    highlights,
    holds,
    match_lines,
    matches,
    matches_before,
    parse_query,
    read_searches,
)

MakeEvent = Callable[..., EntryEvent]


def killed(value: float, **more: Any) -> dict[str, Any]:
    return {"kind": "killed", "value": value, **more}


def test_a_match_names_each_clause_with_its_words(make_event: MakeEvent) -> None:
    event = make_event(
        "Up to 4,000 held in Café quarter",
        "Police spoke of calm.",
        enrichment={
            "figures": [{"kind": "arrested", "value": 4000, "text": "Up to 4,000", "span": ["headline", 0, 11]}]
        },
    )
    match = matches(parse_query("figure.detained>=1000 cafe -storm (police OR rain)"), event)
    assert match.held
    assert match.matched == [
        Clause("figure.detained>=1000", "headline", (0, 11), "Up to 4,000"),
        Clause("cafe", "headline", (20, 24), "Café"),
        Clause("-storm"),
        Clause("police", "body", (0, 6), "Police"),
    ]
    assert match.unmatched == [Clause("rain")]
    failed = matches(parse_query("storm -cafe"), event)
    assert not failed.held
    assert failed.unmatched == [Clause("storm"), Clause("-cafe", "headline", (20, 24), "Café")]


def test_detained_also_finds_arrested_and_background_does_not_count(make_event: MakeEvent) -> None:
    arrested = make_event(enrichment={"figures": [{"kind": "arrested", "value": 12}]})
    assert holds(parse_query("figure.detained=12"), arrested)
    assert not holds(parse_query("figure.arrested>12"), arrested)
    detained = make_event(enrichment={"figures": [{"kind": "detained", "value": 12}]})
    assert not holds(parse_query("figure.arrested=12"), detained)
    assert not holds(parse_query("figure.killed>0"), make_event(enrichment={"figures": [killed(9, background=True)]}))


def test_a_new_figure_is_higher_than_the_feed_has_said_before(make_event: MakeEvent) -> None:
    query = parse_query("figure.killed:new>=10")
    said = FeedMaxima()
    told = []
    for value in (8, 12, 12, 11, 15):
        event = make_event(enrichment={"figures": [killed(value), killed(99, background=True)]})
        told.append(holds(query, event, MatchContext(maxima=said)))
        said = said.after(event)
    assert told == [False, True, False, False, True]
    assert said == FeedMaxima({"killed": 15.0})
    arrested = make_event(enrichment={"figures": [{"kind": "arrested", "value": 50}]})
    assert said.after(arrested).of("detained") == 50


def test_feed_events_match_only_queries_that_ask_for_their_op(make_event: MakeEvent) -> None:
    gap = make_event(
        op="gap", subject="feed", entry_id=None, evidence={"kind": "", "text": "nothing in common", "snapshots": []}
    )
    entry = make_event("Storm")
    for text, of_gap, of_entry in [
        ("op:gap", True, False),
        ("op:source-error", False, False),
        ("-storm", False, False),
        ("op:gap feed:kz-live", True, False),
        ("op:gap common", True, False),
        ("-op:source-error", False, True),
        ("storm OR op:gap", True, True),
        ("NOT op:gap", False, True),
    ]:
        query = parse_query(text)
        assert (holds(query, gap), holds(query, entry)) == (of_gap, of_entry), text


def test_near_counts_the_tokens_between_in_either_order_within_one_field(make_event: MakeEvent) -> None:
    event = make_event("storm one two three hits coast", "flood")
    assert holds(parse_query("storm NEAR/3 hits"), event)
    assert holds(parse_query("hits NEAR/3 storm"), event)
    assert not holds(parse_query("storm NEAR/2 hits"), event)
    assert not holds(parse_query("coast NEAR/99 flood"), event)


def test_a_phrase_does_not_reach_from_one_value_into_the_next(make_event: MakeEvent) -> None:
    event = make_event("Storm", "surge", enrichment={"places": [{"name": "New"}, {"name": "York"}]})
    assert not holds(parse_query('"storm surge"'), event)
    assert not holds(parse_query('place:"new york"'), event)
    assert holds(parse_query("place:new place:york"), event)


def test_what_was_found_is_highlighted_wherever_it_stands(make_event: MakeEvent) -> None:
    event = make_event("Storm storms storm", "大火災 in a storm")
    assert highlights(parse_query("storm* 火災 -coast"), event) == [
        ("body", 1, 3),
        ("body", 9, 14),
        ("headline", 0, 5),
        ("headline", 6, 12),
        ("headline", 13, 18),
    ]


def test_a_relative_time_needs_the_moment_of_asking(make_event: MakeEvent) -> None:
    event = make_event(published="2022-01-07T20:00:00.000Z")
    query = parse_query("since:2h")
    at_ten = MatchContext(now_ms=1_641_592_800_000)
    assert holds(query, event, at_ten)
    assert not holds(parse_query("since:119m"), event, at_ten)
    assert not holds(query, make_event(), at_ten)  # no time at all
    with pytest.raises(ValueError, match="since:2h is relative"):
        holds(query, event)


def edited(make_event: MakeEvent, **more: Any) -> EntryEvent:
    change = {
        "field": "headline",
        "class": "figures",
        "classes": ["figures"],
        "grade": "major",
        "before": "Over 3,000 arrested in Alma",
        "after": "Over 4,000 arrested",
        "diff": [],
        "detail": {"kind": "arrested", "from": 3000, "to": 4000},
    }
    enrichment = {
        "figures": [{"kind": "arrested", "value": 4000, "text": "Over 4,000 arrested", "span": ["headline", 0, 19]}]
    }
    return make_event(
        "Over 4,000 arrested", "No change.", op="updated", revision=2, changes=[change], enrichment=enrichment, **more
    )


def test_whether_it_matched_before_comes_from_the_event_itself(make_event: MakeEvent) -> None:
    event = edited(make_event)
    for text, before, now in [
        ("alma", True, False),
        ("3000", True, False),
        ("figure.arrested>=4000", False, True),
        ("figure.arrested>=3000", True, True),
        ("change", True, True),
        ("op:updated arrested", False, True),
        ("changed:figures", False, True),
        ("-op:withdrawn", True, True),
    ]:
        query = parse_query(text)
        assert (matches_before(query, event).held, holds(query, event)) == (before, now), text
    earlier = before_of(event)
    assert earlier is not None
    assert earlier.entry is not None
    assert (earlier.headline, earlier.entry.headline, earlier.revision) == ("Over 3,000 arrested in Alma",) * 2 + (1,)
    assert not matches_before(parse_query("arrested"), make_event("arrested")).held  # not known before
    withdrawn = make_event("arrested", op="withdrawn", entry={"status": "withdrawn"})
    assert matches_before(parse_query("is:current arrested"), withdrawn).held
    assert not holds(parse_query("is:current"), withdrawn)


def test_the_earlier_text_is_read_anew_where_a_reader_is_given(make_event: MakeEvent) -> None:
    def enrich(event: EntryEvent) -> EntryEvent:
        assert event.enrichment is None
        assert event.entry is not None
        places = [{"name": "Alma"}] if "Alma" in event.entry.headline else []
        return msgspec.structs.replace(event, enrichment=make_event(enrichment={"places": places}).enrichment)

    assert not matches_before(parse_query("place:alma"), edited(make_event)).held
    assert matches_before(parse_query("place:alma"), edited(make_event), enrich=enrich).held


def test_the_index_of_searches_forgets_what_is_removed_and_evaluates_few(make_event: MakeEvent) -> None:
    rng = random.Random(7)
    letters = "abcdefghijklmnopqrstuvwxyz"
    made = ["".join(rng.choices(letters, k=rng.randint(4, 8))) for _ in range(3_000)]
    searches = {f"s{nth}": parse_query(f"{made[nth]} {made[nth + 1000]} OR feed:f{nth}") for nth in range(1_000)}
    index = QueryIndex(searches.items())
    event = make_event(" ".join(made[0:2] + made[1000:1001]))
    assert index.matching(event) == ["s0"]
    assert len(index.candidates(event)) < 10
    index.add("s0", parse_query("-nothing"))
    assert index.matching(event) == ["s0"]
    index.remove("s0")
    index.remove("s0")
    assert index.matching(event) == []
    assert len(index) == 999


def test_lines_of_entries_and_of_events_are_matched(make_event: MakeEvent) -> None:
    searches = read_searches([b'{"id":"b","query":"storm"}', "", '{"id":"a","query":"figure.killed:new>2"}'])
    lines = [
        b'{"feed": {"kind": "rss", "title": "storm"}}',
        b'{"headline": "Storm nears", "body": "", "unknown": 1}',
        msgspec.json.encode(make_event("Storm", id="ev_2", enrichment={"figures": [killed(3)]})),
        msgspec.json.encode(make_event("Calm", id="ev_3", enrichment={"figures": [killed(3)]})),
    ]
    found = [(one.line, one.entry_id, one.id, one.searches) for one in match_lines(lines, searches)]
    assert found == [(2, None, None, ["b"]), (3, "en_1", "ev_2", ["a", "b"]), (4, "en_1", "ev_3", [])]


def test_lines_that_cannot_be_read_are_named() -> None:
    with pytest.raises(BadInput, match="line 2: expected a JSON object"):
        list(match_lines([b"{}", b"[1]"], []))
    with pytest.raises(BadInput, match="line 1: not an event"):
        list(match_lines([b'{"entry": {"headline": 5}}'], []))
    with pytest.raises(BadInput, match="searches, line 1"):
        read_searches(["{}"])
    with pytest.raises(QueryError, match="character 1"):
        list(match_lines([], [("a", '"storm')]))


def test_events_that_carry_no_enrichment_can_be_read_on_the_way(make_event: MakeEvent) -> None:
    def enrich(event: EntryEvent) -> EntryEvent:
        return msgspec.structs.replace(event, enrichment=make_event(enrichment={"figures": [killed(3)]}).enrichment)

    (found,) = match_lines([b'{"headline": "three dead"}'], [("a", "figure.killed=3")], enrich=enrich)
    assert found.searches == ["a"]
