"""What goes into the diff and what comes out of it: plain values, no clock, no network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from processors.parse.model import ParsedFeed
from wirewatch.events import EntryEvent, FetchRequest, ParseDefinition

if TYPE_CHECKING:
    from processors.diff.state import FeedState


class Failure(Struct, frozen=True):
    """Why a body could not be parsed: `wirewatch.errors.BadInput`'s reason and message."""

    reason: str
    message: str


class Seen(Struct, frozen=True):
    """One record of the snapshots topic, as the diff sees it.

    ``name`` goes to ``event.snapshot``: the number as text when live, the file's name in a replay.
    ``parser`` is the version of the parser that made ``parsed``. A body comes with ``parsed`` or with
    ``failure``, or with neither where `processors.diff.needs_parse` said that nobody will look at them.
    ``retried`` marks a dead letter that is tried again: it may only add entries, as ``backfilled``.
    """

    feed_id: str
    owner: int
    number: int
    snapshot_id: str
    fetched_at_ms: int
    definition: ParseDefinition
    name: str
    kind: Literal["body", "confirmation", "page-check"] = "body"
    body_hash: str = ""
    base: int | None = None
    status: int = 200
    entry_id: str | None = None
    unconditional: bool = False
    retried: bool = False
    parser: str = ""
    body: bytes | None = None
    parsed: ParsedFeed | None = None
    failure: Failure | None = None


class Reason(Struct, frozen=True):
    """One named reason to doubt a snapshot. Reasons add up; from 1.0 on the snapshot is not believed."""

    name: str
    weight: float
    text: str


class Verdict(Struct, frozen=True):
    """What the diff thinks of a snapshot, with the reasons that spoke."""

    name: Literal["good", "bad", "stale", "repeat", "page-check", "unknown-base", "retried", "skipped"]
    reasons: tuple[Reason, ...] = ()

    @property
    def score(self) -> float:
        """The sum of the reasons' weights."""
        return sum(reason.weight for reason in self.reasons)

    @property
    def text(self) -> str:
        """The verdict in words, for tables and logs."""
        return self.name + (": " + "; ".join(reason.name for reason in self.reasons) if self.reasons else "")


class Diffed(Struct, frozen=True):
    """What came of one record: the feed's new state, events in order, and what is asked of a poller.

    ``skipped`` names why a record was passed over (``number``, ``owner``), else None. ``notes`` are
    things worth one line in a log, such as a changed id scheme.
    """

    state: FeedState
    events: list[EntryEvent]
    requests: list[FetchRequest]
    verdict: Verdict
    skipped: str | None = None
    notes: tuple[str, ...] = ()
