"""Numbers, repeats, confirmations, retries, page checks: everything that is not a new body."""

from __future__ import annotations

import pytest

from processors.diff import Failure
from processors.diff.earlier import EARLIER_BODIES
from processors.diff.identity import MAX_ENTRIES
from processors.parse.model import ParsedEntry, ParsedFeed
from tests.diff.watching import MINUTE, NOON, Watch, an_entry

A, B, C, D = (an_entry(name, minute=10 * n) for n, name in enumerate("abcd", 1))


def test_F1_a_number_seen_already_is_skipped(watch: Watch) -> None:
    watch.poll(A)
    state = watch.state
    watch.number -= 1
    assert watch.poll(B, A) == []
    assert watch.last is not None
    assert watch.last.skipped == "number"
    assert watch.state == state


def test_an_older_poller_that_wakes_up_is_skipped(watch: Watch) -> None:
    watch.owner = 5
    watch.poll(A)
    watch.owner = 4
    watch.poll(B, A)
    assert watch.last is not None
    assert watch.last.skipped == "owner"


def test_a_newer_poller_may_use_a_number_again(watch: Watch) -> None:
    watch.poll(A)
    watch.owner, watch.number = 1, 0
    assert watch.poll(B, A) == ["created"]


def test_a_confirmation_of_an_unknown_body_asks_once_and_counts_for_nothing(watch: Watch) -> None:
    watch.poll(D, C, B, A)
    watch.poll(D, C, A)
    assert watch.confirm(base=77) == []
    assert watch.last is not None
    assert [r.kind for r in watch.last.requests] == ["unconditional"]
    assert watch.last.verdict.name == "unknown-base"
    watch.confirm(base=77)
    assert watch.last.requests == []
    assert watch.confirm() == ["withdrawn"]


def test_f8_a_number_that_two_pollers_gave_to_different_bodies_is_no_base_for_the_others(watch: Watch) -> None:
    """A frozen poller publishes a body late; its successor goes on from what it read before that."""
    watch.poll(D, C, B, A)
    watch.poll(D, C, A)
    watch.owner += 1
    assert watch.give(kind="confirmation", base=watch.number, body_hash="of its own") == []
    assert watch.last is not None
    assert [r.kind for r in watch.last.requests] == ["unconditional"]


def test_lost_state_asks_for_a_whole_body() -> None:
    watch = Watch()
    watch.confirm(base=3)
    assert watch.last is not None
    assert [r.kind for r in watch.last.requests] == ["unconditional"]


def test_after_lost_state_numbers_of_events_go_on_above_those_that_there_were(watch: Watch) -> None:
    watch.poll(A)
    watch.poll(B, A)
    before = watch.events[-1].seq
    watch.state = None
    assert watch.poll(C, B, A) == ["baseline"] * 3
    seqs = [event.seq for event in watch.events[-3:]]
    assert before < MAX_ENTRIES * 4 * 2 < seqs[0]  # more than two snapshots could have told
    assert seqs == list(range(seqs[0], seqs[0] + 3))
    watch.poll(D, C, B, A)
    assert watch.events[-1].seq == seqs[-1] + 1


def test_a_feeds_first_event_is_number_one(watch: Watch) -> None:
    watch.poll(A)
    assert watch.events[0].seq == 1


def test_a_repeat_after_a_bad_body_counts_for_nothing(watch: Watch) -> None:
    watch.poll(D, C, B, A)
    watch.poll(D, C, A)
    watch.fail()
    assert watch.last is not None
    assert [r.kind for r in watch.last.requests] == ["unconditional"]
    assert watch.confirm() == []
    assert watch.confirm() == []


def test_a_bad_body_is_asked_about_once(watch: Watch) -> None:
    watch.poll(A)
    for salt in (b"1", b"1", b"2", b"3", b"4", b"5"):
        watch.fail(body=b"<rss>" + salt)
    asked = [1 for salt in (b"6", b"7") if watch.fail(body=b"<rss>" + salt) or (watch.last and watch.last.requests)]
    assert asked == []


def test_a_repeat_teaches_nothing(watch: Watch) -> None:
    watch.poll(D, C, B, A)
    watch.poll(D, C, A)
    learned = watch.remembered.head.listing
    for _ in range(5):
        watch.confirm()
    assert watch.remembered.head.listing == learned


def test_a_retried_dead_letter_only_adds_and_only_as_backfilled(watch: Watch) -> None:
    watch.poll(D, C, A)
    parsed = ParsedFeed("rss", (an_entry("b", minute=20), an_entry("a", "A changed", minute=10)))
    number = watch.number
    watch.number = 0
    ops = watch.give(parsed=parsed, body=b"old", retried=True)
    watch.number = number
    assert ops == ["backfilled"]
    assert watch.poll(D, C, B, A) == []


