"""To Kafka and PostgreSQL in the middle of everything: nothing lost, nothing told twice, `run` goes on there."""

from __future__ import annotations

import asyncio
import subprocess
import time
from pathlib import Path

import pytest

from tests.end_to_end import ledger
from tests.end_to_end.program import WIREWATCH, Program, feed_id, replayed, write_settings
from tests.end_to_end.recorded_origin import RecordedOrigin, read_recording
from tests.end_to_end.webhook_receiver import WebhookReceiver
from tests.recorded_feeds import DEFINITIONS
from tests.servers.kafka import KafkaServer
from tests.servers.postgresql import PostgresqlServer
from tests.servers.processes import free_port
from wirewatch.events import Alert, decode, encode

VERSIONS = {"nsw_rfs_raw_202003": 16, "rss_bbc_20210920": 8, "rss_rnz_20210920": 8}
pytestmark = [pytest.mark.slow, pytest.mark.servers, pytest.mark.timeout(240)]


def wait_for(program: Program, origin: RecordedOrigin, progress: float) -> None:
    until = time.monotonic() + 90
    while origin.progress() < progress:
        assert program.alive(), program.log()[-3000:]
        assert time.monotonic() < until, f"stuck at {origin.progress():.0%}: {program.log()[-2000:]}"
        time.sleep(0.02)


def move(folder: Path, kafka: KafkaServer, *more: str) -> subprocess.Popen[str]:
    command = [WIREWATCH, "move", "--to", kafka.url, *more]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def switch(folder: Path, kafka: KafkaServer, control: str) -> None:
    """What the user does after the move: two settings."""
    settings = folder / "wirewatch.toml"
    lines = settings.read_text().splitlines()
    settings.write_text("\n".join([f'broker = "{kafka.url}"', f'control = "{control}"', *lines[1:]]) + "\n")


def test_a_pipeline_killed_moved_and_started_on_kafka_loses_nothing_and_tells_nothing_twice(
    recordings: Path, tmp_path: Path, kafka: KafkaServer, postgresql: PostgresqlServer
) -> None:
    asyncio.run(kafka.empty())
    control = postgresql.database()
    origin = RecordedOrigin([read_recording(recordings / n, DEFINITIONS[n], limit=k) for n, k in VERSIONS.items()])
    receiver = WebhookReceiver(pause=0.02)
    search = "\n[[searches]]\nname = 'all'\nquery = 'fire OR police OR covid'\nto = ['desk']\n"
    desk = f'\n[[channels]]\nid = "desk"\nurl = "{receiver.url}"\nsecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"\n'
    write_settings(tmp_path, origin, port=free_port(), extra="[kafka]\npartitions = 6\n" + search + desk)
    program = Program(tmp_path)
    program.start()
    try:
        origin.ceiling = 0.55
        wait_for(program, origin, 0.5)
        refused, _ = move(tmp_path, kafka).communicate(timeout=60)
        assert "wirewatch runs on" in refused
        program.kill()  # with everything in flight that there is
        told_before = len(receiver.alerts())
        assert told_before
        before = (tmp_path / "data" / "log.db").read_bytes()

        looked, _ = move(tmp_path, kafka, "--dry-run").communicate(timeout=60)
        assert "wirewatch.snapshots.v1" in looked
        interrupted = move(tmp_path, kafka, "--control-to", control)
        assert interrupted.stdout is not None
        while "wirewatch.snapshots.v1" not in interrupted.stdout.readline():
            assert interrupted.poll() is None
        interrupted.kill()
        interrupted.wait()
        done = move(tmp_path, kafka, "--control-to", control)
        words, _ = done.communicate(timeout=90)
        assert done.returncode == 0, words
        again = move(tmp_path, kafka, "--control-to", control)
        words, _ = again.communicate(timeout=90)
        assert again.returncode == 0, words
        assert (tmp_path / "data" / "log.db").read_bytes() == before

        program.start()
        program.wait_for_end()
        assert "was moved to kafka://" in program.log()  # the old settings, by mistake
        old = [WIREWATCH, "channels", "list"]
        refused = subprocess.run(old, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False).stderr
        assert "control.db was moved to postgresql://" in refused
        switch(tmp_path, kafka, control)
        program.start()
        origin.ceiling = 1.0
        wait_for(program, origin, 1.0)
        program.wait_until_done(90)
        assert program.stop() < 30
        refused, _ = move(tmp_path, kafka).communicate(timeout=60)
        assert "what is moved is an embedded log" in refused
    finally:
        program.end()
        origin.close()
        receiver.close()
    wanted = {feed_id(name): replayed(tmp_path, origin, name) for name in VERSIONS}
    events = program.values("wirewatch.entries.v1")
    assert ledger.check_events(wanted, events) == []
    assert ledger.check_revisions(events) == []
    assert asyncio.run(ledger.check_index(tmp_path, events)) == []
    alerts = [decode(encode(value), Alert) for value in program.values("wirewatch.alerts.v1")]
    received = receiver.alerts()
    assert len(received) > told_before
    assert ledger.check_deliveries(alerts, received, "desk") == []
    assert program.call("dead-letters", "list", "--json") == ""
