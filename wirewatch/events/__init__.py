"""Every topic's value as a typed struct. `docs/contracts.md` is decided first; this says the same.

Within v1 only optional fields are added, and readers ignore what they do not know. Times are text as
`wirewatch.times` writes it; spans are ``(field, start, end)`` in code points of a plain-text field.
"""

from wirewatch.events.alerts import (
    Alert,
    AlertEntry,
    AlertEvent,
    AlertFeed,
    AlertGroup,
    AlertReason,
    AlertSubscription,
    AlertTimes,
    AlertType,
    Clause,
    Subscription,
    ToldBefore,
)
from wirewatch.events.dead_letters import DeadLetter
from wirewatch.events.entries import (
    Attribution,
    Change,
    ChangeClass,
    Dateline,
    Enrichment,
    Entry,
    EntryEvent,
    Evidence,
    Figure,
    Grade,
    Link,
    Media,
    Mention,
    Op,
    Place,
    Span,
)
from wirewatch.events.envelope import CeType, decode, encode, headers_for
from wirewatch.events.feeds import Feed, HtmlPaths, JsonPaths, Kind, Listing, ParseDefinition
from wirewatch.events.polls import FetchRequest, Hub, Outcome, Poll, SnapshotInfo

__all__ = [
    "Alert",
    "AlertEntry",
    "AlertEvent",
    "AlertFeed",
    "AlertGroup",
    "AlertReason",
    "AlertSubscription",
    "AlertTimes",
    "AlertType",
    "Attribution",
    "CeType",
    "Change",
    "ChangeClass",
    "Clause",
    "Dateline",
    "DeadLetter",
    "Enrichment",
    "Entry",
    "EntryEvent",
    "Evidence",
    "Feed",
    "FetchRequest",
    "Figure",
    "Grade",
    "HtmlPaths",
    "Hub",
    "JsonPaths",
    "Kind",
    "Link",
    "Listing",
    "Media",
    "Mention",
    "Op",
    "Outcome",
    "ParseDefinition",
    "Place",
    "Poll",
    "SnapshotInfo",
    "Span",
    "Subscription",
    "ToldBefore",
    "decode",
    "encode",
    "headers_for",
]
