"""What commands say of a cluster before and after its topics are made."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from tests.cli.conftest import Call, until
from tests.end_to_end.program import Program
from tests.servers.kafka import KafkaServer
from tests.servers.postgresql import PostgresqlServer
from wirewatch.brokers.kafka import opening
from wirewatch.cli.exits import PASSING
from wirewatch.topics import DIFF_STATE

pytestmark = pytest.mark.servers


@pytest.fixture
def bare(folder: Path, kafka: KafkaServer) -> KafkaServer:
    """A cluster without topics, which the folder's settings name, with a feed in them."""
    asyncio.run(kafka.empty())
    (folder / "wirewatch.toml").write_text(
        f'broker = "{kafka.url}"\n[kafka]\npartitions = 1\n[[feeds]]\nid = "a"\nurl = "https://a.example/"\n'
    )
    return kafka


def test_a_cluster_without_topics_is_not_yet_begun_and_nothing_is_wrong(bare: KafkaServer, wirewatch: Call) -> None:
    said = wirewatch("doctor", "--json")
    found = {row["what"]: row for row in said.rows()}
    assert said.status == 0
    assert found["log"]["state"] == found["feed a"]["state"] == "not yet"
    assert "wirewatch topics create" in found["log"]["words"]
    assert [row["feed"]["id"] for row in wirewatch("feeds", "list", "--json").rows()] == ["a"]
    assert wirewatch("dead-letters", "list").status == 0


def test_an_index_in_a_folder_beside_a_cluster_says_at_the_start_that_it_is_for_one_process(
    bare: KafkaServer, folder: Path, wirewatch: Call
) -> None:
    assert wirewatch("topics", "create").status == 0
    for role, warned in (("search", True), ("enrich", False)):
        program = Program(folder, "--role", role, log_name=f"log-{role}")
        program.start()
        try:
            until(program.runs)
            assert ("only one process may run the role search" in program.log()) is warned
            program.stop()
        finally:
            program.end()


async def _delete(kafka: KafkaServer, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    try:
        await admin.delete_topics([topic])
    finally:
        await admin.close()


def test_doctor_names_a_topic_that_is_missing_among_others_also_that_of_a_state(
    bare: KafkaServer, wirewatch: Call
) -> None:
    assert wirewatch("topics", "create").status == 0
    assert wirewatch("doctor").status == 0
    asyncio.run(_delete(bare, DIFF_STATE.name))
    said = wirewatch("doctor", "--json")
    assert said.status == 1
    (log,) = [row for row in said.rows() if row["what"] == "log"]
    assert log["state"] == "wrong"
    assert f"{DIFF_STATE.name} does not exist" in log["words"]


def _settings(folder: Path, text: str) -> None:
    (folder / "wirewatch.toml").write_text(text)


def test_settings_of_two_logs_mixed_are_told_by_doctor_and_refused_by_who_would_only_read(
    lived: Path, kafka: KafkaServer, wirewatch: Call
) -> None:
    """The folder's index and control store belong to the log that was there."""
    asyncio.run(kafka.empty())
    _settings(lived, f'broker = "{kafka.url}"\n[kafka]\npartitions = 1\n')
    assert wirewatch("topics", "create").status == 0
    said = wirewatch("doctor", "--json")
    words = [row["words"] for row in said.rows() if row["state"] == "wrong" and "two clusters" in row["words"]]
    assert said.status == 1
    assert [line.split(" belongs")[0].rpartition("/")[2] for line in words] == ["control.db", "search.db"]
    (lived / "wirewatch-data" / "control.db").unlink()
    page = Program(lived, "--role", "web")
    page.start()
    try:
        page.wait_for_end()
        assert "search.db belongs to the log" in page.log()
        assert "Put right broker" in page.log()
    finally:
        page.end()


def test_a_move_to_a_cluster_that_is_laid_out_otherwise_is_refused_before_anything_is_copied(
    lived: Path, kafka: KafkaServer, postgresql: PostgresqlServer, wirewatch: Call
) -> None:
    asyncio.run(kafka.empty())
    settings = (lived / "wirewatch.toml").read_text()
    _settings(lived, f"{settings}\n[kafka]\npartitions = 1\n")
    assert wirewatch("topics", "create", "--broker", kafka.url).status == 0
    _settings(lived, f"{settings}\n[kafka]\npartitions = 2\n")
    for how in (["--dry-run"], ["--control-to", postgresql.database()]):
        said = wirewatch("move", "--to", kafka.url, *how)
        assert said.status == 2
        assert "has 1 partitions, not 2" in said.err
        assert "channels: " not in said.err  # the control store's first table


def test_who_only_looks_makes_no_control_store_on_a_server_nor_in_a_folder(
    folder: Path, postgresql: PostgresqlServer, wirewatch: Call
) -> None:
    control = postgresql.database()
    for settings in (f'control = "{control}"\n', ""):
        _settings(folder, settings)
        assert wirewatch("doctor").status == 0
        assert wirewatch("channels", "list").status == 0
        assert wirewatch("alerts", "list").status == 0
        said = wirewatch("alerts", "show", "al_none")
        assert (said.status, "there is no alert" in said.err) == (2, True)
    assert postgresql.execute("SELECT to_regclass('channels')", url=control) == [(None,)]
    assert not (folder / "wirewatch-data").exists()


def test_a_cluster_that_is_away_may_pass_so_that_a_service_is_started_again(
    folder: Path, wirewatch: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "_PATIENCE", {"runner": 0.1, "reader": 0.1})
    for command in (["run", "--role", "diff"], ["topics", "check"]):
        said = wirewatch(*command, "--broker", "kafka://127.0.0.1:1")
        assert said.status == PASSING
        assert "127.0.0.1:1 cannot be reached" in said.err
        assert "see that Kafka is up there" in said.err
