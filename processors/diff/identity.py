"""Which known entry is each entry of a snapshot? A false merge is worse than a false split.

In order: a unique native id; an alias; the canonical URL; headline and time (a re-issued id); and for
entries without usable ids, the headline with a moved time and the place between the same neighbours.
Each step only looks at what the steps before left over, through dictionaries: linear in the window.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from processors.diff.facts import Facts, facts_of
from processors.diff.wording import likeness, visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from processors.diff.memory import Known
    from processors.parse.model import ParsedEntry

REISSUE_MS = 120_000
"""A re-issued entry's time may differ by this much: sources re-compute times when they re-issue."""
ALIKE_BODY = 0.5
ALIKE_HEADLINE = 0.5
MAX_ENTRIES = 5_000
_MINUTE = 60_000
_CELLS = 400
_ARTICLE_NUMBER = re.compile(r"(?<![0-9a-z])(?:[0-9]{5,}|[0-9a-f]{8,}(?:-[0-9a-f]{4,})*)(?![0-9a-z])")

How = Literal["id", "alias", "url", "re-issued", "headline", "neighbours"]


class Matching(Struct):
    """``known[i]`` is what ``facts[i]`` was before, None for an entry not known; ``how`` says by what.

    ``ended`` are entries whose id another story took; ``fresh`` the places of those stories.
    ``scheme_changed`` says that all ids are new while the contents are the same.
    """

    facts: list[Facts]
    known: list[Known | None]
    how: list[How | None]
    ended: list[Known]
    fresh: set[int]
    scheme_changed: bool = False


def match_entries(
    entries: Sequence[ParsedEntry], window: Sequence[Known], left: Callable[[], Iterable[Known]]
) -> Matching:
    """Match a snapshot's entries to the window's, and what remains to those that left (asked for only then)."""
    matcher = _Matcher(facts_of(entries))
    matcher.by_id(window)
    matcher.by_alias(window)
    archive: Sequence[Known] = ()
    if matcher.open_with_id():
        archive = list(left())
        matcher.by_id(archive)
    matcher.by_url(window)
    matcher.by_headline_and_time(window)
    if matcher.open():
        archive = archive or list(left())
        matcher.by_alias(archive)
        matcher.by_url(archive)
        matcher.by_headline_and_time(archive)
    matcher.note_scheme_change(window)
    matcher.by_headline(window)
    matcher.by_neighbours(window)
    return matcher.matching


