"""The main job on real input: every recording over HTTP through the whole program, held to `replay`."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import pytest

from tests.end_to_end import ledger
from tests.end_to_end.program import Program, feed_id, replayed, write_settings
from tests.end_to_end.recorded_origin import RecordedOrigin, read_recording
from tests.recorded_feeds import DEFINITIONS
from tests.servers.processes import free_port

LONG = bool(os.environ.get("WIREWATCH_LONG"))
VERSIONS = 25
LARGE = {"html_heise_de_newsticker": 8, "guardian_liveblog_mars": 10, "usgs_all_hour": 40, "nsw_rfs_raw_202003": 50}
"""Fewer versions of what is large, more of what is quick and changes much; WIREWATCH_LONG=1 takes all of all."""


@pytest.mark.slow
@pytest.mark.timeout(1800 if LONG else 240)
def test_every_recording_watched_at_once_gives_what_replay_gives_F18(recordings: Path, tmp_path: Path) -> None:
    origin = RecordedOrigin(
        [
            read_recording(recordings / name, feed, limit=None if LONG else LARGE.get(name, VERSIONS))
            for name, feed in DEFINITIONS.items()
        ]
    )
    write_settings(tmp_path, origin, port=free_port())
    program = Program(tmp_path)
    program.start()
    try:
        until = time.monotonic() + (1500 if LONG else 180)
        while not origin.finished():
            assert program.alive(), program.log()[-2000:]
            assert time.monotonic() < until, f"only {origin.progress():.0%} was asked for"
            time.sleep(0.05)
        program.wait_until_done(180 if LONG else 60)
        assert program.stop() < 30
    finally:
        program.end()
        origin.close()
    assert program.process is not None
    assert program.process.returncode == 0, program.log()[-2000:]
    wanted = {feed_id(name): replayed(tmp_path, origin, name) for name in DEFINITIONS}
    assert all(wanted.values())
    events = program.values("wirewatch.entries.v1")
    assert ledger.check_events(wanted, events) == []
    assert ledger.check_revisions(events) == []
    assert asyncio.run(ledger.check_index(tmp_path, events)) == []
    topics = ["wirewatch.snapshots.v1", "wirewatch.entry-events.v1", "wirewatch.entries.v1"]
    assert asyncio.run(ledger.check_log(tmp_path, topics)) == []
    assert program.call("dead-letters", "list", "--json") == ""
