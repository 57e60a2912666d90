"""The live path and `replay` say the same, event id by event id, also where a kill lost or doubled a poll."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from processors.replay import replay
from tests.replay.recorded import DEFINITIONS, Live, feed_for, thrice, versions

ENTRY_OPS = {"baseline", "created", "backfilled", "updated", "withdrawn", "restored"}
LIMIT = {"html_heise_de_newsticker": 6, "guardian_liveblog_mars": 8, "rss_cnn_20210920": 20}


@pytest.mark.parametrize("kills", [0, 1, 2], ids=["no_kill", "a_confirmation_lost", "a_body_twice"])
@pytest.mark.parametrize("name", DEFINITIONS)
def test_F1_F2_the_live_path_equals_replay(recordings: Path, tmp_path: Path, name: str, kills: int) -> None:
    folder = recordings / name
    rows = versions(folder, LIMIT.get(name, 60))
    feed = feed_for(name, tmp_path)
    wanted = [e.id for e in replay(thrice(folder, rows, tmp_path / "thrice"), feed) if e.op in ENTRY_OPS]
    chance = random.Random(len(name))
    live = Live(feed)
    for file, at in rows:
        body = (folder / file).read_bytes()
        live.body(body, at)
        killed = kills and chance.random() < 0.2
        if killed and kills == 2:
            live.restarted()
            live.body(body, at)
        live.confirm()
        if killed and kills == 1:
            live.restarted()
            continue
        live.confirm()
    assert wanted
    assert sorted(e.id for e in live.events if e.op in ENTRY_OPS) == sorted(wanted)
    assert [e.seq for e in live.events] == list(range(1, len(live.events) + 1))
