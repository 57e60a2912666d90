"""Which known entry is each entry of a snapshot? A false merge is worse than a false split.

In order: a unique native id; an alias; the canonical URL; headline and time (a re-issued id); and for
entries without usable ids, the headline with a moved time and the place between the same neighbours.
Each step only looks at what the steps before left over, through dictionaries: linear in the window.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from processors.diff.events import content_of
from processors.diff.facts import Facts, facts_of
from processors.diff.indexes import anchors, unique
from processors.diff.pairs import (
    ALIKE_HEADLINE,
    MINUTE_MS,
    MUCH_TEXT,
    alike_body,
    another_issue,
    edited_likeness,
    id_reused,
    moved_far,
    near,
    same_headline,
    urls_differ,
)
from processors.diff.wording import likeness

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from processors.diff.memory import Known
    from processors.parse.model import ParsedEntry

ALIKE_MOVED = 0.8
"""An entry without an id that was edited and moved at once has no neighbours to speak for it: its words must."""
MAX_ENTRIES = 5_000
_CELLS = 400

How = Literal["id", "alias", "url", "re-issued", "headline", "body", "neighbours"]


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
    matcher.by_body(window)
    matcher.by_whole_text(archive)
    matcher.by_neighbours(window)
    matcher.by_minute(window)
    return matcher.settled()


class _Matcher:
    """One matching in the making: what is taken on both sides."""

    def __init__(self, facts: list[Facts]) -> None:
        size = len(facts)
        self.matching = Matching(facts, [None] * size, [None] * size, [], set())
        self._taken: set[str] = set()
        self._reused: dict[int, Known] = {}
        self._by_native: dict[str | None, Facts] | None = None

    def open(self) -> list[int]:
        """Places not matched yet."""
        return [i for i, known in enumerate(self.matching.known) if known is None]

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
        free = self._free(known)
        index = unique((k.native_id, k) for k in free if k.native_id and k.unique_id)
        others: list[tuple[int, Known]] = []
        for i in self.open():
            fact = self.matching.facts[i]
            k = index.get(fact.entry.native_id or "") if fact.unique_id and i not in self._reused else None
            if k is None:
                continue
            if k.headline_key == fact.headline_key and not id_reused(k, fact):
                self._take(i, k, "id")
            else:
                others.append((i, k))
        for i, k in self._moved_ids(others, free):
            fact = self.matching.facts[i]
            if id_reused(k, fact):
                self._reused[i] = k
            elif k.entry_id not in self._taken:
                self._take(i, k, "id")

    def _moved_ids(self, others: list[tuple[int, Known]], free: Sequence[Known]) -> list[tuple[int, Known]]:
        """Take those whose text, word for word, another known entry had under an id that it gave up; the rest."""
        if not others:
            return []
        contents = unique((k.content, k) for k in free if k.headline_key)
        rest: list[tuple[int, Known]] = []
        for i, k in others:
            fact = self.matching.facts[i]
            other = contents.get(content_of(fact.entry)) if fact.headline_key else None
            if other is not None and other is not k and self._gave_up_id(other, fact):
                self._reused[i] = k
                self._take(i, other, "re-issued")
            else:
                rest.append((i, k))
        return rest

    def _gave_up_id(self, known: Known, fact: Facts) -> bool:
        """Whether this entry, word for word what ``fact`` says, no longer stands under its own id: ids are places."""
        if known.entry_id in self._taken or not near(known, fact):
            return False
        if self._by_native is None:
            self._by_native = {f.entry.native_id: f for f in self.matching.facts if f.unique_id}
        own = self._by_native.get(known.native_id)
        return own is None or own.headline_key != known.headline_key

    def settled(self) -> Matching:
        """The matching, once every step had its turn: whose id another took, and was not found elsewhere, has ended."""
        for i, k in self._reused.items():
            if self.matching.known[i] is None:
                self.matching.fresh.add(i)
            if k.entry_id not in self._taken:
                self.matching.ended.append(k)
        return self.matching

    def by_alias(self, known: Sequence[Known]) -> None:
        opened = self.open()
        if not opened or not known:
            return
        free = self._free(known)
        index = unique((k.native_id, k) for k in free if k.native_id and k.unique_id)
        aliases = unique((alias, k) for k in free if k.entry is not None for alias in k.entry.aliases)
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
            if not both_ids or (same_headline(k, fact) and near(k, fact) and alike_body(k, fact)):
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
                if k.entry_id not in self._taken and near(k, fact) and alike_body(k, fact)
            ]
            exact = [k for k in alike if k.published_ms == fact.entry.published_ms]
            chosen = exact if len(exact) == 1 or rivals[fact.headline_key] > 1 else alike
            if len(chosen) == 1 or (chosen and chosen is exact):
                self._take(i, chosen[0], "re-issued")

    def note_scheme_change(self, window: Sequence[Known]) -> None:
        """All ids new, most contents known: the source changed its ids, so no id says anything this once.

        Word for word the same headline and body count too, whatever the time: who moves house dates things anew.
        """
        with_ids = [i for i, fact in enumerate(self.matching.facts) if fact.unique_id]
        hows = [self.matching.how[i] for i in with_ids]
        if len(window) < 3 or len(with_ids) < 3 or "id" in hows:
            return
        again = sum(1 for how in hows if how in {"url", "re-issued"})
        needed = min(len(with_ids), len(window))
        same = self._word_for_word(window) if again * 2 < needed else []
        if (again + len(same)) * 2 >= needed:
            self.matching.scheme_changed = True
            for i, k in same:
                self._take(i, k, "re-issued")

    def _word_for_word(self, window: Sequence[Known]) -> list[tuple[int, Known]]:
        """Open entries with headline and body that one known entry has, and no second one on either side."""
        facts = self.matching.facts
        free = unique((k.content, k) for k in self._free(window) if k.entry is not None and k.entry.body)
        contents = {i: content_of(facts[i].entry) for i in self.open() if facts[i].entry.body}
        rivals = Counter(contents.values())
        return [(i, free[content]) for i, content in contents.items() if content in free and rivals[content] == 1]

    def _without_ids(self, window: Sequence[Known]) -> tuple[list[int], list[Known]]:
        facts = self.matching.facts
        changed = self.matching.scheme_changed
        opened = [i for i in self.open() if changed or not facts[i].unique_id]
        free = self._free(window) if opened else []
        return opened, [k for k in free if changed or not (k.native_id and k.unique_id)]

    def by_headline(self, window: Sequence[Known]) -> None:
        """The same headline with a moved time, where it stands alone on both sides."""
        opened, free = self._without_ids(window)
        index = unique((k.headline_key, k) for k in free if k.headline_key)
        rivals = Counter(self.matching.facts[i].headline_key for i in opened)
        for i in opened:
            fact = self.matching.facts[i]
            k = index.get(fact.headline_key)
            if k is None or rivals[fact.headline_key] > 1 or urls_differ(k, fact) or another_issue(k, fact):
                continue
            self._take(i, k, "headline")

    def by_body(self, window: Sequence[Known]) -> None:
        """The same body word for word with a moved time, and half of the headline's words: the headline was edited.

        Only where no other entry on either side has that body: some stand under every story.
        """
        opened, free = self._without_ids(window)
        if not opened or not free:
            return
        held = Counter(k.entry.body for k in window if k.entry is not None)
        shown = Counter(fact.entry.body for fact in self.matching.facts)
        index = {k.entry.body: k for k in free if k.entry is not None and len(k.entry.body) >= MUCH_TEXT}
        for i in opened:
            fact = self.matching.facts[i]
            k = index.get(fact.entry.body)
            if k is None or k.entry is None or held[fact.entry.body] > 1 or shown[fact.entry.body] > 1:
                continue
            if likeness(k.entry.headline, fact.entry.headline) >= ALIKE_HEADLINE and not urls_differ(k, fact):
                self._take(i, k, "body")

    def by_whole_text(self, left: Sequence[Known]) -> None:
        """Back after it left, word for word, with a time that moved less than from one day's issue to the next."""
        opened, free = self._without_ids(left)
        index = unique((k.content, k) for k in free)
        contents = {i: content_of(self.matching.facts[i].entry) for i in opened if index}
        rivals = Counter(contents.values())
        for i, content in contents.items():
            fact = self.matching.facts[i]
            k = index.get(content)
            if k is None or rivals[content] > 1 or len(fact.entry.body) < MUCH_TEXT:
                continue
            if not urls_differ(k, fact) and not moved_far(k, fact):
                self._take(i, k, "body")

    def by_neighbours(self, window: Sequence[Known]) -> None:
        """Between the same neighbours, in the same minute, with a similar headline or body: edited."""
        opened, free = self._without_ids(window)
        if not opened or not free:
            return
        before, after = anchors([k.entry_id if k.entry_id in self._taken else None for k in window])
        gaps: dict[tuple[str, str | None], list[Known]] = defaultdict(list)
        free_ids = {k.entry_id for k in free}
        for n, k in enumerate(window):
            if k.entry_id in free_ids:
                gaps["before", before[n]].append(k)
                gaps["after", after[n]].append(k)
        above, below = anchors([k.entry_id if k is not None else None for k in self.matching.known])
        for i in opened:
            rivals = [*gaps.get(("before", above[i]), ())[:_CELLS], *gaps.get(("after", below[i]), ())[:_CELLS]]
            fact = self.matching.facts[i]
            scored = [(edited_likeness(k, fact), n) for n, k in enumerate(rivals) if k.entry_id not in self._taken]
            best = max(scored, default=(0.0, -1), key=lambda pair: (pair[0], -pair[1]))
            # no neighbour and no time speaks for it: its words must
            alone = above[i] is None and below[i] is None and fact.entry.published_ms is None
            if best[0] >= (ALIKE_MOVED if alone else ALIKE_HEADLINE):
                self._take(i, rivals[best[1]], "neighbours")

    def by_minute(self, window: Sequence[Known]) -> None:
        """In the same minute with nearly the same words, one alone on each side: edited while the order changed."""
        opened, free = self._without_ids(window)
        minutes: dict[int, list[Known]] = defaultdict(list)
        for k in free:
            if k.published_ms is not None:
                minutes[k.published_ms // MINUTE_MS].append(k)
        alike: dict[int, list[Known]] = {}
        for i in opened if minutes else ():
            fact = self.matching.facts[i]
            rivals = minutes.get((fact.entry.published_ms or 0) // MINUTE_MS, ())[:_CELLS]
            alike[i] = [k for k in rivals if edited_likeness(k, fact) >= ALIKE_MOVED]
        wanted = Counter(k.entry_id for rivals in alike.values() for k in rivals)
        for i, found in alike.items():
            if len(found) == 1 and wanted[found[0].entry_id] == 1:
                self._take(i, found[0], "neighbours")
