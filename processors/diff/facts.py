"""The entries of a snapshot with the keys they are matched by, those shown twice left out."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from msgspec import Struct

from processors.diff.wording import headline_key, visible
from processors.parse.urls import canonical

if TYPE_CHECKING:
    from collections.abc import Sequence

    from processors.parse.model import ParsedEntry

_SHOWN_TWICE = 3


class Facts(Struct, frozen=True):
    """An entry of this snapshot with the keys it is matched by."""

    entry: ParsedEntry
    url_key: str | None
    headline_key: str
    unique_id: bool
    unique_url: bool


def says_nothing(entry: ParsedEntry) -> bool:
    """Whether nothing of it could be told or known again: an empty element among the others."""
    return not (entry.native_id or entry.url or entry.headline or entry.body or entry.media)


def facts_of(entries: Sequence[ParsedEntry]) -> list[Facts]:
    """The entries of a snapshot without those shown twice, each with its keys."""
    keyed = [(entry, canonical(entry.url) if entry.url else None, headline_key(entry.headline)) for entry in entries]
    ids = Counter(entry.native_id for entry in entries)
    shown_twice = _shown_twice(keyed)
    facts: list[Facts] = []
    shown: set[tuple[object, ...]] = set()
    for entry, url, head in keyed:
        mark: tuple[object, ...]
        if entry.native_id:
            if ids[entry.native_id] == 1:
                facts.append(Facts(entry, url, head, unique_id=True, unique_url=True))
                continue
            mark = (entry.native_id, url)
            if mark not in shown_twice:
                mark = (*mark, head, entry.published_ms, visible(entry.body))
        else:
            mark = (None, head, url, entry.published_ms, "" if url else visible(entry.body))
        if mark in shown:
            continue
        shown.add(mark)
        facts.append(Facts(entry, url, head, unique_id=True, unique_url=True))
    ids = Counter(fact.entry.native_id for fact in facts)
    urls = Counter(fact.url_key for fact in facts)
    return [
        Facts(
            fact.entry,
            fact.url_key,
            fact.headline_key,
            unique_id=bool(fact.entry.native_id) and ids[fact.entry.native_id] == 1,
            unique_url=fact.url_key is not None and urls[fact.url_key] == 1,
        )
        for fact in facts
    ]


def _shown_twice(keyed: Sequence[tuple[ParsedEntry, str | None, str]]) -> set[tuple[str | None, str | None]]:
    """Id and URL of stories that a page shows in two places under two headlines: a teaser above, the list below.

    Only where ids are mostly unique and no other URL goes with that id: ten items with one guid are ten entries (H38).
    Several stories that each keep their own id and URL may be up to half of a short list.
    """
    pairs = Counter((entry.native_id, url) for entry, url, _ in keyed if entry.native_id)
    ids = Counter(native_id for native_id, _ in pairs)
    repeated = {pair: n for pair, n in pairs.items() if n > 1}
    if sum(repeated.values()) * (2 if len(repeated) > 1 else 4) > sum(pairs.values()):
        return set()
    return {pair for pair, n in repeated.items() if n <= _SHOWN_TWICE and ids[pair[0]] == 1}
