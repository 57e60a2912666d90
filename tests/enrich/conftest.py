"""Events to enrich, and where the gold pages are."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from wirewatch.events import Entry, EntryEvent, Evidence

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def shared() -> Path:
    folder = Path(os.environ.get("WIREWATCH_SHARED", ROOT / ".." / "shared"))
    if not (folder / "data" / "pages").is_dir():
        pytest.skip(f"no recordings at {folder}: set WIREWATCH_SHARED")
    return folder


@pytest.fixture
def make_event() -> Callable[..., EntryEvent]:
    def make(headline: str = "", body: str = "", *, op: str = "created", language: str | None = None) -> EntryEvent:
        entry = Entry(
            native_id=None, url=None, link=None, page=None, headline=headline, label=None, body=body, html="",
            form="text" if body else "headline-only", published=None, published_precision="none",
            published_from="source", published_raw=None, updated=None,
            status="withdrawn" if op == "withdrawn" else "current", position=0, pinned=False, key_event=False,
            authors=[], tags=[], section=None, media=[], links=[], language=language, truncated=False,
            content_hash="ch_x",
        )  # fmt: skip
        feed_event = op in {"gap", "source-error", "source-recovered"}
        return EntryEvent(
            id="ev_1", seq=1, op=op, subject="feed" if feed_event else "entry",  # type: ignore[arg-type]
            feed_id="karst", entry_id=None if feed_event else "en_1", native_id=None, revision=1,
            previous_event_id=None, restores_event_id=None, same_as=None, snapshot="1", snapshot_id="sn_1",
            previous_snapshot_id=None, time="2024-05-07T10:00:00.000Z", not_before=None, first_seen=None,
            headline=headline, url=None, published=None, grade="normal", flags=[], changes=[],
            evidence=Evidence(kind="new", text="new"), entry=None if feed_event else entry,
        )  # fmt: skip

    return make
