"""Servers and members in trouble, one after the other, under load: what the ledger says at the end.

WIREWATCH_LONG=1 takes the times of the hazards' list: a broker that stands still for a minute, an index away for two.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.end_to_end import ledger
from tests.end_to_end.cluster import Cluster
from tests.end_to_end.program import open_log
from tests.end_to_end.recorded_origin import RecordedOrigin, read_recording
from tests.end_to_end.scenario import STREAMED, Scenario, finish, wait_until_served
from tests.end_to_end.told import SEARCHES, check_told, searches_and_desk
from tests.end_to_end.webhook_receiver import WebhookReceiver
from tests.recorded_feeds import DEFINITIONS
from tests.search.front import Front
from tests.servers.kafka import KafkaServer
from tests.servers.opensearch import OpenSearchServer
from tests.servers.postgresql import PostgresqlServer
from wirewatch.brokers.connect import connect
from wirewatch.brokers.interface import NewRecord
from wirewatch.settings.load import load

LONG = bool(os.environ.get("WIREWATCH_LONG"))
BROKER_STILL = 60 if LONG else 4
SEARCH_AWAY = 120 if LONG else 6
FROZEN = 9  # longer than a session of the cluster's
DIVISIONS = 12 if LONG else 2
VERSIONS = None if LONG else 24
RECORDINGS = ["nsw_rfs_raw_202003", "rss_bbc_20210920", "rss_rnz_20210920", "hn_domain_a"]
# one that matches most of what is new: whatever part of the recordings is on while the index is away, there is news
OFTEN = {**SEARCHES, "whatever is new": "the OR of OR to OR alert"}
POISON = b"\xff\xfe no snapshot at all"
pytestmark = [pytest.mark.servers, pytest.mark.slow, pytest.mark.timeout(3600 if LONG else 420)]


@contextmanager
def _in_front(opensearch: OpenSearchServer) -> Iterator[Front]:
    """A `Front` with an event loop of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    front = Front(f"http://127.0.0.1:{opensearch.port}")
    asyncio.run_coroutine_threadsafe(front.start(), loop).result(10)
    try:
        yield front
    finally:
        asyncio.run_coroutine_threadsafe(front.close(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)


class Troubles:
    """What is done to the cluster, in order; each while the origin goes on."""

    def __init__(
        self, cluster: Cluster, origin: RecordedOrigin, kafka: KafkaServer, opensearch: OpenSearchServer, front: Front
    ) -> None:
        self.cluster = cluster
        self.origin = origin
        self.kafka = kafka
        self.opensearch = opensearch
        self.front = front
        self.alerts_while_search_was_away = 0
        self.slowest_stop_under_load = 0.0

    def all(self) -> list[tuple[str, Callable[[], None]]]:
        return [
            ("the broker is killed and comes back", self._kill_broker),
            ("the broker stands still", self._still_broker),
            ("a poller stands still past its session", lambda: self._freeze("poll-1")),
            ("a worker stands still past its session", lambda: self._freeze("work-1")),
            ("a member of the search stage stands still past its session", lambda: self._freeze("search-1")),
            ("the index refuses 30 % of what it is given", self._refuse),
            ("the index is away", self._search_away),
            ("a member of the alerts stands still past its session", lambda: self._freeze("alerts-1")),
            ("a poison record", self._poison),
            ("partitions are divided anew again and again", self._divide),
        ]

    def _kill_broker(self) -> None:
        self.kafka.kill()
        time.sleep(1)
        self.kafka.start()

    def _still_broker(self) -> None:
        self.kafka.pause()
        time.sleep(BROKER_STILL)
        self.kafka.resume()

    def _freeze(self, name: str) -> None:
        process = self.cluster.members[name].process
        assert process is not None
        os.killpg(process.pid, signal.SIGSTOP)
        time.sleep(FROZEN)
        os.killpg(process.pid, signal.SIGCONT)

    def _refuse(self) -> None:
        self.front.refuse_items = 0.3  # until the end

    def _search_away(self) -> None:
        self.opensearch.pause()
        before = asyncio.run(self._alerts())
        self.origin.ceiling = min(self.origin.progress() + 0.25, 0.95)  # enough that there is something to tell
        since = time.monotonic()
        while time.monotonic() < since + (60 if self.alerts_while_search_was_away == 0 else SEARCH_AWAY):
            time.sleep(0.5)
            self.alerts_while_search_was_away = asyncio.run(self._alerts()) - before
        self.opensearch.resume()

    async def _alerts(self) -> int:
        """How many alerts there are so far."""
        broker = await open_log(self.cluster.settings)
        topic = "wirewatch.alerts.v1"
        bounds = [await broker.bounds(topic, partition) for partition in range(broker.partitions(topic))]
        await broker.close()
        return sum(one.end for one in bounds)

    def _poison(self) -> None:
        asyncio.run(self._publish_poison())

    async def _publish_poison(self) -> None:
        config = load(self.cluster.settings / "wirewatch.toml")
        writer = await connect(config.settings, data_dir=config.data_dir, mode="writer")
        await writer.publish([NewRecord("wirewatch.snapshots.v1", "rss-rnz-20210920", POISON, {"ww_info": "{broken"})])
        await writer.close()

    def _divide(self) -> None:
        for _ in range(DIVISIONS):
            for name in ("work-2", "alerts-2", "search-2", "poll-2"):
                took = self.cluster.members[name].stop()
                self.slowest_stop_under_load = max(self.slowest_stop_under_load, took)
                time.sleep(1.0)
                self.cluster.members[name].start()


@pytest.fixture(scope="module")
def scenario(
    recordings: Path,
    tmp_path_factory: pytest.TempPathFactory,
    opensearch: OpenSearchServer,
    postgresql: PostgresqlServer,
    kafka: KafkaServer,
) -> Iterator[tuple[Scenario, Troubles]]:
    del kafka  # a server of our own is killed; where there can be none this skips and says so
    folder = tmp_path_factory.mktemp("faults")
    origin = RecordedOrigin([read_recording(recordings / n, DEFINITIONS[n], limit=VERSIONS) for n in RECORDINGS])
    receiver = WebhookReceiver(pause=0.01)
    opensearch.empty()
    own = KafkaServer(tmp_path_factory.mktemp("own-kafka"))
    own.start()
    try:
        with _in_front(opensearch) as front:
            cluster = Cluster(
                folder,
                origin,
                kafka=own,
                opensearch=f"opensearch://127.0.0.1:{front.port}",
                control=postgresql.database(),
                extra=searches_and_desk(receiver, OFTEN),
            )
            cluster.create_topics()
            cluster.start()
            troubles = Troubles(cluster, origin, own, opensearch, front)
            try:
                steps = troubles.all()
                for number, (_, trouble) in enumerate(steps):
                    wait_until_served(cluster, origin, number / len(steps))
                    origin.ceiling = max(origin.ceiling if number else 0.0, (number + 1.2) / len(steps))
                    trouble()
                    cluster.check_alive()
                done = finish(cluster, origin, receiver, {name: 1 for name, _ in steps})
            finally:
                cluster.end()
            yield done, troubles
    finally:
        origin.close()
        receiver.close()
        own.stop()


def test_F1_F6_F8_F9_events_are_replays_none_lost_and_in_order_through_every_trouble(
    scenario: tuple[Scenario, Troubles],
) -> None:
    left, _ = scenario
    assert ledger.check_events(left.wanted, left.events) == []
    assert ledger.check_revisions(left.events) == []


def test_F7_no_offset_is_skipped(scenario: tuple[Scenario, Troubles]) -> None:
    left, _ = scenario
    complaints = asyncio.run(ledger.check_log(left.cluster.settings, STREAMED))
    assert [complaint for complaint in complaints if "skipped" in complaint] == []


def test_F11_the_index_equals_the_model_though_it_refused_and_was_away(scenario: tuple[Scenario, Troubles]) -> None:
    left, troubles = scenario
    assert sum(troubles.front.refused.values()) > 0
    assert asyncio.run(ledger.check_index(left.cluster.settings, left.events)) == []


def test_F11_alerts_went_on_while_the_index_was_away(scenario: tuple[Scenario, Troubles]) -> None:
    _, troubles = scenario
    assert troubles.alerts_while_search_was_away > 0


def test_F5_every_created_entry_that_matches_is_told_with_one_webhook_id(scenario: tuple[Scenario, Troubles]) -> None:
    left, _ = scenario
    assert check_told(left.events, left.alerts, searches=OFTEN) == []
    assert ledger.check_deliveries(left.alerts, left.received, "desk") == []


def test_F19_the_poison_record_is_dead_lettered_once_and_its_feed_went_on(
    scenario: tuple[Scenario, Troubles],
) -> None:
    left, _ = scenario
    letters = left.cluster.values("wirewatch.dead-letters.v1")
    assert {(letter["topic"], letter["stage"], letter["key"]) for letter in letters} == {
        ("wirewatch.snapshots.v1", "diff", "rss-rnz-20210920")
    }
    assert len({letter["id"] for letter in letters}) == 1
    assert len([event for event in left.events if event["feed_id"] == "rss-rnz-20210920"]) > 10


def test_F18_every_member_stops_in_less_than_half_a_minute(scenario: tuple[Scenario, Troubles]) -> None:
    left, troubles = scenario
    assert 0 < troubles.slowest_stop_under_load < 30  # while the origin went on, members of each part in turn
    assert left.slowest_stop < 30
