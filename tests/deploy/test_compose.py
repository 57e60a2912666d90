"""The compose file: valid by its specification, each role given what the table of stages says and no more."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.kit import COMPOSE, DEPLOY, check_call, go_program, read_yaml, run_checked
from tests.deploy.test_files import OPS_PORT
from tests.servers.maven import KAFKA, OPENSEARCH_3
from wirewatch.hosting.runner import DRAIN_SECONDS
from wirewatch.settings.load import load
from wirewatch.stages import STAGES

FOLDER = DEPLOY / "compose"
FILE = FOLDER / "compose.yaml"
STORES = {"index": "opensearch", "control": "postgres"}
# their own start writes beside their configuration
WRITES_ITS_ROOT = frozenset({"kafka", "opensearch"})

pytestmark = pytest.mark.timeout(300)  # the checker is built where it was never built


def compose() -> dict[str, Any]:
    return read_yaml(FILE)


def services() -> dict[str, dict[str, Any]]:
    read: dict[str, dict[str, Any]] = compose()["services"]
    return read


def names_in_env_example() -> set[str]:
    text = (FOLDER / ".env.example").read_text(encoding="utf-8")
    values = dict(line.split("=", 1) for line in text.splitlines() if line and not line.startswith("#"))
    assert not any(values.values()), "an example holds no password that someone might keep"
    return set(values)


def test_it_is_valid_by_the_compose_specification() -> None:
    run_checked([go_program(*COMPOSE), "-no-interpolation", FILE.name], cwd=FOLDER)


def test_a_key_that_the_specification_lacks_is_found(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text(FILE.read_text().replace("mem_limit", "mem_limitt"))
    with pytest.raises(pytest.fail.Exception, match="mem_limitt"):
        run_checked([go_program(*COMPOSE), "-no-interpolation", "compose.yaml"], cwd=tmp_path)


def test_networks_volumes_secrets_and_dependencies_that_are_named_are_there() -> None:
    file = compose()
    for service in services().values():
        assert set(service.get("networks", [])) <= set(file["networks"])
        assert set(service.get("secrets", [])) <= set(file["secrets"])
        assert set(service.get("depends_on", {})) <= set(services())
        for volume in service.get("volumes", []):
            source = volume.get("source") if isinstance(volume, dict) else volume.split(":")[0]
            if source is None:
                continue
            if source.startswith("."):
                assert (FOLDER / source).exists(), source
            else:
                assert source in file["volumes"]
    for one in file["networks"]:
        assert any(one in service["networks"] for service in services().values())


@pytest.mark.parametrize("role", STAGES)
def test_a_role_is_on_the_networks_of_what_it_reaches_and_waits_for_it(role: str) -> None:
    service, stage = services()[role], STAGES[role]
    check_call(service["command"])
    assert service["command"][-2:] == ["--role", role]
    assert set(service["networks"]) - {"front"} == {"log", "watch", *stage.reaches}
    assert ("front" in service["networks"]) == (role == "web")
    awaited = {name: one["condition"] for name, one in service["depends_on"].items()}
    stores = {STORES[reach]: "service_healthy" for reach in stage.reaches if reach in STORES}
    assert awaited == {"topics": "service_completed_successfully", **stores}
    secret = {name for name in service.get("environment", {}) if "PASSWORD" in name or "TOKEN" in name}
    wanted = {"PGPASSWORD"} if "control" in stage.reaches else set()
    assert secret == wanted | ({"WIREWATCH_WEB_TOKEN"} if role == "web" else set())


def test_topics_are_created_once_before_any_role_starts() -> None:
    topics = services()["topics"]
    check_call(topics["command"])
    assert topics["command"][:2] == ["topics", "create"]
    assert topics["restart"] == "on-failure"
    assert topics["depends_on"] == {"kafka": {"condition": "service_healthy"}}


def test_every_role_is_probed_by_the_program_and_has_time_to_finish() -> None:
    for role in STAGES:
        test = services()[role]["healthcheck"]["test"]
        assert test[:2] == ["CMD", "wirewatch"]
        check_call(test[2:])
        assert int(services()[role]["stop_grace_period"].removesuffix("s")) > DRAIN_SECONDS


def test_no_two_processes_share_a_data_folder() -> None:
    folder = load(FOLDER / "wirewatch.toml").data_dir
    for role in STAGES:
        (own,) = (one for one in services()[role]["volumes"] if one["target"] == str(folder))
        assert own == {"type": "volume", "target": str(folder)}, "without a name, so that each container has its own"


def test_every_service_is_bound_hardened_and_watched() -> None:
    for name, service in services().items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["mem_limit"]
        assert service["cpus"]
        assert service["pids_limit"]
        assert service["healthcheck"]
        assert service.get("read_only", False) == (name not in WRITES_ITS_ROOT)
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:")


def test_nothing_has_a_default_password_and_every_secret_is_in_the_example() -> None:
    text = FILE.read_text(encoding="utf-8")
    assert set(re.findall(r"\$\{(\w+):-", text)) == {"IMAGE_TAG"}
    assert set(re.findall(r"\$\{(\w+):\?", text)) == names_in_env_example()
    assert not re.findall(r"\$\{?\w+\}?(?![:\w])", re.sub(r"\$\{[^}]*\}", "", text))
    assert {".env", "secrets/"} <= set((FOLDER / ".gitignore").read_text().split())


def test_images_are_pinned_and_servers_are_those_that_the_tests_run_on() -> None:
    images = {name: service["image"] for name, service in services().items()}
    for name, image in images.items():
        assert re.fullmatch(r"docker\.io/\S+:v?\d\S*|wirewatch:\$\{IMAGE_TAG:-latest\}", image), name
    assert images["kafka"].endswith(f":{KAFKA.version}")
    assert images["opensearch"].endswith(f":{OPENSEARCH_3.version.removesuffix('.0')}")


def test_the_settings_name_the_services_and_prometheus_finds_the_probes() -> None:
    settings = load(FOLDER / "wirewatch.toml").settings
    assert settings.broker == f"kafka://{services()['kafka']['environment']['KAFKA_ADVERTISED_LISTENERS'][12:]}"
    assert settings.search == "opensearch://opensearch:9200"
    assert settings.control == "postgresql://wirewatch@postgres:5432/wirewatch"
    assert settings.ops.listen.endswith(f":{OPS_PORT}")
    assert services()["web"]["ports"] == [f"127.0.0.1:8765:{settings.web.listen.rpartition(':')[2]}"]
    assert services()["kafka"]["environment"]["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"
