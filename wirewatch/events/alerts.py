"""Saved searches and alerts: topic, webhook body and stream alike."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from wirewatch.events.entries import (
    Attribution,
    Change,
    Dateline,
    Evidence,
    Figure,
    Grade,
    Op,
    Place,
)

AlertType = Literal["opened", "corrected", "unmatched", "rematched", "withdrawn", "restored"]
AlertState = Literal["quiet", "open", "unmatched", "withdrawn"]


class Subscription(Struct, frozen=True):
    """A saved search: channels by id only, what is behind them stays in the control store.

    It applies from ``created``; a changed query raises ``revision``.
    """

    id: str
    name: str
    query: str
    channels: list[str]
    revision: int = 1
    created: str = ""
    enabled: bool = True
    origin: Literal["file", "command", "built-in"] = "command"


class AlertSubscription(Struct, frozen=True):
    """The subscription as it was when the alert was made."""

    id: str
    name: str
    query: str
    revision: int


class Clause(Struct, frozen=True):
    """A clause of the query that held, and the words that made it hold. ``span`` is in ``field``, if it has one."""

    clause: str
    field: str | None = None
    span: tuple[int, int] | None = None
    text: str = ""


class AlertReason(Struct, frozen=True):
    """Why the alert was made."""

    op: Op
    matched: list[Clause]
    unmatched: list[Clause]


class ToldBefore(Struct, frozen=True):
    """What was last delivered of this alert."""

    seq: int
    time: str
    headline: str


class AlertEvent(Struct, frozen=True):
    """The event behind the alert."""

    id: str
    seq: int
    op: Op
    feed_id: str
    entry_id: str | None
    revision: int
    changes: list[Change]
    evidence: Evidence


class AlertEntry(Struct, frozen=True):
    """The entry, its body cut at 2,000 characters."""

    headline: str
    body: str
    form: str
    link: str | None
    page: str | None
    published: str | None
    published_precision: str
    hedge: str
    attribution: list[Attribution]
    figures: list[Figure]
    places: list[Place]
    dateline: Dateline | None
    language: str | None


class AlertFeed(Struct, frozen=True):
    """The feed that the entry is from."""

    id: str
    title: str
    url: str


class AlertTimes(Struct, frozen=True):
    """When it was published, could first have stood there, was seen, and was matched."""

    published: str | None
    not_before: str | None
    seen: str
    matched: str


class AlertGroup(Struct, frozen=True):
    """What belongs together."""

    story_id: str | None = None
    key: str | None = None


class Alert(Struct, frozen=True):
    """A match, or a correction of what was told before. ``(alert_id, seq)`` names it."""

    alert_id: str
    seq: int
    type: AlertType
    state: AlertState
    grade: Grade
    replay: bool
    test: bool
    subscription: AlertSubscription
    text: str
    reason: AlertReason
    told_before: ToldBefore | None
    event: AlertEvent
    entry: AlertEntry | None
    feed: AlertFeed
    times: AlertTimes
    group: AlertGroup
