"""How known entries are found again: by keys that only one of them has, and by the neighbours they stand between."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from processors.diff.memory import Known


def unique(pairs: Iterable[tuple[str | None, Known]]) -> dict[str | None, Known]:
    """What each key leads to; a key that leads to two entries leads nowhere."""
    index: dict[str | None, Known] = {}
    twice: set[str | None] = set()
    for key, known in pairs:
        if key in index and index[key].entry_id != known.entry_id:
            twice.add(key)
        index[key] = known
    for key in twice:
        del index[key]
    return index


def anchors(ids: Sequence[str | None]) -> tuple[list[str | None], list[str | None]]:
    """For each place, the nearest matched entry before it and after it."""
    before: list[str | None] = []
    last: str | None = None
    for entry_id in ids:
        before.append(last)
        last = entry_id or last
    after: list[str | None] = []
    last = None
    for entry_id in reversed(ids):
        after.append(last)
        last = entry_id or last
    return before, after[::-1]
