"""The life of an alert, line by line of its table."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinks.alerts.lifecycle import Match, decide_alert, decide_transition, is_told, state_after
from tests.alerts.kit import FEED, START_MS, event, subscription
from wirewatch.control import AlertState
from wirewatch.events import Alert, EntryEvent
from wirewatch.times import format_ms

YES = Match(now=True, before=True, standing=True)
NEWLY = Match(now=True, before=False, standing=True)
GONE = Match(now=False, before=True, standing=False)
NEVER = Match(now=False, before=False, standing=False)
MOMENT_OVER = Match(now=False, before=True, standing=True)
ECHO = Match(now=True, before=False, standing=True, echo=True)
ECHO_YES = Match(now=True, before=True, standing=True, echo=True)
NOW = format_ms(START_MS + 90_000)

# state, told, op, grade, match -> type, state, rule
TABLE = [
    (None, False, "created", "normal", NEWLY, ("opened", "open", "matches-now")),
    (None, False, "updated", "normal", NEWLY, ("opened", "open", "matches-now")),
    (None, False, "withdrawn", "normal", NEWLY, ("opened", "open", "matches-now")),
    (None, False, "source-error", "normal", NEWLY, ("opened", "open", "matches-now")),
    (None, False, "baseline", "normal", NEWLY, ("opened", "quiet", "known-at-first-sight")),
    (None, False, "backfilled", "normal", NEWLY, ("opened", "quiet", "known-at-first-sight")),
    (None, False, "created", "major", ECHO, ("opened", "quiet", "lead-repeats-an-entry")),
    (None, False, "updated", "major", YES, None),
    (None, False, "updated", "major", GONE, None),
    (None, False, "withdrawn", "major", YES, None),
    (None, False, "created", "major", NEVER, None),
    ("quiet", False, "updated", "major", YES, ("opened", "open", "first-major-change")),
    ("quiet", False, "updated", "normal", YES, ("corrected", "quiet", "changed-while-quiet")),
    ("quiet", False, "updated", "major", ECHO_YES, ("corrected", "quiet", "changed-while-quiet")),
    ("quiet", False, "updated", "major", GONE, ("unmatched", "unmatched", "matches-no-more")),
    ("quiet", False, "withdrawn", "normal", YES, ("withdrawn", "withdrawn", "taken-away")),
    ("open", True, "updated", "major", YES, ("corrected", "open", "changed-while-open")),
    ("open", True, "updated", "silent", YES, ("corrected", "open", "changed-while-open")),
    ("open", True, "updated", "normal", MOMENT_OVER, ("corrected", "open", "changed-while-open")),
    ("open", True, "updated", "normal", GONE, ("unmatched", "unmatched", "matches-no-more")),
    ("open", True, "updated", "normal", NEVER, None),
    ("open", True, "withdrawn", "normal", GONE, ("withdrawn", "withdrawn", "taken-away")),
    ("open", True, "withdrawn", "normal", NEVER, ("withdrawn", "withdrawn", "taken-away")),
    ("open", True, "baseline", "normal", NEWLY, None),
    ("open", True, "backfilled", "normal", NEWLY, None),
    ("unmatched", True, "updated", "normal", NEWLY, ("rematched", "open", "matches-again")),
    ("unmatched", False, "updated", "normal", NEWLY, ("opened", "open", "matches-again-but-never-told")),
    ("unmatched", True, "updated", "normal", GONE, None),
    ("unmatched", True, "withdrawn", "normal", GONE, None),
    ("unmatched", True, "restored", "normal", NEWLY, ("rematched", "open", "matches-again")),
    ("withdrawn", True, "restored", "normal", YES, ("restored", "open", "is-back")),
    ("withdrawn", False, "restored", "normal", YES, ("restored", "quiet", "is-back")),
    ("withdrawn", True, "restored", "normal", MOMENT_OVER, ("restored", "open", "is-back")),
    ("withdrawn", True, "restored", "normal", GONE, ("unmatched", "unmatched", "is-back-with-another-text")),
    ("withdrawn", True, "updated", "major", YES, None),
    ("withdrawn", True, "withdrawn", "major", YES, None),
]


@pytest.mark.parametrize(
    ("state", "told", "op", "grade", "match", "expected"),
    TABLE,
    ids=[
        f"{row[0]}-{'told' if row[1] else 'untold'}-{row[2]}-{row[3]}-{row[5][2] if row[5] else 'nothing'}-{n}"
        for n, row in enumerate(TABLE)
    ],
)
def test_each_line_of_the_table(
    state: Any, told: bool, op: Any, grade: Any, match: Match, expected: tuple[str, str, str] | None
) -> None:
    step = decide_transition(state, told=told, op=op, grade=grade, match=match)
    assert (step and (step.type, step.state, step.rule)) == expected


def steps(*given: tuple[object, Match]) -> list[Alert]:
    """The alerts that a row of events means, each applied to what the one before left."""
    known: AlertState | None = None
    alerts = []
    for happened, match in given:
        alert = decide_alert(subscription(), happened, match, known, feed=FEED, matched_at=NOW)
        if alert is not None:
            known = state_after(alert, happened, now_ms=START_MS)
            alerts.append(alert)
    return alerts


def test_an_alert_is_one_for_a_pair_and_its_seq_counts_its_steps() -> None:
    alerts = steps((event(), NEWLY), (event("updated", revision=2), YES), (event("withdrawn", revision=3), YES))
    assert [(alert.seq, alert.type) for alert in alerts] == [(1, "opened"), (2, "corrected"), (3, "withdrawn")]
    assert len({alert.alert_id for alert in alerts}) == 1


def test_told_before_is_what_was_last_meant_for_delivery() -> None:
    alerts = steps(
        (event(headline="9 dead"), NEWLY),
        (event("updated", "9 dead in dam break", revision=2), YES),
        (event("updated", "12 dead", revision=3, grade="major"), YES),
        (event("withdrawn", "12 dead", revision=4), YES),
    )
    told = [alert.told_before and (alert.told_before.seq, alert.told_before.headline) for alert in alerts]
    assert told == [None, (1, "9 dead"), (1, "9 dead"), (3, "12 dead")]


def test_a_quiet_alerts_first_major_change_is_delivered_as_opened_with_the_before() -> None:
    quiet, minor, major = steps(
        (event("baseline", "9 dead"), NEWLY),
        (event("updated", "9 dead.", before="9 dead", revision=2), YES),
        (event("updated", "12 dead", before="9 dead.", revision=3, grade="major"), YES),
    )
    assert [is_told(alert) for alert in (quiet, minor, major)] == [False, False, True]
    assert (major.type, major.state, major.told_before) == ("opened", "open", None)
    assert major.event.changes[0].before == "9 dead."
    assert "was “9 dead.”" in major.text


def test_what_was_never_told_is_not_taken_back() -> None:
    for taken in (event("withdrawn", revision=2), event("updated", revision=2, grade="normal")):
        quiet, gone = steps((event("baseline"), NEWLY), (taken, GONE))
        assert not is_told(quiet)
        assert not is_told(gone)


@pytest.mark.parametrize(
    ("second", "match", "expected"),
    [
        (event("updated", revision=2, grade="major"), YES, True),
        (event("updated", revision=2, grade="normal"), YES, False),
        (event("updated", revision=2, grade="silent"), YES, False),
        (event("updated", revision=2), GONE, True),
        (event("withdrawn", revision=2), YES, True),
    ],
)
def test_delivered_by_default(second: EntryEvent, match: Match, expected: bool) -> None:
    opened, then = steps((event(), NEWLY), (second, match))
    assert is_told(opened)
    assert is_told(then) is expected


def test_restored_is_delivered_and_rematched_is_not() -> None:
    *_, restored = steps((event(), NEWLY), (event("withdrawn", revision=2), YES), (event("restored", revision=3), YES))
    *_, rematched = steps((event(), NEWLY), (event("updated", revision=2), GONE), (event("updated", revision=3), NEWLY))
    assert (restored.type, is_told(restored)) == ("restored", True)
    assert (rematched.type, rematched.state, is_told(rematched)) == ("rematched", "open", False)


def test_a_replayed_event_is_recorded_and_never_delivered() -> None:
    alert = decide_alert(subscription(), event(), NEWLY, None, feed=FEED, matched_at=NOW, replay=True)
    assert alert is not None
    assert alert.replay
    assert not is_told(alert)


def test_an_event_from_before_the_search_was_made_is_no_alert() -> None:
    later = subscription(created=format_ms(START_MS + 60_001))
    assert decide_alert(later, event(), NEWLY, None, feed=FEED, matched_at=NOW) is None
    same = subscription(created=format_ms(START_MS + 60_000))
    assert decide_alert(same, event(), NEWLY, None, feed=FEED, matched_at=NOW) is not None


def test_an_event_applied_already_changes_nothing() -> None:
    assert len(steps((event(), NEWLY), (event(), NEWLY))) == 1
    assert len(steps((event("updated", revision=5), NEWLY), (event("updated", revision=4), YES))) == 1


def test_each_feed_event_is_an_occasion_of_its_own() -> None:
    first = decide_alert(subscription("op:gap"), event("gap"), NEWLY, None, feed=FEED, matched_at=NOW)
    second = decide_alert(subscription("op:gap"), event("gap", revision=2), NEWLY, None, feed=FEED, matched_at=NOW)
    assert first is not None
    assert second is not None
    assert first.alert_id != second.alert_id
    assert first.entry is None


def test_an_alert_of_a_huge_entry_still_fits_into_a_record() -> None:
    huge = "Ж" * 300_000
    happened = event("updated", huge, before=huge[1:], revision=2, body=huge, grade="major")
    alert = decide_alert(subscription(), happened, NEWLY, None, feed=FEED, matched_at=NOW)
    assert alert is not None
    assert alert.entry is not None
    assert len(alert.entry.body) == 2_000
    assert len(state_after(alert, happened, now_ms=0).alert or b"") < 200_000


ALLOWED = {
    None: {("opened", "open"), ("opened", "quiet")},
    "quiet": {("opened", "open"), ("corrected", "quiet"), ("unmatched", "unmatched"), ("withdrawn", "withdrawn")},
    "open": {("corrected", "open"), ("unmatched", "unmatched"), ("withdrawn", "withdrawn")},
    "unmatched": {("rematched", "open"), ("opened", "open")},
    "withdrawn": {("restored", "open"), ("restored", "quiet"), ("unmatched", "unmatched")},
}
MATCHES = st.builds(Match, now=st.booleans(), before=st.booleans(), standing=st.booleans(), echo=st.booleans())
EVENTS = st.builds(
    event,
    st.sampled_from(["baseline", "created", "backfilled", "updated", "withdrawn", "restored"]),
    revision=st.integers(1, 12),
    grade=st.sampled_from(["major", "normal", "silent"]),
)


@given(st.lists(st.tuples(EVENTS, MATCHES), max_size=20))
def test_whatever_comes_seq_has_no_holes_and_states_follow_the_table(
    given_events: list[tuple[EntryEvent, Match]],
) -> None:
    known: AlertState | None = None
    ever_told = False
    for happened, match in given_events:
        alert = decide_alert(subscription(), happened, match, known, feed=FEED, matched_at=NOW)
        if alert is None:
            continue
        assert alert.seq == (known.seq if known else 0) + 1
        assert (alert.type, alert.state) in ALLOWED[known.state if known else None]
        if is_told(alert):
            # the first that is ever told is an opening
            assert ever_told or alert.type == "opened"
            ever_told = True
        known = state_after(alert, happened, now_ms=START_MS)
        assert (known.told_before is not None) is ever_told
        # nothing told stays open unsaid, nothing untold is open
        assert known.state != "open" or ever_told
