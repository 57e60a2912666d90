"""The life of an alert: what an event means to one saved search. Pure: no clock, store or broker.

`decide_transition` is the whole table; everything else builds the alert that says so. What is told is told
once: an alert whose entry was only ever recorded quietly stays silent until something major happens to it.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from sinks.alerts.bounds import alert_entry, alert_event, cut
from sinks.alerts.wording import describe
from wirewatch import identity
from wirewatch.control import AlertState
from wirewatch.events import (
    Alert,
    AlertFeed,
    AlertGroup,
    AlertReason,
    AlertSubscription,
    AlertTimes,
    AlertType,
    Clause,
    EntryEvent,
    Grade,
    Op,
    Subscription,
    ToldBefore,
    encode,
)
from wirewatch.events.alerts import AlertState as StateName

QUIET_OPS: Final = frozenset({"baseline", "backfilled"})
FEED_OPS: Final = frozenset({"gap", "source-error", "source-recovered"})
_CLAUSES_KEPT: Final = 50


class Match(Struct, frozen=True):
    """What a saved search says of one event.

    ``now``: the entry matches as the event leaves it; ``before``: it did until then, clauses that speak of a single
    event (``op:``, ``changed:``, ``figure.X:new``) left aside where there is an alert already. ``standing``: it
    matches now, those clauses left aside. ``echo``: it is a lead that repeats
    another entry's headline, and nothing but that headline matched.
    """

    now: bool
    before: bool
    standing: bool
    matched: list[Clause] = []
    unmatched: list[Clause] = []
    echo: bool = False


class Transition(Struct, frozen=True):
    """The next step of an alert; ``rule`` names the line of the table, for tests and logs."""

    type: AlertType
    state: StateName
    rule: str


def decide_transition(state: StateName | None, *, told: bool, op: Op, grade: Grade, match: Match) -> Transition | None:
    """The alert's next step, or None where the event means nothing to it.

    ``state`` is where the alert stands (None: there is none), ``told`` whether anything of it was ever told.
    """
    if state is None:
        return _first(op, match)
    if op in QUIET_OPS or op in FEED_OPS:
        return None
    if state == "withdrawn":
        return _after_withdrawal(told=told, op=op, match=match)
    if state == "unmatched":
        return _after_unmatched(told=told, match=match)
    if op == "withdrawn":
        return Transition("withdrawn", "withdrawn", "taken-away")
    return _while_known(state, grade, match)


def _first(op: Op, match: Match) -> Transition | None:
    if not match.now or match.before:
        return None
    if op in QUIET_OPS:
        return Transition("opened", "quiet", "known-at-first-sight")
    if match.echo:
        return Transition("opened", "quiet", "lead-repeats-an-entry")
    return Transition("opened", "open", "matches-now")


def _while_known(state: StateName, grade: Grade, match: Match) -> Transition | None:
    # op: and changed: say which event opens an alert; once there, it is corrected as long as the rest holds
    if not (match.now or match.standing):
        return Transition("unmatched", "unmatched", "matches-no-more") if match.before else None
    if state == "open":
        return Transition("corrected", "open", "changed-while-open")
    if grade == "major" and not match.echo:
        return Transition("opened", "open", "first-major-change")
    return Transition("corrected", "quiet", "changed-while-quiet")


def _after_withdrawal(*, told: bool, op: Op, match: Match) -> Transition | None:
    if op != "restored":
        return None
    if match.now or match.standing:
        return Transition("restored", "open" if told else "quiet", "is-back")
    return Transition("unmatched", "unmatched", "is-back-with-another-text")


def _after_unmatched(*, told: bool, match: Match) -> Transition | None:
    if not match.now:
        return None
    if told:
        return Transition("rematched", "open", "matches-again")
    return Transition("opened", "open", "matches-again-but-never-told")


def is_told(alert: Alert) -> bool:
    """Whether this step is delivered by default; the others update the alert silently."""
    if alert.replay or alert.state == "quiet":
        return False
    if alert.type == "opened":
        return True
    if alert.type == "corrected":
        return alert.grade == "major"
    # what was never told needs no taking back
    return alert.type in {"unmatched", "withdrawn", "restored"} and alert.told_before is not None


def subject_of(event: EntryEvent) -> str:
    """What an alert is about: the entry; each feed event is an occasion of its own."""
    return event.entry_id or event.id


def decide_alert(
    subscription: Subscription,
    event: EntryEvent,
    match: Match,
    existing: AlertState | None,
    *,
    feed: AlertFeed,
    matched_at: str,
    replay: bool = False,
) -> Alert | None:
    """The alert that this event means for this saved search, or None.

    ``matched_at`` is now, as the host's clock says. An event that was applied already, or was seen before the
    search was made, means nothing.
    """
    if existing is None and event.time < subscription.created:
        return None
    if existing is not None and event.revision <= existing.revision:
        return None
    told_before = existing.told_before if existing else None
    step = decide_transition(
        existing.state if existing else None,
        told=told_before is not None,
        op=event.op,
        grade=event.grade,
        match=match,
    )
    if step is None:
        return None
    return Alert(
        alert_id=identity.alert_id(subscription.id, subject_of(event)),
        seq=existing.seq + 1 if existing else 1,
        type=step.type,
        state=step.state,
        grade=event.grade,
        replay=replay,
        test=False,
        subscription=AlertSubscription(subscription.id, subscription.name, subscription.query, subscription.revision),
        text=describe(step.type, event, feed, told_before),
        reason=AlertReason(
            op=event.op, matched=match.matched[:_CLAUSES_KEPT], unmatched=match.unmatched[:_CLAUSES_KEPT]
        ),
        told_before=told_before,
        event=alert_event(event),
        entry=alert_entry(event),
        feed=feed,
        times=AlertTimes(published=event.published, not_before=event.not_before, seen=event.time, matched=matched_at),
        group=AlertGroup(story_id=event.enrichment.story_id if event.enrichment else None, key=None),
    )


def state_after(alert: Alert, event: EntryEvent, *, now_ms: int) -> AlertState:
    """What is kept of the alert for its next step."""
    told = alert.told_before
    if is_told(alert):
        told = ToldBefore(seq=alert.seq, time=alert.times.matched, headline=cut(event.headline, 500))
    return AlertState(
        subscription_id=alert.subscription.id,
        entry_id=subject_of(event),
        alert_id=alert.alert_id,
        seq=alert.seq,
        state=alert.state,
        told_before=told,
        revision=event.revision,
        updated_ms=now_ms,
        alert=encode(alert),
    )