class _Matcher:
    """One matching in the making: what is taken on both sides."""

    def __init__(self, facts: list[Facts]) -> None:
        size = len(facts)
        self.matching = Matching(facts, [None] * size, [None] * size, [], set())
        self._taken: set[str] = set()

    def open(self) -> list[int]:
        """Places not matched yet and not known to be new."""
        known, fresh = self.matching.known, self.matching.fresh
        return [i for i in range(len(known)) if known[i] is None and i not in fresh]

    def open_with_id(self) -> bool:
        facts = self.matching.facts
        return any(facts[i].unique_id for i in self.open())

    def _free(self, known: Iterable[Known]) -> list[Known]:
        return [k for k in known if k.entry_id not in self._taken]

    def _take(self, i: int, known: Known, how: How) -> None:
        self.matching.known[i] = known
        self.matching.how[i] = how
        self._taken.add(known.entry_id)

    def by_id(self, known: Iterable[Known]) -> None:
        index = _unique((k.native_id, k) for k in self._free(known) if k.native_id and k.unique_id)
        for i in self.open():
            fact = self.matching.facts[i]
            k = index.get(fact.entry.native_id or "") if fact.unique_id else None
            if k is None or k.entry_id in self._taken:
                continue
            if id_reused(k, fact):
                self._taken.add(k.entry_id)
                self.matching.ended.append(k)
                self.matching.fresh.add(i)
            else:
                self._take(i, k, "id")

    def by_alias(self, known: Sequence[Known]) -> None:
        opened = self.open()
        if not opened or not known:
            return
        free = self._free(known)
        index = _unique((k.native_id, k) for k in free if k.native_id and k.unique_id)
        aliases = _unique((alias, k) for k in free if k.entry is not None for alias in k.entry.aliases)
        for i in opened:
            entry = self.matching.facts[i].entry
            found = [index.get(alias) for alias in entry.aliases]
            found.append(aliases.get(entry.native_id or ""))
            k = next((k for k in found if k is not None and k.entry_id not in self._taken), None)
            if k is not None:
                self._take(i, k, "alias")

    def by_url(self, known: Sequence[Known]) -> None:
        opened = self.open()
        if not opened or not known:
            return
        urls = Counter(k.url_key for k in known)
        index = {k.url_key: k for k in self._free(known) if k.url_key and urls[k.url_key] == 1}
        for i in opened:
            fact = self.matching.facts[i]
            k = index.get(fact.url_key or "") if fact.unique_url else None
            if k is None or k.entry_id in self._taken:
                continue
            both_ids = fact.unique_id and k.unique_id and k.native_id is not None
            if not both_ids or (_same_headline(k, fact) and _near(k, fact) and _alike_body(k, fact)):
                self._take(i, k, "url")

    def by_headline_and_time(self, known: Sequence[Known]) -> None:
        """The same headline at the same time with a similar body: a re-issued id, or no id at all."""
        opened = self.open()
        if not opened or not known:
            return
        index: dict[str, list[Known]] = defaultdict(list)
        for k in self._free(known):
            if k.headline_key:
                index[k.headline_key].append(k)
        rivals = Counter(self.matching.facts[i].headline_key for i in opened)
        for i in opened:
            fact = self.matching.facts[i]
            alike = [
                k
                for k in index.get(fact.headline_key, [])[:16]
                if k.entry_id not in self._taken and _near(k, fact) and _alike_body(k, fact)
            ]
            exact = [k for k in alike if k.published_ms == fact.entry.published_ms]
            chosen = exact if len(exact) == 1 or rivals[fact.headline_key] > 1 else alike
            if len(chosen) == 1 or (chosen and chosen is exact):
                self._take(i, chosen[0], "re-issued")

    def note_scheme_change(self, window: Sequence[Known]) -> None:
        """All ids new, most contents known: the source changed its ids, so no id says anything this once."""
        with_ids = [i for i, fact in enumerate(self.matching.facts) if fact.unique_id]
        hows = [self.matching.how[i] for i in with_ids]
        again = sum(1 for how in hows if how in {"url", "re-issued"})
        self.matching.scheme_changed = (
            len(window) >= 3
            and len(with_ids) >= 3
            and "id" not in hows
            and again * 2 >= min(len(with_ids), len(window))
        )

    def _without_ids(self, window: Sequence[Known]) -> tuple[list[int], list[Known]]:
        facts = self.matching.facts
        changed = self.matching.scheme_changed
        opened = [i for i in self.open() if changed or not facts[i].unique_id]
        free = self._free(window) if opened else []
        return opened, [k for k in free if changed or not (k.native_id and k.unique_id)]

    def by_headline(self, window: Sequence[Known]) -> None:
        """The same headline with a moved time, where it stands alone on both sides."""
        opened, free = self._without_ids(window)
        index = _unique((k.headline_key, k) for k in free if k.headline_key)
        rivals = Counter(self.matching.facts[i].headline_key for i in opened)
        for i in opened:
            fact = self.matching.facts[i]
            k = index.get(fact.headline_key)
            if k is not None and rivals[fact.headline_key] == 1 and not _urls_differ(k, fact):
                self._take(i, k, "headline")

    def by_neighbours(self, window: Sequence[Known]) -> None:
        """Between the same neighbours, in the same minute, with a similar headline or body: edited."""
        opened, free = self._without_ids(window)
        if not opened or not free:
            return
        before, after = _anchors([k.entry_id if k.entry_id in self._taken else None for k in window])
        gaps: dict[tuple[str, str | None], list[Known]] = defaultdict(list)
        free_ids = {k.entry_id for k in free}
        for n, k in enumerate(window):
            if k.entry_id in free_ids:
                gaps["before", before[n]].append(k)
                gaps["after", after[n]].append(k)
        above, below = _anchors([k.entry_id if k is not None else None for k in self.matching.known])
        for i in opened:
            rivals = [*gaps.get(("before", above[i]), ())[:_CELLS], *gaps.get(("after", below[i]), ())[:_CELLS]]
            fact = self.matching.facts[i]
            scored = [(_edited_likeness(k, fact), n) for n, k in enumerate(rivals) if k.entry_id not in self._taken]
            best = max(scored, default=(0.0, -1), key=lambda pair: (pair[0], -pair[1]))
            if best[0] >= ALIKE_HEADLINE:
                self._take(i, rivals[best[1]], "neighbours")


