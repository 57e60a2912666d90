"""The whole pipeline on three brokers, each killed, stopped and gone silent in turn, then two of three away at once.

Takes minutes, and so runs with WIREWATCH_LONG=1 alone; `tests/brokers/kafka/test_three_brokers.py` runs always.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.end_to_end import ledger
from tests.end_to_end.cluster import Cluster
from tests.end_to_end.recorded_origin import RecordedOrigin, read_recording
from tests.end_to_end.scenario import STREAMED, Scenario, finish, wait_until_served
from tests.end_to_end.told import check_told, searches_and_desk
from tests.end_to_end.webhook_receiver import WebhookReceiver
from tests.recorded_feeds import DEFINITIONS
from tests.servers.kafka_cluster import KafkaCluster
from tests.servers.maven import ServerMissing, skip_or_fail
from tests.servers.opensearch import OpenSearchServer
from tests.servers.postgresql import PostgresqlServer

RECORDINGS = ["nsw_rfs_raw_202003", "rss_bbc_20210920", "rss_rnz_20210920", "hn_domain_a"]
_log = logging.getLogger(__name__)
WHILE_AWAY = 0.02
"""How far the origin must come while a broker is away: that is work which the others did."""
pytestmark = [
    pytest.mark.servers,
    pytest.mark.slow,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(not os.environ.get("WIREWATCH_LONG"), reason="takes minutes: WIREWATCH_LONG=1"),
]


class Troubles:
    """What is done to the brokers, in order; each while the origin goes on. ``waits``: how long they held it up."""

    def __init__(self, cluster: Cluster, origin: RecordedOrigin, kafka: KafkaCluster) -> None:
        self.cluster = cluster
        self.origin = origin
        self.kafka = kafka
        self.waits: dict[str, float] = {}
        self.said_while_two_were_away = ""

    def all(self) -> list[tuple[str, Callable[[], None]]]:
        return [
            ("the coordinator of the diffs is killed", lambda: self._away(self._coordinator("diff"), "kill")),
            ("the coordinator of the pollers is killed", lambda: self._away(self._coordinator("poll"), "kill")),
            ("the leader of the snapshots is killed", lambda: self._away(self._leader(), "kill")),
            *((f"broker {n} is killed", lambda n=n: self._away(n, "kill")) for n in self.kafka.nodes),
            *((f"broker {n} is restarted in good order", lambda n=n: self._away(n, "stop")) for n in self.kafka.nodes),
            ("the coordinator of the diffs goes silent", lambda: self._away(self._coordinator("diff"), "pause")),
            ("two of three are away", self._two_away),
        ]

    def _coordinator(self, stage: str) -> int:
        return asyncio.run(self.kafka.coordinator(f"wirewatch.{stage}"))

    def _leader(self) -> int:
        return asyncio.run(self.kafka.leader("wirewatch.snapshots.v1", 0))

    def _away(self, number: int, how: str) -> None:
        node = self.kafka.nodes[number]
        getattr(node, how)()
        began = time.monotonic()
        self._until_further()
        self.waits[f"{how} {number}, {len(self.waits)}"] = time.monotonic() - began
        node.resume() if how == "pause" else node.start()
        self.kafka.wait_until_whole()
        self._until_leaders_are_back()

    def _until_further(self) -> None:
        """Wait until the origin was asked further than it had been: what it serves next was told by the log."""
        wait_until_served(self.cluster, self.origin, min(self.origin.progress() + WHILE_AWAY, self.origin.ceiling))

    def _until_leaders_are_back(self) -> None:
        """The cluster calls each partition's leader back to its first copy: a move of its own, under load."""
        until = time.monotonic() + 60
        while astray := asyncio.run(self.kafka.led_by_others()):
            assert time.monotonic() < until, f"not led by their first copies: {astray}"
            time.sleep(0.2)

    def _two_away(self) -> None:
        for number in (2, 3):
            self.kafka.nodes[number].kill()
        member = self.cluster.members["work-1"]
        self.said_while_two_were_away = member.fail("topics", "check")
        self.kafka.nodes[2].start()
        began = time.monotonic()
        self._until_further()
        self.waits["one of two is back"] = time.monotonic() - began
        self.kafka.nodes[3].start()
        self.kafka.wait_until_whole()


@pytest.fixture(scope="module")
def scenario(
    recordings: Path,
    tmp_path_factory: pytest.TempPathFactory,
    opensearch: OpenSearchServer,
    postgresql: PostgresqlServer,
) -> Iterator[tuple[Scenario, Troubles]]:
    try:
        kafka = KafkaCluster(tmp_path_factory.mktemp("three-brokers"))
    except ServerMissing as missing:
        skip_or_fail(missing)
    origin = RecordedOrigin([read_recording(recordings / n, DEFINITIONS[n], limit=40) for n in RECORDINGS])
    receiver = WebhookReceiver(pause=0.01)
    opensearch.empty()
    try:
        kafka.start()
        cluster = Cluster(
            tmp_path_factory.mktemp("on-three-brokers"),
            origin,
            kafka=kafka,
            opensearch=opensearch.url,
            control=postgresql.database(),
            extra=f"replication = 3\n{searches_and_desk(receiver)}",
        )
        cluster.create_topics()
        cluster.start()
        troubles = Troubles(cluster, origin, kafka)
        try:
            steps = troubles.all()
            for number, (_, trouble) in enumerate(steps):
                wait_until_served(cluster, origin, number / len(steps))
                origin.ceiling = (number + 1) / len(steps)
                trouble()
                cluster.check_alive()
            done = finish(cluster, origin, receiver, {name: 1 for name, _ in steps})
        finally:
            cluster.end()
        _log.info("seconds until the origin was asked further: %s", troubles.waits)
        yield done, troubles
    finally:
        origin.close()
        receiver.close()
        kafka.stop()


def test_F6_events_are_replays_none_lost_and_in_order_whichever_broker_goes(
    scenario: tuple[Scenario, Troubles],
) -> None:
    left, _ = scenario
    assert ledger.check_events(left.wanted, left.events) == []
    assert ledger.check_revisions(left.events) == []


def test_F6_no_acknowledged_record_is_lost_and_no_offset_skipped(scenario: tuple[Scenario, Troubles]) -> None:
    left, _ = scenario
    assert asyncio.run(ledger.check_log(left.cluster.settings, STREAMED)) == []


def test_F6_the_index_equals_the_model_and_every_match_is_told_with_one_webhook_id(
    scenario: tuple[Scenario, Troubles],
) -> None:
    left, _ = scenario
    assert asyncio.run(ledger.check_index(left.cluster.settings, left.events)) == []
    assert check_told(left.events, left.alerts) == []
    assert ledger.check_deliveries(left.alerts, left.received, "desk") == []


def test_with_two_of_three_away_it_is_said_why_nothing_moves(scenario: tuple[Scenario, Troubles]) -> None:
    _, troubles = scenario
    for number in (2, 3):
        assert f"broker {troubles.kafka.nodes[number].bootstrap} does not answer" in troubles.said_while_two_were_away
    assert "takes no records now" in troubles.said_while_two_were_away