def test_a_retried_dead_letter_that_is_still_bad_does_nothing(watch: Watch) -> None:
    watch.poll(A)
    assert watch.give(failure=Failure("truncated", "still"), body=b"x", retried=True) == []


@pytest.fixture
def curated() -> Watch:
    return Watch(listing="curated")


def paged(name: str, minute: int) -> ParsedEntry:
    return an_entry(name, minute=minute, url=f"https://www.valley.example/{name}")


def test_a_curated_entry_whose_page_is_gone_twice_is_withdrawn(curated: Watch) -> None:
    curated.poll(paged("a", 1), paged("b", 2))
    curated.poll(paged("b", 2))
    assert curated.last is not None
    (request,) = curated.last.requests
    assert (request.kind, request.url) == ("page-check", "https://www.valley.example/a")
    assert request.entry_id is not None
    assert curated.look(request.entry_id, 404) == []
    assert [r.kind for r in curated.last.requests] == ["page-check"]
    assert curated.look(request.entry_id, 410) == ["withdrawn"]
    assert curated.told[0].evidence.kind == "page-gone"
    assert curated.told[0].evidence.http_status == 410
    assert curated.poll(paged("a", 1), paged("b", 2), paged("c", 3)) == ["restored", "created"]


def test_a_page_that_answers_clears_what_was_held_against_it(curated: Watch) -> None:
    curated.poll(paged("a", 1), paged("b", 2))
    curated.poll(paged("b", 2))
    assert curated.last is not None
    entry_id = curated.last.requests[0].entry_id
    assert entry_id is not None
    assert [curated.look(entry_id, status) for status in (404, 200, 404)] == [[], [], []]


def test_a_page_check_says_nothing_of_an_entry_that_is_there(curated: Watch) -> None:
    curated.poll(paged("a", 1), paged("b", 2))
    entry_id = curated.events[0].entry_id
    assert entry_id is not None
    assert [curated.look(entry_id, 404) for _ in range(3)] == [[], [], []]


def test_at_most_five_pages_an_hour_and_only_of_the_same_site(curated: Watch) -> None:
    away = an_entry("x", minute=1, url="https://elsewhere.example/x")
    curated.poll(away, *(paged(f"p{n}", n) for n in range(9)))
    curated.poll(paged("q", 50))
    assert curated.last is not None
    looks = [r for r in curated.last.requests if r.kind == "page-check"]
    assert len(looks) == 5
    assert all("valley.example" in (r.url or "") for r in looks)


def test_a_body_that_dates_itself_before_what_was_shown_tells_no_edit_and_takes_nothing_away(watch: Watch) -> None:
    watch.poll(*(an_entry(name, minute=n) for n, name in enumerate("cab")), updated_ms=NOON)
    fresh = [an_entry("d", minute=9), *(an_entry(name, body="More.", minute=n) for n, name in enumerate("cab"))]
    assert sorted(watch.poll(*fresh, updated_ms=NOON + 10 * MINUTE)) == ["created"] + ["updated"] * 3
    between = [an_entry(name, body="A text between.", minute=n) for n, name in enumerate("cab")]
    for salt in "12":
        assert watch.poll(*between, updated_ms=NOON + 5 * MINUTE, salt=salt) == []
        assert watch.last is not None
        assert watch.last.verdict.text == "stale: dated-before"
    assert watch.poll(*fresh, updated_ms=NOON + 10 * MINUTE, salt="again") == []


def test_new_entries_are_told_however_the_body_dates_itself(watch: Watch) -> None:
    watch.poll(an_entry("a", minute=1), updated_ms=NOON + 10 * MINUTE)
    assert watch.poll(an_entry("b", minute=2), an_entry("a", minute=1), updated_ms=NOON) == ["created"]


def test_a_source_that_goes_on_dating_itself_before_is_believed_in_the_end(watch: Watch) -> None:
    watch.poll(an_entry("a", minute=1), an_entry("b", minute=0), updated_ms=NOON + 600 * MINUTE)
    told = [
        watch.poll(an_entry("a", body="x" * n, minute=1), an_entry("b", minute=0), updated_ms=NOON + n * MINUTE)
        for n in range(1, EARLIER_BODIES + 2)
    ]
    assert told == [[]] * EARLIER_BODIES + [["updated"]]


@pytest.mark.parametrize("behind", [0, 30])
def test_f14_a_clock_that_falls_back_makes_no_roll_off_a_withdrawal(behind: int) -> None:
    """Its ages are too low: what is over an hour old would still have to be there."""
    watch = Watch(span_ms=60 * MINUTE)
    old, new = an_entry("old", minute=4), an_entry("new", minute=50)
    assert watch.poll(new, old) == ["baseline", "baseline"]
    watch.at_ms += (10 - behind) * MINUTE
    assert watch.poll(new) == []
    assert watch.poll(new, salt="again") == []
    assert watch.poll(new, salt="and again") == []
