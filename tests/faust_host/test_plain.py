"""The stages as plain ``faust`` workers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from tests.faust_host.kit import PARTITIONS, create_topics, opened, read_all, until
from tests.servers.kafka import KafkaServer
from wirewatch.brokers.interface import NewRecord
from wirewatch.brokers.kept_state import unpack_state
from wirewatch.events import JsonPaths, ParseDefinition, SnapshotInfo, encode
from wirewatch.identity import body_hash, snapshot_id
from wirewatch.topics import DIFF_STATE, ENTRIES, SNAPSHOTS

ROOT = Path(__file__).parents[2]


def worker(room: str, folder: Path, **environ: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "faust", "-A", f"processors.faust_host.{room}", "worker"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "WIREWATCH_DATA_DIR": str(folder / "data"), **environ},
        stdout=(folder / f"{room}.log").open("w"),
        stderr=subprocess.STDOUT,
        text=True,
    )


def snapshot(feed: str) -> NewRecord:
    paths = JsonPaths(id="id", headline="title", body="text")
    definition = ParseDefinition("https://valley.example/list", kind="json", listing="full", json=paths)
    body = orjson.dumps([{"id": 1, "title": "River rises", "text": "It rained in Paris."}])
    info = SnapshotInfo(
        kind="body",
        feed_id=feed,
        owner=1,
        number=1,
        snapshot_id=snapshot_id(feed, 1, 1),
        fetched_at="2022-01-07T12:00:00.000Z",
        definition=definition,
        body_hash=body_hash(body),
    )
    return NewRecord(SNAPSHOTS.name, feed, body, {"ww_info": encode(info).decode()})


@pytest.mark.servers
@pytest.mark.timeout(120)
async def test_the_faust_command_runs_both_stages_and_ends_in_good_order(kafka: KafkaServer, tmp_path: Path) -> None:
    feed = f"plain-{os.getpid()}"
    await kafka.empty()  # the names of topics are fixed here, and others may have made them with other numbers
    async with opened(kafka.url, "") as broker:
        await create_topics(broker)
        await broker.publish([snapshot(feed)])
        told = {"WIREWATCH_BROKER": kafka.url, "WIREWATCH_KAFKA_PARTITIONS": str(PARTITIONS)}
        told["WIREWATCH_KAFKA_SESSION_TIMEOUT"] = "6s"
        workers = [worker("diff", tmp_path, **told), worker("enrich", tmp_path, **told)]
        try:

            async def told_of_it() -> bool:
                assert all(one.poll() is None for one in workers), _logs(tmp_path)
                return any(record.key == feed for record in await read_all(broker, ENTRIES.name))

            await until(told_of_it, seconds=60, said="the entry came out enriched")
            assert not any(_listens(one.pid) for one in workers)  # Faust's own web server would, to all the world
        finally:
            for one in workers:
                one.send_signal(signal.SIGTERM)
            ended = [one.wait(20) for one in workers]
        assert ended == [0, 0], _logs(tmp_path)
        kept = (await broker.latest(DIFF_STATE.name))[feed]
        assert unpack_state(kept.value or b"", where=feed).data == await broker.read_state("diff", feed)


def test_the_faust_command_refuses_what_it_cannot_work_with_in_one_line(tmp_path: Path) -> None:
    refused = worker("diff", tmp_path, WIREWATCH_BROKER="embedded")
    assert refused.wait(30) != 0
    said = (tmp_path / "diff.log").read_text()
    assert "wirewatch: broker: a faust worker needs kafka://host:port" in said
    assert "Traceback" not in said


def _listens(pid: int) -> bool:
    """Whether the process accepts TCP connections, by the system's own tables."""
    sockets = {str(one.readlink()) for one in Path(f"/proc/{pid}/fd").iterdir() if one.is_symlink()}
    rows = [
        line.split() for table in ("tcp", "tcp6") for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()
    ]
    return any(row[3] == "0A" and f"socket:[{row[9]}]" in sockets for row in rows)


def _logs(folder: Path) -> str:
    return "\n".join(path.read_text()[-3_000:] for path in folder.glob("*.log"))
