"""The ledger checker itself: each thing it looks for is found where it is there, and only there."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from sinks.alerts.sample import sample_alert
from tests.end_to_end import ledger
from wirewatch.events import Alert
from wirewatch.identity import delivery_id


def _event(number: int, **changes: Any) -> dict[str, Any]:
    before = f"ev{number - 1}" if number > 1 else None
    made = {"id": f"ev{number}", "feed_id": "f", "op": "updated", "seq": number, "entry_id": "en", "revision": number}
    return {**made, "previous_event_id": before, **changes}


EVENTS = [_event(1, op="created"), _event(2), _event(3)]


def _alert(seq: int = 1, **changes: Any) -> Alert:
    sample = sample_alert("desk", now_ms=0)
    return replace(sample, alert_id="al_1", seq=seq, type="opened", state="open", test=False, **changes)


def _received(*alerts: Alert) -> list[tuple[str, Alert]]:
    return [(delivery_id(alert.alert_id, alert.seq, "desk"), alert) for alert in alerts]


def test_what_is_as_it_should_be_brings_no_complaint() -> None:
    assert ledger.check_events({"f": EVENTS}, EVENTS) == []
    assert ledger.check_revisions(EVENTS) == []
    steps = [_alert(1), replace(_alert(2), type="corrected")]
    assert ledger.check_deliveries(steps, _received(steps[0], *steps), "desk") == []


@pytest.mark.parametrize(
    ("got", "said"),
    [
        (EVENTS[:2], "lost ['ev3']"),
        ([*EVENTS, _event(4)], "invented ['ev4']"),
        ([*EVENTS, _event(3, seq=4)], "twice ['ev3']"),
        ([EVENTS[1], EVENTS[0], EVENTS[2]], "another order"),
        ([EVENTS[0], EVENTS[1], _event(3, seq=4)], "holes"),
    ],
    ids=["lost", "invented", "twice", "order", "hole"],
)
def test_each_fault_of_the_events_is_found(got: list[dict[str, Any]], said: str) -> None:
    assert any(said in complaint for complaint in ledger.check_events({"f": EVENTS}, got))


def test_a_revision_that_does_not_follow_is_found() -> None:
    assert ledger.check_revisions([EVENTS[0], EVENTS[2]])


def test_a_second_webhook_id_for_a_step_is_found() -> None:
    alert = _alert()
    assert ledger.check_deliveries([alert], [*_received(alert), ("another", alert)], "desk")


def test_an_alert_that_was_never_told_is_found() -> None:
    assert ledger.check_deliveries([_alert()], [], "desk")


def test_an_alert_undone_before_it_was_sent_need_not_be_told() -> None:
    assert ledger.check_deliveries([_alert(), _alert(2, entry=None)], [], "desk")
    undone = replace(_alert(2), type="unmatched", state="unmatched")
    assert ledger.check_deliveries([_alert(), undone], [], "desk") == []


def test_steps_told_in_the_wrong_order_or_from_nowhere_are_found() -> None:
    first, second = _alert(1), replace(_alert(2), type="corrected")
    assert ledger.check_deliveries([first, second], _received(second, first), "desk")
    assert ledger.check_deliveries([first], _received(first, second), "desk")


def test_a_matching_entry_without_an_alert_is_found() -> None:
    created = _event(1, op="created")
    subscribed = _alert().subscription.id
    assert ledger.check_openings([], {subscribed: [created]})
    told = replace(_alert(), event=replace(_alert().event, entry_id="en"))
    assert ledger.check_openings([told], {subscribed: [created]}) == []
