"""The program killed (-9) and stopped at random points: nothing lost, nothing twice, index = model, one delivery id.

WIREWATCH_KILLS says how often (``make faults``: 200), WIREWATCH_SEED at which points.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end import ledger
from tests.end_to_end.program import Program, feed_id, replayed, write_settings
from tests.end_to_end.recorded_origin import RecordedOrigin, read_recording
from tests.end_to_end.told import check_told, searches_and_desk
from tests.end_to_end.webhook_receiver import WebhookReceiver
from tests.recorded_feeds import DEFINITIONS
from tests.servers.processes import free_port
from wirewatch.brokers.embedded import open_writer
from wirewatch.brokers.interface import NewRecord
from wirewatch.events import Alert, decode

KILLS = int(os.environ.get("WIREWATCH_KILLS", "8"))
SEED = int(os.environ.get("WIREWATCH_SEED", "7"))
VERSIONS = {"nsw_rfs_raw_202003": 60, "rss_bbc_20210920": 25, "rss_rnz_20210920": 30, "quirk_fox_truncated": 25}
VERSIONS |= {"hn_domain_a": 30}
LONG = {"rss_smh_20210920": 80, "rss_cnn_20210920": 72}
SEARCHES = {
    "fires": "fire",
    "not the fires": "-fire is:current",
    "under control": '"under control" OR "being controlled"',
    "police or covid": "police OR covid",
    "anything withdrawn": "is:withdrawn",
}
POISON = b"\xff\xfe no snapshot at all"
pytestmark = [pytest.mark.slow, pytest.mark.timeout(240 + 8 * KILLS)]


@dataclass
class Scenario:
    """What a run with its kills left behind."""

    program: Program
    wanted: dict[str, list[dict[str, Any]]]
    received: list[tuple[str, Alert]]
    killed: dict[str, int]
    slowest_stop: float
    events: list[dict[str, Any]] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)


def _write_settings(folder: Path, origin: RecordedOrigin, receiver: WebhookReceiver) -> None:
    write_settings(folder, origin, port=free_port(), extra=searches_and_desk(receiver, SEARCHES))


async def _poison(data: Path) -> None:
    """A snapshot whose description cannot be read, from another writer beside the program (F19)."""
    writer = open_writer(data)
    try:
        await writer.publish([NewRecord("wirewatch.snapshots.v1", "rss-rnz-20210920", POISON, {"ww_info": "{broken"})])
    finally:
        await writer.close()


class Killer:
    """Ends the program at points that it draws, and starts it again."""

    def __init__(self, program: Program, origin: RecordedOrigin, receiver: WebhookReceiver) -> None:
        self.program = program
        self.origin = origin
        self.chance = random.Random(SEED)
        self.killed: dict[str, int] = {}
        self.slowest_stop = 0.0
        self._body, self._webhook = threading.Event(), threading.Event()
        origin.on_body = self._body.set
        receiver.on_request = self._webhook.set

    def strike(self) -> None:
        """End it once, in one of the ways that hurt, and start it again."""
        ways = ["at any moment", "body fetched", "webhook in flight", "while starting", "SIGTERM under load"]
        way = self.chance.choice(ways)
        self.killed[way] = self.killed.get(way, 0) + 1
        if way == "body fetched":
            self._await(self._body)
        elif way == "webhook in flight":
            self._await(self._webhook)
        elif way == "while starting":
            self.program.kill()
            self.program.start()
            time.sleep(self.chance.random() * 1.5)
        if way == "SIGTERM under load":
            self.slowest_stop = max(self.slowest_stop, self.program.stop())
        else:
            time.sleep(self.chance.random() * (0.3 if way == "at any moment" else 0.03))
            self.program.kill()
        self.program.start()

    def _await(self, event: threading.Event) -> None:
        event.clear()
        event.wait(2.0)

    def wait_for(self, progress: float) -> None:
        """Wait until the origin has come so far."""
        until = time.monotonic() + 120
        while self.origin.progress() < progress:
            assert self.program.alive(), self.program.log()[-3000:]
            assert time.monotonic() < until, f"stuck at {self.origin.progress():.0%}: {self.program.log()[-2000:]}"
            time.sleep(0.02)


def _run(recordings: Path, folder: Path) -> Scenario:
    versions = VERSIONS if KILLS < 50 else dict.fromkeys(VERSIONS | LONG)
    origin = RecordedOrigin([read_recording(recordings / n, DEFINITIONS[n], limit=k) for n, k in versions.items()])
    receiver = WebhookReceiver(pause=0.02)
    _write_settings(folder, origin, receiver)
    program = Program(folder)
    killer = Killer(program, origin, receiver)
    program.start()
    try:
        for number in range(KILLS):
            origin.ceiling = min((number + 0.9) / KILLS, 0.99)
            killer.wait_for(min((number + 0.5) / KILLS, 0.98))
            if number == KILLS // 2:
                asyncio.run(_poison(folder / "data"))
            killer.strike()
        origin.ceiling = 1.0
        killer.wait_for(1.0)
        program.wait_until_done(120)
        killer.slowest_stop = max(killer.slowest_stop, program.stop())
    finally:
        program.end()
        origin.close()
        receiver.close()
    wanted = {feed_id(name): replayed(folder, origin, name) for name in versions}
    return Scenario(program, wanted, receiver.alerts(), killer.killed, killer.slowest_stop)


@pytest.fixture(scope="module")
def scenario(recordings: Path, tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    made = _run(recordings, tmp_path_factory.mktemp("kills"))
    made.events = made.program.values("wirewatch.entries.v1")
    records = asyncio.run(ledger.read_topic(made.program.folder, "wirewatch.alerts.v1"))
    made.alerts = [decode(record.value, Alert) for record in records if record.value]
    return made


def test_F1_F2_F3_events_are_replays_none_lost_none_twice_and_in_order(scenario: Scenario) -> None:
    assert sum(scenario.killed.values()) == KILLS
    assert ledger.check_events(scenario.wanted, scenario.events) == [], scenario.killed
    assert ledger.check_revisions(scenario.events) == []


def test_F1_F2_no_offset_is_skipped_and_no_snapshot_number_is_missing_or_twice(scenario: Scenario) -> None:
    topics = ["wirewatch.snapshots.v1", "wirewatch.entry-events.v1", "wirewatch.entries.v1", "wirewatch.alerts.v1"]
    assert asyncio.run(ledger.check_log(scenario.program.folder, topics)) == []


def test_F4_the_index_equals_the_model(scenario: Scenario) -> None:
    assert asyncio.run(ledger.check_index(scenario.program.folder, scenario.events)) == []


def test_F5_each_delivery_has_one_webhook_id_for_ever(scenario: Scenario) -> None:
    assert len(scenario.received) > 20
    assert ledger.check_deliveries(scenario.alerts, scenario.received, "desk") == []


def test_F5_every_created_entry_that_matches_a_saved_search_is_told(scenario: Scenario) -> None:
    assert check_told(scenario.events, scenario.alerts, searches=SEARCHES, more_than=20) == []


def test_F18_each_stop_took_less_than_half_a_minute(scenario: Scenario) -> None:
    assert scenario.slowest_stop < 30
    assert scenario.program.process is not None
    assert scenario.program.process.returncode == 0, scenario.program.log()[-2000:]


def test_F19_a_poison_record_is_dead_lettered_with_its_reason_and_the_feed_goes_on(scenario: Scenario) -> None:
    (letter,) = [json.loads(line) for line in scenario.program.call("dead-letters", "list", "--json").splitlines()]
    found = letter.get("letter", letter)
    assert (found["topic"], found["stage"], found["key"]) == ("wirewatch.snapshots.v1", "diff", "rss-rnz-20210920")
    assert found["reason"]
    assert found["error"]
    after = [event["seq"] for event in scenario.events if event["feed_id"] == "rss-rnz-20210920"]
    assert len(after) > 10
