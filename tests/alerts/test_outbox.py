"""Whether a step is sent, and what it makes needless."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from sinks.alerts.outbox import Decision, Draft, decide_delivery
from sinks.alerts.sample import sample_alert
from tests.alerts.kit import START_MS, change
from wirewatch.events import Alert, ToldBefore, encode

TOLD = ToldBefore(1, "2026-01-01T00:00:00.000Z", "told")


def step(seq: int, type_: str, state: str = "open", *, grade: str = "normal", **changes: Any) -> Alert:
    sample = sample_alert("ops", now_ms=START_MS)
    told = None if type_ == "opened" else TOLD
    values: dict[str, Any] = {
        "seq": seq,
        "type": type_,
        "state": state,
        "grade": grade,
        "test": False,
        "told_before": told,
    }
    return msgspec.structs.replace(sample, **{**values, **changes})


def edited(seq: int, before: str, after: str, type_: str = "corrected", state: str = "open", **changes: Any) -> Alert:
    made = step(seq, type_, state, grade="major", **changes)
    event = msgspec.structs.replace(made.event, changes=[change(before, after)])
    return msgspec.structs.replace(made, event=event)


def waiting(alert: Alert) -> Draft:
    return Draft(f"de_{alert.seq}", alert.seq, waiting=True, payload=encode(alert), told=False)


def told(alert: Alert) -> Draft:
    return Draft(f"de_{alert.seq}", alert.seq, waiting=False, payload=encode(alert), told=True)


def dropped(alert: Alert) -> Draft:
    return Draft(f"de_{alert.seq}", alert.seq, waiting=False, payload=encode(alert), told=False)


SEND, SILENT = Decision(send=True), Decision(send=False)
OPENED = step(1, "opened")


@pytest.mark.parametrize(
    ("alert", "decision"),
    [
        (OPENED, SEND),
        (step(1, "opened", "quiet"), SILENT),
        (step(2, "corrected", grade="major"), SEND),
        (step(2, "corrected", grade="normal"), SILENT),
        (step(2, "corrected", grade="silent"), SILENT),
        (step(2, "corrected", "quiet", grade="major", told_before=None), SILENT),
        (step(2, "unmatched", "unmatched"), SEND),
        (step(2, "rematched"), SILENT),
        (step(2, "withdrawn", "withdrawn"), SEND),
        (step(3, "restored"), SEND),
        (step(2, "withdrawn", "withdrawn", told_before=None), SILENT),
        (step(1, "opened", replay=True), SILENT),
        (step(1, "opened", test=True), SILENT),
    ],
)
def test_what_is_delivered_by_default(alert: Alert, decision: Decision) -> None:
    earlier = [] if alert.seq == 1 else [told(OPENED)]
    assert decide_delivery(alert, earlier) == decision


@pytest.mark.parametrize(
    ("earlier", "alert", "decision"),
    [
        # the opening was not sent yet: neither it nor its end is
        ([waiting(OPENED)], step(2, "withdrawn", "withdrawn"), Decision(send=False, superseded=["de_1"])),
        ([waiting(OPENED)], step(2, "unmatched", "unmatched"), Decision(send=False, superseded=["de_1"])),
        # it may have been received: its end is told
        ([told(OPENED)], step(2, "withdrawn", "withdrawn"), SEND),
        # there and back before it was sent
        (
            [told(OPENED), waiting(step(2, "withdrawn", "withdrawn"))],
            step(3, "restored"),
            Decision(send=False, superseded=["de_2"]),
        ),
        (
            [told(OPENED), waiting(edited(2, "3,000", "4,000"))],
            edited(3, "4,000", "3,000"),
            Decision(send=False, superseded=["de_2"]),
        ),
        # elsewhere instead of back
        ([told(OPENED), waiting(edited(2, "3,000", "4,000"))], edited(3, "4,000", "5,000"), SEND),
        ([told(OPENED), waiting(step(2, "withdrawn", "withdrawn"))], edited(3, "a", "b", "restored"), SEND),
        # three steps that lead back
        (
            [told(OPENED), waiting(edited(2, "a", "b")), waiting(edited(3, "b", "c"))],
            edited(4, "c", "a"),
            Decision(send=False, superseded=["de_2", "de_3"]),
        ),
        # only what followed the last that was told is undone
        ([told(OPENED), told(edited(2, "a", "b"))], edited(3, "b", "a"), SEND),
        # it matches again: that it did not is told to nobody
        (
            [told(OPENED), waiting(edited(2, "a", "b", "unmatched", "unmatched"))],
            edited(3, "b", "c", "rematched"),
            Decision(send=False, superseded=["de_2"]),
        ),
        # the opening was dropped with its end, now it matches again: this is the first that is heard of it
        ([dropped(OPENED)], step(3, "rematched"), SEND),
        # and if it is over again nothing was ever told
        ([dropped(OPENED)], step(3, "withdrawn", "withdrawn"), SILENT),
        ([waiting(OPENED)], step(2, "corrected", grade="major"), SEND),
        # a record that comes twice
        ([told(OPENED)], OPENED, SILENT),
        ([waiting(OPENED), waiting(edited(2, "a", "b"))], OPENED, SILENT),
    ],
)
def test_a_change_that_is_undone_before_it_was_sent_is_not_sent(
    earlier: list[Draft], alert: Alert, decision: Decision
) -> None:
    assert decide_delivery(alert, earlier) == decision


def test_texts_too_long_to_compare_are_never_taken_for_undone() -> None:
    long = "x" * 3_999 + "…"
    earlier = [told(OPENED), waiting(edited(2, long, "b"))]
    assert decide_delivery(edited(3, "b", long), earlier) == SEND
