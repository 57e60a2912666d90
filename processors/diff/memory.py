"""What the diff remembers of a feed between snapshots; how that is kept as bytes is `processors.diff.state`'s."""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Struct

from processors.parse.model import ParsedEntry
from wirewatch.events import ParseDefinition

TEXTS_KEPT = 500
"""Texts of departed entries are kept for at least this many entries and this many distinct bodies."""
IDS_KEPT = 20_000
EARLIER_KEPT = 4


class Known(Struct, frozen=True, array_like=True):
    """An entry the diff knows. ``entry`` is None once its text is forgotten; ids and hashes stay.

    ``content`` is the hash of its visible text, ``earlier`` are those of the texts it had before. ``absent`` counts the
    good polls without it since it was last seen, 0 where it is present; ``cause`` says why that may be a withdrawal
    (empty: it rolled off).
    """

    entry_id: str
    native_id: str | None
    url_key: str | None
    headline_key: str
    published_ms: int | None
    told_published_ms: int | None
    revision: int
    event_id: str
    first_seen_ms: int
    content: str
    entry: ParsedEntry | None = None
    withdrawn_event_id: str | None = None
    unique_id: bool = True
    absent: int = 0
    cause: Literal["", "full", "older-present", "span"] = ""
    absent_in: tuple[str, ...] = ()
    older: tuple[str, ...] = ()
    since_ms: int = 0
    burst: bool = False
    left_at: int = 0
    page_gone: tuple[str, ...] = ()
    earlier: tuple[str, ...] = ()

    @property
    def withdrawn(self) -> bool:
        """Whether it was told as withdrawn and not as restored since."""
        return self.withdrawn_event_id is not None


class ListingSeen(Struct, frozen=True, array_like=True):
    """What was seen of how a source lists its entries; see `processors.diff.listing`."""

    bodies: int = 0
    ordered: int = 0
    rolled_off: int = 0
    from_within: int = 0
    undated: int = 0
    returned: int = 0
    decided: Literal["auto", "window", "curated"] = "auto"
    reason: str = "nothing seen yet"


class VolatileSeen(Struct, frozen=True, array_like=True):
    """What was seen of texts that change alone; see `processors.diff.volatile`.

    ``alone`` maps a place in a text to how many edits changed nothing else, how many distinct bodies
    and entries that was in.
    """

    edits: int = 0
    alone: dict[str, tuple[int, int, int, tuple[str, ...]]] = {}
    learned: tuple[str, ...] = ()


class Head(Struct, frozen=True):
    """The small part: read and written for every record."""

    parser: str = ""
    definition: ParseDefinition | None = None
    owner: int = -1
    number: int = -1
    body_hash: str = ""
    body_from: int = -1
    body_to: int = -1
    body_good: bool = False
    good_hash: str = ""
    good_digest: str = ""
    good_at_ms: int | None = None
    good_snapshot_id: str | None = None
    last_at_ms: int = 0
    bodies: int = 0
    entries: int = 0
    dated: int = 0
    kind: str = ""
    updated_ms: int | None = None
    seq: int = 0
    feed_revision: int = 0
    feed_event_id: str | None = None
    erring: str | None = None
    erring_since_ms: int = 0
    history: tuple[tuple[str, str], ...] = ()
    stale_seen: int = 0
    stale_body: bytes = b""
    doubts: int = 0
    bad_bodies: int = 0
    pending: int = 0
    burst_polls: int = 0
    burst_before: int = 0
    newest_ms: int | None = None
    listing: ListingSeen = ListingSeen()
    volatile: VolatileSeen = VolatileSeen()
    asked: tuple[str, ...] = ()
    page_asked_ms: tuple[int, ...] = ()
    stirred_ms: int | None = None
    told_still_ms: int = 0
    stales: int = 0
    headed: int = 0


class Window(Struct, frozen=True, array_like=True):
    """The entries of the last good snapshot in its order, those missing for now, and the lead."""

    present: tuple[Known, ...] = ()
    missing: tuple[Known, ...] = ()
    lead: Known | None = None


class Archive(Struct, frozen=True, array_like=True):
    """Entries that left, oldest departure first."""

    left: tuple[Known, ...] = ()


def archived(archive: Archive, leaving: list[Known], back: set[str], bodies: int) -> Archive:
    """The archive after some entries left and others came back, texts and ids within their limits."""
    left = [known for known in archive.left if known.entry_id not in back]
    left += [msgspec.structs.replace(known, left_at=bodies) for known in leaving]
    if len(left) > IDS_KEPT:
        left = left[-IDS_KEPT:]
    for i, known in enumerate(left[:-TEXTS_KEPT] if len(left) > TEXTS_KEPT else ()):
        if known.entry is not None and bodies - known.left_at > TEXTS_KEPT:
            left[i] = msgspec.structs.replace(known, entry=None)
    return Archive(tuple(left))
