"""What commands say of a cluster before and after its topics are made."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from tests.cli.conftest import Call, until
from tests.end_to_end.program import Program
from tests.servers.kafka import KafkaServer
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
