"""What passes between pollers and the diff: snapshots' headers, polls and fetch requests."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from wirewatch.events.feeds import ParseDefinition

Outcome = Literal["unchanged", "changed", "blocked", "error", "gone"]


class SnapshotInfo(Struct, frozen=True):
    """What a record on `wirewatch.snapshots.v1` says in its ``ww_info`` header, as JSON; its value is the body.

    ``kind`` tells three things apart: a ``body`` as fetched; a ``confirmation`` (no value: the same as
    the snapshot ``base``); a ``page-check`` (no value: an entry's own page answered ``status``).
    ``number`` rises per feed; ``owner`` is the generation of the poller that wrote it.
    ``content_length`` is what the source announced, before any decompression, and ``complete`` whether
    the body ended as announced. ``url`` is where the body came from after redirects.
    """

    kind: Literal["body", "confirmation", "page-check"]
    feed_id: str
    owner: int
    number: int
    snapshot_id: str
    fetched_at: str
    definition: ParseDefinition
    name: str = ""
    url: str = ""
    status: int = 200
    content_type: str = ""
    body_hash: str = ""
    base: int | None = None
    entry_id: str | None = None
    unconditional: bool = False


class Hub(Struct, frozen=True):
    """A feed's hub (WebSub), and what it has agreed to.

    ``callback`` names our address that it calls; empty while it was not asked. ``until`` is when what it agreed to
    ends; ``asked`` how often it was asked in a row without agreeing, ``next_ask`` when it is asked (again), ``error``
    what went wrong last. ``pushed_at`` is its last push. ``kept`` counts the changes that it told before a poll found
    them, of late; ``unoffered`` the bodies in a row that offered it no more.
    """

    url: str
    topic: str
    since: str
    state: Literal["offered", "asked", "active", "denied", "failing"] = "offered"
    callback: str = ""
    until: str | None = None
    next_ask: str | None = None
    asked: int = 0
    error: str | None = None
    pushed_at: str | None = None
    kept: int = 0
    unoffered: int = 0


class Poll(Struct, frozen=True):
    """The outcome of a poll: enough for another poller to go on from. Newest per feed is kept.

    ``owed`` counts confirmations still to publish; ``number`` is the last snapshot number used;
    ``failures`` the failed polls in a row. Times are RFC 3339; sizes in bytes; ``took_ms`` of the request.
    ``body_number`` is the number of the last body published, which confirmations name as their base; ``live``
    says that it is a live page, ``change_every_s`` how often it has changed of late, ``page_checks`` when
    entries' own pages were looked at within the last hour. ``hours`` counts its changes by hour of the day (UTC),
    since ``rhythm_since``; ``ttl_s`` is how long it says that it may be kept. ``ceiling_s`` is the longest wait, since
    longer ones let entries pass unseen. ``over_since`` is when a live page began to say that it is over, ``over_at``
    when it last did; ``ended`` says why one that ``stopped`` is not asked any more. ``still_since`` is when the diff
    last saw something new, where it says that nothing was since, whatever the bytes do. ``hub`` tells of its changes.
    ``watched_since`` is when polls began to come as they were due again, after a time in which they did not.
    """

    feed_id: str
    outcome: Outcome
    at: str
    next_due: str
    owner: int
    number: int
    owed: int
    url: str
    status: int | None = None
    etag: str | None = None
    last_modified: str | None = None
    body_hash: str | None = None
    bytes: int = 0
    took_ms: float = 0.0
    failures: int = 0
    error: str | None = None
    reason: str | None = None
    last_good: str | None = None
    last_change: str | None = None
    last_full: str | None = None
    moved_to: str | None = None
    moved_seen: int = 0
    stopped: bool = False
    definition_hash: str | None = None
    body_number: int | None = None
    live: bool = False
    change_every_s: float | None = None
    page_checks: list[str] = []
    hours: list[int] = []
    rhythm_since: str | None = None
    ttl_s: float | None = None
    ceiling_s: float | None = None
    over_since: str | None = None
    over_at: str | None = None
    ended: str | None = None
    still_since: str | None = None
    hub: Hub | None = None
    watched_since: str | None = None


class FetchRequest(Struct, frozen=True):
    """What the diff, or a hub's call, asks of a poller. ``id`` makes it once for each such body or call.

    ``unconditional``: fetch the feed without validators. ``page-check``: look at an entry's own page. ``sooner``:
    so much is new since the snapshot before that entries may pass unseen. ``ended``: the page says it is over.
    ``still``: nothing was new since ``since``, though bodies may differ; ``stirring``: now something is.

    Of the hub that calls ``callback``: ``pushed``, it says that the feed has changed; ``hub-agreed``, to tell us for
    ``lease_s`` seconds; ``hub-denied``, that it will not.
    """

    id: str
    feed_id: str
    kind: Literal[
        "unconditional",
        "page-check",
        "sooner",
        "ended",
        "still",
        "stirring",
        "pushed",
        "hub-agreed",
        "hub-denied",
    ]
    reason: str
    time: str
    entry_id: str | None = None
    url: str | None = None
    since: str | None = None
    callback: str | None = None
    lease_s: float | None = None
