"""Entry events and feed events: what `wirewatch.entry-events.v1` and `wirewatch.entries.v1` hold."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Op = Literal[
    "baseline",
    "created",
    "backfilled",
    "updated",
    "withdrawn",
    "restored",
    "gap",
    "source-error",
    "source-recovered",
]
Grade = Literal["major", "normal", "silent"]
ChangeClass = Literal[
    "figures",
    "negation",
    "attribution",
    "hedge",
    "place",
    "correction",
    "headline",
    "body-added",
    "body-extended",
    "body-cut",
    "body",
    "typo",
]
TextField = Literal["headline", "body"]
Span = tuple[TextField, int, int]
"""``(field, start, end)`` in code points of that plain-text field."""


class Change(Struct, frozen=True, rename={"class_": "class"}):
    """One field's change; the list of them suffices to rebuild the entry before."""

    field: TextField
    class_: ChangeClass
    classes: list[ChangeClass]
    grade: Grade
    before: str
    after: str
    diff: list[tuple[Literal["=", "-", "+"], str]]
    detail: dict[str, str | int | float | None] | None = None


class Evidence(Struct, frozen=True):
    """What was seen and when: why this event may be believed. ``snapshots`` are snapshot ids."""

    kind: str
    text: str
    snapshots: list[str] = []
    older_present: list[str] = []
    since: str | None = None
    http_status: int | None = None
    held: int = 0
    late: int | None = None


class Media(Struct, frozen=True):
    """A picture, video, sound or embed; taken before the HTML is sanitised."""

    kind: Literal["image", "video", "audio", "embed"]
    url: str
    provider: str | None = None
    caption: str = ""
    alt: str = ""
    credit: str = ""


class Link(Struct, frozen=True):
    """A link inside the body."""

    url: str
    text: str = ""


class Entry(Struct, frozen=True):
    """An entry after the event, as the source shows it, its text plain and its HTML sanitised."""

    native_id: str | None
    url: str | None
    link: str | None
    page: str | None
    headline: str
    label: str | None
    body: str
    html: str
    form: Literal["headline-only", "text", "media"]
    published: str | None
    published_precision: Literal["second", "minute", "day", "none"]
    published_from: Literal["source", "inferred", "first-seen"]
    published_raw: str | None
    updated: str | None
    status: Literal["current", "withdrawn"]
    position: int | None
    pinned: bool
    key_event: bool
    authors: list[str]
    tags: list[str]
    section: str | None
    media: list[Media]
    links: list[Link]
    language: str | None
    truncated: bool
    content_hash: str


class Dateline(Struct, frozen=True):
    """``NUR-SULTAN (Agency) -`` at the head of a body."""

    place: str | None
    agency: str | None
    span: Span


class Attribution(Struct, frozen=True):
    """One link of the chain of who said it."""

    who: str
    role: Literal["speaker", "origin", "relay", "own-reporting"]
    generic: bool
    span: Span | None


class Figure(Struct, frozen=True):
    """A number with its meaning. ``value`` is what queries compare, whatever the qualifier."""

    kind: Literal[
        "killed",
        "injured",
        "detained",
        "arrested",
        "missing",
        "hospitalised",
        "evacuated",
        "displaced",
        "other",
    ]
    value: float
    min: float | None
    max: float | None
    qualifier: Literal["exact", "over", "at-least", "at-most", "about"]
    unit: str | None
    text: str
    span: Span
    place: str | None = None
    subset_of: int | None = None
    same_as: int | None = None
    background: bool = False


class Place(Struct, frozen=True):
    """A place that the text names; ``id`` is a country code or ``geonames:N``."""

    name: str
    id: str
    country: str | None
    lat: float | None
    lon: float | None
    via: Literal["name", "demonym", "region", "former-name"]
    background: bool
    spans: list[Span]


class Mention(Struct, frozen=True):
    """A person or an organisation that the text names."""

    name: str
    spans: list[Span]


class Enrichment(Struct, frozen=True):
    """What was read out of the text. Where it failed, ``error`` says so and the event goes on."""

    version: str
    error: str | None = None
    dateline: Dateline | None = None
    attribution: list[Attribution] = []
    hedge: Literal["none", "reported", "claimed", "unconfirmed", "denied"] = "none"
    figures: list[Figure] = []
    places: list[Place] = []
    people: list[Mention] = []
    organisations: list[Mention] = []
    topics: list[str] = []
    background: list[Span] = []
    story_id: str | None = None


class EntryEvent(Struct, frozen=True):
    """What happened to an entry, or to a feed (``entry``, ``entry_id`` and ``enrichment`` are then null).

    ``seq`` counts a feed's events from 1 without holes; ``revision`` an entry's. ``time`` is when the
    source was seen, ``not_before`` the good poll before: every change has an interval.
    """

    id: str
    seq: int
    op: Op
    subject: Literal["entry", "lead", "feed"]
    feed_id: str
    entry_id: str | None
    native_id: str | None
    revision: int
    previous_event_id: str | None
    restores_event_id: str | None
    same_as: str | None
    snapshot: str
    snapshot_id: str
    previous_snapshot_id: str | None
    time: str
    not_before: str | None
    first_seen: str | None
    headline: str
    url: str | None
    published: str | None
    grade: Grade
    flags: list[Literal["late", "after-gap", "id-reused"]]
    changes: list[Change]
    evidence: Evidence
    entry: Entry | None
    enrichment: Enrichment | None = None
