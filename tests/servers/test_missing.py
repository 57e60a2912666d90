"""What a test without its server does: it skips and says what to install, or fails where a server is required."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.servers import postgresql
from tests.servers.kafka import KafkaServer
from tests.servers.maven import KAFKA, REQUIRE, ServerMissing, jars, skip_or_fail
from tests.servers.opensearch import OpenSearchServer


@pytest.fixture(autouse=True)
def _bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("WIREWATCH_SERVERS", str(tmp_path / "servers"))


def _offer(tmp_path: Path, name: str, script: str) -> None:
    (tmp_path / "bin").mkdir(exist_ok=True)
    program = tmp_path / "bin" / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def test_what_is_missing_is_named_with_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ServerMissing, match="mvn is not installed: apt-get install maven"):
        KafkaServer(tmp_path / "kafka")
    with pytest.raises(ServerMissing, match="java is not installed: apt-get install openjdk"):
        OpenSearchServer(tmp_path / "opensearch")
    monkeypatch.setattr(postgresql, "_PLACES", tmp_path)
    with pytest.raises(ServerMissing, match="apt-get install postgresql"):
        postgresql.programs()


def test_jars_that_cannot_be_fetched_are_no_server_and_are_asked_for_again(tmp_path: Path) -> None:
    _offer(tmp_path, "mvn", "echo could not resolve; exit 1")
    for _again in range(2):
        with pytest.raises(ServerMissing, match=r"jars of kafka 4\.4\.0 could not be fetched with Maven:\ncould not"):
            jars(KAFKA)
    _offer(tmp_path, "mvn", "exit 0")
    assert jars(KAFKA) == f"{tmp_path}/servers/kafka-4.4.0/libs/*"
    (tmp_path / "bin" / "mvn").unlink()
    assert jars(KAFKA) == f"{tmp_path}/servers/kafka-4.4.0/libs/*"  # once for all


@pytest.mark.parametrize("required", ["", "1"])
def test_a_test_without_its_server_skips_and_fails_only_where_it_is_required(
    required: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(REQUIRE, required)
    outcome = pytest.fail.Exception if required else pytest.skip.Exception
    with pytest.raises(outcome, match="java is not installed: apt-get install"):
        skip_or_fail(ServerMissing("java is not installed: apt-get install openjdk-17-jre-headless"))
