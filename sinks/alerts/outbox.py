"""Whether a step of an alert is sent to a channel, and what it makes needless. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from sinks.alerts.bounds import TEXT
from sinks.alerts.lifecycle import is_told
from wirewatch.events import Alert, decode


class Draft(Struct, frozen=True):
    """A delivery of the alert to the channel. ``waiting``: surely not received yet; ``told``: perhaps it was."""

    delivery_id: str
    seq: int
    waiting: bool
    payload: bytes
    told: bool


class Decision(Struct, frozen=True):
    """``send`` this step; do not send those ``superseded`` any more."""

    send: bool
    superseded: list[str] = []


def decide_delivery(alert: Alert, earlier: Sequence[Draft]) -> Decision:
    """What becomes of an alert's step for one channel. ``earlier`` are its deliveries there, by seq.

    A change that is undone before it was sent is not sent, and neither is its undoing. What a receiver may
    have had is always followed up.
    """
    if alert.replay or alert.test or any(draft.seq >= alert.seq for draft in earlier):
        return Decision(send=False)
    told = next((draft for draft in reversed(earlier) if draft.told), None)
    waiting = [draft for draft in earlier if draft.waiting and (told is None or draft.seq > told.seq)]
    if earlier and told is None and alert.state != "open":
        return Decision(send=False, superseded=[draft.delivery_id for draft in waiting])
    if waiting and told is not None and _undone(decode(told.payload, Alert), _alerts(waiting), alert):
        return Decision(send=False, superseded=[draft.delivery_id for draft in waiting])
    if alert.type == "rematched":
        gone = [
            one.delivery_id for one, then in zip(waiting, _alerts(waiting), strict=True) if then.type == "unmatched"
        ]
        # where even the opening was never sent, this is the first that the receiver hears of it
        first = bool(earlier) and told is None and len(gone) == len(waiting) and alert.told_before is not None
        return Decision(send=first, superseded=gone)
    return Decision(send=is_told(alert))


def _alerts(drafts: Sequence[Draft]) -> list[Alert]:
    return [decode(draft.payload, Alert) for draft in drafts]


def _undone(told: Alert, waiting: Sequence[Alert], alert: Alert) -> bool:
    """Whether the alert is again as it was told: same state, and the texts that changed are as they were."""
    if told.state != alert.state:
        return False
    before: dict[str, str] = {}
    after: dict[str, str] = {}
    for step in (*waiting, alert):
        for change in step.event.changes:
            before.setdefault(change.field, change.before)
            after[change.field] = change.after
    # texts that were cut look alike where they may not be
    return all(before[field] == after[field] and len(before[field]) < TEXT for field in before)
