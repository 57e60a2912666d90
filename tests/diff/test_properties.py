"""A scripted source and random polls of it: what was told, put together, is what the source shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from processors.parse.model import ParsedEntry
from tests.diff.watching import Watch, an_entry
from wirewatch.events import EntryEvent

WORDS = ("river", "road", "mill", "bridge", "school", "storm", "vote", "fire", "ferry", "harvest", "choir", "dam")


@dataclass
class Source:
    """A source that does what a script says. Newest first; a window shows the newest eight."""

    listing: str
    ids: bool
    entries: dict[int, tuple[str, str]] = field(default_factory=dict)
    taken: dict[int, tuple[str, str]] = field(default_factory=dict)
    ever_taken: set[str] = field(default_factory=set)
    next: int = 0
    turned: bool = False

    def act(self, action: str, n: int) -> None:
        keys = sorted(self.entries)
        key = keys[n % len(keys)] if keys else None
        if action == "create" or key is None:
            one, two = WORDS[self.next % 12], WORDS[self.next // 12 % 12]
            self.entries[self.next] = (f"{one} {two} item{self.next}", "")
            self.next += 1
        elif action == "edit":
            headline, body = self.entries[key]
            self.entries[key] = (headline, f"{body} {WORDS[n % 12]} {n}.".strip())
        elif action == "withdraw" and len(keys) > 3:
            self.taken[key] = self.entries.pop(key)
            self.ever_taken.add(f"n{key}")
        elif action == "return" and self.taken:
            back = sorted(self.taken)[n % len(self.taken)]
            self.entries[back] = self.taken.pop(back)
        elif action == "turn":
            self.turned = not self.turned

    def shown(self) -> list[ParsedEntry]:
        keys = sorted(self.entries, reverse=True)
        if self.listing == "window":
            keys = keys[:8]
        entries = [
            an_entry(f"n{key}" if self.ids else "", *self.entries[key], minute=key, url=f"https://v.example/{key}")
            for key in keys
        ]
        return entries[::-1] if self.turned else entries


ACTIONS = st.sampled_from(["create", "create", "edit", "edit", "withdraw", "return", "turn"])
STEPS = st.lists(
    st.tuples(
        st.lists(st.tuples(ACTIONS, st.integers(0, 40)), max_size=3), st.sampled_from(["", "", "", "outage", "flicker"])
    ),
    min_size=1,
    max_size=14,
)


def run(source: Source, steps: Any, *, settle: int = 5) -> Watch:
    """Poll after each step; at the end often enough that everything owed is told."""
    watch = Watch(listing=source.listing)
    for n in range(6):
        source.act("create", n)
    before: list[ParsedEntry] = []
    for n, (actions, trouble) in enumerate(steps):
        for action, which in actions:
            source.act(action, which)
        if trouble == "outage":
            watch.fail(body=f"<html>{n}".encode())
        watch.poll(*source.shown())
        if trouble == "flicker" and before:
            watch.poll(*before)
            watch.poll(*source.shown())
        before = source.shown()
    for _ in range(settle):
        watch.poll(*source.shown())
    return watch


def replayed(events: list[EntryEvent]) -> dict[str, tuple[str, str, str]]:
    """The events on an empty model: each entry's newest text and status."""
    model: dict[str, tuple[str, str, str]] = {}
    for event in events:
        if event.entry is not None and event.entry_id is not None:
            model[event.entry_id] = (event.entry.headline, event.entry.body, event.entry.status)
    return model


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=STEPS, listing=st.sampled_from(["full", "window", "curated"]), ids=st.booleans())
def test_events_on_an_empty_model_give_what_the_source_shows(steps: Any, listing: str, ids: bool) -> None:
    source = Source(listing, ids)
    watch = run(source, steps)
    current = {(h, b) for h, b, status in replayed(watch.events).values() if status == "current"}
    now = {(entry.headline, entry.body) for entry in source.shown()}
    assert now <= current
    if listing == "full":
        assert now == current


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=STEPS, listing=st.sampled_from(["full", "window"]))
def test_nothing_is_withdrawn_that_the_source_did_not_take_away(steps: Any, listing: str) -> None:
    source = Source(listing, ids=True)
    watch = run(source, steps)
    assert {e.native_id for e in watch.events if e.op == "withdrawn"} <= source.ever_taken


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=STEPS, listing=st.sampled_from(["full", "window", "curated"]))
def test_every_event_follows_from_the_one_before(steps: Any, listing: str) -> None:
    watch = run(Source(listing, ids=True), steps)
    assert [e.seq for e in watch.events] == list(range(1, len(watch.events) + 1))
    assert len({e.id for e in watch.events}) == len(watch.events)
    newest: dict[str, EntryEvent] = {}
    for event in watch.events:
        if event.entry_id is None:
            continue
        last = newest.get(event.entry_id)
        assert event.revision == (last.revision + 1 if last else 1)
        assert event.previous_event_id == (last.id if last else None)
        if last is not None and last.entry is not None and event.op == "updated":
            texts = {"headline": last.entry.headline, "body": last.entry.body}
            assert all(texts[change.field] == change.before for change in event.changes)
        newest[event.entry_id] = event


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=STEPS)
def test_the_same_polls_give_the_same_events(steps: Any) -> None:
    one, other = (run(Source("full", ids=True), steps) for _ in range(2))
    assert one.events == other.events
    assert one.state == other.state


@pytest.mark.parametrize("cut", range(1, 12))
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=STEPS)
def test_H27_a_cut_at_any_place_withdraws_nothing(cut: int, steps: Any) -> None:
    whole, troubled = Watch(listing="full"), Watch(listing="full")
    sources = [Source("full", ids=True) for _ in range(2)]
    for n, (actions, _) in enumerate(steps):
        for source, watch in zip(sources, (whole, troubled), strict=True):
            for action, which in (*actions, ("create", 0)):
                source.act(action, which)
            if watch is troubled and n % 11 == cut:
                watch.fail(body=str(n).encode())
            watch.poll(*source.shown())
    told = [[e.id for e in watch.events if e.entry is not None] for watch in (whole, troubled)]
    assert told[0] == told[1]
