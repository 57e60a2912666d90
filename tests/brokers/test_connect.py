from __future__ import annotations

import os
from pathlib import Path

import pytest

from wirewatch.brokers.connect import connect, parse_broker_url
from wirewatch.brokers.embedded.broker import EmbeddedBroker
from wirewatch.brokers.interface import NewRecord
from wirewatch.brokers.left_behind import leave_behind, note_of
from wirewatch.errors import UserError
from wirewatch.settings import Settings
from wirewatch.topics import SNAPSHOTS


@pytest.mark.parametrize(
    ("url", "folder"),
    [
        ("embedded", "/data"),
        ("embedded:///var/log/ww", "/var/log/ww"),
        ("embedded:////var/log/ww", "/var/log/ww"),
        ("embedded:///with%20space", "/with space"),
    ],
)
def test_an_embedded_url_names_its_folder(url: str, folder: str) -> None:
    assert parse_broker_url(url, Path("/data")) == Path(folder)


@pytest.mark.parametrize(
    "url",
    [
        "embedded:relative",
        "embedded://",
        "embedded:///",
        "embedded:",
        "embedded://host/dir",
        "redis://x",
        "",
        "log.db",
        "embedded:///a%00b",
    ],
)
def test_a_url_that_is_not_understood_is_refused_with_what_is_allowed(url: str) -> None:
    with pytest.raises(UserError, match="write embedded"):
        parse_broker_url(url, Path("/data"))


def test_a_password_in_a_url_is_not_repeated() -> None:
    with pytest.raises(UserError, match="write embedded") as caught:
        parse_broker_url("redis://user:hunter2@host:9092", Path("/data"))
    assert "hunter2" not in str(caught.value)


async def test_connect_opens_each_mode(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no wirewatch log"):
        await connect(Settings(), data_dir=tmp_path / "none", mode="reader")
    assert not (tmp_path / "none").exists()
    opened = [
        await connect(Settings(broker=f"embedded://{tmp_path}"), data_dir=tmp_path, mode=mode)
        for mode in ("runner", "writer", "reader")
    ]
    for broker in opened:
        assert await broker.healthy() is None
        assert broker.partitions("wirewatch.feeds.v1") == 1
        await broker.close()
        await broker.close()
        assert await broker.healthy() is not None


async def test_nothing_is_begun_or_written_on_a_log_that_was_moved_until_its_note_is_removed(tmp_path: Path) -> None:
    await (await connect(Settings(), data_dir=tmp_path, mode="runner")).close()
    leave_behind(tmp_path / "log.db", "kafka://host:9092")
    for mode in ("runner", "writer"):
        with pytest.raises(UserError, match=r"was moved to kafka://host:9092.*set broker to that.*log\.db\.moved"):
            await connect(Settings(), data_dir=tmp_path, mode=mode)  # type: ignore[arg-type]  # one of those
    await (await connect(Settings(), data_dir=tmp_path, mode="reader")).close()
    note_of(tmp_path / "log.db").unlink()
    await (await connect(Settings(), data_dir=tmp_path, mode="runner")).close()


async def test_the_runner_keeps_no_more_of_a_topic_than_it_was_told(tmp_path: Path) -> None:
    broker = await connect(Settings(), data_dir=tmp_path, mode="runner", retention_bytes={SNAPSHOTS.name: 100_000})
    assert isinstance(broker, EmbeddedBroker)
    try:
        for number in range(40):
            await broker.publish([NewRecord(SNAPSHOTS.name, "a", os.urandom(10_000), {"n": str(number)})])
        while await broker.maintain():
            pass
        bounds = await broker.bounds(SNAPSHOTS.name, 0)
        assert bounds.end == 40
        assert 25 <= bounds.earliest < 40
    finally:
        await broker.close()
