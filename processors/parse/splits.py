"""A document taken apart: its entries told by raw hash, none of them normalised yet."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec
from msgspec import Struct

from processors.parse.model import ParsedEntry, ParsedFeed
from wirewatch.events import Kind

MOST_ENTRIES = 5_000


class Split(Struct, frozen=True):
    """``raw_hashes`` has one for each entry, in document order; ``entry(i)`` normalises one (None: it is none, and
    is skipped); ``head`` is the feed without entries.
    """

    kind: Kind
    raw_hashes: tuple[str, ...]
    entry: Callable[[int], ParsedEntry | None]
    head: ParsedFeed


def assemble(split: Split, known: Mapping[str, ParsedEntry] | None = None) -> ParsedFeed:
    """The whole feed. ``known`` are entries of an earlier snapshot by raw hash: what is in it is not read again."""
    entries: list[ParsedEntry] = []
    notes = list(split.head.notes)
    skipped = 0
    for index, hashed in enumerate(split.raw_hashes[:MOST_ENTRIES]):
        entry = known.get(hashed) if known else None
        if entry is None:
            entry = split.entry(index)
        if entry is None:
            skipped += 1
            continue
        if entry.position != len(entries):
            entry = msgspec.structs.replace(entry, position=len(entries))
        entries.append(entry)
    if skipped:
        notes.append(f"{skipped} of {len(split.raw_hashes)} items are no entries and were skipped")
    if len(split.raw_hashes) > MOST_ENTRIES:
        notes.append(f"only the first {MOST_ENTRIES} of {len(split.raw_hashes)} entries were read")
    return msgspec.structs.replace(split.head, entries=tuple(entries), notes=tuple(notes))
