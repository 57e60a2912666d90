"""The highest figures that a feed has said so far: what ``figure.killed:new`` is held against."""

from __future__ import annotations

from msgspec import Struct, field
from msgspec.structs import replace

from wirewatch.events.entries import EntryEvent

COUNTS_AS: dict[str, tuple[str, ...]] = {"detained": ("detained", "arrested")}
"""A query for the first kind also finds the others."""


def kinds_of(kind: str) -> tuple[str, ...]:
    """The kinds of figures that a query for this kind finds."""
    return COUNTS_AS.get(kind, (kind,))


class FeedMaxima(Struct, frozen=True):
    """One feed's highest figure of each kind, background left out. A value: `after` gives the next one."""

    highest: dict[str, float] = field(default_factory=dict)

    def of(self, kind: str) -> float | None:
        """The highest that a query for this kind would have found; None: nothing said yet."""
        return max((self.highest[one] for one in kinds_of(kind) if one in self.highest), default=None)

    def after(self, event: EntryEvent) -> FeedMaxima:
        """The maxima once this event of the feed has been told."""
        risen = dict(self.highest)
        for figure in event.enrichment.figures if event.enrichment else ():
            if not figure.background and figure.value > risen.get(figure.kind, float("-inf")):
                risen[figure.kind] = figure.value
        return self if risen == self.highest else replace(self, highest=risen)


NOTHING_SAID = FeedMaxima()