def _unique(pairs: Iterable[tuple[str | None, Known]]) -> dict[str | None, Known]:
    index: dict[str | None, Known] = {}
    twice: set[str | None] = set()
    for key, known in pairs:
        if key in index and index[key].entry_id != known.entry_id:
            twice.add(key)
        index[key] = known
    for key in twice:
        del index[key]
    return index


def _anchors(ids: Sequence[str | None]) -> tuple[list[str | None], list[str | None]]:
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


def id_reused(known: Known, fact: Facts) -> bool:
    """Headline, body, URL and time all changed at once. A field that neither has says nothing; one that stayed decides.

    Fewer than three changed fields are an edit: a looser rule takes rewritten stories for other ones. A headline that
    keeps half of its words has stayed, and so has a URL whose article number is the same under another slug.
    """
    if known.entry is None:
        return False
    old, new = known.entry, fact.entry
    told = 0
    for one, other in (
        (known.headline_key, fact.headline_key),
        (known.url_key, fact.url_key),
        (known.published_ms, new.published_ms),
        (old.body, new.body),
    ):
        if not one and not other:
            continue
        if one == other:
            return False
        told += 1
    if told < 3 or (old.body and visible(old.body) == visible(new.body)):
        return False
    numbers = set(_ARTICLE_NUMBER.findall(known.url_key or "")) & set(_ARTICLE_NUMBER.findall(fact.url_key or ""))
    return not numbers and likeness(old.headline, new.headline) < ALIKE_HEADLINE


def _same_headline(known: Known, fact: Facts) -> bool:
    return known.headline_key == fact.headline_key != ""


def _near(known: Known, fact: Facts) -> bool:
    if known.published_ms is None or fact.entry.published_ms is None:
        return known.published_ms is None and fact.entry.published_ms is None
    return abs(known.published_ms - fact.entry.published_ms) <= REISSUE_MS


def _alike_body(known: Known, fact: Facts) -> bool:
    if known.entry is None:
        return True
    return likeness(known.entry.body, fact.entry.body) >= ALIKE_BODY or not (known.entry.body and fact.entry.body)


def _urls_differ(known: Known, fact: Facts) -> bool:
    return known.url_key is not None and fact.url_key is not None and known.url_key != fact.url_key and fact.unique_url


def _edited_likeness(known: Known, fact: Facts) -> float:
    """How much this looks like the same entry after an edit; 0.0 where the minute differs."""
    old, new = known.entry, fact.entry
    if old is None or _urls_differ(known, fact):
        return 0.0
    if (known.published_ms is None) != (new.published_ms is None):
        return 0.0
    same_minute = known.published_ms is None or known.published_ms // _MINUTE == (new.published_ms or 0) // _MINUTE
    if not same_minute:
        return 0.0
    heads = likeness(old.headline, new.headline)
    if old.body and new.body and len(old.body) >= 40:
        return max(heads, likeness(old.body, new.body))
    return heads
