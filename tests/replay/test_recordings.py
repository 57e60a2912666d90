"""Each recording against a truth worked out from its files: nothing lost, nothing invented, nothing imagined."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from processors.replay import replay
from tests.replay.recorded import DEFINITIONS, feed_for, versions
from tests.replay.truth import Truth, words, work_out
from wirewatch.events import EntryEvent

NO_WITHDRAWALS = [name for name in DEFINITIONS if not name.startswith("nsw")]
LEARNING = {"hn_domain_a": 12, "html_heise_de_newsticker": 12}
"""Snapshots before what is volatile in these two has to be known."""


@cache
def _held(name: str, folder: Path, tmp: Path) -> tuple[list[str], Truth, list[EntryEvent]]:
    files = [file for file, _ in versions(folder)]
    events = [e for e in replay(folder, feed_for(name, tmp)) if e.subject == "entry" or e.entry is None]
    return files, work_out(name, [folder / file for file in files]), events


@pytest.fixture(params=DEFINITIONS)
def held(
    request: pytest.FixtureRequest, recordings: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, list[str], Truth, list[EntryEvent]]:
    base = tmp_path_factory.getbasetemp()
    return (request.param, *_held(request.param, recordings / request.param, base))


Held = tuple[str, list[str], Truth, list[EntryEvent]]


def _key(event: EntryEvent, truth: Truth) -> str:
    return event.native_id if event.native_id in truth.seen_at else event.url or ""


def test_every_new_entry_is_told_and_none_is_invented(held: Held) -> None:
    _, files, truth, events = held
    told = {_key(e, truth): files.index(e.snapshot) for e in events if e.op in {"created", "backfilled", "baseline"}}
    assert [key for key, n in truth.created.items() if not 0 <= told.get(key, -1) - n <= 1] == []
    new = [e for e in events if e.op in {"created", "backfilled"}]
    assert [e.headline for e in new if truth.seen_at[_key(e, truth)][0] < files.index(e.snapshot) - 1] == []


def test_every_edit_is_told_and_nothing_else(held: Held) -> None:
    name, files, truth, events = held
    told = {(_key(e, truth), files.index(e.snapshot)) for e in events if e.op == "updated"}
    missed = [(key, n) for key, n in truth.edited if not {(key, n), (key, n + 1)} & told]
    assert missed == []
    wanted = truth.edited | truth.touched
    imagined = [(key, n) for key, n in told if n >= LEARNING.get(name, 0) and not {(key, n), (key, n - 1)} & wanted]
    assert len(imagined) <= (2 if name in LEARNING else 0), imagined


def test_H27_H28_a_bad_snapshot_has_no_entry_event(held: Held) -> None:
    _, files, truth, events = held
    bad = {files[n] for n in truth.bad}
    assert [e.op for e in events if e.snapshot in bad and e.entry is not None] == []


def test_an_outage_is_told_once_when_it_starts_and_once_when_it_ends(held: Held) -> None:
    _, files, truth, events = held
    starts = [n for n in sorted(truth.bad) if n - 1 not in truth.bad]
    ends = [n + 1 for n in sorted(truth.bad) if n + 1 not in truth.bad]
    assert [files.index(e.snapshot) for e in events if e.op == "source-error"] == starts
    assert [files.index(e.snapshot) for e in events if e.op == "source-recovered"] == ends


def test_no_event_id_is_given_twice_and_seq_has_no_holes(held: Held) -> None:
    *_, events = held
    assert len({e.id for e in events}) == len(events)
    assert sorted(e.seq for e in events) == list(range(1, len(events) + 1))


def test_H28_fires_that_leave_a_full_listing_are_withdrawn_exactly(held: Held) -> None:
    name, files, truth, events = held
    told = [(e.native_id, files.index(e.snapshot)) for e in events if e.op == "withdrawn"]
    if not name.startswith("nsw"):
        assert told == []
        return
    assert len(told) == 88
    unexplained = [(key, n) for key, n in told if not any((key, n - back) in truth.gone for back in range(4))]
    assert unexplained == []


def test_the_stamp_in_a_fire_bulletin_stays_an_edit(recordings: Path, tmp_path: Path) -> None:
    folder = recordings / "nsw_rfs_raw_202003"
    events = replay(folder, feed_for("nsw_rfs_raw_202003", tmp_path))
    stamps = [
        change
        for e in events
        for change in e.changes
        if words(change.before).split("updated")[0] == words(change.after).split("updated")[0]
    ]
    assert stamps


def test_a_real_edit_beside_volatile_counts_still_comes_through(recordings: Path, tmp_path: Path) -> None:
    folder = recordings / "hn_domain_a"
    events = [e for e in replay(folder, feed_for("hn_domain_a", tmp_path)) if e.op == "updated"]
    assert [change.field for e in events[-1:] for change in e.changes][:1] == ["headline"]
