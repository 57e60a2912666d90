"""On Kafka, OpenSearch and PostgreSQL, two members of each role, killed at random: what the ledger says.

WIREWATCH_CLUSTER_KILLS says how often (``make faults``: 100), WIREWATCH_SEED at which points, WIREWATCH_LONG=1 takes
every recording in full.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from pathlib import Path

import pytest

from tests.end_to_end import ledger
from tests.end_to_end.cluster import Cluster
from tests.end_to_end.recorded_origin import RecordedOrigin, read_recording
from tests.end_to_end.scenario import STREAMED, Scenario, finish, wait_until_served
from tests.end_to_end.told import check_told, searches_and_desk
from tests.end_to_end.webhook_receiver import WebhookReceiver
from tests.recorded_feeds import DEFINITIONS
from tests.servers.kafka import KafkaServer
from tests.servers.opensearch import OpenSearchServer
from tests.servers.postgresql import PostgresqlServer

KILLS = int(os.environ.get("WIREWATCH_CLUSTER_KILLS", "4"))
SEED = int(os.environ.get("WIREWATCH_SEED", "7"))
LONG = bool(os.environ.get("WIREWATCH_LONG"))
VERSIONS = {"nsw_rfs_raw_202003": 30, "rss_bbc_20210920": 15, "rss_rnz_20210920": 15, "hn_domain_a": 15}
pytestmark = [pytest.mark.servers, pytest.mark.slow, pytest.mark.timeout(3600 if LONG else 300 + 12 * KILLS)]


def _kill_at_random(cluster: Cluster, origin: RecordedOrigin) -> dict[str, int]:
    """Kill members (-9) while the origin goes on; some come back at once, some only after their session."""
    chance = random.Random(SEED)
    killed: dict[str, int] = {}
    for number in range(KILLS):
        origin.ceiling = min((number + 0.9) / KILLS, 0.99)
        wait_until_served(cluster, origin, min((number + 0.5) / KILLS, 0.98))
        name = chance.choice(sorted(cluster.members))
        killed[name] = killed.get(name, 0) + 1
        time.sleep(chance.random() * 0.3)
        cluster.members[name].kill()
        if chance.random() < 0.2:
            time.sleep(8)  # longer than a session: the other member has its partitions by now
        cluster.members[name].start()
    return killed


@pytest.fixture(scope="module")
def scenario(
    recordings: Path,
    tmp_path_factory: pytest.TempPathFactory,
    kafka: KafkaServer,
    opensearch: OpenSearchServer,
    postgresql: PostgresqlServer,
) -> Scenario:
    folder = tmp_path_factory.mktemp("cluster")
    versions = dict.fromkeys(DEFINITIONS) if LONG else VERSIONS if KILLS < 20 else dict.fromkeys(VERSIONS)
    origin = RecordedOrigin([read_recording(recordings / n, DEFINITIONS[n], limit=k) for n, k in versions.items()])
    receiver = WebhookReceiver(pause=0.02)
    asyncio.run(kafka.empty())
    opensearch.empty()
    cluster = Cluster(
        folder,
        origin,
        kafka=kafka,
        opensearch=opensearch.url,
        control=postgresql.database(),
        extra=searches_and_desk(receiver),
    )
    cluster.create_topics()
    cluster.start()
    try:
        return finish(cluster, origin, receiver, _kill_at_random(cluster, origin))
    finally:
        cluster.end()
        origin.close()
        receiver.close()


def test_F1_F2_F3_events_are_replays_none_lost_and_in_order_through_two_members_of_each_role(
    scenario: Scenario,
) -> None:
    assert sum(scenario.done.values()) == KILLS
    assert ledger.check_events(scenario.wanted, scenario.events) == [], scenario.done
    assert ledger.check_revisions(scenario.events) == []


def test_F1_F2_no_offset_is_skipped_and_no_snapshot_number_is_missing(scenario: Scenario) -> None:
    assert asyncio.run(ledger.check_log(scenario.cluster.settings, STREAMED)) == []


def test_F4_the_index_equals_the_model_through_repetitions_and_two_writers(scenario: Scenario) -> None:
    assert asyncio.run(ledger.check_index(scenario.cluster.settings, scenario.events)) == []


def test_F5_each_delivery_has_one_webhook_id_for_ever(scenario: Scenario) -> None:
    assert len(scenario.received) > 5
    assert ledger.check_deliveries(scenario.alerts, scenario.received, "desk") == []


def test_F5_every_created_entry_that_matches_a_saved_search_is_told(scenario: Scenario) -> None:
    assert check_told(scenario.events, scenario.alerts) == []


def test_F18_every_member_stops_in_less_than_half_a_minute(scenario: Scenario) -> None:
    assert scenario.slowest_stop < 30
    codes = {name: m.process.returncode for name, m in scenario.cluster.members.items() if m.process is not None}
    assert set(codes.values()) == {0}, codes
